//! The next checkpoint from the updates of a round's workers: cap, exact sum, mean, Nesterov momentum (as DiLoCo's outer step,
//! Douillard et al., 2023).
//!
//! Decoded updates are whole multiples of 2^-40 below 2^54 of them, so the sum over at most 256 workers is exact in an `i64` and no
//! order matters. A buffer of `i64` has two words for each, the low half first.

use super::{
    Definition, Lens, Missing, Place, Pointwise, Range, Words, blocks,
    pointwise::pointwise,
    update::{BLOCK, EXPONENTS, bounded, code_in},
};
use crate::arithmetic::Arithmetic;
use alloc::{vec, vec::Vec};

/// A buffer with the word at `at` replaced. Inputs the buffer, the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insert {
    /// Words.
    pub size: u64,
    /// Which is replaced.
    pub at: u64,
}

impl Definition for Insert {
    fn len(&self) -> u64 {
        self.size
    }

    fn inputs(&self) -> Lens {
        Lens::from([self.size, 1])
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        if index == self.at { words.word(1, 0) } else { words.word(0, index) }
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<Vec<Range>, Missing> {
        let (input, start) = if index == self.at { (1, 0) } else { (0, index) };
        Ok(vec![Range { input, start, len: 1 }])
    }
}

/// By how many bits each worker's update is shifted down: the least that brings its norm to at most twice the lower median of all
/// norms. Input: the squares of the norms, one for each worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NormCap {
    /// Workers.
    pub workers: u64,
}

/// Shifts by more leave nothing.
const MOST: u32 = 63;

impl NormCap {
    /// The shift of an update with the square `own` among `squares`.
    pub fn shift(own: f32, mut squares: Vec<f32>) -> u32 {
        squares.sort_unstable_by(f32::total_cmp);
        let middle = squares.len().saturating_sub(1) / 2;
        // Twice the norm is four times its square.
        let limit = squares.get(middle).copied().unwrap_or(0.0) * 4.0;
        let mut scaled = own;
        let mut shift = 0;
        while scaled > limit && shift < MOST {
            scaled *= 0.25;
            shift += 1;
        }
        shift
    }
}

impl Definition for NormCap {
    fn len(&self) -> u64 {
        self.workers
    }

    fn inputs(&self) -> Lens {
        Lens::from([self.workers])
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        let squares: Result<Vec<f32>, Missing> =
            (0..self.workers).map(|worker| words.float(0, worker)).collect();
        Ok(Self::shift(words.float(0, index)?, squares?))
    }

    fn reads<W: Words + ?Sized>(&self, _: u64, _: &W) -> Result<Vec<Range>, Missing> {
        Ok(vec![Range { input: 0, start: 0, len: self.workers }])
    }
}

/// The sum of updates with worker `worker`'s added: `code * 2^(exponent + 40)`, shifted down towards zero, as `i64`. Inputs codes,
/// exponents, shifts, and the sum before, unless it is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddUpdate {
    /// Elements.
    pub size: u64,
    /// Workers.
    pub workers: u64,
    /// Which is added.
    pub worker: u64,
    /// Whether it is the first.
    pub first: bool,
}

impl AddUpdate {
    /// What one worker adds.
    #[inline(always)]
    pub fn term(code: i8, exponent: i32, shift: u32) -> i64 {
        let magnitude = i64::from(code.unsigned_abs()) << (exponent - *EXPONENTS.start()).clamp(0, 46);
        let shifted = magnitude >> shift.min(MOST);
        if code < 0 { -shifted } else { shifted }
    }
}

impl Definition for AddUpdate {
    fn len(&self) -> u64 {
        self.size * 2
    }

    fn inputs(&self) -> Lens {
        Lens::from([blocks(self.size, 4), blocks(self.size, BLOCK), self.workers])
            .and((!self.first).then(|| self.len()))
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        let place = index / 2;
        let code = code_in(words.word(0, place / 4)?, place);
        let exponent = bounded(words.word(1, place / BLOCK)?);
        let before = if self.first { 0 } else { long(words, 3, place)? };
        let sum = before.wrapping_add(Self::term(code, exponent, words.word(2, self.worker)?));
        Ok(if index.is_multiple_of(2) { sum as u32 } else { (sum >> 32) as u32 })
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<Vec<Range>, Missing> {
        let place = index / 2;
        let mut all = vec![
            Range { input: 0, start: place / 4, len: 1 },
            Range { input: 1, start: place / BLOCK, len: 1 },
            Range { input: 2, start: self.worker, len: 1 },
        ];
        if !self.first {
            all.push(Range { input: 3, start: place * 2, len: 2 });
        }
        Ok(all)
    }
}

/// The `i64` at `place`.
fn long<W: Words + ?Sized>(words: &W, input: usize, place: u64) -> Result<i64, Missing> {
    let (low, high) = (words.word(input, place * 2)?, words.word(input, place * 2 + 1)?);
    Ok((u64::from(low) | (u64::from(high) << 32)) as i64)
}

/// The mean: the sum converted once, ties to even, times 2^-40, divided by the workers. Input: the sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FromGrid {
    /// Elements.
    pub size: u64,
    /// The number of workers.
    pub workers: f32,
}

impl FromGrid {
    /// The definition.
    #[inline(always)]
    pub fn value(&self, sum: i64) -> f32 {
        // 2^-40
        (sum as f32 * f32::from_bits(0x2b80_0000)) / self.workers
    }
}

impl Definition for FromGrid {
    fn len(&self) -> u64 {
        self.size
    }

    fn inputs(&self) -> Lens {
        Lens::from([self.size * 2])
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        Ok(self.value(long(words, 0, index)?).to_bits())
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<Vec<Range>, Missing> {
        Ok(vec![Range { input: 0, start: index * 2, len: 2 }])
    }
}

/// `fma(momentum, v, g)`. Inputs v, g.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NesterovMomentum {
    /// Elements.
    pub size: u64,
    /// Decay.
    pub momentum: f32,
}

impl Pointwise<2> for NesterovMomentum {
    fn size(&self) -> u64 {
        self.size
    }

    fn places(&self) -> [Place; 2] {
        [Place::Same; 2]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(&self, [v, g]: [f32; 2]) -> f32 {
        A::fma(self.momentum, v, g)
    }
}

/// `fma(-rate, fma(momentum, v', g), p)`. Inputs p, v', g.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nesterov {
    /// Elements.
    pub size: u64,
    /// Decay.
    pub momentum: f32,
    /// The outer learning rate.
    pub rate: f32,
}

impl Pointwise<3> for Nesterov {
    fn size(&self) -> u64 {
        self.size
    }

    fn places(&self) -> [Place; 3] {
        [Place::Same; 3]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(&self, [p, v, g]: [f32; 3]) -> f32 {
        A::fma(-self.rate, A::fma(self.momentum, v, g), p)
    }
}

pointwise!(NesterovMomentum: 2, Nesterov: 3);
