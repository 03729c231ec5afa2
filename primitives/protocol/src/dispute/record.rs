//! A dispute as the chain keeps it, for the pallet and for those who play.

use super::{Answer, Game, Side};
use crate::{ActiveBlock, Balance, Generation, RoundKey, RunId, SlotIndex};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A game on this chain. Counts from 0.
pub type GameId = u32;

/// Whose claims are disputed.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Target {
    /// A slot's.
    Slot {
        /// The slot.
        slot: SlotIndex,
        /// How often it was assigned before.
        generation: Generation,
    },
    /// The aggregation's.
    Aggregation,
}

/// What a challenger loses if it is wrong.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Risk {
    /// So much that is on hold in its account, in units of 10^-12 SBH.
    Bond(Balance),
    /// The stake that it reserved as the auditor with this seat.
    Seat(u16),
}

/// How far a dispute is.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one of them in storage, and mostly it is the large one"
)]
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Phase {
    /// A drawn auditor has answered otherwise, and is to name the claim that is wrong.
    Naming {
        /// The last active block for it.
        until: ActiveBlock,
    },
    /// The claim is named.
    Playing(Game),
}

/// A dispute.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Dispute<AccountId> {
    /// The run.
    pub run: RunId,
    /// The attempt at a round.
    pub round: RoundKey,
    /// Whose claims.
    pub target: Target,
    /// Who doubts them: the account that signed the challenge, or the owner of the auditor.
    pub challenger: AccountId,
    /// The owner of the worker that made them.
    pub defender: AccountId,
    /// What the challenger loses if it is wrong.
    pub risk: Risk,
    /// How far it is.
    pub stage: Phase,
}

impl<AccountId> Dispute<AccountId> {
    /// Whose move it is.
    pub fn turn(&self) -> Side {
        match &self.stage {
            Phase::Naming { .. } => Side::Challenger,
            Phase::Playing(game) => game.turn(),
        }
    }

    /// The side whose time is up.
    pub fn expired(&self, now: ActiveBlock) -> Option<Side> {
        match &self.stage {
            Phase::Naming { until } => (now > *until).then_some(Side::Challenger),
            Phase::Playing(game) => game.expired(now),
        }
    }

    /// The last active block for the next move.
    pub fn until(&self) -> ActiveBlock {
        match &self.stage {
            Phase::Naming { until } => *until,
            Phase::Playing(game) => {
                let left = match game.turn() {
                    Side::Challenger => game.clocks.challenger,
                    Side::Defender => game.clocks.defender,
                };
                game.clocks.since.saturating_add(left)
            }
        }
    }
}

/// What the defender showed last, and the position in which it did.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Shown {
    /// The game before.
    pub before: Game,
    /// The answer.
    pub answer: Answer,
}
