//! One training step: forward, backward, clipping, AdamW.

use super::{
    Emit, Model, Operand, Program,
    forward::{Pass, tokens},
    leaf,
};
use crate::op::{Add, ClipFactor, Kind, Moment1, Moment2, Number, Reduce, Weights};
use alloc::vec::Vec;

/// AdamW's configuration. The learning rate comes from the schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimiser {
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Decoupled weight decay, of matrices only.
    pub weight_decay: f32,
    /// Largest global norm of a gradient.
    pub clip_norm: f32,
}

/// Words of a state's leaves: for each parameter its values and two moments; the step; the sum of losses.
pub fn state_lens(model: &Model) -> Vec<u64> {
    let parameters = model.parameters().flat_map(|parameter| [parameter.elements(); 3]);
    parameters.chain([1, 1]).collect()
}

/// From a state to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct StepProgram {
    /// The model.
    pub model: Model,
    /// The optimiser.
    pub optimiser: Optimiser,
    /// The learning rate of this step.
    pub rate: f32,
    /// Steps done in the slot when this one is done: 1 for the first.
    pub step: u32,
    /// Tokens in the stream.
    pub stream: u64,
    /// Where each sample begins.
    pub offsets: Vec<u64>,
}

impl StepProgram {
    /// `1 / (1 - beta^step)`, in `f64`, rounded once.
    fn correction(&self, beta: f32) -> f32 {
        (1.0 / (1.0 - libm::pow(f64::from(beta), f64::from(self.step)))) as f32
    }

    fn keep(&self, matrix: bool) -> f32 {
        if matrix {
            (1.0 - f64::from(self.rate) * f64::from(self.optimiser.weight_decay)) as f32
        } else {
            1.0
        }
    }

    /// Clips and applies the gradients, given in the order of the parameters.
    fn update(&self, emit: &mut Emit<'_>, clip: Operand, gradients: &[Operand]) -> Vec<Operand> {
        let Optimiser { beta1, beta2, epsilon, .. } = self.optimiser;
        let (correction1, correction2) = (self.correction(beta1), self.correction(beta2));
        let mut outputs = Vec::with_capacity(gradients.len() * 3 + 2);
        for ((index, parameter), gradient) in self.model.parameters().enumerate().zip(gradients) {
            let size = parameter.elements();
            let [value, first, second] = [0, 1, 2].map(|part| leaf(index * 3 + part, size));
            let first = emit.emit(Moment1 { size, beta: beta1 }, &[first, *gradient, clip]);
            let second = emit.emit(Moment2 { size, beta: beta2 }, &[second, *gradient, clip]);
            let keep = self.keep(parameter.is_matrix());
            let weights = Weights { size, rate: self.rate, keep, correction1, correction2, epsilon };
            let value = emit.emit(weights, &[value, first, second]);
            outputs.extend([value, first, second]);
        }
        outputs
    }
}

impl Program for StepProgram {
    fn leaves(&self) -> Vec<u64> {
        state_lens(&self.model)
    }

    fn build(&self, emit: &mut Emit<'_>) -> Vec<Operand> {
        let count = usize::try_from(self.model.parameter_count()).unwrap_or(0);
        let mut parameters = Vec::with_capacity(count);
        let each = self.model.parameters().enumerate();
        parameters.extend(each.map(|(index, parameter)| leaf(index * 3, parameter.elements())));
        let tokens = tokens(emit, &self.model, self.stream, &self.offsets);
        let samples = self.offsets.len() as u64;
        let last = parameters.len() * 3;
        let mut pass = Pass::new(emit, self.model, samples, parameters);
        let forward = pass.forward(&tokens);
        let gradients = pass.backward(&forward, &tokens);

        // The sum of all squares: each gradient's, then one after another.
        let mut total: Option<Operand> = None;
        for gradient in &gradients {
            let squares = Reduce { kind: Kind::SumSquares, rows: 1, columns: gradient.len, causal: false };
            let squares = pass.reduce(squares, Kind::Sum, &[*gradient]);
            total = Some(match total {
                Some(total) => pass.emit.emit(Add { size: 1 }, &[total, squares]),
                None => squares,
            });
        }
        let total = total.unwrap_or(forward.loss);
        let emit = pass.emit;
        let clip = emit.emit(ClipFactor { limit: self.optimiser.clip_norm }, &[total]);
        let mut outputs = self.update(emit, clip, &gradients);
        outputs.push(emit.emit(Number { value: self.step }, &[]));
        outputs.push(emit.emit(Add { size: 1 }, &[leaf(last + 1, 1), forward.loss]));
        outputs
    }
}
