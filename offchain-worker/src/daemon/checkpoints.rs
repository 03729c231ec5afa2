//! Looking after the checkpoints of runs, so that a worker has them when it is drawn, and others can fetch them from it.
//!
//! Nobody attests a checkpoint's blob: whoever aggregated it may post its root and serve nothing. Then it is made again of the
//! round's base and its accepted updates, which attesters have, and served from here.

use super::{
    Daemon,
    journal::Event,
    task::{Kind, Task},
    watch::Rounds,
    works::FalseRoot,
};
use crate::{
    blobs::BlobStore,
    chain::At,
    engine::rounds::{AggregateError, checkpoint_bytes, store},
    error::Exit,
    stop::Stop,
};
use sabha_protocol::{Digest, RoundKey, RunId, RunSpec, round::Checkpoint};
use std::collections::BTreeMap;
use tokio::task::JoinHandle;

/// Checkpoints that are larger are fetched only when they are needed: anybody may open a run of any size.
const KEPT_BYTES: u64 = 8 << 30;

/// Blocks to wait before a checkpoint that could not be had is asked for again.
const AGAIN_BLOCKS: u64 = 2;

/// Blocks for which a checkpoint must have been missing before an idle worker makes it again: it may be on its way.
const REMAKE_AFTER: u64 = 4;

/// Since when a checkpoint has been missing that must not be made again.
const NEVER: u64 = u64::MAX;

/// A checkpoint of a run.
pub(super) type Key = (RunId, RoundKey, [Digest; 2]);

/// Whether a checkpoint is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// It is.
    Yes,
    /// It was made again, and is not at the address that was posted: that one is of something else.
    Elsewhere,
    /// It is not.
    Not {
        /// The block in which it was missed first.
        since: u64,
        /// The block in which it was looked for last.
        last: u64,
    },
}

impl Held {
    fn is_to_be_looked_for(self, block: u64) -> bool {
        matches!(self, Self::Not { last, .. } if block >= last.saturating_add(AGAIN_BLOCKS))
    }

    fn is_to_be_remade(self, block: u64) -> bool {
        matches!(self, Self::Not { since, .. } if since != NEVER && block >= since.saturating_add(REMAKE_AFTER))
    }
}

/// A thread that makes a checkpoint again.
pub(super) struct Remake {
    key: Key,
    stop: Stop,
    handle: JoinHandle<anyhow::Result<Checkpoint>>,
}

impl Daemon {
    /// Fetches the checkpoints that rounds have made, and checks them against their roots. Of runs that lack one it is noted how
    /// each was made, for whoever needs it; an idle worker makes it again.
    pub(super) async fn keep_checkpoints(&mut self, at: &At, rounds: &mut Rounds<'_>) -> anyhow::Result<()> {
        let block = at.number();
        self.take_in_remade(block).await?;
        let (mut now, mut origins) = (BTreeMap::new(), BTreeMap::new());
        for run in at.open_runs().await? {
            let mut missing = Vec::new();
            for round in rounds.rounds(run).await? {
                let Some((checkpoint, _)) = round.result else { continue };
                let key = (run, round.key, [checkpoint.root, checkpoint.blob]);
                let mut held = self.held.get(&key).copied();
                // Somebody, or a check that failed, may have removed it since.
                if held == Some(Held::Yes) && !self.blobs.has(checkpoint.blob).unwrap_or(true) {
                    held = None;
                }
                if held.is_none_or(|held| held.is_to_be_looked_for(block)) {
                    let Some((_, spec)) = self.specs.of(at, run).await? else { continue };
                    if checkpoint_bytes(&spec.model) > KEPT_BYTES {
                        if !self.blobs.has(checkpoint.blob).unwrap_or(true) {
                            missing.push((key, None));
                        }
                        continue;
                    }
                    held = Some(self.fetch(key, spec, checkpoint, held, block).await?);
                }
                let Some(held) = held else { continue };
                if matches!(held, Held::Not { .. }) {
                    missing.push((key, held.is_to_be_remade(block).then_some(checkpoint)));
                }
                now.insert(key, held);
            }
            if !missing.is_empty() {
                origins.insert(run, rounds.origins(run).await?);
            }
            for (key, checkpoint) in missing {
                if let Some(checkpoint) = checkpoint
                    && let Some((_, spec)) = self.specs.of(at, run).await?
                {
                    let origins = origins.get(&run).map(Vec::as_slice).unwrap_or_default();
                    self.remake(key, spec, checkpoint, origins);
                }
            }
        }
        (self.held, self.origins) = (now, origins);
        Ok(())
    }

    async fn fetch(
        &mut self,
        key: Key,
        spec: RunSpec,
        checkpoint: Checkpoint,
        before: Option<Held>,
        block: u64,
    ) -> anyhow::Result<Held> {
        let (run, round, _) = key;
        let blobs = self.blobs.clone();
        let fetched =
            tokio::task::spawn_blocking(move || store::fetch_checkpoint(&blobs, &spec, checkpoint)).await?;
        match fetched {
            Ok(_) => {
                self.record(Event::Holds { run, round, checkpoint })?;
                tracing::info!(run, round = round.round, root = %checkpoint.root, "has the checkpoint");
                Ok(Held::Yes)
            }
            // Whoever aggregated it may yet serve it; a false one is for a dispute.
            Err(error) => {
                tracing::warn!(run, round = round.round, %error, "the checkpoint cannot be had");
                let since = match before {
                    Some(Held::Not { since, .. }) => since,
                    _ => block,
                };
                Ok(Held::Not { since, last: block })
            }
        }
    }

    /// Begins to make a checkpoint again, if nothing else is being worked on.
    fn remake(&mut self, key: Key, spec: RunSpec, checkpoint: Checkpoint, origins: &[super::work::Origin]) {
        if self.remaking.is_some() || self.crews.contains_key(&Kind::Aggregate.lane()) {
            return;
        }
        tracing::warn!(run = key.0, round = key.1.round, "nobody serves the checkpoint: making it again");
        let stop = Stop::new();
        let (workshop, origins, raised) = (self.workshop.clone(), origins.to_vec(), stop.clone());
        let handle =
            tokio::task::spawn_blocking(move || workshop.remake(&spec, checkpoint, &origins, &raised));
        self.remaking = Some(Remake { key, stop, handle });
    }

    /// Takes in what making a checkpoint again came to.
    async fn take_in_remade(&mut self, block: u64) -> anyhow::Result<()> {
        let Some(Remake { key, handle, .. }) = self.remaking.take_if(|remake| remake.handle.is_finished())
        else {
            return Ok(());
        };
        let (run, round, [root, blob]) = key;
        match handle.await.unwrap_or_else(|error| Err(anyhow::anyhow!("the engine broke down: {error}"))) {
            Ok(made) => {
                tracing::info!(run, round = round.round, %root, "made the checkpoint again");
                if made.blob == blob {
                    self.record(Event::Holds { run, round, checkpoint: made })?;
                }
                self.held.insert(key, if made.blob == blob { Held::Yes } else { Held::Elsewhere });
            }
            Err(error) => {
                if !is_stopped(&error) {
                    tracing::error!(
                        run,
                        round = round.round,
                        error = format!("{error:#}"),
                        "the checkpoint cannot be made again"
                    );
                }
                // A false one is worth looking for, but not making again.
                let since = if error.is::<FalseRoot>() { NEVER } else { block };
                self.held.insert(key, Held::Not { since, last: block });
            }
        }
        Ok(())
    }

    /// Work that the chain asks for comes first, and makes for itself what it needs.
    pub(super) fn make_way(&self, task: &Task) {
        if let Some(remake) = self.remaking.as_ref().filter(|_| task.kind.lane() == Kind::Aggregate.lane()) {
            remake.stop.raise(Exit::Terminated);
        }
    }

    /// Ends what is made again.
    pub(super) async fn stop_remaking(&mut self) {
        if let Some(remake) = self.remaking.take() {
            remake.stop.raise(Exit::Terminated);
            // What it came to is of no use any more.
            let _ = tokio::time::timeout(super::ending::PARK_WITHIN, remake.handle).await;
        }
    }
}

/// Whether work ended only because it was told to.
pub(super) fn is_stopped(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(AggregateError::Stopped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_checkpoint_is_looked_for_and_later_made_again() {
        let held = Held::Not { since: 100, last: 103 };
        assert!(!held.is_to_be_looked_for(104) && held.is_to_be_looked_for(105));
        assert!(!held.is_to_be_remade(103) && held.is_to_be_remade(104));
        let lie = Held::Not { since: NEVER, last: 103 };
        assert!(lie.is_to_be_looked_for(105) && !lie.is_to_be_remade(u64::MAX));
        for held in [Held::Yes, Held::Elsewhere] {
            assert!(!held.is_to_be_looked_for(u64::MAX) && !held.is_to_be_remade(u64::MAX), "{held:?}");
        }
    }
}
