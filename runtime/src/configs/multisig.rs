//! Multisig: calls that several accounts must agree on.

use crate::{Balance, Balances, Runtime, RuntimeCall, RuntimeEvent, System, constants::currency::deposit};
use frame_support::{parameter_types, traits::ConstU32};

parameter_types! {
    // One item; a hash, a call index and the depositor.
    pub const DepositBase: Balance = deposit(1, 88);
    // For each approver.
    pub const DepositFactor: Balance = deposit(0, 32);
}

impl pallet_multisig::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type Currency = Balances;
    type DepositBase = DepositBase;
    type DepositFactor = DepositFactor;
    type MaxSignatories = ConstU32<100>;
    type WeightInfo = pallet_multisig::weights::SubstrateWeight<Runtime>;
    type BlockNumberProvider = System;
}
