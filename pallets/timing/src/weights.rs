//! Weights of `pallet_sabha_timing`, by `scripts/weights`: 20 steps, 20 repetitions each. Storage is counted, times are measured.
//!
//! Sources: blake2b 3a59f4b03b7aad15761e020d1af27a84

use core::marker::PhantomData;

use frame_support::{
    traits::Get,
    weights::{Weight, constants::ParityDbWeight},
};

/// Weights of `pallet_sabha_timing`.
pub trait WeightInfo {
    /// Weight of `set_durations`.
    fn set_durations() -> Weight;
    /// Weight of `on_poll`.
    fn on_poll() -> Weight;
}

/// Weights on a chain, with that chain's database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    // Storage: `Timing::GenesisDurations` (r:1 w:0)
    // Proof: `Timing::GenesisDurations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    // Storage: `Timing::Durations` (r:1 w:1)
    // Proof: `Timing::Durations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    fn set_durations() -> Weight {
        Weight::from_parts(21_305_000, 1537)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }

    // Storage: `SafeMode::EnteredUntil` (r:1 w:0)
    // Proof: `SafeMode::EnteredUntil` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `TxPause::PausedCalls` (r:1 w:0)
    // Proof: `TxPause::PausedCalls` (`max_values`: None, `max_size`: Some(532), added: 3007, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:1)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    fn on_poll() -> Weight {
        Weight::from_parts(15_561_000, 3997)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(1))
    }
}

/// For tests.
impl WeightInfo for () {
    fn set_durations() -> Weight {
        Weight::from_parts(21_305_000, 1537)
            .saturating_add(ParityDbWeight::get().reads(2))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn on_poll() -> Weight {
        Weight::from_parts(15_561_000, 3997)
            .saturating_add(ParityDbWeight::get().reads(3))
            .saturating_add(ParityDbWeight::get().writes(1))
    }
}
