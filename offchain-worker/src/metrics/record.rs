//! What happens, as metrics: one function for each kind of thing.

use super::{Metrics, table::Metric as M};
use crate::{
    blobs::Counters,
    chain::{ChainError, Worker},
    daemon::{journal::Event, task::Kind, work::Ended},
};
use sabha_protocol::{RunId, UNITS, dispute::Side};
use std::{
    sync::PoisonError,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// How long a run's loss is told after its last step. Without an end, every run would leave a series for as long as the process lives.
pub const LOSS_FOR: Duration = Duration::from_secs(3_600);

/// Which way bytes of blobs went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Made here, and stored.
    Stored,
    /// Received from others.
    Received,
    /// Sent to others.
    Sent,
    /// Sent to the object store.
    Uploaded,
}

impl Direction {
    fn word(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Received => "received",
            Self::Sent => "sent",
            Self::Uploaded => "uploaded",
        }
    }
}

impl Metrics {
    /// The daemon starts.
    pub fn started(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.set(M::StartTime, None, now.as_secs_f64());
        self.set(M::BuildInfo, Some(env!("CARGO_PKG_VERSION")), 1.0);
    }

    /// An entry of the event log was written.
    pub fn event(&self, event: &Event) {
        self.count(M::Events, None);
        match event {
            Event::Taken { task, .. } => self.count(M::DutiesTaken, Some(task.kind.word())),
            Event::Settled { task, .. } => self.count(M::DutiesDone, Some(task.kind.word())),
            Event::Lost { task, late: true } => self.count(M::DutiesMissed, Some(task.kind.word())),
            Event::Lost { task, late: false } => self.count(M::DutiesWithdrawn, Some(task.kind.word())),
            Event::Declined { task, .. } => self.count(M::DutiesDeclined, Some(task.kind.word())),
            Event::Holds { .. } => self.count(M::Rounds, None),
            Event::Started { .. }
            | Event::Parked { .. }
            | Event::Done { .. }
            | Event::Signing { .. }
            | Event::Poking { .. }
            | Event::Moving { .. }
            | Event::Unknown { .. }
            | Event::Announcing { .. }
            | Event::Closed { .. }
            | Event::Compacted { .. }
            | Event::Ready
            | Event::Drain
            | Event::Stopped { .. } => {}
        }
    }

    /// A step of training was done.
    pub fn stepped(&self, run: RunId, tokens: u64, loss: f32) {
        self.count(M::TrainSteps, None);
        #[allow(clippy::cast_precision_loss, reason = "nobody trains on 2^53 tokens in a step")]
        self.add(M::TrainTokens, None, tokens as f64);
        self.set(M::TrainLoss, Some(&run.to_string()), loss.into());
        let now = Instant::now();
        self.trained.lock().unwrap_or_else(PoisonError::into_inner).insert(run, now);
        self.forget_losses(now);
    }

    /// Takes out the losses of runs of which nothing was trained for [`LOSS_FOR`]: most of them are over.
    pub fn forget_losses(&self, now: Instant) {
        let mut trained = self.trained.lock().unwrap_or_else(PoisonError::into_inner);
        trained.retain(|run, then| {
            let told = now.saturating_duration_since(*then) <= LOSS_FOR;
            if !told {
                self.forget(M::TrainLoss, &run.to_string());
            }
            told
        });
    }

    /// A piece of work took `took`, and came to this.
    pub fn worked(&self, kind: Kind, took: Duration, ended: &anyhow::Result<Ended>) {
        self.observe(M::DutySeconds, Some(kind.word()), took.as_secs_f64());
        if ended.is_err() {
            self.count(M::WorkFailures, Some(kind.word()));
        }
    }

    /// A slot was trained to its end, for which the engine took `took` in all.
    pub fn slot(&self, took: Duration) {
        self.observe(M::SlotSeconds, None, took.as_secs_f64());
    }

    /// A transaction was sent, with this result.
    pub fn sent<T>(&self, result: &Result<T, ChainError>) {
        let word = match result {
            Ok(_) => "included",
            Err(ChainError::Refused { .. } | ChainError::NotAccepted { .. }) => "refused",
            Err(_) => "failed",
        };
        self.count(M::Transactions, Some(word));
    }

    /// A dispute has begun that this worker is a side of.
    pub fn disputed(&self, side: Side) {
        let word = match side {
            Side::Challenger => "challenger",
            Side::Defender => "defender",
        };
        self.count(M::Disputes, Some(word));
    }

    /// So many disputes of this worker go on.
    pub fn disputes_open(&self, count: usize) {
        self.set(M::DisputesOpen, None, number(count));
    }

    /// A move was sent in a dispute.
    pub fn moved(&self) {
        self.count(M::DisputeMoves, None);
    }

    /// Bytes of a blob went somewhere.
    pub fn blob(&self, direction: Direction, bytes: u64) {
        #[allow(clippy::cast_precision_loss, reason = "no blob has 2^53 bytes")]
        self.add(M::BlobBytes, Some(direction.word()), bytes as f64);
    }

    /// What the network has counted, and what it had the last time.
    pub fn carried(&self, before: Counters, now: Counters) {
        for (direction, before, now) in [
            (Direction::Received, before.fetched_bytes, now.fetched_bytes),
            (Direction::Sent, before.served_bytes, now.served_bytes),
            (Direction::Uploaded, before.stored_bytes, now.stored_bytes),
        ] {
            self.blob(direction, now.saturating_sub(before));
        }
        let dropped = now.dropped_providers.saturating_sub(before.dropped_providers);
        self.add(M::BlobProvidersDropped, None, number(usize::try_from(dropped).unwrap_or(usize::MAX)));
    }

    /// The chain has something of this worker that this daemon did not sign.
    pub fn foreign(&self) {
        self.count(M::ForeignActs, None);
    }

    /// A block was looked at: of the worker what the chain says, and how much it asks for.
    pub fn worker(&self, worker: &Worker, duties: usize) {
        let sbh = |planck: u128| {
            #[allow(clippy::cast_precision_loss, reason = "for a chart")]
            let (planck, unit) = (planck as f64, UNITS as f64);
            planck / unit
        };
        self.set(M::WorkerStake, None, sbh(worker.stake));
        self.set(M::WorkerReserved, None, sbh(worker.reserved));
        self.set(M::WorkerScore, None, f64::from(worker.score) / 1e6);
        self.set(M::DutiesOpen, None, number(duties));
    }

    /// The numbers of the chain's blocks.
    pub fn chain(&self, best: u64, finalised: Option<u64>) {
        #[allow(clippy::cast_precision_loss, reason = "block numbers are below 2^53 for ages")]
        let float = |number: u64| number as f64;
        self.set(M::ChainHeight, Some("best"), float(best));
        if let Some(finalised) = finalised {
            self.set(M::ChainHeight, Some("finalised"), float(finalised));
        }
    }

    /// A connection was made anew.
    pub fn reconnected(&self) {
        self.count(M::ChainReconnects, None);
    }

    /// A look at the chain failed.
    pub fn rpc_failed(&self) {
        self.count(M::RpcFailures, None);
    }

    /// The runtime after the best block; `upgraded` if it was another one before.
    pub fn runtime(&self, spec_version: u32, upgraded: bool) {
        self.set(M::RuntimeVersion, None, spec_version.into());
        if upgraded {
            self.count(M::RuntimeUpgrades, None);
        }
    }
}

fn number(count: usize) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}
