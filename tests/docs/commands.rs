//! Finds the commands that the documentation tells people to type, so that the tests of each program can check its own.
//!
//! Read are the fenced blocks that begin with ```` ```sh ````, and the `ExecStart=` lines of ```` ```ini ```` blocks, in
//! README.md, CONTRIBUTING.md and docs/*.md. Of the shell's language as much is understood as the documentation uses: quotes,
//! `\` at the end of a line, assignments, pipes and lists, redirections, comments, `$NAME` and `$(command)`.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
};

/// A command of the documentation: a program with its arguments, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct DocCommand {
    /// File and line, for messages.
    pub place: String,
    /// The program's name first, variables and substitutions replaced.
    pub words: Vec<String>,
}

/// The documentation's files.
pub fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    let folder = fs::read_dir(root.join("docs")).expect("docs is a folder");
    files.extend(
        folder
            .map(|entry| entry.expect("readable").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "md")),
    );
    files.sort();
    files
}

/// Every use of `program` in the documentation. `value_of` gives a value for each variable, by its name.
///
/// Panics if a file cannot be understood, so that the test fails and says where.
pub fn commands_of(program: &str, value_of: &dyn Fn(&str) -> Option<String>) -> Vec<DocCommand> {
    let mut found = Vec::new();
    for file in files() {
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.file_name().expect("a file").to_string_lossy().into_owned();
        for (line, script) in scripts(&text) {
            let place = format!("{name}:{line}");
            for words in
                split(&script, value_of).unwrap_or_else(|error| panic!("{place}: {error} in: {script}"))
            {
                if let Some(words) = invocation(program, words) {
                    found.push(DocCommand { place: place.clone(), words });
                }
            }
        }
    }
    found
}

/// Every use of a program in the scripts, by one of the names that they have for it, word by word and only roughly: quotes
/// are dropped, and what comes after a pipe, a redirection or a parenthesis is left out.
pub fn uses_in_scripts(names: &[&str]) -> Vec<DocCommand> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("scripts is a folder") {
        let path = entry.expect("readable").path();
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if !text.starts_with("#!/usr/bin/env bash") {
            continue;
        }
        let place = path.file_name().expect("a file").to_string_lossy().into_owned();
        for line in text.replace("\\\n", " ").lines().filter(|line| !line.trim_start().starts_with('#')) {
            for part in line.split(['|', ')', '(', '>', '<', ';', '&']) {
                let mut words = part.split_whitespace().skip_while(|word| !names.contains(word));
                if let Some(program) = words.next() {
                    let words = words.map(|word| word.trim_matches('"'));
                    let words = std::iter::once(program).chain(words).map(String::from).collect();
                    found.push(DocCommand { place: place.clone(), words });
                }
            }
        }
    }
    found
}

/// Every use of a program in the modules of scripts/network: the texts in a list that begins with one of these names, or in a call of
/// one of these functions. What is no plain text there is left out.
pub fn uses_in_modules(names: &[&str]) -> Vec<DocCommand> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/network");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("scripts/network is a folder") {
        let path = entry.expect("readable").path();
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let place = path.file_name().expect("a file").to_string_lossy().into_owned();
        for name in names {
            for (at, _) in text.match_indices(name) {
                let before = text[..at].chars().next_back();
                if before.is_some_and(|before| before == '.' || before == '_' || before.is_alphanumeric()) {
                    continue;
                }
                let texts = texts_to_the_end(&text[at + name.len()..]);
                found.push(DocCommand {
                    place: place.clone(),
                    words: std::iter::once((*name).into()).chain(texts).collect(),
                });
            }
        }
    }
    found
}

/// The plain texts up to the bracket that closes what is open, or to the end of a statement that has none open.
fn texts_to_the_end(rest: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut depth = 0;
    let mut before = ' ';
    let mut rest = rest.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\n' if rest.peek() != Some(&' ') => break,
            '"' => {
                let text: String = rest.by_ref().take_while(|character| *character != '"').collect();
                if before != 'f' && !text.contains(char::is_whitespace) {
                    texts.push(text);
                }
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        before = character;
    }
    texts
}

/// The logical lines of the blocks that hold commands, with the number of the line where each begins.
fn scripts(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut language: Option<&str> = None;
    let mut open: Option<(usize, String)> = None;
    for (line, number) in text.lines().zip(1..) {
        if let Some(fence) = line.trim_start().strip_prefix("```") {
            language = if language.is_some() { None } else { Some(fence.trim()) };
            continue;
        }
        let line = match language {
            Some("sh") => line,
            Some("ini") => match line.strip_prefix("ExecStart=") {
                Some(command) => command,
                None => continue,
            },
            _ => continue,
        };
        let (at, mut script) = open.take().unwrap_or_else(|| (number, String::new()));
        match line.strip_suffix('\\') {
            Some(begin) => {
                script.push_str(begin);
                open = Some((at, script));
            }
            None => {
                script.push_str(line);
                found.push((at, script));
            }
        }
    }
    found
}

/// The words from the program's name on, if this is a use of it: assignments before it are dropped, and so is its folder.
fn invocation(program: &str, words: Vec<String>) -> Option<Vec<String>> {
    let is_assignment = |word: &String| {
        word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
    };
    let mut words: VecDeque<String> = words.into_iter().skip_while(is_assignment).collect();
    if words.front().is_some_and(|word| word == "sudo") {
        words.pop_front();
        // `-u user`, the only option of sudo that the documentation uses.
        if words.front().is_some_and(|word| word == "-u") {
            words.drain(..2);
        }
    }
    let name = words.pop_front()?;
    if name.rsplit('/').next() != Some(program) {
        return None;
    }
    words.push_front(program.into());
    Some(words.into())
}

/// Splits a line into simple commands; those within `$(…)` come first. Redirections are left out.
fn split(script: &str, value_of: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Vec<String>>, String> {
    let mut commands = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut skip_next = false;
    let mut quote: Option<char> = None;
    let mut rest: VecDeque<char> = script.chars().collect();
    let end_word = |word: &mut Option<String>, words: &mut Vec<String>, skip_next: &mut bool| {
        if let Some(text) = word.take()
            && !std::mem::take(skip_next)
        {
            words.push(text);
        }
    };
    while let Some(next) = rest.pop_front() {
        match (quote, next) {
            (Some(open), close) if open == close => quote = None,
            (Some('\''), other) => word.get_or_insert_default().push(other),
            (None, '\'' | '"') => {
                quote = Some(next);
                word.get_or_insert_default();
            }
            (_, '\\') => word.get_or_insert_default().extend(rest.pop_front()),
            (_, '$') if rest.front() == Some(&'(') => {
                let inner = parenthesis(&mut rest)?;
                let (mut nested, value) = (split(&inner, value_of)?, substitution(&inner));
                commands.append(&mut nested);
                word.get_or_insert_default().push_str(&value_of(value).ok_or("no value for a $(…)")?);
            }
            (_, '$') => {
                let name = variable(&mut rest);
                let value = value_of(&name).ok_or(format!("no value is known for ${name}"))?;
                word.get_or_insert_default().push_str(&value);
            }
            (Some(_), other) => word.get_or_insert_default().push(other),
            (None, ' ' | '\t') => end_word(&mut word, &mut words, &mut skip_next),
            (None, '#') if word.is_none() => break,
            (None, '|' | '&' | ';') => {
                end_word(&mut word, &mut words, &mut skip_next);
                commands.push(std::mem::take(&mut words));
            }
            (None, '>' | '<') => {
                // `2>` names a stream, not an argument.
                if word.as_ref().is_some_and(|text| text.chars().all(|c| c.is_ascii_digit())) {
                    word = None;
                }
                end_word(&mut word, &mut words, &mut skip_next);
                skip_next = true;
            }
            (None, other) => word.get_or_insert_default().push(other),
        }
    }
    if quote.is_some() {
        return Err("an open quote".into());
    }
    end_word(&mut word, &mut words, &mut skip_next);
    commands.push(words);
    commands.retain(|words| !words.is_empty());
    Ok(commands)
}

/// What is within the parenthesis that `rest` begins with.
fn parenthesis(rest: &mut VecDeque<char>) -> Result<String, String> {
    rest.pop_front();
    let mut inner = String::new();
    let mut depth = 1;
    while let Some(next) = rest.pop_front() {
        match next {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok(inner);
        }
        inner.push(next);
    }
    Err("an open parenthesis".into())
}

/// The variable whose value stands for a substitution's output.
fn substitution(inner: &str) -> &'static str {
    if inner.contains("key show") { "ACCOUNT" } else { "TEXT" }
}

fn variable(rest: &mut VecDeque<char>) -> String {
    let braces = rest.front() == Some(&'{');
    if braces {
        rest.pop_front();
    }
    let mut name = String::new();
    while let Some(next) = rest.front().copied().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
        name.push(next);
        rest.pop_front();
    }
    if braces {
        rest.pop_front();
    }
    name
}

/// The splitter itself: it must not overlook what it is there to find.
#[test]
fn commands_are_found_where_they_hide() {
    let value_of = |name: &str| (name != "UNKNOWN").then(|| format!("<{name}>"));
    let words = |script: &str| -> Vec<String> {
        let commands = split(script, &value_of).expect("well-formed");
        commands
            .into_iter()
            .filter_map(|words| invocation("prog", words))
            .map(|words| words.join("|"))
            .collect()
    };
    assert_eq!(words("prog a 'b c' \"d $X\" # prog no"), ["prog|a|b c|d <X>"]);
    assert_eq!(words("A=1 B='x y' sudo -u me /opt/bin/prog a"), ["prog|a"]);
    assert_eq!(
        words("printf '%s' x | prog a 2>/dev/null >out b && prog c; prog d &"),
        ["prog|a|b", "prog|c", "prog|d"]
    );
    assert_eq!(words("KEY=$(prog key show \"$F\" | head -n 1)"), ["prog|key|show|<F>"]);
    assert_eq!(words("prog --k \"$(prog key show f)\""), ["prog|key|show|f", "prog|--k|<ACCOUNT>"]);
    assert!(words("echo prog; progs a").is_empty());
    for bad in ["prog 'a", "prog $(b", "prog $UNKNOWN"] {
        assert!(split(bad, &value_of).is_err(), "{bad}");
    }
    let text = "```sh\nprog a \\\n  b\n```\nprog no\n```ini\nUser=prog\nExecStart=/x/prog c\n```\n```\nprog no\n```\n";
    assert_eq!(scripts(text), [(2, "prog a   b".to_string()), (8, "/x/prog c".to_string())]);
}
