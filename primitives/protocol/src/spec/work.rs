//! How many instructions a run's programs have: what a referee walks through in each move of a dispute.

use super::{RunSpec, limits};
use crate::programs;
use alloc::vec;
use sabha_numerics::program::{AggregateProgram, Program, StepProgram};

/// Instructions that placing one sample in the stream counts for: it is a hash.
const SAMPLE: u64 = 16;

/// Instructions of a program.
fn count(program: &dyn Program) -> u64 {
    let mut count = 0u64;
    program.visit(&mut |_, _, _| count = count.saturating_add(1));
    count
}

/// What `f` is of `n`, if it grows by the same each time.
fn linear(f: impl Fn(u64) -> u64, n: u64) -> u64 {
    let (one, two) = (f(1), f(2));
    two.saturating_sub(one).saturating_mul(n.saturating_sub(1)).saturating_add(one)
}

impl RunSpec {
    /// Tokens of one step.
    pub fn step_tokens(&self) -> u64 {
        u64::from(self.rounds.batch).saturating_mul(self.model.context.into())
    }

    /// The work of building a step's program: its instructions, and what placing its samples counts for. Layers are alike, so two tell
    /// what all come to.
    pub fn step_work(&self) -> u64 {
        let step = |layers| StepProgram {
            model: sabha_numerics::program::Model { layers, ..self.model.shape() },
            optimiser: self.optimiser.numerics(),
            rate: 0.0,
            step: 1,
            stream: self.data.tokens,
            offsets: vec![0; usize::try_from(self.rounds.batch.min(limits::BATCH)).unwrap_or(0)],
        };
        let samples = SAMPLE.saturating_mul(self.rounds.batch.into());
        linear(|layers| count(&step(layers)), self.model.layers.into()).saturating_add(samples)
    }

    /// The work of building the program of an aggregation of all slots: its instructions. Layers are alike, and so are updates.
    pub fn aggregate_work(&self) -> u64 {
        let aggregate = |layers, workers| AggregateProgram {
            model: sabha_numerics::program::Model { layers, ..self.model.shape() },
            ..programs::aggregate(self, workers)
        };
        let of_workers = |layers| linear(|n| count(&aggregate(layers, n)), self.rounds.slots.into());
        linear(of_workers, self.model.layers.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::tests::spec;

    #[test]
    fn work_is_what_the_programs_come_to() {
        for (layers, width, heads, feed_forward, vocabulary, context, batch, slots) in [
            (1, 64, 4, 128, 256, 64, 4, 1),
            (2, 64, 4, 128, 256, 64, 4, 3),
            (7, 64, 4, 128, 256, 64, 4, 5),
            (5, 32, 2, 5_000, 9_000, 512, 16, 12),
            (24, 2, 1, 1, 2, 512, 64, 256),
        ] {
            let mut spec = spec();
            let model = &mut spec.model;
            (model.layers, model.width, model.heads) = (layers, width, heads);
            (model.feed_forward, model.vocabulary, model.context) = (feed_forward, vocabulary, context);
            (spec.rounds.batch, spec.rounds.slots) = (batch, slots);
            spec.data.tokens = 1 << 20;
            let step = programs::step(&spec, programs::StepId { round: 0, slot: 0, step: 0 }).unwrap();
            assert_eq!(spec.step_work(), count(&step) + SAMPLE * u64::from(batch));
            assert_eq!(spec.aggregate_work(), count(&programs::aggregate(&spec, slots.into())));
        }
    }
}
