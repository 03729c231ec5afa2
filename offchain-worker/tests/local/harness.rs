//! A folder with data and a specification, and the real binary in it.

use serde_json::Value;
use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// A secret that is in the environment of every command here, and that none of them may tell.
pub const SECRET: &str = "//never-to-be-told";

/// How long a process may take to end before a test gives up. Generous, because tests share the machine with compilers.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What each test's run is called in its folder.
pub const CHECKPOINT: &str = "run/checkpoint.safetensors";

/// A folder of its own for each test.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With a packed dataset in `data`, and a specification of `rounds` rounds in `spec.toml`.
    pub fn ready(rounds: u32, inner_steps: u32) -> Self {
        let home = Self::new();
        home.write("text.txt", text());
        home.write("spec.toml", spec(rounds, inner_steps));
        home.json(&pack("text.txt", "data"));
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The binary, in this folder, with nothing of the user's own configuration.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.clean(Command::new(env!("CARGO_BIN_EXE_sabha-worker")), arguments)
    }

    pub fn clean(&self, mut command: Command, arguments: &[&str]) -> Command {
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SABHA_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .env("SABHA_SECRET", SECRET)
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_DATA_HOME", self.path("data-home"));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        let said = format!("{} {}", text_of(&output.stdout), text_of(&output.stderr));
        assert!(!said.contains("panicked") && !said.contains(SECRET), "{arguments:?}: {said}");
        output
    }

    /// Standard output of a command that must succeed.
    pub fn good(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text_of(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The one document that a command prints with `--json`, on a silent standard error.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let arguments = [&["--json"], arguments].concat();
        let output = self.run(&arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text_of(&output.stderr));
        assert_eq!(text_of(&output.stderr), "", "{arguments:?}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }

    /// What a command says that must end with code 3, in words and as JSON, and print nothing.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = text_of(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {said}");
        assert_eq!(text_of(&output.stdout), "", "{arguments:?}");
        let output = self.run(&[&["--json"], arguments].concat());
        let last = text_of(&output.stderr);
        let error: Value = serde_json::from_str(last.lines().last().unwrap_or_default()).unwrap();
        assert_eq!(error["exit"], 3, "{error}");
        says_nothing_twice(error["error"].as_str().unwrap());
        // But for figures: how much memory is available is never the same twice.
        let words = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
        assert!(words(&said).contains(&words(error["error"].as_str().unwrap())), "{said:?} and {error}");
        said
    }

    pub fn refused_with(&self, arguments: &[&str], parts: &[&str]) {
        let said = self.refused(arguments);
        for part in parts {
            assert!(said.contains(part), "{arguments:?}: {part:?} is missing in {said:?}");
        }
    }
}

/// A cause that a message tells must not be told again by the report of causes.
fn says_nothing_twice(text: &str) {
    let parts: Vec<&str> = text.trim().split(": ").filter(|part| part.len() > 8).collect();
    for (index, part) in parts.iter().enumerate() {
        assert!(!parts[..index].contains(part), "{part:?} is told twice in {text:?}");
    }
}

pub fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn pack<'a>(input: &'a str, out: &'a str) -> Vec<&'a str> {
    vec![
        "data",
        "pack",
        input,
        "--out",
        out,
        "--title",
        "Numbers",
        "--language",
        "es",
        "--licence",
        "CC0-1.0",
    ]
}

pub const TRAIN: [&str; 6] = ["train", "spec.toml", "--data", "data", "--out", "run"];

/// Something that a small model learns at once.
pub fn text() -> String {
    (0..600).map(|n| format!("En el capítulo {n} se cuenta {} veces.\n", n * 7 % 41)).collect()
}

/// A very small model, about 25,000 parameters.
pub fn spec(rounds: u32, inner_steps: u32) -> String {
    format!(
        "numerics_version = 0\nseed = 7\nprice_per_slot = \"2.5\"
stake_per_slot = \"0\"\n
[model]
vocabulary = 256
width = 32
layers = 2
heads = 2
feed_forward = 64
context = 32
rope_base = 10000.0
norm_epsilon = 1e-5
tied_embedding = true\n
[optimiser]
peak_rate = 5e-3
floor_rate = 5e-4
warmup_steps = 10
inner_warmup_steps = 5
beta1 = 0.9
beta2 = 0.95
epsilon = 1e-8
weight_decay = 0.1
clip_norm = 1.0\n
[outer]
rate = 1.0
momentum = 0.0\n
[rounds]
count = {rounds}
slots = 1
quorum = 1
tries = 3
inner_steps = {inner_steps}
segment_steps = 10
batch = 4
aggregator_price = \"0\"\n
[audit]
auditors = 0
segments = 0
auditor_price = \"0\"
auditor_stake = \"0\"
attesters = 0
attester_price = \"0\"\n
[clocks]
training = 120
availability = 1
aggregation = 1
seals = 1
leaves = 1
reveals = 1
dispute = 1
window = 60
"
    )
}

/// The same, exact, with rounds of several slots and an outer optimiser.
pub fn slots(rounds: u32, inner_steps: u32, slots: u16) -> String {
    let mut text = spec(rounds, inner_steps);
    for (from, to) in [
        ("numerics_version = 0", "numerics_version = 1".to_string()),
        ("slots = 1\nquorum = 1", format!("slots = {slots}\nquorum = {slots}")),
        ("rate = 1.0\nmomentum = 0.0", "rate = 0.8\nmomentum = 0.5".to_string()),
    ] {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, &to);
    }
    text
}
