//! A small run, executed by the definitions, with a lie where one is wanted. Each side of a game plays from one.

use std::{borrow::Cow, collections::BTreeMap, sync::OnceLock};

use sabha_numerics::{
    buffer_digest,
    program::{Instruction, Program, Source},
    reference::{Inputs, evaluate},
    state_root,
};
use sabha_protocol::{
    Commitment, Digest, NUMERICS_EXACT, Outcome, RunSpec, SlotIndex, UNITS,
    defaults::{AUDIT, CLOCKS, OUTER, PRICE_PER_SLOT, STAKE_PER_SLOT, rounds},
    dispute::{
        Part,
        player::{Blob, Book, Buffers},
    },
    programs,
    spec::{AuditSpec, ClockSpec, DataSpec, F32Bits, ModelSpec, OptimiserSpec},
    update,
};

type Words = Vec<u32>;

/// A change of one element of one instruction of one part, that everything after follows from.
#[derive(Clone, Copy, Debug)]
pub struct Lie {
    pub part: Part,
    pub instruction: u32,
    pub element: usize,
    /// Bits of the word.
    pub flip: u32,
}

/// A model of a few thousand parameters, three slots of eight steps, four segments of which two are audited.
pub fn spec() -> RunSpec {
    RunSpec {
        numerics_version: NUMERICS_EXACT,
        seed: 1,
        initial_checkpoint: None,
        price_per_slot: PRICE_PER_SLOT,
        stake_per_slot: STAKE_PER_SLOT,
        model: ModelSpec {
            vocabulary: 40,
            width: 16,
            layers: 1,
            heads: 2,
            feed_forward: 24,
            context: 8,
            rope_base: 10_000.0.into(),
            norm_epsilon: 1e-5.into(),
            tied_embedding: true,
        },
        optimiser: OptimiserSpec {
            peak_rate: 1e-3.into(),
            floor_rate: 1e-4.into(),
            warmup_steps: 2,
            inner_warmup_steps: 0,
            beta1: 0.9.into(),
            beta2: 0.95.into(),
            epsilon: 1e-8.into(),
            weight_decay: 0.1.into(),
            clip_norm: 1.0.into(),
        },
        outer: OUTER,
        data: DataSpec {
            stream: Digest::of(&bytes(&stream())),
            tokens: 3_000,
            token_bytes: 2,
            heldout_tokens: 500,
            sources: Default::default(),
        },
        rounds: rounds(1, 8, 2, 2),
        // More seats than slots: one slot has two.
        audit: AuditSpec { auditors: 4, auditor_price: 5 * UNITS / 4, ..AUDIT },
        // Room for a game after the audits.
        clocks: ClockSpec { window: 240, ..CLOCKS },
    }
}

fn stream() -> Words {
    (0..3_000u32).map(|at| (at * at + at / 7) % 40).collect()
}

/// Tokens of two bytes.
fn bytes(stream: &[u32]) -> Vec<u8> {
    stream.iter().flat_map(|token| (*token as u16).to_le_bytes()).collect()
}

fn digest(words: &[u32]) -> Digest {
    let floats: Vec<f32> = words.iter().copied().map(f32::from_bits).collect();
    Digest(buffer_digest(&floats))
}

fn root(leaves: &[Words]) -> Digest {
    let digests: Vec<[u8; 32]> = leaves.iter().map(|leaf| digest(leaf).0).collect();
    Digest(state_root(&digests))
}

/// A part that was executed.
#[derive(Clone, Debug)]
struct Done {
    leaves: Vec<Words>,
    outputs: Vec<Words>,
    ends: Vec<Words>,
}

fn execute(program: &dyn Program, leaves: &[Words], part: Part, lie: Option<&Lie>) -> Done {
    let (mut outputs, stream): (Vec<Words>, Words) = (Vec::new(), stream());
    let mut instructions = Vec::new();
    let ends = program.visit(&mut |_, op, inputs| {
        instructions.push(Instruction { op, inputs: inputs.into() });
    });
    for (at, instruction) in (0u32..).zip(&instructions) {
        let inputs = instruction.inputs.iter().map(|operand| match operand.source {
            Source::Leaf(index) => leaves[index as usize].as_slice(),
            Source::Output(index) => outputs[index as usize].as_slice(),
            Source::Stream => stream.as_slice(),
        });
        let mut output = evaluate(instruction, &Inputs(inputs.collect())).expect("it has its inputs");
        if let Some(lie) = lie.filter(|lie| lie.part == part && lie.instruction == at) {
            output[lie.element] ^= lie.flip;
        }
        outputs.push(output);
    }
    let end = |source| match source {
        Source::Leaf(index) => leaves[index as usize].clone(),
        Source::Output(index) => outputs[index as usize].clone(),
        Source::Stream => Vec::new(),
    };
    let ends = ends.into_iter().map(|operand| end(operand.source)).collect();
    Done { leaves: leaves.to_vec(), outputs, ends }
}

/// A lie about the first thing that a part ends with.
pub fn lie_at_end(part: Part) -> Lie {
    let spec = spec();
    let program: Box<dyn Program> = match part {
        Part::Begin => Box::new(programs::begin(&spec)),
        Part::Step(step) | Part::Diverging(step) => {
            let id = programs::StepId { round: 0, slot: 0, step };
            Box::new(programs::step(&spec, id).expect("the stream is long enough"))
        }
        Part::Finish => Box::new(programs::finish(&spec)),
        Part::Aggregate => Box::new(programs::aggregate(&spec, 3)),
    };
    match program.visit(&mut |_, _, _| ())[0].source {
        Source::Output(instruction) => Lie { part, instruction, element: 1, flip: 1 << 3 },
        source => panic!("{part:?} ends with {source:?}"),
    }
}

/// Parameters that are drawn, and no momentum.
fn checkpoint() -> Vec<Words> {
    let mut all = execute(&programs::init(&spec()), &[], Part::Begin, None).ends;
    let zeros: Vec<Words> = all.iter().map(|words| vec![0; words.len()]).collect();
    all.extend(zeros);
    all
}

/// A slot, or an aggregation, that was executed; all of it in memory.
#[derive(Clone, Debug)]
pub struct Run {
    base: Vec<Words>,
    stream: Words,
    stream_bytes: Vec<u8>,
    parts: BTreeMap<(u8, u32), Done>,
    states: Vec<Vec<Words>>,
    roots: Vec<Digest>,
    update: Vec<u8>,
    updates: Vec<Vec<u8>>,
    pub outcome: Outcome,
}

/// A step that is said to diverge is the same part as the whole step.
fn key(part: Part) -> (u8, u32) {
    match part {
        Part::Begin => (0, 0),
        Part::Step(step) | Part::Diverging(step) => (1, step),
        Part::Finish => (2, 0),
        Part::Aggregate => (3, 0),
    }
}

/// The slots of round 0, executed honestly, once for all tests.
pub fn honest(slot: SlotIndex) -> &'static Run {
    static RUNS: OnceLock<Vec<Run>> = OnceLock::new();
    &RUNS.get_or_init(|| (0..3).map(|slot| train(slot, None)).collect())[usize::from(slot)]
}

/// Executes a slot of round 0.
pub fn train(slot: SlotIndex, lie: Option<Lie>) -> Run {
    let (spec, lie) = (spec(), lie.as_ref());
    let (base, stream) = (checkpoint(), stream());
    let stream_bytes = bytes(&stream);
    let outcome = Outcome::Diverged(sabha_protocol::Divergence { step: 0, instruction: 0, element: 0 });
    let mut run = Run {
        base,
        stream,
        stream_bytes,
        parts: BTreeMap::new(),
        states: Vec::new(),
        roots: Vec::new(),
        update: Vec::new(),
        updates: Vec::new(),
        outcome,
    };
    let parameters = spec.model.shape().parameter_count() as usize;
    let begun = execute(&programs::begin(&spec), &run.base[..parameters], Part::Begin, lie);
    run.keep(Part::Begin, begun);
    for step in 0..spec.rounds.inner_steps {
        let id = programs::StepId { round: 0, slot, step };
        let program = programs::step(&spec, id).expect("the stream is long enough");
        let done = execute(&program, run.states.last().expect("a state"), Part::Step(step), lie);
        run.keep(Part::Step(step), done);
    }
    let last = run.states.last().expect("a state");
    let mut leaves = run.base[..parameters].to_vec();
    leaves.extend((0..parameters).map(|at| last[at * 3].clone()));
    leaves.push(last[parameters * 3 + 1].clone());
    let finished = execute(&programs::finish(&spec), &leaves, Part::Finish, lie);
    let buffers = finished.ends.len() - 1;
    run.update = update::header(&spec.hash(), 0, slot).to_vec();
    run.update.extend(finished.ends[..buffers].iter().flatten().flat_map(|word| word.to_le_bytes()));
    run.outcome = Outcome::Trained(Commitment {
        segments_root: sabha_protocol::segments_root(&run.leaves()),
        update_digest: Digest::of(&run.update),
        mean_loss: F32Bits(finished.ends[buffers][0]),
    });
    run.parts.insert(key(Part::Finish), finished);
    run
}

/// Aggregates the updates of slots.
pub fn aggregate(runs: &[Run], lie: Option<Lie>) -> Run {
    let spec = spec();
    let mut leaves = checkpoint();
    for run in runs {
        let mut rest = &run.update[update::HEADER..];
        for len in update::lens(&spec.model.shape()) {
            let (here, after) = rest.split_at(len as usize * 4);
            leaves.push(here.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect());
            rest = after;
        }
    }
    let program = programs::aggregate(&spec, runs.len() as u64);
    let done = execute(&program, &leaves, Part::Aggregate, lie.as_ref());
    let updates = runs.iter().map(|run| run.update.clone()).collect();
    Run {
        states: vec![done.ends.clone()],
        roots: vec![root(&done.ends)],
        parts: BTreeMap::from([(key(Part::Aggregate), done)]),
        updates,
        ..runs[0].clone()
    }
}

impl Run {
    fn keep(&mut self, part: Part, done: Done) {
        self.roots.push(root(&done.ends));
        self.states.push(done.ends.clone());
        self.parts.insert(key(part), done);
    }

    /// The leaves below its commitment.
    pub fn leaves(&self) -> Vec<Digest> {
        self.roots.iter().step_by(spec().rounds.segment_steps as usize).copied().collect()
    }

    /// Root of what it ends with.
    pub fn last_root(&self) -> Digest {
        self.roots[self.roots.len() - 1]
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
        Ok(done.outputs.iter().map(|output| digest(output)).collect())
    }

    fn diverges(&mut self, _: Part) -> Result<Option<(u32, u64)>, Missing> {
        Ok(None)
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
