//! Every metric, declared once. docs/workers.md and deploy/grafana-dashboard.json are compared with this table by tests/deploy.rs.

/// A metric: its place in [`TABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the table says what each is")]
pub enum Metric {
    TrainTokens,
    TrainSteps,
    TrainLoss,
    SlotSeconds,
    DutySeconds,
    DutiesTaken,
    DutiesDone,
    DutiesMissed,
    DutiesWithdrawn,
    DutiesDeclined,
    DutiesOpen,
    WorkFailures,
    Rounds,
    Disputes,
    DisputesOpen,
    DisputeMoves,
    Transactions,
    ForeignActs,
    BlobBytes,
    BlobProvidersDropped,
    ChainHeight,
    ChainBlockAge,
    ChainClockSkew,
    ChainConnected,
    ChainReconnects,
    RpcFailures,
    RuntimeVersion,
    RuntimeUpgrades,
    WorkerStake,
    WorkerReserved,
    WorkerScore,
    Events,
    DiskFree,
    DiskUsed,
    Memory,
    OpenFiles,
    StartTime,
    BuildInfo,
    Healthy,
}

/// What a metric does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows, from 0 at each start.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts how often something took how long: upper bounds, in seconds.
    Histogram(&'static [f64]),
}

impl Kind {
    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// What tells the values of one metric apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Its values, if they are known beforehand.
    pub values: &'static [&'static str],
}

/// A metric's declaration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Declared {
    /// Which.
    pub metric: Metric,
    /// Its name, with the unit as suffix.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// What tells its values apart.
    pub label: Option<Label>,
    /// What it means.
    pub help: &'static str,
}

const DUTY: Label =
    Label { name: "duty", values: &["train", "attest", "aggregate", "audit", "publish", "reveal"] };
const RUN: Label = Label { name: "run", values: &[] };
const SIDE: Label = Label { name: "side", values: &["challenger", "defender"] };
const RESULT: Label = Label { name: "result", values: &["included", "refused", "failed"] };
const DIRECTION: Label = Label { name: "direction", values: &["stored", "received", "sent", "uploaded"] };
const BLOCK: Label = Label { name: "block", values: &["best", "finalised"] };
const FOLDER: Label = Label { name: "folder", values: &["state", "blobs"] };
const VERSION: Label = Label { name: "version", values: &[] };

/// From a second to a day: slots of every size.
const SLOT_BUCKETS: &[f64] = &[1.0, 5.0, 15.0, 60.0, 180.0, 600.0, 1_800.0, 3_600.0, 10_800.0, 86_400.0];
/// From a tenth of a second to an hour.
const DUTY_BUCKETS: &[f64] = &[0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 180.0, 600.0, 3_600.0];

const fn metric(
    metric: Metric,
    name: &'static str,
    kind: Kind,
    label: Option<Label>,
    help: &'static str,
) -> Declared {
    Declared { metric, name, kind, label, help }
}

use Kind::{Counter, Gauge, Histogram};
use Metric as M;

/// All metrics, in the order of [`Metric`].
#[rustfmt::skip]
pub const TABLE: &[Declared] = &[
    metric(M::TrainTokens, "sabha_train_tokens_total", Counter, None, "Tokens that were trained on"),
    metric(M::TrainSteps, "sabha_train_steps_total", Counter, None, "Inner steps that were done"),
    metric(M::TrainLoss, "sabha_train_loss_nats", Gauge, Some(RUN), "Loss of the last inner step, in nats per token, until an hour after it"),
    metric(M::SlotSeconds, "sabha_slot_seconds", Histogram(SLOT_BUCKETS), None, "Time that the engine spent on a slot, from its begin to its end, pauses not counted"),
    metric(M::DutySeconds, "sabha_duty_seconds", Histogram(DUTY_BUCKETS), Some(DUTY), "Time that one piece of work for a duty took, whether it came to an end or not"),
    metric(M::DutiesTaken, "sabha_duties_taken_total", Counter, Some(DUTY), "Duties that were begun, or taken up again after a restart"),
    metric(M::DutiesDone, "sabha_duties_done_total", Counter, Some(DUTY), "Duties whose result the chain has"),
    metric(M::DutiesMissed, "sabha_duties_missed_total", Counter, Some(DUTY), "Duties whose deadline was missed"),
    metric(M::DutiesWithdrawn, "sabha_duties_withdrawn_total", Counter, Some(DUTY), "Duties that the chain took back before their deadline"),
    metric(M::DutiesDeclined, "sabha_duties_declined_total", Counter, Some(DUTY), "Duties that were let go because this machine is too small for them"),
    metric(M::DutiesOpen, "sabha_duties_open", Gauge, None, "Duties that the chain asks for now"),
    metric(M::WorkFailures, "sabha_work_failures_total", Counter, Some(DUTY), "Pieces of work that failed; each is tried again"),
    metric(M::Rounds, "sabha_rounds_total", Counter, None, "Rounds whose checkpoint this worker has got and verified"),
    metric(M::Disputes, "sabha_disputes_total", Counter, Some(SIDE), "Disputes that this worker is a side of"),
    metric(M::DisputesOpen, "sabha_disputes_open", Gauge, None, "Disputes of this worker that go on"),
    metric(M::DisputeMoves, "sabha_dispute_moves_total", Counter, None, "Moves that were sent in disputes"),
    metric(M::Transactions, "sabha_transactions_total", Counter, Some(RESULT), "Transactions that were signed: included, refused by the pool or the call, failed on the way; not those whose node was left meanwhile"),
    metric(M::ForeignActs, "sabha_foreign_acts_total", Counter, None, "Results of this worker that the chain has and this daemon has not signed: somebody else uses its key"),
    metric(M::BlobBytes, "sabha_blob_bytes_total", Counter, Some(DIRECTION), "Bytes of blobs that were made here and stored, received from others, sent to others, uploaded to the object store"),
    metric(M::BlobProvidersDropped, "sabha_blob_providers_dropped_total", Counter, None, "Providers of blobs that were dropped because they sent wrong bytes"),
    metric(M::ChainHeight, "sabha_chain_height", Gauge, Some(BLOCK), "Number of the best and of the latest finalised block"),
    metric(M::ChainBlockAge, "sabha_chain_block_age_seconds", Gauge, None, "Time since a new best block was seen"),
    metric(M::ChainClockSkew, "sabha_chain_clock_skew_seconds", Gauge, None, "This machine's clock minus the time of the best block, when it was first seen"),
    metric(M::ChainConnected, "sabha_chain_connected", Gauge, None, "Whether the node answers: 1 or 0"),
    metric(M::ChainReconnects, "sabha_chain_reconnects_total", Counter, None, "Connections that were made anew, to the same node or another one"),
    metric(M::RpcFailures, "sabha_rpc_failures_total", Counter, None, "Looks at the chain that failed because the node did not serve"),
    metric(M::RuntimeVersion, "sabha_runtime_version", Gauge, None, "spec_version of the chain's runtime after the best block"),
    metric(M::RuntimeUpgrades, "sabha_runtime_upgrades_total", Counter, None, "Runtime upgrades that this daemon went through"),
    metric(M::WorkerStake, "sabha_worker_stake_sbh", Gauge, None, "The worker's stake"),
    metric(M::WorkerReserved, "sabha_worker_reserved_sbh", Gauge, None, "What of the stake answers for something that is not settled"),
    metric(M::WorkerScore, "sabha_worker_score_ratio", Gauge, None, "The expected share of duties done, by which the worker is drawn"),
    metric(M::Events, "sabha_events_total", Counter, None, "Entries that were written to the event log"),
    metric(M::DiskFree, "sabha_disk_free_bytes", Gauge, Some(FOLDER), "Free space where the folder is"),
    metric(M::DiskUsed, "sabha_disk_used_bytes", Gauge, Some(FOLDER), "What the folder takes, measured once a minute"),
    metric(M::Memory, "sabha_memory_bytes", Gauge, None, "Resident memory of the process"),
    metric(M::OpenFiles, "sabha_open_files", Gauge, None, "Open files and sockets of the process"),
    metric(M::StartTime, "sabha_start_time_seconds", Gauge, None, "When the daemon started, in seconds since 1970"),
    metric(M::BuildInfo, "sabha_build_info", Gauge, Some(VERSION), "1, labelled with the version of sabha-worker"),
    metric(M::Healthy, "sabha_healthy", Gauge, None, "What /health says: 1 or 0"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_metric_stands_once_and_at_its_place() {
        for (index, declared) in TABLE.iter().enumerate() {
            assert_eq!(declared.metric as usize, index, "{}", declared.name);
        }
        let names: BTreeSet<_> = TABLE.iter().map(|declared| declared.name).collect();
        assert_eq!(names.len(), TABLE.len());
        // The last one: the enumeration has no member that is not in the table.
        assert_eq!(TABLE.last().unwrap().metric, Metric::Healthy);
    }

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        for Declared { name, kind, help, .. } in TABLE {
            assert!(name.starts_with("sabha_"), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}: counters alone are totals");
            if matches!(kind, Kind::Histogram(_)) {
                assert!(name.ends_with("_seconds"), "{name}");
            }
            assert!(!help.is_empty() && !help.contains('|') && !help.ends_with('.'), "{name}: {help}");
        }
    }
}
