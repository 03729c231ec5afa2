//! Products and quotients without rounding twice.

/// `a * b / c`, rounded down. None if `c` is zero, or the result does not fit.
pub fn mul_div(a: u128, b: u128, c: u128) -> Option<u128> {
    let (high, mut low) = product(a, b);
    // So the quotient is below 2^128; it follows for zero.
    if high >= c {
        return None;
    }
    let (mut rest, mut quotient) = (high, 0u128);
    for _ in 0..u128::BITS {
        let carry = rest >> 127;
        rest = (rest << 1) | (low >> 127);
        low <<= 1;
        quotient <<= 1;
        if carry == 1 || rest >= c {
            // Below 2^128 again: it was below twice `c`.
            rest = rest.wrapping_sub(c);
            quotient |= 1;
        }
    }
    Some(quotient)
}

/// The product of two numbers: its upper and its lower 128 bits.
fn product(a: u128, b: u128) -> (u128, u128) {
    let halves = |x: u128| (x >> 64, x & u128::from(u64::MAX));
    let ((a1, a0), (b1, b0)) = (halves(a), halves(b));
    // No partial product overflows: (2^64 - 1)^2 + 2 (2^64 - 1) = 2^128 - 1.
    let low = a0.wrapping_mul(b0);
    let (carry, lowest) = halves(low);
    let first = a1.wrapping_mul(b0).wrapping_add(carry);
    let (carry, middle) = halves(first);
    let second = a0.wrapping_mul(b1).wrapping_add(middle);
    let (more, middle) = halves(second);
    let high = a1.wrapping_mul(b1).wrapping_add(carry).wrapping_add(more);
    (high, (middle << 64) | lowest)
}
