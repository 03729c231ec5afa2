//! Weights of `pallet_sabha_allocation`, by `scripts/weights`: 20 steps, 20 repetitions each. Storage is counted, times are measured.
//!
//! Sources: blake2b 6f1a4ac6a26bfc88736eb41a575200c0

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
    /// Weight of `stop_idle`.
    fn stop_idle() -> Weight;
    /// Weight of `set_matching`.
    fn set_matching() -> Weight;
}

/// Weights on a chain, with that chain's database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    // Storage: `Timing::Durations` (r:1 w:0)
    // Proof: `Timing::Durations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `Training::NextRunId` (r:1 w:1)
    // Proof: `Training::NextRunId` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Pools` (r:1 w:1)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Specs` (r:0 w:1)
    // Proof: `Allocation::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Proposals` (r:0 w:1)
    // Proof: `Allocation::Proposals` (`max_values`: None, `max_size`: Some(928), added: 3403, mode: `MaxEncodedLen`)
    fn propose() -> Weight {
        Weight::from_parts(533_597_000, 3712)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(6))
    }

    // Storage: `Allocation::Proposals` (r:1 w:1)
    // Proof: `Allocation::Proposals` (`max_values`: None, `max_size`: Some(928), added: 3403, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Backers` (r:1 w:1)
    // Proof: `Allocation::Backers` (`max_values`: None, `max_size`: Some(97), added: 2572, mode: `MaxEncodedLen`)
    // Storage: `Identity::IdentityOf` (r:1 w:0)
    // Proof: `Identity::IdentityOf` (`max_values`: None, `max_size`: Some(7538), added: 10013, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:3 w:3)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Turns` (r:1 w:1)
    // Proof: `Allocation::Turns` (`max_values`: Some(1), `max_size`: Some(17666), added: 18161, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Members` (r:1 w:1)
    // Proof: `RewardPool::Members` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Pools` (r:1 w:1)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    fn pledge() -> Weight {
        Weight::from_parts(563_002_000, 19151)
            .saturating_add(T::DbWeight::get().reads(11))
            .saturating_add(T::DbWeight::get().writes(9))
    }

    // Storage: `Allocation::Proposals` (r:1 w:1)
    // Proof: `Allocation::Proposals` (`max_values`: None, `max_size`: Some(928), added: 3403, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Backers` (r:2 w:2)
    // Proof: `Allocation::Backers` (`max_values`: None, `max_size`: Some(97), added: 2572, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Members` (r:1 w:1)
    // Proof: `RewardPool::Members` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Pools` (r:1 w:1)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Deposits` (r:1 w:0)
    // Proof: `RewardPool::Deposits` (`max_values`: None, `max_size`: Some(109), added: 2584, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Counted` (r:1 w:2)
    // Proof: `Allocation::Counted` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Asked` (r:1 w:1)
    // Proof: `Allocation::Asked` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    fn withdraw() -> Weight {
        Weight::from_parts(172_555_000, 6196)
            .saturating_add(T::DbWeight::get().reads(10))
            .saturating_add(T::DbWeight::get().writes(10))
    }

    // Storage: `System::Account` (r:4 w:4)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Proposals` (r:1 w:1)
    // Proof: `Allocation::Proposals` (`max_values`: None, `max_size`: Some(928), added: 3403, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Matching` (r:1 w:0)
    // Proof: `Allocation::Matching` (`max_values`: Some(1), `max_size`: Some(20), added: 515, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Asked` (r:1 w:1)
    // Proof: `Allocation::Asked` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Counted` (r:127 w:0)
    // Proof: `Allocation::Counted` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Backers` (r:127 w:0)
    // Proof: `Allocation::Backers` (`max_values`: None, `max_size`: Some(97), added: 2572, mode: `MaxEncodedLen`)
    // Storage: `Identity::IdentityOf` (r:127 w:0)
    // Proof: `Identity::IdentityOf` (`max_values`: None, `max_size`: Some(7538), added: 10013, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Specs` (r:1 w:1)
    // Proof: `Allocation::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Timing::Durations` (r:1 w:0)
    // Proof: `Timing::Durations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:1)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Training::NextRunId` (r:1 w:0)
    // Proof: `Training::NextRunId` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `RewardPool::Pools` (r:2 w:2)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Turns` (r:1 w:1)
    // Proof: `Allocation::Turns` (`max_values`: Some(1), `max_size`: Some(17666), added: 18161, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Members` (r:1 w:1)
    // Proof: `RewardPool::Members` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `Training::Specs` (r:0 w:1)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    fn settle(n: u32) -> Weight {
        Weight::from_parts(1_319_916_393, 29425)
            .saturating_add(Weight::from_parts(76_360_621, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(18))
            .saturating_add(T::DbWeight::get().reads((3_u64).saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes(14))
            .saturating_add(Weight::from_parts(0, 10013).saturating_mul(n.into()))
    }

    // Storage: `Allocation::Proposals` (r:1 w:1)
    // Proof: `Allocation::Proposals` (`max_values`: None, `max_size`: Some(928), added: 3403, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Specs` (r:0 w:1)
    // Proof: `Allocation::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    fn cancel() -> Weight {
        Weight::from_parts(102_621_000, 6196)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(4))
    }

    // Storage: `System::Account` (r:3 w:3)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Proposals` (r:1 w:1)
    // Proof: `Allocation::Proposals` (`max_values`: None, `max_size`: Some(928), added: 3403, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Backers` (r:2 w:2)
    // Proof: `Allocation::Backers` (`max_values`: None, `max_size`: Some(97), added: 2572, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Counted` (r:1 w:2)
    // Proof: `Allocation::Counted` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Members` (r:1 w:1)
    // Proof: `RewardPool::Members` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Pools` (r:1 w:1)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Deposits` (r:1 w:0)
    // Proof: `RewardPool::Deposits` (`max_values`: None, `max_size`: Some(109), added: 2584, mode: `MaxEncodedLen`)
    fn refund() -> Weight {
        Weight::from_parts(210_506_000, 8799)
            .saturating_add(T::DbWeight::get().reads(10))
            .saturating_add(T::DbWeight::get().writes(10))
    }

    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Proposals` (r:1 w:1)
    // Proof: `Allocation::Proposals` (`max_values`: None, `max_size`: Some(928), added: 3403, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    fn remove() -> Weight {
        Weight::from_parts(120_046_000, 6196)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }

    // Storage: `Allocation::Proposals` (r:1 w:1)
    // Proof: `Allocation::Proposals` (`max_values`: None, `max_size`: Some(928), added: 3403, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    fn fund() -> Weight {
        Weight::from_parts(106_318_000, 6196)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }

    // Storage: `Allocation::Proposals` (r:1 w:0)
    // Proof: `Allocation::Proposals` (`max_values`: None, `max_size`: Some(928), added: 3403, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Turns` (r:1 w:1)
    // Proof: `Allocation::Turns` (`max_values`: Some(1), `max_size`: Some(17666), added: 18161, mode: `MaxEncodedLen`)
    fn set_share() -> Weight {
        Weight::from_parts(283_595_000, 19151)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }

    // Storage: `Allocation::Proposals` (r:1 w:0)
    // Proof: `Allocation::Proposals` (`max_values`: None, `max_size`: Some(928), added: 3403, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Turns` (r:1 w:1)
    // Proof: `Allocation::Turns` (`max_values`: Some(1), `max_size`: Some(17666), added: 18161, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    fn pause() -> Weight {
        Weight::from_parts(148_450_000, 19151)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(2))
    }

    // Storage: `Allocation::Proposals` (r:1 w:0)
    // Proof: `Allocation::Proposals` (`max_values`: None, `max_size`: Some(928), added: 3403, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Turns` (r:1 w:1)
    // Proof: `Allocation::Turns` (`max_values`: Some(1), `max_size`: Some(17666), added: 18161, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:0)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    fn resume() -> Weight {
        Weight::from_parts(150_919_000, 19151)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(3))
    }

    // Storage: `Allocation::Proposals` (r:1 w:0)
    // Proof: `Allocation::Proposals` (`max_values`: None, `max_size`: Some(928), added: 3403, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Turns` (r:1 w:1)
    // Proof: `Allocation::Turns` (`max_values`: Some(1), `max_size`: Some(17666), added: 18161, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:0)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    fn stop() -> Weight {
        Weight::from_parts(159_826_000, 21734)
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(3))
    }

    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Proposals` (r:1 w:0)
    // Proof: `Allocation::Proposals` (`max_values`: None, `max_size`: Some(928), added: 3403, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Turns` (r:1 w:1)
    // Proof: `Allocation::Turns` (`max_values`: Some(1), `max_size`: Some(17666), added: 18161, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Timing::Durations` (r:1 w:0)
    // Proof: `Timing::Durations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:0)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    fn stop_idle() -> Weight {
        Weight::from_parts(257_658_000, 21847)
            .saturating_add(T::DbWeight::get().reads(10))
            .saturating_add(T::DbWeight::get().writes(4))
    }

    // Storage: `Allocation::Matching` (r:0 w:1)
    // Proof: `Allocation::Matching` (`max_values`: Some(1), `max_size`: Some(20), added: 515, mode: `MaxEncodedLen`)
    fn set_matching() -> Weight {
        Weight::from_parts(8_301_000, 0).saturating_add(T::DbWeight::get().writes(1))
    }
}

/// For tests.
impl WeightInfo for () {
    fn propose() -> Weight {
        Weight::from_parts(533_597_000, 3712)
            .saturating_add(ParityDbWeight::get().reads(6))
            .saturating_add(ParityDbWeight::get().writes(6))
    }

    fn pledge() -> Weight {
        Weight::from_parts(563_002_000, 19151)
            .saturating_add(ParityDbWeight::get().reads(11))
            .saturating_add(ParityDbWeight::get().writes(9))
    }

    fn withdraw() -> Weight {
        Weight::from_parts(172_555_000, 6196)
            .saturating_add(ParityDbWeight::get().reads(10))
            .saturating_add(ParityDbWeight::get().writes(10))
    }

    fn settle(n: u32) -> Weight {
        Weight::from_parts(1_319_916_393, 29425)
            .saturating_add(Weight::from_parts(76_360_621, 0).saturating_mul(n.into()))
            .saturating_add(ParityDbWeight::get().reads(18))
            .saturating_add(ParityDbWeight::get().reads((3_u64).saturating_mul(n.into())))
            .saturating_add(ParityDbWeight::get().writes(14))
            .saturating_add(Weight::from_parts(0, 10013).saturating_mul(n.into()))
    }

    fn cancel() -> Weight {
        Weight::from_parts(102_621_000, 6196)
            .saturating_add(ParityDbWeight::get().reads(3))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn refund() -> Weight {
        Weight::from_parts(210_506_000, 8799)
            .saturating_add(ParityDbWeight::get().reads(10))
            .saturating_add(ParityDbWeight::get().writes(10))
    }

    fn remove() -> Weight {
        Weight::from_parts(120_046_000, 6196)
            .saturating_add(ParityDbWeight::get().reads(4))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn fund() -> Weight {
        Weight::from_parts(106_318_000, 6196)
            .saturating_add(ParityDbWeight::get().reads(4))
            .saturating_add(ParityDbWeight::get().writes(3))
    }

    fn set_share() -> Weight {
        Weight::from_parts(283_595_000, 19151)
            .saturating_add(ParityDbWeight::get().reads(2))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn pause() -> Weight {
        Weight::from_parts(148_450_000, 19151)
            .saturating_add(ParityDbWeight::get().reads(4))
            .saturating_add(ParityDbWeight::get().writes(2))
    }

    fn resume() -> Weight {
        Weight::from_parts(150_919_000, 19151)
            .saturating_add(ParityDbWeight::get().reads(6))
            .saturating_add(ParityDbWeight::get().writes(3))
    }

    fn stop() -> Weight {
        Weight::from_parts(159_826_000, 21734)
            .saturating_add(ParityDbWeight::get().reads(8))
            .saturating_add(ParityDbWeight::get().writes(3))
    }

    fn stop_idle() -> Weight {
        Weight::from_parts(257_658_000, 21847)
            .saturating_add(ParityDbWeight::get().reads(10))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn set_matching() -> Weight {
        Weight::from_parts(8_301_000, 0).saturating_add(ParityDbWeight::get().writes(1))
    }
}
