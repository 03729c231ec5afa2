//! Whitelist: two votes instead of one slow one. EmergencyCanceller names the hash of an urgent call; a referendum on
//! the WhitelistedCaller track then dispatches it as Root.

use crate::{
    Preimage, Runtime, RuntimeCall, RuntimeEvent, System,
    governance::{RootOrEmergencyCanceller, RootOrWhitelistedCaller},
};

impl pallet_whitelist::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type WhitelistOrigin = RootOrEmergencyCanceller;
    type DispatchWhitelistedOrigin = RootOrWhitelistedCaller;
    type Preimages = Preimage;
    // Long enough for the second of the two votes.
    type DeferredDispatchExpiration = super::referenda::UndecidingTimeout;
    type BlockNumberProvider = System;
    type WeightInfo = pallet_whitelist::weights::SubstrateWeight<Runtime>;
}
