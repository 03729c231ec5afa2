//! `run show`: a run as it is after one block, with the rounds that are not settled.

use super::{
    Context,
    on_chain::{QueryArgs, sbh},
    run::{Summary, find},
};
use crate::{
    chain::{At, ChainResult, Round, Slot, Void},
    keys::AccountId,
};
use clap::Args;
use sabha_protocol::{
    ActiveBlock, Digest, Divergence, Outcome, RunId, SlotIndex,
    audit::Audits,
    round::{Fault, Phase, SlotState},
};
use serde::Serialize;
use std::fmt::Write;

/// Arguments of `run show`.
#[derive(Args, Debug)]
pub struct ShowArgs {
    /// The run's number
    pub run: RunId,
    /// Which chain.
    #[command(flatten)]
    pub query: QueryArgs,
}

#[derive(Serialize)]
struct Details {
    block: u64,
    active_block: u32,
    #[serde(flatten)]
    summary: Summary,
    /// Attempts at rounds that are not settled.
    live: Vec<RoundLine>,
}

/// An attempt at a round.
#[derive(Serialize)]
struct RoundLine {
    round: u32,
    attempt: u16,
    phase: &'static str,
    until: Option<ActiveBlock>,
    void: Option<Void>,
    audits: &'static str,
    /// The checkpoint that it made: address and root.
    checkpoint: Option<Digest>,
    root: Option<Digest>,
    accepted: Vec<SlotIndex>,
    slots: Vec<SlotLine>,
}

/// A slot of it.
#[derive(Serialize)]
struct SlotLine {
    slot: u16,
    generation: u16,
    worker: Option<AccountId>,
    state: &'static str,
    until: Option<ActiveBlock>,
    outcome: Option<Outcome>,
    fault: Option<&'static str>,
}

/// Runs the command.
///
/// # Errors
/// [`crate::error::Exit::BadInput`] if there is no such run; [`crate::error::Exit::NoNode`].
pub async fn run(args: ShowArgs, context: &Context) -> anyhow::Result<()> {
    let (_session, at) = args.query.open(context).await?;
    let run = find(&at, args.run).await?;
    let live = rounds(&at, run.id).await?;
    let details = Details {
        block: at.number(),
        active_block: at.active_blocks().await.coded()?,
        summary: Summary::of(&run),
        live: live.iter().map(|(round, slots)| RoundLine::of(round, slots)).collect(),
    };
    let mut text = text(&details)?;
    if let Some(pause) = run.pause {
        writeln!(text, "{}", pause.words())?;
    }
    context.print(&details, text)
}

/// The attempts at rounds of a run that are not settled, with their slots.
///
/// # Errors
/// If the node does not answer, or the runtime differs from what this release knows.
pub(super) async fn rounds(at: &At, run: RunId) -> anyhow::Result<Vec<(Round, Vec<(SlotIndex, Slot)>)>> {
    let mut all = Vec::new();
    for round in at.rounds_of(run).await.coded()? {
        let slots = at.slots_of(run, round.key).await.coded()?;
        all.push((round, slots));
    }
    Ok(all)
}

impl RoundLine {
    fn of(round: &Round, slots: &[(SlotIndex, Slot)]) -> Self {
        let (phase, until) = phase(&round.phase);
        let checkpoint = round.result.map(|(checkpoint, _)| checkpoint);
        Self {
            round: round.key.round,
            attempt: round.key.attempt,
            phase,
            until,
            void: round.void.map(Void::from),
            audits: audits(round.audits),
            checkpoint: checkpoint.map(|checkpoint| checkpoint.blob),
            root: checkpoint.map(|checkpoint| checkpoint.root),
            accepted: round.accepted.iter().collect(),
            slots: slots.iter().map(|(index, slot)| SlotLine::of(*index, slot)).collect(),
        }
    }
}

impl SlotLine {
    fn of(index: SlotIndex, slot: &Slot) -> Self {
        let (state, until) = match slot.state {
            SlotState::Vacant => ("vacant", None),
            SlotState::Assigned { until, .. } => ("assigned", Some(until)),
            SlotState::Committed { .. } => ("committed", None),
            SlotState::Lost => ("lost", None),
        };
        let fault = slot.checks.fault.map(|fault| match fault {
            Fault::Convicted(_) => "convicted",
            Fault::LeavesMissing => "leaves missing",
            Fault::Undecided => "undecided",
        });
        Self {
            slot: index,
            generation: slot.generation,
            worker: slot.worker().copied(),
            state,
            until,
            outcome: slot.outcome(),
            fault,
        }
    }
}

/// A phase in one word, and its last block.
pub(super) fn phase(phase: &Phase<AccountId>) -> (&'static str, Option<ActiveBlock>) {
    match phase {
        Phase::Training { until } => ("training", Some(*until)),
        Phase::Availability { until, .. } => ("availability", Some(*until)),
        Phase::Aggregating { until, .. } => ("aggregating", Some(*until)),
        Phase::Window { until } => ("window", Some(*until)),
        Phase::Final => ("final", None),
        Phase::Voided => ("voided", None),
    }
}

/// How far audits are, in one word.
pub(super) fn audits(audits: Audits) -> &'static str {
    match audits {
        Audits::NotYet => "not yet",
        Audits::Waiting { .. } => "waiting",
        Audits::Seating { .. } => "seating",
        Audits::Sealing { .. } => "sealing",
        Audits::Publishing { .. } => "publishing",
        Audits::Revealing { .. } => "revealing",
        Audits::Done => "done",
    }
}

/// An outcome in a few words.
pub(super) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Trained(commitment) => {
            format!("committed update {} with loss {}", commitment.update_digest, commitment.mean_loss)
        }
        Outcome::Diverged(Divergence { step, instruction, element }) => {
            format!("diverged at step {step}, instruction {instruction}, element {element}")
        }
    }
}

fn text(details: &Details) -> Result<String, std::fmt::Error> {
    let Details { block, active_block, summary, live } = details;
    let mut text = String::new();
    writeln!(
        text,
        "run {} is {} after block {block} (active block {active_block})",
        summary.run, summary.status
    )?;
    writeln!(text, "owner          {}", summary.owner)?;
    writeln!(text, "specification  {}", summary.spec_hash)?;
    writeln!(text, "rounds         {} final of {}", summary.finalised, summary.rounds)?;
    writeln!(
        text,
        "money          {} funded, {} regained; {} paid, {} refunded, {} in escrow",
        sbh(summary.funded),
        sbh(summary.regained),
        sbh(summary.paid),
        sbh(summary.refunded),
        sbh(summary.escrow)
    )?;
    if let (Some(checkpoint), Some(root)) = (summary.checkpoint, summary.root) {
        writeln!(text, "checkpoint     {checkpoint}")?;
        writeln!(text, "its root       {root}")?;
    }
    for RoundLine { round, attempt, phase, until, void, audits, slots, .. } in live {
        let again = if *attempt == 0 { String::new() } else { format!(" (attempt {attempt})") };
        let until = until.map_or(String::new(), |until| format!(", until active block {until}"));
        let void = void.map_or(String::new(), |void| format!(", voided: {}", void.words()));
        writeln!(text, "round {round}{again}: {phase}{until}{void}; audits {audits}")?;
        for SlotLine { slot, generation, worker, state, until, outcome: result, fault } in slots {
            let who = worker.map_or(String::new(), |worker| format!(" {worker}"));
            let what = result.as_ref().map_or((*state).to_string(), outcome);
            let until = until.map_or(String::new(), |until| format!(", until active block {until}"));
            let fault = fault.map_or(String::new(), |fault| format!("; at fault: {fault}"));
            writeln!(text, "  slot {slot} (generation {generation}){who}: {what}{until}{fault}")?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_divergence_is_told_with_its_place() {
        let found = Outcome::Diverged(Divergence { step: 3, instruction: 345, element: 6 });
        assert_eq!(outcome(&found), "diverged at step 3, instruction 345, element 6");
    }
}
