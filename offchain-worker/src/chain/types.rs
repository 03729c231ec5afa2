//! What the chain stores, as the worker sees it. Fields are matched by name against the metadata, so a runtime that adds a field
//! is understood, and one that lacks a field is an error and never a wrong number.

use crate::keys::AccountId;
use sabha_protocol::{Balance, Digest, Generation, RoundIndex, RunId, SlotId, SlotIndex, slot::ActiveBlock};
use serde::Serialize;
use subxt::ext::scale_decode::DecodeAsType;

/// What a worker computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, DecodeAsType, codec::Encode, clap::ValueEnum)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// Processor cores
    Cpu,
    /// An NVIDIA graphics card
    Cuda,
}

/// Whether a worker takes slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
#[serde(rename_all = "lowercase", tag = "is")]
pub enum WorkerStatus {
    /// Takes no slots until it says that it is ready.
    Idle,
    /// Waits for a slot.
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

impl WorkerStatus {
    /// One word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Ready => "ready",
            Self::Working => "working",
            Self::Draining => "draining",
            Self::Unbonding { .. } => "unbonding",
        }
    }
}

/// A registered worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Worker {
    /// The account that owns the worker and its stake.
    pub owner: AccountId,
    /// What is on hold for it, in units of 10^-12 SBH.
    pub stake: Balance,
    /// The account that speaks for it day by day.
    pub hot_key: AccountId,
    /// The account that is paid.
    pub payout: AccountId,
    /// What it computes with.
    pub device: Device,
    /// Where it serves its results; empty if nowhere.
    pub endpoint: String,
    /// Whether it takes slots.
    pub status: WorkerStatus,
    /// The slot that it trains now.
    pub assigned: Option<SlotId>,
    /// Slots that it has committed and that are not final.
    pub outstanding: u32,
    /// What it has earned and could not be paid, in units of 10^-12 SBH.
    pub owed: Balance,
    /// Slots of its that became final.
    pub completed: u32,
    /// Slots that it lost by missing their deadline.
    pub failed: u32,
}

/// Whether a run opens rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Opens rounds until all are committed.
    Active,
    /// Opens no round until it is resumed.
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

    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Completed => "completed",
        }
    }
}

/// A run; once it is over, the record of its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The account that created it.
    pub owner: AccountId,
    /// Binds the specification.
    pub spec_hash: Digest,
    /// Whether it opens rounds.
    pub status: RunStatus,
    /// What is left of its budget, in units of 10^-12 SBH.
    pub escrow: Balance,
    /// What its slots have been paid, in units of 10^-12 SBH.
    pub paid: Balance,
    /// Number of rounds in the specification.
    pub rounds: RoundIndex,
    /// The round that is open or opens next.
    pub next_round: RoundIndex,
    /// How often the slot of `next_round` was assigned and taken back.
    pub generation: Generation,
    /// Rounds that are final.
    pub finalised: RoundIndex,
    /// The checkpoint that `next_round` starts from; none while that is the specification's own.
    pub checkpoint: Option<Digest>,
}

/// What a poke of a run would do now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub struct Due {
    /// Rounds whose window has passed.
    pub finalise: u32,
    /// Whether the assigned slot's deadline has passed.
    pub expire: bool,
    /// Whether a slot would be assigned to a ready worker.
    pub open: bool,
    /// Whether what is left of the budget would be offered to its owner once more.
    pub refund: bool,
}

impl Due {
    /// Whether a poke would do anything.
    pub fn any(&self) -> bool {
        self.finalise > 0 || self.expire || self.open || self.refund
    }
}

/// An account's free and held balance, in units of 10^-12 SBH.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub struct Balances {
    /// What can be spent, but for the existential deposit.
    pub free: Balance,
    /// What is on hold.
    pub reserved: Balance,
}

/// `System.Account`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub(super) struct AccountInfo {
    pub data: Balances,
}

/// `Training.Workers`, without what is in its key.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub(super) struct WorkerRecord {
    stake: Balance,
    hot_key: AccountId,
    payout: AccountId,
    device: Device,
    endpoint: Vec<u8>,
    status: WorkerStatus,
    assigned: Option<Place>,
    outstanding: u32,
    owed: Balance,
    completed: u32,
    failed: u32,
}

impl WorkerRecord {
    pub fn of(self, owner: AccountId) -> Worker {
        Worker {
            owner,
            stake: self.stake,
            hot_key: self.hot_key,
            payout: self.payout,
            device: self.device,
            endpoint: String::from_utf8_lossy(&self.endpoint).into_owned(),
            status: self.status,
            assigned: self.assigned.map(|place| SlotId {
                run: place.run,
                round: place.round,
                slot: place.slot,
            }),
            outstanding: self.outstanding,
            owed: self.owed,
            completed: self.completed,
            failed: self.failed,
        }
    }
}

/// `SlotId`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Place {
    run: RunId,
    round: RoundIndex,
    slot: SlotIndex,
}

/// `Training.Runs`, without what is in its key.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub(super) struct RunRecord {
    owner: AccountId,
    spec_hash: [u8; 32],
    status: RunStatus,
    escrow: Balance,
    paid: Balance,
    rounds: RoundIndex,
    next_round: RoundIndex,
    generation: Generation,
    finalised: RoundIndex,
    checkpoint: Option<[u8; 32]>,
}

impl RunRecord {
    pub fn of(self, id: RunId) -> Run {
        Run {
            id,
            owner: self.owner,
            spec_hash: Digest(self.spec_hash),
            status: self.status,
            escrow: self.escrow,
            paid: self.paid,
            rounds: self.rounds,
            next_round: self.next_round,
            generation: self.generation,
            finalised: self.finalised,
            checkpoint: self.checkpoint.map(Digest),
        }
    }
}
