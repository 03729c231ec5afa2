//! `curate`: judge claims of data, and be paid for it.

mod life;
mod seats;
mod serving;

use super::Context;
use crate::{
    chain::ChainResult,
    config::{Config, NetworkArgs, StorageArgs},
    curation::Options,
};
use clap::{Args, Subcommand};

/// Arguments of `curate`.
#[derive(Args, Debug)]
pub struct CurateArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: CurateCommand,
}

/// What a curator does.
#[derive(Subcommand, Debug)]
pub enum CurateCommand {
    /// Be a curator, with a stake
    Register(life::RegisterArgs),
    /// Raise the stake
    AddStake(life::AddStakeArgs),
    /// Be drawn again, after leaving the draw or being silent
    Ready(life::SignArgs),
    /// Be drawn no more
    Drain(life::DrainArgs),
    /// Take the stake back, after the unbonding time
    Withdraw(life::SignArgs),
    /// Show a curator, and the claims that it is drawn for
    Status(seats::StatusArgs),
    /// Fetch the sample of a claim, and tell what it is
    Report(seats::ReportArgs),
    /// Seal a vote about a claim: one's own, or what a program would vote
    Vote(seats::VoteArgs),
    /// Reveal a sealed vote
    Reveal(seats::RevealArgs),
    /// Run until a signal comes: reveal what was sealed and, with --auto, look and vote
    Serve(serving::ServeArgs),
}

/// How much of a claim is looked at, and where files are.
#[derive(Args, Clone, Debug)]
pub struct LookArgs {
    /// Parts of 16 KiB that are looked at, of a claim that is not looked at as a whole
    #[arg(long, default_value_t = Options::default().parts, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub parts: u32,
    /// Look at claims of up to so many mebibytes as a whole
    #[arg(long, default_value_t = Options::default().whole_mib, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(..=1024))]
    pub whole_mib: u64,
    /// Where files are.
    #[command(flatten)]
    pub storage: StorageArgs,
    /// How blobs come from others.
    #[command(flatten)]
    pub network: NetworkArgs,
}

impl LookArgs {
    fn options(&self) -> Options {
        Options { parts: self.parts, whole_mib: self.whole_mib }
    }

    fn apply(&self, config: Config) -> Config {
        config.with_storage(&self.storage).with_network(&self.network)
    }
}

/// Runs the command.
///
/// # Errors
/// The subcommand's.
pub async fn run(args: CurateArgs, context: &Context) -> anyhow::Result<()> {
    match args.command {
        CurateCommand::Register(args) => life::register(args, context).await,
        CurateCommand::AddStake(args) => life::add_stake(args, context).await,
        CurateCommand::Ready(args) => life::ready(args, context).await,
        CurateCommand::Drain(args) => life::drain(args, context).await,
        CurateCommand::Withdraw(args) => life::withdraw(args, context).await,
        CurateCommand::Status(args) => seats::status(args, context).await,
        CurateCommand::Report(args) => seats::report(args, context).await,
        CurateCommand::Vote(args) => seats::vote(args, context).await,
        CurateCommand::Reveal(args) => seats::reveal(args, context).await,
        CurateCommand::Serve(args) => serving::run(args, context).await,
    }
}

/// The claim, which must be there.
///
/// # Errors
/// [`crate::error::Exit::BadInput`] if it is settled, or never was.
pub(super) async fn find_claim(
    at: &crate::chain::At,
    id: sabha_protocol::datasets::ClaimId,
) -> anyhow::Result<crate::chain::DataClaim> {
    at.data_claim(id).await.coded()?.ok_or_else(|| {
        let message = format!("there is no open claim {id} on this chain: it is settled, or was never made");
        crate::error::failure(crate::error::Exit::BadInput, message)
    })
}
