//! The states that benchmarks start from.

use alloc::vec;

use frame_benchmarking::v2::*;
use frame_support::{
    BoundedVec,
    traits::{
        EnsureOrigin, Get,
        fungible::{Inspect, Mutate},
    },
};
use sabha_protocol::{
    Balance, Commitment, Digest, Outcome, RoundKey, RunId, RunSpec, Session,
    audit::{Opening, Seat, SeatState},
    defaults::{CANDIDATES, DRAW_LAG, TICKETS},
    draw::{Lot, Subject, Word},
    round::{Attester, Phase, Progress, SlotState},
    segments_root,
    spec::limits,
};
use sp_arithmetic::traits::SaturatedConversion;

use crate::{effects::Scene, *};

/// What benchmarks need from the runtime.
pub trait BenchmarkHelper {
    /// Turn the protocol's clock.
    fn set_active_blocks(now: u32);
    /// Make it this session. The protocol's clock may turn with it.
    fn set_session(session: u32);
}

/// The attempt that benchmarks are about.
pub const ROUND: RoundKey = RoundKey { round: 0, attempt: 0 };

/// An account with a lot of money.
pub fn rich<T: Config>(name: &'static str, index: u32) -> T::AccountId {
    let who: T::AccountId = account(name, index, 0);
    let amount = Balance::MAX / 1_000_000;
    let _ = T::Currency::mint_into(&who, amount);
    who
}

/// The longest endpoint.
pub fn endpoint<T: Config>() -> EndpointOf<T> {
    BoundedVec::truncate_from(vec![b'x'; T::MaxEndpointLen::get().saturated_into()])
}

pub fn hot_key<T: Config>(index: u32) -> T::AccountId {
    account("hot", index, 0)
}

/// A registered worker with so many tickets' stake.
pub fn worker<T: Config>(index: u32, tickets: u16) -> Result<T::AccountId, BenchmarkError> {
    let owner = rich::<T>("owner", index);
    let payout: T::AccountId = account("payout", index, 0);
    let stake = T::MinStake::get().saturating_mul(tickets.into());
    Pallet::<T>::do_register(
        owner.clone(),
        hot_key::<T>(index),
        payout,
        Device::Cuda,
        u16::MAX,
        endpoint::<T>(),
        stake,
    )?;
    Ok(owner)
}

/// A worker with as many tickets as there can be, among others, in the draw.
pub fn ready_worker<T: Config>() -> Result<T::AccountId, BenchmarkError> {
    let owner = worker::<T>(0, TICKETS)?;
    Pallet::<T>::do_ready(owner.clone())?;
    let other = worker::<T>(1, 1)?;
    Pallet::<T>::do_ready(other)?;
    Ok(owner)
}

/// As many workers as a draw looks at candidates, of which only the first can take anything. Returns it.
pub fn unwilling_crowd<T: Config>() -> Result<T::AccountId, BenchmarkError> {
    let fit = worker::<T>(0, 1)?;
    Pallet::<T>::do_ready(fit.clone())?;
    for index in 1..=CANDIDATES {
        let owner = worker::<T>(index, 1)?;
        Pallet::<T>::do_ready(owner.clone())?;
        Workers::<T>::mutate(owner, |worker| {
            if let Some(worker) = worker {
                worker.jailed_until = u32::MAX;
            }
        });
    }
    Ok(fit)
}

/// Makes the word of a draw one with which the first entry of the array is the last candidate.
pub fn exhaust<T: Config>((subject, frozen): (Subject, Session)) {
    let len = TicketHead::<T>::get().len_before(frozen);
    let late = |word: &Word| {
        let mut lot = Lot::new(word, &subject);
        (1..=CANDIDATES).find(|_| lot.below(len) == 0) == Some(CANDIDATES)
    };
    let mut words = (0u32..100_000).map(|seed| Digest::of(&seed.to_le_bytes()).0);
    let word = words.find(late).unwrap_or_default();
    Words::<T>::mutate(|words| {
        words.retain(|(session, _)| *session < frozen.saturating_add(DRAW_LAG));
        let _ = words.try_push((frozen.saturating_add(DRAW_LAG), word));
    });
}

/// The longest specification, with as many slots, auditors and attesters as there can be.
pub fn spec<T: Config>(slots: u16) -> RunSpec {
    let mut spec = crate::example::spec(2);
    spec.price_per_slot = T::Currency::minimum_balance();
    spec.rounds.slots = slots;
    spec.rounds.quorum = 1;
    spec.rounds.inner_steps = limits::SEGMENTS.saturating_mul(2);
    spec.rounds.segment_steps = 2;
    spec.audit.auditors = limits::AUDIT;
    spec.audit.attesters = limits::AUDIT;
    spec.audit.segments = limits::AUDIT;
    spec.audit.auditor_price = T::Currency::minimum_balance().saturating_mul(2);
    let window: u32 = T::Window::get().saturated_into();
    let longest = window.saturating_mul(T::MaxWindows::get());
    let fetch: u32 = T::Availability::get().saturated_into();
    spec.clocks.training = longest;
    spec.clocks.availability = fetch;
    spec.clocks.aggregation = fetch;
    spec.clocks.seals = T::AuditSeals::get().saturated_into();
    spec.clocks.leaves = fetch;
    spec.clocks.reveals = fetch;
    spec.clocks.dispute = longest;
    spec.clocks.window = window;
    spec.data.sources = BoundedVec::truncate_from(vec![Digest([3; 32]); limits::SOURCES as usize]);
    spec
}

pub fn run<T: Config>(spec: &RunSpec) -> Result<RunId, BenchmarkError> {
    let id = NextRunId::<T>::get();
    let terms = sabha_protocol::round::Terms::new(id, spec);
    // A little more than it costs: something is left to be returned.
    let budget = Progress::least_budget(&terms).saturating_add(T::Currency::minimum_balance());
    Pallet::<T>::create_run(&rich::<T>("sponsor", 0), spec.clone(), budget)?;
    T::Scheduler::fill(id);
    Ok(id)
}

/// Sessions up to this one pass, each with its word.
pub fn pass_sessions<T: Config>(until: Session) {
    for session in T::Session::get()..=until {
        T::BenchmarkHelper::set_session(session);
        Pallet::<T>::note_session();
    }
}

/// A run whose first round is open, with so many vacant slots.
pub fn opened<T: Config>(slots: u16) -> Result<Scene, BenchmarkError> {
    let start = T::Session::get();
    pass_sessions::<T>(start.saturating_add(2));
    let id = run::<T>(&spec::<T>(slots))?;
    Pallet::<T>::run_step(&scene::<T>(id)?)?;
    pass_sessions::<T>(start.saturating_add(5));
    Pallet::<T>::run_step(&scene::<T>(id)?)?;
    scene::<T>(id)
}

pub fn scene<T: Config>(id: RunId) -> Result<Scene, BenchmarkError> {
    Scene::of::<T>(id).map_err(|_| BenchmarkError::Stop("there is no such run"))
}

pub fn round<T: Config>(scene: &Scene) -> Result<RoundOf<T>, BenchmarkError> {
    Rounds::<T>::get(scene.id, ROUND).ok_or(BenchmarkError::Stop("the round is not open"))
}

pub fn change_slot<T: Config>(scene: &Scene, index: u16, change: impl FnOnce(&mut SlotOf<T>)) {
    Slots::<T>::mutate((scene.id, ROUND, index), |slot| {
        if let Some(slot) = slot {
            change(slot);
        }
    });
}

/// The slot is the worker's.
pub fn assign<T: Config>(scene: &Scene, index: u16, owner: &T::AccountId) -> Result<(), BenchmarkError> {
    let until = scene.now.saturating_add(scene.terms.clocks.training);
    change_slot::<T>(scene, index, |slot| slot.state = SlotState::Assigned { worker: owner.clone(), until });
    reserve::<T>(owner, scene.terms.stake);
    Pallet::<T>::count_training(owner, 1)?;
    Ok(())
}

pub fn reserve<T: Config>(owner: &T::AccountId, amount: Balance) {
    Workers::<T>::mutate(owner, |worker| {
        if let Some(worker) = worker {
            worker.reserved = worker.reserved.saturating_add(amount);
        }
    });
}

/// The state roots of a slot.
pub fn roots() -> alloc::vec::Vec<Digest> {
    (0..=limits::SEGMENTS).map(|leaf| Digest::of(&leaf.to_le_bytes())).collect()
}

pub fn outcome() -> Outcome {
    Outcome::Trained(Commitment {
        segments_root: segments_root(&roots()),
        update_digest: Digest([5; 32]),
        mean_loss: 3.0.into(),
    })
}

/// Every slot of the round is committed by the worker, whose stake answers for it.
pub fn committed<T: Config>(scene: &Scene, owner: &T::AccountId) -> Result<RoundOf<T>, BenchmarkError> {
    let mut round = round::<T>(scene)?;
    let outcome = outcome();
    for index in 0..scene.terms.rounds.slots {
        let state = SlotState::Committed { worker: owner.clone(), outcome };
        change_slot::<T>(scene, index, |slot| slot.state = state);
        round.open.remove(index);
        round.committed.insert(index);
        reserve::<T>(owner, scene.terms.stake);
    }
    round
        .close_training(&scene.terms, scene.now, scene.session)
        .map_err(|_| BenchmarkError::Stop("training cannot be closed"))?;
    Rounds::<T>::insert(scene.id, ROUND, &round);
    Ok(round)
}

/// An attester at place 0 of the round's panel.
pub fn attester<T: Config>(scene: &Scene, worker: &T::AccountId) {
    let attester = Attester { worker: worker.clone(), panel: 0, report: None };
    Attesters::<T>::insert((scene.id, ROUND, 0, 0), attester);
}

/// A seat at place 0 that audits slot 0, which is audited.
pub fn seat<T: Config>(
    scene: &Scene,
    auditor: &T::AccountId,
    state: SeatState,
    audits: sabha_protocol::audit::Audits,
) -> Result<(), BenchmarkError> {
    let mut round = round::<T>(scene)?;
    round.audits = audits;
    round.audit_word = Some([9; 32]);
    round.unanswered.insert(0);
    round.seats = 1;
    round.sealed = u16::from(state != SeatState::Drawn);
    round.unsettled = round.unsettled.saturating_add(1);
    Rounds::<T>::insert(scene.id, ROUND, round);
    change_slot::<T>(scene, 0, |slot| {
        slot.checks.seats = 1;
        slot.checks.unsettled = 1;
    });
    reserve::<T>(auditor, scene.terms.audit.auditor_stake);
    let seat = Seat { auditor: auditor.clone(), slot: 0, generation: 0, state };
    Seats::<T>::insert((scene.id, ROUND, 0), seat);
    Ok(())
}

/// The leaves of slot 0's audited segments.
pub fn leaves<T: Config>(scene: &Scene) -> Result<Leaves, BenchmarkError> {
    let (round, roots) = (round::<T>(scene)?, roots());
    let segments = round.audited_segments(&scene.terms, 0);
    let leaves = segments.iter().filter_map(|segment| Opening::of(&roots, segment.saturating_add(1)));
    Ok(BoundedVec::truncate_from(leaves.collect()))
}

/// The round's phase.
pub fn set_phase<T: Config>(scene: &Scene, phase: Phase<T::AccountId>) -> Result<(), BenchmarkError> {
    let mut round = round::<T>(scene)?;
    round.phase = phase;
    Rounds::<T>::insert(scene.id, ROUND, round);
    Ok(())
}

/// Give the pot what genesis gives it.
pub fn endow<T: Config>() {
    let _ = T::Currency::mint_into(&Pallet::<T>::account_id(), T::Currency::minimum_balance());
}

pub fn allocator<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
    T::AllocatorOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)
}

/// A whole agenda: nothing is due before `wake`.
pub fn fill_agenda<T: Config>(wake: u32) {
    let entries = (0..T::MaxRuns::get()).map(|run| (run, wake)).collect();
    Agenda::<T>::put(BoundedVec::truncate_from(entries));
}
