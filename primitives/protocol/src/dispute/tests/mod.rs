//! Whole games over small runs, executed by the definitions, between honest players and liars.

mod adaptive;
mod lies;
mod moves;
mod random;
mod structure;
mod world;

use super::{
    Claim, Facts, Game, GameError, Side,
    player::{Book, PlayError, Seen, answer, challenge},
};
use crate::Digest;
use codec::Encode;

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
                let Some(made) = defender.answer(facts, &game) else { return timed_out(Side::Defender, bytes) };
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
    fn answer(&mut self, facts: &Facts<'_>, game: &Game) -> Option<super::Answer>;
    fn challenge(&mut self, facts: &Facts<'_>, game: &Game, seen: &Seen) -> Option<super::Move>;
}

impl<B: Book> Player for B {
    fn answer(&mut self, facts: &Facts<'_>, game: &Game) -> Option<super::Answer> {
        answer(facts, game, self).ok()
    }

    fn challenge(&mut self, facts: &Facts<'_>, game: &Game, seen: &Seen) -> Option<super::Move> {
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
    let world = world::World::small();
    let run = world.run(0, None);
    let facts = |facts: &Facts<'_>, claim| Game::new(facts, claim, &Digest::default(), 1, 0).map(|_| ());
    let trained = run.facts(&world);
    let segments = world.spec.segments();
    assert_eq!(facts(&trained, Claim::Segment(segments - 1)), Ok(()));
    assert_eq!(facts(&trained, Claim::Segment(segments)), Err(GameError::NoSuchClaim));
    assert_eq!(facts(&trained, Claim::Divergence), Err(GameError::NoSuchClaim));
    assert_eq!(facts(&trained, Claim::Aggregate), Err(GameError::NoSuchClaim));
    let yardstick = crate::RunSpec { numerics_version: crate::NUMERICS_YARDSTICK, ..world.spec.clone() };
    assert_eq!(facts(&Facts { spec: &yardstick, ..trained }, Claim::Begin), Err(GameError::NotExact));
}
