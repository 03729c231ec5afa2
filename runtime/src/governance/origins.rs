//! Combinations of Root and the tracks' origins, as the configurations use them.

use crate::{AccountId, Balance, BlockNumber, Runtime, UNITS};
use frame_support::{
    parameter_types,
    traits::{EitherOf, Get},
};
use frame_system::{EnsureRoot, EnsureRootWithSuccess, EnsureWithSuccess};
use pallet_sabha_origins::{
    EnsureComputeAllocator, EnsureDatasetArbiter, EnsureEmergencyCanceller, EnsureParameterAdmin,
    EnsureTreasurySpender, EnsureTreasurySpenderUpTo, EnsureValidatorManager, EnsureWhitelistedCaller,
};

type RootOr<E> = EitherOf<EnsureRoot<AccountId>, E>;

/// Root or the WhitelistedCaller track.
pub type RootOrWhitelistedCaller = RootOr<EnsureWhitelistedCaller>;
/// Root or the TreasurySpender track.
pub type RootOrTreasurySpender = RootOr<EnsureTreasurySpender>;
/// Root or the ComputeAllocator track.
pub type RootOrComputeAllocator = RootOr<EnsureComputeAllocator>;
/// Root or the DatasetArbiter track.
pub type RootOrDatasetArbiter = RootOr<EnsureDatasetArbiter>;
/// Root or the ValidatorManager track.
pub type RootOrValidatorManager = RootOr<EnsureValidatorManager>;
/// Root or the ParameterAdmin track.
pub type RootOrParameterAdmin = RootOr<EnsureParameterAdmin>;
/// Root or the EmergencyCanceller track.
pub type RootOrEmergencyCanceller = RootOr<EnsureEmergencyCanceller>;

parameter_types! {
    /// The most that one approval of the TreasurySpender track may spend.
    pub const MaxSpend: Balance = 1_000_000 * UNITS;
    /// What Root may spend.
    pub const Unlimited: Balance = Balance::MAX;
    /// How long one decision keeps the chain in safe mode: a window, long enough for the next decision.
    pub SafeModeSpan: BlockNumber = <pallet_sabha_timing::Window<Runtime> as Get<BlockNumber>>::get();
}

/// Who spends from the treasury, and how much at once.
pub type TreasurySpend =
    EitherOf<EnsureRootWithSuccess<AccountId, Unlimited>, EnsureTreasurySpenderUpTo<MaxSpend>>;

/// Root or the EmergencyCanceller track, for [`SafeModeSpan`] blocks.
pub type WithSafeModeSpan = EnsureWithSuccess<RootOrEmergencyCanceller, AccountId, SafeModeSpan>;
