//! What must always hold.

use alloc::collections::BTreeMap;

use frame_support::{
    ensure,
    traits::{
        Get,
        fungible::{Inspect, hold::Inspect as InspectHold},
    },
};
use sabha_protocol::{Balance, RunId, SlotState};
use sp_runtime::TryRuntimeError;

use crate::{
    Config, HoldReason, HotKeys, NextRunId, OpenRuns, Pallet, ReadyCount, ReadyIndex, ReadySet, RunOf,
    RunStatus, Runs, SlotPosition, Slots, Specs, WorkerOf, WorkerStatus, Workers, runs::position,
};

impl<T: Config> Pallet<T> {
    /// Check what must always hold:
    /// - what is on hold in an owner's account is its worker's stake;
    /// - hot keys and workers correspond one to one, and no hot key owns another worker;
    /// - the ready set has no gaps, and holds exactly the ready workers;
    /// - a working or draining worker has an assigned slot, any other none; and every assigned slot its worker;
    /// - a worker has as many outstanding slots as it has committed ones;
    /// - an unbonding worker has neither;
    /// - a run that is not over has its specification, a run that is over neither that nor slots;
    /// - the slots of a run are the committed ones from the first that is not final to the open round, and that one's;
    /// - no more runs are open, nor rounds unfinalised, than allowed;
    /// - a run's escrow pays for every slot that may still become final, and it has paid for those that are;
    /// - the pot holds every escrow, what workers are owed, and the existential deposit.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::try_state_ready_set()?;
        let owed = Self::try_state_workers()?;
        Self::try_state_slots()?;
        let escrows = Self::try_state_runs()?;
        let claims = owed.saturating_add(escrows).saturating_add(T::Currency::minimum_balance());
        ensure!(T::Currency::balance(&Self::account_id()) >= claims, "the pot does not cover what is owed");
        Ok(())
    }

    fn try_state_ready_set() -> Result<(), TryRuntimeError> {
        let count = ReadyCount::<T>::get();
        let mut members = 0u32;
        for (index, owner) in ReadySet::<T>::iter() {
            ensure!(index < count, "the ready set is longer than its count");
            ensure!(ReadyIndex::<T>::get(&owner) == Some(index), "a ready worker's index is another");
            members = members.saturating_add(1);
        }
        ensure!(members == count, "the ready set has a gap");
        for (owner, index) in ReadyIndex::<T>::iter() {
            ensure!(ReadySet::<T>::get(index) == Some(owner.clone()), "an index of the ready set is stale");
            let status = Workers::<T>::get(&owner).map(|worker| worker.status);
            ensure!(status == Some(WorkerStatus::Ready), "a worker in the ready set is not ready");
        }
        Ok(())
    }

    /// Returns what all workers are owed.
    fn try_state_workers() -> Result<Balance, TryRuntimeError> {
        let mut committed = BTreeMap::<T::AccountId, u32>::new();
        for (_, _, slot) in Slots::<T>::iter() {
            if matches!(slot.state, SlotState::Committed { .. }) {
                let outstanding = committed.entry(slot.worker).or_default();
                *outstanding = outstanding.saturating_add(1);
            }
        }
        let mut owed: Balance = 0;
        for (owner, worker) in Workers::<T>::iter() {
            let held = T::Currency::balance_on_hold(&HoldReason::WorkerStake.into(), &owner);
            ensure!(held == worker.stake, "what is on hold is not the stake");
            ensure!(
                HotKeys::<T>::get(&worker.hot_key) == Some(owner.clone()),
                "a worker's hot key does not lead to it"
            );
            let outstanding = committed.remove(&owner).unwrap_or(0);
            ensure!(worker.outstanding == outstanding, "a worker's outstanding slots are miscounted");
            Self::try_state_worker(&owner, &worker)?;
            owed = owed.saturating_add(worker.owed);
        }
        ensure!(committed.is_empty(), "a committed slot has no worker");
        for (hot_key, owner) in HotKeys::<T>::iter() {
            let speaks = Workers::<T>::get(&owner).map(|worker| worker.hot_key);
            ensure!(speaks == Some(hot_key.clone()), "a hot key speaks for no worker");
            ensure!(
                hot_key == owner || !Workers::<T>::contains_key(&hot_key),
                "a hot key owns another worker"
            );
        }
        Ok(owed)
    }

    fn try_state_worker(owner: &T::AccountId, worker: &WorkerOf<T>) -> Result<(), TryRuntimeError> {
        ensure!(worker.stake > 0, "a worker has no stake");
        match worker.status {
            WorkerStatus::Working | WorkerStatus::Draining => {
                let slot = worker.assigned.and_then(|id| Slots::<T>::get(id.run, SlotPosition::from(id)));
                ensure!(
                    slot.is_some_and(
                        |slot| slot.worker == *owner && matches!(slot.state, SlotState::Assigned { .. })
                    ),
                    "a working worker has no slot"
                );
            }
            WorkerStatus::Ready => {
                ensure!(ReadyIndex::<T>::contains_key(owner), "a ready worker is not in the ready set");
                ensure!(worker.assigned.is_none(), "a ready worker has a slot");
            }
            WorkerStatus::Idle => ensure!(worker.assigned.is_none(), "an idle worker has a slot"),
            WorkerStatus::Unbonding { since } => {
                ensure!(worker.assigned.is_none(), "an unbonding worker has a slot");
                ensure!(worker.outstanding == 0, "an unbonding stake answers for a slot");
                ensure!(since <= T::ActiveBlocks::get(), "a worker unbonds from the future");
            }
        }
        Ok(())
    }

    fn try_state_slots() -> Result<(), TryRuntimeError> {
        for (id, position, slot) in Slots::<T>::iter() {
            let run = Runs::<T>::get(id).ok_or("a slot has no run")?;
            ensure!(!run.status.is_over(), "a slot of a run that is over remains");
            if matches!(slot.state, SlotState::Assigned { .. }) {
                ensure!(run.status.is_open(), "a slot of a stopped run is assigned");
                ensure!(position.round == run.next_round, "an assigned slot is not of the open round");
                ensure!(slot.generation == run.generation, "an assigned slot is not of its run's generation");
                let assigned = Workers::<T>::get(&slot.worker).and_then(|worker| worker.assigned);
                ensure!(assigned == Some(position.of_run(id)), "an assigned slot's worker does not know it");
            }
        }
        Ok(())
    }

    /// Returns the sum of all escrows.
    fn try_state_runs() -> Result<Balance, TryRuntimeError> {
        let (mut open, mut escrows) = (0u32, 0);
        for (id, run) in Runs::<T>::iter() {
            ensure!(id < NextRunId::<T>::get(), "a run is from the future");
            ensure!(
                run.finalised <= run.next_round && run.next_round <= run.rounds,
                "a run is ahead of itself"
            );
            if run.status.is_over() {
                ensure!(!Specs::<T>::contains_key(id), "the specification of a run that is over remains");
                let all = run.finalised == run.rounds;
                ensure!(
                    all == (run.status == RunStatus::Completed),
                    "a run ended otherwise than its status says"
                );
            } else {
                Self::try_state_open_run(id, &run)?;
                open = open.saturating_add(1);
            }
            escrows = run.escrow.saturating_add(escrows);
        }
        ensure!(Specs::<T>::iter_keys().all(Runs::<T>::contains_key), "a specification has no run");
        ensure!(OpenRuns::<T>::get() == open, "open runs are miscounted");
        ensure!(open <= T::MaxRuns::get(), "too many runs are open");
        Ok(escrows)
    }

    fn try_state_open_run(id: RunId, run: &RunOf<T>) -> Result<(), TryRuntimeError> {
        let spec = Specs::<T>::get(id).ok_or("an open run has no specification")?;
        ensure!(spec.hash() == run.spec_hash, "a run's specification is another");
        ensure!(spec.rounds.count == run.rounds, "a run's rounds are not its specification's");
        ensure!(run.finalised < run.rounds, "a run whose rounds are all final is open");
        ensure!(run.unfinalised() <= T::MaxUnfinalised::get(), "too many rounds are not final");
        for round in run.finalised..run.next_round {
            let slot = Slots::<T>::get(id, position(round)).ok_or("a committed round has no slot")?;
            ensure!(matches!(slot.state, SlotState::Committed { .. }), "an earlier round is not committed");
        }
        let assigned = u32::from(Slots::<T>::contains_key(id, position(run.next_round)));
        let slots = u32::try_from(Slots::<T>::iter_prefix(id).count()).unwrap_or(u32::MAX);
        ensure!(slots == run.unfinalised().saturating_add(assigned), "a run has slots out of place");

        let price = |rounds: u32| spec.price_per_slot.saturating_mul(rounds.into());
        let to_come = if run.status == RunStatus::Stopping { run.next_round } else { run.rounds };
        ensure!(
            run.escrow >= price(to_come.saturating_sub(run.finalised)),
            "a run's escrow does not pay for its slots"
        );
        ensure!(run.paid == price(run.finalised), "a run has not paid its slots' price");
        Ok(())
    }
}
