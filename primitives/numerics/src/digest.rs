//! Digests of buffers and roots of trees of digests.
//!
//! A buffer's digest is plain BLAKE3 of its little-endian bytes, so it is also the buffer's address in a blob store and what
//! `b3sum` prints.
//!
//! | tree | of | its root |
//! |---|---|---|
//! | [`Tree::STATE`] | the buffers of a state, in the order of the specification | [`state_root`] |
//! | [`Tree::SEGMENTS`] | the states at the ends of a slot's segments | `segments_root` of `sabha-protocol` |
//! | [`Tree::TRACE`] | the outputs of a step that no state holds, by instruction | [`Program::trace_root`](crate::program::Program::trace_root) |
//!
//! Leaves are of one fixed size: an index and a digest. Every hash that is not a plain BLAKE3 of content has a context string of
//! its own (BLAKE3's `derive_key` mode), so that a leaf can never pass for an inner node, nor a node of one of these trees for
//! one of another. The plain [`merkle_root`], of digests that are leaves as they are (a dataset's shards), has the nodes of states:
//! its leaves are none of theirs.

use alloc::vec::Vec;

/// 32 bytes of BLAKE3.
pub type Digest = [u8; 32];

/// A kind of tree: the context strings of its hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tree {
    leaf: &'static str,
    node: &'static str,
    empty: &'static str,
}

impl Tree {
    /// Of a state's buffers.
    pub const STATE: Self = Self {
        leaf: "sabha 2026 state leaf v1",
        node: "sabha 2026 tree node v1",
        empty: "sabha 2026 empty tree v1",
    };

    /// Of the roots of the states at the ends of a slot's segments.
    pub const SEGMENTS: Self = Self {
        leaf: "sabha 2026 segments leaf v1",
        node: "sabha 2026 segments node v1",
        empty: "sabha 2026 empty segments v1",
    };

    /// Of the outputs of a program's instructions, but for those that its end holds.
    pub const TRACE: Self = Self {
        leaf: "sabha 2026 trace leaf v1",
        node: "sabha 2026 trace node v1",
        empty: "sabha 2026 empty trace v1",
    };

    /// A leaf: which buffer, state or instruction, and its digest.
    pub fn leaf(&self, index: u32, digest: &Digest) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key(self.leaf);
        hasher.update(&index.to_le_bytes());
        hasher.update(digest);
        *hasher.finalize().as_bytes()
    }

    /// The parent of two nodes.
    pub fn node(&self, left: &Digest, right: &Digest) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key(self.node);
        hasher.update(left);
        hasher.update(right);
        *hasher.finalize().as_bytes()
    }

    /// The root over leaves of these digests with these indices, in order. The tree is left-balanced: a node without a sibling
    /// moves up unchanged. The number of leaves follows from the run's specification, never from a proof, so trees of different
    /// sizes cannot be confused.
    pub fn root(&self, digests: impl IntoIterator<Item = (u32, Digest)>) -> Digest {
        self.fold(digests.into_iter().map(|(index, digest)| self.leaf(index, &digest)).collect())
    }

    /// The level above `level`.
    pub fn parents(&self, level: &[Digest]) -> Vec<Digest> {
        level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => self.node(left, right),
                [single] => *single,
                _ => [0; 32],
            })
            .collect()
    }

    fn fold(&self, mut level: Vec<Digest>) -> Digest {
        while level.len() > 1 {
            level = self.parents(&level);
        }
        let empty = || *blake3::Hasher::new_derive_key(self.empty).finalize().as_bytes();
        level.first().copied().unwrap_or_else(empty)
    }
}

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

/// The root over `leaves` as they are, in order: as [`Tree::root`], without hashing them first.
pub fn merkle_root(leaves: &[Digest]) -> Digest {
    Tree::STATE.fold(leaves.to_vec())
}

/// The root of a state, from the digests of its buffers in the order of the specification.
pub fn state_root(digests: &[Digest]) -> Digest {
    Tree::STATE.root((0u32..).zip(digests.iter().copied()))
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
        for tree in [Tree::STATE, Tree::SEGMENTS, Tree::TRACE] {
            let [a, b, c] = [0, 1, 2].map(|at| tree.leaf(at as u32, &leaves[at]));
            assert_eq!(tree.root((0..).zip(leaves)), tree.node(&tree.node(&a, &b), &c));
        }
        let node = |left, right| Tree::STATE.node(left, right);
        assert_eq!(merkle_root(&leaves), node(&node(&leaves[0], &leaves[1]), &leaves[2]));
    }

    #[test]
    fn no_hash_of_one_tree_is_one_of_another() {
        let (a, b) = ([1u8; 32], [2u8; 32]);
        let mut all = Vec::new();
        for tree in [Tree::STATE, Tree::SEGMENTS, Tree::TRACE] {
            all.extend([tree.leaf(0, &a), tree.leaf(1, &a), tree.node(&a, &b), tree.root([])]);
            all.extend([tree.root([(0, a), (1, b)]), tree.root([(0, a), (2, b)])]);
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
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
        let outputs = || [0, 1, 5].into_iter().zip(state.iter().copied());
        for (tree, root, empty) in [
            (
                Tree::SEGMENTS,
                "61ee55f21ff8b83c30c60a7a7ba15e16c3a9f648401251eff03f72a71ef16faf",
                "9cad8e49b70def16ffbb151cfddb05c691ffaeceb201ff59d44f6f3229bcaaf2",
            ),
            (
                Tree::TRACE,
                "7b637b50d526274c8c2b11850fe97aa7f8b557c4bb7cab20b1ab4ce70ffd9da9",
                "30c37d3a0d737b64a858c7b8ac285e1dc58f688720e47d30f7814f7e0f8292e5",
            ),
        ] {
            assert_eq!(text(&tree.root(outputs())), root, "{tree:?}");
            assert_eq!(text(&tree.root([])), empty, "{tree:?}");
        }
    }
}
