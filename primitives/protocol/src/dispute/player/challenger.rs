//! The challenger: looks for the first thing that is wrong, and shows that it is.
//!
//! "First" is in the order of execution, so that everything that the wrong element is made of is right, and known.

use super::{
    super::{
        Claim, Facts, Game, GameError, Input, Judgement, Member, Move, Opened, Slice, Stage, StepEnds,
        game::segments_root,
        proof::Labelled,
        scope::{Holder, Part, Place, Scope, Span},
        shape::{CHUNK, Node, beside},
    },
    Blob, Book, Buffers, PlayError, Seen, bytes_of,
    defender::{ended, leaves, member, states, traced},
    seen::{Bytes, Digests, Kind, Of},
};
use crate::{Commitment, Digest, Outcome, update::HEADER};
use alloc::{borrow::Cow, vec::Vec};
use bounded_collections::{BoundedVec, Get};
use core::cell::RefCell;
use sabha_numerics::{
    op::{Definition, Missing, Range, Words},
    program::{Instruction, Operand, Source},
};

/// Words of a chunk.
const WORDS: u64 = CHUNK / 4;

/// The claim to dispute, from one's own leaves of a slot and those below its commitment: the first that is wrong. `None` if the leaves are
/// the same.
pub fn find(own: &[Digest], theirs: &[Digest]) -> Option<Claim> {
    let wrong = theirs.iter().enumerate().position(|(index, leaf)| own.get(index) != Some(leaf))?;
    let segment = u32::try_from(wrong).ok()?.checked_sub(1);
    Some(segment.map_or(Claim::Begin, Claim::Segment))
}

/// The challenger's move in a position.
///
/// # Errors
/// If it is not its move, the book has no answer, or nothing is wrong.
pub fn challenge<B: Book>(
    facts: &Facts<'_>,
    game: &Game,
    book: &mut B,
    seen: &Seen,
) -> Result<Move, PlayError<B::Error>> {
    match game.stage {
        Stage::Leaves { asked: None } => name_leaf(facts, game, book, seen),
        Stage::States { root, asked: None, .. } => name(facts, game, root, book, seen),
        Stage::Outputs { span, trace, asked: None } => {
            let scope = Scope::of(facts, span, trace).ok_or(GameError::NoSuchClaim)?;
            let mut look = Look { scope: &scope, part: span.part, trace, book, seen };
            if span.part == Part::Finish { look.at_update(facts) } else { look.at_outputs(span) }
        }
        _ => Err(PlayError::NotMyMove),
    }
}

/// Where to look next.
enum Next {
    /// At the nodes below this one, which were not shown yet.
    Ask(Node),
    /// The first leaf that differs.
    Differs(u64),
    /// Nothing differs.
    Same,
}

/// Descends to the first leaf that differs from one's own, as far as nodes were shown. `own` gives leaves as they are shown.
fn descend(seen: &Seen, of: Of, own: &dyn Fn(Node) -> Option<Digest>) -> Next {
    let shape = of.shape();
    let mut node = shape.root();
    loop {
        let Some(span) = shape.below(node) else { return Next::Same };
        let mut differs = None;
        for index in span.first..span.first.saturating_add(span.count) {
            let at = Node { height: span.height, index };
            let Some(shown) = seen.node(of, at) else { return Next::Ask(node) };
            if own(at) != Some(shown) {
                differs = Some(at);
                break;
            }
        }
        match differs {
            None => return Next::Same,
            Some(at) if at.height == 0 => return Next::Differs(at.index),
            Some(at) => node = at,
        }
    }
}

/// Descends towards one leaf: the node to ask for, or whether the leaf differs.
fn towards(seen: &Seen, of: Of, leaf: u64, own: &dyn Fn(Node) -> Option<Digest>) -> Result<bool, Node> {
    let shape = of.shape();
    let mut node = shape.root();
    loop {
        let Some(span) = shape.below(node) else { return Ok(false) };
        let index = leaf.checked_shr(span.height.into()).unwrap_or(0);
        let at = Node { height: span.height, index };
        let Some(shown) = seen.node(of, at) else { return Err(node) };
        if own(at) == Some(shown) {
            return Ok(false);
        }
        if at.height == 0 {
            return Ok(true);
        }
        node = at;
    }
}

/// Leaves of a tree over digests as they are shown, and hashed nodes above.
fn as_shown<'a>(digests: &'a Digests<'a>) -> impl Fn(Node) -> Option<Digest> + 'a {
    |node| match node.height {
        0 => digests.own.get(usize::try_from(node.index).ok()?).copied(),
        _ => digests.own(node),
    }
}

/// Names the first leaf that is wrong.
fn name_leaf<B: Book>(
    facts: &Facts<'_>,
    game: &Game,
    book: &mut B,
    seen: &Seen,
) -> Result<Move, PlayError<B::Error>> {
    let own = leaves(facts, book)?;
    let tree = game.leaves(facts);
    let of = Of::digests(Kind::Leaves, segments_root(facts)?, &tree);
    let digests = Digests { tree: &tree, own: &own, seen: Some((seen, of)) };
    let place = match descend(seen, of, &as_shown(&digests)) {
        Next::Ask(node) => return Ok(Move::AskPosted(node)),
        Next::Differs(place) => place,
        Next::Same => return Err(PlayError::NothingWrong),
    };
    let last = member(&digests, place).ok_or(PlayError::NotSeen)?;
    let Some(segment) = place.checked_sub(1) else { return Ok(Move::NameBegin { to: last }) };
    let first = member(&digests, segment).ok_or(PlayError::NotSeen)?;
    Ok(Move::NameSegment { segment: u32::try_from(segment).unwrap_or(u32::MAX), first, last })
}

/// Names the step whose end is not what it makes of its start.
fn name<B: Book>(
    facts: &Facts<'_>,
    game: &Game,
    root: Digest,
    book: &mut B,
    seen: &Seen,
) -> Result<Move, PlayError<B::Error>> {
    let own = states(facts, game, book)?;
    let tree = game.states(facts)?;
    let posted = u64::from(tree.leaves);
    let of = Of::digests(Kind::States, root, &tree);
    let digests = Digests { tree: &tree, own: &own, seen: Some((seen, of)) };
    let place = match descend(seen, of, &as_shown(&digests)) {
        Next::Ask(node) => return Ok(Move::AskPosted(node)),
        Next::Differs(place) => Some(place),
        Next::Same => None,
    };
    let at =
        |place: Option<u64>| place.map(|place| member(&digests, place).ok_or(PlayError::NotSeen)).transpose();
    let number = |step: u64| u32::try_from(step).unwrap_or(u32::MAX);
    if game.claim == Claim::Divergence {
        // Each step has its start among those posted; the last one has no end.
        let step = match place {
            Some(0) => {
                let to = member(&digests, 0).ok_or(PlayError::NotSeen)?;
                return Ok(Move::NameBegin { to });
            }
            Some(place) => place.saturating_sub(1),
            None => posted.saturating_sub(1),
        };
        let ends = StepEnds { from: at(Some(step))?, to: at(place)? };
        return Ok(Move::NameStep { step: number(step), ends });
    }
    let step = place.unwrap_or(posted);
    let ends = StepEnds { from: at(step.checked_sub(1))?, to: at(place)? };
    Ok(Move::NameStep { step: number(step), ends })
}

/// Looks at one part.
struct Look<'a, B> {
    scope: &'a Scope<'a>,
    part: Part,
    trace: Digest,
    book: &'a mut B,
    seen: &'a Seen,
}

impl<B: Book> Look<'_, B> {
    fn at_outputs(&mut self, span: Span) -> Result<Move, PlayError<B::Error>> {
        if !self.scope.inner.is_empty() {
            let own = traced(self.scope, self.part, self.book)?;
            let next = self.scope.traced(|tree| {
                let digests = Digests { tree, own: &own, seen: None };
                descend(self.seen, Of::digests(Kind::Trace, self.trace, tree), &as_shown(&digests))
            });
            match next {
                Next::Ask(node) => return Ok(Move::AskPosted(node)),
                Next::Differs(place) => {
                    let place = usize::try_from(place).unwrap_or(usize::MAX);
                    let index = self.scope.inner.get(place).copied().ok_or(PlayError::NotSeen)?;
                    return self.at_output(index);
                }
                Next::Same => {}
            }
        }
        if let Part::Diverging(_) = span.part {
            return self.at_divergence();
        }
        self.at_end()
    }

    /// All outputs before it are right: whether it is the first element that is not finite.
    fn at_divergence(&mut self) -> Result<Move, PlayError<B::Error>> {
        let claimed = self.scope.diverges().ok_or(GameError::NoSuchClaim)?;
        let (index, mut element) = (claimed.instruction, u64::from(claimed.element));
        let judge =
            |element, inputs| Move::Judge(Judgement { instruction: index, element, output: None, inputs });
        let Some(instruction) = self.scope.instruction(index) else {
            return Ok(judge(0, BoundedVec::default()));
        };
        if element >= instruction.len() {
            return Ok(judge(0, BoundedVec::default()));
        }
        match self.book.diverges(self.part).map_err(PlayError::Book)? {
            Some(found) if found == (index, element) => return Err(PlayError::NothingWrong),
            Some((at, first)) if at == index && first < element => element = first,
            _ => {}
        }
        let inputs = self.inputs(&instruction, element)?;
        Ok(judge(element, inputs))
    }

    /// All inner outputs are right: what the part ends with.
    fn at_end(&mut self) -> Result<Move, PlayError<B::Error>> {
        let own = ended(self.scope, self.part, self.book)?;
        let tree = self.scope.ended();
        let digests = Digests { tree: &tree, own: &own, seen: None };
        let shown = as_shown(&digests);
        let root = self.scope.end_root().ok_or(PlayError::NotSeen)?;
        let of = Of::digests(Kind::End, root, &tree);
        let mut place = match descend(self.seen, of, &shown) {
            Next::Ask(node) => return Ok(Move::AskEnd(node)),
            Next::Differs(place) => place,
            Next::Same => return Err(PlayError::NothingWrong),
        };
        // What it is made of may be wrong as well, and stand elsewhere in the end.
        'again: loop {
            let end = u32::try_from(place).unwrap_or(u32::MAX);
            let index = self.scope.end_instruction(end).ok_or(PlayError::NotSeen)?;
            let instruction = self.scope.instruction(index).ok_or(PlayError::NotSeen)?;
            for Operand { source, .. } in &instruction.inputs {
                let Some(Place::Leaf { of: Holder::End, place: other, .. }) = self.scope.place(*source)
                else {
                    continue;
                };
                match towards(self.seen, of, other.into(), &shown) {
                    Err(node) => return Ok(Move::AskEnd(node)),
                    Ok(false) => {}
                    Ok(true) => {
                        place = other.into();
                        continue 'again;
                    }
                }
            }
            return self.at_output(index);
        }
    }

    /// Its inputs are right, it is not.
    fn at_output(&mut self, index: u32) -> Result<Move, PlayError<B::Error>> {
        let instruction = self.scope.instruction(index).ok_or(PlayError::NotSeen)?;
        let place = self.scope.output(index).ok_or(PlayError::NotSeen)?;
        let member = self.member(&place)?;
        let digest = member.as_ref().map(|member| member.digest).ok_or(PlayError::NotSeen)?;
        let diverged = self.book.diverges(self.part).map_err(PlayError::Book)?;
        let of = Of::buffer(digest, instruction.len().saturating_mul(4));
        let ask = |node| Ok(Move::AskBuffer { instruction: index, member: member.clone(), node });
        let (chunk, element) = match diverged {
            // It is not finite, whatever the other side has.
            Some((at, element)) if at == index => {
                let chunk = element.checked_div(WORDS).unwrap_or(0);
                if self.seen.chunk(of, chunk).is_none() {
                    return ask(Node { height: 0, index: chunk });
                }
                (chunk, element)
            }
            _ => {
                let words = self.book.words(self.part, Source::Output(index)).map_err(PlayError::Book)?;
                let own = bytes_of(&words);
                let tree = Bytes::of(&own);
                let chunk = match descend(self.seen, of, &|node| tree.own(node)) {
                    Next::Ask(node) => return ask(node),
                    Next::Differs(chunk) => chunk,
                    Next::Same => return Err(PlayError::NothingWrong),
                };
                let Some(theirs) = self.seen.chunk(of, chunk) else {
                    return ask(Node { height: 0, index: chunk });
                };
                let byte = first_difference(&own, theirs, chunk).ok_or(PlayError::NothingWrong)?;
                (chunk, byte.checked_div(4).unwrap_or(0))
            }
        };
        let output = Some(Opened { member, slice: self.shown(of, chunk)? });
        let inputs = self.inputs(&instruction, element)?;
        Ok(Move::Judge(Judgement { instruction: index, element, output, inputs }))
    }

    /// A chunk that was shown, with its way up.
    fn shown(&self, of: Of, chunk: u64) -> Result<Slice, PlayError<B::Error>> {
        let bytes = self.seen.chunk(of, chunk).ok_or(PlayError::NotSeen)?.to_vec();
        let path = beside(of.shape(), 0, chunk, 1, &|node| self.seen.node(of, node));
        Ok(Slice { first: chunk, bytes: bounded(bytes)?, path: bounded(path.ok_or(PlayError::NotSeen)?)? })
    }

    /// The update and the mean loss.
    fn at_update(&mut self, facts: &Facts<'_>) -> Result<Move, PlayError<B::Error>> {
        let Some(Outcome::Trained(Commitment { update_digest: digest, .. })) = facts.outcome() else {
            return Err(GameError::NoSuchClaim.into());
        };
        let own = self.book.content(Blob::Own).map_err(PlayError::Book)?.into_owned();
        let tree = Bytes::of(&own);
        let of = Of::buffer(digest, u64::try_from(own.len()).unwrap_or(u64::MAX));
        let ask = |node| Ok(Move::AskBuffer { instruction: 0, member: None, node });
        if tree.own(of.shape().root()) == Some(digest) {
            // The update is right: then it is the loss.
            let index = self.scope.count.saturating_sub(1);
            let instruction = self.scope.instruction(index).ok_or(PlayError::NotSeen)?;
            let inputs = self.inputs(&instruction, 0)?;
            return Ok(Move::Judge(Judgement { instruction: index, element: 0, output: None, inputs }));
        }
        let chunk = match descend(self.seen, of, &|node| tree.own(node)) {
            Next::Ask(node) => return ask(node),
            Next::Differs(chunk) => chunk,
            Next::Same => return Err(PlayError::NothingWrong),
        };
        let Some(theirs) = self.seen.chunk(of, chunk) else {
            return ask(Node { height: 0, index: chunk });
        };
        let byte = first_difference(&own, theirs, chunk).ok_or(PlayError::NothingWrong)?;
        if byte < HEADER as u64 {
            let Slice { bytes, path, .. } = self.shown(of, 0)?;
            return Ok(Move::JudgeHeader { bytes: bounded(bytes.into_inner())?, path });
        }
        let (mut index, mut element) = self.at_byte(byte).ok_or(PlayError::NotSeen)?;
        let mut chunk = chunk;
        // Codes are made with exponents, which stand behind them.
        let instruction = self.scope.instruction(index).ok_or(PlayError::NotSeen)?;
        for Range { input, start, .. } in self.reads(&instruction, element)? {
            let source = instruction.inputs.get(input).map(|operand| operand.source);
            let Some(source @ Source::Output(made_by)) = source else { continue };
            let Some(Place::Content { offset, .. }) = self.scope.place(source) else { continue };
            let at = start.saturating_mul(4).saturating_add(offset);
            let other = at.checked_div(CHUNK).unwrap_or(0);
            match towards(self.seen, of, other, &|node| tree.own(node)) {
                Err(node) => return ask(node),
                Ok(false) => continue,
                Ok(true) => {}
            }
            let Some(theirs) = self.seen.chunk(of, other) else {
                return ask(Node { height: 0, index: other });
            };
            let within = |bytes: &[u8], first: u64| {
                let from = usize::try_from(at.saturating_sub(first)).unwrap_or(usize::MAX);
                bytes.get(from..from.saturating_add(4)).map(<[u8]>::to_vec)
            };
            if within(&own, 0) != within(theirs, other.saturating_mul(CHUNK)) {
                (index, element, chunk) = (made_by, start, other);
            }
        }
        let instruction = self.scope.instruction(index).ok_or(PlayError::NotSeen)?;
        // A word need not lie in one chunk only if its buffer began within one: all begin with whole words.
        let output = Some(Opened { member: None, slice: self.shown(of, chunk)? });
        let inputs = self.inputs(&instruction, element)?;
        Ok(Move::Judge(Judgement { instruction: index, element, output, inputs }))
    }

    /// The instruction, and the element of its output, that a byte of the update is part of.
    fn at_byte(&self, byte: u64) -> Option<(u32, u64)> {
        (0..self.scope.count).find_map(|index| {
            let Some(Place::Content { offset, .. }) = self.scope.output(index) else { return None };
            let element = byte.checked_sub(offset)?.checked_div(4)?;
            (element < self.scope.instruction(index)?.len()).then_some((index, element))
        })
    }

    /// The digest of a buffer in the tree that binds it, with its way up.
    fn member(&mut self, place: &Place) -> Result<Option<Member>, PlayError<B::Error>> {
        let Place::Leaf { of, tree: kind, root, leaves, place, .. } = place else { return Ok(None) };
        let place = u64::from(*place);
        let (own, seen) = match of {
            Holder::Base => (self.book.buffers(Buffers::Base).map_err(PlayError::Book)?, None),
            Holder::Start => {
                let steps = match self.part {
                    Part::Step(step) | Part::Diverging(step) => step,
                    // The only other part that starts from a state starts from the last one.
                    Part::Begin | Part::Finish | Part::Aggregate => self.scope.inner_steps(),
                };
                (self.book.buffers(Buffers::State(steps)).map_err(PlayError::Book)?, None)
            }
            Holder::Trace => (traced(self.scope, self.part, self.book)?, Some(Kind::Trace)),
            Holder::End => (ended(self.scope, self.part, self.book)?, Some(Kind::End)),
        };
        let found = |tree: &Labelled<'_>| {
            let seen = seen.map(|kind| (self.seen, Of::digests(kind, *root, tree)));
            member(&Digests { tree, own: &own, seen }, place)
        };
        let found = if *of == Holder::Trace {
            self.scope.traced(found)
        } else {
            found(&Labelled { tree: *kind, leaves: *leaves, label: &Some })
        };
        found.map(Some).ok_or(PlayError::NotSeen)
    }

    /// What an element reads.
    fn reads(&mut self, instruction: &Instruction, element: u64) -> Result<Vec<Range>, PlayError<B::Error>> {
        let own = Own { part: self.part, instruction, book: RefCell::new(&mut *self.book) };
        instruction.op.reads(element, &own).map_err(|_| PlayError::NotSeen)
    }

    /// Opens what an element reads.
    fn inputs<S: Get<u32>>(
        &mut self,
        instruction: &Instruction,
        element: u64,
    ) -> Result<BoundedVec<Input, S>, PlayError<B::Error>> {
        let mut all = Vec::new();
        for Range { input, start, len } in self.reads(instruction, element)? {
            let operand = instruction.inputs.get(input).ok_or(PlayError::NotSeen)?;
            let place = self.scope.place(operand.source).ok_or(PlayError::NotSeen)?;
            let (bytes, from, width): (Cow<'_, [u8]>, u64, u64) = match &place {
                Place::Word(_) | Place::Made(_) => continue,
                Place::Leaf { .. } => {
                    let words = self.book.words(self.part, operand.source).map_err(PlayError::Book)?;
                    (Cow::Owned(bytes_of(&words)), 0, 4)
                }
                Place::Content { of, offset, width, .. } => {
                    let content = self.book.content(*of).map_err(PlayError::Book)?;
                    (Cow::Owned(content.into_owned()), *offset, u64::from(*width))
                }
            };
            let first = start.saturating_mul(width).saturating_add(from);
            // One's own buffer is the other side's, as far as it is read; but not all of an update need be.
            let theirs = match &place {
                Place::Content { of: Blob::Own, digest, bytes, .. } => {
                    Some((self.seen, Of::buffer(*digest, *bytes)))
                }
                _ => None,
            };
            let slice = slice(&bytes, theirs, first, len.saturating_mul(width));
            let slice = slice.ok_or(PlayError::NotSeen)?;
            let member = self.member(&place)?;
            let input = u8::try_from(input).unwrap_or(u8::MAX);
            all.push(Input { input, opened: Opened { member, slice } });
        }
        bounded(all)
    }
}

/// The chunks that hold some bytes of a buffer; of one that is the other side's, as it was shown.
fn slice(bytes: &[u8], theirs: Option<(&Seen, Of)>, from: u64, len: u64) -> Option<Slice> {
    let tree = Bytes::of(bytes);
    let first = from.checked_div(CHUNK)?;
    let end = from.checked_add(len)?.div_ceil(CHUNK).max(first.checked_add(1)?);
    let node = |node| match theirs {
        Some((seen, of)) => tree.node(seen, of, node),
        None => tree.own(node),
    };
    let path = beside(tree.shape(), 0, first, end.checked_sub(first)?, &node)?;
    let start = usize::try_from(first.checked_mul(CHUNK)?).ok()?;
    let stop = usize::try_from(end.checked_mul(CHUNK)?).ok()?.min(bytes.len());
    let shown = match theirs {
        Some((seen, of)) if end == first.checked_add(1)? => seen.chunk(of, first),
        _ => None,
    };
    let bytes = match shown {
        Some(chunk) => chunk.to_vec(),
        None => bytes.get(start..stop)?.to_vec(),
    };
    Some(Slice { first, bytes: bytes.try_into().ok()?, path: path.try_into().ok()? })
}

/// The first byte at which a chunk differs from one's own, counted in the whole buffer.
fn first_difference(own: &[u8], theirs: &[u8], chunk: u64) -> Option<u64> {
    let start = chunk.checked_mul(CHUNK)?;
    let own = own.get(usize::try_from(start).ok()?..).unwrap_or_default();
    let at = theirs.iter().enumerate().position(|(index, byte)| own.get(index) != Some(byte))?;
    start.checked_add(u64::try_from(at).ok()?)
}

fn bounded<T, S: Get<u32>, E>(all: Vec<T>) -> Result<BoundedVec<T, S>, PlayError<E>> {
    BoundedVec::try_from(all).map_err(|_| PlayError::Game(GameError::BadProof))
}

/// One's own words of an instruction's inputs.
struct Own<'a, B> {
    part: Part,
    instruction: &'a Instruction,
    book: RefCell<&'a mut B>,
}

impl<B: Book> Words for Own<'_, B> {
    fn word(&self, input: usize, index: u64) -> Result<u32, Missing> {
        let missing = Missing { input, index };
        let operand = self.instruction.inputs.get(input).ok_or(missing)?;
        let mut book = self.book.borrow_mut();
        let words = book.words(self.part, operand.source).map_err(|_| missing)?;
        words.get(usize::try_from(index).map_err(|_| missing)?).copied().ok_or(missing)
    }
}
