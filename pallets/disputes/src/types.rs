//! What storage and events hold.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use sabha_protocol::{
    ActiveBlock, Balance, Generation, RoundKey, RunId, SlotIndex,
    dispute::{Game, Side},
};
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
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Stage {
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
    pub stage: Stage,
}

impl<AccountId> Dispute<AccountId> {
    /// Whose move it is.
    pub fn turn(&self) -> Side {
        match &self.stage {
            Stage::Naming { .. } => Side::Challenger,
            Stage::Playing(game) => game.turn(),
        }
    }

    /// The side whose time is up.
    pub fn expired(&self, now: ActiveBlock) -> Option<Side> {
        match &self.stage {
            Stage::Naming { until } => (now > *until).then_some(Side::Challenger),
            Stage::Playing(game) => game.expired(now),
        }
    }

    /// The last active block for the next move.
    pub fn until(&self) -> ActiveBlock {
        match &self.stage {
            Stage::Naming { until } => *until,
            Stage::Playing(game) => {
                let left = match game.turn() {
                    Side::Challenger => game.clocks.challenger,
                    Side::Defender => game.clocks.defender,
                };
                game.clocks.since.saturating_add(left)
            }
        }
    }
}
