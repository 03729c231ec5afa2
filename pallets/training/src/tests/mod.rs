//! By behaviour; `mock::run` checks the invariants after each.

mod payment;
mod properties;
mod runs;
mod slots;
mod try_state;
mod workers;
