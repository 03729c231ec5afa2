//! What is launched for an instruction: kernels, extents, arguments. The same for a GPU and for the tests on the CPU.

use super::product;
use crate::kernels::overwrites;
use sabha_numerics::op::{BLOCK, Definition, EmbedGrad, Kind, Layout, Op, Reduce, Transpose};

/// An argument of a kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Argument {
    /// The address of the output.
    Output,
    /// The address of an input.
    Input(usize),
    /// No address.
    Null,
    /// A word of 64 bits.
    U64(u64),
    /// A word of 32 bits.
    U32(u32),
    /// A number.
    F32(f32),
    /// The address of the place where the first number that is not finite is noted.
    Found,
    /// The place of the output's first element.
    First,
}

/// A launch of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    /// The kernel's name.
    pub kernel: &'static str,
    /// Blocks.
    pub blocks: u32,
    /// Threads of a block, in two directions.
    pub threads: (u32, u32),
    /// Its arguments, in order.
    pub arguments: Vec<Argument>,
}

/// How an instruction reads an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// As it lies.
    Plain,
    /// Transposed: the input is what this reads.
    Transposed(Transpose),
    /// It is where the output will be.
    Output,
}

/// An instruction for which nothing can be launched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// A defect of the plan.
    #[error("no kernel reads the operands of {0} as they were planned")]
    Operands(&'static str),
    /// The host computes it, or it is given.
    #[error("{0} is not executed on a device")]
    Host(&'static str),
    /// More blocks than a launch can have.
    #[error("an output of {0} has too many elements for one launch")]
    TooLarge(&'static str),
}

/// Threads of most blocks.
const THREADS: u64 = 256;
/// Warps of a reduction's block (`WARPS` in reduce.cuh), each of 32 threads.
const WARPS: u64 = 8;
/// Lanes of a reduction, and the width of squares of a transpose.
const LANES: u64 = 32;

/// The launches that execute an operation, in order.
///
/// # Errors
/// If there are none: see [`LaunchError`].
pub fn launches(op: &Op, operands: &[Operand]) -> Result<Vec<Launch>, LaunchError> {
    let mut build = Builder::new(op, operands)?;
    match op {
        Op::Matmul(matmul) => product::add(&mut build, matmul)?,
        Op::Reduce(reduce) => build.reduce(reduce)?,
        Op::EmbedGrad(grad) => build.embed_grad(grad)?,
        Op::Transpose(transpose) => build.transpose(transpose)?,
        other => build.plain(other)?,
    }
    Ok(build.done())
}

/// Numbers that the host computes: they come from `f64`, or from a stream of words.
pub fn on_host(op: &Op) -> Option<Vec<f32>> {
    match op {
        Op::Init(init) => Some(init.values(0).collect()),
        Op::RopeTable(table) => Some((0..table.len()).map(|index| table.value(index)).collect()),
        _ => None,
    }
}

/// Looks at `size` numbers that the host computed.
///
/// # Errors
/// If they are too many.
pub fn check(size: u64) -> Result<Launch, LaunchError> {
    let mut build = Builder { name: "first_not_finite", operands: &[], launches: Vec::new() };
    build.each("first_not_finite", size, [], true)?;
    build.launches.pop().ok_or(LaunchError::Operands("first_not_finite"))
}

/// Collects the launches of one instruction.
pub(super) struct Builder<'a> {
    name: &'static str,
    operands: &'a [Operand],
    launches: Vec<Launch>,
}

use Argument::{F32, First, Found, Input, Null, Output, U32, U64};

impl<'a> Builder<'a> {
    /// For an operation. Only where the planner may put an output over an input do the kernels allow it.
    pub(super) fn new(op: &Op, operands: &'a [Operand]) -> Result<Self, LaunchError> {
        let name = op.name();
        let mut each = operands.iter().enumerate();
        let over = each.all(|(input, operand)| *operand != Operand::Output || overwrites(op) == Some(input));
        if operands.len() != op.inputs().len() || !over {
            return Err(LaunchError::Operands(name));
        }
        Ok(Self { name, operands, launches: Vec::new() })
    }

    pub(super) fn done(self) -> Vec<Launch> {
        self.launches
    }

    pub(super) fn refuse(&self) -> LaunchError {
        LaunchError::Operands(self.name)
    }

    pub(super) fn operand(&self, input: usize) -> Result<Operand, LaunchError> {
        self.operands.get(input).copied().ok_or_else(|| self.refuse())
    }

    /// The address of an input that must not be read transposed.
    pub(super) fn address(&self, input: usize) -> Result<Argument, LaunchError> {
        match self.operand(input)? {
            Operand::Plain => Ok(Input(input)),
            Operand::Output => Ok(Output),
            Operand::Transposed(_) => Err(self.refuse()),
        }
    }

    /// A number of blocks or of their rows.
    pub(super) fn count(&self, count: u64) -> Result<u32, LaunchError> {
        i32::try_from(count).map(i32::unsigned_abs).map_err(|_| LaunchError::TooLarge(self.name))
    }

    /// Adds a launch; nothing, if it has no blocks. Kernels whose outputs are numbers note what is not finite.
    pub(super) fn push(
        &mut self,
        kernel: &'static str,
        blocks: u64,
        threads: (u32, u32),
        arguments: impl IntoIterator<Item = Argument>,
        floats: bool,
    ) -> Result<(), LaunchError> {
        let blocks = self.count(blocks)?;
        let noted = if floats { &[Found, First][..] } else { &[] };
        let arguments = [Output].into_iter().chain(arguments).chain(noted.iter().copied()).collect();
        if blocks > 0 {
            self.launches.push(Launch { kernel, blocks, threads, arguments });
        }
        Ok(())
    }

    /// A thread for each of `size` elements.
    fn each(
        &mut self,
        kernel: &'static str,
        size: u64,
        arguments: impl IntoIterator<Item = Argument>,
        floats: bool,
    ) -> Result<(), LaunchError> {
        let arguments = arguments.into_iter().chain([U64(size)]);
        self.push(kernel, size.div_ceil(THREADS), (THREADS as u32, 1), arguments, floats)
    }

    /// A thread for each element of `rows` rows, with blocks that have elements of one row only.
    fn rows(
        &mut self,
        kernel: &'static str,
        rows: u64,
        columns: u64,
        arguments: impl IntoIterator<Item = Argument>,
    ) -> Result<(), LaunchError> {
        // Narrow rows have narrow blocks, of whole warps.
        let threads = columns.next_multiple_of(LANES).clamp(LANES, THREADS);
        let tiles = columns.div_ceil(threads);
        let arguments = arguments.into_iter().chain([U64(columns), U32(self.count(tiles)?)]);
        self.push(kernel, rows.saturating_mul(tiles), (threads as u32, 1), arguments, true)
    }

    fn plain(&mut self, op: &Op) -> Result<(), LaunchError> {
        let size = op.len();
        let inputs: Vec<Argument> =
            (0..self.operands.len()).map(|input| self.address(input)).collect::<Result<_, _>>()?;
        let and = |attributes: &[Argument]| inputs.iter().chain(attributes).copied().collect::<Vec<_>>();
        match op {
            Op::Fill(op) => self.each("fill", size, [U32(op.word)], true),
            Op::Number(op) => self.word(op.value),
            Op::Copy(_) => self.each("copy", size, inputs, true),
            Op::Add(_) => self.each("sum_of_two", size, inputs, true),
            Op::Divide(op) => self.each("divide", size, and(&[F32(op.by)]), true),
            Op::InverseRms(op) => {
                self.each("inverse_rms", size, and(&[F32(op.columns), F32(op.epsilon)]), true)
            }
            Op::NormCoefficient(op) => self.each("norm_coefficient", size, and(&[F32(op.columns)]), true),
            Op::SwiGlu(_) => self.each("swiglu", size, inputs, true),
            Op::SwiGluGradGate(_) => self.each("swiglu_grad_gate", size, inputs, true),
            Op::SwiGluGradUp(_) => self.each("swiglu_grad_up", size, inputs, true),
            Op::TokenLoss(_) => self.each("token_loss", size, inputs, true),
            Op::TargetLogit(op) => self.each("target_logit", size, and(&[U64(op.vocabulary)]), true),
            Op::ClipFactor(op) => self.each("clip_factor", size, and(&[F32(op.limit)]), true),
            Op::Moment1(op) => self.each("moment1", size, and(&[F32(op.beta)]), true),
            Op::Moment2(op) => self.each("moment2", size, and(&[F32(op.beta)]), true),
            Op::Weights(op) => {
                let attributes = [op.rate, op.keep, op.correction1, op.correction2, op.epsilon].map(F32);
                self.each("weights", size, and(&attributes), true)
            }
            Op::NesterovMomentum(op) => self.each("nesterov_momentum", size, and(&[F32(op.momentum)]), true),
            Op::Nesterov(op) => self.each("nesterov", size, and(&[F32(op.momentum), F32(op.rate)]), true),
            Op::Insert(op) => self.each("insert", size, and(&[U64(op.at)]), true),
            Op::Decode(_) => self.each("decode", size, inputs, true),
            Op::FromGrid(op) => self.each("from_grid", size, and(&[F32(op.workers)]), true),
            Op::Norm(op) => self.rows("rms_norm", op.rows, op.columns, inputs),
            Op::NormGrad(op) => self.rows("rms_norm_grad", op.rows, op.columns, inputs),
            Op::NormGainTerm(op) => self.rows("rms_norm_gain_term", op.rows, op.columns, inputs),
            Op::Softmax(op) => self.rows("softmax", op.rows, op.columns, and(&[F32(op.scale)])),
            Op::SoftmaxGrad(op) => self.rows("softmax_grad", op.rows, op.columns, and(&[F32(op.scale)])),
            Op::CrossEntropyGrad(op) => {
                self.rows("cross_entropy_grad", op.rows, op.vocabulary, and(&[F32(op.weight)]))
            }
            Op::Rope(op) => {
                let attributes = [U64(op.half), U64(op.context), U32(op.inverse.into())];
                self.rows("rope", op.rows, op.heads * op.half * 2, and(&attributes))
            }
            Op::Embed(op) => self.rows("embed", op.rows, op.width, and(&[U64(op.vocabulary)])),
            Op::Exponents(op) => self.push("exponents", size, (BLOCK as u32, 1), and(&[U64(op.size)]), false),
            Op::Codes(op) => self.each("codes", size, and(&[U64(op.size)]), false),
            Op::NormCap(op) => self.push("norm_cap", 1, (THREADS as u32, 1), and(&[U64(op.workers)]), false),
            Op::AddUpdate(op) => {
                let before = if op.first { &[Null][..] } else { &[] };
                let attributes = before.iter().copied().chain([U64(op.worker)]).collect::<Vec<_>>();
                self.each("add_update", op.size, and(&attributes), false)
            }
            _ => Err(LaunchError::Host(self.name)),
        }
    }

    /// One whole number: not looked at as if it were a float.
    fn word(&mut self, value: u32) -> Result<(), LaunchError> {
        let arguments = [U32(value), U64(1), Null, First];
        self.push("fill", 1, (LANES as u32, 1), arguments, false)
    }

    fn reduce(&mut self, op: &Reduce) -> Result<(), LaunchError> {
        let (size, blocks) = (op.len(), op.blocks());
        if let Ok(Operand::Transposed(transpose)) = self.operand(0) {
            if op.kind != Kind::Sum || op.causal || transpose != Transpose::plain(op.columns, op.rows) {
                return Err(self.refuse());
            }
            let tiles = op.rows.div_ceil(LANES);
            let arguments = [Input(0), U64(op.rows), U64(op.columns), U64(blocks), U32(self.count(tiles)?)];
            let threads = (LANES as u32, LANES as u32);
            return self.push("column_sum", tiles.saturating_mul(blocks), threads, arguments, true);
        }
        let (kernel, scale) = match op.kind {
            Kind::Sum => ("reduce_sum", None),
            Kind::Max => ("reduce_max", None),
            Kind::SumSquares => ("reduce_sum_squares", None),
            Kind::Dot => ("reduce_dot", None),
            Kind::GainDot => ("reduce_gain_dot", None),
            Kind::SumExp { scale } => ("reduce_sum_exp", Some(F32(scale))),
        };
        let mut arguments: Vec<Argument> =
            (0..self.operands.len()).map(|input| self.address(input)).collect::<Result<_, _>>()?;
        arguments.extend(scale);
        arguments.extend([U64(op.columns), U64(blocks), U32(op.causal.into()), U64(size)]);
        self.push(kernel, size.div_ceil(WARPS), ((WARPS * LANES) as u32, 1), arguments, true)
    }

    /// First what sums start from, then the sums.
    fn embed_grad(&mut self, op: &EmbedGrad) -> Result<(), LaunchError> {
        let (dx, by_position, by_column) = match self.operand(0)? {
            Operand::Plain => (Input(0), 1, op.rows),
            Operand::Transposed(transpose) if transpose == Transpose::plain(op.rows, op.width) => {
                (Input(0), op.width, 1)
            }
            _ => return Err(self.refuse()),
        };
        let tokens = self.address(1)?;
        match if op.accumulate { Some(self.operand(2)?) } else { None } {
            None => self.each("fill", op.len(), [U32(0)], true)?,
            Some(Operand::Plain) => self.each("copy", op.len(), [Input(2)], true)?,
            Some(Operand::Output) => {}
            Some(Operand::Transposed(_)) => return Err(self.refuse()),
        }
        let from = op.from;
        let strides = [U64(by_position), U64(by_column)];
        let arguments = [dx, tokens, U64(from), U64(op.to), U64(op.vocabulary)].into_iter().chain(strides);
        self.rows("embed_grad", op.to.saturating_sub(from), op.width, arguments)
    }

    fn transpose(&mut self, op: &Transpose) -> Result<(), LaunchError> {
        let x = self.address(0)?;
        let [sample, head, row] = strides(op.input, op.heads, op.rows, op.columns);
        let (down, across) = (op.rows.div_ceil(LANES), op.columns.div_ceil(LANES));
        let arguments = [x].into_iter().chain([op.heads, op.rows, op.columns, sample, head, row].map(U64));
        let arguments = arguments.chain([U32(self.count(down)?), U32(self.count(across)?)]);
        let blocks = (op.samples * op.heads).saturating_mul(down).saturating_mul(across);
        self.push("transpose", blocks, (LANES as u32, 8), arguments, true)
    }
}

/// Strides of matrices `[rows, columns]`: sample, head, row.
pub(super) fn strides(layout: Layout, heads: u64, rows: u64, columns: u64) -> [u64; 3] {
    match layout {
        Layout::Split => [heads * rows * columns, rows * columns, columns],
        Layout::Merged => [rows * heads * columns, columns, heads * columns],
    }
}
