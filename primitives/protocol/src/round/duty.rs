//! What a worker is asked for: what the chain tells, and a daemon does.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

use super::Checkpoint;
use crate::{ActiveBlock, Generation, RoundKey, RunId, SlotIndex, SlotSet};

/// Something that a worker was drawn for and has not done.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Duty {
    /// Train a slot and `commit`.
    Train {
        /// The run.
        run: RunId,
        /// The attempt at a round.
        round: RoundKey,
        /// The slot.
        slot: SlotIndex,
        /// The slot's generation.
        generation: Generation,
        /// The checkpoint to start from; None for the specification's own.
        base: Option<Checkpoint>,
        /// The last active block.
        until: ActiveBlock,
    },
    /// Fetch the updates of these slots and `report` which came.
    Attest {
        /// The run.
        run: RunId,
        /// The attempt at a round.
        round: RoundKey,
        /// The worker's place on the panel.
        place: u16,
        /// The slots that committed an update.
        slots: SlotSet,
        /// The last active block.
        until: ActiveBlock,
    },
    /// Make the next checkpoint and `post_root`.
    Aggregate {
        /// The run.
        run: RunId,
        /// The attempt at a round.
        round: RoundKey,
        /// The checkpoint that the round started from; None for the specification's own.
        base: Option<Checkpoint>,
        /// The slots whose updates make the next one.
        accepted: SlotSet,
        /// The last active block.
        until: ActiveBlock,
    },
    /// Execute segments of a slot again and `seal` the answer.
    Audit {
        /// The run.
        run: RunId,
        /// The attempt at a round.
        round: RoundKey,
        /// The worker's seat.
        place: u16,
        /// The slot.
        slot: SlotIndex,
        /// The slot's generation.
        generation: Generation,
        /// The checkpoint that the slot started from; None for the specification's own.
        base: Option<Checkpoint>,
        /// The segments.
        segments: Vec<u32>,
        /// The last active block.
        until: ActiveBlock,
    },
    /// `publish` the leaves at the ends of these segments of one's own slot.
    Publish {
        /// The run.
        run: RunId,
        /// The attempt at a round.
        round: RoundKey,
        /// The slot.
        slot: SlotIndex,
        /// The audited segments.
        segments: Vec<u32>,
        /// The last active block.
        until: ActiveBlock,
    },
    /// `reveal` what was sealed.
    Reveal {
        /// The run.
        run: RunId,
        /// The attempt at a round.
        round: RoundKey,
        /// The worker's seat.
        place: u16,
        /// The last active block.
        until: ActiveBlock,
    },
}

impl Duty {
    /// The run.
    pub fn run(&self) -> RunId {
        match self {
            Self::Train { run, .. }
            | Self::Attest { run, .. }
            | Self::Aggregate { run, .. }
            | Self::Audit { run, .. }
            | Self::Publish { run, .. }
            | Self::Reveal { run, .. } => *run,
        }
    }

    /// The attempt at a round.
    pub fn round(&self) -> RoundKey {
        match self {
            Self::Train { round, .. }
            | Self::Attest { round, .. }
            | Self::Aggregate { round, .. }
            | Self::Audit { round, .. }
            | Self::Publish { round, .. }
            | Self::Reveal { round, .. } => *round,
        }
    }

    /// The last active block.
    pub fn until(&self) -> ActiveBlock {
        match self {
            Self::Train { until, .. }
            | Self::Attest { until, .. }
            | Self::Aggregate { until, .. }
            | Self::Audit { until, .. }
            | Self::Publish { until, .. }
            | Self::Reveal { until, .. } => *until,
        }
    }
}
