//! Training: slots are assigned, committed, lost and assigned anew.

use super::{Effect, Effects, Phase, Round, RoundError, Slot, SlotState, Terms, VoidReason};
use crate::{
    ActiveBlock, Generation, Outcome, RoundKey, Session, SlotIndex, SlotSet,
    audit::Audits,
    defaults::DRAW_LAG,
    draw::{Purpose, Subject, tickets::can_draw},
};
use alloc::{vec, vec::Vec};

impl<A> Slot<A> {
    /// A slot of an attempt that nobody was drawn for.
    pub fn vacant(terms: &Terms, key: RoundKey) -> Self {
        Self {
            generation: terms.first_generation(key.attempt),
            state: SlotState::Vacant,
            checks: Default::default(),
        }
    }
}

impl<A: Clone + PartialEq> Round<A> {
    pub(super) fn new(
        terms: &Terms,
        key: RoundKey,
        frozen: Session,
        base: Option<super::Checkpoint>,
        now: ActiveBlock,
    ) -> Self {
        let mut open = SlotSet::default();
        (0..terms.rounds.slots).for_each(|slot| open.insert(slot));
        Self {
            key,
            frozen,
            base,
            phase: Phase::Training { until: now.saturating_add(terms.longest_training()) },
            void: None,
            open,
            committed: SlotSet::default(),
            diverged: SlotSet::default(),
            faulty: SlotSet::default(),
            accepted: SlotSet::default(),
            result: None,
            owes_aggregator: false,
            audits: Audits::NotYet,
            audit_word: None,
            unanswered: SlotSet::default(),
            seats: 0,
            sealed: 0,
            answered: 0,
            disagreements: 0,
            challenges: 0,
            root_challenges: 0,
            root_lapses: 0,
            extended: false,
            unsettled: terms.rounds.slots,
        }
    }

    /// The draw of a vacant slot's worker: its subject, and the session whose frozen set it is from. The word is that of the session
    /// [`DRAW_LAG`] later. A first worker comes from the round's own set; if that is no longer kept, or for a later generation,
    /// from the latest set that can be drawn from.
    pub fn slot_draw(
        &self,
        terms: &Terms,
        slot: SlotIndex,
        generation: Generation,
        session: Session,
    ) -> (Subject, Session) {
        let first = generation == terms.first_generation(self.key.attempt);
        let latest = session.saturating_sub(DRAW_LAG);
        let frozen = if first && can_draw(self.frozen, session) { self.frozen } else { latest };
        (
            Subject {
                purpose: Purpose::Slot,
                run: terms.run,
                round: self.key.round,
                place: slot,
                generation,
            },
            frozen,
        )
    }

    /// Gives a vacant slot to a drawn worker whose free stake is at least the terms'. How many slots a worker can train at a time is not
    /// known here: whoever draws passes over a worker that has as many as it said it can.
    ///
    /// # Errors
    /// If the slot is not vacant, or training does not last long enough for a worker to use its whole clock.
    pub fn assign(
        &self,
        terms: &Terms,
        slot: &mut Slot<A>,
        worker: A,
        now: ActiveBlock,
    ) -> Result<Effects<A>, RoundError> {
        let Phase::Training { until: end } = self.phase else { return Err(RoundError::WrongPhase) };
        if slot.state != SlotState::Vacant {
            return Err(RoundError::WrongState);
        }
        let until = now.saturating_add(terms.clocks.training);
        if until > end {
            return Err(RoundError::TooLate);
        }
        slot.state = SlotState::Assigned { worker: worker.clone(), until };
        Ok(vec![Effect::Reserve { worker, amount: terms.stake }])
    }

    /// Takes a worker's outcome for its slot.
    ///
    /// # Errors
    /// If it is not its slot, generation or time, or the outcome cannot be true of such a slot.
    pub fn commit(
        &mut self,
        terms: &Terms,
        index: SlotIndex,
        slot: &mut Slot<A>,
        worker: &A,
        generation: Generation,
        outcome: Outcome,
        now: ActiveBlock,
    ) -> Result<Effects<A>, RoundError> {
        if !matches!(self.phase, Phase::Training { .. }) {
            return Err(RoundError::WrongPhase);
        }
        let SlotState::Assigned { worker: drawn, until } = &slot.state else {
            return Err(RoundError::WrongState);
        };
        if drawn != worker {
            return Err(RoundError::NotYours);
        }
        if slot.generation != generation {
            return Err(RoundError::WrongGeneration);
        }
        if now > *until {
            return Err(RoundError::TooLate);
        }
        if !outcome.is_well_formed(terms.rounds.inner_steps) {
            return Err(RoundError::Malformed);
        }
        slot.state = SlotState::Committed { worker: worker.clone(), outcome };
        self.open.remove(index);
        self.committed.insert(index);
        if matches!(outcome, Outcome::Diverged(_)) {
            self.diverged.insert(index);
            // At this very one: the run is paused once, not again by those that follow.
            if self.diverged.len() == terms.rounds.quorum {
                return Ok(vec![Effect::PauseDiverged]);
            }
        }
        Ok(Vec::new())
    }

    /// Whether [`Round::expire`] would do something.
    pub fn can_expire(&self, terms: &Terms, slot: &Slot<A>, now: ActiveBlock) -> bool {
        match (&slot.state, &self.phase) {
            (SlotState::Assigned { until, .. }, Phase::Training { .. }) => now > *until,
            (SlotState::Assigned { .. }, _) => true,
            (SlotState::Vacant, Phase::Training { until }) => {
                now.saturating_add(terms.clocks.training) > *until
            }
            (SlotState::Vacant, _) => true,
            _ => false,
        }
    }

    /// Takes a slot from a worker that missed its deadline, for another one if there is time left; gives up a slot that nobody
    /// can train in time. A worker that trains for a round that was voided meanwhile is let go without blame; so is one that
    /// misses its deadline before any slot of the run was trained, for which nobody may have the data or the memory.
    ///
    /// # Errors
    /// If neither deadline has passed.
    pub fn expire(
        &mut self,
        terms: &Terms,
        index: SlotIndex,
        slot: &mut Slot<A>,
        now: ActiveBlock,
    ) -> Result<Effects<A>, RoundError> {
        if !self.can_expire(terms, slot, now) {
            return Err(RoundError::TooEarly);
        }
        let mut effects = Vec::new();
        let mut again = false;
        if let SlotState::Assigned { worker, until } = &slot.state {
            effects.push(Effect::Release { worker: worker.clone(), amount: terms.stake });
            // Before anything was trained in a run, it may be one that nobody can train, or begins from what nobody serves.
            if now > *until && (self.key.round > 0 || !self.committed.is_empty()) {
                effects.push(Effect::Observe { worker: worker.clone(), good: false });
            }
            slot.generation = slot.generation.saturating_add(1);
            let tries = slot.generation.saturating_sub(terms.first_generation(self.key.attempt));
            if let Phase::Training { until: end } = self.phase {
                again = tries < terms.rounds.tries && now.saturating_add(terms.clocks.training) <= end;
            }
        }
        if again {
            slot.state = SlotState::Vacant;
        } else {
            slot.state = SlotState::Lost;
            self.open.remove(index);
        }
        Ok(effects)
    }

    /// Ends training: no slot is open, or time is up. The commitments are frozen.
    ///
    /// # Errors
    /// If it is not time yet.
    pub fn close_training(
        &mut self,
        terms: &Terms,
        now: ActiveBlock,
        session: Session,
    ) -> Result<Effects<A>, RoundError> {
        let Phase::Training { until } = self.phase else { return Err(RoundError::WrongPhase) };
        if !self.open.is_empty() && now <= until {
            return Err(RoundError::TooEarly);
        }
        Ok(self.freeze(terms, now, session))
    }

    /// Freezes the commitments, for [`Round::close_training`] and for a void during training.
    pub(super) fn freeze(&mut self, terms: &Terms, now: ActiveBlock, session: Session) -> Effects<A> {
        let mut effects = Vec::new();
        let audited = terms.audit.auditors > 0 && !self.committed.is_empty();
        // The session after, for caution: whoever could still commit then has no block in the session that makes the word.
        let frozen = session.saturating_add(1);
        self.audits = if audited { Audits::Waiting { frozen } } else { Audits::Done };
        if self.updates().len() < terms.rounds.quorum {
            let diverged = self.diverged.len() >= terms.rounds.quorum;
            self.fail(if diverged { VoidReason::Diverged } else { VoidReason::TooFew }, &mut effects);
        }
        if self.updates().is_empty() {
            self.begin_window(terms, now);
        } else if terms.audit.attesters == 0 {
            self.accepted = self.updates();
            self.begin_aggregation(terms, now);
        } else {
            let until = now.saturating_add(terms.clocks.availability);
            self.phase = Phase::Availability { panel: 0, tried: 0, seated: 0, reports: 0, until };
        }
        effects
    }

    /// Slots that committed an update and are not at fault.
    pub(super) fn updates(&self) -> SlotSet {
        let mut updates = self.committed;
        for slot in self.diverged.iter().chain(self.faulty.iter()) {
            updates.remove(slot);
        }
        updates
    }
}
