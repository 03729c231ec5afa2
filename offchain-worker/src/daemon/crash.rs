//! Dying at a write of the event log, on purpose: to see that nothing is lost by it, on a network of one's own.

use std::str::FromStr;

/// At which write the process dies, as nothing but a pulled plug would make it: nothing is flushed, parked or told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// The write, from 1 at each start.
    pub write: u64,
    /// When.
    pub moment: Moment,
}

/// When a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before anything is written: what came before the event is done.
    Before,
    /// When half of the line is written.
    Within,
    /// When it is on the disk: what it announces is not done yet.
    After,
}

impl Crash {
    /// Whether it is now.
    pub fn is_at(self, write: u64, moment: Moment) -> bool {
        self == Self { write, moment }
    }
}

impl FromStr for Crash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (moment, write) = text.split_once(':').unwrap_or(("after", text));
        let moment = match moment {
            "before" => Moment::Before,
            "within" => Moment::Within,
            "after" => Moment::After,
            other => return Err(format!("`{other}` is no moment: before, within or after")),
        };
        match write.parse() {
            Ok(0) | Err(_) => Err(format!("`{write}` is no number of a write: 1, 2, …")),
            Ok(write) => Ok(Self { write, moment }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::journal::{Event, Journal};
    use std::{fs, os::unix::process::ExitStatusExt, path::PathBuf, process::Command};

    #[test]
    fn a_crash_is_read_from_text() {
        let crash = |text: &str| text.parse::<Crash>();
        assert_eq!(crash("7"), Ok(Crash { write: 7, moment: Moment::After }));
        assert_eq!(crash("before:1"), Ok(Crash { write: 1, moment: Moment::Before }));
        assert_eq!(crash("within:12"), Ok(Crash { write: 12, moment: Moment::Within }));
        for wrong in ["", "0", "after:", "soon:3", "-1", "after:0"] {
            assert!(crash(wrong).is_err(), "{wrong}");
        }
    }

    const FOLDER: &str = "SABHA_TEST_CRASH_FOLDER";
    const CRASH: &str = "SABHA_TEST_CRASH";

    #[test]
    #[ignore = "dies: the next test starts it in a process of its own"]
    fn the_process_that_dies() {
        let (Some(folder), Ok(crash)) = (std::env::var_os(FOLDER), std::env::var(CRASH)) else {
            panic!("the next test sets {FOLDER} and {CRASH}")
        };
        let mut journal = Journal::open(&PathBuf::from(folder)).unwrap();
        journal.crash_at(Some(crash.parse().unwrap()));
        journal.record(Event::Ready).unwrap();
        journal.record(Event::Drain).unwrap();
        journal.record(Event::Ready).unwrap();
    }

    #[test]
    fn the_process_dies_where_it_is_told_and_the_log_is_good() {
        for (crash, lines) in [("before:2", 1), ("within:2", 1), ("2", 2), ("9", 3)] {
            let folder = tempfile::tempdir().unwrap();
            let status = Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", "daemon::crash::tests::the_process_that_dies"])
                .envs([(FOLDER, folder.path().as_os_str()), (CRASH, crash.as_ref())])
                .output()
                .unwrap()
                .status;
            assert_eq!(status.signal().is_some(), lines < 3, "{crash}: {status}");
            let text = fs::read_to_string(folder.path().join("events.jsonl")).unwrap();
            assert_eq!(text.lines().count() > lines, crash.starts_with("within"), "{crash}: {text}");
            let mut journal = Journal::open(folder.path()).unwrap();
            journal.record(Event::Drain).unwrap();
            let text = fs::read_to_string(journal.path()).unwrap();
            assert_eq!(text.lines().count(), lines + 1, "{crash}: {text}");
        }
    }
}
