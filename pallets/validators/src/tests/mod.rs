//! Tests, by what they are about.

mod calls;
mod offences;
mod sessions;
mod try_state;
