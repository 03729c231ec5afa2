//! The chain's first state: the presets `development`, `local_testnet` and `live`, and what no pallet's own genesis
//! can say.
//!
//! A chain is started from a preset's JSON, patched at will. [`build_state`] refuses one that still has placeholders,
//! or a pot without the existential deposit, and adds the split of new tokens and the supply that their rate refers to.

use crate::{
    AccountId, BabeConfig, Balance, Balances, BalancesConfig, Runtime, RuntimeGenesisConfig, SessionConfig,
    SessionKeys, TimingConfig, Treasury, UNITS, ValidatorsConfig,
    configs::{babe::EPOCH_CONFIG, dap},
    constants::{currency::EXISTENTIAL_DEPOSIT, issuance, pots},
};
use alloc::{format, string::String, vec, vec::Vec};
use frame_support::{build_struct_json_patch, genesis_builder_helper};
use pallet_sabha_timing::Durations;
use serde_json::{Value, json};
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET, PresetId};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::traits::AccountIdConversion;

/// The id of the preset of the public chain. It has placeholders where its founders' accounts belong.
pub const LIVE_PRESET: &str = "live";

/// What a string in a genesis begins with that must still be replaced.
pub const PLACEHOLDER: &str = "PLACEHOLDER";

/// The treasury's name among the pots.
const TREASURY: &str = "treasury";

/// What each well-known account has on development and local chains.
const WELL_KNOWN_ENDOWMENT: Balance = 1_000_000 * UNITS;
/// What the treasury has on development and local chains.
const TREASURY_ENDOWMENT: Balance = 10_000_000 * UNITS;

/// The presets' ids.
pub fn preset_names() -> Vec<PresetId> {
    vec![DEV_RUNTIME_PRESET.into(), LOCAL_TESTNET_RUNTIME_PRESET.into(), LIVE_PRESET.into()]
}

/// The preset `id` as a JSON patch of the default genesis; `None` if there is no such preset.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
    use Sr25519Keyring::{Alice, Bob, Charlie, Dave};

    let patch = match id.as_str() {
        DEV_RUNTIME_PRESET => well_known(Durations::development(), &[Alice]),
        LOCAL_TESTNET_RUNTIME_PRESET => well_known(Durations::local_testnet(), &[Alice, Bob, Charlie, Dave]),
        LIVE_PRESET => live(),
        _ => return None,
    };
    serde_json::to_vec(&patch).ok()
}

/// Where `genesis` (a whole one or a patch) still has placeholders, as JSON pointers. A chain specification is complete
/// when there are none.
pub fn placeholders(genesis: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect_placeholders(genesis, "", &mut found);
    found
}

/// Write the state that `json`, a whole `RuntimeGenesisConfig`, describes.
///
/// # Errors
///
/// Says what is wrong: malformed JSON, an unknown or missing field, a placeholder, a pot without an account.
pub fn build_state(json: Vec<u8>) -> sp_genesis_builder::Result {
    let genesis: Value =
        serde_json::from_slice(&json).map_err(|error| format!("Invalid JSON blob: {error}"))?;
    let open = placeholders(&genesis);
    if !open.is_empty() {
        return Err(format!("the genesis still has placeholders, at {}", open.join(", ")));
    }
    genesis_builder_helper::build_state::<RuntimeGenesisConfig>(json)?;

    for (name, pot) in pot_accounts() {
        if Balances::free_balance(&pot) < EXISTENTIAL_DEPOSIT {
            return Err(format!(
                "the pot `{name}` must be endowed with {EXISTENTIAL_DEPOSIT} plancks or more"
            ));
        }
    }
    // No pallet's genesis holds these two; without the first nothing would ever be minted.
    let budget = pallet_dap::BudgetAllocationMap::try_from(dap::genesis_budget())
        .map_err(|_| String::from("more shares of new tokens than the pallet can hold"))?;
    pallet_dap::BudgetAllocation::<Runtime>::put(budget);
    dap::GenesisSupply::set(&Balances::total_issuance());
    Ok(())
}

/// Every account that the chain itself pays from, by name.
pub fn pot_accounts() -> [(&'static str, AccountId); 9] {
    [
        (TREASURY, Treasury::account_id()),
        ("validators", pots::VALIDATORS.into_account_truncating()),
        ("datasets", pots::DATASETS.into_account_truncating()),
        ("matching", pots::MATCHING.into_account_truncating()),
        ("curators", pots::CURATORS.into_account_truncating()),
        ("allocation", pots::ALLOCATION.into_account_truncating()),
        ("models", pots::MODELS.into_account_truncating()),
        ("reward pools", pots::REWARD_POOL.into_account_truncating()),
        ("training", pots::TRAINING.into_account_truncating()),
    ]
}

/// A chain of well-known accounts, whose keys everybody has: never for anything of value.
fn well_known(durations: Durations, validators: &[Sr25519Keyring]) -> Value {
    let keys = validators.iter().map(|who| (who.to_account_id(), session_keys(*who))).collect();
    let accounts = Sr25519Keyring::iter()
        .filter(|who| !matches!(who, Sr25519Keyring::One | Sr25519Keyring::Two))
        .map(|who| (who.to_account_id(), WELL_KNOWN_ENDOWMENT));
    patch(durations, keys, pot_balances(TREASURY_ENDOWMENT).into_iter().chain(accounts).collect())
}

/// The public chain: its clocks and its supply are fixed, its founders are not.
fn live() -> Value {
    let balances = pot_balances(EXISTENTIAL_DEPOSIT);
    let endowed: Balance = balances.iter().map(|(_, amount)| amount).sum();
    let rest = issuance::LIVE_SUPPLY.saturating_sub(endowed);
    let mut genesis = patch(Durations::live(), Vec::new(), balances);

    let validator = format!("{PLACEHOLDER}: account of a validator; one entry for each");
    let receiver =
        format!("{PLACEHOLDER}: account of a first owner; as many entries as you like, the sum as it is");
    genesis["validators"]["validators"] = json!([validator]);
    genesis["session"]["keys"] = json!([[
        validator,
        validator,
        {
            "babe": format!("{PLACEHOLDER}: sr25519 session key"),
            "grandpa": format!("{PLACEHOLDER}: ed25519 session key"),
        },
    ]]);
    if let Some(balances) = genesis["balances"]["balances"].as_array_mut() {
        balances.push(json!([receiver, rest]));
    }
    genesis
}

fn patch(
    durations: Durations,
    validators: Vec<(AccountId, SessionKeys)>,
    balances: Vec<(AccountId, Balance)>,
) -> Value {
    build_struct_json_patch!(RuntimeGenesisConfig {
        timing: TimingConfig { durations },
        balances: BalancesConfig { balances },
        validators: ValidatorsConfig {
            validators: validators.iter().map(|(who, _)| who.clone()).collect::<Vec<_>>(),
        },
        session: SessionConfig {
            keys: validators
                .iter()
                .map(|(who, keys)| (who.clone(), who.clone(), keys.clone()))
                .collect::<Vec<_>>(),
        },
        babe: BabeConfig { epoch_config: EPOCH_CONFIG },
    })
}

fn pot_balances(treasury: Balance) -> Vec<(AccountId, Balance)> {
    pot_accounts()
        .into_iter()
        .map(|(name, pot)| (pot, if name == TREASURY { treasury } else { EXISTENTIAL_DEPOSIT }))
        .collect()
}

fn session_keys(who: Sr25519Keyring) -> SessionKeys {
    let grandpa = match who {
        Sr25519Keyring::Alice => Ed25519Keyring::Alice,
        Sr25519Keyring::Bob => Ed25519Keyring::Bob,
        Sr25519Keyring::Charlie => Ed25519Keyring::Charlie,
        _ => Ed25519Keyring::Dave,
    };
    SessionKeys { babe: who.public().into(), grandpa: grandpa.public().into() }
}

fn collect_placeholders(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.starts_with(PLACEHOLDER) => found.push(path.into()),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect_placeholders(item, &format!("{path}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                collect_placeholders(field, &format!("{path}/{name}"), found);
            }
        }
        _ => {}
    }
}
