//! # Origins
//!
//! The custom origins of the governance tracks: what a referendum on a track may dispatch as.
//!
//! Each variant of [`Origin`] is one track, and each `Ensure…` struct accepts exactly that one: a track cannot act for
//! another, and Root is not accepted either. A runtime that wants Root as well says so where it configures a pallet,
//! with `EitherOf<EnsureRoot<AccountId>, EnsureComputeAllocator>`.
//!
//! | origin | may |
//! |---|---|
//! | [`Origin::WhitelistedCaller`] | dispatch a call that was whitelisted before, as Root |
//! | [`Origin::TreasurySpender`] | spend from the treasury, up to a limit |
//! | [`Origin::ComputeAllocator`] | set shares of capacity and budgets; pause, resume or stop a training run |
//! | [`Origin::DatasetArbiter`] | decide appeals about dataset claims; set dataset budgets |
//! | [`Origin::ValidatorManager`] | admit, remove and readmit validators |
//! | [`Origin::ParameterAdmin`] | change durations and other parameters within their bounds |
//! | [`Origin::EmergencyCanceller`] | cancel a referendum; enter safe mode; pause calls |
//!
//! The pallet has no calls and no storage, so it has no weights, no benchmarks and no state to check.

#![cfg_attr(not(feature = "std"), no_std)]

mod ensure;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use ensure::{
    EnsureComputeAllocator, EnsureDatasetArbiter, EnsureEmergencyCanceller, EnsureParameterAdmin,
    EnsureTreasurySpender, EnsureTreasurySpenderUpTo, EnsureValidatorManager, EnsureWhitelistedCaller,
};
pub use pallet::*;

#[frame_support::pallet]
pub mod pallet {
    use frame_support::pallet_prelude::*;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config {}

    /// What a referendum on a governance track dispatches as.
    #[pallet::origin]
    #[derive(
        Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
    )]
    pub enum Origin {
        /// Dispatch a call that was whitelisted before, as Root.
        #[codec(index = 0)]
        WhitelistedCaller,
        /// Spend from the treasury, up to a limit.
        #[codec(index = 1)]
        TreasurySpender,
        /// Set shares of capacity and budgets; pause, resume or stop a training run.
        #[codec(index = 2)]
        ComputeAllocator,
        /// Decide appeals about dataset claims; set dataset budgets.
        #[codec(index = 3)]
        DatasetArbiter,
        /// Admit, remove and readmit validators.
        #[codec(index = 4)]
        ValidatorManager,
        /// Change durations and other parameters within their bounds.
        #[codec(index = 5)]
        ParameterAdmin,
        /// Cancel a referendum; enter safe mode; pause calls.
        #[codec(index = 6)]
        EmergencyCanceller,
    }
}
