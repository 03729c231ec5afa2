//! Whether a daemon is healthy, and why not: a pure function of its vital signs, the room on its disks and the time.

use sabha_protocol::{ActiveBlock, Balance, UNITS, amount};
use serde::Serialize;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The age of the best block above which something stands still. Blocks come every few seconds; slots without an author are rare.
pub const BLOCK_AGE_LIMIT: Duration = Duration::from_secs(60);

/// How long no block may have become final, where finalised blocks are followed. A validator or two that are off do that for a while.
pub const FINALITY_AGE_LIMIT: Duration = Duration::from_secs(300);

/// How far this machine's clock may be from the time of a block that has just come, in seconds.
pub const CLOCK_SKEW_LIMIT_S: u64 = 30;

/// How long a disk counts as full after something did not fit. Whatever is lacked is tried again at each look, every some seconds; that one
/// write succeeds does not mean that there is room, for there may be two disks.
pub const DISK_FULL_FOR: Duration = Duration::from_secs(120);

/// How long a look at the chain may take, with its acts. More than a transaction may take to be included.
pub const LOOK_LIMIT: Duration = Duration::from_secs(300);

/// What a hot key must have for fees, which the chain takes before it gives them back: some acts' worth.
pub const FEES_LEAST: Balance = UNITS / 10;

/// What the chain says of the worker that may keep it from being drawn, or from being heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fitness {
    /// Until when it is drawn for nothing because it missed too much, if it is jailed.
    pub jailed_until: Option<ActiveBlock>,
    /// Its stake.
    pub stake: Balance,
    /// The least stake of a worker.
    pub least_stake: Balance,
    /// What its hot key has.
    pub fees: Balance,
}

/// Vital signs: what a daemon says of itself as it goes on.
#[derive(Clone, Debug)]
pub struct Vitals {
    /// What it waits for before it looks at the chain, if it does: at its start, or for a node that is behind.
    pub waiting: Option<String>,
    /// The node that is used.
    pub node: String,
    /// Whether it answered last time.
    pub connected: bool,
    /// Number of the best block.
    pub best: u64,
    /// Number of the latest finalised block, if finalised blocks are followed.
    pub finalised: Option<u64>,
    /// When the best block was first seen.
    pub best_seen: Option<Instant>,
    /// The same of the finalised one, if those are followed.
    pub finalised_seen: Option<Instant>,
    /// This machine's clock minus the block's time, at that moment, in seconds.
    pub clock_skew_s: i64,
    /// When the last look at the chain ended, well or not.
    pub looked: Instant,
    /// When something could last not be written for want of room. What is not written is tried again all the time.
    pub disk_full: Option<Instant>,
    /// Duties missed since the last one that was done.
    pub misses: u32,
    /// Whether the chain has something of this worker that this daemon did not sign.
    pub foreign: bool,
    /// What the chain says of the worker, once it was looked at.
    pub fitness: Option<Fitness>,
}

impl Default for Vitals {
    fn default() -> Self {
        Self {
            waiting: None,
            node: String::new(),
            connected: false,
            best: 0,
            finalised: None,
            best_seen: None,
            finalised_seen: None,
            clock_skew_s: 0,
            looked: Instant::now(),
            disk_full: None,
            misses: 0,
            foreign: false,
            fitness: None,
        }
    }
}

/// Vital signs that a daemon writes and a server reads. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<Mutex<Vitals>>);

impl Pulse {
    /// To be changed.
    pub fn vitals(&self) -> MutexGuard<'_, Vitals> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As they are.
    pub fn read(&self) -> Vitals {
        self.vitals().clone()
    }

    /// The daemon waits for this before it looks at the chain.
    pub fn waits(&self, what: impl Into<String>) {
        self.vitals().waiting = Some(what.into());
    }

    /// It waits for nothing any more, and looks at the chain of `node` from now on.
    pub fn goes_on(&self, node: &str) {
        let mut vitals = self.vitals();
        (vitals.waiting, vitals.connected, vitals.looked) = (None, true, Instant::now());
        vitals.node = node.into();
    }
}

/// Room on a disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Room {
    /// What for.
    pub name: &'static str,
    /// The folder.
    pub folder: PathBuf,
    /// Free space; `None` if it is unknown.
    pub free_mib: Option<u64>,
    /// What should be free.
    pub wanted_mib: u64,
}

/// What `/health` says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Health {
    /// Whether nothing is wrong.
    pub healthy: bool,
    /// What is wrong, and what to do.
    pub problems: Vec<String>,
    /// The node that is used.
    pub node: String,
    /// Whether it answers.
    pub connected: bool,
    /// Number of the best block.
    pub best: u64,
    /// Number of the latest finalised block, if finalised blocks are followed.
    pub finalised: Option<u64>,
    /// Time since the best block was first seen, in seconds.
    pub block_age_s: Option<u64>,
    /// This machine's clock minus the time of the best block, when it was first seen, in seconds.
    pub clock_skew_s: i64,
    /// Time since the last look at the chain, in seconds.
    pub looked_s: u64,
    /// Duties missed since the last one that was done.
    pub misses_in_a_row: u32,
    /// The disks.
    pub disks: Vec<Room>,
}

/// Whether a daemon with these signs is healthy.
pub fn health(vitals: &Vitals, disks: Vec<Room>, misses_limit: u32, now: Instant) -> Health {
    let since = |then: Instant| now.saturating_duration_since(then);
    let age = vitals.best_seen.map(since);
    let looked = since(vitals.looked);
    let mut problems = match &vitals.waiting {
        // What is not seen of the chain follows from it.
        Some(what) => vec![format!("waiting for {what}")],
        None => of_the_chain(vitals, now),
    };
    if vitals.disk_full.is_some_and(|then| since(then) <= DISK_FULL_FOR) {
        problems.push("the disk is full: free some space, the daemon goes on by itself".into());
    }
    for Room { name, folder, free_mib, wanted_mib } in &disks {
        if let Some(free) = free_mib.filter(|free| free < wanted_mib) {
            let folder = folder.display();
            problems.push(format!(
                "{name}: {free} MiB free in {folder}, {wanted_mib} MiB are wanted (storage.min_free_mib)"
            ));
        }
    }
    if vitals.misses >= misses_limit {
        problems.push(format!(
            "{} duties were missed in a row: find out why, then call sabha-worker ready",
            vitals.misses
        ));
    }
    if vitals.foreign {
        problems.push(
            "the chain has results of this worker that this daemon did not sign: two daemons use one hot key. Stop one, or give \
             the worker another hot key (sabha-worker update)"
                .into(),
        );
    }
    problems.extend(vitals.fitness.iter().flat_map(of_the_worker));
    Health {
        healthy: problems.is_empty(),
        problems,
        node: vitals.node.clone(),
        connected: vitals.connected,
        best: vitals.best,
        finalised: vitals.finalised,
        block_age_s: age.map(|age| age.as_secs()),
        clock_skew_s: vitals.clock_skew_s,
        looked_s: looked.as_secs(),
        misses_in_a_row: vitals.misses,
        disks,
    }
}

/// What is wrong with what is seen of the chain.
fn of_the_chain(vitals: &Vitals, now: Instant) -> Vec<String> {
    let since = |then: Instant| now.saturating_duration_since(then);
    let mut problems = Vec::new();
    let age = vitals.best_seen.map(since);
    if !vitals.connected {
        problems.push(format!(
            "no node answers (the last one was {}): look at it, or name others in chain.urls",
            vitals.node
        ));
    }
    match age {
        None => problems.push("no block was seen yet".into()),
        Some(age) if age > BLOCK_AGE_LIMIT => problems.push(format!(
            "no new block for {} s: the node is behind or alone, or the chain stands still",
            age.as_secs()
        )),
        Some(_) => {}
    }
    if let Some(age) = vitals.finalised_seen.map(since).filter(|age| *age > FINALITY_AGE_LIMIT) {
        problems.push(format!(
            "no block has become final for {} s, and nothing is done before one has: the node has no peers that vote, or too few \
             validators are on",
            age.as_secs()
        ));
    }
    if age.is_some() && vitals.clock_skew_s.unsigned_abs() > CLOCK_SKEW_LIMIT_S {
        let (by, side) =
            (vitals.clock_skew_s.unsigned_abs(), if vitals.clock_skew_s > 0 { "ahead of" } else { "behind" });
        problems.push(format!(
            "this machine's clock is {by} s {side} the time of a block that has just come: set the clock (NTP), or the node is behind"
        ));
    }
    let looked = since(vitals.looked);
    if looked > LOOK_LIMIT {
        problems
            .push(format!("the daemon has not looked at the chain for {} s: restart it", looked.as_secs()));
    }
    problems
}

/// What is wrong with what the chain says of the worker.
fn of_the_worker(fitness: &Fitness) -> Vec<String> {
    let Fitness { jailed_until, stake, least_stake, fees } = fitness;
    let mut problems = Vec::new();
    if *fees < FEES_LEAST {
        problems.push(format!(
            "the hot key has {} SBH for fees, and should have {} SBH or more: what it cannot pay for is not taken. Send it some",
            amount::display(*fees),
            amount::display(FEES_LEAST)
        ));
    }
    if let Some(until) = jailed_until {
        problems.push(format!(
            "the worker missed too much and is jailed: it is drawn for nothing before active block {until}. Find out why"
        ));
    }
    if stake < least_stake {
        problems.push(format!(
            "the worker's stake of {} SBH is below the least one of {} SBH, and counts for nothing: its owner can add to it \
             (Training.add_stake)",
            amount::display(*stake),
            amount::display(*least_stake)
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(now: Instant) -> Vitals {
        Vitals {
            node: "ws://a:1".into(),
            connected: true,
            best: 9,
            best_seen: Some(now),
            looked: now,
            ..Vitals::default()
        }
    }

    fn room(free_mib: Option<u64>) -> Vec<Room> {
        vec![Room { name: "blobs", folder: "/b".into(), free_mib, wanted_mib: 100 }]
    }

    #[test]
    fn with_nothing_wrong_it_is_healthy() {
        let now = Instant::now();
        let found = health(&good(now), room(Some(100)), 3, now + Duration::from_secs(5));
        assert_eq!((found.healthy, found.problems.len(), found.block_age_s), (true, 0, Some(5)));
        assert!(health(&good(now), room(None), 3, now).healthy, "an unknown room is no problem");
    }

    #[test]
    fn each_problem_alone_makes_it_unhealthy_and_is_named() {
        let now = Instant::now();
        let late = |limit: Duration| now + limit + Duration::from_secs(1);
        let is = |vitals: Vitals, now, part: &str| {
            let found = health(&vitals, room(Some(100)), 3, now);
            assert!(!found.healthy && found.problems.len() == 1, "{part}: {found:?}");
            assert!(found.problems[0].contains(part), "{part}: {found:?}");
        };
        is(Vitals { connected: false, ..good(now) }, now, "ws://a:1");
        is(Vitals { best_seen: None, clock_skew_s: 1_000, ..good(now) }, now, "no block was seen yet");
        is(good(now), late(BLOCK_AGE_LIMIT), "no new block for 61 s");
        for (skew, word) in [(31, "31 s ahead"), (-31, "31 s behind")] {
            is(Vitals { clock_skew_s: skew, ..good(now) }, now, word);
            let within = skew.signum() * 30;
            assert!(health(&Vitals { clock_skew_s: within, ..good(now) }, vec![], 3, now).healthy);
        }
        let hung = late(LOOK_LIMIT);
        is(Vitals { best_seen: Some(hung), ..good(now) }, hung, "has not looked");
        let silent = late(FINALITY_AGE_LIMIT);
        let vitals =
            Vitals { best_seen: Some(silent), looked: silent, finalised_seen: Some(now), ..good(now) };
        is(vitals, silent, "no block has become final for 301 s");
        let full = Vitals { disk_full: Some(now), ..good(now) };
        is(full.clone(), now, "the disk is full");
        let room_since = now + DISK_FULL_FOR + Duration::from_secs(1);
        let seen = Vitals { best_seen: Some(room_since), looked: room_since, ..full };
        assert!(
            health(&seen, vec![], 3, room_since).healthy,
            "there is room again, and nothing to be written"
        );
        is(Vitals { misses: 3, ..good(now) }, now, "3 duties were missed");
        is(Vitals { foreign: true, ..good(now) }, now, "two daemons use one hot key");
        is(
            Vitals { waiting: Some("a node: it is behind".into()), ..good(now) },
            now,
            "waiting for a node: it is",
        );
        let fitness = Fitness { jailed_until: None, stake: UNITS, least_stake: UNITS, fees: FEES_LEAST };
        let with = |fitness| Vitals { fitness: Some(fitness), ..good(now) };
        assert!(health(&with(fitness.clone()), vec![], 3, now).healthy);
        is(with(Fitness { fees: FEES_LEAST - 1, ..fitness.clone() }), now, "for fees");
        is(
            with(Fitness { jailed_until: Some(7), ..fitness.clone() }),
            now,
            "jailed: it is drawn for nothing before active block 7",
        );
        is(with(Fitness { stake: UNITS - 1, ..fitness }), now, "below the least one of 1 SBH");
        let found = health(&good(now), room(Some(99)), 3, now);
        assert!(found.problems[0].contains("99 MiB free in /b") && found.problems.len() == 1, "{found:?}");
    }

    /// At its start it has seen nothing of the chain, however long that lasts: the reason is said, and nothing that follows from it.
    #[test]
    fn what_is_waited_for_at_the_start_is_the_one_problem() {
        let pulse = Pulse::default();
        pulse.waits("a node: ws://a:1 is behind");
        let later = Instant::now() + LOOK_LIMIT + Duration::from_secs(1);
        let found = health(&pulse.read(), vec![], 3, later);
        assert_eq!(found.problems, ["waiting for a node: ws://a:1 is behind"]);
        pulse.goes_on("ws://b:1");
        let found = health(&pulse.read(), vec![], 3, Instant::now());
        assert_eq!(
            (found.node.as_str(), found.problems),
            ("ws://b:1", vec!["no block was seen yet".to_string()])
        );
    }
}
