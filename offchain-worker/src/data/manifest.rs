//! What a dataset's folder says about itself.

use super::{DataError, SHARD_BYTES, short};
use crate::files::{self, FileError};
use sabha_numerics::merkle_root;
use sabha_protocol::Digest;
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::Read,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// Name of the manifest in a dataset's folder.
pub const MANIFEST: &str = "manifest.json";
/// Name of the token stream in a dataset's folder.
pub const STREAM: &str = "stream.bin";

/// A dataset's manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format: 1.
    pub version: u32,
    /// Title, for people.
    pub title: String,
    /// Language tag, such as `es` or `pt-BR`.
    pub language: String,
    /// Licence, as an SPDX expression where there is one, such as `CC0-1.0`.
    pub licence: String,
    /// Documents in the stream.
    pub documents: u64,
    /// Bytes of text, without the bytes that end documents.
    pub text_bytes: u64,
    /// Tokens in the stream.
    pub tokens: u64,
    /// Bytes of one token; 1: a byte is a token.
    pub token_bytes: u8,
    /// Tokens at the stream's end that are never trained on, unless a specification says otherwise.
    pub heldout_tokens: u64,
    /// BLAKE3 of the stream's bytes.
    pub stream: Digest,
    /// Merkle root over the shards' digests: the dataset's identity.
    pub root: Digest,
    /// Ranges of the stream, in order, of [`SHARD_BYTES`] bytes each except the last.
    pub shards: Vec<Shard>,
}

/// A range of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Bytes.
    pub bytes: u64,
    /// BLAKE3 of those bytes.
    pub blake3: Digest,
}

impl Manifest {
    /// Reads the manifest of the dataset in `folder`. What it says is consistent; the stream is not looked at.
    ///
    /// # Errors
    /// If there is no manifest, or it contradicts itself.
    pub fn read(folder: &Path) -> Result<Self, DataError> {
        let path = folder.join(MANIFEST);
        let bytes = files::read(&path)?;
        let bad = |reason: String| DataError::BadManifest { path: path.clone(), reason };
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|error| bad(error.to_string()))?;
        manifest.check().map_err(bad)?;
        Ok(manifest)
    }

    /// The root over `shards`.
    pub fn root_of(shards: &[Shard]) -> Digest {
        let leaves: Vec<[u8; 32]> = shards.iter().map(|shard| shard.blake3.0).collect();
        Digest(merkle_root(&leaves))
    }

    /// Reads the whole stream and compares it with the manifest, shard by shard. `progress` is told the bytes read so far and in
    /// all, and may stop the work.
    ///
    /// # Errors
    /// The first shard that differs, a file that cannot be read, or [`DataError::Stopped`].
    pub fn verify(
        &self,
        folder: &Path,
        mut progress: impl FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<(), DataError> {
        let path = folder.join(STREAM);
        let (mut file, size) = self.open(folder)?;
        let wrong = |reason: String| DataError::WrongStream { path: path.clone(), reason };
        let (mut whole, mut done) = (blake3::Hasher::new(), 0u64);
        for (index, shard) in self.shards.iter().enumerate() {
            let mut bytes = vec![0; usize::try_from(shard.bytes).unwrap_or(usize::MAX)];
            file.read_exact(&mut bytes).map_err(FileError::of("read", &path))?;
            let digest = Digest::of(&bytes);
            if digest != shard.blake3 {
                return Err(wrong(format!(
                    "shard {index} (from byte {}) hashes to {}…, the manifest says {}…",
                    index as u64 * SHARD_BYTES,
                    short(&digest),
                    short(&shard.blake3)
                )));
            }
            whole.update(&bytes);
            done = done.saturating_add(shard.bytes);
            if progress(done, size).is_break() {
                return Err(DataError::Stopped);
            }
        }
        let digest = Digest(*whole.finalize().as_bytes());
        if digest != self.stream {
            let (found, said) = (short(&digest), short(&self.stream));
            return Err(wrong(format!("it hashes to {found}…, the manifest says {said}…")));
        }
        Ok(())
    }

    /// Looks whether the stream is there and as long as the manifest says, without reading it.
    ///
    /// # Errors
    /// If it is not.
    pub fn check_size(&self, folder: &Path) -> Result<(), DataError> {
        self.open(folder).map(drop)
    }

    /// The stream and its size, which is as the manifest says.
    fn open(&self, folder: &Path) -> Result<(File, u64), DataError> {
        let path = folder.join(STREAM);
        let file = File::open(&path).map_err(FileError::of("open", &path))?;
        let size = file.metadata().map_err(FileError::of("read", &path))?.len();
        if Some(size) != self.tokens.checked_mul(u64::from(self.token_bytes)) {
            let reason = format!("it has {size} bytes, the manifest says {} tokens", self.tokens);
            return Err(DataError::WrongStream { path, reason });
        }
        Ok((file, size))
    }

    /// Whether the manifest agrees with itself; else what is wrong.
    fn check(&self) -> Result<(), String> {
        if self.version != 1 {
            return Err(format!("version is {}, this release knows version 1", self.version));
        }
        if self.token_bytes != 1 {
            return Err(format!("token_bytes is {}: version 1 holds bytes", self.token_bytes));
        }
        let mut left = self.tokens;
        for (index, shard) in self.shards.iter().enumerate() {
            if shard.bytes == 0 || shard.bytes != left.min(SHARD_BYTES) {
                return Err(format!("shard {index} has {} bytes", shard.bytes));
            }
            left -= shard.bytes;
        }
        if left != 0 || self.shards.is_empty() {
            return Err(format!("the shards leave {left} of {} bytes out", self.tokens));
        }
        if Self::root_of(&self.shards) != self.root {
            return Err("root is not the root over the shards".into());
        }
        if self.heldout_tokens > self.tokens {
            return Err("heldout_tokens is more than tokens".into());
        }
        Ok(())
    }
}

/// The stream of the dataset in `data`; `data` may also be a stream file itself.
pub(crate) fn stream_path(data: &Path) -> PathBuf {
    if data.is_dir() { data.join(STREAM) } else { data.to_path_buf() }
}
