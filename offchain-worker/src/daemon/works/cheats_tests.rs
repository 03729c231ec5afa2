//! What a worker may try with its slot, each as a test: what attesters and auditors make of it.

use super::*;
use crate::engine::{
    init,
    rounds::{self, Place, store},
};
use sabha_protocol::{audit::Opening, dispute::Claim, segments_root};

const SLOT: SlotIndex = 1;

/// What an auditor finds who gets the states that the cheat serves, and what the leaves say that the cheat publishes.
fn audited(
    machine: &Machine,
    served: &Path,
    commitment: Commitment,
    leaves: &[Digest],
    segments: &[u32],
) -> [Digest; 2] {
    let root = commitment.segments_root;
    for segment in segments.iter().filter(|segment| **segment > 0) {
        assert!(machine.workshop.served.serve(served, leaves, root, *segment).unwrap());
    }
    let found = machine.found(&machine.audit_job(SLOT, Outcome::Trained(commitment), segments));
    assert!(!found.unserved, "the auditor takes what is served");
    let ends: Vec<Digest> = segments.iter().map(|segment| leaves[*segment as usize + 1]).collect();
    assert!(
        segments.iter().all(|segment| Opening::of(leaves, segment + 1).is_some()),
        "they can be published"
    );
    [found.answer, answer::of_roots(&ends)]
}

/// Fewer steps: nine of twelve, and the state after them stands for the last segment's end, too.
#[test]
fn a_worker_that_does_fewer_steps_is_found_where_it_did_none() {
    let machine = Machine::new();
    let honest = machine.train(0, SLOT, None);
    let mut leaves = machine.leaves(SLOT, &honest);
    leaves[4] = leaves[3];
    let cheat = Commitment { segments_root: segments_root(&leaves), ..honest };
    let folder = machine.train_job(0, SLOT, None).folder;
    let audited = |segments: &[u32]| audited(&machine, &folder, cheat, &leaves, segments);
    // What it did is right; which segments are audited is drawn after the commitment.
    let [found, published] = audited(&[0, 2]);
    assert_eq!(found, published);
    let [found, published] = audited(&[1, 3]);
    assert_ne!(found, published);
}

/// Another text, a shorter one that is in the cache, or one that teaches the model something: every segment is another one.
#[test]
fn a_worker_that_trains_on_other_data_is_found_in_any_segment() {
    let machine = Machine::new();
    let mut cheat = Machine::new();
    let bytes: Vec<u8> = (0..600u32).map(|i| (i % 7) as u8).collect();
    cheat.spec.data.stream = cheat.workshop.blobs.put(&bytes).unwrap();
    let commitment = cheat.train(0, SLOT, None);
    let leaves = cheat.leaves(SLOT, &commitment);
    let folder = cheat.train_job(0, SLOT, None).folder;
    for segment in 0..4 {
        let [found, published] = audited(&machine, &folder, commitment, &leaves, &[segment]);
        assert_ne!(found, published, "segment {segment}");
    }
}

/// Honest roots, and another update than theirs, which nobody trained. Attesters check an update's form, auditors execute steps and never
/// `finish`, which makes the update of the last state: neither finds it. Whoever executes the slot does, and can have the claim `Finish`
/// judged.
#[test]
fn an_update_that_does_not_follow_from_the_honest_roots_is_found_by_whoever_executes_the_slot() {
    let machine = Machine::new();
    let honest = machine.train(0, SLOT, None);
    let leaves = machine.leaves(SLOT, &honest);
    // Well formed: nothing learnt at all. It could as well undo what the others learnt.
    let start = init::of_spec(&machine.spec).unwrap();
    let place = Place::of(&machine.spec, 0, SLOT);
    let forged = rounds::finish(&machine.spec, place, &start, &start, 1.0).unwrap().update;
    let update_digest = store::publish_update(&machine.workshop.blobs, &forged).unwrap();
    let cheat = Commitment { update_digest, ..honest };

    let attest = machine.job(Kind::Attest, 0, 0, None, Ask::Attest(vec![(SLOT, update_digest)]));
    let Product::Got(got) = machine.done(&attest) else { panic!("a report") };
    assert!(got.contains(SLOT), "attesters report it");
    let folder = machine.train_job(0, SLOT, None).folder;
    let [found, published] = audited(&machine, &folder, cheat, &leaves, &[1, 3]);
    assert_eq!(found, published, "auditors agree");

    let checker = Machine::new();
    let wrong = |commitment| {
        let table = checker.table(Side::Challenger, SLOT, Outcome::Trained(commitment));
        checker.workshop.find_wrong(&table, &Stop::new()).unwrap()
    };
    assert_eq!(wrong(cheat), Some(Claim::Finish));
    assert_eq!(wrong(honest), None);
}

/// Told to every worker, a lie is told by the one that is drawn first, and not by whoever makes the round again.
#[test]
fn a_lie_for_one_attempt_is_told_in_no_other() {
    let truth = Machine::new().train(0, SLOT, None);
    let liar = || {
        let mut machine = Machine::new();
        machine.lies("=0:2:4:7:4096".parse().unwrap());
        machine
    };
    let told = liar();
    assert_ne!(told.train(0, SLOT, None), truth);
    let mut again = told.train_job(0, SLOT, None);
    again.duty.task.round.attempt = 1;
    again.folder = again.folder.with_extension("again");
    for machine in [told, liar()] {
        let found = machine.done(&again);
        assert!(matches!(found, Product::Outcome(Outcome::Trained(found)) if found == truth), "{found:?}");
    }
}
