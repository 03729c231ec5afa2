//! A runtime with balances, training, allocation and reward pools. Tests complete runs, and say which manifests belong to a dataset.

use std::collections::BTreeMap;

use frame_support::{
    PalletId, derive_impl, parameter_types,
    traits::{ConstU32, ConstU64, ConstU128, Contains, Hooks, Randomness},
    weights::{Weight, WeightMeter},
};
use pallet_sabha_training::Runs;
use sabha_protocol::{
    Balance, Digest, NUMERICS_EXACT, RunId, RunSpec, UNITS,
    allocation::MatchingTerms,
    defaults::{AUDIT, CLOCKS, OUTER, PRICE_PER_SLOT, STAKE_PER_SLOT, rounds},
    models::{Licence, ModelId, Table},
    pool::{PoolId, RewardPools},
    round::Checkpoint,
    spec::{DataSpec, ModelSpec, OptimiserSpec},
};
use sp_core::H256;
use sp_runtime::{
    BuildStorage,
    traits::{AccountIdConversion, Convert},
};

use crate as pallet_sabha_models;
use crate::{ModelOf, Models};

pub type AccountId = u64;

/// Least balance of an account.
pub const ED: Balance = UNITS / 100;
/// What each account has at genesis.
pub const ENDOWMENT: Balance = 100_000 * UNITS;
/// Accounts with money.
pub const ACCOUNTS: u64 = 20;
/// The least payment.
pub const LEAST: Balance = UNITS;
/// Who proposes.
pub const ALICE: AccountId = 1;
/// Who backs.
pub const BOB: AccountId = 2;
/// Who trained.
pub const WORKERS: [AccountId; 2] = [3, 4];
/// Whose data it was.
pub const OWNERS: [AccountId; 2] = [5, 6];
/// Who pays.
pub const PAYER: AccountId = 7;
/// The treasury.
pub const TREASURY: AccountId = 777;
/// The matching pot.
pub const MATCHING: AccountId = 778;
/// The chain's table.
pub const TABLE: Table = Table { data: 3_000, compute: 3_000, backers: 2_000, parents: 1_000 };

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
    pub type RewardPool = pallet_sabha_reward_pool;
    #[runtime::pallet_index(3)]
    pub type Training = pallet_sabha_training;
    #[runtime::pallet_index(4)]
    pub type Allocation = pallet_sabha_allocation;
    #[runtime::pallet_index(5)]
    pub type ModelRegistry = pallet_sabha_models;
}

parameter_types! {
    pub static Now: u32 = 0;
    pub static Manifests: BTreeMap<Digest, (u32, u64)> = BTreeMap::new();
    pub static Split: Table = TABLE;
    pub const ExistentialDeposit: Balance = ED;
    pub const TrainingPot: PalletId = PalletId(*b"sb/train");
    pub const AllocationPot: PalletId = PalletId(*b"sb/alloc");
    pub const PoolsPot: PalletId = PalletId(*b"sb/pools");
    pub const OwnPot: PalletId = PalletId(*b"sb/model");
    pub const MatchingPot: AccountId = MATCHING;
    pub const TreasuryAccount: AccountId = TREASURY;
    pub const Terms: MatchingTerms = MatchingTerms { most_of_pot: 500_000, most: 100_000 * UNITS };
    pub WorkLimit: Weight = Weight::from_parts(200_000_000_000, u64::MAX);
}

/// Sessions of 20 active blocks.
pub struct Sessions;

impl frame_support::traits::Get<u32> for Sessions {
    fn get() -> u32 {
        Now::get() / 20
    }
}

/// Words that follow from the subject.
pub struct Draws;

impl Randomness<H256, u64> for Draws {
    fn random(subject: &[u8]) -> (H256, u64) {
        (H256(Digest::of(subject).0), 0)
    }
}

/// Nobody is judged.
pub struct Nobody;

impl Contains<AccountId> for Nobody {
    fn contains(_: &AccountId) -> bool {
        false
    }
}

/// Pools that tokens are minted into: none.
pub struct NoSources;

impl Convert<PoolId, Option<AccountId>> for NoSources {
    fn convert(_: PoolId) -> Option<AccountId> {
        None
    }
}

/// Manifests that tests accept.
pub struct Accepted;

impl sabha_protocol::datasets::Sources for Accepted {
    fn dataset_of(manifest: &Digest) -> Option<(u32, u64)> {
        Manifests::get().get(manifest).copied()
    }
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = Balance;
    type ExistentialDeposit = ExistentialDeposit;
    type RuntimeHoldReason = RuntimeHoldReason;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type FreezeIdentifier = RuntimeFreezeReason;
}

impl pallet_sabha_reward_pool::Config for Test {
    type Currency = Balances;
    type Sources = NoSources;
    type Remainder = TreasuryAccount;
    type Consideration = ();
    type MaxBatch = ConstU32<8>;
    type PalletId = PoolsPot;
    type WeightInfo = ();
}

impl pallet_sabha_training::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type ActiveBlocks = Now;
    type Session = Sessions;
    type Randomness = Draws;
    type Window = ConstU64<60>;
    type Availability = ConstU64<10>;
    type AuditSeals = ConstU64<20>;
    type ChessClock = ConstU64<60>;
    type MaxWindows = ConstU32<4>;
    type Unbonding = ConstU64<150>;
    type Jail = ConstU64<100>;
    type AllocatorOrigin = frame_system::EnsureRoot<AccountId>;
    type Disagreements = ();
    type Scheduler = Allocation;
    type Pools = RewardPool;
    type MinStake = ConstU128<{ 100 * UNITS }>;
    type MaxEndpointLen = ConstU32<32>;
    type MaxRuns = ConstU32<3>;
    type WorkWeight = WorkLimit;
    type PalletId = TrainingPot;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Helper;
}

impl pallet_sabha_allocation::Config for Test {
    type Judged = Nobody;
    type Parents = ModelRegistry;
    type MatchingPot = MatchingPot;
    type MatchingTerms = Terms;
    type Deposit = ConstU128<{ 10 * UNITS }>;
    type MinPledge = ConstU128<UNITS>;
    type MaxFunding = ConstU64<100>;
    type Patience = ConstU64<60>;
    type Idle = ConstU64<200>;
    type MaxTitleLen = ConstU32<64>;
    type MaxCount = ConstU32<8>;
    type PalletId = AllocationPot;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Helper;
}

impl crate::Config for Test {
    type Sources = Accepted;
    type RegistryOrigin = frame_system::EnsureRoot<AccountId>;
    type Treasury = TreasuryAccount;
    type Table = Split;
    type MinPayment = ConstU128<LEAST>;
    type MaxMetrics = ConstU32<4>;
    type MaxMetricName = ConstU32<32>;
    type PalletId = OwnPot;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Helper;
}

#[cfg(feature = "runtime-benchmarks")]
pub struct Helper;

#[cfg(feature = "runtime-benchmarks")]
impl pallet_sabha_training::BenchmarkHelper for Helper {
    fn set_active_blocks(now: u32) {
        Now::set(now);
    }

    fn set_session(session: u32) {
        Now::set(session * 20);
    }
}

#[cfg(feature = "runtime-benchmarks")]
impl pallet_sabha_allocation::BenchmarkHelper<AccountId> for Helper {
    fn judge(_: &AccountId) {}
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper for Helper {
    fn accept(manifest: Digest, dataset: u32, bytes: u64) {
        Manifests::mutate(|all| all.insert(manifest, (dataset, bytes)));
    }
}

/// A chain at genesis: accounts with money, and the pots.
pub fn ext() -> sp_io::TestExternalities {
    let mut balances: Vec<(AccountId, Balance)> = (1..=ACCOUNTS).map(|who| (who, ENDOWMENT)).collect();
    let pots = [TrainingPot::get(), AllocationPot::get(), PoolsPot::get(), OwnPot::get()];
    balances.extend(pots.map(|pot| (pot.into_account_truncating(), ED)));
    balances.extend([TREASURY, MATCHING].map(|pot| (pot, ED)));
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
        ..Default::default()
    }
    .build_storage()
    .expect("the genesis is valid");
    Now::set(0);
    Manifests::set(BTreeMap::new());
    Split::set(TABLE);
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

/// The invariants; and that no money came from anywhere or went.
pub fn check() {
    ModelRegistry::do_try_state().expect("the invariants hold");
    Allocation::do_try_state().expect("the invariants of allocation hold");
    Training::do_try_state().expect("the invariants of training hold");
    RewardPool::do_try_state().expect("the invariants of pools hold");
    let all = u128::from(ACCOUNTS) * ENDOWMENT + 6 * ED;
    assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), all);
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

pub fn root() -> RuntimeOrigin {
    RuntimeOrigin::root()
}

/// The manifest of a dataset of [`OWNERS`].
pub fn manifest(dataset: u32) -> Digest {
    Digest::of(&dataset.to_le_bytes())
}

/// Two datasets, each of one owner; the second one is twice as large.
pub fn datasets() {
    for (dataset, owner) in (0..).zip(OWNERS) {
        let pool = PoolId::Dataset(dataset);
        <RewardPool as RewardPools<_>>::create(pool).expect("it can be made");
        <RewardPool as RewardPools<_>>::add_shares(pool, &owner, 1_000).expect("it is open");
        Manifests::mutate(|all| all.insert(manifest(dataset), (dataset, 1_000 << dataset)));
    }
}

/// The weights of a run.
pub fn weights(run: RunId) -> Checkpoint {
    Checkpoint { root: Digest([run as u8 + 1; 32]), blob: Digest([100; 32]) }
}

/// A specification of one round, over both datasets and one that nobody knows.
pub fn spec(parent: Option<ModelId>) -> RunSpec {
    RunSpec {
        numerics_version: NUMERICS_EXACT,
        seed: 1,
        initial_checkpoint: parent.map(|model| self::model(model).checkpoint.root),
        price_per_slot: PRICE_PER_SLOT,
        stake_per_slot: STAKE_PER_SLOT,
        model: shape(),
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
            sources: [manifest(0), manifest(1), manifest(99)].to_vec().try_into().expect("they are few"),
        },
        rounds: rounds(1, 40, 2, 4),
        audit: AUDIT,
        clocks: CLOCKS,
    }
}

/// A small model.
pub fn shape() -> ModelSpec {
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

/// A run that ALICE proposed and BOB paid for. Its workers have two shares and one.
pub fn started(parent: Option<ModelId>, licence: Licence) -> RunId {
    let run = pallet_sabha_training::NextRunId::<Test>::get();
    let (spec, title) = (spec(parent), b"A model".to_vec().try_into().expect("it is short"));
    let goal = Training::least_budget(&spec);
    Allocation::propose(signed(ALICE), title, licence, parent, Box::new(spec), goal, 50)
        .expect("it can be proposed");
    Allocation::pledge(signed(BOB), run, goal).expect("it can be pledged to");
    Allocation::settle(signed(ALICE), run, 8).expect("it can be settled");
    for (worker, shares) in WORKERS.into_iter().zip([2, 1]) {
        <RewardPool as RewardPools<_>>::add_shares(PoolId::Compute(run), &worker, shares)
            .expect("it is open");
    }
    run
}

/// All rounds of a run become final.
pub fn complete(run: RunId) {
    Runs::<Test>::mutate_extant(run, |record| {
        record.progress.finalised = record.rounds;
        record.progress.next.round = record.rounds;
        record.progress.tip = Some(weights(run));
    });
    Training::poke(signed(ALICE), run).expect("it is due");
}

/// The model of a run like [`started`]'s.
pub fn trained(parent: Option<ModelId>) -> ModelId {
    let run = started(parent, Licence::Apache2);
    complete(run);
    let model = crate::NextModelId::<Test>::get();
    ModelRegistry::register(signed(PAYER), run).expect("it can be registered");
    model
}

/// One block passes, with training's work.
pub fn pass() {
    Now::mutate(|now| *now += 1);
    Training::on_poll(System::block_number(), &mut WeightMeter::with_limit(WorkLimit::get()));
}

pub fn model(id: ModelId) -> ModelOf<Test> {
    Models::<Test>::get(id).expect("it is there")
}

/// What `who` can spend.
pub fn free(who: AccountId) -> Balance {
    Balances::free_balance(who)
}

/// What a pool pays `who` now.
pub fn claimed(pool: PoolId, who: AccountId) -> Balance {
    let before = free(who);
    let _ = RewardPool::claim(signed(who), pool);
    free(who) - before
}
