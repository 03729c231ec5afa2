use super::{tickets::*, *};
use crate::board::MemoryTickets;
use crate::defaults::{DRAW_LAG, RETAINED};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn subject(place: u16) -> Subject {
    Subject { purpose: Purpose::Slot, run: 1, round: 2, place, generation: 3 }
}

fn word(session: u32) -> Word {
    word_of(9, session)
}

/// Workers with so many tickets each, joined in session 0.
fn joined(tickets: &[u16]) -> MemoryTickets<usize> {
    let mut store = MemoryTickets::default();
    for (worker, count) in tickets.iter().enumerate() {
        (0..*count).for_each(|ordinal| join(&mut store, &worker, ordinal, 0));
    }
    store
}

/// How often each worker is drawn in so many draws.
fn drawn(store: &MemoryTickets<usize>, draws: u16) -> BTreeMap<usize, u32> {
    let mut counts = BTreeMap::new();
    for place in 0..draws {
        if let Some(worker) = draw(store, &word(3), &subject(place), 1, |_| true) {
            *counts.entry(worker).or_default() += 1;
        }
    }
    counts
}

#[test]
fn every_part_of_a_subject_and_the_word_matter() {
    let base = Lot::new(&word(1), &subject(0)).below(u32::MAX);
    let others = [
        Subject { purpose: Purpose::Auditor, ..subject(0) },
        Subject { run: 9, ..subject(0) },
        Subject { round: 9, ..subject(0) },
        subject(9),
        Subject { generation: 9, ..subject(0) },
    ];
    for other in others {
        assert_ne!(Lot::new(&word(1), &other).below(u32::MAX), base, "{other:?}");
    }
    assert_ne!(Lot::new(&word(2), &subject(0)).below(u32::MAX), base);
}

/// Who is drawn is on chain for good: these numbers must never change.
#[test]
fn golden_lot() {
    let mut lot = Lot::new(&[7; 32], &subject(0));
    let numbers: Vec<u32> = (0..4).map(|_| lot.below(1_000_000)).collect();
    assert_eq!(numbers, GOLDEN);
}
const GOLDEN: [u32; 4] = [7_023, 856_175, 464_607, 206_648];

#[test]
fn draws_are_per_unit_of_stake() {
    let counts = drawn(&joined(&[1, 3]), 20_000);
    assert!((4_700..5_300).contains(&counts[&0]), "{counts:?}");
    assert_eq!(counts[&0] + counts[&1], 20_000);
}

/// Cheat: split a stake between accounts.
#[test]
fn splitting_a_stake_gains_nothing() {
    let whole = drawn(&joined(&[5, 5]), 20_000);
    let split = drawn(&joined(&[5, 1, 1, 1, 1, 1]), 20_000);
    let share: u32 = (1..=5).map(|worker| split[&worker]).sum();
    // The tickets are the same, so the draws are: not only nearly as often.
    assert_eq!(share, whole[&1]);
}

/// Cheat: reorder the eligible set. Whatever joins, leaves or is moved after a set was frozen, the same workers are drawn from it.
#[test]
fn a_frozen_set_cannot_be_reordered() {
    let mut store = joined(&[1; 40]);
    let before: Vec<_> = (0..50).map(|place| draw(&store, &word(5), &subject(place), 3, |_| true)).collect();
    for session in 3..3 + RETAINED {
        // The adversary knows the word from session 4 on, and does what it likes.
        for worker in 0..10usize {
            leave(&mut store, &worker, 0, session);
            join(&mut store, &(100 + worker), 0, session);
            leave(&mut store, &(100 + worker), 0, session);
            join(&mut store, &worker, 0, session);
        }
        while compact(&mut store, session) {}
        let after: Vec<_> =
            (0..50).map(|place| draw(&store, &word(5), &subject(place), 3, |_| true)).collect();
        assert_eq!(before, after, "session {session}");
    }
}

/// Cheat: grind the randomness, by joining or leaving once it is known.
#[test]
fn who_joins_or_leaves_when_the_word_is_known_changes_nothing() {
    let mut store = joined(&[2, 2]);
    let before: Vec<_> = (0..40).map(|place| draw(&store, &word(4), &subject(place), 2, |_| true)).collect();
    join(&mut store, &7, 0, 2);
    leave(&mut store, &0, 1, 2);
    let after: Vec<_> = (0..40).map(|place| draw(&store, &word(4), &subject(place), 2, |_| true)).collect();
    assert_eq!(before, after, "the same session counts for the next freeze only");
    assert!((0..200).any(|place| draw(&store, &word(5), &subject(place), 3, |_| true) == Some(7)));
    let ordinals: Vec<_> =
        (0..4).filter_map(|index| store.ticket(index)).filter(|t| t.counts_in(3)).collect();
    assert_eq!(ordinals.iter().filter(|ticket| ticket.worker == 0).count(), 1);
}

#[test]
fn a_draw_waits_for_its_word_and_does_not_outlive_its_set() {
    assert!(!can_draw(5, 6) && can_draw(5, 5 + DRAW_LAG));
    assert!(can_draw(5, 4 + RETAINED) && !can_draw(5, 5 + RETAINED));
    assert!(!can_draw(u32::MAX, u32::MAX));
}

/// Cheat: exit when the draw is known. The stake stays until no kept set has it.
#[test]
fn who_leaves_can_be_drawn_as_long_as_its_sets_are_kept() {
    let mut store = joined(&[1]);
    leave(&mut store, &0, 0, 5);
    for frozen in 1..=5 {
        let last =
            (frozen..).take_while(|now| *now < frozen + DRAW_LAG || can_draw(frozen, *now)).last().unwrap();
        assert_eq!(draw(&store, &word(frozen + 2), &subject(0), frozen, |_| true), Some(0));
        assert!(!may_withdraw(5, last), "set {frozen} can be drawn from in {last}");
    }
    assert!(may_withdraw(5, 6 + RETAINED));
}

#[test]
fn nobody_is_drawn_from_nothing_or_if_nobody_is_fit() {
    assert_eq!(draw(&joined(&[]), &word(3), &subject(0), 1, |_| true), None);
    let mut asked = 0;
    let none = draw(&joined(&[3]), &word(3), &subject(0), 1, |_| {
        asked += 1;
        false
    });
    assert_eq!((none, asked), (None, CANDIDATES));
}

#[test]
fn seats_are_shared_out_evenly() {
    let shares: Vec<u16> = (0..7).filter_map(|place| share_out(&word(1), &subject(0), 3, place)).collect();
    for slot in 0..3 {
        assert!((2..=3).contains(&shares.iter().filter(|share| **share == slot).count()), "{shares:?}");
    }
    assert_eq!(shares[..3], shares[3..6]);
    assert_eq!(share_out(&word(1), &subject(0), 0, 0), None);
    let orders: BTreeSet<Vec<u16>> = (0..100u32)
        .map(|session| (0..3).filter_map(|place| share_out(&word(session), &subject(0), 3, place)).collect())
        .collect();
    assert_eq!(orders.len(), 6, "every order occurs");
}

proptest! {
    /// Against a model that copies every set when it is frozen.
    #[test]
    fn frozen_sets_are_as_copies_of_them(
        acts in proptest::collection::vec((0usize..12, 0u16..3, 0u8..5), 1..300),
    ) {
        let mut store = MemoryTickets::<usize>::default();
        let mut live = BTreeSet::new();
        let mut frozen: BTreeMap<u32, BTreeSet<(usize, u16)>> = BTreeMap::new();
        let mut session = 0;
        frozen.insert(0, BTreeSet::new());
        for (worker, ordinal, act) in acts {
            match act {
                0 | 1 => {
                    join(&mut store, &worker, ordinal, session);
                    live.insert((worker, ordinal));
                }
                2 => {
                    leave(&mut store, &worker, ordinal, session);
                    live.remove(&(worker, ordinal));
                }
                // Sessions may pass without any change, too.
                3 => {
                    for _ in 0..=u32::from(ordinal) * 2 {
                        session += 1;
                        // What was there before this session began.
                        frozen.insert(session, live.clone());
                    }
                }
                _ => {
                    compact(&mut store, session);
                }
            }
            prop_assert_eq!(store.head().live as usize, live.len());
            for kept in session.saturating_sub(RETAINED - 1)..=session {
                let len = store.head().len_before(kept);
                let set: Vec<_> = (0..len)
                    .filter_map(|index| store.ticket(index))
                    .filter(|ticket| ticket.counts_in(kept))
                    .map(|ticket| (ticket.worker, ticket.ordinal))
                    .collect();
                prop_assert_eq!(set.iter().copied().collect::<BTreeSet<_>>(), frozen[&kept].clone(), "set of {}", kept);
                prop_assert_eq!(set.len(), frozen[&kept].len(), "no ticket twice");
            }
        }
    }

    #[test]
    fn the_array_shrinks_again(count in 1u16..60, gone in 0u16..60) {
        let mut store = joined(&[count]);
        (0..gone.min(count)).for_each(|ordinal| leave(&mut store, &0, ordinal, 1));
        for session in 2..40 {
            prop_assert!(session > 1 + RETAINED || store.head().len >= u32::from(count - gone.min(count)));
            while compact(&mut store, session) {}
        }
        prop_assert_eq!(store.head().len, u32::from(count - gone.min(count)));
        prop_assert_eq!(store.head().live, store.head().len);
    }
}
