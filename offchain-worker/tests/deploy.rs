//! What is in deploy/ and what docs/workers.md says of it, against the program.

use clap::Parser;
use sabha_worker::{
    cli::{Cli, Command},
    error::Exit,
    metrics::table::{Declared, Kind, TABLE},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The table's row of a metric.
fn row(declared: &Declared) -> String {
    let Declared { name, kind, label, help, .. } = declared;
    let label = label.map_or(String::new(), |label| format!("`{}`", label.name));
    format!("| `{name}` | {} | {label} | {help} |", kind.word())
}

#[test]
fn the_documentation_names_every_metric_and_no_other() {
    let text = file("docs/workers.md");
    let documented: Vec<&str> = text.lines().filter(|line| line.starts_with("| `sabha_")).collect();
    let declared: Vec<String> = TABLE.iter().map(row).collect();
    for row in &declared {
        assert!(documented.contains(&row.as_str()), "docs/workers.md lacks the row\n{row}");
    }
    for row in &documented {
        assert!(declared.iter().any(|declared| declared == row), "no metric is declared so:\n{row}");
    }
    // What alerts name, too.
    let known = samples();
    for name in names(&text) {
        assert!(known.contains_key(name.as_str()), "docs/workers.md names {name}");
    }
}

/// Every name that a query may use, with the metric that it belongs to.
fn samples() -> BTreeMap<String, &'static str> {
    let mut all = BTreeMap::new();
    for Declared { name, kind, .. } in TABLE {
        match kind {
            Kind::Histogram(_) => {
                for part in ["_bucket", "_sum", "_count"] {
                    all.insert(format!("{name}{part}"), *name);
                }
                all.insert((*name).to_string(), *name);
            }
            Kind::Counter | Kind::Gauge => {
                all.insert((*name).to_string(), *name);
            }
        }
    }
    all
}

/// Words that begin as metrics do. The program's own name as a filter of logs is none.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("sabha_") && *word != "sabha_worker").map(String::from).collect()
}

/// Every query of the dashboard, its variables' included.
fn queries() -> Vec<String> {
    fn find(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        serde_json::Value::String(text)
                            if ["expr", "query", "definition"].contains(&name.as_str()) =>
                        {
                            found.push(text.clone());
                        }
                        value => find(value, found),
                    }
                }
            }
            serde_json::Value::Array(values) => values.iter().for_each(|value| find(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    find(&serde_json::from_str(&file("deploy/grafana-dashboard.json")).unwrap(), &mut found);
    found
}

#[test]
fn the_dashboard_asks_for_every_metric_and_no_other() {
    let (queries, known) = (queries(), samples());
    assert!(queries.len() > 30, "{}", queries.len());
    let mut asked = BTreeSet::new();
    for query in &queries {
        for name in names(query) {
            let metric = known.get(&name).unwrap_or_else(|| panic!("there is no metric {name}: {query}"));
            let is_histogram = TABLE
                .iter()
                .any(|declared| declared.name == name && matches!(declared.kind, Kind::Histogram(_)));
            assert!(!is_histogram, "a histogram has no samples of its own name: {query}");
            asked.insert(*metric);
        }
        let pairs = [('(', ')'), ('{', '}'), ('[', ']')];
        for (open, close) in pairs {
            assert_eq!(query.matches(open).count(), query.matches(close).count(), "{query}");
        }
    }
    for Declared { name, .. } in TABLE {
        assert!(asked.contains(name), "the dashboard does not ask for {name}");
    }
}

/// A label that is no metric's would show nothing, without a word.
#[test]
fn the_dashboard_tells_values_apart_by_labels_that_exist() {
    let text = file("deploy/grafana-dashboard.json");
    let labels: BTreeSet<&str> = TABLE.iter().filter_map(|declared| Some(declared.label?.name)).collect();
    let mut used = BTreeSet::new();
    for part in text.split("{{").skip(1) {
        let label = part.split("}}").next().unwrap();
        assert!(label == "instance" || labels.contains(label), "{label}");
        used.insert(label);
    }
    for label in labels {
        assert!(used.contains(label), "no legend tells {label}");
    }
}

#[test]
fn the_documentation_shows_the_unit_that_is_installed() {
    let text = file("docs/workers.md");
    let shown: Vec<&str> =
        text.split("```ini\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(shown, [file("deploy/sabha-worker.service")]);
}

/// The values of a key of the unit.
fn unit(key: &str) -> Vec<String> {
    let text = file("deploy/sabha-worker.service");
    let values = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    values.map(String::from).collect()
}

#[test]
fn the_unit_starts_a_daemon_and_gives_up_only_where_trying_again_does_not_help() {
    let [command] = unit("ExecStart").try_into().unwrap();
    let words: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(words[0], "/usr/local/bin/sabha-worker");
    let Command::Start(args) = Cli::try_parse_from(&words).unwrap().command else { panic!("{command}") };
    assert!(!args.ready, "a restart undoes no drain");
    let [codes] = unit("RestartPreventExitStatus").try_into().unwrap();
    let codes: BTreeSet<u8> = codes.split_whitespace().map(|code| code.parse().unwrap()).collect();
    // Bad input may be an address that is not up yet, or a disk that is not mounted.
    let hopeless = [Exit::Usage, Exit::Refused, Exit::WrongChain, Exit::Outdated, Exit::InUse];
    assert_eq!(codes, hopeless.map(Exit::code).into());
    let [environment] = unit("EnvironmentFile").try_into().unwrap();
    assert!(environment.starts_with("-/"), "it need not be there");
}

/// By systemd itself, where it is.
#[test]
fn systemd_understands_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sabha-worker.service");
    // The program is not installed where tests run, and neither is its user.
    let text = file("deploy/sabha-worker.service")
        .replace("/usr/local/bin/sabha-worker", env!("CARGO_BIN_EXE_sabha-worker"))
        .replace("User=sabha-worker", "User=root");
    fs::write(&path, &text).unwrap();
    let verify = |path: &Path| std::process::Command::new("systemd-analyze").arg("verify").arg(path).output();
    let Ok(output) = verify(&path) else {
        eprintln!("not checked: there is no systemd-analyze");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("sabha-worker.service:"), "{said}");
    // It can find fault.
    fs::write(&path, text.replace("TimeoutStopSec=180", "TimeoutStopSec=soon")).unwrap();
    let output = verify(&path).unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("sabha-worker.service:"), "a bad unit passes");
}

#[test]
fn the_container_starts_a_daemon_whose_metrics_can_be_reached() {
    let text = file("deploy/Containerfile");
    let words = |instruction: &str| -> Vec<String> {
        let line = text.lines().find_map(|line| line.strip_prefix(instruction)).unwrap();
        serde_json::from_str(line.trim()).unwrap()
    };
    let command = [words("ENTRYPOINT"), words("CMD")].concat();
    let Command::Start(args) = Cli::try_parse_from(&command).unwrap().command else { panic!("{command:?}") };
    assert!(!args.ready, "a restart undoes no drain");
    let listen = args.metrics.metrics_listen.unwrap();
    assert!(
        text.lines().any(|line| line == format!("EXPOSE {}", listen.port())) && listen.ip().is_unspecified()
    );
    // Where the documentation says that blobs are served.
    let blobs = text.lines().find_map(|line| line.strip_prefix("EXPOSE ")?.strip_suffix("/udp")).unwrap();
    assert!(file("docs/workers.md").contains(&format!("--listen 0.0.0.0:{blobs} ")));
    let user = text.lines().find_map(|line| line.strip_prefix("USER ")).unwrap();
    assert!(user.parse::<u32>().unwrap() > 0 && text.contains(&format!("--uid {user} ")));
    assert_eq!(command[0], "/usr/local/bin/sabha-worker");
    assert!(text.contains(" /usr/local/bin/sabha-worker\n"), "it is copied there");
}

/// The command that the container's health is asked with, against a server that is well and one that is not.
#[test]
fn the_containers_health_is_asked_where_it_is_served() {
    use std::io::{Read, Write};
    let text = file("deploy/Containerfile");
    let line = text.lines().find_map(|line| line.trim_start().strip_prefix("CMD [\"bash\"")).unwrap();
    let command: Vec<String> = serde_json::from_str(&format!("[\"bash\"{line}")).unwrap();
    let port = text.lines().find_map(|line| line.strip_prefix("EXPOSE ")?.parse::<u16>().ok()).unwrap();
    let asked = format!("/dev/tcp/127.0.0.1/{port}");
    assert!(command[2].contains(&asked), "{command:?}");
    for (status, healthy) in [("200 OK", true), ("503 Service Unavailable", false)] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let here = format!("/dev/tcp/127.0.0.1/{}", listener.local_addr().unwrap().port());
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 15];
            stream.read_exact(&mut head).unwrap();
            assert_eq!(&head, b"GET /health HTT");
            stream.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes()).unwrap();
            // What is left of the request is read first: else the connection is reset.
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let script = command[2].replace(&asked, &here);
        let asking = std::process::Command::new(&command[0]).args([&command[1], &script]).status();
        let Ok(answer) = asking else {
            eprintln!("not checked: there is no bash");
            return;
        };
        serving.join().unwrap();
        assert_eq!(answer.success(), healthy, "{status}");
    }
}
