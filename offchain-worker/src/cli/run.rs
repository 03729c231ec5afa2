//! `run`: check, propose, list, show and watch training runs; refute their streams.

use super::{
    Context,
    on_chain::{QueryArgs, Receipt, SendArgs, as_text, parse_amount, sbh},
    refute_stream, run_check, show, watch,
};
use crate::{
    chain::{At, Call, ChainResult, Pause, Run, names::event},
    error::{Exit, ResultExt, failure},
    keys::AccountId,
    specfile,
};
use clap::{Args, Subcommand};
use sabha_protocol::{
    Balance, Digest, RunId,
    economics::{self, Assumptions},
    round::{Progress, Terms},
};
use serde::Serialize;
use std::{fmt::Write, path::PathBuf};

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
    /// Create a run on the chain, and pay its budget into escrow
    Propose(ProposeArgs),
    /// List the runs of the chain
    List(ListArgs),
    /// Show a run: progress, rounds, slots, money, checkpoint
    Show(show::ShowArgs),
    /// Follow a run: assignments, commitments, checkpoints, audits, payments
    Watch(watch::WatchArgs),
    /// Raise a run's budget
    TopUp(TopUpArgs),
    /// Compare a run's stream with the data that it is made of, and have the run stopped if they differ
    RefuteStream(refute_stream::RefuteStreamArgs),
}

/// Arguments of `run propose`.
#[derive(Args, Debug)]
#[command(after_help = "Example: sabha-worker run propose spec.toml --data packed/spanish --key owner.json")]
pub struct ProposeArgs {
    /// The run specification
    pub spec: PathBuf,
    /// The packed dataset to train on: it fills what the specification leaves open in [data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// What is paid into escrow, in SBH. Without it, the least: what all rounds cost, and as many again as one void can waste
    #[arg(long, value_parser = parse_amount, value_name = "AMOUNT")]
    pub budget: Option<Balance>,
    /// Who signs and pays, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `run list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Which chain.
    #[command(flatten)]
    pub query: QueryArgs,
}

/// Arguments of `run top-up`.
#[derive(Args, Debug)]
pub struct TopUpArgs {
    /// The run's number
    pub run: RunId,
    /// What is paid into escrow in addition, in SBH. What is left when the run is over goes to the run's owner
    #[arg(value_parser = parse_amount)]
    pub amount: Balance,
    /// Who signs and pays, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Runs the command.
///
/// # Errors
/// The subcommand's.
pub async fn run(args: RunArgs, context: &Context) -> anyhow::Result<()> {
    match args.command {
        RunCommand::Check(args) => run_check::run(args, context),
        RunCommand::Propose(args) => propose(args, context).await,
        RunCommand::List(args) => list(args, context).await,
        RunCommand::Show(args) => show::run(args, context).await,
        RunCommand::Watch(args) => watch::run(args, context).await,
        RunCommand::RefuteStream(args) => refute_stream::run(args, context).await,
        RunCommand::TopUp(args) => top_up(args, context).await,
    }
}

#[derive(Serialize)]
struct Proposed {
    run: RunId,
    spec_hash: Digest,
    #[serde(serialize_with = "as_text")]
    budget: Balance,
    rounds: u32,
    #[serde(flatten)]
    receipt: Receipt,
}

async fn propose(args: ProposeArgs, context: &Context) -> anyhow::Result<()> {
    let spec = specfile::load(&args.spec, args.data.as_deref()).exit(Exit::BadInput)?;
    run_check::check_stream(&spec, args.data.as_deref()).exit(Exit::BadInput)?;
    economics::check(&spec, &Assumptions::default()).exit(Exit::BadInput)?;
    let least = Progress::least_budget(&Terms::new(0, &spec));
    let budget = args.budget.unwrap_or(least);
    if budget < least {
        let message = format!(
            "the budget of {} is too low: {} rounds at {} cost {}, and as many again as one void can waste must be there: at least {}",
            sbh(budget),
            spec.rounds.count,
            sbh(spec.round_cost()),
            sbh(spec.cost()),
            sbh(least)
        );
        return Err(failure(Exit::BadInput, message));
    }
    let signed = args.send.open(context).await?;
    let owner = signed.key.account();
    let at = signed.session.client.at_best().await.coded()?;
    let free = at.balances(&owner).await.coded()?.free;
    let needed = budget.saturating_add(at.existential_deposit().coded()?);
    if free < needed {
        let message = format!("{owner} has {}, but needs at least {} and a fee", sbh(free), sbh(needed));
        return Err(failure(Exit::BadInput, message));
    }
    let (included, receipt) = signed.send(&Call::create_run(&spec, budget)).await?;
    let run = included.first_field(event::RUN_CREATED).ok_or_else(|| {
        anyhow::anyhow!("the run was created, but the event {} is missing", event::RUN_CREATED)
    })?;
    let (spec_hash, rounds) = (spec.hash(), spec.rounds.count);
    let text = format!(
        "run {run}: {rounds} rounds, budget {}, specification {spec_hash} (block {})\n\
         next: `sabha-worker run watch {run}`",
        sbh(budget),
        receipt.block
    );
    context.print(&Proposed { run, spec_hash, budget, rounds, receipt }, text)
}

async fn top_up(args: TopUpArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let call = Call::top_up_run(args.run, args.amount);
    let done = format!("{} more are in the escrow of run {}", sbh(args.amount), args.run);
    signed.send_and_print(context, &call, &done).await
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
    at.run(id)
        .await
        .coded()?
        .ok_or_else(|| failure(Exit::BadInput, format!("there is no run {id} on this chain")))
}
