//! Where a claim's data comes from.
//!
//! Locators are a stranger's words. Of them, other workers (`<node id>@<ip>:<port>`) and web servers (`https://…`, `http://…`) are asked; and
//! `manifest:<digest>` names the manifest's blob. Whatever comes is verified by the digest that the chain has.

use crate::{
    blobs::{BlobError, BlobStore, LocalBlobs, Network, NetworkOptions, PeerBlobs, WorkerAddress},
    data::Manifest,
};
use sabha_blobs::{Haste, network::Patience, objects::StoreOptions};
use sabha_protocol::Digest;
use std::{ops::Range, sync::Arc, time::Instant};

/// Bytes of a claim's manifest, at most: a gibibyte's shards, and as many labels as there can be.
const MANIFEST_BYTES: u64 = 16 << 20;

/// How a locator names the manifest.
pub const MANIFEST_PREFIX: &str = "manifest:";

/// What can be asked for a claim's data.
pub struct Source {
    stores: Vec<PeerBlobs>,
    manifest: Option<Digest>,
}

impl Source {
    /// The worker's own store and what it is configured to ask, and what the locators name. What cannot be used of them is said, and passed over.
    pub fn new(blobs: &PeerBlobs, locators: &[String], patience: Patience) -> Self {
        let (mut workers, mut stores, mut manifest) = (Vec::new(), vec![blobs.clone()], None);
        for locator in locators {
            if let Some(digest) = locator.strip_prefix(MANIFEST_PREFIX) {
                manifest = digest.parse().ok();
            } else if locator.starts_with("https://") || locator.starts_with("http://") {
                match web(blobs.own(), locator, patience) {
                    Ok(store) => stores.push(store),
                    Err(error) => tracing::warn!(locator, %error, "a locator of no use"),
                }
            } else if let Ok(worker) = locator.parse::<WorkerAddress>() {
                workers.push(worker);
            } else {
                tracing::warn!(locator, "a locator that is not understood");
            }
        }
        if let Some(network) = blobs.network() {
            network.set_workers(workers);
        }
        Self { stores, manifest }
    }

    /// Whether a shard is here already.
    pub fn is_here(&self, digest: Digest) -> bool {
        self.stores.first().is_some_and(|store| store.has(digest).unwrap_or(false))
    }

    /// The same, which gives up what has not come at that time.
    #[must_use]
    pub fn before(self, until: Instant) -> Self {
        let stores = self.stores.iter().map(|store| store.in_haste(Haste::before(until))).collect();
        Self { stores, ..self }
    }

    /// A shard of so many bytes, verified.
    ///
    /// # Errors
    /// The last one's who was asked; and if it has other bytes than so many.
    pub fn shard(&self, digest: Digest, size: u64) -> Result<Vec<u8>, BlobError> {
        let bytes = self.get(digest, size)?;
        // Its digest proves what it is, and not how much was told of it.
        let place = format!("a shard of {size} bytes: what hashes so has {}", bytes.len());
        if bytes.len() as u64 == size { Ok(bytes) } else { Err(BlobError::Missing { digest, place }) }
    }

    /// A part of a shard of so many bytes, verified; with its hash tree, if it is served so, and then nothing else of it comes.
    ///
    /// # Errors
    /// The last one's who was asked.
    pub fn part(&self, digest: Digest, size: u64, part: Range<u64>) -> Result<Vec<u8>, BlobError> {
        if part.start == 0 && part.end >= size {
            return self.shard(digest, size);
        }
        self.first(digest, |store| store.slice(digest, size, part.clone()))
    }

    fn get(&self, digest: Digest, limit: u64) -> Result<Vec<u8>, BlobError> {
        self.first(digest, |store| store.get_within(digest, limit))
    }

    fn first(
        &self,
        digest: Digest,
        ask: impl Fn(&PeerBlobs) -> Result<Vec<u8>, BlobError>,
    ) -> Result<Vec<u8>, BlobError> {
        let place = "the locators of the claim".to_owned();
        let mut failed = BlobError::Missing { digest, place };
        for store in &self.stores {
            match ask(store) {
                Ok(bytes) => return Ok(bytes),
                // The disk is the same for all of them.
                Err(error @ (BlobError::File(_) | BlobError::Full { .. })) => return Err(error),
                Err(error) => {
                    tracing::debug!(%digest, %error, "not from there");
                    failed = error;
                }
            }
        }
        Err(failed)
    }

    /// The manifest that the locators name, whatever it is of.
    pub fn any_manifest(&self) -> Result<Manifest, String> {
        let digest = self.manifest.ok_or("the locators name no manifest")?;
        let found = self.get(digest, MANIFEST_BYTES).map_err(|error| error.to_string())?;
        Manifest::from_bytes(&found)
    }

    /// The claim's manifest, if its locators name one that is of these shards; else why not.
    pub fn manifest(&self, shards: &[Digest], bytes: u64) -> Result<Manifest, String> {
        let manifest = self.any_manifest()?;
        let same = manifest.shards.len() == shards.len()
            && manifest.shards.iter().zip(shards).all(|(shard, digest)| shard.blake3 == *digest)
            && manifest.bytes() == bytes;
        if same { Ok(manifest) } else { Err("its manifest is of other data".into()) }
    }
}

/// A web server, of which only what is asked for is read. Nothing of the environment is told to it.
fn web(own: &LocalBlobs, url: &str, patience: Patience) -> Result<PeerBlobs, BlobError> {
    let store = StoreOptions { url: url.into(), environment: Vec::new() };
    let options = NetworkOptions { node: None, store: Some(store), patience };
    let network = Network::open(options, own)?;
    Ok(PeerBlobs::of(own.clone(), &[]).with_network(Arc::new(network)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Shard;

    fn manifest() -> (Manifest, Vec<Digest>) {
        let shards = vec![Shard { bytes: 5, blake3: Digest::of(b"uno\0x") }];
        let manifest = Manifest {
            version: 1,
            title: "t".into(),
            language: "es".into(),
            licence: "CC0-1.0".into(),
            documents: 1,
            text_bytes: 4,
            tokens: 5,
            token_bytes: 1,
            heldout_tokens: 0,
            stream: Digest::of(b"uno\0x"),
            root: Manifest::root_of(&shards),
            statistics: None,
            images: None,
            view: None,
            shards,
        };
        let digests = manifest.shards.iter().map(|shard| shard.blake3).collect();
        (manifest, digests)
    }

    #[test]
    fn a_manifest_is_taken_if_it_is_of_the_claims_shards() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = PeerBlobs::open(folder.path().join("own"), &[]).unwrap();
        let (manifest, shards) = manifest();
        let digest = blobs.put(&manifest.to_bytes().unwrap()).unwrap();
        let locators =
            ["nonsense".to_owned(), "file:///etc".to_owned(), format!("{MANIFEST_PREFIX}{digest}")];
        let source = Source::new(&blobs, &locators, Patience::default());
        assert_eq!(source.stores.len(), 1, "no stranger's word opens a file");
        assert_eq!(source.manifest(&shards, 5), Ok(manifest));
        assert!(source.manifest(&shards, 6).is_err());
        assert!(source.manifest(&[Digest([1; 32])], 5).is_err());
        assert!(Source::new(&blobs, &[], Patience::default()).manifest(&shards, 5).is_err());
        let lying = format!("{MANIFEST_PREFIX}{}", blobs.put(b"{}").unwrap());
        assert!(Source::new(&blobs, &[lying], Patience::default()).manifest(&shards, 5).is_err());
        assert!(source.shard(shards[0], 5).is_err());
        blobs.put(b"uno\0x").unwrap();
        assert_eq!(source.shard(shards[0], 5).unwrap(), b"uno\0x");
        for size in [4, 6, 1 << 20] {
            assert!(source.shard(shards[0], size).is_err(), "{size}");
            assert!(source.part(shards[0], size, 0..size).is_err(), "{size}");
        }
    }
}
