//! The games that moves are forged in: about every claim, with a liar that defends and with one that challenges.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use sabha_numerics::program::Source;
use sabha_protocol::{
    Digest, Divergence, Outcome,
    dispute::{
        Answer, Claim, Facts, Game, GameError, Move, Part, Side, Subject,
        player::{Blob, Book, Buffers, Seen, answer, challenge},
    },
};
use sabha_testing::{Lie, Missing, Run, World, digest, execute::Done, run::key};

use super::super::structure::diverging;

/// A move of either side.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    Answer(Answer),
    Press(Move),
}

/// A run, with its digests at hand.
pub struct Reader {
    pub run: Run,
    base: Vec<Digest>,
    states: Vec<Vec<Digest>>,
    outputs: BTreeMap<(u8, u32), Vec<Digest>>,
}

impl Reader {
    pub fn of(run: Run) -> Self {
        let digests = |leaves: &Vec<Vec<u32>>| leaves.iter().map(|leaf| digest(leaf)).collect();
        let outputs = |(at, done): (&(u8, u32), &Arc<Done>)| {
            let Done { outputs, diverged, .. } = &**done;
            let finite = diverged.map_or(outputs.len(), |(at, _)| at as usize);
            (*at, outputs[..finite].iter().map(|output| digest(output)).collect())
        };
        Self {
            base: digests(&run.base),
            states: run.states.iter().map(digests).collect(),
            outputs: run.parts.iter().map(outputs).collect(),
            run,
        }
    }

    pub fn buffers(&self, of: Buffers) -> Option<&[Digest]> {
        match of {
            Buffers::Base => Some(&self.base),
            Buffers::State(steps) => self.states.get(steps as usize).map(Vec::as_slice),
        }
    }

    pub fn outputs(&self, part: Part) -> Option<&[Digest]> {
        self.outputs.get(&key(part)).map(Vec::as_slice)
    }

    pub fn words(&self, part: Part, source: Source) -> Option<&[u32]> {
        let done = self.run.parts.get(&key(part))?;
        match source {
            Source::Leaf(index) => done.leaves.get(index as usize).map(Vec::as_slice),
            Source::Output(index) => done.outputs.get(index as usize).map(Vec::as_slice),
            Source::Stream => Some(&self.run.stream),
        }
    }

    pub fn content(&self, blob: Blob) -> Option<&[u8]> {
        match blob {
            Blob::Stream => Some(&self.run.stream_bytes),
            Blob::Update(place) => self.run.updates.get(place as usize).map(Vec::as_slice),
            Blob::Own => Some(&self.run.update),
        }
    }
}

impl Book for &Reader {
    type Error = Missing;

    fn state(&mut self, steps: u32) -> Result<Option<Digest>, Missing> {
        Ok(self.run.roots.get(steps as usize).copied())
    }

    fn buffers(&mut self, of: Buffers) -> Result<Vec<Digest>, Missing> {
        Reader::buffers(self, of).map(<[Digest]>::to_vec).ok_or(Missing)
    }

    fn outputs(&mut self, part: Part) -> Result<Vec<Digest>, Missing> {
        Reader::outputs(self, part).map(<[Digest]>::to_vec).ok_or(Missing)
    }

    fn diverges(&mut self, part: Part) -> Result<Option<(u32, u64)>, Missing> {
        Ok(self.run.parts.get(&key(part)).ok_or(Missing)?.diverged)
    }

    fn words(&mut self, part: Part, source: Source) -> Result<Cow<'_, [u32]>, Missing> {
        Reader::words(self, part, source).map(Cow::Borrowed).ok_or(Missing)
    }

    fn content(&mut self, blob: Blob) -> Result<Cow<'_, [u8]>, Missing> {
        Reader::content(self, blob).map(Cow::Borrowed).ok_or(Missing)
    }
}

/// A position of a game, with the move that was made in it.
pub struct Position {
    pub game: Game,
    pub seen: Seen,
    pub made: Made,
    /// What the other side would have said here, if it can say anything.
    pub other: Option<Made>,
}

/// A game that was played to its end between an honest side and a liar.
pub struct Table {
    pub name: String,
    pub world: &'static World,
    base: Option<Digest>,
    subject: Subject,
    updates: Vec<Digest>,
    pub defender: &'static Reader,
    pub challenger: &'static Reader,
    pub claim: Claim,
    pub honest: Side,
    pub positions: Vec<Position>,
}

impl Table {
    pub fn with<R>(&self, with: impl FnOnce(&Facts<'_>) -> R) -> R {
        let update = |place: u32| self.updates.get(place as usize).copied();
        let World { spec, round, .. } = self.world;
        with(&Facts { spec, round: *round, base: self.base, subject: self.subject, update: &update })
    }

    /// What was committed, if the game is about a slot.
    pub fn outcome(&self) -> Option<Outcome> {
        match self.subject {
            Subject::Slot { outcome, .. } => Some(outcome),
            Subject::Aggregation { .. } => None,
        }
    }

    /// Where it is said to diverge.
    pub fn divergence(&self) -> Option<Divergence> {
        match self.outcome()? {
            Outcome::Diverged(divergence) => Some(divergence),
            Outcome::Trained(_) => None,
        }
    }

    /// The books of the liar's side: its own, and the truth.
    pub fn liars(&self) -> [&'static Reader; 2] {
        match self.honest {
            Side::Challenger => [self.defender, self.challenger],
            Side::Defender => [self.challenger, self.defender],
        }
    }

    /// What a side with this book says, if it has anything to say.
    pub fn says(facts: &Facts<'_>, game: &Game, seen: &Seen, mut book: &Reader) -> Option<Made> {
        match game.turn() {
            Side::Defender => answer(facts, game, &mut book).ok().map(Made::Answer),
            Side::Challenger => challenge(facts, game, &mut book, seen).ok().map(Made::Press),
        }
    }

    /// Makes a move.
    pub fn attempt(facts: &Facts<'_>, game: &mut Game, made: &Made) -> Result<Option<Side>, GameError> {
        let position = game.position;
        match made {
            Made::Answer(answer) => game.answer(facts, &position, answer, 1).map(|()| None),
            Made::Press(press) => game.press(facts, &position, press, 1),
        }
    }

    /// Plays the game, and keeps each position.
    fn play(mut self) -> Self {
        let positions = self.with(|facts| {
            let mut game = Game::new(facts, self.claim, &Digest::default(), 100, 0).unwrap();
            let mut seen = Seen::default();
            let mut positions = Vec::new();
            loop {
                let before = game;
                let (mover, other) = match game.turn() {
                    Side::Defender => (self.defender, self.challenger),
                    Side::Challenger => (self.challenger, self.defender),
                };
                let Some(made) = Self::says(facts, &game, &seen, mover) else {
                    // Who has nothing to say runs out of time.
                    assert_ne!(game.turn(), self.honest, "{}: {game:?}", self.name);
                    return positions;
                };
                let Ok(verdict) = Self::attempt(facts, &mut game, &made) else {
                    assert_ne!(game.turn(), self.honest, "{}: {game:?}, {made:?}", self.name);
                    return positions;
                };
                assert_ne!(verdict, Some(self.honest), "{}", self.name);
                let other = Self::says(facts, &before, &seen, other);
                positions.push(Position { game: before, seen: seen.clone(), made: made.clone(), other });
                if verdict.is_some() {
                    return positions;
                }
                if let Made::Answer(answer) = &made {
                    seen.look(facts, &before, answer);
                }
            }
        });
        self.positions = positions;
        self
    }
}

/// Both games about one claim between these two: the liar defends, and the liar challenges.
fn both(all: &mut Vec<Table>, name: &str, world: &'static World, claim: Claim, honest: Run, liar: Run) {
    let [honest, liar]: [&'static Reader; 2] =
        [honest, liar].map(|run| &*Box::leak(Box::new(Reader::of(run))));
    for (defender, challenger, side) in [(liar, honest, Side::Challenger), (honest, liar, Side::Defender)] {
        let run = &defender.run;
        let subject = match claim {
            Claim::Aggregate => {
                Subject::Aggregation { workers: run.updates.len() as u16, result: run.roots[0] }
            }
            _ => Subject::Slot { slot: run.slot, outcome: run.outcome },
        };
        // Nobody can say of a slot that trained where it diverges.
        if (claim == Claim::Divergence)
            != matches!(subject, Subject::Slot { outcome: Outcome::Diverged(_), .. })
        {
            continue;
        }
        // What both say is nothing that an honest side doubts.
        if claim != Claim::Aggregate && side == Side::Challenger && run.outcome == challenger.run.outcome {
            continue;
        }
        let table = Table {
            name: format!("{name}, {claim:?}, honest {side:?}"),
            world,
            base: world.base_root(),
            subject,
            updates: run.updates.iter().map(|update| Digest::of(update)).collect(),
            defender,
            challenger,
            claim,
            honest: side,
            positions: Vec::new(),
        };
        all.push(table.play());
    }
}

fn leak(world: World) -> &'static World {
    Box::leak(Box::new(world))
}

/// Executes slot 1 with a lie in this instruction, or the next one in which a lie changes what is committed.
fn lying(world: &World, honest: &Run, part: Part, from: u32) -> Run {
    let outputs = &honest.parts[&key(part)].outputs;
    for (instruction, output) in (0u32..).zip(outputs).skip(from as usize) {
        // The last bit first: of tokens, no other one.
        for flip in [1, 1 << 13, 1 << 20] {
            let lie = Lie { part, instruction, element: output.len() as u64 / 2, flip };
            let liar = world.run(1, Some(lie));
            if liar.outcome != honest.outcome {
                return liar;
            }
        }
    }
    panic!("no lie in {part:?} from instruction {from} on changes anything")
}

/// A game about a segment in which a liar defends.
pub fn segment() -> Table {
    let world = leak(World::small());
    let honest = world.run(1, None);
    let liar = lying(world, &honest, Part::Step(4), 60);
    let mut all = Vec::new();
    both(&mut all, "a segment", world, Claim::Segment(1), honest, liar);
    all.swap_remove(0)
}

/// All games.
pub fn tables() -> Vec<Table> {
    let mut all = Vec::new();
    let world = leak(World::small());
    let honest = world.run(1, None);
    let begin = lying(world, &honest, Part::Begin, 1);
    for claim in [Claim::Begin, Claim::Slot] {
        both(&mut all, "begin", world, claim, honest.clone(), begin.clone());
    }
    // Tokens in the first step of a segment, an activation in the middle, a gradient in the last one.
    for (step, instruction) in [(3, 0), (4, 60), (5, 100)] {
        let liar = lying(world, &honest, Part::Step(step), instruction);
        for claim in [Claim::Segment(1), Claim::Slot] {
            let name = format!("step {step}, instruction {instruction}");
            both(&mut all, &name, world, claim, honest.clone(), liar.clone());
        }
    }
    let liar = lying(world, &honest, Part::Finish, 2);
    both(&mut all, "codes", world, Claim::Finish, honest.clone(), liar);
    let mut liar = honest.clone();
    liar.head_update(world, 2);
    both(&mut all, "header", world, Claim::Finish, honest.clone(), liar);
    let mut liar = honest.clone();
    if let Outcome::Trained(commitment) = &mut liar.outcome {
        commitment.mean_loss.0 ^= 1;
    }
    both(&mut all, "loss", world, Claim::Finish, honest.clone(), liar);
    for divergence in [
        Divergence { step: 3, instruction: 20, element: 5 },
        Divergence { step: 0, instruction: 60, element: 3 },
    ] {
        let liar = Run { outcome: Outcome::Diverged(divergence), ..honest.clone() };
        both(&mut all, "a false divergence", world, Claim::Divergence, honest.clone(), liar);
    }
    let slots = [0, 1, 2].map(|slot| world.run(slot, None));
    let sum = world.aggregate(&slots, None);
    // What an update comes to, the sum of updates, and the last of the next checkpoint.
    let count = sum.parts[&key(Part::Aggregate)].outputs.len() as u32;
    let liars = (0..count).step_by(9).chain([count - 1]).map(|instruction| {
        let lie = Lie { part: Part::Aggregate, instruction, element: 0, flip: 1 << 20 };
        let liar = world.aggregate(&slots, Some(lie));
        (instruction, liar)
    });
    let liars: Vec<(u32, Run)> = liars.filter(|(_, liar)| liar.roots != sum.roots).collect();
    for (instruction, liar) in liars.iter().step_by(5).chain(liars.last()) {
        let name = format!("aggregate, instruction {instruction}");
        both(&mut all, &name, world, Claim::Aggregate, sum.clone(), liar.clone());
    }

    // The run's own start: what the chain derives by itself.
    let world = leak(World { base: None, ..World::small() });
    let honest = world.run(1, None);
    let liar = lying(world, &honest, Part::Begin, 2);
    both(&mut all, "the run's start", world, Claim::Begin, honest, liar);

    // No states between.
    let world = leak(World::of(40, 24, 1));
    let honest = world.run(1, None);
    let liar = lying(world, &honest, Part::Step(1), 60);
    both(&mut all, "segments of a step", world, Claim::Segment(1), honest, liar);

    // More states than a reveal shows, and buffers of many chunks.
    let world = leak(World::of(6, 2, 67));
    let honest = world.run(1, None);
    let liar = lying(world, &honest, Part::Step(70), 60);
    both(&mut all, "many states", world, Claim::Segment(1), honest, liar);
    let world = leak(World::of(300, 24, 1));
    let honest = world.run(1, None);
    let outputs = &honest.parts[&key(Part::Step(1))].outputs;
    let large = outputs.iter().position(|output| output.len() >= 300 * 16).unwrap() as u32;
    let liar = lying(world, &honest, Part::Step(1), large);
    both(&mut all, "many chunks", world, Claim::Segment(1), honest, liar);

    // A divergence, disputed by who believes in another one.
    let world = leak(diverging());
    let honest = world.run(1, None);
    let Outcome::Diverged(at) = honest.outcome else { panic!("it diverges") };
    for liar in [
        Run { outcome: Outcome::Diverged(Divergence { element: at.element + 1, ..at }), ..honest.clone() },
        Run {
            outcome: Outcome::Diverged(Divergence { instruction: at.instruction + 1, ..at }),
            ..honest.clone()
        },
        world.run(1, Some(Lie { part: Part::Begin, instruction: 1, element: 0, flip: 1 << 9 })),
        world.run(1, Some(Lie { part: Part::Step(0), instruction: 40, element: 0, flip: 1 << 9 })),
    ] {
        both(&mut all, "divergence", world, Claim::Divergence, honest.clone(), liar);
    }
    assert_eq!(all.len(), 44, "another number of games than is told");
    all
}
