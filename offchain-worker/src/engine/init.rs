//! The parameters that a run starts from, drawn from its seed: the same bits on every machine.
//!
//! Each parameter has a ChaCha20 stream of its own, keyed by the run's seed and numbered by the parameter's place in the
//! specification. An element takes six words, that is twelve uniform 16-bit numbers, whose sum is close to normal (Irwin-Hall,
//! variance 1, at most 6 standard deviations). The sum is taken in whole numbers and scaled and rounded once, so no library's
//! logarithm has a say.

use super::Checkpoint;
use crate::error::{Exit, failure};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use sabha_protocol::spec::{ModelSpec, Parameter, RunSpec};

/// Standard deviation of a matrix's elements.
const DEVIATION: f64 = 0.02;

/// Words of the stream that one element takes.
const WORDS: u32 = 6;

/// The checkpoint that a run's first round starts from.
///
/// # Errors
/// [`Exit::BadInput`] if the specification names one: checkpoints cannot be fetched yet.
pub fn of_spec(spec: &RunSpec) -> anyhow::Result<Checkpoint> {
    match spec.initial_checkpoint {
        None => Ok(initial(&spec.model, spec.seed)),
        Some(root) => Err(failure(
            Exit::BadInput,
            format!("the run starts from the checkpoint with root {root}, which this release cannot fetch"),
        )),
    }
}

/// The checkpoint that a run of `model` with this seed starts from: norms are 1, matrices normal with deviation 0.02, and
/// projections into the residual stream smaller by the square root of twice the number of layers.
pub fn initial(model: &ModelSpec, seed: u64) -> Checkpoint {
    let parameters = model.parameters();
    let values =
        (0u64..).zip(&parameters).map(|(index, parameter)| draw(model, seed, index, parameter)).collect();
    Checkpoint::from_parts(parameters, values)
}

fn draw(model: &ModelSpec, seed: u64, index: u64, parameter: &Parameter) -> Vec<f32> {
    let elements = parameter.elements();
    if parameter.shape.len() == 1 {
        return (0..elements).map(|_| 1.0).collect();
    }
    let residual = parameter.name.ends_with("o_proj.weight") || parameter.name.ends_with("down_proj.weight");
    let deviation = if residual { DEVIATION / f64::from(model.layers * 2).sqrt() } else { DEVIATION };
    let mut stream = stream(seed, index);
    (0..elements).map(|_| (normal(&mut stream) * deviation) as f32).collect()
}

fn stream(seed: u64, index: u64) -> ChaCha20Rng {
    let key = blake3::derive_key("sabha 2026 initial parameters v0", &seed.to_le_bytes());
    let mut stream = ChaCha20Rng::from_seed(key);
    stream.set_stream(index);
    stream
}

fn normal(stream: &mut ChaCha20Rng) -> f64 {
    let sum: u32 = (0..WORDS)
        .map(|_| {
            let word = stream.next_u32();
            (word & 0xffff) + (word >> 16)
        })
        .sum();
    // Twelve numbers of mean 32767.5.
    (f64::from(sum) - 12.0 * 32_767.5) / 65_536.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::demo_spec;

    #[test]
    fn draws_are_close_to_normal() {
        let mut stream = stream(1, 2);
        let draws: Vec<f64> = (0..200_000).map(|_| normal(&mut stream)).collect();
        let moment = |power: i32| draws.iter().map(|x| x.powi(power)).sum::<f64>() / draws.len() as f64;
        assert!(moment(1).abs() < 0.01, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.02, "{}", moment(2));
        assert!((moment(4) - 2.9).abs() < 0.1, "Irwin-Hall of 12: 2.9, {}", moment(4));
    }

    #[test]
    fn parameters_differ_and_follow_the_seed() {
        let model = demo_spec().model;
        let one = initial(&model, 7);
        assert_eq!(one, initial(&model, 7));
        let other = initial(&model, 8);
        for ((parameter, a), b) in one.iter().zip(other.values()) {
            assert_eq!(parameter.shape.len() == 2, a != b.as_slice(), "{}", parameter.name);
        }
        let matrices: Vec<_> = one.iter().filter(|(p, _)| p.shape.len() == 2).map(|(_, v)| &v[..8]).collect();
        for (index, matrix) in matrices.iter().enumerate() {
            assert!(!matrices[..index].contains(matrix), "streams are apart");
        }
    }

    #[test]
    fn residual_projections_are_smaller() {
        let model = demo_spec().model;
        for (parameter, values) in initial(&model, 7).iter() {
            let square = values.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / values.len() as f64;
            let expected = match parameter.name.as_str() {
                name if name.contains("norm") => 1.0,
                name if name.contains("o_proj") || name.contains("down_proj") => 0.02 / 8f64.sqrt(),
                _ => 0.02,
            };
            assert!((square.sqrt() / expected - 1.0).abs() < 0.03, "{} {}", parameter.name, square.sqrt());
        }
    }

    /// Every worker must draw the same start.
    #[test]
    fn golden_initial_root() {
        let mut model = demo_spec().model;
        (model.width, model.layers, model.feed_forward) = (8, 1, 8);
        assert_eq!(initial(&model, 7).root().to_string(), GOLDEN);
    }
    const GOLDEN: &str = "bb4d29c297a548dbfa057fe230c8165e446d8ab21f43d9dbe9f8ab34fa6f806d";
}
