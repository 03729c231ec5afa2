//! Availability: drawn workers fetch the updates, and the majority of those that report decides which count.
//!
//! Places are drawn by stake, so one worker may have two, as two halves of it might: it reports for each.
//!
//! A dishonest majority of a panel can deny a slot its pay, or a round its quorum; it can make no wrong result stand. Where no panel
//! reports, the round makes no checkpoint, and nobody can say which updates were there: what is committed is paid, as in other voided
//! rounds, unless an audit or a challenge finds it wrong.

use super::{Attester, Effects, Phase, Round, RoundError, Terms, VoidReason};
use crate::{
    ActiveBlock, Session, SlotSet,
    defaults::{DRAW_LAG, PANELS},
    draw::{Purpose, Subject},
};
use alloc::vec::Vec;

impl<A: Clone + PartialEq> Round<A> {
    /// The draw of the attester at `place`: its subject, and the session whose frozen set it is from.
    pub fn attester_draw(&self, terms: &Terms, place: u16, session: Session) -> Option<(Subject, Session)> {
        let Phase::Availability { panel, .. } = self.phase else { return None };
        let subject = self.subject(terms, Purpose::Attester, place, panel.into());
        Some((subject, session.saturating_sub(DRAW_LAG)))
    }

    /// Fills the next place of the panel with the worker drawn for it, or leaves it empty if nobody can be drawn. A worker of the
    /// round should not be drawn: it would attest its own update.
    ///
    /// # Errors
    /// If the panel is complete, or its time is over.
    pub fn seat_attester(
        &mut self,
        terms: &Terms,
        worker: Option<A>,
        now: ActiveBlock,
    ) -> Result<Option<Attester<A>>, RoundError> {
        let Phase::Availability { panel, tried, seated, until, .. } = &mut self.phase else {
            return Err(RoundError::WrongPhase);
        };
        if *tried >= terms.audit.attesters {
            return Err(RoundError::WrongState);
        }
        if now > *until {
            return Err(RoundError::TooLate);
        }
        *tried = tried.saturating_add(1);
        let Some(worker) = worker else { return Ok(None) };
        *seated = seated.saturating_add(1);
        let attester = Attester { worker, panel: *panel, report: None };
        self.unsettle();
        Ok(Some(attester))
    }

    /// Takes an attester's report of the slots whose updates it got.
    ///
    /// # Errors
    /// If it is not its own, was made already, or comes too late.
    pub fn report(
        &mut self,
        attester: &mut Attester<A>,
        worker: &A,
        got: SlotSet,
        now: ActiveBlock,
    ) -> Result<(), RoundError> {
        let Phase::Availability { panel, reports, until, .. } = &mut self.phase else {
            return Err(RoundError::WrongPhase);
        };
        if attester.worker != *worker {
            return Err(RoundError::NotYours);
        }
        if attester.report.is_some() || attester.panel != *panel {
            return Err(RoundError::WrongState);
        }
        if now > *until {
            return Err(RoundError::TooLate);
        }
        attester.report = Some(got);
        *reports = reports.saturating_add(1);
        Ok(())
    }

    /// Ends availability: every attester has reported, or time is up. `reports` are all reports of the panel.
    ///
    /// # Errors
    /// If it is not time yet, or reports are missing.
    pub fn close_availability(
        &mut self,
        terms: &Terms,
        reports: &[SlotSet],
        now: ActiveBlock,
    ) -> Result<Effects<A>, RoundError> {
        let Phase::Availability { panel, tried, seated, reports: count, until } = self.phase else {
            return Err(RoundError::WrongPhase);
        };
        let complete = tried == terms.audit.attesters && seated > 0 && count == seated;
        if !complete && now <= until {
            return Err(RoundError::TooEarly);
        }
        if reports.len() != usize::from(count) {
            return Err(RoundError::WrongReports);
        }
        let mut effects = Vec::new();
        if count == 0 {
            let next = panel.saturating_add(1);
            if next < PANELS {
                let until = now.saturating_add(terms.clocks.availability);
                self.phase = Phase::Availability { panel: next, tried: 0, seated: 0, reports: 0, until };
                return Ok(effects);
            }
            self.fail(VoidReason::Unattested, &mut effects);
            // For their pay only. All workers may have had a slot, or the hook may have come too late: it is not theirs to answer for.
            self.accepted = self.updates();
        }
        for slot in self.updates().iter() {
            let votes = reports.iter().filter(|report| report.contains(slot)).count();
            if votes.saturating_mul(2) > reports.len() {
                self.accepted.insert(slot);
            }
        }
        if self.accepted.len() < terms.rounds.quorum {
            self.fail(VoidReason::TooFew, &mut effects);
        }
        self.begin_aggregation(terms, now);
        Ok(effects)
    }

    /// Goes on to aggregation, or past it if the round makes no checkpoint.
    pub(super) fn begin_aggregation(&mut self, terms: &Terms, now: ActiveBlock) {
        if self.void.is_some() {
            self.begin_window(terms, now);
        } else {
            let until = now.saturating_add(terms.clocks.aggregation);
            self.phase = Phase::Aggregating { turn: 0, aggregator: None, until };
        }
    }

    /// Begins the window, longer if auditors were too few.
    pub(super) fn begin_window(&mut self, terms: &Terms, now: ActiveBlock) {
        let times = if self.extended { 2 } else { 1 };
        self.phase = Phase::Window { until: now.saturating_add(terms.clocks.window.saturating_mul(times)) };
    }
}
