//! Left-balanced binary trees: how wide each level is, and how a root follows from some of the nodes.
//!
//! BLAKE3's own tree over the chunks of a buffer and the project's trees over digests have one shape: neighbours are joined level by
//! level, and a node without a neighbour moves up. The number of leaves always comes from the specification, never from a proof.

use alloc::vec::Vec;
use blake3::hazmat::{ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use sabha_numerics::Tree;
use scale_info::TypeInfo;

use crate::Digest;

/// Bytes of a leaf of BLAKE3's tree.
pub const CHUNK: u64 = 1_024;

/// Levels that one reveal goes down: 64 nodes.
pub const LEVELS: u8 = 6;

/// A node: how many levels above the leaves, and its place there.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Node {
    /// Levels above the leaves.
    pub height: u8,
    /// Its place in its level, from 0.
    pub index: u64,
}

/// The nodes below one node that a reveal shows: neighbours on one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Levels above the leaves.
    pub height: u8,
    /// The first one's place in its level.
    pub first: u64,
    /// How many.
    pub count: u64,
}

/// The shape of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Leaves. A tree without leaves has no nodes.
    pub leaves: u64,
}

impl Shape {
    /// The shape of BLAKE3's tree over so many bytes: even no bytes are one chunk.
    pub fn of_bytes(bytes: u64) -> Self {
        Self { leaves: bytes.div_ceil(CHUNK).max(1) }
    }

    /// Nodes on a level.
    pub fn width(self, height: u8) -> u64 {
        let size = 1u64.checked_shl(height.into()).unwrap_or(u64::MAX);
        self.leaves.div_ceil(size)
    }

    /// Levels above the leaves of the root.
    pub fn height(self) -> u8 {
        let bits = 64u32.saturating_sub(self.leaves.saturating_sub(1).leading_zeros());
        u8::try_from(bits).unwrap_or(u8::MAX)
    }

    /// The root.
    pub fn root(self) -> Node {
        Node { height: self.height(), index: 0 }
    }

    /// Reveals from the root down to the leaves.
    pub fn reveals(self) -> u16 {
        u16::from(self.height()).div_ceil(LEVELS.into())
    }

    /// What a reveal of `node` shows; `None` if there is no such node.
    pub fn below(self, node: Node) -> Option<Span> {
        if node.index >= self.width(node.height) || node.height > self.height() {
            return None;
        }
        let height = node.height.saturating_sub(LEVELS);
        let levels = u32::from(node.height.saturating_sub(height));
        let first = node.index.checked_shl(levels)?;
        let end = node.index.checked_add(1)?.checked_shl(levels)?.min(self.width(height));
        Some(Span { height, first, count: end.checked_sub(first)? })
    }
}

/// How two nodes are joined.
pub trait Join {
    /// Their parent, which may be the root.
    fn join(&self, left: &Digest, right: &Digest, is_root: bool) -> Digest;
}

impl Join for Tree {
    fn join(&self, left: &Digest, right: &Digest, _: bool) -> Digest {
        Digest(self.node(&left.0, &right.0))
    }
}

/// BLAKE3's own tree.
pub struct Content;

impl Join for Content {
    fn join(&self, left: &Digest, right: &Digest, is_root: bool) -> Digest {
        let (left, right): (&ChainingValue, &ChainingValue) = (&left.0, &right.0);
        if is_root {
            Digest(*merge_subtrees_root(left, right, Mode::Hash).as_bytes())
        } else {
            Digest(merge_subtrees_non_root(left, right, Mode::Hash))
        }
    }
}

/// The node of chunk `index` of content that is so many bytes long.
pub fn chunk_node(shape: Shape, index: u64, chunk: &[u8]) -> Digest {
    if shape.leaves <= 1 {
        return Digest(*blake3::hash(chunk).as_bytes());
    }
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(index.saturating_mul(CHUNK));
    hasher.update(chunk);
    Digest(hasher.finalize_non_root())
}

/// The root that follows from neighbours on one level and the nodes beside their way up, in the order in which they are needed:
/// level by level, the left one first. `None` if these are not as many as there must be, or the neighbours are not in the tree.
pub fn root_of(
    shape: Shape,
    join: &impl Join,
    height: u8,
    first: u64,
    nodes: &[Digest],
    beside: &[Digest],
) -> Option<Digest> {
    let mut level = nodes.to_vec();
    let mut beside = beside.iter();
    let (mut height, mut first) = (height, first);
    loop {
        let width = shape.width(height);
        let count = u64::try_from(level.len()).ok().filter(|count| *count > 0)?;
        let end = first.checked_add(count).filter(|end| *end <= width)?;
        if width == 1 {
            return if beside.next().is_none() { level.first().copied() } else { None };
        }
        if !first.is_multiple_of(2) {
            level.insert(0, *beside.next()?);
            first = first.checked_sub(1)?;
        }
        // A last node without a neighbour moves up.
        if !end.is_multiple_of(2) && end < width {
            level.push(*beside.next()?);
        }
        height = height.checked_add(1)?;
        let is_root = shape.width(height) == 1;
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => join.join(left, right, is_root),
                [single] => *single,
                _ => Digest::default(),
            })
            .collect();
        first = first.checked_div(2)?;
    }
}

/// The nodes beside the way up from neighbours on one level, as [`root_of`] wants them. `None` where `node` knows one not.
pub fn beside(
    shape: Shape,
    height: u8,
    first: u64,
    count: u64,
    node: &dyn Fn(Node) -> Option<Digest>,
) -> Option<Vec<Digest>> {
    let mut all = Vec::new();
    let (mut height, mut first, mut end) = (height, first, first.checked_add(count)?);
    while shape.width(height) > 1 {
        if !first.is_multiple_of(2) {
            first = first.checked_sub(1)?;
            all.push(node(Node { height, index: first })?);
        }
        if !end.is_multiple_of(2) && end < shape.width(height) {
            all.push(node(Node { height, index: end })?);
        }
        first = first.checked_div(2)?;
        end = end.div_ceil(2);
        height = height.checked_add(1)?;
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All levels of the tree over some bytes, the leaves first.
    fn levels(bytes: &[u8]) -> Vec<Vec<Digest>> {
        let shape = Shape::of_bytes(bytes.len() as u64);
        let chunks: Vec<&[u8]> =
            if bytes.is_empty() { vec![&[]] } else { bytes.chunks(CHUNK as usize).collect() };
        let leaves = (0..).zip(chunks).map(|(index, chunk)| chunk_node(shape, index, chunk)).collect();
        let mut all: Vec<Vec<Digest>> = vec![leaves];
        while all.last().unwrap().len() > 1 {
            let is_root = all.last().unwrap().len() == 2;
            let join = |pair: &[Digest]| match pair {
                [left, right] => Content.join(left, right, is_root),
                single => single[0],
            };
            let next = all.last().unwrap().chunks(2).map(join).collect();
            all.push(next);
        }
        all
    }

    proptest! {
        /// The shape is BLAKE3's, and any neighbours on any level come to BLAKE3's own root; with one node too many, too few or another
        /// one they do not.
        #[test]
        fn neighbours_come_to_the_root_of_blake3(
            bytes in 0usize..200_000,
            height: u8,
            first: prop::sample::Index,
            count: prop::sample::Index,
            change: prop::sample::Index,
        ) {
            let content: Vec<u8> = (0..bytes).map(|i| (i % 251) as u8).collect();
            let shape = Shape::of_bytes(bytes as u64);
            let levels = levels(&content);
            prop_assert_eq!(usize::from(shape.height()) + 1, levels.len());
            for (height, level) in (0..).zip(&levels) {
                prop_assert_eq!(shape.width(height), level.len() as u64);
            }
            let root = Digest(*blake3::hash(&content).as_bytes());
            prop_assert_eq!(levels.last().unwrap()[0], root);

            let height = height % (shape.height() + 1);
            let level = &levels[usize::from(height)];
            let first = first.index(level.len());
            let count = count.index(level.len() - first) + 1;
            let nodes = &level[first..first + count];
            let node = |node: Node| levels.get(usize::from(node.height))?.get(node.index as usize).copied();
            let mut beside = beside(shape, height, first as u64, count as u64, &node).unwrap();
            let root_of = |nodes: &[Digest], beside: &[Digest]| {
                root_of(shape, &Content, height, first as u64, nodes, beside)
            };
            prop_assert_eq!(root_of(nodes, &beside), Some(root));
            let mut other = nodes.to_vec();
            other[change.index(count)].0[5] ^= 1;
            prop_assert_ne!(root_of(&other, &beside), Some(root));
            prop_assert_ne!(root_of(&nodes[1..], &beside), Some(root));
            beside.push(root);
            prop_assert_eq!(root_of(nodes, &beside), None);
            if beside.len() > 1 {
                beside.pop();
                let last = beside.pop().unwrap();
                prop_assert_eq!(root_of(nodes, &beside), None);
                beside.push(Digest([last.0[0] ^ 1; 32]));
                prop_assert_ne!(root_of(nodes, &beside), Some(root));
            }
        }

        /// What a reveal shows is at most 64 nodes, covers its node, and needs no other below it.
        #[test]
        fn reveals_partition_each_level(leaves in 1u64..1_000_000, height: u8, index: u64) {
            let shape = Shape { leaves };
            let height = height % (shape.height() + 1);
            let node = Node { height, index: index % shape.width(height) };
            let Span { height: below, first, count } = shape.below(node).unwrap();
            prop_assert!((1..=64).contains(&count) && first + count <= shape.width(below));
            let levels = u32::from(height - below);
            prop_assert_eq!(first >> levels, node.index);
            prop_assert_eq!((first + count - 1) >> levels, node.index);
            prop_assert!(first + count == shape.width(below) || (first + count) >> levels == node.index + 1);
            prop_assert_eq!(shape.below(Node { index: shape.width(height), ..node }), None);
        }
    }

    #[test]
    fn heights_and_reveals() {
        for (leaves, height, reveals) in [
            (0, 0, 0),
            (1, 0, 0),
            (2, 1, 1),
            (3, 2, 1),
            (64, 6, 1),
            (65, 7, 2),
            (4_096, 12, 2),
            (4_097, 13, 3),
        ] {
            let shape = Shape { leaves };
            assert_eq!((shape.height(), shape.reveals()), (height, reveals), "{leaves}");
        }
        assert_eq!(Shape::of_bytes(0).leaves, 1);
        assert_eq!(Shape::of_bytes(u64::MAX).height(), 54);
    }
}
