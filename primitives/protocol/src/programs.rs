//! The programs of a run, from its specification alone: the chain and every worker build the same ones.

use crate::{
    RoundIndex, SlotIndex,
    data::{SampleId, window_offset},
    spec::RunSpec,
};
use sabha_numerics::program::{AggregateProgram, BeginProgram, FinishProgram, InitProgram, StepProgram};

/// One inner step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepId {
    /// The round.
    pub round: RoundIndex,
    /// The slot within the round.
    pub slot: SlotIndex,
    /// The inner step within the slot, from 0.
    pub step: u32,
}

/// From the run's seed to its first parameters.
pub fn init(spec: &RunSpec) -> InitProgram {
    InitProgram { model: spec.model.shape(), seed: spec.seed }
}

/// From a checkpoint to the state before a slot's first step.
pub fn begin(spec: &RunSpec) -> BeginProgram {
    BeginProgram { model: spec.model.shape() }
}

/// The learning rate of a step.
pub fn rate(spec: &RunSpec, round: RoundIndex, step: u32) -> f32 {
    spec.schedule().rate(round.saturating_mul(spec.rounds.inner_steps).saturating_add(step))
}

/// From a state to the next. `None` if the stream has no room for one window.
pub fn step(spec: &RunSpec, StepId { round, slot, step }: StepId) -> Option<StepProgram> {
    let offset = |sample| window_offset(spec, SampleId { round, slot, step, sample });
    Some(StepProgram {
        model: spec.model.shape(),
        optimiser: spec.optimiser.numerics(),
        rate: rate(spec, round, step),
        step: step.saturating_add(1),
        stream: spec.data.tokens,
        offsets: (0..spec.rounds.batch).map(offset).collect::<Option<_>>()?,
    })
}

/// From the checkpoint and a slot's last state to its update and mean loss.
pub fn finish(spec: &RunSpec) -> FinishProgram {
    FinishProgram { model: spec.model.shape(), steps: spec.rounds.inner_steps }
}

/// From the checkpoint and the updates of so many workers to the next checkpoint.
pub fn aggregate(spec: &RunSpec, workers: u64) -> AggregateProgram {
    AggregateProgram { model: spec.model.shape(), outer: spec.outer.numerics(), workers }
}
