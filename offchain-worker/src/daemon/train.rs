//! The trainer of the daemon: one slot on an [`Engine`], with checkpoints and updates in a blob store.

use super::{
    journal::Basis,
    work::{Ended, Job, Trainer, find_stream},
};
use crate::{
    blobs::{BlobStore, LocalBlobs},
    config::Config,
    data::Stream,
    engine::{
        AnyEngine, Checkpoint, Engine, MemoryError, MemoryLimit, Observer, SlotEnd, SlotJob, StepReport,
        init, run_slot,
    },
    error::{Exit, ResultExt},
    stop::Stop,
};
use anyhow::Context;
use sabha_protocol::{Commitment, Outcome, spec::RunSpec};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The least time between two log lines about progress.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Trains on an engine, with checkpoints and updates in a blob store.
pub struct EngineTrainer {
    engine: Box<dyn Engine>,
    blobs: LocalBlobs,
    datasets: Vec<PathBuf>,
    memory: MemoryLimit,
}

impl EngineTrainer {
    /// The engine and the folders that the configuration names.
    ///
    /// # Errors
    /// If a GPU has other bits than the definitions; [`Exit::BadInput`] if there is no such device, the blob store cannot be made, or nobody says how much memory there is.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let engine = AnyEngine::on(&config.engine.device).exit(Exit::BadInput)?;
        // Of a GPU that has other bits, every result would be wrong.
        if let Some(families) = engine.exact().compare_kernels()? {
            tracing::info!(families, "this GPU's kernels have the defined bits");
        }
        let blobs = LocalBlobs::open(&config.storage.blobs).exit(Exit::BadInput)?;
        let memory = MemoryLimit::mebibytes(config.engine.memory_limit_mib);
        memory.bytes().exit(Exit::BadInput)?;
        Ok(Self { memory, ..Self::with(Box::new(engine), blobs, config.storage.datasets.clone()) })
    }

    /// From parts, with what memory is available.
    pub fn with(engine: Box<dyn Engine>, blobs: LocalBlobs, datasets: Vec<PathBuf>) -> Self {
        Self { engine, blobs, datasets, memory: MemoryLimit::default() }
    }

    /// The checkpoint that a slot starts from.
    fn checkpoint(&self, spec: &RunSpec, basis: &Basis) -> anyhow::Result<Checkpoint> {
        let Some(digest) = basis.checkpoint else { return init::of_spec(spec) };
        let bytes = self.blobs.get(digest).context("the checkpoint of the round before")?;
        Ok(Checkpoint::from_blob(&spec.model, &bytes)?)
    }
}

impl Trainer for EngineTrainer {
    fn train(&self, job: &Job, stop: &Stop) -> anyhow::Result<Ended> {
        let spec = &job.spec;
        // First of all: whoever opened the run may have asked for any size.
        match self.memory.admit_training(spec) {
            Ok(()) => {}
            Err(error @ MemoryError::TooLarge { for_good: true, .. }) => {
                return Ok(Ended::Declined { reason: error.to_string() });
            }
            // Others may give memory back: the daemon tries again until the deadline.
            Err(error) => return Err(error.into()),
        }
        let data = find_stream(spec.data.stream, &self.datasets, &self.blobs)?;
        let stream = Stream::of_spec(&data, spec)?;
        let work = serde_json::to_string(&(job.task, job.basis))?;
        let slot = SlotJob {
            spec,
            stream: &stream,
            round: job.task.slot.round,
            slot: job.task.slot.slot,
            park: &file_of(&job.folder),
            work: &work,
        };
        let mut log = Log { job, told: Instant::now() };
        let start = || self.checkpoint(spec, &job.basis);
        Ok(match run_slot(self.engine.as_ref(), &slot, start, &mut log, stop)? {
            SlotEnd::Parked { step } => Ended::Parked { step },
            SlotEnd::Diverged(divergence) => Ended::Done(Outcome::Diverged(divergence)),
            SlotEnd::Trained(trained) => Ended::Done(Outcome::Trained(Commitment {
                segments_root: trained.segments_root,
                update_digest: self.blobs.put(&trained.checkpoint.to_blob())?,
                mean_loss: trained.mean_loss.into(),
            })),
        })
    }
}

/// Tells of progress now and then.
struct Log<'a> {
    job: &'a Job,
    told: Instant,
}

impl Observer for Log<'_> {
    fn step(&mut self, report: &StepReport) {
        if self.told.elapsed() >= TELL_EVERY {
            let (task, of) = (self.job.task, self.job.spec.rounds.inner_steps);
            tracing::info!(%task, step = report.done, of, loss = report.loss, "training");
            self.told = Instant::now();
        }
    }
}

fn file_of(folder: &Path) -> PathBuf {
    folder.join("state.safetensors")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::compat::sample_spec,
        daemon::journal::Task,
        engine::{
            local::{LocalEnd, LocalRun},
            memory::tests::huge_spec,
            testing::StopsAfter,
        },
    };
    use sabha_protocol::{Digest, SlotId};
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
        (job, EngineTrainer::with(Box::new(AnyEngine::cpu()), blobs, vec![]))
    }

    fn done(ended: Ended) -> Commitment {
        match ended {
            Ended::Done(Outcome::Trained(commitment)) => commitment,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_parked_slot_goes_on_for_the_same_basis_only() {
        let folder = tempfile::tempdir().unwrap();
        let (job, trainer) = job(folder.path());
        let expected = done(trainer.train(&job, &Stop::new()).unwrap());
        let stop = Stop::new();
        let stopping =
            EngineTrainer::with(Box::new(StopsAfter::new(5, &stop)), trainer.blobs.clone(), vec![]);
        assert_eq!(stopping.train(&job, &stop).unwrap(), Ended::Parked { step: 5 });

        // Another checkpoint: the parked state would give a wrong result, so the slot starts over, from what is not there.
        let basis = Basis { checkpoint: Some(Digest([1; 32])), ..job.basis };
        let other = Job { basis, ..job.clone() };
        assert!(trainer.train(&other, &Stop::new()).is_err());
        assert_eq!(done(trainer.train(&job, &Stop::new()).unwrap()), expected);
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
    fn a_local_run_comes_to_what_the_daemon_commits() {
        let folder = tempfile::tempdir().unwrap();
        let (first, trainer) = job(folder.path());
        let mut spec = first.spec.clone();
        spec.rounds.count = 2;
        let mut commitments: Vec<Commitment> = vec![];
        for round in 0..2 {
            let checkpoint = commitments.last().map(|commitment| commitment.update_digest);
            let job = Job {
                task: Task { slot: SlotId { round, ..first.task.slot }, generation: 0 },
                basis: Basis { spec: spec.hash(), checkpoint },
                spec: spec.clone(),
                folder: folder.path().join(format!("slot-{round}")),
            };
            commitments.push(done(trainer.train(&job, &Stop::new()).unwrap()));
        }
        let stream = Stream::of_spec(&trainer.blobs.path(spec.data.stream), &spec).unwrap();
        let mut run = LocalRun::begin(&folder.path().join("local"), &spec).unwrap();
        let ended = run.train(trainer.engine.as_ref(), &spec, &stream, &mut (), &Stop::new()).unwrap();
        assert_eq!(ended, LocalEnd::Done);
        assert_eq!(run.record().rounds, commitments);
    }

    #[test]
    fn a_model_that_does_not_fit_is_declined_before_anything_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (mut job, trainer) = job(folder.path());
        let declined = |trainer: &EngineTrainer, job: &Job| match trainer.train(job, &Stop::new()) {
            Ok(Ended::Declined { reason }) => reason,
            other => panic!("{other:?}"),
        };
        let small = EngineTrainer { memory: MemoryLimit::Bytes(1_000), ..trainer };
        assert!(declined(&small, &job).contains("is the limit"));
        assert!(!job.folder.exists());

        let trainer = EngineTrainer { memory: MemoryLimit::Available, ..small };
        let huge = huge_spec();
        job.spec.model = huge.model;
        // There is no such stream either: it is not looked for.
        job.spec.data.stream = Digest([4; 32]);
        let reason = declined(&trainer, &job);
        assert!(reason.contains("TiB of memory") && reason.contains("--memory-limit-mib"), "{reason}");
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
