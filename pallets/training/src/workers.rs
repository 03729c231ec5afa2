//! Workers: registration, stake, and the ready set that slots are drawn from.

use codec::Encode;
use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, Randomness, fungible::MutateHold, tokens::Precision::Exact},
};
use sabha_protocol::{Balance, Generation, SlotId, slot::ActiveBlock};
use sp_arithmetic::traits::SaturatedConversion;

use crate::{
    Config, Device, EndpointOf, Error, Event, HoldReason, HotKeys, Pallet, ReadyCount, ReadyIndex, ReadySet,
    Worker, WorkerOf, WorkerStatus, Workers,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_register(
        owner: T::AccountId,
        hot_key: T::AccountId,
        payout: T::AccountId,
        device: Device,
        endpoint: EndpointOf<T>,
        stake: Balance,
    ) -> DispatchResult {
        ensure!(!Workers::<T>::contains_key(&owner), Error::<T>::AlreadyRegistered);
        ensure!(!HotKeys::<T>::contains_key(&owner), Error::<T>::OwnerIsHotKey);
        Self::ensure_hot_key_is_free(&owner, &hot_key)?;
        Self::ensure_endpoint(&endpoint)?;
        ensure!(stake >= T::MinStake::get(), Error::<T>::StakeTooLow);
        T::Currency::hold(&HoldReason::WorkerStake.into(), &owner, stake)?;

        HotKeys::<T>::insert(&hot_key, &owner);
        let worker = Worker {
            stake,
            hot_key: hot_key.clone(),
            payout: payout.clone(),
            device,
            endpoint,
            status: WorkerStatus::Idle,
            assigned: None,
            outstanding: 0,
            owed: 0,
            completed: 0,
            failed: 0,
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
        endpoint: Option<EndpointOf<T>>,
    ) -> DispatchResult {
        let mut worker = Workers::<T>::get(&owner).ok_or(Error::<T>::NoSuchWorker)?;
        ensure!(
            hot_key.is_some() || payout.is_some() || device.is_some() || endpoint.is_some(),
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
        Workers::<T>::insert(&owner, worker);
        Self::deposit_event(Event::StakeAdded { owner, amount, stake });
        Ok(())
    }

    pub(crate) fn do_ready(who: T::AccountId) -> DispatchResult {
        let (owner, mut worker) = Self::resolve(who)?;
        match worker.status {
            WorkerStatus::Idle => {
                // The least stake may have been raised since the worker registered.
                ensure!(worker.stake >= T::MinStake::get(), Error::<T>::StakeTooLow);
                Self::join_ready_set(&owner);
                worker.status = WorkerStatus::Ready;
            }
            WorkerStatus::Draining => worker.status = WorkerStatus::Working,
            WorkerStatus::Ready | WorkerStatus::Working => return Err(Error::<T>::AlreadyReady.into()),
            WorkerStatus::Unbonding { .. } => return Err(Error::<T>::Unbonding.into()),
        }
        Workers::<T>::insert(&owner, worker);
        Self::deposit_event(Event::WorkerReady { owner });
        Ok(())
    }

    pub(crate) fn do_drain(who: T::AccountId) -> DispatchResult {
        let (owner, mut worker) = Self::resolve(who)?;
        match worker.status {
            WorkerStatus::Ready => {
                Self::leave_ready_set(&owner);
                worker.status = WorkerStatus::Idle;
            }
            WorkerStatus::Working => worker.status = WorkerStatus::Draining,
            WorkerStatus::Idle | WorkerStatus::Draining | WorkerStatus::Unbonding { .. } => {
                return Err(Error::<T>::NotReady.into());
            }
        }
        let assigned = worker.assigned;
        Workers::<T>::insert(&owner, worker);
        Self::deposit_event(Event::WorkerDrained { owner, assigned });
        Ok(())
    }

    pub(crate) fn do_unbond(owner: T::AccountId) -> DispatchResult {
        let mut worker = Workers::<T>::get(&owner).ok_or(Error::<T>::NoSuchWorker)?;
        match worker.status {
            WorkerStatus::Idle | WorkerStatus::Ready => {}
            WorkerStatus::Working | WorkerStatus::Draining => return Err(Error::<T>::SlotUnfinished.into()),
            WorkerStatus::Unbonding { .. } => return Err(Error::<T>::Unbonding.into()),
        }
        ensure!(worker.outstanding == 0, Error::<T>::StakeInUse);
        if worker.status == WorkerStatus::Ready {
            Self::leave_ready_set(&owner);
        }
        let since = T::ActiveBlocks::get();
        worker.status = WorkerStatus::Unbonding { since };
        Workers::<T>::insert(&owner, worker);
        let until = since.saturating_add(Self::unbonding());
        Self::deposit_event(Event::UnbondingStarted { owner, until });
        Ok(())
    }

    pub(crate) fn do_withdraw(owner: T::AccountId) -> DispatchResult {
        let worker = Workers::<T>::take(&owner).ok_or(Error::<T>::NoSuchWorker)?;
        let until = Self::unbonded_at(&worker).ok_or(Error::<T>::NotUnbonding)?;
        ensure!(T::ActiveBlocks::get() >= until, Error::<T>::UnbondingNotOver);
        HotKeys::<T>::remove(&worker.hot_key);
        T::Currency::release(&HoldReason::WorkerStake.into(), &owner, worker.stake, Exact)?;
        if worker.owed > 0 {
            let to = Self::pay_out(&owner, &worker.payout, worker.owed)?;
            Self::deposit_event(Event::WorkerPaid { worker: owner.clone(), to, amount: worker.owed });
        }
        Self::deposit_event(Event::Withdrawn { owner, stake: worker.stake });
        Ok(())
    }

    /// The owner of the worker that `who` speaks for, as its owner or as its hot key, and the worker.
    pub(crate) fn resolve(who: T::AccountId) -> Result<(T::AccountId, WorkerOf<T>), Error<T>> {
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

    /// Draw a ready worker for a slot, and give the slot to it. `None` if no worker is ready.
    pub(crate) fn draw_worker(id: SlotId, generation: Generation) -> Option<T::AccountId> {
        let count = ReadyCount::<T>::get();
        let (random, _) = T::Randomness::random(&(b"slot", id.run, id.round, id.slot, generation).encode());
        let mut word = [0u8; 8];
        for (to, from) in word.iter_mut().zip(random.as_ref()) {
            *to = *from;
        }
        // 64 random bits scaled to the count: below it, with a bias of at most count / 2^64.
        let scaled = u128::from(u64::from_le_bytes(word)).saturating_mul(count.into()) >> 64;
        let owner = ReadySet::<T>::get(scaled.saturated_into::<u32>())?;
        let mut worker = Workers::<T>::get(&owner)?;
        Self::leave_ready_set(&owner);
        worker.status = WorkerStatus::Working;
        worker.assigned = Some(id);
        Workers::<T>::insert(&owner, worker);
        Some(owner)
    }

    /// Take its slot from a worker that did its part, or could not: it is ready again unless it is draining.
    pub(crate) fn leave_slot(owner: &T::AccountId, worker: &mut WorkerOf<T>) {
        worker.assigned = None;
        worker.status = if worker.status == WorkerStatus::Working {
            Self::join_ready_set(owner);
            WorkerStatus::Ready
        } else {
            WorkerStatus::Idle
        };
    }

    fn join_ready_set(owner: &T::AccountId) {
        let index = ReadyCount::<T>::get();
        ReadySet::<T>::insert(index, owner);
        ReadyIndex::<T>::insert(owner, index);
        ReadyCount::<T>::put(index.saturating_add(1));
    }

    /// Remove `owner` from the ready set; the last one takes its place.
    fn leave_ready_set(owner: &T::AccountId) {
        let Some(index) = ReadyIndex::<T>::take(owner) else { return };
        let last = ReadyCount::<T>::get().saturating_sub(1);
        ReadyCount::<T>::put(last);
        let Some(moved) = ReadySet::<T>::take(last) else { return };
        if index != last {
            ReadySet::<T>::insert(index, &moved);
            ReadyIndex::<T>::insert(&moved, index);
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
