//! That the invariants can be violated.

use frame_support::traits::fungible::MutateHold;
use sabha_protocol::{
    UNITS,
    pool::{
        PoolId,
        ledger::{Member, Pool},
    },
};

use crate::{Deposits, HoldReason, Members, Payouts, Pools, mock::*};

/// Whether the invariants are violated, with this message, after `spoil`.
fn fails(message: &'static str, spoil: impl FnOnce()) {
    ext().execute_with(|| {
        give(DATA, ALICE, 1);
        give(DATA, BOB, 2);
        pay(DATA, UNITS);
        check();
        spoil();
        assert_eq!(RewardPool::do_try_state(), Err(message.into()));
    });
}

fn change(change: impl FnOnce(&mut Pool)) {
    Pools::<Test>::mutate(DATA, |pool| change(pool.as_mut().expect("it is there")));
}

#[test]
fn what_does_not_add_up_is_found() {
    fails("a pool's shares are not the sum of its members'", || change(|pool| pool.shares += 1));
    fails("a pool's members are not as many as it counts", || change(|pool| pool.members += 1));
    fails("a pool owes more than it has", || change(|pool| pool.balance -= 2));
    fails("a pool owes more than it has", || change(|pool| pool.held += 2));
    fails("the pot does not cover what the pools have", || change(|pool| pool.balance += 1));
    fails("a member has nothing to expect", || Members::<Test>::insert(DATA, 9, Member::default()));
    fails("a member is of no pool", || {
        Members::<Test>::insert(PoolId::Dataset(9), 9, Members::<Test>::get(DATA, ALICE).expect("there"));
    });
    fails("a permanent pool is not open", || Pools::<Test>::remove(PoolId::Validators));
    fails("a deposit is for no record", || {
        RewardPool::transfer_shares(signed(ALICE), DATA, 9, 1).expect("it can be given");
        let deposit = Deposits::<Test>::get(DATA, 9).expect("there");
        Deposits::<Test>::insert(DATA, 10, deposit);
    });
    fails("what is on hold is not the sum of deposits", || {
        Balances::hold(&HoldReason::Storage.into(), &BOB, 1).expect("it can be held");
    });
    fails("what is on hold is not the sum of deposits", || {
        RewardPool::set_payout(signed(ALICE), Some(BOB)).expect("it can be named");
        check();
        let (payout, ticket) = Payouts::<Test>::take(ALICE).expect("there");
        Payouts::<Test>::insert(BOB, (payout, ticket));
    });
    fails("what is on hold is not the sum of deposits", || {
        RewardPool::transfer_shares(signed(ALICE), DATA, 9, 1).expect("it can be given");
        check();
        Deposits::<Test>::remove(DATA, 9);
    });
    fails("a member cannot be settled", || {
        Members::<Test>::mutate(DATA, ALICE, |member| {
            member.as_mut().expect("there").since.whole = u128::MAX
        });
    });
}
