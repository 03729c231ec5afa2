//! Workers: registration, stake, readiness, leaving.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::MutateHold, tokens::Precision::Exact},
};
use sabha_protocol::{ActiveBlock, Balance, draw::tickets::may_withdraw, reputation::Reputation};
use sp_arithmetic::traits::SaturatedConversion;

use crate::{
    Config, Device, EndpointOf, Error, Event, HoldReason, HotKeys, Pallet, Records, Worker, WorkerOf,
    WorkerStatus, Workers,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_register(
        owner: T::AccountId,
        hot_key: T::AccountId,
        payout: T::AccountId,
        device: Device,
        capacity: u16,
        endpoint: EndpointOf<T>,
        stake: Balance,
    ) -> DispatchResult {
        ensure!(!Workers::<T>::contains_key(&owner), Error::<T>::AlreadyRegistered);
        ensure!(!HotKeys::<T>::contains_key(&owner), Error::<T>::OwnerIsHotKey);
        Self::ensure_hot_key_is_free(&owner, &hot_key)?;
        Self::ensure_endpoint(&endpoint)?;
        ensure!(capacity > 0, Error::<T>::NoCapacity);
        ensure!(stake >= T::MinStake::get(), Error::<T>::StakeTooLow);
        T::Currency::hold(&HoldReason::WorkerStake.into(), &owner, stake)?;

        HotKeys::<T>::insert(&hot_key, &owner);
        let worker = Worker {
            stake,
            reserved: 0,
            attesting: 0,
            capacity,
            training: 0,
            hot_key: hot_key.clone(),
            payout: payout.clone(),
            device,
            endpoint,
            status: WorkerStatus::Idle,
            tickets: 0,
            left: None,
            reputation: Records::<T>::take(&owner).unwrap_or(Reputation::NEW),
            jailed_until: 0,
            owed: 0,
            done: 0,
            missed: 0,
        };
        Workers::<T>::insert(&owner, worker);
        Self::deposit_event(Event::WorkerRegistered { owner, hot_key, payout, device, stake });
        Ok(())
    }

    pub(crate) fn do_update_worker(
        owner: T::AccountId,
        hot_key: Option<T::AccountId>,
        payout: Option<T::AccountId>,
        device: Option<Device>,
        capacity: Option<u16>,
        endpoint: Option<EndpointOf<T>>,
    ) -> DispatchResult {
        let mut worker = Workers::<T>::get(&owner).ok_or(Error::<T>::NoSuchWorker)?;
        ensure!(
            hot_key.is_some()
                || payout.is_some()
                || device.is_some()
                || capacity.is_some()
                || endpoint.is_some(),
            Error::<T>::NothingToChange
        );
        if let Some(hot_key) = hot_key {
            Self::ensure_hot_key_is_free(&owner, &hot_key)?;
            HotKeys::<T>::remove(&worker.hot_key);
            HotKeys::<T>::insert(&hot_key, &owner);
            worker.hot_key = hot_key;
        }
        if let Some(payout) = payout {
            worker.payout = payout;
        }
        if let Some(device) = device {
            worker.device = device;
        }
        if let Some(capacity) = capacity {
            ensure!(capacity > 0, Error::<T>::NoCapacity);
            let before = Self::places(&worker);
            worker.capacity = capacity;
            Self::note_places(before, &worker);
        }
        if let Some(endpoint) = endpoint {
            Self::ensure_endpoint(&endpoint)?;
            worker.endpoint = endpoint;
        }
        Workers::<T>::insert(&owner, worker);
        Self::deposit_event(Event::WorkerUpdated { owner });
        Ok(())
    }

    pub(crate) fn do_add_stake(owner: T::AccountId, amount: Balance) -> DispatchResult {
        let mut worker = Workers::<T>::get(&owner).ok_or(Error::<T>::NoSuchWorker)?;
        ensure!(!matches!(worker.status, WorkerStatus::Unbonding { .. }), Error::<T>::Unbonding);
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        T::Currency::hold(&HoldReason::WorkerStake.into(), &owner, amount)?;
        worker.stake = worker.stake.saturating_add(amount);
        let stake = worker.stake;
        if worker.status == WorkerStatus::Ready {
            // Slashed below the least stake, it keeps one, which counts for nothing: only `drain` and `unbond` end being ready.
            let (before, count) = (Self::places(&worker), Self::tickets_of(stake).max(1));
            Self::set_tickets(&owner, &mut worker, count);
            Self::note_places(before, &worker);
        }
        Workers::<T>::insert(&owner, worker);
        Self::deposit_event(Event::StakeAdded { owner, amount, stake });
        Ok(())
    }

    pub(crate) fn do_ready(who: T::AccountId) -> DispatchResult {
        let (owner, mut worker) = Self::worker_for(who)?;
        match worker.status {
            WorkerStatus::Idle => {}
            WorkerStatus::Ready => return Err(Error::<T>::AlreadyReady.into()),
            WorkerStatus::Unbonding { .. } => return Err(Error::<T>::Unbonding.into()),
        }
        // It may have been slashed since the worker registered.
        ensure!(worker.stake >= T::MinStake::get(), Error::<T>::StakeTooLow);
        worker.status = WorkerStatus::Ready;
        let count = Self::tickets_of(worker.stake);
        Self::set_tickets(&owner, &mut worker, count);
        Self::note_places(0, &worker);
        let tickets = worker.tickets;
        Workers::<T>::insert(&owner, worker);
        Self::deposit_event(Event::WorkerReady { owner, tickets });
        Ok(())
    }

    pub(crate) fn do_drain(who: T::AccountId) -> DispatchResult {
        let (owner, mut worker) = Self::worker_for(who)?;
        ensure!(worker.status == WorkerStatus::Ready, Error::<T>::NotReady);
        let before = Self::places(&worker);
        worker.status = WorkerStatus::Idle;
        Self::set_tickets(&owner, &mut worker, 0);
        Self::note_places(before, &worker);
        Workers::<T>::insert(&owner, worker);
        Self::deposit_event(Event::WorkerDrained { owner });
        Ok(())
    }

    pub(crate) fn do_unbond(owner: T::AccountId) -> DispatchResult {
        let mut worker = Workers::<T>::get(&owner).ok_or(Error::<T>::NoSuchWorker)?;
        ensure!(!matches!(worker.status, WorkerStatus::Unbonding { .. }), Error::<T>::Unbonding);
        ensure!(!worker.is_bound(), Error::<T>::StakeInUse);
        let before = Self::places(&worker);
        Self::set_tickets(&owner, &mut worker, 0);
        let since = T::ActiveBlocks::get();
        worker.status = WorkerStatus::Unbonding { since };
        Self::note_places(before, &worker);
        Workers::<T>::insert(&owner, worker);
        let until = since.saturating_add(Self::unbonding());
        Self::deposit_event(Event::UnbondingStarted { owner, until });
        Ok(())
    }

    pub(crate) fn do_withdraw(owner: T::AccountId) -> DispatchResult {
        let worker = Workers::<T>::take(&owner).ok_or(Error::<T>::NoSuchWorker)?;
        let until = Self::unbonded_at(&worker).ok_or(Error::<T>::NotUnbonding)?;
        let now = T::ActiveBlocks::get();
        ensure!(now >= until, Error::<T>::UnbondingNotOver);
        ensure!(now >= worker.jailed_until, Error::<T>::Jailed);
        ensure!(!worker.is_bound(), Error::<T>::StakeInUse);
        // Nor may a set that is still kept have it.
        let gone = worker.left.is_none_or(|left| may_withdraw(left, T::Session::get()));
        ensure!(gone, Error::<T>::StillDrawn);
        HotKeys::<T>::remove(&worker.hot_key);
        // Who registers again is no better than before.
        if worker.reputation.score() < Reputation::NEW.score() {
            Records::<T>::insert(&owner, worker.reputation);
        }
        if worker.stake > 0 {
            T::Currency::release(&HoldReason::WorkerStake.into(), &owner, worker.stake, Exact)?;
        }
        if worker.owed > 0 {
            let to = Self::pay_out(&owner, &worker.payout, worker.owed)?;
            Self::deposit_event(Event::WorkerPaid { worker: owner.clone(), to, amount: worker.owed });
        }
        Self::deposit_event(Event::Withdrawn { owner, stake: worker.stake });
        Ok(())
    }

    /// The owner of the worker that `who` speaks for, as its owner or as its hot key, and the worker.
    pub(crate) fn worker_for(who: T::AccountId) -> Result<(T::AccountId, WorkerOf<T>), Error<T>> {
        if let Some(worker) = Workers::<T>::get(&who) {
            return Ok((who, worker));
        }
        let owner = HotKeys::<T>::get(&who).ok_or(Error::<T>::NoSuchWorker)?;
        let worker = Workers::<T>::get(&owner).ok_or(Error::<T>::NoSuchWorker)?;
        Ok((owner, worker))
    }

    /// The active block from which `worker` can withdraw; `None` if it is not unbonding.
    pub(crate) fn unbonded_at(worker: &WorkerOf<T>) -> Option<ActiveBlock> {
        match worker.status {
            WorkerStatus::Unbonding { since } => Some(since.saturating_add(Self::unbonding())),
            _ => None,
        }
    }

    /// The unbonding time, in active blocks.
    fn unbonding() -> u32 {
        T::Unbonding::get().saturated_into()
    }

    /// Whether `hot_key` may speak for the worker of `owner`: no other worker's owner or hot key may.
    fn ensure_hot_key_is_free(owner: &T::AccountId, hot_key: &T::AccountId) -> DispatchResult {
        let owns_another = hot_key != owner && Workers::<T>::contains_key(hot_key);
        let speaks_for_another = HotKeys::<T>::get(hot_key).is_some_and(|other| other != *owner);
        ensure!(!owns_another && !speaks_for_another, Error::<T>::HotKeyTaken);
        Ok(())
    }

    fn ensure_endpoint(endpoint: &EndpointOf<T>) -> DispatchResult {
        ensure!(endpoint.iter().all(u8::is_ascii_graphic), Error::<T>::BadEndpoint);
        Ok(())
    }
}
