//! Balances: the token.

use super::treasury::ToTreasury;
use crate::{
    Balance, Runtime, RuntimeEvent, RuntimeFreezeReason, RuntimeHoldReason, System, constants::currency,
};
use frame_support::traits::{ConstU32, ConstU128, VariantCountOf};

impl pallet_balances::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeHoldReason = RuntimeHoldReason;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
    type Balance = Balance;
    type DustRemoval = ToTreasury;
    type ExistentialDeposit = ConstU128<{ currency::EXISTENTIAL_DEPOSIT }>;
    type AccountStore = System;
    type ReserveIdentifier = [u8; 8];
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxLocks = ConstU32<50>;
    type MaxReserves = ConstU32<50>;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
    type DoneSlashHandler = ();
}
