//! Building the genesis block with the node's own executor.
//!
//! `sc-service` compiles the runtime's Wasm anew to merge a preset and to build the state, each time a node starts, and
//! once more to run blocks. Compiling is by far the longest part of a start, so here it happens once: the state is built
//! by the executor that later runs the blocks and keeps what it compiled. A database that is not empty must have begun with the
//! same block.

use crate::service::{Executor, FullBackend};
use codec::{Decode, Encode};
use sabha_runtime::{Hash, opaque::Block};
use sc_client_api::Backend;
use sc_service::{BuildGenesisBlock, ChainSpec, GenesisBlockBuilder};
use serde_json::Value;
use sp_blockchain::HeaderBackend;
use sp_core::{
    storage::{Storage, well_known_keys},
    traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode},
};
use sp_io::hashing::blake2_256;
use sp_runtime::traits::Block as _;
use sp_state_machine::BasicExternalities;
use std::sync::Arc;

/// The genesis block of a chain, built when the database turns out to need it.
pub struct Genesis<'a> {
    /// What the chain starts from.
    pub spec: &'a dyn ChainSpec,
    /// Whether the state goes into the database; warp sync does without it.
    pub commit_state: bool,
    /// Where it goes.
    pub backend: Arc<FullBackend>,
    /// What runs the runtime.
    pub executor: Executor,
}

impl BuildGenesisBlock<Block> for Genesis<'_> {
    type BlockImportOperation = <FullBackend as Backend<Block>>::BlockImportOperation;

    fn build_genesis_block(self) -> sp_blockchain::Result<(Block, Self::BlockImportOperation)> {
        self.build(self.commit_state)
    }
}

/// Why a specification and a database do not go together.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    /// The database was begun from another specification.
    #[error(
        "the database holds another chain than the specification describes: its genesis is {found:?}, the specification's \
         {specified:?}; use the specification that it was made from, another --base-path, or remove the database with \
         `sabha-node purge-chain`"
    )]
    OtherChain {
        /// The genesis block in the database.
        found: Hash,
        /// The one that the specification describes.
        specified: Hash,
    },
    /// The specification's genesis cannot be built.
    #[error(transparent)]
    Build(#[from] sp_blockchain::Error),
}

impl Genesis<'_> {
    /// Refuses a database that was begun from another genesis: the client would silently go on with that chain.
    ///
    /// # Errors
    /// See [`GenesisError`].
    pub fn check(&self) -> Result<(), GenesisError> {
        let found = self.backend.blockchain().info().genesis_hash;
        if found == Hash::default() {
            return Ok(()); // Nothing is in it yet.
        }
        // What is built here is dropped: only its hash is wanted.
        let (block, _) = self.build(false)?;
        let specified = block.header().hash();
        if found == specified { Ok(()) } else { Err(GenesisError::OtherChain { found, specified }) }
    }

    fn build(
        &self,
        commit: bool,
    ) -> sp_blockchain::Result<(Block, <FullBackend as Backend<Block>>::BlockImportOperation)> {
        let storage = state(self.spec, &self.executor).map_err(sp_blockchain::Error::Storage)?;
        let (backend, executor) = (self.backend.clone(), self.executor.clone());
        GenesisBlockBuilder::new_with_storage(storage, commit, backend, executor)?.build_genesis_block()
    }
}

/// The state that the specification describes.
///
/// # Errors
/// The specification cannot be read, or the runtime refuses its genesis configuration.
fn state(spec: &dyn ChainSpec, executor: &Executor) -> Result<Storage, String> {
    let json: Value = serde_json::from_str(&spec.as_json(false)?).map_err(|error| error.to_string())?;
    let Some(genesis) = json["genesis"].get("runtimeGenesis") else {
        // A raw specification holds the state itself.
        return spec.as_storage_builder().build_storage();
    };
    let code = genesis["code"].as_str().and_then(|text| text.strip_prefix("0x")).unwrap_or_default();
    let code = hex::decode(code).map_err(|error| format!("the genesis code is not hexadecimal: {error}"))?;
    let runtime = Runtime { executor, hash: blake2_256(&code).to_vec(), code: &code };

    let config = match (genesis.get("patch"), genesis.get("config")) {
        (Some(patch), _) => {
            let mut config = runtime.default_config()?;
            sc_chain_spec::json_merge(&mut config, patch.clone());
            config
        }
        (None, Some(config)) => config.clone(),
        (None, None) => return Err("the genesis has neither a patch nor a configuration".into()),
    };
    let mut storage = runtime.build_state(&config)?;
    storage.top.insert(well_known_keys::CODE.to_vec(), code);
    Ok(storage)
}

/// Calls of the runtime API `GenesisBuilder` on a blob.
struct Runtime<'a> {
    executor: &'a Executor,
    code: &'a [u8],
    /// As the client will hash it: this is the key under which the executor keeps the compiled blob.
    hash: Vec<u8>,
}

impl Runtime<'_> {
    /// The genesis configuration in which every field has its default value.
    fn default_config(&self) -> Result<Value, String> {
        let no_preset: Option<String> = None;
        let answer = self.call(
            &mut BasicExternalities::new_empty(),
            "GenesisBuilder_get_preset",
            &no_preset.encode(),
        )?;
        let config = Option::<Vec<u8>>::decode(&mut &answer[..])
            .map_err(|error| format!("the default genesis is not understood: {error}"))?
            .ok_or("the runtime has no default genesis")?;
        serde_json::from_slice(&config).map_err(|error| format!("the default genesis is no JSON: {error}"))
    }

    fn build_state(&self, config: &Value) -> Result<Storage, String> {
        let mut externalities = BasicExternalities::new_empty();
        let answer =
            self.call(&mut externalities, "GenesisBuilder_build_state", &config.to_string().encode())?;
        sp_genesis_builder::Result::decode(&mut &answer[..])
            .map_err(|error| format!("the runtime's answer is not understood: {error}"))?
            .map_err(|error| format!("the runtime refuses the genesis: {error}"))?;
        Ok(externalities.into_storages())
    }

    fn call(
        &self,
        externalities: &mut BasicExternalities,
        method: &str,
        input: &[u8],
    ) -> Result<Vec<u8>, String> {
        let code = RuntimeCode {
            code_fetcher: &WrappedRuntimeCode(self.code.into()),
            heap_pages: None,
            hash: self.hash.clone(),
        };
        let (answer, _) = self.executor.call(externalities, &code, method, input, CallContext::Offchain);
        answer.map_err(|error| format!("{method} failed: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain_spec;
    use sc_service::config::ExecutorConfiguration;
    use sp_runtime::BuildStorage;

    fn executor() -> Executor {
        sc_service::new_wasm_executor(&ExecutorConfiguration::default())
    }

    #[test]
    fn state_is_the_one_that_the_specification_builds() {
        for chain in ["dev", "local"] {
            let spec = chain_spec::load(chain).expect("a known name");
            let ours = state(&spec, &executor()).expect("valid");
            let theirs = spec.build_storage().expect("valid");
            assert!(ours.top == theirs.top, "{chain}: the genesis states differ");
            assert!(ours.children_default.is_empty() && theirs.children_default.is_empty());
            assert!(ours.top.len() > 20, "{chain}: {} keys", ours.top.len());
        }
    }

    #[test]
    fn raw_specifications_are_taken_as_they_are() {
        let mut spec = chain_spec::load("dev").expect("a known name");
        let mut storage = Storage::default();
        storage.top.insert(b"key".to_vec(), b"value".to_vec());
        ChainSpec::set_storage(&mut spec, storage.clone());
        assert_eq!(state(&spec, &executor()).expect("valid").top, storage.top);
    }

    #[test]
    fn refused_genesis_is_an_error() {
        let code = sabha_runtime::WASM_BINARY.expect("built with Wasm");
        let spec = chain_spec::ChainSpec::builder(code, None)
            .with_genesis_config_patch(serde_json::json!({ "balances": { "balances": "all of them" } }))
            .build();
        let error = state(&spec, &executor()).expect_err("no such field type");
        assert!(error.contains("refuses the genesis"), "{error}");
    }
}
