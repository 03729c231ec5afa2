//! Weights of `pallet_sabha_allocation`, in the shape that `scripts/weights` writes. Provisional: storage is counted by hand, times are guessed on the
//! safe side, until they are measured.

use core::marker::PhantomData;

use frame_support::{
    traits::Get,
    weights::{Weight, constants::ParityDbWeight},
};

/// Weights of `pallet_sabha_allocation`.
pub trait WeightInfo {
    /// Weight of `propose`.
    fn propose() -> Weight;
    /// Weight of `pledge`.
    fn pledge() -> Weight;
    /// Weight of `withdraw`.
    fn withdraw() -> Weight;
    /// Weight of `settle`.
    fn settle(n: u32) -> Weight;
    /// Weight of `cancel`.
    fn cancel() -> Weight;
    /// Weight of `refund`.
    fn refund() -> Weight;
    /// Weight of `remove`.
    fn remove() -> Weight;
    /// Weight of `fund`.
    fn fund() -> Weight;
    /// Weight of `set_share`.
    fn set_share() -> Weight;
    /// Weight of `pause`.
    fn pause() -> Weight;
    /// Weight of `resume`.
    fn resume() -> Weight;
    /// Weight of `stop`.
    fn stop() -> Weight;
    /// Weight of `set_matching`.
    fn set_matching() -> Weight;
}

/// Weights on a chain, with that chain's database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn propose() -> Weight {
        Weight::from_parts(150_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(6))
    }

    fn pledge() -> Weight {
        Weight::from_parts(250_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(12))
            .saturating_add(T::DbWeight::get().writes(11))
    }

    fn withdraw() -> Weight {
        Weight::from_parts(150_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(9))
            .saturating_add(T::DbWeight::get().writes(8))
    }

    fn settle(n: u32) -> Weight {
        Weight::from_parts(700_000_000, 0)
            .saturating_add(Weight::from_parts(60_000_000, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(20))
            .saturating_add(T::DbWeight::get().reads(3u64.saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes(18))
            .saturating_add(T::DbWeight::get().writes(4u64.saturating_mul(n.into())))
    }

    fn cancel() -> Weight {
        Weight::from_parts(120_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(6))
    }

    fn refund() -> Weight {
        Weight::from_parts(180_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(10))
            .saturating_add(T::DbWeight::get().writes(10))
    }

    fn remove() -> Weight {
        Weight::from_parts(100_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }

    fn fund() -> Weight {
        Weight::from_parts(120_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(4))
    }

    fn set_share() -> Weight {
        Weight::from_parts(250_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(1))
    }

    fn pause() -> Weight {
        Weight::from_parts(200_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }

    fn resume() -> Weight {
        Weight::from_parts(200_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(4))
    }

    fn stop() -> Weight {
        Weight::from_parts(300_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(12))
            .saturating_add(T::DbWeight::get().writes(12))
    }

    fn set_matching() -> Weight {
        Weight::from_parts(20_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(0))
            .saturating_add(T::DbWeight::get().writes(1))
    }
}

/// For tests.
impl WeightInfo for () {
    fn propose() -> Weight {
        Weight::from_parts(150_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(6))
            .saturating_add(ParityDbWeight::get().writes(6))
    }

    fn pledge() -> Weight {
        Weight::from_parts(250_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(12))
            .saturating_add(ParityDbWeight::get().writes(11))
    }

    fn withdraw() -> Weight {
        Weight::from_parts(150_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(9))
            .saturating_add(ParityDbWeight::get().writes(8))
    }

    fn settle(n: u32) -> Weight {
        Weight::from_parts(700_000_000, 0)
            .saturating_add(Weight::from_parts(60_000_000, 0).saturating_mul(n.into()))
            .saturating_add(ParityDbWeight::get().reads(20))
            .saturating_add(ParityDbWeight::get().reads(3u64.saturating_mul(n.into())))
            .saturating_add(ParityDbWeight::get().writes(18))
            .saturating_add(ParityDbWeight::get().writes(4u64.saturating_mul(n.into())))
    }

    fn cancel() -> Weight {
        Weight::from_parts(120_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(6))
            .saturating_add(ParityDbWeight::get().writes(6))
    }

    fn refund() -> Weight {
        Weight::from_parts(180_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(10))
            .saturating_add(ParityDbWeight::get().writes(10))
    }

    fn remove() -> Weight {
        Weight::from_parts(100_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(3))
            .saturating_add(ParityDbWeight::get().writes(3))
    }

    fn fund() -> Weight {
        Weight::from_parts(120_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(5))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn set_share() -> Weight {
        Weight::from_parts(250_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(3))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn pause() -> Weight {
        Weight::from_parts(200_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(4))
            .saturating_add(ParityDbWeight::get().writes(3))
    }

    fn resume() -> Weight {
        Weight::from_parts(200_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(5))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn stop() -> Weight {
        Weight::from_parts(300_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(12))
            .saturating_add(ParityDbWeight::get().writes(12))
    }

    fn set_matching() -> Weight {
        Weight::from_parts(20_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(0))
            .saturating_add(ParityDbWeight::get().writes(1))
    }
}
