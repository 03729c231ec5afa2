//! One slot to train, how training ends, and where its data comes from.

use super::journal::{Basis, Task};
use crate::{
    blobs::{BlobStore, LocalBlobs},
    data::Manifest,
    stop::Stop,
};
use sabha_protocol::{Digest, Outcome, spec::RunSpec};
use std::path::{Path, PathBuf};

/// One slot to train.
#[derive(Clone, Debug)]
pub struct Job {
    /// Which.
    pub task: Task,
    /// What the result is made from.
    pub basis: Basis,
    /// The run's specification.
    pub spec: RunSpec,
    /// Where the slot's state is parked.
    pub folder: PathBuf,
}

/// How training ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// At its end. A trained outcome's update is in the blob store.
    Done(Outcome),
    /// It was stopped; the state is on the disk.
    Parked {
        /// Inner steps that are done.
        step: u32,
    },
    /// It was not begun, and trying again is of no use: this machine cannot train such a model.
    Declined {
        /// Why, and the remedy.
        reason: String,
    },
}

/// Trains slots. Blocking: called in a thread of its own.
pub trait Trainer: Send + Sync + 'static {
    /// Trains the slot, from its parked state if there is one, until it ends or `stop` is raised.
    ///
    /// # Errors
    /// If the checkpoint or the data is missing or wrong, or the engine or the disk fails. Trying again later may help.
    fn train(&self, job: &Job, stop: &Stop) -> anyhow::Result<Ended>;
}

/// The data of a run: the dataset whose manifest names the stream, or the stream itself in the blob store.
///
/// # Errors
/// Names the stream and where it was looked for.
pub fn find_stream(stream: Digest, datasets: &[PathBuf], blobs: &LocalBlobs) -> anyhow::Result<PathBuf> {
    for folder in datasets {
        match Manifest::read(folder) {
            Ok(manifest) if manifest.stream == stream => return Ok(folder.clone()),
            Ok(_) => {}
            Err(error) => tracing::warn!(folder = %folder.display(), %error, "no usable dataset"),
        }
    }
    if blobs.has(stream)? {
        return Ok(blobs.path(stream));
    }
    let list: Vec<String> = datasets.iter().map(|folder| folder.display().to_string()).collect();
    anyhow::bail!(
        "the token stream {stream} is neither in a dataset ({}) nor in {}: pack or fetch it, and name its folder with \
         --dataset or in storage.datasets",
        if list.is_empty() { "none is configured".into() } else { list.join(", ") },
        blobs.root().display()
    )
}

/// The folder in which a task's state is parked.
pub fn folder_of(state: &Path, task: Task) -> PathBuf {
    let slot = task.slot;
    state.join("slots").join(format!("{}-{}-{}-{}", slot.run, slot.round, slot.slot, task.generation))
}
