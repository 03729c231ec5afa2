//! AdamW with decoupled weight decay (Loshchilov and Hutter, 2019): two moments and the parameters, three operations.
//!
//! What depends on the step alone (rate, bias corrections, decay) is an attribute, computed once in `f64` and rounded once.

use super::pointwise::{Place, Pointwise, pointwise};
use crate::arithmetic::Arithmetic;

/// `m' = fma(beta, m, (1 - beta) * (g * clip))`. Inputs m, g, clip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment1 {
    /// Elements.
    pub size: u64,
    /// Decay.
    pub beta: f32,
}

impl Pointwise<3> for Moment1 {
    fn size(&self) -> u64 {
        self.size
    }

    fn places(&self) -> [Place; 3] {
        [Place::Same, Place::Same, Place::One]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(&self, [m, g, clip]: [f32; 3]) -> f32 {
        A::fma(self.beta, m, (1.0 - self.beta) * (g * clip))
    }
}

/// `v' = fma(beta, v, (1 - beta) * (g * clip)^2)`. Inputs v, g, clip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment2 {
    /// Elements.
    pub size: u64,
    /// Decay.
    pub beta: f32,
}

impl Pointwise<3> for Moment2 {
    fn size(&self) -> u64 {
        self.size
    }

    fn places(&self) -> [Place; 3] {
        [Place::Same, Place::Same, Place::One]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(&self, [v, g, clip]: [f32; 3]) -> f32 {
        let g = g * clip;
        A::fma(self.beta, v, (1.0 - self.beta) * (g * g))
    }
}

/// `p' = fma(-rate, (m' * c1) / (sqrt(v' * c2) + epsilon), p * keep)`. Inputs p, m', v'.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// Elements.
    pub size: u64,
    /// The learning rate.
    pub rate: f32,
    /// `1 - rate * decay`, or 1 where nothing decays.
    pub keep: f32,
    /// `1 / (1 - beta1^t)`.
    pub correction1: f32,
    /// `1 / (1 - beta2^t)`.
    pub correction2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
}

impl Pointwise<3> for Weights {
    fn size(&self) -> u64 {
        self.size
    }

    fn places(&self) -> [Place; 3] {
        [Place::Same; 3]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(&self, [p, m, v]: [f32; 3]) -> f32 {
        let step = (m * self.correction1) / (A::sqrt(v * self.correction2) + self.epsilon);
        A::fma(-self.rate, step, p * self.keep)
    }
}

pointwise!(Moment1: 3, Moment2: 3, Weights: 3);
