//! A running node: blocks, finality, RPC, peers, shutdown.

use crate::harness::{Folder, Node, in_namespace, run_failing};
use jsonrpsee::rpc_params;
use serde_json::Value;

#[test]
fn dev_chain_makes_and_finalises_blocks() {
    let mut node = Node::start(&["--dev"]);
    node.wait_for_block(2);
    node.wait_for("finalised block", |node| (node.finalised_block() >= 1).then_some(()));

    assert_eq!(node.call("system_chain", rpc_params![]), "Sabha Development");
    assert_eq!(node.call("system_name", rpc_params![]), "Sabha Node");
    assert_eq!(node.call("system_properties", rpc_params![])["tokenSymbol"], "SBH");
    assert_eq!(node.call("chainSpec_v1_chainName", rpc_params![]), "Sabha Development");

    let methods = node.call("rpc_methods", rpc_params![]);
    let methods: Vec<&str> =
        methods["methods"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    for method in [
        "author_rotateKeysWithOwner",
        "babe_epochAuthorship",
        "grandpa_roundState",
        "payment_queryInfo",
        "system_accountNextIndex",
        "chainHead_v1_follow",
    ] {
        assert!(methods.contains(&method), "{method} is not offered");
    }
    let claims = node.call("babe_epochAuthorship", rpc_params![]);
    assert_eq!(claims.as_object().expect("a map").len(), 1, "Alice alone claims slots: {claims}");
    let round = node.call("grandpa_roundState", rpc_params![]);
    assert_eq!(round["best"]["totalWeight"], 1, "{round}");

    let port = node.rpc_port().to_string();
    let text = run_failing(&["--dev", "--port", "0", "--prometheus-port", "0", "--rpc-port", &port]);
    assert!(text.contains(&format!("port {port} is already in use")), "{text}");

    let (status, log) = node.stop_and_log();
    assert!(status.success(), "SIGTERM is a clean end");
    assert!(!log.contains("Essential task"), "nothing has failed:\n{log}");
}

/// The log says it long before the end; the last line is what service managers and people look at.
#[test]
fn a_full_disk_is_the_last_word_of_a_node() {
    let folder = Folder::new();
    // Room for a start. The rest is taken when the first block is there.
    let script = r#"
        mkdir -p "$2" && mount -t tmpfs -o size=64m none "$2" || exit 99
        "$1" --chain dev --alice --validator --force-authoring --base-path "$2" --port 0 --rpc-port 0 \
            --node-key 0000000000000000000000000000000000000000000000000000000000000001 \
            --no-telemetry --no-prometheus 2>"$3" &
        node=$!
        while kill -0 $node && ! grep -q "Imported #1" "$3"; do sleep 0.2; done
        cat /dev/zero >"$2/rest"
        wait $node
        echo "code $?"
    "#;
    let log = folder.join("log");
    let Some(out) = in_namespace(script, &[&folder.join("small"), &log]) else {
        eprintln!(
            "SKIPPED: a full disk needs a file system of its own, and `unshare` may not mount one here"
        );
        return;
    };
    let log = std::fs::read_to_string(log).expect("the node's log");
    assert!(out.contains("code 1"), "{out}\n{log}");
    let last = log.lines().last().unwrap_or_default();
    for part in ["Error: ", "small", "is full", "free some space"] {
        assert!(last.contains(part), "{part} is missing in: {last}");
    }
}

/// Where other nodes on this machine find it.
fn boot_node(node: &Node) -> String {
    let peer = node.call("system_localPeerId", rpc_params![]);
    let addresses = node.call("system_localListenAddresses", rpc_params![]);
    let port = addresses
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .filter(|address| address.starts_with("/ip4/"))
        .find_map(|address| address.split("/tcp/").nth(1)?.split('/').next())
        .unwrap_or_else(|| panic!("no IPv4 address in {addresses}"));
    format!("/ip4/127.0.0.1/tcp/{port}/p2p/{}", peer.as_str().expect("text"))
}

#[test]
fn full_node_syncs_from_a_validator() {
    let mut validator = Node::start(&["--dev"]);
    validator.wait_for_block(1);
    let boot_node = boot_node(&validator);

    let folder = Folder::new();
    let mut full =
        Node::start(&["--chain", "dev", "--base-path", &folder.join("full"), "--bootnodes", &boot_node]);
    full.wait_for_block(2);
    let hash = full.call("chain_getBlockHash", rpc_params![1]);
    assert_eq!(hash, validator.call("chain_getBlockHash", rpc_params![1]));
    full.wait_for("finalised block", |node| (node.finalised_block() >= 1).then_some(()));
    assert!(full.stop().success());
    assert!(validator.stop().success());
}

#[test]
fn warp_sync_needs_one_peer_on_a_development_chain() {
    let mut validator = Node::start(&["--dev"]);
    validator.wait_for("finalised block", |node| (node.finalised_block() >= 2).then_some(()));

    let folder = Folder::new();
    let (base, peer) = (folder.join("warp"), boot_node(&validator));
    let mut node =
        Node::start(&["--chain", "dev", "--sync", "warp", "--base-path", &base, "--bootnodes", &peer]);
    // The state comes from the peer, not from executing blocks.
    node.wait_for("end of state sync", |node| node.find_log("State sync is complete"));
    let best = validator.best_block();
    node.wait_for_block(best);
    assert!(node.stop().success());
    assert!(validator.stop().success());
}

#[test]
fn libp2p_backend_runs() {
    let mut node = Node::start(&["--dev", "--network-backend", "libp2p"]);
    node.wait_for_block(1);
    assert!(node.stop().success());
}
