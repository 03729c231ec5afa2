//! A worker's registration, stake and readiness.

use frame_support::{assert_noop, assert_ok};
use sabha_protocol::{defaults::RETAINED, reputation::Reputation, round::SlotState};
use sp_runtime::TokenError;

use super::play::*;
use crate::{
    Device, Error, Event, HotKeys, Records, TicketHead, TicketPlaces, Tickets, WorkerStatus, Workers, mock::*,
};

/// The worker that these tests register.
const CAROL: AccountId = 3;
const DAVE: AccountId = 4;
const HOT: AccountId = 103;
const PAY: AccountId = 203;

fn try_register(
    owner: AccountId,
    key: AccountId,
    endpoint: &[u8],
    stake: u128,
) -> sp_runtime::DispatchResult {
    let endpoint = endpoint.to_vec().try_into().expect("short");
    Training::register(signed(owner), key, PAY, Device::Cuda, 1, endpoint, stake)
}

#[test]
fn register_holds_the_stake() {
    run(|| {
        assert_ok!(try_register(CAROL, HOT, b"/ip4/10.0.0.1", STAKE + 5));
        assert_eq!(held(CAROL), STAKE + 5);
        assert_eq!(free(CAROL), ENDOWMENT - STAKE - 5);
        let worker = worker(CAROL);
        assert_eq!(
            (worker.stake, worker.status, worker.device, worker.tickets),
            (STAKE + 5, WorkerStatus::Idle, Device::Cuda, 0)
        );
        assert_eq!(HotKeys::<Test>::get(HOT), Some(CAROL));
        assert!(happened(|event| matches!(
            event,
            Event::WorkerRegistered { owner: CAROL, hot_key: HOT, .. }
        )));
    });
}

#[test]
fn register_fails_for_each_reason() {
    run(|| {
        assert_noop!(try_register(CAROL, HOT, b"", STAKE - 1), Error::<Test>::StakeTooLow);
        assert_noop!(try_register(CAROL, HOT, b"", ENDOWMENT + 1), TokenError::FundsUnavailable);
        assert_noop!(try_register(77, HOT, b"", STAKE), TokenError::FundsUnavailable);
        for endpoint in [&b"a b"[..], b"a\n", b"\xc3\xb1"] {
            assert_noop!(try_register(CAROL, HOT, endpoint, STAKE), Error::<Test>::BadEndpoint);
        }
        assert_noop!(
            Training::register(signed(CAROL), HOT, PAY, Device::Cpu, 0, Default::default(), STAKE),
            Error::<Test>::NoCapacity
        );
        register(CAROL, STAKE);
        assert_noop!(try_register(CAROL, 7, b"", STAKE), Error::<Test>::AlreadyRegistered);
        assert_noop!(try_register(DAVE, HOT, b"", STAKE), Error::<Test>::HotKeyTaken);
        assert_noop!(try_register(DAVE, CAROL, b"", STAKE), Error::<Test>::HotKeyTaken);
        assert_ok!(Training::update_worker(signed(CAROL), Some(DAVE), None, None, None, None));
        assert_noop!(try_register(DAVE, 7, b"", STAKE), Error::<Test>::OwnerIsHotKey);
    });
}

#[test]
fn an_owner_may_be_its_own_hot_key() {
    run(|| {
        assert_ok!(try_register(CAROL, CAROL, b"", STAKE));
        assert_ok!(Training::ready(signed(CAROL)));
    });
}

#[test]
fn update_worker_changes_what_is_given() {
    run(|| {
        register(CAROL, STAKE);
        assert_ok!(Training::update_worker(signed(CAROL), Some(7), None, Some(Device::Cuda), Some(9), None));
        let worker = worker(CAROL);
        assert_eq!(
            (worker.hot_key, worker.payout, worker.device, worker.capacity),
            (7, PAY, Device::Cuda, 9)
        );
        assert_eq!((HotKeys::<Test>::get(7), HotKeys::<Test>::get(HOT)), (Some(CAROL), None));
        // The same hot key again, and back.
        assert_ok!(Training::update_worker(signed(CAROL), Some(7), Some(9), None, None, None));
        let endpoint = Some(b"x".to_vec().try_into().unwrap());
        assert_ok!(Training::update_worker(signed(CAROL), Some(HOT), None, None, None, endpoint));
    });
}

#[test]
fn update_worker_fails_for_each_reason() {
    run(|| {
        let update = |who, key| Training::update_worker(signed(who), key, None, None, None, None);
        assert_noop!(update(CAROL, Some(7)), Error::<Test>::NoSuchWorker);
        register(CAROL, STAKE);
        register(DAVE, STAKE);
        assert_noop!(update(HOT, Some(7)), Error::<Test>::NoSuchWorker);
        assert_noop!(update(CAROL, None), Error::<Test>::NothingToChange);
        assert_noop!(update(CAROL, Some(hot(DAVE))), Error::<Test>::HotKeyTaken);
        assert_noop!(update(CAROL, Some(DAVE)), Error::<Test>::HotKeyTaken);
        assert_noop!(
            Training::update_worker(signed(CAROL), None, None, None, Some(0), None),
            Error::<Test>::NoCapacity
        );
        let endpoint = Some(b"\0".to_vec().try_into().unwrap());
        assert_noop!(
            Training::update_worker(signed(CAROL), None, None, None, None, endpoint),
            Error::<Test>::BadEndpoint
        );
    });
}

#[test]
fn tickets_follow_the_stake() {
    run(|| {
        register(CAROL, 2 * STAKE + STAKE / 2);
        assert_ok!(Training::ready(signed(HOT)));
        assert_eq!((worker(CAROL).tickets, TicketHead::<Test>::get().live), (2, 2));
        check();
        assert_ok!(Training::add_stake(signed(CAROL), STAKE / 2));
        assert_eq!((held(CAROL), worker(CAROL).tickets), (3 * STAKE, 3));
        check();
        assert_ok!(Training::drain(signed(HOT)));
        assert_eq!((worker(CAROL).tickets, TicketHead::<Test>::get().live), (0, 0));
        assert_eq!(TicketPlaces::<Test>::iter().count(), 0);
        assert_eq!(Tickets::<Test>::iter().count(), 3, "sets frozen before may still have them");
        // Once none has, the hook clears the array.
        pass((RETAINED + 2) * SESSION);
        assert_eq!((Tickets::<Test>::iter().count(), TicketHead::<Test>::get().len), (0, 0));
    });
}

#[test]
fn no_worker_has_more_tickets_than_may_be() {
    run(|| {
        register(CAROL, 90 * STAKE);
        assert_ok!(Training::ready(signed(HOT)));
        assert_eq!(worker(CAROL).tickets, sabha_protocol::defaults::TICKETS);
    });
}

/// One that a dispute has slashed meanwhile.
#[test]
fn a_ready_worker_below_the_least_stake_keeps_a_ticket_that_counts_for_nothing() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        let key = key(0, 0);
        built(id, key);
        let (owner, _) = holder(id, key, 0);
        assert_ok!(Training::convict(id, key, 0, sabha_protocol::round::Claim::Other, None));
        Workers::<Test>::mutate(owner, |worker| worker.as_mut().unwrap().stake = STAKE / 2);
        assert_ok!(Training::add_stake(signed(owner), STAKE / 4));
        assert_eq!((worker(owner).status, worker(owner).tickets), (WorkerStatus::Ready, 1));
        assert_eq!(Training::tickets_of(worker(owner).stake), 0);
        assert_ok!(Training::add_stake(signed(owner), STAKE / 4));
        assert_eq!(worker(owner).tickets, 1);
        assert_ok!(Training::drain(signed(hot(owner))));
        // Put back what the test took from the books.
        Workers::<Test>::mutate(owner, |worker| worker.as_mut().unwrap().stake = held(owner));
    });
}

#[test]
fn add_stake_fails_for_each_reason() {
    run(|| {
        assert_noop!(Training::add_stake(signed(CAROL), 7), Error::<Test>::NoSuchWorker);
        register(CAROL, STAKE);
        assert_noop!(Training::add_stake(signed(HOT), 7), Error::<Test>::NoSuchWorker);
        assert_noop!(Training::add_stake(signed(CAROL), 0), Error::<Test>::ZeroAmount);
        assert_noop!(Training::add_stake(signed(CAROL), ENDOWMENT), TokenError::FundsUnavailable);
        assert_ok!(Training::unbond(signed(CAROL)));
        assert_noop!(Training::add_stake(signed(CAROL), 7), Error::<Test>::Unbonding);
    });
}

#[test]
fn ready_and_drain_fail_for_each_reason() {
    run(|| {
        assert_noop!(Training::ready(signed(HOT)), Error::<Test>::NoSuchWorker);
        assert_noop!(Training::drain(signed(HOT)), Error::<Test>::NoSuchWorker);
        register(CAROL, STAKE);
        assert_noop!(Training::drain(signed(HOT)), Error::<Test>::NotReady);
        assert_ok!(Training::ready(signed(HOT)));
        assert_noop!(Training::ready(signed(CAROL)), Error::<Test>::AlreadyReady);
        assert_ok!(Training::unbond(signed(CAROL)));
        assert_noop!(Training::ready(signed(HOT)), Error::<Test>::Unbonding);
        assert_noop!(Training::drain(signed(HOT)), Error::<Test>::NotReady);
    });
}

#[test]
fn unbond_and_withdraw_return_the_stake_after_the_time() {
    run(|| {
        register(CAROL, STAKE);
        assert_ok!(Training::unbond(signed(CAROL)));
        let until = Now::get() + UNBONDING;
        assert!(happened(|event| *event == Event::UnbondingStarted { owner: CAROL, until }));
        assert_eq!(Training::withdrawable_from(CAROL), Some(until));
        pass(UNBONDING - 1);
        assert_noop!(Training::withdraw(signed(CAROL)), Error::<Test>::UnbondingNotOver);
        pass(1);
        assert_ok!(Training::withdraw(signed(CAROL)));
        assert_eq!((held(CAROL), free(CAROL)), (0, ENDOWMENT));
        assert!(!Workers::<Test>::contains_key(CAROL) && !HotKeys::<Test>::contains_key(HOT));
        // All of it can be used again.
        register(CAROL, STAKE);
    });
}

#[test]
fn unbond_and_withdraw_fail_for_each_reason() {
    run(|| {
        assert_noop!(Training::unbond(signed(CAROL)), Error::<Test>::NoSuchWorker);
        assert_noop!(Training::withdraw(signed(CAROL)), Error::<Test>::NoSuchWorker);
        register(CAROL, STAKE);
        assert_noop!(Training::unbond(signed(HOT)), Error::<Test>::NoSuchWorker);
        assert_noop!(Training::withdraw(signed(CAROL)), Error::<Test>::NotUnbonding);
        assert_ok!(Training::unbond(signed(CAROL)));
        assert_noop!(Training::unbond(signed(CAROL)), Error::<Test>::Unbonding);
    });
}

/// Sessions may be longer than the time for unbonding expects: who can still be drawn stays.
#[test]
fn withdraw_while_a_frozen_set_has_the_worker_fails() {
    run(|| {
        ready(CAROL);
        pass(2 * SESSION);
        assert_ok!(Training::unbond(signed(CAROL)));
        let left = Now::get() / SESSION;
        Workers::<Test>::mutate(CAROL, |worker| {
            worker.as_mut().unwrap().status = WorkerStatus::Unbonding { since: 0 };
        });
        pass(UNBONDING);
        while Now::get() / SESSION <= left + RETAINED {
            assert_noop!(Training::withdraw(signed(CAROL)), Error::<Test>::StillDrawn);
            pass(1);
        }
        assert_ok!(Training::withdraw(signed(CAROL)));
    });
}

#[test]
fn a_worker_that_drains_is_drawn_as_long_as_a_frozen_set_has_it_and_no_longer() {
    run(|| {
        crowd();
        pass(3 * SESSION);
        for owner in FIRST..FIRST + 10 {
            assert_ok!(Training::drain(signed(owner)));
        }
        let id = create(&spec(1));
        opened(id, key(0, 0));
        // It trains what it was drawn for, and that is that: no set after has anybody.
        train(id, key(0, 0));
        check();
        pass((RETAINED + 3) * SESSION);
        let vacant = |slot: u16| slot_of(id, key(0, 1), slot).worker().is_none();
        assert!(crate::Rounds::<Test>::get(id, key(0, 1)).is_none() || (0..3).all(vacant));
    });
}

#[test]
fn a_worker_trains_no_more_slots_at_a_time_than_it_can() {
    run(|| {
        register(CAROL, 10 * STAKE);
        assert_ok!(Training::ready(signed(HOT)));
        assert_eq!(worker(CAROL).capacity, 2);
        let id = create(&spec(1));
        until(400, || crate::Rounds::<Test>::contains_key(id, key(0, 0)));
        pass(10);
        assert_eq!(worker(CAROL).training, 2);
        assert_eq!(worker(CAROL).reserved, 2 * spec(1).stake_per_slot);
        let mine: Vec<u16> =
            (0..3).filter(|slot| slot_of(id, key(0, 0), *slot).worker() == Some(&CAROL)).collect();
        commit(id, key(0, 0), mine[0], trained(key(0, 0), mine[0]));
        pass(6);
        assert_eq!(worker(CAROL).training, 2, "the third came when there was room");
        assert_eq!(worker(CAROL).reserved, 3 * spec(1).stake_per_slot);
    });
}

#[test]
fn three_misses_jail_a_worker_and_a_jailed_one_is_not_drawn() {
    run(|| {
        ready(CAROL);
        let other = FIRST + 1;
        ready(other);
        let id = create(&spec(1));
        // The other one commits: the run can be trained.
        let diligent = || {
            for ((run, key, slot), record) in crate::Slots::<Test>::iter().collect::<Vec<_>>() {
                if matches!(record.state, SlotState::Assigned { worker, .. } if worker == other) {
                    commit(run, key, slot, trained(key, slot));
                }
            }
            worker(CAROL).jailed_until > 0
        };
        until(400, diligent);
        assert!(worker(CAROL).missed >= 3);
        let until_then = worker(CAROL).jailed_until;
        assert_eq!(until_then, Now::get() + JAIL);
        assert!(happened(|event| *event == Event::WorkerJailed { owner: CAROL, until: until_then }));
        // Three slots, two at a time: one may be left that it has from before.
        let before = worker(CAROL).missed;
        pass(JAIL - 1);
        assert!(worker(CAROL).missed <= before + 2);
        assert_eq!(worker(CAROL).training, 0);
        assert!(run_of(id).progress.finalised == 0);
    });
}

#[test]
fn nobody_is_to_blame_for_a_run_that_nobody_can_train() {
    run(|| {
        ready(CAROL);
        let id = create(&spec(1));
        until(400, || run_of(id).progress.next.attempt > 0);
        assert!(happened(|event| matches!(event, Event::SlotExpired { .. })));
        assert_eq!((worker(CAROL).missed, worker(CAROL).reputation), (0, Reputation::NEW));
    });
}

/// Cheat: register again to clear a jail.
#[test]
fn registering_again_clears_neither_a_jail_nor_a_bad_reputation() {
    run(|| {
        register(CAROL, STAKE);
        let bad = Reputation::NEW.observe(false).observe(false);
        Workers::<Test>::mutate(CAROL, |worker| {
            let worker = worker.as_mut().unwrap();
            worker.reputation = bad;
            // As if durations had been changed meanwhile: it is never longer than unbonding otherwise.
            worker.jailed_until = Now::get() + UNBONDING + 10;
        });
        assert_ok!(Training::unbond(signed(CAROL)));
        pass(UNBONDING);
        assert_noop!(Training::withdraw(signed(CAROL)), Error::<Test>::Jailed);
        pass(10);
        assert_ok!(Training::withdraw(signed(CAROL)));
        assert_eq!(Records::<Test>::get(CAROL), Some(bad));
        register(CAROL, STAKE);
        assert_eq!(worker(CAROL).reputation, bad, "the record stays with the account");
        assert_eq!(Records::<Test>::get(CAROL), None);
    });
}
