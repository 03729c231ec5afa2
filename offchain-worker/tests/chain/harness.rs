//! A real node and the real worker binary, and cleaning up after them.

use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const WORKER: &str = env!("CARGO_BIN_EXE_sabha-worker");

/// How long anything may take before a test gives up. Generous, because tests share the machine with compilers.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// A running chain of one validator. Dropping it stops the node and removes its files.
pub struct Chain {
    folder: TempDir,
    port: u16,
    node: Option<Process>,
}

impl Chain {
    /// Starts a chain with blocks each second, sessions of ten blocks, a window of 12 blocks and an unbonding time of two sessions.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let exported = output(&mut node(&["export-chain-spec", "--chain", "dev"]));
        assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
        let mut spec: Value = serde_json::from_slice(&exported.stdout).unwrap();
        let durations = &mut spec["genesis"]["runtimeGenesis"]["patch"]["timing"]["durations"];
        for (field, value) in [
            ("slotMs", 1_000),
            ("epochSlots", 10),
            ("availability", 1),
            ("auditSeals", 2),
            ("window", 12),
            ("chessClock", 4),
            ("unbonding", 20),
        ] {
            assert!(durations[field].is_u64(), "the preset has no {field}: {durations}");
            durations[field] = json!(value);
        }
        // An appeal must fit into the unbonding time.
        durations["referendum"] = json!({"prepare": 1, "decide": 3, "confirm": 1, "enact": 1});
        fs::write(folder.path().join("spec.json"), spec.to_string()).unwrap();
        let mut chain = Self { folder, port: free_port(), node: None };
        chain.start_node();
        chain
    }

    /// Puts a node of another chain in the place of the node: its address stays, its database is a new one.
    pub fn become_another(&mut self) {
        self.stop_node();
        let path = self.path("spec.json");
        let mut spec: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let window = &mut spec["genesis"]["runtimeGenesis"]["patch"]["timing"]["durations"]["window"];
        assert_eq!(*window, 12);
        *window = json!(13);
        fs::write(path, spec.to_string()).unwrap();
        fs::remove_dir_all(self.path("base")).unwrap();
        self.start_node();
    }

    /// Takes the node's database away: it begins anew, at the same address, and knows nothing of what was.
    pub fn lose_database(&mut self) {
        self.stop_node();
        fs::remove_dir_all(self.path("base")).unwrap();
        self.start_node();
    }

    /// Starts the node, on the same port and database as before.
    pub fn start_node(&mut self) {
        let spec = self.path("spec.json");
        let base = self.path("base");
        let arguments: Vec<String> = [
            "--chain",
            &spec,
            "--base-path",
            &base,
            "--alice",
            "--validator",
            "--force-authoring",
            "--no-prometheus",
            "--no-telemetry",
            // A proxy has another port than the node, which would refuse it else.
            "--rpc-cors",
            "all",
            // An authority does not start without a network key.
            "--node-key",
            "0000000000000000000000000000000000000000000000000000000000000001",
            "--port",
            "0",
            "--rpc-port",
        ]
        .map(String::from)
        .into_iter()
        .chain([self.port.to_string()])
        .collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.node = Some(Process::spawn(&mut node(&arguments), &self.folder.path().join("node.log")));
        let home = Home::new(self);
        self.wait("the node's first finalised block", || {
            let output = home.run(&["--json", "doctor"]);
            let report: Value = serde_json::from_slice(&output.stdout).ok()?;
            // The clock is compared with the best block's time, which genesis does not have.
            let clock = report["checks"].as_array()?.iter().find(|check| check["name"] == "clock")?;
            (clock["grade"] == "good").then_some(())
        });
    }

    /// Ends the node, as a service manager does.
    pub fn stop_node(&mut self) {
        self.node.take().unwrap().stop();
    }

    /// The RPC address.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Polls until there is a value; fails if the node ends.
    pub fn wait<T>(&mut self, what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(value) = poll() {
                return value;
            }
            let node = self.node.as_mut().unwrap();
            if let Some(status) = node.child.try_wait().unwrap() {
                panic!("the node ended with {status} before {what}:\n{}", node.log());
            }
            assert!(began.elapsed() < PATIENCE, "no {what} in {PATIENCE:?}:\n{}", node.log());
            thread::sleep(Duration::from_millis(300));
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().into()
    }
}

/// Another address of a chain's node, which can go away while the node stays.
pub struct Proxy {
    port: u16,
    ended: Arc<AtomicBool>,
}

impl Proxy {
    /// Passes on whatever comes, in both directions, until it is dropped.
    pub fn start(chain: &Chain) -> Self {
        Self::delaying(chain, Duration::ZERO)
    }

    /// The same, later: what comes meanwhile does not wait longer.
    pub fn delaying(chain: &Chain, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (port, to) = (listener.local_addr().unwrap().port(), chain.port);
        let ended = Arc::new(AtomicBool::new(false));
        let over = ended.clone();
        thread::spawn(move || {
            let mut streams: Vec<TcpStream> = Vec::new();
            while !over.load(Ordering::Acquire) {
                if let Ok((from, _)) = listener.accept()
                    && let Ok(to) = TcpStream::connect(("127.0.0.1", to))
                {
                    from.set_nonblocking(false).unwrap();
                    streams.extend([from.try_clone().unwrap(), to.try_clone().unwrap()]);
                    for (mut from, mut to) in
                        [(from.try_clone().unwrap(), to.try_clone().unwrap()), (to, from)]
                    {
                        let (sender, receiver) = std::sync::mpsc::channel::<(Instant, Vec<u8>)>();
                        thread::spawn(move || {
                            let mut buffer = vec![0; 1 << 16];
                            while let Ok(count @ 1..) = from.read(&mut buffer) {
                                let _ = sender.send((Instant::now() + delay, buffer[..count].to_vec()));
                            }
                        });
                        thread::spawn(move || {
                            for (at, bytes) in receiver {
                                thread::sleep(at.saturating_duration_since(Instant::now()));
                                if to.write_all(&bytes).is_err() {
                                    break;
                                }
                            }
                            let _ = to.shutdown(Shutdown::Both);
                        });
                    }
                }
                thread::sleep(Duration::from_millis(20));
            }
            for stream in streams {
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
        Self { port, ended }
    }

    /// The RPC address.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
    }
}

/// A folder with a worker's files, and a clean environment.
pub struct Home {
    folder: TempDir,
    url: String,
}

impl Home {
    /// An empty one, for a chain.
    pub fn new(chain: &Chain) -> Self {
        Self::at(chain.url())
    }

    /// An empty one, for an RPC address.
    pub fn at(url: String) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), url }
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().into()
    }

    /// Writes a file in it.
    pub fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.folder.path().join(name), text).unwrap();
        self.path(name)
    }

    /// A key file of a development account.
    pub fn key(&self, name: &str) -> String {
        let file = self.path(&format!("{name}.json"));
        let mut command = self.command(&["key", "import", &file]);
        let output = output(command.env("SABHA_SECRET", format!("//{name}")));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        file
    }

    /// The account of a key file.
    pub fn account(&self, key: &str) -> String {
        self.json(&["key", "show", key])["account"].as_str().unwrap().into()
    }

    /// The worker's binary with arguments, talking to this home's chain.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.clean(Command::new(WORKER), arguments)
    }

    fn clean(&self, mut command: Command, arguments: &[&str]) -> Command {
        command.args(arguments).stdin(Stdio::null());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SABHA_")) {
            command.env_remove(name);
        }
        command
            .env("SABHA_URL", &self.url)
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_DATA_HOME", self.path("data-home"));
        command
    }

    /// Runs a command that ends by itself.
    pub fn run(&self, arguments: &[&str]) -> Output {
        output(&mut self.command(arguments))
    }

    /// Runs a command that must succeed, with `--json`, and parses what it prints.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = output(self.command(arguments).arg("--json"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }

    /// Runs a command that must end with `code`, and gives what it says.
    pub fn refused(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(!text.contains("panicked"), "{arguments:?}: {text}");
        text
    }

    /// Starts a command that goes on.
    pub fn start(&self, name: &str, arguments: &[&str]) -> Process {
        self.spawn(name, &mut self.command(arguments))
    }

    fn spawn(&self, name: &str, command: &mut Command) -> Process {
        Process::spawn(command, &self.folder.path().join(format!("{name}.log")))
    }

    /// Starts a shell script as root of a namespace in which it may mount; `$1` is the worker, the arguments are what follows.
    /// `None` where that is not allowed, unless `SABHA_REQUIRE_TMPFS` says that it must be.
    pub fn start_in_namespace(&self, name: &str, script: &str, arguments: &[&str]) -> Option<Process> {
        // A user namespace, or, for a root that may not make one, a mount namespace alone.
        let mut refusals = String::new();
        for flags in [&["-rm"][..], &["-m"]] {
            let probe = [flags, &["mount", "-t", "tmpfs", "none", "/mnt"]].concat();
            match Command::new("unshare").args(probe).output() {
                Ok(output) if output.status.success() => {
                    let words = [flags, &["sh", "-c", script, "sh", WORKER], arguments].concat();
                    return Some(self.spawn(name, &mut self.clean(Command::new("unshare"), &words)));
                }
                Ok(output) => refusals.push_str(&String::from_utf8_lossy(&output.stderr)),
                Err(error) => refusals.push_str(&error.to_string()),
            }
        }
        let required = std::env::var("SABHA_REQUIRE_TMPFS").is_ok_and(|value| value == "1");
        assert!(
            !required,
            "no file system of its own (a container needs --cap-add SYS_ADMIN), and SABHA_REQUIRE_TMPFS is 1: {refusals}"
        );
        None
    }

    /// The daemon's events so far.
    pub fn events(&self, state: &str) -> Vec<Value> {
        let mut lines = Vec::new();
        for folder in fs::read_dir(state).into_iter().flatten().flatten() {
            for file in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                if file.path().extension().is_some_and(|extension| extension == "jsonl") {
                    lines.extend(fs::read_to_string(file.path()).unwrap().lines().map(String::from));
                }
            }
        }
        // The last line may be half written at this moment.
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

/// A process of ours. Dropping it ends it.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    fn spawn(command: &mut Command, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).unwrap();
        let child =
            command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        Self { child, log: log.into() }
    }

    /// SIGTERM, and the exit status.
    pub fn stop(mut self) -> ExitStatus {
        self.terminate().unwrap_or_else(|| panic!("it does not end on SIGTERM:\n{}", self.log()))
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal, such as `STOP`.
    pub fn signal(&self, name: &str) {
        // The shell's own `kill`: a program of that name is not everywhere.
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits until it ends by itself.
    pub fn wait(mut self) -> ExitStatus {
        self.ended(PATIENCE).unwrap_or_else(|| panic!("it does not end:\n{}", self.log()))
    }

    /// What it printed.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn terminate(&mut self) -> Option<ExitStatus> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Some(status);
        }
        // The shell's own `kill`: a program of that name is not everywhere.
        let _ = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status();
        self.ended(Duration::from_secs(60))
    }

    fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        let began = Instant::now();
        while began.elapsed() < within {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(50));
        }
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.terminate().is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A specification of a very small model, for the tests' text: rounds of one slot and one auditor. Where there is one worker only,
/// nobody can audit it, and windows are twice as long.
pub fn spec(rounds: u32, inner_steps: u32) -> String {
    let segment_steps = inner_steps / 5;
    format!(
        "numerics_version = 1
seed = 7
price_per_slot = \"2.5\"
stake_per_slot = \"20\"

[model]
vocabulary = 256
width = 32
layers = 2
heads = 2
feed_forward = 64
context = 32
rope_base = 10000.0
norm_epsilon = 1e-5
tied_embedding = true

[optimiser]
peak_rate = 3e-3
floor_rate = 3e-4
warmup_steps = 10
inner_warmup_steps = 5
beta1 = 0.9
beta2 = 0.95
epsilon = 1e-8
weight_decay = 0.1
clip_norm = 1.0

[outer]
rate = 1.0
momentum = 0.0

[rounds]
count = {rounds}
slots = 1
quorum = 1
tries = 3
inner_steps = {inner_steps}
segment_steps = {segment_steps}
batch = 4
aggregator_price = \"0.25\"

[audit]
auditors = 1
segments = 1
auditor_price = \"0.5\"
auditor_stake = \"20\"
attesters = 0
attester_price = \"0\"

[clocks]
training = 48
availability = 12
aggregation = 24
seals = 24
leaves = 12
reveals = 12
dispute = 24
window = 12
"
    )
}

/// Some text, packed: the dataset's folder.
pub fn dataset(home: &Home) -> String {
    let text: String =
        (0..400).map(|n| format!("En el capítulo {n} se cuenta {} veces.\n", n * 7 % 41)).collect();
    let file = home.write("text.txt", &text);
    let folder = home.path("packed");
    home.json(&[
        "data",
        "pack",
        &file,
        "--out",
        &folder,
        "--title",
        "Numbers",
        "--language",
        "es",
        "--licence",
        "CC0-1.0",
    ]);
    folder
}

fn node(arguments: &[&str]) -> Command {
    let beside = Path::new(env!("CARGO_BIN_EXE_sabha-worker")).with_file_name("sabha-node");
    let path = std::env::var_os("SABHA_NODE").map_or(beside, PathBuf::from);
    assert!(
        path.exists(),
        "{} is not there: build the whole workspace first (./scripts/build)",
        path.display()
    );
    let mut command = Command::new(path);
    command.args(arguments).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// A port that nobody listens on now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What the daemon answers at `path`: the status line, and the body.
pub fn ask(port: u16, path: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.lines().next()?.into(), body.into()))
}

/// A metric's value.
pub fn metric(port: u16, name: &str) -> Option<f64> {
    let (_, text) = ask(port, "/metrics")?;
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}
