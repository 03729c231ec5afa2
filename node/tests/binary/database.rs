//! Commands on a database.

use crate::harness::{Folder, Node, run_failing, run_succeeding};
use serde_json::Value;
use std::{fs, path::Path};

fn chain_info(chain: &str, base: &str) -> Value {
    serde_json::from_str(&run_succeeding(&["chain-info", "--chain", chain, "--base-path", base]))
        .expect("JSON")
}

fn best_number(base: &str) -> u64 {
    chain_info("dev", base)["best_number"].as_u64().expect("a number")
}

#[test]
fn blocks_survive_export_import_check_and_revert() {
    let folder = Folder::new();
    let (first, second, blocks) = (folder.join("first"), folder.join("second"), folder.join("blocks.bin"));

    let mut node = Node::start(&["--dev", "--base-path", &first]);
    node.wait_for_block(3);
    assert!(node.stop().success());
    let chain = Path::new(&first).join("chains/sabha_dev");
    assert!(chain.join("paritydb").is_dir(), "ParityDB is the default");
    assert!(!chain.join("db").exists(), "RocksDB's folder");
    let best = best_number(&first);
    assert!(best >= 3);

    run_succeeding(&["export-blocks", "--chain", "dev", "--base-path", &first, "--binary", &blocks]);
    run_succeeding(&["import-blocks", "--chain", "dev", "--base-path", &second, "--binary", &blocks]);
    assert_eq!(best_number(&second), best);
    run_succeeding(&["check-block", "--chain", "dev", "--base-path", &second, "2"]);

    // Imported without justifications, so nothing is final.
    run_succeeding(&["revert", "--chain", "dev", "--base-path", &second, "1"]);
    assert_eq!(best_number(&second), best - 1);
    run_succeeding(&["import-blocks", "--chain", "dev", "--base-path", &second, "--binary", &blocks]);
    assert_eq!(best_number(&second), best, "the reverted block can be imported again");

    run_succeeding(&["purge-chain", "-y", "--chain", "dev", "--base-path", &second]);
    assert!(!Path::new(&second).join("chains/sabha_dev/paritydb").exists());
}

#[test]
fn a_database_in_use_is_named_with_a_remedy() {
    let folder = Folder::new();
    let base = folder.join("base");
    let mut node = Node::start(&["--dev", "--base-path", &base]);
    node.wait_for_block(1);
    let second = ["--dev", "--base-path", &base, "--port", "0", "--rpc-port", "0", "--no-prometheus"];
    for arguments in [&second[..], &["revert", "--chain", "dev", "--base-path", &base, "1"]] {
        let text = run_failing(arguments);
        for part in ["Database file is in use", "stop it first", "--base-path"] {
            assert!(text.contains(part), "{arguments:?}: {part} is missing in: {text}");
        }
    }
    node.wait_for_block(2);
}

/// Two chains of the same identifier share a folder. A node that took the other one's database would be on the wrong chain, and
/// say nothing.
#[test]
fn another_genesis_than_the_databases_is_refused() {
    let folder = Folder::new();
    let (base, blocks) = (folder.join("base"), folder.join("blocks.bin"));
    let mut spec: Value =
        serde_json::from_str(&run_succeeding(&["export-chain-spec", "--chain", "dev"])).expect("JSON");
    let first = folder.join("first.json");
    fs::write(&first, spec.to_string()).expect("writable");
    let slot = &mut spec["genesis"]["runtimeGenesis"]["patch"]["timing"]["durations"]["slotMs"];
    assert!(slot.is_u64() && *slot != 1_000, "{slot}");
    *slot = 1_000.into();
    let second = folder.join("second.json");
    fs::write(&second, spec.to_string()).expect("writable");

    let export = |chain| ["export-blocks", "--chain", chain, "--base-path", &base, "--to", "0", &blocks];
    run_succeeding(&export(&first));
    let genesis = chain_info(&first, &base)["best_hash"].as_str().expect("a hash").to_owned();
    // The commands that read the database, and the node itself.
    let node =
        ["--chain", &second, "--base-path", &base, "--port", "0", "--rpc-port", "0", "--no-prometheus"];
    for arguments in [&export(&second)[..], &node] {
        let text = run_failing(arguments);
        for part in ["another chain", &genesis, "the specification's 0x", "--base-path", "purge-chain"] {
            assert!(text.contains(part), "{arguments:?}: {part} is missing in: {text}");
        }
    }
    // The specification of the database still goes, in either form.
    run_succeeding(&export(&first));
    let raw = folder.join("raw.json");
    let text = run_succeeding(&["export-chain-spec", "--chain", &first, "--raw"]);
    fs::write(&raw, text).expect("writable");
    run_succeeding(&export(&raw));

    run_succeeding(&["purge-chain", "-y", "--chain", &second, "--base-path", &base]);
    run_succeeding(&export(&second));
    assert_ne!(chain_info(&second, &base)["best_hash"], genesis.as_str());
}
