//! A run as lines on a screen: a pure function of what is known of it.

use super::changes::Snapshot;
use crate::{
    chain::{Dispute, Round, Slot},
    cli::{
        live::{Size, bar, chart::chart, short},
        on_chain::sbh,
        show,
    },
    keys::AccountId,
};
use sabha_protocol::{
    ActiveBlock, Outcome, RoundIndex, RoundKey, SlotIndex,
    audit::{Seat, SeatState},
    dispute::{
        Side,
        record::{GameId, Target},
    },
    round::SlotState,
};
use std::collections::{BTreeMap, VecDeque};

/// Lines that the loss curve takes.
const CURVE: usize = 6;

/// Happenings that are remembered.
const REMEMBERED: usize = 200;

/// What is shown besides the run itself.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// The node that tells.
    pub node: String,
    /// The block.
    pub block: u64,
    /// Active blocks, by which deadlines are told.
    pub active: ActiveBlock,
    /// Disputes about the run that go on.
    pub disputes: Vec<(GameId, Dispute)>,
    /// Mean loss of each round's slots, as far as they were seen.
    pub losses: BTreeMap<RoundIndex, f64>,
    /// What happened, the oldest first.
    pub happened: VecDeque<String>,
}

impl Scene {
    /// Notes the losses that a block shows.
    pub fn note_losses(&mut self, now: &Snapshot) {
        for (round, slots) in &now.live {
            let losses: Vec<f64> = slots.iter().filter_map(|(_, slot)| loss(slot)).collect();
            if !losses.is_empty() {
                #[allow(clippy::cast_precision_loss, reason = "a round has few slots")]
                let mean = losses.iter().sum::<f64>() / losses.len() as f64;
                self.losses.insert(round.key.round, mean);
            }
        }
    }

    /// Notes something that happened.
    pub fn note(&mut self, line: String) {
        self.happened.push_back(line);
        while self.happened.len() > REMEMBERED {
            self.happened.pop_front();
        }
    }
}

/// The loss that a slot has committed.
pub fn loss(slot: &Slot) -> Option<f64> {
    match slot.outcome()? {
        Outcome::Trained(commitment) => Some(commitment.mean_loss.get().into()),
        Outcome::Diverged(_) => None,
    }
}

/// The lines: the newest rounds first, then disputes, the curve, and what happened last, as far as there is room.
pub fn lines(now: &Snapshot, scene: &Scene, size: Size) -> Vec<String> {
    let run = &now.run;
    let mut lines = vec![
        format!(
            "run {}  {}  {} {} of {} rounds final  {} paid",
            run.id,
            run.word(),
            bar(run.finalised, run.rounds, 20),
            run.finalised,
            run.rounds,
            sbh(run.paid)
        ),
        format!("block {}, active block {}, from {}", scene.block, scene.active, scene.node),
    ];
    let disputes = disputes(&scene.disputes);
    let curve = curve(&scene.losses, size.columns);
    // What happened last has a heading and two lines at least.
    let kept = lines.len().saturating_add(disputes.len()).saturating_add(curve.len()).saturating_add(4);
    let mut room = size.rows.saturating_sub(kept);
    for (round, slots) in now.live.iter().rev() {
        let found = of_round(round, slots, &now.seats);
        if found.len() > room {
            lines.push(format!("… and {} more rounds", rest(now, round.key)));
            break;
        }
        room = room.saturating_sub(found.len());
        lines.extend(found);
    }
    lines.extend(disputes);
    lines.extend(curve);
    let room = size.rows.saturating_sub(lines.len().saturating_add(2));
    if !scene.happened.is_empty() && room > 0 {
        lines.extend([String::new(), "happened".into()]);
        let skipped = scene.happened.len().saturating_sub(room);
        lines.extend(scene.happened.iter().skip(skipped).map(|line| format!("  {line}")));
    }
    lines.truncate(size.rows);
    lines
}

/// Rounds that are not newer than `key`.
fn rest(now: &Snapshot, key: RoundKey) -> usize {
    now.live.iter().filter(|(round, _)| round.key <= key).count()
}

fn of_round(
    round: &Round,
    slots: &[(SlotIndex, Slot)],
    seats: &BTreeMap<(RoundKey, u16), Seat<AccountId>>,
) -> Vec<String> {
    let key = round.key;
    let again = if key.attempt == 0 { String::new() } else { format!(", attempt {}", key.attempt) };
    let (phase, until) = show::phase(&round.phase);
    let until = until.map_or(String::new(), |until| format!(" until {until}"));
    let audits = match round.seats {
        0 => String::new(),
        seats => format!(
            "  audits {}: {} of {seats} sealed, {} revealed",
            show::audits(round.audits),
            round.sealed,
            round.answered
        ),
    };
    let open = match round.disagreements {
        0 => String::new(),
        open => format!("  {open} disagreements"),
    };
    let mut lines = vec![String::new(), format!("round {}{again}  {phase}{until}{audits}{open}", key.round)];
    lines.extend(slots.iter().map(|(index, slot)| of_slot(*index, slot)));
    for ((_, place), seat) in seats.iter().filter(|((of, _), _)| *of == key) {
        lines.push(format!(
            "  seat {place}  {}  audits slot {}, {}",
            short(&seat.auditor),
            seat.slot,
            seat_word(&seat.state)
        ));
    }
    lines
}

fn of_slot(index: SlotIndex, slot: &Slot) -> String {
    let fault = if slot.checks.fault.is_some() { ", at fault" } else { "" };
    let what = match &slot.state {
        SlotState::Vacant => "vacant".into(),
        SlotState::Lost => "lost".into(),
        SlotState::Assigned { worker, until } => format!("{}  trains until {until}", short(worker)),
        SlotState::Committed { worker, outcome: Outcome::Trained(commitment) } => {
            format!("{}  trained, loss {:.4}", short(worker), commitment.mean_loss.get())
        }
        SlotState::Committed { worker, outcome: Outcome::Diverged(at) } => {
            format!("{}  diverged at step {}", short(worker), at.step)
        }
    };
    format!("  slot {index}  {what}{fault}")
}

fn seat_word(state: &SeatState) -> &'static str {
    match state {
        SeatState::Drawn => "executes",
        SeatState::Sealed(_) => "sealed",
        SeatState::Agreed { .. } => "agreed",
        SeatState::Differed { .. } => "differs",
        SeatState::Unanswered => "revealed, the leaves are missing",
        SeatState::Wrong => "was wrong",
    }
}

fn disputes(disputes: &[(GameId, Dispute)]) -> Vec<String> {
    if disputes.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "disputes".into()];
    for (game, dispute) in disputes {
        let about = match dispute.target {
            Target::Slot { slot, .. } => format!("slot {slot} of round {}", dispute.round.round),
            Target::Aggregation => format!("the aggregation of round {}", dispute.round.round),
        };
        let turn = match dispute.turn() {
            Side::Challenger => "challenger",
            Side::Defender => "defender",
        };
        lines.push(format!(
            "  game {game}  {about}  {} against {}, the {turn}'s turn until {}",
            short(&dispute.challenger),
            short(&dispute.defender),
            dispute.until()
        ));
    }
    lines
}

/// The loss curve, with a heading.
fn curve(losses: &BTreeMap<RoundIndex, f64>, columns: usize) -> Vec<String> {
    let values: Vec<f64> = losses.values().copied().collect();
    let drawn = chart(&values, CURVE, columns);
    let (Some(first), Some(last)) = (losses.first_key_value(), losses.last_key_value()) else {
        return Vec::new();
    };
    if drawn.is_empty() {
        return Vec::new();
    }
    let heading = format!("mean loss of the slots, rounds {} to {}: {:.4}", first.0, last.0, last.1);
    [String::new(), heading].into_iter().chain(drawn).collect()
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
