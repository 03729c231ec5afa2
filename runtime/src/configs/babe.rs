//! BABE: who may make a block in which slot.

use crate::{Historical, Offences, Runtime, Session, constants::limits::MAX_VALIDATORS};
use frame_support::traits::{ConstU32, Get};
use sp_consensus_babe::{AllowedSlots, BabeEpochConfiguration};

/// A quarter of the slots has a primary author; the others fall to a secondary one, so that every slot can have a
/// block. Only primary authors' VRF outputs feed the randomness.
pub const EPOCH_CONFIG: BabeEpochConfiguration =
    BabeEpochConfiguration { c: (1, 4), allowed_slots: AllowedSlots::PrimaryAndSecondaryVRFSlots };

/// For how many blocks a report of equivocation stays valid in the pool: as long as the offender can be reached.
pub struct ReportLongevity;

impl Get<u64> for ReportLongevity {
    fn get() -> u64 {
        <pallet_sabha_timing::Unbonding<Runtime> as Get<u32>>::get().into()
    }
}

impl pallet_babe::Config for Runtime {
    type EpochDuration = pallet_sabha_timing::EpochDuration<Runtime>;
    type ExpectedBlockTime = pallet_sabha_timing::SlotDurationMs<Runtime>;
    type EpochChangeTrigger = pallet_babe::ExternalTrigger;
    type DisabledValidators = Session;
    type WeightInfo = ();
    type MaxAuthorities = ConstU32<MAX_VALIDATORS>;
    type MaxNominators = ConstU32<0>;
    type KeyOwnerProof = sp_session::MembershipProof;
    type EquivocationReportSystem =
        pallet_babe::EquivocationReportSystem<Self, Offences, Historical, ReportLongevity>;
}
