//! Exact training through the commands: segments that are replayed, where two machines part, arithmetic that
//! overflows, and what to compute on.

use crate::harness::{CHECKPOINT, Home, TRAIN, spec, text_of};
use sabha_protocol::{Digest, RoundIndex, segments_root, spec::RunSpec};
use sabha_worker::{
    data::Stream,
    engine::{
        AnyEngine, Observer,
        device::HAS_CUDA,
        local::{LocalEnd, LocalRun, RoundRecord},
    },
    specfile,
    stop::Stop,
};
use serde_json::Value;
use std::{fs, path::PathBuf};

/// A round's checkpoint, which only the next round replaces.
const FIRST: &str = "first.safetensors";

/// Two rounds of two segments of ten steps.
fn home() -> Home {
    let home = Home::ready(2, 20);
    home.write("spec.toml", exact());
    home
}

fn exact() -> String {
    let yardstick = spec(2, 20);
    assert!(yardstick.contains("numerics_version = 0"));
    yardstick.replace("numerics_version = 0", "numerics_version = 1")
}

fn replay<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["replay", "spec.toml", "--data", "data"], more].concat()
}

fn digest(value: &Value) -> Digest {
    value.as_str().unwrap().parse().unwrap()
}

fn json_of(home: &Home, name: &str) -> Value {
    serde_json::from_slice(&home.read(name)).unwrap()
}

/// Keeps the checkpoint of the first round.
struct Keep {
    checkpoint: PathBuf,
    first: PathBuf,
}

impl Observer for Keep {
    fn ends(&mut self, round: RoundIndex, _: &RoundRecord) {
        if round == 0 {
            fs::copy(&self.checkpoint, &self.first).unwrap();
        }
    }
}

#[test]
fn every_replayed_segment_has_the_roots_that_were_committed() {
    let home = home();
    home.good(&TRAIN);
    let record = json_of(&home, "run/run.json");
    // The same run once more, for the checkpoint between its rounds.
    let spec: RunSpec = specfile::load(&home.path("spec.toml"), Some(&home.path("data"))).unwrap();
    let stream = Stream::of_spec(&home.path("data"), &spec).unwrap();
    let mut copy = LocalRun::begin(&home.path("copy"), &spec).unwrap();
    let mut keep = Keep { checkpoint: home.path("copy/checkpoint.safetensors"), first: home.path(FIRST) };
    let ended = copy.train(&AnyEngine::cpu(), &spec, &stream, &mut keep, &Stop::new()).unwrap();
    assert_eq!(ended, LocalEnd::Done);
    assert!(home.read("copy/checkpoint.safetensors") == home.read(CHECKPOINT), "another process, other bits");
    assert_eq!(Digest::of(&home.read(FIRST)), digest(&record["rounds"][0]["checkpoint"]["blob"]));

    for (round, checkpoint) in [("0", None), ("1", Some(FIRST))] {
        let mut roots: Vec<Digest> = Vec::new();
        for segment in ["0", "1"] {
            let mut place = vec!["--round", round, "--segment", segment];
            place.extend(checkpoint.iter().flat_map(|file| ["--checkpoint", file]));
            let replayed = home.json(&replay(&place));
            assert_eq!((&replayed["steps"], &replayed["diverged"]), (&10.into(), &Value::Null));
            let (start, end) = (digest(&replayed["start"]), digest(&replayed["end"]));
            if roots.is_empty() {
                roots.push(start);
            }
            assert_eq!(roots.last(), Some(&start), "a segment starts where the one before it ended");
            roots.push(end);

            // The root that somebody expects, and another one.
            let (end, start) = (end.to_string(), start.to_string());
            place.extend(["--expect", &end]);
            assert_eq!(home.json(&replay(&place))["expected"], true);
            place.pop();
            place.push(&start);
            let output = home.run(&replay(&place));
            assert_eq!(output.status.code(), Some(1));
            assert!(text_of(&output.stdout).contains("the expected root is another"));
            assert!(text_of(&output.stderr).contains("another result"));
        }
        let slot = &record["rounds"][round.parse::<usize>().unwrap()]["slots"][0];
        let committed = &slot["outcome"]["Trained"]["segments_root"];
        assert_eq!(segments_root(&roots), digest(committed), "round {round}");
    }

    // A checkpoint in which one bit differs is another start.
    let from = |checkpoint, trace: &'static [&str]| {
        replay(&[&["--round", "1", "--segment", "0", "--checkpoint", checkpoint], trace].concat())
    };
    home.good(&from(FIRST, &["--trace", "trace.json"]));
    let mut flipped = home.read(FIRST);
    // The first tensor is a parameter; momenta, which a slot does not start from, come last.
    let header = u64::from_le_bytes(flipped[..8].try_into().unwrap()) as usize;
    flipped[8 + header] ^= 1;
    home.write("flipped.safetensors", flipped);
    home.refused_with(
        &from("flipped.safetensors", &["--against", "trace.json"]),
        &["start from different states", "the segment before"],
    );
}

#[test]
fn one_flipped_bit_is_named_by_step_instruction_and_element() {
    let home = home();
    let segment = |more: &[&'static str]| replay(&[&["--segment", "1"], more].concat());
    home.good(&segment(&["--trace", "honest.json"]));
    assert!(home.good(&segment(&["--against", "honest.json"])).contains("the traces are the same"));

    // A lie about one output, and another one later in the same segment.
    let mut trace = json_of(&home, "honest.json");
    assert_eq!(trace["steps"].as_array().unwrap().len(), 10);
    let mut instruction = 0;
    for (step, output) in [(7, 20), (3, 100)] {
        let told = &mut trace["steps"][step]["outputs"][output];
        instruction = told[0].as_u64().unwrap();
        let mut lie = digest(&told[1]);
        lie.0[5] ^= 1;
        told[1] = lie.to_string().into();
    }
    home.write("false.json", trace.to_string());
    let against = segment(&["--against", "false.json"]);
    let output = home.run(&against);
    assert_eq!(output.status.code(), Some(1), "{}", text_of(&output.stderr));
    let named = format!("parts at step 13, instruction {instruction}: ");
    let said = text_of(&output.stdout);
    assert!(said.contains(&named), "{named:?} is missing in {said}");
    let output = home.run(&[&["--json"], &against[..]].concat());
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["parts"], serde_json::json!({"step": 13, "instruction": instruction}));
    let operation = found["operation"].as_str().unwrap();
    assert!(said.contains(&format!("{named}{operation}")), "{said}");

    // The words of that output, from a machine where one bit of one element is another.
    let place = format!("13:{instruction}");
    let words =
        ["replay", "spec.toml", "--data", "data", "--segment", "1", "--keep", &place, "--words", "words"];
    home.good(&words);
    assert!(home.good(&words).contains("the words are those of words"));
    let mut theirs = home.read("words");
    theirs[4 * 7 + 2] ^= 8;
    home.write("words", &theirs);
    let output = home.run(&words);
    assert_eq!(output.status.code(), Some(1));
    let said = text_of(&output.stdout);
    let named = format!("parts at step 13, instruction {instruction}, element 7: {operation}");
    assert!(said.contains(&named), "{named:?} is missing in {said}");
    theirs.pop();
    home.write("words", &theirs);
    home.refused_with(&words, &["words", "not whole words"]);
}

#[test]
fn replay_of_what_cannot_be_replayed_is_refused() {
    let home = home();
    home.write("old.toml", spec(2, 20));
    home.refused_with(
        &["replay", "old.toml", "--data", "data", "--segment", "1"],
        &["numerics version 0", "exact"],
    );
    home.refused_with(&["replay", "nowhere.toml", "--data", "data", "--segment", "0"], &["nowhere.toml"]);
    let nowhere = ["replay", "spec.toml", "--data", "nowhere", "--segment", "0"];
    home.refused_with(&nowhere, &["nowhere/manifest.json"]);
    home.refused_with(&replay(&["--segment", "2"]), &["--segment is 2", "has 2, counted from 0"]);
    home.refused_with(&replay(&["--segment", "0", "--round", "2"]), &["--round is 2"]);
    home.refused_with(&replay(&["--segment", "0", "--slot", "1"]), &["--slot is 1", "has 1"]);
    home.refused_with(&replay(&["--segment", "0", "--round", "1"]), &["round 1", "--checkpoint"]);
    let absent = ["--segment", "0", "--round", "1", "--checkpoint", "absent.safetensors"];
    home.refused_with(&replay(&absent), &["absent.safetensors"]);
    home.refused_with(&replay(&["--segment", "0", "--against", "text.txt"]), &["text.txt is not a trace"]);
    home.refused_with(&replay(&["--segment", "0", "--against", "absent.json"]), &["absent.json"]);
    home.refused_with(&replay(&["--segment", "0", "--keep", "10:0"]), &["10:0 names no output"]);
    home.good(&replay(&["--segment", "0", "--trace", "trace.json"]));
    let other = replay(&["--segment", "1", "--against", "trace.json"]);
    home.refused_with(&other, &["different runs or segments"]);
    let mut short = json_of(&home, "trace.json");
    short["steps"].as_array_mut().unwrap().pop();
    home.write("short.json", short.to_string());
    home.refused_with(&replay(&["--segment", "0", "--against", "short.json"]), &["steps are missing"]);

    home.good(&TRAIN);
    home.write("spec.toml", exact().replace("width = 32", "width = 48"));
    let other = ["--segment", "0", "--round", "1", "--checkpoint", CHECKPOINT];
    home.refused_with(&replay(&other), &["another model"]);
    let output = home.run(&replay(&["--segment", "0", "--keep", "somewhere"]));
    assert_eq!(output.status.code(), Some(2), "wrong usage");
    assert!(text_of(&output.stderr).contains("STEP:INSTRUCTION"));
}

/// Nobody wants such a run, so people are told; but a slot of one has a result, which a replay comes to.
#[test]
fn unknown_tokens_are_refused_before_a_run_and_read_as_the_last_known_one_in_it() {
    let home = home();
    home.write("spec.toml", exact().replace("vocabulary = 256", "vocabulary = 100"));
    let message = ["stream.bin holds token", "model.vocabulary is 100"];
    home.refused_with(&TRAIN, &message);
    home.refused_with(&["run", "check", "spec.toml", "--data", "data"], &message);
    assert_eq!(home.json(&replay(&["--segment", "0"]))["steps"], 10);
}

#[test]
fn a_device_comes_from_the_configuration_and_from_a_flag() {
    let home = home();
    home.good(&TRAIN);
    home.write("worker.toml", "[engine]\ndevice = \"abacus\"\n");
    home.write("tokens.json", "[1]");
    let model = ["--checkpoint", CHECKPOINT, "--spec", "spec.toml"];
    let logits =
        [&["model", "logits"], &model[..], &["--tokens", "tokens.json", "--out", "logits.bin"]].concat();
    let evaluate = [&["model", "evaluate"], &model[..], &["--data", "data"]].concat();
    let generate = [&["model", "generate"], &model[..], &["--length", "1"]].concat();
    let train = [&TRAIN[..5], &["other"]].concat();
    for command in [train, replay(&["--segment", "0"]), logits, evaluate, generate] {
        let configured = [&["--config", "worker.toml"], &command[..]].concat();
        home.refused_with(&configured, &["no such device: abacus", "known: cpu, cuda"]);
        home.good(&[&configured[..], &["--device", "cpu"]].concat());
        if !HAS_CUDA {
            let cuda = [&configured[..], &["--device", "cuda"]].concat();
            home.refused_with(&cuda, &["no CUDA support", "--features cuda"]);
        }
    }
}

/// Gradients that are clipped so far that their squares vanish, and a divisor that does, too: the first update is out of all
/// bounds, and the next step's arithmetic overflows.
#[test]
fn arithmetic_that_overflows_ends_a_run_at_a_named_place() {
    let home = home();
    let mut wild = exact();
    for (from, to) in [
        ("peak_rate = 5e-3", "peak_rate = 1.0"),
        ("floor_rate = 5e-4", "floor_rate = 1.0"),
        ("warmup_steps = 10", "warmup_steps = 1"),
        ("epsilon = 1e-8", "epsilon = 1e-45"),
        ("clip_norm = 1.0", "clip_norm = 1e-22"),
    ] {
        assert!(wild.contains(from), "{from}");
        wild = wild.replace(from, to);
    }
    home.write("spec.toml", wild);
    let output = home.run(&TRAIN);
    let said = text_of(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(text_of(&output.stdout), "");

    // Whoever replays the segment comes to the same place.
    let replayed = home.json(&replay(&["--segment", "0"]));
    let place = &replayed["diverged"];
    assert_eq!((&place["step"], &replayed["steps"]), (&1.into(), &1.into()), "{replayed}");
    let (instruction, element) = (&place["instruction"], &place["element"]);
    let words = home.good(&replay(&["--segment", "0"]));
    let named = format!("diverged at step 1, instruction {instruction}, element {element}: ");
    let line = words.lines().find_map(|line| line.strip_prefix(&named));
    let operation = line.unwrap_or_else(|| panic!("{named:?} is missing in {words}"));
    let told =
        format!("round 0 diverged at step 1, instruction {instruction} ({operation}), element {element}: ");
    assert!(
        said.contains(&told) && said.contains("lower optimiser.peak_rate"),
        "{told:?} is missing in {said}"
    );

    // It is the result, not an accident: going on comes to it again.
    let output = home.run(&[&["--json"], &TRAIN[..], &["--resume"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let error: Value = serde_json::from_str(text_of(&output.stderr).lines().last().unwrap()).unwrap();
    assert!(error["error"].as_str().unwrap().contains(&told), "{error}");
    let after = replay(&["--segment", "1"]);
    let output = home.run(&after);
    assert!(text_of(&output.stderr).contains("diverges at step 1, before segment 1"), "{output:?}");
}
