//! A run of a model for which no machine has the memory: the worker lets its slots go, and lives on.

use crate::harness::{Chain, Home, dataset, spec};

/// The largest model that a specification may ask for, with a deadline that passes soon.
fn huge() -> String {
    let mut text = spec(1, 10);
    for (from, to) in [
        ("width = 32", "width = 16384"),
        ("layers = 2", "layers = 256"),
        ("feed_forward = 64", "feed_forward = 65536"),
        ("training = 48", "training = 8"),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text
}

#[test]
fn a_slot_of_a_model_of_terabytes_is_declined_once_and_the_daemon_lives_on_until_it_drains() {
    let mut chain = Chain::start();
    let home = Home::new(&chain);
    let (alice, bob, hot) = (home.key("Alice"), home.key("Bob"), home.path("hot.json"));
    home.json(&["key", "generate", &hot]);
    let account = home.account(&hot);
    home.json(&["register", "--key", &bob, "--hot-key", &account, "--fund", "5"]);
    let data = dataset(&home);
    let spec = home.write("huge.toml", &huge());
    home.json(&["run", "propose", &spec, "--data", &data, "--key", &alice]);

    let doctor: serde_json::Value =
        serde_json::from_slice(&home.run(&["--json", "doctor", "--key", &hot]).stdout).unwrap();
    let memory = doctor["checks"].as_array().unwrap().iter().find(|check| check["name"] == "memory").unwrap();
    assert!(memory["grade"] == "warning" && memory["found"].as_str().unwrap().contains("TiB"), "{memory}");

    let (state, blobs) = (home.path("state"), home.path("blobs"));
    let folders = ["--state", &state, "--blobs", &blobs, "--dataset", &data];
    let daemon = ["start", "--key", &hot, "--follow", "best", "--ready", "--drain-on-stop"];
    let process = home.start("daemon", &[&daemon[..], &folders].concat());
    let of_first = |event: &str| {
        let is = |entry: &serde_json::Value| entry["event"] == event && entry["task"]["generation"] == 0;
        home.events(&state).iter().filter(|entry| is(entry)).count()
    };
    chain.wait("the slot to be declined", || (of_first("declined") == 1).then_some(()));
    chain.wait("the deadline", || (of_first("lost") == 1).then_some(()));
    assert_eq!((of_first("taken"), of_first("declined")), (1, 1), "it is not tried again and again");

    let log = process.log();
    assert!(log.contains("TiB of memory") && log.contains("the slot is let go"), "{log}");
    // It asks for more work, as after any lost slot, and says goodbye when it is stopped.
    let ready = |entry: &serde_json::Value| entry["event"] == "ready";
    chain.wait("the worker to be ready again", || {
        (home.events(&state).iter().filter(|entry| ready(entry)).count() >= 2).then_some(())
    });
    chain.wait("the chain to know it", || {
        let status = home.json(&["status", "--key", &bob])["status"].clone();
        (status == "ready" || status == "working").then_some(())
    });
    let status = process.stop();
    assert!(status.success(), "{status}");
    assert_eq!(home.events(&state).iter().filter(|entry| entry["event"] == "drain").count(), 1);
    let status = home.json(&["status", "--key", &bob])["status"].clone();
    assert!(status == "idle" || status == "draining", "{status}");
}
