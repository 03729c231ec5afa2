//! How long a game can be, from the specification alone.

use super::{
    Claim, Facts, Part, Span, Subject,
    scope::{Place, Scope},
    shape::{CHUNK, LEVELS, Shape},
};
use crate::{Digest, Outcome, RunSpec};
use alloc::vec::Vec;
use sabha_numerics::{
    op::{Definition, Missing, Range, Words},
    program::Operand,
};

/// The most that a game can come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Moves of both sides, the challenge included.
    pub moves: u64,
    /// Bytes of all moves.
    pub bytes: u64,
    /// Bytes of the judgement.
    pub judgement: u64,
}

/// What an encoding adds to what is encoded: variants, numbers, lengths.
const FRAME: u64 = 32;

/// The most that a dispute over a claim of a run can come to, between players who open what an element reads and nothing besides. An upper
/// bound: all questions are asked, paths are taken as long as they can be, and ranges begin where they cost most. `None` if the run has
/// no such claim.
pub fn bounds(spec: &RunSpec, claim: Claim) -> Option<Bounds> {
    let one = |part| of_part(spec, claim, part);
    match claim {
        Claim::Begin => one(Part::Begin),
        Claim::Segment(_) => one(Part::Step(0)),
        // Either may be what the challenger names.
        Claim::Slot => Some(one(Part::Begin)?.most(one(Part::Step(0))?)),
        Claim::Divergence => {
            let whole = one(Part::Begin)?.most(one(Part::Step(0))?);
            Some(whole.most(one(Part::Diverging(0))?))
        }
        Claim::Finish => one(Part::Finish),
        Claim::Aggregate => one(Part::Aggregate),
    }
}

impl Bounds {
    /// The larger ones of both.
    pub fn most(self, other: Self) -> Self {
        Self {
            moves: self.moves.max(other.moves),
            bytes: self.bytes.max(other.bytes),
            judgement: self.judgement.max(other.judgement),
        }
    }
}

/// The most that a dispute over a claim can come to if it ends in this part.
fn of_part(spec: &RunSpec, claim: Claim, part: Part) -> Option<Bounds> {
    let none = Digest::default();
    let instruction = u32::MAX;
    let outcome = match claim {
        Claim::Divergence => Outcome::Diverged(crate::Divergence { step: 0, instruction, element: 0 }),
        _ => Outcome::Trained(crate::Commitment {
            segments_root: none,
            update_digest: none,
            mean_loss: 0.0.into(),
        }),
    };
    let subject = match claim {
        Claim::Aggregate => Subject::Aggregation { workers: spec.rounds.slots, result: none },
        _ => Subject::Slot { slot: 0, outcome },
    };
    let update = |_| Some(none);
    let facts = Facts { spec, round: 0, base: Some(none), subject, update: &update };
    let scope = Scope::of(&facts, Span { part, from: none, to: none }, none)?;

    let states = match (claim, part) {
        (Claim::Segment(_) | Claim::Slot, Part::Step(_)) => spec.rounds.segment_steps.checked_sub(1)?,
        (Claim::Divergence, _) => spec.rounds.inner_steps,
        _ => 0,
    };
    let states = Shape { leaves: states.into() };
    let leaves = Shape { leaves: u64::from(spec.segments()).saturating_add(1) };
    let traced = scope.traced(|tree| tree.shape());
    let questions = u64::from(scope.questions());

    let mut all = Bounds::default();
    let mut add = |moves: u64, bytes: u64| {
        all.moves = all.moves.saturating_add(moves);
        all.bytes = all.bytes.saturating_add(moves.saturating_mul(bytes.saturating_add(FRAME)));
    };
    // The challenge, and the ends: two leaves with their ways up.
    add(1, 0);
    if claim == Claim::Slot {
        let reveals = u64::from(leaves.reveals());
        // What is asked for after the first reveal, all reveals, and the segment.
        add(reveals.saturating_sub(1), 0);
        add(reveals, row(leaves).saturating_add(hashes(path(leaves))));
        add(1, hashes(path(leaves).saturating_add(1)).saturating_mul(2));
    }
    if claim != Claim::Aggregate {
        let leaf = hashes(path(leaves).saturating_add(1));
        add(1, leaf.saturating_mul(2).saturating_add(row(states)));
    }
    // Steps.
    let reveals = u64::from(states.reveals()).saturating_sub(1);
    add(reveals, 0);
    add(reveals, row(states).saturating_add(hashes(path(states))));
    if states.leaves > 0 {
        add(1, hashes(path(states).saturating_add(1)).saturating_mul(2));
    }
    // Outputs.
    if traced.leaves > 0 {
        add(1, row(traced));
    }
    let ends = scope.ended().shape();
    let largest = match scope.output(0) {
        Some(Place::Content { bytes, .. }) => bytes,
        _ => scope.largest.saturating_mul(4),
    };
    let content = Shape::of_bytes(largest);
    let deepest = path(traced).max(path(ends));
    add(questions, hashes(deepest.saturating_add(1)));
    // A chunk is half of a full row, so each answer counts as one.
    let rows = row(traced).max(row(ends)).max(row(content));
    add(questions, rows.max(CHUNK).saturating_add(hashes(path(content).max(deepest))));
    let judgement = judgement(&scope);
    add(1, judgement);
    all.judgement = judgement;
    Some(all)
}

/// The most bytes that a judgement of an element of a part can have.
fn judgement(scope: &Scope<'_>) -> u64 {
    let mut most = 0;
    scope.visit(&mut |index, op, inputs| {
        let len = op.len();
        let place = |operand: &Operand| scope.place(operand.source);
        let places: Vec<Option<Place>> = inputs.iter().map(place).collect();
        let output = scope.output(index).map_or(0, |place| opened(&place, len, 1));
        for element in [0, len / 2, len.saturating_sub(1)] {
            let Ok(ranges) = op.reads(element, &Zeros) else { continue };
            let of_range = |range: &Range| {
                let (operand, place) = inputs.get(range.input).zip(places.get(range.input)?.as_ref())?;
                Some(opened(place, operand.len, range.len))
            };
            let inputs = ranges.iter().filter_map(of_range).fold(0u64, u64::saturating_add);
            most = most.max(inputs.saturating_add(output));
        }
    });
    // Unless the update's first chunk is all that is opened.
    let header = match scope.output(0) {
        Some(place @ Place::Content { .. }) => opened(&place, 0, 1),
        _ => 0,
    };
    most.max(header).saturating_add(FRAME)
}

/// Bytes of the chunks that hold so many neighbouring words of a buffer, with their way up in what binds them: in an update or the stream
/// that is the whole content's tree, of which the buffer is a small part.
fn opened(place: &Place, words: u64, read: u64) -> u64 {
    let (content, width, member) = match place {
        Place::Leaf { leaves, .. } => {
            let leaf = path(Shape { leaves: (*leaves).into() }).saturating_add(1);
            (words.saturating_mul(4), 4, leaf)
        }
        Place::Content { bytes, width, .. } => (*bytes, u64::from(*width), 0),
        Place::Word(_) | Place::Made(_) => return 0,
    };
    let shape = Shape::of_bytes(content);
    // The first word may be the last one of its chunk.
    let bytes = read.saturating_mul(width).saturating_add(CHUNK).saturating_sub(width);
    let chunks = bytes.div_ceil(CHUNK).min(shape.leaves);
    // On each level one node on either side; of a single chunk on one.
    let sides = if chunks > 1 { 2 } else { 1 };
    let beside = path(shape).saturating_mul(sides).saturating_add(member);
    chunks.saturating_mul(CHUNK).min(content).saturating_add(hashes(beside)).saturating_add(FRAME)
}

/// Bytes of hashes.
fn hashes(count: u64) -> u64 {
    count.saturating_mul(32)
}

/// Nodes beside the way up from one.
fn path(shape: Shape) -> u64 {
    shape.height().into()
}

/// Bytes of what a reveal shows.
fn row(shape: Shape) -> u64 {
    hashes(shape.leaves.min(1 << LEVELS))
}

/// Words that are all zero.
struct Zeros;

impl Words for Zeros {
    fn word(&self, _: usize, _: u64) -> Result<u32, Missing> {
        Ok(0)
    }
}
