//! # Disputes
//!
//! Games in which the chain finds out whose result is wrong, down to one element of one instruction, which it evaluates itself. The game
//! is in `sabha_protocol::dispute`, as pure functions; here are its storage, its clocks, the bonds, and the calls. What is disputed is in
//! the records of `pallet-sabha-training`, which slashes whoever is convicted.
//!
//! ## Glossary
//!
//! - **Target**: a slot, or a round's aggregation; it makes **claims** (`Claim`): that its first state is what the checkpoint makes, that
//!   each segment follows from the one before, that the update is that of the last state, and so on.
//! - **Challenge**: anybody's doubt of one claim, under a bond ([`Config::Bond`]).
//! - **Disagreement**: a drawn auditor's answer that differs from the slot's own. It is a game from that moment on; the auditor risks the
//!   stake that it reserved for its seat, and names the claim that is wrong.
//! - **Position**: names the game and all moves so far. A move for another position is refused: so is one that is sent twice, or for a
//!   branch of the chain that is no more.
//!
//! ## A game
//!
//! ```text
//!  challenge ───────────────────────────► Playing ──┬── judge: an element is wrong, or right ──► decided
//!  (anybody, with a bond)                  ▲   │     └── time_out: no time left ───────────────► decided
//!  an auditor's answer ──► Naming ─────────┘   └─────────── close: found at fault otherwise ───► closed
//!  differs                  name_claim
//! ```
//!
//! The challenger asks by `press`, the defender shows by `answer`. An honest defender cannot lose, a liar cannot win against who
//! executes the program. Games about one target run side by side: the first that convicts it overtakes the others.
//!
//! ## Clocks
//!
//! Each side has one clock a game, in active blocks: the chain's chess clock ([`pallet_sabha_training::Config::ChessClock`]), less if the
//! run's `clocks.dispute` leaves less. Both together end [`pallet_sabha_training::Config::Availability`] blocks before what the game is
//! about lapses. Whose time is up has lost; anybody may say so with `time_out`, and the hook looks at some games a block and says so too.
//!
//! ## Money
//!
//! | loser | of a challenge | of a disagreement |
//! |---|---|---|
//! | challenger | half of the bond is burnt, half paid to the defender's payout account | the auditor's stake is slashed |
//! | defender | convicted: its stake is slashed, the bond released | convicted: its stake is slashed |
//! | none, overtaken | the bond is released | nothing |
//!
//! Bonds are on hold in the account that signed the challenge ([`HoldReason::Challenge`]); a slash takes them whatever else is locked.
//! So a hot key may challenge with money of its own, and never with its owner's. Moves are accepted from the account itself, and from
//! the hot key of the worker that it owns.
//!
//! ## Streams
//!
//! A run of bytes trains on its sources, one after another, as their manifests say; that is its owner's claim, not a worker's, and needs no
//! game: whoever has both shows one byte that differs, below the stream's digest and below the manifest's root ([`Pallet::refute_stream`],
//! `sabha_protocol::dispute::stream`). The run is stopped as by `training.stop_run`. Nobody is slashed: workers did what the specification says.
//! Those whose rounds are at work are paid for what they committed, out of the escrow, and its owner gets the rest of it back.
//!
//! ## Scenarios
//!
//! **A cheat.** Dina's worker poisoned one step of forty. Emeka trained the same slot for himself, sees that leaf 3 differs, and challenges
//! segment 2 with 10 SBH on hold. Dina's worker posts the states between; Emeka's asks, finds that the seventh step is the first that is wrong,
//! names it; Dina's posts the outputs of that step; Emeka's finds the first buffer, chunk and element that are wrong, opens what it is made of,
//! and the chain evaluates it. Dina is convicted of segment 2; Emeka has his bond back, and his part of her stake.
//!
//! **A griefer.** Frank challenges an honest slot. Its worker answers, Frank finds nothing, and his clock runs out. Of his 10 SBH 5 are burnt
//! and 5 go to the worker. The round was final later by as much as Frank's clock.
//!
//! **Other data.** Gita's run names the manifest of a dataset of textbooks, and its stream has advertisements in it. Hari has the dataset; his
//! worker compares the two, finds the first byte that differs, and shows the chunk of 1 KiB around it on either side. The run is stopped in
//! that block.
//!
//! ## Limitations
//!
//! - A tokenised stream cannot be refuted, nor one whose sources are not accepted data up to where it is false. How long a source is rests
//!   on those who accepted it.
//! - Who creates a run with a false stream can have it refuted when it likes, and so stop a run that is at work; a slot that is assigned and not
//!   committed then pays nothing.
//! - Two sides that are one can let their game lapse only together with the run's clock; who answers for the slot is not paid then.
//! - Each move walks through the program that is disputed; a specification whose programs are longer than what is charged for
//!   (`limits::INSTRUCTIONS`) is refused when its run is created.
//! - Who would keep others from challenging can only make it dearer for them: with `n` challenges open, the next one puts `n + 1` bonds on
//!   hold, and each that is lost burns half of its own.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod end;
mod errors;
mod events;
mod facts;
#[cfg(test)]
mod mock;
mod open;
mod play;
#[cfg(any(test, feature = "runtime-benchmarks"))]
mod proofs;
mod stream;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use pallet::*;
pub use sabha_protocol::dispute::record::{Dispute, GameId, Phase as Stage, Risk, Shown, Target};
pub use weights::WeightInfo;

use frame_support::pallet_macros::import_section;

#[import_section(errors::errors)]
#[import_section(events::events)]
#[frame_support::pallet]
pub mod pallet {
    use alloc::{boxed::Box, vec::Vec};

    use frame_support::{pallet_prelude::*, weights::WeightMeter};
    use frame_system::pallet_prelude::*;
    use sabha_protocol::{
        ActiveBlock, Balance, Digest, RoundKey, RunId, SlotIndex,
        datasets::Sources,
        dispute::{Answer, Claim, Judgement, Move, Side, stream::StreamEvidence},
    };

    use crate::{Dispute, GameId, Shown, Target, WeightInfo};

    /// Games that the hook looks at in a block, at most.
    const SWEEPS: u32 = 16;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// A dispute on this chain.
    pub type DisputeOf<T> = Dispute<<T as frame_system::Config>::AccountId>;

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config:
        frame_system::Config<RuntimeEvent: From<Event<Self>>>
        + pallet_sabha_training::Config<RuntimeHoldReason: From<HoldReason>>
    {
        /// What the first challenger of a target puts on hold, in units of 10^-12 SBH; see [`Pallet::bond`]. At least the existential
        /// deposit, so that half of it can be paid.
        #[pallet::constant]
        type Bond: Get<Balance>;

        /// The most challenges of one target that are open at a time. Not zero.
        #[pallet::constant]
        type MaxChallenges: Get<u16>;

        /// Where the data that runs are made of is registered.
        type Sources: Sources;

        /// Weights of this pallet's calls and hook.
        type WeightInfo: WeightInfo;

        /// What benchmarks need from the runtime.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: crate::BenchmarkHelper;
    }

    /// Why this pallet holds tokens.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The bond of a challenge, which is lost if the claim cannot be shown to be wrong.
        #[codec(index = 0)]
        Challenge,
    }

    /// The games that are not over.
    #[pallet::storage]
    pub type Games<T: Config> = StorageMap<_, Twox64Concat, GameId, DisputeOf<T>>;

    /// What the defender of a game showed last: what the challenger has to see before it can go on.
    #[pallet::storage]
    pub type LastShown<T: Config> = StorageMap<_, Twox64Concat, GameId, Shown>;

    /// The number of the next game.
    #[pallet::storage]
    pub type NextGame<T: Config> = StorageValue<_, GameId, ValueQuery>;

    /// The game that the hook looked at last.
    #[pallet::storage]
    pub type Swept<T: Config> = StorageValue<_, GameId, ValueQuery>;

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_poll(_now: BlockNumberFor<T>, weight: &mut WeightMeter) {
            for _ in 0..SWEEPS {
                if weight.try_consume(<T as Config>::WeightInfo::sweep()).is_err() || !Self::sweep() {
                    break;
                }
            }
        }

        fn integrity_test() {
            assert!(T::MaxChallenges::get() > 0, "a challenge must be possible");
            assert!(T::Bond::get() > 0, "a false challenge must cost something");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Challenge a claim of a slot, or of a round's aggregation.
        ///
        /// The origin must be signed, by anyone but the owner of the worker that made the claim. Free if it is accepted. A bond (`Bond`, and
        /// as much again for each open challenge of the target; before the seals of a slot's audit are closed, at least what its round's
        /// auditors earn) is put on hold in the account that signs; it is released if the claim is found wrong, and lost if not.
        ///
        /// - `run`, `round`: the attempt at a round. Its window must not be over.
        /// - `target`: the slot, with its generation, or the aggregation.
        /// - `claim`: the claim that is wrong.
        ///
        /// Emits `Challenged`.
        #[pallet::call_index(0)]
        #[pallet::weight((<T as Config>::WeightInfo::challenge(), DispatchClass::Operational))]
        pub fn challenge(
            origin: OriginFor<T>,
            run: RunId,
            round: RoundKey,
            target: Target,
            claim: Claim,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_challenge(who, run, round, target, claim)?;
            Ok(Pays::No.into())
        }

        /// Name the claim that is wrong, as the auditor whose answer differed.
        ///
        /// The origin must be signed by the hot key or owner of the auditor. Free if it is accepted. The auditor's clock runs since it
        /// revealed its answer; if it names nothing in time, it has lost.
        ///
        /// - `game`: the game that its answer opened.
        /// - `claim`: the claim.
        ///
        /// Emits `ClaimNamed`.
        #[pallet::call_index(1)]
        #[pallet::weight((
            // Of a divergence, a step's program is built.
            <T as Config>::WeightInfo::name_claim().saturating_add(<T as Config>::WeightInfo::press()),
            DispatchClass::Operational,
        ))]
        pub fn name_claim(origin: OriginFor<T>, game: GameId, claim: Claim) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_name_claim(&who, game, claim)?;
            Ok(Pays::No.into())
        }

        /// Show what the challenger asked for, as the defender.
        ///
        /// The origin must be signed by the hot key or owner of the worker that made the claim. Free if it is accepted.
        ///
        /// - `game`: the game.
        /// - `position`: the position that is answered.
        /// - `answer`: what is shown.
        ///
        /// Emits `Moved`.
        #[pallet::call_index(2)]
        #[pallet::weight((<T as Config>::WeightInfo::answer(), DispatchClass::Operational))]
        pub fn answer(
            origin: OriginFor<T>,
            game: GameId,
            position: Digest,
            answer: Box<Answer>,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_answer(&who, game, &position, &answer)?;
            Ok(Pays::No.into())
        }

        /// Ask for something, or name what is wrong, as the challenger.
        ///
        /// The origin must be signed by the challenger, or by the hot key of the worker that it owns. Free if it is accepted.
        ///
        /// - `game`: the game.
        /// - `position`: the position that the move is for.
        /// - `made`: the move; a judgement is made by `judge`.
        ///
        /// Emits `Moved`, and `Decided` if that ends the game.
        #[pallet::call_index(3)]
        #[pallet::weight((<T as Config>::WeightInfo::press(), DispatchClass::Operational))]
        pub fn press(
            origin: OriginFor<T>,
            game: GameId,
            position: Digest,
            made: Box<Move>,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            ensure!(!matches!(*made, Move::Judge(_)), Error::<T>::UseJudge);
            Self::do_press(&who, game, &position, &made)?;
            Ok(Pays::No.into())
        }

        /// Have one element evaluated, as the challenger: whoever is wrong about it has lost.
        ///
        /// The origin must be signed by the challenger, or by the hot key of the worker that it owns. Free if it is accepted.
        ///
        /// - `game`: the game.
        /// - `position`: the position that the move is for.
        /// - `judgement`: the element, and everything that it is made of.
        ///
        /// Emits `Moved` and `Decided`.
        #[pallet::call_index(4)]
        #[pallet::weight((
            // An element is at its worst in a step, the program that it is found in as that of any other move.
            <T as Config>::WeightInfo::judge().saturating_add(<T as Config>::WeightInfo::press()),
            DispatchClass::Operational,
        ))]
        pub fn judge(
            origin: OriginFor<T>,
            game: GameId,
            position: Digest,
            judgement: Box<Judgement>,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_press(&who, game, &position, &Move::Judge(*judgement))?;
            Ok(Pays::No.into())
        }

        /// End a game in which a side has no time left: that side has lost.
        ///
        /// The origin must be signed, by anyone. Free if it is accepted.
        ///
        /// - `game`: the game.
        ///
        /// Emits `Decided`.
        #[pallet::call_index(5)]
        #[pallet::weight((<T as Config>::WeightInfo::time_out(), DispatchClass::Operational))]
        pub fn time_out(origin: OriginFor<T>, game: GameId) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_time_out(game)?;
            Ok(Pays::No.into())
        }

        /// End a game that was overtaken: what it is about was found at fault otherwise, or lapsed. Nobody loses it.
        ///
        /// The origin must be signed, by anyone. Free if it is accepted.
        ///
        /// - `game`: the game.
        ///
        /// Emits `Closed`, and `BondReleased` if there is a bond.
        #[pallet::call_index(6)]
        #[pallet::weight((<T as Config>::WeightInfo::close(), DispatchClass::Operational))]
        pub fn close(origin: OriginFor<T>, game: GameId) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_close(game)?;
            Ok(Pays::No.into())
        }

        /// Show that a run's stream is not what the manifests of its sources say: the run is stopped.
        ///
        /// The origin must be signed, by anyone. Free if it is accepted. The run must be open, its stream one of bytes. It is stopped as by
        /// `training.stop_run`: what is committed is checked and paid, the rest of the budget is returned; nobody is slashed.
        ///
        /// - `run`: the run.
        /// - `evidence`: a byte of the stream that is not its source's, with the chunk around it on either side; or that the sources have not as
        ///   many bytes as the stream; or that the stream has not as many as the specification says. The source, and those before it, or
        ///   for their sum all, must be accepted data.
        ///
        /// Emits `StreamRefuted`.
        #[pallet::call_index(7)]
        #[pallet::weight((<T as Config>::WeightInfo::refute_stream(), DispatchClass::Operational))]
        pub fn refute_stream(
            origin: OriginFor<T>,
            run: RunId,
            evidence: Box<StreamEvidence>,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_refute_stream(who, run, &evidence)?;
            Ok(Pays::No.into())
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The games in which `who` can move, as the account of a side or as the hot key of a worker that it owns, in order.
        pub fn games_of(who: T::AccountId) -> Vec<(GameId, DisputeOf<T>)> {
            let mine = |(_, dispute): &(GameId, DisputeOf<T>)| {
                Self::speaks_for(&who, &dispute.challenger) || Self::speaks_for(&who, &dispute.defender)
            };
            let mut games: Vec<_> = Games::<T>::iter().filter(mine).collect();
            games.sort_by_key(|(game, _)| *game);
            games
        }

        /// What a challenge of a target puts on hold, in units of 10^-12 SBH; `None` if it makes no claim.
        pub fn bond(run: RunId, round: RoundKey, target: Target) -> Option<Balance> {
            crate::facts::Known::<T>::of(run, round, target).ok().map(|known| known.bond())
        }

        /// Whose move it is in a game, and the last active block for it; `None` if there is no such game, or it was overtaken.
        pub fn turn(game: GameId) -> Option<(Side, ActiveBlock)> {
            let dispute = Games::<T>::get(game).filter(Self::stands)?;
            Some((dispute.turn(), dispute.until()))
        }

        /// Whether a game was overtaken, and can be closed.
        pub fn is_overtaken(game: GameId) -> bool {
            Games::<T>::get(game).is_some_and(|dispute| !Self::stands(&dispute))
        }
    }
}
