//! The pot, what of it belongs to whom, and slashes.

use frame_support::{
    ensure,
    traits::{
        Get, Imbalance,
        fungible::{Balanced, BalancedHold, Inspect, MutateHold},
        tokens::{Fortitude::Polite, Precision::Exact, Preservation::Preserve},
    },
};
use sabha_protocol::{
    Balance,
    pool::{PoolId, RewardPools},
};
use sp_runtime::{DispatchError, DispatchResult, traits::AccountIdConversion};

use crate::{Allotted, Config, CreditOf, Error, Event, HoldReason, Pallet};

impl<T: Config> Pallet<T> {
    /// The pot's account. It must be endowed with the existential deposit at genesis.
    pub fn account_id() -> T::AccountId {
        T::PalletId::get().into_account_truncating()
    }

    /// What the pot has that belongs to no dataset and no claim: Dap mints into it and tells nobody.
    pub(crate) fn unallotted_now() -> Balance {
        let all = T::Currency::reducible_balance(&Self::account_id(), Preserve, Polite);
        all.saturating_sub(Allotted::<T>::get())
    }

    /// `amount`, which the pot has, belongs to a dataset or a claim from now on.
    pub(crate) fn take_in(amount: Balance) -> DispatchResult {
        let all = Allotted::<T>::get().checked_add(amount).ok_or(Error::<T>::Books)?;
        Allotted::<T>::put(all);
        Ok(())
    }

    /// `amount` belongs to no dataset and no claim any more.
    pub(crate) fn let_go(amount: Balance) -> DispatchResult {
        let all = Allotted::<T>::get().checked_sub(amount).ok_or(Error::<T>::Books)?;
        Allotted::<T>::put(all);
        Ok(())
    }

    /// Credits `amount`, which was a dataset's or a claim's, in a reward pool.
    pub(crate) fn pay(pool: PoolId, member: &T::AccountId, amount: Balance) -> DispatchResult {
        if amount == 0 {
            return Ok(());
        }
        Self::let_go(amount)?;
        T::Pools::credit(pool, &Self::account_id(), member, amount)
    }

    /// Slashes `amount` of what `who` has on hold, whatever else is locked: `burnt` of it is gone, the rest is in the pot, and allotted.
    /// Returns the rest.
    pub(crate) fn slash(
        reason: HoldReason,
        who: &T::AccountId,
        amount: Balance,
        burnt: Balance,
    ) -> Result<Balance, DispatchError> {
        if amount == 0 {
            return Ok(0);
        }
        let (credit, missing): (CreditOf<T>, Balance) = T::Currency::slash(&reason.into(), who, amount);
        ensure!(missing == 0 && credit.peek() == amount, Error::<T>::Books);
        let (fire, kept) = credit.split(burnt.min(amount));
        // Dropped: the issuance is less by it.
        drop(fire);
        let rest = kept.peek();
        T::Currency::resolve(&Self::account_id(), kept).map_err(|_| Error::<T>::Books)?;
        Self::take_in(rest)?;
        Self::deposit_event(Event::Slashed {
            who: who.clone(),
            burnt: amount.saturating_sub(rest),
            kept: rest,
        });
        Ok(rest)
    }

    /// Releases what `who` has on hold.
    pub(crate) fn release(reason: HoldReason, who: &T::AccountId, amount: Balance) -> DispatchResult {
        if amount > 0 {
            T::Currency::release(&reason.into(), who, amount, Exact)?;
        }
        Ok(())
    }
}
