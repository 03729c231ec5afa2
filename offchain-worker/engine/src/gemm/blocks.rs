//! Products whose operands both lie across their terms, as a weight's gradient reads them.
//!
//! Either operand has to be packed, and both are long: packed as a whole, they would leave the caches before they are read. So each
//! item of work is a block of the result, which takes one part of the terms after another, and packs for itself what it needs of each.

use super::{
    ahead::Ahead,
    drive::{Division, Job, Memory, PADDING, Pass, Strip, share},
    kernel::{Kernels, MAX_VECTORS},
    layout::{Mask, Product, Range, Strides},
    pack::Run,
};
use core::{
    ops,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Rows and columns of a block: its parts of both operands and of the result are a share of the L2 cache.
const SIDE: usize = 352;
/// Terms of a part.
pub(super) const DEPTH: usize = 256;
/// Below which they are not cut to have more blocks.
const LEAST: usize = 128;
/// Blocks that each thread should find.
const ITEMS: usize = 2;

/// Rows and columns of a block, if this is such a product.
pub(super) fn sides(product: &Product, kernels: &Kernels, threads: usize) -> Option<(usize, usize)> {
    let &Product { m, n, k, a, b, range, mask, .. } = product;
    let across = a.col != 1 && b.row == 1 && k > DEPTH;
    if !across || range != Range::Full || mask != Mask::None || product.matrices() != 1 {
        return None;
    }
    let (mut down, mut along) = (m.div_ceil(SIDE), n.div_ceil(SIDE));
    while down * along < ITEMS * threads {
        let (rows, columns) = (m / (down + 1), n / (along + 1));
        if rows >= columns && rows >= LEAST {
            down += 1;
        } else if columns >= LEAST {
            along += 1;
        } else {
            break;
        }
    }
    Some((
        m.div_ceil(down).next_multiple_of(kernels.rows),
        n.div_ceil(along).next_multiple_of(MAX_VECTORS * kernels.lanes),
    ))
}

impl Job<'_> {
    /// Computes all blocks.
    pub(super) fn blocks(&self, pass: &Pass, division: &Division, threads: usize) {
        let items = self.items();
        let next = AtomicUsize::new(0);
        share(self.flags, threads, |thread| {
            // SAFETY: there is a part for each thread, and this one has this number to itself.
            let memory = unsafe { division.memory(thread, thread) };
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(group) = self.groups(pass).nth(index / items) else { return };
                // SAFETY: the item is handed out once, and the memory is this thread's.
                unsafe { self.block(index % items, group, memory) };
            }
        });
    }

    /// Computes a block.
    ///
    /// # Safety
    ///
    /// No other thread touches those elements of the result, or the memory.
    unsafe fn block(&self, item: usize, group: ops::Range<usize>, memory: Memory) {
        let &Self { product, kernels, panels, .. } = self;
        let &Product { n, k, a: a_strides, b: b_strides, c: c_strides, .. } = product;
        let row = self.rows(item);
        let (column, end) = (panels.get(group.start).0, panels.get(group.end).0.min(n));
        let parts = k.div_ceil(DEPTH);
        let step = k.div_ceil(parts);
        let stride = step + PADDING;
        let c_offset = row.start * c_strides.row;
        for part in 0..parts {
            let terms = part * step..(part * step + step).min(k);
            let depth = terms.len();
            let left = |t: usize| self.a.wrapping_add(row.start * a_strides.row + t * a_strides.col);
            let right = |t: usize| self.b.wrapping_add(column + t * b_strides.col);
            // SAFETY: `Product::check` found every element within its buffer: the rows are below m, the columns below n and
            // the terms below k. There is room for a group's columns and an item's rows.
            unsafe {
                for panels_of in panels.equal(group.clone()) {
                    if panels_of.is_empty() {
                        continue;
                    }
                    let (start, vectors) = panels.get(panels_of.start);
                    let run = Run {
                        src: right(terms.start).wrapping_add(start - column),
                        strides: b_strides,
                        rows: panels.get(panels_of.end).0.min(n) - start,
                        width: vectors * kernels.lanes,
                        stride,
                        dst: memory.right.add((start - column) * stride),
                    };
                    run.pack(kernels, 0..depth);
                }
                let run = Run {
                    src: left(terms.start),
                    strides: a_strides,
                    rows: row.len(),
                    width: kernels.rows,
                    stride: depth + PADDING,
                    dst: memory.scratch,
                };
                run.pack(kernels, 0..depth);
                let start = if part == 0 { self.start } else { self.c.cast_const() };
                let strip = Strip {
                    rows: row.len(),
                    direct: 0,
                    a: left(terms.start),
                    a_row: a_strides.row,
                    scratch: memory.scratch,
                    depth,
                    panels: group.clone(),
                    limit: n,
                    right: memory.right,
                    right_column: column,
                    right_stride: stride,
                    right_term: 0,
                    far: false,
                    c: self.c.add(c_offset),
                    c_row: c_strides.row,
                    start: if start.is_null() { start } else { start.add(c_offset) },
                };
                let following = if part + 1 < parts { step.min(k - terms.end) } else { 0 };
                let fetched = |run, strides: Strides, length| Ahead::new(run, following, strides.col, length);
                let mut ahead = [
                    fetched(left(terms.end), a_strides, row.len()),
                    fetched(right(terms.end), b_strides, end - column),
                ];
                self.tiles(&strip, &mut ahead);
            }
        }
    }
}
