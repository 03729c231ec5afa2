//! Re-execution of a segment with everything written down, to find where two machines part.
//!
//! Roots at the ends of segments say *that* two results differ. A [`Trace`] says where: the root after each step, and for each
//! step the digest of every instruction's output. Two traces part at the first step whose roots differ, and there at the first
//! instruction whose digests differ; with that instruction's words from both machines, at the first element that differs. These
//! are the places that a dispute narrows down to.

use super::{
    Checkpoint, Engine, EngineError, ExactEngine, State, StepOutcome,
    exact::{leaves, program},
    rounds::{self, Finished, finish},
};
use crate::{data::Stream, stop::Stop};
use sabha_engine::{
    executor::{digests, words},
    plan::Purpose,
};
use sabha_protocol::{
    Commitment, Digest, Divergence, Outcome, RoundIndex, SlotIndex, programs::rate, segments_root,
    spec::RunSpec,
};
use serde::{Deserialize, Serialize};

/// Which segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The round.
    pub round: RoundIndex,
    /// The slot in the round.
    pub slot: SlotIndex,
    /// The segment of the slot, from 0.
    pub segment: u32,
}

/// What one step came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepTrace {
    /// The step of the slot, from 0.
    pub step: u32,
    /// The state's root after it; None for the step in which the segment left the finite numbers, and ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Digest>,
    /// The digest of each instruction's output, in order, as far as the step went. Those of tokens are left out: the data is given.
    pub outputs: Vec<(u32, Digest)>,
}

/// A segment, executed with everything written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// Hash of the specification.
    pub spec: Digest,
    /// Which segment.
    pub segment: Segment,
    /// The state's root before the first step.
    pub start: Digest,
    /// The steps; the last one is cut short if the segment diverged.
    pub steps: Vec<StepTrace>,
    /// Where it left the finite numbers, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diverged: Option<Place>,
}

/// A place in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The step of the slot, from 0.
    pub step: u32,
    /// The instruction of the step's program, from 0.
    pub instruction: u32,
    /// The element of its output, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<u64>,
}

impl From<Divergence> for Place {
    fn from(Divergence { step, instruction, element }: Divergence) -> Self {
        Self { step, instruction, element: Some(element.into()) }
    }
}

/// How two traces compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// They are of different work, and say nothing about each other.
    Unrelated,
    /// They start from different states.
    Starts,
    /// The other one is no trace of a whole segment: steps are missing, or it does not end where it says that it diverged.
    Broken,
    /// They part here.
    Parts(Place),
    /// They are the same.
    Same,
}

impl Trace {
    /// The state's root after the last whole step.
    pub fn end(&self) -> Digest {
        self.steps.iter().rev().find_map(|step| step.root).unwrap_or(self.start)
    }

    /// Whether the steps are those of a segment of `length` steps that starts at step `first`, or was cut short where it diverged.
    fn is_whole(&self, first: u32, length: u32) -> bool {
        let in_order = (first..).zip(&self.steps).all(|(step, trace)| trace.step == step);
        let (last, before) = match self.steps.split_last() {
            Some((last, before)) => (Some(last), before),
            None => (None, self.steps.as_slice()),
        };
        let before_are_whole = before.iter().all(|step| step.root.is_some());
        let ends_well = match (self.diverged, last) {
            (Some(place), Some(last)) => {
                let reached = last.outputs.iter().all(|(instruction, _)| *instruction < place.instruction);
                last.root.is_none() && last.step == place.step && reached
            }
            (None, last) => {
                last.is_none_or(|last| last.root.is_some()) && self.steps.len() == length as usize
            }
            (Some(_), None) => false,
        };
        in_order && before_are_whole && ends_well && self.steps.len() <= length as usize
    }

    /// Where this trace and another of the same segment of `spec` part.
    pub fn compare(&self, other: &Trace, spec: &RunSpec) -> Comparison {
        if (self.spec, self.segment) != (other.spec, other.segment) {
            return Comparison::Unrelated;
        }
        if self.start != other.start {
            return Comparison::Starts;
        }
        let length = spec.rounds.segment_steps;
        if !other.is_whole(self.segment.segment.saturating_mul(length), length) {
            return Comparison::Broken;
        }
        for (mine, theirs) in self.steps.iter().zip(&other.steps) {
            if let Some(place) = parting(mine, theirs, self.diverged, other.diverged) {
                return Comparison::Parts(place);
            }
        }
        // A step in which both diverged has the same outputs up to the place in each: it is the same place, or the earlier one.
        match (self.diverged, other.diverged) {
            (Some(mine), Some(theirs)) if mine != theirs => {
                Comparison::Parts(if theirs.at() < mine.at() { theirs } else { mine })
            }
            _ => Comparison::Same,
        }
    }
}

impl Place {
    /// For comparison: what comes first.
    fn at(&self) -> (u32, u32, Option<u64>) {
        (self.step, self.instruction, self.element)
    }
}

/// Where two traces of one step part: at the first output that differs, at an instruction that only one of them came to, or, where all
/// outputs agree and the states do not, at the last instruction: whoever made the other trace changed the state behind its back.
fn parting(
    mine: &StepTrace,
    theirs: &StepTrace,
    my_end: Option<Place>,
    their_end: Option<Place>,
) -> Option<Place> {
    let step = mine.step;
    let named = |instruction| Place { step, instruction, element: None };
    let differing = mine.outputs.iter().zip(&theirs.outputs).find(|(mine, theirs)| mine != theirs);
    if let Some((mine, theirs)) = differing {
        return Some(named(mine.0.min(theirs.0)));
    }
    match (mine.root, theirs.root) {
        (Some(my_root), Some(their_root)) => {
            let longer =
                if mine.outputs.len() > theirs.outputs.len() { &mine.outputs } else { &theirs.outputs };
            let shorter = mine.outputs.len().min(theirs.outputs.len());
            if let Some((instruction, _)) = longer.get(shorter) {
                return Some(named(*instruction));
            }
            let last = mine.outputs.last().map_or(0, |(instruction, _)| *instruction);
            (my_root != their_root).then(|| named(last))
        }
        // One of them diverged here, where the other went on.
        (None, Some(_)) => my_end,
        (Some(_), None) => their_end,
        // Both did: not at the same instruction if one came further.
        (None, None) => match mine.outputs.len().cmp(&theirs.outputs.len()) {
            core::cmp::Ordering::Less => my_end,
            core::cmp::Ordering::Greater => their_end,
            core::cmp::Ordering::Equal => None,
        },
    }
}

/// The first word that differs.
pub fn first_difference(mine: &[u32], theirs: &[u32]) -> Option<u64> {
    let parting = mine.iter().zip(theirs).position(|(mine, theirs)| mine != theirs);
    let shorter = (mine.len() != theirs.len()).then(|| mine.len().min(theirs.len()));
    parting.or(shorter).map(|element| element as u64)
}

/// One instruction's output, to be compared element by element.
pub type Words = Vec<u32>;

/// What to keep of a replay.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keep {
    /// Keep this output's words: step of the slot, instruction.
    pub output: Option<(u32, u32)>,
}

/// Whether a run's steps can be replayed.
///
/// # Errors
/// If the run follows another numerics version.
pub fn check_version(engine: &ExactEngine, spec: &RunSpec) -> Result<(), EngineError> {
    if engine.follows(spec.numerics_version) {
        return Ok(());
    }
    Err(EngineError::Numerics { wanted: spec.numerics_version, device: engine.describe() })
}

/// The state at a segment's start, from the checkpoint that its round starts from.
///
/// # Errors
/// If the data or the engine fails, it was stopped, or the slot diverges before the segment.
pub fn state_at(
    engine: &ExactEngine,
    spec: &RunSpec,
    stream: &Stream,
    checkpoint: &Checkpoint,
    at: Segment,
    stop: &Stop,
) -> anyhow::Result<State> {
    let mut session = engine.begin(spec, checkpoint)?;
    let first = at.segment.saturating_mul(spec.rounds.segment_steps);
    for step in 0..first {
        go_on(stop)?;
        let batch = stream.training_batch(spec, at.round, at.slot, step)?;
        if let StepOutcome::Diverged(divergence) = session.step(&batch, rate(spec, at.round, step))? {
            anyhow::bail!("the slot diverges at step {}, before segment {}", divergence.step, at.segment);
        }
    }
    Ok(session.state()?)
}

/// What a slot comes to, from the checkpoint that its round starts from: what its worker has to commit; and its leaves.
///
/// # Errors
/// If the run follows another numerics version, the data or the engine fails, or it was stopped.
pub fn slot(
    engine: &ExactEngine,
    spec: &RunSpec,
    stream: &Stream,
    checkpoint: &Checkpoint,
    place: rounds::Place,
    stop: &Stop,
    observe: &mut dyn FnMut(u32),
) -> anyhow::Result<(Outcome, Vec<Digest>)> {
    check_version(engine, spec)?;
    let mut session = engine.begin(spec, checkpoint)?;
    let mut leaves = vec![session.digest()?];
    for step in 0..spec.rounds.inner_steps {
        go_on(stop)?;
        let batch = stream.training_batch(spec, place.round, place.slot, step)?;
        if let StepOutcome::Diverged(divergence) = session.step(&batch, rate(spec, place.round, step))? {
            return Ok((Outcome::Diverged(divergence), leaves));
        }
        if session.steps_done().checked_rem(spec.rounds.segment_steps) == Some(0) {
            leaves.push(session.digest()?);
        }
        observe(step);
    }
    let end = session.state()?;
    let Finished { update, mean_loss } = finish(spec, place, checkpoint, &end.checkpoint, end.loss_sum)?;
    let commitment = Commitment {
        segments_root: segments_root(&leaves),
        update_digest: Digest::of(&update.to_blob()),
        mean_loss: mean_loss.into(),
    };
    Ok((Outcome::Trained(commitment), leaves))
}

fn go_on(stop: &Stop) -> anyhow::Result<()> {
    if stop.is_raised() {
        Err(stop.error("the replay was stopped: nothing is lost, begin again"))
    } else {
        Ok(())
    }
}

/// Executes a segment from its start, with everything written down.
///
/// # Errors
/// If the run follows another numerics version, the data or the engine fails, or it was stopped.
pub fn trace(
    engine: &ExactEngine,
    spec: &RunSpec,
    stream: &Stream,
    start: &State,
    at: Segment,
    keep: Keep,
    stop: &Stop,
    observe: &mut dyn FnMut(u32),
) -> anyhow::Result<(Trace, Option<Words>)> {
    check_version(engine, spec)?;
    let mut trace =
        Trace { spec: spec.hash(), segment: at, start: start.root(), steps: Vec::new(), diverged: None };
    let mut state = start.clone();
    let mut kept = None;
    for _ in 0..spec.rounds.segment_steps {
        go_on(stop)?;
        let step = state.step;
        let batch = stream.training_batch(spec, at.round, at.slot, step)?;
        let rate = rate(spec, at.round, step);
        let program = program(spec, rate, step.saturating_add(1), batch.samples);
        let mut executor = engine.executor(&program, Purpose::Trace)?;
        leaves::load(&mut executor, &state)?;
        let mut outputs = Vec::new();
        let mut watch = |index: u32, output: &candle_core::Tensor| {
            outputs.push((
                index,
                Digest(digests(std::slice::from_ref(output))?.first().copied().unwrap_or_default()),
            ));
            if keep.output == Some((step, index)) {
                kept = Some(words(output)?);
            }
            Ok(())
        };
        let end = executor.run_watched(&program, &[&batch.inputs, &batch.targets], &mut watch)?;
        if let Some(found) = end {
            let (instruction, element) = (found.instruction, Some(found.element));
            trace.diverged = Some(Place { step, instruction, element });
            // A GPU tells at the end of a step only.
            outputs.retain(|(reached, _)| *reached < instruction);
            trace.steps.push(StepTrace { step, root: None, outputs });
            break;
        }
        let parameters = state.checkpoint.parameters();
        state = leaves::read(parameters, step.saturating_add(1), |leaf| executor.end(leaf))?;
        trace.steps.push(StepTrace { step, root: Some(state.root()), outputs });
        observe(step);
    }
    Ok((trace, kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{
        init,
        testing::{text_stream, tiny_spec},
    };
    use sabha_protocol::NUMERICS_EXACT;

    fn fixture() -> (tempfile::TempDir, RunSpec, Stream) {
        text_stream(RunSpec { numerics_version: NUMERICS_EXACT, ..tiny_spec() })
    }

    const AT: Segment = Segment { round: 0, slot: 0, segment: 1 };

    fn replay(spec: &RunSpec, stream: &Stream, start: &State, keep: Keep) -> (Trace, Option<Words>) {
        trace(&ExactEngine::cpu(), spec, stream, start, AT, keep, &Stop::new(), &mut |_| ()).unwrap()
    }

    #[test]
    fn a_replayed_segment_ends_in_the_roots_of_training() {
        let (_folder, spec, stream) = fixture();
        let checkpoint = init::initial(&spec.model, 5);
        let mut session = ExactEngine::cpu().begin(&spec, &checkpoint).unwrap();
        let mut roots = vec![session.digest().unwrap()];
        for step in 0..4 {
            let batch = stream.training_batch(&spec, 0, 0, step).unwrap();
            session.step(&batch, rate(&spec, 0, step)).unwrap();
            roots.push(session.digest().unwrap());
        }
        let start = state_at(&ExactEngine::cpu(), &spec, &stream, &checkpoint, AT, &Stop::new()).unwrap();
        let (trace, _) = replay(&spec, &stream, &start, Keep::default());
        assert_eq!((trace.start, trace.end()), (roots[2], roots[4]), "segments of two steps");
        assert_eq!(trace.steps[0].root, Some(roots[3]));
        assert_eq!(trace.compare(&trace.clone(), &spec), Comparison::Same);
        let text = serde_json::to_string(&trace).unwrap();
        assert_eq!(serde_json::from_str::<Trace>(&text).unwrap(), trace);
    }

    /// A lie in one element of one instruction of one step, as a cheat would plant it, is named.
    #[test]
    fn a_lie_is_named_by_step_instruction_and_element() {
        let (_folder, spec, stream) = fixture();
        let checkpoint = init::initial(&spec.model, 5);
        let start = state_at(&ExactEngine::cpu(), &spec, &stream, &checkpoint, AT, &Stop::new()).unwrap();
        let (honest, _) = replay(&spec, &stream, &start, Keep::default());
        let place = honest.steps[1].outputs[100];
        let (_, words) = replay(&spec, &stream, &start, Keep { output: Some((3, place.0)) });
        let words = words.unwrap();
        let mut lie = words.clone();
        lie[7] ^= 1;
        let mut false_trace = honest.clone();
        false_trace.steps[1].outputs[100].1 = Digest([1; 32]);
        false_trace.steps[1].root = Some(Digest([2; 32]));
        let expected = Place { step: 3, instruction: place.0, element: None };
        assert_eq!(honest.compare(&false_trace, &spec), Comparison::Parts(expected));
        assert_eq!(first_difference(&words, &lie), Some(7));
        assert_eq!(first_difference(&words, &words), None);
        assert_eq!(first_difference(&words, &words[1..]).map(|at| at < words.len() as u64), Some(true));
    }

    #[test]
    fn traces_of_other_work_are_not_compared() {
        let (_folder, spec, stream) = fixture();
        let checkpoint = init::initial(&spec.model, 5);
        let start = state_at(&ExactEngine::cpu(), &spec, &stream, &checkpoint, AT, &Stop::new()).unwrap();
        let (trace, _) = replay(&spec, &stream, &start, Keep::default());
        let other = Trace { segment: Segment { round: 1, ..AT }, ..trace.clone() };
        assert_eq!(trace.compare(&other, &spec), Comparison::Unrelated);
        let other = Trace { start: Digest([9; 32]), ..trace.clone() };
        assert_eq!(trace.compare(&other, &spec), Comparison::Starts);
        let yardstick = RunSpec { numerics_version: sabha_protocol::NUMERICS_YARDSTICK, ..spec.clone() };
        let refused = super::trace(
            &ExactEngine::cpu(),
            &yardstick,
            &stream,
            &start,
            AT,
            Keep::default(),
            &Stop::new(),
            &mut |_| (),
        );
        assert!(refused.unwrap_err().to_string().contains("version 0"));
    }

    #[test]
    fn traces_with_missing_steps_are_not_taken_for_the_same() {
        let (_folder, spec, stream) = fixture();
        let checkpoint = init::initial(&spec.model, 5);
        let start = state_at(&ExactEngine::cpu(), &spec, &stream, &checkpoint, AT, &Stop::new()).unwrap();
        let (trace, _) = replay(&spec, &stream, &start, Keep::default());
        let broken: [fn(&mut Trace); 6] = [
            |trace| trace.steps.clear(),
            |trace| trace.steps.truncate(1),
            |trace| trace.steps[0].root = None,
            |trace| trace.steps[1].root = None,
            |trace| trace.steps[1].step = 9,
            |trace| trace.diverged = Some(Place { step: 3, instruction: 0, element: None }),
        ];
        for change in broken {
            let mut other = trace.clone();
            change(&mut other);
            assert_eq!(trace.compare(&other, &spec), Comparison::Broken, "{:?}", other.diverged);
        }
        let mut short = trace.clone();
        short.steps[1].outputs.pop();
        let last = trace.steps[1].outputs.last().unwrap().0;
        let place = Place { step: 3, instruction: last, element: None };
        assert_eq!(trace.compare(&short, &spec), Comparison::Parts(place));
    }

    #[test]
    fn a_divergence_is_written_down() {
        let (_folder, mut spec, stream) = fixture();
        spec.optimiser.peak_rate = 1e30.into();
        spec.optimiser.floor_rate = 1e30.into();
        let start = State::begin(init::initial(&spec.model, 5));
        let at = Segment { segment: 0, ..AT };
        let replay = || {
            trace(&ExactEngine::cpu(), &spec, &stream, &start, at, Keep::default(), &Stop::new(), &mut |_| ())
                .unwrap()
                .0
        };
        let diverged = replay();
        let place = diverged.diverged.unwrap();
        assert_eq!((place.step, diverged.steps.len()), (1, 2), "{place:?}");
        assert_eq!(diverged.steps[1].root, None);
        assert_eq!(diverged.end(), diverged.steps[0].root.unwrap());
        assert_eq!(diverged.compare(&replay(), &spec), Comparison::Same);

        // Further in the same step, whoever goes first.
        let beyond = Place { instruction: place.instruction + 1, ..place };
        let mut later = Trace { diverged: Some(beyond), ..diverged.clone() };
        later.steps[1].outputs.push((place.instruction, Digest([7; 32])));
        assert_eq!(diverged.compare(&later, &spec), Comparison::Parts(place));
        assert_eq!(later.compare(&diverged, &spec), Comparison::Parts(place));
        // Another element of the same output.
        let element = Some(place.element.unwrap() + 1);
        let beside = Trace { diverged: Some(Place { element, ..place }), ..diverged.clone() };
        assert_eq!(diverged.compare(&beside, &spec), Comparison::Parts(place));
        assert_eq!(beside.compare(&diverged, &spec), Comparison::Parts(place));
        // Not at all, or a step earlier.
        let mut denied = Trace { diverged: None, ..diverged.clone() };
        denied.steps[1].root = Some(Digest([8; 32]));
        denied.steps[1].outputs.push((place.instruction, Digest([7; 32])));
        assert_eq!(diverged.compare(&denied, &spec), Comparison::Parts(place));
        assert_eq!(denied.compare(&diverged, &spec), Comparison::Parts(place));
        let mut sooner = diverged.clone();
        sooner.steps.truncate(1);
        sooner.steps[0].root = None;
        sooner.steps[0].outputs.truncate(5);
        let at = Place { step: 0, instruction: diverged.steps[0].outputs[5].0, element: Some(3) };
        sooner.diverged = Some(at);
        assert_eq!(diverged.compare(&sooner, &spec), Comparison::Parts(at));
        assert_eq!(sooner.compare(&diverged, &spec), Comparison::Parts(at));
        // A lie before the place is found at the lie.
        let mut lie = diverged.clone();
        lie.steps[1].outputs[2].1 = Digest([9; 32]);
        let told = Place { step: 1, instruction: lie.steps[1].outputs[2].0, element: None };
        assert_eq!(diverged.compare(&lie, &spec), Comparison::Parts(told));

        let checkpoint = init::initial(&spec.model, 5);
        let error = state_at(&ExactEngine::cpu(), &spec, &stream, &checkpoint, AT, &Stop::new()).unwrap_err();
        assert!(error.to_string().contains("diverges at step 1"), "{error}");
    }
}
