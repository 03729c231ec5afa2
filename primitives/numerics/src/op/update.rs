//! The coding of an update: `delta = start - end`, as a signed byte for each element and a power of two for each block of 256.
//!
//! Every decoded number is a whole multiple of 2^-40, so sums over workers are exact in 64-bit integers.

use super::{Definition, Lens, Missing, Range, Words, blocks};
use alloc::{vec, vec::Vec};
use core::ops::RangeInclusive;

/// Elements that share an exponent.
pub const BLOCK: u64 = 256;

/// Exponents of the power of two that a code is multiplied by.
pub const EXPONENTS: RangeInclusive<i32> = -40..=6;

/// Codes in a word.
const CODES: u64 = 4;

/// The largest code.
const LARGEST: f32 = 127.0;

/// Adding and taking it away rounds a small number to a whole one, ties to even.
const ROUND: f32 = 12_582_912.0;

/// `2^exponent`, for exponents of normal numbers.
#[inline(always)]
pub(crate) fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits((exponent.saturating_add(127).clamp(1, 254) as u32) << 23)
}

/// The exponent of each block, as an `i32`: the least with `max |delta| <= 127 * 2^exponent`, or the largest. Inputs start, end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exponents {
    /// Elements of start and end.
    pub size: u64,
}

impl Exponents {
    /// The exponent for the largest magnitude of a block.
    pub fn exponent(largest: f32) -> i32 {
        EXPONENTS
            .into_iter()
            .find(|exponent| largest <= LARGEST * power_of_two(*exponent))
            .unwrap_or(*EXPONENTS.end())
    }

    fn span(&self, index: u64) -> (u64, u64) {
        let start = index * BLOCK;
        (start, self.size.saturating_sub(start).min(BLOCK))
    }
}

impl Definition for Exponents {
    fn len(&self) -> u64 {
        blocks(self.size, BLOCK)
    }

    fn inputs(&self) -> Lens {
        Lens::from([self.size; 2])
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        let (start, len) = self.span(index);
        let mut largest = 0.0f32;
        for place in start..start + len {
            let delta = (words.float(0, place)? - words.float(1, place)?).abs();
            largest = if delta > largest { delta } else { largest };
        }
        Ok(Self::exponent(largest) as u32)
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<Vec<Range>, Missing> {
        let (start, len) = self.span(index);
        Ok([0, 1].map(|input| Range { input, start, len }).into())
    }
}

/// Four codes in each word, the first in the lowest byte; +0 beyond the last element. A code is `delta * 2^-exponent`, clamped to
/// 127 and rounded to even. Inputs start, end, exponents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codes {
    /// Elements of start and end.
    pub size: u64,
}

impl Codes {
    /// The code of one element.
    #[inline(always)]
    pub fn code(start: f32, end: f32, exponent: i32) -> i8 {
        let scaled = (start - end) * power_of_two(exponent.saturating_neg());
        let above = if scaled > -LARGEST { scaled } else { -LARGEST };
        let within = if above < LARGEST { above } else { LARGEST };
        ((within + ROUND) - ROUND) as i8
    }

    fn span(&self, index: u64) -> (u64, u64) {
        let start = index * CODES;
        (start, self.size.saturating_sub(start).min(CODES))
    }
}

impl Definition for Codes {
    fn len(&self) -> u64 {
        blocks(self.size, CODES)
    }

    fn inputs(&self) -> Lens {
        Lens::from([self.size, self.size, blocks(self.size, BLOCK)])
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        let (start, len) = self.span(index);
        let exponent = words.word(2, start / BLOCK)? as i32;
        let mut bytes = [0u8; CODES as usize];
        for (byte, place) in bytes.iter_mut().zip(start..start + len) {
            *byte = Self::code(words.float(0, place)?, words.float(1, place)?, exponent) as u8;
        }
        Ok(u32::from_le_bytes(bytes))
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<Vec<Range>, Missing> {
        let (start, len) = self.span(index);
        Ok(vec![
            Range { input: 0, start, len },
            Range { input: 1, start, len },
            Range { input: 2, start: start / BLOCK, len: 1 },
        ])
    }
}

/// The code of element `index` in a word of four.
pub(crate) fn code_in(word: u32, index: u64) -> i8 {
    let bytes = word.to_le_bytes();
    bytes.get((index % CODES) as usize).copied().unwrap_or(0) as i8
}

/// `code * 2^exponent`, exactly. Inputs codes, exponents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decode {
    /// Elements.
    pub size: u64,
}

impl Definition for Decode {
    fn len(&self) -> u64 {
        self.size
    }

    fn inputs(&self) -> Lens {
        Lens::from([blocks(self.size, CODES), blocks(self.size, BLOCK)])
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        let code = code_in(words.word(0, index / CODES)?, index);
        let exponent = bounded(words.word(1, index / BLOCK)?);
        Ok((f32::from(code) * power_of_two(exponent)).to_bits())
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<Vec<Range>, Missing> {
        Ok(vec![
            Range { input: 0, start: index / CODES, len: 1 },
            Range { input: 1, start: index / BLOCK, len: 1 },
        ])
    }
}

/// An exponent of an update that somebody sent: what is out of bounds counts as the nearest that is not.
pub(crate) fn bounded(word: u32) -> i32 {
    (word as i32).clamp(*EXPONENTS.start(), *EXPONENTS.end())
}
