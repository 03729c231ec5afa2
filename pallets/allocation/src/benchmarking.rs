//! Benchmarks of every call, at its worst.

use alloc::{boxed::Box, vec};

use frame_benchmarking::v2::*;
use frame_support::{
    BoundedVec,
    dispatch::RawOrigin,
    traits::{
        EnsureOrigin, Get,
        fungible::{Inspect, Mutate},
    },
};
use pallet_sabha_training::{BenchmarkHelper as _, Pallet as Training};
use sabha_protocol::{
    Balance, Digest, NUMERICS_EXACT, RunId, RunSpec,
    allocation::{Entry, Schedule, Stage, stride},
    defaults::{AUDIT, OUTER, PRICE_PER_SLOT, STAKE_PER_SLOT, rounds},
    models::Licence,
    spec::{ClockSpec, DataSpec, ModelSpec, OptimiserSpec, limits},
};
use sp_arithmetic::traits::SaturatedConversion;
use sp_runtime::Perbill;

use crate::*;

/// What benchmarks need from the runtime.
pub trait BenchmarkHelper<AccountId> {
    /// A registrar vouches for an account.
    fn judge(who: &AccountId);
}

/// As many runs as can be compete, `run` last of all.
pub fn fill_turns<T: Config>(run: RunId) {
    let entry = |run| Entry::new(run, Balance::MAX >> 32, limits::SLOTS, 1 << 80, limits::ROUNDS, 0);
    let others = (0..stride::RUNS.saturating_sub(1)).map(|index| entry(RunId::MAX.saturating_sub(index)));
    let mine = Turns::<T>::get().get(run).copied().unwrap_or_else(|| entry(run));
    Turns::<T>::put(Schedule { entries: BoundedVec::truncate_from(others.chain([mine]).collect()) });
}

/// The longest specification, with as many clocks as the chain asks for.
fn spec<T: Config>() -> RunSpec {
    let window: u32 = T::Window::get().saturated_into();
    let fetch: u32 = T::Availability::get().saturated_into();
    let chess: u32 = T::ChessClock::get().saturated_into();
    RunSpec {
        numerics_version: NUMERICS_EXACT,
        seed: 1,
        initial_checkpoint: None,
        price_per_slot: PRICE_PER_SLOT,
        stake_per_slot: STAKE_PER_SLOT,
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
        outer: OUTER,
        data: DataSpec {
            stream: Digest([7; 32]),
            tokens: 1_000_000,
            token_bytes: 1,
            heldout_tokens: 10_000,
            sources: BoundedVec::truncate_from(vec![Digest([3; 32]); limits::SOURCES as usize]),
        },
        rounds: rounds(2, 40, 2, 4),
        audit: AUDIT,
        clocks: ClockSpec {
            training: window,
            availability: fetch,
            aggregation: fetch,
            seals: T::AuditSeals::get().saturated_into(),
            leaves: fetch,
            reveals: fetch,
            dispute: chess.saturating_mul(2),
            window,
        },
    }
}

/// An account with a lot of money.
fn rich<T: Config>(name: &'static str, index: u32) -> T::AccountId {
    let who: T::AccountId = account(name, index, 0);
    let _ = T::Currency::mint_into(&who, Balance::MAX >> 40);
    who
}

/// The pots have what they need.
fn endow<T: Config>() {
    let pots = [Pallet::<T>::account_id(), Training::<T>::account_id(), T::MatchingPot::get()];
    for pot in pots {
        let _ = T::Currency::mint_into(&pot, T::Currency::minimum_balance());
    }
    let _ = T::Currency::mint_into(&T::MatchingPot::get(), Balance::MAX >> 40);
}

/// The longest title.
fn title<T: Config>() -> TitleOf<T> {
    BoundedVec::truncate_from(vec![b'x'; T::MaxTitleLen::get() as usize])
}

/// A proposal of the account `proposer`.
fn proposed<T: Config>() -> Result<RunId, BenchmarkError> {
    endow::<T>();
    let run = pallet_sabha_training::NextRunId::<T>::get();
    let (spec, duration) = (spec::<T>(), T::MaxFunding::get().saturated_into());
    let goal = Training::<T>::least_budget(&spec);
    Pallet::<T>::do_propose(
        rich::<T>("proposer", 0),
        title::<T>(),
        Licence::Mit,
        None,
        spec,
        goal,
        duration,
    )?;
    Ok(run)
}

/// What a run costs.
fn goal<T: Config>() -> Balance {
    Training::<T>::least_budget(&spec::<T>())
}

/// Accounts with a judged identity, with a pledge that counts.
fn counted<T: Config>(run: RunId, count: u32) -> Result<(), BenchmarkError> {
    for index in 0..count {
        let who = rich::<T>("backer", index);
        <T as Config>::BenchmarkHelper::judge(&who);
        Pallet::<T>::do_pledge(who, run, goal::<T>())?;
    }
    Ok(())
}

/// A proposal that is a run, among as many as there can be, with a grant and two backers.
fn running<T: Config>() -> Result<RunId, BenchmarkError> {
    let run = proposed::<T>()?;
    counted::<T>(run, 2)?;
    Pallet::<T>::do_fund(run, T::Currency::minimum_balance())?;
    Pallet::<T>::do_settle(run, 2)?;
    fill_turns::<T>(run);
    Ok(run)
}

fn stage<T: Config>(run: RunId) -> Option<Stage> {
    Proposals::<T>::get(run).map(|proposal| proposal.campaign.stage)
}

fn allocator<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
    T::AllocatorOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn propose() -> Result<(), BenchmarkError> {
        endow::<T>();
        let proposer = rich::<T>("proposer", 0);
        let run = pallet_sabha_training::NextRunId::<T>::get();
        let (spec, duration) = (Box::new(spec::<T>()), T::MaxFunding::get().saturated_into());

        #[extrinsic_call]
        _(RawOrigin::Signed(proposer), title::<T>(), Licence::Mit, None, spec, goal::<T>(), duration);

        assert!(Proposals::<T>::contains_key(run));
        Ok(())
    }

    /// To a run that is going on: it goes into its budget.
    #[benchmark]
    fn pledge() -> Result<(), BenchmarkError> {
        let run = running::<T>()?;
        let who = rich::<T>("other", 0);
        <T as Config>::BenchmarkHelper::judge(&who);

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), run, T::MinPledge::get());

        assert!(Backers::<T>::contains_key(run, who));
        Ok(())
    }

    /// All of it, by an account whose place another one takes.
    #[benchmark]
    fn withdraw() -> Result<(), BenchmarkError> {
        let run = proposed::<T>()?;
        counted::<T>(run, 2)?;
        let who: T::AccountId = account("backer", 0, 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), run, goal::<T>());

        assert!(!Backers::<T>::contains_key(run, who));
        Ok(())
    }

    /// All accounts are judged still; then the run is created.
    #[benchmark]
    fn settle(n: Linear<1, { T::MaxCount::get() }>) -> Result<(), BenchmarkError> {
        let run = proposed::<T>()?;
        Pallet::<T>::do_fund(run, goal::<T>())?;
        counted::<T>(run, n)?;
        let full = stride::RUNS.saturating_sub(1);
        let entry = |run| Entry::new(run, Balance::MAX >> 32, 1, 1, 1, 0);
        let others = (0..full).map(|index| entry(RunId::MAX.saturating_sub(index)));
        Turns::<T>::put(Schedule { entries: BoundedVec::truncate_from(others.collect()) });

        #[extrinsic_call]
        _(RawOrigin::Signed(rich::<T>("anybody", 0)), run, n);

        assert_eq!(stage::<T>(run), Some(Stage::Running));
        Ok(())
    }

    #[benchmark]
    fn cancel() -> Result<(), BenchmarkError> {
        let run = proposed::<T>()?;
        Pallet::<T>::do_fund(run, T::Currency::minimum_balance())?;
        counted::<T>(run, 1)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(account("proposer", 0, 0)), run);

        assert!(matches!(stage::<T>(run), Some(Stage::Over { .. })));
        Ok(())
    }

    /// The first of two, whose place the other one takes.
    #[benchmark]
    fn refund() -> Result<(), BenchmarkError> {
        let run = proposed::<T>()?;
        counted::<T>(run, 2)?;
        Pallet::<T>::do_stop(run)?;
        let who: T::AccountId = account("backer", 0, 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(rich::<T>("anybody", 0)), run, who.clone());

        assert!(!Backers::<T>::contains_key(run, who));
        Ok(())
    }

    #[benchmark]
    fn remove() -> Result<(), BenchmarkError> {
        let run = proposed::<T>()?;
        Pallet::<T>::do_stop(run)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(rich::<T>("anybody", 0)), run);

        assert!(!Proposals::<T>::contains_key(run));
        Ok(())
    }

    #[benchmark]
    fn fund() -> Result<(), BenchmarkError> {
        let run = proposed::<T>()?;
        let (origin, amount) = (allocator::<T>()?, goal::<T>());

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, run, amount);

        assert_eq!(Proposals::<T>::get(run).map(|proposal| proposal.campaign.granted), Some(amount));
        Ok(())
    }

    #[benchmark]
    fn set_share() -> Result<(), BenchmarkError> {
        let run = running::<T>()?;
        let (origin, share) = (allocator::<T>()?, Perbill::from_percent(30));

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, run, share);

        assert_eq!(Turns::<T>::get().get(run).map(|entry| entry.share), Some(share.deconstruct()));
        Ok(())
    }

    #[benchmark]
    fn pause() -> Result<(), BenchmarkError> {
        let run = running::<T>()?;
        let origin = allocator::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, run);

        assert_eq!(Turns::<T>::get().get(run).map(|entry| entry.active), Some(false));
        Ok(())
    }

    #[benchmark]
    fn resume() -> Result<(), BenchmarkError> {
        let run = running::<T>()?;
        let origin = allocator::<T>()?;
        Training::<T>::pause(run)?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, run);

        assert_eq!(Turns::<T>::get().get(run).map(|entry| entry.active), Some(true));
        Ok(())
    }

    #[benchmark]
    fn stop() -> Result<(), BenchmarkError> {
        let run = running::<T>()?;
        let origin = allocator::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, run);

        assert_eq!(Turns::<T>::get().get(run).map(|entry| entry.active), Some(false));
        Ok(())
    }

    #[benchmark]
    fn stop_idle() -> Result<(), BenchmarkError> {
        let run = running::<T>()?;
        let idle: u32 = T::Idle::get().saturated_into();
        let now = T::ActiveBlocks::get().saturating_add(idle).saturating_add(1);
        <T as pallet_sabha_training::Config>::BenchmarkHelper::set_active_blocks(now);

        #[extrinsic_call]
        _(RawOrigin::Signed(rich::<T>("anybody", 0)), run);

        assert_eq!(Turns::<T>::get().get(run).map(|entry| entry.active), Some(false));
        Ok(())
    }

    #[benchmark]
    fn set_matching() -> Result<(), BenchmarkError> {
        let (origin, terms) = (allocator::<T>()?, T::MatchingTerms::get());

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, terms);

        assert_eq!(Matching::<T>::get(), terms);
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::ext(), crate::mock::Test);
}
