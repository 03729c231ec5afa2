//! Reorganisations: the same game goes on from an earlier position, and the other side says something else there. What was seen on the
//! branch that was given up harms nobody.

use codec::{DecodeAll, Encode};
use sabha_protocol::{
    Digest,
    dispute::{
        Claim, Facts, Game, Part, Side,
        player::{Book, Seen, answer, challenge},
    },
};
use sabha_testing::{Forked, Lie, World};
use std::collections::{BTreeMap, BTreeSet};

/// Plays a game on to its end, with what was seen of it read from where a worker keeps it before each move. Returns who lost, and the
/// positions that the defender answered.
fn play_on(
    facts: &Facts<'_>,
    mut game: Game,
    kept: &mut Vec<u8>,
    defender: &mut impl Book,
    challenger: &mut impl Book,
) -> (Side, Vec<Game>) {
    let mut answered = Vec::new();
    loop {
        assert!(game.moves < 60, "{game:?}");
        let mut seen = Seen::decode_all(&mut kept.as_slice()).unwrap();
        let before = game;
        if game.turn() == Side::Defender {
            let Ok(made) = answer(facts, &game, defender) else { return (Side::Defender, answered) };
            if game.answer(facts, &before.position, &made, 1).is_err() {
                return (Side::Defender, answered);
            }
            answered.push(before);
            seen.look(facts, &before, &made);
            *kept = seen.encode();
        } else {
            let made = challenge(facts, &game, challenger, &seen)
                .unwrap_or_else(|error| panic!("{error} in {game:?}"));
            let loser = game
                .press(facts, &before.position, &made, 1)
                .unwrap_or_else(|error| panic!("{error} at {made:?} in {game:?}"));
            if let Some(loser) = loser {
                return (loser, answered);
            }
        }
    }
}

/// Plays with one liar, goes back to each position in which it answered, and plays on with another that has the same commitment.
fn equivocate(world: &World, lie: Lie, liars: &[(BTreeSet<u32>, BTreeSet<u32>)]) -> [u32; 2] {
    let mut honest = world.run(1, None);
    let run = world.run(1, Some(lie));
    let liar = |(true_states, true_outputs): &(BTreeSet<u32>, BTreeSet<u32>)| Forked {
        truth: honest.clone(),
        lie: run.clone(),
        true_states: true_states.clone(),
        true_outputs: true_outputs.clone(),
    };
    let liars: Vec<Forked> = liars.iter().map(liar).collect();
    let claim = honest.find(&run).unwrap();
    assert!(matches!(claim, Claim::Segment(_)));
    let facts = run.facts(world);
    let [mut games, mut changed] = [0, 0];
    for (at, first) in liars.iter().enumerate() {
        for (_, second) in liars.iter().enumerate().filter(|(other, _)| *other != at) {
            let start = Game::new(&facts, claim, &Digest([7; 32]), 100, 0).unwrap();
            let mut kept = Seen::default().encode();
            let (loser, answered) = play_on(&facts, start, &mut kept, &mut first.clone(), &mut honest);
            assert_eq!(loser, Side::Defender);
            for position in answered {
                let says = |liar: &Forked| answer(&facts, &position, &mut liar.clone()).ok();
                changed += u32::from(says(first) != says(second));
                let mut kept = kept.clone();
                let (loser, _) = play_on(&facts, position, &mut kept, &mut second.clone(), &mut honest);
                assert_eq!(loser, Side::Defender, "{position:?}");
                games += 1;
            }
        }
    }
    [games, changed]
}

/// Other states, another trace, or both: at each level the liar takes back what it had shown.
#[test]
fn who_says_otherwise_on_another_branch_is_convicted() {
    let world = World::small();
    let all = || 0..1_000;
    let liars = [
        (BTreeSet::new(), BTreeSet::new()),
        (BTreeSet::from([4]), all().filter(|index| *index != 90).collect()),
        (BTreeSet::from([4, 5]), BTreeSet::new()),
        (BTreeSet::new(), all().filter(|index| *index >= 61).collect()),
        (BTreeSet::from([5]), all().collect()),
    ];
    let lie = Lie { part: Part::Step(4), instruction: 60, element: 3, flip: 1 << 13 };
    let [games, changed] = equivocate(&world, lie, &liars);
    assert!(games > 70 && changed > 45, "{games} games, {changed} changed answers");
}

/// More states than one reveal shows, so that what was seen below their root is more than what it is bound by.
#[test]
fn who_posts_other_states_on_another_branch_is_convicted() {
    let world = World::of(6, 2, 67);
    let liars = [
        (BTreeSet::new(), BTreeSet::new()),
        ((70..133).collect(), BTreeSet::new()),
        ((70..100).collect(), (0..1_000).filter(|index| *index >= 61).collect()),
    ];
    let lie = Lie { part: Part::Step(70), instruction: 60, element: 3, flip: 1 << 13 };
    let [games, changed] = equivocate(&world, lie, &liars);
    assert!(games >= 30 && changed >= 15, "{games} games, {changed} changed answers");
}

/// What a version before kept, by kind of tree and not by root, is not read: it says nothing of what is bound.
#[test]
fn what_was_kept_in_another_form_is_not_read() {
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode)]
    #[allow(dead_code, reason = "all kinds that there were")]
    enum Of {
        Leaves,
        States,
        Trace,
        End,
        Buffer(Digest),
    }
    for count in [0u64, 1, 2, 63, 64, 300, 20_000] {
        let of = |at| if at % 3 == 0 { Of::Trace } else { Of::Buffer(Digest([at as u8; 32])) };
        let nodes: BTreeMap<(Of, u8, u64), Digest> =
            (0..count).map(|at| ((of(at), 0, at), Digest([1; 32]))).collect();
        let chunks = BTreeMap::from([((Digest([2; 32]), count), vec![3u8; 1_024])]);
        assert!(Seen::decode_all(&mut (nodes, chunks).encode().as_slice()).is_err(), "{count}");
    }
    let seen = Seen::default();
    assert_eq!(Seen::decode_all(&mut seen.encode().as_slice()), Ok(seen));
}
