//! The model: RMSNorm, rotary positions, causal attention, SwiGLU, no biases (as `LlamaForCausalLM` in `transformers`, with
//! positions rotated in halves).

use super::EngineError;
use crate::data::Batch;
use candle_core::{D, DType, Device, Tensor};
use sabha_protocol::spec::ModelSpec;

/// A decoder without its parameters, which are passed in, in the order of [`ModelSpec::parameters`].
pub struct Decoder {
    model: ModelSpec,
    device: Device,
    /// `[context, head_width / 2]`: cosines and sines of the rotary angles.
    cosines: Tensor,
    sines: Tensor,
    /// `[context, context]`: 0 where a query sees a key, else minus infinity.
    mask: Tensor,
}

impl Decoder {
    /// A decoder that computes in `dtype` (`f32`; `f64` in tests) on `device`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn new(model: &ModelSpec, device: &Device, dtype: DType) -> Result<Self, EngineError> {
        let (context, half) = (model.context as usize, model.head_width() as usize / 2);
        let base = f64::from(model.rope_base.get());
        let angles: Vec<f64> = (0..context)
            .flat_map(|position| {
                (0..half).map(move |i| position as f64 * base.powf(-(i as f64) / half as f64))
            })
            .collect();
        let table = |f: fn(f64) -> f64| -> Result<Tensor, EngineError> {
            let values: Vec<f64> = angles.iter().map(|angle| f(*angle)).collect();
            Ok(Tensor::from_vec(values, (context, half), &Device::Cpu)?.to_dtype(dtype)?.to_device(device)?)
        };
        let mask: Vec<f32> = (0..context)
            .flat_map(|query| (0..context).map(move |key| if key <= query { 0.0 } else { f32::NEG_INFINITY }))
            .collect();
        let mask =
            Tensor::from_vec(mask, (context, context), &Device::Cpu)?.to_dtype(dtype)?.to_device(device)?;
        Ok(Self {
            model: *model,
            device: device.clone(),
            cosines: table(f64::cos)?,
            sines: table(f64::sin)?,
            mask,
        })
    }

    /// Tokens that the model sees at once.
    pub fn context(&self) -> usize {
        self.model.context as usize
    }

    /// The mean cross-entropy over all targets of a batch, in nats per token: a scalar.
    ///
    /// # Errors
    /// If the batch does not fit the model, or the device fails.
    pub fn loss(&self, parameters: &[Tensor], batch: &Batch) -> Result<Tensor, EngineError> {
        let tokens = batch.samples * batch.context;
        if batch.context > self.context()
            || batch.inputs.len() != tokens
            || batch.targets.len() != tokens
            || tokens == 0
        {
            let (samples, context) = (batch.samples, batch.context);
            return Err(EngineError::Shape(format!(
                "a batch of {samples} x {context} does not fit the model"
            )));
        }
        let hidden = self.hidden(parameters, &batch.inputs, batch.samples, batch.context)?;
        let logits = self.project(parameters, &hidden)?;
        let targets = Tensor::from_slice(&batch.targets, (tokens, 1), &self.device)?;
        // Subtracting the row's maximum changes no value of the loss, so it needs no gradient.
        let shifted = logits.broadcast_sub(&logits.detach().max_keepdim(D::Minus1)?)?;
        let normaliser = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
        let target = shifted.gather(&targets, D::Minus1)?;
        Ok(normaliser.sub(&target)?.mean_all()?)
    }

    /// The logits that follow the last of `tokens`: `[1, vocabulary]`.
    ///
    /// # Errors
    /// If there are no tokens or more than the context, or the device fails.
    pub fn last_logits(&self, parameters: &[Tensor], tokens: &[u32]) -> Result<Tensor, EngineError> {
        if tokens.is_empty() || tokens.len() > self.context() {
            return Err(EngineError::Shape(format!(
                "{} tokens do not fit the model's context",
                tokens.len()
            )));
        }
        let hidden = self.hidden(parameters, tokens, 1, tokens.len())?;
        self.project(parameters, &hidden.narrow(0, tokens.len() - 1, 1)?)
    }

    /// The output of the last norm: `[samples * length, width]`.
    fn hidden(
        &self,
        parameters: &[Tensor],
        tokens: &[u32],
        samples: usize,
        length: usize,
    ) -> Result<Tensor, EngineError> {
        let mut next = parameters.iter();
        let mut take = || next.next().ok_or_else(|| EngineError::Shape("too few parameters".into()));
        let tokens = Tensor::from_slice(tokens, samples * length, &self.device)?;
        let mut stream = take()?.index_select(&tokens, 0)?;
        for _ in 0..self.model.layers {
            let normed = self.norm(&stream, take()?)?;
            let (query, key, value, output) = (take()?, take()?, take()?, take()?);
            let heads = |weight: &Tensor| self.heads(&normed, weight, samples, length);
            let attended = self.attention(&heads(query)?, &heads(key)?, &heads(value)?, length)?;
            let attended = attended.reshape((samples * length, ()))?;
            stream = (stream + attended.matmul(&output.t()?)?)?;

            let normed = self.norm(&stream, take()?)?;
            let (gate, up, down) = (take()?, take()?, take()?);
            let gated = normed.matmul(&gate.t()?)?.silu()?.mul(&normed.matmul(&up.t()?)?)?;
            stream = (stream + gated.matmul(&down.t()?)?)?;
        }
        self.norm(&stream, take()?)
    }

    /// `[rows, width] -> [rows, vocabulary]`.
    fn project(&self, parameters: &[Tensor], hidden: &Tensor) -> Result<Tensor, EngineError> {
        let weight = if self.model.tied_embedding { parameters.first() } else { parameters.last() };
        let weight = weight.ok_or_else(|| EngineError::Shape("too few parameters".into()))?;
        Ok(hidden.matmul(&weight.t()?)?)
    }

    /// RMSNorm (Zhang and Sennrich, 2019): `x / sqrt(mean(x^2) + epsilon) * gain`.
    fn norm(&self, x: &Tensor, gain: &Tensor) -> Result<Tensor, EngineError> {
        let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
        let inverse = mean.affine(1.0, f64::from(self.model.norm_epsilon.get()))?.sqrt()?.recip()?;
        Ok(x.broadcast_mul(&inverse)?.broadcast_mul(gain)?)
    }

    /// `[samples * length, width] -> [samples, heads, length, head_width]`.
    fn heads(
        &self,
        x: &Tensor,
        weight: &Tensor,
        samples: usize,
        length: usize,
    ) -> Result<Tensor, EngineError> {
        let shape = (samples, length, self.model.heads as usize, self.model.head_width() as usize);
        Ok(x.matmul(&weight.t()?)?.reshape(shape)?.transpose(1, 2)?.contiguous()?)
    }

    /// Causal attention; all are `[samples, heads, length, head_width]`, the result `[samples, length, heads, head_width]`.
    fn attention(
        &self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        length: usize,
    ) -> Result<Tensor, EngineError> {
        let scale = 1.0 / f64::from(self.model.head_width()).sqrt();
        let query = self.rotate(query, length)?.affine(scale, 0.0)?;
        let scores = query.matmul(&self.rotate(key, length)?.t()?)?;
        let mask = self.mask.narrow(0, 0, length)?.narrow(1, 0, length)?;
        let scores = scores.broadcast_add(&mask)?;
        // The softmax's division is done on the result, which is smaller than the weights.
        let weights = scores.broadcast_sub(&scores.detach().max_keepdim(D::Minus1)?)?.exp()?;
        let inverse = weights.sum_keepdim(D::Minus1)?.recip()?;
        let attended = weights.matmul(value)?.broadcast_mul(&inverse)?;
        Ok(attended.transpose(1, 2)?.contiguous()?)
    }

    /// Rotary positions (Su et al., 2021), the first half of a head against the second.
    fn rotate(&self, x: &Tensor, length: usize) -> Result<Tensor, EngineError> {
        let half = self.model.head_width() as usize / 2;
        let (cosines, sines) = (self.cosines.narrow(0, 0, length)?, self.sines.narrow(0, 0, length)?);
        let (first, second) =
            (x.narrow(D::Minus1, 0, half)?.contiguous()?, x.narrow(D::Minus1, half, half)?.contiguous()?);
        let left = first.broadcast_mul(&cosines)?.sub(&second.broadcast_mul(&sines)?)?;
        let right = second.broadcast_mul(&cosines)?.add(&first.broadcast_mul(&sines)?)?;
        Ok(Tensor::cat(&[&left, &right], D::Minus1)?)
    }
}
