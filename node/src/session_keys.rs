//! `session-keys rotate`: new session keys on a running node, and the call that registers them.
//!
//! `session.set_keys` wants a proof that the sender holds the new keys: each key signs the owner's account. Only the node
//! that keeps the keys can make it, through the RPC method `author_rotateKeysWithOwner`, which general wallets do not
//! offer. This command asks for it and prints the finished call, to be signed by the owner anywhere.

use codec::{Decode, Encode};
use jsonrpsee::{
    core::client::{ClientT, Error as RpcError},
    rpc_params,
    ws_client::{WsClient, WsClientBuilder},
};
use sabha_runtime::{RuntimeCall, VERSION, opaque::SessionKeys};
use sc_rpc_api::author::GeneratedSessionKeys;
use serde_json::json;
use sp_core::{
    Bytes,
    crypto::{AccountId32, Ss58Codec},
};
use std::{io, time::Duration};

/// How long the node may take to accept the connection, and to answer a call.
const PATIENCE: Duration = Duration::from_secs(10);

/// JSON-RPC's "method not found", also used for calls that the node refuses as unsafe.
const METHOD_NOT_FOUND: i32 = -32601;

/// Commands on the session keys of a running node.
#[derive(Debug, clap::Subcommand)]
pub enum SessionKeysCmd {
    /// Make new session keys on a running node and print the call that registers them
    ///
    /// The keys stay in the node's keystore; what is printed is public. Submit the call signed by the owner, for example
    /// in Polkadot.js Apps under Developer, Extrinsics, Decode. The new keys are used from the session after next.
    Rotate(RotateCmd),
}

impl SessionKeysCmd {
    /// Runs the command and prints its result on standard output.
    ///
    /// # Errors
    /// See [`RotateError`].
    pub fn run(&self) -> Result<(), RotateError> {
        let SessionKeysCmd::Rotate(command) = self;
        command.run()
    }
}

/// Arguments of `session-keys rotate`.
#[derive(Debug, clap::Args)]
pub struct RotateCmd {
    /// Account that will register the keys: an SS58 address or 0x and 64 hexadecimal digits
    #[arg(long, value_name = "ADDRESS", value_parser = parse_account)]
    pub owner: AccountId32,

    /// WebSocket address of the node's RPC
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:9944")]
    pub url: String,

    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Why keys could not be rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// No asynchronous runtime.
    #[error("cannot start the client: {0}")]
    Start(#[from] io::Error),
    /// Nobody answers.
    #[error("no node answers at {url}: {reason}; is it running, and is this the address of its RPC?")]
    NoNode {
        /// The address tried.
        url: String,
        /// What the connection said.
        reason: String,
    },
    /// A node of another chain.
    #[error("the node at {url} runs the chain `{found}`, not `{expected}`")]
    WrongChain {
        /// The address tried.
        url: String,
        /// The node's runtime.
        found: String,
        /// Ours.
        expected: String,
    },
    /// Calls may be encoded differently there.
    #[error(
        "the node at {url} runs transaction version {found}, this command was built for {expected}: use the \
         `sabha-node` that matches the network"
    )]
    WrongVersion {
        /// The address tried.
        url: String,
        /// The node's transaction version.
        found: u64,
        /// Ours.
        expected: u32,
    },
    /// The node does not take unsafe calls from here.
    #[error(
        "the node at {0} refuses to rotate keys from here, as it does on interfaces open to others: run this command on \
         the node's machine against its local RPC address, or start the node with `--rpc-methods unsafe` for the moment"
    )]
    Refused(String),
    /// The node does not know the method.
    #[error("the node at {0} does not offer `author_rotateKeysWithOwner`: update it")]
    NotOffered(String),
    /// A call failed.
    #[error("`{method}` failed: {reason}")]
    Call {
        /// The RPC method.
        method: &'static str,
        /// What the node said.
        reason: String,
    },
    /// The answer makes no sense.
    #[error("the node's answer is not understood: {0}; keys may have been made, but are not in use")]
    Answer(String),
}

impl RotateCmd {
    fn run(&self) -> Result<(), RotateError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let rotated = runtime.block_on(self.rotate())?;
        println!("{}", if self.json { rotated.to_json() } else { rotated.to_text() });
        Ok(())
    }

    async fn rotate(&self) -> Result<Rotated, RotateError> {
        let client = WsClientBuilder::default()
            .connection_timeout(PATIENCE)
            .request_timeout(PATIENCE)
            .build(&self.url)
            .await
            .map_err(|error| RotateError::NoNode { url: self.url.clone(), reason: error.to_string() })?;
        self.check_version(&client).await?;

        const METHOD: &str = "author_rotateKeysWithOwner";
        let generated: GeneratedSessionKeys = client
            .request(METHOD, rpc_params![Bytes(self.owner.encode())])
            .await
            .map_err(|error| match error {
                RpcError::Call(object) if object.code() == METHOD_NOT_FOUND => {
                    if object.message().contains("unsafe") {
                        RotateError::Refused(self.url.clone())
                    } else {
                        RotateError::NotOffered(self.url.clone())
                    }
                }
                error => RotateError::Call { method: METHOD, reason: error.to_string() },
            })?;
        Rotated::new(self.owner.clone(), &generated)
    }

    /// Refuses to touch the keys of a node whose calls this binary cannot encode.
    async fn check_version(&self, client: &WsClient) -> Result<(), RotateError> {
        const METHOD: &str = "state_getRuntimeVersion";
        let version: serde_json::Value = client
            .request(METHOD, rpc_params![])
            .await
            .map_err(|error| RotateError::Call { method: METHOD, reason: error.to_string() })?;
        let found = version["specName"].as_str().unwrap_or_default();
        if found != VERSION.spec_name.as_ref() {
            return Err(RotateError::WrongChain {
                url: self.url.clone(),
                found: found.to_owned(),
                expected: VERSION.spec_name.to_string(),
            });
        }
        let found = version["transactionVersion"].as_u64().unwrap_or_default();
        if found != u64::from(VERSION.transaction_version) {
            return Err(RotateError::WrongVersion {
                url: self.url.clone(),
                found,
                expected: VERSION.transaction_version,
            });
        }
        Ok(())
    }
}

/// New keys and the call that registers them.
#[derive(Debug)]
struct Rotated {
    owner: AccountId32,
    keys: SessionKeys,
    proof: Vec<u8>,
}

impl Rotated {
    fn new(owner: AccountId32, generated: &GeneratedSessionKeys) -> Result<Self, RotateError> {
        let keys = SessionKeys::decode(&mut &generated.keys[..])
            .map_err(|_| RotateError::Answer("the session keys are not BABE and GRANDPA keys".into()))?;
        let proof = generated
            .proof
            .as_ref()
            .ok_or_else(|| RotateError::Answer("it holds no proof of possession".into()))?
            .to_vec();
        Ok(Self { owner, keys, proof })
    }

    /// The SCALE-encoded call `session.set_keys(keys, proof)`.
    fn call(&self) -> Vec<u8> {
        RuntimeCall::Session(pallet_session::Call::set_keys {
            keys: self.keys.clone(),
            proof: self.proof.clone(),
        })
        .encode()
    }

    fn to_json(&self) -> String {
        let value = json!({
            "owner": self.owner.to_ss58check(),
            "babe": hex(&self.keys.babe.encode()),
            "grandpa": hex(&self.keys.grandpa.encode()),
            "keys": hex(&self.keys.encode()),
            "proof": hex(&self.proof),
            "call": hex(&self.call()),
        });
        format!("{value:#}")
    }

    fn to_text(&self) -> String {
        format!(
            "New session keys are in the node's keystore.\n\n\
             owner    {}\n\
             babe     {}\n\
             grandpa  {}\n\
             keys     {}\n\
             proof    {}\n\n\
             Sign and submit this call, session.set_keys(keys, proof), as the owner:\n\
             {}",
            self.owner.to_ss58check(),
            hex(&self.keys.babe.encode()),
            hex(&self.keys.grandpa.encode()),
            hex(&self.keys.encode()),
            hex(&self.proof),
            hex(&self.call()),
        )
    }
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn parse_account(text: &str) -> Result<AccountId32, String> {
    if let Some(digits) = text.strip_prefix("0x") {
        let mut account = [0u8; 32];
        hex::decode_to_slice(digits, &mut account)
            .map_err(|error| format!("not an account: expected 64 hexadecimal digits after 0x, {error}"))?;
        return Ok(account.into());
    }
    AccountId32::from_ss58check(text).map_err(|error| format!("not an SS58 address: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

    fn keys() -> SessionKeys {
        SessionKeys {
            babe: Sr25519Keyring::Bob.public().into(),
            grandpa: Ed25519Keyring::Bob.public().into(),
        }
    }

    #[test]
    fn owners_are_read_in_both_forms() {
        let alice = Sr25519Keyring::Alice.to_account_id();
        assert_eq!(parse_account("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"), Ok(alice.clone()));
        assert_eq!(parse_account(&hex(alice.as_ref())), Ok(alice));
    }

    #[test]
    fn bad_owners_are_refused() {
        for bad in
            ["", "Alice", "//Alice", "0x12", "0xzz", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ"]
        {
            let error = parse_account(bad).expect_err(bad);
            assert!(error.starts_with("not an"), "{bad}: {error}");
        }
    }

    #[test]
    fn printed_call_decodes_to_set_keys() {
        let generated =
            GeneratedSessionKeys { keys: Bytes(keys().encode()), proof: Some(Bytes(vec![7; 128])) };
        let rotated =
            Rotated::new(Sr25519Keyring::Alice.to_account_id(), &generated).expect("a complete answer");
        let value: serde_json::Value = serde_json::from_str(&rotated.to_json()).expect("JSON");
        let call = value["call"].as_str().expect("text").trim_start_matches("0x").to_owned();
        assert!(rotated.to_text().contains(&call));
        let bytes = hex::decode(&call).expect("hexadecimal");
        assert_eq!(bytes[..2], [10, 0], "Session is pallet 10, set_keys its call 0");
        match RuntimeCall::decode(&mut &bytes[..]).expect("a call") {
            RuntimeCall::Session(pallet_session::Call::set_keys { keys: decoded, proof }) => {
                assert_eq!(decoded, keys());
                assert_eq!(proof, vec![7; 128]);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn incomplete_answers_are_refused() {
        let owner = Sr25519Keyring::Alice.to_account_id();
        let no_proof = GeneratedSessionKeys { keys: Bytes(keys().encode()), proof: None };
        assert!(matches!(Rotated::new(owner.clone(), &no_proof), Err(RotateError::Answer(_))));
        let short = GeneratedSessionKeys { keys: Bytes(vec![1; 63]), proof: Some(Bytes(Vec::new())) };
        assert!(matches!(Rotated::new(owner, &short), Err(RotateError::Answer(_))));
    }
}
