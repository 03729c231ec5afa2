//! Timing: durations from genesis, and the clock of the protocol.

use crate::{Runtime, filters::ProtocolPaused, governance::RootOrParameterAdmin};

impl pallet_sabha_timing::Config for Runtime {
    type AdminOrigin = RootOrParameterAdmin;
    type Paused = ProtocolPaused;
    type WeightInfo = pallet_sabha_timing::weights::SubstrateWeight<Runtime>;
}
