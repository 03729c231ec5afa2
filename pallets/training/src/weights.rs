//! Weights of `pallet_sabha_training`, by `scripts/weights`: 20 steps, 20 repetitions each. Storage is counted, times are measured.
//!
//! Sources: blake2b 4b2234299c51119bfbd4cd1476e6d537

use core::marker::PhantomData;

use frame_support::{
    traits::Get,
    weights::{Weight, constants::ParityDbWeight},
};

/// Weights of `pallet_sabha_training`.
pub trait WeightInfo {
    /// Weight of `register`.
    fn register() -> Weight;
    /// Weight of `update_worker`.
    fn update_worker() -> Weight;
    /// Weight of `add_stake`.
    fn add_stake() -> Weight;
    /// Weight of `ready`.
    fn ready() -> Weight;
    /// Weight of `drain`.
    fn drain() -> Weight;
    /// Weight of `unbond`.
    fn unbond() -> Weight;
    /// Weight of `withdraw`.
    fn withdraw() -> Weight;
    /// Weight of `commit`.
    fn commit() -> Weight;
    /// Weight of `report`.
    fn report() -> Weight;
    /// Weight of `post_root`.
    fn post_root() -> Weight;
    /// Weight of `seal`.
    fn seal() -> Weight;
    /// Weight of `publish`.
    fn publish(n: u32) -> Weight;
    /// Weight of `reveal`.
    fn reveal() -> Weight;
    /// Weight of `pause_run`.
    fn pause_run() -> Weight;
    /// Weight of `resume_run`.
    fn resume_run() -> Weight;
    /// Weight of `stop_run`.
    fn stop_run() -> Weight;
    /// Weight of `top_up_run`.
    fn top_up_run() -> Weight;
    /// Weight of `note_session`.
    fn note_session() -> Weight;
    /// Weight of `agenda`.
    fn agenda() -> Weight;
    /// Weight of `turn`.
    fn turn() -> Weight;
    /// Weight of `run_step`.
    fn run_step(n: u32) -> Weight;
    /// Weight of `slot_step`.
    fn slot_step() -> Weight;
    /// Weight of `round_step`.
    fn round_step() -> Weight;
    /// Weight of `settle_step`.
    fn settle_step() -> Weight;
    /// Weight of `compact`.
    fn compact() -> Weight;
}

/// Weights on a chain, with that chain's database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    // Storage: `Training::Workers` (r:2 w:1)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `Training::HotKeys` (r:2 w:1)
    // Proof: `Training::HotKeys` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(229), added: 2704, mode: `MaxEncodedLen`)
    // Storage: `Training::Records` (r:1 w:0)
    // Proof: `Training::Records` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
    fn register() -> Weight {
        Weight::from_parts(135_297_000, 6602)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(4))
    }

    // Storage: `Training::Workers` (r:2 w:1)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `Training::HotKeys` (r:1 w:2)
    // Proof: `Training::HotKeys` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    fn update_worker() -> Weight {
        Weight::from_parts(64_937_000, 6602)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }

    // Storage: `Training::Workers` (r:1 w:1)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(229), added: 2704, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::TicketPlaces` (r:63 w:63)
    // Proof: `Training::TicketPlaces` (`max_values`: None, `max_size`: Some(62), added: 2537, mode: `MaxEncodedLen`)
    // Storage: `Training::TicketHead` (r:1 w:1)
    // Proof: `Training::TicketHead` (`max_values`: Some(1), `max_size`: Some(72), added: 567, mode: `MaxEncodedLen`)
    // Storage: `Training::LeftTickets` (r:1 w:0)
    // Proof: `Training::LeftTickets` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
    // Storage: `Training::Tickets` (r:0 w:63)
    // Proof: `Training::Tickets` (`max_values`: None, `max_size`: Some(55), added: 2530, mode: `MaxEncodedLen`)
    fn add_stake() -> Weight {
        Weight::from_parts(1_348_298_000, 160821)
            .saturating_add(T::DbWeight::get().reads(69))
            .saturating_add(T::DbWeight::get().writes(130))
    }

    // Storage: `Training::Workers` (r:2 w:1)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `Training::HotKeys` (r:1 w:0)
    // Proof: `Training::HotKeys` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::TicketPlaces` (r:64 w:64)
    // Proof: `Training::TicketPlaces` (`max_values`: None, `max_size`: Some(62), added: 2537, mode: `MaxEncodedLen`)
    // Storage: `Training::TicketHead` (r:1 w:1)
    // Proof: `Training::TicketHead` (`max_values`: Some(1), `max_size`: Some(72), added: 567, mode: `MaxEncodedLen`)
    // Storage: `Training::LeftTickets` (r:64 w:64)
    // Proof: `Training::LeftTickets` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
    // Storage: `Training::Tickets` (r:64 w:64)
    // Proof: `Training::Tickets` (`max_values`: None, `max_size`: Some(55), added: 2530, mode: `MaxEncodedLen`)
    fn ready() -> Weight {
        Weight::from_parts(2_137_018_000, 163358)
            .saturating_add(T::DbWeight::get().reads(197))
            .saturating_add(T::DbWeight::get().writes(194))
    }

    // Storage: `Training::Workers` (r:2 w:1)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `Training::HotKeys` (r:1 w:0)
    // Proof: `Training::HotKeys` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::TicketPlaces` (r:64 w:64)
    // Proof: `Training::TicketPlaces` (`max_values`: None, `max_size`: Some(62), added: 2537, mode: `MaxEncodedLen`)
    // Storage: `Training::TicketHead` (r:1 w:1)
    // Proof: `Training::TicketHead` (`max_values`: Some(1), `max_size`: Some(72), added: 567, mode: `MaxEncodedLen`)
    // Storage: `Training::Tickets` (r:64 w:64)
    // Proof: `Training::Tickets` (`max_values`: None, `max_size`: Some(55), added: 2530, mode: `MaxEncodedLen`)
    // Storage: `Training::LeftTickets` (r:0 w:64)
    // Proof: `Training::LeftTickets` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
    fn drain() -> Weight {
        Weight::from_parts(1_771_997_000, 163358)
            .saturating_add(T::DbWeight::get().reads(133))
            .saturating_add(T::DbWeight::get().writes(194))
    }

    // Storage: `Training::Workers` (r:1 w:1)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::TicketPlaces` (r:64 w:64)
    // Proof: `Training::TicketPlaces` (`max_values`: None, `max_size`: Some(62), added: 2537, mode: `MaxEncodedLen`)
    // Storage: `Training::TicketHead` (r:1 w:1)
    // Proof: `Training::TicketHead` (`max_values`: Some(1), `max_size`: Some(72), added: 567, mode: `MaxEncodedLen`)
    // Storage: `Training::Tickets` (r:64 w:64)
    // Proof: `Training::Tickets` (`max_values`: None, `max_size`: Some(55), added: 2530, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Timing::Durations` (r:1 w:0)
    // Proof: `Timing::Durations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    // Storage: `Training::LeftTickets` (r:0 w:64)
    // Proof: `Training::LeftTickets` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
    fn unbond() -> Weight {
        Weight::from_parts(1_992_923_000, 163358)
            .saturating_add(T::DbWeight::get().reads(133))
            .saturating_add(T::DbWeight::get().writes(194))
    }

    // Storage: `Training::Workers` (r:1 w:1)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `Timing::Durations` (r:1 w:0)
    // Proof: `Timing::Durations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:3 w:3)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(229), added: 2704, mode: `MaxEncodedLen`)
    // Storage: `Training::HotKeys` (r:0 w:1)
    // Proof: `Training::HotKeys` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `Training::Records` (r:0 w:1)
    // Proof: `Training::Records` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
    fn withdraw() -> Weight {
        Weight::from_parts(239_530_000, 8799)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(7))
    }

    // Storage: `Training::Workers` (r:2 w:1)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `Training::HotKeys` (r:1 w:0)
    // Proof: `Training::HotKeys` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Rounds` (r:1 w:1)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `Training::Slots` (r:1 w:1)
    // Proof: `Training::Slots` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:1)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    fn commit() -> Weight {
        Weight::from_parts(202_248_000, 6602)
            .saturating_add(T::DbWeight::get().reads(11))
            .saturating_add(T::DbWeight::get().writes(6))
    }

    // Storage: `Training::Workers` (r:2 w:0)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `Training::HotKeys` (r:1 w:0)
    // Proof: `Training::HotKeys` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Rounds` (r:1 w:1)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `Training::Attesters` (r:1 w:1)
    // Proof: `Training::Attesters` (`max_values`: None, `max_size`: Some(111), added: 2586, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:1)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    fn report() -> Weight {
        Weight::from_parts(198_016_000, 6602)
            .saturating_add(T::DbWeight::get().reads(11))
            .saturating_add(T::DbWeight::get().writes(5))
    }

    // Storage: `Training::Workers` (r:2 w:0)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `Training::HotKeys` (r:1 w:0)
    // Proof: `Training::HotKeys` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Rounds` (r:1 w:1)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:1)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    fn post_root() -> Weight {
        Weight::from_parts(152_095_000, 6602)
            .saturating_add(T::DbWeight::get().reads(10))
            .saturating_add(T::DbWeight::get().writes(4))
    }

    // Storage: `Training::Workers` (r:2 w:0)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `Training::HotKeys` (r:1 w:0)
    // Proof: `Training::HotKeys` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Rounds` (r:1 w:1)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `Training::Seats` (r:1 w:1)
    // Proof: `Training::Seats` (`max_values`: None, `max_size`: Some(105), added: 2580, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:1)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    fn seal() -> Weight {
        Weight::from_parts(181_440_000, 6602)
            .saturating_add(T::DbWeight::get().reads(11))
            .saturating_add(T::DbWeight::get().writes(5))
    }

    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Rounds` (r:1 w:1)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `Training::Slots` (r:1 w:1)
    // Proof: `Training::Slots` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:1)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    fn publish(n: u32) -> Weight {
        Weight::from_parts(181_272_114, 4315)
            .saturating_add(Weight::from_parts(10_401_703, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(5))
    }

    // Storage: `Training::Workers` (r:2 w:0)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `Training::HotKeys` (r:1 w:0)
    // Proof: `Training::HotKeys` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Seats` (r:1 w:1)
    // Proof: `Training::Seats` (`max_values`: None, `max_size`: Some(105), added: 2580, mode: `MaxEncodedLen`)
    // Storage: `Training::Rounds` (r:1 w:1)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `Training::Slots` (r:1 w:1)
    // Proof: `Training::Slots` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Disputes::NextGame` (r:1 w:1)
    // Proof: `Disputes::NextGame` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Timing::Durations` (r:1 w:0)
    // Proof: `Timing::Durations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:1)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Games` (r:0 w:1)
    // Proof: `Disputes::Games` (`max_values`: None, `max_size`: Some(315), added: 2790, mode: `MaxEncodedLen`)
    fn reveal() -> Weight {
        Weight::from_parts(288_030_000, 6602)
            .saturating_add(T::DbWeight::get().reads(14))
            .saturating_add(T::DbWeight::get().writes(8))
    }

    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    fn pause_run() -> Weight {
        Weight::from_parts(46_700_000, 3789)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }

    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:1)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    fn resume_run() -> Weight {
        Weight::from_parts(73_769_000, 3789)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }

    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Rounds` (r:1 w:1)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:1)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    fn stop_run() -> Weight {
        Weight::from_parts(193_672_000, 4315)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(4))
    }

    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:1)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    fn top_up_run() -> Weight {
        Weight::from_parts(183_565_000, 6196)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(5))
    }

    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Words` (r:1 w:1)
    // Proof: `Training::Words` (`max_values`: Some(1), `max_size`: Some(217), added: 712, mode: `MaxEncodedLen`)
    // Storage: `Babe::NextRandomness` (r:1 w:0)
    // Proof: `Babe::NextRandomness` (`max_values`: Some(1), `max_size`: Some(32), added: 527, mode: `MaxEncodedLen`)
    // Storage: `Babe::EpochStart` (r:1 w:0)
    // Proof: `Babe::EpochStart` (`max_values`: Some(1), `max_size`: Some(8), added: 503, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:1)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    fn note_session() -> Weight {
        Weight::from_parts(60_658_000, 4231)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(2))
    }

    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:0)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    // Storage: `Training::NextTurn` (r:1 w:1)
    // Proof: `Training::NextTurn` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    fn agenda() -> Weight {
        Weight::from_parts(31_843_000, 3535)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(1))
    }

    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Agenda` (r:1 w:1)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    fn turn() -> Weight {
        Weight::from_parts(82_016_000, 4825)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(2))
    }

    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Training::TicketHead` (r:1 w:0)
    // Proof: `Training::TicketHead` (`max_values`: Some(1), `max_size`: Some(72), added: 567, mode: `MaxEncodedLen`)
    // Storage: `Training::Slots` (r:0 w:256)
    // Proof: `Training::Slots` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
    // Storage: `Training::Rounds` (r:0 w:1)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    fn run_step(n: u32) -> Weight {
        Weight::from_parts(1_216_440, 3789)
            .saturating_add(Weight::from_parts(9_698_285, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
            .saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(n.into())))
    }

    // Storage: `Training::Rounds` (r:1 w:1)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `Training::Slots` (r:1 w:1)
    // Proof: `Training::Slots` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
    // Storage: `Training::Workers` (r:20 w:2)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Training::Words` (r:1 w:0)
    // Proof: `Training::Words` (`max_values`: Some(1), `max_size`: Some(217), added: 712, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::TicketHead` (r:1 w:0)
    // Proof: `Training::TicketHead` (`max_values`: Some(1), `max_size`: Some(72), added: 567, mode: `MaxEncodedLen`)
    // Storage: `Training::Tickets` (r:19 w:0)
    // Proof: `Training::Tickets` (`max_values`: None, `max_size`: Some(55), added: 2530, mode: `MaxEncodedLen`)
    fn slot_step() -> Weight {
        Weight::from_parts(867_409_000, 57110)
            .saturating_add(T::DbWeight::get().reads(45))
            .saturating_add(T::DbWeight::get().writes(5))
    }

    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Training::Rounds` (r:1 w:1)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `Training::Slots` (r:256 w:0)
    // Proof: `Training::Slots` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
    // Storage: `Training::Words` (r:1 w:0)
    // Proof: `Training::Words` (`max_values`: Some(1), `max_size`: Some(217), added: 712, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::TicketHead` (r:1 w:0)
    // Proof: `Training::TicketHead` (`max_values`: Some(1), `max_size`: Some(72), added: 567, mode: `MaxEncodedLen`)
    // Storage: `Training::Tickets` (r:20 w:0)
    // Proof: `Training::Tickets` (`max_values`: None, `max_size`: Some(55), added: 2530, mode: `MaxEncodedLen`)
    // Storage: `Training::Workers` (r:20 w:1)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `Training::Attesters` (r:0 w:1)
    // Proof: `Training::Attesters` (`max_values`: None, `max_size`: Some(111), added: 2586, mode: `MaxEncodedLen`)
    fn round_step() -> Weight {
        Weight::from_parts(4_482_825_000, 685278)
            .saturating_add(T::DbWeight::get().reads(301))
            .saturating_add(T::DbWeight::get().writes(4))
    }

    // Storage: `Training::Seats` (r:1 w:1)
    // Proof: `Training::Seats` (`max_values`: None, `max_size`: Some(105), added: 2580, mode: `MaxEncodedLen`)
    // Storage: `Training::Rounds` (r:1 w:1)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `Training::Slots` (r:1 w:1)
    // Proof: `Training::Slots` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Training::Workers` (r:1 w:1)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    fn settle_step() -> Weight {
        Weight::from_parts(373_207_000, 6196)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(7))
    }

    // Storage: `Training::TicketHead` (r:1 w:1)
    // Proof: `Training::TicketHead` (`max_values`: Some(1), `max_size`: Some(72), added: 567, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Tickets` (r:2 w:2)
    // Proof: `Training::Tickets` (`max_values`: None, `max_size`: Some(55), added: 2530, mode: `MaxEncodedLen`)
    // Storage: `Training::LeftTickets` (r:1 w:2)
    // Proof: `Training::LeftTickets` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
    // Storage: `Training::TicketPlaces` (r:0 w:1)
    // Proof: `Training::TicketPlaces` (`max_values`: None, `max_size`: Some(62), added: 2537, mode: `MaxEncodedLen`)
    fn compact() -> Weight {
        Weight::from_parts(83_172_000, 6050)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(6))
    }
}

/// For tests.
impl WeightInfo for () {
    fn register() -> Weight {
        Weight::from_parts(135_297_000, 6602)
            .saturating_add(ParityDbWeight::get().reads(7))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn update_worker() -> Weight {
        Weight::from_parts(64_937_000, 6602)
            .saturating_add(ParityDbWeight::get().reads(3))
            .saturating_add(ParityDbWeight::get().writes(3))
    }

    fn add_stake() -> Weight {
        Weight::from_parts(1_348_298_000, 160821)
            .saturating_add(ParityDbWeight::get().reads(69))
            .saturating_add(ParityDbWeight::get().writes(130))
    }

    fn ready() -> Weight {
        Weight::from_parts(2_137_018_000, 163358)
            .saturating_add(ParityDbWeight::get().reads(197))
            .saturating_add(ParityDbWeight::get().writes(194))
    }

    fn drain() -> Weight {
        Weight::from_parts(1_771_997_000, 163358)
            .saturating_add(ParityDbWeight::get().reads(133))
            .saturating_add(ParityDbWeight::get().writes(194))
    }

    fn unbond() -> Weight {
        Weight::from_parts(1_992_923_000, 163358)
            .saturating_add(ParityDbWeight::get().reads(133))
            .saturating_add(ParityDbWeight::get().writes(194))
    }

    fn withdraw() -> Weight {
        Weight::from_parts(239_530_000, 8799)
            .saturating_add(ParityDbWeight::get().reads(7))
            .saturating_add(ParityDbWeight::get().writes(7))
    }

    fn commit() -> Weight {
        Weight::from_parts(202_248_000, 6602)
            .saturating_add(ParityDbWeight::get().reads(11))
            .saturating_add(ParityDbWeight::get().writes(6))
    }

    fn report() -> Weight {
        Weight::from_parts(198_016_000, 6602)
            .saturating_add(ParityDbWeight::get().reads(11))
            .saturating_add(ParityDbWeight::get().writes(5))
    }

    fn post_root() -> Weight {
        Weight::from_parts(152_095_000, 6602)
            .saturating_add(ParityDbWeight::get().reads(10))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn seal() -> Weight {
        Weight::from_parts(181_440_000, 6602)
            .saturating_add(ParityDbWeight::get().reads(11))
            .saturating_add(ParityDbWeight::get().writes(5))
    }

    fn publish(n: u32) -> Weight {
        Weight::from_parts(181_272_114, 4315)
            .saturating_add(Weight::from_parts(10_401_703, 0).saturating_mul(n.into()))
            .saturating_add(ParityDbWeight::get().reads(8))
            .saturating_add(ParityDbWeight::get().writes(5))
    }

    fn reveal() -> Weight {
        Weight::from_parts(288_030_000, 6602)
            .saturating_add(ParityDbWeight::get().reads(14))
            .saturating_add(ParityDbWeight::get().writes(8))
    }

    fn pause_run() -> Weight {
        Weight::from_parts(46_700_000, 3789)
            .saturating_add(ParityDbWeight::get().reads(1))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn resume_run() -> Weight {
        Weight::from_parts(73_769_000, 3789)
            .saturating_add(ParityDbWeight::get().reads(4))
            .saturating_add(ParityDbWeight::get().writes(3))
    }

    fn stop_run() -> Weight {
        Weight::from_parts(193_672_000, 4315)
            .saturating_add(ParityDbWeight::get().reads(7))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn top_up_run() -> Weight {
        Weight::from_parts(183_565_000, 6196)
            .saturating_add(ParityDbWeight::get().reads(6))
            .saturating_add(ParityDbWeight::get().writes(5))
    }

    fn note_session() -> Weight {
        Weight::from_parts(60_658_000, 4231)
            .saturating_add(ParityDbWeight::get().reads(5))
            .saturating_add(ParityDbWeight::get().writes(2))
    }

    fn agenda() -> Weight {
        Weight::from_parts(31_843_000, 3535)
            .saturating_add(ParityDbWeight::get().reads(3))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn turn() -> Weight {
        Weight::from_parts(82_016_000, 4825)
            .saturating_add(ParityDbWeight::get().reads(5))
            .saturating_add(ParityDbWeight::get().writes(2))
    }

    fn run_step(n: u32) -> Weight {
        Weight::from_parts(1_216_440, 3789)
            .saturating_add(Weight::from_parts(9_698_285, 0).saturating_mul(n.into()))
            .saturating_add(ParityDbWeight::get().reads(2))
            .saturating_add(ParityDbWeight::get().writes(2))
            .saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(n.into())))
    }

    fn slot_step() -> Weight {
        Weight::from_parts(867_409_000, 57110)
            .saturating_add(ParityDbWeight::get().reads(45))
            .saturating_add(ParityDbWeight::get().writes(5))
    }

    fn round_step() -> Weight {
        Weight::from_parts(4_482_825_000, 685278)
            .saturating_add(ParityDbWeight::get().reads(301))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn settle_step() -> Weight {
        Weight::from_parts(373_207_000, 6196)
            .saturating_add(ParityDbWeight::get().reads(7))
            .saturating_add(ParityDbWeight::get().writes(7))
    }

    fn compact() -> Weight {
        Weight::from_parts(83_172_000, 6050)
            .saturating_add(ParityDbWeight::get().reads(5))
            .saturating_add(ParityDbWeight::get().writes(6))
    }
}
