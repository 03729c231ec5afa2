//! What must always hold.

use frame_support::{
    ensure,
    traits::{Get, fungible::Inspect},
};
use pallet_sabha_allocation::Proposals;
use sabha_protocol::Balance;
use sp_runtime::TryRuntimeError;

use crate::{Accrued, Config, Metrics, ModelOfRun, Models, NextModelId, Origin, Pallet, Status};

impl<T: Config> Pallet<T> {
    /// Check what must always hold:
    /// - the pot has what has accrued to all models, and the existential deposit;
    /// - runs and models that they became correspond one to one, and none of these runs waits to be registered;
    /// - a parent is older than its forks, and of the same shape; a model under a licence that its parent's allows;
    /// - a model's table is sound; a successor is another model;
    /// - nothing has accrued to, or was measured of, what is no model.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let next = NextModelId::<T>::get();
        let mut trained = 0usize;
        for (id, model) in Models::<T>::iter() {
            ensure!(id < next, "a model is from the future");
            ensure!(model.table.is_sound(), "a model gives more away than it gets");
            if let Some(parent) = model.parent {
                ensure!(parent < id, "a model is older than its parent");
                let parent = Models::<T>::get(parent).ok_or("a model's parent is not there")?;
                ensure!(parent.shape == model.shape, "a model has another shape than its parent");
                ensure!(model.licence.may_follow(parent.licence), "a model's licence is not its parent's");
            }
            if let Status::Deprecated { successor: Some(successor) } = model.status {
                ensure!(successor != id && Models::<T>::contains_key(successor), "a successor is not there");
            }
            if let Origin::Trained { run, .. } = model.origin {
                trained = trained.saturating_add(1);
                ensure!(ModelOfRun::<T>::get(run) == Some(id), "a run leads to another model");
                let waits = Proposals::<T>::get(run).is_some_and(|proposal| proposal.completed);
                ensure!(!waits, "a registered run waits to be registered");
            }
        }
        ensure!(ModelOfRun::<T>::iter().count() == trained, "a run leads to no model");
        let known = |id| Models::<T>::contains_key(id);
        ensure!(Metrics::<T>::iter_keys().all(known), "what was measured is no model");
        let mut accrued: Balance = T::Currency::minimum_balance();
        for (id, amount) in Accrued::<T>::iter() {
            ensure!(known(id), "something has accrued to no model");
            accrued = accrued.saturating_add(amount);
        }
        let pot = T::Currency::balance(&Self::account_id());
        ensure!(pot >= accrued, "the pot does not have what has accrued");
        ensure!(<T as Config>::Table::get().is_sound(), "the table gives more away than there is");
        Ok(())
    }
}
