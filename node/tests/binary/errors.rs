//! Bad input: a clear message and a failure exit code.

use crate::harness::{Folder, run, run_failing, run_succeeding};
use std::{fs, net::TcpListener};

#[test]
fn unknown_chain_lists_the_names() {
    for arguments in [&["--chain", "devnet"][..], &["export-chain-spec", "--chain", "devnet"]] {
        let text = run_failing(arguments);
        for part in ["unknown chain `devnet`", "`dev`", "`local`", "`live`"] {
            assert!(text.contains(part), "{arguments:?}: {part} is missing in: {text}");
        }
    }
}

#[test]
fn live_chain_fails_while_placeholders_remain() {
    for arguments in [&["--chain", "live"][..], &["export-chain-spec", "--chain", "live", "--raw"]] {
        let text = run_failing(arguments);
        assert!(text.contains("has not been launched"), "{arguments:?}: {text}");
    }
}

#[test]
fn broken_chain_specification_is_named() {
    let folder = Folder::new();
    let path = folder.join("broken.json");
    fs::write(&path, "not JSON").expect("writable");
    let text = run_failing(&["--chain", &path]);
    assert!(text.contains(&path), "{text}");
}

#[test]
fn exported_chain_specifications_are_ours() {
    for (chain, id) in [("dev", "sabha_dev"), ("local", "sabha_local")] {
        let text = run_succeeding(&["export-chain-spec", "--chain", chain]);
        let spec: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(spec["id"], id);
        assert_eq!(spec["properties"]["tokenSymbol"], "SBH");
    }
}

#[test]
fn port_in_use_is_named() {
    let holder = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = holder.local_addr().expect("bound").port().to_string();
    for option in ["--rpc-port", "--port", "--prometheus-port"] {
        // The other ports are free ones.
        let mut arguments = vec!["--dev", option, &port];
        for other in ["--rpc-port", "--port", "--prometheus-port"] {
            if other != option {
                arguments.extend([other, "0"]);
            }
        }
        let text = run_failing(&arguments);
        assert!(text.contains(&format!("port {port} is already in use")), "{option}: {text}");
        assert!(text.contains(option), "{option}: {text}");
    }
}

#[test]
fn version_and_help_are_ours() {
    let version = run_succeeding(&["--version"]);
    assert!(version.starts_with(concat!("sabha-node ", env!("CARGO_PKG_VERSION"), "-")), "{version}");
    let help = run_succeeding(&["--help"]);
    for part in ["Sabha", "session-keys", "export-chain-spec", "chain-info", "purge-chain"] {
        assert!(help.contains(part), "{part} is missing in the help");
    }
    assert_eq!(run(&["--no-such-option"]).status.code(), Some(2));
}
