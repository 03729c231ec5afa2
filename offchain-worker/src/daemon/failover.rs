//! Leaving a node that does not serve, that stands still, or that is behind, for another one of the configuration.
//!
//! What would end the daemon for good - there is no such worker, or the runtime is unknown - is believed only of a node that can know:
//! one that fetches no old blocks, and has finalised all that this worker has seen. Any other one is waited for, or left.

use super::Daemon;
use crate::{
    chain::{ChainError, Client, Worker},
    config::ChainConfig,
    error::{Exit, is_of_full_disk},
    keys::AccountId,
    metrics::{
        health::{FINALITY_AGE_LIMIT, Pulse},
        metrics,
    },
    stop::Stop,
};
use std::time::{Duration, Instant};

/// How long a node may be silent before another one is tried.
const FAILOVER_AFTER: Duration = Duration::from_secs(30);

/// How long a node may show no new block before another one is tried, if there is one. So long, too, it may fail at every look although
/// it answers something.
const STILL_AFTER: Duration = Duration::from_secs(120);

/// Looks in a row that must have failed for that.
const FAILURES: u32 = 3;

/// How long to wait for a node that is behind, each time, at the start.
const BEHIND_AGAIN: Duration = Duration::from_secs(5);

/// How long to wait for room on a full disk, each time.
const ROOM_AFTER: Duration = Duration::from_secs(10);

/// The first pause between two attempts to connect; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause between two attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The key has no worker.
#[derive(Debug, thiserror::Error)]
#[error(
    "{hot_key} speaks for no worker on this chain: register it first (sabha-worker register --hot-key {hot_key}). If it did once, \
     its worker was withdrawn, or has another hot key"
)]
pub(super) struct NoWorker {
    pub(super) hot_key: AccountId,
}

/// Whether an error is what the chain says, so that a node that does not know the chain may be wrong.
fn is_of_the_chain(error: &anyhow::Error) -> bool {
    error.is::<NoWorker>()
        || matches!(error.downcast_ref(), Some(ChainError::Incompatible { .. }))
        || Exit::of(error) == Exit::Outdated
}

/// The worker of `hot_key`, by a node that can know. Changes to another node, or waits, as long as the one at hand cannot. `None` if a
/// signal comes meanwhile.
///
/// # Errors
/// [`NoWorker`]; [`ChainError::Incompatible`]; or if the only node does not answer.
pub(super) async fn find_worker(
    client: &mut Client,
    config: &ChainConfig,
    hot_key: &AccountId,
    seen: u64,
    stop: &Stop,
    pulse: &Pulse,
) -> anyhow::Result<Option<Worker>> {
    loop {
        let found = async { client.at_best().await?.worker_of(hot_key).await };
        let found = tokio::select! {
            () = stop.raised() => return Ok(None),
            found = found => found,
        };
        let error = match found {
            Ok(Some(worker)) => return Ok(Some(worker)),
            Ok(None) => NoWorker { hot_key: *hot_key }.into(),
            Err(error) => anyhow::Error::new(error),
        };
        // It has answered when it was connected to; of several one may be better.
        let is_silent = error.downcast_ref().is_some_and(ChainError::is_silence) && config.urls.len() > 1;
        if is_silent {
            tracing::warn!(node = client.url(), %error, "the node does not serve: trying another one");
            pulse.waits(format!("a node: {error}"));
        } else if !is_of_the_chain(&error) {
            return Err(error);
        } else {
            let Some(behind) = client.doubt(seen).await? else { return Err(error) };
            tracing::warn!(node = client.url(), %error, %behind, "the node is not believed: waiting for it");
            pulse.waits(format!("a node: {behind}"));
        }
        tokio::select! {
            () = stop.raised() => return Ok(None),
            () = tokio::time::sleep(BEHIND_AGAIN) => {}
        }
        if config.urls.len() > 1
            && let Ok(next) = Client::connect_beyond(config, client.url(), client.genesis()).await
        {
            *client = next;
        }
    }
}

/// When to connect anew, once something has been wrong for long: with back-off.
#[derive(Debug)]
struct Trouble {
    patience: Duration,
    well: Instant,
    again: Option<Instant>,
    pause: Duration,
}

impl Trouble {
    /// Everything is well. Once it is not, `patience` must have passed before anything is done.
    fn after(patience: Duration) -> Self {
        Self { patience, well: Instant::now(), again: None, pause: FIRST_PAUSE }
    }

    /// Everything was well, last at `well`.
    fn clear(&mut self, well: Instant) {
        *self = Self { well, ..Self::after(self.patience) };
    }

    /// Everything was well at `well`, too.
    fn was_well(&mut self, well: Instant) {
        if well > self.well {
            self.clear(well);
        }
    }

    /// Something is wrong at `now`. Whether to connect anew.
    fn is_due(&mut self, now: Instant) -> bool {
        let long = now.saturating_duration_since(self.well) >= self.patience;
        if !long || self.again.is_some_and(|again| now < again) {
            return false;
        }
        self.again = now.checked_add(self.pause);
        self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        true
    }
}

/// What may be wrong with a node.
#[derive(Debug)]
pub(super) struct Troubles {
    /// It does not answer.
    silence: Trouble,
    /// It answers something, and fails at every look.
    failing: Trouble,
    failures: u32,
    /// It shows no new block.
    stillness: Trouble,
    /// It is behind.
    behind: Trouble,
}

impl Default for Troubles {
    fn default() -> Self {
        Self {
            silence: Trouble::after(FAILOVER_AFTER),
            failing: Trouble::after(STILL_AFTER),
            failures: 0,
            stillness: Trouble::after(STILL_AFTER),
            behind: Trouble::after(FAILOVER_AFTER),
        }
    }
}

impl Troubles {
    /// A look has ended well at `now`.
    fn looked(&mut self, now: Instant) {
        for trouble in [&mut self.silence, &mut self.failing, &mut self.behind] {
            trouble.clear(now);
        }
        self.failures = 0;
    }

    /// A look has failed at `now`, at the node's silence or not; `heard` is when it answered anything last. Whether to connect anew.
    fn failed(&mut self, is_silence: bool, heard: Instant, now: Instant) -> bool {
        // It has answered: that something took long on the way is no silence.
        self.silence.was_well(if is_silence { heard } else { now });
        self.failures = self.failures.saturating_add(1);
        let silent = self.silence.is_due(now);
        let fails = is_silence && self.failures >= FAILURES && self.failing.is_due(now);
        silent || fails
    }
}

impl Daemon {
    /// Goes on after a look that failed, if that helps.
    pub(super) async fn bear(&mut self, error: anyhow::Error) -> anyhow::Result<()> {
        let error = match self.doubt(error).await {
            Ok(error) => error,
            Err(behind) => {
                self.bear_behind(&behind).await;
                return Ok(());
            }
        };
        match error.downcast_ref::<ChainError>() {
            // Of several nodes one that turns to another chain is one that does not serve.
            Some(chain @ ChainError::WrongGenesis { .. }) if self.config.chain.urls.len() > 1 => {
                tracing::error!(node = self.client.url(), error = %chain, "the node is of another chain now: trying another one");
                self.pulse.vitals().connected = false;
                if !self.fail_over().await {
                    tokio::time::sleep(BEHIND_AGAIN).await;
                }
            }
            Some(chain) if chain.is_transient() => {
                tracing::warn!(node = self.client.url(), error = %chain, "the node does not serve; trying again");
                self.bear_silence(chain.is_silence()).await;
            }
            // The log comes before every act: without room for it nothing is done, and nothing is lost.
            _ if is_of_full_disk(&error) => {
                self.pulse.vitals().disk_full = Some(Instant::now());
                tracing::error!(
                    error = format!("{error:#}"),
                    again_in_s = ROOM_AFTER.as_secs(),
                    "there is no room: trying again"
                );
                tokio::select! {
                    () = self.stop.raised() => {}
                    () = tokio::time::sleep(ROOM_AFTER) => {}
                }
            }
            _ => return Err(error),
        }
        Ok(())
    }

    /// What is left of an error once the node was asked whether it can know.
    ///
    /// # Errors
    /// [`ChainError::Behind`] if it cannot.
    async fn doubt(&self, error: anyhow::Error) -> Result<anyhow::Error, ChainError> {
        if !is_of_the_chain(&error) {
            return Ok(error);
        }
        match self.client.doubt(self.journal.highest().max(self.highest)).await {
            Ok(None) => Ok(error),
            Ok(Some(behind)) => Err(behind),
            // The question is asked again.
            Err(failed) => Ok(failed.into()),
        }
    }

    /// The node is behind: waits for it, or connects to another one if that has lasted.
    async fn bear_behind(&mut self, behind: &ChainError) {
        tracing::warn!(error = %behind, "what the node says is not believed");
        self.pulse.vitals().connected = true;
        self.pulse.waits(format!("a node: {behind}"));
        if self.config.chain.urls.len() > 1 && self.troubles.behind.is_due(Instant::now()) {
            self.fail_over().await;
        }
    }

    /// A look failed: connects anew if the node has not served for long.
    async fn bear_silence(&mut self, is_silence: bool) {
        metrics().rpc_failed();
        {
            let mut vitals = self.pulse.vitals();
            (vitals.connected, vitals.waiting) = (!is_silence, None);
        }
        let due = self.troubles.failed(is_silence, self.client.heard(), Instant::now());
        if due && self.fail_over().await {
            self.troubles.looked(Instant::now());
        }
    }

    /// The node serves. If it shows no new block for long, another one may.
    pub(super) async fn bear_stillness(&mut self) {
        self.troubles.looked(Instant::now());
        let seen = {
            let mut vitals = self.pulse.vitals();
            (vitals.connected, vitals.waiting) = (true, None);
            vitals.node = self.client.url().into();
            // Where finalised blocks are followed, one that has no new ones of these does not help either.
            let finality = vitals.finalised_seen.and_then(|seen| seen.checked_add(FINALITY_AGE_LIMIT));
            vitals.best_seen.into_iter().chain(finality).min()
        };
        let Some(seen) = seen.filter(|_| self.config.chain.urls.len() > 1) else { return };
        if seen.elapsed() < STILL_AFTER {
            self.troubles.stillness.clear(seen);
        } else if self.troubles.stillness.is_due(Instant::now()) {
            tracing::warn!(node = self.client.url(), "the node shows no new block: trying another one");
            self.fail_over().await;
        }
    }

    /// Makes a new client, of the next configured node that answers and belongs to the same chain.
    async fn fail_over(&mut self) -> bool {
        let genesis = self.client.genesis();
        let connecting = Client::connect_beyond(&self.config.chain, self.client.url(), genesis);
        let connected = tokio::select! {
            () = self.stop.raised() => return false,
            connected = connecting => connected,
        };
        match connected {
            Ok(client) => {
                tracing::info!(node = client.url(), before = self.client.url(), "connected anew");
                metrics().reconnected();
                self.pulse.vitals().node = client.url().into();
                self.take_in_errands().await;
                self.give_up_errands();
                self.house.leave();
                self.client = client;
                self.seen = None;
                true
            }
            Err(error) => {
                tracing::warn!(%error, "still no node");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connecting_anew_waits_and_then_backs_off() {
        let begun = Instant::now();
        let at = |seconds: u64| begun + Duration::from_secs(seconds);
        let mut trouble = Trouble::after(FAILOVER_AFTER);
        trouble.clear(begun);
        let due: Vec<u64> = (0..300).filter(|second| trouble.is_due(at(*second))).collect();
        assert_eq!(due, [30, 31, 33, 37, 45, 61, 93, 153, 213, 273]);
        trouble.clear(at(300));
        assert!(!trouble.is_due(at(329)) && trouble.is_due(at(330)));
        // A request that took long is part of the silence.
        trouble.clear(at(400));
        assert!(trouble.is_due(at(441)));
    }

    /// A look of many answers that ends in one failure; an inclusion that was waited for in vain; and a node that says nothing.
    #[test]
    fn a_node_that_answers_is_not_left_for_one_failure() {
        let begun = Instant::now();
        let at = |seconds: u64| begun + Duration::from_secs(seconds);
        let mut troubles = Troubles::default();
        troubles.looked(begun);
        assert!(!troubles.failed(true, at(49), at(50)), "it answered a second ago");
        assert!(troubles.failed(true, at(49), at(79)), "and nothing for thirty");
        troubles.looked(at(100));
        assert!(!troubles.failed(false, at(110), at(220)), "the pool is not the node's silence");
        assert!(!troubles.failed(true, at(110), at(249)), "which had answered by then");
        assert!(troubles.failed(true, at(110), at(250)));
    }

    #[test]
    fn a_node_that_answers_something_and_fails_at_every_look_is_left() {
        let begun = Instant::now();
        let at = |seconds: u64| begun + Duration::from_secs(seconds);
        let mut troubles = Troubles::default();
        troubles.looked(begun);
        let due = |troubles: &mut Troubles, seconds| troubles.failed(true, at(seconds), at(seconds));
        assert!(!due(&mut troubles, 121), "one slow look");
        let left: Vec<u64> = (122..140).filter(|second| due(&mut troubles, *second)).collect();
        assert_eq!(left.first(), Some(&123), "the third");
        troubles.looked(at(140));
        assert!((141..260).all(|second| !due(&mut troubles, second)));
        assert!(due(&mut troubles, 260));
    }

    #[test]
    fn only_what_the_chain_says_is_doubted() {
        let hot_key = AccountId::from([1; 32]);
        let incompatible = ChainError::Incompatible { what: "a call".into(), reason: "it is gone".into() };
        let outdated = crate::error::failure(Exit::Outdated, "numerics version 9");
        for error in [NoWorker { hot_key }.into(), incompatible.into(), outdated] {
            assert!(is_of_the_chain(&error), "{error}");
        }
        for error in [ChainError::NoNode("gone".into()).into(), anyhow::anyhow!("a disk")] {
            assert!(!is_of_the_chain(&error), "{error}");
        }
        let text = NoWorker { hot_key }.to_string();
        assert!(text.contains("register") && text.contains(&hot_key.to_string()), "{text}");
    }
}
