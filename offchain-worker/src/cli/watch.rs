//! `run watch`: a run as it goes on. On a terminal a live view: rounds, slots, auditors, disputes, the loss curve. Elsewhere, and with
//! `--lines`, one line for everything that happens; JSON lines with `--json`. A proposal is watched until it is a run.

mod changes;
mod funding;
#[cfg(test)]
mod testing;
mod view;

use super::{
    Context,
    live::{Screen, source::Source},
    on_chain::{Session, sbh},
    run::find,
    show,
};
use crate::{
    chain::{At, ChainError, ChainResult, Client, Hash, Round, RunStatus, Slot},
    config::ChainArgs,
    error::{Exit, failure},
    keys::AccountId,
    output::Output,
};
use changes::{Change, Snapshot, changes};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use sabha_protocol::{
    Divergence, Generation, Outcome, RoundKey, RunId, SlotIndex, audit::Seat, round::Phase, spec::limits,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, btree_map::Entry},
    io::Write,
    time::{Duration, Instant},
};
use view::Scene;
pub(super) use view::loss;

/// Arguments of `run watch`.
#[derive(Args, Debug)]
pub struct WatchArgs {
    /// The number of the run, or of the proposal that may become one
    pub run: RunId,
    /// Which chain.
    #[command(flatten)]
    pub chain: ChainArgs,
    /// End only when a finalised block shows that the run is over; fail if it was stopped before its last round
    #[arg(long)]
    pub until_final: bool,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// Print one line for everything that happens, on a terminal too
    #[arg(long)]
    pub lines: bool,
}

/// A change, and the block after which it was seen.
#[derive(Serialize)]
struct Line<'a> {
    block: u64,
    run: RunId,
    #[serde(flatten)]
    change: &'a Change,
}

/// Watches a run until it is over, a signal comes or the time is up.
///
/// # Errors
/// [`Exit::BadInput`] if there is no such run; [`Exit::Failure`] if the time is up, or with `--until-final` the run was stopped.
pub async fn run(args: WatchArgs, context: &Context) -> anyhow::Result<()> {
    let began = Instant::now();
    // However long the nodes are silent: a signal ends it at once.
    let Some(session) = context.stop.unless_raised(Session::open(context, &args.chain)).await else {
        return Ok(());
    };
    let mut source = Source::of(session?);
    if !funding::follow(&mut source, &args, context).await? {
        return Ok(());
    }
    let mut seen = None;
    let mut before: Option<Snapshot> = None;
    let mut view = View::open(context, args.lines);
    let result = loop {
        if context.stop.is_raised() {
            break Ok(());
        }
        if args.timeout.is_some_and(|seconds| began.elapsed() >= Duration::from_secs(seconds)) {
            break Err(failure(
                Exit::Failure,
                format!("run {} is not over after {} s", args.run, began.elapsed().as_secs()),
            ));
        }
        let looking = look(&mut source, args.run, &mut seen, &mut before, &mut view, context.global.json);
        match context.stop.unless_raised(looking).await {
            None => break Ok(()),
            Some(Ok(())) => source.served(),
            // The connection comes back by itself, or another node is asked; what happened meanwhile is seen then.
            Some(Err(error)) if Exit::of(&error) == Exit::NoNode => {
                view.warn(&error, before.as_ref())?;
                context.stop.unless_raised(source.failed()).await;
            }
            Some(Err(error)) => break Err(error),
        }
        if let Some(now) = before.as_ref().filter(|now| now.run.status.is_over()) {
            if !args.until_final {
                break Ok(());
            }
            let is_final = match context.stop.unless_raised(is_final(source.client(), now)).await {
                None => break Ok(()),
                Some(Err(error)) if error.is_transient() => {
                    view.warn(&error.into_coded(), Some(now))?;
                    false
                }
                Some(found) => found.coded()?,
            };
            if is_final {
                break match now.run.status {
                    RunStatus::Completed => Ok(()),
                    _ => Err(failure(
                        Exit::Failure,
                        format!("run {} was stopped before its last round", args.run),
                    )),
                };
            }
        }
        context.stop.unless_raised(tokio::time::sleep(source.poll())).await;
    };
    view.close(before.as_ref());
    result
}

/// Looks at the best block, if it is another one than before, and tells what happened.
async fn look(
    source: &mut Source,
    id: RunId,
    seen: &mut Option<Hash>,
    before: &mut Option<Snapshot>,
    view: &mut View,
    json: bool,
) -> anyhow::Result<()> {
    let Some(at) = source.next(false, *seen).await.coded()? else { return Ok(()) };
    let run = find(&at, id).await?;
    let live = show::rounds(&at, run.id).await?;
    // What a live view shows of auditors changes.
    let known = if view.is_live() { None } else { before.as_ref() };
    let seats = seats(&at, run.id, &live, known).await.coded()?;
    let now = Snapshot { run, live, seats };
    view.read(source.client(), &at, &now).await?;
    for change in changes(before.as_ref(), &now) {
        let line = Line { block: at.number(), run: id, change: &change };
        let text = if json { serde_json::to_string(&line)? } else { words(&line) };
        view.tell(text)?;
    }
    view.show(&at, &now)?;
    *seen = Some(at.hash());
    *before = Some(now);
    Ok(())
}

/// Whether a finalised block shows that the run is over.
async fn is_final(client: &Client, now: &Snapshot) -> Result<bool, ChainError> {
    let finalised = client.at_finalised().await?.run(now.run.id).await?;
    Ok(finalised.is_some_and(|run| run.status == now.run.status))
}

/// Where it is shown.
enum View {
    /// On the whole terminal.
    Live(Box<Scene>, Screen),
    /// As lines, with a bar on standard error if that is a terminal.
    Lines(ProgressBar),
}

impl View {
    fn open(context: &Context, lines: bool) -> Self {
        let screen = if context.global.json || lines { None } else { Screen::open(&context.stop) };
        match screen {
            Some(screen) => Self::Live(Box::default(), screen),
            None => Self::Lines(ProgressBar::new(0).with_style(style())),
        }
    }

    fn is_live(&self) -> bool {
        matches!(self, Self::Live(..))
    }

    /// Something happened.
    fn tell(&mut self, text: String) -> std::io::Result<()> {
        match self {
            Self::Live(scene, _) => scene.note(text),
            Self::Lines(bar) => bar.suspend(|| writeln!(Output::lock(), "{text}"))?,
        }
        Ok(())
    }

    /// The node does not serve.
    fn warn(&mut self, error: &anyhow::Error, last: Option<&Snapshot>) -> std::io::Result<()> {
        let error = format!("{error:#}");
        match self {
            Self::Live(scene, screen) => {
                scene.note(format!("{error}: trying again"));
                match last {
                    Some(last) => screen.show(&view::lines(last, scene, screen.size())),
                    None => Ok(()),
                }
            }
            Self::Lines(bar) => {
                bar.suspend(|| tracing::warn!(error, "trying again"));
                Ok(())
            }
        }
    }

    /// Reads what is shown besides the run.
    async fn read(&mut self, client: &Client, at: &At, now: &Snapshot) -> anyhow::Result<()> {
        let Self::Live(scene, _) = self else { return Ok(()) };
        let active = at.active_blocks().await.coded()?;
        let mut disputes = at.disputes().await.coded()?;
        disputes.retain(|(_, dispute)| dispute.run == now.run.id);
        (scene.active, scene.disputes) = (active, disputes);
        scene.node = client.url().into();
        Ok(())
    }

    /// Shows the run after another block.
    fn show(&mut self, at: &At, now: &Snapshot) -> std::io::Result<()> {
        match self {
            Self::Live(scene, screen) => {
                scene.block = at.number();
                scene.note_losses(now);
                screen.show(&view::lines(now, scene, screen.size()))
            }
            Self::Lines(bar) => {
                show(bar, at, now);
                Ok(())
            }
        }
    }

    /// Leaves the terminal as it was, with a last word.
    fn close(self, last: Option<&Snapshot>) {
        match self {
            Self::Live(scene, screen) => {
                drop(screen);
                if let Some(Snapshot { run, .. }) = last {
                    let (word, block) = (run.word(), scene.block);
                    let _ = writeln!(
                        Output::lock(),
                        "run {} is {word} after block {block}: {} of {} rounds final",
                        run.id,
                        run.finalised,
                        run.rounds
                    );
                }
            }
            Self::Lines(bar) => bar.finish_and_clear(),
        }
    }
}

/// The auditors of rounds that are not being settled. A seat stays whose it is, so those that are known are not read again.
async fn seats(
    at: &At,
    run: RunId,
    live: &[(Round, Vec<(SlotIndex, Slot)>)],
    before: Option<&Snapshot>,
) -> Result<BTreeMap<(RoundKey, u16), Seat<AccountId>>, ChainError> {
    let mut seats = BTreeMap::new();
    for (round, _) in live.iter().filter(|(round, _)| !matches!(round.phase, Phase::Final | Phase::Voided)) {
        let (key, drawn) = (round.key, usize::from(round.seats));
        let known = before.into_iter().flat_map(|before| &before.seats);
        let mut of_round: BTreeMap<_, _> =
            known.filter(|((of, _), _)| *of == key).map(|(seat, record)| (*seat, *record)).collect();
        for place in 0..limits::AUDIT {
            if of_round.len() >= drawn {
                break;
            }
            if let Entry::Vacant(entry) = of_round.entry((key, place))
                && let Some(seat) = at.seat(run, key, place).await?
            {
                entry.insert(seat);
            }
        }
        seats.append(&mut of_round);
    }
    Ok(seats)
}

fn words(line: &Line<'_>) -> String {
    let block = line.block;
    let name = |RoundKey { round, attempt }: RoundKey| match attempt {
        0 => format!("round {round}"),
        _ => format!("round {round} (attempt {attempt})"),
    };
    let of_slot =
        |key: RoundKey, slot: u16, generation: Generation| format!("{} slot {slot}#{generation}", name(key));
    let what = match line.change {
        Change::Status { status, finalised, rounds } => {
            format!("run {} is {status}: {finalised} of {rounds} rounds final", line.run)
        }
        Change::Opened { key, base: Some(base) } => format!("{} is open, from checkpoint {base}", name(*key)),
        Change::Opened { key, base: None } => {
            format!("{} is open, from the specification's start", name(*key))
        }
        Change::Assigned { key, slot, generation, worker, until } => {
            format!("{}: {worker} trains, until active block {until}", of_slot(*key, *slot, *generation))
        }
        Change::Lost { key, slot, generation, worker } => {
            format!("{}: {worker} lost it", of_slot(*key, *slot, *generation))
        }
        Change::Committed { key, slot, generation, worker, loss, update } => format!(
            "{}: loss {loss:.4}, update {}… by {worker}",
            of_slot(*key, *slot, *generation),
            update.to_string().chars().take(16).collect::<String>()
        ),
        Change::Diverged { key, slot, generation, worker, step, instruction, element } => {
            let place = Divergence { step: *step, instruction: *instruction, element: *element };
            let found = show::outcome(&Outcome::Diverged(place));
            format!("{}: {found}, says {worker}", of_slot(*key, *slot, *generation))
        }
        Change::Phase { key, phase, accepted } => match accepted {
            Some(accepted) => format!("{}: {phase}, {accepted} updates count", name(*key)),
            None => format!("{}: {phase}", name(*key)),
        },
        Change::Built { key, root, aggregator, .. } => {
            format!("{}: checkpoint root {root} by {aggregator}", name(*key))
        }
        Change::Audits { key, audits, seats, sealed, answered } => {
            format!("{}: audits {audits}: {seats} auditors, {sealed} sealed, {answered} revealed", name(*key))
        }
        Change::Auditor { key, seat, slot, auditor } => {
            format!("{}: {auditor} audits slot {slot}, in seat {seat}", name(*key))
        }
        Change::Disagreement { key, open } => format!("{}: {open} disagreements are open", name(*key)),
        Change::Fault { key, slot } => format!("{}: slot {slot} is at fault", name(*key)),
        Change::Voided { key, reason } => format!("{} is void: {}", name(*key), reason.words()),
        Change::Settled { key } => format!("{} is settled", name(*key)),
        Change::Paid { paid, paid_in_all } => format!("{} paid, {} in all", sbh(*paid), sbh(*paid_in_all)),
    };
    format!("#{block}  {what}")
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:30} {pos}/{len} rounds final, {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn show(bar: &ProgressBar, at: &At, now: &Snapshot) {
    bar.set_length(now.run.rounds.into());
    bar.set_position(now.run.finalised.into());
    bar.set_message(format!("{} paid, block {}", sbh(now.run.paid), at.number()));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node that takes connections and says nothing: Ctrl-C is noticed all the same.
    #[tokio::test]
    async fn a_signal_ends_watching_while_a_node_is_asked() {
        let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let urls = vec![format!("ws://{}", mute.local_addr().unwrap())];
        let global = crate::cli::GlobalArgs { urls, ..Default::default() };
        let context = Context { global, stop: crate::stop::Stop::new() };
        let stop = context.stop.clone();
        let chain = ChainArgs::default();
        let args = WatchArgs { run: 0, chain, until_final: false, timeout: None, lines: true };
        let watching = tokio::spawn(async move { run(args, &context).await });
        tokio::time::sleep(Duration::from_millis(50)).await;
        stop.raise(Exit::Interrupted);
        // Less than the time-out of a connection.
        let ended = tokio::time::timeout(Duration::from_secs(2), watching).await;
        ended.unwrap().unwrap().unwrap();
    }
}
