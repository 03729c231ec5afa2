//! Quadratic funding (Buterin, Hitzig and Weyl, 2019): a proposal that `n` accounts want with `c` each deserves the square of the
//! sum of their roots, `n^2 c`, so the matching pot owes it what its backers have not given. One account alone is owed nothing; many
//! accounts with little are owed more than one with much.
//!
//! Who splits a pledge over several accounts would be owed as if it were several people. So an account counts only if a registrar
//! vouches for it, when it pledges and again when the proposal is settled.
//!
//! Sums are kept, not members: a pledge changes them by one root. A root is rounded down to a multiple of 2^-28; it is the same whenever
//! it is taken, so what is added can be taken away again exactly.

use super::fraction::mul_div;
use crate::Balance;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Bits of a root behind the point.
pub const FRACTION: u32 = 28;

/// Roots are taken of this at most, in units of 10^-12 SBH: some five times the supply. So that the argument fits 128 bits.
pub const MOST: Balance = (1 << (u128::BITS - 2 * FRACTION)) - 1;

/// One whole, in which [`MatchingTerms::most_of_pot`] counts.
pub const PARTS: u32 = 1_000_000;

/// The square root, in units of 2^-28, rounded down.
pub fn root(amount: Balance) -> u128 {
    (amount.min(MOST) << (2 * FRACTION)).isqrt()
}

/// Who wants a proposal, as far as it counts.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Support {
    /// The sum of the roots of what the counted accounts pledged, in units of 2^-28.
    pub roots: u128,
    /// The sum of what they pledged, in units of 10^-12 SBH.
    pub sum: Balance,
    /// How many they are.
    pub accounts: u32,
}

impl Support {
    /// One account's counted pledge becomes another one; zero if it does not count. None if the sums do not hold what is taken away, or not
    /// what is added: a defect, and nothing is changed.
    #[must_use]
    pub fn change(self, from: Balance, to: Balance) -> Option<Self> {
        let there = |amount: Balance| u32::from(amount > 0);
        Some(Self {
            roots: self.roots.checked_sub(root(from))?.checked_add(root(to))?,
            sum: self.sum.checked_sub(from)?.checked_add(to)?,
            accounts: self.accounts.checked_sub(there(from))?.checked_add(there(to))?,
        })
    }

    /// What an inexhaustible pot would add: the square of the sum of the roots, less the sum. Rounded down, and never below zero.
    /// Saturates.
    pub fn ideal(&self) -> Balance {
        let square = mul_div(self.roots, self.roots, 1 << (2 * FRACTION)).unwrap_or(Balance::MAX);
        square.saturating_sub(self.sum)
    }
}

/// How the matching pot is split.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct MatchingTerms {
    /// The most of the pot that one proposal may have, in millionths.
    pub most_of_pot: u32,
    /// The most that one proposal may have, in units of 10^-12 SBH.
    pub most: Balance,
}

impl MatchingTerms {
    /// What a pot adds to a proposal: its ideal if the pot has all that open proposals ask for (`asked`, this one's included), else its part
    /// of the pot. Never more than the caps, so never more than the pot.
    pub fn matched(&self, pot: Balance, ideal: Balance, asked: Balance) -> Balance {
        let asked = asked.max(ideal);
        let part = if asked <= pot { ideal } else { mul_div(pot, ideal, asked).unwrap_or(0) };
        let cap = mul_div(pot, self.most_of_pot.min(PARTS).into(), PARTS.into()).unwrap_or(0);
        part.min(cap).min(self.most)
    }
}
