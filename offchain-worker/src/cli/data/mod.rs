//! `data`: pack text or images into a dataset, look at one, make a view of it, publish it, claim it.

mod begun;
mod claim;
mod publish;
mod registry;

use super::Context;
use crate::{
    data::{
        DataError, Format, Manifest, PackOptions, pack,
        report::{self, LICENCES, Report},
        view::{self, ViewOptions},
    },
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
    /// Pack text, rows of JSON or Parquet, or labelled images into a dataset: one stream of bytes, and a manifest
    Pack(PackArgs),
    /// Read a dataset's stream and compare it with its manifest, shard by shard and count by count
    Verify {
        /// The dataset's folder
        folder: PathBuf,
    },
    /// Look at a dataset as a curator would: duplicates, language, personal data, licence
    Check(CheckArgs),
    /// Make a view of a text dataset: the tokens of a tokenizer's file
    Tokenize(TokenizeArgs),
    /// Show a dataset's manifest
    Show {
        /// The dataset's folder
        folder: PathBuf,
    },
    /// Put a dataset's shards and its manifest among the blobs that this worker serves
    Publish(publish::PublishArgs),
    /// Fetch a dataset by its manifest's digest, or what somebody claims
    Fetch(publish::FetchArgs),
    /// Claim a packed dataset for one of the chain's: seal it, wait, and tell it
    Claim(claim::ClaimArgs),
    /// Give a claim up that was not told yet
    Withdraw(claim::NumberArgs),
    /// Appeal against what was decided about a claim; it takes a bond, and a referendum on the DatasetArbiter track
    Appeal(claim::NumberArgs),
    /// Do what is due for a claim
    Poke(claim::NumberArgs),
    /// Show the open claims, or one of them
    Claims(claim::ListArgs),
    /// List the chain's datasets
    List(registry::ListArgs),
    /// Register a dataset on the chain
    Register(registry::RegisterArgs),
    /// Add to the budget of one of the chain's datasets
    Donate(registry::DonateArgs),
    /// Let one of the chain's datasets take no claims any more
    Close(registry::CloseArgs),
}

/// Arguments of `data pack`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: sabha-worker data pack books/ --out packed/books --title \"Old books\" --language es --licence CC0-1.0"
)]
pub struct PackArgs {
    /// Files, and folders whose files are packed in the order of their names; names that begin with a dot are skipped. Images: one
    /// folder with a folder for each label, or a file of IDX with images and one with labels
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// What the inputs are; without it, what their names tell, else text
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<FormatName>,
    /// Of JSON or Parquet: the field, or the column, that holds the text
    #[arg(long, default_value = "text", value_name = "NAME")]
    pub field: String,
    /// Title of the dataset
    #[arg(long)]
    pub title: String,
    /// Language tag, such as es, hi or pt-BR; zxx for images without a language
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

/// What inputs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FormatName {
    /// Files of UTF-8 text
    Text,
    /// Files *.jsonl or *.ndjson, compressed by gzip or not: one JSON object a line
    Jsonl,
    /// Files *.parquet
    Parquet,
    /// A folder with a folder for each label: PNG, PGM and PPM
    Images,
    /// Two files of IDX, as the MNIST digits
    Idx,
}

/// Arguments of `data check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// The dataset's folder
    pub folder: PathBuf,
    /// A licence that is allowed; may be given several times. Without it, those that the chain's list starts with
    #[arg(long = "allow", value_name = "SPDX")]
    pub allowed: Vec<String>,
}

/// Arguments of `data tokenize`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: sabha-worker data tokenize packed/books --tokenizer tokenizer.json --end-token '</s>' --out packed/books-bpe"
)]
pub struct TokenizeArgs {
    /// The folder of a text dataset
    pub folder: PathBuf,
    /// The tokenizer's file, tokenizer.json
    #[arg(long, value_name = "FILE")]
    pub tokenizer: PathBuf,
    /// The hash that the file must have; without it, any
    #[arg(long, value_name = "DIGEST")]
    pub tokenizer_digest: Option<sabha_protocol::Digest>,
    /// The token that ends a document
    #[arg(long, default_value = "<|endoftext|>", value_name = "TOKEN")]
    pub end_token: String,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
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
/// [`Exit::BadInput`] if the input cannot be packed, or the dataset is damaged; [`Exit::Refused`] if the chain refuses.
pub async fn run(args: DataArgs, context: &Context) -> anyhow::Result<()> {
    match args.command {
        DataCommand::Pack(args) => run_pack(args, context),
        DataCommand::Verify { folder } => verify(&folder, context),
        DataCommand::Check(args) => check(&args, context),
        DataCommand::Tokenize(args) => tokenize(args, context),
        DataCommand::Show { folder } => {
            let manifest = Manifest::read(&folder).exit(Exit::BadInput)?;
            let text = words(&folder, &manifest);
            context.print(&manifest, text)
        }
        DataCommand::Publish(args) => publish::publish(&args, context),
        DataCommand::Fetch(args) => publish::fetch(args, context).await,
        DataCommand::Claim(args) => claim::run(args, context).await,
        DataCommand::Withdraw(args) => claim::withdraw(args, context).await,
        DataCommand::Appeal(args) => claim::appeal(args, context).await,
        DataCommand::Poke(args) => claim::poke(args, context).await,
        DataCommand::Claims(args) => claim::list(args, context).await,
        DataCommand::List(args) => registry::list(args, context).await,
        DataCommand::Register(args) => registry::register(args, context).await,
        DataCommand::Donate(args) => registry::donate(args, context).await,
        DataCommand::Close(args) => registry::close(args, context).await,
    }
}

fn run_pack(args: PackArgs, context: &Context) -> anyhow::Result<()> {
    let format = match args.format {
        None => match Format::of(&args.inputs) {
            Format::Jsonl { .. } => Format::Jsonl { field: args.field },
            Format::Parquet { .. } => Format::Parquet { column: args.field },
            other => other,
        },
        Some(FormatName::Text) => Format::Text,
        Some(FormatName::Jsonl) => Format::Jsonl { field: args.field },
        Some(FormatName::Parquet) => Format::Parquet { column: args.field },
        Some(FormatName::Images) => Format::Images,
        Some(FormatName::Idx) => Format::Idx,
    };
    let options = PackOptions {
        title: args.title,
        language: args.language,
        licence: args.licence,
        format,
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
    let mut text = words(&summary.folder, &summary.manifest);
    if summary.skipped_rows > 0 {
        text.push_str(&format!("\n{} rows without text were left out", summary.skipped_rows));
    }
    context.print(&summary, text)
}

fn check(args: &CheckArgs, context: &Context) -> anyhow::Result<()> {
    let manifest = Manifest::read(&args.folder).exit(Exit::BadInput)?;
    let allowed = match args.allowed.as_slice() {
        [] => LICENCES.map(String::from).to_vec(),
        some => some.to_vec(),
    };
    let looked = with_progress("looking", context, |progress| {
        report::of_folder(&args.folder, &manifest, &allowed, progress)
    });
    let report = match looked {
        Err(DataError::Stopped) => return Err(context.stop.error("stopped: nothing is known of the rest")),
        other => other.exit(Exit::BadInput)?,
    };
    context.print(&report, report_words(&report))
}

/// A report for people.
pub(super) fn report_words(report: &Report) -> String {
    let mut text = format!(
        "{} bytes, {} parts judged: {}.{:02} % accepted, quality {} of 100",
        report.bytes,
        report.judged,
        report.accepted / 100,
        report.accepted % 100,
        report.quality
    );
    let languages: Vec<String> = report
        .languages
        .iter()
        .map(|(tag, part)| format!("{tag} {}.{:02} %", part / 100, part % 100))
        .collect();
    if !languages.is_empty() {
        text.push_str(&format!("\nlanguages: {}", languages.join(", ")));
    }
    for finding in &report.findings {
        text.push_str(&format!("\n- {finding}"));
    }
    text
}

fn tokenize(args: TokenizeArgs, context: &Context) -> anyhow::Result<()> {
    let options = ViewOptions {
        tokenizer: args.tokenizer_digest,
        end: args.end_token,
        heldout_fraction: args.heldout_fraction,
        replace: args.replace,
    };
    let made = with_progress("tokenizing", context, |progress| {
        view::make(&args.folder, &args.tokenizer, &args.out, &options, progress)
    });
    let manifest = match made {
        Err(DataError::Stopped) => {
            return Err(context.stop.error(format!("stopped: {} is as it was", args.out.display())));
        }
        other => other.exit(Exit::BadInput)?,
    };
    let text = words(&args.out, &manifest);
    context.print(&manifest, text)
}

/// Does work whose progress is shown, and that a signal stops.
pub(super) fn with_progress<T>(
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
    let bytes = manifest.bytes();
    let text = format!(
        "{}: {shards} shards, {bytes} bytes, all as the manifest says; root {root}",
        folder.display()
    );
    context.print(&Verified { folder, root, shards, bytes }, text)
}

fn words(folder: &Path, manifest: &Manifest) -> String {
    let what = match &manifest.images {
        Some(images) => {
            format!("images of {} by {} with {} labels", images.width, images.height, images.labels.len())
        }
        None => "documents".into(),
    };
    format!(
        "{}: {} ({}, {})\n{} {what}, {} tokens in {} shards, the last {} held out\nstream {}\nroot   {}",
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
