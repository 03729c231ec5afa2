//! Copies operands into the order in which tiles read them.

use super::{
    kernel::{Kernels, MAX_VECTORS},
    layout::Strides,
};
use core::ops::Range;

/// How the columns of a result are cut into panels, each as wide as a tile: as many of the widest as go, then narrower
/// ones, but none of a single vector where two of two do (too few accumulators to keep the multipliers busy).
#[derive(Clone, Copy, Debug)]
pub(super) struct Panels {
    lanes: usize,
    /// Vectors of the first panels.
    wide: usize,
    /// How many of those there are.
    wide_count: usize,
    /// Vectors of the others.
    narrow: usize,
    /// How many of those there are.
    narrow_count: usize,
}

impl Panels {
    /// Cuts `n` columns. With `even`, every panel is as wide, but for a last one, and the width divides any power of two
    /// of at least two vectors.
    pub fn new(lanes: usize, n: usize, even: bool) -> Self {
        let vectors = n.div_ceil(lanes);
        let (wide, wide_count, narrow, narrow_count) = if even {
            (2, vectors / 2, 1, vectors % 2)
        } else {
            match vectors % MAX_VECTORS {
                0 => (MAX_VECTORS, vectors / MAX_VECTORS, 1, 0),
                1 if vectors > 1 => (MAX_VECTORS, vectors / MAX_VECTORS - 1, 2, 2),
                rest => (MAX_VECTORS, vectors / MAX_VECTORS, rest, 1),
            }
        };
        Self { lanes, wide, wide_count, narrow, narrow_count }
    }

    /// How many panels there are.
    pub fn count(&self) -> usize {
        self.wide_count + self.narrow_count
    }

    /// The first column of a panel (one past the last for `count()`), and how many vectors wide it is.
    pub fn get(&self, panel: usize) -> (usize, usize) {
        let narrow = panel.saturating_sub(self.wide_count);
        let column = ((panel - narrow) * self.wide + narrow * self.narrow) * self.lanes;
        (column, if panel < self.wide_count { self.wide } else { self.narrow })
    }

    /// The end of the panels from `first` on that have at most `columns` columns together, but one at least.
    pub fn fitting(&self, first: usize, columns: usize) -> usize {
        let start = self.get(first).0;
        let mut last = first + 1;
        while last < self.count() && self.get(last + 1).0 - start <= columns {
            last += 1;
        }
        last
    }

    /// The panels of a range in at most two ranges of equal widths.
    pub fn equal(&self, panels: Range<usize>) -> [Range<usize>; 2] {
        let middle = self.wide_count.clamp(panels.start, panels.end);
        [panels.start..middle, middle..panels.end]
    }
}

/// Terms of all panels that are packed before others.
const TOGETHER: usize = 16;

/// Panels of equal width that lie one after another: for each term, a panel holds its `width` values, and zeros where the
/// operand has no more rows.
#[derive(Clone, Copy)]
pub(super) struct Run {
    /// The operand's first row in the run.
    pub src: *const f32,
    /// Where its elements lie.
    pub strides: Strides,
    /// How many rows it has.
    pub rows: usize,
    /// Rows of a panel.
    pub width: usize,
    /// Terms from one panel to the next.
    pub stride: usize,
    /// Where the panels go, aligned to a vector.
    pub dst: *mut f32,
}

impl Run {
    /// Packs some terms of all panels.
    ///
    /// # Safety
    ///
    /// The CPU has the kernels' instructions, those terms of the operand's rows may be read, and their places written.
    pub unsafe fn pack(&self, kernels: &Kernels, terms: Range<usize>) {
        if terms.is_empty() {
            return;
        }
        let &Self { src, strides: Strides { row, col, .. }, rows, width, stride, dst } = self;
        // SAFETY: every row is below `rows` and every term one of `terms`; the caller vouches for those and their places.
        unsafe {
            if row == 1 {
                let whole = rows / width;
                (kernels.split)(self, whole, terms.clone());
                self.one_by_one(whole * width..rows, terms);
            } else if col == 1 && width.is_multiple_of(kernels.lanes) {
                for first in (0..rows).step_by(kernels.lanes) {
                    (kernels.transpose)(
                        src.add(first * row + terms.start),
                        row,
                        (rows - first).min(kernels.lanes),
                        terms.len(),
                        dst.add(first / width * width * stride + terms.start * width + first % width),
                        width,
                    );
                }
            } else {
                self.one_by_one(0..rows, terms);
            }
        }
    }

    /// Packs the first `panels` panels of rows that lie beside each other, and fill them. Is inlined where the compiler may
    /// use wide vectors.
    ///
    /// # Safety
    ///
    /// As for [`Self::pack`]; there are as many rows.
    #[inline(always)]
    pub unsafe fn split(&self, panels: usize, terms: Range<usize>) {
        // SAFETY: as the caller says.
        unsafe {
            match self.width {
                4 => self.split_by::<4>(panels, terms),
                8 => self.split_by::<8>(panels, terms),
                16 => self.split_by::<16>(panels, terms),
                24 => self.split_by::<24>(panels, terms),
                32 => self.split_by::<32>(panels, terms),
                48 => self.split_by::<48>(panels, terms),
                width => self.one_by_one(0..panels * width, terms),
            }
        }
    }

    /// The same for panels `N` wide. Goes through a few terms of all panels at a time, for they may be a page apart.
    ///
    /// # Safety
    ///
    /// As for [`Self::split`].
    #[inline(always)]
    unsafe fn split_by<const N: usize>(&self, panels: usize, terms: Range<usize>) {
        for first in terms.clone().step_by(TOGETHER) {
            let last = (first + TOGETHER).min(terms.end);
            for panel in 0..panels {
                let src = self.src.wrapping_add(panel * N);
                let dst = self.dst.wrapping_add(panel * self.stride * N);
                for t in first..last {
                    // SAFETY: the caller vouches for the term and the panel.
                    unsafe {
                        let values = src.add(t * self.strides.col).cast::<[f32; N]>().read();
                        dst.add(t * N).cast::<[f32; N]>().write(values);
                    }
                }
            }
        }
    }

    /// Packs rows, of which the first starts a panel, and fills the last panel with zeros.
    ///
    /// # Safety
    ///
    /// As for [`Self::pack`].
    unsafe fn one_by_one(&self, rows: Range<usize>, terms: Range<usize>) {
        let &Self { src, strides: Strides { row, col, .. }, width, stride, dst, .. } = self;
        for t in terms {
            for i in rows.start..rows.end.next_multiple_of(width) {
                // SAFETY: the caller vouches for the term, and for the rows that are read.
                unsafe {
                    let value = if i < rows.end { *src.add(i * row + t * col) } else { 0.0 };
                    dst.add((i / width * stride + t) * width + i % width).write(value);
                }
            }
        }
    }
}
