//! Weights of `pallet_sabha_reward_pool`: estimates, until `scripts/weights` measures them.

use core::marker::PhantomData;

use frame_support::{
    traits::Get,
    weights::{Weight, constants::ParityDbWeight},
};

/// Weights of `pallet_sabha_reward_pool`.
pub trait WeightInfo {
    /// Weight of `claim`.
    fn claim() -> Weight;
    /// Weight of `claim_for`.
    fn claim_for() -> Weight;
    /// Weight of `claim_batch`.
    fn claim_batch(n: u32) -> Weight;
    /// Weight of `transfer_shares`.
    fn transfer_shares() -> Weight;
    /// Weight of `set_payout`.
    fn set_payout() -> Weight;
    /// Weight of `deposit`.
    fn deposit() -> Weight;
    /// Weight of `remove_pool`.
    fn remove_pool() -> Weight;
}

/// Weights on a chain, with that chain's database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn claim() -> Weight {
        Weight::from_parts(250_000_000, 8799)
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(7))
    }

    fn claim_for() -> Weight {
        Weight::from_parts(250_000_000, 8799)
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(7))
    }

    fn claim_batch(n: u32) -> Weight {
        Weight::from_parts(150_000_000, 8799)
            .saturating_add(Weight::from_parts(150_000_000, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().reads((4_u64).saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes(4))
            .saturating_add(T::DbWeight::get().writes((3_u64).saturating_mul(n.into())))
    }

    fn transfer_shares() -> Weight {
        Weight::from_parts(250_000_000, 8799)
            .saturating_add(T::DbWeight::get().reads(9))
            .saturating_add(T::DbWeight::get().writes(9))
    }

    fn set_payout() -> Weight {
        Weight::from_parts(120_000_000, 4000)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }

    fn deposit() -> Weight {
        Weight::from_parts(220_000_000, 8799)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(4))
    }

    fn remove_pool() -> Weight {
        Weight::from_parts(130_000_000, 6196)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
}

/// For tests.
impl WeightInfo for () {
    fn claim() -> Weight {
        Weight::from_parts(250_000_000, 8799)
            .saturating_add(ParityDbWeight::get().reads(8))
            .saturating_add(ParityDbWeight::get().writes(7))
    }

    fn claim_for() -> Weight {
        Weight::from_parts(250_000_000, 8799)
            .saturating_add(ParityDbWeight::get().reads(8))
            .saturating_add(ParityDbWeight::get().writes(7))
    }

    fn claim_batch(n: u32) -> Weight {
        Weight::from_parts(150_000_000, 8799)
            .saturating_add(Weight::from_parts(150_000_000, 0).saturating_mul(n.into()))
            .saturating_add(ParityDbWeight::get().reads(5))
            .saturating_add(ParityDbWeight::get().reads((4_u64).saturating_mul(n.into())))
            .saturating_add(ParityDbWeight::get().writes(4))
            .saturating_add(ParityDbWeight::get().writes((3_u64).saturating_mul(n.into())))
    }

    fn transfer_shares() -> Weight {
        Weight::from_parts(250_000_000, 8799)
            .saturating_add(ParityDbWeight::get().reads(9))
            .saturating_add(ParityDbWeight::get().writes(9))
    }

    fn set_payout() -> Weight {
        Weight::from_parts(120_000_000, 4000)
            .saturating_add(ParityDbWeight::get().reads(3))
            .saturating_add(ParityDbWeight::get().writes(3))
    }

    fn deposit() -> Weight {
        Weight::from_parts(220_000_000, 8799)
            .saturating_add(ParityDbWeight::get().reads(5))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn remove_pool() -> Weight {
        Weight::from_parts(130_000_000, 6196)
            .saturating_add(ParityDbWeight::get().reads(3))
            .saturating_add(ParityDbWeight::get().writes(3))
    }
}
