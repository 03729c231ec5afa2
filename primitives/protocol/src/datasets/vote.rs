//! Votes: which fraction of a claim is what it says, and how good it is.
//!
//! A vote is sealed ([`seal`]) before anybody's is known, so none can be copied. The median of the fractions decides: a minority moves it
//! no further than to an honest vote.

use super::{BEST, ClaimId, FALSE_BELOW, TOLERANCE, WHOLE};
use crate::Digest;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// What somebody thinks of a claim.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Vote {
    /// Which part of the claim's units is what it says, of 10,000.
    pub fraction: u16,
    /// How good that part is: 0 to 100.
    pub quality: u8,
}

impl Vote {
    /// Whether both figures are within bounds.
    pub const fn is_valid(&self) -> bool {
        self.fraction <= WHOLE && self.quality <= BEST
    }

    /// Whether this says that the claim is false.
    pub const fn is_rejection(&self) -> bool {
        self.fraction < FALSE_BELOW
    }

    /// Whether this vote is so far from what was decided that it cannot be an honest sample of the same data. Only fractions are
    /// compared: they decide about money, and can be counted.
    pub const fn is_far_from(&self, decided: &Self) -> bool {
        self.fraction.abs_diff(decided.fraction) > TOLERANCE
    }
}

/// What a curator seals: its vote, hidden by a salt, bound to the claim, the panel and its account.
pub fn seal<Account: Encode>(
    claim: ClaimId,
    panel: u8,
    vote: &Vote,
    salt: &[u8; 32],
    curator: &Account,
) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("sabha 2026 data vote v1");
    hasher.update(&(claim, panel, vote).encode());
    hasher.update(salt);
    hasher.update(&curator.encode());
    Digest(*hasher.finalize().as_bytes())
}

/// The lower median of the fractions, and that of the qualities; none without votes.
pub fn median(votes: &[Vote]) -> Option<Vote> {
    let middle = votes.len().checked_sub(1)?.checked_div(2)?;
    let mut fractions: Vec<u16> = votes.iter().map(|vote| vote.fraction).collect();
    let mut qualities: Vec<u8> = votes.iter().map(|vote| vote.quality).collect();
    fractions.sort_unstable();
    qualities.sort_unstable();
    Some(Vote { fraction: *fractions.get(middle)?, quality: *qualities.get(middle)? })
}

/// `amount` times a fraction of 10,000, rounded down.
pub fn part(amount: u128, fraction: u16) -> u128 {
    let whole = u128::from(WHOLE);
    // In two steps, so that no amount overflows.
    let (q, r) = (amount.checked_div(whole).unwrap_or(0), amount.checked_rem(whole).unwrap_or(0));
    let rest = r.saturating_mul(fraction.into()).checked_div(whole).unwrap_or(0);
    q.saturating_mul(fraction.into()).saturating_add(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vote(fraction: u16) -> Vote {
        Vote { fraction, quality: 50 }
    }

    #[test]
    fn the_lower_median_decides() {
        assert_eq!(median(&[]), None);
        let fraction =
            |votes: &[u16]| median(&votes.iter().map(|v| vote(*v)).collect::<Vec<_>>()).map(|v| v.fraction);
        assert_eq!(fraction(&[7]), Some(7));
        assert_eq!(fraction(&[9, 1]), Some(1));
        assert_eq!(fraction(&[9, 1, 5]), Some(5));
        assert_eq!(fraction(&[9, 1, 5, 6]), Some(5));
    }

    proptest! {
        /// Whatever a minority votes, the median is between votes of the others.
        #[test]
        fn a_minority_does_not_decide(
            honest in proptest::collection::vec(4_000u16..=6_000, 4..8),
            bribed in proptest::collection::vec(0..=WHOLE, 0..4),
        ) {
            let votes: Vec<_> = honest.iter().chain(&bribed).map(|fraction| vote(*fraction)).collect();
            let decided = median(&votes).unwrap();
            prop_assert!((4_000..=6_000).contains(&decided.fraction));
        }

        #[test]
        fn parts_are_rounded_down(amount: u64, fraction in 0..=WHOLE) {
            let exact = u128::from(amount) * u128::from(fraction);
            prop_assert_eq!(part(amount.into(), fraction), exact / 10_000);
            prop_assert!(part(u128::MAX, fraction) <= u128::MAX / 10_000 * u128::from(fraction) + 10_000);
        }
    }

    #[test]
    fn far_is_beyond_the_tolerance() {
        assert!(!vote(3_000).is_far_from(&vote(5_000)));
        assert!(vote(2_999).is_far_from(&vote(5_000)));
        assert!(vote(7_001).is_far_from(&vote(5_000)));
    }

    #[test]
    fn less_than_a_tenth_is_a_rejection() {
        assert!(vote(0).is_rejection() && vote(999).is_rejection());
        assert!(!vote(1_000).is_rejection() && !vote(WHOLE).is_rejection());
    }

    #[test]
    fn bounds() {
        assert!(Vote { fraction: 10_000, quality: 100 }.is_valid());
        assert!(!Vote { fraction: 10_001, quality: 100 }.is_valid());
        assert!(!Vote { fraction: 0, quality: 101 }.is_valid());
    }

    #[test]
    fn a_seal_is_one_curators_of_one_panel() {
        let (salt, one) = ([7; 32], vote(5_000));
        let sealed = seal(1, 0, &one, &salt, &1u64);
        for other in [
            seal(2, 0, &one, &salt, &1u64),
            seal(1, 1, &one, &salt, &1u64),
            seal(1, 0, &vote(5_001), &salt, &1u64),
            seal(1, 0, &one, &[8; 32], &1u64),
            seal(1, 0, &one, &salt, &2u64),
        ] {
            assert_ne!(sealed, other);
        }
    }
}
