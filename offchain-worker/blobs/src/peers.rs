//! A worker's own blobs, and everywhere else it looks: what is fetched is kept, so that it can be fetched from here, too.

use crate::{
    BlobError, BlobStore, LocalBlobs, Network,
    fetch::{self, Watch},
    incoming::next,
    local::Import,
    pace::Haste,
    upload::Item,
};
use sabha_protocol::Digest;
use std::{
    collections::BTreeSet,
    fmt,
    fs::File,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

/// Says whether whoever waits is to stop.
#[derive(Clone)]
struct Stop(Arc<dyn Fn() -> bool + Send + Sync>);

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stop").field(&(self.0)()).finish()
    }
}

/// A worker's own store, before the folders of others on this machine, which are only read, and the network. Clones are the same.
#[derive(Clone, Debug)]
pub struct PeerBlobs {
    own: LocalBlobs,
    peers: Vec<LocalBlobs>,
    network: Option<Arc<Network>>,
    haste: Haste,
    stop: Option<Stop>,
}

impl PeerBlobs {
    /// A worker's own folder, which is made if need be, and those of its peers, which may not be there yet.
    ///
    /// # Errors
    /// If the own folder cannot be made.
    pub fn open(own: impl Into<PathBuf>, peers: &[PathBuf]) -> Result<Self, BlobError> {
        Ok(Self::of(LocalBlobs::open(own)?, peers))
    }

    /// The same, of a store that is open.
    pub fn of(own: LocalBlobs, peers: &[PathBuf]) -> Self {
        let peers = peers.iter().filter(|folder| *folder != own.root());
        Self {
            peers: peers.map(|folder| LocalBlobs::at(folder.clone())).collect(),
            own,
            network: None,
            haste: Haste::default(),
            stop: None,
        }
    }

    /// The same, which asks the network, too.
    #[must_use]
    pub fn with_network(self, network: Arc<Network>) -> Self {
        Self { network: Some(network), ..self }
    }

    /// The same stores, for who cannot wait.
    #[must_use]
    pub fn in_haste(&self, haste: Haste) -> Self {
        Self { haste, ..self.clone() }
    }

    /// The same stores, where nothing waits for the network any more once `stopped` says so: neither notes, nor blobs, nor parts of them.
    #[must_use]
    pub fn with_stop(&self, stopped: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { stop: Some(Stop(Arc::new(stopped))), ..self.clone() }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|Stop(stopped)| stopped())
    }

    pub(crate) fn haste(&self) -> &Haste {
        &self.haste
    }

    /// The worker's own store.
    pub fn own(&self) -> &LocalBlobs {
        &self.own
    }

    /// The network, if there is one.
    pub fn network(&self) -> Option<&Arc<Network>> {
        self.network.as_ref()
    }

    /// The folders of all stores, the own one first.
    pub fn roots(&self) -> impl Iterator<Item = &Path> {
        [&self.own].into_iter().chain(&self.peers).map(LocalBlobs::root)
    }

    /// Keeps what a file holds, as [`LocalBlobs::put_file`] does, and sends it to the object store if there is one: [`Network::settle`]
    /// waits for that.
    ///
    /// # Errors
    /// If the file cannot be read, or kept.
    pub fn put_file(&self, path: &Path, progress: &mut dyn FnMut(u64)) -> Result<(Digest, u64), BlobError> {
        let put = self.own.put_file(path, progress)?;
        self.publish(Item::Blob(put.0));
        Ok(put)
    }

    fn publish(&self, item: Item) {
        if let Some(network) = &self.network {
            network.publish(&item);
        }
    }

    /// Keeps a note, where others find it.
    ///
    /// # Errors
    /// If it cannot be named so, is too long, or cannot be written.
    pub fn put_note(&self, name: &str, bytes: &[u8]) -> Result<(), BlobError> {
        self.own.put_note(name, bytes)?;
        self.publish(Item::Note(name.into()));
        Ok(())
    }

    /// The first use that can be made of a note: of the own one, of those of others on this machine, then of those that come over the
    /// network. Nothing in a note is verified, so it may name a blob that only a slow provider has: what it names is to be fetched with
    /// the store that `use_it` is given, which gives slow providers up, until every note has been tried. None if it is stopped, or there is no
    /// more time.
    pub fn find_note<T>(&self, name: &str, mut use_it: impl FnMut(&Self, &[u8]) -> Option<T>) -> Option<T> {
        for store in [&self.own].into_iter().chain(&self.peers) {
            match store.note(name) {
                Ok(note) => {
                    if let Some(found) = note.and_then(|note| use_it(self, &note)) {
                        return Some(found);
                    }
                }
                Err(error) => tracing::warn!(%error, "a note cannot be read"),
            }
        }
        let network = self.network.as_ref()?;
        let goes_on = || !self.is_stopped() && !self.haste.is_over();
        let mut answers = network.ask_note(name);
        let (mut slow, mut tried) = (Vec::new(), BTreeSet::new());
        while let Ok(Some((provider, note))) = next(&mut answers, &goes_on) {
            if !goes_on() {
                return None;
            }
            if !tried.insert(note.clone()) {
                continue;
            }
            let least_rate = Some(network.patience.enough_rate.max(self.haste.least_rate.unwrap_or(0)));
            let haste = Haste { until: self.haste.until, least_rate, ..Haste::default() };
            if let Some(found) = use_it(&self.in_haste(haste.clone()), &note) {
                return Some(found);
            }
            tracing::debug!(name, %provider, "a note of no use");
            if haste.gave_up.load(Ordering::Relaxed) {
                slow.push(note);
            }
        }
        slow.into_iter().take_while(|_| goes_on()).find_map(|note| use_it(self, &note))
    }

    /// Fetches a blob of at most `limit` bytes that the own store lacks, in constant memory. Returns its file.
    ///
    /// # Errors
    /// If nobody has it, those that have it do not send it, it is too large, or it cannot be kept.
    pub fn fetch(&self, digest: Digest, limit: u64, watch: Watch<'_>) -> Result<PathBuf, BlobError> {
        for peer in &self.peers {
            match self.fetch_from(peer, digest, limit) {
                Ok(None) => {}
                Ok(Some((path, bytes))) => {
                    tracing::info!(%digest, bytes, from = %peer.root().display(), "fetched a blob");
                    return Ok(path);
                }
                // It is the peer's to repair.
                Err(Import::Read(error)) => {
                    tracing::warn!(peer = %peer.root().display(), %error, "a peer's blob is of no use")
                }
                Err(Import::Wrong { expected, found }) => {
                    tracing::warn!(peer = %peer.root().display(), blob = %expected, %found, "a peer's blob is another one");
                }
                Err(Import::Kept(error)) => return Err(error),
            }
        }
        let mut watch =
            |progress| if self.is_stopped() { ControlFlow::Break(()) } else { (*watch)(progress) };
        match &self.network {
            Some(network) => fetch::fetch(&self.own, network, digest, limit, &self.haste, &mut watch),
            None => Err(BlobError::Missing { digest, place: self.own.root().display().to_string() }),
        }
    }

    fn fetch_from(
        &self,
        peer: &LocalBlobs,
        digest: Digest,
        limit: u64,
    ) -> Result<Option<(PathBuf, u64)>, Import> {
        let Ok(file) = File::open(peer.path(digest)) else { return Ok(None) };
        let size = file.metadata().map_err(Import::Read)?.len();
        if size > limit {
            tracing::warn!(peer = %peer.root().display(), blob = %digest, size, limit, "a peer's blob is too large to be it");
            return Ok(None);
        }
        self.own.import(file, size, Some(digest))?;
        Ok(Some((self.own.path(digest), size)))
    }

    /// What the own store says, after a fetch if it has not got the blob. The fetch ends when it is to stop.
    ///
    /// # Errors
    /// As `read` and [`Self::fetch`]; [`BlobError::Stopped`] if it was stopped, and what came is kept.
    pub fn fetching<T>(
        &self,
        digest: Digest,
        limit: u64,
        stopped: impl Fn() -> bool,
        read: impl Fn(&LocalBlobs) -> Result<T, BlobError>,
    ) -> Result<T, BlobError> {
        match read(&self.own) {
            Err(BlobError::Missing { .. } | BlobError::Corrupt { .. }) => {}
            other => return other,
        }
        let stopped = || stopped() || self.is_stopped();
        let mut watch = |_| if stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        // Nobody is asked in vain.
        let fetched = if stopped() {
            Err(BlobError::Stopped { digest })
        } else {
            self.fetch(digest, limit, &mut watch)
        };
        match fetched {
            Err(_) if stopped() => Err(BlobError::Stopped { digest }),
            Err(error) => Err(error),
            Ok(_) => read(&self.own),
        }
    }
}

impl BlobStore for PeerBlobs {
    fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
        let digest = self.own.put(bytes)?;
        self.publish(Item::Blob(digest));
        Ok(digest)
    }

    fn get_within(&self, digest: Digest, limit: u64) -> Result<Vec<u8>, BlobError> {
        self.fetching(digest, limit, || false, |own| own.get_within(digest, limit))
    }

    fn file_within(&self, digest: Digest, limit: u64) -> Result<PathBuf, BlobError> {
        self.fetching(digest, limit, || false, |own| own.file_within(digest, limit))
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
