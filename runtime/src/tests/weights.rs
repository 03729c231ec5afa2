//! Every call of our own pallets fits a block at its worst, with room for others.

use crate::{Runtime, RuntimeCall, constants::block::MAXIMUM_WEIGHT};
use frame_support::{dispatch::GetDispatchInfo, traits::Get, weights::Weight};
use sabha_protocol::{datasets::MAX_SHARDS, spec::limits};

/// What one call may take: a quarter of a block's weight.
fn most() -> Weight {
    MAXIMUM_WEIGHT / 4
}

/// Whether a call that somebody makes takes no more than a call may. The random games ask it of each of theirs.
pub fn fits(call: &RuntimeCall) -> bool {
    call.get_dispatch_info().call_weight.all_lte(most())
}

#[test]
fn calls_that_grow_with_what_they_are_given_fit_a_block_at_their_largest() {
    use pallet_sabha_allocation::WeightInfo as _;
    use pallet_sabha_datasets::WeightInfo as _;
    use pallet_sabha_reward_pool::WeightInfo as _;
    use pallet_sabha_training::WeightInfo as _;

    type Allocation = <Runtime as pallet_sabha_allocation::Config>::WeightInfo;
    type Datasets = <Runtime as pallet_sabha_datasets::Config>::WeightInfo;
    type Pools = <Runtime as pallet_sabha_reward_pool::Config>::WeightInfo;
    type Training = <Runtime as pallet_sabha_training::Config>::WeightInfo;

    let accounts = <Runtime as pallet_sabha_allocation::Config>::MaxCount::get();
    let pools = <Runtime as pallet_sabha_reward_pool::Config>::MaxBatch::get();
    for (name, weight) in [
        ("allocation.settle", Allocation::settle(accounts)),
        ("datasets.reveal_claim", Datasets::reveal_claim(MAX_SHARDS)),
        ("datasets.withdraw_claim", Datasets::withdraw_claim(MAX_SHARDS)),
        ("datasets.poke", Datasets::poke_settle(MAX_SHARDS)),
        ("reward_pool.claim_batch", Pools::claim_batch(pools)),
        ("training.publish", Training::publish(u32::from(limits::AUDIT))),
    ] {
        assert!(weight.any_gt(Weight::zero()) && weight.all_lte(most()), "{name} weighs {weight:?}");
    }
}
