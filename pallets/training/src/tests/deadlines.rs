//! What happens when somebody does not do its part in time: each phase goes on.

use frame_support::{assert_noop, assert_ok};
use sabha_protocol::{
    UNITS,
    audit::Audits,
    defaults::{PANELS, TURNS},
    round::{Fault, Pause, Phase, SlotState, VoidReason},
};

use super::play::*;
use crate::{Device, Error, Event, Rounds, RunStatus, Slots, mock::*};

const FIRST_TRY: sabha_protocol::RoundKey = sabha_protocol::RoundKey { round: 0, attempt: 0 };

fn voided(reason: VoidReason) -> bool {
    happened(|event| matches!(event, Event::RoundVoided { reason: why, .. } if *why == reason))
}

#[test]
fn a_slot_whose_worker_is_late_goes_to_the_next_one() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        opened(id, FIRST_TRY);
        let (late, generation) = holder(id, FIRST_TRY, 0);
        let SlotState::Assigned { until: deadline, .. } = slot_of(id, FIRST_TRY, 0).state else { panic!() };
        commit(id, FIRST_TRY, 1, trained(FIRST_TRY, 1));
        pass(deadline - Now::get());
        assert_eq!(holder(id, FIRST_TRY, 0), (late, generation), "the deadline's own block is in time");
        let reserved = worker(late).reserved;
        block(true);
        let (next, after) = holder(id, FIRST_TRY, 0);
        assert_eq!(after, generation + 1);
        if next != late {
            assert_eq!(worker(late).reserved, reserved - spec(1).stake_per_slot);
        }
        assert_eq!(worker(late).missed, 1);
        let old = Training::commit(signed(late), id, FIRST_TRY, 0, generation, trained(FIRST_TRY, 0));
        let error = if next == late { Error::<Test>::WrongGeneration } else { Error::<Test>::NotYours };
        assert_noop!(old, error);
        commit(id, FIRST_TRY, 0, trained(FIRST_TRY, 0));
        assert_eq!(Slots::<Test>::iter().count(), 3);
    });
}

#[test]
fn a_round_with_too_few_commitments_is_voided_and_run_again_and_pays_what_was_done() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        opened(id, FIRST_TRY);
        let (diligent, _) = holder(id, FIRST_TRY, 0);
        commit(id, FIRST_TRY, 0, trained(FIRST_TRY, 0));
        until(200, || run_of(id).progress.next.attempt == 1);
        assert!(voided(VoidReason::TooFew));
        // The one commitment is attested, audited and paid, while the next attempt runs.
        until(300, || {
            do_duties();
            !Rounds::<Test>::contains_key(id, FIRST_TRY)
        });
        assert!(free(payout(diligent)) >= PRICE);
        until(500, || {
            do_duties();
            run_of(id).status == RunStatus::Completed
        });
        assert_eq!(run_of(id).progress.next.attempt, 1);
    });
}

#[test]
fn three_voids_in_a_row_pause_the_run_until_it_is_resumed() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        until(1_500, || run_of(id).pause().is_some());
        assert_eq!(run_of(id).pause(), Some(Pause::Voids(VoidReason::TooFew)));
        assert!(happened(|event| matches!(event, Event::RunPaused { reason: Pause::Voids(_), .. })));
        assert_ok!(Training::resume_run(RuntimeOrigin::root(), id));
        until(100, || run_of(id).progress.building);
    });
}

#[test]
fn the_majority_of_those_who_report_in_time_decides_which_updates_count() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        train(id, FIRST_TRY);
        let panel = panel(id, FIRST_TRY);
        assert_eq!(panel.len(), 3);
        let mut two = all(id);
        two.remove(2);
        for (place, worker) in &panel[..2] {
            assert_ok!(Training::report(signed(hot(*worker)), id, FIRST_TRY, *place, two));
            assert_noop!(
                Training::report(signed(hot(*worker)), id, FIRST_TRY, *place, two),
                Error::<Test>::WrongState
            );
        }
        pass(12);
        let round = round_of(id, FIRST_TRY);
        assert_eq!((round.accepted, round.void), (two, None));
        assert!(matches!(round.phase, Phase::Aggregating { .. }));
        assert_noop!(
            Training::report(signed(hot(panel[2].1)), id, FIRST_TRY, panel[2].0, two),
            Error::<Test>::WrongPhase
        );
    });
}

#[test]
fn if_no_panel_reports_the_round_is_voided() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        train(id, FIRST_TRY);
        let attesting: u32 = (FIRST..FIRST + 10).map(|owner| worker(owner).attesting).sum();
        assert_eq!(attesting, 3);
        until(30, || matches!(round_of(id, FIRST_TRY).phase, Phase::Availability { panel: 1, .. }));
        until(30, || round_of(id, FIRST_TRY).void.is_some());
        assert_eq!(round_of(id, FIRST_TRY).void, Some(VoidReason::Unattested));
        let attesting: u32 = (FIRST..FIRST + 10).map(|owner| worker(owner).attesting).sum();
        assert_eq!(attesting, 3 * u32::from(PANELS));
    });
}

#[test]
fn an_aggregator_that_is_late_loses_its_turn_and_the_round_is_voided_after_the_last() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        train(id, FIRST_TRY);
        attest(id, FIRST_TRY, all(id));
        let late = aggregator(id, FIRST_TRY).expect("somebody's turn");
        pass(11);
        let next = aggregator(id, FIRST_TRY).expect("somebody's turn");
        if next != late {
            assert_noop!(
                Training::post_root(signed(late), id, FIRST_TRY, checkpoint(FIRST_TRY)),
                Error::<Test>::NotYours
            );
        }
        assert!(worker(late).missed > 0);
        pass(12 * u32::from(TURNS));
        assert_eq!(round_of(id, FIRST_TRY).void, Some(VoidReason::NoRoot));
        let reserved: u128 = (FIRST..FIRST + 10).map(|owner| worker(owner).reserved).sum();
        assert!(reserved >= 3 * spec(1).stake_per_slot, "the slots' stakes still answer");
    });
}

#[test]
fn an_auditor_that_does_not_seal_or_not_reveal_is_slashed() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        built(id, FIRST_TRY);
        seated(id, FIRST_TRY);
        let seats = seats(id, FIRST_TRY);
        assert_eq!(seats.len(), 2);
        // The first seals and does not reveal, the second does not even seal.
        seal_all(id, FIRST_TRY, |place| honest(id, FIRST_TRY, place).filter(|_| place == seats[0].0));
        pass(20);
        publish_all(id, FIRST_TRY);
        assert!(matches!(round_of(id, FIRST_TRY).audits, Audits::Revealing { .. }));
        pass(11);
        let round = round_of(id, FIRST_TRY);
        assert!(round.audits == Audits::Done && round.extended, "too few make the window longer");
        settled(id, FIRST_TRY);
        assert_eq!(run_of(id).progress.finalised, 1, "never the round stuck");
        let stakes: u128 = (FIRST..FIRST + 10).map(held).sum();
        let lost = 2 * spec(1).audit.auditor_stake;
        assert_eq!(stakes, 10 * 2 * STAKE - lost);
        assert_eq!(burnt(), lost, "nothing was run again for what came to the escrow");
    });
}

#[test]
fn a_slot_whose_leaves_are_not_published_is_convicted() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        built(id, FIRST_TRY);
        seated(id, FIRST_TRY);
        seal_all(id, FIRST_TRY, |place| honest(id, FIRST_TRY, place));
        let missing = round_of(id, FIRST_TRY).unanswered.nth(0).expect("an audited slot");
        let (guilty, _) = holder(id, FIRST_TRY, missing);
        let stake = held(guilty);
        for slot in round_of(id, FIRST_TRY).unanswered.iter().skip(1).collect::<Vec<_>>() {
            let leaves = openings(id, FIRST_TRY, slot, &roots(FIRST_TRY, slot));
            assert_ok!(Training::publish(signed(BOB), id, FIRST_TRY, slot, leaves));
        }
        pass(12);
        assert_eq!(slot_of(id, FIRST_TRY, missing).checks.fault, Some(Fault::LeavesMissing));
        assert_eq!(round_of(id, FIRST_TRY).void, Some(VoidReason::Convicted));
        assert_eq!(held(guilty), stake - spec(1).stake_per_slot);
        check();
        // Those who audited it revealed in vain, and are paid.
        reveal_all(id, FIRST_TRY, |place| honest(id, FIRST_TRY, place));
        settled(id, FIRST_TRY);
        assert_eq!(run_of(id).kept, 0);
    });
}

#[test]
fn a_disagreement_that_nobody_decides_lapses_and_neither_side_is_paid_or_slashed() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        built(id, FIRST_TRY);
        seated(id, FIRST_TRY);
        let liar = seats(id, FIRST_TRY)[0];
        let answer = |place| {
            if place == liar.0 {
                Some(sabha_protocol::Digest([66; 32]))
            } else {
                honest(id, FIRST_TRY, place)
            }
        };
        seal_all(id, FIRST_TRY, answer);
        publish_all(id, FIRST_TRY);
        reveal_all(id, FIRST_TRY, answer);
        let opened = Opened::get();
        assert_eq!(opened.len(), 1);
        let (run, round, place, slot, auditor, until_then) = opened[0];
        assert_eq!((run, round, place, slot, auditor), (id, FIRST_TRY, liar.0, liar.1.slot, liar.1.auditor));
        pass(until_then - Now::get());
        assert_eq!(round_of(id, FIRST_TRY).disagreements, 1, "the window alone does not end it");
        block(true);
        assert!(voided(VoidReason::Undecided));
        settled(id, FIRST_TRY);
        assert_eq!(burnt(), 0);
        assert!(!happened(|event| matches!(event, Event::SlotPaid { slot: paid, .. } if paid.slot == slot)));
    });
}

#[test]
fn nothing_of_a_window_is_paid_before_it_has_passed() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        built(id, FIRST_TRY);
        let Phase::Window { until: deadline } = round_of(id, FIRST_TRY).phase else { panic!("not built") };
        audited(id, FIRST_TRY);
        pass(deadline.saturating_sub(Now::get()));
        assert_eq!(run_of(id).paid, 0);
        pass(1);
        assert_eq!(run_of(id).paid, spec(1).round_cost());
    });
}

/// Nothing needs the hook: pokes alone do it all.
#[test]
fn pokes_alone_bring_a_run_to_its_end() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        let mut blocks = 0;
        while !run_of(id).status.is_over() {
            block(false);
            super::play::duties_once();
            let due = Training::due(id);
            let done = Training::poke(signed(BOB), id);
            assert_eq!(done.is_ok(), due > 0, "the view function tells what a poke would do");
            blocks += 1;
            assert!(blocks < 500);
        }
        let refused = |id| Training::poke(signed(BOB), id).map_err(|refusal| refusal.error);
        assert_eq!(refused(id), Err(Error::<Test>::NothingDue.into()));
        assert_eq!(refused(7), Err(Error::<Test>::NoSuchRun.into()));
    });
}

/// One try is one, also for slots that one block cannot give out all of.
#[test]
fn a_large_round_with_one_try_gives_out_every_slot() {
    run(|| {
        for owner in FIRST..FIRST + 10 {
            let stake = 30 * STAKE;
            assert_ok!(Training::register(
                signed(owner),
                hot(owner),
                payout(owner),
                Device::Cpu,
                64,
                Default::default(),
                stake
            ));
            assert_ok!(Training::ready(signed(hot(owner))));
        }
        let mut spec = spec(1);
        (spec.rounds.slots, spec.rounds.quorum, spec.rounds.tries) = (200, 100, 1);
        (spec.price_per_slot, spec.stake_per_slot) = (UNITS / 2, 20 * UNITS);
        (spec.audit.auditors, spec.audit.auditor_price) = (64, UNITS / 4);
        let id = create(&spec);
        until(200, || Rounds::<Test>::contains_key(id, FIRST_TRY));
        pass(sabha_protocol::defaults::ASSIGNMENT);
        let assigned = |slot: &u16| matches!(slot_of(id, FIRST_TRY, *slot).state, SlotState::Assigned { .. });
        assert_eq!((0..200).filter(assigned).count(), 200);
        (0..200).for_each(|slot| commit(id, FIRST_TRY, slot, trained(FIRST_TRY, slot)));
        until(20, || matches!(round_of(id, FIRST_TRY).phase, Phase::Availability { .. }));
        assert_eq!(round_of(id, FIRST_TRY).committed.len(), 200);
    });
}

/// Whose turn it is when the weight limit interrupts a run: its own once more, then the next one's.
#[test]
fn a_run_that_the_limit_interrupts_goes_on_first_and_starves_nobody() {
    use crate::{NextTurn, Pass, Passes, WeightInfo};
    use frame_support::{
        storage::{TransactionOutcome, with_transaction_unchecked},
        weights::WeightMeter,
    };

    run(|| {
        crowd();
        pass(SESSION);
        let mut spec = spec(1);
        (spec.rounds.slots, spec.audit.auditors) = (20, 10);
        (0..3).for_each(|_| {
            create(&spec);
        });
        // Their sets are frozen, and drawn from two sessions later.
        block(true);
        let ready = (Now::get() / SESSION + 2) * SESSION;
        pass(ready - 1 - Now::get());
        block(false);
        NextTurn::<Test>::put(0);
        let [first, second] = with_transaction_unchecked(|| {
            let whole = [0, 1].map(|id| {
                let mut meter = WeightMeter::new();
                assert!(Training::advance(id, &mut meter, sabha_protocol::defaults::TURN).complete);
                meter.consumed()
            });
            TransactionOutcome::Rollback(whole)
        });
        assert!(!second.all_lte(Training::least() * 2), "it can be interrupted twice");
        let (agenda, turn) = (<()>::agenda(), <()>::turn());
        let work = |limit| {
            let mut meter = WeightMeter::with_limit(limit);
            Training::work(&mut meter);
        };
        let waiting = || Passes::<Test>::iter().map(|(id, _)| id).collect::<Vec<_>>();
        let opened = || (0..3).filter(|id| Rounds::<Test>::contains_key(*id, FIRST_TRY)).collect::<Vec<_>>();
        work(agenda + turn + first + Training::least());
        assert_eq!((opened(), waiting()), (vec![0, 1], vec![1]), "the second is interrupted");
        assert_eq!(NextTurn::<Test>::get(), 1, "and goes on first");
        let before = Passes::<Test>::get(1).map(|Pass { place, .. }| place);
        block(false);
        work(agenda + Training::least());
        assert_eq!(waiting(), [1], "interrupted again");
        assert_ne!(Passes::<Test>::get(1).map(|Pass { place, .. }| place), before);
        assert_eq!(NextTurn::<Test>::get(), 2, "the third does not wait for it any longer");
        block(false);
        work(agenda + turn + first);
        assert_eq!(opened(), [0, 1, 2]);
        pass(2);
        assert!(waiting().is_empty());
    });
}
