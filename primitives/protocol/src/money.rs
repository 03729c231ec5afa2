//! Money as arithmetic: who pays whom, and how a slash is split. Nothing is created or lost: a transfer names both ends.

use crate::Balance;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// One end of a transfer.
#[derive(
    Clone,
    Copy,
    Debug,
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
pub enum Party<Account> {
    /// The escrow of the run.
    Escrow,
    /// What the pot keeps of a slash until the auditors of the slot have revealed.
    Kept,
    /// A worker's stake, on hold in its owner's account.
    Stake(Account),
    /// A worker's payout account.
    Worker(Account),
    /// An account that convicted somebody by a challenge.
    Challenger(Account),
    /// Nobody: burnt.
    Burnt,
}

/// An amount that moves from one party to another.
#[derive(
    Clone,
    Copy,
    Debug,
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
pub struct Transfer<Account> {
    /// Who has less afterwards.
    pub from: Party<Account>,
    /// Who has more.
    pub to: Party<Account>,
    /// In units of 10^-12 SBH. Not zero.
    pub amount: Balance,
}

/// A transfer, unless it is of nothing.
pub fn transfer<A>(from: Party<A>, to: Party<A>, amount: Balance) -> Option<Transfer<A>> {
    (amount > 0).then_some(Transfer { from, to, amount })
}

/// The parts of a slash, in percent.
pub mod percent {
    /// Burnt, before anything else: who convicts itself through a friend loses at least this.
    pub const BURNT: u128 = 50;
    /// For the drawn auditors who sealed a differing root, whoever convicts.
    pub const AUDITORS: u128 = 20;
    /// For the convicting challenger.
    pub const CHALLENGER: u128 = 20;
    // The rest, 10 %, refills the escrow.
}

/// What becomes of a slashed amount. The parts add up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Burnt: at least half.
    pub burnt: Balance,
    /// Kept for the drawn auditors who sealed a differing root; back to the escrow if there are none.
    pub auditors: Balance,
    /// For the convicting challenger; to the escrow if there is none.
    pub challenger: Balance,
    /// To the run's escrow.
    pub escrow: Balance,
}

/// Splits a slash. Rounds for the fire.
pub fn split(amount: Balance) -> Split {
    let part = |percent: u128| {
        // In two steps, so that no amount overflows: 100 q + r.
        let (q, r) = (amount / 100, amount % 100);
        q.saturating_mul(percent).saturating_add(r.saturating_mul(percent) / 100)
    };
    let auditors = part(percent::AUDITORS);
    let challenger = part(percent::CHALLENGER);
    let rest = amount.saturating_sub(auditors).saturating_sub(challenger);
    let burnt = amount.div_ceil(2).max(part(percent::BURNT));
    Split { burnt, auditors, challenger, escrow: rest.saturating_sub(burnt) }
}

/// Slashes `amount` of `from`'s stake: the transfers add up to it, and the auditors' part of it is kept.
pub fn slash<A: Clone>(from: &A, amount: Balance, challenger: Option<&A>) -> Vec<Transfer<A>> {
    let Split { burnt, auditors, challenger: reward, escrow } = split(amount);
    let stake = || Party::Stake(from.clone());
    let winner = challenger.map_or(Party::Escrow, |account| Party::Challenger(account.clone()));
    [
        transfer(stake(), Party::Burnt, burnt),
        transfer(stake(), Party::Kept, auditors),
        transfer(stake(), winner, reward),
        transfer(stake(), Party::Escrow, escrow),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Slashes what no auditor was drawn for: their part goes to the escrow.
pub fn slash_without_auditors<A: Clone>(
    from: &A,
    amount: Balance,
    challenger: Option<&A>,
) -> Vec<Transfer<A>> {
    let mut moves = slash(from, amount, challenger);
    for moved in &mut moves {
        if matches!(moved.to, Party::Kept) {
            moved.to = Party::Escrow;
        }
    }
    moves
}

/// Slashes an auditor: nobody is rewarded for it, so half is burnt and half goes to the escrow.
pub fn slash_auditor<A: Clone>(from: &A, amount: Balance) -> Vec<Transfer<A>> {
    let burnt = amount.div_ceil(2);
    [
        transfer(Party::Stake(from.clone()), Party::Burnt, burnt),
        transfer(Party::Stake(from.clone()), Party::Escrow, amount.saturating_sub(burnt)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_split_balances_to_the_unit_and_burns_half(amount: Balance) {
            let Split { burnt, auditors, challenger, escrow } = split(amount);
            let sum = burnt.checked_add(auditors).and_then(|sum| sum.checked_add(challenger));
            prop_assert_eq!(sum.and_then(|sum| sum.checked_add(escrow)), Some(amount));
            prop_assert!(burnt >= amount / 2 && burnt <= amount.div_ceil(2));
        }

        #[test]
        fn a_slash_takes_exactly_what_it_moves(amount: Balance, challenged: bool) {
            let challenger = challenged.then_some(&2);
            for moves in [
                slash(&1u8, amount, challenger),
                slash_without_auditors(&1, amount, challenger),
                slash_auditor(&1, amount),
            ] {
                let mut sum = 0u128;
                for Transfer { from, to, amount } in moves {
                    prop_assert_eq!(from, Party::Stake(1));
                    prop_assert!(to != Party::Stake(1) && to != Party::Worker(1) && amount > 0);
                    sum += amount;
                }
                prop_assert_eq!(sum, amount);
            }
        }
    }

    #[test]
    fn the_parts_are_those_of_the_design() {
        assert_eq!(split(1_000), Split { burnt: 500, auditors: 200, challenger: 200, escrow: 100 });
        // What no part can have is burnt, or goes to the escrow.
        assert_eq!(split(1), Split { burnt: 1, auditors: 0, challenger: 0, escrow: 0 });
        assert_eq!(split(0), Split { burnt: 0, auditors: 0, challenger: 0, escrow: 0 });
    }

    /// Cheat: challenge itself to settle cheaply. Even if its accomplices are the challenger and every auditor, half is gone.
    #[test]
    fn who_challenges_itself_loses_at_least_half() {
        for amount in [1, 99, 100, 12_345, u128::MAX] {
            let Split { burnt, auditors, challenger, .. } = split(amount);
            assert!(auditors + challenger <= amount - burnt);
            assert!(burnt >= amount / 2);
        }
    }
}
