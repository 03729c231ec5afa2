//! The parameters that a run starts from, drawn from its seed: the same bits on every machine, whatever its numerics version.
//! `sabha_numerics::op::Init` says how.

use super::Checkpoint;
use crate::error::{Exit, failure};
use sabha_numerics::{
    op::{Definition, Op},
    program::{InitProgram, Program},
};
use sabha_protocol::spec::{ModelSpec, RunSpec};

/// The checkpoint that a run's first round starts from.
///
/// # Errors
/// [`Exit::BadInput`] if the specification names one: the chain says which blob holds it, with the first round that begins from it.
pub fn of_spec(spec: &RunSpec) -> anyhow::Result<Checkpoint> {
    match spec.initial_checkpoint {
        None => Ok(initial(&spec.model, spec.seed)),
        Some(root) => Err(failure(
            Exit::BadInput,
            format!(
                "the run starts from the checkpoint with root {root}, not from its seed: a chain is needed to find it"
            ),
        )),
    }
}

/// The checkpoint that a run of `model` with this seed starts from: norms are 1, matrices normal with deviation 0.02, and
/// projections into the residual stream smaller by the square root of twice the number of layers.
pub fn initial(model: &ModelSpec, seed: u64) -> Checkpoint {
    let (instructions, _) = InitProgram { model: model.shape(), seed }.instructions();
    let values = instructions.into_iter().map(|instruction| match instruction.op {
        Op::Init(init) => init.values(0).collect(),
        Op::Fill(fill) => vec![f32::from_bits(fill.word); fill.size as usize],
        // The program has no others.
        other => vec![0.0; other.len() as usize],
    });
    Checkpoint::from_parts(model.parameters(), values.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::demo_spec;

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
            let square =
                values.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>() / values.len() as f64;
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
