use frame_support::{assert_noop, assert_ok};
use sabha_protocol::{
    allocation::Stage,
    pool::{PoolId, RewardPools},
};

use crate::{Backers, Error, Event, Failure, mock::*};

#[test]
fn a_missed_goal_is_refunded_to_the_unit_and_once() {
    run(|| {
        let id = propose(least(5));
        for (who, amount) in [(10, LEAST + 1), (11, 3 * LEAST + 7), (12, 5 * LEAST)] {
            assert_ok!(Allocation::pledge(signed(who), id, amount));
        }
        Now::set(51);
        settle(id);
        assert!(happened(|event| *event == Event::Failed { run: id, reason: Failure::Missed }));
        for who in [12, 10, 11] {
            assert_eq!(Allocation::refund_of(id, who), backer(id, who).pledge.amount);
            assert_ok!(Allocation::refund(signed(BOB), id, who));
            assert_eq!(free(who), ENDOWMENT);
            assert_noop!(Allocation::refund(signed(who), id, who), Error::<Test>::NotABacker);
            check();
        }
        assert_eq!(free(Allocation::account_id()), ED);
        assert!(!Open::get().contains(&PoolId::Backers(id)));
    });
}

#[test]
fn a_stopped_run_gives_backers_and_pot_their_part_of_what_is_left() {
    run(|| {
        let id = propose(least(5));
        assert_ok!(Allocation::fund(root(), id, 10 * LEAST));
        assert_eq!(free(MATCHING), POT + ED - 10 * LEAST);
        let (small, large) = (LEAST, least(5) - 11 * LEAST);
        assert_ok!(Allocation::pledge(signed(10), id, small));
        assert_ok!(Allocation::pledge(signed(11), id, large));
        settle(id);
        assert_eq!(Ledger::shares(PoolId::Backers(id), &MATCHING), 10 * LEAST);
        spend(id, 12_345_678_901);
        let left = least(5) - 12_345_678_901;
        assert_ok!(Allocation::stop(root(), id));
        assert_eq!(proposal(id).campaign.stage, Stage::Running, "until what is open is settled");
        pass(1);
        let part = |given: u128| left * given / least(5);
        assert_eq!(free(MATCHING), POT + ED - 10 * LEAST + part(10 * LEAST));
        check();
        assert_ok!(Allocation::refund(signed(BOB), id, 10));
        assert_ok!(Allocation::refund(signed(BOB), id, 11));
        assert_eq!(free(10), ENDOWMENT - small + part(small));
        assert_eq!(free(11), ENDOWMENT - large + part(large));
        // What rounding left is the matching pot's: nothing is kept.
        assert_eq!(free(Allocation::account_id()), ED);
        let gone = [10, 11].map(|who| ENDOWMENT - free(who)).iter().sum::<u128>();
        assert_eq!(gone + (POT + ED - free(MATCHING)), 12_345_678_901);
        assert_eq!(free(WORKER), ED + 12_345_678_901);
        assert_ok!(Allocation::remove(signed(BOB), id));
    });
}

#[test]
fn a_completed_run_refunds_the_rest_and_waits_for_its_model() {
    run(|| {
        let id = started();
        spend(id, least(5) - 5);
        complete(id);
        assert!(proposal(id).completed);
        assert!(Allocation::completed(id).is_some());
        assert_ok!(Allocation::refund(signed(BOB), id, 10));
        assert_eq!(free(10), ENDOWMENT - least(5) + 5);
        assert_noop!(Allocation::remove(signed(BOB), id), Error::<Test>::NotRegistered);
        Allocation::note_registered(id);
        assert_ok!(Allocation::remove(signed(BOB), id));
        assert_eq!(held(ALICE), 0);
        // Its backers keep their shares.
        assert_eq!(Ledger::shares(PoolId::Backers(id), &10), least(5));
    });
}

#[test]
fn a_run_that_spends_all_leaves_nothing_but_records_to_remove() {
    run(|| {
        let id = started();
        spend(id, least(5));
        complete(id);
        assert_eq!(Allocation::refund_of(id, 10), 0);
        assert_ok!(Allocation::refund(signed(BOB), id, 10));
        assert_eq!((free(10), Backers::<Test>::iter().count()), (ENDOWMENT - least(5), 0));
    });
}

#[test]
fn a_pledge_to_a_run_is_its_budget_at_once() {
    run(|| {
        let id = started();
        judge(11);
        assert_ok!(Allocation::pledge(signed(11), id, 4 * LEAST));
        assert_eq!(record(id).funded, least(5) + 4 * LEAST);
        assert_eq!(backer(id, 11).pledge.counted, 0);
        // Most of what is beyond the goal comes back: it buys no priority.
        assert_eq!(crate::Turns::<Test>::get().get(id).expect("it competes").backing, least(5));
        assert_ok!(Allocation::stop(root(), id));
        assert_noop!(
            Allocation::pledge(signed(11), id, LEAST),
            pallet_sabha_training::Error::<Test>::RunClosed
        );
        pass(1);
        assert_ok!(Allocation::refund(signed(BOB), id, 11));
        assert_eq!(free(11), ENDOWMENT);
    });
}

#[test]
fn what_anybody_adds_to_a_run_directly_is_everybodys() {
    run(|| {
        let id = started();
        assert_ok!(Training::top_up_run(signed(11), id, LEAST));
        assert_ok!(Allocation::stop(root(), id));
        pass(1);
        assert_ok!(Allocation::refund(signed(BOB), id, 10));
        assert_eq!(free(10), ENDOWMENT + LEAST);
    });
}
