//! `run watch`: a run as it goes on, one line for everything that happens; JSON lines with `--json`. On a terminal a bar shows
//! how far it is.

use super::{Context, on_chain::sbh, run::find};
use crate::{
    chain::{At, ChainError, ChainResult, PlacedSlot, Run, RunStatus},
    cli::on_chain::{Session, as_text},
    config::ChainArgs,
    error::{Exit, failure},
    keys::AccountId,
    output::Output,
};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use sabha_protocol::{
    Balance, Digest, Divergence, Generation, Outcome, RoundIndex, RunId, SlotState, slot::ActiveBlock,
};
use serde::Serialize;
use std::{
    io::Write,
    time::{Duration, Instant},
};

/// Arguments of `run watch`.
#[derive(Args, Debug)]
pub struct WatchArgs {
    /// The run's number
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
}

/// What is known of a run after one block.
#[derive(Clone, Debug, PartialEq)]
struct Snapshot {
    run: Run,
    slots: Vec<PlacedSlot>,
}

/// Something that happened to a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Change {
    /// What the run is like when watching begins, or a change of that.
    Status { status: &'static str, committed: RoundIndex, finalised: RoundIndex, rounds: RoundIndex },
    /// A slot was assigned.
    Assigned { round: RoundIndex, generation: Generation, worker: AccountId, deadline: ActiveBlock },
    /// A slot's worker missed the deadline, or the run was stopped.
    Lost { round: RoundIndex, generation: Generation, worker: AccountId },
    /// A worker committed a result.
    Committed {
        round: RoundIndex,
        generation: Generation,
        worker: AccountId,
        loss: f32,
        update: Digest,
        final_at: ActiveBlock,
    },
    /// A worker committed that the arithmetic left the finite numbers.
    Diverged {
        round: RoundIndex,
        generation: Generation,
        worker: AccountId,
        step: u32,
        instruction: u32,
        element: u32,
        final_at: ActiveBlock,
    },
    /// Rounds became final and were paid.
    Final {
        rounds: RoundIndex,
        finalised: RoundIndex,
        #[serde(serialize_with = "as_text")]
        paid: Balance,
        #[serde(serialize_with = "as_text")]
        paid_in_all: Balance,
    },
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
    let session = Session::open(context, &args.chain).await?;
    let client = &session.client;
    let began = Instant::now();
    let mut seen = None;
    let mut before: Option<Snapshot> = None;
    let bar = ProgressBar::new(0).with_style(style());
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
        let look = async {
            let hash = client.best_hash().await?;
            if seen == Some(hash) {
                return Ok(None);
            }
            Ok(Some((hash, client.at(hash).await?)))
        };
        match look.await {
            Ok(None) => {}
            Ok(Some((hash, at))) => {
                let run = find(&at, args.run).await?;
                let now = Snapshot { slots: at.slots(run.id).await.coded()?, run };
                for change in changes(before.as_ref(), &now) {
                    let line = Line { block: at.number(), run: args.run, change: &change };
                    let text = if context.global.json { serde_json::to_string(&line)? } else { words(&line) };
                    bar.suspend(|| writeln!(Output::lock(), "{text}"))?;
                }
                show(&bar, &at, &now);
                seen = Some(hash);
                before = Some(now);
            }
            // The connection comes back by itself; what happened meanwhile is seen then.
            Err(error) if ChainError::is_transient(&error) => {
                bar.suspend(|| tracing::warn!(%error, "trying again"))
            }
            Err(error) => break Err(error.into_coded()),
        }
        if let Some(now) = before.as_ref().filter(|now| now.run.status.is_over()) {
            if !args.until_final {
                break Ok(());
            }
            let finalised = client.at_finalised().await.coded()?.run(args.run).await.coded()?;
            if finalised.is_some_and(|run| run.status == now.run.status) {
                break match now.run.status {
                    RunStatus::Completed => Ok(()),
                    _ => Err(failure(
                        Exit::Failure,
                        format!("run {} was stopped before its last round", args.run),
                    )),
                };
            }
        }
        tokio::select! {
            () = context.stop.raised() => {}
            () = tokio::time::sleep(session.config.chain.poll()) => {}
        }
    };
    bar.finish_and_clear();
    result
}

/// What happened between two blocks, in the order in which it must have happened.
fn changes(before: Option<&Snapshot>, now: &Snapshot) -> Vec<Change> {
    let mut found = Vec::new();
    let run = &now.run;
    let status = Change::Status {
        status: run.status.word(),
        committed: run.next_round,
        finalised: run.finalised,
        rounds: run.rounds,
    };
    let Some(before) = before else {
        found.push(status);
        found.extend(now.slots.iter().map(current));
        return found;
    };
    let (finalised, paid) = (before.run.finalised, before.run.paid);
    if run.finalised > finalised || run.paid > paid {
        found.push(Change::Final {
            rounds: run.finalised.saturating_sub(finalised),
            finalised: run.finalised,
            paid: run.paid.saturating_sub(paid),
            paid_in_all: run.paid,
        });
    }
    let generation_of = |snapshot: &Snapshot, round, slot| {
        snapshot
            .slots
            .iter()
            .find(|(r, s, _)| (*r, *s) == (round, slot))
            .map(|(_, _, state)| state.generation)
    };
    for (round, slot, state) in &before.slots {
        let gone = generation_of(now, *round, *slot) != Some(state.generation);
        if gone && *round >= run.finalised && matches!(state.state, SlotState::Assigned { .. }) {
            found.push(Change::Lost { round: *round, generation: state.generation, worker: state.worker });
        }
    }
    found.extend(now.slots.iter().filter(|placed| !before.slots.contains(placed)).map(current));
    if run.status != before.run.status {
        found.push(status);
    }
    found
}

/// What a slot's state says.
fn current((round, _, slot): &PlacedSlot) -> Change {
    let (round, generation, worker) = (*round, slot.generation, slot.worker);
    match slot.state {
        SlotState::Assigned { deadline } => Change::Assigned { round, generation, worker, deadline },
        SlotState::Committed { outcome: Outcome::Trained(commitment), final_at } => Change::Committed {
            round,
            generation,
            worker,
            loss: commitment.mean_loss.get(),
            update: commitment.update_digest,
            final_at,
        },
        SlotState::Committed { outcome: Outcome::Diverged(divergence), final_at } => {
            let Divergence { step, instruction, element } = divergence;
            Change::Diverged { round, generation, worker, step, instruction, element, final_at }
        }
    }
}

fn words(line: &Line<'_>) -> String {
    let block = line.block;
    let again = |generation: Generation| {
        if generation == 0 { String::new() } else { format!(" (again, {generation})") }
    };
    match line.change {
        Change::Status { status, committed, finalised, rounds } => format!(
            "#{block}  run {} is {status}: {committed} of {rounds} rounds committed, {finalised} final",
            line.run
        ),
        Change::Assigned { round, generation, worker, deadline } => format!(
            "#{block}  round {round}{}: {worker} trains, until active block {deadline}",
            again(*generation)
        ),
        Change::Lost { round, generation, worker } => {
            format!("#{block}  round {round}{}: {worker} lost the slot", again(*generation))
        }
        Change::Committed { round, worker, loss, update, final_at, .. } => format!(
            "#{block}  round {round}: loss {loss:.4}, update {}… by {worker}, final at active block {final_at}",
            update.to_string().chars().take(16).collect::<String>()
        ),
        Change::Diverged { round, worker, step, instruction, element, .. } => {
            let place = Divergence { step: *step, instruction: *instruction, element: *element };
            format!("#{block}  round {round}: {}, says {worker}; the run pauses", diverged(place))
        }
        Change::Final { rounds, finalised, paid, paid_in_all } => format!(
            "#{block}  {rounds} more final, {finalised} in all: {} paid, {} in all",
            sbh(*paid),
            sbh(*paid_in_all)
        ),
    }
}

/// An outcome in a few words.
pub(super) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Trained(commitment) => {
            format!("committed update {} with loss {}", commitment.update_digest, commitment.mean_loss)
        }
        Outcome::Diverged(divergence) => diverged(*divergence),
    }
}

fn diverged(Divergence { step, instruction, element }: Divergence) -> String {
    format!("diverged at step {step}, instruction {instruction}, element {element}")
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:30} {pos}/{len} rounds committed, {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn show(bar: &ProgressBar, at: &At, now: &Snapshot) {
    bar.set_length(now.run.rounds.into());
    bar.set_position(now.run.next_round.into());
    bar.set_message(format!(
        "{} final, {} paid, block {}",
        now.run.finalised,
        sbh(now.run.paid),
        at.number()
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabha_protocol::{Commitment, Slot, UNITS};

    fn account(byte: u8) -> AccountId {
        AccountId::from([byte; 32])
    }

    fn snapshot(next_round: u32, finalised: u32, slots: Vec<PlacedSlot>) -> Snapshot {
        let run = Run {
            id: 3,
            owner: account(9),
            spec_hash: Digest([1; 32]),
            status: RunStatus::Active,
            escrow: 10 * UNITS,
            paid: u128::from(finalised) * UNITS,
            rounds: 4,
            next_round,
            generation: 0,
            finalised,
            checkpoint: None,
        };
        Snapshot { run, slots }
    }

    fn assigned(round: u32, generation: u16, worker: u8) -> PlacedSlot {
        (round, 0, Slot::assign(account(worker), generation, 100, 20))
    }

    fn committed(round: u32, worker: u8) -> PlacedSlot {
        let (round, slot, mut state) = assigned(round, 0, worker);
        let outcome = Outcome::Trained(Commitment {
            segments_root: Digest([2; 32]),
            update_digest: Digest([3; 32]),
            mean_loss: 1.5.into(),
        });
        state.commit(&account(worker), 0, outcome, 110, 8, 60).unwrap();
        (round, slot, state)
    }

    /// It tells events in words of its own, and would print the bare name of one that it does not know.
    #[test]
    fn the_demo_has_words_for_every_event() {
        let demo = include_str!("../../../scripts/demo");
        let name = |change: &Change| match change {
            Change::Status { .. } => "status",
            Change::Assigned { .. } => "assigned",
            Change::Lost { .. } => "lost",
            Change::Committed { .. } => "committed",
            Change::Diverged { .. } => "diverged",
            Change::Final { .. } => "final",
        };
        let (round, generation, worker) = (0, 0, account(1));
        let (step, instruction, element, final_at) = (1, 2, 3, 4);
        let every = [
            Change::Status { status: "active", committed: 0, finalised: 0, rounds: 4 },
            Change::Assigned { round, generation, worker, deadline: 9 },
            Change::Lost { round, generation, worker },
            Change::Committed { round, generation, worker, loss: 1.0, update: Digest([1; 32]), final_at },
            Change::Diverged { round, generation, worker, step, instruction, element, final_at },
            Change::Final { rounds: 1, finalised: 1, paid: 1, paid_in_all: 1 },
        ];
        for change in &every {
            assert_eq!(serde_json::to_value(change).unwrap()["event"], name(change));
            let words = format!("if kind == \"{}\":", name(change));
            assert!(demo.contains(&words), "scripts/demo has no words for {}", name(change));
        }
    }

    #[test]
    fn a_divergence_is_told_with_its_place() {
        let (round, place, mut state) = assigned(0, 0, 1);
        let found = Outcome::Diverged(Divergence { step: 3, instruction: 345, element: 6 });
        assert_eq!(outcome(&found), "diverged at step 3, instruction 345, element 6");
        state.commit(&account(1), 0, found, 110, 8, 60).unwrap();
        let found = changes(None, &snapshot(1, 0, vec![(round, place, state)]));
        let told = words(&Line { block: 7, run: 3, change: &found[1] });
        assert!(told.contains("round 0: diverged at step 3, instruction 345, element 6, says "), "{told}");
    }

    #[test]
    fn the_first_look_tells_what_there_is() {
        let now = snapshot(1, 0, vec![committed(0, 1), assigned(1, 0, 2)]);
        let found = changes(None, &now);
        assert!(matches!(found[0], Change::Status { committed: 1, finalised: 0, rounds: 4, .. }));
        assert!(matches!(found[1], Change::Committed { round: 0, final_at: 170, .. }));
        assert!(matches!(found[2], Change::Assigned { round: 1, deadline: 120, .. }));
        assert_eq!(found.len(), 3);
        assert!(changes(Some(&now), &now).is_empty());
    }

    #[test]
    fn a_round_is_told_step_by_step() {
        let open = snapshot(0, 0, vec![]);
        let training = snapshot(0, 0, vec![assigned(0, 0, 1)]);
        let done = snapshot(1, 0, vec![committed(0, 1)]);
        let paid = snapshot(1, 1, vec![]);
        assert!(matches!(changes(Some(&open), &training)[..], [Change::Assigned { round: 0, .. }]));
        assert!(matches!(
            changes(Some(&training), &done)[..],
            [Change::Committed { round: 0, loss: 1.5, .. }]
        ));
        let found = changes(Some(&done), &paid);
        assert!(matches!(
            found[..],
            [Change::Final { rounds: 1, finalised: 1, paid: UNITS, paid_in_all: UNITS }]
        ));
    }

    #[test]
    fn a_missed_deadline_is_told_before_the_next_assignment() {
        let first = snapshot(0, 0, vec![assigned(0, 0, 1)]);
        let second = snapshot(0, 0, vec![assigned(0, 1, 2)]);
        let found = changes(Some(&first), &second);
        assert!(matches!(
            found[..],
            [Change::Lost { round: 0, generation: 0, .. }, Change::Assigned { round: 0, generation: 1, .. }]
        ));
        assert!(matches!(changes(Some(&first), &snapshot(0, 0, vec![]))[..], [Change::Lost { .. }]));
    }

    #[test]
    fn every_change_reads_as_words_and_as_json() {
        let before = snapshot(1, 0, vec![committed(0, 1), assigned(1, 0, 2)]);
        let mut now = snapshot(2, 1, vec![committed(1, 2), assigned(2, 1, 1)]);
        now.run.status = RunStatus::Paused;
        for change in changes(Some(&before), &now).iter().chain(&changes(None, &before)) {
            let line = Line { block: 12, run: 3, change };
            assert!(
                words(&line).starts_with("#12  r") || words(&line).starts_with("#12  1 more"),
                "{}",
                words(&line)
            );
            let json: serde_json::Value =
                serde_json::from_str(&serde_json::to_string(&line).unwrap()).unwrap();
            assert_eq!((json["block"].as_u64(), json["run"].as_u64()), (Some(12), Some(3)));
            assert!(json["event"].is_string());
        }
    }
}
