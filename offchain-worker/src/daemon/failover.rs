//! Leaving a node that does not serve, or that stands still, for another one of the configuration.

use super::Daemon;
use crate::{chain::Client, metrics::metrics};
use std::time::{Duration, Instant};

/// How long a node may be silent before another one is tried.
pub(super) const FAILOVER_AFTER: Duration = Duration::from_secs(30);

/// How long a node may show no new block before another one is tried, if there is one.
pub(super) const STILL_AFTER: Duration = Duration::from_secs(120);

/// The first pause between two attempts to connect; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause between two attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// When to connect anew, once something has been wrong for long: with back-off.
#[derive(Debug)]
pub(super) struct Trouble {
    patience: Duration,
    well: Instant,
    again: Option<Instant>,
    pause: Duration,
}

impl Trouble {
    /// Everything is well. Once it is not, `patience` must have passed before anything is done.
    pub(super) fn after(patience: Duration) -> Self {
        Self { patience, well: Instant::now(), again: None, pause: FIRST_PAUSE }
    }

    /// Everything was well, last at `well`.
    pub(super) fn clear(&mut self, well: Instant) {
        *self = Self { well, ..Self::after(self.patience) };
    }

    /// Something is wrong at `now`. Whether to connect anew.
    pub(super) fn is_due(&mut self, now: Instant) -> bool {
        let long = now.saturating_duration_since(self.well) >= self.patience;
        if !long || self.again.is_some_and(|again| now < again) {
            return false;
        }
        self.again = now.checked_add(self.pause);
        self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
        true
    }
}

impl Daemon {
    /// The node did not serve: connects anew if that has lasted.
    pub(super) async fn bear_silence(&mut self) {
        metrics().rpc_failed();
        self.pulse.vitals().connected = false;
        if self.silence.is_due(Instant::now()) && self.fail_over().await {
            self.silence.clear(Instant::now());
        }
    }

    /// The node serves. If it shows no new block for long, another one may.
    pub(super) async fn bear_stillness(&mut self) {
        self.silence.clear(Instant::now());
        let seen = {
            let mut vitals = self.pulse.vitals();
            vitals.connected = true;
            vitals.node = self.client.url().into();
            vitals.best_seen
        };
        let Some(seen) = seen.filter(|_| self.config.chain.urls.len() > 1) else { return };
        if seen.elapsed() < STILL_AFTER {
            self.stillness.clear(seen);
        } else if self.stillness.is_due(Instant::now()) {
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
}
