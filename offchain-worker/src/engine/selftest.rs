//! Whether this machine has the bits that are defined: some steps of a small model on the engine, beside the same steps executed
//! by the definitions, element by element.

use super::{AnyEngine, Engine, StepOutcome, init};
use crate::data::Batch;
use sabha_numerics::{
    program::{BeginProgram, StepProgram},
    reference::{Failure, execute},
    state_root,
};
use sabha_protocol::{Digest, NUMERICS_EXACT, NUMERICS_YARDSTICK, spec::RunSpec};

/// Steps that are compared.
const STEPS: u32 = 2;

/// Compares every numerics version that the engine follows, on the model of `spec`, and says what was found.
///
/// # Errors
/// If the engine fails, or its bits are not the defined ones, or not the same twice.
pub fn self_test(engine: &AnyEngine, spec: &RunSpec) -> anyhow::Result<String> {
    for numerics_version in [NUMERICS_EXACT, NUMERICS_YARDSTICK] {
        if !engine.follows(numerics_version) {
            continue;
        }
        let spec = RunSpec { numerics_version, ..spec.clone() };
        let (first, losses) = train(engine, &spec)?;
        let (second, _) = train(engine, &spec)?;
        anyhow::ensure!(
            first == second,
            "the same steps gave other bits the second time: is the memory sound?"
        );
        anyhow::ensure!(losses.last() < losses.first(), "the loss did not fall: {losses:?}");
        if numerics_version == NUMERICS_EXACT {
            let defined = defined(&spec)?;
            anyhow::ensure!(
                first == defined,
                "the exact engine came to {first}, the definitions to {defined}: this machine must not train"
            );
        }
    }
    let exact = if engine.follows(NUMERICS_EXACT) { "the defined bits" } else { "twice the same bits" };
    Ok(format!("{}: {STEPS} steps, {exact}", engine.describe()))
}

/// A stream that the model of any vocabulary of at least 16 tokens can read, one window for each sample.
fn stream(spec: &RunSpec) -> Vec<u32> {
    (0..spec.rounds.batch * spec.model.context + 1).map(|place| (place * 7 + place / 5) % 16).collect()
}

fn offsets(spec: &RunSpec) -> Vec<u64> {
    (0..u64::from(spec.rounds.batch)).map(|sample| sample * u64::from(spec.model.context)).collect()
}

fn train(engine: &AnyEngine, spec: &RunSpec) -> anyhow::Result<(Digest, Vec<f32>)> {
    let stream = stream(spec);
    let tokens = stream.len().saturating_sub(1);
    let inputs = stream.get(..tokens).unwrap_or_default().to_vec();
    let targets = stream.get(1..).unwrap_or_default().to_vec();
    let (samples, context) = (spec.rounds.batch as usize, spec.model.context as usize);
    let batch = Batch { samples, context, inputs, targets };
    let mut session = engine.begin(spec, &init::initial(&spec.model, spec.seed))?;
    let mut losses = Vec::new();
    for _ in 0..STEPS {
        match session.step(&batch, 0.01)? {
            StepOutcome::Done { loss, .. } => losses.push(loss),
            StepOutcome::Diverged(at) => anyhow::bail!("a step left the finite numbers: {at:?}"),
        }
    }
    Ok((session.digest()?, losses))
}

/// The state's root after the same steps, by the definitions.
fn defined(spec: &RunSpec) -> anyhow::Result<Digest> {
    let failed = |failure: Failure| anyhow::anyhow!("the definitions could not be executed: {failure:?}");
    let model = spec.model.shape();
    let start = init::initial(&spec.model, spec.seed);
    let words = |values: &Vec<f32>| values.iter().map(|value| value.to_bits()).collect::<Vec<u32>>();
    let parameters: Vec<Vec<u32>> = start.values().iter().map(words).collect();
    let mut state = execute(&BeginProgram { model }, &parameters, &[]).map_err(failed)?.leaves;
    let stream = stream(spec);
    for step in 1..=STEPS {
        let optimiser = spec.optimiser.numerics();
        let (len, offsets) = (stream.len() as u64, offsets(spec));
        let program = StepProgram { model, optimiser, rate: 0.01, step, stream: len, offsets };
        state = execute(&program, &state, &stream).map_err(failed)?.leaves;
    }
    let digests: Vec<[u8; 32]> = state
        .iter()
        .map(|words| {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            *blake3::hash(&bytes).as_bytes()
        })
        .collect();
    Ok(Digest(state_root(&digests)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::tiny_spec;

    #[test]
    fn this_machine_has_the_defined_bits() {
        let found = self_test(&AnyEngine::cpu(), &tiny_spec()).unwrap();
        assert!(found.contains("the defined bits"), "{found}");
    }
}
