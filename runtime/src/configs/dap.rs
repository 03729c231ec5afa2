//! Dap: mints new tokens and shares them out.
//!
//! The rate is a share of the supply **at genesis**: 8 % a year, halved every four years, never under 1 %. So the
//! schedule is known in advance, and neither penalties nor burns change it. Both reference points come from the chain
//! itself: [`GenesisSupply`] is written when the genesis state is built, the first slot by BABE in block 1.

use crate::{
    AccountId, Babe, Balance, Balances, Runtime, Timestamp, Treasury,
    constants::{issuance, pots},
    governance::RootOrParameterAdmin,
};
use alloc::collections::BTreeMap;
use core::marker::PhantomData;
use frame_support::{
    PalletId, parameter_types,
    traits::{ConstU64, Get},
    weights::Weight,
};
use sp_runtime::{Perbill, traits::AccountIdConversion};
use sp_staking::budget::{BudgetKey, BudgetRecipient, IssuanceCurve};

parameter_types! {
    /// How many plancks there were at genesis.
    pub storage GenesisSupply: Balance = issuance::LIVE_SUPPLY;
    pub const DapPalletId: PalletId = sp_dap::DAP_PALLET_ID;
}

/// New tokens for a period, by [`rate`] at its end.
pub struct Curve;

impl IssuanceCurve<Balance> for Curve {
    fn issue(_total_issuance: Balance, elapsed_millis: u64) -> Balance {
        let genesis_ms = (*Babe::genesis_slot())
            .saturating_mul(<pallet_sabha_timing::SlotDurationMs<Runtime> as Get<u64>>::get());
        let age_ms = pallet_timestamp::Now::<Runtime>::get().saturating_sub(genesis_ms);
        issue(GenesisSupply::get(), age_ms, elapsed_millis)
    }
}

/// The yearly rate when the chain is `age_ms` milliseconds old.
pub fn rate(age_ms: u64) -> Perbill {
    let halvings = age_ms / (issuance::HALVING_YEARS * issuance::YEAR_MS);
    let parts = u32::try_from(halvings)
        .ok()
        .and_then(|halvings| issuance::FIRST_RATE.deconstruct().checked_shr(halvings))
        .unwrap_or(0);
    Perbill::from_parts(parts).max(issuance::FLOOR_RATE)
}

/// What is minted for `elapsed_ms` milliseconds, rounded down.
pub fn issue(genesis_supply: Balance, age_ms: u64, elapsed_ms: u64) -> Balance {
    let yearly = rate(age_ms).mul_floor(genesis_supply);
    yearly.saturating_mul(Balance::from(elapsed_ms)) / Balance::from(issuance::YEAR_MS)
}

/// A pot that new tokens go to, by its pallet id.
macro_rules! recipients {
    ($($(#[$doc:meta])* $name:ident = $key:literal, $pot:expr;)+) => {$(
        $(#[$doc])*
        pub struct $name;

        impl BudgetRecipient<AccountId> for $name {
            fn budget_key() -> BudgetKey {
                BudgetKey::truncate_from($key.to_vec())
            }

            fn pot_account() -> AccountId {
                $pot
            }
        }
    )+};
}

recipients! {
    /// Rewards for making blocks.
    ToValidators = b"validators", pots::VALIDATORS.into_account_truncating();
    /// Payment for accepted data.
    ToDatasets = b"datasets", pots::DATASETS.into_account_truncating();
    /// Quadratic funding.
    ToMatching = b"matching", pots::MATCHING.into_account_truncating();
    /// Payment for judging data.
    ToCurators = b"curators", pots::CURATORS.into_account_truncating();
    /// Whatever governance decides.
    ToTreasury = b"treasury", Treasury::account_id();
}

/// Everybody who can be given a share. The pallet's own `buffer` is none of them: what goes there can never be spent.
pub type Recipients = (ToValidators, ToDatasets, ToMatching, ToCurators, ToTreasury);

/// The split of new tokens at genesis.
pub fn genesis_budget() -> BTreeMap<BudgetKey, Perbill> {
    issuance::BUDGET
        .iter()
        .map(|(key, percent)| (BudgetKey::truncate_from(key.to_vec()), Perbill::from_percent(*percent)))
        .collect()
}

/// The pallet's weights, and what they leave out: the split, the supply and a payment into every pot.
pub struct Weights<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_dap::WeightInfo for Weights<T> {
    fn set_budget_allocation() -> Weight {
        pallet_dap::weights::SubstrateWeight::<T>::set_budget_allocation()
    }

    fn drip_issuance() -> Weight {
        let pots = issuance::BUDGET.len() as u64;
        pallet_dap::weights::SubstrateWeight::<T>::drip_issuance()
            .saturating_add(Weight::from_parts(20_000_000, 0).saturating_mul(pots))
            .saturating_add(T::DbWeight::get().reads_writes(4 + pots, 1 + pots))
    }
}

impl pallet_dap::Config for Runtime {
    type Currency = Balances;
    type PalletId = DapPalletId;
    type IssuanceCurve = Curve;
    type BudgetRecipients = Recipients;
    type Time = Timestamp;
    type IssuanceCadence = ConstU64<{ issuance::CADENCE_MS }>;
    type MaxElapsedPerDrip = ConstU64<{ issuance::MAX_ELAPSED_MS }>;
    type BudgetOrigin = RootOrParameterAdmin;
    type WeightInfo = Weights<Runtime>;
}
