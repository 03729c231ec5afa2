//! # Training
//!
//! Workers put a stake on hold and are drawn: to train slots, to attest that updates can be fetched, to aggregate, to audit. Runs
//! pay them. This pallet is the chain's side of the protocol: the state machine is in `sabha-protocol`, as pure functions; here are
//! the storage that it works on, the money and the stakes that its effects move, and the calls.
//!
//! ## Glossary
//!
//! - **Worker**: an owner's account with a stake on hold, and a **hot key** that speaks for it day by day, so that the owner's
//!   key can stay offline. The hot key cannot touch money.
//! - **Ticket**: [`Config::MinStake`] of a ready worker's stake. Draws take tickets, so by stake.
//! - **Run**: a specification (`RunSpec`), immutable, and a budget that the pallet's **pot** holds in **escrow**.
//! - **Round, attempt, slot**: a run is a sequence of rounds; a round has slots, each trained by one worker from the round's
//!   checkpoint. A round that is voided is run again, as the next attempt (`RoundKey`).
//! - **Generation**: how often a slot was given out before. **Seat**: an auditor's place in a round.
//! - **Active block**: see `pallet-sabha-timing`. Every deadline here is in active blocks. **Session**: what randomness is counted in.
//!
//! ## Life of a run
//!
//! ```text
//! start_run ──► Open (paused: opens no round) ── all rounds final ──► Completed
//!                 └── stop_run ──► Stopping ── what is open settled ──► Stopped
//! ```
//!
//! The life of a round is drawn in `sabha_protocol::round`. Its transitions that only wait for time are made by the hook, within
//! [`Config::WorkWeight`] a block, run by run in turn; and by `poke`, which anybody may call, and which costs nothing if it
//! changed something. So no worker's silence stops a run, and no block is filled by runs.
//!
//! ## Randomness
//!
//! In the first block of each session the pallet keeps that session's word, and forgets those older than the machine can use. What
//! is drawn in session e + 2 comes from tickets that were there before session e: whoever joins, leaves or commits does not know
//! the word. A worker that is jailed, lacks free stake, or trains as many slots as it said it can, is passed over; one that is not ready any
//! more is not, as long as a set that has it is kept.
//!
//! ## Clocks
//!
//! A specification chooses its clocks. They are somebody else's time, so the chain bounds them when the run is created, by its own
//! durations at that moment; none may be longer than [`Config::MaxWindows`] times [`Config::Window`].
//!
//! | clock | at least |
//! |---|---|
//! | `training`, `availability`, `aggregation`, `leaves`, `reveals` | [`Config::Availability`] |
//! | `seals` | [`Config::AuditSeals`] |
//! | `dispute` | twice [`Config::ChessClock`] |
//! | `window` | [`Config::Window`] |
//!
//! ## Money
//!
//! - A stake is on hold in the owner's account ([`HoldReason::WorkerStake`]). Each slot, audit and aggregation reserves its own part
//!   of it until it is settled. What is reserved cannot leave: `unbond` is refused until nothing is, and [`Config::Unbonding`]
//!   active blocks later `withdraw` releases the stake.
//! - A slash takes from the hold, whatever else is locked or frozen. Half of it is burnt; the rest goes to the auditors who had said
//!   so (kept in the pot until they are settled), to the challenger, and to the run's escrow, as `sabha_protocol::money` splits it.
//! - A budget is moved into the pot, which is endowed with the existential deposit at genesis. The pot is one account; how much
//!   of it belongs to a run is in the run's `progress.escrow` and `kept`.
//! - If a payout account cannot take a payment, the owner's gets it; if that cannot either, the worker is `owed` the amount, which
//!   goes with its next payment, at the latest with `withdraw`. So no account blocks a run.
//! - Whoever's update is in a final checkpoint has a share of the run's pool for it (`PoolId::Compute`), for what is earned with the
//!   model later. Prices do not go through pools: they are exact amounts, known at settlement, and paid at once to an account that the
//!   worker named in its own record; a pool divides by shares, and waits to be asked.
//! - What is left of a budget when a run is over goes back to the run's owner. If its account cannot take it, it stays in the
//!   run's escrow, and each later `poke` tries again.
//!
//! ## What remains
//!
//! Rounds, slots, seats and attesters are removed when they are settled, the specification of a run when it is over. Its [`Run`]
//! record stays: it is the result that the chain vouches for, and there is no other place for it until the registry of models
//! exists. So does its pool, if a round of it became final, and the reputation of a worker that left with a bad one.
//!
//! ## Scenarios
//!
//! **A round.** Asha's run has three slots at 2.5 SBH. A poke opens round 0; Binh's, Chidi's and Dina's workers are drawn for its slots
//! and reserve 20 SBH each. They commit; three attesters report that all updates can be fetched; Emeka's worker is drawn to
//! aggregate and posts the next checkpoint, which round 1 starts from at once. Two sessions after the commitments, two auditors
//! are drawn. They seal, the slots' workers publish the audited leaves, the auditors reveal the same. When the window has passed
//! the round is final: everybody is paid and has its stake free again.
//!
//! **A cheat.** Dina's worker committed noise. Her auditor's answer differs from her leaves: a disagreement is open. The dispute
//! convicts her: of her 20 SBH 10 are burnt, 4 go to the auditor, 4 to the challenger, 2 to the escrow. Her update was in the
//! checkpoint, so the round is voided, and the one built on it too; round 0 is drawn again. The others are paid.
//!
//! **A crash.** Chidi's machine loses power. After the deadline his slot goes to another worker, with the next generation; what he
//! commits after that is refused. After three such misses his worker is jailed for a while.
//!
//! ## Limitations
//!
//! - Nothing here decides a disagreement or a challenge: that is the part of `pallet-sabha-disputes`, by [`Pallet::resolve`],
//!   [`Pallet::convict`] and [`Pallet::convict_aggregator`]. One that nobody decides lapses. It also stops runs whose stream is false, by
//!   [`Pallet::stop_refuted`].
//! - Anyone may create runs, hence fill the [`Config::MaxRuns`] places with cheap ones. The ComputeAllocator track can stop them;
//!   admission by the DAO comes with the allocation pallet.
//! - The records of runs that are over are never removed. A deposit comes with the registry of models, which takes the results over.
//! - Clocks are compared with the chain's durations, not with the work: a run may ask for more than any worker can do in its
//!   training clock.
//! - An account named as a hot key cannot register as an owner, or be another worker's hot key; it need not agree. Whoever claims
//!   an account that way locks a stake for it.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod acts;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod config;
mod disputes;
mod effects;
mod errors;
mod events;
mod example;
mod hooks;
#[cfg(test)]
mod mock;
mod pot;
mod runs;
mod scheduler;
mod settle;
mod steps;
mod storage;
#[cfg(test)]
mod tests;
mod tickets;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;
mod types;
mod views;
pub mod weights;
mod work;
mod workers;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use disputes::OnDisagreement;
pub use pallet::*;
pub use scheduler::Scheduler;
pub(crate) use types::CreditOf;
pub use types::{
    Device, EndpointOf, Leaves, Pass, Place, RoundOf, Run, RunOf, RunStatus, SeatOf, SlotOf, Worker,
    WorkerOf, WorkerStatus,
};
pub use weights::WeightInfo;

use frame_support::pallet_macros::import_section;

#[import_section(config::config)]
#[import_section(storage::storage)]
#[import_section(errors::errors)]
#[import_section(events::events)]
#[import_section(hooks::hooks)]
#[frame_support::pallet]
pub mod pallet {
    use alloc::vec::Vec;

    use frame_support::{
        PalletId,
        dispatch::PostDispatchInfo,
        pallet_prelude::*,
        traits::{
            Randomness,
            fungible::{Balanced, BalancedHold, Inspect, Mutate, MutateHold},
        },
        weights::WeightMeter,
    };
    use frame_system::pallet_prelude::*;
    use sabha_protocol::{
        ActiveBlock, Attempt, Balance, Digest, Generation, Outcome, RoundIndex, RoundKey, RunId, RunSpec,
        Session, SlotId, SlotIndex, SlotSet,
        audit::Audits,
        defaults::RETAINED,
        draw::{
            Word,
            tickets::{Head, Ticket},
        },
        pool::RewardPools,
        reputation::{Reputation, jail_is_worth_no_new_account},
        round::{Attester, Checkpoint, Duty, Pause, Phase, Reveal, VoidReason},
    };
    use sp_arithmetic::traits::SaturatedConversion;

    use crate::{
        Device, EndpointOf, Leaves, OnDisagreement, Pass, RoundOf, RunOf, Scheduler, SeatOf, SlotOf,
        WeightInfo, WorkerOf, example,
    };

    #[cfg(feature = "runtime-benchmarks")]
    use crate::BenchmarkHelper;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// Why this pallet holds tokens.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The stake of a worker, which answers for what it was drawn for.
        #[codec(index = 0)]
        WorkerStake,
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Register a worker.
        ///
        /// The origin must be signed, by the account that is to own the worker. It must own none yet, and not be the hot key of
        /// one. The worker is drawn for nothing until `ready`.
        ///
        /// - `hot_key`: the account that may call `ready`, `drain` and what the worker was drawn for. It may be the owner's, but not
        ///   that of another worker's owner or hot key.
        /// - `payout`: the account that is paid.
        /// - `device`: what the worker computes with.
        /// - `capacity`: how many slots it trains at a time, at least 1.
        /// - `endpoint`: where the worker serves its results, printable ASCII; may be empty.
        /// - `stake`: at least `MinStake`, in units of 10^-12 SBH; it is put on hold.
        ///
        /// Emits `WorkerRegistered`.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register())]
        pub fn register(
            origin: OriginFor<T>,
            hot_key: T::AccountId,
            payout: T::AccountId,
            device: Device,
            capacity: u16,
            endpoint: EndpointOf<T>,
            stake: Balance,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_register(owner, hot_key, payout, device, capacity, endpoint, stake)
        }

        /// Change a worker's hot key, payout account, device, capacity or endpoint.
        ///
        /// The origin must be signed by the worker's owner. Takes effect at once: payments that become due later go to the new
        /// payout account.
        ///
        /// - `hot_key`, `payout`, `device`, `capacity`, `endpoint`: as for `register`; `None` leaves a field as it is. At least one must be
        ///   given.
        ///
        /// Emits `WorkerUpdated`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::update_worker())]
        pub fn update_worker(
            origin: OriginFor<T>,
            hot_key: Option<T::AccountId>,
            payout: Option<T::AccountId>,
            device: Option<Device>,
            capacity: Option<u16>,
            endpoint: Option<EndpointOf<T>>,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_update_worker(owner, hot_key, payout, device, capacity, endpoint)
        }

        /// Raise a worker's stake.
        ///
        /// The origin must be signed by the worker's owner. The worker must not be unbonding.
        ///
        /// - `amount`: what is put on hold in addition, in units of 10^-12 SBH.
        ///
        /// Emits `StakeAdded`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::add_stake())]
        pub fn add_stake(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_add_stake(owner, amount)
        }

        /// Be drawn from now on.
        ///
        /// The origin must be signed by the worker's hot key or owner. The worker has a ticket for each `MinStake` of its stake, up
        /// to 64; they count in the sets of workers that are frozen from the next session on.
        ///
        /// Emits `WorkerReady`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::ready())]
        pub fn ready(origin: OriginFor<T>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_ready(who)
        }

        /// Have no tickets in the draw any more.
        ///
        /// The origin must be signed by the worker's hot key or owner. What the worker was drawn for is still to be done, and for six
        /// sessions it may still be drawn from sets that were frozen before.
        ///
        /// Emits `WorkerDrained`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::drain())]
        pub fn drain(origin: OriginFor<T>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_drain(who)
        }

        /// Ask for a worker's stake back.
        ///
        /// The origin must be signed by the worker's owner. Everything that the worker was drawn for must be settled. It has no
        /// tickets in the draw any more, and can `withdraw` after `Unbonding` active blocks.
        ///
        /// Emits `UnbondingStarted`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::unbond())]
        pub fn unbond(origin: OriginFor<T>) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_unbond(owner)
        }

        /// Take a worker's stake back, and remove the worker.
        ///
        /// The origin must be signed by the worker's owner. `Unbonding` active blocks must have passed since `unbond`, and a
        /// jail must be over. Whatever the worker is owed is paid too. A bad reputation stays with the account.
        ///
        /// Emits `Withdrawn`, and `WorkerPaid` if the worker was owed anything.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::withdraw())]
        pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_withdraw(owner)
        }

        /// Do what is due for a run: open its next round, draw, move on phases whose time is over, settle and pay.
        ///
        /// The origin must be signed, by anyone. Free if anything was changed. If more is due than fits into one call, another one
        /// goes on.
        ///
        /// - `run`: the run.
        ///
        /// Emits an event for each thing that was done.
        #[pallet::call_index(8)]
        #[pallet::weight((T::WorkWeight::get(), DispatchClass::Operational))]
        pub fn poke(origin: OriginFor<T>, run: RunId) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            let (made, weight) = Self::do_poke(run)?;
            let pays_fee = if made > 0 { Pays::No } else { Pays::Yes };
            Ok(PostDispatchInfo { actual_weight: Some(weight), pays_fee })
        }

        /// Commit what a worker made of its slot.
        ///
        /// The origin must be signed by the worker's hot key or owner. Free if it is accepted. It cannot be taken back. A quorum of
        /// diverged outcomes pauses the run.
        ///
        /// - `run`, `round`, `slot`: the slot, of this attempt at the round.
        /// - `generation`: how often the slot was assigned before it was assigned to this worker.
        /// - `outcome`: the result.
        ///
        /// Emits `SlotCommitted`, and `RunPaused` if the run is paused by it.
        #[pallet::call_index(9)]
        #[pallet::weight((T::WeightInfo::commit(), DispatchClass::Operational))]
        pub fn commit(
            origin: OriginFor<T>,
            run: RunId,
            round: RoundKey,
            slot: SlotIndex,
            generation: Generation,
            outcome: Outcome,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_commit(who, run, round, slot, generation, outcome)?;
            Ok(Pays::No.into())
        }

        /// Pause a run: no round is opened until it is resumed.
        ///
        /// The origin must be `AllocatorOrigin` (the ComputeAllocator track). What is open goes on to its end and is paid.
        ///
        /// - `run`: the run.
        ///
        /// Emits `RunPaused`.
        #[pallet::call_index(10)]
        #[pallet::weight(T::WeightInfo::pause_run())]
        pub fn pause_run(origin: OriginFor<T>, run: RunId) -> DispatchResult {
            T::AllocatorOrigin::ensure_origin(origin)?;
            Self::do_pause_run(run)
        }

        /// Resume a paused run.
        ///
        /// The origin must be `AllocatorOrigin` (the ComputeAllocator track). A run that was voided as often as can be cannot be
        /// resumed, only stopped.
        ///
        /// - `run`: the run.
        ///
        /// Emits `RunResumed`.
        #[pallet::call_index(11)]
        #[pallet::weight(T::WeightInfo::resume_run())]
        pub fn resume_run(origin: OriginFor<T>, run: RunId) -> DispatchResult {
            T::AllocatorOrigin::ensure_origin(origin)?;
            Self::do_resume_run(run)
        }

        /// Stop a run for good.
        ///
        /// The origin must be `AllocatorOrigin` (the ComputeAllocator track), or signed by the run's owner if the run is paused or has
        /// no round open. A round in training is voided: slots that are assigned are taken back, their workers are not at fault. What
        /// is committed is checked and paid; then what is left of the budget is returned.
        ///
        /// - `run`: the run.
        ///
        /// Emits `RunStopping`, and `RoundVoided` if a round was in training.
        #[pallet::call_index(12)]
        #[pallet::weight(T::WeightInfo::stop_run())]
        pub fn stop_run(origin: OriginFor<T>, run: RunId) -> DispatchResult {
            if let Err(origin) = T::AllocatorOrigin::try_origin(origin) {
                Self::ensure_may_stop(&ensure_signed(origin)?, run)?;
            }
            Self::do_stop_run(run)
        }

        /// Raise the budget of a run.
        ///
        /// The origin must be signed, by anyone. What is left of a budget when the run is over goes to the run's owner, whoever
        /// paid it.
        ///
        /// - `run`: the run. It must not be stopped or over.
        /// - `amount`: what is moved into the pot, in units of 10^-12 SBH.
        ///
        /// Emits `RunToppedUp`, and `RunResumed` if the run was paused for want of money.
        #[pallet::call_index(13)]
        #[pallet::weight(T::WeightInfo::top_up_run())]
        pub fn top_up_run(origin: OriginFor<T>, run: RunId, amount: Balance) -> DispatchResult {
            let from = ensure_signed(origin)?;
            Self::do_top_up_run(from, run, amount)
        }

        /// Report which updates of a round an attester got.
        ///
        /// The origin must be signed by the hot key or owner of the worker that was drawn. Free if it is accepted.
        ///
        /// - `run`, `round`: the attempt at a round.
        /// - `place`: the attester's place on the panel.
        /// - `got`: the slots whose updates could be fetched and are what was committed, as a bitmap.
        ///
        /// Emits `Reported`.
        #[pallet::call_index(14)]
        #[pallet::weight((T::WeightInfo::report(), DispatchClass::Operational))]
        pub fn report(
            origin: OriginFor<T>,
            run: RunId,
            round: RoundKey,
            place: u16,
            got: SlotSet,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_report(who, run, round, place, got)?;
            Ok(Pays::No.into())
        }

        /// Post the checkpoint that a round makes.
        ///
        /// The origin must be signed by the hot key or owner of the worker that was drawn to aggregate. Free if it is accepted.
        ///
        /// - `run`, `round`: the attempt at a round.
        /// - `checkpoint`: its root, and the address of its blob.
        ///
        /// Emits `RootPosted`.
        #[pallet::call_index(15)]
        #[pallet::weight((T::WeightInfo::post_root(), DispatchClass::Operational))]
        pub fn post_root(
            origin: OriginFor<T>,
            run: RunId,
            round: RoundKey,
            checkpoint: Checkpoint,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_post_root(who, run, round, checkpoint)?;
            Ok(Pays::No.into())
        }

        /// Seal what an auditor found, before the slot's own leaves are known.
        ///
        /// The origin must be signed by the hot key or owner of the worker that was drawn. Free if it is accepted. It stands.
        ///
        /// - `run`, `round`: the attempt at a round.
        /// - `place`: the auditor's seat.
        /// - `seal`: the digest of answer, salt and the worker's owner.
        ///
        /// Emits `Sealed`.
        #[pallet::call_index(16)]
        #[pallet::weight((T::WeightInfo::seal(), DispatchClass::Operational))]
        pub fn seal(
            origin: OriginFor<T>,
            run: RunId,
            round: RoundKey,
            place: u16,
            seal: Digest,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_seal(who, run, round, place, seal)?;
            Ok(Pays::No.into())
        }

        /// Publish the leaves at the ends of a slot's audited segments, once the seals are closed.
        ///
        /// The origin must be signed, by anyone who has them; a slot whose leaves are missing is slashed. Free if they are accepted.
        ///
        /// - `run`, `round`, `slot`: the slot, of this attempt at the round.
        /// - `leaves`: the leaves, in ascending order of the segments, with their paths to the commitment's root.
        ///
        /// Emits `LeavesPublished`.
        #[pallet::call_index(17)]
        #[pallet::weight((T::WeightInfo::publish(leaves.len() as u32), DispatchClass::Operational))]
        pub fn publish(
            origin: OriginFor<T>,
            run: RunId,
            round: RoundKey,
            slot: SlotIndex,
            leaves: Leaves,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_publish(run, round, slot, &leaves)?;
            Ok(Pays::No.into())
        }

        /// Reveal what an auditor had sealed.
        ///
        /// The origin must be signed by the hot key or owner of the worker that was drawn. Free if it is accepted. Not revealing
        /// costs the auditor its stake.
        ///
        /// - `run`, `round`: the attempt at a round.
        /// - `place`: the auditor's seat.
        /// - `answer`: the digest of the roots or of the divergence that it found.
        /// - `salt`: what hid the answer.
        /// - `unserved`: whether the slot's worker did not serve the states that the segments start from.
        ///
        /// Emits `Revealed`, and `DisagreementOpened` if the slot's own answer is another.
        #[pallet::call_index(18)]
        #[pallet::weight((T::WeightInfo::reveal(), DispatchClass::Operational))]
        pub fn reveal(
            origin: OriginFor<T>,
            run: RunId,
            round: RoundKey,
            place: u16,
            answer: Digest,
            salt: [u8; 32],
            unserved: bool,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            Self::do_reveal(who, run, round, place, Reveal { answer, salt, unserved })?;
            Ok(Pays::No.into())
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// The owner of the worker that `who` speaks for, as its owner or hot key, and the worker.
        pub fn worker_of(who: T::AccountId) -> Option<(T::AccountId, WorkerOf<T>)> {
            Self::worker_for(who).ok()
        }

        /// The active block from which the worker of `owner` can withdraw its stake, as durations are now; `None` if it is not
        /// unbonding.
        pub fn withdrawable_from(owner: T::AccountId) -> Option<ActiveBlock> {
            Workers::<T>::get(owner).and_then(|worker| Self::unbonded_at(&worker))
        }

        /// What the worker that `who` speaks for has to do now.
        pub fn duties_of(who: T::AccountId) -> Vec<Duty> {
            Self::worker_for(who).map(|(owner, _)| Self::duties(&owner)).unwrap_or_default()
        }

        /// How many changes a poke of `run` would make now, if it had all the weight it needs.
        pub fn due(run: RunId) -> u32 {
            Self::due_now(run)
        }

        /// The attempts at rounds of `run` that are not settled, in order.
        pub fn rounds_of(run: RunId) -> Vec<RoundOf<T>> {
            let mut rounds: Vec<_> = Rounds::<T>::iter_prefix_values(run).collect();
            rounds.sort_by_key(|round| round.key);
            rounds
        }

        /// The slots of an attempt at a round that are not settled, in order.
        pub fn slots_of(run: RunId, round: RoundKey) -> Vec<(SlotIndex, SlotOf<T>)> {
            let mut slots: Vec<_> = Slots::<T>::iter_prefix((run, round)).collect();
            slots.sort_by_key(|(slot, _)| *slot);
            slots
        }
    }
}
