//! What happened, as clients are told.

use frame_support::pallet_macros::pallet_section;

/// The pallet's events.
#[pallet_section]
mod events {
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A claim was challenged.
        Challenged {
            /// The game.
            game: GameId,
            /// The run.
            run: RunId,
            /// The attempt at a round.
            round: RoundKey,
            /// Whose claim.
            target: Target,
            /// The claim.
            claim: Claim,
            /// Who doubts it.
            challenger: T::AccountId,
            /// The owner of the worker that made it.
            defender: T::AccountId,
            /// What the challenger put on hold, in units of 10^-12 SBH.
            bond: Balance,
        },
        /// A drawn auditor answered otherwise than a slot's worker: it is to name the claim that is wrong.
        Disagreed {
            /// The game.
            game: GameId,
            /// The run.
            run: RunId,
            /// The attempt at a round.
            round: RoundKey,
            /// The slot.
            slot: SlotIndex,
            /// The auditor's seat.
            place: u16,
            /// The auditor's owner.
            challenger: T::AccountId,
            /// The owner of the slot's worker.
            defender: T::AccountId,
            /// The last active block for naming the claim.
            until: ActiveBlock,
        },
        /// An auditor named the claim that is wrong.
        ClaimNamed {
            /// The game.
            game: GameId,
            /// The claim.
            claim: Claim,
        },
        /// A side has moved.
        Moved {
            /// The game.
            game: GameId,
            /// Which side.
            side: Side,
            /// The position that the next move is for.
            position: Digest,
            /// The last active block for the next move.
            until: ActiveBlock,
        },
        /// A game is decided.
        Decided {
            /// The game.
            game: GameId,
            /// The run.
            run: RunId,
            /// The attempt at a round.
            round: RoundKey,
            /// Whose claims it was about.
            target: Target,
            /// Who has lost.
            loser: Side,
            /// Whether its time had run out.
            timed_out: bool,
        },
        /// A bond was released: its challenger was right, or the game was overtaken.
        BondReleased {
            /// The game.
            game: GameId,
            /// The challenger.
            challenger: T::AccountId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// A bond was slashed: its challenger was wrong, or silent.
        BondSlashed {
            /// The game.
            game: GameId,
            /// The challenger.
            challenger: T::AccountId,
            /// How much of it was burnt, in units of 10^-12 SBH.
            burnt: Balance,
            /// How much of it the defender's payout account got, in units of 10^-12 SBH.
            paid: Balance,
        },
        /// What a game was about was decided otherwise: it ended without a loser.
        Closed {
            /// The game.
            game: GameId,
        },
        /// A run's stream was shown to be false: it is not what the manifests of its sources say. The run is stopped.
        StreamRefuted {
            /// The run.
            run: RunId,
            /// Who showed it.
            who: T::AccountId,
            /// The source, by its place in the specification, of which a byte is another one; none if it is the length that is.
            source: Option<u16>,
        },
    }
}
