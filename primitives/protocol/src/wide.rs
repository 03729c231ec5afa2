//! Whole numbers below 2^1024: binomial coefficients and their products with amounts, exactly.

use core::cmp::Ordering;

const LIMBS: usize = 16;

/// A whole number below 2^1024, its lowest 64 bits first. What is larger saturates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wide([u64; LIMBS]);

impl Wide {
    pub(crate) const ZERO: Self = Self([0; LIMBS]);
    const MAX: Self = Self([u64::MAX; LIMBS]);

    pub(crate) fn new(value: u128) -> Self {
        let mut limbs = [0; LIMBS];
        for (limb, part) in limbs.iter_mut().zip([value as u64, (value >> 64) as u64]) {
            *limb = part;
        }
        Self(limbs)
    }

    /// C(n, k).
    pub(crate) fn binomial(n: u64, k: u64) -> Self {
        let Some(rest) = n.checked_sub(k) else { return Self::ZERO };
        let mut product = Self::new(1);
        // Each prefix of the product is a binomial coefficient itself, so each division is exact.
        for i in 1..=k.min(rest) {
            let factor = n.saturating_sub(k.min(rest)).saturating_add(i);
            product = product.times(factor).over(i);
        }
        product
    }

    pub(crate) fn times(self, factor: u64) -> Self {
        let mut carry = 0u128;
        let mut limbs = self.0;
        for limb in &mut limbs {
            // Below 2^128: (2^64 - 1)^2 + 2^64 - 1.
            let product = u128::from(*limb).saturating_mul(factor.into()).saturating_add(carry);
            *limb = product as u64;
            carry = product >> 64;
        }
        if carry == 0 { Self(limbs) } else { Self::MAX }
    }

    /// Times a number below 2^128.
    pub(crate) fn times_wide(self, factor: u128) -> Self {
        let high = self.times((factor >> 64) as u64);
        self.times(factor as u64).plus(high.shifted())
    }

    /// The product of two such numbers.
    pub(crate) fn times_all(self, other: Self) -> Self {
        let mut sum = Self::ZERO;
        for limb in other.0.iter().rev() {
            sum = sum.shifted().plus(self.times(*limb));
        }
        sum
    }

    /// The number, if it is below 2^128.
    pub(crate) fn narrow(self) -> Option<u128> {
        match self.0 {
            [low, high, rest @ ..] if rest == [0; LIMBS - 2] => {
                Some((u128::from(high) << 64) | u128::from(low))
            }
            _ => None,
        }
    }

    /// The quotient by `divisor`, rounded down; the largest number for a division by zero.
    pub(crate) fn over(self, divisor: u64) -> Self {
        let mut rest = 0u128;
        let mut limbs = self.0;
        for limb in limbs.iter_mut().rev() {
            let dividend = (rest << 64) | u128::from(*limb);
            let Some(quotient) = dividend.checked_div(divisor.into()) else { return Self::MAX };
            *limb = quotient as u64;
            rest = dividend.checked_rem(divisor.into()).unwrap_or(0);
        }
        Self(limbs)
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        let mut carry = 0u128;
        let mut limbs = self.0;
        for (limb, more) in limbs.iter_mut().zip(other.0) {
            let sum = u128::from(*limb).saturating_add(more.into()).saturating_add(carry);
            *limb = sum as u64;
            carry = sum >> 64;
        }
        if carry == 0 { Self(limbs) } else { Self::MAX }
    }

    /// The difference; zero if `other` is larger.
    pub(crate) fn minus(self, other: Self) -> Self {
        if self < other {
            return Self::ZERO;
        }
        let mut borrow = false;
        let mut limbs = self.0;
        for (limb, less) in limbs.iter_mut().zip(other.0) {
            let (part, first) = limb.overflowing_sub(less);
            let (part, second) = part.overflowing_sub(borrow.into());
            *limb = part;
            borrow = first || second;
        }
        Self(limbs)
    }

    /// Times 2^64.
    fn shifted(self) -> Self {
        let mut limbs = [0; LIMBS];
        for (to, from) in limbs.iter_mut().skip(1).zip(self.0) {
            *to = from;
        }
        if self.0.last() == Some(&0) { Self(limbs) } else { Self::MAX }
    }
}

impl Ord for Wide {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }
}

impl PartialOrd for Wide {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_native_numbers(a: u64, b in 1u64.., c: u64, d: u64) {
            let product = Wide::new(a.into()).times(b);
            prop_assert_eq!(product, Wide::new(u128::from(a) * u128::from(b)));
            prop_assert_eq!(product.over(b), Wide::new(a.into()));
            prop_assert_eq!(product.plus(Wide::new(c.into())).minus(product), Wide::new(c.into()));
            prop_assert_eq!(Wide::new(a.into()).cmp(&Wide::new(c.into())), a.cmp(&c));
            let wide = (u128::from(c) << 64) | u128::from(d);
            prop_assert_eq!(Wide::new(wide).times(b), Wide::new(b.into()).times_wide(wide));
        }
    }

    #[test]
    fn binomials() {
        for (n, k, value) in [(5, 2, 10u128), (48, 2, 1_128), (4, 5, 0), (7, 7, 1), (7, 0, 1), (100, 50, 0)] {
            if value > 0 || k > n {
                assert_eq!(Wide::binomial(n, k), Wide::new(value), "C({n}, {k})");
            }
        }
        assert_eq!(Wide::binomial(100, 50), Wide::new(100_891_344_545_564_193_334_812_497_256));
        // Pascal's rule, where no native number reaches.
        let sum = Wide::binomial(1023, 64).plus(Wide::binomial(1023, 63));
        assert_eq!(Wide::binomial(1024, 64), sum);
        assert!(Wide::binomial(1024, 64) < Wide::MAX);
    }

    #[test]
    fn what_is_too_large_saturates() {
        let mut large = Wide::new(u128::MAX);
        for _ in 0..20 {
            large = large.times_wide(u128::MAX);
        }
        assert_eq!(large, Wide::MAX);
        assert_eq!(Wide::new(1).over(0), Wide::MAX);
        assert_eq!(Wide::new(1).minus(Wide::new(2)), Wide::ZERO);
    }
}
