//! Gradients of every parameter against an independent automatic differentiation in double precision: see `vectors/README.md`.

use sabha_numerics::{
    buffer_digest,
    op::Op,
    program::{Model, Operand, Optimiser, Parameter, Program, Role, Source, StepProgram},
    reference::{Trace, execute},
};
use serde_json::Value;
use std::{fs, path::PathBuf};

/// Of a tensor's gradient, relative to its norm.
const GRADIENT: f64 = 1e-4;
/// Of the loss and of the global norm, relative.
const LOSS: f64 = 1e-5;
/// Stands where a parameter's index stands when tokens are drawn.
const TOKENS: u64 = 0xffff_ffff;

/// One decoder, with what the other side found.
struct Case {
    name: String,
    model: Model,
    batch: u64,
    seed: u64,
    scale: f32,
    parameters_blake3: String,
    tokens_blake3: String,
    loss: f64,
    norm: f64,
    gradients: Vec<Gradient>,
}

struct Gradient {
    name: String,
    shape: Vec<u64>,
    norm: f64,
    values: Vec<f64>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().into()
}

fn whole(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// A number that is exact in `f32`.
fn single(value: &Value) -> f32 {
    let exact = value.as_f64().unwrap();
    assert_eq!(f64::from(exact as f32), exact);
    exact as f32
}

fn cases() -> Vec<Case> {
    let index: Value = serde_json::from_slice(&fs::read(folder().join("gradients.json")).unwrap()).unwrap();
    assert_eq!(index["format"], 1);
    index["cases"].as_array().unwrap().iter().map(case).collect()
}

fn case(entry: &Value) -> Case {
    let of = &entry["model"];
    let model = Model {
        vocabulary: whole(&of["vocabulary"]),
        width: whole(&of["width"]),
        layers: whole(&of["layers"]),
        heads: whole(&of["heads"]),
        feed_forward: whole(&of["feed_forward"]),
        context: whole(&of["context"]),
        rope_base: single(&of["rope_base"]),
        norm_epsilon: single(&of["norm_epsilon"]),
        tied_embedding: of["tied_embedding"].as_bool().unwrap(),
    };
    let bytes = fs::read(folder().join(text(&entry["file"]))).unwrap();
    let values = |offset: usize, count: usize| -> Vec<f64> {
        let bytes = &bytes[offset..];
        match text(&entry["values"]).as_str() {
            "f64" => {
                bytes.chunks_exact(8).take(count).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
            }
            "f32" => {
                let value = |b: &[u8]| f64::from(f32::from_le_bytes(b.try_into().unwrap()));
                bytes.chunks_exact(4).take(count).map(value).collect()
            }
            other => panic!("values are {other}"),
        }
    };
    let gradient = |entry: &Value| {
        let shape: Vec<u64> = entry["shape"].as_array().unwrap().iter().map(whole).collect();
        let count = shape.iter().product::<u64>() as usize;
        let values = values(whole(&entry["offset"]) as usize, count);
        assert_eq!(values.len(), count);
        Gradient { name: text(&entry["name"]), shape, norm: entry["norm"].as_f64().unwrap(), values }
    };
    Case {
        name: text(&entry["name"]),
        model,
        batch: whole(&entry["batch"]),
        seed: whole(&entry["seed"]),
        scale: single(&entry["scale"]),
        parameters_blake3: text(&entry["parameters_blake3"]),
        tokens_blake3: text(&entry["tokens_blake3"]),
        loss: entry["loss"].as_f64().unwrap(),
        norm: entry["norm"].as_f64().unwrap(),
        gradients: entry["gradients"].as_array().unwrap().iter().map(gradient).collect(),
    }
}

/// What the parameter is called elsewhere.
fn name(parameter: &Parameter) -> String {
    let part = match parameter.role {
        Role::Embedding => return "model.embed_tokens.weight".into(),
        Role::FinalNorm => return "model.norm.weight".into(),
        Role::Head => return "lm_head.weight".into(),
        Role::AttentionNorm => "input_layernorm",
        Role::Query => "self_attn.q_proj",
        Role::Key => "self_attn.k_proj",
        Role::Value => "self_attn.v_proj",
        Role::Output => "self_attn.o_proj",
        Role::FeedForwardNorm => "post_attention_layernorm",
        Role::Gate => "mlp.gate_proj",
        Role::Up => "mlp.up_proj",
        Role::Down => "mlp.down_proj",
    };
    format!("model.layers.{}.{part}.weight", parameter.layer)
}

impl Case {
    fn draw(&self, parameter: u64, element: u64) -> u64 {
        let x = self.seed ^ (parameter << 32) ^ element;
        let z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn parameters(&self) -> Vec<Vec<f32>> {
        let value = |index: u64, element: u64, matrix: bool| {
            let drawn = ((self.draw(index, element) >> 40) as f32 / 16_777_216.0 - 0.5) * self.scale;
            if matrix { drawn } else { 1.0 + drawn }
        };
        (0u64..)
            .zip(self.model.parameters())
            .map(|(index, parameter)| {
                let matrix = parameter.is_matrix();
                (0..parameter.elements()).map(|element| value(index, element, matrix)).collect()
            })
            .collect()
    }

    fn tokens(&self) -> Vec<u32> {
        let count = self.batch * (self.model.context + 1);
        (0..count).map(|token| (self.draw(TOKENS, token) % self.model.vocabulary) as u32).collect()
    }

    /// The first step from these parameters.
    fn step(&self) -> (StepProgram, Trace) {
        let (parameters, tokens) = (self.parameters(), self.tokens());
        assert_eq!(hex(&buffer_digest(&parameters.concat())), self.parameters_blake3, "{}", self.name);
        let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
        assert_eq!(hex(blake3::hash(&bytes).as_bytes()), self.tokens_blake3, "{}", self.name);

        let mut leaves: Vec<Vec<u32>> = Vec::new();
        for values in &parameters {
            leaves.push(values.iter().map(|value| value.to_bits()).collect());
            leaves.extend([vec![0; values.len()], vec![0; values.len()]]);
        }
        leaves.extend([vec![0], vec![0]]);
        let optimiser =
            Optimiser { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip_norm: 1.0 };
        let offsets = (0..self.batch).map(|sample| sample * (self.model.context + 1)).collect();
        let program = StepProgram {
            model: self.model,
            optimiser,
            rate: 1e-3,
            step: 1,
            stream: tokens.len() as u64,
            offsets,
        };
        let trace = execute(&program, &leaves, &tokens).unwrap();
        (program, trace)
    }
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The numbers of an instruction's output.
fn output(trace: &Trace, operand: &Operand) -> Vec<f64> {
    let Source::Output(index) = operand.source else { panic!("{operand:?} is no output") };
    trace.outputs[index as usize].iter().map(|word| f64::from(f32::from_bits(*word))).collect()
}

/// The gradient that the first moment of each parameter takes, in order, and the sum of all squares.
fn gradients(program: &StepProgram, trace: &Trace) -> (Vec<Vec<f64>>, f64) {
    let (instructions, _) = program.instructions();
    let (mut found, mut squares) = (Vec::new(), Vec::new());
    for instruction in &instructions {
        match instruction.op {
            Op::Moment1(_) => found.push(output(trace, &instruction.inputs[1])),
            Op::ClipFactor(_) => squares = output(trace, &instruction.inputs[0]),
            _ => {}
        }
    }
    (found, squares[0])
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

/// ‖g − g64‖ / ‖g64‖
fn error(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    norm(ours.iter().zip(theirs).map(|(ours, theirs)| ours - theirs)) / norm(theirs.iter().copied())
}

#[test]
fn every_gradient_agrees_with_double_precision() {
    let cases = cases();
    assert!(cases.len() >= 5, "at least five shapes");
    let mut wrong = Vec::new();
    println!("{:<16} {:<52} {:>11} {:>9}", "case", "parameter", "norm", "error");
    for case in &cases {
        let (program, trace) = case.step();
        let (ours, squares) = gradients(&program, &trace);
        let parameters: Vec<Parameter> = case.model.parameters().collect();
        assert_eq!((ours.len(), case.gradients.len()), (parameters.len(), parameters.len()), "{}", case.name);

        let mut check = |what: &str, size: f64, error: f64, bound: f64| {
            println!("{:<16} {what:<52} {size:>11.4e} {error:>9.1e}", case.name);
            // Not `error >= bound`, which is false for NaN.
            if !matches!(error.partial_cmp(&bound), Some(std::cmp::Ordering::Less)) {
                wrong.push(format!("{}, {what}: {error:e}", case.name));
            }
        };
        for ((parameter, ours), theirs) in parameters.iter().zip(&ours).zip(&case.gradients) {
            assert_eq!(name(parameter), theirs.name, "{}", case.name);
            assert_eq!(theirs.shape.iter().product::<u64>(), parameter.elements(), "{}", theirs.name);
            let first = if parameter.is_matrix() { parameter.rows } else { parameter.columns };
            assert_eq!(theirs.shape[0], first, "{}", theirs.name);
            // The file is read as it was written.
            let read = norm(theirs.values.iter().copied());
            assert!((read / theirs.norm - 1.0).abs() < 1e-6, "{}: {read} {}", theirs.name, theirs.norm);
            check(&theirs.name, theirs.norm, error(ours, &theirs.values), GRADIENT);
        }
        let loss = f64::from(f32::from_bits(trace.leaves.last().unwrap()[0]));
        check("(loss)", loss, (loss / case.loss - 1.0).abs(), LOSS);
        check("(global norm)", case.norm, (squares.sqrt() / case.norm - 1.0).abs(), LOSS);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_parameter_gets_a_gradient_that_is_not_zero() {
    for case in cases() {
        let (program, trace) = case.step();
        let (ours, _) = gradients(&program, &trace);
        for (parameter, gradient) in case.model.parameters().zip(&ours) {
            let what = format!("{}, {}", case.name, name(&parameter));
            let filled = gradient.iter().filter(|value| **value != 0.0).count();
            assert!(filled > 0, "{what} gets none");
            // Only rows of the embedding whose token did not occur may be empty, if nothing else uses them.
            let sparse = parameter.role == Role::Embedding && !case.model.tied_embedding;
            assert!(sparse || filled * 2 > gradient.len(), "{what}: {filled} of {}", gradient.len());
        }
    }
}

/// What the bound would let pass: nothing that is off by a thousandth, in all elements or in a few.
#[test]
fn a_gradient_that_is_a_little_wrong_is_noticed() {
    for case in cases() {
        for Gradient { name, values, .. } in &case.gradients {
            let scaled: Vec<f64> = values.iter().map(|value| value * 1.001).collect();
            assert!(error(&scaled, values) > GRADIENT, "{}, {name}", case.name);
            let mut one = values.clone();
            let largest = (0..one.len()).max_by(|a, b| one[*a].abs().total_cmp(&one[*b].abs())).unwrap();
            one[largest] *= 1.01;
            assert!(error(&one, values) > GRADIENT, "{}, {name}: one element", case.name);
        }
        let swapped: Vec<f64> = case.gradients[0].values.iter().rev().copied().collect();
        assert!(error(&swapped, &case.gradients[0].values) > 0.1, "{}", case.name);
    }
}
