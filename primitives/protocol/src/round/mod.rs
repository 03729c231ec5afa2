//! The life of a round, as pure functions over small records.
//!
//! ```text
//!                    progress.open                 all committed,          reports in,           root posted
//!  Drawing ────────────────────────► Training ───────────────► Availability ──────────► Aggregating ─────────► Window ──► Final
//!  (in Progress: set frozen in       │   deadline              │  deadline              │  deadline            ▲    │
//!   session e, drawn at e + 2)       │                         │                        │                      │    │ with `void`
//!                                    └── too few committed ────┴── too few accepted,  ──┴── nobody posted, ────┘    ▼
//!                                        conviction                nobody reported          conviction            Voided
//! ```
//!
//! A voided attempt at a round makes no checkpoint, and the round is drawn again as the next attempt at once; but the old attempt's
//! commitments are still attested, audited and, where they are right, paid. So it goes on to the end of its own window.
//! A later round that was built on it is voided with it.
//!
//! # Records
//!
//! | record | key | how many |
//! |---|---|---|
//! | [`Progress`] | run | 1 |
//! | [`Round`] | run, [`RoundKey`] | unfinalised, or voided and not settled: at most [`LIVE`] |
//! | [`Slot`] | run, key, slot | W a round |
//! | [`Attester`] | run, key, panel, place | `audit.attesters` a panel |
//! | [`Seat`] | run, key, place | `audit.auditors` a round |
//!
//! All are of fixed size. When a round is final or voided its slots, attesters and seats are settled one by one (seats before
//! their slots), each in constant work; when the last one is, [`Round::is_settled`], the round is removed.
//!
//! # Time
//!
//! `now` counts active blocks, `session` sessions. A transition that only waits for time is permissionless: [`Round::due`] says which
//! is next. An act in the block of its deadline is in time; the deadline's transition is due in the block after.
//!
//! | deadline | block | then |
//! |---|---|---|
//! | a slot's commitment | assignment + `clocks.training` | the slot goes to the next worker, generation + 1, at most `rounds.tries` times |
//! | training as a whole | opening + `rounds.tries` · (`clocks.training` + [`ASSIGNMENT`]); a slot whose worker would not have its whole clock is lost before | the round goes on with what is committed, or is voided |
//! | reports of attesters | end of training (or of the last panel) + `clocks.availability` | majority of the reports; none: next panel, at most [`PANELS`]; then voided, and what is committed is paid |
//! | the next checkpoint's root | turn + `clocks.aggregation` | the next drawn aggregator, at most [`TURNS`]; then voided |
//! | seals | draw of the auditors + `clocks.seals` | leaves are published |
//! | leaves | close of the seals + `clocks.leaves` | a slot without is convicted |
//! | reveals | close of the leaves + `clocks.reveals` | audits are done; if fewer than `audit.auditors` answered, the window is `clocks.window` longer, once |
//! | disagreements and challenges of a slot | the last one's opening + `clocks.dispute` | the slot is not paid; if its update was accepted, the round is voided |
//! | challenges of the aggregation | the last one's opening + `clocks.dispute` | the aggregator is not paid, the round is voided |
//! | window | root (for a voided round: end of availability) + `clocks.window` | final, if audits are done, nothing is disputed, and all earlier rounds are final |
//!
//! # Money
//!
//! Functions return what moves as [`Effect`]s. An open or voided round may pay at most [`Terms::round_cost`], which the escrow has for each
//! of them before the round opens. A slot, seat or attester is settled by value: its record is gone, so it is never paid twice.

mod aggregation;
mod audits;
mod availability;
mod challenges;
mod duty;
mod progress;
mod settle;
mod terms;
mod training;
mod void;

pub use audits::Reveal;
pub use duty::Duty;
pub use progress::{ATTEMPTS, Pause, Progress, ProgressError};
pub use terms::Terms;
pub use void::Verdict;

use crate::{
    ActiveBlock, Balance, Digest, Generation, Outcome, RoundKey, Session, SlotIndex, SlotSet,
    audit::Audits,
    draw::{Purpose, Subject, Word},
    money::Transfer,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

#[cfg(doc)]
use crate::{
    audit::Seat,
    defaults::{ASSIGNMENT, PANELS, TURNS},
};

/// Rounds of a run that are not settled, at most: no round is opened beyond it.
pub const LIVE: u32 = 8;

/// A checkpoint: parameters and outer momenta.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Checkpoint {
    /// Root over its buffers' digests.
    pub root: Digest,
    /// BLAKE3 of the blob, which is its address on the wire.
    pub blob: Digest,
}

/// Why an attempt at a round makes no checkpoint.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum VoidReason {
    /// Fewer updates than the quorum were committed or accepted.
    TooFew,
    /// A quorum of slots diverged.
    Diverged,
    /// No panel of attesters reported.
    Unattested,
    /// No drawn aggregator posted a root.
    NoRoot,
    /// A slot whose update was accepted was convicted, or did not publish its audited leaves.
    Convicted,
    /// The aggregation was convicted.
    FalseRoot,
    /// A disagreement, or a challenge, stayed open too long.
    Undecided,
    /// The round that it was built on was voided.
    Base,
    /// The run was stopped while the round was in training.
    Stopped,
}

impl VoidReason {
    /// Whether somebody paid for it with a stake. Such voids do not count towards the pause of a run that gets nowhere.
    pub fn is_convicted(self) -> bool {
        matches!(self, Self::Convicted | Self::FalseRoot)
    }
}

/// How far a round is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Phase<Account> {
    /// Slots are trained.
    Training {
        /// The last block for any commitment.
        until: ActiveBlock,
    },
    /// Attesters fetch the updates.
    Availability {
        /// The panel, from 0.
        panel: u8,
        /// Places of the panel that were drawn for, with or without success.
        tried: u16,
        /// Attesters that were drawn.
        seated: u16,
        /// Reports so far.
        reports: u16,
        /// The last block for reports.
        until: ActiveBlock,
    },
    /// An aggregator makes the next checkpoint.
    Aggregating {
        /// The turn, from 0.
        turn: u8,
        /// Whose turn it is, once it is drawn.
        aggregator: Option<Account>,
        /// The last block for the root.
        until: ActiveBlock,
    },
    /// Audits and challenges.
    Window {
        /// The last block of the window.
        until: ActiveBlock,
    },
    /// Its checkpoint stands; what remains is being settled.
    Final,
    /// It made no checkpoint; what remains is being settled.
    Voided,
}

/// One attempt at a round.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Round<Account> {
    /// Which.
    pub key: RoundKey,
    /// The session in which the set of its first draws was frozen.
    pub frozen: Session,
    /// The checkpoint it starts from; None for the specification's own.
    pub base: Option<Checkpoint>,
    /// How far it is.
    pub phase: Phase<Account>,
    /// Why it makes no checkpoint, once that is known.
    pub void: Option<VoidReason>,
    /// Slots that may still be committed.
    pub open: SlotSet,
    /// Committed slots, diverged ones included.
    pub committed: SlotSet,
    /// Slots that committed a divergence.
    pub diverged: SlotSet,
    /// Slots that were convicted, failed or left undecided.
    pub faulty: SlotSet,
    /// Slots whose updates make the next checkpoint, or count for their pay if the round makes none.
    pub accepted: SlotSet,
    /// The next checkpoint, and who made it.
    pub result: Option<(Checkpoint, Account)>,
    /// Whether the aggregator is to be paid: false before a root and after its conviction.
    pub owes_aggregator: bool,
    /// How far the audits are.
    pub audits: Audits,
    /// The randomness that auditors and segments are drawn with.
    pub audit_word: Option<Word>,
    /// Audited slots whose leaves are not published.
    pub unanswered: SlotSet,
    /// Seats that were drawn.
    pub seats: u16,
    /// Seats that have sealed.
    pub sealed: u16,
    /// Seats that have revealed.
    pub answered: u16,
    /// Disagreements of auditors with slots that are open.
    pub disagreements: u16,
    /// Challenges of slots that are open.
    pub challenges: u16,
    /// Challenges of the aggregation that are open.
    pub root_challenges: u16,
    /// The last block of the open challenges of the aggregation.
    pub root_lapses: ActiveBlock,
    /// Whether the window is longer for want of auditors.
    pub extended: bool,
    /// Records that are not settled: slots, attesters, seats, the aggregator.
    pub unsettled: u16,
}

/// A slot of a round.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Slot<Account> {
    /// How often the slot of this round was assigned before, earlier attempts at the round included.
    pub generation: Generation,
    /// How far it is.
    pub state: SlotState<Account>,
    /// What audits and disputes have made of it.
    pub checks: Checks,
}

/// How far a slot is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum SlotState<Account> {
    /// Waits for a worker to be drawn.
    Vacant,
    /// A worker trains.
    Assigned {
        /// The worker that answers for the slot.
        worker: Account,
        /// The last block for its commitment.
        until: ActiveBlock,
    },
    /// The worker has committed.
    Committed {
        /// The worker that answers for the slot.
        worker: Account,
        /// What it committed.
        outcome: Outcome,
    },
    /// Nobody trained it in time.
    Lost,
}

/// What audits and disputes have made of a slot.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Checks {
    /// Auditors drawn for it.
    pub seats: u16,
    /// Of them, not settled.
    pub unsettled: u16,
    /// Of them, revealed.
    pub revealed: u16,
    /// Of them, revealed another answer; or any, if the slot was convicted before its own was known.
    pub differed: u16,
    /// Of them, say that the worker did not serve them.
    pub unserved: u16,
    /// Disagreements with auditors that are open.
    pub open: u16,
    /// Challenges that are open.
    pub challenges: u16,
    /// The last block of what is open.
    pub lapses: ActiveBlock,
    /// What its own leaves, or its divergence, answer to its auditors.
    pub answer: Option<Digest>,
    /// What is wrong with it.
    pub fault: Option<Fault>,
}

/// What a claim in a commitment is about. The dispute decides it; the protocol needs to know who had vouched for it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Claim {
    /// The state after this segment.
    Segment(u32),
    /// The divergence.
    Divergence,
    /// Anything that auditors do not execute: the start state, the update, the loss.
    Other,
}

/// What is wrong with a slot.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Fault {
    /// A dispute found a claim wrong.
    Convicted(Claim),
    /// Its audited leaves were not published.
    LeavesMissing,
    /// A disagreement, or a challenge, stayed open too long: neither side is paid.
    Undecided,
}

/// An attester of a round.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Attester<Account> {
    /// Who was drawn.
    pub worker: Account,
    /// For which panel.
    pub panel: u8,
    /// The slots whose updates it got, once it has reported.
    pub report: Option<SlotSet>,
}

/// What the caller has to do besides storing the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<Account> {
    /// Reserve part of a worker's stake. The caller has made sure that so much is free.
    Reserve {
        /// Whose stake.
        worker: Account,
        /// In units of 10^-12 SBH.
        amount: Balance,
    },
    /// Free a reserved part of a worker's stake; a slash that follows takes it.
    Release {
        /// Whose stake.
        worker: Account,
        /// In units of 10^-12 SBH.
        amount: Balance,
    },
    /// Move money.
    Move(Transfer<Account>),
    /// Note in the worker's reputation whether it did what it was drawn for.
    Observe {
        /// The worker.
        worker: Account,
        /// Whether it did.
        good: bool,
    },
    /// The round will make no checkpoint: call [`Progress::void`], and [`Round::void_with_base`] for each key it returns.
    Void(VoidReason),
    /// A quorum of slots diverged: call [`Progress::pause`].
    PauseDiverged,
    /// The root is posted: call [`Progress::built`].
    Built(Checkpoint),
    /// Two answers differ: open a dispute, and end it with [`Round::resolve`] within `clocks.dispute`.
    Dispute {
        /// The auditor's seat.
        place: u16,
        /// The slot.
        slot: SlotIndex,
        /// The auditor that answered otherwise.
        auditor: Account,
        /// The last block before the disagreement lapses.
        until: ActiveBlock,
    },
}

/// Effects of one transition, in order.
pub type Effects<Account> = alloc::vec::Vec<Effect<Account>>;

/// The next transition that waits only for somebody to make it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Due {
    /// [`Round::close_training`].
    CloseTraining,
    /// Draw for the next place of the panel: [`Round::seat_attester`].
    SeatAttester(u16),
    /// [`Round::close_availability`].
    CloseAvailability,
    /// Draw for this turn: [`Round::seat_aggregator`].
    SeatAggregator(u8),
    /// [`Round::skip_aggregator`].
    SkipAggregator,
    /// [`Round::lapse_root`].
    LapseRoot,
    /// [`Round::begin_audits`].
    BeginAudits,
    /// [`Round::refreeze_audits`].
    RefreezeAudits,
    /// Draw for the next seat: [`Round::seat_auditor`].
    SeatAuditor(u16),
    /// [`Round::close_seals`].
    CloseSeals,
    /// [`Round::close_leaves`].
    CloseLeaves,
    /// [`Round::fail_leaves`] of this slot.
    FailLeaves(SlotIndex),
    /// [`Round::close_reveals`].
    CloseReveals,
    /// [`Progress::finish`].
    Finish,
}

/// Why a transition is refused. The records are unchanged then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoundError {
    /// The round is in another phase.
    #[error("the round is in another phase")]
    WrongPhase,
    /// The slot, seat or attester is in another state.
    #[error("the record is in another state: this was done already, or cannot be done yet")]
    WrongState,
    /// It belongs to somebody else.
    #[error("another worker was drawn for it")]
    NotYours,
    /// The slot was assigned anew since.
    #[error("the slot was assigned anew: this belongs to an earlier generation")]
    WrongGeneration,
    /// The deadline has passed.
    #[error("the deadline has passed")]
    TooLate,
    /// The deadline has not passed.
    #[error("the deadline has not passed")]
    TooEarly,
    /// It cannot be true of such a slot.
    #[error(
        "it is malformed: a loss must be finite, a diverged step one of the slot's, a seat one of the audited slot's"
    )]
    Malformed,
    /// The reveal is not what was sealed.
    #[error("answer, salt and account are not what was sealed")]
    OtherSeal,
    /// The leaves are not those of the commitment.
    #[error("the leaves are not those that the commitment's segments_root binds")]
    WrongLeaves,
    /// The reports are not those of the panel.
    #[error("the reports are not all of the panel's")]
    WrongReports,
    /// Seats are settled before their slot.
    #[error("the slot has seats that are not settled")]
    SeatsFirst,
    /// Audits, disagreements or challenges are open.
    #[error("audits, disagreements or challenges are open")]
    Unchecked,
}

impl<A> Slot<A> {
    /// The worker that answers for the slot.
    pub fn worker(&self) -> Option<&A> {
        match &self.state {
            SlotState::Assigned { worker, .. } | SlotState::Committed { worker, .. } => Some(worker),
            SlotState::Vacant | SlotState::Lost => None,
        }
    }

    /// What it committed.
    pub fn outcome(&self) -> Option<Outcome> {
        match self.state {
            SlotState::Committed { outcome, .. } => Some(outcome),
            _ => None,
        }
    }
}

impl<A> Round<A> {
    /// Whether nothing of it is left but this record.
    pub fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Final | Phase::Voided) && self.unsettled == 0
    }

    /// The subject of a draw for this attempt.
    pub fn subject(&self, terms: &Terms, purpose: Purpose, place: u16, turn: u16) -> Subject {
        let generation = terms.first_generation(self.key.attempt).saturating_add(turn);
        Subject { purpose, run: terms.run, round: self.key.round, place, generation }
    }

    fn unsettle(&mut self) {
        self.unsettled = self.unsettled.saturating_add(1);
    }

    fn settle_one(&mut self) {
        self.unsettled = self.unsettled.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests;
