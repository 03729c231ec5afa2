//! Appeals, and the arbiter's decisions.

use frame_support::{
    ensure,
    traits::{Get, fungible::MutateHold},
};
use sabha_protocol::datasets::{ClaimId, Ruling, Stage, Vote};
use sp_arithmetic::traits::SaturatedConversion;
use sp_runtime::DispatchResult;

use crate::{Appeal, ClaimOf, Claims, Config, Datasets, Error, Event, HoldReason, Pallet};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_appeal(appellant: T::AccountId, id: ClaimId) -> DispatchResult {
        let mut claim = Self::claim_of(id)?;
        let Stage::Judged { ruling, until: retention, last } = claim.stage else {
            return Err(Error::<T>::WrongStage.into());
        };
        ensure!(!last, Error::<T>::RulingIsFinal);
        let now = T::ActiveBlocks::get();
        ensure!(now <= retention, Error::<T>::TooLate);
        let bond = T::AppealBond::get();
        T::Currency::hold(&HoldReason::AppealBond.into(), &appellant, bond)?;
        let until = now.saturating_add(T::AppealTime::get().saturated_into());
        claim.stage = Stage::Appealed { ruling, until, retention };
        claim.appeal = Some(Appeal { appellant: appellant.clone(), bond });
        Claims::<T>::insert(id, claim);
        Self::deposit_event(Event::ClaimAppealed { claim: id, appellant, until });
        Ok(())
    }

    pub(crate) fn do_arbitrate(id: ClaimId, vote: Vote, panel_at_fault: bool) -> DispatchResult {
        let mut claim = Self::claim_of(id)?;
        ensure!(vote.is_valid(), Error::<T>::BadVote);
        let before = match claim.stage {
            Stage::Appealed { ruling, .. } | Stage::Judged { ruling, last: false, .. } => ruling,
            _ => return Err(Error::<T>::WrongStage.into()),
        };
        let ruling = before.arbitrated(vote, panel_at_fault);
        claim.stage = Stage::Judged { ruling, until: T::ActiveBlocks::get(), last: true };
        Self::end_appeal(id, &mut claim, ruling)?;
        Self::deposit_event(Event::ClaimArbitrated { claim: id, ruling });
        Claims::<T>::insert(id, claim);
        Ok(())
    }

    /// An appeal, if there was one, was right if it overturned something.
    pub(crate) fn end_appeal(id: ClaimId, claim: &mut ClaimOf<T>, ruling: Ruling) -> DispatchResult {
        let Some(Appeal { appellant, bond }) = claim.appeal.take() else { return Ok(()) };
        let upheld = matches!(ruling, Ruling::Arbiter { overturned: true, .. });
        if upheld {
            Self::release(HoldReason::AppealBond, &appellant, bond)?;
            // Its part of a rejected claim's bond waits for the settlement.
            claim.appeal = Some(Appeal { appellant: appellant.clone(), bond: 0 });
        } else {
            let kept = Self::slash(HoldReason::AppealBond, &appellant, bond, Self::half(bond))?;
            Datasets::<T>::try_mutate(claim.dataset, |dataset| {
                let dataset = dataset.as_mut().ok_or(Error::<T>::Books)?;
                dataset.budget = dataset.budget.checked_add(kept).ok_or(Error::<T>::Books)?;
                Ok::<_, Error<T>>(())
            })?;
        }
        Self::deposit_event(Event::AppealEnded { claim: id, appellant, upheld });
        Ok(())
    }
}
