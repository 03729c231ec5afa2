//! The yardstick engine: a Llama-style decoder in ordinary, differentiable candle operations.
//!
//! candle's fused norms, softmax and rotary embedding have no backward pass and drop gradients without a word, so none is used;
//! a test checks that every parameter gets a gradient. Bits are the same from run to run on one CPU with one number of threads
//! and are not claimed beyond that.
//!
//! With the `cuda` feature the same operations run on an NVIDIA GPU. That path is compiled by the feature and has not been run
//! on hardware by this project yet.

// No bits are claimed.
#![allow(clippy::disallowed_methods)]

mod adamw;
mod decoder;

pub use decoder::Decoder;

use super::{Checkpoint, Engine, EngineError, Inference, Session, State, StepOutcome, device};
use crate::data::Batch;
use adamw::AdamW;
use candle_core::{DType, Device, Tensor, Var};
use sabha_protocol::{
    Divergence, NUMERICS_YARDSTICK,
    spec::{ModelSpec, RunSpec},
};

/// The candle engine on one device.
#[derive(Clone, Debug)]
pub struct CandleEngine {
    device: Device,
}

/// Which instruction of a step a divergence names in numerics version 0: the loss, ...
const LOSS: u32 = 0;
/// ... the gradient's norm, ...
const GRADIENT: u32 = 1;
/// ... or the update of parameter i, as this plus i.
const UPDATE: u32 = 2;

impl CandleEngine {
    /// The engine on the CPU.
    pub fn cpu() -> Self {
        Self::on(Device::Cpu)
    }

    /// The engine on a device.
    pub fn on(device: Device) -> Self {
        Self { device }
    }

    fn upload(&self, checkpoint: &Checkpoint, values: &[Vec<f32>]) -> Result<Vec<Tensor>, EngineError> {
        let tensor = |(parameter, values): (&sabha_protocol::spec::Parameter, &Vec<f32>)| {
            let shape: Vec<usize> = parameter.shape.iter().map(|d| *d as usize).collect();
            Ok(Tensor::from_slice(values, shape, &self.device)?)
        };
        checkpoint.parameters().iter().zip(values).map(tensor).collect()
    }
}

impl Engine for CandleEngine {
    fn follows(&self, numerics_version: u16) -> bool {
        numerics_version == NUMERICS_YARDSTICK
    }

    fn describe(&self) -> String {
        let device = device::describe(&self.device);
        if self.device.is_cpu() {
            return format!("candle on {device}, {} threads", candle_core::utils::get_num_threads());
        }
        format!("candle on {device}")
    }

    fn resume(&self, spec: &RunSpec, state: &State) -> Result<Box<dyn Session>, EngineError> {
        belongs(&state.checkpoint, &spec.model)?;
        let decoder = Decoder::new(&spec.model, &self.device, DType::F32)?;
        let variables: Result<Vec<Var>, _> =
            self.upload(&state.checkpoint, state.checkpoint.values())?.iter().map(Var::from_tensor).collect();
        let optimiser = AdamW::new(
            spec.optimiser,
            self.upload(&state.checkpoint, &state.moment1)?,
            self.upload(&state.checkpoint, &state.moment2)?,
            state.step,
        );
        Ok(Box::new(CandleSession {
            template: state.checkpoint.parameters().to_vec(),
            decoder,
            variables: variables?,
            optimiser,
            loss_sum: state.loss_sum,
        }))
    }

    fn load(&self, model: &ModelSpec, checkpoint: &Checkpoint) -> Result<Box<dyn Inference>, EngineError> {
        belongs(checkpoint, model)?;
        let decoder = Decoder::new(model, &self.device, DType::F32)?;
        let parameters = self.upload(checkpoint, checkpoint.values())?;
        Ok(Box::new(CandleInference { decoder, parameters }))
    }
}

fn belongs(checkpoint: &Checkpoint, model: &ModelSpec) -> Result<(), EngineError> {
    if checkpoint.is_of(model) {
        return Ok(());
    }
    Err(EngineError::Shape("the checkpoint belongs to another model than the specification's".into()))
}

struct CandleSession {
    template: Vec<sabha_protocol::spec::Parameter>,
    decoder: Decoder,
    variables: Vec<Var>,
    optimiser: AdamW,
    loss_sum: f32,
}

impl Session for CandleSession {
    fn steps_done(&self) -> u32 {
        self.optimiser.steps()
    }

    fn step(&mut self, batch: &Batch, rate: f32) -> Result<StepOutcome, EngineError> {
        let step = self.optimiser.steps();
        let diverged = |instruction| Ok(StepOutcome::Diverged(Divergence { step, instruction, element: 0 }));
        let parameters: Vec<Tensor> = self.variables.iter().map(|v| v.as_tensor().clone()).collect();
        let loss = self.decoder.loss(&parameters, batch)?;
        let value = loss.to_scalar::<f32>()?;
        let sum = self.loss_sum + value;
        if !sum.is_finite() {
            return diverged(LOSS);
        }
        let mut store = loss.backward()?;
        let gradients: Result<Vec<Tensor>, EngineError> = self
            .variables
            .iter()
            .zip(&self.template)
            .map(|(variable, parameter)| {
                // Detached: a gradient still knows the operations it came from, and the moments would keep them all alive.
                let gradient = store.remove(variable).map(|gradient| gradient.detach());
                gradient.ok_or_else(|| EngineError::Backend(format!("{} got no gradient", parameter.name)))
            })
            .collect();
        let gradients = gradients?;
        drop((loss, store));
        let norm = adamw::global_norm(&gradients)?;
        if !norm.is_finite() {
            return diverged(GRADIENT);
        }
        if let Some(index) = self.optimiser.step(&self.variables, &gradients, norm, rate)? {
            return diverged(UPDATE.saturating_add(index));
        }
        self.loss_sum = sum;
        Ok(StepOutcome::Done { loss: value, gradient_norm: norm })
    }

    fn state(&self) -> Result<State, EngineError> {
        let download = |tensors: &mut dyn Iterator<Item = &Tensor>| -> Result<Vec<Vec<f32>>, EngineError> {
            tensors.map(|tensor| Ok(tensor.flatten_all()?.to_vec1()?)).collect()
        };
        let values = download(&mut self.variables.iter().map(Var::as_tensor))?;
        let (moment1, moment2) = self.optimiser.moments();
        Ok(State {
            checkpoint: Checkpoint::from_parts(self.template.clone(), values),
            moment1: download(&mut moment1.iter())?,
            moment2: download(&mut moment2.iter())?,
            step: self.optimiser.steps(),
            loss_sum: self.loss_sum,
        })
    }
}

struct CandleInference {
    decoder: Decoder,
    parameters: Vec<Tensor>,
}

impl Inference for CandleInference {
    fn loss(&self, batch: &Batch) -> Result<f64, EngineError> {
        Ok(f64::from(self.decoder.loss(&self.parameters, batch)?.to_scalar::<f32>()?))
    }

    fn next_logits(&self, tokens: &[u32]) -> Result<Vec<f32>, EngineError> {
        let tail = tokens.len().saturating_sub(self.decoder.context());
        let window = tokens.get(tail..).unwrap_or_default();
        let logits = self.decoder.last_logits(&self.parameters, window)?;
        Ok(logits.flatten_all()?.to_vec1()?)
    }
}

#[cfg(test)]
mod tests;
