//! GRANDPA: finality.

use super::babe::ReportLongevity;
use crate::{Historical, Offences, Runtime, RuntimeEvent, constants::limits::MAX_VALIDATORS};
use frame_support::traits::{ConstU32, Get};

/// For how many authority sets the session is remembered in which each began: as long as votes in it can be reported.
pub struct MaxSetIdSessionEntries;

impl Get<u64> for MaxSetIdSessionEntries {
    fn get() -> u64 {
        <pallet_sabha_timing::UnbondingSessions<Runtime> as Get<u32>>::get().into()
    }
}

impl pallet_grandpa::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = ();
    type MaxAuthorities = ConstU32<MAX_VALIDATORS>;
    type MaxNominators = ConstU32<0>;
    type MaxSetIdSessionEntries = MaxSetIdSessionEntries;
    type KeyOwnerProof = sp_session::MembershipProof;
    type EquivocationReportSystem =
        pallet_grandpa::EquivocationReportSystem<Self, Offences, Historical, ReportLongevity>;
}
