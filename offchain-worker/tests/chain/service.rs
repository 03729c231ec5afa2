//! The daemon as a service: what it tells of itself, several nodes, one key, and death between a log's write and its act.

use crate::harness::{Chain, Home, Proxy, ask, dataset, free_port, metric, spec};
use std::os::unix::process::ExitStatusExt;

const IN_USE: i32 = 8;

#[test]
fn a_daemon_changes_its_node_tells_of_itself_and_is_alone_with_its_key() {
    let mut chain = Chain::start();
    let home = Home::new(&chain);
    let bob = home.key("Bob");
    home.json(&["register", "--key", &bob]);
    let (one, two, port) = (Proxy::start(&chain), Proxy::start(&chain), free_port());
    let urls = format!("ws://127.0.0.1:{},{},{}", free_port(), one.url(), two.url());
    let listen = format!("127.0.0.1:{port}");
    let (state, blobs) = (home.path("state"), home.path("blobs"));
    let folders = ["--key", &bob, "--blobs", &blobs, "--url", &urls];
    let daemon = [&["start", "--state", &state, "--metrics-listen", &listen][..], &folders[..]].concat();
    let process = home.start("daemon", &daemon);
    chain.wait("a healthy daemon", || ask(port, "/health").filter(|(status, _)| status.ends_with("200 OK")));
    let (_, health) = ask(port, "/health").unwrap();
    let health: serde_json::Value = serde_json::from_str(&health).unwrap();
    assert_eq!(health["node"], one.url().as_str(), "the first one is not there: {health}");
    assert!(metric(port, "sabha_chain_height{block=\"best\"}").unwrap() >= 1.0);
    chain.wait("a look", || (metric(port, "sabha_worker_stake_sbh") == Some(100.0)).then_some(()));
    assert_eq!(metric(port, "sabha_events_total"), Some(1.0), "it started");

    // Another folder, the same key.
    let other = home.path("other");
    let said = home.refused(&[&["start", "--state", &other][..], &folders[..]].concat(), IN_USE);
    assert!(said.contains("in use by another daemon"), "{said}");
    let doctor = [&["doctor", "--state", &state, "--metrics-listen", &listen][..], &folders[..]].concat();
    let report = String::from_utf8(home.run(&doctor).stdout).unwrap();
    for part in [
        "one runs with this key",
        "is taken, by the daemon",
        " tasks not done",
        "answers in",
        "the daemon could not change to it",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }

    drop(one);
    chain.wait("the next node", || (metric(port, "sabha_chain_reconnects_total") == Some(1.0)).then_some(()));
    chain.wait("health", || ask(port, "/health").filter(|(status, _)| status.ends_with("200 OK")));
    let (_, health) = ask(port, "/health").unwrap();
    assert!(health.contains(&two.url()), "{health}");
    assert!(metric(port, "sabha_rpc_failures_total").unwrap() >= 1.0);
    let status = process.stop();
    assert!(status.success(), "{status}");
}

#[test]
fn a_daemon_that_dies_between_a_write_and_its_act_does_it_later() {
    let mut chain = Chain::start();
    let home = Home::new(&chain);
    let bob = home.key("Bob");
    home.json(&["register", "--key", &bob]);
    let (state, blobs) = (home.path("state"), home.path("blobs"));
    let daemon =
        ["start", "--key", &bob, "--state", &state, "--blobs", &blobs, "--ready", "--follow", "best"];
    let status = || home.json(&["status", "--key", &bob])["status"].as_str().unwrap().to_owned();
    // The second event is that it is ready.
    for (crash, events) in [("before:2", 1), ("within:2", 2), ("after:2", 4)] {
        let ended = home.start("daemon", &[&daemon[..], &["--crash-at", crash]].concat()).wait();
        assert_eq!(ended.signal(), Some(6), "{crash}: {ended}");
        assert_eq!(home.events(&state).len(), events, "{crash}");
        assert_eq!(status(), "idle", "{crash}: nothing was sent");
    }
    let process = home.start("daemon", &daemon);
    chain.wait("the worker to be ready", || (status() == "ready").then_some(()));
    assert!(process.stop().success());
    let kinds: Vec<String> =
        home.events(&state).iter().map(|entry| entry["event"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["started", "started", "started", "ready", "started", "ready", "stopped"]);
}

#[test]
fn a_daemon_notices_that_another_one_uses_its_key() {
    let mut chain = Chain::start();
    let home = Home::new(&chain);
    let (alice, bob) = (home.key("Alice"), home.key("Bob"));
    home.json(&["register", "--key", &bob, "--stake", "300"]);
    let copy = home.path("copy.json");
    std::fs::copy(&bob, &copy).unwrap();
    let data = dataset(&home);
    let spec = home.write("spec.toml", &spec(1, 1_500));
    home.json(&["run", "propose", &spec, "--data", &data, "--key", &alice, "--pay"]);
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let (first, second, blobs) = (home.path("first"), home.path("second"), home.path("blobs"));
    let common = ["--blobs", &blobs, "--dataset", &data, "--follow", "best"];
    let trains = |state: &str, event: &str| {
        let is = |entry: &serde_json::Value| entry["event"] == event && entry["task"]["kind"] == "train";
        home.events(state).iter().any(is).then_some(())
    };
    // Both have begun to train the same slot; only one of them commits it.
    let one = home
        .start("one", &[&["start", "--ready", "--key", &bob, "--state", &first][..], &common[..]].concat());
    chain.wait("the first to train", || trains(&first, "taken"));
    one.signal("STOP");
    let other = ["start", "--key", &copy, "--state", &second, "--metrics-listen", &listen];
    let two = home.start("two", &[&other[..], &common[..]].concat());
    chain.wait("the second to train", || trains(&second, "taken"));
    two.signal("STOP");
    one.signal("CONT");
    chain.wait("the commitment", || trains(&first, "settled"));
    two.signal("CONT");
    chain.wait("the second to notice", || {
        ask(port, "/health")
            .filter(|(status, body)| status.contains("503") && body.contains("two daemons use one hot key"))
    });
    assert_eq!(metric(port, "sabha_foreign_acts_total"), Some(1.0));
    assert!(two.log().contains("did not sign"), "{}", two.log());
    assert_eq!(trains(&second, "signing"), None, "it has not signed the same thing again");
    assert!(one.stop().success() && two.stop().success());
}
