//! The protocol's own constants, and the values that a specification starts from: the one place for both.
//!
//! `sabha-worker simulate` prints the figures that the reasons below quote; `docs/simulation.md` has the commands.

use crate::{
    Balance, UNITS,
    spec::{AuditSpec, ClockSpec, F32Bits, OuterSpec, RoundSpec, limits},
};

/// Rounds of a run that are open and not final. The next one may run on top of one whose window is open, and one void wastes no
/// more work than that.
pub const UNFINALISED: u32 = 2;

/// Sessions between the freeze of an eligible set and the randomness that draws from it. A session's randomness is what the blocks of
/// the one before gathered: nobody who joined, left or committed before the freeze knew it, nor who made a request in its session.
pub const DRAW_LAG: u32 = 2;

/// Sessions for which a frozen set and its randomness are kept. A draw that was not made by then is frozen anew. A worker that leaves can
/// be drawn for as long, so unbonding must be longer: seven sessions of a development chain are 140 blocks of its 150.
pub const RETAINED: u32 = 6;

/// Candidates that one draw looks at: where half of the tickets can take it, it finds nobody once in 2^32.
pub const CANDIDATES: u32 = 32;

/// Panels of attesters that are drawn one after another, until one reports.
pub const PANELS: u8 = 2;

/// Aggregators that are drawn one after another, until one posts a root.
pub const TURNS: u8 = 4;

/// Attempts in a row that end without a checkpoint before the run is paused for its owner.
pub const VOIDS_IN_A_ROW: u8 = 3;

/// How often a slot is given out in one attempt at a round.
pub const TRIES: u16 = 3;

/// Blocks until a draw that found nobody is tried again: stakes may have been released meanwhile.
pub const RETRY: u32 = 5;

/// Steps of one run that one block makes by itself, at most: other runs get their turn.
pub const TURN: u32 = 64;

/// Blocks that a slot may wait for a worker, each time that it is given out, without losing a try: the one after a missed deadline,
/// two draws that find nobody, and as many as 256 slots take at [`TURN`] steps a block. Twice that where other rounds of the run
/// take their part of the steps.
pub const ASSIGNMENT: u32 = 1 + 2 * RETRY + 2 * (limits::SLOTS as u32).div_ceil(TURN - 1);

/// The stake that one ticket of a draw stands for, and the least stake of a worker.
pub const TICKET: Balance = 100 * UNITS;

/// Most tickets of one worker: bounds what joining and leaving write. More stake takes more workers.
pub const TICKETS: u16 = 64;

/// The bond of a challenge.
pub const CHALLENGE_BOND: Balance = 10 * UNITS;

/// The price of a slot that the amounts below are for.
pub const PRICE_PER_SLOT: Balance = 5 * UNITS / 2;

/// The bound of [`crate::economics`] asks for 15 SBH at this price, with two auditors for three slots of whom half are honest. A third
/// more, so that a cheat loses by each slot even if what it gets back of its slash is more than the design's half allows for:
/// `simulate` has the loss of each cheat at it, with half of all auditors colluding.
pub const STAKE_PER_SLOT: Balance = 20 * UNITS;

/// The outer step of DiLoCo (Douillard et al., 2023): Nesterov momentum 0.9, rate 0.7.
pub const OUTER: OuterSpec =
    OuterSpec { rate: F32Bits(0.7f32.to_bits()), momentum: F32Bits(0.9f32.to_bits()) };

/// Two auditors for three slots, two segments of each audited slot: with twenty segments a fifteenth of the training is done twice. A
/// price a fifth above the segments' own, so that auditing is worth the bother. Three attesters: one outage leaves a majority of two.
pub const AUDIT: AuditSpec = AuditSpec {
    auditors: 2,
    segments: 2,
    auditor_price: 3 * UNITS / 10,
    auditor_stake: 20 * UNITS,
    attesters: 3,
    attester_price: UNITS / 20,
};

/// For a chain whose slots last three seconds and whose window is 60 blocks. Every other chain has clocks of its own.
pub const CLOCKS: ClockSpec = ClockSpec {
    training: 60,
    availability: 10,
    aggregation: 10,
    seals: 20,
    leaves: 10,
    reveals: 10,
    dispute: 240,
    window: 60,
};

/// Rounds of three slots, of which two make a checkpoint.
pub const fn rounds(count: u32, inner_steps: u32, segment_steps: u32, batch: u32) -> RoundSpec {
    RoundSpec {
        count,
        slots: 3,
        quorum: 2,
        tries: TRIES,
        inner_steps,
        segment_steps,
        batch,
        aggregator_price: UNITS / 4,
    }
}
