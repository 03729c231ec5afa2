//! Liars who show what is true down to some level, and fork there.

use sabha_protocol::{
    Digest,
    dispute::{
        Answer, Claim, Facts, Game, Move, Part, Side,
        player::{Book, Seen},
    },
};
use sabha_testing::{Forked, Lie, Run, World};

use super::{Player, play};

const STEP: u32 = 4;

fn liar(world: &World, instruction: u32) -> Run {
    world.run(1, Some(Lie { part: Part::Step(STEP), instruction, element: 5, flip: 1 << 14 }))
}

/// The committed end is the lie's.
#[test]
fn who_forks_at_any_level_is_convicted() {
    let world = World::small();
    let honest = world.run(1, None);
    let count = world.program(1, Part::Step(STEP)).count();
    let mut games = 0;
    for instruction in [3, 20, 57, 101, count - 30] {
        let lie = liar(&world, instruction);
        let claim = honest.find(&lie).unwrap_or_else(|| panic!("a lie in {instruction} changes nothing"));
        for mut defender in Forked::all(&world, &honest, &lie, STEP) {
            let report = play(&lie.facts(&world), claim, &mut defender, &mut honest.clone());
            assert_eq!(report.loser, Side::Defender, "{instruction}: {:?}", defender.true_outputs);
            games += 1;
        }
    }
    assert!(games > 100, "{games}");
}

/// Plays like another, but for one answer.
struct Stumbles<B> {
    book: B,
    at: u16,
    how: fn(Answer) -> Option<Answer>,
}

impl<B: Book> Player for Stumbles<B> {
    fn answer(&mut self, facts: &Facts<'_>, game: &Game) -> Option<Answer> {
        let answer = Player::answer(&mut self.book, facts, game)?;
        if game.moves == self.at { (self.how)(answer) } else { Some(answer) }
    }

    fn challenge(&mut self, _: &Facts<'_>, _: &Game, _: &Seen) -> Option<Move> {
        None
    }
}

/// A defender that answers with what is not bound, with nothing, or with the answer to another question, is out of time.
#[test]
fn who_answers_wrongly_or_not_at_all_loses() {
    let world = World::small();
    let honest = world.run(1, None);
    let lie = liar(&world, 60);
    let claim = honest.find(&lie).unwrap();
    let ways: [fn(Answer) -> Option<Answer>; 4] = [
        |_| None,
        |_| Some(Answer::Trace { top: Default::default() }),
        |answer| match answer {
            Answer::Nodes { row, path } => {
                let mut nodes = row.into_inner();
                nodes[0].0[3] ^= 1;
                Some(Answer::Nodes { row: nodes.try_into().unwrap(), path })
            }
            Answer::Chunk { bytes, path } => {
                let mut bytes = bytes.into_inner();
                bytes[9] ^= 1;
                Some(Answer::Chunk { bytes: bytes.try_into().unwrap(), path })
            }
            Answer::Ends { first, top, .. } => Some(Answer::Ends { first, last: None, top }),
            Answer::Trace { .. } => None,
        },
        |answer| match answer {
            Answer::Nodes { row, path } => {
                let mut path = path.into_inner();
                path.push(Digest([1; 32]));
                Some(Answer::Nodes { row, path: path.try_into().unwrap() })
            }
            _ => None,
        },
    ];
    for how in ways {
        for at in (0..12).step_by(2) {
            let mut defender = Stumbles { book: lie.clone(), at, how };
            let report = play(&lie.facts(&world), claim, &mut defender, &mut honest.clone());
            assert_eq!(report.loser, Side::Defender, "{at}");
        }
    }
}

/// A challenger that has nothing to show runs out of time, and its time is not the defender's.
#[test]
fn who_challenges_what_is_right_and_says_nothing_loses() {
    let world = World::small();
    let honest = world.run(1, None);
    for claim in [Claim::Begin, Claim::Segment(0), Claim::Segment(1), Claim::Finish] {
        let report = play(&honest.facts(&world), claim, &mut honest.clone(), &mut honest.clone());
        assert_eq!(report.loser, Side::Challenger, "{claim:?}");
    }
}
