//! Every engine of this build behind one: a run's specification says which of them it needs.

use super::{CandleEngine, Checkpoint, Engine, EngineError, ExactEngine, Inference, Session, State, device};
use crate::error::{Exit, ResultExt};
use candle_core::Device;
use sabha_protocol::spec::{ModelSpec, RunSpec};

/// The engines that this build has on one device.
#[derive(Clone, Debug)]
pub struct AnyEngine {
    candle: CandleEngine,
    exact: ExactEngine,
}

impl AnyEngine {
    /// The engines on the device that `name` names: `cpu`, `cuda` or `cuda:N`.
    ///
    /// # Errors
    /// If there is no such device, or this build has no support for it.
    pub fn on(name: &str) -> Result<Self, EngineError> {
        Ok(Self::with(device::open(name)?))
    }

    /// The same, to compute with: a GPU whose kernels have other bits than the definitions is refused.
    ///
    /// # Errors
    /// [`Exit::BadInput`] if there is no such device; [`Exit::Failure`] if its bits differ, or it fails.
    pub fn compared_on(name: &str) -> anyhow::Result<Self> {
        Self::on(name).exit(Exit::BadInput)?.compared(ExactEngine::compare_kernels)
    }

    fn compared(
        self,
        compare: impl FnOnce(&ExactEngine) -> Result<Option<usize>, EngineError>,
    ) -> anyhow::Result<Self> {
        if let Some(families) = compare(&self.exact).exit(Exit::Failure)? {
            tracing::info!(families, "the GPU's kernels have the defined bits");
        }
        Ok(self)
    }

    fn with(device: Device) -> Self {
        Self { candle: CandleEngine::on(device.clone()), exact: ExactEngine::on(device) }
    }

    /// The engines on the CPU.
    pub fn cpu() -> Self {
        Self::with(Device::Cpu)
    }

    /// The one that follows the definitions.
    pub fn exact(&self) -> &ExactEngine {
        &self.exact
    }

    fn all(&self) -> impl Iterator<Item = &dyn Engine> {
        [&self.exact as &dyn Engine, &self.candle].into_iter()
    }

    fn of(&self, version: u16) -> Result<&dyn Engine, EngineError> {
        self.all()
            .find(|engine| engine.follows(version))
            .ok_or_else(|| EngineError::Numerics { wanted: version, device: self.candle.describe() })
    }
}

impl Engine for AnyEngine {
    fn follows(&self, numerics_version: u16) -> bool {
        self.all().any(|engine| engine.follows(numerics_version))
    }

    fn describe(&self) -> String {
        self.all().map(|engine| engine.describe()).collect::<Vec<_>>().join("; ")
    }

    fn resume(&self, spec: &RunSpec, state: &State) -> Result<Box<dyn Session>, EngineError> {
        self.of(spec.numerics_version)?.resume(spec, state)
    }

    fn load(&self, model: &ModelSpec, checkpoint: &Checkpoint) -> Result<Box<dyn Inference>, EngineError> {
        self.exact.load(model, checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{
        StepOutcome, init,
        testing::{text_stream, tiny_spec},
    };
    use sabha_protocol::{NUMERICS_EXACT, NUMERICS_YARDSTICK};

    /// One step's loss and root.
    fn step(engine: &dyn Engine, spec: &RunSpec) -> (f32, sabha_protocol::Digest) {
        let (_folder, spec, stream) = text_stream(spec.clone());
        let mut session = engine.begin(&spec, &init::initial(&spec.model, 5)).unwrap();
        let batch = stream.training_batch(&spec, 0, 0, 0).unwrap();
        match session.step(&batch, 0.01).unwrap() {
            StepOutcome::Done { loss, .. } => (loss, session.digest().unwrap()),
            StepOutcome::Diverged(at) => panic!("{at:?}"),
        }
    }

    #[test]
    fn the_specification_chooses() {
        let mut spec = tiny_spec();
        let any = AnyEngine::cpu();
        spec.numerics_version = NUMERICS_YARDSTICK;
        assert_eq!(step(&any, &spec), step(&CandleEngine::cpu(), &spec));
        spec.numerics_version = NUMERICS_EXACT;
        assert_eq!(step(&any, &spec), step(&ExactEngine::cpu(), &spec));
        assert!(any.follows(NUMERICS_EXACT) && any.follows(NUMERICS_YARDSTICK) && !any.follows(9));
        spec.numerics_version = 9;
        let state = State::begin(init::initial(&spec.model, 5));
        let error = any.resume(&spec, &state).err().unwrap().to_string();
        assert!(error.contains("version 9"), "{error}");
        assert!(matches!(AnyEngine::on("tpu"), Err(EngineError::Device(_))));
    }

    #[test]
    fn a_device_whose_bits_differ_is_not_computed_with() {
        assert!(AnyEngine::compared_on("cpu").is_ok());
        let error = AnyEngine::compared_on("tpu").unwrap_err();
        assert_eq!(Exit::of(&error), Exit::BadInput, "{error:#}");
        let found = |found| AnyEngine::cpu().compared(|_| found);
        assert!(found(Ok(Some(44))).is_ok() && found(Ok(None)).is_ok());
        let error = found(Err(EngineError::Bits("Matmul, element 7".into()))).unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Failure);
        assert!(format!("{error:#}").contains("must not be used: Matmul, element 7"), "{error:#}");
    }
}
