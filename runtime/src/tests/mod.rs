//! The runtime as a whole: what the pallets' own tests cannot see.

mod chain;

mod consensus;
mod fees;
mod genesis;
mod governance;
mod issuance;
mod metadata;
mod pauses;
mod random_all;
mod random_allocation;
mod random_calls;
mod random_datasets;
mod random_disputes;
mod runs;
mod shares;
mod streams;
mod weights;
