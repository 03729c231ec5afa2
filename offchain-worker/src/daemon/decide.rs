//! What to do next: a pure function of what the chain says, what the event log knows, and what is going on. No clock, no I/O;
//! everything that may go wrong on the way is tested here.
//!
//! # What comes first
//!
//! Acts need no machine: whatever is known is signed at once, the nearest target first. Work needs it, and there is one piece at a time
//! in each [`Lane`]: the one whose target is nearest. A target is the deadline of training, which may take as long as its clock; all
//! else is short, and its target is half its clock before its deadline, so that what comes later still can be done. Training and
//! audits give way to work with a nearer target, and go on afterwards; so neither attestations nor audits nor aggregations wait
//! for a slot to be trained.

use super::{
    journal::{Journal, Known},
    task::{Act, Basis, Duty, Kind, Lane, Task},
};
use crate::{chain::WorkerStatus, keys::AccountId};
use sabha_protocol::{ActiveBlock, NUMERICS_EXACT, RunId, numerics_is_known};
use std::collections::{BTreeMap, BTreeSet};

/// Missed duties in a row after which the daemon asks to be drawn for nothing: something is wrong with this machine.
pub const MISSES_IN_A_ROW: u32 = 3;

/// Blocks to wait before something that failed is tried again.
pub const RETRY_BLOCKS: u64 = 4;

/// Blocks after which an act that is not in the followed chain is sent again. The pool puts back by itself what a reorganisation
/// took out of a block, and deadlines are not much longer.
pub const RESEND_BLOCKS: u64 = 6;

/// Blocks for which something must have been due before a run is poked: the chain's own hook does most.
pub const POKE_AFTER: u64 = 5;

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
    /// What the worker has to do.
    pub duties: Vec<Duty>,
    /// How the chain sees what was begun and is not asked for.
    pub standings: BTreeMap<Task, Standing>,
    /// How much is due for the open runs.
    pub due: Vec<(RunId, u32)>,
}

/// How the chain sees something that it does not ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It was done.
    Done,
    /// It was not done.
    Undone,
    /// The chain has no record of it any more.
    Gone,
}

/// A transaction that was sent, and is not in a block yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Errand {
    /// A result.
    Act(Task),
    /// Whether the worker can be drawn.
    Presence {
        /// It can.
        ready: bool,
    },
    /// A run is moved on.
    Poke(RunId),
    /// Where the worker serves its blobs.
    Announcement,
}

/// What is going on, beside what the event log knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// What threads work on now.
    pub working: BTreeMap<Lane, (Task, Basis)>,
    /// The lanes whose work was told to stop, and has not stopped yet.
    pub stopping: BTreeSet<Lane>,
    /// What is on its way into a block.
    pub flying: BTreeSet<Errand>,
    /// Acts that were sent: the number of the block that has each, or in which it was given up.
    pub sent: BTreeMap<Task, u64>,
    /// Tasks that this worker must not touch: it has signed something else for each, or cannot do it.
    pub refused: BTreeSet<Task>,
    /// When to try again what failed or waits, in followed blocks.
    pub again: BTreeMap<Task, u64>,
    /// Whether the worker shall be ready when it is idle.
    pub wants_ready: bool,
    /// When to try again to say so, in followed blocks.
    pub ready_again: Option<u64>,
    /// Duties missed since the last one that was done.
    pub misses: u32,
    /// Whether it was drained because of them.
    pub drained: bool,
    /// The best block since which something has been due for a run.
    pub due_since: BTreeMap<RunId, u64>,
    /// Whether runs are poked at all.
    pub pokes: bool,
    /// Acts that a block was seen to have.
    pub landed: BTreeSet<Task>,
    /// Acts that waited once for what else this key had in the pool.
    pub waited: BTreeSet<Task>,
    /// Whether it is not known yet whom to fetch from: no work is begun.
    pub blind: bool,
}

/// The next thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Stop work that nobody asks for any more.
    Abandon(Task),
    /// Note that something was not done.
    Lose {
        /// What.
        task: Task,
        /// Whether its deadline was missed.
        late: bool,
    },
    /// Note that the chain has it.
    Settle(Task),
    /// Note that nobody can tell any more whether the chain had it.
    Forget(Task),
    /// Leave it alone.
    Refuse(Task, Refusal),
    /// Interrupt work for something more urgent; it goes on later.
    Park(Task),
    /// Begin work.
    Work(Duty),
    /// Sign and send.
    Sign(Duty, Act),
    /// Give up: this program does not know the run's arithmetic.
    UnknownNumerics(u16),
    /// Tell the chain that the worker can be drawn.
    Ready,
    /// Tell the chain that the worker cannot be drawn any more.
    Drain,
    /// Move a run on.
    Poke(RunId),
    /// Nothing until the next block.
    Wait,
}

/// Why something is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Something else was signed for it, from another basis.
    Signed,
    /// It was sealed by somebody with another event log.
    Sealed,
    /// The run's results are not the same on every machine, so nobody can check or aggregate them.
    Yardstick,
}

/// What to do next. The caller does it, notes it in `memory` and in the log, and asks again, until there is nothing.
pub fn next_action(view: &View, memory: &Memory, journal: &Journal, hot_key: &AccountId) -> Action {
    clear_up(view, memory, journal)
        .or_else(|| serve(view, memory, journal))
        .or_else(|| presence(view, memory))
        .or_else(|| poke(view, memory, hot_key))
        .unwrap_or(Action::Wait)
}

/// What was begun and is no longer asked for.
fn clear_up(view: &View, memory: &Memory, journal: &Journal) -> Option<Action> {
    // A node that is behind cannot show what was begun since.
    let is_older = |task| journal.known(task).is_some_and(|known| view.block < known.seen);
    for (lane, (task, basis)) in memory.working.iter().filter(|(_, (task, _))| !is_older(*task)) {
        if memory.stopping.contains(lane) {
            continue;
        }
        if !view.duties.iter().any(|duty| duty.task == *task && duty.basis == *basis) {
            return Some(Action::Abandon(*task));
        }
    }
    for (task, known) in journal.open_tasks().filter(|(task, _)| !is_older(*task)) {
        // An act that is in a block younger than the view: the view cannot show it yet.
        if memory.sent.get(&task).is_some_and(|block| view.block < *block) {
            continue;
        }
        if memory.flying.contains(&Errand::Act(task)) {
            continue;
        }
        // None: it is asked for, or the view was made before it was begun.
        let Some(standing) = view.standings.get(&task) else { continue };
        let late = view.active > known.until;
        return Some(match standing {
            Standing::Done => Action::Settle(task),
            Standing::Gone if memory.landed.contains(&task) => Action::Settle(task),
            Standing::Gone if known.signed.is_some() => Action::Forget(task),
            Standing::Undone | Standing::Gone => Action::Lose { task, late },
        });
    }
    None
}

/// Whether something that was lost counts among the misses after which the worker is drained: not what was taken back, nor what was
/// declined. Nothing is wrong with a machine that is too small for a run, and anybody may open a run of any size: three of them would
/// drain every worker.
pub fn is_miss(known: Option<&Known>, late: bool) -> bool {
    late && known.is_none_or(|known| !known.declined)
}

/// Whether the chain has something of this worker that this daemon did not sign: another one uses its key. Of what else is done the
/// chain's state may have another reason.
pub fn is_foreign(task: &Task, known: Option<&Known>) -> bool {
    let tells = matches!(task.kind, Kind::Train | Kind::Attest | Kind::Aggregate);
    tells && known.is_some_and(|known| known.signed.is_none())
}

/// What the chain asks for.
fn serve(view: &View, memory: &Memory, journal: &Journal) -> Option<Action> {
    let open = || view.duties.iter().filter(|duty| is_open(duty, view, memory));
    if let Some(duty) = open().find(|duty| !numerics_is_known(duty.numerics_version)) {
        return Some(Action::UnknownNumerics(duty.numerics_version));
    }
    let mut acts: Vec<(&Duty, Act)> = Vec::new();
    let mut work: Vec<&Duty> = Vec::new();
    for duty in open() {
        match stand(duty, journal) {
            Stand::Refuse(why) => return Some(Action::Refuse(duty.task, why)),
            Stand::Act(act) => acts.push((duty, act)),
            Stand::Work => work.push(duty),
        }
    }
    let unsent = acts.into_iter().filter(|(duty, _)| {
        if memory.flying.contains(&Errand::Act(duty.task)) {
            return false;
        }
        let again_at = memory.sent.get(&duty.task).map(|block| block.saturating_add(RESEND_BLOCKS));
        again_at.is_none_or(|block| view.block >= block)
    });
    if let Some((duty, act)) = unsent.min_by_key(|(duty, _)| urgency(duty)) {
        return Some(Action::Sign(duty.clone(), act));
    }
    if memory.blind {
        return None;
    }
    [Lane::Light, Lane::Heavy].into_iter().find_map(|lane| choose(lane, &work, view, memory))
}

/// Whether a duty can be worked on now.
fn is_open(duty: &Duty, view: &View, memory: &Memory) -> bool {
    // An act in the next block still counts if that is the deadline's.
    view.active < duty.until
        && !memory.refused.contains(&duty.task)
        && memory.again.get(&duty.task).is_none_or(|block| view.block >= *block)
}

/// What the log makes of a duty.
enum Stand {
    Refuse(Refusal),
    Act(Act),
    Work,
}

fn stand(duty: &Duty, journal: &Journal) -> Stand {
    if duty.numerics_version != NUMERICS_EXACT {
        return Stand::Refuse(Refusal::Yardstick);
    }
    let known = journal.known(duty.task);
    let signed = known.and_then(|known| known.signed.as_ref());
    let act = match (duty.task.kind, &duty.ask) {
        (Kind::Reveal, super::task::Ask::Reveal(seal)) => match journal.sealed(*seal) {
            Some((found, salt)) => Some(Act::Reveal { found, salt }),
            None => return Stand::Refuse(Refusal::Sealed),
        },
        (Kind::Publish, _) if duty.leaves.is_some() => duty.leaves.clone().map(Act::Publish),
        _ => match known.and_then(|known| known.done.as_ref()) {
            Some((basis, act)) if *basis == duty.basis => Some(act.clone()),
            // Work anew would end in something else, which must never be signed.
            _ if signed.is_some() => return Stand::Refuse(Refusal::Signed),
            _ => None,
        },
    };
    match act {
        Some(act) if signed.is_some_and(|signed| *signed != act) => Stand::Refuse(Refusal::Signed),
        Some(act) => Stand::Act(act),
        None => Stand::Work,
    }
}

/// What is done first: the nearest target; of equal ones the shorter work.
fn urgency(duty: &Duty) -> (ActiveBlock, Task) {
    // Kinds are ordered by the length of their work.
    (duty.target, duty.task)
}

/// What work a lane takes up, or interrupts.
fn choose(lane: Lane, work: &[&Duty], view: &View, memory: &Memory) -> Option<Action> {
    // What is in the lane comes to its end first.
    if memory.stopping.contains(&lane) {
        return None;
    }
    let current = memory.working.get(&lane).map(|(task, _)| *task);
    let candidates = work.iter().filter(|duty| duty.task.kind.lane() == lane && Some(duty.task) != current);
    let best = candidates.min_by_key(|duty| urgency(duty))?;
    let Some(current) = current else { return Some(Action::Work((*best).clone())) };
    // Without a duty it is abandoned.
    let target = view.duties.iter().find(|duty| duty.task == current)?.target;
    (current.kind.gives_way() && best.target < target).then_some(Action::Park(current))
}

/// Whether the worker is to be drawn.
fn presence(view: &View, memory: &Memory) -> Option<Action> {
    let flies = memory.flying.iter().any(|errand| matches!(errand, Errand::Presence { .. }));
    if flies || memory.ready_again.is_some_and(|block| view.block < block) {
        return None;
    }
    match view.status {
        WorkerStatus::Ready if memory.misses >= MISSES_IN_A_ROW => Some(Action::Drain),
        WorkerStatus::Idle if memory.wants_ready && memory.misses < MISSES_IN_A_ROW => Some(Action::Ready),
        _ => None,
    }
}

fn poke(view: &View, memory: &Memory, hot_key: &AccountId) -> Option<Action> {
    if !memory.pokes {
        return None;
    }
    let ripe = |run: RunId| {
        if memory.flying.contains(&Errand::Poke(run)) {
            return false;
        }
        let since = memory.due_since.get(&run).copied().unwrap_or(view.best);
        view.best >= since.saturating_add(poke_delay(hot_key, run, since))
    };
    view.due.iter().find(|(run, due)| *due > 0 && ripe(*run)).map(|(run, _)| Action::Poke(*run))
}

/// How many blocks this worker lets the chain and others go first: from [`POKE_AFTER`] on, 8 values. It differs between workers,
/// runs and times, so that they seldom poke together: the second one would pay a fee for nothing.
pub fn poke_delay(hot_key: &AccountId, run: RunId, since: u64) -> u64 {
    let mut hasher = blake3::Hasher::new_derive_key("sabha 2026 poke delay v1");
    hasher.update(&hot_key.0);
    hasher.update(&run.to_le_bytes());
    hasher.update(&since.to_le_bytes());
    let first = hasher.finalize().as_bytes().first().copied().unwrap_or_default();
    POKE_AFTER + u64::from(first % 8)
}

/// Notes since when each run has had something due, and forgets what is over.
pub fn note(memory: &mut Memory, view: &View, journal: &Journal) {
    let due: Vec<RunId> = view.due.iter().filter(|(_, due)| *due > 0).map(|(run, _)| *run).collect();
    memory.due_since.retain(|run, _| due.contains(run));
    for run in due {
        memory.due_since.entry(run).or_insert(view.best);
    }
    let asked: BTreeSet<Task> = view.duties.iter().map(|duty| duty.task).collect();
    let is_of_use = |task: &Task| asked.contains(task) || journal.open_tasks().any(|(open, _)| open == *task);
    memory.again.retain(|task, _| asked.contains(task));
    memory.sent.retain(|task, _| is_of_use(task));
    for tasks in [&mut memory.refused, &mut memory.landed, &mut memory.waited] {
        tasks.retain(is_of_use);
    }
    if view.status != WorkerStatus::Ready {
        memory.drained = memory.misses >= MISSES_IN_A_ROW;
    } else if memory.drained {
        // Somebody has found out why, and says that it is ready.
        (memory.misses, memory.drained) = (0, false);
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
