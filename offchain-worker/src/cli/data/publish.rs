//! Datasets as blobs: each shard and the manifest under their own digests, so that parts can be fetched and checked one by one.

use super::with_progress;
use crate::{
    blobs::{self, BlobStore, Identity, PeerBlobs, WorkerAddress},
    chain::ChainResult,
    cli::Context,
    config::{ChainArgs, Config, NetworkArgs, StorageArgs},
    curation::{Source, source::MANIFEST_PREFIX},
    data::{DataError, Manifest, STREAM, assemble},
    error::{Exit, ResultExt, failure},
};
use clap::Args;
use sabha_blobs::network::Patience;
use sabha_protocol::{Digest, datasets::ClaimId};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

/// Arguments of `data publish`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: sabha-worker data publish packed/books\n\nWhat is published is served by `blob serve` and `start`, and sent to the \
                        object store if one is configured. It takes as much room among the blobs as the dataset itself."
)]
pub struct PublishArgs {
    /// The dataset's folder
    pub folder: PathBuf,
    /// Where files are.
    #[command(flatten)]
    pub storage: StorageArgs,
}

/// Arguments of `data fetch`.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["claim", "manifest"]))]
pub struct FetchArgs {
    /// An open claim: its shards and where they are come from the chain
    #[arg(long, value_name = "CLAIM")]
    pub claim: Option<ClaimId>,
    /// The manifest's digest, as `data publish` prints it
    #[arg(long, value_name = "DIGEST")]
    pub manifest: Option<Digest>,
    /// Another worker to ask, <node id>@<ip>:<port>; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    pub from: Vec<WorkerAddress>,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Replace the dataset that is in the folder
    #[arg(long)]
    pub replace: bool,
    /// Which chain.
    #[command(flatten)]
    pub chain: ChainArgs,
    /// Where files are.
    #[command(flatten)]
    pub storage: StorageArgs,
    /// How blobs come from others.
    #[command(flatten)]
    pub network: NetworkArgs,
}

/// The pin of a dataset's blobs.
fn pin_of(root: &Digest) -> String {
    format!("data-{}", root.to_string().get(..16).unwrap_or_default())
}

#[derive(Serialize)]
struct Published {
    root: Digest,
    manifest: Digest,
    shards: usize,
    bytes: u64,
}

/// Runs `data publish`.
///
/// # Errors
/// [`Exit::BadInput`] if the dataset is damaged or the blobs cannot be kept.
pub(super) fn publish(args: &PublishArgs, context: &Context) -> anyhow::Result<()> {
    let config = Config::load(&context.global)?.with_storage(&args.storage);
    let blobs = match config.storage.store {
        Some(_) => blobs::connect(&config, Identity::Passing)?,
        None => blobs::open(&config)?,
    };
    let manifest = Manifest::read(&args.folder).exit(Exit::BadInput)?;
    let digest = put(&args.folder, &manifest, &blobs, context)?;
    if let Some(network) = blobs.network() {
        network.settle();
        let left = network.unsent().exit(Exit::BadInput)?;
        if left > 0 {
            tracing::warn!(left, "not all of it is in the object store: the daemon sends it later");
        }
    }
    let text = format!(
        "{} shards and the manifest are published; the pin {} keeps them\nroot     {}\nmanifest {digest}\n\
         next: serve them (`sabha-worker blob serve`), and `sabha-worker data claim {} --dataset …`",
        manifest.shards.len(),
        pin_of(&manifest.root),
        manifest.root,
        args.folder.display()
    );
    let (root, shards, bytes) = (manifest.root, manifest.shards.len(), manifest.bytes());
    context.print(&Published { root, manifest: digest, shards, bytes }, text)
}

/// Puts shards and manifest among the blobs. Returns the manifest's digest.
fn put(folder: &Path, manifest: &Manifest, blobs: &PeerBlobs, context: &Context) -> anyhow::Result<Digest> {
    manifest.check_size(folder).exit(Exit::BadInput)?;
    let path = folder.join(STREAM);
    let mut file =
        File::open(&path).map_err(crate::files::FileError::of("open", &path)).exit(Exit::BadInput)?;
    let bytes = manifest.to_bytes().map_err(|reason| failure(Exit::BadInput, reason))?;
    let digest = Digest::of(&bytes);
    // The pin comes first: what is kept then is not removed for want of room.
    let all: BTreeSet<Digest> = manifest.shards.iter().map(|shard| shard.blake3).chain([digest]).collect();
    blobs.own().pin(&pin_of(&manifest.root), &all).exit(Exit::BadInput)?;
    let work = with_progress("publishing", context, |progress| -> anyhow::Result<()> {
        let (mut done, mut buffer) = (0, Vec::new());
        for (index, shard) in manifest.shards.iter().enumerate() {
            buffer.resize(usize::try_from(shard.bytes)?, 0);
            file.read_exact(&mut buffer)
                .map_err(crate::files::FileError::of("read", &path))
                .exit(Exit::BadInput)?;
            let found = blobs.put(&buffer).exit(Exit::BadInput)?;
            if found != shard.blake3 {
                let message = format!(
                    "shard {index} of {} is not what its manifest says: pack it again",
                    path.display()
                );
                return Err(failure(Exit::BadInput, message));
            }
            done += shard.bytes;
            if progress(done, manifest.bytes()).is_break() {
                return Err(context.stop.error("stopped: publish it again to go on"));
            }
        }
        Ok(())
    });
    work?;
    blobs.put(&bytes).exit(Exit::BadInput)
}

#[derive(Serialize)]
struct Fetched {
    folder: PathBuf,
    root: Digest,
    bytes: u64,
}

/// Runs `data fetch`.
///
/// # Errors
/// [`Exit::BadInput`] if there is no such claim, or what is served contradicts itself; [`Exit::NoNode`] if nobody serves it.
pub(super) async fn fetch(args: FetchArgs, context: &Context) -> anyhow::Result<()> {
    let config = Config::load(&context.global)?
        .with_chain(&args.chain)
        .with_storage(&args.storage)
        .with_network(&args.network);
    let mut locators: Vec<String> = args.from.iter().map(ToString::to_string).collect();
    let mut claimed = None;
    if let Some(id) = args.claim {
        let client = crate::chain::Client::connect(&config.chain).await.coded()?;
        let at = client.at_best().await.coded()?;
        let claim = crate::cli::curate::find_claim(&at, id).await?;
        let told =
            claim.told.ok_or_else(|| failure(Exit::BadInput, format!("claim {id} was not told yet")))?;
        locators.extend(at.claim_locators(id).await.coded()?);
        claimed = Some((at.claim_shards(id).await.coded()?, told.bytes));
    }
    locators.extend(args.manifest.map(|digest| format!("{MANIFEST_PREFIX}{digest}")));
    let blobs = blobs::connect(&config, Identity::Passing)?;
    let patience = Patience {
        connect: Duration::from_secs(config.network.connect_timeout_s),
        idle: Duration::from_secs(config.network.idle_timeout_s),
        ..Patience::default()
    };
    let source = Source::new(&blobs, &locators, patience);
    let manifest = match claimed {
        Some((shards, bytes)) => source.manifest(&shards, bytes),
        None => source.any_manifest(),
    };
    let manifest =
        manifest.map_err(|reason| failure(Exit::NoNode, format!("no manifest was found: {reason}")))?;
    with_progress("fetching", context, |progress| {
        let mut done = 0;
        assemble::<FetchError>(&manifest, &args.out, args.replace, |index| {
            let shard = manifest.shards.get(index).ok_or(FetchError::Stopped)?;
            let bytes = source.shard(shard.blake3, shard.bytes)?;
            done += bytes.len() as u64;
            if progress(done, manifest.bytes()).is_break() { Err(FetchError::Stopped) } else { Ok(bytes) }
        })
    })
    .map_err(|error| match error {
        FetchError::Stopped => {
            context.stop.error("stopped: what was fetched is kept, fetch it again to go on")
        }
        FetchError::Blob(error) => failure(Exit::NoNode, error.to_string()),
        FetchError::Data(error) => failure(Exit::BadInput, error.to_string()),
    })?;
    if let Some(network) = blobs.network() {
        network.close();
    }
    let text = super::words(&args.out, &manifest);
    let (root, bytes) = (manifest.root, manifest.bytes());
    context.print(&Fetched { folder: args.out, root, bytes }, text)
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("it was stopped")]
    Stopped,
    #[error(transparent)]
    Blob(#[from] blobs::BlobError),
    #[error(transparent)]
    Data(#[from] DataError),
}
