//! What can go wrong with a blob.

use crate::files::FileError;
use sabha_protocol::Digest;
use std::path::PathBuf;

/// What went wrong with a blob.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The store does not hold it.
    #[error("blob {digest} is not in {place}")]
    Missing {
        /// The blob.
        digest: Digest,
        /// The store.
        place: String,
    },
    /// What the store held under that name was not that blob.
    #[error("{} did not hash to its name: it was removed; fetch or compute blob {digest} again", path.display())]
    Corrupt {
        /// The blob.
        digest: Digest,
        /// The file that was removed.
        path: PathBuf,
    },
    /// Larger than what was asked for can be.
    #[error("blob {digest} has {found} bytes, {limit} are expected at most: it was not read")]
    TooLarge {
        /// The blob.
        digest: Digest,
        /// Its size.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// What may take room is pinned, and what is to come does not fit beside it.
    #[error(
        "no room for {needed} bytes in {}: {held} of the {limit} bytes that blobs may take are taken by what is pinned or in use; raise \
         storage.blobs_limit_mib, or unpin something (`sabha-worker blob ls`)",
        root.display()
    )]
    Full {
        /// The store.
        root: PathBuf,
        /// Bytes that were to be kept.
        needed: u64,
        /// Bytes that cannot be given up.
        held: u64,
        /// Bytes that the store may take.
        limit: u64,
    },
    /// The name of a pin or a note cannot be a file's.
    #[error(
        "a pin or a note cannot be named {name:?}: 1 to 100 of a-z, A-Z, 0-9, dot, hyphen and underscore, and no dot in front"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A pin's file does not hold digests.
    #[error("{} does not hold a digest a line: remove it, or restore it", path.display())]
    Pin {
        /// The file.
        path: PathBuf,
    },
    /// Others have it, but it could not be fetched.
    #[error("blob {digest} could not be fetched: {reasons}")]
    Fetch {
        /// The blob.
        digest: Digest,
        /// What became of each attempt.
        reasons: String,
    },
    /// It was stopped in the middle. What came is kept, and the next fetch goes on from there.
    #[error("fetching blob {digest} was stopped; what came is kept")]
    Stopped {
        /// The blob.
        digest: Digest,
    },
    /// The network cannot be used as configured.
    #[error("{what}: {reason}")]
    Network {
        /// What was tried.
        what: String,
        /// Why it failed.
        reason: String,
    },
    /// The store itself failed.
    #[error(transparent)]
    File(#[from] FileError),
}

impl BlobError {
    pub(crate) fn network(what: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::Network { what: what.into(), reason: reason.to_string() }
    }

    /// Whether it is this machine's disk that fails: nothing is known of the blob then.
    pub fn is_local(&self) -> bool {
        matches!(self, Self::File(_) | Self::Full { .. })
    }
}
