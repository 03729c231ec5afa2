//! By behaviour; `mock::run` checks the invariants after each.

mod challenges;
mod cheats;
mod clocks;
mod disagreements;
mod endings;
mod forgeries;
mod games;
mod lies;
mod proofs;
mod stage;
mod streams;
mod try_state;
mod world;
