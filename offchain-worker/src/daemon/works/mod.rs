//! The workshop of the daemon: each kind of work on an [`Engine`], with updates and checkpoints in a blob store.

mod attest;
mod audit;
mod base;
mod dispute;
mod notes;
mod rounds;
mod sources;
mod train;

pub use base::FalseRoot;

use super::{
    slots::Served,
    task::Ask,
    work::{Ended, Job, Origin, Turns, Workshop, find_stream},
};
use crate::{
    blobs::{BlobError, BlobStore, PeerBlobs, UntilStopped},
    config::Config,
    data::{DataError, Stream},
    engine::{
        AnyEngine, Engine, Ledger, MemoryError, MemoryLimit,
        disputes::Lie,
        memory,
        rounds::{
            AggregateError,
            store::{self, FetchError},
        },
        runner::SAVE_EVERY,
    },
    error::{Exit, ResultExt},
    stop::Stop,
};
use sabha_protocol::{NUMERICS_EXACT, round::Checkpoint, spec::RunSpec};
use std::{path::PathBuf, sync::Mutex, time::Duration};

/// Works on an engine, with updates and checkpoints in a blob store.
pub struct EngineWorkshop {
    engine: Box<dyn Engine>,
    blobs: PeerBlobs,
    served: Served,
    datasets: Vec<PathBuf>,
    /// How often the state of a slot is saved.
    save_every: Duration,
    memory: MemoryLimit,
    /// What its work has reserved of it.
    ledger: Ledger,
    remade: Mutex<base::Remade>,
    compared: sources::Compared,
    lie: Option<Lie>,
    /// The slot in which the lie was told.
    lied: Mutex<Option<PathBuf>>,
}

impl EngineWorkshop {
    /// The engine and the datasets that the configuration names, and a blob store.
    ///
    /// # Errors
    /// [`Exit::BadInput`] if there is no such device, or nobody says how much memory there is; [`Exit::Failure`] if the device's bits are not
    /// those of the definitions.
    pub fn new(config: &Config, blobs: PeerBlobs) -> anyhow::Result<Self> {
        let engine = AnyEngine::compared_on(&config.engine.device)?;
        let memory = MemoryLimit::mebibytes(config.engine.memory_limit_mib);
        memory.bytes().exit(Exit::BadInput)?;
        let save_every = Duration::from_secs(config.engine.save_every_s);
        let parts = Self::with(Box::new(engine), blobs, config.storage.datasets.clone());
        Ok(Self { memory, save_every, ..parts })
    }

    /// From parts, with what memory is available.
    pub fn with(engine: Box<dyn Engine>, blobs: PeerBlobs, datasets: Vec<PathBuf>) -> Self {
        let served = Served::beside(&blobs);
        Self {
            engine,
            blobs,
            served,
            datasets,
            save_every: SAVE_EVERY,
            memory: MemoryLimit::default(),
            ledger: Ledger::default(),
            remade: Mutex::default(),
            compared: sources::Compared::default(),
            lie: None,
            lied: Mutex::default(),
        }
    }

    /// The same, but for a lie in the first slot that it is for, which it defends: to see how it is found.
    #[must_use]
    pub fn lying(self, lie: Option<Lie>) -> Self {
        Self { lie, ..self }
    }

    fn stream(&self, job: &Job) -> anyhow::Result<Stream> {
        self.stream_of(&job.spec)
    }
}

impl EngineWorkshop {
    /// The stream of a run, verified against the digest that its specification names. The first time, what its sources are is compared as
    /// well, beside the work.
    fn stream_of(&self, spec: &RunSpec) -> anyhow::Result<Stream> {
        let own = self.blobs.own();
        let data = find_stream(spec.data.stream, &self.datasets, own)?;
        let stream = match Stream::of_spec(&data, spec) {
            // A blob that is damaged is removed, and fetched again.
            Err(DataError::WrongStream { .. }) if data == own.path(spec.data.stream) => {
                let bytes = spec.data.tokens.saturating_mul(spec.data.token_bytes.into());
                Stream::of_spec(&self.blobs.file_within(spec.data.stream, bytes)?, spec)?
            }
            opened => opened?,
        };
        self.compared.once(&spec.data, &data, &self.datasets);
        Ok(stream)
    }
}

/// Whether work ended only because it was told to.
pub(super) fn is_stopped(error: &anyhow::Error) -> bool {
    let is = |blob: &BlobError| matches!(blob, BlobError::Stopped { .. });
    matches!(error.downcast_ref(), Some(AggregateError::Stopped))
        || matches!(error.downcast_ref(), Some(FetchError::Blob(blob)) if is(blob))
        || error.downcast_ref().is_some_and(is)
}

impl Workshop for EngineWorkshop {
    fn work(&self, job: &Job, stop: &Stop) -> anyhow::Result<Ended> {
        // First of all: whoever opened the run may have asked for any size.
        let spec = &job.spec;
        let reserve = || match &job.duty.ask {
            Ask::Attest(_) => self.ledger.reserve(self.memory, "attesting", memory::attesting(&spec.model)),
            _ => {
                self.memory.admit_training(spec)?;
                self.ledger.reserve(self.memory, "work beside a dispute", memory::training(spec))
            }
        };
        let reserved = match reserve() {
            Ok(reservation) => reservation,
            Err(error @ MemoryError::TooLarge { for_good: true, .. }) => {
                return Ok(Ended::Declined { reason: error.to_string() });
            }
            // Others may give memory back: the daemon tries again until the deadline.
            Err(error) => return Err(error.into()),
        };
        let ended = match &job.duty.ask {
            Ask::Train => self.train(job, stop),
            Ask::Attest(updates) => self.attest(job, updates, stop),
            Ask::Aggregate(updates) => self.aggregate(job, updates, stop),
            Ask::Audit { slot, claim, segments } => self.audit(job, *slot, claim, segments, stop),
            Ask::Publish { segments_root, segments } => {
                self.leaves_again(job, *segments_root, segments, stop)
            }
            Ask::Reveal(seal) => Err(anyhow::anyhow!("seal {seal} takes no work to reveal")),
        };
        drop(reserved);
        match ended {
            Err(error) if is_stopped(&error) => Ok(Ended::Stopped),
            ended => ended,
        }
    }

    fn remake(
        &self,
        spec: &RunSpec,
        wanted: Checkpoint,
        origins: &[Origin],
        stop: &Stop,
    ) -> anyhow::Result<Checkpoint> {
        self.memory.admit_aggregation(spec)?;
        let need = memory::aggregation(spec);
        let _reserved = self.ledger.reserve(self.memory, "making a checkpoint again", need)?;
        self.checkpoint(spec, Some(wanted), origins, None, stop)?;
        let blob = self.remaking().get(&[wanted.root, wanted.blob]).copied().unwrap_or(Ok(wanted.blob))?;
        Ok(Checkpoint { blob, ..wanted })
    }

    fn is_able(&self, spec: &RunSpec) -> bool {
        let too_large = self.memory.admit_training(spec).is_err_and(|error| error.is_for_good());
        spec.numerics_version == NUMERICS_EXACT && !too_large
    }

    fn hold(&self, spec: &RunSpec, wanted: Checkpoint, stop: &Stop) -> anyhow::Result<()> {
        // It is read piece by piece: there is no memory to be reserved for it.
        Ok(store::verify_checkpoint(&UntilStopped { blobs: &self.blobs, stop }, spec, wanted)?)
    }

    fn play(&self, turns: &mut dyn Turns, stop: &Stop) {
        self.dispute(turns, stop);
    }
}

#[cfg(test)]
mod tests;
