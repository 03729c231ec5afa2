//! The hash tree of a blob, cut off at groups of 16 KiB: what lies above proves each of them.
//!
//! BLAKE3 is a tree already, so a blob's digest is its root. The inner nodes are kept beside a blob in pre-order (64 bytes for each
//! group but one, 0.4 % of the blob), by the layout of the `bao-tree` crate. They can be computed again at any time.

use crate::files::FileError;
use bao_tree::{
    BaoTree, ChunkNum, ChunkRanges,
    io::{outboard::PreOrderOutboard, sync},
};
use sabha_protocol::Digest;
use std::{
    fs::File,
    io::{self, Read, Write},
    ops::Range,
    path::Path,
};

/// Bytes of a group: what is proved at once.
pub const GROUP_BYTES: u64 = 16 << 10;

/// What is read or written at once.
pub(crate) const BUFFER_BYTES: usize = 256 << 10;

/// The shape of the tree of `size` bytes.
pub fn shape(size: u64) -> BaoTree {
    BaoTree::new(size, iroh_blobs::store::IROH_BLOCK_SIZE)
}

/// What `size` bytes and the inner nodes of their tree take.
pub(crate) fn with_nodes(size: u64) -> u64 {
    size.saturating_add(shape(size).outboard_size())
}

/// Everything from `start` on, which is a multiple of [`GROUP_BYTES`].
pub(crate) fn from(start: u64) -> ChunkRanges {
    ChunkRanges::from(ChunkNum(start / 1024)..)
}

/// A part of a blob of `size` bytes. It begins with a group; it ends with one, or reaches to the end of the blob or beyond.
pub(crate) fn ranges(part: &Range<u64>, size: u64) -> ChunkRanges {
    if part.end >= size {
        return from(part.start);
    }
    ChunkRanges::from(ChunkNum(part.start / 1024)..ChunkNum(part.end.div_ceil(1024)))
}

/// The inner nodes of a blob in a file that is open.
pub(crate) fn nodes(digest: Digest, size: u64, file: File) -> PreOrderOutboard<File> {
    PreOrderOutboard { root: digest.0.into(), tree: shape(size), data: file }
}

/// Reads `size` bytes, writes them to `to`, and their tree's inner nodes to `nodes`. Returns their digest.
///
/// # Errors
/// If reading or writing fails, or there are fewer bytes.
pub(crate) fn copy(from: impl Read, size: u64, to: impl Write, nodes_file: File) -> io::Result<Digest> {
    let mut writer = io::BufWriter::with_capacity(BUFFER_BYTES, to);
    let root = sync::outboard(
        Tee { from, to: &mut writer },
        shape(size),
        nodes(Digest::default(), size, nodes_file),
    )?;
    writer.flush()?;
    Ok(Digest(*root.as_bytes()))
}

/// The digest of what `from` holds, in constant memory.
///
/// # Errors
/// If reading fails.
pub fn hash(mut from: impl Read) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(Digest(*hasher.finalize().as_bytes())),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}

/// The inner nodes of a file's tree, written to `nodes_file`; and the file's digest.
///
/// # Errors
/// If reading or writing fails.
pub(crate) fn build(path: &Path, file: &File, nodes_file: File) -> Result<(Digest, u64), FileError> {
    let size = file.metadata().map_err(FileError::of("read", path))?.len();
    let reader = io::BufReader::with_capacity(BUFFER_BYTES, file);
    let digest = copy(reader, size, io::sink(), nodes_file).map_err(FileError::of("hash", path))?;
    Ok((digest, size))
}

struct Tee<R, W> {
    from: R,
    to: W,
}

impl<R: Read, W: Write> Read for Tee<R, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.to.write_all(buffer.get(..count).unwrap_or_default())?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Around the borders of groups, and with trees of every shape up to four of them.
    #[test]
    fn the_root_of_the_tree_is_the_digest() {
        let folder = tempfile::tempdir().unwrap();
        for size in [0, 1, 1_024, 16_383, 16_384, 16_385, 32_768, 49_153, 65_536, 65_537, 200_000] {
            let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            let nodes = folder.path().join("nodes");
            let mut copied = Vec::new();
            let file = File::create(&nodes).unwrap();
            let digest = copy(bytes.as_slice(), size, &mut copied, file).unwrap();
            assert_eq!(digest, Digest::of(&bytes), "{size}");
            assert_eq!(copied, bytes);
            assert_eq!(hash(bytes.as_slice()).unwrap(), digest);
            assert_eq!(std::fs::metadata(&nodes).unwrap().len(), shape(size).outboard_size());
        }
        let short = copy(&[0; 10][..], 11, io::sink(), File::create(folder.path().join("n")).unwrap());
        assert_eq!(short.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
