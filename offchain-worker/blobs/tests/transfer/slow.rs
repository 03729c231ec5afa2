//! Workers that are slow to give or to take, that go without a word, and that are many.

use crate::harness::{Liar, Machine, Manner, Sipper, content, put};
use iroh::SecretKey;
use sabha_blobs::{BlobError, BlobStore, Haste, WorkerAddress};
use sabha_protocol::Digest;
use std::{
    fs::File,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// 100 kB a second, of more than a minute's worth.
const TRICKLE: Manner = Manner::Trickles(10_000);

fn nobody(seed: u8) -> WorkerAddress {
    let mut secret = [seed; 32];
    secret[0] = 1;
    WorkerAddress::new(SecretKey::from_bytes(&secret).public(), [([127, 0, 0, 1], 9).into()]).unwrap()
}

/// What the slow one sent stays.
#[test]
fn a_slow_worker_is_left_for_another_one() {
    let bytes = content(8_000_000);
    let digest = Digest::of(&bytes);
    let slow = Liar::serving(bytes.clone(), TRICKLE);
    let late = Liar::serving(bytes.clone(), Manner::Late(300));
    let client = Machine::fetching([slow.address.clone(), late.address.clone()]);
    let began = Instant::now();
    assert!(client.blobs.get(digest).unwrap() == bytes);
    assert!(began.elapsed().as_secs() < 15, "{:?}", began.elapsed());
    assert_eq!((slow.pulls.load(Ordering::SeqCst), late.pulls.load(Ordering::SeqCst)), (1, 1));
    let counters = client.network().counters();
    assert_eq!((counters.fetched_bytes, counters.dropped_providers), (8_000_000, 0), "nothing twice");
}

/// Slow is better than nothing.
#[test]
fn a_slow_worker_that_is_the_only_one_is_waited_for() {
    let bytes = content(300_000);
    let slow = Liar::serving(bytes.clone(), TRICKLE);
    let client = Machine::fetching([slow.address.clone()]);
    assert!(client.blobs.get(Digest::of(&bytes)).unwrap() == bytes);
    assert_eq!(slow.pulls.load(Ordering::SeqCst), 1);
}

/// By another process, or another thread of this one.
#[test]
fn a_download_that_somebody_else_works_on_is_waited_for_and_can_be_stopped() {
    let server = Machine::serving();
    let bytes = content(300_000);
    let digest = put(&server, &bytes);
    let client = Machine::fetching([server.address()]);
    let partial = client.blobs.own().root().join("partial");
    std::fs::create_dir_all(&partial).unwrap();
    let theirs = File::create(partial.join(digest.to_string())).unwrap();
    theirs.lock().unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let fetching = scope.spawn(|| {
            let stopped = || stop.load(Ordering::SeqCst);
            client.blobs.fetching(digest, u64::MAX, stopped, |own| own.get(digest))
        });
        thread::sleep(Duration::from_millis(500));
        assert!(!fetching.is_finished());
        stop.store(true, Ordering::SeqCst);
        let stopped = fetching.join().unwrap().unwrap_err();
        assert!(matches!(stopped, BlobError::Stopped { .. }), "{stopped}");
        let fetching = scope.spawn(|| client.blobs.get(digest));
        thread::sleep(Duration::from_millis(300));
        assert!(!fetching.is_finished());
        drop(theirs);
        assert!(fetching.join().unwrap().unwrap() == bytes);
    });
}

/// Raises a stop while `work` waits, and returns how long it went on after that.
fn after_stop<T: Send>(work: impl FnOnce(&AtomicBool) -> T + Send) -> (T, Duration) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let working = scope.spawn(|| work(&stop));
        thread::sleep(Duration::from_millis(500));
        assert!(!working.is_finished(), "it is to wait");
        stop.store(true, Ordering::SeqCst);
        let raised = Instant::now();
        (working.join().unwrap(), raised.elapsed())
    })
}

/// For a connection, for an answer, and for bytes.
#[test]
fn whoever_waits_can_be_stopped_whatever_it_waits_for() {
    let bytes = content(3_000_000);
    let (digest, size) = (Digest::of(&bytes), bytes.len() as u64);
    let silent = Liar::serving(bytes.clone(), Manner::Silent);
    let stalls = Liar::serving(bytes.clone(), Manner::Stalls(100_000));
    for from in [nobody(1), silent.address.clone(), stalls.address.clone()] {
        let client = Machine::fetching([from.clone()]);
        let (got, took) = after_stop(|stop| {
            let stopped = || stop.load(Ordering::SeqCst);
            client.blobs.fetching(digest, u64::MAX, stopped, |own| own.get(digest))
        });
        assert!(matches!(got, Err(BlobError::Stopped { .. })), "{got:?}");
        assert!(took < Duration::from_millis(500), "{from}: {took:?}");
        if from == stalls.address {
            assert!(client.blobs.own().progress(digest).unwrap().done > 0, "what came stays");
        }
        let client = Machine::fetching([from.clone()]);
        let raised = Arc::new(AtomicBool::new(false));
        let stopped = raised.clone();
        let blobs = client.blobs.with_stop(move || stopped.load(Ordering::SeqCst));
        let (got, took) = after_stop(|stop| {
            thread::scope(|scope| {
                scope.spawn(|| {
                    while !stop.load(Ordering::SeqCst) {
                        thread::sleep(Duration::from_millis(1));
                    }
                    raised.store(true, Ordering::SeqCst);
                });
                blobs.slice(digest, size, 0..2_000_000)
            })
        });
        assert!(matches!(got, Err(BlobError::Stopped { .. })));
        assert!(took < Duration::from_millis(500), "a part, {from}: {took:?}");
    }
}

#[test]
fn whoever_looks_for_a_note_can_be_stopped_and_can_have_a_deadline() {
    let client = Machine::fetching([nobody(1)]);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let blobs = client.blobs.with_stop(move || stopped.load(Ordering::SeqCst));
    thread::scope(|scope| {
        let looking = scope.spawn(|| blobs.find_note("state-1", |_, _| Some(())));
        thread::sleep(Duration::from_millis(300));
        assert!(!looking.is_finished());
        stop.store(true, Ordering::SeqCst);
        let raised = Instant::now();
        assert_eq!(looking.join().unwrap(), None);
        assert!(raised.elapsed() < Duration::from_millis(500), "{:?}", raised.elapsed());
    });
    let began = Instant::now();
    let hasty = client.blobs.in_haste(Haste::before(began + Duration::from_millis(500)));
    assert_eq!(hasty.find_note("state-1", |_, _| Some(())), None);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

/// What a note names is not waited for beyond the deadline either, though slow ones are tried to the end.
#[test]
fn a_note_that_names_what_comes_slowly_is_given_up_at_the_deadline() {
    let bytes = content(8_000_000);
    let digest = Digest::of(&bytes);
    let slow = Liar::serving(bytes, TRICKLE);
    let teller = Machine::serving();
    teller.blobs.put_note("state-1", &digest.0).unwrap();
    let client = Machine::fetching([teller.address(), slow.address.clone()]);
    let began = Instant::now();
    let hasty = client.blobs.in_haste(Haste::before(began + Duration::from_secs(2)));
    let found = hasty.find_note("state-1", |blobs, note| blobs.get(Digest(note.try_into().unwrap())).ok());
    assert_eq!(found, None);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn who_has_a_deadline_does_not_wait_beyond_it() {
    let bytes = content(8_000_000);
    let digest = Digest::of(&bytes);
    let slow = Liar::serving(bytes, TRICKLE);
    let client = Machine::fetching([slow.address.clone()]);
    let began = Instant::now();
    let haste = Haste::before(began + Duration::from_secs(1));
    let error = client.blobs.in_haste(haste).get(digest).unwrap_err();
    assert!(matches!(error, BlobError::Fetch { .. }), "{error}");
    assert!(error.to_string().contains("no more time"), "{error}");
    assert!(began.elapsed().as_secs() < 4, "{:?}", began.elapsed());
    assert!(client.blobs.own().progress(digest).unwrap().done > 0, "what came stays");
}

#[test]
fn a_part_of_a_blob_is_not_waited_for_beyond_a_deadline_either() {
    let bytes = content(8_000_000);
    let (digest, size) = (Digest::of(&bytes), bytes.len() as u64);
    let slow = Liar::serving(bytes, TRICKLE);
    let client = Machine::fetching([slow.address.clone()]);
    let began = Instant::now();
    let haste = Haste::before(began + Duration::from_secs(1));
    assert!(client.blobs.in_haste(haste).slice(digest, size, 0..4_000_000).is_err());
    assert!(began.elapsed().as_secs() < 4, "{:?}", began.elapsed());
    assert!(slow.pulls.load(Ordering::SeqCst) > 0, "it was asked");
}

/// A note is anybody's: what it names may be had from a slow worker only. It is tried to the end when all others have been tried.
#[test]
fn a_note_that_names_what_comes_slowly_does_not_hold_up_the_others() {
    let bytes = content(400_000);
    let digest = Digest::of(&bytes);
    let slow = Liar::serving(bytes.clone(), TRICKLE);
    let teller = Machine::serving();
    teller.blobs.put_note("state-1", &digest.0).unwrap();
    let client = Machine::fetching([teller.address(), slow.address.clone()]);
    let mut tries = Vec::new();
    let found = client.blobs.find_note("state-1", |blobs, note| {
        let began = Instant::now();
        let got = blobs.get(Digest(note.try_into().unwrap()));
        tries.push((got.is_ok(), began.elapsed()));
        got.ok()
    });
    assert!(found.unwrap() == bytes);
    let [(false, first), (true, _)] = tries.as_slice() else { panic!("{tries:?}") };
    assert!(*first < Duration::from_secs(2), "{tries:?}");
}

#[test]
fn one_that_takes_in_sips_is_cut_off_and_does_not_keep_others_out() {
    let server = Machine::serving();
    let large = put(&server, &content(30_000_000));
    let bytes = content(100_000);
    let small = put(&server, &bytes);
    let sipper = Sipper::taking(server.address(), large, 2, 16);
    thread::sleep(Duration::from_millis(500));
    let client = Machine::fetching([server.address()]);
    let began = Instant::now();
    assert!(client.blobs.get(small).unwrap() == bytes);
    assert!(began.elapsed().as_secs() < 2, "{:?}", began.elapsed());
    // 10 kB a second is less than the least rate.
    while sipper.ended.load(Ordering::SeqCst) < 32 {
        assert!(began.elapsed().as_secs() < 40, "it is never cut off");
        thread::sleep(Duration::from_millis(100));
    }
}

/// The other side cannot say that it is gone, and the client cannot know.
#[test]
fn a_worker_that_was_killed_and_started_again_is_reached_at_once() {
    let bytes = content(2_000_000);
    let digest = Digest::of(&bytes);
    let key = SecretKey::from_bytes(&[9; 32]);
    let first = Liar::serving_as(key.clone(), 0, bytes.clone(), Manner::Late(0));
    let address = first.address.clone();
    let client = Machine::fetching([address.clone()]);
    client.fetch_until(digest, 100_000).unwrap_err();
    assert_eq!(client.network().connections(), 1);
    drop(first);
    thread::sleep(Duration::from_millis(300));
    let port = address.addresses().next().unwrap().port();
    let _second = Liar::serving_as(key, port, bytes.clone(), Manner::Late(0));
    let began = Instant::now();
    assert!(client.blobs.get(digest).unwrap() == bytes);
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}

#[test]
fn a_connection_that_is_not_used_is_closed_and_made_again() {
    let server = Machine::serving();
    let client = Machine::fetching([server.address()]);
    let first = put(&server, b"first");
    client.blobs.get(first).unwrap();
    assert_eq!(client.network().connections(), 1);
    let began = Instant::now();
    while client.network().connections() > 0 {
        assert!(began.elapsed().as_secs() < 10);
        thread::sleep(Duration::from_millis(100));
    }
    let second = put(&server, b"second");
    assert_eq!(client.blobs.get(second).unwrap(), b"second");
}

/// All of them count; who made the blob is asked first.
#[test]
fn among_many_workers_the_one_that_made_the_blob_is_asked_first() {
    let server = Machine::serving();
    let bytes = content(100_000);
    let digest = put(&server, &bytes);
    let workers = (0..100).map(nobody).chain([server.address()]);
    let client = Machine::fetching(workers);
    assert_eq!(client.network().worker_count(), 101);
    client.network().set_hints([(digest, server.address())]);
    let began = Instant::now();
    assert!(client.blobs.get(digest).unwrap() == bytes);
    assert!(began.elapsed().as_secs() < 3, "{:?}", began.elapsed());
}

/// When nobody at all answers, it is not said of the blob that it is nowhere: not the second time either.
#[test]
fn a_machine_that_is_cut_off_says_so() {
    let client = Machine::fetching((0..3).map(nobody));
    for _ in 0..2 {
        let error = client.blobs.get(Digest([1; 32])).unwrap_err();
        assert!(matches!(error, BlobError::Network { .. }) && error.is_local(), "{error}");
    }
    // One that answers is enough to know.
    let server = Machine::serving();
    client.network().set_workers((0..3).map(nobody).chain([server.address()]));
    let error = client.blobs.get(Digest([1; 32])).unwrap_err();
    assert!(matches!(error, BlobError::Fetch { .. }) && !error.is_local(), "{error}");
}

/// Each of them, as it is published.
#[test]
fn what_comes_and_goes_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let store = sabha_blobs::objects::StoreOptions { url, environment: vec![] };
    let server = Machine::with(true, None, Some(store));
    let bytes = content(100_000);
    let digest = server.store(&bytes);
    assert_eq!(server.network().counters().stored_bytes, 100_000 + 64 * 6);
    let client = Machine::fetching([server.address()]);
    let mut seen = Vec::new();
    let fetched = client.blobs.fetch(digest, u64::MAX, &mut |progress| {
        seen.push(progress.done);
        ControlFlow::Continue(())
    });
    fetched.unwrap();
    let (ours, theirs) = (client.network().counters(), server.network().counters());
    assert_eq!((ours.fetched_bytes, ours.served_bytes, ours.dropped_providers), (100_000, 0, 0));
    assert!((100_000..110_000).contains(&theirs.served_bytes), "{theirs:?}");
    assert_eq!(theirs.fetched_bytes, 0);
    assert!(seen.is_sorted());
    let liar = Liar::serving(content(50_000), Manner::Changes(20_000));
    client.network().set_workers([liar.address.clone()]);
    client.blobs.get(Digest::of(&content(50_000))).unwrap_err();
    assert_eq!(client.network().counters().dropped_providers, 1);
}
