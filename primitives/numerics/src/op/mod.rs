//! The operations of a program: what one element of an output is.
//!
//! Each operation stands in a file of its own with three things side by side: the definition of one output element (the referee
//! evaluates it on chain), the words of its inputs that this element reads (what a party to a dispute has to open), and how it
//! enters the backward pass. Engines compute whole buffers as they like, as long as every bit is the one that is defined here.
//!
//! A buffer is a sequence of 32-bit words: `f32`, `u32`, or the two halves of an `i64`. Its shape is known from the operation.
//! No element reads more than [`MAX_READ`] words of one input, nor more than [`MAX_RANGES`] runs of words in all.

mod adamw;
mod aggregate;
mod clip;
mod cross_entropy;
mod elementwise;
mod embed;
mod init;
mod lens;
mod matmul;
mod norm;
mod pointwise;
mod reduce;
mod rope;
mod softmax;
mod source;
mod swiglu;
mod transpose;
mod update;

pub use adamw::{Moment1, Moment2, Weights};
pub use aggregate::{AddUpdate, FromGrid, Insert, Nesterov, NesterovMomentum, NormCap};
pub use clip::ClipFactor;
pub use cross_entropy::{CrossEntropyGrad, TargetLogit, TokenLoss};
pub use elementwise::{Add, Copy, Divide};
pub use embed::{Embed, EmbedGrad};
pub use init::Init;
pub use lens::{Lens, MAX_INPUTS};
pub use matmul::{CAUSAL_BLOCK, Layout, Matmul, Reach};
pub use norm::{InverseRms, Norm, NormCoefficient, NormGainTerm, NormGrad};
pub use pointwise::{Place, Pointwise};
pub use reduce::{Kind, Reduce, shifted_exp};
pub use rope::{Rope, RopeTable};
pub use softmax::{Softmax, SoftmaxGrad};
pub use source::{Batch, Fill, Number};
pub use swiglu::{SwiGlu, SwiGluGradGate, SwiGluGradUp};
pub use transpose::Transpose;
pub use update::{BLOCK, Codes, Decode, EXPONENTS, Exponents};

use alloc::vec::Vec;

/// Most words that one element reads of one input.
pub const MAX_READ: u64 = 2_048;

/// Most runs of words that one element reads, over all inputs.
pub const MAX_RANGES: usize = 8;

/// Gives the words of an instruction's inputs.
pub trait Words {
    /// The word at `index` of input `input`.
    ///
    /// # Errors
    /// If it is not known.
    fn word(&self, input: usize, index: u64) -> Result<u32, Missing>;

    /// The same as a number.
    ///
    /// # Errors
    /// If it is not known.
    fn float(&self, input: usize, index: u64) -> Result<f32, Missing> {
        self.word(input, index).map(f32::from_bits)
    }
}

/// A word that an element needs and that nobody gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The input.
    pub input: usize,
    /// The word.
    pub index: u64,
}

/// A run of words that an element reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The input.
    pub input: usize,
    /// The first word.
    pub start: u64,
    /// How many.
    pub len: u64,
}

/// What an operation is.
pub trait Definition {
    /// Words of the output.
    fn len(&self) -> u64;

    /// Whether the output has no words.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Words of each input, in order.
    fn inputs(&self) -> Lens;

    /// The output's word at `index`.
    ///
    /// # Errors
    /// If a word that it reads is missing.
    fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing>;

    /// The words that [`element`](Self::element) reads. `words` is asked only where one word says where another is.
    ///
    /// # Errors
    /// If such a word is missing.
    fn reads<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<Vec<Range>, Missing>;
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Any operation.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Op {
            $($(#[$doc])* $name($name),)*
        }

        $(impl From<$name> for Op {
            fn from(op: $name) -> Self {
                Op::$name(op)
            }
        })*

        impl Op {
            /// The names of all operations.
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];

            /// The operation's name.
            pub fn name(&self) -> &'static str {
                match self { $(Op::$name(_) => stringify!($name),)* }
            }
        }

        impl Definition for Op {
            fn len(&self) -> u64 {
                match self { $(Op::$name(op) => op.len(),)* }
            }

            fn inputs(&self) -> Lens {
                match self { $(Op::$name(op) => op.inputs(),)* }
            }

            fn element<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<u32, Missing> {
                match self { $(Op::$name(op) => op.element(index, words),)* }
            }

            fn reads<W: Words + ?Sized>(&self, index: u64, words: &W) -> Result<Vec<Range>, Missing> {
                match self { $(Op::$name(op) => op.reads(index, words),)* }
            }
        }
    };
}

operations! {
    /// A constant.
    Fill,
    /// One whole number.
    Number,
    /// The tokens of a batch.
    Batch,
    /// Initial parameters.
    Init,
    /// Cosines or sines of the rotary angles.
    RopeTable,
    /// The same words.
    Copy,
    /// A sum of two buffers.
    Add,
    /// A quotient by a constant.
    Divide,
    /// Rows and columns exchanged.
    Transpose,
    /// A matrix product.
    Matmul,
    /// A reduction of rows.
    Reduce,
    /// Rows of a table, chosen by tokens.
    Embed,
    /// The gradient of the table.
    EmbedGrad,
    /// One over the root mean square.
    InverseRms,
    /// The norm's output.
    Norm,
    /// A row's coefficient in the norm's backward pass.
    NormCoefficient,
    /// The gradient of the norm's input.
    NormGrad,
    /// What a position adds to the gradient of the norm's gain.
    NormGainTerm,
    /// Rotation by position.
    Rope,
    /// Attention weights.
    Softmax,
    /// The gradient of attention scores.
    SoftmaxGrad,
    /// The gated unit.
    SwiGlu,
    /// The gradient of its gate.
    SwiGluGradGate,
    /// The gradient of its other half.
    SwiGluGradUp,
    /// The logit of each target.
    TargetLogit,
    /// The loss of each position.
    TokenLoss,
    /// The gradient of the logits.
    CrossEntropyGrad,
    /// The factor that clips a gradient.
    ClipFactor,
    /// The first moment.
    Moment1,
    /// The second moment.
    Moment2,
    /// The parameters after a step.
    Weights,
    /// Exponents of an update's blocks.
    Exponents,
    /// Codes of an update.
    Codes,
    /// An update as numbers.
    Decode,
    /// A buffer with one word replaced.
    Insert,
    /// How far each worker's update is scaled down.
    NormCap,
    /// The sum of updates, one worker more.
    AddUpdate,
    /// The mean of updates as numbers.
    FromGrid,
    /// Momentum of the outer step.
    NesterovMomentum,
    /// The outer step.
    Nesterov,
}

impl Op {
    /// Whether the output's words are numbers that must be finite, rather than tokens, codes or integers.
    pub fn is_float(&self) -> bool {
        !matches!(
            self,
            Op::Number(_)
                | Op::Batch(_)
                | Op::Exponents(_)
                | Op::Codes(_)
                | Op::NormCap(_)
                | Op::AddUpdate(_)
        )
    }
}

/// Ceiling of a quotient.
pub(crate) const fn blocks(len: u64, block: u64) -> u64 {
    len.div_ceil(block)
}

#[cfg(test)]
pub(crate) mod testing;
