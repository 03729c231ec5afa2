//! `doctor`: is everything there that a worker needs, and what is to be fixed.

mod history;
mod machine;
mod network;
mod nodes;

use super::{Context, on_chain::sbh};
use crate::{
    chain::{At, ChainError, Worker, WorkerStatus, compat, names::SPEC_NAME},
    config::{ChainArgs, Config, DeviceArgs, MemoryArgs, MetricsArgs, NetworkArgs, SignerArgs, StorageArgs},
    engine::{AnyEngine, MemoryLimit, device::HAS_CUDA, memory, selftest},
    error::{Exit, failure},
    keys::Key,
};
use clap::Args;
use sabha_protocol::{ActiveBlock, Balance, NUMERICS_EXACT, UNITS, numerics_is_known};
use serde::Serialize;
use std::{
    fmt::Write,
    time::{SystemTime, UNIX_EPOCH},
};

/// The difference between this machine's clock and the best block's time above which `doctor` warns, in seconds: several blocks
/// may be missing on a slow chain, a wrong clock is off by more.
const CLOCK_SKEW_S: u64 = 60;

/// What a hot key should hold for fees, which the chain takes before it gives them back.
const FEES: u128 = UNITS;

/// Arguments of `doctor`.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Which chain.
    #[command(flatten)]
    pub chain: ChainArgs,
    /// Whose worker to look for: the hot key's.
    #[command(flatten)]
    pub signer: SignerArgs,
    /// Where files are.
    #[command(flatten)]
    pub storage: StorageArgs,
    /// How other workers get blobs from here.
    #[command(flatten)]
    pub network: NetworkArgs,
    /// What to train on.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// How much memory a model may take.
    #[command(flatten)]
    pub memory: MemoryArgs,
    /// What the daemon tells of itself.
    #[command(flatten)]
    pub metrics: MetricsArgs,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Grade {
    Good,
    Warning,
    Bad,
}

/// One check.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    grade: Grade,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    checks: Vec<Check>,
    #[serde(skip)]
    exit: Option<Exit>,
}

impl Report {
    fn good(&mut self, name: &'static str, found: impl Into<String>) {
        self.checks.push(Check { name, grade: Grade::Good, found: found.into(), fix: None });
    }

    fn warn(&mut self, name: &'static str, found: impl Into<String>, fix: impl Into<String>) {
        self.checks.push(Check { name, grade: Grade::Warning, found: found.into(), fix: Some(fix.into()) });
    }

    /// Something that keeps a worker from working. The first one's code is the command's.
    fn bad(&mut self, name: &'static str, exit: Exit, found: impl Into<String>, fix: impl Into<String>) {
        self.exit.get_or_insert(exit);
        self.checks.push(Check { name, grade: Grade::Bad, found: found.into(), fix: Some(fix.into()) });
    }

    fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        for check in &self.checks {
            let mark = match check.grade {
                Grade::Good => "ok   ",
                Grade::Warning => "warn ",
                Grade::Bad => "FAIL ",
            };
            writeln!(text, "{mark} {:<9} {}", check.name, check.found)?;
            if let Some(fix) = &check.fix {
                writeln!(text, "                -> {fix}")?;
            }
        }
        Ok(text)
    }
}

/// Checks everything, prints what was found and what to fix.
///
/// # Errors
/// With the code of the first thing that keeps a worker from working.
pub async fn run(args: DoctorArgs, context: &Context) -> anyhow::Result<()> {
    let config = Config::load(&context.global)?
        .with_chain(&args.chain)
        .with_signer(&args.signer)
        .with_storage(&args.storage)
        .with_network(&args.network)
        .with_memory(&args.memory)
        .with_metrics(&args.metrics)
        .with_device(&args.device);
    let mut report = Report::default();
    let key = check_key(&mut report, &config);
    if let Err(error) = check_chain(&mut report, &config, key.as_ref()).await {
        let fix = match &error {
            ChainError::WrongGenesis { .. } | ChainError::WrongRuntime { .. } => {
                "point --url (chain.urls) at a node of your chain, or correct --genesis"
            }
            ChainError::Incompatible { .. } => {
                "update sabha-worker to a release for this runtime: `start` ends with 7 until then"
            }
            _ => "start a node (sabha-node --dev for a try), or correct --url or chain.urls",
        };
        report.bad("chain", error.exit_code(), error.to_string(), fix);
    }
    machine::check_disk(&mut report, &config);
    machine::check_files(&mut report);
    history::check_log(&mut report, &config.storage.state);
    let running = machine::check_daemon(&mut report, &config);
    machine::check_port(&mut report, config.metrics.listen, running).await;
    network::check_key(&mut report, &config);
    network::check_port(&mut report, &config, running);
    network::check_store(&mut report, config.storage.store.clone()).await;
    let device = config.engine.device.clone();
    match tokio::task::spawn_blocking(move || self_test(&device)).await {
        Ok(Ok((gpu, engine))) => {
            report.good("gpu", gpu);
            report.good("engine", engine);
        }
        Ok(Err(error)) => report.bad(
            "engine",
            Exit::Failure,
            format!("{error:#}"),
            "choose another device (--device cpu), or check the driver and the machine's memory",
        ),
        Err(error) => report.bad(
            "engine",
            Exit::Failure,
            error.to_string(),
            "this is a defect of sabha-worker: report it",
        ),
    }
    context.print(&report, report.text()?)?;
    match report.exit {
        None => Ok(()),
        Some(exit) => {
            let count = report.checks.iter().filter(|check| check.grade == Grade::Bad).count();
            Err(failure(exit, format!("{count} of {} checks failed", report.checks.len())))
        }
    }
}

fn check_key(report: &mut Report, config: &Config) -> Option<Key> {
    match Key::load(config.worker.key.as_deref()) {
        Ok(key) => {
            report.good("key", key.account().to_string());
            Some(key)
        }
        Err(crate::keys::KeyError::None) => {
            report.warn(
                "key",
                "none is configured",
                "make one: sabha-worker key generate hot.json, then --key hot.json",
            );
            None
        }
        Err(error) => {
            report.bad(
                "key",
                Exit::BadInput,
                format!("{:#}", anyhow::Error::new(error)),
                "correct --key or worker.key",
            );
            None
        }
    }
}

async fn check_chain(report: &mut Report, config: &Config, key: Option<&Key>) -> Result<(), ChainError> {
    let client = nodes::check(report, &config.chain).await?;
    match &config.chain.genesis {
        Some(_) => report.good("chain", client.genesis_hex()),
        None => report.good("chain", format!("{} (not compared: no --genesis)", client.genesis_hex())),
    }
    let runtime = client.runtime_version().await?;
    report.good(
        "runtime",
        format!("{SPEC_NAME} {}, transactions {}", runtime.spec_version, runtime.transaction_version),
    );
    let best = client.at_best().await?;
    best.check_compatible()?;
    report.good("calls", "every call and storage item is as this release knows it");
    check_clock(report, best.timestamp_ms().await?, best.number());
    check_runs(report, &best, config).await?;
    let Some(key) = key else { return Ok(()) };
    let account = key.account();
    match best.worker_of(&account).await? {
        Some(worker) => {
            judge_worker(report, &worker, best.active_blocks().await?, best.min_stake()?);
            network::check_endpoint(report, config, &worker.endpoint);
        }
        None => report.bad(
            "worker",
            Exit::Refused,
            format!("{account} speaks for no worker on this chain"),
            format!("sabha-worker register --key OWNER --hot-key {account}"),
        ),
    }
    let free = best.balances(&account).await?.free;
    if free >= FEES {
        report.good("fees", format!("{account} has {}", sbh(free)));
    } else {
        report.warn(
            "fees",
            format!("{account} has {}", sbh(free)),
            format!("send it about {}: the chain takes fees before it gives them back", sbh(FEES)),
        );
    }
    Ok(())
}

/// Whether the worker can be drawn.
fn judge_worker(report: &mut Report, worker: &Worker, active: ActiveBlock, least: Balance) {
    let found = format!("{}, stake {}", worker.status.word(), sbh(worker.stake));
    match worker.status {
        WorkerStatus::Unbonding { .. } => report.warn(
            "worker",
            found,
            "it is drawn for nothing any more: `sabha-worker withdraw` when its time is over, and register it anew if it shall work again",
        ),
        _ if worker.jailed_until > active => report.warn(
            "worker",
            format!("{found}, jailed"),
            format!(
                "it missed too much, and is drawn for nothing before active block {}, now {active}: find out why in the daemon's log",
                worker.jailed_until
            ),
        ),
        _ if worker.stake < least => report.warn(
            "worker",
            format!("{found}, and the least one is {}", sbh(least)),
            "it counts for nothing: its owner can add to it (Training.add_stake)",
        ),
        WorkerStatus::Idle => {
            report.good("worker", format!("{found}: drawn for nothing until `sabha-worker ready`, or start --ready"));
        }
        WorkerStatus::Ready => report.good("worker", found),
    }
}

fn check_clock(report: &mut Report, block_ms: u64, number: u64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis());
    let skew = now.abs_diff(u128::from(block_ms)) / 1_000;
    if number == 0 {
        report.warn("clock", "the chain has no block yet", "wait for the first block and try again");
    } else if skew > u128::from(CLOCK_SKEW_S) {
        report.warn(
            "clock",
            format!("{skew} s off the time of block {number}"),
            "set this machine's clock (NTP); if it is right, the chain stands still or the node is behind",
        );
    } else {
        report.good("clock", format!("{skew} s off the time of block {number}"));
    }
}

/// Whether this machine can train the open runs: a worker may be drawn for any of them.
async fn check_runs(report: &mut Report, at: &At, config: &Config) -> Result<(), ChainError> {
    let limit = MemoryLimit::mebibytes(config.engine.memory_limit_mib);
    let (mut unknown, mut large, mut most, mut room) = (Vec::new(), Vec::new(), 0, 0u64);
    let mut streams = Vec::new();
    let open = at.open_runs().await?;
    for run in &open {
        let Some(spec) = at.spec(*run).await? else { continue };
        if !numerics_is_known(spec.numerics_version) {
            unknown.push((*run, spec.numerics_version));
        }
        streams.push((*run, spec.data.clone()));
        most = most.max(memory::training(&spec));
        room = room.max(machine::room_of_a_round(&spec));
        if let Err(error) = limit.admit_training(&spec) {
            large.push(format!("run {run}: {error}"));
        }
    }
    history::check_data(report, config, &streams);
    history::check_sources(report, config, &streams);
    machine::check_room(report, &config.storage.blobs, room);
    machine::check_limit(report, config.storage.blobs_limit_mib, room);
    if large.is_empty() {
        report.good("memory", format!("the largest open run needs about {} MiB", most >> 20));
    } else {
        report.warn("memory", large.join("; "), "the worker will let slots of these runs go, and lose them");
    }
    if unknown.is_empty() {
        report.good(
            "numerics",
            format!("versions 0 and {NUMERICS_EXACT} are known; {} open runs follow them", open.len()),
        );
    } else {
        report.bad(
            "numerics",
            Exit::Outdated,
            format!("runs with versions that this release does not know (run, version): {unknown:?}"),
            "update sabha-worker",
        );
    }
    Ok(())
}

/// The GPU's kernels, and a small model, beside their definitions.
fn self_test(device: &str) -> anyhow::Result<(String, String)> {
    let engine = AnyEngine::on(device)?;
    let gpu = match engine.exact().compare_kernels()? {
        Some(families) => {
            format!("all kernels have the defined bits on {device}: {families} families of operations")
        }
        None if HAS_CUDA => {
            format!("not looked at: the device is {device} (--device cuda:0 looks at the first GPU)")
        }
        None => "this binary has no GPU support: it was built without the feature cuda".into(),
    };
    Ok((gpu, selftest::self_test(&engine, &compat::sample_spec())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_passes_its_self_test() {
        let (gpu, found) = self_test("cpu").unwrap();
        assert!(found.contains("the defined bits"), "{found}");
        let part = if HAS_CUDA { "the device is cpu" } else { "this binary has no GPU support" };
        assert!(gpu.contains(part), "{gpu}");
        assert!(self_test("abacus").unwrap_err().to_string().contains("abacus"));
    }

    #[test]
    fn a_clock_is_judged_by_the_block() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        for (block_ms, number, grade) in [
            (now, 5, Grade::Good),
            (now - 600_000, 5, Grade::Warning),
            (now + 600_000, 5, Grade::Warning),
            (0, 0, Grade::Warning),
        ] {
            let mut report = Report::default();
            check_clock(&mut report, block_ms, number);
            assert_eq!(report.checks[0].grade, grade, "{number}");
        }
    }

    #[test]
    fn a_worker_that_cannot_be_drawn_is_told() {
        let account = crate::keys::AccountId::from([1; 32]);
        let worker = Worker {
            owner: account,
            stake: 100 * UNITS,
            reserved: 0,
            attesting: 0,
            capacity: 1,
            training: 0,
            hot_key: account,
            payout: account,
            device: crate::chain::Device::Cpu,
            endpoint: String::new(),
            status: WorkerStatus::Ready,
            tickets: 1,
            score: 1_000_000,
            jailed_until: 50,
            owed: 0,
            done: 0,
            missed: 0,
        };
        let idle = Worker { status: WorkerStatus::Idle, ..worker.clone() };
        let unbonding = Worker { status: WorkerStatus::Unbonding { since: 3 }, ..worker.clone() };
        for (worker, active, grade, part) in [
            (&worker, 50, Grade::Good, "ready, stake 100 SBH"),
            (&idle, 50, Grade::Good, "idle, stake 100 SBH: drawn for nothing"),
            (&worker, 49, Grade::Warning, "before active block 50, now 49"),
            (&unbonding, 50, Grade::Warning, "withdraw"),
            (&Worker { stake: 99 * UNITS, ..worker.clone() }, 50, Grade::Warning, "the least one is 100 SBH"),
        ] {
            let mut report = Report::default();
            judge_worker(&mut report, worker, active, 100 * UNITS);
            assert_eq!((report.checks.len(), report.checks[0].grade), (1, grade), "{part}");
            assert!(report.text().unwrap().contains(part), "{part}: {}", report.text().unwrap());
        }
    }

    #[tokio::test]
    async fn without_a_node_the_rest_is_checked_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("worker.toml");
        let mut config = Config::default();
        config.chain.urls = vec!["ws://127.0.0.1:1".into()];
        config.chain.connect_timeout_s = 2;
        config.storage.blobs = folder.path().join("blobs");
        config.storage.state = folder.path().join("state");
        config.write_new(&path).unwrap();
        let context = Context {
            global: crate::cli::GlobalArgs { config: Some(path), ..Default::default() },
            stop: crate::stop::Stop::new(),
        };
        let args = DoctorArgs {
            chain: ChainArgs::default(),
            signer: SignerArgs::default(),
            storage: StorageArgs::default(),
            network: NetworkArgs::default(),
            device: DeviceArgs::default(),
            memory: MemoryArgs::default(),
            metrics: MetricsArgs::default(),
        };
        let error = run(args, &context).await.unwrap_err();
        assert_eq!(Exit::of(&error), Exit::NoNode);
        assert!(error.to_string().starts_with("1 of "), "{error}");
    }
}
