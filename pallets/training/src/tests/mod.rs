//! By behaviour; `mock::run` checks the invariants after each.

mod play;
mod rounds;
mod properties;
