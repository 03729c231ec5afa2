//! Measuring errors against binary64, on all cores. For tests only.

// Needed where the crate itself is built without it.
#[allow(unused_extern_crates)]
pub extern crate std;

use std::{ops::Range, thread, vec::Vec};

/// All bit patterns.
pub const ALL: Range<u64> = 0..1 << 32;
/// From 2^-27 to a little above 88.7: the positive x where e^x or e^-x is not a constant.
#[cfg(not(debug_assertions))]
pub const LIVE: Range<u64> = 0x3200_0000..0x42b1_7219;
/// All other patterns: numbers nearer to 0 and farther from it, infinities and NaNs, of both signs. With [`LIVE`] of both signs
/// these are [`ALL`].
#[cfg(not(debug_assertions))]
pub const CONSTANT: [Range<u64>; 4] =
    [0..LIVE.start, LIVE.end..SIGN, SIGN..SIGN + LIVE.start, SIGN + LIVE.end..ALL.end];
#[cfg(not(debug_assertions))]
const SIGN: u64 = 1 << 31;
/// How many patterns a quick test skips: a prime, so that every exponent and all kinds of mantissas are seen.
pub const QUICK: u64 = 65_537;

/// The error of `got` in units of the last place of a binary32 number as large as `exact` (subnormals count as 2^-126).
pub fn ulps(got: f32, exact: f64) -> f64 {
    let exponent = (((exact.to_bits() >> 52) & 0x7ff) as i64 - 1023).max(-126) - 23;
    let ulp = f64::from_bits(((exponent + 1023) as u64) << 52);
    (f64::from(got) - exact).abs() / ulp
}

/// The greatest of `error` over every `step`-th pattern of `range`, and where it is.
pub fn worst(range: Range<u64>, step: u64, error: impl Fn(f32) -> f64 + Sync) -> (f64, f32) {
    let threads = thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let scan = |first: u64| {
        let mut found = (0.0, 0.0);
        for bits in (first..range.end).step_by((step * threads) as usize) {
            let x = f32::from_bits(bits as u32);
            let here = error(x);
            if here > found.0 || here.is_nan() {
                found = (here, x);
            }
        }
        found
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|i| {
                scope.spawn({
                    let first = range.start + i * step;
                    move || scan(first)
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a check failed"))
            .reduce(|a, b| if a.0 >= b.0 || a.0.is_nan() { a } else { b })
            .expect("there is at least one thread")
    })
}

/// Checks that the greatest error is below `bound`, and prints it.
pub fn assert_accurate(
    name: &str,
    range: Range<u64>,
    step: u64,
    bound: f64,
    error: impl Fn(f32) -> f64 + Sync,
) {
    let (greatest, x) = worst(range, step, error);
    std::println!("{name}: greatest error {greatest:.4} ulp at {x:e} (0x{:08x}), step {step}", x.to_bits());
    assert!(greatest < bound, "{name}: {greatest} ulp at {x:e}, more than {bound}");
}

/// Checks every pattern outside of [`LIVE`] against the one value that is right there, and says how many there were. `near` is the
/// result near 0, `low` and `high` those far below and above it.
#[cfg(not(debug_assertions))]
pub fn assert_constant(name: &str, [low, near, high]: [f32; 3], function: impl Fn(f32) -> f32 + Sync) {
    let check = |x: f32| {
        let got = function(x);
        let expected = match x {
            x if x.is_nan() => return assert!(got.is_nan(), "{name} of a NaN: {got:e}"),
            x if x.abs() < 1.0 => near,
            x if x < 0.0 => low,
            _ => high,
        };
        assert_eq!(got.to_bits(), expected.to_bits(), "{name}: at {x:e}");
    };
    let mut count = 0;
    for range in CONSTANT {
        count += range.end - range.start;
        worst(range, 1, |x| {
            check(x);
            0.0
        });
    }
    assert_eq!(count + 2 * (LIVE.end - LIVE.start), ALL.end, "every pattern is in one of the ranges");
    std::println!("{name}: the constant that is right at all {count} other inputs");
}

/// Checks that two functions agree in every bit, or both give NaN.
pub fn assert_same(step: u64, left: impl Fn(f32) -> f32 + Sync, right: impl Fn(f32) -> f32 + Sync) {
    worst(ALL, step, |x| {
        let (left, right) = (left(x), right(x));
        let same = left.to_bits() == right.to_bits() || (left.is_nan() && right.is_nan());
        assert!(same, "at {x:e}: {left:e}, not {right:e}");
        0.0
    });
}

/// Checks results against recorded bits, printing what they are now.
pub fn assert_golden(function: impl Fn(f32) -> f32, golden: &[(u32, u32)]) {
    for &(input, _) in golden {
        std::println!("(0x{input:08x}, 0x{:08x}),", function(f32::from_bits(input)).to_bits());
    }
    for &(input, output) in golden {
        assert_eq!(function(f32::from_bits(input)).to_bits(), output, "at {:e}", f32::from_bits(input));
    }
}
