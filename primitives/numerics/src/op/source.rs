//! What a program starts from besides its state: constants, whole numbers, and the tokens of a batch. None has a gradient.

use super::{Definition, Lens, Missing, Range, Words};
use alloc::{vec, vec::Vec};

/// The same word everywhere: fresh moments, gains of 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Words.
    pub size: u64,
    /// The word.
    pub word: u32,
}

impl Definition for Fill {
    fn len(&self) -> u64 {
        self.size
    }

    fn inputs(&self) -> Lens {
        Lens::default()
    }

    fn element<W: Words + ?Sized>(&self, _: u64, _: &W) -> Result<u32, Missing> {
        Ok(self.word)
    }

    fn reads<W: Words + ?Sized>(&self, _: u64, _: &W) -> Result<Vec<Range>, Missing> {
        Ok(Vec::new())
    }
}

/// One whole number: the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// The number.
    pub value: u32,
}

impl Definition for Number {
    fn len(&self) -> u64 {
        1
    }

    fn inputs(&self) -> Lens {
        Lens::default()
    }

    fn element<W: Words + ?Sized>(&self, _: u64, _: &W) -> Result<u32, Missing> {
        Ok(self.value)
    }

    fn reads<W: Words + ?Sized>(&self, _: u64, _: &W) -> Result<Vec<Range>, Missing> {
        Ok(Vec::new())
    }
}

/// Tokens of a batch, `[samples, context]`, read from the run's stream: sample `b` begins at `offsets[b]`, targets one token
/// later. The stream's words are its tokens. A token that the model does not know reads as the last one that it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Tokens of a sample.
    pub context: u64,
    /// Tokens in the vocabulary.
    pub vocabulary: u64,
    /// Tokens in the stream.
    pub stream: u64,
    /// Where each sample begins; for targets, one more.
    pub offsets: Vec<u64>,
}

impl Batch {
    fn place(&self, index: u64) -> u64 {
        let sample = index.checked_div(self.context).and_then(|sample| usize::try_from(sample).ok());
        let offset = sample.and_then(|sample| self.offsets.get(sample)).copied().unwrap_or(0);
        offset.saturating_add(index.checked_rem(self.context).unwrap_or(0))
    }
}

impl Definition for Batch {
    fn len(&self) -> u64 {
        (self.offsets.len() as u64).saturating_mul(self.context)
    }

    fn inputs(&self) -> Lens {
        Lens::from([self.stream])
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        let token = words.word(0, self.place(index))?;
        Ok(token.min(u32::try_from(self.vocabulary.saturating_sub(1)).unwrap_or(u32::MAX)))
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<Vec<Range>, Missing> {
        Ok(vec![Range { input: 0, start: self.place(index), len: 1 }])
    }
}
