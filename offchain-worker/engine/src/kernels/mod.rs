//! Kernels: whole outputs of instructions, on the CPU.
//!
//! Each gives the bits of the operation's definition. A kernel shares its output out over the threads of the current rayon pool
//! in tasks whose bounds do not depend on the number of threads; no sum is ever split between tasks.

mod columns;
mod pointwise;
mod product;
mod reduce;
mod rows;
mod tokens;
mod updates;

#[cfg(test)]
mod tests;

use crate::{
    features::Path,
    flags::{Flags, exactly},
    gemm,
};
use rayon::prelude::*;
use sabha_numerics::op::{CAUSAL_BLOCK, Op, Reach, Transpose};

/// What kernels need besides their operands.
#[derive(Debug)]
pub struct Context {
    pub(crate) path: Path,
    pub(crate) flags: Flags,
    pub(crate) workspace: gemm::Workspace,
    /// Whether nothing reads more of each row of the output than its causal block: the rest need not be written.
    pub(crate) partial: bool,
}

impl Context {
    /// On the fastest path that this CPU has.
    pub fn new() -> Self {
        Self {
            path: Path::best(),
            flags: Flags::default(),
            workspace: gemm::Workspace::new(),
            partial: false,
        }
    }

    /// On a path of the caller's choice; `None` if this CPU does not have it.
    pub fn on(path: Path) -> Option<Self> {
        path.is_available().then(|| Self { path, ..Self::new() })
    }

    /// The path.
    pub fn path(&self) -> Path {
        self.path
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::new()
    }
}

/// The words of a buffer.
#[derive(Clone, Copy, Debug)]
pub enum Words<'a> {
    /// Numbers.
    Floats(&'a [f32]),
    /// Tokens, codes, integers.
    Integers(&'a [u32]),
}

impl<'a> Words<'a> {
    /// The numbers; none if these are not numbers.
    pub fn floats(self) -> &'a [f32] {
        match self {
            Words::Floats(values) => values,
            Words::Integers(_) => &[],
        }
    }

    /// The integers; none if these are numbers.
    pub fn integers(self) -> &'a [u32] {
        match self {
            Words::Integers(values) => values,
            Words::Floats(_) => &[],
        }
    }

    /// How many there are.
    pub fn len(self) -> usize {
        match self {
            Words::Floats(values) => values.len(),
            Words::Integers(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// The words of an output.
#[derive(Debug)]
pub enum WordsMut<'a> {
    /// Numbers.
    Floats(&'a mut [f32]),
    /// Tokens, codes, integers.
    Integers(&'a mut [u32]),
}

/// One input of an instruction.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A buffer.
    Plain(Words<'a>),
    /// A buffer that the instruction reads transposed.
    Transposed(&'a [f32], Transpose),
    /// The buffer that the output overwrites.
    Output,
}

impl<'a> Input<'a> {
    fn floats(self) -> &'a [f32] {
        match self {
            Input::Plain(words) => words.floats(),
            Input::Transposed(values, _) => values,
            Input::Output => &[],
        }
    }

    fn integers(self) -> &'a [u32] {
        match self {
            Input::Plain(words) => words.integers(),
            Input::Transposed(..) | Input::Output => &[],
        }
    }
}

/// An instruction that no kernel can execute as it was planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KernelError {
    /// A defect of the plan: operands do not fit the operation.
    #[error("the operands of {0} do not fit it")]
    Operands(&'static str),
    /// A defect of the plan, found by the matrix product.
    #[error(transparent)]
    Product(#[from] gemm::GemmError),
}

/// Whether input `input` of an operation may be [`Input::Transposed`].
pub fn reads_transposed(op: &Op, input: usize) -> bool {
    match op {
        Op::Matmul(_) => input < 2,
        Op::Reduce(reduce) => columns::can_sum(reduce),
        Op::EmbedGrad(_) => input == 0,
        _ => false,
    }
}

/// The input of an operation that may be [`Input::Output`].
pub fn overwrites(op: &Op) -> Option<usize> {
    match op {
        Op::Matmul(matmul) if matmul.accumulate => Some(2),
        Op::EmbedGrad(grad) if grad.accumulate => Some(2),
        Op::Moment1(_) | Op::Moment2(_) | Op::Weights(_) | Op::Add(_) => Some(0),
        Op::NesterovMomentum(_) | Op::Nesterov(_) => Some(0),
        _ => None,
    }
}

/// How many words of a row of a causal square are read, if no more are than up to the end of its block.
pub(crate) fn causal_words(row: usize, columns: usize) -> usize {
    let (block, columns) = (size(CAUSAL_BLOCK), columns.max(1));
    ((row % columns / block + 1) * block).min(columns)
}

/// Columns of an operation's output, if it is one or several causal squares: what lies right of the diagonal is +0.
pub fn causal_square(op: &Op) -> Option<u64> {
    match op {
        Op::Matmul(matmul) if matmul.reach == Reach::Columns && matmul.m == matmul.n => Some(matmul.n),
        Op::Softmax(softmax) => Some(softmax.columns),
        Op::SoftmaxGrad(grad) => Some(grad.columns),
        _ => None,
    }
}

/// Whether an operation reads no more of such an input, which has so many columns, than each row's causal block.
pub fn reads_causally(op: &Op, input: usize, columns: u64, transposed: bool) -> bool {
    match op {
        Op::Reduce(reduce) => reduce.causal && reduce.columns == columns && !transposed,
        Op::Softmax(softmax) => input == 0 && softmax.columns == columns && !transposed,
        Op::SoftmaxGrad(grad) => input < 2 && grad.columns == columns && !transposed,
        Op::Matmul(matmul) => {
            let causal =
                (matmul.reach == Reach::UpTo && !transposed) || (matmul.reach == Reach::From && transposed);
            input == 0 && causal && matmul.m == columns && matmul.k == columns
        }
        _ => false,
    }
}

/// Executes an operation: writes every word of its output.
///
/// # Errors
/// If the operands do not fit the operation.
pub fn execute(
    context: &mut Context,
    op: &Op,
    inputs: &[Input<'_>],
    output: WordsMut<'_>,
) -> Result<(), KernelError> {
    let done = match output {
        WordsMut::Floats(out) => {
            let done = floats(context, op, inputs, &mut *out)?;
            // A logarithm that may be of nothing positive; words that may be any. What takes exponentials looks for itself.
            if let Op::TokenLoss(_) | Op::Copy(_) | Op::Fill(_) | Op::Insert(_) = op {
                context.flags.search(out);
            }
            done
        }
        // Codes and caps are integers, but made of numbers.
        WordsMut::Integers(out) => exactly(|| updates::integers(context, op, inputs, out)),
    };
    done.ok_or(KernelError::Operands(op.name()))
}

/// Operations whose outputs are numbers. `None` if the operands do not fit.
fn floats(
    context: &mut Context,
    op: &Op,
    inputs: &[Input<'_>],
    out: &mut [f32],
) -> Result<Option<()>, KernelError> {
    if let Op::Matmul(matmul) = op {
        return product::matmul(context, matmul, inputs, out);
    }
    let context = &*context;
    Ok(match op {
        Op::Reduce(op) => match inputs {
            [Input::Transposed(values, _)] => columns::sum(context, op, values, out),
            _ => reduce::reduce(context, op, inputs, out),
        },
        Op::Softmax(op) => rows::softmax(context, op, inputs, out),
        Op::SoftmaxGrad(op) => rows::softmax_grad(context, op, inputs, out),
        Op::CrossEntropyGrad(op) => rows::cross_entropy_grad(context, op, inputs, out),
        Op::Rope(op) => rows::rope(context, op, inputs, out),
        Op::RopeTable(op) => context.flags.watch(|| rows::rope_table(op, out)),
        Op::Transpose(op) => columns::transpose(op, inputs, out),
        Op::Embed(op) => tokens::embed(op, inputs, out),
        Op::EmbedGrad(op) => context.flags.watch(|| tokens::embed_grad(op, inputs, out)),
        Op::TargetLogit(op) => tokens::target_logit(op, inputs, out),
        Op::Init(_) | Op::Fill(_) | Op::Copy(_) | Op::Insert(_) | Op::Decode(_) | Op::FromGrid(_) => {
            context.flags.watch(|| updates::floats(context, op, inputs, out))
        }
        other => pointwise::pointwise(context, other, inputs, out),
    })
}

/// Numbers that one task computes, about.
const TASK: usize = 1 << 15;

/// Shares out the rows of `out` in tasks: each gets the index of its first row and some whole rows.
pub(crate) fn share<T: Send>(
    flags: &Flags,
    out: &mut [T],
    columns: usize,
    task: impl Fn(usize, &mut [T]) + Sync + Send,
) {
    share_rows(flags, out, columns, TASK / columns.max(1), task);
}

/// The same with `rows` rows in each task.
pub(crate) fn share_rows<T: Send>(
    flags: &Flags,
    out: &mut [T],
    columns: usize,
    rows: usize,
    task: impl Fn(usize, &mut [T]) + Sync + Send,
) {
    let (columns, rows) = (columns.max(1), rows.max(1));
    let part = columns.saturating_mul(rows);
    if out.len() <= part {
        return flags.watch(|| task(0, out));
    }
    out.par_chunks_mut(part).enumerate().for_each(|(index, part)| flags.watch(|| task(index * rows, part)));
}

/// A length as an index: buffers that do not fit the address space were never allocated.
pub(crate) fn size(words: u64) -> usize {
    usize::try_from(words).unwrap_or(usize::MAX)
}
