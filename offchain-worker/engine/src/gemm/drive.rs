//! Shares a product out: packing, blocks of the result, threads.

use super::{
    Workspace,
    ahead::{Ahead, Next},
    blocks,
    kernel::{Kernels, MAX_COLUMNS, Tile, edge},
    layout::{Mask, Product, Range, Start},
    pack::{Panels, Run},
};
use crate::{features::Path, flags::Flags};
use core::{
    ops,
    ptr::{null, null_mut},
    sync::atomic::{AtomicUsize, Ordering},
};
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

/// Multiply-adds below which threads cost more than they bring.
const ALONE: usize = 1 << 17;
/// Values of the right operand that are packed at a time (32 MiB), which bounds the workspace.
const PACKED: usize = 1 << 23;
/// Values of the right operand that a thread goes through before it turns to other columns (4 MiB): a share of the L3 cache.
const RESIDENT: usize = 1 << 20;
/// Values of the right operand that a thread's L2 cache is taken to hold beside all else (1 MiB).
const NEAR: usize = 1 << 18;
/// The most rows of the result that are one item of work.
const ROWS: usize = 128;
/// Columns below which they are not cut to have more items.
const COLUMNS: usize = 128;
/// Terms of an operand that are packed as one item of work, where it is contiguous in rows.
const TERMS: usize = 32;
/// Terms between panels: a few cache lines.
pub(super) const PADDING: usize = 4;
/// Items of work that each thread should find, so that a late one does not leave the others idle.
const ITEMS: usize = 4;

/// A product with its buffers, as threads share it.
pub(super) struct Job<'a> {
    pub(super) flags: &'a Flags,
    pub(super) product: &'a Product,
    pub(super) kernels: &'static Kernels,
    pub(super) panels: Panels,
    pub(super) a: *const f32,
    pub(super) b: *const f32,
    pub(super) c: *mut f32,
    pub(super) start: *const f32,
    /// Whether the left operand is read in place, because its rows are contiguous, but for rows that do not fill a tile.
    direct: bool,
    /// Rows that share terms and columns: those from a multiple of this.
    block: usize,
    /// Rows of an item of work.
    rows: usize,
    /// Items of a block.
    block_items: usize,
    /// Terms that a packed panel has room for.
    stride: usize,
}

/// Columns of the right operand that are packed and computed before the rest.
#[derive(Clone, Copy)]
pub(super) struct Pass {
    /// The panels.
    first: usize,
    last: usize,
    /// Columns that a thread computes before it turns to others.
    columns: usize,
}

/// Where a pass finds the packed right operand of a matrix, and a thread its scratch for rows of the left one.
#[derive(Clone, Copy)]
pub(super) struct Memory {
    pub(super) right: *mut f32,
    pub(super) scratch: *mut f32,
}

// SAFETY: operands are only read, and threads write distinct elements of `c`: `Product::check` made sure that elements do
// not share a place, and every item of work is handed out once.
unsafe impl Sync for Job<'_> {}

/// Rows of the result and some terms of theirs, with both operands where tiles read them.
pub(super) struct Strip {
    pub rows: usize,
    /// Rows up to here are read in place, the others in scratch.
    pub direct: usize,
    /// The first row and term in place.
    pub a: *const f32,
    pub a_row: usize,
    pub scratch: *const f32,
    pub depth: usize,
    pub panels: ops::Range<usize>,
    /// Columns from here on are not computed.
    pub limit: usize,
    /// The packed right operand, from this column on, with room for so many terms, of which these begin at the last.
    pub right: *const f32,
    pub right_column: usize,
    pub right_stride: usize,
    pub right_term: usize,
    /// Whether that is more than the L2 cache holds.
    pub far: bool,
    /// The first row's column 0.
    pub c: *mut f32,
    pub c_row: usize,
    pub start: *const f32,
}

/// The workspace, which threads share, and how it is divided.
pub(super) struct Division {
    start: *mut f32,
    /// Right operands: one for each thread, or one for each matrix.
    parts: usize,
    right: usize,
    /// After them, for each thread.
    scratch: usize,
}

// SAFETY: each part is written by one thread, or by threads that write distinct places of it, before others read it.
unsafe impl Sync for Division {}

impl Division {
    /// A part, and a thread's scratch.
    ///
    /// # Safety
    ///
    /// `part < self.parts`, and `thread` is a thread that scratch was counted for.
    pub(super) unsafe fn memory(&self, part: usize, thread: usize) -> Memory {
        // SAFETY: that is how `run` reckoned the length.
        unsafe {
            Memory {
                right: self.start.add(part * self.right),
                scratch: self.start.add(self.parts * self.right + thread * self.scratch),
            }
        }
    }
}

/// Computes a product that has been checked, on a path that is available.
pub(super) fn run(
    path: Path,
    flags: &Flags,
    product: &Product,
    workspace: &mut Workspace,
    a: &[f32],
    b: &[f32],
    c: &mut [f32],
    start: Start<'_>,
) {
    let &Product { m, n, k, .. } = product;
    if product.is_empty() {
        return;
    }
    let matrices = product.matrices();
    let kernels = Kernels::of(path);
    let work = matrices.saturating_mul(m).saturating_mul(n).saturating_mul(k.max(1));
    let threads = if work < ALONE { 1 } else { rayon::current_num_threads() };
    // Where there are matrices enough, each is one thread's: it packs for itself, and what it packed is in its cache.
    let apart = threads == 1 || matrices >= ITEMS * threads;

    let c_ptr = c.as_mut_ptr();
    let block = block(product);
    // To give every thread items enough, columns are cut first, then rows: a square reads least.
    let items = if apart { 1 } else { (ITEMS * threads).div_ceil(matrices) };
    let groups = items.div_ceil(m.div_ceil(ROWS)).min(n / COLUMNS).max(1);
    let rows = m.div_ceil(items.div_ceil(groups)).next_multiple_of(kernels.rows).min(ROWS).min(block);
    let sides = blocks::sides(product, kernels, threads);
    let by_block = sides.is_some();
    let rows = sides.map_or(rows, |(rows, _)| rows);
    // Some more than there are, or the same term of all panels would often fall into one set of the cache.
    let stride = if by_block { blocks::DEPTH } else { k } + PADDING;
    let job = Job {
        flags,
        product,
        kernels,
        panels: Panels::new(kernels.lanes, n, product.mask != Mask::None),
        a: a.as_ptr(),
        b: b.as_ptr(),
        c: c_ptr,
        start: match start {
            Start::Zero => null(),
            Start::Accumulate => c_ptr,
            Start::From(start) => start.as_ptr(),
        },
        direct: product.a.col == 1,
        block,
        rows,
        block_items: block.div_ceil(rows),
        stride,
    };

    let parts = if apart || by_block { threads } else { matrices };
    let pass_columns = (PACKED / (parts * stride)).max(MAX_COLUMNS).min(n.next_multiple_of(kernels.lanes));
    let pass_columns = sides.map_or(pass_columns, |(_, columns)| columns.max(MAX_COLUMNS));
    let mut division = Division {
        start: null_mut(),
        parts,
        right: (pass_columns * stride).next_multiple_of(Workspace::LINE),
        scratch: (rows.next_multiple_of(kernels.rows) * (kernels.depth.max(kernels.whole).min(k) + PADDING))
            .next_multiple_of(Workspace::LINE),
    };
    let length = parts * division.right + threads * division.scratch;
    division.start = workspace.take(length).as_mut_ptr();

    if by_block {
        let pass = Pass { first: 0, last: job.panels.count(), columns: pass_columns };
        job.blocks(&pass, &division, threads);
        return;
    }
    let mut first = 0;
    while first < job.panels.count() {
        let last = job.panels.fitting(first, pass_columns);
        let columns = job.panels.get(last).0 - job.panels.get(first).0;
        let pass =
            Pass { first, last, columns: columns.div_ceil((columns * k).div_ceil(RESIDENT).max(groups)) };
        if apart {
            job.pass_apart(&pass, &division, threads);
        } else {
            job.pass_shared(&pass, &division, threads);
        }
        first = last;
    }
}

/// Runs `work` once for each thread. Work hands itself out, so it does not matter if fewer threads than that are free.
pub(super) fn share(flags: &Flags, threads: usize, work: impl Fn(usize) + Send + Sync) {
    let work = |thread| flags.watch(|| work(thread));
    if threads == 1 {
        work(0);
    } else {
        (0..threads).into_par_iter().with_max_len(1).for_each(work);
    }
}

/// Rows whose terms and columns are alike, counted from a multiple of their number.
fn block(product: &Product) -> usize {
    let of = |block: Option<usize>| block.unwrap_or(0);
    let range = of(match product.range {
        Range::Full => None,
        Range::UpTo { block } | Range::From { block } => Some(block),
    });
    let mask = of(match product.mask {
        Mask::None => None,
        Mask::Block { block } | Mask::Open { block } => Some(block),
    });
    match gcd(range, mask) {
        0 => product.m,
        block => block.min(product.m),
    }
}

/// The greatest common divisor; zero is divided by everything.
fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Job<'_> {
    /// Computes a pass where each matrix is one thread's.
    fn pass_apart(&self, pass: &Pass, division: &Division, threads: usize) {
        let matrices = self.product.matrices();
        let next = AtomicUsize::new(0);
        share(self.flags, threads, |thread| {
            // SAFETY: there is a part for each thread, and this one has this number to itself.
            let memory = unsafe { division.memory(thread, thread) };
            loop {
                let matrix = next.fetch_add(1, Ordering::Relaxed);
                if matrix >= matrices {
                    return;
                }
                // SAFETY: the matrix is one of the batch and this thread's alone, and all of a pass is packed before it is
                // read.
                unsafe {
                    for item in 0..self.packs(pass) {
                        self.pack(matrix, pass, item, memory);
                    }
                    for group in self.groups(pass) {
                        for item in 0..self.items() {
                            self.compute(matrix, item, item + 1, group.clone(), pass, memory);
                        }
                    }
                }
            }
        });
    }

    /// Computes a pass where threads share matrices.
    fn pass_shared(&self, pass: &Pass, division: &Division, threads: usize) {
        let matrices = self.product.matrices();
        let groups = self.groups(pass).count();
        let items = self.items();
        let packs = self.packs(pass);
        let descending = matches!(self.product.range, Range::UpTo { .. }) || self.product.mask != Mask::None;
        let (next_pack, packed, next) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        share(self.flags, threads, |thread| {
            loop {
                let item = next_pack.fetch_add(1, Ordering::Relaxed);
                if item >= matrices * packs {
                    break;
                }
                // SAFETY: there is a part for each matrix, and each item is handed out once and has its own place in it.
                unsafe {
                    let matrix = item / packs;
                    self.pack(matrix, pass, item % packs, division.memory(matrix, thread));
                }
                packed.fetch_add(1, Ordering::Release);
            }
            // Only what a running thread is at work on is waited for.
            let mut spins = 0u32;
            while packed.load(Ordering::Acquire) < matrices * packs {
                spins += 1;
                if spins < 1 << 12 { core::hint::spin_loop() } else { std::thread::yield_now() }
            }
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= matrices * groups * items {
                    return;
                }
                // Rows vary fastest, so that a thread stays with the columns that its cache holds. Long rows go first: a
                // short one at the end leaves the others idle for less.
                let (item, rest) = (index % items, index / items);
                let (item, next) = if descending {
                    (items - 1 - item, (items - 1 - item).wrapping_sub(threads))
                } else {
                    (item, item + threads)
                };
                let (matrix, group) = (rest / groups, rest % groups);
                let Some(group) = self.groups(pass).nth(group) else { return };
                // SAFETY: everything is packed, each item is handed out once, and no other thread has this number.
                unsafe { self.compute(matrix, item, next, group, pass, division.memory(matrix, thread)) };
            }
        });
    }

    /// The panels of a pass in groups that are computed before others.
    pub(super) fn groups(&self, pass: &Pass) -> impl Iterator<Item = ops::Range<usize>> {
        let Pass { first: mut next, last, columns } = *pass;
        core::iter::from_fn(move || {
            let start = next;
            if start >= last {
                return None;
            }
            next = self.panels.fitting(start, columns).min(last);
            Some(start..next)
        })
    }

    /// Where a matrix starts in a buffer with these strides.
    fn offset(&self, matrix: usize, sample: usize, head: usize) -> usize {
        let heads = self.product.heads;
        matrix / heads * sample + matrix % heads * head
    }

    /// The rows of an item; none where the last block is short.
    pub(super) fn rows(&self, item: usize) -> ops::Range<usize> {
        let start = item / self.block_items * self.block;
        let row = start + item % self.block_items * self.rows;
        row..(row + self.rows).min(start + self.block).min(self.product.m)
    }

    /// How many items there are.
    pub(super) fn items(&self) -> usize {
        self.product.m.div_ceil(self.block) * self.block_items
    }

    /// In how many items the right operand of a matrix is packed for a pass.
    fn packs(&self, pass: &Pass) -> usize {
        // By terms where rows lie beside each other, else by panels: along what is contiguous.
        if self.product.b.row == 1 { self.product.k.div_ceil(TERMS) } else { pass.last - pass.first }
    }

    /// Packs an item of a matrix.
    ///
    /// # Safety
    ///
    /// The matrix is one of the batch, the item below `packs`, and its place in `memory` is this thread's to write.
    unsafe fn pack(&self, matrix: usize, pass: &Pass, item: usize, memory: Memory) {
        let &Self { product, kernels, panels, .. } = self;
        let &Product { n, k, b: strides, .. } = product;
        let (group, terms) = if strides.row == 1 {
            (pass.first..pass.last, item * TERMS..(item * TERMS + TERMS).min(k))
        } else {
            (pass.first + item..pass.first + item + 1, 0..k)
        };
        let offset = self.offset(matrix, strides.sample, strides.head);
        for group in panels.equal(group) {
            if group.is_empty() {
                continue;
            }
            let (start, vectors) = panels.get(group.start);
            let end = panels.get(group.end).0.min(n);
            // SAFETY: `Product::check` found every element of the operand within its buffer. The place begins at a multiple
            // of a vector, as `right` and every panel's width do.
            unsafe {
                let run = Run {
                    src: self.b.wrapping_add(offset + start * strides.row),
                    strides,
                    rows: end - start,
                    width: vectors * kernels.lanes,
                    stride: self.stride,
                    dst: memory.right.add((start - panels.get(pass.first).0) * self.stride),
                };
                run.pack(kernels, terms.clone());
            }
        }
    }

    /// What of the left operand to fetch for these rows and terms.
    fn ahead(&self, matrix: usize, rows: ops::Range<usize>, terms: ops::Range<usize>) -> Ahead {
        let strides = self.product.a;
        let offset = self.offset(matrix, strides.sample, strides.head)
            + rows.start * strides.row
            + terms.start * strides.col;
        let (runs, stride, length) = if strides.col == 1 {
            (rows.len(), strides.row, terms.len())
        } else {
            (terms.len(), strides.col, if strides.row == 1 { rows.len() } else { 0 })
        };
        Ahead::new(self.a.wrapping_add(offset), runs, stride, length)
    }

    /// Computes an item of rows in the columns of a group of panels. `next` is the item that this thread will likely
    /// compute then, if there is one.
    ///
    /// # Safety
    ///
    /// The pass is packed, and no other thread touches those elements of the result or the scratch.
    unsafe fn compute(
        &self,
        matrix: usize,
        item: usize,
        next: usize,
        group: ops::Range<usize>,
        pass: &Pass,
        memory: Memory,
    ) {
        let &Self { product, kernels, panels, .. } = self;
        let &Product { n, a: a_strides, c: c_strides, .. } = product;
        let row = self.rows(item);
        if row.is_empty() {
            return;
        }
        let rows = row.len();
        let terms = product.terms(row.start);
        let limit = product.columns(row.start);
        let a_offset = self.offset(matrix, a_strides.sample, a_strides.head) + row.start * a_strides.row;
        let c_offset = self.offset(matrix, c_strides.sample, c_strides.head) + row.start * c_strides.row;
        let pass_column = panels.get(pass.first).0;
        let group_start = panels.get(group.start).0;
        let group_end = panels.get(group.end).0.min(n);
        // Rows up to here are read in place, the others in scratch.
        let direct = if self.direct { rows - rows % kernels.rows } else { 0 };

        let (parts, step) = kernels.parts(terms.len());
        // SAFETY: `Product::check` found every element within its buffer: the rows are below m, the columns below n and
        // the terms below k. Edges, where a tile has more, go through a buffer of their own. The packed operands and the
        // scratch are as the caller says.
        unsafe {
            for part in 0..parts {
                let t = terms.start + part * step;
                let depth = step.min(terms.end - t);
                // All but the first part go on from what is stored.
                let start = if part == 0 { self.start } else { self.c.cast_const() };
                // Not `add`: without terms there may be no such element.
                let a = self.a.wrapping_add(a_offset + t * a_strides.col);
                if direct < rows {
                    let run = Run {
                        src: a.wrapping_add(direct * a_strides.row),
                        strides: a_strides,
                        rows: rows - direct,
                        width: kernels.rows,
                        stride: depth + PADDING,
                        dst: memory.scratch,
                    };
                    run.pack(kernels, 0..depth);
                }
                // What comes next is fetched a little with each tile.
                let ahead = if part + 1 < parts {
                    self.ahead(matrix, row.clone(), t + step..(t + 2 * step).min(terms.end))
                } else if next < self.items() {
                    let row = self.rows(next);
                    let terms = product.terms(row.start);
                    self.ahead(matrix, row, terms.start..(terms.start + step).min(terms.end))
                } else {
                    Ahead::nothing()
                };
                let strip = Strip {
                    rows,
                    direct,
                    a,
                    a_row: a_strides.row,
                    scratch: memory.scratch,
                    depth,
                    panels: group.clone(),
                    limit,
                    right: memory.right,
                    right_column: pass_column,
                    right_stride: self.stride,
                    right_term: t,
                    far: (group_end - group_start) * product.k > NEAR,
                    c: self.c.add(c_offset),
                    c_row: c_strides.row,
                    start: if start.is_null() { start } else { start.add(c_offset) },
                };
                self.tiles(&strip, &mut [ahead]);
            }
            let masked = limit.clamp(group_start, group_end);
            if masked < group_end && !matches!(product.mask, Mask::Open { .. }) {
                for r in 0..rows {
                    let c = self.c.add(c_offset + r * c_strides.row + masked);
                    c.write_bytes(0, group_end - masked);
                }
            }
        }
    }

    /// Computes all tiles of a strip, and fetches a little of what comes next with each.
    ///
    /// # Safety
    ///
    /// The operands are packed, every element of the strip lies in its buffer, and no other thread touches those of the result.
    #[inline(always)]
    pub(super) unsafe fn tiles(&self, strip: &Strip, ahead: &mut [Ahead]) {
        let &Self { kernels, panels, .. } = self;
        let &Strip { rows, direct, depth, limit, right_column, right_stride, right_term, c_row, .. } = strip;
        let of_panel = |panel: usize| {
            let (column, vectors) = panels.get(panel);
            let width = vectors * kernels.lanes;
            (
                column,
                vectors,
                strip.right.wrapping_add((column - right_column) * right_stride + right_term * width),
            )
        };
        let count = depth / kernels.pace;
        for panel in strip.panels.clone() {
            let (column, vectors, b) = of_panel(panel);
            if column >= limit {
                break;
            }
            let width = vectors * kernels.lanes;
            let columns = (limit - column).min(width);
            let mut panel_ahead = if strip.far && panel + 1 < strip.panels.end {
                let (_, vectors, run) = of_panel(panel + 1);
                Ahead::one(run, depth * vectors * kernels.lanes)
            } else {
                Ahead::nothing()
            };
            for r in (0..rows).step_by(kernels.rows) {
                let kernels_of = if r < direct { &kernels.direct } else { &kernels.packed };
                let kernel = kernels_of[vectors - 1];
                let a = if r < direct {
                    strip.a.wrapping_add(r * strip.a_row)
                } else {
                    strip.scratch.wrapping_add((r - direct) * (depth + PADDING))
                };
                let at = r * c_row + column;
                let present = (rows - r).min(kernels.rows);
                let mut next = panel_ahead.take(count);
                for ahead in &mut *ahead {
                    next = next.or_else(|| ahead.take(count));
                }
                // SAFETY: as the caller says; edges, where a tile has more, go through a buffer of their own.
                unsafe {
                    let tile = Tile {
                        k: depth,
                        a,
                        a_row: strip.a_row,
                        b,
                        c: strip.c.add(at),
                        c_row,
                        start: if strip.start.is_null() { strip.start } else { strip.start.add(at) },
                        // What is at hand, where there is nothing.
                        next: next.unwrap_or(Next { line: b, step: 0 }),
                    };
                    if present == kernels.rows && columns == width {
                        kernel(&tile);
                    } else {
                        edge(kernels.rows, width, present, columns, &tile, kernel);
                    }
                }
            }
        }
    }
}
