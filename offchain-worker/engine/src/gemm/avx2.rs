//! AVX2 and FMA: tiles of 4 x 24. Four rows divide a causal block, and twelve accumulators, three vectors of the right
//! operand and a broadcast fill the 16 registers.

use super::{
    ahead::Next,
    kernel::{Kernels, MAX_VECTORS, Tile},
    pack::Run,
};
use core::arch::{asm, x86_64::*};
use core::ops::Range;

const ROWS: usize = 4;
const LANES: usize = 8;
/// Eight terms take 48 cycles.
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

/// See [`super::kernel::TileFn`].
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<const V: usize, const DIRECT: bool>(tile: &Tile) {
    let &Tile { k, a, a_row, b, c, c_row, start, next } = tile;
    let mut acc = [[_mm256_setzero_ps(); V]; ROWS];
    // SAFETY: the caller vouches for every element of the tile and of the operands' k terms, for the alignment of `b`, and
    // for AVX2 and FMA.
    unsafe {
        if !start.is_null() {
            for (i, row) in acc.iter_mut().enumerate() {
                for (v, acc) in row.iter_mut().enumerate() {
                    *acc = _mm256_loadu_ps(start.add(i * c_row + v * LANES));
                }
            }
        }
        if V == MAX_VECTORS {
            sum_widest(
                k,
                a,
                if DIRECT { a_row } else { 1 },
                if DIRECT { 1 } else { ROWS },
                b,
                next,
                acc.as_flattened_mut(),
            );
        } else {
            let (mut b, mut next) = (b, next);
            for k in 0..k {
                if k.is_multiple_of(PACE) {
                    next.fetch();
                }
                let mut right = [_mm256_setzero_ps(); V];
                for (v, right) in right.iter_mut().enumerate() {
                    *right = _mm256_load_ps(b.add(v * LANES));
                }
                for (i, row) in acc.iter_mut().enumerate() {
                    let left =
                        _mm256_set1_ps(*if DIRECT { a.add(i * a_row + k) } else { a.add(k * ROWS + i) });
                    for (acc, right) in row.iter_mut().zip(right) {
                        *acc = _mm256_fmadd_ps(left, right, *acc);
                    }
                }
                b = b.add(V * LANES);
            }
        }
        for (i, row) in acc.iter().enumerate() {
            for (v, &acc) in row.iter().enumerate() {
                _mm256_storeu_ps(c.add(i * c_row + v * LANES), acc);
            }
        }
    }
}

/// Adds `k` terms to the 4 x 24 accumulators `acc`, of which there are twelve. The left operand's rows are `a_row` values
/// apart, its terms `a_col`.
///
/// In assembly, because exactly 16 registers are needed, and LLVM spills here.
///
/// # Safety
///
/// The operands' k terms may be read, `b` is aligned to a vector, `acc` has twelve elements, and the CPU has AVX2 and FMA.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn sum_widest(
    k: usize,
    a: *const f32,
    a_row: usize,
    a_col: usize,
    b: *const f32,
    next: Next,
    acc: &mut [__m256],
) {
    if k == 0 {
        return;
    }
    // Rows are reached as base + 0, 1, 2 and 3 strides, the last in a register of its own.
    let a_row = a_row * size_of::<f32>();
    // SAFETY: the caller vouches for what is read; nothing is written but registers.
    unsafe {
        asm!(
            "2:",
            "test {k}, {pace} - 1",
            "jnz 3f",
            "prefetcht1 [{next}]",
            "add {next}, {step}",
            "3:",
            "vmovaps {b0}, [{b}]",
            "vmovaps {b1}, [{b} + 32]",
            "vmovaps {b2}, [{b} + 64]",
            "vbroadcastss {left}, dword ptr [{a}]",
            "vfmadd231ps {c00}, {left}, {b0}",
            "vfmadd231ps {c01}, {left}, {b1}",
            "vfmadd231ps {c02}, {left}, {b2}",
            "vbroadcastss {left}, dword ptr [{a} + {a_row}]",
            "vfmadd231ps {c10}, {left}, {b0}",
            "vfmadd231ps {c11}, {left}, {b1}",
            "vfmadd231ps {c12}, {left}, {b2}",
            "vbroadcastss {left}, dword ptr [{a} + 2 * {a_row}]",
            "vfmadd231ps {c20}, {left}, {b0}",
            "vfmadd231ps {c21}, {left}, {b1}",
            "vfmadd231ps {c22}, {left}, {b2}",
            "vbroadcastss {left}, dword ptr [{a} + {a_row_3}]",
            "vfmadd231ps {c30}, {left}, {b0}",
            "vfmadd231ps {c31}, {left}, {b1}",
            "vfmadd231ps {c32}, {left}, {b2}",
            "add {a}, {a_col}",
            "add {b}, 96",
            "dec {k}",
            "jnz 2b",
            pace = const PACE,
            next = inout(reg) next.line => _,
            step = in(reg) next.step * size_of::<f32>(),
            k = inout(reg) k => _,
            a = inout(reg) a => _,
            a_row = in(reg) a_row,
            a_row_3 = in(reg) 3 * a_row,
            a_col = in(reg) a_col * size_of::<f32>(),
            b = inout(reg) b => _,
            b0 = out(ymm_reg) _,
            b1 = out(ymm_reg) _,
            b2 = out(ymm_reg) _,
            left = out(ymm_reg) _,
            c00 = inout(ymm_reg) acc[0],
            c01 = inout(ymm_reg) acc[1],
            c02 = inout(ymm_reg) acc[2],
            c10 = inout(ymm_reg) acc[3],
            c11 = inout(ymm_reg) acc[4],
            c12 = inout(ymm_reg) acc[5],
            c20 = inout(ymm_reg) acc[6],
            c21 = inout(ymm_reg) acc[7],
            c22 = inout(ymm_reg) acc[8],
            c30 = inout(ymm_reg) acc[9],
            c31 = inout(ymm_reg) acc[10],
            c32 = inout(ymm_reg) acc[11],
            options(nostack, readonly),
        );
    }
}

/// See [`super::kernel::SplitFn`].
#[target_feature(enable = "avx2")]
unsafe fn split(run: &Run, panels: usize, terms: Range<usize>) {
    // SAFETY: as the caller says.
    unsafe { run.split(panels, terms) }
}

/// See [`super::kernel::TransposeFn`].
#[target_feature(enable = "avx2")]
unsafe fn transpose(
    src: *const f32,
    src_stride: usize,
    rows: usize,
    columns: usize,
    dst: *mut f32,
    dst_stride: usize,
) {
    let whole = if rows == LANES { columns - columns % LANES } else { 0 };
    let mut k = 0;
    while k < whole {
        // SAFETY: eight rows and the columns from k to k + 7 may be read, and as many destinations written; the caller
        // vouches for both and for AVX2.
        unsafe {
            let mut block = [_mm256_setzero_ps(); LANES];
            for (i, row) in block.iter_mut().enumerate() {
                *row = _mm256_loadu_ps(src.add(i * src_stride + k));
            }
            for (i, column) in transpose_block(block).into_iter().enumerate() {
                _mm256_store_ps(dst.add((k + i) * dst_stride), column);
            }
        }
        k += LANES;
    }
    // SAFETY: the rest of what the caller vouches for.
    unsafe {
        super::portable::transpose(
            src.add(whole),
            src_stride,
            rows,
            columns - whole,
            dst.add(whole * dst_stride),
            dst_stride,
        );
    }
}

/// Transposes 8 x 8 values: pairs within lanes of 128 bits, then those lanes.
#[target_feature(enable = "avx2")]
fn transpose_block(rows: [__m256; LANES]) -> [__m256; LANES] {
    let mut quads = rows;
    for i in 0..2 {
        let [r0, r1, r2, r3] = [rows[4 * i], rows[4 * i + 1], rows[4 * i + 2], rows[4 * i + 3]];
        let low = _mm256_castps_pd(_mm256_unpacklo_ps(r0, r1));
        let high = _mm256_castps_pd(_mm256_unpackhi_ps(r0, r1));
        let low_next = _mm256_castps_pd(_mm256_unpacklo_ps(r2, r3));
        let high_next = _mm256_castps_pd(_mm256_unpackhi_ps(r2, r3));
        // Lane l of `quads[4 i + c]` is column 4 l + c of rows 4 i to 4 i + 3.
        quads[4 * i] = _mm256_castpd_ps(_mm256_unpacklo_pd(low, low_next));
        quads[4 * i + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(low, low_next));
        quads[4 * i + 2] = _mm256_castpd_ps(_mm256_unpacklo_pd(high, high_next));
        quads[4 * i + 3] = _mm256_castpd_ps(_mm256_unpackhi_pd(high, high_next));
    }
    let mut columns = quads;
    for c in 0..4 {
        columns[c] = _mm256_permute2f128_ps::<0x20>(quads[c], quads[4 + c]);
        columns[4 + c] = _mm256_permute2f128_ps::<0x31>(quads[c], quads[4 + c]);
    }
    columns
}
