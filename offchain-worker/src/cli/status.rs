//! `status`: a worker's stake, status and slot.

use super::{
    Context,
    on_chain::{QueryArgs, as_text, sbh, worker_of},
};
use crate::{
    chain::{ChainResult, Device},
    config::{Config, SignerArgs},
    error::{Exit, ResultExt},
    keys::{AccountId, Key, parse_account},
};
use clap::Args;
use sabha_protocol::{Balance, Generation, SlotId, SlotState, slot::ActiveBlock};
use serde::Serialize;
use std::fmt::Write;

/// Arguments of `status`.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// Which chain.
    #[command(flatten)]
    pub query: QueryArgs,
    /// Whose worker, if no account is named.
    #[command(flatten)]
    pub signer: SignerArgs,
    /// The worker's owner or hot key. Without it, that of the key
    #[arg(long, value_parser = parse_account, value_name = "ACCOUNT")]
    pub account: Option<AccountId>,
}

#[derive(Serialize)]
struct Status {
    block: u64,
    active_block: ActiveBlock,
    owner: AccountId,
    hot_key: AccountId,
    payout: AccountId,
    device: Device,
    endpoint: String,
    status: &'static str,
    #[serde(serialize_with = "as_text")]
    stake: Balance,
    #[serde(serialize_with = "as_text")]
    owed: Balance,
    slot: Option<SlotStatus>,
    outstanding: u32,
    completed: u32,
    failed: u32,
    withdrawable_from: Option<ActiveBlock>,
    #[serde(serialize_with = "as_text")]
    hot_key_balance: Balance,
    #[serde(serialize_with = "as_text")]
    payout_balance: Balance,
}

#[derive(Serialize)]
struct SlotStatus {
    #[serde(flatten)]
    id: SlotId,
    generation: Generation,
    deadline: Option<ActiveBlock>,
}

/// Runs the command.
///
/// # Errors
/// [`Exit::Refused`] if there is no such worker; [`Exit::NoNode`].
pub async fn run(args: StatusArgs, context: &Context) -> anyhow::Result<()> {
    let account = match args.account {
        Some(account) => account,
        None => {
            let config = Config::load(&context.global)?.with_signer(&args.signer);
            Key::load(config.worker.key.as_deref()).exit(Exit::BadInput)?.account()
        }
    };
    let (_session, at) = args.query.open(context).await?;
    let worker = worker_of(&at, &account).await?;
    let slot = match worker.assigned {
        Some(id) => at.slot(id.run, id.round, id.slot).await.coded()?.map(|slot| SlotStatus {
            id,
            generation: slot.generation,
            deadline: match slot.state {
                SlotState::Assigned { deadline } => Some(deadline),
                SlotState::Committed { .. } => None,
            },
        }),
        None => None,
    };
    let status = Status {
        block: at.number(),
        active_block: at.active_blocks().await.coded()?,
        withdrawable_from: at.withdrawable_from(&worker.owner).await.coded()?,
        hot_key_balance: at.balances(&worker.hot_key).await.coded()?.free,
        payout_balance: at.balances(&worker.payout).await.coded()?.free,
        status: worker.status.word(),
        owner: worker.owner,
        hot_key: worker.hot_key,
        payout: worker.payout,
        device: worker.device,
        endpoint: worker.endpoint,
        stake: worker.stake,
        owed: worker.owed,
        slot,
        outstanding: worker.outstanding,
        completed: worker.completed,
        failed: worker.failed,
    };
    context.print(&status, text(&status)?)
}

fn text(status: &Status) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "{} after block {} (active block {})", status.status, status.block, status.active_block)?;
    writeln!(text, "owner    {}, stake {}", status.owner, sbh(status.stake))?;
    writeln!(text, "hot key  {}, has {}", status.hot_key, sbh(status.hot_key_balance))?;
    writeln!(text, "payout   {}, has {}", status.payout, sbh(status.payout_balance))?;
    if let Some(slot) = &status.slot {
        let until =
            slot.deadline.map_or(String::new(), |deadline| format!(", until active block {deadline}"));
        writeln!(text, "slot     {} (run/round/slot), generation {}{until}", slot.id, slot.generation)?;
    }
    writeln!(
        text,
        "slots    {} final, {} committed and not final, {} lost",
        status.completed, status.outstanding, status.failed
    )?;
    if status.owed > 0 {
        writeln!(text, "owed     {}", sbh(status.owed))?;
    }
    if let Some(from) = status.withdrawable_from {
        writeln!(text, "stake can be withdrawn from active block {from} on")?;
    }
    Ok(text)
}
