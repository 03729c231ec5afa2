//! What a cheat tries at the chain. Cheats that the state machine alone answers are tests of `sabha-protocol`.

use frame_support::{assert_noop, assert_ok};
use sabha_protocol::{
    Digest, Outcome, UNITS,
    audit::{Audits, seal},
    money,
    round::{Claim, Phase, Verdict, VoidReason},
};

use super::play::*;
use crate::{Error, Event, Rounds, RunStatus, WorkerStatus, mock::*};

const ROUND: sabha_protocol::RoundKey = sabha_protocol::RoundKey { round: 0, attempt: 0 };

/// Exit with stake before the window ends.
#[test]
fn a_stake_cannot_leave_before_everything_that_it_answers_for_is_settled() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        opened(id, ROUND);
        let (owner, _) = holder(id, ROUND, 0);
        assert_ok!(Training::drain(signed(hot(owner))));
        assert_noop!(Training::unbond(signed(owner)), Error::<Test>::StakeInUse);
        commit(id, ROUND, 0, trained(ROUND, 0));
        assert_noop!(Training::unbond(signed(owner)), Error::<Test>::StakeInUse);
        commit(id, ROUND, 1, trained(ROUND, 1));
        commit(id, ROUND, 2, trained(ROUND, 2));
        block(true);
        attest(id, ROUND, all(id));
        aggregate(id, ROUND);
        audited(id, ROUND);
        while Rounds::<Test>::contains_key(id, ROUND) {
            assert!(worker(owner).reserved > 0);
            assert_noop!(Training::unbond(signed(owner)), Error::<Test>::StakeInUse);
            block(true);
        }
        assert_ok!(Training::unbond(signed(owner)));
    });
}

/// Exit with stake before the window ends: by unbonding in time to be drawn as an idle one.
#[test]
fn a_stake_that_unbonds_and_is_drawn_all_the_same_stays_until_that_is_settled() {
    run(|| {
        crowd();
        pass(2 * SESSION);
        for owner in FIRST..FIRST + 10 {
            assert_ok!(Training::unbond(signed(owner)));
        }
        let id = create(&spec(1));
        opened(id, ROUND);
        let (owner, _) = holder(id, ROUND, 0);
        assert!(matches!(worker(owner).status, WorkerStatus::Unbonding { .. }));
        commit(id, ROUND, 0, trained(ROUND, 0));
        pass(UNBONDING);
        // Nobody does anything more: the round waits, and so does the stake.
        assert!(worker(owner).is_bound());
        assert_noop!(Training::withdraw(signed(owner)), Error::<Test>::StakeInUse);
        until(900, || !worker(owner).is_bound());
        pass(8 * SESSION);
        assert_ok!(Training::withdraw(signed(owner)));
    });
}

/// Answer for two slots with one stake.
#[test]
fn no_stake_answers_twice() {
    run(|| {
        // One worker, one ticket: enough for five slots of 20 SBH, but it asks for more.
        register(FIRST, STAKE);
        assert_ok!(Training::update_worker(signed(FIRST), None, None, None, Some(100), None));
        assert_ok!(Training::ready(signed(FIRST)));
        let mut spec = spec(1);
        spec.rounds.slots = 8;
        spec.rounds.quorum = 1;
        spec.audit.auditors = 8;
        spec.stake_per_slot = 60 * UNITS;
        let id = create(&spec);
        until(400, || Rounds::<Test>::contains_key(id, ROUND));
        pass(20);
        assert_eq!(worker(FIRST).reserved, 60 * UNITS);
        assert_eq!(worker(FIRST).training, 1);
    });
}

/// Replay a commitment from another slot, round, run, generation or worker.
#[test]
fn a_commitment_counts_only_where_it_was_drawn_for() {
    run(|| {
        crowd();
        let (a, b) = (create(&spec(2)), create(&spec(2)));
        opened(a, ROUND);
        opened(b, ROUND);
        let (owner, generation) = holder(a, ROUND, 0);
        let outcome = trained(ROUND, 0);
        let theirs = |run, round, slot, generation| {
            Training::commit(signed(hot(owner)), run, round, slot, generation, outcome)
        };
        for slot in 1..3 {
            if holder(a, ROUND, slot).0 != owner {
                assert_noop!(theirs(a, ROUND, slot, generation), Error::<Test>::NotYours);
            }
        }
        if holder(b, ROUND, 0).0 != owner {
            assert_noop!(theirs(b, ROUND, 0, generation), Error::<Test>::NotYours);
        }
        assert_noop!(theirs(a, key(1, 0), 0, generation), Error::<Test>::NoSuchRound);
        assert_noop!(theirs(a, key(0, 1), 0, generation), Error::<Test>::NoSuchRound);
        assert_noop!(theirs(9, ROUND, 0, generation), Error::<Test>::NoSuchRun);
        assert_noop!(theirs(a, ROUND, 3, generation), Error::<Test>::NoSuchSlot);
        assert_noop!(theirs(a, ROUND, 0, generation + 1), Error::<Test>::WrongGeneration);
        // Somebody else sends the same bytes.
        for other in (FIRST..FIRST + 10).filter(|other| *other != owner) {
            let copied = Training::commit(signed(hot(other)), a, ROUND, 0, generation, outcome);
            assert_noop!(copied, Error::<Test>::NotYours);
        }
        assert_noop!(
            Training::commit(signed(BOB), a, ROUND, 0, generation, outcome),
            Error::<Test>::NoSuchWorker
        );
        assert_ok!(theirs(a, ROUND, 0, generation));
        assert_noop!(theirs(a, ROUND, 0, generation), Error::<Test>::WrongState);
    });
}

/// NaN bombs, false divergence of a step that does not exist.
#[test]
fn malformed_outcomes_are_refused() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        opened(id, ROUND);
        let (owner, generation) = holder(id, ROUND, 0);
        let Outcome::Trained(mut commitment) = trained(ROUND, 0) else { panic!("trained") };
        for bad in [f32::NAN, f32::INFINITY] {
            commitment.mean_loss = bad.into();
            let bad = Outcome::Trained(commitment);
            assert_noop!(
                Training::commit(signed(owner), id, ROUND, 0, generation, bad),
                Error::<Test>::MalformedOutcome
            );
        }
        let beyond = sabha_protocol::Divergence { step: 40, instruction: 0, element: 0 };
        assert_noop!(
            Training::commit(signed(owner), id, ROUND, 0, generation, Outcome::Diverged(beyond)),
            Error::<Test>::MalformedOutcome
        );
    });
}

/// Copy another's answer in an audit.
#[test]
fn a_copied_seal_cannot_be_revealed() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        built(id, ROUND);
        seated(id, ROUND);
        let seats = seats(id, ROUND);
        let (first, lazy) = (seats[0], seats[1]);
        assert_ne!(first.1.auditor, lazy.1.auditor);
        let answer = honest(id, ROUND, first.0).unwrap();
        let copied = seal(&answer, &salt(first.0), &first.1.auditor);
        assert_noop!(
            Training::seal(signed(lazy.1.auditor), id, ROUND, first.0, copied),
            Error::<Test>::NotYours
        );
        assert_ok!(Training::seal(signed(first.1.auditor), id, ROUND, first.0, copied));
        assert_noop!(
            Training::seal(signed(first.1.auditor), id, ROUND, first.0, copied),
            Error::<Test>::WrongState
        );
        assert_ok!(Training::seal(signed(lazy.1.auditor), id, ROUND, lazy.0, copied));
        block(true);
        publish_all(id, ROUND);
        assert_ok!(Training::reveal(
            signed(first.1.auditor),
            id,
            ROUND,
            first.0,
            answer,
            salt(first.0),
            false
        ));
        assert_noop!(
            Training::reveal(signed(lazy.1.auditor), id, ROUND, lazy.0, answer, salt(first.0), false),
            Error::<Test>::OtherSeal
        );
        let stake = held(lazy.1.auditor);
        settled(id, ROUND);
        assert!(held(lazy.1.auditor) < stake, "it could not reveal, and pays for it");
    });
}

/// Lazy audit: agree with whatever the worker says, without executing.
#[test]
fn an_auditor_who_agreed_with_what_is_convicted_is_slashed() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        built(id, ROUND);
        audited(id, ROUND);
        let seat = seats(id, ROUND)[0].1;
        let segment = segments(id, ROUND, seat.slot)[0];
        assert_ok!(Training::convict(id, ROUND, seat.slot, Claim::Segment(segment), Some(&BOB)));
        let stake = held(seat.auditor);
        settled(id, ROUND);
        assert!(held(seat.auditor) <= stake - spec(1).audit.auditor_stake);
    });
}

/// Grief with false challenges: the auditor that is found wrong pays, the slot does not.
#[test]
fn an_auditor_that_cries_wolf_is_slashed_and_the_slot_paid() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        built(id, ROUND);
        seated(id, ROUND);
        let wolf = seats(id, ROUND)[0];
        let answer = |place| if place == wolf.0 { Some(Digest([66; 32])) } else { honest(id, ROUND, place) };
        seal_all(id, ROUND, answer);
        publish_all(id, ROUND);
        reveal_all(id, ROUND, answer);
        let (owner, _) = holder(id, ROUND, wolf.1.slot);
        let stake = held(wolf.1.auditor);
        assert_ok!(Training::resolve(id, ROUND, wolf.0, Verdict::AuditorWrong));
        assert_noop!(Training::resolve(id, ROUND, wolf.0, Verdict::AuditorWrong), Error::<Test>::WrongState);
        assert_eq!(held(wolf.1.auditor), stake - spec(1).audit.auditor_stake);
        check();
        settled(id, ROUND);
        assert_eq!(run_of(id).progress.finalised, 1);
        assert!(free(payout(owner)) >= PRICE);
    });
}

/// Challenge after the window.
#[test]
fn nothing_can_be_challenged_or_convicted_after_the_window() {
    run(|| {
        crowd();
        let id = create(&spec(2));
        built(id, ROUND);
        audited(id, ROUND);
        let Phase::Window { until: deadline } = round_of(id, ROUND).phase else { panic!("not built") };
        // No hook: the round is over, but nobody has said so.
        while Now::get() <= deadline {
            block(false);
        }
        assert_noop!(Training::open_challenge(id, ROUND, 0), Error::<Test>::TooLate);
        block(true);
        assert!(Training::convict(id, ROUND, 0, Claim::Other, Some(&BOB)).is_err());
        assert_eq!(burnt(), 0);
    });
}

/// Challenge in the window's last block.
#[test]
fn an_open_challenge_delays_finality_and_a_lost_one_ends_the_delay() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        built(id, ROUND);
        audited(id, ROUND);
        let Phase::Window { until: deadline } = round_of(id, ROUND).phase else { panic!("not built") };
        pass(deadline - Now::get());
        assert_ok!(Training::open_challenge(id, ROUND, 0));
        pass(20);
        assert_eq!(run_of(id).progress.finalised, 0);
        assert_ok!(Training::close_challenge(id, ROUND, 0));
        assert_noop!(Training::close_challenge(id, ROUND, 0), Error::<Test>::WrongState);
        pass(1);
        assert_eq!(run_of(id).progress.finalised, 1);
    });
}

/// Challenge of the aggregation in the window's last block.
#[test]
fn an_open_challenge_of_the_aggregation_delays_finality_and_lapses_if_nobody_ends_it() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        train(id, ROUND);
        assert_noop!(Training::open_root_challenge(id, ROUND), Error::<Test>::WrongPhase);
        attest(id, ROUND, all(id));
        aggregate(id, ROUND);
        audited(id, ROUND);
        let (_, worker) = round_of(id, ROUND).result.unwrap();
        let stake = held(worker);
        let Phase::Window { until: deadline } = round_of(id, ROUND).phase else { panic!("not built") };
        pass(deadline - Now::get());
        assert_ok!(Training::open_root_challenge(id, ROUND));
        assert_ok!(Training::open_root_challenge(id, ROUND));
        pass(20);
        assert_eq!(run_of(id).progress.finalised, 0);
        assert_ok!(Training::close_root_challenge(id, ROUND));
        pass(spec(1).clocks.dispute - 20);
        assert_eq!(round_of(id, ROUND).void, None);
        check();
        pass(1);
        assert!(happened(|event| matches!(event, Event::AggregationLapsed { .. })));
        assert!(happened(|event| matches!(event, Event::RoundVoided { reason: VoidReason::Undecided, .. })));
        check();
        settled(id, ROUND);
        assert_eq!(held(worker), stake, "neither slashed");
        assert_eq!(burnt(), 0);
    });
}

/// Challenge itself to settle cheaply.
#[test]
fn a_cheat_that_convicts_itself_through_a_friend_loses_half_at_least() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        built(id, ROUND);
        let (cheat, _) = holder(id, ROUND, 0);
        let before = held(cheat) + free(cheat) + free(BOB) + free(payout(cheat));
        assert_ok!(Training::convict(id, ROUND, 0, Claim::Other, Some(&BOB)));
        let after = held(cheat) + free(cheat) + free(BOB) + free(payout(cheat));
        let stake = spec(1).stake_per_slot;
        assert!(before - after >= stake / 2 && before - after >= money::split(stake).burnt);
        // Once per obligation.
        assert_noop!(
            Training::convict(id, ROUND, 0, Claim::Segment(0), Some(&BOB)),
            Error::<Test>::WrongState
        );
    });
}

/// Withhold the blob.
#[test]
fn an_update_that_nobody_can_fetch_is_not_paid_and_counts_against_its_worker() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        train(id, ROUND);
        let (owner, _) = holder(id, ROUND, 2);
        let mut two = all(id);
        two.remove(2);
        attest(id, ROUND, two);
        aggregate(id, ROUND);
        audited(id, ROUND);
        let missed = worker(owner).missed;
        settled(id, ROUND);
        assert_eq!(worker(owner).missed, missed + 1);
        let unpaid = sabha_protocol::SlotId { run: id, round: 0, slot: 2 };
        assert!(!happened(|event| matches!(event, Event::SlotPaid { slot, .. } if *slot == unpaid)));
    });
}

/// Attest one's own update.
#[test]
fn no_worker_of_a_round_attests_it_and_none_audits_its_own_slot() {
    for seed in 0..12 {
        run(|| {
            Seed::set(seed);
            crowd();
            let id = create(&spec(1));
            train(id, ROUND);
            let owners: Vec<AccountId> = (0..3).map(|slot| holder(id, ROUND, slot).0).collect();
            assert!(panel(id, ROUND).iter().all(|(_, worker)| !owners.contains(worker)));
            attest(id, ROUND, all(id));
            aggregate(id, ROUND);
            seated(id, ROUND);
            for (_, seat) in seats(id, ROUND) {
                assert_ne!(Some(&seat.auditor), slot_of(id, ROUND, seat.slot).worker());
            }
        });
    }
}

/// Grind the randomness; reorder the eligible set.
#[test]
fn who_joins_or_commits_late_is_in_no_set_that_a_known_word_draws_from() {
    run(|| {
        crowd();
        pass(3 * SESSION);
        let id = create(&spec(1));
        opened(id, ROUND);
        // A rich one joins in the session of the draw: it is in none of the sets that words known by now draw from.
        register(FIRST + 10, 90 * STAKE);
        assert_ok!(Training::ready(signed(hot(FIRST + 10))));
        let joined = Now::get() / SESSION;
        train(id, ROUND);
        assert!(panel(id, ROUND).iter().all(|(_, worker)| *worker != FIRST + 10));
        attest(id, ROUND, all(id));
        let froze = Now::get() / SESSION;
        assert!(froze <= joined + 1);
        let Audits::Waiting { frozen } = round_of(id, ROUND).audits else { panic!("not frozen") };
        assert_eq!(frozen, froze + 1, "drawn with a word that nobody who committed could know");
        aggregate(id, ROUND);
        seated(id, ROUND);
        assert_eq!(Now::get() / SESSION, frozen + sabha_protocol::defaults::DRAW_LAG);
    });
}

/// Publish leaves that the commitment does not bind, or others' answers.
#[test]
fn leaves_that_are_not_the_commitments_are_refused() {
    run(|| {
        crowd();
        let id = create(&spec(1));
        built(id, ROUND);
        seated(id, ROUND);
        let slot = round_of(id, ROUND).unanswered.nth(0).unwrap();
        let right = || openings(id, ROUND, slot, &roots(ROUND, slot));
        assert_noop!(Training::publish(signed(BOB), id, ROUND, slot, right()), Error::<Test>::WrongState,);
        seal_all(id, ROUND, |place| honest(id, ROUND, place));
        let wrong = |leaves: Vec<sabha_protocol::audit::Opening>| {
            let leaves: crate::Leaves = leaves.try_into().unwrap();
            Training::publish(signed(BOB), id, ROUND, slot, leaves)
        };
        let mut swapped = right().into_inner();
        swapped.reverse();
        assert_noop!(wrong(swapped), Error::<Test>::WrongLeaves);
        assert_noop!(wrong(Vec::new()), Error::<Test>::WrongLeaves);
        let mut long = right().into_inner();
        long[0].path.push(Digest([1; 32]));
        assert_noop!(wrong(long), Error::<Test>::WrongLeaves);
        let others = openings(id, ROUND, slot, &roots(ROUND, slot + 1)).into_inner();
        assert_noop!(wrong(others), Error::<Test>::WrongLeaves);
        assert_ok!(Training::publish(signed(BOB), id, ROUND, slot, right()));
    });
}

/// Stall: with nobody but the clock at work, a run whose every worker is silent ends as it must.
#[test]
fn silence_stops_no_run_from_ending() {
    run(|| {
        crowd();
        let id = create(&spec(2));
        built(id, ROUND);
        until(1_500, || run_of(id).pause().is_some());
        assert_ok!(Training::stop_run(RuntimeOrigin::root(), id));
        until(400, || run_of(id).status == RunStatus::Stopped);
    });
}
