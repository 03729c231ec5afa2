//! What storage and events hold.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use sabha_protocol::{Balance, Digest, Generation, RoundIndex, RunId, SlotId, SlotIndex, slot::ActiveBlock};
use scale_info::TypeInfo;

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

/// Whether a worker takes slots.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum WorkerStatus {
    /// Takes no slots until it says that it is ready.
    Idle,
    /// Waits for a slot, in the ready set.
    Ready,
    /// Has a slot; ready again once it has committed.
    Working,
    /// Has a slot; idle once it has committed.
    Draining,
    /// Takes no slots any more, and waits for its stake.
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
    /// The account that speaks for the worker day by day: `ready`, `drain` and `commit`.
    pub hot_key: AccountId,
    /// The account that is paid.
    pub payout: AccountId,
    /// What the worker computes with.
    pub device: Device,
    /// Where the worker serves its results: printable ASCII; empty if nowhere.
    pub endpoint: Endpoint,
    /// Whether the worker takes slots.
    pub status: WorkerStatus,
    /// The slot it trains now: exactly if it is working or draining.
    pub assigned: Option<SlotId>,
    /// Slots that it has committed and that are not final: its stake answers for them.
    pub outstanding: u32,
    /// Earned, but neither the payout account nor the owner's could take it; in units of 10^-12 SBH.
    pub owed: Balance,
    /// Slots of this worker that became final. Saturates.
    pub completed: u32,
    /// Slots that this worker lost by missing their deadline. Saturates.
    pub failed: u32,
}

/// Whether a run opens rounds.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum RunStatus {
    /// Opens rounds until all are committed.
    Active,
    /// Opens no round until it is resumed; what is assigned may be committed, what is committed becomes final.
    Paused,
    /// Was stopped, and waits for committed slots to become final.
    Stopping,
    /// Over: it was stopped before its last round.
    Stopped,
    /// Over: every round is final.
    Completed,
}

impl RunStatus {
    /// Whether nothing of the run is left but its record.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Stopped | Self::Completed)
    }

    /// Whether the run may go on to its last round.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Active | Self::Paused)
    }
}

/// Why a run was paused.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum PauseReason {
    /// The ComputeAllocator track decided so.
    Decided,
    /// A round's arithmetic left the finite numbers: the specification is at fault.
    Diverged,
}

/// A run; once it is over, the record of its result.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Run<AccountId> {
    /// The account that created the run, and that gets back what is left of the budget.
    pub owner: AccountId,
    /// Binds the specification.
    pub spec_hash: Digest,
    /// Whether the run opens rounds.
    pub status: RunStatus,
    /// What the pot holds for the run, in units of 10^-12 SBH.
    pub escrow: Balance,
    /// What slots of the run have been paid so far, in units of 10^-12 SBH.
    pub paid: Balance,
    /// Number of rounds in the specification.
    pub rounds: RoundIndex,
    /// The round that is open or opens next: every earlier one is committed.
    pub next_round: RoundIndex,
    /// How often the slot of `next_round` was assigned and taken back. Wraps.
    pub generation: Generation,
    /// Rounds that are final; they become so in order.
    pub finalised: RoundIndex,
    /// BLAKE3 of the checkpoint that `next_round` starts from: the update of the last round committed as trained. None while
    /// that is the specification's own initial checkpoint.
    pub checkpoint: Option<Digest>,
}

impl<AccountId> Run<AccountId> {
    /// Rounds that are committed and not final.
    pub fn unfinalised(&self) -> u32 {
        self.next_round.saturating_sub(self.finalised)
    }
}

/// The place of a slot within its run.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct SlotPosition {
    /// The round within the run.
    pub round: RoundIndex,
    /// The slot within the round.
    pub slot: SlotIndex,
}

impl SlotPosition {
    /// The same slot, with its run.
    pub fn of_run(self, run: RunId) -> SlotId {
        SlotId { run, round: self.round, slot: self.slot }
    }
}

impl From<SlotId> for SlotPosition {
    fn from(id: SlotId) -> Self {
        Self { round: id.round, slot: id.slot }
    }
}

/// What a poke of a run would do now.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Due {
    /// Rounds whose window has passed.
    pub finalise: u32,
    /// Whether the assigned slot's deadline has passed.
    pub expire: bool,
    /// Whether a slot would be assigned to a ready worker.
    pub open: bool,
    /// Whether the run is over and what is left of its budget would be offered to its owner once more.
    pub refund: bool,
}

impl Due {
    /// Whether a poke would do anything.
    pub fn any(&self) -> bool {
        self.finalise > 0 || self.expire || self.open || self.refund
    }
}
