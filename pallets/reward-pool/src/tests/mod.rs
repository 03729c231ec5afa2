//! One file per subject.

mod accesses;
mod calls;
mod model;
mod pools;
mod try_state;
