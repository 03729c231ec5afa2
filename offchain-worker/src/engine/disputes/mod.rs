//! What a dispute asks of an execution: any root, any digest, any buffer of any program of a slot or an aggregation, executed again
//! where it is not at hand.
//!
//! [`Execution`] is a [`Book`] over the exact engine. It holds one traced part and a few states at a time, so that a game takes no more
//! memory than a traced step; whatever else is asked for is computed once more.
//!
//! A [`Lie`] makes an execution differ in one bit pattern of one element, with everything that follows from it: how cheats are planted
//! in tests and demonstrations.

mod execution;
mod lie;
mod traced;

pub use execution::{Execution, ExecutionError, Subject};
pub use lie::{BadLie, Lie};

#[cfg(doc)]
use sabha_protocol::dispute::player::Book;

#[cfg(test)]
mod tests;
