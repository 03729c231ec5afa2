//! The embedding: a row of a table for each token.
//!
//! Backward: row `v` of the table's gradient is the sum of the output's gradients at the positions that hold token `v`, positions
//! ascending ([`EmbedGrad`]). It reads the output's gradient transposed, so that an element's positions are one run.

use super::{Definition, Lens, Missing, Range, Words};
use alloc::{vec, vec::Vec};

/// `[vocabulary, width]`, `[rows]` -> `[rows, width]`. Inputs table, tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Embed {
    /// Rows of the table.
    pub vocabulary: u64,
    /// Columns of the table.
    pub width: u64,
    /// Tokens.
    pub rows: u64,
}

impl Definition for Embed {
    fn len(&self) -> u64 {
        self.rows * self.width
    }

    fn inputs(&self) -> Lens {
        Lens::from([self.vocabulary * self.width, self.rows])
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        let token = u64::from(words.word(1, index / self.width)?);
        words.word(0, token * self.width + index % self.width)
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<Vec<Range>, Missing> {
        let row = index / self.width;
        let token = u64::from(words.word(1, row)?);
        Ok(vec![
            Range { input: 1, start: row, len: 1 },
            Range { input: 0, start: token * self.width + index % self.width, len: 1 },
        ])
    }
}

/// The sum, for token `v` and column `d`, of `dx[d, t]` over positions `t` from `from` to `to` that hold `v`, ascending, from +0 or
/// from an accumulator. Inputs dx transposed `[width, rows]`, tokens, and accumulators `[vocabulary, width]` if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbedGrad {
    /// Rows of the table.
    pub vocabulary: u64,
    /// Columns of the table.
    pub width: u64,
    /// Tokens.
    pub rows: u64,
    /// First position.
    pub from: u64,
    /// The position after the last.
    pub to: u64,
    /// Whether a third input holds the accumulators to start from.
    pub accumulate: bool,
}

impl Definition for EmbedGrad {
    fn len(&self) -> u64 {
        self.vocabulary * self.width
    }

    fn inputs(&self) -> Lens {
        Lens::from([self.width * self.rows, self.rows]).and(self.accumulate.then(|| self.len()))
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        let (token, column) = (index / self.width, index % self.width);
        let mut acc = if self.accumulate { words.float(2, index)? } else { 0.0 };
        for position in self.from..self.to {
            if u64::from(words.word(1, position)?) == token {
                acc += words.float(0, column * self.rows + position)?;
            }
        }
        Ok(acc.to_bits())
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<Vec<Range>, Missing> {
        let (start, len) = (self.from, self.to.saturating_sub(self.from));
        let row = (index % self.width) * self.rows;
        let mut all = vec![Range { input: 0, start: row + start, len }, Range { input: 1, start, len }];
        if self.accumulate {
            all.push(Range { input: 2, start: index, len: 1 });
        }
        Ok(all)
    }
}
