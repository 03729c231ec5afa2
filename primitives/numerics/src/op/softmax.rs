//! Causal softmax over the rows of attention scores, `[rows, columns]` with `rows` a multiple of `columns`; row `r` sees columns
//! `0 ..= r % columns`.
//!
//! Forward: two reductions (maximum, sum of exponentials), then [`Softmax`]. Scores are scaled here, after the maximum is taken
//! away. Backward: `ds = p * (dp - sum(p * dp)) * scale` ([`SoftmaxGrad`]); the sum is a causal reduction.

use super::{Definition, Lens, Missing, Range, Words, reduce::shifted_exp};
use crate::arithmetic::{Arithmetic, Software};
use alloc::vec::Vec;

/// `exp((s - max) * scale) * (1 / sum)`, +0 where a row does not see. Inputs scores, maxima, sums.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Softmax {
    /// Rows.
    pub rows: u64,
    /// Columns.
    pub columns: u64,
    /// What scores are multiplied by.
    pub scale: f32,
}

/// `(p * (dp - dot)) * scale`, +0 where a row does not see. Inputs p, dp, and the rows' sums of `p * dp`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoftmaxGrad {
    /// Rows.
    pub rows: u64,
    /// Columns.
    pub columns: u64,
    /// What scores are multiplied by.
    pub scale: f32,
}

/// Row, and whether the row sees the element's column.
fn place(index: u64, columns: u64) -> (u64, bool) {
    let row = index.checked_div(columns).unwrap_or(0);
    let column = index.checked_rem(columns).unwrap_or(0);
    (row, column <= row.checked_rem(columns).unwrap_or(0))
}

impl Softmax {
    /// The definition, of an element that is seen.
    #[inline(always)]
    pub fn value<A: Arithmetic>(&self, [score, max, sum]: [f32; 3]) -> f32 {
        shifted_exp::<A>(score, max, self.scale) * (1.0 / sum)
    }
}

impl Definition for Softmax {
    fn len(&self) -> u64 {
        self.rows * self.columns
    }

    fn inputs(&self) -> Lens {
        Lens::from([self.len(), self.rows, self.rows])
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        let (row, seen) = place(index, self.columns);
        if !seen {
            return Ok(0);
        }
        let inputs = [words.float(0, index)?, words.float(1, row)?, words.float(2, row)?];
        Ok(self.value::<Software>(inputs).to_bits())
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<Vec<Range>, Missing> {
        Ok(three(index, self.columns, [true, false, false]))
    }
}

impl SoftmaxGrad {
    /// The definition, of an element that is seen.
    #[inline(always)]
    pub fn value<A: Arithmetic>(&self, [p, dp, dot]: [f32; 3]) -> f32 {
        (p * (dp - dot)) * self.scale
    }
}

impl Definition for SoftmaxGrad {
    fn len(&self) -> u64 {
        self.rows * self.columns
    }

    fn inputs(&self) -> Lens {
        Lens::from([self.len(), self.len(), self.rows])
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        let (row, seen) = place(index, self.columns);
        if !seen {
            return Ok(0);
        }
        let inputs = [words.float(0, index)?, words.float(1, index)?, words.float(2, row)?];
        Ok(self.value::<Software>(inputs).to_bits())
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<Vec<Range>, Missing> {
        Ok(three(index, self.columns, [true, true, false]))
    }
}

/// One word of each input: at the element's place or at its row's.
fn three(index: u64, columns: u64, same: [bool; 3]) -> Vec<Range> {
    let (row, seen) = place(index, columns);
    if !seen {
        return Vec::new();
    }
    let range = |(input, same): (usize, bool)| Range { input, start: if same { index } else { row }, len: 1 };
    same.into_iter().enumerate().map(range).collect()
}
