//! Benchmarks of every call, at its worst: a model of as many datasets as there can be, with a parent.

use alloc::vec;

use frame_benchmarking::v2::*;
use frame_support::{
    BoundedVec,
    dispatch::RawOrigin,
    traits::{
        EnsureOrigin, Get,
        fungible::{Inspect, Mutate},
    },
};
use pallet_sabha_allocation::{Proposal, Proposals, TitleOf};
use pallet_sabha_training::{Run, RunStatus, Runs};
use sabha_protocol::{
    Balance, Digest, RunId,
    allocation::{Campaign, Stage},
    models::{Licence, ModelId},
    pool::{PoolId, RewardPools},
    round::{Checkpoint, Progress},
    spec::{ModelSpec, limits},
};

use crate::*;

/// What benchmarks need from the runtime.
pub trait BenchmarkHelper {
    /// A manifest of these bytes was accepted for a dataset.
    fn accept(manifest: Digest, dataset: u32, bytes: u64);
}

/// The run that benchmarks are about.
const RUN: RunId = 7;

/// Its weights.
const CHECKPOINT: Checkpoint = Checkpoint { root: Digest([1; 32]), blob: Digest([2; 32]) };

fn shape() -> ModelSpec {
    ModelSpec {
        vocabulary: 256,
        width: 64,
        layers: 2,
        heads: 2,
        feed_forward: 128,
        context: 64,
        rope_base: 10_000.0.into(),
        norm_epsilon: 1e-5.into(),
        tied_embedding: true,
    }
}

fn name<T: Config>() -> TitleOf<T> {
    BoundedVec::truncate_from(vec![b'x'; T::MaxTitleLen::get() as usize])
}

fn rich<T: Config>(name: &'static str) -> T::AccountId {
    let who: T::AccountId = account(name, 0, 0);
    let _ = T::Currency::mint_into(&who, Balance::MAX >> 40);
    who
}

fn manifest(index: u32) -> Digest {
    Digest::of(&index.to_le_bytes())
}

/// A completed run of as many datasets as there can be, of which all take payments, and a model that it began from.
fn completed<T: Config>() -> Result<(), BenchmarkError> {
    let pots = [Pallet::<T>::account_id(), <T as Config>::Treasury::get()];
    for pot in pots {
        T::Currency::mint_into(&pot, T::Currency::minimum_balance())?;
    }
    Pallet::<T>::do_import(name::<T>(), Licence::Mit, shape(), CHECKPOINT)?;
    let datasets = (0..limits::SOURCES).map(PoolId::Dataset);
    for pool in datasets.chain([PoolId::Compute(RUN), PoolId::Backers(RUN)]) {
        T::Pools::create(pool)?;
    }
    for index in 0..limits::SOURCES {
        <T as Config>::BenchmarkHelper::accept(manifest(index), index, 1_000);
    }
    let mut progress = Progress::new(0);
    (progress.tip, progress.finalised) = (Some(CHECKPOINT), 1);
    let proposer = rich::<T>("proposer");
    let run = Run {
        owner: proposer.clone(),
        spec_hash: Digest([3; 32]),
        status: RunStatus::Completed,
        rounds: 1,
        funded: 0,
        regained: 0,
        paid: 0,
        refunded: 0,
        kept: 0,
        progress,
    };
    Runs::<T>::insert(RUN, run);
    let mut campaign = Campaign::new(0, 0);
    campaign.stage = Stage::Over { back: 0, given: 0 };
    let proposal = Proposal {
        proposer,
        deposit: 0,
        title: name::<T>(),
        licence: Licence::Mit,
        parent: Some(0),
        spec_hash: Digest([3; 32]),
        model: shape(),
        sources: BoundedVec::truncate_from((0..limits::SOURCES).map(manifest).collect()),
        campaign,
        completed: true,
    };
    Proposals::<T>::insert(RUN, proposal);
    Ok(())
}

/// The model that it becomes.
fn registered<T: Config>() -> Result<ModelId, BenchmarkError> {
    completed::<T>()?;
    Pallet::<T>::do_register(RUN)?;
    Ok(1)
}

/// As many metrics as there can be but one, of the longest names.
fn measured<T: Config>(model: ModelId) -> Result<(), BenchmarkError> {
    for index in 1..T::MaxMetrics::get() {
        Pallet::<T>::do_measure(None, model, metric::<T>(index))?;
    }
    Ok(())
}

fn metric<T: Config>(index: u32) -> Metric<MetricNameOf<T>> {
    let mut name = vec![b'x'; T::MaxMetricName::get() as usize];
    for (byte, bit) in name.iter_mut().zip(0..32) {
        *byte = if index & (1 << bit) == 0 { b'o' } else { b'i' };
    }
    Metric { name: BoundedVec::truncate_from(name), value: 1.0.into(), evidence: Some(Digest([4; 32])) }
}

fn registry<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
    T::RegistryOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn register() -> Result<(), BenchmarkError> {
        completed::<T>()?;

        #[extrinsic_call]
        _(RawOrigin::Signed(rich::<T>("anybody")), RUN);

        assert_eq!(ModelOfRun::<T>::get(RUN), Some(1));
        Ok(())
    }

    #[benchmark]
    fn import() -> Result<(), BenchmarkError> {
        let origin = registry::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, name::<T>(), Licence::Mit, shape(), CHECKPOINT);

        assert!(Models::<T>::contains_key(0));
        Ok(())
    }

    #[benchmark]
    fn pay() -> Result<(), BenchmarkError> {
        let model = registered::<T>()?;
        let amount = T::MinPayment::get().saturating_mul(1_000_000);

        #[extrinsic_call]
        _(RawOrigin::Signed(rich::<T>("payer")), model, amount);

        assert!(Accrued::<T>::get(0) > 0);
        Ok(())
    }

    #[benchmark]
    fn distribute() -> Result<(), BenchmarkError> {
        let model = registered::<T>()?;
        let amount = T::MinPayment::get().saturating_mul(1_000_000);
        T::Currency::mint_into(&Pallet::<T>::account_id(), amount)?;
        Accrued::<T>::insert(model, amount);

        #[extrinsic_call]
        _(RawOrigin::Signed(rich::<T>("anybody")), model);

        assert_eq!(Accrued::<T>::get(model), 0);
        Ok(())
    }

    #[benchmark]
    fn measure() -> Result<(), BenchmarkError> {
        let model = registered::<T>()?;
        measured::<T>(model)?;
        let Metric { name, value, evidence } = metric::<T>(0);

        #[extrinsic_call]
        _(RawOrigin::Signed(account("proposer", 0, 0)), model, name, value, evidence);

        assert_eq!(Metrics::<T>::get(model).len(), T::MaxMetrics::get() as usize);
        Ok(())
    }

    #[benchmark]
    fn deprecate() -> Result<(), BenchmarkError> {
        let model = registered::<T>()?;
        let origin = registry::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, 0, Some(model));

        assert_eq!(
            Models::<T>::get(0).map(|model| model.status),
            Some(Status::Deprecated { successor: Some(model) })
        );
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::ext(), crate::mock::Test);
}
