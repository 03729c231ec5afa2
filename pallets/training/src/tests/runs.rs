//! Runs: creation, budget, pausing, stopping.

use frame_support::{assert_noop, assert_ok};
use sabha_protocol::{RunSpec, spec::ClockSpec};
use sp_runtime::{DispatchError::BadOrigin, TokenError};

use crate::{Error, Event, OpenRuns, PauseReason, RunStatus, Slots, Specs, WorkerStatus, mock::*};

fn try_create(spec: RunSpec, budget: u128) -> sp_runtime::DispatchResult {
    Training::create_run(signed(ALICE), Box::new(spec), budget)
}

#[test]
fn create_run_moves_the_budget_into_the_pot() {
    run(|| {
        assert_ok!(try_create(spec(4), 4 * PRICE + 3));
        assert_eq!(free(ALICE), ENDOWMENT - 4 * PRICE - 3);
        assert_eq!(free(Training::account_id()), ED + 4 * PRICE + 3);
        let run = run_of(0);
        assert_eq!(
            (run.owner, run.status, run.escrow, run.rounds),
            (ALICE, RunStatus::Active, 4 * PRICE + 3, 4)
        );
        assert_eq!(Specs::<Test>::get(0).map(|spec| spec.hash()), Some(run.spec_hash));
        assert_eq!(
            events(),
            [Event::RunCreated { run: 0, owner: ALICE, spec_hash: spec(4).hash(), budget: 4 * PRICE + 3 }]
        );
    });
}

#[test]
fn create_run_with_an_unusable_specification_fails() {
    run(|| {
        let cases: [(fn(&mut RunSpec), Error<Test>); 16] = [
            (|s| s.numerics_version = 9, Error::SpecNumericsVersion),
            (|s| s.model.layers = 0, Error::SpecOutOfRange),
            (|s| s.optimiser.beta1 = f32::NAN.into(), Error::SpecBadNumber),
            (|s| s.model.heads = 3, Error::SpecHeads),
            (|s| s.rounds.segment_steps = 3, Error::SpecSegments),
            (|s| s.model.vocabulary = 257, Error::SpecTokenWidth),
            (|s| s.data.tokens = 10_064, Error::SpecTooFewTokens),
            (|s| s.optimiser.floor_rate = 2e-3.into(), Error::SpecRates),
            (|s| s.rounds.slots = 2, Error::SpecSlots),
            (|s| s.initial_checkpoint = Some(update(0)), Error::SpecInitialCheckpoint),
            (|s| s.price_per_slot = 0, Error::PriceTooLow),
            (|s| s.price_per_slot = ED - 1, Error::PriceTooLow),
            (|s| s.clocks.training = MIN_TRAINING - 1, Error::TrainingTooShort),
            (|s| s.clocks.window = WINDOW - 1, Error::WindowTooShort),
            (|s| s.clocks.training = MAX_WINDOWS * WINDOW + 1, Error::ClockTooLong),
            (|s| s.clocks.window = MAX_WINDOWS * WINDOW + 1, Error::ClockTooLong),
        ];
        for (change, error) in cases {
            let mut spec = spec(2);
            change(&mut spec);
            assert_noop!(try_create(spec, ENDOWMENT / 2), error);
        }
    });
}

#[test]
fn create_run_takes_the_shortest_and_the_longest_clocks() {
    run(|| {
        for (training, window) in
            [(MIN_TRAINING, WINDOW), (MAX_WINDOWS * WINDOW, WINDOW), (MIN_TRAINING, MAX_WINDOWS * WINDOW)]
        {
            let mut spec = spec(2);
            spec.clocks = ClockSpec::unaudited(training, window);
            assert_ok!(try_create(spec, 2 * PRICE));
        }
    });
}

#[test]
fn create_run_with_too_little_fails() {
    run(|| {
        assert_noop!(try_create(spec(2), 2 * PRICE - 1), Error::<Test>::BudgetTooLow);
        assert_noop!(try_create(spec(2), ENDOWMENT + 1), TokenError::FundsUnavailable);
        // The payer stays alive.
        assert_noop!(try_create(spec(2), ENDOWMENT), TokenError::NotExpendable);
    });
}

#[test]
fn create_run_beyond_the_most_open_runs_fails() {
    run(|| {
        let runs: Vec<_> = (0..3).map(|_| create(1)).collect();
        assert_noop!(try_create(spec(1), PRICE), Error::<Test>::TooManyRuns);
        assert_ok!(Training::stop_run(RuntimeOrigin::root(), runs[1]));
        assert_eq!(create(1), 3, "numbers are not used again");
    });
}

#[test]
fn top_up_run_adds_to_the_escrow() {
    run(|| {
        let id = create(1);
        events();
        assert_ok!(Training::top_up_run(signed(DAVE), id, 7));
        assert_eq!((run_of(id).escrow, free(DAVE)), (PRICE + 7, ENDOWMENT - 7));
        assert_eq!(events(), [Event::RunToppedUp { run: id, from: DAVE, amount: 7 }]);
    });
}

#[test]
fn top_up_run_fails_for_each_reason() {
    run(|| {
        assert_noop!(Training::top_up_run(signed(DAVE), 0, 7), Error::<Test>::NoSuchRun);
        let id = create(1);
        assert_noop!(Training::top_up_run(signed(DAVE), id, 0), Error::<Test>::ZeroAmount);
        assert_noop!(Training::top_up_run(signed(DAVE), id, ENDOWMENT + 1), TokenError::FundsUnavailable);
        assert_ok!(Training::stop_run(RuntimeOrigin::root(), id));
        assert_noop!(Training::top_up_run(signed(DAVE), id, 7), Error::<Test>::RunClosed);
    });
}

#[test]
fn pause_run_opens_no_slot_until_resume_run() {
    run(|| {
        let id = assigned(3);
        events();
        assert_ok!(Training::pause_run(RuntimeOrigin::root(), id));
        assert_eq!(events(), [Event::RunPaused { run: id, reason: PauseReason::Decided }]);
        // What is assigned may be committed, and becomes final.
        commit(id, 0);
        assert_noop!(Training::poke(signed(DAVE), id), Error::<Test>::NothingDue);
        pass(WINDOW);
        poke(id);
        assert_eq!((run_of(id).finalised, Slots::<Test>::iter().count()), (1, 0));
        events();
        assert_ok!(Training::resume_run(RuntimeOrigin::root(), id));
        assert_eq!(events(), [Event::RunResumed { run: id }]);
        poke(id);
        assert_eq!(worker(BOB).status, WorkerStatus::Working);
    });
}

#[test]
fn pause_resume_and_stop_by_others_than_the_allocator_fail() {
    run(|| {
        let id = create(1);
        for origin in [signed(ALICE), RuntimeOrigin::none()] {
            assert_noop!(Training::pause_run(origin.clone(), id), BadOrigin);
            assert_noop!(Training::resume_run(origin.clone(), id), BadOrigin);
            assert_noop!(Training::stop_run(origin, id), BadOrigin);
        }
    });
}

#[test]
fn pause_resume_and_stop_fail_for_each_reason() {
    run(|| {
        let root = RuntimeOrigin::root;
        for call in [Training::pause_run, Training::resume_run, Training::stop_run] {
            assert_noop!(call(root(), 0), Error::<Test>::NoSuchRun);
        }
        let id = create(1);
        assert_noop!(Training::resume_run(root(), id), Error::<Test>::NotPaused);
        assert_ok!(Training::pause_run(root(), id));
        assert_noop!(Training::pause_run(root(), id), Error::<Test>::AlreadyPaused);
        assert_ok!(Training::stop_run(root(), id));
        for call in [Training::pause_run, Training::resume_run, Training::stop_run] {
            assert_noop!(call(root(), id), Error::<Test>::RunClosed);
        }
    });
}

#[test]
fn stop_run_releases_the_worker_and_returns_the_budget() {
    run(|| {
        let id = assigned(4);
        events();
        assert_ok!(Training::stop_run(RuntimeOrigin::root(), id));
        assert_eq!((worker(BOB).status, worker(BOB).failed), (WorkerStatus::Ready, 0));
        assert_eq!((run_of(id).status, run_of(id).escrow), (RunStatus::Stopped, 0));
        assert_eq!((free(ALICE), OpenRuns::<Test>::get()), (ENDOWMENT, 0));
        let slot = sabha_protocol::SlotId { run: id, round: 0, slot: 0 };
        assert_eq!(
            events(),
            [
                Event::RunStopping { run: id },
                Event::SlotReleased { slot, generation: 0, worker: BOB },
                Event::RunStopped { run: id, finalised: 0, checkpoint: None, paid: 0 },
                Event::BudgetRefunded { run: id, owner: ALICE, amount: 4 * PRICE },
            ]
        );
    });
}

#[test]
fn stop_run_waits_for_what_is_committed() {
    run(|| {
        let id = assigned(4);
        commit(id, 0);
        poke(id);
        assert_ok!(Training::stop_run(RuntimeOrigin::root(), id));
        assert_eq!(run_of(id).status, RunStatus::Stopping);
        assert_noop!(Training::poke(signed(DAVE), id), Error::<Test>::NothingDue);
        assert_noop!(Training::commit(signed(HOT), id, 1, 0, 0, trained(1)), Error::<Test>::NoSuchSlot);
        pass(WINDOW);
        poke(id);
        let run = run_of(id);
        assert_eq!((run.status, run.paid, run.escrow), (RunStatus::Stopped, PRICE, 0));
        assert_eq!((free(PAY), free(ALICE)), (PRICE, ENDOWMENT - PRICE));
    });
}

#[test]
fn a_refund_that_cannot_be_taken_waits_and_comes_later() {
    run(|| {
        // An owner that has all of its money in the run, but for the existential deposit, and then leaves.
        assert_ok!(Balances::transfer_allow_death(signed(ALICE), 9, 2 * ED + 2 * PRICE));
        assert_ok!(Training::create_run(signed(9), Box::new(spec(2)), 2 * PRICE + 3));
        let rest = free(9);
        assert_ok!(Balances::transfer_allow_death(signed(9), ALICE, rest));
        ready(BOB);
        poke(0);
        commit(0, 0);
        poke(0);
        commit(0, 1);
        pass(WINDOW);
        events();
        poke(0);
        assert_eq!((run_of(0).status, run_of(0).escrow), (RunStatus::Completed, 3));
        assert!(events().contains(&Event::RefundWaits { run: 0, owner: 9, amount: 3 }));
        check();
        assert_noop!(Training::poke(signed(DAVE), 0), Error::<Test>::NothingDue);
        assert_ok!(Balances::transfer_allow_death(signed(ALICE), 9, ED));
        poke(0);
        assert_eq!((run_of(0).escrow, free(9)), (0, ED + 3));
        assert_eq!(events().last(), Some(&Event::BudgetRefunded { run: 0, owner: 9, amount: 3 }));
    });
}
