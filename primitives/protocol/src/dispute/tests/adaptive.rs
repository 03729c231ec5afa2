//! Liars who show what is true down to some level, and fork there.

use super::{
    super::{
        Answer, Claim, Facts, Game, Part, Side,
        player::{Blob, Book, Buffers, Seen},
    },
    Player, play,
    world::{Lie, Missing, Run, World},
};
use crate::{Digest, programs};
use sabha_numerics::program::{Program, Source};
use std::{borrow::Cow, collections::BTreeSet};

/// Shows the truth of some states and outputs, and the lie of the others.
#[derive(Clone)]
pub struct Forked {
    pub truth: Run,
    pub lie: Run,
    /// States, by step, and outputs, by instruction of the step that is lied about, that are shown as they are.
    pub true_states: BTreeSet<u32>,
    pub true_outputs: BTreeSet<u32>,
}

impl Book for Forked {
    type Error = Missing;

    fn state(&mut self, steps: u32) -> Result<Option<Digest>, Missing> {
        if self.true_states.contains(&steps) { self.truth.state(steps) } else { self.lie.state(steps) }
    }

    fn buffers(&mut self, of: Buffers) -> Result<Vec<Digest>, Missing> {
        self.lie.buffers(of)
    }

    fn outputs(&mut self, part: Part) -> Result<Vec<Digest>, Missing> {
        let (truth, lie) = (self.truth.outputs(part)?, self.lie.outputs(part)?);
        let pick = |(index, (truth, lie))| if self.true_outputs.contains(&index) { truth } else { lie };
        Ok((0u32..).zip(truth.into_iter().zip(lie)).map(pick).collect())
    }

    fn diverges(&mut self, part: Part) -> Result<Option<(u32, u64)>, Missing> {
        self.lie.diverges(part)
    }

    fn words(&mut self, part: Part, source: Source) -> Result<Cow<'_, [u32]>, Missing> {
        match source {
            Source::Output(index) if self.true_outputs.contains(&index) => self.truth.words(part, source),
            _ => self.lie.words(part, source),
        }
    }

    fn content(&mut self, blob: Blob) -> Result<Cow<'_, [u8]>, Missing> {
        self.lie.content(blob)
    }
}

const STEP: u32 = 4;

fn liar(world: &World, instruction: u32) -> Run {
    world.run(1, Some(Lie { part: Part::Step(STEP), instruction, element: 5, flip: 1 << 14 }))
}

/// The committed end is the lie's; of the states and outputs before it, the liar shows the true ones up to some place, or from there on.
#[test]
fn who_forks_at_any_level_is_convicted() {
    let world = World::small();
    let honest = world.run(1, None);
    let id = programs::StepId { round: super::world::ROUND, slot: 1, step: STEP };
    let program = programs::step(&world.spec, id).unwrap();
    let count = program.count();
    let inner: BTreeSet<u32> = program.inner().into_iter().collect();
    let mut games = 0;
    for instruction in [3, 20, 57, 101, count - 30] {
        let lie = liar(&world, instruction);
        let Some(claim) = honest.find(&world, &lie) else { continue };
        let mut forks: Vec<(BTreeSet<u32>, BTreeSet<u32>)> = Vec::new();
        // States: true up to each of them (the last one is the claim's end, and bound).
        for step in 3..6 {
            forks.push(((0..=step).filter(|step| *step != 6).collect(), BTreeSet::new()));
        }
        // Outputs: the true ones before, after, all but one, or all that the end does not hold.
        for at in (0..count).step_by(17) {
            forks.push((BTreeSet::new(), (0..at).collect()));
            forks.push((BTreeSet::new(), (at..count).collect()));
            forks.push((BTreeSet::new(), inner.iter().copied().filter(|index| *index != at).collect()));
        }
        forks.push((BTreeSet::new(), inner.clone()));
        for (true_states, true_outputs) in forks {
            let mut defender = Forked { truth: honest.clone(), lie: lie.clone(), true_states, true_outputs };
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

    fn challenge(&mut self, _: &Facts<'_>, _: &Game, _: &Seen) -> Option<super::super::Move> {
        None
    }
}

/// A defender that answers with what is not bound, with nothing, or with the answer to another question, is out of time.
#[test]
fn who_answers_wrongly_or_not_at_all_loses() {
    let world = World::small();
    let honest = world.run(1, None);
    let lie = liar(&world, 60);
    let claim = honest.find(&world, &lie).unwrap();
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
