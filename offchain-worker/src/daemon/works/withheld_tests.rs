//! Withhold the checkpoint: an aggregator posts a root, which opens the next round, and serves no blob, or something else. Every worker
//! of that round would miss and be blamed.

use super::*;
use crate::{daemon::work::Origin, engine::rounds::store};

/// Two rounds of an honest machine: what was posted, and what it was made of.
fn rounds(machine: &Machine) -> Vec<Origin> {
    let mut origins: Vec<Origin> = vec![];
    for round in 0..2 {
        let base = origins.last().map(|origin| origin.made);
        let update = |slot| (slot, machine.train(round, slot, base).update_digest);
        let updates: Vec<_> = (0..2).map(update).collect();
        let made = machine.aggregate(round, base, updates.clone());
        origins.push(Origin { round, made, base, updates });
    }
    origins
}

/// Removes a checkpoint's blob.
fn withhold(machine: &Machine, made: round::Checkpoint) {
    std::fs::remove_file(machine.workshop.blobs.own().path(made.blob)).unwrap();
}

/// Two in a row, even.
#[test]
fn a_checkpoint_that_is_withheld_is_made_again_and_served() {
    let machine = Machine::new();
    let origins = rounds(&machine);
    let [first, last] = [0, 1].map(|round| origins[round].made);
    let honest = machine.done(&machine.train_job(2, 0, Some(last)));
    withhold(&machine, first);
    withhold(&machine, last);

    let other = Machine::new();
    let peers = [machine.folder.path().join("blobs")];
    let blobs = PeerBlobs::open(other.folder.path().join("blobs"), &peers).unwrap();
    let other = Machine {
        workshop: EngineWorkshop::with(Box::new(AnyEngine::cpu()), blobs.clone(), vec![]),
        ..other
    };
    let job = other.train_job(2, 0, Some(last));
    assert!(other.workshop.work(&job, &Stop::new()).is_err(), "nobody says what it was made of");
    let told = Job { origins: origins.clone(), ..job };
    let stop = Stop::new();
    stop.raise(Exit::Terminated);
    assert_eq!(other.workshop.work(&told, &stop).unwrap(), Ended::Stopped);
    assert_eq!(other.done(&told), honest);
    for made in [first, last] {
        assert!(blobs.has(made.blob).unwrap(), "served on");
        store::fetch_checkpoint(&blobs, &other.spec, made).unwrap();
    }
    // Whoever audits or aggregates, or only keeps what others may need, has it as well.
    withhold(&other, last);
    assert_eq!(other.workshop.remake(&other.spec, last, &origins, &Stop::new()).unwrap(), last);
    assert!(blobs.has(last.blob).unwrap());
}

/// The root is right, the address is that of nothing, or of something else.
#[test]
fn a_checkpoint_whose_address_is_false_is_made_again() {
    let machine = Machine::new();
    let origins = rounds(&machine);
    let honest = origins[1].made;
    let expected = machine.done(&machine.train_job(2, 1, Some(honest)));
    let noise = machine.workshop.blobs.put(b"noise").unwrap();
    let other_one = origins[0].made.blob;
    for blob in [Digest([9; 32]), noise, other_one] {
        let made = round::Checkpoint { blob, ..honest };
        let origins = vec![origins[0].clone(), Origin { made, ..origins[1].clone() }];
        let job = machine.train_job(2, 1, Some(made));
        std::fs::remove_dir_all(&job.folder).unwrap();
        assert_eq!(machine.done(&Job { origins: origins.clone(), ..job }), expected);
        let remade = machine.workshop.remake(&machine.spec, made, &origins, &Stop::new()).unwrap();
        assert_eq!(remade, honest, "and it is told where it is");
    }
}

#[test]
fn a_checkpoint_that_its_updates_do_not_make_is_not_taken_for_it() {
    let machine = Machine::new();
    let origins = rounds(&machine);
    let made = round::Checkpoint { root: Digest([7; 32]), blob: Digest([8; 32]) };
    let job = machine.train_job(2, 0, Some(made));
    let lie = vec![origins[0].clone(), Origin { made, ..origins[1].clone() }];
    let error = format!(
        "{:#}",
        machine.workshop.work(&Job { origins: lie, ..job.clone() }, &Stop::new()).unwrap_err()
    );
    assert!(
        error.contains("the aggregation of round 1 is false") && error.contains(&made.root.to_string()),
        "{error}"
    );
    // That is found once, and then known.
    let gone = vec![Origin { made, base: None, ..origins[1].clone() }];
    let again = machine.workshop.remake(&machine.spec, made, &gone, &Stop::new()).unwrap_err();
    assert!(again.is::<FalseRoot>(), "{again}");
    // Without an update there is no telling.
    let made = round::Checkpoint { root: Digest([6; 32]), ..made };
    let job = machine.train_job(2, 0, Some(made));
    let updates = vec![origins[1].updates[0], (1, Digest([9; 32]))];
    let gone = vec![origins[0].clone(), Origin { made, updates, ..origins[1].clone() }];
    let error =
        format!("{:#}", machine.workshop.work(&Job { origins: gone, ..job }, &Stop::new()).unwrap_err());
    assert!(error.contains("the update of slot 1"), "{error}");
}
