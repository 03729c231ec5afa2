//! A node that becomes one of another chain, at the same address, while the daemon runs; and one that loses its database.

use crate::harness::{Chain, Home, dataset, spec};

const WRONG_CHAIN: i32 = 6;

#[test]
fn a_daemon_ends_when_its_node_is_of_another_chain() {
    let mut chain = Chain::start();
    let home = Home::new(&chain);
    let (alice, bob) = (home.key("Alice"), home.key("Bob"));
    home.json(&["register", "--key", &bob]);
    let (state, blobs, data) = (home.path("state"), home.path("blobs"), dataset(&home));
    let daemon = ["start", "--key", &bob, "--state", &state, "--blobs", &blobs, "--dataset", &data];
    let process = home.start("daemon", &[&daemon[..], &["--ready", "--drain-on-stop"]].concat());
    let status = || home.json(&["status", "--key", &bob])["status"].as_str().unwrap().to_owned();
    chain.wait("the daemon", || (status() == "ready").then_some(()));
    let before = home.events(&state).len();

    // While it does not look, the node changes, and on the new chain the same worker is registered and has a run to train.
    process.signal("STOP");
    chain.become_another();
    home.json(&["register", "--key", &bob]);
    home.json(&["ready", "--key", &bob]);
    // Its window is a block longer.
    let spec = home.write("spec.toml", &spec(1, 40).replace("window = 12", "window = 13"));
    home.json(&["run", "propose", &spec, "--data", &data, "--key", &alice, "--pay"]);
    process.signal("CONT");
    let ended = process.wait();
    let log = std::fs::read_to_string(home.path("daemon.log")).unwrap();
    assert_eq!(ended.code(), Some(WRONG_CHAIN), "{log}");
    assert!(log.contains("another chain") && !log.contains("speaks for no worker"), "{log}");

    // Nothing of the other chain is in the log of this one, and nothing was done there.
    let events = home.events(&state);
    assert_eq!(events.len(), before + 1, "{events:?}");
    let last = &events[before];
    assert_eq!(last["event"], "stopped", "{last}");
    assert!(last["reason"].as_str().unwrap().contains("another chain"), "{last}");
    assert!(["ready", "working"].contains(&status().as_str()), "{}", status());
}

/// The node is of the same chain, and lacks the worker's registration: it is not believed that there is no such worker.
#[test]
fn a_daemon_waits_for_a_node_that_is_behind() {
    let mut chain = Chain::start();
    let home = Home::new(&chain);
    let bob = home.key("Bob");
    home.json(&["register", "--key", &bob]);
    let (state, blobs) = (home.path("state"), home.path("blobs"));
    let process =
        home.start("daemon", &["start", "--key", &bob, "--state", &state, "--blobs", &blobs, "--ready"]);
    let status = || home.json(&["status", "--key", &bob])["status"].as_str().unwrap().to_owned();
    chain.wait("the daemon", || (status() == "ready").then_some(()));
    // So many blocks that the new chain is behind for a while.
    let long = std::time::Instant::now();
    chain.wait("some blocks", || (long.elapsed().as_secs() >= 30).then_some(()));

    process.signal("STOP");
    chain.lose_database();
    process.signal("CONT");
    let log = || std::fs::read_to_string(home.path("daemon.log")).unwrap();
    chain.wait("the daemon to doubt it", || log().contains("is behind").then_some(()));
    let before = home.events(&state).len();
    assert!(process.stop().success(), "{}", log());
    let events = home.events(&state);
    assert_eq!(events.len(), before + 1, "{events:?}");
    assert_eq!(events[before]["reason"], "signal", "it went on until then: {}", log());
}
