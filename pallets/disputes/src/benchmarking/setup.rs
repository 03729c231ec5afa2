//! The states that benchmarks start from.

use frame_benchmarking::v2::*;
use frame_support::traits::{
    Get,
    fungible::{Inspect, Mutate},
};
use frame_system::RawOrigin;
use pallet_sabha_training::{
    BenchmarkHelper, Device, Pallet as Training, Rounds, Runs, Seats, Slots, Workers,
};
use sabha_protocol::{
    Balance, Commitment, Digest, NUMERICS_EXACT, Outcome, RoundKey, RunId, RunSpec, SlotSet,
    audit::{Audits, Seat, SeatState},
    defaults::{AUDIT, CLOCKS, OUTER, STAKE_PER_SLOT, rounds},
    dispute::Claim,
    round::{Checkpoint, Checks, Phase, Progress, Round, Slot, SlotState, Terms},
    spec::{ClockSpec, DataSpec, ModelSpec, OptimiserSpec, RoundSpec},
};
use sp_arithmetic::traits::SaturatedConversion;

use crate::*;

/// The attempt that benchmarks are about.
pub const ROUND: RoundKey = RoundKey { round: 0, attempt: 0 };

/// The slot that they are about.
pub const SLOT: Target = Target::Slot { slot: 0, generation: 0 };

/// An account with a lot of money.
pub fn rich<T: Config>(name: &'static str, index: u32) -> T::AccountId {
    let who: T::AccountId = account(name, index, 0);
    let _ = T::Currency::mint_into(&who, Balance::MAX / 1_000_000);
    who
}

pub fn hot_key<T: Config>(index: u32) -> T::AccountId {
    account("hot", index, 0)
}

pub fn payout<T: Config>(index: u32) -> T::AccountId {
    account("payout", index, 0)
}

/// A registered worker with stake for many duties.
pub fn worker<T: Config>(index: u32) -> Result<T::AccountId, BenchmarkError> {
    let owner = rich::<T>("owner", index);
    let stake = <T as pallet_sabha_training::Config>::MinStake::get().saturating_mul(64);
    Training::<T>::register(
        RawOrigin::Signed(owner.clone()).into(),
        hot_key::<T>(index),
        payout::<T>(index),
        Device::Cuda,
        1,
        Default::default(),
        stake,
    )?;
    Ok(owner)
}

/// A model with as many layers as an aggregation of the most slots can have, whose steps read 2,048 words at once, in rounds of so many
/// slots.
pub fn spec<T: Config>(slots: u16) -> RunSpec {
    let window: u32 = T::Window::get().saturated_into();
    let longest = window.saturating_mul(T::MaxWindows::get());
    let fetch: u32 = T::Availability::get().saturated_into();
    RunSpec {
        numerics_version: NUMERICS_EXACT,
        seed: 1,
        initial_checkpoint: None,
        price_per_slot: T::Currency::minimum_balance(),
        stake_per_slot: STAKE_PER_SLOT,
        model: ModelSpec {
            vocabulary: 512,
            width: 512,
            layers: 23,
            heads: 8,
            feed_forward: 1_376,
            context: 512,
            rope_base: 10_000.0.into(),
            norm_epsilon: 1e-5.into(),
            tied_embedding: true,
        },
        optimiser: OptimiserSpec {
            peak_rate: 1e-3.into(),
            floor_rate: 1e-4.into(),
            warmup_steps: 10,
            inner_warmup_steps: 0,
            beta1: 0.9.into(),
            beta2: 0.95.into(),
            epsilon: 1e-8.into(),
            weight_decay: 0.1.into(),
            clip_norm: 1.0.into(),
        },
        outer: OUTER,
        data: DataSpec {
            stream: Digest([7; 32]),
            tokens: 10_000_000,
            token_bytes: 2,
            heldout_tokens: 10_000,
            sources: Default::default(),
        },
        rounds: RoundSpec { slots, quorum: 1, ..rounds(2, 40, 2, 4) },
        audit: sabha_protocol::spec::AuditSpec {
            auditors: slots.min(64),
            auditor_price: T::Currency::minimum_balance(),
            ..AUDIT
        },
        clocks: ClockSpec {
            training: longest,
            availability: fetch,
            aggregation: fetch,
            seals: T::AuditSeals::get().saturated_into(),
            leaves: fetch,
            reveals: fetch,
            dispute: longest,
            window,
            ..CLOCKS
        },
    }
}

/// A run whose first round is in its window: all slots are one worker's, who aggregated them as well. Its next step, say a conviction,
/// is noted in the agenda.
pub fn window<T: Config>(slots: u16) -> Result<RunId, BenchmarkError> {
    let _ = T::Currency::mint_into(&Training::<T>::account_id(), T::Currency::minimum_balance());
    let defender = worker::<T>(0)?;
    let spec = spec::<T>(slots);
    let id = pallet_sabha_training::NextRunId::<T>::get();
    let terms = Terms::new(id, &spec);
    let budget = Progress::least_budget(&terms);
    let owner = rich::<T>("sponsor", 0);
    Training::<T>::create_run(&owner, spec, budget)?;
    let mut all = SlotSet::default();
    let outcome = Outcome::Trained(Commitment {
        segments_root: Digest([4; 32]),
        update_digest: Digest([5; 32]),
        mean_loss: 3.0.into(),
    });
    for index in 0..slots {
        all.insert(index);
        let state = SlotState::Committed { worker: defender.clone(), outcome };
        let slot = Slot { generation: 0, state, checks: Checks::default() };
        Slots::<T>::insert((id, ROUND, index), slot);
    }
    let checkpoint = Checkpoint { root: Digest([1; 32]), blob: Digest([2; 32]) };
    let none = SlotSet::default();
    let round = Round {
        key: ROUND,
        frozen: 0,
        base: Some(checkpoint),
        phase: Phase::Window { until: u32::MAX },
        void: None,
        open: none,
        committed: all,
        diverged: none,
        faulty: none,
        accepted: all,
        result: Some((checkpoint, defender.clone())),
        owes_aggregator: true,
        audits: Audits::Done,
        audit_word: Some([9; 32]),
        unanswered: none,
        seats: 0,
        sealed: 0,
        answered: 0,
        disagreements: 0,
        challenges: 0,
        root_challenges: 0,
        root_lapses: 0,
        extended: false,
        unsettled: slots.saturating_add(1),
    };
    Rounds::<T>::insert(id, ROUND, round);
    Workers::<T>::mutate(&defender, |worker| {
        if let Some(worker) = worker {
            worker.reserved = worker.stake;
        }
    });
    Runs::<T>::mutate(id, |run| {
        if let Some(run) = run {
            let _ = run.progress.open.try_push(ROUND);
            run.progress.next.round = 1;
        }
    });
    Ok(id)
}

/// The round of [`window`] is in training again, and nothing of it is due.
pub fn in_training<T: Config>(id: RunId) {
    Rounds::<T>::mutate(id, ROUND, |round| {
        if let Some(round) = round {
            round.phase = Phase::Training { until: u32::MAX };
            (round.result, round.owes_aggregator, round.audits) = (None, false, Audits::NotYet);
            round.open = core::mem::take(&mut round.committed);
            round.accepted = SlotSet::default();
        }
    });
    pallet_sabha_training::Agenda::<T>::mutate(|agenda| {
        agenda.iter_mut().filter(|(run, _)| *run == id).for_each(|(_, wake)| *wake = u32::MAX);
    });
}

/// A game about a claim, by an account that is no worker.
pub fn challenged<T: Config>(
    id: RunId,
    target: Target,
    claim: Claim,
) -> Result<(GameId, T::AccountId), BenchmarkError> {
    let challenger = rich::<T>("challenger", 0);
    let game = NextGame::<T>::get();
    Pallet::<T>::do_challenge(challenger.clone(), id, ROUND, target, claim)?;
    Ok((game, challenger))
}

/// A disagreement about slot 0: its game, and the auditor.
pub fn disagreement<T: Config>(id: RunId) -> Result<(GameId, T::AccountId), BenchmarkError> {
    let auditor = worker::<T>(1)?;
    let state = SeatState::Differed { unserved: false };
    let seat = Seat { auditor: auditor.clone(), slot: 0, generation: 0, state };
    Seats::<T>::insert((id, ROUND, 0), seat);
    let game = NextGame::<T>::get();
    let until = T::ActiveBlocks::get().saturating_add(spec::<T>(1).clocks.dispute);
    <Pallet<T> as pallet_sabha_training::OnDisagreement<T::AccountId>>::opened(
        id, ROUND, 0, 0, &auditor, until,
    );
    Ok((game, auditor))
}

/// Changes a game that is played.
pub fn change<T: Config>(game: GameId, change: impl FnOnce(&mut sabha_protocol::dispute::Game)) {
    Games::<T>::mutate(game, |dispute| {
        if let Some(Dispute { stage: Stage::Playing(game), .. }) = dispute {
            change(game);
        }
    });
}

/// The position that the next move is for.
pub fn position<T: Config>(game: GameId) -> Digest {
    match Games::<T>::get(game).map(|dispute| dispute.stage) {
        Some(Stage::Playing(game)) => game.position,
        _ => Digest::default(),
    }
}

/// All clocks of games run out.
pub fn run_out<T: Config>() {
    let clock: u32 = T::ChessClock::get().saturated_into();
    let late = T::ActiveBlocks::get().saturating_add(clock).saturating_add(1);
    <T as pallet_sabha_training::Config>::BenchmarkHelper::set_active_blocks(late);
}
