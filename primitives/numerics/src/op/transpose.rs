//! Rows and columns exchanged: what a product needs whose operand is not contiguous along the sum. Engines rarely do it: they
//! read the operand with other strides. The gradient is the output's, transposed back.

use super::{Definition, Layout, Lens, Missing, Range, Words};
use alloc::{vec, vec::Vec};

/// `[rows, columns] -> [columns, rows]`, for every matrix of a batch. The output's matrices stand one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transpose {
    /// Samples.
    pub samples: u64,
    /// Heads.
    pub heads: u64,
    /// Rows of the input's matrices.
    pub rows: u64,
    /// Columns of the input's matrices.
    pub columns: u64,
    /// How the input's matrices lie.
    pub input: Layout,
}

impl Transpose {
    /// One matrix.
    pub fn plain(rows: u64, columns: u64) -> Self {
        Self { samples: 1, heads: 1, rows, columns, input: Layout::Split }
    }

    /// The input's word that element `index` is.
    pub fn place(&self, index: u64) -> u64 {
        let (matrix, column, row) = Layout::Split.split(index, self.heads, self.columns, self.rows);
        self.input.index(matrix, row, column, self.heads, self.rows, self.columns)
    }
}

impl Definition for Transpose {
    fn len(&self) -> u64 {
        self.samples * self.heads * self.rows * self.columns
    }

    fn inputs(&self) -> Lens {
        Lens::from([self.len()])
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        words.word(0, self.place(index))
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<Vec<Range>, Missing> {
        Ok(vec![Range { input: 0, start: self.place(index), len: 1 }])
    }
}
