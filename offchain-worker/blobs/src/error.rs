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
    /// What may take room is pinned or still to be sent, and what is to come does not fit beside it.
    #[error(
        "no room for {needed} bytes in {}: {held} of the {limit} bytes that blobs may take are taken by what is pinned, in use or not \
         yet in the object store; raise storage.blobs_limit_mib, or unpin something (`sabha-worker blob ls`)",
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

    /// Whether it is this machine that fails, or its owner that stopped it: nothing is known of the blob then, and nobody else is to
    /// blame.
    pub fn is_local(&self) -> bool {
        match self {
            Self::File(_)
            | Self::Full { .. }
            | Self::Pin { .. }
            | Self::Name { .. }
            | Self::Stopped { .. }
            | Self::Network { .. } => true,
            Self::Missing { .. } | Self::Corrupt { .. } | Self::TooLarge { .. } | Self::Fetch { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who takes one for the other says of somebody's blob that it is not there, and is wrong.
    #[test]
    fn what_fails_here_is_told_apart_from_what_others_have_not_got() {
        let digest = Digest([1; 32]);
        let path = PathBuf::from("x");
        let reasons = String::new();
        let io = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        for error in [
            BlobError::Pin { path: path.clone() },
            BlobError::network("a socket", "no"),
            BlobError::Full { root: path.clone(), needed: 1, held: 1, limit: 1 },
            BlobError::Stopped { digest },
            BlobError::Name { name: "/".into() },
            FileError::of("read", &path)(io).into(),
        ] {
            assert!(error.is_local(), "{error}");
        }
        for error in [
            BlobError::Missing { digest, place: "x".into() },
            BlobError::Corrupt { digest, path },
            BlobError::TooLarge { digest, found: 2, limit: 1 },
            BlobError::Fetch { digest, reasons },
        ] {
            assert!(!error.is_local(), "{error}");
        }
    }
}
