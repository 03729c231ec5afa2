//! A specification with the protocol's defaults: what `integrity_test` checks, and benchmarks and tests start from.

use sabha_protocol::{
    Balance, Digest, NUMERICS_EXACT, RunSpec,
    defaults::{AUDIT, CLOCKS, OUTER, PRICE_PER_SLOT, STAKE_PER_SLOT, rounds},
    economics::{self, Assumptions},
    spec::{DataSpec, ModelSpec, OptimiserSpec},
};

/// A small model, trained for so many rounds.
pub(crate) fn spec(count: u32) -> RunSpec {
    RunSpec {
        numerics_version: NUMERICS_EXACT,
        seed: 1,
        initial_checkpoint: None,
        price_per_slot: PRICE_PER_SLOT,
        stake_per_slot: STAKE_PER_SLOT,
        model: ModelSpec {
            vocabulary: 256,
            width: 64,
            layers: 2,
            heads: 2,
            feed_forward: 128,
            context: 64,
            rope_base: 10_000.0.into(),
            norm_epsilon: 1e-5.into(),
            tied_embedding: true,
        },
        optimiser: OptimiserSpec {
            peak_rate: 1e-3.into(),
            floor_rate: 1e-4.into(),
            warmup_steps: 10,
            inner_warmup_steps: 0,
            beta1: 0.9.into(),
            beta2: 0.95.into(),
            epsilon: 1e-8.into(),
            weight_decay: 0.1.into(),
            clip_norm: 1.0.into(),
        },
        outer: OUTER,
        data: DataSpec {
            stream: Digest([7; 32]),
            tokens: 1_000_000,
            token_bytes: 1,
            heldout_tokens: 10_000,
            sources: Default::default(),
        },
        rounds: rounds(count, 40, 2, 4),
        audit: AUDIT,
        clocks: CLOCKS,
    }
}

/// That the protocol's defaults make cheating dear, and that a worker with one ticket can take each duty.
pub(crate) fn assert_defaults_are_sound(ticket: Balance) {
    let spec = spec(1);
    assert!(spec.check().is_ok(), "the default specification must be valid");
    assert!(
        economics::check(&spec, &Assumptions::default()).is_ok(),
        "with the default stakes and prices cheating must not pay"
    );
    let dearest = spec.stake_per_slot.max(spec.audit.auditor_stake);
    assert!(dearest <= ticket, "the least stake must be enough for a slot, and for an audit");
}
