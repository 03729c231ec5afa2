//! The worker against a real node: bad input, full disks, huge models, several nodes, and a worker's whole life.
//!
//! The chain is the development chain with blocks each second and a window of a few blocks; everything else is as it ships.

mod bad_input;
mod disk;
mod far;
mod harness;
mod life;
mod memory;
mod other_chain;
mod service;
