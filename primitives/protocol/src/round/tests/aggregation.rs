//! Aggregators and their deadlines.

use super::*;
use crate::{
    defaults::TURNS,
    round::{RoundError, VoidReason},
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
