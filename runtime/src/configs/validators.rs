//! Validators: who makes blocks, and what equivocation costs.

use crate::{Runtime, governance::RootOrValidatorManager};

impl pallet_sabha_validators::Config for Runtime {
    type ManagerOrigin = RootOrValidatorManager;
    type ReportSessions = pallet_sabha_timing::UnbondingSessions<Runtime>;
    type WeightInfo = pallet_sabha_validators::weights::SubstrateWeight<Runtime>;
}
