//! Session: whose keys count during an epoch. Setting keys takes a proof of possession and a deposit.

use crate::{
    AccountId, Babe, Balance, Balances, Runtime, RuntimeEvent, SessionKeys, Validators,
    constants::currency::deposit,
};
use frame_support::parameter_types;
use pallet_session::historical::NoteHistoricalRoot;
use sp_runtime::traits::{ConvertInto, OpaqueKeys};

parameter_types! {
    // The keys themselves, and one entry per key that names its owner.
    pub const KeyDeposit: Balance = deposit(3, 96 + 2 * 68);
}

impl pallet_session::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type ValidatorId = AccountId;
    type ValidatorIdOf = ConvertInto;
    type ShouldEndSession = Babe;
    type NextSessionRotation = Babe;
    type SessionManager = NoteHistoricalRoot<Self, Validators>;
    type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
    type Keys = SessionKeys;
    type DisablingStrategy = pallet_sabha_validators::DisableOffenders;
    type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    type KeyDeposit = KeyDeposit;
}
