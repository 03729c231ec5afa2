//! What is open about a slot or the aggregation: disagreements of drawn auditors, and challenges of anybody.
//!
//! A disagreement opens with an auditor's reveal and ends with [`Round::resolve`]. A challenge is made from outside: a lost one is
//! closed here, a won one ends with [`Round::convict`] or [`Round::convict_aggregator`]. The two are counted apart, so that neither can
//! be ended in the other's place. Whatever is open longer than `clocks.dispute` lapses.

use super::{Checks, Effect, Effects, Phase, Round, RoundError, Slot, SlotState, Terms, VoidReason};
use crate::ActiveBlock;
use alloc::{vec, vec::Vec};

impl Checks {
    /// Whether anything about the slot is open.
    pub fn is_disputed(&self) -> bool {
        self.open > 0 || self.challenges > 0
    }

    /// Whether what is open has been so for too long.
    pub fn has_lapsed(&self, now: ActiveBlock) -> bool {
        self.is_disputed() && now > self.lapses
    }

    /// Gives what is opened now its whole time. The last one has it: a friend's challenge from early on must not take the others'
    /// away. New ones end with the window, so this ends as well.
    fn extend(&mut self, terms: &Terms, now: ActiveBlock) -> ActiveBlock {
        self.lapses = self.lapses.max(now.saturating_add(terms.clocks.dispute));
        self.lapses
    }
}

impl<A: Clone + PartialEq> Round<A> {
    /// Whether anything about its slots or its aggregation is open.
    pub fn is_disputed(&self) -> bool {
        self.disagreements > 0 || self.challenges > 0 || self.root_challenges > 0
    }

    /// Whether anything about its slots is open.
    pub fn has_disputed_slots(&self) -> bool {
        self.disagreements > 0 || self.challenges > 0
    }

    pub(super) fn open_disagreement(
        &mut self,
        terms: &Terms,
        checks: &mut Checks,
        now: ActiveBlock,
    ) -> ActiveBlock {
        checks.open = checks.open.saturating_add(1);
        self.disagreements = self.disagreements.saturating_add(1);
        checks.extend(terms, now)
    }

    /// Notes that a disagreement ended in its slot's favour.
    pub(super) fn close_disagreement(&mut self, checks: &mut Checks) {
        checks.open = checks.open.saturating_sub(1);
        self.disagreements = self.disagreements.saturating_sub(1);
    }

    /// Notes that nothing about a slot is open any more.
    pub(super) fn close_all(&mut self, checks: &mut Checks) {
        self.disagreements = self.disagreements.saturating_sub(checks.open);
        self.challenges = self.challenges.saturating_sub(checks.challenges);
        checks.open = 0;
        checks.challenges = 0;
    }

    /// Notes that a challenge of a slot is open, whoever made it: the round is not final before it ends.
    ///
    /// # Errors
    /// If the slot has no claims, was found at fault, or the round's window is over.
    pub fn open_challenge(
        &mut self,
        terms: &Terms,
        slot: &mut Slot<A>,
        now: ActiveBlock,
    ) -> Result<(), RoundError> {
        if !matches!(slot.state, SlotState::Committed { .. }) || slot.checks.fault.is_some() {
            return Err(RoundError::WrongState);
        }
        match self.phase {
            Phase::Final | Phase::Voided => return Err(RoundError::WrongPhase),
            Phase::Window { until } if now > until => return Err(RoundError::TooLate),
            _ => {}
        }
        slot.checks.challenges = slot.checks.challenges.saturating_add(1);
        self.challenges = self.challenges.saturating_add(1);
        slot.checks.extend(terms, now);
        Ok(())
    }

    /// Notes that a challenge made by [`Round::open_challenge`] was lost. One that was won ends with [`Round::convict`].
    ///
    /// # Errors
    /// If none is open. A disagreement is none.
    pub fn close_challenge(&mut self, slot: &mut Slot<A>) -> Result<(), RoundError> {
        slot.checks.challenges = slot.checks.challenges.checked_sub(1).ok_or(RoundError::WrongState)?;
        self.challenges = self.challenges.saturating_sub(1);
        Ok(())
    }

    /// Notes that a challenge of the aggregation is open, whoever made it: the round is not final before it ends.
    ///
    /// # Errors
    /// If there is no aggregation that stands, or the round's window is over.
    pub fn open_root_challenge(&mut self, terms: &Terms, now: ActiveBlock) -> Result<(), RoundError> {
        let Phase::Window { until } = self.phase else { return Err(RoundError::WrongPhase) };
        if !self.owes_aggregator {
            return Err(RoundError::WrongState);
        }
        if now > until {
            return Err(RoundError::TooLate);
        }
        self.root_challenges = self.root_challenges.saturating_add(1);
        self.root_lapses = self.root_lapses.max(now.saturating_add(terms.clocks.dispute));
        Ok(())
    }

    /// Notes that a challenge made by [`Round::open_root_challenge`] was lost. One that was won ends with
    /// [`Round::convict_aggregator`].
    ///
    /// # Errors
    /// If none is open.
    pub fn close_root_challenge(&mut self) -> Result<(), RoundError> {
        self.root_challenges = self.root_challenges.checked_sub(1).ok_or(RoundError::WrongState)?;
        Ok(())
    }

    /// Whether challenges of the aggregation have been open for too long.
    pub(super) fn root_has_lapsed(&self, now: ActiveBlock) -> bool {
        self.root_challenges > 0 && now > self.root_lapses
    }

    /// Ends challenges of the aggregation that stayed open too long: the aggregator is neither paid nor slashed, and the round makes no
    /// checkpoint.
    ///
    /// # Errors
    /// If there is none, or its time is not over.
    pub fn lapse_root(&mut self, terms: &Terms, now: ActiveBlock) -> Result<Effects<A>, RoundError> {
        if self.root_challenges == 0 {
            return Err(RoundError::WrongState);
        }
        if !self.root_has_lapsed(now) {
            return Err(RoundError::TooEarly);
        }
        let mut effects = self.end_aggregation(terms);
        self.fail(VoidReason::Undecided, &mut effects);
        Ok(effects)
    }

    /// Ends the aggregator's obligation without pay.
    pub(super) fn end_aggregation(&mut self, terms: &Terms) -> Effects<A> {
        self.root_challenges = 0;
        let (true, Some((_, worker))) = (self.owes_aggregator, self.result.clone()) else {
            return Vec::new();
        };
        self.owes_aggregator = false;
        self.settle_one();
        vec![Effect::Release { worker, amount: terms.stake }]
    }
}
