//! One slot on an engine, from its checkpoint or its parked state to its end: the one loop that the daemon and a local run share.

use super::{Checkpoint, Engine, EngineError, Session, State, StepOutcome, local::RoundRecord, park};
use crate::{data::Stream, stop::Stop};
use sabha_protocol::{Digest, Divergence, RoundIndex, SlotIndex, segments_root, spec::RunSpec};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// The least time from one write of a state that nobody asked for to the next: what a crash costs, and a step.
pub const SAVE_EVERY: Duration = Duration::from_secs(30);

/// Which slot, on what, and where its state is parked.
pub struct SlotJob<'a> {
    /// The run's specification.
    pub spec: &'a RunSpec,
    /// The run's token stream.
    pub stream: &'a Stream,
    /// The round.
    pub round: RoundIndex,
    /// The slot in the round.
    pub slot: SlotIndex,
    /// The file of the parked state.
    pub park: &'a Path,
    /// What tells this work apart from other work that may be parked there.
    pub work: &'a str,
    /// How often the state is saved at least, such as [`SAVE_EVERY`].
    pub save_every: Duration,
}

/// One step that was done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// The round.
    pub round: RoundIndex,
    /// The slot in the round.
    pub slot: SlotIndex,
    /// Inner steps of the slot that are done, this one included.
    pub done: u32,
    /// Loss over the batch before the step, in nats per token.
    pub loss: f32,
    /// Global norm of the gradient, before clipping.
    pub gradient_norm: f32,
    /// The learning rate.
    pub rate: f32,
}

/// Is told what happens while it happens.
pub trait Observer {
    /// A slot begins, or goes on after `done` steps.
    fn begins(&mut self, round: RoundIndex, slot: SlotIndex, done: u32) {
        let _ = (round, slot, done);
    }

    /// A step was done.
    fn step(&mut self, report: &StepReport) {
        let _ = report;
    }

    /// A segment ended after `done` steps. `state` copies the state, for whoever wants to serve it.
    fn segment_ends(&mut self, done: u32, state: &dyn Fn() -> Result<State, EngineError>) {
        let _ = (done, state);
    }

    /// All slots of a round of a local run are trained: `updates` of them are made into the next checkpoint.
    fn aggregates(&mut self, round: RoundIndex, updates: usize) {
        let _ = (round, updates);
    }

    /// The held-out loss, in nats per token, that the record of a round of a local run keeps; `None` for none.
    ///
    /// # Errors
    /// If it cannot be measured. The round is not over then: its slots are saved.
    fn measure(&mut self, checkpoint: &Checkpoint) -> anyhow::Result<Option<f32>> {
        let _ = checkpoint;
        Ok(None)
    }

    /// A round of a local run is over, and what it came to is on the disk.
    fn ends(&mut self, round: RoundIndex, record: &RoundRecord) {
        let _ = (round, record);
    }
}

/// Wants to know nothing.
impl Observer for () {}

/// How a slot ended.
#[derive(Clone, Debug, PartialEq)]
pub enum SlotEnd {
    /// All steps were done.
    Trained(Box<Trained>),
    /// The arithmetic left the finite numbers.
    Diverged(Divergence),
    /// It was stopped; the state is on the disk.
    Parked {
        /// Inner steps that are done.
        step: u32,
    },
}

/// What a slot that was trained to its end came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The state roots at the segments' ends, the start's first.
    pub leaves: Vec<Digest>,
    /// Merkle root over them.
    pub segments_root: Digest,
    /// Sum of the steps' losses, in nats per token.
    pub loss_sum: f32,
    /// Mean loss over the steps.
    pub mean_loss: f32,
    /// The parameters at the end.
    pub checkpoint: Checkpoint,
}

/// Trains a slot until it ends or `stop` is raised. `start` gives the checkpoint, and is asked only if nothing usable is parked.
///
/// # Errors
/// If the checkpoint or the data is missing or wrong, or the engine or the disk fails.
pub fn run_slot(
    engine: &dyn Engine,
    job: &SlotJob<'_>,
    start: impl FnOnce() -> anyhow::Result<Checkpoint>,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> anyhow::Result<SlotEnd> {
    let SlotJob { spec, stream, round, slot, save_every, .. } = *job;
    if !engine.follows(spec.numerics_version) {
        let (wanted, device) = (spec.numerics_version, engine.describe());
        return Err(EngineError::Numerics { wanted, device }.into());
    }
    let (mut session, mut roots) = begin(engine, job, start)?;
    let schedule = spec.schedule();
    let first = round.saturating_mul(spec.rounds.inner_steps);
    let mut saved = Instant::now();
    observer.begins(round, slot, session.steps_done());
    while session.steps_done() < spec.rounds.inner_steps {
        let step = session.steps_done();
        if stop.is_raised() {
            park::write(job.park, job.work, &session.state()?, &roots)?;
            return Ok(SlotEnd::Parked { step });
        }
        let batch = stream.training_batch(spec, round, slot, step)?;
        let rate = schedule.rate(first.saturating_add(step));
        let (loss, gradient_norm) = match session.step(&batch, rate)? {
            StepOutcome::Done { loss, gradient_norm } => (loss, gradient_norm),
            StepOutcome::Diverged(divergence) => return Ok(SlotEnd::Diverged(divergence)),
        };
        let done = session.steps_done();
        observer.step(&StepReport { round, slot, done, loss, gradient_norm, rate });
        let segment_ends = done.checked_rem(spec.rounds.segment_steps) == Some(0);
        let save = saved.elapsed() >= save_every && done < spec.rounds.inner_steps;
        if segment_ends {
            roots.push(session.digest()?);
            observer.segment_ends(done, &|| session.state());
        }
        if save {
            // Only a crash would need it: a disk that is full now is no reason to give up.
            if let Err(error) = park::write(job.park, job.work, &session.state()?, &roots) {
                tracing::warn!(round, step = done, %error, "the state is not saved: a crash would cost more");
            }
            // From the end of the write: on a slow disk training still goes on in between.
            saved = Instant::now();
        }
    }
    let state: State = session.state()?;
    Ok(SlotEnd::Trained(Box::new(Trained {
        segments_root: segments_root(&roots),
        leaves: roots,
        loss_sum: state.loss_sum,
        mean_loss: state.mean_loss(),
        checkpoint: state.checkpoint,
    })))
}

/// From the parked state if it is of use, else from the start.
fn begin(
    engine: &dyn Engine,
    job: &SlotJob<'_>,
    start: impl FnOnce() -> anyhow::Result<Checkpoint>,
) -> anyhow::Result<(Box<dyn Session>, Vec<Digest>)> {
    match park::read(job.park, job.work, job.spec) {
        Ok(Some(parked)) => {
            tracing::info!(round = job.round, step = parked.state.step, "going on from the parked state");
            return Ok((engine.resume(job.spec, &parked.state)?, parked.roots));
        }
        Ok(None) => {}
        Err(error) => tracing::warn!(
            round = job.round, file = %job.park.display(), %error, "the parked state is of no use: the slot starts over"
        ),
    }
    let session = engine.begin(job.spec, &start()?)?;
    let roots = vec![session.digest()?];
    Ok((session, roots))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{
            CandleEngine, init,
            testing::{StopsAfter, text_stream, tiny_spec},
        },
        error::Exit,
    };
    use std::path::PathBuf;

    struct Fixture {
        folder: tempfile::TempDir,
        spec: RunSpec,
        stream: Stream,
    }

    impl Fixture {
        fn new() -> Self {
            let mut spec = tiny_spec();
            (spec.rounds.inner_steps, spec.rounds.segment_steps) = (12, 3);
            let (folder, spec, stream) = text_stream(spec);
            Self { folder, spec, stream }
        }

        fn run(&self, engine: &dyn Engine, park: &Path, stop: &Stop) -> SlotEnd {
            let Self { spec, stream, .. } = self;
            let job = SlotJob { spec, stream, round: 0, slot: 0, park, work: "work", save_every: SAVE_EVERY };
            run_slot(engine, &job, || init::of_spec(spec), &mut (), stop).unwrap()
        }

        fn park(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }
    }

    #[test]
    fn a_slot_that_was_parked_anywhere_ends_in_the_same_bits() {
        let fixture = Fixture::new();
        let engine = CandleEngine::cpu();
        let whole = fixture.run(&engine, &fixture.park("whole"), &Stop::new());
        assert!(matches!(whole, SlotEnd::Trained(_)));
        for steps in [1, 3, 4, 11] {
            let park = fixture.park(&format!("parked-{steps}"));
            let stop = Stop::new();
            let ended = fixture.run(&StopsAfter::new(steps, &stop), &park, &stop);
            assert_eq!(ended, SlotEnd::Parked { step: steps });
            assert_eq!(fixture.run(&engine, &park, &Stop::new()), whole, "parked after {steps}");
        }
    }

    #[test]
    fn a_damaged_parked_state_costs_time_and_changes_nothing() {
        let fixture = Fixture::new();
        let engine = CandleEngine::cpu();
        let whole = fixture.run(&engine, &fixture.park("whole"), &Stop::new());
        let park = fixture.park("parked");
        let stop = Stop::new();
        fixture.run(&StopsAfter::new(5, &stop), &park, &stop);
        let mut bytes = std::fs::read(&park).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&park, &bytes).unwrap();
        assert_eq!(fixture.run(&engine, &park, &Stop::new()), whole);
    }

    #[test]
    fn a_stop_before_the_first_step_parks_the_start() {
        let fixture = Fixture::new();
        let stop = Stop::new();
        stop.raise(Exit::Terminated);
        let park = fixture.park("parked");
        assert_eq!(fixture.run(&CandleEngine::cpu(), &park, &stop), SlotEnd::Parked { step: 0 });
        assert!(park.exists());
    }

    /// Notes where a slot began, and keeps what a kill after some step would leave on the disk.
    #[derive(Default)]
    struct Witness<'a> {
        began: Vec<u32>,
        /// After which step, from where to where.
        keep: Option<(u32, &'a Path, &'a Path)>,
    }

    impl Observer for Witness<'_> {
        fn begins(&mut self, _: RoundIndex, _: SlotIndex, done: u32) {
            self.began.push(done);
        }

        fn step(&mut self, report: &StepReport) {
            if let Some((step, from, to)) = self.keep.filter(|(step, ..)| *step == report.done) {
                std::fs::copy(from, to)
                    .unwrap_or_else(|error| panic!("nothing is saved at step {step}: {error}"));
            }
        }
    }

    /// Steps do not wait for a segment's end: one may take hours. At a segment's end, in its middle, and at its last step.
    #[test]
    fn a_slot_that_was_killed_goes_on_from_the_last_save_to_the_same_bits() {
        let fixture = Fixture::new();
        let Fixture { spec, stream, .. } = &fixture;
        let engine = CandleEngine::cpu();
        let whole = fixture.run(&engine, &fixture.park("whole"), &Stop::new());
        for killed in [7, 8, 9, 12] {
            let (park, kept) = (fixture.park("parked"), fixture.park(&format!("kept-{killed}")));
            let save_every = Duration::ZERO;
            let job = SlotJob { spec, stream, round: 0, slot: 0, park: &park, work: "work", save_every };
            let start = || init::of_spec(spec);
            // The step is told before its state is saved: what is kept is that of the step before.
            let mut witness = Witness { keep: Some((killed, &park, &kept)), ..Witness::default() };
            let ended = run_slot(&engine, &job, start, &mut witness, &Stop::new()).unwrap();
            assert_eq!(ended, whole, "saving changes nothing");

            let job = SlotJob { park: &kept, ..job };
            let mut witness = Witness::default();
            let start = || anyhow::bail!("the parked state is of use: nobody needs the checkpoint");
            assert_eq!(run_slot(&engine, &job, start, &mut witness, &Stop::new()).unwrap(), whole);
            assert_eq!(witness.began, [killed - 1]);
            std::fs::remove_file(&park).unwrap();
        }
    }

    #[test]
    fn a_save_that_fails_does_not_end_the_slot() {
        let fixture = Fixture::new();
        let Fixture { spec, stream, .. } = &fixture;
        let engine = CandleEngine::cpu();
        let whole = fixture.run(&engine, &fixture.park("whole"), &Stop::new());
        // A file where the folder should be.
        std::fs::write(fixture.park("file"), "").unwrap();
        let park = fixture.park("file/parked");
        let save_every = Duration::ZERO;
        let job = SlotJob { spec, stream, round: 0, slot: 0, park: &park, work: "work", save_every };
        let start = || init::of_spec(spec);
        let ended = run_slot(&engine, &job, start, &mut (), &Stop::new()).unwrap();
        assert_eq!(ended, whole);
    }

    /// The first step's arithmetic starts from ordinary parameters and is finite; what it leaves is so large that squares are not.
    #[test]
    fn an_absurd_learning_rate_diverges_in_the_second_step() {
        let mut fixture = Fixture::new();
        fixture.spec.optimiser.peak_rate = 1e30.into();
        fixture.spec.optimiser.floor_rate = 1e30.into();
        match fixture.run(&CandleEngine::cpu(), &fixture.park("wild"), &Stop::new()) {
            SlotEnd::Diverged(divergence) => assert_eq!(divergence.step, 1, "{divergence:?}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_run_of_other_numerics_is_refused() {
        let mut fixture = Fixture::new();
        fixture.spec.numerics_version = 9;
        let Fixture { spec, stream, .. } = &fixture;
        let park = fixture.park("parked");
        let save_every = SAVE_EVERY;
        let job = SlotJob { spec, stream, round: 0, slot: 0, park: &park, work: "work", save_every };
        let start = || init::of_spec(spec);
        let error = run_slot(&CandleEngine::cpu(), &job, start, &mut (), &Stop::new()).unwrap_err();
        let error = error.downcast::<EngineError>().unwrap();
        assert!(matches!(error, EngineError::Numerics { wanted: 9, .. }), "{error}");
    }
}
