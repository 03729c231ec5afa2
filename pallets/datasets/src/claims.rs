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
    datasets::{CLAIM_BOND, ClaimId, Content, DatasetId, PANELS, Ruling, Stage, bond, claim, words},
};
use sp_arithmetic::traits::SaturatedConversion;
use sp_runtime::{DispatchError, DispatchResult};

use crate::{
    Claim, ClaimDeposits, ClaimLocators, ClaimOf, ClaimShards, Claims, Config, DatasetOf, Datasets, Error,
    Event, HoldReason, Locators, NextClaim, Pallet, ShardClaims, Shards, Told,
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

    /// Returns whether the budget covers the claim.
    pub(crate) fn do_reveal_claim(
        who: &T::AccountId,
        id: ClaimId,
        units: u64,
        bytes: u64,
        shards: Shards,
        locators: Locators,
        salt: &[u8; 32],
    ) -> Result<bool, DispatchError> {
        let mut claim = Self::claim_of(id)?;
        ensure!(claim.claimant == *who, Error::<T>::NotYours);
        let (Stage::Committed { since, until }, None) = (claim.stage, claim.told) else {
            return Err(Error::<T>::WrongStage.into());
        };
        let now = T::ActiveBlocks::get();
        ensure!(now >= since.saturating_add(Self::availability()), Error::<T>::TooEarly);
        ensure!(now <= until, Error::<T>::TooLate);
        let dataset = Datasets::<T>::get(claim.dataset).ok_or(Error::<T>::Books)?;
        let content = Content { units, bytes, shards: &shards };
        content.check(dataset.unit_bytes).map_err(Error::<T>::from)?;
        ensure!(locators.iter().all(|locator| words::is_locator(locator)), Error::<T>::BadLocator);
        let root = content.root();
        let sealed = claim::seal(claim.dataset, &root, salt, who);
        ensure!(sealed == claim.seal, Error::<T>::WrongSeal);

        let all = bond(bytes);
        T::Currency::hold(&HoldReason::ClaimBond.into(), who, all.saturating_sub(claim.bond))?;
        let fee = T::SeatPay::get().saturating_mul(claim.seats.into());
        T::Currency::transfer(who, &Self::account_id(), fee, Preserve)?;
        Self::take_in(fee)?;
        Self::take_deposit(who, id, shards.len(), &locators)?;
        for shard in &shards {
            ensure!(!ShardClaims::<T>::contains_key(shard), Error::<T>::DuplicateShard);
            ShardClaims::<T>::insert(shard, id);
        }
        ClaimShards::<T>::insert(id, shards);
        ClaimLocators::<T>::insert(id, locators);
        claim.told = Some(Told { root, units, bytes });
        claim.bond = all;
        claim.fee = fee;
        claim.purse = fee;
        Self::deposit_event(Event::ClaimRevealed { claim: id, root, units, bytes, bond: all });

        let funded = Self::promise(&mut claim, dataset);
        if !funded {
            // A refusal would have told everybody the shards, and kept them from nobody: whoever emptied the budget, or fills it up
            // later, would be paid for them.
            let until = now.saturating_add(T::Window::get().saturated_into());
            claim.stage = Stage::Committed { since, until };
            Self::deposit_event(Event::ClaimUnfunded { claim: id, until });
        }
        Claims::<T>::insert(id, claim);
        Ok(funded)
    }

    /// What a claim can come to, if it was told and the budget covers it.
    fn covered(claim: &ClaimOf<T>, dataset: &DatasetOf<T>) -> Option<Balance> {
        let pay = dataset.rate.checked_mul(claim.told?.units.into())?;
        let most = pay.checked_add(claim.fee)?;
        (most <= dataset.budget.saturating_sub(dataset.reserved)).then_some(most)
    }

    /// Whether a claim waited for the budget, which covers it now.
    pub(crate) fn is_funded(claim: &ClaimOf<T>) -> bool {
        let dataset = || Datasets::<T>::get(claim.dataset);
        matches!(claim.stage, Stage::Committed { .. })
            && dataset().is_some_and(|dataset| Self::covered(claim, &dataset).is_some())
    }

    /// If a dataset's budget covers what a claim can come to, that is promised to it, and its panel is to be drawn. Returns whether it does.
    fn promise(claim: &mut ClaimOf<T>, mut dataset: DatasetOf<T>) -> bool {
        let Some(most) = Self::covered(claim, &dataset) else { return false };
        dataset.reserved = dataset.reserved.saturating_add(most);
        Datasets::<T>::insert(claim.dataset, dataset);
        claim.stage = Stage::Drawing { frozen: T::Session::get() };
        claim.reserved = most;
        true
    }

    /// What can be done with a claim for which time has made nothing due: its panel is to be drawn, if the budget did not cover it before and
    /// does now, or if no panel had a quorum and the claimant asks for others.
    pub(crate) fn go_on(by: &T::AccountId, id: ClaimId, mut claim: ClaimOf<T>) -> DispatchResult {
        match (claim.stage, claim.told) {
            (Stage::Committed { .. }, Some(_)) => {
                let dataset = Datasets::<T>::get(claim.dataset).ok_or(Error::<T>::Books)?;
                ensure!(Self::promise(&mut claim, dataset), Error::<T>::BudgetTooLow);
                Self::deposit_event(Event::ClaimFunded { claim: id });
            }
            // Fee, bond and what is promised are as they were: whoever spoke in vain was paid by those who were silent.
            (Stage::Judged { ruling: Ruling::None, .. }, _) if claim.claimant == *by => {
                // So many more can be counted.
                claim.panels.checked_add(PANELS).ok_or(Error::<T>::NothingDue)?;
                claim.stage = Stage::Drawing { frozen: T::Session::get() };
                Self::deposit_event(Event::ClaimRedrawn { claim: id });
            }
            _ => return Err(Error::<T>::NothingDue.into()),
        }
        Claims::<T>::insert(id, claim);
        Ok(())
    }

    /// Returns how many shards were freed.
    pub(crate) fn do_withdraw_claim(who: &T::AccountId, id: ClaimId) -> Result<u32, DispatchError> {
        let claim = Self::claim_of(id)?;
        ensure!(claim.claimant == *who, Error::<T>::NotYours);
        ensure!(matches!(claim.stage, Stage::Committed { .. }), Error::<T>::WrongStage);
        Self::give_up(id, &claim)
    }

    /// Ends a claim to which nothing was promised. Returns how many shards were freed.
    pub(crate) fn give_up(id: ClaimId, claim: &ClaimOf<T>) -> Result<u32, DispatchError> {
        Self::release(HoldReason::ClaimBond, &claim.claimant, claim.bond)?;
        if claim.purse > 0 {
            Self::let_go(claim.purse)?;
            T::Currency::transfer(&Self::account_id(), &claim.claimant, claim.purse, Preserve)?;
        }
        let freed = Self::free_shards(id);
        Self::remove_records(id, &claim.claimant)?;
        let mut dataset = Datasets::<T>::get(claim.dataset).ok_or(Error::<T>::Books)?;
        dataset.claims = dataset.claims.checked_sub(1).ok_or(Error::<T>::Books)?;
        Self::deposit_event(Event::ClaimWithdrawn { claim: id });
        Self::keep_dataset(claim.dataset, dataset)?;
        Ok(freed)
    }

    /// Nobody has claimed these shards any more.
    pub(crate) fn free_shards(id: ClaimId) -> u32 {
        let shards = ClaimShards::<T>::take(id).unwrap_or_default();
        for shard in &shards {
            ShardClaims::<T>::remove(shard);
        }
        shards.len() as u32
    }

    /// Removes what is kept of a claim while it is open, and returns its deposit.
    pub(crate) fn remove_records(id: ClaimId, claimant: &T::AccountId) -> DispatchResult {
        if let Some(ticket) = ClaimDeposits::<T>::take(id) {
            ticket.drop(claimant)?;
        }
        ClaimLocators::<T>::remove(id);
        Claims::<T>::remove(id);
        Ok(())
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
