//! Lies about what is to be computed, rather than about one of its numbers; and about where it diverges.

use super::{
    super::{Claim, Facts, Part, Side, Subject},
    lies::with_aggregation,
    play,
    world::{Run, World, key},
};
use crate::{Divergence, Outcome, RunSpec};

/// The run that is executed otherwise than its specification says, under the true run's facts.
fn convicted(world: &World, liar: &Run, what: &str) -> Claim {
    let honest = world.run(1, None);
    let claim = honest.find(world, liar).unwrap_or_else(|| panic!("{what} changes nothing"));
    let report = play(&liar.facts(world), claim, &mut liar.clone(), &mut honest.clone());
    assert_eq!(report.loser, Side::Defender, "{what}");
    claim
}

#[test]
fn other_constants_windows_rates_and_shapes_are_convicted() {
    let world = World::small();
    let change = |what: &str, change: fn(&mut RunSpec)| {
        let mut other = World { spec: world.spec.clone(), ..World::small() };
        change(&mut other.spec);
        let mut liar = other.run(1, None);
        // Its update says that it is of this run.
        let header = crate::update::header(&world.spec.hash(), super::world::ROUND, 1);
        liar.update[..header.len()].copy_from_slice(&header);
        if let Outcome::Trained(commitment) = &mut liar.outcome {
            commitment.update_digest = crate::Digest::of(&liar.update);
        }
        convicted(&world, &liar, what)
    };
    change("another learning rate", |spec| spec.optimiser.peak_rate = 2e-3.into());
    change("another decay of the first moment", |spec| spec.optimiser.beta1 = 0.91.into());
    change("another decay of the second moment", |spec| spec.optimiser.beta2 = 0.96.into());
    change("another epsilon", |spec| spec.optimiser.epsilon = 1e-5.into());
    change("another weight decay", |spec| spec.optimiser.weight_decay = 0.2.into());
    change("another clip", |spec| spec.optimiser.clip_norm = 0.01.into());
    change("other data", |spec| spec.seed = 8);
    change("other rotations", |spec| spec.model.rope_base = 5_000.0.into());
    change("another norm", |spec| spec.model.norm_epsilon = 1e-4.into());
    change("other heads", |spec| spec.model.heads = 4);
    change("another warm-up", |spec| spec.optimiser.inner_warmup_steps = 5);
    change("smaller batches", |spec| spec.rounds.batch = 1);
}

/// The learning rate of one step only.
#[test]
fn another_rate_at_one_step_is_convicted() {
    let world = World::small();
    // A step done with the rate of another run.
    let mut other = World::small();
    other.spec.optimiser.peak_rate = 2e-3.into();
    let honest = world.run(1, None);
    for step in 0..world.spec.rounds.inner_steps {
        let mut liar = honest.clone();
        let id = crate::programs::StepId { round: super::world::ROUND, slot: 1, step };
        let program = crate::programs::step(&other.spec, id).unwrap();
        let mut state = liar.states[step as usize].clone();
        liar.states.truncate(step as usize + 1);
        liar.roots.truncate(step as usize + 1);
        for at in step..world.spec.rounds.inner_steps {
            let id = crate::programs::StepId { step: at, ..id };
            let right = crate::programs::step(&world.spec, id).unwrap();
            let program = if at == step { &program } else { &right };
            let done = super::world::execute(program, &state, &world.stream, Part::Step(at), None);
            state = done.ends.clone();
            liar.states.push(state.clone());
            liar.roots.push(super::world::root(&state));
            liar.parts.insert(key(Part::Step(at)), done.into());
        }
        let segments_root = crate::segments_root(&liar.leaves(&world.spec));
        let Outcome::Trained(commitment) = liar.outcome else { panic!("it trained") };
        liar.outcome = Outcome::Trained(crate::Commitment { segments_root, ..commitment });
        assert_eq!(convicted(&world, &liar, "one rate"), Claim::Segment(step / 3));
    }
}

#[test]
fn swapped_inputs_and_other_instructions_are_convicted() {
    let world = World::small();
    let warped = |warp| World { warp: Some(warp), ..World::small() }.run(1, None);
    let swapped = warped(|instructions| {
        use sabha_numerics::op::Op;
        let product = |op: &Op| matches!(op, Op::SwiGlu(_));
        let at = instructions.iter().position(|instruction| product(&instruction.op)).unwrap();
        instructions[at].inputs.swap(0, 1);
    });
    convicted(&world, &swapped, "swapped inputs");
    let other = warped(|instructions| {
        use sabha_numerics::op::{Add, Op, SwiGlu};
        for instruction in instructions.iter_mut() {
            if let Op::SwiGlu(SwiGlu { size }) = instruction.op {
                instruction.op = Add { size }.into();
            }
        }
    });
    convicted(&world, &other, "another instruction");
}

/// A checkpoint of another round.
#[test]
fn a_stale_start_is_convicted() {
    let world = World::small();
    let stale = World { base: None, ..World::small() };
    assert_eq!(convicted(&world, &stale.run(1, None), "a stale start"), Claim::Begin);
}

#[test]
fn an_aggregation_that_leaves_an_update_out_or_takes_another_is_convicted() {
    let world = World::small();
    let slots = [0, 1, 2].map(|slot| world.run(slot, None));
    let honest = world.aggregate(&slots, None);
    let [first, second, third] = slots.clone();
    let mut nothing = third.clone();
    nothing.update[crate::update::HEADER..].fill(0);
    for liar in [
        world.aggregate(&[first.clone(), second.clone()], None),
        world.aggregate(&[first.clone(), second.clone(), nothing], None),
        world.aggregate(&[first.clone(), second.clone(), second.clone()], None),
        World { base: None, ..World::small() }.aggregate(&slots, None),
    ] {
        assert_ne!(liar.roots, honest.roots);
        // What it says is about the three that were accepted.
        let mut bound = honest.clone();
        bound.roots = liar.roots.clone();
        let report = with_aggregation(&world, &bound, |facts| {
            play(facts, Claim::Aggregate, &mut liar.clone(), &mut honest.clone())
        });
        assert_eq!(report.loser, Side::Defender);
    }
    // In another order of slots the sum is the same, and so are all but the updates' own numbers.
    let other = world.aggregate(&[third, second, first], None);
    assert_eq!(other.roots, honest.roots);
}

/// A run that leaves the finite numbers.
pub fn diverging() -> World {
    let mut world = World::small();
    world.spec.optimiser.peak_rate = 1e30.into();
    world.spec.optimiser.floor_rate = 1e30.into();
    world.spec.optimiser.warmup_steps = 0;
    world.spec.optimiser.inner_warmup_steps = 0;
    world
}

fn claims(world: &World, run: &Run, divergence: Divergence) -> Side {
    let mut claimed = run.clone();
    claimed.outcome = Outcome::Diverged(divergence);
    let subject = Subject::Slot { slot: 1, outcome: claimed.outcome };
    let facts = Facts { subject, ..claimed.facts(world) };
    play(&facts, Claim::Divergence, &mut claimed, &mut run.clone()).loser
}

#[test]
fn a_false_divergence_is_convicted_and_a_true_one_stands() {
    let world = World::small();
    let trained = world.run(1, None);
    for divergence in [
        Divergence { step: 0, instruction: 0, element: 0 },
        Divergence { step: 0, instruction: 60, element: 3 },
        Divergence { step: 5, instruction: 60, element: 3 },
        Divergence { step: 3, instruction: 20, element: 9_999_999 },
        Divergence { step: 3, instruction: 9_999_999, element: 0 },
    ] {
        assert_eq!(claims(&world, &trained, divergence), Side::Defender, "{divergence:?}");
    }

    let world = diverging();
    let run = world.run(1, None);
    let Outcome::Diverged(true_one) = run.outcome else { panic!("it diverges") };
    assert!(true_one.step > 0, "{true_one:?}");
    assert_eq!(claims(&world, &run, true_one), Side::Challenger);
    for false_one in [
        Divergence { element: true_one.element + 1, ..true_one },
        Divergence { instruction: true_one.instruction - 1, ..true_one },
        Divergence { instruction: true_one.instruction + 1, ..true_one },
        Divergence { step: true_one.step - 1, ..true_one },
        Divergence { step: true_one.step + 1, ..true_one },
    ] {
        assert_eq!(claims(&world, &run, false_one), Side::Defender, "{false_one:?}, {true_one:?}");
    }
}

/// Somebody who believes that the slot diverges elsewhere, or not at all, does not win against the truth.
#[test]
fn a_true_divergence_stands_against_other_executions() {
    let world = diverging();
    let run = world.run(1, None);
    for part in [Part::Begin, Part::Step(0), Part::Step(1)] {
        for (instruction, flip) in [(1, 1 << 9), (40, 1 << 9), (60, 1 << 9)] {
            let lie = super::world::Lie { part, instruction, element: 0, flip };
            if part == Part::Begin && instruction > 20 {
                continue;
            }
            let other = world.run(1, Some(lie));
            let report = play(&run.facts(&world), Claim::Divergence, &mut run.clone(), &mut other.clone());
            assert_eq!(report.loser, Side::Challenger, "{lie:?}");
        }
    }
}

/// Who trained on where the numbers are not finite any more is convicted for that, though every bit is what the definition makes.
#[test]
fn numbers_that_are_not_finite_are_no_result_of_a_step() {
    let world = diverging();
    let honest = world.run(1, None);
    let Outcome::Diverged(at) = honest.outcome else { panic!("it diverges") };
    // Goes on, as an engine without the rule would.
    let mut liar = honest.clone();
    let mut state = liar.states.last().unwrap().clone();
    for step in at.step..world.spec.rounds.inner_steps {
        let id = crate::programs::StepId { round: super::world::ROUND, slot: 1, step };
        let program = crate::programs::step(&world.spec, id).unwrap();
        let done = super::world::execute(&program, &state, &world.stream, Part::Finish, None);
        state = done.ends.clone();
        liar.states.push(state.clone());
        liar.roots.push(super::world::root(&state));
        liar.parts.insert(key(Part::Step(step)), done.into());
    }
    liar.outcome = Outcome::Trained(crate::Commitment {
        segments_root: crate::segments_root(&liar.leaves(&world.spec)),
        update_digest: Default::default(),
        mean_loss: 1.0.into(),
    });
    assert_eq!(convicted(&world, &liar, "not finite"), Claim::Segment(at.step / 3));
}
