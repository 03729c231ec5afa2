//! Seats, seals, leaves, reveals, disagreements.

use super::*;
use crate::{
    audit::Audits,
    board::BoardError,
    defaults::DRAW_LAG,
    money,
    round::{Claim, RoundError, Verdict, VoidReason},
};

const KEY: RoundKey = RoundKey { round: 0, attempt: 0 };

/// A built round whose auditors are drawn.
fn drawn() -> Board {
    let mut board = board();
    built(&mut board, KEY);
    seated(&mut board, KEY);
    board
}

#[test]
fn auditors_are_drawn_sessions_after_the_commitments_froze_from_others_than_the_slots_own() {
    let mut board = board();
    train(&mut board, KEY);
    let Audits::Waiting { frozen } = round(&board, KEY).audits else { panic!("audits wait") };
    // The session after, so that not even the last block's author knew the word when the last commitment was made.
    assert_eq!(frozen, board.session() + 1);
    assert!(round(&board, KEY).audited_segments(&board.terms, 0).is_empty(), "nobody knows the segments yet");
    let got = all(&board);
    attest(&mut board, KEY, got);
    aggregate(&mut board, KEY);
    seated(&mut board, KEY);
    assert_eq!(board.session(), frozen + DRAW_LAG);
    let seats = board.seats_of(KEY);
    assert_eq!(seats.len(), 2);
    for (_, seat) in &seats {
        assert_ne!(Some(&seat.auditor), board.slots[&(KEY, seat.slot)].worker());
        assert!(board.workers[&seat.auditor].reserved >= board.terms.audit.auditor_stake);
        assert_eq!(round(&board, KEY).audited_segments(&board.terms, seat.slot).len(), 2);
    }
    assert_ne!(seats[0].1.slot, seats[1].1.slot, "two of three slots are audited");
}

#[test]
fn the_slots_own_worker_cannot_take_a_seat_nor_a_seat_another_slot() {
    let mut board = board();
    train(&mut board, KEY);
    let mut round = *round(&board, KEY);
    let Audits::Waiting { frozen } = round.audits else { panic!("audits wait") };
    let terms = board.terms;
    assert_eq!(round.begin_audits([1; 32], frozen + 1), Err(RoundError::TooEarly));
    round.begin_audits([1; 32], frozen + 2).unwrap();
    let index = round.audited_slot(&terms, 0).unwrap();
    let mut slot = board.slots[&(KEY, index)];
    let own = slot.worker().copied();
    assert_eq!(
        round.seat_auditor(&terms, index, &mut slot, own, board.now).unwrap_err(),
        RoundError::NotYours
    );
    let other = (0..3).find(|other| *other != index).unwrap();
    let mut slot = board.slots[&(KEY, other)];
    let error = round.seat_auditor(&terms, other, &mut slot, None, board.now).unwrap_err();
    assert_eq!(error, RoundError::Malformed);
    board.now += 1;
}

#[test]
fn a_draw_that_nobody_made_in_time_is_frozen_anew() {
    let mut board = board();
    train(&mut board, KEY);
    let mut round = *round(&board, KEY);
    let Audits::Waiting { frozen } = round.audits else { panic!("audits wait") };
    let late = frozen + crate::defaults::RETAINED;
    assert_eq!(round.refreeze_audits(late - 1), Err(RoundError::TooEarly));
    assert_eq!(round.begin_audits([1; 32], late), Err(RoundError::TooEarly));
    round.refreeze_audits(late).unwrap();
    assert_eq!(round.audits, Audits::Waiting { frozen: late });
}

#[test]
fn agreement_is_paid_and_costs_nothing() {
    let mut board = drawn();
    let before: Vec<_> =
        board.seats_of(KEY).iter().map(|(_, s)| (s.auditor, board.workers[&s.auditor].earned)).collect();
    audited(&mut board, KEY);
    assert_eq!(round(&board, KEY).disagreements, 0);
    settled(&mut board, KEY);
    for (auditor, earned) in before {
        assert!(board.workers[&auditor].earned >= earned + board.terms.audit.auditor_price);
        assert_eq!(board.workers[&auditor].stake, 200 * UNITS);
    }
}

#[test]
fn seals_stand_and_close_before_leaves_are_published() {
    let mut board = drawn();
    let (place, seat) = board.seats_of(KEY)[0];
    let answer = truth(&board, KEY, seat.slot);
    let sealed = seal(&answer, &salt(place), &seat.auditor);
    let leaves = openings(&board, KEY, seat.slot, &roots(KEY, seat.slot));
    assert_eq!(
        board.publish(KEY, seat.slot, &leaves),
        Err(RoundError::WrongState.into()),
        "not while seals are open"
    );
    assert_eq!(board.seal(KEY, place, 77, sealed), Err(RoundError::NotYours.into()));
    board.seal(KEY, place, seat.auditor, sealed).unwrap();
    assert_eq!(board.seal(KEY, place, seat.auditor, sealed), Err(RoundError::WrongState.into()));
    board.now += board.terms.clocks.seals + 1;
    let (other, late) = board.seats_of(KEY)[1];
    assert_eq!(board.seal(KEY, other, late.auditor, sealed), Err(RoundError::TooLate.into()));
    board.poke();
    assert!(matches!(round(&board, KEY).audits, Audits::Publishing { .. }));
    assert_eq!(board.seal(KEY, other, late.auditor, sealed), Err(RoundError::WrongState.into()));
    let wrong = openings(&board, KEY, seat.slot, &roots(KEY, seat.slot + 1));
    assert_eq!(board.publish(KEY, seat.slot, &wrong), Err(RoundError::WrongLeaves.into()));
    assert_eq!(board.publish(KEY, seat.slot, &leaves[..1]), Err(RoundError::WrongLeaves.into()));
    board.publish(KEY, seat.slot, &leaves).unwrap();
    assert_eq!(board.publish(KEY, seat.slot, &leaves), Err(RoundError::WrongState.into()));
}

#[test]
fn a_reveal_must_be_what_was_sealed() {
    let mut board = drawn();
    seal_all(&mut board, KEY, |board, place| honest(board, KEY, place));
    publish_all(&mut board, KEY);
    let (place, seat) = board.seats_of(KEY)[0];
    let answer = truth(&board, KEY, seat.slot);
    let mut reveal = Reveal { answer, salt: [99; 32], unserved: false };
    assert_eq!(board.reveal(KEY, place, seat.auditor, &reveal), Err(RoundError::OtherSeal.into()));
    reveal.salt = salt(place);
    assert_eq!(board.reveal(KEY, place, 77, &reveal), Err(RoundError::NotYours.into()));
    board.reveal(KEY, place, seat.auditor, &reveal).unwrap();
    assert_eq!(board.reveal(KEY, place, seat.auditor, &reveal), Err(RoundError::WrongState.into()));
}

#[test]
fn leaves_and_reveals_after_their_deadline_are_refused() {
    let mut board = drawn();
    seal_all(&mut board, KEY, |board, place| honest(board, KEY, place));
    let Audits::Publishing { until } = round(&board, KEY).audits else { panic!("publishing") };
    let slot = board.seats[&(KEY, 0)].slot;
    let leaves = openings(&board, KEY, slot, &roots(KEY, slot));
    let mut late = board.clone();
    late.now = until + 1;
    assert_eq!(late.publish(KEY, slot, &leaves), Err(RoundError::TooLate.into()));
    board.now = until;
    publish_all(&mut board, KEY);
    let Audits::Revealing { until } = round(&board, KEY).audits else { panic!("revealing") };
    let seat = board.seats[&(KEY, 0)];
    let reveal = Reveal { answer: truth(&board, KEY, slot), salt: salt(0), unserved: false };
    let mut late = board.clone();
    late.now = until + 1;
    assert_eq!(late.reveal(KEY, 0, seat.auditor, &reveal), Err(RoundError::TooLate.into()));
    board.now = until;
    board.reveal(KEY, 0, seat.auditor, &reveal).unwrap();
}

/// The auditor of the first seat finds something else than the worker committed.
fn disagreement() -> (Board, u16, SlotIndex) {
    let mut board = drawn();
    let other = |board: &Board, place: u16| {
        if place == 0 { Some(Digest([66; 32])) } else { honest(board, KEY, place) }
    };
    seal_all(&mut board, KEY, other);
    publish_all(&mut board, KEY);
    reveal_all(&mut board, KEY, other);
    let slot = board.seats[&(KEY, 0)].slot;
    (board, 0, slot)
}

#[test]
fn a_differing_answer_opens_a_dispute_and_the_round_is_not_final_before_it_ends() {
    let (mut board, place, slot) = disagreement();
    let auditor = board.seats[&(KEY, place)].auditor;
    assert!(logged(
        &board,
        KEY,
        |e| matches!(e, Effect::Dispute { slot: s, auditor: a, .. } if *s == slot && *a == auditor)
    ));
    assert_eq!(round(&board, KEY).disagreements, 1);
    board.now += board.terms.clocks.window + 1;
    board.poke();
    assert!(matches!(round(&board, KEY).phase, Phase::Window { .. }));
    let (mut won, before) = (board.clone(), board.workers[&auditor].clone());

    // The auditor was wrong: half of its stake is burnt, the rest refills the escrow; the round is final.
    board.resolve(KEY, place, Verdict::AuditorWrong).unwrap();
    assert_eq!(board.resolve(KEY, place, Verdict::AuditorWrong), Err(RoundError::WrongState.into()));
    assert_eq!(board.workers[&auditor].stake, before.stake - board.terms.audit.auditor_stake);
    board.poke();
    assert_eq!((board.progress.finalised, round_is_gone(&board)), (1, true));

    // The worker was wrong.
    let total = won.total();
    let worker = *won.slots[&(KEY, slot)].worker().unwrap();
    let stake = won.workers[&worker].stake;
    won.resolve(KEY, place, Verdict::WorkerWrong(Claim::Segment(0))).unwrap();
    assert_eq!(won.workers[&worker].stake, stake - won.terms.stake);
    assert_eq!(round(&won, KEY).void, Some(VoidReason::Convicted));
    assert_eq!(won.kept, money::split(won.terms.stake).auditors);
    won.poke();
    assert!(round_is_gone(&won));
    // The auditor that differed has its price, a challenger's part and the part kept for auditors.
    let split = money::split(won.terms.stake);
    let gained = won.workers[&auditor].earned - before.earned;
    assert!(gained >= won.terms.audit.auditor_price + split.challenger + split.auditors);
    assert_eq!((won.total(), won.kept), (total, 0));
    assert!(won.burnt * 2 >= won.slashed);
}

fn round_is_gone(board: &Board) -> bool {
    !board.rounds.contains_key(&KEY)
}

#[test]
fn a_disagreement_that_nobody_decides_voids_the_round_and_pays_neither_side() {
    let (mut board, place, slot) = disagreement();
    let (auditor, worker) =
        (board.seats[&(KEY, place)].auditor, *board.slots[&(KEY, slot)].worker().unwrap());
    let stakes = (board.workers[&auditor].stake, board.workers[&worker].stake);
    board.now += board.terms.clocks.dispute;
    board.poke();
    assert_eq!(round(&board, KEY).void, None);
    board.now += 1;
    board.poke();
    assert!(logged(&board, KEY, |e| *e == Effect::Void(VoidReason::Undecided)));
    assert_eq!(board.progress.next.round, 0, "the round is run again");
    settled(&mut board, KEY);
    assert_eq!(stakes, (board.workers[&auditor].stake, board.workers[&worker].stake));
    let paid = |member: Member| {
        logged(
            &board,
            KEY,
            |e| matches!(e, Effect::Move(m) if m.to == money::Party::Worker(member) && m.amount >= UNITS),
        )
    };
    let duties = |member: Member| {
        board
            .log
            .iter()
            .filter(|h| {
                h.key == KEY && matches!(&h.effect, Effect::Reserve { worker, .. } if *worker == member)
            })
            .count()
    };
    // Whoever had no other duty in the round got nothing.
    for member in [auditor, worker] {
        assert!(!paid(member) || duties(member) > 1, "{member}");
    }
}

#[test]
fn too_few_auditors_make_the_window_longer_never_the_round_stuck() {
    let mut board = board();
    built(&mut board, KEY);
    let Phase::Window { until: end } = round(&board, KEY).phase else { panic!("a window") };
    seated(&mut board, KEY);
    seal_all(&mut board, KEY, |board, place| honest(board, KEY, place).filter(|_| place == 0));
    board.now += board.terms.clocks.seals + 1;
    board.poke();
    publish_all(&mut board, KEY);
    reveal_all(&mut board, KEY, |board, place| honest(board, KEY, place));
    let Phase::Window { until: longer } = round(&board, KEY).phase else { panic!("a window") };
    assert!(longer >= end + board.terms.clocks.window, "{end} {longer}");
    board.now = longer;
    board.poke();
    assert_eq!(board.progress.finalised, 0);
    board.now += 1;
    board.poke();
    assert_eq!(board.progress.finalised, 1);
}

#[test]
fn with_nobody_to_draw_the_round_is_final_after_the_longer_window() {
    let mut spec = spec();
    spec.audit.attesters = 0;
    spec.audit.auditor_stake = 1_000 * UNITS;
    let mut board = board_of(&spec, 10);
    train(&mut board, KEY);
    aggregate(&mut board, KEY);
    until(&mut board, 400, |board| board.progress.finalised == 1);
    assert_eq!(board.seats.len(), 0);
    assert!(logged(&board, KEY, |e| matches!(e, Effect::Built(_))));
}

#[test]
fn audits_that_end_before_the_window_begins_make_it_longer_too() {
    let mut spec = spec();
    spec.audit.attesters = 0;
    spec.audit.auditor_stake = 1_000 * UNITS;
    spec.clocks.aggregation = 200;
    let mut board = board_of(&spec, 10);
    train(&mut board, KEY);
    until(&mut board, 100, |board| round(board, KEY).audits == Audits::Done);
    assert!(matches!(round(&board, KEY).phase, Phase::Aggregating { .. }));
    aggregate(&mut board, KEY);
    let Phase::Window { until } = round(&board, KEY).phase else { panic!("a window") };
    assert_eq!(until, board.now + 2 * board.terms.clocks.window);
}

#[test]
fn auditors_that_were_not_served_are_paid_at_the_workers_expense_if_several_agree() {
    let mut spec = spec();
    (spec.rounds.slots, spec.rounds.quorum) = (1, 1);
    let mut board = board_of(&spec, 10);
    let total = board.total();
    built(&mut board, KEY);
    seated(&mut board, KEY);
    seal_all(&mut board, KEY, |board, place| honest(board, KEY, place));
    publish_all(&mut board, KEY);
    for (place, seat) in board.seats_of(KEY) {
        let reveal = Reveal { answer: truth(&board, KEY, 0), salt: salt(place), unserved: true };
        board.reveal(KEY, place, seat.auditor, &reveal).unwrap();
    }
    let worker = *board.slots[&(KEY, 0)].worker().unwrap();
    settled(&mut board, KEY);
    let pay = board.log.iter().filter_map(|happening| match &happening.effect {
        Effect::Move(moved) if moved.to == money::Party::Worker(worker) => Some(moved.amount),
        _ => None,
    });
    // 2.5 less two charges of 1.25: what was left for the worker is nothing but, perhaps, other duties.
    assert!(pay.sum::<u128>() < board.terms.price);
    assert_eq!(board.total(), total);
}

#[test]
fn missing_records_are_named() {
    let mut board = drawn();
    assert_eq!(board.seal(KEY, 60, 1, Digest([0; 32])), Err(BoardError::Missing));
    assert_eq!(board.publish(KEY, 60, &[]), Err(BoardError::Missing));
}

/// A cheat that sees its segment drawn lets a friend convict it before its auditors have sealed, or before its leaves are published,
/// and never publishes them: the part of the slash that is for the auditors is theirs all the same.
#[test]
fn a_conviction_before_the_leaves_leaves_the_auditors_their_share() {
    for (sealed, audited) in [(false, true), (true, true), (false, false), (true, false)] {
        let mut board = drawn();
        let total = board.total();
        let (place, seat) = board.seats_of(KEY)[0];
        let (index, auditor) = (seat.slot, seat.auditor);
        let segments = round(&board, KEY).audited_segments(&board.terms, index);
        let segment = (0..4).find(|segment| segments.contains(segment) == audited).unwrap();
        let cheat = *board.slots[&(KEY, index)].worker().unwrap();
        let friend = (0..10).find(|member| *member != cheat).unwrap();
        if sealed {
            seal_all(&mut board, KEY, |board, place| honest(board, KEY, place));
        }
        board.convict(KEY, index, Claim::Segment(segment), Some(friend)).unwrap();
        if !sealed {
            seal_all(&mut board, KEY, |board, place| honest(board, KEY, place));
        }
        board.poke();
        let others = round(&board, KEY).unanswered;
        assert!(!others.contains(index), "nobody waits for the leaves of a slot that is convicted");
        let leaves = openings(&board, KEY, index, &roots(KEY, index));
        assert_eq!(board.publish(KEY, index, &leaves), Err(RoundError::WrongState.into()));
        publish_all(&mut board, KEY);
        reveal_all(&mut board, KEY, |board, place| honest(board, KEY, place));
        let before = (board.workers[&auditor].stake, board.kept);
        assert_eq!(before.1, money::split(board.terms.stake).auditors);
        settled(&mut board, KEY);
        let got = |from: money::Party<Member>| -> u128 {
            let of = |happening: &crate::board::Happening| match &happening.effect {
                Effect::Move(m) if happening.duty == crate::board::Duty::Seat(place) && m.from == from => {
                    m.amount
                }
                _ => 0,
            };
            board.log.iter().map(of).sum()
        };
        assert_eq!(
            got(money::Party::Kept),
            money::split(board.terms.stake).auditors,
            "sealed before: {sealed}"
        );
        assert_eq!(got(money::Party::Escrow), board.terms.audit.auditor_price);
        assert_eq!(board.workers[&auditor].stake, before.0, "nobody is slashed for what nothing tells apart");
        assert_eq!((board.total(), board.kept), (total, 0));
        assert!(board.burnt * 2 >= board.slashed);
    }
}

/// What is kept is shared by those who sealed and revealed only; who is silent loses its stake as ever.
#[test]
fn who_is_silent_has_no_share_of_a_conviction_before_the_leaves() {
    let mut spec = spec();
    spec.audit.auditors = 6;
    let mut board = board_of(&spec, 10);
    built(&mut board, KEY);
    seated(&mut board, KEY);
    let index = board.seats_of(KEY)[0].1.slot;
    let mine: Vec<u16> =
        board.seats_of(KEY).iter().filter(|(_, s)| s.slot == index).map(|(at, _)| *at).collect();
    assert_eq!(mine.len(), 2);
    board.convict(KEY, index, Claim::Other, Some(9)).unwrap();
    let speaks = |board: &Board, place: u16| honest(board, KEY, place).filter(|_| place != mine[1]);
    seal_all(&mut board, KEY, speaks);
    board.now += board.terms.clocks.seals + 1;
    board.poke();
    publish_all(&mut board, KEY);
    reveal_all(&mut board, KEY, speaks);
    settled(&mut board, KEY);
    let share = |place: u16| -> u128 {
        let of = |happening: &crate::board::Happening| match &happening.effect {
            Effect::Move(m)
                if happening.duty == crate::board::Duty::Seat(place) && m.from == money::Party::Kept =>
            {
                m.amount
            }
            _ => 0,
        };
        board.log.iter().map(of).sum()
    };
    assert_eq!((share(mine[0]), share(mine[1])), (money::split(board.terms.stake).auditors, 0));
    assert_eq!(board.kept, 0);
}
