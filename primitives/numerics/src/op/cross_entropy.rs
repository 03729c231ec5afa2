//! Cross-entropy of the next token: `loss = ln(sum) - (target - max)` with `sum` over `exp(logit - max)`.
//!
//! Forward: two reductions, [`TargetLogit`], [`TokenLoss`], and the mean. Backward: `(softmax - one at the target) / rows`.

use super::{
    Definition, Lens, Missing, Place, Pointwise, Range, Words, pointwise::pointwise, reduce::shifted_exp,
};
use crate::arithmetic::{Arithmetic, Software, ln};
use alloc::{vec, vec::Vec};

/// The logit of each row's target. Inputs logits `[rows, vocabulary]`, targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetLogit {
    /// Rows.
    pub rows: u64,
    /// Columns.
    pub vocabulary: u64,
}

impl Definition for TargetLogit {
    fn len(&self) -> u64 {
        self.rows
    }

    fn inputs(&self) -> Lens {
        Lens::from([self.rows * self.vocabulary, self.rows])
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        let target = u64::from(words.word(1, index)?);
        words.word(0, index * self.vocabulary + target)
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<Vec<Range>, Missing> {
        let target = u64::from(words.word(1, index)?);
        Ok(vec![
            Range { input: 1, start: index, len: 1 },
            Range { input: 0, start: index * self.vocabulary + target, len: 1 },
        ])
    }
}

/// `ln(sum) - (target - max)`. Inputs sums, target logits, maxima.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenLoss {
    /// Rows.
    pub rows: u64,
}

impl Pointwise<3> for TokenLoss {
    fn size(&self) -> u64 {
        self.rows
    }

    fn places(&self) -> [Place; 3] {
        [Place::Same; 3]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(&self, [sum, target, max]: [f32; 3]) -> f32 {
        ln::<A>(sum) - (target - max)
    }
}

pointwise!(TokenLoss: 3);

/// `(exp(logit - max) * (1 / sum) - hot) * weight`, with `hot` 1 at the target and 0 elsewhere. Inputs logits, maxima, sums,
/// targets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrossEntropyGrad {
    /// Rows.
    pub rows: u64,
    /// Columns.
    pub vocabulary: u64,
    /// One over the number of rows.
    pub weight: f32,
}

impl CrossEntropyGrad {
    /// The definition.
    #[inline(always)]
    pub fn value<A: Arithmetic>(&self, [logit, max, sum]: [f32; 3], target: bool) -> f32 {
        let hot = if target { 1.0 } else { 0.0 };
        (shifted_exp::<A>(logit, max, 1.0) * (1.0 / sum) - hot) * self.weight
    }
}

impl Definition for CrossEntropyGrad {
    fn len(&self) -> u64 {
        self.rows * self.vocabulary
    }

    fn inputs(&self) -> Lens {
        Lens::from([self.len(), self.rows, self.rows, self.rows])
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        let (row, column) = (index / self.vocabulary, index % self.vocabulary);
        let inputs = [words.float(0, index)?, words.float(1, row)?, words.float(2, row)?];
        let target = u64::from(words.word(3, row)?) == column;
        Ok(self.value::<Software>(inputs, target).to_bits())
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<Vec<Range>, Missing> {
        let row = index / self.vocabulary;
        Ok([(0, index), (1, row), (2, row), (3, row)]
            .map(|(input, start)| Range { input, start, len: 1 })
            .into())
    }
}
