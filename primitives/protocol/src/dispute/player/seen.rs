//! What one side knows of the other's trees: the nodes that were shown, and its own for the rest.

use super::super::{
    Answer, Asked, Facts, Game, Stage,
    game::{is_chunk, segments_root},
    proof::{Labelled, is_content_row},
    scope::Scope,
    shape::{Content, Join, Node, Shape, chunk_node},
};
use crate::Digest;
use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, Encode};

/// What a tree of the other side is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub(super) enum Kind {
    /// The slot's leaves.
    Leaves,
    /// The states.
    States,
    /// The trace.
    Trace,
    /// The part's end.
    End,
    /// A buffer's chunks.
    Buffer,
}

/// A tree of the other side, by what binds it. What was shown below a root stays true whatever happens to the chain; of what is bound
/// now, what was shown below another root says nothing: after a reorganisation the other side may have posted another tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub(super) struct Of {
    kind: Kind,
    /// The root that is bound; a buffer's digest.
    root: Digest,
    /// Leaves: of one root, nodes that nobody has opened fit several shapes.
    leaves: u64,
}

impl Of {
    /// A tree over digests, of which the leaves' labels follow from the shape.
    pub fn digests(kind: Kind, root: Digest, tree: &Labelled<'_>) -> Self {
        Self { kind, root, leaves: tree.leaves.into() }
    }

    /// A buffer of so many bytes.
    pub fn buffer(digest: Digest, bytes: u64) -> Self {
        Self { kind: Kind::Buffer, root: digest, leaves: Shape::of_bytes(bytes).leaves }
    }

    pub fn shape(&self) -> Shape {
        Shape { leaves: self.leaves }
    }
}

/// The nodes that the other side has shown, and the chunks. Those of the lowest level of a tree over digests are the digests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Seen {
    form: Form,
    nodes: BTreeMap<(Of, u8, u64), Digest>,
    chunks: BTreeMap<(Of, u64), Vec<u8>>,
}

/// The form that it is kept in. No form begins as another one does, so what an earlier version kept is not taken for this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
enum Form {
    /// By root. The form before had none of these, and began with a count, which never begins with such a byte.
    #[default]
    #[codec(index = 255)]
    ByRoot,
}

impl Seen {
    /// Looks at the answer that the defender gave in this position. What does not come to what is bound is not noted.
    pub fn look(&mut self, facts: &Facts<'_>, game: &Game, answer: &Answer) {
        match (game.stage, answer) {
            (Stage::Leaves { asked: Some(node) }, Answer::Nodes { row, path }) => {
                let Ok(root) = segments_root(facts) else { return };
                self.note_row(Kind::Leaves, Some(root), &game.leaves(facts), node, row, path);
            }
            (Stage::Opening | Stage::Between { .. }, Answer::Ends { top, .. }) => {
                let Ok(states) = game.states(facts) else { return };
                self.note_row(Kind::States, None, &states, states.shape().root(), top, &[]);
            }
            (Stage::States { root, asked: Some(node), .. }, Answer::Nodes { row, path }) => {
                let Ok(states) = game.states(facts) else { return };
                self.note_row(Kind::States, Some(root), &states, node, row, path);
            }
            (Stage::Tracing(span), Answer::Trace { top }) => {
                let Some(scope) = Scope::of(facts, span, Digest::default()) else { return };
                scope.traced(|tree| self.note_row(Kind::Trace, None, tree, tree.shape().root(), top, &[]));
            }
            (Stage::Outputs { span, trace, asked: Some(asked) }, answer) => {
                let Some(scope) = Scope::of(facts, span, trace) else { return };
                match (asked, answer) {
                    (Asked::Posted(node), Answer::Nodes { row, path }) => scope.traced(|tree| {
                        self.note_row(Kind::Trace, Some(trace), tree, node, row, path);
                    }),
                    (Asked::End(node), Answer::Nodes { row, path }) => {
                        let Some(root) = scope.end_root() else { return };
                        self.note_row(Kind::End, Some(root), &scope.ended(), node, row, path);
                    }
                    (Asked::Buffer { digest, bytes, node }, Answer::Nodes { row, path })
                        if node.height > 0 && is_content_row(&digest, bytes, node, row, path) =>
                    {
                        self.note(Of::buffer(digest, bytes), node, row, path);
                    }
                    (Asked::Buffer { digest, bytes, node }, Answer::Chunk { bytes: chunk, path })
                        if node.height == 0 && is_chunk(&digest, bytes, node.index, chunk, path) =>
                    {
                        let of = Of::buffer(digest, bytes);
                        self.chunks.insert((of, node.index), chunk.to_vec());
                        self.note(of, node, &[chunk_node(of.shape(), node.index, chunk)], path);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// Notes what a reveal of a tree over digests shows, below the root that is bound: if there is none yet, it binds its own.
    fn note_row(
        &mut self,
        kind: Kind,
        bound: Option<Digest>,
        tree: &Labelled<'_>,
        node: Node,
        row: &[Digest],
        path: &[Digest],
    ) {
        let Some(root) = tree.root_of_row(node, row, path) else { return };
        if bound.is_none_or(|bound| bound == root) {
            self.note(Of::digests(kind, root, tree), node, row, path);
        }
    }

    /// Notes the nodes below `node`, and those beside its way up.
    fn note(&mut self, of: Of, node: Node, row: &[Digest], path: &[Digest]) {
        let shape = of.shape();
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
                if height > 0 || of.kind == Kind::Buffer {
                    self.nodes.insert((of, height, sibling), *digest);
                }
            }
            index /= 2;
            height = height.saturating_add(1);
        }
    }

    pub(super) fn chunk(&self, of: Of, index: u64) -> Option<&[u8]> {
        self.chunks.get(&(of, index)).map(Vec::as_slice)
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
