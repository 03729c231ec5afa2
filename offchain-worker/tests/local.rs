//! The commands that need no chain, with the real binary: packing, checking, training, stopping, going on, writing text.

use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A secret that is in the environment of every command here, and that none of them may tell.
const SECRET: &str = "//never-to-be-told";

/// How long a process may take to end before a test gives up. Generous, because tests share the machine with compilers.
const PATIENCE: Duration = Duration::from_secs(60);

/// What each test's run is called in its folder.
const CHECKPOINT: &str = "run/checkpoint.safetensors";

/// A folder of its own for each test.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With a packed dataset in `data`, and a specification of `rounds` rounds in `spec.toml`.
    fn ready(rounds: u32, inner_steps: u32) -> Self {
        let home = Self::new();
        home.write("text.txt", text());
        home.write("spec.toml", spec(rounds, inner_steps));
        home.json(&pack("text.txt", "data"));
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The binary, in this folder, with nothing of the user's own configuration.
    fn command(&self, arguments: &[&str]) -> Command {
        self.clean(Command::new(env!("CARGO_BIN_EXE_sabha-worker")), arguments)
    }

    fn clean(&self, mut command: Command, arguments: &[&str]) -> Command {
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

    fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        let said = format!("{} {}", text_of(&output.stdout), text_of(&output.stderr));
        assert!(!said.contains("panicked") && !said.contains(SECRET), "{arguments:?}: {said}");
        output
    }

    /// Standard output of a command that must succeed.
    fn good(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text_of(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The one document that a command prints with `--json`, on a silent standard error.
    fn json(&self, arguments: &[&str]) -> Value {
        let arguments = [&["--json"], arguments].concat();
        let output = self.run(&arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text_of(&output.stderr));
        assert_eq!(text_of(&output.stderr), "", "{arguments:?}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }

    /// What a command says that must end with code 3, in words and as JSON, and print nothing.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = text_of(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {said}");
        assert_eq!(text_of(&output.stdout), "", "{arguments:?}");
        let output = self.run(&[&["--json"], arguments].concat());
        let last = text_of(&output.stderr);
        let error: Value = serde_json::from_str(last.lines().last().unwrap_or_default()).unwrap();
        assert_eq!(error["exit"], 3, "{error}");
        assert!(said.contains(error["error"].as_str().unwrap()), "{said:?} and {error}");
        said
    }

    fn refused_with(&self, arguments: &[&str], parts: &[&str]) {
        let said = self.refused(arguments);
        for part in parts {
            assert!(said.contains(part), "{arguments:?}: {part:?} is missing in {said:?}");
        }
    }
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn pack<'a>(input: &'a str, out: &'a str) -> Vec<&'a str> {
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

const TRAIN: [&str; 6] = ["train", "spec.toml", "--data", "data", "--out", "run"];

/// Something that a small model learns at once.
fn text() -> String {
    (0..600).map(|n| format!("En el capítulo {n} se cuenta {} veces.\n", n * 7 % 41)).collect()
}

/// A very small model, about 25,000 parameters.
fn spec(rounds: u32, inner_steps: u32) -> String {
    format!(
        "numerics_version = 0\nseed = 7\nprice_per_slot = \"2.5\"\n
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
[rounds]
count = {rounds}
slots = 1
inner_steps = {inner_steps}
segment_steps = 10
batch = 4\n
[audit]
auditors = 0
segments = 0\n
[clocks]
training = 120
window = 60
"
    )
}

#[test]
fn text_becomes_a_dataset_a_model_and_text() {
    let home = Home::ready(2, 40);
    let shown = home.json(&["data", "show", "data"]);
    assert_eq!(shown["tokens"], text().len() + 1);
    let verified = home.json(&["data", "verify", "data"]);
    assert_eq!((&verified["root"], &verified["bytes"]), (&shown["root"], &shown["tokens"]));

    let checked = home.json(&["run", "check", "spec.toml", "--data", "data"]);
    assert_eq!((&checked["slots"], &checked["cost"]), (&2.into(), &"5".into()));
    assert_eq!(checked["tokens_in_all"], 2 * 40 * 4 * 32);

    let trained = home.json(&TRAIN);
    assert_eq!((&trained["spec"], &trained["steps"]), (&checked["spec_hash"], &80.into()));
    assert_eq!(trained["update_bytes"], Value::Null, "that belongs to `run check`");
    let drop = trained["heldout_drop_pct"].as_f64().unwrap();
    assert!(drop > 25.0, "the held-out loss fell by {drop} % only");
    let plot = text_of(&home.read("run/loss.svg"));
    assert!(plot.starts_with("<svg") && plot.contains("held out"), "{plot:.200}");
    let record: Value = serde_json::from_slice(&home.read("run/run.json")).unwrap();
    assert_eq!(record["rounds"].as_array().unwrap().len(), 2);
    assert_eq!(record["rounds"][1]["update_digest"], trained["digest"]);

    let evaluate = ["model", "evaluate", "--checkpoint", CHECKPOINT, "--spec", "spec.toml", "--data", "data"];
    let evaluated = home.json(&[&evaluate[..], &["--windows", "64"]].concat());
    assert_eq!(evaluated["untrained"], trained["heldout_untrained"]);
    assert_eq!(evaluated["trained"], trained["heldout_trained"]);
    assert_eq!(evaluated["drop_pct"], trained["heldout_drop_pct"]);

    let shown = home.json(&["model", "show", "--checkpoint", CHECKPOINT]);
    assert_eq!((&shown["digest"], &shown["root"]), (&trained["digest"], &Value::Null));
    assert_eq!(shown["parameters"], checked["parameters"]);
    assert_eq!(shown["tensors"][0]["shape"], serde_json::json!([256, 32]));
    let with_spec = home.json(&["model", "show", "--checkpoint", CHECKPOINT, "--spec", "spec.toml"]);
    assert_eq!(with_spec["root"].as_str().unwrap().len(), 64);

    let generate = |seed: &str| {
        let generate = ["model", "generate", "--checkpoint", CHECKPOINT, "--spec", "spec.toml"];
        let sampling = ["--prompt", "En el capí", "--length", "60", "--temperature", "0.9", "--seed", seed];
        (home.good(&[&generate[..], &sampling].concat()), home.json(&[&generate[..], &sampling].concat()))
    };
    let (text, json) = generate("1");
    let written = text.strip_prefix("En el capí").unwrap().strip_suffix('\n').unwrap();
    assert_eq!((json["text"].as_str(), json["prompt"].as_str()), (Some(written), Some("En el capí")));
    assert!(!written.is_empty() && written.chars().count() <= 60, "{written:?}");
    assert_eq!(generate("1").0, text, "the same seed gives the same text");
    assert!((2..6).any(|seed| generate(&seed.to_string()).0 != text), "the seed changes nothing");
}

#[test]
fn data_pack_of_what_is_no_corpus_fails() {
    let home = Home::new();
    home.write("good.txt", text());
    home.write("empty.txt", "");
    home.write("binary.dat", b"text until here\0\x01\x02");
    home.write("latin1.txt", b"coraz\xf3n");
    fs::create_dir(home.path("folder")).unwrap();
    let refuse = |input: &str, parts: &[&str]| {
        home.refused_with(&pack(input, "out"), parts);
        assert!(!home.path("out/manifest.json").exists() && !home.path("out/stream.bin").exists(), "{input}");
    };
    refuse("empty.txt", &["empty.txt is empty"]);
    refuse("binary.dat", &["binary.dat", "not UTF-8", "zero byte at byte 15"]);
    refuse("latin1.txt", &["latin1.txt", "not UTF-8", "byte 5"]);
    refuse("missing.txt", &["missing.txt", "No such file"]);
    refuse("folder", &["folder holds no files"]);
    home.write("folder/good.txt", text());
    home.refused_with(&pack("folder", "folder/out"), &["folder/out lies within the input folder"]);
    let titled = [&pack("good.txt", "out")[..], &["--heldout", "1"]].concat();
    home.refused_with(&titled, &["heldout-fraction", "below 1"]);
}

#[test]
fn data_pack_replaces_a_dataset_only_if_told() {
    let home = Home::ready(1, 10);
    let stream = home.read("data/stream.bin");
    home.write("other.txt", "otra cosa\n".repeat(50));
    let again = pack("other.txt", "data");
    home.refused_with(&again, &["data holds a dataset already", "--replace"]);
    assert_eq!(home.read("data/stream.bin"), stream);
    home.write("broken.txt", b"\xff");
    home.refused(&[&pack("broken.txt", "data")[..], &["--replace"]].concat());
    home.good(&["data", "verify", "data"]);
    assert_eq!(home.read("data/stream.bin"), stream, "a failed replacement leaves the old dataset");
    home.good(&[&again[..], &["--replace"]].concat());
    assert_eq!(home.read("data/stream.bin").len(), 501);
}

#[test]
fn a_damaged_or_missing_dataset_fails() {
    let home = Home::ready(1, 10);
    home.refused_with(&["data", "verify", "nowhere"], &["nowhere/manifest.json"]);
    let mut stream = home.read("data/stream.bin");
    stream[700] ^= 1;
    home.write("data/stream.bin", &stream);
    home.refused_with(&["data", "verify", "data"], &["data/stream.bin", "shard 0"]);
    home.refused_with(&TRAIN, &["data/stream.bin", "not the stream it should be"]);
    assert!(!home.path("run").exists(), "nothing is begun on damaged data");
    home.write("data/manifest.json", "{");
    home.refused_with(&["data", "show", "data"], &["data/manifest.json is not a dataset's manifest"]);
}

#[test]
fn run_check_of_a_bad_field_fails_and_names_it() {
    let home = Home::ready(2, 40);
    let refuse = |from: &str, to: &str, parts: &[&str]| {
        let good = spec(2, 40);
        assert!(good.contains(from), "{from}");
        home.write("bad.toml", good.replace(from, to));
        for command in [
            &["run", "check", "bad.toml", "--data", "data"][..],
            &[&TRAIN[..1], &["bad.toml"], &TRAIN[2..]].concat(),
        ] {
            home.refused_with(command, parts);
        }
        assert!(!home.path("run").exists());
    };
    refuse("layers = 2", "layers = 0", &["bad.toml", "model.layers is 0", "from 1 to"]);
    refuse("heads = 2", "heads = 3", &["model.heads is 3", "must divide model.width (32)"]);
    refuse("context = 32", "context = 1", &["model.context is 1", "from 2 to"]);
    refuse("context = 32", "context = 4096", &["model.context (4096)", "data.tokens"]);
    refuse("vocabulary = 256", "vocabulary = 300", &["data.token_bytes is 1", "model.vocabulary (300)"]);
    refuse("peak_rate = 5e-3", "peak_rate = -1.0", &["optimiser.peak_rate is -1", "above 0"]);
    refuse(
        "segment_steps = 10",
        "segment_steps = 7",
        &["rounds.segment_steps is 7", "rounds.inner_steps (40)"],
    );
    refuse("slots = 1", "slots = 2", &["rounds.slots is 2", "one slot"]);
    refuse("\"2.5\"", "\"0\"", &["price_per_slot is 0"]);
    refuse("\"2.5\"", "\"free\"", &["bad.toml", "price_per_slot"]);
    refuse("heads = 2", "haeds = 2", &["bad.toml", "haeds"]);
    refuse("[audit]", "[audit", &["bad.toml is not a run specification"]);
    home.refused_with(&["run", "check", "nowhere.toml"], &["nowhere.toml"]);
    home.refused_with(&["run", "check", "spec.toml"], &["data.stream is missing", "--data"]);
}

#[test]
fn train_on_a_folder_that_does_not_fit_fails() {
    let home = Home::ready(1, 10);
    let resume = [&TRAIN[..], &["--resume"]].concat();
    home.refused_with(&resume, &["no run to resume"]);
    home.good(&TRAIN);
    let checkpoint = home.read(CHECKPOINT);
    home.refused_with(&TRAIN, &["holds a run already", "--resume"]);
    home.write("spec.toml", spec(2, 10));
    home.refused_with(&resume, &["begun with specification", "another folder"]);
    home.write("spec.toml", spec(1, 10));
    let cuda = [&TRAIN[..5], &["cuda-run", "--device", "cuda:99"]].concat();
    home.refused_with(&cuda, &["cuda"]);
    assert!(!home.path("cuda-run").exists());
    assert_eq!(home.read(CHECKPOINT), checkpoint, "refusals change nothing");
    home.write("run/run.json", "{");
    home.refused_with(&resume, &["run/run.json is damaged"]);
}

/// Starts training, lets it do some steps, and ends it with a signal: its exit code and what it said.
fn interrupted(home: &Home, arguments: &[&str], after: Duration, signal: &str) -> (Option<i32>, String) {
    let mut child: Child =
        home.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    // The last thing that is said before the first step.
    while !said.contains("of the untrained model") {
        assert!(errors.read_line(&mut said).unwrap() > 0, "{said}");
    }
    thread::sleep(after);
    // The shell's own `kill`: a program of that name is not everywhere.
    let kill = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it does not end on SIG{signal}");
        }
        thread::sleep(Duration::from_millis(10));
    };
    while errors.read_line(&mut said).unwrap() > 0 {}
    assert!(!said.contains("panicked") && !said.contains(SECRET), "{said}");
    (status.code(), said)
}

#[test]
fn a_run_that_was_stopped_and_killed_ends_in_the_same_bytes() {
    let home = Home::ready(3, 400);
    let whole = [&TRAIN[..5], &["whole"]].concat();
    home.good(&whole);
    let resume = [&TRAIN[..], &["--resume"]].concat();

    let (code, said) = interrupted(&home, &TRAIN, Duration::from_millis(150), "TERM");
    assert_eq!(code, Some(143), "{said}");
    assert!(said.contains("stopped in round 0 after") && said.contains("--resume"), "{said}");
    assert!(home.path("run/parked.safetensors").exists());
    let (code, said) = interrupted(&home, &resume, Duration::from_millis(150), "INT");
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("stopped in round") && said.contains("--resume"), "{said}");
    let (code, said) = interrupted(&home, &resume, Duration::from_millis(150), "KILL");
    assert_eq!(code, None, "{said}");

    home.good(&resume);
    for file in ["checkpoint.safetensors", "run.json", "loss.svg"] {
        let (run, whole) = (home.read(&format!("run/{file}")), home.read(&format!("whole/{file}")));
        assert!(run == whole, "{file} differs from that of a run that nothing disturbed");
    }
    assert!(!home.path("run/parked.safetensors").exists());
}

#[test]
fn model_of_a_corrupt_checkpoint_fails() {
    let home = Home::ready(1, 10);
    let digest = home.json(&TRAIN)["digest"].as_str().unwrap().to_string();
    let good = home.read(CHECKPOINT);
    let generate = |checkpoint| {
        ["model", "generate", "--checkpoint", checkpoint, "--spec", "spec.toml", "--length", "5"]
    };
    let refuse = |bytes: &[u8], parts: &[&str]| {
        home.write("bad.safetensors", bytes);
        let evaluate =
            ["model", "evaluate", "--checkpoint", "bad.safetensors", "--spec", "spec.toml", "--data", "data"];
        let show = ["model", "show", "--checkpoint", "bad.safetensors", "--spec", "spec.toml"];
        for command in [&generate("bad.safetensors")[..], &evaluate, &show] {
            home.refused_with(command, &[&["bad.safetensors"], parts].concat());
        }
    };
    refuse(&[], &["not a whole safetensors file"]);
    refuse(&good[..good.len() - 1], &["not a whole safetensors file"]);
    refuse(&[&[b'x'; 8], &good[8..]].concat(), &["not a whole safetensors file"]);
    let mut wild = good.clone();
    let at = wild.len() - 4;
    wild[at..].copy_from_slice(&f32::NAN.to_le_bytes());
    refuse(&wild, &["not finite"]);
    home.refused_with(&generate("nowhere.safetensors"), &["nowhere.safetensors"]);

    home.write("spec.toml", spec(1, 10).replace("width = 32", "width = 48"));
    home.refused_with(&generate(CHECKPOINT), &["model.embed_tokens.weight", "[256, 32]", "another model"]);
    home.write("spec.toml", spec(1, 10));
    let hot = [&generate(CHECKPOINT)[..], &["--temperature=-1"]].concat();
    home.refused_with(&hot, &["temperature is -1", "0 or more"]);

    // By its digest, from a blob store, every byte is verified.
    let blob = format!("blobs/{}/{digest}", &digest[..2]);
    fs::create_dir_all(home.path(&blob).parent().unwrap()).unwrap();
    home.write(&blob, &good);
    let stored = [&generate(&digest)[..], &["--blobs", "blobs"]].concat();
    home.good(&stored);
    let mut flipped = good;
    flipped[at] ^= 1;
    home.write(&blob, &flipped);
    let output = home.run(&stored);
    assert_eq!(output.status.code(), Some(3));
    assert!(text_of(&output.stderr).contains("did not hash to its name"), "{}", text_of(&output.stderr));
    home.refused_with(&stored, &[&digest, "is not in"]);
}

/// Runs a script with a small file system of `size` at `small`, which nobody else sees. `None` where that is not allowed.
fn on_small_disk(home: &Home, size: &str, script: &str) -> Option<Output> {
    fs::create_dir_all(home.path("small")).unwrap();
    let script = format!("mount -t tmpfs -o size={size} none small || exit 99\n{script}");
    let binary = env!("CARGO_BIN_EXE_sabha-worker");
    // A user namespace, or, for a root that may not make one, a mount namespace alone.
    [&["-rm"][..], &["-m"]].into_iter().find_map(|flags| {
        let arguments = [flags, &["sh", "-c", &script, "sh", binary]].concat();
        let output = home.clean(Command::new("unshare"), &arguments).output().ok()?;
        let mounted = output.status.code() != Some(99) && !text_of(&output.stderr).starts_with("unshare:");
        mounted.then_some(output)
    })
}

#[test]
fn a_full_disk_is_named_and_costs_nothing_that_was_saved() {
    let home = Home::ready(3, 20);
    home.good(&[&TRAIN[..5], &["whole"]].concat());
    // Room for the first round's checkpoint (some 115 KB), not for the second one beside it.
    let script = "
        worker=$1
        train() { \"$worker\" train spec.toml --data data --out small/run \"$@\"; echo \"code $?\"; }
        train
        ls -A small/run
        cp small/run/checkpoint.safetensors first
        mount -o remount,size=16m small
        train --resume
        cp small/run/checkpoint.safetensors last
        mkdir packed && mount -t tmpfs -o size=8k none packed
        \"$worker\" data pack text.txt --out packed/data --title T --language es --licence CC0-1.0; echo \"code $?\"
        ls -A packed/data";
    let Some(output) = on_small_disk(&home, "176k", script) else {
        eprintln!(
            "SKIPPED: a full disk needs a file system of its own, and `unshare -rm` may not mount one here"
        );
        return;
    };
    let (out, errors) = (text_of(&output.stdout), text_of(&output.stderr));
    let both = format!("{out}\n{errors}");
    assert!(!both.contains("panicked"), "{both}");
    let codes: Vec<&str> = out.lines().filter_map(|line| line.strip_prefix("code ")).collect();
    assert_eq!(codes, ["1", "0", "1"], "{both}");
    assert!(errors.contains("small/run/checkpoint.safetensors: the disk is full"), "{both}");
    assert!(errors.contains("the run stands, and goes on with --resume"), "{both}");
    assert!(errors.contains("packed/data/stream.bin: the disk is full"), "{both}");
    assert!(!out.contains(".partial") && !out.contains("manifest.json"), "{both}");

    let record: Value = serde_json::from_slice(&home.read("whole/run.json")).unwrap();
    let first = home.json(&["model", "show", "--checkpoint", "first"]);
    assert_eq!(
        first["digest"], record["rounds"][0]["update_digest"],
        "the first round's checkpoint stayed whole"
    );
    assert!(
        home.read("last") == home.read("whole/checkpoint.safetensors"),
        "the resumed run ends in other bytes"
    );
}
