//! A runtime with sessions of two blocks, and validators whose session key is their account number.

use codec::Encode;
use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstU64, Hooks},
};
use pallet_session::{PeriodicSessions, historical};
use sp_runtime::{
    BuildStorage, Perbill, RuntimeAppPublic, impl_opaque_keys, testing::UintAuthorityId, traits::ConvertInto,
};
use sp_staking::{
    SessionIndex,
    offence::{OffenceDetails, OnOffenceHandler},
};

use crate as pallet_sabha_validators;
use crate::{DisableOffenders, Event, Identification, IdentificationOf};

pub type AccountId = u64;

impl_opaque_keys! {
    pub struct MockKeys {
        pub dummy: UintAuthorityId,
    }
}

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
    pub type Validators = pallet_sabha_validators;
    #[runtime::pallet_index(3)]
    pub type Historical = pallet_session::historical;
    #[runtime::pallet_index(4)]
    pub type Session = pallet_session;
}

parameter_types! {
    pub static ReportSessions: SessionIndex = 5;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
}

impl pallet_session::Config for Test {
    type RuntimeEvent = RuntimeEvent;
    type ValidatorId = AccountId;
    type ValidatorIdOf = ConvertInto;
    type ShouldEndSession = PeriodicSessions<ConstU64<2>, ConstU64<0>>;
    type NextSessionRotation = PeriodicSessions<ConstU64<2>, ConstU64<0>>;
    type SessionManager = historical::NoteHistoricalRoot<Test, Validators>;
    type SessionHandler = pallet_session::TestSessionHandler;
    type Keys = MockKeys;
    type DisablingStrategy = DisableOffenders;
    type WeightInfo = ();
    type Currency = Balances;
    type KeyDeposit = ConstU64<10>;
}

impl historical::Config for Test {
    type RuntimeEvent = RuntimeEvent;
    type FullIdentification = Identification;
    type FullIdentificationOf = IdentificationOf;
}

impl crate::Config for Test {
    type ManagerOrigin = frame_system::EnsureRoot<AccountId>;
    type ReportSessions = ReportSessions;
    type WeightInfo = ();
}

/// A chain at genesis with these admitted validators, of whom `with_keys` have session keys.
pub fn ext(validators: &[AccountId], with_keys: &[AccountId]) -> sp_io::TestExternalities {
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: (1..=9).map(|who| (who, 1_000)).collect(),
            ..Default::default()
        },
        validators: pallet_sabha_validators::GenesisConfig { validators: validators.to_vec() },
        session: pallet_session::GenesisConfig {
            keys: with_keys.iter().map(|who| (*who, *who, keys(*who))).collect(),
            ..Default::default()
        },
        ..Default::default()
    }
    .build_storage()
    .expect("the genesis is valid");
    let mut ext = sp_io::TestExternalities::from(storage);
    ext.execute_with(|| System::set_block_number(1));
    ext
}

/// Run `test` on a chain with these validators, and check the invariants after it.
pub fn run(validators: &[AccountId], test: impl FnOnce()) {
    ext(validators, validators).execute_with(|| {
        test();
        Validators::do_try_state().expect("the invariants hold");
    });
}

/// The session keys of `who`.
pub fn keys(who: AccountId) -> MockKeys {
    MockKeys { dummy: UintAuthorityId(who) }
}

/// Let `who` set its session keys.
pub fn set_keys(who: AccountId) {
    let proof = UintAuthorityId(who).sign(&who.encode()).expect("test keys can sign");
    Session::set_keys(RuntimeOrigin::signed(who), keys(who), proof.encode()).expect("keys can be set");
}

/// Begin the next session, and check the invariants.
pub fn next_session() {
    let session = Session::current_index();
    while Session::current_index() == session {
        let block = System::block_number() + 1;
        System::set_block_number(block);
        Session::on_initialize(block);
    }
    Validators::do_try_state().expect("the invariants hold");
}

/// Begin `count` sessions.
pub fn sessions(count: u32) {
    (0..count).for_each(|_| next_session());
}

/// Report that `offenders` offended in `session`, with a severity in per cent.
pub fn report(offenders: &[AccountId], session: SessionIndex, percent: u32) {
    let details: Vec<_> =
        offenders.iter().map(|who| OffenceDetails { offender: (*who, ()), reporters: Vec::new() }).collect();
    let severities = vec![Perbill::from_percent(percent); offenders.len()];
    Validators::on_offence(&details, &severities, session);
}

/// The validators that are seated but may not author.
pub fn disabled() -> Vec<AccountId> {
    let seated = Session::validators();
    Session::disabled_validators().into_iter().map(|index| seated[index as usize]).collect()
}

/// This pallet's events since the last call.
pub fn events() -> Vec<Event<Test>> {
    let events = System::events()
        .into_iter()
        .filter_map(|record| match record.event {
            RuntimeEvent::Validators(event) => Some(event),
            _ => None,
        })
        .collect();
    System::reset_events();
    events
}
