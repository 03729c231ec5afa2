//! # Training
//!
//! Workers put a stake on hold and train; runs pay them, slot by slot. This pallet is the chain's side of the protocol whose
//! state machine is in `sabha-protocol`: it assigns slots, takes commitments, and pays for them after a window.
//!
//! ## Glossary
//!
//! - **Worker**: an owner's account with a stake on hold, and a **hot key** that speaks for it day by day, so that the owner's
//!   key can stay offline. The hot key cannot touch money.
//! - **Run**: a specification (`RunSpec`), immutable, and a budget that the pallet's **pot** holds in **escrow**.
//! - **Round, slot**: a run is a sequence of rounds; a round has one slot (numerics version 0 knows no aggregation), which one
//!   worker trains from the checkpoint that the round before committed.
//! - **Generation**: how often a slot was taken from a worker and given to another.
//! - **Committed**: the worker has bound itself to a result. **Final**: the window after it has passed; it is paid.
//! - **Ready set**: the workers that wait for a slot. A worker that has one is not in it.
//! - **Active block**: see `pallet-sabha-timing`. Every deadline here is in active blocks.
//!
//! ## Life of a run
//!
//! ```text
//! create_run ──► Active ◄── resume_run / pause_run, divergence ──► Paused
//!                  │                                                 │
//!                  ├── all rounds final ──► Completed ◄──────────────┤
//!                  └── stop_run ──► Stopping ── committed ones final ──► Stopped
//! ```
//!
//! Nothing happens by itself: `poke` does what is due for a run (finalise, expire, assign), anybody may call it, and it costs
//! nothing if it did something. Rounds are trained one after another, but their windows run in parallel: up to
//! [`Config::MaxUnfinalised`] rounds are committed and not final. They become final, and are paid, in order.
//!
//! A worker that misses a deadline loses the slot, not its stake: the slot goes to another worker, with the next generation.
//!
//! ## Clocks
//!
//! A specification chooses how long a worker has for a slot, and how long its commitment waits. Both are somebody else's time, so
//! the chain bounds them when the run is created, by its own durations at that moment:
//!
//! | clock | at least | at most |
//! |---|---|---|
//! | `clocks.training` | [`Config::MinTraining`] | [`Config::MaxWindows`] times [`Config::Window`] |
//! | `clocks.window` | [`Config::Window`] | [`Config::MaxWindows`] times [`Config::Window`] |
//!
//! So without anybody's consent, no stake is tied to a slot for longer than both clocks together: once the deadline has passed,
//! or the window, anybody's `poke` releases it.
//!
//! A slot whose arithmetic left the finite numbers commits `Diverged`. It is paid, for the specification is at fault, and the
//! run pauses. If it is resumed, the next round starts from the checkpoint that the diverged one started from.
//!
//! ## Money
//!
//! - A stake is on hold in the owner's account ([`HoldReason::WorkerStake`]). It answers for every slot that the worker has
//!   committed and that is not final: `unbond` is refused until there is none, and [`Config::Unbonding`] active blocks later
//!   `withdraw` releases it. **Nothing slashes it yet**: audits and disputes come in a later release.
//! - A budget is moved into the pot, which is endowed with the existential deposit at genesis. The pot is one account; how much
//!   of it belongs to a run is in the run's `escrow`.
//! - A price is at least the existential deposit, so that a fresh account can take it. If the payout account cannot take a
//!   payment all the same, the owner's gets it; if that cannot either, the worker is `owed` the amount, which goes with its next
//!   payment, at the latest with `withdraw`. So no account blocks a run.
//! - What is left of a budget when a run is over goes back to the run's owner. If its account cannot take it (it is gone, and the
//!   amount is below the existential deposit), it stays in the run's `escrow`, and each later `poke` tries again.
//!
//! ## What remains
//!
//! The slots and the specification of a run are removed when it is over. Its [`Run`] record stays, about 140 bytes: it is the
//! result that the chain vouches for (specification hash, last checkpoint, rounds, payments) and there is no other place for it
//! until the registry of models exists. How many there are is **not bounded**: see the limitations.
//!
//! ## Scenarios
//!
//! **A round.** Asha's run has eight rounds at 2.5 SBH. Binh's and Chidi's workers are ready. A poke draws Binh's for round 0.
//! It commits after 12 blocks and is ready again; the next poke draws Chidi's for round 1, which starts from the checkpoint that
//! Binh's committed. 60 blocks after Binh's commitment a poke makes round 0 final: Binh's payout account has 2.5 SBH more.
//!
//! **A crash.** Chidi's machine loses power in round 1. After the deadline a poke takes the slot away (`failed` is 1, the worker
//! is idle) and gives round 1, generation 1, to Binh's. What Chidi's commits after that is refused. Its daemon calls `ready`.
//!
//! **A stop.** The ComputeAllocator track stops the run in round 3. Binh's worker, in mid-slot, is released and ready for other
//! runs; rounds 1 and 2 become final and are paid; 12.5 SBH go back to Asha.
//!
//! ## Limitations
//!
//! - Nothing checks a result yet, neither its truth nor that its update can be fetched. If a round's update is withheld, the next
//!   one cannot be trained: its slot expires until the run is stopped.
//! - Draws are uniform over the workers that are ready when somebody pokes, so who pokes has a say in it. Nothing of value hangs
//!   on a draw until audits exist; they come with frozen sets and draws by stake.
//! - Anyone may create runs, hence fill the [`Config::MaxRuns`] places with cheap ones. The ComputeAllocator track can stop them;
//!   admission by the DAO comes with the allocation pallet.
//! - The records of runs that are over are never removed. All that one costs its creator for good is the fee of `create_run`: the
//!   budget comes back when the run is stopped, and a worker of one's own earns it when the run is trained. A call that removes a
//!   record would take away what clients read a result from; a deposit comes with the registry of models, which takes the
//!   results over.
//! - Clocks are compared with the chain's durations, not with the work: a run may ask for more than any worker can do in its
//!   training clock. A worker that is drawn for it loses the slot and is idle until it is made ready again. The ComputeAllocator
//!   track can stop such a run.
//! - An account named as a hot key cannot register as an owner, or be another worker's hot key; it need not agree. Whoever claims
//!   an account that way locks a stake for it.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
mod pot;
mod runs;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;
mod types;
pub mod weights;
mod workers;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use pallet::*;
pub use types::{Device, Due, PauseReason, Run, RunStatus, SlotPosition, Worker, WorkerStatus};
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
    use alloc::{boxed::Box, vec::Vec};

    use frame_support::{
        PalletId,
        dispatch::PostDispatchInfo,
        pallet_prelude::*,
        traits::{
            Randomness,
            fungible::{Inspect, Mutate, MutateHold},
        },
    };
    use frame_system::pallet_prelude::*;
    use sabha_protocol::{
        Balance, Digest, Generation, Outcome, RoundIndex, RunId, RunSpec, Slot, SlotError, SlotId, SlotIndex,
        SpecError, slot::ActiveBlock,
    };

    use crate::{Device, Due, PauseReason, Run, SlotPosition, WeightInfo, Worker};

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// Where a worker serves its results, as text.
    pub type EndpointOf<T> = BoundedVec<u8, <T as Config>::MaxEndpointLen>;
    /// A worker of this chain.
    pub type WorkerOf<T> = Worker<<T as frame_system::Config>::AccountId, EndpointOf<T>>;
    /// A run of this chain.
    pub type RunOf<T> = Run<<T as frame_system::Config>::AccountId>;
    /// A slot of this chain.
    pub type SlotOf<T> = Slot<<T as frame_system::Config>::AccountId>;

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The token: stakes are held in it, budgets and payments moved.
        type Currency: Inspect<Self::AccountId, Balance = Balance>
            + Mutate<Self::AccountId>
            + MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

        /// The runtime's hold reasons.
        type RuntimeHoldReason: From<HoldReason>;

        /// The number of active blocks so far: the clock of every deadline here.
        type ActiveBlocks: Get<u32>;

        /// The shortest window that a run may have, in active blocks.
        type Window: Get<BlockNumberFor<Self>>;

        /// The shortest training clock that a run may have, in active blocks. Not more than [`Config::Window`].
        type MinTraining: Get<BlockNumberFor<Self>>;

        /// How many times [`Config::Window`] a run's training clock and its window may be at most. Not zero.
        #[pallet::constant]
        type MaxWindows: Get<u32>;

        /// Active blocks between `unbond` and `withdraw`.
        type Unbonding: Get<BlockNumberFor<Self>>;

        /// Who may pause, resume and stop runs (the ComputeAllocator track).
        type AllocatorOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Draws workers for slots.
        type Randomness: Randomness<Self::Hash, BlockNumberFor<Self>>;

        /// The least stake of a worker, in units of 10^-12 SBH.
        #[pallet::constant]
        type MinStake: Get<Balance>;

        /// The most bytes of a worker's endpoint.
        #[pallet::constant]
        type MaxEndpointLen: Get<u32>;

        /// The most rounds of a run that are committed and not final. Not zero.
        #[pallet::constant]
        type MaxUnfinalised: Get<u32>;

        /// The most runs that are not over.
        #[pallet::constant]
        type MaxRuns: Get<u32>;

        /// Names the pot, the account that holds the budgets of runs.
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
        /// The stake of a worker, which answers for the slots it has committed.
        #[codec(index = 0)]
        WorkerStake,
    }

    /// The registered workers, by their owner's account.
    #[pallet::storage]
    pub type Workers<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, WorkerOf<T>>;

    /// The owner of the worker that an account is the hot key of.
    #[pallet::storage]
    pub type HotKeys<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, T::AccountId>;

    /// The owners of the ready workers, at indices from 0 without gaps; the order means nothing.
    #[pallet::storage]
    pub type ReadySet<T: Config> = StorageMap<_, Twox64Concat, u32, T::AccountId>;

    /// How many workers are ready.
    #[pallet::storage]
    pub type ReadyCount<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// Where in the ready set a worker is, by its owner.
    #[pallet::storage]
    pub type ReadyIndex<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, u32>;

    /// The runs, those that are over included.
    #[pallet::storage]
    pub type Runs<T: Config> = StorageMap<_, Twox64Concat, RunId, RunOf<T>>;

    /// The specifications of the runs that are not over.
    #[pallet::storage]
    pub type Specs<T: Config> = StorageMap<_, Twox64Concat, RunId, RunSpec>;

    /// How many runs are not over.
    #[pallet::storage]
    pub type OpenRuns<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// The number of the next run.
    #[pallet::storage]
    pub type NextRunId<T: Config> = StorageValue<_, RunId, ValueQuery>;

    /// The slots that are assigned, or committed and not final.
    #[pallet::storage]
    pub type Slots<T: Config> =
        StorageDoubleMap<_, Twox64Concat, RunId, Twox64Concat, SlotPosition, SlotOf<T>>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A worker was registered. It takes no slots until it is ready.
        WorkerRegistered {
            /// The worker's owner.
            owner: T::AccountId,
            /// The account that speaks for it.
            hot_key: T::AccountId,
            /// The account that is paid.
            payout: T::AccountId,
            /// What it computes with.
            device: Device,
            /// Its stake, in units of 10^-12 SBH.
            stake: Balance,
        },
        /// A worker's hot key, payout account, device or endpoint was changed.
        WorkerUpdated {
            /// The worker's owner.
            owner: T::AccountId,
        },
        /// A worker's stake was raised.
        StakeAdded {
            /// The worker's owner.
            owner: T::AccountId,
            /// By how much, in units of 10^-12 SBH.
            amount: Balance,
            /// The whole stake now, in units of 10^-12 SBH.
            stake: Balance,
        },
        /// A worker takes slots from now on.
        WorkerReady {
            /// The worker's owner.
            owner: T::AccountId,
        },
        /// A worker takes no more slots from now on.
        WorkerDrained {
            /// The worker's owner.
            owner: T::AccountId,
            /// The slot that it still has to finish.
            assigned: Option<SlotId>,
        },
        /// A worker asked for its stake.
        UnbondingStarted {
            /// The worker's owner.
            owner: T::AccountId,
            /// The active block from which it can withdraw, as durations are now.
            until: ActiveBlock,
        },
        /// A worker got its stake back and is gone.
        Withdrawn {
            /// The worker's owner.
            owner: T::AccountId,
            /// The stake, in units of 10^-12 SBH.
            stake: Balance,
        },
        /// A run was created.
        RunCreated {
            /// The run.
            run: RunId,
            /// Who created it.
            owner: T::AccountId,
            /// Binds its specification.
            spec_hash: Digest,
            /// Its budget, in units of 10^-12 SBH.
            budget: Balance,
        },
        /// A run's budget was raised.
        RunToppedUp {
            /// The run.
            run: RunId,
            /// Who paid.
            from: T::AccountId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// A run opens no more rounds until it is resumed.
        RunPaused {
            /// The run.
            run: RunId,
            /// Why.
            reason: PauseReason,
        },
        /// A run opens rounds again.
        RunResumed {
            /// The run.
            run: RunId,
        },
        /// A run was stopped: it opens no more rounds, ever, and ends when its committed ones are final.
        RunStopping {
            /// The run.
            run: RunId,
        },
        /// A run is over: it was stopped before its last round.
        RunStopped {
            /// The run.
            run: RunId,
            /// Rounds that became final.
            finalised: RoundIndex,
            /// BLAKE3 of the last checkpoint; none if no round trained one.
            checkpoint: Option<Digest>,
            /// What its slots were paid in all, in units of 10^-12 SBH.
            paid: Balance,
        },
        /// A run is over: every round is final.
        RunCompleted {
            /// The run.
            run: RunId,
            /// BLAKE3 of the last checkpoint; none if every round diverged.
            checkpoint: Option<Digest>,
            /// What its slots were paid in all, in units of 10^-12 SBH.
            paid: Balance,
        },
        /// What was left of a run's budget went back to its owner.
        BudgetRefunded {
            /// The run.
            run: RunId,
            /// The run's owner.
            owner: T::AccountId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// The run's owner could not take what is left of its budget. A later poke tries again.
        RefundWaits {
            /// The run.
            run: RunId,
            /// The run's owner.
            owner: T::AccountId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// A slot was assigned to a worker.
        SlotAssigned {
            /// The slot.
            slot: SlotId,
            /// How often it was assigned before.
            generation: Generation,
            /// The worker's owner.
            worker: T::AccountId,
            /// The last active block in which a commitment is accepted.
            deadline: ActiveBlock,
        },
        /// A worker committed what it made of a slot.
        SlotCommitted {
            /// The slot.
            slot: SlotId,
            /// How often it was assigned before.
            generation: Generation,
            /// The worker's owner.
            worker: T::AccountId,
            /// What it committed.
            outcome: Outcome,
            /// The active block from which the outcome is final.
            final_at: ActiveBlock,
        },
        /// A worker missed the deadline of a slot and lost it.
        SlotExpired {
            /// The slot.
            slot: SlotId,
            /// How often it was assigned before.
            generation: Generation,
            /// The worker's owner.
            worker: T::AccountId,
        },
        /// A slot was taken from its worker because its run was stopped. The worker is not at fault.
        SlotReleased {
            /// The slot.
            slot: SlotId,
            /// How often it was assigned before.
            generation: Generation,
            /// The worker's owner.
            worker: T::AccountId,
        },
        /// A slot's outcome is final.
        SlotFinalised {
            /// The slot.
            slot: SlotId,
            /// How often it was assigned before.
            generation: Generation,
            /// The worker's owner.
            worker: T::AccountId,
            /// The outcome.
            outcome: Outcome,
        },
        /// A worker was paid.
        WorkerPaid {
            /// The worker's owner.
            worker: T::AccountId,
            /// The account that took the payment: the payout account, or the owner's if that one could not.
            to: T::AccountId,
            /// How much, in units of 10^-12 SBH: the slot's price, and what the worker was owed before.
            amount: Balance,
        },
        /// Neither a worker's payout account nor its owner's could take a payment. It goes with the next one, at the latest with
        /// the withdrawal.
        PaymentOwed {
            /// The worker's owner.
            worker: T::AccountId,
            /// What the worker is owed in all, in units of 10^-12 SBH.
            owed: Balance,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// The account neither owns a worker nor is one's hot key.
        NoSuchWorker,
        /// The account owns a worker already.
        AlreadyRegistered,
        /// The hot key is another worker's, or owns another worker.
        HotKeyTaken,
        /// The account is the hot key of another worker: it cannot own one.
        OwnerIsHotKey,
        /// The stake is below the least stake of a worker.
        StakeTooLow,
        /// The endpoint is not printable ASCII.
        BadEndpoint,
        /// Nothing is to be changed.
        NothingToChange,
        /// The amount is zero.
        ZeroAmount,
        /// The worker takes slots already.
        AlreadyReady,
        /// The worker takes no slots as it is.
        NotReady,
        /// The worker asked for its stake: it takes no slots any more.
        Unbonding,
        /// The worker has not asked for its stake.
        NotUnbonding,
        /// The worker has a slot to finish first.
        SlotUnfinished,
        /// The stake answers for committed slots that are not final yet.
        StakeInUse,
        /// The stake is released only after the unbonding time.
        UnbondingNotOver,
        /// The specification's numerics version is not known to this chain.
        SpecNumericsVersion,
        /// A number in the specification is out of its range; `sabha-worker run check` says which.
        SpecOutOfRange,
        /// A real number in the specification is not finite or out of its range; `sabha-worker run check` says which.
        SpecBadNumber,
        /// The specification's heads do not divide the width into heads of an even width.
        SpecHeads,
        /// The specification's segments do not divide a slot.
        SpecSegments,
        /// The specification's tokens cannot index the vocabulary, or are not 1, 2 or 4 bytes wide.
        SpecTokenWidth,
        /// The specification's stream has no room for one window of tokens, in its training or its held-out part.
        SpecTooFewTokens,
        /// The specification's lowest learning rate is above its highest.
        SpecRates,
        /// The specification's rounds have more slots than its numerics version can aggregate.
        SpecSlots,
        /// The specification has an `initial_checkpoint`, which no worker can start from yet: leave it out.
        SpecInitialCheckpoint,
        /// The price of a slot is below the existential deposit.
        PriceTooLow,
        /// The specification's `clocks.training` is shorter than the chain allows: no worker could commit in time.
        TrainingTooShort,
        /// The specification's window is shorter than the chain's.
        WindowTooShort,
        /// The specification's `clocks.training` or `clocks.window` is more than `MaxWindows` times the chain's window: stakes
        /// would be tied for too long.
        ClockTooLong,
        /// The budget does not pay for every slot.
        BudgetTooLow,
        /// As many runs as possible are open.
        TooManyRuns,
        /// There is no such run.
        NoSuchRun,
        /// The run was stopped or is over.
        RunClosed,
        /// The run is paused already.
        AlreadyPaused,
        /// The run is not paused.
        NotPaused,
        /// Nothing is due for the run: no window or deadline has passed, and no slot can be assigned.
        NothingDue,
        /// The slot is not open: not assigned yet, final, or of a run that is over.
        NoSuchSlot,
        /// The slot is assigned to another worker.
        SlotNotYours,
        /// The slot was assigned anew: this is a commitment of an earlier generation.
        WrongGeneration,
        /// The slot has a commitment already.
        AlreadyCommitted,
        /// The slot's deadline has passed.
        TooLate,
        /// The loss is not finite, or the diverged step does not exist.
        MalformedOutcome,
    }

    impl<T> From<SpecError> for Error<T> {
        fn from(error: SpecError) -> Self {
            match error {
                SpecError::OutOfRange { .. } | SpecError::TooLarge { .. } => Self::SpecOutOfRange,
                SpecError::BadNumber { .. } => Self::SpecBadNumber,
                SpecError::Heads { .. } => Self::SpecHeads,
                SpecError::Segments { .. } => Self::SpecSegments,
                SpecError::TokenWidth { .. } => Self::SpecTokenWidth,
                SpecError::TooFewTokens { .. } => Self::SpecTooFewTokens,
                SpecError::Rates { .. } => Self::SpecRates,
                SpecError::InitialCheckpoint(_) => Self::SpecInitialCheckpoint,
                SpecError::Price => Self::PriceTooLow,
                SpecError::NumericsVersion(_) => Self::SpecNumericsVersion,
                SpecError::Slots(_) => Self::SpecSlots,
            }
        }
    }

    impl<T> From<SlotError> for Error<T> {
        fn from(error: SlotError) -> Self {
            match error {
                SlotError::NotYours => Self::SlotNotYours,
                SlotError::WrongGeneration => Self::WrongGeneration,
                SlotError::AlreadyCommitted => Self::AlreadyCommitted,
                SlotError::TooLate => Self::TooLate,
                SlotError::Malformed => Self::MalformedOutcome,
            }
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::MaxUnfinalised::get() > 0, "a round must be committed before it is final");
            assert!(T::MaxRuns::get() > 0, "a run must be possible");
            assert!(T::MaxWindows::get() > 0, "a run's window may be the chain's");
            assert!(
                T::MinTraining::get() <= T::Window::get(),
                "the least training clock must not exceed the greatest"
            );
            assert!(T::MinStake::get() > 0, "a worker must have something at stake");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Register a worker.
        ///
        /// The origin must be signed, by the account that is to own the worker. It must own none yet, and not be the hot key of
        /// one. The worker takes no slots until `ready`.
        ///
        /// - `hot_key`: the account that may call `ready`, `drain` and `commit` for the worker. It may be the owner's, but not
        ///   that of another worker's owner or hot key.
        /// - `payout`: the account that is paid.
        /// - `device`: what the worker computes with.
        /// - `endpoint`: where the worker serves its results, printable ASCII; may be empty.
        /// - `stake`: at least `MinStake`, in units of 10^-12 SBH; it is put on hold.
        ///
        /// Emits `WorkerRegistered`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register())]
        pub fn register(
            origin: OriginFor<T>,
            hot_key: T::AccountId,
            payout: T::AccountId,
            device: Device,
            endpoint: EndpointOf<T>,
            stake: Balance,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_register(owner, hot_key, payout, device, endpoint, stake)
        }

        /// Change a worker's hot key, payout account, device or endpoint.
        ///
        /// The origin must be signed by the worker's owner. Takes effect at once: payments that become due later go to the new
        /// payout account.
        ///
        /// - `hot_key`, `payout`, `device`, `endpoint`: as for `register`; `None` leaves a field as it is. At least one must be
        ///   given.
        ///
        /// Emits `WorkerUpdated`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::update_worker())]
        pub fn update_worker(
            origin: OriginFor<T>,
            hot_key: Option<T::AccountId>,
            payout: Option<T::AccountId>,
            device: Option<Device>,
            endpoint: Option<EndpointOf<T>>,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_update_worker(owner, hot_key, payout, device, endpoint)
        }

        /// Raise a worker's stake.
        ///
        /// The origin must be signed by the worker's owner. The worker must not be unbonding.
        ///
        /// - `amount`: what is put on hold in addition, in units of 10^-12 SBH.
        ///
        /// Emits `StakeAdded`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::add_stake())]
        pub fn add_stake(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_add_stake(owner, amount)
        }

        /// Take slots from now on.
        ///
        /// The origin must be signed by the worker's hot key or owner. A draining worker goes on after its slot instead of
        /// becoming idle.
        ///
        /// Emits `WorkerReady`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::ready())]
        pub fn ready(origin: OriginFor<T>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_ready(who)
        }

        /// Take no more slots.
        ///
        /// The origin must be signed by the worker's hot key or owner. A slot that the worker has is still to be finished.
        ///
        /// Emits `WorkerDrained`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::drain())]
        pub fn drain(origin: OriginFor<T>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_drain(who)
        }

        /// Ask for a worker's stake back.
        ///
        /// The origin must be signed by the worker's owner. The worker must have no slot, and every slot that it has committed
        /// must be final. It takes no slots from now on, and can `withdraw` after `Unbonding` active blocks.
        ///
        /// Emits `UnbondingStarted`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::unbond())]
        pub fn unbond(origin: OriginFor<T>) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_unbond(owner)
        }

        /// Take a worker's stake back, and remove the worker.
        ///
        /// The origin must be signed by the worker's owner. `Unbonding` active blocks must have passed since `unbond`. Whatever
        /// the worker is owed is paid too.
        ///
        /// Emits `Withdrawn`, and `WorkerPaid` if the worker was owed anything.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::withdraw())]
        pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_withdraw(owner)
        }

        /// Create a run.
        ///
        /// The origin must be signed, by the account that is to own the run and pays for it. The first slot is assigned by
        /// `poke`.
        ///
        /// - `spec`: what to train and how. Its window must be at least the chain's, its training clock at least the chain's least,
        ///   both at most `MaxWindows` times the chain's window; its price at least the existential deposit.
        /// - `budget`: at least the price of every slot, in units of 10^-12 SBH; it is moved into the pot. What is left of it when
        ///   the run is over is returned.
        ///
        /// Emits `RunCreated`.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::create_run())]
        pub fn create_run(origin: OriginFor<T>, spec: Box<RunSpec>, budget: Balance) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_create_run(owner, *spec, budget)
        }

        /// Do what is due for a run: make outcomes final and pay for them, take a slot from a worker that missed its deadline,
        /// assign the next slot to a ready worker.
        ///
        /// The origin must be signed, by anyone. Free if anything was done.
        ///
        /// - `run`: the run.
        ///
        /// Emits, for what was done, `SlotFinalised`, `WorkerPaid`, `PaymentOwed`, `SlotExpired`, `SlotAssigned`, `RunCompleted`,
        /// `RunStopped`, `BudgetRefunded`, `RefundWaits`.
        #[pallet::call_index(8)]
        #[pallet::weight((T::WeightInfo::poke(T::MaxUnfinalised::get()), DispatchClass::Operational))]
        pub fn poke(origin: OriginFor<T>, run: RunId) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            let finalised = Self::do_poke(run)?;
            Ok(PostDispatchInfo { actual_weight: Some(T::WeightInfo::poke(finalised)), pays_fee: Pays::No })
        }

        /// Commit what a worker made of its slot.
        ///
        /// The origin must be signed by the worker's hot key or owner. Free if it is accepted. The worker is ready again, unless
        /// it is draining; a diverged outcome pauses the run.
        ///
        /// - `run`, `round`, `slot`: the slot.
        /// - `generation`: how often the slot was assigned before it was assigned to this worker.
        /// - `outcome`: the result.
        ///
        /// Emits `SlotCommitted`, and `RunPaused` if the outcome is a divergence.
        #[pallet::call_index(9)]
        #[pallet::weight((T::WeightInfo::commit(), DispatchClass::Operational))]
        pub fn commit(
            origin: OriginFor<T>,
            run: RunId,
            round: RoundIndex,
            slot: SlotIndex,
            generation: Generation,
            outcome: Outcome,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_commit(who, SlotId { run, round, slot }, generation, outcome)?;
            Ok(Pays::No.into())
        }

        /// Pause a run: no slot is assigned until it is resumed.
        ///
        /// The origin must be `AllocatorOrigin` (the ComputeAllocator track). A slot that is assigned may still be committed, and
        /// what is committed becomes final and is paid.
        ///
        /// - `run`: the run.
        ///
        /// Emits `RunPaused`.
        #[pallet::call_index(10)]
        #[pallet::weight(T::WeightInfo::pause_run())]
        pub fn pause_run(origin: OriginFor<T>, run: RunId) -> DispatchResult {
            T::AllocatorOrigin::ensure_origin(origin)?;
            Self::do_pause_run(run)
        }

        /// Resume a paused run.
        ///
        /// The origin must be `AllocatorOrigin` (the ComputeAllocator track). After a divergence the next round starts from the
        /// checkpoint that the diverged one started from.
        ///
        /// - `run`: the run.
        ///
        /// Emits `RunResumed`.
        #[pallet::call_index(11)]
        #[pallet::weight(T::WeightInfo::resume_run())]
        pub fn resume_run(origin: OriginFor<T>, run: RunId) -> DispatchResult {
            T::AllocatorOrigin::ensure_origin(origin)?;
            Self::do_resume_run(run)
        }

        /// Stop a run for good.
        ///
        /// The origin must be `AllocatorOrigin` (the ComputeAllocator track). A slot that is assigned is taken back, its worker is
        /// not at fault. What is committed becomes final and is paid; then what is left of the budget is returned.
        ///
        /// - `run`: the run.
        ///
        /// Emits `RunStopping`, `SlotReleased` if a slot was assigned, and if nothing is to become final, `RunStopped` and
        /// `BudgetRefunded` (or `RefundWaits`).
        #[pallet::call_index(12)]
        #[pallet::weight(T::WeightInfo::stop_run())]
        pub fn stop_run(origin: OriginFor<T>, run: RunId) -> DispatchResult {
            T::AllocatorOrigin::ensure_origin(origin)?;
            Self::do_stop_run(run)
        }

        /// Raise the budget of a run.
        ///
        /// The origin must be signed, by anyone. What is left of a budget when the run is over goes to the run's owner, whoever
        /// paid it.
        ///
        /// - `run`: the run. It must not be stopped or over.
        /// - `amount`: what is moved into the pot, in units of 10^-12 SBH.
        ///
        /// Emits `RunToppedUp`.
        #[pallet::call_index(13)]
        #[pallet::weight(T::WeightInfo::top_up_run())]
        pub fn top_up_run(origin: OriginFor<T>, run: RunId, amount: Balance) -> DispatchResult {
            let from = ensure_signed(origin)?;
            Self::do_top_up_run(from, run, amount)
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The owner of the worker that `who` speaks for, as its owner or hot key, and the worker.
        pub fn worker_of(who: T::AccountId) -> Option<(T::AccountId, WorkerOf<T>)> {
            Self::resolve(who).ok()
        }

        /// The active block from which the worker of `owner` can withdraw its stake, as durations are now; `None` if it is not
        /// unbonding.
        pub fn withdrawable_from(owner: T::AccountId) -> Option<ActiveBlock> {
            Workers::<T>::get(owner).and_then(|worker| Self::unbonded_at(&worker))
        }

        /// What a poke of `run` would do now.
        pub fn due(run: RunId) -> Due {
            Self::due_now(run)
        }

        /// The slots of `run` that are assigned, or committed and not final, in order.
        pub fn slots_of(run: RunId) -> Vec<(SlotPosition, SlotOf<T>)> {
            let mut slots: Vec<_> = Slots::<T>::iter_prefix(run).collect();
            slots.sort_by_key(|(position, _)| *position);
            slots
        }
    }
}
