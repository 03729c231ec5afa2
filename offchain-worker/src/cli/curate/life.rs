//! A curator's life on chain: its stake, and whether it is drawn.

use crate::{
    chain::{Call, ChainResult},
    cli::{
        Context,
        on_chain::{Receipt, SendArgs, as_text, parse_amount, sbh},
    },
    error::{Exit, failure},
    keys::{AccountId, parse_account},
};
use clap::Args;
use sabha_protocol::Balance;
use serde::Serialize;

/// Arguments of commands that only sign.
#[derive(Args, Debug)]
pub struct SignArgs {
    /// Who signs, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `curate register`.
#[derive(Args, Debug)]
#[command(after_help = "Example: sabha-worker curate register --key curator.json --stake 100")]
pub struct RegisterArgs {
    /// What is put on hold, in SBH: a ticket in the draw for each least stake of it. Without it, the least that the chain accepts
    #[arg(long, value_parser = parse_amount, value_name = "AMOUNT")]
    pub stake: Option<Balance>,
    /// Who signs, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `curate add-stake`.
#[derive(Args, Debug)]
pub struct AddStakeArgs {
    /// What is put on hold in addition, in SBH
    #[arg(value_parser = parse_amount)]
    pub amount: Balance,
    /// Who signs, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `curate drain`.
#[derive(Args, Debug)]
pub struct DrainArgs {
    /// The curator, if it is not the signer: one that was silent
    #[arg(long, value_parser = parse_account, value_name = "ACCOUNT")]
    pub curator: Option<AccountId>,
    /// Who signs, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
}

#[derive(Serialize)]
struct Registered {
    curator: AccountId,
    #[serde(serialize_with = "as_text")]
    stake: Balance,
    #[serde(flatten)]
    receipt: Receipt,
}

pub(super) async fn register(args: RegisterArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let curator = signed.key.account();
    let at = signed.session.client.at_best().await.coded()?;
    let least = at.min_curator_stake().coded()?;
    let stake = args.stake.unwrap_or(least);
    if stake < least {
        let message =
            format!("the stake of {} is too low: the chain wants at least {}", sbh(stake), sbh(least));
        return Err(failure(Exit::BadInput, message));
    }
    let needed = stake.saturating_add(at.existential_deposit().coded()?);
    let free = at.balances(&curator).await.coded()?.free;
    if free < needed {
        let message = format!("{curator} has {}, but needs at least {} and a fee", sbh(free), sbh(needed));
        return Err(failure(Exit::BadInput, message));
    }
    let (_, receipt) = signed.send(&Call::register_curator(stake)).await?;
    let text = format!(
        "{curator} is a curator with a stake of {} (block {})\nnext: `sabha-worker curate serve --auto`, which is to run when it is drawn",
        sbh(stake),
        receipt.block
    );
    context.print(&Registered { curator, stake, receipt }, text)
}

pub(super) async fn add_stake(args: AddStakeArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let done = format!("{} more are on hold", sbh(args.amount));
    signed.send_and_print(context, &Call::add_curator_stake(args.amount), &done).await
}

pub(super) async fn ready(args: SignArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    signed.send_and_print(context, &Call::ready_curator(), "in the draw from the next session on").await
}

pub(super) async fn drain(args: DrainArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let curator = args.curator.unwrap_or_else(|| signed.key.account());
    let done = format!("{curator} is drawn no more; what it is drawn for is still to be done");
    signed.send_and_print(context, &Call::drain_curator(curator), &done).await
}

pub(super) async fn withdraw(args: SignArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    signed.send_and_print(context, &Call::withdraw_curator(), "the stake is free again").await
}
