//! Puts the commit into the version that `sabha-worker --version` prints, e.g. `0.1.0-8a1f03c2d41`, as the node's build script does.
//! A tree without git history (a source archive) gives `0.1.0-unknown`; set `SUBSTRATE_CLI_GIT_COMMIT_HASH` to name the commit
//! there, for both.

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

    let named = env::var(COMMIT_VARIABLE).ok().map(|commit| commit.trim().to_owned());
    // As many digits as the node's.
    let commit =
        named.or_else(|| git(&["rev-parse", "--short=11", "HEAD"])).unwrap_or_else(|| "unknown".into());
    println!("cargo:rustc-env=SABHA_WORKER_COMMIT={commit}");

    // The reflog changes with every commit and checkout, also where refs are packed or HEAD is detached. A path that
    // does not exist would make cargo run this script at every build.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"])
        && Path::new(&log).exists()
    {
        println!("cargo:rerun-if-changed={log}");
    }
}
