//! The cases, by families of operations.

use super::{Compare, CompareError};
use sabha_numerics::op::{self, *};

/// A family's name, and what compares its cases.
type Family = (&'static str, fn(&mut Compare<'_>) -> Result<(), CompareError>);

/// All families.
pub const FAMILIES: &[Family] = &[
    ("pointwise operations", pointwise_operations),
    ("exponential logarithm and logistic", exponential_logarithm_and_logistic),
    ("operations on rows", operations_on_rows),
    ("reductions", reductions),
    (
        "causal reductions of rows that are longer than a block",
        causal_reductions_of_rows_that_are_longer_than_a_block,
    ),
    ("sums of columns", sums_of_columns),
    ("embeddings", embeddings),
    ("products", products),
    ("products in large squares", products_in_large_squares),
    ("products of heads", products_of_heads),
    ("updates and their aggregation", updates_and_their_aggregation),
    ("coding at its ends", coding_at_its_ends),
];

/// The sizes that find mistakes at the edges of lanes, warps and blocks.
const SIZES: [u64; 9] = [1, 2, 31, 32, 33, 61, 127, 257, 1_031];

fn pointwise_operations(compare: &mut Compare<'_>) -> Result<(), CompareError> {
    for size in SIZES {
        compare.op(Add { size })?;
        compare.op(Divide { size, by: 3.0 })?;
        compare.op(SwiGlu { size })?;
        compare.op(SwiGluGradGate { size })?;
        compare.op(SwiGluGradUp { size })?;
        compare.op(TokenLoss { rows: size })?;
        compare.op(Moment1 { size, beta: 0.9 })?;
        compare.op(Moment2 { size, beta: 0.95 })?;
        let (correction1, correction2) = (10.0, 20.0);
        compare.op(Weights { size, rate: 1e-3, keep: 0.999, correction1, correction2, epsilon: 1e-8 })?;
        compare.op(NesterovMomentum { size, momentum: 0.9 })?;
        compare.op(Nesterov { size, momentum: 0.9, rate: 0.7 })?;
        compare.op(InverseRms { rows: size, columns: 64.0, epsilon: 1e-5 })?;
        compare.op(NormCoefficient { rows: size, columns: 64.0 })?;
        compare.op(op::Copy { size })?;
        compare.op(Fill { size, word: 0x3f80_0000 })?;
    }
    compare.op(Number { value: 0x7f80_0001 })?;
    compare.op(ClipFactor { limit: 0.5 })?;
    compare.op(ClipFactor { limit: 50.0 })?;
    Ok(())
}

/// Bit patterns from all of the 2^32, through the three functions that are sequences of operations.
fn exponential_logarithm_and_logistic(compare: &mut Compare<'_>) -> Result<(), CompareError> {
    let patterns: Vec<u32> = (0..1u64 << 32).step_by(65_537).map(|word| word as u32).collect();
    let size = patterns.len() as u64;
    let constant = |value: f32| vec![value.to_bits(); patterns.len()];
    compare.with(&SwiGlu { size }.into(), &[patterns.clone(), constant(1.0)], &[])?;
    compare.with(&TokenLoss { rows: size }.into(), &[patterns.clone(), constant(0.0), constant(0.0)], &[])?;
    let op = Op::from(CrossEntropyGrad { rows: size, vocabulary: 1, weight: 1.0 });
    compare.with(&op, &[patterns.clone(), constant(0.0), constant(1.0), vec![1; patterns.len()]], &[])?;
    Ok(())
}

fn operations_on_rows(compare: &mut Compare<'_>) -> Result<(), CompareError> {
    for columns in SIZES {
        for rows in [1, 3, 35] {
            compare.op(Norm { rows, columns })?;
            compare.op(NormGrad { rows, columns })?;
            compare.op(NormGainTerm { rows, columns })?;
            compare.op(CrossEntropyGrad { rows, vocabulary: columns, weight: 1.0 / rows as f32 })?;
            compare.op(TargetLogit { rows, vocabulary: columns })?;
            compare.op(Transpose::plain(rows, columns))?;
        }
        if columns <= 127 {
            let rows = columns * 2;
            compare.op(Softmax { rows, columns, scale: 0.125 })?;
            compare.op(SoftmaxGrad { rows, columns, scale: 0.125 })?;
        }
    }
    for (samples, heads, rows, columns) in [(1, 1, 1, 1), (2, 3, 33, 4), (3, 2, 31, 65)] {
        for input in [Layout::Split, Layout::Merged] {
            compare.op(Transpose { samples, heads, rows, columns, input })?;
        }
    }
    for (half, heads, context) in [(1, 1, 1), (1, 3, 5), (16, 2, 33), (17, 3, 7), (32, 8, 16)] {
        for inverse in [false, true] {
            compare.op(Rope { rows: context * 3, heads, half, context, inverse })?;
        }
    }
    Ok(())
}

fn reductions(compare: &mut Compare<'_>) -> Result<(), CompareError> {
    let kinds =
        [Kind::Sum, Kind::Max, Kind::SumSquares, Kind::Dot, Kind::GainDot, Kind::SumExp { scale: 0.3 }];
    for kind in kinds {
        for columns in SIZES.into_iter().chain([2_047, 2_048, 2_049, 5_003]) {
            for rows in [1, 5, 17] {
                compare.op(Reduce { kind, rows, columns, causal: false })?;
            }
        }
        for columns in [1, 2, 33, 64, 131] {
            compare.op(Reduce { kind, rows: columns * 2, columns, causal: true })?;
        }
    }
    compare.op(Reduce { kind: Kind::SumSquares, rows: 1, columns: 100_003, causal: false })?;
    // Of two zeros the right one is the greater.
    for columns in [2, 33, 70] {
        for negative in 0..8u64 {
            let zeros = (0..columns).map(|at| if (at / 3 + at) & negative == 0 { 0 } else { 1 << 31 });
            let op = Op::from(Reduce { kind: Kind::Max, rows: 1, columns, causal: false });
            compare.with(&op, &[zeros.collect()], &[])?;
        }
    }
    Ok(())
}

fn causal_reductions_of_rows_that_are_longer_than_a_block(
    compare: &mut Compare<'_>,
) -> Result<(), CompareError> {
    for kind in [Kind::Max, Kind::Dot, Kind::SumExp { scale: 0.3 }] {
        compare.op(Reduce { kind, rows: 2_060, columns: 2_060, causal: true })?;
    }
    Ok(())
}

fn sums_of_columns(compare: &mut Compare<'_>) -> Result<(), CompareError> {
    for columns in [1, 31, 32, 33, 100, 2_048, 2_049, 4_100] {
        for rows in [1, 31, 32, 33, 70] {
            let op = Reduce { kind: Kind::Sum, rows, columns, causal: false };
            compare.transposed(op, &[(0, Transpose::plain(columns, rows))])?;
        }
    }
    Ok(())
}

fn embeddings(compare: &mut Compare<'_>) -> Result<(), CompareError> {
    for (vocabulary, width, rows) in
        [(1, 1, 1), (3, 5, 40), (256, 33, 70), (7, 64, 129), (100, 300, 31), (300, 2, 700)]
    {
        compare.op(Embed { vocabulary, width, rows })?;
        for accumulate in [false, true] {
            for (from, to) in [(0, rows), (0, rows / 2), (rows / 2, rows)] {
                let op = EmbedGrad { vocabulary, width, rows, from, to, accumulate };
                compare.op(op)?;
                compare.transposed(op, &[(0, Transpose::plain(rows, width))])?;
            }
        }
    }
    Ok(())
}

fn products(compare: &mut Compare<'_>) -> Result<(), CompareError> {
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
            compare.op(plain)?;
            compare.op(Matmul { from: k / 3, to: k - k / 4, ..plain })?;
            let transposes = [(0, Transpose::plain(k, m)), (1, Transpose::plain(k, n))];
            compare.transposed(plain, &transposes)?;
            compare.transposed(Matmul { from: k / 2, ..plain }, &transposes[1..])?;
        }
    }
    Ok(())
}

fn products_in_large_squares(compare: &mut Compare<'_>) -> Result<(), CompareError> {
    for (m, n, k) in [(1, 1, 1), (127, 129, 17), (33, 257, 64), (128, 128, 100), (131, 7, 333)] {
        for accumulate in [false, true] {
            let op = Matmul { accumulate, from: k / 5, ..Matmul::plain(m, n, k) };
            compare.large_product(op, None)?;
            compare.large_product(op, Some(Transpose::plain(k, n)))?;
        }
    }
    // Large enough to be launched so of itself.
    compare.op(Matmul { samples: 16, heads: 8, ..Matmul::plain(128, 128, 3) })?;
    Ok(())
}

fn products_of_heads(compare: &mut Compare<'_>) -> Result<(), CompareError> {
    let (merged, split) = (Layout::Merged, Layout::Split);
    for (samples, heads, context, width) in [(1, 1, 1, 2), (2, 3, 33, 4), (1, 2, 64, 16), (2, 2, 130, 10)] {
        let of = |m, n, k, reach, c| Matmul { samples, heads, reach, c, ..Matmul::plain(m, n, k) };
        compare.op(Matmul { a: merged, b: merged, ..of(context, context, width, Reach::Columns, split) })?;
        let values = Transpose { samples, heads, rows: context, columns: width, input: merged };
        let square = Transpose { samples, heads, rows: context, columns: context, input: split };
        for reach in [Reach::UpTo, Reach::From, Reach::Full] {
            for accumulate in [false, true] {
                let op = Matmul { accumulate, ..of(context, width, context, reach, merged) };
                compare.op(op)?;
                compare.transposed(op, &[(0, square), (1, values)])?;
                let cut = 64.min(context);
                compare.op(Matmul { to: cut, ..op })?;
                compare.transposed(Matmul { from: cut, ..op }, &[(0, square), (1, values)])?;
            }
        }
    }
    Ok(())
}

fn updates_and_their_aggregation(compare: &mut Compare<'_>) -> Result<(), CompareError> {
    for size in [1, 3, 4, 255, 256, 257, 1_031] {
        compare.op(Exponents { size })?;
        compare.op(Codes { size })?;
        compare.op(Decode { size })?;
        for first in [false, true] {
            compare.op(AddUpdate { size, workers: 3, worker: 1, first })?;
        }
        compare.op(FromGrid { size, workers: 3.0 })?;
        compare.op(Insert { size, at: size / 2 })?;
    }
    for workers in [1, 2, 5, 255, 256] {
        compare.op(NormCap { workers })?;
    }
    // Equal norms, zeros of both signs, what is no number.
    let words =
        [3.0, 3.0, -0.0, 0.0, 1e30, f32::INFINITY, f32::NAN, -f32::NAN, 3.0].map(f32::to_bits).to_vec();
    compare.with(&NormCap { workers: 9 }.into(), &[words], &[])?;
    Ok(())
}

fn coding_at_its_ends(compare: &mut Compare<'_>) -> Result<(), CompareError> {
    let values = [0.0, -0.0, 1e-45, -1e-13, 127.0, 127.5, 8_128.0, 8_129.0, 1e38, f32::INFINITY, f32::NAN];
    let words: Vec<u32> = values.iter().map(|value: &f32| value.to_bits()).collect();
    let zeros = vec![0; words.len()];
    for end in 1..=words.len() {
        let size = end as u64;
        compare.with(&Exponents { size }.into(), &[words[..end].into(), zeros[..end].into()], &[])?;
    }
    for exponent in [i32::MIN, -200, -40, -1, 0, 6, 126, 127, 200, i32::MAX] {
        let size = words.len() as u64;
        compare.with(&Codes { size }.into(), &[words.clone(), zeros.clone(), vec![exponent as u32]], &[])?;
        compare.with(&Decode { size: 4 }.into(), &[vec![0x807f_01ff], vec![exponent as u32]], &[])?;
    }
    Ok(())
}
