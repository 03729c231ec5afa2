//! `model`: text from a checkpoint, its loss on held-out text, and what is in it; models of the chain's registry.

use super::{
    Context,
    checkpoint::CheckpointArgs,
    export::{ExportArgs, LogitsArgs, run_export, run_logits},
    on_chain::QueryArgs,
    registry,
    train::{drop_pct, measure},
};
use crate::{
    config::{Config, DeviceArgs, MemoryArgs},
    data::Stream,
    engine::{
        AnyEngine, Checkpoint, Engine, Inference,
        generate::{Sampling, Utf8, generate},
        init,
        rounds::{RoundCheckpoint, checkpoint::MOMENTUM},
    },
    error::{Exit, ResultExt, failure},
    output::Output,
    specfile,
};
use clap::{Args, Subcommand};
use sabha_protocol::{
    Digest,
    models::ModelId,
    spec::{ModelSpec, RunSpec},
};
use safetensors::SafeTensors;
use serde::Serialize;
use std::{
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
};

/// Arguments of `model`.
#[derive(Args, Debug)]
pub struct ModelArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ModelCommand,
}

/// What to do with models.
#[derive(Subcommand, Debug)]
pub enum ModelCommand {
    /// List the models of the chain's registry
    List(registry::ListArgs),
    /// Register the result of a completed run
    Register(registry::RegisterArgs),
    /// Pay for a model: the chain splits it between data, compute, backers and parents
    Pay(registry::PayArgs),
    /// Pass on what forks were paid for a model
    Distribute(registry::DistributeArgs),
    /// Download a model's weights, and check them against the chain
    Fetch(registry::FetchArgs),
    /// Write text with a trained model
    Generate(GenerateArgs),
    /// Measure a checkpoint's loss on the held-out text, beside the untrained model's
    Evaluate(EvaluateArgs),
    /// Show what the chain knows of a model, or what a checkpoint holds
    Show(ShowArgs),
    /// Write a folder that `transformers` loads
    Export(ExportArgs),
    /// Compute the logits that follow each of some tokens
    Logits(LogitsArgs),
}

/// Which model, on what.
#[derive(Args, Clone, Debug)]
pub struct EngineArgs {
    /// The run specification that the model was trained with
    #[arg(long, value_name = "FILE")]
    pub spec: PathBuf,
    /// What to compute on.
    #[command(flatten)]
    pub device: DeviceArgs,
}

impl EngineArgs {
    /// The engines on the device.
    pub(super) fn engine(&self, context: &Context) -> anyhow::Result<AnyEngine> {
        engine_on(&self.device, context)
    }
}

/// The engines on the device that a flag or the configuration names, a GPU's compared with the definitions.
pub(super) fn engine_on(device: &DeviceArgs, context: &Context) -> anyhow::Result<AnyEngine> {
    let config = Config::load(&context.global)?.with_device(device);
    AnyEngine::compared_on(&config.engine.device)
}

/// Arguments of `model generate`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: sabha-worker model generate --checkpoint first-run/checkpoint.safetensors --spec spec.toml \
                        --prompt \"En el principio\" --length 200"
)]
pub struct GenerateArgs {
    /// Which checkpoint.
    #[command(flatten)]
    pub checkpoint: CheckpointArgs,
    /// Which model.
    #[command(flatten)]
    pub engine: EngineArgs,
    /// What the text begins with. Without it: what begins a document
    #[arg(long, default_value = "", hide_default_value = true)]
    pub prompt: String,
    /// How many bytes to write at most
    #[arg(long, default_value_t = 400)]
    pub length: usize,
    /// 0 always takes the likeliest byte, 1 draws as the model says
    #[arg(long, default_value_t = 0.8)]
    pub temperature: f64,
    /// Draw from so many of the likeliest bytes only; 0 for all
    #[arg(long, default_value_t = 40)]
    pub top_k: usize,
    /// Seed of the draws: the same seed gives the same text
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// Arguments of `model evaluate`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: sabha-worker model evaluate --checkpoint first-run/checkpoint.safetensors --spec spec.toml \
                        --data packed/spanish"
)]
pub struct EvaluateArgs {
    /// Which checkpoint.
    #[command(flatten)]
    pub checkpoint: CheckpointArgs,
    /// Which model.
    #[command(flatten)]
    pub engine: EngineArgs,
    /// The packed dataset whose tail was held out
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Windows of the held-out text to measure on, spread evenly over it
    #[arg(long, default_value_t = 128, value_name = "NUMBER")]
    pub windows: u32,
}

/// Arguments of `model show`.
#[derive(Args, Debug)]
#[command(after_help = "Examples: sabha-worker model show 0\n\
                  \u{20}         sabha-worker model show --checkpoint first-run/checkpoint.safetensors --spec spec.toml")]
pub struct ShowArgs {
    /// The model's number in the chain's registry
    #[arg(required_unless_present = "checkpoint", conflicts_with = "checkpoint")]
    pub model: Option<ModelId>,
    /// Instead: a safetensors file, or the digest of a checkpoint in the blob store (see --blobs)
    #[arg(long, value_name = "FILE|DIGEST")]
    pub checkpoint: Option<PathBuf>,
    /// The folder of checkpoints and updates, by digest
    #[arg(long, env = "SABHA_BLOBS", value_name = "DIR")]
    pub blobs: Option<PathBuf>,
    /// How much memory the checkpoint may take.
    #[command(flatten)]
    pub memory: MemoryArgs,
    /// Which chain.
    #[command(flatten)]
    pub query: QueryArgs,
    /// The run specification that the checkpoint was trained with: checks the tensors, and gives the state root over them
    #[arg(long, value_name = "FILE")]
    pub spec: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// [`Exit::BadInput`] for a checkpoint, specification, dataset or model that cannot be used; the registry's.
pub async fn run(args: ModelArgs, context: &Context) -> anyhow::Result<()> {
    match args.command {
        ModelCommand::List(args) => registry::list(args, context).await,
        ModelCommand::Register(args) => registry::register(args, context).await,
        ModelCommand::Pay(args) => registry::pay(args, context).await,
        ModelCommand::Distribute(args) => registry::distribute(args, context).await,
        ModelCommand::Fetch(args) => registry::fetch(args, context).await,
        ModelCommand::Generate(args) => run_generate(&args, context),
        ModelCommand::Evaluate(args) => evaluate(&args, context),
        ModelCommand::Show(args) => match (args.model, &args.checkpoint) {
            (Some(model), _) => registry::show(model, &args.query, context).await,
            (None, Some(file)) => show(file, &args, context),
            (None, None) => Err(failure(Exit::BadInput, "name a model, or a file with --checkpoint")),
        },
        ModelCommand::Export(args) => run_export(&args, context),
        ModelCommand::Logits(args) => run_logits(&args, context),
    }
}

/// A model on a device.
fn load(
    engine: &EngineArgs,
    model: &ModelSpec,
    checkpoint: &Checkpoint,
    context: &Context,
) -> anyhow::Result<Box<dyn Inference>> {
    Ok(engine.engine(context)?.load(model, checkpoint)?)
}

#[derive(Serialize)]
struct Generated<'a> {
    checkpoint: Digest,
    prompt: &'a str,
    text: &'a str,
}

fn run_generate(args: &GenerateArgs, context: &Context) -> anyhow::Result<()> {
    let sampling = Sampling { temperature: args.temperature, top_k: args.top_k, seed: args.seed };
    sampling.check().exit(Exit::BadInput)?;
    let spec = specfile::model_of(&args.engine.spec).exit(Exit::BadInput)?;
    // Tokens are bytes: a larger vocabulary needs a tokeniser, which this release has not.
    if spec.vocabulary > 256 {
        let message = format!("model.vocabulary is {}: text needs a byte-level model (256)", spec.vocabulary);
        return Err(failure(Exit::BadInput, message));
    }
    let length = args.prompt.len().saturating_add(args.length).saturating_add(1);
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    args.checkpoint.memory(context)?.admit_use(&spec, 1, length).exit(Exit::BadInput)?;
    let (checkpoint, digest) = args.checkpoint.load(&spec, context)?;
    let model = load(&args.engine, &spec, &checkpoint, context)?;
    let prompt: Vec<u32> = args.prompt.bytes().map(u32::from).collect();
    if let Some(token) = prompt.iter().find(|token| **token >= spec.vocabulary) {
        let message = format!("the prompt holds byte {token}, the model knows {} only", spec.vocabulary);
        return Err(failure(Exit::BadInput, message));
    }
    let mut out = Output::lock();
    let json = context.global.json;
    if !json {
        write!(out, "{}", args.prompt)?;
    }
    let (mut text, mut utf8) = (String::new(), Utf8::default());
    generate(model.as_ref(), &prompt, args.length, &sampling, |token| {
        let piece = utf8.push(u8::try_from(token).unwrap_or_default());
        if !json {
            write!(out, "{piece}")?;
            out.flush()?;
        }
        text.push_str(&piece);
        Ok(!context.stop.is_raised())
    })?;
    let rest = utf8.finish();
    text.push_str(&rest);
    if context.stop.is_raised() {
        if !json {
            writeln!(out, "{rest}")?;
        }
        return Err(context.stop.error(format!("stopped after {} bytes of text", text.len())));
    }
    if json {
        drop(out);
        return context.print(&Generated { checkpoint: digest, prompt: &args.prompt, text: &text }, "");
    }
    writeln!(out, "{rest}")?;
    Ok(())
}

#[derive(Serialize)]
struct Evaluated {
    checkpoint: Digest,
    /// As many as the tail has room for.
    windows: usize,
    untrained: f64,
    trained: f64,
    drop_pct: f64,
}

fn evaluate(args: &EvaluateArgs, context: &Context) -> anyhow::Result<()> {
    let spec = specfile::load(&args.engine.spec, Some(&args.data)).exit(Exit::BadInput)?;
    let samples = spec.rounds.batch.min(args.windows);
    args.checkpoint.memory(context)?.admit_use(&spec.model, samples, u32::MAX).exit(Exit::BadInput)?;
    let stream = Stream::of_spec(&args.data, &spec).exit(Exit::BadInput)?;
    let (checkpoint, digest) = args.checkpoint.load(&spec.model, context)?;
    let windows = Stream::heldout_offsets(&spec, args.windows)?.len();
    let loss = |spec: &RunSpec, checkpoint: &Checkpoint| -> anyhow::Result<f64> {
        let model = load(&args.engine, &spec.model, checkpoint, context)?;
        measure(model.as_ref(), spec, &stream, args.windows, &context.stop)
    };
    let untrained = loss(&spec, &init::of_spec(&spec)?)?;
    let trained = loss(&spec, &checkpoint)?;
    let drop_pct = drop_pct(untrained, trained);
    let text = format!(
        "held-out loss {untrained:.4} untrained, {trained:.4} trained: {drop_pct:.1} % less (nats per token)"
    );
    context.print(&Evaluated { checkpoint: digest, windows, untrained, trained, drop_pct }, text)
}

#[derive(Serialize)]
struct Shown {
    file: PathBuf,
    digest: Digest,
    /// Of the state of these parameters alone, where the model is known.
    root: Option<Digest>,
    /// With their momenta, if they are there: what the chain carries.
    checkpoint_root: Option<Digest>,
    parameters: u64,
    tensors: Vec<ShownTensor>,
}

#[derive(Serialize)]
struct ShownTensor {
    name: String,
    shape: Vec<usize>,
    dtype: String,
}

fn show(file: &Path, args: &ShowArgs, context: &Context) -> anyhow::Result<()> {
    let (checkpoint, blobs, memory) = (file.to_path_buf(), args.blobs.clone(), args.memory);
    let file = CheckpointArgs { checkpoint, blobs, memory }.read(context)?;
    let tensors = tensors(&file.path, &file.bytes)?;
    let count = |tensor: &ShownTensor| tensor.shape.iter().map(|d| *d as u64).product::<u64>();
    let (mut root, mut checkpoint_root) = (None, None);
    if let Some(spec) = &args.spec {
        let model = specfile::model_of(spec).exit(Exit::BadInput)?;
        root = Some(file.checkpoint_of(&model)?.root());
        checkpoint_root =
            RoundCheckpoint::from_blob(&model, &file.bytes).ok().map(|checkpoint| checkpoint.root());
    }
    let of_model = |tensor: &&ShownTensor| !tensor.name.starts_with(MOMENTUM);
    let parameters = tensors.iter().filter(of_model).map(count).sum();
    let shown = Shown { digest: file.digest, root, checkpoint_root, parameters, file: file.path, tensors };
    let mut text = format!("{}\nBLAKE3 {}\n", shown.file.display(), shown.digest);
    if let Some(root) = shown.root {
        writeln!(text, "root   {root}")?;
    }
    if let Some(root) = shown.checkpoint_root {
        writeln!(text, "root   {root} with momenta")?;
    }
    writeln!(text, "{} parameters", shown.parameters)?;
    for ShownTensor { name, shape, dtype } in &shown.tensors {
        writeln!(text, "  {name} {dtype} {shape:?}")?;
    }
    context.print(&shown, text)
}

fn tensors(file: &Path, bytes: &[u8]) -> anyhow::Result<Vec<ShownTensor>> {
    let read = SafeTensors::deserialize(bytes).map_err(|error| {
        failure(Exit::BadInput, format!("{} is not a whole safetensors file ({error})", file.display()))
    })?;
    let mut tensors: Vec<ShownTensor> = read
        .iter()
        .map(|(name, tensor)| ShownTensor {
            name: name.to_string(),
            shape: tensor.shape().to_vec(),
            dtype: format!("{:?}", tensor.dtype()),
        })
        .collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tensors)
}
