//! How fast bytes are to come: a provider that is slow is left for another one.

use crate::{network::Patience, provider::Failure};
use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// A deadline and a rate, of who cannot wait. None by default.
#[derive(Clone, Debug, Default)]
pub struct Haste {
    /// When it must be there.
    pub until: Option<Instant>,
    /// The least bytes a second that a provider must come to, whether there are others or not.
    pub least_rate: Option<u64>,
    /// Whether a provider was given up because it was too slow.
    pub(crate) gave_up: Arc<AtomicBool>,
}

impl Haste {
    /// It must be there at this time.
    pub fn before(until: Instant) -> Self {
        Self { until: Some(until), ..Self::default() }
    }

    /// Whether there is no more time.
    pub(crate) fn is_over(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// The time that is left, and `time` at most.
    pub(crate) fn within(&self, time: Duration) -> Duration {
        let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        left.map_or(time, |left| left.min(time))
    }
}

/// Watches the rate at which a provider sends. Only the time that is spent waiting for it counts.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    /// Offers of others that wait, untried.
    others: Arc<AtomicUsize>,
    /// The best rate that somebody else came to, who was left.
    known: u64,
    /// The rate that is enough.
    enough: u64,
    least: u64,
    window: Duration,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    pub(crate) fn new(patience: &Patience, haste: &Haste, others: Arc<AtomicUsize>, known: u64) -> Self {
        Self {
            others,
            known,
            enough: patience.enough_rate,
            least: haste.least_rate.unwrap_or(0),
            window: patience.look_every,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }

    /// For what comes beside the blob, in small parts: no rate is asked of it.
    pub(crate) fn alone(&self) -> Self {
        Self { others: Arc::default(), known: 0, least: 0, ..self.clone() }
    }

    /// So many bytes came.
    pub(crate) fn add(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Waits for what the provider sends next, `idle` at most.
    pub(crate) async fn wait<T>(
        &mut self,
        idle: Duration,
        next: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let mut next = pin!(next);
        let mut left = idle;
        loop {
            self.check()?;
            let tick = self.window.saturating_sub(self.waited).min(left);
            let began = Instant::now();
            let came = timeout(tick, &mut next).await;
            let took = began.elapsed();
            self.waited = self.waited.saturating_add(took);
            left = left.saturating_sub(took);
            match came {
                Ok(came) => return Ok(came),
                Err(_) if left.is_zero() => return Err(Failure::Silent("it does not go on".into())),
                Err(_) => {}
            }
        }
    }

    fn check(&mut self) -> Result<(), Failure> {
        if self.waited < self.window {
            return Ok(());
        }
        let millis = u64::try_from(self.waited.as_millis()).unwrap_or(u64::MAX);
        let rate = self.bytes.saturating_mul(1_000).checked_div(millis).unwrap_or(u64::MAX);
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        let others = self.others.load(Ordering::Relaxed) > 0;
        // Half: two that are alike do not take turns.
        if rate < self.least || (rate < self.enough && others) || rate < self.known / 2 {
            return Err(Failure::Slow(rate));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(others: usize, known: u64, least: Option<u64>) -> Pace {
        let patience = Patience::default();
        let haste = Haste { least_rate: least, ..Haste::default() };
        let mut pace = Pace::new(&patience, &haste, Arc::new(AtomicUsize::new(others)), known);
        pace.waited = patience.look_every;
        pace
    }

    #[test]
    fn who_is_slow_is_left_only_for_somebody_else_or_in_haste() {
        let seconds = Patience::default().look_every.as_secs();
        let at = |rate: u64, mut pace: Pace| {
            pace.add(rate * seconds);
            pace.check()
        };
        assert_eq!(at(100_000, pace(0, 0, None)), Ok(()), "there is nobody else");
        assert_eq!(at(100_000, pace(1, 0, None)), Err(Failure::Slow(100_000)));
        assert_eq!(at(2 << 20, pace(1, 0, None)), Ok(()), "it is fast enough");
        assert_eq!(at(100_000, pace(0, 199_999, None)), Ok(()));
        assert_eq!(at(100_000, pace(0, 200_002, None)), Err(Failure::Slow(100_000)));
        assert_eq!(at(100_000, pace(0, 0, Some(100_001))), Err(Failure::Slow(100_000)));
        let mut early = pace(1, 0, None);
        early.waited = Duration::ZERO;
        assert_eq!(at(0, early), Ok(()), "nobody is judged by a moment");
    }
}
