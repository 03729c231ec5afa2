//! Weights of the training pallet: estimates until benchmarked on reference hardware.
//!
//! Execution times are guesses on the high side; storage accesses are counted from the code, for the worst case. An account's
//! `System::Account` (`max_size` 128) and `Balances::Holds` (max 300) count as the token's share of a call.

use core::marker::PhantomData;

use frame_support::{
    traits::Get,
    weights::{RuntimeDbWeight, Weight, constants::ParityDbWeight},
};

/// Weights of this pallet's calls.
pub trait WeightInfo {
    /// Weight of `register`.
    fn register() -> Weight;
    /// Weight of `update_worker`, for the case that everything changes.
    fn update_worker() -> Weight;
    /// Weight of `add_stake`.
    fn add_stake() -> Weight;
    /// Weight of `ready`.
    fn ready() -> Weight;
    /// Weight of `drain`, for a worker in the middle of the ready set.
    fn drain() -> Weight;
    /// Weight of `unbond`, for a worker in the middle of the ready set.
    fn unbond() -> Weight;
    /// Weight of `withdraw`, for a worker that is owed something.
    fn withdraw() -> Weight;
    /// Weight of `create_run`, for the longest specification.
    fn create_run() -> Weight;
    /// Weight of `poke` that makes `n` rounds final, takes a slot from a worker and assigns it to another.
    fn poke(n: u32) -> Weight;
    /// Weight of `commit`.
    fn commit() -> Weight;
    /// Weight of `pause_run`.
    fn pause_run() -> Weight;
    /// Weight of `resume_run`.
    fn resume_run() -> Weight;
    /// Weight of `stop_run` that releases a worker and returns the budget.
    fn stop_run() -> Weight;
    /// Weight of `top_up_run`.
    fn top_up_run() -> Weight;
}

macro_rules! weight_info {
    ($($name:ident($($n:ident)?);)+) => {
        /// Weights on a chain, with that chain's database weights.
        pub struct SubstrateWeight<T>(PhantomData<T>);

        impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
            $(fn $name($($n: u32)?) -> Weight {
                $name(T::DbWeight::get() $(, $n)?)
            })+
        }

        /// For tests.
        impl WeightInfo for () {
            $(fn $name($($n: u32)?) -> Weight {
                $name(ParityDbWeight::get() $(, $n)?)
            })+
        }
    };
}

weight_info! {
    register();
    update_worker();
    add_stake();
    ready();
    drain();
    unbond();
    withdraw();
    create_run();
    poke(n);
    commit();
    pause_run();
    resume_run();
    stop_run();
    top_up_run();
}

/// Storage: `Workers` (r:2 w:1; `max_size` 380), `HotKeys` (r:2 w:1; 80), `System::Account` (r:1 w:1), `Balances::Holds`
/// (r:1 w:1).
fn register(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(70_000_000, 12_000).saturating_add(db.reads_writes(6, 4))
}

/// Storage: `Workers` (r:2 w:1), `HotKeys` (r:1 w:2).
fn update_worker(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(35_000_000, 9_000).saturating_add(db.reads_writes(3, 3))
}

/// Storage: `Workers` (r:1 w:1), `System::Account` (r:1 w:1), `Balances::Holds` (r:1 w:1).
fn add_stake(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(60_000_000, 8_000).saturating_add(db.reads_writes(3, 3))
}

/// Storage: `Workers` (r:2 w:1), `HotKeys` (r:1), `ReadyCount` (r:1 w:1), `ReadySet` (w:1), `ReadyIndex` (w:1).
fn ready(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(35_000_000, 11_000).saturating_add(db.reads_writes(4, 4))
}

/// Storage: `Workers` (r:2 w:1), `HotKeys` (r:1), `ReadyCount` (r:1 w:1), `ReadySet` (r:1 w:2), `ReadyIndex` (r:1 w:2).
fn drain(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(45_000_000, 16_000).saturating_add(db.reads_writes(6, 6))
}

/// Storage: `Workers` (r:1 w:1), `Timing::ActiveBlocks` (r:1), `Timing::Durations` (r:1), `ReadyCount` (r:1 w:1), `ReadySet`
/// (r:1 w:2), `ReadyIndex` (r:1 w:2).
fn unbond(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(45_000_000, 16_000).saturating_add(db.reads_writes(6, 6))
}

/// Storage: `Workers` (r:1 w:1), `HotKeys` (w:1), `Timing::ActiveBlocks` (r:1), `Timing::Durations` (r:1), `System::Account` (r:3
/// w:3), `Balances::Holds` (r:1 w:1).
fn withdraw(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(110_000_000, 18_000).saturating_add(db.reads_writes(7, 6))
}

/// Storage: `OpenRuns` (r:1 w:1), `NextRunId` (r:1 w:1), `Timing::Durations` (r:1), `System::Account` (r:2 w:2), `Runs` (w:1), `Specs`
/// (w:1; `max_size` 800).
fn create_run(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(80_000_000, 15_000).saturating_add(db.reads_writes(5, 6))
}

/// Storage, once: `Runs` (r:1 w:1; `max_size` 180), `Specs` (r:1 w:1), `OpenRuns` (r:1 w:1), `Timing::ActiveBlocks` (r:1), `Slots`
/// (r:2 w:2; 200), `Workers` (r:2 w:2), `ReadyCount` (r:1 w:1), `ReadySet` (r:2 w:2), `ReadyIndex` (w:2), `Babe::NextRandomness` and
/// `Babe::EpochStart` (r:2), the pot's and the run owner's `System::Account` (r:2 w:2). For each final round: `Slots` (r:1 w:1),
/// `Workers` (r:1 w:1), `System::Account` (r:2 w:2).
fn poke(db: RuntimeDbWeight, n: u32) -> Weight {
    let each = Weight::from_parts(70_000_000, 12_000).saturating_add(db.reads_writes(4, 4));
    Weight::from_parts(120_000_000, 40_000)
        .saturating_add(db.reads_writes(15, 14))
        .saturating_add(each.saturating_mul(n.into()))
}

/// Storage: `Workers` (r:2 w:1), `HotKeys` (r:1), `Runs` (r:1 w:1), `Specs` (r:1), `Slots` (r:1 w:1), `Timing::ActiveBlocks` (r:1),
/// `ReadyCount` (r:1 w:1), `ReadySet` (w:1), `ReadyIndex` (w:1).
fn commit(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(60_000_000, 20_000).saturating_add(db.reads_writes(8, 6))
}

/// Storage: `Runs` (r:1 w:1).
fn pause_run(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(20_000_000, 4_000).saturating_add(db.reads_writes(1, 1))
}

/// Storage: `Runs` (r:1 w:1).
fn resume_run(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(20_000_000, 4_000).saturating_add(db.reads_writes(1, 1))
}

/// Storage: `Runs` (r:1 w:1), `Slots` (r:1 w:1), `Workers` (r:1 w:1), `ReadyCount` (r:1 w:1), `ReadySet` (w:1), `ReadyIndex` (w:1),
/// `Specs` (w:1), `OpenRuns` (r:1 w:1), `System::Account` (r:2 w:2).
fn stop_run(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(100_000_000, 22_000).saturating_add(db.reads_writes(7, 10))
}

/// Storage: `Runs` (r:1 w:1), `System::Account` (r:2 w:2).
fn top_up_run(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(60_000_000, 10_000).saturating_add(db.reads_writes(3, 3))
}
