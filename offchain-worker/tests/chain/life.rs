//! A worker's whole life on a real chain: it registers, trains, is stopped, killed and cut off, is paid, and leaves.

use crate::harness::{Chain, Home, dataset, spec};
use serde_json::Value;

/// Long enough that a stop falls into the middle of a slot.
const STEPS: u32 = 1_500;

#[test]
fn a_worker_is_stopped_killed_and_cut_off_and_its_results_are_the_same() {
    let mut chain = Chain::start();
    let home = Home::new(&chain);
    let (alice, bob) = (home.key("Alice"), home.key("Bob"));
    let (hot, pay) = (home.path("hot.json"), home.path("pay.json"));
    home.json(&["key", "generate", &hot]);
    home.json(&["key", "generate", &pay]);
    let data = dataset(&home);
    let spec = home.write("spec.toml", &spec(3, STEPS));

    home.json(&[
        "register",
        "--key",
        &bob,
        "--hot-key",
        &home.account(&hot),
        "--payout",
        &home.account(&pay),
        "--fund",
        "5",
        "--stake",
        "300",
    ]);
    let proposed = home.json(&["run", "propose", &spec, "--data", &data, "--key", &alice, "--pay"]);
    let run = proposed["run"].to_string();
    // Three rounds, and two more that a void might waste: a slot, an auditor and an aggregator each.
    assert_eq!(proposed["goal"], "16.25");

    let (state, blobs) = (home.path("state"), home.path("blobs"));
    let charlie = home.key("Charlie");
    let daemon = |key| {
        [
            "start",
            "--key",
            key,
            "--state",
            &state,
            "--blobs",
            &blobs,
            "--dataset",
            &data,
            "--follow",
            "best",
            "--ready",
            "--exit-when-run-over",
            &run,
        ]
    };
    let of = |kind: &str, event: &str| {
        let is =
            |entry: &Value| entry["event"] == event && (kind.is_empty() || entry["task"]["kind"] == kind);
        home.events(&state).iter().filter(|entry| is(entry)).count()
    };

    // SIGTERM in the middle of a slot parks it.
    let process = home.start("daemon", &daemon(&hot));
    chain.wait("training to begin", || (of("train", "taken") == 1).then_some(()));
    // Let it do some steps.
    std::thread::sleep(std::time::Duration::from_secs(1));
    let status = process.stop();
    assert!(status.success(), "{status}");
    let log = std::fs::read_to_string(home.path("daemon.log")).unwrap();
    assert!(
        log.contains("the worker is still ready on chain") && log.contains("sabha-worker drain"),
        "{log}"
    );
    let parked =
        home.events(&state).into_iter().find(|entry| entry["event"] == "parked").expect("a parked slot");
    let step = parked["step"].as_u64().unwrap();
    assert!(step < u64::from(STEPS), "it should be in the middle of the slot: {step}");

    // Another key speaks for the worker from now on, and goes on with the slot.
    home.json(&["update", "--key", &bob, "--hot-key", &home.account(&charlie)]);
    // SIGKILL in the middle of the next one loses work, nothing else.
    let process = home.start("daemon", &daemon(&charlie));
    chain.wait("the first commitment", || (of("train", "settled") == 1).then_some(()));
    assert!(process.log().contains("going on from the parked state"), "{}", process.log());
    chain.wait("the second slot", || taken(&home, &state, 1).then_some(()));
    process.kill();

    // The node goes away and comes back.
    let process = home.start("daemon", &daemon(&charlie));
    chain.wait("the second slot again", || (of("", "started") == 3).then_some(()));
    chain.stop_node();
    chain.start_node();
    let status = process.wait();
    assert!(status.success(), "the daemon ends when the run is over: {status}");

    // One thing was ever signed for each task, and all of them are what training alone gives.
    let shown = home.json(&["run", "show", &run]);
    assert_eq!((&shown["status"], &shown["finalised"]), (&"completed".into(), &3.into()), "{shown}");
    assert_eq!(
        (&shown["paid"], &shown["escrow"], &shown["refunded"]),
        (&"8.25".into(), &"0".into(), &"8".into()),
        "{shown}"
    );
    assert_eq!(shown["balanced"], true, "{shown}");
    for (kind, round) in
        ["train", "aggregate"].into_iter().flat_map(|kind| (0..3).map(move |round| (kind, round)))
    {
        let of_task = |entry: &Value| {
            entry["event"] == "signing"
                && entry["task"]["kind"] == kind
                && entry["task"]["round"]["round"] == round
        };
        let signed: Vec<Value> =
            home.events(&state).into_iter().filter(of_task).map(|entry| entry["act"].clone()).collect();
        assert!(
            !signed.is_empty() && signed.iter().all(|act| *act == signed[0]),
            "{kind} {round}: {signed:?}"
        );
    }
    let alone = home.path("alone");
    home.json(&["train", &spec, "--data", &data, "--out", &alone]);
    let checkpoint = std::fs::read(format!("{alone}/checkpoint.safetensors")).unwrap();
    assert_eq!(shown["checkpoint"], blake3::hash(&checkpoint).to_hex().as_str());

    // Paid, to the payout account alone.
    let status = home.json(&["status", "--key", &bob]);
    assert_eq!((&status["payout_balance"], &status["reserved"]), (&"8.25".into(), &"0".into()), "{status}");
    assert_eq!(status["missed"], 0, "{status}");

    // The stake comes back after the unbonding time, and not before.
    if status["status"] == "ready" {
        home.json(&["drain", "--key", &bob]);
    }
    home.json(&["unbond", "--key", &bob]);
    assert_eq!(home.run(&["withdraw", "--key", &bob]).status.code(), Some(5), "not yet");
    chain.wait("the stake", || home.run(&["withdraw", "--key", &bob]).status.success().then_some(()));
    assert_eq!(home.run(&["status", "--key", &bob]).status.code(), Some(5), "it is a worker no more");
}

/// Whether the daemon has begun to train a round.
fn taken(home: &Home, state: &str, round: u32) -> bool {
    let is = |entry: &Value| {
        entry["event"] == "taken"
            && entry["task"]["kind"] == "train"
            && entry["task"]["round"]["round"] == round
    };
    home.events(state).iter().any(is)
}
