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
//! | [`slot`] | the life of a slot as a state machine |
//! | [`data`] | which tokens a batch reads |
//! | [`amount`] | token amounts as people write them |

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

pub mod amount;
pub mod commitment;
pub mod data;
pub mod ids;
pub mod slot;
pub mod spec;

pub use commitment::{Commitment, Divergence, Outcome, segments_root};
pub use ids::{Digest, Generation, RoundIndex, RunId, SlotId, SlotIndex};
pub use slot::{Slot, SlotError, SlotEvent, SlotState};
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
