//! What benchmarks show is accepted: else they would measure refusals.

use frame_support::assert_ok;
use sabha_numerics::{Tree, program::Program};
use sabha_protocol::{
    Digest,
    dispute::{Answer, Asked, Claim, Move, Part, Side, Span, Stage as Position, shape::Node},
    programs,
};

use super::{stage::*, world::spec};
use crate::{Games, Stage, Target, mock::*, proofs};

const AGGREGATION: Span = Span { part: Part::Aggregate, from: Digest([0; 32]), to: Digest([0; 32]) };

fn at(game: u32, stage: Position) {
    Games::<Test>::mutate(game, |dispute| {
        if let Stage::Playing(game) = &mut dispute.as_mut().unwrap().stage {
            game.stage = stage;
            game.questions = 9;
        }
    });
}

#[test]
fn a_judgement_about_nothing_that_was_computed_convicts() {
    run(|| {
        let id = window_of(&all_honest());
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(0));
        let (judgement, span, trace) = proofs::judgement(&spec()).expect("there is something to judge");
        assert!(!judgement.inputs.is_empty());
        at(game, Position::Outputs { span, trace, asked: None });
        assert_ok!(Disputes::judge(signed(BOB), game, playing(game).position, Box::new(judgement)));
        assert_eq!(loser_of(game), Side::Defender);
    });
}

#[test]
fn rows_and_members_of_trees_that_nobody_has_are_bound() {
    run(|| {
        let id = window_of(&all_honest());
        let game = challenge(BOB, id, Target::Aggregation, Claim::Aggregate);
        let inner = programs::aggregate(&spec(), 3).inner();
        let (node, row, path, trace) =
            proofs::row(Tree::TRACE, inner.len() as u32, |place| inner[place as usize]);
        at(game, Position::Outputs { span: AGGREGATION, trace, asked: Some(Asked::Posted(node)) });
        let answer = Box::new(Answer::Nodes { row, path });
        let defender = game_of(game).defender;
        assert_ok!(Disputes::answer(signed(defender), game, playing(game).position, answer));

        let place = inner.len() as u32 - 2;
        let instruction = inner[place as usize];
        let (member, trace) = proofs::member(Tree::TRACE, inner.len() as u32, place, instruction);
        at(game, Position::Outputs { span: AGGREGATION, trace, asked: None });
        let node = Node { height: 0, index: 0 };
        let made = Move::AskBuffer { instruction, member: Some(member), node };
        assert_ok!(Disputes::press(signed(BOB), game, playing(game).position, Box::new(made)));
    });
}
