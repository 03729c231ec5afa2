//! A state as the leaves of a step's program: each parameter with its two moments, the step, the sum of losses.

use crate::engine::{Checkpoint, EngineError, State};
use sabha_engine::executor::{ExecuteError, Executor};
use sabha_protocol::spec::Parameter;

/// Gives an executor of a step its start.
pub(crate) fn load(executor: &mut Executor, state: &State) -> Result<(), EngineError> {
    let parameters = state.checkpoint.values().iter().zip(&state.moment1).zip(&state.moment2);
    let mut leaf = 0;
    for ((value, first), second) in parameters {
        for part in [value, first, second] {
            executor.set_leaf(leaf, part)?;
            leaf += 1;
        }
    }
    executor.set_integer_leaf(leaf, &[state.step])?;
    Ok(executor.set_leaf(leaf + 1, &[state.loss_sum])?)
}

/// The state after `step` steps, from the words of each leaf.
pub(crate) fn read(
    parameters: &[Parameter],
    step: u32,
    words: impl Fn(usize) -> Result<Vec<u32>, ExecuteError>,
) -> Result<State, EngineError> {
    read_words(parameters, step, |leaf| Ok(words(leaf)?))
}

/// The same, where something else may fail.
pub(crate) fn read_words(
    parameters: &[Parameter],
    step: u32,
    words: impl Fn(usize) -> Result<Vec<u32>, EngineError>,
) -> Result<State, EngineError> {
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    let of_parameters = parameters.len() * 3;
    for leaf in 0..of_parameters {
        if let Some(part) = parts.get_mut(leaf % 3) {
            part.push(words(leaf)?.into_iter().map(f32::from_bits).collect());
        }
    }
    let loss_sum = words(of_parameters + 1)?.first().copied().unwrap_or(0);
    let [values, moment1, moment2] = parts;
    let checkpoint = Checkpoint::from_parts(parameters.to_vec(), values);
    Ok(State { checkpoint, moment1, moment2, step, loss_sum: f32::from_bits(loss_sum) })
}
