//! Updates, checkpoints and leaves in a blob store. What is fetched is read only if its length is the one that the specification
//! gives it, hashes to its address, and is well formed.

use super::{
    RoundCheckpoint, Update, UpdateError, checkpoint_bytes,
    leaves::{self, LeavesError, leaves_bytes},
    root_of_blob,
    update::{Place, update_bytes},
};
use crate::{
    blobs::{BlobError, BlobStore},
    engine::CheckpointError,
    files::FileError,
};
use sabha_protocol::{Digest, round, spec::RunSpec};
use std::{fs::File, io::BufReader};

/// Why an object cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The store has it not, or something else under its name.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// It is no update of that slot.
    #[error("blob {digest} is not the update of that slot: {source}")]
    Update {
        /// Its address.
        digest: Digest,
        /// What is wrong with it.
        source: UpdateError,
    },
    /// It is no checkpoint of the run.
    #[error("blob {digest} is no checkpoint of this run: {source}")]
    Checkpoint {
        /// Its address.
        digest: Digest,
        /// What is wrong with it.
        source: CheckpointError,
    },
    /// The checkpoint's buffers come to another root.
    #[error("blob {digest} is a checkpoint with the root {found}, {wanted} was posted")]
    Root {
        /// Its address.
        digest: Digest,
        /// Its root.
        found: Digest,
        /// The root that goes with its address.
        wanted: Digest,
    },
    /// They are not the leaves of that slot.
    #[error("blob {digest} does not hold the leaves of that slot: {source}")]
    Leaves {
        /// Its address.
        digest: Digest,
        /// What is wrong with it.
        source: LeavesError,
    },
}

/// Publishes an update; its address is the update's digest.
///
/// # Errors
/// If the store cannot keep it.
pub fn publish_update(blobs: &dyn BlobStore, update: &Update) -> Result<Digest, BlobError> {
    blobs.put(&update.to_blob())
}

/// Fetches the update of a slot.
///
/// # Errors
/// [`FetchError`] says whether it is missing, damaged, or not that slot's.
pub fn fetch_update(
    blobs: &dyn BlobStore,
    spec: &RunSpec,
    place: Place,
    digest: Digest,
) -> Result<Update, FetchError> {
    let blob = blobs.get_within(digest, update_bytes(&spec.model))?;
    Update::from_blob(spec, place, &blob).map_err(|source| FetchError::Update { digest, source })
}

/// Publishes a checkpoint: its root and its address are what the chain carries.
///
/// # Errors
/// If the store cannot keep it.
pub fn publish_checkpoint(
    blobs: &dyn BlobStore,
    checkpoint: &RoundCheckpoint,
) -> Result<round::Checkpoint, BlobError> {
    Ok(round::Checkpoint { root: checkpoint.root(), blob: blobs.put(&checkpoint.to_blob())? })
}

/// Fetches a checkpoint.
///
/// # Errors
/// [`FetchError`] says whether it is missing, damaged, of another model, or has another root.
pub fn fetch_checkpoint(
    blobs: &dyn BlobStore,
    spec: &RunSpec,
    wanted: round::Checkpoint,
) -> Result<RoundCheckpoint, FetchError> {
    let digest = wanted.blob;
    let blob = blobs.get_within(digest, checkpoint_bytes(&spec.model))?;
    let checkpoint = RoundCheckpoint::from_blob(&spec.model, &blob)
        .map_err(|source| FetchError::Checkpoint { digest, source })?;
    let found = checkpoint.root();
    if found == wanted.root {
        Ok(checkpoint)
    } else {
        Err(FetchError::Root { digest, found, wanted: wanted.root })
    }
}

/// Has a checkpoint in the store, and checks it as [`fetch_checkpoint`] does, but in little memory, whatever its size: it is read from
/// its file piece by piece.
///
/// # Errors
/// As [`fetch_checkpoint`].
pub fn verify_checkpoint(
    blobs: &dyn BlobStore,
    spec: &RunSpec,
    wanted: round::Checkpoint,
) -> Result<(), FetchError> {
    let (digest, needed) = (wanted.blob, checkpoint_bytes(&spec.model));
    let path = blobs.file_within(digest, needed)?;
    let failed = || FileError::of("read", &path);
    let file = File::open(&path).map_err(failed()).map_err(BlobError::from)?;
    let found = file.metadata().map_err(failed()).map_err(BlobError::from)?.len();
    let wrong = |source| FetchError::Checkpoint { digest, source };
    if found != needed {
        return Err(wrong(CheckpointError::Length { found, needed }));
    }
    let root = root_of_blob(&spec.model, &mut BufReader::new(file));
    let found = root.map_err(failed()).map_err(BlobError::from)?.map_err(wrong)?;
    if found == wanted.root { Ok(()) } else { Err(FetchError::Root { digest, found, wanted: wanted.root }) }
}

/// Publishes the leaves of a slot.
///
/// # Errors
/// If the store cannot keep them.
pub fn publish_leaves(blobs: &dyn BlobStore, leaves: &[Digest]) -> Result<Digest, BlobError> {
    blobs.put(&leaves::to_blob(leaves))
}

/// Fetches the leaves of a slot that committed `segments_root`.
///
/// # Errors
/// [`FetchError`] says whether they are missing, damaged, or others than those that were committed.
pub fn fetch_leaves(
    blobs: &dyn BlobStore,
    spec: &RunSpec,
    segments_root: Digest,
    digest: Digest,
) -> Result<Vec<Digest>, FetchError> {
    let blob = blobs.get_within(digest, leaves_bytes(spec))?;
    leaves::from_blob(spec, segments_root, &blob).map_err(|source| FetchError::Leaves { digest, source })
}
