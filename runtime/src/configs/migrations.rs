//! MultiBlockMigrations: changes of storage that do not fit into one block.

use super::system::RuntimeBlockWeights;
use crate::{Runtime, RuntimeEvent};
use frame_support::{
    migrations::FreezeChainOnFailedMigration, parameter_types, traits::ConstU32, weights::Weight,
};
use sp_runtime::Perbill;

/// The migrations of the next release, none so far.
#[cfg(not(feature = "runtime-benchmarks"))]
pub type Migrations = ();
/// Benchmarks bring their own.
#[cfg(feature = "runtime-benchmarks")]
pub type Migrations = pallet_migrations::mock_helpers::MockedMigrations;

parameter_types! {
    pub MaxServiceWeight: Weight = Perbill::from_percent(80) * RuntimeBlockWeights::get().max_block;
}

impl pallet_migrations::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type Migrations = Migrations;
    type CursorMaxLen = ConstU32<65_536>;
    type IdentifierMaxLen = ConstU32<256>;
    type MigrationStatusHandler = ();
    // Safe mode would let the protocol's calls work on half-migrated storage: better no transaction at all.
    type FailedMigrationHandler = FreezeChainOnFailedMigration;
    type MaxServiceWeight = MaxServiceWeight;
    type WeightInfo = pallet_migrations::weights::SubstrateWeight<Runtime>;
}
