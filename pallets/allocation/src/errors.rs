//! Why calls are refused.

use frame_support::pallet_macros::pallet_section;
use sabha_protocol::allocation::CampaignError;

use crate::Error;

/// The pallet's errors.
#[pallet_section]
mod errors {
    #[pallet::error]
    pub enum Error<T> {
        /// The title is empty, or not printable ASCII.
        BadTitle,
        /// The goal does not pay for every round and for those that one void can waste.
        GoalTooLow,
        /// The time for pledges is zero, or longer than the longest.
        BadDuration,
        /// There is no such model, or it is deprecated, so no run can begin from it.
        NoSuchParent,
        /// The specification's initial checkpoint is not the parent's, or there is one without a parent.
        OtherCheckpoint,
        /// The model has another shape than its parent.
        OtherShape,
        /// The parent's licence asks for the same licence.
        LicenceNotKept,
        /// There is no such proposal.
        NoSuchProposal,
        /// The account has no pledge to the proposal.
        NotABacker,
        /// The account did not propose it.
        NotTheProposer,
        /// The proposal is at another stage.
        WrongStage,
        /// The time for pledges is over.
        TooLate,
        /// The goal is not in reach, and pledges are still taken.
        NotDue,
        /// The amount is zero.
        ZeroAmount,
        /// The pledge is smaller than that.
        PledgeTooSmall,
        /// A pledge must be nothing, or the least one and more.
        BelowLeastPledge,
        /// The matching pot does not hold that.
        PotTooSmall,
        /// No proposal can have more than the pot.
        MoreThanThePot,
        /// The run is not going on.
        NotRunning,
        /// A round of it is open, or it waits for its turn, or did not long ago.
        NotIdle,
        /// All shares together would be more than can be shared.
        TooMuchShared,
        /// Backers are to be refunded first.
        NotRefunded,
        /// The run was completed: register its model first.
        NotRegistered,
        /// Sums are not where the books have them. A defect: nothing was changed.
        Books,
    }
}

impl<T> From<CampaignError> for Error<T> {
    fn from(error: CampaignError) -> Self {
        match error {
            CampaignError::WrongStage => Self::WrongStage,
            CampaignError::TooLate => Self::TooLate,
            CampaignError::NotDue => Self::NotDue,
            CampaignError::Zero => Self::ZeroAmount,
            CampaignError::TooMuch => Self::PledgeTooSmall,
            CampaignError::Count | CampaignError::Overflow => Self::Books,
        }
    }
}
