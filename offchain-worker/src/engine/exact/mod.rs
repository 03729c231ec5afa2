//! The exact engine (numerics version 1): the programs of `sabha-numerics` on the executor of `sabha-engine`.
//!
//! Every bit of a state is defined, element by element, so a result is the same on any machine, with any number of threads, on
//! any path; the chain can judge it.
//!
//! With the feature `cuda` it computes on an NVIDIA GPU as well. That has never been done: [`sabha_engine`] says how the kernels
//! were checked instead, and [`ExactEngine::compare_kernels`] has to pass on a GPU before a worker uses it.

pub mod footprint;
pub(crate) mod leaves;

use super::{CandleEngine, Checkpoint, Engine, EngineError, Inference, Session, State, StepOutcome, device};
use crate::data::Batch;
use candle_core::{Device, Tensor};
#[cfg(feature = "cuda")]
use sabha_engine::cuda::{compare, device::Gpu};
use sabha_engine::{
    executor::{ExecuteError, Executor, digests, words},
    kernels::Context,
    plan::Purpose,
};
use sabha_numerics::{
    op::Op,
    program::{EvaluateProgram, Instruction, Model, Program, Source, StepProgram},
    state_root,
};
use sabha_protocol::{
    Digest, Divergence, NUMERICS_EXACT,
    spec::{ModelSpec, Parameter, RunSpec},
};
use std::{cell::RefCell, collections::BTreeMap};

/// The exact engine on one device.
#[derive(Clone, Debug)]
pub struct ExactEngine {
    device: Device,
}

impl ExactEngine {
    /// The engine on the CPU.
    pub fn cpu() -> Self {
        Self::on(Device::Cpu)
    }

    /// The engine on a device.
    pub fn on(device: Device) -> Self {
        Self { device }
    }

    /// A program with its memory, on the engine's device.
    pub(crate) fn executor(&self, program: &impl Program, purpose: Purpose) -> Result<Executor, EngineError> {
        Ok(Executor::new(program, purpose, &self.device, Context::new())?)
    }

    /// On a GPU: compares every kernel there with the definition of its operation, and returns how many families of operations that
    /// were. `None` on a CPU, where the tests of this project have compared every path.
    ///
    /// # Errors
    /// [`EngineError::Bits`] at the first difference: that GPU must not be used.
    pub fn compare_kernels(&self) -> Result<Option<usize>, EngineError> {
        #[cfg(feature = "cuda")]
        if let Device::Cuda(device) = &self.device {
            let mut gpu = Gpu::new(device)?;
            compare::all(&mut gpu).map_err(|error| EngineError::Bits(error.to_string()))?;
            return Ok(Some(compare::FAMILIES.len()));
        }
        Ok(None)
    }
}

impl From<ExecuteError> for EngineError {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Device(error) => EngineError::Backend(error.to_string()),
            error @ (ExecuteError::Fit { .. } | ExecuteError::Shape(_)) => {
                EngineError::Shape(error.to_string())
            }
        }
    }
}

impl Engine for ExactEngine {
    fn follows(&self, numerics_version: u16) -> bool {
        numerics_version == NUMERICS_EXACT
    }

    fn describe(&self) -> String {
        let device = device::describe(&self.device);
        if !self.device.is_cpu() {
            return format!("exact arithmetic on {device}");
        }
        let (path, threads) = (Context::new().path(), rayon::current_num_threads());
        format!("exact arithmetic on {device} ({path}), {threads} threads")
    }

    fn resume(&self, spec: &RunSpec, state: &State) -> Result<Box<dyn Session>, EngineError> {
        belongs(&state.checkpoint, &spec.model)?;
        let program = program(spec, 0.0, state.step.saturating_add(1), spec.rounds.batch as usize);
        let mut executor = self.executor(&program, Purpose::Advance)?;
        leaves::load(&mut executor, state)?;
        let (instructions, _) = program.instructions();
        Ok(Box::new(ExactSession {
            spec: spec.clone(),
            parameters: state.checkpoint.parameters().to_vec(),
            told: Told::of(&instructions),
            executor,
            step: state.step,
        }))
    }

    fn load(&self, model: &ModelSpec, checkpoint: &Checkpoint) -> Result<Box<dyn Inference>, EngineError> {
        belongs(checkpoint, model)?;
        Ok(Box::new(ExactInference {
            model: *model,
            checkpoint: checkpoint.clone(),
            people: CandleEngine::on(self.device.clone()).load(model, checkpoint)?,
            engine: self.clone(),
            executors: RefCell::default(),
        }))
    }
}

/// Whether a checkpoint is one of a model.
pub(super) fn belongs(checkpoint: &Checkpoint, model: &ModelSpec) -> Result<(), EngineError> {
    if checkpoint.is_of(model) {
        return Ok(());
    }
    Err(EngineError::Shape("the checkpoint belongs to another model than the specification's".into()))
}

/// The program of a step. Its tokens are given, so where they stand in the stream is left open.
pub(crate) fn program(spec: &RunSpec, rate: f32, step: u32, samples: usize) -> StepProgram {
    StepProgram {
        model: spec.model.shape(),
        optimiser: spec.optimiser.numerics(),
        rate,
        step,
        stream: spec.data.tokens,
        offsets: vec![0; samples],
    }
}

/// What an instruction of a run's steps does, by name. `None` if a step has no such instruction, or the run follows another numerics
/// version.
pub fn operation(spec: &RunSpec, instruction: u32) -> Option<&'static str> {
    let exact = spec.numerics_version == NUMERICS_EXACT;
    let found = exact.then(|| footprint::program(spec).instruction(instruction)).flatten();
    found.map(|found| found.op.name())
}

/// Instructions whose results people are told.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// The mean loss.
    loss: Option<u32>,
    /// The square of the gradient's norm.
    square: Option<u32>,
}

impl Told {
    fn of(instructions: &[Instruction]) -> Self {
        let input = |instruction: &Instruction, index: usize| match instruction.inputs.get(index)?.source {
            Source::Output(output) => Some(output),
            Source::Leaf(_) | Source::Stream => None,
        };
        // The last instruction adds the loss to the sum of losses.
        let loss = instructions.last().and_then(|last| input(last, 1));
        let clip = instructions.iter().find(|instruction| matches!(instruction.op, Op::ClipFactor(_)));
        Self { loss, square: clip.and_then(|clip| input(clip, 0)) }
    }
}

struct ExactSession {
    spec: RunSpec,
    parameters: Vec<Parameter>,
    told: Told,
    executor: Executor,
    step: u32,
}

impl Session for ExactSession {
    fn steps_done(&self) -> u32 {
        self.step
    }

    fn step(&mut self, batch: &Batch, rate: f32) -> Result<StepOutcome, EngineError> {
        let program = program(&self.spec, rate, self.step.saturating_add(1), batch.samples);
        let (mut loss, mut square) = (0.0, 0.0);
        let told = self.told;
        let mut watch = |index: u32, output: &Tensor| {
            let of = |wanted: Option<u32>, number: &mut f32| -> Result<(), ExecuteError> {
                if wanted == Some(index) {
                    *number = output.narrow(0, 0, 1)?.to_vec1::<f32>()?.first().copied().unwrap_or(0.0);
                }
                Ok(())
            };
            of(told.loss, &mut loss)?;
            of(told.square, &mut square)
        };
        let tokens = [batch.inputs.as_slice(), batch.targets.as_slice()];
        if let Some(at) = self.executor.run_watched(&program, &tokens, &mut watch)? {
            let element = u32::try_from(at.element).unwrap_or(u32::MAX);
            let (step, instruction) = (self.step, at.instruction);
            return Ok(StepOutcome::Diverged(Divergence { step, instruction, element }));
        }
        self.step = self.step.saturating_add(1);
        Ok(StepOutcome::Done { loss, gradient_norm: square.sqrt() })
    }

    fn state(&self) -> Result<State, EngineError> {
        let leaves = self.executor.leaves();
        leaves::read(&self.parameters, self.step, |leaf| leaves.get(leaf).map_or(Ok(Vec::new()), words))
    }

    fn digest(&self) -> Result<Digest, EngineError> {
        Ok(Digest(state_root(&digests(self.executor.leaves())?)))
    }
}

struct ExactInference {
    engine: ExactEngine,
    model: ModelSpec,
    checkpoint: Checkpoint,
    /// For text: nobody disputes that.
    people: Box<dyn Inference>,
    /// By the number of samples in a batch.
    executors: RefCell<BTreeMap<usize, Executor>>,
}

impl Inference for ExactInference {
    fn loss(&self, batch: &Batch) -> Result<f64, EngineError> {
        if batch.context != self.model.context as usize || batch.samples == 0 {
            return self.people.loss(batch);
        }
        let program =
            EvaluateProgram { model: self.model.shape(), stream: u64::MAX, offsets: vec![0; batch.samples] };
        let mut executors = self.executors.borrow_mut();
        let executor = match executors.entry(batch.samples) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let mut executor = self.engine.executor(&program, Purpose::Compute)?;
                for (index, values) in self.checkpoint.values().iter().enumerate() {
                    executor.set_leaf(index, values)?;
                }
                entry.insert(executor)
            }
        };
        if executor.run(&program, &[&batch.inputs, &batch.targets])?.is_some() {
            return Ok(f64::INFINITY);
        }
        let loss = executor.end(0)?.first().copied().unwrap_or(0);
        Ok(f64::from(f32::from_bits(loss)))
    }

    fn next_logits(&self, tokens: &[u32]) -> Result<Vec<f32>, EngineError> {
        self.people.next_logits(tokens)
    }

    fn logits(&self, tokens: &[u32]) -> Result<Vec<f32>, EngineError> {
        let context = tokens.len() as u64;
        if context == 0 || context > u64::from(self.model.context) {
            return Err(EngineError::Shape(format!("{context} tokens do not fit the model's context")));
        }
        let vocabulary = self.model.vocabulary;
        if let Some(token) = tokens.iter().find(|token| **token >= vocabulary) {
            return Err(EngineError::Shape(format!(
                "the model knows {vocabulary} tokens, not token {token}"
            )));
        }
        // Positions are counted from the start, so a shorter context is a prefix of the model's.
        let model = Model { context, ..self.model.shape() };
        let program = EvaluateProgram { model, stream: u64::MAX, offsets: vec![0] };
        let (instructions, _) = program.instructions();
        let chosen = instructions.iter().find(|instruction| matches!(instruction.op, Op::TargetLogit(_)));
        let source = chosen.and_then(|chosen| chosen.inputs.first()).map(|input| input.source);
        let mut executor = self.engine.executor(&program, Purpose::Compute)?;
        for (index, values) in self.checkpoint.values().iter().enumerate() {
            executor.set_leaf(index, values)?;
        }
        let size = tokens.len() * self.model.vocabulary as usize;
        let mut logits = Vec::new();
        let mut watch = |index: u32, output: &Tensor| {
            if Some(Source::Output(index)) == source {
                logits = output.narrow(0, 0, size)?.to_vec1::<f32>()?;
            }
            Ok(())
        };
        if let Some(at) = executor.run_watched(&program, &[tokens, tokens], &mut watch)? {
            return Err(EngineError::NotFinite { instruction: at.instruction, element: at.element });
        }
        Ok(logits)
    }
}

#[cfg(test)]
mod tests;
