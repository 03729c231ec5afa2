//! Dying at a write of the event log, on purpose: to see that nothing is lost by it, on a network of one's own.

use super::journal::Event;
use std::str::FromStr;

/// At which write the process dies, as nothing but a pulled plug would make it: nothing is flushed, parked or told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    /// Which.
    pub write: Write,
    /// When.
    pub moment: Moment,
}

/// A write of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// By its number, from 1 at each start.
    Number(u64),
    /// The first of this event, as the log names it.
    First(String),
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
    /// Whether it is now, at a write with this number and of this event.
    pub fn is_at(&self, number: u64, event: &Event, moment: Moment) -> bool {
        self.moment == moment
            && match &self.write {
                Write::Number(write) => *write == number,
                Write::First(name) => name_of(event).is_some_and(|event| event == *name),
            }
    }
}

/// What the log names an event.
fn name_of(event: &Event) -> Option<String> {
    let value = serde_json::to_value(event).ok()?;
    value.get("event")?.as_str().map(str::to_owned)
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
        let write = match write.parse() {
            Ok(0) => return Err("writes are counted from 1".into()),
            Ok(number) => Write::Number(number),
            Err(_) => {
                // Whoever knows the events says so of any other.
                let known = serde_json::from_value::<Event>(serde_json::json!({ "event": write }));
                if let Some(error) =
                    known.err().filter(|error| error.to_string().starts_with("unknown variant"))
                {
                    return Err(format!("that is neither a number of a write nor an event: {error}"));
                }
                Write::First(write.to_owned())
            }
        };
        Ok(Self { write, moment })
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
        assert_eq!(crash("7"), Ok(Crash { write: Write::Number(7), moment: Moment::After }));
        assert_eq!(crash("before:1"), Ok(Crash { write: Write::Number(1), moment: Moment::Before }));
        let signing = Crash { write: Write::First("signing".into()), moment: Moment::Within };
        assert_eq!(crash("within:signing"), Ok(signing));
        assert_eq!(crash("drain").map(|crash| crash.write), Ok(Write::First("drain".into())));
        for wrong in ["", "0", "after:", "soon:3", "-1", "after:0", "after:Signing"] {
            assert!(crash(wrong).is_err(), "{wrong}");
        }
        assert!(crash("after:sinning").unwrap_err().contains("`signing`"), "the events are told");
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
        for (crash, lines) in [
            ("before:2", 1),
            ("within:2", 1),
            ("2", 2),
            ("9", 3),
            ("before:drain", 1),
            ("within:drain", 1),
            ("after:drain", 2),
            ("after:ready", 1),
            ("after:stopped", 3),
        ] {
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
