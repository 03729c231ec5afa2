//! The exponential function.

use super::coefficients::{EXP_GREATEST, EXP_LEAST, EXP_POLYNOMIAL, LN_2_HIGH, LN_2_LOW, LOG2_E, ROUND};
use super::fma;

/// e^x. The greatest error is 0.8914 ulp, over all inputs (tested exhaustively). Not quite monotonic: of two neighbours, the
/// greater one's result may be one ulp the smaller.
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
    #[cfg(not(debug_assertions))]
    use super::super::accuracy::{LIVE, assert_constant};
    use super::*;

    const BOUND: f64 = 0.8914;

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

    /// Every input. Nearer to 0 than 2^-27, e^x is within a quarter of an ulp of 1, so 1 is right; beyond the other end it is
    /// +0 or infinity.
    #[cfg(not(debug_assertions))]
    #[test]
    fn exhaustive_exp() {
        assert_accurate("exp(x), x > 0", LIVE, 1, BOUND, error);
        assert_accurate("exp(-x), x > 0", LIVE, 1, BOUND, |x| error(-x));
        assert_constant("exp", [0.0, 1.0, f32::INFINITY], exp);
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
        (0x0000_0000, 0x3f80_0000),
        (0x8000_0000, 0x3f80_0000),
        (0x3f80_0000, 0x402d_f854),
        (0xbf80_0000, 0x3ebc_5ab2),
        (0x3f00_0000, 0x3fd3_094c),
        (0xbf00_0000, 0x3f1b_4598),
        (0x3dcc_cccd, 0x3f8d_763e),
        (0xbdcc_cccd, 0x3f67_a36d),
        (0x3a83_126f, 0x3f80_20c9),
        (0xba83_126f, 0x3f7f_be7f),
        (0x33d6_bf95, 0x3f80_0001),
        (0x0001_16c2, 0x3f80_0000),
        (0x3eb1_7218, 0x3fb5_04f3),
        (0xbeb1_7218, 0x3f35_04f3),
        (0x4000_0000, 0x40ec_7326),
        (0xc000_0000, 0x3e0a_9555),
        (0x4049_0fdb, 0x41b9_2024),
        (0xc049_0fdb, 0x3d31_0113),
        (0x40e8_0000, 0x44b0_035b),
        (0xc0e8_0000, 0x3a3a_2aff),
        (0x4120_0000, 0x46ac_14ef),
        (0xc120_0000, 0x383e_6bce),
        (0x41ca_6666, 0x51b5_0ad8),
        (0xc1ca_6666, 0x2d34_ff0f),
        (0x4248_0000, 0x638c_881f),
        (0xc248_0000, 0x1b69_2beb),
        (0x42a0_4000, 0x7941_776e),
        (0xc2a0_4000, 0x05a9_5f7b),
        (0x42b1_7217, 0x7f7f_ff84),
        (0xc2ae_ac4f, 0x0080_0026),
        (0x42b1_7218, 0x7f80_0000),
        (0xc2ae_ac50, 0x0000_0000),
    ];
}
