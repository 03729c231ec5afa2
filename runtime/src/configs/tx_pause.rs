//! TxPause: stops single calls.

use crate::{
    Runtime, RuntimeCall, RuntimeEvent, filters::TxPauseExempt, governance::RootOrEmergencyCanceller,
};
use frame_support::traits::ConstU32;

impl pallet_tx_pause::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type PauseOrigin = RootOrEmergencyCanceller;
    type UnpauseOrigin = RootOrEmergencyCanceller;
    type WhitelistedCalls = TxPauseExempt;
    type MaxNameLen = ConstU32<256>;
    type WeightInfo = pallet_tx_pause::weights::SubstrateWeight<Runtime>;
}
