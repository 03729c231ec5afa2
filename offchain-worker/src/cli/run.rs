//! `run`: check, propose, back, list, show and watch training runs; refute their streams.

use super::{
    Context,
    on_chain::{QueryArgs, as_text, sbh},
    proposal, refute_stream, run_check, show, watch,
};
use crate::{
    chain::{At, ChainResult, Pause, Run},
    error::{Exit, failure},
    keys::AccountId,
};
use clap::{Args, Subcommand};
use sabha_protocol::{Balance, Digest, RunId};
use serde::Serialize;
use std::fmt::Write;

/// Arguments of `run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: RunCommand,
}

/// What to do with runs.
#[derive(Subcommand, Debug)]
pub enum RunCommand {
    /// Check a run specification: parameters, memory, tokens, cost
    Check(run_check::CheckArgs),
    /// Propose a run: it exists when backers and the matching pot have given its goal
    Propose(proposal::ProposeArgs),
    /// List what is proposed: stage, pledges, what the matching pot would add
    Proposals(proposal::ProposalsArgs),
    /// Pledge to a proposal, and begin its run if the goal is met; or add to the budget of a run
    Back(proposal::BackArgs),
    /// Settle a proposal whose goal is in reach, or whose time is over
    Settle(proposal::ProposalArgs),
    /// Take a pledge back: until the goal is met, if it is missed, or what is left when the run is over
    Refund(proposal::RefundArgs),
    /// Give an own proposal up
    Cancel(proposal::ProposalArgs),
    /// Stop a run in which nothing happens any more (four weeks on the live chain): its backers get what is left
    StopIdle(proposal::ProposalArgs),
    /// Clear away a proposal whose backers were refunded; the proposer gets its deposit
    Remove(proposal::ProposalArgs),
    /// List the runs of the chain
    List(ListArgs),
    /// Show a run: progress, rounds, slots, money, checkpoint
    Show(show::ShowArgs),
    /// Follow a run: assignments, commitments, checkpoints, audits, payments
    Watch(watch::WatchArgs),
    /// Compare a run's stream with the data that it is made of, and have the run stopped if they differ
    RefuteStream(refute_stream::RefuteStreamArgs),
}

/// Arguments of `run list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Which chain.
    #[command(flatten)]
    pub query: QueryArgs,
}

/// Runs the command.
///
/// # Errors
/// The subcommand's.
pub async fn run(args: RunArgs, context: &Context) -> anyhow::Result<()> {
    match args.command {
        RunCommand::Check(args) => run_check::run(args, context),
        RunCommand::Propose(args) => proposal::propose(args, context).await,
        RunCommand::Proposals(args) => proposal::proposals(args, context).await,
        RunCommand::Back(args) => proposal::back(args, context).await,
        RunCommand::Settle(args) => proposal::settle(args, context).await,
        RunCommand::Refund(args) => proposal::refund(args, context).await,
        RunCommand::Cancel(args) => proposal::cancel(args, context).await,
        RunCommand::StopIdle(args) => proposal::stop_idle(args, context).await,
        RunCommand::Remove(args) => proposal::remove(args, context).await,
        RunCommand::List(args) => list(args, context).await,
        RunCommand::Show(args) => show::run(args, context).await,
        RunCommand::Watch(args) => watch::run(args, context).await,
        RunCommand::RefuteStream(args) => refute_stream::run(args, context).await,
    }
}

async fn list(args: ListArgs, context: &Context) -> anyhow::Result<()> {
    let (_session, at) = args.query.open(context).await?;
    let runs: Vec<Summary> = at.runs().await.coded()?.iter().map(Summary::of).collect();
    let mut text =
        format!("{:>6}  {:<9}  {:>13}  {:>14}  {:>14}  owner\n", "run", "status", "final", "paid", "escrow");
    for run in &runs {
        let (paid, escrow) = (sbh(run.paid), sbh(run.escrow));
        writeln!(
            text,
            "{:>6}  {:<9}  {:>6}/{:<6}  {paid:>14}  {escrow:>14}  {}",
            run.run, run.status, run.finalised, run.rounds, run.owner
        )?;
    }
    if runs.is_empty() {
        text = "no runs".into();
    }
    context.print(&runs, text)
}

/// A run without its rounds.
#[derive(Serialize)]
pub(super) struct Summary {
    pub run: RunId,
    pub status: &'static str,
    pub pause: Option<Pause>,
    pub owner: AccountId,
    pub spec_hash: Digest,
    pub rounds: u32,
    pub finalised: u32,
    /// Its budget, top-ups included.
    #[serde(serialize_with = "as_text")]
    pub funded: Balance,
    /// What came back from slashes.
    #[serde(serialize_with = "as_text")]
    pub regained: Balance,
    #[serde(serialize_with = "as_text")]
    pub paid: Balance,
    #[serde(serialize_with = "as_text")]
    pub refunded: Balance,
    #[serde(serialize_with = "as_text")]
    pub escrow: Balance,
    /// What is kept of slashes until auditors are settled.
    #[serde(serialize_with = "as_text")]
    pub kept: Balance,
    /// Whether funded and regained are paid, refunded and escrow, to the unit.
    pub balanced: bool,
    /// The address of the last checkpoint.
    pub checkpoint: Option<Digest>,
    /// Its root.
    pub root: Option<Digest>,
}

impl Summary {
    pub fn of(run: &Run) -> Self {
        Self {
            run: run.id,
            status: run.word(),
            pause: run.pause,
            owner: run.owner,
            spec_hash: run.spec_hash,
            rounds: run.rounds,
            finalised: run.finalised,
            funded: run.funded,
            regained: run.regained,
            paid: run.paid,
            refunded: run.refunded,
            escrow: run.escrow,
            kept: run.kept,
            balanced: run.is_balanced(),
            checkpoint: run.checkpoint.map(|checkpoint| checkpoint.blob),
            root: run.checkpoint.map(|checkpoint| checkpoint.root),
        }
    }
}

/// A run that must exist.
///
/// # Errors
/// [`Exit::BadInput`] if it does not.
pub(super) async fn find(at: &At, id: RunId) -> anyhow::Result<Run> {
    if let Some(run) = at.run(id).await.coded()? {
        return Ok(run);
    }
    let message = match at.proposal(id).await.coded()? {
        Some(proposal) => {
            format!(
                "there is no run {id} yet: it is a proposal ({}); see `sabha-worker run proposals`",
                proposal.word()
            )
        }
        None => format!("there is no run {id} on this chain"),
    };
    Err(failure(Exit::BadInput, message))
}
