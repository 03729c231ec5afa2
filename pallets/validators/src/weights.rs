//! Weights of `pallet_sabha_validators`, by `scripts/weights`: 20 steps, 20 repetitions each. Storage is counted, times are measured.
//!
//! Sources: blake2b 4596ba03ed9f00269067e2c4da2c203a

use core::marker::PhantomData;

use frame_support::{
    traits::Get,
    weights::{Weight, constants::ParityDbWeight},
};

/// Weights of `pallet_sabha_validators`.
pub trait WeightInfo {
    /// Weight of `admit`.
    fn admit() -> Weight;
    /// Weight of `remove`.
    fn remove() -> Weight;
    /// Weight of `readmit`.
    fn readmit() -> Weight;
    /// Weight of `on_offence`.
    fn on_offence(n: u32) -> Weight;
}

/// Weights on a chain, with that chain's database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    // Storage: `Validators::Validators` (r:1 w:1)
    // Proof: `Validators::Validators` (`max_values`: Some(1), `max_size`: Some(3202), added: 3697, mode: `MaxEncodedLen`)
    // Storage: `Session::NextKeys` (r:1 w:0)
    // Proof: `Session::NextKeys` (`max_values`: None, `max_size`: None, mode: `Measured`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Validators::Dropped` (r:0 w:1)
    // Proof: `Validators::Dropped` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `Validators::ForgivenUpTo` (r:0 w:1)
    // Proof: `Validators::ForgivenUpTo` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    fn admit() -> Weight {
        Weight::from_parts(84_955_000, 8229)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }

    // Storage: `Validators::Validators` (r:1 w:1)
    // Proof: `Validators::Validators` (`max_values`: Some(1), `max_size`: Some(3202), added: 3697, mode: `MaxEncodedLen`)
    // Storage: `Validators::Dropped` (r:99 w:0)
    // Proof: `Validators::Dropped` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `Session::NextKeys` (r:1 w:0)
    // Proof: `Session::NextKeys` (`max_values`: None, `max_size`: None, mode: `Measured`)
    // Storage: `Session::Validators` (r:1 w:0)
    // Proof: `Session::Validators` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Validators::ForgivenUpTo` (r:0 w:1)
    // Proof: `Validators::ForgivenUpTo` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    fn remove() -> Weight {
        Weight::from_parts(715_175_000, 251163)
            .saturating_add(T::DbWeight::get().reads(102))
            .saturating_add(T::DbWeight::get().writes(2))
    }

    // Storage: `Validators::Validators` (r:1 w:0)
    // Proof: `Validators::Validators` (`max_values`: Some(1), `max_size`: Some(3202), added: 3697, mode: `MaxEncodedLen`)
    // Storage: `Validators::Dropped` (r:1 w:1)
    // Proof: `Validators::Dropped` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `Session::NextKeys` (r:1 w:0)
    // Proof: `Session::NextKeys` (`max_values`: None, `max_size`: None, mode: `Measured`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Validators::ForgivenUpTo` (r:0 w:1)
    // Proof: `Validators::ForgivenUpTo` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    fn readmit() -> Weight {
        Weight::from_parts(99_971_000, 8971)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(2))
    }

    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Timing::Durations` (r:1 w:0)
    // Proof: `Timing::Durations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    // Storage: `Validators::ForgivenUpTo` (r:32 w:0)
    // Proof: `Validators::ForgivenUpTo` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Session::DisabledValidators` (r:1 w:1)
    // Proof: `Session::DisabledValidators` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Session::Validators` (r:1 w:0)
    // Proof: `Session::Validators` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Validators::Dropped` (r:100 w:32)
    // Proof: `Validators::Dropped` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `Validators::Validators` (r:1 w:0)
    // Proof: `Validators::Validators` (`max_values`: Some(1), `max_size`: Some(3202), added: 3697, mode: `MaxEncodedLen`)
    // Storage: `Session::NextKeys` (r:32 w:0)
    // Proof: `Session::NextKeys` (`max_values`: None, `max_size`: None, mode: `Measured`)
    fn on_offence(n: u32) -> Weight {
        Weight::from_parts(705_033_513, 253690)
            .saturating_add(Weight::from_parts(216_632_227, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(105))
            .saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes(1))
            .saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(n.into())))
            .saturating_add(Weight::from_parts(0, 2530).saturating_mul(n.into()))
    }
}

/// For tests.
impl WeightInfo for () {
    fn admit() -> Weight {
        Weight::from_parts(84_955_000, 8229)
            .saturating_add(ParityDbWeight::get().reads(3))
            .saturating_add(ParityDbWeight::get().writes(3))
    }

    fn remove() -> Weight {
        Weight::from_parts(715_175_000, 251163)
            .saturating_add(ParityDbWeight::get().reads(102))
            .saturating_add(ParityDbWeight::get().writes(2))
    }

    fn readmit() -> Weight {
        Weight::from_parts(99_971_000, 8971)
            .saturating_add(ParityDbWeight::get().reads(4))
            .saturating_add(ParityDbWeight::get().writes(2))
    }

    fn on_offence(n: u32) -> Weight {
        Weight::from_parts(705_033_513, 253690)
            .saturating_add(Weight::from_parts(216_632_227, 0).saturating_mul(n.into()))
            .saturating_add(ParityDbWeight::get().reads(105))
            .saturating_add(ParityDbWeight::get().reads((2_u64).saturating_mul(n.into())))
            .saturating_add(ParityDbWeight::get().writes(1))
            .saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(n.into())))
            .saturating_add(Weight::from_parts(0, 2530).saturating_mul(n.into()))
    }
}
