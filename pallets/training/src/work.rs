//! What the hook and `poke` do: passes over runs, as far as a weight limit lets them.
//!
//! A run is looked at when its entry in the agenda says so: at the next deadline of anything it has, in a new session, or because
//! somebody's act made something due. A pass goes over the run in steps of bounded work and, if it changed anything, begins anew;
//! where the limit interrupts it, it is kept and goes on later. So no record of a run is out of reach of a limit, however many
//! there are.

use frame_support::{
    dispatch::{DispatchErrorWithPostInfo, WithPostDispatchInfo},
    storage::with_storage_layer,
    traits::Get,
    weights::{Weight, WeightMeter},
};
use sabha_protocol::{
    ActiveBlock, RoundKey, RunId,
    defaults::{PANELS, RETRY, TURN},
};
use sp_arithmetic::traits::SaturatedConversion;
use sp_runtime::DispatchError;

use crate::{Agenda, Config, Error, NextTurn, Pallet, Pass, Passes, Place, Runs, WeightInfo, effects::Scene};

/// Steps that shorten the ticket array in one block's hook, at most.
const COMPACTIONS: u32 = 4;

/// What one step came to.
pub(crate) struct Step {
    /// Where the pass goes on; None at its end.
    pub next: Option<Place>,
    /// Whether the step changed anything.
    pub made: bool,
    /// When something it has seen is due. In the past: not by time.
    pub wake: ActiveBlock,
}

/// How far a run was brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progressed {
    /// Steps that changed something.
    pub made: u32,
    /// Whether the last pass came to its end and found nothing more.
    pub complete: bool,
    /// Whether the weight limit interrupted a pass.
    pub cut: bool,
}

impl<T: Config> Pallet<T> {
    /// The hook's work: runs whose entry is due, in turn, then the ticket array.
    pub(crate) fn work(meter: &mut WeightMeter) {
        if meter.try_consume(T::WeightInfo::agenda()).is_err() {
            return;
        }
        let now = T::ActiveBlocks::get();
        let agenda = Agenda::<T>::get();
        let count: u32 = agenda.len().saturated_into();
        let start = NextTurn::<T>::get().checked_rem(count).unwrap_or(0);
        let mut first = start.saturating_add(1);
        for turn in 0..count {
            let index = start.saturating_add(turn).checked_rem(count).unwrap_or(0);
            let Some((id, wake)) = agenda.get(index.saturated_into::<usize>()).copied() else { continue };
            if wake > now {
                continue;
            }
            if !meter.can_consume(Self::least()) {
                // This one is the first next time.
                first = index;
                break;
            }
            meter.consume(T::WeightInfo::turn());
            if Self::advance(id, meter, TURN).cut {
                // It goes on where it was, first next time; unless it was the first of this block already: others get their turn.
                first = if turn == 0 { first } else { index };
                break;
            }
        }
        NextTurn::<T>::put(first);
        for _ in 0..COMPACTIONS {
            if meter.try_consume(T::WeightInfo::compact()).is_err() || !Self::compact_tickets() {
                break;
            }
        }
    }

    /// The least weight with which any step is possible.
    pub(crate) fn least() -> Weight {
        let steps = T::WeightInfo::run_step(sabha_protocol::spec::limits::SLOTS.into())
            .max(T::WeightInfo::slot_step())
            .max(T::WeightInfo::round_step())
            .max(T::WeightInfo::settle_step());
        steps.saturating_add(T::WeightInfo::turn())
    }

    /// Takes at most `most` steps for a run, as far as the meter lets, and notes when it is to be looked at again.
    pub(crate) fn advance(id: RunId, meter: &mut WeightMeter, most: u32) -> Progressed {
        let mut pass = Passes::<T>::take(id).unwrap_or(Pass::START);
        let mut done = Progressed { made: 0, complete: false, cut: false };
        let Ok(scene) = Scene::of::<T>(id) else { return Progressed { complete: true, ..done } };
        for taken in 0u32.. {
            done.cut = taken < most && meter.try_consume(Self::weight_of(&scene, pass.place)).is_err();
            if taken >= most || done.cut {
                Passes::<T>::insert(id, pass);
                Self::set_wake(id, scene.now);
                return done;
            }
            let step = Self::step(&scene, pass.place);
            pass.made |= step.made;
            done.made = done.made.saturating_add(step.made.into());
            if step.wake > scene.now {
                pass.wake = pass.wake.min(step.wake);
            }
            match step.next {
                Some(place) => pass.place = place,
                None if pass.made && Runs::<T>::get(id).is_some_and(|run| !run.status.is_over()) => {
                    pass = Pass::START;
                }
                None => {
                    Self::set_wake(id, pass.wake);
                    done.complete = true;
                    return done;
                }
            }
        }
        done
    }

    fn weight_of(scene: &Scene, place: Place) -> Weight {
        match place {
            Place::Run => T::WeightInfo::run_step(scene.terms.rounds.slots.into()),
            Place::Slots(..) => T::WeightInfo::slot_step(),
            Place::Round(_) => T::WeightInfo::round_step(),
            Place::Seats(..) | Place::Settlement(..) | Place::Attesters(..) | Place::Close(_) => {
                T::WeightInfo::settle_step()
            }
        }
    }

    /// One step. A defect changes nothing, and the pass goes on behind it: what it concerns waits, all else does not.
    fn step(scene: &Scene, place: Place) -> Step {
        let taken = with_storage_layer(|| match place {
            Place::Run => Self::run_step(scene),
            Place::Slots(key, from) => Self::slot_step(scene, key, from),
            Place::Round(key) => Self::round_step(scene, key),
            Place::Seats(key, at) => Self::seat_step(scene, key, at),
            Place::Settlement(key, at) => Self::settlement_step(scene, key, at),
            Place::Attesters(key, at) => Self::attester_step(scene, key, at),
            Place::Close(key) => Self::close_step(scene, key),
        });
        taken.unwrap_or_else(|error: DispatchError| {
            frame_support::defensive!("a step of a run is refused", error);
            let wake = scene.now.saturating_add(RETRY);
            Step { next: Self::after(scene, place), made: false, wake }
        })
    }

    /// Where a pass goes on behind a place.
    fn after(scene: &Scene, place: Place) -> Option<Place> {
        match place {
            Place::Run => Self::first_round(scene.id, None),
            Place::Slots(key, from) => Some(Place::Slots(key, from.saturating_add(1))),
            Place::Round(key) => Self::first_round(scene.id, Some(key)),
            Place::Seats(key, at) => Some(Place::Seats(key, at.saturating_add(1))),
            Place::Settlement(key, at) => Some(Place::Settlement(key, at.saturating_add(1))),
            Place::Attesters(key, at) => Some(Place::Attesters(key, at.saturating_add(1))),
            Place::Close(key) => Self::first_round(scene.id, Some(key)),
        }
    }

    /// The place of the first round of a run, or of the one behind `key`.
    pub(crate) fn first_round(id: RunId, key: Option<RoundKey>) -> Option<Place> {
        let progress = Runs::<T>::get(id)?.progress;
        let live = progress.open.iter().chain(progress.settling.iter());
        let next = live.filter(|live| key.is_none_or(|key| **live > key)).min();
        next.map(|key| Place::Slots(*key, 0))
    }

    /// How many places for attesters a round has over all panels.
    pub(crate) fn attester_places(scene: &Scene) -> u16 {
        scene.terms.audit.attesters.saturating_mul(PANELS.into())
    }

    /// Notes when a run is to be looked at.
    pub(crate) fn set_wake(id: RunId, at: ActiveBlock) {
        Agenda::<T>::mutate(|agenda| {
            if let Some((_, wake)) = agenda.iter_mut().find(|(run, _)| *run == id) {
                *wake = at;
            }
        });
    }

    /// Notes that a run is to be looked at in `at` at the latest. A pass that was interrupted has not seen what is new: it begins
    /// anew at its end.
    pub(crate) fn wake(id: RunId, at: ActiveBlock) {
        Passes::<T>::mutate_extant(id, |pass| pass.made = true);
        let later = Agenda::<T>::get().iter().any(|(run, wake)| *run == id && *wake > at);
        if later {
            Self::set_wake(id, at);
        }
    }

    /// What a poke does.
    ///
    /// # Errors
    /// If there is no such run, or nothing is due for it.
    pub(crate) fn do_poke(id: RunId) -> Result<(u32, Weight), DispatchErrorWithPostInfo> {
        let mut meter = WeightMeter::with_limit(T::WorkWeight::get());
        meter.consume(T::WeightInfo::turn());
        Self::poke_within(id, &mut meter)
            .map(|made| (made, meter.consumed()))
            .map_err(|error| error.with_weight(meter.consumed()))
    }

    fn poke_within(id: RunId, meter: &mut WeightMeter) -> Result<u32, Error<T>> {
        let mut run = Runs::<T>::get(id).ok_or(Error::<T>::NoSuchRun)?;
        if run.status.is_over() {
            let before = run.progress.escrow;
            Self::refund(id, &mut run);
            frame_support::ensure!(run.progress.escrow < before, Error::<T>::NothingDue);
            Self::note_end(id, &run);
            Runs::<T>::insert(id, run);
            meter.consume(T::WeightInfo::settle_step());
            return Ok(1);
        }
        let done = Self::advance(id, meter, u32::MAX);
        // An interrupted pass that changed nothing so far is kept, but paid for.
        frame_support::ensure!(done.made > 0 || !done.complete, Error::<T>::NothingDue);
        Ok(done.made)
    }
}
