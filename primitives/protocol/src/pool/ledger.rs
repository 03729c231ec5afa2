//! What a pool and its members are owed, exactly.
//!
//! A deposit adds deposit / shares to what one share has earned. That quotient keeps 128 binary digits after the point, rounded down,
//! and a member's earnings keep them too: only a claim rounds to whole units, down, and the fraction stays with the member. So nobody is
//! ever owed more than its part, and what it has been paid is less than its part by below one unit, plus shares / 2^128 units for each
//! deposit since it had them: with [`MAX_SHARES`] below 2^96, less than one unit in 2^32 deposits.
//!
//! **Dust** is what the pool has and nobody is owed: [`Pool::balance`] less [`Pool::held`] less what all members are owed in whole units.
//! It stays until the pool is removed.

use super::Shares;
use crate::Balance;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The most shares of a pool: what makes two limbs enough for every product here.
pub const MAX_SHARES: Shares = (1 << 96) - 1;

/// Binary digits that are worked on at a time.
const DIGIT: u32 = 32;
const LOW: u128 = (1 << DIGIT) - 1;

/// An amount that is no whole number: 128 binary digits after the point.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Amount {
    /// Whole units.
    pub whole: u128,
    /// 2^-128 units.
    pub part: u128,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self { whole: 0, part: 0 };

    /// `amount` divided by `shares`, rounded down; none if there are none, or more than [`MAX_SHARES`].
    pub fn per_share(amount: Balance, shares: Shares) -> Option<Self> {
        if shares > MAX_SHARES {
            return None;
        }
        let (whole, mut rest) = (amount.checked_div(shares)?, amount.checked_rem(shares)?);
        let mut part = 0u128;
        for _ in 0..4 {
            // Below 2^128: the rest is below `shares`.
            let dividend = rest << DIGIT;
            part = (part << DIGIT) | dividend.checked_div(shares)?;
            rest = dividend.checked_rem(shares)?;
        }
        Some(Self { whole, part })
    }

    /// This much for each of `shares`, exactly; none if it is 2^128 or more.
    pub fn times(self, shares: Shares) -> Option<Self> {
        if shares > MAX_SHARES {
            return None;
        }
        let (mut part, mut carry) = (0u128, 0u128);
        for place in 0..4u32 {
            let shift = place.saturating_mul(DIGIT);
            let digit = (self.part >> shift) & LOW;
            // Below 2^128: (2^96 - 1) (2^32 - 1) and a carry below 2^96.
            let product = shares.checked_mul(digit)?.checked_add(carry)?;
            part |= (product & LOW) << shift;
            carry = product >> DIGIT;
        }
        Some(Self { whole: self.whole.checked_mul(shares)?.checked_add(carry)?, part })
    }

    /// The sum; none if it is 2^128 or more.
    pub fn plus(self, other: Self) -> Option<Self> {
        let (part, carry) = self.part.overflowing_add(other.part);
        let whole = self.whole.checked_add(other.whole)?.checked_add(carry.into())?;
        Some(Self { whole, part })
    }

    /// The difference; none if `other` is more.
    pub fn minus(self, other: Self) -> Option<Self> {
        let (part, borrow) = self.part.overflowing_sub(other.part);
        let whole = self.whole.checked_sub(other.whole)?.checked_sub(borrow.into())?;
        Some(Self { whole, part })
    }
}

/// A pool.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Pool {
    /// The sum of its members' shares.
    pub shares: Shares,
    /// What one share that was there from the beginning has earned, in units of 10^-12 SBH.
    pub earned: Amount,
    /// What is not divided yet: it arrived while nobody had shares. In units of 10^-12 SBH.
    pub held: Balance,
    /// What was deposited less what was claimed, in units of 10^-12 SBH.
    pub balance: Balance,
    /// Members that have shares or are owed something.
    pub members: u32,
    /// Whether it takes deposits and members.
    pub open: bool,
}

/// A member of a pool.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Member {
    /// Its shares.
    pub shares: Shares,
    /// What a share of the pool had earned when the member was settled last.
    pub since: Amount,
    /// What it had earned by then and has not claimed.
    pub owed: Amount,
}

/// A pool's shares cannot be changed so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// More than [`MAX_SHARES`].
    #[error("a pool can have {MAX_SHARES} shares at most")]
    TooManyShares,
    /// An amount is beyond 2^128.
    #[error("more than all tokens there can be")]
    Overflow,
}

impl Pool {
    /// A pool without members.
    pub const NEW: Self =
        Self { shares: 0, earned: Amount::ZERO, held: 0, balance: 0, members: 0, open: true };

    /// Takes a deposit, and divides it, and what is held, if anybody has shares.
    ///
    /// # Errors
    /// [`LedgerError::Overflow`].
    pub fn deposit(&mut self, amount: Balance) -> Result<(), LedgerError> {
        self.balance = self.balance.checked_add(amount).ok_or(LedgerError::Overflow)?;
        self.held = self.held.saturating_add(amount);
        self.divide();
        Ok(())
    }

    /// Divides what is held, if anybody has shares.
    pub fn divide(&mut self) {
        let each = Amount::per_share(self.held, self.shares);
        // What does not fit stays held.
        if let Some(earned) = each.and_then(|each| self.earned.plus(each)) {
            self.earned = earned;
            self.held = 0;
        }
    }

    /// Brings a member up to date.
    ///
    /// # Errors
    /// [`LedgerError::Overflow`], which takes deposits of 2^128 units.
    pub fn settle(&self, member: &mut Member) -> Result<(), LedgerError> {
        let more = self.earned.minus(member.since).and_then(|each| each.times(member.shares));
        member.owed = more.and_then(|more| member.owed.plus(more)).ok_or(LedgerError::Overflow)?;
        member.since = self.earned;
        Ok(())
    }

    /// Gives a member exactly so many shares, from now on.
    ///
    /// # Errors
    /// Nothing is changed then.
    pub fn set_shares(&mut self, member: &mut Member, shares: Shares) -> Result<(), LedgerError> {
        let mut settled = *member;
        self.settle(&mut settled)?;
        let others = self.shares.saturating_sub(member.shares);
        let sum = others.checked_add(shares).filter(|sum| *sum <= MAX_SHARES);
        self.shares = sum.ok_or(LedgerError::TooManyShares)?;
        *member = Member { shares, ..settled };
        Ok(())
    }

    /// Takes an amount for one member.
    ///
    /// # Errors
    /// [`LedgerError::Overflow`]. Nothing is changed then.
    pub fn credit(&mut self, member: &mut Member, amount: Balance) -> Result<(), LedgerError> {
        let balance = self.balance.checked_add(amount).ok_or(LedgerError::Overflow)?;
        let whole = member.owed.whole.checked_add(amount).ok_or(LedgerError::Overflow)?;
        self.balance = balance;
        member.owed.whole = whole;
        Ok(())
    }

    /// Takes what a member is owed out of the pool, in whole units. The rest stays owed.
    ///
    /// # Errors
    /// As [`Self::settle`].
    pub fn claim(&mut self, member: &mut Member) -> Result<Balance, LedgerError> {
        self.settle(member)?;
        let amount = core::mem::take(&mut member.owed.whole);
        self.balance = self.balance.checked_sub(amount).ok_or(LedgerError::Overflow)?;
        Ok(amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wide::Wide;
    use proptest::prelude::*;

    /// An amount in units of 2^-128.
    fn wide(amount: Amount) -> Wide {
        Wide::new(amount.whole).times_all(Wide::new(1 << 127).times(2)).plus(Wide::new(amount.part))
    }

    proptest! {
        #[test]
        fn a_quotient_is_rounded_down_by_less_than_its_last_digit(amount: u128, shares in 1..=MAX_SHARES) {
            let each = Amount::per_share(amount, shares).unwrap();
            let all = wide(Amount { whole: amount, part: 0 });
            let product = wide(each).times_wide(shares);
            prop_assert!(product <= all);
            prop_assert!(all.minus(product) < Wide::new(shares));
        }

        #[test]
        fn products_sums_and_differences_are_exact(a: (u64, u128), b: (u64, u128), shares in 0u128..1 << 64) {
            let (a, b) = (Amount { whole: a.0.into(), part: a.1 }, Amount { whole: b.0.into(), part: b.1 });
            // All fit.
            prop_assert_eq!(wide(a.times(shares >> 1).unwrap()), wide(a).times_wide(shares >> 1));
            let sum = a.plus(b).unwrap();
            prop_assert_eq!(wide(sum), wide(a).plus(wide(b)));
            prop_assert_eq!(sum.minus(b), Some(a));
            prop_assert_eq!(a.minus(b).is_some(), a >= b);
        }
    }

    #[test]
    fn what_does_not_fit_is_none() {
        let most = Amount { whole: u128::MAX, part: u128::MAX };
        assert_eq!(Amount::per_share(1, 0), None);
        assert_eq!(Amount::per_share(1, MAX_SHARES + 1), None);
        assert_eq!(most.times(2), None);
        assert_eq!(most.times(MAX_SHARES + 1), None);
        assert_eq!(most.plus(Amount { whole: 0, part: 1 }), None);
        assert_eq!(Amount::ZERO.minus(Amount { whole: 0, part: 1 }), None);
        let part = Amount { whole: 0, part: u128::MAX };
        assert_eq!(part.times(MAX_SHARES).map(|product| product.whole), Some(MAX_SHARES - 1));
    }

    /// Three thirds of a unit are one, however often they are settled.
    #[test]
    fn fractions_add_up() {
        let (mut pool, mut member, mut other) = (Pool::NEW, Member::default(), Member::default());
        pool.set_shares(&mut member, 1).unwrap();
        pool.set_shares(&mut other, 2).unwrap();
        for _ in 0..3 {
            pool.deposit(1).unwrap();
            pool.settle(&mut member).unwrap();
        }
        // A third is rounded down, so the last digit is missing until there is a fourth.
        assert_eq!(pool.claim(&mut member), Ok(0));
        assert_eq!(member.owed.part, u128::MAX);
        pool.deposit(1).unwrap();
        assert_eq!(pool.claim(&mut member), Ok(1));
        assert_eq!(pool.claim(&mut other), Ok(2));
        assert_eq!((pool.balance, pool.held), (1, 0));
    }

    #[test]
    fn what_arrives_while_nobody_has_shares_is_held() {
        let (mut pool, mut member) = (Pool::NEW, Member::default());
        pool.deposit(7).unwrap();
        assert_eq!((pool.held, pool.balance), (7, 7));
        pool.set_shares(&mut member, 5).unwrap();
        pool.deposit(3).unwrap();
        assert_eq!(pool.claim(&mut member), Ok(10));
        assert_eq!(pool.set_shares(&mut member, MAX_SHARES + 1), Err(LedgerError::TooManyShares));
        assert_eq!(member.shares, 5);
    }
}
