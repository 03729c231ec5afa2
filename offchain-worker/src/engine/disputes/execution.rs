//! A book over the exact engine.

use super::{
    Lie,
    lie::What,
    traced::{Leaf, Traced},
};
use crate::{
    data::{DataError, Stream},
    engine::{
        Checkpoint, Engine, EngineError, ExactEngine, Session, State, StepOutcome,
        exact::{leaves, program},
        rounds::{Place, RoundCheckpoint, Update},
    },
    stop::Stop,
};
use rayon::prelude::*;
use sabha_numerics::{buffer_digest, program::Source, state_root};
use sabha_protocol::{
    Digest, Divergence,
    dispute::{
        Part,
        player::{Blob, Book, Buffers},
    },
    programs,
    spec::RunSpec,
    update,
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// What is executed.
pub enum Subject {
    /// A slot.
    Slot {
        /// Which.
        place: Place,
        /// Roots of states that are known, by steps done: a defender's own leaves.
        roots: BTreeMap<u32, Digest>,
        /// The state at the start of a segment, if it was kept.
        kept: Box<dyn Fn(u32) -> Option<State>>,
        /// What is told instead of the truth.
        lie: Option<Lie>,
    },
    /// The aggregation of these updates, in the order of slots.
    Aggregation(Vec<Update>),
}

/// Why something cannot be looked up.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The data cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Asked for what there is not: the game is about something else.
    #[error("there is no such {0} in what is executed")]
    None(&'static str),
    /// It was asked to stop.
    #[error("stopped")]
    Stopped,
}

/// An execution that can be looked into.
pub struct Execution<'a> {
    /// Replays steps: on whatever device trains here.
    replays: &'a dyn Engine,
    /// Keeps every output of one program: on the CPU.
    traces: &'a ExactEngine,
    spec: Arc<RunSpec>,
    stream: Option<Arc<Stream>>,
    stop: Stop,
    base: RoundCheckpoint,
    subject: Subject,
    /// Roots that were computed, by steps done.
    roots: BTreeMap<u32, Digest>,
    /// The step after which there is no state.
    diverged: Option<u32>,
    /// States that were passed last.
    states: BTreeMap<u32, State>,
    traced: Option<(Part, Traced)>,
    /// Digests of parts that were traced, the latest last: games about other steps ask for them again.
    outputs: VecDeque<(Part, Outputs)>,
    /// Digests of buffers, likewise.
    buffers: VecDeque<(Buffers, Vec<Digest>)>,
}

/// What a trace leaves: digests of the outputs, and where it left the finite numbers.
type Outputs = (Vec<Digest>, Option<(u32, u64)>);

/// States that are held: the start of the steps that are looked at, and the end.
const STATES: usize = 2;

/// Parts and states whose digests are held: many games at once are about as many of them.
const DIGESTS: usize = 64;

/// Keeps the latest of something.
fn note<K: PartialEq, V>(kept: &mut VecDeque<(K, V)>, key: K, value: V) {
    kept.retain(|(other, _)| *other != key);
    while kept.len() >= DIGESTS {
        kept.pop_front();
    }
    kept.push_back((key, value));
}

fn noted<K: PartialEq, V: Clone>(kept: &VecDeque<(K, V)>, key: K) -> Option<V> {
    kept.iter().find(|(other, _)| *other == key).map(|(_, value)| value.clone())
}

/// Whether two parts are the same program on the same start.
fn same(one: Part, other: Part) -> bool {
    match (one, other) {
        (Part::Step(one) | Part::Diverging(one), Part::Step(other) | Part::Diverging(other)) => one == other,
        (one, other) => one == other,
    }
}

impl<'a> Execution<'a> {
    /// An execution from a checkpoint. A slot needs the stream. Steps are replayed by `replays`, which has to come to the defined bits,
    /// and traced by `traces`.
    pub fn new(
        replays: &'a dyn Engine,
        traces: &'a ExactEngine,
        spec: Arc<RunSpec>,
        stream: Option<Arc<Stream>>,
        base: RoundCheckpoint,
        subject: Subject,
    ) -> Self {
        let roots = match &subject {
            Subject::Slot { roots, .. } => roots.clone(),
            Subject::Aggregation(_) => BTreeMap::new(),
        };
        Self {
            replays,
            traces,
            spec,
            stream,
            stop: Stop::new(),
            base,
            subject,
            roots,
            diverged: None,
            states: BTreeMap::new(),
            traced: None,
            outputs: VecDeque::new(),
            buffers: VecDeque::new(),
        }
    }

    /// The same, but it ends with [`ExecutionError::Stopped`] at the next step once `stop` is raised.
    #[must_use]
    pub fn until(self, stop: Stop) -> Self {
        Self { stop, ..self }
    }

    /// Gives back the memory of states and traces. What is asked for next is executed again; roots and digests are kept.
    pub fn rest(&mut self) {
        self.states.clear();
        self.traced = None;
    }

    /// Whether a part's trace is at hand.
    pub fn holds(&self, part: Part) -> bool {
        self.traced.as_ref().is_some_and(|(held, _)| same(*held, part))
    }

    fn slot(&self) -> Result<(Place, Option<Lie>, Arc<Stream>), ExecutionError> {
        let Subject::Slot { place, lie, .. } = &self.subject else {
            return Err(ExecutionError::None("slot"));
        };
        Ok((*place, *lie, self.stream.clone().ok_or(ExecutionError::None("stream"))?))
    }

    /// The state that is nearest to so many steps, and not beyond.
    fn nearest(&self, steps: u32) -> State {
        let held = self.states.range(..=steps).next_back().map(|(_, state)| state);
        let segment = steps.checked_div(self.spec.rounds.segment_steps).unwrap_or(0);
        let from = held.map_or(0, |state| state.step);
        if let Subject::Slot { kept, .. } = &self.subject
            && segment.saturating_mul(self.spec.rounds.segment_steps) > from
            && let Some(state) = kept(segment)
        {
            return state;
        }
        held.cloned().unwrap_or_else(|| State::begin(self.base.parameters().clone()))
    }

    fn hold(&mut self, state: &State) {
        self.states.insert(state.step, state.clone());
        while self.states.len() > STATES {
            // The earlier ones: games go from a segment's start to its end, and then to one step.
            self.states.pop_first();
        }
    }

    /// Where the slot leaves the finite numbers.
    ///
    /// # Errors
    /// If it does not, or cannot be executed.
    pub fn divergence(&mut self) -> Result<Divergence, ExecutionError> {
        // Every state that there is was passed by now.
        let step = self.diverged.ok_or(ExecutionError::None("divergence"))?;
        let (instruction, element) =
            self.digests(Part::Diverging(step))?.1.ok_or(ExecutionError::None("divergence"))?;
        Ok(Divergence { step, instruction, element: u32::try_from(element).unwrap_or(u32::MAX) })
    }

    /// Root of the checkpoint that an aggregation ends with.
    ///
    /// # Errors
    /// If it cannot be executed.
    pub fn next_root(&mut self) -> Result<Digest, ExecutionError> {
        let buffers = self.base.parameters().values().len().saturating_mul(2);
        let traced = self.trace(Part::Aggregate)?;
        let mut digests = Vec::with_capacity(buffers);
        for index in 0..buffers {
            let bytes: Vec<u8> = traced.end(index)?.iter().flat_map(|word| word.to_le_bytes()).collect();
            digests.push(Digest::of(&bytes).0);
        }
        Ok(Digest(state_root(&digests)))
    }

    /// The state after so many steps; none if the slot leaves the finite numbers before. Notes all roots on the way.
    ///
    /// # Errors
    /// If it cannot be executed.
    pub fn state_after(&mut self, steps: u32) -> Result<Option<State>, ExecutionError> {
        if self.diverged.is_some_and(|at| steps > at) {
            return Ok(None);
        }
        let mut state = self.nearest(steps);
        self.roots.insert(state.step, state.root());
        let mut session: Option<Box<dyn Session>> = None;
        let (place, lie, stream) = self.slot()?;
        while state.step < steps {
            if self.stop.is_raised() {
                return Err(ExecutionError::Stopped);
            }
            let step = session.as_ref().map_or(state.step, |session| session.steps_done());
            if step >= steps {
                break;
            }
            if lie.and_then(|lie| lie.in_step(step)).is_some() {
                if let Some(session) = session.take() {
                    state = session.state()?;
                }
                let traced = self.trace_step(step, &state)?;
                if traced.diverged.is_some() {
                    self.diverged = Some(step);
                    return Ok(None);
                }
                let names = state.checkpoint.parameters().to_vec();
                // Its ends are leaves of the next state.
                state = leaves::read_words(&names, step.saturating_add(1), |leaf| traced.end(leaf))?;
                self.roots.insert(state.step, state.root());
                continue;
            }
            let running = match &mut session {
                Some(session) => session,
                None => session.insert(self.replays.resume(&self.spec, &state)?),
            };
            let batch = stream.training_batch(&self.spec, place.round, place.slot, step)?;
            let rate = programs::rate(&self.spec, place.round, step);
            if let StepOutcome::Diverged(_) = running.step(&batch, rate)? {
                self.diverged = Some(step);
                return Ok(None);
            }
            self.roots.insert(running.steps_done(), running.digest()?);
            if running.steps_done() == steps {
                state = running.state()?;
            }
        }
        self.hold(&state);
        Ok(Some(state))
    }

    fn trace_step(&self, step: u32, state: &State) -> Result<Traced, ExecutionError> {
        let (place, lie, stream) = self.slot()?;
        let batch = stream.training_batch(&self.spec, place.round, place.slot, step)?;
        let rate = programs::rate(&self.spec, place.round, step);
        let program = program(&self.spec, rate, step.saturating_add(1), batch.samples);
        let number = [state.step];
        let loss = [state.loss_sum];
        let parts = state.checkpoint.values().iter().zip(&state.moment1).zip(&state.moment2);
        let mut leaves: Vec<Leaf<'_>> = parts
            .flat_map(|((value, first), second)| [value, first, second].map(|part| Leaf::Floats(part)))
            .collect();
        leaves.extend([Leaf::Integers(&number), Leaf::Floats(&loss)]);
        let lie = lie.and_then(|lie| lie.in_step(step));
        Ok(Traced::of(self.traces, &program, &leaves, vec![batch.inputs, batch.targets], lie)?)
    }

    fn trace(&mut self, part: Part) -> Result<&Traced, ExecutionError> {
        if !self.holds(part) {
            // Its memory first.
            self.traced = None;
            let traced = self.execute(part)?;
            note(&mut self.outputs, part, (traced.outputs.clone(), traced.diverged));
            self.traced = Some((part, traced));
        }
        self.traced.as_ref().map(|(_, traced)| traced).ok_or(ExecutionError::None("part"))
    }

    fn execute(&mut self, part: Part) -> Result<Traced, ExecutionError> {
        let floats = |values: &'_ [Vec<f32>]| -> Vec<Vec<f32>> { values.to_vec() };
        match part {
            Part::Step(step) | Part::Diverging(step) => {
                let state = self.state_after(step)?.ok_or(ExecutionError::None("state"))?;
                self.trace_step(step, &state)
            }
            Part::Begin => {
                let leaves: Vec<Leaf<'_>> =
                    self.base.parameters().values().iter().map(|values| Leaf::Floats(values)).collect();
                Ok(Traced::of(self.traces, &programs::begin(&self.spec), &leaves, Vec::new(), None)?)
            }
            Part::Finish => {
                let steps = self.spec.rounds.inner_steps;
                let end = self.state_after(steps)?.ok_or(ExecutionError::None("state"))?;
                let loss = [end.loss_sum];
                let parameters = self.base.parameters().values().iter().chain(end.checkpoint.values());
                let mut leaves: Vec<Leaf<'_>> = parameters.map(|values| Leaf::Floats(values)).collect();
                leaves.push(Leaf::Floats(&loss));
                Ok(Traced::of(self.traces, &programs::finish(&self.spec), &leaves, Vec::new(), None)?)
            }
            Part::Aggregate => {
                let Subject::Aggregation(updates) = &self.subject else {
                    return Err(ExecutionError::None("aggregation"));
                };
                let momenta = floats(self.base.momenta());
                let values = self.base.parameters().values().iter().chain(&momenta);
                let mut leaves: Vec<Leaf<'_>> = values.map(|values| Leaf::Floats(values)).collect();
                for update in updates {
                    leaves.extend(update.buffers().map(Leaf::Integers));
                }
                let program = programs::aggregate(&self.spec, updates.len() as u64);
                Ok(Traced::of(self.traces, &program, &leaves, Vec::new(), None)?)
            }
        }
    }

    /// What a trace leaves, without its memory if that is gone.
    fn digests(&mut self, part: Part) -> Result<Outputs, ExecutionError> {
        let kept =
            self.outputs.iter().find(|(held, _)| same(*held, part)).map(|(_, outputs)| outputs.clone());
        match kept {
            Some(outputs) => Ok(outputs),
            None => {
                let traced = self.trace(part)?;
                Ok((traced.outputs.clone(), traced.diverged))
            }
        }
    }

    /// The slot's own update.
    fn own_update(&mut self) -> Result<Vec<u8>, ExecutionError> {
        let (place, lie, _) = self.slot()?;
        let mut blob = update::header(&place.spec, place.round, place.slot).to_vec();
        let buffers = self.base.parameters().values().len().saturating_mul(2);
        let traced = self.trace(Part::Finish)?;
        for index in 0..buffers {
            blob.extend(traced.end(index)?.iter().flat_map(|word| word.to_le_bytes()));
        }
        if let (Some(Lie { what: What::Update, .. }), Some(code)) = (lie, blob.get_mut(update::HEADER)) {
            *code = if *code == 1 { 2 } else { 1 };
        }
        Ok(blob)
    }
}

fn digests_of<'v>(buffers: impl Iterator<Item = &'v Vec<f32>>) -> Vec<Digest> {
    let buffers: Vec<&Vec<f32>> = buffers.collect();
    buffers.par_iter().map(|buffer| Digest(buffer_digest(buffer))).collect()
}

fn base_digests(parameters: &Checkpoint, momenta: &[Vec<f32>]) -> Vec<Digest> {
    digests_of(parameters.values().iter().chain(momenta))
}

impl Book for Execution<'_> {
    type Error = ExecutionError;

    fn state(&mut self, steps: u32) -> Result<Option<Digest>, ExecutionError> {
        if let Some(root) = self.roots.get(&steps) {
            return Ok(Some(*root));
        }
        Ok(self.state_after(steps)?.map(|state| state.root()))
    }

    fn buffers(&mut self, of: Buffers) -> Result<Vec<Digest>, ExecutionError> {
        if let Some(digests) = noted(&self.buffers, of) {
            return Ok(digests);
        }
        let digests = match of {
            Buffers::Base => base_digests(self.base.parameters(), self.base.momenta()),
            Buffers::State(steps) => {
                let state = self.state_after(steps)?.ok_or(ExecutionError::None("state"))?;
                let parts = state.checkpoint.values().iter().zip(&state.moment1).zip(&state.moment2);
                let mut all = digests_of(parts.flat_map(|((value, first), second)| [value, first, second]));
                all.push(Digest::of(&state.step.to_le_bytes()));
                all.push(Digest::of(&state.loss_sum.to_le_bytes()));
                all
            }
        };
        note(&mut self.buffers, of, digests.clone());
        Ok(digests)
    }

    fn outputs(&mut self, part: Part) -> Result<Vec<Digest>, ExecutionError> {
        Ok(self.digests(part)?.0)
    }

    fn diverges(&mut self, part: Part) -> Result<Option<(u32, u64)>, ExecutionError> {
        // Nothing else may leave them.
        match part {
            Part::Step(_) | Part::Diverging(_) => Ok(self.digests(part)?.1),
            Part::Begin | Part::Finish | Part::Aggregate => Ok(None),
        }
    }

    fn words(&mut self, part: Part, source: Source) -> Result<Cow<'_, [u32]>, ExecutionError> {
        let words = self.trace(part)?.words(source)?;
        words.map(Cow::Owned).ok_or(ExecutionError::None("buffer"))
    }

    fn content(&mut self, blob: Blob) -> Result<Cow<'_, [u8]>, ExecutionError> {
        match (blob, &self.subject) {
            (Blob::Stream, _) => {
                let stream = self.stream.as_ref().ok_or(ExecutionError::None("stream"))?;
                Ok(Cow::Owned(stream.bytes()?))
            }
            (Blob::Own, _) => Ok(Cow::Owned(self.own_update()?)),
            (Blob::Update(place), Subject::Aggregation(updates)) => {
                let update = usize::try_from(place).ok().and_then(|place| updates.get(place));
                Ok(Cow::Owned(update.ok_or(ExecutionError::None("update"))?.to_blob()))
            }
            (Blob::Update(_), Subject::Slot { .. }) => Err(ExecutionError::None("update")),
        }
    }
}
