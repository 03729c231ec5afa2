//! A run of a model for which no machine has the memory: the worker lets its slots go, and lives on.

use crate::harness::{Chain, Home, dataset, free_port, metric, spec};

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
fn slots_of_a_model_of_terabytes_are_declined_and_cost_the_worker_nothing() {
    let mut chain = Chain::start();
    let home = Home::new(&chain);
    let (alice, bob, hot) = (home.key("Alice"), home.key("Bob"), home.path("hot.json"));
    home.json(&["key", "generate", &hot]);
    let account = home.account(&hot);
    home.json(&["register", "--key", &bob, "--hot-key", &account, "--fund", "5"]);
    let data = dataset(&home);
    let spec = home.write("huge.toml", &huge());
    home.json(&["run", "propose", &spec, "--data", &data, "--key", &alice, "--pay"]);

    let doctor: serde_json::Value =
        serde_json::from_slice(&home.run(&["--json", "doctor", "--key", &hot]).stdout).unwrap();
    let memory = doctor["checks"].as_array().unwrap().iter().find(|check| check["name"] == "memory").unwrap();
    assert!(memory["grade"] == "warning" && memory["found"].as_str().unwrap().contains("TiB"), "{memory}");

    let (state, blobs) = (home.path("state"), home.path("blobs"));
    let folders = ["--state", &state, "--blobs", &blobs, "--dataset", &data];
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let daemon = ["start", "--key", &hot, "--follow", "best", "--ready", "--drain-on-stop"];
    let process = home.start("daemon", &[&daemon[..], &["--metrics-listen", &listen], &folders].concat());
    let of = |event: &str, generation: Option<u16>| {
        let events = home.events(&state);
        let is = |entry: &&serde_json::Value| {
            entry["event"] == event && generation.is_none_or(|wanted| entry["task"]["generation"] == wanted)
        };
        events.iter().filter(is).count()
    };
    chain.wait("the slot to be declined", || (of("declined", Some(0)) == 1).then_some(()));
    chain.wait("the deadline", || (of("lost", Some(0)) == 1).then_some(()));
    assert_eq!((of("taken", Some(0)), of("declined", Some(0))), (1, 1), "it is not tried again and again");

    let log = process.log();
    assert!(log.contains("TiB of memory") && log.contains("it is let go"), "{log}");
    // It gets the slot again and again, and lets it go; nobody could have trained it, so the worker is not to blame and stays ready.
    chain.wait("three deadlines", || (of("lost", None) >= 3).then_some(()));
    for name in ["sabha_duties_declined_total", "sabha_duties_missed_total"] {
        assert!(metric(port, &format!("{name}{{duty=\"train\"}}")).unwrap() >= 3.0, "{name}");
    }
    assert_eq!(of("drain", None), 0);
    assert_eq!(home.json(&["status", "--key", &bob])["status"], "ready");
    let log = process.log();
    assert!(log.contains("the deadline of what was declined has passed"), "{log}");
    assert!(!log.contains("too much was missed in a row"), "{log}");
    let status = process.stop();
    assert!(status.success(), "{status}");
    assert_eq!(of("drain", None), 1, "it says goodbye once");
}
