//! Which segments of a slot are audited: `m` of `n` without neighbours, the last and the first being neighbours too.
//!
//! Of all such sets each is equally likely, so each segment is audited with probability exactly m / n. (Without closing the circle the
//! ends would be audited more often than the middle: of three segments, two without neighbours are always the first and the last.)

use crate::{
    draw::{Lot, Subject, Word},
    wide::Wide,
};
use alloc::{collections::BTreeSet, vec::Vec};

/// Whether `audited` of `segments` can be chosen so that no two are neighbours.
pub fn can_sample(segments: u32, audited: u16) -> bool {
    let twice = u32::from(audited).saturating_mul(2);
    audited > 0 && (twice <= segments || (audited == 1 && segments == 1))
}

/// The audited segments of a slot, ascending. Empty if [`can_sample`] says no.
pub fn sample(word: &Word, subject: &Subject, segments: u32, audited: u16) -> Vec<u32> {
    if !can_sample(segments, audited) {
        return Vec::new();
    }
    let mut lot = Lot::new(word, subject);
    let first = lot.below(segments);
    let m = u32::from(audited);
    // Between the chosen ones, all around, lie n - m others in m gaps of at least one: each way to divide them is a choice of
    // m - 1 places to cut among n - m - 1. Each set comes from m pairs of a start and a division, so all are equally likely.
    let others = segments.saturating_sub(m);
    let mut cuts = cut(&mut lot, others.saturating_sub(1), m.saturating_sub(1));
    cuts.insert(others);
    let mut chosen: Vec<u32> = Vec::new();
    for (index, before) in (0u32..m).zip(core::iter::once(0).chain(cuts)) {
        let place = first.saturating_add(before).saturating_add(index);
        chosen.push(place.checked_rem(segments).unwrap_or(0));
    }
    chosen.sort_unstable();
    chosen
}

/// A uniform choice of `count` of the numbers 1 to `among` (Floyd).
fn cut(lot: &mut Lot, among: u32, count: u32) -> BTreeSet<u32> {
    let mut chosen = BTreeSet::new();
    for top in among.saturating_sub(count).saturating_add(1)..=among {
        let candidate = lot.below(top).saturating_add(1);
        if !chosen.insert(candidate) {
            chosen.insert(top);
        }
    }
    chosen
}

/// How many sets [`sample`] chooses from: n / (n - m) · C(n - m, m).
pub(crate) fn samples(segments: u32, audited: u16) -> Wide {
    if !can_sample(segments, audited) {
        return Wide::ZERO;
    }
    if segments == 1 {
        return Wide::new(1);
    }
    let others = u64::from(segments).saturating_sub(audited.into());
    Wide::binomial(others, audited.into()).times(segments.into()).over(others)
}
