//! The definitions of `sabha-numerics` as a Wasm module, to be compared with native results by bits: see `tests/same_bits.rs`.
//!
//! The chain judges disputes in Wasm, which has no fused multiply-add and no vectors here, and whose compiler is another one. So
//! the same functions run there, one number at a time ([`scalar`]) and as whole programs ([`outputs`]).

#![no_std]
#![warn(missing_docs)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
mod exports;
#[path = "../../tests/golden/run.rs"]
pub mod golden;
pub mod scalar;

use alloc::vec::Vec;
use golden::{CASES, Case, run};
use sabha_numerics::{Digest, program::Model, reference::Failure};

/// Shapes that are beyond one read of an element in one direction each, so that reductions and the gradient of the embedding are
/// chained: a vocabulary, and positions.
pub const CHAINED: [Case; 2] = [
    Case { name: "vocabulary", model: small(2_100, 3), samples: 2 },
    Case { name: "positions", model: small(3, 1), samples: 2_100 },
];

const fn small(vocabulary: u64, context: u64) -> Model {
    Model {
        vocabulary,
        width: 2,
        layers: 1,
        heads: 1,
        feed_forward: 3,
        context,
        rope_base: 10_000.0,
        norm_epsilon: 1e-5,
        tied_embedding: true,
    }
}

/// Case `index`: of the golden trace, then the chained ones.
pub fn case(index: usize) -> Option<&'static Case> {
    CASES.iter().chain(&CHAINED).nth(index)
}

/// The digest of every instruction's output, of every program of a run, in order.
///
/// # Errors
/// If an element is not finite.
pub fn outputs(case: &Case, steps: u32) -> Result<Vec<Digest>, Failure> {
    let mut digests = Vec::new();
    run(case, steps, &mut |executed| {
        digests.extend(executed.trace.outputs.iter().map(|words| golden::digest(words)));
    })?;
    Ok(digests)
}
