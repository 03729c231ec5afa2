//! Two runs that want the same workers, on the whole chain: the crowd's against one rich backer's, and what a referendum changes.

use super::{
    chain::{Chain, sign},
    runs::{call_for, spec},
};
use crate::{
    AccountId, Allocation, Balance, Balances, RewardPool, Runtime, RuntimeCall, Training, UNITS,
    constants::currency::EXISTENTIAL_DEPOSIT,
};
use pallet_identity::{Data, IdentityOf, Judgement, Registration, legacy::IdentityInfo};
use pallet_sabha_allocation::Proposals;
use pallet_sabha_origins::Origin;
use pallet_sabha_training::{Device, Event, RunStatus, Runs};
use sabha_protocol::{
    RunId, RunSpec,
    allocation::Stage,
    models::Licence,
    pool::PoolId,
    round::{Progress, Terms},
};
use sp_keyring::Sr25519Keyring::{self, Alice, AliceStash, Bob, BobStash, Charlie, Dave, Eve, Ferdie};
use sp_runtime::{DispatchResult, Perbill};

type Call = pallet_sabha_allocation::Call<Runtime>;

/// Who owns a worker.
const WORKERS: [Sr25519Keyring; 5] = [Alice, Bob, Charlie, Dave, Eve];

/// Slots of three, of which each takes a worker.
fn wanted() -> RunSpec {
    let mut spec = spec(60);
    (spec.rounds.count, spec.rounds.slots, spec.rounds.quorum) = (400, 3, 2);
    spec.price_per_slot = UNITS / 10;
    spec.audit.auditor_price = UNITS / 20;
    spec
}

fn goal(spec: &RunSpec) -> Balance {
    Progress::least_budget(&Terms::new(0, spec))
}

/// A transaction in the next block that takes any: that of a session's change does not.
fn try_submit(chain: &mut Chain, who: Sr25519Keyring, call: impl Into<RuntimeCall>) -> DispatchResult {
    let call = call.into();
    for _ in 0..3 {
        if let Ok(done) = chain.try_submit(who, call.clone()) {
            return done;
        }
    }
    panic!("no block takes it")
}

/// As [`try_submit`], and it must succeed.
pub fn submit(chain: &mut Chain, who: Sr25519Keyring, call: impl Into<RuntimeCall>) {
    try_submit(chain, who, call).expect("the transaction succeeds");
}

/// A registrar has judged an account's identity.
pub fn vouch(who: &AccountId, judgement: Judgement<Balance>) {
    let judgements = vec![(0, judgement)].try_into().expect("one");
    let info = IdentityInfo {
        additional: Default::default(),
        display: Data::None,
        legal: Data::None,
        web: Data::None,
        riot: Data::None,
        email: Data::None,
        pgp_fingerprint: None,
        image: Data::None,
        twitter: Data::None,
    };
    IdentityOf::<Runtime>::insert(who, Registration { judgements, deposit: 0, info });
}

fn propose(chain: &mut Chain, who: Sr25519Keyring, spec: &RunSpec, goal: Balance) -> RunId {
    let run = chain.with(pallet_sabha_training::NextRunId::<Runtime>::get);
    submit(
        chain,
        who,
        Call::propose {
            title: b"A model".to_vec().try_into().expect("short"),
            licence: Licence::CcBy4,
            parent: None,
            spec: Box::new(spec.clone()),
            goal,
            duration: 200,
        },
    );
    run
}

fn decide(chain: &mut Chain, call: Call) {
    use sp_runtime::traits::Dispatchable;

    chain.with(|| RuntimeCall::from(call).dispatch(Origin::ComputeAllocator.into())).expect("the track may");
}

fn worker(chain: &mut Chain, owner: Sr25519Keyring) {
    let (hot_key, payout) = (owner.to_account_id(), owner.to_account_id());
    let endpoint = Default::default();
    let stake = 2_000 * UNITS;
    let device = Device::Cpu;
    submit(
        chain,
        owner,
        pallet_sabha_training::Call::<Runtime>::register {
            hot_key,
            payout,
            device,
            capacity: 1,
            endpoint,
            stake,
        },
    );
    submit(chain, owner, pallet_sabha_training::Call::<Runtime>::ready {});
}

/// A block in which each worker does one thing that it has to.
fn work(chain: &mut Chain) {
    let transactions = chain.with(|| {
        let duty = |owner: &Sr25519Keyring| {
            let duty = Training::duties_of(owner.to_account_id()).into_iter().next()?;
            Some(sign(*owner, RuntimeCall::Training(call_for(*owner, duty))))
        };
        WORKERS.iter().filter_map(duty).collect::<Vec<_>>()
    });
    chain.produce(transactions);
}

/// Blocks pass until so many slots were committed; each worker does one thing a block. Returns how many each run has.
fn slots(chain: &mut Chain, runs: [RunId; 2], count: u32) -> [u32; 2] {
    let mut got = [0; 2];
    for _ in 0..10_000 {
        if got.iter().sum::<u32>() >= count {
            return got;
        }
        work(chain);
        for event in chain.events() {
            if let crate::RuntimeEvent::Training(Event::SlotCommitted { slot, .. }) = event {
                for (run, count) in runs.iter().zip(&mut got) {
                    *count += u32::from(slot.run == *run);
                }
            }
        }
    }
    panic!("{got:?} slots in ten thousand blocks");
}

#[test]
fn the_crowd_comes_before_a_rich_backer_until_a_referendum_gives_it_a_share() {
    let mut chain = Chain::development();
    for owner in WORKERS {
        worker(&mut chain, owner);
    }
    let spec = wanted();
    let goal = goal(&spec);
    let (crowd, whale) = (propose(&mut chain, Alice, &spec, goal), propose(&mut chain, Ferdie, &spec, goal));
    // The matching pot has what a month has minted.
    chain.with(|| {
        use frame_support::traits::fungible::Mutate;
        let pot = <Runtime as pallet_sabha_allocation::Config>::MatchingPot::get();
        Balances::mint_into(&pot, 1_000_000 * UNITS).expect("it can be minted");
    });
    let backers = [Alice, Bob, Charlie, Dave, Eve, AliceStash];
    chain.with(|| {
        for who in backers.into_iter().chain([Ferdie]) {
            vouch(&who.to_account_id(), Judgement::Reasonable);
        }
    });
    for who in backers {
        submit(&mut chain, who, Call::pledge { run: crowd, amount: goal / 6 });
    }
    submit(&mut chain, Ferdie, Call::pledge { run: whale, amount: goal });
    for run in [crowd, whale] {
        submit(&mut chain, BobStash, Call::settle { run, most: 100 });
        assert_eq!(
            chain.with(|| Proposals::<Runtime>::get(run).expect("it is there").campaign.stage),
            Stage::Running
        );
    }
    let matched = |chain: &mut Chain, run| {
        chain.with(|| Proposals::<Runtime>::get(run).expect("there").campaign.matched)
    };
    assert!(matched(&mut chain, crowd) > 4 * goal, "six with little are owed five times what they gave");
    assert_eq!(matched(&mut chain, whale), 0);

    let got = slots(&mut chain, [crowd, whale], 90);
    assert!(got[0] > 4 * got[1], "the crowd's is first: {got:?}");
    decide(&mut chain, Call::set_share { run: whale, share: Perbill::from_percent(30) });
    // One epoch.
    slots(&mut chain, [crowd, whale], 12);
    let got = slots(&mut chain, [crowd, whale], 120);
    let share = f64::from(got[1]) / f64::from(got[0] + got[1]);
    assert!((share - 0.3).abs() <= 0.05, "{got:?}");
    chain.check();
}

#[test]
fn a_run_that_is_stopped_pays_its_backers_back_and_one_that_ends_becomes_a_model_that_is_paid_for() {
    let mut chain = Chain::development();
    for owner in WORKERS {
        worker(&mut chain, owner);
    }
    let mut spec = wanted();
    spec.rounds.count = 1;
    let goal = goal(&spec);
    let free = |chain: &mut Chain, who: &AccountId| chain.with(|| Balances::free_balance(who));
    let (done, missed) = (propose(&mut chain, Alice, &spec, goal), propose(&mut chain, Alice, &spec, goal));
    submit(&mut chain, Ferdie, Call::pledge { run: done, amount: goal });
    let before = free(&mut chain, &AliceStash.to_account_id());
    submit(&mut chain, AliceStash, Call::pledge { run: missed, amount: UNITS });
    submit(&mut chain, BobStash, Call::settle { run: done, most: 0 });
    decide(&mut chain, Call::stop { run: missed });
    let pledged = free(&mut chain, &AliceStash.to_account_id());
    submit(&mut chain, BobStash, Call::refund { run: missed, backer: AliceStash.to_account_id() });
    assert_eq!(free(&mut chain, &AliceStash.to_account_id()), pledged + UNITS, "to the unit");
    assert!(before >= pledged + UNITS);
    for _ in 0..1_000 {
        if chain.with(|| Runs::<Runtime>::get(done).expect("it is there").status) != RunStatus::Open {
            break;
        }
        work(&mut chain);
    }
    assert_eq!(chain.with(|| Runs::<Runtime>::get(done).expect("there").status), RunStatus::Completed);
    submit(&mut chain, BobStash, pallet_sabha_models::Call::<Runtime>::register { run: done });
    submit(
        &mut chain,
        BobStash,
        pallet_sabha_models::Call::<Runtime>::pay { model: 0, amount: 1_000 * UNITS },
    );
    let model = chain.with(|| pallet_sabha_models::Models::<Runtime>::get(0).expect("it is registered"));
    assert_eq!(model.revenue, 1_000 * UNITS);
    // Backers have 20 %, all of it Ferdie's.
    let ferdie = Ferdie.to_account_id();
    let before = free(&mut chain, &ferdie);
    let pool = PoolId::Backers(done);
    submit(
        &mut chain,
        BobStash,
        pallet_sabha_reward_pool::Call::<Runtime>::claim_for { pool, member: ferdie.clone() },
    );
    // Pools round down what a share has earned.
    let paid = free(&mut chain, &ferdie) - before;
    assert!((200 * UNITS - 1..=200 * UNITS).contains(&paid), "{paid}");
    // Those who trained have 30 %.
    let (mut paid, pool) = (0, PoolId::Compute(done));
    for owner in WORKERS {
        // By the pools' account: an owner may be the block's author, and have part of its fees.
        let (member, pools) = (owner.to_account_id(), chain.with(RewardPool::account_id));
        let before = free(&mut chain, &pools);
        let _ = try_submit(
            &mut chain,
            BobStash,
            pallet_sabha_reward_pool::Call::<Runtime>::claim_for { pool, member },
        );
        paid += before - free(&mut chain, &pools);
    }
    assert!((300 * UNITS - 3..=300 * UNITS).contains(&paid), "{paid}");
    submit(&mut chain, BobStash, Call::refund { run: done, backer: ferdie });
    submit(&mut chain, BobStash, Call::remove { run: done });
    assert_eq!(chain.with(|| Balances::free_balance(Allocation::account_id())), EXISTENTIAL_DEPOSIT);
    chain.check();
}
