//! `run`: check, propose, list, show and watch training runs.

use super::{
    Context,
    on_chain::{QueryArgs, Receipt, SendArgs, as_text, parse_amount, sbh},
    run_check, watch,
};
use crate::{
    chain::{At, Call, ChainResult, Run, names::event},
    error::{Exit, ResultExt, failure},
    keys::AccountId,
    specfile,
};
use clap::{Args, Subcommand};
use sabha_protocol::{Balance, Digest, RunId, SlotState};
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
    /// Show a run: progress, slots, money, checkpoint
    Show(ShowArgs),
    /// Follow a run: assignments, losses, commitments, payments
    Watch(watch::WatchArgs),
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
    /// What is paid into escrow, in SBH. Without it, what all slots cost
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

/// Arguments of `run show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// The run's number
    pub run: RunId,
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
        RunCommand::Propose(args) => propose(args, context).await,
        RunCommand::List(args) => list(args, context).await,
        RunCommand::Show(args) => show(args, context).await,
        RunCommand::Watch(args) => watch::run(args, context).await,
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
    let cost = spec.cost();
    let budget = args.budget.unwrap_or(cost);
    if budget < cost {
        let message = format!(
            "the budget of {} is too low: {} rounds of {} slot at {} cost {}",
            sbh(budget),
            spec.rounds.count,
            spec.rounds.slots,
            sbh(spec.price_per_slot),
            sbh(cost)
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

async fn list(args: ListArgs, context: &Context) -> anyhow::Result<()> {
    let (_session, at) = args.query.open(context).await?;
    let runs: Vec<Summary> = at.runs().await.coded()?.iter().map(Summary::of).collect();
    let mut text = format!(
        "{:>6}  {:<9}  {:>13}  {:>9}  {:>12}  owner\n",
        "run", "status", "committed", "final", "paid"
    );
    for run in &runs {
        let paid = sbh(run.paid);
        writeln!(
            text,
            "{:>6}  {:<9}  {:>6}/{:<6}  {:>9}  {paid:>12}  {}",
            run.run, run.status, run.committed, run.rounds, run.finalised, run.owner
        )?;
    }
    if runs.is_empty() {
        text = "no runs".into();
    }
    context.print(&runs, text)
}

/// A run in one line.
#[derive(Serialize)]
struct Summary {
    run: RunId,
    status: &'static str,
    owner: AccountId,
    spec_hash: Digest,
    rounds: u32,
    committed: u32,
    finalised: u32,
    #[serde(serialize_with = "as_text")]
    escrow: Balance,
    #[serde(serialize_with = "as_text")]
    paid: Balance,
    checkpoint: Option<Digest>,
}

impl Summary {
    fn of(run: &Run) -> Self {
        Self {
            run: run.id,
            status: run.status.word(),
            owner: run.owner,
            spec_hash: run.spec_hash,
            rounds: run.rounds,
            committed: run.next_round,
            finalised: run.finalised,
            escrow: run.escrow,
            paid: run.paid,
            checkpoint: run.checkpoint,
        }
    }
}

#[derive(Serialize)]
struct Details {
    block: u64,
    active_block: u32,
    #[serde(flatten)]
    summary: Summary,
    slots: Vec<SlotLine>,
}

/// A slot that is assigned, or committed and not final.
#[derive(Serialize)]
struct SlotLine {
    round: u32,
    slot: u16,
    generation: u16,
    worker: AccountId,
    #[serde(flatten)]
    state: Progress,
}

#[derive(Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
enum Progress {
    Assigned { deadline: u32 },
    Committed { outcome: sabha_protocol::Outcome, final_at: u32 },
}

async fn show(args: ShowArgs, context: &Context) -> anyhow::Result<()> {
    let (_session, at) = args.query.open(context).await?;
    let run = find(&at, args.run).await?;
    let slots = at.slots(run.id).await.coded()?.into_iter().map(|(round, slot, state)| SlotLine {
        round,
        slot,
        generation: state.generation,
        worker: state.worker,
        state: match state.state {
            SlotState::Assigned { deadline } => Progress::Assigned { deadline },
            SlotState::Committed { outcome, final_at } => Progress::Committed { outcome, final_at },
        },
    });
    let details = Details {
        block: at.number(),
        active_block: at.active_blocks().await.coded()?,
        summary: Summary::of(&run),
        slots: slots.collect(),
    };
    context.print(&details, text(&details)?)
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

fn text(details: &Details) -> Result<String, std::fmt::Error> {
    let Details { block, active_block, summary, slots } = details;
    let mut text = String::new();
    writeln!(
        text,
        "run {} is {} after block {block} (active block {active_block})",
        summary.run, summary.status
    )?;
    writeln!(text, "owner          {}", summary.owner)?;
    writeln!(text, "specification  {}", summary.spec_hash)?;
    writeln!(
        text,
        "rounds         {} committed of {}, {} final",
        summary.committed, summary.rounds, summary.finalised
    )?;
    writeln!(text, "money          {} paid, {} in escrow", sbh(summary.paid), sbh(summary.escrow))?;
    if let Some(checkpoint) = summary.checkpoint {
        writeln!(text, "checkpoint     {checkpoint}")?;
    }
    for SlotLine { round, slot, generation, worker, state } in slots {
        match state {
            Progress::Assigned { deadline } => writeln!(
                text,
                "  {round}/{slot} (generation {generation}) {worker} trains, until active block {deadline}"
            )?,
            Progress::Committed { outcome, final_at } => writeln!(
                text,
                "  {round}/{slot} (generation {generation}) {worker} {}, final at active block {final_at}",
                watch::outcome(outcome)
            )?,
        }
    }
    Ok(text)
}
