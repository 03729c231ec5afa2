//! The daemon: follows the chain, does what its worker is drawn for - trains, attests, aggregates, audits - and signs the results.
//!
//! - [`task`] is what a worker answers for, and what it signs.
//! - [`decide`] says what to do next: a pure function of what the chain says and what is known.
//! - [`journal`] is the event log: each act is on the disk before it is done, and nothing ever gets two answers. At its writes `crash` kills
//!   the process, if that is asked for.
//! - [`watch`] reads what the decision needs from the chain.
//! - [`work`] is the seam to the work: a job, and how it ended; [`works`] does it on an engine, in threads of its own.
//! - `log_file` is the event log's file; `settled` closes what nothing will be asked of any more, so that neither grows for ever.
//! - [`time`] is how long others are waited for.
//! - `places` is where the state of each worker is.
//! - [`slots`] are the files of the slots that were trained: leaves, and states for auditors.
//! - `disputes` alarms, and plays in the disputes that this worker is a side of.
//! - `failover` leaves a node that does not serve.
//! - `providers` says whom blobs are fetched from, and which ones stay.
//! - `checkpoints` fetches what rounds have made, or makes it again.
//! - `survey` reads what all open runs are at, beside the loop, for what is not urgent.
//! - `proofs` reads a blob once more before it is signed.
//! - `background` are threads that wait for others, so that the daemon's loop never does; `errands` are transactions on their way into a
//!   block, which it does not wait for either.
//!
//! Nothing is lost by a crash at any point: a slot goes on from its parked state, what was worked out is signed, an act that is
//! not in the chain is sent again, the same. A signal parks the slot at the next step's end. A full disk is waited for.

mod acts;
mod background;
mod checkpoints;
mod crash;
pub mod decide;
pub(crate) mod disputes;
mod ending;
mod errands;
mod event;
mod failover;
pub mod journal;
mod log_file;
mod places;
mod proofs;
pub(crate) mod providers;
mod serve;
mod settled;
pub mod slots;
mod survey;
pub mod task;
pub mod time;
pub mod watch;
pub mod work;
pub mod works;

use crate::{
    blobs::{Counters, PeerBlobs},
    chain::{At, ChainError, Client, Hash},
    config::Config,
    error::{Exit, ResultExt, failure, is_of_full_disk},
    keys::{AccountId, Key, fill_random},
    metrics::{health::Pulse, metrics, record::Direction},
    stop::Stop,
};
use background::Background;
use checkpoints::{Fetching, Held, Key as Which, Remake};
use decide::{Memory, RETRY_BLOCKS, View};
use ending::PARK_WITHIN;
use errands::Errands;
use failover::{NoWorker, Troubles};
use journal::{Crash, Event, Journal, JournalError};
use places::Places;
use sabha_protocol::{Digest, Divergence, Outcome, RunId};
use slots::Served;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use task::{Act, Duty, Kind, Lane, Product, Task};
use tokio::task::JoinHandle;
use work::{Ended, Origin, Time, Workshop};

/// Between two times that free memory is given back: as long as some moments' work, so that it costs nothing.
const GIVE_BACK: Duration = Duration::from_secs(10);

/// The time of a slot, until the chain has said it.
const SLOT_TIME: Duration = Duration::from_secs(6);

/// How long one look at the chain may take, of some dozens of questions: each has a time-out of its own, but a node that answers all of
/// them just before theirs would keep the daemon from everything else.
const LOOK_WITHIN: Duration = Duration::from_secs(120);

/// What the operator asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Say that the worker is ready, if it is idle at the start.
    pub ready: bool,
    /// Say that the worker cannot be drawn any more, at the end.
    pub drain_on_stop: bool,
    /// End when this run is over.
    pub until_run_over: Option<RunId>,
    /// Let the clock run out in disputes about the worker's own results: to see what becomes of who stalls.
    pub never_answer: bool,
    /// Die at the first of these writes of the event log: to see that nothing is lost by it.
    pub crash: Vec<Crash>,
}

/// A running daemon.
pub struct Daemon {
    config: Config,
    options: Options,
    client: Client,
    key: Key,
    /// The worker's owner, who its seals are bound to.
    owner: AccountId,
    journal: Journal,
    memory: Memory,
    blobs: PeerBlobs,
    served: Served,
    /// Whom blobs are fetched from, and which ones stay.
    providers: providers::Providers,
    /// What is known of all open runs.
    house: survey::House,
    /// The time of a slot.
    slot_time: Duration,
    /// Checkpoints that this daemon has, or could not get, by root and address.
    held: BTreeMap<Which, Held>,
    /// How the checkpoints were made of runs that lack one.
    origins: BTreeMap<RunId, Vec<Origin>>,
    /// Checkpoints that are being fetched.
    fetching: BTreeMap<Which, Fetching>,
    /// A checkpoint that is made again.
    remaking: Option<Remake>,
    /// States that are being served to auditors.
    serving: Option<Background<()>>,
    /// Transactions that are not in a block yet.
    errands: Errands,
    /// Whether this machine can work for runs of a specification, by its hash.
    able: BTreeMap<Digest, bool>,
    /// What the network's counters said last.
    carried: Counters,
    state: PathBuf,
    workshop: Arc<dyn Workshop>,
    crews: BTreeMap<Lane, Crew>,
    /// Work that has ended and could not be noted yet: there was no room. Its lane is taken.
    unnoted: BTreeMap<Lane, Unnoted>,
    /// The check of a large blob before it is signed.
    proofs: proofs::Proofs,
    disputes: disputes::Disputes,
    specs: watch::Specs,
    stop: Stop,
    /// The blocks that were looked at last: followed, best.
    seen: Option<(Hash, Hash)>,
    /// The number of the followed block.
    block: u64,
    /// The highest followed block that was looked at.
    highest: u64,
    /// What the daemon says of its health.
    pulse: Pulse,
    /// What is wrong with the node, and for how long.
    troubles: Troubles,
    /// The version of the runtime after the best block.
    runtime: Option<u32>,
    /// Versions of the runtime that are as this release knows them.
    compatible: BTreeSet<u32>,
    /// What the engine has spent on slots that are not trained to their ends.
    spent: BTreeMap<Task, Duration>,
    /// When free memory was given back last.
    given_back: Instant,
}

/// Work that has ended.
struct Unnoted {
    duty: Duty,
    ended: Ended,
}

/// A thread that works.
struct Crew {
    duty: Duty,
    time: Time,
    began: Instant,
    stop: Stop,
    /// When it was told to stop.
    stopping: Option<Instant>,
    handle: JoinHandle<anyhow::Result<Ended>>,
}

/// Whether to go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Over,
}

impl Daemon {
    /// Opens log and blobs, and checks that the key speaks for a worker of the chain; a node that is behind is waited for, which `pulse`
    /// says. `None` if a signal comes meanwhile.
    ///
    /// # Errors
    /// [`Exit::Refused`] if the key speaks for no worker; else if the node does not answer or a folder cannot be used.
    #[allow(clippy::too_many_arguments, reason = "each is made elsewhere, and none belongs to another")]
    pub async fn new(
        config: Config,
        options: Options,
        mut client: Client,
        key: Key,
        blobs: PeerBlobs,
        workshop: Arc<dyn Workshop>,
        stop: Stop,
        pulse: Pulse,
    ) -> anyhow::Result<Option<Self>> {
        let places = Places::of(&config.storage.state, &client.genesis_hex());
        pulse.waits(format!("a node: asking {} for the worker", client.url()));
        let (chain, seen) = (&config.chain, places.highest());
        let found = failover::find_worker(&mut client, chain, &key.account(), seen, &stop, &pulse).await;
        let Some(worker) = found.map_err(coded)? else { return Ok(None) };
        pulse.goes_on(client.url());
        // What was signed and sealed is the worker's, whichever key speaks for it.
        let state = places.of_worker(&worker.owner, &key.account())?;
        let mut journal = match Journal::open(&state) {
            Err(error @ JournalError::InUse(_)) => return Err(error).exit(Exit::InUse),
            opened => opened?,
        };
        journal.crash_at(options.crash.clone());
        let started = Event::Started {
            genesis: client.genesis_hex(),
            hot_key: key.account().to_string(),
            version: env!("CARGO_PKG_VERSION").into(),
        };
        journal.record(started.clone())?;
        metrics().event(&started);
        tracing::info!(
            node = client.url(),
            owner = %worker.owner,
            hot_key = %key.account(),
            status = worker.status.word(),
            state = %state.display(),
            "started"
        );
        // What a crash of the machine has left of them must not end it at each start.
        let mended = blobs.own().mend_pins(providers::is_of_a_daemon)?;
        if !mended.is_empty() {
            tracing::warn!(pins = mended.join(" "), "pins were damaged: what is needed is pinned anew");
        }
        let memory = Memory {
            wants_ready: options.ready,
            pokes: config.worker.poke,
            blind: true,
            ..Memory::default()
        };
        Ok(Some(Self {
            config,
            options,
            client,
            key,
            owner: worker.owner,
            journal,
            memory,
            served: Served::beside(&blobs),
            providers: providers::Providers::of_mended(&mended),
            house: survey::House::default(),
            slot_time: SLOT_TIME,
            held: BTreeMap::new(),
            origins: BTreeMap::new(),
            fetching: BTreeMap::new(),
            remaking: None,
            serving: None,
            errands: Errands::default(),
            able: BTreeMap::new(),
            carried: Counters::default(),
            blobs,
            state,
            workshop,
            crews: BTreeMap::new(),
            unnoted: BTreeMap::new(),
            proofs: proofs::Proofs::default(),
            disputes: disputes::Disputes::default(),
            specs: watch::Specs::default(),
            stop,
            seen: None,
            block: 0,
            highest: 0,
            pulse,
            troubles: Troubles::default(),
            runtime: None,
            compatible: BTreeSet::new(),
            spent: BTreeMap::new(),
            given_back: Instant::now(),
        }))
    }

    /// Writes an event down, and returns when it is on the disk.
    ///
    /// # Errors
    /// Those of [`Journal::record`].
    fn record(&mut self, event: Event) -> Result<(), JournalError> {
        self.journal.record(event.clone())?;
        metrics().event(&event);
        Ok(())
    }

    /// Works until a signal comes, the awaited run is over, or something fails that waiting does not help.
    ///
    /// # Errors
    /// What cannot be helped. What was begun is parked all the same.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let stop = self.stop.clone();
        let result = loop {
            if stop.is_raised() {
                break Ok("signal");
            }
            // A look may be given up anywhere: what it does is written down before.
            let looked = tokio::select! {
                () = stop.raised() => break Ok("signal"),
                looked = tokio::time::timeout(LOOK_WITHIN, self.look()) => looked.unwrap_or_else(|_| {
                    Err(ChainError::Timeout { what: "a look at the chain".into(), after: LOOK_WITHIN }.into())
                }),
            };
            self.pulse.vitals().looked = Instant::now();
            self.count_carried();
            self.give_back();
            match looked {
                Ok(Flow::On) => self.bear_stillness().await,
                Ok(Flow::Over) => break Ok("the run is over"),
                Err(error) => tokio::select! {
                    () = stop.raised() => break Ok("signal"),
                    borne = self.bear(error) => if let Err(error) = borne {
                        break Err(error);
                    },
                },
            }
            self.pause().await;
        };
        let reason = match &result {
            Ok(reason) => (*reason).to_string(),
            Err(error) => format!("{error:#}"),
        };
        let ended = self.end(&reason).await;
        result.map_err(coded).and(ended)
    }

    /// Counts what went over the network since the last time.
    fn count_carried(&mut self) {
        if let Some(network) = self.blobs.network() {
            let now = network.counters();
            metrics().carried(self.carried, now);
            self.carried = now;
        }
    }

    /// Gives back, now and then, what work of any kind has left free.
    fn give_back(&mut self) {
        if self.given_back.elapsed() >= GIVE_BACK {
            sabha_engine::spare::give_back();
            self.given_back = Instant::now();
        }
    }

    /// Whether something has ended beside the loop that the next look takes in.
    fn has_news(&self) -> bool {
        self.crews.values().any(|crew| crew.handle.is_finished())
            || self.fetching.values().any(Fetching::has_ended)
            || self.remaking.as_ref().is_some_and(Remake::has_ended)
            || self.errands.have_news()
            || self.house.has_news()
            || self.proofs.have_news()
            || self.disputes.have_news()
    }

    /// Waits for the next look: a moment, the end of some work, or a signal.
    async fn pause(&mut self) {
        let poll = self.config.chain.poll();
        let this = &*self;
        let worked = async {
            // A finished handle is taken care of by the next look; polling it here would lose its result.
            loop {
                tokio::time::sleep(Duration::from_millis(50)).await;
                if this.has_news() {
                    break;
                }
            }
        };
        tokio::select! {
            () = this.stop.raised() => {}
            () = tokio::time::sleep(poll) => {}
            () = worked => {}
        }
    }

    /// Looks at the chain if it has moved, and does what is to be done.
    async fn look(&mut self) -> anyhow::Result<Flow> {
        if self.has_news() {
            // Whatever becomes of this look, the next one does what follows from the news.
            self.seen = None;
        }
        self.reap().await?;
        self.take_in_checkpoints().await?;
        self.take_in_proof().await;
        self.house.take_in().await;
        self.take_in_errands().await;
        let best = self.client.best_hash().await?;
        let followed = match self.config.chain.follow {
            crate::config::Follow::Best => best,
            crate::config::Follow::Finalised => self.client.finalised_hash().await?,
        };
        if self.seen == Some((followed, best)) {
            return Ok(Flow::On);
        }
        // Before anything is read, signed or written down.
        self.client.check_genesis().await?;
        let followed_at = self.client.at(followed).await?;
        let best_at = self.client.at(best).await?;
        self.block = followed_at.number();
        self.note_blocks(&followed_at, &best_at).await?;
        if let Some(run) = self.options.until_run_over
            && self.crews.is_empty()
            && self.fetching.is_empty()
            && followed_at.run(run).await?.is_some_and(|run| run.status.is_over())
        {
            return Ok(Flow::Over);
        }
        let hot_key = self.key.account();
        // Its clocks run: before everything else.
        self.tend_disputes(&best_at).await?;
        // What has a deadline comes next, and what has none last: whatever becomes of that.
        match watch::worker(&followed_at, &best_at, &hot_key).await? {
            watch::Found::Worker(worker) => {
                let mut rounds = watch::Rounds::at(&followed_at);
                let own = watch::Own {
                    owner: &self.owner,
                    hot_key: &hot_key,
                    journal: &self.journal,
                    state: &self.state,
                    due: &self.house.due,
                };
                let view =
                    watch::view(&followed_at, &best_at, &worker, &own, &mut rounds, &mut self.specs).await?;
                decide::note(&mut self.memory, &view, &self.journal);
                metrics().worker(&worker, view.duties.len());
                self.hurry(&view);
                let active = view.active;
                self.act(view).await?;
                self.pulse.vitals().misses = self.memory.misses;
                self.tend_slots(&mut rounds).await?;
                let fitness = watch::fitness(&followed_at, &worker, active).await?;
                self.pulse.vitals().fitness = Some(fitness);
                self.keep_house(&worker).await?;
                self.begin_survey(&followed_at, &best_at);
            }
            watch::Found::NotYet => tracing::debug!("the registration is not in the followed block yet"),
            watch::Found::No => return Err(NoWorker { hot_key }.into()),
        }
        self.highest = self.highest.max(self.block);
        self.seen = Some((followed, best));
        Ok(Flow::On)
    }

    /// Notes how far the chain is, and which runtime it has. One that is not as this release knows it ends the daemon before anything is
    /// signed for it.
    async fn note_blocks(&mut self, followed: &At, best: &At) -> anyhow::Result<()> {
        let finalised =
            (self.config.chain.follow == crate::config::Follow::Finalised).then(|| followed.number());
        metrics().chain(best.number(), finalised);
        let before = self.pulse.read();
        // A node that is behind has no new blocks, until it has one that is higher than any before.
        if before.best_seen.is_none() || best.number() > before.best {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
            let time = best.timestamp_ms().await?;
            let skew = i128::try_from(now).unwrap_or(i128::MAX).saturating_sub(time.into());
            let mut vitals = self.pulse.vitals();
            vitals.best_seen = Some(Instant::now());
            vitals.clock_skew_s = i64::try_from(skew / 1_000).unwrap_or(i64::MAX);
            vitals.best = best.number();
        }
        if finalised > before.finalised {
            let mut vitals = self.pulse.vitals();
            (vitals.finalised, vitals.finalised_seen) = (finalised, Some(Instant::now()));
        }
        for at in [followed, best] {
            if !self.compatible.contains(&at.spec_version()) {
                at.check_compatible()?;
                self.compatible.insert(at.spec_version());
            }
        }
        let version = best.spec_version();
        if self.runtime != Some(version) {
            if let Some(before) = self.runtime {
                tracing::info!(
                    before,
                    now = version,
                    block = best.number(),
                    "the chain's runtime was upgraded"
                );
            }
            metrics().runtime(version, self.runtime.is_some());
            self.slot_time = best.slot().await?;
            self.runtime = Some(version);
        }
        Ok(())
    }

    /// Tells threads that work whose time has become short.
    fn hurry(&self, view: &View) {
        for Crew { duty: Duty { task, patience, .. }, time, .. } in self.crews.values() {
            if view.active >= *patience && !time.is_short() {
                tracing::debug!(%task, "nobody is waited for any more");
                time.hurry();
            }
        }
    }

    /// Takes in the threads that have ended. One that does not stop has its lane, its memory and its folder until it does.
    async fn reap(&mut self) -> anyhow::Result<()> {
        for crew in self.crews.values_mut().filter(|crew| !crew.handle.is_finished()) {
            if crew.stopping.is_some_and(|since| since.elapsed() >= PARK_WITHIN) {
                tracing::warn!(task = %crew.duty.task, "the step does not come to its end yet: nothing else is begun before it does");
                crew.stopping = Some(Instant::now());
            }
        }
        while let Some(lane) =
            self.crews.iter().find(|(_, crew)| crew.handle.is_finished()).map(|(lane, _)| *lane)
        {
            let Some(Crew { duty, began, handle, .. }) = self.crews.remove(&lane) else { continue };
            self.memory.stopping.remove(&lane);
            let ended =
                handle.await.unwrap_or_else(|error| Err(anyhow::anyhow!("the engine broke down: {error}")));
            match self.count(&duty, began, ended) {
                Some(ended) => {
                    self.unnoted.insert(lane, Unnoted { duty, ended });
                }
                None => {
                    self.memory.working.remove(&lane);
                }
            }
        }
        for lane in self.unnoted.keys().copied().collect::<Vec<_>>() {
            let Some(Unnoted { duty, ended }) = self.unnoted.remove(&lane) else { continue };
            match self.note(&duty, &ended) {
                Ok(()) => {
                    self.memory.working.remove(&lane);
                    self.memory.stopping.remove(&lane);
                }
                // It may be the work of hours: it is noted when there is room, and other acts need none of the blobs' disk.
                Err(error) if is_of_full_disk(&error) => {
                    self.pulse.vitals().disk_full = Some(Instant::now());
                    tracing::error!(task = %duty.task, error = format!("{error:#}"), "there is no room to note what was done: trying again");
                    self.memory.stopping.insert(lane);
                    self.unnoted.insert(lane, Unnoted { duty, ended });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Counts how work ended; what is to be noted of it.
    fn count(&mut self, duty: &Duty, began: Instant, ended: anyhow::Result<Ended>) -> Option<Ended> {
        let task = duty.task;
        metrics().worked(task.kind, began.elapsed(), &ended);
        if task.kind == Kind::Train {
            let spent = self.spent.remove(&task).unwrap_or_default().saturating_add(began.elapsed());
            if matches!(ended, Ok(Ended::Done(_))) {
                metrics().slot(spent);
            } else {
                self.spent.insert(task, spent);
            }
        }
        match ended {
            Ok(ended) => {
                if let Ended::Done(product) = &ended {
                    tell(duty, product);
                }
                Some(ended)
            }
            Err(error) => {
                tracing::error!(%task, error = format!("{error:#}"), again_in_blocks = RETRY_BLOCKS, "the work failed");
                self.memory.again.insert(task, self.block.saturating_add(RETRY_BLOCKS));
                None
            }
        }
    }

    /// Notes how work ended.
    fn note(&mut self, duty: &Duty, ended: &Ended) -> anyhow::Result<()> {
        let task = duty.task;
        match ended.clone() {
            Ended::Done(product) => {
                let mut salt = [0; 32];
                fill_random(&mut salt)?;
                let act = Act::of(product, salt, &self.owner);
                // Before the chain shows it, too: others will fetch it.
                if let Some(blob) = act.blob() {
                    self.pin_made(blob)?;
                }
                self.record(Event::Done { task, basis: duty.basis, act: act.clone() })?;
                if let Some(blob) = act.blob()
                    && let Ok(found) = std::fs::metadata(self.blobs.own().path(blob))
                {
                    metrics().blob(Direction::Stored, found.len());
                }
            }
            Ended::Declined { reason } => {
                tracing::error!(%task, %reason, "it is let go, and missed when its deadline has passed");
                self.record(Event::Declined { task, reason })?;
                self.memory.refused.insert(task);
            }
            Ended::Parked { step } => {
                tracing::info!(%task, step, "parked");
                self.record(Event::Parked { task, step })?;
            }
            Ended::Stopped => tracing::info!(%task, "stopped: it begins anew"),
            Ended::Waits { reason } => {
                tracing::debug!(%task, %reason, "waiting");
                self.memory.again.insert(task, self.block.saturating_add(1));
            }
        }
        Ok(())
    }
}

/// Tells what work came to.
fn tell(duty: &Duty, product: &Product) {
    let task = duty.task;
    match product {
        Product::Outcome(Outcome::Trained(commitment)) => tracing::info!(
            %task, mean_loss = %commitment.mean_loss, update = %commitment.update_digest, "trained"
        ),
        Product::Outcome(Outcome::Diverged(Divergence { step, instruction, element })) => {
            tracing::warn!(%task, step, instruction, element, "diverged")
        }
        Product::Got(got) => tracing::info!(%task, updates = got.len(), "fetched"),
        Product::Checkpoint(checkpoint) => tracing::info!(%task, root = %checkpoint.root, "aggregated"),
        Product::Found(found) => tracing::info!(%task, served = !found.unserved, "audited"),
        Product::Leaves(leaves) => tracing::info!(%task, leaves = leaves.len(), "made the leaves again"),
    }
}

/// Notes the exit code of a chain's failure.
fn coded(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<ChainError>() {
        Ok(error) => error.into_coded(),
        Err(error) if error.is::<NoWorker>() => failure(Exit::Refused, error.to_string()),
        Err(error) => error,
    }
}
