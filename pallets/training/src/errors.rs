//! How refusals of the protocol's functions are called on chain.

use sabha_protocol::{
    SpecError,
    economics::EconomicsError,
    round::{ProgressError, RoundError},
};

use crate::Error;

impl<T> From<SpecError> for Error<T> {
    fn from(error: SpecError) -> Self {
        match error {
            SpecError::OutOfRange { .. } | SpecError::AuditedSegments { .. } => Self::SpecOutOfRange,
            SpecError::BadNumber { .. } => Self::SpecBadNumber,
            SpecError::Heads { .. } => Self::SpecHeads,
            SpecError::Segments { .. } => Self::SpecSegments,
            SpecError::TokenWidth { .. } => Self::SpecTokenWidth,
            SpecError::TooFewTokens { .. } => Self::SpecTooFewTokens,
            SpecError::Rates { .. } => Self::SpecRates,
            SpecError::InitialCheckpoint(_) => Self::SpecInitialCheckpoint,
            SpecError::Price => Self::PriceTooLow,
            SpecError::NumericsVersion(_) => Self::SpecNumericsVersion,
            SpecError::Slots(_) => Self::SpecSlots,
            SpecError::Unauditable(_) => Self::SpecUnaudited,
        }
    }
}

impl<T> From<EconomicsError> for Error<T> {
    fn from(error: EconomicsError) -> Self {
        match error {
            EconomicsError::Unaudited { .. } => Self::SpecUnaudited,
            EconomicsError::StakeTooLow { .. } => Self::SlotStakeTooLow,
            EconomicsError::PriceTooHigh(_) => Self::PriceTooHigh,
            EconomicsError::AuditorPrice { .. } => Self::AuditorPriceTooLow,
            EconomicsError::AuditorStake { .. } => Self::AuditorStakeTooLow,
        }
    }
}

impl<T> From<RoundError> for Error<T> {
    fn from(error: RoundError) -> Self {
        match error {
            RoundError::WrongPhase => Self::WrongPhase,
            RoundError::WrongState => Self::WrongState,
            RoundError::NotYours => Self::NotYours,
            RoundError::WrongGeneration => Self::WrongGeneration,
            RoundError::TooLate => Self::TooLate,
            RoundError::Malformed => Self::MalformedOutcome,
            RoundError::OtherSeal => Self::OtherSeal,
            RoundError::WrongLeaves => Self::WrongLeaves,
            RoundError::TooEarly
            | RoundError::WrongReports
            | RoundError::SeatsFirst
            | RoundError::Unchecked => Self::NotDue,
        }
    }
}

impl<T> From<ProgressError> for Error<T> {
    fn from(error: ProgressError) -> Self {
        match error {
            ProgressError::Round(error) => error.into(),
            ProgressError::Escrow => Self::Books,
            ProgressError::Paused
            | ProgressError::NoneLeft
            | ProgressError::Waits
            | ProgressError::NotDrawn
            | ProgressError::TooFewWorkers
            | ProgressError::OutOfOrder => Self::NotDue,
        }
    }
}
