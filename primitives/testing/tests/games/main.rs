//! Whole games over small runs, executed by the definitions, between honest players and liars.

mod adaptive;
mod forks;
mod lies;
mod moves;
mod random;
mod structure;

use codec::Encode;
use sabha_protocol::{
    Digest, NUMERICS_YARDSTICK, RunSpec,
    dispute::{
        Answer, Claim, Facts, Game, GameError, Move, Side, Subject,
        bounds::{bounds, worst},
        player::{Book, PlayError, Seen, answer, challenge},
    },
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
}

/// Plays a game to its end. A side that has nothing to say runs out of time.
fn play(facts: &Facts<'_>, claim: Claim, defender: &mut dyn Player, challenger: &mut dyn Player) -> Report {
    let mut game = Game::new(facts, claim, &Digest([7; 32]), 100, 0).unwrap();
    let mut seen = Seen::default();
    let mut bytes = 0;
    for now in 1.. {
        assert!(now < 60, "the game does not end: {game:?}");
        let position = game.position;
        let before = game;
        let timed_out = |side, bytes| {
            assert_eq!((before.expired(now), before.expired(1_000)), (None, Some(side)));
            Report { loser: side, moves: before.moves + 1, bytes }
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
                    return Report { loser, moves: game.moves + 1, bytes };
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

/// The goals of the design, for the shapes that the benchmarks use and for a model of seven thousand million parameters.
#[test]
fn games_are_short() {
    let small = shape(|spec| {
        spec.model.width = 512;
        spec.model.layers = 8;
        spec.model.heads = 8;
        spec.model.feed_forward = 1_376;
        spec.model.context = 256;
        spec.rounds.batch = 8;
    });
    let large = shape(|spec| {
        spec.model.vocabulary = 32_000;
        spec.model.width = 4_096;
        spec.model.layers = 32;
        spec.model.heads = 32;
        spec.model.feed_forward = 11_008;
        spec.model.context = 2_048;
        spec.data.token_bytes = 2;
        spec.rounds.inner_steps = 512;
        spec.rounds.batch = 4;
    });
    for (spec, parameters) in [(small, 25_000_000..27_000_000u64), (large, 6_500_000_000..7_000_000_000)] {
        assert!(parameters.contains(&spec.model.parameter_count()), "{}", spec.model.parameter_count());
        for claim in
            [Claim::Begin, Claim::Segment(0), Claim::Slot, Claim::Finish, Claim::Divergence, Claim::Aggregate]
        {
            println!("{} parameters, {claim:?}: {:?}", spec.model.parameter_count(), bounds(&spec, claim));
        }
        let most = worst(&spec);
        let bytes = if parameters.end < 1_000_000_000 { 64 } else { 72 } * 1_024;
        let moves = if bytes > 64 * 1_024 { 26 } else { 24 };
        assert!(most.moves <= moves && most.bytes <= bytes, "{most:?}");
    }
}
