//! `status`: a worker's stake, status and duties; with `--live` anew after every block, with the losses that it commits.

use super::{
    Context,
    live::{Screen, Size, chart::chart},
    on_chain::{QueryArgs, as_text, sbh, worker_of},
    show, watch,
};
use crate::{
    chain::{At, ChainResult, Client, Device, Hash},
    config::{Config, SignerArgs},
    error::{Exit, ResultExt},
    keys::{AccountId, Key, parse_account},
};
use clap::Args;
use sabha_protocol::{ActiveBlock, Balance, RoundKey, RunId, SlotIndex, round::Duty};
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write};

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
    /// Show it anew after every block, until Ctrl-C; on a terminal with the loss curve of the slots that the worker trains
    #[arg(long)]
    pub live: bool,
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
    let (session, at) = args.query.open(context).await?;
    if args.live {
        return live(&session.client, args.query.finalised, &account, context).await;
    }
    let status = Status::read(&at, &account).await?;
    context.print(&status, text(&status)?)
}

/// Shows it anew after every block.
async fn live(
    client: &Client,
    finalised: bool,
    account: &AccountId,
    context: &Context,
) -> anyhow::Result<()> {
    let poll = Config::load(&context.global)?.chain.poll();
    let mut screen = if context.global.json { None } else { Screen::open() };
    let (mut seen, mut losses) = (None, BTreeMap::new());
    while !context.stop.is_raised() {
        match next(client, finalised, seen, account, screen.is_some().then_some(&mut losses)).await {
            Ok(Some((hash, status))) => {
                match &mut screen {
                    Some(screen) => screen.show(&lines(&status, client.url(), &losses, screen.size())?)?,
                    None => context.print(&status, text(&status)?)?,
                }
                seen = Some(hash);
            }
            Ok(None) => {}
            // The connection comes back by itself.
            Err(error) if Exit::of(&error) == Exit::NoNode => match &mut screen {
                Some(screen) => screen.show(&[format!("{error:#}: trying again")])?,
                None => tracing::warn!(error = format!("{error:#}"), "trying again"),
            },
            Err(error) => return Err(error),
        }
        tokio::select! {
            () = context.stop.raised() => {}
            () = tokio::time::sleep(poll) => {}
        }
    }
    Ok(())
}

/// Losses that the worker has committed, by run, round and slot.
type Losses = BTreeMap<(RunId, RoundKey, SlotIndex), f64>;

/// The status after the next block, if there is one that is not `seen`. Notes losses if that is asked for.
async fn next(
    client: &Client,
    finalised: bool,
    seen: Option<Hash>,
    account: &AccountId,
    losses: Option<&mut Losses>,
) -> anyhow::Result<Option<(Hash, Status)>> {
    let hash = if finalised { client.finalised_hash().await } else { client.best_hash().await }.coded()?;
    if seen == Some(hash) {
        return Ok(None);
    }
    let at = client.at(hash).await.coded()?;
    let status = Status::read(&at, account).await?;
    if let Some(losses) = losses {
        for run in at.open_runs().await.coded()? {
            for (round, slots) in show::rounds(&at, run).await? {
                for (index, slot) in slots.iter().filter(|(_, slot)| slot.worker() == Some(&status.owner)) {
                    if let Some(loss) = watch::loss(slot) {
                        losses.insert((run, round.key, *index), loss);
                    }
                }
            }
        }
    }
    Ok(Some((hash, status)))
}

impl Status {
    async fn read(at: &At, account: &AccountId) -> anyhow::Result<Self> {
        let worker = worker_of(at, account).await?;
        let active_block = at.active_blocks().await.coded()?;
        let duties = at.duties_of(&worker.hot_key).await.coded()?;
        Ok(Self {
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
        })
    }
}

/// Lines that the loss curve takes.
const CURVE: usize = 6;

/// The live view: a pure function of what is known.
fn lines(status: &Status, node: &str, losses: &Losses, size: Size) -> Result<Vec<String>, std::fmt::Error> {
    let mut lines: Vec<String> = text(status)?.lines().map(String::from).collect();
    lines.insert(1, format!("node     {node}"));
    let values: Vec<f64> = losses.values().copied().collect();
    let curve = chart(&values, CURVE, size.columns);
    let fits = lines.len().saturating_add(curve.len()).saturating_add(2) <= size.rows;
    if let Some(last) = values.last().filter(|_| !curve.is_empty() && fits) {
        lines.extend([
            String::new(),
            format!("loss of its {} slots since this began: {last:.4}", values.len()),
        ]);
        lines.extend(curve);
    }
    lines.truncate(size.rows);
    Ok(lines)
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

#[cfg(test)]
mod tests {
    use super::*;
    use sabha_protocol::UNITS;

    fn status() -> Status {
        let account = |byte| AccountId::from([byte; 32]);
        Status {
            block: 120,
            active_block: 118,
            owner: account(1),
            hot_key: account(2),
            payout: account(3),
            device: Device::Cpu,
            endpoint: String::new(),
            status: "ready",
            stake: 100 * UNITS,
            reserved: 10 * UNITS,
            attesting: 0,
            capacity: 1,
            owed: 0,
            tickets: 3,
            score: 990_000,
            jailed_until: None,
            duties: vec![DutyLine { duty: "train", run: 0, round: 2, attempt: 0, place: 1, until: 130 }],
            done: 7,
            missed: 1,
            withdrawable_from: None,
            hot_key_balance: 5 * UNITS,
            payout_balance: 0,
        }
    }

    #[test]
    fn the_live_view_is_the_status_with_the_node_and_the_curve() {
        let losses =
            (0..4).map(|round| ((0, RoundKey { round, attempt: 0 }, 1), 4.0 - f64::from(round))).collect();
        let size = Size { rows: 24, columns: 49 };
        let found = lines(&status(), "ws://a:1", &losses, size).unwrap();
        let [owner, hot, payout] = [1, 2, 3].map(|byte| AccountId::from([byte; 32]));
        let head = [
            "ready after block 120 (active block 118)".into(),
            "node     ws://a:1".into(),
            format!("owner    {owner}, stake 100 SBH, of it 10 SBH reserved"),
            format!("hot key  {hot}, has 5 SBH"),
            format!("payout   {payout}, has 0 SBH"),
            "duties   7 done, 1 missed, as settled; score 0.99; 3 tickets in the draw".into(),
            "  train 0/2.0/1 (run/round.attempt/place), until active block 130".into(),
            String::new(),
            "loss of its 4 slots since this began: 1.0000".into(),
        ];
        assert_eq!(found[..head.len()], head);
        assert_eq!(found[head.len()..], chart(&[4.0, 3.0, 2.0, 1.0], CURVE, 49));
        for rows in 8..24 {
            let found = lines(&status(), "ws://a:1", &losses, Size { rows, columns: 49 }).unwrap();
            assert!(found.len() <= rows && found[0].starts_with("ready"), "{rows}");
        }
    }
}
