//! How much memory the exact engine plans for a program, before anything is allocated.

use sabha_engine::plan::{Plan, Purpose};
use sabha_numerics::{
    op::MAX_READ,
    program::{EvaluateProgram, Model, StepProgram},
};
use sabha_protocol::spec::{ModelSpec, RunSpec};

/// Instructions of the longest program that is planned only to know its memory: less than a second.
const LONGEST: u64 = 1 << 17;

/// Bytes of the plan of a step, besides the state. `None` if it is too long to be planned for that.
pub fn step(spec: &RunSpec, purpose: Purpose) -> Option<u64> {
    can_be_planned(&spec.model, spec.rounds.batch).then(|| Plan::new(&program(spec), purpose).bytes() as u64)
}

/// Bytes of the plan of an evaluation of `samples` texts of `length` tokens, besides the parameters. `None` likewise.
pub fn evaluation(model: &ModelSpec, samples: u32, length: u64) -> Option<u64> {
    let program = || evaluation_program(model, samples, length);
    (length > 0 && can_be_planned(model, samples))
        .then(|| Plan::new(&program(), Purpose::Compute).bytes() as u64)
}

/// Any step of a run: they differ in attributes only.
pub(crate) fn program(spec: &RunSpec) -> StepProgram {
    super::program(spec, 0.0, 1, spec.rounds.batch as usize)
}

pub(crate) fn evaluation_program(model: &ModelSpec, samples: u32, length: u64) -> EvaluateProgram {
    let model = Model { context: length, ..model.shape() };
    EvaluateProgram { model, stream: u64::MAX, offsets: vec![0; samples as usize] }
}

fn can_be_planned(model: &ModelSpec, samples: u32) -> bool {
    model.check().is_ok() && most_instructions(&model.shape(), samples) <= LONGEST
}

/// At least as many instructions as a step has. Long sums take one for each block of their terms.
fn most_instructions(model: &Model, samples: u32) -> u64 {
    let blocks = |terms: u64| terms.div_ceil(MAX_READ);
    let tokens = model.context.saturating_mul(samples.into());
    let terms = [model.width, model.feed_forward, model.context];
    let long = terms.map(blocks).into_iter().fold(0u64, u64::saturating_add);
    let layer = long.saturating_add(blocks(tokens)).saturating_mul(16).saturating_add(160);
    let outside = blocks(model.vocabulary).saturating_add(blocks(tokens)).saturating_mul(16);
    layer.saturating_mul(model.layers).saturating_add(outside).saturating_add(layer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::tiny_spec;
    use sabha_numerics::program::Program;

    #[test]
    fn no_program_has_more_instructions_than_are_counted_on() {
        for [vocabulary, width, layers, heads, feed_forward, context, batch] in [
            [16, 16, 2, 2, 24, 8, 4],
            [2, 2, 1, 1, 1, 2, 1],
            [256, 512, 8, 8, 1_376, 512, 4],
            [256, 32, 3, 1, 64, 64, 900],
            [4, 64, 3, 1, 1 << 16, 2, 1],
            [1 << 18, 1 << 14, 4, 128, 1 << 16, 4_096, 1],
            [16, 2, 1, 1, 1, 1 << 16, 3],
        ] {
            let mut spec = tiny_spec();
            let kept = spec.model;
            spec.model = ModelSpec { vocabulary, width, layers, heads, feed_forward, context, ..kept };
            spec.rounds.batch = batch;
            let counted = u64::from(program(&spec).count());
            let most = most_instructions(&spec.model.shape(), batch);
            assert!(counted <= most && most < 8 * counted, "{:?}: {counted} {most}", spec.model);
        }
    }
}
