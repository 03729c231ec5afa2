//! What a path supplies: the inner kernels, one tile of the result at a time.

use super::{ahead::Next, pack::Run};
use crate::features::Path;
use core::ops::Range;

/// How many vectors wide the widest tile is.
pub(super) const MAX_VECTORS: usize = 3;
/// The most rows a tile of any path has.
pub(super) const MAX_ROWS: usize = 8;
/// The most columns a tile of any path has.
pub(super) const MAX_COLUMNS: usize = 48;

/// One full tile of the result: `rows` x `vectors * lanes` accumulators over `k` terms.
pub(super) struct Tile {
    /// Terms to add.
    pub k: usize,
    /// The first row of the left operand. Packed: `rows` values for each k. Direct: a row is contiguous in k.
    pub a: *const f32,
    /// Direct only: how far apart rows are.
    pub a_row: usize,
    /// The packed right operand: `vectors * lanes` values for each k, aligned to a vector.
    pub b: *const f32,
    /// Where the tile goes.
    pub c: *mut f32,
    /// How far apart rows of the result are, and of `start`.
    pub c_row: usize,
    /// What the accumulators start from: +0 where null; may be `c`.
    pub start: *const f32,
    /// What to fetch meanwhile: a line every [`Kernels::pace`] terms.
    pub next: Next,
}

/// Computes one tile.
///
/// # Safety
///
/// The CPU has the path's instructions, and every element that the tile names may be read, or written, for the time of
/// the call.
pub(super) type TileFn = unsafe fn(&Tile);

/// Transposes `columns` columns of a matrix whose rows are contiguous: column k becomes `lanes` consecutive values at
/// `dst + k * dst_stride`. Of the `lanes` rows, the first `rows` are read and the others are taken as zero.
///
/// # Safety
///
/// The CPU has the path's instructions, every element named may be read or written, and each destination is aligned to a
/// vector.
pub(super) type TransposeFn = unsafe fn(
    src: *const f32,
    src_stride: usize,
    rows: usize,
    columns: usize,
    dst: *mut f32,
    dst_stride: usize,
);

/// Packs whole panels: [`Run::split`].
///
/// # Safety
///
/// As there, and the CPU has the path's instructions.
pub(super) type SplitFn = unsafe fn(&Run, usize, Range<usize>);

/// The kernels of one path.
pub(super) struct Kernels {
    /// Rows of a tile.
    pub rows: usize,
    /// Values in a vector.
    pub lanes: usize,
    /// Terms after which accumulators are stored and reloaded, so that a panel of the right operand stays in cache.
    pub depth: usize,
    /// Terms up to which that does not pay.
    pub whole: usize,
    /// Terms after which a tile asks for a line.
    pub pace: usize,
    /// Tiles of one, two and three vectors, with the left operand packed.
    pub packed: [TileFn; MAX_VECTORS],
    /// The same, with the left operand read in place.
    pub direct: [TileFn; MAX_VECTORS],
    /// Packs a right operand whose rows are contiguous in k.
    pub transpose: TransposeFn,
    /// Packs operands whose rows lie beside each other.
    pub split: SplitFn,
}

impl Kernels {
    /// In how many parts so many terms are taken, and how many a part has at most.
    pub fn parts(&self, terms: usize) -> (usize, usize) {
        let parts = if terms <= self.whole { 1 } else { terms.div_ceil(self.depth) };
        (parts, terms.div_ceil(parts))
    }

    /// The kernels of `path`, which the CPU must have for them to be called.
    pub fn of(path: Path) -> &'static Self {
        match path {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => &super::avx512::KERNELS,
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => &super::avx2::KERNELS,
            _ => &super::portable::KERNELS,
        }
    }
}

/// Computes a tile of `rows` x `width` of which only the first `present` rows and `columns` columns exist.
///
/// # Safety
///
/// As for the kernel, but for elements of the result that do not exist.
pub(super) unsafe fn edge(
    rows: usize,
    width: usize,
    present: usize,
    columns: usize,
    tile: &Tile,
    kernel: TileFn,
) {
    debug_assert!(rows <= MAX_ROWS && width <= MAX_COLUMNS);
    let mut buffer = [0f32; MAX_ROWS * MAX_COLUMNS];
    let c = buffer.as_mut_ptr();
    // SAFETY: the buffer holds the whole tile, and only elements that exist are read and written elsewhere.
    unsafe {
        if !tile.start.is_null() {
            for i in 0..present {
                tile.start.add(i * tile.c_row).copy_to_nonoverlapping(c.add(i * width), columns);
            }
        }
        kernel(&Tile { c, c_row: width, start: c, ..*tile });
        for i in 0..present {
            c.add(i * width).copy_to_nonoverlapping(tile.c.add(i * tile.c_row), columns);
        }
    }
}
