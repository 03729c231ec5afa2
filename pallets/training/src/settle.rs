//! Steps of a pass that settle what is left of a round that is over: each pays for one record and removes it.

use frame_support::storage::with_storage_layer;
use sabha_protocol::{
    RoundKey,
    defaults::PANELS,
    money::Party,
    pool::{PoolId, RewardPools},
    round::{Effect, Effects, Phase, SlotState},
};
use sp_runtime::DispatchError;

use crate::{
    Attesters, Config, Error, Event, Pallet, Place, Rounds, Runs, Seats, Slots, Workers, effects::Scene,
    work::Step,
};

impl<T: Config> Pallet<T> {
    /// Settles the next seat.
    pub(crate) fn seat_step(scene: &Scene, key: RoundKey, at: u16) -> Result<Step, DispatchError> {
        if at >= scene.terms.audit.auditors {
            return Self::passed(Place::Settlement(key, 0));
        }
        let next = Place::Seats(key, at.saturating_add(1));
        let Some(seat) = Seats::<T>::take((scene.id, key, at)) else { return Self::passed(next) };
        let index = seat.slot;
        let (mut round, mut slot) = Self::load(scene.id, key, index)?;
        let effects = round.settle_seat(&scene.terms, index, &mut slot, seat).map_err(Error::<T>::from)?;
        Slots::<T>::insert((scene.id, key, index), slot);
        Self::settled(scene, round, effects, next)
    }

    /// Settles the next slot.
    pub(crate) fn settlement_step(scene: &Scene, key: RoundKey, at: u16) -> Result<Step, DispatchError> {
        if at >= scene.terms.rounds.slots {
            return Self::passed(Place::Attesters(key, 0));
        }
        let next = Place::Settlement(key, at.saturating_add(1));
        let Some(slot) = Slots::<T>::take((scene.id, key, at)) else { return Self::passed(next) };
        let mut round = Rounds::<T>::get(scene.id, key).ok_or(Error::<T>::NoSuchRound)?;
        let (generation, outcome) = (slot.generation, slot.outcome());
        let contributed = round.phase == Phase::Final && round.accepted.contains(at);
        if let SlotState::Assigned { worker, .. } = &slot.state {
            Self::count_training(worker, -1)?;
        }
        let effects = round.settle_slot(&scene.terms, at, slot).map_err(Error::<T>::from)?;
        let paid = effects.iter().find_map(|effect| match effect {
            Effect::Move(moved) if moved.from == Party::Escrow => match &moved.to {
                Party::Worker(worker) => Some((worker.clone(), moved.amount)),
                _ => None,
            },
            _ => None,
        });
        if let (Some((worker, amount)), Some(outcome)) = (paid, outcome) {
            // Only what is part of the checkpoint: a voided round's work is paid, but nothing will ever be earned with it.
            if contributed {
                let pool = PoolId::Compute(scene.id);
                // A pool that has all shares there can be does not keep anybody from its pay.
                let _ = with_storage_layer(|| T::Pools::add_shares(pool, &worker, 1));
            }
            let slot = Self::slot_id(scene, key, at);
            Self::deposit_event(Event::SlotPaid { slot, generation, worker, outcome, amount });
        }
        Self::settled(scene, round, effects, next)
    }

    /// Settles the next attester.
    pub(crate) fn attester_step(scene: &Scene, key: RoundKey, at: u16) -> Result<Step, DispatchError> {
        if at >= Self::attester_places(scene) {
            return Self::passed(Place::Close(key));
        }
        let next = Place::Attesters(key, at.saturating_add(1));
        let attesters = scene.terms.audit.attesters;
        let panel = at.checked_div(attesters).unwrap_or(0).min(PANELS.into());
        let place = at.checked_rem(attesters).unwrap_or(0);
        let panel = u8::try_from(panel).unwrap_or(PANELS);
        let Some(attester) = Attesters::<T>::take((scene.id, key, panel, place)) else {
            return Self::passed(next);
        };
        let mut round = Rounds::<T>::get(scene.id, key).ok_or(Error::<T>::NoSuchRound)?;
        let mut worker = Workers::<T>::get(&attester.worker).ok_or(Error::<T>::NoSuchWorker)?;
        worker.attesting = worker.attesting.checked_sub(1).ok_or(Error::<T>::Books)?;
        Workers::<T>::insert(&attester.worker, worker);
        let effects = round.settle_attester(&scene.terms, attester).map_err(Error::<T>::from)?;
        Self::settled(scene, round, effects, next)
    }

    /// Settles the aggregator, and removes the round.
    pub(crate) fn close_step(scene: &Scene, key: RoundKey) -> Result<Step, DispatchError> {
        let mut round = Rounds::<T>::get(scene.id, key).ok_or(Error::<T>::NoSuchRound)?;
        let mut run = Runs::<T>::get(scene.id).ok_or(Error::<T>::NoSuchRun)?;
        let owes = round.owes_aggregator;
        if owes {
            let effects = round.settle_aggregator(&scene.terms).map_err(Error::<T>::from)?;
            Self::put(scene, &mut run, round.clone(), effects)?;
        }
        let closed = run.progress.close(&round);
        if closed {
            Rounds::<T>::remove(scene.id, key);
            Runs::<T>::insert(scene.id, run);
            Self::deposit_event(Event::RoundSettled { run: scene.id, round: key });
        }
        let next = Self::first_round(scene.id, Some(key));
        Ok(Step { next, made: owes || closed, wake: 0 })
    }

    fn passed(next: Place) -> Result<Step, DispatchError> {
        Ok(Step { next: Some(next), made: false, wake: 0 })
    }

    fn settled(
        scene: &Scene,
        round: crate::RoundOf<T>,
        effects: Effects<T::AccountId>,
        next: Place,
    ) -> Result<Step, DispatchError> {
        let mut run = Runs::<T>::get(scene.id).ok_or(Error::<T>::NoSuchRun)?;
        Self::put(scene, &mut run, round, effects)?;
        Ok(Step { next: Some(next), made: true, wake: 0 })
    }
}
