//! Honest workers.

use crate::harness::{Machine, content, put};
use sabha_blobs::{BlobError, BlobStore};
use sabha_protocol::Digest;
use std::{collections::BTreeSet, fs};

/// Around the borders of groups, nothing at all, and many groups.
#[test]
fn a_blob_of_any_size_comes_across_verified() {
    let server = Machine::serving();
    let client = Machine::fetching([server.address()]);
    for size in [0, 1, 1_024, 1_025, 16_384, 16_385, 32_768, 65_537, 3_000_000] {
        let bytes = content(size);
        let digest = put(&server, &bytes);
        assert!(!client.blobs.has(digest).unwrap());
        assert_eq!(client.blobs.get_within(digest, size as u64).unwrap(), bytes, "{size}");
        assert!(client.blobs.has(digest).unwrap(), "it is kept");
    }
    let counters = client.network().counters();
    assert_eq!(counters.dropped_providers, 0);
    assert!(counters.fetched_bytes >= 3_000_000);
    assert!(server.network().counters().served_bytes >= 3_000_000);
}

/// Of a large blob, hardly more comes than the part that is wanted, and nothing is kept.
#[test]
fn a_part_comes_alone_and_is_proved() {
    let server = Machine::serving();
    let client = Machine::fetching([server.address()]);
    let bytes = content(1_000_000);
    let (digest, size) = (put(&server, &bytes), bytes.len() as u64);
    for part in [0..16_384, 16_384..49_152, 983_040..1_000_000, 983_040..u64::MAX, 0..u64::MAX] {
        let end = part.end.min(size) as usize;
        let found = client.blobs.slice(digest, size, part.clone()).unwrap();
        assert_eq!(found, bytes[part.start as usize..end], "{part:?}");
        if part.end != u64::MAX {
            assert!(!client.blobs.has(digest).unwrap(), "{part:?}");
        }
    }
    let fetched = client.network().counters().fetched_bytes;
    assert!((1_080_000..1_100_000).contains(&fetched), "{fetched}");
    assert!(client.blobs.slice(digest, size + 1, 0..16_384).is_err(), "it has another size");
    assert!(client.blobs.slice(Digest([9; 32]), size, 0..16_384).is_err());
    // What is here is read here.
    assert_eq!(server.blobs.slice(digest, size, 16_384..32_768).unwrap(), bytes[16_384..32_768]);
}

#[test]
fn what_is_too_large_is_not_fetched() {
    let server = Machine::serving();
    let client = Machine::fetching([server.address()]);
    let digest = put(&server, &content(100_000));
    let error = client.blobs.get_within(digest, 99_999).unwrap_err();
    assert!(matches!(error, BlobError::TooLarge { found: 100_000, limit: 99_999, .. }), "{error}");
    assert_eq!(client.network().counters().fetched_bytes, 0);
    assert_eq!(client.blobs.get_within(digest, 100_000).unwrap().len(), 100_000);
}

#[test]
fn a_blob_that_nobody_has_is_missing_and_nobody_is_blamed() {
    let server = Machine::serving();
    let client = Machine::fetching([server.address()]);
    let error = client.blobs.get(Digest([3; 32])).unwrap_err();
    assert!(matches!(error, BlobError::Missing { .. }), "{error}");
    let digest = put(&server, b"later");
    assert_eq!(client.blobs.get(digest).unwrap(), b"later");
}

/// What was fetched can be fetched from here; nobody needs the first one any more.
#[test]
fn a_blob_goes_from_hand_to_hand() {
    let first = Machine::serving();
    let second = Machine::serving();
    let bytes = content(1_000_000);
    let digest = put(&first, &bytes);
    second.network().set_workers([first.address()]);
    second.blobs.file_within(digest, u64::MAX).unwrap();
    let gone = first.address();
    drop(first);
    let third = Machine::fetching([gone, second.address()]);
    assert_eq!(third.blobs.get(digest).unwrap(), bytes);
}

#[test]
fn a_download_that_was_stopped_goes_on_and_fetches_the_rest_only() {
    let server = Machine::serving();
    let bytes = content(8_000_000);
    let digest = put(&server, &bytes);
    let client = Machine::fetching([server.address()]);
    let error = client.fetch_until(digest, 5_000_000).unwrap_err();
    assert!(matches!(error, BlobError::Stopped { .. }), "{error}");
    assert!(!client.blobs.has(digest).unwrap(), "nothing is there under its name that is not whole");
    let kept = client.blobs.own().progress(digest).unwrap();
    assert!(kept.done >= 5_000_000 && kept.size == 8_000_000, "{kept:?}");
    let before = client.network().counters().fetched_bytes;
    assert_eq!(client.blobs.get(digest).unwrap(), bytes);
    assert_eq!(client.network().counters().fetched_bytes - before, kept.size - kept.done);
    assert_eq!(client.blobs.own().progress(digest), None);
    assert_eq!(fs::read_dir(client.folder.path().join("partial")).unwrap().count(), 0);
    // The tree that came in two parts is whole, too.
    let third = Machine::with(true, None, None);
    fs::create_dir_all(third.folder.path().join("nodes")).unwrap();
    let name = digest.to_string();
    fs::create_dir_all(third.folder.path().join(&name[..2])).unwrap();
    for path in [format!("nodes/{name}"), format!("{}/{name}", &name[..2])] {
        fs::copy(client.folder.path().join(&path), third.folder.path().join(&path)).unwrap();
    }
    let fourth = Machine::fetching([third.address()]);
    assert_eq!(fourth.blobs.get(digest).unwrap(), bytes);
}

/// A crash: what is written is there, and what is noted is less.
#[test]
fn after_a_crash_it_goes_on_from_what_was_noted() {
    let server = Machine::serving();
    let bytes = content(4_000_000);
    let digest = put(&server, &bytes);
    let client = Machine::fetching([server.address()]);
    client.fetch_until(digest, 3_000_000).unwrap_err();
    let note = client.folder.path().join("partial").join(format!("{digest}.done"));
    fs::write(&note, format!("4000000 {}\n", 64 * 16_384)).unwrap();
    // Behind the note there may be anything.
    let partial = client.folder.path().join("partial").join(digest.to_string());
    let mut there = fs::read(&partial).unwrap();
    there[64 * 16_384..].fill(0);
    fs::write(&partial, &there).unwrap();
    let before = client.network().counters().fetched_bytes;
    assert_eq!(client.blobs.get(digest).unwrap(), bytes);
    assert_eq!(client.network().counters().fetched_bytes - before, 4_000_000 - 64 * 16_384);
}

/// A note that says more than there is means nothing.
#[test]
fn a_note_that_cannot_be_true_is_not_believed() {
    let server = Machine::serving();
    let bytes = content(4_000_000);
    let digest = put(&server, &bytes);
    for note in ["4000000 3999999\n", "4000000 4000000\n", "3 4\n", "damaged", ""] {
        let client = Machine::fetching([server.address()]);
        client.fetch_until(digest, 1_000_000).unwrap_err();
        fs::write(client.folder.path().join("partial").join(format!("{digest}.done")), note).unwrap();
        assert_eq!(client.blobs.get(digest).unwrap(), bytes, "{note}");
    }
}

#[test]
fn a_truncated_file_is_not_served_and_another_worker_is_asked() {
    let (damaged, whole) = (Machine::serving(), Machine::serving());
    let bytes = content(500_000);
    let digest = put(&damaged, &bytes);
    put(&whole, &bytes);
    for length in [0, 100, 16_384, 499_999] {
        damaged.blobs.put(&bytes).unwrap();
        let path = damaged.blobs.own().path(digest);
        fs::write(&path, &bytes[..length]).unwrap();
        let alone = Machine::fetching([damaged.address()]);
        assert!(alone.blobs.get(digest).is_err(), "{length}");
        assert!(!damaged.blobs.has(digest).unwrap(), "it is found out, and removed");
        damaged.blobs.put(&bytes).unwrap();
        fs::write(&path, &bytes[..length]).unwrap();
        let client = Machine::fetching([damaged.address(), whole.address()]);
        assert_eq!(client.blobs.get(digest).unwrap(), bytes, "{length}");
    }
}

/// The length is right, and what is asked first may be. It is not served, and nobody takes the worker for a liar.
#[test]
fn what_the_disk_has_changed_is_not_served_and_the_worker_keeps_its_name() {
    let bytes = content(3_000_000);
    let digest = Digest::of(&bytes);
    let damage: [(&str, fn(&mut Vec<u8>)); 5] = [
        ("first", |bytes| bytes[5] ^= 1),
        ("middle", |bytes| bytes[1_500_000] ^= 1),
        ("last", |bytes| *bytes.last_mut().unwrap() ^= 1),
        ("cut off within the last group", |bytes| bytes.truncate(2_999_999)),
        ("longer within the last group", |bytes| bytes.push(0)),
    ];
    for (what, change) in damage {
        let damaged = Machine::serving();
        put(&damaged, &bytes);
        let other = put(&damaged, b"another");
        let mut changed = bytes.clone();
        change(&mut changed);
        fs::write(damaged.blobs.own().path(digest), &changed).unwrap();
        let client = Machine::fetching([damaged.address()]);
        assert!(client.blobs.get(digest).is_err(), "{what}");
        assert!(!damaged.blobs.has(digest).unwrap(), "{what}: it is found out where it is, and removed");
        assert_eq!(client.network().counters().dropped_providers, 0, "{what}");
        assert_eq!(client.blobs.get(other).unwrap(), b"another", "{what}");
        assert!(matches!(client.blobs.get(digest), Err(BlobError::Missing { .. })), "{what}");
        put(&damaged, &bytes);
        assert!(client.blobs.get(digest).unwrap() == bytes, "{what}: as soon as it is put again");
    }
}

/// It is made again, and the answer begins anew.
#[test]
fn a_damaged_tree_is_made_again() {
    let server = Machine::serving();
    let bytes = content(3_000_000);
    let digest = put(&server, &bytes);
    let nodes = server.folder.path().join("nodes").join(digest.to_string());
    let right = fs::read(&nodes).unwrap();
    for place in [0, right.len() / 2, right.len() - 1] {
        let mut changed = right.clone();
        changed[place] ^= 1;
        fs::write(&nodes, changed).unwrap();
        let client = Machine::fetching([server.address()]);
        assert!(client.blobs.get(digest).unwrap() == bytes, "{place}");
        assert_eq!(client.network().counters().dropped_providers, 0);
        assert!(fs::read(&nodes).unwrap() == right, "{place}");
    }
}

#[test]
fn without_room_it_is_refused_and_what_is_pinned_stays() {
    let server = Machine::serving();
    let digest = put(&server, &content(900_000));
    let client = Machine::with(false, Some(1_000_000), None);
    client.network().set_workers([server.address()]);
    let pinned = put(&client, &content(200_000));
    let own = client.blobs.own();
    own.pin("run-1", &BTreeSet::from([pinned])).unwrap();
    let error = client.blobs.get(digest).unwrap_err();
    assert!(matches!(error, BlobError::Full { limit: 1_000_000, .. }), "{error}");
    assert!(own.get(pinned).is_ok());
    own.pin("run-1", &BTreeSet::new()).unwrap();
    assert_eq!(client.blobs.get(digest).unwrap().len(), 900_000);
    assert!(!own.has(pinned).unwrap(), "it made room");
    assert!(own.used().unwrap() <= 1_000_000);
}

/// Two threads that want the same blob do not disturb each other.
#[test]
fn a_blob_that_two_fetch_at_once_comes_once() {
    let server = Machine::serving();
    let bytes = content(6_000_000);
    let digest = put(&server, &bytes);
    let client = Machine::fetching([server.address()]);
    std::thread::scope(|scope| {
        let threads = [0; 4].map(|_| scope.spawn(|| client.blobs.get(digest).unwrap()));
        for thread in threads {
            assert!(thread.join().unwrap() == bytes);
        }
    });
    assert_eq!(client.network().counters().fetched_bytes, 6_000_000);
}

/// Nothing in a note is verified: one that is of no use is passed over.
#[test]
fn a_note_is_found_wherever_it_is() {
    let (false_one, right) = (Machine::serving(), Machine::serving());
    let client = Machine::fetching([false_one.address(), right.address()]);
    let find = |machine: &Machine| {
        machine.blobs.find_note("state-1", |_, note| (note == b"right").then_some(note.len()))
    };
    assert_eq!(find(&client), None);
    false_one.blobs.put_note("state-1", b"false").unwrap();
    assert_eq!(find(&client), None);
    right.blobs.put_note("state-1", b"right").unwrap();
    assert_eq!(find(&client), Some(5));
    assert_eq!(find(&right), Some(5), "its own");
    assert_eq!(client.blobs.find_note("../../etc/passwd", |_, _| Some(())), None);
}

/// Where a command runs: within a task, whose budget of steps must not matter.
#[test]
fn a_blob_is_fetched_within_a_task_too() {
    let server = Machine::serving();
    let client = Machine::fetching([server.address()]);
    let bytes = content(40_000_000);
    let digest = put(&server, &bytes);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let fetched = runtime.block_on(async { client.blobs.get(digest) });
    assert!(fetched.unwrap() == bytes);
}
