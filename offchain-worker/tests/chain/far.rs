//! A node that is far away, and many runs: anybody may open some, and what is read of them keeps no duty waiting.

use crate::harness::{Chain, Home, Proxy, dataset, spec};
use std::time::Duration;

/// One after the other, what is to be known of so many would take longer than an aggregation's clock.
const RUNS: usize = 16;

/// Each way.
const DELAY: Duration = Duration::from_millis(100);

#[test]
fn many_runs_and_a_far_node_keep_no_duty_waiting() {
    let mut chain = Chain::start();
    let home = Home::new(&chain);
    let (alice, bob) = (home.key("Alice"), home.key("Bob"));
    let data = dataset(&home);
    home.json(&["register", "--key", &bob, "--stake", "300"]);
    let propose = |name: &str, text: &str| {
        let spec = home.write(name, text);
        home.json(&["run", "propose", &spec, "--data", &data, "--key", &alice, "--pay"])["run"].to_string()
    };
    // Nobody has the stake for these: they stay open.
    let mut idle = spec(1, 40);
    for (from, to) in [
        ("stake_per_slot = \"20\"", "stake_per_slot = \"5000\""),
        ("window = 12", "window = 48"),
        ("tries = 3", "tries = 16"),
    ] {
        assert!(idle.contains(from), "{from}");
        idle = idle.replace(from, to);
    }
    for _ in 0..RUNS {
        propose("idle.toml", &idle);
    }
    let run = propose("spec.toml", &spec(2, 40));
    let far = Proxy::delaying(&chain, DELAY);
    let (state, blobs, url) = (home.path("state"), home.path("blobs"), far.url());
    let daemon = ["start", "--key", &bob, "--state", &state, "--blobs", &blobs, "--dataset", &data];
    let more = ["--follow", "best", "--ready", "--url", &url, "--exit-when-run-over", &run];
    let process = home.start("daemon", &[&daemon[..], &more].concat());
    let shown = chain.wait("the run's end", || {
        let shown = home.json(&["run", "show", &run]);
        (shown["status"] == "completed").then_some(shown)
    });
    assert_eq!(shown["finalised"], 2, "{shown}\n{}", process.log());
    let open = home.json(&["run", "list"]);
    assert_eq!(open.to_string().matches("\"status\":\"open\"").count(), RUNS, "{open}");
    let status = home.json(&["status", "--key", &bob]);
    assert_eq!(status["missed"], 0, "{status}\n{}", process.log());
    assert!(process.wait().success());
}
