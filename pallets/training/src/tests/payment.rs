//! Payment: when, how much, to whom, and what happens if an account cannot take it.

use frame_support::{assert_noop, assert_ok};
use sabha_protocol::SlotId;

use crate::{Error, Event, OpenRuns, RunStatus, Slots, Specs, mock::*};

#[test]
fn a_slot_is_paid_once_after_its_window_to_the_payout_account() {
    run(|| {
        let id = assigned(2);
        commit(id, 0);
        pass(WINDOW - 1);
        poke(id);
        assert_eq!(free(PAY), 0, "the window is open; the poke assigned the next slot");
        pass(1);
        events();
        poke(id);
        let slot = SlotId { run: id, round: 0, slot: 0 };
        assert_eq!(
            events(),
            [
                Event::SlotFinalised { slot, generation: 0, worker: BOB, outcome: trained(0) },
                Event::WorkerPaid { worker: BOB, to: PAY, amount: PRICE },
            ]
        );
        assert_eq!((free(PAY), run_of(id).paid, run_of(id).escrow), (PRICE, PRICE, PRICE));
        assert_eq!((worker(BOB).completed, worker(BOB).outstanding), (1, 0));
        assert_noop!(Training::poke(signed(DAVE), id), Error::<Test>::NothingDue);
    });
}

#[test]
fn a_completed_run_leaves_its_record_and_returns_what_is_left() {
    run(|| {
        ready(BOB);
        assert_ok!(Training::create_run(signed(ALICE), Box::new(spec(2)), 2 * PRICE + 9));
        for round in 0..2 {
            poke(0);
            commit(0, round);
        }
        pass(WINDOW);
        events();
        poke(0);
        let events = events();
        assert_eq!(
            events[events.len() - 2..],
            [
                Event::RunCompleted { run: 0, checkpoint: Some(update(1)), paid: 2 * PRICE },
                Event::BudgetRefunded { run: 0, owner: ALICE, amount: 9 },
            ]
        );
        assert_eq!((free(PAY), free(ALICE)), (2 * PRICE, ENDOWMENT - 2 * PRICE));
        assert_eq!(free(Training::account_id()), ED);
        assert_eq!((Slots::<Test>::iter().count(), Specs::<Test>::iter().count()), (0, 0));
        assert_eq!((run_of(0).status, OpenRuns::<Test>::get()), (RunStatus::Completed, 0));
        assert_noop!(Training::poke(signed(DAVE), 0), Error::<Test>::NothingDue);
    });
}

#[test]
fn rounds_become_final_in_order() {
    run(|| {
        let id = assigned(3);
        commit(id, 0);
        pass(10);
        poke(id);
        commit(id, 1);
        pass(WINDOW - 10);
        poke(id);
        assert_eq!((run_of(id).finalised, free(PAY)), (1, PRICE));
        pass(10);
        poke(id);
        assert_eq!((run_of(id).finalised, free(PAY)), (2, 2 * PRICE));
    });
}

#[test]
fn a_new_payout_account_gets_what_becomes_due_later() {
    run(|| {
        let id = assigned(1);
        commit(id, 0);
        assert_ok!(Training::update_worker(signed(BOB), None, Some(77), None, None));
        pass(WINDOW);
        poke(id);
        assert_eq!((free(PAY), free(77)), (0, PRICE));
    });
}

#[test]
fn a_payout_account_that_overflows_gives_way_to_the_owner() {
    run(|| {
        // No payment above the existential deposit can fail but by overflow of the receiver's balance.
        let id = assigned(1);
        commit(id, 0);
        pass(WINDOW);
        let huge = u128::MAX - PRICE / 2;
        frame_system::Account::<Test>::mutate(PAY, |account| {
            account.providers = 1;
            account.data.free = huge;
        });
        events();
        poke(id);
        assert!(events().contains(&Event::WorkerPaid { worker: BOB, to: BOB, amount: PRICE }));
        assert_eq!(free(BOB), ENDOWMENT - STAKE + PRICE);
        frame_system::Account::<Test>::remove(PAY);
    });
}

#[test]
fn what_nobody_can_take_is_owed_and_goes_with_the_next_payment() {
    run(|| {
        let id = assigned(2);
        commit(id, 0);
        pass(WINDOW);
        let before = frame_system::Account::<Test>::get(BOB);
        for who in [PAY, BOB] {
            frame_system::Account::<Test>::mutate(who, |account| {
                account.providers = 1;
                account.data.free = u128::MAX - PRICE / 2;
            });
        }
        events();
        poke(id);
        assert!(events().contains(&Event::PaymentOwed { worker: BOB, owed: PRICE }));
        assert_eq!((worker(BOB).owed, run_of(id).paid), (PRICE, PRICE));
        frame_system::Account::<Test>::remove(PAY);
        frame_system::Account::<Test>::insert(BOB, before);
        check();
        commit(id, 1);
        pass(WINDOW);
        poke(id);
        assert_eq!((free(PAY), worker(BOB).owed), (2 * PRICE, 0));
    });
}

#[test]
fn what_is_owed_is_paid_with_the_withdrawal_at_the_latest() {
    run(|| {
        let id = assigned(1);
        commit(id, 0);
        pass(WINDOW);
        let before = frame_system::Account::<Test>::get(BOB);
        for who in [PAY, BOB] {
            frame_system::Account::<Test>::mutate(who, |account| {
                account.providers = 1;
                account.data.free = u128::MAX - PRICE / 2;
            });
        }
        poke(id);
        frame_system::Account::<Test>::remove(PAY);
        frame_system::Account::<Test>::insert(BOB, before);
        assert_ok!(Training::unbond(signed(BOB)));
        pass(UNBONDING);
        events();
        assert_ok!(Training::withdraw(signed(BOB)));
        assert!(events().contains(&Event::WorkerPaid { worker: BOB, to: PAY, amount: PRICE }));
        assert_eq!((free(PAY), held(BOB)), (PRICE, 0));
    });
}
