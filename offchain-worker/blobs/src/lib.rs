//! Content-addressed blobs: a blob's name is the BLAKE3 hash of its bytes, which is what the chain carries and `b3sum` prints.
//!
//! | module | subject |
//! |---|---|
//! | [`local`] | blobs in a folder: whole files under their names |
//! | [`room`] | how much of the disk they may take: what is kept, by whom, and what goes first |
//! | [`fetch`] | getting a blob from whoever has it, going on where it was cut off |
//! | [`peers`] | a worker's own blobs, and everywhere else it looks |
//! | [`workers`] | from worker to worker, by iroh |
//! | [`objects`] | from and to object stores |
//! | [`notes`] | small records by name, such as where something is whose hash nobody knows yet |
//! | [`network`] | other workers and an object store, as one thing that can be asked |
//! | [`provider`] | who may have a blob, and why one is of no use |
//! | `incoming` | what comes, for a thread that waits for it |
//! | [`pace`] | leaving a provider that is slow for another one |
//! | `slice` | a part of a blob, proved by the blob's hash tree |
//! | [`partial`] | a download that goes on where it was cut off |
//! | `upload` | what is to be sent to an object store, until it has been |
//! | [`error`] | what can go wrong |
//! | [`address`] | how a worker is reached: the text on chain |
//! | [`tree`] | the hash tree that proves a part of a blob |
//! | [`files`] | files that are either whole or not there |
//!
//! **Every byte is verified before it is used.** What another worker sends comes with the hash tree, so that each 16 KiB are
//! proved before they are written; the same for an object store that has the tree beside the blob. Where it has not, and in a
//! local folder, the whole is hashed. A blob that does not hash to its name is removed and reported, so that it can be fetched or
//! computed again; who sent it is not asked again.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod address;
pub mod error;
pub mod fetch;
mod incoming;
pub mod local;
pub mod network;
pub mod notes;
pub mod objects;
pub mod pace;
pub mod partial;
pub mod peers;
pub mod provider;
pub mod room;
mod slice;
pub mod tree;
mod upload;
pub mod workers;

pub use address::WorkerAddress;
pub use error::BlobError;
pub use local::LocalBlobs;
pub use network::{Counters, Network, NetworkOptions};
pub use pace::Haste;
pub use peers::PeerBlobs;
pub use sabha_files as files;

use sabha_protocol::Digest;
use std::path::PathBuf;

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

    /// A file that holds the blob, verified, in constant memory. It is the store's: it is not to be changed, and may go when there
    /// is no room and nobody pins it.
    ///
    /// # Errors
    /// As for [`Self::get_within`].
    fn file_within(&self, digest: Digest, limit: u64) -> Result<PathBuf, BlobError>;

    /// Whether the blob is there, unverified.
    ///
    /// # Errors
    /// If the store cannot tell.
    fn has(&self, digest: Digest) -> Result<bool, BlobError>;
}
