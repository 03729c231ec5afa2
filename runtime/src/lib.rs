//! The state transition function of the Sabha chain.
//!
//! One Wasm serves every chain: what differs between a development chain and the live one (slot length, clocks of
//! referenda, windows) is in the genesis state, kept by the pallet `Timing`. There is no sudo: every privileged call
//! answers to an origin that a referendum can take (see [`governance`]).
//!
//! - [`constants`]: every number that the configurations share.
//! - [`configs`]: one file per pallet configuration.
//! - [`governance`]: origins and referendum tracks.
//! - [`filters`]: which calls the chain refuses, and which ones no pause can reach.
//! - [`genesis`]: the presets `development`, `local_testnet` and `live`.
//! - [`apis`]: the runtime APIs.

#![cfg_attr(not(feature = "std"), no_std)]
// The runtime enum is large by nature.
#![recursion_limit = "512"]

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

extern crate alloc;

pub mod apis;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks;
pub mod configs;
pub mod constants;
pub mod filters;
pub mod genesis;
pub mod governance;

#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use sp_runtime::{
    MultiAddress, MultiSignature, generic,
    traits::{BlakeTwo256, IdentifyAccount, Verify},
};
use sp_version::RuntimeVersion;

#[cfg(feature = "std")]
pub use apis::RuntimeApi;
pub use constants::currency::UNITS;

/// Types that a client may use without knowing what the runtime's calls look like.
pub mod opaque {
    use super::*;

    pub use sp_runtime::OpaqueExtrinsic as UncheckedExtrinsic;

    /// A block header.
    pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
    /// A block whose extrinsics are bytes.
    pub type Block = generic::Block<Header, UncheckedExtrinsic>;
    /// A block's number or hash.
    pub type BlockId = generic::BlockId<Block>;

    sp_runtime::impl_opaque_keys! {
        /// The keys with which a validator signs during a session.
        pub struct SessionKeys {
            /// Block production (sr25519).
            pub babe: Babe,
            /// Finality (ed25519).
            pub grandpa: Grandpa,
        }
    }
}

pub use opaque::SessionKeys;

/// The runtime's version, with `spec_version` as a literal: what the attribute takes.
macro_rules! version {
    ($spec_version:tt) => {
        /// Identifies this runtime; a node runs the Wasm of the chain it follows, never this native one.
        #[sp_version::runtime_version]
        pub const VERSION: RuntimeVersion = RuntimeVersion {
            spec_name: alloc::borrow::Cow::Borrowed("sabha"),
            impl_name: alloc::borrow::Cow::Borrowed("sabha"),
            authoring_version: 1,
            spec_version: $spec_version,
            impl_version: 1,
            apis: apis::RUNTIME_API_VERSIONS,
            transaction_version: 1,
            system_version: 1,
        };
    };
}

// `version!(…);`, with the number in build.rs.
include!(concat!(env!("OUT_DIR"), "/spec_version.rs"));

/// A signature under any scheme that accounts may use.
pub type Signature = MultiSignature;
/// An account: 32 bytes, the public key or its hash.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// An amount in plancks; [`UNITS`] of them are one SBH.
pub type Balance = u128;
/// How many transactions an account has sent.
pub type Nonce = u32;
/// A BLAKE2b-256 hash.
pub type Hash = sp_core::H256;
/// The number of a block.
pub type BlockNumber = u32;
/// How transactions name an account.
pub type Address = MultiAddress<AccountId, ()>;
/// A block header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
/// A block with its justifications.
pub type SignedBlock = generic::SignedBlock<Block>;
/// A block's number or hash.
pub type BlockId = generic::BlockId<Block>;

/// What every signed transaction carries besides its call. The order is part of the transaction format.
pub type TxExtension = (
    frame_system::AuthorizeCall<Runtime>,
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckEra<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
    frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
    frame_system::WeightReclaim<Runtime>,
);

/// A transaction or inherent whose signature has not been checked.
pub type UncheckedExtrinsic = generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;

/// What the signer of a transaction signs.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;

/// Migrations that run once, in the first block of a new runtime. Empty until storage first changes; long ones belong
/// in [`configs::migrations::Migrations`].
pub type Migrations = ();

/// Runs blocks: hooks, inherents, transactions.
pub type Executive = frame_executive::Executive<
    Runtime,
    Block,
    frame_system::ChainContext<Runtime>,
    Runtime,
    AllPalletsWithSystem,
    Migrations,
>;

/// The pallets under the names and indices that clients know. An index is never reused.
#[frame_support::runtime]
mod runtime {
    /// The chain.
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    // Basics and consensus. Timing comes before whoever reads its durations, Validators and Historical before Session.
    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Timing = pallet_sabha_timing;
    #[runtime::pallet_index(2)]
    pub type Timestamp = pallet_timestamp;
    #[runtime::pallet_index(3)]
    pub type Babe = pallet_babe;
    #[runtime::pallet_index(4)]
    pub type Authorship = pallet_authorship;
    #[runtime::pallet_index(5)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(6)]
    pub type TransactionPayment = pallet_transaction_payment;
    #[runtime::pallet_index(7)]
    pub type Validators = pallet_sabha_validators;
    #[runtime::pallet_index(8)]
    pub type Offences = pallet_offences;
    #[runtime::pallet_index(9)]
    pub type Historical = pallet_session::historical;
    #[runtime::pallet_index(10)]
    pub type Session = pallet_session;
    #[runtime::pallet_index(11)]
    pub type Grandpa = pallet_grandpa;

    // Governance.
    #[runtime::pallet_index(20)]
    pub type Preimage = pallet_preimage;
    #[runtime::pallet_index(21)]
    pub type Scheduler = pallet_scheduler;
    #[runtime::pallet_index(22)]
    pub type Referenda = pallet_referenda;
    #[runtime::pallet_index(23)]
    pub type ConvictionVoting = pallet_conviction_voting;
    #[runtime::pallet_index(24)]
    pub type Origins = pallet_sabha_origins;
    #[runtime::pallet_index(25)]
    pub type Whitelist = pallet_whitelist;
    #[runtime::pallet_index(26)]
    pub type Treasury = pallet_treasury;
    #[runtime::pallet_index(27)]
    pub type Bounties = pallet_bounties;
    #[runtime::pallet_index(28)]
    pub type ChildBounties = pallet_child_bounties;

    // Conveniences and safety.
    #[runtime::pallet_index(30)]
    pub type Utility = pallet_utility;
    #[runtime::pallet_index(31)]
    pub type Multisig = pallet_multisig;
    #[runtime::pallet_index(32)]
    pub type Proxy = pallet_proxy;
    #[runtime::pallet_index(33)]
    pub type Identity = pallet_identity;
    #[runtime::pallet_index(34)]
    pub type SafeMode = pallet_safe_mode;
    #[runtime::pallet_index(35)]
    pub type TxPause = pallet_tx_pause;
    #[runtime::pallet_index(36)]
    pub type MultiBlockMigrations = pallet_migrations;

    // Money and work.
    #[runtime::pallet_index(40)]
    pub type Dap = pallet_dap;
    #[runtime::pallet_index(41)]
    pub type RewardPool = pallet_sabha_reward_pool;
    #[runtime::pallet_index(50)]
    pub type Datasets = pallet_sabha_datasets;
    #[runtime::pallet_index(51)]
    pub type Training = pallet_sabha_training;
    #[runtime::pallet_index(52)]
    pub type Disputes = pallet_sabha_disputes;
    #[runtime::pallet_index(53)]
    pub type Allocation = pallet_sabha_allocation;
    #[runtime::pallet_index(54)]
    pub type Models = pallet_sabha_models;
}
