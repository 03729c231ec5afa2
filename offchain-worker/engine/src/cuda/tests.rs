//! Every kernel against its operation's definition, by bits, on the CPU: launched as on a GPU, with threads in three orders.

use super::{
    harness::{Harness, Order},
    launch::{Argument, Builder, Launch, LaunchError, Operand, check, launches, on_host},
    product,
};
use crate::kernels::{
    overwrites,
    tests::{Random, input, same},
};
use sabha_numerics::{
    op::{self, *},
    program::{self, Instruction, Source},
    reference::{Inputs, evaluate},
};

/// The sizes that find mistakes at the edges of lanes, warps and blocks.
const SIZES: [u64; 9] = [1, 2, 31, 32, 33, 61, 127, 257, 1_031];

struct Check {
    harness: Harness,
    seed: u64,
}

impl Check {
    fn new() -> Self {
        Self { harness: Harness::start(), seed: 0 }
    }

    /// Made-up inputs.
    fn inputs(&mut self, op: &Op) -> Vec<Vec<u32>> {
        self.seed += 1;
        let mut random = Random(self.seed);
        op.inputs().iter().enumerate().map(|(index, len)| input(&mut random, op, index, *len)).collect()
    }

    /// An operation as it is planned: with inputs that lie as they are, and with an input that is overwritten where there may be.
    fn op(&mut self, op: impl Into<Op>) {
        let op = op.into();
        let inputs = self.inputs(&op);
        self.with(&op, &inputs, &[]);
    }

    /// An operation that reads inputs transposed.
    fn transposed(&mut self, op: impl Into<Op>, transposes: &[(usize, Transpose)]) {
        let op = op.into();
        let inputs = self.inputs(&op);
        self.with(&op, &inputs, transposes);
    }

    fn with(&mut self, op: &Op, inputs: &[Vec<u32>], transposes: &[(usize, Transpose)]) {
        let mut operands = vec![Operand::Plain; inputs.len()];
        let mut defined: Vec<Vec<u32>> = inputs.to_vec();
        for (index, transpose) in transposes {
            let words = Inputs(vec![&inputs[*index]]);
            operands[*index] = Operand::Transposed(*transpose);
            defined[*index] = (0..transpose.len()).map(|at| transpose.element(at, &words).unwrap()).collect();
        }
        let expected = define(op, &defined);
        self.compare(op, inputs, &operands, &launches(op, &operands).unwrap(), &expected);
        if let Some(over) = overwrites(op) {
            operands[over] = Operand::Output;
            self.compare(op, inputs, &operands, &launches(op, &operands).unwrap(), &expected);
        }
    }

    fn compare(
        &mut self,
        op: &Op,
        inputs: &[Vec<u32>],
        operands: &[Operand],
        launches: &[Launch],
        expected: &[u32],
    ) {
        let over = operands.iter().position(|operand| *operand == Operand::Output);
        // Elements that are not written remain NaN.
        let output = over.map_or_else(|| vec![u32::MAX; expected.len()], |input| inputs[input].clone());
        let mut buffers: Vec<&[u32]> = vec![&output];
        // What is overwritten is nowhere else.
        let each = inputs.iter().zip(operands);
        buffers
            .extend(each.map(|(words, operand)| if *operand == Operand::Output { &[] } else { &words[..] }));
        let first = if op.is_float() {
            expected.iter().position(|word| !f32::from_bits(*word).is_finite()).map(|index| index as u64)
        } else {
            None
        };
        for order in Order::ALL {
            let (found, noted) = self.harness.run(order, &buffers, launches);
            assert_eq!(found.len(), expected.len());
            for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
                assert!(
                    same(*found, *expected, op.is_float()),
                    "{op:?}, {operands:?}, {order:?}, element {index}: {found:08x}, defined as {expected:08x}"
                );
            }
            assert_eq!(noted, first, "{op:?}, {order:?}: the first element that is not finite");
        }
    }
}

fn define(op: &Op, inputs: &[Vec<u32>]) -> Vec<u32> {
    let operand = |len: u64| program::Operand { source: Source::Stream, len };
    let instruction = Instruction { op: op.clone(), inputs: op.inputs().into_iter().map(operand).collect() };
    evaluate(&instruction, &Inputs(inputs.iter().map(Vec::as_slice).collect())).unwrap()
}

#[test]
fn pointwise_operations() {
    let mut check = Check::new();
    for size in SIZES {
        check.op(Add { size });
        check.op(Divide { size, by: 3.0 });
        check.op(SwiGlu { size });
        check.op(SwiGluGradGate { size });
        check.op(SwiGluGradUp { size });
        check.op(TokenLoss { rows: size });
        check.op(Moment1 { size, beta: 0.9 });
        check.op(Moment2 { size, beta: 0.95 });
        let (correction1, correction2) = (10.0, 20.0);
        check.op(Weights { size, rate: 1e-3, keep: 0.999, correction1, correction2, epsilon: 1e-8 });
        check.op(NesterovMomentum { size, momentum: 0.9 });
        check.op(Nesterov { size, momentum: 0.9, rate: 0.7 });
        check.op(InverseRms { rows: size, columns: 64.0, epsilon: 1e-5 });
        check.op(NormCoefficient { rows: size, columns: 64.0 });
        check.op(op::Copy { size });
        check.op(Fill { size, word: 0x3f80_0000 });
    }
    check.op(Number { value: 0x7f80_0001 });
    check.op(ClipFactor { limit: 0.5 });
    check.op(ClipFactor { limit: 50.0 });
}

/// Bit patterns from all of the 2^32, through the three functions that are sequences of operations.
#[test]
fn exponential_logarithm_and_logistic() {
    let mut check = Check::new();
    let patterns: Vec<u32> = (0..1u64 << 32).step_by(65_537).map(|word| word as u32).collect();
    let size = patterns.len() as u64;
    let constant = |value: f32| vec![value.to_bits(); patterns.len()];
    check.with(&SwiGlu { size }.into(), &[patterns.clone(), constant(1.0)], &[]);
    check.with(&TokenLoss { rows: size }.into(), &[patterns.clone(), constant(0.0), constant(0.0)], &[]);
    let op = Op::from(CrossEntropyGrad { rows: size, vocabulary: 1, weight: 1.0 });
    check.with(&op, &[patterns.clone(), constant(0.0), constant(1.0), vec![1; patterns.len()]], &[]);
}

#[test]
fn operations_on_rows() {
    let mut check = Check::new();
    for columns in SIZES {
        for rows in [1, 3, 35] {
            check.op(Norm { rows, columns });
            check.op(NormGrad { rows, columns });
            check.op(NormGainTerm { rows, columns });
            check.op(CrossEntropyGrad { rows, vocabulary: columns, weight: 1.0 / rows as f32 });
            check.op(TargetLogit { rows, vocabulary: columns });
            check.op(Transpose::plain(rows, columns));
        }
        if columns <= 127 {
            let rows = columns * 2;
            check.op(Softmax { rows, columns, scale: 0.125 });
            check.op(SoftmaxGrad { rows, columns, scale: 0.125 });
        }
    }
    for (samples, heads, rows, columns) in [(1, 1, 1, 1), (2, 3, 33, 4), (3, 2, 31, 65)] {
        for input in [Layout::Split, Layout::Merged] {
            check.op(Transpose { samples, heads, rows, columns, input });
        }
    }
    for (half, heads, context) in [(1, 1, 1), (1, 3, 5), (16, 2, 33), (17, 3, 7), (32, 8, 16)] {
        for inverse in [false, true] {
            check.op(Rope { rows: context * 3, heads, half, context, inverse });
        }
    }
}

#[test]
fn reductions() {
    let mut check = Check::new();
    let kinds =
        [Kind::Sum, Kind::Max, Kind::SumSquares, Kind::Dot, Kind::GainDot, Kind::SumExp { scale: 0.3 }];
    for kind in kinds {
        for columns in SIZES.into_iter().chain([2_047, 2_048, 2_049, 5_003]) {
            for rows in [1, 5, 17] {
                check.op(Reduce { kind, rows, columns, causal: false });
            }
        }
        for columns in [1, 2, 33, 64, 131] {
            check.op(Reduce { kind, rows: columns * 2, columns, causal: true });
        }
    }
    check.op(Reduce { kind: Kind::SumSquares, rows: 1, columns: 100_003, causal: false });
}

#[test]
fn causal_reductions_of_rows_that_are_longer_than_a_block() {
    let mut check = Check::new();
    for kind in [Kind::Max, Kind::Dot, Kind::SumExp { scale: 0.3 }] {
        check.op(Reduce { kind, rows: 2_060, columns: 2_060, causal: true });
    }
}

#[test]
fn sums_of_columns() {
    let mut check = Check::new();
    for columns in [1, 31, 32, 33, 100, 2_048, 2_049, 4_100] {
        for rows in [1, 31, 32, 33, 70] {
            let op = Reduce { kind: Kind::Sum, rows, columns, causal: false };
            check.transposed(op, &[(0, Transpose::plain(columns, rows))]);
        }
    }
}

#[test]
fn embeddings() {
    let mut check = Check::new();
    for (vocabulary, width, rows) in
        [(1, 1, 1), (3, 5, 40), (256, 33, 70), (7, 64, 129), (100, 300, 31), (300, 2, 700)]
    {
        check.op(Embed { vocabulary, width, rows });
        for accumulate in [false, true] {
            for (from, to) in [(0, rows), (0, rows / 2), (rows / 2, rows)] {
                let op = EmbedGrad { vocabulary, width, rows, from, to, accumulate };
                check.op(op);
                check.transposed(op, &[(0, Transpose::plain(rows, width))]);
            }
        }
    }
}

#[test]
fn products() {
    let mut check = Check::new();
    let shapes = [
        (1, 1, 1),
        (5, 7, 3),
        (31, 33, 32),
        (17, 61, 127),
        (64, 65, 66),
        (3, 2, 2_048),
        (130, 48, 257),
        (2, 2, 5_003),
    ];
    for (m, n, k) in shapes {
        for accumulate in [false, true] {
            let plain = Matmul { accumulate, ..Matmul::plain(m, n, k) };
            check.op(plain);
            check.op(Matmul { from: k / 3, to: k - k / 4, ..plain });
            let transposes = [(0, Transpose::plain(k, m)), (1, Transpose::plain(k, n))];
            check.transposed(plain, &transposes);
            check.transposed(Matmul { from: k / 2, ..plain }, &transposes[1..]);
        }
    }
}

#[test]
fn products_in_large_squares() {
    let mut check = Check::new();
    for (m, n, k) in [(1, 1, 1), (127, 129, 17), (33, 257, 64), (128, 128, 100), (131, 7, 333)] {
        for accumulate in [false, true] {
            let op = Matmul { accumulate, from: k / 5, ..Matmul::plain(m, n, k) };
            let inputs = check.inputs(&op.into());
            for transposed in [false, true] {
                let mut operands = vec![Operand::Plain; inputs.len()];
                let mut defined = inputs.clone();
                if transposed {
                    let transpose = Transpose::plain(k, n);
                    operands[1] = Operand::Transposed(transpose);
                    let words = Inputs(vec![&inputs[1]]);
                    defined[1] =
                        (0..transpose.len()).map(|at| transpose.element(at, &words).unwrap()).collect();
                }
                let op = Op::from(op);
                let mut build = Builder::new(&op, &operands).unwrap();
                let Op::Matmul(matmul) = &op else { unreachable!() };
                product::launch(&mut build, matmul, true).unwrap();
                check.compare(&op, &inputs, &operands, &build.done(), &define(&op, &defined));
            }
        }
    }
    // Large enough to be launched so of itself.
    let op = Matmul { samples: 16, heads: 8, ..Matmul::plain(128, 128, 3) };
    assert!(product::is_large(&op));
    check.op(op);
}

#[test]
fn products_of_heads() {
    let mut check = Check::new();
    let (merged, split) = (Layout::Merged, Layout::Split);
    for (samples, heads, context, width) in [(1, 1, 1, 2), (2, 3, 33, 4), (1, 2, 64, 16), (2, 2, 130, 10)] {
        let of = |m, n, k, reach, c| Matmul { samples, heads, reach, c, ..Matmul::plain(m, n, k) };
        check.op(Matmul { a: merged, b: merged, ..of(context, context, width, Reach::Columns, split) });
        let values = Transpose { samples, heads, rows: context, columns: width, input: merged };
        let square = Transpose { samples, heads, rows: context, columns: context, input: split };
        for reach in [Reach::UpTo, Reach::From, Reach::Full] {
            for accumulate in [false, true] {
                let op = Matmul { accumulate, ..of(context, width, context, reach, merged) };
                check.op(op);
                check.transposed(op, &[(0, square), (1, values)]);
                let cut = 64.min(context);
                check.op(Matmul { to: cut, ..op });
                check.transposed(Matmul { from: cut, ..op }, &[(0, square), (1, values)]);
            }
        }
    }
}

#[test]
fn updates_and_their_aggregation() {
    let mut check = Check::new();
    for size in [1, 3, 4, 255, 256, 257, 1_031] {
        check.op(Exponents { size });
        check.op(Codes { size });
        check.op(Decode { size });
        for first in [false, true] {
            check.op(AddUpdate { size, workers: 3, worker: 1, first });
        }
        check.op(FromGrid { size, workers: 3.0 });
        check.op(Insert { size, at: size / 2 });
    }
    for workers in [1, 2, 5, 255, 256] {
        check.op(NormCap { workers });
    }
    // Equal norms, zeros of both signs, what is no number.
    let words =
        [3.0, 3.0, -0.0, 0.0, 1e30, f32::INFINITY, f32::NAN, -f32::NAN, 3.0].map(f32::to_bits).to_vec();
    check.with(&NormCap { workers: 9 }.into(), &[words], &[]);
}

#[test]
fn coding_at_its_ends() {
    let mut check = Check::new();
    let values = [0.0, -0.0, 1e-45, -1e-13, 127.0, 127.5, 8_128.0, 8_129.0, 1e38, f32::INFINITY, f32::NAN];
    let words: Vec<u32> = values.iter().map(|value: &f32| value.to_bits()).collect();
    let zeros = vec![0; words.len()];
    for end in 1..=words.len() {
        let size = end as u64;
        check.with(&Exponents { size }.into(), &[words[..end].into(), zeros[..end].into()], &[]);
    }
    for exponent in [i32::MIN, -200, -40, -1, 0, 6, 126, 127, 200, i32::MAX] {
        let size = words.len() as u64;
        check.with(&Codes { size }.into(), &[words.clone(), zeros.clone(), vec![exponent as u32]], &[]);
        check.with(&Decode { size: 4 }.into(), &[vec![0x807f_01ff], vec![exponent as u32]], &[]);
    }
}

#[test]
fn numbers_of_the_host_are_looked_at() {
    let mut harness = Harness::start();
    for (size, bad) in [(1, vec![]), (700, vec![699, 257, 600]), (700, vec![]), (1, vec![0])] {
        let mut words = vec![0x7f7f_ffff; size];
        for (kind, index) in bad.iter().enumerate() {
            words[*index] = [0x7f80_0000, 0xff80_0000, 0x7fc0_0001][kind];
        }
        for order in Order::ALL {
            let (after, noted) = harness.run(order, &[&words], &[check(size as u64).unwrap()]);
            assert_eq!(after, words);
            assert_eq!(noted, bad.iter().min().map(|index| *index as u64));
        }
    }
    let table = Op::from(RopeTable { context: 5, half: 3, base: 10_000.0, sines: true });
    let numbers: Vec<u32> = on_host(&table).unwrap().into_iter().map(f32::to_bits).collect();
    assert_eq!(numbers, define(&table, &[]));
    assert!(matches!(launches(&table, &[]), Err(LaunchError::Host(_))));
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    let plain = Operand::Plain;
    let refused = |op: Op, operands: &[Operand]| {
        assert!(matches!(launches(&op, operands), Err(LaunchError::Operands(_))), "{op:?} {operands:?}");
    };
    refused(Add { size: 2 }.into(), &[plain]);
    refused(Add { size: 2 }.into(), &[plain, Operand::Output]);
    refused(SwiGlu { size: 2 }.into(), &[Operand::Output, plain]);
    refused(
        Norm { rows: 1, columns: 2 }.into(),
        &[Operand::Transposed(Transpose::plain(2, 1)), plain, plain],
    );
    let wrong = Operand::Transposed(Transpose::plain(3, 2));
    refused(Matmul::plain(3, 2, 2).into(), &[wrong, plain]);
    refused(Reduce { kind: Kind::Sum, rows: 3, columns: 2, causal: false }.into(), &[wrong]);
    let huge = Op::from(Transpose::plain(1 << 40, 1 << 20));
    assert!(matches!(launches(&huge, &[plain]), Err(LaunchError::TooLarge(_))));
}

/// The harness finds what it is there to find.
#[test]
fn accesses_beyond_a_buffer_and_arguments_of_the_wrong_type_stop_the_program() {
    let right = launches(&Add { size: 3 }.into(), &[Operand::Plain; 2]).unwrap();
    let words = [0; 3];
    let stops = |inputs: [&[u32]; 2], launch: &[Launch]| {
        Harness::start().try_run(Order::Forward, &[&words, inputs[0], inputs[1]], launch).unwrap_err()
    };
    let message = stops([&words, &words[..2]], &right);
    assert!(message.contains("heap-buffer-overflow"), "{message}");
    let mut wrong = right.clone();
    wrong[0].arguments[3] = Argument::U32(3);
    let message = stops([&words, &words], &wrong);
    assert!(message.contains("not of its parameter's type"), "{message}");
    wrong[0].arguments.pop();
    let message = stops([&words, &words], &wrong);
    assert!(message.contains("too many or too few arguments"), "{message}");
}
