//! The matrix product: from the operation's terms to those of [`gemm`](crate::gemm).

use super::{Context, Input, KernelError, Words, size};
use crate::gemm::{Mask, OutStrides, Product, Range, Start, Strides};
use sabha_numerics::op::{CAUSAL_BLOCK, Definition, Layout, Matmul, Reach, Transpose};

/// Strides of matrices `[rows, columns]`: sample, head, row.
fn strides(layout: Layout, heads: usize, rows: usize, columns: usize) -> [usize; 3] {
    match layout {
        Layout::Split => [heads * rows * columns, rows * columns, columns],
        Layout::Merged => [rows * heads * columns, columns, heads * columns],
    }
}

/// An operand of `rows` rows and `columns` terms. `None` if it does not fit.
fn operand<'a>(op: &Matmul, input: Input<'a>, layout: Layout, rows: u64) -> Option<(&'a [f32], Strides)> {
    let (heads, rows, columns) = (size(op.heads), size(rows), size(op.k));
    let (values, strides) = match input {
        Input::Plain(Words::Floats(values)) => {
            let [sample, head, row] = strides(layout, heads, rows, columns);
            (values, Strides { sample, head, row, col: 1 })
        }
        Input::Transposed(values, transpose) => {
            let expected = Transpose {
                samples: op.samples,
                heads: op.heads,
                rows: op.k,
                columns: rows as u64,
                input: transpose.input,
            };
            if layout != Layout::Split || transpose != expected {
                return None;
            }
            let [sample, head, term] = strides(transpose.input, heads, columns, rows);
            (values, Strides { sample, head, row: 1, col: term })
        }
        Input::Plain(Words::Integers(_)) | Input::Output => return None,
    };
    (values.len() == size(op.samples).checked_mul(heads)?.checked_mul(rows)?.checked_mul(columns)?)
        .then_some((values, strides))
}

/// `None` if the operands do not fit.
pub(super) fn matmul(
    context: &mut Context,
    op: &Matmul,
    inputs: &[Input<'_>],
    out: &mut [f32],
) -> Result<Option<()>, KernelError> {
    let [a, b, rest @ ..] = inputs else { return Ok(None) };
    let start = match (op.accumulate, rest) {
        (false, []) => Start::Zero,
        (true, [Input::Output]) => Start::Accumulate,
        (true, [Input::Plain(Words::Floats(start))]) if start.len() == out.len() => Start::From(start),
        _ => return Ok(None),
    };
    let (Some((a, a_strides)), Some((b, b_strides))) =
        (operand(op, *a, op.a, op.m), operand(op, *b, op.b, op.n))
    else {
        return Ok(None);
    };
    if out.len() != size(op.len()) {
        return Ok(None);
    }
    // What no term is added to keeps what it starts from.
    let start = match start {
        Start::From(start) if op.reach == Reach::Columns => {
            out.copy_from_slice(start);
            Start::Accumulate
        }
        other => other,
    };
    let [sample, head, row] = strides(op.c, size(op.heads), size(op.m), size(op.n));
    let c = OutStrides { sample, head, row };
    let block = size(CAUSAL_BLOCK);
    let whole = Product {
        samples: size(op.samples),
        heads: size(op.heads),
        m: size(op.m),
        n: size(op.n),
        k: size(op.k),
        a: a_strides,
        b: b_strides,
        c,
        range: Range::Full,
        mask: match op.reach {
            Reach::Columns if context.partial || op.accumulate => Mask::Open { block },
            Reach::Columns => Mask::Block { block },
            _ => Mask::None,
        },
    };
    let (from, to, m) = (size(op.from), size(op.to), size(op.m));
    for part in parts(op.reach, from, to, m, block) {
        let product = Product { m: part.rows.len(), k: part.terms.len(), range: part.range, ..whole };
        let first = part.rows.start;
        let a = a.get(first * a_strides.row + part.terms.start * a_strides.col..).unwrap_or_default();
        let b = b.get(part.terms.start * b_strides.col..).unwrap_or_default();
        let start = match start {
            Start::From(start) => Start::From(start.get(first * c.row..).unwrap_or_default()),
            other => other,
        };
        let out = out.get_mut(first * c.row..).unwrap_or_default();
        product.run_on(context.path, &context.flags, &mut context.workspace, a, b, out, start)?;
    }
    Ok(Some(()))
}

/// Some rows of a product, and their terms.
struct Part {
    rows: core::ops::Range<usize>,
    terms: core::ops::Range<usize>,
    range: Range,
}

/// A product of the terms `from .. to`, with causal reach in blocks that are counted from row and term 0, in parts whose reach is
/// counted from their own first row and term. `from` and `to` are multiples of a block, or the ends.
fn parts(reach: Reach, from: usize, to: usize, m: usize, block: usize) -> impl Iterator<Item = Part> {
    let before = from.min(m);
    let within = to.min(m).max(before);
    let part = |rows: core::ops::Range<usize>, full: bool, range: Range| {
        // Rows that have no term here still take over what they start from.
        let terms = if full { from..to } else { from..from };
        (!rows.is_empty()).then_some(Part { rows, terms, range })
    };
    let all = match reach {
        Reach::Full | Reach::Columns => [part(0..m, true, Range::Full), None, None],
        Reach::UpTo => [
            part(0..before, false, Range::Full),
            part(before..within, true, Range::UpTo { block }),
            part(within..m, true, Range::Full),
        ],
        Reach::From => [
            part(0..before, true, Range::Full),
            part(before..within, true, Range::From { block }),
            part(within..m, false, Range::Full),
        ],
    };
    all.into_iter().flatten()
}
