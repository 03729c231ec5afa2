use super::super::fraction::mul_div;
use num_bigint::BigUint;
use proptest::prelude::*;

fn exact(a: u128, b: u128, c: u128) -> Option<u128> {
    (c > 0).then(|| BigUint::from(a) * b / c).and_then(|quotient| u128::try_from(quotient).ok())
}

proptest! {
    #[test]
    fn agrees_with_whole_numbers_of_any_size(a: u128, b: u128, c: u128, shift in 0u32..128) {
        for c in [c, c >> shift, 1] {
            prop_assert_eq!(mul_div(a, b, c), exact(a, b, c));
            prop_assert_eq!(mul_div(a >> shift, b, c), exact(a >> shift, b, c));
        }
    }
}

#[test]
fn edges() {
    for (a, b, c) in [
        (0, 0, 0),
        (5, 7, 0),
        (0, u128::MAX, 3),
        (u128::MAX, u128::MAX, u128::MAX),
        (u128::MAX, u128::MAX, u128::MAX - 1),
        (u128::MAX, 2, 2),
        (1 << 127, 2, 1),
    ] {
        assert_eq!(mul_div(a, b, c), exact(a, b, c), "{a} {b} {c}");
    }
}
