//! Reductions of rows.
//!
//! A row is reduced in blocks of [`MAX_READ`] terms: lane `l` of 32 takes terms `l`, `l + 32`, ... of its block in order, then the
//! lanes are combined by halving strides. One block is one element of the output; a program reduces the blocks' results again
//! until one is left. Sums over a whole buffer are reductions of one row.
//!
//! These serve norms, softmax, losses and gradient norms; each of those says how it enters the backward pass.

use super::{Definition, Lens, MAX_READ, Missing, Range, Words, blocks};
use crate::{
    arithmetic::{Arithmetic, Software, exp},
    scalar::{fma, row_max, sum},
};
use alloc::vec::Vec;

/// What is reduced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// The sum of `x`.
    Sum,
    /// The largest `x`.
    Max,
    /// The sum of `x * x`, by `fma(x, x, acc)`.
    SumSquares,
    /// The sum of `x * y`, by `fma(x, y, acc)`. Inputs x, y.
    Dot,
    /// The sum of `dy * gain * x`, by `fma(dy * gain, x, acc)`. Inputs dy, x, gain; a gain for each column.
    GainDot,
    /// The sum of `exp((x - max) * scale)`. Inputs x, max; a maximum for each row.
    SumExp {
        /// The scale.
        scale: f32,
    },
}

/// One result for each block of each row: `[rows, columns] -> [rows, blocks]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reduce {
    /// What is reduced.
    pub kind: Kind,
    /// Rows.
    pub rows: u64,
    /// Columns.
    pub columns: u64,
    /// In causal attention, row `r` has terms for columns `0 ..= r % columns` only.
    pub causal: bool,
}

impl Reduce {
    /// Blocks of a row.
    pub fn blocks(&self) -> u64 {
        blocks(self.columns, MAX_READ)
    }

    /// Row, first column, and number of terms of the element at `index`.
    pub fn span(&self, index: u64) -> (u64, u64, u64) {
        let blocks = self.blocks().max(1);
        let (row, block) = (index / blocks, index % blocks);
        let end = if self.causal { row.checked_rem(self.columns).unwrap_or(0) + 1 } else { self.columns };
        let first = block * MAX_READ;
        (row, first, end.saturating_sub(first).min(MAX_READ))
    }
}

impl Definition for Reduce {
    fn len(&self) -> u64 {
        self.rows * self.blocks()
    }

    fn inputs(&self) -> Lens {
        let all = self.rows * self.columns;
        match self.kind {
            Kind::Sum | Kind::Max | Kind::SumSquares => [all].into(),
            Kind::Dot => [all, all].into(),
            Kind::GainDot => [all, all, self.columns].into(),
            Kind::SumExp { .. } => [all, self.rows].into(),
        }
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        let (row, first, terms) = self.span(index);
        let start = row * self.columns + first;
        let x = |term: u64| words.float(0, start + term);
        let result = match self.kind {
            Kind::Sum => try_sum(terms, |acc, i| Ok(acc + x(i)?)),
            // A causal row has no term in its later blocks: what stands for nothing must not exceed the row's maximum.
            Kind::Max if terms == 0 => words.float(0, row * self.columns),
            Kind::Max => try_max(terms, x),
            Kind::SumSquares => try_sum(terms, |acc, i| x(i).map(|x| fma(x, x, acc))),
            Kind::Dot => try_sum(terms, |acc, i| Ok(fma(x(i)?, words.float(1, start + i)?, acc))),
            Kind::GainDot => try_sum(terms, |acc, i| {
                Ok(fma(x(i)? * words.float(2, first + i)?, words.float(1, start + i)?, acc))
            }),
            Kind::SumExp { scale } => {
                if terms == 0 {
                    return Ok(0);
                }
                let max = words.float(1, row)?;
                try_sum(terms, |acc, i| Ok(acc + shifted_exp::<Software>(x(i)?, max, scale)))
            }
        }?;
        Ok(result.to_bits())
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<Vec<Range>, Missing> {
        let (row, first, len) = self.span(index);
        let start = row * self.columns + first;
        if len == 0 {
            return Ok(match self.kind {
                Kind::Max => [Range { input: 0, start: row * self.columns, len: 1 }].into(),
                _ => Vec::new(),
            });
        }
        let own = Range { input: 0, start, len };
        Ok(match self.kind {
            Kind::Sum | Kind::Max | Kind::SumSquares => [own].into(),
            Kind::Dot => [own, Range { input: 1, start, len }].into(),
            Kind::GainDot => {
                [own, Range { input: 1, start, len }, Range { input: 2, start: first, len }].into()
            }
            Kind::SumExp { .. } => [own, Range { input: 1, start: row, len: 1 }].into(),
        })
    }
}

/// A sum whose terms may be missing.
fn try_sum(terms: u64, mut step: impl FnMut(f32, u64) -> Result<f32, Missing>) -> Result<f32, Missing> {
    let mut failed = None;
    let total = sum(usize::try_from(terms).unwrap_or(0), |acc, index| match step(acc, index as u64) {
        Ok(next) => next,
        Err(missing) => {
            failed = failed.or(Some(missing));
            acc
        }
    });
    failed.map_or(Ok(total), Err)
}

/// A maximum whose terms may be missing.
fn try_max(terms: u64, element: impl Fn(u64) -> Result<f32, Missing>) -> Result<f32, Missing> {
    let failed = core::cell::Cell::new(None);
    let greatest = row_max(usize::try_from(terms).unwrap_or(0), |index| {
        element(index as u64).unwrap_or_else(|missing| {
            failed.set(failed.get().or(Some(missing)));
            0.0
        })
    });
    failed.get().map_or(Ok(greatest), Err)
}

/// `exp((x - max) * scale)`: the terms of softmax and cross-entropy.
#[inline(always)]
pub fn shifted_exp<A: Arithmetic>(x: f32, max: f32, scale: f32) -> f32 {
    exp::<A>((x - max) * scale)
}
