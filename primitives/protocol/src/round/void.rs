//! Voiding, conviction, disagreement and the end of the window.

use super::{Claim, Effect, Effects, Fault, Phase, Round, RoundError, Slot, SlotState, Terms, VoidReason};
use crate::{
    ActiveBlock, Session, SlotIndex,
    audit::{Audits, Seat, SeatState},
    money,
};
use alloc::{vec, vec::Vec};

/// How a dispute between a slot's worker and one of its auditors ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The slot's claim is wrong.
    WorkerWrong(Claim),
    /// The auditor is.
    AuditorWrong,
}

impl<A: Clone + PartialEq> Round<A> {
    /// Notes that the round will make no checkpoint, and says so once.
    pub(super) fn fail(&mut self, reason: VoidReason, effects: &mut Effects<A>) {
        if self.void.is_none() {
            self.void = Some(reason);
            effects.push(Effect::Void(reason));
        }
    }

    /// Voids the round because the one it was built on was voided. What is committed is still attested, audited and paid; who
    /// still trains is let go by [`Round::expire`].
    pub fn void_with_base(&mut self, terms: &Terms, now: ActiveBlock, session: Session) -> Effects<A> {
        if self.void.is_some() || matches!(self.phase, Phase::Final | Phase::Voided) {
            return Vec::new();
        }
        self.void = Some(VoidReason::Base);
        match self.phase.clone() {
            Phase::Training { .. } => self.freeze(terms, now, session),
            Phase::Aggregating { .. } => self.leave_aggregation(terms, now),
            Phase::Availability { .. } | Phase::Window { .. } | Phase::Final | Phase::Voided => Vec::new(),
        }
    }

    /// A round that makes no checkpoint is not aggregated any more: who has the turn is let go without blame. Otherwise the result of
    /// updates of which one was found wrong would become the run's checkpoint.
    fn leave_aggregation(&mut self, terms: &Terms, now: ActiveBlock) -> Effects<A> {
        let Phase::Aggregating { aggregator, .. } = self.phase.clone() else { return Vec::new() };
        self.begin_window(terms, now);
        let free = |worker| Effect::Release { worker, amount: terms.stake };
        aggregator.map(free).into_iter().collect()
    }

    /// Voids a round in training because its run is stopped: what is committed is attested, audited and paid as ever, who still
    /// trains is let go by [`Round::expire`]. A round that is further makes its checkpoint.
    pub fn stop(&mut self, terms: &Terms, now: ActiveBlock, session: Session) -> Effects<A> {
        let mut effects = Vec::new();
        if self.void.is_none() && matches!(self.phase, Phase::Training { .. }) {
            self.fail(VoidReason::Stopped, &mut effects);
            effects.extend(self.freeze(terms, now, session));
        }
        effects
    }

    /// Convicts a slot of a claim, as a dispute found: its stake is slashed, and if its update was accepted, the round makes no
    /// checkpoint. Part of the slash is kept until its auditors have revealed.
    ///
    /// # Errors
    /// If there is nothing to convict, the slot was convicted before (once per obligation), or the round is over.
    pub fn convict(
        &mut self,
        terms: &Terms,
        index: SlotIndex,
        slot: &mut Slot<A>,
        claim: Claim,
        challenger: Option<&A>,
        now: ActiveBlock,
    ) -> Result<Effects<A>, RoundError> {
        self.find_fault(terms, index, slot, Fault::Convicted(claim), challenger, now)
    }

    /// Fails a slot whose audited leaves were not published in time: as a conviction without a challenger.
    ///
    /// # Errors
    /// If they were, or the time is not over.
    pub fn fail_leaves(
        &mut self,
        terms: &Terms,
        index: SlotIndex,
        slot: &mut Slot<A>,
        now: ActiveBlock,
    ) -> Result<Effects<A>, RoundError> {
        if !matches!(self.audits, Audits::Revealing { .. } | Audits::Done) || !self.unanswered.contains(index)
        {
            return Err(RoundError::WrongState);
        }
        self.find_fault(terms, index, slot, Fault::LeavesMissing, None, now)
    }

    fn find_fault(
        &mut self,
        terms: &Terms,
        index: SlotIndex,
        slot: &mut Slot<A>,
        fault: Fault,
        challenger: Option<&A>,
        now: ActiveBlock,
    ) -> Result<Effects<A>, RoundError> {
        if matches!(self.phase, Phase::Final | Phase::Voided) {
            return Err(RoundError::WrongPhase);
        }
        let SlotState::Committed { worker, .. } = &slot.state else { return Err(RoundError::WrongState) };
        if slot.checks.fault.is_some() {
            return Err(RoundError::WrongState);
        }
        let mut effects = vec![Effect::Release { worker: worker.clone(), amount: terms.stake }];
        effects.extend(money::slash(worker, terms.stake, challenger).into_iter().map(Effect::Move));
        effects.push(Effect::Observe { worker: worker.clone(), good: false });
        self.mark_faulty(terms, index, slot, fault, VoidReason::Convicted, now, &mut effects);
        Ok(effects)
    }

    fn mark_faulty(
        &mut self,
        terms: &Terms,
        index: SlotIndex,
        slot: &mut Slot<A>,
        fault: Fault,
        void: VoidReason,
        now: ActiveBlock,
        effects: &mut Effects<A>,
    ) {
        slot.checks.fault = Some(fault);
        self.close_all(&mut slot.checks);
        self.unanswered.remove(index);
        self.faulty.insert(index);
        if self.accepted.contains(index) {
            self.fail(void, effects);
            effects.extend(self.leave_aggregation(terms, now));
        }
    }

    /// Ends a disagreement with the verdict of its dispute.
    ///
    /// # Errors
    /// If there is none: the seat agreed, the slot is convicted already, or the disagreement lapsed.
    pub fn resolve(
        &mut self,
        terms: &Terms,
        index: SlotIndex,
        slot: &mut Slot<A>,
        seat: &mut Seat<A>,
        verdict: Verdict,
        now: ActiveBlock,
    ) -> Result<Effects<A>, RoundError> {
        let disputed = matches!(seat.state, SeatState::Differed { .. });
        if !disputed || seat.slot != index || slot.checks.open == 0 || slot.checks.fault.is_some() {
            return Err(RoundError::WrongState);
        }
        match verdict {
            Verdict::WorkerWrong(claim) => {
                self.convict(terms, index, slot, claim, Some(&seat.auditor.clone()), now)
            }
            Verdict::AuditorWrong => {
                seat.state = SeatState::Wrong;
                self.close_disagreement(&mut slot.checks);
                slot.checks.differed = slot.checks.differed.saturating_sub(1);
                let amount = terms.audit.auditor_stake;
                let mut effects = vec![Effect::Release { worker: seat.auditor.clone(), amount }];
                effects.extend(money::slash_auditor(&seat.auditor, amount).into_iter().map(Effect::Move));
                effects.push(Effect::Observe { worker: seat.auditor.clone(), good: false });
                Ok(effects)
            }
        }
    }

    /// Ends a slot's disagreements and challenges that stayed open too long: neither side is paid or slashed, and if its update was
    /// accepted, the round makes no checkpoint.
    /// Disputes end earlier; this is what keeps a round from being stuck if one does not.
    ///
    /// # Errors
    /// If there is none, or its time is not over.
    pub fn lapse(
        &mut self,
        terms: &Terms,
        index: SlotIndex,
        slot: &mut Slot<A>,
        now: ActiveBlock,
    ) -> Result<Effects<A>, RoundError> {
        if !slot.checks.is_disputed() {
            return Err(RoundError::WrongState);
        }
        if !slot.checks.has_lapsed(now) {
            return Err(RoundError::TooEarly);
        }
        let mut effects = Vec::new();
        self.mark_faulty(terms, index, slot, Fault::Undecided, VoidReason::Undecided, now, &mut effects);
        Ok(effects)
    }

    /// Whether the round's window is over and nothing is open: it can be final, or voided for good.
    pub fn can_finish(&self, now: ActiveBlock) -> bool {
        let over = matches!(self.phase, Phase::Window { until } if now > until);
        over && self.audits == Audits::Done && !self.is_disputed() && self.unanswered.is_empty()
    }

    /// Ends the window. Called by [`super::Progress::finish`], which keeps the order of rounds.
    pub(super) fn finish(&mut self, now: ActiveBlock) -> Result<(), RoundError> {
        let Phase::Window { until } = self.phase else { return Err(RoundError::WrongPhase) };
        if now <= until {
            return Err(RoundError::TooEarly);
        }
        if !self.can_finish(now) {
            return Err(RoundError::Unchecked);
        }
        self.phase = if self.void.is_some() { Phase::Voided } else { Phase::Final };
        Ok(())
    }
}
