//! Weights of the timing pallet: estimates until benchmarked on reference hardware.
//!
//! Execution times are guesses on the high side; storage accesses are counted from the code.

use core::marker::PhantomData;

use frame_support::{
    traits::Get,
    weights::{RuntimeDbWeight, Weight, constants::ParityDbWeight},
};

/// Weights of this pallet's calls and hooks.
pub trait WeightInfo {
    /// Weight of `set_durations`.
    fn set_durations() -> Weight;
    /// Weight of counting one active block.
    fn on_poll() -> Weight;
}

/// Weights on a chain, with that chain's database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn set_durations() -> Weight {
        set_durations(T::DbWeight::get())
    }

    fn on_poll() -> Weight {
        on_poll(T::DbWeight::get())
    }
}

/// For tests.
impl WeightInfo for () {
    fn set_durations() -> Weight {
        set_durations(ParityDbWeight::get())
    }

    fn on_poll() -> Weight {
        on_poll(ParityDbWeight::get())
    }
}

/// Storage: `Timing::GenesisDurations` (r:1 w:0), `Timing::Durations` (r:1 w:1); `max_size` 52 each.
fn set_durations(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(15_000_000, 1_537).saturating_add(db.reads_writes(2, 1))
}

/// Storage: `Timing::ActiveBlocks` (r:1 w:1; `max_size` 4), and up to two reads of what `Paused` asks: whether safe
/// mode is entered, and whether a call is paused.
fn on_poll(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(5_000_000, 4_000).saturating_add(db.reads_writes(3, 1))
}
