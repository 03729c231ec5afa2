//! Operations whose element reads one word of each input: most of them.

use super::{Lens, Missing, Range, Words};
use crate::arithmetic::{Arithmetic, Software};
use alloc::vec::Vec;

/// Where the word stands that element `index` reads of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the element's own index.
    Same,
    /// One word for each row of this many columns.
    Row(u64),
    /// One word for each of this many columns.
    Column(u64),
    /// The input's only word.
    One,
}

impl Place {
    /// The word that element `index` reads.
    pub fn of(self, index: u64) -> u64 {
        match self {
            Place::Same => index,
            Place::Row(columns) => index.checked_div(columns).unwrap_or(0),
            Place::Column(columns) => index.checked_rem(columns).unwrap_or(0),
            Place::One => 0,
        }
    }

    /// Words of such an input of an operation with `len` elements.
    pub fn len(self, len: u64) -> u64 {
        match self {
            Place::Same => len,
            Place::Row(columns) => len.checked_div(columns).unwrap_or(0),
            Place::Column(columns) => columns,
            Place::One => 1,
        }
    }
}

/// An operation on one number of each of `N` inputs.
pub trait Pointwise<const N: usize> {
    /// Numbers in the output.
    fn size(&self) -> u64;

    /// Where the numbers stand.
    fn places(&self) -> [Place; N];

    /// The definition.
    fn value<A: Arithmetic>(&self, inputs: [f32; N]) -> f32;
}

/// Implements [`Definition`] for [`Pointwise`] operations.
macro_rules! pointwise {
    ($($name:ty: $inputs:literal),* $(,)?) => {
        $(impl $crate::op::Definition for $name {
            fn len(&self) -> u64 {
                self.size()
            }

            fn inputs(&self) -> $crate::op::Lens {
                $crate::op::pointwise::inputs::<$inputs, _>(self)
            }

            fn element<W: $crate::op::Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, $crate::op::Missing> {
                $crate::op::pointwise::element::<$inputs, _, W>(self, index, words)
            }

            fn reads<W: $crate::op::Words + ?Sized>(
                &self,
                index: u64,
                _: &W,
            ) -> Result<::alloc::vec::Vec<$crate::op::Range>, $crate::op::Missing> {
                Ok($crate::op::pointwise::reads::<$inputs, _>(self, index))
            }
        })*
    };
}
pub(crate) use pointwise;

pub(crate) fn inputs<const N: usize, P: Pointwise<N>>(op: &P) -> Lens {
    op.places().map(|place| place.len(op.size())).into()
}

pub(crate) fn element<const N: usize, P: Pointwise<N>, W: Words + ?Sized>(
    op: &P,
    index: u64,
    words: &W,
) -> Result<u32, Missing> {
    let mut values = [0.0; N];
    for (input, (value, place)) in values.iter_mut().zip(op.places()).enumerate() {
        *value = words.float(input, place.of(index))?;
    }
    Ok(op.value::<Software>(values).to_bits())
}

pub(crate) fn reads<const N: usize, P: Pointwise<N>>(op: &P, index: u64) -> Vec<Range> {
    let range = |(input, place): (usize, Place)| Range { input, start: place.of(index), len: 1 };
    op.places().into_iter().enumerate().map(range).collect()
}
