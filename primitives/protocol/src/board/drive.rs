//! What happens by itself: every transition that is due, and settlement.

use super::*;

impl Board {
    /// Makes every transition that is due. Returns how many were made.
    pub fn poke(&mut self) -> u32 {
        let mut made: u32 = 0;
        if self.progress.freeze(&self.terms, self.session()) {
            made = made.saturating_add(1);
        }
        let session = self.session();
        if let Ok(frozen) = self.progress.can_open(&self.terms, session) {
            let ready = tickets::TicketStore::head(&self.tickets).len_before(frozen);
            if let Ok(round) = self.progress.open(&self.terms, ready, self.now, session) {
                for index in 0..self.terms.rounds.slots {
                    self.slots.insert((round.key, index), Slot::vacant(&self.terms, round.key));
                }
                self.rounds.insert(round.key, round);
                made = made.saturating_add(1);
            }
        }
        for key in self.rounds.keys().copied().collect::<Vec<_>>() {
            made = made.saturating_add(self.poke_slots(key));
            while self.poke_round(key) {
                made = made.saturating_add(1);
            }
            made = made.saturating_add(self.settle(key));
        }
        while tickets::compact(&mut self.tickets, session) {
            made = made.saturating_add(1);
        }
        made
    }

    /// Expires, lapses and assigns slots.
    fn poke_slots(&mut self, key: RoundKey) -> u32 {
        let mut made: u32 = 0;
        for index in 0..self.terms.rounds.slots {
            let (Some(mut round), Some(mut slot)) = self.load(key, index) else { continue };
            let mut effects = Effects::new();
            if round.can_expire(&self.terms, &slot, self.now) {
                effects.extend(round.expire(&self.terms, index, &mut slot, self.now).unwrap_or_default());
                made = made.saturating_add(1);
            }
            if slot.checks.has_lapsed(self.now) {
                effects.extend(round.lapse(&self.terms, index, &mut slot, self.now).unwrap_or_default());
                made = made.saturating_add(1);
            }
            if slot.state == SlotState::Vacant {
                let draw = round.slot_draw(&self.terms, index, slot.generation, self.session());
                if let Some(worker) = self.draw(draw, self.terms.stake, &[])
                    && let Ok(more) = round.assign(&self.terms, &mut slot, worker, self.now)
                {
                    effects.extend(more);
                    made = made.saturating_add(1);
                }
            }
            self.slots.insert((key, index), slot);
            self.put(round, Duty::Slot(index), effects);
        }
        made
    }

    /// Makes the round's next transition. Returns whether there was one.
    fn poke_round(&mut self, key: RoundKey) -> bool {
        let Some(mut round) = self.rounds.get(&key).copied() else { return false };
        let (terms, now, session) = (self.terms, self.now, self.session());
        let first = self.progress.open.first() == Some(&key);
        let Some(due) = round.due(&terms, first, now, session) else { return false };
        let made = self.make(&mut round, due);
        let happened = made.is_ok();
        if let Ok(effects) = made {
            let duty = match due {
                Due::FailLeaves(index) => Duty::Slot(index),
                Due::SeatAuditor(place) => Duty::Seat(place),
                Due::SeatAggregator(_) | Due::SkipAggregator | Due::LapseRoot => Duty::Aggregator,
                _ => Duty::Round,
            };
            self.put(round, duty, effects);
        }
        happened
    }

    fn make(&mut self, round: &mut Round<Member>, due: Due) -> Result<Effects<Member>, BoardError> {
        let (terms, now, session, key) = (self.terms, self.now, self.session(), round.key);
        let none = Effects::new;
        Ok(match due {
            Due::CloseTraining => round.close_training(&terms, now, session)?,
            Due::SeatAttester(place) => {
                let drawn = round.attester_draw(&terms, place, session).ok_or(BoardError::Missing)?;
                let others = self.workers_of(key);
                let panel =
                    u8::try_from(drawn.0.generation.saturating_sub(terms.first_generation(key.attempt)));
                let worker = self.draw(drawn, 0, &others);
                if let Some(attester) = round.seat_attester(&terms, worker, now)? {
                    self.attesters.insert((key, panel.unwrap_or(0), place), attester);
                }
                none()
            }
            Due::CloseAvailability => {
                let reports = self.reports(round);
                round.close_availability(&terms, &reports, now)?
            }
            Due::SeatAggregator(_) => {
                let drawn = round.aggregator_draw(&terms, session).ok_or(BoardError::Missing)?;
                let worker = self.draw(drawn, terms.stake, &[]).ok_or(BoardError::Missing)?;
                round.seat_aggregator(&terms, worker, now)?
            }
            Due::SkipAggregator => round.skip_aggregator(&terms, now)?,
            Due::LapseRoot => round.lapse_root(&terms, now)?,
            Due::BeginAudits => {
                let crate::audit::Audits::Waiting { frozen } = round.audits else {
                    return Err(BoardError::Missing);
                };
                round.begin_audits(self.word(frozen.saturating_add(DRAW_LAG)), session)?;
                none()
            }
            Due::RefreezeAudits => {
                round.refreeze_audits(session)?;
                none()
            }
            Due::SeatAuditor(place) => {
                let index = round.audited_slot(&terms, place).ok_or(BoardError::Missing)?;
                let mut slot = self.slots.get(&(key, index)).copied().ok_or(BoardError::Missing)?;
                let drawn = round.auditor_draw(&terms, place).ok_or(BoardError::Missing)?;
                let own: Vec<Member> = slot.worker().copied().into_iter().collect();
                let auditor = if tickets::can_draw(drawn.1, session) {
                    self.draw(drawn, terms.audit.auditor_stake, &own)
                } else {
                    None
                };
                let (seat, effects) = round.seat_auditor(&terms, index, &mut slot, auditor, now)?;
                self.slots.insert((key, index), slot);
                self.seats.extend(seat.map(|seat| ((key, place), seat)));
                effects
            }
            Due::CloseSeals => {
                round.close_seals(&terms, now)?;
                none()
            }
            Due::CloseLeaves => {
                round.close_leaves(&terms, now)?;
                none()
            }
            Due::FailLeaves(index) => {
                let slot = self.slots.get_mut(&(key, index)).ok_or(BoardError::Missing)?;
                round.fail_leaves(&terms, index, slot, self.now)?
            }
            Due::CloseReveals => {
                round.close_reveals(&terms, now)?;
                none()
            }
            Due::Finish => {
                self.progress.finish(round, now)?;
                none()
            }
        })
    }

    /// Settles everything of a round that is over, and removes it.
    fn settle(&mut self, key: RoundKey) -> u32 {
        let mut made: u32 = 0;
        let Some(mut round) = self.rounds.get(&key).copied() else { return 0 };
        let terms = self.terms;
        for (place, seat) in self.seats_of(key) {
            let Some(mut slot) = self.slots.get(&(key, seat.slot)).copied() else { continue };
            if let Ok(effects) = round.settle_seat(&terms, seat.slot, &mut slot, seat) {
                self.seats.remove(&(key, place));
                self.slots.insert((key, seat.slot), slot);
                self.put(round, Duty::Seat(place), effects);
                made = made.saturating_add(1);
            }
        }
        for index in 0..terms.rounds.slots {
            let Some(slot) = self.slots.get(&(key, index)).copied() else { continue };
            if let Ok(effects) = round.settle_slot(&terms, index, slot) {
                self.slots.remove(&(key, index));
                self.put(round, Duty::Slot(index), effects);
                made = made.saturating_add(1);
            }
        }
        let attesters: Vec<_> =
            self.attesters.range((key, 0, 0)..=(key, u8::MAX, u16::MAX)).map(|(k, a)| (*k, *a)).collect();
        for (place, attester) in attesters {
            if let Ok(effects) = round.settle_attester(&terms, attester) {
                self.attesters.remove(&place);
                self.put(round, Duty::Attester(place.2), effects);
                made = made.saturating_add(1);
            }
        }
        if let Ok(effects) = round.settle_aggregator(&terms) {
            self.put(round, Duty::Aggregator, effects);
            made = made.saturating_add(1);
        }
        if round.is_settled() && self.progress.close(&round) {
            self.rounds.remove(&key);
        }
        made
    }
}
