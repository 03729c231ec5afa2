//! What other pallets do with pools: make and end them, change shares, pay in.

use frame_support::{
    ensure,
    traits::{
        Get,
        fungible::{Inspect, Mutate},
        tokens::{Fortitude::Polite, Preservation::Preserve},
    },
};
use sabha_protocol::{
    Balance,
    pool::{
        PoolId, RewardPools, Shares,
        ledger::{LedgerError, Member, Pool},
    },
};
use sp_runtime::{
    DispatchError, DispatchResult,
    traits::{AccountIdConversion, Convert},
};

use crate::{Config, Error, Event, Members, Pallet, Pools};

impl<T> From<LedgerError> for Error<T> {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::TooManyShares => Self::TooManyShares,
            LedgerError::Overflow => Self::Overflow,
        }
    }
}

impl<T: Config> Pallet<T> {
    /// The pot's account. It must be endowed with the existential deposit at genesis.
    pub fn account_id() -> T::AccountId {
        T::PalletId::get().into_account_truncating()
    }

    /// A pool, with what has arrived in its source since. The caller writes back what it changes.
    pub(crate) fn synced(id: PoolId) -> Result<Pool, DispatchError> {
        let mut pool = Pools::<T>::get(id).ok_or(Error::<T>::NoSuchPool)?;
        // A closed pool takes nothing.
        if let Some(source) = T::Sources::convert(id).filter(|_| pool.open) {
            let amount = T::Currency::reducible_balance(&source, Preserve, Polite);
            if amount > 0 {
                T::Currency::transfer(&source, &Self::account_id(), amount, Preserve)?;
                pool.deposit(amount).map_err(Error::<T>::from)?;
                // At once: whoever asked may come to nothing.
                Pools::<T>::insert(id, pool);
                Self::deposit_event(Event::Deposited { pool: id, amount });
            }
        }
        pool.divide();
        Ok(pool)
    }

    /// As [`Self::synced`], of a pool that takes deposits and members.
    fn opened(id: PoolId) -> Result<Pool, DispatchError> {
        let pool = Self::synced(id)?;
        ensure!(pool.open, Error::<T>::PoolClosed);
        Ok(pool)
    }

    /// Gives a member exactly so many shares, and writes it back.
    pub(crate) fn change(id: PoolId, pool: &mut Pool, who: &T::AccountId, shares: Shares) -> DispatchResult {
        let known = Members::<T>::get(id, who);
        let mut member = known.unwrap_or_default();
        pool.set_shares(&mut member, shares).map_err(Error::<T>::from)?;
        Self::keep(id, pool, who, member, known.is_some())
    }

    /// Writes a member back, or removes it if it has nothing more to expect. The pool is the caller's to write back.
    pub(crate) fn keep(
        id: PoolId,
        pool: &mut Pool,
        who: &T::AccountId,
        member: Member,
        known: bool,
    ) -> DispatchResult {
        let stays = member.shares > 0 || member.owed.whole > 0;
        if stays && !known {
            pool.members = pool.members.checked_add(1).ok_or(Error::<T>::Overflow)?;
        }
        if stays {
            Members::<T>::insert(id, who, member);
        } else if known {
            // The fraction that it was owed is dust.
            pool.members = pool.members.saturating_sub(1);
            Members::<T>::remove(id, who);
            Self::return_deposit(id, who)?;
        }
        Ok(())
    }

    /// What a pool owes a member, with what is in its source.
    pub(crate) fn owed(id: PoolId, who: &T::AccountId) -> Balance {
        let (Some(mut pool), Some(mut member)) = (Pools::<T>::get(id), Members::<T>::get(id, who)) else {
            return 0;
        };
        let arrived = T::Sources::convert(id).filter(|_| pool.open);
        let arrived = arrived.map_or(0, |source| T::Currency::reducible_balance(&source, Preserve, Polite));
        if pool.deposit(arrived).is_err() {
            return 0;
        }
        pool.claim(&mut member).unwrap_or(0)
    }

    fn pay_in(from: &T::AccountId, amount: Balance) -> DispatchResult {
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        T::Currency::transfer(from, &Self::account_id(), amount, Preserve).map(drop)
    }
}

impl<T: Config> RewardPools<T::AccountId> for Pallet<T> {
    type Error = DispatchError;

    fn create(id: PoolId) -> DispatchResult {
        match Pools::<T>::get(id) {
            Some(pool) if pool.open => Ok(()),
            Some(_) => Err(Error::<T>::PoolClosed.into()),
            None => {
                Pools::<T>::insert(id, Pool::NEW);
                Self::deposit_event(Event::PoolCreated { pool: id });
                Ok(())
            }
        }
    }

    fn close(id: PoolId) -> DispatchResult {
        let mut pool = Self::synced(id)?;
        if pool.open {
            pool.open = false;
            Pools::<T>::insert(id, pool);
            Self::deposit_event(Event::PoolClosed { pool: id });
        }
        Ok(())
    }

    fn shares(id: PoolId, member: &T::AccountId) -> Shares {
        Members::<T>::get(id, member).map_or(0, |member| member.shares)
    }

    fn set_shares(id: PoolId, member: &T::AccountId, shares: Shares) -> DispatchResult {
        let mut pool = Self::opened(id)?;
        Self::change(id, &mut pool, member, shares)?;
        Pools::<T>::insert(id, pool);
        Self::deposit_event(Event::SharesSet { pool: id, member: member.clone(), shares });
        Ok(())
    }

    fn add_shares(id: PoolId, member: &T::AccountId, shares: Shares) -> DispatchResult {
        let sum = Self::shares(id, member).checked_add(shares).ok_or(Error::<T>::TooManyShares)?;
        Self::set_shares(id, member, sum)
    }

    fn remove_shares(id: PoolId, member: &T::AccountId, shares: Shares) -> DispatchResult {
        let rest = Self::shares(id, member).checked_sub(shares).ok_or(Error::<T>::TooFewShares)?;
        Self::set_shares(id, member, rest)
    }

    fn transfer_shares(id: PoolId, from: &T::AccountId, to: &T::AccountId, shares: Shares) -> DispatchResult {
        ensure!(from != to, Error::<T>::SameAccount);
        ensure!(shares > 0, Error::<T>::ZeroAmount);
        let mut pool = Self::opened(id)?;
        let rest = Self::shares(id, from).checked_sub(shares).ok_or(Error::<T>::TooFewShares)?;
        let sum = Self::shares(id, to).checked_add(shares).ok_or(Error::<T>::TooManyShares)?;
        Self::change(id, &mut pool, from, rest)?;
        Self::change(id, &mut pool, to, sum)?;
        Pools::<T>::insert(id, pool);
        Self::deposit_event(Event::SharesTransferred {
            pool: id,
            from: from.clone(),
            to: to.clone(),
            shares,
        });
        Ok(())
    }

    fn deposit(id: PoolId, from: &T::AccountId, amount: Balance) -> DispatchResult {
        let mut pool = Self::opened(id)?;
        Self::pay_in(from, amount)?;
        pool.deposit(amount).map_err(Error::<T>::from)?;
        Pools::<T>::insert(id, pool);
        Self::deposit_event(Event::Deposited { pool: id, amount });
        Ok(())
    }

    fn credit(id: PoolId, from: &T::AccountId, member: &T::AccountId, amount: Balance) -> DispatchResult {
        let mut pool = Self::opened(id)?;
        Self::pay_in(from, amount)?;
        let known = Members::<T>::get(id, member);
        let mut record = known.unwrap_or(Member { since: pool.earned, ..Member::default() });
        pool.credit(&mut record, amount).map_err(Error::<T>::from)?;
        Self::keep(id, &mut pool, member, record, known.is_some())?;
        Pools::<T>::insert(id, pool);
        Self::deposit_event(Event::Credited { pool: id, member: member.clone(), amount });
        Ok(())
    }
}
