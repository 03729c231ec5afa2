//! The event log: what this worker was asked, what came of it, and what it signed. JSON lines, appended and flushed to the disk
//! *before* each act, so that a restart knows everything that may have been done.
//!
//! Its one law: **for one task, one thing is ever signed**: one outcome for a slot and generation, one report for a place, one
//! checkpoint for a round, one seal for a seat, and its reveal is what was sealed. [`Journal::record`] refuses an event that breaks it.
//!
//! A crash may leave half a line at the end: it is cut off, for what it announced was not done yet. Damage anywhere else is an
//! error: somebody changed the file.
//!
//! What is known of a round's duties is forgotten when the round is closed; a log that has grown is freed of such rounds' lines.

pub use super::{
    crash::{Crash, Moment},
    event::Event,
};

use super::{
    log_file,
    task::{Act, Basis, Found, Kind, Task},
};
use crate::files::{self, FileError};
use sabha_protocol::{ActiveBlock, Digest, RoundKey, RunId};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// What the log says about one task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// The last active block, as of the last time that it was taken.
    pub until: ActiveBlock,
    /// The highest block that was seen to ask for it, or to have it. What an older one says of it is of the past.
    pub seen: u64,
    /// What work came to, and from what.
    pub done: Option<(Basis, Act)>,
    /// What was signed, if anything. It never changes.
    pub signed: Option<Act>,
    /// Whether nothing is left to do: settled, or lost.
    pub closed: bool,
    /// Whether it was let go because this machine cannot do it.
    pub declined: bool,
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
    #[error("{} is damaged at line {line}: {reason}. Restore it, or move it away if nothing is asked of the worker", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        reason: String,
    },
    /// A second, different act for the same task.
    #[error(
        "{task}: something else was signed before, as {} records. A worker never signs two things for one; if this is a new chain \
         with the same genesis, use another --state",
        path.display()
    )]
    SecondAct {
        /// The task.
        task: Task,
        /// The file.
        path: PathBuf,
    },
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
    /// What each seal that was signed hides, and for what.
    sealed: BTreeMap<Digest, (Task, Found, [u8; 32])>,
    /// The highest block that was noted for anything.
    seen: u64,
    /// Where the good part of the file ends, if half a line may be behind it that could not be cut off yet.
    cut_at: Option<u64>,
    /// Where to die.
    crash: Vec<Crash>,
    /// Events that were written since it was opened.
    writes: u64,
    /// How many bytes it has when it is freed of what is closed.
    compact_from: u64,
}

/// What a look at a log found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Events in it.
    pub events: usize,
    /// The highest block that was noted for anything.
    pub highest: u64,
    /// Tasks that are neither settled nor lost.
    pub open: usize,
}

/// The log's file name.
const NAME: &str = "events.jsonl";

/// Bytes from which on a log is worth freeing of what is closed: it is read as a whole when it is opened.
const COMPACT_FROM: u64 = 16 << 20;

impl Journal {
    /// Opens the log in `folder`, which is made if need be, and locks it against other daemons.
    ///
    /// # Errors
    /// If it cannot be read, is in use, or is damaged.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        Self::open_compacting(folder, COMPACT_FROM)
    }

    fn open_compacting(folder: &Path, from: u64) -> Result<Self, JournalError> {
        files::create_folder(folder)?;
        let path = folder.join(NAME);
        let mut file = log_file::open(&path)?;
        let text = log_file::read(&mut file, &path)?;
        let (mut journal, _) = Self::replay(file, path, &text)?;
        journal.compact_from = from;
        if text.len() as u64 >= from {
            journal.compact(&text)?;
        }
        Ok(journal)
    }

    /// Frees the log of lines about rounds that are closed, if it has grown since that was done last.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn tidy(&mut self) -> Result<(), JournalError> {
        let bytes = self.file.metadata().map_err(FileError::of("read", &self.path))?.len();
        if bytes < self.compact_from {
            return Ok(());
        }
        self.cut()?;
        let text = std::fs::read(&self.path).map_err(FileError::of("read", &self.path))?;
        self.compact(&text)
    }

    /// Takes out the lines about rounds that are closed, if those are most of `text`, which is all of it.
    fn compact(&mut self, text: &[u8]) -> Result<(), JournalError> {
        // Most of it may be open: it is looked at again when it is twice as long.
        self.compact_from = self.compact_from.max((text.len() as u64).saturating_mul(2));
        let mut kept = self.line_of(Event::Compacted { seen: self.seen })?.0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let event = serde_json::from_slice::<Line>(line).map(|line| line.event);
            if event.is_ok_and(|event| event.task().is_some_and(|task| self.known.contains_key(&task))) {
                kept.extend_from_slice(line);
            }
        }
        if kept.len() > text.len() / 2 {
            return Ok(());
        }
        let file = log_file::replace(&self.path, &kept)?;
        tracing::info!(
            path = %self.path.display(), before = text.len(), bytes = kept.len(), old = %log_file::old(&self.path).display(),
            "took out of the event log what is about rounds that are closed"
        );
        let (journal, _) = Self::replay(file, self.path.clone(), &kept)?;
        let (crash, writes) = (std::mem::take(&mut self.crash), self.writes);
        let compact_from = COMPACT_FROM.max((kept.len() as u64).saturating_mul(2));
        *self = Self { crash, writes, compact_from, ..journal };
        Ok(())
    }

    /// Reads the log in `folder` without a lock, and changes nothing: `None` if there is none.
    ///
    /// # Errors
    /// If it cannot be read, or is damaged.
    pub fn look(folder: &Path) -> Result<Option<Look>, JournalError> {
        let path = folder.join(NAME);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FileError::of("read", &path)(error).into()),
        };
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(FileError::of("read", &path))?;
        // A daemon may be writing the last line.
        let whole = text.get(..log_file::whole_lines(&text)).unwrap_or_default();
        let (journal, events) = Self::replay(file, path, whole)?;
        Ok(Some(Look { events, highest: journal.seen, open: journal.open_tasks().count() }))
    }

    /// The log whose lines are `text`, and how many there are.
    fn replay(file: File, path: PathBuf, text: &[u8]) -> Result<(Self, usize), JournalError> {
        let mut journal = Self {
            file,
            path,
            known: BTreeMap::new(),
            sealed: BTreeMap::new(),
            seen: 0,
            cut_at: None,
            crash: Vec::new(),
            writes: 0,
            compact_from: COMPACT_FROM,
        };
        let mut events = 0usize;
        let lines = text.split(|byte| *byte == b'\n');
        for (index, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
            let event = serde_json::from_slice::<Line>(line).map_err(|error| JournalError::Damaged {
                path: journal.path.clone(),
                line: index + 1,
                reason: error.to_string(),
            })?;
            journal.apply(&event.event)?;
            events = events.saturating_add(1);
        }
        Ok((journal, events))
    }

    /// The process is to die at the first of these writes that comes.
    pub fn crash_at(&mut self, crash: Vec<Crash>) {
        self.crash = crash;
    }

    /// Adds an event, and returns when it is on the disk.
    ///
    /// # Errors
    /// [`JournalError::SecondAct`] if the event breaks the log's law; nothing is written then. Else if the disk fails.
    pub fn record(&mut self, event: Event) -> Result<(), JournalError> {
        self.check(&event)?;
        let (bytes, line) = self.line_of(event)?;
        self.writes = self.writes.saturating_add(1);
        self.die_if(Moment::Before, &line.event);
        if self.crash.iter().any(|crash| crash.is_at(self.writes, &line.event, Moment::Within)) {
            let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
            let _ = self.file.write_all(half).and_then(|()| self.file.sync_data());
        }
        self.die_if(Moment::Within, &line.event);
        self.cut()?;
        let before = self.file.metadata().map_err(FileError::of("read", &self.path))?.len();
        if let Err(error) = self.file.write_all(&bytes).and_then(|()| self.file.sync_data()) {
            // A full disk may have taken half a line: the next event must not be glued to it.
            self.cut_at = Some(before);
            if let Err(error) = self.cut() {
                tracing::error!(%error, "half a line of the event log cannot be cut off: nothing is written until it can");
            }
            return Err(FileError::of("write", &self.path)(error).into());
        }
        self.die_if(Moment::After, &line.event);
        self.apply(&line.event)
    }

    /// An event's line, as bytes.
    fn line_of(&self, event: Event) -> Result<(Vec<u8>, Line), FileError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = Line { time_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX), event };
        let mut bytes = serde_json::to_vec(&line)
            .map_err(|error| FileError::of("write", &self.path)(std::io::Error::other(error)))?;
        bytes.push(b'\n');
        Ok((bytes, line))
    }

    /// Cuts off what a write that failed may have left. Until that is done nothing is written.
    fn cut(&mut self) -> Result<(), FileError> {
        if let Some(end) = self.cut_at {
            let cut = self.file.set_len(end).and_then(|()| self.file.sync_data());
            cut.map_err(FileError::of("repair", &self.path))?;
            self.cut_at = None;
        }
        Ok(())
    }

    fn die_if(&self, moment: Moment, event: &Event) {
        if let Some(crash) = self.crash.iter().find(|crash| crash.is_at(self.writes, event, moment)) {
            tracing::error!(%crash, "dies, as it was told to");
            std::process::abort();
        }
    }

    /// What is known of a task.
    pub fn known(&self, task: Task) -> Option<&Known> {
        self.known.get(&task)
    }

    /// The tasks that are neither settled nor lost, in order.
    pub fn open_tasks(&self) -> impl Iterator<Item = (Task, &Known)> {
        self.known.iter().filter(|(_, known)| !known.closed).map(|(task, known)| (*task, known))
    }

    /// The rounds of which nothing is left to be done, with the highest block that was noted for any duty of each.
    pub fn done_rounds(&self) -> BTreeMap<(RunId, RoundKey), u64> {
        let mut rounds = BTreeMap::<_, Option<u64>>::new();
        for (task, known) in &self.known {
            let seen = rounds.entry((task.run, task.round)).or_insert(Some(0));
            *seen = seen.filter(|_| known.closed).map(|seen| seen.max(known.seen));
        }
        rounds.into_iter().filter_map(|(round, seen)| Some((round, seen?))).collect()
    }

    /// The highest block that was seen to ask for a slot that this worker trains, or to have something of it. One that the log does
    /// not know may be as young as anything in it.
    pub fn seen(&self, slot: Task) -> u64 {
        let of_slot = |kind| self.known.get(&Task { kind, ..slot }).map(|known| known.seen);
        [Kind::Train, Kind::Publish].into_iter().filter_map(of_slot).max().unwrap_or(self.seen)
    }

    /// The highest block that was noted for anything.
    pub fn highest(&self) -> u64 {
        self.seen
    }

    /// What a seal hides, if this worker signed it.
    pub fn sealed(&self, seal: Digest) -> Option<(Found, [u8; 32])> {
        self.sealed.get(&seal).map(|(_, found, salt)| (*found, *salt))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn check(&self, event: &Event) -> Result<(), JournalError> {
        let Event::Signing { task, act } = event else { return Ok(()) };
        let another =
            self.known.get(task).and_then(|known| known.signed.as_ref()).is_some_and(|old| old != act);
        // A reveal must be of something that was sealed: whatever else, it would be refused, and tell the answer.
        let unsealed = match act {
            Act::Reveal { found, salt } => {
                !self.sealed.values().any(|sealed| (sealed.1, sealed.2) == (*found, *salt))
            }
            _ => false,
        };
        if another || unsealed {
            return Err(JournalError::SecondAct { task: *task, path: self.path.clone() });
        }
        Ok(())
    }

    fn apply(&mut self, event: &Event) -> Result<(), JournalError> {
        self.check(event)?;
        match event {
            Event::Taken { task, until, block, .. } => {
                let known = self.known.entry(*task).or_default();
                known.until = *until;
                known.seen = known.seen.max(*block);
                known.closed = false;
                known.declined = false;
                self.seen = self.seen.max(*block);
            }
            Event::Done { task, basis, act } => {
                self.known.entry(*task).or_default().done = Some((*basis, act.clone()));
            }
            Event::Signing { task, act } => {
                if let (Kind::Audit, Act::Seal { seal, found, salt }) = (task.kind, act) {
                    self.sealed.insert(*seal, (*task, *found, *salt));
                }
                let known = self.known.entry(*task).or_default();
                known.signed = Some(act.clone());
                known.closed = false;
            }
            Event::Settled { task, block } => {
                let known = self.known.entry(*task).or_default();
                known.seen = known.seen.max(*block);
                known.closed = true;
                self.seen = self.seen.max(*block);
            }
            Event::Lost { task, .. } | Event::Unknown { task } => {
                self.known.entry(*task).or_default().closed = true;
            }
            Event::Declined { task, .. } => {
                self.known.entry(*task).or_default().declined = true;
            }
            Event::Closed { run, round } => {
                let is_open = |task: &Task| (task.run, task.round) != (*run, *round);
                self.known.retain(|task, _| is_open(task));
                self.sealed.retain(|_, (task, ..)| is_open(task));
            }
            Event::Compacted { seen } => self.seen = self.seen.max(*seen),
            Event::Started { .. }
            | Event::Parked { .. }
            | Event::Holds { .. }
            | Event::Poking { .. }
            | Event::Moving { .. }
            | Event::Announcing { .. }
            | Event::Ready
            | Event::Drain
            | Event::Stopped { .. } => {}
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
