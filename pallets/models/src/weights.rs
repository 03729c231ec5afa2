//! Weights of `pallet_sabha_models`, in the shape that `scripts/weights` writes. Provisional: storage is counted by hand, times are guessed on the
//! safe side, until they are measured.

use core::marker::PhantomData;

use frame_support::{
    traits::Get,
    weights::{Weight, constants::ParityDbWeight},
};

/// Weights of `pallet_sabha_models`.
pub trait WeightInfo {
    /// Weight of `register`.
    fn register() -> Weight;
    /// Weight of `import`.
    fn import() -> Weight;
    /// Weight of `pay`.
    fn pay() -> Weight;
    /// Weight of `distribute`.
    fn distribute() -> Weight;
    /// Weight of `measure`.
    fn measure() -> Weight;
    /// Weight of `deprecate`.
    fn deprecate() -> Weight;
}

/// Weights on a chain, with that chain's database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn register() -> Weight {
        Weight::from_parts(200_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(21))
            .saturating_add(T::DbWeight::get().writes(4))
    }

    fn import() -> Weight {
        Weight::from_parts(60_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(2))
    }

    fn pay() -> Weight {
        Weight::from_parts(1_500_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(44))
            .saturating_add(T::DbWeight::get().writes(44))
    }

    fn distribute() -> Weight {
        Weight::from_parts(1_500_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(44))
            .saturating_add(T::DbWeight::get().writes(44))
    }

    fn measure() -> Weight {
        Weight::from_parts(80_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }

    fn deprecate() -> Weight {
        Weight::from_parts(60_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
}

/// For tests.
impl WeightInfo for () {
    fn register() -> Weight {
        Weight::from_parts(200_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(21))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn import() -> Weight {
        Weight::from_parts(60_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(1))
            .saturating_add(ParityDbWeight::get().writes(2))
    }

    fn pay() -> Weight {
        Weight::from_parts(1_500_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(44))
            .saturating_add(ParityDbWeight::get().writes(44))
    }

    fn distribute() -> Weight {
        Weight::from_parts(1_500_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(44))
            .saturating_add(ParityDbWeight::get().writes(44))
    }

    fn measure() -> Weight {
        Weight::from_parts(80_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(2))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn deprecate() -> Weight {
        Weight::from_parts(60_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(2))
            .saturating_add(ParityDbWeight::get().writes(1))
    }
}
