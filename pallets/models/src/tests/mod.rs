//! One file per subject.

mod payments;
mod registry;
mod try_state;
