//! Both sides of the game, as they are played by whoever can execute the program again: what is said to each position, from a
//! [`Book`] of what the execution came to.
//!
//! A player keeps nothing but what it has [`Seen`] of the other side's trees, and that can be made again from the moves on chain.

mod challenger;
mod defender;
mod seen;

pub use super::scope::Blob;
pub use challenger::{challenge, find};
pub use defender::answer;
pub use seen::Seen;

use super::{Game, GameError, Part};
use crate::Digest;
use alloc::{borrow::Cow, vec::Vec};
use sabha_numerics::program::Source;

/// A tree over buffers that a part starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Buffers {
    /// The checkpoint that the round starts from: parameters, then momenta.
    Base,
    /// The state after so many steps.
    State(u32),
}

/// What an execution came to. Nothing of it has to be in memory: whatever is asked for can be executed again.
pub trait Book {
    /// Why something could not be looked up.
    type Error;

    /// Root of the slot's state after so many steps; none if it leaves the finite numbers before.
    ///
    /// # Errors
    /// If it cannot be executed.
    fn state(&mut self, steps: u32) -> Result<Option<Digest>, Self::Error>;

    /// Digests of the buffers that a part starts from.
    ///
    /// # Errors
    /// If it cannot be executed.
    fn buffers(&mut self, of: Buffers) -> Result<Vec<Digest>, Self::Error>;

    /// Digests of the outputs of a part's instructions, in order: of those before the first that is not finite.
    ///
    /// # Errors
    /// If it cannot be executed.
    fn outputs(&mut self, part: Part) -> Result<Vec<Digest>, Self::Error>;

    /// The instruction of a part that is the first to leave the finite numbers, and its first element that does.
    ///
    /// # Errors
    /// If it cannot be executed.
    fn diverges(&mut self, part: Part) -> Result<Option<(u32, u64)>, Self::Error>;

    /// The words of a leaf or an output of a part. Of an output that is not finite, the words up to there at least.
    ///
    /// # Errors
    /// If it cannot be executed.
    fn words(&mut self, part: Part, source: Source) -> Result<Cow<'_, [u32]>, Self::Error>;

    /// The bytes of content.
    ///
    /// # Errors
    /// If it is not there.
    fn content(&mut self, blob: Blob) -> Result<Cow<'_, [u8]>, Self::Error>;
}

/// Why a player has nothing to say.
#[derive(Debug, thiserror::Error)]
pub enum PlayError<E> {
    /// The book has no answer.
    #[error("the execution that this side's moves are made of failed")]
    Book(#[source] E),
    /// The game and the facts do not fit each other.
    #[error(transparent)]
    Game(#[from] GameError),
    /// Nothing is wrong with the claim, as far as this side can see.
    #[error("nothing is wrong with what is disputed")]
    NothingWrong,
    /// It is not this side's move.
    #[error("it is the other side's move")]
    NotMyMove,
    /// What was shown so far is needed for this move, and was not looked at.
    #[error("the moves before this one have to be looked at first")]
    NotSeen,
}

/// The steps that a game is about: the first one, counted in the slot.
fn first_step(game: &Game, segment_steps: u32) -> u32 {
    match game.claim {
        super::Claim::Segment(segment) => segment.saturating_mul(segment_steps),
        _ => 0,
    }
}

/// The bytes of words.
fn bytes_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}
