//! One piece of work, how it ends, and where its data comes from.

pub use super::time::Time;

use super::task::{Duty, Kind, Product, Task};
use crate::{
    blobs::{BlobStore, LocalBlobs},
    data::Manifest,
    stop::Stop,
};
use sabha_protocol::{
    ActiveBlock, Digest, RoundIndex, RoundKey, SlotIndex,
    dispute::{
        self, Answer, Claim, Move, Side,
        record::{self, GameId, Shown},
    },
    round::Checkpoint,
    spec::RunSpec,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// One piece of work.
#[derive(Clone, Debug)]
pub struct Job {
    /// What for.
    pub duty: Duty,
    /// The run's specification.
    pub spec: RunSpec,
    /// Where the slot's own files are: its parked state, its leaves, the states at its segments' ends. The slot is the one that the
    /// duty is about; each worker has its own folder for it.
    pub folder: PathBuf,
    /// How long others are waited for.
    pub time: Time,
    /// How the run's checkpoints were made, as far as the chain knows, if one of them is missing here.
    pub origins: Vec<Origin>,
}

/// What a checkpoint was made of: whoever has all of it can make it again.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// The round that made it.
    pub round: RoundIndex,
    /// What was posted.
    pub made: Checkpoint,
    /// The checkpoint that the round started from; none for the specification's own.
    pub base: Option<Checkpoint>,
    /// The addresses of the accepted updates.
    pub updates: Vec<(SlotIndex, Digest)>,
}

/// How a piece of work ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// At its end. What it made is in the blob store.
    Done(Product),
    /// It was stopped in the middle of a slot; the state is on the disk.
    Parked {
        /// Inner steps that are done.
        step: u32,
    },
    /// It was stopped, and begins anew.
    Stopped,
    /// What others have yet to provide is not there: it is worth waiting for.
    Waits {
        /// What is missing.
        reason: String,
    },
    /// It was not begun, and trying again is of no use: this machine cannot do it.
    Declined {
        /// Why, and the remedy.
        reason: String,
    },
}

/// What a dispute is about, for one who plays in it.
#[derive(Clone, Debug)]
pub struct Table {
    /// The game.
    pub game: GameId,
    /// Whose moves are wanted.
    pub side: Side,
    /// The round.
    pub round: RoundIndex,
    /// The run's specification.
    pub spec: RunSpec,
    /// The checkpoint that the round started from; none for the specification's own.
    pub base: Option<Checkpoint>,
    /// Whose claim, and what it is bound by.
    pub subject: dispute::Subject,
    /// The addresses of the accepted updates.
    pub updates: Vec<(SlotIndex, Digest)>,
    /// Where this worker's files of the slot are: of a defender those of its training, of an auditor those of its audit.
    pub folder: PathBuf,
    /// The leaves at the ends of the slot's audited segments, by segment, as far as they are known: they were published.
    pub published: Vec<(u32, Digest)>,
    /// Where what a challenger has seen is kept.
    pub seen: PathBuf,
    /// How the run's checkpoints were made.
    pub origins: Vec<Origin>,
}

/// What an execution is of: games that share it are about the same target, and on the same side of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bench {
    folder: PathBuf,
    is_aggregation: bool,
    is_defended: bool,
}

impl Table {
    /// What is executed for it.
    pub fn bench(&self) -> Bench {
        Bench {
            folder: self.folder.clone(),
            is_aggregation: matches!(self.subject, dispute::Subject::Aggregation { .. }),
            is_defended: self.side == Side::Defender,
        }
    }
}

/// A move that is wanted.
#[derive(Clone, Debug)]
pub struct Turn {
    /// What the dispute is about.
    pub table: Arc<Table>,
    /// The position.
    pub position: Position,
    /// The last active block for the move.
    pub until: ActiveBlock,
}

/// Where the turns of all games come from, and what is said to them goes.
pub trait Turns {
    /// The turn that is to be thought about next, once there is one; none if there will be no more. `at_hand` is what was executed last;
    /// `idle` is called if there is none for a while, so that memory can be given back.
    fn next(&mut self, at_hand: Option<&Bench>, idle: &mut dyn FnMut()) -> Option<Turn>;

    /// What is said to a position of a game, or why nothing was found. Beginning again later may help.
    fn say(&mut self, game: GameId, position: Digest, said: anyhow::Result<Said>);
}

/// A position that a move is wanted for.
#[derive(Clone, Debug)]
pub struct Position {
    /// How far the dispute is.
    pub phase: record::Phase,
    /// What the defender showed last.
    pub shown: Option<Shown>,
}

impl Position {
    /// What names it; zeros before a claim is named.
    pub fn name(&self) -> Digest {
        match &self.phase {
            record::Phase::Naming { .. } => Digest::default(),
            record::Phase::Playing(game) => game.position,
        }
    }
}

/// What is said to a position.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// The claim that is wrong.
    Name(Claim),
    /// What was asked for.
    Answer(Answer),
    /// A question, or what is wrong.
    Press(Move),
    /// Nothing: the other side is right.
    Nothing,
}

/// Does the work. Blocking: called in a thread of its own.
pub trait Workshop: Send + Sync + 'static {
    /// Works until the end or until `stop` is raised; goes on from a parked state if there is one.
    ///
    /// # Errors
    /// If a checkpoint, an update or the data is missing or wrong, or the engine or the disk fails. Trying again later may help.
    fn work(&self, job: &Job, stop: &Stop) -> anyhow::Result<Ended>;

    /// Makes a checkpoint again that nobody serves, and those that it was built on if need be. It is in the blob store then, at the
    /// address that is returned.
    ///
    /// # Errors
    /// If what it was made of is not there, or makes another one.
    fn remake(
        &self,
        spec: &RunSpec,
        wanted: Checkpoint,
        origins: &[Origin],
        stop: &Stop,
    ) -> anyhow::Result<Checkpoint>;

    /// Whether this machine can do what a run of this specification asks for, as far as can be known.
    fn is_able(&self, spec: &RunSpec) -> bool;

    /// Has a checkpoint in the blob store, and checks it against its root, in little memory.
    ///
    /// # Errors
    /// If nobody serves it, it is not what was posted, or the disk fails.
    fn hold(&self, spec: &RunSpec, wanted: Checkpoint, stop: &Stop) -> anyhow::Result<()>;

    /// Plays in disputes: says something to each turn that comes, until none comes any more. What was executed for one move is at hand
    /// for the next, of whichever game about the same target; one thing is executed at a time.
    fn play(&self, turns: &mut dyn Turns, stop: &Stop);
}

/// The data of a run: the dataset whose manifest names the stream, or the stream itself in the blob store.
///
/// # Errors
/// Names the stream and where it was looked for.
pub fn find_stream(stream: Digest, datasets: &[PathBuf], blobs: &LocalBlobs) -> anyhow::Result<PathBuf> {
    for folder in datasets {
        match Manifest::read(folder) {
            Ok(manifest) if manifest.stream == stream => return Ok(folder.clone()),
            Ok(_) => {}
            Err(error) => tracing::warn!(folder = %folder.display(), %error, "no usable dataset"),
        }
    }
    if blobs.has(stream)? {
        return Ok(blobs.path(stream));
    }
    let list: Vec<String> = datasets.iter().map(|folder| folder.display().to_string()).collect();
    anyhow::bail!(
        "the token stream {stream} is neither in a dataset ({}) nor in {}: pack or fetch it, and name its folder with \
         --dataset or in storage.datasets",
        if list.is_empty() { "none is configured".into() } else { list.join(", ") },
        blobs.root().display()
    )
}

/// The folder of a slot that this worker trains.
pub fn folder_of(state: &Path, task: &Task) -> PathBuf {
    let Task { run, round: RoundKey { round, attempt }, place, generation, .. } = task;
    state.join("slots").join(format!("{run}-{round}-{attempt}-{place}-{generation}"))
}

/// The slots that there are folders of.
pub fn kept_slots(state: &Path) -> Vec<Task> {
    let entries = std::fs::read_dir(state.join("slots")).into_iter().flatten().flatten();
    let mut slots: Vec<Task> = entries.filter_map(|entry| slot_of(entry.file_name().to_str()?)).collect();
    slots.sort_unstable();
    slots
}

fn slot_of(name: &str) -> Option<Task> {
    let parts: Vec<&str> = name.split('-').collect();
    let [run, round, attempt, place, generation] = parts.as_slice() else { return None };
    Some(Task {
        kind: Kind::Train,
        run: run.parse().ok()?,
        round: RoundKey { round: round.parse().ok()?, attempt: attempt.parse().ok()? },
        place: place.parse().ok()?,
        generation: generation.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slots_folder_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let round = RoundKey { round: 3, attempt: 1 };
        let task = Task { kind: Kind::Train, run: 7, round, place: 2, generation: 4 };
        std::fs::create_dir_all(folder_of(folder.path(), &task)).unwrap();
        std::fs::create_dir_all(folder.path().join("slots/notes")).unwrap();
        assert_eq!(kept_slots(folder.path()), [task]);
        assert_eq!(kept_slots(&folder.path().join("none")), []);
    }
}
