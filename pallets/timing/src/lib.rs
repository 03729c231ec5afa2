//! # Timing
//!
//! The durations that every other pallet reads, and the count of **active blocks**.
//!
//! One runtime serves a developer's laptop and a public chain, whose clocks differ by four orders of magnitude. So the
//! durations are state, written at genesis from one of three presets ([`Durations::development`],
//! [`Durations::local_testnet`], [`Durations::live`]), and not constants of the code. Other pallets read them through
//! the [`Get`](frame_support::traits::Get) adaptors: [`SlotDurationMs`], [`MinimumPeriod`], [`EpochDuration`],
//! [`VoteLocking`], [`Availability`], [`AuditSeals`], [`Window`], [`ChessClock`], [`Unbonding`],
//! [`UnbondingSessions`], [`AppealTime`] and [`ActiveBlocksNow`].
//!
//! ## What may change
//!
//! - The slot and the epoch never: BABE computes the epoch of a slot from them, and would lose count.
//! - Everything else by [`Config::AdminOrigin`] through `set_durations`, to no less than a quarter and no more than
//!   four times its genesis value ([`MAX_FACTOR`]), and never so that two durations contradict each other
//!   ([`Durations::check`]).
//!
//! A change takes effect at once, also for what is under way: whoever counts a deadline from the durations stores the
//! deadline, not the start, if it must not move.
//!
//! ## Active blocks
//!
//! A deadline that runs while nobody can act is a trap. `ActiveBlocks` counts the blocks in which protocol calls could
//! be made: it stands still while [`Config::Paused`] says that safe mode is entered or a protocol call is paused, and
//! in blocks that leave no room for calls at all (a session change, a migration), because it is counted in `on_poll`.
//! Every protocol deadline and chess clock is in active blocks.
//!
//! ## Empty state
//!
//! Metadata generation and `integrity_test` run on empty state, where a duration of zero would mean a division by
//! zero: the durations default to the live chain's values.
//!
//! ## Scenario
//!
//! A public chain starts with a challenge window of 24 hours, 14,400 blocks. Its members find the window needlessly
//! long, and a ParameterAdmin referendum sets it to 4,800. It could not have set it to 3,000 (less than a quarter), nor
//! to 4,800 while `availability + audit_seals` were above that. Later a fault stops training calls for a day through
//! TxPause: no window closes and no chess clock runs out meanwhile.
//!
//! ## Limitations
//!
//! Durations in blocks follow the chain, not the wall clock: missed slots stretch them.

#![cfg_attr(not(feature = "std"), no_std)]

mod adaptors;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod durations;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
pub mod weights;

pub use adaptors::{
    ActiveBlocksNow, AppealTime, AuditSeals, Availability, ChessClock, EpochDuration, MinimumPeriod,
    SlotDurationMs, Unbonding, UnbondingSessions, VoteLocking, Window,
};
pub use durations::{
    Durations, MAX_BLOCKS, MAX_EPOCH_SLOTS, MAX_FACTOR, MAX_SLOT_MS, MIN_EPOCH_SLOTS, MIN_SLOT_MS,
    ReferendumClocks, Refusal,
};
pub use pallet::*;
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
    use frame_support::{pallet_prelude::*, weights::WeightMeter};
    use frame_system::pallet_prelude::*;

    use super::{Durations, Refusal, WeightInfo};

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// Who may change durations within their bounds (the ParameterAdmin track).
        type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Whether protocol calls cannot be made now: safe mode is entered, or one of them is paused.
        type Paused: Get<bool>;

        /// Weights of this pallet's calls and hooks.
        type WeightInfo: WeightInfo;
    }

    /// The durations in force: slot (milliseconds), epoch (slots), and the rest in blocks.
    #[pallet::storage]
    #[pallet::storage_prefix = "Durations"]
    pub type CurrentDurations<T> = StorageValue<_, Durations, ValueQuery>;

    /// The durations that the chain started with, from which the bounds of later changes are measured.
    #[pallet::storage]
    pub type GenesisDurations<T> = StorageValue<_, Durations, ValueQuery>;

    /// How many blocks so far left room for protocol calls while these were not paused.
    #[pallet::storage]
    pub type ActiveBlocks<T> = StorageValue<_, u32, ValueQuery>;

    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// The durations of this chain: one of the presets, or values of your own.
        pub durations: Durations,
        #[serde(skip)]
        #[doc(hidden)]
        pub _config: core::marker::PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            if let Err(refusal) = self.durations.check() {
                panic!("genesis durations are refused ({refusal:?}): {:?}", self.durations);
            }
            CurrentDurations::<T>::put(self.durations);
            GenesisDurations::<T>::put(self.durations);
        }
    }

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// Durations were changed.
        DurationsSet {
            /// The durations that were in force until now.
            old: Durations,
            /// The durations in force from now on.
            new: Durations,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// The slot or the epoch differs from genesis; these two never change.
        SlotOrEpochFixed,
        /// A duration is less than a quarter or more than four times its genesis value.
        OutOfBounds,
        /// Two durations contradict each other, such as a confirmation longer than the decision.
        Inconsistent,
    }

    impl<T> From<Refusal> for Error<T> {
        fn from(refusal: Refusal) -> Self {
            match refusal {
                Refusal::SlotOrEpoch => Self::SlotOrEpochFixed,
                Refusal::OutOfBounds => Self::OutOfBounds,
                Refusal::Inconsistent => Self::Inconsistent,
            }
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_poll(_now: BlockNumberFor<T>, meter: &mut WeightMeter) {
            if meter.try_consume(T::WeightInfo::on_poll()).is_err() || T::Paused::get() {
                return;
            }
            ActiveBlocks::<T>::mutate(|blocks| *blocks = blocks.saturating_add(1));
        }

        fn integrity_test() {
            assert!(
                Durations::default().check().is_ok(),
                "the default durations must be usable on empty state"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Set the chain's durations.
        ///
        /// The origin must be `AdminOrigin` (the ParameterAdmin track). Takes effect at once.
        ///
        /// - `durations`: all of them, the unchanged ones included. `slot_ms` and `epoch_slots` must be those of
        ///   genesis; each other one between a quarter and four times its genesis value.
        ///
        /// Emits `DurationsSet`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::set_durations())]
        pub fn set_durations(origin: OriginFor<T>, durations: Durations) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            durations.check_against(&GenesisDurations::<T>::get()).map_err(Error::<T>::from)?;
            let old = CurrentDurations::<T>::mutate(|current| core::mem::replace(current, durations));
            Self::deposit_event(Event::DurationsSet { old, new: durations });
            Ok(())
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The durations in force.
        pub fn durations() -> Durations {
            CurrentDurations::<T>::get()
        }
    }

    #[cfg(any(test, feature = "try-runtime"))]
    impl<T: Config> Pallet<T> {
        /// Check what must always hold:
        /// - the durations at genesis are usable, and those in force are within reach of them;
        /// - there are no more active blocks than blocks.
        pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
            let genesis = GenesisDurations::<T>::get();
            ensure!(genesis.check().is_ok(), "the durations at genesis are unusable");
            ensure!(
                CurrentDurations::<T>::get().check_against(&genesis).is_ok(),
                "the durations in force are out of bounds"
            );
            ensure!(
                BlockNumberFor::<T>::from(ActiveBlocks::<T>::get())
                    <= frame_system::Pallet::<T>::block_number(),
                "more active blocks than blocks"
            );
            Ok(())
        }
    }
}
