//! Settlement: what a final or voided round's records are paid, one by one. Each function takes its
//! record by value: where it succeeds, the record is to be removed.

use super::{Attester, Claim, Effect, Effects, Fault, Phase, Round, RoundError, Slot, SlotState, Terms};
use crate::{
    Balance, SlotIndex,
    audit::{Seat, SeatState},
    money::{self, Party, transfer},
};
use alloc::{vec, vec::Vec};

impl<A: Clone + PartialEq> Round<A> {
    /// Settles a slot: its worker is paid if its update was accepted or it diverged, and nothing was found wrong with it. A voided round
    /// pays as a final one does.
    ///
    /// # Errors
    /// If the round is not over, or seats of the slot are not settled.
    pub fn settle_slot(
        &mut self,
        terms: &Terms,
        index: SlotIndex,
        slot: Slot<A>,
    ) -> Result<Effects<A>, RoundError> {
        if !self.is_over() {
            return Err(RoundError::WrongPhase);
        }
        if slot.checks.unsettled > 0 {
            return Err(RoundError::SeatsFirst);
        }
        self.settle_one();
        let checks = slot.checks;
        let (worker, committed) = match slot.state {
            SlotState::Vacant | SlotState::Lost => return Ok(Vec::new()),
            SlotState::Assigned { worker, .. } => (worker, false),
            SlotState::Committed { worker, .. } => (worker, true),
        };
        let release = Effect::Release { worker: worker.clone(), amount: terms.stake };
        match checks.fault {
            // What its auditors do not get of the part kept for them.
            Some(Fault::Convicted(_) | Fault::LeavesMissing) => {
                let given = kept_share(terms, &slot.checks).saturating_mul(checks.differed.into());
                let rest = money::split(terms.stake).auditors.saturating_sub(given);
                Ok(transfer(Party::Kept, Party::Escrow, rest).map(Effect::Move).into_iter().collect())
            }
            Some(Fault::Undecided) => Ok(vec![release]),
            None if !committed => Ok(vec![release]),
            None if self.accepted.contains(index) || self.diverged.contains(index) => {
                let charge = unserved_charge(terms, &checks);
                let pay = terms.price.saturating_sub(charge.saturating_mul(checks.unserved.into()));
                let paid = transfer(Party::Escrow, Party::Worker(worker.clone()), pay).map(Effect::Move);
                Ok([release]
                    .into_iter()
                    .chain(paid)
                    .chain([Effect::Observe { worker, good: true }])
                    .collect())
            }
            None => Ok(vec![release, Effect::Observe { worker, good: false }]),
        }
    }

    /// Settles an auditor's seat; see the table in [`crate::audit`].
    ///
    /// # Errors
    /// If the round is not over, or the seat audits another slot.
    pub fn settle_seat(
        &mut self,
        terms: &Terms,
        index: SlotIndex,
        slot: &mut Slot<A>,
        seat: Seat<A>,
    ) -> Result<Effects<A>, RoundError> {
        if !self.is_over() {
            return Err(RoundError::WrongPhase);
        }
        if seat.slot != index || slot.checks.unsettled == 0 {
            return Err(RoundError::Malformed);
        }
        self.settle_one();
        slot.checks.unsettled = slot.checks.unsettled.saturating_sub(1);
        let (auditor, stake, checks) = (seat.auditor, terms.audit.auditor_stake, slot.checks);
        let release = Effect::Release { worker: auditor.clone(), amount: stake };
        let observe = |good| Effect::Observe { worker: auditor.clone(), good };
        let pay = |amount| transfer(Party::Escrow, Party::Worker(auditor.clone()), amount).map(Effect::Move);
        let slash = |amount| money::slash_auditor(&auditor, amount).into_iter().map(Effect::Move);
        let effects = match seat.state {
            SeatState::Drawn | SeatState::Sealed(_) => {
                [release].into_iter().chain(slash(stake)).chain([observe(false)]).collect()
            }
            SeatState::Agreed { .. } if self.vouched_wrongly(terms, index, &checks) => {
                let slashed = slash(vouched_slash(terms, &checks));
                [release].into_iter().chain(slashed).chain([observe(false)]).collect()
            }
            SeatState::Agreed { unserved } => {
                // The charge is the slot's: it pays only if the slot is paid.
                let paid = checks.fault.is_none()
                    && (self.accepted.contains(index) || self.diverged.contains(index));
                let extra = if unserved && paid { unserved_charge(terms, &checks) } else { 0 };
                let price = terms.audit.auditor_price.saturating_add(extra);
                [release].into_iter().chain(pay(price)).chain([observe(true)]).collect()
            }
            SeatState::Unanswered => {
                [release].into_iter().chain(pay(terms.audit.auditor_price)).chain([observe(true)]).collect()
            }
            SeatState::Differed { .. } if checks.fault == Some(Fault::Undecided) => vec![release],
            SeatState::Differed { .. } => {
                let share = transfer(Party::Kept, Party::Worker(auditor.clone()), kept_share(terms, &checks));
                [release]
                    .into_iter()
                    .chain(pay(terms.audit.auditor_price))
                    .chain(share.map(Effect::Move))
                    .chain([observe(true)])
                    .collect()
            }
            SeatState::Wrong => Vec::new(),
        };
        Ok(effects)
    }

    /// Settles an attester: it is paid if it reported.
    ///
    /// # Errors
    /// If the round is not over.
    pub fn settle_attester(
        &mut self,
        terms: &Terms,
        attester: Attester<A>,
    ) -> Result<Effects<A>, RoundError> {
        if !self.is_over() {
            return Err(RoundError::WrongPhase);
        }
        self.settle_one();
        let (worker, good) = (attester.worker, attester.report.is_some());
        let price = if good { terms.audit.attester_price } else { 0 };
        let pay = transfer(Party::Escrow, Party::Worker(worker.clone()), price).map(Effect::Move);
        Ok(pay.into_iter().chain([Effect::Observe { worker, good }]).collect())
    }

    /// Settles the aggregator, once.
    ///
    /// # Errors
    /// If the round is not over, or the aggregator is settled or was convicted.
    pub fn settle_aggregator(&mut self, terms: &Terms) -> Result<Effects<A>, RoundError> {
        if !self.is_over() {
            return Err(RoundError::WrongPhase);
        }
        let (true, Some((_, worker))) = (self.owes_aggregator, self.result.clone()) else {
            return Err(RoundError::WrongState);
        };
        self.owes_aggregator = false;
        self.settle_one();
        let release = Effect::Release { worker: worker.clone(), amount: terms.stake };
        let pay = transfer(Party::Escrow, Party::Worker(worker.clone()), terms.rounds.aggregator_price);
        Ok([release]
            .into_iter()
            .chain(pay.map(Effect::Move))
            .chain([Effect::Observe { worker, good: true }])
            .collect())
    }

    fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Final | Phase::Voided)
    }

    /// Whether those who agreed with a slot agreed with something that was convicted.
    fn vouched_wrongly(&self, terms: &Terms, index: SlotIndex, checks: &super::Checks) -> bool {
        match checks.fault {
            Some(Fault::Convicted(Claim::Segment(segment))) => {
                self.audited_segments(terms, index).contains(&segment)
            }
            Some(Fault::Convicted(Claim::Divergence)) => true,
            Some(Fault::Convicted(Claim::Other) | Fault::LeavesMissing | Fault::Undecided) | None => false,
        }
    }
}

/// What an auditor loses that agreed with something that was convicted: its stake, if as many others, drawn as it was, had sealed
/// another answer. If not, all who agreed lose at most what the worker lost: it can lose a game about a right segment on purpose, and
/// they have no move in it.
fn vouched_slash(terms: &Terms, checks: &super::Checks) -> Balance {
    let agreed = checks.revealed.saturating_sub(checks.differed).max(1);
    if checks.differed >= agreed {
        return terms.audit.auditor_stake;
    }
    terms.audit.auditor_stake.min(terms.stake.checked_div(agreed.into()).unwrap_or(0))
}

/// What each auditor who differed, or revealed of a slot that was convicted before its leaves were known, gets of the part of the slash that was kept for them; rounded down.
fn kept_share(terms: &Terms, checks: &super::Checks) -> Balance {
    money::split(terms.stake).auditors.checked_div(checks.differed.into()).unwrap_or(0)
}

/// What a slot pays each auditor that it did not serve: an auditor's price, if there are several and all who revealed say so. (The
/// word of one alone would be worth a price to it.) Never more than the slot earns.
fn unserved_charge(terms: &Terms, checks: &super::Checks) -> Balance {
    if checks.unserved < 2 || checks.unserved < checks.revealed {
        return 0;
    }
    let most = terms.price.checked_div(checks.unserved.into()).unwrap_or(0);
    terms.audit.auditor_price.min(most)
}
