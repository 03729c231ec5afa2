//! Rewards for the data of runs.

use frame_support::{assert_noop, assert_ok, storage::with_storage_layer};
use sabha_protocol::{
    Digest, UNITS,
    datasets::{Content, lineage::Lineage},
    pool::PoolId,
};

use crate::mock::*;

/// The root of a claim of so many shards, which was accepted.
fn accepted(who: AccountId, dataset: u32, seed: u32, count: u32) -> Digest {
    let claim = claim_of(who, dataset, seed, count);
    judge(claim, &[10_000; 3]);
    settle(claim);
    Content { units: 1, bytes: 1, shards: &shards(seed, count) }.root()
}

/// A run that was trained on three mebibytes of one dataset and one of another: so are they rewarded, whoever brought them. What nobody
/// has judged earns nothing.
#[test]
fn the_data_of_a_run_is_rewarded_by_its_bytes() {
    run(|| {
        curators(3);
        let (books, letters) = (dataset(3), dataset(3));
        let roots = [
            accepted(ASHA, books, 1, 2),
            accepted(BINH, books, 2, 1),
            accepted(BINH, letters, 3, 1),
            Digest::of(b"nobody's"),
        ];
        for who in [ASHA, BINH] {
            for pool in [books, letters] {
                let _ = RewardPool::claim(signed(who), PoolId::Dataset(pool));
            }
        }
        assert_eq!(<Datasets as Lineage<AccountId>>::accepted(&roots[0]), Some((books, 2 << 20)));
        assert_eq!(<Datasets as Lineage<AccountId>>::accepted(&roots[3]), None);
        let before = Balances::free_balance(DONOR);
        assert_eq!(Datasets::reward(&roots, &DONOR, 8 * UNITS), Ok(8 * UNITS));
        assert_eq!(before - Balances::free_balance(DONOR), 8 * UNITS);
        assert_eq!(owed(PoolId::Dataset(books), ASHA), 4 * UNITS);
        assert_eq!(owed(PoolId::Dataset(books), BINH), 2 * UNITS);
        assert_eq!(owed(PoolId::Dataset(letters), BINH), 2 * UNITS);
        // Closed, they earn still.
        assert_ok!(Datasets::close_dataset(signed(OWNER), letters));
        assert_eq!(Datasets::reward(&roots[2..], &DONOR, UNITS), Ok(UNITS));
        assert_eq!(owed(PoolId::Dataset(letters), BINH), 3 * UNITS);
    });
}

#[test]
fn data_that_nobody_judged_earns_nothing() {
    run(|| {
        let before = Balances::free_balance(DONOR);
        assert_eq!(Datasets::reward(&[Digest::of(b"nobody's")], &DONOR, UNITS), Ok(0));
        assert_eq!(Datasets::reward(&[], &DONOR, UNITS), Ok(0));
        assert_eq!(Balances::free_balance(DONOR), before);
    });
}

#[test]
fn who_cannot_pay_rewards_nobody() {
    run(|| {
        curators(3);
        let root = accepted(ASHA, dataset(3), 1, 1);
        let poor = 999;
        assert_noop!(
            with_storage_layer(|| Datasets::reward(&[root], &poor, UNITS)),
            sp_runtime::TokenError::FundsUnavailable
        );
    });
}
