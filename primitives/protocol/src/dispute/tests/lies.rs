//! A lie in one element of every instruction of every program, whose consequences are all there: the liar is convicted, and an honest
//! defender wins against whoever believes the lie.

use super::{
    super::{Claim, Facts, Part, Side, Subject},
    Report, play,
    world::{Lie, Run, World, key},
};
use crate::{Digest, programs};
use sabha_numerics::program::Program;
use std::collections::BTreeMap;

/// Plays both ways: the liar defends, then the liar challenges. Returns the name of the operation, or nothing if the lie changes nothing.
fn both_ways(world: &World, honest: &Run, liar: &Run, lie: &Lie) -> Option<Report> {
    let claim = honest.find(world, liar)?;
    let report = play(&liar.facts(world), claim, &mut liar.clone(), &mut honest.clone());
    assert_eq!(report.loser, Side::Defender, "{lie:?}, {claim:?}");
    // For whoever knows nothing but the commitment.
    if let Claim::Begin | Claim::Segment(_) = claim {
        let report = play(&liar.facts(world), Claim::Slot, &mut liar.clone(), &mut honest.clone());
        assert_eq!(report.loser, Side::Defender, "{lie:?}");
        let report = play(&honest.facts(world), Claim::Slot, &mut honest.clone(), &mut liar.clone());
        assert_eq!(report.loser, Side::Challenger, "{lie:?}");
    }
    if let Some(claim) = liar.find(world, honest) {
        let report = play(&honest.facts(world), claim, &mut honest.clone(), &mut liar.clone());
        assert_eq!(report.loser, Side::Challenger, "{lie:?}, {claim:?}");
    }
    assert!(report.moves <= 24 && report.bytes <= 64 * 1_024, "{report:?} {lie:?}");
    Some(report)
}

/// What lies in every instruction of a program came to.
#[derive(Debug, Default)]
struct Coverage {
    /// Instructions whose lie was convicted, by operation.
    convicted: BTreeMap<&'static str, u32>,
    /// Instructions of which no lie that was drawn changes what the part ends with.
    silent: Vec<(u32, &'static str)>,
}

impl Coverage {
    /// A lie in every instruction was convicted, but for these.
    fn is_all_but(&self, program: &dyn Program, silent: &[(u32, &'static str)]) {
        let all = program_of(program);
        let convicted: u32 = self.convicted.values().sum();
        println!("{convicted} of {} instructions convicted: {self:?}", all.len());
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

/// Lies that are drawn for an instruction whose output has so many words: the last bit of a number first, then more of it, in elements all
/// over the output.
fn draws(len: u64) -> impl Iterator<Item = (u64, u32)> {
    let elements = len.min(24);
    let element = move |draw: u64| (len / elements * draw + 7 * draw) % len;
    let few =
        [1, 1 << 12, 1 << 20, 1 << 22].into_iter().zip(0..).map(move |(flip, draw)| (element(draw), flip));
    let flips = [1u32 << 22, 1 << 26, 1 << 30, 1 << 31, 1 << 8, 3];
    few.chain((0..elements).flat_map(move |draw| flips.map(|flip| (element(draw), flip))))
}

/// Lies in every instruction of a part, until one changes what it ends with.
fn every_instruction(world: &World, program: &dyn Program, part: Part) -> Coverage {
    let honest = world.run(1, None);
    let mut coverage = Coverage::default();
    for (index, (name, len)) in (0u32..).zip(program_of(program)) {
        let found = draws(len).any(|(element, flip)| {
            let lie = Lie { part, instruction: index, element, flip };
            let liar = world.run(1, Some(lie));
            both_ways(world, &honest, &liar, &lie).is_some()
        });
        if found {
            *coverage.convicted.entry(name).or_default() += 1;
        } else {
            coverage.silent.push((index, name));
        }
    }
    coverage
}

/// Operations of a program's instructions, and how many words they make.
fn program_of(program: &dyn Program) -> Vec<(&'static str, u64)> {
    use sabha_numerics::op::Definition;
    let mut all = Vec::new();
    program.visit(&mut |_, op, _| all.push((op.name(), op.len())));
    all
}

#[test]
fn a_lie_in_any_instruction_of_begin_is_convicted() {
    let world = World::small();
    let program = programs::begin(&world.spec);
    every_instruction(&world, &program, Part::Begin).is_all_but(&program, &[]);
}

#[test]
fn a_lie_in_any_instruction_of_begin_from_the_seed_is_convicted() {
    let world = World { base: None, ..World::small() };
    let program = programs::begin(&world.spec);
    every_instruction(&world, &program, Part::Begin).is_all_but(&program, &[]);
}

#[test]
fn a_lie_in_any_instruction_of_a_step_is_convicted() {
    let world = World::small();
    // The last one of the second segment: of any other the number of the step does not show in the end.
    let id = programs::StepId { round: super::world::ROUND, slot: 1, step: 5 };
    let program = programs::step(&world.spec, id).unwrap();
    every_instruction(&world, &program, Part::Step(5)).is_all_but(&program, &[]);
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
            if let Some(claim) = honest.find(&world, &liar) {
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
    let program = programs::finish(&world.spec);
    every_instruction(&world, &program, Part::Finish).is_all_but(&program, &[]);
}

/// The update of one slot under the commitment of another: its header says so.
#[test]
fn another_slots_update_is_convicted_by_its_header() {
    let world = World::small();
    let honest = world.run(1, None);
    let mut liar = honest.clone();
    let header = crate::update::header(&world.spec.hash(), super::world::ROUND, 2);
    liar.update[..header.len()].copy_from_slice(&header);
    let crate::Outcome::Trained(commitment) = &mut liar.outcome else { panic!("it trained") };
    commitment.update_digest = Digest::of(&liar.update);
    let lie = Lie { part: Part::Finish, instruction: 0, element: 0, flip: 0 };
    let report = both_ways(&world, &honest, &liar, &lie).unwrap();
    assert!(report.moves < 10);
}

#[test]
fn a_false_loss_is_convicted() {
    let world = World::small();
    let honest = world.run(1, None);
    let mut liar = honest.clone();
    let crate::Outcome::Trained(commitment) = &mut liar.outcome else { panic!("it trained") };
    commitment.mean_loss.0 ^= 1;
    let lie = Lie { part: Part::Finish, instruction: 0, element: 0, flip: 0 };
    both_ways(&world, &honest, &liar, &lie).unwrap();
}

/// The facts of an aggregation.
pub fn with_aggregation<R>(world: &World, run: &Run, with: impl FnOnce(&Facts<'_>) -> R) -> R {
    let update = |place: u32| run.updates.get(place as usize).map(|update| Digest::of(update));
    let workers = run.updates.len() as u16;
    let subject = Subject::Aggregation { workers, result: run.roots[0] };
    let round = super::world::ROUND;
    with(&Facts { spec: &world.spec, round, base: world.base_root(), subject, update: &update })
}

fn aggregates(world: &World) {
    let slots = [0, 1, 2].map(|slot| world.run(slot, None));
    let honest = world.aggregate(&slots, None);
    let program = programs::aggregate(&world.spec, 3);
    let mut coverage = Coverage::default();
    for (index, (name, len)) in (0u32..).zip(program_of(&program)) {
        let found = draws(len).any(|(element, flip)| {
            let lie = Lie { part: Part::Aggregate, instruction: index, element, flip };
            let liar = world.aggregate(&slots, Some(lie));
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
        });
        if found {
            *coverage.convicted.entry(name).or_default() += 1;
        } else {
            coverage.silent.push((index, name));
        }
    }
    // What the squares of the norms are put into: every word of it is replaced by a square, so no lie in it changes anything that follows.
    coverage.is_all_but(&program, &[(0, "Fill")]);
}

#[test]
fn a_lie_in_any_instruction_of_aggregate_is_convicted() {
    aggregates(&World::small());
}

#[test]
fn a_lie_in_the_first_rounds_aggregate_is_convicted() {
    aggregates(&World { base: None, ..World::small() });
}
