//! # Allocation
//!
//! Which runs there are, and which of them gets the workers: proposals that a crowd pays for, or the DAO; a matching pot for what many
//! want; shares of capacity; a scheduler. The arithmetic is in `sabha_protocol::allocation`, as pure functions.
//!
//! ## Glossary
//!
//! - **Proposal**: a run to come: its whole specification, a licence for its model, a goal. It has the run's number from the beginning.
//! - **Pledge**: what a backer gives to a proposal. It is the backer's until the goal is met, and the unspent part of it is again when the run
//!   is over.
//! - **Matching pot**: an account into which new tokens are minted. **Quadratic funding** gives proposals of it, by how many accounts
//!   want them; the ComputeAllocator track may **grant** of it.
//! - **Judged**: vouched for by a registrar of identities ([`Config::Judged`]). Only pledges of judged accounts are matched.
//! - **Share**: a part of all workers' capacity, given to a run by the ComputeAllocator track. **Priority**: backing for each unit of work left.
//!
//! ## Life of a proposal
//!
//! ```text
//! propose ─► Funding ── settle: goal in reach, or time over ─► Counting ── settle: all judged again ─┬► Running ─ run over ─► Over
//!               │ ▲                                                │                                 ├► Over: missed
//!               │ └── there is time left, or no room for a run ────┼─────────────────────────────────┘
//!               └────────── cancel, stop: Over ◄───────────────────┘                    Over ── refund, backer by backer ── remove
//! ```
//!
//! ## Money
//!
//! One account, the **pot**, endowed with the existential deposit at genesis, holds what is pledged and granted; how much of it belongs to a
//! proposal follows from its `campaign`: what was pledged and given, less what was paid and refunded. With the goal met, all of it becomes the
//! budget of a run, in the pot of `pallet-sabha-training`, which pays for settled rounds and for nothing else, and gives back the rest when
//! the run is over. No call pays a proposer anything but the deposit that it made itself.
//!
//! Backers, and the matching pot for what it gave, have shares in the pool `Backers(run)`.
//!
//! ## Whose turn it is
//!
//! `sabha_protocol::allocation::stride` has the rule. A run whose next round could be opened asks ([`Scheduler`]). Whoever is first may, if a
//! worker is free; another one if all of its round fits beside the slots in flight and a round of each run before it. So as long as there are
//! workers for all, nobody waits; and where there are not, a run with a share of 30 % has 30 %.
//!
//! ## Scenarios
//!
//! **A Hindi GPT and a rich backer.** Forty people with a judged identity pledge 5 SBH each to Asha's Hindi model. Bob pledges 400 SBH to
//! a model of his own. Quadratic funding adds (40 √5)² - 200 = 7,800 SBH to Asha's, as far as the caps allow, and nothing to Bob's. With 40 times the
//! backing for the same work, Asha's run is first whenever workers are scarce; Bob's has its turn all the same.
//!
//! **A decision.** The DAO wants Bob's model too: a referendum gives it a share of 30 %. From the next round on it has 30 of 100 slots.
//!
//! **A miss.** Chidi's proposal has 60 of 100 SBH when its time is over. Anybody settles it; his backers get what they gave, to the unit; he gets
//! his deposit when they have.
//!
//! **A split.** Dina has 100 SBH and ten new accounts. They are not judged: what they pledge is not matched, ten times 10 as little as 100.
//!
//! ## Limitations
//!
//! - What identities are worth depends on the registrars, whom ParameterAdmin names.
//! - A refund below the existential deposit cannot be paid to an account that does not exist: it waits until it does.
//! - Shares are of the work that is given out. A run that is slow between its rounds may have less than its share, never more of what
//!   others want.
//! - Priority is bought with backing, of which what backers gave counts up to the goal. The DAO's shares come first.
//! - Where what a run waits for is finality and not workers, it has what it can use: shares decide among those who could go on.
//! - Workers that are in jail, or whose stake answers for other slots, count as capacity: with many of them nobody waits, and shares say little.
//! - A run that nobody can serve holds one of the places for runs, and its budget, for `Idle` blocks from when its last round was voided, or it began:
//!   then anybody may stop it. So a pause that ComputeAllocator decided lasts no longer than that, if somebody wants its money back.
//! - Who adds to a run shortly before its end has shares like all others, for the same money.
//! - Who is judged and pledges much to what nobody else wants asks much of the matching pot, and makes it smaller for all as long as that
//!   proposal is open. The caps bound what it can get.
//! - A run's share ends with the run. A backer that gave shares of the pool away cannot withdraw their part of the pledge.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod errors;
mod events;
#[cfg(test)]
mod mock;
mod pledges;
mod pot;
mod proposals;
mod schedule;
mod settle;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;
mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use pallet::*;
pub use types::{Backer, Failure, Parents, Proposal};
pub use weights::WeightInfo;

use frame_support::pallet_macros::import_section;

#[import_section(errors::errors)]
#[import_section(events::events)]
#[frame_support::pallet]
pub mod pallet {
    use alloc::boxed::Box;

    use frame_support::{
        PalletId,
        dispatch::PostDispatchInfo,
        pallet_prelude::*,
        traits::{Contains, fungible::Inspect},
    };
    use frame_system::pallet_prelude::*;
    use sabha_protocol::{
        ActiveBlock, Balance, Digest, RunId, RunSpec,
        allocation::{MatchingTerms, Schedule, quadratic, stride},
        models::{Licence, ModelId},
    };
    use sp_arithmetic::traits::SaturatedConversion;
    use sp_runtime::Perbill;

    use crate::{Backer, Failure, Parents, Proposal, WeightInfo};

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// A title, as text.
    pub type TitleOf<T> = BoundedVec<u8, <T as Config>::MaxTitleLen>;
    /// A proposal on this chain.
    pub type ProposalOf<T> = Proposal<<T as frame_system::Config>::AccountId, TitleOf<T>>;

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config:
        frame_system::Config<RuntimeEvent: From<Event<Self>>>
        + pallet_sabha_training::Config<RuntimeHoldReason: From<HoldReason>>
    {
        /// Accounts that somebody vouches for: only their pledges are matched.
        type Judged: Contains<Self::AccountId>;

        /// The registered models, from whose checkpoints runs can begin.
        type Parents: Parents;

        /// The account that quadratic funding and grants are paid from. It keeps its existential deposit. Anybody may add to it.
        #[pallet::constant]
        type MatchingPot: Get<Self::AccountId>;

        /// How the matching pot is split until a referendum decides otherwise.
        type MatchingTerms: Get<MatchingTerms> + 'static;

        /// What a proposer puts on hold, in units of 10^-12 SBH.
        #[pallet::constant]
        type Deposit: Get<Balance>;

        /// The least pledge, in units of 10^-12 SBH. At least the existential deposit: it stands for a record.
        #[pallet::constant]
        type MinPledge: Get<Balance>;

        /// The longest time for pledges, in active blocks.
        type MaxFunding: Get<BlockNumberFor<Self>>;

        /// Active blocks for which a run's place is reserved while it waits for its next round.
        type Patience: Get<BlockNumberFor<Self>>;

        /// Active blocks after which a run in which nothing happens can be stopped by anybody.
        type Idle: Get<BlockNumberFor<Self>>;

        /// The most bytes of a title.
        #[pallet::constant]
        type MaxTitleLen: Get<u32>;

        /// The most accounts that one `settle` looks at.
        #[pallet::constant]
        type MaxCount: Get<u32>;

        /// Names the pot, the account that holds what is pledged and granted.
        #[pallet::constant]
        type PalletId: Get<PalletId>;

        /// Weights of this pallet's calls.
        type WeightInfo: WeightInfo;

        /// What benchmarks need from the runtime.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: crate::BenchmarkHelper<Self::AccountId>;
    }

    /// Why this pallet holds tokens.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The deposit of a proposal, which its proposer gets back when the proposal is removed.
        #[codec(index = 0)]
        Proposal,
    }

    /// The proposals, by the number of the run that they are for.
    #[pallet::storage]
    pub type Proposals<T: Config> = StorageMap<_, Twox64Concat, RunId, ProposalOf<T>>;

    /// The specifications of proposals that have not become runs.
    #[pallet::storage]
    pub type Specs<T: Config> = StorageMap<_, Twox64Concat, RunId, RunSpec>;

    /// The pledges.
    #[pallet::storage]
    pub type Backers<T: Config> =
        StorageDoubleMap<_, Twox64Concat, RunId, Blake2_128Concat, T::AccountId, Backer>;

    /// The backers of a proposal whose pledges count, by their place.
    #[pallet::storage]
    pub type Counted<T: Config> = StorageDoubleMap<_, Twox64Concat, RunId, Twox64Concat, u32, T::AccountId>;

    /// What all proposals that are not settled would get of an inexhaustible matching pot, in units of 10^-12 SBH.
    #[pallet::storage]
    pub type Asked<T: Config> = StorageValue<_, Balance, ValueQuery>;

    /// How the matching pot is split.
    #[pallet::storage]
    pub type Matching<T: Config> = StorageValue<_, MatchingTerms, ValueQuery, T::MatchingTerms>;

    /// The runs that compete for workers.
    #[pallet::storage]
    pub type Turns<T: Config> = StorageValue<_, Schedule, ValueQuery>;

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(
                <T as pallet_sabha_training::Config>::MaxRuns::get() <= stride::RUNS,
                "every run must have its turn"
            );
            assert!(T::MinPledge::get() >= T::Currency::minimum_balance(), "a pledge must be more than dust");
            assert!(T::MaxCount::get() > 0, "a proposal must be settled some time");
            assert!(
                T::MatchingTerms::get().most_of_pot <= quadratic::PARTS,
                "no proposal can have more than the pot"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Propose a run.
        ///
        /// The origin must be signed. `Deposit` is put on hold, until the proposal is removed. The proposal has the number of the run that it
        /// becomes if backers and the matching pot together give its goal in time.
        ///
        /// - `title`: what to call it, printable ASCII.
        /// - `licence`: the licence of the model.
        /// - `parent`: the model whose checkpoint it begins from; none to begin from its seed.
        /// - `spec`: what to train and how, as for any run. `initial_checkpoint` must be the parent's.
        /// - `goal`: at least the cost of every round and of two more, in units of 10^-12 SBH.
        /// - `duration`: for how many active blocks it takes pledges, at most `MaxFunding`.
        ///
        /// Emits `Proposed`.
        #[pallet::call_index(0)]
        #[pallet::weight(<T as Config>::WeightInfo::propose())]
        pub fn propose(
            origin: OriginFor<T>,
            title: TitleOf<T>,
            licence: Licence,
            parent: Option<ModelId>,
            spec: Box<RunSpec>,
            goal: Balance,
            duration: ActiveBlock,
        ) -> DispatchResult {
            let proposer = ensure_signed(origin)?;
            Self::do_propose(proposer, title, licence, parent, *spec, goal, duration)
        }

        /// Pledge to a proposal, or add to the budget of the run that it has become.
        ///
        /// The origin must be signed. The amount is moved into the pot. Until the proposal is settled it can be withdrawn; if the goal is missed all
        /// of it is refunded, and if the run ends early its part of the rest. What is pledged to a run that is going on is not matched.
        ///
        /// - `run`: the proposal.
        /// - `amount`: in units of 10^-12 SBH; the whole pledge must be at least `MinPledge`.
        ///
        /// Emits `Pledged`.
        #[pallet::call_index(1)]
        #[pallet::weight(<T as Config>::WeightInfo::pledge())]
        pub fn pledge(origin: OriginFor<T>, run: RunId, amount: Balance) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_pledge(who, run, amount)
        }

        /// Withdraw a pledge, or part of it, from a proposal that is not settled.
        ///
        /// The origin must be signed, by the backer.
        ///
        /// - `run`: the proposal.
        /// - `amount`: in units of 10^-12 SBH; what is left must be nothing, or `MinPledge` and more.
        ///
        /// Emits `Withdrawn`.
        #[pallet::call_index(2)]
        #[pallet::weight(<T as Config>::WeightInfo::withdraw())]
        pub fn withdraw(origin: OriginFor<T>, run: RunId, amount: Balance) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_withdraw(who, run, amount)
        }

        /// Settle a proposal whose goal is in reach, or whose time is over: look once more whether somebody vouches for the accounts that count; when
        /// all were looked at, create the run, or give up.
        ///
        /// The origin must be signed, by anyone. Free, but if the proposal takes pledges again. If there are more accounts than one call may look
        /// at, another one goes on.
        ///
        /// - `run`: the proposal.
        /// - `most`: how many accounts to look at, at most `MaxCount`.
        ///
        /// Emits `Closed`, `CountedAgain`, and `Started`, `Reopened` or `Failed`.
        #[pallet::call_index(3)]
        #[pallet::weight(<T as Config>::WeightInfo::settle((*most).min(T::MaxCount::get())))]
        pub fn settle(origin: OriginFor<T>, run: RunId, most: u32) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            let (looked, pays_fee) = Self::do_settle(run, most.min(T::MaxCount::get()))?;
            let weight = <T as Config>::WeightInfo::settle(looked);
            Ok(PostDispatchInfo { actual_weight: Some(weight), pays_fee })
        }

        /// Give a proposal up.
        ///
        /// The origin must be signed, by the proposer. The proposal must not be a run yet. Its backers are refunded.
        ///
        /// - `run`: the proposal.
        ///
        /// Emits `Failed`.
        #[pallet::call_index(4)]
        #[pallet::weight(<T as Config>::WeightInfo::cancel())]
        pub fn cancel(origin: OriginFor<T>, run: RunId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_cancel(&who, run)
        }

        /// Pay a backer back, of a proposal that came to nothing or whose run is over.
        ///
        /// The origin must be signed, by anyone; the backer is paid. Its record goes, also if nothing is left to be paid.
        ///
        /// - `run`: the proposal.
        /// - `backer`: who pledged.
        ///
        /// Emits `Refunded`.
        #[pallet::call_index(5)]
        #[pallet::weight(<T as Config>::WeightInfo::refund())]
        pub fn refund(origin: OriginFor<T>, run: RunId, backer: T::AccountId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_refund(&backer, run)
        }

        /// Remove a proposal that is over and whose backers were all refunded, and return its deposit.
        ///
        /// The origin must be signed, by anyone. A run that was completed must be registered as a model first.
        ///
        /// - `run`: the proposal.
        ///
        /// Emits `Removed`.
        #[pallet::call_index(6)]
        #[pallet::weight(<T as Config>::WeightInfo::remove())]
        pub fn remove(origin: OriginFor<T>, run: RunId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_remove(run)
        }

        /// Give a proposal part of the matching pot, whoever wants it.
        ///
        /// The origin must be `AllocatorOrigin` (the ComputeAllocator track). It counts towards the goal; with all of it granted, the proposal can be
        /// settled at once. What is not spent comes back.
        ///
        /// - `run`: the proposal, which must take pledges.
        /// - `amount`: in units of 10^-12 SBH.
        ///
        /// Emits `Granted`.
        #[pallet::call_index(7)]
        #[pallet::weight(<T as Config>::WeightInfo::fund())]
        pub fn fund(origin: OriginFor<T>, run: RunId, amount: Balance) -> DispatchResult {
            T::AllocatorOrigin::ensure_origin(origin)?;
            Self::do_fund(run, amount)
        }

        /// Give a run a share of all workers' capacity.
        ///
        /// The origin must be `AllocatorOrigin` (the ComputeAllocator track). It holds from the next round on, until the run is over.
        ///
        /// - `run`: the run, which must be going on.
        /// - `share`: the share; zero for none. All shares together are at most 90 %.
        ///
        /// Emits `ShareSet`.
        #[pallet::call_index(8)]
        #[pallet::weight(<T as Config>::WeightInfo::set_share())]
        pub fn set_share(origin: OriginFor<T>, run: RunId, share: Perbill) -> DispatchResult {
            T::AllocatorOrigin::ensure_origin(origin)?;
            Self::do_set_share(run, share)
        }

        /// Pause the run that a proposal has become: no round is opened until it is resumed.
        ///
        /// The origin must be `AllocatorOrigin` (the ComputeAllocator track). What is open goes on to its end and is paid.
        ///
        /// - `run`: the run.
        ///
        /// Emits `RunPaused` of training.
        #[pallet::call_index(9)]
        #[pallet::weight(<T as Config>::WeightInfo::pause())]
        pub fn pause(origin: OriginFor<T>, run: RunId) -> DispatchResult {
            T::AllocatorOrigin::ensure_origin(origin)?;
            Self::running(run)?;
            pallet_sabha_training::Pallet::<T>::pause(run)
        }

        /// Resume the run that a proposal has become.
        ///
        /// The origin must be `AllocatorOrigin` (the ComputeAllocator track).
        ///
        /// - `run`: the run.
        ///
        /// Emits `RunResumed` of training.
        #[pallet::call_index(10)]
        #[pallet::weight(<T as Config>::WeightInfo::resume())]
        pub fn resume(origin: OriginFor<T>, run: RunId) -> DispatchResult {
            T::AllocatorOrigin::ensure_origin(origin)?;
            Self::running(run)?;
            pallet_sabha_training::Pallet::<T>::resume(run)
        }

        /// Stop a proposal, or the run that it has become, for good.
        ///
        /// The origin must be `AllocatorOrigin` (the ComputeAllocator track). Backers are refunded: all that they gave, or, of a run, their part
        /// of what is left when what is open is settled.
        ///
        /// - `run`: the proposal.
        ///
        /// Emits `Failed`, or `RunStopping` of training.
        #[pallet::call_index(11)]
        #[pallet::weight(<T as Config>::WeightInfo::stop())]
        pub fn stop(origin: OriginFor<T>, run: RunId) -> DispatchResult {
            T::AllocatorOrigin::ensure_origin(origin)?;
            Self::do_stop(run)
        }

        /// Set how the matching pot is split.
        ///
        /// The origin must be `AllocatorOrigin` (the ComputeAllocator track). It holds for whatever is settled from now on.
        ///
        /// - `terms`: the most of the pot that one proposal may have, in millionths, and the most in units of 10^-12 SBH.
        ///
        /// Emits `MatchingSet`.
        #[pallet::call_index(12)]
        #[pallet::weight(<T as Config>::WeightInfo::set_matching())]
        pub fn set_matching(origin: OriginFor<T>, terms: MatchingTerms) -> DispatchResult {
            T::AllocatorOrigin::ensure_origin(origin)?;
            ensure!(terms.most_of_pot <= quadratic::PARTS, Error::<T>::MoreThanThePot);
            Matching::<T>::put(terms);
            Self::deposit_event(Event::MatchingSet { terms });
            Ok(())
        }

        /// Stop a run that stands still, for good: no round of it is open, and for `longest_idle` active blocks it has not even waited for its turn,
        /// whether it has too few workers, or is paused, because its rounds were void, it has no money, or it was decided so.
        ///
        /// The origin must be signed, by anyone. Backers are refunded their part of what is left.
        ///
        /// - `run`: the run.
        ///
        /// Emits `RunStopping` of training.
        #[pallet::call_index(13)]
        #[pallet::weight(<T as Config>::WeightInfo::stop_idle())]
        pub fn stop_idle(origin: OriginFor<T>, run: RunId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_stop_idle(run)
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// What the matching pot would add to a proposal if it were settled now and every account still counted, in units of 10^-12 SBH.
        pub fn match_of(run: RunId) -> Balance {
            Proposals::<T>::get(run).map_or(0, |proposal| Self::matched(&proposal.campaign))
        }

        /// What a backer would be refunded now, in units of 10^-12 SBH.
        pub fn refund_of(run: RunId, backer: T::AccountId) -> Balance {
            let proposal = Proposals::<T>::get(run);
            let pledge = Backers::<T>::get(run, backer);
            proposal.zip(pledge).map_or(0, |(proposal, backer)| proposal.campaign.refund_of(&backer.pledge))
        }

        /// Whether `settle` would do something now.
        pub fn can_settle(run: RunId) -> bool {
            Self::is_settleable(run)
        }

        /// The longest time for pledges, in active blocks.
        pub fn longest_funding() -> ActiveBlock {
            T::MaxFunding::get().saturated_into()
        }

        /// For how many active blocks nothing must happen in a run before anybody may stop it.
        pub fn longest_idle() -> ActiveBlock {
            T::Idle::get().saturated_into()
        }

        /// A run's part of all workers' capacity, as things are, when all runs want some; none if it does not compete.
        pub fn weight_of(run: RunId) -> Option<Perbill> {
            Self::capacity_of(run)
        }

        /// Whose turn it is of the runs that wait for one.
        pub fn next() -> Option<RunId> {
            Turns::<T>::get().next()
        }
    }
}
