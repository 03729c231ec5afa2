//! Games between executions of the exact engine.

use super::*;
use crate::{
    data::Stream,
    engine::{
        ExactEngine, init,
        rounds::{self, Place, RoundCheckpoint, Update},
        testing::{text_stream, tiny_spec},
    },
};
use sabha_protocol::{
    Commitment, Digest, NUMERICS_EXACT, Outcome, RunSpec,
    dispute::{
        self, Claim, Facts, Game, GameError, Part, Side,
        player::{Blob, Book, PlayError, Seen, answer, challenge},
    },
    segments_root,
};
use std::{collections::BTreeMap, sync::Arc};

struct World {
    _folder: tempfile::TempDir,
    spec: RunSpec,
    stream: Arc<Stream>,
    base: RoundCheckpoint,
    engine: ExactEngine,
}

const SLOT: u16 = 1;

fn world() -> World {
    let (folder, spec, stream) = text_stream(RunSpec { numerics_version: NUMERICS_EXACT, ..tiny_spec() });
    let base = RoundCheckpoint::start(init::initial(&spec.model, 5));
    World { _folder: folder, spec, stream: Arc::new(stream), base, engine: ExactEngine::cpu() }
}

impl World {
    fn execution(&self, lie: Option<Lie>) -> Execution<'_> {
        let place = Place::of(&self.spec, 0, SLOT);
        let subject = Subject::Slot { place, roots: BTreeMap::new(), kept: Box::new(|_| None), lie };
        self.executing(subject)
    }

    fn executing(&self, subject: Subject) -> Execution<'_> {
        let (spec, stream) = (Arc::new(self.spec.clone()), Some(self.stream.clone()));
        Execution::new(&self.engine, &self.engine, spec, stream, self.base.clone(), subject)
    }

    fn outcome(&self, execution: &mut Execution<'_>) -> Outcome {
        let rounds = self.spec.rounds;
        let leaves: Vec<Digest> = (0..=self.spec.segments())
            .map(|segment| execution.state(segment * rounds.segment_steps).unwrap().unwrap())
            .collect();
        let update = execution.content(Blob::Own).unwrap().into_owned();
        let count = dispute_instructions(&self.spec);
        let loss = execution
            .words(Part::Finish, sabha_numerics::program::Source::Output(count - 1))
            .unwrap()
            .first()
            .copied()
            .unwrap();
        Outcome::Trained(Commitment {
            segments_root: segments_root(&leaves),
            update_digest: Digest::of(&update),
            mean_loss: sabha_protocol::spec::F32Bits(loss),
        })
    }

    fn facts(&self, outcome: Outcome) -> Facts<'_> {
        let subject = dispute::Subject::Slot { slot: SLOT, outcome };
        Facts { spec: &self.spec, round: 0, base: Some(self.base.root()), subject, update: &|_| None }
    }
}

fn dispute_instructions(spec: &RunSpec) -> u32 {
    use sabha_numerics::program::Program;
    sabha_protocol::programs::finish(spec).count()
}

/// Plays to the end; who has nothing to say loses.
fn play(
    facts: &Facts<'_>,
    claim: Claim,
    defender: &mut Execution<'_>,
    challenger: &mut Execution<'_>,
) -> (Side, u16) {
    let mut game = Game::new(facts, claim, &Digest::default(), 100, 0).unwrap();
    let mut seen = Seen::default();
    loop {
        let position = game.position;
        match game.turn() {
            Side::Defender => {
                let made = match answer(facts, &game, defender) {
                    Ok(made) => made,
                    Err(PlayError::Book(error)) => panic!("{error}"),
                    Err(error) => panic!("{error}"),
                };
                let before = game;
                game.answer(facts, &position, &made, 1).unwrap();
                seen.look(facts, &before, &made);
            }
            Side::Challenger => {
                let made = match challenge(facts, &game, challenger, &seen) {
                    Ok(made) => made,
                    Err(PlayError::NothingWrong) => return (Side::Challenger, game.moves),
                    Err(error) => panic!("{error}: {game:?}"),
                };
                match game.press(facts, &position, &made, 1) {
                    Ok(Some(loser)) => return (loser, game.moves),
                    Ok(None) => {}
                    // What is not bound cannot be shown: its clock runs out.
                    Err(GameError::BadProof) => return (Side::Challenger, game.moves),
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}

/// An execution comes to what training comes to: the same roots, the same update.
#[test]
fn an_execution_is_what_training_commits() {
    let world = world();
    let mut execution = world.execution(None);
    let outcome = world.outcome(&mut execution);
    let place = Place::of(&world.spec, 0, SLOT);
    let stop = crate::stop::Stop::new();
    let (trained, leaves) = crate::engine::replay::slot(
        &world.engine,
        &world.spec,
        &world.stream,
        world.base.parameters(),
        place,
        &stop,
        &mut |_| (),
    )
    .unwrap();
    assert_eq!(outcome, trained);
    for (segment, leaf) in (0..).zip(leaves) {
        let steps = segment * world.spec.rounds.segment_steps;
        assert_eq!(world.execution(None).state(steps).unwrap(), Some(leaf));
    }
}

#[test]
fn a_planted_lie_is_convicted_and_believing_it_loses() {
    let world = world();
    let mut honest = world.execution(None);
    let truth = world.outcome(&mut honest);
    for (step, instruction, element) in [(0, 30, 1), (1, 77, 3), (3, 120, 0)] {
        let what = What::Element { step, instruction, element, bits: 1 << 14 };
        let lie = Lie { round: 0, once: false, what };
        let mut liar = world.execution(Some(lie));
        let told = world.outcome(&mut liar);
        assert_ne!(told, truth, "{lie:?}");
        for claim in [Claim::Segment(step / world.spec.rounds.segment_steps), Claim::Slot] {
            let (loser, moves) = play(&world.facts(told), claim, &mut liar, &mut honest);
            assert_eq!(loser, Side::Defender, "{claim:?}");
            assert!(moves > 5);
            let (loser, _) = play(&world.facts(truth), claim, &mut honest, &mut liar);
            assert_eq!(loser, Side::Challenger, "{claim:?}");
        }
    }
    let (loser, _) = play(&world.facts(truth), Claim::Finish, &mut honest, &mut world.execution(None));
    assert_eq!(loser, Side::Challenger);
    let mut liar = world.execution(Some(Lie { round: 0, once: false, what: What::Update }));
    let told = world.outcome(&mut liar);
    assert_ne!(told, truth);
    let (loser, _) = play(&world.facts(told), Claim::Finish, &mut liar, &mut honest);
    assert_eq!(loser, Side::Defender);
}

#[test]
fn a_false_aggregation_is_convicted() {
    let world = world();
    let updates: Vec<Update> = (0..2)
        .map(|slot| {
            let place = Place::of(&world.spec, 0, slot);
            let subject =
                Subject::Slot { place, roots: BTreeMap::new(), kept: Box::new(|_| None), lie: None };
            let mut execution = world.executing(subject);
            let blob = execution.content(Blob::Own).unwrap().into_owned();
            Update::from_blob(&world.spec, place, &blob).unwrap()
        })
        .collect();
    let digests: Vec<Digest> = updates.iter().map(|update| Digest::of(&update.to_blob())).collect();
    let right = rounds::aggregate(&world.spec, &world.base, updates.clone(), &|| true).unwrap().root();
    let aggregation = |updates: Vec<Update>| world.executing(Subject::Aggregation(updates));
    let update = |place: u32| digests.get(place as usize).copied();
    let facts = |result| Facts {
        spec: &world.spec,
        round: 0,
        base: Some(world.base.root()),
        subject: dispute::Subject::Aggregation { workers: 2, result },
        update: &update,
    };
    // One of them twice.
    let mut liar = aggregation(vec![updates[0].clone(), updates[0].clone()]);
    let result = root_of(&world, &mut liar);
    assert_ne!(result, right);
    let (loser, _) = play(&facts(result), Claim::Aggregate, &mut liar, &mut aggregation(updates.clone()));
    assert_eq!(loser, Side::Defender);
    let (loser, _) = play(&facts(right), Claim::Aggregate, &mut aggregation(updates), &mut liar);
    assert_eq!(loser, Side::Challenger);
}

/// The root of the checkpoint that an aggregation ends with.
fn root_of(world: &World, execution: &mut Execution<'_>) -> Digest {
    use sabha_numerics::program::{Program, Source};
    let program = sabha_protocol::programs::aggregate(&world.spec, 2);
    let ends = program.visit(&mut |_, _, _| ());
    let outputs = execution.outputs(Part::Aggregate).unwrap();
    let digests: Vec<[u8; 32]> = ends
        .iter()
        .map(|end| match end.source {
            Source::Output(index) => outputs[index as usize].0,
            _ => panic!("an end that no instruction makes"),
        })
        .collect();
    Digest(sabha_numerics::state_root(&digests))
}

/// Many games share one execution: what is asked for by another one in between does not change what it says, nor does rest.
#[test]
fn an_execution_that_rests_says_the_same_again() {
    let world = world();
    let mut one = world.execution(None);
    let asked = |execution: &mut Execution<'_>, step| {
        let part = Part::Step(step);
        let words = execution.words(part, sabha_numerics::program::Source::Output(40)).unwrap().into_owned();
        let buffers = execution.buffers(dispute::player::Buffers::State(step)).unwrap();
        (execution.outputs(part).unwrap(), execution.diverges(part).unwrap(), words, buffers)
    };
    let first = asked(&mut one, 1);
    let other = asked(&mut one, 3);
    assert_ne!(first, other);
    assert!(!one.holds(Part::Step(1)) && one.holds(Part::Step(3)), "one trace at a time");
    one.rest();
    assert!(!one.holds(Part::Step(3)));
    assert_eq!(one.outputs(Part::Step(1)).unwrap(), first.0);
    assert!(!one.holds(Part::Step(1)), "digests take no trace");
    assert_eq!(asked(&mut one, 1), first);
    assert_eq!(asked(&mut world.execution(None), 3), other);
}

#[test]
fn an_execution_that_is_stopped_ends_at_the_next_step() {
    let world = world();
    let stop = crate::stop::Stop::new();
    let mut execution = world.execution(None).until(stop.clone());
    assert!(execution.state(1).unwrap().is_some());
    stop.raise(crate::error::Exit::Terminated);
    assert!(matches!(execution.state(4), Err(ExecutionError::Stopped)));
}
