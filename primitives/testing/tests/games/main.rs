//! Whole games over small runs, executed by the definitions, between honest players and liars.

mod adaptive;
mod forged;
mod forks;
mod lies;
mod moves;
mod random;
mod structure;

use std::cell::RefCell;

use codec::{Encode, MaxEncodedLen};
use sabha_numerics::{op::Op, program::Program};
use sabha_protocol::{
    Digest, NUMERICS_YARDSTICK, RunSpec,
    dispute::{
        Answer, Claim, Facts, Game, GameError, Move, Side, Subject,
        bounds::{Bounds, bounds},
        player::{Book, PlayError, Seen, answer, challenge},
        shape::{Node, Shape},
    },
    programs,
};
use sabha_testing::{Run, World, world::spec};

/// How a game went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Report {
    loser: Side,
    /// The challenge itself counted.
    moves: u16,
    /// Bytes of all moves.
    bytes: usize,
    /// Bytes of the last one, if it was a judgement.
    judgement: usize,
}

thread_local! {
    static KNOWN: RefCell<Vec<(RunSpec, Claim, Bounds)>> = const { RefCell::new(Vec::new()) };
}

impl Report {
    /// No game between players who open what they must is longer than the specification says.
    fn is_within_bounds(&self, spec: &RunSpec, claim: Claim) {
        let claim = if let Claim::Segment(_) = claim { Claim::Segment(0) } else { claim };
        let known = |all: &Vec<(RunSpec, Claim, Bounds)>| {
            all.iter().find(|(of, about, _)| (of, *about) == (spec, claim)).map(|(_, _, most)| *most)
        };
        let most = KNOWN.with_borrow(known).unwrap_or_else(|| {
            let most = bounds(spec, claim).unwrap();
            KNOWN.with_borrow_mut(|all| all.push((spec.clone(), claim, most)));
            most
        });
        let within = u64::from(self.moves) <= most.moves
            && self.bytes as u64 <= most.bytes
            && self.judgement as u64 <= most.judgement;
        assert!(within, "{self:?}, {claim:?}: {most:?}");
    }
}

/// Plays a game to its end. A side that has nothing to say runs out of time.
fn play(facts: &Facts<'_>, claim: Claim, defender: &mut dyn Player, challenger: &mut dyn Player) -> Report {
    let report = play_out(facts, claim, defender, challenger);
    report.is_within_bounds(facts.spec, claim);
    report
}

fn play_out(
    facts: &Facts<'_>,
    claim: Claim,
    defender: &mut dyn Player,
    challenger: &mut dyn Player,
) -> Report {
    let mut game = Game::new(facts, claim, &Digest([7; 32]), 100, 0).unwrap();
    let mut seen = Seen::default();
    let mut bytes = 0;
    for now in 1.. {
        assert!(now < 60, "the game does not end: {game:?}");
        let position = game.position;
        let before = game;
        let timed_out = |side, bytes| {
            assert_eq!((before.expired(now), before.expired(1_000)), (None, Some(side)));
            Report { loser: side, moves: before.moves + 1, bytes, judgement: 0 }
        };
        match game.turn() {
            Side::Defender => {
                let Some(made) = defender.answer(facts, &game) else {
                    return timed_out(Side::Defender, bytes);
                };
                bytes += made.encoded_size();
                if game.answer(facts, &position, &made, now).is_err() {
                    return timed_out(Side::Defender, bytes);
                }
                seen.look(facts, &before, &made);
            }
            Side::Challenger => {
                let Some(made) = challenger.challenge(facts, &game, &seen) else {
                    return timed_out(Side::Challenger, bytes);
                };
                bytes += made.encoded_size();
                let loser = game.press(facts, &position, &made, now).unwrap_or_else(|error| {
                    panic!("{error} at {made:?} in {game:?}");
                });
                if let Some(loser) = loser {
                    let judgement = made.encoded_size();
                    return Report { loser, moves: game.moves + 1, bytes, judgement };
                }
            }
        }
    }
    unreachable!()
}

/// A side with a book.
trait Player {
    fn answer(&mut self, facts: &Facts<'_>, game: &Game) -> Option<Answer>;
    fn challenge(&mut self, facts: &Facts<'_>, game: &Game, seen: &Seen) -> Option<Move>;
}

impl<B: Book> Player for B {
    fn answer(&mut self, facts: &Facts<'_>, game: &Game) -> Option<Answer> {
        answer(facts, game, self).ok()
    }

    fn challenge(&mut self, facts: &Facts<'_>, game: &Game, seen: &Seen) -> Option<Move> {
        match challenge(facts, game, self, seen) {
            Ok(made) => Some(made),
            Err(PlayError::NothingWrong) => None,
            Err(PlayError::Book(_)) => panic!("the book has no answer in {game:?}"),
            Err(PlayError::Game(error)) => panic!("{error} in {game:?}"),
            Err(PlayError::NotMyMove | PlayError::NotSeen) => panic!("in {game:?}"),
        }
    }
}

#[test]
fn claims_that_are_none_cannot_be_disputed() {
    let world = World::small();
    let run = world.run(0, None);
    let facts = |facts: &Facts<'_>, claim| Game::new(facts, claim, &Digest::default(), 1, 0).map(|_| ());
    let trained = run.facts(&world);
    let segments = world.spec.segments();
    assert_eq!(facts(&trained, Claim::Segment(segments - 1)), Ok(()));
    assert_eq!(facts(&trained, Claim::Segment(segments)), Err(GameError::NoSuchClaim));
    assert_eq!(facts(&trained, Claim::Divergence), Err(GameError::NoSuchClaim));
    assert_eq!(facts(&trained, Claim::Aggregate), Err(GameError::NoSuchClaim));
    let yardstick = RunSpec { numerics_version: NUMERICS_YARDSTICK, ..world.spec.clone() };
    assert_eq!(facts(&Facts { spec: &yardstick, ..trained }, Claim::Begin), Err(GameError::NotExact));
}

fn shape(change: fn(&mut RunSpec)) -> RunSpec {
    let mut spec = spec(256, 24, 16);
    spec.rounds.inner_steps = 320;
    spec.data.token_bytes = 1;
    spec.data.tokens = 3_900_000;
    spec.data.heldout_tokens = 65_536;
    change(&mut spec);
    spec
}

/// The facts of an aggregation.
fn with_aggregation<R>(world: &World, run: &Run, with: impl FnOnce(&Facts<'_>) -> R) -> R {
    let update = |place: u32| run.updates.get(place as usize).map(|update| Digest::of(update));
    let workers = run.updates.len() as u16;
    let subject = Subject::Aggregation { workers, result: run.roots[0] };
    with(&Facts { spec: &world.spec, round: world.round, base: world.base_root(), subject, update: &update })
}

/// The shape of 25.6 million parameters that the engine is measured with: a vocabulary of 256, width 512, 8 layers, 8 heads, feed-forward
/// 1,376, context 512, batches of 4.
fn benchmarked() -> RunSpec {
    shape(|spec| {
        spec.model.width = 512;
        spec.model.layers = 8;
        spec.model.heads = 8;
        spec.model.feed_forward = 1_376;
        spec.model.context = 512;
        spec.rounds.slots = 256;
        spec.rounds.batch = 4;
    })
}

/// Seconds between blocks.
const BLOCK: u64 = 6;

const CLAIMS: [Claim; 6] =
    [Claim::Begin, Claim::Segment(0), Claim::Slot, Claim::Finish, Claim::Divergence, Claim::Aggregate];

/// The goals of the design, for the shape with 25.6 million parameters that the engine is measured with, and for a model of seven thousand
/// million parameters; as many updates as a round can have.
#[test]
fn games_are_short() {
    let large = shape(|spec| {
        spec.model.vocabulary = 32_000;
        spec.model.width = 4_096;
        spec.model.layers = 32;
        spec.model.heads = 32;
        spec.model.feed_forward = 11_008;
        spec.model.context = 2_048;
        spec.data.token_bytes = 2;
        spec.rounds.slots = 256;
        spec.rounds.inner_steps = 512;
        spec.rounds.batch = 4;
    });
    for (spec, parameters, moves, kilobytes) in
        [(benchmarked(), 25_567_744, 24, 64), (large, 6_738_415_616, 26, 72)]
    {
        assert_eq!(spec.model.parameter_count(), parameters);
        let all = CLAIMS.map(|claim| {
            let most = bounds(&spec, claim).unwrap();
            println!("{parameters} parameters, {claim:?}: {most:?}");
            most
        });
        let most = all.into_iter().fold(Bounds::default(), Bounds::most);
        assert!(most.moves <= moves && most.bytes <= kilobytes * 1_024, "{most:?}");
        // Prompt players: each move stands in the block after the one before it. Six minutes are enough even for two blocks a move.
        let seconds = |blocks: u64| most.moves * blocks * BLOCK;
        println!("{parameters} parameters: {} s, {} s at two blocks a move", seconds(1), seconds(2));
        assert!(seconds(2) < 6 * 60, "{most:?}");
    }
    println!("a move has at most {} bytes", Move::max_encoded_len());
}

/// The numbers of the game that is told in `docs/disputes.md`.
#[test]
fn the_game_that_is_told_is_of_this_shape() {
    let spec = benchmarked();
    let program = programs::step(&spec, programs::StepId { round: 7, slot: 1, step: 56 }).unwrap();
    let inner = Shape { leaves: program.inner().len() as u64 };
    let top = inner.below(inner.root()).unwrap();
    let logits = program.instruction(200).unwrap();
    assert_eq!((inner.leaves, top.count), (941, 59));
    assert_eq!(inner.below(Node { height: top.height, index: 0 }).unwrap().count, 16);
    let rows = u64::from(spec.model.context * spec.rounds.batch);
    assert!(matches!(logits.op, Op::Matmul(_)) && logits.len() == rows * u64::from(spec.model.vocabulary));
    let buffer = Shape::of_bytes(logits.len() * 4);
    let top = buffer.below(buffer.root()).unwrap();
    assert_eq!((top.count, buffer.below(Node { height: top.height, index: 0 }).unwrap().count), (64, 32));
}
