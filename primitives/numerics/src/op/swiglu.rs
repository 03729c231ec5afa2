//! The gated unit (Shazeer, "GLU variants improve transformer", 2020): `h = gate * sigmoid(gate) * up`.
//!
//! Backward, with `s = sigmoid(gate)`: `dgate = dh * up * s * (1 + gate * (1 - s))`, `dup = dh * gate * s`.

use super::pointwise::{Place, Pointwise, pointwise};
use crate::arithmetic::{Arithmetic, sigmoid};

/// `(gate * sigmoid(gate)) * up`. Inputs gate, up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwiGlu {
    /// Elements.
    pub size: u64,
}

impl Pointwise<2> for SwiGlu {
    fn size(&self) -> u64 {
        self.size
    }

    fn places(&self) -> [Place; 2] {
        [Place::Same; 2]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(&self, [gate, up]: [f32; 2]) -> f32 {
        (gate * sigmoid::<A>(gate)) * up
    }
}

/// `(dh * up) * (fma(gate, 1 - s, 1) * s)`. Inputs dh, gate, up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwiGluGradGate {
    /// Elements.
    pub size: u64,
}

impl Pointwise<3> for SwiGluGradGate {
    fn size(&self) -> u64 {
        self.size
    }

    fn places(&self) -> [Place; 3] {
        [Place::Same; 3]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(&self, [dh, gate, up]: [f32; 3]) -> f32 {
        let s = sigmoid::<A>(gate);
        (dh * up) * (A::fma(gate, 1.0 - s, 1.0) * s)
    }
}

/// `dh * (gate * s)`. Inputs dh, gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwiGluGradUp {
    /// Elements.
    pub size: u64,
}

impl Pointwise<2> for SwiGluGradUp {
    fn size(&self) -> u64 {
        self.size
    }

    fn places(&self) -> [Place; 2] {
        [Place::Same; 2]
    }

    #[inline(always)]
    fn value<A: Arithmetic>(&self, [dh, gate]: [f32; 2]) -> f32 {
        dh * (gate * sigmoid::<A>(gate))
    }
}

pointwise!(SwiGlu: 2, SwiGluGradGate: 3, SwiGluGradUp: 2);
