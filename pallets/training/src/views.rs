//! What a client would otherwise assemble: what a worker has to do, and what is due for a run.

use alloc::vec::Vec;

use frame_support::{
    storage::{TransactionOutcome, with_transaction},
    traits::Get,
    weights::{Weight, WeightMeter},
};
use sabha_protocol::{
    RunId,
    audit::{Audits, SeatState},
    round::{Duty, Phase, SlotState},
};
use sp_runtime::DispatchError;

use crate::{Agenda, Attesters, Config, Pallet, RoundOf, Rounds, Seats, Slots, effects::Scene};

impl<T: Config> Pallet<T> {
    /// Everything that the worker of `owner` has to do now.
    pub(crate) fn duties(owner: &T::AccountId) -> Vec<Duty> {
        let mut duties = Vec::new();
        for (run, _) in Agenda::<T>::get() {
            let Ok(scene) = Scene::of::<T>(run) else { continue };
            for (_, round) in Rounds::<T>::iter_prefix(run) {
                Self::slot_duties(&scene, &round, owner, &mut duties);
                Self::round_duties(&scene, &round, owner, &mut duties);
                Self::audit_duties(&scene, &round, owner, &mut duties);
            }
        }
        duties
    }

    fn slot_duties(scene: &Scene, round: &RoundOf<T>, owner: &T::AccountId, duties: &mut Vec<Duty>) {
        let (run, key) = (scene.id, round.key);
        if !matches!(round.phase, Phase::Training { .. }) {
            return;
        }
        for slot in round.open.iter() {
            let Some(record) = Slots::<T>::get((run, key, slot)) else { continue };
            if let SlotState::Assigned { worker, until } = record.state
                && worker == *owner
                && scene.now <= until
            {
                let (base, generation) = (round.base, record.generation);
                duties.push(Duty::Train { run, round: key, slot, generation, base, until });
            }
        }
    }

    fn round_duties(scene: &Scene, round: &RoundOf<T>, owner: &T::AccountId, duties: &mut Vec<Duty>) {
        let (run, key) = (scene.id, round.key);
        match &round.phase {
            Phase::Availability { panel, tried, until, .. } if scene.now <= *until => {
                let mut slots = round.committed;
                round.diverged.iter().for_each(|slot| slots.remove(slot));
                for place in 0..*tried {
                    let mine = Attesters::<T>::get((run, key, *panel, place))
                        .is_some_and(|attester| attester.worker == *owner && attester.report.is_none());
                    if mine {
                        duties.push(Duty::Attest { run, round: key, place, slots, until: *until });
                    }
                }
            }
            Phase::Aggregating { aggregator: Some(worker), until, .. }
                if worker == owner && scene.now <= *until =>
            {
                let (base, accepted) = (round.base, round.accepted);
                duties.push(Duty::Aggregate { run, round: key, base, accepted, until: *until });
            }
            _ => {}
        }
    }

    fn audit_duties(scene: &Scene, round: &RoundOf<T>, owner: &T::AccountId, duties: &mut Vec<Duty>) {
        let (run, key) = (scene.id, round.key);
        let seats = || {
            (0..scene.terms.audit.auditors).filter_map(|place| {
                let seat = Seats::<T>::get((run, key, place))?;
                (seat.auditor == *owner).then_some((place, seat))
            })
        };
        match round.audits {
            Audits::Sealing { until } if scene.now <= until => {
                for (place, seat) in seats().filter(|(_, seat)| seat.state == SeatState::Drawn) {
                    let segments = round.audited_segments(&scene.terms, seat.slot);
                    let (slot, generation, base) = (seat.slot, seat.generation, round.base);
                    duties.push(Duty::Audit {
                        run,
                        round: key,
                        place,
                        slot,
                        generation,
                        base,
                        segments,
                        until,
                    });
                }
            }
            Audits::Publishing { until } if scene.now <= until => {
                for slot in round.unanswered.iter() {
                    let record = Slots::<T>::get((run, key, slot));
                    if record.as_ref().and_then(|record| record.worker()) == Some(owner) {
                        let segments = round.audited_segments(&scene.terms, slot);
                        duties.push(Duty::Publish { run, round: key, slot, segments, until });
                    }
                }
            }
            Audits::Revealing { until } if scene.now <= until => {
                for (place, _) in seats().filter(|(_, seat)| matches!(seat.state, SeatState::Sealed(_))) {
                    duties.push(Duty::Reveal { run, round: key, place, until });
                }
            }
            _ => {}
        }
    }

    /// How many changes pokes of `run` would make now, without making them.
    pub(crate) fn due_now(run: RunId) -> u32 {
        with_transaction(|| {
            let mut meter = WeightMeter::with_limit(Weight::MAX);
            let over = crate::Runs::<T>::get(run).is_some_and(|run| run.status.is_over());
            let made = if over {
                u32::from(Self::do_poke(run).is_ok())
            } else {
                Self::advance(run, &mut meter, T::MaxRuns::get().saturating_mul(1 << 10)).made
            };
            TransactionOutcome::Rollback(Ok::<u32, DispatchError>(made))
        })
        .unwrap_or(0)
    }
}
