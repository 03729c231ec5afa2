//! The two operations that machines spell differently, as a trait: definitions are written once, over it, and engines compile
//! them with instructions of their own.

use crate::scalar;

/// A correctly rounded fused multiply-add and square root. All implementations give the same bits.
pub trait Arithmetic: Copy {
    /// `a * b + c`, rounded once.
    fn fma(a: f32, b: f32, c: f32) -> f32;

    /// The square root.
    fn sqrt(x: f32) -> f32;
}

/// Without help from the machine: what the chain evaluates.
#[derive(Clone, Copy, Debug)]
pub struct Software;

impl Arithmetic for Software {
    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        scalar::fma(a, b, c)
    }

    #[inline(always)]
    fn sqrt(x: f32) -> f32 {
        scalar::sqrt(x)
    }
}

/// [`scalar::exp`] by the operations of `A`.
#[inline(always)]
pub fn exp<A: Arithmetic>(x: f32) -> f32 {
    scalar::exp_with(x, A::fma)
}

/// [`scalar::ln`] by the operations of `A`.
#[inline(always)]
pub fn ln<A: Arithmetic>(x: f32) -> f32 {
    scalar::ln_with(x, A::fma)
}

/// [`scalar::sigmoid`] by the operations of `A`.
#[inline(always)]
pub fn sigmoid<A: Arithmetic>(x: f32) -> f32 {
    scalar::sigmoid_with(x, A::fma)
}
