//! Starting the binary and cleaning up after it.

use jsonrpsee::{
    core::client::ClientT,
    rpc_params,
    ws_client::{WsClient, WsClientBuilder},
};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How long anything may take before a test gives up. Generous, because tests share the machine with compilers.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The built binary with a clean environment.
pub fn sabha_node() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sabha-node"));
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// Runs a command that ends by itself.
pub fn run(arguments: &[&str]) -> Output {
    sabha_node().args(arguments).output().expect("the binary starts")
}

/// Runs a command that has to fail, and gives its standard error.
pub fn run_failing(arguments: &[&str]) -> String {
    let output = run(arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{arguments:?} succeeded: {text}");
    assert!(!text.contains("panicked"), "{arguments:?}: {text}");
    text
}

/// Runs a command that has to succeed, and gives its standard output.
pub fn run_succeeding(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Runs a shell script as root of a namespace in which it may mount; `$1` is the node, the arguments are what follows. What it
/// prints, or `None` where that is not allowed, unless `SABHA_REQUIRE_TMPFS` says that it must be.
pub fn in_namespace(script: &str, arguments: &[&str]) -> Option<String> {
    // A user namespace, or, for a root that may not make one, a mount namespace alone.
    let mut refusals = String::new();
    for flags in [&["-rm"][..], &["-m"]] {
        let words =
            [flags, &["sh", "-c", script, "sh", env!("CARGO_BIN_EXE_sabha-node")], arguments].concat();
        match Command::new("unshare").args(words).env_remove("RUST_LOG").stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => {
                return Some(String::from_utf8_lossy(&output.stdout).into_owned());
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

/// A folder that is removed at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("node-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("the target folder is writable");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn join(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running node. Dropping it stops the process and removes its files.
pub struct Node {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<thread::JoinHandle<()>>,
    rpc_port: u16,
    _temporary: Folder,
}

impl Node {
    /// Starts a node on free ports and waits for its RPC server. It has metrics only if the arguments ask for them.
    pub fn start(arguments: &[&str]) -> Self {
        // Where `--dev` makes its base path.
        let temporary = Folder::new();
        let metrics = arguments.contains(&"--prometheus-port");
        let mut child = sabha_node()
            .args(arguments)
            .args(["--port", "0", "--rpc-port", "0", "--no-telemetry", "--disable-log-color"])
            .args((!metrics).then_some("--no-prometheus"))
            .env("TMPDIR", temporary.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let stderr = child.stderr.take().expect("piped");
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = log.clone();
        // Ends with the process: the pipe closes.
        let reader = thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                lines.lock().expect("not poisoned").push(line);
            }
        });
        let mut node = Self { child, log, reader: Some(reader), rpc_port: 0, _temporary: temporary };
        node.rpc_port = node.wait_for("RPC server", |node| {
            let line = node.find_log("JSON-RPC server: addr=127.0.0.1:")?;
            let port = line.split("addr=127.0.0.1:").nth(1)?;
            port.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
        });
        node
    }

    /// The address of the RPC server.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.rpc_port)
    }

    pub fn rpc_port(&self) -> u16 {
        self.rpc_port
    }

    /// The first log line that contains the text.
    pub fn find_log(&self, text: &str) -> Option<String> {
        self.log.lock().expect("not poisoned").iter().find(|line| line.contains(text)).cloned()
    }

    /// Polls until there is a value.
    pub fn wait_for<T>(&mut self, what: &str, mut poll: impl FnMut(&Self) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(value) = poll(self) {
                return value;
            }
            if let Some(status) = self.child.try_wait().expect("our child") {
                panic!("the node ended with {status} before {what}:\n{}", self.all_log());
            }
            assert!(start.elapsed() < PATIENCE, "no {what} in {PATIENCE:?}:\n{}", self.all_log());
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// Waits until the best block has at least this number.
    pub fn wait_for_block(&mut self, number: u64) {
        self.wait_for(&format!("block {number}"), |node| (node.best_block() >= number).then_some(()));
    }

    /// Number of the best block.
    pub fn best_block(&self) -> u64 {
        number(&self.call("chain_getHeader", rpc_params![]))
    }

    /// Number of the last finalised block.
    pub fn finalised_block(&self) -> u64 {
        let hash = self.call("chain_getFinalizedHead", rpc_params![]);
        number(&self.call("chain_getHeader", rpc_params![hash]))
    }

    /// Calls an RPC method that has to succeed.
    pub fn call(&self, method: &str, parameters: jsonrpsee::core::params::ArrayParams) -> Value {
        block_on(async {
            let client = self.client().await;
            client.request(method, parameters).await.unwrap_or_else(|error| panic!("{method}: {error}"))
        })
    }

    async fn client(&self) -> WsClient {
        WsClientBuilder::default().build(self.url()).await.expect("the RPC server answers")
    }

    /// Asks the process to end, as a service manager does, and waits.
    pub fn stop(mut self) -> ExitStatus {
        self.terminate().expect("the node ends on SIGTERM")
    }

    /// As [`Self::stop`], with all that it said.
    pub fn stop_and_log(mut self) -> (ExitStatus, String) {
        let status = self.terminate().expect("the node ends on SIGTERM");
        // The log is whole when its reader has come to the end of the pipe.
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the log's reader does not panic");
        }
        (status, self.all_log())
    }

    fn terminate(&mut self) -> Option<ExitStatus> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Some(status);
        }
        // The shell's own `kill`: a program of that name is not everywhere.
        let _ = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status();
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(100));
        }
        None
    }

    fn all_log(&self) -> String {
        self.log.lock().expect("not poisoned").join("\n")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.terminate().is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// What an HTTP server on this machine answers; `None` if there is none, or it does not say that all is well.
pub fn http_get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

/// A port that nobody listens on now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Runs asynchronous code.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

fn number(header: &Value) -> u64 {
    let text = header["number"].as_str().unwrap_or_else(|| panic!("not a header: {header}"));
    u64::from_str_radix(text.trim_start_matches("0x"), 16).expect("hexadecimal")
}
