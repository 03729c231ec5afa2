//! The pot: one account that holds the budgets of all runs and what is kept of slashes, and what moves in and out of it.

use frame_support::traits::{
    Get, Imbalance,
    fungible::{Balanced, BalancedHold, Mutate},
    tokens::Preservation::Preserve,
};
use sabha_protocol::{
    Balance, RunId,
    money::{Party, Transfer},
};
use sp_runtime::{DispatchError, DispatchResult, traits::AccountIdConversion};

use crate::{Config, CreditOf, Error, Event, HoldReason, Pallet, RunOf, WorkerOf, Workers};

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

    /// Make a transfer that the protocol decided on. The escrow's book entry is the caller's.
    ///
    /// # Errors
    /// If a stake or the pot does not hold it: a defect.
    pub(crate) fn transfer(
        id: RunId,
        run: &mut RunOf<T>,
        Transfer { from, to, amount }: &Transfer<T::AccountId>,
    ) -> DispatchResult {
        let amount = *amount;
        match from {
            Party::Stake(owner) => {
                let credit = Self::slash(owner, amount)?;
                if *to == Party::Burnt {
                    Self::deposit_event(Event::StakeSlashed {
                        run: id,
                        worker: owner.clone(),
                        amount,
                        burnt: true,
                    });
                    // Dropped: the issuance is less by it.
                    drop(credit);
                    return Ok(());
                }
                Self::deposit_event(Event::StakeSlashed {
                    run: id,
                    worker: owner.clone(),
                    amount,
                    burnt: false,
                });
                T::Currency::resolve(&Self::account_id(), credit).map_err(|_| Error::<T>::Books)?;
            }
            Party::Kept => run.kept = run.kept.checked_sub(amount).ok_or(Error::<T>::Books)?,
            Party::Escrow => run.paid = run.paid.saturating_add(amount),
            // Nothing comes from these.
            Party::Worker(_) | Party::Challenger(_) | Party::Burnt => return Err(Error::<T>::Books.into()),
        }
        match to {
            Party::Worker(owner) | Party::Challenger(owner) => Self::pay(id, run, owner, amount),
            Party::Kept => run.kept = run.kept.saturating_add(amount),
            Party::Escrow => run.regained = run.regained.saturating_add(amount),
            // Only stakes are burnt, and those were above.
            Party::Burnt | Party::Stake(_) => return Err(Error::<T>::Books.into()),
        }
        Ok(())
    }

    /// Take `amount` of a worker's stake.
    fn slash(owner: &T::AccountId, amount: Balance) -> Result<CreditOf<T>, DispatchError> {
        let mut worker = Workers::<T>::get(owner).ok_or(Error::<T>::NoSuchWorker)?;
        let (credit, missing) = T::Currency::slash(&HoldReason::WorkerStake.into(), owner, amount);
        if missing > 0 || credit.peek() != amount {
            return Err(Error::<T>::Books.into());
        }
        worker.stake = worker.stake.checked_sub(amount).ok_or(Error::<T>::Books)?;
        Workers::<T>::insert(owner, worker);
        Ok(credit)
    }

    /// Pay `amount`, which the pot holds for nobody else, to a worker or a challenger. A worker that cannot take it is owed it;
    /// what anybody else cannot take goes to the run's escrow.
    fn pay(id: RunId, run: &mut RunOf<T>, owner: &T::AccountId, amount: Balance) {
        match Workers::<T>::get(owner) {
            Some(mut worker) => {
                Self::pay_worker(owner, &mut worker, amount);
                Workers::<T>::insert(owner, worker);
            }
            None => match Self::pay_out(owner, owner, amount) {
                Ok(to) => Self::deposit_event(Event::WorkerPaid { worker: owner.clone(), to, amount }),
                Err(_) => {
                    run.progress.escrow = run.progress.escrow.saturating_add(amount);
                    run.regained = run.regained.saturating_add(amount);
                    Self::deposit_event(Event::PaymentRefused { run: id, account: owner.clone(), amount });
                }
            },
        }
    }

    /// Pay `price` to a worker, with what it was owed before.
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
        let (owner, amount) = (run.owner.clone(), run.progress.escrow);
        if amount == 0 {
            return;
        }
        let event = match T::Currency::transfer(&Self::account_id(), &owner, amount, Preserve) {
            Ok(_) => {
                run.progress.escrow = 0;
                run.refunded = run.refunded.saturating_add(amount);
                Event::BudgetRefunded { run: id, owner, amount }
            }
            Err(_) => Event::RefundWaits { run: id, owner, amount },
        };
        Self::deposit_event(event);
    }
}
