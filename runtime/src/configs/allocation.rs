//! Allocation: proposals, matching, shares, whose turn it is.

use super::dap;
use crate::{
    AccountId, BlockNumber, Models, Runtime,
    constants::{bonds, limits, matching, pots},
};
use frame_support::{
    PalletId, parameter_types,
    traits::{ConstU32, ConstU128, Contains, Get},
};
use pallet_identity::{IdentityOf, Judgement};
use sabha_protocol::allocation::MatchingTerms;
use sp_staking::budget::BudgetRecipient;

parameter_types! {
    pub const AllocationPalletId: PalletId = pots::ALLOCATION;
    pub MatchingPot: AccountId = dap::ToMatching::pot_account();
    pub const Terms: MatchingTerms =
        MatchingTerms { most_of_pot: matching::MOST_OF_POT, most: matching::MOST };
    /// The longest time for pledges: four weeks on the live chain.
    pub MaxFunding: BlockNumber =
        <pallet_sabha_timing::Unbonding<Runtime> as Get<BlockNumber>>::get().saturating_mul(2);
    /// For how long nothing must happen in a run before anybody may stop it: four weeks on the live chain.
    pub Idle: BlockNumber = MaxFunding::get();
    // Two sessions are what a draw waits for, two downloads what it takes from the last slot to the next checkpoint.
    /// How long a run's place is reserved while it waits for its next round.
    pub Patience: BlockNumber = {
        let epoch: u64 = pallet_sabha_timing::EpochDuration::<Runtime>::get();
        let fetch: BlockNumber = pallet_sabha_timing::Availability::<Runtime>::get();
        u32::try_from(epoch).unwrap_or(BlockNumber::MAX).saturating_add(fetch).saturating_mul(2)
    };
}

/// Accounts whose identity a registrar found reasonable, or knows.
pub struct Judged;

impl Contains<AccountId> for Judged {
    fn contains(who: &AccountId) -> bool {
        let is_good =
            |judgement: &Judgement<_>| matches!(judgement, Judgement::Reasonable | Judgement::KnownGood);
        IdentityOf::<Runtime>::get(who)
            .is_some_and(|identity| identity.judgements.iter().any(|(_, judgement)| is_good(judgement)))
    }
}

impl pallet_sabha_allocation::Config for Runtime {
    type Judged = Judged;
    type Parents = Models;
    type MatchingPot = MatchingPot;
    type MatchingTerms = Terms;
    type Deposit = ConstU128<{ bonds::PROPOSAL }>;
    type MinPledge = ConstU128<{ matching::LEAST_PLEDGE }>;
    type MaxFunding = MaxFunding;
    type Patience = Patience;
    type Idle = Idle;
    type MaxTitleLen = ConstU32<{ limits::MAX_TITLE_LEN }>;
    type MaxCount = ConstU32<{ limits::MAX_COUNT }>;
    type PalletId = AllocationPalletId;
    type WeightInfo = pallet_sabha_allocation::weights::SubstrateWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Vouch;
}

/// Lets benchmarks vouch for accounts.
#[cfg(feature = "runtime-benchmarks")]
pub struct Vouch;

#[cfg(feature = "runtime-benchmarks")]
impl pallet_sabha_allocation::BenchmarkHelper<AccountId> for Vouch {
    fn judge(who: &AccountId) {
        use pallet_identity::{IdentityInformationProvider, Registration, legacy::IdentityInfo};

        let judgements = (0..20).map(|registrar| (registrar, Judgement::Reasonable));
        let judgements = judgements.collect::<alloc::vec::Vec<_>>();
        let info = IdentityInfo::create_identity_info();
        let judgements = frame_support::BoundedVec::truncate_from(judgements);
        IdentityOf::<Runtime>::insert(who, Registration { judgements, deposit: 0, info });
    }
}
