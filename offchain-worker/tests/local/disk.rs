//! A full disk: named, with its remedy, and nothing that was saved is lost.

use crate::harness::{Home, TRAIN, text_of};
use serde_json::Value;
use std::{
    fs,
    process::{Command, Output},
};

/// Runs a script with a small file system of `size` at `small`, which nobody else sees. `None` where that is not allowed, unless
/// `SABHA_REQUIRE_TMPFS` says that it must be: a test that does nothing passes too easily.
fn on_small_disk(home: &Home, size: &str, script: &str) -> Option<Output> {
    fs::create_dir_all(home.path("small")).unwrap();
    let script = format!("mount -t tmpfs -o size={size} none small || exit 99\n{script}");
    let binary = env!("CARGO_BIN_EXE_sabha-worker");
    // A user namespace, or, for a root that may not make one, a mount namespace alone.
    let mut refusals = String::new();
    let found = [&["-rm"][..], &["-m"]].into_iter().find_map(|flags| {
        let arguments = [flags, &["sh", "-c", &script, "sh", binary]].concat();
        let output = home.clean(Command::new("unshare"), &arguments).output().ok()?;
        let errors = text_of(&output.stderr);
        let mounted = output.status.code() != Some(99) && !errors.starts_with("unshare:");
        refusals.push_str(&errors);
        mounted.then_some(output)
    });
    let required = std::env::var("SABHA_REQUIRE_TMPFS").is_ok_and(|value| value == "1");
    assert!(
        found.is_some() || !required,
        "no file system of its own (a container needs --cap-add SYS_ADMIN), and SABHA_REQUIRE_TMPFS is 1: {refusals}"
    );
    found
}

#[test]
fn a_full_disk_is_named_and_costs_nothing_that_was_saved() {
    let home = Home::ready(3, 20);
    home.good(&[&TRAIN[..5], &["whole"]].concat());
    // Room for the first round's checkpoint (some 115 KB), not for the second one beside it.
    let script = "
        worker=$1
        train() { \"$worker\" train spec.toml --data data --out small/run \"$@\"; echo \"code $?\"; }
        train
        ls -A small/run
        cp small/run/checkpoint.safetensors first
        mount -o remount,size=16m small
        train --resume
        cp small/run/checkpoint.safetensors last
        mkdir packed && mount -t tmpfs -o size=8k none packed
        \"$worker\" data pack text.txt --out packed/data --title T --language es --licence CC0-1.0; echo \"code $?\"
        ls -A packed/data
        cat /dev/zero > packed/rest
        \"$worker\" key generate packed/key.json; echo \"code $?\"
        \"$worker\" model export --checkpoint last --spec spec.toml --out packed/model; echo \"code $?\"";
    let Some(output) = on_small_disk(&home, "176k", script) else {
        eprintln!(
            "SKIPPED: a full disk needs a file system of its own, and `unshare -rm` may not mount one here"
        );
        return;
    };
    let (out, errors) = (text_of(&output.stdout), text_of(&output.stderr));
    let both = format!("{out}\n{errors}");
    assert!(!both.contains("panicked"), "{both}");
    let codes: Vec<&str> = out.lines().filter_map(|line| line.strip_prefix("code ")).collect();
    // A full disk is no bad input, whatever was to be written.
    assert_eq!(codes, ["1", "0", "1", "1", "1"], "{both}");
    assert!(errors.contains("small/run/checkpoint.safetensors: the disk is full"), "{both}");
    assert!(errors.contains("the run stands, and goes on with --resume"), "{both}");
    assert!(errors.contains("packed/data/stream.bin: the disk is full"), "{both}");
    for file in ["packed/key.json", "packed/model/"] {
        let told = errors.lines().any(|line| {
            line.contains(file) && line.contains("the disk is full") && line.contains("free some space")
        });
        assert!(told, "{file}: {both}");
    }
    // A run that stands is refused without --resume.
    assert!(!errors.contains("the same command"), "{both}");
    assert!(!out.contains(".partial") && !out.contains("manifest.json"), "{both}");

    let record: Value = serde_json::from_slice(&home.read("whole/run.json")).unwrap();
    let first = home.json(&["model", "show", "--checkpoint", "first"]);
    assert_eq!(
        first["digest"], record["rounds"][0]["checkpoint"]["blob"],
        "the first round's checkpoint stayed whole"
    );
    assert!(
        home.read("last") == home.read("whole/checkpoint.safetensors"),
        "the resumed run ends in other bytes"
    );
}
