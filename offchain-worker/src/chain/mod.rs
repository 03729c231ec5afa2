//! The chain's client: a reconnecting connection whose every request is bounded in time, typed reads of the state after one
//! block, and signed calls whose result is looked at.
//!
//! The runtime is known through its metadata, which the node serves: names are in [`names`], and [`compat`] checks each of
//! them, with its types, against the committed `metadata.scale` and against a node.

pub mod blocks;
pub mod calls;
pub mod client;
pub mod compat;
pub mod dao;
pub mod datasets;
pub mod error;
pub mod names;
pub mod queries;
pub mod submit;
pub mod types;

pub use blocks::{GameEnd, GameEvent};
pub use calls::{Call, NewDataset, WorkerChanges};
pub use client::{Client, Hash, RuntimeVersion};
pub use dao::{Metric, Model, Proposal, Trained};
pub use datasets::{Curator, CuratorStatus, DataClaim, Dataset, Told, Word};
pub use error::{ChainError, ChainResult};
pub use queries::{At, Dispute, Round, Slot};
pub use submit::{ERA_BLOCKS, Included, Sender, Sent, Until};
pub use types::{Balances, Device, Pause, Run, RunStatus, Void, Worker, WorkerStatus};
