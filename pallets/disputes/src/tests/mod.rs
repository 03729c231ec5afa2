//! By behaviour; `mock::run` checks the invariants after each.

mod challenges;
mod clocks;
mod disagreements;
mod games;
mod proofs;
mod stage;
mod try_state;
mod world;
