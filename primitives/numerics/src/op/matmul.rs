//! The matrix product.
//!
//! `C[m, n] = fma(A[m, k], B[n, k], acc)`: one accumulator for each output, `k` ascending, from `acc = +0` or from an accumulator
//! that an earlier product left. Both operands have `k` contiguous. A sum over more than [`MAX_READ`](super::MAX_READ) terms is a
//! chain of products that pass the accumulator on: the same bits as one product, so engines do not care.
//!
//! Backward: `dA = dC B` and `dB = dC^T A`, each a product again, of transposed operands.
//!
//! In causal attention, rows of 64 share what they reach ([`Reach`]): half of the work is left out, and a row's sum stays one run.

use super::{Definition, Lens, Missing, Range, Words};
use crate::scalar::fma;
use alloc::vec::Vec;

/// Rows that share what they reach in causal attention.
pub const CAUSAL_BLOCK: u64 = 64;

/// How the matrices of a batch lie in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One after another: `[samples, heads, rows, columns]`.
    Split,
    /// Heads side by side in each row: `[samples, rows, heads * columns]`.
    Merged,
}

/// The place of a matrix in its batch: sample and head.
pub type Matrix = (u64, u64);

impl Layout {
    /// The word at `row` and `column` of a matrix.
    pub fn index(
        self,
        (sample, head): Matrix,
        row: u64,
        column: u64,
        heads: u64,
        rows: u64,
        columns: u64,
    ) -> u64 {
        match self {
            Layout::Split => ((sample * heads + head) * rows + row) * columns + column,
            Layout::Merged => ((sample * rows + row) * heads + head) * columns + column,
        }
    }

    /// Matrix, row and column of the word at `index`.
    pub fn split(self, index: u64, heads: u64, rows: u64, columns: u64) -> (Matrix, u64, u64) {
        let parts = |index: u64, size: u64| {
            (index.checked_div(size).unwrap_or(0), index.checked_rem(size).unwrap_or(0))
        };
        let (outer, column) = parts(index, columns);
        match self {
            Layout::Split => {
                let (matrix, row) = parts(outer, rows);
                (parts(matrix, heads), row, column)
            }
            Layout::Merged => {
                let (outer, head) = parts(outer, heads);
                let (sample, row) = parts(outer, rows);
                ((sample, head), row, column)
            }
        }
    }
}

/// Which part of a product is computed, by the row `m`, with `end(m) = (m / 64 + 1) * 64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everything.
    Full,
    /// Columns below `end(m)`; the others are +0: scores, of which a query needs those of earlier keys only.
    Columns,
    /// Terms `k` below `end(m)`: weights times values. The others are +0 in A.
    UpTo,
    /// Terms `k` from `end(m) - 64`: the transposed product of the backward pass.
    From,
}

/// A product for each matrix of a batch, with `k` from `from` to `to` of the operands' rows of `k` words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matmul {
    /// Samples.
    pub samples: u64,
    /// Heads.
    pub heads: u64,
    /// Rows of A and C.
    pub m: u64,
    /// Rows of B, columns of C.
    pub n: u64,
    /// Columns of A and B.
    pub k: u64,
    /// First term.
    pub from: u64,
    /// The term after the last.
    pub to: u64,
    /// How A's matrices lie.
    pub a: Layout,
    /// How B's matrices lie.
    pub b: Layout,
    /// How C's matrices lie.
    pub c: Layout,
    /// What is computed.
    pub reach: Reach,
    /// Whether a third input holds the accumulators to start from.
    pub accumulate: bool,
}

impl Matmul {
    /// One product of whole rows.
    pub fn plain(m: u64, n: u64, k: u64) -> Self {
        let split = Layout::Split;
        Self {
            samples: 1,
            heads: 1,
            m,
            n,
            k,
            from: 0,
            to: k,
            a: split,
            b: split,
            c: split,
            reach: Reach::Full,
            accumulate: false,
        }
    }

    /// The end of the block of rows that `row` is in.
    pub fn end(row: u64) -> u64 {
        (row / CAUSAL_BLOCK + 1) * CAUSAL_BLOCK
    }

    /// The terms of row `row`: first, and one after the last.
    pub fn terms(&self, row: u64) -> (u64, u64) {
        let (from, to) = match self.reach {
            Reach::Full | Reach::Columns => (self.from, self.to),
            Reach::UpTo => (self.from, self.to.min(Self::end(row))),
            Reach::From => (self.from.max(Self::end(row) - CAUSAL_BLOCK), self.to),
        };
        (from, to.max(from))
    }

    /// Whether the element is computed at all.
    fn reached(&self, row: u64, column: u64) -> bool {
        self.reach != Reach::Columns || column < Self::end(row)
    }

    /// First words of the runs in A and B, and their length.
    fn runs(&self, matrix: Matrix, row: u64, column: u64) -> (u64, u64, u64) {
        let (from, to) = self.terms(row);
        let a = self.a.index(matrix, row, from, self.heads, self.m, self.k);
        let b = self.b.index(matrix, column, from, self.heads, self.n, self.k);
        (a, b, to - from)
    }
}

impl Definition for Matmul {
    fn len(&self) -> u64 {
        self.samples * self.heads * self.m * self.n
    }

    fn inputs(&self) -> Lens {
        let matrices = self.samples * self.heads;
        Lens::from([matrices * self.m * self.k, matrices * self.n * self.k])
            .and(self.accumulate.then(|| self.len()))
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        let (matrix, row, column) = self.c.split(index, self.heads, self.m, self.n);
        let mut acc = if self.accumulate { words.float(2, index)? } else { 0.0 };
        if self.reached(row, column) {
            let (a, b, terms) = self.runs(matrix, row, column);
            for term in 0..terms {
                acc = fma(words.float(0, a + term)?, words.float(1, b + term)?, acc);
            }
        }
        Ok(acc.to_bits())
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<Vec<Range>, Missing> {
        let (matrix, row, column) = self.c.split(index, self.heads, self.m, self.n);
        let mut all = Vec::new();
        if self.reached(row, column) {
            let (a, b, len) = self.runs(matrix, row, column);
            if len > 0 {
                all.push(Range { input: 0, start: a, len });
                all.push(Range { input: 1, start: b, len });
            }
        }
        if self.accumulate {
            all.push(Range { input: 2, start: index, len: 1 });
        }
        Ok(all)
    }
}
