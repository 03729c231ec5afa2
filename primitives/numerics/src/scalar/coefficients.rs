//! The constants of [`exp`](super::exp()), [`ln`](super::ln()) and [`sigmoid`](super::sigmoid()), as bits: one table for the
//! referee, the vector engines and the CUDA kernels.
//!
//! `scripts/numerics/fit.py` derives all of them and `scripts/numerics/fit.py --check` compares them with this file. They are part
//! of what every result means: a change of one bit needs a new version of the numerics.
//!
//! Polynomials are in Horner's order, the highest degree first. They come from a Remez exchange in 60 digits; then the
//! coefficients were rounded one at a time, lowest degree first, fitting the remaining ones again after each.

/// log2(e), rounded to nearest.
pub const LOG2_E: u32 = 0x3fb8_aa3b;

/// 1.5 * 2^23: added to a number below 2^22 in magnitude, it leaves the nearest integer in the last bits of the sum.
pub const ROUND: u32 = 0x4b40_0000;

/// ln(2), rounded to nearest. `x - n * LN_2_HIGH` is exact under `fma` when n is the integer nearest to x / ln(2).
pub const LN_2_HIGH: u32 = 0x3f31_7218;

/// ln(2) - `LN_2_HIGH`, rounded to nearest. It is negative.
pub const LN_2_LOW: u32 = 0xb102_e308;

/// The least x with e^x >= 2^-126. Below it, `exp` is +0.
pub const EXP_LEAST: u32 = 0xc2ae_ac4f;

/// The greatest x with e^x < 2^128 - 2^103, that is, which rounds to a finite number. Above it, `exp` is +inf.
pub const EXP_GREATEST: u32 = 0x42b1_7217;

/// e^r for |r| <= ln(2) / 2 (and a little more), degree 6, constant and linear term exactly 1; relative error below 2^-28.2.
pub const EXP_POLYNOMIAL: [u32; 7] =
    [0x3ab5_1e78, 0x3c09_1c2c, 0x3d2a_ac5f, 0x3e2a_aa4a, 0x3eff_fffe, 0x3f80_0000, 0x3f80_0000];

/// sqrt(1/2), rounded to nearest: `ln` splits x into 2^k * m with m from here to twice this.
pub const LN_SPLIT: u32 = 0x3f35_04f3;

/// R with ln(1 + f) = f + f^2 R(f) for 1 + f from `LN_SPLIT` to twice that, degree 9, constant term exactly -1/2; its
/// share of the relative error of the logarithm is below 2^-30.2.
pub const LN_POLYNOMIAL: [u32; 10] = [
    0x3d8a_39fd,
    0xbdef_0123,
    0x3df3_6001,
    0xbdfe_1461,
    0x3e11_9dd1,
    0xbe2a_ae22,
    0x3e4c_d23b,
    0xbe80_0003,
    0x3eaa_aaa4,
    0xbf00_0000,
];
