//! `replay` of a whole slot and of an aggregation, and what replays start from.

use super::{Context, checkpoint::CheckpointArgs, model::engine_on, replay::ReplayArgs};
use crate::{
    blobs::LocalBlobs,
    data::Stream,
    engine::{
        Checkpoint, MemoryLimit, init,
        local::{self, LocalRecord, RoundRecord, SlotRecord},
        replay::{self, Segment},
        rounds::{self, Place, RoundCheckpoint, Update, store},
    },
    error::{Exit, ResultExt, failure},
    progress::{Progress, Unit},
};
use sabha_protocol::{Digest, Outcome, RoundIndex, SlotIndex, round, spec::RunSpec};
use serde::Serialize;
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

/// What a replay starts from: what the flags name, or the folder of a run.
pub(super) struct Source<'a> {
    args: &'a ReplayArgs,
    context: &'a Context,
    memory: MemoryLimit,
    run: Option<Run>,
}

/// The folder of a run.
struct Run {
    folder: PathBuf,
    record: LocalRecord,
    blobs: LocalBlobs,
}

impl<'a> Source<'a> {
    /// Reads the record of the run's folder, if one is named.
    pub(super) fn new(args: &'a ReplayArgs, spec: &RunSpec, context: &'a Context) -> anyhow::Result<Self> {
        let run = args.run.as_deref().map(|folder| Run::open(folder, spec)).transpose()?;
        let memory = checkpoint_args(args, args.checkpoint.clone()).memory(context)?;
        Ok(Self { args, context, memory, run })
    }

    /// How much memory there is.
    pub(super) fn memory(&self) -> MemoryLimit {
        self.memory
    }

    /// The parameters that a round starts from, and the digest of their file if one is named.
    pub(super) fn parameters(
        &self,
        spec: &RunSpec,
        round: RoundIndex,
    ) -> anyhow::Result<(Checkpoint, Option<Digest>)> {
        match &self.args.checkpoint {
            Some(_) => {
                let args = checkpoint_args(self.args, self.args.checkpoint.clone());
                args.load(&spec.model, self.context).map(|(checkpoint, digest)| (checkpoint, Some(digest)))
            }
            None => Ok((self.checkpoint(spec, round)?.parameters().clone(), None)),
        }
    }

    /// The checkpoint, with momenta, that a round starts from.
    fn checkpoint(&self, spec: &RunSpec, round: RoundIndex) -> anyhow::Result<RoundCheckpoint> {
        if self.args.checkpoint.is_some() {
            let file = checkpoint_args(self.args, self.args.checkpoint.clone()).read(self.context)?;
            return RoundCheckpoint::from_blob(&spec.model, &file.bytes).map_err(|error| {
                failure(Exit::BadInput, format!("{} cannot be used: {error}", file.path.display()))
            });
        }
        let Some(before) = round.checked_sub(1) else {
            return Ok(RoundCheckpoint::start(init::of_spec(spec)?));
        };
        let Some(run) = &self.run else {
            let message =
                format!("round {round} starts from a checkpoint: name it with --checkpoint or --run");
            return Err(failure(Exit::BadInput, message));
        };
        let posted = run.round(before)?.checkpoint;
        store::fetch_checkpoint(&run.blobs, spec, posted).exit(Exit::BadInput)
    }

    /// The root that the run's folder has at a segment's end, if one is named.
    pub(super) fn leaf_after(&self, spec: &RunSpec, at: Segment) -> anyhow::Result<Option<Digest>> {
        let Some(run) = &self.run else { return Ok(None) };
        let slot = run.slot(at.round, at.slot)?;
        let (Outcome::Trained(commitment), Some(leaves)) = (&slot.outcome, slot.leaves) else {
            return Ok(None);
        };
        let leaves = store::fetch_leaves(&run.blobs, spec, commitment.segments_root, leaves);
        Ok(leaves.exit(Exit::BadInput)?.get(at.segment as usize + 1).copied())
    }

    /// The updates of a round.
    fn updates(&self, spec: &RunSpec, round: RoundIndex) -> anyhow::Result<Vec<Update>> {
        if let Some(run) = &self.run {
            let slots = &run.round(round)?.slots;
            return local::updates(&run.blobs, spec, round, slots).exit(Exit::BadInput);
        }
        if self.args.updates.is_empty() {
            let message =
                "an aggregation needs updates: name them with --update, or a run with --run".to_string();
            return Err(failure(Exit::BadInput, message));
        }
        let read = |name: &PathBuf| {
            let file = checkpoint_args(self.args, Some(name.clone())).read(self.context)?;
            let (path, bytes) = (file.path, file.bytes);
            // Which slot it is of, it says itself.
            let update = Update::place_of(&bytes)
                .and_then(|Place { slot, .. }| Update::from_blob(spec, Place::of(spec, round, slot), &bytes));
            update.map_err(|error| {
                failure(Exit::BadInput, format!("{} cannot be used: {error}", path.display()))
            })
        };
        self.args.updates.iter().map(read).collect()
    }
}

impl Run {
    fn open(folder: &Path, spec: &RunSpec) -> anyhow::Result<Self> {
        let record = local::read_record(folder).exit(Exit::BadInput)?;
        if record.spec != spec.hash() {
            let message = format!("{} holds a run of another specification", folder.display());
            return Err(failure(Exit::BadInput, message));
        }
        let blobs = LocalBlobs::open(folder.join(local::BLOBS)).exit(Exit::BadInput)?;
        Ok(Self { folder: folder.into(), record, blobs })
    }

    fn round(&self, round: RoundIndex) -> anyhow::Result<&RoundRecord> {
        let found = self.record.rounds.get(round as usize);
        found.ok_or_else(|| self.lacks(&format!("round {round}, or it is not over")))
    }

    /// Of a round that is over, or of the one that is open.
    fn slot(&self, round: RoundIndex, slot: SlotIndex) -> anyhow::Result<&SlotRecord> {
        let slots = match self.record.rounds.get(round as usize) {
            Some(record) => record.slots.as_slice(),
            None if round as usize == self.record.rounds.len() => &self.record.open,
            None => &[],
        };
        slots.get(usize::from(slot)).ok_or_else(|| self.lacks(&format!("round {round}, slot {slot}")))
    }

    fn lacks(&self, what: &str) -> anyhow::Error {
        failure(Exit::BadInput, format!("{} holds no {what}", self.folder.display()))
    }
}

fn checkpoint_args(args: &ReplayArgs, checkpoint: Option<PathBuf>) -> CheckpointArgs {
    CheckpointArgs {
        checkpoint: checkpoint.unwrap_or_default(),
        blobs: args.blobs.clone(),
        memory: args.memory,
    }
}

#[derive(Serialize)]
struct ReplayedSlot {
    round: RoundIndex,
    slot: SlotIndex,
    outcome: Outcome,
    expected: Option<bool>,
}

/// Replays a whole slot.
pub(super) fn slot(
    args: &ReplayArgs,
    spec: &RunSpec,
    source: &Source<'_>,
    context: &Context,
) -> anyhow::Result<()> {
    source.memory().admit_training(spec).exit(Exit::BadInput)?;
    let stream = Stream::of_spec(&args.data, spec).exit(Exit::BadInput)?;
    let place = Place::of(spec, args.round, args.slot);
    let (checkpoint, _) = source.parameters(spec, place.round)?;
    let committed = source.run.as_ref().map(|run| run.slot(place.round, place.slot)).transpose()?;
    let total = u64::from(spec.rounds.inner_steps);
    let mut progress = Progress::new("replaying", Unit::Steps, total, context.global.json);
    let mut observe = |step: u32| progress.set(u64::from(step) + 1, String::new);
    let engines = engine_on(&args.device, context)?;
    let (outcome, _) =
        replay::slot(engines.exact(), spec, &stream, &checkpoint, place, &context.stop, &mut observe)?;
    progress.finish();

    let mut text = format!("round {}, slot {}\n", place.round, place.slot);
    match &outcome {
        Outcome::Trained(commitment) => {
            writeln!(text, "segments  {}", commitment.segments_root)?;
            writeln!(text, "update    {}", commitment.update_digest)?;
            writeln!(text, "mean loss {}", commitment.mean_loss)?;
        }
        Outcome::Diverged(at) => {
            let (step, instruction, element) = (at.step, at.instruction, at.element);
            writeln!(text, "diverged at step {step}, instruction {instruction}, element {element}")?;
        }
    }
    let update = match &outcome {
        Outcome::Trained(commitment) => Some(commitment.update_digest),
        Outcome::Diverged(_) => None,
    };
    let expected = match (args.expect, committed) {
        (Some(expect), _) => Some(Some(expect) == update),
        (None, Some(record)) => Some(record.outcome == outcome),
        (None, None) => None,
    };
    let found = ReplayedSlot { round: place.round, slot: place.slot, outcome, expected };
    conclude(&found, text, expected, context)
}

#[derive(Serialize)]
struct ReplayedAggregation {
    round: RoundIndex,
    updates: usize,
    checkpoint: round::Checkpoint,
    expected: Option<bool>,
}

/// Replays the aggregation of a round.
pub(super) fn aggregation(
    args: &ReplayArgs,
    spec: &RunSpec,
    source: &Source<'_>,
    context: &Context,
) -> anyhow::Result<()> {
    source.memory().admit_aggregation(spec).exit(Exit::BadInput)?;
    let base = source.checkpoint(spec, args.round)?;
    let updates = source.updates(spec, args.round)?;
    let count = updates.len();
    let next = rounds::aggregate(spec, &base, updates, &|| !context.stop.is_raised());
    let next = next.map_err(|error| match error {
        rounds::AggregateError::Stopped => {
            context.stop.error("the replay was stopped: nothing is lost, begin again")
        }
        rounds::AggregateError::Engine(error) => error.into(),
        other => failure(Exit::BadInput, other),
    })?;
    let checkpoint = round::Checkpoint { root: next.root(), blob: Digest::of(&next.to_blob()) };
    let posted = source.run.as_ref().map(|run| run.round(args.round)).transpose()?;
    let expected = match (args.expect, posted) {
        (Some(expect), _) => Some(expect == checkpoint.root),
        (None, Some(record)) => Some(record.checkpoint == checkpoint),
        (None, None) => None,
    };
    let text = format!(
        "round {}: {count} updates\nroot       {}\ncheckpoint {}\n",
        args.round, checkpoint.root, checkpoint.blob
    );
    let found = ReplayedAggregation { round: args.round, updates: count, checkpoint, expected };
    conclude(&found, text, expected, context)
}

/// Prints what was found, and fails if something else was expected.
fn conclude(
    found: &impl Serialize,
    mut text: String,
    expected: Option<bool>,
    context: &Context,
) -> anyhow::Result<()> {
    match expected {
        Some(true) => text.push_str("as expected\n"),
        Some(false) => text.push_str("what was expected is another\n"),
        None => {}
    }
    context.print(found, text)?;
    if expected == Some(false) {
        return Err(failure(Exit::Failure, "the replay came to another result".to_string()));
    }
    Ok(())
}
