//! What the pallet asks of the runtime.

use frame_support::pallet_macros::pallet_section;

/// The pallet's configuration.
#[pallet_section]
mod config {
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The token: stakes are held in it and slashed, budgets and payments moved.
        type Currency: Inspect<Self::AccountId, Balance = Balance>
            + Mutate<Self::AccountId>
            + MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + Balanced<Self::AccountId>
            + BalancedHold<Self::AccountId>;

        /// The runtime's hold reasons.
        type RuntimeHoldReason: From<HoldReason>;

        /// The number of active blocks so far: the clock of every deadline here.
        type ActiveBlocks: Get<u32>;

        /// The session that the block is in: what randomness is counted in.
        type Session: Get<Session>;

        /// The randomness of a session, which must stay the same for the whole of it, and be unknown before the session before it
        /// began.
        type Randomness: Randomness<Self::Hash, BlockNumberFor<Self>>;

        /// The shortest window that a run may have, in active blocks.
        type Window: Get<BlockNumberFor<Self>>;

        /// The shortest clock for fetching something and answering to it, in active blocks. Not more than [`Config::Window`].
        type Availability: Get<BlockNumberFor<Self>>;

        /// The shortest clock for audits, in active blocks.
        type AuditSeals: Get<BlockNumberFor<Self>>;

        /// What each side of a dispute has, in active blocks.
        type ChessClock: Get<BlockNumberFor<Self>>;

        /// How many times [`Config::Window`] a run's clocks may be at most. Not zero.
        #[pallet::constant]
        type MaxWindows: Get<u32>;

        /// Active blocks between `unbond` and `withdraw`.
        type Unbonding: Get<BlockNumberFor<Self>>;

        /// Active blocks for which a worker that misses too much is drawn for nothing. Not more than [`Config::Unbonding`]: leaving
        /// and registering again must not be quicker.
        type Jail: Get<BlockNumberFor<Self>>;

        /// Who may pause, resume and stop runs (the ComputeAllocator track).
        type AllocatorOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Told of disagreements between auditors and workers.
        type Disagreements: OnDisagreement<Self::AccountId>;

        /// Decides which run opens its next round.
        type Scheduler: Scheduler;

        /// Where shares in runs are recorded.
        type Pools: RewardPools<Self::AccountId, Error = DispatchError>;

        /// The least stake of a worker, and what one ticket in the draw stands for, in units of 10^-12 SBH.
        #[pallet::constant]
        type MinStake: Get<Balance>;

        /// The most bytes of a worker's endpoint.
        #[pallet::constant]
        type MaxEndpointLen: Get<u32>;

        /// The most runs that are not over.
        #[pallet::constant]
        type MaxRuns: Get<u32>;

        /// The most that this pallet's part of a block's hooks may weigh, and the most that one poke may.
        #[pallet::constant]
        type WorkWeight: Get<Weight>;

        /// Names the pot, the account that holds the budgets of runs.
        #[pallet::constant]
        type PalletId: Get<PalletId>;

        /// Weights of this pallet's calls and hooks.
        type WeightInfo: WeightInfo;

        /// What benchmarks need from the runtime.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper;
    }
}
