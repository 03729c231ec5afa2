//! A runtime with balances, the protocol's clock and training, whose blocks tests turn by hand.

use std::collections::BTreeMap;

use frame_support::{
    PalletId, derive_impl, parameter_types,
    traits::{ConstU16, ConstU32, ConstU64, ConstU128, Hooks, Randomness, fungible::InspectHold},
    weights::{Weight, WeightMeter},
};
use pallet_sabha_timing::{ActiveBlocks, Durations};
use pallet_sabha_training::{Device, Rounds, Slots};
use sabha_protocol::{
    Digest, RoundKey, RunId, RunSpec, SlotIndex,
    datasets::{DatasetId, Sources},
    pool::PoolId,
    round::{Progress, Terms},
};
pub use sabha_testing::people::*;
use sp_core::H256;
use sp_runtime::{BuildStorage, traits::Convert};

use crate as pallet_sabha_disputes;
use crate::{DisputeOf, Event, GameId, Games, HoldReason};

/// The bond of a challenge.
pub const BOND: u128 = sabha_protocol::defaults::CHALLENGE_BOND;
/// Challenges of one target.
pub const MOST: u16 = 5;

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
    pub type Timing = pallet_sabha_timing;
    #[runtime::pallet_index(2)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(3)]
    pub type Training = pallet_sabha_training;
    #[runtime::pallet_index(4)]
    pub type Disputes = pallet_sabha_disputes;
    #[runtime::pallet_index(5)]
    pub type RewardPool = pallet_sabha_reward_pool;
}

parameter_types! {
    pub static Paused: bool = false;
    pub static Accepted: BTreeMap<Digest, u64> = BTreeMap::new();
    pub const ExistentialDeposit: u128 = ED;
    pub const Pot: PalletId = PalletId(*b"sb/train");
    pub const PoolsPot: PalletId = PalletId(*b"sb/pools");
    pub WorkLimit: Weight = Weight::from_parts(200_000_000_000, u64::MAX);
}

/// Sessions of [`SESSION`] active blocks.
pub struct Sessions;

impl frame_support::traits::Get<u32> for Sessions {
    fn get() -> u32 {
        now() / SESSION
    }
}

/// Data that tests say is accepted.
pub struct Registry;

impl Sources for Registry {
    fn dataset_of(manifest: &Digest) -> Option<(DatasetId, u64)> {
        Accepted::get().get(manifest).map(|bytes| (7, *bytes))
    }
}

/// Words that follow from the subject.
pub struct Draws;

impl Randomness<H256, u64> for Draws {
    fn random(subject: &[u8]) -> (H256, u64) {
        (H256(sabha_protocol::Digest::of(subject).0), 0)
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

impl pallet_sabha_timing::Config for Test {
    type AdminOrigin = frame_system::EnsureRoot<AccountId>;
    type Paused = Paused;
    type WeightInfo = ();
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

impl pallet_sabha_training::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type ActiveBlocks = pallet_sabha_timing::ActiveBlocksNow<Test>;
    type Session = Sessions;
    type Randomness = Draws;
    type Window = pallet_sabha_timing::Window<Test>;
    type Availability = pallet_sabha_timing::Availability<Test>;
    type AuditSeals = pallet_sabha_timing::AuditSeals<Test>;
    type ChessClock = pallet_sabha_timing::ChessClock<Test>;
    type MaxWindows = ConstU32<4>;
    type Unbonding = pallet_sabha_timing::Unbonding<Test>;
    type Jail = pallet_sabha_timing::Window<Test>;
    type AllocatorOrigin = frame_system::EnsureRoot<AccountId>;
    type Disagreements = Disputes;
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

impl crate::Config for Test {
    type Bond = ConstU128<BOND>;
    type MaxChallenges = ConstU16<MOST>;
    type Sources = Registry;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Clock;
}

#[cfg(feature = "runtime-benchmarks")]
pub struct Clock;

#[cfg(feature = "runtime-benchmarks")]
impl pallet_sabha_training::BenchmarkHelper for Clock {
    fn set_active_blocks(now: u32) {
        ActiveBlocks::<Test>::put(now);
    }

    fn set_session(session: u32) {
        ActiveBlocks::<Test>::put(session * SESSION);
    }
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper for Clock {
    fn accept(root: Digest, bytes: u64) {
        Accepted::mutate(|accepted| accepted.insert(root, bytes));
    }
}

/// A chain at genesis: accounts with money, and the pot.
pub fn ext() -> sp_io::TestExternalities {
    let mut balances: Vec<(AccountId, u128)> = (1..=ACCOUNTS).map(|who| (who, ENDOWMENT)).collect();
    let pot = sp_runtime::traits::AccountIdConversion::into_account_truncating(&Pot::get());
    balances.push((pot, ED));
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
        timing: pallet_sabha_timing::GenesisConfig {
            durations: Durations::development(),
            ..Default::default()
        },
        ..Default::default()
    }
    .build_storage()
    .expect("the genesis is valid");
    Paused::set(false);
    Accepted::set(BTreeMap::new());
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
    Disputes::do_try_state().expect("the invariants of disputes hold");
    Training::do_try_state().expect("the invariants of training hold");
    assert_eq!(
        pallet_balances::TotalIssuance::<Test>::get() + burnt(),
        u128::from(ACCOUNTS) * ENDOWMENT + ED
    );
}

/// What was burnt so far, by the events.
pub fn burnt() -> u128 {
    use pallet_sabha_training::Event as Trained;
    let all = System::events().into_iter().filter_map(|record| match record.event {
        RuntimeEvent::Training(
            Trained::StakeSlashed { amount, burnt: true, .. } | Trained::SurplusBurnt { amount, .. },
        ) => Some(amount),
        RuntimeEvent::Disputes(Event::BondSlashed { burnt, .. }) => Some(burnt),
        _ => None,
    });
    all.sum()
}

/// Active blocks.
pub fn now() -> u32 {
    ActiveBlocks::<Test>::get()
}

/// One block passes, with the hooks' work; without that of this pallet unless `sweep`.
pub fn block_with(sweep: bool) {
    let number = System::block_number();
    let meter = || WeightMeter::with_limit(Weight::MAX);
    Training::on_initialize(number);
    Timing::on_poll(number, &mut meter());
    Training::on_poll(number, &mut meter());
    if sweep {
        Disputes::on_poll(number, &mut meter());
    }
}

/// One block passes, in which no game is looked at.
pub fn block() {
    block_with(false);
}

/// `blocks` blocks pass.
pub fn pass(blocks: u32) {
    (0..blocks).for_each(|_| block());
}

/// Blocks pass until `done`, at most so many.
pub fn until(most: u32, done: impl Fn() -> bool) {
    for _ in 0..most {
        if done() {
            return;
        }
        block();
    }
    assert!(done(), "not within {most} blocks: {:#?}", Rounds::<Test>::iter_values().collect::<Vec<_>>());
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

/// Ten workers, ready.
pub fn crowd() {
    for owner in FIRST..FIRST + 10 {
        let (hot, payout, stake) = (hot(owner), payout(owner), 2 * STAKE);
        Training::register(signed(owner), hot, payout, Device::Cpu, 2, Default::default(), stake)
            .expect("it can be registered");
        Training::ready(signed(hot)).expect("it can be ready");
    }
}

/// Creates a run with the least budget, for which ALICE pays.
pub fn create(spec: &RunSpec) -> RunId {
    let id = pallet_sabha_training::NextRunId::<Test>::get();
    let budget = Progress::least_budget(&Terms::new(id, spec));
    Training::create_run(&ALICE, spec.clone(), budget).expect("it can be created")
}

pub fn round_of(id: RunId, key: RoundKey) -> pallet_sabha_training::RoundOf<Test> {
    Rounds::<Test>::get(id, key).expect("it is there")
}

pub fn slot_of(id: RunId, key: RoundKey, slot: SlotIndex) -> pallet_sabha_training::SlotOf<Test> {
    Slots::<Test>::get((id, key, slot)).expect("it is there")
}

pub fn game_of(id: GameId) -> DisputeOf<Test> {
    Games::<Test>::get(id).expect("it is there")
}

/// What `who` can spend.
pub fn free(who: AccountId) -> u128 {
    Balances::free_balance(who)
}

/// What `who` has on hold for challenges.
pub fn bonded(who: AccountId) -> u128 {
    Balances::balance_on_hold(&HoldReason::Challenge.into(), &who)
}

/// What `who` has at stake as a worker.
pub fn staked(who: AccountId) -> u128 {
    Balances::balance_on_hold(&pallet_sabha_training::HoldReason::WorkerStake.into(), &who)
}

/// This pallet's events so far.
pub fn events() -> Vec<Event<Test>> {
    let events = System::events().into_iter();
    events
        .filter_map(|record| match record.event {
            RuntimeEvent::Disputes(event) => Some(event),
            _ => None,
        })
        .collect()
}
