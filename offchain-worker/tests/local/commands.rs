//! The commands in good and in bad order: what they make, and what they refuse.

use crate::harness::{CHECKPOINT, Home, TRAIN, pack, spec, text, text_of};
use serde_json::Value;
use std::fs;

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
    assert_eq!(record["rounds"][1]["checkpoint"]["blob"], trained["digest"]);

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
    home.write("noise.dat", (0..5_000).map(|n| (n % 31 + 1) as u8).collect::<Vec<u8>>());
    home.write("blanks.txt", "  \n\n\n");
    fs::create_dir(home.path("folder")).unwrap();
    let refuse = |input: &str, parts: &[&str]| {
        home.refused_with(&pack(input, "out"), parts);
        assert!(!home.path("out/manifest.json").exists() && !home.path("out/stream.bin").exists(), "{input}");
    };
    refuse("empty.txt", &["empty.txt is empty"]);
    refuse("binary.dat", &["binary.dat", "not UTF-8", "zero byte at byte 15"]);
    refuse("latin1.txt", &["latin1.txt", "not UTF-8", "byte 5"]);
    refuse("noise.dat", &["noise.dat", "a control character at byte 0"]);
    refuse("blanks.txt", &["blanks.txt holds nothing but blanks"]);
    refuse("missing.txt", &["missing.txt", "No such file"]);
    refuse("folder", &["folder holds no files"]);
    home.write("folder/good.txt", text());
    home.refused_with(&pack("folder", "folder/out"), &["folder/out lies within the input folder"]);
    let titled = [&pack("good.txt", "out")[..], &["--heldout", "1"]].concat();
    home.refused_with(&titled, &["heldout-fraction", "below 1"]);
}

#[test]
fn data_pack_warns_when_nothing_is_held_out() {
    let home = Home::new();
    home.write("small.txt", "siete.");
    let packed = home.run(&pack("small.txt", "out"));
    let said = text_of(&packed.stderr);
    assert!(packed.status.success() && said.contains("nothing of it is held out"), "{said}");
    // Whoever asks for it is not warned.
    let asked = [&pack("small.txt", "asked")[..], &["--heldout", "0"]].concat();
    let packed = home.run(&asked);
    assert!(packed.status.success() && !text_of(&packed.stderr).contains("held out"), "{packed:?}");
}

/// Before any node is asked: none answers here.
#[test]
fn start_without_the_data_that_it_names_fails() {
    let home = Home::ready(1, 10);
    let start =
        |folder| ["--url", "ws://127.0.0.1:1", "start", "--ready", "--dataset", "data", "--dataset", folder];
    home.refused_with(&start("nowhere"), &["nowhere/manifest.json"]);
    home.refused_with(&start("text.txt"), &["text.txt/manifest.json"]);
    home.good(&pack("text.txt", "half"));
    let stream = home.read("half/stream.bin");
    home.write("half/stream.bin", &stream[1..]);
    home.refused_with(&start("half"), &["half/stream.bin", "pack it again"]);
    fs::remove_file(home.path("half/stream.bin")).unwrap();
    home.refused_with(&start("half"), &["half/stream.bin"]);
    // With all of it, the node is what is missing.
    assert_eq!(home.run(&start("data")).status.code(), Some(4));
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
    refuse("slots = 1", "slots = 2", &["rounds.slots is 2", "take 1 slot"]);
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
