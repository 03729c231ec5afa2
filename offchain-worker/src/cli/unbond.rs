//! `unbond` and `withdraw`: take the stake back.

use super::{
    Context,
    on_chain::{Receipt, SendArgs, sbh},
};
use crate::{
    chain::{Call, ChainResult},
    keys::AccountId,
};
use clap::Args;
use sabha_protocol::{ActiveBlock, Balance};
use serde::Serialize;

/// Arguments of `unbond`.
#[derive(Args, Debug)]
pub struct UnbondArgs {
    /// Who signs, on which chain. It must be the worker's owner.
    #[command(flatten)]
    pub send: SendArgs,
}

/// Arguments of `withdraw`.
#[derive(Args, Debug)]
pub struct WithdrawArgs {
    /// Who signs, on which chain. It must be the worker's owner.
    #[command(flatten)]
    pub send: SendArgs,
}

#[derive(Serialize)]
struct Unbonding {
    owner: AccountId,
    withdrawable_from: Option<ActiveBlock>,
    active_block: ActiveBlock,
    #[serde(flatten)]
    receipt: Receipt,
}

#[derive(Serialize)]
struct Withdrawn {
    owner: AccountId,
    #[serde(serialize_with = "super::on_chain::as_text")]
    stake: Balance,
    #[serde(flatten)]
    receipt: Receipt,
}

/// Runs `unbond`.
///
/// # Errors
/// [`crate::error::Exit::Refused`] if the chain refuses: no such worker, or it answers for something that is not settled.
pub async fn run(args: UnbondArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let (included, receipt) = signed.send(&Call::unbond()).await?;
    let owner = signed.key.account();
    let at = signed.session.client.at(included.block).await.coded()?;
    let withdrawable_from = at.withdrawable_from(&owner).await.coded()?;
    let active_block = at.active_blocks().await.coded()?;
    let left = withdrawable_from.map_or(0, |from| from.saturating_sub(active_block));
    let text =
        format!("unbonding; `sabha-worker withdraw` in {left} active blocks (block {})", receipt.block);
    context.print(&Unbonding { owner, withdrawable_from, active_block, receipt }, text)
}

/// Runs `withdraw`.
///
/// # Errors
/// [`crate::error::Exit::Refused`] if the chain refuses: no such worker, or the unbonding time is not over.
pub async fn withdraw(args: WithdrawArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let stake = signed.worker().await?.stake;
    let (_, receipt) = signed.send(&Call::withdraw()).await?;
    let text = format!("{} is free again, and the worker is gone (block {})", sbh(stake), receipt.block);
    context.print(&Withdrawn { owner: signed.key.account(), stake, receipt }, text)
}
