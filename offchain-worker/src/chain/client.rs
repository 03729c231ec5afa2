//! The connection to a node: made with a bounded wait, checked, kept alive, and every request bounded in time.

use super::{error::ChainError, names::SPEC_NAME, queries::At};
use crate::config::ChainConfig;
use serde::Deserialize;
use std::{
    fmt::Display,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use subxt::{
    OnlineClient, PolkadotConfig,
    backend::LegacyBackend,
    config::RpcConfigFor,
    rpcs::{
        LegacyRpcMethods, RpcClient,
        client::{ReconnectingRpcClient, reconnecting_rpc_client::ExponentialBackoff, rpc_params},
    },
};

/// How this chain encodes addresses, headers and extensions: as Polkadot does.
pub type ChainTypes = PolkadotConfig;

/// A 32-byte hash of the chain.
pub type Hash = subxt::utils::H256;

/// A connection to one node. Clones share it. It reconnects by itself when the connection is lost; requests that are made
/// meanwhile fail in time, and the caller asks again.
#[derive(Clone)]
pub struct Client {
    pub(super) online: OnlineClient<ChainTypes>,
    methods: LegacyRpcMethods<RpcConfigFor<ChainTypes>>,
    raw: RpcClient,
    pub(super) limits: Limits,
    heard: Heard,
    url: Arc<str>,
}

/// When a node answered last. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Heard(Arc<Mutex<Instant>>);

impl Heard {
    fn now() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// How long a request may take, and where it is noted that there was an answer.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    pub(super) after: Duration,
    heard: Heard,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// One request.
    pub request: Duration,
    /// The inclusion of a transaction.
    pub inclusion: Duration,
}

/// The runtime that a node runs.
#[derive(Clone, Debug, Deserialize, serde::Serialize, PartialEq, Eq)]
#[serde(rename_all(deserialize = "camelCase"))]
pub struct RuntimeVersion {
    /// The network's name.
    pub spec_name: String,
    /// Grows with every upgrade.
    pub spec_version: u32,
    /// Grows when transactions change their encoding.
    pub transaction_version: u32,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.url)
    }
}

impl Client {
    /// Connects to the first of the configured nodes that answers, and checks that it belongs to the configured chain.
    ///
    /// # Errors
    /// [`ChainError::BadGenesis`] if the configured genesis is not a hash; [`ChainError::NoNode`] if none answers;
    /// [`ChainError::WrongGenesis`] or [`ChainError::WrongRuntime`] if the one that answers belongs to another chain: the remedy is
    /// another configuration, so no further node is tried.
    pub async fn connect(config: &ChainConfig) -> Result<Self, ChainError> {
        if let Some(genesis) = config.genesis.as_ref().filter(|genesis| !is_hash(genesis)) {
            return Err(ChainError::BadGenesis(genesis.clone()));
        }
        let mut reasons = Vec::new();
        for url in &config.urls {
            match Self::connect_to(url, config).await {
                Ok(client) => match client.check(config).await {
                    Ok(()) => return Ok(client),
                    // It answers the first question only.
                    Err(error) if error.is_silence() => reasons.push(format!("{url}: {error}")),
                    Err(error) => return Err(error),
                },
                Err(reason) => {
                    tracing::debug!(%url, %reason, "node does not answer");
                    reasons.push(format!("{url}: {reason}"));
                }
            }
        }
        Err(ChainError::NoNode(reasons.join("; ")))
    }

    /// Connects to the first of the configured nodes after `url` that answers and belongs to the chain with this genesis block; to
    /// `url` itself if no other does.
    ///
    /// # Errors
    /// [`ChainError::NoNode`] says of each why not.
    pub async fn connect_beyond(
        config: &ChainConfig,
        url: &str,
        genesis: [u8; 32],
    ) -> Result<Self, ChainError> {
        let mut reasons = Vec::new();
        for url in beyond(&config.urls, url) {
            let reason = match Self::connect_to(url, config).await {
                Ok(client) if client.genesis() == genesis => match client.check(config).await {
                    Ok(()) => return Ok(client),
                    Err(error) => error.to_string(),
                },
                Ok(client) => {
                    tracing::error!(%url, "this node belongs to another chain than the one before");
                    format!("its genesis is {}", client.genesis_hex())
                }
                Err(reason) => reason,
            };
            reasons.push(format!("{url}: {reason}"));
        }
        Err(ChainError::NoNode(reasons.join("; ")))
    }

    async fn connect_to(url: &str, config: &ChainConfig) -> Result<Self, String> {
        let limits = Limits { request: config.request_timeout(), inclusion: config.inclusion_timeout() };
        let connecting = async {
            // The reconnecting client would try a wrong address for ever, in silence: look first.
            let probe = RpcClient::from_insecure_url(url).await.map_err(|error| innermost(&error))?;
            drop(probe);
            let inner = ReconnectingRpcClient::builder()
                .retry_policy(ExponentialBackoff::from_millis(100).max_delay(Duration::from_secs(5)))
                .request_timeout(limits.request)
                .connection_timeout(config.connect_timeout())
                .build(url)
                .await
                .map_err(|error| innermost(&error))?;
            let raw = RpcClient::new(inner);
            // The older RPC methods need no pinned blocks, so they survive a reconnection.
            let backend = LegacyBackend::builder().build(raw.clone());
            let online =
                OnlineClient::from_backend(Arc::new(backend)).await.map_err(|error| innermost(&error))?;
            let methods = LegacyRpcMethods::new(raw.clone());
            Ok(Self { online, methods, raw, limits, heard: Heard::now(), url: url.into() })
        };
        let after = config.connect_timeout();
        match tokio::time::timeout(after, connecting).await {
            Ok(result) => result,
            Err(_) => Err(format!("no answer within {} s", after.as_secs())),
        }
    }

    async fn check(&self, config: &ChainConfig) -> Result<(), ChainError> {
        let runtime = self.runtime_version().await?;
        if runtime.spec_name != SPEC_NAME {
            return Err(ChainError::WrongRuntime { url: self.url().into(), found: runtime.spec_name });
        }
        let found = self.genesis_hex();
        match &config.genesis {
            Some(expected) if !same_hash(expected, &found) => {
                Err(ChainError::WrongGenesis { url: self.url().into(), found, expected: expected.clone() })
            }
            _ => Ok(()),
        }
    }

    /// The node's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Hash of the genesis block: the chain's identity.
    pub fn genesis(&self) -> [u8; 32] {
        self.online.genesis_hash().0
    }

    /// Asks the node whether it still belongs to the chain that was connected to. A lost connection is made anew by itself, and
    /// whoever listens at the address by then may be a node of another chain. A hash that was asked for before is of the same
    /// chain, and what is read of its block, too.
    ///
    /// # Errors
    /// [`ChainError::WrongGenesis`] if it does not; else if the node does not answer.
    pub async fn check_genesis(&self) -> Result<(), ChainError> {
        let found = self.within("asking for the genesis block", self.methods.genesis_hash()).await?;
        if found.0 == self.genesis() {
            return Ok(());
        }
        Err(ChainError::WrongGenesis {
            url: self.url().into(),
            found: format!("0x{}", hex::encode(found)),
            expected: self.genesis_hex(),
        })
    }

    /// [`Self::genesis`] as 0x and hexadecimal digits.
    pub fn genesis_hex(&self) -> String {
        format!("0x{}", hex::encode(self.genesis()))
    }

    /// The runtime of the best block.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn runtime_version(&self) -> Result<RuntimeVersion, ChainError> {
        let request = self.raw.request("state_getRuntimeVersion", rpc_params![]);
        self.within("asking for the runtime's version", request).await
    }

    /// The node's name and version, and how many peers it has.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn node(&self) -> Result<NodeInfo, ChainError> {
        let version = self.within("asking for the node's version", self.methods.system_version()).await?;
        let health = self.within("asking for the node's health", self.methods.system_health()).await?;
        let lonely = health.should_have_peers && health.peers == 0;
        Ok(NodeInfo { version, peers: health.peers, syncing: health.is_syncing, lonely })
    }

    /// Why what the node says of the chain is not to be believed yet, if so: `seen` is a block that somebody has seen before.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn doubt(&self, seen: u64) -> Result<Option<ChainError>, ChainError> {
        let node = self.node().await?;
        let finalised = self.at_finalised().await?.number();
        let doubt = node.doubt(finalised, seen);
        Ok(doubt.map(|reason| ChainError::Behind { url: self.url().into(), reason }))
    }

    /// When the node answered anything last.
    pub fn heard(&self) -> Instant {
        self.heard.last()
    }

    /// Hash of the best block.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn best_hash(&self) -> Result<Hash, ChainError> {
        let what = "asking for the best block";
        self.within(what, self.methods.chain_get_block_hash(None))
            .await?
            .ok_or_else(|| ChainError::Rpc { what: what.into(), reason: "the node has no block".into() })
    }

    /// Hash of the latest finalised block.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn finalised_hash(&self) -> Result<Hash, ChainError> {
        self.within("asking for the finalised block", self.methods.chain_get_finalized_head()).await
    }

    /// The state after the block `hash`. The runtime's metadata is fetched when its version is new.
    ///
    /// # Errors
    /// If the node does not answer, or no longer has the block's state.
    pub async fn at(&self, hash: Hash) -> Result<At, ChainError> {
        let at = self.within("reading a block", self.online.at_block(hash)).await?;
        Ok(At::new(at, self.patience()))
    }

    /// The state after the best block.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub async fn at_best(&self) -> Result<At, ChainError> {
        self.at(self.best_hash().await?).await
    }

    /// The state after the latest finalised block.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub async fn at_finalised(&self) -> Result<At, ChainError> {
        self.at(self.finalised_hash().await?).await
    }

    pub(super) fn methods(&self) -> &LegacyRpcMethods<RpcConfigFor<ChainTypes>> {
        &self.methods
    }

    /// How many transactions of `account` wait in the node's pool, after the block `best`.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn waiting(&self, account: &crate::keys::AccountId, best: &At) -> Result<u64, ChainError> {
        let included = best.nonce(account).await?;
        Ok(self.next_nonce(account).await?.saturating_sub(included.into()))
    }

    /// The nonce of `account`'s next transaction, those in the node's pool counted.
    pub(super) async fn next_nonce(&self, account: &crate::keys::AccountId) -> Result<u64, ChainError> {
        self.within("asking for the account's nonce", self.methods.system_account_next_index(account)).await
    }

    /// Bounds a request in time, and says what was asked when it fails.
    pub(super) async fn within<T, E: Display>(
        &self,
        what: &str,
        request: impl Future<Output = Result<T, E>>,
    ) -> Result<T, ChainError> {
        within(&self.patience(), what, request).await
    }

    pub(super) fn patience(&self) -> Patience {
        Patience { after: self.limits.request, heard: self.heard.clone() }
    }
}

/// What a node says of itself.
#[derive(Clone, Debug, serde::Serialize)]
pub struct NodeInfo {
    /// Its version.
    pub version: String,
    /// Its peers.
    pub peers: usize,
    /// Whether it still fetches old blocks.
    pub syncing: bool,
    /// Whether it has no peers, and should have some.
    pub lonely: bool,
}

impl NodeInfo {
    /// Why such a node, whose latest finalised block this is, cannot know the chain's state, if so. `seen` is a block that somebody has
    /// seen before.
    fn doubt(&self, finalised: u64, seen: u64) -> Option<String> {
        if self.syncing {
            Some(format!("it still fetches old blocks, block {finalised} is final"))
        } else if self.lonely {
            Some("it has no peers".into())
        } else if finalised < seen {
            Some(format!("its block {finalised} is final, and this worker has seen block {seen}"))
        } else if finalised == 0 {
            Some("none of its blocks is final".into())
        } else {
            None
        }
    }
}

pub(super) async fn within<T, E: Display>(
    patience: &Patience,
    what: &str,
    request: impl Future<Output = Result<T, E>>,
) -> Result<T, ChainError> {
    let after = patience.after;
    match tokio::time::timeout(after, request).await {
        Ok(Ok(value)) => {
            patience.heard.note();
            Ok(value)
        }
        Ok(Err(error)) => Err(ChainError::Rpc { what: what.into(), reason: error.to_string() }),
        Err(_) => Err(ChainError::Timeout { what: what.into(), after }),
    }
}

/// The most telling part of an error: what started it. The RPC crates repeat themselves in front of it.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut current = error;
    while let Some(source) = current.source() {
        current = source;
    }
    let text = current.to_string();
    text.rsplit_once("client error: ").map_or(text.as_str(), |(_, rest)| rest).to_string()
}

/// Every address once, beginning after `current`.
fn beyond<'a>(urls: &'a [String], current: &str) -> impl Iterator<Item = &'a str> {
    let next = urls.iter().position(|url| url == current).map_or(0, |index| index.saturating_add(1));
    urls.iter().cycle().skip(next).take(urls.len()).map(String::as_str)
}

/// Whether two written hashes are the same, with or without 0x, in either case.
fn same_hash(one: &str, two: &str) -> bool {
    plain(one) == plain(two)
}

/// Whether a text is a hash, as [`same_hash`] reads them.
fn is_hash(text: &str) -> bool {
    hex::decode(plain(text)).is_ok_and(|hash| hash.len() == 32)
}

/// A hash's digits.
fn plain(text: &str) -> String {
    text.trim().trim_start_matches("0x").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(urls: &[&str]) -> ChainConfig {
        ChainConfig {
            urls: urls.iter().map(|url| url.to_string()).collect(),
            connect_timeout_s: 1,
            ..ChainConfig::default()
        }
    }

    #[tokio::test]
    async fn connect_without_a_node_fails_soon_and_names_every_address() {
        // Port 1 and 2 of the own machine: nobody listens there.
        let began = std::time::Instant::now();
        let error = Client::connect(&config(&["ws://127.0.0.1:1", "ws://127.0.0.1:2"])).await.unwrap_err();
        assert!(
            matches!(&error, ChainError::NoNode(reason) if reason.contains(":1") && reason.contains(":2"))
        );
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn connect_to_something_mute_fails_in_time() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let error = Client::connect(&config(&[&url])).await.unwrap_err();
        assert!(matches!(&error, ChainError::NoNode(reason) if reason.contains("within 1 s")), "{error}");
    }

    #[tokio::test]
    async fn connect_to_a_malformed_address_fails() {
        let error = Client::connect(&config(&["not an address"])).await.unwrap_err();
        assert!(matches!(error, ChainError::NoNode(_)), "{error}");
    }

    #[test]
    fn another_node_is_tried_before_the_same_one() {
        let urls: Vec<String> = ["a", "b", "c"].map(String::from).into();
        let order = |current| beyond(&urls, current).collect::<Vec<_>>();
        assert_eq!(order("a"), ["b", "c", "a"]);
        assert_eq!(order("c"), ["a", "b", "c"]);
        assert_eq!(order("elsewhere"), ["a", "b", "c"]);
    }

    #[tokio::test]
    async fn connect_beyond_names_every_node_that_is_not_there() {
        let urls = config(&["ws://127.0.0.1:1", "ws://127.0.0.1:2"]);
        let error = Client::connect_beyond(&urls, "ws://127.0.0.1:1", [0; 32]).await.unwrap_err();
        assert!(
            matches!(&error, ChainError::NoNode(reason) if reason.find(":2:") < reason.find(":1:")),
            "{error}"
        );
    }

    /// One that is new, wiped, alone or on its way, and one that is not.
    #[test]
    fn a_node_that_is_behind_is_not_believed() {
        let node = NodeInfo { version: "1".into(), peers: 3, syncing: false, lonely: false };
        assert_eq!(node.doubt(100, 100), None);
        assert!(node.doubt(99, 100).unwrap().contains("block 99"));
        assert!(node.doubt(0, 0).is_some(), "it has nothing yet");
        assert!(NodeInfo { syncing: true, ..node.clone() }.doubt(100, 100).is_some());
        assert!(NodeInfo { lonely: true, ..node }.doubt(100, 100).is_some());
    }

    #[tokio::test]
    async fn an_answer_is_noted_and_silence_is_not() {
        let patience = Patience { after: Duration::from_millis(20), heard: Heard::now() };
        let before = patience.heard.last();
        let silent = within(&patience, "a", std::future::pending::<Result<(), String>>()).await;
        assert!(matches!(silent, Err(ChainError::Timeout { .. })) && patience.heard.last() == before);
        within(&patience, "b", async { Ok::<_, String>(()) }).await.unwrap();
        assert!(patience.heard.last() > before);
    }

    #[test]
    fn hashes_compare_as_people_write_them() {
        assert!(same_hash("0xAB", "ab"));
        assert!(!same_hash("0xab", "0xac"));
        let digits = "aB".repeat(32);
        assert!(is_hash(&digits) && is_hash(&format!(" 0x{digits}\n")));
        for bad in ["", "0x", "zzz", &digits[1..], &digits.replace('a', "g"), &format!("{digits}00")] {
            assert!(!is_hash(bad), "{bad}");
        }
    }
}
