//! What happened, as clients are told.

use frame_support::pallet_macros::pallet_section;

/// The pallet's events.
#[pallet_section]
mod events {
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A dataset was registered.
        DatasetRegistered {
            /// The dataset.
            dataset: DatasetId,
            /// Who registered it.
            owner: T::AccountId,
        },
        /// A dataset takes no claims any more.
        DatasetClosed {
            /// The dataset.
            dataset: DatasetId,
        },
        /// A closed dataset's last claim is settled: what was left of its budget belongs to no dataset again.
        DatasetFinished {
            /// The dataset.
            dataset: DatasetId,
            /// What was left of its budget, in units of 10^-12 SBH.
            returned: Balance,
            /// Whether its record was removed: nothing was ever accepted.
            removed: bool,
        },
        /// A dataset's budget is larger.
        BudgetRaised {
            /// The dataset.
            dataset: DatasetId,
            /// Who paid; none for what Dap had minted.
            donor: Option<T::AccountId>,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// The list of licences was changed.
        LicenceSet {
            /// The licence.
            licence: Licence,
            /// Whether datasets may be under it.
            allowed: bool,
        },
        /// A claim was sealed.
        ClaimCommitted {
            /// The claim.
            claim: ClaimId,
            /// The dataset.
            dataset: DatasetId,
            /// Who claims.
            claimant: T::AccountId,
            /// The last active block for telling what is claimed.
            until: ActiveBlock,
        },
        /// It was told what is claimed. Its panel is to be drawn, unless `ClaimUnfunded` follows.
        ClaimRevealed {
            /// The claim.
            claim: ClaimId,
            /// The root over its shards.
            root: Digest,
            /// Its units.
            units: u64,
            /// Its bytes.
            bytes: u64,
            /// What the claimant has on hold for it, in units of 10^-12 SBH.
            bond: Balance,
        },
        /// A claim was given up, or its content was not told in time, or the budget did not cover it in time. Its shards are free.
        ClaimWithdrawn {
            /// The claim.
            claim: ClaimId,
        },
        /// Curators were drawn.
        PanelDrawn {
            /// The claim.
            claim: ClaimId,
            /// How many panels it had before.
            panel: u8,
            /// The curators.
            curators: Vec<T::AccountId>,
            /// The last active block for seals.
            until: ActiveBlock,
        },
        /// A panel cannot be drawn, or had no quorum: another one is to be drawn.
        PanelFailed {
            /// The claim.
            claim: ClaimId,
            /// How many panels it had before.
            panel: u8,
        },
        /// A curator sealed its vote.
        VoteSealed {
            /// The claim.
            claim: ClaimId,
            /// The curator.
            curator: T::AccountId,
        },
        /// Seals are closed; votes are to be revealed.
        VotesDue {
            /// The claim.
            claim: ClaimId,
            /// The last active block for them.
            until: ActiveBlock,
        },
        /// A curator revealed its vote.
        VoteRevealed {
            /// The claim.
            claim: ClaimId,
            /// The curator.
            curator: T::AccountId,
            /// The vote.
            vote: Vote,
        },
        /// A claim is decided, for as long as nobody appeals.
        ClaimJudged {
            /// The claim.
            claim: ClaimId,
            /// What was decided.
            ruling: Ruling,
            /// The last active block for an appeal.
            until: ActiveBlock,
        },
        /// Somebody appealed.
        ClaimAppealed {
            /// The claim.
            claim: ClaimId,
            /// Who did.
            appellant: T::AccountId,
            /// The last active block for the arbiter.
            until: ActiveBlock,
        },
        /// The arbiter decided.
        ClaimArbitrated {
            /// The claim.
            claim: ClaimId,
            /// What was decided.
            ruling: Ruling,
        },
        /// An appeal is over.
        AppealEnded {
            /// The claim.
            claim: ClaimId,
            /// Who had appealed.
            appellant: T::AccountId,
            /// Whether it was right: the bond is released, or lost.
            upheld: bool,
        },
        /// A claim was accepted, paid, and has its shares.
        ClaimAccepted {
            /// The claim.
            claim: ClaimId,
            /// The dataset.
            dataset: DatasetId,
            /// The claimant.
            claimant: T::AccountId,
            /// The root over its shards.
            root: Digest,
            /// Units that were accepted.
            units: u64,
            /// How good they are.
            quality: u8,
            /// What was paid, with what is given back of the fee, in units of 10^-12 SBH.
            paid: Balance,
        },
        /// A claim was rejected as false, and its bond is lost.
        ClaimRejected {
            /// The claim.
            claim: ClaimId,
            /// The claimant.
            claimant: T::AccountId,
        },
        /// No panel judged a claim: nothing is paid, nothing lost. Its shards are free.
        ClaimLapsed {
            /// The claim.
            claim: ClaimId,
        },
        /// Something on hold was slashed.
        Slashed {
            /// Whose it was.
            who: T::AccountId,
            /// What was burnt, in units of 10^-12 SBH.
            burnt: Balance,
            /// What went into the pot, in units of 10^-12 SBH.
            kept: Balance,
        },
        /// An account is a curator, and in the draw.
        CuratorRegistered {
            /// The curator.
            curator: T::AccountId,
            /// What it put on hold, in units of 10^-12 SBH.
            stake: Balance,
        },
        /// A curator put more on hold.
        CuratorStakeAdded {
            /// The curator.
            curator: T::AccountId,
            /// What it has on hold, in units of 10^-12 SBH.
            stake: Balance,
        },
        /// A curator is in the draw again.
        CuratorReady {
            /// The curator.
            curator: T::AccountId,
        },
        /// A curator was silent, or has less than the least stake after a slash: it is drawn no more.
        CuratorAbsent {
            /// The curator.
            curator: T::AccountId,
        },
        /// A curator has no tickets in the draw any more.
        CuratorDrained {
            /// The curator.
            curator: T::AccountId,
        },
        /// A curator has its stake back, and is none any more.
        CuratorWithdrawn {
            /// Who it was.
            curator: T::AccountId,
            /// What was released, in units of 10^-12 SBH.
            stake: Balance,
        },
        /// A claim's content is told, but the budget does not cover it. Its shards are kept for it, and anybody can poke it once the budget
        /// does.
        ClaimUnfunded {
            /// The claim.
            claim: ClaimId,
            /// The last active block for it.
            until: ActiveBlock,
        },
        /// The budget covers a claim now that it did not cover before: its panel is to be drawn.
        ClaimFunded {
            /// The claim.
            claim: ClaimId,
        },
        /// A claim that no panel judged is to have other panels, as its claimant wished.
        ClaimRedrawn {
            /// The claim.
            claim: ClaimId,
        },
    }
}
