//! Content-addressed blobs: a blob's name is the BLAKE3 hash of its bytes, which is what the chain carries and `b3sum` prints.
//!
//! Every byte is verified before it is used: a blob that does not hash to its name is removed and reported, so that it can be
//! fetched or computed again.

mod peers;

pub use peers::PeerBlobs;

use crate::files::{self, FileError};
use sabha_protocol::Digest;
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

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
    /// The store itself failed.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Holds blobs by the hash of their content.
pub trait BlobStore: Send + Sync {
    /// Keeps `bytes` and returns their address. Putting the same bytes again changes nothing.
    ///
    /// # Errors
    /// If the bytes cannot be kept.
    fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError>;

    /// The bytes whose address is `digest`, verified; at most `limit` of them, so that nobody's blob takes more memory than its
    /// reader counts on.
    ///
    /// # Errors
    /// If the blob is not there, is larger, or is not what its name says.
    fn get_within(&self, digest: Digest, limit: u64) -> Result<Vec<u8>, BlobError>;

    /// The bytes whose address is `digest`, verified, however many there are.
    ///
    /// # Errors
    /// If the blob is not there or is not what its name says.
    fn get(&self, digest: Digest) -> Result<Vec<u8>, BlobError> {
        self.get_within(digest, u64::MAX)
    }

    /// Whether the blob is there, unverified.
    ///
    /// # Errors
    /// If the store cannot tell.
    fn has(&self, digest: Digest) -> Result<bool, BlobError>;
}

/// Blobs in a local folder: `ab/abcd…` for the blob `abcd…`.
#[derive(Clone, Debug)]
pub struct LocalBlobs {
    root: PathBuf,
}

impl LocalBlobs {
    /// Opens a folder, which is made if need be.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, BlobError> {
        let root = root.into();
        files::create_folder(&root)?;
        Ok(Self { root })
    }

    /// Where a blob is, or would be.
    pub fn path(&self, digest: Digest) -> PathBuf {
        let name = digest.to_string();
        self.root.join(name.get(..2).unwrap_or_default()).join(&name)
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// As [`BlobStore::get_within`], but leaves a corrupt blob where it is.
    fn peek(&self, digest: Digest, limit: u64) -> Result<Vec<u8>, BlobError> {
        let path = self.path(digest);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(BlobError::Missing { digest, place: self.root.display().to_string() });
            }
            Err(error) => return Err(FileError::of("read", &path)(error).into()),
        };
        let found = file.metadata().map_err(FileError::of("read", &path))?.len();
        if found > limit {
            return Err(BlobError::TooLarge { digest, found, limit });
        }
        let mut bytes = Vec::new();
        let room = bytes.try_reserve_exact(usize::try_from(found).unwrap_or(usize::MAX));
        room.map_err(|error| {
            FileError::of("read", &path)(io::Error::new(io::ErrorKind::OutOfMemory, error))
        })?;
        // No further than it was long: what is appended meanwhile is not it.
        file.take(found).read_to_end(&mut bytes).map_err(FileError::of("read", &path))?;
        if Digest::of(&bytes) == digest { Ok(bytes) } else { Err(BlobError::Corrupt { digest, path }) }
    }
}

impl BlobStore for LocalBlobs {
    fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
        let digest = Digest::of(bytes);
        // What is there under the name is read again: a corrupt copy is replaced, a good one stays.
        match self.get(digest) {
            Ok(_) => {}
            Err(BlobError::Missing { .. } | BlobError::Corrupt { .. }) => {
                files::write_atomic(&self.path(digest), bytes)?;
            }
            Err(error) => return Err(error),
        }
        Ok(digest)
    }

    fn get_within(&self, digest: Digest, limit: u64) -> Result<Vec<u8>, BlobError> {
        let read = self.peek(digest, limit);
        if let Err(BlobError::Corrupt { path, .. }) = &read {
            files::remove(path)?;
        }
        read
    }

    fn has(&self, digest: Digest) -> Result<bool, BlobError> {
        let path = self.path(digest);
        Ok(path.try_exists().map_err(FileError::of("look for", &path))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, LocalBlobs) {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalBlobs::open(folder.path().join("blobs")).unwrap();
        (folder, store)
    }

    #[test]
    fn what_is_put_comes_back_under_its_hash() {
        let (_folder, store) = store();
        for bytes in [&b""[..], b"a", &[7; 100_000]] {
            let digest = store.put(bytes).unwrap();
            assert_eq!(digest, Digest::of(bytes));
            assert_eq!(store.put(bytes).unwrap(), digest, "twice is once");
            assert_eq!(store.get(digest).unwrap(), bytes);
            assert!(store.has(digest).unwrap());
        }
    }

    /// It stays where it is: it may be the right blob for somebody else.
    #[test]
    fn a_blob_beyond_the_limit_is_not_read() {
        let (_folder, store) = store();
        let digest = store.put(&[7; 1_000]).unwrap();
        let error = store.get_within(digest, 999).unwrap_err();
        assert!(matches!(error, BlobError::TooLarge { found: 1_000, limit: 999, .. }), "{error}");
        assert_eq!(store.get_within(digest, 1_000).unwrap().len(), 1_000);
    }

    #[test]
    fn a_missing_blob_is_named_with_the_place() {
        let (_folder, store) = store();
        let digest = Digest::of(b"never put");
        let error = store.get(digest).unwrap_err();
        assert!(matches!(error, BlobError::Missing { .. }));
        assert!(error.to_string().contains(&digest.to_string()), "{error}");
        assert!(!store.has(digest).unwrap());
    }

    #[test]
    fn a_corrupt_or_truncated_blob_is_dropped_and_can_be_put_again() {
        let (_folder, store) = store();
        for damage in [&b"other bytes"[..], b"", b"goo"] {
            let digest = store.put(b"good").unwrap();
            std::fs::write(store.path(digest), damage).unwrap();
            assert!(matches!(store.get(digest), Err(BlobError::Corrupt { .. })));
            assert!(matches!(store.get(digest), Err(BlobError::Missing { .. })), "dropped");
            store.put(b"good").unwrap();
            std::fs::write(store.path(digest), damage).unwrap();
            assert_eq!(store.put(b"good").unwrap(), digest, "putting repairs");
            assert_eq!(store.get(digest).unwrap(), b"good");
        }
    }
}
