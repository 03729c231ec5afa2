//! What happened, as clients are told.

use frame_support::pallet_macros::pallet_section;

/// The pallet's events.
#[pallet_section]
mod events {
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A run was proposed.
        Proposed {
            /// The proposal, and the run that it may become.
            run: RunId,
            /// Who proposed it.
            proposer: T::AccountId,
            /// Binds the specification.
            spec_hash: Digest,
            /// What must be given, in units of 10^-12 SBH.
            goal: Balance,
            /// The last active block for pledges.
            until: ActiveBlock,
        },
        /// Somebody pledged.
        Pledged {
            /// The proposal.
            run: RunId,
            /// The backer.
            backer: T::AccountId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
            /// Whether it counts for the matching pot.
            counted: bool,
        },
        /// A backer took a pledge back, or part of it.
        Withdrawn {
            /// The proposal.
            run: RunId,
            /// The backer.
            backer: T::AccountId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// The DAO gave of the matching pot.
        Granted {
            /// The proposal.
            run: RunId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// A proposal takes no pledges: its accounts are counted.
        Closed {
            /// The proposal.
            run: RunId,
            /// How many accounts are to be looked at.
            accounts: u32,
        },
        /// Accounts were looked at once more.
        CountedAgain {
            /// The proposal.
            run: RunId,
            /// How many count no more.
            dropped: u32,
            /// How many are still to be looked at.
            left: u32,
        },
        /// The goal is met: the run exists.
        Started {
            /// The run.
            run: RunId,
            /// Its budget, in units of 10^-12 SBH.
            budget: Balance,
            /// What of it quadratic funding gave, in units of 10^-12 SBH.
            matched: Balance,
        },
        /// A proposal takes pledges again, or at least lets them be withdrawn: its goal is missed with time left, or there are too many runs.
        Reopened {
            /// The proposal.
            run: RunId,
        },
        /// A proposal came to nothing. Its backers can be refunded.
        Failed {
            /// The proposal.
            run: RunId,
            /// Why.
            reason: Failure,
        },
        /// A run is over. Its backers can be refunded.
        Ended {
            /// The run.
            run: RunId,
            /// Whether all its rounds are final.
            completed: bool,
            /// What it gave back, in units of 10^-12 SBH.
            returned: Balance,
            /// What of it went to the matching pot, in units of 10^-12 SBH.
            restored: Balance,
        },
        /// A backer was paid back.
        Refunded {
            /// The proposal.
            run: RunId,
            /// The backer.
            backer: T::AccountId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// A proposal was removed, and its deposit returned.
        Removed {
            /// The proposal.
            run: RunId,
        },
        /// A run has a share of capacity, or none any more.
        ShareSet {
            /// The run.
            run: RunId,
            /// Its share.
            share: Perbill,
        },
        /// The matching pot is split otherwise.
        MatchingSet {
            /// How.
            terms: MatchingTerms,
        },
    }
}
