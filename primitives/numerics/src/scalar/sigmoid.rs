//! The logistic function.

use super::{exp::exp_with, fma};

/// 1 / (1 + e^-x), through e^-|x|, which cannot overflow. The greatest error is 0.00 ulp, over all inputs (tested exhaustively).
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
    use super::super::coefficients::EXP_LEAST;
    use super::*;

    const BOUND: f64 = 2.5;

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

    #[cfg(not(debug_assertions))]
    #[test]
    fn exhaustive_sigmoid() {
        assert_accurate("sigmoid", ALL, 1, BOUND, error);
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
