//! Bounties: work that the treasury pays for, overseen by a curator.

use super::treasury::ToTreasuryLegacy;
use crate::{
    AccountId, Balance, Balances, BlockNumber, ChildBounties, Runtime, RuntimeEvent, UNITS,
    constants::currency::deposit,
};
use frame_support::{
    parameter_types,
    traits::{ConstU32, Get},
};
use pallet_bounties::TransferFungible;
use sp_runtime::Permill;

parameter_types! {
    pub const BountyDepositBase: Balance = 10 * UNITS;
    pub const DataDepositPerByte: Balance = deposit(0, 1);
    pub const BountyValueMinimum: Balance = 10 * UNITS;
    pub const CuratorDepositMultiplier: Permill = Permill::from_percent(50);
    pub const CuratorDepositMin: Option<Balance> = Some(UNITS);
    pub const CuratorDepositMax: Option<Balance> = Some(1_000 * UNITS);
    /// Blocks between an award and its payout, in which it can still be called off.
    pub BountyPayoutDelay: BlockNumber = <pallet_sabha_timing::Window<Runtime> as Get<BlockNumber>>::get();
    /// Blocks within which a curator must show life: six months on the live chain.
    pub BountyUpdatePeriod: BlockNumber =
        <pallet_sabha_timing::Unbonding<Runtime> as Get<BlockNumber>>::get().saturating_mul(13);
}

impl pallet_bounties::Config for Runtime {
    type BountyDepositBase = BountyDepositBase;
    type BountyDepositPayoutDelay = BountyPayoutDelay;
    type BountyUpdatePeriod = BountyUpdatePeriod;
    type CuratorDepositMultiplier = CuratorDepositMultiplier;
    type CuratorDepositMax = CuratorDepositMax;
    type CuratorDepositMin = CuratorDepositMin;
    type BountyValueMinimum = BountyValueMinimum;
    type DataDepositPerByte = DataDepositPerByte;
    type RuntimeEvent = RuntimeEvent;
    type MaximumReasonLength = ConstU32<16_384>;
    type WeightInfo = pallet_bounties::weights::SubstrateWeight<Runtime>;
    type ChildBountyManager = ChildBounties;
    type OnSlash = ToTreasuryLegacy;
    type TransferAllAssets = TransferFungible<AccountId, Balances>;
}
