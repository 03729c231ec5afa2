//! AVX-512: tiles of 8 x 48. Eight rows divide a causal block, and 24 accumulators, three vectors of the right operand and
//! a broadcast fit the 32 registers.

use super::{
    kernel::{Kernels, Tile},
    pack::Run,
};
use core::arch::x86_64::*;
use core::ops::Range;

const ROWS: usize = 8;
const LANES: usize = 16;
/// Four terms take 48 cycles.
const PACE: usize = 4;

pub(super) static KERNELS: Kernels = Kernels {
    rows: ROWS,
    lanes: LANES,
    depth: 384,
    whole: 512,
    pace: PACE,
    packed: [tile::<1, false>, tile::<2, false>, tile::<3, false>],
    direct: [tile::<1, true>, tile::<2, true>, tile::<3, true>],
    transpose,
    split,
};

/// See [`super::kernel::TileFn`].
#[target_feature(enable = "avx512f")]
unsafe fn tile<const V: usize, const DIRECT: bool>(tile: &Tile) {
    let &Tile { k, a, a_row, b, c, c_row, start, next } = tile;
    let mut acc = [[_mm512_setzero_ps(); V]; ROWS];
    // SAFETY: the caller vouches for every element of the tile and of the operands' k terms, for the alignment of `b`, and
    // for AVX-512F.
    unsafe {
        if !start.is_null() {
            for (i, row) in acc.iter_mut().enumerate() {
                for (v, acc) in row.iter_mut().enumerate() {
                    *acc = _mm512_loadu_ps(start.add(i * c_row + v * LANES));
                }
            }
        }
        let (mut b, mut next) = (b, next);
        for first in (0..k).step_by(PACE) {
            next.fetch();
            for k in first..(first + PACE).min(k) {
                let mut right = [_mm512_setzero_ps(); V];
                for (v, right) in right.iter_mut().enumerate() {
                    *right = _mm512_load_ps(b.add(v * LANES));
                }
                for (i, row) in acc.iter_mut().enumerate() {
                    let left =
                        _mm512_set1_ps(*if DIRECT { a.add(i * a_row + k) } else { a.add(k * ROWS + i) });
                    for (acc, right) in row.iter_mut().zip(right) {
                        *acc = _mm512_fmadd_ps(left, right, *acc);
                    }
                }
                b = b.add(V * LANES);
            }
        }
        for (i, row) in acc.iter().enumerate() {
            for (v, &acc) in row.iter().enumerate() {
                _mm512_storeu_ps(c.add(i * c_row + v * LANES), acc);
            }
        }
    }
}

/// See [`super::kernel::SplitFn`].
#[target_feature(enable = "avx512f")]
unsafe fn split(run: &Run, panels: usize, terms: Range<usize>) {
    // SAFETY: as the caller says.
    unsafe { run.split(panels, terms) }
}

/// See [`super::kernel::TransposeFn`].
#[target_feature(enable = "avx512f")]
unsafe fn transpose(
    src: *const f32,
    src_stride: usize,
    rows: usize,
    columns: usize,
    dst: *mut f32,
    dst_stride: usize,
) {
    let mut k = 0;
    while k < columns {
        let width = (columns - k).min(LANES);
        let mask = (u32::MAX >> (32 - width)) as __mmask16;
        // SAFETY: rows below `rows` and columns below `columns` may be read (the mask hides the others), and the first
        // `width` destinations written; the caller vouches for both and for AVX-512F.
        unsafe {
            let mut block = [_mm512_setzero_ps(); LANES];
            if rows == LANES && width == LANES {
                for (i, row) in block.iter_mut().enumerate() {
                    *row = _mm512_loadu_ps(src.add(i * src_stride + k));
                }
            } else {
                for (i, row) in block.iter_mut().enumerate().take(rows) {
                    *row = _mm512_maskz_loadu_ps(mask, src.add(i * src_stride + k));
                }
            }
            let block = transpose_block(block);
            if width == LANES {
                for (i, &column) in block.iter().enumerate() {
                    _mm512_store_ps(dst.add((k + i) * dst_stride), column);
                }
            } else {
                for (i, &column) in block.iter().enumerate().take(width) {
                    _mm512_store_ps(dst.add((k + i) * dst_stride), column);
                }
            }
        }
        k += LANES;
    }
}

/// Transposes 16 x 16 values: pairs within lanes of 128 bits, then those lanes.
#[target_feature(enable = "avx512f")]
fn transpose_block(rows: [__m512; LANES]) -> [__m512; LANES] {
    let mut quads = rows;
    for i in 0..4 {
        let [r0, r1, r2, r3] = [rows[4 * i], rows[4 * i + 1], rows[4 * i + 2], rows[4 * i + 3]];
        let low = _mm512_castps_pd(_mm512_unpacklo_ps(r0, r1));
        let high = _mm512_castps_pd(_mm512_unpackhi_ps(r0, r1));
        let low_next = _mm512_castps_pd(_mm512_unpacklo_ps(r2, r3));
        let high_next = _mm512_castps_pd(_mm512_unpackhi_ps(r2, r3));
        // Lane l of `quads[4 i + c]` is column 4 l + c of rows 4 i to 4 i + 3.
        quads[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, low_next));
        quads[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, low_next));
        quads[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high, high_next));
        quads[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high, high_next));
    }
    let mut columns = quads;
    for c in 0..4 {
        let [q0, q1, q2, q3] = [quads[c], quads[4 + c], quads[8 + c], quads[12 + c]];
        let even = _mm512_shuffle_f32x4::<0b10_00_10_00>(q0, q1);
        let odd = _mm512_shuffle_f32x4::<0b11_01_11_01>(q0, q1);
        let even_next = _mm512_shuffle_f32x4::<0b10_00_10_00>(q2, q3);
        let odd_next = _mm512_shuffle_f32x4::<0b11_01_11_01>(q2, q3);
        columns[c] = _mm512_shuffle_f32x4::<0b10_00_10_00>(even, even_next);
        columns[4 + c] = _mm512_shuffle_f32x4::<0b10_00_10_00>(odd, odd_next);
        columns[8 + c] = _mm512_shuffle_f32x4::<0b11_01_11_01>(even, even_next);
        columns[12 + c] = _mm512_shuffle_f32x4::<0b11_01_11_01>(odd, odd_next);
    }
    columns
}
