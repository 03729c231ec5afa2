//! Signals and readers that go away: nothing is lost, and nothing is said that is no error.

use crate::harness::{CHECKPOINT, Home, PATIENCE, SECRET, TRAIN, pack, slots, text_of};
use sabha_protocol::Digest;
use sabha_worker::data::{Images, Manifest, SHARD_BYTES, Shard};
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Sends a process a signal, and waits until it ends.
fn ended_by(child: &mut Child, signal: &str) -> ExitStatus {
    // The shell's own `kill`: a program of that name is not everywhere.
    let kill = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it does not end on SIG{signal}");
        }
        thread::sleep(Duration::from_millis(10));
    }
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
    let status = ended_by(&mut child, signal);
    while errors.read_line(&mut said).unwrap() > 0 {}
    assert!(!said.contains("panicked") && !said.contains(SECRET), "{said}");
    (status.code(), said)
}

#[test]
fn a_run_that_was_stopped_and_killed_ends_in_the_same_bytes() {
    ends_in_the_same_bytes(&Home::ready(3, 400));
}

#[test]
fn a_run_of_three_exact_slots_that_was_stopped_and_killed_ends_in_the_same_bytes() {
    let home = Home::ready(2, 200);
    home.write("spec.toml", slots(2, 200, 3));
    ends_in_the_same_bytes(&home);
    // What a stop left of the blobs is what is there in the end.
    let (mut run, mut whole) = (blobs(&home, "run"), blobs(&home, "whole"));
    run.sort();
    whole.sort();
    // For each round a checkpoint, and for each slot an update and its leaves.
    assert_eq!((&run, run.len()), (&whole, 2 * (1 + 3 * 2)));
}

/// Every blob of a run, as its place in the store. A kill may leave a part of one, under a name that no blob has.
fn blobs(home: &Home, run: &str) -> Vec<String> {
    let folders = fs::read_dir(home.path(&format!("{run}/blobs"))).unwrap().map(Result::unwrap);
    let folders = folders.map(|folder| (folder.file_name().into_string().unwrap(), folder));
    // The others hold what goes with blobs, such as their trees.
    let blobs = folders.filter(|(name, _)| name.len() == 2).flat_map(|(name, folder)| {
        let files = fs::read_dir(folder.path()).unwrap().map(Result::unwrap);
        files.map(move |file| format!("{name}/{}", file.file_name().into_string().unwrap()))
    });
    blobs.filter(|name| !name.ends_with(".partial")).collect()
}

fn ends_in_the_same_bytes(home: &Home) {
    let whole = [&TRAIN[..5], &["whole"]].concat();
    home.good(&whole);
    let resume = [&TRAIN[..], &["--resume"]].concat();

    let (code, said) = interrupted(home, &TRAIN, Duration::from_millis(150), "TERM");
    assert_eq!(code, Some(143), "{said}");
    assert!(said.contains("stopped in round 0") && said.contains("--resume"), "{said}");
    assert!(home.path("run/parked.safetensors").exists());
    let (code, said) = interrupted(home, &resume, Duration::from_millis(150), "INT");
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("stopped in round") && said.contains("--resume"), "{said}");
    let (code, said) = interrupted(home, &resume, Duration::from_millis(150), "KILL");
    assert_eq!(code, None, "{said}");

    home.good(&resume);
    for file in ["checkpoint.safetensors", "run.json", "loss.svg"] {
        let (run, whole) = (home.read(&format!("run/{file}")), home.read(&format!("whole/{file}")));
        assert!(run == whole, "{file} differs from that of a run that nothing disturbed");
    }
    assert!(!home.path("run/parked.safetensors").exists());
}

/// Starts work, waits until `begun`, and ends it with one signal: its exit code, how long it took to end, and what it said.
fn stopped(
    home: &Home,
    arguments: &[&str],
    begun: impl Fn(&Child) -> bool,
    signal: &str,
) -> (Option<i32>, Duration, String) {
    let mut child = home.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while !begun(&child) {
        assert!(child.try_wait().unwrap().is_none(), "{arguments:?} ended before it could be stopped");
        assert!(began.elapsed() < PATIENCE, "{arguments:?} does not begin");
        thread::sleep(Duration::from_millis(2));
    }
    let began = Instant::now();
    let status = ended_by(&mut child, signal);
    let took = began.elapsed();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "", "a stopped command has no result");
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (status.code(), took, said)
}

/// Whether a process waits for SIGINT and SIGTERM by now: before that they would just kill it.
fn listens(child: &Child) -> bool {
    const BOTH: u64 = (1 << (2 - 1)) | (1 << (15 - 1));
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & BOTH == BOTH)
}

#[test]
fn a_signal_stops_packing_at_once_and_leaves_nothing_behind() {
    let home = Home::new();
    home.write("text.txt", "y se cuenta muchas veces.\n".repeat(80_000));
    let mut arguments = pack("text.txt", "made/out");
    // Two gigabytes, which nothing packs before it is stopped.
    arguments.extend(["text.txt"; 1_000]);
    let partial =
        |_: &Child| fs::read_dir(home.path("made/out")).is_ok_and(|mut files| files.next().is_some());
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let (ended, took, said) = stopped(&home, &arguments, partial, signal);
        assert_eq!(ended, Some(code), "{said}");
        assert!(took < Duration::from_secs(10), "{took:?}");
        assert!(said.contains("stopped: made/out is as it was"), "{said}");
        assert!(!home.path("made").exists(), "the folder was made for the dataset");
    }
}

#[test]
fn a_signal_stops_verifying_at_once() {
    let home = Home::new();
    // Eight gigabytes of zeros, which take no room on the disk.
    let shards: Vec<Shard> = {
        let bytes = SHARD_BYTES;
        vec![Shard { bytes, blake3: Digest::of(&vec![0; bytes as usize]) }; 8 << 10]
    };
    let tokens = shards.len() as u64 * SHARD_BYTES;
    // Images: a text of zeros would be one of empty documents.
    const RECORD: u64 = 1024;
    const LABEL: u64 = 2;
    let images = tokens / RECORD;
    fs::create_dir(home.path("data")).unwrap();
    fs::File::create(home.path("data/stream.bin")).unwrap().set_len(tokens).unwrap();
    let manifest = Manifest {
        version: 1,
        title: "Zeros".into(),
        language: "es".into(),
        licence: "CC0-1.0".into(),
        documents: images,
        text_bytes: tokens - images * LABEL,
        tokens,
        token_bytes: 1,
        heldout_tokens: 0,
        // Comes last: it is never looked at.
        stream: Digest([0; 32]),
        root: Manifest::root_of(&shards),
        statistics: None,
        images: Some(Images {
            height: 1,
            width: (RECORD - LABEL) as u32,
            channels: 1,
            labels: vec!["nothing".into()],
            counts: vec![images],
        }),
        view: None,
        shards,
    };
    home.write("data/manifest.json", serde_json::to_vec(&manifest).unwrap());
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let (ended, took, said) = stopped(&home, &["data", "verify", "data"], listens, signal);
        assert_eq!(ended, Some(code), "{said}");
        assert!(took < Duration::from_secs(10), "{took:?}");
        assert!(said.contains("stopped"), "{said}");
    }
}

/// `sabha-worker … | head -1`: the reader has what it wanted, and nothing is wrong.
#[test]
fn a_reader_that_goes_away_ends_a_command_quietly() {
    let home = Home::ready(1, 10);
    home.good(&TRAIN);
    let generate =
        ["model", "generate", "--checkpoint", CHECKPOINT, "--spec", "spec.toml", "--length", "200"];
    for arguments in
        [&["completions", "bash"][..], &["--json", "data", "show", "data"], &generate, &["--help"]]
    {
        let mut child =
            home.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        // Which checkpoint was used is no complaint.
        let said = text_of(&output.stderr);
        let complaints: Vec<&str> = said.lines().filter(|line| !line.starts_with("checkpoint ")).collect();
        assert_eq!((output.status.code(), complaints), (Some(0), vec![]), "{arguments:?}");

        // With standard error gone too, there is nobody to tell, and no reason to panic.
        let mut child =
            home.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}");
    }
    // Errors stay errors.
    let arguments = ["data", "show", "nowhere"];
    let mut child = home.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(3));
}
