//! The worker: a daemon of its own that trains open models for the chain, and the command line that everybody uses.
//!
//! It is not Substrate's `offchain_worker` hook. It talks to a node over RPC, through the node's metadata, and never links the
//! runtime.
//!
//! | module | subject |
//! |---|---|
//! | [`cli`] | the commands, one file each |
//! | [`engine`] | training: the engine behind a trait, the slot runner, checkpoints, evaluation, generation |
//! | [`data`] | packing datasets, reading token streams, and what a look at data tells: a crate of its own |
//! | [`specfile`] | a run specification as people write it |
//! | [`blobs`] | content-addressed files, and how they get to other workers |
//! | [`plot`], [`progress`] | the loss curve, and what is shown while long work goes on |
//! | [`chain`] | the chain's client |
//! | [`daemon`] | the life of a worker: watch, train, commit |
//! | [`curation`], [`sealed`] | judging claims of data; what was sealed on the chain and is still to be told |
//! | [`metrics`] | what the daemon counts, and whether it is healthy |
//! | [`keys`], [`config`] | keystore and configuration |
//! | [`error`], [`stop`], [`output`] | exit codes, signals that ask for a stop, readers that have gone |
//!
//! A slot's result is a pure function of checkpoint, data, specification and place: whatever stops a worker, another one - or
//! the same one, later - comes to the same result.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod blobs;
pub mod chain;
pub mod cli;
pub mod config;
pub mod curation;
pub mod daemon;
pub mod engine;
pub mod error;
pub mod keys;
pub mod metrics;
pub mod output;
pub mod plot;
pub mod progress;
pub mod sealed;
pub mod specfile;
pub mod stop;

pub use sabha_blobs::files;
pub use sabha_data as data;
