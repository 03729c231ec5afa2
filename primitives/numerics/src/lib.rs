//! What every floating-point operation of a training run means, bit for bit.
//!
//! A result can be judged only if it has one right answer. This crate is `no_std`: the chain's Wasm runtime, the worker on any
//! CPU and the tests run the same definitions.
//!
//! | module | subject |
//! |---|---|
//! | [`scalar`] | the arithmetic of single numbers: fused multiply-add, `exp`, `ln`, `sigmoid`, the order of a row's reduction |
//! | [`arithmetic`] | the same over any machine's fused multiply-add and square root |
//! | [`op`] | the operations of programs: what one element of an output is, and which words of the inputs it reads |
//! | [`program`] | what a run computes, as lists of instructions: `init`, `begin`, `step`, `finish`, `aggregate`, `evaluate` |
//! | [`mod@reference`] | executes programs by the definitions, element by element |
//! | [`digest`] | BLAKE3 of buffers, and the roots of trees: a state's buffers, a slot's segments, a step's outputs |
//! | [`schedule`] | the learning rate of every step: evaluated in `f64` by a pinned pure-Rust `libm`, rounded once |
//!
//! `std`'s transcendental functions and `mul_add` must not be used here: their bits differ between platforms.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

pub mod arithmetic;
pub mod digest;
pub mod op;
pub mod program;
pub mod reference;
pub mod scalar;
pub mod schedule;

pub use digest::{Digest, Tree, buffer_digest, merkle_root, state_root};
pub use schedule::Schedule;
