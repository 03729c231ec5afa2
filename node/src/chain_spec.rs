//! The chains that `--chain` names.
//!
//! A chain's genesis is a preset of the runtime (`sp_genesis_builder`), so the specification holds only what the client
//! needs to know: names, kind and token. Anything that is not a name is the path of a JSON file, as written by
//! `export-chain-spec`.

use sabha_runtime::{WASM_BINARY, genesis};
use sc_chain_spec::{ChainType, Properties};
use std::path::{Path, PathBuf};

/// A chain's specification: client settings and genesis state.
pub type ChainSpec = sc_service::GenericChainSpec;

/// Why a chain cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ChainSpecError {
    /// Neither a name nor a file.
    #[error(
        "unknown chain `{0}`: the names are {names}; anything else has to be the path of a chain specification file, and \
         there is none at `{0}`",
        names = Chain::names()
    )]
    Unknown(String),
    /// The file cannot be read or is no specification.
    #[error("cannot load the chain specification `{path}`: {reason}", path = path.display())]
    File {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The live chain has no genesis yet.
    #[error(
        "the live chain has not been launched: its genesis still holds placeholders at {0}; use `--chain dev` or \
         `--chain local`, or the chain specification file of a launched network"
    )]
    Placeholders(String),
    /// The binary holds no runtime.
    #[error(
        "this binary was built without the runtime's Wasm blob (SKIP_WASM_BUILD), so it knows no chain by name: build \
         it without that variable, or pass a chain specification file"
    )]
    NoWasm,
}

/// A chain known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chain {
    Development,
    LocalTestnet,
    Live,
}

impl Chain {
    const ALL: [Chain; 3] = [Chain::Development, Chain::LocalTestnet, Chain::Live];

    /// What `--chain` calls it.
    fn argument(self) -> &'static str {
        match self {
            Chain::Development => "dev",
            Chain::LocalTestnet => "local",
            Chain::Live => "live",
        }
    }

    /// The runtime's genesis preset.
    fn preset(self) -> &'static str {
        match self {
            Chain::Development => sp_genesis_builder::DEV_RUNTIME_PRESET,
            Chain::LocalTestnet => sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET,
            Chain::Live => genesis::LIVE_PRESET,
        }
    }

    /// Name for people, identifier for folders and the network, kind.
    fn identity(self) -> (&'static str, &'static str, ChainType) {
        match self {
            Chain::Development => ("Sabha Development", "sabha_dev", ChainType::Development),
            Chain::LocalTestnet => ("Sabha Local Testnet", "sabha_local", ChainType::Local),
            Chain::Live => ("Sabha", "sabha", ChainType::Live),
        }
    }

    fn names() -> String {
        Chain::ALL.map(|chain| format!("`{}`", chain.argument())).join(", ")
    }
}

/// Loads the chain that `--chain` names. No name at all is the local testnet, until the live chain has a genesis.
///
/// # Errors
/// See [`ChainSpecError`].
pub fn load(id: &str) -> Result<ChainSpec, ChainSpecError> {
    let id = if id.is_empty() { Chain::LocalTestnet.argument() } else { id };
    match Chain::ALL.into_iter().find(|chain| chain.argument() == id) {
        Some(chain) => build(chain),
        None => load_file(id),
    }
}

fn build(chain: Chain) -> Result<ChainSpec, ChainSpecError> {
    if chain == Chain::Live {
        let placeholders = genesis::placeholders(&preset(chain));
        if !placeholders.is_empty() {
            return Err(ChainSpecError::Placeholders(placeholders.join(", ")));
        }
    }
    let (name, id, kind) = chain.identity();
    Ok(ChainSpec::builder(WASM_BINARY.ok_or(ChainSpecError::NoWasm)?, None)
        .with_name(name)
        .with_id(id)
        .with_protocol_id("sabha")
        .with_chain_type(kind)
        // Not by the preset's name: the Wasm would be compiled just to read it out.
        .with_genesis_config_patch(preset(chain))
        .with_properties(properties())
        .build())
}

/// The chain's genesis as a patch of the default one.
fn preset(chain: Chain) -> serde_json::Value {
    let json = genesis::get_preset(&chain.preset().into()).unwrap_or_default();
    serde_json::from_slice(&json).unwrap_or_default()
}

fn load_file(path: &str) -> Result<ChainSpec, ChainSpecError> {
    if !Path::new(path).exists() {
        return Err(ChainSpecError::Unknown(path.to_owned()));
    }
    let path = PathBuf::from(path);
    ChainSpec::from_json_file(path.clone()).map_err(|reason| ChainSpecError::File { path, reason })
}

/// What wallets show: symbol, decimals and address format.
fn properties() -> Properties {
    let mut properties = Properties::new();
    properties.insert("tokenSymbol".into(), "SBH".into());
    properties.insert("tokenDecimals".into(), 12.into());
    properties.insert("ss58Format".into(), 42.into());
    properties
}

#[cfg(test)]
mod tests {
    use super::*;
    use sc_chain_spec::GenesisConfigBuilderRuntimeCaller;

    fn failure(id: &str) -> String {
        match load(id) {
            Ok(spec) => panic!("`{id}` loads as {}", spec.name()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn names_give_their_chains() {
        for (argument, id, kind) in
            [("dev", "sabha_dev", ChainType::Development), ("local", "sabha_local", ChainType::Local)]
        {
            let spec: Box<dyn sc_service::ChainSpec> = Box::new(load(argument).expect("a known name"));
            assert_eq!((spec.id(), spec.chain_type()), (id, kind));
            assert_eq!(spec.properties().get("tokenSymbol"), Some(&"SBH".into()));
            assert_eq!(spec.properties().get("tokenDecimals"), Some(&12.into()));
        }
        assert_eq!(load("").expect("a default").id(), "sabha_local");
    }

    #[test]
    fn presets_are_those_of_the_wasm() {
        let code = WASM_BINARY.expect("built with Wasm");
        let wasm = GenesisConfigBuilderRuntimeCaller::<()>::new(code);
        for chain in Chain::ALL {
            let named =
                wasm.get_named_preset(Some(&chain.preset().to_owned())).expect("a preset of the runtime");
            assert_eq!(named, preset(chain), "{chain:?}");
        }
    }

    #[test]
    fn unknown_name_lists_the_valid_ones() {
        let text = failure("devnet");
        for part in ["`devnet`", "`dev`", "`local`", "`live`"] {
            assert!(text.contains(part), "{part} is missing in: {text}");
        }
    }

    #[test]
    fn live_fails_while_placeholders_remain() {
        let text = failure("live");
        assert!(text.contains("has not been launched"), "{text}");
        let placeholders = genesis::placeholders(&preset(Chain::Live));
        assert!(!placeholders.is_empty());
        for placeholder in placeholders {
            assert!(text.contains(placeholder.as_str()), "{placeholder} is missing in: {text}");
        }
    }

    #[test]
    fn files_are_read_back_and_broken_ones_are_named() {
        let folder = std::env::temp_dir().join(format!("sabha-chain-spec-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let good = folder.join("good.json");
        let json = load("dev").expect("a known name").as_json(true).expect("serialises");
        std::fs::write(&good, json).expect("writable");
        assert_eq!(load(good.to_str().expect("UTF-8")).expect("a valid file").id(), "sabha_dev");

        let broken = folder.join("broken.json");
        std::fs::write(&broken, "{\"name\":").expect("writable");
        let text = failure(broken.to_str().expect("UTF-8"));
        assert!(text.contains("broken.json"), "{text}");
        std::fs::remove_dir_all(&folder).expect("ours to remove");
    }
}
