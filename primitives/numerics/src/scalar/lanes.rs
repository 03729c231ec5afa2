//! The order in which a row is reduced to one value.
//!
//! Thirty-two lanes: one warp of a GPU, four AVX2 registers or two AVX-512 ones. Lane `l` takes elements `l`, `l + 32`,
//! `l + 64`, … in that order; then the lanes are folded by halves, `lane[i]` with `lane[i + stride]` for strides 16, 8, 4, 2, 1.
//! Floating-point addition is not associative, so this order is part of what every sum means.

use super::max;

/// The number of lanes.
pub const LANES: usize = 32;

/// Reduces the elements 0 to `n - 1`: every lane starts from `start`, takes its elements by `step(lane, index)`, and
/// `combine(lower, upper)` folds the lanes. `step` is called once for each index, in ascending order.
#[inline]
pub fn reduce(
    n: usize,
    start: f32,
    mut step: impl FnMut(f32, usize) -> f32,
    combine: impl Fn(f32, f32) -> f32,
) -> f32 {
    let mut lanes = [start; LANES];
    for base in (0..n).step_by(LANES) {
        for (lane, index) in lanes.iter_mut().zip(base..n) {
            *lane = step(*lane, index);
        }
    }
    for stride in [16, 8, 4, 2, 1] {
        let (lower, upper) = lanes.split_at_mut(stride);
        for (low, high) in lower.iter_mut().zip(upper) {
            *low = combine(*low, *high);
        }
    }
    let [total, ..] = lanes;
    total
}

/// A sum over `n` elements: `step(acc, index)` adds element `index` to a lane, each lane starts from +0, and lanes are
/// combined by `a + b`. A plain sum adds; a sum of squares is `|acc, i| fma(x[i], x[i], acc)`. No elements give +0.
#[inline]
pub fn sum(n: usize, step: impl FnMut(f32, usize) -> f32) -> f32 {
    reduce(n, 0.0, step, |lower, upper| lower + upper)
}

/// The greatest of `n` elements, by [`max`] with the lane (or the lower lane) on the left. Each lane starts from
/// element 0, so that a lane without elements changes nothing. No elements give +0.
///
/// `element` is called for element 0 twice.
#[inline]
pub fn row_max(n: usize, mut element: impl FnMut(usize) -> f32) -> f32 {
    let first = if n > 0 { element(0) } else { 0.0 };
    reduce(n, first, |lane, index| max(lane, element(index)), max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};
    use proptest::prelude::*;

    /// The definition once more, element by element: a list of each lane's elements, then folding by recursion.
    fn naive(values: &[f32], start: f32, op: fn(f32, f32) -> f32) -> f32 {
        fn fold(lanes: &[f32], op: fn(f32, f32) -> f32) -> f32 {
            match lanes.len() {
                1 => lanes[0],
                n => fold(&(0..n / 2).map(|i| op(lanes[i], lanes[i + n / 2])).collect::<Vec<f32>>(), op),
            }
        }
        let lanes: Vec<f32> = (0..32)
            .map(|lane| values.iter().skip(lane).step_by(32).fold(start, |acc, &v| op(acc, v)))
            .collect();
        fold(&lanes, op)
    }

    fn check(values: &[f32]) {
        let first = values.first().copied().unwrap_or(0.0);
        let (total, greatest) =
            (sum(values.len(), |acc, i| acc + values[i]), row_max(values.len(), |i| values[i]));
        assert_eq!(total.to_bits(), naive(values, 0.0, |a, b| a + b).to_bits());
        assert_eq!(greatest.to_bits(), naive(values, first, |a, b| if a > b { a } else { b }).to_bits());
    }

    #[test]
    fn every_length_up_to_two_hundred() {
        let values: Vec<f32> =
            (0..200u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 * 1.1e-7 - 0.7).collect();
        (0..=200).for_each(|n| check(&values[..n]));
    }

    #[test]
    fn no_elements_and_zeros() {
        assert_eq!(sum(0, |_, _| f32::NAN).to_bits(), 0);
        assert_eq!(row_max(0, |_| f32::NAN).to_bits(), 0);
        assert_eq!(sum(1, |acc, _| acc + -0.0).to_bits(), 0, "a lane starts from +0");
        assert_eq!(row_max(1, |_| -0.0).to_bits(), 0x8000_0000);
        assert_eq!(row_max(3, |_| -5.0), -5.0, "empty lanes do not count");
    }

    #[test]
    fn indices_ascend_and_each_comes_once() {
        let mut seen = vec![];
        sum(70, |acc, i| {
            seen.push(i);
            acc
        });
        assert_eq!(seen, (0..70).collect::<Vec<_>>());
    }

    /// 2^24 in lane 0 and ones elsewhere: the folding order decides which ones are lost.
    #[test]
    fn golden_sums() {
        let big = 16_777_216.0;
        let sum_of = |values: &[f32]| sum(values.len(), |acc, i| acc + values[i]);
        assert_eq!(sum_of(&[big, 1.0]), big);
        assert_eq!(sum_of(&[&[big][..], &[1.0; 31]].concat()), big + 30.0);
        assert_eq!(sum_of(&[&[big][..], &[1.0; 63]].concat()), big + 62.0);
        let harmonic: Vec<f32> = (1..=2048).map(|i| 1.0 / i as f32).collect();
        assert_eq!(sum_of(&harmonic).to_bits(), GOLDEN_HARMONIC);
    }
    const GOLDEN_HARMONIC: u32 = 0x4103_3bb7;

    proptest! {
        #[test]
        fn any_row(values in proptest::collection::vec(-1e30f32..1e30, 0..700)) {
            check(&values);
        }

        #[test]
        fn few_values_with_many_ties(values in proptest::collection::vec(prop_oneof![Just(0.0f32), Just(-0.0), Just(-1.0)], 0..100)) {
            check(&values);
        }
    }
}
