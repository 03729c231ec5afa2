//! Plain Rust: tiles of 4 x 24 that a compiler can keep in vector registers where the target has a fused multiply-add.

use super::{
    kernel::{Kernels, Tile},
    pack::Run,
};
use core::ops::Range;

const ROWS: usize = 4;
const LANES: usize = 8;
const PACE: usize = 8;

pub(super) static KERNELS: Kernels = Kernels {
    rows: ROWS,
    lanes: LANES,
    depth: 256,
    whole: 256,
    pace: PACE,
    packed: [tile::<1, false>, tile::<2, false>, tile::<3, false>],
    direct: [tile::<1, true>, tile::<2, true>, tile::<3, true>],
    transpose,
    split,
};

/// `a * b + c`, rounded once.
#[allow(clippy::disallowed_methods)]
#[inline(always)]
pub(super) fn fma(a: f32, b: f32, c: f32) -> f32 {
    // Elsewhere `mul_add` is a call to the C library, which is slow and, in some libraries, rounds twice.
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
        a.mul_add(b, c)
    } else {
        soft_fma(a, b, c)
    }
}

/// The same in software. The product of two `f32` is exact in `f64`; the sum is rounded to odd, which keeps enough for the
/// second rounding to be the right one: 53 bits are more than twice 24 and two.
#[inline(always)]
pub(super) fn soft_fma(a: f32, b: f32, c: f32) -> f32 {
    let product = f64::from(a) * f64::from(b);
    let c = f64::from(c);
    let sum = product + c;
    // The error of the sum, exactly (two-sum).
    let back = sum - product;
    let error = (product - (sum - back)) + (c - back);
    let mut bits = sum.to_bits();
    // Not so for infinities and NaN, whose error is NaN, nor for a zero sum, whose error is zero.
    if error.abs() > 0.0 && bits & 1 == 0 {
        // An even neighbour was chosen, so the odd one lies on the side of the error.
        bits = if (error > 0.0) == (sum > 0.0) { bits + 1 } else { bits - 1 };
    }
    f64::from_bits(bits) as f32
}

/// See [`super::kernel::TileFn`].
unsafe fn tile<const V: usize, const DIRECT: bool>(tile: &Tile) {
    let &Tile { k, a, a_row, b, c, c_row, start, next } = tile;
    let mut acc = [[[0f32; LANES]; V]; ROWS];
    // SAFETY: the caller vouches for every element of the tile and of the operands' k terms, and for the alignment of `b`.
    unsafe {
        if !start.is_null() {
            for (i, row) in acc.iter_mut().enumerate() {
                for (v, acc) in row.iter_mut().enumerate() {
                    *acc = start.add(i * c_row + v * LANES).cast::<[f32; LANES]>().read();
                }
            }
        }
        let (mut b, mut next) = (b, next);
        for k in 0..k {
            if k.is_multiple_of(PACE) {
                next.fetch();
            }
            let right = b.cast::<[[f32; LANES]; V]>().read();
            for (i, row) in acc.iter_mut().enumerate() {
                let left = *if DIRECT { a.add(i * a_row + k) } else { a.add(k * ROWS + i) };
                for (acc, right) in row.iter_mut().zip(&right) {
                    for (acc, &right) in acc.iter_mut().zip(right) {
                        *acc = fma(left, right, *acc);
                    }
                }
            }
            b = b.add(V * LANES);
        }
        for (i, row) in acc.iter().enumerate() {
            for (v, acc) in row.iter().enumerate() {
                c.add(i * c_row + v * LANES).cast::<[f32; LANES]>().write(*acc);
            }
        }
    }
}

/// See [`super::kernel::SplitFn`].
unsafe fn split(run: &Run, panels: usize, terms: Range<usize>) {
    // SAFETY: as the caller says.
    unsafe { run.split(panels, terms) }
}

/// See [`super::kernel::TransposeFn`].
pub(super) unsafe fn transpose(
    src: *const f32,
    src_stride: usize,
    rows: usize,
    columns: usize,
    dst: *mut f32,
    dst_stride: usize,
) {
    for k in 0..columns {
        for i in 0..LANES {
            // SAFETY: row i is read only below `rows`; the caller vouches for it and for the destination.
            unsafe {
                let value = if i < rows { *src.add(i * src_stride + k) } else { 0.0 };
                dst.add(k * dst_stride + i).write(value);
            }
        }
    }
}
