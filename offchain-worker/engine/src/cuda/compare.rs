//! Every kernel against its operation's definition, by bits: on sizes at the edges of lanes, warps and blocks, with inputs as the
//! planner may give them. The tests do it on the CPU, `sabha-worker doctor` on the operator's GPU.

mod cases;
pub(crate) mod inputs;

pub use cases::FAMILIES;

use super::{
    launch::{Launch, LaunchError, Operand, launches},
    product,
};
use crate::kernels::overwrites;
use inputs::Random;
use sabha_numerics::{
    op::{Definition, Matmul, Missing, Op, Transpose},
    program::{self, Instruction, Source},
    reference::{Inputs, evaluate},
};

/// One execution of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The operation.
    pub op: &'a Op,
    /// The words of its inputs.
    pub inputs: &'a [Vec<u32>],
    /// How it reads them.
    pub operands: &'a [Operand],
    /// What is launched.
    pub launches: &'a [Launch],
    /// The output's words before: those of the input that is overwritten, or words that no operation leaves.
    pub output: &'a [u32],
}

/// What executes cases.
pub trait Run {
    /// The words of the output, and the first that is not a finite number, as the kernels noted it.
    ///
    /// # Errors
    /// If it could not be executed.
    fn run(&mut self, case: &Case<'_>) -> Result<(Vec<u32>, Option<u64>), String>;
}

/// A kernel that must not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// It has other bits than the definition.
    #[error("{case}: element {element} is {found:08x}, and defined as {defined:08x}")]
    Bits {
        /// What was executed.
        case: String,
        /// The element.
        element: usize,
        /// Its word.
        found: u32,
        /// What it should be.
        defined: u32,
    },
    /// It noted another element as the first that is not finite.
    #[error("{case}: noted {found:?} as the first element that is not finite, and it is {defined:?}")]
    Noted {
        /// What was executed.
        case: String,
        /// The element that was noted.
        found: Option<u64>,
        /// The first one.
        defined: Option<u64>,
    },
    /// It could not be executed.
    #[error("{case}: {message}")]
    Failed {
        /// What was executed.
        case: String,
        /// Why.
        message: String,
    },
    /// There is nothing to execute.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// A defect of the cases.
    #[error("a defect: word {} of input {} is missing", .0.index, .0.input)]
    Inputs(Missing),
}

impl From<Missing> for CompareError {
    fn from(missing: Missing) -> Self {
        Self::Inputs(missing)
    }
}

/// Compares every operation.
///
/// # Errors
/// At the first difference.
pub fn all(runner: &mut dyn Run) -> Result<(), CompareError> {
    let mut compare = Compare::new(runner);
    FAMILIES.iter().try_for_each(|(_, family)| family(&mut compare))
}

/// Makes cases up and compares them.
pub struct Compare<'a> {
    runner: &'a mut dyn Run,
    seed: u64,
}

impl<'a> Compare<'a> {
    /// With what executes the cases.
    pub fn new(runner: &'a mut dyn Run) -> Self {
        Self { runner, seed: 0 }
    }

    fn inputs(&mut self, op: &Op) -> Vec<Vec<u32>> {
        self.seed += 1;
        inputs::of(op, &mut Random(self.seed))
    }

    fn op(&mut self, op: impl Into<Op>) -> Result<(), CompareError> {
        self.transposed(op, &[])
    }

    /// An operation that reads inputs transposed.
    fn transposed(
        &mut self,
        op: impl Into<Op>,
        transposes: &[(usize, Transpose)],
    ) -> Result<(), CompareError> {
        let op = op.into();
        let inputs = self.inputs(&op);
        self.with(&op, &inputs, transposes)
    }

    /// An operation on these inputs, and once more with the output over one of them where the planner may do that.
    fn with(
        &mut self,
        op: &Op,
        inputs: &[Vec<u32>],
        transposes: &[(usize, Transpose)],
    ) -> Result<(), CompareError> {
        let mut operands = vec![Operand::Plain; inputs.len()];
        let mut defined: Vec<Vec<u32>> = inputs.to_vec();
        for (index, transpose) in transposes {
            let words = Inputs(vec![&inputs[*index]]);
            operands[*index] = Operand::Transposed(*transpose);
            defined[*index] =
                (0..transpose.len()).map(|at| transpose.element(at, &words)).collect::<Result<_, _>>()?;
        }
        let defined = define(op, &defined)?;
        self.case(op, inputs, &operands, &launches(op, &operands)?, &defined)?;
        if let Some(over) = overwrites(op) {
            operands[over] = Operand::Output;
            self.case(op, inputs, &operands, &launches(op, &operands)?, &defined)?;
        }
        Ok(())
    }

    /// A product in large squares, which are chosen for large products only.
    fn large_product(&mut self, matmul: Matmul, transpose: Option<Transpose>) -> Result<(), CompareError> {
        let op = Op::from(matmul);
        let inputs = self.inputs(&op);
        let mut operands = vec![Operand::Plain; inputs.len()];
        let mut defined = inputs.clone();
        if let Some(transpose) = transpose {
            operands[1] = Operand::Transposed(transpose);
            let words = Inputs(vec![&inputs[1]]);
            defined[1] =
                (0..transpose.len()).map(|at| transpose.element(at, &words)).collect::<Result<_, _>>()?;
        }
        let launches = product::large(&op, &matmul, &operands)?;
        self.case(&op, &inputs, &operands, &launches, &define(&op, &defined)?)
    }

    fn case(
        &mut self,
        op: &Op,
        inputs: &[Vec<u32>],
        operands: &[Operand],
        launches: &[Launch],
        defined: &[u32],
    ) -> Result<(), CompareError> {
        let over = operands.iter().position(|operand| *operand == Operand::Output);
        let output = over.map_or_else(|| vec![u32::MAX; defined.len()], |input| inputs[input].clone());
        let case = Case { op, inputs, operands, launches, output: &output };
        let name = || format!("{op:?} of {operands:?}");
        let (words, noted) =
            self.runner.run(&case).map_err(|message| CompareError::Failed { case: name(), message })?;
        let finite = |word: &u32| !op.is_float() || f32::from_bits(*word).is_finite();
        let nan = |word: u32| op.is_float() && f32::from_bits(word).is_nan();
        for element in 0..defined.len() {
            let (found, defined) = (words.get(element).copied().unwrap_or(u32::MAX), defined[element]);
            // Machines differ in the bits of a NaN, and no program goes on with one.
            if found != defined && !(nan(found) && nan(defined)) {
                return Err(CompareError::Bits { case: name(), element, found, defined });
            }
        }
        let first = defined.iter().position(|word| !finite(word)).map(|element| element as u64);
        if noted != first {
            return Err(CompareError::Noted { case: name(), found: noted, defined: first });
        }
        Ok(())
    }
}

/// The output as it is defined.
fn define(op: &Op, inputs: &[Vec<u32>]) -> Result<Vec<u32>, Missing> {
    let operand = |len: u64| program::Operand { source: Source::Stream, len };
    let instruction =
        Instruction { op: op.clone(), inputs: op.inputs().iter().copied().map(operand).collect() };
    evaluate(&instruction, &Inputs(inputs.iter().map(Vec::as_slice).collect()))
}
