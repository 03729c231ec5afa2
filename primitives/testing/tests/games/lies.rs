//! A lie in one element of every instruction of every program, whose consequences are all there: the liar is convicted, and an honest
//! defender wins against whoever believes the lie.

use std::collections::BTreeSet;

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

/// Lies in every instruction of a part. Returns the operations that were lied about.
fn every_instruction(world: &World, part: Part) -> BTreeSet<&'static str> {
    let honest = world.run(1, None);
    let mut seen = BTreeSet::new();
    for (name, lies) in world.lies(1, part) {
        let found = lies.iter().any(|lie| {
            let liar = world.run(1, Some(*lie));
            both_ways(world, &honest, &liar, lie).is_some()
        });
        if found {
            seen.insert(name);
        }
    }
    seen
}

fn names(world: &World, part: Part) -> BTreeSet<&'static str> {
    world.operations(1, part).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn a_lie_in_any_instruction_of_begin_is_convicted() {
    let world = World::small();
    assert_eq!(every_instruction(&world, Part::Begin), names(&world, Part::Begin));
}

#[test]
fn a_lie_in_any_instruction_of_begin_from_the_seed_is_convicted() {
    let world = World { base: None, ..World::small() };
    assert_eq!(every_instruction(&world, Part::Begin), names(&world, Part::Begin));
}

#[test]
fn a_lie_in_any_instruction_of_a_step_is_convicted() {
    let world = World::small();
    // The last one of the second segment: of any other the number of the step does not show in the end.
    assert_eq!(every_instruction(&world, Part::Step(5)), names(&world, Part::Step(5)));
}

#[test]
fn a_lie_at_a_segments_first_or_last_step_is_convicted() {
    let world = World::small();
    let honest = world.run(1, None);
    for step in 0..6 {
        for instruction in [0, 40, 90, 150] {
            // The first two are tokens.
            let flip = if instruction < 2 { 1 } else { 1 << 13 };
            let lie = Lie { part: Part::Step(step), instruction, element: 3, flip };
            let liar = world.run(1, Some(lie));
            if let Some(claim) = honest.find(&liar) {
                assert_eq!(claim, Claim::Segment(step / 3));
                both_ways(&world, &honest, &liar, &lie).unwrap();
            }
        }
    }
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
    let mut deep = 0;
    for (instruction, output) in (0u32..).zip(&done.outputs) {
        if output.len() > 64 * 256 {
            let lie = Lie { part, instruction, element: 17_000, flip: 1 << 13 };
            let liar = world.run(1, Some(lie));
            deep += usize::from(both_ways(&world, &honest, &liar, &lie).is_some());
        }
    }
    assert!(deep > 3, "{deep}");
}

#[test]
fn a_lie_in_any_instruction_of_finish_is_convicted() {
    let world = World::small();
    assert_eq!(every_instruction(&world, Part::Finish), names(&world, Part::Finish));
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
    let mut seen = BTreeSet::new();
    for (name, lies) in world.lies(0, Part::Aggregate) {
        for lie in lies {
            let liar = world.aggregate(&slots, Some(lie));
            if liar.roots == honest.roots {
                continue;
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
            seen.insert(name);
            break;
        }
    }
    // Every word of what the squares are filled with is replaced by a square.
    let mut all = names(world, Part::Aggregate);
    assert!(all.remove("Fill"));
    assert_eq!(seen, all);
}

#[test]
fn a_lie_in_any_instruction_of_aggregate_is_convicted() {
    aggregates(&World::small());
}

#[test]
fn a_lie_in_the_first_rounds_aggregate_is_convicted() {
    aggregates(&World { base: None, ..World::small() });
}
