//! How long a piece of work may wait for others. Whoever serves slowly must not make this worker miss its deadlines: a provider that is
//! the only one is borne at any rate as long as there is time, and no longer.

use sabha_protocol::ActiveBlock;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Something is waited for so long, or for a quarter of all the time that is left: what is near comes.
const LEAST: Duration = Duration::from_secs(10);

/// However short that is. The chain's clock may be behind this machine's, which says that the time is over.
const MOMENT: Duration = Duration::from_secs(1);

/// The part of the time until there is hurry that one try to fetch something takes at most, so that other work comes to its turn. What came
/// stays for the next try.
const TRIES: u32 = 4;

/// The part of the rest that is left to waiting once there is hurry: the work itself needs time, too.
const IN_HURRY: u32 = 8;

/// The time of a piece of work. The chain's clock decides, and says so while the work goes on; this machine's says how long to wait for the
/// next answer. Clones share it.
#[derive(Clone, Debug)]
pub struct Time {
    /// When there will be hurry, by this machine's clock.
    patience: Instant,
    /// When it must be done, likewise.
    until: Instant,
    hurry: Arc<AtomicBool>,
}

impl Time {
    /// At the active block `now`, for what others are waited for before `patience`, and which must be done before `until`. Blocks come no
    /// faster than slots.
    pub fn at(now: ActiveBlock, patience: ActiveBlock, until: ActiveBlock, slot: Duration) -> Self {
        let began = Instant::now();
        let time = |block: ActiveBlock| {
            began.checked_add(slot.saturating_mul(block.saturating_sub(now))).unwrap_or(began)
        };
        let hurry = Arc::new(AtomicBool::new(now >= patience));
        Self { patience: time(patience), until: time(until), hurry }
    }

    /// From now on it is done with what is there, and nobody is waited for.
    pub fn hurry(&self) {
        self.hurry.store(true, Ordering::Relaxed);
    }

    /// Whether it is.
    pub fn is_short(&self) -> bool {
        self.hurry.load(Ordering::Relaxed)
    }

    /// How long to wait for one of so many things that are still to come.
    pub fn share_of(&self, things: usize) -> Duration {
        let now = Instant::now();
        let left = self.until.saturating_duration_since(now);
        let all = if self.is_short() {
            left / IN_HURRY
        } else {
            self.patience.saturating_duration_since(now) / TRIES
        };
        let share = all / u32::try_from(things.max(1)).unwrap_or(u32::MAX);
        share.max(LEAST.min(left / 4)).max(MOMENT)
    }

    /// When to give up waiting for one of so many things.
    pub fn by(&self, things: usize) -> Instant {
        let now = Instant::now();
        now.checked_add(self.share_of(things)).unwrap_or(now)
    }
}

#[cfg(test)]
impl Time {
    /// Of work that has all the time there is, or none.
    pub(crate) fn of_test(hurry: bool) -> Self {
        Self::at(if hurry { 100 } else { 0 }, 100, 200, Duration::from_secs(6))
    }

    /// Of work whose clocks are short.
    pub(crate) fn brief(hurry: bool) -> Self {
        Self::at(if hurry { 1 } else { 0 }, 1, 2, MOMENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_takes_a_part_of_the_time_and_never_what_the_work_needs() {
        let slot = Duration::from_secs(6);
        let near = |share: Duration, seconds: u64| share.as_secs().abs_diff(seconds) <= 1;
        let time = Time::at(100, 500, 900, slot);
        assert!(!time.is_short());
        assert!(near(time.share_of(1), 600) && near(time.share_of(4), 150), "of 2,400 seconds");
        assert_eq!(time.share_of(1_000), LEAST);
        let seen_by_the_work = time.clone();
        time.hurry();
        assert!(seen_by_the_work.is_short());
        assert!(near(seen_by_the_work.share_of(1), 600), "of 4,800 until the deadline");
        let late = Time::at(600, 500, 900, slot);
        assert!(late.is_short() && near(late.share_of(1), 225) && near(late.share_of(3), 75));
        let over = Time::at(1_000, 500, 900, slot);
        assert!(over.is_short());
        assert_eq!(over.share_of(1), MOMENT);
        let soon = Time::at(0, 6, 12, Duration::from_secs(1));
        assert!(near(soon.share_of(2), 3), "of twelve seconds, for each of some that are all slow");
    }
}
