//! From slots to the next checkpoint: the definitions' bits, the same in any order and with any number of threads, and encodings that
//! take nothing but what they write.

use super::{leaves::LeavesError, store::FetchError, *};
use crate::{
    blobs::{BlobError, BlobStore, LocalBlobs},
    engine::{
        CheckpointError, Engine, ExactEngine, init,
        testing::{demo_spec, text_stream, tiny_spec},
    },
};
use proptest::prelude::*;
use sabha_numerics::{buffer_digest, program::BeginProgram, reference::execute, state_root};
use sabha_protocol::{Digest, NUMERICS_EXACT, RoundIndex, segments_root, spec::ModelSpec};

pub(super) fn spec(slots: u16) -> RunSpec {
    let mut spec = RunSpec { numerics_version: NUMERICS_EXACT, ..tiny_spec() };
    (spec.rounds.slots, spec.rounds.quorum) = (slots, slots);
    (spec.outer.rate, spec.outer.momentum) = (0.7.into(), 0.9.into());
    spec
}

/// What a slot trains that starts from the run's first parameters.
pub(super) fn train(spec: &RunSpec, round: RoundIndex, slot: SlotIndex) -> State {
    let (_folder, stream_spec, stream) = text_stream(spec.clone());
    let mut session = ExactEngine::cpu().begin(&stream_spec, &init::initial(&spec.model, spec.seed)).unwrap();
    for step in 0..spec.rounds.inner_steps {
        session.step(&stream.training_batch(&stream_spec, round, slot, step).unwrap(), 0.01).unwrap();
    }
    session.state().unwrap()
}

pub(super) fn finished(spec: &RunSpec, round: RoundIndex, slot: SlotIndex) -> Finished {
    let end = train(spec, round, slot);
    let start = init::initial(&spec.model, spec.seed);
    finish(spec, Place::of(spec, round, slot), &start, &end.checkpoint, end.loss_sum).unwrap()
}

/// The run's first checkpoint, with momenta that are not zeros.
pub(super) fn base(spec: &RunSpec) -> RoundCheckpoint {
    let momenta = init::initial(&spec.model, 99).values().to_vec();
    RoundCheckpoint::from_parts(init::initial(&spec.model, spec.seed), momenta)
}

pub(super) fn next(spec: &RunSpec, base: &RoundCheckpoint, updates: Vec<Update>) -> RoundCheckpoint {
    aggregate(spec, base, updates, &|| true).unwrap()
}

fn bits(buffers: &[Vec<f32>]) -> Vec<Vec<u32>> {
    buffers.iter().map(|values| values.iter().map(|value| value.to_bits()).collect()).collect()
}

#[test]
fn a_slot_begins_with_the_state_of_the_begin_program() {
    let spec = spec(1);
    let program = BeginProgram { model: spec.model.shape() };
    let base = base(&spec);
    let defined = execute(&program, &bits(base.parameters().values()), &[]).unwrap().leaves;
    let digests: Vec<[u8; 32]> = defined
        .iter()
        .map(|words| {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            *blake3::hash(&bytes).as_bytes()
        })
        .collect();
    let state = begin(&base);
    assert_eq!(state.root(), Digest(state_root(&digests)));
    assert_eq!(ExactEngine::cpu().resume(&spec, &state).unwrap().digest().unwrap(), state.root());
}

#[test]
fn finish_and_aggregate_have_the_bits_of_the_definitions() {
    let spec = spec(3);
    let (start, base) = (init::initial(&spec.model, spec.seed), base(&spec));
    let mut leaves = bits(base.parameters().values());
    leaves.extend(bits(base.momenta()));
    let mut updates = Vec::new();
    for slot in 0..3 {
        let end = train(&spec, 0, slot);
        let mut from = bits(start.values());
        from.extend(bits(end.checkpoint.values()));
        from.push(vec![end.loss_sum.to_bits()]);
        let program = FinishProgram { model: spec.model.shape(), steps: spec.rounds.inner_steps };
        let mut defined = execute(&program, &from, &[]).unwrap().leaves;
        let Finished { update, mean_loss } = finished(&spec, 0, slot);
        assert_eq!(defined.pop(), Some(vec![mean_loss.to_bits()]));
        assert_eq!(mean_loss.to_bits(), end.mean_loss().to_bits());
        assert!(update.buffers().eq(defined.iter().map(Vec::as_slice)), "slot {slot}");
        leaves.extend(defined);
        updates.push(update);
    }
    let defined = execute(&aggregation(&spec, 3), &leaves, &[]).unwrap().leaves;
    let made = next(&spec, &base, updates);
    let mut found = bits(made.parameters().values());
    found.extend(bits(made.momenta()));
    assert!(found == defined, "other bits than the definitions'");
    let digests: Vec<[u8; 32]> =
        made.parameters().values().iter().chain(made.momenta()).map(|values| buffer_digest(values)).collect();
    assert_eq!(made.root(), Digest(state_root(&digests)));
    assert_ne!(made.root(), base.root());
}

/// Checkpoints are what all workers go on from: a change of their bits needs a new numerics version.
#[test]
fn golden_root_in_any_order_with_any_number_of_threads() {
    let spec = spec(3);
    let updates: Vec<Update> = (0..3).map(|slot| finished(&spec, 0, slot).update).collect();
    // Without its place, which holds the specification's hash.
    let update = Digest::of(&updates[0].to_blob()[64..]).to_string();
    for (threads, order) in [(1, [0, 1, 2]), (2, [2, 0, 1]), (7, [1, 2, 0])] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let arrived = order.map(|index| updates[index].clone()).to_vec();
        let made = pool.install(|| next(&spec, &base(&spec), arrived));
        let found = [update.clone(), made.root().to_string()];
        assert_eq!(found, GOLDEN, "{threads} threads, order {order:?}");
    }
}
const GOLDEN: [&str; 2] = [
    "8b8773eaa75147203050dcf5284c2bbe2a4a46bbdd95b72d1caa0cd8965efdd8",
    "19c046a94ff34e41b5db37eea0ba8d80a875a2a91d23d790a814f72deaf07a29",
];

#[test]
fn one_slot_without_momentum_takes_what_it_trained_within_its_grid() {
    let mut spec = spec(1);
    spec.outer = sabha_protocol::spec::OuterSpec::MEAN;
    let (end, Finished { update, .. }) = (train(&spec, 0, 0), finished(&spec, 0, 0));
    let start = RoundCheckpoint::start(init::initial(&spec.model, spec.seed));
    let made = next(&spec, &start, vec![update]);
    let mut moved = 0.0f32;
    let parameters = start.parameters().values().iter().zip(end.checkpoint.values());
    for ((before, trained), made) in parameters.zip(made.parameters().values()) {
        for ((before, trained), made) in before.chunks(256).zip(trained.chunks(256)).zip(made.chunks(256)) {
            let deltas = before.iter().zip(trained).map(|(before, trained)| (before - trained).abs());
            let largest = deltas.fold(0.0, f32::max);
            moved = moved.max(largest);
            for (trained, made) in trained.iter().zip(made) {
                // A code is at least half of 127: half a unit of it, and the rounding of the sum.
                assert!((trained - made).abs() <= largest / 126.0 + 1e-6, "{trained} {made} {largest}");
            }
        }
    }
    assert!(moved > 1e-3, "nothing was trained");
}

#[test]
fn an_update_is_at_most_27_hundredths_of_its_parameters() {
    for model in [demo_spec().model, crate::engine::memory::tests::huge_spec().model] {
        let ratio = update_bytes(&model) as f64 / (model.parameter_count() as f64 * 4.0);
        assert!(ratio <= 0.27, "{ratio}");
    }
    let spec = spec(1);
    assert_eq!(finished(&spec, 0, 0).update.to_blob().len() as u64, update_bytes(&spec.model));
}

#[test]
fn updates_that_do_not_belong_together_are_refused() {
    let spec = spec(3);
    let update = |round, slot| finished(&spec, round, slot).update;
    let refuse = |updates| aggregate(&spec, &base(&spec), updates, &|| true).unwrap_err();
    assert!(matches!(refuse(vec![]), AggregateError::Count(0)));
    let one = update(0, 1);
    assert!(matches!(refuse(vec![one.clone(), update(0, 0), one.clone()]), AggregateError::Twice(1)));
    assert!(matches!(refuse(vec![update(1, 2), one.clone()]), AggregateError::Mixed(2)));
    assert!(matches!(refuse(vec![one.clone(); 257]), AggregateError::Count(257)));
    let other = RunSpec { seed: 6, ..spec.clone() };
    let foreign = aggregate(&other, &base(&other), vec![one.clone()], &|| true).unwrap_err();
    assert!(matches!(foreign, AggregateError::Mixed(1)), "{foreign}");
    let stopped = aggregate(&spec, &base(&spec), vec![one], &|| false).unwrap_err();
    assert!(matches!(stopped, AggregateError::Stopped), "{stopped}");
}

#[test]
fn a_checkpoint_at_the_end_of_the_numbers_is_named_and_no_panic() {
    let spec = RunSpec {
        outer: sabha_protocol::spec::OuterSpec { rate: 4.0.into(), momentum: 0.9.into() },
        ..spec(1)
    };
    let mut values = init::initial(&spec.model, spec.seed).values().to_vec();
    let mut momenta = values.clone();
    (values[0][5], momenta[0][5]) = (-f32::MAX, f32::MAX);
    let parameters = Checkpoint::from_parts(spec.model.parameters(), values);
    let base = RoundCheckpoint::from_parts(parameters, momenta);
    let error = aggregate(&spec, &base, vec![finished(&spec, 0, 0).update], &|| true).unwrap_err();
    assert!(matches!(error, AggregateError::NotFinite { element: 5, .. }), "{error}");
}

#[test]
fn a_checkpoint_reads_back_and_is_what_the_library_writes() {
    let spec = spec(1);
    let checkpoint = base(&spec);
    let blob = checkpoint.to_blob();
    assert_eq!(blob.len() as u64, checkpoint_bytes(&spec.model));
    assert_eq!(RoundCheckpoint::from_blob(&spec.model, &blob).unwrap(), checkpoint);
    // For whoever wants the model only.
    assert_eq!(&Checkpoint::from_blob(&spec.model, &blob).unwrap(), checkpoint.parameters());

    let tensors = safetensors::SafeTensors::deserialize(&blob).unwrap();
    assert_eq!(tensors.len(), 2 * spec.model.parameters().len());
    let format = std::collections::HashMap::from([("format".to_string(), "pt".to_string())]);
    let written = safetensors::serialize(tensors.tensors(), Some(format)).unwrap();
    assert!(written == blob, "the library writes another file");
}

#[test]
fn checkpoints_of_other_models_cut_off_or_not_finite_are_refused() {
    let spec = spec(1);
    let blob = base(&spec).to_blob();
    let refuse = |blob: &[u8]| RoundCheckpoint::from_blob(&spec.model, blob).unwrap_err();
    for wrong in [&blob[..0], &blob[..blob.len() - 1], &[&blob[..], &[0]].concat()] {
        assert!(matches!(refuse(wrong), CheckpointError::Length { .. }));
    }
    let mut renamed = blob.clone();
    renamed[30] ^= 1;
    assert!(matches!(refuse(&renamed), CheckpointError::Form));
    let mut wild = blob.clone();
    let end = wild.len();
    wild[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(matches!(refuse(&wild), CheckpointError::NotFinite { .. }));
    let wider = ModelSpec { feed_forward: spec.model.feed_forward + 1, ..spec.model };
    assert!(RoundCheckpoint::from_blob(&wider, &blob).is_err());
    // The parameters alone are no checkpoint of a round.
    assert!(RoundCheckpoint::from_blob(&spec.model, &base(&spec).parameters().to_blob()).is_err());
}

#[test]
fn objects_come_back_from_a_store_and_what_is_damaged_or_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = LocalBlobs::open(folder.path()).unwrap();
    let spec = spec(1);
    let (place, update) = (Place::of(&spec, 0, 0), finished(&spec, 0, 0).update);
    let digest = store::publish_update(&blobs, &update).unwrap();
    assert_eq!(digest, Digest::of(&update.to_blob()));
    let fetch = || store::fetch_update(&blobs, &spec, place, digest);
    assert_eq!(fetch().unwrap(), update);

    // One bit, then nothing at all, then more than any update has.
    let mut flipped = update.to_blob();
    flipped[100] ^= 1;
    std::fs::write(blobs.path(digest), flipped).unwrap();
    assert!(matches!(fetch(), Err(FetchError::Blob(BlobError::Corrupt { .. }))));
    let error = fetch().unwrap_err();
    assert!(matches!(error, FetchError::Blob(BlobError::Missing { .. })));
    assert!(error.to_string().contains(&digest.to_string()), "{error}");
    let large = blobs.put(&vec![0; update_bytes(&spec.model) as usize + 1]).unwrap();
    let error = store::fetch_update(&blobs, &spec, place, large).unwrap_err();
    assert!(matches!(error, FetchError::Blob(BlobError::TooLarge { .. })), "{error}");

    let checkpoint = base(&spec);
    let posted = store::publish_checkpoint(&blobs, &checkpoint).unwrap();
    assert_eq!(store::fetch_checkpoint(&blobs, &spec, posted).unwrap(), checkpoint);
    let lie = sabha_protocol::round::Checkpoint { root: Digest([7; 32]), ..posted };
    assert!(matches!(store::fetch_checkpoint(&blobs, &spec, lie), Err(FetchError::Root { .. })));
    let update =
        sabha_protocol::round::Checkpoint { blob: store::publish_update(&blobs, &update).unwrap(), ..posted };
    let error = store::fetch_checkpoint(&blobs, &spec, update).unwrap_err();
    assert!(matches!(error, FetchError::Checkpoint { .. }), "{error}");

    // The same, without all of it in memory.
    store::verify_checkpoint(&blobs, &spec, posted).unwrap();
    assert!(matches!(store::verify_checkpoint(&blobs, &spec, lie), Err(FetchError::Root { .. })));
    let error = store::verify_checkpoint(&blobs, &spec, update).unwrap_err();
    assert!(matches!(error, FetchError::Checkpoint { .. }), "{error}");

    let leaves: Vec<Digest> = (0..4).map(|byte| Digest([byte; 32])).collect();
    let published = store::publish_leaves(&blobs, &leaves).unwrap();
    let fetch = |root| store::fetch_leaves(&blobs, &spec, root, published);
    assert_eq!(fetch(segments_root(&leaves)).unwrap(), leaves);
    let wrong = fetch(segments_root(&leaves[1..]));
    assert!(matches!(wrong, Err(FetchError::Leaves { source: LeavesError::Root { .. }, .. })));
    let few = store::publish_leaves(&blobs, &leaves[1..]).unwrap();
    let few = store::fetch_leaves(&blobs, &spec, segments_root(&leaves[1..]), few);
    assert!(matches!(
        few,
        Err(FetchError::Leaves { source: LeavesError::Length { found: 96, needed: 128 }, .. })
    ));
}

fn model() -> ModelSpec {
    spec(1).model
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever somebody sends, it is read or refused, and what is read is written as it was.
    #[test]
    fn random_bytes_are_read_as_they_are_written_or_refused(
        head in prop::collection::vec(any::<u8>(), 0..200),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        whole in any::<bool>(),
    ) {
        let spec = spec(1);
        let place = Place::of(&spec, 0, 0);
        let update = zero_update(&spec).to_blob();
        let checkpoint = base(&spec).to_blob();
        for good in [update, checkpoint] {
            let mut bytes = good;
            for (at, byte) in &flips {
                let at = at.index(bytes.len());
                bytes[at] ^= byte;
            }
            if !whole {
                bytes.truncate(cut.index(bytes.len()));
            }
            for bytes in [&bytes, &head] {
                if let Ok(update) = Update::from_blob(&spec, place, bytes) {
                    prop_assert_eq!(&update.to_blob(), bytes);
                }
                if let Ok(checkpoint) = RoundCheckpoint::from_blob(&model(), bytes) {
                    prop_assert_eq!(&checkpoint.to_blob(), bytes);
                }
                let _ = Update::place_of(bytes);
                let _ = leaves::from_blob(&spec, Digest([0; 32]), bytes);
            }
        }
    }

    /// An update that is read can be aggregated, whatever is in it.
    #[test]
    fn any_codes_and_exponents_make_a_finite_checkpoint(seed: u64) {
        let spec = spec(1);
        let mut blob = zero_update(&spec).to_blob();
        let mut state = seed;
        for (at, byte) in blob.iter_mut().enumerate().skip(64) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(at as u64 | 1);
            *byte = (state >> 56) as u8;
        }
        // Exponents and fillings as they must be: everything else is free.
        let place = Place::of(&spec, 0, 0);
        let mut at = 64;
        for parameter in spec.model.parameters() {
            let size = parameter.elements() as usize;
            let words = size.div_ceil(4);
            for byte in &mut blob[at..at + size] {
                *byte = if *byte == 128 { 0 } else { *byte };
            }
            blob[at + size..at + words * 4].fill(0);
            at += words * 4;
            for block in 0..size.div_ceil(256) {
                let exponent = -40 + (blob[at + block * 4] % 47) as i32;
                blob[at + block * 4..at + block * 4 + 4].copy_from_slice(&exponent.to_le_bytes());
            }
            at += size.div_ceil(256) * 4;
        }
        prop_assert_eq!(at, blob.len());
        let update = Update::from_blob(&spec, place, &blob).unwrap();
        let made = next(&spec, &base(&spec), vec![update]);
        prop_assert!(made.parameters().values().iter().chain(made.momenta()).flatten().all(|x| x.is_finite()));
    }
}

/// The update of a slot that changed nothing.
pub(super) fn zero_update(spec: &RunSpec) -> Update {
    let start = init::initial(&spec.model, spec.seed);
    finish(spec, Place::of(spec, 0, 0), &start, &start, 0.0).unwrap().update
}

/// Whatever is in a blob, reading it piece by piece and as a whole come to the same.
#[test]
fn a_checkpoint_that_is_read_piece_by_piece_has_the_same_root() {
    let spec = spec(1);
    let checkpoint = base(&spec);
    let good = checkpoint.to_blob();
    let read = |blob: &[u8]| checkpoint::root_of_blob(&spec.model, &mut &*blob);
    assert_eq!(read(&good).unwrap().unwrap(), checkpoint.root());
    let whole = |blob: &[u8]| RoundCheckpoint::from_blob(&spec.model, blob).map(|read| read.root());
    for place in [good.len() - 1, good.len() - 9, good.len() - 100] {
        let mut changed = good.clone();
        changed[place / 4 * 4] ^= 1;
        let root = read(&changed).unwrap().unwrap();
        assert_eq!(root, whole(&changed).unwrap());
        assert_ne!(root, checkpoint.root());
        changed[place / 4 * 4..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
        let error = read(&changed).unwrap().unwrap_err().to_string();
        assert_eq!(error, whole(&changed).unwrap_err().to_string(), "the same element is named");
    }
    // Tensors of several pieces.
    let model = demo_spec().model;
    let large = RoundCheckpoint::start(init::initial(&model, 1));
    let root = checkpoint::root_of_blob(&model, &mut large.to_blob().as_slice());
    assert_eq!(root.unwrap().unwrap(), large.root());
    let mut other = good.clone();
    other[20] ^= 1;
    assert!(read(&other).unwrap().is_err(), "the header");
    assert!(read(&[&good[..], &[0]].concat()).unwrap().is_err(), "something behind it");
    assert!(read(&good[..good.len() - 1]).is_err(), "cut off");
}
