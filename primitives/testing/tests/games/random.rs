//! Random lies about random programs, on either side: every verdict is right.

use sabha_protocol::dispute::{Claim, Part, Side};
use sabha_testing::{World, lie::Dice};

use super::{play, with_aggregation};

#[test]
fn five_hundred_random_games_are_judged_rightly() {
    let (world, mut dice) = (World::small(), Dice::new(5));
    let slots = [0, 1, 2].map(|slot| world.run(slot, None));
    let aggregated = world.aggregate(&slots, None);
    let honest = &slots[1];
    let (mut games, mut right) = (0, 0);
    while games < 500 {
        let lie = dice.lie(&world, 1);
        let liar_defends = dice.below(2) == 0;
        let expected = if liar_defends { Side::Defender } else { Side::Challenger };
        let report = if lie.part == Part::Aggregate {
            let liar = world.aggregate(&slots, Some(lie));
            if liar.roots == aggregated.roots {
                continue;
            }
            let (defends, challenges) =
                if liar_defends { (&liar, &aggregated) } else { (&aggregated, &liar) };
            with_aggregation(&world, defends, |facts| {
                play(facts, Claim::Aggregate, &mut defends.clone(), &mut challenges.clone())
            })
        } else {
            let liar = world.run(1, Some(lie));
            let (defends, challenges) = if liar_defends { (&liar, honest) } else { (honest, &liar) };
            let Some(claim) = challenges.find(defends) else { continue };
            play(&defends.facts(&world), claim, &mut defends.clone(), &mut challenges.clone())
        };
        games += 1;
        right += u32::from(report.loser == expected);
        assert_eq!(report.loser, expected, "{lie:?}");
        assert!(report.moves <= 24 && report.bytes <= 64 * 1_024, "{report:?}");
    }
    assert_eq!(right, games);
}
