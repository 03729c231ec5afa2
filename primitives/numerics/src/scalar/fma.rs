//! The fused multiply-add, for machines without one.

/// `a * b + c`, rounded once: the bits of a hardware FMA, on any machine.
///
/// The product of two `f32` is exact in `f64`. Its sum with `c` is rounded to *odd* there (an inexact sum takes the
/// neighbour whose last bit is 1), which keeps enough of the lost part for the final rounding to `f32` to come out as if it
/// were the only one (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008). `f64` has 29 more
/// bits and a far wider range, so this holds for subnormal results too, and nothing overflows on the way.
///
/// There are no branches: as vectors or as Wasm, it is straight-line code. A NaN is a NaN, with unspecified payload.
#[inline]
pub fn fma(a: f32, b: f32, c: f32) -> f32 {
    let product = f64::from(a) * f64::from(b);
    let addend = f64::from(c);
    let sum = product + addend;
    // Knuth's two-sum: exactly what the addition lost. With an infinity or NaN this is NaN, which is neither above nor below.
    let part = sum - product;
    let lost = (product - (sum - part)) + (addend - part);
    let direction = i64::from(lost > 0.0) - i64::from(lost < 0.0);
    let bits = sum.to_bits() as i64;
    // Away from zero is +1 on the bits, whatever the sign of the sum.
    let sign = bits >> 63;
    let step = (direction ^ sign) - sign;
    // An odd sum stays.
    let even = (bits & 1) - 1;
    f64::from_bits(bits.wrapping_add(step & even) as u64) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};
    use proptest::prelude::*;

    fn same(left: f32, right: f32) -> bool {
        left.to_bits() == right.to_bits() || (left.is_nan() && right.is_nan())
    }

    #[allow(clippy::disallowed_methods)]
    fn check(a: f32, b: f32, c: f32) {
        let ours = fma(a, b, c);
        for theirs in [a.mul_add(b, c), libm::fmaf(a, b, c)] {
            assert!(same(ours, theirs), "{a:e} * {b:e} + {c:e}: {ours:e}, not {theirs:e}");
        }
    }

    /// Values around every kind of boundary: zeros, subnormals, powers of two and their neighbours, the largest, infinities.
    fn hard_values() -> Vec<f32> {
        let mut bits = vec![0u32, 1, 2, 3, 0x007f_ffff, 0x0040_0001, 0x7f7f_ffff, 0x7f80_0000, 0x7fc0_0000];
        for exponent in [1u32, 2, 22, 23, 24, 25, 64, 102, 103, 104, 126, 127, 128, 150, 151, 190, 253, 254] {
            for mantissa in [0u32, 1, 2, 0x40_0000, 0x3f_ffff, 0x55_5555, 0x7f_fffe, 0x7f_ffff, 0x00_0800] {
                bits.push((exponent << 23) | mantissa);
            }
        }
        bits.iter().flat_map(|&b| [f32::from_bits(b), -f32::from_bits(b)]).collect()
    }

    #[test]
    fn hard_values_agree_with_the_standard_library_and_libm() {
        let values = hard_values();
        for &a in &values {
            for &b in &values {
                // Every c of the list for a seventh of the pairs, and always those that nearly cancel the product.
                if (a.to_bits() ^ b.to_bits().rotate_left(7)) % 7 == 0 {
                    values.iter().for_each(|&c| check(a, b, c));
                }
                let near = -(f64::from(a) * f64::from(b)) as f32;
                for offset in [0u32, 1, 2, u32::MAX] {
                    check(a, b, f32::from_bits(near.to_bits().wrapping_add(offset)));
                }
            }
        }
    }

    /// Every pair of exponents, with an addend far enough below to be only a sticky bit, or just at half a unit.
    #[test]
    fn all_exponents() {
        for product in 1u32..=254 {
            for addend in 0u32..=254 {
                for (m, n) in
                    [(0u32, 0u32), (1, 0x7f_ffff), (0x7f_ffff, 1), (0x40_0000, 0x40_0000), (3, 0x2a_aaab)]
                {
                    let a = f32::from_bits((product << 23) | m);
                    let c = f32::from_bits((addend << 23) | n);
                    for b in [1.0, -1.0, 1.000_000_1, 0.5, -1.5, f32::MIN_POSITIVE, 1e-42, 3e38] {
                        check(a, b, c);
                    }
                }
            }
        }
    }

    #[test]
    fn halfway_cases_round_once() {
        let (ulp, tiny) = (f32::EPSILON, f32::from_bits(1));
        for c in [ulp / 2.0, -ulp / 2.0, tiny, -tiny, ulp / 4.0, 1.0, -1.0] {
            check(1.0 + ulp, 1.0 + ulp, c);
            check(1.0 + ulp / 2.0, 1.0 - ulp / 2.0, c);
        }
        // 2^24 + 8193 is a tie between its neighbours. A subnormal addend breaks it, far below the last bit of an f64.
        assert_eq!(fma(4097.0, 4097.0, 0.0), 16_785_408.0);
        assert_eq!(fma(4097.0, 4097.0, tiny), 16_785_410.0);
        assert_eq!(fma(4097.0, 4097.0, -tiny), 16_785_408.0);
        assert_eq!(fma(4097.0, -4097.0, tiny), -16_785_408.0);
        assert_eq!(fma(4097.0, -4097.0, -tiny), -16_785_410.0);
        // The same among subnormals: 1.5 units of 2^-149, and a little more or less.
        let half = f32::MIN_POSITIVE * 2.0f32.next_down() * 0.5;
        check(f32::from_bits(3), 0.5, 0.0);
        check(half, ulp, tiny);
        check(half, -ulp, tiny);
    }

    #[test]
    fn signs_of_zeros() {
        for (a, b, c, expected) in [
            (0.0f32, 1.0f32, 0.0f32, 0.0f32),
            (-0.0, 1.0, -0.0, -0.0),
            (-0.0, 1.0, 0.0, 0.0),
            (2.0, 3.0, -6.0, 0.0),
            (1e-30, -1e-30, 0.0, -0.0),
            (1e-30, 1e-30, -0.0, 0.0),
        ] {
            assert_eq!(fma(a, b, c).to_bits(), expected.to_bits(), "{a} * {b} + {c}");
            check(a, b, c);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn any_bits(a: u32, b: u32, c: u32) {
            check(f32::from_bits(a), f32::from_bits(b), f32::from_bits(c));
        }

        /// Exponents close to each other, so that the addend overlaps the product.
        #[test]
        fn overlapping(a in 0x3000_0000u32..0x5000_0000, b in 0x3000_0000u32..0x5000_0000, shift in -60i32..60, m: u32) {
            let (a, b) = (f32::from_bits(a), f32::from_bits(b));
            let exponent = (((a * b).to_bits() >> 23) as i32 + shift).clamp(0, 254) as u32;
            check(a, b, f32::from_bits((exponent << 23) | (m & 0x807f_ffff)));
        }
    }

    /// Fifty million triples: half of any bits, half with overlapping exponents.
    #[cfg(not(debug_assertions))]
    #[test]
    fn exhaustive_fma_sample() {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 16) as u32
        };
        for _ in 0..25_000_000 {
            let (a, b, c) = (next(), next(), next());
            check(f32::from_bits(a), f32::from_bits(b), f32::from_bits(c));
            let (a, b) = (f32::from_bits((a >> 3) + 0x3000_0000), f32::from_bits((b >> 3) + 0x3000_0000));
            let near = (a * b).to_bits() >> 23;
            let exponent = (near + c % 64).saturating_sub(48).min(254);
            check(a, b, f32::from_bits((exponent << 23) | (c & 0x807f_ffff)));
        }
    }
}
