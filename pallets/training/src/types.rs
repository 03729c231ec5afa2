//! What storage and events hold.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
    BoundedVec,
    traits::{ConstU32, fungible::Credit},
};
use sabha_protocol::{
    ActiveBlock, Balance, Digest, RoundIndex, RoundKey, Session, SlotIndex,
    audit::{Opening, Seat},
    reputation::Reputation,
    round::{Pause, Progress, Round, Slot},
    spec::limits,
};
use scale_info::TypeInfo;

use crate::Config;

/// Where a worker serves its results, as text.
pub type EndpointOf<T> = BoundedVec<u8, <T as Config>::MaxEndpointLen>;
/// A worker of this chain.
pub type WorkerOf<T> = Worker<<T as frame_system::Config>::AccountId, EndpointOf<T>>;
/// A run of this chain.
pub type RunOf<T> = Run<<T as frame_system::Config>::AccountId>;
/// An attempt at a round on this chain.
pub type RoundOf<T> = Round<<T as frame_system::Config>::AccountId>;
/// A slot of this chain.
pub type SlotOf<T> = Slot<<T as frame_system::Config>::AccountId>;
/// An auditor of this chain.
pub type SeatOf<T> = Seat<<T as frame_system::Config>::AccountId>;
/// What was taken from somebody and has no owner yet.
pub(crate) type CreditOf<T> = Credit<<T as frame_system::Config>::AccountId, <T as Config>::Currency>;
/// Leaves of a slot's audited segments.
pub type Leaves = BoundedVec<Opening, ConstU32<{ limits::AUDIT as u32 }>>;

/// What a worker computes with.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Device {
    /// Processor cores.
    Cpu,
    /// An NVIDIA graphics card.
    Cuda,
}

/// Whether a worker can be drawn.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum WorkerStatus {
    /// Has no tickets until it says that it is ready. It may still be drawn from sets that were frozen while it had some.
    Idle,
    /// Has its tickets in the draw.
    Ready,
    /// As idle, for good, and waits for its stake.
    Unbonding {
        /// The active block in which it asked for its stake.
        since: ActiveBlock,
    },
}

/// A registered worker.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Worker<AccountId, Endpoint> {
    /// What is on hold in the owner's account for this worker, in units of 10^-12 SBH.
    pub stake: Balance,
    /// Of it, what answers for slots, audits and aggregations that are not settled; in units of 10^-12 SBH.
    pub reserved: Balance,
    /// Attestations that are not settled. They reserve nothing, but the worker stays until they are.
    pub attesting: u32,
    /// Slots that it trains at a time, at most.
    pub capacity: u16,
    /// Slots that it trains now.
    pub training: u16,
    /// The account that speaks for the worker day by day.
    pub hot_key: AccountId,
    /// The account that is paid.
    pub payout: AccountId,
    /// What the worker computes with.
    pub device: Device,
    /// Where the worker serves its results: printable ASCII; empty if nowhere.
    pub endpoint: Endpoint,
    /// Whether the worker can be drawn.
    pub status: WorkerStatus,
    /// Tickets that it has in the draw. Those that its stake no longer covers count for nothing.
    pub tickets: u16,
    /// The session in which tickets of it left the draw at last.
    pub left: Option<Session>,
    /// How often it did what it was drawn for.
    pub reputation: Reputation,
    /// The worker is drawn for nothing before this active block.
    pub jailed_until: ActiveBlock,
    /// Earned, but neither the payout account nor the owner's could take it; in units of 10^-12 SBH.
    pub owed: Balance,
    /// Duties that it has done, as settled. Saturates.
    pub done: u32,
    /// Duties that it has missed or done wrongly, as settled. Saturates.
    pub missed: u32,
}

impl<AccountId, Endpoint> Worker<AccountId, Endpoint> {
    /// What of the stake answers for nothing.
    pub fn free_stake(&self) -> Balance {
        self.stake.saturating_sub(self.reserved)
    }

    /// Whether the worker answers for anything that is not settled.
    pub fn is_bound(&self) -> bool {
        self.reserved > 0 || self.attesting > 0
    }
}

/// Whether a run goes on.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum RunStatus {
    /// Goes on to its last round; opens none while it is paused (`progress.pause`).
    Open,
    /// Was stopped, and waits for its rounds to be settled.
    Stopping,
    /// Over: it was stopped before its last round was final.
    Stopped,
    /// Over: every round is final.
    Completed,
}

impl RunStatus {
    /// Whether nothing of the run is left but its record.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Stopped | Self::Completed)
    }
}

/// A run; once it is over, the record of its result.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Run<AccountId> {
    /// The account that created the run, and that gets back what is left of the budget.
    pub owner: AccountId,
    /// Binds the specification.
    pub spec_hash: Digest,
    /// Whether the run goes on.
    pub status: RunStatus,
    /// Number of rounds in the specification.
    pub rounds: RoundIndex,
    /// Its budget, top-ups included, in units of 10^-12 SBH.
    pub funded: Balance,
    /// What came back to its escrow from slashes, in units of 10^-12 SBH.
    pub regained: Balance,
    /// What it has paid so far, in units of 10^-12 SBH.
    pub paid: Balance,
    /// What went back to its owner when it was over, in units of 10^-12 SBH.
    pub refunded: Balance,
    /// What the pot keeps of slashes until the auditors of the convicted slots are settled, in units of 10^-12 SBH.
    pub kept: Balance,
    /// How far the run is: its rounds, its last checkpoint, its escrow.
    pub progress: Progress,
}

impl<AccountId> Run<AccountId> {
    /// Why the run opens no rounds, if it does not.
    pub fn pause(&self) -> Option<Pause> {
        self.progress.pause
    }
}

/// Where a pass over what a run waits for is. A pass visits each record at most once, in this order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Place {
    /// The run itself: whether a round can be opened.
    Run,
    /// Slots of a round that can expire, lapse or be assigned, from this one on.
    Slots(RoundKey, SlotIndex),
    /// The round as a whole.
    Round(RoundKey),
    /// Settlement of the seats of a round that is over, from this one on.
    Seats(RoundKey, u16),
    /// Settlement of its slots, from this one on.
    Settlement(RoundKey, SlotIndex),
    /// Settlement of its attesters, from this one on, counted over all panels.
    Attesters(RoundKey, u16),
    /// Settlement of its aggregator, and its removal.
    Close(RoundKey),
}

/// A pass over a run that the weight limit interrupted.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Pass {
    /// What it visits next.
    pub place: Place,
    /// Whether it has changed anything yet.
    pub made: bool,
    /// The active block in which something that it has visited is due.
    pub wake: ActiveBlock,
}

impl Pass {
    /// From the start.
    pub const START: Self = Self { place: Place::Run, made: false, wake: ActiveBlock::MAX };
}
