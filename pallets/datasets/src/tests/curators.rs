//! Curators: stakes, readiness, leaving.

use frame_support::{assert_noop, assert_ok};
use sabha_protocol::{
    UNITS,
    pool::{PoolId, RewardPools},
};

use crate::{CuratorStatus, Curators, Error, HoldReason, TicketHead, mock::*};

#[test]
fn register_curator_puts_tickets_into_the_draw() {
    run(|| {
        assert_noop!(Datasets::register_curator(signed(10), STAKE - 1), Error::<Test>::StakeTooLow);
        assert!(Datasets::register_curator(signed(10), ENDOWMENT + 1).is_err());
        assert_ok!(Datasets::register_curator(signed(10), 3 * STAKE + 1));
        assert_eq!(held(HoldReason::CuratorStake, 10), 3 * STAKE + 1);
        assert_eq!((curator(10).tickets, TicketHead::<Test>::get().live), (3, 3));
        assert_noop!(Datasets::register_curator(signed(10), STAKE), Error::<Test>::AlreadyCurator);
        assert_noop!(Datasets::add_curator_stake(signed(11), 1), Error::<Test>::NoSuchCurator);
        assert_noop!(Datasets::add_curator_stake(signed(10), 0), Error::<Test>::ZeroAmount);
        assert_ok!(Datasets::add_curator_stake(signed(10), STAKE));
        assert_eq!((curator(10).tickets, curator(10).stake), (4, 4 * STAKE + 1));
        // No more than 64 tickets, whatever the stake.
        assert_ok!(Datasets::register_curator(signed(11), 70 * STAKE));
        assert_eq!(curator(11).tickets, 64);
    });
}

#[test]
fn drain_and_ready() {
    run(|| {
        curators(1);
        assert_noop!(Datasets::drain_curator(signed(EVE), 10), Error::<Test>::NotAbsent);
        assert_noop!(Datasets::ready_curator(signed(10)), Error::<Test>::AlreadyReady);
        assert_ok!(Datasets::drain_curator(signed(10), 10));
        assert_eq!((curator(10).tickets, TicketHead::<Test>::get().live), (0, 0));
        assert_noop!(Datasets::drain_curator(signed(10), 10), Error::<Test>::NotReady);
        assert_ok!(Datasets::ready_curator(signed(10)));
        assert_eq!((curator(10).tickets, curator(10).status), (1, CuratorStatus::Ready));
        assert_noop!(Datasets::drain_curator(signed(11), 11), Error::<Test>::NoSuchCurator);
    });
}

#[test]
fn withdraw_curator_waits() {
    run(|| {
        curators(1);
        assert_noop!(Datasets::withdraw_curator(signed(10)), Error::<Test>::StakeInUse);
        assert_ok!(Datasets::drain_curator(signed(10), 10));
        pass(UNBONDING - 1);
        assert_noop!(Datasets::withdraw_curator(signed(10)), Error::<Test>::StakeInUse);
        pass(1);
        assert_ok!(Datasets::withdraw_curator(signed(10)));
        assert_eq!(held(HoldReason::CuratorStake, 10), 0);
        assert!(!Curators::<Test>::contains_key(10));
    });
}

#[test]
fn who_leaves_the_draw_has_no_part_in_what_is_minted_later() {
    run(|| {
        curators(3);
        let claim = claim_of(ASHA, dataset(3), 1, 2);
        let panel = judge(claim, &[10_000; 3]);
        settle(claim);
        assert_eq!(RewardPool::shares(PoolId::Curators, &panel[0]), 1);
        assert_ok!(Datasets::drain_curator(signed(panel[0]), panel[0]));
        assert_eq!(RewardPool::shares(PoolId::Curators, &panel[0]), 0);
        assert_eq!(owed(PoolId::Curators, panel[0]), PAY);
    });
}

/// Who is silent leaves its tickets in the draw, where they count for nothing; anybody may take them out.
#[test]
fn an_absent_curator_can_be_drained_by_anybody() {
    run(|| {
        curators(3);
        assert_ok!(Datasets::add_curator_stake(signed(10), SEAT));
        let claim = claim_of(ASHA, dataset(3), 1, 2);
        draw(claim);
        pass(SEALS + 1);
        poke(claim);
        assert_eq!(curator(10).status, CuratorStatus::Absent);
        assert_ok!(Datasets::drain_curator(signed(EVE), 11));
        assert!(matches!(curator(11).status, CuratorStatus::Idle { .. }));
        // Or it comes back by itself, if its stake is enough.
        assert_ok!(Datasets::ready_curator(signed(10)));
        assert_eq!((curator(10).status, curator(10).stake), (CuratorStatus::Ready, 100 * UNITS));
    });
}
