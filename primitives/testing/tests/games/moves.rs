//! Moves that are none, made at the wrong time, or forged: refused, without a change.

use std::sync::LazyLock;

use codec::{Decode, Encode};
use proptest::prelude::*;
use sabha_protocol::{
    Digest,
    dispute::{
        Answer, Claim, Facts, Game, GameError, Judgement, Move, Part, Side,
        player::{Seen, answer, challenge},
        shape::Node,
    },
};
use sabha_testing::{Lie, Run, World};

/// All positions of one game, with the move that was made there.
struct Record {
    positions: Vec<(Game, Made)>,
}

#[derive(Clone)]
enum Made {
    Answer(Answer),
    Press(Move),
}

fn with_facts<R>(with: impl FnOnce(&Facts<'_>) -> R) -> R {
    let (world, liar) = world();
    with(&liar.facts(world))
}

fn world() -> &'static (World, Run) {
    static WORLD: LazyLock<(World, Run)> = LazyLock::new(|| {
        let world = World::of(300, 24, 3);
        let lie = Lie { part: Part::Step(4), instruction: 60, element: 5, flip: 1 << 14 };
        let liar = world.run(1, Some(lie));
        (world, liar)
    });
    &WORLD
}

fn record() -> &'static Record {
    static RECORD: LazyLock<Record> = LazyLock::new(|| {
        let (world, liar) = world();
        let (mut honest, mut liar) = (world.run(1, None), liar.clone());
        let claim = honest.find(&liar).unwrap();
        with_facts(|facts| {
            let mut game = Game::new(facts, claim, &Digest::default(), 100, 0).unwrap();
            let mut seen = Seen::default();
            let mut positions = Vec::new();
            loop {
                let before = game;
                if game.turn() == Side::Defender {
                    let made = answer(facts, &game, &mut liar).unwrap();
                    game.answer(facts, &before.position, &made, 1).unwrap();
                    seen.look(facts, &before, &made);
                    positions.push((before, Made::Answer(made)));
                } else {
                    let made = challenge(facts, &game, &mut honest, &seen).unwrap();
                    let loser = game.press(facts, &before.position, &made, 1).unwrap();
                    positions.push((before, Made::Press(made)));
                    if loser.is_some() {
                        return Record { positions };
                    }
                }
            }
        })
    });
    &RECORD
}

fn attempt(game: &mut Game, made: &Made) -> Result<Option<Side>, GameError> {
    let position = game.position;
    with_facts(|facts| match made {
        Made::Answer(answer) => game.answer(facts, &position, answer, 1).map(|()| None),
        Made::Press(press) => game.press(facts, &position, press, 1),
    })
}

/// Whether a move that differs from the honest one may be accepted: a choice, or a commitment to something not bound yet.
fn is_free(made: &Made) -> bool {
    matches!(made, Made::Press(_) | Made::Answer(Answer::Ends { .. } | Answer::Trace { .. }))
}

#[test]
fn moves_belong_to_one_position_one_side_and_one_stage() {
    let record = record();
    assert!(record.positions.len() >= 8);
    for (at, (game, made)) in record.positions.iter().enumerate() {
        for (other, (_, foreign)) in record.positions.iter().enumerate() {
            let mut tried = *game;
            let result = attempt(&mut tried, foreign);
            if other == at {
                assert!(result.is_ok());
                // Made twice: the position is another one now.
                let mut again = tried;
                let refused = with_facts(|facts| match made {
                    Made::Answer(answer) => again.answer(facts, &game.position, answer, 1),
                    Made::Press(press) => again.press(facts, &game.position, press, 1).map(|_| ()),
                });
                assert_eq!(refused, Err(GameError::OtherPosition));
                assert_eq!(again, tried);
            } else if result.is_err() {
                assert_eq!(tried, *game, "a refused move changes nothing");
            } else {
                assert!(is_free(foreign), "{other} at {at}");
            }
        }
    }
}

#[test]
fn clocks_run_for_the_side_whose_move_it_is() {
    with_facts(|facts| {
        let mut game = Game::new(facts, Claim::Segment(1), &Digest::default(), 10, 100).unwrap();
        let (_, Made::Answer(ends)) = &record().positions[0] else { panic!("the defender begins") };
        assert_eq!(
            (game.turn(), game.expired(110), game.expired(111)),
            (Side::Defender, None, Some(Side::Defender))
        );
        let position = game.position;
        let mut late = game;
        assert_eq!(late.answer(facts, &position, ends, 111), Err(GameError::TooLate));
        game.answer(facts, &position, ends, 104).unwrap();
        assert_eq!((game.clocks.defender, game.clocks.challenger, game.clocks.since), (6, 10, 104));
        assert_eq!(
            (game.turn(), game.expired(114), game.expired(115)),
            (Side::Challenger, None, Some(Side::Challenger))
        );
    });
}

#[test]
fn questions_are_bounded() {
    let outputs = record().positions.iter().find_map(|(game, made)| match made {
        Made::Press(Move::AskBuffer { .. }) => Some(*game),
        _ => None,
    });
    let mut game = outputs.unwrap();
    let most = game.questions;
    let mut asked = 0;
    loop {
        let result = attempt(&mut game, &Made::Press(Move::AskEnd(Node { height: 0, index: 0 })));
        if result == Err(GameError::TooManyQuestions) {
            break;
        }
        result.unwrap();
        asked += 1;
        let mut liar = world().1.clone();
        let made = with_facts(|facts| answer(facts, &game, &mut liar)).unwrap();
        attempt(&mut game, &Made::Answer(made)).unwrap();
    }
    assert_eq!(asked, most);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("SABHA_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(3_000)
    ))]

    /// Bytes of a good move are changed, cut, or filled up. Whatever comes of it panics nowhere, and is refused unless it is a choice
    /// that the mover has: nothing else than what is bound is ever shown, and no verdict turns against an honest side.
    #[test]
    fn forged_moves_are_refused(
        at: prop::sample::Index,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut: Option<prop::sample::Index>,
        more in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let (game, made) = at.get(&record().positions);
        let mut bytes = match made {
            Made::Answer(answer) => answer.encode(),
            Made::Press(press) => press.encode(),
        };
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes.extend(more);
        if bytes.is_empty() {
            return Ok(());
        }
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let forged = match made {
            Made::Answer(_) => Answer::decode(&mut bytes.as_slice()).ok().map(Made::Answer),
            Made::Press(_) => Move::decode(&mut bytes.as_slice()).ok().map(Made::Press),
        };
        let Some(forged) = forged else { return Ok(()) };
        let same = match (&forged, made) {
            (Made::Answer(forged), Made::Answer(made)) => forged == made,
            (Made::Press(forged), Made::Press(made)) => forged == made,
            _ => false,
        };
        let mut tried = *game;
        match attempt(&mut tried, &forged) {
            Err(_) => prop_assert_eq!(tried, *game),
            Ok(verdict) if !same => {
                prop_assert!(is_free(&forged));
                // The true element was forged into another that is opened as well: that one is right.
                if let (Some(side), Made::Press(Move::Judge(Judgement { element, .. }))) = (verdict, &forged) {
                    let (Made::Press(Move::Judge(good)), _) = (made, ()) else { panic!("a judgement") };
                    prop_assert!(side == Side::Challenger || *element == good.element);
                }
            }
            Ok(_) => {}
        }
    }

    /// Any bytes at all.
    #[test]
    fn any_bytes_are_refused_or_a_choice(at: prop::sample::Index, bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let (game, _) = at.get(&record().positions);
        let mut tried = *game;
        let made = match game.turn() {
            Side::Defender => Answer::decode(&mut bytes.as_slice()).ok().map(Made::Answer),
            Side::Challenger => Move::decode(&mut bytes.as_slice()).ok().map(Made::Press),
        };
        if let Some(made) = made {
            let result = attempt(&mut tried, &made);
            prop_assert!(result.is_err() || is_free(&made));
            prop_assert!(!matches!(result, Ok(Some(_))), "a verdict of made-up bytes");
        }
    }
}
