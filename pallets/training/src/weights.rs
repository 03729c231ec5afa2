//! Weights of the training pallet: estimates until benchmarked on reference hardware.
//!
//! Execution times are guesses on the high side; storage accesses are counted from the code, for the worst case. An account's
//! `System::Account` (`max_size` 128) and `Balances::Holds` (max 300) count as the token's share of a call. `Timing::ActiveBlocks`,
//! `Timing::Durations` and `Session::CurrentIndex` count as one read where they are read.

use core::marker::PhantomData;

use frame_support::{
    traits::Get,
    weights::{RuntimeDbWeight, Weight, constants::ParityDbWeight},
};
use sabha_protocol::{
    defaults::{CANDIDATES, TICKETS},
    spec::limits,
};

/// Weights of this pallet's calls and hooks.
pub trait WeightInfo {
    /// Weight of `register`.
    fn register() -> Weight;
    /// Weight of `update_worker`, for the case that everything changes.
    fn update_worker() -> Weight;
    /// Weight of `add_stake`, for a ready worker that gets as many tickets as there can be.
    fn add_stake() -> Weight;
    /// Weight of `ready`, for a worker with as many tickets as there can be.
    fn ready() -> Weight;
    /// Weight of `drain`, for a worker with as many tickets as there can be.
    fn drain() -> Weight;
    /// Weight of `unbond`, for a ready worker with as many tickets as there can be.
    fn unbond() -> Weight;
    /// Weight of `withdraw`, for a worker that is owed something.
    fn withdraw() -> Weight;
    /// Weight of `create_run`, for the longest specification.
    fn create_run() -> Weight;
    /// Weight of `commit`.
    fn commit() -> Weight;
    /// Weight of `report`.
    fn report() -> Weight;
    /// Weight of `post_root`.
    fn post_root() -> Weight;
    /// Weight of `seal`.
    fn seal() -> Weight;
    /// Weight of `publish` with `n` leaves.
    fn publish(n: u32) -> Weight;
    /// Weight of `reveal`, for an answer that differs.
    fn reveal() -> Weight;
    /// Weight of `pause_run`.
    fn pause_run() -> Weight;
    /// Weight of `resume_run`.
    fn resume_run() -> Weight;
    /// Weight of `stop_run`, for a round in training.
    fn stop_run() -> Weight;
    /// Weight of `top_up_run` that resumes the run.
    fn top_up_run() -> Weight;
    /// Weight of the first block of a session, with as many runs as there can be.
    fn note_session() -> Weight;
    /// Weight of looking at the agenda.
    fn agenda() -> Weight;
    /// Weight of a run's turn, without its steps.
    fn turn() -> Weight;
    /// Weight of the step that opens a round of `n` slots, or ends the run.
    fn run_step(n: u32) -> Weight;
    /// Weight of the step of a slot: it expires, and is assigned to the last candidate of its draw.
    fn slot_step() -> Weight;
    /// Weight of the step of a round, for the dearest transition: the draw of a seat, the close of availability.
    fn round_step() -> Weight;
    /// Weight of the step that settles one record.
    fn settle_step() -> Weight;
    /// Weight of one step that shortens the ticket array.
    fn compact() -> Weight;
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
    commit();
    report();
    post_root();
    seal();
    publish(n);
    reveal();
    pause_run();
    resume_run();
    stop_run();
    top_up_run();
    note_session();
    agenda();
    turn();
    run_step(n);
    slot_step();
    round_step();
    settle_step();
    compact();
}

/// Joining or leaving of as many tickets as a worker can have: `Tickets` (r:3 w:1), `TicketPlaces` (r:1 w:1), `LeftTickets` (r:3 w:3)
/// each, `TicketHead` (r:1 w:1).
fn tickets(db: RuntimeDbWeight) -> Weight {
    let each = Weight::from_parts(8_000_000, 3_000).saturating_add(db.reads_writes(7, 5));
    each.saturating_mul(TICKETS.into()).saturating_add(db.reads_writes(2, 1))
}

/// A draw that looks at every candidate: `Tickets` (r:1), `Workers` (r:1) each, `TicketHead` and `Words` (r:2).
fn draw(db: RuntimeDbWeight) -> Weight {
    let each = Weight::from_parts(4_000_000, 5_500).saturating_add(db.reads(2));
    each.saturating_mul(CANDIDATES.into()).saturating_add(db.reads(2))
}

/// What every act loads and stores: `Specs` (r:1; `max_size` 900), `Runs` (r:1 w:1; 400), `Rounds` (r:1 w:1; 500), `Agenda` (r:1 w:1;
/// 2100), the clock and the session (r:2).
fn act(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(45_000_000, 22_000).saturating_add(db.reads_writes(6, 3))
}

/// A payment: `Workers` (r:1 w:1), `System::Account` of pot, payout account and owner (r:3 w:3).
fn payment(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(110_000_000, 12_000).saturating_add(db.reads_writes(4, 4))
}

/// A slash: `Workers` (r:1 w:1), `Balances::Holds` (r:1 w:1), `System::Account` of owner and pot (r:2 w:2), `Balances::TotalIssuance`
/// (r:1 w:1), in four parts, of which one is paid to a challenger.
fn slash(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(220_000_000, 12_000).saturating_add(db.reads_writes(5, 5)).saturating_add(payment(db))
}

/// Storage: `Workers` (r:2 w:1; `max_size` 450), `HotKeys` (r:2 w:1; 80), `Records` (r:1 w:1; 60), `System::Account` (r:1 w:1),
/// `Balances::Holds` (r:1 w:1).
fn register(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(75_000_000, 14_000).saturating_add(db.reads_writes(7, 5))
}

/// Storage: `Workers` (r:2 w:1), `HotKeys` (r:1 w:2).
fn update_worker(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(35_000_000, 9_000).saturating_add(db.reads_writes(3, 3))
}

/// Storage: `Workers` (r:1 w:1), `System::Account` (r:1 w:1), `Balances::Holds` (r:1 w:1), tickets.
fn add_stake(db: RuntimeDbWeight) -> Weight {
    tickets(db).saturating_add(Weight::from_parts(60_000_000, 8_000)).saturating_add(db.reads_writes(3, 3))
}

/// Storage: `Workers` (r:2 w:1), `HotKeys` (r:1), tickets.
fn ready(db: RuntimeDbWeight) -> Weight {
    tickets(db).saturating_add(Weight::from_parts(30_000_000, 8_000)).saturating_add(db.reads_writes(3, 1))
}

/// Storage: `Workers` (r:2 w:1), `HotKeys` (r:1), tickets.
fn drain(db: RuntimeDbWeight) -> Weight {
    tickets(db).saturating_add(Weight::from_parts(30_000_000, 8_000)).saturating_add(db.reads_writes(3, 1))
}

/// Storage: `Workers` (r:1 w:1), the clock and the durations (r:2), tickets.
fn unbond(db: RuntimeDbWeight) -> Weight {
    tickets(db).saturating_add(Weight::from_parts(30_000_000, 8_000)).saturating_add(db.reads_writes(3, 1))
}

/// Storage: `Workers` (r:1 w:1), `HotKeys` (w:1), `Records` (w:1), the clock and the durations (r:2), `System::Account` (r:3 w:3),
/// `Balances::Holds` (r:1 w:1).
fn withdraw(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(110_000_000, 18_000).saturating_add(db.reads_writes(7, 7))
}

/// Storage: `Agenda` (r:1 w:1), `NextRunId` (r:1 w:1), the clock, the session and the durations (r:3), `System::Account` (r:2 w:2),
/// `Runs` (w:1), `Specs` (w:1). The economics are computed in wide numbers, for up to 1,024 segments.
fn create_run(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(3_000_000_000, 15_000).saturating_add(db.reads_writes(7, 6))
}

/// Storage: `Workers` (r:2), `HotKeys` (r:1), `Slots` (r:1 w:1; `max_size` 300), the act.
fn commit(db: RuntimeDbWeight) -> Weight {
    act(db).saturating_add(Weight::from_parts(20_000_000, 8_000)).saturating_add(db.reads_writes(4, 1))
}

/// Storage: `Workers` (r:2), `HotKeys` (r:1), `Attesters` (r:1 w:1; `max_size` 150), the act.
fn report(db: RuntimeDbWeight) -> Weight {
    act(db).saturating_add(Weight::from_parts(20_000_000, 8_000)).saturating_add(db.reads_writes(4, 1))
}

/// Storage: `Workers` (r:2), `HotKeys` (r:1), the act.
fn post_root(db: RuntimeDbWeight) -> Weight {
    act(db).saturating_add(Weight::from_parts(20_000_000, 6_000)).saturating_add(db.reads_writes(3, 0))
}

/// Storage: `Workers` (r:2), `HotKeys` (r:1), `Seats` (r:1 w:1; `max_size` 150), the act.
fn seal(db: RuntimeDbWeight) -> Weight {
    act(db).saturating_add(Weight::from_parts(20_000_000, 8_000)).saturating_add(db.reads_writes(4, 1))
}

/// Storage: `Slots` (r:1 w:1), the act. Each leaf has a path of at most ten nodes to hash.
fn publish(db: RuntimeDbWeight, n: u32) -> Weight {
    let each = Weight::from_parts(15_000_000, 0);
    act(db)
        .saturating_add(Weight::from_parts(25_000_000, 4_000))
        .saturating_add(db.reads_writes(1, 1))
        .saturating_add(each.saturating_mul(n.into()))
}

/// Storage: `Workers` (r:2), `HotKeys` (r:1), `Slots` (r:1 w:1), `Seats` (r:1 w:1), the act.
fn reveal(db: RuntimeDbWeight) -> Weight {
    act(db).saturating_add(Weight::from_parts(30_000_000, 10_000)).saturating_add(db.reads_writes(5, 2))
}

/// Storage: `Runs` (r:1 w:1).
fn pause_run(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(20_000_000, 4_000).saturating_add(db.reads_writes(1, 1))
}

/// Storage: `Runs` (r:1 w:1), `Agenda` (r:1 w:1), the clock (r:1).
fn resume_run(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(25_000_000, 6_000).saturating_add(db.reads_writes(3, 2))
}

/// Storage: the act.
fn stop_run(db: RuntimeDbWeight) -> Weight {
    act(db).saturating_add(db.reads_writes(0, 0))
}

/// Storage: `Runs` (r:1 w:1), `Agenda` (r:1 w:1), the clock (r:1), `System::Account` (r:2 w:2).
fn top_up_run(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(65_000_000, 12_000).saturating_add(db.reads_writes(5, 4))
}

/// Storage: the session (r:1), `Babe::NextRandomness` and `Babe::EpochStart` (r:2), `Words` (r:1 w:1), `Agenda` (r:1 w:1).
fn note_session(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(25_000_000, 6_000).saturating_add(db.reads_writes(5, 2))
}

/// Storage: `Agenda` (r:1), `NextTurn` (r:1 w:1), the clock (r:1).
fn agenda(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(10_000_000, 4_000).saturating_add(db.reads_writes(3, 1))
}

/// Storage: `Passes` (r:1 w:1; `max_size` 40), `Specs` (r:1), `Agenda` (r:1 w:1), the clock and the session (r:2).
fn turn(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(30_000_000, 8_000).saturating_add(db.reads_writes(5, 2))
}

/// Storage: `Runs` (r:1 w:1), `TicketHead` (r:1), `Rounds` (w:1), `Slots` (w:n), or `Specs` (w:1), `Agenda` (r:1 w:1), the owner's and the pot's
/// `System::Account` (r:2 w:2).
fn run_step(db: RuntimeDbWeight, n: u32) -> Weight {
    let each = Weight::from_parts(3_000_000, 0).saturating_add(db.writes(1));
    Weight::from_parts(80_000_000, 14_000)
        .saturating_add(db.reads_writes(5, 6))
        .saturating_add(each.saturating_mul(n.into()))
}

/// Storage: `Rounds` (r:1 w:1), `Slots` (r:1 w:1), `Runs` (r:1 w:1), `Workers` of the one that had it and the one that has it (r:2 w:2), a
/// later round to void with it (r:1 w:1), a draw.
fn slot_step(db: RuntimeDbWeight) -> Weight {
    draw(db).saturating_add(Weight::from_parts(90_000_000, 12_000)).saturating_add(db.reads_writes(6, 6))
}

/// Storage: `Runs` (r:1 w:1), `Rounds` of it and of a later one (r:2 w:2), and one of: the workers of all slots (`Slots` r:256), a draw, and a
/// place on the panel (`Attesters` w:1, `Workers` w:1); the reports of a panel (`Attesters` r:64); a draw and a seat (`Slots` r:1 w:1, `Seats`
/// w:1, `Workers` w:1); missing leaves (`Slots` r:1 w:1, a slash).
fn round_step(db: RuntimeDbWeight) -> Weight {
    let slots = Weight::from_parts(2_000_000, 2_800).saturating_add(db.reads(1));
    let panel = draw(db).saturating_add(slots.saturating_mul(limits::SLOTS.into()));
    panel
        .max(slash(db))
        .saturating_add(Weight::from_parts(90_000_000, 12_000))
        .saturating_add(db.reads_writes(5, 6))
}

/// Storage: `Runs` (r:1 w:1), `Rounds` (r:1 w:1), `Slots` (r:1 w:1), `Seats` (r:1 w:1), `Workers` (r:1 w:1), `PoolTotals` (r:1 w:1), `PoolShares` (r:1
/// w:1), two payments or a slash.
fn settle_step(db: RuntimeDbWeight) -> Weight {
    payment(db)
        .saturating_mul(2)
        .max(slash(db))
        .saturating_add(Weight::from_parts(60_000_000, 12_000))
        .saturating_add(db.reads_writes(7, 7))
}

/// Storage: `TicketHead` (r:1 w:1), `Tickets` (r:4 w:3), `TicketPlaces` (r:1 w:1), `LeftTickets` (r:3 w:4), the session (r:1).
fn compact(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(25_000_000, 14_000).saturating_add(db.reads_writes(10, 9))
}
