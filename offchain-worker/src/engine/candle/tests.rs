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

    fn tensors(&self) -> Vec<Tensor> {
        self.variables().iter().map(|variable| variable.as_tensor().clone()).collect()
    }

    /// Central differences by every element of one parameter: no backward pass has a part in it.
    fn differences(&self, index: usize) -> Vec<f64> {
        const STEP: f64 = 1e-5;
        let mut parameters = self.tensors();
        let shape = parameters[index].shape().clone();
        let mut values = self.values[index].clone();
        let mut loss = |values: &[f64]| -> f64 {
            parameters[index] = Tensor::from_slice(values, &shape, &Device::Cpu).unwrap();
            self.decoder.loss(&parameters, &self.batch).unwrap().to_scalar().unwrap()
        };
        (0..values.len())
            .map(|element| {
                let value = values[element];
                values[element] = value + STEP;
                let above = loss(&values);
                values[element] = value - STEP;
                let below = loss(&values);
                values[element] = value;
                (above - below) / (2.0 * STEP)
            })
            .collect()
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

#[test]
fn gradients_are_those_of_finite_differences() {
    for tied in [false, true] {
        let fixture = Fixture::new(tied, DType::F64);
        for (index, gradient) in fixture.gradients().iter().enumerate() {
            let differences = fixture.differences(index);
            let error: Vec<f64> = gradient.iter().zip(&differences).map(|(g, d)| g - d).collect();
            let relative = norm(&error) / norm(&differences);
            assert!(relative < 1e-6, "tied {tied} {}: {relative:e}", fixture.parameters[index].name);
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

/// Where the arithmetic ends is part of the result: the step, and what of it.
#[test]
fn a_divergence_names_its_step_and_what_was_not_finite() {
    let (_folder, spec, stream) = text_stream(tiny_spec());
    for bad in [0, 3] {
        let mut session = CandleEngine::cpu().begin(&spec, &init::initial(&spec.model, 5)).unwrap();
        for step in 0..=bad {
            let batch = stream.training_batch(&spec, 0, 0, step).unwrap();
            // An infinite rate leaves no parameter finite; the first is named.
            let rate = if step == bad { f32::INFINITY } else { 0.01 };
            match session.step(&batch, rate).unwrap() {
                StepOutcome::Done { .. } => assert!(step < bad),
                StepOutcome::Diverged(divergence) => {
                    assert_eq!(divergence, Divergence { step: bad, instruction: UPDATE, element: 0 });
                }
            }
        }
    }

    let mut state = State::begin(init::initial(&spec.model, 5));
    (state.step, state.loss_sum) = (2, f32::MAX);
    let mut session = CandleEngine::cpu().resume(&spec, &state).unwrap();
    let batch = stream.training_batch(&spec, 0, 0, 2).unwrap();
    // A loss of some nats does not move the largest number: rounding keeps it finite.
    assert!(matches!(session.step(&batch, 0.01).unwrap(), StepOutcome::Done { .. }));
    state.loss_sum = f32::INFINITY;
    let mut session = CandleEngine::cpu().resume(&spec, &state).unwrap();
    let expected = Divergence { step: 2, instruction: LOSS, element: 0 };
    assert_eq!(session.step(&batch, 0.01).unwrap(), StepOutcome::Diverged(expected));
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

/// No position may see a later one: the losses of a text's first positions are those of the same positions in any longer text.
#[test]
fn a_later_token_changes_no_earlier_loss() {
    let fixture = Fixture::new(false, DType::F64);
    let parameters = fixture.tensors();
    // The sum over all positions. The target is the same everywhere, so only the inputs make a difference.
    let sum = |tokens: &[u32]| -> f64 {
        let (context, inputs, targets) = (tokens.len(), tokens.to_vec(), vec![3; tokens.len()]);
        let batch = Batch { samples: 1, context, inputs, targets };
        let mean: f64 = fixture.decoder.loss(&parameters, &batch).unwrap().to_scalar().unwrap();
        mean * context as f64
    };
    // What the last position alone adds, from its logits.
    let last = |tokens: &[u32]| -> f64 {
        let logits = fixture.decoder.last_logits(&parameters, tokens).unwrap();
        let logits: Vec<f64> = logits.flatten_all().unwrap().to_vec1().unwrap();
        logits.iter().map(|x| x.exp()).sum::<f64>().ln() - logits[3]
    };
    let tokens: Vec<u32> = (0..fixture.decoder.context() as u32).map(|i| i * 5 % 16).collect();
    for at in 1..tokens.len() {
        let mut changed = tokens[..=at].to_vec();
        changed[at] = (changed[at] + 1) % 16;
        let earlier = sum(&tokens[..at]);
        for text in [&tokens[..=at], &changed] {
            let added = sum(text) - earlier;
            assert!((added - last(text)).abs() < 1e-9, "position {at}: {added} {}", last(text));
        }
        assert!((last(&tokens[..=at]) - last(&changed)).abs() > 1e-6, "position {at} sees its own token");
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
fn foreign_checkpoints_and_batches_are_refused() {
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
    assert!(engine.follows(NUMERICS_YARDSTICK) && !engine.follows(1));
}

#[test]
fn the_global_norm_is_over_all_gradients() {
    let tensor = |values: &[f32]| Tensor::from_slice(values, values.len(), &Device::Cpu).unwrap();
    let norm = global_norm(&[tensor(&[3.0, 0.0]), tensor(&[4.0])]).unwrap();
    assert!((norm - 5.0).abs() < 1e-6);
    assert_eq!(global_norm(&[]).unwrap(), 0.0);
}
