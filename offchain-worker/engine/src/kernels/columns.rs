//! Rows and columns exchanged, and sums of columns without exchanging them.

use super::{Context, Input, Words, reduce::combine, share_rows, size};
use crate::dispatch::{Kernel, dispatch};
use sabha_numerics::{
    arithmetic::Arithmetic,
    op::{Definition, Kind, MAX_READ, Reduce, Transpose},
    scalar::LANES,
};

/// Columns that a task keeps the lanes of at once.
const GROUP: usize = 16;

/// Whether a reduction can read its rows as columns.
pub(super) fn can_sum(op: &Reduce) -> bool {
    op.kind == Kind::Sum && !op.causal
}

/// The sums of the columns of `values`, `[op.columns, op.rows]`: what `op` is of its transpose. `None` if operands do not fit.
pub(super) fn sum(context: &Context, op: &Reduce, values: &[f32], out: &mut [f32]) -> Option<()> {
    let (rows, columns, blocks) = (size(op.rows), size(op.columns), size(op.blocks()));
    if !can_sum(op) || values.len() != rows.checked_mul(columns)? || out.len() != rows.checked_mul(blocks)? {
        return None;
    }
    share_rows(&context.flags, out, blocks, GROUP, |first, out| {
        dispatch(context.path, Columns { values, width: rows, height: columns, blocks, first, out });
    });
    Some(())
}

/// Some columns of a matrix of `width` columns.
struct Columns<'a> {
    values: &'a [f32],
    width: usize,
    height: usize,
    blocks: usize,
    first: usize,
    out: &'a mut [f32],
}

impl Kernel for Columns<'_> {
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Self { values, width, height, blocks, first, out } = self;
        let group = out.len() / blocks.max(1);
        for block in 0..blocks {
            let start = block * MAX_READ as usize;
            let end = height.min(start + MAX_READ as usize);
            let mut lanes = [[0.0f32; GROUP]; LANES];
            for (index, row) in (start..end).enumerate() {
                let lane = &mut lanes[index % LANES];
                let begin = row * width + first;
                if group == GROUP {
                    let values: &[f32; GROUP] = values[begin..].first_chunk().unwrap_or(&[0.0; GROUP]);
                    for column in 0..GROUP {
                        lane[column] += values[column];
                    }
                } else {
                    for (lane, value) in lane.iter_mut().zip(&values[begin..begin + group]) {
                        *lane += value;
                    }
                }
            }
            for (column, out) in out.chunks_mut(blocks).enumerate() {
                let lanes = core::array::from_fn(|lane| lanes[lane][column]);
                out[block] = combine(lanes, |a, b| a + b);
            }
        }
    }
}

/// Word by word: programs that are executed for speed have no transposes of their own. `None` if operands do not fit.
pub(super) fn transpose(op: &Transpose, inputs: &[Input<'_>], out: &mut [f32]) -> Option<()> {
    let [Input::Plain(Words::Floats(values))] = inputs else { return None };
    if values.len() != out.len() || out.len() != size(op.len()) {
        return None;
    }
    for (index, out) in (0u64..).zip(out) {
        *out = *values.get(size(op.place(index)))?;
    }
    Some(())
}
