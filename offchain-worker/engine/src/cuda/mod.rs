//! Programs on an NVIDIA GPU, with the bits of their definitions.
//!
//! The kernels are in `cuda/`, written in a subset of CUDA C. [`launch`] says which of them an instruction needs, with which extents
//! and arguments; with the feature `cuda`, [`device`] launches them through candle's `CudaDevice`.
//!
//! **None of this has ever run on a GPU**: there is none where it is developed. What has been shown is this:
//!
//! - The same source, compiled for the CPU by a C++ compiler and launched with the same extents and arguments, gives the bits of the
//!   definitions: every operation, on adversarial shapes, with the threads between two barriers in forward, reversed and permuted
//!   order, with the address and undefined-behaviour sanitisers watching (the tests of this module).
//! - nvcc compiles it for sm_80, 86, 89 and 90, and in the PTX every operation on numbers rounds to nearest, keeps subnormals and is
//!   fused only where the source says so (`scripts/check-cuda`).
//!
//! What neither shows: that hardware, driver and the last compilation to machine code keep what the PTX says, that the barriers
//! suffice for threads that truly run at once, and how fast it is. The first of these is for `sabha-worker doctor`, which
//! compares every operation on the operator's GPU with its definition ([`compare`]) before a worker may use it.

pub mod compare;
#[cfg(feature = "cuda")]
pub mod device;
pub mod launch;
mod product;
mod source;

#[cfg(test)]
mod harness;
#[cfg(test)]
mod tests;
