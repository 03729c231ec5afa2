//! `curate serve`: a curator that works by itself.

use super::LookArgs;
use crate::{
    blobs::{self, Identity},
    chain::ChainResult,
    cli::{
        Context,
        on_chain::{SendArgs, Session},
    },
    config::Follow,
    curation::serve::{Curator, Done},
    error::{Exit, failure},
    output::{self, Output},
    sealed::Sealed,
};
use clap::Args;
use std::io::Write;

/// Arguments of `curate serve`.
#[derive(Args, Debug)]
#[command(
    after_help = "Example: sabha-worker curate serve --auto --key curator.json\n\nWithout --auto a person votes, with `curate vote` and \
                        the same --state, while this is not running; what was sealed is revealed in either case."
)]
pub struct ServeArgs {
    /// Look at what it is drawn for, and vote what that tells
    #[arg(long)]
    pub auto: bool,
    /// Move no claims on
    #[arg(long)]
    pub no_poke: bool,
    /// Which blocks it acts on
    #[arg(long, value_enum, env = "SABHA_FOLLOW")]
    pub follow: Option<Follow>,
    /// How much is looked at, and where files are.
    #[command(flatten)]
    pub look: LookArgs,
    /// Who votes, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Runs the command.
///
/// # Errors
/// [`Exit::Refused`] if the signer is no curator; [`Exit::InUse`] if another process works for it; a signal's code at the end.
pub(super) async fn run(args: ServeArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let Session { config, client } = signed.session;
    let mut config = args.look.apply(config);
    if let Some(follow) = args.follow {
        config.chain.follow = follow;
    }
    let me = signed.key.account();
    let at = client.at_best().await.coded()?;
    if at.curator(&me).await.coded()?.is_none() {
        let message =
            format!("{me} is no curator on this chain: `sabha-worker curate register` makes it one");
        return Err(failure(Exit::Refused, message));
    }
    let blobs = blobs::connect(&config, Identity::Passing)?;
    let sealed = Sealed::open(&config.storage.state, client.genesis(), &me)?;
    let curator = Curator {
        config: &config,
        client: &client,
        key: &signed.key,
        blobs: &blobs,
        sealed: &sealed,
        options: args.look.options(),
        auto: args.auto,
        poke: !args.no_poke,
        stop: &context.stop,
    };
    if !context.global.json {
        output::tell(format_args!("{me} waits for claims, until a signal comes"));
    }
    let json = context.global.json;
    curator.serve(|done| tell(&done, json)).await?;
    Err(context.stop.error("stopped: what was sealed is kept, and is revealed by the next start"))
}

fn tell(done: &Done, json: bool) -> anyhow::Result<()> {
    let mut out = Output::lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(done)?)?;
    } else {
        match done {
            Done::Drawn { claim, until } => {
                writeln!(out, "claim {claim}: drawn; to be sealed until active block {until}")?
            }
            Done::Looked { looked } => writeln!(
                out,
                "claim {}: {}.{:02} % accepted, quality {}{}",
                looked.claim,
                looked.fraction / 100,
                looked.fraction % 100,
                looked.quality,
                looked.findings.iter().map(|finding| format!("; {finding}")).collect::<String>()
            )?,
            Done::Sealed { claim, block } => writeln!(out, "claim {claim}: sealed (block {block})")?,
            Done::Revealed { claim, block, .. } => writeln!(out, "claim {claim}: revealed (block {block})")?,
            Done::Poked { claim, stage, block } => {
                writeln!(out, "claim {claim}: moved on from {stage} (block {block})")?
            }
            Done::Settled { claim } => writeln!(out, "claim {claim}: settled")?,
        }
    }
    Ok(out.flush()?)
}
