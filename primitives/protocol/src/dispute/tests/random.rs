//! Random lies about random programs, on either side: every verdict is right.

use super::{
    super::{Claim, Part, Side},
    Draw,
    lies::with_aggregation,
    play,
    world::{Lie, World},
};
use crate::programs;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sabha_numerics::{op::Definition, program::Program};

/// Words of each output.
fn lens(program: &dyn Program) -> Vec<u64> {
    let mut all = Vec::new();
    program.visit(&mut |_, op, _| all.push(op.len()));
    all
}

#[test]
fn five_hundred_random_games_are_judged_rightly() {
    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[5; 32]));
    let mut rng = runner.new_rng();
    let world = World::small();
    let slots = [0, 1, 2].map(|slot| world.run(slot, None));
    let aggregated = world.aggregate(&slots, None);
    let honest = &slots[1];
    let (mut games, mut right) = (0, 0);
    while games < 500 {
        let step = rng.below(6) as u32;
        let id = programs::StepId { round: super::world::ROUND, slot: 1, step };
        let (part, lens) = match rng.below(10) {
            0 => (Part::Begin, lens(&programs::begin(&world.spec))),
            1 => (Part::Finish, lens(&programs::finish(&world.spec))),
            2 => (Part::Aggregate, lens(&programs::aggregate(&world.spec, 3))),
            _ => (Part::Step(step), lens(&programs::step(&world.spec, id).unwrap())),
        };
        let instruction = rng.below(lens.len() as u64) as u32;
        let element = rng.below(lens[instruction as usize]);
        let bits = if instruction < 4 { 1 } else { 23 };
        let lie = Lie { part, instruction, element, flip: 1 << rng.below(bits) };
        let liar_defends = rng.below(2) == 0;
        let expected = if liar_defends { Side::Defender } else { Side::Challenger };
        let report = if part == Part::Aggregate {
            let liar = world.aggregate(&slots, Some(lie));
            if liar.roots == aggregated.roots {
                continue;
            }
            let (defends, challenges) =
                if liar_defends { (&liar, &aggregated) } else { (&aggregated, &liar) };
            with_aggregation(&world, defends, |facts| {
                play(facts, Claim::Aggregate, &mut defends.clone(), &mut challenges.clone())
            })
        } else {
            let liar = world.run(1, Some(lie));
            let (defends, challenges) = if liar_defends { (&liar, honest) } else { (honest, &liar) };
            let Some(claim) = challenges.find(&world, defends) else { continue };
            play(&defends.facts(&world), claim, &mut defends.clone(), &mut challenges.clone())
        };
        games += 1;
        right += u32::from(report.loser == expected);
        assert_eq!(report.loser, expected, "{lie:?}");
        assert!(report.moves <= 24 && report.bytes <= 64 * 1_024, "{report:?}");
    }
    assert_eq!(right, games);
}
