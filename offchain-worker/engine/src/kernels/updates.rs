//! Checkpoints, updates and their aggregation: done once a round, so plainly.

use super::{Context, Input, Words, share, size};
use crate::flags::Flags;
use sabha_numerics::op::{self, Definition, Op};
use std::sync::atomic::{AtomicBool, Ordering};

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

/// Computes each element by its definition, whichever thread does. `None` if the operands do not fit.
fn elements<T: Send>(
    flags: &Flags,
    op: &Op,
    inputs: &[Input<'_>],
    out: &mut [T],
    of: impl Fn(u32) -> T + Sync + Send,
) -> Option<()> {
    let missing = AtomicBool::new(false);
    share(flags, out, 1, |first, part| {
        for (index, out) in (first as u64..).zip(part) {
            match op.element(index, &Operands(inputs)) {
                Ok(word) => *out = of(word),
                Err(_) => missing.store(true, Ordering::Relaxed),
            }
        }
    });
    (!missing.into_inner()).then_some(())
}

/// `None` if the operands do not fit.
pub(super) fn floats(context: &Context, op: &Op, inputs: &[Input<'_>], out: &mut [f32]) -> Option<()> {
    if out.len() != size(op.len()) {
        return None;
    }
    match op {
        Op::Init(init) => out.iter_mut().zip(init.values(0)).for_each(|(out, value)| *out = value),
        Op::Fill(fill) => out.fill(f32::from_bits(fill.word)),
        Op::Copy(_) => out.copy_from_slice(inputs.first()?.floats().get(..out.len())?),
        other => elements(&context.flags, other, inputs, out, f32::from_bits)?,
    }
    Some(())
}

/// `None` if the operands do not fit.
pub(super) fn integers(context: &Context, op: &Op, inputs: &[Input<'_>], out: &mut [u32]) -> Option<()> {
    if out.len() != size(op.len()) {
        return None;
    }
    elements(&context.flags, op, inputs, out, |word| word)
}
