//! The event log: what this worker was given, what came of it, and what it signed. JSON lines, appended and flushed to the disk
//! *before* each act, so that a restart knows everything that may have been done.
//!
//! Its one law: **for one slot and generation, one outcome is ever signed**. [`Journal::record`] refuses an event that breaks it.
//!
//! A crash may leave half a line at the end: it is cut off, for what it announced was not done yet. Damage anywhere else is an
//! error: somebody changed the file.

use crate::files::{self, FileError};
use sabha_protocol::{Digest, Generation, Outcome, SlotId};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// A slot and how often it was assigned before: what a worker answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Task {
    /// The slot.
    pub slot: SlotId,
    /// How often it was assigned before.
    pub generation: Generation,
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.slot, self.generation)
    }
}

/// What a result is made from: with these equal, results are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The run's specification.
    pub spec: Digest,
    /// The update that the slot starts from; none for the specification's own start.
    pub checkpoint: Option<Digest>,
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// The daemon started.
    Started {
        /// Hash of the chain's genesis block.
        genesis: String,
        /// The account of the hot key.
        hot_key: String,
        /// Version of this program.
        version: String,
    },
    /// The worker has a slot, and training begins or goes on.
    Taken {
        /// Which.
        task: Task,
        /// What its result is made from.
        basis: Basis,
        /// Slots that the worker had lost by then, by the chain's count.
        failed: u32,
    },
    /// The slot is let go: this machine cannot train such a model.
    Declined {
        /// Which.
        task: Task,
        /// Why.
        reason: String,
    },
    /// Training was stopped in the middle; its state is on the disk.
    Parked {
        /// Which.
        task: Task,
        /// Inner steps that are done.
        step: u32,
    },
    /// Training ended, and the update is in the blob store.
    Trained {
        /// Which.
        task: Task,
        /// What the result was made from.
        basis: Basis,
        /// What is to be committed.
        #[serde(with = "scale_hex")]
        outcome: Outcome,
    },
    /// The commitment is about to be signed and sent.
    Signing {
        /// Which.
        task: Task,
        /// What is signed.
        #[serde(with = "scale_hex")]
        outcome: Outcome,
    },
    /// The commitment is in a block.
    Committed {
        /// Which.
        task: Task,
        /// The block's number.
        block: u64,
    },
    /// The slot is no longer this worker's, and it was not committed.
    Lost {
        /// Which.
        task: Task,
        /// Whether its deadline was missed; else the run was stopped.
        expired: bool,
    },
    /// The worker says that it takes slots.
    Ready,
    /// The worker says that it takes no more slots, because the daemon ends.
    Drain,
    /// The daemon ended.
    Stopped {
        /// Why.
        reason: String,
    },
}

/// What the log says about one task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// What its result is made from, as of the last time that it was taken.
    pub basis: Option<Basis>,
    /// The worker's count of lost slots when it was taken.
    pub failed: u32,
    /// What training came to, and from what.
    pub trained: Option<(Basis, Outcome)>,
    /// What was signed, if anything. It never changes.
    pub signed: Option<Outcome>,
    /// Whether nothing is left to do: committed, or lost.
    pub closed: bool,
}

/// What is wrong with the log, or with what shall be added to it.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another daemon uses it.
    #[error("{} is in use by another daemon: give each daemon its own --state", .0.display())]
    InUse(PathBuf),
    /// A line is not an event.
    #[error("{} is damaged at line {line}: {reason}. Restore it, or move it away if no slot is open", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        reason: String,
    },
    /// A second, different outcome for the same task.
    #[error(
        "slot {task}: another outcome was signed before, as {} records. A worker never signs two; if this is a new chain with \
         the same genesis, use another --state",
        path.display()
    )]
    SecondOutcome {
        /// The task.
        task: Task,
        /// The file.
        path: PathBuf,
    },
}

/// Outcomes in the log are the bytes that are signed, in hexadecimal: a loss in decimal digits might not read back as the same
/// bits.
mod scale_hex {
    use super::Outcome;
    use codec::{DecodeAll, Encode};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(outcome: &Outcome, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(outcome.encode()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Outcome, D::Error> {
        let bytes = hex::decode(String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        Outcome::decode_all(&mut bytes.as_slice()).map_err(D::Error::custom)
    }
}

#[derive(Serialize, Deserialize)]
struct Line {
    /// Milliseconds since 1970, for people.
    time_ms: u64,
    #[serde(flatten)]
    event: Event,
}

/// The log on the disk, and what it says.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    known: BTreeMap<Task, Known>,
}

/// The log's file name.
const NAME: &str = "events.jsonl";

impl Journal {
    /// Opens the log in `folder`, which is made if need be, and locks it against other daemons.
    ///
    /// # Errors
    /// If it cannot be read, is in use, or is damaged.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        files::create_folder(folder)?;
        let path = folder.join(NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(FileError::of("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(JournalError::InUse(path)),
            Err(fs::TryLockError::Error(error)) => return Err(FileError::of("lock", &path)(error).into()),
        }
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(0)).map_err(FileError::of("read", &path))?;
        file.read_to_end(&mut text).map_err(FileError::of("read", &path))?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            tracing::warn!(path = %path.display(), "the last line was cut off by a crash: dropped");
            file.set_len(whole as u64).map_err(FileError::of("repair", &path))?;
            file.sync_all().map_err(FileError::of("repair", &path))?;
        }
        let mut journal = Self { file, path, known: BTreeMap::new() };
        let lines = text.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n');
        for (index, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
            let event = serde_json::from_slice::<Line>(line).map_err(|error| JournalError::Damaged {
                path: journal.path.clone(),
                line: index + 1,
                reason: error.to_string(),
            })?;
            journal.apply(&event.event)?;
        }
        Ok(journal)
    }

    /// Adds an event, and returns when it is on the disk.
    ///
    /// # Errors
    /// [`JournalError::SecondOutcome`] if the event breaks the log's law; nothing is written then. Else if the disk fails.
    pub fn record(&mut self, event: Event) -> Result<(), JournalError> {
        self.check(&event)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = Line { time_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX), event };
        let mut bytes = serde_json::to_vec(&line)
            .map_err(|error| FileError::of("write", &self.path)(std::io::Error::other(error)))?;
        bytes.push(b'\n');
        let before = self.file.metadata().map_err(FileError::of("read", &self.path))?.len();
        if let Err(error) = self.file.write_all(&bytes).and_then(|()| self.file.sync_data()) {
            // A full disk may have taken half a line: the next event must not be glued to it.
            let _ = self.file.set_len(before);
            return Err(FileError::of("write", &self.path)(error).into());
        }
        self.apply(&line.event)
    }

    /// What is known of a task.
    pub fn known(&self, task: Task) -> Option<&Known> {
        self.known.get(&task)
    }

    /// The tasks that are neither committed nor lost, in order.
    pub fn open_tasks(&self) -> impl Iterator<Item = (Task, &Known)> {
        self.known.iter().filter(|(_, known)| !known.closed).map(|(task, known)| (*task, known))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn check(&self, event: &Event) -> Result<(), JournalError> {
        let Event::Signing { task, outcome } = event else { return Ok(()) };
        match self.known.get(task).and_then(|known| known.signed) {
            Some(signed) if signed != *outcome => {
                Err(JournalError::SecondOutcome { task: *task, path: self.path.clone() })
            }
            _ => Ok(()),
        }
    }

    fn apply(&mut self, event: &Event) -> Result<(), JournalError> {
        self.check(event)?;
        match event {
            Event::Taken { task, basis, failed } => {
                let known = self.known.entry(*task).or_default();
                known.basis = Some(*basis);
                known.failed = *failed;
                known.closed = false;
            }
            Event::Trained { task, basis, outcome } => {
                self.known.entry(*task).or_default().trained = Some((*basis, *outcome));
            }
            Event::Signing { task, outcome } => {
                let known = self.known.entry(*task).or_default();
                known.signed = Some(*outcome);
                known.closed = false;
            }
            Event::Committed { task, .. } | Event::Lost { task, .. } => {
                self.known.entry(*task).or_default().closed = true;
            }
            Event::Started { .. }
            | Event::Declined { .. }
            | Event::Parked { .. }
            | Event::Ready
            | Event::Drain
            | Event::Stopped { .. } => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabha_protocol::{Commitment, Divergence};

    fn task(round: u32) -> Task {
        Task { slot: SlotId { run: 1, round, slot: 0 }, generation: 2 }
    }

    fn basis(byte: u8) -> Basis {
        Basis { spec: Digest([byte; 32]), checkpoint: None }
    }

    fn outcome(byte: u8) -> Outcome {
        Outcome::Trained(Commitment {
            segments_root: Digest([byte; 32]),
            update_digest: Digest([byte; 32]),
            mean_loss: 1.5.into(),
        })
    }

    fn events() -> Vec<Event> {
        vec![
            Event::Started { genesis: "0x".into(), hot_key: "5G".into(), version: "0".into() },
            Event::Taken { task: task(0), basis: basis(1), failed: 3 },
            Event::Parked { task: task(0), step: 7 },
            Event::Trained { task: task(0), basis: basis(1), outcome: outcome(1) },
            Event::Signing { task: task(0), outcome: outcome(1) },
            Event::Committed { task: task(0), block: 9 },
            Event::Taken { task: task(1), basis: basis(1), failed: 3 },
            Event::Trained {
                task: task(1),
                basis: basis(1),
                outcome: Outcome::Diverged(Divergence { step: 1, instruction: 2, element: 3 }),
            },
            Event::Lost { task: task(1), expired: true },
            Event::Ready,
            Event::Taken { task: task(2), basis: basis(4), failed: 4 },
            Event::Declined { task: task(2), reason: "too large".into() },
            Event::Drain,
            Event::Stopped { reason: "signal".into() },
        ]
    }

    #[test]
    fn what_is_recorded_is_known_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        for event in events() {
            journal.record(event).unwrap();
        }
        let before = journal.known.clone();
        drop(journal);
        let journal = Journal::open(folder.path()).unwrap();
        assert_eq!(journal.known, before);
        assert_eq!(journal.known(task(0)).unwrap().signed, Some(outcome(1)));
        let open: Vec<_> = journal.open_tasks().collect();
        assert_eq!(open.len(), 1);
        assert_eq!((open[0].0, open[0].1.basis, open[0].1.failed), (task(2), Some(basis(4)), 4));
    }

    #[test]
    fn a_second_outcome_is_refused_also_after_a_restart_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let mut journal = Journal::open(folder.path()).unwrap();
            journal.record(Event::Signing { task: task(0), outcome: outcome(1) }).unwrap();
            let size = fs::metadata(journal.path()).unwrap().len();
            let error = journal.record(Event::Signing { task: task(0), outcome: outcome(2) }).unwrap_err();
            assert!(matches!(error, JournalError::SecondOutcome { .. }), "{error}");
            assert_eq!(fs::metadata(journal.path()).unwrap().len(), size);
            // Another generation or slot is another task.
            let next = Task { generation: 3, ..task(0) };
            journal.record(Event::Signing { task: next, outcome: outcome(2) }).unwrap();
        }
    }

    #[test]
    fn half_a_last_line_is_cut_off_wherever_the_crash_came() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        for event in events().into_iter().take(4) {
            journal.record(event).unwrap();
        }
        let path = journal.path().to_path_buf();
        drop(journal);
        let good = fs::read(&path).unwrap();
        let last = good[..good.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        for cut in [last + 1, last + 20, good.len() - 1] {
            fs::write(&path, &good[..cut]).unwrap();
            let mut journal = Journal::open(folder.path()).unwrap();
            assert_eq!(journal.known(task(0)).unwrap().trained, None, "cut at {cut}");
            journal.record(Event::Ready).unwrap();
            drop(journal);
            Journal::open(folder.path()).unwrap();
        }
    }

    #[test]
    fn open_of_a_log_damaged_in_the_middle_fails() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        for event in events() {
            journal.record(event).unwrap();
        }
        let path = journal.path().to_path_buf();
        drop(journal);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen("\"taken\"", "\"tokan\"", 1)).unwrap();
        let error = Journal::open(folder.path()).unwrap_err();
        assert!(matches!(error, JournalError::Damaged { line: 2, .. }), "{error}");
        // Two outcomes for one task, written by hand.
        let doubled = text.clone() + &text.replace("0101", "0202");
        fs::write(&path, doubled).unwrap();
        assert!(matches!(Journal::open(folder.path()), Err(JournalError::SecondOutcome { .. })));
    }

    #[test]
    fn open_twice_fails() {
        let folder = tempfile::tempdir().unwrap();
        let first = Journal::open(folder.path()).unwrap();
        assert!(matches!(Journal::open(folder.path()), Err(JournalError::InUse(_))));
        drop(first);
        Journal::open(folder.path()).unwrap();
    }
}
