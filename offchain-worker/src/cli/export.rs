//! `model export` and `model logits`: a model for other programs.

use super::{Context, checkpoint::CheckpointArgs, model::EngineArgs};
use crate::{
    engine::{Engine, export},
    error::{Exit, ResultExt, failure},
    files, specfile,
};
use clap::Args;
use sabha_protocol::Digest;
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of `model export`.
#[derive(Args, Debug)]
#[command(
    after_help = "The folder loads in `transformers` as LlamaForCausalLM, and in what reads its format.\n\n\
                        Example: sabha-worker model export --checkpoint first-run/checkpoint.safetensors --spec spec.toml \
                        --out exported"
)]
pub struct ExportArgs {
    /// Which checkpoint.
    #[command(flatten)]
    pub checkpoint: CheckpointArgs,
    /// The run specification that the model was trained with
    #[arg(long, value_name = "FILE")]
    pub spec: PathBuf,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Arguments of `model logits`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: sabha-worker model logits --checkpoint first-run/checkpoint.safetensors --spec spec.toml \
                        --tokens tokens.json --out logits.bin"
)]
pub struct LogitsArgs {
    /// Which checkpoint.
    #[command(flatten)]
    pub checkpoint: CheckpointArgs,
    /// Which model.
    #[command(flatten)]
    pub engine: EngineArgs,
    /// A JSON list of token ids, at most as many as the model's context
    #[arg(long, value_name = "FILE")]
    pub tokens: PathBuf,
    /// The file for the logits: for each token a row of one 32-bit float for each token of the vocabulary, little-endian
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Serialize)]
struct Exported {
    checkpoint: Digest,
    folder: PathBuf,
    files: Vec<&'static str>,
}

/// Runs `model export`.
///
/// # Errors
/// [`Exit::BadInput`] for a checkpoint, specification or folder that cannot be used.
pub fn run_export(args: &ExportArgs, context: &Context) -> anyhow::Result<()> {
    let model = specfile::model_of(&args.spec).exit(Exit::BadInput)?;
    let (checkpoint, digest) = args.checkpoint.load(&model, context)?;
    let files = export::export(&model, &checkpoint, &args.out).exit(Exit::BadInput)?;
    let text = format!("{}: {}", args.out.display(), files.join(", "));
    context.print(&Exported { checkpoint: digest, folder: args.out.clone(), files }, text)
}

#[derive(Serialize)]
struct Computed {
    checkpoint: Digest,
    rows: usize,
    columns: u32,
    file: PathBuf,
}

/// Runs `model logits`.
///
/// # Errors
/// [`Exit::BadInput`] for a checkpoint, specification or tokens that cannot be used.
pub fn run_logits(args: &LogitsArgs, context: &Context) -> anyhow::Result<()> {
    let model = specfile::model_of(&args.engine.spec).exit(Exit::BadInput)?;
    let bytes = files::read(&args.tokens).exit(Exit::BadInput)?;
    let refuse = |what: String| failure(Exit::BadInput, format!("{}: {what}", args.tokens.display()));
    let tokens: Vec<u32> = serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string()))?;
    if tokens.is_empty() || tokens.len() > model.context as usize {
        return Err(refuse(format!("{} tokens: there must be 1 to {}", tokens.len(), model.context)));
    }
    if let Some(token) = tokens.iter().find(|token| **token >= model.vocabulary) {
        return Err(refuse(format!("token {token} is beyond the vocabulary of {}", model.vocabulary)));
    }
    let length = u32::try_from(tokens.len()).unwrap_or(u32::MAX);
    args.checkpoint.memory(context)?.admit_use(&model, 1, length).exit(Exit::BadInput)?;
    let (checkpoint, digest) = args.checkpoint.load(&model, context)?;
    let engine = args.engine.engine(context)?;
    let logits = engine.load(&model, &checkpoint)?.logits(&tokens)?;
    let bytes: Vec<u8> = logits.iter().flat_map(|logit| logit.to_le_bytes()).collect();
    files::write_atomic(&args.out, &bytes)?;
    let (rows, columns, file) = (tokens.len(), model.vocabulary, args.out.clone());
    let text = format!("{rows} rows of {columns} logits in {}", file.display());
    context.print(&Computed { checkpoint: digest, rows, columns, file }, text)
}
