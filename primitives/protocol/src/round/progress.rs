//! A run's rounds in their order: what is drawn, open, voided, final, and what the escrow covers.

use super::{Checkpoint, Due, Effect, LIVE, Phase, Round, RoundError, Terms, VoidReason};
use crate::{
    ActiveBlock, Attempt, Balance, Generation, RoundIndex, RoundKey, Session,
    defaults::{RETAINED, UNFINALISED, VOIDS_IN_A_ROW},
    draw::tickets::can_draw,
    money::{Party, Transfer},
    spec::limits,
};
use alloc::vec::Vec;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Why a run opens no rounds until it is resumed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Pause {
    /// Somebody who may decided so.
    Decided,
    /// A quorum of a round's slots diverged: the specification is at fault.
    Diverged,
    /// Several attempts in a row made no checkpoint, for this reason at last.
    Voids(VoidReason),
    /// The escrow does not cover another round.
    Escrow,
    /// Rounds were voided as often as generations can tell apart. Cannot be resumed.
    Exhausted,
}

/// Most voids of a run: beyond it, generations would repeat.
pub const ATTEMPTS: Attempt = Generation::MAX / limits::TRIES;

/// Why a round cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgressError {
    /// The run is paused.
    #[error("the run is paused")]
    Paused,
    /// All rounds are open or final.
    #[error("there is no further round")]
    NoneLeft,
    /// The checkpoint that it starts from is not there, or too many rounds wait for their finality or settlement.
    #[error("earlier rounds must be further first")]
    Waits,
    /// Its set cannot be drawn from yet, or no longer.
    #[error("its set of workers is not drawn in this session")]
    NotDrawn,
    /// The frozen set is smaller than the quorum.
    #[error("fewer workers are ready than the round's quorum")]
    TooFewWorkers,
    /// The round is not the one that is next in order.
    #[error("rounds become final in order")]
    OutOfOrder,
    /// The round's own state does not allow it.
    #[error(transparent)]
    Round(#[from] RoundError),
    /// The escrow does not hold what is to be taken from it.
    #[error("the escrow does not cover it")]
    Escrow,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Progress {
    /// The attempt that is opened next.
    pub next: RoundKey,
    /// The session in which its set of workers is frozen, once it is.
    pub frozen: Option<Session>,
    /// The checkpoint that it starts from; None for the specification's own.
    pub tip: Option<Checkpoint>,
    /// Whether a round is at work on that checkpoint.
    pub building: bool,
    /// Rounds that are final.
    pub finalised: RoundIndex,
    /// Rounds that are open and not final, in order; the later ones are built on the earlier ones.
    pub open: BoundedVec<RoundKey, ConstU32<UNFINALISED>>,
    /// Attempts that are over for the run (final or voided), but not settled.
    pub settling: BoundedVec<RoundKey, ConstU32<LIVE>>,
    /// Attempts in a row without a checkpoint, those that a conviction voided not counted.
    pub voids: u8,
    /// Why no round is opened.
    pub pause: Option<Pause>,
    /// What is left of the budget, in units of 10^-12 SBH.
    pub escrow: Balance,
}

impl Progress {
    /// A run with a budget.
    pub fn new(budget: Balance) -> Self {
        Self {
            next: RoundKey::default(),
            frozen: None,
            tip: None,
            building: false,
            finalised: 0,
            open: BoundedVec::new(),
            settling: BoundedVec::new(),
            voids: 0,
            pause: None,
            escrow: budget,
        }
    }

    /// The least budget of a run: every round, and as many again as one void can waste. So honest workers of voided rounds are paid
    /// and the rounds are run again.
    pub fn least_budget(terms: &Terms) -> Balance {
        let rounds = Balance::from(terms.rounds.count).saturating_add(UNFINALISED.into());
        terms.round_cost.saturating_mul(rounds)
    }

    /// What the escrow must keep for the rounds that may still pay.
    pub fn reserved(&self, terms: &Terms) -> Balance {
        let live = self.open.len().saturating_add(self.settling.len());
        terms.round_cost.saturating_mul(live as Balance)
    }

    /// Whether the escrow covers another round besides those that may still pay.
    pub fn covers_next(&self, terms: &Terms) -> bool {
        self.escrow >= self.reserved(terms).saturating_add(terms.round_cost)
    }

    /// Whether every round is final and settled.
    pub fn is_complete(&self, terms: &Terms) -> bool {
        self.finalised >= terms.rounds.count && self.settling.is_empty()
    }

    /// Freezes the set of workers for the next round. It is due as soon as the round before is open, so that the draw need not be
    /// waited for, and again if the round could not be opened while its set was kept ([`Progress::open`] does so for a set that is too
    /// small). Returns whether it was due.
    pub fn freeze(&mut self, terms: &Terms, session: Session) -> bool {
        let due = self.freeze_is_due(terms, session);
        if due {
            self.frozen = Some(session);
        }
        due
    }

    /// Whether [`Progress::freeze`] would do something.
    pub fn freeze_is_due(&self, terms: &Terms, session: Session) -> bool {
        let stale = self.frozen.is_none_or(|frozen| session >= frozen.saturating_add(RETAINED));
        self.pause.is_none() && self.next.round < terms.rounds.count && stale
    }

    /// Whether [`Progress::open`] would open the next round, if enough workers are ready; pauses nothing.
    ///
    /// # Errors
    /// The first reason why not.
    pub fn can_open(&self, terms: &Terms, session: Session) -> Result<Session, ProgressError> {
        if self.pause.is_some() {
            return Err(ProgressError::Paused);
        }
        if self.next.round >= terms.rounds.count {
            return Err(ProgressError::NoneLeft);
        }
        let live = self.open.len().saturating_add(self.settling.len());
        if self.building || self.open.len() >= UNFINALISED as usize || live >= LIVE as usize {
            return Err(ProgressError::Waits);
        }
        self.frozen.filter(|frozen| can_draw(*frozen, session)).ok_or(ProgressError::NotDrawn)
    }

    /// Opens the next round, whose slots are all vacant. `ready` is the number of tickets that the frozen set has at most. If the escrow does
    /// not cover the round, the run is paused instead; if the tickets are too few, the set is frozen anew.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn open<A: Clone + PartialEq>(
        &mut self,
        terms: &Terms,
        ready: u32,
        now: ActiveBlock,
        session: Session,
    ) -> Result<Round<A>, ProgressError> {
        let frozen = self.can_open(terms, session)?;
        if ready < u32::from(terms.rounds.quorum) {
            // Another set, at once: those who have become ready since need not wait until this one is forgotten.
            self.frozen = Some(session);
            return Err(ProgressError::TooFewWorkers);
        }
        if !self.covers_next(terms) {
            // What is settled in part has been paid in part already, and is counted in full: it may be enough in a while.
            if !self.settling.is_empty() {
                return Err(ProgressError::Waits);
            }
            self.pause = Some(Pause::Escrow);
            return Err(ProgressError::Escrow);
        }
        let round = Round::new(terms, self.next, frozen, self.tip, now);
        self.open.try_push(self.next).map_err(|_| ProgressError::Waits)?;
        self.next.round = self.next.round.saturating_add(1);
        self.frozen = Some(session);
        self.building = true;
        Ok(round)
    }

    /// Takes the checkpoint that the last open round made: the next one starts from it.
    pub fn built(&mut self, checkpoint: Checkpoint) {
        self.tip = Some(checkpoint);
        self.building = false;
    }

    /// Voids an open round, which started from `base`: the run returns to it, and the round is drawn again as the next attempt. Returns
    /// the later rounds that were built on it, for [`Round::void_with_base`].
    pub fn void(
        &mut self,
        key: RoundKey,
        base: Option<Checkpoint>,
        reason: VoidReason,
        session: Session,
    ) -> Vec<RoundKey> {
        let Some(at) = self.open.iter().position(|open| *open == key) else { return Vec::new() };
        let mut voided: Vec<RoundKey> = Vec::new();
        while self.open.len() > at {
            let Some(last) = self.open.pop() else { break };
            // There is room: no more rounds are open and settling than LIVE.
            let _ = self.settling.try_push(last);
            voided.push(last);
        }
        voided.retain(|later| *later != key);
        self.tip = base;
        self.building = false;
        self.next = RoundKey { round: key.round, attempt: self.next.attempt.saturating_add(1) };
        self.frozen = Some(session);
        if !reason.is_convicted() {
            self.voids = self.voids.saturating_add(1);
            if self.voids >= VOIDS_IN_A_ROW && self.pause.is_none() {
                self.pause = Some(Pause::Voids(reason));
            }
        }
        if self.next.attempt >= ATTEMPTS {
            self.pause = Some(Pause::Exhausted);
        }
        voided
    }

    /// Ends a round's window, if it is its turn: rounds become final in order; voided ones end when their own window does.
    ///
    /// # Errors
    /// If it is not its turn, or the round is not ready for it.
    pub fn finish<A: Clone + PartialEq>(
        &mut self,
        round: &mut Round<A>,
        now: ActiveBlock,
    ) -> Result<(), ProgressError> {
        if round.void.is_some() {
            return Ok(round.finish(now)?);
        }
        if self.open.first() != Some(&round.key) {
            return Err(ProgressError::OutOfOrder);
        }
        round.finish(now)?;
        self.open.remove(0);
        let _ = self.settling.try_push(round.key);
        self.finalised = self.finalised.saturating_add(1);
        self.voids = 0;
        Ok(())
    }

    /// Forgets a round that is settled. Returns whether it was there.
    pub fn close<A>(&mut self, round: &Round<A>) -> bool {
        let at = self.settling.iter().position(|key| *key == round.key).filter(|_| round.is_settled());
        at.map(|at| self.settling.remove(at)).is_some()
    }

    /// Pauses the run, unless it is paused already: what is open goes on, nothing is opened. A want of money, which anybody can
    /// end, hides no other reason.
    pub fn pause(&mut self, reason: Pause) {
        if matches!(self.pause, None | Some(Pause::Escrow)) {
            self.pause = Some(reason);
        }
    }

    /// Resumes the run: the next round's set is frozen anew.
    pub fn resume(&mut self) {
        if self.pause == Some(Pause::Exhausted) {
            return;
        }
        self.pause = None;
        self.voids = 0;
        self.frozen = None;
    }

    /// Books a transfer from or to the escrow.
    ///
    /// # Errors
    /// If the escrow does not hold it. It does, as long as budgets and reservations are as this module has them.
    pub fn book<A>(&mut self, moved: &Transfer<A>) -> Result<(), ProgressError> {
        if matches!(moved.from, Party::Escrow) {
            self.escrow = self.escrow.checked_sub(moved.amount).ok_or(ProgressError::Escrow)?;
        }
        if matches!(moved.to, Party::Escrow) {
            self.escrow = self.escrow.checked_add(moved.amount).ok_or(ProgressError::Escrow)?;
        }
        Ok(())
    }

    /// Takes what a round's effects mean for the run: the checkpoint, the pause, the void, the escrow. Returns the later rounds to
    /// void with it.
    ///
    /// # Errors
    /// As [`Progress::book`].
    pub fn apply<A>(
        &mut self,
        round: &Round<A>,
        effects: &[Effect<A>],
        session: Session,
    ) -> Result<Vec<RoundKey>, ProgressError> {
        let mut later = Vec::new();
        for effect in effects {
            match effect {
                Effect::Move(moved) => self.book(moved)?,
                Effect::Built(checkpoint) => self.built(*checkpoint),
                Effect::PauseDiverged => self.pause(Pause::Diverged),
                Effect::Void(reason) => later = self.void(round.key, round.base, *reason, session),
                Effect::Reserve { .. }
                | Effect::Release { .. }
                | Effect::Observe { .. }
                | Effect::Dispute { .. } => {}
            }
        }
        Ok(later)
    }
}

impl<A: Clone + PartialEq> Round<A> {
    /// The next transition of this round that waits only for somebody to make it; slots that expire or lapse are found by
    /// [`Round::can_expire`] and by their [`super::Checks`]. `first` says whether all earlier rounds are final.
    pub fn due(&self, terms: &Terms, first: bool, now: ActiveBlock, session: Session) -> Option<Due> {
        let phase = match &self.phase {
            Phase::Training { until } => (self.open.is_empty() || now > *until).then_some(Due::CloseTraining),
            Phase::Availability { tried, seated, reports, until, .. } => {
                if now > *until || (*tried >= terms.audit.attesters && *seated > 0 && reports == seated) {
                    Some(Due::CloseAvailability)
                } else {
                    (*tried < terms.audit.attesters).then_some(Due::SeatAttester(*tried))
                }
            }
            Phase::Aggregating { until, .. } if now > *until => Some(Due::SkipAggregator),
            Phase::Aggregating { turn, aggregator, .. } => {
                aggregator.is_none().then_some(Due::SeatAggregator(*turn))
            }
            Phase::Window { .. } if self.root_has_lapsed(now) => Some(Due::LapseRoot),
            Phase::Window { .. } => {
                let turn = first || self.void.is_some();
                (turn && self.can_finish(now)).then_some(Due::Finish)
            }
            Phase::Final | Phase::Voided => return None,
        };
        phase.or_else(|| self.due_audit(terms, now, session))
    }
}
