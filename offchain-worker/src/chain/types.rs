//! What the chain stores, as the worker sees it. Fields are matched by name against the metadata, so a runtime that adds a field
//! is understood, and one that lacks a field is an error and never a wrong number.

use crate::keys::AccountId;
use sabha_protocol::{
    ActiveBlock, Attempt, Balance, Digest, RoundIndex, RoundKey, RunId, reputation::Reputation,
    round::Checkpoint,
};
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

/// Whether a worker can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
#[serde(rename_all = "lowercase", tag = "is")]
pub enum WorkerStatus {
    /// Is drawn for nothing until it says that it is ready.
    Idle,
    /// Has its tickets in the draw.
    Ready,
    /// Is drawn for nothing any more, and waits for its stake.
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
    /// Of it, what answers for slots, audits and aggregations that are not settled; in units of 10^-12 SBH.
    pub reserved: Balance,
    /// Attestations that are not settled.
    pub attesting: u32,
    /// Slots that it trains at a time, at most.
    pub capacity: u16,
    /// Slots that it trains now.
    pub training: u16,
    /// The account that speaks for it day by day.
    pub hot_key: AccountId,
    /// The account that is paid.
    pub payout: AccountId,
    /// What it computes with.
    pub device: Device,
    /// Where it serves its results; empty if nowhere.
    pub endpoint: String,
    /// Whether it can be drawn.
    pub status: WorkerStatus,
    /// Tickets that it has in the draw.
    pub tickets: u16,
    /// How often it does what it is drawn for: the expected share, in parts per million.
    pub score: u32,
    /// It is drawn for nothing before this active block.
    pub jailed_until: ActiveBlock,
    /// What it has earned and could not be paid, in units of 10^-12 SBH.
    pub owed: Balance,
    /// Duties that it has done, as settled.
    pub done: u32,
    /// Duties that it has missed or done wrongly, as settled.
    pub missed: u32,
}

/// Whether a run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Goes on to its last round, unless it is paused.
    Open,
    /// Was stopped, and waits for its rounds to be settled.
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
}

/// Why a run opens no rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    /// Somebody who may decided so.
    Decided,
    /// A quorum of a round's slots diverged.
    Diverged,
    /// Several attempts in a row made no checkpoint, for this reason at last.
    Voids(Void),
    /// The escrow does not cover another round.
    Escrow,
    /// Rounds were voided as often as can be.
    Exhausted,
}

/// Why an attempt at a round makes no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
#[serde(rename_all = "snake_case")]
pub enum Void {
    /// Fewer updates than the quorum.
    TooFew,
    /// A quorum of slots diverged.
    Diverged,
    /// No panel of attesters reported.
    Unattested,
    /// No drawn aggregator posted a root.
    NoRoot,
    /// A slot was convicted.
    Convicted,
    /// The aggregation was convicted.
    FalseRoot,
    /// A disagreement stayed open too long.
    Undecided,
    /// The round that it was built on was voided.
    Base,
    /// The run was stopped while the round was in training.
    Stopped,
}

impl Pause {
    /// The reason, and what helps.
    pub fn words(self) -> String {
        match self {
            Self::Decided => "paused by the ComputeAllocator track, which can resume it".into(),
            Self::Diverged => {
                "paused: a quorum of a round's slots diverged; the specification is at fault (a lower learning rate may help)".into()
            }
            Self::Voids(void) => format!(
                "paused: several attempts at a round made no checkpoint, at last because {}; the ComputeAllocator track can resume it",
                void.words()
            ),
            Self::Escrow => "paused: the escrow does not cover another round; `sabha-worker run back` raises it".into(),
            Self::Exhausted => "paused for good: its rounds were voided too often; it can only be stopped".into(),
        }
    }
}

impl Void {
    /// The reason.
    pub fn words(self) -> &'static str {
        match self {
            Self::TooFew => "fewer updates than the quorum were there",
            Self::Diverged => "a quorum of slots diverged",
            Self::Unattested => "no attester reported",
            Self::NoRoot => "no aggregator posted a checkpoint",
            Self::Convicted => "a slot was convicted",
            Self::FalseRoot => "the aggregation was convicted",
            Self::Undecided => "a disagreement stayed open too long",
            Self::Base => "the round that it was built on was voided",
            Self::Stopped => "the run was stopped",
        }
    }
}

impl From<sabha_protocol::round::VoidReason> for Void {
    fn from(reason: sabha_protocol::round::VoidReason) -> Self {
        use sabha_protocol::round::VoidReason as Reason;
        match reason {
            Reason::TooFew => Self::TooFew,
            Reason::Diverged => Self::Diverged,
            Reason::Unattested => Self::Unattested,
            Reason::NoRoot => Self::NoRoot,
            Reason::Convicted => Self::Convicted,
            Reason::FalseRoot => Self::FalseRoot,
            Reason::Undecided => Self::Undecided,
            Reason::Base => Self::Base,
            Reason::Stopped => Self::Stopped,
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
    /// Whether it goes on.
    pub status: RunStatus,
    /// Why it opens no rounds, if it does not.
    pub pause: Option<Pause>,
    /// Number of rounds in the specification.
    pub rounds: RoundIndex,
    /// Its budget, top-ups included, in units of 10^-12 SBH.
    pub funded: Balance,
    /// What came back to its escrow from slashes, in units of 10^-12 SBH.
    pub regained: Balance,
    /// What it has paid, in units of 10^-12 SBH.
    pub paid: Balance,
    /// What went back to its owner, in units of 10^-12 SBH.
    pub refunded: Balance,
    /// What is left of its budget, in units of 10^-12 SBH.
    pub escrow: Balance,
    /// What is kept of slashes until auditors are settled, in units of 10^-12 SBH.
    pub kept: Balance,
    /// The attempt that is opened next.
    pub next: RoundKey,
    /// Rounds that are open and not final.
    pub open: Vec<RoundKey>,
    /// Rounds that are final.
    pub finalised: RoundIndex,
    /// The checkpoint that the next round starts from; none for the specification's own.
    pub checkpoint: Option<Checkpoint>,
}

impl Run {
    /// One word.
    pub fn word(&self) -> &'static str {
        match self.status {
            RunStatus::Open if self.pause.is_some() => "paused",
            RunStatus::Open => "open",
            RunStatus::Stopping => "stopping",
            RunStatus::Stopped => "stopped",
            RunStatus::Completed => "completed",
        }
    }

    /// Whether the books balance: what came in is what went out and what is left.
    pub fn is_balanced(&self) -> bool {
        let came = self.funded.checked_add(self.regained);
        let went = self.paid.checked_add(self.refunded).and_then(|went| went.checked_add(self.escrow));
        came.is_some() && came == went
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
    pub nonce: u32,
    pub data: Balances,
}

/// `Training.Workers`, without what is in its key.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub(super) struct WorkerRecord {
    stake: Balance,
    reserved: Balance,
    attesting: u32,
    capacity: u16,
    training: u16,
    hot_key: AccountId,
    payout: AccountId,
    device: Device,
    endpoint: Vec<u8>,
    status: WorkerStatus,
    tickets: u16,
    reputation: ReputationRecord,
    jailed_until: ActiveBlock,
    owed: Balance,
    done: u32,
    missed: u32,
}

/// `Reputation`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct ReputationRecord {
    good: u32,
    bad: u32,
}

impl WorkerRecord {
    pub fn of(self, owner: AccountId) -> Worker {
        let ReputationRecord { good, bad } = self.reputation;
        Worker {
            owner,
            stake: self.stake,
            reserved: self.reserved,
            attesting: self.attesting,
            capacity: self.capacity,
            training: self.training,
            hot_key: self.hot_key,
            payout: self.payout,
            device: self.device,
            endpoint: String::from_utf8_lossy(&self.endpoint).into_owned(),
            status: self.status,
            tickets: self.tickets,
            score: Reputation { good, bad }.score(),
            jailed_until: self.jailed_until,
            owed: self.owed,
            done: self.done,
            missed: self.missed,
        }
    }
}

/// `Training.Runs`, without what is in its key.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub(super) struct RunRecord {
    owner: AccountId,
    spec_hash: [u8; 32],
    status: RunStatus,
    rounds: RoundIndex,
    funded: Balance,
    regained: Balance,
    paid: Balance,
    refunded: Balance,
    kept: Balance,
    progress: ProgressRecord,
}

/// `Progress`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct ProgressRecord {
    next: KeyRecord,
    tip: Option<CheckpointRecord>,
    finalised: RoundIndex,
    open: Vec<KeyRecord>,
    pause: Option<Pause>,
    escrow: Balance,
}

/// `RoundKey`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct KeyRecord {
    round: RoundIndex,
    attempt: Attempt,
}

impl From<KeyRecord> for RoundKey {
    fn from(KeyRecord { round, attempt }: KeyRecord) -> Self {
        Self { round, attempt }
    }
}

/// `Checkpoint`.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct CheckpointRecord {
    root: [u8; 32],
    blob: [u8; 32],
}

impl RunRecord {
    pub fn of(self, id: RunId) -> Run {
        let progress = self.progress;
        Run {
            id,
            owner: self.owner,
            spec_hash: Digest(self.spec_hash),
            status: self.status,
            pause: progress.pause,
            rounds: self.rounds,
            funded: self.funded,
            regained: self.regained,
            paid: self.paid,
            refunded: self.refunded,
            escrow: progress.escrow,
            kept: self.kept,
            next: progress.next.into(),
            open: progress.open.into_iter().map(RoundKey::from).collect(),
            finalised: progress.finalised,
            checkpoint: progress.tip.map(|tip| Checkpoint { root: Digest(tip.root), blob: Digest(tip.blob) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_balances_if_nothing_appears_or_is_lost() {
        let key = RoundKey::default();
        let run = Run {
            id: 0,
            owner: AccountId::from([1; 32]),
            spec_hash: Digest([1; 32]),
            status: RunStatus::Open,
            pause: None,
            rounds: 3,
            funded: 100,
            regained: 5,
            paid: 60,
            refunded: 15,
            escrow: 30,
            kept: 7,
            next: key,
            open: vec![],
            finalised: 0,
            checkpoint: None,
        };
        assert!(run.is_balanced());
        assert!(!Run { escrow: 31, ..run.clone() }.is_balanced());
        assert!(!Run { paid: 59, ..run.clone() }.is_balanced());
        assert!(!Run { regained: Balance::MAX, ..run.clone() }.is_balanced(), "an overflow is no balance");
        let paused = Run { pause: Some(Pause::Escrow), ..run };
        assert_eq!(paused.word(), "paused");
    }
}
