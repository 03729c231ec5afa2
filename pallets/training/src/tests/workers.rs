//! A worker's registration, stake and readiness.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::TokenError;

use crate::{Device, Error, Event, HotKeys, ReadyCount, WorkerStatus, Workers, mock::*};

fn try_register(
    owner: AccountId,
    hot: AccountId,
    endpoint: &[u8],
    stake: u128,
) -> sp_runtime::DispatchResult {
    let endpoint = endpoint.to_vec().try_into().expect("short");
    Training::register(signed(owner), hot, PAY, Device::Cuda, endpoint, stake)
}

#[test]
fn register_holds_the_stake() {
    run(|| {
        assert_ok!(try_register(BOB, HOT, b"/ip4/10.0.0.1", STAKE + 5));
        assert_eq!(held(BOB), STAKE + 5);
        assert_eq!(free(BOB), ENDOWMENT - STAKE - 5);
        let worker = worker(BOB);
        assert_eq!(
            (worker.stake, worker.status, worker.device),
            (STAKE + 5, WorkerStatus::Idle, Device::Cuda)
        );
        assert_eq!(HotKeys::<Test>::get(HOT), Some(BOB));
        assert_eq!(
            events(),
            [Event::WorkerRegistered {
                owner: BOB,
                hot_key: HOT,
                payout: PAY,
                device: Device::Cuda,
                stake: STAKE + 5
            }]
        );
    });
}

#[test]
fn register_twice_fails() {
    run(|| {
        register(BOB);
        assert_noop!(try_register(BOB, 7, b"", STAKE), Error::<Test>::AlreadyRegistered);
    });
}

#[test]
fn register_with_a_taken_hot_key_fails() {
    run(|| {
        register(BOB);
        assert_noop!(try_register(CAROL, HOT, b"", STAKE), Error::<Test>::HotKeyTaken);
        assert_noop!(try_register(CAROL, BOB, b"", STAKE), Error::<Test>::HotKeyTaken);
    });
}

#[test]
fn register_by_a_hot_key_fails() {
    run(|| {
        assert_ok!(try_register(BOB, CAROL, b"", STAKE));
        assert_noop!(try_register(CAROL, 7, b"", STAKE), Error::<Test>::OwnerIsHotKey);
    });
}

#[test]
fn register_with_too_little_fails() {
    run(|| {
        assert_noop!(try_register(BOB, HOT, b"", STAKE - 1), Error::<Test>::StakeTooLow);
        assert_noop!(try_register(BOB, HOT, b"", ENDOWMENT + 1), TokenError::FundsUnavailable);
        assert_noop!(try_register(7, HOT, b"", STAKE), TokenError::FundsUnavailable);
    });
}

#[test]
fn register_with_an_unprintable_endpoint_fails() {
    run(|| {
        for endpoint in [&b"a b"[..], b"a\n", b"\xc3\xb1"] {
            assert_noop!(try_register(BOB, HOT, endpoint, STAKE), Error::<Test>::BadEndpoint);
        }
    });
}

#[test]
fn an_owner_may_be_its_own_hot_key() {
    run(|| {
        assert_ok!(try_register(BOB, BOB, b"", STAKE));
        assert_ok!(Training::ready(signed(BOB)));
    });
}

#[test]
fn update_worker_changes_what_is_given() {
    run(|| {
        register(BOB);
        events();
        assert_ok!(Training::update_worker(signed(BOB), Some(7), None, Some(Device::Cuda), None));
        let worker = worker(BOB);
        assert_eq!((worker.hot_key, worker.payout, worker.device), (7, PAY, Device::Cuda));
        assert_eq!((HotKeys::<Test>::get(7), HotKeys::<Test>::get(HOT)), (Some(BOB), None));
        assert_eq!(events(), [Event::WorkerUpdated { owner: BOB }]);
        // The same hot key again, and back.
        assert_ok!(Training::update_worker(signed(BOB), Some(7), Some(9), None, None));
        assert_ok!(Training::update_worker(
            signed(BOB),
            Some(HOT),
            None,
            None,
            Some(b"x".to_vec().try_into().unwrap())
        ));
    });
}

#[test]
fn update_worker_fails_for_each_reason() {
    run(|| {
        let update = |who, hot| Training::update_worker(signed(who), hot, None, None, None);
        assert_noop!(update(BOB, Some(7)), Error::<Test>::NoSuchWorker);
        register(BOB);
        register(CAROL);
        assert_noop!(update(HOT, Some(7)), Error::<Test>::NoSuchWorker);
        assert_noop!(update(BOB, None), Error::<Test>::NothingToChange);
        assert_noop!(update(BOB, Some(CAROL + 100)), Error::<Test>::HotKeyTaken);
        assert_noop!(update(BOB, Some(CAROL)), Error::<Test>::HotKeyTaken);
        let endpoint = Some(b"\0".to_vec().try_into().unwrap());
        assert_noop!(
            Training::update_worker(signed(BOB), None, None, None, endpoint),
            Error::<Test>::BadEndpoint
        );
    });
}

#[test]
fn add_stake_raises_the_hold() {
    run(|| {
        register(BOB);
        events();
        assert_ok!(Training::add_stake(signed(BOB), 7));
        assert_eq!((held(BOB), worker(BOB).stake), (STAKE + 7, STAKE + 7));
        assert_eq!(events(), [Event::StakeAdded { owner: BOB, amount: 7, stake: STAKE + 7 }]);
    });
}

#[test]
fn add_stake_fails_for_each_reason() {
    run(|| {
        assert_noop!(Training::add_stake(signed(BOB), 7), Error::<Test>::NoSuchWorker);
        register(BOB);
        assert_noop!(Training::add_stake(signed(HOT), 7), Error::<Test>::NoSuchWorker);
        assert_noop!(Training::add_stake(signed(BOB), 0), Error::<Test>::ZeroAmount);
        assert_noop!(Training::add_stake(signed(BOB), ENDOWMENT), TokenError::FundsUnavailable);
        assert_ok!(Training::unbond(signed(BOB)));
        assert_noop!(Training::add_stake(signed(BOB), 7), Error::<Test>::Unbonding);
    });
}

#[test]
fn ready_and_drain_join_and_leave_the_ready_set() {
    run(|| {
        for owner in [BOB, CAROL, DAVE] {
            ready(owner);
        }
        assert_eq!(ReadyCount::<Test>::get(), 3);
        events();
        // The first leaves: the last takes its place.
        assert_ok!(Training::drain(signed(HOT)));
        assert_eq!(events(), [Event::WorkerDrained { owner: BOB, assigned: None }]);
        check();
        assert_ok!(Training::ready(signed(BOB)));
        assert_eq!(events(), [Event::WorkerReady { owner: BOB }]);
        assert_ok!(Training::drain(signed(BOB)));
        assert_eq!((ReadyCount::<Test>::get(), worker(BOB).status), (2, WorkerStatus::Idle));
    });
}

#[test]
fn ready_fails_for_each_reason() {
    run(|| {
        assert_noop!(Training::ready(signed(HOT)), Error::<Test>::NoSuchWorker);
        ready(BOB);
        assert_noop!(Training::ready(signed(HOT)), Error::<Test>::AlreadyReady);
        let id = create(1);
        poke(id);
        assert_noop!(Training::ready(signed(HOT)), Error::<Test>::AlreadyReady);
        commit(id, 0);
        assert_ok!(Training::drain(signed(HOT)));
        pass(WINDOW);
        poke(id);
        assert_ok!(Training::unbond(signed(BOB)));
        assert_noop!(Training::ready(signed(HOT)), Error::<Test>::Unbonding);
    });
}

#[test]
fn drain_fails_for_each_reason() {
    run(|| {
        assert_noop!(Training::drain(signed(HOT)), Error::<Test>::NoSuchWorker);
        register(BOB);
        assert_noop!(Training::drain(signed(HOT)), Error::<Test>::NotReady);
        assert_ok!(Training::unbond(signed(BOB)));
        assert_noop!(Training::drain(signed(HOT)), Error::<Test>::NotReady);
    });
}

#[test]
fn a_draining_worker_finishes_its_slot_and_may_change_its_mind() {
    run(|| {
        let id = assigned(3);
        events();
        assert_ok!(Training::drain(signed(HOT)));
        let slot = worker(BOB).assigned;
        assert_eq!(events(), [Event::WorkerDrained { owner: BOB, assigned: slot }]);
        assert_noop!(Training::drain(signed(HOT)), Error::<Test>::NotReady);
        assert_ok!(Training::ready(signed(HOT)));
        assert_eq!(worker(BOB).status, WorkerStatus::Working);
        assert_ok!(Training::drain(signed(HOT)));
        commit(id, 0);
        assert_eq!((worker(BOB).status, ReadyCount::<Test>::get()), (WorkerStatus::Idle, 0));
    });
}

#[test]
fn unbond_and_withdraw_return_the_stake_after_the_time() {
    run(|| {
        ready(BOB);
        events();
        assert_ok!(Training::unbond(signed(BOB)));
        let until = Now::get() + UNBONDING;
        assert_eq!(events(), [Event::UnbondingStarted { owner: BOB, until }]);
        assert_eq!(Training::withdrawable_from(BOB), Some(until));
        assert_eq!(ReadyCount::<Test>::get(), 0);
        pass(UNBONDING - 1);
        assert_noop!(Training::withdraw(signed(BOB)), Error::<Test>::UnbondingNotOver);
        pass(1);
        assert_ok!(Training::withdraw(signed(BOB)));
        assert_eq!((held(BOB), free(BOB)), (0, ENDOWMENT));
        assert_eq!(events(), [Event::Withdrawn { owner: BOB, stake: STAKE }]);
        assert!(!Workers::<Test>::contains_key(BOB) && !HotKeys::<Test>::contains_key(HOT));
        // All of it can be used again.
        register(BOB);
    });
}

#[test]
fn unbond_fails_for_each_reason() {
    run(|| {
        assert_noop!(Training::unbond(signed(BOB)), Error::<Test>::NoSuchWorker);
        let id = assigned(2);
        assert_noop!(Training::unbond(signed(HOT)), Error::<Test>::NoSuchWorker);
        assert_noop!(Training::unbond(signed(BOB)), Error::<Test>::SlotUnfinished);
        commit(id, 0);
        assert_noop!(Training::unbond(signed(BOB)), Error::<Test>::StakeInUse);
        pass(WINDOW);
        assert_ok!(Training::drain(signed(HOT)));
        poke(id);
        assert_ok!(Training::unbond(signed(BOB)));
        assert_noop!(Training::unbond(signed(BOB)), Error::<Test>::Unbonding);
    });
}

#[test]
fn withdraw_fails_for_each_reason() {
    run(|| {
        assert_noop!(Training::withdraw(signed(BOB)), Error::<Test>::NoSuchWorker);
        register(BOB);
        assert_noop!(Training::withdraw(signed(HOT)), Error::<Test>::NoSuchWorker);
        assert_noop!(Training::withdraw(signed(BOB)), Error::<Test>::NotUnbonding);
    });
}
