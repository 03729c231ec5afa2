//! Programs: what a run computes, as lists of instructions in single-assignment form.
//!
//! A program is built from the model and the optimiser's configuration by a pure function, so the chain can derive instruction `k`,
//! every buffer's length and every tree's shape by itself, without holding the program: [`Program::instruction`] walks the
//! builder and keeps one instruction.
//!
//! | program | from | to |
//! |---|---|---|
//! | [`InitProgram`] | a seed | a checkpoint |
//! | [`BeginProgram`] | a checkpoint | the state before a slot's first step |
//! | [`StepProgram`] | a state | the next state |
//! | [`FinishProgram`] | the checkpoint and a slot's last state | the update and the mean loss |
//! | [`AggregateProgram`] | the checkpoint and all updates | the next checkpoint |
//! | [`EvaluateProgram`] | the parameters | the mean loss on given windows |
//!
//! An input is a leaf of what the program starts from, the output of an earlier instruction, or the run's token stream.

mod aggregate;
mod backward;
mod begin;
mod forward;
mod model;
mod step;

pub use aggregate::{AggregateProgram, FinishProgram, Outer};
pub use begin::{BeginProgram, InitProgram};
pub use forward::EvaluateProgram;
pub use model::{Model, Parameter, Role};
pub use step::{Optimiser, StepProgram, state_lens};

use crate::{
    digest::{Digest, Tree},
    op::{Definition, Op},
};
use alloc::vec::Vec;

/// Where an instruction's input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A leaf of what the program starts from.
    Leaf(u32),
    /// The output of an earlier instruction.
    Output(u32),
    /// The run's token stream, a token a word.
    Stream,
}

/// A buffer: where it comes from, and its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// Where it comes from.
    pub source: Source,
    /// Words.
    pub len: u64,
}

/// One instruction: `output = op(inputs)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// What is computed.
    pub op: Op,
    /// Of what.
    pub inputs: Vec<Operand>,
}

impl Instruction {
    /// Words of the output.
    pub fn len(&self) -> u64 {
        self.op.len()
    }

    /// Whether the output has no words.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Receives an instruction as it is built: its index, what is computed, and of what.
pub type Take<'a> = dyn FnMut(u32, Op, &[Operand]) + 'a;

/// Receives a program's instructions as they are built.
pub struct Emit<'a> {
    next: u32,
    take: &'a mut Take<'a>,
}

impl Emit<'_> {
    /// Adds an instruction and returns its output.
    pub fn emit(&mut self, op: impl Into<Op>, inputs: &[Operand]) -> Operand {
        let op = op.into();
        debug_assert!(
            op.inputs().iter().eq(inputs.iter().map(|input| &input.len)),
            "inputs of {op:?}: {inputs:?}"
        );
        let output = Operand { source: Source::Output(self.next), len: op.len() };
        (self.take)(self.next, op, inputs);
        self.next = self.next.saturating_add(1);
        output
    }
}

/// A list of instructions, built on demand.
pub trait Program {
    /// Words of each leaf that the program starts from.
    fn leaves(&self) -> Vec<u64>;

    /// Builds the program. Returns the leaves of what it ends with, in order: each the output of an instruction.
    fn build(&self, emit: &mut Emit<'_>) -> Vec<Operand>;

    /// Builds the program and shows every instruction to `take`, without memory for any. Returns what [`build`](Self::build) does.
    fn visit(&self, take: &mut Take<'_>) -> Vec<Operand> {
        self.build(&mut Emit { next: 0, take: &mut |index, op, inputs| take(index, op, inputs) })
    }

    /// All instructions, and the leaves of what the program ends with.
    fn instructions(&self) -> (Vec<Instruction>, Vec<Operand>) {
        let mut all = Vec::new();
        let outputs = self.visit(&mut |_, op, inputs| all.push(Instruction { op, inputs: inputs.into() }));
        (all, outputs)
    }

    /// Instruction `index`, without holding the others.
    fn instruction(&self, index: u32) -> Option<Instruction> {
        let mut found = None;
        self.visit(&mut |at, op, inputs| {
            if at == index {
                found = Some(Instruction { op, inputs: inputs.into() });
            }
        });
        found
    }

    /// The instructions whose outputs the program's end does not hold, in order: a dispute over a step asks for them, and nothing
    /// else does. They are the leaves of [`Tree::TRACE`].
    fn inner(&self) -> Vec<u32> {
        let mut count = 0u32;
        let ends = self.visit(&mut |at, _, _| count = at.saturating_add(1));
        let mut held: Vec<Source> = ends.into_iter().map(|end| end.source).collect();
        held.sort_unstable();
        (0..count).filter(|index| held.binary_search(&Source::Output(*index)).is_err()).collect()
    }

    /// The root over the outputs that the program's end does not hold, from the digests of all instructions' outputs in order;
    /// `None` if there are not as many.
    fn trace_root(&self, digests: &[Digest]) -> Option<Digest> {
        if u32::try_from(digests.len()) != Ok(self.count()) {
            return None;
        }
        let digest = |index: u32| Some((index, *digests.get(usize::try_from(index).ok()?)?));
        Some(Tree::TRACE.root(self.inner().into_iter().filter_map(digest)))
    }

    /// The number of instructions.
    fn count(&self) -> u32 {
        let mut count = 0u32;
        self.visit(&mut |at, _, _| count = at.saturating_add(1));
        count
    }
}

/// Leaf `index` of a start, of `len` words.
fn leaf(index: usize, len: u64) -> Operand {
    Operand { source: Source::Leaf(u32::try_from(index).unwrap_or(u32::MAX)), len }
}

/// The token stream.
fn stream(len: u64) -> Operand {
    Operand { source: Source::Stream, len }
}

#[cfg(test)]
mod tests;
