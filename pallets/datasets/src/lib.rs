//! # Datasets
//!
//! Who brings data is paid for it, if a panel of curators drawn by lot finds that it is what it says, and keeps a stake in what is later
//! earned with it. The life of a claim is in `sabha_protocol::datasets`, as pure functions; here are its storage, the money, the stakes of
//! curators, and the calls.
//!
//! ## Glossary
//!
//! - **Dataset**: a title, a language, a licence from the DAO's list, a rate per unit, and a budget. **Claim**: shards for it, by their
//!   BLAKE3 digests.
//! - **Curator**: an account with a stake on hold. **Ticket**: [`Config::MinStake`] of it; draws take tickets, so by stake. **Panel**: the
//!   curators drawn for a claim. **Seat**: the place of one of them, for which [`Config::SeatStake`] of its stake is reserved.
//! - **Arbiter**: [`Config::ArbiterOrigin`], the DatasetArbiter track.
//! - **Active block**: see `pallet-sabha-timing`. **Session**: what randomness is counted in; the words are those of the training pallet.
//!
//! ## Life of a claim
//!
//! | stage | lasts | then |
//! |---|---|---|
//! | committed | until the claimant tells what is claimed, which it may [`Config::Availability`] blocks after its seal at the earliest, and within [`Config::Window`] more. If the budget does not cover it then: [`Config::Window`], for it to do so | the panel is drawn; or the claim is given up |
//! | drawing | two sessions: the word is not known when the claim is told | |
//! | sealing | [`Config::VoteSeals`], or until all have sealed | too few seals: the next panel |
//! | revealing | [`Config::Availability`], or until all have revealed | the median decides; without a quorum the next panel, at most three |
//! | judged | [`Config::Retention`]: the data must be served, and anybody can appeal | settled; if no panel had a quorum, the claimant may have three more drawn before |
//! | appealed | [`Config::AppealTime`], or until the arbiter decides | settled; if the arbiter does not decide, the retention goes on |
//!
//! `poke` does what is due for one claim, which may be that the budget covers it now; anybody may send it, and it is free if it changed
//! something. Sent by the claimant, it has another three panels drawn for a claim that none had a quorum for. There are no hooks, and nothing
//! loops over claims, curators or members.
//!
//! ## Who cannot cheat how
//!
//! - A **copyist** sees a claim's shards when they are told. A seal that is old enough is needed to claim them, and whatever it seals then is
//!   too young. That would be of no use if telling could be made to fail: if the budget does not cover the claim, because somebody else's emptied it
//!   in the same block, say, its shards are kept for it all the same, for a [`Config::Window`]. In that time whatever comes into the budget is for
//!   it as soon as somebody pokes it. Its claimant can also give it up and tell it again by another seal, old enough, in one batch.
//! - A copyist finds the shards of a claim that **nobody judged** on the chain, too, and seals in time for its lapse. Until then, for as long as the
//!   retention lasts, its claimant alone can have three more panels drawn.
//! - The same **shards** cannot be told twice, in any dataset, as long as a claim that has told them is open or was accepted.
//! - **Counts** that contradict each other are refused; those that do not are what curators look at.
//! - A **vote** is sealed, bound to its curator, before any is known, and stands. A **claimant** sits on no panel of its own; its friends
//!   are a minority, or lose their stake on appeal.
//! - **Withdrawn data**: pay, shares and bond wait for the end of the retention. An appeal then rejects the claim, without blame for the panel.
//!
//! ## Runs
//!
//! A run's specification names its data by manifest roots (`DataSpec::sources`), and the record of the run its specification, by hash. The
//! roots are those of claims: [`AcceptedRoots`] says in which dataset each was accepted, and how many bytes it has, so that what is earned
//! with a model can be paid into the pools of those who brought its data. A run may be trained on data that no panel has judged; it
//! earns nothing.
//!
//! ## Money
//!
//! - Budgets, and what claimants paid for their panels, are in one account, the **pot** ([`Config::PalletId`]), which Dap also mints into.
//!   [`Allotted`] is what of it belongs to datasets and claims; the rest is the arbiter's to `allot`.
//! - A claim's **bond** is on hold: 1 SBH, and 1 for each gibibyte. Its **fee**, [`Config::SeatPay`] for each seat, pays the panel whatever
//!   it decides. If the claim is accepted, the budget gives back the accepted part of the fee.
//! - The budget **reserves** what a claim can come to before its panel is drawn. Who is accepted is paid.
//! - What is earned is credited in reward pools (`Dataset(id)` for claimants, `Curators` for panels), where it waits to be claimed.
//!
//! | what | is slashed | half is burnt; the rest |
//! |---|---|---|
//! | bond of a rejected claim | all of it | 20 % to curators who voted so themselves, 20 % to who appealed rightly, else and 10 % to the budget |
//! | curator far from what was decided | half of the seat's stake; if less than [`Config::MinStake`] is left, it is drawn no more until it has that and is ready | to the claim's purse, which ends in the budget |
//! | silent curator | all of the seat's stake, and it is drawn no more until `ready_curator` | to the claim's purse |
//! | appeal that changed nothing | its bond | to the budget |
//!
//! A curator has a share of the `Curators` pool, which Dap mints for, for each sound vote since it is ready. It loses half of them with a
//! vote that is far, and all by silence, by leaving the draw, or with a stake below [`Config::MinStake`]: whoever can be drawn no more has no part in what
//! is minted. So that goes to those who judge, in proportion to what they did.
//!
//! ## What remains
//!
//! Of a settled claim that was accepted, for good: its root, its shards (so that nobody is paid for them again), and the contributor's shares in the
//! pool. No call removes root or shards, and nobody has a deposit on hold for them: the claimant's is returned when its claim is settled, and the chain bears
//! the cost, some 90 bytes for each mebibyte. What bounds it is that each was judged by a paid panel, and paid from a budget. Of any other claim
//! nothing remains.
//!
//! ## Scenario
//!
//! Dataset 4 is Spanish text at 0.5 SBH a mebibyte, with five curators. Asha seals a claim of 100 MiB, tells it ten blocks later, and pays 2.5 SBH
//! for the panel. Two sessions on, five curators are drawn; four seal, reveal 98 to 100 %, one is silent. Asha serves the data for the retention; then
//! anybody's poke credits her 49.5 SBH and 2.47 of the fee, gives her 99 units' shares, and releases her bond. Four curators have 0.5 SBH each. The
//! fifth lost 10: 5 are burnt, 5 are in the dataset's budget.
//!
//! ## Limitations
//!
//! - That data is still served after its retention rests on those who train with it.
//! - A majority of a panel decides until somebody appeals; the arbiter decides then, by a referendum.
//! - A curator's stake covers so many panels at a time, each until its claim is settled. When all of it is reserved claims wait, whoever made the
//!   others: what they cost is their fees.
//! - The same data in other pieces (a byte before it, other files with it) has other shards. Curators see copies within a claim; that it was accepted before,
//!   in other pieces, somebody has to know, and appeal.
//! - Who claims decides what an item is, down to [`Dataset::unit_bytes`]: whoever registers a dataset of items says how small they may be.
//! - Curators who accept whatever comes earn by it while false claims are rare: [`Config::SeatPay`] and [`Config::SeatStake`] say how rare.
//! - A false claim keeps what it could come to of the budget from others until it is settled, for its bond and fee. [`Dataset::unit_bytes`]
//!   bounds how much that is for its bytes.
//! - A claim with one shard of somebody else's is refused as a whole: pack the rest anew, at once. Who knows one shard, because it is public, can
//!   claim it in the same block, and try to be quicker with the others.
//! - Whatever else telling is refused for, the claimant can know beforehand: its counts, its locators, its money, its time. Who does not look has told
//!   everybody the shards, and may be overtaken by whoever seals first then.
//! - Shards of a claim that was given up after they were told, rejected, or lapsed in the end, are free at once, for whoever is quick: somebody who has
//!   the data from the claimant may be. A claimant that was wronged appeals before.
//! - Who knows shards can keep them from others, by claiming them first: for a [`Config::Window`] by what comes back (bond, fee, deposit), again and
//!   again, and for good if they are accepted.
//! - Budgets of a closed dataset go back to what the arbiter allots, whoever gave them.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod appeals;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod claims;
mod curators;
mod errors;
mod events;
#[cfg(test)]
mod mock;
mod money;
mod panels;
mod poke;
mod registry;
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
pub use types::{
    Accepted, Appeal, Claim, Curator, CuratorStatus, Dataset, Language, Licence, Locator, Locators, Panel,
    Shards, Title, Told,
};
pub use weights::WeightInfo;

use frame_support::pallet_macros::import_section;

#[import_section(errors::errors)]
#[import_section(events::events)]
#[frame_support::pallet]
pub mod pallet {
    use alloc::vec::Vec;

    use frame_support::{
        PalletId,
        dispatch::PostDispatchInfo,
        pallet_prelude::*,
        traits::{
            Consideration, Footprint,
            fungible::{Balanced, BalancedHold, Credit, Inspect, Mutate, MutateHold},
        },
    };
    use frame_system::pallet_prelude::*;
    use sabha_protocol::{
        ActiveBlock, Balance, Digest, Session,
        datasets::{ClaimId, DatasetId, MAX_PANEL, MAX_SHARDS, Modality, Ruling, Unit, Vote, WHOLE},
        draw::{
            SessionWords,
            tickets::{Head, Ticket},
        },
        pool::RewardPools,
    };

    use crate::{Accepted, Claim, Curator, Dataset, Language, Licence, Locators, Shards, Title, WeightInfo};

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// Most licences of the list.
    pub const MAX_LICENCES: u32 = 64;

    /// Licences of open data, and of open texts, that the list starts with.
    pub const LICENCES: [&str; 10] = [
        "CC0-1.0",
        "CC-BY-3.0",
        "CC-BY-4.0",
        "CC-BY-SA-3.0",
        "CC-BY-SA-4.0",
        "PDDL-1.0",
        "ODC-By-1.0",
        "ODbL-1.0",
        "MIT",
        "Apache-2.0",
    ];

    /// A claim on this chain.
    pub type ClaimOf<T> = Claim<<T as frame_system::Config>::AccountId>;
    /// A dataset on this chain.
    pub type DatasetOf<T> = Dataset<<T as frame_system::Config>::AccountId>;
    /// What was taken from somebody and has no owner yet.
    pub(crate) type CreditOf<T> = Credit<<T as frame_system::Config>::AccountId, <T as Config>::Currency>;

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The token: bonds and stakes are held in it and slashed, budgets and fees moved.
        type Currency: Inspect<Self::AccountId, Balance = Balance>
            + Mutate<Self::AccountId>
            + MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + Balanced<Self::AccountId>
            + BalancedHold<Self::AccountId>;

        /// The runtime's hold reasons.
        type RuntimeHoldReason: From<HoldReason>;

        /// The ledger of who earned what.
        type Pools: RewardPools<Self::AccountId, Error = DispatchError>;

        /// What records that a call makes cost its caller while they are there.
        type Consideration: Consideration<Self::AccountId, Footprint>;

        /// Who decides appeals, allots budgets and keeps the list of licences (the DatasetArbiter track).
        type ArbiterOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// The number of active blocks so far: the clock of every deadline here.
        type ActiveBlocks: Get<u32>;

        /// The session that the block is in: what randomness is counted in.
        type Session: Get<Session>;

        /// The randomness of sessions.
        type Words: SessionWords;

        /// How old a seal must be before its claim is told, and how long votes can be revealed, in active blocks.
        type Availability: Get<BlockNumberFor<Self>>;

        /// How long curators can look at data and seal votes, in active blocks.
        type VoteSeals: Get<BlockNumberFor<Self>>;

        /// How long a sealed claim can be told, and how long shards are kept for one that the budget does not cover, in active blocks.
        type Window: Get<BlockNumberFor<Self>>;

        /// How long a judged claim's data must be served, and anybody can appeal, in active blocks.
        type Retention: Get<BlockNumberFor<Self>>;

        /// How long the arbiter can decide an appeal, in active blocks: a referendum must fit in.
        type AppealTime: Get<BlockNumberFor<Self>>;

        /// Active blocks between a curator's leaving the draw and the release of its stake.
        type Unbonding: Get<BlockNumberFor<Self>>;

        /// The least stake of a curator, and what one ticket in the draw stands for, in units of 10^-12 SBH.
        #[pallet::constant]
        type MinStake: Get<Balance>;

        /// What of a curator's stake answers for a seat, in units of 10^-12 SBH.
        #[pallet::constant]
        type SeatStake: Get<Balance>;

        /// What a sound vote is paid, in units of 10^-12 SBH.
        #[pallet::constant]
        type SeatPay: Get<Balance>;

        /// The bond of an appeal, in units of 10^-12 SBH.
        #[pallet::constant]
        type AppealBond: Get<Balance>;

        /// Names the pot, the account that holds budgets and fees.
        #[pallet::constant]
        type PalletId: Get<PalletId>;

        /// Weights of this pallet's calls.
        type WeightInfo: WeightInfo;

        /// What benchmarks need from the runtime.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: crate::BenchmarkHelper;
    }

    /// Why this pallet holds tokens.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The stake of a curator, which answers for its votes.
        #[codec(index = 0)]
        CuratorStake,
        /// The bond of a claim, which is lost if it is false.
        #[codec(index = 1)]
        ClaimBond,
        /// The bond of an appeal, which is lost if it changes nothing.
        #[codec(index = 2)]
        AppealBond,
        /// The deposit for a record.
        #[codec(index = 3)]
        Storage,
    }

    /// The datasets.
    #[pallet::storage]
    pub type Datasets<T: Config> = StorageMap<_, Twox64Concat, DatasetId, DatasetOf<T>>;

    /// The deposits for their records, until they are closed.
    #[pallet::storage]
    pub type DatasetDeposits<T: Config> = StorageMap<_, Twox64Concat, DatasetId, T::Consideration>;

    /// The number of the next dataset.
    #[pallet::storage]
    pub type NextDataset<T: Config> = StorageValue<_, DatasetId, ValueQuery>;

    /// The licences that datasets may be under, in order.
    #[pallet::storage]
    pub type Licences<T: Config> = StorageValue<_, BoundedVec<Licence, ConstU32<MAX_LICENCES>>, ValueQuery>;

    /// What of the pot belongs to datasets and claims, in units of 10^-12 SBH.
    #[pallet::storage]
    pub type Allotted<T: Config> = StorageValue<_, Balance, ValueQuery>;

    /// The claims that are not settled.
    #[pallet::storage]
    pub type Claims<T: Config> = StorageMap<_, Twox64Concat, ClaimId, ClaimOf<T>>;

    /// The deposits for their records.
    #[pallet::storage]
    pub type ClaimDeposits<T: Config> = StorageMap<_, Twox64Concat, ClaimId, T::Consideration>;

    /// Their shards.
    #[pallet::storage]
    pub type ClaimShards<T: Config> = StorageMap<_, Twox64Concat, ClaimId, Shards>;

    /// Where their data is served.
    #[pallet::storage]
    pub type ClaimLocators<T: Config> = StorageMap<_, Twox64Concat, ClaimId, Locators>;

    /// The number of the next claim.
    #[pallet::storage]
    pub type NextClaim<T: Config> = StorageValue<_, ClaimId, ValueQuery>;

    /// The shards of claims that have told them and are open, or were accepted, and the claim of each.
    #[pallet::storage]
    pub type ShardClaims<T: Config> = StorageMap<_, Blake2_128Concat, Digest, ClaimId>;

    /// The claims that were accepted, by the root over their shards.
    #[pallet::storage]
    pub type AcceptedRoots<T: Config> = StorageMap<_, Blake2_128Concat, Digest, Accepted<T::AccountId>>;

    /// The curators.
    #[pallet::storage]
    pub type Curators<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Curator>;

    /// What is known of the ticket array as a whole.
    #[pallet::storage]
    pub type TicketHead<T: Config> = StorageValue<_, Head, ValueQuery>;

    /// The tickets of curators, and those that have left and may still be drawn from a set frozen before.
    #[pallet::storage]
    pub type Tickets<T: Config> = StorageMap<_, Twox64Concat, u32, Ticket<T::AccountId>>;

    /// Where in the array a curator's ticket is, by the curator and the ticket's number.
    #[pallet::storage]
    pub type TicketPlaces<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, u16, u32>;

    /// The queue of entries of the array that tickets have left.
    #[pallet::storage]
    pub type LeftTickets<T: Config> = StorageMap<_, Twox64Concat, u32, u32>;

    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// The licences that datasets may be under, by their SPDX identifiers.
        pub licences: Vec<alloc::string::String>,
        #[serde(skip)]
        #[doc(hidden)]
        pub _config: PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        fn default() -> Self {
            Self { licences: LICENCES.map(Into::into).into(), _config: PhantomData }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            for licence in &self.licences {
                let id = Licence::try_from(licence.as_bytes().to_vec());
                let added = id.is_ok_and(|id| Pallet::<T>::do_set_licence(id, true).is_ok());
                assert!(added, "not an SPDX identifier, or twice the same: {licence}");
            }
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::MinStake::get() > 0, "a ticket must stand for something");
            assert!(T::SeatStake::get() <= T::MinStake::get(), "every curator must be able to take a seat");
            // Of a panel without a quorum, one was silent at least; half of its stake pays the others.
            let others = T::SeatPay::get().saturating_mul((MAX_PANEL / 2).into());
            assert!(others <= T::SeatStake::get() / 2, "who votes in vain must be paid");
            assert!(T::SeatPay::get() > 0 && T::AppealBond::get() > 0, "judging is paid, appealing costs");
            // A dataset that has paid nothing is removed with its last claim.
            assert!(T::SeatPay::get() >= WHOLE.into(), "every accepted claim must be paid something");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Register a dataset.
        ///
        /// The origin must be signed. A deposit for its record is put on hold, and returned when it is closed. Its budget is empty:
        /// `donate` to it, or ask the DatasetArbiter track to `allot`.
        ///
        /// - `title`: one line of text for people.
        /// - `modality`: what the data is made of.
        /// - `language`: a BCP-47 tag such as `es`; `zxx` for data without a language.
        /// - `licence`: the SPDX identifier of a licence that the DAO's list has.
        /// - `unit`: what is counted and paid.
        /// - `unit_bytes`: bytes that a unit has at least. It bounds what a claim of so many bytes can reserve of the budget.
        /// - `rate`: what an accepted unit is paid, in units of 10^-12 SBH.
        /// - `panel`: curators of a claim's panel, 3 to 15.
        ///
        /// Emits `DatasetRegistered`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register_dataset())]
        pub fn register_dataset(
            origin: OriginFor<T>,
            title: Title,
            modality: Modality,
            language: Language,
            licence: Licence,
            unit: Unit,
            unit_bytes: u32,
            rate: Balance,
            panel: u16,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_register_dataset(
                owner, title, modality, language, licence, unit, unit_bytes, rate, panel,
            )
        }

        /// Let a dataset take no claims any more.
        ///
        /// The origin must be signed by who registered it, or be `ArbiterOrigin` (the DatasetArbiter track). Claims that are open go on. When
        /// the last is settled, what is left of the budget belongs to no dataset again, and the deposit is returned. The record stays if
        /// anything was accepted.
        ///
        /// - `dataset`: the dataset.
        ///
        /// Emits `DatasetClosed`, and `DatasetFinished` if no claim is open.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::close_dataset())]
        pub fn close_dataset(origin: OriginFor<T>, dataset: DatasetId) -> DispatchResult {
            let by = match T::ArbiterOrigin::try_origin(origin) {
                Ok(_) => None,
                Err(origin) => Some(ensure_signed(origin)?),
            };
            Self::do_close_dataset(dataset, by)
        }

        /// Add to a dataset's budget.
        ///
        /// The origin must be signed, by anyone.
        ///
        /// - `dataset`: the dataset. It must take claims.
        /// - `amount`: how much, in units of 10^-12 SBH. It is not returned.
        ///
        /// Emits `BudgetRaised`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::donate())]
        pub fn donate(origin: OriginFor<T>, dataset: DatasetId, amount: Balance) -> DispatchResult {
            let donor = ensure_signed(origin)?;
            Self::do_donate(donor, dataset, amount)
        }

        /// Give a dataset a part of what was minted for datasets.
        ///
        /// The origin must be `ArbiterOrigin` (the DatasetArbiter track).
        ///
        /// - `dataset`: the dataset. It must take claims.
        /// - `amount`: how much of what belongs to no dataset yet, in units of 10^-12 SBH.
        ///
        /// Emits `BudgetRaised`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::allot())]
        pub fn allot(origin: OriginFor<T>, dataset: DatasetId, amount: Balance) -> DispatchResult {
            T::ArbiterOrigin::ensure_origin(origin)?;
            Self::do_allot(dataset, amount)
        }

        /// Change the list of licences that datasets may be under.
        ///
        /// The origin must be `ArbiterOrigin` (the DatasetArbiter track). Claims that were sealed before go on.
        ///
        /// - `licence`: an SPDX identifier.
        /// - `allowed`: whether the list is to have it.
        ///
        /// Emits `LicenceSet`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::set_licence())]
        pub fn set_licence(origin: OriginFor<T>, licence: Licence, allowed: bool) -> DispatchResult {
            T::ArbiterOrigin::ensure_origin(origin)?;
            Self::do_set_licence(licence, allowed)
        }

        /// Begin a claim, without telling what is claimed.
        ///
        /// The origin must be signed, by who is to be paid. The least bond of a claim is put on hold.
        ///
        /// - `dataset`: the dataset. Its licence must still be on the list.
        /// - `seal`: the digest of dataset, root over the shards, salt and the caller's account.
        ///
        /// Emits `ClaimCommitted`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::commit_claim())]
        pub fn commit_claim(origin: OriginFor<T>, dataset: DatasetId, seal: Digest) -> DispatchResult {
            let claimant = ensure_signed(origin)?;
            Self::do_commit_claim(claimant, dataset, seal)
        }

        /// Tell what is claimed.
        ///
        /// The origin must be signed by the claimant, `Availability` active blocks after the seal at the earliest. The rest of the bond and a
        /// deposit for the list of shards are put on hold; `SeatPay` for each curator of the panel is paid. Free if the budget covers the
        /// claim. If it does not, no panel is drawn, and the shards are kept for the claim, for `Window` active blocks: `poke` it once the
        /// budget does. After that it ends, and what was paid for the panel comes back.
        ///
        /// - `claim`: the claim.
        /// - `units`: how much it is, as the dataset counts.
        /// - `bytes`: bytes of all shards: each has 2^20, the last one may have fewer.
        /// - `shards`: BLAKE3 of each shard, in order. None may be in another claim that is open or was accepted.
        /// - `locators`: where they are served, for the curators.
        /// - `salt`: what hid the root.
        ///
        /// Emits `ClaimRevealed`, and `ClaimUnfunded` if the budget does not cover the claim.
        #[pallet::call_index(6)]
        #[pallet::weight((T::WeightInfo::reveal_claim(shards.len() as u32), DispatchClass::Operational))]
        pub fn reveal_claim(
            origin: OriginFor<T>,
            claim: ClaimId,
            units: u64,
            bytes: u64,
            shards: Shards,
            locators: Locators,
            salt: [u8; 32],
        ) -> DispatchResultWithPostInfo {
            let claimant = ensure_signed(origin)?;
            let funded = Self::do_reveal_claim(&claimant, claim, units, bytes, shards, locators, &salt)?;
            Ok(if funded { Pays::No } else { Pays::Yes }.into())
        }

        /// Give up a claim before anything was promised to it. Its bond is released, and what was paid for the panel comes back; shards that were
        /// told are free.
        ///
        /// The origin must be signed by the claimant.
        ///
        /// - `claim`: the claim.
        ///
        /// Emits `ClaimWithdrawn`.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::withdraw_claim(MAX_SHARDS))]
        pub fn withdraw_claim(origin: OriginFor<T>, claim: ClaimId) -> DispatchResultWithPostInfo {
            let claimant = ensure_signed(origin)?;
            let freed = Self::do_withdraw_claim(&claimant, claim)?;
            Ok(Some(T::WeightInfo::withdraw_claim(freed)).into())
        }

        /// Do what is due for a claim: promise it what it can come to, draw its panel, close its seals or votes, decide, settle.
        ///
        /// The origin must be signed, by anyone. Free if anything was done. If no panel had a quorum, the claimant can have three more drawn by
        /// this, before the retention is over.
        ///
        /// - `claim`: the claim.
        ///
        /// Emits an event for what was done.
        #[pallet::call_index(8)]
        #[pallet::weight((crate::poke::most::<T>(), DispatchClass::Operational))]
        pub fn poke(origin: OriginFor<T>, claim: ClaimId) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            let weight = Self::do_poke(&who, claim)?;
            Ok(PostDispatchInfo { actual_weight: Some(weight), pays_fee: Pays::No })
        }

        /// Be a curator.
        ///
        /// The origin must be signed. The curator has a ticket in the draw for each `MinStake` of its stake, up to 64; they count in
        /// the sets that are frozen from the next session on.
        ///
        /// - `stake`: at least `MinStake`, in units of 10^-12 SBH; it is put on hold.
        ///
        /// Emits `CuratorRegistered`.
        #[pallet::call_index(9)]
        #[pallet::weight(T::WeightInfo::register_curator())]
        pub fn register_curator(origin: OriginFor<T>, stake: Balance) -> DispatchResult {
            let curator = ensure_signed(origin)?;
            Self::do_register_curator(curator, stake)
        }

        /// Raise a curator's stake.
        ///
        /// The origin must be signed by the curator.
        ///
        /// - `amount`: what is put on hold in addition, in units of 10^-12 SBH.
        ///
        /// Emits `CuratorStakeAdded`.
        #[pallet::call_index(10)]
        #[pallet::weight(T::WeightInfo::add_curator_stake())]
        pub fn add_curator_stake(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
            let curator = ensure_signed(origin)?;
            Self::do_add_curator_stake(curator, amount)
        }

        /// Be in the draw again, after leaving it, being silent, or losing a part of the least stake.
        ///
        /// The origin must be signed by the curator. Its stake must be at least `MinStake`.
        ///
        /// Emits `CuratorReady`.
        #[pallet::call_index(11)]
        #[pallet::weight(T::WeightInfo::ready_curator())]
        pub fn ready_curator(origin: OriginFor<T>) -> DispatchResult {
            let curator = ensure_signed(origin)?;
            Self::do_ready_curator(curator)
        }

        /// Take a curator's tickets out of the draw.
        ///
        /// The origin must be signed: by the curator, or, if it is absent, by anyone. What it was drawn for is still to be done, and for six
        /// sessions it may still be drawn from sets that were frozen before. Its shares in the pool of curators end.
        ///
        /// - `curator`: the curator.
        ///
        /// Emits `CuratorDrained`.
        #[pallet::call_index(12)]
        #[pallet::weight(T::WeightInfo::drain_curator())]
        pub fn drain_curator(origin: OriginFor<T>, curator: T::AccountId) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_drain_curator(&who, curator)
        }

        /// Take a curator's stake back, and be none any more.
        ///
        /// The origin must be signed by the curator, which must have left the draw `Unbonding` active blocks ago, and have no seat that is
        /// not settled.
        ///
        /// Emits `CuratorWithdrawn`.
        #[pallet::call_index(13)]
        #[pallet::weight(T::WeightInfo::withdraw_curator())]
        pub fn withdraw_curator(origin: OriginFor<T>) -> DispatchResult {
            let curator = ensure_signed(origin)?;
            Self::do_withdraw_curator(curator)
        }

        /// Seal a vote.
        ///
        /// The origin must be signed by a curator of the claim's panel. Free if it is accepted. It stands.
        ///
        /// - `claim`: the claim.
        /// - `seal`: the digest of claim, number of the panel, vote, salt and the curator's account.
        ///
        /// Emits `VoteSealed`.
        #[pallet::call_index(14)]
        #[pallet::weight((T::WeightInfo::seal_vote(), DispatchClass::Operational))]
        pub fn seal_vote(origin: OriginFor<T>, claim: ClaimId, seal: Digest) -> DispatchResultWithPostInfo {
            let curator = ensure_signed(origin)?;
            Self::do_seal_vote(&curator, claim, seal)?;
            Ok(Pays::No.into())
        }

        /// Reveal a sealed vote.
        ///
        /// The origin must be signed by the curator. Free if it is accepted. Not revealing costs all of the seat's stake, a vote far
        /// from what is decided half of it.
        ///
        /// - `claim`: the claim.
        /// - `vote`: which part of the units is what it says, of 10,000, and how good that part is, of 100.
        /// - `salt`: what hid the vote.
        ///
        /// Emits `VoteRevealed`.
        #[pallet::call_index(15)]
        #[pallet::weight((T::WeightInfo::reveal_vote(), DispatchClass::Operational))]
        pub fn reveal_vote(
            origin: OriginFor<T>,
            claim: ClaimId,
            vote: Vote,
            salt: [u8; 32],
        ) -> DispatchResultWithPostInfo {
            let curator = ensure_signed(origin)?;
            Self::do_reveal_vote(&curator, claim, vote, &salt)?;
            Ok(Pays::No.into())
        }

        /// Appeal against what was decided about a claim: it is false, was judged wrongly, or its data is not served.
        ///
        /// The origin must be signed, by anyone. Free if it is accepted. `AppealBond` is put on hold. It is released if the arbiter decides otherwise, and
        /// lost if not, or not in time: propose `arbitrate` on the DatasetArbiter track. What the arbiter decides is final; if it does
        /// not, others can appeal for as long as the retention lasts.
        ///
        /// - `claim`: the claim. Its retention must not be over.
        ///
        /// Emits `ClaimAppealed`.
        #[pallet::call_index(16)]
        #[pallet::weight((T::WeightInfo::appeal(), DispatchClass::Operational))]
        pub fn appeal(origin: OriginFor<T>, claim: ClaimId) -> DispatchResultWithPostInfo {
            let appellant = ensure_signed(origin)?;
            Self::do_appeal(appellant, claim)?;
            Ok(Pays::No.into())
        }

        /// Decide about a claim, whatever was decided before. It is final.
        ///
        /// The origin must be `ArbiterOrigin` (the DatasetArbiter track).
        ///
        /// - `claim`: the claim: judged, or appealed.
        /// - `vote`: which part of its units is accepted, of 10,000, and how good that part is, of 100. Below 1,000 it is rejected as
        ///   false.
        /// - `panel_at_fault`: whether the panel's votes are measured by this. If not, as when data was withdrawn later, they are by
        ///   the panel's own median.
        ///
        /// Emits `ClaimArbitrated`, and `AppealEnded` if there was one.
        #[pallet::call_index(17)]
        #[pallet::weight(T::WeightInfo::arbitrate())]
        pub fn arbitrate(
            origin: OriginFor<T>,
            claim: ClaimId,
            vote: Vote,
            panel_at_fault: bool,
        ) -> DispatchResult {
            T::ArbiterOrigin::ensure_origin(origin)?;
            Self::do_arbitrate(claim, vote, panel_at_fault)
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The claims on whose panels `curator` sits, in order.
        pub fn seats_of(curator: T::AccountId) -> Vec<(ClaimId, ClaimOf<T>)> {
            let sits = |claim: &ClaimOf<T>| claim.panel.iter().any(|seat| seat.curator == curator);
            let mut seats: Vec<_> = Claims::<T>::iter().filter(|(_, claim)| sits(claim)).collect();
            seats.sort_by_key(|(claim, _)| *claim);
            seats
        }

        /// Whether a poke of `claim` would do something now.
        pub fn is_due(claim: ClaimId) -> bool {
            let due = |claim: ClaimOf<T>| Self::due_now(&claim).is_some() || Self::is_funded(&claim);
            Claims::<T>::get(claim).is_some_and(due)
        }

        /// What was minted for datasets and belongs to none yet, in units of 10^-12 SBH.
        pub fn unallotted() -> Balance {
            Self::unallotted_now()
        }
    }
}
