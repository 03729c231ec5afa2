//! Looking after what others may need: the slots that were trained, whose states auditors may ask for, until their rounds are settled;
//! and the checkpoints of runs, so that a worker has them when it is drawn, and others can fetch them from it.

use super::{
    Daemon,
    journal::Event,
    slots,
    task::Task,
    watch::Rounds,
    work::{folder_of, kept_slots},
};
use crate::{
    chain::{At, ChainError, Round},
    engine::rounds::{checkpoint_bytes, store},
};
use sabha_protocol::{Outcome, RunSpec, audit::Audits, round::Terms};
use std::collections::BTreeMap;

/// Checkpoints that are larger are fetched only when they are needed: anybody may open a run of any size.
const KEPT_BYTES: u64 = 8 << 30;

/// Blocks to wait before a checkpoint that could not be had is asked for again.
const AGAIN_BLOCKS: u64 = 2;

/// Whether a checkpoint is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// It is.
    Yes,
    /// It was not, as of this block.
    NotAt(u64),
}

impl Daemon {
    /// Serves the states that auditors need, as far as they were kept, and removes the files of slots whose rounds are settled.
    pub(super) async fn tend_slots(&mut self, at: &At, rounds: &mut Rounds<'_>) -> Result<(), ChainError> {
        for task in kept_slots(&self.state) {
            match rounds.round(task.run, task.round).await? {
                // A round that is only just opened is in this block, or the slot would not have been begun.
                None => self.forget_slot(&task),
                Some(round) if matches!(round.audits, Audits::Sealing { .. }) => {
                    if let Some((_, spec)) = self.specs.of(at, task.run).await? {
                        self.serve_slot(&task, &round, &spec, rounds).await?;
                    }
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Fetches the checkpoints that rounds have made, and checks them against their roots.
    pub(super) async fn keep_checkpoints(&mut self, at: &At, rounds: &mut Rounds<'_>) -> anyhow::Result<()> {
        let (block, mut now) = (at.number(), BTreeMap::new());
        for run in at.open_runs().await? {
            for round in rounds.rounds(run).await? {
                let Some((checkpoint, _)) = round.result else { continue };
                let key = (run, round.key, [checkpoint.root, checkpoint.blob]);
                let before = self.held.get(&key).copied();
                let wait =
                    matches!(before, Some(Held::NotAt(last)) if block < last.saturating_add(AGAIN_BLOCKS));
                if let Some(held) = before.filter(|held| *held == Held::Yes || wait) {
                    now.insert(key, held);
                    continue;
                }
                let Some((_, spec)) = self.specs.of(at, run).await? else { continue };
                if checkpoint_bytes(&spec.model) > KEPT_BYTES {
                    continue;
                }
                let blobs = self.blobs.clone();
                let fetched =
                    tokio::task::spawn_blocking(move || store::fetch_checkpoint(&blobs, &spec, checkpoint))
                        .await?;
                now.insert(key, if fetched.is_ok() { Held::Yes } else { Held::NotAt(block) });
                match fetched {
                    Ok(_) => {
                        let round = round.key;
                        self.journal.record(Event::Holds { run, round, checkpoint })?;
                        tracing::info!(run, round = round.round, root = %checkpoint.root, "has the checkpoint");
                    }
                    // Whoever aggregated it may yet serve it; a false one is for a dispute.
                    Err(error) => {
                        tracing::warn!(run, round = round.key.round, %error, "the checkpoint cannot be had")
                    }
                }
            }
        }
        self.held = now;
        Ok(())
    }

    fn forget_slot(&self, task: &Task) {
        if self.memory.working.values().any(|(working, _)| working == task) {
            return;
        }
        tracing::debug!(%task, "its round is settled: its files are removed");
        slots::remove(&folder_of(&self.state, task), &self.served);
    }

    /// Only the states that the sampled segments start from: with others, an auditor could copy its answer.
    async fn serve_slot(
        &self,
        task: &Task,
        round: &Round,
        spec: &RunSpec,
        rounds: &mut Rounds<'_>,
    ) -> Result<(), ChainError> {
        // Nobody was drawn for it, or it is not this worker's.
        let Some(slot) = rounds.slot(task.run, task.round, task.place).await? else { return Ok(()) };
        let Some(Outcome::Trained(commitment)) = slot.outcome() else { return Ok(()) };
        let mine = slot.generation == task.generation && slot.worker() == Some(&self.owner);
        if !mine || !round.unanswered.contains(task.place) {
            return Ok(());
        }
        let (folder, root) = (folder_of(&self.state, task), commitment.segments_root);
        let Some(leaves) = slots::read_leaves(&folder, spec, root) else { return Ok(()) };
        let segments = round.audited_segments(&Terms::new(task.run, spec), task.place);
        for segment in segments.into_iter().filter(|segment| *segment > 0) {
            let (served, folder, leaves) = (self.served.clone(), folder.clone(), leaves.clone());
            let serving =
                tokio::task::spawn_blocking(move || served.serve(&folder, &leaves, root, segment)).await;
            match serving {
                Ok(Ok(true)) => {
                    tracing::debug!(%task, segment, "serves the state that the segment starts from")
                }
                Ok(Ok(false)) => {
                    tracing::debug!(%task, segment, "the state that the segment starts from was not kept")
                }
                Ok(Err(error)) => tracing::warn!(%task, segment, %error, "cannot serve a state"),
                Err(error) => tracing::warn!(%task, segment, %error, "cannot serve a state"),
            }
        }
        Ok(())
    }
}
