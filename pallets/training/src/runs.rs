//! Runs: from the escrow of a budget to the last payment.

use frame_support::{
    ensure,
    pallet_prelude::{DispatchError, DispatchResult},
    traits::{
        Get,
        fungible::Inspect,
        tokens::{DepositConsequence, Provenance},
    },
};
use sabha_protocol::{
    Balance, Generation, Outcome, RoundIndex, RunId, RunSpec, Slot, SlotEvent, SlotId, SlotIndex, SlotState,
    spec::ClockSpec,
};
use sp_arithmetic::traits::SaturatedConversion;
use sp_runtime::ArithmeticError;

use crate::{
    Config, Due, Error, Event, NextRunId, OpenRuns, Pallet, PauseReason, ReadyCount, Run, RunOf, RunStatus,
    Runs, SlotPosition, Slots, Specs, WorkerStatus, Workers,
};

/// The only slot of a round: numerics version 0 has no aggregation.
const ONLY_SLOT: SlotIndex = 0;

/// The place of a round's only slot.
pub(crate) fn position(round: RoundIndex) -> SlotPosition {
    SlotPosition { round, slot: ONLY_SLOT }
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_create_run(owner: T::AccountId, spec: RunSpec, budget: Balance) -> DispatchResult {
        spec.check().map_err(Error::<T>::from)?;
        // Nothing here aggregates yet.
        ensure!(spec.rounds.slots == 1, Error::<T>::SpecSlots);
        ensure!(spec.price_per_slot >= T::Currency::minimum_balance(), Error::<T>::PriceTooLow);
        Self::check_clocks(&spec.clocks)?;
        ensure!(budget >= spec.cost(), Error::<T>::BudgetTooLow);
        let open = OpenRuns::<T>::get();
        ensure!(open < T::MaxRuns::get(), Error::<T>::TooManyRuns);
        let id = NextRunId::<T>::get();
        let next = id.checked_add(1).ok_or(ArithmeticError::Overflow)?;
        Self::pay_in(&owner, budget)?;

        NextRunId::<T>::put(next);
        OpenRuns::<T>::put(open.saturating_add(1));
        let spec_hash = spec.hash();
        let run = Run {
            owner: owner.clone(),
            spec_hash,
            status: RunStatus::Active,
            escrow: budget,
            paid: 0,
            rounds: spec.rounds.count,
            next_round: 0,
            generation: 0,
            finalised: 0,
            checkpoint: None,
        };
        Runs::<T>::insert(id, run);
        Specs::<T>::insert(id, spec);
        Self::deposit_event(Event::RunCreated { run: id, owner, spec_hash, budget });
        Ok(())
    }

    /// Whether workers can keep to a run's clocks, and are not tied to it for too long.
    fn check_clocks(clocks: &ClockSpec) -> Result<(), Error<T>> {
        let window: u32 = T::Window::get().saturated_into();
        let longest = window.saturating_mul(T::MaxWindows::get());
        let least: u32 = T::MinTraining::get().saturated_into();
        ensure!(clocks.training >= least, Error::<T>::TrainingTooShort);
        ensure!(clocks.window >= window, Error::<T>::WindowTooShort);
        ensure!(clocks.training <= longest && clocks.window <= longest, Error::<T>::ClockTooLong);
        Ok(())
    }

    pub(crate) fn do_top_up_run(from: T::AccountId, id: RunId, amount: Balance) -> DispatchResult {
        let mut run = Runs::<T>::get(id).ok_or(Error::<T>::NoSuchRun)?;
        ensure!(run.status.is_open(), Error::<T>::RunClosed);
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        Self::pay_in(&from, amount)?;
        run.escrow = run.escrow.saturating_add(amount);
        Runs::<T>::insert(id, run);
        Self::deposit_event(Event::RunToppedUp { run: id, from, amount });
        Ok(())
    }

    pub(crate) fn do_pause_run(id: RunId) -> DispatchResult {
        let mut run = Runs::<T>::get(id).ok_or(Error::<T>::NoSuchRun)?;
        ensure!(run.status.is_open(), Error::<T>::RunClosed);
        ensure!(run.status != RunStatus::Paused, Error::<T>::AlreadyPaused);
        run.status = RunStatus::Paused;
        Runs::<T>::insert(id, run);
        Self::deposit_event(Event::RunPaused { run: id, reason: PauseReason::Decided });
        Ok(())
    }

    pub(crate) fn do_resume_run(id: RunId) -> DispatchResult {
        let mut run = Runs::<T>::get(id).ok_or(Error::<T>::NoSuchRun)?;
        ensure!(run.status.is_open(), Error::<T>::RunClosed);
        ensure!(run.status == RunStatus::Paused, Error::<T>::NotPaused);
        run.status = RunStatus::Active;
        Runs::<T>::insert(id, run);
        Self::deposit_event(Event::RunResumed { run: id });
        Ok(())
    }

    pub(crate) fn do_stop_run(id: RunId) -> DispatchResult {
        let mut run = Runs::<T>::get(id).ok_or(Error::<T>::NoSuchRun)?;
        ensure!(run.status.is_open(), Error::<T>::RunClosed);
        run.status = RunStatus::Stopping;
        Self::deposit_event(Event::RunStopping { run: id });
        if let Some(slot) = Slots::<T>::take(id, position(run.next_round)) {
            if let Some(mut worker) = Workers::<T>::get(&slot.worker) {
                Self::leave_slot(&slot.worker, &mut worker);
                Workers::<T>::insert(&slot.worker, worker);
            }
            Self::deposit_event(Event::SlotReleased {
                slot: position(run.next_round).of_run(id),
                generation: slot.generation,
                worker: slot.worker,
            });
        }
        Self::close_if_over(id, &mut run);
        Runs::<T>::insert(id, run);
        Ok(())
    }

    pub(crate) fn do_commit(
        who: T::AccountId,
        id: SlotId,
        generation: Generation,
        outcome: Outcome,
    ) -> DispatchResult {
        let (owner, mut worker) = Self::resolve(who)?;
        let mut slot = Slots::<T>::get(id.run, SlotPosition::from(id)).ok_or(Error::<T>::NoSuchSlot)?;
        let mut run = Runs::<T>::get(id.run).ok_or(Error::<T>::NoSuchRun)?;
        let spec = Specs::<T>::get(id.run).ok_or(Error::<T>::NoSuchRun)?;
        let (steps, window) = (spec.rounds.inner_steps, spec.clocks.window);
        let now = T::ActiveBlocks::get();
        slot.commit(&owner, generation, outcome, now, steps, window).map_err(Error::<T>::from)?;
        Slots::<T>::insert(id.run, SlotPosition::from(id), slot);

        worker.outstanding = worker.outstanding.saturating_add(1);
        Self::leave_slot(&owner, &mut worker);
        Workers::<T>::insert(&owner, worker);
        Self::deposit_event(Event::SlotCommitted {
            slot: id,
            generation,
            worker: owner,
            outcome,
            final_at: now.saturating_add(window),
        });

        run.next_round = run.next_round.saturating_add(1);
        run.generation = 0;
        match outcome {
            Outcome::Trained(commitment) => run.checkpoint = Some(commitment.update_digest),
            Outcome::Diverged(_) if run.status == RunStatus::Active => {
                run.status = RunStatus::Paused;
                Self::deposit_event(Event::RunPaused { run: id.run, reason: PauseReason::Diverged });
            }
            Outcome::Diverged(_) => {}
        }
        Runs::<T>::insert(id.run, run);
        Ok(())
    }

    /// Do what is due for the run; returns the number of rounds that became final.
    pub(crate) fn do_poke(id: RunId) -> Result<u32, DispatchError> {
        let mut run = Runs::<T>::get(id).ok_or(Error::<T>::NoSuchRun)?;
        let due = Self::due_of(id, &run);
        ensure!(due.any(), Error::<T>::NothingDue);
        if due.refund {
            Self::refund(id, &mut run);
        } else {
            let spec = Specs::<T>::get(id).ok_or(Error::<T>::NoSuchRun)?;
            for _ in 0..due.finalise {
                Self::finalise_next(id, &mut run, spec.price_per_slot)?;
            }
            if due.expire {
                Self::expire_slot(id, &mut run)?;
            }
            if due.open {
                Self::open_slot(id, &run, spec.clocks.training)?;
            }
            Self::close_if_over(id, &mut run);
        }
        Runs::<T>::insert(id, run);
        Ok(due.finalise)
    }

    /// What a poke of the run would do now; nothing if there is no such run.
    pub(crate) fn due_now(id: RunId) -> Due {
        Runs::<T>::get(id).map(|run| Self::due_of(id, &run)).unwrap_or_default()
    }

    fn due_of(id: RunId, run: &RunOf<T>) -> Due {
        if run.status.is_over() {
            let takes = T::Currency::can_deposit(&run.owner, run.escrow, Provenance::Extant);
            let refund = run.escrow > 0 && takes == DepositConsequence::Success;
            return Due { refund, ..Due::default() };
        }
        let now = T::ActiveBlocks::get();
        let event = |round| Slots::<T>::get(id, position(round)).map(|slot| slot.due(now));
        let finalise = (run.finalised..run.next_round)
            .take(T::MaxUnfinalised::get().saturated_into())
            .take_while(|round| matches!(event(*round), Some(SlotEvent::Final(_))))
            .count()
            .saturated_into::<u32>();
        let current = event(run.next_round);
        let expire = current == Some(SlotEvent::Expired);
        let open = run.status == RunStatus::Active
            && run.next_round < run.rounds
            && (current.is_none() || expire)
            && run.unfinalised().saturating_sub(finalise) < T::MaxUnfinalised::get()
            && ReadyCount::<T>::get() > 0;
        Due { finalise, expire, open, refund: false }
    }

    /// Make the first round that is not final so, and pay for it.
    fn finalise_next(id: RunId, run: &mut RunOf<T>, price: Balance) -> DispatchResult {
        let position = position(run.finalised);
        let slot = Slots::<T>::take(id, position).ok_or(Error::<T>::NoSuchSlot)?;
        let SlotState::Committed { outcome, .. } = slot.state else {
            return Err(Error::<T>::NothingDue.into());
        };
        let mut worker = Workers::<T>::get(&slot.worker).ok_or(Error::<T>::NoSuchWorker)?;
        run.escrow = run.escrow.checked_sub(price).ok_or(ArithmeticError::Underflow)?;
        run.paid = run.paid.saturating_add(price);
        run.finalised = run.finalised.saturating_add(1);
        worker.outstanding = worker.outstanding.saturating_sub(1);
        worker.completed = worker.completed.saturating_add(1);
        Self::deposit_event(Event::SlotFinalised {
            slot: position.of_run(id),
            generation: slot.generation,
            worker: slot.worker.clone(),
            outcome,
        });
        Self::pay_worker(&slot.worker, &mut worker, price);
        Workers::<T>::insert(&slot.worker, worker);
        Ok(())
    }

    /// Take the slot of the open round from the worker that missed its deadline.
    fn expire_slot(id: RunId, run: &mut RunOf<T>) -> DispatchResult {
        let position = position(run.next_round);
        let slot = Slots::<T>::take(id, position).ok_or(Error::<T>::NoSuchSlot)?;
        let mut worker = Workers::<T>::get(&slot.worker).ok_or(Error::<T>::NoSuchWorker)?;
        // Not ready again by itself: the worker may well be gone.
        worker.status = WorkerStatus::Idle;
        worker.assigned = None;
        worker.failed = worker.failed.saturating_add(1);
        Workers::<T>::insert(&slot.worker, worker);
        // It may wrap: a commitment is a signed transaction, which the account's nonce keeps from being replayed.
        run.generation = run.generation.wrapping_add(1);
        Self::deposit_event(Event::SlotExpired {
            slot: position.of_run(id),
            generation: slot.generation,
            worker: slot.worker,
        });
        Ok(())
    }

    /// Assign the slot of the open round to a ready worker, which has `clock` active blocks for it.
    fn open_slot(id: RunId, run: &RunOf<T>, clock: u32) -> DispatchResult {
        let (position, generation) = (position(run.next_round), run.generation);
        let now = T::ActiveBlocks::get();
        let worker = Self::draw_worker(position.of_run(id), generation).ok_or(Error::<T>::NothingDue)?;
        Slots::<T>::insert(id, position, Slot::assign(worker.clone(), generation, now, clock));
        Self::deposit_event(Event::SlotAssigned {
            slot: position.of_run(id),
            generation,
            worker,
            deadline: now.saturating_add(clock),
        });
        Ok(())
    }

    /// End the run if nothing of it is left to become final: remove its specification and return what is left of its budget.
    fn close_if_over(id: RunId, run: &mut RunOf<T>) {
        let completed = run.finalised >= run.rounds;
        if !completed && (run.status != RunStatus::Stopping || run.unfinalised() > 0) {
            return;
        }
        Specs::<T>::remove(id);
        OpenRuns::<T>::mutate(|open| *open = open.saturating_sub(1));
        let (checkpoint, paid, finalised) = (run.checkpoint, run.paid, run.finalised);
        run.status = if completed { RunStatus::Completed } else { RunStatus::Stopped };
        Self::deposit_event(if completed {
            Event::RunCompleted { run: id, checkpoint, paid }
        } else {
            Event::RunStopped { run: id, finalised, checkpoint, paid }
        });
        Self::refund(id, run);
    }
}
