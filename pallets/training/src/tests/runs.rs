//! A run: creation, pause, stop, the order of its rounds, voiding.

use frame_support::{assert_noop, assert_ok};
use sabha_protocol::{
    RunSpec, UNITS,
    round::{Claim, Pause, Phase, Progress, VoidReason},
    spec::ClockSpec,
};
use sp_runtime::{DispatchError, TokenError};

use super::play::*;
use crate::{Error, Event, Passes, Rounds, RunStatus, Runs, Slots, mock::*};

fn try_create(spec: &RunSpec, budget: u128) -> sp_runtime::DispatchResult {
    Training::create_run(&ALICE, spec.clone(), budget).map(drop)
}

fn least(spec: &RunSpec) -> u128 {
    Progress::least_budget(&terms(0, spec))
}

#[test]
fn create_run_takes_the_budget() {
    run(|| {
        let spec = spec(2);
        assert_ok!(try_create(&spec, least(&spec) + 7));
        let run = run_of(0);
        assert_eq!((run.progress.escrow, run.funded), (least(&spec) + 7, least(&spec) + 7));
        assert_eq!((run.spec_hash, run.status), (spec.hash(), RunStatus::Open));
        assert_eq!(free(ALICE), ENDOWMENT - least(&spec) - 7);
    });
}

#[test]
fn create_run_fails_for_each_reason() {
    run(|| {
        let whole = spec(2);
        let refuse = |change: fn(&mut RunSpec), error: Error<Test>| {
            let mut spec = spec(2);
            change(&mut spec);
            assert_noop!(try_create(&spec, 5_000 * UNITS), error);
        };
        refuse(|s| s.rounds.slots = 0, Error::SpecOutOfRange);
        refuse(|s| s.model.heads = 3, Error::SpecHeads);
        refuse(|s| s.numerics_version = 9, Error::SpecNumericsVersion);
        refuse(|s| s.price_per_slot = 0, Error::PriceTooLow);
        refuse(|s| s.stake_per_slot = UNITS, Error::SlotStakeTooLow);
        refuse(|s| s.audit.auditors = 0, Error::SpecUnaudited);
        refuse(|s| s.audit.attesters = 0, Error::SpecOutOfRange);
        refuse(|s| s.audit.auditor_price = UNITS / 4, Error::AuditorPriceTooLow);
        refuse(|s| s.audit.auditor_stake = 10 * UNITS, Error::AuditorStakeTooLow);
        refuse(|s| s.price_per_slot = u128::MAX / 2, Error::PriceTooHigh);
        refuse(|s| s.clocks.training = AVAILABILITY - 1, Error::TrainingTooShort);
        refuse(|s| s.clocks.window = WINDOW - 1, Error::WindowTooShort);
        let short: [fn(&mut ClockSpec); 6] = [
            |c| c.availability -= 1,
            |c| c.aggregation -= 1,
            |c| c.seals -= 1,
            |c| c.leaves -= 1,
            |c| c.reveals -= 1,
            |c| c.dispute = 119,
        ];
        for change in short {
            let mut spec = whole.clone();
            change(&mut spec.clocks);
            assert_noop!(try_create(&spec, 5_000 * UNITS), Error::<Test>::ClockTooShort);
        }
        let long: [fn(&mut ClockSpec) -> &mut u32; 8] = [
            |c| &mut c.training,
            |c| &mut c.availability,
            |c| &mut c.aggregation,
            |c| &mut c.seals,
            |c| &mut c.leaves,
            |c| &mut c.reveals,
            |c| &mut c.dispute,
            |c| &mut c.window,
        ];
        for clock in long {
            let mut spec = whole.clone();
            *clock(&mut spec.clocks) = MAX_WINDOWS * WINDOW + 1;
            assert_noop!(try_create(&spec, 5_000 * UNITS), Error::<Test>::ClockTooLong);
        }
        assert_noop!(try_create(&whole, least(&whole) - 1), Error::<Test>::BudgetTooLow);
        assert_noop!(try_create(&whole, ENDOWMENT + 1), TokenError::FundsUnavailable);
        for _ in 0..3 {
            create(&whole);
        }
        assert_noop!(try_create(&whole, least(&whole)), Error::<Test>::TooManyRuns);
    });
}

/// A price that is enough for the specification but not for a new account.
#[test]
fn create_run_with_a_price_below_the_existential_deposit_fails() {
    run(|| {
        let mut spec = spec(1);
        spec.price_per_slot = ED - 1;
        assert_noop!(try_create(&spec, 100 * UNITS), Error::<Test>::PriceTooLow);
    });
}

#[test]
fn only_the_allocator_pauses_resumes_and_stops() {
    run(|| {
        let id = create(&spec(1));
        for done in [
            Training::pause_run(signed(ALICE), id),
            Training::resume_run(signed(ALICE), id),
            Training::stop_run(signed(BOB), id),
        ] {
            assert_eq!(done, Err(DispatchError::BadOrigin));
        }
        let root = RuntimeOrigin::root;
        assert_noop!(Training::resume_run(root(), id), Error::<Test>::NotPaused);
        assert_ok!(Training::pause_run(root(), id));
        assert_noop!(Training::pause_run(root(), id), Error::<Test>::AlreadyPaused);
        assert_ok!(Training::resume_run(root(), id));
        assert_ok!(Training::stop_run(root(), id));
        for done in [
            Training::pause_run(root(), id),
            Training::resume_run(root(), id),
            Training::stop_run(root(), id),
            Training::top_up_run(signed(BOB), id, 5),
        ] {
            assert_eq!(done, Err(Error::<Test>::RunClosed.into()));
        }
        assert_noop!(Training::pause_run(root(), 9), Error::<Test>::NoSuchRun);
        pass(1);
        assert_eq!((run_of(id).status, free(ALICE)), (RunStatus::Stopped, ENDOWMENT));
    });
}

#[test]
fn a_paused_run_opens_no_round_and_what_is_open_goes_on() {
    run(|| {
        crowd();
        let id = create(&spec(3));
        opened(id, key(0, 0));
        assert_ok!(Training::pause_run(RuntimeOrigin::root(), id));
        for _ in 0..300 {
            do_duties();
        }
        let progress = run_of(id).progress;
        assert_eq!((progress.finalised, progress.next.round, progress.settling.len()), (1, 1, 0));
        assert_ok!(Training::resume_run(RuntimeOrigin::root(), id));
        opened(id, key(1, 0));
    });
}

/// The next round starts from the checkpoint of one whose window is open, but no third one is opened.
#[test]
fn at_most_two_rounds_are_not_final_and_they_become_so_in_order() {
    run(|| {
        crowd();
        let id = create(&spec(4));
        built(id, key(0, 0));
        built(id, key(1, 0));
        assert_eq!(round_of(id, key(1, 0)).base, Some(checkpoint(key(0, 0))));
        // A challenge holds the first one up.
        assert_ok!(Training::open_challenge(id, key(0, 0), 0));
        audited(id, key(0, 0));
        audited(id, key(1, 0));
        let Phase::Window { until: deadline } = round_of(id, key(1, 0)).phase else { panic!("not built") };
        pass(deadline - Now::get() + 2);
        assert_eq!(run_of(id).progress.finalised, 0, "the second one waits for the first");
        assert_eq!(Rounds::<Test>::iter().count(), 2);
        assert!(!Rounds::<Test>::contains_key(id, key(2, 0)));
        assert_ok!(Training::close_challenge(id, key(0, 0), 0));
        pass(1);
        assert_eq!(run_of(id).progress.finalised, 2);
        let order: Vec<u32> = events()
            .iter()
            .filter_map(|event| match event {
                Event::RoundFinalised { round, .. } => Some(round.round),
                _ => None,
            })
            .collect();
        assert_eq!(order, [0, 1]);
    });
}

#[test]
fn a_conviction_voids_the_round_and_what_was_built_on_it_and_the_honest_are_paid() {
    run(|| {
        crowd();
        let id = create(&spec(3));
        built(id, key(0, 0));
        opened(id, key(1, 0));
        let (cheat, _) = holder(id, key(0, 0), 1);
        let (honest_one, _) = holder(id, key(0, 0), 0);
        let stake = held(cheat);
        assert_ok!(Training::convict(id, key(0, 0), 1, Claim::Other, Some(&BOB)));
        check();
        let slashed = spec(3).stake_per_slot;
        assert_eq!(held(cheat), stake - slashed);
        assert_eq!((burnt(), free(BOB)), (slashed / 2, ENDOWMENT + slashed / 5));
        let progress = run_of(id).progress;
        assert_eq!((progress.next, progress.tip, progress.open.len()), (key(0, 1), None, 0));
        assert_eq!(round_of(id, key(1, 0)).void, Some(VoidReason::Base));
        // Who trained on top is let go without blame.
        pass(1);
        assert!((FIRST..FIRST + 10).all(|owner| worker(owner).training == 0));
        until(900, || {
            do_duties();
            run_of(id).status == RunStatus::Completed
        });
        assert!(free(payout(honest_one)) >= PRICE);
        assert_eq!(run_of(id).kept, 0);
        assert!(run_of(id).regained >= slashed / 10);
    });
}

#[test]
fn a_false_aggregation_is_convicted_and_the_round_run_again() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        built(id, key(0, 0));
        let Some((_, guilty)) = round_of(id, key(0, 0)).result else { panic!("no result") };
        let stake = held(guilty);
        assert_ok!(Training::convict_aggregator(id, key(0, 0), None));
        assert_eq!(held(guilty), stake - spec(1).stake_per_slot);
        assert_eq!(round_of(id, key(0, 0)).void, Some(VoidReason::FalseRoot));
        assert_noop!(Training::convict_aggregator(id, key(0, 0), None), Error::<Test>::WrongState);
        until(900, || {
            do_duties();
            run_of(id).status == RunStatus::Completed
        });
    });
}

#[test]
fn a_quorum_of_diverged_slots_pauses_the_run_and_is_paid() {
    run(|| {
        crowd();
        let id = create(&spec(2));
        opened(id, key(0, 0));
        commit(id, key(0, 0), 0, diverged());
        assert_eq!(run_of(id).pause(), None, "one may be a lie");
        let (owner, _) = holder(id, key(0, 0), 1);
        commit(id, key(0, 0), 1, diverged());
        assert_eq!(run_of(id).pause(), Some(Pause::Diverged));
        assert!(happened(|event| matches!(event, Event::RunPaused { reason: Pause::Diverged, .. })));
        commit(id, key(0, 0), 2, diverged());
        pass(1);
        assert_eq!(round_of(id, key(0, 0)).void, Some(VoidReason::Diverged));
        settled(id, key(0, 0));
        assert!(free(payout(owner)) >= PRICE);
        assert!(!Rounds::<Test>::contains_key(id, key(0, 1)), "it is paused");
    });
}

fn stopped_in(at: impl Fn(u32)) -> u32 {
    crowd();
    let id = create(&spec(3));
    opened(id, key(0, 0));
    at(id);
    Training::stop_run(RuntimeOrigin::root(), id).expect("it is open");
    check();
    let mut blocks = 0;
    while !run_of(id).status.is_over() {
        do_duties();
        check();
        blocks += 1;
        assert!(blocks < 400, "{:#?}", run_of(id));
    }
    assert_eq!(run_of(id).status, RunStatus::Stopped);
    assert_eq!(Rounds::<Test>::iter().count() + Slots::<Test>::iter().count(), 0);
    assert!((FIRST..FIRST + 10).all(|owner| !worker(owner).is_bound()));
    let run = run_of(id);
    assert_eq!((run.progress.escrow, run.funded - run.paid), (0, run.refunded));
    run.progress.finalised
}

#[test]
fn stop_run_before_any_commitment_pays_nobody() {
    run(|| {
        assert_eq!(stopped_in(|_| ()), 0);
        assert_eq!(free(ALICE), ENDOWMENT);
    });
}

#[test]
fn stop_run_in_training_pays_what_is_committed() {
    run(|| {
        assert_eq!(stopped_in(|id| commit(id, key(0, 0), 0, trained(key(0, 0), 0))), 0);
        assert!(free(ALICE) <= ENDOWMENT - PRICE);
    });
}

#[test]
fn stop_run_in_availability_lets_the_round_become_final() {
    run(|| assert_eq!(stopped_in(|id| train(id, key(0, 0))), 1));
}

#[test]
fn stop_run_in_aggregation_lets_the_round_become_final() {
    run(|| {
        let done = stopped_in(|id| {
            train(id, key(0, 0));
            attest(id, key(0, 0), all(id));
        });
        assert_eq!(done, 1);
    });
}

#[test]
fn stop_run_in_the_window_lets_the_round_become_final_and_voids_the_next() {
    run(|| {
        let done = stopped_in(|id| {
            built(id, key(0, 0));
            opened(id, key(1, 0));
        });
        assert_eq!(done, 1);
        let stopped =
            |event: &Event<Test>| matches!(event, Event::RoundVoided { reason: VoidReason::Stopped, .. });
        assert!(happened(stopped));
    });
}

#[test]
fn top_up_run_raises_the_budget_and_resumes_a_run_that_lacks_money() {
    run(|| {
        let id = create(&spec(1));
        assert_noop!(Training::top_up_run(signed(BOB), id, 0), Error::<Test>::ZeroAmount);
        let before = run_of(id).progress.escrow;
        assert_ok!(Training::top_up_run(signed(BOB), id, 9));
        assert_eq!(run_of(id).progress.escrow, before + 9);
        Runs::<Test>::mutate(id, |run| run.as_mut().unwrap().progress.pause = Some(Pause::Escrow));
        assert_ok!(Training::top_up_run(signed(BOB), id, 9));
        assert_eq!(run_of(id).pause(), None);
        assert!(happened(|event| matches!(event, Event::RunResumed { .. })));
        // Money ends no other pause, and a want of it hides none.
        Runs::<Test>::mutate(id, |run| run.as_mut().unwrap().progress.pause = Some(Pause::Escrow));
        assert_ok!(Training::pause_run(RuntimeOrigin::root(), id));
        assert_ok!(Training::top_up_run(signed(BOB), id, 9));
        assert_eq!(run_of(id).pause(), Some(Pause::Decided));
    });
}

#[test]
fn an_owner_stops_a_run_that_is_paused_or_has_no_round_open() {
    run(|| {
        crowd();
        let (first, second) = (create(&spec(1)), create(&spec(1)));
        assert_ok!(Training::stop_run(signed(ALICE), first));
        assert_noop!(Training::stop_run(signed(ALICE), first), Error::<Test>::RunClosed);
        opened(second, key(0, 0));
        assert_noop!(Training::stop_run(signed(ALICE), second), Error::<Test>::RunAtWork);
        assert_ok!(Training::pause_run(RuntimeOrigin::root(), second));
        assert_noop!(Training::stop_run(signed(BOB), second), DispatchError::BadOrigin);
        assert_ok!(Training::stop_run(signed(ALICE), second));
        until(900, || run_of(second).status == RunStatus::Stopped);
        check();
    });
}

/// However little weight there is: each turn goes on where the last one stopped.
#[test]
fn a_pass_that_the_limit_interrupts_goes_on_later() {
    run(|| {
        crowd();
        let mut spec = spec(1);
        spec.rounds.slots = 200;
        spec.rounds.quorum = 1;
        spec.stake_per_slot = 95 * UNITS;
        spec.audit.auditors = 64;
        let id = create(&spec);
        WorkLimit::set(Training::least() + <() as crate::WeightInfo>::agenda());
        until(400, || Rounds::<Test>::contains_key(id, key(0, 0)));
        let mut interrupted = 0;
        for _ in 0..55 {
            pass(1);
            interrupted += u32::from(Passes::<Test>::contains_key(id));
        }
        assert!(interrupted > 20, "{interrupted}");
        let assigned = Slots::<Test>::iter_values().filter(|slot| slot.worker().is_some()).count();
        assert!(assigned >= 10, "every worker has what it can take: {assigned}");
    });
}

#[test]
fn runs_are_worked_at_in_turn() {
    run(|| {
        crowd();
        for _ in 0..3 {
            let mut spec = spec(1);
            spec.rounds.slots = 100;
            spec.rounds.quorum = 1;
            spec.audit.auditors = 64;
            spec.stake_per_slot = 60 * UNITS;
            create(&spec);
        }
        WorkLimit::set(Training::least() + <() as crate::WeightInfo>::agenda());
        until(200, || Rounds::<Test>::iter().count() == 3);
    });
}
