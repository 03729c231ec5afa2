//! What this worker has from before: its event log, and the data of the runs that are open.

use super::Report;
use crate::{
    blobs::LocalBlobs,
    config::Config,
    daemon::{journal::Journal, work::find_stream},
    error::Exit,
};
use sabha_protocol::{Digest, RunId};
use std::path::Path;

/// Whether the event log can be read, and how much of it is not done.
pub(super) fn check_log(report: &mut Report, state: &Path) {
    match Journal::look(state) {
        Ok(Some(look)) => {
            report.good("log", format!("{} events, {} tasks not done", look.events, look.open));
        }
        Ok(None) => report.good("log", format!("none yet in {}", state.display())),
        Err(error) => report.bad(
            "log",
            Exit::BadInput,
            error.to_string(),
            "restore it from a copy; without one, drain, wait until nothing is asked of the worker, and begin with another --state",
        ),
    }
}

/// Whether the token stream of each open run is here: a worker may be drawn for any of them.
pub(super) fn check_data(report: &mut Report, config: &Config, streams: &[(RunId, Digest)]) {
    let found = LocalBlobs::open(&config.storage.blobs).map(|blobs| {
        let missing = streams
            .iter()
            .filter(|(_, stream)| find_stream(*stream, &config.storage.datasets, &blobs).is_err());
        missing.map(|(run, stream)| format!("run {run}: {stream}")).collect::<Vec<_>>()
    });
    match found {
        Ok(missing) if missing.is_empty() => {
            report.good("data", format!("the data of {} open runs is here", streams.len()));
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

#[cfg(test)]
mod tests {
    use super::{super::Grade, *};
    use crate::daemon::journal::Event;

    fn graded(report: &Report) -> Vec<(&'static str, Grade)> {
        report.checks.iter().map(|check| (check.name, check.grade)).collect()
    }

    #[test]
    fn a_log_is_read_while_a_daemon_writes_it_and_damage_is_bad() {
        let folder = tempfile::tempdir().unwrap();
        let mut report = Report::default();
        check_log(&mut report, folder.path());
        let mut journal = Journal::open(folder.path()).unwrap();
        journal.record(Event::Ready).unwrap();
        check_log(&mut report, folder.path());
        assert!(report.checks[1].found.starts_with("1 events, 0 tasks"), "{}", report.checks[1].found);
        std::fs::write(journal.path(), "no event\n").unwrap();
        check_log(&mut report, folder.path());
        assert_eq!(graded(&report), [("log", Grade::Good), ("log", Grade::Good), ("log", Grade::Bad)]);
        assert_eq!(report.exit, Some(Exit::BadInput));
        assert!(report.checks[2].found.contains("line 1"), "{}", report.checks[2].found);
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
        check_data(&mut report, &config, &[(3, here)]);
        check_data(&mut report, &config, &[(3, here), (4, Digest([9; 32]))]);
        assert_eq!(graded(&report), [("data", Grade::Good), ("data", Grade::Warning)]);
        let found = &report.checks[1].found;
        assert!(found.contains("run 4") && !found.contains("run 3"), "{found}");
    }
}
