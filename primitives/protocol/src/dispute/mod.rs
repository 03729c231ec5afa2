//! Disputes: a game in which the chain finds out who lies, down to one element of one instruction.
//!
//! A claim says that a program makes an end of a start; both are bound on chain by roots and digests. The defender made the claim,
//! the challenger doubts it. The defender shows what lies between, the chain checks that against what is bound already, and the
//! challenger says where to look more closely, until one element is left, which the chain evaluates by its definition
//! ([`sabha_numerics::op`]). There is no jury. Whatever an honest defender shows is consistent everywhere, so it cannot lose; a liar's
//! first wrong element has right inputs, and whoever executes the program knows where it is.
//!
//! ```text
//!  challenger                 defender                                  bound then
//!  ───────────────────────────────────────────────────────────────────────────────────────────────────
//!  claim
//!                             (of a whole slot: the leaves)
//!  (one of them)
//!                             ends of the claim, top of the tree        the states at its ends,
//!                             over the states between                   all states between
//!  [ask for a node            64 nodes below it] …
//!  one step                                                             the states around it
//!                             top of the tree over the outputs          all outputs of the step
//!                             that no state holds
//!  [ask for a node            64 nodes below it] …
//!  ask for a node of one      64 nodes below it,
//!  output's own BLAKE3 tree   then a chunk …
//!  one element, its inputs
//!                                                       verdict
//! ```
//!
//! | claim | from | to | levels |
//! |---|---|---|---|
//! | [`Claim::Begin`] | the round's checkpoint | leaf 0 of `segments_root` | outputs |
//! | [`Claim::Segment`] `i` | leaf `i` | leaf `i + 1` | steps, outputs |
//! | [`Claim::Slot`] | the round's checkpoint | `segments_root` | leaves; then as one of the two above |
//! | [`Claim::Finish`] | checkpoint and last leaf | the update's digest, the mean loss | the update's own tree |
//! | [`Claim::Aggregate`] | checkpoint and the accepted updates' digests | the next checkpoint's root | outputs |
//! | [`Claim::Divergence`] | checkpoint | the first element that is not finite | steps, outputs |
//!
//! Whether what a claim starts from is right is another claim: each segment is judged by itself. Shapes, lengths, constants, data windows
//! and the order of instructions all come from the run's specification, never from a proof.
//!
//! Nothing is kept of what is shown, but for a root or two: each move carries the nodes beside the way up. Moves name the game's
//! [`Game::position`], a hash over all moves before, so a move that was meant for another branch of the chain is refused, and so is one that is
//! made twice. Each side has one clock for the whole game.
//!
//! One more claim needs no game: that a run's stream is what the manifests of its datasets say ([`stream`]). Whoever has both shows where
//! they part.
//!
//! The challenger may ask as often as the trees are deep, and for one level more of what a step ends with: what follows from a wrong
//! moment is wrong too, and stands before it in the state.

#[cfg(feature = "std")]
pub mod bounds;
mod game;
pub mod proof;
pub mod record;
mod referee;
mod scope;
pub mod shape;
pub mod stream;

#[cfg(feature = "std")]
pub mod player;

pub use game::{Answer, Asked, Clocks, Game, GameError, Move, Side, Stage, StepEnds};
pub use proof::{Member, Opened, Path, Row, Slice};
pub use referee::{Input, Judgement};
pub use scope::{Part, Span};

use crate::{Digest, Divergence, Outcome, RoundIndex, RunSpec, SlotIndex};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A claim that can be disputed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Claim {
    /// Leaf 0 of the slot is what `begin` makes of the round's checkpoint.
    Begin,
    /// The state after this segment of the slot is what its steps make of the one before.
    Segment(u32),
    /// All leaves of the slot are what they should be: for whoever executed it and knows nothing of it but its commitment. The leaves are
    /// looked at first; with the one that is named the claim becomes one of the two above.
    Slot,
    /// The slot's update and mean loss are what `finish` makes of its last state.
    Finish,
    /// The slot's arithmetic leaves the finite numbers where its commitment says.
    Divergence,
    /// The next checkpoint is what `aggregate` makes of the round's and the accepted updates.
    Aggregate,
}

/// Whose claim it is, and what it is bound by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A slot's.
    Slot {
        /// The slot.
        slot: SlotIndex,
        /// What was committed for it.
        outcome: Outcome,
    },
    /// The aggregator's.
    Aggregation {
        /// Accepted updates.
        workers: u16,
        /// Root of the checkpoint that it posted.
        result: Digest,
    },
}

/// What the chain knows of what is disputed. It does not change during a game.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The run's specification.
    pub spec: &'a RunSpec,
    /// The round.
    pub round: RoundIndex,
    /// Root of the checkpoint that the round starts from; None for the run's own start.
    pub base: Option<Digest>,
    /// Whose claim.
    pub subject: Subject,
    /// Digest of the accepted update at this place, in the order of slots.
    pub update: &'a dyn Fn(u32) -> Option<Digest>,
}

impl Facts<'_> {
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        match self.subject {
            Subject::Slot { outcome, .. } => Some(outcome),
            Subject::Aggregation { .. } => None,
        }
    }

    pub(crate) fn divergence(&self) -> Option<Divergence> {
        match self.outcome()? {
            Outcome::Diverged(divergence) => Some(divergence),
            Outcome::Trained(_) => None,
        }
    }
}
