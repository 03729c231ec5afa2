//! TransactionPayment: what a transaction costs, and who gets it.

use super::treasury::ToTreasury;
use crate::{AccountId, Authorship, Balance, Balances, Runtime, RuntimeEvent, constants::fees};
use frame_support::{
    parameter_types,
    traits::{
        ConstU8, Imbalance, OnUnbalanced,
        fungible::{Balanced, Credit},
    },
    weights::{Weight, WeightToFee as WeightToFeeT, constants::WEIGHT_REF_TIME_PER_MICROS},
};
use pallet_transaction_payment::{FungibleAdapter, Multiplier, TargetedFeeAdjustment};
use sp_runtime::{FixedPointNumber, Perquintill, traits::Bounded};

/// The fee for a weight: its reference time, rounded down to a planck.
pub struct WeightToFee;

impl WeightToFeeT for WeightToFee {
    type Balance = Balance;

    fn weight_to_fee(weight: &Weight) -> Balance {
        Balance::from(weight.ref_time()).saturating_mul(fees::PER_MICROSECOND)
            / Balance::from(WEIGHT_REF_TIME_PER_MICROS)
    }
}

/// The fee for a transaction's length, which the payment pallet hands over as a weight's reference time.
pub struct LengthToFee;

impl WeightToFeeT for LengthToFee {
    type Balance = Balance;

    fn weight_to_fee(length: &Weight) -> Balance {
        Balance::from(length.ref_time()).saturating_mul(fees::PER_BYTE)
    }
}

/// Fees: a share to the treasury, the rest to the author of the block. Tips: all to the author.
pub struct FeeSplit;

impl FeeSplit {
    fn pay_author(credit: Credit<AccountId, Balances>) {
        // A credit that is dropped lowers the issuance. An author without an account cannot take a small one, and a
        // block under test may have no author: the treasury takes what nobody else can.
        let rest = match Authorship::author() {
            Some(author) => Balances::resolve(&author, credit).err(),
            None => Some(credit),
        };
        if let Some(credit) = rest {
            ToTreasury::on_unbalanced(credit);
        }
    }
}

impl OnUnbalanced<Credit<AccountId, Balances>> for FeeSplit {
    fn on_unbalanceds(mut credits: impl Iterator<Item = Credit<AccountId, Balances>>) {
        let Some(fee) = credits.next() else { return };
        let to_treasury = fees::TREASURY_SHARE * fee.peek();
        let (to_treasury, mut to_author) = fee.split(to_treasury);
        if let Some(tip) = credits.next() {
            tip.merge_into(&mut to_author);
        }
        ToTreasury::on_unbalanced(to_treasury);
        if to_author.peek() > 0 {
            Self::pay_author(to_author);
        }
    }
}

parameter_types! {
    pub TargetBlockFullness: Perquintill =
        Perquintill::from_percent(fees::TARGET_FULLNESS_PERCENT.into());
    /// How fast fees follow the load: a full day of full blocks multiplies them by about 20.
    pub AdjustmentVariable: Multiplier = Multiplier::saturating_from_rational(75, 1_000_000);
    pub MinimumMultiplier: Multiplier = Multiplier::from_u32(1);
    pub MaximumMultiplier: Multiplier = Bounded::max_value();
}

impl pallet_transaction_payment::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type OnChargeTransaction = FungibleAdapter<Balances, FeeSplit>;
    type WeightToFee = WeightToFee;
    type LengthToFee = LengthToFee;
    type FeeMultiplierUpdate = TargetedFeeAdjustment<
        Self,
        TargetBlockFullness,
        AdjustmentVariable,
        MinimumMultiplier,
        MaximumMultiplier,
    >;
    type OperationalFeeMultiplier = ConstU8<{ fees::OPERATIONAL_MULTIPLIER }>;
    type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}
