//! How often a worker did what it was drawn for: a beta distribution (Jøsang and Ismail, "The Beta Reputation System", 2002) in
//! whole numbers, with decay, so that the past counts less.
//!
//! A conviction costs stake; reputation is for what cannot be proved a cheat: deadlines missed, updates nobody could fetch. A
//! worker below [`JAIL_BELOW`] is drawn for nothing for a while. A jail is no longer than unbonding, so a fresh account, whose
//! score is [`Reputation::NEW`], cannot be had earlier with the same stake; and the record stays with the account.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// One observation, in the counters' unit.
const ONE: u32 = 1 << 16;

/// What remains of the counters at each observation: 31/32, so about the last 32 count.
const KEPT: (u64, u64) = (31, 32);

/// The score below which a worker is jailed, in parts per million: at the start, three misses in a row.
pub const JAIL_BELOW: u32 = 250_000;

/// Two decaying counters.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Reputation {
    /// What was done, in 65,536ths of an observation.
    pub good: u32,
    /// What was missed, in 65,536ths of an observation.
    pub bad: u32,
}

impl Reputation {
    /// Of a worker that nothing is known of: the score is one half.
    pub const NEW: Self = Self { good: 0, bad: 0 };

    /// The expected share of duties done, in parts per million: (good + 1) / (good + bad + 2).
    pub fn score(&self) -> u32 {
        let (good, bad, one) = (u64::from(self.good), u64::from(self.bad), u64::from(ONE));
        let good = good.saturating_add(one);
        let all = good.saturating_add(bad).saturating_add(one);
        good.saturating_mul(1_000_000).checked_div(all).map_or(0, |score| score as u32)
    }

    /// After one more observation.
    pub fn observe(self, good: bool) -> Self {
        let decay = |count: u32| {
            let kept = u64::from(count).saturating_mul(KEPT.0).checked_div(KEPT.1);
            u32::try_from(kept.unwrap_or(0)).unwrap_or(u32::MAX)
        };
        let (mut after, one) = (Self { good: decay(self.good), bad: decay(self.bad) }, ONE);
        let counter = if good { &mut after.good } else { &mut after.bad };
        *counter = counter.saturating_add(one);
        after
    }

    /// Whether the worker is to be jailed.
    pub fn is_jailed(&self) -> bool {
        self.score() < JAIL_BELOW
    }

    /// After a jail was served: the misses are forgiven down to the score of a new worker, never above it.
    pub fn released(self) -> Self {
        if self.score() < Self::NEW.score() { Self { bad: self.good, ..self } } else { self }
    }
}

/// Whether a jail of so many blocks is no longer than unbonding, so that leaving and registering again clears it no sooner.
pub fn jail_is_worth_no_new_account(jail: u32, unbonding: u32) -> bool {
    jail <= unbonding
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn three_misses_in_a_row_jail_a_new_worker() {
        let mut worker = Reputation::NEW;
        for expected in [false, false, true] {
            worker = worker.observe(false);
            assert_eq!(worker.is_jailed(), expected, "{}", worker.score());
        }
        assert_eq!(worker.released().score(), Reputation::NEW.score());
    }

    #[test]
    fn old_deeds_fade() {
        let mut worker = Reputation::NEW;
        for _ in 0..10_000 {
            worker = worker.observe(true);
        }
        assert!(worker.score() > 960_000, "{}", worker.score());
        let misses = (1..).find(|_| {
            worker = worker.observe(false);
            worker.is_jailed()
        });
        assert!(misses.is_some_and(|misses| (20..60).contains(&misses)), "{misses:?}");
    }

    /// Cheat: register again to clear a jail.
    #[test]
    fn a_fresh_account_is_no_better_than_a_served_jail_and_comes_no_sooner() {
        let jailed = (0..5).fold(Reputation::NEW, |worker, _| worker.observe(false));
        assert!(jailed.is_jailed());
        assert!(jailed.released().score() >= Reputation::NEW.score());
        assert!(jail_is_worth_no_new_account(150, 150) && !jail_is_worth_no_new_account(151, 150));
        // Serving a jail does not whitewash anybody beyond a new worker.
        assert_eq!(Reputation { good: 5 * ONE, bad: 0 }.released(), Reputation { good: 5 * ONE, bad: 0 });
    }

    proptest! {
        #[test]
        fn the_counters_are_bounded_and_the_score_moves_the_right_way(deeds in proptest::collection::vec(any::<bool>(), 0..200)) {
            let mut worker = Reputation::NEW;
            for good in deeds {
                let next = worker.observe(good);
                if good { prop_assert!(next.score() >= worker.score()) } else { prop_assert!(next.score() <= worker.score()) }
                prop_assert!(next.good <= 32 * ONE && next.bad <= 32 * ONE);
                worker = next;
            }
        }

        #[test]
        fn any_stored_value_has_a_score(good: u32, bad: u32) {
            let worker = Reputation { good, bad };
            prop_assert!(worker.score() <= 1_000_000);
            let _ = (worker.observe(true), worker.observe(false), worker.released());
        }
    }
}
