//! Functions of single numbers over buffers of words.

use sabha_numerics::{op::FromGrid, scalar};

/// One of the functions.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Words that it reads.
    pub arity: usize,
    apply: fn(&[u32]) -> f32,
}

impl Function {
    /// Its values: `input` holds the arguments, those of one value after another.
    pub fn apply(&self, input: &[u32], output: &mut [u32]) {
        for (arguments, value) in input.chunks_exact(self.arity).zip(output) {
            *value = (self.apply)(arguments).to_bits();
        }
    }
}

fn at(words: &[u32], index: usize) -> f32 {
    f32::from_bits(words.get(index).copied().unwrap_or(0))
}

fn long(words: &[u32]) -> i64 {
    let word = |index: usize| u64::from(words.get(index).copied().unwrap_or(0));
    (word(0) | (word(1) << 32)) as i64
}

/// All of them.
pub const FUNCTIONS: [Function; 10] = [
    Function { name: "add", arity: 2, apply: |x| at(x, 0) + at(x, 1) },
    Function { name: "multiply", arity: 2, apply: |x| at(x, 0) * at(x, 1) },
    Function { name: "divide", arity: 2, apply: |x| at(x, 0) / at(x, 1) },
    Function { name: "max", arity: 2, apply: |x| scalar::max(at(x, 0), at(x, 1)) },
    Function { name: "fma", arity: 3, apply: |x| scalar::fma(at(x, 0), at(x, 1), at(x, 2)) },
    Function { name: "sqrt", arity: 1, apply: |x| scalar::sqrt(at(x, 0)) },
    Function { name: "exp", arity: 1, apply: |x| scalar::exp(at(x, 0)) },
    Function { name: "ln", arity: 1, apply: |x| scalar::ln(at(x, 0)) },
    Function { name: "sigmoid", arity: 1, apply: |x| scalar::sigmoid(at(x, 0)) },
    // The conversion of a 64-bit whole number, which instruction sets lack or have in different forms.
    Function { name: "from_grid", arity: 2, apply: |x| FromGrid { size: 1, workers: 3.0 }.value(long(x)) },
];
