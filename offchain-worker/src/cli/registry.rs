//! `model list`, `show`, `register`, `pay`, `distribute`, `fetch`: the chain's registry of models.

use super::{
    Context, blob,
    on_chain::{QueryArgs, Receipt, SendArgs, Session, as_text, parse_amount, sbh},
};
use crate::{
    blobs::WorkerAddress,
    chain::{At, Call, ChainResult, Model, names::event},
    config::{ChainArgs, Config, StorageArgs},
    engine::rounds::{checkpoint_bytes, root_of_blob},
    error::{Exit, ResultExt, failure},
    files::{self, FileError},
    keys::AccountId,
};
use clap::Args;
use sabha_protocol::{Balance, Digest, RunId, models::ModelId, spec::ModelSpec};
use serde::Serialize;
use std::{fmt::Write, path::PathBuf};

/// Workers whose addresses are looked up for a download, at most.
const ASKED: usize = 64;
/// Beside the checkpoint in the folder of `model fetch`.
const CHECKPOINT: &str = "checkpoint.safetensors";
/// The model's shape, as `--spec` of other commands takes it.
const SHAPE: &str = "model.toml";
/// What the chain knows of it.
const RECORD: &str = "model.json";

/// Arguments of `model list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Which chain.
    #[command(flatten)]
    pub query: QueryArgs,
}

/// Arguments of `model register`.
#[derive(Args, Debug)]
pub struct RegisterArgs {
    /// The completed run
    pub run: RunId,
    /// Who signs, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `model pay`.
#[derive(Args, Debug)]
#[command(after_help = "Example: sabha-worker model pay 0 1000 --key product.json")]
pub struct PayArgs {
    /// The model's number
    pub model: ModelId,
    /// How much, in SBH
    #[arg(value_parser = parse_amount)]
    pub amount: Balance,
    /// Who signs and pays, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `model distribute`.
#[derive(Args, Debug)]
pub struct DistributeArgs {
    /// The model's number
    pub model: ModelId,
    /// Who signs, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `model fetch`.
#[derive(Args, Debug)]
#[command(after_help = "The folder can be used by the other commands:\n\
                  Example: sabha-worker model fetch 0 --out first\n\
                  \u{20}        sabha-worker model generate --checkpoint first/checkpoint.safetensors --spec first/model.toml --prompt \"Once\"")]
pub struct FetchArgs {
    /// The model's number
    pub model: ModelId,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Another worker to ask besides those on chain, <node id>@<ip>:<port>; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    pub from: Vec<WorkerAddress>,
    /// Where files are.
    #[command(flatten)]
    pub storage: StorageArgs,
    /// Which chain.
    #[command(flatten)]
    pub chain: ChainArgs,
}

/// A model, as JSON and for people.
#[derive(Serialize)]
pub(super) struct Record {
    model: ModelId,
    name: String,
    licence: &'static str,
    /// The address of its weights.
    checkpoint: Digest,
    /// Their root.
    root: Digest,
    parameters: u64,
    shape: ModelSpec,
    /// None if it was imported.
    run: Option<RunId>,
    proposer: Option<AccountId>,
    spec_hash: Option<Digest>,
    rounds: Option<u32>,
    #[serde(serialize_with = "as_text")]
    cost: Balance,
    sources: Vec<Source>,
    parent: Option<ModelId>,
    /// In ten-thousandths of a payment; the treasury has the rest.
    table: Parts,
    #[serde(serialize_with = "as_text")]
    revenue: Balance,
    /// What forks were paid for it, and nobody has distributed.
    #[serde(serialize_with = "as_text")]
    accrued: Balance,
    deprecated: bool,
    successor: Option<ModelId>,
    metrics: Vec<Metric>,
}

#[derive(Serialize)]
struct Source {
    manifest: Digest,
    dataset: Option<u32>,
    bytes: Option<u64>,
}

#[derive(Serialize)]
struct Parts {
    data: u16,
    compute: u16,
    backers: u16,
    parents: u16,
}

#[derive(Serialize)]
struct Metric {
    name: String,
    value: f32,
    evidence: Option<Digest>,
}

impl Record {
    async fn of(at: &At, model: Model) -> anyhow::Result<Self> {
        let metrics = at.metrics(model.id).await.coded()?.into_iter();
        let metrics = metrics.map(|metric| Metric {
            name: metric.name,
            value: metric.value,
            evidence: metric.evidence,
        });
        let accrued = at.accrued(model.id).await.coded()?;
        let trained = model.trained.as_ref();
        let sources = trained.map(|trained| trained.sources.as_slice()).unwrap_or_default().iter();
        Ok(Self {
            model: model.id,
            licence: model.licence.spdx(),
            checkpoint: model.checkpoint.blob,
            root: model.checkpoint.root,
            parameters: model.shape.parameter_count(),
            run: trained.map(|trained| trained.run),
            proposer: trained.map(|trained| trained.proposer),
            spec_hash: trained.map(|trained| trained.spec_hash),
            rounds: trained.map(|trained| trained.rounds),
            cost: trained.map_or(0, |trained| trained.cost),
            sources: sources
                .map(|(manifest, known)| Source {
                    manifest: *manifest,
                    dataset: known.map(|(dataset, _)| dataset),
                    bytes: known.map(|(_, bytes)| bytes),
                })
                .collect(),
            parent: model.parent,
            table: Parts {
                data: model.table.data,
                compute: model.table.compute,
                backers: model.table.backers,
                parents: model.table.parents,
            },
            revenue: model.revenue,
            accrued,
            deprecated: model.deprecated,
            successor: model.successor,
            metrics: metrics.collect(),
            shape: model.shape,
            name: model.name,
        })
    }

    fn line(&self) -> String {
        let from = match (self.run, self.parent) {
            (Some(run), Some(parent)) => format!("run {run}, from model {parent}"),
            (Some(run), None) => format!("run {run}"),
            (None, _) => "imported".into(),
        };
        let deprecated = if self.deprecated { ", deprecated" } else { "" };
        format!(
            "{:>6}  {}: {} parameters, {}, {from}, {} paid for it{deprecated}",
            self.model,
            self.name,
            self.parameters,
            self.licence,
            sbh(self.revenue)
        )
    }

    fn words(&self) -> anyhow::Result<String> {
        let mut text = self.line().trim_start().to_string();
        writeln!(text, "\ncheckpoint  {}\nroot        {}", self.checkpoint, self.root)?;
        for source in &self.sources {
            match (source.dataset, source.bytes) {
                (Some(dataset), Some(bytes)) => {
                    writeln!(text, "data        {} of dataset {dataset}, {bytes} bytes", source.manifest)?;
                }
                _ => writeln!(text, "data        {}, of no dataset that the chain knows", source.manifest)?,
            }
        }
        let Parts { data, compute, backers, parents } = self.table;
        writeln!(text, "of 10,000   data {data}, compute {compute}, backers {backers}, parents {parents}")?;
        if self.accrued > 0 {
            writeln!(
                text,
                "accrued     {}: `sabha-worker model distribute {}`",
                sbh(self.accrued),
                self.model
            )?;
        }
        for metric in &self.metrics {
            writeln!(text, "metric      {} {}", metric.name, metric.value)?;
        }
        if let Some(successor) = self.successor {
            writeln!(text, "successor   {successor}")?;
        }
        Ok(text)
    }
}

async fn find(at: &At, id: ModelId) -> anyhow::Result<Model> {
    let none = || failure(Exit::BadInput, format!("there is no model {id} in the registry of this chain"));
    at.model(id).await.coded()?.ok_or_else(none)
}

/// Lists the registry.
///
/// # Errors
/// [`Exit::NoNode`].
pub async fn list(args: ListArgs, context: &Context) -> anyhow::Result<()> {
    let (_session, at) = args.query.open(context).await?;
    let mut records = Vec::new();
    for model in at.models().await.coded()? {
        records.push(Record::of(&at, model).await?);
    }
    let mut text: String = records.iter().map(|record| format!("{}\n", record.line())).collect();
    if records.is_empty() {
        text = "no models".into();
    }
    context.print(&records, text)
}

/// Shows what the chain knows of a model.
///
/// # Errors
/// [`Exit::BadInput`] if there is no such model.
pub async fn show(model: ModelId, query: &QueryArgs, context: &Context) -> anyhow::Result<()> {
    let (_session, at) = query.open(context).await?;
    let record = Record::of(&at, find(&at, model).await?).await?;
    let text = record.words()?;
    context.print(&record, text)
}

#[derive(Serialize)]
struct Registered {
    model: ModelId,
    run: RunId,
    #[serde(flatten)]
    receipt: Receipt,
}

/// Registers the result of a run.
///
/// # Errors
/// [`Exit::Refused`] if the run is not completed, or was registered.
pub async fn register(args: RegisterArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let (included, receipt) = signed.send(&Call::register_model(args.run)).await?;
    let model = included.first_field(event::REGISTERED).ok_or_else(|| {
        anyhow::anyhow!("the model was registered, but the event {} is missing", event::REGISTERED)
    })?;
    let text = format!("model {model} is the result of run {} (block {})", args.run, receipt.block);
    context.print(&Registered { model, run: args.run, receipt }, text)
}

/// Pays for a model.
///
/// # Errors
/// [`Exit::Refused`] if the chain says no.
pub async fn pay(args: PayArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let done = format!("{} paid for model {}", sbh(args.amount), args.model);
    signed.send_and_print(context, &Call::pay(args.model, args.amount), &done).await
}

/// Passes on what forks were paid for a model.
///
/// # Errors
/// [`Exit::Refused`] if nothing has accrued.
pub async fn distribute(args: DistributeArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let done = format!("what had accrued to model {} is split by its table", args.model);
    signed.send_and_print(context, &Call::distribute(args.model), &done).await
}

#[derive(Serialize)]
struct Fetched {
    folder: PathBuf,
    #[serde(flatten)]
    record: Record,
}

/// Downloads a model's weights from whoever has them, and checks them against the chain.
///
/// # Errors
/// [`Exit::BadInput`] if there is no such model, or the folder cannot be written; [`Exit::NoNode`] if nobody has it.
pub async fn fetch(args: FetchArgs, context: &Context) -> anyhow::Result<()> {
    let session = Session::open(context, &args.chain).await?;
    // What a model is does not change, so it need not be final.
    let at = session.client.at_best().await.coded()?;
    let model = find(&at, args.model).await?;
    let workers = at.some_workers(ASKED).await.coded()?;
    let mut from = args.from.clone();
    from.extend(workers.iter().filter_map(|worker| worker.endpoint.parse::<WorkerAddress>().ok()));
    let config = Config::load(&context.global)?.with_storage(&args.storage);
    let (digest, shape) = (model.checkpoint.blob, model.shape);
    let found = blob::fetch(&config, digest, checkpoint_bytes(&shape), from, context)?;
    let path = found.path;
    let mut file = std::fs::File::open(&path).map_err(FileError::of("read", &path)).exit(Exit::BadInput)?;
    let root = root_of_blob(&shape, &mut file).map_err(FileError::of("read", &path)).exit(Exit::BadInput)?;
    let refuse =
        |what: String| failure(Exit::BadInput, format!("the weights of model {} {what}", args.model));
    let root = root.map_err(|error| refuse(format!("cannot be used: {error}")))?;
    if root != model.checkpoint.root {
        return Err(refuse(format!(
            "have the root {root}, not {}, which the chain has",
            model.checkpoint.root
        )));
    }
    let record = Record::of(&at, model).await?;
    files::create_folder(&args.out).exit(Exit::BadInput)?;
    crate::blobs::copy_out(&path, digest, &args.out.join(CHECKPOINT)).exit(Exit::BadInput)?;
    let shape = toml::to_string(&Shape { model: &record.shape })?;
    files::write_atomic(&args.out.join(SHAPE), shape.as_bytes()).exit(Exit::BadInput)?;
    files::write_atomic(&args.out.join(RECORD), &serde_json::to_vec_pretty(&record)?).exit(Exit::BadInput)?;
    let folder = args.out;
    let text =
        format!("{}: {CHECKPOINT}, {SHAPE}, {RECORD}; root {root}, as the chain has it", folder.display());
    context.print(&Fetched { folder, record }, text)
}

#[derive(Serialize)]
struct Shape<'a> {
    model: &'a ModelSpec,
}
