//! What a transition of the state machine means for storage: the one place where its effects are applied.

use alloc::vec::Vec;

use frame_support::traits::Get;
use sabha_protocol::{
    ActiveBlock, RunId, RunSpec, Session,
    round::{Effect, Effects, Pause, Phase, Terms},
};
use sp_arithmetic::traits::SaturatedConversion;
use sp_runtime::DispatchResult;

use crate::{
    Config, Error, Event, OnDisagreement, Pallet, RoundOf, Rounds, RunOf, Runs, SlotOf, Specs, Workers,
};

/// What every transition needs to know.
pub(crate) struct Scene {
    /// The run.
    pub id: RunId,
    /// Its terms.
    pub terms: Terms,
    /// Active blocks.
    pub now: ActiveBlock,
    /// The session.
    pub session: Session,
}

impl Scene {
    /// The scene of a run that is not over.
    pub(crate) fn of<T: Config>(id: RunId) -> Result<Self, Error<T>> {
        let spec = Specs::<T>::get(id).ok_or(Error::<T>::NoSuchRun)?;
        Ok(Self::with_spec::<T>(id, &spec))
    }

    /// The scene of a run with this specification.
    pub(crate) fn with_spec<T: Config>(id: RunId, spec: &RunSpec) -> Self {
        let terms = Terms::new(id, spec);
        Self { id, terms, now: T::ActiveBlocks::get(), session: T::Session::get() }
    }
}

impl<T: Config> Pallet<T> {
    /// Store a round, do what its effects say, and void what was built on it if it is void now.
    ///
    /// # Errors
    /// If money or stake is not where it must be: a defect. The caller's changes must be rolled back.
    pub(crate) fn put(
        scene: &Scene,
        run: &mut RunOf<T>,
        round: RoundOf<T>,
        effects: Effects<T::AccountId>,
    ) -> DispatchResult {
        let before = run.pause();
        let mut work: Vec<(RoundOf<T>, Effects<T::AccountId>)> = alloc::vec![(round, effects)];
        while let Some((round, effects)) = work.pop() {
            let later = run.progress.apply(&round, &effects, scene.session).map_err(|_| Error::<T>::Books)?;
            let (key, now) = (round.key, Self::demand(scene.id, &round));
            let stored = Rounds::<T>::get(scene.id, key);
            let was_training =
                stored.as_ref().is_some_and(|stored| matches!(stored.phase, Phase::Training { .. }));
            Self::note_demand(stored.as_ref().map_or(0, |stored| Self::demand(scene.id, stored)), now);
            let trained = was_training && !matches!(round.phase, Phase::Training { .. });
            Rounds::<T>::insert(scene.id, key, round);
            if trained {
                Self::note_trained(scene.id);
            }
            for effect in &effects {
                Self::apply(scene, run, key, effect)?;
            }
            for key in later {
                let mut later = Rounds::<T>::get(scene.id, key).ok_or(Error::<T>::NoSuchRound)?;
                let effects = later.void_with_base(&scene.terms, scene.now, scene.session);
                if let Some(reason) = later.void {
                    Self::deposit_event(Event::RoundVoided { run: scene.id, round: key, reason });
                }
                work.push((later, effects));
            }
        }
        Self::note_pause(scene.id, before, run);
        Runs::<T>::insert(scene.id, run);
        Ok(())
    }

    /// Says that the run was paused, if it was not before.
    pub(crate) fn note_pause(id: RunId, before: Option<Pause>, run: &RunOf<T>) {
        Self::note_activity(id, before, run.pause());
        if let (None, Some(reason)) = (before, run.pause()) {
            Self::deposit_event(Event::RunPaused { run: id, reason });
        }
    }

    fn apply(
        scene: &Scene,
        run: &mut RunOf<T>,
        key: sabha_protocol::RoundKey,
        effect: &Effect<T::AccountId>,
    ) -> DispatchResult {
        match effect {
            Effect::Reserve { worker: owner, amount } => {
                let mut worker = Workers::<T>::get(owner).ok_or(Error::<T>::NoSuchWorker)?;
                frame_support::ensure!(worker.free_stake() >= *amount, Error::<T>::Books);
                worker.reserved = worker.reserved.saturating_add(*amount);
                Workers::<T>::insert(owner, worker);
            }
            Effect::Release { worker: owner, amount } => {
                let mut worker = Workers::<T>::get(owner).ok_or(Error::<T>::NoSuchWorker)?;
                worker.reserved = worker.reserved.checked_sub(*amount).ok_or(Error::<T>::Books)?;
                Workers::<T>::insert(owner, worker);
            }
            Effect::Move(moved) => Self::transfer(scene.id, run, moved)?,
            Effect::Observe { worker, good } => Self::observe(scene.now, worker, *good),
            Effect::Void(reason) => {
                Self::deposit_event(Event::RoundVoided { run: scene.id, round: key, reason: *reason });
            }
            Effect::Built(checkpoint) => {
                Self::deposit_event(Event::RootPosted { run: scene.id, round: key, checkpoint: *checkpoint });
            }
            Effect::Dispute { place, slot, auditor, until } => {
                Self::deposit_event(Event::DisagreementOpened {
                    run: scene.id,
                    round: key,
                    place: *place,
                    slot: *slot,
                    auditor: auditor.clone(),
                    until: *until,
                });
                T::Disagreements::opened(scene.id, key, *place, *slot, auditor, *until);
            }
            // `Progress::apply` has done it.
            Effect::PauseDiverged => {}
        }
        Ok(())
    }

    /// Note whether a worker did what it was drawn for. One that misses too much is jailed.
    fn observe(now: ActiveBlock, owner: &T::AccountId, good: bool) {
        let Some(mut worker) = Workers::<T>::get(owner) else { return };
        worker.reputation = worker.reputation.observe(good);
        let count = if good { &mut worker.done } else { &mut worker.missed };
        *count = count.saturating_add(1);
        if worker.reputation.is_jailed() {
            worker.jailed_until = now.saturating_add(T::Jail::get().saturated_into());
            worker.reputation = worker.reputation.released();
            Self::deposit_event(Event::WorkerJailed { owner: owner.clone(), until: worker.jailed_until });
        }
        Workers::<T>::insert(owner, worker);
    }

    /// A slot and its round.
    pub(crate) fn load(
        id: RunId,
        key: sabha_protocol::RoundKey,
        index: sabha_protocol::SlotIndex,
    ) -> Result<(RoundOf<T>, SlotOf<T>), Error<T>> {
        let round = Rounds::<T>::get(id, key).ok_or(Error::<T>::NoSuchRound)?;
        let slot = crate::Slots::<T>::get((id, key, index)).ok_or(Error::<T>::NoSuchSlot)?;
        Ok((round, slot))
    }
}
