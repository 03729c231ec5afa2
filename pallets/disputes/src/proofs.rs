//! Proofs about things that nobody has computed, for benchmarks and tests: whatever a tree holds, its root follows.

use alloc::{boxed::Box, vec::Vec};

use frame_support::BoundedVec;
use sabha_numerics::{
    Tree,
    op::{Definition, Missing, Range, Words},
    program::{Instruction, Program, Source},
};
use sabha_protocol::{
    Digest, RunSpec,
    datasets::SHARD_BYTES,
    dispute::{
        Input, Judgement, Member, Opened, Part, Path, Row, Slice, Span,
        shape::{CHUNK, Content, Join, Node, Shape, beside, chunk_node, root_of},
        stream::{StreamEvidence, WrongByte},
    },
    programs,
    spec::{DataSpec, limits},
};

/// Something that stands beside.
const OTHER: Digest = Digest([6; 32]);

/// A row of 64 of a tree's leaves, with the tree's root.
pub fn row(tree: Tree, leaves: u32, label: impl Fn(u64) -> u32) -> (Node, Row, Path, Digest) {
    let shape = Shape { leaves: leaves.into() };
    let node = Node { height: 6, index: 0 };
    let digests: Vec<Digest> = (0..64u8).map(|at| Digest([at; 32])).collect();
    let leaf = |(place, digest): (u64, &Digest)| Digest(tree.leaf(label(place), &digest.0));
    let nodes: Vec<Digest> = (0..).zip(&digests).map(leaf).collect();
    let path = beside(shape, 0, 0, 64, &|_| Some(OTHER)).unwrap_or_default();
    let root = root_of(shape, &tree, 0, 0, &nodes, &path).unwrap_or_default();
    (node, BoundedVec::truncate_from(digests), BoundedVec::truncate_from(path), root)
}

/// One leaf of a tree, with the tree's root.
pub fn member(tree: Tree, leaves: u32, place: u32, label: u32) -> (Member, Digest) {
    let shape = Shape { leaves: leaves.into() };
    let digest = Digest([3; 32]);
    let path = beside(shape, 0, place.into(), 1, &|_| Some(OTHER)).unwrap_or_default();
    let leaf = Digest(tree.leaf(label, &digest.0));
    let root = root_of(shape, &tree, 0, place.into(), &[leaf], &path).unwrap_or_default();
    (Member { digest, path: BoundedVec::truncate_from(path) }, root)
}

/// The words of a buffer of so many words from `start` on, each of this byte four times, with the buffer's digest.
fn slice(words: u64, start: u64, len: u64, byte: u8) -> (Slice, Digest) {
    let bytes = words.saturating_mul(4);
    let shape = Shape::of_bytes(bytes);
    let first = start.saturating_mul(4).checked_div(CHUNK).unwrap_or(0);
    let end = start.saturating_add(len).saturating_mul(4).div_ceil(CHUNK).saturating_mul(CHUNK).min(bytes);
    let from = first.saturating_mul(CHUNK);
    let opened = alloc::vec![byte; usize::try_from(end.saturating_sub(from)).unwrap_or(0)];
    let chunks = (first..).zip(opened.chunks(CHUNK as usize));
    let nodes: Vec<Digest> = chunks.map(|(index, chunk)| chunk_node(shape, index, chunk)).collect();
    let count = u64::try_from(nodes.len()).unwrap_or(0);
    let path = beside(shape, 0, first, count, &|_| Some(OTHER)).unwrap_or_default();
    let digest = root_of(shape, &Content, 0, first, &nodes, &path).unwrap_or_default();
    let slice =
        Slice { first, bytes: BoundedVec::truncate_from(opened), path: BoundedVec::truncate_from(path) };
    (slice, digest)
}

/// All levels of a tree over digests.
struct Levels(Vec<Vec<Digest>>);

impl Levels {
    fn of(tree: Tree, leaves: &[(u32, Digest)]) -> Self {
        let leaves = leaves.iter().map(|(label, digest)| Digest(tree.leaf(*label, &digest.0))).collect();
        let mut levels: Vec<Vec<Digest>> = alloc::vec![leaves];
        while let Some(last) = levels.last().filter(|last| last.len() > 1) {
            let join = |pair: &[Digest]| match pair {
                [left, right] => tree.join(left, right, false),
                [single] => *single,
                _ => OTHER,
            };
            let next = last.chunks(2).map(join).collect();
            levels.push(next);
        }
        Self(levels)
    }

    fn node(&self, node: Node) -> Option<Digest> {
        self.0.get(usize::from(node.height))?.get(usize::try_from(node.index).ok()?).copied()
    }

    fn root(&self) -> Digest {
        self.0.last().and_then(|last| last.first()).copied().unwrap_or_default()
    }

    fn member(&self, place: u32, digest: Digest) -> Member {
        let leaves = self.0.first().map_or(0, |leaves| u64::try_from(leaves.len()).unwrap_or(0));
        let path = beside(Shape { leaves }, 0, place.into(), 1, &|node| self.node(node)).unwrap_or_default();
        Member { digest, path: BoundedVec::truncate_from(path) }
    }
}

/// No words.
struct Nothing;

impl Words for Nothing {
    fn word(&self, input: usize, index: u64) -> Result<u32, Missing> {
        Err(Missing { input, index })
    }
}

/// What an instruction's first element reads.
fn reads(instruction: &Instruction) -> Vec<Range> {
    instruction.op.reads(0, &Nothing).unwrap_or_default()
}

/// The first step of slot 0.
fn step(spec: &RunSpec) -> Box<dyn Program> {
    let id = programs::StepId { round: 0, slot: 0, step: 0 };
    match programs::step(spec, id) {
        Some(step) => Box::new(step),
        None => Box::new(programs::begin(spec)),
    }
}

/// A judgement of the element that reads most words of all that a step's inner buffers are made of, and the part with which it stands; the
/// defender has it wrong.
pub fn judgement(spec: &RunSpec) -> Option<(Judgement, Span, Digest)> {
    let program = step(spec);
    let (inner, (instructions, _)) = (program.inner(), program.instructions());
    let place = |source: Source| match source {
        Source::Output(index) => u32::try_from(inner.binary_search(&index).ok()?).ok(),
        Source::Leaf(_) | Source::Stream => None,
    };
    let known = |instruction: &Instruction| {
        instruction.inputs.iter().all(|operand| match operand.source {
            Source::Leaf(_) => true,
            source => place(source).is_some(),
        })
    };
    let candidates = (0u32..).zip(&instructions).filter(|(index, instruction)| {
        place(Source::Output(*index)).is_some() && known(instruction) && instruction.op.is_float()
    });
    let (index, instruction) = candidates
        .max_by_key(|(_, instruction)| reads(instruction).iter().map(|range| range.len).sum::<u64>())?;

    // What is opened, and the digests that follow.
    let (output, digest) = slice(instruction.len(), 0, 1, 1);
    let mut traced: Vec<(u32, Digest)> = inner.iter().map(|index| (*index, OTHER)).collect();
    let leaves =
        u32::try_from(spec.model.shape().parameter_count()).ok()?.saturating_mul(3).saturating_add(2);
    let mut state: Vec<(u32, Digest)> = (0..leaves).map(|index| (index, OTHER)).collect();
    let set = |all: &mut Vec<(u32, Digest)>, at: u32, digest: Digest| {
        if let Some(entry) = usize::try_from(at).ok().and_then(|at| all.get_mut(at)) {
            entry.1 = digest;
        }
    };
    let own = place(Source::Output(index))?;
    set(&mut traced, own, digest);
    let mut inputs = Vec::new();
    for range in reads(instruction) {
        let operand = instruction.inputs.get(range.input)?;
        let (slice, digest) = slice(operand.len, range.start, range.len, 0);
        match operand.source {
            Source::Leaf(leaf) => set(&mut state, leaf, digest),
            source => set(&mut traced, place(source)?, digest),
        }
        inputs.push((range.input, operand.source, slice, digest));
    }
    let (trace, from) = (Levels::of(Tree::TRACE, &traced), Levels::of(Tree::STATE, &state));
    let mut opened = Vec::new();
    for (input, source, slice, digest) in inputs {
        let member = match source {
            Source::Leaf(leaf) => from.member(leaf, digest),
            source => trace.member(place(source)?, digest),
        };
        opened
            .push(Input { input: u8::try_from(input).ok()?, opened: Opened { member: Some(member), slice } });
    }
    let output = Some(Opened { member: Some(trace.member(own, digest)), slice: output });
    let inputs = BoundedVec::truncate_from(opened);
    let judgement = Judgement { instruction: index, element: 0, output, inputs };
    let span = Span { part: Part::Step(0), from: from.root(), to: OTHER };
    Some((judgement, span, trace.root()))
}

/// Evidence about the last of as many sources of so many bytes as there can be, of a stream that is as long as one can be; `data` becomes
/// what it is about.
pub fn wrong_byte(data: &mut DataSpec, bytes: u64) -> Option<StreamEvidence> {
    let source = u16::try_from(limits::SOURCES).ok()?.checked_sub(1)?;
    (data.token_bytes, data.tokens) = (1, 1 << 63);
    let (theirs, digest) = slice(SHARD_BYTES.checked_div(4)?, 0, 1, 1);
    let place = bytes.checked_mul(source.into())?;
    let (ours, stream) = slice(data.tokens.checked_div(4)?, place.checked_div(4)?, 1, 2);
    let shape = Shape { leaves: bytes.div_ceil(SHARD_BYTES) };
    let path = beside(shape, 0, 0, 1, &|_| Some(OTHER))?;
    let root = root_of(shape, &Tree::STATE, 0, 0, &[digest], &path)?;
    let others = (0..source).map(|at| Digest::of(&at.to_le_bytes()));
    data.sources = BoundedVec::truncate_from(others.chain([root]).collect());
    data.stream = stream;
    let member = Member { digest, path: BoundedVec::truncate_from(path) };
    Some(StreamEvidence::Byte(WrongByte { source, shard: 0, member, at: 0, theirs, ours }))
}
