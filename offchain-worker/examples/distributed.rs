//! Trains by rounds of several slots, and beside it as one worker would, for scripts/check-distributed.
//!
//! Prints the held-out losses as JSON lines, and writes all curves to one SVG.

use anyhow::Context;
use clap::Parser;
use sabha_protocol::{RoundIndex, SlotIndex, spec::RunSpec};
use sabha_worker::{
    data::Stream,
    engine::{
        Checkpoint, Engine, ExactEngine, Observer, StepOutcome, StepReport,
        evaluate::heldout_loss,
        init,
        local::{LocalEnd, LocalRun, RoundRecord},
    },
    files,
    plot::{Curve, curves_svg},
    specfile,
    stop::Stop,
};
use std::path::PathBuf;

#[derive(Parser)]
struct Args {
    /// The specification, with several slots a round.
    spec: PathBuf,
    /// The packed dataset.
    #[arg(long)]
    data: PathBuf,
    /// A new folder for the run.
    #[arg(long)]
    out: PathBuf,
    /// The plot.
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Windows of the held-out text.
    #[arg(long, default_value_t = 256)]
    windows: u32,
    /// What to compare with: batch, steps, none.
    #[arg(long, value_delimiter = ',', default_value = "batch,steps")]
    beside: Vec<String>,
}

/// Text to train on and to measure on.
struct Work {
    stream: Stream,
    windows: u32,
}

impl Work {
    fn heldout(&self, spec: &RunSpec, checkpoint: &Checkpoint) -> anyhow::Result<f64> {
        let model = ExactEngine::cpu().load(&spec.model, checkpoint)?;
        heldout_loss(model.as_ref(), spec, &self.stream, self.windows)
    }
}

/// Measures after each round.
struct Rounds<'a> {
    spec: &'a RunSpec,
    work: &'a Work,
    points: Vec<(u64, f64)>,
}

impl Observer for Rounds<'_> {
    fn begins(&mut self, round: RoundIndex, slot: SlotIndex, _: u32) {
        eprintln!("round {round} of {}, slot {slot}", self.spec.rounds.count);
    }

    fn step(&mut self, report: &StepReport) {
        if report.done.is_multiple_of(10) {
            eprintln!("  step {}: loss {:.4}", report.done, report.loss);
        }
    }

    fn measure(&mut self, checkpoint: &Checkpoint) -> anyhow::Result<Option<f32>> {
        let loss = self.work.heldout(self.spec, checkpoint)?;
        let steps = (self.points.len() as u64) * u64::from(self.spec.rounds.inner_steps);
        point("rounds", steps, loss);
        self.points.push((steps, loss));
        Ok(Some(loss as f32))
    }

    fn ends(&mut self, round: RoundIndex, record: &RoundRecord) {
        eprintln!(
            "round {round}: mean loss {:.4}, checkpoint {}",
            record.mean_loss(),
            record.checkpoint.root
        );
    }
}

fn point(curve: &str, step: u64, loss: f64) {
    println!("{}", serde_json::json!({"curve": curve, "step": step, "heldout": loss}));
}

/// One worker: all steps in one slot, measured as often as a round would end.
fn alone(name: &str, spec: &RunSpec, every: u32, work: &Work) -> anyhow::Result<Vec<(u64, f64)>> {
    let start = init::of_spec(spec)?;
    let mut points = vec![(0, work.heldout(spec, &start)?)];
    let mut session = ExactEngine::cpu().begin(spec, &start)?;
    let schedule = spec.schedule();
    for step in 0..spec.rounds.inner_steps {
        let batch = work.stream.training_batch(spec, 0, 0, step)?;
        if let StepOutcome::Diverged(at) = session.step(&batch, schedule.rate(step))? {
            anyhow::bail!("{name} diverged: {at:?}");
        }
        if (step + 1).is_multiple_of(every) {
            let loss = work.heldout(spec, &session.state()?.checkpoint)?;
            point(name, u64::from(step) + 1, loss);
            points.push((u64::from(step) + 1, loss));
        }
    }
    Ok(points)
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    // As one of the threads that compute: a thread that hands each operation to others and sleeps is woken late on a busy machine.
    rayon::scope(|_| compare(&args))
}

fn compare(args: &Args) -> anyhow::Result<()> {
    let spec = specfile::load(&args.spec, Some(&args.data))?;
    let work = Work { stream: Stream::of_spec(&args.data, &spec)?, windows: args.windows };
    let slots = u32::from(spec.rounds.slots);
    let (count, inner) = (spec.rounds.count, spec.rounds.inner_steps);

    let untrained = work.heldout(&spec, &init::of_spec(&spec)?)?;
    point("rounds", 0, untrained);
    let mut rounds = Rounds { spec: &spec, work: &work, points: vec![(0, untrained)] };
    let mut run = LocalRun::begin(&args.out, &spec)?;
    let ended = run.train(&ExactEngine::cpu(), &spec, &work.stream, &mut rounds, &Stop::new())?;
    anyhow::ensure!(ended == LocalEnd::Done, "the run ended with {ended:?}");
    let mut curves =
        vec![Curve { name: format!("{slots} slots of {inner} steps a round"), points: rounds.points }];
    let mut one = spec.clone();
    (one.rounds.count, one.rounds.slots, one.rounds.quorum) = (1, 1, 1);
    // What fresh moments need once a round, one worker needs once: the run's own warm-up.
    one.optimiser.inner_warmup_steps = 0;
    for name in &args.beside {
        let mut spec = one.clone();
        let (steps, what) = match name.as_str() {
            "batch" => {
                spec.rounds.batch *= slots;
                (count * inner, "batch")
            }
            "steps" => (count * inner * slots, "steps"),
            _ => continue,
        };
        (spec.rounds.inner_steps, spec.rounds.segment_steps) = (steps, steps);
        let points = alone(name, &spec, inner, &work)?;
        curves.push(Curve { name: format!("one worker, {slots} times the {what}"), points });
    }
    if let Some(path) = &args.svg {
        let title = format!("held-out loss, {} parameters", spec.model.parameter_count());
        files::write_atomic(path, curves_svg(&title, &curves)?.as_bytes()).context("the plot")?;
    }
    Ok(())
}
