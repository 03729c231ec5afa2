//! Challenges of slots and of the aggregation, beside disagreements.

use super::*;
use crate::{
    board::BoardError,
    round::{Claim, Fault, RoundError, Verdict, VoidReason},
};

const KEY: RoundKey = RoundKey { round: 0, attempt: 0 };

/// A round in its window, all honest so far.
fn window() -> Board {
    let mut board = board();
    built(&mut board, KEY);
    board
}

fn end(board: &Board) -> u32 {
    let Phase::Window { until } = round(board, KEY).phase else { panic!("a window") };
    until
}

fn refused(result: Result<(), BoardError>) -> RoundError {
    match result {
        Err(BoardError::Round(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_disagreement_cannot_be_closed_as_a_challenge_nor_a_challenge_resolved_as_a_disagreement() {
    let mut board = window();
    seated(&mut board, KEY);
    let other =
        |board: &Board, place| if place == 0 { Some(Digest([66; 32])) } else { honest(board, KEY, place) };
    seal_all(&mut board, KEY, other);
    publish_all(&mut board, KEY);
    reveal_all(&mut board, KEY, other);
    let disputed = board.seats[&(KEY, 0)].slot;
    assert!(logged(&board, KEY, |e| matches!(e, Effect::Dispute { place: 0, .. })));
    assert_eq!(refused(board.close_challenge(KEY, disputed)), RoundError::WrongState);

    // With both open, each ends by itself.
    board.open_challenge(KEY, disputed).unwrap();
    board.resolve(KEY, 0, Verdict::AuditorWrong).unwrap();
    let checks = board.slots[&(KEY, disputed)].checks;
    assert_eq!((checks.open, checks.challenges), (0, 1));
    assert!(round(&board, KEY).is_disputed());
    assert_eq!(refused(board.resolve(KEY, 0, Verdict::AuditorWrong)), RoundError::WrongState);
    board.close_challenge(KEY, disputed).unwrap();
    assert!(!round(&board, KEY).is_disputed());
}

#[test]
fn a_slot_whose_challenges_nobody_ends_is_undecided() {
    let mut board = window();
    board.open_challenge(KEY, 0).unwrap();
    let lapses = board.slots[&(KEY, 0)].checks.lapses;
    board.now += 3;
    board.open_challenge(KEY, 0).unwrap();
    audited(&mut board, KEY);
    assert_eq!(board.slots[&(KEY, 0)].checks.lapses, lapses + 3, "the last one has its whole time");
    board.now = lapses + 3;
    board.poke();
    assert_eq!(round(&board, KEY).void, None);
    board.now += 1;
    board.poke();
    assert!(logged(&board, KEY, |e| *e == Effect::Void(VoidReason::Undecided)));
}

#[test]
fn a_conviction_ends_all_that_is_open_about_its_slot_and_nothing_else() {
    let mut board = window();
    for slot in [0, 0, 1] {
        board.open_challenge(KEY, slot).unwrap();
    }
    board.convict(KEY, 0, Claim::Other, None).unwrap();
    assert_eq!(board.slots[&(KEY, 0)].checks.fault, Some(Fault::Convicted(Claim::Other)));
    assert_eq!(round(&board, KEY).challenges, 1);
    assert_eq!(refused(board.close_challenge(KEY, 0)), RoundError::WrongState);
    board.close_challenge(KEY, 1).unwrap();
}

#[test]
fn a_round_is_not_final_before_a_challenge_of_its_aggregation_ends() {
    let mut board = window();
    audited(&mut board, KEY);
    board.now = end(&board);
    board.open_root_challenge(KEY).unwrap();
    board.now += 20;
    board.poke();
    assert_eq!(board.progress.finalised, 0);
    board.close_root_challenge(KEY).unwrap();
    assert_eq!(refused(board.close_root_challenge(KEY)), RoundError::WrongState);
    board.poke();
    assert_eq!(board.progress.finalised, 1);
}

#[test]
fn an_aggregation_is_challenged_in_its_window_only() {
    let mut board = board();
    train(&mut board, KEY);
    assert_eq!(refused(board.open_root_challenge(KEY)), RoundError::WrongPhase);
    let got = all(&board);
    attest(&mut board, KEY, got);
    assert_eq!(refused(board.open_root_challenge(KEY)), RoundError::WrongPhase);
    aggregate(&mut board, KEY);
    let mut late = board.clone();
    late.now = end(&late) + 1;
    assert_eq!(refused(late.open_root_challenge(KEY)), RoundError::TooLate);
    board.convict_aggregator(KEY, None).unwrap();
    assert_eq!(refused(board.open_root_challenge(KEY)), RoundError::WrongState);
}

#[test]
fn a_challenge_of_the_aggregation_that_nobody_ends_voids_the_round_and_costs_no_stake() {
    let mut board = window();
    audited(&mut board, KEY);
    let total = board.total();
    let (_, aggregator) = round(&board, KEY).result.unwrap();
    let stake = board.workers[&aggregator].stake;
    board.open_root_challenge(KEY).unwrap();
    board.now += board.terms.clocks.dispute;
    board.poke();
    assert_eq!(round(&board, KEY).void, None);
    board.now += 1;
    board.poke();
    assert!(logged(&board, KEY, |e| *e == Effect::Void(VoidReason::Undecided)));
    assert_eq!(board.progress.tip, None, "the run returns to the last good checkpoint");
    settled(&mut board, KEY);
    assert_eq!(board.workers[&aggregator].stake, stake);
    let price = board.terms.rounds.aggregator_price;
    let paid = board.log.iter().any(|happening| {
        happening.key == KEY
            && matches!(&happening.effect, Effect::Move(m)
                if m.to == crate::money::Party::Worker(aggregator) && m.amount == price)
    });
    assert!(!paid, "nor is it paid");
    assert_eq!(board.total(), total);
}

#[test]
fn a_convicted_aggregation_ends_its_other_challenges() {
    let mut board = window();
    board.open_root_challenge(KEY).unwrap();
    board.open_root_challenge(KEY).unwrap();
    board.convict_aggregator(KEY, Some(9)).unwrap();
    assert_eq!(round(&board, KEY).root_challenges, 0);
    assert_eq!(refused(board.close_root_challenge(KEY)), RoundError::WrongState);
    audited(&mut board, KEY);
    settled(&mut board, KEY);
}
