//! What is refused, what can be paused, and what never.

use super::chain::Chain;
use crate::{
    Balances, Runtime, RuntimeCall, RuntimeOrigin, SafeMode, Timing, TxPause, UNITS,
    filters::{BaseCallFilter, EXEMPT_CALLS},
};
use frame_support::{
    assert_noop, assert_ok,
    traits::{Contains, Get},
};
use pallet_sabha_origins::Origin;
use pallet_sabha_timing::ActiveBlocks;
use sp_keyring::Sr25519Keyring::{Alice, Bob};
use sp_runtime::{DispatchError, traits::Dispatchable};

fn transfer() -> RuntimeCall {
    pallet_balances::Call::transfer_keep_alive { dest: Bob.to_account_id().into(), value: UNITS }.into()
}

fn poke() -> RuntimeCall {
    pallet_sabha_training::Call::poke { run: 0 }.into()
}

fn emergency() -> RuntimeOrigin {
    Origin::EmergencyCanceller.into()
}

fn name(pallet: &str, call: &str) -> pallet_tx_pause::RuntimeCallNameOf<Runtime> {
    (
        pallet.as_bytes().to_vec().try_into().expect("short enough"),
        call.as_bytes().to_vec().try_into().expect("short enough"),
    )
}

fn filtered() -> DispatchError {
    frame_system::Error::<Runtime>::CallFiltered.into()
}

#[test]
fn burn_fails() {
    let mut chain = Chain::development();
    let issuance = chain.with(Balances::total_issuance);
    let burn: RuntimeCall = pallet_balances::Call::burn { value: UNITS, keep_alive: true }.into();
    assert_eq!(chain.try_submit(Alice, burn.clone()), Ok(Err(filtered())));
    // Nor by way of another call.
    chain.submit(Alice, pallet_utility::Call::batch { calls: vec![burn] });
    assert_eq!(chain.with(Balances::total_issuance), issuance);
    chain.check();
}

fn refute() -> RuntimeCall {
    let evidence = Box::new(sabha_protocol::dispute::stream::StreamEvidence::Sum);
    pallet_sabha_disputes::Call::refute_stream { run: 0, evidence }.into()
}

#[test]
fn safe_mode_stops_all_but_protocol_and_governance() {
    let mut chain = Chain::development();
    chain.run(1);
    chain.with(|| {
        assert!(BaseCallFilter::contains(&transfer()));
        assert_noop!(
            SafeMode::force_enter(RuntimeOrigin::signed(Alice.to_account_id())),
            DispatchError::BadOrigin
        );
        assert_noop!(SafeMode::force_enter(Origin::ParameterAdmin.into()), DispatchError::BadOrigin);
        assert_ok!(SafeMode::force_enter(emergency()));

        assert!(!BaseCallFilter::contains(&transfer()));
        for call in [
            poke(),
            pallet_sabha_training::Call::ready {}.into(),
            pallet_sabha_training::Call::stop_run { run: 0 }.into(),
            pallet_sabha_disputes::Call::time_out { game: 0 }.into(),
            refute(),
            pallet_sabha_datasets::Call::poke { claim: 0 }.into(),
            pallet_sabha_datasets::Call::appeal { claim: 0 }.into(),
            pallet_timestamp::Call::set { now: 0 }.into(),
            pallet_conviction_voting::Call::remove_vote { class: None, index: 0 }.into(),
            pallet_referenda::Call::refund_decision_deposit { index: 0 }.into(),
            pallet_safe_mode::Call::force_exit {}.into(),
        ] {
            assert!(BaseCallFilter::contains(&call), "{call:?}");
        }
        // What costs money or opens new obligations waits.
        let bond = pallet_sabha_training::Call::add_stake { amount: UNITS };
        assert!(!BaseCallFilter::contains(&bond.into()));
        let stake = pallet_sabha_datasets::Call::register_curator { stake: UNITS };
        assert!(!BaseCallFilter::contains(&stake.into()));
        let claim = pallet_sabha_reward_pool::Call::claim { pool: sabha_protocol::pool::PoolId::Curators };
        assert!(!BaseCallFilter::contains(&claim.into()));
    });
    // The exemption holds for real transactions, and wrapping a call changes nothing.
    assert_eq!(chain.try_submit(Alice, transfer()), Ok(Err(filtered())));
    let error = chain.try_submit(Alice, poke()).expect("it is included").expect_err("there is no such run");
    assert_ne!(error, filtered());
    let before = chain.with(|| Balances::free_balance(Bob.to_account_id()));
    chain.submit(Alice, pallet_utility::Call::batch { calls: vec![transfer()] });
    assert_eq!(chain.with(|| Balances::free_balance(Bob.to_account_id())), before);
    chain.check();
}

#[test]
fn safe_mode_ends_by_itself() {
    let mut chain = Chain::development();
    chain.run(1);
    let window = chain.with(<pallet_sabha_timing::Window<Runtime> as Get<u32>>::get);
    chain.with(|| {
        assert_ok!(SafeMode::force_enter(emergency()));
    });
    chain.run(window);
    assert!(chain.with(SafeMode::is_entered));
    chain.run(2);
    assert!(!chain.with(SafeMode::is_entered));
    chain.submit(Alice, transfer());
    chain.check();
}

#[test]
fn entering_safe_mode_by_deposit_fails() {
    let mut chain = Chain::development();
    let result = chain.try_submit(Alice, pallet_safe_mode::Call::enter {});
    assert_eq!(result, Ok(Err(pallet_safe_mode::Error::<Runtime>::NotConfigured.into())));
}

#[test]
fn clocks_stand_still_in_safe_mode() {
    let mut chain = Chain::development();
    let active = |chain: &mut Chain| chain.with(ActiveBlocks::<Runtime>::get);
    chain.run(3);
    assert_eq!(active(&mut chain), 3);
    chain.with(|| {
        assert_ok!(SafeMode::force_enter(emergency()));
    });
    chain.run(4);
    assert_eq!(active(&mut chain), 3);
    chain.with(|| {
        assert_ok!(SafeMode::force_exit(emergency()));
    });
    chain.run(2);
    assert_eq!(active(&mut chain), 5);
    chain.check();
}

#[test]
fn clocks_stand_still_while_a_call_is_paused_that_a_deadline_may_need() {
    let mut chain = Chain::development();
    chain.run(3);
    chain.with(|| {
        assert_ok!(TxPause::pause(emergency(), name("Balances", "transfer_all")));
    });
    chain.run(1);
    assert_eq!(chain.with(ActiveBlocks::<Runtime>::get), 4, "not a call of the protocol");
    chain.with(|| {
        assert_ok!(TxPause::pause(emergency(), name("Training", "update_worker")));
    });
    chain.run(3);
    assert_eq!(chain.with(ActiveBlocks::<Runtime>::get), 4);
    chain.with(|| {
        assert_ok!(TxPause::unpause(emergency(), name("Training", "update_worker")));
    });
    chain.run(1);
    assert_eq!(chain.with(ActiveBlocks::<Runtime>::get), 5);
    chain.check();
}

#[test]
fn pausing_a_call_stops_it_and_only_it() {
    let mut chain = Chain::development();
    chain.run(1);
    chain.with(|| {
        assert_noop!(
            TxPause::pause(
                RuntimeOrigin::signed(Alice.to_account_id()),
                name("Balances", "transfer_keep_alive")
            ),
            DispatchError::BadOrigin
        );
        assert_ok!(TxPause::pause(emergency(), name("Balances", "transfer_keep_alive")));
    });
    assert_eq!(chain.try_submit(Alice, transfer()), Ok(Err(filtered())));
    let other: RuntimeCall =
        pallet_balances::Call::transfer_allow_death { dest: Bob.to_account_id().into(), value: UNITS }.into();
    chain.submit(Alice, other);
    chain.check();
}

#[test]
fn pausing_an_exempt_call_fails() {
    let mut chain = Chain::development();
    chain.with(|| {
        let governance = [
            ("Timestamp", "set"),
            ("Referenda", "submit"),
            ("ConvictionVoting", "vote"),
            ("SafeMode", "force_exit"),
            ("TxPause", "unpause"),
            ("Babe", "report_equivocation_unsigned"),
            ("Grandpa", "report_equivocation_unsigned"),
            ("System", "remark"),
        ];
        for (pallet, call) in governance.into_iter().chain(EXEMPT_CALLS) {
            assert_noop!(
                TxPause::pause(emergency(), name(pallet, call)),
                pallet_tx_pause::Error::<Runtime>::Unpausable
            );
        }
    });
}

#[test]
fn what_no_pause_stops_is_documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/voters.md");
    let text = std::fs::read_to_string(path).expect("the document is there");
    let (_, rest) = text.split_once("Neither safe mode nor a pause stops").expect("a paragraph about it");
    let told = rest.split("\n\n").next().expect("it ends");
    for (pallet, call) in EXEMPT_CALLS {
        assert!(told.contains(&format!("`{call}`")), "docs/voters.md lacks {pallet}.{call}");
    }
}

#[test]
fn proxies_keep_within_their_kind() {
    use crate::configs::proxy::ProxyType;
    use frame_support::traits::InstanceFilter;

    let register = |amount| RuntimeCall::from(pallet_sabha_training::Call::add_stake { amount });
    let vote: RuntimeCall = pallet_conviction_voting::Call::remove_vote { class: None, index: 0 }.into();
    assert!(ProxyType::Any.filter(&transfer()));
    for kind in [
        ProxyType::NonTransfer,
        ProxyType::Governance,
        ProxyType::Validation,
        ProxyType::Compute,
        ProxyType::IdentityJudgement,
        ProxyType::CancelProxy,
        ProxyType::Curation,
    ] {
        assert!(!kind.filter(&transfer()), "{kind:?} moves no tokens");
        assert!(ProxyType::Any.is_superset(&kind));
        assert!(!kind.is_superset(&ProxyType::Any));
    }
    assert!(ProxyType::NonTransfer.filter(&vote));
    assert!(ProxyType::NonTransfer.filter(&poke()));
    assert!(!ProxyType::NonTransfer.filter(&register(1)));
    let challenge = RuntimeCall::from(pallet_sabha_disputes::Call::challenge {
        run: 0,
        round: Default::default(),
        target: pallet_sabha_disputes::Target::Aggregation,
        claim: sabha_protocol::dispute::Claim::Aggregate,
    });
    assert!(!ProxyType::NonTransfer.filter(&challenge));
    assert!(ProxyType::Compute.filter(&challenge));
    let close = RuntimeCall::from(pallet_sabha_disputes::Call::close { game: 0 });
    assert!(ProxyType::NonTransfer.filter(&close));
    // It risks nothing.
    assert!(ProxyType::NonTransfer.filter(&refute()));
    let donate = RuntimeCall::from(pallet_sabha_datasets::Call::donate { dataset: 0, amount: 1 });
    let judge =
        RuntimeCall::from(pallet_sabha_datasets::Call::seal_vote { claim: 0, seal: Default::default() });
    let payout = RuntimeCall::from(pallet_sabha_reward_pool::Call::set_payout { payout: None });
    for kind in [ProxyType::NonTransfer, ProxyType::Curation] {
        assert!(kind.filter(&judge) && !kind.filter(&donate) && !kind.filter(&payout), "{kind:?}");
    }
    assert!(ProxyType::Governance.filter(&vote));
    assert!(!ProxyType::Governance.filter(&poke()));
    assert!(ProxyType::Compute.filter(&register(1)));
    assert!(!ProxyType::Compute.filter(&vote));
}

#[test]
fn durations_change_by_their_track_only() {
    let mut chain = Chain::development();
    chain.run(1);
    chain.with(|| {
        let mut durations = Timing::durations();
        durations.window = 80;
        assert_noop!(
            Timing::set_durations(Origin::ComputeAllocator.into(), durations),
            DispatchError::BadOrigin
        );
        let call = RuntimeCall::from(pallet_sabha_timing::Call::set_durations { durations });
        assert_ok!(call.dispatch(Origin::ParameterAdmin.into()));
        assert_eq!(<pallet_sabha_timing::Window<Runtime> as Get<u32>>::get(), 80);
    });
    chain.check();
}
