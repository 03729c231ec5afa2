//! Aggregators and their deadlines.

use super::*;
use crate::{
    defaults::TURNS,
    round::{Claim, RoundError, VoidReason},
};

fn aggregator(board: &Board) -> Option<Member> {
    match round(board, key(0, 0)).phase {
        Phase::Aggregating { aggregator, .. } => aggregator,
        _ => None,
    }
}

fn accepted(board: &mut Board) {
    train(board, key(0, 0));
    let got = all(board);
    attest(board, key(0, 0), got);
}

#[test]
fn an_aggregator_that_misses_its_deadline_makes_way_for_the_next_drawn_one() {
    let mut board = board();
    accepted(&mut board);
    let first = aggregator(&board).unwrap();
    let reserved = board.workers[&first].reserved;
    board.now += board.terms.clocks.aggregation + 1;
    board.poke();
    let Phase::Aggregating { turn, .. } = round(&board, key(0, 0)).phase else { panic!("it aggregates") };
    assert_eq!(turn, 1);
    assert!(logged(&board, key(0, 0), |effect| *effect == Effect::Observe { worker: first, good: false }));
    let second = aggregator(&board).unwrap();
    assert!(second == first || board.workers[&first].reserved == reserved - board.terms.stake);
    if second != first {
        let error = board.post_root(key(0, 0), first, checkpoint(key(0, 0))).unwrap_err();
        assert_eq!(error, RoundError::NotYours.into());
    }
    aggregate(&mut board, key(0, 0));
    audited(&mut board, key(0, 0));
    let earned = board.workers[&second].earned;
    settled(&mut board, key(0, 0));
    assert!(board.workers[&second].earned >= earned + board.terms.rounds.aggregator_price);
}

#[test]
fn without_any_root_the_round_is_voided() {
    let mut board = board();
    accepted(&mut board);
    for _ in 0..TURNS {
        assert_eq!(round(&board, key(0, 0)).void, None);
        board.now += board.terms.clocks.aggregation + 1;
        board.poke();
    }
    assert_eq!(round(&board, key(0, 0)).void, Some(VoidReason::NoRoot));
    assert_eq!(board.progress.next, key(0, 1));
}

#[test]
fn a_root_too_late_is_refused() {
    let mut board = board();
    accepted(&mut board);
    let worker = aggregator(&board).unwrap();
    board.now += board.terms.clocks.aggregation + 1;
    let error = board.post_root(key(0, 0), worker, checkpoint(key(0, 0))).unwrap_err();
    assert_eq!(error, RoundError::TooLate.into());
}

/// Cheat: aggregate falsely, or leave an update out. The dispute finds it; here it costs the aggregator its stake, once.
#[test]
fn a_false_root_is_slashed_and_the_run_returns_to_the_last_good_checkpoint() {
    let mut board = board();
    let total = board.total();
    built(&mut board, key(0, 0));
    let (_, worker) = round(&board, key(0, 0)).result.unwrap();
    let stake = board.workers[&worker].stake;
    board.convict_aggregator(key(0, 0), Some(9)).unwrap();
    assert_eq!(board.workers[&worker].stake, stake - board.terms.stake);
    assert_eq!(board.progress.tip, None);
    assert_eq!(round(&board, key(0, 0)).void, Some(VoidReason::FalseRoot));
    assert!(board.convict_aggregator(key(0, 0), Some(9)).is_err(), "once per obligation");
    audited(&mut board, key(0, 0));
    let escrow = board.progress.escrow;
    settled(&mut board, key(0, 0));
    let paid = escrow - board.progress.escrow;
    assert_eq!(paid, board.terms.round_cost - board.terms.rounds.aggregator_price, "all others are paid");
    assert_eq!(board.total(), total);
}

/// Cheat: have the poisoned update accepted, and then lose on purpose while an honest aggregator is at work on it: what it posts must not
/// become the run's checkpoint.
#[test]
fn a_slot_found_at_fault_while_it_is_aggregated_makes_no_checkpoint() {
    const KEY: RoundKey = RoundKey { round: 0, attempt: 0 };
    let convict = |board: &mut Board| board.convict(KEY, 0, Claim::Other, Some(9)).unwrap();
    let lapse = |board: &mut Board| {
        board.now = board.slots[&(KEY, 0)].checks.lapses + 1;
        board.poke();
    };
    let leaves = |board: &mut Board| {
        // The audits are over before the aggregation is.
        until(board, 200, |board| round(board, KEY).void.is_some());
    };
    type Case<'a> = (&'a str, VoidReason, &'a dyn Fn(&mut Board));
    let cases: [Case<'_>; 3] = [
        ("convict", VoidReason::Convicted, &convict),
        ("lapse", VoidReason::Undecided, &lapse),
        ("leaves", VoidReason::Convicted, &leaves),
    ];
    for (name, reason, end) in cases {
        let mut spec = spec();
        spec.clocks.aggregation = 1_000;
        let mut board = board_of(&spec, 10);
        let total = board.total();
        train(&mut board, KEY);
        if name == "lapse" {
            board.open_challenge(KEY, 0).unwrap();
        }
        let got = all(&board);
        attest(&mut board, KEY, got);
        until(&mut board, 50, |board| aggregator(board).is_some());
        let worker = aggregator(&board).unwrap();
        let (reserved, score) = (board.workers[&worker].reserved, board.workers[&worker].reputation);
        end(&mut board);
        assert_eq!(round(&board, KEY).void, Some(reason), "{name}");
        assert!(
            matches!(round(&board, KEY).phase, Phase::Window { .. }),
            "{name}: it is not aggregated any more"
        );
        assert!(board.post_root(KEY, worker, checkpoint(KEY)).is_err(), "{name}");
        assert_eq!((board.progress.tip, board.progress.next), (None, key(0, 1)), "{name}");
        if name == "convict" {
            assert!(board.workers[&worker].reserved < reserved, "who had the turn is let go");
            assert_eq!(board.workers[&worker].reputation, score, "without blame");
        }
        // The next attempt starts from where this one did.
        opened(&mut board, key(0, 1));
        assert_eq!(round(&board, key(0, 1)).base, None, "{name}");
        assert_eq!(board.total(), total, "{name}");
    }
}
