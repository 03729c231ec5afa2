//! What the daemon does when it has decided. Each act is in the event log before it is done.

use super::{
    Crew, Daemon,
    decide::{
        Action, Errand, MISSES_IN_A_ROW, RESEND_BLOCKS, RETRY_BLOCKS, Refusal, View, is_foreign, is_miss,
        next_action,
    },
    journal::Event,
    task::{Act, Duty, Task},
    work::{self, Job, Time},
};
use crate::{
    chain::{At, Call, ChainError, Included, Until},
    error::{Exit, failure},
    metrics::metrics,
    stop::Stop,
};
use sabha_protocol::RunId;
use std::time::Instant;

/// Acts between two looks at the chain: more would mean that deciding does not come to an end.
const ACTS_A_LOOK: usize = 64;

/// Blocks for which an act waits once, if something else of its key is in the pool.
const WAITED_BLOCKS: u32 = RESEND_BLOCKS as u32;

impl Daemon {
    /// Does what is to be done, one thing after another.
    pub(super) async fn act(&mut self, mut view: View) -> anyhow::Result<()> {
        for _ in 0..ACTS_A_LOOK {
            let action = next_action(&view, &self.memory, &self.journal, &self.key.account());
            tracing::debug!(block = view.block, ?action, "decided");
            match action {
                Action::Wait => return Ok(()),
                Action::Abandon(task) => {
                    tracing::warn!(%task, "nobody asks for this any more: it is abandoned");
                    self.halt(task);
                }
                Action::Park(task) => {
                    tracing::info!(%task, "something more urgent is to be done first");
                    self.halt(task);
                }
                Action::Lose { task, late } => self.lose(task, late)?,
                Action::Settle(task) => self.settle(task, view.block)?,
                Action::Forget(task) => self.forget(task)?,
                Action::Refuse(task, why) => self.refuse(task, why),
                Action::UnknownNumerics(version) => {
                    return Err(failure(
                        Exit::Outdated,
                        format!(
                            "a run follows numerics version {version}, which this release does not know: update sabha-worker"
                        ),
                    ));
                }
                Action::Work(duty) => self.work(duty, view.active)?,
                Action::Sign(duty, act) => self.sign(duty, act, &view).await?,
                Action::Ready => self.present(true).await?,
                Action::Drain => self.present(false).await?,
                Action::Poke(run) => self.poke(run, &mut view).await?,
            }
        }
        tracing::warn!("more to do than expected: going on with the next block");
        Ok(())
    }

    fn work(&mut self, duty: Duty, active: u32) -> anyhow::Result<()> {
        let Some(spec) = self.specs.get(duty.basis.spec) else {
            anyhow::bail!("the specification of {} is not known", duty.task);
        };
        let task = duty.task;
        let job = Job {
            spec: spec.clone(),
            folder: work::folder_of(&self.state, &duty.about()),
            time: Time::at(active, duty.patience, duty.until, self.slot_time),
            origins: self.origins.get(&task.run).cloned().unwrap_or_default(),
            duty: duty.clone(),
        };
        // Waiting for others, it is begun again and again.
        if self.journal.known(task).is_none_or(|known| known.closed) || !self.memory.again.contains_key(&task)
        {
            self.take(&duty)?;
            tracing::info!(%task, base = ?duty.basis.base, until = duty.until, "begun");
        }
        self.make_way(&task);
        let (stop, time) = (Stop::new(), job.time.clone());
        let (workshop, raised) = (self.workshop.clone(), stop.clone());
        let handle = tokio::task::spawn_blocking(move || workshop.work(&job, &raised));
        self.memory.working.insert(task.kind.lane(), (task, duty.basis));
        let crew = Crew { duty, time, began: Instant::now(), stop, stopping: None, handle };
        self.crews.insert(task.kind.lane(), crew);
        Ok(())
    }

    /// Signs and sends a call, and waits until it is in a block: at the end, when there is nothing else to do.
    pub(super) async fn submit(&self, call: &Call) -> Result<Included, ChainError> {
        let result = self.client.submit(call, &self.key, Until::Best).await;
        metrics().sent(&result);
        result
    }

    fn take(&mut self, duty: &Duty) -> anyhow::Result<()> {
        let Duty { task, basis, until, .. } = *duty;
        Ok(self.record(Event::Taken { task, basis, until, block: self.block })?)
    }

    fn lose(&mut self, task: Task, late: bool) -> anyhow::Result<()> {
        let is_miss = is_miss(self.journal.known(task), late);
        self.record(Event::Lost { task, late })?;
        self.memory.refused.remove(&task);
        self.memory.sent.remove(&task);
        self.spent.remove(&task);
        if !late {
            tracing::info!(%task, "it was taken back; this worker is not at fault");
            return Ok(());
        }
        if !is_miss {
            tracing::warn!(%task, "the deadline of what was declined has passed");
            return Ok(());
        }
        self.memory.misses = self.memory.misses.saturating_add(1);
        let misses = self.memory.misses;
        if misses < MISSES_IN_A_ROW {
            tracing::error!(%task, "the deadline was missed");
        } else {
            tracing::error!(
                %task,
                misses,
                "too much was missed in a row: the worker asks to be drawn for nothing. Find out why, then call `sabha-worker ready`"
            );
            self.memory.wants_ready = false;
        }
        Ok(())
    }

    fn settle(&mut self, task: Task, block: u64) -> anyhow::Result<()> {
        if is_foreign(&task, self.journal.known(task)) {
            self.shout_foreign(&task);
        }
        self.record(Event::Settled { task, block })?;
        self.memory.sent.remove(&task);
        self.memory.misses = 0;
        tracing::info!(%task, block, "the chain has it");
        Ok(())
    }

    fn forget(&mut self, task: Task) -> anyhow::Result<()> {
        self.record(Event::Unknown { task })?;
        tracing::warn!(%task, "it was signed, and its round is settled: nobody can tell any more whether the chain had it");
        Ok(())
    }

    /// The other daemon may be the one that sealed something and alone can reveal it: none of the two is ended by this.
    fn shout_foreign(&self, task: &Task) {
        metrics().foreign();
        self.pulse.vitals().foreign = true;
        tracing::error!(
            %task,
            "the chain has a result of this worker that this daemon did not sign: two daemons use one hot key. Stop one of them. If the \
             key was stolen: give the worker another one (sabha-worker update --hot-key), and start the daemon with that and the same --state"
        );
    }

    fn refuse(&mut self, task: Task, why: Refusal) {
        if why == Refusal::Sealed {
            self.shout_foreign(&task);
        }
        let log = self.journal.path().display();
        match why {
            Refusal::Signed => tracing::error!(
                %task, %log,
                "something else was signed for this: it is left alone. On a new chain with the same genesis, use another --state"
            ),
            Refusal::Sealed => tracing::error!(
                %task, %log,
                "this was sealed by a daemon with another event log, which alone can reveal it: run that one, with its --state"
            ),
            Refusal::Yardstick => tracing::error!(
                %task,
                "the run follows numerics version 0, whose results differ between machines: this worker leaves it alone"
            ),
        }
        self.memory.refused.insert(task);
    }

    async fn sign(&mut self, duty: Duty, act: Act, view: &View) -> anyhow::Result<()> {
        let task = duty.task;
        let is_whole = match act.blob() {
            Some(blob) => self.is_whole(blob).await?,
            None => Some(true),
        };
        let Some(is_whole) = is_whole else {
            // Looked at again as soon as that is known.
            self.memory.again.insert(task, view.block.saturating_add(RETRY_BLOCKS));
            return Ok(());
        };
        if !is_whole {
            if self.memory.working.contains_key(&task.kind.lane()) {
                self.memory.again.insert(task, view.block.saturating_add(RETRY_BLOCKS));
                return Ok(());
            }
            tracing::warn!(%task, blob = ?act.blob(), "what was made is gone from the blob store: making it again");
            return self.work(duty, view.active);
        }
        // A refused act costs a fee: look at the newest state first.
        let best = self.client.at_best().await?;
        let asked = best.duties_of(&self.key.account()).await?;
        if !asked.iter().any(|asked| task.is_asked_by(asked)) {
            tracing::debug!(%task, "not asked for in the best block: nothing is sent");
            self.memory.sent.insert(task, best.number());
            return Ok(());
        }
        // After a restart or a failover this may be the act itself: a second one costs a fee, and does nothing.
        let has_time = view.active.saturating_add(2 * WAITED_BLOCKS) < duty.until;
        if has_time && !self.memory.waited.contains(&task) && self.has_strangers(&best).await? {
            tracing::info!(%task, "something of this key waits in the pool: looking again in {RESEND_BLOCKS} blocks");
            self.memory.waited.insert(task);
            self.memory.sent.insert(task, best.number());
            return Ok(());
        }
        if self.journal.known(task).is_none_or(|known| known.closed) {
            self.take(&duty)?;
        }
        let call = act.call(&task);
        // Whatever becomes of sending it, it may be included.
        self.memory.sent.insert(task, best.number());
        self.send_noted(Errand::Act(task), Event::Signing { task, act }, &call).await
    }

    /// Whether the pool has something of this key that this process did not send.
    async fn has_strangers(&self, best: &At) -> anyhow::Result<bool> {
        let own = self.memory.flying.len().saturating_add(self.disputes.flying());
        let waiting = self.client.waiting(&self.key.account(), best).await?;
        Ok(waiting > u64::try_from(own).unwrap_or(u64::MAX))
    }

    /// Tells the chain whether the worker can be drawn.
    async fn present(&mut self, ready: bool) -> anyhow::Result<()> {
        let (event, call) = if ready { (Event::Ready, Call::ready()) } else { (Event::Drain, Call::drain()) };
        self.memory.ready_again = Some(self.block.saturating_add(RETRY_BLOCKS));
        self.send_noted(Errand::Presence { ready }, event, &call).await
    }

    async fn poke(&mut self, run: RunId, view: &mut View) -> anyhow::Result<()> {
        self.moved_on(run, view);
        // A needless poke costs a fee: look at the newest state first.
        let due = self.client.at_best().await?.due(run).await?;
        if due == 0 {
            return Ok(());
        }
        self.send_noted(Errand::Poke(run), Event::Poking { run, due }, &Call::poke(run)).await
    }
}

/// Whether the chain or the pool does not want a transaction: sending it at once again is of no use.
pub(super) fn is_refusal(error: &ChainError) -> bool {
    matches!(error, ChainError::Refused { .. } | ChainError::NotAccepted { .. })
}
