//! Forgetting what is settled for good. A worker has some duties in every round, for years.

use super::{Daemon, journal::Event, watch::Rounds, work::kept_slots};
use std::collections::BTreeSet;

impl Daemon {
    /// Closes the rounds of which nothing is left to be done, that no slot's files are kept of, and that a finalised block does not have
    /// any more: of what the log knows of their duties nothing will be asked.
    pub(super) async fn close_rounds(&mut self, rounds: &mut Rounds) -> anyhow::Result<()> {
        let kept: BTreeSet<_> =
            kept_slots(&self.state).into_iter().map(|task| (task.run, task.round)).collect();
        let mut gone = Vec::new();
        for ((run, round), seen) in self.journal.done_rounds() {
            if !kept.contains(&(run, round)) && rounds.round(run, round).await?.is_none() {
                gone.push((run, round, seen));
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        // The node may be behind the one before it, or on a fork.
        let finalised = self.client.at(self.client.finalised_hash().await?).await?;
        let mut rounds = Rounds::at(&finalised);
        for (run, round, seen) in gone {
            let is_open = rounds.round(run, round).await?.is_some();
            if is_settled(is_open, finalised.number(), seen) {
                self.record(Event::Closed { run, round })?;
            }
        }
        self.journal.tidy()?;
        Ok(())
    }
}

/// Whether a round is settled, by a finalised block: one that does not show it, and is not older than what was seen of it. In an older
/// one the round may not be open yet.
pub(super) fn is_settled(is_open: bool, finalised: u64, seen: u64) -> bool {
    !is_open && finalised >= seen
}
