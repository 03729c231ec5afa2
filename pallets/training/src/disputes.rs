//! What the disputes decide. Two answers that differ open a disagreement by themselves ([`OnDisagreement`]); anybody else's
//! challenge is noted by [`Pallet::open_challenge`], or [`Pallet::open_root_challenge`]. Each ends by one of the other functions here,
//! or lapses.

use frame_support::traits::Get;
use sabha_protocol::{
    ActiveBlock, RoundKey, RunId, SlotIndex,
    round::{Claim, Effects, Verdict},
};
use sp_runtime::DispatchResult;

use crate::{Config, Error, Pallet, Rounds, Seats, Slots, effects::Scene};

/// Told of answers that differ, in the call that revealed the second one.
pub trait OnDisagreement<AccountId> {
    /// `auditor`, whose seat is at `place`, answered otherwise than the slot's worker. After the active block `until` the disagreement
    /// lapses. Called when slot and seat are stored. Must not fail, and do no more than is constant.
    fn opened(
        run: RunId,
        round: RoundKey,
        place: u16,
        slot: SlotIndex,
        auditor: &AccountId,
        until: ActiveBlock,
    );
}

impl<AccountId> OnDisagreement<AccountId> for () {
    fn opened(_: RunId, _: RoundKey, _: u16, _: SlotIndex, _: &AccountId, _: ActiveBlock) {}
}

impl<T: Config> Pallet<T> {
    /// End the disagreement of the auditor at `place` with a verdict.
    ///
    /// # Errors
    /// If there is none: the seat agreed, the slot was found at fault already, or the disagreement lapsed.
    pub fn resolve(run: RunId, key: RoundKey, place: u16, verdict: Verdict) -> DispatchResult {
        let scene = Scene::of::<T>(run)?;
        let mut seat = Seats::<T>::get((run, key, place)).ok_or(Error::<T>::NoSuchPlace)?;
        let index = seat.slot;
        let (mut round, mut slot) = Self::load(run, key, index)?;
        let effects = round
            .resolve(&scene.terms, index, &mut slot, &mut seat, verdict, scene.now)
            .map_err(Error::<T>::from)?;
        Slots::<T>::insert((run, key, index), slot);
        Seats::<T>::insert((run, key, place), seat);
        Self::acted(&scene, round, effects)
    }

    /// Note that a challenge of a slot is open, so that its round does not become final.
    ///
    /// # Errors
    /// If the slot has no claims, was found at fault, or its window is over.
    pub fn open_challenge(run: RunId, key: RoundKey, index: SlotIndex) -> DispatchResult {
        let scene = Scene::of::<T>(run)?;
        let (mut round, mut slot) = Self::load(run, key, index)?;
        round.open_challenge(&scene.terms, &mut slot, scene.now).map_err(Error::<T>::from)?;
        let lapses = slot.checks.lapses;
        Slots::<T>::insert((run, key, index), slot);
        Self::acted(&scene, round, Effects::new())?;
        Self::wake(run, lapses.saturating_add(1));
        Ok(())
    }

    /// Note that a challenge opened by [`Pallet::open_challenge`] was lost. One that was won ends with [`Pallet::convict`].
    ///
    /// # Errors
    /// If none is open.
    pub fn close_challenge(run: RunId, key: RoundKey, index: SlotIndex) -> DispatchResult {
        let scene = Scene::of::<T>(run)?;
        let (mut round, mut slot) = Self::load(run, key, index)?;
        round.close_challenge(&mut slot).map_err(Error::<T>::from)?;
        Slots::<T>::insert((run, key, index), slot);
        Self::acted(&scene, round, Effects::new())
    }

    /// Note that a challenge of a round's aggregation is open, so that the round does not become final.
    ///
    /// # Errors
    /// If there is no aggregation that stands, or its window is over.
    pub fn open_root_challenge(run: RunId, key: RoundKey) -> DispatchResult {
        let scene = Scene::of::<T>(run)?;
        let mut round = Rounds::<T>::get(run, key).ok_or(Error::<T>::NoSuchRound)?;
        round.open_root_challenge(&scene.terms, scene.now).map_err(Error::<T>::from)?;
        let lapses = round.root_lapses;
        Self::acted(&scene, round, Effects::new())?;
        Self::wake(run, lapses.saturating_add(1));
        Ok(())
    }

    /// Note that a challenge opened by [`Pallet::open_root_challenge`] was lost. One that was won ends with
    /// [`Pallet::convict_aggregator`].
    ///
    /// # Errors
    /// If none is open.
    pub fn close_root_challenge(run: RunId, key: RoundKey) -> DispatchResult {
        let scene = Scene::of::<T>(run)?;
        let mut round = Rounds::<T>::get(run, key).ok_or(Error::<T>::NoSuchRound)?;
        round.close_root_challenge().map_err(Error::<T>::from)?;
        Self::acted(&scene, round, Effects::new())
    }

    /// Convict a slot of a claim. Its stake is slashed, with a part for the challenger.
    ///
    /// # Errors
    /// If there is nothing to convict, it was convicted before, or the round is over.
    pub fn convict(
        run: RunId,
        key: RoundKey,
        index: SlotIndex,
        claim: Claim,
        challenger: Option<&T::AccountId>,
    ) -> DispatchResult {
        let scene = Scene::of::<T>(run)?;
        let (mut round, mut slot) = Self::load(run, key, index)?;
        let effects = round
            .convict(&scene.terms, index, &mut slot, claim, challenger, scene.now)
            .map_err(Error::<T>::from)?;
        Slots::<T>::insert((run, key, index), slot);
        Self::acted(&scene, round, effects)
    }

    /// Convict a round's aggregation. Its stake is slashed, with a part for the challenger.
    ///
    /// # Errors
    /// If there is none to convict.
    pub fn convict_aggregator(
        run: RunId,
        key: RoundKey,
        challenger: Option<&T::AccountId>,
    ) -> DispatchResult {
        let scene = Scene::of::<T>(run)?;
        let mut round = Rounds::<T>::get(run, key).ok_or(Error::<T>::NoSuchRound)?;
        let effects = round.convict_aggregator(&scene.terms, challenger).map_err(Error::<T>::from)?;
        Self::acted(&scene, round, effects)?;
        Self::wake(run, T::ActiveBlocks::get());
        Ok(())
    }

    /// Stop a run whose specification was shown to be false, as `stop_run` does, whether it is at work or not.
    ///
    /// # Errors
    /// If there is none, or it was stopped or is over.
    pub fn stop_refuted(run: RunId) -> DispatchResult {
        Self::do_stop_run(run)
    }
}
