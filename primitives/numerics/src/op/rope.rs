//! Rotary positions (Su et al., 2021), rotated in halves as `LlamaForCausalLM` does: in each head, component `i` of the first half
//! and of the second turn by the angle `position * base^(-i / half)`. Backward: the same by the opposite angle.

use super::{Definition, Lens, Missing, Range, Words};
use crate::arithmetic::{Arithmetic, Software};
use alloc::vec::Vec;

/// Cosines or sines of the angles: `[context, half]`, from `f64` and rounded once. Without inputs: the chain evaluates it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RopeTable {
    /// Positions.
    pub context: u64,
    /// Half of a head's width.
    pub half: u64,
    /// Base of the angles.
    pub base: f32,
    /// Sines instead of cosines.
    pub sines: bool,
}

impl RopeTable {
    /// The number at `index`.
    pub fn value(&self, index: u64) -> f32 {
        let position = index.checked_div(self.half).unwrap_or(0) as f64;
        let component = index.checked_rem(self.half).unwrap_or(0) as f64;
        let angle = position * libm::pow(f64::from(self.base), -(component / self.half as f64));
        (if self.sines { libm::sin(angle) } else { libm::cos(angle) }) as f32
    }
}

impl Definition for RopeTable {
    fn len(&self) -> u64 {
        self.context * self.half
    }

    fn inputs(&self) -> Lens {
        Lens::default()
    }

    fn element<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<u32, Missing> {
        Ok(self.value(index).to_bits())
    }

    fn reads<W: Words + ?Sized>(&self, _: u64, _: &W) -> Result<Vec<Range>, Missing> {
        Ok(Vec::new())
    }
}

/// `y1 = fma(x1, cos, -x2 * sin)`, `y2 = fma(x2, cos, x1 * sin)`, on `[rows, heads * 2 * half]`; row `t` is at position
/// `t % context`. Inputs x, cosines, sines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rope {
    /// Rows: samples times positions.
    pub rows: u64,
    /// Heads.
    pub heads: u64,
    /// Half of a head's width.
    pub half: u64,
    /// Positions.
    pub context: u64,
    /// By the opposite angle.
    pub inverse: bool,
}

impl Rope {
    /// The definition: a component, the one it is paired with, cosine and sine. `second` for components of the second half.
    #[inline(always)]
    pub fn value<A: Arithmetic>(&self, [x, other, cosine, sine]: [f32; 4], second: bool) -> f32 {
        let other = if second == self.inverse { -other } else { other };
        A::fma(x, cosine, other * sine)
    }

    /// Indices of the paired component and of the angle; whether the element is of the second half.
    fn places(&self, index: u64) -> (u64, u64, bool) {
        let head = self.half * 2;
        let component = index.checked_rem(head).unwrap_or(0);
        let row = index.checked_div(head * self.heads).unwrap_or(0);
        let position = row.checked_rem(self.context).unwrap_or(0);
        let second = component >= self.half;
        let (other, angle) =
            if second { (index - self.half, component - self.half) } else { (index + self.half, component) };
        (other, position * self.half + angle, second)
    }
}

impl Definition for Rope {
    fn len(&self) -> u64 {
        self.rows * self.heads * self.half * 2
    }

    fn inputs(&self) -> Lens {
        let table = self.context * self.half;
        Lens::from([self.len(), table, table])
    }

    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
        let (other, angle, second) = self.places(index);
        let inputs =
            [words.float(0, index)?, words.float(0, other)?, words.float(1, angle)?, words.float(2, angle)?];
        Ok(self.value::<Software>(inputs, second).to_bits())
    }

    fn reads<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<Vec<Range>, Missing> {
        let (other, angle, _) = self.places(index);
        Ok([(0, index), (0, other), (1, angle), (2, angle)]
            .map(|(input, start)| Range { input, start, len: 1 })
            .into())
    }
}
