//! The audits of a round: see [`crate::audit`] for who wins and loses what.

use super::{Due, Effect, Effects, Fault, Phase, Round, RoundError, Slot, SlotState, Terms};
use crate::{
    ActiveBlock, Digest, Outcome, Session, SlotIndex,
    audit::{self, Audits, Opening, Seat, SeatState, answer},
    defaults::RETAINED,
    draw::{Purpose, Subject, Word, share_out, tickets::can_draw},
};
use alloc::{vec, vec::Vec};
use codec::Encode;

impl<A: Clone + PartialEq> Round<A> {
    /// Begins the draw of auditors and segments with the word of the session two after the one that the audits wait with, which is the
    /// one after the commitments froze.
    ///
    /// # Errors
    /// If that session has not come, or its word is no longer kept.
    pub fn begin_audits(&mut self, word: Word, session: Session) -> Result<(), RoundError> {
        let Audits::Waiting { frozen } = self.audits else { return Err(RoundError::WrongState) };
        if !can_draw(frozen, session) {
            return Err(RoundError::TooEarly);
        }
        self.audit_word = Some(word);
        self.audits = Audits::Seating { frozen, tried: 0 };
        Ok(())
    }

    /// Freezes the set anew, because nobody made the draw while its word was kept.
    ///
    /// # Errors
    /// If it can still be made.
    pub fn refreeze_audits(&mut self, session: Session) -> Result<(), RoundError> {
        let Audits::Waiting { frozen } = self.audits else { return Err(RoundError::WrongState) };
        if session < frozen.saturating_add(RETAINED) {
            return Err(RoundError::TooEarly);
        }
        self.audits = Audits::Waiting { frozen: session };
        Ok(())
    }

    /// The slot that the seat at `place` audits: every committed slot gets as many seats, give or take one.
    pub fn audited_slot(&self, terms: &Terms, place: u16) -> Option<SlotIndex> {
        let subject = self.subject(terms, Purpose::Audited, 0, 0);
        let index = share_out(&self.audit_word?, &subject, self.committed.len(), place)?;
        self.committed.nth(index)
    }

    /// The segments that the auditors of a slot execute, ascending.
    pub fn audited_segments(&self, terms: &Terms, slot: SlotIndex) -> Vec<u32> {
        let Some(word) = self.audit_word else { return Vec::new() };
        let subject = self.subject(terms, Purpose::Segments, slot, 0);
        audit::sample(&word, &subject, terms.segments, terms.audit.segments)
    }

    /// The draw of the auditor at `place`: its subject, and the session whose frozen set it is from.
    pub fn auditor_draw(&self, terms: &Terms, place: u16) -> Option<(Subject, Session)> {
        let Audits::Seating { frozen, .. } = self.audits else { return None };
        Some((self.subject(terms, Purpose::Auditor, place, 0), frozen))
    }

    /// Fills the next seat, which audits `slot`, with the worker drawn for it, or leaves it empty if nobody can be drawn. The
    /// worker has the auditor's stake free, and is not the slot's own.
    ///
    /// # Errors
    /// If no seat is to be filled, it audits another slot, or the worker is the slot's own.
    pub fn seat_auditor(
        &mut self,
        terms: &Terms,
        index: SlotIndex,
        slot: &mut Slot<A>,
        auditor: Option<A>,
        now: ActiveBlock,
    ) -> Result<(Option<Seat<A>>, Effects<A>), RoundError> {
        let Audits::Seating { frozen, tried } = self.audits else { return Err(RoundError::WrongState) };
        let SlotState::Committed { worker, outcome } = &slot.state else {
            return Err(RoundError::WrongState);
        };
        if self.audited_slot(terms, tried) != Some(index) {
            return Err(RoundError::Malformed);
        }
        if auditor.as_ref() == Some(worker) {
            return Err(RoundError::NotYours);
        }
        let mut effects = Vec::new();
        let seat = auditor.map(|auditor| {
            effects.push(Effect::Reserve { worker: auditor.clone(), amount: terms.audit.auditor_stake });
            match outcome {
                Outcome::Diverged(divergence) => slot.checks.answer = Some(answer::of_divergence(divergence)),
                Outcome::Trained(_) if slot.checks.fault.is_none() => self.unanswered.insert(index),
                Outcome::Trained(_) => {}
            }
            slot.checks.seats = slot.checks.seats.saturating_add(1);
            slot.checks.unsettled = slot.checks.unsettled.saturating_add(1);
            self.seats = self.seats.saturating_add(1);
            self.unsettle();
            Seat { auditor, slot: index, generation: slot.generation, state: SeatState::Drawn }
        });
        let tried = tried.saturating_add(1);
        self.audits = if tried < terms.audit.auditors {
            Audits::Seating { frozen, tried }
        } else {
            Audits::Sealing { until: now.saturating_add(terms.clocks.seals) }
        };
        if self.seats == 0 && tried >= terms.audit.auditors {
            self.end_audits(terms, now);
        }
        Ok((seat, effects))
    }

    /// Takes an auditor's seal. It stands.
    ///
    /// # Errors
    /// If the seat is not its own, sealed already, or it is too late.
    pub fn seal(
        &mut self,
        seat: &mut Seat<A>,
        auditor: &A,
        seal: Digest,
        now: ActiveBlock,
    ) -> Result<(), RoundError> {
        let Audits::Sealing { until } = self.audits else { return Err(RoundError::WrongState) };
        if seat.auditor != *auditor {
            return Err(RoundError::NotYours);
        }
        if seat.state != SeatState::Drawn {
            return Err(RoundError::WrongState);
        }
        if now > until {
            return Err(RoundError::TooLate);
        }
        seat.state = SeatState::Sealed(seal);
        self.sealed = self.sealed.saturating_add(1);
        Ok(())
    }

    /// Closes the seals: all are there, or time is up.
    ///
    /// # Errors
    /// If it is not time yet.
    pub fn close_seals(&mut self, terms: &Terms, now: ActiveBlock) -> Result<(), RoundError> {
        let Audits::Sealing { until } = self.audits else { return Err(RoundError::WrongState) };
        if self.sealed < self.seats && now <= until {
            return Err(RoundError::TooEarly);
        }
        self.audits = Audits::Publishing { until: now.saturating_add(terms.clocks.leaves) };
        Ok(())
    }

    /// Takes the leaves at the ends of a slot's audited segments, ascending. From anybody who has them.
    ///
    /// # Errors
    /// If they are not asked for, too late, or not those of the commitment.
    pub fn publish(
        &mut self,
        terms: &Terms,
        index: SlotIndex,
        slot: &mut Slot<A>,
        leaves: &[Opening],
        now: ActiveBlock,
    ) -> Result<(), RoundError> {
        let Audits::Publishing { until } = self.audits else { return Err(RoundError::WrongState) };
        let Some(Outcome::Trained(commitment)) = slot.outcome() else { return Err(RoundError::WrongState) };
        if !self.unanswered.contains(index) {
            return Err(RoundError::WrongState);
        }
        if now > until {
            return Err(RoundError::TooLate);
        }
        let segments = self.audited_segments(terms, index);
        let count = terms.segments.saturating_add(1);
        let bound = leaves.len() == segments.len()
            && leaves.iter().zip(&segments).all(|(leaf, segment)| {
                leaf.opens(&commitment.segments_root, count, segment.saturating_add(1))
            });
        if !bound {
            return Err(RoundError::WrongLeaves);
        }
        let roots: Vec<Digest> = leaves.iter().map(|leaf| leaf.leaf).collect();
        slot.checks.answer = Some(answer::of_roots(&roots));
        self.unanswered.remove(index);
        Ok(())
    }

    /// Closes the publication of leaves: all are there, or time is up. Slots without are to be failed.
    ///
    /// # Errors
    /// If it is not time yet.
    pub fn close_leaves(&mut self, terms: &Terms, now: ActiveBlock) -> Result<(), RoundError> {
        let Audits::Publishing { until } = self.audits else { return Err(RoundError::WrongState) };
        if !self.unanswered.is_empty() && now <= until {
            return Err(RoundError::TooEarly);
        }
        self.audits = Audits::Revealing { until: now.saturating_add(terms.clocks.reveals) };
        Ok(())
    }

    /// Takes the answer of the auditor at `place`. If it differs from the slot's own, a disagreement is open until the dispute is
    /// decided.
    ///
    /// # Errors
    /// If the seat is not its own or not sealed so, or it is too late.
    pub fn reveal(
        &mut self,
        terms: &Terms,
        place: u16,
        slot: &mut Slot<A>,
        seat: &mut Seat<A>,
        auditor: &A,
        reveal: &Reveal,
        now: ActiveBlock,
    ) -> Result<Effects<A>, RoundError>
    where
        A: Encode,
    {
        let Audits::Revealing { until } = self.audits else { return Err(RoundError::WrongState) };
        if seat.auditor != *auditor {
            return Err(RoundError::NotYours);
        }
        let SeatState::Sealed(sealed) = seat.state else { return Err(RoundError::WrongState) };
        if seat.generation != slot.generation {
            return Err(RoundError::WrongGeneration);
        }
        if now > until {
            return Err(RoundError::TooLate);
        }
        if audit::seal(&reveal.answer, &reveal.salt, auditor) != sealed {
            return Err(RoundError::OtherSeal);
        }
        let unserved = reveal.unserved;
        let checks = &mut slot.checks;
        let mut effects = Vec::new();
        seat.state = match checks.answer {
            // Nobody publishes the leaves of a slot that is convicted, its worker least of all. Whoever sealed has its part of the slash.
            None if matches!(checks.fault, Some(Fault::Convicted(_))) => {
                checks.differed = checks.differed.saturating_add(1);
                SeatState::Differed { unserved }
            }
            None => SeatState::Unanswered,
            Some(own) if own == reveal.answer => SeatState::Agreed { unserved },
            Some(_) => {
                checks.differed = checks.differed.saturating_add(1);
                if checks.fault.is_none() {
                    let until = self.open_disagreement(terms, checks, now);
                    let (slot, auditor) = (seat.slot, auditor.clone());
                    effects = vec![Effect::Dispute { place, slot, auditor, until }];
                }
                SeatState::Differed { unserved }
            }
        };
        let checks = &mut slot.checks;
        checks.revealed = checks.revealed.saturating_add(1);
        checks.unserved = checks.unserved.saturating_add(unserved.into());
        self.answered = self.answered.saturating_add(1);
        Ok(effects)
    }

    /// Closes the reveals: all that sealed have revealed, or time is up. If fewer answered than should, the window is longer.
    ///
    /// # Errors
    /// If it is not time yet.
    pub fn close_reveals(&mut self, terms: &Terms, now: ActiveBlock) -> Result<(), RoundError> {
        let Audits::Revealing { until } = self.audits else { return Err(RoundError::WrongState) };
        if self.answered < self.sealed && now <= until {
            return Err(RoundError::TooEarly);
        }
        self.end_audits(terms, now);
        Ok(())
    }

    fn end_audits(&mut self, terms: &Terms, now: ActiveBlock) {
        self.audits = Audits::Done;
        if self.answered < terms.audit.auditors {
            self.extended = true;
            if let Phase::Window { until } = &mut self.phase {
                *until = (*until).max(now).saturating_add(terms.clocks.window);
            }
        }
    }

    pub(super) fn due_audit(&self, terms: &Terms, now: ActiveBlock, session: Session) -> Option<Due> {
        match self.audits {
            Audits::NotYet => None,
            Audits::Waiting { frozen } if can_draw(frozen, session) => Some(Due::BeginAudits),
            Audits::Waiting { frozen } => {
                (session >= frozen.saturating_add(RETAINED)).then_some(Due::RefreezeAudits)
            }
            Audits::Seating { tried, .. } => {
                (tried < terms.audit.auditors).then_some(Due::SeatAuditor(tried))
            }
            Audits::Sealing { until } => {
                (self.sealed == self.seats || now > until).then_some(Due::CloseSeals)
            }
            Audits::Publishing { until } => {
                (self.unanswered.is_empty() || now > until).then_some(Due::CloseLeaves)
            }
            Audits::Revealing { .. } | Audits::Done if !self.unanswered.is_empty() => {
                self.unanswered.nth(0).map(Due::FailLeaves)
            }
            Audits::Revealing { until } => {
                (self.answered == self.sealed || now > until).then_some(Due::CloseReveals)
            }
            Audits::Done => None,
        }
    }
}

/// What an auditor reveals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reveal {
    /// What it found: [`answer::of_roots`] or [`answer::of_divergence`].
    pub answer: Digest,
    /// What hid it.
    pub salt: [u8; 32],
    /// The worker did not serve the states that the segments start from, so the auditor had to train the slot from its start.
    pub unserved: bool,
}
