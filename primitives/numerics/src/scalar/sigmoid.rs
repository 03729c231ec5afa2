//! The logistic function.

use super::{exp::exp_with, fma};

/// 1 / (1 + e^-x), through e^-|x|, which cannot overflow. The greatest error is 2.4019 ulp for x < 0 and
/// 1.4984 ulp for x > 0, over all inputs (tested exhaustively).
///
/// | input | result |
/// |---|---|
/// | ±0 | 1/2 |
/// | below -87.336_54, -inf | +0 |
/// | +inf | 1 |
/// | NaN | NaN |
///
/// The sequence, which engines follow instruction by instruction:
///
/// ```text
/// e = exp(-|x|)                       -|x| is bits(x) | 0x80000000; the result is at most 1, so exp's case +inf never applies
/// a = if x >= 0 { 1 } else { e }
/// y = a / (1 + e)
/// ```
#[inline]
pub fn sigmoid(x: f32) -> f32 {
    sigmoid_with(x, fma)
}

/// [`sigmoid`] with another implementation of `fma`, which must round once: a hardware instruction gives the same bits.
#[inline(always)]
pub fn sigmoid_with(x: f32, fma: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let e = exp_with(f32::from_bits(x.to_bits() | 0x8000_0000), fma);
    let above = if x >= 0.0 { 1.0 } else { e };
    above / (1.0 + e)
}

#[cfg(test)]
mod tests {
    use super::super::accuracy::{ALL, QUICK, assert_accurate, assert_golden, assert_same, ulps};
    #[cfg(not(debug_assertions))]
    use super::super::accuracy::{LIVE, assert_constant};
    use super::super::coefficients::EXP_LEAST;
    use super::*;

    const BOUND: f64 = 2.4019;

    fn error(x: f32) -> f64 {
        let got = sigmoid(x);
        if x.is_nan() {
            assert!(got.is_nan());
            0.0
        } else if x < f32::from_bits(EXP_LEAST) {
            assert_eq!(got.to_bits(), 0, "at {x:e}");
            0.0
        } else {
            assert!(got.is_normal() && got <= 1.0, "at {x:e}");
            ulps(got, 1.0 / (1.0 + libm::exp(-f64::from(x))))
        }
    }

    #[test]
    fn accurate_on_a_sample() {
        assert_accurate("sigmoid", ALL, QUICK, BOUND, error);
    }

    /// Every input. Nearer to 0 than 2^-27 the true value is within a quarter of an ulp of 1/2, so that is right; beyond the
    /// other end e^-|x| is +0, and the result +0 or 1.
    #[cfg(not(debug_assertions))]
    #[test]
    fn exhaustive_sigmoid() {
        assert_accurate("sigmoid(x), x > 0", LIVE, 1, BOUND, error);
        assert_accurate("sigmoid(-x), x > 0", LIVE, 1, BOUND, |x| error(-x));
        assert_constant("sigmoid", [0.0, 0.5, 1.0], sigmoid);
    }

    #[allow(clippy::disallowed_methods)]
    #[test]
    fn same_bits_with_a_hardware_fma() {
        assert_same(if cfg!(debug_assertions) { QUICK } else { 7 }, sigmoid, |x| {
            sigmoid_with(x, f32::mul_add)
        });
    }

    #[test]
    fn special_values() {
        assert_eq!(sigmoid(0.0), 0.5);
        assert_eq!(sigmoid(-0.0), 0.5);
        assert_eq!(sigmoid(f32::INFINITY), 1.0);
        assert_eq!(sigmoid(f32::MAX), 1.0);
        assert_eq!(sigmoid(f32::NEG_INFINITY).to_bits(), 0);
        assert_eq!(sigmoid(f32::MIN).to_bits(), 0);
        assert!(sigmoid(f32::NAN).is_nan() && sigmoid(-f32::NAN).is_nan());
    }

    /// Part of what every result means: these bits must never change.
    #[test]
    fn golden_bits() {
        assert_golden(sigmoid, &GOLDEN);
    }
    const GOLDEN: [(u32, u32); 32] = [
        (0x0000_0000, 0x3f00_0000),
        (0x8000_0000, 0x3f00_0000),
        (0x3f80_0000, 0x3f3b_26a8),
        (0xbf80_0000, 0x3e89_b2b1),
        (0x3f00_0000, 0x3f1f_597f),
        (0xbf00_0000, 0x3ec1_4d03),
        (0x3dcc_cccd, 0x3f06_6509),
        (0xbdcc_cccd, 0x3ef3_35ee),
        (0x3a83_126f, 0x3f00_1062),
        (0xba83_126f, 0x3eff_df3b),
        (0x33d6_bf95, 0x3f00_0001),
        (0x0001_16c2, 0x3f00_0000),
        (0x3eb1_7218, 0x3f15_f619),
        (0xbeb1_7218, 0x3ed4_13cc),
        (0x4000_0000, 0x3f61_7bea),
        (0xc000_0000, 0x3df4_20a9),
        (0x4049_0fdb, 0x3f75_653f),
        (0xc049_0fdb, 0x3d29_ac08),
        (0x40e8_0000, 0x3f7f_d17e),
        (0xc0e8_0000, 0x3a3a_092d),
        (0x4120_0000, 0x3f7f_fd06),
        (0xc120_0000, 0x383e_6997),
        (0x41ca_6666, 0x3f80_0000),
        (0xc1ca_6666, 0x2d34_ff0f),
        (0x4248_0000, 0x3f80_0000),
        (0xc248_0000, 0x1b69_2beb),
        (0x42a0_4000, 0x3f80_0000),
        (0xc2a0_4000, 0x05a9_5f7b),
        (0x42b1_7217, 0x3f80_0000),
        (0xc2ae_ac4f, 0x0080_0026),
        (0x42b1_7218, 0x3f80_0000),
        (0xc2ae_ac50, 0x0000_0000),
    ];
}
