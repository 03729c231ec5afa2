//! Scalar operations: the meaning of every instruction of a training step, down to the last bit.
//!
//! | function | meaning |
//! |---|---|
//! | `+ - * /` | Rust's own, correctly rounded to nearest even, subnormals kept |
//! | [`fma`](fma()) | `a * b + c`, rounded once |
//! | [`sqrt`] | correctly rounded |
//! | [`max`] | `if a > b { a } else { b }` |
//! | [`exp`](exp()), [`ln`](ln()), [`sigmoid`](sigmoid()) | fixed sequences of the operations above, accurate to about one ulp |
//! | [`sum`], [`row_max`] | reductions of a row, in one order |
//!
//! Every function is total and has no branches that a vector engine could not turn into selects. The bits of a NaN are
//! unspecified: machines differ in them, and no instruction may put one out.
//!
//! [`coefficients`] is the one table of constants for all engines.

pub mod coefficients;
mod exp;
mod fma;
mod lanes;
mod ln;
mod sigmoid;

#[cfg(test)]
mod accuracy;

pub use exp::{exp, exp_with};
pub use fma::fma;
pub use lanes::{LANES, reduce, row_max, sum};
pub use ln::{ln, ln_with};
pub use sigmoid::{sigmoid, sigmoid_with};

/// The greater of two numbers, exactly `if a > b { a } else { b }`: b if they are equal (so of two zeros the right one), and b
/// if either is NaN. Library functions differ on both.
#[inline]
pub fn max(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The square root, correctly rounded. -0 gives itself, anything below 0 gives NaN.
#[inline]
pub fn sqrt(x: f32) -> f32 {
    libm::sqrtf(x)
}

/// The index of the first infinity or NaN: a step that makes one has diverged there.
pub fn first_not_finite(values: &[f32]) -> Option<usize> {
    values.iter().position(|value| !value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_is_left_to_right() {
        assert_eq!(max(0.0, -0.0).to_bits(), 0x8000_0000);
        assert_eq!(max(-0.0, 0.0).to_bits(), 0);
        assert_eq!(max(1.0, 2.0), 2.0);
        assert_eq!(max(2.0, 1.0), 2.0);
        assert_eq!(max(f32::NAN, 1.0), 1.0);
        assert!(max(1.0, f32::NAN).is_nan());
    }

    /// The rounded root of the exact value, through `f64`, which has more than twice the bits and two: rounding twice is harmless.
    #[test]
    fn sqrt_is_correctly_rounded() {
        for bits in (0..=0x7f80_0000u32).step_by(4_099) {
            let x = f32::from_bits(bits);
            assert_eq!(sqrt(x).to_bits(), (libm::sqrt(f64::from(x)) as f32).to_bits(), "{x:e}");
        }
        assert_eq!(sqrt(-0.0).to_bits(), 0x8000_0000);
        assert_eq!(sqrt(2.0).to_bits(), 0x3fb5_04f3);
        assert!(sqrt(-1.0).is_nan() && sqrt(f32::NAN).is_nan());
    }

    #[test]
    fn the_first_value_that_is_not_finite() {
        assert_eq!(first_not_finite(&[]), None);
        assert_eq!(first_not_finite(&[0.0, f32::MAX]), None);
        assert_eq!(first_not_finite(&[0.0, f32::NAN, f32::INFINITY]), Some(1));
        assert_eq!(first_not_finite(&[f32::NEG_INFINITY]), Some(0));
    }
}
