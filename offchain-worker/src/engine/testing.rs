//! What the tests of this crate share: specifications, a stream, an engine that is interrupted.

use super::{AnyEngine, Checkpoint, Engine, EngineError, Inference, Session, State, StepOutcome};
use crate::{
    data::{Batch, Stream},
    error::Exit,
    stop::Stop,
};
use sabha_protocol::{
    Digest, NUMERICS_YARDSTICK,
    spec::{AuditSpec, ClockSpec, DataSpec, ModelSpec, OptimiserSpec, OuterSpec, RoundSpec, RunSpec},
};

/// The demo's specification, as it ships.
pub(crate) fn demo_spec_toml() -> &'static str {
    include_str!("../../../scripts/specs/demo.toml")
}

/// The demo's specification with some data.
pub(crate) fn demo_spec() -> RunSpec {
    let data = DataSpec {
        stream: Digest([9; 32]),
        tokens: 3 << 20,
        token_bytes: 1,
        heldout_tokens: 60_000,
        sources: Default::default(),
    };
    let table = format!("{}\n[data]\n{}", demo_spec_toml(), toml::to_string(&data).unwrap());
    toml::from_str(&table).unwrap()
}

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

/// A stream with a pattern that a model can learn, and the specification that names it.
pub(crate) fn text_stream(mut spec: RunSpec) -> (tempfile::TempDir, RunSpec, Stream) {
    let folder = tempfile::tempdir().unwrap();
    let tokens = 0..spec.data.tokens;
    let bytes: Vec<u8> = tokens.map(|i| ((i * i + i / 7) % 13) as u8).collect();
    std::fs::write(folder.path().join(crate::data::STREAM), &bytes).unwrap();
    spec.data.stream = Digest::of(&bytes);
    spec.check().unwrap();
    let stream = Stream::of_spec(folder.path(), &spec).unwrap();
    (folder, spec, stream)
}

/// The CPU's engines, which ask for a stop after some steps.
pub(crate) struct StopsAfter {
    steps: u32,
    stop: Stop,
}

impl StopsAfter {
    pub(crate) fn new(steps: u32, stop: &Stop) -> Self {
        Self { steps, stop: stop.clone() }
    }
}

impl Engine for StopsAfter {
    fn follows(&self, numerics_version: u16) -> bool {
        AnyEngine::cpu().follows(numerics_version)
    }

    fn describe(&self) -> String {
        "stops".into()
    }

    fn resume(&self, spec: &RunSpec, state: &State) -> Result<Box<dyn Session>, EngineError> {
        let inner = AnyEngine::cpu().resume(spec, state)?;
        Ok(Box::new(StopsSession { inner, left: self.steps, stop: self.stop.clone() }))
    }

    fn load(&self, model: &ModelSpec, checkpoint: &Checkpoint) -> Result<Box<dyn Inference>, EngineError> {
        AnyEngine::cpu().load(model, checkpoint)
    }
}

struct StopsSession {
    inner: Box<dyn Session>,
    left: u32,
    stop: Stop,
}

impl Session for StopsSession {
    fn steps_done(&self) -> u32 {
        self.inner.steps_done()
    }

    fn step(&mut self, batch: &Batch, rate: f32) -> Result<StepOutcome, EngineError> {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.stop.raise(Exit::Terminated);
        }
        self.inner.step(batch, rate)
    }

    fn state(&self) -> Result<State, EngineError> {
        self.inner.state()
    }
}
