//! The daemon: follows the chain, trains the slots that its worker is given, commits the results, and moves runs on.
//!
//! - [`decide`] says what to do next: a pure function of what the chain says and what is known.
//! - [`journal`] is the event log: each act is on the disk before it is done, and no slot ever gets two outcomes.
//! - [`watch`] reads what the decision needs from the chain.
//! - [`work`] is the seam to training: a slot, and how it ended; [`train`] trains it on an engine, in a thread of its own.
//!
//! Nothing is lost by a crash at any point: a slot goes on from its parked state, a trained one is committed, a commitment that is
//! not in the chain is sent again, the same. A signal parks the slot at the next step's end.

pub mod decide;
pub mod journal;
pub mod train;
pub mod watch;
pub mod work;

use crate::{
    blobs::{BlobStore, LocalBlobs},
    chain::{Call, ChainError, ChainResult, Client, Hash, Until},
    config::Config,
    error::{Exit, failure},
    keys::Key,
    stop::Stop,
};
use decide::{Action, Duty, LOSSES_IN_A_ROW, Memory, RETRY_BLOCKS, View, next_action, note_due};
use journal::{Event, Journal, Task};
use sabha_protocol::{Outcome, RunId};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use work::{Ended, Job, Trainer};

/// How long a node may be silent before another one is tried.
const FAILOVER_AFTER: Duration = Duration::from_secs(30);

/// How long a thread may take to park its slot, after a signal.
const PARK_WITHIN: Duration = Duration::from_secs(120);

/// Acts between two looks at the chain: more would mean that deciding does not come to an end.
const ACTS_A_LOOK: usize = 16;

/// What the operator asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Say that the worker is ready, if it is idle at the start.
    pub ready: bool,
    /// End when this run is over.
    pub until_run_over: Option<RunId>,
}

/// A running daemon.
pub struct Daemon {
    config: Config,
    options: Options,
    client: Client,
    key: Key,
    journal: Journal,
    memory: Memory,
    blobs: LocalBlobs,
    state: PathBuf,
    trainer: Arc<dyn Trainer>,
    training: Option<Training>,
    /// Training failed since the last look.
    training_failed: bool,
    specs: watch::Specs,
    stop: Stop,
    /// The blocks that were looked at last: followed, best.
    seen: Option<(Hash, Hash)>,
}

/// A thread that trains.
struct Training {
    duty: Duty,
    stop: Stop,
    handle: JoinHandle<anyhow::Result<Ended>>,
}

/// Whether to go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Over,
}

impl Daemon {
    /// Opens log and blobs, and checks that the key speaks for a worker of the chain.
    ///
    /// # Errors
    /// [`Exit::Refused`] if the key speaks for no worker; else if the node does not answer or a folder cannot be used.
    pub async fn new(
        config: Config,
        options: Options,
        client: Client,
        key: Key,
        trainer: Arc<dyn Trainer>,
        stop: Stop,
    ) -> anyhow::Result<Self> {
        let worker = client.at_best().await.coded()?.worker_of(&key.account()).await.coded()?;
        let Some(worker) = worker else {
            return Err(failure(
                Exit::Refused,
                format!(
                    "{} speaks for no worker on this chain: register it first (sabha-worker register --hot-key {0})",
                    key.account()
                ),
            ));
        };
        // One folder may serve several chains and workers.
        let genesis: String = client.genesis_hex().chars().skip(2).take(8).collect();
        let account: String = key.account().to_string().chars().take(12).collect();
        let state = config.storage.state.join(format!("{genesis}-{account}"));
        let mut journal = Journal::open(&state)?;
        journal.record(Event::Started {
            genesis: client.genesis_hex(),
            hot_key: key.account().to_string(),
            version: env!("CARGO_PKG_VERSION").into(),
        })?;
        let blobs = LocalBlobs::open(&config.storage.blobs)?;
        tracing::info!(
            node = client.url(),
            owner = %worker.owner,
            hot_key = %key.account(),
            status = worker.status.word(),
            state = %state.display(),
            "started"
        );
        let memory = Memory { wants_ready: options.ready, pokes: config.worker.poke, ..Memory::default() };
        Ok(Self {
            config,
            options,
            client,
            key,
            journal,
            memory,
            blobs,
            state,
            trainer,
            training: None,
            training_failed: false,
            specs: watch::Specs::default(),
            stop,
            seen: None,
        })
    }

    /// Works until a signal comes, the awaited run is over, or something fails that waiting does not help.
    ///
    /// # Errors
    /// What cannot be helped. The slot is parked all the same.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let mut silent_since: Option<Instant> = None;
        let result = loop {
            if self.stop.is_raised() {
                break Ok("signal");
            }
            match self.look().await {
                Ok(Flow::On) => silent_since = None,
                Ok(Flow::Over) => break Ok("the run is over"),
                Err(error) => match error.downcast_ref::<ChainError>() {
                    Some(chain) if chain.is_transient() => {
                        let since = *silent_since.get_or_insert_with(Instant::now);
                        tracing::warn!(node = self.client.url(), error = %chain, "the node does not serve; trying again");
                        if since.elapsed() >= FAILOVER_AFTER && self.fail_over().await {
                            silent_since = None;
                        }
                    }
                    _ => break Err(error),
                },
            }
            self.pause().await;
        };
        let reason = match &result {
            Ok(reason) => (*reason).to_string(),
            Err(error) => format!("{error:#}"),
        };
        self.park().await?;
        self.journal.record(Event::Stopped { reason: reason.clone() })?;
        tracing::info!(%reason, "stopped");
        result.map(drop).map_err(coded)
    }

    /// Waits for the next look: a moment, the end of training, or a signal.
    async fn pause(&mut self) {
        let poll = self.config.chain.poll();
        let trained = async {
            match &mut self.training {
                // A finished handle is taken care of by the next look; polling it here would lose its result.
                Some(training) => {
                    while !training.handle.is_finished() {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.stop.raised() => {}
            () = tokio::time::sleep(poll) => {}
            () = trained => {}
        }
    }

    /// Connects anew, to whichever configured node answers.
    async fn fail_over(&mut self) -> bool {
        match Client::connect(&self.config.chain).await {
            Ok(client) if client.genesis() == self.client.genesis() => {
                tracing::info!(node = client.url(), "connected anew");
                self.client = client;
                self.seen = None;
                true
            }
            Ok(client) => {
                tracing::error!(
                    node = client.url(),
                    "this node belongs to another chain than the one before"
                );
                false
            }
            Err(error) => {
                tracing::warn!(%error, "still no node");
                false
            }
        }
    }

    /// Looks at the chain if it has moved, and does what is to be done.
    async fn look(&mut self) -> anyhow::Result<Flow> {
        let ended = self.reap().await?;
        let best = self.client.best_hash().await?;
        let followed = match self.config.chain.follow {
            crate::config::Follow::Best => best,
            crate::config::Follow::Finalised => self.client.finalised_hash().await?,
        };
        if self.seen == Some((followed, best)) && !ended {
            return Ok(Flow::On);
        }
        let followed_at = self.client.at(followed).await?;
        let best_at = self.client.at(best).await?;
        if let Some(run) = self.options.until_run_over
            && self.training.is_none()
            && followed_at.run(run).await?.is_some_and(|run| run.status.is_over())
        {
            return Ok(Flow::Over);
        }
        match watch::worker(&followed_at, &best_at, &self.key.account()).await? {
            watch::Found::Worker(worker) => {
                let mut view =
                    watch::view(&followed_at, &best_at, &worker, self.memory.pokes, &mut self.specs).await?;
                if std::mem::take(&mut self.training_failed) {
                    self.memory.retry_at = Some(view.block.saturating_add(RETRY_BLOCKS));
                }
                note_due(&mut self.memory, &view);
                self.act(&mut view).await?;
            }
            watch::Found::NotYet => tracing::debug!("the registration is not in the followed block yet"),
            watch::Found::No => {
                let account = self.key.account();
                return Err(failure(
                    Exit::Refused,
                    format!(
                        "{account} speaks for no worker any more: it was withdrawn, or has another hot key"
                    ),
                ));
            }
        }
        self.seen = Some((followed, best));
        Ok(Flow::On)
    }

    /// Does what is to be done, one thing after another.
    async fn act(&mut self, view: &mut View) -> anyhow::Result<()> {
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

    /// Takes in a thread that has ended. Returns whether one has.
    async fn reap(&mut self) -> anyhow::Result<bool> {
        if !self.training.as_ref().is_some_and(|training| training.handle.is_finished()) {
            return Ok(false);
        }
        let Some(training) = self.training.take() else { return Ok(false) };
        self.memory.training = None;
        let ended = training
            .handle
            .await
            .unwrap_or_else(|error| Err(anyhow::anyhow!("the engine broke down: {error}")));
        self.note(&training.duty, ended)?;
        Ok(true)
    }

    fn note(&mut self, duty: &Duty, ended: anyhow::Result<Ended>) -> anyhow::Result<()> {
        let task = duty.task;
        match ended {
            Ok(Ended::Done(outcome)) => {
                match outcome {
                    Outcome::Trained(commitment) => tracing::info!(
                        %task, mean_loss = %commitment.mean_loss, update = %commitment.update_digest, "trained"
                    ),
                    Outcome::Diverged(divergence) => {
                        tracing::warn!(%task, step = divergence.step, "diverged")
                    }
                }
                self.journal.record(Event::Trained { task, basis: duty.basis, outcome })?;
            }
            Ok(Ended::Parked { step }) => {
                tracing::info!(%task, step, "parked");
                self.journal.record(Event::Parked { task, step })?;
            }
            Err(error) => {
                tracing::error!(%task, error = format!("{error:#}"), again_in_blocks = RETRY_BLOCKS, "training failed");
                self.training_failed = true;
            }
        }
        Ok(())
    }

    async fn abandon(&mut self, task: Task) -> anyhow::Result<()> {
        tracing::warn!(%task, "the slot is no longer this worker's: its training is abandoned");
        self.halt().await
    }

    /// Stops the thread and takes in what it came to.
    async fn halt(&mut self) -> anyhow::Result<()> {
        self.memory.training = None;
        let Some(training) = self.training.take() else { return Ok(()) };
        training.stop.raise(Exit::Terminated);
        match tokio::time::timeout(PARK_WITHIN, training.handle).await {
            Ok(Ok(ended)) => self.note(&training.duty, ended),
            Ok(Err(error)) => {
                self.note(&training.duty, Err(anyhow::anyhow!("the engine broke down: {error}")))
            }
            Err(_) => {
                tracing::error!(task = %training.duty.task, "the step did not end in time: its work is lost");
                Ok(())
            }
        }
    }

    async fn park(&mut self) -> anyhow::Result<()> {
        if let Some(training) = &self.training {
            tracing::info!(task = %training.duty.task, "parking the slot");
        }
        self.halt().await
    }

    fn lose(&mut self, task: Task, expired: bool) -> anyhow::Result<()> {
        self.journal.record(Event::Lost { task, expired })?;
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

/// Notes the exit code of a chain's failure.
fn coded(error: anyhow::Error) -> anyhow::Error {
    error.downcast::<ChainError>().map_or_else(|other| other, ChainError::into_coded)
}
