//! Slots: assignment, commitment, deadlines, generations.

use frame_support::{assert_noop, assert_ok};
use sabha_protocol::{Divergence, Outcome, SlotId};

use crate::{Due, Error, Event, PauseReason, RunStatus, WorkerStatus, mock::*};

fn slot(run: u32, round: u32) -> SlotId {
    SlotId { run, round, slot: 0 }
}

#[test]
fn poke_assigns_the_open_slot_to_a_ready_worker() {
    run(|| {
        ready(BOB);
        let id = create(2);
        assert_eq!(Training::due(id), Due { open: true, ..Due::default() });
        events();
        poke(id);
        let deadline = Now::get() + TRAINING;
        assert_eq!(
            events(),
            [Event::SlotAssigned { slot: slot(id, 0), generation: 0, worker: BOB, deadline }]
        );
        assert_eq!((worker(BOB).status, worker(BOB).assigned), (WorkerStatus::Working, Some(slot(id, 0))));
        assert!(!Training::due(id).any());
        assert_eq!(Training::slots_of(id).len(), 1);
    });
}

#[test]
fn poke_without_anything_due_fails() {
    run(|| {
        assert_noop!(Training::poke(signed(DAVE), 0), Error::<Test>::NoSuchRun);
        let id = create(1);
        assert_noop!(Training::poke(signed(DAVE), id), Error::<Test>::NothingDue);
        ready(BOB);
        poke(id);
        assert_noop!(Training::poke(signed(DAVE), id), Error::<Test>::NothingDue);
        commit(id, 0);
        assert_noop!(Training::poke(signed(DAVE), id), Error::<Test>::NothingDue);
    });
}

#[test]
fn every_ready_worker_can_be_drawn() {
    let mut drawn = std::collections::BTreeSet::new();
    for seed in 0..40 {
        run(|| {
            Seed::set(seed);
            for owner in [BOB, CAROL, DAVE] {
                ready(owner);
            }
            let id = create(1);
            poke(id);
            drawn.insert(Training::slots_of(id)[0].1.worker);
        });
    }
    assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [BOB, CAROL, DAVE]);
}

#[test]
fn commit_binds_the_worker_and_frees_it_for_the_next_slot() {
    run(|| {
        let id = assigned(2);
        events();
        pass(TRAINING);
        commit(id, 0);
        let final_at = Now::get() + WINDOW;
        assert_eq!(
            events(),
            [Event::SlotCommitted {
                slot: slot(id, 0),
                generation: 0,
                worker: BOB,
                outcome: trained(0),
                final_at
            }]
        );
        let worker = worker(BOB);
        assert_eq!((worker.status, worker.assigned, worker.outstanding), (WorkerStatus::Ready, None, 1));
        let run = run_of(id);
        assert_eq!((run.next_round, run.finalised, run.checkpoint), (1, 0, Some(update(0))));
    });
}

#[test]
fn commit_fails_for_each_reason() {
    run(|| {
        let commit =
            |who, round, generation, outcome| Training::commit(signed(who), 0, round, 0, generation, outcome);
        assert_noop!(commit(HOT, 0, 0, trained(0)), Error::<Test>::NoSuchWorker);
        register(CAROL);
        let id = assigned(2);
        assert_eq!(id, 0);
        assert_noop!(Training::commit(signed(HOT), 7, 0, 0, 0, trained(0)), Error::<Test>::NoSuchSlot);
        assert_noop!(commit(HOT, 1, 0, trained(0)), Error::<Test>::NoSuchSlot);
        assert_noop!(Training::commit(signed(HOT), id, 0, 1, 0, trained(0)), Error::<Test>::NoSuchSlot);
        assert_noop!(commit(CAROL + 100, 0, 0, trained(0)), Error::<Test>::SlotNotYours);
        assert_noop!(commit(HOT, 0, 1, trained(0)), Error::<Test>::WrongGeneration);
        let beyond = Outcome::Diverged(Divergence { step: 10, instruction: 0, element: 0 });
        assert_noop!(commit(HOT, 0, 0, beyond), Error::<Test>::MalformedOutcome);
        let Outcome::Trained(mut wild) = trained(0) else { unreachable!() };
        wild.mean_loss = f32::NAN.into();
        assert_noop!(commit(HOT, 0, 0, Outcome::Trained(wild)), Error::<Test>::MalformedOutcome);
        assert_ok!(commit(BOB, 0, 0, trained(0)));
        assert_noop!(commit(HOT, 0, 0, trained(0)), Error::<Test>::AlreadyCommitted);
    });
}

#[test]
fn commit_after_the_deadline_fails_and_the_slot_goes_to_another_worker() {
    run(|| {
        let id = assigned(2);
        ready(CAROL);
        pass(TRAINING + 1);
        assert_noop!(Training::commit(signed(HOT), id, 0, 0, 0, trained(0)), Error::<Test>::TooLate);
        events();
        poke(id);
        let deadline = Now::get() + TRAINING;
        assert_eq!(
            events(),
            [
                Event::SlotExpired { slot: slot(id, 0), generation: 0, worker: BOB },
                Event::SlotAssigned { slot: slot(id, 0), generation: 1, worker: CAROL, deadline },
            ]
        );
        let bob = worker(BOB);
        assert_eq!((bob.status, bob.failed, bob.stake), (WorkerStatus::Idle, 1, STAKE));
        // What the first one commits now is of no use, whatever generation it names.
        for generation in [0, 1] {
            let late = Training::commit(signed(HOT), id, 0, 0, generation, trained(0));
            assert_eq!(late.map_err(|error| error.error), Err(Error::<Test>::SlotNotYours.into()));
        }
        assert_ok!(Training::commit(signed(CAROL + 100), id, 0, 0, 1, trained(0)));
        assert_eq!(run_of(id).generation, 0, "the next round starts anew");
    });
}

#[test]
fn a_slot_that_comes_back_to_the_same_worker_needs_the_new_generation() {
    run(|| {
        let id = assigned(1);
        pass(TRAINING + 1);
        poke(id);
        assert_ok!(Training::ready(signed(HOT)));
        poke(id);
        let stale = Training::commit(signed(HOT), id, 0, 0, 0, trained(0));
        assert_eq!(stale.map_err(|error| error.error), Err(Error::<Test>::WrongGeneration.into()));
        assert_ok!(Training::commit(signed(HOT), id, 0, 0, 1, trained(0)));
    });
}

#[test]
fn a_commitment_of_another_run_or_round_is_refused() {
    run(|| {
        let first = assigned(2);
        let second = create(2);
        // Not this worker's slot: it is not even assigned.
        assert_noop!(Training::commit(signed(HOT), second, 0, 0, 0, trained(0)), Error::<Test>::NoSuchSlot);
        commit(first, 0);
        poke(first);
        assert_noop!(
            Training::commit(signed(HOT), first, 0, 0, 0, trained(0)),
            Error::<Test>::AlreadyCommitted
        );
    });
}

#[test]
fn no_more_rounds_than_allowed_wait_to_be_final() {
    run(|| {
        let id = assigned(5);
        for round in 0..3 {
            commit(id, round);
            if round < 2 {
                poke(id);
            }
        }
        assert_noop!(Training::poke(signed(DAVE), id), Error::<Test>::NothingDue);
        pass(WINDOW);
        // All three at once, and the next is assigned in the same poke.
        assert_eq!(Training::due(id), Due { finalise: 3, open: true, ..Due::default() });
        poke(id);
        assert_eq!((run_of(id).finalised, worker(BOB).status), (3, WorkerStatus::Working));
    });
}

#[test]
fn a_divergence_is_accepted_pauses_the_run_and_keeps_the_checkpoint() {
    run(|| {
        let id = assigned(3);
        commit(id, 0);
        poke(id);
        events();
        assert_ok!(Training::commit(signed(HOT), id, 1, 0, 0, diverged()));
        assert_eq!(events().last(), Some(&Event::RunPaused { run: id, reason: PauseReason::Diverged }));
        let run = run_of(id);
        assert_eq!((run.status, run.checkpoint, run.next_round), (RunStatus::Paused, Some(update(0)), 2));
        pass(WINDOW);
        poke(id);
        assert_eq!(free(PAY), 2 * PRICE, "the specification is at fault: it is paid");
        assert_ok!(Training::resume_run(RuntimeOrigin::root(), id));
        poke(id);
        commit(id, 2);
        assert_eq!(run_of(id).checkpoint, Some(update(2)));
    });
}

#[test]
fn a_run_that_diverges_in_its_last_round_completes() {
    run(|| {
        let id = assigned(1);
        assert_ok!(Training::commit(signed(HOT), id, 0, 0, 0, diverged()));
        pass(WINDOW);
        events();
        poke(id);
        assert_eq!(run_of(id).status, RunStatus::Completed);
        assert!(events().contains(&Event::RunCompleted { run: id, checkpoint: None, paid: PRICE }));
    });
}
