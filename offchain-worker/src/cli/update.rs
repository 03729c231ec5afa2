//! `update`: change a worker's hot key, payout account, device or endpoint, or raise its stake.

use super::{
    Context,
    on_chain::{SendArgs, check_endpoint, parse_amount, sbh},
};
use crate::{
    chain::{Call, ChainResult, Device, WorkerChanges},
    error::{Exit, failure},
    keys::{AccountId, parse_account},
};
use clap::Args;
use sabha_protocol::Balance;

/// Arguments of `update`.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    /// Who signs, on which chain. It must be the worker's owner.
    #[command(flatten)]
    pub send: SendArgs,
    /// The account of the daemon's key
    #[arg(long, value_parser = parse_account, value_name = "ACCOUNT")]
    pub hot_key: Option<AccountId>,
    /// The account that is paid
    #[arg(long, value_parser = parse_account, value_name = "ACCOUNT")]
    pub payout: Option<AccountId>,
    /// What the worker computes with
    #[arg(long, value_enum)]
    pub device: Option<Device>,
    /// How many slots it trains at a time
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    pub capacity: Option<u16>,
    /// Where the worker serves its blobs, <node id>@<ip>:<port>, as `start` and `blob serve` print it
    #[arg(long, value_name = "ADDRESS")]
    pub endpoint: Option<String>,
    /// What is put on hold in addition, in SBH
    #[arg(long, value_parser = parse_amount, value_name = "AMOUNT")]
    pub add_stake: Option<Balance>,
}

/// Runs the command.
///
/// # Errors
/// [`Exit::Usage`] if nothing is to be changed; [`Exit::BadInput`] if the endpoint cannot be one; [`Exit::Refused`] if the chain refuses.
pub async fn run(args: UpdateArgs, context: &Context) -> anyhow::Result<()> {
    let changes = WorkerChanges {
        hot_key: args.hot_key,
        payout: args.payout,
        device: args.device,
        capacity: args.capacity,
        endpoint: args.endpoint,
    };
    let changed = changes != WorkerChanges::default();
    if !changed && args.add_stake.is_none() {
        return Err(failure(Exit::Usage, "nothing is to be changed: see `sabha-worker update --help`"));
    }
    let signed = args.send.open(context).await?;
    if let Some(endpoint) = &changes.endpoint {
        check_endpoint(&signed.session.client.at_best().await.coded()?, endpoint)?;
    }
    if changed {
        signed.send_and_print(context, &Call::update_worker(&changes), "updated").await?;
    }
    if let Some(amount) = args.add_stake {
        let done = format!("stake raised by {}", sbh(amount));
        signed.send_and_print(context, &Call::add_stake(amount), &done).await?;
    }
    Ok(())
}
