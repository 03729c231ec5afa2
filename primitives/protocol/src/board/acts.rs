//! What workers do: each act loads its records, makes the transition and stores them.

use super::*;

impl Board {
    /// A worker commits an outcome for its slot.
    ///
    /// # Errors
    /// As [`Round::commit`].
    pub fn commit(
        &mut self,
        key: RoundKey,
        index: SlotIndex,
        member: Member,
        generation: Generation,
        outcome: Outcome,
    ) -> Result<(), BoardError> {
        let (mut round, mut slot) = self.slot(key, index)?;
        let effects = round.commit(&self.terms, index, &mut slot, &member, generation, outcome, self.now)?;
        self.slots.insert((key, index), slot);
        self.put(round, Duty::Slot(index), effects);
        Ok(())
    }

    /// An attester reports.
    ///
    /// # Errors
    /// As [`Round::report`].
    pub fn report(
        &mut self,
        key: RoundKey,
        panel: u8,
        place: u16,
        member: Member,
        got: SlotSet,
    ) -> Result<(), BoardError> {
        let mut round = self.rounds.get(&key).copied().ok_or(BoardError::Missing)?;
        let attester = self.attesters.get_mut(&(key, panel, place)).ok_or(BoardError::Missing)?;
        round.report(attester, &member, got, self.now)?;
        self.rounds.insert(key, round);
        Ok(())
    }

    /// The aggregator posts the next checkpoint.
    ///
    /// # Errors
    /// As [`Round::post_root`].
    pub fn post_root(
        &mut self,
        key: RoundKey,
        member: Member,
        checkpoint: Checkpoint,
    ) -> Result<(), BoardError> {
        let mut round = self.rounds.get(&key).copied().ok_or(BoardError::Missing)?;
        let effects = round.post_root(&self.terms, &member, checkpoint, self.now)?;
        self.put(round, Duty::Aggregator, effects);
        Ok(())
    }

    /// An auditor seals.
    ///
    /// # Errors
    /// As [`Round::seal`].
    pub fn seal(
        &mut self,
        key: RoundKey,
        place: u16,
        member: Member,
        seal: Digest,
    ) -> Result<(), BoardError> {
        let mut round = self.rounds.get(&key).copied().ok_or(BoardError::Missing)?;
        let seat = self.seats.get_mut(&(key, place)).ok_or(BoardError::Missing)?;
        round.seal(seat, &member, seal, self.now)?;
        self.rounds.insert(key, round);
        Ok(())
    }

    /// Somebody publishes the leaves of a slot's audited segments.
    ///
    /// # Errors
    /// As [`Round::publish`].
    pub fn publish(&mut self, key: RoundKey, index: SlotIndex, leaves: &[Opening]) -> Result<(), BoardError> {
        let (mut round, mut slot) = self.slot(key, index)?;
        round.publish(&self.terms, index, &mut slot, leaves, self.now)?;
        self.slots.insert((key, index), slot);
        self.rounds.insert(key, round);
        Ok(())
    }

    /// An auditor reveals.
    ///
    /// # Errors
    /// As [`Round::reveal`].
    pub fn reveal(
        &mut self,
        key: RoundKey,
        place: u16,
        member: Member,
        reveal: &Reveal,
    ) -> Result<(), BoardError> {
        let mut seat = self.seats.get(&(key, place)).copied().ok_or(BoardError::Missing)?;
        let (mut round, mut slot) = self.slot(key, seat.slot)?;
        let effects = round.reveal(&self.terms, place, &mut slot, &mut seat, &member, reveal, self.now)?;
        self.slots.insert((key, seat.slot), slot);
        self.seats.insert((key, place), seat);
        self.put(round, Duty::Seat(place), effects);
        Ok(())
    }

    /// A dispute about a seat's disagreement ends.
    ///
    /// # Errors
    /// As [`Round::resolve`].
    pub fn resolve(&mut self, key: RoundKey, place: u16, verdict: Verdict) -> Result<(), BoardError> {
        let mut seat = self.seats.get(&(key, place)).copied().ok_or(BoardError::Missing)?;
        let (mut round, mut slot) = self.slot(key, seat.slot)?;
        let effects = round.resolve(&self.terms, seat.slot, &mut slot, &mut seat, verdict, self.now)?;
        let duty = match verdict {
            Verdict::WorkerWrong(_) => Duty::Slot(seat.slot),
            Verdict::AuditorWrong => Duty::Seat(place),
        };
        self.slots.insert((key, seat.slot), slot);
        self.seats.insert((key, place), seat);
        self.put(round, duty, effects);
        Ok(())
    }

    /// Somebody challenges a slot.
    ///
    /// # Errors
    /// As [`Round::open_challenge`].
    pub fn open_challenge(&mut self, key: RoundKey, index: SlotIndex) -> Result<(), BoardError> {
        let (mut round, mut slot) = self.slot(key, index)?;
        round.open_challenge(&self.terms, &mut slot, self.now)?;
        self.slots.insert((key, index), slot);
        self.rounds.insert(key, round);
        Ok(())
    }

    /// A challenge of a slot is lost.
    ///
    /// # Errors
    /// As [`Round::close_challenge`].
    pub fn close_challenge(&mut self, key: RoundKey, index: SlotIndex) -> Result<(), BoardError> {
        let (mut round, mut slot) = self.slot(key, index)?;
        round.close_challenge(&mut slot)?;
        self.slots.insert((key, index), slot);
        self.rounds.insert(key, round);
        Ok(())
    }

    /// Somebody challenges a round's aggregation.
    ///
    /// # Errors
    /// As [`Round::open_root_challenge`].
    pub fn open_root_challenge(&mut self, key: RoundKey) -> Result<(), BoardError> {
        let round = self.rounds.get_mut(&key).ok_or(BoardError::Missing)?;
        Ok(round.open_root_challenge(&self.terms, self.now)?)
    }

    /// A challenge of a round's aggregation is lost.
    ///
    /// # Errors
    /// As [`Round::close_root_challenge`].
    pub fn close_root_challenge(&mut self, key: RoundKey) -> Result<(), BoardError> {
        let round = self.rounds.get_mut(&key).ok_or(BoardError::Missing)?;
        Ok(round.close_root_challenge()?)
    }

    /// A challenge from outside convicts a slot.
    ///
    /// # Errors
    /// As [`Round::convict`].
    pub fn convict(
        &mut self,
        key: RoundKey,
        index: SlotIndex,
        claim: crate::round::Claim,
        challenger: Option<Member>,
    ) -> Result<(), BoardError> {
        let (mut round, mut slot) = self.slot(key, index)?;
        let effects = round.convict(&self.terms, index, &mut slot, claim, challenger.as_ref(), self.now)?;
        self.slots.insert((key, index), slot);
        self.put(round, Duty::Slot(index), effects);
        Ok(())
    }

    /// A challenge from outside convicts a round's aggregation.
    ///
    /// # Errors
    /// As [`Round::convict_aggregator`].
    pub fn convict_aggregator(
        &mut self,
        key: RoundKey,
        challenger: Option<Member>,
    ) -> Result<(), BoardError> {
        let mut round = self.rounds.get(&key).copied().ok_or(BoardError::Missing)?;
        let effects = round.convict_aggregator(&self.terms, challenger.as_ref())?;
        self.put(round, Duty::Aggregator, effects);
        Ok(())
    }

    /// What a slot's worker has committed.
    pub fn commitment(&self, key: RoundKey, index: SlotIndex) -> Option<Commitment> {
        match self.slots.get(&(key, index))?.outcome()? {
            Outcome::Trained(commitment) => Some(commitment),
            Outcome::Diverged(_) => None,
        }
    }

    fn slot(&self, key: RoundKey, index: SlotIndex) -> Result<(Round<Member>, Slot<Member>), BoardError> {
        match self.load(key, index) {
            (Some(round), Some(slot)) => Ok((round, slot)),
            _ => Err(BoardError::Missing),
        }
    }
}
