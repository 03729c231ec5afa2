//! Clipping by global norm (Pascanu et al., 2013).

use super::pointwise::{Place, Pointwise, pointwise};
use crate::arithmetic::Arithmetic;

/// What a gradient is multiplied by: 1 if its norm `sqrt(s)` is at most `limit`, else `limit / norm`. Input: the sum of squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClipFactor {
    /// The largest norm.
    pub limit: f32,
}

impl Pointwise<1> for ClipFactor {
    fn size(&self) -> u64 {
        1
    }

    fn places(&self) -> [Place; 1] {
        [Place::One]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(&self, [sum]: [f32; 1]) -> f32 {
        let norm = A::sqrt(sum);
        if norm > self.limit { self.limit / norm } else { 1.0 }
    }
}

pointwise!(ClipFactor: 1);
