//! What the daemon does when it has decided. Each act is in the event log before it is done.

use super::{
    Daemon, Training,
    decide::{Action, Duty, LOSSES_IN_A_ROW, RETRY_BLOCKS, View, next_action},
    journal::{Event, Task},
    work::{self, Job},
};
use crate::{
    blobs::BlobStore,
    chain::{Call, ChainError, Until},
    error::{Exit, failure},
    stop::Stop,
};
use sabha_protocol::{Outcome, RunId};

/// Acts between two looks at the chain: more would mean that deciding does not come to an end.
const ACTS_A_LOOK: usize = 16;

impl Daemon {
    /// Does what is to be done, one thing after another.
    pub(super) async fn act(&mut self, view: &mut View) -> anyhow::Result<()> {
        for _ in 0..ACTS_A_LOOK {
            let action = next_action(view, &self.memory, &self.journal, &self.key.account());
            tracing::debug!(block = view.block, ?action, "decided");
            match action {
                Action::Wait => return Ok(()),
                Action::Abandon(task) => self.abandon(task).await?,
                Action::Lose { task, expired } => self.lose(task, expired)?,
                Action::Settle(task) => self.settle(task, view.block)?,
                Action::Refuse(task) => {
                    tracing::error!(
                        %task,
                        log = %self.journal.path().display(),
                        "another outcome was signed for this slot: it is left alone. On a new chain with the same genesis, use \
                         another --state"
                    );
                    self.memory.refused.insert(task);
                }
                Action::UnknownNumerics(version) => {
                    return Err(failure(
                        Exit::Failure,
                        format!(
                            "a run follows numerics version {version}, which this release does not know: update sabha-worker"
                        ),
                    ));
                }
                Action::Train(duty) => self.train(duty, view.failed)?,
                Action::Commit(task, outcome) => self.commit(task, outcome, view).await?,
                Action::Ready => self.ready(view).await?,
                Action::Poke(run) => self.poke(run, view).await?,
            }
        }
        tracing::warn!("more to do than expected: going on with the next block");
        Ok(())
    }

    fn train(&mut self, duty: Duty, failed: u32) -> anyhow::Result<()> {
        let Some(spec) = self.specs.get(duty.basis.spec) else {
            anyhow::bail!("the specification of slot {} is not known", duty.task);
        };
        let task = duty.task;
        self.journal.record(Event::Taken { task, basis: duty.basis, failed })?;
        let stop = Stop::new();
        let job =
            Job { task, basis: duty.basis, spec: spec.clone(), folder: work::folder_of(&self.state, task) };
        let (trainer, raised) = (self.trainer.clone(), stop.clone());
        tracing::info!(%task, checkpoint = ?duty.basis.checkpoint, "training");
        let handle = tokio::task::spawn_blocking(move || trainer.train(&job, &raised));
        self.memory.training = Some((task, duty.basis));
        self.training = Some(Training { duty, stop, handle });
        Ok(())
    }

    async fn abandon(&mut self, task: Task) -> anyhow::Result<()> {
        tracing::warn!(%task, "the slot is no longer this worker's: its training is abandoned");
        self.halt().await
    }

    fn lose(&mut self, task: Task, expired: bool) -> anyhow::Result<()> {
        self.journal.record(Event::Lost { task, expired })?;
        self.memory.refused.remove(&task);
        self.clean(task);
        if !expired {
            tracing::info!(%task, "the slot was taken back; this worker is not at fault");
            return Ok(());
        }
        self.memory.losses = self.memory.losses.saturating_add(1);
        if self.memory.losses < LOSSES_IN_A_ROW {
            tracing::error!(%task, "the deadline was missed and the slot is lost");
            self.memory.wants_ready = true;
        } else {
            tracing::error!(
                %task,
                losses = self.memory.losses,
                "too many slots were lost in a row: no more are asked for. Find out why, then call `sabha-worker ready`"
            );
            self.memory.wants_ready = false;
        }
        Ok(())
    }

    fn settle(&mut self, task: Task, block: u64) -> anyhow::Result<()> {
        self.journal.record(Event::Committed { task, block })?;
        self.memory.sent.remove(&task);
        self.memory.losses = 0;
        self.clean(task);
        tracing::info!(%task, block, "the commitment stands");
        Ok(())
    }

    /// Removes a task's parked state: nothing will go on from it.
    fn clean(&mut self, task: Task) {
        let folder = work::folder_of(&self.state, task);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(folder = %folder.display(), %error, "cannot remove");
            }
            _ => {}
        }
    }

    async fn commit(&mut self, task: Task, outcome: Outcome, view: &View) -> anyhow::Result<()> {
        if let Outcome::Trained(commitment) = outcome
            && !self.blobs.has(commitment.update_digest)?
        {
            let Some(duty) = view.duty.clone() else { return Ok(()) };
            let update = commitment.update_digest;
            tracing::warn!(%task, %update, "the update is gone from the blob store: training it again");
            return self.train(duty, view.failed);
        }
        // A refused commitment costs a fee: look at the newest state first.
        let best = self.client.at_best().await?;
        let id = task.slot;
        let slot = best.slot(id.run, id.round, id.slot).await?;
        let open = slot.is_some_and(|slot| {
            slot.generation == task.generation
                && matches!(slot.state, sabha_protocol::SlotState::Assigned { .. })
        });
        if !open {
            tracing::debug!(%task, "not open in the best block: nothing is sent");
            self.memory.sent.insert(task, best.number());
            return Ok(());
        }
        self.journal.record(Event::Signing { task, outcome })?;
        let call = Call::commit(id, task.generation, outcome);
        match self.client.submit(&call, &self.key, Until::Best).await {
            Ok(included) => {
                tracing::info!(%task, block = included.number, transaction = ?included.transaction, "committed");
                self.memory.sent.insert(task, included.number);
                self.memory.just_committed = Some(id.run);
                Ok(())
            }
            Err(error) => self.failed(&error, view.block).map_or(Ok(()), |()| {
                // It may be included yet.
                self.memory.sent.insert(task, best.number());
                Err(error.into())
            }),
        }
    }

    async fn ready(&mut self, view: &View) -> anyhow::Result<()> {
        self.journal.record(Event::Ready)?;
        match self.client.submit(&Call::ready(), &self.key, Until::Best).await {
            Ok(included) => {
                tracing::info!(block = included.number, "ready");
                self.memory.wants_ready = false;
                Ok(())
            }
            Err(error) => self.failed(&error, view.block).map_or(Ok(()), |()| Err(error.into())),
        }
    }

    async fn poke(&mut self, run: RunId, view: &mut View) -> anyhow::Result<()> {
        view.due.retain(|(id, _)| *id != run);
        self.memory.due_since.remove(&run);
        self.memory.just_committed = self.memory.just_committed.filter(|id| *id != run);
        // A needless poke costs a fee: look at the newest state first.
        let due = self.client.at_best().await?.due(run).await?;
        if !due.any() {
            return Ok(());
        }
        match self.client.submit(&Call::poke(run), &self.key, Until::Best).await {
            Ok(included) => {
                tracing::info!(run, ?due, block = included.number, "moved the run on");
                Ok(())
            }
            Err(error) if error.refusal().is_some() => {
                tracing::info!(run, %error, "somebody else was sooner");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Notes a failed transaction: `None` if it is dealt with here, `Some` if the caller shall pass it on.
    fn failed(&mut self, error: &ChainError, block: u64) -> Option<()> {
        self.memory.retry_at = Some(block.saturating_add(RETRY_BLOCKS));
        if matches!(error, ChainError::Refused { .. } | ChainError::NotAccepted { .. }) {
            tracing::error!(%error, again_in_blocks = RETRY_BLOCKS, "refused");
            return None;
        }
        Some(())
    }
}
