//! Training: workers, runs, rounds, audits.

use crate::{
    Allocation, Balances, Disputes, RewardPool, Runtime, RuntimeHoldReason, Session,
    constants::{block, bonds, limits, pots},
    governance::RootOrComputeAllocator,
};
use frame_support::{
    PalletId, parameter_types,
    traits::{ConstU32, ConstU128, Get},
    weights::Weight,
};

parameter_types! {
    pub const TrainingPalletId: PalletId = pots::TRAINING;
    pub TrainingWork: Weight = Weight::from_parts(
        limits::TRAINING_WORK * block::MAXIMUM_WEIGHT.ref_time(),
        limits::TRAINING_WORK * block::MAXIMUM_WEIGHT.proof_size(),
    );
}

/// The session that the block is in.
pub struct CurrentSession;

impl Get<u32> for CurrentSession {
    fn get() -> u32 {
        Session::current_index()
    }
}

impl pallet_sabha_training::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type ActiveBlocks = pallet_sabha_timing::ActiveBlocksNow<Runtime>;
    type Session = CurrentSession;
    // In session s this is what the blocks of session s - 1 gathered: nobody knew it before that one began.
    type Randomness = pallet_babe::RandomnessFromOneEpochAgo<Runtime>;
    type Window = pallet_sabha_timing::Window<Runtime>;
    // Who is to make its result available within this time must have had at least as much for making it: two downloads, two
    // finalised blocks. Seconds of training may be enough for a small model on a development chain.
    type Availability = pallet_sabha_timing::Availability<Runtime>;
    type AuditSeals = pallet_sabha_timing::AuditSeals<Runtime>;
    type ChessClock = pallet_sabha_timing::ChessClock<Runtime>;
    type MaxWindows = ConstU32<{ limits::MAX_CLOCK_WINDOWS }>;
    type Unbonding = pallet_sabha_timing::Unbonding<Runtime>;
    // Long enough to be out of several rounds, never longer than unbonding.
    type Jail = pallet_sabha_timing::Window<Runtime>;
    type AllocatorOrigin = RootOrComputeAllocator;
    type Disagreements = Disputes;
    type Scheduler = Allocation;
    type Pools = RewardPool;
    type MinStake = ConstU128<{ bonds::WORKER }>;
    type MaxEndpointLen = ConstU32<{ limits::MAX_ENDPOINT_LEN }>;
    type MaxRuns = ConstU32<{ limits::MAX_RUNS }>;
    type WorkWeight = TrainingWork;
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

    fn set_session(session: u32) {
        pallet_session::CurrentIndex::<Runtime>::put(session);
    }
}
