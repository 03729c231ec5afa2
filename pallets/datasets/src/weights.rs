//! Weights of `pallet_sabha_datasets`, by `scripts/weights`: 20 steps, 20 repetitions each. Storage is counted, times are measured.
//!
//! Sources: blake2b 18f36df7dca1a70cf934002723aa154c

use core::marker::PhantomData;

use frame_support::{
    traits::Get,
    weights::{Weight, constants::ParityDbWeight},
};

/// Weights of `pallet_sabha_datasets`.
pub trait WeightInfo {
    /// Weight of `register_dataset`.
    fn register_dataset() -> Weight;
    /// Weight of `close_dataset`.
    fn close_dataset() -> Weight;
    /// Weight of `donate`.
    fn donate() -> Weight;
    /// Weight of `allot`.
    fn allot() -> Weight;
    /// Weight of `set_licence`.
    fn set_licence() -> Weight;
    /// Weight of `commit_claim`.
    fn commit_claim() -> Weight;
    /// Weight of `reveal_claim`.
    fn reveal_claim(s: u32) -> Weight;
    /// Weight of `withdraw_claim`.
    fn withdraw_claim(s: u32) -> Weight;
    /// Weight of `poke_draw`.
    fn poke_draw() -> Weight;
    /// Weight of `poke_next_panel`.
    fn poke_next_panel() -> Weight;
    /// Weight of `poke_settle`.
    fn poke_settle(s: u32) -> Weight;
    /// Weight of `poke_stand`.
    fn poke_stand() -> Weight;
    /// Weight of `register_curator`.
    fn register_curator() -> Weight;
    /// Weight of `add_curator_stake`.
    fn add_curator_stake() -> Weight;
    /// Weight of `ready_curator`.
    fn ready_curator() -> Weight;
    /// Weight of `drain_curator`.
    fn drain_curator() -> Weight;
    /// Weight of `withdraw_curator`.
    fn withdraw_curator() -> Weight;
    /// Weight of `seal_vote`.
    fn seal_vote() -> Weight;
    /// Weight of `reveal_vote`.
    fn reveal_vote() -> Weight;
    /// Weight of `appeal`.
    fn appeal() -> Weight;
    /// Weight of `arbitrate`.
    fn arbitrate() -> Weight;
}

/// Weights on a chain, with that chain's database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    // Storage: `Datasets::Licences` (r:1 w:0)
    // Proof: `Datasets::Licences` (`max_values`: Some(1), `max_size`: Some(4226), added: 4721, mode: `MaxEncodedLen`)
    // Storage: `Datasets::NextDataset` (r:1 w:1)
    // Proof: `Datasets::NextDataset` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Pools` (r:1 w:1)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Datasets` (r:0 w:1)
    // Proof: `Datasets::Datasets` (`max_values`: None, `max_size`: Some(361), added: 2836, mode: `MaxEncodedLen`)
    // Storage: `Datasets::DatasetDeposits` (r:0 w:1)
    // Proof: `Datasets::DatasetDeposits` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
    fn register_dataset() -> Weight {
        Weight::from_parts(123_697_000, 5711)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(6))
    }

    // Storage: `Datasets::Datasets` (r:1 w:1)
    // Proof: `Datasets::Datasets` (`max_values`: None, `max_size`: Some(361), added: 2836, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Allotted` (r:1 w:1)
    // Proof: `Datasets::Allotted` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `Datasets::DatasetDeposits` (r:1 w:1)
    // Proof: `Datasets::DatasetDeposits` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Pools` (r:1 w:1)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    fn close_dataset() -> Weight {
        Weight::from_parts(114_581_000, 3826)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(6))
    }

    // Storage: `Datasets::Datasets` (r:1 w:1)
    // Proof: `Datasets::Datasets` (`max_values`: None, `max_size`: Some(361), added: 2836, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Allotted` (r:1 w:1)
    // Proof: `Datasets::Allotted` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    fn donate() -> Weight {
        Weight::from_parts(96_995_000, 6196)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }

    // Storage: `Datasets::Datasets` (r:1 w:1)
    // Proof: `Datasets::Datasets` (`max_values`: None, `max_size`: Some(361), added: 2836, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:0)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Allotted` (r:1 w:1)
    // Proof: `Datasets::Allotted` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    fn allot() -> Weight {
        Weight::from_parts(35_359_000, 3826)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(2))
    }

    // Storage: `Datasets::Licences` (r:1 w:1)
    // Proof: `Datasets::Licences` (`max_values`: Some(1), `max_size`: Some(4226), added: 4721, mode: `MaxEncodedLen`)
    fn set_licence() -> Weight {
        Weight::from_parts(38_995_000, 5711)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }

    // Storage: `Datasets::Datasets` (r:1 w:1)
    // Proof: `Datasets::Datasets` (`max_values`: None, `max_size`: Some(361), added: 2836, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Licences` (r:1 w:0)
    // Proof: `Datasets::Licences` (`max_values`: Some(1), `max_size`: Some(4226), added: 4721, mode: `MaxEncodedLen`)
    // Storage: `Datasets::NextClaim` (r:1 w:1)
    // Proof: `Datasets::NextClaim` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Timing::Durations` (r:1 w:0)
    // Proof: `Timing::Durations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Claims` (r:0 w:1)
    // Proof: `Datasets::Claims` (`max_values`: None, `max_size`: Some(1239), added: 3714, mode: `MaxEncodedLen`)
    fn commit_claim() -> Weight {
        Weight::from_parts(146_034_000, 5711)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(5))
    }

    // Storage: `Datasets::Claims` (r:1 w:1)
    // Proof: `Datasets::Claims` (`max_values`: None, `max_size`: Some(1239), added: 3714, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Timing::Durations` (r:1 w:0)
    // Proof: `Timing::Durations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Datasets` (r:1 w:1)
    // Proof: `Datasets::Datasets` (`max_values`: None, `max_size`: Some(361), added: 2836, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Allotted` (r:1 w:1)
    // Proof: `Datasets::Allotted` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `Datasets::ShardClaims` (r:1024 w:1024)
    // Proof: `Datasets::ShardClaims` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Datasets::ClaimDeposits` (r:0 w:1)
    // Proof: `Datasets::ClaimDeposits` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
    // Storage: `Datasets::ClaimLocators` (r:0 w:1)
    // Proof: `Datasets::ClaimLocators` (`max_values`: None, `max_size`: Some(1045), added: 3520, mode: `MaxEncodedLen`)
    // Storage: `Datasets::ClaimShards` (r:0 w:1)
    // Proof: `Datasets::ClaimShards` (`max_values`: None, `max_size`: Some(32782), added: 35257, mode: `MaxEncodedLen`)
    fn reveal_claim(s: u32) -> Weight {
        Weight::from_parts(303_708_584, 6196)
            .saturating_add(Weight::from_parts(6_040_821, 0).saturating_mul(s.into()))
            .saturating_add(T::DbWeight::get().reads(9))
            .saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(s.into())))
            .saturating_add(T::DbWeight::get().writes(9))
            .saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(s.into())))
            .saturating_add(Weight::from_parts(0, 2527).saturating_mul(s.into()))
    }

    // Storage: `Datasets::Claims` (r:1 w:1)
    // Proof: `Datasets::Claims` (`max_values`: None, `max_size`: Some(1239), added: 3714, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:3 w:3)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:2 w:2)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Allotted` (r:1 w:1)
    // Proof: `Datasets::Allotted` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `Datasets::ClaimShards` (r:1 w:1)
    // Proof: `Datasets::ClaimShards` (`max_values`: None, `max_size`: Some(32782), added: 35257, mode: `MaxEncodedLen`)
    // Storage: `Datasets::ClaimDeposits` (r:1 w:1)
    // Proof: `Datasets::ClaimDeposits` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Datasets` (r:1 w:1)
    // Proof: `Datasets::Datasets` (`max_values`: None, `max_size`: Some(361), added: 2836, mode: `MaxEncodedLen`)
    // Storage: `Datasets::DatasetDeposits` (r:1 w:1)
    // Proof: `Datasets::DatasetDeposits` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Pools` (r:1 w:1)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    // Storage: `Datasets::ShardClaims` (r:0 w:1024)
    // Proof: `Datasets::ShardClaims` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `Datasets::ClaimLocators` (r:0 w:1)
    // Proof: `Datasets::ClaimLocators` (`max_values`: None, `max_size`: Some(1045), added: 3520, mode: `MaxEncodedLen`)
    fn withdraw_claim(s: u32) -> Weight {
        Weight::from_parts(338_405_964, 36247)
            .saturating_add(Weight::from_parts(2_501_388, 0).saturating_mul(s.into()))
            .saturating_add(T::DbWeight::get().reads(12))
            .saturating_add(T::DbWeight::get().writes(13))
            .saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(s.into())))
    }

    // Storage: `Datasets::Claims` (r:1 w:1)
    // Proof: `Datasets::Claims` (`max_values`: None, `max_size`: Some(1239), added: 3714, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Training::Words` (r:1 w:0)
    // Proof: `Training::Words` (`max_values`: Some(1), `max_size`: Some(217), added: 712, mode: `MaxEncodedLen`)
    // Storage: `Datasets::TicketHead` (r:1 w:0)
    // Proof: `Datasets::TicketHead` (`max_values`: Some(1), `max_size`: Some(72), added: 567, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Tickets` (r:47 w:0)
    // Proof: `Datasets::Tickets` (`max_values`: None, `max_size`: Some(55), added: 2530, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Curators` (r:15 w:15)
    // Proof: `Datasets::Curators` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
    // Storage: `Timing::Durations` (r:1 w:0)
    // Proof: `Timing::Durations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    fn poke_draw() -> Weight {
        Weight::from_parts(829_091_000, 119900)
            .saturating_add(T::DbWeight::get().reads(68))
            .saturating_add(T::DbWeight::get().writes(16))
    }

    // Storage: `Datasets::Claims` (r:1 w:1)
    // Proof: `Datasets::Claims` (`max_values`: None, `max_size`: Some(1239), added: 3714, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Datasets::Curators` (r:15 w:15)
    // Proof: `Datasets::Curators` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Allotted` (r:1 w:1)
    // Proof: `Datasets::Allotted` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Pools` (r:1 w:1)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:11 w:10)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Members` (r:15 w:15)
    // Proof: `RewardPool::Members` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:8 w:8)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Deposits` (r:8 w:0)
    // Proof: `RewardPool::Deposits` (`max_values`: None, `max_size`: Some(109), added: 2584, mode: `MaxEncodedLen`)
    fn poke_next_panel() -> Weight {
        Weight::from_parts(1_931_508_000, 40230)
            .saturating_add(T::DbWeight::get().reads(62))
            .saturating_add(T::DbWeight::get().writes(51))
    }

    // Storage: `Datasets::Claims` (r:1 w:1)
    // Proof: `Datasets::Claims` (`max_values`: None, `max_size`: Some(1239), added: 3714, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Datasets::Datasets` (r:1 w:1)
    // Proof: `Datasets::Datasets` (`max_values`: None, `max_size`: Some(361), added: 2836, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Curators` (r:15 w:15)
    // Proof: `Datasets::Curators` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:8 w:8)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:11 w:10)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Allotted` (r:1 w:1)
    // Proof: `Datasets::Allotted` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Members` (r:16 w:16)
    // Proof: `RewardPool::Members` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Pools` (r:2 w:2)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    // Storage: `Datasets::ClaimShards` (r:1 w:1)
    // Proof: `Datasets::ClaimShards` (`max_values`: None, `max_size`: Some(32782), added: 35257, mode: `MaxEncodedLen`)
    // Storage: `Datasets::ClaimDeposits` (r:1 w:1)
    // Proof: `Datasets::ClaimDeposits` (`max_values`: None, `max_size`: Some(28), added: 2503, mode: `MaxEncodedLen`)
    // Storage: `Datasets::ShardClaims` (r:0 w:1024)
    // Proof: `Datasets::ShardClaims` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // Storage: `Datasets::ClaimLocators` (r:0 w:1)
    // Proof: `Datasets::ClaimLocators` (`max_values`: None, `max_size`: Some(1045), added: 3520, mode: `MaxEncodedLen`)
    fn poke_settle(s: u32) -> Weight {
        Weight::from_parts(2_559_426_584, 42846)
            .saturating_add(Weight::from_parts(2_603_456, 0).saturating_mul(s.into()))
            .saturating_add(T::DbWeight::get().reads(59))
            .saturating_add(T::DbWeight::get().writes(57))
            .saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(s.into())))
            .saturating_add(Weight::from_parts(0, 32).saturating_mul(s.into()))
    }

    // Storage: `Datasets::Claims` (r:1 w:1)
    // Proof: `Datasets::Claims` (`max_values`: None, `max_size`: Some(1239), added: 3714, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Allotted` (r:1 w:1)
    // Proof: `Datasets::Allotted` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Datasets` (r:1 w:1)
    // Proof: `Datasets::Datasets` (`max_values`: None, `max_size`: Some(361), added: 2836, mode: `MaxEncodedLen`)
    fn poke_stand() -> Weight {
        Weight::from_parts(209_850_000, 6196)
            .saturating_add(T::DbWeight::get().reads(8))
            .saturating_add(T::DbWeight::get().writes(6))
    }

    // Storage: `Datasets::Curators` (r:1 w:1)
    // Proof: `Datasets::Curators` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Datasets::TicketPlaces` (r:64 w:64)
    // Proof: `Datasets::TicketPlaces` (`max_values`: None, `max_size`: Some(62), added: 2537, mode: `MaxEncodedLen`)
    // Storage: `Datasets::TicketHead` (r:1 w:1)
    // Proof: `Datasets::TicketHead` (`max_values`: Some(1), `max_size`: Some(72), added: 567, mode: `MaxEncodedLen`)
    // Storage: `Datasets::LeftTickets` (r:1 w:0)
    // Proof: `Datasets::LeftTickets` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Tickets` (r:0 w:64)
    // Proof: `Datasets::Tickets` (`max_values`: None, `max_size`: Some(55), added: 2530, mode: `MaxEncodedLen`)
    fn register_curator() -> Weight {
        Weight::from_parts(897_250_000, 163358)
            .saturating_add(T::DbWeight::get().reads(70))
            .saturating_add(T::DbWeight::get().writes(132))
    }

    // Storage: `Datasets::Curators` (r:1 w:1)
    // Proof: `Datasets::Curators` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Datasets::TicketPlaces` (r:63 w:63)
    // Proof: `Datasets::TicketPlaces` (`max_values`: None, `max_size`: Some(62), added: 2537, mode: `MaxEncodedLen`)
    // Storage: `Datasets::TicketHead` (r:1 w:1)
    // Proof: `Datasets::TicketHead` (`max_values`: Some(1), `max_size`: Some(72), added: 567, mode: `MaxEncodedLen`)
    // Storage: `Datasets::LeftTickets` (r:1 w:0)
    // Proof: `Datasets::LeftTickets` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Tickets` (r:0 w:63)
    // Proof: `Datasets::Tickets` (`max_values`: None, `max_size`: Some(55), added: 2530, mode: `MaxEncodedLen`)
    fn add_curator_stake() -> Weight {
        Weight::from_parts(922_525_000, 160821)
            .saturating_add(T::DbWeight::get().reads(69))
            .saturating_add(T::DbWeight::get().writes(130))
    }

    // Storage: `Datasets::Curators` (r:1 w:1)
    // Proof: `Datasets::Curators` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Datasets::TicketPlaces` (r:64 w:64)
    // Proof: `Datasets::TicketPlaces` (`max_values`: None, `max_size`: Some(62), added: 2537, mode: `MaxEncodedLen`)
    // Storage: `Datasets::TicketHead` (r:1 w:1)
    // Proof: `Datasets::TicketHead` (`max_values`: Some(1), `max_size`: Some(72), added: 567, mode: `MaxEncodedLen`)
    // Storage: `Datasets::LeftTickets` (r:64 w:64)
    // Proof: `Datasets::LeftTickets` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Tickets` (r:64 w:64)
    // Proof: `Datasets::Tickets` (`max_values`: None, `max_size`: Some(55), added: 2530, mode: `MaxEncodedLen`)
    fn ready_curator() -> Weight {
        Weight::from_parts(1_444_896_000, 163358)
            .saturating_add(T::DbWeight::get().reads(195))
            .saturating_add(T::DbWeight::get().writes(194))
    }

    // Storage: `Datasets::Curators` (r:1 w:1)
    // Proof: `Datasets::Curators` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Datasets::TicketPlaces` (r:64 w:64)
    // Proof: `Datasets::TicketPlaces` (`max_values`: None, `max_size`: Some(62), added: 2537, mode: `MaxEncodedLen`)
    // Storage: `Datasets::TicketHead` (r:1 w:1)
    // Proof: `Datasets::TicketHead` (`max_values`: Some(1), `max_size`: Some(72), added: 567, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Tickets` (r:65 w:64)
    // Proof: `Datasets::Tickets` (`max_values`: None, `max_size`: Some(55), added: 2530, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Members` (r:1 w:1)
    // Proof: `RewardPool::Members` (`max_values`: None, `max_size`: Some(141), added: 2616, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Pools` (r:1 w:1)
    // Proof: `RewardPool::Pools` (`max_values`: None, `max_size`: Some(98), added: 2573, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:0)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `RewardPool::Deposits` (r:1 w:0)
    // Proof: `RewardPool::Deposits` (`max_values`: None, `max_size`: Some(109), added: 2584, mode: `MaxEncodedLen`)
    // Storage: `Datasets::LeftTickets` (r:0 w:64)
    // Proof: `Datasets::LeftTickets` (`max_values`: None, `max_size`: Some(16), added: 2491, mode: `MaxEncodedLen`)
    fn drain_curator() -> Weight {
        Weight::from_parts(1_450_690_000, 165440)
            .saturating_add(T::DbWeight::get().reads(137))
            .saturating_add(T::DbWeight::get().writes(196))
    }

    // Storage: `Datasets::Curators` (r:1 w:1)
    // Proof: `Datasets::Curators` (`max_values`: None, `max_size`: Some(100), added: 2575, mode: `MaxEncodedLen`)
    // Storage: `Timing::Durations` (r:1 w:0)
    // Proof: `Timing::Durations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    // Storage: `Session::CurrentIndex` (r:1 w:0)
    // Proof: `Session::CurrentIndex` (`max_values`: Some(1), `max_size`: None, mode: `Measured`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    fn withdraw_curator() -> Weight {
        Weight::from_parts(112_768_000, 3712)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(3))
    }

    // Storage: `Datasets::Claims` (r:1 w:1)
    // Proof: `Datasets::Claims` (`max_values`: None, `max_size`: Some(1239), added: 3714, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    fn seal_vote() -> Weight {
        Weight::from_parts(84_195_000, 4704)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }

    // Storage: `Datasets::Claims` (r:1 w:1)
    // Proof: `Datasets::Claims` (`max_values`: None, `max_size`: Some(1239), added: 3714, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    fn reveal_vote() -> Weight {
        Weight::from_parts(93_277_000, 4704)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }

    // Storage: `Datasets::Claims` (r:1 w:1)
    // Proof: `Datasets::Claims` (`max_values`: None, `max_size`: Some(1239), added: 3714, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `Timing::Durations` (r:1 w:0)
    // Proof: `Timing::Durations` (`max_values`: Some(1), `max_size`: Some(52), added: 547, mode: `MaxEncodedLen`)
    fn appeal() -> Weight {
        Weight::from_parts(187_539_000, 4704)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(3))
    }

    // Storage: `Datasets::Claims` (r:1 w:1)
    // Proof: `Datasets::Claims` (`max_values`: None, `max_size`: Some(1239), added: 3714, mode: `MaxEncodedLen`)
    // Storage: `Timing::ActiveBlocks` (r:1 w:0)
    // Proof: `Timing::ActiveBlocks` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `Balances::Holds` (r:1 w:1)
    // Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(247), added: 2722, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:2 w:2)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Allotted` (r:1 w:1)
    // Proof: `Datasets::Allotted` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `Datasets::Datasets` (r:1 w:1)
    // Proof: `Datasets::Datasets` (`max_values`: None, `max_size`: Some(361), added: 2836, mode: `MaxEncodedLen`)
    fn arbitrate() -> Weight {
        Weight::from_parts(203_425_000, 6196)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(6))
    }
}

/// For tests.
impl WeightInfo for () {
    fn register_dataset() -> Weight {
        Weight::from_parts(123_697_000, 5711)
            .saturating_add(ParityDbWeight::get().reads(5))
            .saturating_add(ParityDbWeight::get().writes(6))
    }

    fn close_dataset() -> Weight {
        Weight::from_parts(114_581_000, 3826)
            .saturating_add(ParityDbWeight::get().reads(6))
            .saturating_add(ParityDbWeight::get().writes(6))
    }

    fn donate() -> Weight {
        Weight::from_parts(96_995_000, 6196)
            .saturating_add(ParityDbWeight::get().reads(4))
            .saturating_add(ParityDbWeight::get().writes(4))
    }

    fn allot() -> Weight {
        Weight::from_parts(35_359_000, 3826)
            .saturating_add(ParityDbWeight::get().reads(3))
            .saturating_add(ParityDbWeight::get().writes(2))
    }

    fn set_licence() -> Weight {
        Weight::from_parts(38_995_000, 5711)
            .saturating_add(ParityDbWeight::get().reads(1))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn commit_claim() -> Weight {
        Weight::from_parts(146_034_000, 5711)
            .saturating_add(ParityDbWeight::get().reads(7))
            .saturating_add(ParityDbWeight::get().writes(5))
    }

    fn reveal_claim(s: u32) -> Weight {
        Weight::from_parts(303_708_584, 6196)
            .saturating_add(Weight::from_parts(6_040_821, 0).saturating_mul(s.into()))
            .saturating_add(ParityDbWeight::get().reads(9))
            .saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(s.into())))
            .saturating_add(ParityDbWeight::get().writes(9))
            .saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(s.into())))
            .saturating_add(Weight::from_parts(0, 2527).saturating_mul(s.into()))
    }

    fn withdraw_claim(s: u32) -> Weight {
        Weight::from_parts(338_405_964, 36247)
            .saturating_add(Weight::from_parts(2_501_388, 0).saturating_mul(s.into()))
            .saturating_add(ParityDbWeight::get().reads(12))
            .saturating_add(ParityDbWeight::get().writes(13))
            .saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(s.into())))
    }

    fn poke_draw() -> Weight {
        Weight::from_parts(829_091_000, 119900)
            .saturating_add(ParityDbWeight::get().reads(68))
            .saturating_add(ParityDbWeight::get().writes(16))
    }

    fn poke_next_panel() -> Weight {
        Weight::from_parts(1_931_508_000, 40230)
            .saturating_add(ParityDbWeight::get().reads(62))
            .saturating_add(ParityDbWeight::get().writes(51))
    }

    fn poke_settle(s: u32) -> Weight {
        Weight::from_parts(2_559_426_584, 42846)
            .saturating_add(Weight::from_parts(2_603_456, 0).saturating_mul(s.into()))
            .saturating_add(ParityDbWeight::get().reads(59))
            .saturating_add(ParityDbWeight::get().writes(57))
            .saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(s.into())))
            .saturating_add(Weight::from_parts(0, 32).saturating_mul(s.into()))
    }

    fn poke_stand() -> Weight {
        Weight::from_parts(209_850_000, 6196)
            .saturating_add(ParityDbWeight::get().reads(8))
            .saturating_add(ParityDbWeight::get().writes(6))
    }

    fn register_curator() -> Weight {
        Weight::from_parts(897_250_000, 163358)
            .saturating_add(ParityDbWeight::get().reads(70))
            .saturating_add(ParityDbWeight::get().writes(132))
    }

    fn add_curator_stake() -> Weight {
        Weight::from_parts(922_525_000, 160821)
            .saturating_add(ParityDbWeight::get().reads(69))
            .saturating_add(ParityDbWeight::get().writes(130))
    }

    fn ready_curator() -> Weight {
        Weight::from_parts(1_444_896_000, 163358)
            .saturating_add(ParityDbWeight::get().reads(195))
            .saturating_add(ParityDbWeight::get().writes(194))
    }

    fn drain_curator() -> Weight {
        Weight::from_parts(1_450_690_000, 165440)
            .saturating_add(ParityDbWeight::get().reads(137))
            .saturating_add(ParityDbWeight::get().writes(196))
    }

    fn withdraw_curator() -> Weight {
        Weight::from_parts(112_768_000, 3712)
            .saturating_add(ParityDbWeight::get().reads(6))
            .saturating_add(ParityDbWeight::get().writes(3))
    }

    fn seal_vote() -> Weight {
        Weight::from_parts(84_195_000, 4704)
            .saturating_add(ParityDbWeight::get().reads(2))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn reveal_vote() -> Weight {
        Weight::from_parts(93_277_000, 4704)
            .saturating_add(ParityDbWeight::get().reads(2))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn appeal() -> Weight {
        Weight::from_parts(187_539_000, 4704)
            .saturating_add(ParityDbWeight::get().reads(5))
            .saturating_add(ParityDbWeight::get().writes(3))
    }

    fn arbitrate() -> Weight {
        Weight::from_parts(203_425_000, 6196)
            .saturating_add(ParityDbWeight::get().reads(7))
            .saturating_add(ParityDbWeight::get().writes(6))
    }
}
