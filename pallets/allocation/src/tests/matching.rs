use frame_support::{assert_noop, assert_ok};
use sabha_protocol::allocation::{MatchingTerms, Stage};
use sp_runtime::DispatchError;

use crate::{Asked, Counted, Error, Event, mock::*};

/// Forty backers, of whom the first `judged` have a judged identity, pledge so much each.
fn crowd(run: u32, from: u64, judged: u64, count: u64, amount: u128) {
    for who in from..from + count {
        if who < from + judged {
            judge(who);
        }
        Allocation::pledge(signed(who), run, amount).expect("it can be pledged to");
    }
}

#[test]
fn many_with_little_get_more_of_the_pot_than_one_with_much() {
    run(|| {
        let (wanted, rich) = (propose(least(5)), propose(least(5)));
        crowd(wanted, 10, 16, 16, 4 * LEAST);
        judge(3);
        assert_ok!(Allocation::pledge(signed(3), rich, 50 * LEAST));
        // (16 * 2)^2 - 64
        assert_eq!(Asked::<Test>::get(), 960 * LEAST);
        assert_eq!((Allocation::match_of(wanted), Allocation::match_of(rich)), (960 * LEAST, 0));
        assert_ok!(Allocation::settle(signed(BOB), wanted, 8));
        assert_eq!(proposal(wanted).campaign.stage, Stage::Counting { until: 50, left: 8 });
        assert_noop!(Allocation::settle(signed(BOB), wanted, 0), Error::<Test>::ZeroAmount);
        assert_ok!(Allocation::settle(signed(BOB), wanted, 100));
        assert_eq!(proposal(wanted).campaign.matched, 960 * LEAST);
        assert_eq!(record(wanted).funded, 1_024 * LEAST);
        assert_eq!((free(MATCHING), Asked::<Test>::get()), (POT + ED - 960 * LEAST, 0));
        assert_noop!(Allocation::settle(signed(BOB), rich, 8), Error::<Test>::NotDue);
    });
}

/// Cheat: one purse, many new accounts.
#[test]
fn splitting_a_pledge_over_accounts_that_nobody_judges_gains_nothing() {
    run(|| {
        let (honest, split) = (propose(least(5)), propose(least(5)));
        assert_ok!(Allocation::pledge(signed(10), honest, 20 * LEAST));
        crowd(split, 11, 0, 20, LEAST);
        assert_eq!((Allocation::match_of(honest), Allocation::match_of(split)), (0, 0));
        // Even beside others who are judged.
        for id in [honest, split] {
            for who in [3, 4] {
                judge(who);
                assert_ok!(Allocation::pledge(signed(who), id, 4 * LEAST));
            }
        }
        assert_eq!(Allocation::match_of(honest), Allocation::match_of(split));
        assert_eq!(Allocation::match_of(split), 8 * LEAST);
    });
}

#[test]
fn who_is_not_judged_any_more_does_not_count_when_it_is_settled() {
    run(|| {
        let id = propose(least(5));
        assert_ok!(Allocation::pledge(signed(3), id, least(5) - 20 * LEAST));
        crowd(id, 10, 20, 20, LEAST);
        for who in [10, 15, 29, 12] {
            unjudge(who);
        }
        // One that is judged too late counts no more than one that never is.
        judge(3);
        settle(id);
        assert_eq!(proposal(id).campaign.support.accounts, 16);
        assert_eq!(proposal(id).campaign.matched, 240 * LEAST);
        let dropped: u32 = frame_system::Pallet::<Test>::events()
            .iter()
            .filter_map(|record| match record.event {
                RuntimeEvent::Allocation(Event::CountedAgain { dropped, .. }) => Some(dropped),
                _ => None,
            })
            .sum();
        assert_eq!(dropped, 4);
        assert_eq!(Counted::<Test>::iter().count(), 16);
    });
}

#[test]
fn a_goal_that_only_the_lost_could_meet_is_open_again() {
    run(|| {
        let id = propose(least(5));
        // 48 are pledged, and the pot would add 720.
        crowd(id, 10, 16, 16, 3 * LEAST);
        (10..26).for_each(unjudge);
        settle(id);
        assert!(happened(|event| *event == Event::Reopened { run: id }));
        assert_eq!((proposal(id).campaign.support.accounts, free(MATCHING)), (0, POT + ED));
        assert_ok!(Allocation::withdraw(signed(10), id, 3 * LEAST));
    });
}

#[test]
fn caps_hold_and_only_the_allocator_sets_them() {
    run(|| {
        let id = propose(least(5));
        // (20 * 3)^2 - 180
        crowd(id, 10, 20, 20, 9 * LEAST);
        assert_eq!(Allocation::match_of(id), 3_420 * LEAST);
        let terms = |most_of_pot, most| MatchingTerms { most_of_pot, most };
        assert_noop!(Allocation::set_matching(signed(ALICE), terms(1, 1)), DispatchError::BadOrigin);
        assert_noop!(Allocation::set_matching(root(), terms(1_000_001, 1)), Error::<Test>::MoreThanThePot);
        assert_ok!(Allocation::set_matching(root(), terms(100_000, u128::MAX)));
        assert_eq!(Allocation::match_of(id), 1_000 * LEAST);
        assert_ok!(Allocation::set_matching(root(), terms(100_000, 7)));
        assert_eq!(Allocation::match_of(id), 7);
    });
}

#[test]
fn fund_takes_from_the_pot_what_is_there_and_can_pay_for_all() {
    run(|| {
        let id = propose(least(5));
        assert_noop!(Allocation::fund(signed(ALICE), id, 1), DispatchError::BadOrigin);
        assert_noop!(Allocation::fund(root(), id, POT + 1), Error::<Test>::PotTooSmall);
        assert_noop!(Allocation::fund(root(), id, 0), Error::<Test>::ZeroAmount);
        assert_ok!(Allocation::fund(root(), id, least(5)));
        settle(id);
        assert_eq!(record(id).funded, least(5));
        assert_noop!(Allocation::fund(root(), id, 1), Error::<Test>::WrongStage);
        // Nobody but the pot paid, so all that is left is the pot's.
        assert_ok!(Allocation::stop(root(), id));
        pass(1);
        assert_eq!(free(MATCHING), POT + ED);
        assert_ok!(Allocation::remove(signed(BOB), id));
    });
}
