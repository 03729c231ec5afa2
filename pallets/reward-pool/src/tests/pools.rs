//! What other pallets do with pools.

use frame_support::{assert_noop, assert_ok};
use sabha_protocol::{
    UNITS,
    pool::{PoolId, RewardPools, ledger::MAX_SHARES},
};

use crate::{Error, Members, Pools, mock::*};

#[test]
fn shares_are_given_and_taken() {
    run(|| {
        assert_ok!(RewardPool::add_shares(DATA, &ALICE, 3));
        assert_ok!(RewardPool::add_shares(DATA, &ALICE, 2));
        assert_eq!(RewardPool::shares(DATA, &ALICE), 5);
        assert_noop!(RewardPool::remove_shares(DATA, &ALICE, 6), Error::<Test>::TooFewShares);
        assert_ok!(RewardPool::remove_shares(DATA, &ALICE, 5));
        assert!(!Members::<Test>::contains_key(DATA, ALICE));
        assert_noop!(RewardPool::add_shares(DATA, &ALICE, MAX_SHARES + 1), Error::<Test>::TooManyShares);
        assert_noop!(RewardPool::add_shares(PoolId::Dataset(9), &ALICE, 1), Error::<Test>::NoSuchPool);
    });
}

/// Who leaves takes what it has earned, and what comes later is not its own.
#[test]
fn taking_shares_leaves_what_is_owed() {
    run(|| {
        give(DATA, ALICE, 1);
        give(DATA, BOB, 1);
        pay(DATA, 2 * UNITS);
        give(DATA, ALICE, 0);
        pay(DATA, 2 * UNITS);
        assert_eq!(RewardPool::claimable(DATA, ALICE), UNITS);
        assert_ok!(RewardPool::claim(signed(ALICE), DATA));
        assert!(!Members::<Test>::contains_key(DATA, ALICE));
        assert_eq!(RewardPool::claimable(DATA, BOB), 3 * UNITS);
    });
}

#[test]
fn a_credit_is_one_members_alone() {
    run(|| {
        give(DATA, BOB, 5);
        assert_ok!(RewardPool::credit(DATA, &CHARLIE, &ALICE, UNITS));
        assert_eq!(RewardPool::claimable(DATA, ALICE), UNITS);
        assert_eq!(RewardPool::claimable(DATA, BOB), 0);
        assert_ok!(RewardPool::claim(signed(ALICE), DATA));
        assert!(!Members::<Test>::contains_key(DATA, ALICE));
        assert_noop!(RewardPool::credit(DATA, &CHARLIE, &ALICE, 0), Error::<Test>::ZeroAmount);
    });
}

/// Dap mints and tells nobody: what has arrived is found before shares change.
#[test]
fn what_is_minted_into_a_source_is_divided_by_the_shares_of_then() {
    run(|| {
        let pool = PoolId::Curators;
        // Nobody has shares: it waits.
        mint(7 * UNITS);
        give(pool, ALICE, 1);
        assert_eq!(Pools::<Test>::get(pool).map(|pool| pool.held), Some(7 * UNITS));
        // The change of shares comes after what was minted before it.
        mint(3 * UNITS);
        give(pool, BOB, 1);
        mint(2 * UNITS);
        assert_eq!(RewardPool::claimable(pool, ALICE), 11 * UNITS);
        assert_eq!(RewardPool::claimable(pool, BOB), UNITS);
        assert_ok!(RewardPool::claim(signed(ALICE), pool));
        assert_ok!(RewardPool::claim(signed(BOB), pool));
        assert_eq!(Balances::free_balance(SOURCE), ED);
        assert_eq!(gained(ALICE), 11 * UNITS as i128);
    });
}

#[test]
fn a_closed_pool_takes_nobody() {
    run(|| {
        assert_ok!(RewardPool::create(DATA));
        assert_ok!(RewardPool::close(DATA));
        assert_ok!(RewardPool::close(DATA));
        assert_noop!(RewardPool::add_shares(DATA, &ALICE, 1), Error::<Test>::PoolClosed);
        assert_noop!(RewardPool::credit(DATA, &BOB, &ALICE, 1), Error::<Test>::PoolClosed);
        assert_noop!(RewardPool::create(DATA), Error::<Test>::PoolClosed);
        assert_noop!(RewardPool::close(PoolId::Dataset(9)), Error::<Test>::NoSuchPool);
    });
}
