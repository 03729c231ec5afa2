//! Dying at a write of the event log, on purpose: to see that nothing is lost by it, on a network of one's own.

use super::{event::Event, task::Kind};
use serde_json::{Value, json};
use std::{fmt, str::FromStr};

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
    First {
        /// The event.
        event: String,
        /// What the duty is that it is about; none if it is about any, or about none.
        kind: Option<String>,
    },
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
                Write::First { event: name, kind } => {
                    let value = serde_json::to_value(event).unwrap_or_default();
                    let is =
                        |found: Option<&Value>, wanted: &str| found.and_then(Value::as_str) == Some(wanted);
                    is(value.get("event"), name)
                        && kind.as_ref().is_none_or(|kind| is(value.pointer("/task/kind"), kind))
                }
            }
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = match self.moment {
            Moment::Before => "before",
            Moment::Within => "within",
            Moment::After => "after",
        };
        match &self.write {
            Write::Number(number) => write!(f, "{moment}:{number}"),
            Write::First { event, kind: None } => write!(f, "{moment}:{event}"),
            Write::First { event, kind: Some(kind) } => write!(f, "{moment}:{event}/{kind}"),
        }
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
        let write = match write.parse() {
            Ok(0) => return Err("writes are counted from 1".into()),
            Ok(number) => Write::Number(number),
            Err(_) => {
                let (event, kind) =
                    write.split_once('/').map_or((write, None), |(event, kind)| (event, Some(kind)));
                // Whoever knows the events says so of any other.
                let known = serde_json::from_value::<Event>(json!({ "event": event }));
                if let Some(error) =
                    known.err().filter(|error| error.to_string().starts_with("unknown variant"))
                {
                    return Err(format!("that is neither a number of a write nor an event: {error}"));
                }
                if let Some(kind) = kind {
                    serde_json::from_value::<Kind>(json!(kind))
                        .map_err(|error| format!("that is no duty: {error}"))?;
                }
                Write::First { event: event.to_owned(), kind: kind.map(str::to_owned) }
            }
        };
        Ok(Self { write, moment })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::{
        journal::{Event, Journal},
        task::Task,
    };
    use sabha_protocol::RoundKey;
    use std::{fs, os::unix::process::ExitStatusExt, path::PathBuf, process::Command};

    #[test]
    fn a_crash_is_read_from_text() {
        let crash = |text: &str| text.parse::<Crash>();
        assert_eq!(crash("7"), Ok(Crash { write: Write::Number(7), moment: Moment::After }));
        assert_eq!(crash("before:1"), Ok(Crash { write: Write::Number(1), moment: Moment::Before }));
        let first = |event: &str, kind: Option<&str>| Write::First {
            event: event.into(),
            kind: kind.map(str::to_owned),
        };
        assert_eq!(
            crash("within:signing"),
            Ok(Crash { write: first("signing", None), moment: Moment::Within })
        );
        assert_eq!(crash("drain").map(|crash| crash.write), Ok(first("drain", None)));
        assert_eq!(crash("done/audit").map(|crash| crash.write), Ok(first("done", Some("audit"))));
        for text in ["before:3", "within:signing", "after:settled/train"] {
            assert_eq!(crash(text).unwrap().to_string(), text);
        }
        for wrong in
            ["", "0", "after:", "soon:3", "-1", "after:0", "after:Signing", "after:done/", "done/nap"]
        {
            assert!(crash(wrong).is_err(), "{wrong}");
        }
        assert!(crash("after:sinning").unwrap_err().contains("`signing`"), "the events are told");
    }

    const FOLDER: &str = "SABHA_TEST_CRASH_FOLDER";
    const CRASH: &str = "SABHA_TEST_CRASH";

    #[test]
    fn a_crash_may_be_about_one_kind_of_duty() {
        let round = RoundKey { round: 1, attempt: 0 };
        let of =
            |kind| Event::Settled { task: Task { kind, run: 1, round, place: 0, generation: 0 }, block: 4 };
        let crash: Crash = "after:settled/audit".parse().unwrap();
        assert!(crash.is_at(1, &of(Kind::Audit), Moment::After));
        assert!(!crash.is_at(1, &of(Kind::Train), Moment::After));
        assert!(!crash.is_at(1, &of(Kind::Audit), Moment::Before));
        assert!(!crash.is_at(1, &Event::Ready, Moment::After));
        let any: Crash = "after:settled".parse().unwrap();
        assert!(
            any.is_at(1, &of(Kind::Audit), Moment::After) && any.is_at(1, &of(Kind::Train), Moment::After)
        );
    }

    #[test]
    #[ignore = "dies: the next test starts it in a process of its own"]
    fn the_process_that_dies() {
        let (Some(folder), Ok(crash)) = (std::env::var_os(FOLDER), std::env::var(CRASH)) else {
            panic!("the next test sets {FOLDER} and {CRASH}")
        };
        let mut journal = Journal::open(&PathBuf::from(folder)).unwrap();
        journal.crash_at(crash.split(',').map(|crash| crash.parse().unwrap()).collect());
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
            ("after:settled,within:3,after:drain", 2),
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
