//! The durations of one chain, their three presets, and the bounds within which governance may move them.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_runtime::{Deserialize, Serialize};

/// How far one duration may move from its genesis value: to a quarter of it, or to four times it.
///
/// Relative, because one runtime serves development chains of seconds and a live chain of days: a bound low enough
/// for the first would let governance shrink the second's challenge window to nothing.
pub const MAX_FACTOR: u32 = 4;

/// The shortest slot, in milliseconds: below it blocks cannot be built and spread.
pub const MIN_SLOT_MS: u64 = 1_000;

/// The longest slot, in milliseconds.
pub const MAX_SLOT_MS: u64 = 60_000;

/// The fewest slots of an epoch: randomness is drawn from its primary slots, and a session change costs a block.
pub const MIN_EPOCH_SLOTS: u32 = 10;

/// The most slots of an epoch: a day of 6-second slots. A dropped validator stays seated for up to two epochs.
pub const MAX_EPOCH_SLOTS: u32 = 14_400;

/// The longest of all other durations, in blocks: a year of 6-second blocks. Sums of a few of them fit a `u32`.
pub const MAX_BLOCKS: u32 = 5_256_000;

/// The clocks of a referendum on the ComputeAllocator track, in blocks. Other tracks are derived from them.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(crate = "sp_runtime::serde", rename_all = "camelCase", deny_unknown_fields)]
pub struct ReferendumClocks {
    /// Blocks between submission and the earliest start of the decision.
    pub prepare: u32,
    /// Blocks during which a referendum can be decided.
    pub decide: u32,
    /// Blocks for which approval and support must hold without a break. At most `decide`.
    pub confirm: u32,
    /// Blocks between approval and enactment, at least.
    pub enact: u32,
}

/// Every duration that the chain's protocols read, fixed at genesis and adjustable within bounds.
///
/// All are in blocks, except `slot_ms` (milliseconds) and `epoch_slots` (slots).
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(crate = "sp_runtime::serde", rename_all = "camelCase", deny_unknown_fields)]
pub struct Durations {
    /// Length of a slot, in milliseconds. Fixed after genesis.
    pub slot_ms: u64,
    /// Slots of an epoch, which is also a session. Fixed after genesis.
    pub epoch_slots: u32,
    /// Clocks of a referendum on the ComputeAllocator track.
    pub referendum: ReferendumClocks,
    /// One period of conviction-vote locking. At least `referendum.enact`.
    pub vote_locking: u32,
    /// Active blocks within which a result's data must be available.
    /// Also the least time that a run may give a worker for a slot.
    pub availability: u32,
    /// Active blocks within which auditors seal what they found.
    pub audit_seals: u32,
    /// Active blocks during which a result can be challenged. At least `availability + audit_seals`.
    pub window: u32,
    /// Active blocks that each side of a dispute has to make its moves, per game.
    pub chess_clock: u32,
    /// Blocks between asking for a stake back and getting it (workers, curators, validators). At least
    /// `window + chess_clock`, at least one epoch, and at least what an appeal takes ([`Self::appeal`]).
    pub unbonding: u32,
}

/// Why a set of durations is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The slot or the epoch differs from genesis, or is outside its absolute bounds.
    SlotOrEpoch,
    /// A duration is zero, longer than [`MAX_BLOCKS`], or more than [`MAX_FACTOR`] times away from genesis.
    OutOfBounds,
    /// Two durations contradict each other.
    Inconsistent,
}

impl Default for Durations {
    /// The live chain's values, so that no reader ever sees a zero on empty state.
    fn default() -> Self {
        Self::live()
    }
}

impl Durations {
    /// A single developer's chain: a referendum takes a minute and a half.
    pub const fn development() -> Self {
        Self {
            slot_ms: 3_000,
            epoch_slots: 20,
            referendum: ReferendumClocks { prepare: 2, decide: 20, confirm: 4, enact: 2 },
            vote_locking: 10,
            availability: 10,
            audit_seals: 20,
            window: 60,
            chess_clock: 60,
            unbonding: 150,
        }
    }

    /// A few validators on one machine or a small network of friends.
    pub const fn local_testnet() -> Self {
        Self {
            slot_ms: 6_000,
            epoch_slots: 20,
            referendum: ReferendumClocks { prepare: 5, decide: 50, confirm: 10, enact: 5 },
            vote_locking: 50,
            availability: 10,
            audit_seals: 30,
            window: 100,
            chess_clock: 100,
            unbonding: 300,
        }
    }

    /// A public chain: hours and days, at one block each 6 seconds.
    pub const fn live() -> Self {
        const MINUTE: u32 = 10;
        const HOUR: u32 = 60 * MINUTE;
        const DAY: u32 = 24 * HOUR;
        Self {
            slot_ms: 6_000,
            epoch_slots: 100,
            referendum: ReferendumClocks { prepare: HOUR, decide: 7 * DAY, confirm: 12 * HOUR, enact: HOUR },
            vote_locking: 7 * DAY,
            availability: 30 * MINUTE,
            audit_seals: 2 * HOUR,
            window: DAY,
            chess_clock: 8 * HOUR,
            unbonding: 14 * DAY,
        }
    }

    /// Whether these durations make sense on their own, as at genesis.
    pub fn check(&self) -> Result<(), Refusal> {
        if !(MIN_SLOT_MS..=MAX_SLOT_MS).contains(&self.slot_ms)
            || !(MIN_EPOCH_SLOTS..=MAX_EPOCH_SLOTS).contains(&self.epoch_slots)
        {
            return Err(Refusal::SlotOrEpoch);
        }
        if self.adjustable().iter().any(|blocks| !(1..=MAX_BLOCKS).contains(blocks)) {
            return Err(Refusal::OutOfBounds);
        }
        let consistent = self.referendum.confirm <= self.referendum.decide
            // A voter whose vote carries a proposal must still be locked when it is enacted.
            && self.referendum.enact <= self.vote_locking
            // A result cannot be final before its data was asked for and its audits were sealed.
            && self.availability.saturating_add(self.audit_seals) <= self.window
            // A stake must still be there when a dispute opened in the window's last block ends.
            && self.window.saturating_add(self.chess_clock) <= self.unbonding
            // A validator must still be bonded when a report about its session arrives.
            && self.epoch_slots <= self.unbonding
            // Judged data is served for as long: who appeals when it is judged, for nobody to decide, must not keep others from it until the end.
            && self.appeal() <= self.unbonding;
        if consistent { Ok(()) } else { Err(Refusal::Inconsistent) }
    }

    /// Whether governance of a chain that started with `genesis` may set these durations.
    pub fn check_against(&self, genesis: &Self) -> Result<(), Refusal> {
        if self.slot_ms != genesis.slot_ms || self.epoch_slots != genesis.epoch_slots {
            return Err(Refusal::SlotOrEpoch);
        }
        let in_reach = self.adjustable().iter().zip(genesis.adjustable()).all(|(new, old)| {
            new.saturating_mul(MAX_FACTOR) >= old && *new <= old.saturating_mul(MAX_FACTOR)
        });
        if !in_reach {
            return Err(Refusal::OutOfBounds);
        }
        self.check()
    }

    /// The unbonding time in whole sessions, rounded up: for how many sessions an offence can still be reported.
    pub fn unbonding_sessions(&self) -> u32 {
        self.unbonding.div_ceil(self.epoch_slots.max(1))
    }

    /// How long an appeal to a referendum may take: a window to submit it, and all four clocks of the referendum. Each is at most
    /// [`MAX_BLOCKS`], so they fit.
    pub fn appeal(&self) -> u32 {
        let ReferendumClocks { prepare, decide, confirm, enact } = self.referendum;
        [prepare, decide, confirm, enact].into_iter().fold(self.window, u32::saturating_add)
    }

    /// All durations that may change after genesis, in blocks.
    fn adjustable(&self) -> [u32; 10] {
        let Self {
            slot_ms: _,
            epoch_slots: _,
            referendum: ReferendumClocks { prepare, decide, confirm, enact },
            vote_locking,
            availability,
            audit_seals,
            window,
            chess_clock,
            unbonding,
        } = *self;
        [
            prepare,
            decide,
            confirm,
            enact,
            vote_locking,
            availability,
            audit_seals,
            window,
            chess_clock,
            unbonding,
        ]
    }
}
