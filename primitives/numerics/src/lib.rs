//! What every floating-point operation of a training run means, bit for bit.
//!
//! A result can be judged only if it has one right answer. This crate is `no_std`: the chain's Wasm runtime, the worker on any
//! CPU and the tests run the same definitions.
//!
//! | module | subject |
//! |---|---|
//! | [`digest`] | BLAKE3 of buffers, and the Merkle root over a state's buffers |
//! | [`schedule`] | the learning rate of every step: evaluated in `f64` by a pinned pure-Rust `libm`, rounded once |
//!
//! `std`'s transcendental functions and `mul_add` must not be used here: their bits differ between platforms.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

pub mod digest;
pub mod schedule;

pub use digest::{Digest, buffer_digest, merkle_root, state_root};
pub use schedule::Schedule;
