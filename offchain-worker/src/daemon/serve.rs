//! Looking after the slots that were trained, whose states auditors may ask for, until their rounds are settled.

use super::{
    Daemon, slots,
    task::Task,
    watch::Rounds,
    work::{folder_of, kept_slots},
};
use crate::chain::{At, ChainError, Round};
use sabha_protocol::{Outcome, RunSpec, audit::Audits, round::Terms};

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
