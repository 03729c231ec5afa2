//! `register`: become a worker, with a stake.

use super::{
    Context,
    on_chain::{Receipt, SendArgs, check_endpoint, parse_amount, sbh},
};
use crate::{
    chain::{Call, ChainResult, Device},
    error::{Exit, failure},
    keys::{AccountId, parse_account},
};
use clap::Args;
use sabha_protocol::Balance;
use serde::Serialize;

/// Arguments of `register`.
#[derive(Args, Debug)]
#[command(
    after_help = "The signer owns the worker and its stake. The daemon needs the hot key only, which cannot touch the stake; \
                        it pays the fees that the chain takes before it gives them back, so it needs a little money: see --fund.\n\n\
                        Example: sabha-worker register --key owner.json --hot-key 5F… --stake 100 --fund 5"
)]
pub struct RegisterArgs {
    /// Who signs, on which chain.
    #[command(flatten)]
    pub send: SendArgs,
    /// What is put on hold, in SBH. Without it, the least that the chain accepts
    #[arg(long, value_parser = parse_amount, value_name = "AMOUNT")]
    pub stake: Option<Balance>,
    /// The account of the daemon's key. Without it, the signer's own
    #[arg(long, value_parser = parse_account, value_name = "ACCOUNT")]
    pub hot_key: Option<AccountId>,
    /// The account that is paid. Without it, the signer's own
    #[arg(long, value_parser = parse_account, value_name = "ACCOUNT")]
    pub payout: Option<AccountId>,
    /// What the worker computes with
    #[arg(long, value_enum, default_value_t = Device::Cpu)]
    pub device: Device,
    /// How many slots it trains at a time. The daemon trains one after another, so more than one takes longer
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    pub capacity: u16,
    /// Where the worker serves its blobs, <node id>@<ip>:<port>, as `start` and `blob serve` print it
    #[arg(long, default_value = "", value_name = "ADDRESS")]
    pub endpoint: String,
    /// What to send to the hot key for its fees, in SBH
    #[arg(long, value_parser = parse_amount, value_name = "AMOUNT")]
    pub fund: Option<Balance>,
}

#[derive(Serialize)]
struct Registered {
    owner: AccountId,
    hot_key: AccountId,
    payout: AccountId,
    #[serde(serialize_with = "super::on_chain::as_text")]
    stake: Balance,
    #[serde(flatten)]
    receipt: Receipt,
}

/// Runs the command.
///
/// # Errors
/// [`Exit::BadInput`] if the stake is too low or not there, or the endpoint cannot be one; [`Exit::Refused`] if the chain refuses.
pub async fn run(args: RegisterArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let owner = signed.key.account();
    let at = signed.session.client.at_best().await.coded()?;
    check_endpoint(&at, &args.endpoint)?;
    let least = at.min_stake().coded()?;
    let stake = args.stake.unwrap_or(least);
    if stake < least {
        let message =
            format!("the stake of {} is too low: the chain wants at least {}", sbh(stake), sbh(least));
        return Err(failure(Exit::BadInput, message));
    }
    let needed =
        stake.saturating_add(args.fund.unwrap_or(0)).saturating_add(at.existential_deposit().coded()?);
    let free = at.balances(&owner).await.coded()?.free;
    if free < needed {
        let message = format!("{owner} has {}, but needs at least {} and a fee", sbh(free), sbh(needed));
        return Err(failure(Exit::BadInput, message));
    }
    let hot_key = args.hot_key.unwrap_or(owner);
    let payout = args.payout.unwrap_or(owner);
    let call = Call::register(hot_key, payout, args.device, args.capacity, &args.endpoint, stake);
    let (_, receipt) = signed.send(&call).await?;
    if let Some(fund) = args.fund.filter(|_| hot_key != owner) {
        signed.send(&Call::transfer(hot_key, fund)).await?;
    }
    let text = format!(
        "registered with a stake of {} (block {}): owner {owner}, hot key {hot_key}, payout {payout}\n\
         next: `sabha-worker ready`, and `sabha-worker start` with the hot key",
        sbh(stake),
        receipt.block
    );
    context.print(&Registered { owner, hot_key, payout, stake, receipt }, text)
}
