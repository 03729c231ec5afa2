//! The run specification: everything a slot's result depends on, besides its checkpoint. Immutable once the run exists.
//!
//! People write it as TOML, the chain carries it as SCALE, and the spec hash binds both. Floats are carried as the bits of an
//! `f32`; amounts as whole units.
//!
//! Shapes follow from the specification alone: [`ModelSpec::parameters`] lists every parameter in the one order that
//! checkpoints, states and trees use.

mod bits;
mod check;
mod model;
mod rounds;
mod work;

pub use bits::F32Bits;
pub use check::{SpecError, limits};
pub use model::{ModelSpec, Parameter};
pub use rounds::{AuditSpec, ClockSpec, RoundSpec};

use crate::{Balance, Digest};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use sabha_numerics::{
    Schedule,
    program::{Optimiser, Outer},
};
use scale_info::TypeInfo;

#[cfg(feature = "std")]
use serde::{Deserialize, Serialize};

/// A complete run specification.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "std", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
pub struct RunSpec {
    /// Which definition of arithmetic the results follow: 1 is exact ([`crate::NUMERICS_EXACT`]), 0 is plain candle
    /// ([`crate::NUMERICS_YARDSTICK`]).
    pub numerics_version: u16,
    /// Seed of the initial parameters and of the data order.
    pub seed: u64,
    /// State root of the checkpoint to start from, instead of parameters drawn from the seed. [`RunSpec::check`] refuses one: no
    /// worker of this release can fetch it. The field is there so that the encoding, and every hash, stays when one can.
    #[cfg_attr(feature = "std", serde(default, skip_serializing_if = "Option::is_none"))]
    pub initial_checkpoint: Option<Digest>,
    /// What each finalised slot pays its worker, in units of 10^-12 SBH (in TOML: text in SBH, such as "2.5").
    #[cfg_attr(feature = "std", serde(with = "crate::amount::text"))]
    pub price_per_slot: Balance,
    /// What a worker's stake reserves for each slot from its assignment until the slot is settled, and loses if its result is
    /// convicted; in units of 10^-12 SBH (in TOML: text in SBH). [`crate::economics`] has the least that makes cheating dear.
    #[cfg_attr(feature = "std", serde(with = "crate::amount::text"))]
    pub stake_per_slot: Balance,
    /// Shape of the model.
    pub model: ModelSpec,
    /// Optimiser of the inner loop.
    pub optimiser: OptimiserSpec,
    /// Outer optimiser: from the updates of a round to the next checkpoint.
    pub outer: OuterSpec,
    /// The token stream.
    pub data: DataSpec,
    /// Shape of the rounds.
    pub rounds: RoundSpec,
    /// How much is audited.
    pub audit: AuditSpec,
    /// Deadlines, in active blocks.
    pub clocks: ClockSpec,
}

/// AdamW with decoupled weight decay (Loshchilov and Hutter, 2019), clipping by global norm, warm-up and cosine.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
pub struct OptimiserSpec {
    /// Highest learning rate.
    pub peak_rate: F32Bits,
    /// Learning rate of the last step.
    pub floor_rate: F32Bits,
    /// Steps of linear warm-up at the start of the run.
    pub warmup_steps: u32,
    /// Damped steps at the start of each round, whose moments are fresh.
    pub inner_warmup_steps: u32,
    /// Decay of the first moment.
    pub beta1: F32Bits,
    /// Decay of the second moment.
    pub beta2: F32Bits,
    /// Added to the root of the second moment.
    pub epsilon: F32Bits,
    /// Decoupled weight decay, applied to matrices only.
    pub weight_decay: F32Bits,
    /// Largest global norm of a gradient.
    pub clip_norm: F32Bits,
}

/// Nesterov momentum over the mean of a round's updates, as the outer step of DiLoCo (Douillard et al., 2023).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
pub struct OuterSpec {
    /// Learning rate; 1 with no momentum takes the mean of the workers' parameters.
    pub rate: F32Bits,
    /// Momentum; 0 for none.
    pub momentum: F32Bits,
}

/// The one flat stream of fixed-width tokens that a run reads.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "std", derive(Serialize, Deserialize), serde(deny_unknown_fields))]
pub struct DataSpec {
    /// BLAKE3 of the stream's bytes.
    pub stream: Digest,
    /// Tokens in the stream, the held-out tail included.
    pub tokens: u64,
    /// Bytes of one token, little-endian. 1 is a byte-level stream.
    pub token_bytes: u8,
    /// Tokens at the stream's end that are never trained on.
    pub heldout_tokens: u64,
    /// Manifest roots of the datasets the stream is made of, in order.
    pub sources: BoundedVec<Digest, ConstU32<{ limits::SOURCES }>>,
}

impl OptimiserSpec {
    /// What a step's program needs of it.
    pub fn numerics(&self) -> Optimiser {
        Optimiser {
            beta1: self.beta1.get(),
            beta2: self.beta2.get(),
            epsilon: self.epsilon.get(),
            weight_decay: self.weight_decay.get(),
            clip_norm: self.clip_norm.get(),
        }
    }
}

impl OuterSpec {
    /// Takes the mean of the workers' parameters; the parameters themselves where there is one slot.
    pub const MEAN: Self = Self { rate: F32Bits(1f32.to_bits()), momentum: F32Bits(0) };

    /// What the `aggregate` program needs of it.
    pub fn numerics(&self) -> Outer {
        Outer { rate: self.rate.get(), momentum: self.momentum.get() }
    }
}

impl RunSpec {
    /// BLAKE3 of the SCALE encoding, in a domain of its own: binds the TOML and the chain's copy.
    pub fn hash(&self) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("sabha 2026 run spec v1");
        hasher.update(&self.encode());
        Digest(*hasher.finalize().as_bytes())
    }

    /// The learning-rate schedule over the whole run.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            peak: self.optimiser.peak_rate.get(),
            floor: self.optimiser.floor_rate.get(),
            warmup_steps: self.optimiser.warmup_steps,
            total_steps: self.rounds.count.saturating_mul(self.rounds.inner_steps),
            inner_steps: self.rounds.inner_steps,
            inner_warmup: self.optimiser.inner_warmup_steps,
        }
    }

    /// Windows of `context + 1` tokens that fit the part of the stream that is trained on; `None` if none does.
    pub fn training_windows(&self) -> Option<u64> {
        let trained = self.data.tokens.checked_sub(self.data.heldout_tokens)?;
        trained.checked_sub(u64::from(self.model.context)).filter(|windows| *windows > 0)
    }

    /// Segments of a slot.
    pub fn segments(&self) -> u32 {
        self.rounds.inner_steps.checked_div(self.rounds.segment_steps).unwrap_or(0)
    }

    /// What one round pays at most, in units of 10^-12 SBH: every slot, auditor and attester, and the aggregator. Saturates.
    pub fn round_cost(&self) -> Balance {
        let times = |price: Balance, count: u16| price.saturating_mul(count.into());
        times(self.price_per_slot, self.rounds.slots)
            .saturating_add(times(self.audit.auditor_price, self.audit.auditors))
            .saturating_add(times(self.audit.attester_price, self.audit.attesters))
            .saturating_add(self.rounds.aggregator_price)
    }

    /// What all rounds of the run pay at most if none is voided, in units of 10^-12 SBH. Saturates.
    pub fn cost(&self) -> Balance {
        self.round_cost().saturating_mul(self.rounds.count.into())
    }

    /// Tokens that the whole run trains on, repeated ones counted again. Saturates.
    pub fn training_tokens(&self) -> u64 {
        [
            u64::from(self.rounds.slots),
            u64::from(self.rounds.inner_steps),
            u64::from(self.rounds.batch),
            u64::from(self.model.context),
        ]
        .into_iter()
        .fold(u64::from(self.rounds.count), u64::saturating_mul)
    }

    /// What one round takes, in parameters times tokens: the multiply-adds of training are a constant multiple of it. Saturates.
    pub fn round_work(&self) -> u128 {
        let RoundSpec { slots, inner_steps, batch, .. } = self.rounds;
        let tokens = [u128::from(inner_steps), batch.into(), self.model.context.into()]
            .into_iter()
            .fold(u128::from(slots), u128::saturating_mul);
        tokens.saturating_mul(self.model.parameter_count().into())
    }

    /// Bytes that a worker holds for parameters, gradients and two moments in `f32`. Activations come on top.
    pub fn state_bytes(&self) -> u64 {
        self.model.parameter_count().saturating_mul(16)
    }
}

#[cfg(test)]
pub(crate) mod tests;
