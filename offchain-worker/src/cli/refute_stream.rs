//! `run refute-stream`: compares a run's stream with the data that it is made of, and shows the chain where they part.

use super::{
    Context,
    data::with_progress,
    on_chain::{Receipt, SendArgs},
};
use crate::{
    blobs,
    chain::{Call, ChainResult},
    config::StorageArgs,
    daemon::work::find_stream,
    data::{
        DataError,
        sources::{Finding, among, compare},
    },
    error::{Exit, ResultExt, failure},
};
use clap::Args;
use sabha_protocol::{RunId, dispute::stream::can_be_refuted, spec::DataSpec};
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of `run refute-stream`.
#[derive(Args, Debug)]
#[command(
    after_help = "The stream must be the datasets that the run names, one after another. If it is, nothing is sent. If not, the first byte that \
                  differs is shown to the chain, which stops the run: its owner gets back what is left of the budget, and no worker is slashed. \
                  The datasets must be data that the chain has accepted, up to the one with that byte.\n\n\
                  Example: sabha-worker run refute-stream 0 --dataset packed/books --stream books.bin --key me.json"
)]
pub struct RefuteStreamArgs {
    /// The run's number
    pub run: RunId,
    /// The run's stream. Without it, the dataset whose stream it is, or the blob
    #[arg(long, value_name = "FILE")]
    pub stream: Option<PathBuf>,
    /// Who signs, and which chain.
    #[command(flatten)]
    pub send: SendArgs,
    /// Where files are.
    #[command(flatten)]
    pub storage: StorageArgs,
}

/// What came out.
#[derive(Serialize)]
struct Outcome {
    run: RunId,
    /// Whether the run was stopped for it.
    refuted: bool,
    /// How the stream differs.
    reason: Option<String>,
    /// The sources that were not compared, by their places.
    left_out: Vec<u16>,
    #[serde(flatten)]
    receipt: Option<Receipt>,
}

/// Compares, and refutes.
///
/// # Errors
/// [`Exit::BadInput`] (no such run, a stream of tokens, data that is missing or damaged), [`Exit::NoNode`], [`Exit::Refused`];
/// [`Exit::Failure`] if the stream is false and the chain cannot see it.
pub async fn run(args: RefuteStreamArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let config = signed.session.config.clone().with_storage(&args.storage);
    let at = signed.session.client.at_best().await.coded()?;
    let missing = || failure(Exit::BadInput, format!("there is no run {}, or it is over", args.run));
    let data = at.spec(args.run).await.coded()?.ok_or_else(missing)?.data;
    can_be_refuted(&data).exit(Exit::BadInput)?;
    let datasets = &config.storage.datasets;
    let stream = match args.stream {
        Some(stream) => stream,
        None => find_stream(data.stream, datasets, blobs::open(&config)?.own()).exit(Exit::BadInput)?,
    };
    let mut sources = among(&data, datasets);
    for source in &mut sources {
        source.accepted = at.accepted(&source.root).await.coded()?.map(|accepted| accepted.bytes);
    }
    let found = match with_progress("comparing", context, |progress| {
        compare(&data, &stream, &sources, progress)
    }) {
        Err(DataError::Stopped) => return Err(context.stop.error("stopped: nothing is known of the rest")),
        other => other.exit(Exit::BadInput)?,
    };
    let mut outcome =
        Outcome { run: args.run, refuted: false, reason: None, left_out: Vec::new(), receipt: None };
    match found {
        Finding::Agrees { left_out } => {
            let mut text = "the stream is what its manifests say: nothing is sent".to_string();
            if !left_out.is_empty() {
                let list: Vec<String> = left_out.iter().map(|place| name(&data, *place)).collect();
                text = format!(
                    "nothing differs, but not all of it was compared: name the folder of {} with --dataset",
                    list.join(", ")
                );
            }
            outcome.left_out = left_out;
            context.print(&outcome, text)
        }
        Finding::False { reason, evidence: Some(evidence) } => {
            tracing::warn!(reason, "the stream is false: showing it");
            let (_, receipt) = signed.send(&Call::refute_stream(args.run, &evidence)).await?;
            let text = format!(
                "the stream is false: {reason}\nrun {} is stopped (block {}, transaction {})",
                args.run, receipt.block, receipt.transaction
            );
            (outcome.refuted, outcome.reason, outcome.receipt) = (true, Some(reason), Some(receipt));
            context.print(&outcome, text)
        }
        Finding::False { reason, evidence: None } => {
            Err(failure(Exit::Failure, format!("the stream is false: {reason}")))
        }
    }
}

fn name(data: &DataSpec, place: u16) -> String {
    let root = data.sources.get(usize::from(place)).copied().unwrap_or_default();
    format!("source {place} ({root})")
}
