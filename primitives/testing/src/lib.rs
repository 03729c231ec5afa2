//! Small runs, executed by the definitions of `sabha-numerics`, with lies where they are wanted: what the two sides of a dispute play from
//! in tests. The game itself is tested in `tests/games`; `pallet-sabha-disputes` plays the same through its calls.
//!
//! | module | subject |
//! |---|---|
//! | [`world`] | what is given: specification, stream, checkpoint; and its executions |
//! | [`run`] | an execution, as the book of a player |
//! | [`execute`] | one program, by the definitions |
//! | [`lie`] | what is changed, and which changes are worth a game |
//! | [`forked`] | liars who show the truth of some levels |
//! | [`streams`] | a run's stream beside its sources, true or false |
//! | [`people`] | who is who on the chains of tests |
//!
//! For tests: what cannot be panics.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod execute;
pub mod forked;
pub mod lie;
pub mod people;
pub mod run;
pub mod streams;
pub mod world;

pub use forked::Forked;
pub use lie::Lie;
pub use run::{Missing, Run};
pub use world::World;

use sabha_numerics::{buffer_digest, state_root};
use sabha_protocol::Digest;

/// The bits of a buffer.
pub type Words = Vec<u32>;

/// Digest of a buffer.
pub fn digest(words: &[u32]) -> Digest {
    let floats: Vec<f32> = words.iter().copied().map(f32::from_bits).collect();
    Digest(buffer_digest(&floats))
}

/// Root over buffers.
pub fn root(leaves: &[Words]) -> Digest {
    let digests: Vec<[u8; 32]> = leaves.iter().map(|leaf| digest(leaf).0).collect();
    Digest(state_root(&digests))
}
