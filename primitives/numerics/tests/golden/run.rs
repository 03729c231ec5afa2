//! A small run from its first word to its last, through every program. Its roots are committed in `trace.txt`; other crates
//! include this file to execute the same in other ways.

use alloc::{vec, vec::Vec};
use core::fmt;
use sabha_numerics::{
    Digest, Schedule, buffer_digest,
    program::{
        AggregateProgram, BeginProgram, EvaluateProgram, FinishProgram, InitProgram, Instruction, Model,
        Optimiser, Outer, Program, StepProgram,
    },
    reference::{Failure, Trace, execute},
    state_root,
};

/// Steps of the committed trace.
pub const STEPS: u32 = 20;

/// What is run.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Its name in `trace.txt`.
    pub name: &'static str,
    /// The model.
    pub model: Model,
    /// Samples of a batch.
    pub samples: u64,
}

/// Widths that are multiples of nothing, rows longer than the 32 lanes, both kinds of output projection; and a context that is longer
/// than what an engine may take at a time of the sums that a mask cuts off.
pub const CASES: [Case; 3] = [
    case("untied", 67, 36, 2, 53, 34, false),
    case("tied", 41, 20, 2, 33, 19, true),
    case("long", 43, 24, 2, 37, 130, false),
];

const fn case(
    name: &'static str,
    vocabulary: u64,
    width: u64,
    heads: u64,
    feed_forward: u64,
    context: u64,
    tied_embedding: bool,
) -> Case {
    let (layers, rope_base, norm_epsilon) = (2, 10_000.0, 1e-5);
    let model = Model {
        vocabulary,
        width,
        layers,
        heads,
        feed_forward,
        context,
        rope_base,
        norm_epsilon,
        tied_embedding,
    };
    Case { name, model, samples: 2 }
}

const OPTIMISER: Optimiser =
    Optimiser { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip_norm: 1.0 };

/// A warm-up, damped steps and a cosine, all within the trace.
const SCHEDULE: Schedule = Schedule {
    peak: 0.01,
    floor: 0.001,
    warmup_steps: 5,
    total_steps: STEPS,
    inner_steps: STEPS,
    inner_warmup: 2,
};

const OUTER: Outer = Outer { rate: 0.7, momentum: 0.9 };
const SEED: u64 = 0x5abb_a000_2026;

/// Which program was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Initial parameters.
    Init,
    /// The state before the first step.
    Begin,
    /// A step, from 1.
    Step(u32),
    /// The mean loss of the last parameters.
    Evaluate,
    /// The update after so many steps.
    Finish(u32),
    /// A round's end, from 1.
    Aggregate(u32),
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stage::Init => formatter.write_str("init"),
            Stage::Begin => formatter.write_str("begin"),
            Stage::Step(step) => write!(formatter, "step-{step:02}"),
            Stage::Evaluate => formatter.write_str("evaluate"),
            Stage::Finish(steps) => write!(formatter, "finish-{steps:02}"),
            Stage::Aggregate(round) => write!(formatter, "aggregate-{round}"),
        }
    }
}

/// A program that was executed.
pub struct Executed {
    /// Which.
    pub stage: Stage,
    /// Its instructions.
    pub instructions: Vec<Instruction>,
    /// What they gave.
    pub trace: Trace,
}

/// The root of a program's leaves.
pub fn root(leaves: &[Vec<u32>]) -> Digest {
    let digests: Vec<Digest> = leaves.iter().map(|words| digest(words)).collect();
    state_root(&digests)
}

/// The digest of a buffer of words.
pub fn digest(words: &[u32]) -> Digest {
    let values: Vec<f32> = words.iter().map(|word| f32::from_bits(*word)).collect();
    buffer_digest(&values)
}

/// Executes a case, and shows every program to `seen`. The updates after half and after all of the steps stand for those of two
/// workers, in two rounds: the second one starts with momenta.
pub fn run(case: &Case, steps: u32, seen: &mut dyn FnMut(&Executed)) -> Result<(), Failure> {
    run_on(&mut Definitions, case, steps, seen)
}

/// Executes programs.
pub trait Machine {
    /// Executes a program from its leaves and the token stream.
    fn execute<P: Program>(
        &mut self,
        program: &P,
        leaves: &[Vec<u32>],
        stream: &[u32],
    ) -> Result<Trace, Failure>;
}

/// Executes by the definitions.
pub struct Definitions;

impl Machine for Definitions {
    fn execute<P: Program>(
        &mut self,
        program: &P,
        leaves: &[Vec<u32>],
        stream: &[u32],
    ) -> Result<Trace, Failure> {
        execute(program, leaves, stream)
    }
}

/// The same on another machine.
pub fn run_on<M: Machine>(
    machine: &mut M,
    case: &Case,
    steps: u32,
    seen: &mut dyn FnMut(&Executed),
) -> Result<(), Failure> {
    let model = case.model;
    let stream = stream(case);
    let len = stream.len() as u64;
    let mut all = Runner { machine, stream, seen };

    let checkpoint = all.execute(Stage::Init, &InitProgram { model, seed: SEED }, &[])?;
    let mut state = all.execute(Stage::Begin, &BeginProgram { model }, &checkpoint)?;
    let half = steps.div_ceil(2);
    let mut middle = Vec::new();
    for at in 0..steps {
        let step = at + 1;
        let rate = SCHEDULE.rate(at);
        let program =
            StepProgram { model, optimiser: OPTIMISER, rate, step, stream: len, offsets: offsets(case, at) };
        state = all.execute(Stage::Step(step), &program, &state)?;
        if step == half {
            middle.clone_from(&state);
        }
    }
    let evaluate = EvaluateProgram { model, stream: len, offsets: vec![0, 1, 2] };
    all.execute(Stage::Evaluate, &evaluate, &parameters(&state))?;

    let mut updates = Vec::new();
    for (state, steps) in [(&state, steps), (&middle, half)] {
        let mut leaves = checkpoint.clone();
        leaves.extend(parameters(state));
        leaves.extend(state.last().cloned());
        let mut update = all.execute(Stage::Finish(steps), &FinishProgram { model, steps }, &leaves)?;
        // The mean loss is no part of the update.
        update.pop();
        updates.extend(update);
    }
    let momenta = checkpoint.iter().map(|values| vec![0; values.len()]).collect::<Vec<_>>();
    let mut leaves = [checkpoint, momenta].concat();
    for round in 1..=2 {
        leaves.extend_from_slice(&updates);
        let program = AggregateProgram { model, outer: OUTER, workers: 2 };
        leaves = all.execute(Stage::Aggregate(round), &program, &leaves)?;
    }
    Ok(())
}

struct Runner<'a, M> {
    machine: &'a mut M,
    stream: Vec<u32>,
    seen: &'a mut dyn FnMut(&Executed),
}

impl<M: Machine> Runner<'_, M> {
    fn execute(
        &mut self,
        stage: Stage,
        program: &impl Program,
        leaves: &[Vec<u32>],
    ) -> Result<Vec<Vec<u32>>, Failure> {
        let trace = self.machine.execute(program, leaves, &self.stream)?;
        let executed = Executed { stage, instructions: program.instructions().0, trace };
        (self.seen)(&executed);
        Ok(executed.trace.leaves)
    }
}

/// A text that can be learnt, in part: three of four tokens follow from the one before.
fn stream(case: &Case) -> Vec<u32> {
    let vocabulary = case.model.vocabulary as u32;
    let len = 40 * (case.model.context as u32 + 1);
    let (mut random, mut token) = (1u32, 1u32);
    (0..len)
        .map(|at| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            token = if random >> 30 == 0 { random >> 8 } else { token * 5 + 3 } % vocabulary;
            // One that the model does not know.
            if at == 30 { u32::MAX } else { token }
        })
        .collect()
}

/// Where a step's samples begin: anywhere, and they overlap.
fn offsets(case: &Case, at: u32) -> Vec<u64> {
    let windows = 39 * (case.model.context + 1);
    (0..case.samples).map(|sample| (u64::from(at) * case.samples + sample) * 29 % windows).collect()
}

/// The parameters of a state.
fn parameters(state: &[Vec<u32>]) -> Vec<Vec<u32>> {
    state.iter().take(state.len().saturating_sub(2)).step_by(3).cloned().collect()
}
