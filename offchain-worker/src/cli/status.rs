//! `status`: a worker's stake, status and duties.

use super::{
    Context,
    on_chain::{QueryArgs, as_text, sbh, worker_of},
};
use crate::{
    chain::{ChainResult, Device, Duty},
    config::{Config, SignerArgs},
    error::{Exit, ResultExt},
    keys::{AccountId, Key, parse_account},
};
use clap::Args;
use sabha_protocol::{ActiveBlock, Balance, RoundKey, RunId};
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
    /// What of the stake answers for something that is not settled.
    #[serde(serialize_with = "as_text")]
    reserved: Balance,
    attesting: u32,
    /// How many slots it trains at a time.
    capacity: u16,
    #[serde(serialize_with = "as_text")]
    owed: Balance,
    tickets: u16,
    /// The expected share of duties done, in parts per million.
    score: u32,
    jailed_until: Option<ActiveBlock>,
    duties: Vec<DutyLine>,
    done: u32,
    missed: u32,
    withdrawable_from: Option<ActiveBlock>,
    #[serde(serialize_with = "as_text")]
    hot_key_balance: Balance,
    #[serde(serialize_with = "as_text")]
    payout_balance: Balance,
}

/// Something that the worker has to do.
#[derive(Serialize)]
struct DutyLine {
    duty: &'static str,
    run: RunId,
    round: u32,
    attempt: u16,
    /// The slot, or the place on a panel or among the auditors.
    place: u16,
    until: ActiveBlock,
}

impl DutyLine {
    fn of(duty: &Duty) -> Self {
        let (word, place) = match duty {
            Duty::Train { slot, .. } => ("train", *slot),
            Duty::Attest { place, .. } => ("attest", *place),
            Duty::Aggregate { .. } => ("aggregate", 0),
            Duty::Audit { place, .. } => ("audit", *place),
            Duty::Publish { slot, .. } => ("publish", *slot),
            Duty::Reveal { place, .. } => ("reveal", *place),
        };
        let RoundKey { round, attempt } = duty.round();
        Self { duty: word, run: duty.run(), round, attempt, place, until: duty.until() }
    }
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
    let active_block = at.active_blocks().await.coded()?;
    let duties = at.duties_of(&worker.hot_key).await.coded()?;
    let status = Status {
        block: at.number(),
        active_block,
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
        reserved: worker.reserved,
        attesting: worker.attesting,
        capacity: worker.capacity,
        owed: worker.owed,
        tickets: worker.tickets,
        score: worker.score,
        jailed_until: Some(worker.jailed_until).filter(|until| *until > active_block),
        duties: duties.iter().map(DutyLine::of).collect(),
        done: worker.done,
        missed: worker.missed,
    };
    context.print(&status, text(&status)?)
}

fn text(status: &Status) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "{} after block {} (active block {})", status.status, status.block, status.active_block)?;
    writeln!(
        text,
        "owner    {}, stake {}, of it {} reserved",
        status.owner,
        sbh(status.stake),
        sbh(status.reserved)
    )?;
    writeln!(text, "hot key  {}, has {}", status.hot_key, sbh(status.hot_key_balance))?;
    writeln!(text, "payout   {}, has {}", status.payout, sbh(status.payout_balance))?;
    writeln!(
        text,
        "duties   {} done, {} missed, as settled; score {:.2}; {} tickets in the draw",
        status.done,
        status.missed,
        f64::from(status.score) / 1e6,
        status.tickets
    )?;
    for DutyLine { duty, run, round, attempt, place, until } in &status.duties {
        writeln!(
            text,
            "  {duty} {run}/{round}.{attempt}/{place} (run/round.attempt/place), until active block {until}"
        )?;
    }
    if let Some(until) = status.jailed_until {
        writeln!(text, "jailed: it missed too much and is drawn for nothing before active block {until}")?;
    }
    if status.owed > 0 {
        writeln!(text, "owed     {}", sbh(status.owed))?;
    }
    if let Some(from) = status.withdrawable_from {
        writeln!(text, "stake can be withdrawn from active block {from} on")?;
    }
    Ok(text)
}
