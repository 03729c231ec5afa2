//! The checkpoint that a round starts from: fetched, or, if nobody serves it, made again.

use super::EngineWorkshop;
use crate::{
    blobs::{BlobError, Haste, PeerBlobs, UntilStopped},
    daemon::{
        time::Time,
        work::{Job, Origin},
    },
    engine::{
        init,
        rounds::{
            self, AggregateError, Place, RoundCheckpoint,
            store::{self, FetchError},
        },
    },
    stop::Stop,
};
use anyhow::Context;
use sabha_protocol::{Digest, RoundIndex, SlotIndex, round::Checkpoint, spec::RunSpec};
use std::{
    collections::BTreeMap,
    sync::{MutexGuard, PoisonError, TryLockError},
    thread,
    time::Duration,
};

/// How often to look whether a checkpoint that another thread makes again is there.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What became of checkpoints that were made again, by what was posted.
pub(super) type Remade = BTreeMap<[Digest; 2], Result<Digest, FalseRoot>>;

/// A root that is not what a round's updates come to. Making it again comes to the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the aggregation of round {round} is false: its updates come to the root {found}, {posted} was posted"
)]
pub struct FalseRoot {
    round: RoundIndex,
    found: Digest,
    posted: Digest,
}

impl EngineWorkshop {
    /// The checkpoint that a round starts from.
    ///
    /// # Errors
    /// If it is not served, and what it was made of is not there or makes another one; [`rounds::AggregateError::Stopped`].
    pub(super) fn base(&self, job: &Job, stop: &Stop) -> anyhow::Result<RoundCheckpoint> {
        self.checkpoint(&job.spec, job.duty.basis.base, &job.origins, Some(&job.time), stop)
            .context("the checkpoint that the round starts from")
    }

    /// A checkpoint; none is the specification's own. What does not come in its share of the `time` is made again, where that can be done.
    pub(super) fn checkpoint(
        &self,
        spec: &RunSpec,
        wanted: Option<Checkpoint>,
        origins: &[Origin],
        time: Option<&Time>,
        stop: &Stop,
    ) -> anyhow::Result<RoundCheckpoint> {
        let Some(wanted) = wanted else { return Ok(RoundCheckpoint::start(init::of_spec(spec)?)) };
        match self.fetch(spec, wanted, time, stop) {
            Ok(checkpoint) => Ok(checkpoint),
            Err(error) => {
                let mut remade = self.remaking_or(stop)?;
                self.remade(spec, wanted, error, origins, time, stop, &mut remade)
            }
        }
    }

    fn fetch(
        &self,
        spec: &RunSpec,
        wanted: Checkpoint,
        time: Option<&Time>,
        stop: &Stop,
    ) -> Result<RoundCheckpoint, FetchError> {
        let blobs = &self.blobs_within(time, 1);
        store::fetch_checkpoint(&UntilStopped { blobs, stop }, spec, wanted)
    }

    /// The blobs, of which one of so many that are to be fetched takes no more than its share of the time.
    pub(super) fn blobs_within(&self, time: Option<&Time>, things: usize) -> PeerBlobs {
        time.map_or_else(|| self.blobs.clone(), |time| self.blobs.in_haste(Haste::before(time.by(things))))
    }

    /// Waits for whoever makes one again, or until it is stopped.
    fn remaking_or(&self, stop: &Stop) -> Result<MutexGuard<'_, Remade>, AggregateError> {
        loop {
            match self.remade.try_lock() {
                Ok(remade) => return Ok(remade),
                Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if stop.is_raised() => return Err(AggregateError::Stopped),
                Err(TryLockError::WouldBlock) => thread::sleep(LOOK_EVERY),
            }
        }
    }

    /// One at a time: two that need the same one would do the same work.
    pub(super) fn remaking(&self) -> MutexGuard<'_, Remade> {
        self.remade.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a checkpoint again that could not be fetched, those that it was built on first, and keeps it.
    #[expect(clippy::too_many_arguments, reason = "it calls itself")]
    fn remade(
        &self,
        spec: &RunSpec,
        wanted: Checkpoint,
        error: FetchError,
        origins: &[Origin],
        time: Option<&Time>,
        stop: &Stop,
        remade: &mut Remade,
    ) -> anyhow::Result<RoundCheckpoint> {
        // Stopped, or it is this machine's disk that fails: nothing is known of the checkpoint.
        if matches!(&error, FetchError::Blob(blob) if blob.is_local() || matches!(blob, BlobError::Stopped { .. }))
        {
            return Err(error.into());
        }
        // Somebody may have made it meanwhile.
        let key = [wanted.root, wanted.blob];
        let blob = remade.get(&key).copied().unwrap_or(Ok(wanted.blob))?;
        if let Ok(checkpoint) = self.fetch(spec, Checkpoint { blob, ..wanted }, time, stop) {
            return Ok(checkpoint);
        }
        let Some(origin) = origins.iter().find(|origin| origin.made == wanted) else {
            return Err(error.into());
        };
        tracing::warn!(round = origin.round, %error, "the checkpoint cannot be fetched: making it again");
        let base = match origin.base {
            None => RoundCheckpoint::start(init::of_spec(spec)?),
            Some(base) => match self.fetch(spec, base, time, stop) {
                Ok(checkpoint) => checkpoint,
                Err(error) => {
                    // Of earlier rounds only: so it ends.
                    let earlier: Vec<Origin> =
                        origins.iter().filter(|other| other.round < origin.round).cloned().collect();
                    self.remade(spec, base, error, &earlier, time, stop, remade)?
                }
            },
        };
        let made = self.aggregated(spec, origin.round, &base, &origin.updates, time, stop)?;
        let found = made.root();
        if found != wanted.root {
            let lie = FalseRoot { round: origin.round, found, posted: wanted.root };
            remade.insert(key, Err(lie));
            return Err(lie.into());
        }
        let kept = store::publish_checkpoint(&self.blobs, &made)?;
        if kept.blob != wanted.blob {
            // The root is what everything is checked against, and it is right.
            tracing::warn!(round = origin.round, posted = %wanted.blob, is = %kept.blob, "the checkpoint was posted with a false address");
        }
        // The posted address may be of something else.
        remade.insert(key, Ok(kept.blob));
        Ok(made)
    }

    /// The next checkpoint, from the one that a round started from and its updates.
    ///
    /// # Errors
    /// Names the slot whose update cannot be had; [`rounds::AggregateError`].
    pub(super) fn aggregated(
        &self,
        spec: &RunSpec,
        round: RoundIndex,
        base: &RoundCheckpoint,
        updates: &[(SlotIndex, Digest)],
        time: Option<&Time>,
        stop: &Stop,
    ) -> anyhow::Result<RoundCheckpoint> {
        let mut fetched = Vec::new();
        for (index, (slot, digest)) in updates.iter().enumerate() {
            let blobs = &self.blobs_within(time, updates.len().saturating_sub(index));
            let blobs = UntilStopped { blobs, stop };
            let update = store::fetch_update(&blobs, spec, Place::of(spec, round, *slot), *digest);
            fetched.push(update.with_context(|| format!("the update of slot {slot}"))?);
        }
        Ok(rounds::aggregate(spec, base, fetched, &|| !stop.is_raised())?)
    }
}
