//! One program, by the definitions.

use sabha_numerics::{
    program::{Instruction, Program, Source},
    reference::{Inputs, evaluate},
};
use sabha_protocol::dispute::Part;

use crate::{Lie, Words};

/// A part that was executed.
#[derive(Clone, Debug)]
pub struct Done {
    /// What it started from.
    pub leaves: Vec<Words>,
    /// What each instruction came to, up to the one that is the first to leave the finite numbers.
    pub outputs: Vec<Words>,
    /// What it ended with; nothing if it left the finite numbers.
    pub ends: Vec<Words>,
    /// The instruction and the element that are the first not to be finite.
    pub diverged: Option<(u32, u64)>,
}

/// How a program is executed.
#[derive(Clone, Copy, Default)]
pub struct How<'a> {
    /// A lie that everything after follows from.
    pub lie: Option<&'a Lie>,
    /// What is made of the program's instructions before.
    pub warp: Option<fn(&mut Vec<Instruction>)>,
    /// Whether it goes on where numbers are not finite.
    pub careless: bool,
}

/// Executes a program.
pub fn execute(program: &dyn Program, leaves: &[Words], stream: &[u32], part: Part, how: How<'_>) -> Done {
    let (mut instructions, ends) = program.instructions();
    if let Some(warp) = how.warp {
        warp(&mut instructions);
    }
    let mut outputs: Vec<Words> = Vec::new();
    let mut diverged = None;
    let is_step = matches!(part, Part::Step(_));
    for (at, instruction) in (0u32..).zip(&instructions) {
        let inputs = instruction.inputs.iter().map(|operand| match operand.source {
            Source::Leaf(index) => leaves[index as usize].as_slice(),
            Source::Output(index) => outputs[index as usize].as_slice(),
            Source::Stream => stream,
        });
        let mut output = evaluate(instruction, &Inputs(inputs.collect())).expect("it has its inputs");
        if let Some(lie) = how.lie.filter(|lie| lie.part == part && lie.instruction == at) {
            output[lie.element as usize] ^= lie.flip;
        }
        let wrong = output.iter().position(|word| !f32::from_bits(*word).is_finite());
        outputs.push(output);
        if let (true, false, true, Some(element)) = (is_step, how.careless, instruction.op.is_float(), wrong)
        {
            diverged = Some((at, element as u64));
            break;
        }
    }
    let end = |source| match source {
        Source::Leaf(index) => leaves[index as usize].clone(),
        Source::Output(index) => outputs[index as usize].clone(),
        Source::Stream => Vec::new(),
    };
    let ends = match diverged {
        Some(_) => Vec::new(),
        None => ends.into_iter().map(|operand| end(operand.source)).collect(),
    };
    Done { leaves: leaves.to_vec(), outputs, ends, diverged }
}
