//! What a claim is about: the program that makes its end of its start, and where each buffer of that program is bound.

use super::{Facts, Subject, proof::Labelled, shape::Shape};
use crate::{Digest, Divergence, Outcome, programs, update};
use alloc::{boxed::Box, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use sabha_numerics::{
    Tree,
    program::{Instruction, Operand, Program, Source},
};
use scale_info::TypeInfo;

#[cfg(feature = "std")]
use sabha_numerics::program::Take;

/// One program of a disputed claim.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Part {
    /// From the checkpoint to the state before the first step.
    Begin,
    /// This inner step, from 0.
    Step(u32),
    /// This inner step up to where the claim says that it diverges.
    Diverging(u32),
    /// From the last state to the update.
    Finish,
    /// From the accepted updates to the next checkpoint.
    Aggregate,
}

/// A part with what it starts from and ends with.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Span {
    /// The part.
    pub part: Part,
    /// Root of the state that it starts from: of a step, and of `finish`. Not used by the others.
    pub from: Digest,
    /// Root of the state that it ends with: of `begin` and of a whole step. Not used by the others.
    pub to: Digest,
}

/// Which of the trees over digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// The checkpoint that the round starts from.
    Base,
    /// The state that the part starts from.
    Start,
    /// The outputs that the part's end does not hold.
    Trace,
    /// The part's end.
    End,
}

/// Which content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blob {
    /// The run's token stream.
    Stream,
    /// The accepted update at this place, in the order of slots.
    Update(u32),
    /// The slot's own update.
    Own,
}

/// Where a buffer is.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(not(feature = "std"), allow(dead_code, reason = "players look at what the referee need not know"))]
pub(super) enum Place {
    /// A leaf of a tree of digests.
    Leaf { of: Holder, tree: Tree, root: Digest, leaves: u32, place: u32, label: u32 },
    /// Part of content whose digest is known: of so many bytes, from byte `offset`, with `width` bytes a word.
    Content { of: Blob, digest: Digest, bytes: u64, offset: u64, width: u8 },
    /// A word that is known.
    Word(u32),
    /// What this instruction without inputs makes.
    Made(Box<Instruction>),
}

/// A part's program, with what follows from it.
pub(super) struct Scope<'a> {
    facts: &'a Facts<'a>,
    span: Span,
    trace: Digest,
    program: Box<dyn Program>,
    /// Instructions, for a part that ends before its program does: those before the divergence.
    pub count: u32,
    /// Leaves of what the part ends with.
    ends: Vec<Operand>,
    /// Instructions whose outputs are in the trace, in order.
    pub inner: Vec<u32>,
    /// Words of the largest output.
    pub largest: u64,
}

impl<'a> Scope<'a> {
    /// The scope of a part. `None` if the facts are of something else, or the stream has no window.
    pub fn of(facts: &'a Facts<'a>, span: Span, trace: Digest) -> Option<Self> {
        let spec = facts.spec;
        let step = |step| match facts.subject {
            Subject::Slot { slot, .. } => {
                programs::step(spec, programs::StepId { round: facts.round, slot, step })
            }
            Subject::Aggregation { .. } => None,
        };
        let program: Box<dyn Program> = match (span.part, &facts.subject) {
            (Part::Begin, _) => Box::new(programs::begin(spec)),
            (Part::Step(at) | Part::Diverging(at), _) => Box::new(step(at)?),
            (Part::Finish, _) => Box::new(programs::finish(spec)),
            (Part::Aggregate, Subject::Aggregation { workers, .. }) => {
                Box::new(programs::aggregate(spec, (*workers).into()))
            }
            (Part::Aggregate, Subject::Slot { .. }) => return None,
        };
        let (mut count, mut largest) = (0u32, 0u64);
        let mut ends = program.visit(&mut |at, op, _| {
            use sabha_numerics::op::Definition;
            count = at.saturating_add(1);
            largest = largest.max(op.len());
        });
        if let Part::Diverging(_) = span.part {
            count = count.min(facts.divergence()?.instruction);
            ends.clear();
        }
        let mut held: Vec<Source> = ends.iter().map(|end| end.source).collect();
        held.sort_unstable();
        let inner = (0..count).filter(|index| held.binary_search(&Source::Output(*index)).is_err()).collect();
        Some(Self { facts, span, trace, program, count, ends, inner, largest })
    }

    /// Leaves of what the part ends with, where a tree holds them.
    pub fn end_leaves(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    /// The root of the tree that holds the part's end; `None` for `finish`, which ends with content, and for a step that diverges.
    pub fn end_root(&self) -> Option<Digest> {
        match (self.span.part, &self.facts.subject) {
            (Part::Begin | Part::Step(_), _) => Some(self.span.to),
            (Part::Aggregate, Subject::Aggregation { result, .. }) => Some(*result),
            _ => None,
        }
    }

    /// The instruction that makes a leaf of the part's end.
    #[cfg(feature = "std")]
    pub fn end_instruction(&self, end: u32) -> Option<u32> {
        match self.ends.get(usize::try_from(end).ok()?)?.source {
            Source::Output(index) => Some(index),
            Source::Leaf(_) | Source::Stream => None,
        }
    }

    /// Inner steps of a slot.
    #[cfg(feature = "std")]
    pub fn inner_steps(&self) -> u32 {
        self.facts.spec.rounds.inner_steps
    }

    /// The tree over the outputs that the part's end does not hold.
    pub fn traced<R>(&self, with: impl FnOnce(&Labelled<'_>) -> R) -> R {
        let label = |place| self.inner.get(usize::try_from(place).ok()?).copied();
        let leaves = u32::try_from(self.inner.len()).unwrap_or(u32::MAX);
        with(&Labelled { tree: Tree::TRACE, leaves, label: &label })
    }

    /// The tree over the buffers that the part ends with.
    pub fn ended(&self) -> Labelled<'static> {
        Labelled { tree: Tree::STATE, leaves: self.end_leaves(), label: &Some }
    }

    /// Instruction `index`.
    pub fn instruction(&self, index: u32) -> Option<Instruction> {
        self.program.instruction(index)
    }

    /// Parameters of the model: tensors.
    fn parameters(&self) -> u32 {
        u32::try_from(self.facts.spec.model.shape().parameter_count()).unwrap_or(u32::MAX)
    }

    /// A buffer of the checkpoint that the round starts from: parameters, then momenta.
    fn base(&self, index: u32) -> Option<Place> {
        let parameters = self.parameters();
        if let Some(root) = self.facts.base {
            let leaves = parameters.saturating_mul(2);
            return Some(Place::Leaf {
                of: Holder::Base,
                tree: Tree::STATE,
                root,
                leaves,
                place: index,
                label: index,
            });
        }
        // The run's own start: parameters that are drawn, and no momentum.
        if index >= parameters {
            return (index < parameters.saturating_mul(2)).then_some(Place::Word(0));
        }
        let made = programs::init(self.facts.spec).instruction(index)?;
        Some(Place::Made(Box::new(made)))
    }

    /// A buffer of the state that the part starts from.
    fn state(&self, index: u32) -> Place {
        let leaves = self.parameters().saturating_mul(3).saturating_add(2);
        let (of, root) = (Holder::Start, self.span.from);
        Place::Leaf { of, tree: Tree::STATE, root, leaves, place: index, label: index }
    }

    /// A buffer of an update.
    fn update(&self, of: Blob, digest: Digest, index: u32) -> Option<Place> {
        let model = self.facts.spec.model.shape();
        let offset = update::offset(&model, usize::try_from(index).ok()?);
        Some(Place::Content { of, digest, bytes: update::bytes(&model), offset, width: 4 })
    }

    /// Where an operand is.
    pub fn place(&self, source: Source) -> Option<Place> {
        match source {
            Source::Output(index) => self.output(index),
            Source::Stream => {
                let data = &self.facts.spec.data;
                let (digest, width) = (data.stream, data.token_bytes);
                let bytes = data.tokens.saturating_mul(width.into());
                Some(Place::Content { of: Blob::Stream, digest, bytes, offset: 0, width })
            }
            Source::Leaf(index) => {
                let parameters = self.parameters();
                let both = parameters.saturating_mul(2);
                match self.span.part {
                    Part::Begin => self.base(index),
                    Part::Step(_) | Part::Diverging(_) => Some(self.state(index)),
                    Part::Finish if index < parameters => self.base(index),
                    Part::Finish if index < both => {
                        Some(self.state(index.checked_sub(parameters)?.checked_mul(3)?))
                    }
                    // The sum of losses is the state's last leaf.
                    Part::Finish => Some(self.state(parameters.checked_mul(3)?.checked_add(1)?)),
                    Part::Aggregate if index < both => self.base(index),
                    Part::Aggregate => {
                        let index = index.checked_sub(both)?;
                        let worker = index.checked_div(both)?;
                        let digest = (self.facts.update)(worker)?;
                        self.update(Blob::Update(worker), digest, index.checked_rem(both)?)
                    }
                }
            }
        }
    }

    /// Where the output of an instruction is.
    pub fn output(&self, index: u32) -> Option<Place> {
        let end = self.ends.iter().position(|end| end.source == Source::Output(index));
        let Some(end) = end.and_then(|end| u32::try_from(end).ok()) else {
            let place = u32::try_from(self.inner.binary_search(&index).ok()?).ok()?;
            let leaves = u32::try_from(self.inner.len()).ok()?;
            let (of, root) = (Holder::Trace, self.trace);
            return Some(Place::Leaf { of, tree: Tree::TRACE, root, leaves, place, label: index });
        };
        if let Some(root) = self.end_root() {
            let leaves = self.end_leaves();
            let of = Holder::End;
            return Some(Place::Leaf { of, tree: Tree::STATE, root, leaves, place: end, label: end });
        }
        let Outcome::Trained(commitment) = self.facts.outcome()? else { return None };
        if end == self.parameters().saturating_mul(2) {
            return Some(Place::Word(commitment.mean_loss.0));
        }
        self.update(Blob::Own, commitment.update_digest, end)
    }

    /// How often the challenger may ask: as often as it takes to get to a chunk of any output.
    pub fn questions(&self) -> u16 {
        // What is wrong in the part's end may follow from what is wrong elsewhere in it: the challenger looks at both.
        if let Some(Place::Content { bytes, .. }) = self.output(0) {
            return Shape::of_bytes(bytes).reveals().saturating_add(1).saturating_mul(2);
        }
        let posted = self.traced(|tree| tree.shape().reveals()).saturating_sub(1);
        let end = if self.end_root().is_some() { self.ended().shape().reveals().max(1) } else { 0 };
        let buffer = Shape::of_bytes(self.largest.saturating_mul(4)).reveals().saturating_add(1);
        posted.max(end).saturating_add(end).saturating_add(buffer)
    }

    /// Shows every instruction to `take`.
    #[cfg(feature = "std")]
    pub fn visit(&self, take: &mut Take<'_>) {
        self.program.visit(take);
    }

    /// Whether outputs must be finite: those of steps. Anything else has no way to say that they are not.
    pub fn must_be_finite(&self) -> bool {
        matches!(self.span.part, Part::Step(_) | Part::Diverging(_))
    }

    /// Where the claim says that the part diverges.
    pub fn diverges(&self) -> Option<Divergence> {
        match self.span.part {
            Part::Diverging(_) => self.facts.divergence(),
            _ => None,
        }
    }
}
