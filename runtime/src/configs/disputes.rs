//! Disputes: games about results.

use crate::{
    Datasets, Runtime,
    constants::{bonds, limits},
};
use frame_support::traits::{ConstU16, ConstU128};

impl pallet_sabha_disputes::Config for Runtime {
    type Bond = ConstU128<{ bonds::CHALLENGE }>;
    type MaxChallenges = ConstU16<{ limits::MAX_CHALLENGES }>;
    type Sources = Datasets;
    type WeightInfo = pallet_sabha_disputes::weights::SubstrateWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Registry;
}

/// Lets benchmarks have data accepted.
#[cfg(feature = "runtime-benchmarks")]
pub struct Registry;

#[cfg(feature = "runtime-benchmarks")]
impl pallet_sabha_disputes::BenchmarkHelper for Registry {
    fn accept(root: sabha_protocol::Digest, bytes: u64) {
        let claimant = crate::AccountId::new([0; 32]);
        let accepted = pallet_sabha_datasets::Accepted { dataset: 0, claimant, units: 1, bytes };
        pallet_sabha_datasets::AcceptedRoots::<Runtime>::insert(root, accepted);
    }
}
