//! Lies about what is to be computed, rather than about one of its numbers; and about where it diverges.

use sabha_numerics::op::{Add, Op, SwiGlu};
use sabha_protocol::{
    Divergence, Outcome, RunSpec,
    dispute::{Claim, Facts, Part, Side, Subject},
    update::HEADER,
};
use sabha_testing::{Lie, Run, World};

use super::{play, with_aggregation};

/// The run that is executed otherwise than its specification says, under the true run's facts.
fn convicted(world: &World, liar: &Run, what: &str) -> Claim {
    let honest = world.run(1, None);
    let claim = honest.find(liar).unwrap_or_else(|| panic!("{what} changes nothing"));
    let report = play(&liar.facts(world), claim, &mut liar.clone(), &mut honest.clone());
    assert_eq!(report.loser, Side::Defender, "{what}");
    claim
}

/// What another specification makes of the slot is convicted, under the name of the true one.
fn convicted_as(what: &str, change: fn(&mut RunSpec)) -> Claim {
    let (world, mut other) = (World::small(), World::small());
    change(&mut other.spec);
    let mut liar = other.run(1, None);
    liar.head_update(&world, 1);
    convicted(&world, &liar, what)
}

#[test]
fn wrong_optimiser_constants_are_convicted() {
    convicted_as("another decay of the first moment", |spec| spec.optimiser.beta1 = 0.91.into());
    convicted_as("another decay of the second moment", |spec| spec.optimiser.beta2 = 0.96.into());
    convicted_as("another epsilon", |spec| spec.optimiser.epsilon = 1e-5.into());
    convicted_as("another weight decay", |spec| spec.optimiser.weight_decay = 0.2.into());
    convicted_as("another clip", |spec| spec.optimiser.clip_norm = 0.01.into());
}

#[test]
fn wrong_learning_rates_are_convicted() {
    convicted_as("another rate", |spec| spec.optimiser.peak_rate = 2e-3.into());
    convicted_as("another warm-up", |spec| spec.optimiser.inner_warmup_steps = 5);
}

#[test]
fn a_wrong_data_window_is_convicted() {
    convicted_as("other windows", |spec| spec.seed = 8);
}

#[test]
fn wrong_shapes_are_convicted() {
    convicted_as("other heads", |spec| spec.model.heads = 4);
    convicted_as("smaller batches", |spec| spec.rounds.batch = 1);
}

#[test]
fn wrong_constants_of_the_model_are_convicted() {
    convicted_as("other rotations", |spec| spec.model.rope_base = 5_000.0.into());
    convicted_as("another norm", |spec| spec.model.norm_epsilon = 1e-4.into());
}

/// The rate of another run, at one step only.
#[test]
fn a_wrong_learning_rate_at_step_t_is_convicted() {
    let (world, mut other) = (World::small(), World::small());
    other.spec.optimiser.peak_rate = 2e-3.into();
    let honest = world.run(1, None);
    for step in 0..world.spec.rounds.inner_steps {
        let done = other.step(1, step, &honest.states[step as usize], None);
        let liar = world.go_on(&honest, step, done);
        assert_eq!(convicted(&world, &liar, "one rate"), Claim::Segment(step / 3));
    }
}

#[test]
fn swapped_inputs_are_convicted() {
    let swapped = World {
        warp: Some(|instructions| {
            let product = |op: &Op| matches!(op, Op::SwiGlu(_));
            let at = instructions.iter().position(|instruction| product(&instruction.op)).unwrap();
            instructions[at].inputs.swap(0, 1);
        }),
        ..World::small()
    };
    convicted(&World::small(), &swapped.run(1, None), "swapped inputs");
}

#[test]
fn a_wrong_instruction_is_convicted() {
    let other = World {
        warp: Some(|instructions| {
            for instruction in instructions.iter_mut() {
                if let Op::SwiGlu(SwiGlu { size }) = instruction.op {
                    instruction.op = Add { size }.into();
                }
            }
        }),
        ..World::small()
    };
    convicted(&World::small(), &other.run(1, None), "another instruction");
}

/// A checkpoint of another round.
#[test]
fn a_stale_start_is_convicted() {
    let world = World::small();
    let stale = World { base: None, ..World::small() };
    assert_eq!(convicted(&world, &stale.run(1, None), "a stale start"), Claim::Begin);
}

/// The step that is done twice: a state of the same slot, but not the one before.
#[test]
fn a_step_from_a_stale_state_is_convicted() {
    let world = World::small();
    let honest = world.run(1, None);
    let done = world.step(1, 4, &honest.states[3], None);
    let liar = world.go_on(&honest, 4, done);
    assert_eq!(convicted(&world, &liar, "a stale state"), Claim::Segment(1));
}

#[test]
fn an_aggregation_that_leaves_an_update_out_or_takes_another_is_convicted() {
    let world = World::small();
    let slots = [0, 1, 2].map(|slot| world.run(slot, None));
    let honest = world.aggregate(&slots, None);
    let [first, second, third] = slots.clone();
    let mut nothing = third.clone();
    nothing.update[HEADER..].fill(0);
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
            let lie = Lie { part, instruction, element: 0, flip };
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
    let mut liar = World { careless: true, ..diverging() }.run(1, None);
    liar.commit(1.0.into());
    assert_eq!(convicted(&world, &liar, "not finite"), Claim::Segment(at.step / 3));
}
