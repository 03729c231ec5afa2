//! Benchmarks of every call, at its worst: pools that have a source, payout accounts, records that come and go.

use alloc::vec::Vec;

use frame_benchmarking::v2::*;
use frame_support::traits::{
    Consideration, Footprint, Get,
    fungible::{Inspect, Mutate},
};
use frame_system::RawOrigin;
use sabha_protocol::{
    Balance,
    pool::{PoolId, RewardPools},
};
use sp_runtime::traits::Convert;

use crate::*;

fn rich<T: Config>(name: &'static str) -> T::AccountId {
    let who: T::AccountId = account(name, 0, 0);
    let _ = T::Currency::mint_into(&who, unit::<T>().saturating_mul(1_000_000));
    T::Consideration::ensure_successful(&who, Footprint::from_parts(2, 1_000));
    who
}

fn unit<T: Config>() -> Balance {
    T::Currency::minimum_balance().saturating_mul(100)
}

/// A pool of three members with something in it, one of whom is returned, with a payout account that does not exist yet.
fn pool<T: Config>(id: PoolId) -> Result<T::AccountId, BenchmarkError> {
    let (member, payer) = (rich::<T>("member"), rich::<T>("payer"));
    <Pallet<T> as RewardPools<_>>::create(id)?;
    for (name, shares) in [("member", 7), ("other", 5), ("third", 3)] {
        <Pallet<T> as RewardPools<_>>::set_shares(id, &account::<T::AccountId>(name, 0, 0), shares)?;
    }
    <Pallet<T> as RewardPools<_>>::deposit(id, &payer, unit::<T>().saturating_mul(100))?;
    if !Payouts::<T>::contains_key(&member) {
        let payout: T::AccountId = account("payout", 0, 0);
        Pallet::<T>::set_payout(RawOrigin::Signed(member.clone()).into(), Some(payout))?;
    }
    mint::<T>(id);
    Ok(member)
}

/// Something arrives in the pool's source.
fn mint<T: Config>(id: PoolId) {
    if let Some(source) = T::Sources::convert(id) {
        let _ = T::Currency::mint_into(&source, unit::<T>().saturating_mul(10));
    }
}

fn none_owed<T: Config>(id: PoolId, member: &T::AccountId) -> bool {
    Pallet::<T>::owed(id, member) == 0
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn claim() -> Result<(), BenchmarkError> {
        let member = pool::<T>(PoolId::Curators)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(member.clone()), PoolId::Curators);

        assert!(none_owed::<T>(PoolId::Curators, &member));
        Ok(())
    }

    #[benchmark]
    fn claim_for() -> Result<(), BenchmarkError> {
        let (member, caller) = (pool::<T>(PoolId::Curators)?, rich::<T>("caller"));

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), PoolId::Curators, member.clone());

        assert!(none_owed::<T>(PoolId::Curators, &member));
        Ok(())
    }

    /// Of datasets, and one that has a source.
    #[benchmark]
    fn claim_batch(n: Linear<1, { T::MaxBatch::get() }>) -> Result<(), BenchmarkError> {
        let mut pools: Vec<PoolId> = (1..n).map(PoolId::Dataset).collect();
        pools.push(PoolId::Curators);
        let mut member = rich::<T>("member");
        for id in &pools {
            member = pool::<T>(*id)?;
        }
        let batch = pools.clone().try_into().map_err(|_| BenchmarkError::Stop("too many"))?;

        #[extrinsic_call]
        _(RawOrigin::Signed(member.clone()), batch);

        assert!(pools.iter().all(|id| none_owed::<T>(*id, &member)));
        Ok(())
    }

    /// All of them, to a new member; the old one's record goes, and its deposit back to whom it came from.
    #[benchmark]
    fn transfer_shares() -> Result<(), BenchmarkError> {
        let (id, from, to) = (PoolId::Dataset(1), rich::<T>("from"), account::<T::AccountId>("to", 0, 0));
        let giver = pool::<T>(id)?;
        Pallet::<T>::transfer_shares(RawOrigin::Signed(giver).into(), id, from.clone(), 7)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(from), id, to.clone(), 7);

        assert_eq!(<Pallet<T> as RewardPools<_>>::shares(id, &to), 7);
        Ok(())
    }

    #[benchmark]
    fn set_payout() {
        let (member, payout) = (rich::<T>("member"), account::<T::AccountId>("payout", 0, 0));

        #[extrinsic_call]
        _(RawOrigin::Signed(member.clone()), Some(payout));

        assert!(Payouts::<T>::contains_key(&member));
    }

    #[benchmark]
    fn deposit() -> Result<(), BenchmarkError> {
        let (member, payer) = (pool::<T>(PoolId::Curators)?, rich::<T>("payer"));
        let before = Pallet::<T>::owed(PoolId::Curators, &member);

        #[extrinsic_call]
        _(RawOrigin::Signed(payer), PoolId::Curators, unit::<T>());

        assert!(Pallet::<T>::owed(PoolId::Curators, &member) > before);
        Ok(())
    }

    #[benchmark]
    fn remove_pool() -> Result<(), BenchmarkError> {
        let (id, caller) = (PoolId::Dataset(1), rich::<T>("caller"));
        let _ = T::Currency::mint_into(&T::Remainder::get(), unit::<T>());
        pool::<T>(id)?;
        <Pallet<T> as RewardPools<_>>::close(id)?;
        for name in ["member", "other", "third"] {
            let member: T::AccountId = account(name, 0, 0);
            Pallet::<T>::claim_for(RawOrigin::Signed(caller.clone()).into(), id, member)?;
        }

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), id);

        assert!(!Pools::<T>::contains_key(id));
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::ext(), crate::mock::Test);
}
