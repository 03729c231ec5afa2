//! From a slot's last state to its update, and from all updates of a round to the next checkpoint.

use super::{Emit, Model, Operand, Program, leaf};
use crate::op::{
    Add, AddUpdate, BLOCK, Codes, Decode, Definition, Divide, Exponents, Fill, FromGrid, Insert, Kind,
    Nesterov, NesterovMomentum, NormCap, Reduce,
};
use alloc::vec::Vec;

/// A slot's update and mean loss. It starts from the checkpoint's parameters, then the parameters at the slot's end, then the sum
/// of losses; it ends with codes and exponents of each parameter, then the mean loss.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishProgram {
    /// The model.
    pub model: Model,
    /// Inner steps of the slot.
    pub steps: u32,
}

fn elements(model: &Model) -> Vec<u64> {
    model.parameters().map(|parameter| parameter.elements()).collect()
}

impl Program for FinishProgram {
    fn leaves(&self) -> Vec<u64> {
        let each = elements(&self.model);
        each.iter().chain(&each).copied().chain([1]).collect()
    }

    fn build(&self, emit: &mut Emit<'_>) -> Vec<Operand> {
        let each = elements(&self.model);
        let mut outputs = Vec::new();
        for (index, size) in each.iter().copied().enumerate() {
            let (start, end) = (leaf(index, size), leaf(each.len() + index, size));
            let exponents = emit.emit(Exponents { size }, &[start, end]);
            outputs.push(emit.emit(Codes { size }, &[start, end, exponents]));
            outputs.push(exponents);
        }
        let mean = Divide { size: 1, by: self.steps as f32 };
        outputs.push(emit.emit(mean, &[leaf(each.len() * 2, 1)]));
        outputs
    }
}

/// The outer optimiser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outer {
    /// Learning rate.
    pub rate: f32,
    /// Nesterov momentum.
    pub momentum: f32,
}

/// The next checkpoint: parameters, then momenta. It starts from the checkpoint (parameters, then momenta), then each worker's
/// update (codes and exponents of each parameter).
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateProgram {
    /// The model.
    pub model: Model,
    /// The outer optimiser.
    pub outer: Outer,
    /// Workers whose updates were accepted: 1 to 256.
    pub workers: u64,
}

impl AggregateProgram {
    /// Codes and exponents of parameter `index` in worker `worker`'s update.
    fn update(&self, each: &[u64], worker: u64, index: usize) -> [Operand; 2] {
        let size = each.get(index).copied().unwrap_or(0);
        let first = each.len() * 2 * (usize::try_from(worker).unwrap_or(0) + 1) + index * 2;
        [leaf(first, Codes { size }.len()), leaf(first + 1, size.div_ceil(BLOCK))]
    }

    /// The square of the norm of a worker's update.
    fn square(&self, emit: &mut Emit<'_>, each: &[u64], worker: u64) -> Option<Operand> {
        let mut total: Option<Operand> = None;
        for (index, size) in each.iter().copied().enumerate() {
            let values = emit.emit(Decode { size }, &self.update(each, worker, index));
            let mut sum = values;
            let mut reduce = Reduce { kind: Kind::SumSquares, rows: 1, columns: size, causal: false };
            loop {
                sum = emit.emit(reduce, &[sum]);
                if reduce.blocks() <= 1 {
                    break;
                }
                reduce = Reduce { kind: Kind::Sum, columns: reduce.blocks(), ..reduce };
            }
            total = Some(match total {
                Some(total) => emit.emit(Add { size: 1 }, &[total, sum]),
                None => sum,
            });
        }
        total
    }
}

impl Program for AggregateProgram {
    fn leaves(&self) -> Vec<u64> {
        let each = elements(&self.model);
        let mut all: Vec<u64> = each.iter().chain(&each).copied().collect();
        for _ in 0..self.workers {
            all.extend(each.iter().flat_map(|size| [Codes { size: *size }.len(), size.div_ceil(BLOCK)]));
        }
        all
    }

    fn build(&self, emit: &mut Emit<'_>) -> Vec<Operand> {
        let each = elements(&self.model);
        let Outer { rate, momentum } = self.outer;
        let mut squares = emit.emit(Fill { size: self.workers, word: 0 }, &[]);
        for worker in 0..self.workers {
            if let Some(square) = self.square(emit, &each, worker) {
                squares = emit.emit(Insert { size: self.workers, at: worker }, &[squares, square]);
            }
        }
        let shifts = emit.emit(NormCap { workers: self.workers }, &[squares]);

        let (mut values, mut momenta) = (Vec::new(), Vec::new());
        for (index, size) in each.iter().copied().enumerate() {
            let mut sum: Option<Operand> = None;
            for worker in 0..self.workers {
                let [codes, exponents] = self.update(&each, worker, index);
                let add = AddUpdate { size, workers: self.workers, worker, first: sum.is_none() };
                let inputs: Vec<Operand> =
                    [Some(codes), Some(exponents), Some(shifts), sum].into_iter().flatten().collect();
                sum = Some(emit.emit(add, &inputs));
            }
            let Some(sum) = sum else { continue };
            let mean = emit.emit(FromGrid { size, workers: self.workers as f32 }, &[sum]);
            let (value, before) = (leaf(index, size), leaf(each.len() + index, size));
            let after = emit.emit(NesterovMomentum { size, momentum }, &[before, mean]);
            values.push(emit.emit(Nesterov { size, momentum, rate }, &[value, after, mean]));
            momenta.push(after);
        }
        values.extend(momenta);
        values
    }
}
