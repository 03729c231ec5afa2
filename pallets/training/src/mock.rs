//! A runtime with balances and a clock that tests turn by hand.

use frame_support::{
    PalletId, derive_impl, parameter_types,
    traits::{ConstU32, ConstU64, ConstU128, Randomness, fungible::InspectHold},
};
use sabha_protocol::{
    Commitment, Digest, Divergence, Outcome, RunId, RunSpec,
    spec::{AuditSpec, ClockSpec, DataSpec, ModelSpec, OptimiserSpec, OuterSpec, RoundSpec},
};
use sp_core::H256;
use sp_runtime::BuildStorage;

use crate as pallet_sabha_training;
use crate::{Device, Event, HoldReason, Run, Runs, Worker, Workers};

pub type AccountId = u64;

/// Least balance of an account.
pub const ED: u128 = 10;
/// Least stake.
pub const STAKE: u128 = 1_000;
/// What each account has at genesis.
pub const ENDOWMENT: u128 = 1_000_000;
/// What a slot of [`spec`] pays.
pub const PRICE: u128 = 50;
/// Active blocks from a commitment to its finality.
pub const WINDOW: u32 = 60;
/// Active blocks that a worker has for a slot.
pub const TRAINING: u32 = 20;
/// The fewest that a run may give it.
pub const MIN_TRAINING: u32 = 10;
/// How many windows of the chain a run's clocks may be.
pub const MAX_WINDOWS: u32 = 4;
/// Active blocks from asking for a stake to getting it.
pub const UNBONDING: u32 = 150;

/// Accounts with money: owners, sponsors.
pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
pub const CAROL: AccountId = 3;
pub const DAVE: AccountId = 4;
/// Accounts without: hot keys and payout accounts.
pub const HOT: AccountId = 102;
pub const PAY: AccountId = 202;

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
}

parameter_types! {
    pub static Now: u32 = 100;
    pub static Seed: u64 = 0;
    pub const ExistentialDeposit: u128 = ED;
    pub const Pot: PalletId = PalletId(*b"sb/train");
}

/// A draw that tests choose: the subject and [`Seed`], hashed.
pub struct Draws;

impl Randomness<H256, u64> for Draws {
    fn random(subject: &[u8]) -> (H256, u64) {
        let mut bytes = subject.to_vec();
        bytes.extend(Seed::get().to_le_bytes());
        (H256(Digest::of(&bytes).0), 0)
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
    type RuntimeHoldReason = RuntimeHoldReason;
    type ActiveBlocks = Now;
    type Window = ConstU64<{ WINDOW as u64 }>;
    type MinTraining = ConstU64<{ MIN_TRAINING as u64 }>;
    type MaxWindows = ConstU32<MAX_WINDOWS>;
    type Unbonding = ConstU64<{ UNBONDING as u64 }>;
    type AllocatorOrigin = frame_system::EnsureRoot<AccountId>;
    type Randomness = Draws;
    type MinStake = ConstU128<STAKE>;
    type MaxEndpointLen = ConstU32<32>;
    type MaxUnfinalised = ConstU32<3>;
    type MaxRuns = ConstU32<3>;
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
}

/// A chain at genesis: four accounts with money, and the pot.
pub fn ext() -> sp_io::TestExternalities {
    let mut balances: Vec<(AccountId, u128)> = (1..=4).map(|who| (who, ENDOWMENT)).collect();
    balances.push((Training::account_id(), ED));
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
        ..Default::default()
    }
    .build_storage()
    .expect("the genesis is valid");
    Now::set(100);
    Seed::set(0);
    let mut ext = sp_io::TestExternalities::from(storage);
    ext.execute_with(|| System::set_block_number(1));
    ext
}

/// Runs `test`, and checks the invariants after it, and that no money came from anywhere.
pub fn run(test: impl FnOnce()) {
    ext().execute_with(|| {
        test();
        check();
    });
}

/// The invariants.
pub fn check() {
    Training::do_try_state().expect("the invariants hold");
    assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), 4 * ENDOWMENT + ED);
}

/// `blocks` active blocks pass.
pub fn pass(blocks: u32) {
    Now::mutate(|now| *now += blocks);
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

/// A specification of `rounds` rounds.
pub fn spec(rounds: u32) -> RunSpec {
    RunSpec {
        numerics_version: sabha_protocol::NUMERICS_YARDSTICK,
        seed: 1,
        initial_checkpoint: None,
        price_per_slot: PRICE,
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
            stream: Digest::of(b"a stream"),
            tokens: 1_000_000,
            token_bytes: 1,
            heldout_tokens: 10_000,
            sources: Default::default(),
        },
        rounds: RoundSpec::single(rounds, 10, 5, 4),
        audit: AuditSpec::NONE,
        clocks: ClockSpec::unaudited(TRAINING, WINDOW),
    }
}

/// Registers the worker of `owner`, with hot key `owner + 100` and payout account `owner + 200`.
pub fn register(owner: AccountId) {
    Training::register(signed(owner), owner + 100, owner + 200, Device::Cpu, Default::default(), STAKE)
        .expect("it can be registered");
}

/// Registers a worker, and makes it ready.
pub fn ready(owner: AccountId) {
    register(owner);
    Training::ready(signed(owner + 100)).expect("it can be ready");
}

/// Creates a run of `rounds` rounds that ALICE pays for.
pub fn create(rounds: u32) -> RunId {
    let id = crate::NextRunId::<Test>::get();
    Training::create_run(signed(ALICE), Box::new(spec(rounds)), PRICE * u128::from(rounds))
        .expect("it can be created");
    id
}

/// A run of `rounds` rounds whose first slot BOB's worker has.
pub fn assigned(rounds: u32) -> RunId {
    ready(BOB);
    let id = create(rounds);
    poke(id);
    id
}

/// Pokes a run, for which something must be due; it is free.
pub fn poke(id: RunId) {
    let done = Training::poke(signed(DAVE), id).expect("something is due");
    assert_eq!(done.pays_fee, frame_support::dispatch::Pays::No);
}

/// BOB's worker commits `round`.
pub fn commit(id: RunId, round: u32) {
    let done =
        Training::commit(signed(HOT), id, round, 0, 0, trained(round)).expect("the commitment is accepted");
    assert_eq!(done.pays_fee, frame_support::dispatch::Pays::No);
}

/// An outcome that says which round it is of.
pub fn trained(round: u32) -> Outcome {
    Outcome::Trained(Commitment {
        segments_root: Digest::of(b"segments"),
        update_digest: update(round),
        mean_loss: 3.0.into(),
    })
}

/// The update that [`trained`] commits.
pub fn update(round: u32) -> Digest {
    Digest::of(&round.to_le_bytes())
}

/// An outcome that is not finite.
pub fn diverged() -> Outcome {
    Outcome::Diverged(Divergence { step: 4, instruction: 1, element: 2 })
}

pub fn worker(owner: AccountId) -> Worker<AccountId, crate::EndpointOf<Test>> {
    Workers::<Test>::get(owner).expect("it is registered")
}

pub fn run_of(id: RunId) -> Run<AccountId> {
    Runs::<Test>::get(id).expect("it exists")
}

/// What `who` can spend.
pub fn free(who: AccountId) -> u128 {
    Balances::free_balance(who)
}

/// What `who` has at stake.
pub fn held(who: AccountId) -> u128 {
    Balances::balance_on_hold(&HoldReason::WorkerStake.into(), &who)
}

/// This pallet's events since the last call.
pub fn events() -> Vec<Event<Test>> {
    let events = System::events()
        .into_iter()
        .filter_map(|record| match record.event {
            RuntimeEvent::Training(event) => Some(event),
            _ => None,
        })
        .collect();
    System::reset_events();
    events
}
