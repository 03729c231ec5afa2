//! What must always hold.

use alloc::collections::BTreeMap;

use codec::{DecodeAll, Encode};
use frame_support::{
    ensure,
    traits::{
        fungible::{Inspect, InspectHold},
        tokens::{Fortitude::Force, Preservation::Protect},
    },
};
use sabha_protocol::{
    Balance,
    pool::{Shares, ledger::MAX_SHARES},
};
use sp_runtime::TryRuntimeError;

use crate::{Config, Deposits, HoldReason, Members, PERMANENT, Pallet, Payouts, Pools};

impl<T: Config> Pallet<T> {
    /// Check what must always hold:
    /// - the shares of a pool's members sum to its total, which is within bounds, and there are as many members as it counts;
    /// - what a pool has covers what it holds and owes, and the pot covers what all pools have;
    /// - every member has shares, or is owed something, and is of a pool that is there;
    /// - every deposit is for a member's record; what is on hold in an account is the sum of its deposits for records and payout accounts;
    /// - the pools of validators and curators are there, and open.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut all: Balance = 0;
        for (id, pool) in Pools::<T>::iter() {
            let (mut shares, mut owed, mut count): (Shares, Balance, u32) = (0, pool.held, 0);
            for (_, mut member) in Members::<T>::iter_prefix(id) {
                ensure!(member.shares > 0 || member.owed.whole > 0, "a member has nothing to expect");
                pool.settle(&mut member).map_err(|_| "a member cannot be settled")?;
                shares = shares.saturating_add(member.shares);
                owed = owed.saturating_add(member.owed.whole);
                count = count.saturating_add(1);
            }
            ensure!(
                shares == pool.shares && shares <= MAX_SHARES,
                "a pool's shares are not the sum of its members'"
            );
            ensure!(count == pool.members, "a pool's members are not as many as it counts");
            ensure!(owed <= pool.balance, "a pool owes more than it has");
            all = all.saturating_add(pool.balance);
        }
        let pot = T::Currency::reducible_balance(&Self::account_id(), Protect, Force);
        // Empty states have no pot.
        ensure!(all <= pot, "the pot does not cover what the pools have");
        for (id, _) in Members::<T>::iter_keys() {
            ensure!(Pools::<T>::contains_key(id), "a member is of no pool");
        }
        for (id, member) in Deposits::<T>::iter_keys() {
            ensure!(Members::<T>::contains_key(id, member), "a deposit is for no record");
        }
        for id in PERMANENT {
            ensure!(Pools::<T>::get(id).is_some_and(|pool| pool.open), "a permanent pool is not open");
        }
        Self::try_state_deposits()
    }

    fn try_state_deposits() -> Result<(), TryRuntimeError> {
        let mut deposits = BTreeMap::<T::AccountId, Balance>::new();
        let mut add = |who: T::AccountId, ticket: T::Consideration| {
            // A ticket for something on hold is encoded as its amount; others hold nothing.
            let amount = Balance::decode_all(&mut ticket.encode().as_slice()).unwrap_or(0);
            let sum = deposits.entry(who).or_default();
            *sum = sum.saturating_add(amount);
        };
        Deposits::<T>::iter_values().for_each(|(payer, ticket)| add(payer, ticket));
        Payouts::<T>::iter().for_each(|(member, (_, ticket))| add(member, ticket));
        for who in frame_system::Account::<T>::iter_keys() {
            let held = T::Currency::balance_on_hold(&HoldReason::Storage.into(), &who);
            let paid = deposits.get(&who).copied().unwrap_or(0);
            ensure!(held == paid, "what is on hold is not the sum of deposits");
        }
        Ok(())
    }
}
