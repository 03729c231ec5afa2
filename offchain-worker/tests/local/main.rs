//! The commands that need no chain, with the real binary: packing, checking, training, stopping, going on, writing text.

mod blobs;
mod commands;
mod datasets;
mod disk;
mod exact;
mod harness;
mod memory;
mod models;
mod rounds;
mod signals;
