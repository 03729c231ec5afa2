//! Training: workers, runs, slots and results.

use crate::{
    Balances, Runtime, RuntimeHoldReason,
    constants::{bonds, limits, pots},
    governance::RootOrComputeAllocator,
};
use frame_support::{
    PalletId, parameter_types,
    traits::{ConstU32, ConstU128},
};

parameter_types! {
    pub const TrainingPalletId: PalletId = pots::TRAINING;
}

impl pallet_sabha_training::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type ActiveBlocks = pallet_sabha_timing::ActiveBlocksNow<Runtime>;
    type Window = pallet_sabha_timing::Window<Runtime>;
    // Who is to make its result available within this time must have had at least as much for making it: two downloads, two
    // finalised blocks. Seconds of training may be enough for a small model on a development chain.
    type MinTraining = pallet_sabha_timing::Availability<Runtime>;
    type MaxWindows = ConstU32<{ limits::MAX_CLOCK_WINDOWS }>;
    type Unbonding = pallet_sabha_timing::Unbonding<Runtime>;
    type AllocatorOrigin = RootOrComputeAllocator;
    type Randomness = pallet_babe::RandomnessFromOneEpochAgo<Runtime>;
    type MinStake = ConstU128<{ bonds::WORKER }>;
    type MaxEndpointLen = ConstU32<{ limits::MAX_ENDPOINT_LEN }>;
    type MaxUnfinalised = ConstU32<{ limits::MAX_UNFINALISED }>;
    type MaxRuns = ConstU32<{ limits::MAX_RUNS }>;
    type PalletId = TrainingPalletId;
    type WeightInfo = pallet_sabha_training::weights::SubstrateWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Clock;
}

/// Lets benchmarks turn the protocol's clock.
#[cfg(feature = "runtime-benchmarks")]
pub struct Clock;

#[cfg(feature = "runtime-benchmarks")]
impl pallet_sabha_training::BenchmarkHelper for Clock {
    fn set_active_blocks(now: u32) {
        pallet_sabha_timing::ActiveBlocks::<Runtime>::put(now);
    }
}
