//! Treasury: what belongs to everybody. It burns nothing, and takes fees, dust and forfeited deposits.

use crate::{
    AccountId, Balances, BlockNumber, Bounties, Runtime, RuntimeEvent, System, Treasury,
    constants::pots,
    governance::{RootOrTreasurySpender, TreasurySpend},
};
use core::marker::PhantomData;
use frame_support::{
    PalletId, parameter_types,
    traits::{
        ConstU32, Currency, Get, OnUnbalanced, TypedGet, fungible,
        tokens::{Pay, PaymentStatus, Preservation, UnityAssetBalanceConversion, imbalance::ResolveTo},
    },
};
use sp_runtime::{DispatchError, Permill, traits::IdentityLookup};

parameter_types! {
    pub const TreasuryPalletId: PalletId = pots::TREASURY;
    pub TreasuryAccount: AccountId = Treasury::account_id();
    pub const Burn: Permill = Permill::zero();
    /// Blocks between two payouts of approved bounties: a week on the live chain.
    pub SpendPeriod: BlockNumber = <pallet_sabha_timing::Unbonding<Runtime> as Get<BlockNumber>>::get() / 2;
    /// Blocks within which an approved spend can be claimed: four weeks on the live chain.
    pub PayoutPeriod: BlockNumber =
        <pallet_sabha_timing::Unbonding<Runtime> as Get<BlockNumber>>::get().saturating_mul(2);
}

/// Takes what is left over into the treasury.
pub type ToTreasury = ResolveTo<TreasuryAccount, Balances>;

/// As [`ToTreasury`], for pallets that still use the older currency traits.
pub struct ToTreasuryLegacy;

impl OnUnbalanced<pallet_balances::NegativeImbalance<Runtime>> for ToTreasuryLegacy {
    fn on_nonzero_unbalanced(amount: pallet_balances::NegativeImbalance<Runtime>) {
        Balances::resolve_creating(&Treasury::account_id(), amount);
    }
}

/// Pays from the account `A`, but never its existential deposit: a pot that has been removed could not take small
/// amounts any more, and they would be burnt.
pub struct PayFromPot<F, A>(PhantomData<(F, A)>);

impl<F, A> Pay for PayFromPot<F, A>
where
    A: TypedGet,
    A::Type: Eq,
    F: fungible::Mutate<A::Type>,
{
    type Balance = F::Balance;
    type Beneficiary = A::Type;
    type AssetKind = ();
    type Id = ();
    type Error = DispatchError;

    fn pay(who: &A::Type, _: (), amount: F::Balance) -> Result<(), DispatchError> {
        F::transfer(&A::get(), who, amount, Preservation::Preserve).map(|_| ())
    }

    fn check_payment(_: ()) -> PaymentStatus {
        PaymentStatus::Success
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn ensure_successful(_: &A::Type, _: (), amount: F::Balance) {
        let _ = F::mint_into(&A::get(), amount);
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn ensure_concluded(_: ()) {}
}

impl pallet_treasury::Config for Runtime {
    type Currency = Balances;
    type RejectOrigin = RootOrTreasurySpender;
    type RuntimeEvent = RuntimeEvent;
    type SpendPeriod = SpendPeriod;
    type Burn = Burn;
    type PalletId = TreasuryPalletId;
    type BurnDestination = ();
    type WeightInfo = pallet_treasury::weights::SubstrateWeight<Runtime>;
    type SpendFunds = Bounties;
    type MaxApprovals = ConstU32<100>;
    type SpendOrigin = TreasurySpend;
    type AssetKind = ();
    type Beneficiary = AccountId;
    type BeneficiaryLookup = IdentityLookup<AccountId>;
    type Paymaster = PayFromPot<Balances, TreasuryAccount>;
    type BalanceConverter = UnityAssetBalanceConversion;
    type PayoutPeriod = PayoutPeriod;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = ();
    type BlockNumberProvider = System;
}
