//! # Reward pool
//!
//! The one ledger of who earned what. Other pallets say who has which shares (`RewardPools` of `sabha_protocol::pool`); whatever is
//! deposited is divided by shares; everybody takes its part when it likes.
//!
//! ## Glossary
//!
//! - **Pool**: named by a `PoolId`: the contributors of a dataset, the workers or backers of a run, the validators, the curators.
//! - **Member**: an account with shares of a pool, or that a pool owes something.
//! - **Deposit**: divided by the shares of the moment. **Credit**: for one member alone, such as the price of an accepted claim.
//! - **Held**: deposited while nobody had shares; divided as soon as anybody has some.
//! - **Source**: an account that new tokens are minted into for a pool ([`Config::Sources`]). Minting calls nobody, so what has arrived is
//!   found as the difference of its balance, whenever shares of its pool change or are claimed.
//! - **Dust**: what rounding leaves: a pool's balance less what it holds and owes. It goes where [`Config::Remainder`] says when the pool is removed.
//!
//! ## What it costs
//!
//! A deposit changes three numbers of the pool, whoever its members are; a claim those of one member. Nothing here loops over members, and
//! there are no hooks. The arithmetic is `sabha_protocol::pool::ledger`: nobody is paid more than its part, nor less by more than one unit
//! (and one for each time that it left with less than a unit to claim).
//!
//! ## Money
//!
//! One account, the **pot**, has what all pools have; it was endowed with the existential deposit at genesis. How much of it belongs to a
//! pool is in [`Pools`], to a member in [`Members`].
//!
//! A claim is paid to the member's payout account ([`Payouts`]). If that cannot take it, because it does not exist and the amount is too small to
//! make it, say, the member itself is paid. Anybody may claim for anybody, which changes when a member is paid, not whom: what the payout
//! account cannot take then stays owed. So does what no account can take.
//!
//! ## Storage
//!
//! A member's record goes when it has neither shares nor a whole unit to claim. Records that a pallet makes stand for work that was
//! accepted. Whoever gives shares to an account that is no member yet, or names a payout account, puts a deposit on hold
//! ([`Config::Consideration`]), which it gets back with the record. A pool that was closed takes no deposits and no members; who claims from it loses
//! its shares, which are worth nothing any more; when no member is left, anybody may remove it.
//!
//! ## Scenario
//!
//! Asha's texts are in dataset 4 with 600 shares, Binh's with 400. A model that was trained on them is paid for, and 10 SBH reach
//! `Dataset(4)`: a share has earned 0.01 SBH more. Chidi's texts come in with 1,000 shares. The next 10 SBH make 0.005 a share. Asha
//! claims: 6 SBH of the first, 3 of the second deposit, to the cold account that she named. Binh sells his shares to Dina; what they had
//! earned until then is still his.
//!
//! ## Limitations
//!
//! - An amount below the existential deposit cannot be paid to an account that does not exist: it stays owed until it grows or the account
//!   is there. A closed pool that owes such an amount cannot be removed.
//! - Whoever has the first shares of a pool gets all that was held.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod claims;
#[cfg(test)]
mod mock;
mod pools;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;
pub mod weights;

pub use pallet::*;
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
    use alloc::vec::Vec;

    use frame_support::{
        PalletId,
        pallet_prelude::*,
        traits::{
            Consideration, Footprint,
            fungible::{Inspect, InspectHold, Mutate},
        },
    };
    use frame_system::pallet_prelude::*;
    use sabha_protocol::{
        Balance,
        pool::{
            PoolId, RewardPools, Shares,
            ledger::{Member, Pool as PoolRecord},
        },
    };
    use sp_runtime::traits::Convert;

    use crate::WeightInfo;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The token.
        type Currency: Inspect<Self::AccountId, Balance = Balance>
            + InspectHold<Self::AccountId, Reason: From<HoldReason>>
            + Mutate<Self::AccountId>;

        /// The account that tokens are minted into for a pool. Everything but its existential deposit is the pool's.
        type Sources: Convert<PoolId, Option<Self::AccountId>>;

        /// Where what is left of a pool goes that is removed.
        type Remainder: Get<Self::AccountId>;

        /// What a member's record costs whoever makes it by a call.
        type Consideration: Consideration<Self::AccountId, Footprint>;

        /// The most pools of one `claim_batch`.
        #[pallet::constant]
        type MaxBatch: Get<u32>;

        /// Names the pot, the account that has what all pools have.
        #[pallet::constant]
        type PalletId: Get<PalletId>;

        /// Weights of this pallet's calls. What other pallets do with pools is in the weights of theirs.
        type WeightInfo: WeightInfo;
    }

    /// Why this pallet holds tokens.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The deposit for a record that a call made.
        #[codec(index = 0)]
        Storage,
    }

    /// The pools.
    #[pallet::storage]
    pub type Pools<T: Config> = StorageMap<_, Twox64Concat, PoolId, PoolRecord>;

    /// Their members.
    #[pallet::storage]
    pub type Members<T: Config> =
        StorageDoubleMap<_, Twox64Concat, PoolId, Blake2_128Concat, T::AccountId, Member>;

    /// Members whose record a call made: by whom, and its deposit.
    #[pallet::storage]
    pub type Deposits<T: Config> = StorageDoubleMap<
        _,
        Twox64Concat,
        PoolId,
        Blake2_128Concat,
        T::AccountId,
        (T::AccountId, T::Consideration),
    >;

    /// The accounts that members are paid to, where it is not their own, and the deposits for saying so.
    #[pallet::storage]
    pub type Payouts<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, (T::AccountId, T::Consideration)>;

    /// Pools that are there from the beginning, and for ever: those of validators and curators.
    pub const PERMANENT: [PoolId; 2] = [PoolId::Validators, PoolId::Curators];

    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        #[serde(skip)]
        #[doc(hidden)]
        pub _config: PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            for pool in PERMANENT {
                Pools::<T>::insert(pool, PoolRecord::NEW);
            }
        }
    }

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A pool was made.
        PoolCreated {
            /// The pool.
            pool: PoolId,
        },
        /// A pool takes no deposits and no members any more.
        PoolClosed {
            /// The pool.
            pool: PoolId,
        },
        /// A pool was removed.
        PoolRemoved {
            /// The pool.
            pool: PoolId,
            /// What was left of it, in units of 10^-12 SBH.
            remainder: Balance,
        },
        /// Something was deposited, or had arrived in the pool's source; it is divided by shares.
        Deposited {
            /// The pool.
            pool: PoolId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// Something was deposited for one member.
        Credited {
            /// The pool.
            pool: PoolId,
            /// The member.
            member: T::AccountId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// A member has another number of shares.
        SharesSet {
            /// The pool.
            pool: PoolId,
            /// The member.
            member: T::AccountId,
            /// How many it has.
            shares: Shares,
        },
        /// Shares have another owner.
        SharesTransferred {
            /// The pool.
            pool: PoolId,
            /// Whose they were.
            from: T::AccountId,
            /// Whose they are.
            to: T::AccountId,
            /// How many.
            shares: Shares,
        },
        /// A member was paid what it was owed.
        Claimed {
            /// The pool.
            pool: PoolId,
            /// The member.
            member: T::AccountId,
            /// The account that was paid.
            to: T::AccountId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// A member named the account that it is to be paid to.
        PayoutSet {
            /// The member.
            member: T::AccountId,
            /// The account; its own if none.
            payout: Option<T::AccountId>,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no such pool.
        NoSuchPool,
        /// The pool is closed.
        PoolClosed,
        /// The pool is open, and can be removed by nobody.
        PoolOpen,
        /// The pool has members that have not claimed what they are owed.
        PoolHasMembers,
        /// The account is no member of the pool.
        NoSuchMember,
        /// Nothing is owed.
        NothingToClaim,
        /// The account that is to be paid cannot take what is owed: it stays owed. A member that claims itself is paid to its own account if
        /// its payout account cannot take it.
        CannotBePaid,
        /// The account has fewer shares.
        TooFewShares,
        /// A pool can have less than 2^96 shares.
        TooManyShares,
        /// Shares of this pool stand for what their owner does, and cannot be given away.
        NotTransferable,
        /// The shares are the account's already.
        SameAccount,
        /// Nothing was named: an amount must not be zero.
        ZeroAmount,
        /// There is no payout account to be forgotten.
        NoPayout,
        /// The sums do not fit. A defect: nothing was changed.
        Overflow,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::MaxBatch::get() > 0, "a batch must be possible");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Take what a pool owes the caller.
        ///
        /// The origin must be signed, by a member. It is paid to its payout account, or to itself if that cannot take it.
        ///
        /// - `pool`: the pool.
        ///
        /// Emits `Claimed`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::claim())]
        pub fn claim(origin: OriginFor<T>, pool: PoolId) -> DispatchResult {
            let member = ensure_signed(origin)?;
            Self::do_claim(pool, &member, true)
        }

        /// Have a member paid what a pool owes it.
        ///
        /// The origin must be signed, by anyone. The member's payout account is paid, and nobody else: what that cannot take stays owed. If it has
        /// named none, its own account is paid.
        ///
        /// - `pool`: the pool.
        /// - `member`: whom the pool owes something.
        ///
        /// Emits `Claimed`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::claim_for())]
        pub fn claim_for(origin: OriginFor<T>, pool: PoolId, member: T::AccountId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_claim(pool, &member, false)
        }

        /// Take what several pools owe the caller.
        ///
        /// The origin must be signed, by a member. Pools that owe nothing, or are not there, are passed over; all of them must not be.
        ///
        /// - `pools`: the pools, at most `MaxBatch`.
        ///
        /// Emits `Claimed` for each of them.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::claim_batch(pools.len() as u32))]
        pub fn claim_batch(origin: OriginFor<T>, pools: BoundedVec<PoolId, T::MaxBatch>) -> DispatchResult {
            let member = ensure_signed(origin)?;
            Self::do_claim_batch(&pools, &member)
        }

        /// Give shares to another account.
        ///
        /// The origin must be signed, by a member. What the shares have earned until now stays the member's. If the other account is no
        /// member yet, the caller puts a deposit on hold, which it gets back when that account is no member any more.
        ///
        /// - `pool`: the pool: of a dataset, or of a run's workers or backers.
        /// - `to`: whose they are to be.
        /// - `shares`: how many.
        ///
        /// Emits `SharesTransferred`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::transfer_shares())]
        pub fn transfer_shares(
            origin: OriginFor<T>,
            pool: PoolId,
            to: T::AccountId,
            #[pallet::compact] shares: Shares,
        ) -> DispatchResult {
            let from = ensure_signed(origin)?;
            Self::do_transfer(pool, &from, &to, shares)
        }

        /// Name the account that the caller is paid to, by all pools.
        ///
        /// The origin must be signed. Naming one takes a deposit, which is returned when it is forgotten.
        ///
        /// - `payout`: the account; none for the caller's own.
        ///
        /// Emits `PayoutSet`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::set_payout())]
        pub fn set_payout(origin: OriginFor<T>, payout: Option<T::AccountId>) -> DispatchResult {
            let member = ensure_signed(origin)?;
            Self::do_set_payout(member, payout)
        }

        /// Give to a pool: its members have it, by their shares.
        ///
        /// The origin must be signed, by anyone.
        ///
        /// - `pool`: the pool.
        /// - `amount`: how much, in units of 10^-12 SBH.
        ///
        /// Emits `Deposited`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::deposit())]
        pub fn deposit(
            origin: OriginFor<T>,
            pool: PoolId,
            #[pallet::compact] amount: Balance,
        ) -> DispatchResult {
            let from = ensure_signed(origin)?;
            <Self as RewardPools<T::AccountId>>::deposit(pool, &from, amount)
        }

        /// Remove a closed pool that has no members.
        ///
        /// The origin must be signed, by anyone. What rounding has left goes to the treasury.
        ///
        /// - `pool`: the pool.
        ///
        /// Emits `PoolRemoved`.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::remove_pool())]
        pub fn remove_pool(origin: OriginFor<T>, pool: PoolId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_remove(pool)
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// What `member` could claim from `pool` now, in units of 10^-12 SBH.
        pub fn claimable(pool: PoolId, member: T::AccountId) -> Balance {
            Self::owed(pool, &member)
        }

        /// What `member` could claim from all pools that it is a member of, in units of 10^-12 SBH, with its shares.
        pub fn memberships(member: T::AccountId) -> Vec<(PoolId, Shares, Balance)> {
            let mut all: Vec<_> = Pools::<T>::iter_keys()
                .filter_map(|pool| {
                    let record = Members::<T>::get(pool, &member)?;
                    Some((pool, record.shares, Self::owed(pool, &member)))
                })
                .collect();
            all.sort();
            all
        }
    }
}
