//! Every operation of every program is checked here: lengths, bounds, and that an element reads exactly what it says.

use super::*;
use crate::program::{
    AggregateProgram, BeginProgram, EvaluateProgram, FinishProgram, InitProgram, Instruction, Model,
    Optimiser, Outer, Program, StepProgram,
};
use alloc::{collections::BTreeSet, vec};
use core::cell::RefCell;

/// Words that are made up, and remembers which were asked for.
struct Recorder {
    lens: Vec<u64>,
    asked: RefCell<BTreeSet<(usize, u64)>>,
}

impl Words for Recorder {
    fn word(&self, input: usize, index: u64) -> Result<u32, Missing> {
        if self.lens.get(input).is_none_or(|len| index >= *len) {
            return Err(Missing { input, index });
        }
        self.asked.borrow_mut().insert((input, index));
        // Small, so that it is a token of any vocabulary, and tokens differ.
        Ok((index % 2) as u32)
    }
}

pub(crate) fn model(vocabulary: u64, width: u64, heads: u64, feed_forward: u64, context: u64) -> Model {
    Model {
        vocabulary,
        width,
        layers: 2,
        heads,
        feed_forward,
        context,
        rope_base: 10_000.0,
        norm_epsilon: 1e-5,
        tied_embedding: false,
    }
}

const OPTIMISER: Optimiser =
    Optimiser { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip_norm: 1.0 };

fn check(instruction: &Instruction, what: &str) {
    let op = &instruction.op;
    let lens: Vec<u64> = instruction.inputs.iter().map(|input| input.len).collect();
    assert_eq!(*op.inputs(), lens, "{what}: {op:?}");
    let len = op.len();
    assert!(len > 0, "{what}: {op:?}");
    // First, last, and some between, at a stride that shares no factor with any shape.
    let stride = (len / 7).max(1) | 1;
    let elements = (0..8).map(|i| (i * stride).min(len - 1)).chain([len / 2, len - 1]);
    for index in elements {
        let words = Recorder { lens: lens.clone(), asked: Default::default() };
        let ranges = op.reads(index, &words).unwrap();
        words.asked.borrow_mut().clear();
        op.element(index, &words).unwrap_or_else(|missing| panic!("{what}: {op:?} {index}: {missing:?}"));
        let asked = words.asked.take();
        let said: BTreeSet<(usize, u64)> = ranges
            .iter()
            .flat_map(|range| (range.start..range.start + range.len).map(|word| (range.input, word)))
            .collect();
        assert_eq!(said.len() as u64, ranges.iter().map(|range| range.len).sum::<u64>(), "overlap: {op:?}");
        assert!(ranges.len() <= MAX_RANGES, "{what}: {op:?} reads {ranges:?}");
        for input in 0..lens.len() {
            let words: u64 = ranges.iter().filter(|range| range.input == input).map(|range| range.len).sum();
            assert!(words <= MAX_READ, "{what}: {op:?} reads {words} words of input {input}");
        }
        // The embedding's gradient need not look at a gradient whose position holds another token.
        if matches!(op, Op::EmbedGrad(_)) {
            assert!(asked.is_subset(&said), "{op:?} {index}");
        } else {
            assert_eq!(asked, said, "{what}: {op:?} {index}");
        }
    }
}

fn check_program(program: &impl Program, what: &str) -> BTreeSet<&'static str> {
    let (instructions, _) = program.instructions();
    assert_eq!(program.count() as usize, instructions.len());
    for (index, instruction) in instructions.iter().enumerate() {
        check(instruction, what);
        if index % 37 == 0 || index + 1 == instructions.len() {
            assert_eq!(program.instruction(index as u32).as_ref(), Some(instruction), "{what}: {index}");
        }
    }
    assert_eq!(program.instruction(instructions.len() as u32), None);
    instructions.iter().map(|instruction| instruction.op.name()).collect()
}

/// Every instruction of every program keeps the bounds of the design, at small shapes and at such that everything is chained.
#[test]
fn every_instruction_of_every_program_is_bounded() {
    let mut seen = BTreeSet::new();
    let shapes = [
        (model(16, 16, 2, 24, 8), vec![0, 5, 9]),
        // Vocabulary, width, feed-forward part, positions and context all beyond one read.
        (model(5_000, 4_100, 2, 6_001, 2_100), vec![0, 77]),
        (model(3, 2, 1, 1, 1), vec![0]),
    ];
    for (model, offsets) in shapes {
        for tied_embedding in [false, true] {
            let model = Model { tied_embedding, ..model };
            let (offsets, stream) = (offsets.clone(), 10_000);
            let step = StepProgram {
                model,
                optimiser: OPTIMISER,
                rate: 1e-3,
                step: 3,
                stream,
                offsets: offsets.clone(),
            };
            seen.extend(check_program(&step, "step"));
            seen.extend(check_program(&EvaluateProgram { model, stream, offsets }, "evaluate"));
            seen.extend(check_program(&InitProgram { model, seed: 1 }, "init"));
            seen.extend(check_program(&BeginProgram { model }, "begin"));
            seen.extend(check_program(&FinishProgram { model, steps: 5 }, "finish"));
            let outer = Outer { rate: 0.7, momentum: 0.9 };
            for workers in [1, 3] {
                seen.extend(check_program(&AggregateProgram { model, outer, workers }, "aggregate"));
            }
        }
    }
    assert_eq!(seen, Op::NAMES.iter().copied().collect(), "an operation that no program uses");
}
