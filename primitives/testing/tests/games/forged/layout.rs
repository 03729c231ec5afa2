//! Where each buffer of a part is bound, told from the specification a second time: the game's own account of it is what is tested.

use sabha_numerics::program::{Instruction, Operand, Source};
use sabha_protocol::{
    Divergence,
    dispute::{
        Part,
        player::{Blob, Buffers},
    },
    update,
};
use sabha_testing::World;

use super::games::Table;

/// Where a leaf or an output of a part is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At this place of the checkpoint, or of a state.
    Buffer(Buffers, usize),
    /// At this place of the outputs that the part's end does not hold.
    Inner(usize),
    /// In content, from byte `offset` on, with `width` bytes a word.
    Content { of: Blob, offset: u64, width: u64 },
    /// The chain derives it by itself: nobody opens it.
    Derived,
}

/// A part's program, and what its end holds.
pub struct Layout<'a> {
    world: &'a World,
    part: Part,
    divergence: Option<Divergence>,
    instructions: Vec<Instruction>,
    ends: Vec<Operand>,
    /// The instructions whose outputs the part's end does not hold, in order.
    pub inner: Vec<u32>,
}

impl<'a> Layout<'a> {
    pub fn of(table: &'a Table, part: Part) -> Self {
        let world = table.world;
        let program = world.program(table.defender.run.slot, part);
        let (instructions, mut ends) = program.instructions();
        let (mut inner, mut divergence) = (program.inner(), None);
        if let Part::Diverging(_) = part {
            // All before it is shown, and it has no end.
            divergence = table.divergence();
            let count = divergence.map_or(0, |at| at.instruction).min(instructions.len() as u32);
            inner = (0..count).collect();
            ends.clear();
        }
        Self { world, part, divergence, instructions, ends, inner }
    }

    /// Where the claim says that the part diverges.
    pub fn diverges(&self) -> Option<Divergence> {
        self.divergence
    }

    /// Instructions, of a part that ends before its program does those before the divergence.
    pub fn count(&self) -> u32 {
        if self.ends.is_empty() { self.inner.len() as u32 } else { self.instructions.len() as u32 }
    }

    pub fn instruction(&self, index: u32) -> Option<&Instruction> {
        self.instructions.get(index as usize)
    }

    /// Buffers of a parameter alone, tensors.
    fn parameters(&self) -> usize {
        self.world.spec.model.shape().parameter_count() as usize
    }

    fn base(&self, index: usize) -> Place {
        // The run's own start is drawn, and its momenta are zero.
        if self.world.base.is_some() { Place::Buffer(Buffers::Base, index) } else { Place::Derived }
    }

    fn in_update(&self, of: Blob, index: usize) -> Place {
        Place::Content { of, offset: update::offset(&self.world.spec.model.shape(), index), width: 4 }
    }

    /// Where an operand is bound.
    pub fn place(&self, source: Source) -> Option<Place> {
        let index = match source {
            Source::Output(index) => return self.output(index),
            Source::Stream => {
                let width = self.world.spec.data.token_bytes.into();
                return Some(Place::Content { of: Blob::Stream, offset: 0, width });
            }
            Source::Leaf(index) => index as usize,
        };
        let parameters = self.parameters();
        let both = parameters * 2;
        let last = Buffers::State(self.world.spec.rounds.inner_steps);
        Some(match self.part {
            Part::Begin => self.base(index),
            Part::Step(step) | Part::Diverging(step) => Place::Buffer(Buffers::State(step), index),
            Part::Finish if index < parameters => self.base(index),
            // Of parameter, mean and mean square the first.
            Part::Finish if index < both => Place::Buffer(last, (index - parameters) * 3),
            // After them the step, and the sum of losses.
            Part::Finish => Place::Buffer(last, parameters * 3 + 1),
            Part::Aggregate if index < both => self.base(index),
            Part::Aggregate => {
                let index = index - both;
                self.in_update(Blob::Update((index / both) as u32), index % both)
            }
        })
    }

    /// Where the output of an instruction is bound.
    pub fn output(&self, index: u32) -> Option<Place> {
        let Some(end) = self.ends.iter().position(|end| end.source == Source::Output(index)) else {
            return self.inner.iter().position(|inner| *inner == index).map(Place::Inner);
        };
        Some(match self.part {
            // The next checkpoint is all that an aggregation keeps.
            Part::Begin | Part::Aggregate => Place::Buffer(Buffers::State(0), end),
            Part::Step(step) | Part::Diverging(step) => Place::Buffer(Buffers::State(step + 1), end),
            // The mean loss stands in the commitment.
            Part::Finish if end == self.parameters() * 2 => Place::Derived,
            Part::Finish => self.in_update(Blob::Own, end),
        })
    }
}
