//! A small run, executed by the definitions, with lies where they are wanted.

use super::super::{
    Claim, Facts, Part, Subject,
    player::{Blob, Book, Buffers},
};
use crate::{
    Commitment, Digest, Divergence, Outcome, RunSpec, programs, segments_root,
    spec::{RoundSpec, tests::spec},
    update,
};
use sabha_numerics::{
    buffer_digest,
    program::{Instruction, Program, Source},
    reference::{Inputs, evaluate},
    state_root,
};
use std::{borrow::Cow, cell::RefCell, collections::BTreeMap, rc::Rc};

pub type Words = Vec<u32>;

/// A change of one element of one instruction of one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lie {
    pub part: Part,
    pub instruction: u32,
    pub element: u64,
    pub flip: u32,
}

/// What is given: the run, its stream, the round's checkpoint.
pub struct World {
    pub spec: RunSpec,
    pub stream: Words,
    /// Parameters and momenta; none for the run's own start.
    pub base: Option<Vec<Words>>,
    /// What this world makes of the instructions of steps.
    pub warp: Option<fn(&mut Vec<Instruction>)>,
    /// Honest executions of slots.
    pub honest: RefCell<BTreeMap<u16, Run>>,
}

pub const ROUND: u32 = 3;

pub fn digest(words: &[u32]) -> Digest {
    let floats: Vec<f32> = words.iter().copied().map(f32::from_bits).collect();
    Digest(buffer_digest(&floats))
}

pub fn root(leaves: &[Words]) -> Digest {
    let digests: Vec<[u8; 32]> = leaves.iter().map(|leaf| digest(leaf).0).collect();
    Digest(state_root(&digests))
}

impl World {
    pub fn small() -> Self {
        Self::of(40, 24, 3)
    }

    /// With so many tokens, such a feed-forward part, and so many steps in a segment.
    pub fn of(vocabulary: u32, feed_forward: u32, segment_steps: u32) -> Self {
        let mut spec = spec();
        spec.model.vocabulary = vocabulary;
        spec.model.width = 16;
        spec.model.layers = 1;
        spec.model.heads = 2;
        spec.model.feed_forward = feed_forward;
        spec.model.context = 8;
        spec.rounds = RoundSpec { inner_steps: segment_steps * 2, segment_steps, batch: 2, ..spec.rounds };
        spec.data.token_bytes = 2;
        spec.data.tokens = 3_000;
        spec.data.heldout_tokens = 500;
        let stream: Words = (0..3_000u32).map(|at| (at * at + at / 7) % vocabulary).collect();
        let mut world = Self { spec, stream, base: None, warp: None, honest: RefCell::default() };
        world.spec.data.stream = Digest::of(&world.stream_bytes());
        // A checkpoint that something was trained to: parameters of another seed, momenta that are not zero.
        let other = RunSpec { seed: 99, ..world.spec.clone() };
        let mut base = execute(&programs::init(&other), &[], &[], Part::Begin, None).ends;
        let momenta: Vec<Words> = base
            .iter()
            .map(|words| (0..words.len()).map(|at| (at as f32 * 1e-5 - 1e-3).to_bits()).collect())
            .collect();
        base.extend(momenta);
        world.base = Some(base);
        world
    }

    pub fn stream_bytes(&self) -> Vec<u8> {
        let width = usize::from(self.spec.data.token_bytes);
        self.stream.iter().flat_map(|token| token.to_le_bytes().into_iter().take(width)).collect()
    }

    pub fn base_root(&self) -> Option<Digest> {
        self.base.as_ref().map(|base| root(base))
    }

    /// Parameters and momenta.
    pub fn checkpoint(&self) -> Vec<Words> {
        self.base.clone().unwrap_or_else(|| {
            let mut all = execute(&programs::init(&self.spec), &[], &[], Part::Begin, None).ends;
            let zeros: Vec<Words> = all.iter().map(|words| vec![0; words.len()]).collect();
            all.extend(zeros);
            all
        })
    }

    /// Executes a slot. What comes before the lie is executed once for all.
    pub fn run(&self, slot: u16, lie: Option<Lie>) -> Run {
        let (Some(Lie { part, .. }), None) = (lie, self.warp) else { return self.execute(slot, lie, None) };
        let honest = || self.execute(slot, None, None);
        let honest = self.honest.borrow_mut().entry(slot).or_insert_with(honest).clone();
        let before = match part {
            Part::Step(step) | Part::Diverging(step) => step,
            Part::Finish => self.spec.rounds.inner_steps,
            Part::Begin | Part::Aggregate => return self.execute(slot, lie, None),
        };
        self.execute(slot, lie, Some((&honest, before)))
    }

    /// Executes a slot, or goes on from so many steps of another execution.
    fn execute(&self, slot: u16, lie: Option<Lie>, from: Option<(&Run, u32)>) -> Run {
        let mut run = Run {
            slot,
            base: self.checkpoint(),
            stream: self.stream.clone(),
            stream_bytes: self.stream_bytes(),
            parts: BTreeMap::new(),
            states: Vec::new(),
            roots: Vec::new(),
            outcome: Outcome::Diverged(Divergence { step: 0, instruction: 0, element: 0 }),
            update: Vec::new(),
            updates: Vec::new(),
        };
        let parameters = self.spec.model.shape().parameter_count() as usize;
        let first = if let Some((other, steps)) =
            from.filter(|(other, steps)| other.states.len() > *steps as usize)
        {
            run.states = other.states[..=steps as usize].to_vec();
            run.roots = other.roots[..=steps as usize].to_vec();
            let before = |at: &(u8, u32)| at.0 == 0 || (at.0 == 1 && at.1 < steps);
            run.parts = other.parts.clone().into_iter().filter(|(at, _)| before(at)).collect();
            steps
        } else {
            let start = &run.base[..parameters];
            let begin = execute(&programs::begin(&self.spec), start, &[], Part::Begin, lie.as_ref());
            run.keep(begin.ends.clone());
            run.parts.insert(key(Part::Begin), begin.into());
            0
        };
        for step in first..self.spec.rounds.inner_steps {
            let id = programs::StepId { round: ROUND, slot, step };
            let program = programs::step(&self.spec, id).unwrap();
            let part = Part::Step(step);
            let state = run.states.last().unwrap();
            let done = execute_warped(&program, state, &self.stream, part, lie.as_ref(), self.warp);
            let (diverged, ends) = (done.diverged, done.ends.clone());
            run.parts.insert(key(part), done.into());
            if let Some((instruction, element)) = diverged {
                let element = element as u32;
                run.outcome = Outcome::Diverged(Divergence { step, instruction, element });
                return run;
            }
            run.keep(ends);
        }
        let last = run.states.last().unwrap();
        let mut leaves = run.base[..parameters].to_vec();
        leaves.extend((0..parameters).map(|at| last[at * 3].clone()));
        leaves.push(last[parameters * 3 + 1].clone());
        let finish = execute(&programs::finish(&self.spec), &leaves, &[], Part::Finish, lie.as_ref());
        run.update = update::header(&self.spec.hash(), ROUND, slot).to_vec();
        let buffers = finish.ends.len() - 1;
        let words = finish.ends[..buffers].iter().flatten();
        run.update.extend(words.flat_map(|word| word.to_le_bytes()));
        assert_eq!(run.update.len() as u64, update::bytes(&self.spec.model.shape()));
        run.outcome = Outcome::Trained(Commitment {
            segments_root: segments_root(&run.leaves(&self.spec)),
            update_digest: Digest::of(&run.update),
            mean_loss: crate::spec::F32Bits(finish.ends[buffers][0]),
        });
        run.parts.insert(key(Part::Finish), finish.into());
        run
    }

    /// Aggregates the updates of slots.
    pub fn aggregate(&self, runs: &[Run], lie: Option<Lie>) -> Run {
        let mut leaves = self.checkpoint();
        let model = self.spec.model.shape();
        for run in runs {
            let mut rest = &run.update[update::HEADER..];
            for len in update::lens(&model) {
                let (here, after) = rest.split_at(len as usize * 4);
                leaves.push(here.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect());
                rest = after;
            }
        }
        let program = programs::aggregate(&self.spec, runs.len() as u64);
        let done = execute(&program, &leaves, &[], Part::Aggregate, lie.as_ref());
        let mut run = Run { updates: runs.iter().map(|run| run.update.clone()).collect(), ..runs[0].clone() };
        run.states = vec![done.ends.clone()];
        run.roots = vec![root(&done.ends)];
        run.parts = BTreeMap::from([(key(Part::Aggregate), done.into())]);
        run
    }
}

/// A part that was executed.
#[derive(Clone, Debug)]
pub struct Done {
    pub leaves: Vec<Words>,
    pub outputs: Vec<Words>,
    pub ends: Vec<Words>,
    pub diverged: Option<(u32, u64)>,
}

/// Executes a program by the definitions, with a lie that everything after follows from.
pub fn execute(
    program: &dyn Program,
    leaves: &[Words],
    stream: &[u32],
    part: Part,
    lie: Option<&Lie>,
) -> Done {
    execute_warped(program, leaves, stream, part, lie, None)
}

fn execute_warped(
    program: &dyn Program,
    leaves: &[Words],
    stream: &[u32],
    part: Part,
    lie: Option<&Lie>,
    warp: Option<fn(&mut Vec<Instruction>)>,
) -> Done {
    let mut instructions = Vec::new();
    let ends = program.visit(&mut |_, op, inputs| {
        instructions.push(Instruction { op, inputs: inputs.into() });
    });
    if let Some(warp) = warp {
        warp(&mut instructions);
    }
    let mut outputs: Vec<Words> = Vec::new();
    let mut diverged = None;
    let finite = matches!(part, Part::Step(_));
    for (at, instruction) in (0u32..).zip(&instructions) {
        let inputs = instruction.inputs.iter().map(|operand| match operand.source {
            Source::Leaf(index) => leaves[index as usize].as_slice(),
            Source::Output(index) => outputs[index as usize].as_slice(),
            Source::Stream => stream,
        });
        let mut output = evaluate(instruction, &Inputs(inputs.collect())).unwrap();
        if let Some(lie) = lie.filter(|lie| lie.part == part && lie.instruction == at) {
            output[lie.element as usize] ^= lie.flip;
        }
        let wrong = output.iter().position(|word| !f32::from_bits(*word).is_finite());
        outputs.push(output);
        if let (true, true, Some(element)) = (finite, instruction.op.is_float(), wrong) {
            diverged = Some((at, element as u64));
            break;
        }
    }
    let end = |source| match source {
        Source::Leaf(index) => leaves[index as usize].clone(),
        Source::Output(index) => outputs[index as usize].clone(),
        Source::Stream => Vec::new(),
    };
    let ends = match diverged {
        Some(_) => Vec::new(),
        None => ends.into_iter().map(|operand| end(operand.source)).collect(),
    };
    Done { leaves: leaves.to_vec(), outputs, ends, diverged }
}

/// A step that diverges is the same part as the whole step.
pub fn key(part: Part) -> (u8, u32) {
    match part {
        Part::Begin => (0, 0),
        Part::Step(step) | Part::Diverging(step) => (1, step),
        Part::Finish => (2, 0),
        Part::Aggregate => (3, 0),
    }
}

/// A slot, or an aggregation, that was executed; all of it in memory.
#[derive(Clone, Debug)]
pub struct Run {
    pub slot: u16,
    pub base: Vec<Words>,
    pub stream: Words,
    pub stream_bytes: Vec<u8>,
    pub parts: BTreeMap<(u8, u32), Rc<Done>>,
    pub states: Vec<Vec<Words>>,
    pub roots: Vec<Digest>,
    pub outcome: Outcome,
    pub update: Vec<u8>,
    pub updates: Vec<Vec<u8>>,
}

fn no_update(_: u32) -> Option<Digest> {
    None
}

impl Run {
    fn keep(&mut self, state: Vec<Words>) {
        self.roots.push(root(&state));
        self.states.push(state);
    }

    /// The leaves below its commitment.
    pub fn leaves(&self, spec: &RunSpec) -> Vec<Digest> {
        self.roots.iter().step_by(spec.rounds.segment_steps as usize).copied().collect()
    }

    /// What the chain knows of the slot.
    pub fn facts<'a>(&self, world: &'a World) -> Facts<'a> {
        let subject = Subject::Slot { slot: self.slot, outcome: self.outcome };
        Facts { spec: &world.spec, round: ROUND, base: world.base_root(), subject, update: &no_update }
    }

    /// The claim that is wrong, for whoever executed the slot like this.
    pub fn find(&self, world: &World, theirs: &Run) -> Option<Claim> {
        match (self.outcome, theirs.outcome) {
            (own, other) if own == other => None,
            (_, Outcome::Diverged(_)) => Some(Claim::Divergence),
            (_, Outcome::Trained(_)) => {
                let (own, other) = (self.leaves(&world.spec), theirs.leaves(&world.spec));
                super::super::player::find(&own, &other).or(Some(Claim::Finish))
            }
        }
    }
}

/// Nothing that is asked for is missing.
#[derive(Debug)]
pub struct Missing;

impl Book for Run {
    type Error = Missing;

    fn state(&mut self, steps: u32) -> Result<Option<Digest>, Missing> {
        Ok(self.roots.get(steps as usize).copied())
    }

    fn buffers(&mut self, of: Buffers) -> Result<Vec<Digest>, Missing> {
        let leaves = match of {
            Buffers::Base => &self.base,
            Buffers::State(steps) => self.states.get(steps as usize).ok_or(Missing)?,
        };
        Ok(leaves.iter().map(|leaf| digest(leaf)).collect())
    }

    fn outputs(&mut self, part: Part) -> Result<Vec<Digest>, Missing> {
        let done = self.parts.get(&key(part)).ok_or(Missing)?;
        let finite = done.diverged.map_or(done.outputs.len(), |(at, _)| at as usize);
        Ok(done.outputs[..finite].iter().map(|output| digest(output)).collect())
    }

    fn diverges(&mut self, part: Part) -> Result<Option<(u32, u64)>, Missing> {
        Ok(self.parts.get(&key(part)).ok_or(Missing)?.diverged)
    }

    fn words(&mut self, part: Part, source: Source) -> Result<Cow<'_, [u32]>, Missing> {
        let done = self.parts.get(&key(part)).ok_or(Missing)?;
        let words = match source {
            Source::Leaf(index) => done.leaves.get(index as usize).ok_or(Missing)?,
            Source::Output(index) => done.outputs.get(index as usize).ok_or(Missing)?,
            Source::Stream => &self.stream,
        };
        Ok(Cow::Borrowed(words))
    }

    fn content(&mut self, blob: Blob) -> Result<Cow<'_, [u8]>, Missing> {
        Ok(Cow::Borrowed(match blob {
            Blob::Stream => &self.stream_bytes,
            Blob::Update(place) => self.updates.get(place as usize).ok_or(Missing)?,
            Blob::Own => &self.update,
        }))
    }
}
