//! Proxy: accounts that act for others, within limits.

use crate::{Balance, Balances, Runtime, RuntimeCall, RuntimeEvent, System, constants::currency::deposit};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
    parameter_types,
    traits::{ConstU32, InstanceFilter},
};
use scale_info::TypeInfo;
use sp_runtime::traits::BlakeTwo256;

parameter_types! {
    // One item; an address, a kind and a delay.
    pub const ProxyDepositBase: Balance = deposit(1, 8);
    pub const ProxyDepositFactor: Balance = deposit(0, 37);
    pub const AnnouncementDepositBase: Balance = deposit(1, 8);
    pub const AnnouncementDepositFactor: Balance = deposit(0, 68);
}

/// What a proxy may do for its owner.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum ProxyType {
    /// Everything.
    #[default]
    #[codec(index = 0)]
    Any,
    /// Everything that moves no tokens.
    #[codec(index = 1)]
    NonTransfer,
    /// Votes, referenda, bounties.
    #[codec(index = 2)]
    Governance,
    /// Session keys and the validator's record.
    #[codec(index = 3)]
    Validation,
    /// Workers, runs and disputes.
    #[codec(index = 4)]
    Compute,
    /// Judging identities.
    #[codec(index = 5)]
    IdentityJudgement,
    /// Rejecting announced calls of other proxies.
    #[codec(index = 6)]
    CancelProxy,
    /// Judging data: seals and votes, and being in the draw.
    #[codec(index = 7)]
    Curation,
}

impl InstanceFilter<RuntimeCall> for ProxyType {
    fn filter(&self, call: &RuntimeCall) -> bool {
        match self {
            Self::Any => true,
            Self::NonTransfer => !matches!(
                call,
                RuntimeCall::Balances(_)
                    | RuntimeCall::Treasury(_)
                    // These take money from the owner, or name who is paid.
                    | RuntimeCall::Training(
                        pallet_sabha_training::Call::register { .. }
                            | pallet_sabha_training::Call::add_stake { .. }
                            | pallet_sabha_training::Call::update_worker { .. }
                            | pallet_sabha_training::Call::top_up_run { .. }
                    )
                    | RuntimeCall::RewardPool(
                        pallet_sabha_reward_pool::Call::transfer_shares { .. }
                            | pallet_sabha_reward_pool::Call::set_payout { .. }
                            | pallet_sabha_reward_pool::Call::deposit { .. }
                    )
                    | RuntimeCall::Datasets(
                        pallet_sabha_datasets::Call::register_dataset { .. }
                            | pallet_sabha_datasets::Call::donate { .. }
                            | pallet_sabha_datasets::Call::commit_claim { .. }
                            | pallet_sabha_datasets::Call::reveal_claim { .. }
                            | pallet_sabha_datasets::Call::register_curator { .. }
                            | pallet_sabha_datasets::Call::add_curator_stake { .. }
                            | pallet_sabha_datasets::Call::appeal { .. }
                    )
                    | RuntimeCall::Allocation(
                        pallet_sabha_allocation::Call::propose { .. }
                            | pallet_sabha_allocation::Call::pledge { .. }
                    )
                    | RuntimeCall::Models(pallet_sabha_models::Call::pay { .. })
                    // Puts the owner's money at risk.
                    | RuntimeCall::Disputes(pallet_sabha_disputes::Call::challenge { .. })
            ),
            Self::Governance => matches!(
                call,
                RuntimeCall::Preimage(_)
                    | RuntimeCall::Referenda(_)
                    | RuntimeCall::ConvictionVoting(_)
                    | RuntimeCall::Whitelist(_)
                    | RuntimeCall::Treasury(_)
                    | RuntimeCall::Bounties(_)
                    | RuntimeCall::ChildBounties(_)
                    | RuntimeCall::Utility(_)
            ),
            Self::Validation => {
                matches!(call, RuntimeCall::Session(_) | RuntimeCall::Validators(_) | RuntimeCall::Utility(_))
            }
            Self::Compute => {
                matches!(call, RuntimeCall::Training(_) | RuntimeCall::Disputes(_) | RuntimeCall::Utility(_))
            }
            Self::IdentityJudgement => matches!(
                call,
                RuntimeCall::Identity(pallet_identity::Call::provide_judgement { .. })
                    | RuntimeCall::Utility(_)
            ),
            Self::CancelProxy => {
                matches!(call, RuntimeCall::Proxy(pallet_proxy::Call::reject_announcement { .. }))
            }
            Self::Curation => matches!(
                call,
                RuntimeCall::Datasets(
                    pallet_sabha_datasets::Call::seal_vote { .. }
                        | pallet_sabha_datasets::Call::reveal_vote { .. }
                        | pallet_sabha_datasets::Call::poke { .. }
                        | pallet_sabha_datasets::Call::ready_curator { .. }
                        | pallet_sabha_datasets::Call::drain_curator { .. }
                ) | RuntimeCall::Utility(_)
            ),
        }
    }

    fn is_superset(&self, other: &Self) -> bool {
        match (self, other) {
            (own, other) if own == other => true,
            (Self::Any, _) => true,
            (_, Self::Any) => false,
            // Treasury, training and disputes calls may move tokens: only these kinds cannot.
            (
                Self::NonTransfer,
                Self::Validation | Self::IdentityJudgement | Self::CancelProxy | Self::Curation,
            ) => true,
            _ => false,
        }
    }
}

impl pallet_proxy::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type Currency = Balances;
    type ProxyType = ProxyType;
    type ProxyDepositBase = ProxyDepositBase;
    type ProxyDepositFactor = ProxyDepositFactor;
    type MaxProxies = ConstU32<32>;
    type WeightInfo = pallet_proxy::weights::SubstrateWeight<Runtime>;
    type MaxPending = ConstU32<32>;
    type CallHasher = BlakeTwo256;
    type AnnouncementDepositBase = AnnouncementDepositBase;
    type AnnouncementDepositFactor = AnnouncementDepositFactor;
    type BlockNumberProvider = System;
}
