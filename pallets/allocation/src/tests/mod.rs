//! One file per subject.

mod matching;
mod proposals;
mod properties;
mod refunds;
mod try_state;
mod turns;
