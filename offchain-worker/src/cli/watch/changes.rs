//! What happened to a run between two blocks.

use crate::{
    chain::{Round, Run, Slot, Void},
    cli::{on_chain::as_text, show},
    keys::AccountId,
};
use sabha_protocol::{
    ActiveBlock, Balance, Digest, Divergence, Generation, Outcome, RoundIndex, RoundKey, SlotIndex,
    audit::Seat, round::SlotState,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// What is known of a run after one block.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The run.
    pub run: Run,
    /// The attempts at rounds that are not settled, with their slots.
    pub live: Vec<(Round, Vec<(SlotIndex, Slot)>)>,
    /// Their auditors, by round and seat.
    pub seats: BTreeMap<(RoundKey, u16), Seat<AccountId>>,
}

/// Something that happened to a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Change {
    /// What the run is like when watching begins, or a change of that.
    Status { status: &'static str, finalised: RoundIndex, rounds: RoundIndex },
    /// A round was opened. `base` is the address of the checkpoint that it starts from.
    Opened {
        #[serde(flatten)]
        key: RoundKey,
        base: Option<Digest>,
    },
    /// A slot was assigned.
    Assigned {
        #[serde(flatten)]
        key: RoundKey,
        slot: SlotIndex,
        generation: Generation,
        worker: AccountId,
        until: ActiveBlock,
    },
    /// A slot's worker missed the deadline, or was let go.
    Lost {
        #[serde(flatten)]
        key: RoundKey,
        slot: SlotIndex,
        generation: Generation,
        worker: AccountId,
    },
    /// A worker committed a result.
    Committed {
        #[serde(flatten)]
        key: RoundKey,
        slot: SlotIndex,
        generation: Generation,
        worker: AccountId,
        loss: f32,
        update: Digest,
    },
    /// A worker committed that the arithmetic left the finite numbers.
    Diverged {
        #[serde(flatten)]
        key: RoundKey,
        slot: SlotIndex,
        generation: Generation,
        worker: AccountId,
        step: u32,
        instruction: u32,
        element: u32,
    },
    /// A round came to another phase. `accepted` updates count, once that is known.
    Phase {
        #[serde(flatten)]
        key: RoundKey,
        phase: &'static str,
        accepted: Option<u16>,
    },
    /// The next checkpoint was posted.
    Built {
        #[serde(flatten)]
        key: RoundKey,
        root: Digest,
        checkpoint: Digest,
        aggregator: AccountId,
    },
    /// An auditor was drawn.
    Auditor {
        #[serde(flatten)]
        key: RoundKey,
        seat: u16,
        slot: SlotIndex,
        auditor: AccountId,
    },
    /// A round's audits came further.
    Audits {
        #[serde(flatten)]
        key: RoundKey,
        audits: &'static str,
        seats: u16,
        sealed: u16,
        answered: u16,
    },
    /// Auditors and workers disagree.
    Disagreement {
        #[serde(flatten)]
        key: RoundKey,
        open: u16,
    },
    /// A slot was found at fault.
    Fault {
        #[serde(flatten)]
        key: RoundKey,
        slot: SlotIndex,
    },
    /// A round will make no checkpoint that stands.
    Voided {
        #[serde(flatten)]
        key: RoundKey,
        reason: Void,
    },
    /// Everybody of a round is settled.
    Settled {
        #[serde(flatten)]
        key: RoundKey,
    },
    /// Workers were paid.
    Paid {
        #[serde(serialize_with = "as_text")]
        paid: Balance,
        #[serde(serialize_with = "as_text")]
        paid_in_all: Balance,
    },
}

/// What happened between two blocks, in the order in which it must have happened. Of what began and ended between them nothing is
/// told: it is in no state.
pub fn changes(before: Option<&Snapshot>, now: &Snapshot) -> Vec<Change> {
    let mut found = Vec::new();
    let run = &now.run;
    let status = Change::Status { status: run.word(), finalised: run.finalised, rounds: run.rounds };
    if before.is_none() {
        found.push(status.clone());
    }
    for (old, slots) in before.map(|before| before.live.as_slice()).unwrap_or_default() {
        match now.live.iter().find(|(round, _)| round.key == old.key) {
            Some((round, after)) => of_round(Some((old, slots)), round, after, &mut found),
            None => found.push(Change::Settled { key: old.key }),
        }
    }
    let is_new =
        |round: &Round| before.is_none_or(|before| before.live.iter().all(|(old, _)| old.key != round.key));
    for (round, slots) in now.live.iter().filter(|(round, _)| is_new(round)) {
        let base = round.base.map(|base| base.blob);
        found.push(Change::Opened { key: round.key, base });
        of_round(None, round, slots, &mut found);
    }
    let is_known = |seat| before.is_some_and(|before| before.seats.contains_key(seat));
    for (&(key, seat), record) in now.seats.iter().filter(|(seat, _)| !is_known(*seat)) {
        found.push(Change::Auditor { key, seat, slot: record.slot, auditor: record.auditor });
    }
    if let Some(before) = before {
        if run.paid > before.run.paid {
            let paid = run.paid.saturating_sub(before.run.paid);
            found.push(Change::Paid { paid, paid_in_all: run.paid });
        }
        if (run.word(), run.finalised) != (before.run.word(), before.run.finalised) {
            found.push(status);
        }
    }
    found
}

fn of_round(
    before: Option<(&Round, &Vec<(SlotIndex, Slot)>)>,
    round: &Round,
    slots: &[(SlotIndex, Slot)],
    found: &mut Vec<Change>,
) {
    let key = round.key;
    let old = before.map(|(round, _)| round);
    let old_slots = before.map(|(_, slots)| slots.as_slice()).unwrap_or_default();
    for (index, slot) in slots {
        let was = old_slots.iter().find(|(old, _)| old == index).map(|(_, slot)| slot);
        if let Some(was) = was
            && let SlotState::Assigned { worker, .. } = was.state
            && slot.generation != was.generation
        {
            found.push(Change::Lost { key, slot: *index, generation: was.generation, worker });
        }
        if was.map(|was| (was.generation, was.state)) != Some((slot.generation, slot.state)) {
            found.extend(of_slot(key, *index, slot));
        }
    }
    let (phase, _) = show::phase(&round.phase);
    if old.map(|old| show::phase(&old.phase).0) != Some(phase) {
        let known = matches!(phase, "aggregating" | "window" | "final");
        found.push(Change::Phase { key, phase, accepted: known.then(|| round.accepted.len()) });
    }
    if let Some((checkpoint, aggregator)) = round.result
        && old.is_none_or(|old| old.result != round.result)
    {
        found.push(Change::Built { key, root: checkpoint.root, checkpoint: checkpoint.blob, aggregator });
    }
    let progress = |round: &Round| (show::audits(round.audits), round.sealed, round.answered);
    if old.map_or(("not yet", 0, 0), progress) != progress(round) {
        let (audits, sealed, answered) = progress(round);
        found.push(Change::Audits { key, audits, seats: round.seats, sealed, answered });
    }
    if round.disagreements > old.map_or(0, |old| old.disagreements) {
        found.push(Change::Disagreement { key, open: round.disagreements });
    }
    for slot in round.faulty.iter().filter(|slot| old.is_none_or(|old| !old.faulty.contains(*slot))) {
        found.push(Change::Fault { key, slot });
    }
    if let Some(reason) = round.void
        && old.is_none_or(|old| old.void.is_none())
    {
        found.push(Change::Voided { key, reason: reason.into() });
    }
}

/// What a slot's state says.
fn of_slot(key: RoundKey, slot: SlotIndex, record: &Slot) -> Option<Change> {
    let generation = record.generation;
    match record.state {
        SlotState::Vacant | SlotState::Lost => None,
        SlotState::Assigned { worker, until } => {
            Some(Change::Assigned { key, slot, generation, worker, until })
        }
        SlotState::Committed { worker, outcome: Outcome::Trained(commitment) } => Some(Change::Committed {
            key,
            slot,
            generation,
            worker,
            loss: commitment.mean_loss.get(),
            update: commitment.update_digest,
        }),
        SlotState::Committed { worker, outcome: Outcome::Diverged(divergence) } => {
            let Divergence { step, instruction, element } = divergence;
            Some(Change::Diverged { key, slot, generation, worker, step, instruction, element })
        }
    }
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
