//! The model family: Llama-style decoders (RMSNorm, rotary positions, SwiGLU, no biases), which every inference stack loads.

use super::F32Bits;
use alloc::{format, string::String, vec, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use sabha_numerics::program::Model;
use scale_info::TypeInfo;

#[cfg(feature = "std")]
use serde::{Deserialize, Serialize};

/// Shape of a decoder.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
pub struct ModelSpec {
    /// Number of tokens in the vocabulary.
    pub vocabulary: u32,
    /// Width of the residual stream.
    pub width: u32,
    /// Number of layers.
    pub layers: u32,
    /// Attention heads; divides `width`, into heads of an even width.
    pub heads: u32,
    /// Width of the feed-forward layers.
    pub feed_forward: u32,
    /// Tokens a sample holds.
    pub context: u32,
    /// Base of the rotary position embedding (Su et al., 2021).
    pub rope_base: F32Bits,
    /// Added to the mean square in RMSNorm (Zhang and Sennrich, 2019).
    pub norm_epsilon: F32Bits,
    /// Whether the output projection is the embedding itself.
    pub tied_embedding: bool,
}

/// One parameter: name and shape, rows first. Names are those that `transformers` uses for `LlamaForCausalLM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Name, such as `model.layers.0.self_attn.q_proj.weight`.
    pub name: String,
    /// Dimensions; one for a norm's gain, two for a matrix of `[outputs, inputs]`.
    pub shape: Vec<u32>,
}

impl Parameter {
    /// Number of elements. Saturates.
    pub fn elements(&self) -> u64 {
        self.shape.iter().fold(1, |product: u64, dimension| product.saturating_mul(u64::from(*dimension)))
    }
}

impl ModelSpec {
    /// Width of one attention head; 0 if there are no heads.
    pub fn head_width(&self) -> u32 {
        self.width.checked_div(self.heads).unwrap_or(0)
    }

    /// What programs need of it.
    pub fn shape(&self) -> Model {
        Model {
            vocabulary: self.vocabulary.into(),
            width: self.width.into(),
            layers: self.layers.into(),
            heads: self.heads.into(),
            feed_forward: self.feed_forward.into(),
            context: self.context.into(),
            rope_base: self.rope_base.get(),
            norm_epsilon: self.norm_epsilon.get(),
            tied_embedding: self.tied_embedding,
        }
    }

    /// Every parameter, in the order that checkpoints and states use.
    pub fn parameters(&self) -> Vec<Parameter> {
        let (width, ff) = (self.width, self.feed_forward);
        let parameter = |name: String, shape: Vec<u32>| Parameter { name, shape };
        let mut all = vec![parameter("model.embed_tokens.weight".into(), vec![self.vocabulary, width])];
        for layer in 0..self.layers {
            let of = |part: &str| format!("model.layers.{layer}.{part}.weight");
            all.push(parameter(of("input_layernorm"), vec![width]));
            for projection in ["q_proj", "k_proj", "v_proj", "o_proj"] {
                all.push(parameter(of(&format!("self_attn.{projection}")), vec![width, width]));
            }
            all.push(parameter(of("post_attention_layernorm"), vec![width]));
            all.push(parameter(of("mlp.gate_proj"), vec![ff, width]));
            all.push(parameter(of("mlp.up_proj"), vec![ff, width]));
            all.push(parameter(of("mlp.down_proj"), vec![width, ff]));
        }
        all.push(parameter("model.norm.weight".into(), vec![width]));
        if !self.tied_embedding {
            all.push(parameter("lm_head.weight".into(), vec![self.vocabulary, width]));
        }
        all
    }

    /// Number of trained values, without building the list. Saturates.
    pub fn parameter_count(&self) -> u64 {
        let (width, ff) = (u64::from(self.width), u64::from(self.feed_forward));
        let (vocabulary, layers) = (u64::from(self.vocabulary), u64::from(self.layers));
        let attention = width.saturating_mul(width).saturating_mul(4);
        let feed_forward = width.saturating_mul(ff).saturating_mul(3);
        let layer = attention.saturating_add(feed_forward).saturating_add(width.saturating_mul(2));
        let embeddings = if self.tied_embedding { 1 } else { 2 };
        vocabulary
            .saturating_mul(width)
            .saturating_mul(embeddings)
            .saturating_add(layers.saturating_mul(layer))
            .saturating_add(width)
    }
}
