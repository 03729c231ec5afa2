//! What accounts do with pools: claim, give shares away, name payout accounts, remove what is over.

use frame_support::{
    ensure,
    storage::with_storage_layer,
    traits::{Consideration, Footprint, Get, fungible::Mutate, tokens::Preservation::Preserve},
};
use sabha_protocol::{
    Balance,
    pool::{PoolId, RewardPools, Shares, ledger::Member},
};
use sp_runtime::{DispatchError, DispatchResult};

use crate::{Config, Deposits, Error, Event, Members, PERMANENT, Pallet, Payouts, Pools};

impl<T: Config> Pallet<T> {
    /// `asked`: whether the member asked for it itself. Nobody else can have anything paid elsewhere than where it is to be paid.
    pub(crate) fn do_claim(id: PoolId, who: &T::AccountId, asked: bool) -> DispatchResult {
        let mut pool = Self::synced(id)?;
        let mut member = Members::<T>::get(id, who).ok_or(Error::<T>::NoSuchMember)?;
        let amount = pool.claim(&mut member).map_err(Error::<T>::from)?;
        // A closed pool earns nothing: its shares are of no use any more.
        let useless = !pool.open && member.shares > 0;
        ensure!(amount > 0 || useless, Error::<T>::NothingToClaim);
        if useless {
            pool.set_shares(&mut member, 0).map_err(Error::<T>::from)?;
        }
        Self::keep(id, &mut pool, who, member, true)?;
        Pools::<T>::insert(id, pool);
        let to = if amount > 0 { Self::pay_out(who, amount, asked)? } else { who.clone() };
        Self::deposit_event(Event::Claimed { pool: id, member: who.clone(), to, amount });
        Ok(())
    }

    pub(crate) fn do_claim_batch(pools: &[PoolId], who: &T::AccountId) -> DispatchResult {
        let mut claimed = false;
        for id in pools {
            match with_storage_layer(|| Self::do_claim(*id, who, true)) {
                Ok(()) => claimed = true,
                Err(error) if Self::is_nothing(error) => {}
                Err(error) => return Err(error),
            }
        }
        ensure!(claimed, Error::<T>::NothingToClaim);
        Ok(())
    }

    /// Whether a claim was refused because there was nothing to claim.
    fn is_nothing(error: DispatchError) -> bool {
        [Error::<T>::NothingToClaim, Error::<T>::NoSuchMember, Error::<T>::NoSuchPool]
            .into_iter()
            .any(|nothing| error == nothing.into())
    }

    /// Pays a member, and returns who took it. What its payout account cannot take goes to its own one, if it asked.
    fn pay_out(member: &T::AccountId, amount: Balance, asked: bool) -> Result<T::AccountId, DispatchError> {
        let pot = Self::account_id();
        let pay = |to: &T::AccountId| T::Currency::transfer(&pot, to, amount, Preserve).map(|_| to.clone());
        let paid = match Payouts::<T>::get(member) {
            Some((payout, _)) if asked => pay(&payout).or_else(|_| pay(member)),
            Some((payout, _)) => pay(&payout),
            None => pay(member),
        };
        paid.map_err(|_| Error::<T>::CannotBePaid.into())
    }

    pub(crate) fn do_transfer(
        id: PoolId,
        from: &T::AccountId,
        to: &T::AccountId,
        shares: Shares,
    ) -> DispatchResult {
        ensure!(id.is_transferable(), Error::<T>::NotTransferable);
        let known = Members::<T>::contains_key(id, to);
        <Self as RewardPools<T::AccountId>>::transfer_shares(id, from, to, shares)?;
        if !known {
            // Of the record, and of this one.
            let footprint = Footprint::from_mel::<(Member, T::AccountId, T::AccountId)>();
            let ticket = T::Consideration::new(from, footprint)?;
            Deposits::<T>::insert(id, to, (from, ticket));
        }
        Ok(())
    }

    /// Returns the deposit for a member's record, if there is one.
    pub(crate) fn return_deposit(id: PoolId, member: &T::AccountId) -> DispatchResult {
        match Deposits::<T>::take(id, member) {
            Some((payer, ticket)) => ticket.drop(&payer),
            None => Ok(()),
        }
    }

    pub(crate) fn do_set_payout(member: T::AccountId, payout: Option<T::AccountId>) -> DispatchResult {
        let old = Payouts::<T>::take(&member);
        match (&payout, old) {
            (Some(account), Some((_, ticket))) => Payouts::<T>::insert(&member, (account, ticket)),
            (Some(account), None) => {
                let footprint = Footprint::from_mel::<(T::AccountId, T::AccountId)>();
                let ticket = T::Consideration::new(&member, footprint)?;
                Payouts::<T>::insert(&member, (account, ticket));
            }
            (None, Some((_, ticket))) => ticket.drop(&member)?,
            (None, None) => return Err(Error::<T>::NoPayout.into()),
        }
        Self::deposit_event(Event::PayoutSet { member, payout });
        Ok(())
    }

    pub(crate) fn do_remove(id: PoolId) -> DispatchResult {
        let pool = Pools::<T>::take(id).ok_or(Error::<T>::NoSuchPool)?;
        ensure!(!pool.open && !PERMANENT.contains(&id), Error::<T>::PoolOpen);
        ensure!(pool.members == 0, Error::<T>::PoolHasMembers);
        let remainder = pool.balance;
        if remainder > 0 {
            T::Currency::transfer(&Self::account_id(), &T::Remainder::get(), remainder, Preserve)?;
        }
        Self::deposit_event(Event::PoolRemoved { pool: id, remainder });
        Ok(())
    }
}
