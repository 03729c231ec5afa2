//! What this worker has from before: its event log, and the data of the runs that are open.

use super::Report;
use crate::{
    blobs::LocalBlobs,
    config::Config,
    daemon::{journal::Journal, work::find_stream},
    data::{Manifest, origin::contradiction},
    error::Exit,
};
use sabha_protocol::{Digest, RunId, spec::DataSpec};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Whether the event logs can be read, and how much of them is not done. Each chain and worker has one, in a folder of its own.
pub(super) fn check_log(report: &mut Report, state: &Path) {
    let mut found = 0u32;
    for folder in folders_in(state) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        match Journal::look(&folder) {
            Ok(Some(look)) => {
                report.good("log", format!("{name}: {} events, {} tasks not done", look.events, look.open));
            }
            Ok(None) => continue,
            Err(error) => report.bad(
                "log",
                Exit::BadInput,
                error.to_string(),
                "restore it from a copy; without one, drain, wait until nothing is asked of the worker, and begin with another --state",
            ),
        }
        found = found.saturating_add(1);
    }
    if found == 0 {
        report.good("log", format!("none yet in {}", state.display()));
    }
}

/// The folders in a folder, in order. One that cannot be read is told of as such elsewhere.
fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}

/// Whether the token stream of each open run is here: a worker may be drawn for any of them.
pub(super) fn check_data(report: &mut Report, config: &Config, runs: &[(RunId, DataSpec)]) {
    let found = LocalBlobs::open(&config.storage.blobs).map(|blobs| {
        let missing = runs
            .iter()
            .filter(|(_, data)| find_stream(data.stream, &config.storage.datasets, &blobs).is_err());
        missing.map(|(run, data)| format!("run {run}: {}", data.stream)).collect::<Vec<_>>()
    });
    match found {
        Ok(missing) if missing.is_empty() => {
            report.good("data", format!("the data of {} open runs is here", runs.len()));
        }
        Ok(missing) => report.warn(
            "data",
            format!("token streams of open runs are not here: {}", missing.join("; ")),
            "fetch the datasets (sabha-worker data fetch) and name their folders with --dataset or in storage.datasets: slots of \
             these runs are let go until then",
        ),
        // Said of the folder itself.
        Err(_) => {}
    }
}

/// Whether the streams of open runs can be what the sources say that their specifications name, as far as manifests are here.
pub(super) fn check_sources(report: &mut Report, config: &Config, runs: &[(RunId, DataSpec)]) {
    let folders = &config.storage.datasets;
    let here: Vec<Manifest> = folders.iter().filter_map(|folder| Manifest::read(folder).ok()).collect();
    let (mut compared, mut wrong) = (0u32, Vec::new());
    for (run, data) in runs {
        let source = |root: &Digest| here.iter().find(|manifest| manifest.root == *root).cloned();
        let sources: Vec<Option<Manifest>> = data.sources.iter().map(source).collect();
        compared += u32::from(sources.iter().any(Option::is_some));
        let stream = here.iter().find(|manifest| manifest.stream == data.stream);
        wrong.extend(contradiction(data, stream, &sources).map(|reason| format!("run {run}: {reason}")));
    }
    if !wrong.is_empty() {
        report.warn(
            "sources",
            format!("streams of open runs are not the data that they name: {}", wrong.join("; ")),
            "tell the runs' owners, and train nothing that you do not want to be trained on: `sabha-worker drain`",
        );
    } else if compared > 0 {
        report.good(
            "sources",
            format!("manifests of {compared} open runs' sources are here, and contradict no stream"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Grade, *};
    use crate::{
        chain::compat::sample_spec,
        daemon::journal::Event,
        data::{Format, PackOptions, pack},
    };
    use std::ops::ControlFlow;

    fn graded(report: &Report) -> Vec<(&'static str, Grade)> {
        report.checks.iter().map(|check| (check.name, check.grade)).collect()
    }

    #[test]
    fn each_log_is_read_while_a_daemon_writes_it_and_damage_is_bad() {
        let state = tempfile::tempdir().unwrap();
        let mut report = Report::default();
        check_log(&mut report, state.path());
        // Beside the logs are other things.
        std::fs::write(state.path().join("node.key"), "a key").unwrap();
        std::fs::create_dir(state.path().join("empty")).unwrap();
        let mut one = Journal::open(&state.path().join("0011-one")).unwrap();
        let mut two = Journal::open(&state.path().join("0011-two")).unwrap();
        one.record(Event::Ready).unwrap();
        two.record(Event::Ready).unwrap();
        check_log(&mut report, state.path());
        let found: Vec<&str> = report.checks.iter().map(|check| check.found.as_str()).collect();
        let whole = ["0011-one: 1 events, 0 tasks not done", "0011-two: 1 events, 0 tasks not done"];
        assert_eq!(found[1..], whole);
        std::fs::write(two.path(), "no event\n").unwrap();
        check_log(&mut report, state.path());
        let grades =
            [Grade::Good, Grade::Good, Grade::Good, Grade::Good, Grade::Bad].map(|grade| ("log", grade));
        assert_eq!(graded(&report), grades);
        assert_eq!(report.exit, Some(Exit::BadInput));
        assert!(report.checks[4].found.contains("line 1"), "{}", report.checks[4].found);
    }

    #[test]
    fn data_that_is_not_here_is_named_with_its_run() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.storage.blobs = folder.path().join("blobs");
        let blobs = LocalBlobs::open(&config.storage.blobs).unwrap();
        let file = folder.path().join("stream.bin");
        std::fs::write(&file, "a stream").unwrap();
        let (here, _) = blobs.put_file(&file, &mut |_| {}).unwrap();
        let mut report = Report::default();
        let data = |stream| DataSpec { stream, ..sample_spec().data };
        check_data(&mut report, &config, &[(3, data(here))]);
        check_data(&mut report, &config, &[(3, data(here)), (4, data(Digest([9; 32])))]);
        assert_eq!(graded(&report), [("data", Grade::Good), ("data", Grade::Warning)]);
        let found = &report.checks[1].found;
        assert!(found.contains("run 4") && !found.contains("run 3"), "{found}");
    }

    #[test]
    fn a_run_whose_stream_is_not_its_source_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (input, out) = (folder.path().join("text"), folder.path().join("packed"));
        std::fs::write(&input, "uno dos tres").unwrap();
        let options = PackOptions {
            title: "Test".into(),
            language: "es".into(),
            licence: "CC0-1.0".into(),
            format: Format::Text,
            heldout_fraction: 0.0,
            replace: false,
        };
        let manifest = pack(&[input], &out, &options, |_, _| ControlFlow::Continue(())).unwrap().manifest;
        let mut config = Config::default();
        config.storage.datasets = vec![folder.path().join("none"), out];
        let data = |stream| DataSpec {
            stream,
            tokens: manifest.tokens,
            sources: vec![manifest.root].try_into().unwrap(),
            ..sample_spec().data
        };
        let mut report = Report::default();
        check_sources(&mut report, &config, &[(3, sample_spec().data)]);
        assert!(report.checks.is_empty(), "nothing is here to compare it with");
        check_sources(&mut report, &config, &[(3, data(manifest.stream))]);
        check_sources(&mut report, &config, &[(3, data(manifest.stream)), (4, data(Digest([9; 32])))]);
        assert_eq!(graded(&report), [("sources", Grade::Good), ("sources", Grade::Warning)]);
        let found = &report.checks[1].found;
        assert!(found.contains("run 4") && !found.contains("run 3"), "{found}");
    }
}
