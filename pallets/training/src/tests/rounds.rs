//! Rounds from their draw to their payment.

use pallet_sabha_reward_pool::Pools;
use sabha_protocol::pool::PoolId;

use super::play::*;
use crate::{Agenda, Attesters, Event, InFlight, Rounds, RunStatus, Seats, Slots, Specs, Unserved, mock::*};

#[test]
fn a_run_of_several_rounds_with_audits_is_trained_paid_and_refunded() {
    run(|| {
        crowd();
        let id = create(&spec(3));
        let cost = spec(3).round_cost();
        assert_eq!(
            free(Training::account_id()),
            ED + 5 * cost,
            "three rounds, and two that a void may waste"
        );
        let mut blocks = 0;
        while run_of(id).status == RunStatus::Open {
            do_duties();
            check();
            blocks += 1;
            assert!(blocks < 600, "{:#?}", run_of(id));
        }
        let record = run_of(id);
        assert_eq!((record.status, record.progress.finalised), (RunStatus::Completed, 3));
        assert_eq!(record.progress.tip, Some(checkpoint(key(2, 0))));
        assert_eq!((record.paid, record.progress.escrow, record.kept), (3 * cost, 0, 0));
        assert_eq!(free(ALICE), ENDOWMENT - 3 * cost, "the rest came back");
        let earned: u128 = (FIRST..=ACCOUNTS).map(|owner| free(payout(owner))).sum();
        assert_eq!(earned, 3 * cost, "every unit went to a worker");
        assert!((FIRST..FIRST + 10).all(|owner| held(owner) == 2 * STAKE && worker(owner).reserved == 0));
        let pool = Pools::<Test>::get(PoolId::Compute(id)).expect("it is there");
        assert_eq!(pool.shares, 9, "one share for each slot");
        assert_eq!(Rounds::<Test>::iter().count() + Slots::<Test>::iter().count(), 0);
        assert_eq!(Seats::<Test>::iter().count() + Attesters::<Test>::iter().count(), 0);
        assert_eq!((Specs::<Test>::iter().count(), Agenda::<Test>::get().len()), (0, 0));
        assert!(!happened(|event| matches!(event, Event::StakeSlashed { .. } | Event::RoundVoided { .. })));
    });
}

#[test]
fn a_run_created_before_its_workers_waits_for_their_set_only() {
    run(|| {
        let id = create(&spec(1));
        let session = || run_of(id).progress.frozen.expect("a set is frozen");
        until(400, || run_of(id).progress.frozen.is_some());
        let first = session();
        // Too few tickets: another set, without a pause, as soon as the first could be drawn from.
        until(400, || session() > first);
        assert!(session() <= first + 3, "{first} {}", session());
        assert_eq!(run_of(id).pause(), None);
        crowd();
        let joined = session();
        opened(id, key(0, 0));
        assert!(session() <= joined + 6, "{joined} {}", session());
        check();
    });
}

/// Cheat: a run that no worker has the stake for holds all others up, and has its money back in the end.
#[test]
fn slots_that_nobody_can_be_drawn_for_are_not_in_flight() {
    run(|| {
        crowd();
        let mut dear = spec(1);
        dear.stake_per_slot = 3 * STAKE;
        let id = create(&dear);
        until(400, || Rounds::<Test>::contains_key(id, key(0, 0)));
        until(100, || InFlight::<Test>::get() == 0);
        check();
        // They raise their stakes.
        for owner in FIRST..FIRST + 10 {
            Training::add_stake(signed(owner), 8 * STAKE).expect("it can");
        }
        opened(id, key(0, 0));
        assert_eq!((InFlight::<Test>::get(), Unserved::<Test>::iter().count()), (3, 0));
        check();
        train(id, key(0, 0));
        assert_eq!(InFlight::<Test>::get(), 0);
        dear.stake_per_slot = 100 * STAKE;
        let other = create(&dear);
        until(400, || Unserved::<Test>::contains_key(other));
        // Nothing is left of it when its round is given up.
        until(400, || !Unserved::<Test>::contains_key(other));
        check();
    });
}
