//! ConvictionVoting: votes weighted by tokens and by how long they are locked.

use crate::{AccountId, Balances, Referenda, Runtime, RuntimeEvent, System};
use frame_support::traits::{ConstU32, tokens::currency::ActiveIssuanceOf};

impl pallet_conviction_voting::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_conviction_voting::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    type Polls = Referenda;
    type MaxTurnout = ActiveIssuanceOf<Balances, AccountId>;
    type MaxVotes = ConstU32<512>;
    type VoteLockingPeriod = pallet_sabha_timing::VoteLocking<Runtime>;
    type BlockNumberProvider = System;
    type VotingHooks = ();
}
