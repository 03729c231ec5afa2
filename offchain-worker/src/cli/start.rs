//! `start`: the daemon.

use super::Context;
use crate::{
    blobs::{self, Identity, Manner},
    chain::{ChainResult, Client},
    config::{
        ChainArgs, Config, DeviceArgs, Follow, MemoryArgs, MetricsArgs, NetworkArgs, SignerArgs, StorageArgs,
    },
    daemon::{Daemon, Options, journal::Crash, works::EngineWorkshop},
    data::Manifest,
    engine::disputes::Lie,
    error::{Exit, ResultExt, failure},
    files,
    keys::Key,
    metrics::{
        health::Pulse,
        metrics,
        server::{Served, Server},
    },
};
use anyhow::Context as _;
use clap::Args;
use sabha_protocol::RunId;
use std::{
    fs::File,
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// Arguments of `start`.
#[derive(Args, Debug, Default, PartialEq)]
#[command(
    after_help = "The daemon trains the slots that its worker is drawn for, attests and aggregates updates, and audits other \
                        workers' slots, the most urgent first.\n\n\
                        SIGTERM and Ctrl-C park a slot at the end of the current step and end the daemon with exit code 0; the next \
                        start goes on from there. The chain is not told: a worker that is ready may be drawn while it is off, and \
                        miss what it is drawn for. --drain-on-stop tells it.\n\n\
                        Example: sabha-worker start --key hot.json --dataset packed/spanish --ready"
)]
pub struct StartArgs {
    /// Which chain.
    #[command(flatten)]
    pub chain: ChainArgs,
    /// Who signs: the worker's hot key.
    #[command(flatten)]
    pub signer: SignerArgs,
    /// Where files are.
    #[command(flatten)]
    pub storage: StorageArgs,
    /// How other workers get blobs from here.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// Which blocks to act on
    #[arg(long, value_enum, env = "SABHA_FOLLOW")]
    pub follow: Option<Follow>,
    /// What to train on.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// How much memory a model may take.
    #[command(flatten)]
    pub memory: MemoryArgs,
    /// How often to save the state of a slot that is trained, in seconds: what a crash costs at most, and one step
    #[arg(long, env = "SABHA_SAVE_EVERY_S", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub save_every_s: Option<u64>,
    /// What to tell of itself.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// Tell the chain that the worker can be drawn, if it is idle
    #[arg(long)]
    pub ready: bool,
    /// Do not move runs on when something is due
    #[arg(long)]
    pub no_poke: bool,
    /// Tell the chain, when the daemon ends, that the worker cannot be drawn any more
    #[arg(long)]
    pub drain_on_stop: bool,
    /// Lie in one element of one instruction of one step of the slots that this worker trains, and defend it: ROUND:STEP:INSTRUCTION:ELEMENT:BITS.
    /// To see how lies are found on a network of one's own; anywhere else it costs the stake
    #[arg(long, value_name = "LIE", hide = true)]
    pub lie: Option<Lie>,
    /// Do not answer in disputes about this worker's results. To see what becomes of who stalls, on a network of one's own
    #[arg(long, hide = true)]
    pub never_answer: bool,
    /// Serve other workers with nothing, as if there were no blobs here, or with wrong bytes. To see that they do without, on a network of
    /// one's own
    #[arg(long, value_name = "nothing|wrong", hide = true)]
    pub serve_blobs: Option<Manner>,
    /// Die at a write of the event log, as if the plug were pulled: before:N, within:N or after:N, where N counts from 1 or is an event,
    /// the first of which is meant, or an event and a duty, such as signing/audit. Of several, at the first that comes. To see that
    /// nothing is lost by it
    #[arg(long, env = "SABHA_CRASH_AT", value_delimiter = ',', value_name = "WRITE", hide = true)]
    pub crash_at: Vec<Crash>,
    /// End when this run is over
    #[arg(long, value_name = "RUN")]
    pub exit_when_run_over: Option<RunId>,
}

impl StartArgs {
    /// Applies the flags to a configuration.
    pub fn apply(&self, config: Config) -> Config {
        let mut config = config
            .with_chain(&self.chain)
            .with_signer(&self.signer)
            .with_storage(&self.storage)
            .with_network(&self.network)
            .with_memory(&self.memory)
            .with_metrics(&self.metrics)
            .with_device(&self.device);
        if let Some(follow) = self.follow {
            config.chain.follow = follow;
        }
        if let Some(seconds) = self.save_every_s {
            config.engine.save_every_s = seconds;
        }
        if let Some(manner) = self.serve_blobs {
            config.network.manner = manner;
        }
        if self.no_poke {
            config.worker.poke = false;
        }
        config
    }
}

/// Runs the daemon until a signal comes or the awaited run is over.
///
/// # Errors
/// [`Exit::BadInput`] (key, configuration, dataset, device, address of the metrics), [`Exit::Failure`] (a GPU with other bits),
/// [`Exit::NoNode`], [`Exit::WrongChain`], [`Exit::Refused`] (no worker), [`Exit::Outdated`], [`Exit::InUse`].
pub async fn run(args: StartArgs, context: &Context) -> anyhow::Result<()> {
    let path = Config::default_path();
    if context.global.config.is_none() && !path.exists() {
        // A convenience: a home that cannot be written to is no reason not to work.
        match Config::default().write_new(&path) {
            Ok(()) => tracing::info!(path = %path.display(), "wrote a configuration with its defaults"),
            Err(error) => tracing::debug!(%error, "wrote no configuration"),
        }
    }
    let config = args.apply(Config::load(&context.global)?);
    let key = Key::load(config.worker.key.as_deref()).exit(Exit::BadInput)?;
    let _lock = lock_key(config.worker.key.as_deref()).await?;
    check_datasets(&config)?;
    // Before the engine: what is wrong here is soon found, and whoever asks is told what is waited for.
    let pulse = Pulse::default();
    metrics().started();
    if let Some(address) = config.metrics.listen {
        serve(address, &config, pulse.clone()).await?;
    }
    let blobs = blobs::connect(&config, Identity::Kept)?;
    pulse.waits(format!("the engine on {}, whose results are compared first", config.engine.device));
    let workshop = EngineWorkshop::new(&config, blobs.clone())?.lying(args.lie);
    pulse.waits(format!("a node: connecting to {}", config.chain.urls.join(" ")));
    let client = Client::connect(&config.chain).await.coded()?;
    let options = Options {
        ready: args.ready,
        drain_on_stop: args.drain_on_stop,
        until_run_over: args.exit_when_run_over,
        never_answer: args.never_answer,
        crash: args.crash_at,
    };
    let network = blobs.network().cloned();
    let stop = context.stop.clone();
    let daemon = Daemon::new(config, options, client, key, blobs, Arc::new(workshop), stop, pulse).await?;
    // A signal came before it could begin.
    let Some(daemon) = daemon else { return Ok(()) };
    let ended = daemon.run().await;
    if let Some(network) = network {
        network.close();
    }
    ended
}

/// How long to wait for a key file that is in use: `doctor` has it for a moment, and a daemon that was told to end has it until then.
const LOCK_WITHIN: Duration = Duration::from_secs(2);

/// Two daemons with one key would do everything twice, and each of them seal what the other one cannot reveal. The lock is on the key
/// file, whatever folders they have; a copy of the file, or a secret in the environment, only the chain can tell.
async fn lock_key(key: Option<&Path>) -> anyhow::Result<Option<File>> {
    let Some(path) = key else { return Ok(None) };
    let began = Instant::now();
    loop {
        if let Some(lock) = files::lock(path).exit(Exit::BadInput)? {
            return Ok(Some(lock));
        }
        if began.elapsed() >= LOCK_WITHIN {
            let path = path.display();
            let message = format!(
                "{path} is in use by another daemon: a hot key is for one daemon. End that one first"
            );
            return Err(failure(Exit::InUse, message));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Serves `/metrics` and `/health` at `address` from now on, in the background. Where it listens.
async fn serve(address: SocketAddr, config: &Config, pulse: Pulse) -> anyhow::Result<SocketAddr> {
    let server = Server::bind(address)
        .await
        .with_context(|| {
            format!("cannot listen at {address}: choose another --metrics-listen (metrics.listen)")
        })
        .exit(Exit::BadInput)?;
    let address = server.address().unwrap_or(address);
    let storage = &config.storage;
    let folders = vec![("state", storage.state.clone()), ("blobs", storage.blobs.clone())];
    let served = Served { pulse, folders, min_free_mib: storage.min_free_mib, metrics: metrics() };
    tokio::spawn(server.serve(served));
    tracing::info!(%address, "serves /metrics and /health");
    Ok(address)
}

/// A worker that takes slots and has not the data that it was meant to have loses them, and each of them costs.
fn check_datasets(config: &Config) -> anyhow::Result<()> {
    for folder in &config.storage.datasets {
        Manifest::read(folder).and_then(|manifest| manifest.check_size(folder)).exit(Exit::BadInput)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::{CommandFactory, Parser};

    fn parse(flags: &[&str]) -> StartArgs {
        match Cli::parse_from(["sabha-worker", "start"].iter().chain(flags)).command {
            Command::Start(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_arguments_are_the_default() {
        // The environment may set some of them where tests run.
        let command = Cli::command();
        let start = command.find_subcommand("start").unwrap();
        if start
            .get_arguments()
            .any(|flag| flag.get_env().is_some_and(|name| std::env::var_os(name).is_some()))
        {
            return;
        }
        assert_eq!(parse(&[]), StartArgs::default());
        assert_eq!(StartArgs::default().apply(Config::default()), Config::default());
    }

    #[test]
    fn flags_override_the_configuration() {
        let flags = ["--follow", "best", "--device", "cuda:1", "--no-poke", "--memory-limit-mib", "5"];
        let flags = [&flags[..], &["--metrics-listen", "127.0.0.1:9616", "--save-every-s", "7"]].concat();
        let config = parse(&flags).apply(Config::default());
        assert_eq!(config.metrics.listen, Some("127.0.0.1:9616".parse().unwrap()));
        assert_eq!((config.engine.memory_limit_mib, config.engine.save_every_s), (Some(5), 7));
        assert_eq!(config.chain.follow, Follow::Best);
        assert_eq!(config.engine.device, "cuda:1");
        assert!(!config.worker.poke);
    }

    #[tokio::test]
    async fn a_key_file_is_for_one_daemon() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hot.json");
        std::fs::write(&path, "{}").unwrap();
        let held = lock_key(Some(&path)).await.unwrap();
        assert!(held.is_some());
        let error = lock_key(Some(&path)).await.unwrap_err();
        assert_eq!(Exit::of(&error), Exit::InUse);
        assert!(error.to_string().contains("another daemon"), "{error}");
        // Whoever has it for a moment only, as `doctor` has, keeps no daemon from starting.
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            drop(held);
        });
        lock_key(Some(&path)).await.unwrap();
        assert!(lock_key(None).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn an_address_that_is_taken_names_the_flag() {
        let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        let error = serve(address, &Config::default(), Pulse::default()).await.unwrap_err();
        assert_eq!(Exit::of(&error), Exit::BadInput);
        assert!(error.to_string().contains("--metrics-listen"), "{error}");
    }

    async fn health(address: SocketAddr) -> Option<String> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer)
    }

    /// A node that takes connections and says nothing: whoever asks for the daemon's health is told that it is waited for.
    #[tokio::test(flavor = "multi_thread")]
    async fn health_is_served_before_there_is_a_node() {
        let folder = tempfile::tempdir().unwrap();
        let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let mut config = Config::default();
        config.chain.urls = vec![format!("ws://{}", mute.local_addr().unwrap())];
        config.chain.connect_timeout_s = 60;
        (config.storage.state, config.storage.blobs) =
            (folder.path().join("state"), folder.path().join("blobs"));
        config.metrics.listen = Some(address);
        let path = folder.path().join("worker.toml");
        config.write_new(&path).unwrap();
        let key = folder.path().join("hot.json");
        crate::keys::store(&key, "//Alice").unwrap();
        let mut args = StartArgs::default();
        args.signer.key = Some(key);
        let global = crate::cli::GlobalArgs { config: Some(path), ..Default::default() };
        let context = Context { global, stop: crate::stop::Stop::new() };
        let daemon = tokio::spawn(async move { run(args, &context).await });
        let mut answer = None;
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let within = Duration::from_secs(1);
            answer = tokio::time::timeout(within, health(address)).await.ok().flatten();
            if answer.as_ref().is_some_and(|answer| answer.contains("waiting for a node")) {
                break;
            }
        }
        let answer = answer.unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("waiting for a node"), "{answer}");
        daemon.abort();
    }
}
