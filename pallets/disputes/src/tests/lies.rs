//! A lie in an element of every instruction of every program, with everything that follows from it, through the calls and against the
//! real referee: the liar is convicted, and an honest defender wins against whoever believes the lie. And random ones.

use std::collections::BTreeSet;

use sabha_protocol::{
    RunId,
    dispute::{Claim, Part, Side},
};
use sabha_testing::lie::Dice;

use super::{
    stage::*,
    world::{Lie, Run, aggregate, honest, train, world},
};
use crate::{Target, mock::*};

/// Slot 0 is what `defender` made of it, and whoever made `challenger` of it challenges that. The one of them that lies loses, and with it
/// what it has to.
fn slot(id: RunId, defender: &Run, challenger: &Run, liar: Side) {
    apart(|| {
        let claim = challenger.find(defender).expect("they differ");
        commit(id, 0, defender.outcome);
        let books = Books::of(id, holder(id));
        let loser = judged(id, slot_0(id), claim, &mut defender.clone(), &mut challenger.clone());
        assert_eq!(loser, liar);
        match loser {
            Side::Defender => books.convicted(),
            Side::Challenger => books.acquitted(),
        }
        assert_eq!(slot_of(id, ROUND, 0).checks.fault.is_some(), loser == Side::Defender);
        no_games();
        check();
    });
}

/// The same of the aggregation of three honest slots.
fn aggregation(id: RunId, defender: &Run, challenger: &Run, liar: Side) {
    apart(|| {
        (0..3).for_each(|slot| commit(id, slot, honest(slot).outcome));
        block();
        attest(id);
        let books = Books::of(id, post(id, defender.last_root()));
        let (target, claim) = (Target::Aggregation, Claim::Aggregate);
        let loser = judged(id, target, claim, &mut defender.clone(), &mut challenger.clone());
        assert_eq!(loser, liar);
        match loser {
            Side::Defender => books.convicted_aggregator(),
            Side::Challenger => books.acquitted(),
        }
        assert_eq!(round_of(id, ROUND).void.is_some(), loser == Side::Defender);
        no_games();
        check();
    });
}

/// Lies in every instruction of a part of slot 0, told by either side.
fn every_instruction(part: Part) {
    run(|| {
        let (id, truth) = (opened(), honest(0));
        let mut seen = BTreeSet::new();
        for (name, lies) in world().lies(0, part) {
            let shows =
                lies.into_iter().map(|lie| train(0, Some(lie))).find(|liar| liar.outcome != truth.outcome);
            if let Some(liar) = shows {
                slot(id, &liar, &truth, Side::Defender);
                slot(id, &truth, &liar, Side::Challenger);
                seen.insert(name);
            }
        }
        let all = world().operations(0, part).into_iter().map(|(name, _)| name).collect();
        assert_eq!(seen, all);
    });
}

#[test]
fn a_lie_in_any_instruction_of_begin_is_convicted() {
    every_instruction(Part::Begin);
}

#[test]
fn a_lie_in_any_instruction_of_a_step_is_convicted() {
    // The last one of a segment: of any other the number of the step does not show in the end.
    every_instruction(Part::Step(7));
}

#[test]
fn a_lie_in_any_instruction_of_finish_is_convicted() {
    every_instruction(Part::Finish);
}

#[test]
fn a_lie_in_any_instruction_of_aggregate_is_convicted() {
    run(|| {
        let (id, runs) = (opened(), all_honest());
        let truth = aggregate(&runs, None);
        let mut seen = BTreeSet::new();
        for (name, lies) in world().lies(0, Part::Aggregate) {
            let shows = lies
                .into_iter()
                .map(|lie| aggregate(&runs, Some(lie)))
                .find(|liar| liar.roots != truth.roots);
            if let Some(liar) = shows {
                aggregation(id, &liar, &truth, Side::Defender);
                aggregation(id, &truth, &liar, Side::Challenger);
                seen.insert(name);
            }
        }
        // Every word of what the squares are filled with is replaced by a square.
        let all = world().operations(0, Part::Aggregate).into_iter().map(|(name, _)| name);
        assert_eq!(seen, all.filter(|name| *name != "Fill").collect());
    });
}

#[test]
fn five_hundred_random_games_are_judged_rightly() {
    run(|| {
        let (id, truth, runs) = (opened(), honest(0), all_honest());
        let (aggregated, mut dice) = (aggregate(&runs, None), Dice::new(6));
        let mut games = 0;
        while games < 500 {
            let lie: Lie = dice.lie(world(), 0);
            let liar_side = if dice.below(2) == 0 { Side::Defender } else { Side::Challenger };
            let is_aggregate = lie.part == Part::Aggregate;
            let (truth, liar) = match is_aggregate {
                true => (&aggregated, aggregate(&runs, Some(lie))),
                false => (&truth, train(0, Some(lie))),
            };
            let same = if is_aggregate { truth.roots == liar.roots } else { truth.outcome == liar.outcome };
            if same {
                continue;
            }
            let (defender, challenger) = match liar_side {
                Side::Defender => (&liar, truth),
                Side::Challenger => (truth, &liar),
            };
            if is_aggregate {
                aggregation(id, defender, challenger, liar_side);
            } else {
                slot(id, defender, challenger, liar_side);
            }
            games += 1;
        }
    });
}
