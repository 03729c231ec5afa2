//! What the tests of this crate share.

use crate::{MANIFEST, Manifest, SHARD_BYTES, STREAM, Shard, Stream};
use sabha_protocol::{
    Digest, NUMERICS_YARDSTICK,
    spec::{AuditSpec, ClockSpec, DataSpec, ModelSpec, OptimiserSpec, OuterSpec, RoundSpec, RunSpec},
};
use std::path::Path;

/// A model of some hundred parameters.
pub(crate) fn tiny_spec() -> RunSpec {
    RunSpec {
        numerics_version: NUMERICS_YARDSTICK,
        seed: 5,
        initial_checkpoint: None,
        price_per_slot: 1,
        stake_per_slot: 0,
        model: ModelSpec {
            vocabulary: 16,
            width: 16,
            layers: 2,
            heads: 2,
            feed_forward: 24,
            context: 8,
            rope_base: 10_000.0.into(),
            norm_epsilon: 1e-5.into(),
            tied_embedding: false,
        },
        optimiser: OptimiserSpec {
            peak_rate: 0.01.into(),
            floor_rate: 0.001.into(),
            warmup_steps: 2,
            inner_warmup_steps: 1,
            beta1: 0.9.into(),
            beta2: 0.95.into(),
            epsilon: 1e-8.into(),
            weight_decay: 0.1.into(),
            clip_norm: 1.0.into(),
        },
        outer: OuterSpec::MEAN,
        data: DataSpec {
            stream: Digest([0; 32]),
            tokens: 600,
            token_bytes: 1,
            heldout_tokens: 100,
            sources: Default::default(),
        },
        rounds: RoundSpec::single(2, 6, 2, 4),
        audit: AuditSpec::NONE,
        clocks: ClockSpec::unaudited(10, 10),
    }
}

/// A stream, and the specification that names it.
pub(crate) fn text_stream(mut spec: RunSpec) -> (tempfile::TempDir, RunSpec, Stream) {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..spec.data.tokens).map(|i| ((i * i + i / 7) % 13) as u8).collect();
    std::fs::write(folder.path().join(STREAM), &bytes).unwrap();
    spec.data.stream = Digest::of(&bytes);
    spec.check().unwrap();
    let stream = Stream::of_spec(folder.path(), &spec).unwrap();
    (folder, spec, stream)
}

/// A dataset of these bytes in `folder`. They are said to be one document, and need be none.
pub(crate) fn dataset(folder: &Path, bytes: &[u8]) -> Manifest {
    let shard = |shard: &[u8]| Shard { bytes: shard.len() as u64, blake3: Digest::of(shard) };
    let shards: Vec<Shard> = bytes.chunks(SHARD_BYTES as usize).map(shard).collect();
    let manifest = Manifest {
        version: 1,
        title: "Test".into(),
        language: "es".into(),
        licence: "CC0-1.0".into(),
        documents: 1,
        text_bytes: bytes.len() as u64 - 1,
        tokens: bytes.len() as u64,
        token_bytes: 1,
        heldout_tokens: 0,
        stream: Digest::of(bytes),
        root: Manifest::root_of(&shards),
        statistics: None,
        images: None,
        view: None,
        shards,
    };
    sabha_files::write_atomic(&folder.join(STREAM), bytes).unwrap();
    sabha_files::write_atomic(&folder.join(MANIFEST), &manifest.to_bytes().unwrap()).unwrap();
    manifest
}
