//! What the chain knows of what is disputed, and whether there is still something to dispute.
//!
//! Facts are read from the training pallet's records. None of them changes while a game about them is open: what is open keeps the
//! round, its slots and the run's specification from being removed, whether or not the round was voided meanwhile.

use pallet_sabha_training::{RoundOf, Rounds, Seats, Slots, Specs};
use sabha_protocol::{
    Balance, Digest, Outcome, RoundKey, RunId, RunSpec,
    audit::{Audits, SeatState},
    dispute::{Facts, Subject},
};

use frame_support::traits::Get;

use crate::{Config, DisputeOf, Error, Pallet, Risk, Target};

/// What is known of a target.
pub(crate) struct Known<T: Config> {
    /// The run.
    run: RunId,
    /// Its specification.
    pub spec: RunSpec,
    /// The attempt at a round.
    round: RoundOf<T>,
    /// Whose claim, and what it is bound by.
    subject: Subject,
    /// The owner of the worker that made it.
    pub defender: T::AccountId,
    /// Challenges of it that are open.
    pub challenges: u16,
}

impl<T: Config> Known<T> {
    /// What is known of the target.
    ///
    /// # Errors
    /// If there is nothing that it claims.
    pub fn of(run: RunId, key: RoundKey, target: Target) -> Result<Self, Error<T>> {
        let spec = Specs::<T>::get(run).ok_or(Error::<T>::NoSuchRun)?;
        let round = Rounds::<T>::get(run, key).ok_or(Error::<T>::NoSuchRound)?;
        let (subject, defender, challenges) = match target {
            Target::Slot { slot: index, generation } => {
                let slot = Slots::<T>::get((run, key, index)).ok_or(Error::<T>::NoSuchSlot)?;
                if slot.generation != generation {
                    return Err(Error::<T>::WrongGeneration);
                }
                let outcome = slot.outcome().ok_or(Error::<T>::NothingClaimed)?;
                let worker = slot.worker().cloned().ok_or(Error::<T>::NothingClaimed)?;
                (Subject::Slot { slot: index, outcome }, worker, slot.checks.challenges)
            }
            Target::Aggregation => {
                let (result, worker) = round.result.clone().ok_or(Error::<T>::NothingClaimed)?;
                let subject = Subject::Aggregation { workers: round.accepted.len(), result: result.root };
                (subject, worker, round.root_challenges)
            }
        };
        Ok(Self { run, spec, round, subject, defender, challenges })
    }

    /// What a challenge of it puts on hold: the chain's bond, and as much again for each challenge that is open, so that nobody keeps
    /// others out, or a defender busy, with many of them for long. Before the seals of a slot's audit are closed, no less than what all
    /// auditors earn: a game shows leaves, which would be worth that much to one who seals without executing anything.
    pub fn bond(&self) -> Balance {
        let flat = T::Bond::get();
        let crowd = flat.saturating_mul(Balance::from(self.challenges).saturating_add(1));
        let secret = matches!(self.subject, Subject::Slot { .. })
            && matches!(
                self.round.audits,
                Audits::NotYet | Audits::Waiting { .. } | Audits::Seating { .. } | Audits::Sealing { .. }
            );
        let audit = &self.spec.audit;
        let worth = if secret { audit.auditor_price.saturating_mul(audit.auditors.into()) } else { 0 };
        crowd.max(worth)
    }

    /// Does something with the facts.
    pub fn with<R>(&self, look: impl FnOnce(&Facts<'_>) -> R) -> R {
        let update = |place: u32| self.update(place);
        look(&Facts {
            spec: &self.spec,
            round: self.round.key.round,
            base: self.round.base.map(|checkpoint| checkpoint.root),
            subject: self.subject,
            update: &update,
        })
    }

    /// Digest of the accepted update at this place. One record is read, that of the slot which is asked for.
    fn update(&self, place: u32) -> Option<Digest> {
        let index = self.round.accepted.nth(u16::try_from(place).ok()?)?;
        match Slots::<T>::get((self.run, self.round.key, index))?.outcome()? {
            Outcome::Trained(commitment) => Some(commitment.update_digest),
            Outcome::Diverged(_) => None,
        }
    }
}

impl<T: Config> Pallet<T> {
    /// Whether there is still something to dispute: the target was not found at fault, nor did time run out for it.
    pub(crate) fn stands(dispute: &DisputeOf<T>) -> bool {
        let (run, key) = (dispute.run, dispute.round);
        match dispute.target {
            Target::Slot { slot: index, generation } => {
                let Some(slot) = Slots::<T>::get((run, key, index)) else { return false };
                if slot.generation != generation || slot.checks.fault.is_some() {
                    return false;
                }
                match dispute.risk {
                    Risk::Bond(_) => slot.checks.challenges > 0,
                    Risk::Seat(place) => Seats::<T>::get((run, key, place))
                        .is_some_and(|seat| matches!(seat.state, SeatState::Differed { .. })),
                }
            }
            Target::Aggregation => Rounds::<T>::get(run, key)
                .is_some_and(|round| round.owes_aggregator && round.root_challenges > 0),
        }
    }
}
