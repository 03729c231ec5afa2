//! What a cheat tries, as far as rounds and audits see it. (Draws: `draw::tests`. Seals: `audit::tests`. Slashes: `money`. Jails:
//! `reputation`.)

use super::*;
use crate::{
    board::BoardError,
    round::{Claim, Fault, RoundError, Verdict, VoidReason},
};

const KEY: RoundKey = RoundKey { round: 0, attempt: 0 };

/// Replay a commitment: from another slot, round, attempt, generation or worker. (From another chain: a test of the runtime.)
#[test]
fn a_replayed_commitment_is_refused() {
    let mut board = board();
    opened(&mut board, KEY);
    let (worker, generation) = holder(&board, KEY, 0);
    let outcome = trained(KEY, 0);
    let refused = |board: &mut Board, key, index, worker, generation| {
        board.commit(key, index, worker, generation, outcome).unwrap_err()
    };
    let other = (0..10).find(|member| *member != worker).unwrap();
    assert_eq!(refused(&mut board, KEY, 0, other, generation), RoundError::NotYours.into(), "worker");
    assert_eq!(
        refused(&mut board, KEY, 0, worker, generation + 1),
        RoundError::WrongGeneration.into(),
        "generation"
    );
    assert_eq!(refused(&mut board, key(0, 1), 0, worker, generation), BoardError::Missing, "attempt");
    assert_eq!(refused(&mut board, key(1, 0), 0, worker, generation), BoardError::Missing, "round");
    if holder(&board, KEY, 1).0 != worker {
        assert_eq!(refused(&mut board, KEY, 1, worker, generation), RoundError::NotYours.into(), "slot");
    }
    board.commit(KEY, 0, worker, generation, outcome).unwrap();
    assert_eq!(refused(&mut board, KEY, 0, worker, generation), RoundError::WrongState.into(), "twice");
}

/// Skip the work and commit noise: an honest auditor's answer differs, the dispute convicts.
#[test]
fn noise_is_convicted_by_an_honest_auditor_and_costs_the_stake() {
    let noise = |slot| (0..5u8).map(|leaf| Digest::of(&[leaf, 200, slot as u8])).collect();
    assert_eq!(caught(&[0, 1, 2, 3], noise), 2 * SEEDS, "whichever segments are audited");
}

/// One poisoned segment of many: caught exactly if it is among the audited ones, whichever it is.
#[test]
fn one_poisoned_segment_is_convicted_when_it_is_audited() {
    for segment in 0..4 {
        let poisoned = |slot| {
            let mut poisoned = roots(KEY, slot);
            // The state after the segment, and all that honestly follow from it.
            for leaf in poisoned.iter_mut().skip(segment as usize + 1) {
                *leaf = Digest::of(&leaf.0);
            }
            poisoned
        };
        let convicted = caught(&[segment], poisoned);
        assert!(convicted > 0 && convicted < 2 * SEEDS, "segment {segment}: {convicted}");
    }
}

/// Boards that a cheat is tried on. Each has two seats, for two slots.
const SEEDS: u32 = 8;

/// All slots fake these segments, and commit `cheat`'s roots; whichever of them an honest auditor looks at where it is wrong loses its
/// stake and voids the round. Returns how many were convicted.
fn caught(faked: &[u32], cheat: impl Fn(SlotIndex) -> Vec<Digest>) -> u32 {
    let mut convicted = 0;
    for seed in 0..SEEDS.into() {
        let mut board = Board::new(&spec(), 0, SESSION, seed);
        board.progress.escrow = crate::round::Progress::least_budget(&board.terms);
        (0..10).for_each(|member| board.join(member, 200 * UNITS));
        let total = board.total();
        opened(&mut board, KEY);
        for slot in 0..3 {
            commit(&mut board, KEY, slot, Outcome::Trained(commitment(&cheat(slot))));
        }
        board.poke();
        let got = all(&board);
        attest(&mut board, KEY, got);
        aggregate(&mut board, KEY);
        seated(&mut board, KEY);
        // Executed from the state that the worker serves: another end only where the segment itself is faked.
        let found = |board: &Board, place: u16| {
            let slot = board.seats[&(KEY, place)].slot;
            let roots = cheat(slot);
            let end = |segment: &u32| {
                let claimed = roots[*segment as usize + 1];
                if faked.contains(segment) { Digest::of(&claimed.0) } else { claimed }
            };
            let ends: Vec<_> =
                round(board, KEY).audited_segments(&board.terms, slot).iter().map(end).collect();
            Some(answer::of_roots(&ends))
        };
        seal_all(&mut board, KEY, found);
        for slot in round(&board, KEY).unanswered.iter().collect::<Vec<_>>() {
            let leaves = openings(&board, KEY, slot, &cheat(slot));
            board.publish(KEY, slot, &leaves).unwrap();
        }
        board.poke();
        reveal_all(&mut board, KEY, found);
        for (place, seat) in board.seats_of(KEY) {
            let audited = round(&board, KEY).audited_segments(&board.terms, seat.slot);
            let wrong = audited.into_iter().find(|segment| faked.contains(segment));
            assert_eq!(board.slots[&(KEY, seat.slot)].checks.open > 0, wrong.is_some());
            let Some(wrong) = wrong else { continue };
            let worker = *board.slots[&(KEY, seat.slot)].worker().unwrap();
            let stake = board.workers[&worker].stake;
            board.resolve(KEY, place, Verdict::WorkerWrong(Claim::Segment(wrong))).unwrap();
            assert_eq!(board.workers[&worker].stake, stake - board.terms.stake);
            assert_eq!(round(&board, KEY).void, Some(VoidReason::Convicted));
            convicted += 1;
        }
        settled(&mut board, KEY);
        assert_eq!(board.total(), total);
    }
    convicted
}

/// Withhold the leaves when a conviction comes: costs the same as being convicted.
#[test]
fn withholding_the_leaves_is_no_way_out() {
    let mut board = board();
    built(&mut board, KEY);
    seated(&mut board, KEY);
    seal_all(&mut board, KEY, |board, place| honest(board, KEY, place));
    let failed: Vec<SlotIndex> = round(&board, KEY).unanswered.iter().collect();
    assert_eq!(failed.len(), 2);
    board.now += board.terms.clocks.leaves + 1;
    board.poke();
    for slot in &failed {
        assert_eq!(board.slots[&(KEY, *slot)].checks.fault, Some(Fault::LeavesMissing));
    }
    assert_eq!(board.slashed, 2 * board.terms.stake);
    assert_eq!(round(&board, KEY).void, Some(VoidReason::Convicted));
    // The auditors did their part and are paid, although nothing can be compared.
    let auditors: Vec<_> = board
        .seats_of(KEY)
        .iter()
        .map(|(_, seat)| (seat.auditor, board.workers[&seat.auditor].earned))
        .collect();
    reveal_all(&mut board, KEY, |board, place| honest(board, KEY, place));
    settled(&mut board, KEY);
    for (auditor, earned) in auditors {
        assert!(board.workers[&auditor].earned >= earned + board.terms.audit.auditor_price);
    }
    assert_eq!(board.kept, 0);
}

/// Withhold the blob: the attesters do not get it, the update does not count and is not paid.
#[test]
fn a_withheld_blob_is_neither_accepted_nor_paid() {
    let mut board = board();
    train(&mut board, KEY);
    let (cheat, _) = holder(&board, KEY, 1);
    let mut got = all(&board);
    got.remove(1);
    attest(&mut board, KEY, got);
    assert!(!round(&board, KEY).accepted.contains(1));
    aggregate(&mut board, KEY);
    audited(&mut board, KEY);
    let escrow = board.progress.escrow;
    settled(&mut board, KEY);
    assert_eq!(escrow - board.progress.escrow, board.terms.round_cost - board.terms.price);
    assert!(logged(&board, KEY, |effect| *effect == Effect::Observe { worker: cheat, good: false }));
}

/// Lazy audit: agree without work. If the segment is convicted later, whoever agreed is not paid, and loses its stake if as many
/// others found something else.
#[test]
fn a_lazy_auditor_loses_its_stake_when_others_find_what_it_agreed_with_wrong() {
    let mut spec = spec();
    spec.audit.auditors = 6;
    let lost = |board: &Board, auditor: Member| {
        board.log.iter().any(|happening| {
            matches!(&happening.effect, Effect::Move(m) if m.from == crate::money::Party::Stake(auditor))
        })
    };
    let mut seen = 0;
    for seed in 0..8 {
        let mut board = Board::new(&spec, 0, SESSION, seed);
        board.progress.escrow = crate::round::Progress::least_budget(&board.terms);
        (0..12).for_each(|member| board.join(member, 400 * UNITS));
        built(&mut board, KEY);
        seated(&mut board, KEY);
        // The first auditor of each slot says what the slot says, the second has another answer.
        let first = |board: &Board, place: u16| {
            let slot = board.seats[&(KEY, place)].slot;
            !board.seats_of(KEY).iter().any(|(other, seat)| *other < place && seat.slot == slot)
        };
        let answers = |board: &Board, place: u16| {
            if first(board, place) { honest(board, KEY, place) } else { Some(Digest([66; 32])) }
        };
        seal_all(&mut board, KEY, answers);
        publish_all(&mut board, KEY);
        reveal_all(&mut board, KEY, answers);
        let (own, lazy) = board.seats_of(KEY)[0];
        let mine: Vec<_> =
            board.seats_of(KEY).into_iter().filter(|(_, seat)| seat.slot == lazy.slot).collect();
        let [(_, _), (place, other)] = mine[..] else { continue };
        let others = board.seats_of(KEY).iter().filter(|(_, seat)| seat.auditor == lazy.auditor).count();
        if other.auditor == lazy.auditor || others > 1 {
            continue;
        }
        let segment = round(&board, KEY).audited_segments(&board.terms, lazy.slot)[0];
        board.resolve(KEY, place, Verdict::WorkerWrong(Claim::Segment(segment))).unwrap();
        for (place, seat) in board.seats_of(KEY) {
            if seat.slot != lazy.slot && matches!(seat.state, SeatState::Differed { .. }) {
                board.resolve(KEY, place, Verdict::AuditorWrong).unwrap();
            }
        }
        settled(&mut board, KEY);
        assert!(lost(&board, lazy.auditor));
        let paid = |happening: &crate::board::Happening| {
            happening.duty == crate::board::Duty::Seat(own)
                && matches!(&happening.effect, Effect::Move(m) if m.from == crate::money::Party::Escrow)
        };
        assert!(!board.log.iter().any(paid), "nor is it paid");
        seen += 1;
    }
    assert!(seen > 0);
}

/// A worker that loses a game about a right segment on purpose takes no more from the auditors who found it right than it loses itself,
/// however many they are.
#[test]
fn a_worker_that_loses_on_purpose_costs_its_auditors_no_more_than_itself() {
    for auditors in [3, 24, 64] {
        let mut spec = spec();
        spec.audit.auditors = auditors;
        let mut board = board_of(&spec, 40);
        (0..40).for_each(|member| board.workers.get_mut(&member).unwrap().stake += 1_000 * UNITS);
        board.progress.escrow *= 100;
        built(&mut board, KEY);
        audited(&mut board, KEY);
        let seats = board.seats_of(KEY);
        assert_eq!(seats.len(), usize::from(auditors));
        let index = seats[0].1.slot;
        let agreed = seats.iter().filter(|(_, seat)| seat.slot == index).count() as u128;
        let segment = round(&board, KEY).audited_segments(&board.terms, index)[0];
        let worker = *board.slots[&(KEY, index)].worker().unwrap();
        board.convict(KEY, index, Claim::Segment(segment), Some(9)).unwrap();
        settled(&mut board, KEY);
        let lost = |duty: &dyn Fn(crate::board::Duty) -> bool, who: &dyn Fn(Member) -> bool| -> u128 {
            let of = |happening: &crate::board::Happening| match &happening.effect {
                Effect::Move(m) if duty(happening.duty) => match m.from {
                    crate::money::Party::Stake(from) if who(from) => m.amount,
                    _ => 0,
                },
                _ => 0,
            };
            board.log.iter().map(of).sum()
        };
        let auditors = lost(&|duty| matches!(duty, crate::board::Duty::Seat(_)), &|_| true);
        let cheat = lost(&|duty| duty == crate::board::Duty::Slot(index), &|from| from == worker);
        assert_eq!(cheat, board.terms.stake);
        let most = board.terms.audit.auditor_stake * agreed;
        assert!(auditors <= cheat && auditors > 0, "{auditors} of {agreed} auditors, {cheat} of the worker");
        assert!(auditors == most || auditors + agreed > cheat, "no less than it may be");
    }
}

/// Not revealing: costs more than the bond of a challenge that the auditor could lose by revealing.
#[test]
fn not_revealing_costs_more_than_losing_a_challenge() {
    for sealed in [false, true] {
        let mut board = board();
        built(&mut board, KEY);
        seated(&mut board, KEY);
        seal_all(&mut board, KEY, |board, place| honest(board, KEY, place).filter(|_| place > 0 || sealed));
        board.now += board.terms.clocks.seals + 1;
        board.poke();
        publish_all(&mut board, KEY);
        reveal_all(&mut board, KEY, |board, place| honest(board, KEY, place).filter(|_| place > 0));
        let silent = board.seats[&(KEY, 0)].auditor;
        let before = board.workers[&silent].stake;
        settled(&mut board, KEY);
        let lost = before - board.workers[&silent].stake;
        assert_eq!(lost, board.terms.audit.auditor_stake, "sealed: {sealed}");
        assert!(lost > crate::defaults::CHALLENGE_BOND);
    }
}

/// False divergence: an auditor that finds none answers otherwise, and the dispute convicts. Nothing was accepted, so nothing is voided.
#[test]
fn a_false_divergence_is_a_disagreement_with_whoever_audits_it() {
    let mut audited = 0;
    for seed in 0..8 {
        let mut board = board();
        board.seed = seed;
        opened(&mut board, KEY);
        for slot in 0..3 {
            commit(&mut board, KEY, slot, if slot == 0 { diverged() } else { trained(KEY, slot) });
        }
        board.poke();
        let got = all(&board);
        attest(&mut board, KEY, got);
        aggregate(&mut board, KEY);
        seated(&mut board, KEY);
        seal_all(&mut board, KEY, |board, place| honest(board, KEY, place));
        publish_all(&mut board, KEY);
        reveal_all(&mut board, KEY, |board, place| honest(board, KEY, place));
        let seat = board.seats_of(KEY).into_iter().find(|(_, seat)| seat.slot == 0);
        assert_eq!(round(&board, KEY).disagreements, u16::from(seat.is_some()));
        let Some((place, _)) = seat else { continue };
        let (worker, _) = holder(&board, KEY, 0);
        let stake = board.workers[&worker].stake;
        board.resolve(KEY, place, Verdict::WorkerWrong(Claim::Divergence)).unwrap();
        assert_eq!(board.workers[&worker].stake, stake - board.terms.stake);
        assert_eq!(round(&board, KEY).void, None, "its update was not part of the checkpoint");
        audited += 1;
    }
    assert!(audited > 2, "two of three slots are audited");
}

/// Exit with stake before the window ends: what is reserved stays until the slot is settled.
#[test]
fn a_stake_does_not_leave_before_the_window_ends() {
    let mut board = board();
    train(&mut board, KEY);
    let (worker, _) = holder(&board, KEY, 0);
    board.leave(worker);
    assert_eq!(board.withdraw(worker), Err(BoardError::StakeInUse));
    let got = all(&board);
    attest(&mut board, KEY, got);
    aggregate(&mut board, KEY);
    audited(&mut board, KEY);
    assert_eq!(board.withdraw(worker), Err(BoardError::StakeInUse), "audited, but its window is open");
    settled(&mut board, KEY);
    until(&mut board, 2_000, |board| board.clone().withdraw(worker).is_ok());
    assert_eq!(board.workers[&worker].reserved, 0);
    assert!(board.withdraw(worker).unwrap() >= 200 * UNITS);
}

/// Challenge itself to settle cheaply: a conviction by an accomplice costs the slot its pay and at least half of its stake.
#[test]
fn a_cheat_that_convicts_itself_has_less_than_before() {
    let mut board = board();
    built(&mut board, KEY);
    let (cheat, _) = holder(&board, KEY, 0);
    let friend = (0..10).find(|member| *member != cheat).unwrap();
    let wealth = |board: &Board| {
        [cheat, friend].iter().map(|m| board.workers[m].stake + board.workers[m].earned).sum::<u128>()
    };
    let before = wealth(&board);
    board.convict(KEY, 0, Claim::Other, Some(friend)).unwrap();
    assert!(before - wealth(&board) >= board.terms.stake / 2);
    assert_eq!(board.convict(KEY, 0, Claim::Other, Some(friend)), Err(RoundError::WrongState.into()), "once");
}

/// Challenge after the window.
#[test]
fn nothing_is_challenged_after_the_window() {
    let mut board = board();
    built(&mut board, KEY);
    audited(&mut board, KEY);
    let Phase::Window { until } = round(&board, KEY).phase else { panic!("a window") };
    let (mut round, mut slot) = (*round(&board, KEY), board.slots[&(KEY, 0)]);
    let before = slot;
    assert_eq!(round.open_challenge(&board.terms, &mut slot, until + 1), Err(RoundError::TooLate));
    assert_eq!(slot, before);
    round.open_challenge(&board.terms, &mut slot, until).unwrap();
    settled(&mut board, KEY);
    assert_eq!(board.convict(KEY, 0, Claim::Other, None), Err(BoardError::Missing));
}
