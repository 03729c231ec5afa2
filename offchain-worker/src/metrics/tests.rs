//! The server with a client of its own, and every metric of the table, moved.

use super::*;
use crate::{
    blobs::Counters,
    chain::{ChainError, Device, Worker, WorkerStatus, names::call},
    daemon::{
        journal::Event,
        task::{Basis, Kind, Task},
        work::Ended,
    },
    keys::AccountId,
    metrics::{
        record::{Direction, LOSS_FOR},
        table::TABLE,
    },
};
use sabha_protocol::{Digest, RoundKey, UNITS, dispute::Side, round::Checkpoint};
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A process's metrics, as long as the test's.
fn fresh() -> &'static Metrics {
    Box::leak(Box::new(Metrics::new()))
}

fn served(folder: &std::path::Path) -> Served {
    Served {
        pulse: Pulse::default(),
        folders: vec![("state", folder.join("state")), ("blobs", folder.join("blobs"))],
        min_free_mib: 0,
        metrics: fresh(),
    }
}

fn be_well(pulse: &Pulse) {
    let mut vitals = pulse.vitals();
    vitals.node = "ws://a:1".into();
    vitals.connected = true;
    vitals.best_seen = Some(Instant::now());
}

async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream
        .write_all(format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn metrics_and_health_are_served_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let served = served(folder.path());
    let pulse = served.pulse.clone();
    let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = server.address().unwrap();
    assert!(Server::bind(address).await.is_err(), "taken");
    tokio::spawn(server.serve(served));

    let answer = ask(address, "GET /health").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("no block was seen yet"), "{answer}");
    be_well(&pulse);
    let answer = ask(address, "GET /health").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("application/json"), "{answer}");
    let body: serde_json::Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!((&body["healthy"], &body["node"]), (&true.into(), &"ws://a:1".into()));

    let answer = ask(address, "GET /metrics").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("version=0.0.4"), "{answer}");
    for line in ["sabha_chain_connected 1", "sabha_healthy 1"] {
        assert!(answer.lines().any(|found| found == line), "{line} is not in {answer}");
    }
    assert!(ask(address, "GET /").await.starts_with("HTTP/1.1 404 "));
    assert!(ask(address, "POST /metrics").await.starts_with("HTTP/1.1 405 "));
}

/// Somebody who connects and says nothing keeps nobody else out.
#[tokio::test]
async fn a_silent_client_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = server.address().unwrap();
    tokio::spawn(server.serve(served(folder.path())));
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS {
        silent.push(tokio::net::TcpStream::connect(address).await.unwrap());
    }
    let answer = tokio::time::timeout(HEAD_WITHIN * 3, ask(address, "GET /health")).await;
    assert!(answer.unwrap().starts_with("HTTP/1.1 503 "));
}

/// The samples of each declared metric, by its name.
fn samples(metrics: &Metrics) -> BTreeMap<&'static str, Vec<String>> {
    let text = String::from_utf8(metrics.text()).unwrap();
    let of = |name: &str| {
        let belongs = |line: &&str| {
            let found = line.split(['{', ' ']).next().unwrap_or_default();
            found == name
                || found.strip_prefix(name).is_some_and(|rest| ["_count", "_sum", "_bucket"].contains(&rest))
        };
        text.lines().filter(|line| !line.starts_with('#')).filter(belongs).map(String::from).collect()
    };
    TABLE.iter().map(|declared| (declared.name, of(declared.name))).collect()
}

fn a_worker() -> Worker {
    let account = AccountId::from([1; 32]);
    Worker {
        owner: account,
        stake: 100 * UNITS,
        reserved: 10 * UNITS,
        attesting: 0,
        capacity: 1,
        training: 0,
        hot_key: account,
        payout: account,
        device: Device::Cpu,
        endpoint: String::new(),
        status: WorkerStatus::Ready,
        tickets: 1,
        score: 750_000,
        jailed_until: 0,
        owed: 0,
        done: 0,
        missed: 0,
    }
}

#[test]
fn the_loss_of_a_run_that_is_over_is_not_told_for_ever() {
    let metrics = fresh();
    let told = |run: u32| {
        let line = format!("sabha_train_loss_nats{{run=\"{run}\"}} 2.5");
        String::from_utf8(metrics.text()).unwrap().lines().any(|found| found == line)
    };
    metrics.stepped(3, 1, 2.5);
    metrics.forget_losses(Instant::now() + LOSS_FOR - Duration::from_secs(60));
    assert!(told(3));
    metrics.forget_losses(Instant::now() + LOSS_FOR + Duration::from_secs(1));
    assert!(!told(3));
    metrics.stepped(4, 1, 2.5);
    metrics.stepped(3, 1, 2.5);
    assert!(told(3) && told(4), "it goes on");
}

#[test]
fn every_declared_metric_moves_when_its_thing_happens() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("state")).unwrap();
    std::fs::create_dir_all(folder.path().join("blobs")).unwrap();
    std::fs::write(folder.path().join("state/x"), [0; 10]).unwrap();
    std::fs::write(folder.path().join("blobs/x"), [0; 10]).unwrap();
    let served = served(folder.path());
    let metrics = served.metrics;
    let before = samples(metrics);

    metrics.started();
    metrics.stepped(3, 512, 4.25);
    metrics.slot(Duration::from_secs(70));
    let round = RoundKey { round: 1, attempt: 0 };
    for kind in [Kind::Train, Kind::Attest, Kind::Aggregate, Kind::Audit, Kind::Publish, Kind::Reveal] {
        let task = Task { kind, run: 3, round, place: 0, generation: 0 };
        let basis = Basis { spec: Digest([1; 32]), base: None, inputs: Digest([2; 32]) };
        for event in [
            Event::Taken { task, basis, until: 9, block: 1 },
            Event::Settled { task, block: 2 },
            Event::Lost { task, late: true },
            Event::Lost { task, late: false },
            Event::Declined { task, reason: "small".into() },
        ] {
            metrics.event(&event);
        }
        metrics.worked(kind, Duration::from_secs(2), &Ok(Ended::Stopped));
        metrics.worked(kind, Duration::from_secs(2), &Err(anyhow::anyhow!("broken")));
    }
    let checkpoint = Checkpoint { root: Digest([1; 32]), blob: Digest([2; 32]) };
    metrics.event(&Event::Holds { run: 3, round, checkpoint });
    metrics.sent(&Ok(()));
    let refused =
        ChainError::Refused { call: call::COMMIT, name: "Training.TooLate".into(), docs: String::new() };
    metrics.sent::<()>(&Err(refused));
    metrics.sent::<()>(&Err(ChainError::NoNode("gone".into())));
    for side in [Side::Challenger, Side::Defender] {
        metrics.disputed(side);
    }
    metrics.disputes_open(2);
    metrics.moved();
    metrics.foreign();
    metrics.blob(Direction::Stored, 1_000);
    let first = Counters { fetched_bytes: 700, served_bytes: 20, stored_bytes: 3, dropped_providers: 1 };
    let second = Counters { fetched_bytes: 900, ..first };
    metrics.carried(Counters::default(), first);
    metrics.carried(first, second);
    metrics.worker(&a_worker(), 2);
    metrics.chain(12, Some(9));
    metrics.reconnected();
    metrics.rpc_failed();
    metrics.runtime(1, false);
    metrics.runtime(2, true);
    {
        let mut vitals = served.pulse.vitals();
        vitals.connected = true;
        vitals.best_seen = Instant::now().checked_sub(Duration::from_secs(2));
        vitals.clock_skew_s = 3;
    }
    served.measure();
    served.refresh();

    let after = samples(metrics);
    for declared in TABLE {
        let (old, new) = (&before[declared.name], &after[declared.name]);
        assert!(!new.is_empty(), "{} is not in the text", declared.name);
        // Every value of the label, too.
        let still = new.iter().filter(|line| !line.contains("_bucket{") && old.contains(line));
        assert_eq!(still.collect::<Vec<_>>(), Vec::<&String>::new(), "{} did not move", declared.name);
    }
    for line in [
        "sabha_train_tokens_total 512",
        "sabha_worker_score_ratio 0.75",
        "sabha_worker_stake_sbh 100",
        "sabha_disk_used_bytes{folder=\"blobs\"} 10",
        "sabha_blob_bytes_total{direction=\"received\"} 900",
        "sabha_blob_bytes_total{direction=\"sent\"} 20",
        "sabha_blob_bytes_total{direction=\"uploaded\"} 3",
        "sabha_blob_providers_dropped_total 1",
        "sabha_runtime_upgrades_total 1",
        "sabha_runtime_version 2",
    ] {
        assert!(after.values().flatten().any(|found| found == line), "{line}");
    }
}
