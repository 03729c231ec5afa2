//! What is given: specification, stream, checkpoint; and its executions.

use std::{collections::BTreeMap, sync::Mutex};

use sabha_numerics::program::{Instruction, Program};
use sabha_protocol::{
    Digest, Divergence, NUMERICS_EXACT, Outcome, RoundIndex, RunSpec, SlotIndex,
    defaults::{AUDIT, CLOCKS, OUTER, PRICE_PER_SLOT, STAKE_PER_SLOT, rounds},
    dispute::Part,
    programs,
    spec::{DataSpec, F32Bits, ModelSpec, OptimiserSpec},
    update,
};

use crate::{
    Lie, Run, Words,
    execute::{Done, How, execute},
    root,
    run::key,
};

/// Updates that are aggregated.
pub const SLOTS: u16 = 3;

/// A run: its specification, its stream, a round's checkpoint.
pub struct World {
    /// The specification.
    pub spec: RunSpec,
    /// The round.
    pub round: RoundIndex,
    /// The stream's tokens.
    pub stream: Words,
    /// Parameters and momenta; none for the run's own start.
    pub base: Option<Vec<Words>>,
    /// What this world makes of the instructions of steps.
    pub warp: Option<fn(&mut Vec<Instruction>)>,
    /// Whether it trains on where numbers are not finite.
    pub careless: bool,
    /// Honest executions of slots, once they were asked for.
    pub honest: Mutex<BTreeMap<SlotIndex, Run>>,
}

/// A model of a few thousand parameters, three slots of two segments, a stream of 3,000 tokens.
pub fn spec(vocabulary: u32, feed_forward: u32, segment_steps: u32) -> RunSpec {
    RunSpec {
        numerics_version: NUMERICS_EXACT,
        seed: 7,
        initial_checkpoint: None,
        price_per_slot: PRICE_PER_SLOT,
        stake_per_slot: STAKE_PER_SLOT,
        model: ModelSpec {
            vocabulary,
            width: 16,
            layers: 1,
            heads: 2,
            feed_forward,
            context: 8,
            rope_base: 10_000.0.into(),
            norm_epsilon: 1e-5.into(),
            tied_embedding: false,
        },
        optimiser: OptimiserSpec {
            peak_rate: 3e-3.into(),
            floor_rate: 3e-4.into(),
            warmup_steps: 20,
            inner_warmup_steps: 2,
            beta1: 0.9.into(),
            beta2: 0.95.into(),
            epsilon: 1e-8.into(),
            weight_decay: 0.1.into(),
            clip_norm: 1.0.into(),
        },
        outer: OUTER,
        data: DataSpec {
            stream: Digest::default(),
            tokens: 3_000,
            token_bytes: 2,
            heldout_tokens: 500,
            sources: Default::default(),
        },
        rounds: rounds(8, segment_steps * 2, segment_steps, 2),
        audit: AUDIT,
        clocks: CLOCKS,
    }
}

impl World {
    /// The first round of a run, which starts from parameters that are drawn. The stream is made, and named in the specification.
    pub fn first(spec: RunSpec) -> Self {
        let vocabulary = spec.model.vocabulary;
        let stream = (0..3_000u32).map(|at| (at * at + at / 7) % vocabulary).collect();
        let (base, warp, careless) = (None, None, false);
        let mut world = Self { spec, round: 0, stream, base, warp, careless, honest: Mutex::default() };
        world.spec.data.stream = Digest::of(&world.stream_bytes());
        world
    }

    /// A later round of a small run.
    pub fn small() -> Self {
        Self::of(40, 24, 3)
    }

    /// A later round, with so many tokens, such a feed-forward part, and so many steps in a segment.
    pub fn of(vocabulary: u32, feed_forward: u32, segment_steps: u32) -> Self {
        let mut world = Self::first(spec(vocabulary, feed_forward, segment_steps));
        world.round = 3;
        // A checkpoint that something was trained to: parameters of another seed, momenta that are not zero.
        let other = RunSpec { seed: 99, ..world.spec.clone() };
        let mut base = drawn(&other);
        let momenta: Vec<Words> = base
            .iter()
            .map(|words| (0..words.len()).map(|at| (at as f32 * 1e-5 - 1e-3).to_bits()).collect())
            .collect();
        base.extend(momenta);
        world.base = Some(base);
        world
    }

    /// The stream as it is named.
    pub fn stream_bytes(&self) -> Vec<u8> {
        let width = usize::from(self.spec.data.token_bytes);
        self.stream.iter().flat_map(|token| token.to_le_bytes().into_iter().take(width)).collect()
    }

    /// Root of the checkpoint; none for the run's own start.
    pub fn base_root(&self) -> Option<Digest> {
        self.base.as_ref().map(|base| root(base))
    }

    /// Parameters and momenta.
    pub fn checkpoint(&self) -> Vec<Words> {
        self.base.clone().unwrap_or_else(|| {
            let mut all = drawn(&self.spec);
            let zeros: Vec<Words> = all.iter().map(|words| vec![0; words.len()]).collect();
            all.extend(zeros);
            all
        })
    }

    fn how<'a>(&self, lie: Option<&'a Lie>) -> How<'a> {
        How { lie, ..How::default() }
    }

    /// Executes a step from a state.
    pub fn step(&self, slot: SlotIndex, step: u32, state: &[Words], lie: Option<&Lie>) -> Done {
        let id = programs::StepId { round: self.round, slot, step };
        let program = programs::step(&self.spec, id).expect("the stream is long enough");
        let how = How { lie, warp: self.warp, careless: self.careless };
        execute(&program, state, &self.stream, Part::Step(step), how)
    }

    /// The program of a part of a slot.
    pub fn program(&self, slot: SlotIndex, part: Part) -> Box<dyn Program> {
        match part {
            Part::Begin => Box::new(programs::begin(&self.spec)),
            Part::Step(step) | Part::Diverging(step) => {
                let id = programs::StepId { round: self.round, slot, step };
                Box::new(programs::step(&self.spec, id).expect("the stream is long enough"))
            }
            Part::Finish => Box::new(programs::finish(&self.spec)),
            Part::Aggregate => Box::new(programs::aggregate(&self.spec, SLOTS.into())),
        }
    }

    /// Executes a slot. What comes before a lie is executed once for all.
    pub fn run(&self, slot: SlotIndex, lie: Option<Lie>) -> Run {
        if self.warp.is_some() {
            return self.execute(slot, lie, None);
        }
        let honest = || self.execute(slot, None, None);
        let honest =
            self.honest.lock().expect("no test poisons it").entry(slot).or_insert_with(honest).clone();
        let before = match lie.map(|lie| lie.part) {
            None => return honest,
            Some(Part::Begin | Part::Aggregate) => return self.execute(slot, lie, None),
            Some(Part::Step(step) | Part::Diverging(step)) => step,
            Some(Part::Finish) => self.spec.rounds.inner_steps,
        };
        self.execute(slot, lie, Some((&honest, before)))
    }

    /// Goes on from what a step came to that was executed otherwise.
    pub fn go_on(&self, run: &Run, step: u32, done: Done) -> Run {
        let (mut run, steps) = (run.clone(), step + 1);
        run.states.truncate(steps as usize);
        run.roots.truncate(steps as usize);
        run.keep(done.ends.clone());
        run.parts.insert(key(Part::Step(step)), done.into());
        self.execute(run.slot, None, Some((&run, steps)))
    }

    /// Executes a slot, or goes on from so many steps of another execution.
    fn execute(&self, slot: SlotIndex, lie: Option<Lie>, from: Option<(&Run, u32)>) -> Run {
        let lie = lie.as_ref();
        let mut run = Run {
            slot,
            segment_steps: self.spec.rounds.segment_steps,
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
            let begin = execute(&programs::begin(&self.spec), start, &[], Part::Begin, self.how(lie));
            run.keep(begin.ends.clone());
            run.parts.insert(key(Part::Begin), begin.into());
            0
        };
        for step in first..self.spec.rounds.inner_steps {
            let done = self.step(slot, step, run.states.last().expect("a state"), lie);
            let (diverged, ends) = (done.diverged, done.ends.clone());
            run.parts.insert(key(Part::Step(step)), done.into());
            if let Some((instruction, element)) = diverged {
                let element = element as u32;
                run.outcome = Outcome::Diverged(Divergence { step, instruction, element });
                return run;
            }
            run.keep(ends);
        }
        let last = run.states.last().expect("a state");
        let mut leaves = run.base[..parameters].to_vec();
        leaves.extend((0..parameters).map(|at| last[at * 3].clone()));
        leaves.push(last[parameters * 3 + 1].clone());
        let finish = execute(&programs::finish(&self.spec), &leaves, &[], Part::Finish, self.how(lie));
        run.update = update::header(&self.spec.hash(), self.round, slot).to_vec();
        let buffers = finish.ends.len() - 1;
        let words = finish.ends[..buffers].iter().flatten();
        run.update.extend(words.flat_map(|word| word.to_le_bytes()));
        assert_eq!(run.update.len() as u64, update::bytes(&self.spec.model.shape()));
        run.commit(F32Bits(finish.ends[buffers][0]));
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
        let done = execute(&program, &leaves, &[], Part::Aggregate, self.how(lie.as_ref()));
        let mut run = Run { updates: runs.iter().map(|run| run.update.clone()).collect(), ..runs[0].clone() };
        run.states = vec![done.ends.clone()];
        run.roots = vec![root(&done.ends)];
        run.parts = BTreeMap::from([(key(Part::Aggregate), done.into())]);
        run
    }
}

/// Parameters as they are drawn.
fn drawn(spec: &RunSpec) -> Vec<Words> {
    execute(&programs::init(spec), &[], &[], Part::Begin, How::default()).ends
}
