//! The presets: what they build, and that `live` cannot be started as it is.

use super::chain::{Chain, try_build, whole_genesis};
use crate::{
    AccountId, Allocation, Babe, Balances, Datasets, Models, RewardPool, Runtime, Session, Timing, Training,
    Treasury, UNITS, Validators,
    configs::dap::GenesisSupply,
    constants::{currency::EXISTENTIAL_DEPOSIT, issuance::LIVE_SUPPLY},
    genesis::{self, LIVE_PRESET, PLACEHOLDER, placeholders},
};
use pallet_sabha_timing::Durations;
use serde_json::{Value, json};
use sp_io::TestExternalities;
use sp_keyring::Sr25519Keyring;

fn live_genesis() -> Value {
    whole_genesis(LIVE_PRESET)
}

/// What founders would do: replace every placeholder.
fn completed_live_genesis() -> Value {
    let keys = |who: Sr25519Keyring| -> (AccountId, Value) {
        let local = whole_genesis("local_testnet");
        let index = [Sr25519Keyring::Alice, Sr25519Keyring::Bob].iter().position(|known| *known == who);
        (who.to_account_id(), local["session"]["keys"][index.expect("a validator")][2].clone())
    };
    let (alice, alice_keys) = keys(Sr25519Keyring::Alice);
    let mut live = live_genesis();
    live["validators"]["validators"] = json!([alice]);
    live["session"]["keys"] = json!([[alice, alice, alice_keys]]);
    let balances = live["balances"]["balances"].as_array_mut().expect("a list");
    balances.last_mut().expect("the first owner's entry")[0] = json!(alice);
    live
}

#[test]
fn every_preset_is_known() {
    assert_eq!(genesis::preset_names(), ["development", "local_testnet", "live"]);
    for id in genesis::preset_names() {
        assert!(genesis::get_preset(&id).is_some());
    }
    assert!(genesis::get_preset(&"mainnet".into()).is_none());
}

#[test]
fn development_has_one_validator_and_well_known_accounts() {
    let mut chain = Chain::development();
    chain.with(|| {
        assert_eq!(Timing::durations(), Durations::development());
        assert_eq!(Session::validators(), [Sr25519Keyring::Alice.to_account_id()]);
        assert_eq!(Validators::fit_validators(), Session::validators());
        assert_eq!(Babe::authorities().len(), 1);
        for who in [Sr25519Keyring::Alice, Sr25519Keyring::Ferdie, Sr25519Keyring::BobStash] {
            assert_eq!(Balances::free_balance(who.to_account_id()), 1_000_000 * UNITS);
        }
        assert_eq!(Balances::free_balance(Treasury::account_id()), 10_000_000 * UNITS);
        // Twelve accounts, the treasury, eight pots.
        assert_eq!(Balances::total_issuance(), 22_000_000 * UNITS + 8 * EXISTENTIAL_DEPOSIT);
        assert_eq!(GenesisSupply::get(), Balances::total_issuance());
    });
    chain.check();
}

#[test]
fn local_testnet_has_four_validators() {
    let mut chain = Chain::local();
    chain.with(|| {
        assert_eq!(Timing::durations(), Durations::local_testnet());
        assert_eq!(Session::validators().len(), 4);
        assert_eq!(Babe::authorities().len(), 4);
        assert_eq!(crate::Grandpa::grandpa_authorities().len(), 4);
    });
    chain.check();
}

#[test]
fn every_pot_is_endowed() {
    let mut chain = Chain::development();
    chain.with(|| {
        let pots = genesis::pot_accounts().map(|(_, pot)| pot);
        for pot in [
            Training::account_id(),
            RewardPool::account_id(),
            Datasets::account_id(),
            Allocation::account_id(),
            Models::account_id(),
        ] {
            assert!(pots.contains(&pot), "every pallet's pot is one of them");
        }
        let budget =
            <<Runtime as pallet_dap::Config>::BudgetRecipients as sp_staking::budget::BudgetRecipientList<
                AccountId,
            >>::recipients();
        assert_eq!(budget.len(), 5);
        for (key, account) in budget {
            assert!(pots.contains(&account), "{key:?} is paid into a pot");
        }
        for pot in pots {
            assert!(Balances::free_balance(&pot) >= EXISTENTIAL_DEPOSIT);
        }
    });
}

#[test]
fn build_state_without_a_pot_fails() {
    let mut genesis = whole_genesis("development");
    let (name, pot) = genesis::pot_accounts()[8].clone();
    let balances = genesis["balances"]["balances"].as_array_mut().expect("a list");
    balances.retain(|entry| entry[0] != json!(pot));
    let error = try_build(&genesis).map(|_| ()).expect_err("a pot is missing");
    assert!(error.contains(name) && error.contains("must be endowed"), "{error}");
}

#[test]
fn live_has_placeholders() {
    let live = live_genesis();
    let found = placeholders(&live);
    assert_eq!(
        found,
        [
            "/balances/balances/9/0",
            "/session/keys/0/0",
            "/session/keys/0/1",
            "/session/keys/0/2/babe",
            "/session/keys/0/2/grandpa",
            "/validators/validators/0",
        ]
    );
    for path in found {
        let text = live.pointer(&path).and_then(Value::as_str).expect("a pointer to a string");
        assert!(text.starts_with(PLACEHOLDER));
    }
    for preset in ["development", "local_testnet"] {
        let genesis = whole_genesis(preset);
        assert!(placeholders(&genesis).is_empty());
    }
}

#[test]
fn build_state_with_placeholders_fails() {
    let error = try_build(&live_genesis()).map(|_| ()).expect_err("there are placeholders");
    assert!(error.contains("/validators/validators/0"), "{error}");
}

#[test]
fn live_builds_once_its_placeholders_are_replaced() {
    let live = completed_live_genesis();
    assert!(placeholders(&live).is_empty());
    let mut ext = try_build(&live).expect("the genesis is complete");
    ext.execute_with(|| {
        assert_eq!(Balances::total_issuance(), LIVE_SUPPLY);
        assert_eq!(GenesisSupply::get(), LIVE_SUPPLY);
        assert_eq!(Timing::durations(), Durations::live());
    });
}

#[test]
fn build_state_with_malformed_input_fails() {
    let mut ext = TestExternalities::default();
    ext.execute_with(|| {
        assert!(genesis::build_state(b"{".to_vec()).is_err());
        assert!(genesis::build_state(b"{}".to_vec()).is_err(), "every pallet's part must be there");
    });
}
