//! What a run specification must satisfy. Each error names the field and the remedy.

use super::{F32Bits, ModelSpec, RunSpec};
use crate::{Digest, NUMERICS_YARDSTICK, audit, numerics_is_known};

/// Bounds of a specification's fields.
pub mod limits {
    /// Largest vocabulary.
    pub const VOCABULARY: u32 = 1 << 18;
    /// Largest width of the residual stream.
    pub const WIDTH: u32 = 1 << 14;
    /// Most layers.
    pub const LAYERS: u32 = 256;
    /// Largest width of the feed-forward layers.
    pub const FEED_FORWARD: u32 = 1 << 16;
    /// Longest context, in tokens.
    pub const CONTEXT: u32 = 1 << 16;
    /// Most rounds.
    pub const ROUNDS: u32 = 1_000_000;
    /// Most slots in a round (W).
    pub const SLOTS: u16 = 256;
    /// Most inner steps of a slot (H).
    pub const INNER_STEPS: u32 = 1 << 14;
    /// Most segments of a slot (H / L).
    pub const SEGMENTS: u32 = 1 << 10;
    /// Most samples in a batch.
    pub const BATCH: u32 = 1 << 14;
    /// Most tokens of a step: samples times context.
    pub const STEP_TOKENS: u64 = 1 << 17;
    /// Most instructions of a program, a sample of a step counted as some: whoever judges a dispute walks through them in each move.
    pub const INSTRUCTIONS: u64 = 1 << 18;
    /// Most elements of a buffer: places in it are named with 32 bits.
    pub const ELEMENTS: u64 = 1 << 32;
    /// Most datasets that a stream is made of.
    pub const SOURCES: u32 = 16;
    /// Most auditors of a round, and most segments that one of them executes again.
    pub const AUDIT: u16 = 64;
    /// Most times that a slot is given out in one attempt at a round.
    pub const TRIES: u16 = 16;
    /// Longest clock, in active blocks.
    pub const CLOCK: u32 = 1_000_000;
}

/// What is wrong with a specification.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A whole number is out of its range.
    #[error("{field} is {value}: it must be from {min} to {max}")]
    OutOfRange {
        /// The field, as written in TOML.
        field: &'static str,
        /// What was given.
        value: u64,
        /// Least accepted value.
        min: u64,
        /// Greatest accepted value.
        max: u64,
    },
    /// A real number is not finite or out of its range.
    #[error("{field} is {value}: it must be {expected}")]
    BadNumber {
        /// The field, as written in TOML.
        field: &'static str,
        /// What was given.
        value: F32Bits,
        /// The accepted range, in words.
        expected: &'static str,
    },
    /// The heads do not divide the width into heads of an even width.
    #[error("model.heads is {heads}: it must divide model.width ({width}) into heads of an even width")]
    Heads {
        /// Attention heads.
        heads: u32,
        /// Width.
        width: u32,
    },
    /// Segments do not divide the slot.
    #[error("rounds.segment_steps is {segment}: it must divide rounds.inner_steps ({inner})")]
    Segments {
        /// Steps of a segment.
        segment: u32,
        /// Steps of a slot.
        inner: u32,
    },
    /// Tokens of this width cannot index the vocabulary.
    #[error(
        "data.token_bytes is {token_bytes}: it must be 1, 2 or 4 and hold model.vocabulary ({vocabulary})"
    )]
    TokenWidth {
        /// Bytes of a token.
        token_bytes: u8,
        /// Vocabulary.
        vocabulary: u32,
    },
    /// The stream is too short.
    #[error(
        "data.tokens is {tokens} with {heldout} held out: training and held-out part must each hold more than \
         model.context ({context}) tokens"
    )]
    TooFewTokens {
        /// Tokens of the stream.
        tokens: u64,
        /// Tokens held out.
        heldout: u64,
        /// Context.
        context: u32,
    },
    /// An output of a step's program would have more elements than a divergence can name.
    #[error(
        "rounds.batch is {batch}: a step would make a buffer of {elements} elements, and at most {} can be named; take a smaller \
         batch, context or vocabulary",
        limits::ELEMENTS
    )]
    TooLarge {
        /// Samples in a batch.
        batch: u32,
        /// Elements of the largest buffer.
        elements: u64,
    },
    /// A step would read more tokens than a chain's referee can look at.
    #[error(
        "rounds.batch is {batch}: with model.context {context} a step has {tokens} tokens, and at most {} can be disputed; take a \
         smaller batch or context, and more slots or inner steps",
        limits::STEP_TOKENS
    )]
    TooManyTokens {
        /// Samples in a batch.
        batch: u32,
        /// Context.
        context: u32,
        /// Tokens of a step.
        tokens: u64,
    },
    /// A step's program would be longer than a chain's referee can look at.
    #[error(
        "rounds.batch is {batch}: with model.layers {layers} a step's program has {work} instructions, and at most {} can be disputed; \
         take a smaller batch or fewer layers",
        limits::INSTRUCTIONS
    )]
    LongStep {
        /// Layers.
        layers: u32,
        /// Samples in a batch.
        batch: u32,
        /// Instructions, samples counted as some.
        work: u64,
    },
    /// The program of an aggregation would be longer than a chain's referee can look at.
    #[error(
        "rounds.slots is {slots}: aggregating so many updates of model.layers {layers} takes {work} instructions, and at most {} can be \
         disputed; take fewer slots, each with more inner steps, or fewer layers",
        limits::INSTRUCTIONS
    )]
    LongAggregation {
        /// Slots of a round.
        slots: u16,
        /// Layers.
        layers: u32,
        /// Instructions.
        work: u64,
    },
    /// The floor is above the peak.
    #[error("optimiser.floor_rate is {floor}: it must not exceed optimiser.peak_rate ({peak})")]
    Rates {
        /// Learning rate of the last step.
        floor: F32Bits,
        /// Highest learning rate.
        peak: F32Bits,
    },
    /// A checkpoint's blob is not named here: only the registry of models says where one can be had.
    #[error(
        "initial_checkpoint is {0}: leave it out, and the run starts from its seed; one that begins from a registered model is \
         proposed with that as its parent"
    )]
    InitialCheckpoint(Digest),
    /// The price is zero.
    #[error("price_per_slot is 0: a slot must pay its worker something")]
    Price,
    /// No engine and no referee for this version.
    #[error("numerics_version is {0}: this release knows versions 0 and 1")]
    NumericsVersion(u16),
    /// Rounds of several slots need exact aggregation.
    #[error("rounds.slots is {0}: numerics_version 0 has no aggregation; take 1 slot, or numerics_version 1")]
    Slots(u16),
    /// Results that differ between machines cannot be audited.
    #[error(
        "audit.auditors is {0}: results of numerics_version 0 differ between machines; take 0 auditors, or numerics_version 1"
    )]
    Unauditable(u16),
    /// So many segments have neighbours among them.
    #[error(
        "audit.segments is {audited} of {segments} (rounds.inner_steps / rounds.segment_steps): audited segments have no \
         neighbours, so take at least 1 and at most half of them, or 1 of 1"
    )]
    AuditedSegments {
        /// Audited segments of a slot.
        audited: u16,
        /// Segments of a slot.
        segments: u32,
    },
}

impl ModelSpec {
    /// Checks the shape.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check(&self) -> Result<(), SpecError> {
        whole("model.vocabulary", self.vocabulary, 2, limits::VOCABULARY)?;
        whole("model.width", self.width, 2, limits::WIDTH)?;
        whole("model.layers", self.layers, 1, limits::LAYERS)?;
        whole("model.heads", self.heads, 1, self.width)?;
        whole("model.feed_forward", self.feed_forward, 1, limits::FEED_FORWARD)?;
        whole("model.context", self.context, 2, limits::CONTEXT)?;
        let whole_heads = self.head_width().checked_mul(self.heads) == Some(self.width);
        if !whole_heads || !self.head_width().is_multiple_of(2) {
            return Err(SpecError::Heads { heads: self.heads, width: self.width });
        }
        real("model.rope_base", self.rope_base, "finite and above 1", |x| x > 1.0)?;
        real("model.norm_epsilon", self.norm_epsilon, "above 0 and below 1", |x| x > 0.0 && x < 1.0)
    }
}

impl RunSpec {
    /// Checks everything that can be checked without the chain.
    ///
    /// # Errors
    /// The first field that is wrong, in the order of the specification.
    pub fn check(&self) -> Result<(), SpecError> {
        if !numerics_is_known(self.numerics_version) {
            return Err(SpecError::NumericsVersion(self.numerics_version));
        }
        if let Some(checkpoint) = self.initial_checkpoint {
            return Err(SpecError::InitialCheckpoint(checkpoint));
        }
        if self.price_per_slot == 0 {
            return Err(SpecError::Price);
        }
        self.model.check()?;
        self.check_optimiser()?;
        self.check_rounds()?;
        self.check_audits()?;
        self.check_clocks()?;
        self.check_data()
    }

    fn check_optimiser(&self) -> Result<(), SpecError> {
        let optimiser = &self.optimiser;
        real("optimiser.peak_rate", optimiser.peak_rate, "above 0 and at most 1", |x| x > 0.0 && x <= 1.0)?;
        real("optimiser.floor_rate", optimiser.floor_rate, "from 0 to 1", |x| (0.0..=1.0).contains(&x))?;
        if optimiser.floor_rate.get() > optimiser.peak_rate.get() {
            return Err(SpecError::Rates { floor: optimiser.floor_rate, peak: optimiser.peak_rate });
        }
        real("optimiser.beta1", optimiser.beta1, "from 0 to below 1", |x| (0.0..1.0).contains(&x))?;
        real("optimiser.beta2", optimiser.beta2, "from 0 to below 1", |x| (0.0..1.0).contains(&x))?;
        real("optimiser.epsilon", optimiser.epsilon, "above 0 and below 1", |x| x > 0.0 && x < 1.0)?;
        real("optimiser.weight_decay", optimiser.weight_decay, "from 0 to 1", |x| (0.0..=1.0).contains(&x))?;
        real("optimiser.clip_norm", optimiser.clip_norm, "above 0 and finite", |x| x > 0.0)?;
        real("outer.rate", self.outer.rate, "above 0 and at most 4", |x| x > 0.0 && x <= 4.0)?;
        real("outer.momentum", self.outer.momentum, "from 0 to below 1", |x| (0.0..1.0).contains(&x))
    }

    fn check_rounds(&self) -> Result<(), SpecError> {
        let rounds = &self.rounds;
        whole("rounds.count", rounds.count, 1, limits::ROUNDS)?;
        whole("rounds.slots", rounds.slots.into(), 1, limits::SLOTS.into())?;
        if rounds.slots > 1 && self.numerics_version == NUMERICS_YARDSTICK {
            return Err(SpecError::Slots(rounds.slots));
        }
        whole("rounds.quorum", rounds.quorum.into(), 1, rounds.slots.into())?;
        whole("rounds.tries", rounds.tries.into(), 1, limits::TRIES.into())?;
        whole("rounds.inner_steps", rounds.inner_steps, 1, limits::INNER_STEPS)?;
        whole("rounds.segment_steps", rounds.segment_steps, 1, rounds.inner_steps)?;
        if rounds.inner_steps.checked_rem(rounds.segment_steps) != Some(0) {
            return Err(SpecError::Segments { segment: rounds.segment_steps, inner: rounds.inner_steps });
        }
        whole("rounds.inner_steps / rounds.segment_steps", self.segments(), 1, limits::SEGMENTS)?;
        whole("rounds.batch", rounds.batch, 1, limits::BATCH)?;
        let elements = self.largest_buffer();
        if elements > limits::ELEMENTS {
            return Err(SpecError::TooLarge { batch: rounds.batch, elements });
        }
        self.check_work()
    }

    /// What a dispute about any of its programs asks of the chain. The tokens come first: they bound the work of counting the rest.
    fn check_work(&self) -> Result<(), SpecError> {
        let (tokens, batch, context) = (self.step_tokens(), self.rounds.batch, self.model.context);
        if tokens > limits::STEP_TOKENS {
            return Err(SpecError::TooManyTokens { batch, context, tokens });
        }
        let (layers, slots, work) = (self.model.layers, self.rounds.slots, self.step_work());
        if work > limits::INSTRUCTIONS {
            return Err(SpecError::LongStep { layers, batch, work });
        }
        let work = self.aggregate_work();
        if work > limits::INSTRUCTIONS {
            return Err(SpecError::LongAggregation { slots, layers, work });
        }
        Ok(())
    }

    fn check_audits(&self) -> Result<(), SpecError> {
        let audit = &self.audit;
        whole("audit.auditors", audit.auditors.into(), 0, limits::AUDIT.into())?;
        whole("audit.segments", audit.segments.into(), 0, limits::AUDIT.into())?;
        whole("audit.attesters", audit.attesters.into(), 0, limits::AUDIT.into())?;
        if audit.auditors == 0 {
            return Ok(());
        }
        if self.numerics_version == NUMERICS_YARDSTICK {
            return Err(SpecError::Unauditable(audit.auditors));
        }
        if !audit::can_sample(self.segments(), audit.segments) {
            return Err(SpecError::AuditedSegments { audited: audit.segments, segments: self.segments() });
        }
        Ok(())
    }

    fn check_clocks(&self) -> Result<(), SpecError> {
        let clocks = &self.clocks;
        for (field, clock) in [
            ("clocks.training", clocks.training),
            ("clocks.availability", clocks.availability),
            ("clocks.aggregation", clocks.aggregation),
            ("clocks.seals", clocks.seals),
            ("clocks.leaves", clocks.leaves),
            ("clocks.reveals", clocks.reveals),
            ("clocks.dispute", clocks.dispute),
            ("clocks.window", clocks.window),
        ] {
            whole(field, clock, 1, limits::CLOCK)?;
        }
        Ok(())
    }

    /// Elements of the largest output of a step's program: logits, activations, attention scores, or a parameter. Saturates.
    pub(super) fn largest_buffer(&self) -> u64 {
        let model = &self.model;
        let positions = u64::from(self.rounds.batch).saturating_mul(model.context.into());
        let scores = positions.saturating_mul(model.context.into()).saturating_mul(model.heads.into());
        let widest = u64::from(model.vocabulary.max(model.feed_forward).max(model.width));
        let parameter = widest.saturating_mul(model.width.into());
        positions.saturating_mul(widest).max(scores).max(parameter)
    }

    fn check_data(&self) -> Result<(), SpecError> {
        let (data, vocabulary) = (&self.data, self.model.vocabulary);
        let holds = match data.token_bytes {
            1 => vocabulary <= 1 << 8,
            2 => vocabulary <= 1 << 16,
            4 => true,
            _ => false,
        };
        if !holds {
            return Err(SpecError::TokenWidth { token_bytes: data.token_bytes, vocabulary });
        }
        if self.training_windows().is_none() || data.heldout_tokens <= u64::from(self.model.context) {
            return Err(SpecError::TooFewTokens {
                tokens: data.tokens,
                heldout: data.heldout_tokens,
                context: self.model.context,
            });
        }
        Ok(())
    }
}

fn whole(field: &'static str, value: u32, min: u32, max: u32) -> Result<(), SpecError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(SpecError::OutOfRange { field, value: value.into(), min: min.into(), max: max.into() })
}

fn real(
    field: &'static str,
    value: F32Bits,
    expected: &'static str,
    accept: impl Fn(f32) -> bool,
) -> Result<(), SpecError> {
    if value.get().is_finite() && accept(value.get()) {
        return Ok(());
    }
    Err(SpecError::BadNumber { field, value, expected })
}
