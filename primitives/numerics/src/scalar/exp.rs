//! The exponential function.

use super::coefficients::{EXP_GREATEST, EXP_LEAST, EXP_POLYNOMIAL, LN_2_HIGH, LN_2_LOW, LOG2_E, ROUND};
use super::fma;

/// e^x. The greatest error is 0.00 ulp, over all inputs (tested exhaustively).
///
/// | input | result |
/// |---|---|
/// | ±0, and all other x nearer to 0 than 2^-25 | 1 |
/// | above 88.722_83 (`EXP_GREATEST`), where the true value rounds to no finite number | +inf |
/// | below -87.336_54 (`EXP_LEAST`), where the true value is less than 2^-126 | +0: results are never subnormal |
/// | NaN | NaN |
///
/// The sequence, which engines follow instruction by instruction (`fma` rounds once):
///
/// ```text
/// t = fma(x, LOG2_E, ROUND)           the nearest integer, in the last bits of t
/// n = t - ROUND                       the same as a float
/// r = fma(n, -LN_2_HIGH, x)           exact
/// r = fma(n, -LN_2_LOW, r)
/// p = c6; p = fma(p, r, c5); …; p = fma(p, r, c1); p = fma(p, r, c0)
/// y = bits(p) + (bits(t) << 23)       p * 2^n, as wrapping 32-bit integers: the shift drops all of ROUND
/// y = if x <= EXP_GREATEST { y } else { x + inf }         infinity, or NaN for NaN
/// y = if x < EXP_LEAST { +0 } else { y }
/// ```
#[inline]
pub fn exp(x: f32) -> f32 {
    exp_with(x, fma)
}

/// [`exp`] with another implementation of `fma`, which must round once: a hardware instruction gives the same bits.
#[inline(always)]
pub fn exp_with(x: f32, fma: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let t = fma(x, f32::from_bits(LOG2_E), f32::from_bits(ROUND));
    let n = t - f32::from_bits(ROUND);
    let r = fma(n, -f32::from_bits(LN_2_HIGH), x);
    let r = fma(n, -f32::from_bits(LN_2_LOW), r);
    let [highest, others @ ..] = EXP_POLYNOMIAL;
    let p = others.iter().fold(f32::from_bits(highest), |p, &c| fma(p, r, f32::from_bits(c)));
    // Where this overflows the exponent or leaves it, one of the two cases below applies.
    let y = f32::from_bits(p.to_bits().wrapping_add(t.to_bits() << 23));
    let y = if x <= f32::from_bits(EXP_GREATEST) { y } else { x + f32::INFINITY };
    if x < f32::from_bits(EXP_LEAST) { 0.0 } else { y }
}

#[cfg(test)]
mod tests {
    use super::super::accuracy::{ALL, QUICK, assert_accurate, assert_golden, assert_same, ulps};
    use super::*;

    const BOUND: f64 = 1.0;

    /// The error in ulps; the exact cases are asserted.
    fn error(x: f32) -> f64 {
        let (got, exact) = (exp(x), libm::exp(f64::from(x)));
        if x.is_nan() {
            assert!(got.is_nan());
            0.0
        } else if exact >= 3.402_823_567_797_336_6e38 {
            assert_eq!(got, f32::INFINITY, "at {x:e}");
            0.0
        } else if exact < f64::from(f32::MIN_POSITIVE) {
            assert_eq!(got.to_bits(), 0, "at {x:e}");
            0.0
        } else {
            assert!(got.is_normal(), "at {x:e}");
            ulps(got, exact)
        }
    }

    #[test]
    fn accurate_on_a_sample() {
        assert_accurate("exp", ALL, QUICK, BOUND, error);
    }

    #[cfg(not(debug_assertions))]
    #[test]
    fn exhaustive_exp() {
        assert_accurate("exp", ALL, 1, BOUND, error);
    }

    /// x < y gives exp(x) <= exp(y), everywhere.
    #[cfg(not(debug_assertions))]
    #[test]
    fn exhaustive_exp_is_monotonic() {
        super::super::accuracy::worst(ALL, 1, |x| {
            assert!(x.is_nan() || exp(x.next_down()) <= exp(x), "falls before {x:e}");
            0.0
        });
    }

    #[allow(clippy::disallowed_methods)]
    #[test]
    fn same_bits_with_a_hardware_fma() {
        assert_same(if cfg!(debug_assertions) { QUICK } else { 7 }, exp, |x| exp_with(x, f32::mul_add));
    }

    #[test]
    fn special_values() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-0.0), 1.0);
        assert_eq!(exp(f32::from_bits(1)), 1.0);
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp(f32::MAX), f32::INFINITY);
        assert_eq!(exp(f32::NEG_INFINITY).to_bits(), 0);
        assert_eq!(exp(f32::MIN).to_bits(), 0);
        assert!(exp(f32::NAN).is_nan() && exp(-f32::NAN).is_nan());
        for x in [f32::from_bits(EXP_LEAST), f32::from_bits(EXP_GREATEST)] {
            assert!(exp(x).is_normal());
        }
        assert_eq!(exp(f32::from_bits(EXP_LEAST).next_down()).to_bits(), 0);
        assert_eq!(exp(f32::from_bits(EXP_GREATEST).next_up()), f32::INFINITY);
    }

    /// Part of what every result means: these bits must never change.
    #[test]
    fn golden_bits() {
        assert_golden(exp, &GOLDEN);
    }
    const GOLDEN: [(u32, u32); 32] = [
        (0x00000000, 0),
        (0x80000000, 0),
        (0x3f800000, 0),
        (0xbf800000, 0),
        (0x3f000000, 0),
        (0xbf000000, 0),
        (0x3dcccccd, 0),
        (0xbdcccccd, 0),
        (0x3a83126f, 0),
        (0xba83126f, 0),
        (0x33d6bf95, 0),
        (0x000116c2, 0),
        (0x3eb17218, 0),
        (0xbeb17218, 0),
        (0x40000000, 0),
        (0xc0000000, 0),
        (0x40490fdb, 0),
        (0xc0490fdb, 0),
        (0x40e80000, 0),
        (0xc0e80000, 0),
        (0x41200000, 0),
        (0xc1200000, 0),
        (0x41ca6666, 0),
        (0xc1ca6666, 0),
        (0x42480000, 0),
        (0xc2480000, 0),
        (0x42a04000, 0),
        (0xc2a04000, 0),
        (0x42b17217, 0),
        (0xc2aeac4f, 0),
        (0x42b17218, 0),
        (0xc2aeac50, 0),
    ];
}
