//! Executes programs by the definitions, element by element: slow, and right by construction. What engines are compared with.

use crate::{
    op::{Definition, Missing, Words},
    program::{Instruction, Operand, Program, Source},
};
use alloc::vec::Vec;

/// Where arithmetic left the finite numbers: the first such element of the first such instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotFinite {
    /// The instruction.
    pub instruction: u32,
    /// The element of its output.
    pub element: u64,
}

/// Why a program could not be executed to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It left the finite numbers.
    NotFinite(NotFinite),
    /// An instruction reads what is not there: the leaves do not fit the program.
    Missing(Missing),
}

impl From<Missing> for Failure {
    fn from(missing: Missing) -> Self {
        Failure::Missing(missing)
    }
}

/// All buffers of a program that was executed.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Outputs of the instructions, in order.
    pub outputs: Vec<Vec<u32>>,
    /// The leaves of what the program ended with.
    pub leaves: Vec<Vec<u32>>,
}

/// An instruction's inputs, whole.
pub struct Inputs<'a>(pub Vec<&'a [u32]>);

impl Words for Inputs<'_> {
    fn word(&self, input: usize, index: u64) -> Result<u32, Missing> {
        let buffer = self.0.get(input);
        let word = usize::try_from(index).ok().and_then(|index| buffer?.get(index));
        word.copied().ok_or(Missing { input, index })
    }
}

/// The whole output of an instruction.
///
/// # Errors
/// If an input is too short.
pub fn evaluate(instruction: &Instruction, inputs: &Inputs<'_>) -> Result<Vec<u32>, Missing> {
    (0..instruction.len()).map(|index| instruction.op.element(index, inputs)).collect()
}

/// Executes a program from its leaves and the token stream.
///
/// # Errors
/// At the first element that is not finite, or if the leaves do not fit.
pub fn execute(program: &impl Program, leaves: &[Vec<u32>], stream: &[u32]) -> Result<Trace, Failure> {
    let (instructions, ends) = program.instructions();
    let mut outputs: Vec<Vec<u32>> = Vec::with_capacity(instructions.len());
    for (at, instruction) in (0u32..).zip(&instructions) {
        let inputs =
            instruction.inputs.iter().map(|operand| buffer(operand, leaves, &outputs, stream)).collect();
        let output = evaluate(instruction, &Inputs(inputs))?;
        if instruction.op.is_float()
            && let Some(element) = output.iter().position(|word| !f32::from_bits(*word).is_finite())
        {
            return Err(Failure::NotFinite(NotFinite { instruction: at, element: element as u64 }));
        }
        outputs.push(output);
    }
    let leaves = ends.iter().map(|operand| buffer(operand, leaves, &outputs, stream).into()).collect();
    Ok(Trace { outputs, leaves })
}

fn buffer<'a>(
    operand: &Operand,
    leaves: &'a [Vec<u32>],
    outputs: &'a [Vec<u32>],
    stream: &'a [u32],
) -> &'a [u32] {
    let of = |buffers: &'a [Vec<u32>], index: u32| {
        usize::try_from(index).ok().and_then(|index| buffers.get(index)).map(Vec::as_slice)
    };
    match operand.source {
        Source::Leaf(index) => of(leaves, index).unwrap_or_default(),
        Source::Output(index) => of(outputs, index).unwrap_or_default(),
        Source::Stream => stream,
    }
}
