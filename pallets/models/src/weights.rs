//! Weights of `pallet_sabha_models`, by `scripts/weights`: 20 steps, 20 repetitions each. Storage is counted, times are measured.
//!
//! Sources: blake2b 840089bbd8ce966c8186bfb47a782ad7

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
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Proposals` (r:1 w:1)
    // Proof: `Allocation::Proposals` (`max_values`: None, `max_size`: Some(928), added: 3403, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:0)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Datasets::AcceptedRoots` (r:16 w:0)
    // Proof: `Datasets::AcceptedRoots` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
    // Storage: `Models::NextModelId` (r:1 w:1)
    // Proof: `Models::NextModelId` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Models::ModelOfRun` (r:0 w:1)
    // Proof: `Models::ModelOfRun` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
    // Storage: `Models::Models` (r:0 w:1)
    // Proof: `Models::Models` (`max_values`: None, `max_size`: Some(1021), added: 3496, mode: `MaxEncodedLen`)
    fn register() -> Weight {
        Weight::from_parts(242_993_000, 42190)
            .saturating_add(T::DbWeight::get().reads(20))
            .saturating_add(T::DbWeight::get().writes(5))
    }

    // Storage: `Models::NextModelId` (r:1 w:1)
    // Proof: `Models::NextModelId` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Models::Models` (r:0 w:1)
    // Proof: `Models::Models` (`max_values`: None, `max_size`: Some(1021), added: 3496, mode: `MaxEncodedLen`)
    fn import() -> Weight {
        Weight::from_parts(21_781_000, 1489)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(2))
    }

    // Storage: `System::Account` (r:4 w:4)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Models::Models` (r:1 w:1)
    // Proof: `Models::Models` (`max_values`: None, `max_size`: Some(1021), added: 3496, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Pools` (r:18 w:18)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    // Storage: `Models::Accrued` (r:1 w:1)
    // Proof: `Models::Accrued` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
    fn pay() -> Weight {
        Weight::from_parts(1_626_182_000, 47304)
            .saturating_add(T::DbWeight::get().reads(24))
            .saturating_add(T::DbWeight::get().writes(24))
    }

    // Storage: `System::Account` (r:4 w:4)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Models::Models` (r:1 w:1)
    // Proof: `Models::Models` (`max_values`: None, `max_size`: Some(1021), added: 3496, mode: `MaxEncodedLen`)
    // Storage: `Models::Accrued` (r:2 w:2)
    // Proof: `Models::Accrued` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Pools` (r:18 w:18)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    fn distribute() -> Weight {
        Weight::from_parts(1_507_205_000, 47304)
            .saturating_add(T::DbWeight::get().reads(25))
            .saturating_add(T::DbWeight::get().writes(25))
    }

    // Storage: `Models::Models` (r:1 w:0)
    // Proof: `Models::Models` (`max_values`: None, `max_size`: Some(1021), added: 3496, mode: `MaxEncodedLen`)
    // Storage: `Models::Metrics` (r:1 w:1)
    // Proof: `Models::Metrics` (`max_values`: None, `max_size`: Some(1133), added: 3608, mode: `MaxEncodedLen`)
    fn measure() -> Weight {
        Weight::from_parts(51_483_000, 4598)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }

    // Storage: `Models::Models` (r:2 w:1)
    // Proof: `Models::Models` (`max_values`: None, `max_size`: Some(1021), added: 3496, mode: `MaxEncodedLen`)
    fn deprecate() -> Weight {
        Weight::from_parts(45_829_000, 7982)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
}

/// For tests.
impl WeightInfo for () {
    fn register() -> Weight {
        Weight::from_parts(242_993_000, 42190)
            .saturating_add(ParityDbWeight::get().reads(20))
            .saturating_add(ParityDbWeight::get().writes(5))
    }

    fn import() -> Weight {
        Weight::from_parts(21_781_000, 1489)
            .saturating_add(ParityDbWeight::get().reads(1))
            .saturating_add(ParityDbWeight::get().writes(2))
    }

    fn pay() -> Weight {
        Weight::from_parts(1_626_182_000, 47304)
            .saturating_add(ParityDbWeight::get().reads(24))
            .saturating_add(ParityDbWeight::get().writes(24))
    }

    fn distribute() -> Weight {
        Weight::from_parts(1_507_205_000, 47304)
            .saturating_add(ParityDbWeight::get().reads(25))
            .saturating_add(ParityDbWeight::get().writes(25))
    }

    fn measure() -> Weight {
        Weight::from_parts(51_483_000, 4598)
            .saturating_add(ParityDbWeight::get().reads(2))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn deprecate() -> Weight {
        Weight::from_parts(45_829_000, 7982)
            .saturating_add(ParityDbWeight::get().reads(2))
            .saturating_add(ParityDbWeight::get().writes(1))
    }
}
