//! From a seed to a checkpoint, and from a checkpoint to a state.

use super::{Emit, Model, Operand, Program, leaf};
use crate::op::{Copy, Fill, Init};
use alloc::vec::Vec;

/// Standard deviation of a matrix's initial elements.
const DEVIATION: f64 = 0.02;

/// The checkpoint that a run starts from: gains are 1, matrices normal with deviation 0.02, and projections into the residual
/// stream smaller by the square root of twice the number of layers.
#[derive(Clone, Debug, PartialEq)]
pub struct InitProgram {
    /// The model.
    pub model: Model,
    /// The run's seed.
    pub seed: u64,
}

impl Program for InitProgram {
    fn leaves(&self) -> Vec<u64> {
        Vec::new()
    }

    fn build(&self, emit: &mut Emit<'_>) -> Vec<Operand> {
        let smaller = DEVIATION / libm::sqrt(self.model.layers.saturating_mul(2) as f64);
        let mut outputs = Vec::new();
        for (index, parameter) in (0u64..).zip(self.model.parameters()) {
            let size = parameter.elements();
            outputs.push(if parameter.is_matrix() {
                let deviation = if parameter.is_residual() { smaller } else { DEVIATION };
                emit.emit(Init { size, seed: self.seed, parameter: index, deviation }, &[])
            } else {
                emit.emit(Fill { size, word: 1f32.to_bits() }, &[])
            });
        }
        outputs
    }
}

/// The state before a slot's first step: the checkpoint, zero moments, step 0, no loss.
#[derive(Clone, Debug, PartialEq)]
pub struct BeginProgram {
    /// The model.
    pub model: Model,
}

impl Program for BeginProgram {
    fn leaves(&self) -> Vec<u64> {
        self.model.parameters().map(|parameter| parameter.elements()).collect()
    }

    fn build(&self, emit: &mut Emit<'_>) -> Vec<Operand> {
        let mut outputs = Vec::new();
        for (index, size) in self.leaves().into_iter().enumerate() {
            outputs.push(emit.emit(Copy { size }, &[leaf(index, size)]));
            for _ in 0..2 {
                outputs.push(emit.emit(Fill { size, word: 0 }, &[]));
            }
        }
        for _ in 0..2 {
            outputs.push(emit.emit(Fill { size: 1, word: 0 }, &[]));
        }
        outputs
    }
}
