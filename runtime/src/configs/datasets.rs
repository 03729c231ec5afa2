//! Datasets: claims of data, and the curators who judge them.

use super::{reward_pool::StoragePrice, training::CurrentSession};
use crate::{
    AccountId, Balances, RewardPool, Runtime, RuntimeHoldReason, Training,
    constants::{bonds, pots},
    governance::RootOrDatasetArbiter,
};
use frame_support::{
    PalletId, parameter_types,
    traits::{ConstU128, fungible::HoldConsideration},
};

parameter_types! {
    pub const DatasetsPalletId: PalletId = pots::DATASETS;
    pub const DatasetsHoldReason: RuntimeHoldReason =
        RuntimeHoldReason::Datasets(pallet_sabha_datasets::HoldReason::Storage);
}

impl pallet_sabha_datasets::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Pools = RewardPool;
    type Consideration = HoldConsideration<AccountId, Balances, DatasetsHoldReason, StoragePrice>;
    type ArbiterOrigin = RootOrDatasetArbiter;
    type ActiveBlocks = pallet_sabha_timing::ActiveBlocksNow<Runtime>;
    type Session = CurrentSession;
    type Words = Training;
    type Availability = pallet_sabha_timing::Availability<Runtime>;
    // A sample is fetched and looked at, as a segment is executed.
    type VoteSeals = pallet_sabha_timing::AuditSeals<Runtime>;
    type Window = pallet_sabha_timing::Window<Runtime>;
    // Data is served, and a claimant's bond and pay wait, as long as a stake does.
    type Retention = pallet_sabha_timing::Unbonding<Runtime>;
    type AppealTime = pallet_sabha_timing::AppealTime<Runtime>;
    type Unbonding = pallet_sabha_timing::Unbonding<Runtime>;
    type MinStake = ConstU128<{ bonds::CURATOR }>;
    type SeatStake = ConstU128<{ bonds::CURATOR_SEAT }>;
    type SeatPay = ConstU128<{ bonds::CURATOR_PAY }>;
    type AppealBond = ConstU128<{ bonds::APPEAL }>;
    type PalletId = DatasetsPalletId;
    type WeightInfo = pallet_sabha_datasets::weights::SubstrateWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = super::training::Clock;
}

#[cfg(feature = "runtime-benchmarks")]
impl pallet_sabha_datasets::BenchmarkHelper for super::training::Clock {
    fn set_active_blocks(now: u32) {
        pallet_sabha_timing::ActiveBlocks::<Runtime>::put(now);
    }

    fn set_session(session: u32) {
        pallet_session::CurrentIndex::<Runtime>::put(session);
    }

    fn set_word(session: u32, word: sabha_protocol::draw::Word) {
        let words = alloc::vec![(session, word)];
        pallet_sabha_training::Words::<Runtime>::put(frame_support::BoundedVec::truncate_from(words));
    }
}
