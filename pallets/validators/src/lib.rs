//! # Validators
//!
//! Who produces blocks and votes on finality, and what equivocation costs.
//!
//! This pallet keeps the list of **admitted** validators and hands pallet-session the set of each session. It is the
//! `SessionManager` of both pallet-session and its historical part, and the `OnOffenceHandler` of pallet-offences.
//!
//! ## Glossary
//!
//! - **Admitted**: in the list, from genesis or by a decision of [`Config::ManagerOrigin`].
//! - **Dropped**: admitted, but left out of sessions after an offence, until readmitted.
//! - **Fit**: admitted, not dropped, and with session keys set. Exactly the fit ones are planned for a session.
//! - **Planned, seated**: pallet-session plans a set one session ahead, so a change takes effect after the next
//!   session change: a validator admitted (or dropped) in session 7 is seated (or unseated) from session 9.
//! - **Disabled**: seated, but not allowed to author blocks for the rest of the session.
//!
//! ## What an offence costs
//!
//! BABE and GRANDPA verify a report of equivocation (two blocks in one slot, two votes in one round) and pass it on
//! through pallet-offences. The offender is then
//!
//! 1. disabled at once, as far as the runtime's `DisablingStrategy` goes (see [`DisableOffenders`]), and again at the
//!    start of each session in which it is still seated;
//! 2. dropped: no later plan contains it, until `readmit`. Readmission forgives what happened up to and including the
//!    session in which it is decided, so that a late second report of the old offence changes nothing.
//!
//! The last fit validator is never dropped, and cannot be removed: a chain without validators is dead, whatever they
//! did. The event `KeptAsLast` tells.
//!
//! Reports reach back [`Config::ReportSessions`] sessions. The historical roots that older reports would need are
//! pruned at each session change, so that BABE and GRANDPA refuse such reports; those whose root is still waiting to be
//! pruned are ignored here.
//!
//! ## Scenario
//!
//! Alice, Bob, Charlie and Dave are validators from genesis. Dave starts a second node with the same keys by mistake,
//! and both author in one slot of session 7. Erin's node reports it: in the same block Dave is disabled and dropped.
//! He stays seated, without authoring, in session 8, and is gone from session 9. Dave explains himself, the
//! ValidatorManager track passes `readmit` in session 30, and he is seated again from session 32.
//!
//! ## Guarantees towards pallet-session
//!
//! - `new_session` returns `Some` every session, also when nothing changed: `None` would keep stale keys.
//! - No validator without session keys is planned; none is admitted or readmitted without them. If those who hold keys
//!   all purged them, the seated ones stay, with the keys they are seated with: `KeysRestored` tells. BABE cannot
//!   leave an epoch whose successor has no authorities.
//! - The identification is fixed per session ([`Identification`]), as proofs of key ownership need.
//!
//! ## Limitations
//!
//! Validators are chosen by governance, bond nothing, and earn nothing for being seated. With one seated validator
//! nobody can be disabled, and with fewer than four a single dishonest one can stop finality.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod disabling;
#[cfg(test)]
mod mock;
mod offences;
mod sessions;
#[cfg(test)]
mod tests;
pub mod weights;

pub use disabling::DisableOffenders;
pub use pallet::*;
pub use weights::WeightInfo;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_runtime::{Perbill, traits::Convert};
use sp_staking::SessionIndex;

/// The most validators that can be admitted at once.
pub const MAX_VALIDATORS: u32 = 100;

/// What a proof of key ownership tells about a validator besides its account: nothing, so it is fixed for any session.
pub type Identification = ();

/// Identifies every validator, as pallet-session's historical part asks.
pub struct IdentificationOf;

impl<AccountId> Convert<AccountId, Option<Identification>> for IdentificationOf {
    fn convert(_: AccountId) -> Option<Identification> {
        Some(())
    }
}

/// Why and when a validator was dropped.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct DropRecord {
    /// The session of the latest offence that was reported.
    pub offence_session: SessionIndex,
    /// The session in which the validator was dropped.
    pub dropped_in: SessionIndex,
    /// The severity of the gravest offence, as a share of a stake.
    pub severity: Perbill,
}

#[frame_support::pallet]
pub mod pallet {
    use alloc::vec::Vec;

    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;
    use sp_runtime::Perbill;
    use sp_staking::SessionIndex;

    use super::{DropRecord, Identification, MAX_VALIDATORS, WeightInfo};

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config:
        frame_system::Config<RuntimeEvent: From<Event<Self>>>
        + pallet_session::Config<ValidatorId = <Self as frame_system::Config>::AccountId>
        + pallet_session::historical::Config<FullIdentification = Identification>
    {
        /// Who may admit, remove and readmit validators (the ValidatorManager track).
        type ManagerOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// For how many sessions after its own an offence can be reported. Not zero: reports take a while.
        type ReportSessions: Get<SessionIndex>;

        /// Weights of this pallet's calls and of handling an offence.
        type WeightInfo: WeightInfo;
    }

    /// The admitted validators, in order of admission.
    #[pallet::storage]
    pub type Validators<T: Config> =
        StorageValue<_, BoundedVec<T::AccountId, ConstU32<MAX_VALIDATORS>>, ValueQuery>;

    /// Validators that no session is planned with, because of an offence. An entry stays until the validator is
    /// readmitted, or is neither admitted nor seated any more.
    #[pallet::storage]
    pub type Dropped<T: Config> = StorageMap<_, Twox64Concat, T::AccountId, DropRecord>;

    /// The session up to which (inclusive) an admitted validator's offences are forgiven: that of its latest
    /// admission or readmission. Validators from genesis have none.
    #[pallet::storage]
    pub type ForgivenUpTo<T: Config> = StorageMap<_, Twox64Concat, T::AccountId, SessionIndex>;

    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// The validators admitted from the start, at most 100. Each needs session keys in pallet-session's genesis.
        pub validators: Vec<T::AccountId>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            let mut sorted: Vec<_> = self.validators.iter().collect();
            sorted.sort();
            assert!(
                sorted.iter().zip(sorted.iter().skip(1)).all(|(a, b)| a != b),
                "a validator appears twice"
            );
            let Ok(validators) = BoundedVec::try_from(self.validators.clone()) else {
                panic!("more than {MAX_VALIDATORS} validators at genesis");
            };
            Validators::<T>::put(validators);
        }
    }

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A validator was admitted. It is seated from the second session change on.
        Admitted {
            /// The validator.
            who: T::AccountId,
        },
        /// A validator was removed. It leaves its seat at the second session change.
        Removed {
            /// The validator.
            who: T::AccountId,
        },
        /// A validator was dropped because of an offence. It leaves its seat at the second session change.
        Dropped {
            /// The validator.
            who: T::AccountId,
            /// The session of the offence.
            session: SessionIndex,
            /// The severity of the offence, as a share of a stake.
            severity: Perbill,
        },
        /// A validator offended but was not dropped, because no other one is fit.
        KeptAsLast {
            /// The validator.
            who: T::AccountId,
            /// The session of the offence.
            session: SessionIndex,
        },
        /// A dropped validator was readmitted. It is seated from the second session change on.
        Readmitted {
            /// The validator.
            who: T::AccountId,
        },
        /// A report was ignored because the offence lies further back than offences can be reported.
        ReportTooOld {
            /// The reported account.
            who: T::AccountId,
            /// The session of the offence.
            session: SessionIndex,
        },
        /// A seated validator got back the session keys that it had purged, because no other one is fit.
        KeysRestored {
            /// The validator.
            who: T::AccountId,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// The account is already an admitted validator.
        AlreadyAdmitted,
        /// The account is not an admitted validator.
        NotAdmitted,
        /// The account is not an admitted validator that was dropped.
        NotDropped,
        /// The account has no session keys: it must call `session.set_keys` first.
        NoKeys,
        /// As many validators as possible are admitted.
        TooManyValidators,
        /// No other validator is fit to be seated.
        LastValidator,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::ReportSessions::get() > 0, "an offence must be reportable after its session");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::extra_constants]
    impl<T: Config> Pallet<T> {
        /// The most validators that can be admitted at once.
        fn max_validators() -> u32 {
            MAX_VALIDATORS
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Admit a validator.
        ///
        /// The origin must be `ManagerOrigin` (the ValidatorManager track). The validator is seated from the second
        /// session change on.
        ///
        /// - `who`: the account. It must have set session keys, and not be admitted yet.
        ///
        /// Emits `Admitted`.
        #[pallet::call_index(0)]
        #[pallet::weight(<T as Config>::WeightInfo::admit())]
        pub fn admit(origin: OriginFor<T>, who: T::AccountId) -> DispatchResult {
            T::ManagerOrigin::ensure_origin(origin)?;
            Validators::<T>::try_mutate(|validators| {
                ensure!(!validators.contains(&who), Error::<T>::AlreadyAdmitted);
                ensure!(Self::has_keys(&who), Error::<T>::NoKeys);
                validators.try_push(who.clone()).map_err(|_| Error::<T>::TooManyValidators)
            })?;
            Self::forgive(&who);
            Self::deposit_event(Event::Admitted { who });
            Ok(())
        }

        /// Remove a validator.
        ///
        /// The origin must be `ManagerOrigin` (the ValidatorManager track). The validator leaves its seat at the
        /// second session change, and keeps its session keys.
        ///
        /// - `who`: the account. Another validator must be fit: admitted, not dropped, and with session keys.
        ///
        /// Emits `Removed`.
        #[pallet::call_index(1)]
        #[pallet::weight(<T as Config>::WeightInfo::remove())]
        pub fn remove(origin: OriginFor<T>, who: T::AccountId) -> DispatchResult {
            T::ManagerOrigin::ensure_origin(origin)?;
            let mut validators = Validators::<T>::get();
            let count = validators.len();
            validators.retain(|validator| *validator != who);
            ensure!(validators.len() < count, Error::<T>::NotAdmitted);
            ensure!(validators.iter().any(Self::is_fit), Error::<T>::LastValidator);
            Validators::<T>::put(validators);
            ForgivenUpTo::<T>::remove(&who);
            // While it is seated, its record is what keeps it disabled.
            if !Self::is_seated_or_planned(&who) {
                Dropped::<T>::remove(&who);
            }
            Self::deposit_event(Event::Removed { who });
            Ok(())
        }

        /// Let a dropped validator take part again, and forgive its offences up to and including this session.
        ///
        /// The origin must be `ManagerOrigin` (the ValidatorManager track). The validator is seated from the second
        /// session change on.
        ///
        /// - `who`: the account. It must be admitted, dropped, and have session keys.
        ///
        /// Emits `Readmitted`.
        #[pallet::call_index(2)]
        #[pallet::weight(<T as Config>::WeightInfo::readmit())]
        pub fn readmit(origin: OriginFor<T>, who: T::AccountId) -> DispatchResult {
            T::ManagerOrigin::ensure_origin(origin)?;
            ensure!(Self::is_admitted(&who) && Dropped::<T>::contains_key(&who), Error::<T>::NotDropped);
            ensure!(Self::has_keys(&who), Error::<T>::NoKeys);
            Self::forgive(&who);
            Self::deposit_event(Event::Readmitted { who });
            Ok(())
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The validators that the next plan will contain: admitted, not dropped, and with session keys.
        pub fn fit_validators() -> Vec<T::AccountId> {
            Validators::<T>::get().into_iter().filter(Self::is_fit).collect()
        }

        /// The validators that were dropped, with the reason.
        pub fn dropped_validators() -> Vec<(T::AccountId, DropRecord)> {
            Dropped::<T>::iter().collect()
        }
    }

    impl<T: Config> Pallet<T> {
        /// Whether `who` is an admitted validator.
        pub fn is_admitted(who: &T::AccountId) -> bool {
            Validators::<T>::get().contains(who)
        }

        /// Whether `who` has session keys for the sessions to come.
        pub fn has_keys(who: &T::AccountId) -> bool {
            pallet_session::NextKeys::<T>::contains_key(who)
        }

        /// Whether the admitted validator `who` can be planned.
        pub(crate) fn is_fit(who: &T::AccountId) -> bool {
            !Dropped::<T>::contains_key(who) && Self::has_keys(who)
        }

        /// Whether `who` is seated now or in the next session.
        pub(crate) fn is_seated_or_planned(who: &T::AccountId) -> bool {
            pallet_session::Validators::<T>::get().contains(who)
                || pallet_session::QueuedKeys::<T>::get().iter().any(|(planned, _)| planned == who)
        }

        /// The first session whose offences can still be reported in session `now`.
        pub(crate) fn first_reportable(now: SessionIndex) -> SessionIndex {
            now.saturating_sub(T::ReportSessions::get())
        }

        /// Clear `who`'s record, for offences up to and including the current session.
        fn forgive(who: &T::AccountId) {
            Dropped::<T>::remove(who);
            ForgivenUpTo::<T>::insert(who, pallet_session::CurrentIndex::<T>::get());
        }
    }

    #[cfg(any(test, feature = "try-runtime"))]
    impl<T: Config> Pallet<T> {
        /// Check what must always hold:
        /// - no validator is admitted twice;
        /// - if a session has validators, one that is not dropped is admitted;
        /// - a dropped validator is admitted, or still has a seat to lose;
        /// - its offence lies neither after its drop nor in forgiven sessions, nor its drop in the future;
        /// - only the admitted are forgiven, and not for the future.
        pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
            let now = pallet_session::CurrentIndex::<T>::get();
            let validators = Validators::<T>::get();
            for (index, who) in validators.iter().enumerate() {
                ensure!(
                    !validators.iter().skip(index.saturating_add(1)).any(|other| other == who),
                    "admitted twice"
                );
            }
            ensure!(
                pallet_session::Validators::<T>::get().is_empty()
                    || validators.iter().any(|who| !Dropped::<T>::contains_key(who)),
                "no validator is left"
            );
            for (who, record) in Dropped::<T>::iter() {
                ensure!(
                    validators.contains(&who) || Self::is_seated_or_planned(&who),
                    "dropped, but neither admitted nor seated"
                );
                ensure!(record.offence_session <= record.dropped_in, "dropped before the offence");
                ensure!(record.dropped_in <= now, "dropped in the future");
                ensure!(
                    ForgivenUpTo::<T>::get(&who).is_none_or(|session| session < record.offence_session),
                    "dropped for a forgiven offence"
                );
            }
            for (who, session) in ForgivenUpTo::<T>::iter() {
                ensure!(validators.contains(&who), "forgiven, but not admitted");
                ensure!(session <= now, "forgiven for the future");
            }
            Ok(())
        }
    }
}
