//! RewardPool: the one ledger of who earned what.

use super::{dap, treasury::TreasuryAccount};
use crate::{
    AccountId, Balance, Balances, Runtime, RuntimeHoldReason,
    constants::{currency::deposit, limits, pots},
};
use frame_support::{
    PalletId, parameter_types,
    traits::{ConstU32, LinearStoragePrice, fungible::HoldConsideration},
};
use sabha_protocol::pool::PoolId;
use sp_runtime::traits::Convert;
use sp_staking::budget::BudgetRecipient;

parameter_types! {
    pub const RewardPoolPalletId: PalletId = pots::REWARD_POOL;
    pub const RewardPoolHoldReason: RuntimeHoldReason =
        RuntimeHoldReason::RewardPool(pallet_sabha_reward_pool::HoldReason::Storage);
    pub const ItemDeposit: Balance = deposit(1, 0);
    pub const ByteDeposit: Balance = deposit(0, 1);
}

/// What an item and a byte of storage cost while they are there.
pub type StoragePrice = LinearStoragePrice<ItemDeposit, ByteDeposit, Balance>;

/// Pots that Dap mints into, and that a pool divides. That of validators fills until they earn shares.
pub struct Sources;

impl Convert<PoolId, Option<AccountId>> for Sources {
    fn convert(pool: PoolId) -> Option<AccountId> {
        match pool {
            PoolId::Validators => Some(dap::ToValidators::pot_account()),
            PoolId::Curators => Some(dap::ToCurators::pot_account()),
            _ => None,
        }
    }
}

impl pallet_sabha_reward_pool::Config for Runtime {
    type Currency = Balances;
    type Sources = Sources;
    type Remainder = TreasuryAccount;
    type Consideration = HoldConsideration<AccountId, Balances, RewardPoolHoldReason, StoragePrice>;
    type MaxBatch = ConstU32<{ limits::MAX_CLAIM_BATCH }>;
    type PalletId = RewardPoolPalletId;
    type WeightInfo = pallet_sabha_reward_pool::weights::SubstrateWeight<Runtime>;
}
