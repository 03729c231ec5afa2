//! Every kernel against its operation's definition, by bits: on adversarial shapes and values, on every path that this CPU has, on
//! any number of threads.

use super::{Words, *};
use crate::cuda::{
    compare::{
        self, Case,
        inputs::{Random, of},
    },
    launch::Operand as Given,
};
use sabha_numerics::{
    op::{self, *},
    program::{Instruction, Operand, Source},
    reference::{Inputs, evaluate},
};

/// Whether an input of an operation is of integers.
fn is_integer(op: &Op, index: usize) -> bool {
    matches!(
        (op, index),
        (Op::Embed(_) | Op::EmbedGrad(_) | Op::TargetLogit(_), 1)
            | (Op::CrossEntropyGrad(_), 3)
            | (Op::Codes(_), 2)
            | (Op::Decode(_), _)
            | (Op::AddUpdate(_), _)
            | (Op::FromGrid(_), _)
    )
}

fn floats(words: &[u32]) -> Vec<f32> {
    words.iter().copied().map(f32::from_bits).collect()
}

fn same(a: u32, b: u32, floats: bool) -> bool {
    a == b || (floats && f32::from_bits(a).is_nan() && f32::from_bits(b).is_nan())
}

/// Executes an operation with a kernel. `transposed`: which inputs it shall read transposed, from what.
fn run(
    context: &mut Context,
    op: &Op,
    inputs: &[Vec<u32>],
    transposed: &[(usize, Transpose)],
    in_place: bool,
) -> Vec<u32> {
    let numbers: Vec<Vec<f32>> = inputs.iter().map(|words| floats(words)).collect();
    let overwritten = if in_place { overwrites(op) } else { None };
    let operands: Vec<Input<'_>> = (0..inputs.len())
        .map(|index| {
            if overwritten == Some(index) {
                Input::Output
            } else if let Some((_, transpose)) = transposed.iter().find(|(input, _)| *input == index) {
                Input::Transposed(&numbers[index], *transpose)
            } else if is_integer(op, index) {
                Input::Plain(Words::Integers(&inputs[index]))
            } else {
                Input::Plain(Words::Floats(&numbers[index]))
            }
        })
        .collect();
    let len = size(op.len());
    if op.is_float() {
        let mut out = overwritten.map_or_else(|| vec![f32::NAN; len], |index| numbers[index].clone());
        execute(context, op, &operands, WordsMut::Floats(&mut out)).unwrap();
        let raised = context.flags.raised();
        let finite = out.iter().all(|value| value.is_finite());
        assert!(
            finite || raised || has_infinite(&numbers),
            "{op:?} made no finite number and raised no flag"
        );
        out.into_iter().map(f32::to_bits).collect()
    } else {
        let mut out = vec![u32::MAX; len];
        execute(context, op, &operands, WordsMut::Integers(&mut out)).unwrap();
        out
    }
}

fn has_infinite(inputs: &[Vec<f32>]) -> bool {
    inputs.iter().flatten().any(|value| !value.is_finite())
}

fn contexts() -> Vec<(String, Context, rayon::ThreadPool)> {
    let mut all = Vec::new();
    for path in Path::available() {
        for threads in [1, 2, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            all.push((format!("{path} on {threads} threads"), Context::on(path).unwrap(), pool));
        }
    }
    all
}

fn check(op: impl Into<Op>, seed: u64) {
    let op = op.into();
    let mut random = Random(seed);
    let inputs = of(&op, &mut random);
    let operand = |len: &u64| Operand { source: Source::Stream, len: *len };
    let instruction = Instruction { op: op.clone(), inputs: op.inputs().iter().map(operand).collect() };
    let expected = evaluate(&instruction, &Inputs(inputs.iter().map(Vec::as_slice).collect())).unwrap();
    for (what, mut context, pool) in contexts() {
        for in_place in [false, true] {
            if in_place && overwrites(&op).is_none() {
                continue;
            }
            let found = pool.install(|| run(&mut context, &op, &inputs, &[], in_place));
            expect(&op, &what, &expected, &found);
        }
    }
}

fn expect(op: &Op, what: &str, expected: &[u32], found: &[u32]) {
    assert_eq!(expected.len(), found.len(), "{op:?} {what}");
    for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
        assert!(
            same(*expected, *found, op.is_float()),
            "{op:?}, {what}, element {index}: {found:08x}, defined as {expected:08x}"
        );
    }
}

/// The kernels, as what a GPU's are compared with sees them.
struct Cpu<'a>(&'a mut Context);

impl compare::Run for Cpu<'_> {
    fn run(&mut self, case: &Case<'_>) -> Result<(Vec<u32>, Option<u64>), String> {
        let transposed: Vec<(usize, Transpose)> = (case.operands.iter().enumerate())
            .filter_map(|(index, operand)| match operand {
                Given::Transposed(transpose) => Some((index, *transpose)),
                _ => None,
            })
            .collect();
        let found = run(self.0, case.op, case.inputs, &transposed, case.operands.contains(&Given::Output));
        let finite = |word: &u32| !case.op.is_float() || f32::from_bits(*word).is_finite();
        let noted = found.iter().position(|word| !finite(word));
        Ok((found, noted.map(|element| element as u64)))
    }
}

/// The same cases that a GPU has to pass, with every bit pattern that is special to exponentials, logarithms, maxima and codes.
#[test]
fn what_gpus_are_compared_with() {
    for (what, mut context, pool) in contexts() {
        pool.install(|| compare::all(&mut Cpu(&mut context)))
            .unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}

/// The sizes that find mistakes at the edges of lanes, vectors and tasks.
const SIZES: [u64; 9] = [1, 2, 31, 32, 33, 61, 127, 257, 1_031];

#[test]
fn pointwise_operations() {
    for (seed, size) in (0..).zip(SIZES.into_iter().chain([40_009])) {
        check(Add { size }, seed);
        check(Divide { size, by: 3.0 }, seed);
        check(SwiGlu { size }, seed);
        check(SwiGluGradGate { size }, seed);
        check(SwiGluGradUp { size }, seed);
        check(TokenLoss { rows: size }, seed);
        check(Moment1 { size, beta: 0.9 }, seed);
        check(Moment2 { size, beta: 0.95 }, seed);
        let (correction1, correction2) = (10.0, 20.0);
        check(Weights { size, rate: 1e-3, keep: 0.999, correction1, correction2, epsilon: 1e-8 }, seed);
        check(NesterovMomentum { size, momentum: 0.9 }, seed);
        check(Nesterov { size, momentum: 0.9, rate: 0.7 }, seed);
        check(InverseRms { rows: size, columns: 64.0, epsilon: 1e-5 }, seed);
        check(NormCoefficient { rows: size, columns: 64.0 }, seed);
        check(op::Copy { size }, seed);
        check(Fill { size, word: 0x3f80_0000 }, seed);
        check(Init { size, seed, parameter: 3, deviation: 0.02 }, seed);
    }
    check(ClipFactor { limit: 0.5 }, 1);
    check(ClipFactor { limit: 50.0 }, 1);
}

#[test]
fn operations_on_rows() {
    for (seed, columns) in (0..).zip(SIZES) {
        for rows in [1, 3, 67] {
            check(Norm { rows, columns }, seed);
            check(NormGrad { rows, columns }, seed);
            check(NormGainTerm { rows, columns }, seed);
            check(CrossEntropyGrad { rows, vocabulary: columns, weight: 1.0 / rows as f32 }, seed);
            check(TargetLogit { rows, vocabulary: columns }, seed);
            check(Transpose::plain(rows, columns), seed);
        }
        let rows = columns * 2;
        if columns <= 257 {
            check(Softmax { rows, columns, scale: 0.125 }, seed);
            check(SoftmaxGrad { rows, columns, scale: 0.125 }, seed);
        }
    }
    for (half, heads, context) in [(1, 1, 1), (1, 3, 5), (16, 2, 33), (17, 3, 7), (32, 4, 64)] {
        for inverse in [false, true] {
            check(Rope { rows: context * 3, heads, half, context, inverse }, half);
        }
        for sines in [false, true] {
            check(RopeTable { context, half, base: 10_000.0, sines }, half);
        }
    }
}

#[test]
fn reductions() {
    let kinds =
        [Kind::Sum, Kind::Max, Kind::SumSquares, Kind::Dot, Kind::GainDot, Kind::SumExp { scale: 0.3 }];
    for kind in kinds {
        for (seed, columns) in (0..).zip(SIZES.into_iter().chain([2_048, 2_049, 5_003])) {
            for rows in [1, 5, 40] {
                check(Reduce { kind, rows, columns, causal: false }, seed);
            }
        }
        for columns in [1, 2, 33, 64, 131] {
            check(Reduce { kind, rows: columns * 3, columns, causal: true }, columns);
        }
    }
    check(Reduce { kind: Kind::SumSquares, rows: 1, columns: 300_007, causal: false }, 9);
}

#[test]
fn causal_reductions_of_rows_that_are_longer_than_a_block() {
    for kind in [Kind::Max, Kind::Dot, Kind::SumExp { scale: 0.3 }] {
        let op = Op::from(Reduce { kind, rows: 2_060, columns: 2_060, causal: true });
        let mut random = Random(3);
        let inputs = of(&op, &mut random);
        let found = run(&mut Context::new(), &op, &inputs, &[], false);
        let words = Inputs(inputs.iter().map(Vec::as_slice).collect());
        // A row within the first block, rows around its end, the last one; both blocks of each.
        for element in [0, 1, 200, 201, 4_094, 4_095, 4_096, 4_097, 4_098, 4_118, 4_119] {
            assert_eq!(found[element as usize], op.element(element, &words).unwrap(), "{op:?} {element}");
        }
    }
}

/// An operand that is read transposed gives the bits of the operand that was transposed.
fn check_transposed(op: impl Into<Op>, transposes: &[(usize, Transpose)], seed: u64) {
    let op = op.into();
    let mut random = Random(seed);
    let plain = of(&op, &mut random);
    let mut direct = plain.clone();
    for (index, transpose) in transposes {
        let words = Inputs(vec![&plain[*index]]);
        direct[*index] = (0..transpose.len()).map(|at| transpose.element(at, &words).unwrap()).collect();
    }
    let operand = |len: &u64| Operand { source: Source::Stream, len: *len };
    let instruction = Instruction { op: op.clone(), inputs: op.inputs().iter().map(operand).collect() };
    let expected = evaluate(&instruction, &Inputs(direct.iter().map(Vec::as_slice).collect())).unwrap();
    for (what, mut context, pool) in contexts() {
        let found = pool.install(|| run(&mut context, &op, &plain, transposes, false));
        expect(&op, &what, &expected, &found);
    }
}

#[test]
fn sums_of_columns() {
    for (seed, columns) in (0..).zip([1, 31, 32, 33, 100, 2_048, 2_049, 4_100]) {
        for rows in [1, 15, 16, 17, 40] {
            let op = Reduce { kind: Kind::Sum, rows, columns, causal: false };
            check_transposed(op, &[(0, Transpose::plain(columns, rows))], seed);
        }
    }
}

#[test]
fn embeddings() {
    for (seed, (vocabulary, width, rows)) in
        (0..).zip([(1, 1, 1), (3, 5, 40), (256, 33, 70), (7, 64, 129), (300, 2, 2_500)])
    {
        check(Embed { vocabulary, width, rows }, seed);
        for accumulate in [false, true] {
            for (from, to) in [(0, rows), (0, rows / 2), (rows / 2, rows)] {
                let op = EmbedGrad { vocabulary, width, rows, from, to, accumulate };
                check(op, seed);
                check_transposed(op, &[(0, Transpose::plain(rows, width))], seed);
            }
        }
    }
}

#[test]
fn products() {
    let mut seed = 0;
    for (m, n, k) in
        [(1, 1, 1), (5, 7, 3), (31, 33, 32), (17, 61, 127), (64, 65, 66), (3, 2, 2_048), (130, 48, 257)]
    {
        for accumulate in [false, true] {
            seed += 1;
            let plain = Matmul { accumulate, ..Matmul::plain(m, n, k) };
            check(plain, seed);
            check(Matmul { from: k / 3, to: k - k / 4, ..plain }, seed);
            let transposes = [(0, Transpose::plain(k, m)), (1, Transpose::plain(k, n))];
            check_transposed(plain, &transposes, seed);
            check_transposed(Matmul { from: k / 2, ..plain }, &transposes[1..], seed);
        }
    }
}

#[test]
fn products_of_heads() {
    let (merged, split) = (Layout::Merged, Layout::Split);
    let mut seed = 0;
    for (samples, heads, context, width) in [(1, 1, 1, 2), (2, 3, 33, 4), (1, 2, 64, 16), (2, 2, 130, 10)] {
        seed += 1;
        let of = |m, n, k, reach, c| Matmul { samples, heads, reach, c, ..Matmul::plain(m, n, k) };
        let scores = Matmul { a: merged, b: merged, ..of(context, context, width, Reach::Columns, split) };
        check(scores, seed);
        // Elements that no term is added to keep what they start from.
        check(Matmul { accumulate: true, ..scores }, seed);
        let values = Transpose { samples, heads, rows: context, columns: width, input: merged };
        let square = Transpose { samples, heads, rows: context, columns: context, input: split };
        for reach in [Reach::UpTo, Reach::From, Reach::Full] {
            for accumulate in [false, true] {
                let op = Matmul { accumulate, ..of(context, width, context, reach, merged) };
                check(op, seed);
                check_transposed(op, &[(1, values)], seed);
                check_transposed(op, &[(0, square), (1, values)], seed);
                // In parts, as a long context is: bounds are multiples of a block.
                let cut = 64.min(context);
                check(Matmul { to: cut, ..op }, seed);
                check(Matmul { from: cut, ..op }, seed);
                check_transposed(Matmul { from: cut, ..op }, &[(0, square), (1, values)], seed);
            }
        }
    }
}

/// Finite inputs from which no arithmetic, only a choice, makes an infinity or NaN: one element of many.
#[test]
fn what_functions_choose_beyond_their_range_is_found() {
    let (rows, columns) = (40, 33);
    let at = |len: u64, index: u64, value: f32| -> Vec<u32> {
        (0..len).map(|i| if i == index { value.to_bits() } else { 0.5f32.to_bits() }).collect()
    };
    let (all, of_rows) = (rows * columns, |value: f32| at(rows, 5, value));
    let ops: [(Op, Vec<Vec<u32>>); 9] = [
        (TokenLoss { rows }.into(), vec![of_rows(0.0), of_rows(0.5), of_rows(0.5)]),
        (TokenLoss { rows }.into(), vec![of_rows(-1.0), of_rows(0.5), of_rows(0.5)]),
        (
            Softmax { rows: columns, columns, scale: 1.0 }.into(),
            vec![at(columns * columns, 32 * columns, 90.0), at(columns, 0, 0.5), at(columns, 0, 0.5)],
        ),
        (
            Reduce { kind: Kind::SumExp { scale: 1.0 }, rows, columns, causal: false }.into(),
            vec![at(all, 70, 90.0), of_rows(0.5)],
        ),
        (
            CrossEntropyGrad { rows, vocabulary: columns, weight: 1.0 }.into(),
            vec![at(all, 70, 90.0), of_rows(0.5), of_rows(0.5), vec![0; rows as usize]],
        ),
        (op::Copy { size: all }.into(), vec![at(all, 70, f32::INFINITY)]),
        (Fill { size: all, word: f32::NAN.to_bits() }.into(), vec![]),
        (Insert { size: rows, at: 3 }.into(), vec![of_rows(0.5), at(1, 0, f32::INFINITY)]),
        (Insert { size: rows, at: 3 }.into(), vec![of_rows(f32::NAN), at(1, 0, 0.5)]),
    ];
    for (op, inputs) in &ops {
        let words = Inputs(inputs.iter().map(Vec::as_slice).collect());
        let defined = (0..op.len()).map(|index| f32::from_bits(op.element(index, &words).unwrap()));
        assert!(defined.into_iter().any(|value| !value.is_finite()), "{op:?} is finite");
        let numbers: Vec<Vec<f32>> = inputs.iter().map(|words| floats(words)).collect();
        let operand = |index: usize| {
            if is_integer(op, index) {
                Input::Plain(Words::Integers(&inputs[index]))
            } else {
                Input::Plain(Words::Floats(&numbers[index]))
            }
        };
        let operands: Vec<Input<'_>> = (0..inputs.len()).map(operand).collect();
        for path in Path::available() {
            let mut context = Context::on(path).unwrap();
            let mut out = vec![0.0; size(op.len())];
            execute(&mut context, op, &operands, WordsMut::Floats(&mut out)).unwrap();
            assert!(context.flags.raised(), "{op:?} on {path}");
        }
    }
}

/// Every kernel on a thread that a foreign library left with subnormals flushed to zero. Inputs are so small that most results
/// are subnormal.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn kernels_keep_subnormals_whatever_the_thread_does() {
    let size = 300;
    let (rows, columns) = (4, 75);
    let reduce = |kind| Op::from(Reduce { kind, rows, columns, causal: false });
    let ops = [
        Add { size }.into(),
        Divide { size, by: 3.0 }.into(),
        Moment1 { size, beta: 0.9 }.into(),
        Matmul::plain(rows, rows, columns).into(),
        Matmul { accumulate: true, ..Matmul::plain(rows, rows, columns) }.into(),
        reduce(Kind::Sum),
        reduce(Kind::SumSquares),
        SoftmaxGrad { rows: 10, columns: 10, scale: 0.125 }.into(),
        Rope { rows: 10, heads: 1, half: 3, context: 5, inverse: false }.into(),
        EmbedGrad { vocabulary: 3, width: 5, rows: 9, from: 0, to: 9, accumulate: false }.into(),
        Exponents { size }.into(),
        Codes { size }.into(),
        NormCap { workers: 3 }.into(),
    ];
    for op in &ops {
        let mut inputs = of(op, &mut Random(7));
        for (index, words) in inputs.iter_mut().enumerate().filter(|(index, _)| !is_integer(op, *index)) {
            let small = |at: usize| f32::from_bits((1 << 21) * (1 + (at as u32 * 7 + index as u32) % 5));
            words.iter_mut().enumerate().for_each(|(at, word)| *word = small(at).to_bits());
        }
        let operand = |len: &u64| Operand { source: Source::Stream, len: *len };
        let instruction = Instruction { op: op.clone(), inputs: op.inputs().iter().map(operand).collect() };
        let words = Inputs(inputs.iter().map(Vec::as_slice).collect());
        let expected = evaluate(&instruction, &words).unwrap();
        for path in Path::available() {
            let mut context = Context::on(path).unwrap();
            let found = crate::flags::tests::flushing(|| run(&mut context, op, &inputs, &[], false));
            expect(op, &format!("{path}, subnormals flushed by the thread"), &expected, &found);
        }
    }
}

#[test]
fn updates_and_their_aggregation() {
    for (seed, size) in (0..).zip([1, 3, 4, 255, 256, 257, 1_031]) {
        check(Exponents { size }, seed);
        check(Codes { size }, seed);
        check(Decode { size }, seed);
        for first in [false, true] {
            check(AddUpdate { size, workers: 3, worker: 1, first }, seed);
        }
        check(FromGrid { size, workers: 3.0 }, seed);
        check(Insert { size, at: size / 2 }, seed);
    }
    for workers in [1, 2, 5, 256] {
        check(NormCap { workers }, workers);
    }
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    let mut context = Context::new();
    let (two, three) = ([1.0f32; 2], [1.0f32; 3]);
    let mut refuse = |op: Op, inputs: &[Input<'_>], len: usize| {
        let mut out = vec![0.0; len];
        let error = execute(&mut context, &op, inputs, WordsMut::Floats(&mut out)).unwrap_err();
        assert!(error.to_string().contains(op.name()) || matches!(error, KernelError::Product(_)), "{error}");
    };
    fn plain(values: &[f32]) -> Input<'_> {
        Input::Plain(Words::Floats(values))
    }
    refuse(Add { size: 2 }.into(), &[plain(&two), plain(&three)], 2);
    refuse(Add { size: 2 }.into(), &[plain(&two)], 2);
    refuse(Add { size: 2 }.into(), &[plain(&two), plain(&two)], 3);
    refuse(Matmul::plain(2, 1, 1).into(), &[plain(&three), plain(&two)], 2);
    refuse(Softmax { rows: 2, columns: 2, scale: 1.0 }.into(), &[plain(&two), plain(&two), plain(&two)], 4);
    refuse(Reduce { kind: Kind::Sum, rows: 1, columns: 2, causal: false }.into(), &[plain(&three)], 1);
    refuse(NormCap { workers: 2 }.into(), &[plain(&two)], 2);
}
