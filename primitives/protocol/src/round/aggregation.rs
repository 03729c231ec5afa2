//! Aggregation: drawn workers, one after another, until one posts the next checkpoint.

use super::{Checkpoint, Effect, Effects, Phase, Round, RoundError, Terms, VoidReason};
use crate::{
    ActiveBlock, Session,
    defaults::{DRAW_LAG, TURNS},
    draw::{Purpose, Subject},
    money,
};
use alloc::{vec, vec::Vec};

impl<A: Clone + PartialEq> Round<A> {
    /// The draw of the aggregator whose turn it is: its subject, and the session whose frozen set it is from.
    pub fn aggregator_draw(&self, terms: &Terms, session: Session) -> Option<(Subject, Session)> {
        let Phase::Aggregating { turn, .. } = self.phase else { return None };
        Some((self.subject(terms, Purpose::Aggregator, 0, turn.into()), session.saturating_sub(DRAW_LAG)))
    }

    /// Gives the turn to a drawn worker whose free stake is at least the terms'. Its clock has begun with the turn.
    ///
    /// # Errors
    /// If somebody has the turn, or its time is over.
    pub fn seat_aggregator(
        &mut self,
        terms: &Terms,
        worker: A,
        now: ActiveBlock,
    ) -> Result<Effects<A>, RoundError> {
        let Phase::Aggregating { aggregator, until, .. } = &mut self.phase else {
            return Err(RoundError::WrongPhase);
        };
        if aggregator.is_some() {
            return Err(RoundError::WrongState);
        }
        if now > *until {
            return Err(RoundError::TooLate);
        }
        *aggregator = Some(worker.clone());
        Ok(vec![Effect::Reserve { worker, amount: terms.stake }])
    }

    /// Takes the next checkpoint from the aggregator whose turn it is.
    ///
    /// # Errors
    /// If it is not its turn, or too late.
    pub fn post_root(
        &mut self,
        terms: &Terms,
        worker: &A,
        checkpoint: Checkpoint,
        now: ActiveBlock,
    ) -> Result<Effects<A>, RoundError> {
        let Phase::Aggregating { aggregator, until, .. } = &self.phase else {
            return Err(RoundError::WrongPhase);
        };
        if aggregator.as_ref() != Some(worker) {
            return Err(RoundError::NotYours);
        }
        if now > *until {
            return Err(RoundError::TooLate);
        }
        // It would have left this phase; whatever voids a round, no checkpoint comes of it.
        if self.void.is_some() {
            return Err(RoundError::WrongState);
        }
        self.result = Some((checkpoint, worker.clone()));
        self.owes_aggregator = true;
        self.unsettle();
        self.begin_window(terms, now);
        Ok(vec![Effect::Built(checkpoint)])
    }

    /// Ends the turn of an aggregator that missed its deadline.
    ///
    /// # Errors
    /// If it has not.
    pub fn skip_aggregator(&mut self, terms: &Terms, now: ActiveBlock) -> Result<Effects<A>, RoundError> {
        let Phase::Aggregating { turn, aggregator, until } = self.phase.clone() else {
            return Err(RoundError::WrongPhase);
        };
        if now <= until {
            return Err(RoundError::TooEarly);
        }
        let mut effects = Vec::new();
        if let Some(worker) = aggregator {
            effects.push(Effect::Release { worker: worker.clone(), amount: terms.stake });
            effects.push(Effect::Observe { worker, good: false });
        }
        let next = turn.saturating_add(1);
        if next < TURNS {
            let until = now.saturating_add(terms.clocks.aggregation);
            self.phase = Phase::Aggregating { turn: next, aggregator: None, until };
        } else {
            self.fail(VoidReason::NoRoot, &mut effects);
            self.begin_window(terms, now);
        }
        Ok(effects)
    }

    /// Convicts the aggregation, as a dispute found: its stake is slashed, the round makes no checkpoint.
    ///
    /// # Errors
    /// If there is none to convict, or it stands.
    pub fn convict_aggregator(
        &mut self,
        terms: &Terms,
        challenger: Option<&A>,
    ) -> Result<Effects<A>, RoundError> {
        let (Phase::Window { .. }, true, Some((_, worker))) =
            (&self.phase, self.owes_aggregator, &self.result)
        else {
            return Err(RoundError::WrongState);
        };
        let worker = worker.clone();
        let mut effects = self.end_aggregation(terms);
        effects.extend(
            money::slash_without_auditors(&worker, terms.stake, challenger).into_iter().map(Effect::Move),
        );
        effects.push(Effect::Observe { worker, good: false });
        self.fail(VoidReason::FalseRoot, &mut effects);
        Ok(effects)
    }
}
