//! Commands on a database.

use crate::harness::{Folder, Node, run_succeeding};
use serde_json::Value;
use std::path::Path;

fn best_number(base: &str) -> u64 {
    let info: Value =
        serde_json::from_str(&run_succeeding(&["chain-info", "--chain", "dev", "--base-path", base]))
            .expect("JSON");
    info["best_number"].as_u64().expect("a number")
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
