//! The lengths of an operation's inputs, without memory of their own: they are asked for with every instruction that is built or
//! executed.

use core::ops::Deref;

/// Most inputs of an operation.
pub const MAX_INPUTS: usize = 5;

/// Words of each input, in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lens {
    words: [u64; MAX_INPUTS],
    count: usize,
}

impl Lens {
    /// The same with one input more, if there is one.
    pub(crate) fn and(mut self, more: Option<u64>) -> Self {
        if let Some(words) = more
            && let Some(place) = self.words.get_mut(self.count)
        {
            *place = words;
            self.count += 1;
        }
        self
    }
}

impl<const N: usize> From<[u64; N]> for Lens {
    fn from(words: [u64; N]) -> Self {
        const { assert!(N <= MAX_INPUTS, "an operation has more inputs than anything has room for") };
        words.into_iter().fold(Self::default(), |lens, words| lens.and(Some(words)))
    }
}

impl Deref for Lens {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        self.words.get(..self.count).unwrap_or(&self.words)
    }
}

impl PartialEq for Lens {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Lens {}
