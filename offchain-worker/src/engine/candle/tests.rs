//! The yardstick engine: gradients, determinism, causality, refusals.

use super::{adamw::global_norm, *};
use crate::{
    data::Batch,
    engine::{
        init,
        testing::{text_stream, tiny_spec},
    },
};
use candle_core::DType;
use sabha_protocol::spec::Parameter;

/// A model, its parameters as variables of `dtype`, and a batch.
struct Fixture {
    decoder: Decoder,
    parameters: Vec<Parameter>,
    values: Vec<Vec<f64>>,
    batch: Batch,
    dtype: DType,
}

impl Fixture {
    fn new(tied_embedding: bool, dtype: DType) -> Self {
        let mut spec = tiny_spec();
        spec.model.tied_embedding = tied_embedding;
        let (_folder, spec, stream) = text_stream(spec);
        let start = init::initial(&spec.model, 11);
        // Larger than at the start of training, and norms that are not all 1: no gradient may be small by chance.
        let values = start
            .iter()
            .map(|(parameter, values)| {
                let factor = if parameter.shape.len() == 1 { 1.0 } else { 12.0 };
                let bump = |(i, x): (usize, &f32)| f64::from(*x) * factor + 0.01 * (i % 3) as f64;
                values.iter().enumerate().map(bump).collect()
            })
            .collect();
        let batch = stream.windows(&spec, &[0, 100, 33]).unwrap();
        let decoder = Decoder::new(&spec.model, &Device::Cpu, dtype).unwrap();
        Self { decoder, parameters: start.parameters().to_vec(), values, batch, dtype }
    }

    fn variables(&self) -> Vec<Var> {
        let variable = |(parameter, values): (&Parameter, &Vec<f64>)| {
            let shape: Vec<usize> = parameter.shape.iter().map(|d| *d as usize).collect();
            let tensor =
                Tensor::from_slice(values, shape, &Device::Cpu).unwrap().to_dtype(self.dtype).unwrap();
            Var::from_tensor(&tensor).unwrap()
        };
        self.parameters.iter().zip(&self.values).map(variable).collect()
    }

    fn loss(&self) -> f64 {
        let parameters: Vec<Tensor> = self.variables().iter().map(|v| v.as_tensor().clone()).collect();
        let loss = self.decoder.loss(&parameters, &self.batch).unwrap();
        loss.to_dtype(DType::F64).unwrap().to_scalar().unwrap()
    }

    fn gradients(&self) -> Vec<Vec<f64>> {
        let variables = self.variables();
        let parameters: Vec<Tensor> = variables.iter().map(|v| v.as_tensor().clone()).collect();
        let store = self.decoder.loss(&parameters, &self.batch).unwrap().backward().unwrap();
        let gradient = |(variable, parameter): (&Var, &Parameter)| {
            let gradient =
                store.get(variable).unwrap_or_else(|| panic!("{} got no gradient", parameter.name));
            let gradient = gradient.to_dtype(DType::F64).unwrap();
            gradient.flatten_all().unwrap().to_vec1().unwrap()
        };
        variables.iter().zip(&self.parameters).map(gradient).collect()
    }
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[test]
fn every_parameter_gets_a_gradient() {
    for tied in [false, true] {
        let fixture = Fixture::new(tied, DType::F32);
        for (parameter, gradient) in fixture.parameters.iter().zip(fixture.gradients()) {
            assert_eq!(gradient.len() as u64, parameter.elements());
            assert!(norm(&gradient) > 1e-6, "tied {tied}: {} {}", parameter.name, norm(&gradient));
        }
    }
}

/// Central differences in `f64`, along random directions of each parameter: independent of every backward pass.
#[test]
fn gradients_are_those_of_finite_differences() {
    const STEP: f64 = 1e-5;
    for tied in [false, true] {
        let fixture = Fixture::new(tied, DType::F64);
        let gradients = fixture.gradients();
        for (index, gradient) in gradients.iter().enumerate() {
            for seed in 0..3u32 {
                let direction: Vec<f64> = (0..gradient.len() as u32)
                    .map(|i| {
                        f64::from((i.wrapping_mul(2_654_435_761) ^ seed.wrapping_mul(97)) % 1_000) / 500.0
                            - 1.0
                    })
                    .collect();
                let moved = |by: f64| {
                    let mut other =
                        Fixture { values: fixture.values.clone(), ..Fixture::new(tied, DType::F64) };
                    for (value, d) in other.values[index].iter_mut().zip(&direction) {
                        *value += by * d;
                    }
                    other.loss()
                };
                let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                let product: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
                let scale = norm(gradient) * norm(&direction);
                assert!(
                    (difference - product).abs() < 1e-6 * scale.max(1e-3),
                    "tied {tied} {}: {difference} by differences, {product} by the backward pass",
                    fixture.parameters[index].name
                );
            }
        }
    }
}

#[test]
fn single_precision_gradients_are_close_to_double_precision_ones() {
    let (single, double) = (Fixture::new(false, DType::F32), Fixture::new(false, DType::F64));
    let pairs = single.gradients().into_iter().zip(double.gradients());
    for ((single, double), parameter) in pairs.zip(&double.parameters) {
        let error: Vec<f64> = single.iter().zip(&double).map(|(s, d)| s - d).collect();
        assert!(norm(&error) / norm(&double) < 1e-4, "{}: {}", parameter.name, norm(&error) / norm(&double));
    }
}

#[test]
fn the_same_steps_give_the_same_bits() {
    let (_folder, spec, stream) = text_stream(tiny_spec());
    let run = || {
        let mut session = CandleEngine::cpu().begin(&spec, &init::initial(&spec.model, 5)).unwrap();
        for step in 0..6 {
            let batch = stream.training_batch(&spec, 0, 0, step).unwrap();
            assert!(matches!(session.step(&batch, 0.01).unwrap(), StepOutcome::Done { .. }));
        }
        session.digest().unwrap()
    };
    assert_eq!(run(), run());
}

#[test]
fn a_session_goes_on_from_any_state_to_the_same_bits() {
    let (_folder, spec, stream) = text_stream(tiny_spec());
    let engine = CandleEngine::cpu();
    let mut session = engine.begin(&spec, &init::initial(&spec.model, 5)).unwrap();
    let mut states = vec![session.state().unwrap()];
    for step in 0..5 {
        session.step(&stream.training_batch(&spec, 0, 0, step).unwrap(), 0.01).unwrap();
        states.push(session.state().unwrap());
    }
    for (done, state) in (0u32..).zip(&states) {
        let mut session = engine.resume(&spec, state).unwrap();
        assert_eq!(session.steps_done(), done);
        for step in done..5 {
            session.step(&stream.training_batch(&spec, 0, 0, step).unwrap(), 0.01).unwrap();
        }
        assert_eq!(session.digest().unwrap(), states[5].root(), "from step {done}");
    }
}

#[test]
fn the_loss_of_a_pattern_falls() {
    let mut spec = tiny_spec();
    spec.rounds.inner_steps = 60;
    let (_folder, spec, stream) = text_stream(spec);
    let mut session = CandleEngine::cpu().begin(&spec, &init::initial(&spec.model, 5)).unwrap();
    let mut losses = Vec::new();
    for step in 0..60 {
        match session.step(&stream.training_batch(&spec, 0, 0, step).unwrap(), 0.01).unwrap() {
            StepOutcome::Done { loss, gradient_norm } => {
                assert!(gradient_norm > 0.0);
                losses.push(loss);
            }
            StepOutcome::Diverged(divergence) => panic!("{divergence:?}"),
        }
    }
    let start = (spec.model.vocabulary as f32).ln();
    assert!((losses[0] - start).abs() < 0.1, "an untrained model knows nothing: {}", losses[0]);
    assert!(losses[59] < 0.8 * start, "{losses:?}");
}

/// No position may see a later one.
#[test]
fn a_later_token_changes_no_earlier_logits() {
    let spec = tiny_spec();
    let model = CandleEngine::cpu().load(&spec.model, &init::initial(&spec.model, 5)).unwrap();
    let tokens: Vec<u32> = (0..spec.model.context).map(|i| i * 5 % 16).collect();
    for length in 1..tokens.len() {
        let mut changed = tokens.clone();
        changed[length] = (changed[length] + 1) % 16;
        // The loss on the first `length` targets, alone and with a different token behind.
        assert_eq!(
            model.next_logits(&tokens[..length]).unwrap(),
            model.next_logits(&changed[..length]).unwrap()
        );
    }
    let fixture = Fixture::new(false, DType::F64);
    let hidden = |tokens: &[u32]| {
        let parameters: Vec<Tensor> = fixture.variables().iter().map(|v| v.as_tensor().clone()).collect();
        let batch = Batch {
            samples: 1,
            context: tokens.len(),
            inputs: tokens.to_vec(),
            targets: vec![3; tokens.len()],
        };
        // The sum of the losses over all positions: what a changed last token adds concerns the last position only.
        let loss: f64 = fixture.decoder.loss(&parameters, &batch).unwrap().to_scalar().unwrap();
        loss * tokens.len() as f64
    };
    let whole = &tokens[..];
    let (last, rest) = whole.split_last().unwrap();
    let mut other = rest.to_vec();
    other.push((last + 1) % 16);
    let first = hidden(rest);
    let logits_loss = |tokens: &[u32]| hidden(tokens) - first;
    // Were earlier positions to see the last token, these differences would not be the last position's own loss.
    for tokens in [whole, &other] {
        let parameters: Vec<Tensor> = fixture.variables().iter().map(|v| v.as_tensor().clone()).collect();
        let logits = fixture.decoder.last_logits(&parameters, tokens).unwrap();
        let logits: Vec<f64> = logits.flatten_all().unwrap().to_vec1().unwrap();
        let own = logits.iter().map(|x| x.exp()).sum::<f64>().ln() - logits[3];
        assert!((logits_loss(tokens) - own).abs() < 1e-9, "{} {own}", logits_loss(tokens));
    }
}

#[test]
fn long_texts_count_by_their_end() {
    let spec = tiny_spec();
    let model = CandleEngine::cpu().load(&spec.model, &init::initial(&spec.model, 5)).unwrap();
    let tokens: Vec<u32> = (0..20).map(|i| i * 3 % 16).collect();
    let window = &tokens[20 - spec.model.context as usize..];
    assert_eq!(model.next_logits(&tokens).unwrap(), model.next_logits(window).unwrap());
    assert!(matches!(model.next_logits(&[]), Err(EngineError::Shape(_))));
}

#[test]
fn foreign_checkpoints_batches_and_devices_are_refused() {
    let (_folder, spec, stream) = text_stream(tiny_spec());
    let engine = CandleEngine::cpu();
    let mut other = spec.model;
    other.layers += 1;
    assert!(matches!(engine.begin(&spec, &init::initial(&other, 5)).err(), Some(EngineError::Shape(_))));
    assert!(matches!(engine.load(&other, &init::initial(&spec.model, 5)).err(), Some(EngineError::Shape(_))));
    let mut session = engine.begin(&spec, &init::initial(&spec.model, 5)).unwrap();
    let mut batch = stream.windows(&spec, &[0]).unwrap();
    batch.inputs.pop();
    assert!(matches!(session.step(&batch, 0.01), Err(EngineError::Shape(_))));
    for name in ["tpu", "cuda:x", "cuda"] {
        let error = CandleEngine::on(name);
        if name != "cuda" || !cfg!(feature = "cuda") {
            assert!(matches!(error, Err(EngineError::Device(_))), "{name}");
        }
    }
    assert_eq!(engine.numerics_version(), NUMERICS_YARDSTICK);
}

#[test]
fn the_global_norm_is_over_all_gradients() {
    let tensor = |values: &[f32]| Tensor::from_slice(values, values.len(), &Device::Cpu).unwrap();
    let norm = global_norm(&[tensor(&[3.0, 0.0]), tensor(&[4.0])]).unwrap();
    assert!((norm - 5.0).abs() < 1e-6);
    assert_eq!(global_norm(&[]).unwrap(), 0.0);
}
