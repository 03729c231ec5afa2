//! A lie in one element of every instruction of every program, whose consequences are all there: the liar is convicted, and an honest
//! defender wins against whoever believes the lie.

use std::collections::BTreeMap;

use sabha_protocol::{
    Outcome,
    dispute::{Claim, Part, Side},
};
use sabha_testing::{Lie, Run, World, run::key};

use super::{Report, play, with_aggregation};

/// Plays both ways: the liar defends, then the liar challenges. Returns the name of the operation, or nothing if the lie changes nothing.
fn both_ways(world: &World, honest: &Run, liar: &Run, lie: &Lie) -> Option<Report> {
    let claim = honest.find(liar)?;
    let report = play(&liar.facts(world), claim, &mut liar.clone(), &mut honest.clone());
    assert_eq!(report.loser, Side::Defender, "{lie:?}, {claim:?}");
    // For whoever knows nothing but the commitment.
    if let Claim::Begin | Claim::Segment(_) = claim {
        let report = play(&liar.facts(world), Claim::Slot, &mut liar.clone(), &mut honest.clone());
        assert_eq!(report.loser, Side::Defender, "{lie:?}");
        let report = play(&honest.facts(world), Claim::Slot, &mut honest.clone(), &mut liar.clone());
        assert_eq!(report.loser, Side::Challenger, "{lie:?}");
    }
    if let Some(claim) = liar.find(honest) {
        let report = play(&honest.facts(world), claim, &mut honest.clone(), &mut liar.clone());
        assert_eq!(report.loser, Side::Challenger, "{lie:?}, {claim:?}");
    }
    assert!(report.moves <= 24 && report.bytes <= 64 * 1_024, "{report:?} {lie:?}");
    Some(report)
}

/// What lies in every instruction of a part came to.
#[derive(Debug, Default)]
struct Coverage {
    /// Instructions whose lie was convicted, by operation.
    convicted: BTreeMap<&'static str, u32>,
    /// Instructions of which no lie changes what the part ends with.
    silent: Vec<(u32, &'static str)>,
}

impl Coverage {
    /// Tells lies about every instruction of a part, until one is played: `plays` whether it was, or changes nothing.
    fn of(world: &World, part: Part, plays: impl Fn(&Lie) -> bool) -> Self {
        let mut coverage = Self::default();
        for (index, (name, lies)) in (0..).zip(world.lies(1, part)) {
            if lies.iter().any(&plays) {
                *coverage.convicted.entry(name).or_default() += 1;
            } else {
                coverage.silent.push((index, name));
            }
        }
        coverage
    }

    /// A lie in every instruction was convicted, but for these.
    fn is_all_but(&self, world: &World, part: Part, silent: &[(u32, &'static str)]) {
        let all = world.operations(1, part);
        let convicted: u32 = self.convicted.values().sum();
        println!("{convicted} of {} instructions of {part:?} convicted: {self:?}", all.len());
        assert_eq!(self.silent, silent, "{self:?}");
        let mut names: BTreeMap<&str, u32> = BTreeMap::new();
        for (name, _) in &all {
            *names.entry(name).or_default() += 1;
        }
        for (_, name) in silent {
            *names.entry(name).or_default() -= 1;
        }
        names.retain(|_, count| *count > 0);
        assert_eq!(self.convicted, names);
    }
}

/// A lie in every instruction of a part of slot 1 is convicted.
fn every_instruction(world: &World, part: Part) {
    let honest = world.run(1, None);
    let plays = |lie: &Lie| both_ways(world, &honest, &world.run(1, Some(*lie)), lie).is_some();
    Coverage::of(world, part, plays).is_all_but(world, part, &[]);
}

#[test]
fn a_lie_in_any_instruction_of_begin_is_convicted() {
    let world = World::small();
    every_instruction(&world, Part::Begin);
}

#[test]
fn a_lie_in_any_instruction_of_begin_from_the_seed_is_convicted() {
    let world = World { base: None, ..World::small() };
    every_instruction(&world, Part::Begin);
}

#[test]
fn a_lie_in_any_instruction_of_a_step_is_convicted() {
    let world = World::small();
    // The last one of the second segment: of any other the number of the step does not show in the end.
    every_instruction(&world, Part::Step(5));
}

#[test]
fn a_lie_at_a_segments_first_or_last_step_is_convicted() {
    let world = World::small();
    let honest = world.run(1, None);
    let mut silent = Vec::new();
    for step in 0..6 {
        for instruction in [0, 40, 90, 150] {
            // The first two are tokens.
            let flip = if instruction < 2 { 1 } else { 1 << 13 };
            let lie = Lie { part: Part::Step(step), instruction, element: 3, flip };
            let liar = world.run(1, Some(lie));
            let Some(claim) = honest.find(&liar) else {
                silent.push((step, instruction));
                continue;
            };
            assert_eq!(claim, Claim::Segment(step / 3));
            both_ways(&world, &honest, &liar, &lie).unwrap();
        }
    }
    assert_eq!(silent, [], "these lies change nothing");
}

/// Segments of one step have no states between.
#[test]
fn segments_of_one_step_are_disputed_as_well() {
    let world = World::of(40, 24, 1);
    let honest = world.run(1, None);
    for step in 0..2 {
        let lie = Lie { part: Part::Step(step), instruction: 60, element: 3, flip: 1 << 13 };
        let liar = world.run(1, Some(lie));
        both_ways(&world, &honest, &liar, &lie).unwrap();
    }
}

/// More states than one reveal shows.
#[test]
fn long_segments_are_descended_in_levels() {
    let world = World::of(6, 2, 67);
    let honest = world.run(1, None);
    for step in [0, 1, 63, 64, 65, 66, 70, 133] {
        let lie = Lie { part: Part::Step(step), instruction: 60, element: 3, flip: 1 << 13 };
        let liar = world.run(1, Some(lie));
        both_ways(&world, &honest, &liar, &lie).unwrap();
    }
}

/// Buffers of more chunks than one reveal shows.
#[test]
fn large_buffers_are_descended_in_levels() {
    let world = World::of(2_100, 24, 1);
    let honest = world.run(1, None);
    let part = Part::Step(1);
    let done = &honest.parts[&key(part)];
    let (mut deep, mut silent) = (0, Vec::new());
    for (instruction, output) in (0u32..).zip(&done.outputs) {
        if output.len() > 64 * 256 {
            let lie = Lie { part, instruction, element: 17_000, flip: 1 << 13 };
            let liar = world.run(1, Some(lie));
            match both_ways(&world, &honest, &liar, &lie) {
                Some(_) => deep += 1,
                None => silent.push(instruction),
            }
        }
    }
    assert_eq!(silent, [], "these lies change nothing");
    assert_eq!(deep, 12);
}

#[test]
fn a_lie_in_any_instruction_of_finish_is_convicted() {
    let world = World::small();
    every_instruction(&world, Part::Finish);
}

/// The update of one slot under the commitment of another: its header says so.
#[test]
fn another_slots_update_is_convicted_by_its_header() {
    let world = World::small();
    let honest = world.run(1, None);
    let mut liar = honest.clone();
    liar.head_update(&world, 2);
    let lie = Lie { part: Part::Finish, instruction: 0, element: 0, flip: 0 };
    let report = both_ways(&world, &honest, &liar, &lie).unwrap();
    assert!(report.moves < 10);
}

#[test]
fn a_false_loss_is_convicted() {
    let world = World::small();
    let honest = world.run(1, None);
    let mut liar = honest.clone();
    let Outcome::Trained(commitment) = &mut liar.outcome else { panic!("it trained") };
    commitment.mean_loss.0 ^= 1;
    let lie = Lie { part: Part::Finish, instruction: 0, element: 0, flip: 0 };
    both_ways(&world, &honest, &liar, &lie).unwrap();
}

fn aggregates(world: &World) {
    let slots = [0, 1, 2].map(|slot| world.run(slot, None));
    let honest = world.aggregate(&slots, None);
    let plays = |lie: &Lie| {
        let liar = world.aggregate(&slots, Some(*lie));
        if liar.roots == honest.roots {
            return false;
        }
        let report = with_aggregation(world, &liar, |facts| {
            play(facts, Claim::Aggregate, &mut liar.clone(), &mut honest.clone())
        });
        assert_eq!(report.loser, Side::Defender, "{lie:?}");
        assert!(report.moves <= 24 && report.bytes <= 64 * 1_024, "{report:?}");
        let report = with_aggregation(world, &honest, |facts| {
            play(facts, Claim::Aggregate, &mut honest.clone(), &mut liar.clone())
        });
        assert_eq!(report.loser, Side::Challenger, "{lie:?}");
        true
    };
    // What the squares of the norms are put into: every word of it is replaced by a square, so no lie in it changes anything that follows.
    let part = Part::Aggregate;
    Coverage::of(world, part, plays).is_all_but(world, part, &[(0, "Fill")]);
}

#[test]
fn a_lie_in_any_instruction_of_aggregate_is_convicted() {
    aggregates(&World::small());
}

#[test]
fn a_lie_in_the_first_rounds_aggregate_is_convicted() {
    aggregates(&World { base: None, ..World::small() });
}
