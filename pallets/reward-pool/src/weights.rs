//! Weights of `pallet_sabha_reward_pool`, by `scripts/weights`: 20 steps, 20 repetitions each. Storage is counted, times are measured.
//!
//! Sources: blake2b c1cd80abfb24017e504cb1a6f3bddce3

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
    // Storage: `RewardPool::Pools` (r:1 w:1)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:3 w:3)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Members` (r:1 w:1)
    // Proof: `RewardPool::Members` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Payouts` (r:1 w:0)
    // Proof: `RewardPool::Payouts` (`max_values`: None, `max_size`: Some(96), added: 2571, mode: `MaxEncodedLen`)
    fn claim() -> Weight {
        Weight::from_parts(207_178_000, 8799)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(5))
    }

    // Storage: `RewardPool::Pools` (r:1 w:1)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:3 w:3)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Members` (r:1 w:1)
    // Proof: `RewardPool::Members` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Payouts` (r:1 w:0)
    // Proof: `RewardPool::Payouts` (`max_values`: None, `max_size`: Some(96), added: 2571, mode: `MaxEncodedLen`)
    fn claim_for() -> Weight {
        Weight::from_parts(203_070_000, 8799)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(5))
    }

    // Storage: `RewardPool::Pools` (r:32 w:32)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Members` (r:32 w:32)
    // Proof: `RewardPool::Members` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Payouts` (r:1 w:0)
    // Proof: `RewardPool::Payouts` (`max_values`: None, `max_size`: Some(96), added: 2571, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:3 w:3)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    fn claim_batch(n: u32) -> Weight {
        Weight::from_parts(117_257_541, 8799)
            .saturating_add(Weight::from_parts(93_554_186, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().reads((2_u64).saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes(3))
            .saturating_add(T::DbWeight::get().writes((2_u64).saturating_mul(n.into())))
            .saturating_add(Weight::from_parts(0, 2616).saturating_mul(n.into()))
    }

    // Storage: `RewardPool::Members` (r:2 w:2)
    // Proof: `RewardPool::Members` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Pools` (r:1 w:1)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Deposits` (r:1 w:2)
    // Proof: `RewardPool::Deposits` (`max_values`: None, `max_size`: Some(109), added: 2584, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:2 w:2)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    fn transfer_shares() -> Weight {
        Weight::from_parts(213_552_000, 6434)
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(9))
    }

    // Storage: `RewardPool::Payouts` (r:1 w:1)
    // Proof: `RewardPool::Payouts` (`max_values`: None, `max_size`: Some(96), added: 2571, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    fn set_payout() -> Weight {
        Weight::from_parts(96_906_000, 3712)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }

    // Storage: `RewardPool::Pools` (r:1 w:1)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:3 w:3)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    fn deposit() -> Weight {
        Weight::from_parts(179_078_000, 8799)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }

    // Storage: `RewardPool::Pools` (r:1 w:1)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    fn remove_pool() -> Weight {
        Weight::from_parts(100_107_000, 6196)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
}

/// For tests.
impl WeightInfo for () {
    fn claim() -> Weight {
        Weight::from_parts(207_178_000, 8799)
            .saturating_add(ParityDbWeight::get().reads(6))
            .saturating_add(ParityDbWeight::get().writes(5))
    }

    fn claim_for() -> Weight {
        Weight::from_parts(203_070_000, 8799)
            .saturating_add(ParityDbWeight::get().reads(6))
            .saturating_add(ParityDbWeight::get().writes(5))
    }

    fn claim_batch(n: u32) -> Weight {
        Weight::from_parts(117_257_541, 8799)
            .saturating_add(Weight::from_parts(93_554_186, 0).saturating_mul(n.into()))
            .saturating_add(ParityDbWeight::get().reads(4))
            .saturating_add(ParityDbWeight::get().reads((2_u64).saturating_mul(n.into())))
            .saturating_add(ParityDbWeight::get().writes(3))
            .saturating_add(ParityDbWeight::get().writes((2_u64).saturating_mul(n.into())))
            .saturating_add(Weight::from_parts(0, 2616).saturating_mul(n.into()))
    }

    fn transfer_shares() -> Weight {
        Weight::from_parts(213_552_000, 6434)
            .saturating_add(ParityDbWeight::get().reads(8))
            .saturating_add(ParityDbWeight::get().writes(9))
    }

    fn set_payout() -> Weight {
        Weight::from_parts(96_906_000, 3712)
            .saturating_add(ParityDbWeight::get().reads(3))
            .saturating_add(ParityDbWeight::get().writes(3))
    }

    fn deposit() -> Weight {
        Weight::from_parts(179_078_000, 8799)
            .saturating_add(ParityDbWeight::get().reads(4))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn remove_pool() -> Weight {
        Weight::from_parts(100_107_000, 6196)
            .saturating_add(ParityDbWeight::get().reads(3))
            .saturating_add(ParityDbWeight::get().writes(3))
    }
}
