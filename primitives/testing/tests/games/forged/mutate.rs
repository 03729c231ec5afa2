//! Changes of moves: of any field, of the bytes, or moves made of parts of others.

use bounded_collections::{BoundedVec, Get};
use codec::{Decode, Encode};
use sabha_numerics::Tree;
use sabha_protocol::{
    Digest,
    dispute::{
        Answer, Input, Judgement, Member, Move, Opened, Path, Row, Side, Slice, StepEnds,
        shape::{CHUNK, Content, Join, Node, Shape, chunk_node, root_of},
    },
};
use sabha_testing::lie::Dice;

use super::games::Made;

/// A field of a move.
enum Field<'a> {
    Digest(&'a mut Digest),
    /// A row or a path.
    Hashes(&'a mut Vec<Digest>),
    Bytes(&'a mut Vec<u8>),
    Number(&'a mut u64),
    Member(&'a mut Option<Member>),
    Opened(&'a mut Option<Opened>),
    Inputs(&'a mut Vec<Input>),
}

impl Field<'_> {
    fn kind(&self) -> u8 {
        match self {
            Field::Digest(_) => 0,
            Field::Hashes(_) => 1,
            Field::Bytes(_) => 2,
            Field::Number(_) => 3,
            Field::Member(_) => 4,
            Field::Opened(_) => 5,
            Field::Inputs(_) => 6,
        }
    }
}

type Take<'a> = dyn FnMut(Field<'_>) + 'a;

fn list<T: Clone, S: Get<u32>>(all: &mut BoundedVec<T, S>, with: impl FnOnce(&mut Vec<T>)) {
    let mut list = all.to_vec();
    with(&mut list);
    *all = BoundedVec::truncate_from(list);
}

fn hashes<S: Get<u32>>(all: &mut BoundedVec<Digest, S>, take: &mut Take<'_>) {
    list(all, |all| take(Field::Hashes(all)));
}

fn number<N: Copy + Into<u64> + TryFrom<u64>>(number: &mut N, take: &mut Take<'_>) {
    let mut wide: u64 = (*number).into();
    take(Field::Number(&mut wide));
    *number = N::try_from(wide).unwrap_or(*number);
}

fn node(node: &mut Node, take: &mut Take<'_>) {
    number(&mut node.height, take);
    number(&mut node.index, take);
}

fn maybe_member(member: &mut Option<Member>, take: &mut Take<'_>) {
    take(Field::Member(member));
    if let Some(Member { digest, path }) = member {
        take(Field::Digest(digest));
        hashes(path, take);
    }
}

fn member(member: &mut Member, take: &mut Take<'_>) {
    let mut optional = Some(member.clone());
    maybe_member(&mut optional, take);
    *member = optional.unwrap_or_else(|| member.clone());
}

fn maybe_opened(opened: &mut Option<Opened>, take: &mut Take<'_>) {
    take(Field::Opened(opened));
    if let Some(Opened { member, slice: Slice { first, bytes, path } }) = opened {
        maybe_member(member, take);
        number(first, take);
        list(bytes, |bytes| take(Field::Bytes(bytes)));
        hashes(path, take);
    }
}

/// Every field of a move, those that hold others before what they hold.
fn fields(made: &mut Made, take: &mut Take<'_>) {
    match made {
        Made::Answer(Answer::Ends { first, last, top }) => {
            maybe_member(first, take);
            maybe_member(last, take);
            hashes(top, take);
        }
        Made::Answer(Answer::Trace { top }) => hashes(top, take),
        Made::Answer(Answer::Nodes { row, path }) => {
            hashes(row, take);
            hashes(path, take);
        }
        Made::Answer(Answer::Chunk { bytes, path }) => {
            list(bytes, |bytes| take(Field::Bytes(bytes)));
            hashes(path, take);
        }
        Made::Press(Move::AskPosted(at) | Move::AskEnd(at)) => node(at, take),
        Made::Press(Move::AskBuffer { instruction, member, node: at }) => {
            number(instruction, take);
            maybe_member(member, take);
            node(at, take);
        }
        Made::Press(Move::NameSegment { segment, first, last }) => {
            number(segment, take);
            member(first, take);
            member(last, take);
        }
        Made::Press(Move::NameStep { step, ends: StepEnds { from, to } }) => {
            number(step, take);
            maybe_member(from, take);
            maybe_member(to, take);
        }
        Made::Press(Move::NameBegin { to }) => member(to, take),
        Made::Press(Move::JudgeHeader { bytes, path }) => {
            list(bytes, |bytes| take(Field::Bytes(bytes)));
            hashes(path, take);
        }
        Made::Press(Move::Judge(Judgement { instruction, element, output, inputs })) => {
            number(instruction, take);
            number(element, take);
            maybe_opened(output, take);
            list(inputs, |inputs| take(Field::Inputs(inputs)));
            list(inputs, |inputs| {
                for Input { input, opened } in inputs {
                    number(input, take);
                    let mut optional = Some(opened.clone());
                    maybe_opened(&mut optional, take);
                    *opened = optional.unwrap_or_else(|| opened.clone());
                }
            });
        }
    }
}

/// Shows one field of a move to `with`: the one at `at`, of those of a kind if one is given. Returns how many there are.
fn field(made: &mut Made, kind: Option<u8>, at: Option<u64>, with: &mut Take<'_>) -> u64 {
    let mut count = 0;
    fields(made, &mut |field| {
        if kind.is_none_or(|kind| kind == field.kind()) {
            if at == Some(count) {
                with(field);
            }
            count += 1;
        }
    });
    count
}

/// Of the nodes of a row the first ones only. What the others come to stands beside their way up, so that all of it comes to the root, and
/// only the number of nodes tells that some are missing. Leaves of a `tree` over digests, of which this is the first row, or content.
fn shorten(row: &mut Row, path: &mut Path, tree: Option<Tree>) {
    let keep = row.len().next_power_of_two() / 2;
    let node = |(place, digest): (u32, &Digest)| match tree {
        Some(tree) => Digest(tree.leaf(place, &digest.0)),
        None => *digest,
    };
    let mut rest: Vec<Digest> = (0..).zip(row.iter()).skip(keep).map(node).collect();
    while rest.len() > 1 {
        let pair = |pair: &[Digest]| match (pair, tree) {
            ([left, right], Some(tree)) => tree.join(left, right, false),
            ([left, right], None) => Content.join(left, right, false),
            (alone, _) => alone[0],
        };
        rest = rest.chunks(2).map(pair).collect();
    }
    row.truncate(keep);
    list(path, |path| drop(path.splice(0..0, rest)));
}

/// Draws changes. Whatever is not drawn is taken from other moves.
pub struct Forger<'a> {
    pub dice: Dice,
    /// A move that anybody made somewhere.
    pub donor: &'a dyn Fn(&mut Dice) -> Made,
}

impl Forger<'_> {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.dice.below(bound.max(1))
    }

    fn one<'b, T>(&mut self, all: &'b mut [T]) -> Option<&'b mut T> {
        let at = self.below(all.len() as u64);
        all.get_mut(at as usize)
    }

    /// A field of another move.
    fn donated(&mut self, kind: u8, with: &mut Take<'_>) {
        for _ in 0..4 {
            let mut donor = (self.donor)(&mut self.dice);
            let count = field(&mut donor, Some(kind), None, &mut |_| {});
            if count > 0 {
                let at = self.below(count);
                field(&mut donor, Some(kind), Some(at), with);
                return;
            }
        }
    }

    /// Changes one to three fields of a move, or leaves out a part of what it shows.
    pub fn change(&mut self, made: &mut Made) {
        if let Made::Answer(Answer::Nodes { row, path }) = made
            && self.below(8) == 0
        {
            let trees = [None, Some(Tree::SEGMENTS), Some(Tree::STATE)];
            return shorten(row, path, trees[self.below(3) as usize]);
        }
        for _ in 0..=self.below(8).saturating_sub(5) {
            let count = field(made, None, None, &mut |_| {});
            let at = self.below(count);
            field(made, None, Some(at), &mut |field| self.change_field(field));
        }
    }

    fn change_field(&mut self, field: Field<'_>) {
        match field {
            Field::Digest(digest) => match self.below(3) {
                0 => self.donated(0, &mut |other| {
                    if let Field::Digest(other) = other {
                        *digest = *other;
                    }
                }),
                _ => digest.0[self.below(32) as usize] ^= 1 << self.below(8),
            },
            Field::Hashes(hashes) => self.change_hashes(hashes),
            Field::Bytes(bytes) => match self.below(8) {
                0 => self.donated(2, &mut |other| {
                    if let Field::Bytes(other) = other {
                        bytes.clone_from(other);
                    }
                }),
                1 => {
                    bytes.pop();
                }
                2 => bytes.push(self.below(256) as u8),
                3 => bytes.truncate(bytes.len().saturating_sub(CHUNK as usize)),
                4 => bytes.resize(bytes.len() + CHUNK as usize, 0),
                _ => {
                    let flip = 1 << self.below(8);
                    if let Some(byte) = self.one(bytes) {
                        *byte ^= flip;
                    }
                }
            },
            Field::Number(number) => match self.below(6) {
                0 => self.donated(3, &mut |other| {
                    if let Field::Number(other) = other {
                        *number = *other;
                    }
                }),
                1 => *number = number.wrapping_sub(1),
                2 => *number = self.below(200),
                3 => *number ^= 1 << self.below(64),
                4 => *number ^= 1 << self.below(6),
                _ => *number = number.wrapping_add(1),
            },
            Field::Member(member) => match self.below(4) {
                0 => *member = None,
                _ => self.donated(4, &mut |other| {
                    if let Field::Member(other) = other {
                        member.clone_from(other);
                    }
                }),
            },
            Field::Opened(opened) => match self.below(8) {
                0 => *opened = None,
                1 | 2 => self.donated(5, &mut |other| {
                    if let Field::Opened(other) = other {
                        opened.clone_from(other);
                    }
                }),
                _ => {
                    if let Some(opened) = opened {
                        self.forge(opened);
                    }
                }
            },
            Field::Inputs(inputs) => self.change_inputs(inputs),
        }
    }

    fn change_hashes(&mut self, hashes: &mut Vec<Digest>) {
        match self.below(7) {
            0 => self.donated(1, &mut |other| {
                if let Field::Hashes(other) = other {
                    hashes.clone_from(other);
                }
            }),
            1 => {
                hashes.pop();
            }
            2 => hashes.push(hashes.first().copied().unwrap_or_default()),
            3 if hashes.len() > 1 => {
                let at = self.below(hashes.len() as u64 - 1) as usize;
                hashes.swap(at, at + 1);
            }
            4 => self.donated(0, &mut |other| {
                if let (Field::Digest(other), Some(last)) = (other, hashes.last_mut()) {
                    *last = *other;
                }
            }),
            _ => {
                let (byte, flip) = (self.below(32) as usize, 1 << self.below(8));
                if let Some(digest) = self.one(hashes) {
                    digest.0[byte] ^= flip;
                }
            }
        }
    }

    fn change_inputs(&mut self, inputs: &mut Vec<Input>) {
        let len = inputs.len() as u64;
        match self.below(5) {
            0 if len > 0 => drop(inputs.remove(self.below(len) as usize)),
            1 if len > 0 => {
                let again = inputs[self.below(len) as usize].clone();
                inputs.push(again);
            }
            2 => self.donated(6, &mut |other| {
                if let Field::Inputs(other) = other {
                    inputs.clone_from(other);
                }
            }),
            3 if len > 1 => {
                let (one, two) = (self.below(len) as usize, self.below(len) as usize);
                let opened = inputs[one].opened.clone();
                inputs[one].opened = core::mem::replace(&mut inputs[two].opened, opened);
            }
            // A forged opening stands before the true one.
            _ if len > 0 => {
                let mut forged = inputs[self.below(len) as usize].clone();
                self.forge(&mut forged.opened);
                inputs.insert(0, forged);
            }
            _ => {}
        }
    }

    /// Other words, and the digest that fits them: only what binds the digest tells that they are false.
    fn forge(&mut self, opened: &mut Opened) {
        let Opened { member, slice } = opened;
        let Some(member) = member.as_mut().filter(|_| slice.first < 1_000) else { return };
        let digest = |slice: &Slice, leaves| {
            let shape = Shape { leaves };
            let chunks = (slice.first..).zip(slice.bytes.chunks(CHUNK as usize));
            let nodes: Vec<Digest> = chunks.map(|(at, chunk)| chunk_node(shape, at, chunk)).collect();
            root_of(shape, &Content, 0, slice.first, &nodes, &slice.path)
        };
        let leaves = (1..64).find(|leaves| digest(slice, *leaves) == Some(member.digest));
        let (at, flip) = (self.below(slice.bytes.len() as u64) as usize, 1 << self.below(8));
        if let Some(byte) = slice.bytes.get_mut(at) {
            *byte ^= flip;
        }
        if let Some(forged) = leaves.and_then(|leaves| digest(slice, leaves)) {
            member.digest = forged;
        }
    }

    /// A move of parts of others, of any kind.
    pub fn invent(&mut self, side: Side) -> Made {
        if self.below(3) == 0 {
            return self.replay(side);
        }
        let mut made = match (side, self.below(9)) {
            (Side::Defender, 0 | 1) => {
                Made::Answer(Answer::Ends { first: None, last: None, top: Default::default() })
            }
            (Side::Defender, 2 | 3) => Made::Answer(Answer::Trace { top: Default::default() }),
            (Side::Defender, 4 | 5) => {
                Made::Answer(Answer::Nodes { row: Default::default(), path: Default::default() })
            }
            (Side::Defender, _) => {
                Made::Answer(Answer::Chunk { bytes: Default::default(), path: Default::default() })
            }
            (Side::Challenger, kind) => {
                let node = Node { height: 0, index: 0 };
                let member = || Member { digest: Digest::default(), path: Default::default() };
                Made::Press(match kind {
                    0 => Move::AskPosted(node),
                    1 => Move::AskEnd(node),
                    2 => Move::AskBuffer { instruction: 0, member: None, node },
                    3 => Move::NameSegment { segment: 0, first: member(), last: member() },
                    4 => Move::NameStep { step: 0, ends: StepEnds { from: None, to: None } },
                    5 => Move::NameBegin { to: member() },
                    6 => Move::JudgeHeader { bytes: Default::default(), path: Default::default() },
                    _ => Move::Judge(Judgement {
                        instruction: 0,
                        element: 0,
                        output: None,
                        inputs: Default::default(),
                    }),
                })
            }
        };
        // Those that hold others first: what they hold is drawn once more, but mostly left.
        let mut at = 0;
        while at < field(&mut made, None, None, &mut |_| {}) && at < 40 {
            field(&mut made, None, Some(at), &mut |field| {
                if at > 6 && self.below(4) > 0 {
                    return;
                }
                match field {
                    Field::Number(number) if self.below(2) == 0 => *number = self.below(200),
                    mut field => self.donated(field.kind(), &mut |other| match (&mut field, other) {
                        (Field::Digest(to), Field::Digest(from)) => **to = *from,
                        (Field::Hashes(to), Field::Hashes(from)) => to.clone_from(from),
                        (Field::Bytes(to), Field::Bytes(from)) => to.clone_from(from),
                        (Field::Number(to), Field::Number(from)) => **to = *from,
                        (Field::Member(to), Field::Member(from)) => to.clone_from(from),
                        (Field::Opened(to), Field::Opened(from)) => to.clone_from(from),
                        (Field::Inputs(to), Field::Inputs(from)) => to.clone_from(from),
                        _ => {}
                    }),
                }
            });
            at += 1;
        }
        made
    }

    /// A move of this side that was made in another position, or in another game.
    fn replay(&mut self, side: Side) -> Made {
        loop {
            let made = (self.donor)(&mut self.dice);
            let fits = match made {
                Made::Answer(_) => side == Side::Defender,
                Made::Press(_) => side == Side::Challenger,
            };
            if fits {
                return made;
            }
        }
    }

    /// Changes, cuts or mixes the bytes of a move, or takes any bytes at all. `None` if no move comes of it.
    pub fn change_bytes(&mut self, made: &Made) -> Option<Made> {
        let bytes = |made: &Made| match made {
            Made::Answer(answer) => answer.encode(),
            Made::Press(press) => press.encode(),
        };
        let mut encoded = bytes(made);
        match self.below(12) {
            0 => encoded.truncate(self.below(encoded.len() as u64) as usize),
            1 => encoded.insert(self.below(encoded.len() as u64) as usize, self.below(256) as u8),
            2 => {
                let side = match made {
                    Made::Answer(_) => Side::Defender,
                    Made::Press(_) => Side::Challenger,
                };
                let other = bytes(&self.replay(side));
                let from = self.below(encoded.len().min(other.len()) as u64) as usize;
                encoded.truncate(from);
                encoded.extend(&other[from..]);
            }
            3 => encoded = (0..self.below(400)).map(|_| self.below(256) as u8).collect(),
            _ => {
                for _ in 0..=self.below(3) {
                    let (value, whole) = (self.below(256) as u8, self.below(2) == 0);
                    let flip = 1 << self.below(8);
                    if let Some(byte) = self.one(&mut encoded) {
                        *byte = if whole { value } else { *byte ^ flip };
                    }
                }
            }
        }
        match made {
            Made::Answer(_) => Answer::decode(&mut encoded.as_slice()).ok().map(Made::Answer),
            Made::Press(_) => Move::decode(&mut encoded.as_slice()).ok().map(Made::Press),
        }
    }
}
