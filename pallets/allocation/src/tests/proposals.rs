use frame_support::{assert_noop, assert_ok, dispatch::Pays};
use sabha_protocol::{Digest, allocation::Stage, models::Licence, round::Checkpoint};
use sp_runtime::DispatchError;

use crate::{Error, Event, Failure, Proposals, Specs, mock::*};

type TrainingError = pallet_sabha_training::Error<Test>;

#[test]
fn propose_puts_a_deposit_on_hold_and_takes_a_runs_number() {
    run(|| {
        assert_eq!((propose(least(5)), propose(least(5) + 1)), (0, 1));
        assert_eq!((held(ALICE), free(ALICE)), (2 * DEPOSIT, ENDOWMENT - 2 * DEPOSIT));
        assert_eq!(proposal(0).spec_hash, spec(5).hash());
        assert_eq!(proposal(0).campaign.stage, Stage::Funding { until: 50 });
        assert!(pallet_sabha_training::Runs::<Test>::get(0).is_none(), "it is no run yet");
        assert!(happened(|event| matches!(event, Event::Proposed { run: 1, proposer: ALICE, .. })));
    });
}

#[test]
fn propose_refuses_what_could_never_be_a_run() {
    run(|| {
        let attempt = |title: &[u8], spec: sabha_protocol::RunSpec, goal, duration| {
            let title = title.to_vec().try_into().expect("it is short");
            Allocation::propose(signed(ALICE), title, Licence::Mit, None, Box::new(spec), goal, duration)
        };
        let good = || spec(5);
        assert_noop!(attempt(b"", good(), least(5), 9), Error::<Test>::BadTitle);
        assert_noop!(attempt(b"a\n", good(), least(5), 9), Error::<Test>::BadTitle);
        assert_noop!(attempt(b"a", good(), least(5) - 1, 9), Error::<Test>::GoalTooLow);
        assert_noop!(attempt(b"a", good(), least(5), 0), Error::<Test>::BadDuration);
        assert_noop!(attempt(b"a", good(), least(5), LONGEST + 1), Error::<Test>::BadDuration);
        let mut cheap = good();
        cheap.stake_per_slot = 1;
        assert_noop!(attempt(b"a", cheap, least(5), 9), TrainingError::SlotStakeTooLow);
        let mut short = good();
        short.clocks.window = 59;
        assert_noop!(attempt(b"a", short, least(5), 9), TrainingError::WindowTooShort);
        let mut fork = good();
        fork.initial_checkpoint = Some(Digest([9; 32]));
        assert_noop!(attempt(b"a", fork, least(5), 9), Error::<Test>::OtherCheckpoint);
        assert_ok!(attempt(b"a b", good(), least(5), LONGEST));
    });
}

#[test]
fn a_fork_begins_from_its_parents_checkpoint() {
    run(|| {
        let base = Checkpoint { root: Digest([5; 32]), blob: Digest([6; 32]) };
        let attempt = |parent, licence, spec: sabha_protocol::RunSpec| {
            Allocation::propose(signed(ALICE), title(), licence, Some(parent), Box::new(spec), least(5), 9)
        };
        let fork = || sabha_protocol::RunSpec { initial_checkpoint: Some(base.root), ..spec(5) };
        assert_noop!(attempt(0, Licence::Mit, fork()), Error::<Test>::NoSuchParent);
        Model::set(Some((base, spec(5).model, Licence::CcBySa4)));
        assert_noop!(attempt(1, Licence::CcBySa4, fork()), Error::<Test>::NoSuchParent);
        assert_noop!(attempt(0, Licence::Mit, fork()), Error::<Test>::LicenceNotKept);
        assert_noop!(attempt(0, Licence::CcBySa4, spec(5)), Error::<Test>::OtherCheckpoint);
        let mut other = fork();
        other.model.layers = 3;
        assert_noop!(attempt(0, Licence::CcBySa4, other), Error::<Test>::OtherShape);
        assert_ok!(attempt(0, Licence::CcBySa4, fork()));
        assert_ok!(Allocation::pledge(signed(10), 0, least(5)));
        settle(0);
        assert_eq!(record(0).progress.tip, Some(base));
    });
}

#[test]
fn pledge_moves_money_into_the_pot_and_withdraw_takes_it_back() {
    run(|| {
        let id = propose(least(5));
        assert_noop!(Allocation::pledge(signed(10), 7, LEAST), Error::<Test>::NoSuchProposal);
        assert_noop!(Allocation::pledge(signed(10), id, 0), Error::<Test>::ZeroAmount);
        assert_noop!(Allocation::pledge(signed(10), id, LEAST - 1), Error::<Test>::BelowLeastPledge);
        assert_ok!(Allocation::pledge(signed(10), id, 3 * LEAST));
        assert_eq!(free(10), ENDOWMENT - 3 * LEAST);
        assert_noop!(Allocation::withdraw(signed(11), id, 1), Error::<Test>::NotABacker);
        assert_noop!(Allocation::withdraw(signed(10), id, 3 * LEAST + 1), Error::<Test>::PledgeTooSmall);
        assert_noop!(Allocation::withdraw(signed(10), id, 3 * LEAST - 1), Error::<Test>::BelowLeastPledge);
        assert_ok!(Allocation::withdraw(signed(10), id, LEAST));
        assert_eq!(backer(id, 10).pledge.amount, 2 * LEAST);
        assert_ok!(Allocation::withdraw(signed(10), id, 2 * LEAST));
        assert_eq!((free(10), proposal(id).campaign.backers), (ENDOWMENT, 0));
        Now::set(51);
        assert_noop!(Allocation::pledge(signed(10), id, LEAST), Error::<Test>::TooLate);
    });
}

#[test]
fn a_goal_that_is_met_makes_a_run_that_belongs_to_the_pot() {
    run(|| {
        let id = propose(least(5));
        assert_ok!(Allocation::pledge(signed(10), id, least(5) - LEAST));
        assert_noop!(Allocation::settle(signed(BOB), id, 8), Error::<Test>::NotDue);
        assert!(!Allocation::can_settle(id));
        assert_ok!(Allocation::pledge(signed(11), id, LEAST));
        assert!(Allocation::can_settle(id));
        let done = Allocation::settle(signed(BOB), id, 8).expect("it is met");
        assert_eq!(done.pays_fee, frame_support::dispatch::Pays::No);
        assert_eq!(record(id).owner, Allocation::account_id());
        assert_eq!((record(id).funded, free(Allocation::account_id())), (least(5), ED));
        assert!(!Specs::<Test>::contains_key(id));
        assert!(happened(|event| matches!(event, Event::Started { run: 0, matched: 0, .. })));
        // It is too late to have it back, for anybody.
        assert_noop!(Allocation::withdraw(signed(10), id, LEAST), Error::<Test>::WrongStage);
        assert_noop!(Allocation::cancel(signed(ALICE), id), Error::<Test>::WrongStage);
        assert_noop!(Allocation::refund(signed(10), id, 10), Error::<Test>::WrongStage);
        assert_noop!(Allocation::settle(signed(BOB), id, 8), Error::<Test>::WrongStage);
        assert_noop!(Allocation::remove(signed(BOB), id), Error::<Test>::WrongStage);
        // Nor does the run know its proposer.
        assert_noop!(Training::stop_run(signed(ALICE), id), DispatchError::BadOrigin);
    });
}

#[test]
fn cancel_and_stop_give_a_proposal_up() {
    run(|| {
        let (first, second) = (propose(least(5)), propose(least(5)));
        assert_ok!(Allocation::pledge(signed(10), first, 5 * LEAST));
        assert_noop!(Allocation::cancel(signed(10), first), Error::<Test>::NotTheProposer);
        assert_ok!(Allocation::cancel(signed(ALICE), first));
        assert_noop!(Allocation::stop(signed(ALICE), second), DispatchError::BadOrigin);
        assert_ok!(Allocation::stop(root(), second));
        for (id, why) in [(first, Failure::Cancelled), (second, Failure::Stopped)] {
            assert!(happened(|event| *event == Event::Failed { run: id, reason: why }));
            assert!(!Specs::<Test>::contains_key(id));
        }
        assert_noop!(Allocation::remove(signed(BOB), first), Error::<Test>::NotRefunded);
        assert_ok!(Allocation::refund(signed(BOB), first, 10));
        assert_ok!(Allocation::remove(signed(BOB), first));
        assert_ok!(Allocation::remove(signed(BOB), second));
        assert_eq!((held(ALICE), free(ALICE), free(10)), (0, ENDOWMENT, ENDOWMENT));
        assert_eq!(Proposals::<Test>::iter().count(), 0);
        assert!(Open::get().is_empty(), "their pools are closed");
    });
}

#[test]
fn a_specification_that_the_chain_has_outgrown_fails_and_refunds() {
    run(|| {
        let id = propose(least(5));
        assert_ok!(Allocation::pledge(signed(10), id, least(5)));
        // Its clocks are too long now.
        WindowsAtMost::set(1);
        assert_ok!(Allocation::settle(signed(BOB), id, 8));
        assert!(happened(|event| *event == Event::Failed { run: id, reason: Failure::Outdated }));
        assert_ok!(Allocation::refund(signed(BOB), id, 10));
        assert_eq!(free(10), ENDOWMENT);
    });
}

#[test]
fn without_room_for_a_run_pledges_can_be_withdrawn_again() {
    run(|| {
        for _ in 0..3 {
            started();
        }
        let id = propose(least(5));
        assert_ok!(Allocation::pledge(signed(10), id, least(5)));
        // As often as one likes, but not for nothing.
        for _ in 0..2 {
            let done = Allocation::settle(signed(BOB), id, 8).expect("its goal is met");
            assert_eq!(done.pays_fee, Pays::Yes);
        }
        assert!(happened(|event| *event == Event::Reopened { run: id }));
        assert_ok!(Allocation::withdraw(signed(10), id, least(5)));
        assert_ok!(Allocation::pledge(signed(10), id, least(5)));
        assert_ok!(Allocation::stop(root(), 0));
        pass(1);
        let done = Allocation::settle(signed(BOB), id, 8).expect("there is room");
        assert_eq!(done.pays_fee, Pays::No);
        assert_eq!(proposal(id).campaign.stage, Stage::Running);
    });
}
