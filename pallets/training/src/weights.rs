//! Weights of `pallet_sabha_training`, by `scripts/weights`: 20 steps, 20 repetitions each. Storage is counted, times are measured.
//!
//! Sources: blake2b 96b1afd638c2bd35b9db0ba57a09d736

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
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `Training::Records` (r:1 w:0)
    // Proof: `Training::Records` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
    fn register() -> Weight {
        Weight::from_parts(120_147_000, 6602)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(4))
    }

    // Storage: `Training::Workers` (r:2 w:1)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `Training::HotKeys` (r:1 w:2)
    // Proof: `Training::HotKeys` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    fn update_worker() -> Weight {
        Weight::from_parts(46_924_000, 6602)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }

    // Storage: `Training::Workers` (r:1 w:1)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::TicketPlaces` (r:63 w:63)
    // Proof: `Training::TicketPlaces` (`max_values`: None, `max_size`: Some(62), added: 2537, mode: `MaxEncodedLen`)
    // Storage: `Training::TicketHead` (r:1 w:1)
    // Proof: `Training::TicketHead` (`max_values`: Some(1), `max_size`: Some(72), added: 567, mode: `MaxEncodedLen`)
    // Storage: `Training::LeftTickets` (r:1 w:0)
    // Proof: `Training::LeftTickets` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
    // Storage: `Training::Capacity` (r:1 w:1)
    // Proof: `Training::Capacity` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::Tickets` (r:0 w:63)
    // Proof: `Training::Tickets` (`max_values`: None, `max_size`: Some(55), added: 2530, mode: `MaxEncodedLen`)
    fn add_stake() -> Weight {
        Weight::from_parts(1_012_188_000, 160821)
            .saturating_add(T::DbWeight::get().reads(70))
            .saturating_add(T::DbWeight::get().writes(131))
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
    // Storage: `Training::Capacity` (r:1 w:1)
    // Proof: `Training::Capacity` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    fn ready() -> Weight {
        Weight::from_parts(1_660_770_000, 163358)
            .saturating_add(T::DbWeight::get().reads(198))
            .saturating_add(T::DbWeight::get().writes(195))
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
    // Storage: `Training::Capacity` (r:1 w:1)
    // Proof: `Training::Capacity` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::LeftTickets` (r:0 w:64)
    // Proof: `Training::LeftTickets` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
    fn drain() -> Weight {
        Weight::from_parts(1_506_731_000, 163358)
            .saturating_add(T::DbWeight::get().reads(134))
            .saturating_add(T::DbWeight::get().writes(195))
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
    // Storage: `Training::Capacity` (r:1 w:1)
    // Proof: `Training::Capacity` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Timing::Durations` (r:1 w:0)
    // Proof: `Timing::Durations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    // Storage: `Training::LeftTickets` (r:0 w:64)
    // Proof: `Training::LeftTickets` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
    fn unbond() -> Weight {
        Weight::from_parts(1_483_038_000, 163358)
            .saturating_add(T::DbWeight::get().reads(134))
            .saturating_add(T::DbWeight::get().writes(195))
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
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `Training::HotKeys` (r:0 w:1)
    // Proof: `Training::HotKeys` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `Training::Records` (r:0 w:1)
    // Proof: `Training::Records` (`max_values`: None, `max_size`: Some(56), added: 2531, mode: `MaxEncodedLen`)
    fn withdraw() -> Weight {
        Weight::from_parts(184_106_000, 8799)
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
    // Storage: `Training::Unserved` (r:1 w:0)
    // Proof: `Training::Unserved` (`max_values`: None, `max_size`: Some(50), added: 2525, mode: `MaxEncodedLen`)
    // Storage: `Training::InFlight` (r:1 w:1)
    // Proof: `Training::InFlight` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:1)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    fn commit() -> Weight {
        Weight::from_parts(192_825_000, 6602)
            .saturating_add(T::DbWeight::get().reads(13))
            .saturating_add(T::DbWeight::get().writes(7))
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
        Weight::from_parts(156_940_000, 6602)
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
        Weight::from_parts(162_217_000, 6602)
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
        Weight::from_parts(174_178_000, 6602)
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
        Weight::from_parts(196_305_104, 4315)
            .saturating_add(Weight::from_parts(8_480_336, 0).saturating_mul(n.into()))
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
        Weight::from_parts(219_971_000, 6602)
            .saturating_add(T::DbWeight::get().reads(14))
            .saturating_add(T::DbWeight::get().writes(8))
    }

    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Turns` (r:1 w:1)
    // Proof: `Allocation::Turns` (`max_values`: Some(1), `max_size`: Some(17666), added: 18161, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    fn pause_run() -> Weight {
        Weight::from_parts(154_226_000, 19151)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(2))
    }

    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Turns` (r:1 w:1)
    // Proof: `Allocation::Turns` (`max_values`: Some(1), `max_size`: Some(17666), added: 18161, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:1)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    fn resume_run() -> Weight {
        Weight::from_parts(178_406_000, 19151)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(4))
    }

    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Turns` (r:1 w:1)
    // Proof: `Allocation::Turns` (`max_values`: Some(1), `max_size`: Some(17666), added: 18161, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Rounds` (r:1 w:1)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `Training::Unserved` (r:1 w:1)
    // Proof: `Training::Unserved` (`max_values`: None, `max_size`: Some(50), added: 2525, mode: `MaxEncodedLen`)
    // Storage: `Training::InFlight` (r:1 w:1)
    // Proof: `Training::InFlight` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:1)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    fn stop_run() -> Weight {
        Weight::from_parts(401_831_000, 21805)
            .saturating_add(T::DbWeight::get().reads(10))
            .saturating_add(T::DbWeight::get().writes(7))
    }

    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Turns` (r:1 w:1)
    // Proof: `Allocation::Turns` (`max_values`: Some(1), `max_size`: Some(17666), added: 18161, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:1)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    fn top_up_run() -> Weight {
        Weight::from_parts(276_970_000, 19151)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(6))
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
        Weight::from_parts(51_023_000, 4232)
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
        Weight::from_parts(26_784_000, 3535)
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
        Weight::from_parts(67_338_000, 4826)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(2))
    }

    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Training::TicketHead` (r:1 w:0)
    // Proof: `Training::TicketHead` (`max_values`: Some(1), `max_size`: Some(72), added: 567, mode: `MaxEncodedLen`)
    // Storage: `Training::InFlight` (r:1 w:1)
    // Proof: `Training::InFlight` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::Capacity` (r:1 w:0)
    // Proof: `Training::Capacity` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Timing::Durations` (r:1 w:0)
    // Proof: `Timing::Durations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Turns` (r:1 w:1)
    // Proof: `Allocation::Turns` (`max_values`: Some(1), `max_size`: Some(17666), added: 18161, mode: `MaxEncodedLen`)
    // Storage: `Training::Unserved` (r:1 w:0)
    // Proof: `Training::Unserved` (`max_values`: None, `max_size`: Some(50), added: 2525, mode: `MaxEncodedLen`)
    // Storage: `Training::Slots` (r:0 w:256)
    // Proof: `Training::Slots` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
    // Storage: `Training::Rounds` (r:0 w:1)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    fn run_step(n: u32) -> Weight {
        Weight::from_parts(648_242_656, 19151)
            .saturating_add(Weight::from_parts(6_033_153, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(4))
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
    // Storage: `Training::Unserved` (r:1 w:0)
    // Proof: `Training::Unserved` (`max_values`: None, `max_size`: Some(50), added: 2525, mode: `MaxEncodedLen`)
    // Storage: `Training::Words` (r:1 w:0)
    // Proof: `Training::Words` (`max_values`: Some(1), `max_size`: Some(217), added: 712, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::TicketHead` (r:1 w:0)
    // Proof: `Training::TicketHead` (`max_values`: Some(1), `max_size`: Some(72), added: 567, mode: `MaxEncodedLen`)
    // Storage: `Training::Tickets` (r:19 w:0)
    // Proof: `Training::Tickets` (`max_values`: None, `max_size`: Some(55), added: 2530, mode: `MaxEncodedLen`)
    fn slot_step() -> Weight {
        Weight::from_parts(631_989_000, 57110)
            .saturating_add(T::DbWeight::get().reads(46))
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
        Weight::from_parts(3_670_935_000, 685278)
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
        Weight::from_parts(315_360_000, 6196)
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
        Weight::from_parts(66_950_000, 6050)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(6))
    }
}

/// For tests.
impl WeightInfo for () {
    fn register() -> Weight {
        Weight::from_parts(120_147_000, 6602)
            .saturating_add(ParityDbWeight::get().reads(7))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn update_worker() -> Weight {
        Weight::from_parts(46_924_000, 6602)
            .saturating_add(ParityDbWeight::get().reads(3))
            .saturating_add(ParityDbWeight::get().writes(3))
    }

    fn add_stake() -> Weight {
        Weight::from_parts(1_012_188_000, 160821)
            .saturating_add(ParityDbWeight::get().reads(70))
            .saturating_add(ParityDbWeight::get().writes(131))
    }

    fn ready() -> Weight {
        Weight::from_parts(1_660_770_000, 163358)
            .saturating_add(ParityDbWeight::get().reads(198))
            .saturating_add(ParityDbWeight::get().writes(195))
    }

    fn drain() -> Weight {
        Weight::from_parts(1_506_731_000, 163358)
            .saturating_add(ParityDbWeight::get().reads(134))
            .saturating_add(ParityDbWeight::get().writes(195))
    }

    fn unbond() -> Weight {
        Weight::from_parts(1_483_038_000, 163358)
            .saturating_add(ParityDbWeight::get().reads(134))
            .saturating_add(ParityDbWeight::get().writes(195))
    }

    fn withdraw() -> Weight {
        Weight::from_parts(184_106_000, 8799)
            .saturating_add(ParityDbWeight::get().reads(7))
            .saturating_add(ParityDbWeight::get().writes(7))
    }

    fn commit() -> Weight {
        Weight::from_parts(192_825_000, 6602)
            .saturating_add(ParityDbWeight::get().reads(13))
            .saturating_add(ParityDbWeight::get().writes(7))
    }

    fn report() -> Weight {
        Weight::from_parts(156_940_000, 6602)
            .saturating_add(ParityDbWeight::get().reads(11))
            .saturating_add(ParityDbWeight::get().writes(5))
    }

    fn post_root() -> Weight {
        Weight::from_parts(162_217_000, 6602)
            .saturating_add(ParityDbWeight::get().reads(10))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn seal() -> Weight {
        Weight::from_parts(174_178_000, 6602)
            .saturating_add(ParityDbWeight::get().reads(11))
            .saturating_add(ParityDbWeight::get().writes(5))
    }

    fn publish(n: u32) -> Weight {
        Weight::from_parts(196_305_104, 4315)
            .saturating_add(Weight::from_parts(8_480_336, 0).saturating_mul(n.into()))
            .saturating_add(ParityDbWeight::get().reads(8))
            .saturating_add(ParityDbWeight::get().writes(5))
    }

    fn reveal() -> Weight {
        Weight::from_parts(219_971_000, 6602)
            .saturating_add(ParityDbWeight::get().reads(14))
            .saturating_add(ParityDbWeight::get().writes(8))
    }

    fn pause_run() -> Weight {
        Weight::from_parts(154_226_000, 19151)
            .saturating_add(ParityDbWeight::get().reads(3))
            .saturating_add(ParityDbWeight::get().writes(2))
    }

    fn resume_run() -> Weight {
        Weight::from_parts(178_406_000, 19151)
            .saturating_add(ParityDbWeight::get().reads(5))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn stop_run() -> Weight {
        Weight::from_parts(401_831_000, 21805)
            .saturating_add(ParityDbWeight::get().reads(10))
            .saturating_add(ParityDbWeight::get().writes(7))
    }

    fn top_up_run() -> Weight {
        Weight::from_parts(276_970_000, 19151)
            .saturating_add(ParityDbWeight::get().reads(7))
            .saturating_add(ParityDbWeight::get().writes(6))
    }

    fn note_session() -> Weight {
        Weight::from_parts(51_023_000, 4232)
            .saturating_add(ParityDbWeight::get().reads(5))
            .saturating_add(ParityDbWeight::get().writes(2))
    }

    fn agenda() -> Weight {
        Weight::from_parts(26_784_000, 3535)
            .saturating_add(ParityDbWeight::get().reads(3))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn turn() -> Weight {
        Weight::from_parts(67_338_000, 4826)
            .saturating_add(ParityDbWeight::get().reads(5))
            .saturating_add(ParityDbWeight::get().writes(2))
    }

    fn run_step(n: u32) -> Weight {
        Weight::from_parts(648_242_656, 19151)
            .saturating_add(Weight::from_parts(6_033_153, 0).saturating_mul(n.into()))
            .saturating_add(ParityDbWeight::get().reads(8))
            .saturating_add(ParityDbWeight::get().writes(4))
            .saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(n.into())))
    }

    fn slot_step() -> Weight {
        Weight::from_parts(631_989_000, 57110)
            .saturating_add(ParityDbWeight::get().reads(46))
            .saturating_add(ParityDbWeight::get().writes(5))
    }

    fn round_step() -> Weight {
        Weight::from_parts(3_670_935_000, 685278)
            .saturating_add(ParityDbWeight::get().reads(301))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn settle_step() -> Weight {
        Weight::from_parts(315_360_000, 6196)
            .saturating_add(ParityDbWeight::get().reads(7))
            .saturating_add(ParityDbWeight::get().writes(7))
    }

    fn compact() -> Weight {
        Weight::from_parts(66_950_000, 6050)
            .saturating_add(ParityDbWeight::get().reads(5))
            .saturating_add(ParityDbWeight::get().writes(6))
    }
}
