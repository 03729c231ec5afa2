//! Writing a stream, and hashing it on the way, whole and by shard.

use crate::{DataError, SHARD_BYTES, STREAM, manifest::Shard};
use sabha_files::{AtomicFile, FileError};
use sabha_protocol::Digest;
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// What is hashed and written at once: a part of a shard, that fits into a core's own memory.
const BUFFER_BYTES: usize = 1 << 18;
const _: () = assert!(SHARD_BYTES.is_multiple_of(BUFFER_BYTES as u64));

/// Writes the stream and hashes it on the way.
pub(crate) struct StreamWriter {
    file: AtomicFile,
    path: PathBuf,
    buffer: Vec<u8>,
    whole: blake3::Hasher,
    shard: blake3::Hasher,
    shard_bytes: u64,
    shards: Vec<Shard>,
    bytes: u64,
}

/// A stream that is written, and not yet in its place.
pub(crate) struct Written {
    pub(crate) file: AtomicFile,
    pub(crate) digest: Digest,
    pub(crate) shards: Vec<Shard>,
    pub(crate) bytes: u64,
}

impl StreamWriter {
    /// Begins the stream of the dataset in `folder`.
    pub(crate) fn create(folder: &Path) -> Result<Self, DataError> {
        let path = folder.join(STREAM);
        Ok(Self {
            file: AtomicFile::create(&path)?,
            path,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            whole: blake3::Hasher::new(),
            shard: blake3::Hasher::new(),
            shard_bytes: 0,
            shards: Vec::new(),
            bytes: 0,
        })
    }

    pub(crate) fn append(&mut self, mut bytes: &[u8]) -> Result<(), DataError> {
        self.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = BUFFER_BYTES.saturating_sub(self.buffer.len());
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.buffer.extend_from_slice(now);
            if self.buffer.len() == BUFFER_BYTES {
                self.flush()?;
            }
            bytes = later;
        }
        Ok(())
    }

    /// A full buffer never reaches beyond a shard, for shards are so many whole ones.
    fn flush(&mut self) -> Result<(), DataError> {
        self.file.write_all(&self.buffer).map_err(FileError::of("write", &self.path))?;
        self.whole.update(&self.buffer);
        self.shard.update(&self.buffer);
        self.shard_bytes += self.buffer.len() as u64;
        self.buffer.clear();
        if self.shard_bytes == SHARD_BYTES {
            self.end_shard();
        }
        Ok(())
    }

    fn end_shard(&mut self) {
        let blake3 = Digest(*self.shard.finalize().as_bytes());
        self.shards.push(Shard { bytes: self.shard_bytes, blake3 });
        self.shard.reset();
        self.shard_bytes = 0;
    }

    pub(crate) fn finish(mut self) -> Result<Written, DataError> {
        self.flush()?;
        if self.shard_bytes > 0 {
            self.end_shard();
        }
        let digest = Digest(*self.whole.finalize().as_bytes());
        Ok(Written { file: self.file, digest, shards: self.shards, bytes: self.bytes })
    }
}
