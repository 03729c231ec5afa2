//! Weights of `pallet_sabha_disputes`: estimates, until `scripts/weights` has measured them. Storage is counted from the code.

use core::marker::PhantomData;

use frame_support::{
    traits::Get,
    weights::{Weight, constants::ParityDbWeight},
};

/// Weights of `pallet_sabha_disputes`.
pub trait WeightInfo {
    /// Weight of `challenge`.
    fn challenge() -> Weight;
    /// Weight of `name_claim`.
    fn name_claim() -> Weight;
    /// Weight of `answer`.
    fn answer() -> Weight;
    /// Weight of `press`.
    fn press() -> Weight;
    /// Weight of `judge`.
    fn judge() -> Weight;
    /// Weight of `time_out`.
    fn time_out() -> Weight;
    /// Weight of `close`.
    fn close() -> Weight;
    /// Weight of `sweep`.
    fn sweep() -> Weight;
}

/// Weights on a chain, with that chain's database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn challenge() -> Weight {
        Weight::from_parts(20_000_000_000, 30_000)
            .saturating_add(T::DbWeight::get().reads(9))
            .saturating_add(T::DbWeight::get().writes(8))
    }

    fn name_claim() -> Weight {
        Weight::from_parts(10_000_000_000, 20_000)
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(1))
    }

    fn answer() -> Weight {
        Weight::from_parts(20_000_000_000, 20_000)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(1))
    }

    fn press() -> Weight {
        Weight::from_parts(20_000_000_000, 30_000)
            .saturating_add(T::DbWeight::get().reads(20))
            .saturating_add(T::DbWeight::get().writes(14))
    }

    fn judge() -> Weight {
        Weight::from_parts(40_000_000_000, 30_000)
            .saturating_add(T::DbWeight::get().reads(24))
            .saturating_add(T::DbWeight::get().writes(14))
    }

    fn time_out() -> Weight {
        Weight::from_parts(400_000_000, 30_000)
            .saturating_add(T::DbWeight::get().reads(17))
            .saturating_add(T::DbWeight::get().writes(13))
    }

    fn close() -> Weight {
        Weight::from_parts(100_000_000, 10_000)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(4))
    }

    fn sweep() -> Weight {
        Weight::from_parts(400_000_000, 30_000)
            .saturating_add(T::DbWeight::get().reads(20))
            .saturating_add(T::DbWeight::get().writes(14))
    }
}

/// For tests.
impl WeightInfo for () {
    fn challenge() -> Weight {
        Weight::from_parts(20_000_000_000, 30_000)
            .saturating_add(ParityDbWeight::get().reads(9))
            .saturating_add(ParityDbWeight::get().writes(8))
    }

    fn name_claim() -> Weight {
        Weight::from_parts(10_000_000_000, 20_000)
            .saturating_add(ParityDbWeight::get().reads(8))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn answer() -> Weight {
        Weight::from_parts(20_000_000_000, 20_000)
            .saturating_add(ParityDbWeight::get().reads(7))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn press() -> Weight {
        Weight::from_parts(20_000_000_000, 30_000)
            .saturating_add(ParityDbWeight::get().reads(20))
            .saturating_add(ParityDbWeight::get().writes(14))
    }

    fn judge() -> Weight {
        Weight::from_parts(40_000_000_000, 30_000)
            .saturating_add(ParityDbWeight::get().reads(24))
            .saturating_add(ParityDbWeight::get().writes(14))
    }

    fn time_out() -> Weight {
        Weight::from_parts(400_000_000, 30_000)
            .saturating_add(ParityDbWeight::get().reads(17))
            .saturating_add(ParityDbWeight::get().writes(13))
    }

    fn close() -> Weight {
        Weight::from_parts(100_000_000, 10_000)
            .saturating_add(ParityDbWeight::get().reads(5))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn sweep() -> Weight {
        Weight::from_parts(400_000_000, 30_000)
            .saturating_add(ParityDbWeight::get().reads(20))
            .saturating_add(ParityDbWeight::get().writes(14))
    }
}
