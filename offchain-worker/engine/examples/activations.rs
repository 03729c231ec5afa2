//! Prints what a training step works in, in MiB, as it is planned: the table of docs/performance.md.

use sabha_engine::plan::{Plan, Purpose};
use sabha_numerics::program::{Model, Optimiser, Program, StepProgram};

/// Mebibytes.
fn mib(words: usize) -> f64 {
    (words * size_of::<u32>()) as f64 / f64::from(1 << 20)
}

fn main() {
    println!(
        "| parameters | width, layers, heads, feed-forward, context, batch | state: parameters and moments | a step works in | of which gradients |"
    );
    println!("|---|---|---|---|---|");
    for (width, layers, heads, feed_forward, context, batch) in
        [(256, 4, 4, 688, 256, 8), (512, 8, 8, 1_376, 512, 4)]
    {
        let model = Model {
            vocabulary: 256,
            width,
            layers,
            heads,
            feed_forward,
            context,
            rope_base: 10_000.0,
            norm_epsilon: 1e-5,
            tied_embedding: false,
        };
        let optimiser =
            Optimiser { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip_norm: 1.0 };
        let offsets = vec![0; batch];
        let program = StepProgram { model, optimiser, rate: 1e-3, step: 1, stream: u64::MAX, offsets };
        let state: u64 = program.leaves().iter().sum();
        let parameters: u64 = model.parameters().map(|parameter| parameter.elements()).sum();
        let plan = Plan::new(&program, Purpose::Advance);
        println!(
            "| {parameters} | {width}, {layers}, {heads}, {feed_forward}, {context}, {batch} | {:.1} | {:.1} | {:.1} |",
            mib(state as usize),
            mib(plan.bytes() / size_of::<u32>()),
            mib(parameters as usize)
        );
    }
}
