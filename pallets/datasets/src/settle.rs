//! Settlement: everybody gets what is due to it, and the claim's records go.

use alloc::vec::Vec;

use frame_support::{storage::with_storage_layer, traits::Get};
use sabha_protocol::{
    Balance,
    datasets::{ClaimId, Conduct, Outcome, Ruling, Seat, Stage, Vote, vote::part},
    money::{Split, split},
    pool::{PoolId, RewardPools, Shares},
};
use sp_runtime::{DispatchError, DispatchResult};

use crate::{
    Accepted, AcceptedRoots, ClaimOf, ClaimShards, Config, CuratorStatus, Curators, DatasetOf, Datasets,
    Error, Event, HoldReason, Pallet, Told,
};

impl<T: Config> Pallet<T> {
    /// Settles a claim that is decided for good. Returns how many shards were freed.
    pub(crate) fn settle(id: ClaimId, mut claim: ClaimOf<T>) -> Result<u32, DispatchError> {
        let Stage::Judged { ruling, .. } = claim.stage else { return Err(Error::<T>::WrongStage.into()) };
        let told = claim.told.ok_or(Error::<T>::Books)?;
        let mut dataset = Datasets::<T>::get(claim.dataset).ok_or(Error::<T>::Books)?;
        dataset.reserved = dataset.reserved.checked_sub(claim.reserved).ok_or(Error::<T>::Books)?;
        dataset.claims = dataset.claims.checked_sub(1).ok_or(Error::<T>::Books)?;
        let sound = Self::settle_panel(&mut claim, ruling.measure(), true)?;
        let mut freed = 0;
        match ruling.outcome() {
            Outcome::Accepted(vote) => Self::accept(id, &claim, &mut dataset, told, vote)?,
            Outcome::Rejected => {
                Self::reject(&claim, &mut dataset, ruling, &sound)?;
                freed = Self::free_shards(id);
                Self::deposit_event(Event::ClaimRejected { claim: id, claimant: claim.claimant.clone() });
            }
            Outcome::Lapsed => {
                Self::release(HoldReason::ClaimBond, &claim.claimant, claim.bond)?;
                // Of the fee, and no more: the rest was taken from those who were silent.
                let back = claim.purse.min(claim.fee);
                Self::pay(PoolId::Dataset(claim.dataset), &claim.claimant, back)?;
                claim.purse = claim.purse.saturating_sub(back);
                freed = Self::free_shards(id);
                Self::deposit_event(Event::ClaimLapsed { claim: id });
            }
        }
        dataset.budget = dataset.budget.checked_add(claim.purse).ok_or(Error::<T>::Books)?;
        ClaimShards::<T>::remove(id);
        Self::remove_records(id, &claim.claimant)?;
        Self::keep_dataset(claim.dataset, dataset)?;
        Ok(freed)
    }

    fn accept(
        id: ClaimId,
        claim: &ClaimOf<T>,
        dataset: &mut DatasetOf<T>,
        told: Told,
        vote: Vote,
    ) -> DispatchResult {
        let Told { root, units, bytes } = told;
        let accepted = part(units.into(), vote.fraction);
        // Of the pay, not of the units, which may be few. At most what is reserved: both parts are rounded down.
        let whole = dataset.rate.saturating_mul(units.into());
        let paid = part(whole, vote.fraction).saturating_add(part(claim.fee, vote.fraction));
        let paid = paid.min(claim.reserved);
        dataset.budget = dataset.budget.checked_sub(paid).ok_or(Error::<T>::Books)?;
        dataset.paid = dataset.paid.saturating_add(paid);
        let all = Shares::from(units).saturating_mul(vote.quality.into());
        let units = u64::try_from(accepted).unwrap_or(u64::MAX);
        dataset.units = dataset.units.saturating_add(units);
        let (pool, claimant) = (PoolId::Dataset(claim.dataset), &claim.claimant);
        Self::pay(pool, claimant, paid)?;
        let shares = part(all, vote.fraction);
        // A dataset that has all shares there can be still pays.
        let _ = with_storage_layer(|| T::Pools::add_shares(pool, claimant, shares));
        Self::release(HoldReason::ClaimBond, claimant, claim.bond)?;
        let record = Accepted { dataset: claim.dataset, claimant: claimant.clone(), units, bytes };
        AcceptedRoots::<T>::insert(root, record);
        Self::deposit_event(Event::ClaimAccepted {
            claim: id,
            dataset: claim.dataset,
            claimant: claimant.clone(),
            root,
            units,
            quality: vote.quality,
            paid,
        });
        Ok(())
    }

    fn reject(
        claim: &ClaimOf<T>,
        dataset: &mut DatasetOf<T>,
        ruling: Ruling,
        sound: &[Seat<T::AccountId>],
    ) -> DispatchResult {
        let Split { burnt, auditors, challenger, .. } = split(claim.bond);
        let mut rest = Self::slash(HoldReason::ClaimBond, &claim.claimant, claim.bond, burnt)?;
        // For those who had said so themselves: a sound vote may be one for a part of the claim. If the arbiter does not blame the panel,
        // the claim is false for another reason.
        let blamed = ruling.measure() == ruling.vote();
        let said_so = |seat: &&Seat<_>| blamed && seat.vote().is_some_and(|vote| vote.is_rejection());
        let finders = sound.iter().filter(said_so).count();
        let each = auditors.checked_div(finders as Balance).unwrap_or(0);
        for seat in sound.iter().filter(said_so) {
            Self::pay(PoolId::Curators, &seat.curator, each)?;
            rest = rest.checked_sub(each).ok_or(Error::<T>::Books)?;
        }
        if let Some(appeal) = &claim.appeal {
            Self::pay(PoolId::Dataset(claim.dataset), &appeal.appellant, challenger)?;
            rest = rest.checked_sub(challenger).ok_or(Error::<T>::Books)?;
        }
        dataset.budget = dataset.budget.checked_add(rest).ok_or(Error::<T>::Books)?;
        Ok(())
    }

    /// Pays and slashes a panel, by what was decided, and frees its stakes. Returns those who did right.
    pub(crate) fn settle_panel(
        claim: &mut ClaimOf<T>,
        decided: Option<Vote>,
        asked: bool,
    ) -> Result<Vec<Seat<T::AccountId>>, DispatchError> {
        let mut sound = Vec::new();
        for seat in core::mem::take(&mut claim.panel) {
            let (who, at_stake) = (&seat.curator, T::SeatStake::get());
            let mut curator = Self::curator_of(who)?;
            curator.reserved = curator.reserved.checked_sub(at_stake).ok_or(Error::<T>::Books)?;
            let lost = match seat.conduct(decided, asked) {
                Conduct::Sound => 0,
                Conduct::Far => Self::half(at_stake),
                Conduct::Silent => at_stake,
            };
            // What was slashed by other seats of the same curator was reserved for them.
            curator.stake = curator.stake.checked_sub(lost).ok_or(Error::<T>::Books)?;
            let kept = Self::slash(HoldReason::CuratorStake, who, lost, Self::half(lost))?;
            claim.purse = claim.purse.saturating_add(kept);
            // Whoever can be drawn no more has no part in what is minted.
            let out = lost == at_stake || curator.stake < T::MinStake::get();
            if lost == 0 {
                curator.sound = curator.sound.saturating_add(1);
            } else {
                curator.failed = curator.failed.saturating_add(1);
            }
            let ready = curator.status == CuratorStatus::Ready;
            if out && ready {
                curator.status = CuratorStatus::Absent;
                Self::deposit_event(Event::CuratorAbsent { curator: who.clone() });
            }
            Curators::<T>::insert(who, curator);
            if lost == 0 {
                let pay = T::SeatPay::get().min(claim.purse);
                claim.purse = claim.purse.saturating_sub(pay);
                Self::pay(PoolId::Curators, who, pay)?;
                Self::set_merit(who, |merit| if ready { merit.saturating_add(1) } else { merit });
                sound.push(seat);
            } else {
                Self::set_merit(who, |merit| if out { 0 } else { merit / 2 });
            }
        }
        Ok(sound)
    }
}
