use super::super::quadratic::{FRACTION, MOST, MatchingTerms, PARTS, Support, root};
use crate::UNITS;
use num_bigint::BigUint;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The sum of the roots and the ideal, of all pledges at once, in whole numbers of any size.
fn reference(pledges: &BTreeMap<u8, u128>) -> (BigUint, BigUint) {
    let roots: BigUint =
        pledges.values().map(|amount| (BigUint::from(*amount) << (2 * FRACTION)).sqrt()).sum();
    let square = (&roots * &roots) >> (2 * FRACTION);
    let sum: BigUint = pledges.values().map(|amount| BigUint::from(*amount)).sum();
    let ideal = if square > sum { square - sum } else { BigUint::default() };
    (roots, ideal)
}

/// The ideal with roots of 100 more bits: what no rounding has touched.
fn precise(pledges: &BTreeMap<u8, u128>) -> BigUint {
    const BITS: u32 = FRACTION + 100;
    let roots: BigUint = pledges.values().map(|amount| (BigUint::from(*amount) << (2 * BITS)).sqrt()).sum();
    let square = (&roots * &roots) >> (2 * BITS);
    let sum: BigUint = pledges.values().map(|amount| BigUint::from(*amount)).sum();
    if square > sum { square - sum } else { BigUint::default() }
}

proptest! {
    /// However pledges were raised and withdrawn on the way.
    #[test]
    fn totals_that_are_kept_are_those_that_are_computed_anew(
        changes in prop::collection::vec((0u8..20, prop_oneof![
            Just(0u128), 1u128..100, 1u128..1_000_000 * UNITS, Just(MOST),
        ]), 0..60),
    ) {
        let (mut support, mut pledges) = (Support::default(), BTreeMap::new());
        for (account, amount) in changes {
            let before = pledges.insert(account, amount).unwrap_or(0);
            support = support.change(before, amount).expect("it was added");
            let (roots, ideal) = reference(&pledges);
            prop_assert_eq!(BigUint::from(support.roots), roots);
            prop_assert_eq!(BigUint::from(support.ideal()), ideal);
            prop_assert_eq!(support.sum, pledges.values().sum::<u128>());
            prop_assert_eq!(support.accounts as usize, pledges.values().filter(|amount| **amount > 0).count());
        }
        // Each root is less than 2^-28 too small, so the square by less than 2 n (sum of roots) 2^-28, and one for each rounding.
        let (ideal, precise) = (BigUint::from(support.ideal()), precise(&pledges));
        let slack = ((BigUint::from(support.roots) * pledges.len() * 2u8) >> (2 * FRACTION)) + 2u8;
        prop_assert!(ideal <= precise.clone() && precise <= ideal + slack);
        for (_, amount) in pledges {
            support = support.change(amount, 0).expect("it is there");
        }
        prop_assert_eq!(support, Support::default());
    }

    #[test]
    fn the_pot_is_never_exceeded_nor_a_cap(
        pot in 0..1u128 << 100, ideals in prop::collection::vec(0..1u128 << 100, 1..20),
        most_of_pot in 0..2 * PARTS, most in 0..1u128 << 100,
    ) {
        let terms = MatchingTerms { most_of_pot, most };
        let asked = ideals.iter().sum::<u128>();
        let parts: Vec<_> = ideals.iter().map(|ideal| terms.matched(pot, *ideal, asked)).collect();
        for (part, ideal) in parts.iter().zip(&ideals) {
            prop_assert!(part <= ideal && *part <= most);
            prop_assert!(BigUint::from(*part) * PARTS <= BigUint::from(pot) * most_of_pot.min(PARTS));
        }
        prop_assert!(parts.iter().sum::<u128>() <= pot);
        // Even if somebody has forgotten to ask for some.
        prop_assert!(terms.matched(pot, ideals[0], 0) <= pot);
    }
}

fn of(amount: u128, accounts: u128) -> Support {
    (0..accounts).fold(Support::default(), |support, _| support.change(0, amount).expect("it fits"))
}

#[test]
fn many_with_little_are_owed_more_than_one_with_much() {
    assert_eq!(of(100 * UNITS, 1).ideal(), 0, "who wants it alone pays alone");
    // (10 * 2)^2 - 10 * 4
    assert_eq!(of(4 * UNITS, 10).ideal(), 360 * UNITS);
    assert!(of(UNITS, 100).ideal() > of(50 * UNITS, 2).ideal());
}

/// Cheat: split a pledge. It would gain, if the parts counted; parts of accounts that nobody vouches for do not.
#[test]
fn splitting_gains_only_where_somebody_vouches_for_each_part() {
    let honest = of(9 * UNITS, 4);
    let (whole, split) = (honest.change(0, 100 * UNITS), honest.change(0, 0));
    assert!(of(UNITS, 100).ideal() > of(100 * UNITS, 1).ideal());
    // A hundred parts that count for nothing change nothing, a hundred times.
    let split = split.and_then(|support| (0..99).try_fold(support, |support, _| support.change(0, 0)));
    assert_eq!(split, Some(honest));
    assert!(whole.expect("it fits").ideal() > honest.ideal());
}

#[test]
fn what_was_not_added_cannot_be_taken_away() {
    assert_eq!(Support::default().change(1, 0), None);
    assert_eq!(of(UNITS, 2).change(3 * UNITS, 0), None);
}

#[test]
fn roots_beyond_the_supply_saturate() {
    assert_eq!(root(MOST), root(u128::MAX));
    const { assert!(MOST > 4_000_000_000 * UNITS) };
    assert_eq!(root(UNITS), 1_000_000 << FRACTION);
}
