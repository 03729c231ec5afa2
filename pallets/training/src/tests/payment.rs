//! Payment: to whom, and what happens if an account cannot take it; slashes and where they go.

use frame_support::{
    assert_ok,
    traits::{LockIdentifier, LockableCurrency, WithdrawReasons},
};
use sabha_protocol::{
    Digest, UNITS,
    audit::Audits,
    pool::{PoolId, RewardPools},
    round::{Claim, Verdict},
};

use super::play::*;
use crate::{Event, RunStatus, mock::*};

const ROUND: sabha_protocol::RoundKey = sabha_protocol::RoundKey { round: 0, attempt: 0 };

/// A run of one round whose first slot the returned worker has committed, about to be paid.
fn nearly_paid() -> (u32, AccountId) {
    crowd();
    let id = create(&spec(1));
    opened(id, ROUND);
    let (owner, _) = holder(id, ROUND, 0);
    built(id, ROUND);
    audited(id, ROUND);
    (id, owner)
}

#[test]
fn a_new_payout_account_gets_what_becomes_due_later() {
    run(|| {
        let (id, owner) = nearly_paid();
        assert_ok!(Training::update_worker(signed(owner), None, Some(77), None, None, None));
        settled(id, ROUND);
        assert!(free(77) >= PRICE && free(payout(owner)) == 0);
    });
}

/// The payout account cannot be made: what it gets is below the existential deposit. The owner's takes it.
#[test]
fn a_payout_account_that_cannot_take_it_gives_way_to_the_owner() {
    run(|| {
        crowd();
        let mut spec = spec(1);
        spec.audit.attester_price = ED / 2;
        let id = create(&spec);
        built(id, ROUND);
        let attesters: Vec<AccountId> =
            crate::Attesters::<Test>::iter_values().map(|attester| attester.worker).collect();
        audited(id, ROUND);
        settled(id, ROUND);
        let small = |event: &Event<Test>| matches!(event, Event::WorkerPaid { worker, to, amount } if *amount == ED / 2 && to == worker && attesters.contains(worker));
        assert!(happened(small) || attesters.iter().all(|owner| free(payout(*owner)) > ED));
    });
}

#[test]
fn what_nobody_can_take_is_owed_and_paid_with_the_withdrawal_at_the_latest() {
    run(|| {
        crowd();
        let owner = FIRST;
        // As a payment that neither account could take leaves it.
        crate::Workers::<Test>::mutate(owner, |worker| worker.as_mut().unwrap().owed = UNITS);
        assert_ok!(Balances::transfer_allow_death(signed(ALICE), Training::account_id(), UNITS));
        check();
        assert_ok!(Training::unbond(signed(owner)));
        pass(UNBONDING);
        assert_ok!(Training::withdraw(signed(owner)));
        assert_eq!(free(payout(owner)), UNITS);
    });
}

#[test]
fn a_payment_that_overflows_both_accounts_is_owed() {
    ext().execute_with(|| {
        crowd();
        let mut worker = worker(FIRST);
        for who in [FIRST, payout(FIRST)] {
            frame_system::Account::<Test>::mutate(who, |account| {
                account.providers = 1;
                account.data.free = u128::MAX - UNITS;
            });
        }
        let pot = Training::account_id();
        assert_ok!(Balances::transfer_allow_death(signed(ALICE), pot, 10 * UNITS));
        Training::pay_worker(&FIRST, &mut worker, 5 * UNITS);
        assert_eq!(worker.owed, 5 * UNITS);
        assert!(happened(|event| *event == Event::PaymentOwed { worker: FIRST, owed: 5 * UNITS }));
        // It goes with the next one.
        for who in [FIRST, payout(FIRST)] {
            frame_system::Account::<Test>::mutate(who, |account| account.data.free = UNITS);
        }
        Training::pay_worker(&FIRST, &mut worker, UNITS);
        assert_eq!((worker.owed, free(payout(FIRST))), (0, 7 * UNITS));
    });
}

#[test]
fn a_refund_that_the_owner_cannot_take_waits_for_a_poke() {
    run(|| {
        let id = create(&spec(1));
        let before = frame_system::Account::<Test>::get(ALICE);
        frame_system::Account::<Test>::mutate(ALICE, |account| account.data.free = u128::MAX - UNITS);
        assert_ok!(Training::stop_run(RuntimeOrigin::root(), id));
        pass(1);
        assert!(happened(|event| matches!(event, Event::RefundWaits { .. })));
        assert_eq!((run_of(id).status, run_of(id).refunded), (RunStatus::Stopped, 0));
        assert!(run_of(id).progress.escrow > 0);
        frame_system::Account::<Test>::insert(ALICE, before);
        assert_eq!(Training::due(id), 1);
        poke(id);
        assert_eq!((run_of(id).progress.escrow, free(ALICE)), (0, ENDOWMENT));
        assert_eq!(Training::due(id), 0);
    });
}

/// Two auditors differ from a slot; the dispute finds that they were right.
#[test]
fn a_slash_goes_where_it_must_to_the_unit() {
    run(|| {
        crowd();
        let mut spec = spec(1);
        spec.rounds.slots = 1;
        spec.rounds.quorum = 1;
        spec.stake_per_slot = 20 * UNITS + 7;
        let id = create(&spec);
        opened(id, ROUND);
        let (cheat, _) = holder(id, ROUND, 0);
        let noise = |leaf: u8| Digest::of(&[leaf, 99]);
        let fake: Vec<Digest> = (0..5).map(noise).collect();
        commit(id, ROUND, 0, sabha_protocol::Outcome::Trained(commitment(&fake)));
        block(true);
        attest(id, ROUND, all(id));
        aggregate(id, ROUND);
        seated(id, ROUND);
        seal_all(id, ROUND, |place| honest(id, ROUND, place));
        assert_ok!(Training::publish(signed(BOB), id, ROUND, 0, openings(id, ROUND, 0, &fake)));
        block(true);
        reveal_all(id, ROUND, |place| honest(id, ROUND, place));
        assert_eq!(Opened::get().len(), 2);
        let seats = seats(id, ROUND);
        let challenger = seats[0].1.auditor;
        let (escrow, stake) = (run_of(id).progress.escrow, held(cheat));
        let paid_before = free(payout(challenger));
        let segment = segments(id, ROUND, 0)[0];
        let verdict = Verdict::WorkerWrong(Claim::Segment(segment));
        assert_ok!(Training::resolve(id, ROUND, seats[0].0, verdict));
        check();
        let whole = spec.stake_per_slot;
        let parts = sabha_protocol::money::split(whole);
        assert_eq!(stake - held(cheat), whole);
        assert_eq!(burnt(), parts.burnt);
        assert!(parts.burnt * 2 >= whole);
        assert_eq!(run_of(id).kept, parts.auditors);
        assert_eq!(run_of(id).progress.escrow - escrow, parts.escrow);
        assert_eq!(free(payout(challenger)) - paid_before, parts.challenger);
        // Settled: each auditor has its price and its half of what was kept.
        let before = free(payout(seats[1].1.auditor));
        settled(id, ROUND);
        if seats[0].1.auditor != seats[1].1.auditor {
            assert!(
                free(payout(seats[1].1.auditor)) - before >= parts.auditors / 2 + spec.audit.auditor_price
            );
        }
        assert_eq!(run_of(id).kept, 0);
    });
}

/// Cheat: lock a stake by voting with it.
#[test]
fn neither_a_lock_nor_a_freeze_shields_a_stake() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        opened(id, ROUND);
        let (cheat, _) = holder(id, ROUND, 0);
        commit(id, ROUND, 0, trained(ROUND, 0));
        let id_of_lock: LockIdentifier = *b"pyconvot";
        let all = free(cheat) + held(cheat);
        Balances::set_lock(id_of_lock, &cheat, all, WithdrawReasons::all());
        // Everything is locked: it can spend nothing.
        assert!(Balances::transfer_allow_death(signed(cheat), BOB, UNITS).is_err());
        let stake = held(cheat);
        assert_ok!(Training::convict(id, ROUND, 0, Claim::Other, Some(&BOB)));
        assert_eq!(held(cheat), stake - spec(1).stake_per_slot);
        Balances::remove_lock(id_of_lock, &cheat);
    });
}

#[test]
fn shares_are_recorded_for_what_is_in_a_final_checkpoint_only() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        train(id, ROUND);
        let mut two = all(id);
        two.remove(2);
        attest(id, ROUND, two);
        aggregate(id, ROUND);
        let owners: Vec<AccountId> = (0..3).map(|slot| holder(id, ROUND, slot).0).collect();
        audited(id, ROUND);
        settled(id, ROUND);
        let pool = PoolId::Compute(id);
        let record = pallet_sabha_reward_pool::Pools::<Test>::get(pool).expect("it is there");
        assert_eq!((record.shares, record.open), (2, true));
        assert!(owners[..2].iter().all(|owner| RewardPool::shares(pool, owner) >= 1));
        let paid = spec(1).round_cost() - PRICE;
        assert_eq!(run_of(id).paid, paid, "the third is not paid: nobody could fetch its update");
    });
}

/// A run whose data only its owner has: no auditor can answer, and each is slashed. The owner gains nothing by it.
#[test]
fn what_slashed_auditors_bring_is_burnt_if_nothing_is_run_again() {
    run(|| {
        crowd();
        let (id, before) = (create(&spec(1)), burnt());
        built(id, ROUND);
        seated(id, ROUND);
        let seats = seats(id, ROUND).len() as u128;
        until(100, || !matches!(round_of(id, ROUND).audits, Audits::Sealing { .. }));
        publish_all(id, ROUND);
        until(900, || run_of(id).status == RunStatus::Completed);
        let record = run_of(id);
        assert!(seats > 0 && happened(|event| matches!(event, Event::SurplusBurnt { .. })));
        assert_eq!(burnt() - before, seats * spec(1).audit.auditor_stake, "all of it, not half");
        assert_eq!((record.regained, record.progress.escrow, record.kept), (0, 0, 0));
        assert_eq!(free(ALICE), ENDOWMENT - record.paid);
        check();
    });
}
