//! RMSNorm (Zhang and Sennrich, 2019): `y = x * r * gain` with `r = 1 / sqrt(sum(x^2) / n + epsilon)` for each row of `n`.
//!
//! Forward: [`Reduce`](super::Reduce) of squares, [`InverseRms`], [`Norm`]. Backward, with `g = dy * gain`:
//! `dx = r * (g - x * c)`, `c = sum(g * x) / n * r^2` ([`NormCoefficient`], [`NormGrad`]); the gain's gradient is the column sum of
//! `dy * (x * r)` ([`NormGainTerm`]).

use super::pointwise::{Place, Pointwise, pointwise};
use crate::arithmetic::Arithmetic;

/// `1 / sqrt(s / n + epsilon)` of each row's sum of squares `s`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InverseRms {
    /// Rows.
    pub rows: u64,
    /// Elements of a row, as a number.
    pub columns: f32,
    /// Added to the mean square.
    pub epsilon: f32,
}

impl Pointwise<1> for InverseRms {
    fn size(&self) -> u64 {
        self.rows
    }

    fn places(&self) -> [Place; 1] {
        [Place::Same]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(&self, [sum]: [f32; 1]) -> f32 {
        1.0 / A::sqrt(sum / self.columns + self.epsilon)
    }
}

/// `(x * r) * gain`. Inputs x, r, gain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Norm {
    /// Rows.
    pub rows: u64,
    /// Columns.
    pub columns: u64,
}

impl Pointwise<3> for Norm {
    fn size(&self) -> u64 {
        self.rows * self.columns
    }

    fn places(&self) -> [Place; 3] {
        [Place::Same, Place::Row(self.columns), Place::Column(self.columns)]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(&self, [x, r, gain]: [f32; 3]) -> f32 {
        (x * r) * gain
    }
}

/// `((dot / n) * r) * r` of each row. Inputs dot, r.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormCoefficient {
    /// Rows.
    pub rows: u64,
    /// Elements of a row, as a number.
    pub columns: f32,
}

impl Pointwise<2> for NormCoefficient {
    fn size(&self) -> u64 {
        self.rows
    }

    fn places(&self) -> [Place; 2] {
        [Place::Same, Place::Same]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(&self, [dot, r]: [f32; 2]) -> f32 {
        ((dot / self.columns) * r) * r
    }
}

/// `r * fma(-x, c, dy * gain)`. Inputs dy, x, gain, r, c.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NormGrad {
    /// Rows.
    pub rows: u64,
    /// Columns.
    pub columns: u64,
}

impl Pointwise<5> for NormGrad {
    fn size(&self) -> u64 {
        self.rows * self.columns
    }

    fn places(&self) -> [Place; 5] {
        let row = Place::Row(self.columns);
        [Place::Same, Place::Same, Place::Column(self.columns), row, row]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(&self, [dy, x, gain, r, c]: [f32; 5]) -> f32 {
        r * A::fma(-x, c, dy * gain)
    }
}

/// `dy * (x * r)`. Inputs dy, x, r.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NormGainTerm {
    /// Rows.
    pub rows: u64,
    /// Columns.
    pub columns: u64,
}

impl Pointwise<3> for NormGainTerm {
    fn size(&self) -> u64 {
        self.rows * self.columns
    }

    fn places(&self) -> [Place; 3] {
        [Place::Same, Place::Same, Place::Row(self.columns)]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(&self, [dy, x, r]: [f32; 3]) -> f32 {
        dy * (x * r)
    }
}

pointwise!(InverseRms: 1, Norm: 3, NormCoefficient: 2, NormGrad: 5, NormGainTerm: 3);
