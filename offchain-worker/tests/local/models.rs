//! Models for other programs: what `model export` writes, and the logits that `model logits` computes.

use crate::harness::{CHECKPOINT, Home, TRAIN, spec, text_of};
use sabha_numerics::{
    op::Op,
    program::{EvaluateProgram, Model, Program, Source},
    reference::execute,
};
use sabha_protocol::Digest;
use sabha_worker::{
    engine::{AnyEngine, Checkpoint, Engine},
    specfile,
};
use serde_json::Value;

/// A model that was trained for some steps, exactly.
fn home() -> Home {
    let home = Home::ready(1, 20);
    home.write("spec.toml", exact());
    home.good(&TRAIN);
    home
}

fn exact() -> String {
    spec(1, 20).replace("numerics_version = 0", "numerics_version = 1")
}

const EXPORT: [&str; 8] =
    ["model", "export", "--checkpoint", CHECKPOINT, "--spec", "spec.toml", "--out", "exported"];

#[test]
fn an_exported_folder_is_whole_and_has_the_parameters_bits() {
    let home = home();
    let exported = home.json(&EXPORT);
    let files: Vec<&str> =
        exported["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    for file in ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"] {
        assert!(files.contains(&file), "{files:?}");
    }
    for file in files.iter().filter(|file| file.ends_with(".json")) {
        let _: Value = serde_json::from_slice(&home.read(&format!("exported/{file}"))).unwrap();
    }
    let config: Value = serde_json::from_slice(&home.read("exported/config.json")).unwrap();
    assert_eq!(config["architectures"], serde_json::json!(["LlamaForCausalLM"]));
    assert_eq!((&config["hidden_size"], &config["num_hidden_layers"]), (&32.into(), &2.into()));
    let tokenizer: Value = serde_json::from_slice(&home.read("exported/tokenizer.json")).unwrap();
    assert_eq!(tokenizer["model"]["vocab"].as_object().unwrap().len(), 256);

    // Loaded back: the same bits, name by name, and the same model for every command.
    let model = specfile::model_of(&home.path("spec.toml")).unwrap();
    let load = |name: &str| Checkpoint::from_blob(&model, &home.read(name)).unwrap();
    let (mine, theirs) = (load(CHECKPOINT), load("exported/model.safetensors"));
    assert_eq!(mine.parameters(), theirs.parameters());
    let bits = |checkpoint: &Checkpoint| -> Vec<u32> {
        checkpoint.values().iter().flatten().map(|value| value.to_bits()).collect()
    };
    assert!(bits(&mine) == bits(&theirs));
    let show = |checkpoint| home.json(&["model", "show", "--checkpoint", checkpoint, "--spec", "spec.toml"]);
    assert_eq!(show(CHECKPOINT)["root"], show("exported/model.safetensors")["root"]);

    home.refused_with(&EXPORT, &["exported holds a model already", "another folder"]);
    let elsewhere = [&EXPORT[..7], &["elsewhere"]].concat();
    let missing = [&EXPORT[..3], &["absent.safetensors"], &elsewhere[4..]].concat();
    home.refused_with(&missing, &["absent.safetensors"]);
    home.write("spec.toml", exact().replace("layers = 2", "layers = 3"));
    home.refused_with(&elsewhere, &["another model"]);
    assert!(!home.path("elsewhere").exists(), "nothing is written of what is refused");
}

/// A flipped bit in a parameter is another number, and as good as any. Only a digest tells.
#[test]
fn a_checkpoint_in_a_runs_folder_must_be_one_of_the_runs() {
    let home = home();
    let record: Value = serde_json::from_slice(&home.read("run/run.json")).unwrap();
    let digest = record["rounds"][0]["checkpoint"]["blob"].as_str().unwrap();
    home.write("tokens.json", "[1]");
    let good = home.read(CHECKPOINT);
    let mut flipped = good.clone();
    let at = flipped.len() - 4;
    flipped[at] ^= 1;
    home.write("run/flipped.safetensors", &flipped);
    home.write("elsewhere.safetensors", &flipped);
    let other = Digest::of(&flipped).to_string();

    let commands: [&[&str]; 5] = [
        &["evaluate", "--data", "data"],
        &["generate", "--length", "3"],
        &["logits", "--tokens", "tokens.json", "--out", "logits.bin"],
        &["export", "--out", "exported"],
        &["show"],
    ];
    for words in commands {
        let command = |file| [&["model"], words, &["--checkpoint", file, "--spec", "spec.toml"]].concat();
        home.refused_with(&command("run/flipped.safetensors"), &["damaged", &other, "run/run.json"]);
        // In a folder without a record there is nothing to compare with: whoever uses it is told what it is.
        for (file, digest) in [(CHECKPOINT, digest), ("elsewhere.safetensors", &other)] {
            let output = home.run(&command(file));
            let said = text_of(&output.stdout) + &text_of(&output.stderr);
            assert!(output.status.success() && said.contains(digest), "{words:?}: {said}");
            let _ = std::fs::remove_dir_all(home.path("exported"));
            let told = home.json(&command(file)).to_string();
            assert!(told.contains(digest), "{words:?}: {told}");
            let _ = std::fs::remove_dir_all(home.path("exported"));
        }
    }

    // No record of a run: it says nothing about the checkpoint.
    home.write("run/run.json", "[]");
    home.good(&["model", "show", "--checkpoint", CHECKPOINT]);
}

fn logits<'a>(tokens: &'a str, out: &'a str) -> Vec<&'a str> {
    let model = ["model", "logits", "--checkpoint", CHECKPOINT, "--spec", "spec.toml"];
    [&model[..], &["--tokens", tokens, "--out", out]].concat()
}

#[test]
fn logits_are_those_of_the_engine_and_of_the_definitions() {
    let home = home();
    let tokens: Vec<u32> = "En el capítulo 5 se".bytes().map(u32::from).collect();
    home.write("tokens.json", serde_json::to_string(&tokens).unwrap());
    let computed = home.json(&logits("tokens.json", "logits.bin"));
    assert_eq!((&computed["rows"], &computed["columns"]), (&tokens.len().into(), &256.into()));
    let words = |name: &str| -> Vec<u32> {
        home.read(name).as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
    };
    let found = words("logits.bin");
    assert_eq!(found.len(), tokens.len() * 256);

    let model = specfile::model_of(&home.path("spec.toml")).unwrap();
    let checkpoint = Checkpoint::from_blob(&model, &home.read(CHECKPOINT)).unwrap();
    let engine = AnyEngine::cpu().load(&model, &checkpoint).unwrap();
    let engine: Vec<u32> = engine.logits(&tokens).unwrap().into_iter().map(f32::to_bits).collect();
    assert!(found == engine, "other bits than the engine's");

    // Element by element, by the definitions: the stream has to have a target for the last token.
    let shape = Model { context: tokens.len() as u64, ..model.shape() };
    let stream = [&tokens[..], &[0]].concat();
    let program = EvaluateProgram { model: shape, stream: stream.len() as u64, offsets: vec![0] };
    let parameters: Vec<Vec<u32>> = checkpoint
        .values()
        .iter()
        .map(|values| values.iter().map(|value| value.to_bits()).collect())
        .collect();
    let defined = execute(&program, &parameters, &stream).unwrap();
    let (instructions, _) = program.instructions();
    let chosen =
        instructions.iter().find(|instruction| matches!(instruction.op, Op::TargetLogit(_))).unwrap();
    let Source::Output(source) = chosen.inputs[0].source else { panic!("{chosen:?}") };
    assert!(found == defined.outputs[source as usize], "other bits than the definitions'");

    // What follows changes nothing before it.
    home.write("tokens.json", serde_json::to_string(&tokens[..5]).unwrap());
    home.good(&logits("tokens.json", "some.bin"));
    assert!(words("some.bin") == found[..5 * 256]);
}

#[test]
fn logits_of_tokens_that_do_not_fit_are_refused() {
    let home = home();
    let refuse = |tokens: &str, parts: &[&str]| {
        home.write("tokens.json", tokens);
        home.refused_with(&logits("tokens.json", "logits.bin"), &[&["tokens.json"], parts].concat());
        assert!(!home.path("logits.bin").exists());
    };
    refuse("[]", &["0 tokens", "1 to 32"]);
    refuse(&format!("{:?}", [7; 33]), &["33 tokens", "1 to 32"]);
    refuse("[1, 256]", &["token 256", "vocabulary of 256"]);
    refuse("[1, -1]", &["-1"]);
    refuse("tokens", &["expected"]);
    home.refused_with(&logits("absent.json", "logits.bin"), &["absent.json"]);
    home.write("tokens.json", "[1]");
    let output = home.run(&logits("tokens.json", "text.txt/logits.bin"));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text_of(&output.stderr).contains("text.txt"), "{output:?}");
}
