//! Operations that tokens steer: the embedding and its gradient, the logits of targets.

use super::{Input, Words, size};
use sabha_numerics::op::{Definition, Embed, EmbedGrad, TargetLogit};

fn fits(op: &impl Definition, inputs: &[usize], out: usize) -> bool {
    op.inputs().iter().map(|words| size(*words)).eq(inputs.iter().copied()) && size(op.len()) == out
}

/// `None` if the operands do not fit, or a token is beyond the table.
pub(super) fn embed(op: &Embed, inputs: &[Input<'_>], out: &mut [f32]) -> Option<()> {
    let [table, tokens] = inputs else { return None };
    let (table, tokens) = (table.floats(), tokens.integers());
    if !fits(op, &[table.len(), tokens.len()], out.len()) {
        return None;
    }
    let width = size(op.width);
    for (out, token) in out.chunks_mut(width).zip(tokens) {
        let begin = (*token as usize).checked_mul(width)?;
        out.copy_from_slice(table.get(begin..begin.checked_add(width)?)?);
    }
    Some(())
}

/// Position after position: every element of the table takes its own in that order. `None` if the operands do not fit.
pub(super) fn embed_grad(op: &EmbedGrad, inputs: &[Input<'_>], out: &mut [f32]) -> Option<()> {
    let (dx, tokens) = (inputs.first()?, inputs.get(1)?.integers());
    let (width, rows) = (size(op.width), size(op.rows));
    if dx.floats().len() != width.checked_mul(rows)? || tokens.len() != rows || out.len() != size(op.len()) {
        return None;
    }
    match (op.accumulate, inputs.get(2)) {
        (true, Some(Input::Output)) => {}
        (true, Some(Input::Plain(Words::Floats(start)))) if start.len() == out.len() => {
            out.copy_from_slice(start)
        }
        (false, None) => out.fill(0.0),
        _ => return None,
    }
    for position in size(op.from)..size(op.to) {
        let begin = (*tokens.get(position)? as usize).checked_mul(width)?;
        let out = out.get_mut(begin..begin.checked_add(width)?)?;
        match dx {
            Input::Transposed(values, _) => {
                for (out, value) in out.iter_mut().zip(values.get(position * width..)?) {
                    *out += value;
                }
            }
            other => {
                for (column, out) in out.iter_mut().enumerate() {
                    *out += other.floats().get(column * rows + position)?;
                }
            }
        }
    }
    Some(())
}

/// `None` if the operands do not fit, or a target is beyond the vocabulary.
pub(super) fn target_logit(op: &TargetLogit, inputs: &[Input<'_>], out: &mut [f32]) -> Option<()> {
    let [logits, targets] = inputs else { return None };
    let (logits, targets) = (logits.floats(), targets.integers());
    if !fits(op, &[logits.len(), targets.len()], out.len()) {
        return None;
    }
    for ((out, row), target) in out.iter_mut().zip(logits.chunks(size(op.vocabulary))).zip(targets) {
        *out = *row.get(*target as usize)?;
    }
    Some(())
}
