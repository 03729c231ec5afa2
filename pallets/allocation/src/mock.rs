//! A runtime with balances, training and a ledger of shares; tests turn its clock and say who is judged.

use std::collections::{BTreeMap, BTreeSet};

use frame_support::{
    PalletId, derive_impl, parameter_types,
    traits::{ConstU32, ConstU64, ConstU128, Contains, Hooks, Randomness, fungible::InspectHold},
    weights::{Weight, WeightMeter},
};
use pallet_sabha_training::{Run, RunStatus, Runs};
use sabha_protocol::{
    Balance, Digest, NUMERICS_EXACT, RunId, RunSpec, UNITS,
    allocation::MatchingTerms,
    defaults::{AUDIT, CLOCKS, OUTER, PRICE_PER_SLOT, STAKE_PER_SLOT, rounds},
    models::{Licence, ModelId},
    pool::{PoolId, RewardPools, Shares},
    round::Checkpoint,
    spec::{DataSpec, ModelSpec, OptimiserSpec},
};
use sp_core::H256;
use sp_runtime::{BuildStorage, DispatchError, DispatchResult, traits::AccountIdConversion};

use crate as pallet_sabha_allocation;
use crate::{Backer, Backers, Event, HoldReason, ProposalOf, Proposals};

pub type AccountId = u64;

/// Least balance of an account.
pub const ED: Balance = UNITS / 100;
/// What each account has at genesis.
pub const ENDOWMENT: Balance = 100_000 * UNITS;
/// Accounts with money.
pub const ACCOUNTS: u64 = 40;
/// A proposal's deposit.
pub const DEPOSIT: Balance = 10 * UNITS;
/// The least pledge.
pub const LEAST: Balance = UNITS;
/// What the matching pot has at genesis.
pub const POT: Balance = 10_000 * UNITS;
/// The longest time for pledges.
pub const LONGEST: u32 = 100;
/// How long nothing happens in a run that anybody may stop.
pub const IDLE: u32 = 200;
/// The matching pot.
pub const MATCHING: AccountId = 777;
/// Who is paid for work.
pub const WORKER: AccountId = 778;
/// Who proposes.
pub const ALICE: AccountId = 1;
/// Who calls what anybody may.
pub const BOB: AccountId = 2;

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
    pub type Allocation = pallet_sabha_allocation;
}

parameter_types! {
    pub static Now: u32 = 0;
    pub static JudgedAccounts: BTreeSet<AccountId> = BTreeSet::new();
    pub static Held: BTreeMap<(PoolId, AccountId), Shares> = BTreeMap::new();
    pub static Open: BTreeSet<PoolId> = BTreeSet::new();
    pub static Model: Option<(Checkpoint, ModelSpec, Licence)> = None;
    pub static WindowsAtMost: u32 = 4;
    pub const ExistentialDeposit: Balance = ED;
    pub const Pot: PalletId = PalletId(*b"sb/train");
    pub const OwnPot: PalletId = PalletId(*b"sb/alloc");
    pub const MatchingPot: AccountId = MATCHING;
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

/// Accounts that tests vouch for.
pub struct Vouched;

impl Contains<AccountId> for Vouched {
    fn contains(who: &AccountId) -> bool {
        JudgedAccounts::get().contains(who)
    }
}

/// The least ledger of shares.
pub struct Ledger;

impl Ledger {
    fn open(pool: PoolId) -> DispatchResult {
        Open::get().contains(&pool).then_some(()).ok_or(DispatchError::Other("no such pool"))
    }
}

impl RewardPools<AccountId> for Ledger {
    type Error = DispatchError;

    fn create(pool: PoolId) -> DispatchResult {
        Open::mutate(|open| open.insert(pool));
        Ok(())
    }

    fn close(pool: PoolId) -> DispatchResult {
        Self::open(pool)?;
        Open::mutate(|open| open.remove(&pool));
        Ok(())
    }

    fn shares(pool: PoolId, member: &AccountId) -> Shares {
        Held::get().get(&(pool, *member)).copied().unwrap_or(0)
    }

    fn set_shares(pool: PoolId, member: &AccountId, shares: Shares) -> DispatchResult {
        Self::open(pool)?;
        Held::mutate(|held| held.insert((pool, *member), shares));
        Ok(())
    }

    fn add_shares(pool: PoolId, member: &AccountId, shares: Shares) -> DispatchResult {
        Self::set_shares(pool, member, Self::shares(pool, member) + shares)
    }

    fn remove_shares(pool: PoolId, member: &AccountId, shares: Shares) -> DispatchResult {
        let left = Self::shares(pool, member).checked_sub(shares);
        Self::set_shares(pool, member, left.ok_or(DispatchError::Other("too few shares"))?)
    }

    fn transfer_shares(pool: PoolId, from: &AccountId, to: &AccountId, shares: Shares) -> DispatchResult {
        Self::remove_shares(pool, from, shares)?;
        Self::add_shares(pool, to, shares)
    }

    fn deposit(_: PoolId, _: &AccountId, _: Balance) -> DispatchResult {
        Err(DispatchError::Other("nothing is deposited here"))
    }

    fn credit(_: PoolId, _: &AccountId, _: &AccountId, _: Balance) -> DispatchResult {
        Err(DispatchError::Other("nothing is deposited here"))
    }
}

/// The one model that tests register.
pub struct OneModel;

impl crate::Parents for OneModel {
    fn parent(model: ModelId) -> Option<(Checkpoint, ModelSpec, Licence)> {
        Model::get().filter(|_| model == 0)
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
    type MaxWindows = WindowsAtMost;
    type Unbonding = ConstU64<150>;
    type Jail = ConstU64<100>;
    type AllocatorOrigin = frame_system::EnsureRoot<AccountId>;
    type Disagreements = ();
    type Scheduler = Allocation;
    type Pools = Ledger;
    type MinStake = ConstU128<{ 100 * UNITS }>;
    type MaxEndpointLen = ConstU32<32>;
    type MaxRuns = ConstU32<3>;
    type WorkWeight = WorkLimit;
    type PalletId = Pot;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Helper;
}

impl crate::Config for Test {
    type Judged = Vouched;
    type Parents = OneModel;
    type MatchingPot = MatchingPot;
    type MatchingTerms = Terms;
    type Deposit = ConstU128<DEPOSIT>;
    type MinPledge = ConstU128<LEAST>;
    type MaxFunding = ConstU64<{ LONGEST as u64 }>;
    type Patience = ConstU64<60>;
    type Idle = ConstU64<{ IDLE as u64 }>;
    type MaxTitleLen = ConstU32<64>;
    type MaxCount = ConstU32<8>;
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
impl crate::BenchmarkHelper<AccountId> for Helper {
    fn judge(who: &AccountId) {
        judge(*who);
    }
}

/// A chain at genesis: accounts with money, and the pots.
pub fn ext() -> sp_io::TestExternalities {
    let mut balances: Vec<(AccountId, Balance)> = (1..=ACCOUNTS).map(|who| (who, ENDOWMENT)).collect();
    let pots = [Pot::get().into_account_truncating(), OwnPot::get().into_account_truncating(), WORKER];
    balances.extend(pots.map(|pot| (pot, ED)));
    balances.push((MATCHING, POT + ED));
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
        ..Default::default()
    }
    .build_storage()
    .expect("the genesis is valid");
    Now::set(0);
    WindowsAtMost::set(4);
    JudgedAccounts::set(BTreeSet::new());
    Held::set(BTreeMap::new());
    Open::set(BTreeSet::new());
    Model::set(None);
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
    Training::do_try_state().expect("the invariants of training hold");
    Allocation::do_try_state().expect("the invariants hold");
    let all = u128::from(ACCOUNTS) * ENDOWMENT + POT + 4 * ED;
    assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), all);
    // Shares are what is pledged, as long as nobody gave them away.
    for ((pool, who), shares) in Held::get() {
        let PoolId::Backers(run) = pool else { continue };
        let Some(proposal) = Proposals::<Test>::get(run) else { continue };
        let pledge = Backers::<Test>::get(run, who).unwrap_or_default().pledge;
        if who == MATCHING {
            let campaign = proposal.campaign;
            let common = if campaign.moved > 0 { campaign.granted + campaign.matched } else { 0 };
            assert_eq!(shares, common);
        } else if proposal.campaign.moved == 0 {
            assert_eq!(shares, pledge.amount);
        } else {
            assert!(shares >= pledge.amount);
        }
    }
}

/// `blocks` blocks pass, with training's work.
pub fn pass(blocks: u32) {
    for _ in 0..blocks {
        Now::mutate(|now| *now += 1);
        Training::on_initialize(System::block_number());
        Training::on_poll(System::block_number(), &mut WeightMeter::with_limit(WorkLimit::get()));
    }
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

pub fn root() -> RuntimeOrigin {
    RuntimeOrigin::root()
}

/// Somebody vouches for an account.
pub fn judge(who: AccountId) {
    JudgedAccounts::mutate(|judged| judged.insert(who));
}

/// Nobody does any more.
pub fn unjudge(who: AccountId) {
    JudgedAccounts::mutate(|judged| judged.remove(&who));
}

/// A specification with the protocol's defaults.
pub fn spec(count: u32) -> RunSpec {
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
            sources: Default::default(),
        },
        rounds: rounds(count, 40, 2, 4),
        audit: AUDIT,
        clocks: CLOCKS,
    }
}

/// The least goal of [`spec`] with this many rounds.
pub fn least(count: u32) -> Balance {
    Training::least_budget(&spec(count))
}

pub fn title() -> crate::TitleOf<Test> {
    b"A model".to_vec().try_into().expect("it is short")
}

/// ALICE proposes a run of five rounds with this goal, for 50 blocks.
pub fn propose(goal: Balance) -> RunId {
    let id = pallet_sabha_training::NextRunId::<Test>::get();
    Allocation::propose(signed(ALICE), title(), Licence::Mit, None, Box::new(spec(5)), goal, 50)
        .expect("it can be proposed");
    id
}

/// Settles until it is done.
pub fn settle(run: RunId) {
    for _ in 0..20 {
        Allocation::settle(signed(BOB), run, 8).expect("it can be settled");
        if !matches!(proposal(run).campaign.stage, sabha_protocol::allocation::Stage::Counting { .. }) {
            return;
        }
    }
    panic!("it is never settled");
}

/// A run that ALICE proposed, and account 10 paid for.
pub fn started() -> RunId {
    let run = propose(least(5));
    Allocation::pledge(signed(10), run, least(5)).expect("it can be pledged to");
    settle(run);
    run
}

pub fn proposal(run: RunId) -> ProposalOf<Test> {
    Proposals::<Test>::get(run).expect("it is there")
}

pub fn backer(run: RunId, who: AccountId) -> Backer {
    Backers::<Test>::get(run, who).expect("it has pledged")
}

pub fn record(run: RunId) -> Run<AccountId> {
    Runs::<Test>::get(run).expect("it exists")
}

/// The run pays for work: as much of its escrow as there is, at most `amount`.
pub fn spend(run: RunId, amount: Balance) {
    let amount = amount.min(record(run).progress.escrow);
    Runs::<Test>::mutate_extant(run, |run| {
        run.paid += amount;
        run.progress.escrow -= amount;
    });
    <Balances as frame_support::traits::fungible::Mutate<_>>::transfer(
        &Training::account_id(),
        &WORKER,
        amount,
        frame_support::traits::tokens::Preservation::Preserve,
    )
    .expect("the pot has it");
}

/// All its rounds become final.
pub fn complete(run: RunId) {
    Runs::<Test>::mutate_extant(run, |run| {
        run.progress.finalised = run.rounds;
        run.progress.next.round = run.rounds;
        run.progress.tip = Some(Checkpoint { root: Digest([1; 32]), blob: Digest([2; 32]) });
    });
    Training::poke(signed(BOB), run).expect("it is due");
    assert_eq!(record(run).status, RunStatus::Completed);
}

/// What `who` can spend.
pub fn free(who: AccountId) -> Balance {
    Balances::free_balance(who)
}

/// What `who` has deposited.
pub fn held(who: AccountId) -> Balance {
    Balances::balance_on_hold(&HoldReason::Proposal.into(), &who)
}

/// Whether there was such an event.
pub fn happened(is: impl Fn(&Event<Test>) -> bool) -> bool {
    System::events().iter().any(|record| match &record.event {
        RuntimeEvent::Allocation(event) => is(event),
        _ => false,
    })
}
