//! How long a game can be, from the specification alone.

use super::{
    Claim, Facts, Part, Span, Subject,
    scope::{Place, Scope},
    shape::{CHUNK, LEVELS, Shape},
};
use crate::{Digest, Outcome, RunSpec};
use sabha_numerics::op::{Definition, Missing, Words};

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

/// The most that a dispute over a claim of a run can come to. An upper bound: paths are taken as long as they can be, and ranges begin
/// where they cost most. `None` if the run has no such claim.
pub fn bounds(spec: &RunSpec, claim: Claim) -> Option<Bounds> {
    let none = Digest::default();
    let part = match claim {
        Claim::Begin => Part::Begin,
        Claim::Segment(_) | Claim::Slot => Part::Step(0),
        Claim::Finish => Part::Finish,
        Claim::Aggregate => Part::Aggregate,
        Claim::Divergence => Part::Diverging(0),
    };
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

    let states = match claim {
        Claim::Segment(_) | Claim::Slot => spec.rounds.segment_steps.checked_sub(1)?,
        Claim::Divergence => spec.rounds.inner_steps,
        Claim::Begin | Claim::Finish | Claim::Aggregate => 0,
    };
    let states = Shape { leaves: states.into() };
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
        let leaves = Shape { leaves: u64::from(spec.segments()).saturating_add(1) };
        let reveals = u64::from(leaves.reveals());
        // What is asked for after the first reveal, all reveals, and the segment.
        add(reveals.saturating_sub(1), 0);
        add(reveals, row(leaves).saturating_add(hashes(path(leaves))));
        add(1, hashes(path(leaves).saturating_add(1)).saturating_mul(2));
    }
    if claim != Claim::Aggregate {
        let leaf = hashes(path(Shape { leaves: spec.segments().into() }).saturating_add(1));
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
    // The judgement.
    let (mut judgement, mut at) = (0, 0u32);
    let mut look = |op: &sabha_numerics::op::Op, inputs: &[sabha_numerics::program::Operand]| {
        let len = op.len();
        for element in [0, len / 2, len.saturating_sub(1)] {
            let Ok(ranges) = op.reads(element, &Zeros) else { continue };
            let opened = ranges.iter().map(|range| {
                let words = inputs.get(range.input).map_or(0, |input| input.len);
                opened(range.len.saturating_mul(4), words.saturating_mul(4), deepest.max(path(ends)))
            });
            let inputs = opened.fold(0u64, u64::saturating_add);
            let output = opened_chunk(len.saturating_mul(4), deepest);
            judgement = judgement.max(inputs.saturating_add(output));
        }
    };
    scope.visit(&mut |_, op, inputs| {
        look(&op, inputs);
        at = at.saturating_add(1);
    });
    add(1, judgement);
    all.judgement = judgement;
    Some(all)
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

/// Bytes of an opened range of so many bytes, of a buffer of so many.
fn opened(len: u64, of: u64, member: u64) -> u64 {
    let chunks = len.div_ceil(CHUNK).saturating_add(1).min(of.div_ceil(CHUNK).max(1));
    // On each level one node on either side.
    let beside = path(Shape::of_bytes(of)).saturating_mul(2);
    let bytes = chunks.saturating_mul(CHUNK).min(of);
    bytes.saturating_add(hashes(beside.saturating_add(member).saturating_add(1))).saturating_add(FRAME)
}

fn opened_chunk(of: u64, member: u64) -> u64 {
    let beside = path(Shape::of_bytes(of));
    of.min(CHUNK)
        .saturating_add(hashes(beside.saturating_add(member).saturating_add(1)))
        .saturating_add(FRAME)
}

/// Words that are all zero.
struct Zeros;

impl Words for Zeros {
    fn word(&self, _: usize, _: u64) -> Result<u32, Missing> {
        Ok(0)
    }
}

/// The most over all claims of a run.
pub fn worst(spec: &RunSpec) -> Bounds {
    let claims =
        [Claim::Begin, Claim::Segment(0), Claim::Slot, Claim::Finish, Claim::Divergence, Claim::Aggregate];
    let all = claims.into_iter().filter_map(|claim| bounds(spec, claim));
    all.fold(Bounds::default(), |most, one| Bounds {
        moves: most.moves.max(one.moves),
        bytes: most.bytes.max(one.bytes),
        judgement: most.judgement.max(one.judgement),
    })
}
