//! Payments: who has which part of them.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    storage::with_storage_layer,
    traits::{Get, fungible::Mutate, tokens::Preservation::Preserve},
};
use sabha_protocol::{
    Balance,
    models::{ModelId, part},
    pool::{PoolId, RewardPools},
};
use sp_runtime::{DispatchError, traits::AccountIdConversion};

use crate::{Accrued, Config, Error, Event, ModelOf, Models, Origin, Pallet, Source};

impl<T: Config> Pallet<T> {
    /// The pot's account. It must be endowed with the existential deposit at genesis.
    pub fn account_id() -> T::AccountId {
        <T as Config>::PalletId::get().into_account_truncating()
    }

    pub(crate) fn do_pay(payer: T::AccountId, id: ModelId, amount: Balance) -> DispatchResult {
        let model = Self::model(id)?;
        ensure!(amount >= T::MinPayment::get(), Error::<T>::PaymentTooSmall);
        Self::split(&payer, id, model, amount)?;
        Self::deposit_event(Event::Paid { model: id, payer, amount });
        Ok(())
    }

    pub(crate) fn do_distribute(id: ModelId) -> DispatchResult {
        let model = Self::model(id)?;
        let amount = Accrued::<T>::take(id);
        ensure!(amount > 0, Error::<T>::NothingAccrued);
        Self::split(&Self::account_id(), id, model, amount)?;
        Self::deposit_event(Event::Distributed { model: id, amount });
        Ok(())
    }

    /// Splits what `from` pays by the model's table.
    fn split(from: &T::AccountId, id: ModelId, mut model: ModelOf<T>, amount: Balance) -> DispatchResult {
        let parts = model.table.split(amount);
        let (mut data, mut compute, mut backers) = (0, 0, 0);
        if let Origin::Trained { run, sources, .. } = &model.origin {
            data = Self::pay_sources(from, sources, parts.data);
            compute = Self::deposit(from, PoolId::Compute(*run), parts.compute);
            backers = Self::deposit(from, PoolId::Backers(*run), parts.backers);
        }
        let parents = match model.parent {
            Some(parent) if parts.parents > 0 => {
                Self::transfer(from, &Self::account_id(), parts.parents)?;
                Accrued::<T>::mutate(parent, |accrued| *accrued = accrued.saturating_add(parts.parents));
                parts.parents
            }
            _ => 0,
        };
        // Whatever nobody took.
        let taken = [data, compute, backers, parents];
        let treasury = taken.into_iter().fold(amount, Balance::saturating_sub);
        Self::transfer(from, &<T as Config>::Treasury::get(), treasury)?;
        model.revenue = model.revenue.saturating_add(amount);
        Models::<T>::insert(id, model);
        Self::deposit_event(Event::Split { model: id, data, compute, backers, parents, treasury });
        Ok(())
    }

    /// Divides among datasets, by the bytes of each. Returns what they took.
    fn pay_sources(from: &T::AccountId, sources: &[Source], amount: Balance) -> Balance {
        let known = || sources.iter().filter_map(|source| source.dataset);
        let all = known().fold(0u128, |sum, (_, bytes)| sum.saturating_add(bytes.into()));
        let (mut before, mut taken) = (0u128, 0 as Balance);
        for (dataset, bytes) in known() {
            let part = part(amount, before, bytes.into(), all);
            before = before.saturating_add(bytes.into());
            taken = taken.saturating_add(Self::deposit(from, PoolId::Dataset(dataset), part));
        }
        taken
    }

    /// Pays into a pool. Returns what it took: all, or nothing if it is not there or takes none.
    fn deposit(from: &T::AccountId, pool: PoolId, amount: Balance) -> Balance {
        let paid = amount > 0 && with_storage_layer(|| T::Pools::deposit(pool, from, amount)).is_ok();
        if paid { amount } else { 0 }
    }

    fn transfer(from: &T::AccountId, to: &T::AccountId, amount: Balance) -> Result<(), DispatchError> {
        if amount == 0 || from == to {
            return Ok(());
        }
        T::Currency::transfer(from, to, amount, Preserve).map(drop)
    }
}
