//! Timestamp: milliseconds since 1970, set by an inherent in every block.

use crate::{Babe, Runtime};

impl pallet_timestamp::Config for Runtime {
    type Moment = u64;
    type OnTimestampSet = Babe;
    type MinimumPeriod = pallet_sabha_timing::MinimumPeriod<Runtime>;
    type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}
