//! Moves that are none, or made at the wrong time: refused, without a change. Forged ones are in [`super::forged`].

use std::collections::BTreeSet;

use sabha_protocol::{
    Digest,
    dispute::{Answer, Claim, Game, GameError, Judgement, Member, Move, Side, StepEnds, shape::Node},
};

use super::forged::{
    games::{Made, Table, segment, tables},
    truth,
};

#[test]
fn moves_belong_to_one_position_one_side_and_one_stage() {
    for table in tables() {
        let record = &table.positions;
        assert!(record.len() > 1, "{}", table.name);
        for (at, position) in record.iter().enumerate() {
            for (other, foreign) in record.iter().enumerate() {
                let mut tried = position.game;
                let result = table.with(|facts| Table::attempt(facts, &mut tried, &foreign.made));
                if other == at {
                    assert!(result.is_ok());
                    // Made twice: the position is another one now.
                    let mut again = tried;
                    let earlier = position.game.position;
                    let refused = table.with(|facts| match &position.made {
                        Made::Answer(answer) => again.answer(facts, &earlier, answer, 1),
                        Made::Press(press) => again.press(facts, &earlier, press, 1).map(|_| ()),
                    });
                    assert_eq!(refused, Err(GameError::OtherPosition));
                    assert_eq!(again, tried);
                } else if let Ok(verdict) = result {
                    // A question that may be asked here as well, or an answer that is true here as well.
                    let is_true = truth::check(&table, position, &foreign.made, verdict);
                    assert_eq!(is_true, Ok(()), "{other} at {at} of {}", table.name);
                } else {
                    assert_eq!(tried, position.game, "a refused move changes nothing");
                }
            }
        }
    }
}

/// Every kind of move is made in some recorded game, with every part that it can have.
#[test]
fn every_kind_of_move_is_recorded() {
    let mut kinds = BTreeSet::new();
    for table in tables() {
        for position in &table.positions {
            kinds.insert(match &position.made {
                Made::Answer(Answer::Ends { first, last, top }) => {
                    format!("ends {} {} {}", first.is_some(), last.is_some(), !top.is_empty())
                }
                Made::Answer(Answer::Trace { .. }) => "trace".into(),
                Made::Answer(Answer::Nodes { path, .. }) => format!("nodes {}", !path.is_empty()),
                Made::Answer(Answer::Chunk { path, .. }) => format!("chunk {}", !path.is_empty()),
                Made::Press(Move::AskPosted(_)) => "ask for what is posted".into(),
                Made::Press(Move::AskEnd(_)) => "ask for the end".into(),
                Made::Press(Move::AskBuffer { member, node, .. }) => {
                    format!("ask for a buffer {} {}", member.is_some(), node.height > 0)
                }
                Made::Press(Move::NameSegment { .. }) => "segment".into(),
                Made::Press(Move::NameStep { ends: StepEnds { from, to }, .. }) => {
                    format!("step {} {}", from.is_some(), to.is_some())
                }
                Made::Press(Move::NameBegin { to: Member { .. } }) => format!("begin {:?}", table.claim),
                Made::Press(Move::JudgeHeader { .. }) => "header".into(),
                Made::Press(Move::Judge(Judgement { output, inputs, .. })) => {
                    let of = output.as_ref().map(|output| output.member.is_some());
                    format!("judge {of:?} {}", !inputs.is_empty())
                }
            });
        }
    }
    let kinds: BTreeSet<&str> = kinds.iter().map(String::as_str).collect();
    assert_eq!(kinds, KINDS.into());
}

const KINDS: [&str; 27] = [
    "ends false true false",
    "ends true false false",
    "ends true true true",
    "ends true true false",
    "ends false false true",
    "trace",
    "nodes false",
    "nodes true",
    "chunk false",
    "chunk true",
    "ask for what is posted",
    "ask for the end",
    "ask for a buffer true true",
    "ask for a buffer true false",
    "ask for a buffer false true",
    "ask for a buffer false false",
    "segment",
    "step false true",
    "step true false",
    "step true true",
    "begin Slot",
    "begin Divergence",
    "header",
    "judge Some(true) true",
    "judge Some(true) false",
    "judge Some(false) true",
    "judge None true",
];

#[test]
fn clocks_run_for_the_side_whose_move_it_is() {
    let table = segment();
    table.with(|facts| {
        let mut game = Game::new(facts, Claim::Segment(1), &Digest::default(), 10, 100).unwrap();
        let Made::Answer(ends) = &table.positions[0].made else { panic!("the defender begins") };
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
    let table = segment();
    let asks = |made: &Made| matches!(made, Made::Press(Move::AskBuffer { .. }));
    let position = table.positions.iter().find(|position| asks(&position.made)).unwrap();
    let mut game = position.game;
    let most = game.questions;
    table.with(|facts| {
        let mut asked = 0;
        loop {
            let question = Made::Press(Move::AskEnd(Node { height: 0, index: 0 }));
            let result = Table::attempt(facts, &mut game, &question);
            if result == Err(GameError::TooManyQuestions) {
                break;
            }
            result.unwrap();
            asked += 1;
            let made = Table::says(facts, &game, &position.seen, table.defender).unwrap();
            Table::attempt(facts, &mut game, &made).unwrap();
        }
        assert_eq!(asked, most);
    });
}
