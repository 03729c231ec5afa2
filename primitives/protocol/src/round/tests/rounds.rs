//! Training, availability, order, voids.

use super::*;
use crate::{
    defaults::{PANELS, UNFINALISED, VOIDS_IN_A_ROW},
    round::{Pause, Progress, RoundError, VoidReason},
};

#[test]
fn an_honest_run_ends_with_every_round_final_and_paid() {
    let mut board = board();
    let total = board.total();
    for index in 0..board.terms.rounds.count {
        let key = key(index, 0);
        built(&mut board, key);
        assert_eq!(board.progress.tip, Some(checkpoint(key)));
        audited(&mut board, key);
        assert_eq!(board.total(), total);
    }
    until(&mut board, 400, |board| board.progress.is_complete(&board.terms));
    // Nothing is left but what two voided rounds would have cost.
    assert_eq!(board.progress.escrow, 2 * board.terms.round_cost);
    let earned: u128 = board.workers.values().map(|worker| worker.earned).sum();
    assert_eq!(earned, 8 * board.terms.round_cost);
    assert!(board.workers.values().all(|worker| worker.reserved == 0 && worker.stake == 200 * UNITS));
    assert!(
        board.rounds.is_empty()
            && board.slots.is_empty()
            && board.seats.is_empty()
            && board.attesters.is_empty()
    );
    assert_eq!((board.total(), board.kept, board.burnt), (total, 0, 0));
}

#[test]
fn a_round_is_drawn_two_sessions_after_its_set_was_frozen() {
    let mut board = board();
    board.poke();
    assert_eq!(board.progress.frozen, Some(0));
    // The set of session 0 is empty: all joined in it. The next one is frozen when the first is too old.
    until(&mut board, 300, |board| board.rounds.contains_key(&key(0, 0)));
    let frozen = round(&board, key(0, 0)).frozen;
    assert!(frozen > 0 && board.session() >= frozen + 2, "{frozen} {}", board.session());
}

#[test]
fn a_set_that_is_too_small_is_frozen_again_at_once() {
    let mut board = board_of(&spec(), 0);
    until(&mut board, 10 * SESSION, |board| board.session() == 4);
    assert!(board.rounds.is_empty(), "nobody is ready");
    (0..10).for_each(|member| board.join(member, 200 * UNITS));
    // Those who are ready count from the next session on; the sets are two sessions apart, and the draw is two sessions later.
    until(&mut board, 6 * SESSION, |board| !board.rounds.is_empty());
    assert!(board.session() <= 4 + 5, "{}", board.session());
}

#[test]
fn no_worker_has_more_slots_than_its_stake_reserves() {
    let mut spec = spec();
    spec.rounds.slots = 20;
    let mut board = Board::new(&spec, 0, SESSION, 3);
    board.progress.escrow = Progress::least_budget(&board.terms);
    (0..4).for_each(|member| board.join(member, 100 * UNITS));
    opened(&mut board, key(0, 0));
    for member in 0..4 {
        let slots = board.slots.values().filter(|slot| slot.worker() == Some(&member)).count();
        assert_eq!(slots, 5, "100 SBH reserve five slots of 20 SBH");
        assert_eq!(board.workers[&member].free(), 0);
    }
}

#[test]
fn at_most_two_rounds_are_unfinalised_and_the_next_runs_on_top() {
    let mut board = board();
    built(&mut board, key(0, 0));
    built(&mut board, key(1, 0));
    assert_eq!(round(&board, key(1, 0)).base, Some(checkpoint(key(0, 0))));
    for _ in 0..200 {
        block(&mut board);
        assert!(board.progress.open.len() <= UNFINALISED as usize);
        assert!(!board.rounds.contains_key(&key(2, 0)), "nobody audited: their windows wait");
        if matches!(round(&board, key(0, 0)).audits, crate::audit::Audits::Publishing { .. }) {
            break;
        }
    }
}

#[test]
fn rounds_become_final_in_order() {
    let mut board = board();
    built(&mut board, key(0, 0));
    built(&mut board, key(1, 0));
    // The second is audited and past its window; the first has a challenge open.
    board.now += 1;
    let (terms, now) = (board.terms, board.now);
    let mut slot = board.slots[&(key(0, 0), 0)];
    board.rounds.get_mut(&key(0, 0)).unwrap().open_challenge(&terms, &mut slot, now).unwrap();
    slot.checks.lapses = 10_000;
    board.slots.insert((key(0, 0), 0), slot);
    audited(&mut board, key(0, 0));
    audited(&mut board, key(1, 0));
    board.now += 200;
    board.poke();
    let mut second = *round(&board, key(1, 0));
    assert!(second.can_finish(board.now));
    let error = board.progress.clone().finish(&mut second, board.now).unwrap_err();
    assert_eq!(error, crate::round::ProgressError::OutOfOrder);
    assert_eq!(board.progress.finalised, 0);
    let mut first = *round(&board, key(0, 0));
    let mut slot = board.slots[&(key(0, 0), 0)];
    first.close_challenge(&mut slot).unwrap();
    board.rounds.insert(key(0, 0), first);
    board.slots.insert((key(0, 0), 0), slot);
    board.poke();
    board.poke();
    assert_eq!(board.progress.finalised, 2);
}

#[test]
fn a_missed_deadline_costs_the_slot_and_reputation_and_the_next_worker_has_it() {
    let mut board = board();
    opened(&mut board, key(0, 0));
    let (worker, generation) = holder(&board, key(0, 0), 0);
    commit(&mut board, key(0, 0), 1, trained(key(0, 0), 1));
    commit(&mut board, key(0, 0), 2, trained(key(0, 0), 2));
    let before = board.workers[&worker].reputation.score();
    board.now += board.terms.clocks.training;
    board.poke();
    assert_eq!(holder(&board, key(0, 0), 0), (worker, generation), "the deadline's block still counts");
    board.now += 1;
    board.poke();
    let (_, next) = holder(&board, key(0, 0), 0);
    assert_eq!(next, generation + 1);
    assert!(board.workers[&worker].reputation.score() < before);
    assert!(
        logged(&board, key(0, 0), |effect| *effect == Effect::Release { worker, amount: board.terms.stake })
    );
    // It is too late for the first.
    let late = board.commit(key(0, 0), 0, worker, generation, trained(key(0, 0), 0)).unwrap_err();
    assert!(matches!(
        late,
        crate::board::BoardError::Round(RoundError::NotYours | RoundError::WrongGeneration)
    ));
    commit(&mut board, key(0, 0), 0, trained(key(0, 0), 0));
}

#[test]
fn a_round_goes_on_with_a_quorum() {
    let mut board = board();
    opened(&mut board, key(0, 0));
    commit(&mut board, key(0, 0), 0, trained(key(0, 0), 0));
    commit(&mut board, key(0, 0), 2, trained(key(0, 0), 2));
    until(&mut board, 200, |board| matches!(round(board, key(0, 0)).phase, Phase::Availability { .. }));
    let got = all(&board);
    attest(&mut board, key(0, 0), got);
    assert_eq!(round(&board, key(0, 0)).accepted.iter().collect::<Vec<_>>(), [0, 2]);
    aggregate(&mut board, key(0, 0));
    audited(&mut board, key(0, 0));
    let escrow = board.progress.escrow;
    settled(&mut board, key(0, 0));
    assert_eq!(
        escrow - board.progress.escrow,
        board.terms.round_cost - board.terms.price,
        "two slots are paid"
    );
}

#[test]
fn without_a_quorum_the_round_is_voided_paid_and_run_again() {
    let mut board = board();
    let total = board.total();
    opened(&mut board, key(0, 0));
    let (worker, first) = holder(&board, key(0, 0), 1);
    commit(&mut board, key(0, 0), 1, trained(key(0, 0), 1));
    until(&mut board, 200, |board| round(board, key(0, 0)).void.is_some());
    assert_eq!(round(&board, key(0, 0)).void, Some(VoidReason::TooFew));
    let got = all(&board);
    attest(&mut board, key(0, 0), got);
    assert!(matches!(round(&board, key(0, 0)).phase, Phase::Window { .. }), "nothing is aggregated");
    let earned = board.workers[&worker].earned;
    audited(&mut board, key(0, 0));
    settled(&mut board, key(0, 0));
    assert!(board.workers[&worker].earned >= earned + board.terms.price, "the honest worker is paid");
    // The next attempt has generations of its own, so that no commitment fits both.
    opened(&mut board, key(0, 1));
    assert!(holder(&board, key(0, 1), 1).1 > first + board.terms.rounds.tries);
    assert_eq!(board.progress.finalised, 0);
    built(&mut board, key(0, 1));
    assert_eq!(board.progress.tip, Some(checkpoint(key(0, 1))));
    assert_eq!(board.total(), total);
}

#[test]
fn attempts_that_get_nowhere_pause_the_run_until_it_is_resumed() {
    let mut board = board();
    until(&mut board, 4_000, |board| board.progress.pause.is_some());
    assert_eq!(board.progress.pause, Some(Pause::Voids(VoidReason::TooFew)));
    assert_eq!(board.progress.next, key(0, VOIDS_IN_A_ROW.into()));
    until(&mut board, 400, |board| board.rounds.is_empty());
    assert!(board.workers.values().all(|worker| worker.reserved == 0));
    board.progress.resume();
    until(&mut board, 400, |board| board.rounds.contains_key(&key(0, VOIDS_IN_A_ROW.into())));
}

#[test]
fn the_majority_of_reports_decides_what_is_accepted() {
    let mut board = board();
    train(&mut board, key(0, 0));
    let places: Vec<_> = board.attesters.iter().map(|(at, attester)| (*at, attester.worker)).collect();
    assert_eq!(places.len(), 3);
    let slots = board.workers_of(key(0, 0));
    assert!(places.iter().all(|(_, worker)| !slots.contains(worker)), "nobody attests its own update");
    let sets = [vec![0, 1, 2], vec![0, 1], vec![1, 2]];
    for (((key, panel, place), worker), slots) in places.into_iter().zip(sets) {
        let mut got = SlotSet::default();
        slots.into_iter().for_each(|slot| got.insert(slot));
        board.report(key, panel, place, worker, got).unwrap();
        let again = board.report(key, panel, place, worker, got).unwrap_err();
        assert_eq!(again, RoundError::WrongState.into());
    }
    board.poke();
    assert_eq!(round(&board, key(0, 0)).accepted.iter().collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn half_of_the_reports_is_no_majority() {
    let mut spec = spec();
    spec.audit.attesters = 2;
    let mut board = board_of(&spec, 10);
    train(&mut board, key(0, 0));
    let places: Vec<_> = board.attesters.iter().map(|(at, attester)| (*at, attester.worker)).collect();
    assert_eq!(places.len(), 2);
    for ((key, panel, place), worker) in places {
        let mut got = all(&board);
        if place == 1 {
            got.remove(2);
        }
        board.report(key, panel, place, worker, got).unwrap();
    }
    board.poke();
    assert_eq!(round(&board, key(0, 0)).accepted.iter().collect::<Vec<_>>(), [0, 1]);
}

/// Whether or not somebody has poked since.
#[test]
fn commitments_and_reports_after_their_deadline_are_refused() {
    let mut board = board();
    opened(&mut board, key(0, 0));
    let (worker, generation) = holder(&board, key(0, 0), 0);
    let SlotState::Assigned { until, .. } = board.slots[&(key(0, 0), 0)].state else { panic!("assigned") };
    let mut late = board.clone();
    late.now = until + 1;
    let error = late.commit(key(0, 0), 0, worker, generation, trained(key(0, 0), 0)).unwrap_err();
    assert_eq!(error, RoundError::TooLate.into());
    board.now = until;
    board.commit(key(0, 0), 0, worker, generation, trained(key(0, 0), 0)).unwrap();
    let malformed = Outcome::Diverged(Divergence { step: 40, instruction: 0, element: 0 });
    let (worker, generation) = holder(&board, key(0, 0), 1);
    let error = board.commit(key(0, 0), 1, worker, generation, malformed).unwrap_err();
    assert_eq!(error, RoundError::Malformed.into(), "there is no such step");

    train_rest(&mut board);
    let Phase::Availability { until, .. } = round(&board, key(0, 0)).phase else { panic!("availability") };
    let (at, attester) = board.attesters.iter().next().map(|(at, a)| (*at, a.worker)).unwrap();
    let got = all(&board);
    let mut late = board.clone();
    late.now = until + 1;
    assert_eq!(late.report(at.0, at.1, at.2, attester, got), Err(RoundError::TooLate.into()));
    board.now = until;
    assert_eq!(board.report(at.0, at.1, at.2, 77, got), Err(RoundError::NotYours.into()));
    board.report(at.0, at.1, at.2, attester, got).unwrap();
}

fn train_rest(board: &mut Board) {
    for index in 1..3 {
        commit(board, key(0, 0), index, trained(key(0, 0), index));
    }
    board.poke();
}

#[test]
fn silent_panels_are_replaced_and_void_the_round_at_last() {
    let mut board = board();
    train(&mut board, key(0, 0));
    let clock = board.terms.clocks.availability;
    until(&mut board, u32::from(PANELS) * (clock + 2), |board| round(board, key(0, 0)).void.is_some());
    assert_eq!(round(&board, key(0, 0)).void, Some(VoidReason::Unattested));
    assert!(board.attesters.keys().any(|(_, panel, _)| *panel == PANELS - 1));
    settled_silently(&mut board);
    let silent =
        board.log.iter().filter(|happening| matches!(happening.effect, Effect::Observe { good: false, .. }));
    assert!(silent.count() >= 6, "two panels of three were silent");
}

/// Until the first attempt is settled, without audits.
fn settled_silently(board: &mut Board) {
    until(board, 600, |board| !board.rounds.contains_key(&key(0, 0)));
}

#[test]
fn a_quorum_of_divergences_pauses_the_run_and_is_paid() {
    let mut board = board();
    opened(&mut board, key(0, 0));
    let diverging: Vec<Member> = [0, 1].into_iter().map(|index| holder(&board, key(0, 0), index).0).collect();
    commit(&mut board, key(0, 0), 0, diverged());
    assert_eq!(board.progress.pause, None);
    commit(&mut board, key(0, 0), 1, diverged());
    assert_eq!(board.progress.pause, Some(Pause::Diverged));
    commit(&mut board, key(0, 0), 2, trained(key(0, 0), 2));
    board.poke();
    assert_eq!(round(&board, key(0, 0)).void, Some(VoidReason::Diverged));
    let got = all(&board);
    attest(&mut board, key(0, 0), got);
    let answers = |board: &Board, place: u16| {
        let slot = board.seats[&(key(0, 0), place)].slot;
        let Outcome::Diverged(divergence) = diverged() else { return None };
        Some(if slot == 2 { truth(board, key(0, 0), 2) } else { answer::of_divergence(&divergence) })
    };
    seated(&mut board, key(0, 0));
    seal_all(&mut board, key(0, 0), answers);
    publish_all(&mut board, key(0, 0));
    reveal_all(&mut board, key(0, 0), answers);
    settled(&mut board, key(0, 0));
    for worker in diverging {
        assert!(board.workers[&worker].earned >= board.terms.price);
    }
    let after = board.now;
    (0..100).for_each(|_| block(&mut board));
    assert!(board.rounds.is_empty(), "nothing opens while the run is paused, from {after} on");
}

#[test]
fn an_escrow_that_does_not_cover_a_round_pauses_the_run() {
    let mut board = board();
    board.progress.escrow = board.terms.round_cost - 1;
    until(&mut board, 200, |board| board.progress.pause.is_some());
    assert_eq!(board.progress.pause, Some(Pause::Escrow));
    assert!(board.rounds.is_empty());
    board.progress.escrow += 1;
    board.progress.resume();
    until(&mut board, 200, |board| board.rounds.contains_key(&key(0, 0)));
}

#[test]
fn a_run_without_workers_waits_and_holds_nobody() {
    let mut board = board_of(&spec(), 1);
    (0..300).for_each(|_| block(&mut board));
    assert!(board.rounds.is_empty() || board.progress.pause.is_none());
    let mut board = board_of(&spec(), 0);
    (0..300).for_each(|_| block(&mut board));
    assert!(board.rounds.is_empty() && board.progress.pause.is_none());
    (0..10).for_each(|member| board.join(member, 200 * UNITS));
    opened(&mut board, key(0, 0));
}

#[test]
fn voiding_a_round_voids_what_was_built_on_it_and_frees_who_still_trains() {
    let mut board = board();
    let total = board.total();
    built(&mut board, key(0, 0));
    opened(&mut board, key(1, 0));
    commit(&mut board, key(1, 0), 0, trained(key(1, 0), 0));
    let (training, _) = holder(&board, key(1, 0), 1);
    let score = board.workers[&training].reputation;
    board.convict(key(0, 0), 0, crate::round::Claim::Other, None).unwrap();
    assert_eq!(round(&board, key(0, 0)).void, Some(VoidReason::Convicted));
    assert_eq!(round(&board, key(1, 0)).void, Some(VoidReason::Base));
    assert_eq!((board.progress.tip, board.progress.next), (None, key(0, 1)));
    board.poke();
    assert_eq!(board.slots[&(key(1, 0), 1)].state, SlotState::Lost);
    assert_eq!(board.workers[&training].reputation, score, "without blame");
    // Its commitment is still attested, audited and paid.
    let got = all(&board);
    attest(&mut board, key(1, 0), got);
    let (paid, _) = holder(&board, key(1, 0), 0);
    let before = board.workers[&paid].earned;
    audited(&mut board, key(1, 0));
    settled(&mut board, key(1, 0));
    assert!(board.workers[&paid].earned >= before + board.terms.price);
    settled(&mut board, key(0, 0));
    assert_eq!(board.total(), total);
    assert!(board.progress.pause.is_none(), "a conviction is paid for: it pauses nothing");
}

/// Otherwise the records of the voided ones would be overwritten, and their commitments fit the new ones.
#[test]
fn what_is_voided_with_its_base_never_shares_a_key_with_what_comes_after() {
    let mut board = board();
    built(&mut board, key(0, 0));
    opened(&mut board, key(1, 0));
    board.convict(key(0, 0), 0, crate::round::Claim::Other, None).unwrap();
    built(&mut board, key(0, 1));
    opened(&mut board, key(1, 1));
    assert!(board.slots.keys().all(|(at, _)| at.attempt == 1 || board.rounds[at].void.is_some()));
    let generation = |attempt| board.terms.first_generation(attempt);
    assert!(generation(1) >= generation(0) + crate::spec::limits::TRIES);
    assert_eq!(generation(crate::round::ATTEMPTS) / crate::spec::limits::TRIES, crate::round::ATTEMPTS);
}

#[test]
fn a_run_voided_too_often_cannot_be_resumed() {
    let mut board = board();
    opened(&mut board, key(0, 0));
    board.progress.next.attempt = crate::round::ATTEMPTS - 1;
    board.progress.void(key(0, 0), None, VoidReason::Convicted, 9);
    assert_eq!(board.progress.pause, Some(Pause::Exhausted));
    board.progress.resume();
    assert_eq!(board.progress.pause, Some(Pause::Exhausted));
}

#[test]
fn what_is_stored_is_small_and_of_one_size() {
    use codec::MaxEncodedLen;
    assert!(Round::<[u8; 32]>::max_encoded_len() <= 512, "{}", Round::<[u8; 32]>::max_encoded_len());
    assert!(crate::round::Slot::<[u8; 32]>::max_encoded_len() <= 256);
    assert!(crate::audit::Seat::<[u8; 32]>::max_encoded_len() <= 96);
    assert!(Progress::max_encoded_len() <= 256);
}

/// How often a slot of the first attempt was given out.
fn tries_of(board: &Board, index: SlotIndex) -> usize {
    let of = |happening: &&crate::board::Happening| {
        happening.key == key(0, 0)
            && happening.duty == crate::board::Duty::Slot(index)
            && matches!(happening.effect, Effect::Reserve { .. })
    };
    board.log.iter().filter(of).count()
}

#[test]
fn a_slot_is_given_out_as_often_as_the_specification_says() {
    for tries in 1..=3 {
        let mut spec = spec();
        spec.rounds.tries = tries;
        let mut board = board_of(&spec, 10);
        opened(&mut board, key(0, 0));
        let opening = board.now;
        until(&mut board, 400, |board| round(board, key(0, 0)).void.is_some());
        for index in 0..3 {
            assert_eq!(tries_of(&board, index), usize::from(tries), "slot {index} with {tries} tries");
        }
        // No longer than they take.
        assert_eq!(board.now, opening + u32::from(tries) * (board.terms.clocks.training + 1));
    }
}

#[test]
fn every_try_has_its_whole_clock_even_if_nobody_can_be_drawn_for_a_while() {
    for tries in 1..=3 {
        let mut spec = spec();
        spec.rounds.tries = tries;
        let mut board = board_of(&spec, 10);
        let busy = |board: &mut Board, until: u32| {
            board.workers.values_mut().for_each(|worker| worker.jailed_until = until);
        };
        busy(&mut board, u32::MAX);
        until(&mut board, 400, |board| board.rounds.contains_key(&key(0, 0)));
        let opening = board.now;
        for nth in 1..=tries {
            // The last block in which this try can begin.
            board.now = opening
                + u32::from(nth) * crate::defaults::ASSIGNMENT
                + u32::from(nth - 1) * board.terms.clocks.training;
            busy(&mut board, 0);
            board.poke();
            assert_eq!(tries_of(&board, 0), usize::from(nth), "of {tries}");
            board.now += board.terms.clocks.training;
            board.poke();
            assert!((0..3).all(|index| holder(&board, key(0, 0), index).1 == nth - 1), "still in time");
            busy(&mut board, u32::MAX);
            block(&mut board);
        }
        assert_eq!(round(&board, key(0, 0)).void, Some(VoidReason::TooFew));
    }
}

#[test]
fn honest_workers_of_a_round_that_nobody_could_attest_are_paid_and_not_blamed() {
    // As many workers as slots: each has one, so nobody is left to attest.
    for seed in 0..20 {
        let mut board = Board::new(&spec(), 0, SESSION, seed);
        board.progress.escrow = Progress::least_budget(&board.terms);
        (0..3).for_each(|member| board.join(member, 200 * UNITS));
        opened(&mut board, key(0, 0));
        let drawn: std::collections::BTreeSet<_> =
            (0..3).map(|slot| holder(&board, key(0, 0), slot).0).collect();
        if drawn.len() < 3 {
            continue;
        }
        train(&mut board, key(0, 0));
        let late = (u32::from(PANELS) + 1) * (board.terms.clocks.availability + 1);
        until(&mut board, late, |board| round(board, key(0, 0)).void.is_some());
        assert_eq!(round(&board, key(0, 0)).void, Some(VoidReason::Unattested));
        assert!(board.attesters.is_empty());
        audited(&mut board, key(0, 0));
        let escrow = board.progress.escrow;
        settled(&mut board, key(0, 0));
        let prices = 3 * board.terms.price + 2 * board.terms.audit.auditor_price;
        assert_eq!(escrow - board.progress.escrow, prices, "as in a round that is final");
        assert!(!logged(&board, key(0, 0), |effect| matches!(effect, Effect::Observe { good: false, .. })));
        return;
    }
    panic!("no seed draws three workers for three slots");
}

#[test]
fn a_round_whose_attesters_are_all_silent_pays_its_honest_workers_and_no_convicted_one() {
    let mut board = board();
    train(&mut board, key(0, 0));
    until(&mut board, 40, |board| round(board, key(0, 0)).void.is_some());
    assert_eq!(round(&board, key(0, 0)).void, Some(VoidReason::Unattested));
    let attesters = board.attesters.len();
    assert_eq!(attesters, 3 * usize::from(PANELS));
    board.convict(key(0, 0), 1, crate::round::Claim::Other, None).unwrap();
    audited(&mut board, key(0, 0));
    settled(&mut board, key(0, 0));
    for index in 0..3 {
        let paid = board.log.iter().any(|happening| {
            happening.duty == crate::board::Duty::Slot(index)
                && matches!(&happening.effect, Effect::Move(m) if m.from == crate::money::Party::Escrow)
        });
        assert_eq!(paid, index != 1, "slot {index}");
    }
    assert_eq!((board.progress.tip, board.kept), (None, 0), "it makes no checkpoint");
}
