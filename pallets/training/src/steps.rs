//! Steps of a pass that move a run on: opening a round, its slots, its next transition.

use alloc::vec::Vec;

use sabha_protocol::{
    RoundKey, SlotSet,
    audit::Audits,
    defaults::{DRAW_LAG, RETRY},
    draw::tickets::can_draw,
    pool::{PoolId, RewardPools},
    round::{Due, Effects, Phase, ProgressError, Slot, SlotState},
};
use sp_arithmetic::traits::SaturatedConversion;
use sp_runtime::DispatchError;

use crate::{
    Attesters, Config, Error, Event, Pallet, Place, RoundOf, Rounds, RunOf, RunStatus, Runs, Scheduler,
    Seats, Slots, TicketHead, Workers, effects::Scene, work::Step,
};

/// No deadline.
const NEVER: u32 = 0;

impl<T: Config> Pallet<T> {
    /// Freezes the set for the next round, opens the round, or ends the run.
    pub(crate) fn run_step(scene: &Scene) -> Result<Step, DispatchError> {
        let mut run = Runs::<T>::get(scene.id).ok_or(Error::<T>::NoSuchRun)?;
        let ended = Self::end_if_over(scene, &mut run);
        let (mut made, mut run_waits) = (ended, false);
        if !ended && run.status == RunStatus::Open {
            made |= run.progress.freeze(&scene.terms, scene.session);
            let opened = Self::open_round(scene, &mut run);
            run_waits = !opened && run.progress.can_open(&scene.terms, scene.session).is_ok();
            made |= opened;
        }
        if made {
            Runs::<T>::insert(scene.id, run);
        }
        let next = if ended { None } else { Self::first_round(scene.id, None) };
        // It may wait for its turn.
        let waits = !ended && run_waits;
        let wake = if waits { scene.now.saturating_add(RETRY) } else { NEVER };
        Ok(Step { next, made, wake })
    }

    /// Opens the next round, if it can be. Returns whether anything changed.
    fn open_round(scene: &Scene, run: &mut RunOf<T>) -> bool {
        let Ok(frozen) = run.progress.can_open(&scene.terms, scene.session) else { return false };
        let (ready, before) = (TicketHead::<T>::get().len_before(frozen), run.pause());
        // A run that cannot open its round for want of workers or money waits for no turn.
        let can = ready >= u32::from(scene.terms.rounds.quorum) && run.progress.covers_next(&scene.terms);
        if can && !Self::is_next(scene.id) {
            return false;
        }
        match run.progress.open::<T::AccountId>(&scene.terms, ready, scene.now, scene.session) {
            Ok(round) => {
                let key = round.key;
                for index in 0..scene.terms.rounds.slots {
                    Slots::<T>::insert((scene.id, key, index), Slot::vacant(&scene.terms, key));
                }
                Self::deposit_event(Event::RoundOpened { run: scene.id, round: key, base: round.base });
                Self::note_demand(0, Self::demand(scene.id, &round));
                T::Scheduler::opened(
                    scene.id,
                    scene.terms.rounds.count.saturating_sub(run.progress.next.round),
                );
                Rounds::<T>::insert(scene.id, key, round);
                true
            }
            Err(ProgressError::Escrow) => {
                Self::note_pause(scene.id, before, run);
                true
            }
            Err(ProgressError::TooFewWorkers) => true,
            Err(_) => false,
        }
    }

    /// Expires, lapses and assigns the next slot, from `from` on, that may need it.
    pub(crate) fn slot_step(scene: &Scene, key: RoundKey, from: u16) -> Result<Step, DispatchError> {
        let round = Rounds::<T>::get(scene.id, key).ok_or(Error::<T>::NoSuchRound)?;
        let Some(index) = Self::waiting(&round).iter().find(|index| *index >= from) else {
            return Ok(Step { next: Some(Place::Round(key)), made: false, wake: NEVER });
        };
        let next = Some(Place::Slots(key, index.saturating_add(1)));
        let (mut round, mut slot) = Self::load(scene.id, key, index)?;
        let (terms, now) = (&scene.terms, scene.now);
        let mut effects = Effects::new();
        let mut made = false;
        let id = Self::slot_id(scene, key, index);
        if round.can_expire(terms, &slot, now) {
            let worker = slot.worker().cloned();
            let generation = slot.generation;
            effects.extend(round.expire(terms, index, &mut slot, now).map_err(Error::<T>::from)?);
            if let Some(worker) = &worker {
                Self::count_training(worker, -1)?;
            }
            Self::deposit_event(Event::SlotExpired { slot: id, generation, worker });
            made = true;
        }
        if slot.checks.has_lapsed(now) {
            effects.extend(round.lapse(terms, index, &mut slot, now).map_err(Error::<T>::from)?);
            Self::deposit_event(Event::DisagreementLapsed { slot: id });
            made = true;
        }
        let mut run = Runs::<T>::get(scene.id).ok_or(Error::<T>::NoSuchRun)?;
        if made {
            // Before the draw: a worker that is released here may be drawn again.
            Self::put(scene, &mut run, round, core::mem::take(&mut effects))?;
            round = Rounds::<T>::get(scene.id, key).ok_or(Error::<T>::NoSuchRound)?;
            if !round.open.contains(index) {
                Self::forget_unserved(scene.id, key, index);
            }
        }
        let mut wake = NEVER;
        if slot.state == SlotState::Vacant {
            let drawn = round.slot_draw(terms, index, slot.generation, scene.session);
            let word = drawn.1.saturating_add(DRAW_LAG);
            wake = now.saturating_add(RETRY);
            if let Some(worker) =
                Self::draw(drawn, terms.stake, |_, worker| worker.training < worker.capacity)
                && let Ok(effects) = round.assign(terms, &mut slot, worker.clone(), now)
            {
                Self::note_served(scene.id, key, index, true);
                Self::put(scene, &mut run, round, effects)?;
                Self::count_training(&worker, 1)?;
                let generation = slot.generation;
                let deadline = now.saturating_add(terms.clocks.training);
                Self::deposit_event(Event::SlotAssigned { slot: id, generation, worker, deadline });
                made = true;
            } else if matches!(round.phase, Phase::Training { .. }) && Self::word(word).is_some() {
                Self::note_served(scene.id, key, index, false);
            }
        }
        let mut deadlines = alloc::vec![wake];
        if let SlotState::Assigned { until, .. } = slot.state {
            deadlines.push(until.saturating_add(1));
        }
        if slot.checks.is_disputed() {
            deadlines.push(slot.checks.lapses.saturating_add(1));
        }
        if made {
            Slots::<T>::insert((scene.id, key, index), slot);
        }
        Ok(Step { next, made, wake: Self::earliest(scene, deadlines) })
    }

    /// Slots of a round that time can do something to.
    fn waiting(round: &RoundOf<T>) -> SlotSet {
        let mut waiting = round.open;
        if round.has_disputed_slots() {
            round.committed.iter().for_each(|slot| waiting.insert(slot));
        }
        waiting
    }

    /// Makes the next transition of a round, if one is due.
    pub(crate) fn round_step(scene: &Scene, key: RoundKey) -> Result<Step, DispatchError> {
        let mut run = Runs::<T>::get(scene.id).ok_or(Error::<T>::NoSuchRun)?;
        let mut round = Rounds::<T>::get(scene.id, key).ok_or(Error::<T>::NoSuchRound)?;
        let first = run.progress.open.first() == Some(&key);
        let behind = |round: &RoundOf<T>| match round.phase {
            Phase::Final | Phase::Voided => Some(Place::Seats(key, 0)),
            _ => Self::first_round(scene.id, Some(key)),
        };
        let Some(due) = round.due(&scene.terms, first, scene.now, scene.session) else {
            let wake = Self::earliest(scene, Self::deadlines(&round));
            return Ok(Step { next: behind(&round), made: false, wake });
        };
        let before = round.clone();
        match Self::make(scene, &mut run, &mut round, due)? {
            Some(effects) => {
                Self::put(scene, &mut run, round.clone(), effects)?;
                Self::note_phase(scene, &before, &round);
                Ok(Step { next: Some(Place::Round(key)), made: true, wake: NEVER })
            }
            // Nobody could be drawn. What else is due for the round waits behind it.
            None => {
                let wake = scene.now.saturating_add(RETRY);
                Ok(Step { next: behind(&round), made: false, wake })
            }
        }
    }

    /// Makes a transition. None if nobody can be drawn for it now.
    fn make(
        scene: &Scene,
        run: &mut RunOf<T>,
        round: &mut RoundOf<T>,
        due: Due,
    ) -> Result<Option<Effects<T::AccountId>>, DispatchError> {
        let (terms, now, session, key) = (&scene.terms, scene.now, scene.session, round.key);
        let refused = Error::<T>::from;
        let mut effects = Effects::new();
        match due {
            Due::CloseTraining => {
                effects = round.close_training(terms, now, session).map_err(refused)?;
            }
            Due::SeatAttester(place) => Self::seat_attester(scene, round, place)?,
            Due::CloseAvailability => {
                let reports = Self::reports(scene, round);
                effects = round.close_availability(terms, &reports, now).map_err(refused)?;
            }
            Due::SeatAggregator(_) => {
                let drawn = round.aggregator_draw(terms, session).ok_or(Error::<T>::NotDue)?;
                let Some(worker) = Self::draw(drawn, terms.stake, |_, _| true) else { return Ok(None) };
                effects = round.seat_aggregator(terms, worker, now).map_err(refused)?;
            }
            Due::SkipAggregator => effects = round.skip_aggregator(terms, now).map_err(refused)?,
            Due::LapseRoot => {
                effects = round.lapse_root(terms, now).map_err(refused)?;
                Self::deposit_event(Event::AggregationLapsed { run: scene.id, round: key });
            }
            Due::BeginAudits => {
                let Audits::Waiting { frozen } = round.audits else {
                    return Err(Error::<T>::NotDue.into());
                };
                let Some(word) = Self::word(frozen.saturating_add(DRAW_LAG)) else { return Ok(None) };
                round.begin_audits(word, session).map_err(refused)?;
            }
            Due::RefreezeAudits => round.refreeze_audits(session).map_err(refused)?,
            Due::SeatAuditor(place) => effects = Self::seat_auditor(scene, round, place)?,
            Due::CloseSeals => round.close_seals(terms, now).map_err(refused)?,
            Due::CloseLeaves => round.close_leaves(terms, now).map_err(refused)?,
            Due::FailLeaves(index) => {
                let (_, mut slot) = Self::load(scene.id, key, index)?;
                effects = round.fail_leaves(terms, index, &mut slot, now).map_err(refused)?;
                Slots::<T>::insert((scene.id, key, index), slot);
                Self::deposit_event(Event::LeavesMissing { slot: Self::slot_id(scene, key, index) });
            }
            Due::CloseReveals => round.close_reveals(terms, now).map_err(refused)?,
            Due::Finish => run.progress.finish(round, now).map_err(Error::<T>::from)?,
        }
        Ok(Some(effects))
    }

    /// Draws for a place of the round's panel of attesters; the place stays empty if nobody can be drawn.
    fn seat_attester(scene: &Scene, round: &mut RoundOf<T>, place: u16) -> Result<(), DispatchError> {
        let (terms, key) = (&scene.terms, round.key);
        let drawn = round.attester_draw(terms, place, scene.session).ok_or(Error::<T>::NotDue)?;
        let own = Self::workers_of(scene, round);
        let worker = Self::draw(drawn, 0, |worker, _| !own.contains(worker));
        let Some(attester) = round.seat_attester(terms, worker, scene.now).map_err(Error::<T>::from)? else {
            return Ok(());
        };
        let mut worker = Workers::<T>::get(&attester.worker).ok_or(Error::<T>::NoSuchWorker)?;
        worker.attesting = worker.attesting.saturating_add(1);
        Workers::<T>::insert(&attester.worker, worker);
        let until = match round.phase {
            Phase::Availability { until, .. } => until,
            _ => NEVER,
        };
        Self::deposit_event(Event::AttesterDrawn {
            run: scene.id,
            round: key,
            place,
            worker: attester.worker.clone(),
            until,
        });
        Attesters::<T>::insert((scene.id, key, attester.panel, place), attester);
        Ok(())
    }

    /// Draws for a seat; it stays empty if nobody can be drawn.
    fn seat_auditor(
        scene: &Scene,
        round: &mut RoundOf<T>,
        place: u16,
    ) -> Result<Effects<T::AccountId>, DispatchError> {
        let (terms, key) = (&scene.terms, round.key);
        let index = round.audited_slot(terms, place).ok_or(Error::<T>::NotDue)?;
        let (_, mut slot) = Self::load(scene.id, key, index)?;
        let drawn = round.auditor_draw(terms, place).ok_or(Error::<T>::NotDue)?;
        let own = slot.worker().cloned();
        let auditor = if can_draw(drawn.1, scene.session) {
            Self::draw(drawn, terms.audit.auditor_stake, |worker, _| own.as_ref() != Some(worker))
        } else {
            None
        };
        let (seat, effects) =
            round.seat_auditor(terms, index, &mut slot, auditor, scene.now).map_err(Error::<T>::from)?;
        Slots::<T>::insert((scene.id, key, index), slot);
        if let Some(seat) = seat {
            Self::deposit_event(Event::AuditorDrawn {
                slot: Self::slot_id(scene, key, index),
                attempt: key.attempt,
                place,
                auditor: seat.auditor.clone(),
            });
            Seats::<T>::insert((scene.id, key, place), seat);
        }
        Ok(effects)
    }

    /// Counts a slot that a worker has begun (1) or left (-1).
    pub(crate) fn count_training(owner: &T::AccountId, by: i16) -> Result<(), DispatchError> {
        let mut worker = Workers::<T>::get(owner).ok_or(Error::<T>::NoSuchWorker)?;
        worker.training = worker.training.checked_add_signed(by).ok_or(Error::<T>::Books)?;
        Workers::<T>::insert(owner, worker);
        Ok(())
    }

    /// The workers of a round's slots.
    fn workers_of(scene: &Scene, round: &RoundOf<T>) -> Vec<T::AccountId> {
        let committed = round.committed.iter();
        committed
            .filter_map(|index| Slots::<T>::get((scene.id, round.key, index))?.worker().cloned())
            .collect()
    }

    /// What the current panel has reported.
    fn reports(scene: &Scene, round: &RoundOf<T>) -> Vec<SlotSet> {
        let Phase::Availability { panel, tried, .. } = round.phase else { return Vec::new() };
        (0..tried)
            .filter_map(|place| Attesters::<T>::get((scene.id, round.key, panel, place))?.report)
            .collect()
    }

    /// Deadlines of a round, one block later: when a transition is due.
    fn deadlines(round: &RoundOf<T>) -> Vec<u32> {
        let phase = match &round.phase {
            Phase::Training { until }
            | Phase::Availability { until, .. }
            | Phase::Aggregating { until, .. }
            | Phase::Window { until } => Some(*until),
            Phase::Final | Phase::Voided => None,
        };
        let audits = match round.audits {
            Audits::Sealing { until } | Audits::Publishing { until } | Audits::Revealing { until } => {
                Some(until)
            }
            Audits::NotYet | Audits::Waiting { .. } | Audits::Seating { .. } | Audits::Done => None,
        };
        let root = (round.root_challenges > 0).then_some(round.root_lapses);
        phase.into_iter().chain(audits).chain(root).map(|until| until.saturating_add(1)).collect()
    }

    /// The earliest of the deadlines that is still to come; 0 if none is.
    fn earliest(scene: &Scene, deadlines: Vec<u32>) -> u32 {
        deadlines.into_iter().filter(|deadline| *deadline > scene.now).min().unwrap_or(NEVER)
    }

    /// Says how far a round has come.
    fn note_phase(scene: &Scene, before: &RoundOf<T>, round: &RoundOf<T>) {
        let (run, key) = (scene.id, round.key);
        if core::mem::discriminant(&before.phase) != core::mem::discriminant(&round.phase) {
            Self::deposit_event(match &round.phase {
                Phase::Final => Event::RoundFinalised {
                    run,
                    round: key,
                    checkpoint: round.result.clone().map(|(checkpoint, _)| checkpoint),
                },
                _ => Event::RoundAdvanced {
                    run,
                    round: key,
                    phase: round.phase.clone(),
                    accepted: round.accepted,
                },
            });
        } else if before.phase != round.phase
            && let Phase::Aggregating { turn, aggregator: Some(worker), until } = &round.phase
        {
            Self::deposit_event(Event::AggregatorDrawn {
                run,
                round: key,
                turn: *turn,
                worker: worker.clone(),
                until: *until,
            });
        }
        if core::mem::discriminant(&before.audits) != core::mem::discriminant(&round.audits) {
            Self::deposit_event(Event::AuditsAdvanced { run, round: key, audits: round.audits });
        }
    }

    /// Ends a run whose rounds are all settled: removes its specification and returns what is left of its budget.
    fn end_if_over(scene: &Scene, run: &mut RunOf<T>) -> bool {
        let progress = &run.progress;
        let completed = progress.is_complete(&scene.terms);
        let idle = progress.open.is_empty() && progress.settling.is_empty();
        let stopped = run.status == RunStatus::Stopping && idle;
        if !completed && !stopped {
            return false;
        }
        let (finalised, checkpoint, paid) = (progress.finalised, progress.tip, run.paid);
        run.status = if completed { RunStatus::Completed } else { RunStatus::Stopped };
        crate::Specs::<T>::remove(scene.id);
        crate::Agenda::<T>::mutate(|agenda| agenda.retain(|(id, _)| *id != scene.id));
        Self::deposit_event(if completed {
            Event::RunCompleted { run: scene.id, checkpoint, paid }
        } else {
            Event::RunStopped { run: scene.id, finalised, checkpoint, paid }
        });
        if finalised == 0 {
            // Nobody has shares: nothing will ever be earned with it.
            let _ = T::Pools::close(PoolId::Compute(scene.id));
        }
        Self::burn_surplus(scene, run);
        Self::refund(scene.id, run);
        Self::note_end(scene.id, run);
        true
    }

    /// The slot's name.
    pub(crate) fn slot_id(scene: &Scene, key: RoundKey, slot: u16) -> sabha_protocol::SlotId {
        sabha_protocol::SlotId { run: scene.id, round: key.round, slot: slot.saturated_into() }
    }
}
