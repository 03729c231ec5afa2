//! Sums and quotients, element by element.

use super::{
    Definition, Lens, Missing, Range, Words,
    pointwise::{Place, Pointwise, pointwise},
};
use crate::arithmetic::Arithmetic;
use alloc::{vec, vec::Vec};

/// `a + b`. Both gradients are the output's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Add {
    /// Elements.
    pub size: u64,
}

impl Pointwise<2> for Add {
    fn size(&self) -> u64 {
        self.size
    }

    fn places(&self) -> [Place; 2] {
        [Place::Same, Place::Same]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(&self, [a, b]: [f32; 2]) -> f32 {
        a + b
    }
}

/// `x / by`: means. The gradient is the output's, divided likewise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Divide {
    /// Elements.
    pub size: u64,
    /// The divisor.
    pub by: f32,
}

impl Pointwise<1> for Divide {
    fn size(&self) -> u64 {
        self.size
    }

    fn places(&self) -> [Place; 1] {
        [Place::Same]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(&self, [x]: [f32; 1]) -> f32 {
        x / self.by
    }
}

pointwise!(Add: 2, Divide: 1);

/// The same words: how a start state takes over a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Words.
    pub size: u64,
}

impl Definition for Copy {
    fn len(&self) -> u64 {
        self.size
    }

    fn inputs(&self) -> Lens {
        Lens::from([self.size])
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        words.word(0, index)
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<Vec<Range>, Missing> {
        Ok(vec![Range { input: 0, start: index, len: 1 }])
    }
}
