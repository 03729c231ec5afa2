//! Curators: stakes, tickets, leaving.

use core::marker::PhantomData;

use frame_support::{
    ensure,
    storage::with_storage_layer,
    traits::{Get, fungible::MutateHold},
};
use sabha_protocol::{
    Balance,
    defaults::TICKETS,
    draw::tickets::{self, Head, Ticket, TicketStore, may_withdraw},
    pool::{PoolId, RewardPools, Shares},
};
use sp_arithmetic::traits::SaturatedConversion;
use sp_runtime::{DispatchError, DispatchResult};

use crate::{
    Config, Curator, CuratorStatus, Curators, Error, Event, HoldReason, LeftTickets, Pallet, TicketHead,
    TicketPlaces, Tickets,
};

/// Steps by which joining and leaving shorten the array of tickets.
const COMPACTION: u32 = 2;

/// The tickets in storage.
pub(crate) struct StoredTickets<T>(PhantomData<T>);

impl<T: Config> TicketStore for StoredTickets<T> {
    type Account = T::AccountId;

    fn head(&self) -> Head {
        TicketHead::<T>::get()
    }

    fn set_head(&mut self, head: Head) {
        TicketHead::<T>::put(head);
    }

    fn ticket(&self, index: u32) -> Option<Ticket<T::AccountId>> {
        Tickets::<T>::get(index)
    }

    fn set_ticket(&mut self, index: u32, ticket: Option<Ticket<T::AccountId>>) {
        Tickets::<T>::set(index, ticket);
    }

    fn place(&self, worker: &T::AccountId, ordinal: u16) -> Option<u32> {
        TicketPlaces::<T>::get(worker, ordinal)
    }

    fn set_place(&mut self, worker: &T::AccountId, ordinal: u16, index: Option<u32>) {
        TicketPlaces::<T>::set(worker, ordinal, index);
    }

    fn left(&self, position: u32) -> Option<u32> {
        LeftTickets::<T>::get(position)
    }

    fn set_left(&mut self, position: u32, index: Option<u32>) {
        LeftTickets::<T>::set(position, index);
    }
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_register_curator(who: T::AccountId, stake: Balance) -> DispatchResult {
        ensure!(!Curators::<T>::contains_key(&who), Error::<T>::AlreadyCurator);
        ensure!(stake >= T::MinStake::get(), Error::<T>::StakeTooLow);
        T::Currency::hold(&HoldReason::CuratorStake.into(), &who, stake)?;
        let mut curator = Curator {
            stake,
            reserved: 0,
            status: CuratorStatus::Ready,
            tickets: 0,
            left: None,
            sound: 0,
            failed: 0,
        };
        Self::set_tickets(&who, &mut curator, Self::tickets_of(stake));
        Curators::<T>::insert(&who, curator);
        Self::deposit_event(Event::CuratorRegistered { curator: who, stake });
        Ok(())
    }

    pub(crate) fn do_add_curator_stake(who: T::AccountId, amount: Balance) -> DispatchResult {
        let mut curator = Self::curator_of(&who)?;
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        T::Currency::hold(&HoldReason::CuratorStake.into(), &who, amount)?;
        curator.stake = curator.stake.saturating_add(amount);
        let stake = curator.stake;
        if curator.tickets > 0 {
            // Slashed below the least stake, it keeps one, which counts for nothing.
            Self::set_tickets(&who, &mut curator, Self::tickets_of(stake).max(1));
        }
        Curators::<T>::insert(&who, curator);
        Self::deposit_event(Event::CuratorStakeAdded { curator: who, stake });
        Ok(())
    }

    pub(crate) fn do_ready_curator(who: T::AccountId) -> DispatchResult {
        let mut curator = Self::curator_of(&who)?;
        ensure!(curator.status != CuratorStatus::Ready, Error::<T>::AlreadyReady);
        ensure!(curator.stake >= T::MinStake::get(), Error::<T>::StakeTooLow);
        curator.status = CuratorStatus::Ready;
        let count = Self::tickets_of(curator.stake);
        Self::set_tickets(&who, &mut curator, count);
        Curators::<T>::insert(&who, curator);
        Self::deposit_event(Event::CuratorReady { curator: who });
        Ok(())
    }

    pub(crate) fn do_drain_curator(by: &T::AccountId, who: T::AccountId) -> DispatchResult {
        let mut curator = Self::curator_of(&who)?;
        match curator.status {
            CuratorStatus::Idle { .. } => return Err(Error::<T>::NotReady.into()),
            CuratorStatus::Ready => ensure!(*by == who, Error::<T>::NotAbsent),
            CuratorStatus::Absent => {}
        }
        curator.status = CuratorStatus::Idle { since: T::ActiveBlocks::get() };
        Self::set_tickets(&who, &mut curator, 0);
        Curators::<T>::insert(&who, curator);
        Self::set_merit(&who, |_| 0);
        Self::deposit_event(Event::CuratorDrained { curator: who });
        Ok(())
    }

    pub(crate) fn do_withdraw_curator(who: T::AccountId) -> DispatchResult {
        let curator = Self::curator_of(&who)?;
        let CuratorStatus::Idle { since } = curator.status else { return Err(Error::<T>::StakeInUse.into()) };
        let unbonded = since.saturating_add(T::Unbonding::get().saturated_into());
        let gone = curator.left.is_none_or(|left| may_withdraw(left, T::Session::get()));
        let free = curator.reserved == 0 && gone && T::ActiveBlocks::get() >= unbonded;
        ensure!(free, Error::<T>::StakeInUse);
        Curators::<T>::remove(&who);
        Self::release(HoldReason::CuratorStake, &who, curator.stake)?;
        Self::deposit_event(Event::CuratorWithdrawn { curator: who, stake: curator.stake });
        Ok(())
    }

    /// Changes a curator's shares in the pool of curators. Whatever becomes of that, the claim that is settled goes on.
    pub(crate) fn set_merit(who: &T::AccountId, change: impl FnOnce(Shares) -> Shares) {
        let before = T::Pools::shares(PoolId::Curators, who);
        let after = change(before);
        if after != before {
            let done = with_storage_layer(|| T::Pools::set_shares(PoolId::Curators, who, after));
            frame_support::defensive_assert!(done.is_ok(), "the pool of curators is there, and open");
        }
    }

    pub(crate) fn curator_of(who: &T::AccountId) -> Result<Curator, DispatchError> {
        Ok(Curators::<T>::get(who).ok_or(Error::<T>::NoSuchCurator)?)
    }

    /// How many tickets a stake is worth.
    pub(crate) fn tickets_of(stake: Balance) -> u16 {
        let whole = stake.checked_div(T::MinStake::get()).unwrap_or(0);
        whole.min(TICKETS.into()).saturated_into()
    }

    /// Puts tickets up to what the stake is worth into the draw, and takes those above out of it.
    fn set_tickets(who: &T::AccountId, curator: &mut Curator, count: u16) {
        let (mut store, session) = (StoredTickets::<T>(PhantomData), T::Session::get());
        for ordinal in curator.tickets..count {
            tickets::join(&mut store, who, ordinal, session);
        }
        for ordinal in count..curator.tickets {
            tickets::leave(&mut store, who, ordinal, session);
            curator.left = Some(session);
        }
        curator.tickets = count;
        for _ in 0..COMPACTION {
            let head = TicketHead::<T>::get();
            if head.len > head.live {
                tickets::compact(&mut store, session);
            }
        }
    }
}
