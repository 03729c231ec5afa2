use frame_support::{assert_noop, assert_ok};
use sabha_protocol::{
    Digest, UNITS,
    models::{Licence, Table},
    pool::{PoolId, RewardPools},
    round::Checkpoint,
};

use crate::{Accrued, Error, mock::*};

/// As much as was deposited, less what a pool rounds down.
fn assert_close(claimed: u128, deposited: u128) {
    assert!(claimed <= deposited && deposited - claimed <= 1, "{claimed} of {deposited}");
}

#[test]
fn a_payment_reaches_data_workers_backers_and_treasury_to_the_unit() {
    run(|| {
        datasets();
        let id = trained(None);
        let before = free(TREASURY);
        assert_ok!(ModelRegistry::pay(signed(PAYER), id, 1_000 * UNITS));
        assert_eq!(free(PAYER), ENDOWMENT - 1_000 * UNITS);
        assert_eq!(claimed(PoolId::Dataset(0), OWNERS[0]), 100 * UNITS);
        assert_eq!(claimed(PoolId::Dataset(1), OWNERS[1]), 200 * UNITS);
        assert_eq!(claimed(PoolId::Compute(0), WORKERS[0]), 200 * UNITS);
        assert_eq!(claimed(PoolId::Compute(0), WORKERS[1]), 100 * UNITS);
        assert_close(claimed(PoolId::Backers(0), BOB), 200 * UNITS);
        // A tenth is for a parent, of which there is none.
        assert_eq!(free(TREASURY) - before, 200 * UNITS);
        assert_eq!(model(id).revenue, 1_000 * UNITS);
        assert!(ModelRegistry::ancestors(id).is_empty());
    });
}

#[test]
fn odd_amounts_are_split_to_the_unit() {
    run(|| {
        datasets();
        let id = trained(None);
        for amount in [LEAST, LEAST + 1, LEAST + 7_777, 3 * LEAST - 1] {
            let (payer, pools, treasury) = (free(PAYER), free(RewardPool::account_id()), free(TREASURY));
            assert_ok!(ModelRegistry::pay(signed(PAYER), id, amount));
            assert_eq!(payer - free(PAYER), amount);
            let given = (free(RewardPool::account_id()) - pools) + (free(TREASURY) - treasury);
            assert_eq!(given, amount);
            check();
        }
        assert_noop!(ModelRegistry::pay(signed(PAYER), id, LEAST - 1), Error::<Test>::PaymentTooSmall);
        assert_noop!(ModelRegistry::pay(signed(PAYER), 9, LEAST), Error::<Test>::NoSuchModel);
        assert!(ModelRegistry::pay(signed(PAYER), id, ENDOWMENT).is_err(), "it cannot pay that");
    });
}

#[test]
fn a_forks_revenue_reaches_its_ancestors() {
    run(|| {
        datasets();
        let first = trained(None);
        let second = trained(Some(first));
        let third = trained(Some(second));
        assert_eq!(ModelRegistry::ancestors(third), [second, first]);
        assert_ok!(ModelRegistry::pay(signed(PAYER), third, 1_000 * UNITS));
        assert_eq!((Accrued::<Test>::get(second), Accrued::<Test>::get(first)), (100 * UNITS, 0));
        assert_noop!(ModelRegistry::distribute(signed(PAYER), first), Error::<Test>::NothingAccrued);
        assert_ok!(ModelRegistry::distribute(signed(PAYER), second));
        assert_eq!((Accrued::<Test>::get(second), Accrued::<Test>::get(first)), (0, 10 * UNITS));
        assert_close(claimed(PoolId::Backers(1), BOB), 20 * UNITS);
        check();
        assert_ok!(ModelRegistry::distribute(signed(PAYER), first));
        assert_close(claimed(PoolId::Backers(0), BOB), 2 * UNITS);
        assert_eq!(claimed(PoolId::Compute(0), WORKERS[0]), 2 * UNITS);
        // 300 of the third, 30 of the second, 3 of the first; a third of each.
        assert_eq!(claimed(PoolId::Dataset(0), OWNERS[0]), 111 * UNITS);
        assert_eq!(free(ModelRegistry::account_id()), ED);
        assert_eq!((model(first).revenue, model(second).revenue), (10 * UNITS, 100 * UNITS));
    });
}

#[test]
fn what_nobody_can_take_is_the_treasurys() {
    run(|| {
        datasets();
        let id = trained(None);
        for pool in [PoolId::Dataset(0), PoolId::Compute(0)] {
            assert_ok!(<RewardPool as RewardPools<AccountId>>::close(pool));
        }
        let before = free(TREASURY);
        assert_ok!(ModelRegistry::pay(signed(PAYER), id, 1_000 * UNITS));
        // Of the first dataset, of the workers, and its own part.
        assert_eq!(free(TREASURY) - before, (100 + 300 + 200) * UNITS);
        let weights = Checkpoint { root: Digest([1; 32]), blob: Digest([2; 32]) };
        let name = b"Imported".to_vec().try_into().expect("it is short");
        assert_ok!(ModelRegistry::import(root(), name, Licence::Mit, shape(), weights));
        let before = free(TREASURY);
        assert_ok!(ModelRegistry::pay(signed(PAYER), id + 1, 1_000 * UNITS));
        assert_eq!(free(TREASURY) - before, 1_000 * UNITS);
    });
}

#[test]
fn a_model_keeps_the_table_that_it_was_registered_with() {
    run(|| {
        datasets();
        let id = trained(None);
        Split::set(Table { data: 0, compute: 10_000, backers: 0, parents: 0 });
        let other = trained(None);
        assert_ok!(ModelRegistry::pay(signed(PAYER), id, 1_000 * UNITS));
        assert_close(claimed(PoolId::Backers(0), BOB), 200 * UNITS);
        assert_ok!(ModelRegistry::pay(signed(PAYER), other, 3 * UNITS));
        assert_eq!(claimed(PoolId::Compute(1), WORKERS[0]), 2 * UNITS);
    });
}
