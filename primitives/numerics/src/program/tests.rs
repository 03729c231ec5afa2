//! Whole programs, executed by the definitions.

use super::*;
use crate::{
    buffer_digest,
    op::testing::model as shape,
    reference::{Failure, Trace, execute},
    state_root,
};
use alloc::{vec, vec::Vec};

const OPTIMISER: Optimiser =
    Optimiser { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.1, clip_norm: 1.0 };

fn model() -> Model {
    shape(16, 16, 2, 24, 8)
}

/// A text that can be learnt: each token follows from the one before.
fn stream() -> Vec<u32> {
    (0..400u32)
        .scan(1, |token, _| {
            *token = (*token * 5 + 3) % 16;
            Some(*token)
        })
        .collect()
}

fn step(model: Model, at: u32, rate: f32) -> StepProgram {
    let offsets = (0..4).map(|sample| u64::from(at * 4 + sample) * 37 % 380).collect();
    StepProgram { model, optimiser: OPTIMISER, rate, step: at + 1, stream: 400, offsets }
}

fn initial(model: Model) -> Vec<Vec<u32>> {
    execute(&InitProgram { model, seed: 5 }, &[], &[]).unwrap().leaves
}

fn begin(model: Model) -> Vec<Vec<u32>> {
    execute(&BeginProgram { model }, &initial(model), &[]).unwrap().leaves
}

fn train(model: Model, steps: u32) -> Vec<Vec<u32>> {
    let stream = stream();
    (0..steps)
        .fold(begin(model), |state, at| execute(&step(model, at, 0.02), &state, &stream).unwrap().leaves)
}

fn evaluate(model: Model, parameters: &[Vec<u32>]) -> f32 {
    let program = EvaluateProgram { model, stream: 400, offsets: vec![3, 100, 200, 381] };
    let Trace { leaves, .. } = execute(&program, parameters, &stream()).unwrap();
    f32::from_bits(leaves[0][0])
}

fn parameters(state: &[Vec<u32>]) -> Vec<Vec<u32>> {
    state[..state.len() - 2].iter().step_by(3).cloned().collect()
}

#[allow(clippy::disallowed_methods)]
#[test]
fn a_model_learns() {
    for tied_embedding in [false, true] {
        let model = Model { tied_embedding, ..model() };
        let state = train(model, 30);
        let before = evaluate(model, &initial(model));
        assert!((before - 16f32.ln()).abs() < 0.1, "an untrained model knows nothing: {before}");
        let after = evaluate(model, &parameters(&state));
        assert!(after < 0.5 * before, "tied {tied_embedding}: {before} {after}");
        let end = state.len();
        assert_eq!(state[end - 2], [30], "the step");
        let mean = f32::from_bits(state[end - 1][0]) / 30.0;
        assert!(mean > after && mean < before, "the sum of losses: {mean}");
    }
}

#[test]
fn every_parameter_gets_a_gradient() {
    for tied_embedding in [false, true] {
        let model = Model { tied_embedding, ..model() };
        let state = train(model, 1);
        for (index, parameter) in model.parameters().enumerate() {
            // The first moment is a tenth of the clipped gradient.
            let moment = &state[index * 3 + 1];
            assert!(moment.iter().any(|word| f32::from_bits(*word) != 0.0), "{parameter:?}");
        }
    }
}

#[test]
fn an_update_is_the_difference_within_its_grid_and_the_mean_of_equals_is_itself() {
    let model = model();
    let (start, end) = (initial(model), train(model, 3));
    let mut leaves = start.clone();
    leaves.extend(parameters(&end));
    leaves.push(end.last().unwrap().clone());
    let update = execute(&FinishProgram { model, steps: 3 }, &leaves, &[]).unwrap().leaves;
    let mean = f32::from_bits(update.last().unwrap()[0]);
    assert_eq!(mean, f32::from_bits(end.last().unwrap()[0]) / 3.0);

    let outer = Outer { rate: 1.0, momentum: 0.0 };
    let next = |workers: u64| {
        let mut leaves = start.clone();
        leaves.extend(start.iter().map(|values| vec![0; values.len()]));
        for _ in 0..workers {
            leaves.extend_from_slice(&update[..update.len() - 1]);
        }
        execute(&AggregateProgram { model, outer, workers }, &leaves, &[]).unwrap().leaves
    };
    let one = next(1);
    assert_eq!(one, next(2), "two equal updates have the mean of one");
    assert_eq!(one, next(4));
    for (index, (before, after)) in start.iter().zip(parameters(&end)).enumerate() {
        let floats = |words: &[u32]| words.iter().map(|word| f32::from_bits(*word)).collect::<Vec<_>>();
        let (before, after, reached) = (floats(before), floats(&after), floats(&one[index]));
        let largest = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        for (after, reached) in after.iter().zip(&reached) {
            assert!((after - reached).abs() <= largest / 64.0, "parameter {index}: {after} {reached}");
        }
    }
}

#[test]
fn an_update_that_dominates_is_scaled_down_and_the_order_of_workers_does_not_matter() {
    let model = model();
    let start = initial(model);
    let finish = |scale: f32| {
        let scaled = |word: &u32| (f32::from_bits(*word) * scale).to_bits();
        let mut leaves = start.clone();
        leaves.extend(start.iter().map(|values| values.iter().map(scaled).collect::<Vec<u32>>()));
        leaves.push(vec![0]);
        let mut update = execute(&FinishProgram { model, steps: 1 }, &leaves, &[]).unwrap().leaves;
        update.pop();
        update
    };
    let next = |updates: &[&Vec<Vec<u32>>]| {
        let mut leaves = start.clone();
        leaves.extend(start.iter().map(|values| vec![0; values.len()]));
        leaves.extend(updates.iter().flat_map(|update| update.iter().cloned()));
        let outer = Outer { rate: 1.0, momentum: 0.0 };
        let workers = updates.len() as u64;
        execute(&AggregateProgram { model, outer, workers }, &leaves, &[]).unwrap().leaves
    };
    let (a, b, huge) = (finish(1.01), finish(0.99), finish(9.0));
    assert_eq!(next(&[&a, &b, &huge]), next(&[&huge, &a, &b]));
    // 800 times too large is shifted by 9 bits: what is left is at most twice the median.
    let moved = next(&[&a, &b, &huge]);
    let square = |x: f32| x * x;
    let change = |index: usize| -> f32 {
        let pairs = start[index].iter().zip(&moved[index]);
        pairs.map(|(a, b)| square(f32::from_bits(*a) - f32::from_bits(*b))).sum::<f32>().sqrt()
    };
    let size: f32 = start[0].iter().map(|word| square(f32::from_bits(*word))).sum::<f32>().sqrt();
    assert!(change(0) < 0.02 * size, "{} of {size}", change(0));
    assert!(change(0) > 0.002 * size);
}

#[test]
fn arithmetic_that_leaves_the_finite_numbers_is_named() {
    let model = model();
    let stream = stream();
    let mut state = begin(model);
    let program = step(model, 0, 0.02);
    let fails = |state: &[Vec<u32>]| match execute(&program, state, &stream) {
        Err(Failure::NotFinite(at)) => at,
        other => panic!("{other:?}"),
    };
    // A gain that overflows: the first norm's output, at the first row's column 3.
    let gain = model.index(Role::AttentionNorm, 0) * 3;
    state[gain][3] = f32::MAX.to_bits();
    let at = fails(&state);
    let instruction = program.instruction(at.instruction).unwrap();
    assert!(matches!(instruction.op, crate::op::Op::Matmul(_) | crate::op::Op::Norm(_)), "{instruction:?}");
    // An infinite sum of losses: the very last instruction.
    let mut state = begin(model);
    *state.last_mut().unwrap() = vec![f32::INFINITY.to_bits()];
    let at = fails(&state);
    assert_eq!((at.instruction + 1, at.element), (program.count(), 0));
}

#[test]
fn outputs_are_the_leaves_of_the_next_state() {
    let model = model();
    let program = step(model, 0, 0.02);
    let (_, outputs) = program.instructions();
    assert_eq!(outputs.iter().map(|output| output.len).collect::<Vec<_>>(), program.leaves());
    let sources: alloc::collections::BTreeSet<_> = outputs.iter().map(|output| output.source).collect();
    let first = program.count() - outputs.len() as u32;
    assert!(
        sources.into_iter().eq((first..program.count()).map(Source::Output)),
        "they are the last outputs"
    );
}

/// The root of a state, from its words.
pub(crate) fn root(state: &[Vec<u32>]) -> crate::Digest {
    let digests: Vec<crate::Digest> = state.iter().map(|words| digest(words)).collect();
    state_root(&digests)
}

fn digest(words: &[u32]) -> crate::Digest {
    buffer_digest(&words.iter().map(|word| f32::from_bits(*word)).collect::<Vec<_>>())
}

/// Every output counts that a state does not hold, and no other: those are bound by the next state's root.
#[test]
fn a_trace_root_is_over_what_no_state_holds() {
    let model = model();
    let program = step(model, 0, 0.02);
    let outputs = execute(&program, &begin(model), &stream()).unwrap().outputs;
    let mut digests: Vec<crate::Digest> = outputs.iter().map(|words| digest(words)).collect();
    let root = program.trace_root(&digests).unwrap();
    let held = program.leaves().len();
    assert_eq!(program.inner().len() + held, digests.len());
    for index in 0..digests.len() {
        digests[index][0] ^= 1;
        let inner = program.inner().contains(&(index as u32));
        assert_eq!(program.trace_root(&digests) != Some(root), inner, "output {index}");
        digests[index][0] ^= 1;
    }
    assert_eq!(program.trace_root(&digests[1..]), None);
    // Part of what a claim means: these bits must never change.
    let text: alloc::string::String = root.iter().map(|byte| alloc::format!("{byte:02x}")).collect();
    assert_eq!(text, "ca84a132e1d79070b2ea63daccfea1d4f3000b9b7127cbe7f2b69528ba6b5f13");
}

#[test]
fn the_same_steps_give_the_same_root_and_others_another() {
    let model = model();
    let state = root(&train(model, 2));
    assert_eq!(state, root(&train(model, 2)));
    assert_ne!(state, root(&train(model, 3)));
}
