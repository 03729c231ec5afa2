//! Who may have a blob, what they say of it, and why they are of no use.

use crate::WorkerAddress;
use std::fmt;

/// Who may have a blob.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    /// Another worker.
    Worker(WorkerAddress),
    /// The object store.
    Store(String),
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(address) => write!(f, "worker {address}"),
            Self::Store(url) => write!(f, "{url}"),
        }
    }
}

/// Why a provider is of no use for a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It has not got it.
    Missing,
    /// It does not answer, or stopped in the middle.
    Silent(String),
    /// It sends so few bytes a second that it was left.
    Slow(u64),
    /// It sent something else.
    Wrong(String),
    /// It is not asked for a while, because of what it did before.
    Out,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(f, "has not got it"),
            Self::Silent(reason) => write!(f, "does not serve it: {reason}"),
            Self::Slow(rate) => write!(f, "sends only {rate} bytes a second"),
            Self::Wrong(reason) => write!(f, "sent something else: {reason}"),
            Self::Out => {
                f.write_str("is not asked for a while, because it did not answer or sent something else")
            }
        }
    }
}

/// What a provider says that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) provider: Provider,
    pub(crate) size: u64,
    /// Whether the size is proved: a worker's is.
    pub(crate) size_proved: bool,
    /// Whether it comes with the hash tree, so that each part is proved.
    pub(crate) proved: bool,
}
