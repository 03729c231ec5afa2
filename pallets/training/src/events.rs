//! What happened, as clients are told.

use frame_support::pallet_macros::pallet_section;

/// The pallet's events.
#[pallet_section]
mod events {
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A worker was registered. It is drawn for nothing until it is ready.
        WorkerRegistered {
            /// The worker's owner.
            owner: T::AccountId,
            /// The account that speaks for it.
            hot_key: T::AccountId,
            /// The account that is paid.
            payout: T::AccountId,
            /// What it computes with.
            device: Device,
            /// Its stake, in units of 10^-12 SBH.
            stake: Balance,
        },
        /// A worker's hot key, payout account, device, capacity or endpoint was changed.
        WorkerUpdated {
            /// The worker's owner.
            owner: T::AccountId,
        },
        /// A worker's stake was raised.
        StakeAdded {
            /// The worker's owner.
            owner: T::AccountId,
            /// By how much, in units of 10^-12 SBH.
            amount: Balance,
            /// The whole stake now, in units of 10^-12 SBH.
            stake: Balance,
        },
        /// A worker can be drawn, from the next session's set on.
        WorkerReady {
            /// The worker's owner.
            owner: T::AccountId,
            /// Its tickets in the draw.
            tickets: u16,
        },
        /// A worker has no tickets in the draw any more.
        WorkerDrained {
            /// The worker's owner.
            owner: T::AccountId,
        },
        /// A worker missed too much: it is drawn for nothing for a while.
        WorkerJailed {
            /// The worker's owner.
            owner: T::AccountId,
            /// The active block from which it can be drawn again.
            until: ActiveBlock,
        },
        /// A worker asked for its stake.
        UnbondingStarted {
            /// The worker's owner.
            owner: T::AccountId,
            /// The active block from which it can withdraw, as durations are now.
            until: ActiveBlock,
        },
        /// A worker got its stake back and is gone.
        Withdrawn {
            /// The worker's owner.
            owner: T::AccountId,
            /// The stake, in units of 10^-12 SBH.
            stake: Balance,
        },
        /// A run was created.
        RunCreated {
            /// The run.
            run: RunId,
            /// Who created it.
            owner: T::AccountId,
            /// Binds its specification.
            spec_hash: Digest,
            /// Its budget, in units of 10^-12 SBH.
            budget: Balance,
        },
        /// A run's budget was raised.
        RunToppedUp {
            /// The run.
            run: RunId,
            /// Who paid.
            from: T::AccountId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// A run opens no more rounds until it is resumed.
        RunPaused {
            /// The run.
            run: RunId,
            /// Why.
            reason: Pause,
        },
        /// A run opens rounds again.
        RunResumed {
            /// The run.
            run: RunId,
        },
        /// A run was stopped: it opens no more rounds, ever, and ends when those that are open are settled.
        RunStopping {
            /// The run.
            run: RunId,
        },
        /// A run is over: it was stopped before its last round.
        RunStopped {
            /// The run.
            run: RunId,
            /// Rounds that became final.
            finalised: RoundIndex,
            /// The last checkpoint; none if no round made one.
            checkpoint: Option<Checkpoint>,
            /// What it has paid in all, in units of 10^-12 SBH.
            paid: Balance,
        },
        /// A run is over: every round is final.
        RunCompleted {
            /// The run.
            run: RunId,
            /// The last checkpoint.
            checkpoint: Option<Checkpoint>,
            /// What it has paid in all, in units of 10^-12 SBH.
            paid: Balance,
        },
        /// What slashes brought to a run's escrow and nothing was run again for is burnt.
        SurplusBurnt {
            /// The run.
            run: RunId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// What was left of a run's budget went back to its owner.
        BudgetRefunded {
            /// The run.
            run: RunId,
            /// The run's owner.
            owner: T::AccountId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// The run's owner could not take what is left of its budget. A later poke tries again.
        RefundWaits {
            /// The run.
            run: RunId,
            /// The run's owner.
            owner: T::AccountId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// A slot was assigned to a worker.
        SlotAssigned {
            /// The slot.
            slot: SlotId,
            /// How often it was assigned before.
            generation: Generation,
            /// The worker's owner.
            worker: T::AccountId,
            /// The last active block in which a commitment is accepted.
            deadline: ActiveBlock,
        },
        /// A worker committed what it made of a slot.
        SlotCommitted {
            /// The slot.
            slot: SlotId,
            /// How often it was assigned before.
            generation: Generation,
            /// The worker's owner.
            worker: T::AccountId,
            /// What it committed.
            outcome: Outcome,
        },
        /// Nobody committed a slot in time: it is given to another worker, or given up.
        SlotExpired {
            /// The slot.
            slot: SlotId,
            /// How often it was assigned before.
            generation: Generation,
            /// The owner of the worker that had it, if any.
            worker: Option<T::AccountId>,
        },
        /// A slot was settled and paid.
        SlotPaid {
            /// The slot.
            slot: SlotId,
            /// How often it was assigned before.
            generation: Generation,
            /// The worker's owner.
            worker: T::AccountId,
            /// What it had committed.
            outcome: Outcome,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// A round was opened.
        RoundOpened {
            /// The run.
            run: RunId,
            /// The attempt at a round.
            round: RoundKey,
            /// The checkpoint that it starts from; none for the specification's own.
            base: Option<Checkpoint>,
        },
        /// A round came to another phase.
        RoundAdvanced {
            /// The run.
            run: RunId,
            /// The attempt at a round.
            round: RoundKey,
            /// The phase.
            phase: Phase<T::AccountId>,
            /// The slots whose updates make the next checkpoint, as far as that is known.
            accepted: SlotSet,
        },
        /// A round's audits came further.
        AuditsAdvanced {
            /// The run.
            run: RunId,
            /// The attempt at a round.
            round: RoundKey,
            /// How far.
            audits: Audits,
        },
        /// A round will make no checkpoint that stands.
        RoundVoided {
            /// The run.
            run: RunId,
            /// The attempt at a round.
            round: RoundKey,
            /// Why.
            reason: VoidReason,
        },
        /// A round's checkpoint stands.
        RoundFinalised {
            /// The run.
            run: RunId,
            /// The attempt at a round.
            round: RoundKey,
            /// The checkpoint.
            checkpoint: Option<Checkpoint>,
        },
        /// Everybody of a round is settled; nothing of it remains.
        RoundSettled {
            /// The run.
            run: RunId,
            /// The attempt at a round.
            round: RoundKey,
        },
        /// A worker was drawn to fetch a round's updates.
        AttesterDrawn {
            /// The run.
            run: RunId,
            /// The attempt at a round.
            round: RoundKey,
            /// Its place on the panel.
            place: u16,
            /// The worker's owner.
            worker: T::AccountId,
            /// The last active block for its report.
            until: ActiveBlock,
        },
        /// An attester reported.
        Reported {
            /// The run.
            run: RunId,
            /// The attempt at a round.
            round: RoundKey,
            /// Its place on the panel.
            place: u16,
            /// The worker's owner.
            worker: T::AccountId,
            /// The slots whose updates it got.
            got: SlotSet,
        },
        /// A worker was drawn to make the next checkpoint.
        AggregatorDrawn {
            /// The run.
            run: RunId,
            /// The attempt at a round.
            round: RoundKey,
            /// How many were drawn before.
            turn: u8,
            /// The worker's owner.
            worker: T::AccountId,
            /// The last active block for the checkpoint.
            until: ActiveBlock,
        },
        /// The next checkpoint was posted.
        RootPosted {
            /// The run.
            run: RunId,
            /// The attempt at a round.
            round: RoundKey,
            /// The checkpoint.
            checkpoint: Checkpoint,
        },
        /// A worker was drawn to execute segments of a slot again.
        AuditorDrawn {
            /// The slot.
            slot: SlotId,
            /// The attempt at its round.
            attempt: Attempt,
            /// The auditor's seat.
            place: u16,
            /// The worker's owner.
            auditor: T::AccountId,
        },
        /// An auditor sealed its answer.
        Sealed {
            /// The run.
            run: RunId,
            /// The attempt at a round.
            round: RoundKey,
            /// The auditor's seat.
            place: u16,
            /// The worker's owner.
            auditor: T::AccountId,
            /// The seal.
            seal: Digest,
        },
        /// The leaves of a slot's audited segments were published.
        LeavesPublished {
            /// The slot.
            slot: SlotId,
        },
        /// The leaves of a slot's audited segments were not published in time: it is at fault.
        LeavesMissing {
            /// The slot.
            slot: SlotId,
        },
        /// An auditor revealed its answer.
        Revealed {
            /// The run.
            run: RunId,
            /// The attempt at a round.
            round: RoundKey,
            /// The auditor's seat.
            place: u16,
            /// The worker's owner.
            auditor: T::AccountId,
            /// The answer.
            answer: Digest,
            /// Whether the slot's worker did not serve it.
            unserved: bool,
        },
        /// An auditor's answer is not the slot's own.
        DisagreementOpened {
            /// The run.
            run: RunId,
            /// The attempt at a round.
            round: RoundKey,
            /// The auditor's seat.
            place: u16,
            /// The slot.
            slot: SlotIndex,
            /// The auditor's owner.
            auditor: T::AccountId,
            /// The last active block before it lapses.
            until: ActiveBlock,
        },
        /// Nobody decided the disagreements and challenges about a slot in time: neither side is paid.
        DisagreementLapsed {
            /// The slot.
            slot: SlotId,
        },
        /// Nobody decided the challenges of an aggregation in time: the aggregator is not paid.
        AggregationLapsed {
            /// The run.
            run: RunId,
            /// The attempt at a round.
            round: RoundKey,
        },
        /// Part of a stake was taken.
        StakeSlashed {
            /// The run that it answered for.
            run: RunId,
            /// The worker's owner.
            worker: T::AccountId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
            /// Whether it was burnt, or went to somebody.
            burnt: bool,
        },
        /// An account that is no worker could not take a payment; it went to the run's escrow.
        PaymentRefused {
            /// The run.
            run: RunId,
            /// The account.
            account: T::AccountId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// A worker was paid.
        WorkerPaid {
            /// The worker's owner.
            worker: T::AccountId,
            /// The account that took the payment: the payout account, or the owner's if that one could not.
            to: T::AccountId,
            /// How much, in units of 10^-12 SBH, what the worker was owed before included.
            amount: Balance,
        },
        /// Neither a worker's payout account nor its owner's could take a payment. It goes with the next one, at the latest with
        /// the withdrawal.
        PaymentOwed {
            /// The worker's owner.
            worker: T::AccountId,
            /// What the worker is owed in all, in units of 10^-12 SBH.
            owed: Balance,
        },
    }
}
