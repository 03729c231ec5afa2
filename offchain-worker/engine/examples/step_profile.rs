//! Where the time of a training step goes, by operation.
//!
//! `cargo run --release -p sabha-engine --example step_profile -- [3.3M|25.6M] [STEPS]` prints, for each operation, its share of
//! the time, milliseconds and instructions per step. Numbers of the model are made up; tokens are too.

use candle_core::Device;
use sabha_engine::{executor::Executor, kernels::Context, plan::Purpose};
use sabha_numerics::program::{Model, Optimiser, Program, StepProgram};
use std::{collections::BTreeMap, error::Error, time::Instant};

/// The model, and samples of a batch.
fn shape(name: &str) -> Option<(Model, usize)> {
    let (width, layers, heads, feed_forward, context, samples) = match name {
        "3.3M" => (256, 4, 4, 688, 256, 8),
        "25.6M" => (512, 8, 8, 1376, 512, 4),
        _ => return None,
    };
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
    Some((model, samples))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or("3.3M".into());
    let (model, samples) = shape(&name).ok_or("the shape is neither 3.3M nor 25.6M")?;
    let steps: u32 = words.next().map_or(Ok(5), |steps| steps.parse())?;
    let optimiser = Optimiser { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip_norm: 1.0 };
    let program =
        |step| StepProgram { model, optimiser, rate: 1e-3, step, stream: 1 << 20, offsets: vec![0; samples] };
    let first = program(1);
    let mut executor = Executor::new(&first, Purpose::Advance, &Device::Cpu, Context::new())?;
    let mut state = 1u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state
    };
    for (index, words) in first.leaves().into_iter().enumerate().take(model.parameters().count() * 3) {
        // Parameters are small, moments zero.
        let values: Vec<f32> = (0..words)
            .map(|_| if index % 3 == 0 { random() as f32 / u32::MAX as f32 * 0.04 - 0.02 } else { 0.0 })
            .collect();
        executor.set_leaf(index, &values)?;
    }
    let tokens: Vec<u32> = (0..samples * model.context as usize).map(|_| random() >> 24).collect();
    let (instructions, _) = first.instructions();
    let mut seconds = BTreeMap::<&str, (f64, u32)>::new();
    let mut total = 0.0;
    for step in 0..=steps {
        let mut last = Instant::now();
        let diverged = executor.run_watched(&program(step + 1), &[&tokens, &tokens], &mut |index, _| {
            let now = Instant::now();
            let spent = (now - last).as_secs_f64();
            last = now;
            // The first step touches its memory for the first time.
            if step > 0 {
                let entry = seconds.entry(instructions[index as usize].op.name()).or_default();
                *entry = (entry.0 + spent, entry.1 + 1);
                total += spent;
            }
            Ok(())
        })?;
        if let Some(at) = diverged {
            return Err(format!("diverged at {at:?}").into());
        }
    }
    let mut rows: Vec<_> = seconds.into_iter().collect();
    rows.sort_by(|a, b| f64::total_cmp(&b.1.0, &a.1.0));
    for (name, (seconds, count)) in rows {
        let (share, each) = (100.0 * seconds / total, 1e3 * seconds / f64::from(steps));
        println!("{name:18} {share:5.1} %  {each:8.2} ms  {:4} instructions", count / steps);
    }
    println!("RESULT shape={name} step_ms={:.1}", 1e3 * total / f64::from(steps));
    Ok(())
}
