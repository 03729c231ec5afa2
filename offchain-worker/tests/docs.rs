//! The documentation against the program: every `sabha-worker` command that it tells people to type parses, and what it says
//! about configuration, specifications and exit codes is what the code has.

#[path = "../../tests/docs/commands.rs"]
mod commands;

use clap::{CommandFactory, Parser};
use commands::{commands_of, files, uses_in_modules, uses_in_scripts};
use sabha_protocol::{
    RunSpec,
    economics::{self, Assumptions},
};
use sabha_worker::{cli::Cli, config::Config, error::EXIT_CODES, specfile::SpecFile};
use std::{fs, path::Path};

/// A value of the right kind for each variable of the documentation.
fn value_of(name: &str) -> Option<String> {
    Some(match name {
        "OWNER" | "HOT" | "PAYOUT" | "ACCOUNT" => "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY".into(),
        "GENESIS" => format!("0x{}", "ab".repeat(32)),
        "CHECKPOINT" | "DIGEST" => "ab".repeat(32),
        "ENDPOINT" | "ADDRESS" => format!("{}@192.0.2.1:9955", hex_of_a_key()),
        "URL" => "ws://127.0.0.1:9944".into(),
        "RUN" | "CLAIM" | "DATASET" => "0".into(),
        "HOME" => "/home/me".into(),
        "TEXT" | "PATH" | "NODE" => "text".into(),
        _ => return None,
    })
}

/// The public key of a well-known secret.
fn hex_of_a_key() -> &'static str {
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
}

fn doc(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The content of a document's blocks in `language`.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    text.split(&fence)
        .skip(1)
        .filter_map(|rest| rest.split("\n```").next())
        .map(|block| format!("{block}\n"))
        .collect()
}

#[test]
fn every_command_in_the_documentation_parses() {
    let commands = commands_of("sabha-worker", &value_of);
    assert!(
        commands.len() >= 30,
        "only {} commands were found: is the documentation read at all?",
        commands.len()
    );
    for command in commands {
        if let Err(error) = Cli::try_parse_from(&command.words) {
            use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
            assert!(
                matches!(error.kind(), DisplayHelp | DisplayVersion),
                "{}: {}\n{error}",
                command.place,
                command.words.join(" ")
            );
        }
    }
}

/// Commands are named in running text, too.
#[test]
fn every_command_named_in_the_text_exists() {
    let mut named = 0;
    for file in files() {
        let text = fs::read_to_string(&file).unwrap();
        for code in text.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("sabha-worker ")) {
            if code.contains('\n') {
                continue; // A fenced block, whose commands are parsed whole.
            }
            let mut command = &Cli::command();
            for word in code.split_whitespace().take_while(|word| !word.starts_with('-') && *word != "…") {
                if !command.has_subcommands() {
                    break;
                }
                command = command
                    .find_subcommand(word)
                    .unwrap_or_else(|| panic!("{}: there is no `sabha-worker {code}`", file.display()));
            }
            named += 1;
        }
    }
    assert!(named >= 10, "only {named} commands were found in the text");
}

/// The scripts' commands take what only a shell knows, so only their commands and options are looked at.
#[test]
fn commands_and_options_in_the_scripts_exist() {
    let mut uses = uses_in_scripts(&["worker", "\"$SABHA_WORKER\""]);
    let in_modules = uses_in_modules(&["WORKER,", "run(", "ask("]);
    assert!(in_modules.len() >= 10, "only {} uses were found in scripts/network", in_modules.len());
    uses.extend(in_modules);
    let mut options = 0;
    for used in &uses {
        let mut command = &Cli::command();
        for word in used.words.iter().skip(1) {
            if let Some(option) = word.strip_prefix("--") {
                let name = option.split('=').next();
                let global = Cli::command();
                let mut known = command.get_arguments().chain(global.get_arguments());
                assert!(
                    known.any(|known| known.get_long() == name),
                    "{}: {}",
                    used.place,
                    used.words.join(" ")
                );
                options += 1;
            } else if let Some(inner) = command.find_subcommand(word) {
                command = inner;
            }
        }
    }
    assert!(uses.len() >= 10 && options >= 20, "only {} uses with {options} options were found", uses.len());
}

#[test]
fn the_documented_configuration_is_the_default_one() {
    let documented = blocks(&doc("workers.md"), "toml");
    assert_eq!(documented.len(), 1, "docs/workers.md shows one configuration file");
    let mut shown = Config::parse(&documented[0]).expect("a valid configuration");
    // Where files are depends on who reads.
    let default = Config::default();
    assert!(shown.storage.state.ends_with("sabha-worker/state"), "{:?}", shown.storage.state);
    assert!(shown.storage.blobs.ends_with("sabha-worker/blobs"), "{:?}", shown.storage.blobs);
    shown.storage.state.clone_from(&default.storage.state);
    shown.storage.blobs.clone_from(&default.storage.blobs);
    assert_eq!(shown, default);
    // Every line that says something is there.
    for line in
        default.to_toml().lines().filter(|line| line.contains(" = ") && !line.contains("/sabha-worker/"))
    {
        assert!(documented[0].contains(line.trim_start_matches("# ")), "docs/workers.md lacks: {line}");
    }
}

/// The specification that docs/contributors.md shows.
fn documented_spec() -> RunSpec {
    let examples = blocks(&doc("contributors.md"), "toml");
    assert_eq!(examples.len(), 1, "docs/contributors.md shows one specification");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spec.toml");
    fs::write(&path, &examples[0]).unwrap();
    SpecFile::read(&path).unwrap().complete(None).unwrap_or_else(|error| panic!("{error}"))
}

/// A duration of development chains, of local ones and of the live one, as docs/constants.md has it.
fn duration(field: &str) -> [u32; 3] {
    let text = doc("constants.md");
    let row = text.lines().find(|line| line.ends_with(&format!("| `{field}` |"))).expect("a row");
    let values: Vec<u32> = row
        .split('|')
        .skip(2)
        .take(3)
        .map(|cell| cell.split('(').next().unwrap().trim().replace(',', "").parse().expect("blocks"))
        .collect();
    values.try_into().unwrap()
}

/// What the chain checks: the training pallet's `ensure_spec`.
#[test]
fn the_documented_specification_can_be_proposed_on_development_and_local_chains() {
    let spec = documented_spec();
    spec.check().unwrap();
    economics::check(&spec, &Assumptions::default()).unwrap();
    let text = doc("contributors.md");
    let bounds = [
        ("training", spec.clocks.training, "availability", 1),
        ("availability", spec.clocks.availability, "availability", 1),
        ("aggregation", spec.clocks.aggregation, "availability", 1),
        ("seals", spec.clocks.seals, "audit_seals", 1),
        ("leaves", spec.clocks.leaves, "availability", 1),
        ("reveals", spec.clocks.reveals, "availability", 1),
        ("dispute", spec.clocks.dispute, "chess_clock", 2),
        ("window", spec.clocks.window, "window", 1),
    ];
    for (clock, value, field, times) in bounds {
        let least = duration(field).map(|blocks| blocks * times);
        for (least, window) in least.into_iter().zip(duration("window")).take(2) {
            assert!((least..=4 * window).contains(&value), "clocks.{clock}: {value}");
        }
        let told = least.map(grouped).join(", ");
        let row = text.lines().find(|line| line.starts_with(&format!("| `clocks.{clock}` |"))).unwrap();
        assert!(row.contains(&format!("`{field}`: {told} |")), "docs/contributors.md: {row} has not {told}");
    }
    let longest = duration("window").map(|blocks| grouped(4 * blocks)).join(", ");
    assert!(text.contains(&format!("four of the chain's windows: {longest}.")), "{longest}");
}

/// Digits in groups of three.
fn grouped(number: u32) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", number / 1_000, number % 1_000),
    }
}

#[test]
fn every_field_of_a_specification_is_documented() {
    let text = doc("contributors.md");
    let spec = documented_spec();
    // The example is complete, so its fields are all there are, but for one that is optional.
    let table: toml::Table = toml::from_str(&toml::to_string(&spec).unwrap()).unwrap();
    let mut fields = vec!["initial_checkpoint".to_string()];
    for (name, value) in &table {
        match value.as_table() {
            Some(inner) => fields.extend(inner.keys().map(|field| format!("{name}.{field}"))),
            None => fields.push(name.clone()),
        }
    }
    assert!(fields.len() > 30, "{fields:?}");
    for field in fields {
        assert!(text.contains(&format!("\n| `{field}` |")), "docs/contributors.md has no row for `{field}`");
    }
}

#[test]
fn every_exit_code_is_documented() {
    let text = doc("workers.md");
    for line in EXIT_CODES.lines().skip(1) {
        let (code, meaning) = line.trim().split_once(' ').expect("a code and what it means");
        let row = format!("\n| {code} | {} |", meaning.trim());
        assert!(text.contains(&row), "docs/workers.md lacks the row{row}");
    }
}
