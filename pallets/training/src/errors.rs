//! Why calls are refused, and how refusals of the protocol's functions are called on chain.

use frame_support::pallet_macros::pallet_section;
use sabha_protocol::{
    SpecError,
    economics::EconomicsError,
    round::{ProgressError, RoundError},
};

use crate::Error;

/// The pallet's errors.
#[pallet_section]
mod errors {
    #[pallet::error]
    pub enum Error<T> {
        /// The account owns a worker already.
        AlreadyRegistered,
        /// The account is the hot key of another owner's worker.
        OwnerIsHotKey,
        /// The hot key speaks for another worker, or owns one.
        HotKeyTaken,
        /// The worker would train no slot.
        NoCapacity,
        /// The endpoint is not printable ASCII.
        BadEndpoint,
        /// The stake is below the least one.
        StakeTooLow,
        /// The account neither owns a worker nor is the hot key of one.
        NoSuchWorker,
        /// Nothing was given that should change.
        NothingToChange,
        /// The amount is zero.
        ZeroAmount,
        /// The worker is ready already.
        AlreadyReady,
        /// The worker is not ready.
        NotReady,
        /// The worker waits for its stake.
        Unbonding,
        /// The worker has not asked for its stake.
        NotUnbonding,
        /// The unbonding time has not passed.
        UnbondingNotOver,
        /// The worker is jailed.
        Jailed,
        /// The worker answers for something that is not settled.
        StakeInUse,
        /// The worker may still be drawn from a set that was frozen while it had tickets.
        StillDrawn,
        /// A whole number of the specification is out of its range.
        SpecOutOfRange,
        /// A real number of the specification is not finite, or out of its range.
        SpecBadNumber,
        /// The heads do not divide the width into heads of an even width.
        SpecHeads,
        /// The segments do not divide the slot.
        SpecSegments,
        /// Tokens of this width cannot index the vocabulary.
        SpecTokenWidth,
        /// The stream has too few tokens.
        SpecTooFewTokens,
        /// The floor of the learning rate is above its peak.
        SpecRates,
        /// The specification names a checkpoint to start from, which no worker can fetch yet.
        SpecInitialCheckpoint,
        /// This release does not know the numerics version.
        SpecNumericsVersion,
        /// Rounds of several slots need exact numerics.
        SpecSlots,
        /// Nobody would check the results: there are no auditors, no audited segments, or the numerics cannot be checked.
        SpecUnaudited,
        /// What a slot reserves is too little for its price and its audits: faking it would pay.
        SlotStakeTooLow,
        /// No stake makes faking a slot of this price dear.
        PriceTooHigh,
        /// An auditor is paid less than what it has to execute.
        AuditorPriceTooLow,
        /// Silence would cost an auditor less than a challenge that it lost.
        AuditorStakeTooLow,
        /// An auditor would risk more than the worker that it audits.
        AuditorStakeTooHigh,
        /// The price of a slot is below the existential deposit.
        PriceTooLow,
        /// The training clock is shorter than the chain's least.
        TrainingTooShort,
        /// The window is shorter than the chain's.
        WindowTooShort,
        /// A clock of attesters, aggregators, auditors or disputes is shorter than the chain's least.
        ClockTooShort,
        /// A clock is longer than the longest: stakes would be tied for too long.
        ClockTooLong,
        /// The budget does not pay for every round and for those that one void can waste.
        BudgetTooLow,
        /// As many runs as possible are open.
        TooManyRuns,
        /// There is no such run, or it is over.
        NoSuchRun,
        /// The run was stopped or is over.
        RunClosed,
        /// The run has an open round and is not paused: its owner cannot stop it. Wait until its rounds are final, or ask the
        /// ComputeAllocator track.
        RunAtWork,
        /// The run is paused already.
        AlreadyPaused,
        /// The run is not paused.
        NotPaused,
        /// The run's rounds were voided too often: it can only be stopped.
        RunExhausted,
        /// Nothing is due for the run.
        NothingDue,
        /// There is no such attempt at a round, or it is settled.
        NoSuchRound,
        /// There is no such slot, or it is settled.
        NoSuchSlot,
        /// Nobody was drawn for this place, or it is settled.
        NoSuchPlace,
        /// The round is in another phase.
        WrongPhase,
        /// This was done already, or cannot be done yet.
        WrongState,
        /// Another worker was drawn for it.
        NotYours,
        /// The slot was assigned anew: this belongs to an earlier generation.
        WrongGeneration,
        /// The deadline has passed.
        TooLate,
        /// It is not time yet.
        NotDue,
        /// The loss is not finite, or the diverged step does not exist.
        MalformedOutcome,
        /// Answer, salt and account are not what was sealed.
        OtherSeal,
        /// The leaves are not those that the commitment binds.
        WrongLeaves,
        /// Money or stake is not where the books have it. A defect: nothing was changed.
        Books,
        /// A step has too many tokens, or a program of the run too many instructions: the chain could not settle a dispute about it.
        SpecTooLong,
    }
}

impl<T> From<SpecError> for Error<T> {
    fn from(error: SpecError) -> Self {
        match error {
            SpecError::OutOfRange { .. } | SpecError::AuditedSegments { .. } | SpecError::TooLarge { .. } => {
                Self::SpecOutOfRange
            }
            SpecError::TooManyTokens { .. }
            | SpecError::LongStep { .. }
            | SpecError::LongAggregation { .. } => Self::SpecTooLong,
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
            EconomicsError::Unattested { .. } => Self::SpecOutOfRange,
            EconomicsError::StakeTooLow { .. } => Self::SlotStakeTooLow,
            EconomicsError::PriceTooHigh(_) => Self::PriceTooHigh,
            EconomicsError::AuditorPrice { .. } => Self::AuditorPriceTooLow,
            EconomicsError::AuditorStake { .. } => Self::AuditorStakeTooLow,
            EconomicsError::AuditorStakeTooHigh { .. } => Self::AuditorStakeTooHigh,
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
