//! `train`: a whole run on this machine alone, by the chain's rules.

use super::Context;
use crate::{
    config::{Config, DeviceArgs, MemoryArgs},
    data::{Batch, Stream},
    engine::{
        AnyEngine, Checkpoint, Engine, EngineError, Inference, MemoryLimit, Observer, StepReport,
        evaluate::heldout_loss,
        exact, init,
        local::{CHECKPOINT, LocalEnd, LocalError, LocalRun, RoundRecord},
        rounds::{checkpoint_bytes, update_bytes},
    },
    error::{Exit, ResultExt, failure, is_of_full_disk},
    output,
    plot::{Losses, PlotError},
    progress::{Progress, Unit},
    specfile,
    stop::Stop,
};
use anyhow::Context as _;
use clap::Args;
use sabha_protocol::{
    Digest, Divergence, NUMERICS_EXACT, RoundIndex, SlotIndex,
    spec::{RoundSpec, RunSpec},
};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Where a run stands that ended early.
const GO_ON: &str = "the run stands, and goes on with --resume";

/// The plot's name in the folder of the run.
const PLOT: &str = "loss.svg";

/// Arguments of `train`.
#[derive(Args, Debug)]
#[command(after_help = "A round's slots are trained one after another, as if there were as many workers.\n\
                        SIGTERM and Ctrl-C park the run at the end of the current step; --resume goes on from there to the same bits.\n\n\
                        Example: sabha-worker train spec.toml --data packed/spanish --out first-run")]
pub struct TrainArgs {
    /// The run specification
    pub spec: PathBuf,
    /// The packed dataset to train on
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The folder for the checkpoint, the record and the plot
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Go on with the run that is in the folder
    #[arg(long)]
    pub resume: bool,
    /// What to train on.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// How much memory the model may take.
    #[command(flatten)]
    pub memory: MemoryArgs,
    /// Windows of the held-out text on which the loss is measured, before the first round and after each
    #[arg(long, default_value_t = 64, value_name = "NUMBER")]
    pub heldout_windows: u32,
}

#[derive(Serialize)]
struct Summary {
    spec: Digest,
    rounds: usize,
    slots: u16,
    /// One after another; the slots of a round run side by side.
    steps: u64,
    checkpoint: PathBuf,
    digest: Digest,
    /// Over the checkpoint's buffers: what the chain carries.
    root: Digest,
    /// What each slot uploads.
    upload_bytes: u64,
    /// Of the parameters in `f32`.
    upload_ratio: f64,
    /// What each slot downloads.
    download_bytes: u64,
    plot: Option<PathBuf>,
    mean_loss: f32,
    heldout_untrained: f64,
    heldout_trained: f64,
    heldout_drop_pct: f64,
}

/// Runs the command.
///
/// # Errors
/// [`Exit::BadInput`] for a specification, dataset or folder that cannot be used; the signal's exit code if it was stopped.
pub fn run(args: TrainArgs, context: &Context) -> anyhow::Result<()> {
    let config = Config::load(&context.global)?.with_memory(&args.memory).with_device(&args.device);
    let spec = specfile::load(&args.spec, Some(&args.data)).exit(Exit::BadInput)?;
    MemoryLimit::mebibytes(config.engine.memory_limit_mib).admit_training(&spec).exit(Exit::BadInput)?;
    let engine = AnyEngine::compared_on(&config.engine.device)?;
    let stream = Stream::of_spec(&args.data, &spec).exit(Exit::BadInput)?;
    stream.check_tokens(spec.model.vocabulary).exit(Exit::BadInput)?;
    let mut run =
        if args.resume { LocalRun::resume(&args.out, &spec) } else { LocalRun::begin(&args.out, &spec) }
            .map_err(as_bad_input)?;
    let heldout = |checkpoint: &Checkpoint| -> anyhow::Result<f64> {
        let model = engine.load(&spec.model, checkpoint)?;
        measure(model.as_ref(), &spec, &stream, args.heldout_windows, &context.stop)
    };
    let untrained = heldout(&init::of_spec(&spec)?).context(GO_ON)?;
    if !context.global.json {
        let engine = engine.describe();
        output::tell(format_args!(
            "{engine}; held-out loss of the untrained model {untrained:.4} nats per token"
        ));
    }
    let mut bar = Bar::new(&spec, context.global.json, &heldout);
    let ended = run.train(&engine, &spec, &stream, &mut bar, &context.stop);
    let Bar { progress, measured, .. } = bar;
    progress.finish();
    match ended.map_err(stands)? {
        LocalEnd::Parked { round, slot, step } => Err(context.stop.error(format!(
            "stopped in {} after {step} of {} steps; the state is saved: run the same command with --resume",
            place(&spec, round, slot),
            spec.rounds.inner_steps
        ))),
        LocalEnd::Aggregating { round } => Err(context.stop.error(format!(
            "stopped while round {round} was aggregated; its updates are saved: run the same command with --resume"
        ))),
        LocalEnd::Diverged { round, slot, divergence } => {
            let Divergence { step, instruction, element } = divergence;
            let operation = exact::operation(&spec, instruction).map(|name| format!(" ({name})"));
            let operation = operation.unwrap_or_default();
            let message = format!(
                "{} diverged at step {step}, instruction {instruction}{operation}, element {element}: lower \
                 optimiser.peak_rate, or warm up longer; the rounds before it are saved",
                place(&spec, round, slot)
            );
            Err(failure(Exit::Failure, message))
        }
        LocalEnd::Done => {
            let trained = measured.map_or_else(|| heldout(run.checkpoint()).context(GO_ON), Ok)?;
            finish(&args.out, &spec, &run, untrained, trained, context).map_err(stands)
        }
    }
}

/// Where in a run: the slot is told if there are several.
fn place(spec: &RunSpec, round: RoundIndex, slot: SlotIndex) -> String {
    if spec.rounds.slots == 1 { format!("round {round}") } else { format!("round {round}, slot {slot}") }
}

fn finish(
    out: &Path,
    spec: &RunSpec,
    run: &LocalRun,
    untrained: f64,
    trained: f64,
    context: &Context,
) -> anyhow::Result<()> {
    let record = run.record();
    let steps = u64::from(spec.rounds.count).saturating_mul(u64::from(spec.rounds.inner_steps));
    let losses = Losses {
        title: format!("{} parameters, {steps} steps", spec.model.parameter_count()),
        training: record.losses.iter().map(|(step, loss)| (*step, f64::from(*loss))).collect(),
        heldout: heldout_points(spec, run, untrained),
    };
    let plot = out.join(PLOT);
    let plot = match losses.write_svg(&plot) {
        Ok(()) => Some(plot),
        Err(error @ PlotError::File(_)) => return Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "no plot");
            None
        }
    };
    let last = record.rounds.last().ok_or_else(|| anyhow::anyhow!("the run has no rounds"))?;
    let values = spec.model.parameter_count().saturating_mul(4);
    let (upload, download) = if spec.numerics_version == NUMERICS_EXACT {
        (update_bytes(&spec.model), checkpoint_bytes(&spec.model))
    } else {
        // The update is the next checkpoint, a safetensors file: its header is left out.
        (values, values)
    };
    let summary = Summary {
        spec: record.spec,
        rounds: record.rounds.len(),
        slots: spec.rounds.slots,
        steps,
        checkpoint: out.join(CHECKPOINT),
        digest: last.checkpoint.blob,
        root: last.checkpoint.root,
        upload_bytes: upload,
        upload_ratio: upload as f64 / values as f64,
        download_bytes: download,
        plot,
        mean_loss: last.mean_loss(),
        heldout_untrained: untrained,
        heldout_trained: trained,
        heldout_drop_pct: drop_pct(untrained, trained),
    };
    let text = format!(
        "{} rounds of {} slots, {steps} steps: held-out loss {untrained:.4} -> {trained:.4} nats per token ({:.1} % less)\n\
         each slot uploads {upload} bytes ({:.3} of the parameters) and downloads {download}\n\
         checkpoint {} (BLAKE3 {})\n{}",
        summary.rounds,
        summary.slots,
        summary.heldout_drop_pct,
        summary.upload_ratio,
        summary.checkpoint.display(),
        summary.digest,
        summary.plot.as_ref().map_or(String::new(), |plot| format!("plot {}", plot.display()))
    );
    context.print(&summary, text)
}

/// The held-out loss before the first step and after each round. From the record, so that a run that was stopped has the same plot.
fn heldout_points(spec: &RunSpec, run: &LocalRun, untrained: f64) -> Vec<(u64, f64)> {
    let steps = u64::from(spec.rounds.inner_steps);
    let rounds = (1u64..).zip(&run.record().rounds);
    let measured =
        rounds.filter_map(|(done, round)| Some((done.saturating_mul(steps), f64::from(round.heldout?))));
    [(0, untrained)].into_iter().chain(measured).collect()
}

/// The held-out loss of a model, unless `stop` is raised.
pub(super) fn measure(
    model: &dyn Inference,
    spec: &RunSpec,
    stream: &Stream,
    windows: u32,
    stop: &Stop,
) -> anyhow::Result<f64> {
    heldout_loss(&Stoppable { model, stop }, spec, stream, windows).map_err(|error| {
        if stop.is_raised() { stop.error("stopped while the held-out loss was measured") } else { error }
    })
}

/// A model that computes until a stop is asked for.
struct Stoppable<'a> {
    model: &'a dyn Inference,
    stop: &'a Stop,
}

impl Stoppable<'_> {
    fn unless_stopped(&self) -> Result<&dyn Inference, EngineError> {
        if self.stop.is_raised() {
            Err(EngineError::Backend("it was stopped".into()))
        } else {
            Ok(self.model)
        }
    }
}

impl Inference for Stoppable<'_> {
    fn loss(&self, batch: &Batch) -> Result<f64, EngineError> {
        self.unless_stopped()?.loss(batch)
    }

    fn next_logits(&self, tokens: &[u32]) -> Result<Vec<f32>, EngineError> {
        self.unless_stopped()?.next_logits(tokens)
    }
}

/// By how many percent `after` is below `before`.
pub(super) fn drop_pct(before: f64, after: f64) -> f64 {
    100.0 * (1.0 - after / before)
}

/// A run that a full disk stopped goes on from what it had saved.
fn stands(error: anyhow::Error) -> anyhow::Error {
    if is_of_full_disk(&error) { error.context(GO_ON) } else { error }
}

/// What a folder holds is input; a disk that fails is not.
fn as_bad_input(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<LocalError>() {
        Ok(error @ LocalError::File(_)) => error.into(),
        Ok(error) => failure(Exit::BadInput, error),
        Err(other) => other,
    }
}

/// How a checkpoint's held-out loss is measured.
type Heldout<'a> = &'a dyn Fn(&Checkpoint) -> anyhow::Result<f64>;

/// The progress bar.
struct Bar<'a> {
    spec: &'a RunSpec,
    progress: Progress,
    begun: bool,
    quiet: bool,
    heldout: Heldout<'a>,
    /// The held-out loss of the last round.
    measured: Option<f64>,
}

impl<'a> Bar<'a> {
    fn new(spec: &'a RunSpec, quiet: bool, heldout: Heldout<'a>) -> Self {
        let RoundSpec { count, slots, inner_steps, .. } = spec.rounds;
        let steps =
            [u64::from(slots), u64::from(inner_steps)].into_iter().fold(count.into(), u64::saturating_mul);
        let progress = Progress::new("training", Unit::Steps, steps, quiet);
        Self { spec, progress, begun: false, quiet, heldout, measured: None }
    }

    /// Steps that this machine has done: the slots of a round follow each other here.
    fn step_of(&self, round: RoundIndex, slot: SlotIndex, done: u32) -> u64 {
        let slots = u64::from(round) * u64::from(self.spec.rounds.slots) + u64::from(slot);
        slots * u64::from(self.spec.rounds.inner_steps) + u64::from(done)
    }
}

impl Observer for Bar<'_> {
    fn begins(&mut self, round: RoundIndex, slot: SlotIndex, done: u32) {
        if !std::mem::replace(&mut self.begun, true) {
            self.progress.starts_at(self.step_of(round, slot, done));
        }
    }

    fn step(&mut self, report: &StepReport) {
        let done = self.step_of(report.round, report.slot, report.done);
        let tokens = f64::from(self.spec.rounds.batch) * f64::from(self.spec.model.context);
        let rate = self.progress.rate(done) * tokens;
        let place = || place(self.spec, report.round, report.slot);
        self.progress.set(done, || format!("{}, loss {:.4}, {rate:.0} tokens/s", place(), report.loss));
    }

    fn measure(&mut self, checkpoint: &Checkpoint) -> anyhow::Result<Option<f32>> {
        let loss = (self.heldout)(checkpoint).context(GO_ON)?;
        self.measured = Some(loss);
        Ok(Some(loss as f32))
    }

    fn ends(&mut self, round: RoundIndex, record: &RoundRecord) {
        if self.quiet || self.spec.rounds.slots == 1 {
            return;
        }
        let heldout = record.heldout.map_or(String::new(), |loss| format!(", held-out {loss:.4}"));
        self.progress.say(format_args!(
            "round {round}: loss {:.4}{heldout}, checkpoint {}",
            record.mean_loss(),
            record.checkpoint.root
        ));
    }
}
