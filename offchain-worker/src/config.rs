//! Configuration: a TOML file, overridden by the environment, overridden by flags.
//!
//! Every field has a default, and a file that names an unknown field is refused: a typing error must not silently mean the
//! default. `config init` writes the file with its defaults and a comment on each; so does `start` when there is none.

use crate::{
    blobs::Manner,
    cli::GlobalArgs,
    engine::runner::SAVE_EVERY,
    error::{Exit, ResultExt, failure},
};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{ErrorKind, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// The whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which chain, and how to reach it.
    pub chain: ChainConfig,
    /// Who works.
    pub worker: WorkerConfig,
    /// Where files are.
    pub storage: StorageConfig,
    /// How blobs come from other workers, and get to them.
    pub network: NetworkConfig,
    /// What trains.
    pub engine: EngineConfig,
    /// What the daemon tells of itself.
    pub metrics: MetricsConfig,
}

/// Which chain, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChainConfig {
    /// RPC addresses of nodes: the first that answers is used, and when it fails the next one.
    pub urls: Vec<String>,
    /// Hash of the genesis block, 0x and 64 hexadecimal digits: a node of another chain is refused. Not checked if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub genesis: Option<String>,
    /// Which blocks the daemon acts on.
    pub follow: Follow,
    /// How long one request may take, in seconds.
    pub request_timeout_s: u64,
    /// How long a connection may take to be made, in seconds.
    pub connect_timeout_s: u64,
    /// How long to wait for a transaction to be included, in seconds.
    pub inclusion_timeout_s: u64,
    /// How often the daemon looks for a new block, in milliseconds.
    pub poll_ms: u64,
}

/// Which blocks the daemon acts on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Follow {
    /// Finalised blocks: a few blocks later, and no work is ever for a slot that a reorganisation takes away
    #[default]
    Finalised,
    /// The best block: sooner
    Best,
}

/// Who works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerConfig {
    /// The key file of the daemon's hot key. Absent: the secret is in the environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// Whether the daemon moves runs on (`training.poke`) when something is due.
    pub poke: bool,
}

/// Where files are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageConfig {
    /// The daemon's event log and parked slots; one folder for each daemon.
    pub state: PathBuf,
    /// The blob store: checkpoints and updates by their digests. Workers on one machine may share it.
    pub blobs: PathBuf,
    /// Blob stores of other workers on this machine, to fetch from what the own one lacks.
    pub peers: Vec<PathBuf>,
    /// An object store to fetch from what is not at hand, and to send to what is made here: `s3://bucket/prefix`, `file:///folder`,
    /// or `https://…`, which is only read. Its keys are in the environment (`AWS_ACCESS_KEY_ID`, …).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// What blobs may take of the disk, in mebibytes: what is not needed goes first. Absent: no limit, and nothing is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blobs_limit_mib: Option<u64>,
    /// Packed datasets, besides the blob store: folders that `data pack` wrote.
    pub datasets: Vec<PathBuf>,
    /// The free space below which `doctor` warns and the daemon is not healthy, in mebibytes.
    pub min_free_mib: u64,
}

/// How blobs come from other workers, and get to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// Where to serve blobs to other workers (UDP). Absent: nowhere; blobs of others are fetched all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// Where others reach this worker, if that is not where it listens. Port 0 is the port that it listens on.
    pub announce: Vec<SocketAddr>,
    /// URLs of relays, for workers between which there is no direct way.
    pub relays: Vec<String>,
    /// How long a connection to another worker may take to be made, in seconds.
    pub connect_timeout_s: u64,
    /// How long another worker, or the object store, may be silent in the middle of a transfer, in seconds.
    pub idle_timeout_s: u64,
    /// How others are served: only a hidden flag says that, on a network of one's own.
    #[serde(skip)]
    pub manner: Manner,
}

/// What trains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// `cpu`, or `cuda:0` in a build with the feature `cuda`.
    pub device: String,
    /// Memory that a model may take, in mebibytes: what needs more is not begun. Absent: what is available when it would begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_limit_mib: Option<u64>,
    /// How often the state of a slot that is trained is saved, in seconds: what a crash costs at most, and one step. A signal saves it
    /// whatever this says.
    pub save_every_s: u64,
}

/// What the daemon tells of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// Where `/metrics` and `/health` are served over HTTP. Absent: nowhere, for two daemons on one machine would want the same port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self { key: None, poke: true }
    }
}

impl Default for ChainConfig {
    fn default() -> Self {
        Self {
            urls: vec!["ws://127.0.0.1:9944".into()],
            genesis: None,
            follow: Follow::Finalised,
            request_timeout_s: 20,
            connect_timeout_s: 10,
            inclusion_timeout_s: 120,
            poll_ms: 1_000,
        }
    }
}

impl Default for StorageConfig {
    fn default() -> Self {
        let data = base("XDG_DATA_HOME", ".local/share");
        Self {
            state: data.join("state"),
            blobs: data.join("blobs"),
            peers: Vec::new(),
            store: None,
            blobs_limit_mib: None,
            datasets: Vec::new(),
            min_free_mib: 1_024,
        }
    }
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            listen: None,
            announce: Vec::new(),
            relays: Vec::new(),
            connect_timeout_s: 10,
            idle_timeout_s: 30,
            manner: Manner::Honest,
        }
    }
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self { device: "cpu".into(), memory_limit_mib: None, save_every_s: SAVE_EVERY.as_secs() }
    }
}

/// Flags that override the configuration, beside the global ones. Each has an environment variable.
#[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainArgs {
    /// The hash of the chain's genesis block: a node of another chain is refused
    #[arg(long, env = "SABHA_GENESIS", value_name = "HASH")]
    pub genesis: Option<String>,
}

/// Flags of commands that sign.
#[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct SignerArgs {
    /// The key file to sign with. Without one the secret is taken from the environment (SABHA_SECRET)
    #[arg(long, env = "SABHA_KEY_FILE", value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// Flags about folders.
#[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageArgs {
    /// The folder of the daemon's event log and parked slots
    #[arg(long, env = "SABHA_STATE", value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// The folder of checkpoints and updates, by digest
    #[arg(long, env = "SABHA_BLOBS", value_name = "DIR")]
    pub blobs: Option<PathBuf>,
    /// The blob folder of another worker on this machine, to fetch from; may be given several times
    #[arg(long = "peer-blobs", env = "SABHA_PEER_BLOBS", value_delimiter = ':', value_name = "DIR")]
    pub peers: Vec<PathBuf>,
    /// An object store to fetch from and to send to: s3://bucket/prefix, file:///folder, or https://…, which is only read.
    /// Its keys are in the environment (AWS_ACCESS_KEY_ID, …)
    #[arg(long, env = "SABHA_STORE", value_name = "URL")]
    pub store: Option<String>,
    /// What blobs may take of the disk, in mebibytes: what is not needed goes first. Without it nothing is removed
    #[arg(long, env = "SABHA_BLOBS_LIMIT_MIB", value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub blobs_limit_mib: Option<u64>,
    /// A folder that `data pack` wrote; may be given several times
    #[arg(long = "dataset", env = "SABHA_DATASETS", value_delimiter = ':', value_name = "DIR")]
    pub datasets: Vec<PathBuf>,
}

/// Flags about what the daemon tells of itself.
#[derive(clap::Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetricsArgs {
    /// Serve /metrics (Prometheus) and /health (JSON) over HTTP at this address, such as 127.0.0.1:9616. Without it: nowhere
    #[arg(long, env = "SABHA_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,
}

/// Flags about other workers.
#[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkArgs {
    /// Where to serve blobs to other workers, such as 0.0.0.0:9955 (UDP)
    #[arg(long, env = "SABHA_LISTEN", value_name = "IP:PORT")]
    pub listen: Option<SocketAddr>,
    /// Where others reach this worker, if that is not where it listens; port 0 is the port that it listens on. May be given several
    /// times
    #[arg(long, env = "SABHA_ANNOUNCE", value_delimiter = ',', value_name = "IP:PORT")]
    pub announce: Vec<SocketAddr>,
}

/// Flags about memory.
#[derive(clap::Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryArgs {
    /// The memory that a model may take, in mebibytes: what needs more is not begun. Without it: what is available
    #[arg(long, env = "SABHA_MEMORY_LIMIT_MIB", value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub memory_limit_mib: Option<u64>,
}

/// Flags about the device.
#[derive(clap::Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceArgs {
    /// What to compute on: cpu, or cuda:0 in a build with CUDA
    #[arg(long, env = "SABHA_DEVICE")]
    pub device: Option<String>,
}

impl Config {
    /// Where the configuration file is unless `--config` says otherwise.
    pub fn default_path() -> PathBuf {
        base("XDG_CONFIG_HOME", ".config").join("worker.toml")
    }

    /// Reads the file that the global flags name, or the default one if it is there, and applies the global flags.
    ///
    /// # Errors
    /// [`Exit::BadInput`] if a named file is missing, or a file is malformed or names an unknown field.
    pub fn load(global: &GlobalArgs) -> anyhow::Result<Self> {
        let path = global.config.clone().unwrap_or_else(Self::default_path);
        let mut config = match fs::read_to_string(&path) {
            Ok(text) => {
                Self::parse(&text).with_context(|| format!("in {}", path.display())).exit(Exit::BadInput)?
            }
            Err(error) if error.kind() == ErrorKind::NotFound && global.config.is_none() => Self::default(),
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot read the configuration {}", path.display()))
                    .exit(Exit::BadInput);
            }
        };
        if !global.urls.is_empty() {
            config.chain.urls.clone_from(&global.urls);
        }
        Ok(config)
    }

    /// Parses and checks a file's text.
    ///
    /// # Errors
    /// Names the line or the field.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let config: Self = toml::from_str(text)?;
        let chain = &config.chain;
        anyhow::ensure!(!chain.urls.is_empty(), "chain.urls is empty: name at least one node");
        for (field, value) in [
            ("chain.request_timeout_s", chain.request_timeout_s),
            ("chain.connect_timeout_s", chain.connect_timeout_s),
            ("chain.inclusion_timeout_s", chain.inclusion_timeout_s),
            ("chain.poll_ms", chain.poll_ms),
            ("engine.memory_limit_mib", config.engine.memory_limit_mib.unwrap_or(1)),
            ("engine.save_every_s", config.engine.save_every_s),
            ("storage.blobs_limit_mib", config.storage.blobs_limit_mib.unwrap_or(1)),
            ("network.connect_timeout_s", config.network.connect_timeout_s),
            ("network.idle_timeout_s", config.network.idle_timeout_s),
        ] {
            anyhow::ensure!(value > 0, "{field} is 0: it must be at least 1");
        }
        Ok(config)
    }

    /// Applies flags about the chain.
    pub fn with_chain(mut self, args: &ChainArgs) -> Self {
        if args.genesis.is_some() {
            self.chain.genesis.clone_from(&args.genesis);
        }
        self
    }

    /// Applies flags about keys.
    pub fn with_signer(mut self, args: &SignerArgs) -> Self {
        if args.key.is_some() {
            self.worker.key.clone_from(&args.key);
        }
        self
    }

    /// Applies flags about folders.
    pub fn with_storage(mut self, args: &StorageArgs) -> Self {
        if let Some(state) = &args.state {
            self.storage.state.clone_from(state);
        }
        if let Some(blobs) = &args.blobs {
            self.storage.blobs.clone_from(blobs);
        }
        if !args.peers.is_empty() {
            self.storage.peers.clone_from(&args.peers);
        }
        if args.store.is_some() {
            self.storage.store.clone_from(&args.store);
        }
        if args.blobs_limit_mib.is_some() {
            self.storage.blobs_limit_mib = args.blobs_limit_mib;
        }
        if !args.datasets.is_empty() {
            self.storage.datasets.clone_from(&args.datasets);
        }
        self
    }

    /// Applies flags about what the daemon tells of itself.
    pub fn with_metrics(mut self, args: &MetricsArgs) -> Self {
        if args.metrics_listen.is_some() {
            self.metrics.listen = args.metrics_listen;
        }
        self
    }

    /// Applies flags about other workers.
    pub fn with_network(mut self, args: &NetworkArgs) -> Self {
        if args.listen.is_some() {
            self.network.listen = args.listen;
        }
        if !args.announce.is_empty() {
            self.network.announce.clone_from(&args.announce);
        }
        self
    }

    /// Applies flags about memory.
    pub fn with_memory(mut self, args: &MemoryArgs) -> Self {
        if args.memory_limit_mib.is_some() {
            self.engine.memory_limit_mib = args.memory_limit_mib;
        }
        self
    }

    /// Applies flags about the device.
    pub fn with_device(mut self, args: &DeviceArgs) -> Self {
        if let Some(device) = &args.device {
            self.engine.device.clone_from(device);
        }
        self
    }

    /// The file's text with this configuration's values, and a comment on each.
    pub fn to_toml(&self) -> String {
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let path = |path: &Path| quoted(&path.to_string_lossy());
        let list = |items: Vec<String>| format!("[{}]", items.join(", "));
        let genesis = match &self.chain.genesis {
            Some(hash) => format!("genesis = {}", quoted(hash)),
            None => "# genesis = \"0x…\"".into(),
        };
        let key = match &self.worker.key {
            Some(file) => format!("key = {}", path(file)),
            None => "# key = \"…/hot.json\"".into(),
        };
        let store = match &self.storage.store {
            Some(url) => format!("store = {}", quoted(url)),
            None => "# store = \"s3://bucket/prefix\"".into(),
        };
        let limit = match self.storage.blobs_limit_mib {
            Some(limit) => format!("blobs_limit_mib = {limit}"),
            None => "# blobs_limit_mib = 102400".into(),
        };
        let listen = match self.network.listen {
            Some(address) => format!("listen = {}", quoted(&address.to_string())),
            None => "# listen = \"0.0.0.0:9955\"".into(),
        };
        let memory = match self.engine.memory_limit_mib {
            Some(limit) => format!("memory_limit_mib = {limit}"),
            None => "# memory_limit_mib = 8192".into(),
        };
        let metrics = match self.metrics.listen {
            Some(address) => format!("listen = {}", quoted(&address.to_string())),
            None => "# listen = \"127.0.0.1:9616\"".into(),
        };
        format!(
            "\
# Configuration of sabha-worker. Flags and SABHA_… variables override what is here.

[chain]
# RPC addresses of nodes: the first that answers is used, and when it fails the next one.
urls = {urls}
# Hash of the chain's genesis block: a node of another chain is refused.
{genesis}
# Which blocks the daemon acts on: \"finalised\", or \"best\" (sooner, but a reorganisation can waste work).
follow = \"{follow}\"
# How long one request, a connection, and the inclusion of a transaction may take, in seconds.
request_timeout_s = {request}
connect_timeout_s = {connect}
inclusion_timeout_s = {inclusion}
# How often the daemon looks for a new block, in milliseconds.
poll_ms = {poll}

[worker]
# The key file of the daemon's hot key (see `sabha-worker key generate`). Absent: the secret is in SABHA_SECRET.
{key}
# Whether the daemon moves runs on when something is due.
poke = {poke}

[storage]
# The daemon's event log and parked slots; one folder for each daemon.
state = {state}
# Checkpoints and updates by their digests. Workers on one machine may share it.
blobs = {blobs}
# Blob stores of other workers on this machine, to fetch from what the own one lacks.
peers = {peers}
# An object store to fetch from and to send to: s3://bucket/prefix, file:///folder, or https://…, which is only read. Its keys are
# in the environment (AWS_ACCESS_KEY_ID, …).
{store}
# What blobs may take of the disk, in mebibytes: what is not needed goes first. Absent: no limit, and nothing is removed.
{limit}
# Packed datasets, besides the blob store: folders that `data pack` wrote.
datasets = {datasets}
# The free space below which `doctor` warns and the daemon is not healthy, in mebibytes.
min_free_mib = {min_free}

[network]
# Where to serve blobs to other workers (UDP). Absent: nowhere; blobs of others are fetched all the same.
{listen}
# Where others reach this worker, if that is not where it listens. Port 0 is the port that it listens on.
announce = {announce}
# URLs of relays, for workers between which there is no direct way.
relays = {relays}
# How long a connection may take to be made, and how long another worker or the object store may be silent, in seconds.
connect_timeout_s = {peer_connect}
idle_timeout_s = {idle}

[engine]
# \"cpu\", or \"cuda:0\" in a build with the feature `cuda`.
device = {device}
# Memory that a model may take, in mebibytes: what needs more is not begun. Absent: what is available when it would begin.
{memory}
# How often the state of a slot that is trained is saved, in seconds: what a crash costs at most, and one step.
save_every_s = {save_every}

[metrics]
# Where /metrics (Prometheus) and /health (JSON) are served over HTTP. Absent: nowhere.
{metrics}
",
            urls = list(self.chain.urls.iter().map(|url| quoted(url)).collect()),
            follow = match self.chain.follow {
                Follow::Finalised => "finalised",
                Follow::Best => "best",
            },
            request = self.chain.request_timeout_s,
            connect = self.chain.connect_timeout_s,
            inclusion = self.chain.inclusion_timeout_s,
            poll = self.chain.poll_ms,
            poke = self.worker.poke,
            state = path(&self.storage.state),
            blobs = path(&self.storage.blobs),
            peers = list(self.storage.peers.iter().map(|folder| path(folder)).collect()),
            datasets = list(self.storage.datasets.iter().map(|folder| path(folder)).collect()),
            min_free = self.storage.min_free_mib,
            announce = list(self.network.announce.iter().map(|address| quoted(&address.to_string())).collect()),
            relays = list(self.network.relays.iter().map(|url| quoted(url)).collect()),
            peer_connect = self.network.connect_timeout_s,
            idle = self.network.idle_timeout_s,
            device = quoted(&self.engine.device),
            save_every = self.engine.save_every_s,
        )
    }

    /// Writes the file, which must not exist yet.
    ///
    /// # Errors
    /// [`Exit::BadInput`] if it exists; else if it cannot be written.
    pub fn write_new(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let mut file = match fs::OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(failure(Exit::BadInput, format!("{} exists: remove it first", path.display())));
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot create {}", path.display()));
            }
        };
        file.write_all(self.to_toml().as_bytes()).with_context(|| format!("cannot write {}", path.display()))
    }
}

impl ChainConfig {
    /// How long one request may take.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_s)
    }

    /// How long a connection may take to be made.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout_s)
    }

    /// How long a transaction may take to be included.
    pub fn inclusion_timeout(&self) -> Duration {
        Duration::from_secs(self.inclusion_timeout_s)
    }

    /// How often to look for a new block.
    pub fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }
}

/// The worker's folder under a base directory of the XDG specification.
fn base(variable: &str, fallback: &str) -> PathBuf {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    set(variable)
        .or_else(|| set("HOME").map(|home| home.join(fallback)))
        .unwrap_or_else(|| PathBuf::from("."))
        .join("sabha-worker")
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
