//! What to do next: a pure function of what the chain says, what the event log knows, and what is going on. No clock, no I/O;
//! everything that may go wrong on the way is tested here.

use super::journal::{Basis, Journal, Task};
use crate::{
    chain::{Due, WorkerStatus},
    keys::AccountId,
};
use sabha_protocol::{NUMERICS_YARDSTICK, Outcome, RunId, SlotState, slot::ActiveBlock};
use std::collections::{BTreeMap, BTreeSet};

/// Lost slots in a row after which the daemon stops asking for more: something is wrong with this machine.
pub const LOSSES_IN_A_ROW: u32 = 3;

/// Blocks to wait before something that failed is tried again.
pub const RETRY_BLOCKS: u64 = 4;

/// Blocks after which a commitment that is not in the followed chain is sent again.
pub const RESEND_BLOCKS: u64 = 20;

/// What the chain says, after one followed block; what a poke would do, after the best one.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The followed block's number.
    pub block: u64,
    /// The best block's number.
    pub best: u64,
    /// Active blocks: the clock of deadlines.
    pub active: ActiveBlock,
    /// The worker's status.
    pub status: WorkerStatus,
    /// Slots that the worker has lost, by the chain's count.
    pub failed: u32,
    /// The slot that the worker has.
    pub duty: Option<Duty>,
    /// What is due for the open runs.
    pub due: Vec<(RunId, Due)>,
}

/// A slot that the worker has.
#[derive(Clone, Debug, PartialEq)]
pub struct Duty {
    /// Which.
    pub task: Task,
    /// How far the chain sees it.
    pub state: SlotState,
    /// What its result is made from.
    pub basis: Basis,
    /// Which arithmetic its run follows.
    pub numerics_version: u16,
}

/// What is going on, beside what the event log knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// What a thread trains now.
    pub training: Option<(Task, Basis)>,
    /// Commitments that were sent: the number of the block that has each, or in which it was given up.
    pub sent: BTreeMap<Task, u64>,
    /// Tasks that this worker must not touch: it has signed another outcome for each, or cannot train such a model.
    pub refused: BTreeSet<Task>,
    /// When to try again what failed, in followed blocks.
    pub retry_at: Option<u64>,
    /// Whether the worker shall be ready when it is idle.
    pub wants_ready: bool,
    /// Slots lost since the last commitment.
    pub losses: u32,
    /// The best block since which a poke of a run has been due.
    pub due_since: BTreeMap<RunId, u64>,
    /// The run whose slot this worker has just committed: it moves it on itself, without waiting.
    pub just_committed: Option<RunId>,
    /// Whether runs are poked at all.
    pub pokes: bool,
}

/// The next thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Stop training a slot that is no longer the worker's.
    Abandon(Task),
    /// Note that a slot was lost.
    Lose {
        /// Which.
        task: Task,
        /// Whether its deadline was missed.
        expired: bool,
    },
    /// Note that a commitment has arrived after all.
    Settle(Task),
    /// Leave a slot alone: another outcome was signed for it, from another basis.
    Refuse(Task),
    /// Train a slot.
    Train(Duty),
    /// Commit a slot's outcome.
    Commit(Task, Outcome),
    /// Give up: this program does not know the run's arithmetic.
    UnknownNumerics(u16),
    /// Tell the chain that the worker takes slots.
    Ready,
    /// Move a run on.
    Poke(RunId),
    /// Nothing until the next block.
    Wait,
}

/// What to do next. The caller does it, notes it in `memory` and in the log, and asks again, until there is nothing.
pub fn next_action(view: &View, memory: &Memory, journal: &Journal, hot_key: &AccountId) -> Action {
    if let Some(action) = clear_up(view, memory, journal) {
        return action;
    }
    if let Some(action) = view.duty.as_ref().and_then(|duty| serve(view, duty, memory, journal)) {
        return action;
    }
    let may_try = memory.retry_at.is_none_or(|block| view.block >= block);
    if memory.wants_ready && view.status == WorkerStatus::Idle && memory.training.is_none() && may_try {
        return Action::Ready;
    }
    poke(view, memory, hot_key).unwrap_or(Action::Wait)
}

/// What was begun and is no longer the worker's.
fn clear_up(view: &View, memory: &Memory, journal: &Journal) -> Option<Action> {
    let current = view.duty.as_ref().map(|duty| duty.task);
    if let Some((task, basis)) = memory.training {
        let same_basis = view.duty.as_ref().is_some_and(|duty| duty.basis == basis);
        if current != Some(task) || !same_basis {
            return Some(Action::Abandon(task));
        }
    }
    for (task, known) in journal.open_tasks().filter(|(task, _)| current != Some(*task)) {
        let sent = memory.sent.get(&task);
        // A commitment that is in a block younger than the view: the view cannot show it yet.
        if sent.is_some_and(|block| view.block < *block) {
            continue;
        }
        let expired = view.failed > known.failed;
        // Signed, gone from the worker, and no failure counted: the chain has it.
        if known.signed.is_some() && !expired {
            return Some(Action::Settle(task));
        }
        return Some(Action::Lose { task, expired });
    }
    None
}

/// What the slot that the worker has asks for.
fn serve(view: &View, duty: &Duty, memory: &Memory, journal: &Journal) -> Option<Action> {
    let SlotState::Assigned { deadline } = duty.state else { return None };
    if duty.numerics_version != NUMERICS_YARDSTICK {
        return Some(Action::UnknownNumerics(duty.numerics_version));
    }
    // A commitment in the next block still counts if that is the deadline's.
    if view.active >= deadline || memory.training.is_some() || memory.refused.contains(&duty.task) {
        return None;
    }
    let again_at = memory.sent.get(&duty.task).map(|block| block.saturating_add(RESEND_BLOCKS));
    if again_at.is_some_and(|block| view.block < block) || memory.retry_at.is_some_and(|at| view.block < at) {
        return None;
    }
    let known = journal.known(duty.task);
    match known.and_then(|known| known.trained) {
        Some((basis, outcome)) if basis == duty.basis => Some(Action::Commit(duty.task, outcome)),
        // Training anew would end in another outcome, which must never be signed.
        Some(_) if known.is_some_and(|known| known.signed.is_some()) => Some(Action::Refuse(duty.task)),
        _ => Some(Action::Train(duty.clone())),
    }
}

fn poke(view: &View, memory: &Memory, hot_key: &AccountId) -> Option<Action> {
    if !memory.pokes {
        return None;
    }
    let ripe = |run: RunId| {
        let since = memory.due_since.get(&run).copied().unwrap_or(view.best);
        memory.just_committed == Some(run)
            || view.best >= since.saturating_add(poke_delay(hot_key, run, since))
    };
    view.due.iter().find(|(run, due)| due.any() && ripe(*run)).map(|(run, _)| Action::Poke(*run))
}

/// How many blocks this worker lets others go first, from 1 to 4. It differs between workers, runs and times, so that they seldom
/// poke together: the second one would pay a fee for nothing.
pub fn poke_delay(hot_key: &AccountId, run: RunId, since: u64) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("sabha 2026 poke delay v1");
    hasher.update(&hot_key.0);
    hasher.update(&run.to_le_bytes());
    hasher.update(&since.to_le_bytes());
    let first = hasher.finalize().as_bytes().first().copied().unwrap_or_default();
    1 + u64::from(first % 4)
}

/// Notes since when each run has had something due.
pub fn note_due(memory: &mut Memory, view: &View) {
    let due: Vec<RunId> = view.due.iter().filter(|(_, due)| due.any()).map(|(run, _)| *run).collect();
    memory.due_since.retain(|run, _| due.contains(run));
    for run in due {
        memory.due_since.entry(run).or_insert(view.best);
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
