//! What happens between the slots of a round: from the end of a slot to its update, and from all updates to the next checkpoint, by
//! the exact engine.
//!
//! ```text
//!  checkpoint ──begin──► state ──step × H──► state ──finish──► update ─┐
//!      │                                                               ├─aggregate──► next checkpoint
//!      └───────────────────────────────── other slots ──────► update ──┘
//! ```
//!
//! | module | subject |
//! |---|---|
//! | [`update`] | a slot's update as a blob |
//! | [`checkpoint`] | parameters and outer momenta, their root and their blob |
//! | [`leaves`] | the state roots of a slot as an object |
//! | [`store`] | publishing and fetching all three |
//!
//! Results are the same bits on every machine, with any number of threads, in whatever order updates arrive.

pub mod checkpoint;
pub mod leaves;
pub mod store;
pub mod update;

pub use self::{
    checkpoint::{RoundCheckpoint, checkpoint_bytes, root_of_blob},
    update::{Place, Update, UpdateError, update_bytes},
};

use super::{Checkpoint, EngineError, State};
use candle_core::Device;
use sabha_engine::{
    executor::{ExecuteError, Executor},
    kernels::Context,
    plan::{Plan, Purpose},
};
use sabha_numerics::program::{AggregateProgram, FinishProgram};
use sabha_protocol::{
    SlotIndex,
    spec::{RunSpec, limits},
};

/// What a slot came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// Its update.
    pub update: Update,
    /// Mean training loss over its steps, in nats per token.
    pub mean_loss: f32,
}

/// Why updates make no checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum AggregateError {
    /// Too few or too many.
    #[error("{0} updates cannot be aggregated: there must be 1 to {max}", max = limits::SLOTS)]
    Count(usize),
    /// Of different rounds or runs.
    #[error("the updates are of different rounds: slot {0}'s is of another one than the first")]
    Mixed(SlotIndex),
    /// Two of one slot.
    #[error("slot {0} has two updates")]
    Twice(SlotIndex),
    /// A checkpoint so large that an update takes it beyond the finite numbers.
    #[error("instruction {instruction} of the aggregation leaves the finite numbers at element {element}")]
    NotFinite {
        /// The instruction.
        instruction: u32,
        /// The element of its output.
        element: u64,
    },
    /// It was stopped.
    #[error("the aggregation was stopped")]
    Stopped,
    /// The engine failed, or the checkpoint is of another model.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<ExecuteError> for AggregateError {
    fn from(error: ExecuteError) -> Self {
        Self::Engine(error.into())
    }
}

/// The state before a slot's first step: the checkpoint's parameters, fresh moments, no steps, no loss. Leaf 0 of a slot's
/// `segments_root` is its root.
pub fn begin(checkpoint: &RoundCheckpoint) -> State {
    State::begin(checkpoint.parameters().clone())
}

/// A slot's update and mean loss, from the parameters it began with, those it ended with, and the sum of its steps' losses.
///
/// # Errors
/// If the parameters are of another model than the specification's, or the engine fails.
pub fn finish(
    spec: &RunSpec,
    place: Place,
    start: &Checkpoint,
    end: &Checkpoint,
    loss_sum: f32,
) -> Result<Finished, EngineError> {
    super::exact::belongs(start, &spec.model)?;
    super::exact::belongs(end, &spec.model)?;
    let program = FinishProgram { model: spec.model.shape(), steps: spec.rounds.inner_steps };
    let mut executor = Executor::new(&program, Purpose::Compute, &Device::Cpu, Context::new())?;
    let parameters = start.values().iter().chain(end.values());
    for (leaf, values) in parameters.map(Vec::as_slice).chain([&[loss_sum][..]]).enumerate() {
        executor.set_leaf(leaf, values)?;
    }
    if let Some(at) = executor.run(&program, &[])? {
        // Codes are whole numbers: only the mean of losses could be.
        return Err(EngineError::Backend(format!(
            "the mean loss is not finite (instruction {})",
            at.instruction
        )));
    }
    let buffers = start.values().len() * 2;
    let words: Result<Vec<Vec<u32>>, ExecuteError> = (0..buffers).map(|index| executor.end(index)).collect();
    let mean_loss = executor.end(buffers)?.first().copied().unwrap_or(0);
    Ok(Finished { update: Update::from_buffers(place, &words?), mean_loss: f32::from_bits(mean_loss) })
}

/// The next checkpoint, from the one that a round began with and its accepted updates, in whatever order. `go_on` is asked now and
/// then.
///
/// # Errors
/// [`AggregateError`] says what is wrong with the updates; [`AggregateError::Stopped`] if `go_on` says no.
pub fn aggregate(
    spec: &RunSpec,
    base: &RoundCheckpoint,
    mut updates: Vec<Update>,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<RoundCheckpoint, AggregateError> {
    super::exact::belongs(base.parameters(), &spec.model)?;
    // In the program, a worker's place is its slot's among the accepted ones.
    updates.sort_by_key(Update::place);
    check_places(spec, &updates)?;
    let program = aggregation(spec, updates.len());
    let mut executor = Executor::new(&program, Purpose::Compute, &Device::Cpu, Context::new())?;
    let mut leaf = 0;
    for values in base.parameters().values().iter().chain(base.momenta()) {
        executor.set_leaf(leaf, values)?;
        leaf += 1;
    }
    // Each is dropped as soon as the executor has it.
    for update in updates {
        for words in update.buffers() {
            executor.set_integer_leaf(leaf, words)?;
            leaf += 1;
        }
    }
    let mut watch = |_, _: &_| {
        // The only error that a watcher can end a program with.
        if go_on() { Ok(()) } else { Err(candle_core::Error::Msg("it was stopped".into()).into()) }
    };
    match executor.run_watched(&program, &[], &mut watch) {
        Ok(None) => {}
        Ok(Some(at)) => {
            let (instruction, element) = (at.instruction, at.element);
            return Err(AggregateError::NotFinite { instruction, element });
        }
        Err(_) if !go_on() => return Err(AggregateError::Stopped),
        Err(error) => return Err(error.into()),
    }
    let count = base.momenta().len();
    let floats = |index| -> Result<Vec<f32>, ExecuteError> {
        Ok(executor.end(index)?.into_iter().map(f32::from_bits).collect())
    };
    let values: Result<_, _> = (0..count).map(floats).collect();
    let momenta: Result<_, _> = (count..count * 2).map(floats).collect();
    let parameters = Checkpoint::from_parts(base.parameters().parameters().to_vec(), values?);
    Ok(RoundCheckpoint::from_parts(parameters, momenta?))
}

fn check_places(spec: &RunSpec, updates: &[Update]) -> Result<(), AggregateError> {
    let first = match updates {
        [first, ..] if updates.len() <= usize::from(limits::SLOTS) => first.place(),
        _ => return Err(AggregateError::Count(updates.len())),
    };
    let run = spec.hash();
    for place in updates.iter().map(Update::place) {
        if (place.spec, place.round) != (run, first.round) {
            return Err(AggregateError::Mixed(place.slot));
        }
    }
    for (one, next) in updates.iter().zip(updates.iter().skip(1)) {
        if one.place() == next.place() {
            return Err(AggregateError::Twice(one.place().slot));
        }
    }
    Ok(())
}

fn aggregation(spec: &RunSpec, workers: usize) -> AggregateProgram {
    AggregateProgram { model: spec.model.shape(), outer: spec.outer.numerics(), workers: workers as u64 }
}

/// Bytes that an aggregation of a round with all its slots works in, besides the checkpoint that it begins with and the one that it
/// makes: updates, sums, means. Saturates.
pub fn aggregation_bytes(spec: &RunSpec) -> u64 {
    let slots = u64::from(spec.rounds.slots);
    // Each update is a leaf; one of them is a blob, too, while it is read.
    let updates = update_bytes(&spec.model).saturating_mul(slots.saturating_add(1));
    let copies = spec.model.parameter_count().saturating_mul(16);
    // More workers change what is read, hardly what is held at once.
    let plan = if spec.model.check().is_ok() {
        Plan::new(&aggregation(spec, 2), Purpose::Compute).bytes() as u64
    } else {
        spec.model.parameter_count().saturating_mul(32)
    };
    updates.saturating_add(copies).saturating_add(plan)
}

#[cfg(test)]
mod cheats;
#[cfg(test)]
mod tests;
