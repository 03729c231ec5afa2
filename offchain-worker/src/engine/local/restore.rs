//! The checkpoint that a run in a folder goes on from.

use super::{
    BlobStore, CHECKPOINT, Checkpoint, CheckpointError, Digest, LocalError, LocalRecord, Place,
    RoundCheckpoint, RoundIndex, init, store,
};
use crate::{blobs::LocalBlobs, files};
use sabha_protocol::{Outcome, spec::RunSpec};
use std::path::Path;

/// Of an exact run: the blob store holds the checkpoint before the record names it. The file beside the record is for people, and a
/// second copy if the blob is lost. Slots whose updates are lost are trained again.
pub(super) fn exact(
    folder: &Path,
    spec: &RunSpec,
    record: &mut LocalRecord,
    blobs: &LocalBlobs,
) -> anyhow::Result<RoundCheckpoint> {
    forget_lost(spec, record, blobs);
    let Some(last) = record.rounds.last() else { return Ok(RoundCheckpoint::start(init::of_spec(spec)?)) };
    let path = folder.join(CHECKPOINT);
    let found = path.exists().then(|| files::read(&path)).transpose()?;
    match store::fetch_checkpoint(blobs, spec, last.checkpoint) {
        Ok(checkpoint) => {
            if found.is_none_or(|bytes| Digest::of(&bytes) != last.checkpoint.blob) {
                files::write_atomic(&path, &checkpoint.to_blob())?;
            }
            Ok(checkpoint)
        }
        Err(store::FetchError::Blob(error)) => {
            tracing::warn!(%error, file = %path.display(), "the checkpoint is taken from its file");
            let wanted = last.checkpoint.blob;
            let bytes = found.ok_or_else(|| LocalError::NoCheckpoint(path.clone()))?;
            let found = Digest::of(&bytes);
            if found != wanted {
                return Err(LocalError::WrongCheckpoint { path, found, wanted }.into());
            }
            let checkpoint = RoundCheckpoint::from_blob(&spec.model, &bytes);
            let checkpoint = checkpoint.map_err(|reason| LocalError::Checkpoint { path, reason })?;
            blobs.put(&bytes)?;
            Ok(checkpoint)
        }
        Err(error) => Err(error.into()),
    }
}

/// Slots are trained in order, so those after a lost one go, too.
fn forget_lost(spec: &RunSpec, record: &mut LocalRecord, blobs: &LocalBlobs) {
    let round = record.rounds.len() as RoundIndex;
    let lost = (0..).zip(&record.open).find_map(|(slot, open)| {
        let Outcome::Trained(commitment) = &open.outcome else { return None };
        let place = Place::of(spec, round, slot);
        let error = store::fetch_update(blobs, spec, place, commitment.update_digest).err()?;
        Some((slot, error))
    });
    if let Some((slot, error)) = lost {
        tracing::warn!(round, slot, %error, "the slot is trained again");
        record.open.truncate(slot.into());
        record.counted = 0;
        forget_losses(spec, record);
    }
}

/// Of a run of the yardstick engine: from the file that the record names. A record that is one round ahead of it is put back: the round
/// is trained again.
pub(super) fn yardstick(
    folder: &Path,
    spec: &RunSpec,
    record: &mut LocalRecord,
) -> anyhow::Result<Checkpoint> {
    let path = folder.join(CHECKPOINT);
    let Some(last) = record.rounds.last() else { return init::of_spec(spec) };
    let wanted = last.checkpoint.blob;
    let before = record.rounds.len().checked_sub(2).and_then(|index| record.rounds.get(index));
    if before.is_none() && !path.exists() {
        record.rounds.clear();
        forget_losses(spec, record);
        return init::of_spec(spec);
    }
    if !path.exists() {
        return Err(LocalError::NoCheckpoint(path).into());
    }
    let bytes = files::read(&path)?;
    let found = Digest::of(&bytes);
    if found != wanted {
        if before.is_none_or(|before| before.checkpoint.blob != found) {
            return Err(LocalError::WrongCheckpoint { path, found, wanted }.into());
        }
        record.rounds.pop();
        forget_losses(spec, record);
    }
    let read = Checkpoint::from_blob(&spec.model, &bytes);
    Ok(read.map_err(|reason: CheckpointError| LocalError::Checkpoint { path, reason })?)
}

/// Of the open round: some of its slots are trained again, and would be counted twice.
fn forget_losses(spec: &RunSpec, record: &mut LocalRecord) {
    let next = record.rounds.len() as u64 * u64::from(spec.rounds.inner_steps);
    record.losses.retain(|(step, _)| *step < next);
}
