//! Why calls are refused, and how refusals of the game are called on chain.

use frame_support::pallet_macros::pallet_section;
use sabha_protocol::dispute::{GameError, stream::StreamError};

use crate::Error;

/// The pallet's errors.
#[pallet_section]
mod errors {
    #[pallet::error]
    pub enum Error<T> {
        /// There is no such game, or it is over.
        NoSuchGame,
        /// There is no such run, or it is over.
        NoSuchRun,
        /// There is no such attempt at a round, or it is settled.
        NoSuchRound,
        /// There is no such slot, or it is settled.
        NoSuchSlot,
        /// The slot was assigned anew: the challenge is of another generation.
        WrongGeneration,
        /// Nothing is claimed yet: the slot is not committed, or the next checkpoint is not posted.
        NothingClaimed,
        /// Nobody can challenge itself.
        OwnClaim,
        /// As many challenges of it as can be are open.
        TooManyChallenges,
        /// The claim is not one of what is disputed.
        NoSuchClaim,
        /// Results of this numerics version differ between machines, so nobody can judge them.
        NotExact,
        /// The claim is named already.
        AlreadyNamed,
        /// The auditor has not named the claim yet.
        NotNamed,
        /// It is another account's move.
        NotYours,
        /// It is the other side's move.
        NotYourMove,
        /// The game has moved on: the move was made for another position.
        OtherPosition,
        /// The clock of this side has run out.
        OutOfTime,
        /// The side whose move it is has time left.
        TimeLeft,
        /// This is no move for this stage of the game.
        WrongMove,
        /// A judgement is made by `judge`.
        UseJudge,
        /// There is no such node, step, instruction or element.
        NoSuchElement,
        /// What is shown does not come to the root or digest that is bound, or is not as long as it must be.
        BadProof,
        /// A word that the element reads was not opened.
        NotOpened,
        /// The challenger has asked as often as it may: it has to name what is wrong.
        TooManyQuestions,
        /// What the game is about was decided otherwise: it can only be closed.
        Overtaken,
        /// The game goes on: it cannot be closed.
        NotOvertaken,
        /// A bond is not where the books have it. A defect: nothing was changed.
        Books,
        /// Only a stream of bytes follows from its sources: a tokenised one is judged by curators.
        Tokenised,
        /// The specification names no sources: it does not say what the stream is made of.
        NoSources,
        /// The specification has no source at this place.
        NoSuchSource,
        /// A source is not accepted data, so the chain does not know how long it is. Claim it for a dataset, or show a byte of a
        /// source before it.
        SourceNotAccepted,
        /// The shard, the source or the stream has no such byte.
        NoSuchByte,
        /// Nothing differs: that is no contradiction.
        NoContradiction,
    }
}

impl<T> From<GameError> for Error<T> {
    fn from(error: GameError) -> Self {
        match error {
            GameError::NoSuchClaim => Self::NoSuchClaim,
            GameError::NotExact => Self::NotExact,
            GameError::NotYourMove => Self::NotYourMove,
            GameError::OtherPosition => Self::OtherPosition,
            GameError::TooLate => Self::OutOfTime,
            GameError::WrongMove => Self::WrongMove,
            GameError::NoSuchElement => Self::NoSuchElement,
            GameError::BadProof => Self::BadProof,
            GameError::NotOpened { .. } => Self::NotOpened,
            GameError::TooManyQuestions => Self::TooManyQuestions,
        }
    }
}

impl<T> From<StreamError> for Error<T> {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Tokenised(_) => Self::Tokenised,
            StreamError::NoSources => Self::NoSources,
            StreamError::NoSuchSource { .. } => Self::NoSuchSource,
            StreamError::NotAccepted { .. } => Self::SourceNotAccepted,
            StreamError::NoSuchByte(_) => Self::NoSuchByte,
            StreamError::OtherShard | StreamError::OtherBytes(_) => Self::BadProof,
            StreamError::Agrees => Self::NoContradiction,
        }
    }
}
