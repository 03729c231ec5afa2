//! Whatever anybody does in whatever order: the invariants hold, and money is conserved.

use frame_support::traits::tokens::fungible::InspectHold;
use proptest::prelude::*;
use sabha_protocol::{RunSpec, spec::ClockSpec};

use crate::{Device, HoldReason, Runs, WorkerStatus, Workers, mock::*};

#[derive(Clone, Copy, Debug)]
enum Act {
    Register { owner: u64, hot: u64 },
    Update { owner: u64, hot: u64 },
    AddStake { owner: u64 },
    Ready { who: u64 },
    Drain { who: u64 },
    Unbond { owner: u64 },
    Withdraw { owner: u64 },
    Create { owner: u64, rounds: u32, extra: u128, clocks: ClockSpec },
    Poke { run: u32 },
    Commit { who: u64, run: u32, early: u32, generation: u16, diverges: bool },
    Pause { run: u32 },
    Resume { run: u32 },
    Stop { run: u32 },
    TopUp { from: u64, run: u32 },
    Pass { blocks: u32 },
    Seed { seed: u64 },
}

/// Owners and hot keys overlap, so that the rules about them are tried.
fn account() -> impl Strategy<Value = u64> {
    prop_oneof![1u64..=4, 101u64..=104]
}

/// Clocks within the chain's bounds, at them, and beyond.
fn clocks() -> impl Strategy<Value = ClockSpec> {
    let longest = MAX_WINDOWS * WINDOW;
    let clock = move |least: u32| {
        prop_oneof![
            4 => least..=longest,
            2 => Just(least),
            2 => Just(longest),
            1 => prop_oneof![Just(least - 1), Just(longest + 1), Just(1_000_000)],
        ]
    };
    (clock(MIN_TRAINING), clock(WINDOW)).prop_map(|(training, window)| ClockSpec::unaudited(training, window))
}

fn act() -> impl Strategy<Value = Act> {
    let run = || 0u32..4;
    prop_oneof![
        2 => (account(), account()).prop_map(|(owner, hot)| Act::Register { owner, hot }),
        1 => (account(), account()).prop_map(|(owner, hot)| Act::Update { owner, hot }),
        1 => account().prop_map(|owner| Act::AddStake { owner }),
        4 => account().prop_map(|who| Act::Ready { who }),
        1 => account().prop_map(|who| Act::Drain { who }),
        1 => account().prop_map(|owner| Act::Unbond { owner }),
        1 => account().prop_map(|owner| Act::Withdraw { owner }),
        2 => (1u64..=4, 1u32..5, 0u128..30, clocks())
            .prop_map(|(owner, rounds, extra, clocks)| Act::Create { owner, rounds, extra, clocks }),
        8 => run().prop_map(|run| Act::Poke { run }),
        8 => (account(), run(), 0u32..8, 0u16..8, 0u8..8).prop_map(|(who, run, early, generation, diverges)| {
            Act::Commit { who, run, early: early / 7, generation: generation / 6, diverges: diverges == 0 }
        }),
        1 => run().prop_map(|run| Act::Pause { run }),
        2 => run().prop_map(|run| Act::Resume { run }),
        1 => run().prop_map(|run| Act::Stop { run }),
        1 => (account(), run()).prop_map(|(from, run)| Act::TopUp { from, run }),
        6 => (1u32..80).prop_map(|blocks| Act::Pass { blocks }),
        2 => (80u32..MAX_WINDOWS * WINDOW).prop_map(|blocks| Act::Pass { blocks }),
        1 => any::<u64>().prop_map(|seed| Act::Seed { seed }),
    ]
}

/// Does it; whether it succeeds is the pallet's business.
fn apply(act: Act) -> bool {
    let root = RuntimeOrigin::root;
    match act {
        Act::Register { owner, hot } => {
            Training::register(signed(owner), hot, hot + 100, Device::Cpu, Default::default(), STAKE).is_ok()
        }
        Act::Update { owner, hot } => {
            Training::update_worker(signed(owner), Some(hot), None, None, None).is_ok()
        }
        Act::AddStake { owner } => Training::add_stake(signed(owner), 3).is_ok(),
        Act::Ready { who } => Training::ready(signed(who)).is_ok(),
        Act::Drain { who } => Training::drain(signed(who)).is_ok(),
        Act::Unbond { owner } => Training::unbond(signed(owner)).is_ok(),
        Act::Withdraw { owner } => Training::withdraw(signed(owner)).is_ok(),
        Act::Create { owner, rounds, extra, clocks } => {
            let budget = PRICE * u128::from(rounds) + extra;
            let spec = RunSpec { clocks, ..spec(rounds) };
            Training::create_run(signed(owner), Box::new(spec), budget).is_ok()
        }
        Act::Poke { run } => Training::poke(signed(4), run).is_ok(),
        Act::Commit { who, run, early, generation, diverges } => {
            let next = Runs::<Test>::get(run).map(|run| (run.next_round, run.generation)).unwrap_or_default();
            let outcome = if diverges { diverged() } else { trained(next.0) };
            let (round, generation) = (next.0.saturating_sub(early), next.1.wrapping_add(generation));
            Training::commit(signed(who), run, round, 0, generation, outcome).is_ok()
        }
        Act::Pause { run } => Training::pause_run(root(), run).is_ok(),
        Act::Resume { run } => Training::resume_run(root(), run).is_ok(),
        Act::Stop { run } => Training::stop_run(root(), run).is_ok(),
        Act::TopUp { from, run } => Training::top_up_run(signed(from), run, 7).is_ok(),
        Act::Pass { blocks } => {
            pass(blocks);
            true
        }
        Act::Seed { seed } => {
            Seed::set(seed);
            true
        }
    }
}

/// Without Root or any other help, whatever the clocks of the runs: who takes no more slots has its stake back when the longest
/// clock and the unbonding time have passed.
fn get_everybody_out() {
    for (owner, worker) in Workers::<Test>::iter().collect::<Vec<_>>() {
        if matches!(worker.status, WorkerStatus::Ready | WorkerStatus::Working) {
            Training::drain(signed(owner)).expect("it takes slots");
        }
    }
    // A deadline counts from now at the latest, and so does a window: longer than the longest clock is not needed.
    pass(MAX_WINDOWS * WINDOW + 1);
    for (run, _) in Runs::<Test>::iter().collect::<Vec<_>>() {
        let _ = Training::poke(signed(4), run);
        check();
    }
    let owners: Vec<u64> = Workers::<Test>::iter_keys().collect();
    for owner in &owners {
        if Training::withdrawable_from(*owner).is_none() {
            Training::unbond(signed(*owner)).expect("nothing holds the stake");
        }
    }
    pass(UNBONDING);
    for owner in owners {
        Training::withdraw(signed(owner)).expect("the stake is free");
        assert_eq!(Balances::balance_on_hold(&HoldReason::WorkerStake.into(), &owner), 0);
    }
    check();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_calls_in_any_order_keep_the_invariants(acts in prop::collection::vec(act(), 1..120)) {
        ext().execute_with(|| {
            for act in &acts {
                // As dispatch does: a refused call leaves no trace.
                let done = frame_support::storage::with_storage_layer(|| {
                    if apply(*act) { Ok(()) } else { Err(sp_runtime::DispatchError::Unavailable) }
                });
                let _ = done;
                check();
            }
            get_everybody_out();
            // Then the runs are stopped, and every budget comes back.
            for (run, _) in Runs::<Test>::iter().collect::<Vec<_>>() {
                let _ = Training::stop_run(RuntimeOrigin::root(), run);
                check();
            }
            let escrows: u128 = Runs::<Test>::iter_values().map(|run| run.escrow).sum();
            assert_eq!(free(Training::account_id()), ED + escrows, "nothing is left in the pot but refunds that wait");
        });
    }
}
