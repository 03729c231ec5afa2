//! A chain as crowded as it may get: thousands of ready workers, and runs that all have something due.

use frame_benchmarking::v2::*;
use frame_support::{
    traits::Get,
    weights::{Weight, WeightMeter},
};
use sabha_protocol::{RunId, round::SlotState};
use sp_arithmetic::traits::SaturatedConversion;

use super::setup::*;
use crate::*;

/// Ready workers.
pub const WORKERS: u32 = 10_000;

/// Runs, where the runtime allows so many.
pub const RUNS: u32 = 100;

/// Slots of each run's round.
const SLOTS: u16 = 16;

/// The block in which everybody commits.
const COMMITS: u32 = 8;

/// The last block that is measured: slots are drawn before the commitments, seats for attesters after them.
pub const LAST: u32 = 19;

/// All runs open their first round in the next block, the first of its session.
pub fn gather<T: Config>() -> Result<(), BenchmarkError> {
    endow::<T>();
    for index in 0..WORKERS {
        let owner = worker::<T>(index, 2)?;
        Pallet::<T>::do_ready(owner)?;
    }
    let start = T::Session::get();
    pass_sessions::<T>(start.saturating_add(2));
    let mut spec = spec::<T>(SLOTS);
    spec.audit.auditors = SLOTS;
    for _ in 0..T::MaxRuns::get().min(RUNS) {
        run::<T>(&spec)?;
    }
    // The sets are frozen.
    Pallet::<T>::work(&mut WeightMeter::with_limit(Weight::MAX));
    pass_sessions::<T>(start.saturating_add(3));
    T::BenchmarkHelper::set_session(start.saturating_add(4));
    Ok(())
}

/// The hook's part of a block; returns what it says that it weighs.
pub fn hook<T: Config>() -> Weight {
    let mut meter = WeightMeter::with_limit(T::WorkWeight::get());
    Pallet::<T>::work(&mut meter);
    meter.consumed()
}

/// The block before the hook: the clock turns, and in one of them every slot that has a worker is committed.
pub fn begin_block<T: Config>(block: u32) -> Result<(), BenchmarkError> {
    let now = T::ActiveBlocks::get();
    T::BenchmarkHelper::set_active_blocks(now.saturating_add(1));
    // Has a weight of its own.
    Pallet::<T>::note_session();
    if block != COMMITS {
        return Ok(());
    }
    for ((run, key, index), slot) in Slots::<T>::iter().collect::<alloc::vec::Vec<_>>() {
        if let SlotState::Assigned { worker, .. } = slot.state {
            Pallet::<T>::do_commit(worker, run, key, index, slot.generation, outcome())?;
        }
    }
    Ok(())
}

/// What has been reached: slots with a worker, committed ones, and attesters.
pub fn reached<T: Config>() -> (u32, u32, u32) {
    let runs = 0..NextRunId::<T>::get();
    let mut counts = (0u32, 0u32, 0u32);
    for (_, slot) in runs.flat_map(|run: RunId| Slots::<T>::iter_prefix((run, ROUND))) {
        match slot.state {
            SlotState::Assigned { .. } => counts.0 = counts.0.saturating_add(1),
            SlotState::Committed { .. } => counts.1 = counts.1.saturating_add(1),
            _ => {}
        }
    }
    counts.2 = Attesters::<T>::iter().count().saturated_into();
    counts
}

/// Tells the outside what was weighed; `scripts/weights --crowded` reads it.
pub fn tell(block: u32, weight: Weight, reached: (u32, u32, u32)) {
    let (assigned, committed, attesters) = reached;
    let line = alloc::format!(
        "crowded_block block={block} ref_time={} proof_size={} assigned={assigned} committed={committed} attesters={attesters}",
        weight.ref_time(),
        weight.proof_size()
    );
    sp_runtime::print(line.as_str());
}
