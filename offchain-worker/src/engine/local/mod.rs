//! A whole run on this machine alone, by the chain's rules: rounds one after the other, and in each its slots one after the other, as
//! if there were as many workers. What they come to is what workers of the chain would commit.
//!
//! | in the folder | what it is |
//! |---|---|
//! | `checkpoint.safetensors` | the checkpoint after the last whole round |
//! | `run.json` | what was done: digests and losses |
//! | `blobs/` | of an exact run: every update, checkpoint and list of leaves, by its digest |
//! | `parked.safetensors` | after a stop in the middle of a slot, its state |

mod record;
mod restore;

pub use record::{LocalRecord, RoundRecord, SlotRecord};

use super::{
    Checkpoint, CheckpointError, Engine, init,
    rounds::{self, AggregateError, Place, RoundCheckpoint, Update, store},
    runner::{Observer, SAVE_EVERY, SlotEnd, SlotJob, Trained, run_slot},
};
use crate::{
    blobs::{BlobError, BlobStore, LocalBlobs},
    data::Stream,
    files::{self, FileError},
    stop::Stop,
};
use anyhow::Context as _;
use record::Recorder;
use sabha_protocol::{
    Commitment, Digest, Divergence, NUMERICS_EXACT, Outcome, RoundIndex, SlotIndex, round, spec::RunSpec,
};
use std::path::{Path, PathBuf};

/// The checkpoint after the last whole round.
pub const CHECKPOINT: &str = "checkpoint.safetensors";

/// What was done.
pub const RECORD: &str = "run.json";

/// Updates, checkpoints and leaves of an exact run.
pub const BLOBS: &str = "blobs";

const PARKED: &str = "parked.safetensors";

/// Why a local run cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The folder holds a run.
    #[error("{} holds a run already: pass --resume to go on with it, or choose another folder", .0.display())]
    Exists(PathBuf),
    /// The folder holds none.
    #[error("{} holds no run to resume (there is no {RECORD} in it): leave --resume out", .0.display())]
    NothingToResume(PathBuf),
    /// It was begun with another specification or other data.
    #[error(
        "the run in {} was begun with specification {found}, this one is {wanted}: use the same specification and data, \
         or another folder",
        folder.display()
    )]
    OtherSpec {
        /// The folder.
        folder: PathBuf,
        /// What the record names.
        found: Digest,
        /// What was given.
        wanted: Digest,
    },
    /// The record is damaged.
    #[error("{} is damaged ({reason}): restore it, or start again in another folder", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The checkpoint is not the one that the record names.
    #[error(
        "{} is damaged: it hashes to {found}, {RECORD} names {wanted}; restore it, or start again in another folder",
        path.display()
    )]
    WrongCheckpoint {
        /// The file.
        path: PathBuf,
        /// Its digest.
        found: Digest,
        /// The digest that the record names.
        wanted: Digest,
    },
    /// The checkpoint is not there.
    #[error("{} is missing, {RECORD} names it: restore it, or start again in another folder", .0.display())]
    NoCheckpoint(PathBuf),
    /// The checkpoint cannot be read as one.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: CheckpointError,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// How a local run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum LocalEnd {
    /// All rounds are done.
    Done,
    /// So many slots of a round left the finite numbers that no checkpoint is made of it; the rounds before it stand.
    Diverged {
        /// The round.
        round: RoundIndex,
        /// The first such slot.
        slot: SlotIndex,
        /// Where in it.
        divergence: Divergence,
    },
    /// It was stopped in a slot; the state is on the disk.
    Parked {
        /// The round.
        round: RoundIndex,
        /// The slot.
        slot: SlotIndex,
        /// Inner steps of it that are done.
        step: u32,
    },
    /// It was stopped while a round's updates were aggregated; they are on the disk.
    Aggregating {
        /// The round.
        round: RoundIndex,
    },
}

/// A run in a folder.
#[derive(Debug)]
pub struct LocalRun {
    folder: PathBuf,
    record: LocalRecord,
    checkpoint: RoundCheckpoint,
    /// Of an exact run: its updates, checkpoints and leaves.
    blobs: Option<LocalBlobs>,
}

impl LocalRun {
    /// Begins a run in a folder that holds none.
    ///
    /// # Errors
    /// If there is one, or the folder cannot be written.
    pub fn begin(folder: &Path, spec: &RunSpec) -> anyhow::Result<Self> {
        if folder.join(RECORD).exists() {
            return Err(LocalError::Exists(folder.into()).into());
        }
        let checkpoint = RoundCheckpoint::start(init::of_spec(spec)?);
        let blobs = open_blobs(folder, spec)?;
        let run = Self { folder: folder.into(), record: LocalRecord::new(spec), checkpoint, blobs };
        // What a run that was removed by hand may have left.
        run.remove_parked()?;
        run.save()?;
        Ok(run)
    }

    /// Goes on with the run in a folder.
    ///
    /// # Errors
    /// If there is none, it is another one, or a file is damaged.
    pub fn resume(folder: &Path, spec: &RunSpec) -> anyhow::Result<Self> {
        let path = folder.join(RECORD);
        if !path.exists() {
            return Err(LocalError::NothingToResume(folder.into()).into());
        }
        let damaged = |reason: String| LocalError::Record { path: path.clone(), reason };
        let bytes = files::read(&path)?;
        let mut record: LocalRecord =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        let wanted = spec.hash();
        if record.spec != wanted {
            return Err(LocalError::OtherSpec { folder: folder.into(), found: record.spec, wanted }.into());
        }
        if !record.fits(spec) {
            return Err(damaged("it holds more than the run".into()).into());
        }
        let blobs = open_blobs(folder, spec)?;
        let checkpoint = match &blobs {
            Some(blobs) => restore::exact(folder, spec, &mut record, blobs)?,
            None => RoundCheckpoint::start(restore::yardstick(folder, spec, &mut record)?),
        };
        Ok(Self { folder: folder.into(), record, checkpoint, blobs })
    }

    /// What was done so far.
    pub fn record(&self) -> &LocalRecord {
        &self.record
    }

    /// The parameters after the last whole round.
    pub fn checkpoint(&self) -> &Checkpoint {
        self.checkpoint.parameters()
    }

    /// Trains the rounds that are left, slot after slot, until the end or until `stop` is raised.
    ///
    /// # Errors
    /// If the data or a blob is missing or wrong, or the engine or the disk fails. What was done before stays.
    pub fn train(
        &mut self,
        engine: &dyn Engine,
        spec: &RunSpec,
        stream: &Stream,
        observer: &mut dyn Observer,
        stop: &Stop,
    ) -> anyhow::Result<LocalEnd> {
        while self.record.rounds.len() < spec.rounds.count as usize {
            let round = self.record.rounds.len() as RoundIndex;
            if let Some((slot, divergence)) = self.record.pauses(&spec.rounds) {
                return Ok(LocalEnd::Diverged { round, slot, divergence });
            }
            let ended = if self.record.open.len() < usize::from(spec.rounds.slots) {
                self.train_slot(engine, spec, stream, observer, stop)?
            } else {
                self.aggregate(spec, round, observer, stop)?
            };
            if let Some(end) = ended {
                return Ok(end);
            }
        }
        Ok(LocalEnd::Done)
    }

    /// Trains the next slot of the open round. Returns how the run ended, if it was stopped.
    fn train_slot(
        &mut self,
        engine: &dyn Engine,
        spec: &RunSpec,
        stream: &Stream,
        observer: &mut dyn Observer,
        stop: &Stop,
    ) -> anyhow::Result<Option<LocalEnd>> {
        let (round, slot) = (self.record.rounds.len() as RoundIndex, self.record.open.len() as SlotIndex);
        let park = self.folder.join(PARKED);
        let work = format!("{} round {round} slot {slot}", self.record.spec);
        let job = SlotJob { spec, stream, round, slot, park: &park, work: &work, save_every: SAVE_EVERY };
        let start = self.checkpoint.parameters().clone();
        let mut recorder = Recorder { record: &mut self.record, spec, observer: &mut *observer };
        match run_slot(engine, &job, || Ok(start), &mut recorder, stop)? {
            SlotEnd::Trained(trained) => self.finish_slot(spec, round, slot, *trained, observer)?,
            SlotEnd::Diverged(divergence) => {
                self.record.close_slot(SlotRecord { outcome: Outcome::Diverged(divergence), leaves: None });
                self.save()?;
                self.remove_parked()?;
            }
            SlotEnd::Parked { step } => {
                self.save()?;
                return Ok(Some(LocalEnd::Parked { round, slot, step }));
            }
        }
        Ok(None)
    }

    /// The blobs first, then the record that names them.
    fn finish_slot(
        &mut self,
        spec: &RunSpec,
        round: RoundIndex,
        slot: SlotIndex,
        trained: Trained,
        observer: &mut dyn Observer,
    ) -> anyhow::Result<()> {
        let Some(blobs) = &self.blobs else { return self.finish_yardstick(round, trained, observer) };
        let (place, start) = (Place::of(spec, round, slot), self.checkpoint.parameters());
        let finished = rounds::finish(spec, place, start, &trained.checkpoint, trained.loss_sum)?;
        let commitment = Commitment {
            segments_root: trained.segments_root,
            update_digest: store::publish_update(blobs, &finished.update)?,
            mean_loss: finished.mean_loss.into(),
        };
        let leaves = Some(store::publish_leaves(blobs, &trained.leaves)?);
        self.record.close_slot(SlotRecord { outcome: Outcome::Trained(commitment), leaves });
        self.save()?;
        Ok(self.remove_parked()?)
    }

    /// A round of the yardstick engine has one slot, and the parameters that it trained are the next checkpoint.
    fn finish_yardstick(
        &mut self,
        round: RoundIndex,
        trained: Trained,
        observer: &mut dyn Observer,
    ) -> anyhow::Result<()> {
        let blob = trained.checkpoint.to_blob();
        let commitment = Commitment {
            segments_root: trained.segments_root,
            update_digest: Digest::of(&blob),
            mean_loss: trained.mean_loss.into(),
        };
        let slots = vec![SlotRecord { outcome: Outcome::Trained(commitment), leaves: None }];
        let checkpoint =
            round::Checkpoint { root: trained.checkpoint.root(), blob: commitment.update_digest };
        let heldout = observer.measure(&trained.checkpoint)?;
        let next = RoundCheckpoint::start(trained.checkpoint);
        self.finish_round(round, RoundRecord { slots, checkpoint, heldout }, &blob, next, observer)
    }

    /// Makes the next checkpoint of the open round's updates. Returns how the run ended, if it was stopped.
    fn aggregate(
        &mut self,
        spec: &RunSpec,
        round: RoundIndex,
        observer: &mut dyn Observer,
        stop: &Stop,
    ) -> anyhow::Result<Option<LocalEnd>> {
        let Some(blobs) = &self.blobs else { anyhow::bail!("numerics version 0 has no aggregation") };
        let updates = updates(blobs, spec, round, &self.record.open)?;
        observer.aggregates(round, updates.len());
        let next = match rounds::aggregate(spec, &self.checkpoint, updates, &|| !stop.is_raised()) {
            Ok(next) => next,
            Err(AggregateError::Stopped) => return Ok(Some(LocalEnd::Aggregating { round })),
            Err(error) => return Err(error.into()),
        };
        let blob = next.to_blob();
        let checkpoint = round::Checkpoint { root: next.root(), blob: blobs.put(&blob)? };
        let heldout = observer.measure(next.parameters())?;
        let record = RoundRecord { slots: self.record.open.clone(), checkpoint, heldout };
        self.finish_round(round, record, &blob, next, observer)?;
        Ok(None)
    }

    /// The record first: a crash before the checkpoint is written shows as a record that is one round ahead.
    fn finish_round(
        &mut self,
        round: RoundIndex,
        record: RoundRecord,
        blob: &[u8],
        next: RoundCheckpoint,
        observer: &mut dyn Observer,
    ) -> anyhow::Result<()> {
        self.record.close_round(record.clone());
        self.save()?;
        files::write_atomic(&self.folder.join(CHECKPOINT), blob)?;
        self.checkpoint = next;
        self.remove_parked()?;
        observer.ends(round, &record);
        Ok(())
    }

    fn save(&self) -> Result<(), LocalError> {
        let path = self.folder.join(RECORD);
        let text = serde_json::to_vec(&self.record)
            .map_err(|error| LocalError::Record { path: path.clone(), reason: error.to_string() })?;
        Ok(files::write_atomic(&path, &text)?)
    }

    fn remove_parked(&self) -> Result<(), LocalError> {
        let path = self.folder.join(PARKED);
        if path.exists() {
            files::remove(&path)?;
        }
        Ok(())
    }
}

/// The blob store of an exact run.
fn open_blobs(folder: &Path, spec: &RunSpec) -> Result<Option<LocalBlobs>, BlobError> {
    (spec.numerics_version == NUMERICS_EXACT).then(|| LocalBlobs::open(folder.join(BLOBS))).transpose()
}

/// The updates of a round's slots, but for those that diverged.
///
/// # Errors
/// If one is missing or damaged: its slot is named.
pub fn updates(
    blobs: &dyn BlobStore,
    spec: &RunSpec,
    round: RoundIndex,
    slots: &[SlotRecord],
) -> anyhow::Result<Vec<Update>> {
    let mut updates = Vec::new();
    for (slot, record) in (0..).zip(slots) {
        let Outcome::Trained(commitment) = &record.outcome else { continue };
        let fetched =
            store::fetch_update(blobs, spec, Place::of(spec, round, slot), commitment.update_digest);
        updates.push(fetched.with_context(|| format!("the update of round {round}, slot {slot}"))?);
    }
    Ok(updates)
}

/// Reads the record of a run's folder.
///
/// # Errors
/// If there is none, or it is damaged.
pub fn read_record(folder: &Path) -> Result<LocalRecord, LocalError> {
    let path = folder.join(RECORD);
    let bytes = files::read(&path)?;
    serde_json::from_slice(&bytes).map_err(|error| LocalError::Record { path, reason: error.to_string() })
}

#[cfg(test)]
mod tests;
