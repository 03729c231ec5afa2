//! The pot: one account that holds the budgets of all runs, and what leaves it.

use frame_support::traits::{Get, fungible::Mutate, tokens::Preservation::Preserve};
use sabha_protocol::{Balance, RunId};
use sp_runtime::{DispatchError, traits::AccountIdConversion};

use crate::{Config, Event, Pallet, RunOf, WorkerOf};

impl<T: Config> Pallet<T> {
    /// The pot's account. It must be endowed with the existential deposit at genesis.
    pub fn account_id() -> T::AccountId {
        T::PalletId::get().into_account_truncating()
    }

    /// Move `amount` from `from` into the pot. The paying account stays alive.
    pub(crate) fn pay_in(from: &T::AccountId, amount: Balance) -> Result<(), DispatchError> {
        T::Currency::transfer(from, &Self::account_id(), amount, Preserve).map(drop)
    }

    /// Move `amount` from the pot to `payout`, or to `owner` if `payout` cannot take it; returns who took it.
    ///
    /// # Errors
    /// Neither could; nothing has moved then.
    pub(crate) fn pay_out(
        owner: &T::AccountId,
        payout: &T::AccountId,
        amount: Balance,
    ) -> Result<T::AccountId, DispatchError> {
        let pot = Self::account_id();
        let pay = |to: &T::AccountId| T::Currency::transfer(&pot, to, amount, Preserve).map(|_| to.clone());
        pay(payout).or_else(|_| pay(owner))
    }

    /// Pay `price`, which has left a run's escrow, to a worker, with what it was owed before.
    pub(crate) fn pay_worker(owner: &T::AccountId, worker: &mut WorkerOf<T>, price: Balance) {
        let amount = worker.owed.saturating_add(price);
        let event = match Self::pay_out(owner, &worker.payout, amount) {
            Ok(to) => {
                worker.owed = 0;
                Event::WorkerPaid { worker: owner.clone(), to, amount }
            }
            Err(_) => {
                worker.owed = amount;
                Event::PaymentOwed { worker: owner.clone(), owed: amount }
            }
        };
        Self::deposit_event(event);
    }

    /// Return what is left of the budget of a run that is over. It stays in the run's escrow if the owner's account cannot take
    /// it.
    pub(crate) fn refund(id: RunId, run: &mut RunOf<T>) {
        let (owner, amount) = (run.owner.clone(), run.escrow);
        if amount == 0 {
            return;
        }
        let event = match T::Currency::transfer(&Self::account_id(), &owner, amount, Preserve) {
            Ok(_) => {
                run.escrow = 0;
                Event::BudgetRefunded { run: id, owner, amount }
            }
            Err(_) => Event::RefundWaits { run: id, owner, amount },
        };
        Self::deposit_event(event);
    }
}
