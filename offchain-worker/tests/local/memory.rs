//! Models that this machine has no memory for: refused before anything is allocated, with what they need and the remedy.

use crate::harness::{CHECKPOINT, Home, TRAIN, spec};
use std::fs;

/// The largest model that a specification may ask for: many terabytes.
fn huge() -> String {
    let mut text = spec(1, 10);
    for (from, to) in [
        ("width = 32", "width = 16384"),
        ("layers = 2", "layers = 256"),
        ("feed_forward = 64", "feed_forward = 65536"),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text
}

#[test]
fn a_model_of_terabytes_is_refused_by_every_command() {
    let home = Home::ready(1, 10);
    home.good(&TRAIN);
    home.write("huge.toml", huge());
    let parts = ["TiB of memory", "are available", "smaller model", "--memory-limit-mib"];
    home.refused_with(&["train", "huge.toml", "--data", "data", "--out", "other"], &parts);
    assert!(!home.path("other").exists());
    let generate = ["model", "generate", "--checkpoint", CHECKPOINT, "--spec", "huge.toml"];
    home.refused_with(&generate, &parts);
    let evaluate = ["model", "evaluate", "--checkpoint", CHECKPOINT, "--spec", "huge.toml", "--data", "data"];
    home.refused_with(&evaluate, &parts);
    home.write("exact.toml", huge().replace("numerics_version = 0", "numerics_version = 1"));
    home.refused_with(&["train", "exact.toml", "--data", "data", "--out", "other"], &parts);
    home.refused_with(&["replay", "exact.toml", "--data", "data", "--segment", "0"], &parts);
    // A checkpoint is as large as its file, whatever a specification says.
    home.refused_with(
        &["model", "show", "--checkpoint", CHECKPOINT, "--spec", "huge.toml"],
        &["another model"],
    );
    // A file that only seems large.
    fs::File::create(home.path("large.safetensors")).unwrap().set_len(1 << 42).unwrap();
    home.refused_with(
        &["model", "show", "--checkpoint", "large.safetensors"],
        &["large.safetensors", "8.00 TiB"],
    );

    // Whoever proposes it may look at it.
    let checked = home.json(&["run", "check", "huge.toml", "--data", "data"]);
    assert!(checked["memory_bytes"].as_u64().unwrap() > 10 << 40, "{checked}");
}

#[test]
fn a_limit_comes_from_the_configuration_and_from_a_flag() {
    let home = Home::ready(1, 10);
    home.write("worker.toml", "[engine]\nmemory_limit_mib = 1\n");
    let configured = [&["--config", "worker.toml"], &TRAIN[..]].concat();
    home.refused_with(&configured, &["1.00 MiB is the limit", "engine.memory_limit_mib"]);
    home.good(&[&configured[..], &["--memory-limit-mib", "64"]].concat());
    let evaluate = ["model", "evaluate", "--checkpoint", CHECKPOINT, "--spec", "spec.toml", "--data", "data"];
    home.refused_with(&[&["--config", "worker.toml"], &evaluate[..]].concat(), &["1.00 MiB is the limit"]);
    home.good(&evaluate);
}
