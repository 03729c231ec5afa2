//! Training: an engine behind a trait, and what is done with one.
//!
//! | module | subject |
//! |---|---|
//! | [`exact`] | the exact engine (numerics version 1): programs of defined bits, on CPU or CUDA |
//! | [`candle`] | the yardstick engine (numerics version 0): ordinary candle operations on CPU or CUDA |
//! | [`any`] | both, as a specification asks |
//! | [`device`] | what to compute on, by name |
//! | [`disputes`] | whatever a dispute asks of an execution |
//! | [`selftest`] | whether this machine has the defined bits |
//! | [`checkpoint`] | parameters and whole states: files, digests, roots |
//! | [`init`] | the parameters that a run starts from |
//! | [`memory`] | whether work fits this machine, before anything is allocated |
//! | [`reserve`] | memory that is promised to work that goes on |
//! | [`runner`] | one slot, from its checkpoint to its outcome; stopping and going on |
//! | [`park`] | the state of a slot that was stopped, as a file |
//! | [`rounds`] | between slots: updates, their aggregation, checkpoints, by the exact engine |
//! | [`local`] | a whole run on this machine alone |
//! | [`evaluate`] | the loss on text that was never trained on |
//! | [`generate`] | text from a trained model |
//! | [`export`] | a model for other programs |
//! | [`replay`] | a segment once more, with everything written down |
//!
//! What an engine computes is named by its *numerics version*, which a run's specification asks for. Version 0 is plain candle:
//! on one machine, with one number of threads, the same slot gives the same bits; across machines, numbers of threads or
//! devices it does not, so its results cannot be disputed. Version 1 is exact: the same bits everywhere, and updates that can be
//! aggregated.

pub mod any;
pub mod candle;
pub mod checkpoint;
pub mod device;
pub mod disputes;
pub mod evaluate;
pub mod exact;
pub mod export;
pub mod generate;
pub mod init;
pub mod local;
pub mod memory;
pub mod park;
pub mod replay;
pub mod reserve;
pub mod rounds;
pub mod runner;
pub mod selftest;

#[cfg(test)]
pub(crate) mod testing;

pub use self::{
    any::AnyEngine,
    candle::CandleEngine,
    checkpoint::{Checkpoint, CheckpointError, State},
    exact::ExactEngine,
    memory::{MemoryError, MemoryLimit},
    reserve::{Ledger, Reservation},
    runner::{Observer, SlotEnd, SlotJob, StepReport, Trained, run_slot},
};

use crate::data::Batch;
use sabha_protocol::{
    Digest, Divergence,
    spec::{ModelSpec, RunSpec},
};

/// Computes training steps. Engines are stateless; a [`Session`] holds a state.
pub trait Engine: Send + Sync {
    /// Whether the engine's results follow a numerics version.
    fn follows(&self, numerics_version: u16) -> bool;

    /// Name and device, for people.
    fn describe(&self) -> String;

    /// The state of a slot before its first step: the checkpoint, zero moments, step 0.
    ///
    /// # Errors
    /// If the device fails, or the checkpoint is not one of the specification's model.
    fn begin(&self, spec: &RunSpec, checkpoint: &Checkpoint) -> Result<Box<dyn Session>, EngineError> {
        self.resume(spec, &State::begin(checkpoint.clone()))
    }

    /// Goes on from a state that another session returned.
    ///
    /// # Errors
    /// If the device fails, or the state is not one of the specification's model.
    fn resume(&self, spec: &RunSpec, state: &State) -> Result<Box<dyn Session>, EngineError>;

    /// A model that is used, not trained.
    ///
    /// # Errors
    /// If the device fails, or the checkpoint is not one of the model.
    fn load(&self, model: &ModelSpec, checkpoint: &Checkpoint) -> Result<Box<dyn Inference>, EngineError>;
}

/// A state in the middle of a slot.
pub trait Session {
    /// Inner steps done since the slot's start.
    fn steps_done(&self) -> u32;

    /// Does one step with learning rate `rate`.
    ///
    /// After [`StepOutcome::Diverged`] or an error the session is of no further use.
    ///
    /// # Errors
    /// If the device fails, or the batch does not fit the model.
    fn step(&mut self, batch: &Batch, rate: f32) -> Result<StepOutcome, EngineError>;

    /// A copy of the whole state.
    ///
    /// # Errors
    /// If the device fails.
    fn state(&self) -> Result<State, EngineError>;

    /// The state's root.
    ///
    /// # Errors
    /// If the device fails.
    fn digest(&self) -> Result<Digest, EngineError> {
        Ok(self.state()?.root())
    }
}

/// A model in use.
pub trait Inference {
    /// The mean loss over all targets of a batch, in nats per token.
    ///
    /// # Errors
    /// If the device fails, or the batch does not fit the model.
    fn loss(&self, batch: &Batch) -> Result<f64, EngineError>;

    /// The logits of the token that follows `tokens`: one per token of the vocabulary. Of long texts the last
    /// `model.context` tokens count.
    ///
    /// # Errors
    /// If the device fails, or there are no tokens.
    fn next_logits(&self, tokens: &[u32]) -> Result<Vec<f32>, EngineError>;

    /// The logits that follow each of `tokens`, row by row: at most the model's context.
    ///
    /// # Errors
    /// If the device fails, or the tokens do not fit.
    fn logits(&self, tokens: &[u32]) -> Result<Vec<f32>, EngineError> {
        let mut all = Vec::new();
        for end in 1..=tokens.len() {
            all.extend(self.next_logits(tokens.get(..end).unwrap_or_default())?);
        }
        Ok(all)
    }
}

/// What one step came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StepOutcome {
    /// The step was done.
    Done {
        /// Mean loss over the batch before the step, in nats per token.
        loss: f32,
        /// Global norm of the gradient, before clipping.
        gradient_norm: f32,
    },
    /// The step left the finite numbers.
    Diverged(Divergence),
}

/// Why an engine could not compute.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The device or its library failed.
    #[error("the engine failed: {0}")]
    Backend(String),
    /// The device is not there.
    #[error("no such device: {0}")]
    Device(String),
    /// The device computes other bits than the definitions.
    #[error("this GPU must not be used: {0}")]
    Bits(String),
    /// The run needs another engine.
    #[error("the run follows numerics version {wanted}, which this engine does not compute ({device})")]
    Numerics {
        /// What the specification asks for.
        wanted: u16,
        /// The engine.
        device: String,
    },
    /// The model's outputs cannot be told.
    #[error(
        "the model's arithmetic leaves the finite numbers at instruction {instruction}, element {element}: there are no logits"
    )]
    NotFinite {
        /// The instruction of the evaluation's program.
        instruction: u32,
        /// The first element of its output that is not finite.
        element: u64,
    },
    /// Tokens or parameters of another shape than the model's.
    #[error("{0}")]
    Shape(String),
}

impl From<candle_core::Error> for EngineError {
    fn from(error: candle_core::Error) -> Self {
        EngineError::Backend(error.to_string())
    }
}
