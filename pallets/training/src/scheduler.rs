//! Whose turn it is, and who is told how runs go: the part of whoever gives compute to runs (the allocation pallet).

use frame_support::{pallet_prelude::DispatchResult, storage::with_storage_layer, traits::Get};
use sabha_protocol::{
    Balance, RoundKey, RunId, RunSpec, SlotIndex, SlotSet,
    round::{Checkpoint, Pause, Phase, Progress, Terms},
};
use sp_runtime::{ArithmeticError, DispatchError};

use crate::{
    Agenda, Capacity, Config, InFlight, NextRunId, Pallet, RoundOf, RunOf, Runs, Unserved, WorkerOf,
    WorkerStatus,
};

/// Decides whose turn it is. None of these may fail, and each must do no more than is constant.
pub trait Scheduler {
    /// Whether `run` may open its next round, which it could now: its set is drawn, its checkpoint there, its escrow large enough.
    ///
    /// - `in_flight`: slots of all runs that wait for a worker, or for its result.
    /// - `capacity`: slots that all ready workers together train at a time.
    fn may_open(run: RunId, in_flight: u32, capacity: u32) -> bool;

    /// `run` has opened a round, and has so many left.
    fn opened(run: RunId, rounds: u32);

    /// The slots of a round of `run` are trained, or given up. Returns the run whose turn it is, if it waits for one.
    fn trained(run: RunId) -> Option<RunId>;

    /// `run` opens no rounds any more, or does again.
    fn paused(run: RunId, paused: bool);

    /// `run` is over: all rounds are final if `completed`; `refunded` has gone back to its owner.
    fn ended(run: RunId, completed: bool, refunded: Balance);

    /// Makes all of these as dear as they can be for `run`.
    #[cfg(feature = "runtime-benchmarks")]
    fn fill(run: RunId);
}

/// Every run opens rounds whenever it can.
impl Scheduler for () {
    fn may_open(_: RunId, _: u32, _: u32) -> bool {
        true
    }

    fn opened(_: RunId, _: u32) {}

    fn trained(_: RunId) -> Option<RunId> {
        None
    }

    fn paused(_: RunId, _: bool) {}

    fn ended(_: RunId, _: bool, _: Balance) {}

    #[cfg(feature = "runtime-benchmarks")]
    fn fill(_: RunId) {}
}

impl<T: Config> Pallet<T> {
    /// Takes the number of a run to come.
    ///
    /// # Errors
    /// If there are no more.
    pub fn reserve_run() -> Result<RunId, DispatchError> {
        let id = NextRunId::<T>::get();
        NextRunId::<T>::put(id.checked_add(1).ok_or(ArithmeticError::Overflow)?);
        Ok(id)
    }

    /// Whether a run with this specification can be created now.
    ///
    /// # Errors
    /// What is wrong with the specification.
    pub fn check_spec(spec: &RunSpec, base: Option<&Checkpoint>) -> DispatchResult {
        Self::ensure_spec(spec, base)
    }

    /// Whether one more run can be created now.
    pub fn has_room() -> bool {
        (Agenda::<T>::get().len() as u32) < T::MaxRuns::get()
    }

    /// The least budget of a run with this specification, in units of 10^-12 SBH.
    pub fn least_budget(spec: &RunSpec) -> Balance {
        Progress::least_budget(&Terms::new(0, spec))
    }

    /// Creates the run whose number was taken. `owner` pays the budget, and gets back what is left. It starts from `base` instead of what the
    /// seed gives, if there is one; the caller answers for its shape.
    ///
    /// # Errors
    /// If the specification or the budget will not do, there are too many runs, or `owner` cannot pay.
    pub fn start_run(
        id: RunId,
        owner: &T::AccountId,
        spec: RunSpec,
        budget: Balance,
        base: Option<Checkpoint>,
    ) -> DispatchResult {
        Self::do_start_run(id, owner, spec, budget, base)
    }

    /// Creates a run with the next number.
    ///
    /// # Errors
    /// As [`Self::start_run`].
    pub fn create_run(owner: &T::AccountId, spec: RunSpec, budget: Balance) -> Result<RunId, DispatchError> {
        with_storage_layer(|| {
            let id = Self::reserve_run()?;
            Self::do_start_run(id, owner, spec, budget, None)?;
            Ok(id)
        })
    }

    /// Adds to the budget of a run that was not stopped.
    ///
    /// # Errors
    /// If there is no such run, or `from` cannot pay.
    pub fn add_budget(from: &T::AccountId, id: RunId, amount: Balance) -> DispatchResult {
        Self::do_top_up_run(from.clone(), id, amount)
    }

    /// Pauses a run: no round is opened until it is resumed.
    ///
    /// # Errors
    /// If there is no such run, or it is paused.
    pub fn pause(id: RunId) -> DispatchResult {
        Self::do_pause_run(id)
    }

    /// Resumes a run.
    ///
    /// # Errors
    /// If there is no such run, it is not paused, or cannot be resumed.
    pub fn resume(id: RunId) -> DispatchResult {
        Self::do_resume_run(id)
    }

    /// Stops a run: what is open is settled, then the rest of the budget goes back to its owner.
    ///
    /// # Errors
    /// If there is no such run, or it was stopped before.
    pub fn stop(id: RunId) -> DispatchResult {
        Self::do_stop_run(id)
    }

    /// Whether a round of the run is open, or one that is over is not settled.
    pub fn is_at_work(id: RunId) -> bool {
        Runs::<T>::get(id)
            .is_some_and(|run| !(run.progress.open.is_empty() && run.progress.settling.is_empty()))
    }

    /// Slots of a round that wait for a worker, or for its result. Those that nobody can be drawn for are not counted: else a run that no
    /// worker has the stake for would hold all others up.
    pub(crate) fn demand(id: RunId, round: &RoundOf<T>) -> u32 {
        match round.phase {
            Phase::Training { .. } => {
                let unserved = Self::unserved(id, round.key);
                round.open.iter().filter(|slot| !unserved.contains(*slot)).count() as u32
            }
            _ => 0,
        }
    }

    /// Slots of an attempt at a round for which nobody could be drawn.
    fn unserved(id: RunId, key: RoundKey) -> SlotSet {
        Unserved::<T>::get(id).filter(|(of, _)| *of == key).map(|(_, slots)| slots).unwrap_or_default()
    }

    /// Notes whether somebody can be drawn for a slot of a round in training.
    pub(crate) fn note_served(id: RunId, key: RoundKey, slot: SlotIndex, served: bool) {
        let mut slots = Self::unserved(id, key);
        if slots.contains(slot) != served {
            return;
        }
        if served {
            slots.remove(slot);
            Self::note_demand(0, 1);
        } else {
            slots.insert(slot);
            Self::note_demand(1, 0);
        }
        Unserved::<T>::set(id, (!slots.is_empty()).then_some((key, slots)));
    }

    /// Notes that a slot was given up: it was not in flight if nobody could be drawn for it, and is not now.
    pub(crate) fn forget_unserved(id: RunId, key: RoundKey, slot: SlotIndex) {
        let mut slots = Self::unserved(id, key);
        if slots.contains(slot) {
            slots.remove(slot);
            Unserved::<T>::set(id, (!slots.is_empty()).then_some((key, slots)));
        }
    }

    /// Notes that slots in flight were `before`, and are `now`.
    pub(crate) fn note_demand(before: u32, now: u32) {
        if before != now {
            InFlight::<T>::mutate(|all| *all = all.saturating_sub(before).saturating_add(now));
        }
    }

    /// Notes that a run's round needs no workers any more, and wakes the run whose turn it is.
    pub(crate) fn note_trained(id: RunId) {
        Unserved::<T>::remove(id);
        if let Some(next) = T::Scheduler::trained(id) {
            Self::wake(next, T::ActiveBlocks::get());
        }
    }

    /// How many slots a worker is counted for: none if it is not ready, and no more than one for each of its tickets, so that who claims to
    /// train a thousand at a time has staked for it. A jail and what a stake answers for are not looked at: both end by time alone.
    pub(crate) fn places(worker: &WorkerOf<T>) -> u32 {
        match worker.status {
            WorkerStatus::Ready => worker.capacity.min(worker.tickets).into(),
            WorkerStatus::Idle | WorkerStatus::Unbonding { .. } => 0,
        }
    }

    /// Notes that a worker was counted for `before`, and is as it is now.
    pub(crate) fn note_places(before: u32, worker: &WorkerOf<T>) {
        let now = Self::places(worker);
        if before != now {
            Capacity::<T>::mutate(|all| *all = all.saturating_sub(before).saturating_add(now));
        }
    }

    /// Whether it is the run's turn.
    pub(crate) fn is_next(id: RunId) -> bool {
        T::Scheduler::may_open(id, InFlight::<T>::get(), Capacity::<T>::get())
    }

    /// Says that a run that is over has its money back, if it has.
    pub(crate) fn note_end(id: RunId, run: &RunOf<T>) {
        if run.progress.escrow == 0 {
            let completed = run.status == crate::RunStatus::Completed;
            T::Scheduler::ended(id, completed, run.refunded);
        }
    }

    /// Says that the run opens no rounds, or does again.
    pub(crate) fn note_activity(id: RunId, before: Option<Pause>, now: Option<Pause>) {
        if before.is_some() != now.is_some() {
            T::Scheduler::paused(id, now.is_some());
        }
    }
}
