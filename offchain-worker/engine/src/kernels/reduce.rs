//! Reductions of rows, lane by lane.

use super::{Context, Input, TASK, share_rows, size};
use crate::dispatch::{Kernel, dispatch};
use sabha_numerics::{
    arithmetic::Arithmetic,
    op::{Definition, Kind, MAX_READ, Reduce, shifted_exp},
    scalar::LANES,
};

/// `None` if the operands do not fit.
pub(super) fn reduce(context: &Context, op: &Reduce, inputs: &[Input<'_>], out: &mut [f32]) -> Option<()> {
    let needed = op.inputs();
    if needed.len() != inputs.len() || out.len() != size(op.len()) {
        return None;
    }
    let mut slices: [&[f32]; 3] = [&[]; 3];
    for ((slice, input), len) in slices.iter_mut().zip(inputs).zip(needed.iter()) {
        *slice = input.floats();
        if slice.len() != size(*len) {
            return None;
        }
    }
    // A task reads about as much as a task of another kernel writes.
    let terms = size(op.columns.min(MAX_READ)).max(1);
    share_rows(&context.flags, out, 1, TASK / terms, |first, part| {
        dispatch(context.path, Blocks { op, inputs: slices, first, out: &mut *part });
        if let Kind::SumExp { .. } = op.kind {
            context.flags.search(part);
        }
    });
    Some(())
}

struct Blocks<'a> {
    op: &'a Reduce,
    inputs: [&'a [f32]; 3],
    first: usize,
    out: &'a mut [f32],
}

impl Kernel for Blocks<'_> {
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Self { op, inputs: [x, y, gain], first, out } = self;
        let columns = size(op.columns);
        for (index, out) in (first..).zip(out) {
            let (row, start, terms) = op.span(index as u64);
            let (row, start, terms) = (size(row), size(start), size(terms));
            let begin = row * columns;
            let span = begin + start..begin + start + terms;
            *out = match op.kind {
                Kind::Sum => sum(x.get(span).unwrap_or_default(), |acc, _, x| acc + x),
                Kind::Max if terms == 0 => x[begin],
                Kind::Max => max(&x[span]),
                Kind::SumSquares => sum(&x[span], |acc, _, x| A::fma(x, x, acc)),
                Kind::Dot => {
                    let y = &y[span.clone()];
                    pairs(&x[span], y, |acc, x, y| A::fma(x, y, acc))
                }
                Kind::GainDot => {
                    let (y, gain) = (&y[span.clone()], &gain[start..start + terms]);
                    triples(&x[span], y, gain, |acc, dy, x, gain| A::fma(dy * gain, x, acc))
                }
                Kind::SumExp { .. } if terms == 0 => 0.0,
                Kind::SumExp { scale } => {
                    let max = y[row];
                    sum(&x[span], |acc, _, x| acc + shifted_exp::<A>(x, max, scale))
                }
            };
        }
    }
}

/// Combines the lanes by halving strides.
#[inline(always)]
pub(super) fn combine(mut lanes: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut stride = LANES / 2;
    while stride > 0 {
        for lane in 0..stride {
            lanes[lane] = f(lanes[lane], lanes[lane + stride]);
        }
        stride /= 2;
    }
    lanes[0]
}

#[inline(always)]
fn sum(x: &[f32], f: impl Fn(f32, usize, f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (whole, rest) = x.as_chunks::<LANES>();
    for chunk in whole {
        for lane in 0..LANES {
            lanes[lane] = f(lanes[lane], lane, chunk[lane]);
        }
    }
    for (lane, x) in rest.iter().enumerate() {
        lanes[lane] = f(lanes[lane], lane, *x);
    }
    combine(lanes, |a, b| a + b)
}

#[inline(always)]
fn pairs(x: &[f32], y: &[f32], f: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (x, y) in xs.iter().zip(ys) {
        for lane in 0..LANES {
            lanes[lane] = f(lanes[lane], x[lane], y[lane]);
        }
    }
    for (lane, (x, y)) in x_rest.iter().zip(y_rest).enumerate() {
        lanes[lane] = f(lanes[lane], *x, *y);
    }
    combine(lanes, |a, b| a + b)
}

#[inline(always)]
fn triples(x: &[f32], y: &[f32], z: &[f32], f: impl Fn(f32, f32, f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    let (zs, z_rest) = z.as_chunks::<LANES>();
    for ((x, y), z) in xs.iter().zip(ys).zip(zs) {
        for lane in 0..LANES {
            lanes[lane] = f(lanes[lane], x[lane], y[lane], z[lane]);
        }
    }
    for (lane, ((x, y), z)) in x_rest.iter().zip(y_rest).zip(z_rest).enumerate() {
        lanes[lane] = f(lanes[lane], *x, *y, *z);
    }
    combine(lanes, |a, b| a + b)
}

/// Not of an empty row.
#[inline(always)]
fn max(x: &[f32]) -> f32 {
    let greater = |a: f32, b: f32| if a > b { a } else { b };
    let mut lanes = [x[0]; LANES];
    let (whole, rest) = x.as_chunks::<LANES>();
    for chunk in whole {
        for lane in 0..LANES {
            lanes[lane] = greater(lanes[lane], chunk[lane]);
        }
    }
    for (lane, x) in rest.iter().enumerate() {
        lanes[lane] = greater(lanes[lane], *x);
    }
    combine(lanes, greater)
}
