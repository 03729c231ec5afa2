//! The natural logarithm.

use super::coefficients::{LN_2_HIGH, LN_2_LOW, LN_POLYNOMIAL, LN_SPLIT};
use super::fma;

/// The natural logarithm of x. The greatest error is 0.8241 ulp, over all positive finite inputs, subnormals included
/// (tested exhaustively). `ln(1)` is +0, and a greater x never has a smaller logarithm.
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

    const BOUND: f64 = 0.8241;
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

    /// Every number from 1/4 to 8, where results are small enough for neighbours to come in the wrong order.
    #[cfg(not(debug_assertions))]
    #[test]
    fn exhaustive_ln_is_monotonic() {
        super::super::accuracy::worst(0x3e80_0000..0x4100_0000, 1, |x| {
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
        (0x3f80_0000, 0x0000_0000),
        (0x4000_0000, 0x3f31_7218),
        (0x3f00_0000, 0xbf31_7218),
        (0x4120_0000, 0x4013_5d8e),
        (0x3dcc_cccd, 0xc013_5d8e),
        (0x4040_0000, 0x3f8c_9f54),
        (0x3e99_999a, 0xbf9a_1bc8),
        (0x3fb5_04f3, 0x3eb1_7217),
        (0x3f35_04f3, 0xbeb1_7219),
        (0x3f80_0001, 0x33ff_ffff),
        (0x3f7f_ffff, 0xb380_0000),
        (0x3f80_20c5, 0x3a83_033b),
        (0x3f7f_be77, 0xba83_22ca),
        (0x3f8c_cccd, 0x3dc3_31ff),
        (0x3f66_6666, 0xbdd7_c745),
        (0x3fc0_0000, 0x3ecf_991f),
        (0x3f40_0000, 0xbe93_4b10),
        (0x40ec_7326, 0x4000_0000),
        (0x402d_f854, 0x3f80_0000),
        (0x42c8_0000, 0x4093_5d8e),
        (0x3c23_d70a, 0xc093_5d8e),
        (0x4640_e6b6, 0x4116_bcab),
        (0x3727_c5ac, 0xc138_34f1),
        (0x5015_02f9, 0x41b8_34f1),
        (0x2edb_e6ff, 0xc1b8_34f1),
        (0x7149_f2ca, 0x428a_27b5),
        (0x0da2_4260, 0xc28a_27b5),
        (0x7f7f_ffff, 0x42b1_7218),
        (0x0080_0000, 0xc2ae_ac50),
        (0x007f_ffff, 0xc2ae_ac50),
        (0x0000_0001, 0xc2ce_8ed0),
        (0x0001_2345, 0xc2b8_1e77),
    ];
}
