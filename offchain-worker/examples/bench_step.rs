//! Times whole training steps of an engine, for scripts/bench-train.
//!
//! Speaks the protocol of scripts/torch/bench.py: prints JSON lines; after `ready`, does a step for each line `step` on standard
//! input, and ends with the median and the peak resident memory at `quit` or the end of the input.

use clap::Parser;
use sabha_protocol::{
    Digest, NUMERICS_EXACT, NUMERICS_YARDSTICK,
    spec::{AuditSpec, ClockSpec, DataSpec, ModelSpec, OptimiserSpec, OuterSpec, RoundSpec, RunSpec},
};
use sabha_worker::{
    data::Batch,
    engine::{CandleEngine, Engine, ExactEngine, StepOutcome, init},
};
use std::{
    io::BufRead,
    time::{Duration, Instant},
};

#[derive(Parser)]
struct Args {
    /// exact or candle.
    #[arg(long)]
    engine: String,
    #[arg(long, default_value_t = 256)]
    vocab: u32,
    #[arg(long, default_value_t = 256)]
    width: u32,
    #[arg(long, default_value_t = 4)]
    layers: u32,
    #[arg(long, default_value_t = 4)]
    heads: u32,
    #[arg(long, default_value_t = 688)]
    ff: u32,
    #[arg(long, default_value_t = 256)]
    context: u32,
    #[arg(long, default_value_t = 8)]
    batch: u32,
    #[arg(long, default_value_t = 2)]
    threads: usize,
    #[arg(long, default_value_t = 3)]
    warmup: u32,
}

fn spec(args: &Args, numerics_version: u16) -> RunSpec {
    RunSpec {
        numerics_version,
        seed: 1,
        initial_checkpoint: None,
        price_per_slot: 1,
        stake_per_slot: 0,
        model: ModelSpec {
            vocabulary: args.vocab,
            width: args.width,
            layers: args.layers,
            heads: args.heads,
            feed_forward: args.ff,
            context: args.context,
            rope_base: 10_000.0.into(),
            norm_epsilon: 1e-5.into(),
            tied_embedding: false,
        },
        optimiser: OptimiserSpec {
            peak_rate: 1e-3.into(),
            floor_rate: 1e-4.into(),
            warmup_steps: 0,
            inner_warmup_steps: 0,
            beta1: 0.9.into(),
            beta2: 0.95.into(),
            epsilon: 1e-8.into(),
            weight_decay: 0.1.into(),
            clip_norm: 1.0.into(),
        },
        outer: OuterSpec::MEAN,
        data: DataSpec {
            stream: Digest([0; 32]),
            tokens: 1 << 20,
            token_bytes: 1,
            heldout_tokens: 1 << 14,
            sources: Default::default(),
        },
        rounds: RoundSpec::single(1, 1 << 14, 16, args.batch),
        audit: AuditSpec::NONE,
        clocks: ClockSpec::unaudited(10, 10),
    }
}

/// Tokens that nobody can predict: SplitMix64.
fn batch(args: &Args, seed: &mut u64) -> Batch {
    let (samples, context) = (args.batch as usize, args.context as usize);
    let mut token = || {
        *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((z >> 33) % u64::from(args.vocab)) as u32
    };
    let inputs: Vec<u32> = (0..samples * context).map(|_| token()).collect();
    let targets = (0..samples * context).map(|_| token()).collect();
    Batch { samples, context, inputs, targets }
}

/// Bytes, from the kernel's account of this process.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64)
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    rayon::ThreadPoolBuilder::new().num_threads(args.threads).build_global()?;
    let (engine, version): (Box<dyn Engine>, u16) = match args.engine.as_str() {
        "exact" => (Box::new(ExactEngine::cpu()), NUMERICS_EXACT),
        "candle" => (Box::new(CandleEngine::cpu()), NUMERICS_YARDSTICK),
        other => anyhow::bail!("--engine is {other}: it must be exact or candle"),
    };
    let spec = spec(&args, version);
    let mut session = engine.begin(&spec, &init::initial(&spec.model, spec.seed))?;
    let mut seed = 7;
    let mut step = |session: &mut Box<dyn sabha_worker::engine::Session>| -> anyhow::Result<(Duration, f32)> {
        let batch = batch(&args, &mut seed);
        let begun = Instant::now();
        match session.step(&batch, 1e-3)? {
            StepOutcome::Done { loss, .. } => Ok((begun.elapsed(), loss)),
            StepOutcome::Diverged(at) => anyhow::bail!("diverged: {at:?}"),
        }
    };
    for _ in 0..args.warmup {
        step(&mut session)?;
    }
    println!(
        "{}",
        serde_json::json!({
            "ready": true, "engine": engine.describe(), "threads": args.threads,
            "parameters": spec.model.parameter_count(), "tokens_per_step": args.batch * args.context,
        })
    );
    let (mut times, mut hashes) = (Vec::new(), Vec::new());
    for line in std::io::stdin().lock().lines() {
        match line?.trim() {
            "step" => {
                let (time, loss) = step(&mut session)?;
                times.push(time);
                println!(
                    "{}",
                    serde_json::json!({ "step": times.len(), "seconds": time.as_secs_f64(), "loss": loss })
                );
            }
            // What a segment's end costs.
            "hash" => {
                let begun = Instant::now();
                let root = session.digest()?;
                hashes.push(begun.elapsed());
                println!(
                    "{}",
                    serde_json::json!({ "root": root.to_string(), "seconds": begun.elapsed().as_secs_f64() })
                );
            }
            "quit" => break,
            other => anyhow::bail!("{other:?} is neither step, hash nor quit"),
        }
    }
    let median = median(&mut times);
    println!(
        "{}",
        serde_json::json!({
            "done": true, "steps": times.len(), "median_seconds": median, "peak_rss_bytes": peak_memory(),
        })
    );
    Ok(())
}
