//! Benchmarks of every call, in its worst case.

use alloc::{boxed::Box, vec};

use frame_benchmarking::v2::*;
use frame_support::{
    BoundedVec,
    traits::{
        EnsureOrigin, Get,
        fungible::{Inspect, Mutate},
    },
};
use frame_system::RawOrigin;
use sabha_protocol::{
    Balance, Commitment, Digest, Outcome, RunId, RunSpec,
    spec::{AuditSpec, ClockSpec, DataSpec, ModelSpec, OptimiserSpec, OuterSpec, RoundSpec},
};
use sp_arithmetic::traits::SaturatedConversion;

use crate::*;

/// What benchmarks need from the runtime.
pub trait BenchmarkHelper {
    /// Turn the protocol's clock.
    fn set_active_blocks(now: u32);
}

/// An account with a lot of money.
fn rich<T: Config>(name: &'static str, index: u32) -> T::AccountId {
    let who: T::AccountId = account(name, index, 0);
    let amount = Balance::MAX / 1_000_000;
    let _ = T::Currency::mint_into(&who, amount);
    who
}

/// The longest endpoint.
fn endpoint<T: Config>() -> EndpointOf<T> {
    BoundedVec::truncate_from(vec![b'x'; T::MaxEndpointLen::get().saturated_into()])
}

fn hot_key<T: Config>(index: u32) -> T::AccountId {
    account("hot", index, 0)
}

/// A registered worker, and a few others before it in the ready set.
fn worker<T: Config>(index: u32) -> Result<T::AccountId, BenchmarkError> {
    let owner = rich::<T>("owner", index);
    let payout: T::AccountId = account("payout", index, 0);
    let stake = T::MinStake::get();
    Pallet::<T>::do_register(
        owner.clone(),
        hot_key::<T>(index),
        payout,
        Device::Cuda,
        endpoint::<T>(),
        stake,
    )?;
    Ok(owner)
}

fn ready_worker<T: Config>(index: u32) -> Result<T::AccountId, BenchmarkError> {
    let owner = worker::<T>(index)?;
    Pallet::<T>::do_ready(owner.clone())?;
    Ok(owner)
}

/// The shortest training clock.
fn training<T: Config>() -> u32 {
    T::MinTraining::get().saturated_into()
}

/// A specification with as many sources as there can be.
fn spec<T: Config>(rounds: u32) -> RunSpec {
    RunSpec {
        numerics_version: sabha_protocol::NUMERICS_YARDSTICK,
        seed: 1,
        initial_checkpoint: None,
        price_per_slot: T::Currency::minimum_balance(),
        stake_per_slot: 0,
        model: ModelSpec {
            vocabulary: 256,
            width: 64,
            layers: 2,
            heads: 2,
            feed_forward: 128,
            context: 64,
            rope_base: 10_000.0.into(),
            norm_epsilon: 1e-5.into(),
            tied_embedding: true,
        },
        optimiser: OptimiserSpec {
            peak_rate: 1e-3.into(),
            floor_rate: 1e-4.into(),
            warmup_steps: 10,
            inner_warmup_steps: 0,
            beta1: 0.9.into(),
            beta2: 0.95.into(),
            epsilon: 1e-8.into(),
            weight_decay: 0.1.into(),
            clip_norm: 1.0.into(),
        },
        outer: OuterSpec::MEAN,
        data: DataSpec {
            stream: Digest([2; 32]),
            tokens: 1_000_000,
            token_bytes: 1,
            heldout_tokens: 10_000,
            sources: BoundedVec::truncate_from(vec![
                Digest([3; 32]);
                sabha_protocol::spec::limits::SOURCES as usize
            ]),
        },
        rounds: RoundSpec::single(rounds, 10, 5, 4),
        audit: AuditSpec::NONE,
        clocks: ClockSpec::unaudited(training::<T>(), T::Window::get().saturated_into()),
    }
}

fn run<T: Config>(rounds: u32) -> Result<RunId, BenchmarkError> {
    let id = NextRunId::<T>::get();
    let spec = spec::<T>(rounds);
    // A little more than it costs: something is left to be returned.
    let budget = spec.cost().saturating_add(T::Currency::minimum_balance());
    Pallet::<T>::do_create_run(rich::<T>("sponsor", 0), spec, budget)?;
    Ok(id)
}

fn outcome() -> Outcome {
    Outcome::Trained(Commitment {
        segments_root: Digest([4; 32]),
        update_digest: Digest([5; 32]),
        mean_loss: 3.0.into(),
    })
}

/// Give the pot what genesis gives it.
fn endow<T: Config>() {
    let _ = T::Currency::mint_into(&Pallet::<T>::account_id(), T::Currency::minimum_balance());
}

fn allocator<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
    T::AllocatorOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn register() {
        let owner = rich::<T>("owner", 0);
        let (hot_key, stake) = (hot_key::<T>(0), T::MinStake::get());

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()), hot_key, owner.clone(), Device::Cuda, endpoint::<T>(), stake);

        assert!(Workers::<T>::contains_key(owner));
    }

    #[benchmark]
    fn update_worker() -> Result<(), BenchmarkError> {
        let owner = worker::<T>(0)?;
        let hot = hot_key::<T>(9);

        #[extrinsic_call]
        _(
            RawOrigin::Signed(owner.clone()),
            Some(hot.clone()),
            Some(owner.clone()),
            Some(Device::Cpu),
            Some(endpoint::<T>()),
        );

        assert_eq!(HotKeys::<T>::get(hot), Some(owner));
        Ok(())
    }

    #[benchmark]
    fn add_stake() -> Result<(), BenchmarkError> {
        let owner = worker::<T>(0)?;
        let amount = T::MinStake::get();

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()), amount);

        assert_eq!(Workers::<T>::get(owner).map(|worker| worker.stake), Some(amount.saturating_mul(2)));
        Ok(())
    }

    #[benchmark]
    fn ready() -> Result<(), BenchmarkError> {
        worker::<T>(0)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(hot_key::<T>(0)));

        assert_eq!(ReadyCount::<T>::get(), 1);
        Ok(())
    }

    #[benchmark]
    fn drain() -> Result<(), BenchmarkError> {
        // Another one has to move.
        ready_worker::<T>(0)?;
        ready_worker::<T>(1)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(hot_key::<T>(0)));

        assert_eq!(ReadyCount::<T>::get(), 1);
        Ok(())
    }

    #[benchmark]
    fn unbond() -> Result<(), BenchmarkError> {
        let owner = ready_worker::<T>(0)?;
        ready_worker::<T>(1)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(owner));

        assert_eq!(ReadyCount::<T>::get(), 1);
        Ok(())
    }

    #[benchmark]
    fn withdraw() -> Result<(), BenchmarkError> {
        endow::<T>();
        let owner = worker::<T>(0)?;
        // Owed something: it is paid to an account that does not exist yet.
        let owed = T::Currency::minimum_balance();
        T::Currency::mint_into(&Pallet::<T>::account_id(), owed)?;
        Workers::<T>::mutate(&owner, |worker| {
            if let Some(worker) = worker {
                worker.owed = owed;
            }
        });
        Pallet::<T>::do_unbond(owner.clone())?;
        let until = Pallet::<T>::withdrawable_from(owner.clone()).unwrap_or(u32::MAX);
        T::BenchmarkHelper::set_active_blocks(until);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()));

        assert!(!Workers::<T>::contains_key(owner));
        Ok(())
    }

    #[benchmark]
    fn create_run() {
        endow::<T>();
        let owner = rich::<T>("sponsor", 0);
        let spec = spec::<T>(1);
        let budget = spec.cost();

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), Box::new(spec), budget);

        assert_eq!(OpenRuns::<T>::get(), 1);
    }

    /// `n` rounds become final and are paid to an account that exists, the slot of the next one expires and is assigned anew.
    #[benchmark]
    fn poke(n: Linear<0, { T::MaxUnfinalised::get() }>) -> Result<(), BenchmarkError> {
        endow::<T>();
        let id = run::<T>(n.saturating_add(2))?;
        let owner = ready_worker::<T>(0)?;
        for round in 0..n {
            Pallet::<T>::do_poke(id)?;
            let slot = sabha_protocol::SlotId { run: id, round, slot: 0 };
            Pallet::<T>::do_commit(owner.clone(), slot, 0, outcome())?;
        }
        // With as many unfinalised rounds as there may be, no further one is open.
        if n < T::MaxUnfinalised::get() {
            Pallet::<T>::do_poke(id)?;
        }
        ready_worker::<T>(1)?;
        // Both the windows and, one block later, the training clock have passed.
        let window: u32 = T::Window::get().saturated_into();
        let wait = window.saturating_add(training::<T>()).saturating_add(1);
        T::BenchmarkHelper::set_active_blocks(T::ActiveBlocks::get().saturating_add(wait));

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), id);

        assert_eq!(Runs::<T>::get(id).map(|run| run.finalised), Some(n));
        Ok(())
    }

    #[benchmark]
    fn commit() -> Result<(), BenchmarkError> {
        endow::<T>();
        let id = run::<T>(2)?;
        ready_worker::<T>(0)?;
        Pallet::<T>::do_poke(id)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(hot_key::<T>(0)), id, 0, 0, 0, outcome());

        assert_eq!(Runs::<T>::get(id).map(|run| run.next_round), Some(1));
        Ok(())
    }

    #[benchmark]
    fn pause_run() -> Result<(), BenchmarkError> {
        endow::<T>();
        let (origin, id) = (allocator::<T>()?, run::<T>(1)?);

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, id);

        assert_eq!(Runs::<T>::get(id).map(|run| run.status), Some(RunStatus::Paused));
        Ok(())
    }

    #[benchmark]
    fn resume_run() -> Result<(), BenchmarkError> {
        endow::<T>();
        let (origin, id) = (allocator::<T>()?, run::<T>(1)?);
        Pallet::<T>::do_pause_run(id)?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, id);

        assert_eq!(Runs::<T>::get(id).map(|run| run.status), Some(RunStatus::Active));
        Ok(())
    }

    /// A slot is taken back, and the whole budget returned.
    #[benchmark]
    fn stop_run() -> Result<(), BenchmarkError> {
        endow::<T>();
        let (origin, id) = (allocator::<T>()?, run::<T>(1)?);
        ready_worker::<T>(0)?;
        Pallet::<T>::do_poke(id)?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, id);

        assert_eq!(Runs::<T>::get(id).map(|run| run.status), Some(RunStatus::Stopped));
        Ok(())
    }

    #[benchmark]
    fn top_up_run() -> Result<(), BenchmarkError> {
        endow::<T>();
        let id = run::<T>(1)?;
        let from = rich::<T>("sponsor", 1);
        let amount = T::Currency::minimum_balance();

        #[extrinsic_call]
        _(RawOrigin::Signed(from), id, amount);

        assert_eq!(Runs::<T>::get(id).map(|run| run.escrow), Some(amount.saturating_mul(3)));
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::ext(), crate::mock::Test);
}
