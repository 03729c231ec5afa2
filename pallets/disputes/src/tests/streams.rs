//! Runs whose stream is not what it is said to be made of, through the call: whoever shows it stops the run, and nobody stops another one.

use frame_support::{assert_noop, assert_ok, dispatch::Pays};
use pallet_sabha_training::{Error as TrainingError, Rounds, RunStatus, Runs};
use sabha_protocol::{
    RunId, RunSpec,
    dispute::stream::StreamEvidence,
    round::{Phase, VoidReason},
    spec::limits,
};
use sabha_testing::{lie::Dice, streams::Streams};

use super::{
    stage::*,
    world::{honest, spec},
};
use crate::{Error, Event, mock::*, proofs};

/// A run of bytes over this stream, which is said to be made of its sources.
fn described(streams: &Streams) -> RunSpec {
    RunSpec { data: streams.data.clone(), ..spec() }
}

fn accept(streams: &Streams) {
    Accepted::mutate(|accepted| accepted.extend(streams.accepted.clone()));
}

fn refute(who: AccountId, id: RunId, evidence: &StreamEvidence) -> sp_runtime::DispatchResult {
    let done = Disputes::refute_stream(signed(who), id, Box::new(evidence.clone()));
    done.map(|post| assert_eq!(post.pays_fee, Pays::No)).map_err(|error| error.error)
}

/// The run is stopped by whoever shows this, once.
fn is_refuted_by(streams: &Streams, evidence: &StreamEvidence) {
    run(|| {
        accept(streams);
        let id = create(&described(streams));
        assert_ok!(refute(BOB, id, evidence));
        assert_eq!(Runs::<Test>::get(id).unwrap().status, RunStatus::Stopping);
        let source = evidence.source();
        assert_eq!(events(), [Event::StreamRefuted { run: id, who: BOB, source }]);
        assert_noop!(refute(BOB, id, evidence), TrainingError::<Test>::RunClosed);
        check();
        // It is over, and its owner has its money back.
        until(100, || Runs::<Test>::get(id).unwrap().status == RunStatus::Stopped);
        assert_eq!(free(ALICE), ENDOWMENT);
        assert_noop!(refute(BOB, id, evidence), Error::<Test>::NoSuchRun);
    });
}

fn is_not_refuted(streams: &Streams, evidence: &StreamEvidence, error: Error<Test>) {
    run(|| {
        accept(streams);
        let id = create(&described(streams));
        assert_noop!(refute(BOB, id, evidence), error);
        assert_eq!(Runs::<Test>::get(id).unwrap().status, RunStatus::Open);
    });
}

/// Two sources; the first one ends within a shard and within a chunk.
fn sound() -> Streams {
    let shard = sabha_protocol::datasets::SHARD_BYTES;
    Streams::random(&mut Dice::new(11), &[shard + 1_500, 3_000])
}

#[test]
fn a_false_stream_is_refuted_by_any_wrong_byte() {
    let truth = sound();
    let (shard, second) = (1 << 20, truth.base(1));
    for place in [0, shard - 1, shard, second - 1, second, truth.stream.len() - 1] {
        let lie = truth.flipped(place);
        is_refuted_by(&lie, &lie.evidence(place));
    }
}

#[test]
fn a_stream_of_another_length_than_its_sources_is_refuted() {
    let truth = sound();
    let mut stream = truth.stream.clone();
    stream.truncate(truth.stream.len() - 1_100);
    let mut lie = Streams::of(truth.sources.clone(), stream);
    is_refuted_by(&lie, &StreamEvidence::Sum);
    is_not_refuted(&lie, &lie.length(), Error::NoContradiction);
    lie.data.tokens = truth.data.tokens;
    is_refuted_by(&lie, &lie.length());
    is_not_refuted(&lie, &StreamEvidence::Sum, Error::NoContradiction);
}

#[test]
fn a_true_stream_is_not_refuted() {
    let truth = sound();
    let lie = truth.flipped(7);
    is_not_refuted(&truth, &truth.evidence(7), Error::NoContradiction);
    is_not_refuted(&truth, &lie.evidence(7), Error::BadProof);
    is_not_refuted(&truth, &StreamEvidence::Sum, Error::NoContradiction);
    is_not_refuted(&truth, &truth.length(), Error::NoContradiction);
    let mut other = truth.clone();
    other.stream.pop();
    is_not_refuted(&truth, &other.length(), Error::BadProof);
}

/// Whatever byte anybody shows of true streams, as it is or with the bytes of a false one: every one is refused, without a change.
#[test]
fn no_byte_of_any_true_stream_refutes_it() {
    let mut dice = Dice::new(12);
    for _ in 0..20 {
        let lens: Vec<u64> = (0..1 + dice.below(4)).map(|_| 50 + dice.below(5_000)).collect();
        let truth = Streams::random(&mut dice, &lens);
        let place = dice.below(truth.stream.len() as u64) as usize;
        let lie = truth.flipped(place);
        let all = [truth.evidence(place), lie.evidence(place), truth.length(), StreamEvidence::Sum];
        run(|| {
            accept(&truth);
            let id = create(&described(&truth));
            for evidence in &all {
                assert!(refute(BOB, id, evidence).is_err(), "{evidence:?}");
                check();
            }
            assert_eq!(Runs::<Test>::get(id).unwrap().status, RunStatus::Open);
            assert!(events().is_empty());
        });
        is_refuted_by(&lie, &all[1]);
    }
}

#[test]
fn a_tokenised_stream_cannot_be_refuted() {
    let mut lie = sound().flipped(0);
    let evidence = lie.evidence(0);
    lie.data.token_bytes = 2;
    lie.data.tokens /= 2;
    for evidence in [evidence, StreamEvidence::Sum, lie.length()] {
        is_not_refuted(&lie, &evidence, Error::Tokenised);
    }
}

#[test]
fn a_stream_without_sources_cannot_be_refuted() {
    let mut lie = sound().flipped(0);
    let evidence = lie.evidence(0);
    lie.data.sources = Default::default();
    for evidence in [evidence, StreamEvidence::Sum, lie.length()] {
        is_not_refuted(&lie, &evidence, Error::NoSources);
    }
}

#[test]
fn a_stream_is_refuted_as_far_as_its_sources_are_accepted() {
    let truth = sound();
    let second = truth.base(1);
    let mut lie = truth.flipped(second);
    lie.accepted.remove(&lie.data.sources[1]);
    is_not_refuted(&lie, &lie.evidence(second), Error::SourceNotAccepted);
    is_not_refuted(&lie, &StreamEvidence::Sum, Error::SourceNotAccepted);
    // It may be accepted once the run is there.
    run(|| {
        accept(&lie);
        let id = create(&described(&lie));
        assert_noop!(refute(BOB, id, &lie.evidence(second)), Error::<Test>::SourceNotAccepted);
        accept(&truth);
        assert_ok!(refute(BOB, id, &lie.evidence(second)));
    });
    let mut lie = truth.flipped(9);
    lie.accepted.remove(&lie.data.sources[1]);
    is_refuted_by(&lie, &lie.evidence(9));
}

#[test]
fn bytes_that_are_not_there_are_refused() {
    let lie = sound().flipped(0);
    let change = |change: fn(&mut sabha_protocol::dispute::stream::WrongByte), error| {
        let mut evidence = lie.evidence(0);
        let StreamEvidence::Byte(wrong) = &mut evidence else { panic!() };
        change(wrong);
        is_not_refuted(&lie, &evidence, error);
    };
    change(|wrong| wrong.source = 2, Error::NoSuchSource);
    change(|wrong| wrong.shard = 9, Error::NoSuchByte);
    change(|wrong| wrong.at = 1 << 20, Error::NoSuchByte);
    change(|wrong| wrong.shard = 1, Error::BadProof);
}

#[test]
fn what_benchmarks_show_refutes_a_stream() {
    let (mut spec, bytes) = (spec(), 1 << 30);
    let evidence = proofs::wrong_byte(&mut spec.data, bytes).expect("something is wrong");
    assert_eq!(spec.data.sources.len(), limits::SOURCES as usize);
    let StreamEvidence::Byte(wrong) = &evidence else { panic!("{evidence:?}") };
    let paths = [wrong.member.path.len(), wrong.theirs.path.len(), wrong.ours.path.len()];
    assert_eq!(paths, [10, 10, 53]);
    assert_eq!(evidence.check(&spec.data, |_| Some(bytes)), Ok(()));
}

/// Train on other data than the manifest says: the owner names a dataset that was judged, and puts something else into the stream. The
/// workers did what the specification says: those who committed are paid, all have their stakes free, and the owner pays them.
#[test]
fn training_on_other_data_than_the_manifest_says_is_stopped_at_work() {
    let lie = sound().flipped(5_000);
    run(|| {
        accept(&lie);
        let id = opened_with(&described(&lie));
        // Whoever trains does not know the data in this test: any outcome will do.
        commit(id, 0, honest(0).outcome);
        let before = staked_by_all();
        assert_ok!(refute(BOB, id, &lie.evidence(5_000)));
        assert_eq!(round_of(id, ROUND).void, Some(VoidReason::Stopped));
        assert!(!matches!(round_of(id, ROUND).phase, Phase::Training { .. }));
        // What is committed is checked as ever.
        audited(id, &all_honest(), truth);
        until(1_500, || Runs::<Test>::get(id).unwrap().status == RunStatus::Stopped);
        let over = Runs::<Test>::get(id).unwrap();
        assert!(Rounds::<Test>::iter().next().is_none());
        assert_eq!((over.progress.escrow, over.kept, over.funded), (0, 0, over.paid + over.refunded));
        assert!(over.paid >= spec().price_per_slot, "{over:?}");
        assert_eq!(free(ALICE), ENDOWMENT - over.paid);
        assert_eq!((staked_by_all(), burnt()), (before, 0));
    });
}

/// What all workers have at stake.
fn staked_by_all() -> u128 {
    (FIRST..FIRST + 10).map(staked).sum()
}
