//! `run propose`, `proposals`, `back`, `settle`, `refund`, `cancel`, `stop-idle`, `remove`: how a run is paid for, before and after.

use super::{
    Context,
    on_chain::{QueryArgs, Receipt, SendArgs, Signed, as_text, parse_amount, sbh},
    run_check,
};
use crate::{
    chain::{At, Call, ChainResult, Proposal, names::event},
    error::{Exit, ResultExt, failure},
    keys::AccountId,
    specfile,
};
use clap::Args;
use sabha_protocol::{
    ActiveBlock, Balance, Digest, RunId, RunSpec,
    allocation::Stage,
    economics::{self, Assumptions},
    models::{Licence, ModelId},
    round::{Progress, Terms},
};
use serde::Serialize;
use std::{fmt::Write, path::PathBuf};

/// Arguments of `run propose`.
#[derive(Args, Debug)]
#[command(after_help = "Example: sabha-worker run propose spec.toml --data packed/spanish --key owner.json")]
pub struct ProposeArgs {
    /// The run specification
    pub spec: PathBuf,
    /// The packed dataset to train on: it fills what the specification leaves open in [data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// What to call the proposal, and the model that comes of it; without it, the file's name
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// The licence of the model
    #[arg(long, default_value = "Apache-2.0", value_parser = parse_licence, value_name = "SPDX")]
    pub licence: Licence,
    /// The model whose checkpoint it begins from, by its number in the registry; without it, the run begins from its seed
    #[arg(long, value_name = "MODEL")]
    pub parent: Option<ModelId>,
    /// What backers and the matching pot must give, in SBH. Without it, the least: what all rounds cost, and as many again as one void can waste
    #[arg(long, value_parser = parse_amount, value_name = "AMOUNT")]
    pub goal: Option<Balance>,
    /// For how many active blocks it takes pledges; without it, as long as the chain allows
    #[arg(long, value_name = "BLOCKS")]
    pub blocks: Option<ActiveBlock>,
    /// Pledge the whole goal, and begin the run at once
    #[arg(long)]
    pub pay: bool,
    /// Who signs and pays, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `run proposals`.
#[derive(Args, Debug)]
pub struct ProposalsArgs {
    /// Which chain.
    #[command(flatten)]
    pub query: QueryArgs,
}

/// Arguments of `run back`.
#[derive(Args, Debug)]
#[command(after_help = "Example: sabha-worker run back 3 25 --key owner.json")]
pub struct BackArgs {
    /// The proposal's number
    pub run: RunId,
    /// How much, in SBH
    #[arg(value_parser = parse_amount)]
    pub amount: Balance,
    /// Do not settle the proposal, even if its goal is in reach now
    #[arg(long)]
    pub no_settle: bool,
    /// Who signs and pays, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `run refund`.
#[derive(Args, Debug)]
pub struct RefundArgs {
    /// The proposal's number
    pub run: RunId,
    /// Who pledged; without it, the signer. Anybody may have anybody paid back when a proposal came to nothing, or its run is over
    #[arg(long, value_name = "ADDRESS")]
    pub backer: Option<AccountId>,
    /// Who signs, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `run settle`, `run cancel`, `run stop-idle` and `run remove`.
#[derive(Args, Debug)]
pub struct ProposalArgs {
    /// The proposal's number
    pub run: RunId,
    /// Who signs, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Parses a licence for clap.
///
/// # Errors
/// Names those that there are.
pub(super) fn parse_licence(text: &str) -> Result<Licence, String> {
    let known = |licence: &Licence| licence.spdx().eq_ignore_ascii_case(text);
    Licence::ALL.into_iter().find(known).ok_or_else(|| {
        format!(
            "{text} is no open licence that models can have: use {}",
            Licence::ALL.map(Licence::spdx).join(", ")
        )
    })
}

/// A proposal, as JSON and for people.
#[derive(Serialize)]
pub(super) struct Line {
    run: RunId,
    title: String,
    licence: &'static str,
    proposer: AccountId,
    parent: Option<ModelId>,
    spec_hash: Digest,
    stage: &'static str,
    until: Option<ActiveBlock>,
    #[serde(serialize_with = "as_text")]
    goal: Balance,
    /// Everything that was ever pledged.
    #[serde(serialize_with = "as_text")]
    pledged: Balance,
    #[serde(serialize_with = "as_text")]
    refunded: Balance,
    /// The pledges that stand.
    #[serde(serialize_with = "as_text")]
    backed: Balance,
    backers: u32,
    /// Of them, those whom the matching pot counts.
    counted: u32,
    #[serde(serialize_with = "as_text")]
    granted: Balance,
    #[serde(serialize_with = "as_text")]
    matched: Balance,
    /// What the matching pot would add if it were settled now.
    #[serde(serialize_with = "as_text")]
    would_match: Balance,
    #[serde(serialize_with = "as_text")]
    restored: Balance,
    #[serde(serialize_with = "as_text")]
    moved: Balance,
    #[serde(serialize_with = "as_text")]
    returned: Balance,
    /// Pledged, granted, matched and returned, less refunded, restored and moved.
    #[serde(serialize_with = "as_text")]
    escrow: Balance,
    /// Whether its run is completed and to be registered as a model.
    completed: bool,
}

impl Line {
    pub(super) async fn of(at: &At, proposal: Proposal) -> anyhow::Result<Self> {
        let would_match = match proposal.stage {
            Stage::Funding { .. } | Stage::Counting { .. } => at.match_of(proposal.id).await.coded()?,
            Stage::Running | Stage::Over { .. } => 0,
        };
        Ok(Self {
            stage: proposal.word(),
            until: proposal.until(),
            escrow: proposal.escrow().unwrap_or_default(),
            run: proposal.id,
            title: proposal.title,
            licence: proposal.licence.spdx(),
            proposer: proposal.proposer,
            parent: proposal.parent,
            spec_hash: proposal.spec_hash,
            goal: proposal.goal,
            pledged: proposal.pledged,
            refunded: proposal.refunded,
            backed: proposal.backed,
            backers: proposal.backers,
            counted: proposal.counted,
            granted: proposal.granted,
            matched: proposal.matched,
            would_match,
            restored: proposal.restored,
            moved: proposal.moved,
            returned: proposal.returned,
            completed: proposal.completed,
        })
    }

    pub(super) fn words(&self) -> String {
        let Self { run, title, stage, backers, .. } = self;
        let money = match self.stage {
            "funding" | "counting" => format!(
                "{} of {} from {backers} backers, {} granted, the matching pot would add {}",
                sbh(self.backed),
                sbh(self.goal),
                sbh(self.granted),
                sbh(self.would_match)
            ),
            "running" => format!("{} from {backers} backers and the matching pot", sbh(self.moved)),
            _ => format!("{backers} backers are to be refunded, {} in all", sbh(self.escrow)),
        };
        let until = self.until.map_or(String::new(), |until| format!(", until active block {until}"));
        format!("{run:>6}  {stage:<8}  {title}: {money}{until}")
    }
}

#[derive(Serialize)]
struct Proposed {
    run: RunId,
    spec_hash: Digest,
    #[serde(serialize_with = "as_text")]
    goal: Balance,
    rounds: u32,
    /// Active blocks for which it takes pledges.
    blocks: ActiveBlock,
    /// Whether the run exists.
    started: bool,
    #[serde(flatten)]
    receipt: Receipt,
}

/// Proposes a run.
///
/// # Errors
/// [`Exit::BadInput`] for a specification, goal or balance that will not do; [`Exit::Refused`] if the chain says no.
pub async fn propose(args: ProposeArgs, context: &Context) -> anyhow::Result<()> {
    let mut spec = specfile::load(&args.spec, args.data.as_deref()).exit(Exit::BadInput)?;
    run_check::check_stream(&spec, args.data.as_deref()).exit(Exit::BadInput)?;
    economics::check(&spec, &Assumptions::default()).exit(Exit::BadInput)?;
    let title = title(&args)?;
    let goal = goal(&args, &spec)?;
    let signed = args.send.open(context).await?;
    let at = signed.session.client.at_best().await.coded()?;
    if let Some(parent) = args.parent {
        begin_from(&at, parent, &mut spec).await?;
    }
    let longest = at.longest_funding().await.coded()?;
    let blocks = args.blocks.unwrap_or(longest);
    if !(1..=longest).contains(&blocks) {
        return Err(failure(Exit::BadInput, format!("--blocks is {blocks}: it must be 1 to {longest}")));
    }
    let proposer = signed.key.account();
    let deposit = at.proposal_deposit().coded()?;
    let free = at.balances(&proposer).await.coded()?.free;
    let needed = deposit
        .saturating_add(if args.pay { goal } else { 0 })
        .saturating_add(at.existential_deposit().coded()?);
    if free < needed {
        let message = format!("{proposer} has {}, but needs at least {} and a fee", sbh(free), sbh(needed));
        return Err(failure(Exit::BadInput, message));
    }
    let call = Call::propose(&title, args.licence, args.parent, &spec, goal, blocks);
    let (included, mut receipt) = signed.send(&call).await?;
    let run = included.first_field(event::PROPOSED).ok_or_else(|| {
        anyhow::anyhow!("the run was proposed, but the event {} is missing", event::PROPOSED)
    })?;
    let mut started = false;
    if args.pay {
        signed.send(&Call::pledge(run, goal)).await?;
        let (last, proposal) = settle_all(&signed, run).await?;
        (receipt, started) = (last, proposal.stage == Stage::Running);
    }
    let (spec_hash, rounds) = (spec.hash(), spec.rounds.count);
    let what =
        format!("{rounds} rounds, goal {}, specification {spec_hash} (block {})", sbh(goal), receipt.block);
    let text = if started {
        format!("run {run} has begun: {what}\nnext: `sabha-worker run watch {run}`")
    } else {
        format!(
            "proposal {run}: {what}; it takes pledges for {blocks} active blocks\n\
             next: `sabha-worker run back {run} AMOUNT`, `sabha-worker run watch {run}`"
        )
    };
    context.print(&Proposed { run, spec_hash, goal, rounds, blocks, started, receipt }, text)
}

fn title(args: &ProposeArgs) -> anyhow::Result<String> {
    let title = match &args.title {
        Some(title) => title.clone(),
        None => args.spec.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
    };
    let printable = |c: char| c.is_ascii_graphic() || c == ' ';
    if title.is_empty() || title.len() > 64 || !title.chars().all(printable) {
        let message = format!("--title is {title:?}: 1 to 64 printable ASCII characters are expected");
        return Err(failure(Exit::BadInput, message));
    }
    Ok(title)
}

fn goal(args: &ProposeArgs, spec: &RunSpec) -> anyhow::Result<Balance> {
    let least = Progress::least_budget(&Terms::new(0, spec));
    let goal = args.goal.unwrap_or(least);
    if goal < least {
        let message = format!(
            "the goal of {} is too low: {} rounds at {} cost {}, and as many again as one void can waste must be there: at least {}",
            sbh(goal),
            spec.rounds.count,
            sbh(spec.round_cost()),
            sbh(spec.cost()),
            sbh(least)
        );
        return Err(failure(Exit::BadInput, message));
    }
    Ok(goal)
}

/// The specification of a fork.
async fn begin_from(at: &At, parent: ModelId, spec: &mut RunSpec) -> anyhow::Result<()> {
    let refuse = |what: &str| failure(Exit::BadInput, format!("model {parent} {what}"));
    let model = at.model(parent).await.coded()?.ok_or_else(|| refuse("is not in the registry"))?;
    if model.deprecated {
        return Err(refuse("is deprecated: no run can begin from it"));
    }
    if model.shape != spec.model {
        return Err(refuse("has another shape than [model] of the specification"));
    }
    spec.initial_checkpoint = Some(model.checkpoint.root);
    Ok(())
}

/// Lists what is proposed.
///
/// # Errors
/// [`Exit::NoNode`].
pub async fn proposals(args: ProposalsArgs, context: &Context) -> anyhow::Result<()> {
    let (_session, at) = args.query.open(context).await?;
    let mut lines = Vec::new();
    for proposal in at.proposals().await.coded()? {
        lines.push(Line::of(&at, proposal).await?);
    }
    let mut text = String::new();
    for line in &lines {
        writeln!(text, "{}", line.words())?;
    }
    if lines.is_empty() {
        text = "no proposals".into();
    }
    context.print(&lines, text)
}

#[derive(Serialize)]
struct Moved {
    #[serde(serialize_with = "as_text")]
    amount: Balance,
    backer: AccountId,
    #[serde(flatten)]
    proposal: Line,
    #[serde(flatten)]
    receipt: Receipt,
}

/// Pledges, and begins the run if it can.
///
/// # Errors
/// [`Exit::BadInput`] if there is no such proposal; [`Exit::Refused`] if the chain says no.
pub async fn back(args: BackArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let at = signed.session.client.at_best().await.coded()?;
    find(&at, args.run).await?;
    let (included, mut receipt) = signed.send(&Call::pledge(args.run, args.amount)).await?;
    let at = signed.session.client.at(included.block).await.coded()?;
    let mut proposal = find(&at, args.run).await?;
    if !args.no_settle && at.can_settle(args.run).await.coded()? {
        (receipt, proposal) = settle_all(&signed, args.run).await?;
    }
    let line = Line::of(&at, proposal).await?;
    let text = format!("{} pledged (block {})\n{}", sbh(args.amount), receipt.block, line.words());
    let backer = signed.key.account();
    context.print(&Moved { amount: args.amount, backer, proposal: line, receipt }, text)
}

/// Settles a proposal.
///
/// # Errors
/// As [`back`].
pub async fn settle(args: ProposalArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let at = signed.session.client.at_best().await.coded()?;
    find(&at, args.run).await?;
    let (receipt, proposal) = settle_all(&signed, args.run).await?;
    let line = Line::of(&at, proposal).await?;
    let text = format!("settled (block {})\n{}", receipt.block, line.words());
    let (amount, backer) = (0, signed.key.account());
    context.print(&Moved { amount, backer, proposal: line, receipt }, text)
}

/// Call by call, until a proposal is a run, open again, or over. Returns the last receipt, and the proposal as it is then.
async fn settle_all(signed: &Signed, run: RunId) -> anyhow::Result<(Receipt, Proposal)> {
    let client = &signed.session.client;
    let most = client.at_best().await.coded()?.most_counted().coded()?;
    loop {
        let (included, receipt) = signed.send(&Call::settle(run, most)).await?;
        let at = client.at(included.block).await.coded()?;
        let proposal = find(&at, run).await?;
        if !matches!(proposal.stage, Stage::Counting { .. }) {
            return Ok((receipt, proposal));
        }
    }
}

/// Takes a pledge back: before the goal is met, when it is missed, or what is left when the run is over.
///
/// # Errors
/// [`Exit::BadInput`] if there is nothing to be paid back, or not yet; [`Exit::Refused`] if the chain says no.
pub async fn refund(args: RefundArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let client = &signed.session.client;
    let run = args.run;
    let backer = args.backer.unwrap_or(signed.key.account());
    let own = backer == signed.key.account();
    let mut at = client.at_best().await.coded()?;
    let mut proposal = find(&at, run).await?;
    let Some(pledged) = at.pledge(run, &backer).await.coded()? else {
        return Err(failure(Exit::BadInput, format!("{backer} has no pledge to proposal {run}")));
    };
    let counting = matches!(proposal.stage, Stage::Counting { .. });
    if counting || (!own && proposal.until().is_some() && at.can_settle(run).await.coded()?) {
        (_, proposal) = settle_all(&signed, run).await?;
        at = client.at_best().await.coded()?;
    }
    let (amount, call) = match proposal.stage {
        Stage::Funding { .. } if own => (pledged, Call::withdraw_pledge(run, pledged)),
        Stage::Funding { .. } | Stage::Counting { .. } => {
            let message = format!("proposal {run} still takes pledges: only the backer may withdraw its own");
            return Err(failure(Exit::BadInput, message));
        }
        Stage::Running => {
            let message =
                format!("run {run} is going on: what is left of its budget is refunded when it is over");
            return Err(failure(Exit::BadInput, message));
        }
        Stage::Over { .. } => (at.refund_of(run, &backer).await.coded()?, Call::refund(run, backer)),
    };
    let (included, receipt) = signed.send(&call).await?;
    let at = client.at(included.block).await.coded()?;
    let line = Line::of(&at, find(&at, run).await?).await?;
    let text = format!("{} paid back to {backer} (block {})\n{}", sbh(amount), receipt.block, line.words());
    context.print(&Moved { amount, backer, proposal: line, receipt }, text)
}

/// Gives a proposal up.
///
/// # Errors
/// As [`back`].
pub async fn cancel(args: ProposalArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let done = format!("proposal {} is given up: its backers can be refunded", args.run);
    signed.send_and_print(context, &Call::cancel(args.run), &done).await
}

/// Clears a proposal away.
///
/// # Errors
/// As [`back`].
pub async fn remove(args: ProposalArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let done = format!("proposal {} is cleared away, its deposit returned", args.run);
    signed.send_and_print(context, &Call::remove(args.run), &done).await
}

/// Stops a run in which nothing happens any more.
///
/// # Errors
/// As [`back`].
pub async fn stop_idle(args: ProposalArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let done = format!("run {} ends; its backers can be refunded what is left", args.run);
    signed.send_and_print(context, &Call::stop_idle(args.run), &done).await
}

/// A proposal that must be there.
///
/// # Errors
/// [`Exit::BadInput`] if it is not.
pub(super) async fn find(at: &At, id: RunId) -> anyhow::Result<Proposal> {
    let none = || {
        failure(Exit::BadInput, format!("there is no proposal {id} on this chain, or it was cleared away"))
    };
    at.proposal(id).await.coded()?.ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_one_of_the_open_ones() {
        for licence in Licence::ALL {
            assert_eq!(parse_licence(&licence.spdx().to_lowercase()), Ok(licence));
        }
        let refused = parse_licence("proprietary").unwrap_err();
        assert!(refused.contains("proprietary") && refused.contains("CC-BY-SA-4.0"), "{refused}");
    }
}
