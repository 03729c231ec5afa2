//! What workers do: each act loads its records, makes the transition and stores them.

use frame_support::traits::Get;
use sabha_protocol::{
    ActiveBlock, Digest, Generation, Outcome, RoundKey, RunId, SlotIndex, SlotSet,
    audit::Opening,
    round::{Checkpoint, Effect, Effects, Phase, Reveal},
};
use sp_runtime::DispatchResult;

use crate::{
    Attesters, Config, Error, Event, Pallet, RoundOf, Rounds, RunOf, Runs, Seats, Slots, effects::Scene,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_commit(
        who: T::AccountId,
        run: RunId,
        key: RoundKey,
        index: SlotIndex,
        generation: Generation,
        outcome: Outcome,
    ) -> DispatchResult {
        let (owner, _) = Self::worker_for(who)?;
        let scene = Scene::of::<T>(run)?;
        let (mut round, mut slot) = Self::load(run, key, index)?;
        let effects = round
            .commit(&scene.terms, index, &mut slot, &owner, generation, outcome, scene.now)
            .map_err(Error::<T>::from)?;
        Slots::<T>::insert((run, key, index), slot);
        Self::count_training(&owner, -1)?;
        let id = Self::slot_id(&scene, key, index);
        Self::deposit_event(Event::SlotCommitted { slot: id, generation, worker: owner, outcome });
        Self::acted(&scene, round, effects)
    }

    pub(crate) fn do_report(
        who: T::AccountId,
        run: RunId,
        key: RoundKey,
        place: u16,
        got: SlotSet,
    ) -> DispatchResult {
        let (owner, _) = Self::worker_for(who)?;
        let scene = Scene::of::<T>(run)?;
        let mut round = Rounds::<T>::get(run, key).ok_or(Error::<T>::NoSuchRound)?;
        let Phase::Availability { panel, .. } = round.phase else {
            return Err(Error::<T>::WrongPhase.into());
        };
        let mut attester = Attesters::<T>::get((run, key, panel, place)).ok_or(Error::<T>::NoSuchPlace)?;
        round.report(&mut attester, &owner, got, scene.now).map_err(Error::<T>::from)?;
        Attesters::<T>::insert((run, key, panel, place), attester);
        Self::deposit_event(Event::Reported { run, round: key, place, worker: owner, got });
        Self::acted(&scene, round, Effects::new())
    }

    pub(crate) fn do_post_root(
        who: T::AccountId,
        run: RunId,
        key: RoundKey,
        checkpoint: Checkpoint,
    ) -> DispatchResult {
        let (owner, _) = Self::worker_for(who)?;
        let scene = Scene::of::<T>(run)?;
        let mut round = Rounds::<T>::get(run, key).ok_or(Error::<T>::NoSuchRound)?;
        let effects =
            round.post_root(&scene.terms, &owner, checkpoint, scene.now).map_err(Error::<T>::from)?;
        Self::acted(&scene, round, effects)?;
        // The next round may be built on it.
        Self::wake(run, scene.now);
        Ok(())
    }

    pub(crate) fn do_seal(
        who: T::AccountId,
        run: RunId,
        key: RoundKey,
        place: u16,
        seal: Digest,
    ) -> DispatchResult {
        let (owner, _) = Self::worker_for(who)?;
        let scene = Scene::of::<T>(run)?;
        let mut round = Rounds::<T>::get(run, key).ok_or(Error::<T>::NoSuchRound)?;
        let mut seat = Seats::<T>::get((run, key, place)).ok_or(Error::<T>::NoSuchPlace)?;
        round.seal(&mut seat, &owner, seal, scene.now).map_err(Error::<T>::from)?;
        Seats::<T>::insert((run, key, place), seat);
        Self::deposit_event(Event::Sealed { run, round: key, place, auditor: owner, seal });
        Self::acted(&scene, round, Effects::new())
    }

    pub(crate) fn do_publish(
        run: RunId,
        key: RoundKey,
        index: SlotIndex,
        leaves: &[Opening],
    ) -> DispatchResult {
        let scene = Scene::of::<T>(run)?;
        let (mut round, mut slot) = Self::load(run, key, index)?;
        round.publish(&scene.terms, index, &mut slot, leaves, scene.now).map_err(Error::<T>::from)?;
        Slots::<T>::insert((run, key, index), slot);
        Self::deposit_event(Event::LeavesPublished { slot: Self::slot_id(&scene, key, index) });
        Self::acted(&scene, round, Effects::new())
    }

    pub(crate) fn do_reveal(
        who: T::AccountId,
        run: RunId,
        key: RoundKey,
        place: u16,
        reveal: Reveal,
    ) -> DispatchResult {
        let (owner, _) = Self::worker_for(who)?;
        let scene = Scene::of::<T>(run)?;
        let mut seat = Seats::<T>::get((run, key, place)).ok_or(Error::<T>::NoSuchPlace)?;
        let index = seat.slot;
        let (mut round, mut slot) = Self::load(run, key, index)?;
        let effects = round
            .reveal(&scene.terms, place, &mut slot, &mut seat, &owner, &reveal, scene.now)
            .map_err(Error::<T>::from)?;
        Slots::<T>::insert((run, key, index), slot);
        Seats::<T>::insert((run, key, place), seat);
        Self::deposit_event(Event::Revealed {
            run,
            round: key,
            place,
            auditor: owner,
            answer: reveal.answer,
            unserved: reveal.unserved,
        });
        Self::acted(&scene, round, effects)
    }

    /// Store what an act made of a round, and see to it that the run is looked at when something is due.
    pub(crate) fn acted(scene: &Scene, round: RoundOf<T>, effects: Effects<T::AccountId>) -> DispatchResult {
        let mut run: RunOf<T> = Runs::<T>::get(scene.id).ok_or(Error::<T>::NoSuchRun)?;
        let first = run.progress.open.first() == Some(&round.key);
        let dispute: Option<ActiveBlock> = effects.iter().find_map(|effect| match effect {
            Effect::Dispute { until, .. } => Some(until.saturating_add(1)),
            _ => None,
        });
        let void = effects.iter().any(|effect| matches!(effect, Effect::Void(_)));
        let due = void || round.due(&scene.terms, first, scene.now, scene.session).is_some();
        Self::put(scene, &mut run, round, effects)?;
        if due {
            Self::wake(scene.id, T::ActiveBlocks::get());
        } else if let Some(at) = dispute {
            Self::wake(scene.id, at);
        }
        Ok(())
    }
}
