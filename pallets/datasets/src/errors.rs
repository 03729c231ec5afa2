//! Why calls are refused, and how refusals of the protocol are called on chain.

use frame_support::pallet_macros::pallet_section;
use sabha_protocol::datasets::ContentError;

use crate::Error;

/// The pallet's errors.
#[pallet_section]
mod errors {
    #[pallet::error]
    pub enum Error<T> {
        /// There is no such dataset.
        NoSuchDataset,
        /// The dataset takes no claims any more.
        DatasetClosed,
        /// The title is empty, longer than 128 bytes, or no single line of text.
        BadTitle,
        /// The language is no BCP-47 tag. Data without a language is `zxx`.
        BadLanguage,
        /// The licence is no SPDX identifier.
        BadLicence,
        /// The licence is not on the list that the DAO keeps.
        LicenceNotAllowed,
        /// The licence is on the list already, or was not on it.
        LicenceUnchanged,
        /// The list of licences is full.
        TooManyLicences,
        /// A panel has 3 to 15 curators.
        BadPanel,
        /// A rate must not be zero, nor the bytes of a unit.
        BadRate,
        /// An amount must not be zero.
        ZeroAmount,
        /// Less is there that belongs to no dataset yet.
        NotEnoughUnallotted,
        /// There is no such claim, or it is settled.
        NoSuchClaim,
        /// The claim is another account's.
        NotYours,
        /// The claim is not at this stage.
        WrongStage,
        /// The seal is not old enough: whoever copies a claim must not be in time.
        TooEarly,
        /// The time for it is over.
        TooLate,
        /// The seal is that of other shards, another salt, another dataset or another account.
        WrongSeal,
        /// A claim must have at least one shard and one unit.
        NothingClaimed,
        /// A claim has too many shards: divide it.
        TooManyShards,
        /// So many bytes are not in so many shards.
        WrongBytes,
        /// So many bytes are too few for so many units.
        TooManyUnits,
        /// A shard is listed twice, or was claimed before, in this dataset or another.
        DuplicateShard,
        /// A locator is empty, or no printable ASCII.
        BadLocator,
        /// What the dataset's budget has not promised yet does not cover the claim, whose shards are kept for it meanwhile: `donate`,
        /// or wait for other claims to be settled.
        BudgetTooLow,
        /// The account is a curator already.
        AlreadyCurator,
        /// The account is no curator.
        NoSuchCurator,
        /// The stake is below the least one.
        StakeTooLow,
        /// The curator is ready already.
        AlreadyReady,
        /// The curator has no tickets in the draw.
        NotReady,
        /// Only its own account can take a curator that is not absent out of the draw.
        NotAbsent,
        /// The stake cannot leave yet: the time is not over, a seat is not settled, or a set that is kept still has a ticket of it.
        StakeInUse,
        /// The account has no seat on the claim's panel.
        NoSeat,
        /// The vote is sealed already: it stands.
        AlreadySealed,
        /// There is no seal, or the vote was revealed already.
        NotSealed,
        /// A fraction is at most 10,000, a quality at most 100.
        BadVote,
        /// The arbiter has decided about the claim already: its ruling is final.
        RulingIsFinal,
        /// Nothing is due for the claim.
        NothingDue,
        /// Amounts are not where the books have them. A defect: nothing was changed.
        Books,
    }
}

impl<T> From<ContentError> for Error<T> {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Empty => Self::NothingClaimed,
            ContentError::TooManyShards => Self::TooManyShards,
            ContentError::WrongBytes => Self::WrongBytes,
            ContentError::TooManyUnits => Self::TooManyUnits,
            ContentError::TwiceTheSame => Self::DuplicateShard,
        }
    }
}
