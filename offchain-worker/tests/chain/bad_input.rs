//! Bad input: a clear message with the remedy, the right exit code, and nothing lost.

use crate::harness::{Chain, Home, dataset, free_port, spec};
use jsonrpsee::{RpcModule, server::Server};
use serde_json::json;

const BAD_INPUT: i32 = 3;
const NO_NODE: i32 = 4;
const REFUSED: i32 = 5;
const WRONG_CHAIN: i32 = 6;

fn says(text: &str, parts: &[&str]) {
    for line in text.lines().filter_map(|line| line.strip_prefix("error: ")) {
        says_nothing_twice(line);
    }
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

/// A cause that a message tells must not be told again by the report of causes.
fn says_nothing_twice(text: &str) {
    let parts: Vec<&str> = text.trim().split(": ").filter(|part| part.len() > 8).collect();
    for (index, part) in parts.iter().enumerate() {
        assert!(!parts[..index].contains(part), "{part:?} is told twice in {text:?}");
    }
}

#[test]
fn no_node_is_named_with_a_remedy() {
    let url = format!("ws://127.0.0.1:{}", free_port());
    let home = Home::at(url.clone());
    let key = home.key("Bob");
    for arguments in [
        &["run", "list"][..],
        &["register", "--key", &key],
        &["start", "--key", &key],
        &["doctor", "--key", &key],
    ] {
        let output = home.run(arguments);
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(NO_NODE), "{arguments:?}: {text}");
        says(&text, &[&url, "sabha-node"]);
    }
}

/// A node of another network, as far as it is asked.
#[test]
fn a_node_of_another_network_is_left_alone() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (url, server) = runtime.block_on(async {
        let mut module = RpcModule::new(());
        let version = json!({ "specName": "polkadot", "specVersion": 1, "transactionVersion": 26 });
        module.register_method("state_getRuntimeVersion", move |_, _, _| version.clone()).unwrap();
        let genesis = format!("0x{}", "91".repeat(32));
        module.register_method("chain_getBlockHash", move |_, _, _| genesis.clone()).unwrap();
        let server = Server::builder().build("127.0.0.1:0").await.unwrap();
        (format!("ws://{}", server.local_addr().unwrap()), server.start(module))
    });
    let home = Home::at(url.clone());
    let key = home.key("Bob");
    for arguments in [&["run", "list"][..], &["register", "--key", &key], &["start", "--key", &key]] {
        says(&home.refused(arguments, WRONG_CHAIN), &[&url, "`polkadot`", "expected was `sabha`"]);
    }
    server.stop().unwrap();
    runtime.block_on(server.stopped());
}

/// One chain for all of these: none of them changes it.
#[test]
fn a_chain_refuses_and_loses_nothing() {
    let chain = Chain::start();
    let home = Home::new(&chain);
    let bob = home.key("Bob");
    let data = dataset(&home);
    let good = home.write("good.toml", &spec(2, 20));

    // Another chain.
    let foreign = format!("0x{}", "11".repeat(32));
    says(&home.refused(&["run", "list", "--genesis", &foreign], WRONG_CHAIN), &["another chain", &foreign]);
    says(
        &home.refused(&["register", "--key", &bob, "--genesis", &foreign], WRONG_CHAIN),
        &["another chain", &foreign],
    );

    for genesis in ["zzz", "0x1111"] {
        let refused = home.refused(&["run", "list", "--genesis", genesis], BAD_INPUT);
        says(&refused, &[genesis, "--genesis", "64 hexadecimal digits"]);
    }

    // Too little stake, an owner without money, no key.
    says(&home.refused(&["register", "--key", &bob, "--stake", "1"], BAD_INPUT), &["stake", "at least 100"]);
    let poor = home.path("poor.json");
    home.json(&["key", "generate", &poor]);
    says(&home.refused(&["register", "--key", &poor], BAD_INPUT), &["needs at least"]);
    says(&home.refused(&["register", "--key", &home.path("none.json")], BAD_INPUT), &["none.json"]);
    says(&home.refused(&["start", "--key", &bob, "--dataset", &data], REFUSED), &["register"]);
    says(&home.refused(&["status", "--key", &bob], REFUSED), &["register"]);

    // An endpoint that the runtime could not read.
    let long = "x".repeat(200);
    for (endpoint, part) in [(&*long, "at most 128"), ("a\nb", "printable ASCII"), ("ñ", "printable ASCII")]
    {
        let refused = home.refused(&["register", "--key", &bob, "--endpoint", endpoint], BAD_INPUT);
        says(&refused, &["--endpoint", part]);
    }

    // Too little budget, specifications that no model can have, no data.
    let propose = |spec: &str, more: &[&str]| {
        let mut arguments = vec!["run", "propose", spec, "--data", &data, "--key", &bob];
        arguments.extend(more);
        home.refused(&arguments, BAD_INPUT)
    };
    says(&propose(&good, &["--goal", "12.9"]), &["goal", "13 SBH"]);
    for (from, to, parts) in [
        ("layers = 2", "layers = 0", &["model.layers"][..]),
        ("heads = 2", "heads = 3", &["model.heads", "model.width"]),
        ("count = 2", "count = 0", &["rounds.count"]),
        ("segment_steps = 4", "segment_steps = 3", &["rounds.segment_steps"]),
        ("window = 12", "window = 1", &["window"]),
        ("numerics_version = 1", "numerics_version = 9", &["numerics_version"]),
        ("seed = 7", "sead = 7", &["sead"]),
        ("auditors = 1", "auditors = 0", &["audit.auditors"]),
        ("stake_per_slot = \"20\"", "stake_per_slot = \"1\"", &["stake_per_slot", "at least"]),
    ] {
        let text = spec(2, 20);
        assert!(text.contains(from), "{from}");
        let file = home.write("bad.toml", &text.replace(from, to));
        let output = home.run(&["run", "propose", &file, "--data", &data, "--key", &bob]);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        // What only the chain knows, it refuses; the rest is refused here.
        assert!(
            matches!(output.status.code(), Some(BAD_INPUT | REFUSED)),
            "{to}: {:?} {text}",
            output.status
        );
        says(&text, parts);
    }
    says(&propose(&home.path("none.toml"), &[]), &["none.toml"]);
    says(&home.refused(&["run", "show", "0"], BAD_INPUT), &["no run 0"]);
    says(&home.refused(&["run", "watch", "7"], BAD_INPUT), &["no run 7"]);

    // Nothing of this is on the chain.
    assert_eq!(home.json(&["run", "list"]), serde_json::json!([]));

    // The same worker twice.
    home.json(&["register", "--key", &bob]);
    says(&home.refused(&["register", "--key", &bob], REFUSED), &["Training."]);
    says(&home.refused(&["withdraw", "--key", &bob], REFUSED), &["Training."]);
    assert_eq!(home.json(&["status", "--key", &bob])["stake"], "100");

    // Its endpoint, changed as it could be registered.
    for (endpoint, part) in [(&*long, "at most 128"), ("ñ", "printable ASCII")] {
        let refused = home.refused(&["update", "--key", &bob, "--endpoint", endpoint], BAD_INPUT);
        says(&refused, &["--endpoint", part]);
    }
    home.json(&["update", "--key", &bob, "--endpoint", &"x".repeat(128)]);
}
