//! `session-keys rotate` against running nodes.

use crate::harness::{Node, block_on, run, run_failing, run_succeeding};
use codec::Decode;
use jsonrpsee::{RpcModule, rpc_params, server::Server};
use sabha_runtime::opaque::SessionKeys;
use serde_json::{Value, json};
use sp_keyring::Sr25519Keyring;
use sp_runtime::traits::OpaqueKeys;
use std::net::TcpListener;

const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap_or_else(|| panic!("not text: {value}"));
    hex::decode(text.trim_start_matches("0x")).expect("hexadecimal")
}

#[test]
fn rotates_with_a_valid_proof() {
    let mut node = Node::start(&["--dev"]);
    let output =
        run_succeeding(&["session-keys", "rotate", "--owner", ALICE, "--url", &node.url(), "--json"]);
    let rotated: Value = serde_json::from_str(&output).expect("JSON");
    assert_eq!(rotated["owner"], ALICE);

    // What `session.set_keys` checks on chain.
    let keys = SessionKeys::decode(&mut &bytes(&rotated["keys"])[..]).expect("BABE and GRANDPA keys");
    let proof = bytes(&rotated["proof"]);
    let (alice, bob) = (Sr25519Keyring::Alice.to_account_id(), Sr25519Keyring::Bob.to_account_id());
    assert!(keys.ownership_proof_is_valid(alice.as_ref(), &proof));
    assert!(!keys.ownership_proof_is_valid(bob.as_ref(), &proof), "the proof is for the owner only");
    assert_eq!(node.call("author_hasSessionKeys", rpc_params![rotated["keys"].clone()]), true);
    assert_eq!(bytes(&rotated["call"])[..2], [10, 0], "session.set_keys");

    let text = run_succeeding(&["session-keys", "rotate", "--owner", ALICE, "--url", &node.url()]);
    assert!(text.contains("session.set_keys") && text.contains(ALICE), "{text}");
    assert!(!text.contains(rotated["babe"].as_str().expect("text")), "each rotation makes new keys");
    node.wait_for_block(1);
}

#[test]
fn refusal_of_unsafe_calls_is_explained() {
    let node = Node::start(&["--dev", "--rpc-methods", "safe"]);
    let text = run_failing(&["session-keys", "rotate", "--owner", ALICE, "--url", &node.url()]);
    assert!(text.contains("refuses to rotate keys") && text.contains("--rpc-methods unsafe"), "{text}");
}

#[test]
fn missing_node_is_explained() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}", holder.local_addr().expect("bound"));
    drop(holder);
    let text = run_failing(&["session-keys", "rotate", "--owner", ALICE, "--url", &url]);
    assert!(text.contains("no node answers") && text.contains(&url), "{text}");
}

#[test]
fn bad_owner_is_a_usage_error() {
    for owner in ["Alice", "0x1234"] {
        let output = run(&["session-keys", "rotate", "--owner", owner]);
        assert_eq!(output.status.code(), Some(2), "{owner}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("not an"), "{owner}");
    }
}

#[test]
fn other_chains_and_versions_are_left_alone() {
    for (answer, expected) in [
        (json!({ "specName": "polkadot", "transactionVersion": 26 }), "runs the chain `polkadot`"),
        (json!({ "specName": "sabha", "transactionVersion": 4_000 }), "transaction version 4000"),
    ] {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let (url, server) = runtime.block_on(async {
            let mut module = RpcModule::new(());
            module
                .register_method("state_getRuntimeVersion", move |_, _, _| answer.clone())
                .expect("registered once");
            let server = Server::builder().build("127.0.0.1:0").await.expect("a free port");
            let url = format!("ws://{}", server.local_addr().expect("bound"));
            (url, server.start(module))
        });
        let text = run_failing(&["session-keys", "rotate", "--owner", ALICE, "--url", &url]);
        assert!(text.contains(expected), "{text}");
        server.stop().expect("running");
        block_on(server.stopped());
    }
}
