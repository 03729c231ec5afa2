//! Audits: drawn workers execute drawn segments of a result again, and say what they found without seeing each other's answers.
//!
//! ```text
//!  commitments frozen      drawn in           all sealed,          all published,      all revealed,
//!  in session t            session t + 3      or `clocks.seals`    or `clocks.leaves`  or `clocks.reveals`
//! ───────────────► Waiting ───────► Sealing ───────► Publishing ───────► Revealing ───────► Done
//!                                   auditors         the worker,         auditors
//!                                   seal             or anybody, opens   reveal
//!                                                    the audited leaves
//! ```
//!
//! Each auditor ("seat") gets one slot; all seats of a slot get the same segments, no two of them neighbours ([`sample`]), for the
//! state that one segment starts from is the answer to the one before. The answer is the digest of the roots at the segments' ends,
//! or of the divergence found ([`answer`]). A seal ([`seal`]) binds the answer, a salt and the auditor's account, so it can be neither read
//! nor copied. Only when the seals are closed are the slot's own roots opened ([`Opening`]).
//!
//! | seat | is paid | loses `audit.auditor_stake` |
//! |---|---|---|
//! | revealed the slot's own answer | yes | if the slot is convicted of an audited segment later |
//! | revealed another | if the slot is convicted; with a part of the slash | if the dispute finds it wrong |
//! | revealed, and the slot was convicted before its leaves were published | yes; with a part of the slash | no |
//! | revealed, and the leaves were never published otherwise | yes | no |
//! | did not seal or not reveal | no | yes: more than the bond of a challenge that it could lose by speaking |
//!
//! A slot whose audited leaves are not published is treated as convicted: otherwise whoever sees a conviction coming would withhold
//! them. Anybody may publish them.
//!
//! A slot that is convicted before its leaves are published has nobody who would publish them, so nothing tells which of its auditors
//! found another answer: all who seal and reveal share what is kept of the slash. Otherwise a cheat that sees its segment drawn would let
//! a friend convict it at once, and its auditors would have worked for their price alone. Junk that is sealed in the hope of a
//! conviction loses a dispute, and its stake, if none comes. Sealed after one, it takes nothing but part of the cheat's own slash, of which
//! half is burnt whoever the auditors are; a slot whose leaves are merely missing shares nothing, so nobody gains by keeping a worker from
//! publishing them.

mod leaves;
mod segments;

pub use leaves::{Opening, answer, seal};
pub use segments::{can_sample, sample};

pub(crate) use segments::samples;

use crate::{Digest, Generation, SlotIndex};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// One auditor of a round.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Seat<Account> {
    /// Who was drawn.
    pub auditor: Account,
    /// The slot it executes segments of.
    pub slot: SlotIndex,
    /// The slot's generation.
    pub generation: Generation,
    /// How far it is.
    pub state: SeatState,
}

/// How far an auditor is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum SeatState {
    /// Executes segments.
    Drawn,
    /// Has sealed its answer.
    Sealed(Digest),
    /// Its answer is the slot's own.
    Agreed {
        /// The worker did not serve the states that the segments start from.
        unserved: bool,
    },
    /// Its answer is another: a disagreement, until it is settled. Or the slot was convicted before its own answer was known.
    Differed {
        /// The worker did not serve the states that the segments start from.
        unserved: bool,
    },
    /// It revealed, but the slot's own answer was never published, and it was not convicted otherwise.
    Unanswered,
    /// A dispute found it wrong; its stake is slashed.
    Wrong,
}

/// How far the audits of a round are.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Audits {
    /// The commitments are not frozen yet.
    NotYet,
    /// The draw waits for its randomness.
    Waiting {
        /// The session after that in which the commitments froze: whose set is drawn from, with the word two sessions later.
        frozen: u32,
    },
    /// Seats are drawn, one after another.
    Seating {
        /// The session whose set is drawn from.
        frozen: u32,
        /// Seats tried so far.
        tried: u16,
    },
    /// Auditors seal.
    Sealing {
        /// The last block for seals.
        until: u32,
    },
    /// Leaves of the audited segments are published.
    Publishing {
        /// The last block for them.
        until: u32,
    },
    /// Auditors reveal.
    Revealing {
        /// The last block for reveals.
        until: u32,
    },
    /// Nothing more is expected of anybody.
    Done,
}

#[cfg(test)]
mod tests;
