//! Packing what is no plain text, a look at it, views.

use crate::harness::{Home, text};

const WORDS: [&str; 8] =
    ["--title", "Test", "--language", "es", "--licence", "CC0-1.0", "--heldout-fraction", "0"];

fn pack<'a>(inputs: &[&'a str], out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["data", "pack"], inputs, &["--out", out], &WORDS[..], more].concat()
}

#[test]
fn rows_are_packed_by_their_files_names_and_faults_name_the_line() {
    let home = Home::new();
    home.write("rows.jsonl", "{\"body\": \"uno\"}\n{\"body\": null}\n{\"body\": \"dos\"}\n");
    let packed = home.json(&pack(&["rows.jsonl"], "rows", &["--field", "body"]));
    assert_eq!((&packed["manifest"]["documents"], &packed["skipped_rows"]), (&2.into(), &1.into()));
    assert_eq!(home.read("rows/stream.bin"), b"uno\0dos\0");
    home.good(&["data", "verify", "rows"]);
    home.refused_with(&pack(&["rows.jsonl"], "other", &[]), &["rows.jsonl, row 1", "no field \"text\""]);
    home.write("bad.jsonl", "{\"text\": \"uno\"}\n{\"text\": 7}\n");
    home.refused_with(&pack(&["bad.jsonl"], "other", &[]), &["bad.jsonl, row 2", "invalid type"]);
    home.write("bad.parquet", "PAR1 nonsense PAR1");
    home.refused_with(&pack(&["bad.parquet"], "other", &[]), &["bad.parquet", "convert it to JSONL"]);
    assert!(!home.path("other").exists());
    // Lines of JSON are text, if that is what somebody wants.
    home.good(&pack(&["rows.jsonl"], "text", &["--format", "text"]));
    assert_eq!(home.read("text/stream.bin").len(), home.read("rows.jsonl").len() + 1);
}

#[test]
fn images_are_packed_in_one_raw_form() {
    let home = Home::new();
    home.write("images", [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2][..], &[1, 2, 3, 4]].concat());
    home.write("labels", [0, 0, 8, 1, 0, 0, 0, 2, 1, 0]);
    let packed = home.json(&pack(&["images", "labels"], "out", &["--format", "idx"]));
    assert_eq!(packed["manifest"]["images"]["counts"], serde_json::json!([1, 1]));
    assert_eq!(home.read("out/stream.bin"), [1, 0, 1, 2, 0, 0, 3, 4]);
    home.good(&["data", "verify", "out"]);
    home.refused_with(&pack(&["images"], "other", &["--format", "idx"]), &["name both"]);
    let manifest = String::from_utf8(home.read("out/manifest.json")).unwrap();
    home.write(
        "out/manifest.json",
        manifest.replace("[\n      1,\n      1\n    ]", "[\n      2,\n      0\n    ]"),
    );
    home.refused_with(&["data", "verify", "out"], &["images.counts"]);
}

#[test]
fn a_look_finds_what_repeats_and_a_view_what_it_is_made_of() {
    let home = Home::ready(1, 10);
    let report = home.json(&["data", "check", "data"]);
    assert!(report["accepted"].as_u64().unwrap() > 9_000, "{report}");
    assert_eq!(report["licence_allowed"], true);
    home.write("twice.txt", text() + "Y otra vez.\n" + &text());
    home.good(&pack(&["twice.txt"], "twice", &[]));
    let twice = home.json(&["data", "check", "twice"]);
    assert!((4_500..5_200).contains(&twice["duplicates"].as_u64().unwrap()), "{twice}");
    let other = home.json(&["data", "check", "data", "--allow", "MIT"]);
    assert_eq!((&other["accepted"], &other["licence_allowed"]), (&0.into(), &false.into()));
    let words = r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
        "pre_tokenizer":{"type":"Whitespace"},"post_processor":null,"decoder":null,
        "model":{"type":"WordLevel","vocab":{"?":0,"<end>":1},"unk_token":"?"}}"#;
    home.write("tokenizer.json", words);
    let view = ["data", "tokenize", "data", "--tokenizer", "tokenizer.json", "--out", "view"];
    home.refused_with(&view, &["--end-token"]);
    let made = home.json(&[&view[..], &["--end-token", "<end>"]].concat());
    let source = home.json(&["data", "show", "data"]);
    assert_eq!((&made["view"]["source"], &made["token_bytes"]), (&source["root"], &2.into()));
    home.good(&["data", "verify", "view"]);
    home.refused_with(&["data", "check", "view"], &["tokenised"]);
}
