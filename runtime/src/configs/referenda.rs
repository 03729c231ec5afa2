//! Referenda: proposals, their tracks and their clocks.

use super::treasury::ToTreasuryLegacy;
use crate::{
    AccountId, Balance, Balances, BlockNumber, Preimage, Runtime, RuntimeCall, RuntimeEvent, Scheduler,
    System,
    constants::bonds,
    governance::{RootOrEmergencyCanceller, Tracks},
};
use frame_support::{
    parameter_types,
    traits::{AsEnsureOriginWithArg, ConstU32, ConstU128},
};
use frame_system::{EnsureRoot, EnsureSigned};

parameter_types! {
    /// Blocks after which a referendum that nobody backed with a decision deposit can be cleared away.
    pub UndecidingTimeout: BlockNumber =
        pallet_sabha_timing::Pallet::<Runtime>::durations().referendum.decide.saturating_mul(2);
}

impl pallet_referenda::Config for Runtime {
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_referenda::weights::SubstrateWeight<Runtime>;
    type Scheduler = Scheduler;
    type Currency = Balances;
    type SubmitOrigin = AsEnsureOriginWithArg<EnsureSigned<AccountId>>;
    type CancelOrigin = RootOrEmergencyCanceller;
    // Killing also takes the deposits: not for the quick track.
    type KillOrigin = EnsureRoot<AccountId>;
    type Slash = ToTreasuryLegacy;
    type Votes = Balance;
    type Tally = pallet_conviction_voting::TallyOf<Runtime>;
    type SubmissionDeposit = ConstU128<{ bonds::PROPOSAL }>;
    type MaxQueued = ConstU32<100>;
    type UndecidingTimeout = UndecidingTimeout;
    type AlarmInterval = ConstU32<1>;
    type Tracks = Tracks;
    type Preimages = Preimage;
    type BlockNumberProvider = System;
}
