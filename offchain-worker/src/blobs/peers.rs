//! A worker's own blobs, and those of other workers on the machine: what is fetched from them is kept, so that it can be fetched
//! from here, too.

use super::{BlobError, BlobStore, LocalBlobs};
use sabha_protocol::Digest;
use std::path::PathBuf;

/// A worker's own store before the stores of others, which are only read.
#[derive(Clone, Debug)]
pub struct PeerBlobs {
    own: LocalBlobs,
    peers: Vec<LocalBlobs>,
}

impl PeerBlobs {
    /// A worker's own folder, which is made if need be, and those of its peers, which may not be there yet.
    ///
    /// # Errors
    /// If the own folder cannot be made.
    pub fn open(own: impl Into<PathBuf>, peers: &[PathBuf]) -> Result<Self, BlobError> {
        let own = LocalBlobs::open(own)?;
        let peers = peers.iter().filter(|folder| *folder != own.root());
        Ok(Self { peers: peers.map(|folder| LocalBlobs { root: folder.clone() }).collect(), own })
    }

    /// The worker's own store.
    pub fn own(&self) -> &LocalBlobs {
        &self.own
    }

    /// The folders of all stores, the own one first.
    pub fn roots(&self) -> impl Iterator<Item = &std::path::Path> {
        [&self.own].into_iter().chain(&self.peers).map(LocalBlobs::root)
    }
}

impl BlobStore for PeerBlobs {
    fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
        self.own.put(bytes)
    }

    fn get_within(&self, digest: Digest, limit: u64) -> Result<Vec<u8>, BlobError> {
        let missing = match self.own.get_within(digest, limit) {
            Err(error @ (BlobError::Missing { .. } | BlobError::Corrupt { .. })) => error,
            other => return other,
        };
        for peer in &self.peers {
            match peer.peek(digest, limit) {
                Ok(bytes) => {
                    self.own.put(&bytes)?;
                    tracing::info!(%digest, bytes = bytes.len(), from = %peer.root().display(), "fetched a blob");
                    return Ok(bytes);
                }
                Err(BlobError::Missing { .. }) => {}
                // It is the peer's to repair.
                Err(error) => tracing::warn!(%error, "a peer's blob is of no use"),
            }
        }
        Err(missing)
    }

    /// Whether the worker's own store has it: others can fetch it from here.
    fn has(&self, digest: Digest) -> Result<bool, BlobError> {
        self.own.has(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peers_blob_is_fetched_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let peers = [path("absent"), path("other"), path("own")];
        let other = LocalBlobs::open(path("other")).unwrap();
        let blobs = PeerBlobs::open(path("own"), &peers).unwrap();
        assert_eq!(blobs.roots().count(), 3, "the own folder is not its peer");
        let digest = other.put(b"an update").unwrap();
        assert!(!blobs.has(digest).unwrap());
        assert!(matches!(blobs.get_within(digest, 3), Err(BlobError::Missing { .. })), "too large to be it");
        assert_eq!(blobs.get(digest).unwrap(), b"an update");
        assert!(blobs.has(digest).unwrap());
        std::fs::remove_dir_all(path("other")).unwrap();
        assert_eq!(blobs.get(digest).unwrap(), b"an update");
        assert!(!path("absent").exists(), "peers' folders are not touched");
    }

    #[test]
    fn a_peers_damaged_blob_is_refused_and_left_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let other = LocalBlobs::open(folder.path().join("other")).unwrap();
        let blobs = PeerBlobs::open(folder.path().join("own"), &[folder.path().join("other")]).unwrap();
        let digest = other.put(b"good").unwrap();
        std::fs::write(other.path(digest), b"bad!").unwrap();
        assert!(matches!(blobs.get(digest), Err(BlobError::Missing { .. })));
        assert!(other.has(digest).unwrap());
        assert!(!blobs.has(digest).unwrap());
    }
}
