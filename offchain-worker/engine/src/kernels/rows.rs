//! Operations that treat parts of a row differently: softmax, cross-entropy, rotary positions.

use super::{Context, Input, causal_words, share, size};
use crate::dispatch::{Kernel, dispatch};
use sabha_numerics::{
    arithmetic::Arithmetic,
    op::{CrossEntropyGrad, Definition, Rope, RopeTable, Softmax, SoftmaxGrad},
};

/// Whether three inputs and an output have the lengths that an operation needs.
fn fits<const N: usize>(op: &impl Definition, inputs: [usize; N], out: usize) -> bool {
    op.inputs().iter().map(|words| size(*words)).eq(inputs) && size(op.len()) == out
}

/// What of a row there is something for, and what is zero: of that, what has to be written.
#[inline(always)]
fn split(row: &mut [f32], index: usize, partial: bool) -> (&mut [f32], &mut [f32]) {
    let columns = row.len();
    let end = if partial { causal_words(index, columns) } else { columns };
    row[..end].split_at_mut(index % columns + 1)
}

/// `None` if the operands do not fit.
pub(super) fn softmax(context: &Context, op: &Softmax, inputs: &[Input<'_>], out: &mut [f32]) -> Option<()> {
    let [scores, max, sum] = <[Input<'_>; 3]>::try_from(inputs).ok()?.map(Input::floats);
    if !fits(op, [scores.len(), max.len(), sum.len()], out.len()) {
        return None;
    }
    share(&context.flags, out, size(op.columns), |first, out| {
        let partial = context.partial;
        dispatch(context.path, Weights { op, scores, max, sum, first, partial, out: &mut *out });
        for (row, out) in (first..).zip(out.chunks(size(op.columns))) {
            context.flags.search(&out[..=row % out.len()]);
        }
    });
    Some(())
}

struct Weights<'a> {
    op: &'a Softmax,
    scores: &'a [f32],
    max: &'a [f32],
    sum: &'a [f32],
    first: usize,
    partial: bool,
    out: &'a mut [f32],
}

impl Kernel for Weights<'_> {
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Self { op, scores, max, sum, first, partial, out } = self;
        let columns = size(op.columns);
        for (row, out) in (first..).zip(out.chunks_mut(columns)) {
            let (seen, unseen) = split(out, row, partial);
            let scores = &scores[row * columns..][..seen.len()];
            let (max, sum) = (max[row], sum[row]);
            for (out, score) in seen.iter_mut().zip(scores) {
                *out = op.value::<A>([*score, max, sum]);
            }
            unseen.fill(0.0);
        }
    }
}

/// `None` if the operands do not fit.
pub(super) fn softmax_grad(
    context: &Context,
    op: &SoftmaxGrad,
    inputs: &[Input<'_>],
    out: &mut [f32],
) -> Option<()> {
    let [p, dp, dot] = <[Input<'_>; 3]>::try_from(inputs).ok()?.map(Input::floats);
    if !fits(op, [p.len(), dp.len(), dot.len()], out.len()) {
        return None;
    }
    share(&context.flags, out, size(op.columns), |first, out| {
        dispatch(context.path, WeightsGrad { op, p, dp, dot, first, partial: context.partial, out });
    });
    Some(())
}

struct WeightsGrad<'a> {
    op: &'a SoftmaxGrad,
    p: &'a [f32],
    dp: &'a [f32],
    dot: &'a [f32],
    first: usize,
    partial: bool,
    out: &'a mut [f32],
}

impl Kernel for WeightsGrad<'_> {
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Self { op, p, dp, dot, first, partial, out } = self;
        let columns = size(op.columns);
        for (row, out) in (first..).zip(out.chunks_mut(columns)) {
            let (seen, unseen) = split(out, row, partial);
            let span = row * columns..row * columns + seen.len();
            let dot = dot[row];
            for ((out, p), dp) in seen.iter_mut().zip(&p[span.clone()]).zip(&dp[span]) {
                *out = op.value::<A>([*p, *dp, dot]);
            }
            unseen.fill(0.0);
        }
    }
}

/// `None` if the operands do not fit.
pub(super) fn cross_entropy_grad(
    context: &Context,
    op: &CrossEntropyGrad,
    inputs: &[Input<'_>],
    out: &mut [f32],
) -> Option<()> {
    let [logits, max, sum, targets] = <[Input<'_>; 4]>::try_from(inputs).ok()?;
    let (logits, max, sum) = (logits.floats(), max.floats(), sum.floats());
    let targets = targets.integers();
    if !fits(op, [logits.len(), max.len(), sum.len(), targets.len()], out.len()) {
        return None;
    }
    share(&context.flags, out, size(op.vocabulary), |first, out| {
        dispatch(context.path, Logits { op, logits, max, sum, targets, first, out: &mut *out });
        context.flags.search(out);
    });
    Some(())
}

struct Logits<'a> {
    op: &'a CrossEntropyGrad,
    logits: &'a [f32],
    max: &'a [f32],
    sum: &'a [f32],
    targets: &'a [u32],
    first: usize,
    out: &'a mut [f32],
}

impl Kernel for Logits<'_> {
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Self { op, logits, max, sum, targets, first, out } = self;
        let columns = size(op.vocabulary);
        for (row, out) in (first..).zip(out.chunks_mut(columns)) {
            let logits = &logits[row * columns..][..out.len()];
            let (max, sum) = (max[row], sum[row]);
            for (out, logit) in out.iter_mut().zip(logits) {
                *out = op.value::<A>([*logit, max, sum], false);
            }
            let target = targets[row] as usize;
            if let (Some(out), Some(logit)) = (out.get_mut(target), logits.get(target)) {
                *out = op.value::<A>([*logit, max, sum], true);
            }
        }
    }
}

/// `None` if the operands do not fit.
pub(super) fn rope(context: &Context, op: &Rope, inputs: &[Input<'_>], out: &mut [f32]) -> Option<()> {
    let [x, cosines, sines] = <[Input<'_>; 3]>::try_from(inputs).ok()?.map(Input::floats);
    if !fits(op, [x.len(), cosines.len(), sines.len()], out.len()) || op.half == 0 {
        return None;
    }
    share(&context.flags, out, size(op.heads * op.half * 2), |first, out| {
        dispatch(context.path, Rotation { op, x, cosines, sines, first, out });
    });
    Some(())
}

struct Rotation<'a> {
    op: &'a Rope,
    x: &'a [f32],
    cosines: &'a [f32],
    sines: &'a [f32],
    first: usize,
    out: &'a mut [f32],
}

impl Kernel for Rotation<'_> {
    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Self { op, x, cosines, sines, first, out } = self;
        let (half, heads, context) = (size(op.half), size(op.heads), size(op.context));
        for (index, out) in out.chunks_mut(half * 2).enumerate() {
            let (row, begin) = (first + index / heads, (first * heads + index) * half * 2);
            let angles = (row % context) * half;
            let (cosines, sines) = (&cosines[angles..angles + half], &sines[angles..angles + half]);
            let (x1, x2) = x[begin..begin + half * 2].split_at(half);
            let (y1, y2) = out.split_at_mut(half);
            for i in 0..half {
                y1[i] = op.value::<A>([x1[i], x2[i], cosines[i], sines[i]], false);
            }
            for i in 0..half {
                y2[i] = op.value::<A>([x2[i], x1[i], cosines[i], sines[i]], true);
            }
        }
    }
}

/// `None` if the output does not fit.
pub(super) fn rope_table(op: &RopeTable, out: &mut [f32]) -> Option<()> {
    if out.len() != size(op.len()) {
        return None;
    }
    for (index, out) in (0u64..).zip(out) {
        *out = op.value(index);
    }
    Some(())
}
