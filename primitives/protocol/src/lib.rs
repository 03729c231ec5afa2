//! Run specifications, commitments and the state machine of slots: what the chain and the worker must agree on.
//!
//! Everything here is a pure, total function over plain types: no FRAME, no clock, no I/O. The pallets, the worker and the tests
//! run the same code.
//!
//! | module | subject |
//! |---|---|
//! | [`spec`] | the run specification: model, optimiser, data, rounds, price, clocks; validation and spec hash |
//! | [`ids`] | identifiers of runs, rounds, slots; digests |
//! | [`commitment`] | what a worker commits for a slot, and what binds it to that slot |
//! | [`data`] | which tokens a batch reads |
//! | [`programs`] | the programs of a run |
//! | [`update`] | how a slot's update lies in its blob |
//! | [`dispute`] | the game in which the chain finds out who lies |
//! | [`round`] | the life of a round as a state machine: slots, availability, aggregation, window, voiding, settlement |
//! | [`audit`] | which segments are executed again, seals, answers |
//! | [`draw`] | who is drawn, by stake, from a set that was frozen before the randomness was known |
//! | [`economics`] | whether a specification makes cheating dear |
//! | [`models`] | licences of models, and how a payment for one is split |
//! | [`money`], [`reputation`] | transfers and slashes; how often a worker did what it was drawn for |
//! | [`pool`] | who has which share of what is earned later, and what that comes to |
//! | [`datasets`] | claims of data: what is claimed, who judges it, what it comes to |
//! | [`defaults`] | the protocol's constants, with their reasons |
//! | [`set`] | sets of slots |
//! | [`allocation`] | what the DAO and the crowd decide about compute: money of runs, matching, whose turn it is |
//! | [`amount`] | token amounts as people write them |

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

extern crate alloc;

pub mod allocation;
pub mod amount;
pub mod audit;
#[cfg(feature = "std")]
pub mod board;
pub mod commitment;
pub mod data;
pub mod datasets;
pub mod defaults;
pub mod dispute;
pub mod draw;
pub mod economics;
pub mod ids;
pub mod models;
pub mod money;
pub mod pool;
pub mod programs;
pub mod reputation;
pub mod round;
pub mod set;
pub mod spec;
pub mod update;
mod wide;

pub use commitment::{Commitment, Divergence, Outcome, segments_root};
pub use ids::{
    ActiveBlock, Attempt, Digest, Generation, RoundIndex, RoundKey, RunId, Session, SlotId, SlotIndex,
};
pub use set::SlotSet;
pub use spec::{RunSpec, SpecError};

/// Amounts of the token, in its smallest unit: 10^-12 SBH.
pub type Balance = u128;

/// Decimals of the token.
pub const TOKEN_DECIMALS: u32 = 12;

/// One SBH in its smallest unit.
pub const UNITS: Balance = 1_000_000_000_000;

/// Numerics version 0: plain candle. Its bits differ between machines, so it cannot be disputed; it is the first slice's engine
/// and stays as the yardstick of the benchmarks.
pub const NUMERICS_YARDSTICK: u16 = 0;

/// Numerics version 1: the programs of `sabha_numerics`, the same bits on every machine.
pub const NUMERICS_EXACT: u16 = 1;

/// Whether this release knows a numerics version: its engines compute it, or its referee can judge it.
pub const fn numerics_is_known(version: u16) -> bool {
    version <= NUMERICS_EXACT
}
