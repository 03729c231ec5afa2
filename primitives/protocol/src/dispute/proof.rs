//! What a move shows, and how it is checked against what is already bound.

use super::shape::{CHUNK, Content, LEVELS, Node, Shape, chunk_node, root_of};
use crate::Digest;
use alloc::vec::Vec;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use sabha_numerics::{
    Tree,
    op::{MAX_RANGES, MAX_READ},
};
use scale_info::TypeInfo;

/// Most nodes that one reveal shows.
pub const ROW: u32 = 1 << LEVELS;

/// Most nodes beside the way up from neighbours on one level: two on each of 40 levels.
pub const PATH: u32 = 80;

/// Most bytes that one range of words is opened with: it need not begin with a chunk.
pub const SLICE: u32 = MAX_READ as u32 * 4 + CHUNK as u32;

/// Most openings of one judgement: what an element reads.
pub const OPENINGS: u32 = MAX_RANGES as u32;

/// Neighbours on one level.
pub type Row = BoundedVec<Digest, ConstU32<ROW>>;

/// The nodes beside the way up, from below, the left one first.
pub type Path = BoundedVec<Digest, ConstU32<PATH>>;

/// A digest that is a leaf of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Member {
    /// The digest.
    pub digest: Digest,
    /// The nodes beside its way up.
    pub path: Path,
}

impl Member {
    /// Whether this is the leaf at `place`, labelled `label`, of a tree of `leaves` leaves with this root.
    pub fn is_in(&self, tree: Tree, root: &Digest, leaves: u32, place: u32, label: u32) -> bool {
        let leaf = Digest(tree.leaf(label, &self.digest.0));
        let shape = Shape { leaves: leaves.into() };
        root_of(shape, &tree, 0, place.into(), &[leaf], &self.path) == Some(*root)
    }

    /// The same of a tree whose leaves are the digests as they are.
    pub fn is_bare_in(&self, tree: Tree, root: &Digest, leaves: u64, place: u64) -> bool {
        root_of(Shape { leaves }, &tree, 0, place, &[self.digest], &self.path) == Some(*root)
    }
}

/// Some neighbouring chunks of a buffer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Slice {
    /// The first chunk.
    pub first: u64,
    /// Whole chunks; the buffer's last one may be shorter.
    pub bytes: BoundedVec<u8, ConstU32<SLICE>>,
    /// The nodes beside their way up.
    pub path: Path,
}

impl Slice {
    /// The place of the first byte, if these are chunks of content with this digest and so many bytes.
    pub fn opens(&self, digest: &Digest, bytes: u64) -> Option<u64> {
        let shape = Shape::of_bytes(bytes);
        let start = self.first.checked_mul(CHUNK)?;
        let len = u64::try_from(self.bytes.len()).ok()?;
        let end = start.checked_add(len)?;
        // Whole chunks, but for the content's end.
        if end > bytes || (end < bytes && !len.is_multiple_of(CHUNK)) {
            return None;
        }
        let chunk_bytes = usize::try_from(CHUNK).ok()?;
        let chunks = (self.first..).zip(self.bytes.chunks(chunk_bytes));
        let nodes: Vec<Digest> = chunks.map(|(index, chunk)| chunk_node(shape, index, chunk)).collect();
        let root = root_of(shape, &Content, 0, self.first, &nodes, &self.path)?;
        (root == *digest).then_some(start)
    }

    /// Whether this is the last chunk of content with this digest and so many bytes: the length of content follows from where its last chunk
    /// is and how long.
    pub fn ends(&self, digest: &Digest, bytes: u64) -> bool {
        let shape = Shape::of_bytes(bytes);
        let len = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        let end = self.first.checked_mul(CHUNK).and_then(|start| start.checked_add(len));
        if len > CHUNK || end != Some(bytes) || self.first.checked_add(1) != Some(shape.leaves) {
            return false;
        }
        let node = chunk_node(shape, self.first, &self.bytes);
        root_of(shape, &Content, 0, self.first, &[node], &self.path) == Some(*digest)
    }
}

/// Some words of a buffer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Opened {
    /// The buffer's digest in the tree that binds it; none for content whose digest is known.
    pub member: Option<Member>,
    /// Its chunks that hold the words.
    pub slice: Slice,
}

/// A tree over digests, each with a label: what a reveal shows of its lowest level is the digests themselves.
pub(super) struct Labelled<'a> {
    pub tree: Tree,
    pub leaves: u32,
    /// The label of the leaf at a place.
    pub label: &'a dyn Fn(u32) -> Option<u32>,
}

impl Labelled<'_> {
    pub fn shape(&self) -> Shape {
        Shape { leaves: self.leaves.into() }
    }

    /// The root below which `row` is what a reveal of `node` shows. `None` if the row has not as many nodes as that.
    pub fn root_of_row(&self, node: Node, row: &[Digest], path: &[Digest]) -> Option<Digest> {
        let span = self.shape().below(node)?;
        if u64::try_from(row.len()) != Ok(span.count) {
            return None;
        }
        let leaf = |(place, digest): (u64, &Digest)| {
            let label = (self.label)(u32::try_from(place).ok()?)?;
            Some(Digest(self.tree.leaf(label, &digest.0)))
        };
        let nodes: Vec<Digest> = if span.height == 0 {
            (span.first..).zip(row).map(leaf).collect::<Option<_>>()?
        } else {
            row.to_vec()
        };
        root_of(self.shape(), &self.tree, span.height, span.first, &nodes, path)
    }

    /// The same of the root itself.
    pub fn root_of_top(&self, top: &[Digest]) -> Option<Digest> {
        self.root_of_row(self.shape().root(), top, &[])
    }
}

/// Whether `row` is what a reveal of `node` of content's own tree shows.
pub(super) fn is_content_row(
    digest: &Digest,
    bytes: u64,
    node: Node,
    row: &[Digest],
    path: &[Digest],
) -> bool {
    let shape = Shape::of_bytes(bytes);
    let Some(span) = shape.below(node) else { return false };
    u64::try_from(row.len()) == Ok(span.count)
        && root_of(shape, &Content, span.height, span.first, row, path) == Some(*digest)
}
