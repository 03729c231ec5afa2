use super::super::stride::*;
use crate::UNITS;
use proptest::prelude::*;
use std::collections::BTreeMap;

const PATIENCE: u32 = 20;

/// A run as the simulation plays it: its round takes `training` blocks, the way to the next one `between`.
#[derive(Clone)]
struct Player {
    run: u32,
    slots: u16,
    cost: u128,
    training: u32,
    between: u32,
    trained: Option<u32>,
    ready: u32,
}

/// Runs that open rounds as they may.
struct Simulation {
    schedule: Schedule,
    players: Vec<Player>,
    capacity: u32,
    in_flight: u32,
    now: u32,
    /// Work of each run.
    got: BTreeMap<u32, u128>,
    /// Rounds between two of the same run, at most.
    gaps: BTreeMap<u32, u32>,
    opened: u32,
    last: BTreeMap<u32, u32>,
}

impl Simulation {
    fn new(capacity: u32) -> Self {
        Self {
            schedule: Schedule::default(),
            players: Vec::new(),
            capacity,
            in_flight: 0,
            now: 0,
            got: BTreeMap::new(),
            gaps: BTreeMap::new(),
            opened: 0,
            last: BTreeMap::new(),
        }
    }

    fn add(&mut self, backing: u128, slots: u16, cost: u128, training: u32, between: u32) -> u32 {
        let run = self.players.len() as u32;
        assert!(self.schedule.add(Entry::new(run, backing, slots, cost, 1_000_000, self.now)));
        self.players.push(Player { run, slots, cost, training, between, trained: None, ready: self.now });
        run
    }

    /// One block.
    fn block(&mut self) {
        for player in self.players.iter_mut().filter(|player| player.trained == Some(self.now)) {
            player.trained = None;
            player.ready = self.now + player.between;
            self.in_flight -= u32::from(player.slots);
            self.schedule.trained(player.run, self.now);
        }
        // Two turns: what one run's question tells the schedule, another one's may need.
        for index in (0..self.players.len()).chain(0..self.players.len()) {
            let Player { run, slots, cost, training, trained, ready, .. } = self.players[index].clone();
            let active = self.schedule.get(run).is_some_and(|entry| entry.active);
            if trained.is_some() || ready > self.now || !active {
                continue;
            }
            let room = Room {
                in_flight: self.in_flight,
                capacity: self.capacity,
                now: self.now,
                patience: PATIENCE,
            };
            if self.schedule.may_open(run, room) {
                self.schedule.opened(run, 1_000_000, self.now, PATIENCE);
                self.in_flight += u32::from(slots);
                self.players[index].trained = Some(self.now + training);
                self.opened += 1;
                *self.got.entry(run).or_default() += cost;
                let gap = self.opened - self.last.insert(run, self.opened).unwrap_or(0);
                let most = self.gaps.entry(run).or_default();
                *most = gap.max(*most);
            }
        }
        self.now += 1;
    }

    fn rounds(&mut self, count: u32) {
        let until = self.opened + count;
        let mut blocks = 0u32;
        while self.opened < until {
            self.block();
            blocks += 1;
            assert!(blocks < 1_000 * count.max(100), "nothing is opened any more");
        }
    }

    /// A run's part of all work since it was asked last.
    fn parts(&mut self) -> Vec<f64> {
        let got = std::mem::take(&mut self.got);
        let all: u128 = got.values().sum();
        let part = |player: &Player| *got.get(&player.run).unwrap_or(&0) as f64 / all as f64;
        self.players.iter().map(part).collect()
    }
}

fn close(part: f64, wanted: f64) -> bool {
    (part - wanted).abs() < 0.001
}

#[test]
fn over_ten_thousand_rounds_each_gets_its_part() {
    let mut all = Simulation::new(4);
    // Shares of 30 % and 10 %; 60 % by priority, of 5 : 1 in money, for rounds of which one is three times as long.
    let first = all.add(UNITS, 4, 100, 10, 4);
    let second = all.add(UNITS, 6, 100, 15, 0);
    all.add(500 * UNITS, 4, 100, 10, 6);
    all.add(300 * UNITS, 12, 300, 30, 2);
    assert!(all.schedule.set_share(first, 300_000_000) && all.schedule.set_share(second, 100_000_000));
    all.rounds(10_000);
    let parts = all.parts();
    // 300 / 300 of a third the work's priority of 500 / 100.
    for (part, wanted) in parts.iter().zip([0.3, 0.1, 0.5, 0.1]) {
        assert!(close(*part, wanted), "{parts:?}");
    }
}

#[test]
fn a_share_is_felt_within_a_few_rounds() {
    let mut all = Simulation::new(2);
    let crowd = all.add(1_000 * UNITS, 2, 100, 10, 6);
    let whale = all.add(50 * UNITS, 2, 100, 10, 6);
    all.rounds(1_000);
    let parts = all.parts();
    assert!(close(parts[0], 20. / 21.), "{parts:?}");
    assert!(all.schedule.set_share(whale, 300_000_000));
    all.rounds(50);
    let parts = all.parts();
    // 50 rounds are 100 slots.
    assert!((parts[whale as usize] - 0.3).abs() <= 0.05, "{parts:?}");
    all.rounds(10_000);
    let parts = all.parts();
    assert!(close(parts[whale as usize], 0.3) && close(parts[crowd as usize], 0.7), "{parts:?}");
    assert!(all.schedule.set_share(whale, 0));
    all.rounds(1_000);
    assert!(all.parts()[whale as usize] < 0.06);
}

/// Two of five workers are left while the first run makes its checkpoint: not enough for a round of three.
#[test]
fn who_is_ahead_gets_no_more_where_workers_are_nearly_enough() {
    let mut all = Simulation::new(5);
    let crowd = all.add(500 * UNITS, 3, 100, 10, 20);
    let whale = all.add(100 * UNITS, 3, 100, 10, 20);
    all.rounds(3_000);
    let parts = all.parts();
    assert!(close(parts[crowd as usize], 5. / 6.) && close(parts[whale as usize], 1. / 6.), "{parts:?}");
    // With one more, nobody waits.
    all.capacity = 6;
    all.rounds(1_000);
    assert!(close(all.parts()[whale as usize], 0.5));
}

#[test]
fn where_there_are_workers_for_all_nobody_waits() {
    let mut all = Simulation::new(100);
    for run in 0..5 {
        all.add(UNITS << (4 * run), 4, 100, 10, 6);
    }
    all.rounds(1_000);
    for part in all.parts() {
        assert!(close(part, 0.2));
    }
}

#[test]
fn no_run_starves_however_little_it_has() {
    let mut all = Simulation::new(2);
    for _ in 0..6 {
        all.add(1_000_000 * UNITS, 2, 100, 3, 1);
    }
    let poor = all.add(1, 2, 100, 3, 1);
    all.rounds(10_000);
    // A thousandth of the weight, of some thousand rounds.
    assert!((900..1_100).contains(&all.gaps[&poor]), "{}", all.gaps[&poor]);
}

#[test]
fn who_comes_to_nothing_stops_nobody_for_long() {
    let mut all = Simulation::new(2);
    let first = all.add(1_000 * UNITS, 2, 100, 5, 3);
    all.add(UNITS, 2, 100, 5, 3);
    all.rounds(10);
    // It never asks again, and says nothing.
    all.players[first as usize].ready = u32::MAX;
    all.players[first as usize].trained = None;
    all.in_flight = all.players.iter().filter(|player| player.trained.is_some()).count() as u32 * 2;
    let before = all.now;
    all.rounds(10);
    assert!(all.now - before <= PATIENCE + 12 * 8, "{}", all.now - before);
}

#[test]
fn who_is_paused_reserves_nothing() {
    let mut all = Simulation::new(2);
    let first = all.add(1_000 * UNITS, 2, 100, 5, 3);
    all.add(UNITS, 2, 100, 5, 3);
    all.rounds(20);
    all.schedule.set_active(first, false, all.now);
    all.parts();
    all.rounds(10);
    assert_eq!(all.parts()[1], 1.0);
    all.schedule.set_active(first, true, all.now);
    all.rounds(100);
    assert!(all.parts()[first as usize] > 0.9);
}

#[test]
fn of_two_that_are_equally_far_the_one_with_a_share_is_first() {
    let mut schedule = Schedule::default();
    assert!(schedule.add(Entry::new(1, UNITS, 2, 100, 9, 0)));
    assert!(schedule.add(Entry::new(2, UNITS, 2, 100, 9, 0)));
    assert!(!schedule.add(Entry::new(2, UNITS, 2, 100, 9, 0)), "it is there");
    let room = Room { in_flight: 0, capacity: 2, now: 0, patience: PATIENCE };
    // Both have had the workers for a round before.
    assert!(schedule.may_open(1, room) && !schedule.may_open(2, room));
    assert!(schedule.clone().may_open(1, room) && !schedule.clone().may_open(2, room));
    assert!(schedule.set_share(2, 1));
    assert!(!schedule.clone().may_open(1, room) && schedule.clone().may_open(2, room));
    // Both have said that they wait.
    assert!(!schedule.may_open(1, room) && schedule.may_open(2, room));
    assert_eq!(schedule.next(), Some(2));
    assert!(!schedule.may_open(7, room), "nobody knows it");
}

#[test]
fn who_never_had_the_workers_for_a_round_reserves_nothing() {
    let mut schedule = Schedule::default();
    // More slots than there are workers, and much backing.
    assert!(schedule.add(Entry::new(1, 1_000 * UNITS, 256, 100, 9, 0)));
    assert!(schedule.add(Entry::new(2, UNITS, 2, 100, 9, 0)));
    let room = Room { in_flight: 0, capacity: 2, now: 0, patience: PATIENCE };
    for round in 0..5 {
        assert!(schedule.may_open(2, room));
        schedule.opened(2, 8 - round, 0, PATIENCE);
    }
    // It has them now.
    assert!(schedule.may_open(1, room) && !schedule.may_open(2, room));
}

#[test]
fn a_last_round_that_was_voided_has_its_part_of_what_the_crowd_shares() {
    let mut schedule = Schedule::default();
    assert!(schedule.add(Entry::new(1, UNITS, 2, 100, 9, 0)));
    let room = Room { in_flight: 0, capacity: 2, now: 0, patience: PATIENCE };
    assert!(schedule.may_open(1, room));
    schedule.opened(1, 0, 0, PATIENCE);
    assert!(!schedule.get(1).is_some_and(Entry::wants), "all are open");
    assert!(schedule.may_open(1, room), "one of them was voided");
    assert_eq!(schedule.weight(1), WHOLE);
}

#[test]
fn no_more_than_most_can_be_shared() {
    let mut schedule = Schedule::default();
    for run in 0..RUNS {
        assert!(schedule.add(Entry::new(run, UNITS, 2, 100, 9, 0)));
    }
    assert!(!schedule.add(Entry::new(RUNS, UNITS, 2, 100, 9, 0)), "it is full");
    assert!(schedule.set_share(0, MOST_SHARED - 5));
    assert!(!schedule.set_share(1, 6) && schedule.set_share(1, 5));
    assert!(schedule.set_share(0, 7), "its own does not count twice");
    assert!(!schedule.set_share(RUNS, 1));
    schedule.remove(0);
    assert_eq!(schedule.shared(), 5);
}

#[test]
fn priority_is_backing_for_each_unit_of_work_left() {
    let entry = |backing, cost, rounds| Entry::new(0, backing, 1, cost, rounds, 0).priority();
    assert_eq!(entry(10 * UNITS, 100, 10), 2 * entry(5 * UNITS, 100, 10));
    assert_eq!(entry(10 * UNITS, 100, 10), entry(10 * UNITS, 1_000, 1));
    assert_eq!(entry(10 * UNITS, 100, 5), 2 * entry(10 * UNITS, 100, 10));
    // Never nothing, and many fit into a sum.
    assert_eq!(entry(0, u128::MAX, u32::MAX), 1);
    assert!(entry(u128::MAX, 0, 0).checked_mul(RUNS.into()).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Runs of any shape, of which only some can be at work: each gets its weight's part.
    #[test]
    fn long_run_parts_converge_to_weights(
        runs in prop::collection::vec((1u128..100_000, 1u128..50, 0u32..3), 2..8),
        between in 0u32..10,
    ) {
        let mut all = Simulation::new(2);
        for (backing, cost, _) in &runs {
            all.add(backing * UNITS, 2, *cost, 4, between);
        }
        for (run, (.., share)) in (0..).zip(&runs) {
            prop_assert!(all.schedule.set_share(run, share * 50_000_000));
        }
        let weights: Vec<_> = (0..runs.len() as u32).map(|run| f64::from(all.schedule.weight(run))).collect();
        let sum: f64 = weights.iter().sum();
        all.rounds(10_000);
        // One round of each, more or less.
        let work: u128 = all.got.values().sum();
        let slack = runs.iter().map(|(_, cost, _)| *cost as f64).fold(0.0, f64::max) * 4.0 / work as f64;
        for (part, weight) in all.parts().into_iter().zip(weights) {
            let wanted = weight / sum;
            prop_assert!((part - wanted).abs() <= slack.max(0.002), "{part} instead of {wanted}");
        }
    }

    /// However numbers lie: nothing overflows, and somebody is always next.
    #[test]
    fn extreme_numbers_do_no_harm(
        runs in prop::collection::vec((any::<u128>(), any::<u16>(), any::<u128>(), any::<u32>()), 1..6),
        asked in prop::collection::vec((0u32..6, any::<u32>(), any::<u32>()), 0..60),
    ) {
        let mut schedule = Schedule::default();
        for (run, (backing, slots, cost, rounds)) in (0..).zip(runs) {
            schedule.add(Entry::new(run, backing, slots, cost, rounds, 0));
        }
        for (run, in_flight, capacity) in asked {
            let room = Room { in_flight, capacity, now: in_flight, patience: PATIENCE };
            if schedule.may_open(run, room) {
                schedule.opened(run, capacity, in_flight, PATIENCE);
            }
        }
        let idle = Room { in_flight: 0, capacity: 0, now: u32::MAX, patience: u32::MAX };
        let runs: Vec<u32> = schedule.entries.iter().map(|entry| entry.run).collect();
        let may = runs.iter().filter(|run| schedule.clone().may_open(**run, idle)).count();
        prop_assert!(may >= 1);
    }
}
