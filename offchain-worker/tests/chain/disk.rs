//! A daemon on a full disk: it says so, does nothing that it cannot note, and goes on when there is room.

use crate::harness::{Chain, Home, dataset, free_port, metric, spec};
use serde_json::Value;
use std::{fs, path::Path};

/// Bytes in which a file of a tmpfs grows.
const PAGE: usize = 4_096;

/// Mounts a small disk, fills it but for the end of the log's last page, runs the worker on it, and makes room in two steps when
/// it is told to: for the log, and for blobs.
const SCRIPT: &str = r#"
    home=$2; disk=$home/disk; worker=$1; shift 2
    mkdir "$disk" && mount -t tmpfs -o size=64k none "$disk" || exit 99
    cp -R "$home/state" "$disk/state"
    cat /dev/zero >"$disk/filler" 2>/dev/null
    "$worker" "$@" &
    pid=$!
    trap 'kill -TERM "$pid"' TERM
    (
        for what in log blobs; do
            while [ ! -e "$home/room-for-$what" ]; do kill -0 "$pid" || exit; sleep 0.1; done
            case $what in
            log) rm "$disk/filler" ;;
            blobs) mount -o remount,size=16m "$disk" ;;
            esac
        done
    ) &
    wait "$pid"
    code=$?
    cp -R "$disk/state" "$home/kept-state"
    find "$disk/blobs" -type f >"$home/kept-blobs"
    exit "$code"
"#;

#[test]
fn a_daemon_on_a_full_disk_waits_for_room_and_its_results_are_the_same() {
    let mut chain = Chain::start();
    let home = Home::new(&chain);
    let (alice, bob, hot) = (home.key("Alice"), home.key("Bob"), home.path("hot.json"));
    home.json(&["key", "generate", &hot]);
    home.json(&[
        "register",
        "--key",
        &bob,
        "--hot-key",
        &home.account(&hot),
        "--fund",
        "5",
        "--stake",
        "300",
    ]);
    let data = dataset(&home);

    // A first life makes the log. It is filled up so that the next start fits into its last page, and nothing after that.
    let (state, blobs) = (home.path("state"), home.path("blobs"));
    let ready = ["start", "--key", &hot, "--state", &state, "--blobs", &blobs, "--follow", "best", "--ready"];
    let process = home.start("first", &ready);
    chain.wait("the worker to be ready", || {
        (home.json(&["status", "--key", &bob])["status"] == "ready").then_some(())
    });
    assert!(process.stop().success());
    let mut inside = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().path());
    let log = inside.find(|path| path.is_dir()).unwrap().join("events.jsonl");
    let mut text = fs::read_to_string(&log).unwrap();
    let started = text.lines().next().unwrap().len() + 1;
    let line = "{\"time_ms\":0,\"event\":\"ready\"}\n";
    while PAGE - text.len() % PAGE > started + 60 || PAGE - text.len() % PAGE < started {
        text.push_str(line);
    }
    fs::write(&log, &text).unwrap();

    let spec = home.write("spec.toml", &spec(2, 40));
    let run =
        home.json(&["run", "propose", &spec, "--data", &data, "--key", &alice, "--pay"])["run"].to_string();
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let (small_state, small_blobs) = (home.path("disk/state"), home.path("disk/blobs"));
    let arguments = [
        &home.path(""),
        "start",
        "--key",
        &hot,
        "--state",
        &small_state,
        "--blobs",
        &small_blobs,
        "--dataset",
        &data,
        "--follow",
        "best",
        "--metrics-listen",
        &listen,
        "--exit-when-run-over",
        &run,
    ];
    let Some(process) = home.start_in_namespace("second", SCRIPT, &arguments) else {
        eprintln!(
            "SKIPPED: a full disk needs a file system of its own, and `unshare` may not mount one here"
        );
        return;
    };
    let mut says = |parts: &[&str]| {
        chain.wait(&parts.join(", "), || {
            let log = process.log();
            log.lines().any(|line| parts.iter().all(|part| line.contains(part))).then_some(())
        });
    };
    // What a look notes first: a pin, or a line of the log.
    says(&["ERROR", "disk/", ": the disk is full", "free some space"]);
    assert!(!process.log().contains("the work failed"), "nothing is done that the log does not know");
    home.write("room-for-log", "");
    says(&["ERROR", "the work failed", "disk/blobs", "the disk is full", "free some space"]);
    let failures = |duty| metric(port, &format!("sabha_work_failures_total{{duty=\"{duty}\"}}"));
    assert!(["train", "attest", "aggregate"].into_iter().filter_map(failures).sum::<f64>() >= 1.0);
    home.write("room-for-blobs", "");
    let log = home.path("second.log");
    let status = process.wait();
    let log = fs::read_to_string(log).unwrap();
    assert!(status.success() && !log.contains("panicked"), "{status}\n{log}");

    // One outcome for each round, the same as training alone gives, and no half-written files.
    let shown = home.json(&["run", "show", &run]);
    assert_eq!((&shown["status"], &shown["finalised"]), (&"completed".into(), &2.into()), "{shown}");
    let events = home.events(&home.path("kept-state"));
    for (kind, round) in
        ["train", "aggregate"].into_iter().flat_map(|kind| (0..2).map(move |round| (kind, round)))
    {
        let signing = |entry: &&Value| {
            entry["event"] == "signing"
                && entry["task"]["kind"] == kind
                && entry["task"]["round"]["round"] == round
        };
        let signed: Vec<&Value> = events.iter().filter(signing).map(|entry| &entry["act"]).collect();
        assert!(
            !signed.is_empty() && signed.iter().all(|act| *act == signed[0]),
            "{kind} {round}: {signed:?}"
        );
    }
    let alone = home.path("alone");
    home.json(&["train", &spec, "--data", &data, "--out", &alone]);
    let checkpoint = fs::read(format!("{alone}/checkpoint.safetensors")).unwrap();
    assert_eq!(shown["checkpoint"], blake3::hash(&checkpoint).to_hex().as_str());
    let kept = fs::read_to_string(home.path("kept-blobs")).unwrap();
    // An update and a checkpoint for each round, each in the folder of its first digits.
    let is_blob = |path: &&str| Path::new(path).iter().rev().nth(1).is_some_and(|folder| folder.len() == 2);
    assert!(kept.lines().filter(is_blob).count() == 4 && !kept.contains(".partial"), "{kept}");
}
