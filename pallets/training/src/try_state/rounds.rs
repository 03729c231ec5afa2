//! What must always hold of rounds and their records.

use frame_support::ensure;
use sabha_protocol::{
    Balance, RoundKey, SlotSet,
    audit::{Audits, SeatState},
    money,
    round::{Fault, Phase, SlotState, Terms},
};
use sp_arithmetic::traits::SaturatedConversion;
use sp_runtime::TryRuntimeError;

use crate::{
    Attesters, Config, Pallet, RoundOf, Rounds, RunOf, Seats, SlotOf, Slots, try_state::Obligations,
};

impl<T: Config> Pallet<T> {
    /// Slots, seats and attesters whose round is gone.
    pub(crate) fn try_state_orphans() -> Result<(), TryRuntimeError> {
        let known = |run, key: RoundKey| Rounds::<T>::contains_key(run, key);
        ensure!(Slots::<T>::iter_keys().all(|(run, key, _)| known(run, key)), "a slot has no round");
        ensure!(Seats::<T>::iter_keys().all(|(run, key, _)| known(run, key)), "a seat has no round");
        ensure!(
            Attesters::<T>::iter_keys().all(|(run, key, _, _)| known(run, key)),
            "an attester has no round"
        );
        ensure!(
            Rounds::<T>::iter_keys().all(|(run, _)| crate::Specs::<T>::contains_key(run)),
            "a round has no run"
        );
        Ok(())
    }

    /// Adds up what the rounds of a run bind.
    pub(crate) fn try_state_rounds(
        terms: &Terms,
        run: &RunOf<T>,
        obligations: &mut Obligations<T::AccountId>,
    ) -> Result<(), TryRuntimeError> {
        let mut kept: Balance = 0;
        for (key, round) in Rounds::<T>::iter_prefix(terms.run) {
            ensure!(round.key == key, "a round is filed under another's key");
            let slots = Self::try_state_slots(terms, &round, obligations, &mut kept)?;
            let seats = Self::try_state_seats(terms, &round, obligations)?;
            let mut attesters = 0u32;
            for attester in Attesters::<T>::iter_prefix_values((terms.run, key)) {
                attesters = attesters.saturating_add(1);
                let count = obligations.attesting.entry(attester.worker).or_default();
                *count = count.saturating_add(1);
            }
            let aggregator = match (&round.phase, &round.result) {
                (Phase::Aggregating { aggregator: Some(worker), .. }, _) => Some(worker),
                (_, Some((_, worker))) if round.owes_aggregator => Some(worker),
                _ => None,
            };
            if let Some(worker) = aggregator {
                let reserved = obligations.reserved.entry(worker.clone()).or_default();
                *reserved = reserved.saturating_add(terms.stake);
            }
            let unsettled = slots
                .saturating_add(seats)
                .saturating_add(attesters)
                .saturating_add(round.owes_aggregator.into());
            ensure!(u32::from(round.unsettled) == unsettled, "unsettled records are miscounted");
        }
        ensure!(run.kept == kept, "what is kept does not belong to convicted slots");
        Ok(())
    }

    /// Returns how many slots there are.
    fn try_state_slots(
        terms: &Terms,
        round: &RoundOf<T>,
        obligations: &mut Obligations<T::AccountId>,
        kept: &mut Balance,
    ) -> Result<u32, TryRuntimeError> {
        let over = matches!(round.phase, Phase::Final | Phase::Voided);
        let (mut count, mut open, mut committed) = (0u32, SlotSet::default(), SlotSet::default());
        let (mut disagreements, mut challenges) = (0u16, 0u16);
        for (index, slot) in Slots::<T>::iter_prefix((terms.run, round.key)) {
            ensure!(index < terms.rounds.slots, "a slot is beyond the round's");
            count = count.saturating_add(1);
            match &slot.state {
                SlotState::Vacant => open.insert(index),
                SlotState::Assigned { worker, .. } => {
                    open.insert(index);
                    let count = obligations.training.entry(worker.clone()).or_default();
                    *count = count.saturating_add(1);
                }
                SlotState::Committed { .. } => committed.insert(index),
                SlotState::Lost => {}
            }
            disagreements = disagreements.saturating_add(slot.checks.open);
            challenges = challenges.saturating_add(slot.checks.challenges);
            ensure!(
                slot.checks.fault.is_none() || !slot.checks.is_disputed(),
                "something is open about a slot at fault"
            );
            ensure!(
                round.faulty.contains(index) == slot.checks.fault.is_some(),
                "a slot's fault is not the round's"
            );
            let slashed = matches!(slot.checks.fault, Some(Fault::Convicted(_) | Fault::LeavesMissing));
            if slashed {
                *kept = kept.saturating_add(Self::kept_for(terms, round.key, index, &slot));
            } else if let Some(worker) = slot.worker() {
                let reserved = obligations.reserved.entry(worker.clone()).or_default();
                *reserved = reserved.saturating_add(terms.stake);
            }
        }
        ensure!(round.disagreements == disagreements, "disagreements are miscounted");
        ensure!(round.challenges == challenges, "challenges are miscounted");
        ensure!(!over || !round.is_disputed(), "something is open about a round that is over");
        let stands = matches!(round.phase, Phase::Window { .. }) && round.owes_aggregator;
        ensure!(round.root_challenges == 0 || stands, "an aggregation is challenged that does not stand");
        if !over {
            ensure!(count == u32::from(terms.rounds.slots), "a slot of a round is missing");
            ensure!(round.open == open, "a round's open slots are others");
            ensure!(round.committed == committed, "a round's committed slots are others");
        }
        ensure!(round.accepted.and(&round.committed) == round.accepted, "what is accepted was not committed");
        Ok(count)
    }

    /// What is kept for the auditors of a convicted slot that are not settled, and the rest.
    fn kept_for(terms: &Terms, key: RoundKey, index: u16, slot: &SlotOf<T>) -> Balance {
        let whole = money::split(terms.stake).auditors;
        let each = whole.checked_div(slot.checks.differed.into()).unwrap_or(0);
        let waiting = Seats::<T>::iter_prefix_values((terms.run, key))
            .filter(|seat| seat.slot == index && matches!(seat.state, SeatState::Differed { .. }))
            .count();
        let paid = usize::from(slot.checks.differed).saturating_sub(waiting);
        whole.saturating_sub(each.saturating_mul(paid.saturated_into()))
    }

    /// Returns how many seats there are.
    fn try_state_seats(
        terms: &Terms,
        round: &RoundOf<T>,
        obligations: &mut Obligations<T::AccountId>,
    ) -> Result<u32, TryRuntimeError> {
        let over = matches!(round.phase, Phase::Final | Phase::Voided);
        let (mut count, mut sealed, mut answered) = (0u32, 0u16, 0u16);
        for (place, seat) in Seats::<T>::iter_prefix((terms.run, round.key)) {
            ensure!(place < terms.audit.auditors, "a seat is beyond the round's");
            count = count.saturating_add(1);
            let slot = Slots::<T>::get((terms.run, round.key, seat.slot)).ok_or("a seat has no slot")?;
            ensure!(slot.checks.unsettled > 0, "a slot does not know its seat");
            sealed = sealed.saturating_add((seat.state != SeatState::Drawn).into());
            let spoke = !matches!(seat.state, SeatState::Drawn | SeatState::Sealed(_));
            answered = answered.saturating_add(spoke.into());
            if seat.state != SeatState::Wrong {
                let reserved = obligations.reserved.entry(seat.auditor).or_default();
                *reserved = reserved.saturating_add(terms.audit.auditor_stake);
            }
        }
        if !over {
            ensure!(u32::from(round.seats) == count, "a seat is missing");
            ensure!(round.sealed == sealed && round.answered == answered, "seals and answers are miscounted");
        }
        ensure!(count == 0 || round.audits != Audits::NotYet, "auditors were drawn before the freeze");
        Ok(count)
    }
}
