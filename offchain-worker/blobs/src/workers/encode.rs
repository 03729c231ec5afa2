//! What is sent of a blob: verified once more, so that nobody is sent what a disk has damaged since it was kept.

use crate::{BlobError, LocalBlobs, tree};
use bao_tree::{
    blake3::{self, hazmat},
    io::{
        outboard::PreOrderOutboard,
        sync::{Outboard, encode_ranges_validated},
    },
    iter::{BaoChunk, ResponseIter},
};
use bytes::{Bytes, BytesMut};
use iroh_blobs::protocol::ChunkRanges;
use sabha_protocol::Digest;
use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
};
use tokio::sync::mpsc;

/// How often an answer begins anew because the tree was damaged: once, unless the disk fails.
const ATTEMPTS: usize = 2;

/// The size, then hash pairs and groups in the order of the tree. Nothing at all if the blob is not here, or is damaged: it is removed
/// then. The other side verifies, too.
pub(super) fn encode(
    own: &LocalBlobs,
    digest: Digest,
    ranges: &ChunkRanges,
    pieces: mpsc::Sender<Bytes>,
) -> io::Result<()> {
    let mut writer = Sending { buffer: BytesMut::new(), pieces, sent: false };
    for _ in 0..ATTEMPTS {
        let (file, nodes, size) = match own.open_with_nodes(digest) {
            Ok(found) => found,
            Err(BlobError::Missing { .. }) => return Ok(()),
            Err(error @ BlobError::Corrupt { .. }) => {
                tracing::error!(blob = %digest, %error, "a blob was damaged here, and is served no more");
                return Ok(());
            }
            Err(error) => return Err(io::Error::other(error.to_string())),
        };
        writer.buffer.reserve(tree::BUFFER_BYTES);
        match encode_open(&file, tree::nodes(digest, size, nodes), ranges, size, &mut writer) {
            Err(error) if is_damage(&error) => {
                tracing::error!(blob = %digest, %error, "a blob or its tree was damaged here");
                let kept = own.check(digest).map_err(|error| io::Error::other(error.to_string()))?;
                // What has gone was right: the other side goes on from there, here or elsewhere.
                if writer.sent || !kept {
                    return Ok(());
                }
                // It was the tree, which is made again.
                writer.buffer.clear();
            }
            other => return other,
        }
    }
    Err(io::Error::other("what the disk holds is another thing each time"))
}

/// Bytes that are not what they are to be, or not there: not a disk that fails, nor a reader that has gone.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

fn damage(what: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

fn encode_open(
    file: &File,
    nodes: PreOrderOutboard<File>,
    ranges: &ChunkRanges,
    size: u64,
    writer: &mut Sending,
) -> io::Result<()> {
    if size == 0 && nodes.root != blake3::hash(b"") {
        return Err(damage("nothing is left of it"));
    }
    writer.write_all(&size.to_le_bytes())?;
    if !ends_open(ranges) {
        let encoded = encode_ranges_validated(file, nodes, ranges, &mut *writer);
        encoded.map_err(io::Error::from)?;
        return writer.flush();
    }
    // All of it, or the rest from some group on, is what nearly everybody asks for: groups are read to where they are sent from.
    let mut expected = vec![nodes.root];
    for chunk in ResponseIter::new(tree::shape(size), ranges.clone()) {
        match chunk {
            BaoChunk::Parent { node, is_root, left, right, .. } => {
                let pair = nodes.load(node)?.ok_or_else(|| io::Error::other("the tree has another shape"))?;
                if expected.pop() != Some(parent(&pair, is_root)) {
                    return Err(damage("a node of its tree is not right"));
                }
                expected.extend(right.then_some(pair.1));
                expected.extend(left.then_some(pair.0));
                writer.write_all(pair.0.as_bytes())?;
                writer.write_all(pair.1.as_bytes())?;
            }
            BaoChunk::Leaf { start_chunk, size, is_root, .. } => {
                let room = writer.room(size)?;
                file.read_exact_at(room, start_chunk.to_bytes())?;
                if expected.pop() != Some(group(room, start_chunk.to_bytes(), is_root)) {
                    writer.forget(size);
                    return Err(damage(format!(
                        "the bytes from {} on are not right",
                        start_chunk.to_bytes()
                    )));
                }
            }
        }
    }
    writer.flush()
}

fn parent((left, right): &(blake3::Hash, blake3::Hash), is_root: bool) -> blake3::Hash {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if is_root {
        hazmat::merge_subtrees_root(left, right, hazmat::Mode::Hash)
    } else {
        hazmat::merge_subtrees_non_root(left, right, hazmat::Mode::Hash).into()
    }
}

fn group(bytes: &[u8], start: u64, is_root: bool) -> blake3::Hash {
    use hazmat::HasherExt;
    if is_root {
        return blake3::hash(bytes);
    }
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(start).update(bytes).finalize_non_root().into()
}

/// Whether ranges are one that begins with a group and has no end: then whole groups are asked for, and no parts of any.
fn ends_open(ranges: &ChunkRanges) -> bool {
    match ranges.boundaries() {
        [start] => start.0.is_multiple_of(tree::GROUP_BYTES / 1024),
        _ => false,
    }
}

/// Gathers what is written into pieces.
struct Sending {
    buffer: BytesMut,
    pieces: mpsc::Sender<Bytes>,
    /// Whether anything has gone.
    sent: bool,
}

impl Sending {
    /// Room for so many bytes, which must be filled.
    fn room(&mut self, bytes: usize) -> io::Result<&mut [u8]> {
        let mut start = self.buffer.len();
        if start.saturating_add(bytes) > tree::BUFFER_BYTES {
            self.flush()?;
            self.buffer.reserve(tree::BUFFER_BYTES);
            start = 0;
        }
        self.buffer.resize(start.saturating_add(bytes), 0);
        Ok(self.buffer.get_mut(start..).unwrap_or_default())
    }

    /// The last bytes are not to go.
    fn forget(&mut self, bytes: usize) {
        self.buffer.truncate(self.buffer.len().saturating_sub(bytes));
    }
}

impl Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room(bytes.len())?.copy_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = self.buffer.split().freeze();
        if piece.is_empty() {
            return Ok(());
        }
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes it any more");
        self.sent = true;
        self.pieces.blocking_send(piece).map_err(gone)
    }
}
