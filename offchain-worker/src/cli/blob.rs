//! `blob`: the content store.

use super::Context;
use crate::{
    blobs::{self, BlobError, BlobStore, Identity, PeerBlobs, WorkerAddress},
    config::{Config, NetworkArgs, StorageArgs},
    error::{Exit, ResultExt, failure},
    output,
    progress::{Progress, Unit},
};
use clap::{Args, Subcommand};
use sabha_protocol::Digest;
use serde::Serialize;
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    ops::ControlFlow,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

/// The pin that `blob pin` writes unless another one is named.
const MANUAL: &str = "manual";

/// Arguments of `blob`.
#[derive(Args, Debug)]
pub struct BlobArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: BlobCommand,
}

/// What to do with blobs.
#[derive(Subcommand, Debug)]
pub enum BlobCommand {
    /// Keep files, and print their digests; with an object store they are sent there, too
    Add(AddArgs),
    /// Fetch a blob that is not here, from whoever has it, and verify it; a download that was cut off goes on
    Get(GetArgs),
    /// List what is here: size, last use, and the pins that keep it
    Ls(FolderArgs),
    /// Remove what no pin keeps, the least recently used first, and what is left of old downloads
    Gc(GcArgs),
    /// Keep blobs from being removed when there is no room
    Pin(PinArgs),
    /// Let blobs be removed again
    Unpin(UnpinArgs),
    /// Print where other workers reach this one, to be announced with `register` or `update`
    Address(ServeArgs),
    /// Serve the blobs that are here to other workers, until a signal comes. `start` does the same
    Serve(ServeArgs),
}

/// Where blobs are.
#[derive(Args, Clone, Debug, Default)]
pub struct FolderArgs {
    /// The folder of blobs, by digest
    #[arg(long, env = "SABHA_BLOBS", value_name = "DIR")]
    pub blobs: Option<PathBuf>,
}

/// Arguments of `blob add`.
#[derive(Args, Debug)]
pub struct AddArgs {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Where files are.
    #[command(flatten)]
    pub storage: StorageArgs,
}

/// Arguments of `blob get`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: sabha-worker blob get $DIGEST --from $ADDRESS --out model.safetensors\n\nAn address is <node id>@<ip>:<port>, as \
                        `sabha-worker blob serve` prints it and the worker's record on chain holds it."
)]
pub struct GetArgs {
    /// The blob: 64 hexadecimal digits
    pub digest: Digest,
    /// Another worker to ask, <node id>@<ip>:<port>; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    pub from: Vec<WorkerAddress>,
    /// Copy it to this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Refuse it if it is larger, in mebibytes
    #[arg(long, value_name = "NUMBER")]
    pub max_mib: Option<u64>,
    /// Where files are.
    #[command(flatten)]
    pub storage: StorageArgs,
}

/// Arguments of `blob gc`.
#[derive(Args, Debug)]
pub struct GcArgs {
    /// Where blobs are.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// Remove until no more than so many mebibytes are taken; without it, the configured limit
    #[arg(long, value_name = "NUMBER")]
    pub to_mib: Option<u64>,
}

/// Arguments of `blob pin`.
#[derive(Args, Debug)]
pub struct PinArgs {
    /// The blobs; they need not be here yet
    #[arg(required = true, value_name = "DIGEST")]
    pub digests: Vec<Digest>,
    /// The pin that keeps them
    #[arg(long, default_value = MANUAL)]
    pub name: String,
    /// Where blobs are.
    #[command(flatten)]
    pub folder: FolderArgs,
}

/// Arguments of `blob unpin`.
#[derive(Args, Debug)]
pub struct UnpinArgs {
    /// The blobs; without any, all that the pin keeps
    #[arg(value_name = "DIGEST")]
    pub digests: Vec<Digest>,
    /// The pin
    #[arg(long, default_value = MANUAL)]
    pub name: String,
    /// Where blobs are.
    #[command(flatten)]
    pub folder: FolderArgs,
}

/// Arguments of `blob serve`.
#[derive(Args, Debug)]
#[command(after_help = "Example: sabha-worker blob serve --listen 0.0.0.0:9955 --announce 192.0.2.1:9955")]
pub struct ServeArgs {
    /// Where files are.
    #[command(flatten)]
    pub storage: StorageArgs,
    /// How other workers get blobs from here.
    #[command(flatten)]
    pub network: NetworkArgs,
}

impl ServeArgs {
    fn config(&self, context: &Context) -> anyhow::Result<Config> {
        Ok(Config::load(&context.global)?.with_storage(&self.storage).with_network(&self.network))
    }
}

/// Runs the command.
///
/// # Errors
/// [`Exit::BadInput`] if a file, the store or an address cannot be used; [`Exit::NoNode`] if nobody has the blob, or
/// the object store does not take what was added; or a signal's code.
pub async fn run(args: BlobArgs, context: &Context) -> anyhow::Result<()> {
    match args.command {
        BlobCommand::Add(args) => add(args, context),
        BlobCommand::Get(args) => get(args, context),
        BlobCommand::Ls(args) => list(&args, context),
        BlobCommand::Gc(args) => collect(&args, context),
        BlobCommand::Pin(args) => pin(&args, context),
        BlobCommand::Unpin(args) => unpin(&args, context),
        BlobCommand::Address(args) => {
            let address = blobs::address(&args.config(context)?)?.to_string();
            context.print(&serde_json::json!({ "address": address }), &address)
        }
        BlobCommand::Serve(args) => serve(args, context).await,
    }
}

/// The folder alone.
fn folder(args: &FolderArgs, context: &Context) -> anyhow::Result<PeerBlobs> {
    let storage = StorageArgs { blobs: args.blobs.clone(), ..StorageArgs::default() };
    blobs::open(&Config::load(&context.global)?.with_storage(&storage))
}

#[derive(Serialize)]
struct Added {
    file: PathBuf,
    digest: Digest,
    bytes: u64,
}

fn add(args: AddArgs, context: &Context) -> anyhow::Result<()> {
    let config = Config::load(&context.global)?.with_storage(&args.storage);
    let blobs = match config.storage.store {
        Some(_) => blobs::connect(&config, Identity::Passing)?,
        None => blobs::open(&config)?,
    };
    let mut added = Vec::new();
    let mut unsent = 0;
    for file in args.files {
        let total = file.metadata().map_or(0, |metadata| metadata.len());
        let mut bar = Progress::new("adding", Unit::Bytes, total, context.global.json);
        let put = blobs.put_file(&file, &mut |done| bar.set(done, String::new));
        bar.finish();
        let (digest, bytes) = put.exit(Exit::BadInput)?;
        added.push(Added { file, digest, bytes });
    }
    if let Some(network) = blobs.network() {
        network.settle();
        unsent = network.unsent().exit(Exit::BadInput)?;
    }
    let text: String =
        added.iter().map(|Added { file, digest, .. }| format!("{digest}  {}\n", file.display())).collect();
    context.print(&added, text)?;
    if unsent > 0 {
        return Err(failure(
            Exit::NoNode,
            format!(
                "the files are kept here, but {unsent} things are not in the object store, for the reason above; mend that, and run the \
                 command again. A daemon with the same folder and store sends them as well; until then they are not removed from here"
            ),
        ));
    }
    Ok(())
}

/// A blob that is here.
#[derive(Serialize)]
pub(super) struct Got {
    pub digest: Digest,
    bytes: u64,
    pub path: PathBuf,
    /// Bytes that came from elsewhere.
    fetched: u64,
    /// Bytes that were here of a download that had been cut off.
    resumed_at: u64,
}

fn get(args: GetArgs, context: &Context) -> anyhow::Result<()> {
    let config = Config::load(&context.global)?.with_storage(&args.storage);
    let limit = args.max_mib.map_or(u64::MAX, |limit| limit.saturating_mul(1 << 20));
    let mut got = fetch(&config, args.digest, limit, args.from, context)?;
    if let Some(out) = args.out {
        blobs::copy_out(&got.path, got.digest, &out).exit(Exit::BadInput)?;
        got.path = out;
    }
    let text = got.path.display().to_string();
    context.print(&got, text)
}

/// Has a blob in the store: it may be there, or comes from these workers, the object store or other folders.
///
/// # Errors
/// As [`run`].
pub(super) fn fetch(
    config: &Config,
    digest: Digest,
    limit: u64,
    from: Vec<WorkerAddress>,
    context: &Context,
) -> anyhow::Result<Got> {
    let blobs = blobs::connect(config, Identity::Passing)?;
    let own = blobs.own();
    let resumed_at = own.progress(digest).map_or(0, |progress| progress.done);
    let here = match own.file_within(digest, limit) {
        Ok(path) => Some(path),
        Err(BlobError::Missing { .. } | BlobError::Corrupt { .. }) => None,
        Err(error) => return Err(error).exit(Exit::BadInput),
    };
    let network = blobs.network().cloned();
    if let Some(network) = &network {
        network.set_workers(from);
    }
    let path = match here {
        Some(path) => path,
        None => {
            let mut bar: Option<Progress> = None;
            let fetched = blobs.fetch(digest, limit, &mut |progress| {
                // Until anybody has answered there is nothing to show.
                if progress.size > 0 {
                    let bar = bar.get_or_insert_with(|| {
                        let mut bar =
                            Progress::new("fetching", Unit::Bytes, progress.size, context.global.json);
                        bar.starts_at(resumed_at);
                        bar
                    });
                    bar.set(progress.done, String::new);
                }
                if context.stop.is_raised() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            if let Some(bar) = bar {
                bar.finish();
            }
            match fetched {
                Err(error @ BlobError::Stopped { .. }) => return Err(context.stop.error(error.to_string())),
                Err(error @ (BlobError::Missing { .. } | BlobError::Fetch { .. })) => {
                    return Err(error).exit(Exit::NoNode);
                }
                other => other.exit(Exit::BadInput)?,
            }
        }
    };
    let bytes = own.size(digest).exit(Exit::BadInput)?.unwrap_or(0);
    let fetched = network.as_ref().map_or(0, |network| network.counters().fetched_bytes);
    if let Some(network) = network {
        network.close();
    }
    Ok(Got { digest, bytes, path, fetched, resumed_at })
}

#[derive(Serialize)]
struct Line {
    digest: Digest,
    bytes: u64,
    /// When it was used last, in seconds since 1970.
    used: u64,
    pins: Vec<String>,
}

#[derive(Serialize)]
struct List {
    blobs: Vec<Line>,
    /// What blobs take, with their trees and incomplete downloads.
    bytes: u64,
    /// What they may take.
    limit: Option<u64>,
}

fn list(args: &FolderArgs, context: &Context) -> anyhow::Result<()> {
    let blobs = folder(args, context)?;
    let own = blobs.own();
    let pins = own.pins().exit(Exit::BadInput)?;
    let lines = own.entries().exit(Exit::BadInput)?.into_iter().map(|entry| {
        let names = pins.iter().filter(|(_, digests)| digests.contains(&entry.digest));
        Line {
            digest: entry.digest,
            bytes: entry.size,
            used: entry.used.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
            pins: names.map(|(name, _)| name.clone()).collect(),
        }
    });
    let list = List { blobs: lines.collect(), bytes: own.used().exit(Exit::BadInput)?, limit: own.limit() };
    let mut text = String::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    for Line { digest, bytes, used, pins } in &list.blobs {
        let age = now.saturating_sub(*used);
        writeln!(text, "{digest} {bytes:>14} bytes, used {age} s ago  {}", pins.join(" "))?;
    }
    let limit = list.limit.map_or("no limit".into(), |limit| format!("of {limit}"));
    writeln!(text, "{} blobs, {} bytes taken ({limit})", list.blobs.len(), list.bytes)?;
    context.print(&list, text)
}

#[derive(Serialize)]
struct Freed {
    removed: Vec<Digest>,
    freed: u64,
    left: u64,
}

fn collect(args: &GcArgs, context: &Context) -> anyhow::Result<()> {
    let blobs = folder(&args.folder, context)?;
    let target = args.to_mib.map(|mib| mib.saturating_mul(1 << 20)).or(blobs.own().limit());
    let Some(target) = target else {
        return Err(failure(
            Exit::Usage,
            "there is no limit to what blobs may take: say with --to-mib how much to leave, or set storage.blobs_limit_mib",
        ));
    };
    let done = blobs.own().collect(target).exit(Exit::BadInput)?;
    let text =
        format!("removed {} blobs, {} bytes; {} bytes are left", done.removed.len(), done.freed, done.left);
    context.print(&Freed { removed: done.removed, freed: done.freed, left: done.left }, text)
}

#[derive(Serialize)]
struct Pinned {
    name: String,
    digests: BTreeSet<Digest>,
}

fn pin(args: &PinArgs, context: &Context) -> anyhow::Result<()> {
    change(&args.folder, &args.name, context, |digests| digests.extend(&args.digests))
}

fn unpin(args: &UnpinArgs, context: &Context) -> anyhow::Result<()> {
    change(&args.folder, &args.name, context, |digests| {
        let all = args.digests.is_empty();
        digests.retain(|digest| !all && !args.digests.contains(digest));
    })
}

fn change(
    args: &FolderArgs,
    name: &str,
    context: &Context,
    change: impl FnOnce(&mut BTreeSet<Digest>),
) -> anyhow::Result<()> {
    let blobs = folder(args, context)?;
    let mut digests = blobs.own().pinned(name).exit(Exit::BadInput)?;
    change(&mut digests);
    blobs.own().pin(name, &digests).exit(Exit::BadInput)?;
    let text = format!("the pin {name} keeps {} blobs", digests.len());
    context.print(&Pinned { name: name.into(), digests }, text)
}

async fn serve(args: ServeArgs, context: &Context) -> anyhow::Result<()> {
    let config = args.config(context)?;
    if config.network.listen.is_none() {
        return Err(failure(
            Exit::Usage,
            "say where to listen, with --listen or network.listen: for example 0.0.0.0:9955",
        ));
    }
    let blobs = blobs::connect(&config, Identity::Kept)?;
    let Some(network) = blobs.network() else { return Ok(()) };
    let Some(address) = network.address() else {
        return Err(failure(
            Exit::Usage,
            "it listens everywhere, and knows no address of its own: say where others reach it, with --announce or network.announce",
        ));
    };
    if context.global.json {
        context.print(&serde_json::json!({ "address": address.to_string() }), "")?;
    } else {
        context.print(&(), format_args!("{address}"))?;
        output::tell(format_args!("serving {} until a signal comes", blobs.own().root().display()));
    }
    context.stop.raised().await;
    network.close();
    Ok(())
}
