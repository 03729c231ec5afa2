//! Disputes: games about results.

use crate::{
    Runtime,
    constants::{bonds, limits},
};
use frame_support::traits::{ConstU16, ConstU128};

impl pallet_sabha_disputes::Config for Runtime {
    type Bond = ConstU128<{ bonds::CHALLENGE }>;
    type MaxChallenges = ConstU16<{ limits::MAX_CHALLENGES }>;
    type WeightInfo = pallet_sabha_disputes::weights::SubstrateWeight<Runtime>;
}
