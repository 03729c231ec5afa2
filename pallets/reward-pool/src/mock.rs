//! A runtime with balances and pools. The pool of curators has a source.

use frame_support::{
    PalletId, derive_impl, parameter_types,
    traits::{ConstU32, LinearStoragePrice, fungible::HoldConsideration},
};
use sabha_protocol::{
    UNITS,
    pool::{PoolId, RewardPools},
};
use sp_runtime::{BuildStorage, traits::Convert};

use crate as pallet_sabha_reward_pool;
use crate::{Event, HoldReason};

pub type AccountId = u64;

/// Least balance of an account.
pub const ED: u128 = UNITS / 100;
/// What each account has at genesis.
pub const ENDOWMENT: u128 = 10_000 * UNITS;
/// Accounts with money.
pub const ACCOUNTS: u64 = 12;
/// What Dap would mint into for curators.
pub const SOURCE: AccountId = 900;
/// Where remainders go.
pub const TREASURY: AccountId = 901;
/// A pool that tests make.
pub const DATA: PoolId = PoolId::Dataset(4);

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
pub const CHARLIE: AccountId = 3;
/// Has nothing.
pub const POOR: AccountId = 100;

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
}

parameter_types! {
    pub static Minted: u128 = 0;
    pub const ExistentialDeposit: u128 = ED;
    pub const Pot: PalletId = PalletId(*b"sb/pools");
    pub const Treasury: AccountId = TREASURY;
    pub const StorageHold: RuntimeHoldReason = RuntimeHoldReason::RewardPool(HoldReason::Storage);
    pub const ItemDeposit: u128 = UNITS / 10;
    pub const ByteDeposit: u128 = UNITS / 10_000;
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

impl crate::Config for Test {
    type Currency = Balances;
    type Sources = Sources;
    type Remainder = Treasury;
    type Consideration = HoldConsideration<
        AccountId,
        Balances,
        StorageHold,
        LinearStoragePrice<ItemDeposit, ByteDeposit, u128>,
    >;
    type MaxBatch = ConstU32<4>;
    type PalletId = Pot;
    type WeightInfo = ();
}

/// A chain at genesis: accounts with money, the pot, a source, a treasury; and the pool [`DATA`].
pub fn ext() -> sp_io::TestExternalities {
    let mut balances: Vec<(AccountId, u128)> = (1..=ACCOUNTS).map(|who| (who, ENDOWMENT)).collect();
    balances.extend([(RewardPool::account_id(), ED), (SOURCE, ED), (TREASURY, ED)]);
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
        ..Default::default()
    }
    .build_storage()
    .expect("the genesis is valid");
    let mut ext = sp_io::TestExternalities::from(storage);
    ext.execute_with(|| {
        System::set_block_number(1);
        RewardPool::create(DATA).expect("it can be made");
    });
    ext.commit_all().expect("the overlay has no open transaction");
    ext
}

/// Runs `test`, and checks the invariants after it, and that no money came or went.
pub fn run(test: impl FnOnce()) {
    ext().execute_with(|| {
        let issuance = pallet_balances::TotalIssuance::<Test>::get();
        Minted::set(0);
        test();
        check();
        assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), issuance + Minted::get());
    });
}

pub fn check() {
    RewardPool::do_try_state().expect("the invariants hold");
}

/// What Dap does: more tokens in the source, and nobody is told.
pub fn mint(amount: u128) {
    use frame_support::traits::fungible::Mutate;
    Balances::mint_into(&SOURCE, amount).expect("it can be minted");
    Minted::mutate(|all| *all += amount);
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

/// What `who` can spend, beyond what it had at genesis.
pub fn gained(who: AccountId) -> i128 {
    let before = if (1..=ACCOUNTS).contains(&who) { ENDOWMENT } else { 0 };
    Balances::free_balance(who) as i128 - before as i128
}

pub fn give(pool: PoolId, member: AccountId, shares: u128) {
    RewardPool::set_shares(pool, &member, shares).expect("shares can be given");
}

/// Makes shares of one account those of another, as pallets do.
pub fn hand_over(pool: PoolId, from: AccountId, to: AccountId, shares: u128) -> sp_runtime::DispatchResult {
    <RewardPool as RewardPools<AccountId>>::transfer_shares(pool, &from, &to, shares)
}

pub fn pay(pool: PoolId, amount: u128) {
    RewardPool::deposit(signed(ACCOUNTS), pool, amount).expect("it can be paid");
}

/// This pallet's last event.
pub fn last_event() -> Event<Test> {
    let last = System::events().into_iter().rev().find_map(|record| match record.event {
        RuntimeEvent::RewardPool(event) => Some(event),
        _ => None,
    });
    last.expect("there is one")
}
