//! `status`: a worker's stake, status and duties; with `--live` anew after every block, with the losses that it commits.

use super::{
    Context,
    live::{Screen, Size, losses::Losses, source::Source},
    on_chain::{QueryArgs, Session, as_text, sbh, worker_of},
    show, watch,
};
use crate::{
    chain::{At, ChainResult, Device, Hash},
    config::{Config, SignerArgs},
    error::{Exit, ResultExt},
    keys::{AccountId, Key, parse_account},
};
use clap::Args;
use sabha_protocol::{ActiveBlock, Balance, RoundKey, RunId, round::Duty};
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
    /// Show it anew after every block, until Ctrl-C; on a terminal with the loss curves of the runs whose slots the worker trains
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
    if args.live {
        // However long the nodes are silent: a signal ends it at once.
        let opening = Session::open(context, &args.query.chain);
        let Some(session) = context.stop.unless_raised(opening).await else { return Ok(()) };
        return live(Source::of(session?), args.query.finalised, &account, context).await;
    }
    let (_, at) = args.query.open(context).await?;
    let status = Status::read(&at, &account).await?;
    context.print(&status, text(&status)?)
}

/// Shows it anew after every block.
async fn live(
    mut source: Source,
    finalised: bool,
    account: &AccountId,
    context: &Context,
) -> anyhow::Result<()> {
    let mut screen = if context.global.json { None } else { Screen::open(&context.stop) };
    let (mut seen, mut losses) = (None, Losses::default());
    loop {
        let looking = next(&mut source, finalised, seen, account, screen.is_some().then_some(&mut losses));
        let Some(looked) = context.stop.unless_raised(looking).await else { return Ok(()) };
        match looked {
            Ok(found) => {
                source.served();
                if let Some((hash, status)) = found {
                    let node = source.client().url();
                    match &mut screen {
                        Some(screen) => screen.show(&lines(&status, node, &losses, screen.size())?)?,
                        None => context.print(&status, text(&status)?)?,
                    }
                    seen = Some(hash);
                }
            }
            // The connection comes back by itself, or another node is asked.
            Err(error) if Exit::of(&error) == Exit::NoNode => {
                match &mut screen {
                    Some(screen) => screen.show(&[format!("{error:#}: trying again")])?,
                    None => tracing::warn!(error = format!("{error:#}"), "trying again"),
                }
                context.stop.unless_raised(source.failed()).await;
            }
            Err(error) => return Err(error),
        }
        context.stop.unless_raised(tokio::time::sleep(source.poll())).await;
    }
}

/// The status after the next block, if there is one that is not `seen`. Notes losses if that is asked for.
async fn next(
    source: &mut Source,
    finalised: bool,
    seen: Option<Hash>,
    account: &AccountId,
    losses: Option<&mut Losses>,
) -> anyhow::Result<Option<(Hash, Status)>> {
    let Some(at) = source.next(finalised, seen).await.coded()? else { return Ok(None) };
    let status = Status::read(&at, account).await?;
    if let Some(losses) = losses {
        for run in at.open_runs().await.coded()? {
            for (round, slots) in show::rounds(&at, run).await? {
                for (index, slot) in slots.iter().filter(|(_, slot)| slot.worker() == Some(&status.owner)) {
                    if let Some(loss) = watch::loss(slot) {
                        losses.note(run, round.key, *index, slot.generation, loss);
                    }
                }
            }
        }
    }
    Ok(Some((at.hash(), status)))
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

/// The live view: a pure function of what is known.
fn lines(status: &Status, node: &str, losses: &Losses, size: Size) -> Result<Vec<String>, std::fmt::Error> {
    let mut lines: Vec<String> = text(status)?.lines().map(String::from).collect();
    lines.insert(1, format!("node     {node}"));
    lines.extend(losses.lines(size.rows.saturating_sub(lines.len()), size.columns));
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
        let mut losses = Losses::default();
        for round in 0..4 {
            losses.note(0, RoundKey { round, attempt: 0 }, 1, 0, 4.0 - f64::from(round));
        }
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
        ];
        assert_eq!(found[..head.len()], head);
        assert_eq!(found[head.len()..], losses.lines(24, 49));
        assert!(found.len() > head.len());
        for rows in 8..24 {
            let found = lines(&status(), "ws://a:1", &losses, Size { rows, columns: 49 }).unwrap();
            assert!(found.len() <= rows && found[0].starts_with("ready"), "{rows}");
        }
    }

    /// A node that takes connections and says nothing: Ctrl-C is noticed all the same.
    #[tokio::test]
    async fn a_signal_ends_the_live_view_while_a_node_is_asked() {
        let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let urls = vec![format!("ws://{}", mute.local_addr().unwrap())];
        let global = crate::cli::GlobalArgs { urls, ..Default::default() };
        let context = Context { global, stop: crate::stop::Stop::new() };
        let stop = context.stop.clone();
        let args = StatusArgs {
            query: QueryArgs::default(),
            signer: SignerArgs::default(),
            account: Some(AccountId::from([1; 32])),
            live: true,
        };
        let viewing = tokio::spawn(async move { run(args, &context).await });
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        stop.raise(Exit::Interrupted);
        // Less than the time-out of a connection.
        let ended = tokio::time::timeout(std::time::Duration::from_secs(2), viewing).await;
        ended.unwrap().unwrap().unwrap();
    }
}
