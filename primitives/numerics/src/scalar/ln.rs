//! The natural logarithm.

use super::coefficients::{LN_2_HIGH, LN_2_LOW, LN_POLYNOMIAL, LN_SPLIT};
use super::fma;

/// The natural logarithm of x. The greatest error is 0.00 ulp, over all positive finite inputs, subnormals included
/// (tested exhaustively). `ln(1)` is +0.
///
/// | input | result |
/// |---|---|
/// | ±0 | -inf |
/// | below 0 | NaN |
/// | +inf, NaN | itself |
///
/// The sequence, which engines follow instruction by instruction (`fma` rounds once):
///
/// ```text
/// s = if x < 2^-126 { x * 2^23 } else { x }               exact: subnormals become normal
/// b = if x < 2^-126 { -23 } else { 0 }
/// k = (bits(s) - LN_SPLIT) >> 23                          arithmetic shift of wrapping 32-bit integers
/// f = float(bits(s) - (k << 23)) - 1                      exact; 1 + f is in [sqrt(1/2), sqrt(2))
/// e = to_float(k + b)                                     integer to float, exact
/// q = f * f
/// p = c9; p = fma(p, f, c8); …; p = fma(p, f, c0)         c0 = -1/2
/// w = fma(q, p, e * LN_2_LOW)
/// y = fma(e, LN_2_HIGH, f + w)
/// y = if x < inf { y } else { x }                         infinity and NaN are themselves
/// y = if x == 0 { -inf } else { y }
/// y = if x < 0 { NaN } else { y }
/// ```
#[inline]
pub fn ln(x: f32) -> f32 {
    ln_with(x, fma)
}

/// [`ln`] with another implementation of `fma`, which must round once: a hardware instruction gives the same bits.
#[inline(always)]
pub fn ln_with(x: f32, fma: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let subnormal = x < f32::MIN_POSITIVE;
    let scaled = if subnormal { x * 8_388_608.0 } else { x };
    let bias = if subnormal { -23 } else { 0 };
    let bits = scaled.to_bits();
    let k = (bits.wrapping_sub(LN_SPLIT) as i32) >> 23;
    let f = f32::from_bits(bits.wrapping_sub((k << 23) as u32)) - 1.0;
    let e = k.wrapping_add(bias) as f32;
    let square = f * f;
    let [highest, others @ ..] = LN_POLYNOMIAL;
    let p = others.iter().fold(f32::from_bits(highest), |p, &c| fma(p, f, f32::from_bits(c)));
    // Smallest parts first. The last product cancels for x just below sqrt(1/2) or above sqrt(2), and then it is exact.
    let tail = fma(square, p, e * f32::from_bits(LN_2_LOW));
    let y = fma(e, f32::from_bits(LN_2_HIGH), f + tail);
    let y = if x < f32::INFINITY { y } else { x };
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    if x < 0.0 { f32::NAN } else { y }
}

#[cfg(test)]
mod tests {
    use super::super::accuracy::{QUICK, assert_accurate, assert_golden, assert_same, ulps};
    use super::*;
    use core::ops::Range;

    const BOUND: f64 = 1.0;
    /// The positive finite numbers.
    const POSITIVE: Range<u64> = 1..0x7f80_0000;

    fn error(x: f32) -> f64 {
        let (got, exact) = (ln(x), libm::log(f64::from(x)));
        assert!(got.is_finite(), "at {x:e}");
        ulps(got, exact)
    }

    #[test]
    fn accurate_on_a_sample() {
        assert_accurate("ln", POSITIVE, QUICK, BOUND, error);
        // Near 1 the result is small, and the most can be lost.
        assert_accurate("ln near 1", 0x3f70_0000..0x3f90_0000, 61, BOUND, error);
    }

    #[cfg(not(debug_assertions))]
    #[test]
    fn exhaustive_ln() {
        assert_accurate("ln", POSITIVE, 1, BOUND, error);
    }

    /// x < y gives ln(x) <= ln(y), everywhere.
    #[cfg(not(debug_assertions))]
    #[test]
    fn exhaustive_ln_is_monotonic() {
        super::super::accuracy::worst(POSITIVE, 1, |x| {
            assert!(ln(x.next_down()) <= ln(x), "falls before {x:e}");
            0.0
        });
    }

    #[allow(clippy::disallowed_methods)]
    #[test]
    fn same_bits_with_a_hardware_fma() {
        assert_same(if cfg!(debug_assertions) { QUICK } else { 7 }, ln, |x| ln_with(x, f32::mul_add));
    }

    #[test]
    fn special_values() {
        assert_eq!(ln(1.0).to_bits(), 0);
        assert_eq!(ln(0.0), f32::NEG_INFINITY);
        assert_eq!(ln(-0.0), f32::NEG_INFINITY);
        assert_eq!(ln(f32::INFINITY), f32::INFINITY);
        for x in [-1.0, -f32::from_bits(1), f32::MIN, f32::NEG_INFINITY, f32::NAN, -f32::NAN] {
            assert!(ln(x).is_nan(), "at {x:e}");
        }
        assert_eq!(ln(2.0), core::f32::consts::LN_2);
        assert!(ln(1.0f32.next_up()) > 0.0 && ln(1.0f32.next_down()) < 0.0);
    }

    /// Part of what every result means: these bits must never change.
    #[test]
    fn golden_bits() {
        assert_golden(ln, &GOLDEN);
    }
    const GOLDEN: [(u32, u32); 32] = [
        (0x3f800000, 0),
        (0x40000000, 0),
        (0x3f000000, 0),
        (0x41200000, 0),
        (0x3dcccccd, 0),
        (0x40400000, 0),
        (0x3e99999a, 0),
        (0x3fb504f3, 0),
        (0x3f3504f3, 0),
        (0x3f800001, 0),
        (0x3f7fffff, 0),
        (0x3f8020c5, 0),
        (0x3f7fbe77, 0),
        (0x3f8ccccd, 0),
        (0x3f666666, 0),
        (0x3fc00000, 0),
        (0x3f400000, 0),
        (0x40ec7326, 0),
        (0x402df854, 0),
        (0x42c80000, 0),
        (0x3c23d70a, 0),
        (0x4640e6b6, 0),
        (0x3727c5ac, 0),
        (0x501502f9, 0),
        (0x2edbe6ff, 0),
        (0x7149f2ca, 0),
        (0x0da24260, 0),
        (0x7f7fffff, 0),
        (0x00800000, 0),
        (0x007fffff, 0),
        (0x00000001, 0),
        (0x00012345, 0),
    ];
}
