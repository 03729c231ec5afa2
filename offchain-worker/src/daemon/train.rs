//! The trainer of the daemon: one slot on an [`Engine`], from its checkpoint or its parked state to its outcome.
//!
//! The state is written at the ends of segments, at most every [`SAVE_EVERY`], and when a stop is asked for. It is taken up again
//! only if it hashes to the root that it was written with and belongs to the same basis; else the slot starts over, which costs
//! time and changes nothing: the result is the same.

use super::{
    journal::{Basis, Task},
    work::{Ended, Job, Trainer, find_stream},
};
use crate::{
    blobs::{BlobStore, LocalBlobs},
    config::Config,
    data::Stream,
    engine::{CandleEngine, Checkpoint, Engine, Session, State, StepOutcome, init},
    error::{Exit, ResultExt, failure},
    files,
    stop::Stop,
};
use anyhow::Context;
use sabha_protocol::{Commitment, Digest, Outcome, segments_root, spec::RunSpec};
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The least time between two writes of a state that nobody asked for.
const SAVE_EVERY: Duration = Duration::from_secs(30);

/// The least time between two log lines about progress.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Trains on an engine, with checkpoints and updates in a blob store.
pub struct EngineTrainer {
    engine: Box<dyn Engine>,
    blobs: LocalBlobs,
    datasets: Vec<PathBuf>,
}

/// What a parked state's file says beside the tensors.
#[derive(Serialize, Deserialize)]
struct Record {
    task: Task,
    basis: Basis,
    step: u32,
    /// The loss accumulator's bits: decimal digits might not read back.
    loss_sum: u32,
    /// Root of the state: what the file must hash to.
    root: Digest,
    /// Roots at the segments' ends so far, the start's first.
    roots: Vec<Digest>,
}

/// A slot in training.
struct Progress {
    session: Box<dyn Session>,
    roots: Vec<Digest>,
}

impl EngineTrainer {
    /// The engine and the folders that the configuration names.
    ///
    /// # Errors
    /// [`Exit::BadInput`] if there is no such device or the blob store cannot be made.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let engine = CandleEngine::on(&config.engine.device).exit(Exit::BadInput)?;
        let blobs = LocalBlobs::open(&config.storage.blobs).exit(Exit::BadInput)?;
        Ok(Self::with(Box::new(engine), blobs, config.storage.datasets.clone()))
    }

    /// From parts.
    pub fn with(engine: Box<dyn Engine>, blobs: LocalBlobs, datasets: Vec<PathBuf>) -> Self {
        Self { engine, blobs, datasets }
    }

    /// The checkpoint that a slot starts from.
    fn checkpoint(&self, spec: &RunSpec, basis: &Basis) -> anyhow::Result<Checkpoint> {
        if let Some(digest) = basis.checkpoint {
            let bytes = self.blobs.get(digest).context("the checkpoint of the round before")?;
            return Ok(Checkpoint::from_blob(&spec.model, &bytes)?);
        }
        match spec.initial_checkpoint {
            None => Ok(init::initial(&spec.model, spec.seed)),
            Some(root) => Err(failure(
                Exit::BadInput,
                format!(
                    "the run starts from the checkpoint with root {root}, which this release cannot fetch"
                ),
            )),
        }
    }

    fn begin(&self, job: &Job) -> anyhow::Result<Progress> {
        match self.resume(job) {
            Ok(Some(progress)) => {
                tracing::info!(task = %job.task, step = progress.session.steps_done(), "going on from the parked state");
                return Ok(progress);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(task = %job.task, error = format!("{error:#}"), "the parked state is of no use: starting over");
            }
        }
        let session = self.engine.begin(&job.spec, &self.checkpoint(&job.spec, &job.basis)?)?;
        let roots = vec![session.digest()?];
        Ok(Progress { session, roots })
    }

    fn resume(&self, job: &Job) -> anyhow::Result<Option<Progress>> {
        let path = file_of(&job.folder);
        if !path.exists() {
            return Ok(None);
        }
        let (mut state, text) = State::from_bytes(&job.spec.model, &files::read(&path)?)?;
        let record: Record = serde_json::from_str(&text)?;
        anyhow::ensure!(record.task == job.task && record.basis == job.basis, "it belongs to other work");
        state.step = record.step;
        state.loss_sum = f32::from_bits(record.loss_sum);
        anyhow::ensure!(state.root() == record.root, "it does not hash to the root that it was written with");
        let segments = record.step.checked_div(job.spec.rounds.segment_steps).unwrap_or(0);
        anyhow::ensure!(record.roots.len() as u64 == u64::from(segments) + 1, "roots are missing");
        Ok(Some(Progress { session: self.engine.resume(&job.spec, &state)?, roots: record.roots }))
    }

    fn save(&self, job: &Job, state: &State, roots: &[Digest]) -> anyhow::Result<()> {
        let record = Record {
            task: job.task,
            basis: job.basis,
            step: state.step,
            loss_sum: state.loss_sum.to_bits(),
            root: state.root(),
            roots: roots.to_vec(),
        };
        files::write_atomic(&file_of(&job.folder), &state.to_bytes(serde_json::to_string(&record)?))?;
        Ok(())
    }
}

impl Trainer for EngineTrainer {
    fn train(&self, job: &Job, stop: &Stop) -> anyhow::Result<Ended> {
        let spec = &job.spec;
        let place = job.task.slot;
        let data = find_stream(spec.data.stream, &self.datasets, &self.blobs)?;
        let stream = Stream::of_spec(&data, spec)?;
        let Progress { mut session, mut roots } = self.begin(job)?;
        let schedule = spec.schedule();
        let first = place.round.saturating_mul(spec.rounds.inner_steps);
        let (mut saved, mut told) = (Instant::now(), Instant::now());
        while session.steps_done() < spec.rounds.inner_steps {
            let step = session.steps_done();
            if stop.is_raised() {
                self.save(job, &session.state()?, &roots)?;
                return Ok(Ended::Parked { step });
            }
            let batch = stream.training_batch(spec, place.round, place.slot, step)?;
            let loss = match session.step(&batch, schedule.rate(first.saturating_add(step)))? {
                StepOutcome::Done { loss, .. } => loss,
                StepOutcome::Diverged(divergence) => return Ok(Ended::Done(Outcome::Diverged(divergence))),
            };
            let done = session.steps_done();
            if told.elapsed() >= TELL_EVERY {
                tracing::info!(task = %job.task, step = done, of = spec.rounds.inner_steps, loss, "training");
                told = Instant::now();
            }
            if done.checked_rem(spec.rounds.segment_steps) == Some(0) {
                let state = session.state()?;
                roots.push(state.root());
                if saved.elapsed() >= SAVE_EVERY && done < spec.rounds.inner_steps {
                    self.save(job, &state, &roots)?;
                    saved = Instant::now();
                }
            }
        }
        let state = session.state()?;
        let update_digest = self.blobs.put(&state.checkpoint.to_blob())?;
        Ok(Ended::Done(Outcome::Trained(Commitment {
            segments_root: segments_root(&roots),
            update_digest,
            mean_loss: state.mean_loss().into(),
        })))
    }
}

fn file_of(folder: &Path) -> PathBuf {
    folder.join("state.safetensors")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::compat::sample_spec;
    use sabha_protocol::SlotId;
    use std::sync::Arc;

    /// Twelve steps in segments of three, on a stream in the blob store.
    fn job(folder: &Path) -> (Job, EngineTrainer) {
        let blobs = LocalBlobs::open(folder.join("blobs")).unwrap();
        let bytes: Vec<u8> = (0..600u32).map(|i| (i * i % 13) as u8).collect();
        let mut spec = sample_spec();
        spec.data.stream = blobs.put(&bytes).unwrap();
        spec.data.tokens = bytes.len() as u64;
        spec.rounds.inner_steps = 12;
        spec.rounds.segment_steps = 3;
        spec.check().unwrap();
        let task = Task { slot: SlotId { run: 0, round: 0, slot: 0 }, generation: 0 };
        let basis = Basis { spec: spec.hash(), checkpoint: None };
        let job = Job { task, basis, spec, folder: folder.join("slot") };
        (job, EngineTrainer::with(Box::new(CandleEngine::cpu()), blobs, vec![]))
    }

    fn done(ended: Ended) -> Commitment {
        match ended {
            Ended::Done(Outcome::Trained(commitment)) => commitment,
            other => panic!("{other:?}"),
        }
    }

    /// An engine that asks for a stop after some steps.
    struct StopsAfter(u32, Stop);

    impl Engine for StopsAfter {
        fn numerics_version(&self) -> u16 {
            0
        }

        fn describe(&self) -> String {
            "stops".into()
        }

        fn resume(
            &self,
            spec: &RunSpec,
            state: &State,
        ) -> Result<Box<dyn Session>, crate::engine::EngineError> {
            let inner = CandleEngine::cpu().resume(spec, state)?;
            Ok(Box::new(StopsSession { inner, left: self.0, stop: self.1.clone() }))
        }

        fn load(
            &self,
            model: &sabha_protocol::spec::ModelSpec,
            checkpoint: &Checkpoint,
        ) -> Result<Box<dyn crate::engine::Inference>, crate::engine::EngineError> {
            CandleEngine::cpu().load(model, checkpoint)
        }
    }

    struct StopsSession {
        inner: Box<dyn Session>,
        left: u32,
        stop: Stop,
    }

    impl Session for StopsSession {
        fn steps_done(&self) -> u32 {
            self.inner.steps_done()
        }

        fn step(
            &mut self,
            batch: &crate::data::Batch,
            rate: f32,
        ) -> Result<StepOutcome, crate::engine::EngineError> {
            self.left -= 1;
            if self.left == 0 {
                self.stop.raise(Exit::Terminated);
            }
            self.inner.step(batch, rate)
        }

        fn state(&self) -> Result<State, crate::engine::EngineError> {
            self.inner.state()
        }
    }

    #[test]
    fn a_slot_that_was_parked_anywhere_ends_in_the_same_bits() {
        let whole = tempfile::tempdir().unwrap();
        let (job_whole, trainer) = job(whole.path());
        let expected = done(trainer.train(&job_whole, &Stop::new()).unwrap());
        for steps in [1, 3, 4, 11] {
            let folder = tempfile::tempdir().unwrap();
            let (job, trainer) = job(folder.path());
            let stop = Stop::new();
            let stopping =
                EngineTrainer::with(Box::new(StopsAfter(steps, stop.clone())), trainer.blobs.clone(), vec![]);
            assert_eq!(stopping.train(&job, &stop).unwrap(), Ended::Parked { step: steps });
            assert_eq!(done(trainer.train(&job, &Stop::new()).unwrap()), expected, "parked after {steps}");
        }
    }

    #[test]
    fn a_damaged_or_foreign_parked_state_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let (job, trainer) = job(folder.path());
        let expected = done(trainer.train(&job, &Stop::new()).unwrap());
        let stop = Stop::new();
        let stopping =
            EngineTrainer::with(Box::new(StopsAfter(5, stop.clone())), trainer.blobs.clone(), vec![]);
        stopping.train(&job, &stop).unwrap();
        let path = file_of(&job.folder);
        let good = std::fs::read(&path).unwrap();
        let mut flipped = good.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for bad in [flipped, good[..good.len() - 4].to_vec(), b"nothing".to_vec()] {
            std::fs::write(&path, &bad).unwrap();
            assert!(trainer.resume(&job).is_err());
            assert_eq!(done(trainer.train(&job, &Stop::new()).unwrap()), expected);
        }
        std::fs::write(&path, &good).unwrap();
        assert_eq!(trainer.resume(&job).unwrap().unwrap().session.steps_done(), 5);
        let other = Job { basis: Basis { checkpoint: Some(Digest([1; 32])), ..job.basis }, ..job };
        assert!(trainer.resume(&other).is_err());
    }

    #[test]
    fn the_next_round_starts_from_the_update_and_needs_it() {
        let folder = tempfile::tempdir().unwrap();
        let (first, trainer) = job(folder.path());
        let mut spec = first.spec.clone();
        spec.rounds.count = 2;
        let update = done(trainer.train(&first, &Stop::new()).unwrap()).update_digest;
        let task = Task { slot: SlotId { round: 1, ..first.task.slot }, generation: 0 };
        let next = |digest| Job {
            task,
            basis: Basis { spec: spec.hash(), checkpoint: Some(digest) },
            spec: spec.clone(),
            folder: folder.path().join("next"),
        };
        let second = done(trainer.train(&next(update), &Stop::new()).unwrap());
        assert_ne!(second.update_digest, update);
        let error = format!("{:#}", trainer.train(&next(Digest([9; 32])), &Stop::new()).unwrap_err());
        assert!(error.contains("round before") && error.contains(&Digest([9; 32]).to_string()), "{error}");
    }

    #[test]
    fn without_the_data_the_remedy_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (mut job, trainer) = job(folder.path());
        job.spec.data.stream = Digest([4; 32]);
        let error = Arc::new(trainer).train(&job, &Stop::new()).unwrap_err().to_string();
        assert!(error.contains("--dataset"), "{error}");
    }
}
