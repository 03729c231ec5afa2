//! Digests of buffers and roots of trees of digests.
//!
//! A buffer's digest is plain BLAKE3 of its little-endian bytes, so it is also the buffer's address in a blob store and what
//! `b3sum` prints. A *state* is an ordered list of buffers; its root is a Merkle root over leaves of one fixed size. Every hash
//! that is not a plain BLAKE3 of content has a context string of its own (BLAKE3's `derive_key` mode), so that a leaf can
//! never pass for an inner node, nor a node of one tree for one of another.

use alloc::vec::Vec;

/// 32 bytes of BLAKE3.
pub type Digest = [u8; 32];

const LEAF: &str = "sabha 2026 state leaf v1";
const NODE: &str = "sabha 2026 tree node v1";
const EMPTY: &str = "sabha 2026 empty tree v1";

/// The digest of a buffer of `f32`: BLAKE3 of its elements' little-endian bytes, in order.
pub fn buffer_digest(values: &[f32]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    // A few KiB at a time: the bytes of a large buffer need not exist twice.
    let mut bytes = [0u8; 4096];
    for run in values.chunks(1024) {
        for (slot, value) in bytes.chunks_exact_mut(4).zip(run) {
            slot.copy_from_slice(&value.to_le_bytes());
        }
        hasher.update(bytes.get(..run.len() * 4).unwrap_or(&bytes));
    }
    *hasher.finalize().as_bytes()
}

/// The leaf of a state's tree: which buffer, and its digest.
pub fn state_leaf(index: u32, digest: &Digest) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key(LEAF);
    hasher.update(&index.to_le_bytes());
    hasher.update(digest);
    *hasher.finalize().as_bytes()
}

/// The parent of two nodes of a tree.
pub fn node(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key(NODE);
    hasher.update(left);
    hasher.update(right);
    *hasher.finalize().as_bytes()
}

/// The root over `leaves`, in order. The tree is left-balanced: a node without a sibling moves up unchanged. The number of
/// leaves follows from the run's specification, never from a proof, so trees of different sizes cannot be confused.
pub fn merkle_root(leaves: &[Digest]) -> Digest {
    let mut level: Vec<Digest> = leaves.to_vec();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => node(left, right),
                [single] => *single,
                _ => [0; 32],
            })
            .collect();
    }
    level.first().copied().unwrap_or_else(|| *blake3::Hasher::new_derive_key(EMPTY).finalize().as_bytes())
}

/// The root of a state, from the digests of its buffers in the order of the specification.
pub fn state_root(digests: &[Digest]) -> Digest {
    let leaves: Vec<Digest> =
        (0u32..).zip(digests).map(|(index, digest)| state_leaf(index, digest)).collect();
    merkle_root(&leaves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::String, vec};

    fn text(digest: &Digest) -> String {
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn buffer_digest_is_plain_blake3_of_the_bytes() {
        for length in [0usize, 1, 255, 256, 257, 1023, 1024, 1025, 5000] {
            let values: Vec<f32> = (0..length).map(|i| (i as f32) * 0.37 - 11.0).collect();
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            assert_eq!(buffer_digest(&values), *blake3::hash(&bytes).as_bytes(), "{length} values");
        }
    }

    #[test]
    fn signed_zeros_differ() {
        assert_ne!(buffer_digest(&[0.0]), buffer_digest(&[-0.0]));
    }

    #[test]
    fn roots_depend_on_order_index_and_number() {
        let (a, b) = ([1u8; 32], [2u8; 32]);
        assert_ne!(state_root(&[a, b]), state_root(&[b, a]));
        assert_ne!(state_root(&[a]), state_root(&[a, a]));
        assert_ne!(state_root(&[a]), a, "a leaf is not its content");
        assert_ne!(state_root(&[]), [0; 32]);
    }

    #[test]
    fn an_odd_node_moves_up() {
        let leaves = [[1u8; 32], [2; 32], [3; 32]];
        assert_eq!(merkle_root(&leaves), node(&node(&leaves[0], &leaves[1]), &leaves[2]));
    }

    /// Roots are on chain for good: these bytes must never change.
    #[test]
    fn golden_roots() {
        let state =
            vec![buffer_digest(&[1.0, -2.5]), buffer_digest(&[]), buffer_digest(&[f32::MIN_POSITIVE])];
        assert_eq!(
            text(&state_root(&state)),
            "98d1fd3d9e60ad235432b40585d2c6e81c9c183b33689d006f0cbe0930c31993"
        );
        assert_eq!(
            text(&state_root(&[])),
            "9546f49fc8bf320d333f7604be754f557743fa8a3f124d69b5ad01d084e930de"
        );
    }
}
