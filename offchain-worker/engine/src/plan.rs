//! Where each buffer of a program lies, decided once.
//!
//! - A transpose whose readers can all read with other strides is not executed.
//! - Buffers whose last reader is past share memory with later ones.
//! - An output that continues one of its inputs (an accumulator, a moment) overwrites it where nothing else needs it.
//! - Of what is causal, zeros that nobody reads are not written.
//! - Outputs that are leaves of the next state take the place of the leaf, where the old one is not needed any more.

use crate::kernels::{causal_square, overwrites, reads_causally, reads_transposed};
use sabha_numerics::{
    op::{Op, Transpose},
    program::{Instruction, Operand, Program, Source},
};
use std::collections::{HashMap, HashSet};

/// A place in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A leaf that the program starts from.
    Leaf(usize),
    /// Memory of the plan.
    Slot(usize),
    /// The tokens of a batch, by the order of the batches in the program.
    Given(usize),
}

/// How an instruction reads an input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// As it lies.
    Plain(Place),
    /// Transposed.
    Transposed(Place, Transpose),
    /// It is overwritten by the output.
    Output,
}

/// An instruction that is executed.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// Its index in the program.
    pub index: usize,
    /// Where the output goes.
    pub output: Place,
    /// Its inputs.
    pub inputs: Vec<Reading>,
    /// If nothing reads more of the output's rows than their causal blocks: how many columns it has. The rest is not written.
    pub partial: Option<u64>,
}

/// Memory of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Words.
    pub words: usize,
    /// Numbers, rather than integers.
    pub floats: bool,
}

/// What a plan may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Everything that is fast; the program's end is written over its start, leaf by leaf.
    Advance,
    /// Everything that is fast; the program's end is kept beside its start.
    Compute,
    /// Nothing: every instruction's output is there when it was executed, and stays.
    Trace,
}

/// A plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What is executed, in order.
    pub instructions: Vec<Planned>,
    /// The memory.
    pub slots: Vec<Slot>,
    /// Where the leaves of the program's end lie.
    pub ends: Vec<Place>,
    /// Batches of tokens that are given from outside.
    pub batches: usize,
}

impl Plan {
    /// Plans a program.
    pub fn new(program: &impl Program, purpose: Purpose) -> Self {
        let (instructions, ends) = program.instructions();
        Planner::new(&instructions, &ends, purpose).plan()
    }

    /// Bytes of the plan's memory: what a program needs besides its leaves.
    pub fn bytes(&self) -> usize {
        let words = self.slots.iter().fold(0usize, |sum, slot| sum.saturating_add(slot.words));
        words.saturating_mul(size_of::<u32>())
    }
}

struct Planner<'a> {
    instructions: &'a [Instruction],
    ends: &'a [Operand],
    purpose: Purpose,
    /// Which transposes are not executed.
    elided: Vec<bool>,
    /// Columns of causal squares that are read causally only, by the instruction that makes them.
    partial: Vec<Option<u64>>,
    /// The last instruction that reads an output or a leaf.
    last: HashMap<Source, usize>,
    /// Which leaf of the end an output is.
    end_of: HashMap<Source, usize>,
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// Where an output lies.
    places: Vec<Option<Place>>,
}

impl<'a> Planner<'a> {
    fn new(instructions: &'a [Instruction], ends: &'a [Operand], purpose: Purpose) -> Self {
        let mut planner = Self {
            instructions,
            ends,
            purpose,
            elided: vec![false; instructions.len()],
            partial: vec![None; instructions.len()],
            last: HashMap::new(),
            end_of: ends.iter().enumerate().map(|(leaf, operand)| (operand.source, leaf)).collect(),
            slots: Vec::new(),
            free: Vec::new(),
            places: vec![None; instructions.len()],
        };
        if purpose != Purpose::Trace {
            planner.elide();
            planner.find_partial();
        }
        planner.find_last_readers();
        planner
    }

    /// A transpose is not executed if each of its readers can read transposed.
    fn elide(&mut self) {
        let mut needed: HashSet<Source> = self.end_of.keys().copied().collect();
        for reader in self.instructions {
            for (input, operand) in reader.inputs.iter().enumerate() {
                if !reads_transposed(&reader.op, input) {
                    needed.insert(operand.source);
                }
            }
        }
        for (index, instruction) in self.instructions.iter().enumerate() {
            let source = Source::Output(index as u32);
            self.elided[index] = matches!(instruction.op, Op::Transpose(_)) && !needed.contains(&source);
        }
    }

    /// What an operand is, through a transpose that is not executed.
    fn through(&self, operand: Source) -> (Source, Option<Transpose>) {
        if let Source::Output(index) = operand
            && self.elided.get(index as usize) == Some(&true)
            && let Some(Instruction { op: Op::Transpose(transpose), inputs }) =
                self.instructions.get(index as usize)
            && let Some(input) = inputs.first()
        {
            return (input.source, Some(*transpose));
        }
        (operand, None)
    }

    /// Finds causal squares of which nothing reads the zeros, but those within a block.
    fn find_partial(&mut self) {
        let end = |index: usize| self.end_of.contains_key(&Source::Output(index as u32));
        let mut partial: Vec<Option<u64>> = (self.instructions.iter().enumerate())
            .map(|(index, instruction)| causal_square(&instruction.op).filter(|_| !end(index)))
            .collect();
        let readers = self.instructions.iter().zip(&self.elided).filter(|(_, elided)| !**elided);
        for (reader, _) in readers {
            for (input, operand) in reader.inputs.iter().enumerate() {
                let (source, transpose) = self.through(operand.source);
                if let Source::Output(made) = source
                    && let Some(square) = partial.get_mut(made as usize)
                    && let Some(columns) = *square
                    && !reads_causally(&reader.op, input, columns, transpose.is_some())
                {
                    *square = None;
                }
            }
        }
        self.partial = partial;
    }

    fn find_last_readers(&mut self) {
        for (index, instruction) in self.instructions.iter().enumerate() {
            if self.elided[index] {
                continue;
            }
            for operand in &instruction.inputs {
                let (source, _) = self.through(operand.source);
                self.last.insert(source, index);
            }
        }
    }

    fn plan(mut self) -> Plan {
        let mut planned = Vec::new();
        let mut batches = 0;
        for (index, instruction) in self.instructions.iter().enumerate() {
            if self.elided[index] {
                continue;
            }
            if matches!(instruction.op, Op::Batch(_)) {
                self.places[index] = Some(Place::Given(batches));
                batches += 1;
                continue;
            }
            let mut inputs: Vec<Reading> =
                instruction.inputs.iter().map(|operand| self.reading(operand.source)).collect();
            let output = self.output(index, instruction, &mut inputs);
            self.places[index] = Some(output);
            self.release(index, instruction, output);
            planned.push(Planned { index, output, inputs, partial: self.partial[index] });
        }
        let ends = self.ends.iter().map(|operand| self.place(operand.source)).collect();
        Plan { instructions: planned, slots: self.slots, ends, batches }
    }

    fn place(&self, source: Source) -> Place {
        match source {
            Source::Leaf(leaf) => Place::Leaf(leaf as usize),
            // Single assignment: an input was planned before.
            Source::Output(index) => {
                self.places.get(index as usize).copied().flatten().unwrap_or(Place::Leaf(usize::MAX))
            }
            Source::Stream => Place::Given(usize::MAX),
        }
    }

    fn reading(&self, source: Source) -> Reading {
        match self.through(source) {
            (source, None) => Reading::Plain(self.place(source)),
            (source, Some(transpose)) => Reading::Transposed(self.place(source), transpose),
        }
    }

    /// Whether nothing reads a source after instruction `index`.
    fn is_last(&self, source: Source, index: usize) -> bool {
        self.last.get(&source).is_none_or(|last| *last <= index)
    }

    fn output(&mut self, index: usize, instruction: &Instruction, inputs: &mut [Reading]) -> Place {
        let floats = instruction.op.is_float();
        let words = instruction.len() as usize;
        let end = self.end_of.get(&Source::Output(index as u32)).copied();
        // A leaf of the end takes the old leaf's place if nobody needs that after this instruction, or now, except by overwriting.
        if let (Purpose::Advance, Some(leaf)) = (self.purpose, end) {
            let old = Source::Leaf(leaf as u32);
            let reads = instruction.inputs.iter().filter(|operand| operand.source == old).count();
            let input = overwrites(&instruction.op);
            let overwritten = input.is_some_and(|input| instruction.inputs[input].source == old);
            if self.is_last(old, index) && (reads == 0 || (reads == 1 && overwritten)) {
                if let (1, Some(input)) = (reads, input) {
                    inputs[input] = Reading::Output;
                }
                return Place::Leaf(leaf);
            }
        }
        if self.purpose != Purpose::Trace
            && let Some(input) = overwrites(&instruction.op)
            && let Some(operand) = instruction.inputs.get(input)
            && let Source::Output(_) = operand.source
            && let (source, None) = self.through(operand.source)
            && self.is_last(source, index)
            && !self.end_of.contains_key(&source)
            && instruction.inputs.iter().filter(|other| self.through(other.source).0 == source).count() == 1
            && let Place::Slot(slot) = self.place(source)
        {
            inputs[input] = Reading::Output;
            return Place::Slot(slot);
        }
        Place::Slot(self.allocate(words, floats))
    }

    /// The smallest free slot that is large enough, or the largest one, grown; or a new one.
    fn allocate(&mut self, words: usize, floats: bool) -> usize {
        let fitting = |slot: &&usize| self.slots[**slot].floats == floats;
        let enough = self.free.iter().filter(fitting).filter(|slot| self.slots[**slot].words >= words);
        let best = enough.min_by_key(|slot| self.slots[**slot].words).copied();
        let best = best.or_else(|| {
            self.free.iter().filter(fitting).max_by_key(|slot| self.slots[**slot].words).copied()
        });
        match best {
            // A small output in a large slot would keep the large one from those that need it.
            Some(slot) if self.slots[slot].words <= words.saturating_mul(4).max(1 << 16) => {
                self.free.retain(|other| *other != slot);
                self.slots[slot].words = self.slots[slot].words.max(words);
                slot
            }
            _ => {
                self.slots.push(Slot { words, floats });
                self.slots.len() - 1
            }
        }
    }

    /// Frees the slots of what nobody reads after instruction `index`, its own output included.
    fn release(&mut self, index: usize, instruction: &Instruction, output: Place) {
        if self.purpose == Purpose::Trace {
            return;
        }
        let own = Source::Output(index as u32);
        let sources: Vec<Source> =
            instruction.inputs.iter().map(|operand| self.through(operand.source).0).chain([own]).collect();
        for source in sources {
            if let Source::Output(_) = source
                && self.is_last(source, index)
                && !self.end_of.contains_key(&source)
                && let Place::Slot(slot) = if source == own { output } else { self.place(source) }
                && (source == own || Place::Slot(slot) != output)
                && !self.free.contains(&slot)
            {
                self.free.push(slot);
            }
        }
    }
}
