//! What is changed, and which changes are worth a game.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use sabha_numerics::{op::Definition, program::Source};
use sabha_protocol::{SlotIndex, dispute::Part};

use crate::World;

/// A change of one element of one instruction of one part, that everything after follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lie {
    /// The part.
    pub part: Part,
    /// The instruction.
    pub instruction: u32,
    /// The element of its output.
    pub element: u64,
    /// The bits that are changed.
    pub flip: u32,
}

/// Element and bit of the first draws for an instruction; one that changes nothing is drawn again.
const DRAWS: [(u64, u32); 4] = [(0, 1), (1, 1 << 12), (2, 1 << 20), (3, 1 << 22)];

/// Of an aggregation. What only a norm is made of shows where the norm is capped for it.
const AGGREGATION_DRAWS: [(u64, u32); 6] =
    [(0, 1), (1, 1 << 12), (2, 1 << 20), (3, 1 << 24), (1, 1 << 26), (0, 1 << 30)];

/// Bits that are changed where none of the first draws changes anything, each in elements all over the output.
const FLIPS: [u32; 6] = [1 << 22, 1 << 26, 1 << 30, 1 << 31, 1 << 8, 3];

/// Elements all over an output.
const ELEMENTS: u64 = 24;

impl World {
    /// Names of the operations of a part's instructions, and words of their outputs.
    pub fn operations(&self, slot: SlotIndex, part: Part) -> Vec<(&'static str, u64)> {
        let mut all = Vec::new();
        self.program(slot, part).visit(&mut |_, op, _| all.push((op.name(), op.len())));
        all
    }

    /// For each instruction of a part the name of its operation, and lies about it, of which the first that changes a root is worth a game.
    pub fn lies(&self, slot: SlotIndex, part: Part) -> Vec<(&'static str, Vec<Lie>)> {
        let draws: &[(u64, u32)] = if part == Part::Aggregate { &AGGREGATION_DRAWS } else { &DRAWS };
        let lies = |instruction, len: u64| {
            let lie = |element, flip| Lie { part, instruction, element, flip };
            let first = draws.iter().map(|(draw, flip)| lie((len / 3 * draw + 7 * draw) % len, *flip));
            let elements = len.min(ELEMENTS);
            let element = |draw| (len / elements * draw + 7 * draw) % len;
            let more = (0..elements).flat_map(|draw| FLIPS.map(|flip| lie(element(draw), flip)));
            first.chain(more).collect()
        };
        let operations = self.operations(slot, part);
        (0..).zip(operations).map(|(at, (name, len))| (name, lies(at, len))).collect()
    }

    /// A lie about the first thing that a part ends with.
    pub fn lie_at_end(&self, slot: SlotIndex, part: Part) -> Lie {
        match self.program(slot, part).visit(&mut |_, _, _| ())[0].source {
            Source::Output(instruction) => Lie { part, instruction, element: 1, flip: 1 << 3 },
            source => panic!("{part:?} ends with {source:?}"),
        }
    }
}

/// Draws lies about anything: as likely as not a game's defender tells them.
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// Always the same ones.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64() % bound
    }

    /// A lie about a slot, or about the aggregation.
    pub fn lie(&mut self, world: &World, slot: SlotIndex) -> Lie {
        let step = self.below(world.spec.rounds.inner_steps.into()) as u32;
        let part = match self.below(10) {
            0 => Part::Begin,
            1 => Part::Finish,
            2 => Part::Aggregate,
            _ => Part::Step(step),
        };
        let operations = world.operations(slot, part);
        let instruction = self.below(operations.len() as u64) as u32;
        let element = self.below(operations[instruction as usize].1);
        // The first ones are tokens and places.
        let bits = if instruction < 4 { 1 } else { 23 };
        Lie { part, instruction, element, flip: 1 << self.below(bits) }
    }
}
