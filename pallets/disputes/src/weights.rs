//! Weights of `pallet_sabha_disputes`, by `scripts/weights`: 20 steps, 20 repetitions each. Storage is counted, times are measured.
//!
//! Sources: blake2b ff0d911d57ab501df0d5377ce290ca1e

use core::marker::PhantomData;

use frame_support::{
    traits::Get,
    weights::{Weight, constants::ParityDbWeight},
};

/// Weights of `pallet_sabha_disputes`.
pub trait WeightInfo {
    /// Weight of `challenge`.
    fn challenge() -> Weight;
    /// Weight of `name_claim`.
    fn name_claim() -> Weight;
    /// Weight of `answer`.
    fn answer() -> Weight;
    /// Weight of `press`.
    fn press() -> Weight;
    /// Weight of `judge`.
    fn judge() -> Weight;
    /// Weight of `time_out`.
    fn time_out() -> Weight;
    /// Weight of `close`.
    fn close() -> Weight;
    /// Weight of `refute_stream`.
    fn refute_stream() -> Weight;
    /// Weight of `sweep`.
    fn sweep() -> Weight;
}

/// Weights on a chain, with that chain's database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Training::Rounds` (r:1 w:1)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `Disputes::NextGame` (r:1 w:1)
    // Proof: `Disputes::NextGame` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Timing::Durations` (r:1 w:0)
    // Proof: `Timing::Durations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `System::BlockHash` (r:1 w:0)
    // Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:0)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Games` (r:0 w:1)
    // Proof: `Disputes::Games` (`max_values`: None, `max_size`: Some(315), added: 2790, mode: `MaxEncodedLen`)
    fn challenge() -> Weight {
        Weight::from_parts(25_816_866_000, 4315)
            .saturating_add(T::DbWeight::get().reads(12))
            .saturating_add(T::DbWeight::get().writes(7))
    }

    // Storage: `Disputes::Games` (r:1 w:1)
    // Proof: `Disputes::Games` (`max_values`: None, `max_size`: Some(315), added: 2790, mode: `MaxEncodedLen`)
    // Storage: `Training::HotKeys` (r:1 w:0)
    // Proof: `Training::HotKeys` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `Training::Slots` (r:1 w:0)
    // Proof: `Training::Slots` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
    // Storage: `Training::Seats` (r:1 w:0)
    // Proof: `Training::Seats` (`max_values`: None, `max_size`: Some(105), added: 2580, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Training::Rounds` (r:1 w:0)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `System::BlockHash` (r:1 w:0)
    // Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
    // Storage: `Timing::Durations` (r:1 w:0)
    // Proof: `Timing::Durations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    fn name_claim() -> Weight {
        Weight::from_parts(111_636_000, 4315)
            .saturating_add(T::DbWeight::get().reads(9))
            .saturating_add(T::DbWeight::get().writes(1))
    }

    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Games` (r:1 w:1)
    // Proof: `Disputes::Games` (`max_values`: None, `max_size`: Some(315), added: 2790, mode: `MaxEncodedLen`)
    // Storage: `Training::HotKeys` (r:1 w:0)
    // Proof: `Training::HotKeys` (`max_values`: None, `max_size`: Some(80), added: 2555, mode: `MaxEncodedLen`)
    // Storage: `Training::Rounds` (r:1 w:0)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Disputes::LastShown` (r:0 w:1)
    // Proof: `Disputes::LastShown` (`max_values`: None, `max_size`: Some(7459), added: 9934, mode: `MaxEncodedLen`)
    fn answer() -> Weight {
        Weight::from_parts(26_009_765_000, 4315)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(2))
    }

    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Games` (r:1 w:1)
    // Proof: `Disputes::Games` (`max_values`: None, `max_size`: Some(315), added: 2790, mode: `MaxEncodedLen`)
    // Storage: `Training::Rounds` (r:1 w:0)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    fn press() -> Weight {
        Weight::from_parts(41_309_702_000, 4315)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(1))
    }

    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Games` (r:1 w:1)
    // Proof: `Disputes::Games` (`max_values`: None, `max_size`: Some(315), added: 2790, mode: `MaxEncodedLen`)
    // Storage: `Training::Slots` (r:1 w:1)
    // Proof: `Training::Slots` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Training::Rounds` (r:1 w:1)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Training::Workers` (r:2 w:1)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:2 w:2)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:3 w:3)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:0)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    // Storage: `Disputes::LastShown` (r:0 w:1)
    // Proof: `Disputes::LastShown` (`max_values`: None, `max_size`: Some(7459), added: 9934, mode: `MaxEncodedLen`)
    fn judge() -> Weight {
        Weight::from_parts(1_303_277_000, 8799)
            .saturating_add(T::DbWeight::get().reads(16))
            .saturating_add(T::DbWeight::get().writes(12))
    }

    // Storage: `Disputes::Games` (r:1 w:1)
    // Proof: `Disputes::Games` (`max_values`: None, `max_size`: Some(315), added: 2790, mode: `MaxEncodedLen`)
    // Storage: `Training::Slots` (r:1 w:1)
    // Proof: `Training::Slots` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Rounds` (r:1 w:1)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Training::Workers` (r:2 w:1)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:2 w:2)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:3 w:3)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:0)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    // Storage: `Disputes::LastShown` (r:0 w:1)
    // Proof: `Disputes::LastShown` (`max_values`: None, `max_size`: Some(7459), added: 9934, mode: `MaxEncodedLen`)
    fn time_out() -> Weight {
        Weight::from_parts(571_647_000, 8799)
            .saturating_add(T::DbWeight::get().reads(16))
            .saturating_add(T::DbWeight::get().writes(12))
    }

    // Storage: `Disputes::Games` (r:1 w:1)
    // Proof: `Disputes::Games` (`max_values`: None, `max_size`: Some(315), added: 2790, mode: `MaxEncodedLen`)
    // Storage: `Training::Slots` (r:1 w:0)
    // Proof: `Training::Slots` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `Disputes::LastShown` (r:0 w:1)
    // Proof: `Disputes::LastShown` (`max_values`: None, `max_size`: Some(7459), added: 9934, mode: `MaxEncodedLen`)
    fn close() -> Weight {
        Weight::from_parts(127_496_000, 3780)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }

    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Datasets::AcceptedRoots` (r:16 w:0)
    // Proof: `Datasets::AcceptedRoots` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Allocation::Turns` (r:1 w:1)
    // Proof: `Allocation::Turns` (`max_values`: Some(1), `max_size`: Some(17666), added: 18161, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
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
    fn refute_stream() -> Weight {
        Weight::from_parts(293_264_000, 42190)
            .saturating_add(T::DbWeight::get().reads(26))
            .saturating_add(T::DbWeight::get().writes(7))
    }

    // Storage: `Disputes::Swept` (r:1 w:1)
    // Proof: `Disputes::Swept` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Disputes::Games` (r:2 w:1)
    // Proof: `Disputes::Games` (`max_values`: None, `max_size`: Some(315), added: 2790, mode: `MaxEncodedLen`)
    // Storage: `Training::Slots` (r:1 w:1)
    // Proof: `Training::Slots` (`max_values`: None, `max_size`: Some(198), added: 2673, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Training::Specs` (r:1 w:0)
    // Proof: `Training::Specs` (`max_values`: None, `max_size`: Some(850), added: 3325, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Rounds` (r:1 w:1)
    // Proof: `Training::Rounds` (`max_values`: None, `max_size`: Some(491), added: 2966, mode: `MaxEncodedLen`)
    // Storage: `Training::Runs` (r:1 w:1)
    // Proof: `Training::Runs` (`max_values`: None, `max_size`: Some(324), added: 2799, mode: `MaxEncodedLen`)
    // Storage: `Training::Workers` (r:2 w:1)
    // Proof: `Training::Workers` (`max_values`: None, `max_size`: Some(331), added: 2806, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:2 w:2)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:3 w:3)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Training::Passes` (r:1 w:1)
    // Proof: `Training::Passes` (`max_values`: None, `max_size`: Some(26), added: 2501, mode: `MaxEncodedLen`)
    // Storage: `Training::Agenda` (r:1 w:0)
    // Proof: `Training::Agenda` (`max_values`: Some(1), `max_size`: Some(2050), added: 2545, mode: `MaxEncodedLen`)
    // Storage: `Disputes::LastShown` (r:0 w:1)
    // Proof: `Disputes::LastShown` (`max_values`: None, `max_size`: Some(7459), added: 9934, mode: `MaxEncodedLen`)
    fn sweep() -> Weight {
        Weight::from_parts(572_521_000, 8799)
            .saturating_add(T::DbWeight::get().reads(18))
            .saturating_add(T::DbWeight::get().writes(13))
    }
}

/// For tests.
impl WeightInfo for () {
    fn challenge() -> Weight {
        Weight::from_parts(25_816_866_000, 4315)
            .saturating_add(ParityDbWeight::get().reads(12))
            .saturating_add(ParityDbWeight::get().writes(7))
    }

    fn name_claim() -> Weight {
        Weight::from_parts(111_636_000, 4315)
            .saturating_add(ParityDbWeight::get().reads(9))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn answer() -> Weight {
        Weight::from_parts(26_009_765_000, 4315)
            .saturating_add(ParityDbWeight::get().reads(5))
            .saturating_add(ParityDbWeight::get().writes(2))
    }

    fn press() -> Weight {
        Weight::from_parts(41_309_702_000, 4315)
            .saturating_add(ParityDbWeight::get().reads(4))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn judge() -> Weight {
        Weight::from_parts(1_303_277_000, 8799)
            .saturating_add(ParityDbWeight::get().reads(16))
            .saturating_add(ParityDbWeight::get().writes(12))
    }

    fn time_out() -> Weight {
        Weight::from_parts(571_647_000, 8799)
            .saturating_add(ParityDbWeight::get().reads(16))
            .saturating_add(ParityDbWeight::get().writes(12))
    }

    fn close() -> Weight {
        Weight::from_parts(127_496_000, 3780)
            .saturating_add(ParityDbWeight::get().reads(4))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn refute_stream() -> Weight {
        Weight::from_parts(293_264_000, 42190)
            .saturating_add(ParityDbWeight::get().reads(26))
            .saturating_add(ParityDbWeight::get().writes(7))
    }

    fn sweep() -> Weight {
        Weight::from_parts(572_521_000, 8799)
            .saturating_add(ParityDbWeight::get().reads(18))
            .saturating_add(ParityDbWeight::get().writes(13))
    }
}
