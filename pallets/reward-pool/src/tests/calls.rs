//! Each call, and each way in which it can fail.

use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold};
use sabha_protocol::{
    UNITS,
    pool::{PoolId, RewardPools},
};

use crate::{Deposits, Error, Event, Members, Payouts, Pools, mock::*};

fn held(who: AccountId) -> u128 {
    Balances::total_balance_on_hold(&who)
}

#[test]
fn claim_pays_by_shares() {
    run(|| {
        give(DATA, ALICE, 600);
        give(DATA, BOB, 400);
        pay(DATA, 10 * UNITS);
        give(DATA, CHARLIE, 1_000);
        pay(DATA, 10 * UNITS);
        assert_eq!(RewardPool::claimable(DATA, ALICE), 9 * UNITS);
        for (who, amount) in [(ALICE, 9 * UNITS), (BOB, 6 * UNITS), (CHARLIE, 5 * UNITS)] {
            assert_ok!(RewardPool::claim(signed(who), DATA));
            assert_eq!(last_event(), Event::Claimed { pool: DATA, member: who, to: who, amount });
            assert_eq!(gained(who), amount as i128);
        }
        assert_noop!(RewardPool::claim(signed(ALICE), DATA), Error::<Test>::NothingToClaim);
        assert_noop!(RewardPool::claim(signed(4), DATA), Error::<Test>::NoSuchMember);
        assert_noop!(RewardPool::claim(signed(ALICE), PoolId::Dataset(5)), Error::<Test>::NoSuchPool);
        assert_noop!(RewardPool::claim(signed(ALICE), PoolId::Curators), Error::<Test>::NoSuchMember);
    });
}

#[test]
fn claim_for_pays_the_member() {
    run(|| {
        give(DATA, ALICE, 1);
        pay(DATA, UNITS);
        assert_ok!(RewardPool::claim_for(signed(BOB), DATA, ALICE));
        assert_eq!((gained(ALICE), gained(BOB)), (UNITS as i128, 0));
    });
}

#[test]
fn what_no_account_can_take_stays_owed() {
    run(|| {
        give(DATA, POOR, 1);
        pay(DATA, ED - 1);
        assert_noop!(RewardPool::claim_for(signed(BOB), DATA, POOR), Error::<Test>::CannotBePaid);
        pay(DATA, 1);
        assert_ok!(RewardPool::claim_for(signed(BOB), DATA, POOR));
        assert_eq!(gained(POOR), ED as i128);
    });
}

#[test]
fn claim_batch_passes_over_what_owes_nothing() {
    run(|| {
        let other = PoolId::Compute(7);
        assert_ok!(RewardPool::create(other));
        give(DATA, ALICE, 1);
        give(other, ALICE, 1);
        pay(DATA, UNITS);
        pay(other, UNITS);
        let pools = |pools: &[PoolId]| pools.to_vec().try_into().expect("few");
        let missing = PoolId::Backers(1);
        assert_ok!(RewardPool::claim_batch(signed(ALICE), pools(&[PoolId::Curators, DATA, missing, other])));
        assert_eq!(gained(ALICE), 2 * UNITS as i128);
        assert_noop!(
            RewardPool::claim_batch(signed(ALICE), pools(&[DATA, other])),
            Error::<Test>::NothingToClaim
        );
        assert_noop!(RewardPool::claim_batch(signed(ALICE), pools(&[])), Error::<Test>::NothingToClaim);
    });
}

/// One claim that cannot be paid does not half-do another.
#[test]
fn claim_batch_that_cannot_be_paid_fails() {
    run(|| {
        give(DATA, POOR, 1);
        pay(DATA, ED / 2);
        let pools = vec![DATA].try_into().expect("few");
        assert_noop!(RewardPool::claim_batch(signed(POOR), pools), Error::<Test>::CannotBePaid);
    });
}

#[test]
fn transfer_shares_leaves_what_they_have_earned() {
    run(|| {
        give(DATA, ALICE, 10);
        pay(DATA, 10 * UNITS);
        assert_ok!(RewardPool::transfer_shares(signed(ALICE), DATA, BOB, 4));
        let event = Event::SharesTransferred { pool: DATA, from: ALICE, to: BOB, shares: 4 };
        assert_eq!(last_event(), event);
        pay(DATA, 10 * UNITS);
        assert_eq!(RewardPool::claimable(DATA, ALICE), 16 * UNITS);
        assert_eq!(RewardPool::claimable(DATA, BOB), 4 * UNITS);
        assert_eq!(Pools::<Test>::get(DATA).map(|pool| pool.shares), Some(10));
    });
}

#[test]
fn transfer_shares_to_a_new_member_takes_a_deposit() {
    run(|| {
        give(DATA, ALICE, 10);
        assert_ok!(RewardPool::transfer_shares(signed(ALICE), DATA, BOB, 4));
        let deposit = held(ALICE);
        assert!(deposit > UNITS / 10);
        // No second one for the same record.
        assert_ok!(RewardPool::transfer_shares(signed(ALICE), DATA, BOB, 1));
        assert_eq!(held(ALICE), deposit);
        // Back to whom it came from, who has her deposit back.
        assert_ok!(RewardPool::transfer_shares(signed(BOB), DATA, ALICE, 5));
        assert_eq!((held(ALICE), held(BOB)), (0, 0));
        assert!(!Deposits::<Test>::contains_key(DATA, BOB) && !Members::<Test>::contains_key(DATA, BOB));
    });
}

#[test]
fn transfer_shares_fails() {
    run(|| {
        give(DATA, ALICE, 10);
        let transfer = |pool, to, shares| RewardPool::transfer_shares(signed(ALICE), pool, to, shares);
        assert_noop!(transfer(DATA, BOB, 11), Error::<Test>::TooFewShares);
        assert_noop!(transfer(DATA, BOB, 0), Error::<Test>::ZeroAmount);
        assert_noop!(transfer(DATA, ALICE, 1), Error::<Test>::SameAccount);
        give(PoolId::Curators, ALICE, 1);
        assert_noop!(transfer(PoolId::Curators, BOB, 1), Error::<Test>::NotTransferable);
        assert_ok!(RewardPool::close(DATA));
        assert_noop!(transfer(DATA, BOB, 1), Error::<Test>::PoolClosed);
    });
}

#[test]
fn set_payout_says_who_is_paid() {
    run(|| {
        give(DATA, ALICE, 1);
        assert_noop!(RewardPool::set_payout(signed(ALICE), None), Error::<Test>::NoPayout);
        assert_ok!(RewardPool::set_payout(signed(ALICE), Some(POOR)));
        let deposit = held(ALICE);
        assert!(deposit > 0);
        pay(DATA, UNITS);
        assert_ok!(RewardPool::claim(signed(ALICE), DATA));
        assert_eq!(gained(POOR), UNITS as i128);
        // Another one takes no second deposit; none gives it back.
        assert_ok!(RewardPool::set_payout(signed(ALICE), Some(BOB)));
        assert_eq!(held(ALICE), deposit);
        assert_ok!(RewardPool::set_payout(signed(ALICE), None));
        assert_eq!(held(ALICE), 0);
        assert!(!Payouts::<Test>::contains_key(ALICE));
    });
}

#[test]
fn a_payout_account_that_cannot_take_it_leaves_it_to_the_member() {
    run(|| {
        give(DATA, ALICE, 1);
        assert_ok!(RewardPool::set_payout(signed(ALICE), Some(POOR)));
        let before = gained(ALICE);
        pay(DATA, ED / 2);
        assert_ok!(RewardPool::claim(signed(ALICE), DATA));
        assert_eq!(gained(ALICE) - before, (ED / 2) as i128);
    });
}

/// A stranger chooses the moment at which a payout account that does not exist yet cannot take what is owed. It chooses no other account.
#[test]
fn claim_for_pays_nobody_but_the_payout_account() {
    run(|| {
        give(DATA, ALICE, 1);
        assert_ok!(RewardPool::set_payout(signed(ALICE), Some(POOR)));
        pay(DATA, ED / 2);
        assert_noop!(RewardPool::claim_for(signed(BOB), DATA, ALICE), Error::<Test>::CannotBePaid);
        assert_eq!(RewardPool::claimable(DATA, ALICE), ED / 2);
        pay(DATA, ED / 2);
        assert_ok!(RewardPool::claim_for(signed(BOB), DATA, ALICE));
        assert_eq!(gained(POOR), ED as i128);
    });
}

#[test]
fn deposit_fails() {
    run(|| {
        let deposit = |pool, amount| RewardPool::deposit(signed(ALICE), pool, amount);
        assert_noop!(deposit(DATA, 0), Error::<Test>::ZeroAmount);
        assert_noop!(deposit(PoolId::Dataset(5), 1), Error::<Test>::NoSuchPool);
        // The payer stays alive.
        assert!(deposit(DATA, ENDOWMENT).is_err());
        assert_ok!(RewardPool::close(DATA));
        assert_noop!(deposit(DATA, 1), Error::<Test>::PoolClosed);
    });
}

#[test]
fn remove_pool_takes_what_rounding_left() {
    run(|| {
        let remove = || RewardPool::remove_pool(signed(BOB), DATA);
        for member in [ALICE, BOB, CHARLIE] {
            give(DATA, member, 1);
        }
        pay(DATA, UNITS);
        assert_noop!(remove(), Error::<Test>::PoolOpen);
        assert_ok!(RewardPool::close(DATA));
        assert_noop!(remove(), Error::<Test>::PoolHasMembers);
        for member in [ALICE, BOB, CHARLIE] {
            assert_ok!(RewardPool::claim_for(signed(BOB), DATA, member));
            assert_eq!(gained(member), (UNITS / 3) as i128);
        }
        assert_ok!(remove());
        assert_eq!(last_event(), Event::PoolRemoved { pool: DATA, remainder: 1 });
        assert_eq!(Balances::free_balance(TREASURY), ED + 1);
        assert_noop!(remove(), Error::<Test>::NoSuchPool);
        assert_noop!(RewardPool::remove_pool(signed(BOB), PoolId::Curators), Error::<Test>::PoolOpen);
    });
}

/// Shares of a closed pool are worth nothing: who has them and is owed nothing can be let go by anybody.
#[test]
fn claim_from_a_closed_pool_ends_the_membership() {
    run(|| {
        give(DATA, ALICE, 1);
        assert_ok!(RewardPool::close(DATA));
        assert_ok!(RewardPool::claim_for(signed(BOB), DATA, ALICE));
        assert_eq!(last_event(), Event::Claimed { pool: DATA, member: ALICE, to: ALICE, amount: 0 });
        assert!(!Members::<Test>::contains_key(DATA, ALICE));
        assert_ok!(RewardPool::remove_pool(signed(BOB), DATA));
    });
}

#[test]
fn memberships_are_listed() {
    run(|| {
        give(DATA, ALICE, 3);
        give(PoolId::Curators, ALICE, 5);
        pay(DATA, UNITS);
        mint(2 * UNITS);
        // A third is rounded down, and so is what three of them make.
        let expected = vec![(DATA, 3, UNITS - 1), (PoolId::Curators, 5, 2 * UNITS)];
        assert_eq!(RewardPool::memberships(ALICE), expected);
    });
}
