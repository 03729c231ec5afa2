//! What housekeeping needs to know of all open runs. Anybody may open a run, and a node may be far away: it is read beside the daemon's
//! loop, so that no act waits for it.

use super::{
    Daemon, LOOK_WITHIN,
    decide::View,
    watch::{AT_ONCE, Rounds, read_spec},
};
use crate::{
    chain::{At, ChainError, Hash, Worker},
    error::is_of_full_disk,
    metrics::metrics,
};
use futures::{StreamExt, TryStreamExt, stream};
use sabha_protocol::{Digest, RunId, RunSpec};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// How long to wait for room on a full disk before the house is kept again.
const ROOM_AFTER: Duration = Duration::from_secs(10);

/// What was read of all open runs.
pub(super) struct Survey {
    /// After the followed block.
    pub(super) at: At,
    pub(super) open: Vec<RunId>,
    /// All of the open runs, and of others that were asked for.
    pub(super) rounds: Rounds,
    /// Whether the slots of all rounds are in it.
    pub(super) deep: bool,
    /// Specifications that were not known before.
    specs: Vec<(Digest, RunSpec)>,
    /// How much is due for each, after the best block.
    due: Vec<(RunId, u32)>,
}

/// What to read.
struct Wanted {
    followed: At,
    best: At,
    /// Runs that may be over.
    others: BTreeSet<RunId>,
    known: BTreeSet<Digest>,
    deep: bool,
    pokes: bool,
}

impl Wanted {
    async fn read(self) -> Result<Survey, ChainError> {
        let Self { followed, best, others, known, deep, pokes } = self;
        let open = followed.open_runs().await?;
        let mut rounds = Rounds::at(&followed);
        rounds.fill(open.iter().copied().chain(others).collect(), deep).await?;
        let mut missing = Vec::new();
        for run in &open {
            if let Some(record) = rounds.run(*run).await?
                && !known.contains(&record.spec_hash)
            {
                missing.push((*run, record.spec_hash));
            }
        }
        let at = &followed;
        let specs = stream::iter(missing)
            .map(|(run, hash)| async move { read_spec(at, run, hash).await.map(|spec| Some((hash, spec?))) })
            .buffer_unordered(AT_ONCE);
        let specs: Vec<_> = specs.try_collect().await?;
        let asked = if pokes { best.open_runs().await? } else { Vec::new() };
        let best = &best;
        let due = stream::iter(asked)
            .map(|run| async move { best.due(run).await.map(|due| (run, due)) })
            .buffered(AT_ONCE);
        let due = due.try_collect().await?;
        Ok(Survey { open, rounds, deep, specs: specs.into_iter().flatten().collect(), due, at: followed })
    }
}

/// A survey that goes on beside the loop, and what the last one left.
#[derive(Default)]
pub(super) struct House {
    reading: Option<JoinHandle<Result<Survey, ChainError>>>,
    /// What it came to.
    came: Option<Result<Survey, ChainError>>,
    /// The blocks that it was begun for: followed, best.
    read: Option<(Hash, Hash)>,
    /// Before that it is not kept again: there was no room.
    again: Option<Instant>,
    /// How much was due for open runs.
    pub(super) due: Vec<(RunId, u32)>,
}

impl House {
    /// Whether one has ended that was not taken in yet.
    pub(super) fn has_news(&self) -> bool {
        self.reading.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// The node is left that it is read from.
    pub(super) fn leave(&mut self) {
        if let Some(reading) = self.reading.take() {
            reading.abort();
        }
        (self.read, self.came) = (None, None);
    }

    /// Takes in what it came to.
    pub(super) async fn take_in(&mut self) {
        let Some(reading) = self.reading.take_if(|reading| reading.is_finished()) else { return };
        self.came = Some(reading.await.unwrap_or_else(|error| {
            Err(ChainError::Rpc { what: "reading all open runs".into(), reason: error.to_string() })
        }));
    }
}

impl Daemon {
    /// Begins to read what all open runs are at, unless that goes on already.
    pub(super) fn begin_survey(&mut self, followed: &At, best: &At) {
        let now = (followed.hash(), best.hash());
        if self.house.reading.is_some() || self.house.read == Some(now) {
            return;
        }
        self.house.read = Some(now);
        let mut others = self.runs_with_tips();
        others.extend(self.journal.done_rounds().keys().map(|(run, _)| *run));
        let wanted = Wanted {
            followed: followed.clone(),
            best: best.clone(),
            others,
            known: self.specs.hashes(),
            deep: self.looks_for_providers(followed.number()),
            pokes: self.memory.pokes,
        };
        self.house.reading = Some(tokio::spawn(async move {
            tokio::time::timeout(LOOK_WITHIN, wanted.read()).await.unwrap_or_else(|_| {
                Err(ChainError::Timeout { what: "reading all open runs".into(), after: LOOK_WITHIN })
            })
        }));
    }

    /// Does what follows from what was read of all open runs for the store of blobs and for checkpoints. A full disk is waited
    /// for, and nothing else waits with it.
    pub(super) async fn keep_house(&mut self, worker: &Worker) -> anyhow::Result<()> {
        let mut survey = match self.house.came.take() {
            None => return Ok(()),
            Some(Ok(survey)) => survey,
            Some(Err(error)) if error.is_transient() => {
                metrics().rpc_failed();
                tracing::warn!(node = self.client.url(), %error, "what the open runs are at is not known; trying again");
                return Ok(());
            }
            Some(Err(error)) => return Err(error.into()),
        };
        self.specs.take(std::mem::take(&mut survey.specs));
        self.house.due = std::mem::take(&mut survey.due);
        if self.house.again.is_some_and(|again| Instant::now() < again) {
            return Ok(());
        }
        match self.keep_all(&mut survey, worker).await {
            Err(error) if is_of_full_disk(&error) => {
                self.house.again = Instant::now().checked_add(ROOM_AFTER);
                self.pulse.vitals().disk_full = Some(Instant::now());
                tracing::error!(
                    error = format!("{error:#}"),
                    again_in_s = ROOM_AFTER.as_secs(),
                    "there is no room for what runs need: trying again"
                );
                Ok(())
            }
            kept => kept,
        }
    }

    async fn keep_all(&mut self, survey: &mut Survey, worker: &Worker) -> anyhow::Result<()> {
        self.keep_providers(survey, worker).await?;
        self.memory.blind = false;
        self.keep_checkpoints(survey, worker).await?;
        self.close_rounds(&mut survey.rounds).await
    }

    /// A run was moved on.
    pub(super) fn moved_on(&mut self, run: RunId, view: &mut View) {
        view.due.retain(|(id, _)| *id != run);
        self.house.due.retain(|(id, _)| *id != run);
        self.memory.due_since.remove(&run);
    }
}
