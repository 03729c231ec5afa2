//! By behaviour; `mock::run` checks the invariants after each.

mod cheats;
mod deadlines;
mod payment;
mod play;
mod properties;
mod rounds;
mod runs;
mod try_state;
mod workers;
