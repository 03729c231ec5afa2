//! Datasets: registration, budgets, licences.

use frame_support::{
    ensure,
    traits::{Consideration, Footprint, fungible::Mutate, tokens::Preservation::Preserve},
};
use sabha_protocol::{
    Balance, Digest,
    datasets::{DatasetId, MAX_PANEL, MIN_PANEL, Modality, Sources, Unit, words},
    pool::{PoolId, RewardPools, ledger::Pool},
};
use sp_runtime::{DispatchError, DispatchResult};

use crate::{
    AcceptedRoots, Config, Dataset, DatasetDeposits, DatasetOf, Datasets, Error, Event, Language, Licence,
    Licences, NextDataset, Pallet, Title,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_register_dataset(
        owner: T::AccountId,
        title: Title,
        modality: Modality,
        language: Language,
        licence: Licence,
        unit: Unit,
        unit_bytes: u32,
        rate: Balance,
        panel: u16,
    ) -> DispatchResult {
        ensure!(words::is_title(&title), Error::<T>::BadTitle);
        ensure!(words::is_language(&language), Error::<T>::BadLanguage);
        ensure!(words::is_licence(&licence), Error::<T>::BadLicence);
        Self::ensure_allowed(&licence)?;
        ensure!(rate > 0 && unit_bytes > 0, Error::<T>::BadRate);
        ensure!((MIN_PANEL..=MAX_PANEL).contains(&panel), Error::<T>::BadPanel);
        let id = NextDataset::<T>::get();
        let next = id.checked_add(1).ok_or(Error::<T>::Books)?;
        // Of the record and its pool.
        let footprint = Footprint::from_mel::<(DatasetId, DatasetOf<T>, PoolId, Pool)>();
        let ticket = T::Consideration::new(&owner, footprint)?;
        T::Pools::create(PoolId::Dataset(id))?;
        let dataset = Dataset {
            owner: owner.clone(),
            title,
            modality,
            language,
            licence,
            unit,
            unit_bytes,
            rate,
            panel,
            budget: 0,
            reserved: 0,
            claims: 0,
            units: 0,
            paid: 0,
            open: true,
        };
        Datasets::<T>::insert(id, dataset);
        DatasetDeposits::<T>::insert(id, ticket);
        NextDataset::<T>::put(next);
        Self::deposit_event(Event::DatasetRegistered { dataset: id, owner });
        Ok(())
    }

    pub(crate) fn do_close_dataset(id: DatasetId, by: Option<T::AccountId>) -> DispatchResult {
        let mut dataset = Self::open_dataset(id)?;
        ensure!(by.is_none_or(|by| by == dataset.owner), Error::<T>::NotYours);
        dataset.open = false;
        Self::deposit_event(Event::DatasetClosed { dataset: id });
        Self::keep_dataset(id, dataset)
    }

    /// Writes a dataset back, or ends it if it is closed and no claim of it is open.
    pub(crate) fn keep_dataset(id: DatasetId, mut dataset: DatasetOf<T>) -> DispatchResult {
        if dataset.open || dataset.claims > 0 {
            Datasets::<T>::insert(id, dataset);
            return Ok(());
        }
        let returned = core::mem::take(&mut dataset.budget);
        Self::let_go(returned)?;
        if let Some(ticket) = DatasetDeposits::<T>::take(id) {
            ticket.drop(&dataset.owner)?;
        }
        // Whatever was accepted had a part of its fee back.
        let removed = dataset.paid == 0;
        if removed {
            Datasets::<T>::remove(id);
            T::Pools::close(PoolId::Dataset(id))?;
        } else {
            Datasets::<T>::insert(id, dataset);
        }
        Self::deposit_event(Event::DatasetFinished { dataset: id, returned, removed });
        Ok(())
    }

    pub(crate) fn do_donate(donor: T::AccountId, id: DatasetId, amount: Balance) -> DispatchResult {
        let dataset = Self::open_dataset(id)?;
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        T::Currency::transfer(&donor, &Self::account_id(), amount, Preserve)?;
        Self::raise(id, dataset, Some(donor), amount)
    }

    pub(crate) fn do_allot(id: DatasetId, amount: Balance) -> DispatchResult {
        let dataset = Self::open_dataset(id)?;
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        ensure!(amount <= Self::unallotted_now(), Error::<T>::NotEnoughUnallotted);
        Self::raise(id, dataset, None, amount)
    }

    fn raise(
        id: DatasetId,
        mut dataset: DatasetOf<T>,
        donor: Option<T::AccountId>,
        amount: Balance,
    ) -> DispatchResult {
        dataset.budget = dataset.budget.checked_add(amount).ok_or(Error::<T>::Books)?;
        Self::take_in(amount)?;
        Datasets::<T>::insert(id, dataset);
        Self::deposit_event(Event::BudgetRaised { dataset: id, donor, amount });
        Ok(())
    }

    pub(crate) fn do_set_licence(licence: Licence, allowed: bool) -> DispatchResult {
        ensure!(words::is_licence(&licence), Error::<T>::BadLicence);
        let mut list = Licences::<T>::get();
        match (list.binary_search(&licence), allowed) {
            (Err(place), true) => {
                list.try_insert(place, licence.clone()).map_err(|_| Error::<T>::TooManyLicences)?;
            }
            (Ok(place), false) => drop(list.remove(place)),
            _ => return Err(Error::<T>::LicenceUnchanged.into()),
        }
        Licences::<T>::put(list);
        Self::deposit_event(Event::LicenceSet { licence, allowed });
        Ok(())
    }

    pub(crate) fn ensure_allowed(licence: &Licence) -> DispatchResult {
        let listed = Licences::<T>::get().binary_search(licence).is_ok();
        ensure!(listed, Error::<T>::LicenceNotAllowed);
        Ok(())
    }

    /// A dataset that takes claims.
    pub(crate) fn open_dataset(id: DatasetId) -> Result<DatasetOf<T>, DispatchError> {
        let dataset = Datasets::<T>::get(id).ok_or(Error::<T>::NoSuchDataset)?;
        ensure!(dataset.open, Error::<T>::DatasetClosed);
        Ok(dataset)
    }
}

impl<T: Config> Sources for Pallet<T> {
    fn dataset_of(manifest: &Digest) -> Option<(DatasetId, u64)> {
        AcceptedRoots::<T>::get(manifest).map(|accepted| (accepted.dataset, accepted.bytes))
    }
}
