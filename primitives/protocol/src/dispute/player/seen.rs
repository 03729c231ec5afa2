//! What one side knows of the other's trees: the nodes that were shown, and its own for the rest.

use super::super::{
    Answer, Asked, Facts, Game, Stage,
    proof::Labelled,
    scope::Scope,
    shape::{Content, Join, Node, Shape, chunk_node},
};
use crate::Digest;
use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, Encode};

/// A tree of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub(super) enum Of {
    /// Over the slot's leaves.
    Leaves,
    /// Over the states.
    States,
    /// Over the trace.
    Trace,
    /// Over the part's end.
    End,
    /// A buffer's own.
    Buffer(Digest),
}

/// The nodes that the other side has shown, and the chunks. Those of the lowest level of a tree over digests are the digests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Seen {
    nodes: BTreeMap<(Of, u8, u64), Digest>,
    chunks: BTreeMap<(Digest, u64), Vec<u8>>,
}

impl Seen {
    /// Looks at the answer that the defender gave in this position.
    pub fn look(&mut self, facts: &Facts<'_>, game: &Game, answer: &Answer) {
        match (game.stage, answer) {
            (Stage::Leaves { asked: Some(node) }, Answer::Nodes { row, path }) => {
                self.note(Of::Leaves, game.leaves(facts).shape(), node, row, path);
            }
            (Stage::Opening | Stage::Between { .. }, Answer::Ends { top, .. }) => {
                let Ok(states) = game.states(facts) else { return };
                self.note(Of::States, states.shape(), states.shape().root(), top, &[]);
            }
            (Stage::States { asked: Some(node), .. }, Answer::Nodes { row, path }) => {
                let Ok(states) = game.states(facts) else { return };
                self.note(Of::States, states.shape(), node, row, path);
            }
            (Stage::Tracing(span), Answer::Trace { top }) => {
                let Some(scope) = Scope::of(facts, span, Digest::default()) else { return };
                let shape = scope.traced(|tree| tree.shape());
                self.note(Of::Trace, shape, shape.root(), top, &[]);
            }
            (Stage::Outputs { span, trace, asked: Some(asked) }, answer) => {
                let Some(scope) = Scope::of(facts, span, trace) else { return };
                let (of, shape, node) = match asked {
                    Asked::Posted(node) => (Of::Trace, scope.traced(|tree| tree.shape()), node),
                    Asked::End(node) => (Of::End, scope.ended().shape(), node),
                    Asked::Buffer { digest, bytes, node } => {
                        (Of::Buffer(digest), Shape::of_bytes(bytes), node)
                    }
                };
                match answer {
                    Answer::Nodes { row, path } => self.note(of, shape, node, row, path),
                    Answer::Chunk { bytes, path } => {
                        if let Of::Buffer(digest) = of {
                            self.chunks.insert((digest, node.index), bytes.to_vec());
                            let leaf = chunk_node(shape, node.index, bytes);
                            self.note(of, shape, node, &[leaf], path);
                        }
                    }
                    Answer::Ends { .. } | Answer::Trace { .. } => {}
                }
            }
            _ => {}
        }
    }

    /// Notes the nodes below `node`, and those beside its way up.
    fn note(&mut self, of: Of, shape: Shape, node: Node, row: &[Digest], path: &[Digest]) {
        let Some(span) = shape.below(node) else { return };
        for (index, digest) in (span.first..).zip(row) {
            self.nodes.insert((of, span.height, index), *digest);
        }
        // The way up from a row begins at the node above it.
        let (mut height, mut index) = (node.height, node.index);
        let mut path = path.iter();
        while shape.width(height) > 1 {
            let sibling = index ^ 1;
            if sibling < shape.width(height) {
                let Some(digest) = path.next() else { return };
                // Of a tree over digests, the nodes beside a leaf are hashed leaves.
                if height > 0 || matches!(of, Of::Buffer(_)) {
                    self.nodes.insert((of, height, sibling), *digest);
                }
            }
            index /= 2;
            height = height.saturating_add(1);
        }
    }

    pub(super) fn chunk(&self, digest: &Digest, index: u64) -> Option<&[u8]> {
        self.chunks.get(&(*digest, index)).map(Vec::as_slice)
    }

    /// Whether any node below this one was shown.
    fn is_any_below(&self, of: Of, node: Node) -> bool {
        (0..node.height).any(|height| {
            let levels = u32::from(node.height.saturating_sub(height));
            let first = node.index.checked_shl(levels).unwrap_or(u64::MAX);
            let end = node.index.saturating_add(1).checked_shl(levels).unwrap_or(u64::MAX);
            self.nodes.range((of, height, first)..(of, height, end)).next().is_some()
        })
    }

    pub(super) fn node(&self, of: Of, node: Node) -> Option<Digest> {
        self.nodes.get(&(of, node.height, node.index)).copied()
    }
}

/// A tree over digests of which some are known.
pub(super) struct Digests<'a> {
    pub tree: &'a Labelled<'a>,
    /// One's own, as far as there are any.
    pub own: &'a [Digest],
    /// The other side's.
    pub seen: Option<(&'a Seen, Of)>,
}

impl Digests<'_> {
    /// One's own node.
    pub fn own(&self, node: Node) -> Option<Digest> {
        let plain = Digests { tree: self.tree, own: self.own, seen: None };
        plain.node(node)
    }

    /// The digest at a place: as shown, else one's own.
    pub fn digest(&self, place: u64) -> Option<Digest> {
        let shown = self.seen.and_then(|(seen, of)| seen.node(of, Node { height: 0, index: place }));
        shown.or_else(|| self.own.get(usize::try_from(place).ok()?).copied())
    }

    /// A node as shown, or as follows from what was shown, or one's own.
    pub fn node(&self, node: Node) -> Option<Digest> {
        if node.height == 0 {
            let place = u32::try_from(node.index).ok()?;
            return Some(Digest(self.tree.tree.leaf((self.tree.label)(place)?, &self.digest(node.index)?.0)));
        }
        let shown = self.seen.and_then(|(seen, of)| seen.node(of, node));
        shown.or_else(|| joined(self.tree.shape(), &self.tree.tree, node, &|below| self.node(below)))
    }
}

/// A node from those below it.
fn joined(
    shape: Shape,
    join: &impl Join,
    Node { height, index }: Node,
    below: &dyn Fn(Node) -> Option<Digest>,
) -> Option<Digest> {
    let height = height.checked_sub(1)?;
    let left = Node { height, index: index.checked_mul(2)? };
    let right = Node { height, index: left.index.checked_add(1)? };
    if right.index >= shape.width(height) {
        return below(left);
    }
    let is_root = shape.width(height) == 2;
    Some(join.join(&below(left)?, &below(right)?, is_root))
}

/// The tree of a buffer, of which one's own bytes are known.
pub(super) struct Bytes {
    shape: Shape,
    /// One's own nodes, level by level.
    levels: Vec<Vec<Digest>>,
}

impl Bytes {
    pub fn of(bytes: &[u8]) -> Self {
        let shape = Shape::of_bytes(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let mut chunks: Vec<&[u8]> = bytes.chunks(1_024).collect();
        if chunks.is_empty() {
            chunks.push(&[]);
        }
        let leaves = (0..).zip(chunks).map(|(index, chunk)| chunk_node(shape, index, chunk)).collect();
        let mut levels: Vec<Vec<Digest>> = vec![leaves];
        while let Some(level) = levels.last().filter(|level| level.len() > 1) {
            let is_root = level.len() == 2;
            let join = |pair: &[Digest]| match pair {
                [left, right] => Content.join(left, right, is_root),
                [single] => *single,
                _ => Digest::default(),
            };
            let next = level.chunks(2).map(join).collect();
            levels.push(next);
        }
        Self { shape, levels }
    }

    pub fn shape(&self) -> Shape {
        self.shape
    }

    pub fn own(&self, node: Node) -> Option<Digest> {
        let level = self.levels.get(usize::from(node.height))?;
        level.get(usize::try_from(node.index).ok()?).copied()
    }

    /// A node as shown, or as follows from what was shown, or one's own.
    pub fn node(&self, seen: &Seen, of: Of, node: Node) -> Option<Digest> {
        if let Some(shown) = seen.node(of, node) {
            return Some(shown);
        }
        if node.height == 0 || !seen.is_any_below(of, node) {
            return self.own(node);
        }
        joined(self.shape, &Content, node, &|below| self.node(seen, of, below))
    }
}
