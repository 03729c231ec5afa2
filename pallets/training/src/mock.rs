//! A runtime with balances, a clock and sessions that tests turn by hand.

use frame_support::{
    PalletId, derive_impl, parameter_types,
    traits::{ConstU32, ConstU64, ConstU128, Hooks, Randomness, fungible::InspectHold},
    weights::{Weight, WeightMeter},
};
use sabha_protocol::{RoundKey, RunId, RunSpec, SlotIndex, UNITS, pool::PoolId};
pub use sabha_testing::people::*;
use sp_core::H256;
use sp_runtime::{BuildStorage, traits::Convert};

use crate as pallet_sabha_training;
use crate::{Device, Event, HoldReason, RoundOf, Rounds, Run, Runs, SlotOf, Slots, Worker, Workers};

/// What a slot of [`spec`] pays.
pub const PRICE: u128 = 5 * UNITS / 2;
/// The chain's window.
pub const WINDOW: u32 = 60;
/// The chain's clock for availability.
pub const AVAILABILITY: u32 = 10;
/// How many windows of the chain a run's clocks may be.
pub const MAX_WINDOWS: u32 = 4;
/// Active blocks from asking for a stake to getting it.
pub const UNBONDING: u32 = 150;
/// Active blocks of a jail.
pub const JAIL: u32 = 100;

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(2)]
    pub type Training = pallet_sabha_training;
    #[runtime::pallet_index(3)]
    pub type RewardPool = pallet_sabha_reward_pool;
}

parameter_types! {
    pub static Now: u32 = 0;
    pub static Seed: u64 = 0;
    pub static WorkLimit: Weight = Weight::from_parts(200_000_000_000, u64::MAX);
    pub static Opened: Vec<(RunId, RoundKey, u16, SlotIndex, AccountId, u32)> = Vec::new();
    pub const ExistentialDeposit: u128 = ED;
    pub const Pot: PalletId = PalletId(*b"sb/train");
    pub const PoolsPot: PalletId = PalletId(*b"sb/pools");
}

/// Sessions of [`SESSION`] active blocks.
pub struct Sessions;

impl frame_support::traits::Get<u32> for Sessions {
    fn get() -> u32 {
        Now::get() / SESSION
    }
}

/// Words that tests choose: the subject and [`Seed`], hashed.
pub struct Draws;

impl Randomness<H256, u64> for Draws {
    fn random(subject: &[u8]) -> (H256, u64) {
        let mut bytes = subject.to_vec();
        bytes.extend(Seed::get().to_le_bytes());
        (H256(sabha_protocol::Digest::of(&bytes).0), 0)
    }
}

/// Notes disagreements.
pub struct Notes;

impl crate::OnDisagreement<AccountId> for Notes {
    fn opened(run: RunId, round: RoundKey, place: u16, slot: SlotIndex, auditor: &AccountId, until: u32) {
        Opened::mutate(|opened| opened.push((run, round, place, slot, *auditor, until)));
    }
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountData = pallet_balances::AccountData<u128>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = u128;
    type ExistentialDeposit = ExistentialDeposit;
    type RuntimeHoldReason = RuntimeHoldReason;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type FreezeIdentifier = RuntimeFreezeReason;
}

/// No pool has a source.
pub struct NoSource;

impl Convert<PoolId, Option<AccountId>> for NoSource {
    fn convert(_: PoolId) -> Option<AccountId> {
        None
    }
}

impl pallet_sabha_reward_pool::Config for Test {
    type Currency = Balances;
    type Sources = NoSource;
    type Remainder = ConstU64<ALICE>;
    type Consideration = ();
    type MaxBatch = ConstU32<4>;
    type PalletId = PoolsPot;
    type WeightInfo = ();
}

impl crate::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type ActiveBlocks = Now;
    type Session = Sessions;
    type Randomness = Draws;
    type Window = ConstU64<{ WINDOW as u64 }>;
    type Availability = ConstU64<{ AVAILABILITY as u64 }>;
    type AuditSeals = ConstU64<20>;
    type ChessClock = ConstU64<60>;
    type MaxWindows = ConstU32<MAX_WINDOWS>;
    type Unbonding = ConstU64<{ UNBONDING as u64 }>;
    type Jail = ConstU64<{ JAIL as u64 }>;
    type AllocatorOrigin = frame_system::EnsureRoot<AccountId>;
    type Disagreements = Notes;
    type Scheduler = ();
    type Pools = RewardPool;
    type MinStake = ConstU128<STAKE>;
    type MaxEndpointLen = ConstU32<32>;
    type MaxRuns = ConstU32<3>;
    type WorkWeight = WorkLimit;
    type PalletId = Pot;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Clock;
}

#[cfg(feature = "runtime-benchmarks")]
pub struct Clock;

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper for Clock {
    fn set_active_blocks(now: u32) {
        Now::set(now);
    }

    fn set_session(session: u32) {
        Now::set(session * SESSION);
    }
}

/// A chain at genesis: accounts with money, and the pot.
pub fn ext() -> sp_io::TestExternalities {
    let mut balances: Vec<(AccountId, u128)> = (1..=ACCOUNTS).map(|who| (who, ENDOWMENT)).collect();
    balances.push((Training::account_id(), ED));
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
        ..Default::default()
    }
    .build_storage()
    .expect("the genesis is valid");
    Now::set(0);
    Seed::set(0);
    WorkLimit::set(Weight::from_parts(200_000_000_000, u64::MAX));
    Opened::set(Vec::new());
    let mut ext = sp_io::TestExternalities::from(storage);
    ext.execute_with(|| System::set_block_number(1));
    ext
}

/// Runs `test`, and checks the invariants after it.
pub fn run(test: impl FnOnce()) {
    ext().execute_with(|| {
        test();
        check();
    });
}

/// The invariants; and that no money came from anywhere or went but into the fire.
pub fn check() {
    Training::do_try_state().expect("the invariants hold");
    RewardPool::do_try_state().expect("the pools are sound");
    assert_eq!(
        pallet_balances::TotalIssuance::<Test>::get() + burnt(),
        u128::from(ACCOUNTS) * ENDOWMENT + ED
    );
}

/// What was burnt so far, by the events.
pub fn burnt() -> u128 {
    let all = System::events().into_iter().filter_map(|record| match record.event {
        RuntimeEvent::Training(
            Event::StakeSlashed { amount, burnt: true, .. } | Event::SurplusBurnt { amount, .. },
        ) => Some(amount),
        _ => None,
    });
    all.sum()
}

/// One block passes; with the hook's work if `work`.
pub fn block(work: bool) {
    Now::mutate(|now| *now += 1);
    Training::on_initialize(System::block_number());
    if work {
        let mut meter = WeightMeter::with_limit(WorkLimit::get());
        Training::on_poll(System::block_number(), &mut meter);
    }
}

/// `blocks` blocks pass, with the hook's work.
pub fn pass(blocks: u32) {
    (0..blocks).for_each(|_| block(true));
}

/// Blocks pass until `done`, at most so many.
pub fn until(most: u32, done: impl Fn() -> bool) {
    for _ in 0..most {
        if done() {
            return;
        }
        block(true);
    }
    assert!(done(), "not within {most} blocks: {:#?}", Rounds::<Test>::iter_values().collect::<Vec<_>>());
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

/// The specification that tests start from: three slots, two auditors, three attesters, four segments of which two are audited.
pub fn spec(rounds: u32) -> RunSpec {
    let mut spec = crate::example::spec(rounds);
    spec.rounds.segment_steps = 10;
    spec.audit.auditor_price = 5 * UNITS / 4;
    // The audits of a round end within it.
    spec.clocks.window = 2 * WINDOW;
    spec
}

/// Registers the worker of `owner` with so much stake.
pub fn register(owner: AccountId, stake: u128) {
    Training::register(signed(owner), hot(owner), payout(owner), Device::Cpu, 2, Default::default(), stake)
        .expect("it can be registered");
}

/// Registers a worker, and makes it ready.
pub fn ready(owner: AccountId) {
    register(owner, 2 * STAKE);
    Training::ready(signed(hot(owner))).expect("it can be ready");
}

/// Ten workers, ready.
pub fn crowd() {
    (FIRST..FIRST + 10).for_each(ready);
}

/// Creates a run with the least budget, for which ALICE pays.
pub fn create(spec: &RunSpec) -> RunId {
    let id = crate::NextRunId::<Test>::get();
    let budget = sabha_protocol::round::Progress::least_budget(&terms(id, spec));
    Training::create_run(&ALICE, spec.clone(), budget).expect("it can be created")
}

pub fn terms(id: RunId, spec: &RunSpec) -> sabha_protocol::round::Terms {
    sabha_protocol::round::Terms::new(id, spec)
}

/// Pokes a run, for which something must be due; it is free.
pub fn poke(id: RunId) {
    let done = Training::poke(signed(BOB), id).expect("something is due");
    assert_eq!(done.pays_fee, frame_support::dispatch::Pays::No);
}

pub fn worker(owner: AccountId) -> Worker<AccountId, crate::EndpointOf<Test>> {
    Workers::<Test>::get(owner).expect("it is registered")
}

pub fn run_of(id: RunId) -> Run<AccountId> {
    Runs::<Test>::get(id).expect("it exists")
}

pub fn round_of(id: RunId, key: RoundKey) -> RoundOf<Test> {
    Rounds::<Test>::get(id, key).expect("it is there")
}

pub fn slot_of(id: RunId, key: RoundKey, slot: SlotIndex) -> SlotOf<Test> {
    Slots::<Test>::get((id, key, slot)).expect("it is there")
}

pub fn key(round: u32, attempt: u16) -> RoundKey {
    RoundKey { round, attempt }
}

/// What `who` can spend.
pub fn free(who: AccountId) -> u128 {
    Balances::free_balance(who)
}

/// What `who` has at stake.
pub fn held(who: AccountId) -> u128 {
    Balances::balance_on_hold(&HoldReason::WorkerStake.into(), &who)
}

/// This pallet's events so far.
pub fn events() -> Vec<Event<Test>> {
    let events = System::events().into_iter();
    events
        .filter_map(|record| match record.event {
            RuntimeEvent::Training(event) => Some(event),
            _ => None,
        })
        .collect()
}

/// Whether there was such an event.
pub fn happened(is: impl Fn(&Event<Test>) -> bool) -> bool {
    events().iter().any(is)
}
