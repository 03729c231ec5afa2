//! Launches of the matrix product.

use super::launch::{Argument, Builder, Launch, LaunchError, Operand, strides};
use Argument::{Null, U32, U64};
use sabha_numerics::op::{CAUSAL_BLOCK, Layout, Matmul, Op, Reach, Transpose};

/// Rows and columns of the squares of a product's two kernels. The smaller one's are blocks of causal attention.
const SMALL: u64 = CAUSAL_BLOCK;
const LARGE: u64 = 128;
/// Threads of a block.
const THREADS: u32 = 256;
/// Large squares that keep a large GPU busy; with fewer, small ones share the work out better.
const ENOUGH: u64 = 128;

/// Whether a product is better computed in large squares.
fn is_large(op: &Matmul) -> bool {
    let squares = (op.m / LARGE).saturating_mul(op.n / LARGE).saturating_mul(op.samples * op.heads);
    op.reach == Reach::Full && squares >= ENOUGH
}

/// Sample, head, row and term strides of an operand with `rows` rows.
fn operand(
    build: &Builder<'_>,
    op: &Matmul,
    input: usize,
    layout: Layout,
    rows: u64,
) -> Result<[u64; 4], LaunchError> {
    match build.operand(input)? {
        Operand::Plain => {
            let [sample, head, row] = strides(layout, op.heads, rows, op.k);
            Ok([sample, head, row, 1])
        }
        Operand::Transposed(transpose) => {
            let (samples, heads, input) = (op.samples, op.heads, transpose.input);
            let expected = Transpose { samples, heads, rows: op.k, columns: rows, input };
            if layout != Layout::Split || transpose != expected {
                return Err(build.refuse());
            }
            let [sample, head, term] = strides(input, heads, op.k, rows);
            Ok([sample, head, 1, term])
        }
        Operand::Output => Err(build.refuse()),
    }
}

/// Launches a product in the squares that suit it.
pub(super) fn add(build: &mut Builder<'_>, op: &Matmul) -> Result<(), LaunchError> {
    launch(build, op, is_large(op))
}

/// Only a full reach may have large squares.
fn launch(build: &mut Builder<'_>, op: &Matmul, large: bool) -> Result<(), LaunchError> {
    let a = operand(build, op, 0, op.a, op.m)?;
    let b = operand(build, op, 1, op.b, op.n)?;
    let c = strides(op.c, op.heads, op.m, op.n);
    let start = if op.accumulate { build.address(2)? } else { Null };
    let reach = match op.reach {
        Reach::Full => 0,
        Reach::Columns => 1,
        Reach::UpTo => 2,
        Reach::From => 3,
    };
    let (kernel, square) = if large { ("product_128", LARGE) } else { ("product_64", SMALL) };
    let (down, across) = (op.m.div_ceil(square), op.n.div_ceil(square));
    let arguments = [Argument::Input(0), Argument::Input(1), start]
        .into_iter()
        .chain([op.heads, op.m, op.n, op.from, op.to].map(U64))
        .chain([U32(reach)])
        .chain(a.into_iter().chain(b).chain(c).map(U64))
        .chain([U32(build.count(down)?), U32(build.count(across)?)]);
    let blocks = (op.samples * op.heads).saturating_mul(down).saturating_mul(across);
    build.push(kernel, blocks, (THREADS, 1), arguments.collect::<Vec<_>>(), true)
}

/// A product in large squares, whatever its size.
pub(super) fn large(op: &Op, matmul: &Matmul, operands: &[Operand]) -> Result<Vec<Launch>, LaunchError> {
    let mut build = Builder::new(op, operands)?;
    launch(&mut build, matmul, true)?;
    Ok(build.done())
}
