//! Checkpoints, updates and their aggregation: done once a round, so plainly.

use super::{Input, Words, size};
use sabha_numerics::op::{self, Definition, Op};

/// Gives the operation's definition its operands.
struct Operands<'a>(&'a [Input<'a>]);

impl op::Words for Operands<'_> {
    fn word(&self, input: usize, index: u64) -> Result<u32, op::Missing> {
        let missing = op::Missing { input, index };
        let word = match self.0.get(input).ok_or(missing)? {
            Input::Plain(Words::Floats(values)) => values.get(size(index)).map(|value| value.to_bits()),
            Input::Plain(Words::Integers(values)) => values.get(size(index)).copied(),
            Input::Transposed(..) | Input::Output => None,
        };
        word.ok_or(missing)
    }
}

/// `None` if the operands do not fit.
pub(super) fn floats(op: &Op, inputs: &[Input<'_>], out: &mut [f32]) -> Option<()> {
    if out.len() != size(op.len()) {
        return None;
    }
    match op {
        Op::Init(init) => out.iter_mut().zip(init.values(0)).for_each(|(out, value)| *out = value),
        Op::Fill(fill) => out.fill(f32::from_bits(fill.word)),
        Op::Copy(_) => out.copy_from_slice(inputs.first()?.floats().get(..out.len())?),
        other => {
            for (index, out) in (0u64..).zip(out) {
                *out = f32::from_bits(other.element(index, &Operands(inputs)).ok()?);
            }
        }
    }
    Some(())
}

/// `None` if the operands do not fit.
pub(super) fn integers(op: &Op, inputs: &[Input<'_>], out: &mut [u32]) -> Option<()> {
    if out.len() != size(op.len()) {
        return None;
    }
    for (index, out) in (0u64..).zip(out) {
        *out = op.element(index, &Operands(inputs)).ok()?;
    }
    Some(())
}
