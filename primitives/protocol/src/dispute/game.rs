//! The game itself: whose move it is, what a move may be, and what is bound after it.

use super::{
    Claim, Facts, Subject,
    proof::{Labelled, Member, Path, Row, is_content_row},
    referee::{Judgement, judge},
    scope::{Part, Place, Scope, Span},
    shape::{CHUNK, Content, Node, Shape, chunk_node, root_of},
};
use crate::{ActiveBlock, Commitment, Digest, NUMERICS_EXACT, Outcome, round, update};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use sabha_numerics::Tree;
use scale_info::TypeInfo;

/// A side of a game.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Side {
    /// Doubts the claim.
    Challenger,
    /// Made it.
    Defender,
}

/// What the defender was asked to show.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Asked {
    /// The nodes below this one of the tree over the states, or over the trace.
    Posted(Node),
    /// The nodes below this one of the tree over the buffers that the part ends with.
    End(Node),
    /// The nodes below this one of a buffer's own tree; of height 0: the chunk.
    Buffer {
        /// The buffer's digest.
        digest: Digest,
        /// Its bytes.
        bytes: u64,
        /// The node.
        node: Node,
    },
}

/// How far a game is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Stage {
    /// The challenger looks at the slot's leaves, and names the one that is wrong.
    Leaves {
        /// What the defender was asked to show.
        asked: Option<Node>,
    },
    /// The defender opens the claim's ends and posts the states between.
    Opening,
    /// The claim's ends are opened: the defender posts the states between.
    Between {
        /// The state that the segment starts from.
        first: Digest,
        /// The state that it ends with.
        last: Digest,
    },
    /// The states between are bound: the challenger asks, or names a step.
    States {
        /// Root of the tree over them.
        root: Digest,
        /// The state that a segment starts from.
        first: Digest,
        /// The state that it ends with.
        last: Digest,
        /// What the defender was asked to show.
        asked: Option<Node>,
    },
    /// The defender posts the outputs of a part that its end does not hold.
    Tracing(Span),
    /// Everything that the part makes is bound: the challenger asks, or names an element.
    Outputs {
        /// The part.
        span: Span,
        /// Root of the tree over the outputs that its end does not hold.
        trace: Digest,
        /// What the defender was asked to show.
        asked: Option<Asked>,
    },
}

/// What each side has left, in active blocks.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Clocks {
    /// The challenger's.
    pub challenger: ActiveBlock,
    /// The defender's.
    pub defender: ActiveBlock,
    /// Since when the clock of the side whose move it is runs.
    pub since: ActiveBlock,
}

/// Which step of the states that are posted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct StepEnds {
    /// The state before it, where that is one of those posted.
    pub from: Option<Member>,
    /// The state after it, where that is one of those posted.
    pub to: Option<Member>,
}

/// What the defender moves.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Answer {
    /// Opens the leaves of `segments_root` at the claim's ends (those that it has), and posts the top of the tree over the states
    /// between.
    Ends {
        /// The leaf that a segment, or `finish`, starts from.
        first: Option<Member>,
        /// The leaf that a segment, or `begin`, ends with.
        last: Option<Member>,
        /// What a reveal of the tree's root shows; empty if there are no states between.
        top: Row,
    },
    /// The top of the tree over the outputs that the part's end does not hold.
    Trace {
        /// What a reveal of the tree's root shows.
        top: Row,
    },
    /// The nodes below the one that was asked for.
    Nodes {
        /// The nodes.
        row: Row,
        /// Those beside the way up.
        path: Path,
    },
    /// The chunk that was asked for.
    Chunk {
        /// Its bytes.
        bytes: BoundedVec<u8, ConstU32<{ CHUNK as u32 }>>,
        /// The nodes beside its way up.
        path: Path,
    },
}

/// What the challenger moves.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum Move {
    /// Asks for the nodes below one of the tree that was posted last: over states, or over the trace.
    AskPosted(Node),
    /// Asks for the nodes below one of the tree over the buffers that the part ends with.
    AskEnd(Node),
    /// Asks for the nodes below one of an output's own tree; for the chunk itself at height 0.
    AskBuffer {
        /// The instruction.
        instruction: u32,
        /// The output's digest in the tree that binds it; none for a part of the update.
        member: Option<Member>,
        /// The node.
        node: Node,
    },
    /// The segment whose end is the first leaf that is wrong.
    NameSegment {
        /// The segment.
        segment: u32,
        /// The leaf that it starts from.
        first: Member,
        /// The leaf that it ends with.
        last: Member,
    },
    /// The step whose end is not what it makes of its start. In a divergence, the last one has no end.
    NameStep {
        /// The step, from 0 at the claim's start.
        step: u32,
        /// Its ends, where they are among the states that were posted.
        ends: StepEnds,
    },
    /// The first state of a slot, or of a divergence, is not what `begin` makes of the checkpoint.
    NameBegin {
        /// That state.
        to: Member,
    },
    /// The update does not begin as this slot's does.
    JudgeHeader {
        /// Its first chunk.
        bytes: BoundedVec<u8, ConstU32<{ CHUNK as u32 }>>,
        /// The nodes beside its way up.
        path: Path,
    },
    /// One element is not what its definition makes of the words that are bound.
    Judge(Judgement),
}

/// Why a move is refused. The game is unchanged then, and the mover's clock runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GameError {
    /// The claim is not one of what is disputed.
    #[error(
        "there is no such claim: a slot that trained has no divergence, one that diverged nothing else, and segments are counted from 0"
    )]
    NoSuchClaim,
    /// Only exact runs can be judged.
    #[error("results of this numerics version differ between machines, so nobody can judge them")]
    NotExact,
    /// It is the other side's move.
    #[error("it is the other side's move")]
    NotYourMove,
    /// The move was made for another position.
    #[error("the game has moved on: look at its position, and answer that")]
    OtherPosition,
    /// Time is up.
    #[error("the clock of this side has run out")]
    TooLate,
    /// No such move here.
    #[error("this is no move for this stage of the game")]
    WrongMove,
    /// There is no such node, step, instruction or element.
    #[error("there is no such node, step, instruction or element")]
    NoSuchElement,
    /// The move does not fit what is bound.
    #[error(
        "what is shown does not come to the root or digest that is bound, or is not as long as it must be"
    )]
    BadProof,
    /// A word that the element reads was not opened.
    #[error("word {index} of input {input} was not opened, and the element reads it")]
    NotOpened {
        /// The input.
        input: u8,
        /// The word.
        index: u64,
    },
    /// Too many questions.
    #[error("the challenger has asked as often as it may: it has to name what is wrong")]
    TooManyQuestions,
}

/// A game.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Game {
    /// What is disputed.
    pub claim: Claim,
    /// How far it is.
    pub stage: Stage,
    /// Hash over what it is about and all moves so far.
    pub position: Digest,
    /// Moves so far, the challenge not counted.
    pub moves: u16,
    /// How often the challenger may still ask in this stage.
    pub questions: u16,
    /// The clocks.
    pub clocks: Clocks,
}

impl Game {
    /// A game about a claim. `id` tells it from every other game; each side has `clock` active blocks.
    ///
    /// # Errors
    /// If there is no such claim, or nobody can judge it.
    pub fn new(
        facts: &Facts<'_>,
        claim: Claim,
        id: &Digest,
        clock: ActiveBlock,
        now: ActiveBlock,
    ) -> Result<Self, GameError> {
        if facts.spec.numerics_version != NUMERICS_EXACT {
            return Err(GameError::NotExact);
        }
        let exists = match (claim, facts.subject) {
            (Claim::Aggregate, Subject::Aggregation { .. }) => true,
            (Claim::Aggregate, _) | (_, Subject::Aggregation { .. }) => false,
            (Claim::Divergence, Subject::Slot { outcome, .. }) => matches!(outcome, Outcome::Diverged(_)),
            (claim, Subject::Slot { outcome: Outcome::Trained(_), .. }) => match claim {
                Claim::Segment(segment) => segment < facts.spec.segments(),
                _ => true,
            },
            (_, Subject::Slot { outcome: Outcome::Diverged(_), .. }) => false,
        };
        if !exists {
            return Err(GameError::NoSuchClaim);
        }
        let mut game = Self {
            claim,
            stage: Stage::Opening,
            position: Digest::default(),
            moves: 0,
            questions: 0,
            clocks: Clocks { challenger: clock, defender: clock, since: now },
        };
        game.position = game.after(&(id, claim));
        if claim == Claim::Slot {
            let leaves = game.leaves(facts).shape();
            game.stage = Stage::Leaves { asked: Some(leaves.root()) };
            game.questions = leaves.reveals().saturating_sub(1);
        }
        if claim == Claim::Aggregate {
            let none = Digest::default();
            game.enter(facts, Span { part: Part::Aggregate, from: none, to: none })?;
        }
        Ok(game)
    }

    /// Whose move it is.
    pub fn turn(&self) -> Side {
        match self.stage {
            Stage::Opening | Stage::Between { .. } | Stage::Tracing(_) => Side::Defender,
            Stage::Leaves { asked: Some(_) } => Side::Defender,
            Stage::Leaves { asked: None } => Side::Challenger,
            Stage::States { asked, .. } if asked.is_some() => Side::Defender,
            Stage::Outputs { asked, .. } if asked.is_some() => Side::Defender,
            Stage::States { .. } | Stage::Outputs { .. } => Side::Challenger,
        }
    }

    /// What turns out to be wrong if the defender loses now, as far as those who vouched for it need to know.
    pub fn at_fault(&self) -> round::Claim {
        match self.claim {
            Claim::Segment(segment) => round::Claim::Segment(segment),
            Claim::Divergence => round::Claim::Divergence,
            Claim::Begin | Claim::Slot | Claim::Finish | Claim::Aggregate => round::Claim::Other,
        }
    }

    /// The side whose time is up: it has lost.
    pub fn expired(&self, now: ActiveBlock) -> Option<Side> {
        let side = self.turn();
        (now.saturating_sub(self.clocks.since) > self.left(side)).then_some(side)
    }

    /// What a side has left when its turn begins.
    fn left(&self, side: Side) -> ActiveBlock {
        match side {
            Side::Challenger => self.clocks.challenger,
            Side::Defender => self.clocks.defender,
        }
    }

    /// The defender's move.
    ///
    /// # Errors
    /// If it is not its turn or too late, or what it shows is not what is bound. The game is unchanged then.
    pub fn answer(
        &mut self,
        facts: &Facts<'_>,
        position: &Digest,
        answer: &Answer,
        now: ActiveBlock,
    ) -> Result<(), GameError> {
        let mut next = self.begin(Side::Defender, position, now)?;
        match (self.stage, answer) {
            (Stage::Leaves { asked: Some(node) }, Answer::Nodes { row, path }) => {
                let root = segments_root(facts)?;
                if next.leaves(facts).root_of_row(node, row, path) != Some(root) {
                    return Err(GameError::BadProof);
                }
                next.stage = Stage::Leaves { asked: None };
            }
            (Stage::Opening, Answer::Ends { first, last, top }) => {
                next.open(facts, first.as_ref(), last.as_ref(), top)?;
            }
            (Stage::Between { first, last }, Answer::Ends { first: None, last: None, top }) => {
                next.bind_states(&next.states(facts)?, first, last, top)?;
            }
            (Stage::Tracing(span), Answer::Trace { top }) => {
                let scope = next.scope(facts, span, Digest::default())?;
                let trace = scope.traced(|tree| tree.root_of_top(top)).ok_or(GameError::BadProof)?;
                next.bind_outputs(&scope, span, trace);
            }
            (Stage::States { root, first, last, asked: Some(node) }, Answer::Nodes { row, path }) => {
                if next.states(facts)?.root_of_row(node, row, path) != Some(root) {
                    return Err(GameError::BadProof);
                }
                next.stage = Stage::States { root, first, last, asked: None };
            }
            (Stage::Outputs { span, trace, asked: Some(asked) }, answer) => {
                next.show(facts, span, trace, asked, answer)?;
                next.stage = Stage::Outputs { span, trace, asked: None };
            }
            _ => return Err(GameError::WrongMove),
        }
        next.end_move(answer, now);
        *self = next;
        Ok(())
    }

    /// The challenger's move. Returns who has lost, if that ends the game.
    ///
    /// # Errors
    /// If it is not its turn or too late, there is no such thing, or what it shows is not what is bound. The game is unchanged then.
    pub fn press(
        &mut self,
        facts: &Facts<'_>,
        position: &Digest,
        made: &Move,
        now: ActiveBlock,
    ) -> Result<Option<Side>, GameError> {
        let mut next = self.begin(Side::Challenger, position, now)?;
        let mut convicted = None;
        match (self.stage, made) {
            (Stage::Leaves { .. }, Move::AskPosted(node)) => {
                next.leaves(facts).shape().below(*node).ok_or(GameError::NoSuchElement)?;
                next.stage = Stage::Leaves { asked: Some(*node) };
                next.ask()?;
            }
            (Stage::Leaves { .. }, Move::NameSegment { segment, first, last }) => {
                next.name_segment(facts, *segment, first, last)?;
            }
            (Stage::Leaves { .. }, Move::NameBegin { to }) => {
                let to = leaf(facts, 0, Some(to))?;
                next.claim = Claim::Begin;
                next.enter(facts, Span { part: Part::Begin, from: Digest::default(), to })?;
            }
            (Stage::States { root, first, last, .. }, Move::AskPosted(node)) => {
                next.states(facts)?.shape().below(*node).ok_or(GameError::NoSuchElement)?;
                next.stage = Stage::States { root, first, last, asked: Some(*node) };
                next.ask()?;
            }
            (Stage::States { root, first, last, .. }, Move::NameStep { step, ends }) => {
                let span = next.name_step(facts, &root, [first, last], *step, ends)?;
                next.enter(facts, span)?;
            }
            (Stage::States { root, .. }, Move::NameBegin { to }) if self.claim == Claim::Divergence => {
                let leaves = next.state_count(facts)?;
                if !to.is_in(Tree::SEGMENTS, &root, leaves, 0, 0) {
                    return Err(GameError::BadProof);
                }
                next.enter(facts, Span { part: Part::Begin, from: Digest::default(), to: to.digest })?;
            }
            (Stage::Outputs { span, trace, .. }, Move::Judge(judgement)) => {
                convicted = Some(judge(&next.scope(facts, span, trace)?, judgement)?);
            }
            (Stage::Outputs { span, .. }, Move::JudgeHeader { bytes, path }) if span.part == Part::Finish => {
                convicted = Some(!is_header_right(facts, bytes, path)?);
            }
            (Stage::Outputs { span, trace, .. }, made) => {
                let asked = next.question(facts, span, trace, made)?;
                next.stage = Stage::Outputs { span, trace, asked: Some(asked) };
                next.ask()?;
            }
            _ => return Err(GameError::WrongMove),
        }
        next.end_move(made, now);
        *self = next;
        Ok(convicted.map(|convicted| if convicted { Side::Defender } else { Side::Challenger }))
    }

    /// What holds for any move.
    fn begin(&self, side: Side, position: &Digest, now: ActiveBlock) -> Result<Self, GameError> {
        if *position != self.position {
            return Err(GameError::OtherPosition);
        }
        if self.turn() != side {
            return Err(GameError::NotYourMove);
        }
        if self.expired(now).is_some() {
            return Err(GameError::TooLate);
        }
        let mut next = *self;
        let used = now.saturating_sub(self.clocks.since);
        let clock = match side {
            Side::Challenger => &mut next.clocks.challenger,
            Side::Defender => &mut next.clocks.defender,
        };
        *clock = clock.saturating_sub(used);
        Ok(next)
    }

    fn end_move(&mut self, made: &impl Encode, now: ActiveBlock) {
        self.position = self.after(made);
        self.moves = self.moves.saturating_add(1);
        self.clocks.since = now;
    }

    /// The hash over all moves, one more.
    fn after(&self, made: &impl Encode) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("sabha 2026 dispute position v1");
        hasher.update(&self.position.0);
        hasher.update(&made.encode());
        Digest(*hasher.finalize().as_bytes())
    }

    fn ask(&mut self) -> Result<(), GameError> {
        self.questions = self.questions.checked_sub(1).ok_or(GameError::TooManyQuestions)?;
        Ok(())
    }

    /// The states that the defender posts: between a segment's ends, or all before the claim's end.
    fn state_count(&self, facts: &Facts<'_>) -> Result<u32, GameError> {
        match self.claim {
            Claim::Segment(_) => Ok(facts.spec.rounds.segment_steps.saturating_sub(1)),
            Claim::Divergence => {
                let step = facts.divergence().ok_or(GameError::NoSuchClaim)?.step;
                Ok(step.saturating_add(1))
            }
            Claim::Begin | Claim::Slot | Claim::Finish | Claim::Aggregate => Ok(0),
        }
    }

    pub(super) fn states(&self, facts: &Facts<'_>) -> Result<Labelled<'static>, GameError> {
        Ok(Labelled { tree: Tree::SEGMENTS, leaves: self.state_count(facts)?, label: &Some })
    }

    /// The tree over the slot's leaves.
    pub(super) fn leaves(&self, facts: &Facts<'_>) -> Labelled<'static> {
        let leaves = facts.spec.segments().saturating_add(1);
        Labelled { tree: Tree::SEGMENTS, leaves, label: &Some }
    }

    fn scope<'a>(&self, facts: &'a Facts<'a>, span: Span, trace: Digest) -> Result<Scope<'a>, GameError> {
        Scope::of(facts, span, trace).ok_or(GameError::NoSuchClaim)
    }

    /// The ends of a claim, and the states between.
    fn open(
        &mut self,
        facts: &Facts<'_>,
        first: Option<&Member>,
        last: Option<&Member>,
        top: &Row,
    ) -> Result<(), GameError> {
        let none = Digest::default();
        let states = self.states(facts)?;
        if states.leaves == 0 && !top.is_empty() {
            return Err(GameError::BadProof);
        }
        match self.claim {
            Claim::Begin if first.is_none() => {
                let to = leaf(facts, 0, last)?;
                self.enter(facts, Span { part: Part::Begin, from: none, to })
            }
            Claim::Finish if last.is_none() => {
                let from = leaf(facts, facts.spec.segments(), first)?;
                self.enter(facts, Span { part: Part::Finish, from, to: none })
            }
            Claim::Segment(segment) => {
                let first = leaf(facts, segment, first)?;
                let last = leaf(facts, segment.saturating_add(1), last)?;
                if states.leaves == 0 {
                    return self.enter_only_step(facts, segment, first, last);
                }
                self.bind_states(&states, first, last, top)
            }
            Claim::Divergence if first.is_none() && last.is_none() => {
                self.bind_states(&states, none, none, top)
            }
            _ => Err(GameError::BadProof),
        }
    }

    fn enter_only_step(
        &mut self,
        facts: &Facts<'_>,
        segment: u32,
        from: Digest,
        to: Digest,
    ) -> Result<(), GameError> {
        let step = segment.saturating_mul(facts.spec.rounds.segment_steps);
        self.enter(facts, Span { part: Part::Step(step), from, to })
    }

    /// The segment that the challenger names.
    fn name_segment(
        &mut self,
        facts: &Facts<'_>,
        segment: u32,
        first: &Member,
        last: &Member,
    ) -> Result<(), GameError> {
        if segment >= facts.spec.segments() {
            return Err(GameError::NoSuchElement);
        }
        let first = leaf(facts, segment, Some(first))?;
        let last = leaf(facts, segment.saturating_add(1), Some(last))?;
        self.claim = Claim::Segment(segment);
        if self.states(facts)?.leaves == 0 {
            return self.enter_only_step(facts, segment, first, last);
        }
        self.stage = Stage::Between { first, last };
        Ok(())
    }

    fn bind_states(
        &mut self,
        states: &Labelled<'_>,
        first: Digest,
        last: Digest,
        top: &Row,
    ) -> Result<(), GameError> {
        let root = states.root_of_top(top).ok_or(GameError::BadProof)?;
        self.stage = Stage::States { root, first, last, asked: None };
        self.questions = states.shape().reveals().saturating_sub(1);
        Ok(())
    }

    /// The step that the challenger names.
    fn name_step(
        &self,
        facts: &Facts<'_>,
        root: &Digest,
        [first, last]: [Digest; 2],
        step: u32,
        ends: &StepEnds,
    ) -> Result<Span, GameError> {
        let posted = self.state_count(facts)?;
        // The state at `place` among those posted.
        let state = |member: &Option<Member>, place: Option<u32>| {
            let (member, place) = member.as_ref().zip(place).ok_or(GameError::BadProof)?;
            let is_in = member.is_in(Tree::SEGMENTS, root, posted, place, place);
            is_in.then_some(member.digest).ok_or(GameError::BadProof)
        };
        let StepEnds { from, to } = ends;
        match self.claim {
            Claim::Segment(segment) if step <= posted => {
                let from = if step == 0 { first } else { state(from, step.checked_sub(1))? };
                let to = if step == posted { last } else { state(to, Some(step))? };
                let start = segment.saturating_mul(facts.spec.rounds.segment_steps);
                Ok(Span { part: Part::Step(start.saturating_add(step)), from, to })
            }
            Claim::Divergence if step < posted => {
                let from = state(from, Some(step))?;
                let next = step.saturating_add(1);
                if next == posted {
                    return Ok(Span { part: Part::Diverging(step), from, to: Digest::default() });
                }
                Ok(Span { part: Part::Step(step), from, to: state(to, Some(next))? })
            }
            _ => Err(GameError::NoSuchElement),
        }
    }

    /// A part is named: the defender posts its trace, if there is one.
    fn enter(&mut self, facts: &Facts<'_>, span: Span) -> Result<(), GameError> {
        let scope = self.scope(facts, span, Digest::default())?;
        if scope.inner.is_empty() {
            self.bind_outputs(&scope, span, Digest::default());
        } else {
            self.stage = Stage::Tracing(span);
        }
        Ok(())
    }

    fn bind_outputs(&mut self, scope: &Scope<'_>, span: Span, trace: Digest) {
        self.stage = Stage::Outputs { span, trace, asked: None };
        self.questions = scope.questions();
    }

    /// What the challenger asks for.
    fn question(
        &self,
        facts: &Facts<'_>,
        span: Span,
        trace: Digest,
        made: &Move,
    ) -> Result<Asked, GameError> {
        let scope = self.scope(facts, span, trace)?;
        let exists = |shape: Shape, node: Node| shape.below(node).map(|_| ()).ok_or(GameError::NoSuchElement);
        match made {
            Move::AskPosted(node) => {
                exists(scope.traced(|tree| tree.shape()), *node)?;
                Ok(Asked::Posted(*node))
            }
            Move::AskEnd(node) => {
                scope.end_root().ok_or(GameError::WrongMove)?;
                exists(scope.ended().shape(), *node)?;
                Ok(Asked::End(*node))
            }
            Move::AskBuffer { instruction, member, node } => {
                let found = scope.instruction(*instruction).ok_or(GameError::NoSuchElement)?;
                let (digest, bytes) = match (scope.output(*instruction), member) {
                    (Some(Place::Leaf { tree, root, leaves, place, label, .. }), Some(member)) => {
                        if !member.is_in(tree, &root, leaves, place, label) {
                            return Err(GameError::BadProof);
                        }
                        (member.digest, found.len().saturating_mul(4))
                    }
                    (Some(Place::Content { digest, bytes, .. }), None) => (digest, bytes),
                    _ => return Err(GameError::BadProof),
                };
                exists(Shape::of_bytes(bytes), *node)?;
                Ok(Asked::Buffer { digest, bytes, node: *node })
            }
            _ => Err(GameError::WrongMove),
        }
    }

    /// Checks what the defender shows of what was asked for.
    fn show(
        &self,
        facts: &Facts<'_>,
        span: Span,
        trace: Digest,
        asked: Asked,
        answer: &Answer,
    ) -> Result<(), GameError> {
        let shown = match (asked, answer) {
            (Asked::Posted(node), Answer::Nodes { row, path }) => {
                let scope = self.scope(facts, span, trace)?;
                scope.traced(|tree| tree.root_of_row(node, row, path)) == Some(trace)
            }
            (Asked::End(node), Answer::Nodes { row, path }) => {
                let scope = self.scope(facts, span, trace)?;
                let root = scope.end_root().ok_or(GameError::WrongMove)?;
                scope.ended().root_of_row(node, row, path) == Some(root)
            }
            (Asked::Buffer { digest, bytes, node }, Answer::Nodes { row, path }) if node.height > 0 => {
                is_content_row(&digest, bytes, node, row, path)
            }
            (Asked::Buffer { digest, bytes, node }, Answer::Chunk { bytes: chunk, path })
                if node.height == 0 =>
            {
                is_chunk(&digest, bytes, node.index, chunk, path)
            }
            _ => return Err(GameError::WrongMove),
        };
        shown.then_some(()).ok_or(GameError::BadProof)
    }
}

/// The root that a slot's leaves are bound by.
pub(super) fn segments_root(facts: &Facts<'_>) -> Result<Digest, GameError> {
    match facts.outcome() {
        Some(Outcome::Trained(Commitment { segments_root, .. })) => Ok(segments_root),
        _ => Err(GameError::NoSuchClaim),
    }
}

/// A leaf of the slot.
fn leaf(facts: &Facts<'_>, index: u32, member: Option<&Member>) -> Result<Digest, GameError> {
    let (root, leaves) = (segments_root(facts)?, facts.spec.segments().saturating_add(1));
    let opened = member.filter(|member| member.is_in(Tree::SEGMENTS, &root, leaves, index, index));
    opened.map(|member| member.digest).ok_or(GameError::BadProof)
}

/// Whether this is chunk `index` of content with this digest and so many bytes.
pub(super) fn is_chunk(digest: &Digest, bytes: u64, index: u64, chunk: &[u8], path: &[Digest]) -> bool {
    let shape = Shape::of_bytes(bytes);
    let start = index.saturating_mul(CHUNK);
    let len = bytes.saturating_sub(start).min(CHUNK);
    u64::try_from(chunk.len()) == Ok(len)
        && root_of(shape, &Content, 0, index, &[chunk_node(shape, index, chunk)], path) == Some(*digest)
}

/// Whether the update that was committed begins as it must.
fn is_header_right(facts: &Facts<'_>, chunk: &[u8], path: &[Digest]) -> Result<bool, GameError> {
    let (Subject::Slot { slot, .. }, Some(Outcome::Trained(commitment))) = (facts.subject, facts.outcome())
    else {
        return Err(GameError::NoSuchClaim);
    };
    let bytes = update::bytes(&facts.spec.model.shape());
    if !is_chunk(&commitment.update_digest, bytes, 0, chunk, path) {
        return Err(GameError::BadProof);
    }
    Ok(chunk.starts_with(&update::header(&facts.spec.hash(), facts.round, slot)))
}
