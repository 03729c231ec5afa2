//! Weights of `pallet_sabha_datasets`: estimates, until `scripts/weights` measures them.

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
    fn withdraw_claim() -> Weight;
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
    fn register_dataset() -> Weight {
        Weight::from_parts(200_000_000, 4000)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(7))
    }

    fn close_dataset() -> Weight {
        Weight::from_parts(220_000_000, 4200)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(6))
    }

    fn donate() -> Weight {
        Weight::from_parts(120_000_000, 6196)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(3))
    }

    fn allot() -> Weight {
        Weight::from_parts(60_000_000, 3593)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(2))
    }

    fn set_licence() -> Weight {
        Weight::from_parts(40_000_000, 5700)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }

    fn commit_claim() -> Weight {
        Weight::from_parts(180_000_000, 4000)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(5))
    }

    fn reveal_claim(s: u32) -> Weight {
        Weight::from_parts(300_000_000, 6196)
            .saturating_add(Weight::from_parts(6_000_000, 0).saturating_mul(s.into()))
            .saturating_add(T::DbWeight::get().reads(12))
            .saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(s.into())))
            .saturating_add(T::DbWeight::get().writes(12))
            .saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(s.into())))
    }

    fn withdraw_claim() -> Weight {
        Weight::from_parts(170_000_000, 4000)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(6))
    }

    fn poke_draw() -> Weight {
        Weight::from_parts(1_200_000_000, 90000)
            .saturating_add(T::DbWeight::get().reads(990))
            .saturating_add(T::DbWeight::get().writes(17))
    }

    fn poke_next_panel() -> Weight {
        Weight::from_parts(3_300_000_000, 90000)
            .saturating_add(T::DbWeight::get().reads(100))
            .saturating_add(T::DbWeight::get().writes(110))
    }

    fn poke_settle(s: u32) -> Weight {
        Weight::from_parts(3_600_000_000, 90000)
            .saturating_add(Weight::from_parts(3_000_000, 0).saturating_mul(s.into()))
            .saturating_add(T::DbWeight::get().reads(120))
            .saturating_add(T::DbWeight::get().writes(130))
            .saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(s.into())))
    }

    fn poke_stand() -> Weight {
        Weight::from_parts(200_000_000, 6196)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(6))
    }

    fn register_curator() -> Weight {
        Weight::from_parts(900_000_000, 90000)
            .saturating_add(T::DbWeight::get().reads(140))
            .saturating_add(T::DbWeight::get().writes(200))
    }

    fn add_curator_stake() -> Weight {
        Weight::from_parts(900_000_000, 90000)
            .saturating_add(T::DbWeight::get().reads(140))
            .saturating_add(T::DbWeight::get().writes(200))
    }

    fn ready_curator() -> Weight {
        Weight::from_parts(900_000_000, 90000)
            .saturating_add(T::DbWeight::get().reads(140))
            .saturating_add(T::DbWeight::get().writes(200))
    }

    fn drain_curator() -> Weight {
        Weight::from_parts(900_000_000, 90000)
            .saturating_add(T::DbWeight::get().reads(200))
            .saturating_add(T::DbWeight::get().writes(200))
    }

    fn withdraw_curator() -> Weight {
        Weight::from_parts(130_000_000, 3800)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(3))
    }

    fn seal_vote() -> Weight {
        Weight::from_parts(40_000_000, 4100)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }

    fn reveal_vote() -> Weight {
        Weight::from_parts(45_000_000, 4100)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }

    fn appeal() -> Weight {
        Weight::from_parts(130_000_000, 4100)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(3))
    }

    fn arbitrate() -> Weight {
        Weight::from_parts(200_000_000, 6196)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(5))
    }
}

/// For tests.
impl WeightInfo for () {
    fn register_dataset() -> Weight {
        Weight::from_parts(200_000_000, 4000)
            .saturating_add(ParityDbWeight::get().reads(6))
            .saturating_add(ParityDbWeight::get().writes(7))
    }

    fn close_dataset() -> Weight {
        Weight::from_parts(220_000_000, 4200)
            .saturating_add(ParityDbWeight::get().reads(6))
            .saturating_add(ParityDbWeight::get().writes(6))
    }

    fn donate() -> Weight {
        Weight::from_parts(120_000_000, 6196)
            .saturating_add(ParityDbWeight::get().reads(4))
            .saturating_add(ParityDbWeight::get().writes(3))
    }

    fn allot() -> Weight {
        Weight::from_parts(60_000_000, 3593)
            .saturating_add(ParityDbWeight::get().reads(3))
            .saturating_add(ParityDbWeight::get().writes(2))
    }

    fn set_licence() -> Weight {
        Weight::from_parts(40_000_000, 5700)
            .saturating_add(ParityDbWeight::get().reads(1))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn commit_claim() -> Weight {
        Weight::from_parts(180_000_000, 4000)
            .saturating_add(ParityDbWeight::get().reads(7))
            .saturating_add(ParityDbWeight::get().writes(5))
    }

    fn reveal_claim(s: u32) -> Weight {
        Weight::from_parts(300_000_000, 6196)
            .saturating_add(Weight::from_parts(6_000_000, 0).saturating_mul(s.into()))
            .saturating_add(ParityDbWeight::get().reads(12))
            .saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(s.into())))
            .saturating_add(ParityDbWeight::get().writes(12))
            .saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(s.into())))
    }

    fn withdraw_claim() -> Weight {
        Weight::from_parts(170_000_000, 4000)
            .saturating_add(ParityDbWeight::get().reads(6))
            .saturating_add(ParityDbWeight::get().writes(6))
    }

    fn poke_draw() -> Weight {
        Weight::from_parts(1_200_000_000, 90000)
            .saturating_add(ParityDbWeight::get().reads(990))
            .saturating_add(ParityDbWeight::get().writes(17))
    }

    fn poke_next_panel() -> Weight {
        Weight::from_parts(3_300_000_000, 90000)
            .saturating_add(ParityDbWeight::get().reads(100))
            .saturating_add(ParityDbWeight::get().writes(110))
    }

    fn poke_settle(s: u32) -> Weight {
        Weight::from_parts(3_600_000_000, 90000)
            .saturating_add(Weight::from_parts(3_000_000, 0).saturating_mul(s.into()))
            .saturating_add(ParityDbWeight::get().reads(120))
            .saturating_add(ParityDbWeight::get().writes(130))
            .saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(s.into())))
    }

    fn poke_stand() -> Weight {
        Weight::from_parts(200_000_000, 6196)
            .saturating_add(ParityDbWeight::get().reads(6))
            .saturating_add(ParityDbWeight::get().writes(6))
    }

    fn register_curator() -> Weight {
        Weight::from_parts(900_000_000, 90000)
            .saturating_add(ParityDbWeight::get().reads(140))
            .saturating_add(ParityDbWeight::get().writes(200))
    }

    fn add_curator_stake() -> Weight {
        Weight::from_parts(900_000_000, 90000)
            .saturating_add(ParityDbWeight::get().reads(140))
            .saturating_add(ParityDbWeight::get().writes(200))
    }

    fn ready_curator() -> Weight {
        Weight::from_parts(900_000_000, 90000)
            .saturating_add(ParityDbWeight::get().reads(140))
            .saturating_add(ParityDbWeight::get().writes(200))
    }

    fn drain_curator() -> Weight {
        Weight::from_parts(900_000_000, 90000)
            .saturating_add(ParityDbWeight::get().reads(200))
            .saturating_add(ParityDbWeight::get().writes(200))
    }

    fn withdraw_curator() -> Weight {
        Weight::from_parts(130_000_000, 3800)
            .saturating_add(ParityDbWeight::get().reads(5))
            .saturating_add(ParityDbWeight::get().writes(3))
    }

    fn seal_vote() -> Weight {
        Weight::from_parts(40_000_000, 4100)
            .saturating_add(ParityDbWeight::get().reads(2))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn reveal_vote() -> Weight {
        Weight::from_parts(45_000_000, 4100)
            .saturating_add(ParityDbWeight::get().reads(2))
            .saturating_add(ParityDbWeight::get().writes(1))
    }

    fn appeal() -> Weight {
        Weight::from_parts(130_000_000, 4100)
            .saturating_add(ParityDbWeight::get().reads(5))
            .saturating_add(ParityDbWeight::get().writes(3))
    }

    fn arbitrate() -> Weight {
        Weight::from_parts(200_000_000, 6196)
            .saturating_add(ParityDbWeight::get().reads(7))
            .saturating_add(ParityDbWeight::get().writes(5))
    }
}
