//! The documentation against the program: every `sabha-node` command that it tells people to type is understood.

#[path = "../../../tests/docs/commands.rs"]
mod commands;

use crate::harness::sabha_node;
use commands::{DocCommand, commands_of, files, uses_in_modules, uses_in_scripts};
use std::fs;

/// A value of the right kind for each variable of the documentation.
fn value_of(name: &str) -> Option<String> {
    Some(match name {
        "OWNER" | "HOT" | "PAYOUT" | "ACCOUNT" => "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY".into(),
        "GENESIS" => format!("0x{}", "ab".repeat(32)),
        "CHECKPOINT" | "DIGEST" => "ab".repeat(32),
        "URL" => "ws://127.0.0.1:9944".into(),
        "RUN" | "CLAIM" | "DATASET" => "0".into(),
        "NODE" => "/ip4/127.0.0.1/tcp/30333/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp".into(),
        "ENDPOINT" | "ADDRESS" => format!("{}@192.0.2.1:9955", "ab".repeat(32)),
        "HOME" => "/home/me".into(),
        "TEXT" | "PATH" => "text".into(),
        _ => return None,
    })
}

/// Runs the command with `--help` at its end: whatever stands before it has to be understood, nothing is done.
fn help(command: &DocCommand) -> std::process::Output {
    let arguments = command.words.iter().skip(1);
    sabha_node().args(arguments).arg("--help").output().expect("the binary starts")
}

#[test]
fn every_command_in_the_documentation_is_understood() {
    let commands = commands_of("sabha-node", &value_of);
    assert!(
        commands.len() >= 10,
        "only {} commands were found: is the documentation read at all?",
        commands.len()
    );
    for command in commands {
        let output = help(&command);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {}\n{error}", command.place, command.words.join(" "));
    }
}

/// What the test above relies on.
#[test]
fn help_does_not_hide_a_mistake() {
    for words in [
        &["sabha-node", "--no-such-option"][..],
        &["sabha-node", "session-keys", "rotate", "--owner", "nobody"],
        &["sabha-node", "export-chain-spec", "--rwa"],
        &["sabha-node", "no-such-command"],
    ] {
        let command =
            DocCommand { place: "here".into(), words: words.iter().map(|word| word.to_string()).collect() };
        assert!(!help(&command).status.success(), "{words:?}");
    }
}

/// Commands are named in running text, too.
#[test]
fn every_command_named_in_the_text_exists() {
    let mut named = 0;
    for file in files() {
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for code in text.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("sabha-node ")) {
            if code.contains('\n') {
                continue; // A fenced block, whose commands are checked whole.
            }
            let words = code.split_whitespace().take_while(|word| !word.starts_with('-') && *word != "…");
            let command = DocCommand {
                place: file.display().to_string(),
                words: std::iter::once("sabha-node").chain(words).map(Into::into).collect(),
            };
            assert!(help(&command).status.success(), "{}: there is no `sabha-node {code}`", command.place);
            named += 1;
        }
    }
    assert!(named > 0, "no commands were found in the text");
}

/// The scripts' commands take what only a shell knows, so only their options are looked at.
#[test]
fn options_in_the_scripts_exist() {
    let mut options = 0;
    for used in uses_in_scripts(&["\"$SABHA_NODE\""]).into_iter().chain(uses_in_modules(&["NODE,"])) {
        let subcommand =
            used.words.get(1).filter(|word| !word.starts_with('-') && !word.contains('$')).cloned();
        let words = std::iter::once("sabha-node".into()).chain(subcommand).collect();
        let text = String::from_utf8_lossy(&help(&DocCommand { place: used.place.clone(), words }).stdout)
            .into_owned();
        for option in used.words.iter().filter(|word| word.starts_with("--") && !word.contains('$')) {
            let known = text.split([' ', ',', '\n']).any(|word| word == option);
            assert!(known, "{}: {option} of: {}", used.place, used.words.join(" "));
            options += 1;
        }
    }
    assert!(options >= 10, "only {options} options were found");
}
