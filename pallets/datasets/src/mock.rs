//! A runtime with balances and pools, and a clock, sessions and words that tests turn by hand.

use frame_support::{
    PalletId, derive_impl, parameter_types,
    traits::{
        ConstU32, ConstU64, ConstU128, LinearStoragePrice,
        fungible::{HoldConsideration, InspectHold},
    },
};
use sabha_protocol::{
    Digest, UNITS,
    datasets::{ClaimId, Content, DatasetId, Modality, SHARD_BYTES, Stage, Unit, Vote, claim, vote},
    draw::{SessionWords, Word, word_of},
    pool::PoolId,
};
use sp_runtime::{BuildStorage, traits::Convert};

use crate as pallet_sabha_datasets;
use crate::{ClaimOf, Claims, Curator, Curators, DatasetOf, Event, HoldReason, Shards};

pub type AccountId = u64;

/// Least balance of an account.
pub const ED: u128 = UNITS / 100;
/// What each account has at genesis.
pub const ENDOWMENT: u128 = 10_000 * UNITS;
/// Accounts with money.
pub const ACCOUNTS: u64 = 20;
/// Least stake of a curator.
pub const STAKE: u128 = 100 * UNITS;
/// What a seat reserves.
pub const SEAT: u128 = 10 * UNITS;
/// What a sound vote is paid.
pub const PAY: u128 = UNITS / 2;
/// The bond of an appeal.
pub const APPEAL: u128 = 10 * UNITS;
/// Active blocks of a session.
pub const SESSION: u32 = 20;
/// Clocks.
pub const AVAILABILITY: u32 = 10;
pub const SEALS: u32 = 20;
pub const WINDOW: u32 = 60;
pub const RETENTION: u32 = 150;
pub const ARBITRATION: u32 = 90;
pub const UNBONDING: u32 = 150;

/// Registers datasets.
pub const OWNER: AccountId = 1;
/// Claims.
pub const ASHA: AccountId = 2;
/// Claims, too.
pub const BINH: AccountId = 3;
/// Gives money.
pub const DONOR: AccountId = 4;
/// Does nothing but poke and appeal.
pub const EVE: AccountId = 5;
/// The first of those who curate.
pub const FIRST: AccountId = 10;
/// Where remainders go.
pub const TREASURY: AccountId = 901;
/// What Dap mints into for curators.
pub const SOURCE: AccountId = 900;

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
    pub type Datasets = pallet_sabha_datasets;
}

parameter_types! {
    pub static Now: u32 = 0;
    pub static Seed: u64 = 0;
    /// Sessions whose words are lost.
    pub static Lost: Vec<u32> = Vec::new();
    pub const ExistentialDeposit: u128 = ED;
    pub const Pot: PalletId = PalletId(*b"sb/datas");
    pub const Pools: PalletId = PalletId(*b"sb/pools");
    pub const Treasury: AccountId = TREASURY;
    pub const PoolHold: RuntimeHoldReason =
        RuntimeHoldReason::RewardPool(pallet_sabha_reward_pool::HoldReason::Storage);
    pub const DataHold: RuntimeHoldReason = RuntimeHoldReason::Datasets(HoldReason::Storage);
    pub const ItemDeposit: u128 = UNITS / 10;
    pub const ByteDeposit: u128 = UNITS / 10_000;
}

/// Sessions of [`SESSION`] active blocks.
pub struct Sessions;

impl frame_support::traits::Get<u32> for Sessions {
    fn get() -> u32 {
        Now::get() / SESSION
    }
}

/// Words that tests choose by [`Seed`]; the latest six.
pub struct Words;

impl SessionWords for Words {
    fn word(session: u32) -> Option<Word> {
        let now = <Sessions as frame_support::traits::Get<u32>>::get();
        let known = session <= now && now < session + 6 && !Lost::get().contains(&session);
        known.then(|| word_of(Seed::get(), session))
    }
}

/// The curators' pool has a source.
pub struct Sources;

impl Convert<PoolId, Option<AccountId>> for Sources {
    fn convert(pool: PoolId) -> Option<AccountId> {
        (pool == PoolId::Curators).then_some(SOURCE)
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

type Price = LinearStoragePrice<ItemDeposit, ByteDeposit, u128>;

impl pallet_sabha_reward_pool::Config for Test {
    type Currency = Balances;
    type Sources = Sources;
    type Remainder = Treasury;
    type Consideration = HoldConsideration<AccountId, Balances, PoolHold, Price>;
    type MaxBatch = ConstU32<4>;
    type PalletId = Pools;
    type WeightInfo = ();
}

impl crate::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Pools = RewardPool;
    type Consideration = HoldConsideration<AccountId, Balances, DataHold, Price>;
    type ArbiterOrigin = frame_system::EnsureRoot<AccountId>;
    type ActiveBlocks = Now;
    type Session = Sessions;
    type Words = Words;
    type Availability = ConstU64<{ AVAILABILITY as u64 }>;
    type VoteSeals = ConstU64<{ SEALS as u64 }>;
    type Window = ConstU64<{ WINDOW as u64 }>;
    type Retention = ConstU64<{ RETENTION as u64 }>;
    type AppealTime = ConstU64<{ ARBITRATION as u64 }>;
    type Unbonding = ConstU64<{ UNBONDING as u64 }>;
    type MinStake = ConstU128<STAKE>;
    type SeatStake = ConstU128<SEAT>;
    type SeatPay = ConstU128<PAY>;
    type AppealBond = ConstU128<APPEAL>;
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

    fn set_word(_: u32, _: Word) {}
}

/// A chain at genesis: accounts with money, the pots.
pub fn ext() -> sp_io::TestExternalities {
    let mut balances: Vec<(AccountId, u128)> = (1..=ACCOUNTS).map(|who| (who, ENDOWMENT)).collect();
    balances.extend([
        (Datasets::account_id(), ED),
        (RewardPool::account_id(), ED),
        (SOURCE, ED),
        (TREASURY, ED),
    ]);
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
        ..Default::default()
    }
    .build_storage()
    .expect("the genesis is valid");
    Now::set(0);
    Seed::set(0);
    Lost::set(Vec::new());
    let mut ext = sp_io::TestExternalities::from(storage);
    ext.execute_with(|| System::set_block_number(1));
    ext
}

/// Runs `test`, and checks the invariants after it, and that no money came or went but into the fire.
pub fn run(test: impl FnOnce()) {
    ext().execute_with(|| {
        let issuance = pallet_balances::TotalIssuance::<Test>::get();
        test();
        check();
        assert_eq!(pallet_balances::TotalIssuance::<Test>::get() + burnt(), issuance);
    });
}

pub fn check() {
    Datasets::do_try_state().expect("the invariants hold");
    RewardPool::do_try_state().expect("the pools are sound");
}

/// What was burnt so far, by the events.
pub fn burnt() -> u128 {
    let all = events().into_iter().filter_map(|event| match event {
        Event::Slashed { burnt, .. } => Some(burnt),
        _ => None,
    });
    all.sum()
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

pub fn root() -> RuntimeOrigin {
    RuntimeOrigin::root()
}

pub fn text<S: TryFrom<Vec<u8>>>(text: &str) -> S {
    S::try_from(text.as_bytes().to_vec()).ok().expect("short enough")
}

/// Registers a dataset of Spanish text at half an SBH a mebibyte, with so many curators, and gives it 1,000 SBH.
pub fn dataset(panel: u16) -> DatasetId {
    dataset_with(panel, 1_000 * UNITS)
}

/// As [`dataset`], with another budget.
pub fn dataset_with(panel: u16, budget: u128) -> DatasetId {
    let id = crate::NextDataset::<Test>::get();
    Datasets::register_dataset(
        signed(OWNER),
        text("Old books"),
        Modality::Text,
        text("es"),
        text("CC0-1.0"),
        Unit::Mebibyte,
        1 << 20,
        UNITS / 2,
        panel,
    )
    .expect("it can be registered");
    Datasets::donate(signed(DONOR), id, budget).expect("it can be given");
    id
}

/// So many shards of a seed.
pub fn shards(seed: u32, count: u32) -> Shards {
    let all: Vec<_> =
        (0..count).map(|index| Digest::of(&[seed.to_le_bytes(), index.to_le_bytes()].concat())).collect();
    all.try_into().expect("not too many")
}

pub const SALT: [u8; 32] = [9; 32];

/// Seals a claim of these shards.
pub fn commit(who: AccountId, dataset: DatasetId, shards: &Shards) -> ClaimId {
    let id = crate::NextClaim::<Test>::get();
    let root = Content { units: 1, bytes: 1, shards }.root();
    let seal = claim::seal(dataset, &root, &SALT, &who);
    Datasets::commit_claim(signed(who), dataset, seal).expect("it can be sealed");
    id
}

/// Tells a claim of these shards, all full. It is free if the budget covers it.
pub fn tell(who: AccountId, id: ClaimId, shards: &Shards) -> sp_runtime::DispatchResult {
    let count = shards.len() as u64;
    let locators = vec![text("http://127.0.0.1:8080/")].try_into().expect("few");
    let bytes = count * SHARD_BYTES;
    let told = Datasets::reveal_claim(signed(who), id, count, bytes, shards.clone(), locators, SALT);
    let told = told.map_err(|error| error.error)?;
    let funded = !matches!(record(id).stage, Stage::Committed { .. });
    assert_eq!(told.pays_fee == frame_support::dispatch::Pays::No, funded);
    Ok(())
}

/// A claim of so many shards that was told.
pub fn claim_of(who: AccountId, dataset: DatasetId, seed: u32, count: u32) -> ClaimId {
    let shards = shards(seed, count);
    let id = commit(who, dataset, &shards);
    pass(AVAILABILITY);
    tell(who, id, &shards).expect("it can be told");
    id
}

/// So many curators, of a ticket each.
pub fn curators(count: u64) {
    for who in FIRST..FIRST + count {
        Datasets::register_curator(signed(who), STAKE).expect("it can be registered");
    }
    // So that sets that are frozen from now on have them.
    pass(SESSION);
}

pub fn pass(blocks: u32) {
    Now::mutate(|now| *now += blocks);
}

/// Lets the panel of a claim be drawn, and returns it.
pub fn draw(id: ClaimId) -> Vec<AccountId> {
    pass(2 * SESSION);
    poke(id);
    panel(id)
}

/// Who is on the panel.
pub fn panel(id: ClaimId) -> Vec<AccountId> {
    record(id).panel.iter().map(|seat| seat.curator).collect()
}

/// Pokes a claim, for which something must be due; it is free.
pub fn poke(id: ClaimId) {
    poke_as(EVE, id);
}

/// As [`poke`], by this account.
pub fn poke_as(who: AccountId, id: ClaimId) {
    let done = Datasets::poke(signed(who), id).expect("something is due");
    assert_eq!(done.pays_fee, frame_support::dispatch::Pays::No);
    assert!(done.actual_weight.is_some_and(|weight| weight.all_lte(crate::poke::most::<Test>())));
    check();
}

pub fn opinion(fraction: u16) -> Vote {
    Vote { fraction, quality: 80 }
}

/// Seals a vote of a curator.
pub fn seal(id: ClaimId, who: AccountId, vote: Vote) {
    let seal = vote::seal(id, record(id).panels, &vote, &SALT, &who);
    Datasets::seal_vote(signed(who), id, seal).expect("it can be sealed");
}

pub fn reveal(id: ClaimId, who: AccountId, vote: Vote) {
    Datasets::reveal_vote(signed(who), id, vote, SALT).expect("it can be revealed");
}

/// Everybody seals and reveals these fractions, in the order of the panel; then it is decided.
pub fn judge(id: ClaimId, fractions: &[u16]) -> Vec<AccountId> {
    let panel = draw(id);
    assert_eq!(panel.len(), fractions.len());
    for (who, fraction) in panel.iter().zip(fractions) {
        seal(id, *who, opinion(*fraction));
    }
    poke(id);
    for (who, fraction) in panel.iter().zip(fractions) {
        reveal(id, *who, opinion(*fraction));
    }
    poke(id);
    assert!(matches!(record(id).stage, Stage::Judged { .. }));
    panel
}

/// Lets the retention pass, and settles.
pub fn settle(id: ClaimId) {
    pass(RETENTION + 1);
    poke(id);
    assert!(!Claims::<Test>::contains_key(id));
}

pub fn record(id: ClaimId) -> ClaimOf<Test> {
    Claims::<Test>::get(id).expect("it is there")
}

pub fn dataset_of(id: DatasetId) -> DatasetOf<Test> {
    crate::Datasets::<Test>::get(id).expect("it is there")
}

pub fn curator(who: AccountId) -> Curator {
    Curators::<Test>::get(who).expect("it is there")
}

/// What `who` has on hold for this.
pub fn held(reason: HoldReason, who: AccountId) -> u128 {
    Balances::balance_on_hold(&reason.into(), &who)
}

/// What `who` could claim from a pool.
pub fn owed(pool: PoolId, who: AccountId) -> u128 {
    RewardPool::claimable(pool, who)
}

/// This pallet's events so far.
pub fn events() -> Vec<Event<Test>> {
    let all = System::events().into_iter().filter_map(|record| match record.event {
        RuntimeEvent::Datasets(event) => Some(event),
        _ => None,
    });
    all.collect()
}

/// Whether there was such an event.
pub fn happened(is: impl Fn(&Event<Test>) -> bool) -> bool {
    events().iter().any(is)
}
