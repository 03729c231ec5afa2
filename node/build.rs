//! Puts the commit into the version that `sabha-node --version` prints, e.g. `0.1.0-8a1f03c2d41`.
//! A tree without git history (a source archive) gives `0.1.0-unknown`; set
//! `SUBSTRATE_CLI_GIT_COMMIT_HASH` to name the commit there.

use std::{env, path::Path, process::Command};

const COMMIT_VARIABLE: &str = "SUBSTRATE_CLI_GIT_COMMIT_HASH";

/// What git prints, or nothing where git or its history is missing.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|o| o.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|t| !t.is_empty())
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed={COMMIT_VARIABLE}");

    if env::var_os(COMMIT_VARIABLE).is_some() || git(&["rev-parse", "--verify", "HEAD"]).is_some() {
        substrate_build_script_utils::generate_cargo_keys();
    } else {
        let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
        println!("cargo:rustc-env=SUBSTRATE_CLI_COMMIT_HASH=unknown");
        println!("cargo:rustc-env=SUBSTRATE_CLI_IMPL_VERSION={version}-unknown");
    }

    // The reflog changes with every commit and checkout, also where refs are packed or HEAD is detached. A path that
    // does not exist would make cargo run this script at every build.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"])
        && Path::new(&log).exists()
    {
        println!("cargo:rerun-if-changed={log}");
    }
}
