//! Models: the registry, and whom payments reach.

use super::treasury::TreasuryAccount;
use crate::{
    Runtime,
    constants::{limits, pots, revenue},
    governance::RootOrComputeAllocator,
};
use frame_support::{
    PalletId, parameter_types,
    traits::{ConstU32, ConstU128},
};
use sabha_protocol::models::Table;

parameter_types! {
    pub const ModelsPalletId: PalletId = pots::MODELS;
    pub const RevenueTable: Table = Table {
        data: revenue::DATA,
        compute: revenue::COMPUTE,
        backers: revenue::BACKERS,
        parents: revenue::PARENTS,
    };
}

impl pallet_sabha_models::Config for Runtime {
    type Sources = crate::Datasets;
    type RegistryOrigin = RootOrComputeAllocator;
    type Treasury = TreasuryAccount;
    type Table = RevenueTable;
    type MinPayment = ConstU128<{ revenue::LEAST_PAYMENT }>;
    type MaxMetrics = ConstU32<{ limits::MAX_METRICS }>;
    type MaxMetricName = ConstU32<{ limits::MAX_METRIC_NAME }>;
    type PalletId = ModelsPalletId;
    type WeightInfo = pallet_sabha_models::weights::SubstrateWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Accept;
}

/// Lets benchmarks accept data.
#[cfg(feature = "runtime-benchmarks")]
pub struct Accept;

#[cfg(feature = "runtime-benchmarks")]
impl pallet_sabha_models::BenchmarkHelper for Accept {
    fn accept(manifest: sabha_protocol::Digest, dataset: u32, bytes: u64) {
        let claimant = crate::AccountId::new([0; 32]);
        let accepted = pallet_sabha_datasets::Accepted { dataset, claimant, units: 1, bytes };
        pallet_sabha_datasets::AcceptedRoots::<Runtime>::insert(manifest, accepted);
    }
}
