//! Operations beside candle's, on the shapes of a 3.3M-parameter model (8 samples of 256 tokens, width 256, 4 heads).
//!
//! `cargo bench --bench ops` times each with criterion. `cargo bench --bench ops -- --result` runs both in turn, again and again,
//! and prints the ratio of the medians, and one line `RESULT`; words after it pick operations by name.
//!
//! candle has no operation for some of these: then it is what `sabha-worker`'s plain candle engine composes.

// Means of ratios.
#![allow(clippy::disallowed_methods)]

mod side_by_side;

use candle_core::{D, Device, Result, Tensor};
use core::hint::black_box;
use criterion::Criterion;
use sabha_engine::kernels::{Context, Input, Words, WordsMut, execute};
use sabha_numerics::op::{
    Add, CrossEntropyGrad, Definition, Embed, EmbedGrad, InverseRms, Kind, Layout, Moment1, Moment2, Norm,
    Op, Reduce, Rope, Softmax, SwiGlu, Transpose, Weights,
};
use side_by_side::{is_picked, median, result_words, seconds};
use std::time::Instant;

const SAMPLES: usize = 8;
const CONTEXT: usize = 256;
const HEADS: usize = 4;
const HALF: usize = 32;
const WIDTH: usize = HEADS * HALF * 2;
const FEED_FORWARD: usize = 688;
const VOCABULARY: usize = 256;
const TOKENS: usize = SAMPLES * CONTEXT;

/// An operation in both ways.
struct Case {
    name: &'static str,
    ours: Box<dyn FnMut(&mut Context)>,
    theirs: Box<dyn FnMut() -> Result<()>>,
}

/// Numbers from -1 to 1.
fn numbers(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

fn tokens(seed: u32) -> Vec<u32> {
    numbers(TOKENS, seed).into_iter().map(|x| ((x + 1.0) * 0.499 * VOCABULARY as f32) as u32).collect()
}

fn tensor(values: &[f32], shape: &[usize]) -> Tensor {
    Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
}

fn floats(values: &[f32]) -> Input<'_> {
    Input::Plain(Words::Floats(values))
}

fn integers(values: &[u32]) -> Input<'_> {
    Input::Plain(Words::Integers(values))
}

fn output(op: &Op) -> Vec<f32> {
    vec![0.0; op.len() as usize]
}

fn run(context: &mut Context, op: &Op, inputs: &[Input<'_>], out: &mut [f32]) {
    execute(context, op, inputs, WordsMut::Floats(black_box(out))).unwrap();
}

fn add() -> Case {
    let op = Op::from(Add { size: (TOKENS * WIDTH) as u64 });
    let (a, b, mut out) = (numbers(TOKENS * WIDTH, 1), numbers(TOKENS * WIDTH, 2), output(&op));
    let (x, y) = (tensor(&a, &[TOKENS, WIDTH]), tensor(&b, &[TOKENS, WIDTH]));
    Case {
        name: "add",
        ours: Box::new(move |context| run(context, &op, &[floats(&a), floats(&b)], &mut out)),
        theirs: Box::new(move || (&x + &y).map(drop)),
    }
}

fn swiglu() -> Case {
    let size = TOKENS * FEED_FORWARD;
    let op = Op::from(SwiGlu { size: size as u64 });
    let (gate, up, mut out) = (numbers(size, 1), numbers(size, 2), output(&op));
    let (x, y) = (tensor(&gate, &[TOKENS, FEED_FORWARD]), tensor(&up, &[TOKENS, FEED_FORWARD]));
    Case {
        name: "swiglu",
        ours: Box::new(move |context| run(context, &op, &[floats(&gate), floats(&up)], &mut out)),
        theirs: Box::new(move || x.silu()?.mul(&y).map(drop)),
    }
}

fn norm() -> Case {
    let (rows, columns) = (TOKENS as u64, WIDTH as u64);
    let squares = Op::from(Reduce { kind: Kind::SumSquares, rows, columns, causal: false });
    let inverse = Op::from(InverseRms { rows, columns: WIDTH as f32, epsilon: 1e-5 });
    let norm = Op::from(Norm { rows, columns });
    let (values, gain) = (numbers(TOKENS * WIDTH, 1), numbers(WIDTH, 2));
    let (mut sums, mut inverses, mut out) = (output(&squares), output(&inverse), output(&norm));
    let (x, y) = (tensor(&values, &[TOKENS, WIDTH]), tensor(&gain, &[WIDTH]));
    Case {
        name: "norm",
        ours: Box::new(move |context| {
            run(context, &squares, &[floats(&values)], &mut sums);
            run(context, &inverse, &[floats(&sums)], &mut inverses);
            run(context, &norm, &[floats(&values), floats(&inverses), floats(&gain)], &mut out);
        }),
        theirs: Box::new(move || {
            let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
            let inverse = mean.affine(1.0, 1e-5)?.sqrt()?.recip()?;
            x.broadcast_mul(&inverse)?.broadcast_mul(&y).map(drop)
        }),
    }
}

fn softmax() -> Case {
    let shape = [SAMPLES, HEADS, CONTEXT, CONTEXT];
    let (rows, columns, scale) = ((SAMPLES * HEADS * CONTEXT) as u64, CONTEXT as u64, 0.125);
    let max = Op::from(Reduce { kind: Kind::Max, rows, columns, causal: true });
    let sum = Op::from(Reduce { kind: Kind::SumExp { scale }, rows, columns, causal: true });
    let softmax = Op::from(Softmax { rows, columns, scale });
    let scores = numbers(shape.iter().product(), 1);
    let (mut maxima, mut sums, mut out) = (output(&max), output(&sum), output(&softmax));
    let seen = |i: usize| if i % CONTEXT <= i / CONTEXT { 0.0 } else { f32::NEG_INFINITY };
    let mask: Vec<f32> = (0..CONTEXT * CONTEXT).map(seen).collect();
    let (x, mask) = (tensor(&scores, &shape), tensor(&mask, &[CONTEXT, CONTEXT]));
    Case {
        name: "softmax",
        ours: Box::new(move |context| {
            run(context, &max, &[floats(&scores)], &mut maxima);
            run(context, &sum, &[floats(&scores), floats(&maxima)], &mut sums);
            run(context, &softmax, &[floats(&scores), floats(&maxima), floats(&sums)], &mut out);
        }),
        theirs: Box::new(move || {
            let scores = x.affine(scale.into(), 0.0)?.broadcast_add(&mask)?;
            let weights = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?)?.exp()?;
            weights.broadcast_div(&weights.sum_keepdim(D::Minus1)?).map(drop)
        }),
    }
}

fn rope() -> Case {
    let op = Op::from(Rope {
        rows: TOKENS as u64,
        heads: HEADS as u64,
        half: HALF as u64,
        context: CONTEXT as u64,
        inverse: false,
    });
    let (values, mut out) = (numbers(TOKENS * WIDTH, 1), output(&op));
    let (cosines, sines) = (numbers(CONTEXT * HALF, 2), numbers(CONTEXT * HALF, 3));
    let x = tensor(&values, &[SAMPLES, HEADS, CONTEXT, 2 * HALF]);
    let (c, s) = (tensor(&cosines, &[CONTEXT, HALF]), tensor(&sines, &[CONTEXT, HALF]));
    Case {
        name: "rope",
        ours: Box::new(move |context| {
            run(context, &op, &[floats(&values), floats(&cosines), floats(&sines)], &mut out);
        }),
        theirs: Box::new(move || {
            let first = x.narrow(D::Minus1, 0, HALF)?.contiguous()?;
            let second = x.narrow(D::Minus1, HALF, HALF)?.contiguous()?;
            let left = first.broadcast_mul(&c)?.sub(&second.broadcast_mul(&s)?)?;
            let right = second.broadcast_mul(&c)?.add(&first.broadcast_mul(&s)?)?;
            Tensor::cat(&[&left, &right], D::Minus1).map(drop)
        }),
    }
}

fn embed() -> Case {
    let op = Op::from(Embed { vocabulary: VOCABULARY as u64, width: WIDTH as u64, rows: TOKENS as u64 });
    let (table, read, mut out) = (numbers(VOCABULARY * WIDTH, 1), tokens(2), output(&op));
    let x = tensor(&table, &[VOCABULARY, WIDTH]);
    let indices = Tensor::from_slice(&read, TOKENS, &Device::Cpu).unwrap();
    Case {
        name: "embed",
        ours: Box::new(move |context| run(context, &op, &[floats(&table), integers(&read)], &mut out)),
        theirs: Box::new(move || x.index_select(&indices, 0).map(drop)),
    }
}

fn embed_grad() -> Case {
    let (rows, width) = (TOKENS as u64, WIDTH as u64);
    let vocabulary = VOCABULARY as u64;
    let op = Op::from(EmbedGrad { vocabulary, width, rows, from: 0, to: rows, accumulate: false });
    let transpose = Transpose { samples: 1, heads: 1, rows, columns: width, input: Layout::Split };
    let (gradient, read, mut out) = (numbers(TOKENS * WIDTH, 1), tokens(2), output(&op));
    let x = tensor(&gradient, &[TOKENS, WIDTH]);
    let zeros = tensor(&vec![0.0; VOCABULARY * WIDTH], &[VOCABULARY, WIDTH]);
    let indices = Tensor::from_slice(&read, TOKENS, &Device::Cpu).unwrap();
    Case {
        name: "embed-grad",
        ours: Box::new(move |context| {
            run(context, &op, &[Input::Transposed(&gradient, transpose), integers(&read)], &mut out);
        }),
        theirs: Box::new(move || zeros.index_add(&indices, &x, 0).map(drop)),
    }
}

fn transpose() -> Case {
    let op = Transpose {
        samples: SAMPLES as u64,
        heads: HEADS as u64,
        rows: CONTEXT as u64,
        columns: 2 * HALF as u64,
        input: Layout::Merged,
    };
    let op = Op::from(op);
    let (values, mut out) = (numbers(TOKENS * WIDTH, 1), output(&op));
    let x = tensor(&values, &[SAMPLES, CONTEXT, HEADS, 2 * HALF]);
    Case {
        name: "transpose",
        ours: Box::new(move |context| run(context, &op, &[floats(&values)], &mut out)),
        theirs: Box::new(move || x.permute((0, 2, 3, 1))?.contiguous().map(drop)),
    }
}

fn cross_entropy_grad() -> Case {
    let (rows, columns) = (TOKENS as u64, VOCABULARY as u64);
    let max = Op::from(Reduce { kind: Kind::Max, rows, columns, causal: false });
    let sum = Op::from(Reduce { kind: Kind::SumExp { scale: 1.0 }, rows, columns, causal: false });
    let weight = 1.0 / TOKENS as f32;
    let op = Op::from(CrossEntropyGrad { rows, vocabulary: columns, weight });
    let (logits, targets) = (numbers(TOKENS * VOCABULARY, 1), tokens(2));
    let (mut maxima, mut sums, mut out) = (output(&max), output(&sum), output(&op));
    let x = tensor(&logits, &[TOKENS, VOCABULARY]);
    let indices = Tensor::from_slice(&targets, (TOKENS, 1), &Device::Cpu).unwrap();
    let hot = tensor(&[-1.0], &[1, 1]).broadcast_as((TOKENS, 1)).unwrap().contiguous().unwrap();
    Case {
        name: "cross-entropy-grad",
        ours: Box::new(move |context| {
            run(context, &max, &[floats(&logits)], &mut maxima);
            run(context, &sum, &[floats(&logits), floats(&maxima)], &mut sums);
            let inputs = [floats(&logits), floats(&maxima), floats(&sums), integers(&targets)];
            run(context, &op, &inputs, &mut out);
        }),
        theirs: Box::new(move || {
            let weights = x.broadcast_sub(&x.max_keepdim(D::Minus1)?)?.exp()?;
            let softmax = weights.broadcast_div(&weights.sum_keepdim(D::Minus1)?)?;
            softmax.scatter_add(&indices, &hot, D::Minus1)?.affine(weight.into(), 0.0).map(drop)
        }),
    }
}

fn adamw() -> Case {
    const SIZE: usize = FEED_FORWARD * WIDTH;
    let size = SIZE as u64;
    let moment1 = Op::from(Moment1 { size, beta: 0.9 });
    let moment2 = Op::from(Moment2 { size, beta: 0.95 });
    let (correction1, correction2, epsilon) = (10.0, 20.0, 1e-8);
    let weights = Op::from(Weights { size, rate: 1e-3, keep: 0.999, correction1, correction2, epsilon });
    let (gradient, clip) = (numbers(SIZE, 1), [1.0f32]);
    let (mut m, mut v, mut p) = (numbers(SIZE, 2), vec![0.5; SIZE], numbers(SIZE, 3));
    let g = tensor(&gradient, &[SIZE]);
    let (mut tm, mut tv, mut tp) = (tensor(&m, &[SIZE]), tensor(&v, &[SIZE]), tensor(&p, &[SIZE]));
    Case {
        name: "adamw",
        ours: Box::new(move |context| {
            run(context, &moment1, &[Input::Output, floats(&gradient), floats(&clip)], &mut m);
            run(context, &moment2, &[Input::Output, floats(&gradient), floats(&clip)], &mut v);
            run(context, &weights, &[Input::Output, floats(&m), floats(&v)], &mut p);
        }),
        theirs: Box::new(move || {
            tm = (tm.affine(0.9, 0.0)? + g.affine(0.1, 0.0)?)?;
            tv = (tv.affine(0.95, 0.0)? + g.sqr()?.affine(0.05, 0.0)?)?;
            let root = tv.sqrt()?.affine(20f64.sqrt(), 1e-8)?;
            tp = (tp.affine(0.999, 0.0)? - tm.div(&root)?.affine(1e-2, 0.0)?)?;
            Ok(())
        }),
    }
}

fn all() -> Vec<Case> {
    [add, swiglu, norm, softmax, rope, embed, embed_grad, transpose, cross_entropy_grad, adamw]
        .iter()
        .map(|case| case())
        .collect()
}

/// Runs both in turn and prints a table.
fn compare(words: &[String]) {
    let mut context = Context::new();
    let mut ratios = Vec::new();
    for mut case in all().into_iter().filter(|case| is_picked(words, case.name)) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let begin = Instant::now();
        while ours.len() < 11 || begin.elapsed().as_secs_f64() < seconds() {
            let at = Instant::now();
            (case.ours)(&mut context);
            ours.push(at.elapsed().as_secs_f64());
            let at = Instant::now();
            (case.theirs)().unwrap();
            theirs.push(at.elapsed().as_secs_f64());
        }
        let (ours, theirs) = (median(&mut ours), median(&mut theirs));
        println!(
            "{:20} {:8.1} us, candle {:8.1} us: x{:.2}",
            case.name,
            ours * 1e6,
            theirs * 1e6,
            theirs / ours
        );
        ratios.push(theirs / ours);
    }
    let geomean = (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
    let min = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    println!("RESULT ops={} candle_geomean={geomean:.2} candle_min={min:.2}", ratios.len());
}

fn criterion() {
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let mut context = Context::new();
    for mut case in all() {
        let mut group = criterion.benchmark_group(case.name);
        group.bench_function("sabha", |bencher| bencher.iter(|| (case.ours)(&mut context)));
        group.bench_function("candle", |bencher| bencher.iter(|| (case.theirs)().unwrap()));
        group.finish();
    }
    criterion.final_summary();
}

fn main() {
    match result_words() {
        Some(words) => compare(&words),
        None => criterion(),
    }
}
