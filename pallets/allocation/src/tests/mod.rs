//! One file per subject.

mod matching;
mod properties;
mod proposals;
mod refunds;
mod try_state;
mod turns;
