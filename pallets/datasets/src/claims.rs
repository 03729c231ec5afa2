//! Claims, until their panel is drawn: the seal, what is told, giving up.

use frame_support::{
    ensure,
    traits::{
        Consideration, Footprint, Get,
        fungible::{Mutate, MutateHold},
        tokens::Preservation::Preserve,
    },
};
use sabha_protocol::{
    ActiveBlock, Balance, Digest,
    datasets::{CLAIM_BOND, ClaimId, Content, DatasetId, Stage, bond, claim, words},
};
use sp_arithmetic::traits::SaturatedConversion;
use sp_runtime::{DispatchError, DispatchResult};

use crate::{
    Claim, ClaimDeposits, ClaimLocators, ClaimOf, ClaimShards, Claims, Config, Datasets, Error, Event,
    HoldReason, Locators, NextClaim, Pallet, ShardClaims, Shards, Told,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_commit_claim(
        claimant: T::AccountId,
        dataset_id: DatasetId,
        seal: Digest,
    ) -> DispatchResult {
        let mut dataset = Self::open_dataset(dataset_id)?;
        Self::ensure_allowed(&dataset.licence)?;
        let id = NextClaim::<T>::get();
        NextClaim::<T>::put(id.checked_add(1).ok_or(Error::<T>::Books)?);
        T::Currency::hold(&HoldReason::ClaimBond.into(), &claimant, CLAIM_BOND)?;
        let since = T::ActiveBlocks::get();
        let until =
            since.saturating_add(Self::availability()).saturating_add(T::Window::get().saturated_into());
        let claim = Claim {
            dataset: dataset_id,
            claimant: claimant.clone(),
            seal,
            stage: Stage::Committed { since, until },
            told: None,
            bond: CLAIM_BOND,
            fee: 0,
            purse: 0,
            reserved: 0,
            seats: dataset.panel,
            panels: 0,
            panel: Default::default(),
            appeal: None,
        };
        Claims::<T>::insert(id, claim);
        dataset.claims = dataset.claims.checked_add(1).ok_or(Error::<T>::Books)?;
        Datasets::<T>::insert(dataset_id, dataset);
        Self::deposit_event(Event::ClaimCommitted { claim: id, dataset: dataset_id, claimant, until });
        Ok(())
    }

    pub(crate) fn do_reveal_claim(
        who: &T::AccountId,
        id: ClaimId,
        units: u64,
        bytes: u64,
        shards: Shards,
        locators: Locators,
        salt: &[u8; 32],
    ) -> DispatchResult {
        let mut claim = Self::claim_of(id)?;
        ensure!(claim.claimant == *who, Error::<T>::NotYours);
        let Stage::Committed { since, until } = claim.stage else {
            return Err(Error::<T>::WrongStage.into());
        };
        let now = T::ActiveBlocks::get();
        ensure!(now >= since.saturating_add(Self::availability()), Error::<T>::TooEarly);
        ensure!(now <= until, Error::<T>::TooLate);
        let mut dataset = Datasets::<T>::get(claim.dataset).ok_or(Error::<T>::Books)?;
        let content = Content { units, bytes, shards: &shards };
        content.check(dataset.unit_bytes).map_err(Error::<T>::from)?;
        ensure!(locators.iter().all(|locator| words::is_locator(locator)), Error::<T>::BadLocator);
        let root = content.root();
        let sealed = claim::seal(claim.dataset, &root, salt, who);
        ensure!(sealed == claim.seal, Error::<T>::WrongSeal);

        // What it can come to is promised, or the claim refused.
        let fee = T::SeatPay::get().saturating_mul(claim.seats.into());
        let most = dataset.rate.checked_mul(units.into()).and_then(|pay| pay.checked_add(fee));
        let free = dataset.budget.saturating_sub(dataset.reserved);
        let most = most.filter(|most| *most <= free).ok_or(Error::<T>::BudgetTooLow)?;
        dataset.reserved = dataset.reserved.saturating_add(most);

        let all = bond(bytes);
        T::Currency::hold(&HoldReason::ClaimBond.into(), who, all.saturating_sub(claim.bond))?;
        T::Currency::transfer(who, &Self::account_id(), fee, Preserve)?;
        Self::take_in(fee)?;
        Self::take_deposit(who, id, shards.len(), &locators)?;
        for shard in &shards {
            ensure!(!ShardClaims::<T>::contains_key(shard), Error::<T>::DuplicateShard);
            ShardClaims::<T>::insert(shard, id);
        }
        ClaimShards::<T>::insert(id, shards);
        ClaimLocators::<T>::insert(id, locators);

        claim.stage = Stage::Drawing { frozen: T::Session::get() };
        claim.told = Some(Told { root, units, bytes });
        claim.bond = all;
        claim.fee = fee;
        claim.purse = fee;
        claim.reserved = most;
        Datasets::<T>::insert(claim.dataset, dataset);
        Claims::<T>::insert(id, claim);
        Self::deposit_event(Event::ClaimRevealed { claim: id, root, units, bytes, bond: all });
        Ok(())
    }

    pub(crate) fn do_withdraw_claim(who: &T::AccountId, id: ClaimId) -> DispatchResult {
        let claim = Self::claim_of(id)?;
        ensure!(claim.claimant == *who, Error::<T>::NotYours);
        ensure!(matches!(claim.stage, Stage::Committed { .. }), Error::<T>::WrongStage);
        Self::give_up(id, &claim)
    }

    /// Ends a claim that was never told.
    pub(crate) fn give_up(id: ClaimId, claim: &ClaimOf<T>) -> DispatchResult {
        Self::release(HoldReason::ClaimBond, &claim.claimant, claim.bond)?;
        Claims::<T>::remove(id);
        let mut dataset = Datasets::<T>::get(claim.dataset).ok_or(Error::<T>::Books)?;
        dataset.claims = dataset.claims.checked_sub(1).ok_or(Error::<T>::Books)?;
        Self::deposit_event(Event::ClaimWithdrawn { claim: id });
        Self::keep_dataset(claim.dataset, dataset)
    }

    /// For the list of shards, for an entry of each, and for the rest.
    fn take_deposit(who: &T::AccountId, id: ClaimId, shards: usize, locators: &Locators) -> DispatchResult {
        let text: usize = locators.iter().map(|locator| locator.len()).fold(0, usize::saturating_add);
        // A digest in the list; a hash, a digest and a number in the map.
        let entries = shards.saturating_mul(32usize.saturating_add(16).saturating_add(32).saturating_add(4));
        let ticket = T::Consideration::new(who, Footprint::from_parts(1, entries.saturating_add(text)))?;
        ClaimDeposits::<T>::insert(id, ticket);
        Ok(())
    }

    pub(crate) fn claim_of(id: ClaimId) -> Result<ClaimOf<T>, DispatchError> {
        Ok(Claims::<T>::get(id).ok_or(Error::<T>::NoSuchClaim)?)
    }

    pub(crate) fn availability() -> ActiveBlock {
        T::Availability::get().saturated_into()
    }

    /// Half of an amount, rounded up: what is burnt.
    pub(crate) fn half(amount: Balance) -> Balance {
        amount.div_ceil(2)
    }
}
