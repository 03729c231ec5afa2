//! The part of a specification that shapes rounds: their slots, their audits and their clocks.

use crate::{Balance, defaults};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

#[cfg(feature = "std")]
use serde::{Deserialize, Serialize};

/// Shape of the rounds.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
pub struct RoundSpec {
    /// Number of rounds.
    pub count: u32,
    /// Slots in a round (W). More than one needs numerics version 1, whose aggregation is exact.
    pub slots: u16,
    /// Accepted updates that a round needs to make the next checkpoint; with fewer it is voided and run again. As many diverged
    /// slots pause the run.
    pub quorum: u16,
    /// How often a slot is given out in one attempt at a round; a worker that misses its deadline loses it to the next.
    pub tries: u16,
    /// Inner steps of a slot (H).
    pub inner_steps: u32,
    /// Steps of one segment (L): a state root is committed at each segment's end. Divides `inner_steps`.
    pub segment_steps: u32,
    /// Samples in a batch.
    pub batch: u32,
    /// What the aggregator of a round is paid, in units of 10^-12 SBH (in TOML: text in SBH).
    #[cfg_attr(feature = "std", serde(with = "crate::amount::text"))]
    pub aggregator_price: Balance,
}

/// How much of each round is checked, and by how many.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
pub struct AuditSpec {
    /// Auditors drawn for each round; each gets one slot, and the slots as even a number of auditors as can be. 0: no audits.
    pub auditors: u16,
    /// Segments of an audited slot that its auditors execute again: the same ones for all of them, and no two adjacent.
    pub segments: u16,
    /// What an auditor is paid for its seal and reveal, in units of 10^-12 SBH (in TOML: text in SBH).
    #[cfg_attr(feature = "std", serde(with = "crate::amount::text"))]
    pub auditor_price: Balance,
    /// What an auditor's stake reserves, and loses if it does not reveal, is found wrong, or agreed with what is convicted later;
    /// in units of 10^-12 SBH (in TOML: text in SBH). More than the bond of a challenge, so that silence is no way out.
    #[cfg_attr(feature = "std", serde(with = "crate::amount::text"))]
    pub auditor_stake: Balance,
    /// Workers drawn to fetch every update of a round and say which they got. 0: what is committed counts as available.
    pub attesters: u16,
    /// What an attester is paid for its report, in units of 10^-12 SBH (in TOML: text in SBH).
    #[cfg_attr(feature = "std", serde(with = "crate::amount::text"))]
    pub attester_price: Balance,
}

/// Deadlines, in active blocks. An act in the deadline's own block still counts.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
pub struct ClockSpec {
    /// From the assignment of a slot to the last block for its commitment. The chain has a least and a greatest value.
    pub training: u32,
    /// For attesters, from the end of training to the last block for their reports.
    pub availability: u32,
    /// For each drawn aggregator, from its turn to the last block for the next checkpoint's root.
    pub aggregation: u32,
    /// For auditors, from their draw to the last block for their seals.
    pub seals: u32,
    /// From the close of the seals to the last block for the leaves of the audited segments.
    pub leaves: u32,
    /// For auditors, from the close of the leaves to the last block for their reveals.
    pub reveals: u32,
    /// How long a disagreement may stay open before the round is voided without a verdict. Longer than any dispute takes.
    pub dispute: u32,
    /// From a round's root to its finality; at least the chain's own window, at most a small multiple of it.
    pub window: u32,
}

impl RoundSpec {
    /// Rounds of one slot, which no aggregation follows: numerics version 0, and runs of a single worker.
    pub const fn single(count: u32, inner_steps: u32, segment_steps: u32, batch: u32) -> Self {
        Self {
            count,
            slots: 1,
            quorum: 1,
            tries: defaults::TRIES,
            inner_steps,
            segment_steps,
            batch,
            aggregator_price: 0,
        }
    }
}

impl AuditSpec {
    /// Nobody checks anything.
    pub const NONE: Self = Self {
        auditors: 0,
        segments: 0,
        auditor_price: 0,
        auditor_stake: 0,
        attesters: 0,
        attester_price: 0,
    };
}

impl ClockSpec {
    /// The clocks of a run that checks nothing and aggregates nothing: only training and window matter.
    pub const fn unaudited(training: u32, window: u32) -> Self {
        Self {
            training,
            availability: 1,
            aggregation: 1,
            seals: 1,
            leaves: 1,
            reveals: 1,
            dispute: 1,
            window,
        }
    }
}
