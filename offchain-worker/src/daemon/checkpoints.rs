//! Looking after the checkpoints of runs, so that a worker has them when it is drawn, and others can fetch them from it.
//!
//! Nobody attests a checkpoint's blob: whoever aggregated it may post its root and serve nothing. Then it is made again of the
//! round's base and its accepted updates, which attesters have, and served from here.

use super::{
    Daemon,
    background::Background,
    journal::Event,
    survey::Survey,
    task::{Kind, Task},
    works::{FalseRoot, is_stopped},
};
use crate::{
    blobs::BlobStore,
    chain::{Worker, WorkerStatus},
};
use sabha_protocol::{Digest, RoundKey, RunId, RunSpec, round::Checkpoint};
use std::collections::BTreeMap;

/// Checkpoints that are fetched at a time.
const FETCHED_AT_ONCE: usize = 2;

/// Specifications of which it is remembered whether this machine is able to work for their runs.
const ABLE_KEPT: usize = 512;

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
    /// It was looked for in vain.
    fn missed(before: Option<Self>, block: u64) -> Self {
        match before {
            Some(Self::Not { since, .. }) => Self::Not { since, last: block },
            _ => Self::Not { since: block, last: block },
        }
    }

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
    thread: Background<Checkpoint>,
}

impl Remake {
    pub(super) fn has_ended(&self) -> bool {
        self.thread.has_ended()
    }
}

/// A thread that fetches a checkpoint.
pub(super) struct Fetching {
    checkpoint: Checkpoint,
    thread: Background<()>,
}

impl Fetching {
    pub(super) fn has_ended(&self) -> bool {
        self.thread.has_ended()
    }
}

impl Daemon {
    /// Has the checkpoints fetched that rounds have made, of the runs that this worker may be drawn for and is able to work for, and checked
    /// against their roots. Of runs that lack one it is noted how each was made, for whoever needs it; an idle worker makes it again.
    pub(super) async fn keep_checkpoints(
        &mut self,
        survey: &mut Survey,
        worker: &Worker,
    ) -> anyhow::Result<()> {
        let Survey { at, open, rounds, .. } = survey;
        let block = at.number();
        let (mut now, mut origins) = (BTreeMap::new(), BTreeMap::new());
        for run in open.iter().copied() {
            if !self.may_be_drawn_for(run, worker) {
                continue;
            }
            let Some((hash, spec)) = self.specs.of(rounds, run).await? else { continue };
            if !self.is_able(hash, &spec) {
                continue;
            }
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
                    self.fetch(key, &spec, checkpoint);
                }
                match held {
                    None => missing.push((key, None)),
                    Some(held @ Held::Not { .. }) => {
                        missing.push((key, held.is_to_be_remade(block).then_some(checkpoint)));
                    }
                    Some(Held::Yes | Held::Elsewhere) => {}
                }
                now.insert(key, held);
            }
            if !missing.is_empty() {
                origins.insert(run, rounds.origins(run).await?);
            }
            let origins = origins.get(&run).map(Vec::as_slice).unwrap_or_default();
            for (key, checkpoint) in missing {
                if let Some(checkpoint) = checkpoint {
                    self.remake(key, &spec, checkpoint, origins);
                }
            }
        }
        self.held = now.into_iter().filter_map(|(key, held)| Some((key, held?))).collect();
        self.origins = origins;
        Ok(())
    }

    /// Whether the worker may be drawn for a run, or has been.
    fn may_be_drawn_for(&self, run: RunId, worker: &Worker) -> bool {
        worker.status == WorkerStatus::Ready
            || self.memory.wants_ready
            || self.journal.open_tasks().any(|(task, _)| task.run == run)
    }

    /// Whether this machine can do what a run asks for: what is declined anyway needs no checkpoint.
    fn is_able(&mut self, hash: Digest, spec: &RunSpec) -> bool {
        if let Some(able) = self.able.get(&hash) {
            return *able;
        }
        let able = self.workshop.is_able(spec);
        if !able {
            tracing::info!(specification = %hash, "this machine cannot work for runs of it: their checkpoints are not fetched");
        }
        if self.able.len() >= ABLE_KEPT {
            self.able.clear();
        }
        self.able.insert(hash, able);
        able
    }

    /// Begins to fetch a checkpoint, unless that goes on already or there are enough of them.
    fn fetch(&mut self, key: Key, spec: &RunSpec, checkpoint: Checkpoint) {
        if self.fetching.contains_key(&key) || self.fetching.len() >= FETCHED_AT_ONCE {
            return;
        }
        let (workshop, spec) = (self.workshop.clone(), spec.clone());
        let thread = Background::begin(move |stop| workshop.hold(&spec, checkpoint, stop));
        self.fetching.insert(key, Fetching { checkpoint, thread });
    }

    /// Takes in the threads that have ended.
    pub(super) async fn take_in_checkpoints(&mut self) -> anyhow::Result<()> {
        let ended: Vec<_> = self.fetching.extract_if(.., |_, fetching| fetching.has_ended()).collect();
        for (key, Fetching { checkpoint, thread }) in ended {
            let (run, round, _) = key;
            let before = self.held.get(&key).copied();
            let held = match thread.result().await {
                Ok(()) => {
                    self.record(Event::Holds { run, round, checkpoint })?;
                    tracing::info!(run, round = round.round, root = %checkpoint.root, "fetched the checkpoint");
                    Held::Yes
                }
                // Nobody wants it, or the process ends.
                Err(error) if is_stopped(&error) => continue,
                Err(error) => {
                    tracing::debug!(
                        run,
                        round = round.round,
                        error = format!("{error:#}"),
                        "the checkpoint cannot be had"
                    );
                    Held::missed(before, self.block)
                }
            };
            self.held.insert(key, held);
        }
        self.take_in_remade(self.block).await
    }

    /// Begins to make a checkpoint again, if nothing else is being worked on.
    fn remake(&mut self, key: Key, spec: &RunSpec, checkpoint: Checkpoint, origins: &[super::work::Origin]) {
        if self.remaking.is_some() || self.crews.contains_key(&Kind::Aggregate.lane()) {
            return;
        }
        tracing::warn!(run = key.0, round = key.1.round, "nobody serves the checkpoint: making it again");
        let (workshop, spec, origins) = (self.workshop.clone(), spec.clone(), origins.to_vec());
        let thread = Background::begin(move |stop| workshop.remake(&spec, checkpoint, &origins, stop));
        self.remaking = Some(Remake { key, thread });
    }

    /// Takes in what making a checkpoint again came to.
    async fn take_in_remade(&mut self, block: u64) -> anyhow::Result<()> {
        let Some(Remake { key, thread }) = self.remaking.take_if(|remake| remake.has_ended()) else {
            return Ok(());
        };
        let (run, round, [root, blob]) = key;
        match thread.result().await {
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
            remake.thread.stop();
        }
    }

    /// Tells all that is beside the loop to end. What it comes to is of no use any more: nobody waits for it.
    pub(super) fn stop_background(&self) {
        if let Some(remake) = &self.remaking {
            remake.thread.stop();
        }
        for fetching in self.fetching.values() {
            fetching.thread.stop();
        }
        if let Some(serving) = &self.serving {
            serving.stop();
        }
    }
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
        assert_eq!(Held::missed(None, 100), Held::Not { since: 100, last: 100 });
        assert_eq!(Held::missed(Some(held), 105), Held::Not { since: 100, last: 105 });
        assert_eq!(Held::missed(Some(lie), 105), Held::Not { since: NEVER, last: 105 });
        for held in [Held::Yes, Held::Elsewhere] {
            assert!(!held.is_to_be_looked_for(u64::MAX) && !held.is_to_be_remade(u64::MAX), "{held:?}");
        }
    }
}
