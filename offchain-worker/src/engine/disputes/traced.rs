//! One program, executed with every output kept.

use super::Lie;
use crate::engine::{EngineError, ExactEngine};
use sabha_engine::{
    executor::{Executor, digests, flip},
    plan::Purpose,
};
use sabha_numerics::program::{Program, Source};
use sabha_protocol::Digest;

/// A leaf's words.
pub(super) enum Leaf<'a> {
    Floats(&'a [f32]),
    Integers(&'a [u32]),
}

/// A program that was executed.
pub(super) struct Traced {
    executor: Executor,
    /// Tokens that were given, in the order in which the program reads them: they are the outputs of its first instructions.
    batches: Vec<Vec<u32>>,
    /// Digests of the outputs, in order; of those before the first that is not finite.
    pub outputs: Vec<Digest>,
    /// Where it left the finite numbers.
    pub diverged: Option<(u32, u64)>,
}

impl Traced {
    /// Executes a program. A lie is told of the instruction that it names.
    pub fn of(
        engine: &ExactEngine,
        program: &impl Program,
        leaves: &[Leaf<'_>],
        batches: Vec<Vec<u32>>,
        lie: Option<Lie>,
    ) -> Result<Self, EngineError> {
        let mut executor = engine.executor(program, Purpose::Trace)?;
        for (index, leaf) in leaves.iter().enumerate() {
            match leaf {
                Leaf::Floats(values) => executor.set_leaf(index, values)?,
                Leaf::Integers(words) => executor.set_integer_leaf(index, words)?,
            }
        }
        let mut outputs: Vec<Digest> = batches
            .iter()
            .map(|batch| Digest::of(&batch.iter().flat_map(|token| token.to_le_bytes()).collect::<Vec<u8>>()))
            .collect();
        let given: Vec<&[u32]> = batches.iter().map(Vec::as_slice).collect();
        let mut watch = |index: u32, output: &candle_core::Tensor| {
            if let Some(lie) = lie.filter(|lie| lie.instruction == index) {
                flip(output, lie.element, lie.bits)?;
            }
            let digest = digests(std::slice::from_ref(output))?.first().copied().unwrap_or_default();
            outputs.push(Digest(digest));
            Ok(())
        };
        let end = executor.run_watched(program, &given, &mut watch)?;
        let diverged = end.map(|at| (at.instruction, at.element));
        if let Some((instruction, _)) = diverged {
            // A GPU tells at the end only.
            outputs.truncate(instruction as usize);
        }
        Ok(Self { executor, batches, outputs, diverged })
    }

    /// The words of an output.
    pub fn output(&self, index: u32) -> Result<Option<Vec<u32>>, EngineError> {
        if let Some(batch) = self.batches.get(index as usize) {
            return Ok(Some(batch.clone()));
        }
        Ok(self.executor.output(index)?)
    }

    /// The words of a leaf of the program's end.
    pub fn end(&self, index: usize) -> Result<Vec<u32>, EngineError> {
        Ok(self.executor.end(index)?)
    }

    /// The words of a leaf that the program started from, or of an output.
    pub fn words(&self, source: Source) -> Result<Option<Vec<u32>>, EngineError> {
        match source {
            Source::Leaf(index) => {
                let leaf = self.executor.leaves().get(index as usize);
                Ok(leaf.map(sabha_engine::executor::words).transpose()?)
            }
            Source::Output(index) => self.output(index),
            Source::Stream => Ok(None),
        }
    }
}
