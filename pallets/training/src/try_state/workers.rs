//! What must always hold of workers and tickets.

use frame_support::{
    ensure,
    traits::{Get, fungible::hold::Inspect as InspectHold},
};
use sabha_protocol::Balance;
use sp_runtime::TryRuntimeError;

use crate::{
    Config, HoldReason, HotKeys, LeftTickets, Pallet, TicketHead, TicketPlaces, Tickets, WorkerOf,
    WorkerStatus, Workers, try_state::Obligations,
};

impl<T: Config> Pallet<T> {
    /// Returns what all workers are owed.
    pub(crate) fn try_state_workers(
        mut obligations: Obligations<T::AccountId>,
    ) -> Result<Balance, TryRuntimeError> {
        let mut owed: Balance = 0;
        for (owner, worker) in Workers::<T>::iter() {
            let held = T::Currency::balance_on_hold(&HoldReason::WorkerStake.into(), &owner);
            ensure!(held == worker.stake, "what is on hold is not the stake");
            ensure!(worker.reserved <= worker.stake, "a stake answers twice");
            let reserved = obligations.reserved.remove(&owner).unwrap_or(0);
            ensure!(worker.reserved == reserved, "what is reserved is not what is unsettled");
            let attesting = obligations.attesting.remove(&owner).unwrap_or(0);
            ensure!(worker.attesting == attesting, "a worker's attestations are miscounted");
            let training = obligations.training.remove(&owner).unwrap_or(0);
            ensure!(worker.training == training, "the slots that a worker trains are miscounted");
            ensure!(
                HotKeys::<T>::get(&worker.hot_key) == Some(owner.clone()),
                "a worker's hot key does not lead to it"
            );
            Self::try_state_worker(&owner, &worker)?;
            owed = owed.saturating_add(worker.owed);
        }
        ensure!(obligations.reserved.is_empty(), "a slot, seat or aggregation has no worker");
        ensure!(obligations.attesting.is_empty(), "an attestation has no worker");
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
        let ready = worker.status == WorkerStatus::Ready;
        ensure!(ready == (worker.tickets > 0), "exactly ready workers have tickets");
        for ordinal in 0..worker.tickets {
            ensure!(TicketPlaces::<T>::contains_key(owner, ordinal), "a worker's ticket has no place");
        }
        if let WorkerStatus::Unbonding { since } = worker.status {
            ensure!(since <= T::ActiveBlocks::get(), "a worker unbonds from the future");
        }
        Ok(())
    }

    pub(crate) fn try_state_tickets() -> Result<(), TryRuntimeError> {
        let head = TicketHead::<T>::get();
        let mut live = 0u32;
        for (owner, ordinal, index) in TicketPlaces::<T>::iter() {
            let worker = Workers::<T>::get(&owner).ok_or("a ticket has no worker")?;
            ensure!(ordinal < worker.tickets, "a worker has more tickets than it knows");
            let ticket = Tickets::<T>::get(index).ok_or("a place has no ticket")?;
            ensure!(
                ticket.worker == owner && ticket.ordinal == ordinal && ticket.until.is_none(),
                "a ticket is in another's place"
            );
            live = live.saturating_add(1);
        }
        let mut counted = 0u32;
        for (index, ticket) in Tickets::<T>::iter() {
            ensure!(index < head.len, "a ticket is beyond the array");
            if ticket.until.is_none() {
                counted = counted.saturating_add(1);
                ensure!(index < head.tail, "a live ticket is behind the tail");
            }
        }
        ensure!(head.live == live && counted == live, "live tickets are miscounted");
        let queued = head.back.wrapping_sub(head.front);
        ensure!(
            LeftTickets::<T>::iter_keys().all(|at| at.wrapping_sub(head.front) < queued),
            "a left ticket is outside the queue"
        );
        Ok(())
    }
}
