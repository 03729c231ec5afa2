//! The event log: what this worker was asked, what came of it, and what it signed. JSON lines, appended and flushed to the disk
//! *before* each act, so that a restart knows everything that may have been done.
//!
//! Its one law: **for one task, one thing is ever signed**: one outcome for a slot and generation, one report for a place, one
//! checkpoint for a round, one seal for a seat, and its reveal is what was sealed. [`Journal::record`] refuses an event that breaks it.
//!
//! A crash may leave half a line at the end: it is cut off, for what it announced was not done yet. Damage anywhere else is an
//! error: somebody changed the file.

pub use super::crash::{Crash, Moment};

use super::task::{Act, Basis, Found, Kind, Task};
use crate::files::{self, FileError};
use sabha_protocol::{ActiveBlock, Digest, RoundKey, RunId, dispute::record::GameId, round::Checkpoint};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

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
    /// The worker was asked for something, and begins or goes on with it.
    Taken {
        /// What.
        task: Task,
        /// What its result is made from.
        basis: Basis,
        /// The last active block.
        until: ActiveBlock,
        /// The number of the block that asks for it; 0 in logs of older releases.
        #[serde(default)]
        block: u64,
    },
    /// It is let go: this machine cannot do it.
    Declined {
        /// What.
        task: Task,
        /// Why.
        reason: String,
    },
    /// Training was stopped in the middle; its state is on the disk.
    Parked {
        /// What.
        task: Task,
        /// Inner steps that are done.
        step: u32,
    },
    /// The work is done, and what it made is in the blob store.
    Done {
        /// What.
        task: Task,
        /// What the result was made from.
        basis: Basis,
        /// What is to be signed.
        #[serde(with = "scale_hex")]
        act: Act,
    },
    /// The act is about to be signed and sent.
    Signing {
        /// What.
        task: Task,
        /// What is signed.
        #[serde(with = "scale_hex")]
        act: Act,
    },
    /// The chain has it.
    Settled {
        /// What.
        task: Task,
        /// The number of the block that shows it.
        block: u64,
    },
    /// It is no longer asked for, and the chain does not have it.
    Lost {
        /// What.
        task: Task,
        /// Whether its deadline was missed; else it was taken back.
        late: bool,
    },
    /// The worker has the checkpoint that a round made, and it is the one whose root was posted.
    Holds {
        /// The run.
        run: RunId,
        /// The attempt at a round.
        round: RoundKey,
        /// The checkpoint.
        checkpoint: Checkpoint,
    },
    /// A run is about to be moved on. A second poke costs a fee and changes nothing.
    Poking {
        /// The run.
        run: RunId,
        /// How much was due.
        due: u32,
    },
    /// A move in a dispute is about to be sent. A second one for the same position is refused.
    Moving {
        /// The game.
        game: GameId,
        /// The position that it is for.
        position: Digest,
        /// The call.
        call: String,
    },
    /// The chain is about to be told where the worker serves its blobs.
    Announcing {
        /// The endpoint.
        endpoint: String,
    },
    /// The worker says that it can be drawn.
    Ready,
    /// The worker says that it cannot be drawn any more.
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

/// Acts in the log are bytes in hexadecimal: a loss in decimal digits might not read back as the same bits.
mod scale_hex {
    use super::Act;
    use codec::{DecodeAll, Encode};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(act: &Act, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(act.encode()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Act, D::Error> {
        let bytes = hex::decode(String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        Act::decode_all(&mut bytes.as_slice()).map_err(D::Error::custom)
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
    /// What each seal that was signed hides.
    sealed: BTreeMap<Digest, (Found, [u8; 32])>,
    /// The highest block that was noted for anything.
    seen: u64,
    /// Where the good part of the file ends, if half a line may be behind it that could not be cut off yet.
    cut_at: Option<u64>,
    /// Where to die.
    crash: Option<Crash>,
    /// Events that were written since it was opened.
    writes: u64,
}

/// What a look at a log found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Events in it.
    pub events: usize,
    /// Tasks that are neither settled nor lost.
    pub open: usize,
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
        // A new file is in its folder only when that is on the disk.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(FileError::of("write", folder))?;
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
        Self::replay(file, path, text.get(..whole).unwrap_or_default()).map(|(journal, _)| journal)
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
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let (journal, events) = Self::replay(file, path, text.get(..whole).unwrap_or_default())?;
        Ok(Some(Look { events, open: journal.open_tasks().count() }))
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
            crash: None,
            writes: 0,
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

    /// The process is to die at a write.
    pub fn crash_at(&mut self, crash: Option<Crash>) {
        self.crash = crash;
    }

    /// Adds an event, and returns when it is on the disk.
    ///
    /// # Errors
    /// [`JournalError::SecondAct`] if the event breaks the log's law; nothing is written then. Else if the disk fails.
    pub fn record(&mut self, event: Event) -> Result<(), JournalError> {
        self.check(&event)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = Line { time_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX), event };
        let mut bytes = serde_json::to_vec(&line)
            .map_err(|error| FileError::of("write", &self.path)(std::io::Error::other(error)))?;
        bytes.push(b'\n');
        self.writes = self.writes.saturating_add(1);
        self.die_if(Moment::Before, &line.event);
        if self.crash.as_ref().is_some_and(|crash| crash.is_at(self.writes, &line.event, Moment::Within)) {
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
        if self.crash.as_ref().is_some_and(|crash| crash.is_at(self.writes, event, moment)) {
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
        self.sealed.get(&seal).copied()
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
            Act::Reveal { found, salt } => !self.sealed.values().any(|sealed| *sealed == (*found, *salt)),
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
                    self.sealed.insert(*seal, (*found, *salt));
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
            Event::Lost { task, .. } => {
                self.known.entry(*task).or_default().closed = true;
            }
            Event::Declined { task, .. } => {
                self.known.entry(*task).or_default().declined = true;
            }
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
