//! The `blob` commands: a store, its pins and its limit, and a blob between two processes.

use crate::harness::{Home, text_of};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

/// A process that serves, and ends with the test.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Serves the store `store` of a home. Returns where.
fn serve(home: &Home) -> (Serving, String) {
    let serve = ["blob", "serve", "--blobs", "store", "--state", "state", "--listen", "127.0.0.1:0"];
    let mut child = home.command(&serve).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Serving(child), line.trim().to_string())
}

#[test]
fn a_blob_is_kept_listed_pinned_and_removed() {
    let home = Home::new();
    for (name, byte) in [("a", 1), ("b", 2), ("c", 3)] {
        home.write(name, vec![byte; 1 << 20]);
    }
    let added = home.json(&["blob", "add", "a", "b", "c", "--blobs", "store"]);
    let digest = |index: usize| added[index]["digest"].as_str().unwrap().to_string();
    assert_eq!(added[0]["bytes"], 1 << 20);
    let text = home.good(&["blob", "add", "a", "--blobs", "store"]);
    assert_eq!(text, format!("{}  a\n", digest(0)), "as b3sum prints it");

    let pinned = home.json(&["blob", "pin", &digest(0), "--blobs", "store"]);
    assert_eq!((&pinned["name"], &pinned["digests"][0]), (&"manual".into(), &added[0]["digest"]));
    let list = home.json(&["blob", "ls", "--blobs", "store"]);
    assert_eq!(list["blobs"].as_array().unwrap().len(), 3);
    let of = |list: &Value, digest: &str| {
        let blobs = list["blobs"].as_array().unwrap();
        blobs.iter().find(|blob| blob["digest"] == digest).cloned()
    };
    assert_eq!(of(&list, &digest(0)).unwrap()["pins"][0], "manual");

    let refused = home.run(&["blob", "gc", "--blobs", "store"]);
    assert_eq!(refused.status.code(), Some(2), "without a limit it must be said how much is to stay");
    let freed = home.json(&["blob", "gc", "--to-mib", "1", "--blobs", "store"]);
    assert_eq!(freed["removed"].as_array().unwrap().len(), 2);
    let list = home.json(&["blob", "ls", "--blobs", "store"]);
    assert!(of(&list, &digest(0)).is_some() && of(&list, &digest(1)).is_none());

    home.json(&["blob", "unpin", "--blobs", "store"]);
    let freed = home.json(&["blob", "gc", "--to-mib", "0", "--blobs", "store"]);
    assert_eq!(freed["removed"], serde_json::json!([digest(0)]));
    for name in ["../x", ""] {
        let refused = home.run(&["blob", "pin", &digest(0), "--name", name, "--blobs", "store"]);
        assert_eq!(refused.status.code(), Some(3), "{name}");
    }
}

#[test]
fn with_a_limit_and_everything_pinned_it_says_what_holds_the_room() {
    let home = Home::new();
    home.write("a", vec![1; 1_500_000]);
    home.write("b", vec![2; 1_500_000]);
    let limited = |file| ["blob", "add", file, "--blobs", "store", "--blobs-limit-mib", "2"];
    let added = home.json(&limited("a"));
    home.json(&["blob", "pin", added[0]["digest"].as_str().unwrap(), "--blobs", "store"]);
    let refused = home.run(&limited("b"));
    assert_eq!(refused.status.code(), Some(3));
    let said = text_of(&refused.stderr);
    assert!(said.contains("no room") && said.contains("blobs_limit_mib"), "{said}");
    home.json(&["blob", "unpin", "--blobs", "store"]);
    home.json(&limited("b"));
}

#[test]
fn a_blob_goes_from_one_process_to_another_and_is_the_same() {
    let home = Home::new();
    let bytes: Vec<u8> = (0..3_000_000_u32).flat_map(|i| i.to_le_bytes()).collect();
    home.write("file", &bytes);
    let added = home.json(&["blob", "add", "file", "--blobs", "store"]);
    let digest = added[0]["digest"].as_str().unwrap();
    let (serving, address) = serve(&home);
    let get = ["blob", "get", digest, "--from", &address, "--blobs", "other", "--out", "copy"];
    let got = home.json(&get);
    assert_eq!((&got["bytes"], &got["fetched"]), (&12_000_000.into(), &12_000_000.into()));
    assert!(home.read("copy") == bytes);
    let again = home.json(&get);
    assert_eq!(again["fetched"], 0, "it is here");

    let missing = home.run(&["blob", "get", &"ab".repeat(32), "--from", &address, "--blobs", "other"]);
    assert_eq!(missing.status.code(), Some(4), "{}", text_of(&missing.stderr));
    let large = home.run(&["blob", "get", digest, "--from", &address, "--blobs", "third", "--max-mib", "11"]);
    assert_eq!(large.status.code(), Some(3), "{}", text_of(&large.stderr));
    // The node id stays, and is known before anything is served.
    let listen = address.split('@').nth(1).unwrap();
    let known = home.json(&["blob", "address", "--state", "state", "--listen", listen]);
    assert_eq!(known["address"], address);
    drop(serving);
    let (_serving, later) = serve(&home);
    let id = |address: &str| address.split('@').next().unwrap().to_string();
    assert_eq!(id(&later), id(&address));
}

#[test]
fn a_store_that_cannot_be_used_is_refused_before_anything_is_done() {
    let home = Home::new();
    home.write("file", b"content");
    let refused = home.run(&["blob", "add", "file", "--store", "ftp://host/x"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(text_of(&refused.stderr).contains("ftp"), "{}", text_of(&refused.stderr));
    let store = format!("file://{}", home.path("objects").display());
    let added = home.json(&["blob", "add", "file", "--blobs", "store", "--store", &store]);
    let digest = added[0]["digest"].as_str().unwrap();
    assert_eq!(home.read(&format!("objects/{}/{digest}", &digest[..2])), b"content");
    let got = home.json(&["blob", "get", digest, "--blobs", "other", "--store", &store]);
    assert_eq!(got["fetched"], 7);
    // It does not take anything.
    home.write("taken", b"a file, no folder");
    let store = format!("file://{}/x", home.path("taken").display());
    let unsent = home.run(&["blob", "add", "file", "--blobs", "refused", "--store", &store]);
    assert_eq!(unsent.status.code(), Some(4));
    assert_eq!(text_of(&unsent.stdout), format!("{digest}  file\n"), "it is here");
    assert!(text_of(&unsent.stderr).contains("run the command again"), "{}", text_of(&unsent.stderr));
    for (listen, says) in [("nowhere", "invalid"), ("192.0.2.77:1", "192.0.2.77")] {
        let refused = home.run(&["blob", "serve", "--listen", listen, "--state", "state"]);
        assert!(
            !refused.status.success() && text_of(&refused.stderr).contains(says),
            "{}",
            text_of(&refused.stderr)
        );
    }
    let everywhere = home.run(&["blob", "serve", "--listen", "0.0.0.0:0", "--state", "state"]);
    assert_eq!(everywhere.status.code(), Some(2));
    assert!(text_of(&everywhere.stderr).contains("--announce"));
}
