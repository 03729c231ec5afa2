//! What a cheat tries with updates and their aggregation, each as a test: what it would gain, and what stops it.

use super::{
    tests::{base, finished, next, spec, train, zero_update},
    *,
};
use crate::{
    blobs::LocalBlobs,
    engine::{init, rounds::store::FetchError},
};
use sabha_protocol::Digest;

/// How far a checkpoint's parameters are from another's.
fn distance(one: &RoundCheckpoint, other: &RoundCheckpoint) -> f64 {
    let pairs = one.parameters().values().iter().flatten().zip(other.parameters().values().iter().flatten());
    pairs.map(|(a, b)| f64::from(*a) - f64::from(*b)).map(|x| x * x).sum::<f64>().sqrt()
}

/// The update of a slot whose delta is `times` as large as what it trained.
fn scaled(spec: &RunSpec, slot: SlotIndex, times: f32) -> Update {
    let (start, end) = (init::initial(&spec.model, spec.seed), train(spec, 0, slot));
    let each = start.values().iter().zip(end.checkpoint.values());
    let values = each
        .map(|(start, end)| start.iter().zip(end).map(|(start, end)| start + (end - start) * times).collect())
        .collect();
    let end = Checkpoint::from_parts(spec.model.parameters(), values);
    finish(spec, Place::of(spec, 0, slot), &start, &end, 1.0).unwrap().update
}

/// Half of three norms would be a majority of the mean; the cap leaves it at most twice the median.
#[test]
fn an_update_that_is_scaled_to_dominate_the_mean_is_capped() {
    let mut spec = spec(3);
    spec.outer = sabha_protocol::spec::OuterSpec::MEAN;
    let start = RoundCheckpoint::start(init::initial(&spec.model, spec.seed));
    let honest: Vec<Update> = (0..3).map(|slot| finished(&spec, 0, slot).update).collect();
    let [first, second, _] = honest.as_slice() else { panic!("three slots") };
    let with = |third: Update| next(&spec, &start, vec![first.clone(), second.clone(), third]);
    let fair = distance(&with(honest[2].clone()), &start);
    for times in [8.0, 1_000.0, 1e7] {
        let cheat = scaled(&spec, 2, times);
        let alone = distance(&next(&spec, &start, vec![cheat.clone()]), &start);
        assert!(alone > 4.0 * fair, "{times}: the cheat's own update is large: {alone} {fair}");
        // Two honest norms and at most two more, of three.
        let moved = distance(&with(cheat), &start);
        assert!(moved < 2.0 * fair, "{times}: {moved} {fair}");
    }
    // Two of three: they are the median themselves. What stops them is that updates are checked, not their size.
    let two = vec![first.clone(), scaled(&spec, 1, 1_000.0), scaled(&spec, 2, 1_000.0)];
    assert!(distance(&next(&spec, &start, two), &start) > 10.0 * fair);
}

#[test]
fn an_update_of_another_shape_or_length_is_refused() {
    let spec = spec(1);
    let place = Place::of(&spec, 0, 0);
    let blob = zero_update(&spec).to_blob();
    let refuse = |blob: &[u8]| Update::from_blob(&spec, place, blob).unwrap_err();
    for wrong in [&[][..], &blob[..63], &blob[..blob.len() - 1], &[&blob[..], &[0; 4]].concat()] {
        let error = refuse(wrong);
        assert!(matches!(error, UpdateError::Length { .. }), "{error}");
        assert!(error.to_string().contains(&blob.len().to_string()), "{error}");
    }
    // Of a model with as many bytes in another shape there is none that names this run.
    let mut other = spec.clone();
    other.model.layers = 1;
    let foreign = zero_update(&other).to_blob();
    assert!(matches!(refuse(&foreign), UpdateError::Length { .. }));
    other = RunSpec { seed: 77, ..spec.clone() };
    assert_eq!(refuse(&zero_update(&other).to_blob()), UpdateError::OtherRun(other.hash()));
    for at in [0, 15, 54, 63] {
        let mut bad = blob.clone();
        bad[at] ^= 1;
        assert_eq!(refuse(&bad), UpdateError::Header, "byte {at}");
    }
}

/// Neither codes nor exponents can name a number that is not finite; those that no honest worker writes are refused.
#[test]
fn an_update_cannot_carry_a_nan_or_an_infinity() {
    let spec = spec(1);
    let (place, start) = (Place::of(&spec, 0, 0), init::initial(&spec.model, spec.seed));
    // A worker whose parameters are not finite has diverged; if it codes them all the same, numbers come out.
    let mut values = start.values().to_vec();
    (values[0][0], values[0][200], values[2][0]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
    let end = Checkpoint::from_parts(spec.model.parameters(), values);
    let update = finish(&spec, place, &start, &end, 1.0).unwrap().update;
    let made = next(&spec, &base(&spec), vec![update]);
    assert!(made.parameters().values().iter().chain(made.momenta()).flatten().all(|x| x.is_finite()));

    // The first parameter has 256 elements: its exponent follows.
    let blob = zero_update(&spec).to_blob();
    let at = 64 + 256;
    for exponent in [7, 128, 255, i32::MAX, -41, i32::MIN] {
        let mut bomb = blob.clone();
        bomb[at..at + 4].copy_from_slice(&exponent.to_le_bytes());
        let refused = Update::from_blob(&spec, place, &bomb).unwrap_err();
        assert_eq!(refused, UpdateError::Exponent { parameter: 0, block: 0, found: exponent });
    }
    let mut bomb = blob;
    bomb[64 + 3] = 0x80;
    let refused = Update::from_blob(&spec, place, &bomb).unwrap_err();
    assert_eq!(refused, UpdateError::Code { parameter: 0, element: 3 });
}

#[test]
fn an_aggregation_that_leaves_an_update_out_has_another_root() {
    let spec = spec(3);
    let updates: Vec<Update> = (0..3).map(|slot| finished(&spec, 0, slot).update).collect();
    let honest = next(&spec, &base(&spec), updates.clone());
    for left_out in 0..3 {
        let mut some = updates.clone();
        some.remove(left_out);
        assert_ne!(next(&spec, &base(&spec), some).root(), honest.root(), "without slot {left_out}");
    }
}

#[test]
fn a_false_aggregation_has_another_root() {
    let spec = spec(2);
    let updates: Vec<Update> = (0..2).map(|slot| finished(&spec, 0, slot).update).collect();
    let honest = next(&spec, &base(&spec), updates.clone());
    // Another base, another outer optimiser, and one bit of one momentum.
    let elsewhere = RoundCheckpoint::start(base(&spec).parameters().clone());
    assert_ne!(next(&spec, &elsewhere, updates).root(), honest.root());
    let mut momenta = honest.momenta().to_vec();
    momenta[3][1] = f32::from_bits(momenta[3][1].to_bits() ^ 1);
    let lie = RoundCheckpoint::from_parts(honest.parameters().clone(), momenta);
    assert_ne!(lie.root(), honest.root());
    // A root and a blob that do not belong together are noticed by whoever fetches them.
    let folder = tempfile::tempdir().unwrap();
    let blobs = LocalBlobs::open(folder.path()).unwrap();
    let posted = store::publish_checkpoint(&blobs, &lie).unwrap();
    let posted = sabha_protocol::round::Checkpoint { root: honest.root(), ..posted };
    assert!(matches!(store::fetch_checkpoint(&blobs, &spec, posted), Err(FetchError::Root { .. })));
}

/// Honest work from one slot, committed for another: nothing was trained, and nothing need be uploaded.
#[test]
fn an_update_of_another_slot_or_round_is_refused() {
    let spec = spec(3);
    let folder = tempfile::tempdir().unwrap();
    let blobs = LocalBlobs::open(folder.path()).unwrap();
    let update = finished(&spec, 0, 1).update;
    let digest = store::publish_update(&blobs, &update).unwrap();
    for (round, slot) in [(0, 2), (1, 1)] {
        let error = store::fetch_update(&blobs, &spec, Place::of(&spec, round, slot), digest).unwrap_err();
        let FetchError::Update { source, .. } = error else { panic!("{error}") };
        assert_eq!(source, UpdateError::OtherSlot { round: 0, slot: 1 });
    }
    // With its place forged it is another blob, and not what that slot's data gives.
    let mut forged = update.to_blob();
    forged[52] = 2;
    let (forged, honest) = (Digest::of(&forged), Digest::of(&finished(&spec, 0, 2).update.to_blob()));
    assert!(forged != digest && forged != honest);
}
