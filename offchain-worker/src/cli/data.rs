//! `data`: pack text into a dataset, and verify one.

use super::Context;
use crate::{
    data::{DataError, Manifest, PackOptions, pack},
    error::{Exit, ResultExt},
    progress::{Progress, Unit},
};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// Arguments of `data`.
#[derive(Args, Debug)]
pub struct DataArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DataCommand,
}

/// What to do with data.
#[derive(Subcommand, Debug)]
pub enum DataCommand {
    /// Pack files of UTF-8 text into a dataset: one stream of bytes, and a manifest
    Pack(PackArgs),
    /// Read a dataset's stream and compare it with its manifest, shard by shard
    Verify {
        /// The dataset's folder
        folder: PathBuf,
    },
    /// Show a dataset's manifest
    Show {
        /// The dataset's folder
        folder: PathBuf,
    },
}

/// Arguments of `data pack`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: sabha-worker data pack books/ --out packed/books --title \"Old books\" --language es --licence CC0-1.0"
)]
pub struct PackArgs {
    /// Files, and folders whose files are packed in the order of their paths; names that begin with a dot are skipped
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Title of the dataset
    #[arg(long)]
    pub title: String,
    /// Language tag, such as es, hi or pt-BR
    #[arg(long)]
    pub language: String,
    /// Licence, as an SPDX identifier where there is one, such as CC0-1.0
    #[arg(long, alias = "license")]
    pub licence: String,
    /// Part of the stream, at its end, that is never trained on
    #[arg(long, alias = "heldout", default_value_t = 0.02, value_name = "FRACTION")]
    pub heldout_fraction: f64,
    /// Replace the dataset that is in the folder
    #[arg(long)]
    pub replace: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Exit::BadInput`] if the input cannot be packed, or the dataset is damaged.
pub fn run(args: DataArgs, context: &Context) -> anyhow::Result<()> {
    match args.command {
        DataCommand::Pack(args) => run_pack(args, context),
        DataCommand::Verify { folder } => verify(&folder, context),
        DataCommand::Show { folder } => {
            let manifest = Manifest::read(&folder).exit(Exit::BadInput)?;
            let text = words(&folder, &manifest);
            context.print(&manifest, text)
        }
    }
}

fn run_pack(args: PackArgs, context: &Context) -> anyhow::Result<()> {
    let options = PackOptions {
        title: args.title,
        language: args.language,
        licence: args.licence,
        heldout_fraction: args.heldout_fraction,
        replace: args.replace,
    };
    let packed =
        with_progress("packing", context, |progress| pack(&args.inputs, &args.out, &options, progress));
    let summary = match packed {
        Err(DataError::Stopped) => {
            return Err(context.stop.error(format!("stopped: {} is as it was", args.out.display())));
        }
        other => other.exit(Exit::BadInput)?,
    };
    if summary.manifest.heldout_tokens == 0 && options.heldout_fraction > 0.0 {
        tracing::warn!(
            tokens = summary.manifest.tokens,
            "the corpus is so small that nothing of it is held out: no run can be checked on it. Pack more text, or hold more out \
             with --heldout-fraction"
        );
    }
    let text = words(&summary.folder, &summary.manifest);
    context.print(&summary, text)
}

/// Does work whose progress is shown, and that a signal stops.
fn with_progress<T>(
    what: &'static str,
    context: &Context,
    work: impl FnOnce(&mut dyn FnMut(u64, u64) -> ControlFlow<()>) -> T,
) -> T {
    let mut bar: Option<Progress> = None;
    let done = work(&mut |done, total| {
        let new = || Progress::new(what, Unit::Bytes, total, context.global.json);
        bar.get_or_insert_with(new).set(done, String::new);
        if context.stop.is_raised() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    if let Some(bar) = bar {
        bar.finish();
    }
    done
}

#[derive(Serialize)]
struct Verified<'a> {
    folder: &'a Path,
    root: sabha_protocol::Digest,
    shards: usize,
    bytes: u64,
}

fn verify(folder: &Path, context: &Context) -> anyhow::Result<()> {
    let manifest = Manifest::read(folder).exit(Exit::BadInput)?;
    match with_progress("verifying", context, |progress| manifest.verify(folder, progress)) {
        Err(DataError::Stopped) => return Err(context.stop.error("stopped: nothing is known of the rest")),
        other => other.exit(Exit::BadInput)?,
    }
    let (root, shards) = (manifest.root, manifest.shards.len());
    let bytes = manifest.tokens.saturating_mul(u64::from(manifest.token_bytes));
    let text = format!(
        "{}: {shards} shards, {bytes} bytes, all as the manifest says; root {root}",
        folder.display()
    );
    context.print(&Verified { folder, root, shards, bytes }, text)
}

fn words(folder: &Path, manifest: &Manifest) -> String {
    format!(
        "{}: {} ({}, {})\n{} documents, {} tokens in {} shards, the last {} held out\nstream {}\nroot   {}",
        folder.display(),
        manifest.title,
        manifest.language,
        manifest.licence,
        manifest.documents,
        manifest.tokens,
        manifest.shards.len(),
        manifest.heldout_tokens,
        manifest.stream,
        manifest.root
    )
}
