//! Executes the programs of `sabha-numerics` at full speed, bit for bit.
//!
//! | module | subject |
//! |---|---|
//! | [`executor`] | a planned program on candle tensors |
//! | [`plan`] | where each buffer lies; what need not be executed |
//! | [`kernels`] | whole outputs of instructions, on the CPU |
//! | [`gemm`] | the matrix product |
//! | [`features`] | which instruction set the kernels use |
//! | [`dispatch`] | one source for every instruction set |
//! | [`flags`] | finite or not, for free |
//! | `awake` | threads between kernels |
//! | `cuda` | the same on an NVIDIA GPU, with the feature `cuda` |
//! | [`mod@peak`] | what speeds are a share of |
//! | [`spare`] | memory that nobody uses |
//!
//! The order of every sum and the meaning of every operation is that of `sabha-numerics`; what is free here is everything else:
//! memory, threads, vectors, which buffers exist at all.

#![warn(missing_docs)]

mod awake;
#[cfg(any(feature = "cuda", test))]
pub mod cuda;
pub mod dispatch;
pub mod executor;
pub mod features;
pub mod flags;
pub mod gemm;
pub mod kernels;
pub mod peak;
pub mod plan;
pub mod spare;

#[cfg(test)]
mod tests;
