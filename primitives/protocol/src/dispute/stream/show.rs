//! What evidence about a stream is made of, from the bytes themselves: for whoever has them, in memory or in files. Readers are given a place
//! and fill a buffer with the bytes from there on.

use super::{StreamEvidence, WrongByte};
use crate::{
    Digest,
    datasets::SHARD_BYTES,
    dispute::{
        proof::{Member, Slice},
        shape::{CHUNK, Node, Shape, beside},
    },
};
use alloc::{vec, vec::Vec};
use blake3::hazmat::HasherExt;
use bounded_collections::BoundedVec;
use core::cell::RefCell;
use sabha_numerics::Tree;

/// Bytes that are read at a time.
const BUFFER: u64 = 1 << 16;

/// A source's data and the stream part at a byte: the evidence. `shards` are the digests of the source's shards, `bytes` how many bytes it has,
/// `at` the place of the byte in it, `base` that of the source in the stream, `tokens` how many bytes the stream has. The shard and the stream are read once.
///
/// # Errors
/// Those of `theirs`, which reads the source, and `ours`, which reads the stream.
pub fn wrong_byte<E>(
    source: u16,
    shards: &[Digest],
    bytes: u64,
    at: u64,
    mut theirs: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    (base, tokens): (u64, u64),
    ours: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
) -> Result<StreamEvidence, E> {
    let shard = at.checked_div(SHARD_BYTES).unwrap_or(0);
    let start = shard.saturating_mul(SHARD_BYTES);
    let (len, within) = (bytes.saturating_sub(start).min(SHARD_BYTES), at.saturating_sub(start));
    let theirs =
        chunk(len, within, |offset, buffer: &mut [u8]| theirs(start.saturating_add(offset), buffer))?;
    let ours = chunk(tokens, base.saturating_add(at), ours)?;
    Ok(StreamEvidence::Byte(WrongByte {
        source,
        shard: u32::try_from(shard).unwrap_or(u32::MAX),
        member: member(Tree::STATE, shards, shard),
        at: within,
        theirs,
        ours,
    }))
}

/// A stream that has so many bytes, which are not those that its specification says.
///
/// # Errors
/// Those of `read`.
pub fn length<E>(bytes: u64, read: impl FnMut(u64, &mut [u8]) -> Result<(), E>) -> Result<StreamEvidence, E> {
    Ok(StreamEvidence::Length { bytes, last: chunk(bytes, bytes.saturating_sub(1), read)? })
}

/// The chunk with the byte at `at`, of content of so many bytes. The memory that it takes does not depend on their number.
///
/// # Errors
/// Those of `read`.
pub fn chunk<E>(
    bytes: u64,
    at: u64,
    mut read: impl FnMut(u64, &mut [u8]) -> Result<(), E>,
) -> Result<Slice, E> {
    let shape = Shape::of_bytes(bytes);
    let first = at.checked_div(CHUNK).unwrap_or(0);
    let start = first.saturating_mul(CHUNK);
    let mut opened = vec![0; usize::try_from(bytes.saturating_sub(start).min(CHUNK)).unwrap_or(0)];
    read(start, &mut opened)?;
    let (read, failed) = (RefCell::new(read), RefCell::new(None));
    let node = |node: Node| {
        let found = subtree(bytes, node, &mut *read.borrow_mut());
        found.map_err(|error| *failed.borrow_mut() = Some(error)).ok()
    };
    let path = beside(shape, 0, first, 1, &node).unwrap_or_default();
    if let Some(error) = failed.take() {
        return Err(error);
    }
    Ok(Slice { first, bytes: BoundedVec::truncate_from(opened), path: BoundedVec::truncate_from(path) })
}

/// A node of content's own tree, which is not its root.
fn subtree<E>(
    bytes: u64,
    node: Node,
    read: &mut impl FnMut(u64, &mut [u8]) -> Result<(), E>,
) -> Result<Digest, E> {
    let size = CHUNK.checked_shl(node.height.into()).unwrap_or(u64::MAX);
    let mut at = node.index.saturating_mul(size);
    let end = at.saturating_add(size).min(bytes);
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(at);
    let mut buffer = vec![0; usize::try_from(size.min(BUFFER)).unwrap_or(0)];
    while at < end {
        let left = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
        let count = left.min(buffer.len());
        let Some(part) = buffer.get_mut(..count) else { break };
        read(at, part)?;
        hasher.update(part);
        at = at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }
    Ok(Digest(hasher.finalize_non_root()))
}

/// The leaf at a place of a tree over digests as they are.
pub fn member(tree: Tree, digests: &[Digest], place: u64) -> Member {
    let mut levels: Vec<Vec<[u8; 32]>> = vec![digests.iter().map(|digest| digest.0).collect()];
    while let Some(above) = levels.last().filter(|level| level.len() > 1).map(|level| tree.parents(level)) {
        levels.push(above);
    }
    let node = |node: Node| {
        let level = levels.get(usize::from(node.height))?;
        level.get(usize::try_from(node.index).ok()?).copied().map(Digest)
    };
    let shape = Shape { leaves: u64::try_from(digests.len()).unwrap_or(u64::MAX) };
    let path = beside(shape, 0, place, 1, &node).unwrap_or_default();
    let digest = node(Node { height: 0, index: place }).unwrap_or_default();
    Member { digest, path: BoundedVec::truncate_from(path) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;
    use proptest::prelude::*;

    proptest! {
        /// Any chunk opens, the last one ends the content, and neither is true of another length or digest.
        #[test]
        fn chunks_open_and_the_last_one_ends(
            bytes in 0u64..70_000,
            at: prop::sample::Index,
            other in 0u64..70_000,
        ) {
            let content: Vec<u8> = (0..bytes).map(|i| (i % 251) as u8).collect();
            let digest = Digest::of(&content);
            let read = |at: u64, buffer: &mut [u8]| {
                buffer.copy_from_slice(&content[at as usize..at as usize + buffer.len()]);
                Ok::<_, Infallible>(())
            };
            if bytes > 0 {
                let at = at.index(bytes as usize) as u64;
                let Ok(slice) = chunk(bytes, at, read);
                prop_assert_eq!(slice.opens(&digest, bytes), Some(at / CHUNK * CHUNK));
                prop_assert_eq!(slice.opens(&Digest([1; 32]), bytes), None);
                prop_assert_eq!(slice.ends(&digest, bytes), at / CHUNK == (bytes - 1) / CHUNK);
            }
            let Ok(last) = chunk(bytes, bytes.saturating_sub(1), read);
            prop_assert!(last.ends(&digest, bytes));
            prop_assert!(!last.ends(&Digest([1; 32]), bytes));
            prop_assert!(other == bytes || !last.ends(&digest, other));
            let cut = Slice { bytes: BoundedVec::truncate_from(last.bytes[..last.bytes.len() / 2].to_vec()), ..last };
            prop_assert!(bytes == 0 || !cut.ends(&digest, bytes - (last_len(bytes) - cut.bytes.len() as u64)));
        }

        /// A digest of a tree of bare leaves is where it is, and nowhere else.
        #[test]
        fn members_are_where_they_are(leaves in 1usize..70, place: prop::sample::Index, other: prop::sample::Index) {
            let digests: Vec<Digest> = (0..leaves).map(|i| Digest::of(&i.to_le_bytes())).collect();
            let all: Vec<[u8; 32]> = digests.iter().map(|digest| digest.0).collect();
            let root = Digest(sabha_numerics::merkle_root(&all));
            let (place, other) = (place.index(leaves) as u64, other.index(leaves) as u64);
            let found = member(Tree::STATE, &digests, place);
            prop_assert!(found.is_bare_in(Tree::STATE, &root, leaves as u64, place));
            prop_assert!(other == place || !found.is_bare_in(Tree::STATE, &root, leaves as u64, other));
            prop_assert!(!found.is_bare_in(Tree::STATE, &Digest([1; 32]), leaves as u64, place));
            prop_assert!(!found.is_bare_in(Tree::STATE, &root, leaves as u64, leaves as u64));
        }
    }

    fn last_len(bytes: u64) -> u64 {
        bytes - (bytes.saturating_sub(1)) / CHUNK * CHUNK
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let broken = |at: u64, _: &mut [u8]| if at >= 8_192 { Err(at) } else { Ok(()) };
        assert_eq!(chunk(10_000, 0, broken), Err(8_192));
        assert_eq!(chunk(10_000, 9_000, broken), Err(8_192));
        assert!(chunk(4_000, 0, broken).is_ok());
    }
}
