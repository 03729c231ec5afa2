use super::*;
use crate::{
    Divergence,
    draw::{Purpose, Subject, word_of},
    segments_root,
    wide::Wide,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn subject(place: u16) -> Subject {
    Subject { purpose: Purpose::Segments, run: 0, round: 0, place, generation: 0 }
}

fn neighbours(segments: u32, chosen: &[u32]) -> bool {
    chosen.iter().any(|segment| chosen.contains(&((segment + 1) % segments)))
}

/// All sets that may be chosen.
fn allowed(n: u32, m: u32) -> BTreeSet<Vec<u32>> {
    (0u32..1 << n)
        .filter(|bits| bits.count_ones() == m)
        .map(|bits| (0..n).filter(|segment| bits & (1 << segment) != 0).collect::<Vec<_>>())
        .filter(|set| n == 1 || !neighbours(n, set))
        .collect()
}

#[test]
fn every_set_without_neighbours_is_chosen_as_often() {
    for (n, m) in [(1, 1), (2, 1), (5, 1), (4, 2), (7, 2), (8, 3), (6, 3)] {
        let all = allowed(n, m.into());
        assert_eq!(samples(n, m), Wide::new(all.len() as u128), "{n} {m}");
        let mut counts: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
        let draws = 400 * all.len() as u32;
        for draw in 0..draws {
            *counts.entry(sample(&word_of(draw.into(), 0), &subject(0), n, m)).or_default() += 1;
        }
        assert_eq!(counts.keys().cloned().collect::<BTreeSet<_>>(), all, "{n} {m}");
        assert!(counts.values().all(|count| (300..500).contains(count)), "{n} {m}: {counts:?}");
    }
}

proptest! {
    #[test]
    fn a_sample_is_ascending_within_the_slot_and_without_neighbours(seed: u64, n in 1u32..1025, m in 0u16..65) {
        let chosen = sample(&word_of(seed, 0), &subject(1), n, m);
        if can_sample(n, m) {
            prop_assert_eq!(chosen.len(), usize::from(m));
            prop_assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(chosen.iter().all(|segment| *segment < n));
            prop_assert!(n == 1 || !neighbours(n, &chosen));
        } else {
            prop_assert!(chosen.is_empty());
        }
    }

    #[test]
    fn leaves_open_at_their_own_place_only(count in 1u32..40, index in 0u32..40, other in 0u32..40, flip in 0usize..200) {
        let roots: Vec<Digest> = (0..count).map(|i| Digest::of(&i.to_le_bytes())).collect();
        let root = segments_root(&roots);
        let Some(opening) = Opening::of(&roots, index) else {
            prop_assert!(index >= count);
            return Ok(());
        };
        prop_assert!(opening.opens(&root, count, index));
        prop_assert!(other == index || !opening.opens(&root, count, other));
        let mut bad = opening.clone();
        bad.leaf = Digest([1; 32]);
        prop_assert!(!bad.opens(&root, count, index));
        let mut long = opening.clone();
        long.path.push(Digest([0; 32]));
        prop_assert!(!long.opens(&root, count, index));
        if !opening.path.is_empty() {
            let mut bent = opening.clone();
            let at = flip % bent.path.len();
            bent.path[at].0[flip % 32] ^= 1;
            prop_assert!(!bent.opens(&root, count, index));
            let mut short = opening;
            short.path.pop();
            prop_assert!(!short.opens(&root, count, index));
        }
    }
}

/// Cheat: copy another's answer in an audit. A seal shows nothing of the answer and is worth nothing to another account.
#[test]
fn a_seal_copied_from_another_auditor_cannot_be_revealed() {
    let answer = answer::of_roots(&[Digest([1; 32])]);
    let sealed = seal(&answer, &[3; 32], &7u32);
    assert_ne!(sealed, seal(&answer, &[3; 32], &8u32), "bound to the account");
    assert_ne!(sealed, seal(&answer, &[4; 32], &7u32), "hidden by the salt");
    assert_ne!(sealed, seal(&answer::of_roots(&[Digest([2; 32])]), &[3; 32], &7u32), "bound to the answer");
}

#[test]
fn answers_of_different_kinds_differ() {
    let divergence = Divergence { step: 0, instruction: 0, element: 0 };
    let roots = answer::of_roots(&[Digest([0; 32])]);
    assert_ne!(answer::of_divergence(&divergence), answer::of_roots(&[]));
    assert_ne!(
        answer::of_divergence(&divergence),
        answer::of_divergence(&Divergence { step: 1, ..divergence })
    );
    assert_ne!(roots, answer::of_roots(&[Digest([0; 32]), Digest([0; 32])]));
}

/// Who audits what, and what is sealed, is on chain for good: these values must never change.
#[test]
fn golden_audits() {
    use std::string::ToString;
    assert_eq!(sample(&[7; 32], &subject(3), 20, 4), SAMPLE);
    let shares: Vec<_> =
        (0..5).map(|place| crate::draw::share_out(&[7; 32], &subject(0), 5, place).unwrap()).collect();
    assert_eq!(shares, SHARES);
    let answer = answer::of_roots(&[Digest([1; 32]), Digest([2; 32])]);
    let divergence = answer::of_divergence(&Divergence { step: 1, instruction: 2, element: 3 });
    let sealed = seal(&answer, &[3; 32], &[4u8; 32]);
    assert_eq!([answer, divergence, sealed].map(|digest| digest.to_string()), DIGESTS);
}
const SAMPLE: [u32; 4] = [0, 3, 12, 16];
const SHARES: [u16; 5] = [3, 0, 2, 4, 1];
const DIGESTS: [&str; 3] = [
    "a0770315abd2f2124176ee6d80414fa7afa04d7f146862dc7a1a8fe5300275a9",
    "7dac68b35c0c9391c3b0f9926e080423ee728623358f6a398b9a38885094e9db",
    "07278d31e12fdabe366eac065bdcc18f1e82bd487202b375f269b96a23d8bdfd",
];
