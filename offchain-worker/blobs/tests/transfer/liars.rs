//! Workers that send wrong bytes, stop in the middle, or say nothing.

use crate::harness::{Liar, Machine, Manner, content, put};
use sabha_blobs::{BlobError, BlobStore, workers::Manner as Serves};
use std::{sync::atomic::Ordering, time::Instant};

/// In a hash pair, in a group, and at the very end.
#[test]
fn a_worker_that_sends_wrong_bytes_is_dropped_and_another_is_used() {
    let bytes = content(1_000_000);
    let honest = Machine::serving();
    let digest = put(&honest, &bytes);
    for place in [8, 8 + 64 * 3, 400_000, 1_000_000] {
        let liar = Liar::serving(bytes.clone(), Manner::Changes(place));
        let client = Machine::fetching([liar.address.clone()]);
        let error = client.blobs.get(digest).unwrap_err();
        assert!(matches!(error, BlobError::Fetch { .. }), "{error}");
        assert!(error.to_string().contains("sent something else"), "{error}");
        assert_eq!(client.network().counters().dropped_providers, 1);
        assert_eq!(liar.pulls.load(Ordering::SeqCst), 1);
        // It is not asked again; what it sent before the lie was proved, and stays.
        client.network().set_workers([liar.address.clone(), honest.address()]);
        let before = client.network().counters().fetched_bytes;
        assert_eq!(client.blobs.get(digest).unwrap(), bytes);
        assert_eq!(liar.pulls.load(Ordering::SeqCst), 1);
        let again = client.network().counters().fetched_bytes - before;
        assert!(again <= 1_000_000 - before / 16_384 * 16_384, "{place}: {again} after {before}");
    }
}

#[test]
fn a_worker_that_lies_about_the_size_is_dropped() {
    let bytes = content(100_000);
    for more in [1, 16_384, 1 << 40] {
        let liar = Liar::serving(bytes.clone(), Manner::Enlarges(more));
        let client = Machine::fetching([liar.address.clone()]);
        let error = client.blobs.get(sabha_protocol::Digest::of(&bytes)).unwrap_err();
        assert!(matches!(error, BlobError::Fetch { .. }), "{error}");
        assert_eq!(client.network().counters().dropped_providers, 1, "{more}");
        assert_eq!(liar.pulls.load(Ordering::SeqCst), 0);
    }
}

/// Each time a little more comes, and nothing twice.
#[test]
fn what_is_cut_off_again_and_again_comes_in_the_end() {
    let bytes = content(1_000_000);
    let digest = sabha_protocol::Digest::of(&bytes);
    let liar = Liar::serving(bytes.clone(), Manner::Cuts(300_000));
    let client = Machine::fetching([liar.address.clone()]);
    assert_eq!(client.blobs.get(digest).unwrap(), bytes);
    let pulls = liar.pulls.load(Ordering::SeqCst);
    assert!((4..=5).contains(&pulls), "{pulls}");
    let counters = client.network().counters();
    assert_eq!((counters.fetched_bytes, counters.dropped_providers), (1_000_000, 0));
    let useless = Liar::serving(bytes, Manner::Cuts(100));
    let client = Machine::fetching([useless.address.clone()]);
    let error = client.blobs.get(digest).unwrap_err();
    assert!(matches!(error, BlobError::Fetch { .. }), "{error}");
}

#[test]
fn a_worker_that_withholds_does_not_hold_anybody_up() {
    let bytes = content(50_000);
    let digest = sabha_protocol::Digest::of(&bytes);
    let silent = Liar::serving(bytes.clone(), Manner::Silent);
    let client = Machine::fetching([silent.address.clone()]);
    let began = Instant::now();
    let error = client.blobs.get(digest).unwrap_err();
    assert!(matches!(error, BlobError::Fetch { .. }), "{error}");
    assert!(error.to_string().contains("does not answer"), "{error}");
    assert!(began.elapsed().as_secs() < 10);
    let honest = Machine::serving();
    put(&honest, &bytes);
    let client = Machine::fetching([silent.address.clone(), honest.address()]);
    let began = Instant::now();
    assert_eq!(client.blobs.get(digest).unwrap(), bytes);
    assert!(
        began.elapsed().as_secs() < 2,
        "the one that answers is not kept waiting by the one that does not"
    );
}

/// Somebody else answers at the address: another key, so nothing is asked of it.
#[test]
fn a_worker_with_another_key_is_not_talked_to() {
    let bytes = content(50_000);
    let (wanted, other) = (Machine::serving(), Machine::serving());
    let digest = put(&other, &bytes);
    let false_address =
        sabha_blobs::WorkerAddress::new(wanted.address().id(), other.address().addresses()).unwrap();
    let client = Machine::fetching([false_address]);
    assert!(client.blobs.get(digest).is_err());
    assert_eq!(other.network().counters().served_bytes, 0);
}

/// Both that one can be told to do on a network of one's own; from whoever has it as well it comes all the same.
#[test]
fn a_worker_that_is_told_to_serve_badly_serves_nobody() {
    let bytes = content(300_000);
    let honest = Machine::serving();
    let digest = put(&honest, &bytes);
    for (manner, dropped) in [(Serves::Withholds, 0), (Serves::Corrupts, 1)] {
        let bad = Machine::serving_as(manner);
        put(&bad, &bytes);
        bad.blobs.put_note("state-1", b"a note").unwrap();
        let client = Machine::fetching([bad.address()]);
        let note = client.blobs.find_note("state-1", |_, note| (!note.is_empty()).then(|| note.to_vec()));
        assert_eq!(note.is_some(), manner == Serves::Corrupts, "{manner:?}");
        let error = client.blobs.get(digest).unwrap_err();
        assert_eq!(matches!(error, BlobError::Missing { .. }), dropped == 0, "{manner:?}: {error}");
        assert_eq!(client.network().counters().dropped_providers, dropped, "{manner:?}");
        client.network().set_workers([bad.address(), honest.address()]);
        assert_eq!(client.blobs.get(digest).unwrap(), bytes, "{manner:?}");
    }
}
