//! Runs: from the escrow of a budget on.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{Get, fungible::Inspect},
};
use sabha_protocol::{
    Balance, RunId, RunSpec,
    economics::{self, Assumptions},
    pool::{PoolId, RewardPools},
    round::{Checkpoint, Pause, Progress},
    spec::ClockSpec,
};
use sp_arithmetic::traits::SaturatedConversion;
use sp_runtime::{ArithmeticError, traits::BadOrigin};

use crate::{
    Agenda, Config, Error, Event, NextRunId, Pallet, Rounds, Run, RunOf, RunStatus, Runs, Specs,
    effects::Scene,
};

impl<T: Config> Pallet<T> {
    /// Whether a specification will do, here and now, for a run that begins from `base`.
    pub(crate) fn ensure_spec(spec: &RunSpec, base: Option<&Checkpoint>) -> DispatchResult {
        match base {
            None => spec.check().map_err(Error::<T>::from)?,
            Some(base) => {
                ensure!(spec.initial_checkpoint == Some(base.root), Error::<T>::SpecInitialCheckpoint);
                // Its blob is named, so workers can fetch it as that of any round before.
                let spec = RunSpec { initial_checkpoint: None, ..spec.clone() };
                spec.check().map_err(Error::<T>::from)?;
            }
        }
        economics::check(spec, &Assumptions::default()).map_err(Error::<T>::from)?;
        ensure!(spec.price_per_slot >= T::Currency::minimum_balance(), Error::<T>::PriceTooLow);
        Self::check_clocks(&spec.clocks)?;
        Ok(())
    }

    pub(crate) fn do_start_run(
        id: RunId,
        owner: &T::AccountId,
        spec: RunSpec,
        budget: Balance,
        base: Option<Checkpoint>,
    ) -> DispatchResult {
        Self::ensure_spec(&spec, base.as_ref())?;
        ensure!(!Runs::<T>::contains_key(id) && id < NextRunId::<T>::get(), Error::<T>::Books);
        let scene = Scene::with_spec::<T>(id, &spec);
        ensure!(budget >= Progress::least_budget(&scene.terms), Error::<T>::BudgetTooLow);
        let mut agenda = Agenda::<T>::get();
        agenda.try_push((id, scene.now)).map_err(|_| Error::<T>::TooManyRuns)?;
        Self::pay_in(owner, budget)?;
        T::Pools::create(PoolId::Compute(id))?;

        Agenda::<T>::put(agenda);
        let spec_hash = spec.hash();
        let run = Run {
            owner: owner.clone(),
            spec_hash,
            status: RunStatus::Open,
            rounds: spec.rounds.count,
            funded: budget,
            regained: 0,
            paid: 0,
            refunded: 0,
            kept: 0,
            progress: Progress { tip: base, ..Progress::new(budget) },
        };
        Runs::<T>::insert(id, run);
        Specs::<T>::insert(id, spec);
        Self::deposit_event(Event::RunCreated { run: id, owner: owner.clone(), spec_hash, budget });
        Ok(())
    }

    /// Whether those who are drawn can keep to a run's clocks, and are not tied to it for too long.
    fn check_clocks(clocks: &ClockSpec) -> Result<(), Error<T>> {
        let window: u32 = T::Window::get().saturated_into();
        let longest = window.saturating_mul(T::MaxWindows::get());
        let fetch: u32 = T::Availability::get().saturated_into();
        let seals: u32 = T::AuditSeals::get().saturated_into();
        // Each side's chess clock.
        let dispute = T::ChessClock::get().saturated_into::<u32>().saturating_mul(2);
        let ClockSpec {
            training,
            availability,
            aggregation,
            seals: sealing,
            leaves,
            reveals,
            dispute: disputing,
            window: open,
        } = *clocks;
        ensure!(training >= fetch, Error::<T>::TrainingTooShort);
        ensure!(open >= window, Error::<T>::WindowTooShort);
        let long_enough = [availability, aggregation, leaves, reveals].iter().all(|clock| *clock >= fetch)
            && sealing >= seals
            && disputing >= dispute;
        ensure!(long_enough, Error::<T>::ClockTooShort);
        let all = [training, availability, aggregation, sealing, leaves, reveals, disputing, open];
        ensure!(all.iter().all(|clock| *clock <= longest), Error::<T>::ClockTooLong);
        Ok(())
    }

    pub(crate) fn do_top_up_run(from: T::AccountId, id: RunId, amount: Balance) -> DispatchResult {
        let mut run = Self::open_run(id)?;
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        Self::pay_in(&from, amount)?;
        run.funded = run.funded.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
        run.progress.escrow = run.progress.escrow.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
        Self::deposit_event(Event::RunToppedUp { run: id, from, amount });
        if run.pause() == Some(Pause::Escrow) {
            run.progress.resume();
            Self::note_activity(id, Some(Pause::Escrow), run.pause());
            Self::deposit_event(Event::RunResumed { run: id });
            Self::wake(id, T::ActiveBlocks::get());
        }
        Runs::<T>::insert(id, run);
        Ok(())
    }

    pub(crate) fn do_pause_run(id: RunId) -> DispatchResult {
        let mut run = Self::open_run(id)?;
        let before = run.pause();
        ensure!(matches!(before, None | Some(Pause::Escrow)), Error::<T>::AlreadyPaused);
        run.progress.pause(Pause::Decided);
        Self::note_pause(id, before, &run);
        Runs::<T>::insert(id, run);
        Ok(())
    }

    pub(crate) fn do_resume_run(id: RunId) -> DispatchResult {
        let mut run = Self::open_run(id)?;
        let before = run.pause();
        ensure!(before.is_some(), Error::<T>::NotPaused);
        run.progress.resume();
        ensure!(run.pause().is_none(), Error::<T>::RunExhausted);
        Self::note_activity(id, before, None);
        Runs::<T>::insert(id, run);
        Self::wake(id, T::ActiveBlocks::get());
        Self::deposit_event(Event::RunResumed { run: id });
        Ok(())
    }

    /// Whether an account may stop a run by itself: its own, where nobody waits for anything of it.
    pub(crate) fn ensure_may_stop(who: &T::AccountId, id: RunId) -> DispatchResult {
        let run = Self::open_run(id)?;
        ensure!(run.owner == *who, BadOrigin);
        ensure!(run.pause().is_some() || run.progress.open.is_empty(), Error::<T>::RunAtWork);
        Ok(())
    }

    pub(crate) fn do_stop_run(id: RunId) -> DispatchResult {
        let mut run = Self::open_run(id)?;
        let before = run.pause();
        run.status = RunStatus::Stopping;
        run.progress.pause(Pause::Decided);
        Self::note_activity(id, before, run.pause());
        Self::deposit_event(Event::RunStopping { run: id });
        let scene = Scene::of::<T>(id)?;
        match run.progress.open.last().copied().and_then(|key| Rounds::<T>::get(id, key)) {
            Some(mut round) => {
                let effects = round.stop(&scene.terms, scene.now, scene.session);
                Self::put(&scene, &mut run, round, effects)?;
            }
            None => Runs::<T>::insert(id, run),
        }
        Self::wake(id, scene.now);
        Ok(())
    }

    fn open_run(id: RunId) -> Result<RunOf<T>, Error<T>> {
        let run = Runs::<T>::get(id).ok_or(Error::<T>::NoSuchRun)?;
        ensure!(run.status == RunStatus::Open, Error::<T>::RunClosed);
        Ok(run)
    }
}
