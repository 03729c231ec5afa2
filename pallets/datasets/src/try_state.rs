//! What must always hold.

use alloc::collections::BTreeMap;

use codec::{DecodeAll, Encode};
use frame_support::{
    ensure,
    traits::{
        Get,
        fungible::{Inspect, InspectHold},
        tokens::{Fortitude::Force, Preservation::Protect},
    },
};
use sabha_protocol::{
    Balance,
    datasets::{DatasetId, Stage},
    draw::tickets::Ticket,
    pool::{PoolId, RewardPools},
};
use sp_runtime::TryRuntimeError;

use crate::{
    AcceptedRoots, Allotted, ClaimDeposits, ClaimLocators, ClaimShards, Claims, Config, CuratorStatus,
    Curators, DatasetDeposits, Datasets, HoldReason, NextClaim, NextDataset, Pallet, ShardClaims, TicketHead,
    TicketPlaces, Tickets,
};

/// Sums over the claims.
struct Sums<AccountId> {
    bonds: BTreeMap<AccountId, Balance>,
    appeals: BTreeMap<AccountId, Balance>,
    seats: BTreeMap<AccountId, Balance>,
    reserved: BTreeMap<DatasetId, (Balance, u32)>,
    purses: Balance,
    shards: usize,
}

impl<AccountId> Default for Sums<AccountId> {
    fn default() -> Self {
        Self {
            bonds: BTreeMap::new(),
            appeals: BTreeMap::new(),
            seats: BTreeMap::new(),
            reserved: BTreeMap::new(),
            purses: 0,
            shards: 0,
        }
    }
}

impl<T: Config> Pallet<T> {
    /// Check what must always hold:
    /// - what is on hold in an account is the sum of its claims' bonds, of its appeals' bonds, its stake as a curator, and the sum of the
    ///   deposits for its records;
    /// - what is reserved of a stake is what its seats say; what is reserved of a budget is what its claims say, and the budget covers it;
    /// - what is allotted is the sum of budgets and purses, and the pot covers it;
    /// - every shard of an open claim is registered for it, and every registered shard is of an open or an accepted claim;
    /// - what is kept for a claim or a dataset is of one that is there, and none is from the future;
    /// - a claim that was told has paid for its panel, and that is there until something is promised to it, for which the budget covers it;
    /// - curators that are not idle have tickets, and nobody else has; those that are ready have the least stake, and nobody else has a part
    ///   in what is minted.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let sums = Self::sum_claims()?;
        Self::try_state_datasets(&sums)?;
        Self::try_state_holds(&sums)?;
        Self::try_state_deposits()?;
        Self::try_state_curators(&sums)?;
        Self::try_state_records(&sums)
    }

    fn sum_claims() -> Result<Sums<T::AccountId>, TryRuntimeError> {
        let mut sums = Sums::default();
        for (id, claim) in Claims::<T>::iter() {
            ensure!(id < NextClaim::<T>::get(), "a claim is from the future");
            let add = |sum: &mut Balance, more: Balance| *sum = sum.saturating_add(more);
            add(sums.bonds.entry(claim.claimant.clone()).or_default(), claim.bond);
            if let Some(appeal) = &claim.appeal {
                add(sums.appeals.entry(appeal.appellant.clone()).or_default(), appeal.bond);
            }
            for seat in &claim.panel {
                add(sums.seats.entry(seat.curator.clone()).or_default(), T::SeatStake::get());
            }
            let (reserved, count) = sums.reserved.entry(claim.dataset).or_default();
            add(reserved, claim.reserved);
            *count = count.saturating_add(1);
            add(&mut sums.purses, claim.purse);

            let (told, waits) = (claim.told.is_some(), matches!(claim.stage, Stage::Committed { .. }));
            ensure!(told || waits, "a claim's stage and content do not go together");
            ensure!(
                waits == (claim.reserved == 0)
                    && told == (claim.fee > 0)
                    && (!waits || claim.purse == claim.fee),
                "a claim's stage and its money do not go together"
            );
            ensure!(told == ClaimShards::<T>::contains_key(id), "a claim's shards are not there");
            ensure!(told == ClaimDeposits::<T>::contains_key(id), "a claim's deposit is not there");
            let shards = ClaimShards::<T>::get(id).unwrap_or_default();
            let mine = shards.iter().all(|shard| ShardClaims::<T>::get(shard) == Some(id));
            ensure!(mine, "a shard of a claim is not registered for it");
            sums.shards = sums.shards.saturating_add(shards.len());
            ensure!(claim.panel.len() <= usize::from(claim.seats), "a panel has too many members");
        }
        Ok(sums)
    }

    fn try_state_datasets(sums: &Sums<T::AccountId>) -> Result<(), TryRuntimeError> {
        let mut all = sums.purses;
        for (id, dataset) in Datasets::<T>::iter() {
            ensure!(id < NextDataset::<T>::get(), "a dataset is from the future");
            let of = sums.reserved.get(&id).copied().unwrap_or_default();
            ensure!(
                (dataset.reserved, dataset.claims) == of,
                "what a dataset counts is not what its claims say"
            );
            ensure!(dataset.reserved <= dataset.budget, "a budget does not cover what it has promised");
            let deposit = dataset.open || dataset.claims > 0;
            ensure!(deposit == DatasetDeposits::<T>::contains_key(id), "a dataset's deposit is not there");
            all = all.saturating_add(dataset.budget);
        }
        for id in sums.reserved.keys() {
            ensure!(Datasets::<T>::contains_key(id), "a claim is for no dataset");
        }
        ensure!(all == Allotted::<T>::get(), "what is allotted is not the sum of budgets and purses");
        let pot = T::Currency::reducible_balance(&Self::account_id(), Protect, Force);
        ensure!(all <= pot, "the pot does not cover what is allotted");
        Ok(())
    }

    fn try_state_holds(sums: &Sums<T::AccountId>) -> Result<(), TryRuntimeError> {
        let held = |reason: HoldReason, who: &T::AccountId| T::Currency::balance_on_hold(&reason.into(), who);
        let mut found = 0usize;
        // Of every account: nothing is left on hold of a claim that is settled, or of a curator that is none any more.
        for who in frame_system::Account::<T>::iter_keys() {
            for (reason, amounts) in
                [(HoldReason::ClaimBond, &sums.bonds), (HoldReason::AppealBond, &sums.appeals)]
            {
                let amount = amounts.get(&who);
                found = found.saturating_add(amount.is_some().into());
                ensure!(
                    held(reason, &who) == amount.copied().unwrap_or(0),
                    "what is on hold is not the sum of bonds"
                );
            }
            let stake = Curators::<T>::get(&who).map_or(0, |curator| curator.stake);
            ensure!(
                held(HoldReason::CuratorStake, &who) == stake,
                "what is on hold is not the curator's stake"
            );
        }
        let all = sums.bonds.len().saturating_add(sums.appeals.len());
        ensure!(found == all, "a bond is of no account");
        Ok(())
    }

    fn try_state_deposits() -> Result<(), TryRuntimeError> {
        let mut deposits = BTreeMap::<T::AccountId, Balance>::new();
        let mut add = |who: T::AccountId, ticket: T::Consideration| {
            // A ticket for something on hold is encoded as its amount; others hold nothing.
            let amount = Balance::decode_all(&mut ticket.encode().as_slice()).unwrap_or(0);
            let sum = deposits.entry(who).or_default();
            *sum = sum.saturating_add(amount);
        };
        for (id, ticket) in DatasetDeposits::<T>::iter() {
            add(Datasets::<T>::get(id).ok_or("a deposit is for no dataset")?.owner, ticket);
        }
        for (id, ticket) in ClaimDeposits::<T>::iter() {
            add(Claims::<T>::get(id).ok_or("a deposit is for no claim")?.claimant, ticket);
        }
        for who in frame_system::Account::<T>::iter_keys() {
            let held = T::Currency::balance_on_hold(&HoldReason::Storage.into(), &who);
            let paid = deposits.get(&who).copied().unwrap_or(0);
            ensure!(held == paid, "what is on hold for records is not the sum of their deposits");
        }
        Ok(())
    }

    fn try_state_curators(sums: &Sums<T::AccountId>) -> Result<(), TryRuntimeError> {
        let mut places = 0u32;
        for (who, curator) in Curators::<T>::iter() {
            ensure!(frame_system::Account::<T>::contains_key(&who), "a curator is no account");
            let reserved = sums.seats.get(&who).copied().unwrap_or(0);
            ensure!(curator.reserved == reserved, "what a stake reserves is not what its seats say");
            ensure!(curator.reserved <= curator.stake, "a stake does not cover its seats");
            let idle = matches!(curator.status, CuratorStatus::Idle { .. });
            ensure!(idle == (curator.tickets == 0), "a curator's tickets and status do not go together");
            let ready = curator.status == CuratorStatus::Ready;
            ensure!(
                !ready || curator.stake >= T::MinStake::get(),
                "a curator is ready without the least stake"
            );
            let merit = T::Pools::shares(PoolId::Curators, &who);
            ensure!(ready || merit == 0, "a curator that is not ready has a part in what is minted");
            for ordinal in 0..curator.tickets {
                let place = TicketPlaces::<T>::get(&who, ordinal).ok_or("a ticket has no place")?;
                let found = Tickets::<T>::get(place);
                let right = found.is_some_and(|Ticket { worker, ordinal: at, until, .. }| {
                    worker == who && at == ordinal && until.is_none()
                });
                ensure!(right, "a ticket is not in its place");
                places = places.saturating_add(1);
            }
        }
        for who in sums.seats.keys() {
            ensure!(Curators::<T>::contains_key(who), "a seat is nobody's");
        }
        ensure!(places == TicketHead::<T>::get().live, "there are tickets of nobody");
        ensure!(TicketPlaces::<T>::iter_keys().count() == places as usize, "a place is of no ticket");
        Ok(())
    }

    fn try_state_records(sums: &Sums<T::AccountId>) -> Result<(), TryRuntimeError> {
        let open = |id| Claims::<T>::contains_key(id);
        let kept = ClaimShards::<T>::iter_keys()
            .chain(ClaimLocators::<T>::iter_keys())
            .chain(ClaimDeposits::<T>::iter_keys())
            .all(open);
        ensure!(kept, "something is kept of a claim that is not there");
        let registered = ShardClaims::<T>::iter_values().filter(|id| open(*id)).count();
        ensure!(registered == sums.shards, "a shard is registered for a claim that does not list it");
        // What is left of accepted claims: a shard at least for each root.
        let accepted = AcceptedRoots::<T>::iter_keys().count();
        let others = ShardClaims::<T>::iter_values().filter(|id| !open(*id)).count();
        ensure!(accepted <= others, "an accepted claim has no shards");
        ensure!(accepted > 0 || others == 0, "shards are registered for claims that are not there");
        Ok(())
    }
}
