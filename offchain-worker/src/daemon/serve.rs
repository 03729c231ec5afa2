//! Looking after the slots that were trained, whose states auditors may ask for, until their rounds are settled.

use super::{
    Daemon,
    background::Background,
    settled::is_settled,
    slots::{self, Served},
    task::{Act, Task},
    watch::Rounds,
    work::{folder_of, kept_slots},
};
use crate::{
    chain::{ChainError, Round},
    stop::Stop,
};
use sabha_protocol::{Digest, Outcome, RunSpec, audit::Audits, round::Terms};
use std::path::PathBuf;

impl Daemon {
    /// Has the states served that auditors need, as far as they were kept, and removes the files of slots whose rounds are settled.
    pub(super) async fn tend_slots(&mut self, rounds: &mut Rounds) -> Result<(), ChainError> {
        let (mut gone, mut wanted) = (Vec::new(), Vec::new());
        for task in kept_slots(&self.state) {
            match rounds.round(task.run, task.round).await? {
                None => gone.push(task),
                Some(round) if matches!(round.audits, Audits::Sealing { .. }) => {
                    if let Some((_, spec)) = self.specs.of(rounds, task.run).await? {
                        wanted.extend(self.wanted_of(&task, &round, spec, rounds).await?);
                    }
                }
                Some(_) => {}
            }
        }
        // What is being served would be left behind.
        if !gone.is_empty() && !self.is_serving() {
            self.forget_settled(gone).await?;
        }
        self.serve(wanted);
        Ok(())
    }

    async fn forget_settled(&mut self, gone: Vec<Task>) -> Result<(), ChainError> {
        // The node may be behind the one before it, or on a fork: the files, once removed, may be had too late.
        let finalised = self.client.at(self.client.finalised_hash().await?).await?;
        let (mut rounds, mut settled) = (Rounds::at(&finalised), Vec::new());
        for task in gone {
            let is_open = rounds.round(task.run, task.round).await?.is_some();
            if is_settled(is_open, finalised.number(), self.journal.seen(task)) {
                settled.extend(self.files_of(&task));
            }
        }
        if !settled.is_empty() {
            // There may be many gigabytes, and clocks run meanwhile.
            let served = self.served.clone();
            self.serving = Some(Background::begin(move |_| {
                settled.iter().for_each(|(folder, committed)| slots::remove(folder, &served, *committed));
                Ok(())
            }));
        }
        Ok(())
    }

    /// The files of a slot whose round is settled, and what was committed for it.
    fn files_of(&self, task: &Task) -> Option<(PathBuf, Option<Digest>)> {
        if self.memory.working.values().any(|(working, _)| working == task) {
            return None;
        }
        tracing::debug!(%task, "its round is settled: its files are removed");
        let act = self.journal.known(*task).and_then(|known| known.signed.as_ref());
        let committed = act.and_then(|act| match act {
            Act::Commit(Outcome::Trained(commitment)) => Some(commitment.segments_root),
            _ => None,
        });
        Some((folder_of(&self.state, task), committed))
    }

    /// Only the states that the sampled segments start from: with others, an auditor could copy its answer.
    async fn wanted_of(
        &self,
        task: &Task,
        round: &Round,
        spec: RunSpec,
        rounds: &mut Rounds,
    ) -> Result<Option<Wanted>, ChainError> {
        // Nobody was drawn for it, or it is not this worker's.
        let Some(slot) = rounds.slot(task.run, task.round, task.place).await? else { return Ok(None) };
        let Some(Outcome::Trained(commitment)) = slot.outcome() else { return Ok(None) };
        let mine = slot.generation == task.generation && slot.worker() == Some(&self.owner);
        if !mine || !round.unanswered.contains(task.place) {
            return Ok(None);
        }
        let mut segments = round.audited_segments(&Terms::new(task.run, &spec), task.place);
        segments.retain(|segment| *segment > 0);
        let (folder, root) = (folder_of(&self.state, task), commitment.segments_root);
        Ok(Some(Wanted { task: *task, spec, folder, root, segments }))
    }

    fn is_serving(&self) -> bool {
        self.serving.as_ref().is_some_and(|serving| !serving.has_ended())
    }

    /// Serves states beside the loop: what is served goes to the object store, too. What is served already costs a look at the disk.
    fn serve(&mut self, wanted: Vec<Wanted>) {
        if self.is_serving() || wanted.is_empty() {
            return;
        }
        let served = self.served.clone();
        self.serving = Some(Background::begin(move |stop| {
            wanted.iter().for_each(|wanted| wanted.serve(&served, stop));
            Ok(())
        }));
    }
}

/// States of a slot that auditors need.
struct Wanted {
    task: Task,
    spec: RunSpec,
    folder: PathBuf,
    /// What the slot committed.
    root: Digest,
    /// The segments that start from them.
    segments: Vec<u32>,
}

impl Wanted {
    fn serve(&self, served: &Served, stop: &Stop) {
        let Self { task, spec, folder, root, segments } = self;
        let Some(leaves) = slots::read_leaves(folder, spec, *root) else { return };
        for segment in segments {
            if stop.is_raised() {
                return;
            }
            match served.serve(folder, &leaves, *root, *segment) {
                Ok(true) => tracing::debug!(%task, segment, "serves the state that the segment starts from"),
                Ok(false) => {
                    tracing::debug!(%task, segment, "the state that the segment starts from was not kept");
                }
                Err(error) => tracing::warn!(%task, segment, %error, "cannot serve a state"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::{
        journal::{Event, Journal},
        task::{Basis, Kind},
    };
    use sabha_protocol::{Digest, RoundKey};

    /// A failover to a node that is behind, also after a restart.
    #[test]
    fn nothing_is_removed_by_what_a_node_that_is_behind_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let round = RoundKey { round: 3, attempt: 0 };
        let task = Task { kind: Kind::Train, run: 7, round, place: 2, generation: 0 };
        let basis = Basis { spec: Digest([1; 32]), base: None, inputs: Digest([2; 32]) };
        let mut journal = Journal::open(folder.path()).unwrap();
        journal.record(Event::Taken { task, basis, until: 90, block: 100 }).unwrap();
        journal.record(Event::Settled { task, block: 120 }).unwrap();
        drop(journal);
        let seen = Journal::open(folder.path()).unwrap().seen(task);
        for behind in [0, 99, 119] {
            assert!(!is_settled(false, behind, seen), "{behind}");
        }
        assert!(is_settled(false, 120, seen) && !is_settled(true, 500, seen));
    }
}
