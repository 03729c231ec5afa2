//! Playing in disputes, and training as a cheat would.

use super::{
    EngineWorkshop,
    notes::{Notes, Start},
};
use crate::{
    blobs::UntilStopped,
    daemon::{
        slots,
        task::{Product, Task},
        work::{Bench, Ended, Job, Position, Said, Table, Turn, Turns},
    },
    engine::{
        Engine, ExactEngine, MemoryError, Reservation,
        disputes::{Execution, ExecutionError, Lie, Subject, What},
        memory,
        rounds::{Place, RoundCheckpoint, store},
    },
    files,
    stop::Stop,
};
use anyhow::Context;
use codec::{DecodeAll, Encode};
use sabha_numerics::program::{Program, Source};
use sabha_protocol::{
    ActiveBlock, Commitment, Digest, Outcome, RoundIndex, RunSpec,
    dispute::{
        self, Claim, Facts, Part, Side, Stage,
        player::{Blob, Book, Buffers, PlayError, Seen, answer, challenge},
        record::{Phase, Shown},
    },
    programs, segments_root,
    spec::F32Bits,
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    fs,
    path::Path,
    sync::{Arc, PoisonError},
};

/// What an executed slot comes to.
pub(super) fn outcome(
    spec: &RunSpec,
    execution: &mut Execution<'_>,
) -> Result<(Outcome, Vec<Digest>), ExecutionError> {
    let mut leaves = Vec::new();
    for segment in 0..=spec.segments() {
        let steps = segment.saturating_mul(spec.rounds.segment_steps);
        match execution.state(steps)? {
            Some(root) => leaves.push(root),
            None => return Ok((Outcome::Diverged(execution.divergence()?), leaves)),
        }
    }
    let update = execution.content(Blob::Own)?;
    let update_digest = Digest::of(&update);
    let last = programs::finish(spec).count().saturating_sub(1);
    let loss = execution.words(Part::Finish, Source::Output(last))?.first().copied().unwrap_or(0);
    let commitment =
        Commitment { segments_root: segments_root(&leaves), update_digest, mean_loss: F32Bits(loss) };
    Ok((Outcome::Trained(commitment), leaves))
}

/// Executions that are kept at once, the one that is at hand included. The others hold a checkpoint each, and neither states nor traces.
const KEPT: usize = 4;

/// What memory is reserved for.
const PLAYING: &str = "playing in a dispute";

/// One of them.
struct Hand<'a> {
    bench: Bench,
    start: Start,
    /// What it needs at its peak, in bytes.
    need: u64,
    execution: Execution<'a>,
}

/// What was executed, the latest first.
#[derive(Default)]
struct Hands<'a> {
    hands: VecDeque<Hand<'a>>,
    /// Memory for the one at hand, and for the checkpoints of the others.
    reserved: Option<Reservation>,
}

impl<'a> Hands<'a> {
    /// Puts what was executed before at hand, if it is kept, and what is reserved is enough for it.
    fn find(&mut self, bench: &Bench, start: Start) -> bool {
        match self.hands.iter().position(|hand| hand.bench == *bench && hand.start == start) {
            None => false,
            Some(0) => true,
            Some(at) => {
                self.rest();
                let reserved = self.reserved.as_ref().map_or(u64::MAX, Reservation::bytes);
                let found = self.hands.remove(at).filter(|hand| hand.need <= reserved);
                let is_there = found.is_some();
                self.hands.extend(found);
                self.hands.rotate_right(usize::from(is_there));
                is_there
            }
        }
    }

    /// Gives back the memory of what is at hand.
    fn rest(&mut self) {
        if let Some(hand) = self.hands.front_mut() {
            hand.execution.rest();
        }
    }

    /// Gives back all memory but that of checkpoints: nothing is asked for.
    fn give_back(&mut self) {
        self.rest();
        self.reserved = None;
    }

    fn put(&mut self, hand: Hand<'a>) {
        self.hands.truncate(KEPT.saturating_sub(1));
        self.hands.push_front(hand);
    }

    fn at_hand(&mut self) -> Result<&mut Execution<'a>, ExecutionError> {
        self.hands.front_mut().map(|hand| &mut hand.execution).ok_or(ExecutionError::None("execution"))
    }
}

/// One's own leaves as far as an audit found them, to look for the one that is wrong. Nothing else is asked for before it is named.
struct Prefix<'a> {
    segment_steps: u32,
    leaves: &'a [Digest],
}

impl Book for Prefix<'_> {
    type Error = ExecutionError;

    fn state(&mut self, steps: u32) -> Result<Option<Digest>, ExecutionError> {
        let leaf = steps.checked_div(self.segment_steps).unwrap_or(0);
        Ok(usize::try_from(leaf).ok().and_then(|leaf| self.leaves.get(leaf)).copied())
    }

    fn buffers(&mut self, _: Buffers) -> Result<Vec<Digest>, ExecutionError> {
        Err(ExecutionError::None("buffer"))
    }

    fn outputs(&mut self, _: Part) -> Result<Vec<Digest>, ExecutionError> {
        Err(ExecutionError::None("output"))
    }

    fn diverges(&mut self, _: Part) -> Result<Option<(u32, u64)>, ExecutionError> {
        Err(ExecutionError::None("output"))
    }

    fn words(&mut self, _: Part, _: Source) -> Result<Cow<'_, [u32]>, ExecutionError> {
        Err(ExecutionError::None("buffer"))
    }

    fn content(&mut self, _: Blob) -> Result<Cow<'_, [u8]>, ExecutionError> {
        Err(ExecutionError::None("content"))
    }
}

impl EngineWorkshop {
    /// Plays in disputes.
    pub(super) fn dispute(&self, turns: &mut dyn Turns, stop: &Stop) {
        let traces = ExactEngine::cpu();
        let mut hands = Hands::default();
        loop {
            let at_hand = hands.hands.front().map(|hand| hand.bench.clone());
            let Some(turn) = turns.next(at_hand.as_ref(), &mut || hands.give_back()) else { return };
            let said = self.think(&traces, &mut hands, &turn, stop);
            if stop.is_raised() {
                return;
            }
            turns.say(turn.table.game, turn.position.name(), said);
        }
    }

    /// What is said to a turn.
    fn think<'a>(
        &'a self,
        traces: &'a ExactEngine,
        hands: &mut Hands<'a>,
        Turn { table, position, .. }: &Turn,
        stop: &Stop,
    ) -> anyhow::Result<Said> {
        let digests: Vec<Digest> = table.updates.iter().map(|(_, digest)| *digest).collect();
        let update = |place: u32| digests.get(usize::try_from(place).ok()?).copied();
        let facts = Facts {
            spec: &table.spec,
            round: table.round,
            base: table.base.map(|checkpoint| checkpoint.root),
            subject: table.subject,
            update: &update,
        };
        let notes = match (table.side, table.subject) {
            (Side::Challenger, dispute::Subject::Slot { .. }) => Notes::read(&table.folder),
            _ => None,
        };
        match &position.phase {
            Phase::Naming { .. } => {
                if let Some(claim) = named(notes, table)? {
                    return Ok(Said::Name(claim));
                }
                let execution = self.at_hand(traces, hands, table, None, Start::Checkpoint, stop)?;
                Ok(wrong(&facts, execution)?.map_or(Said::Nothing, Said::Name))
            }
            Phase::Playing(game) if table.side == Side::Defender => {
                let execution = self.at_hand(traces, hands, table, None, Start::Kept, stop)?;
                answer(&facts, game, execution).map(Said::Answer).context("the answer")
            }
            Phase::Playing(game) => {
                let mut seen = read_seen(&table.seen);
                if let Some(Shown { before, answer }) = &position.shown {
                    seen.look(&facts, before, answer);
                    files::write_atomic(&table.seen, &seen.encode())?;
                }
                let prefix = match game.stage {
                    Stage::Leaves { .. } => notes.as_ref().and_then(Notes::prefix),
                    _ => None,
                };
                let made = match prefix {
                    Some(leaves) => {
                        let segment_steps = table.spec.rounds.segment_steps;
                        let mut book = Prefix { segment_steps, leaves: &leaves };
                        challenge(&facts, game, &mut book, &seen)
                    }
                    None => {
                        let start = notes.as_ref().map_or(Start::Checkpoint, |notes| notes.start(game.claim));
                        let execution = self.at_hand(traces, hands, table, notes.as_ref(), start, stop)?;
                        challenge(&facts, game, execution, &seen)
                    }
                };
                match made {
                    Ok(made) => Ok(Said::Press(made)),
                    Err(PlayError::NothingWrong) => Ok(Said::Nothing),
                    Err(error) => Err(error).context("the move"),
                }
            }
        }
    }

    /// The execution that a game is about, which games about the same target share. Its memory is reserved before anything is allocated.
    fn at_hand<'h, 'a>(
        &'a self,
        traces: &'a ExactEngine,
        hands: &'h mut Hands<'a>,
        table: &Table,
        notes: Option<&Notes>,
        start: Start,
        stop: &Stop,
    ) -> anyhow::Result<&'h mut Execution<'a>> {
        let bench = table.bench();
        if !hands.find(&bench, start) {
            hands.rest();
            let spec = &table.spec;
            let need = self.reserve(hands, spec)?;
            let base = self.checkpoint(spec, table.base, &table.origins, None, stop)?;
            let stream = match table.subject {
                dispute::Subject::Slot { .. } => Some(Arc::new(self.stream_of(spec)?)),
                dispute::Subject::Aggregation { .. } => None,
            };
            let subject = self.subject(table, notes, start, stop)?;
            let engine: &dyn Engine = self.engine.as_ref();
            let execution = Execution::new(engine, traces, Arc::new(spec.clone()), stream, base, subject);
            hands.put(Hand { bench, start, need, execution: execution.until(stop.clone()) });
        }
        if let (None, Some(hand)) = (&hands.reserved, hands.hands.front()) {
            hands.reserved = Some(self.ledger.reserve(self.memory, PLAYING, hand.need)?);
        }
        Ok(hands.at_hand()?)
    }

    /// Reserves memory for what is going to be executed, and returns how much. What else is kept is let go if there is too little.
    fn reserve(&self, hands: &mut Hands<'_>, spec: &RunSpec) -> Result<u64, MemoryError> {
        let checkpoint = spec.model.parameter_count().saturating_mul(8);
        // Runs differ in size, so it is reserved anew.
        hands.reserved = None;
        let mut kept = hands.hands.len().min(KEPT.saturating_sub(1));
        loop {
            hands.hands.truncate(kept);
            // The checkpoints of the others may be as large as this one, or of a smaller run.
            let others = checkpoint.saturating_mul(u64::try_from(kept).unwrap_or(u64::MAX));
            let need = memory::dispute(spec).saturating_add(others);
            match self.ledger.reserve(self.memory, PLAYING, need) {
                Ok(reserved) => {
                    hands.reserved = Some(reserved);
                    return Ok(need);
                }
                Err(error) => kept = kept.checked_sub(1).ok_or(error)?,
            }
        }
    }

    /// The claim of a slot or an aggregation that is wrong, by executing it.
    ///
    /// # Errors
    /// If the checkpoint, the data or an update is missing, or the engine or the disk fails.
    pub(crate) fn find_wrong(&self, table: &Table, stop: &Stop) -> anyhow::Result<Option<Claim>> {
        let phase = Phase::Naming { until: ActiveBlock::MAX };
        let position = Position { phase, shown: None };
        let turn = Turn { table: Arc::new(table.clone()), position, until: ActiveBlock::MAX };
        let (traces, mut hands) = (ExactEngine::cpu(), Hands::default());
        match self.think(&traces, &mut hands, &turn, stop)? {
            Said::Name(claim) => Ok(Some(claim)),
            _ => Ok(None),
        }
    }

    fn subject(
        &self,
        table: &Table,
        notes: Option<&Notes>,
        start: Start,
        stop: &Stop,
    ) -> anyhow::Result<Subject> {
        let dispute::Subject::Slot { slot, outcome } = table.subject else {
            let blobs = UntilStopped { blobs: &self.blobs, stop };
            let mut updates = Vec::new();
            for (slot, digest) in &table.updates {
                let place = Place::of(&table.spec, table.round, *slot);
                let update = store::fetch_update(&blobs, &table.spec, place, *digest);
                updates.push(update.with_context(|| format!("the update of slot {slot}"))?);
            }
            return Ok(Subject::Aggregation(updates));
        };
        let place = Place::of(&table.spec, table.round, slot);
        let (folder, spec) = (table.folder.clone(), table.spec.clone());
        let (leaves, lie): (BTreeMap<u32, Digest>, _) = match (table.side, outcome) {
            (Side::Challenger, _) => (notes.map(|notes| notes.roots(start)).unwrap_or_default(), None),
            // What was kept when the slot was trained.
            (Side::Defender, Outcome::Trained(commitment)) => {
                let leaves = slots::read_leaves(&folder, &spec, commitment.segments_root);
                ((0u32..).zip(leaves.unwrap_or_default()).collect(), self.lie_in(table.round, &folder))
            }
            (Side::Defender, Outcome::Diverged(_)) => (BTreeMap::new(), self.lie_in(table.round, &folder)),
        };
        let steps = spec.rounds.segment_steps;
        let roots = leaves.into_iter().map(|(leaf, root)| (leaf.saturating_mul(steps), root)).collect();
        let kept = move |segment| start.kept(&folder, &spec, segment);
        Ok(Subject::Slot { place, roots, kept: Box::new(kept), lie })
    }

    /// The lie that is told in a slot: in the first one, and no other.
    pub(super) fn lie_in(&self, round: RoundIndex, folder: &Path) -> Option<Lie> {
        let lie = self.lie.filter(|lie| lie.is_for(round))?;
        let mut lied = self.lied.lock().unwrap_or_else(PoisonError::into_inner);
        (lied.get_or_insert_with(|| folder.into()) == folder).then_some(lie)
    }

    /// Trains a slot with a lie in it, and commits what follows from it.
    pub(super) fn train_lying(&self, job: &Job, base: RoundCheckpoint, lie: Lie) -> anyhow::Result<Ended> {
        let (spec, Task { round, place: slot, .. }) = (&job.spec, job.duty.task);
        let stream = self.stream(job)?;
        let engine = ExactEngine::cpu();
        let place = Place::of(spec, round.round, slot);
        tracing::warn!(task = %job.duty.task, ?lie, "this worker lies, as it was told to");
        if lie.what == What::Noise {
            let noise = format!("noise of {}", job.folder.display());
            let update_digest = crate::blobs::BlobStore::put(&self.blobs, noise.as_bytes())?;
            let segments_root = Digest::of(update_digest.to_string().as_bytes());
            let noise = Commitment { segments_root, update_digest, mean_loss: 2.0.into() };
            return Ok(Ended::Done(Product::Outcome(Outcome::Trained(noise))));
        }
        let (roots, kept) = (BTreeMap::new(), Box::new(|_| None));
        let subject = Subject::Slot { place, roots, kept, lie: Some(lie) };
        let (shared, stream) = (Arc::new(spec.clone()), Some(Arc::new(stream)));
        let mut execution = Execution::new(&engine, &engine, shared, stream, base, subject);
        if slots::keeps_states(spec) {
            for segment in 1..spec.segments() {
                let steps = segment.saturating_mul(spec.rounds.segment_steps);
                if let Some(state) = execution.state_after(steps)? {
                    slots::keep_state(&job.folder, segment, &state)?;
                }
            }
        }
        let (outcome, leaves) = outcome(spec, &mut execution)?;
        if let Outcome::Trained(_) = outcome {
            slots::keep_leaves(&job.folder, &leaves)?;
            crate::blobs::BlobStore::put(&self.blobs, &execution.content(Blob::Own)?)?;
        }
        Ok(Ended::Done(Product::Outcome(outcome)))
    }
}

/// The claim that is wrong, if an audit's notes tell it; it is noted there, for the moves that follow.
fn named(notes: Option<Notes>, table: &Table) -> anyhow::Result<Option<Claim>> {
    let (Some(mut notes), dispute::Subject::Slot { outcome, .. }) = (notes, table.subject) else {
        return Ok(None);
    };
    let claim = notes.wrong(&outcome, &table.published);
    if claim.is_some() && notes.named != claim {
        notes.named = claim;
        notes.keep(&table.folder)?;
    }
    Ok(claim)
}

/// The claim that is wrong.
fn wrong(facts: &Facts<'_>, execution: &mut Execution<'_>) -> Result<Option<Claim>, ExecutionError> {
    let theirs = match facts.subject {
        dispute::Subject::Slot { outcome, .. } => outcome,
        dispute::Subject::Aggregation { result, .. } => {
            return Ok((execution.next_root()? != result).then_some(Claim::Aggregate));
        }
    };
    let (own, _) = outcome(facts.spec, execution)?;
    Ok(match (own, theirs) {
        (own, theirs) if own == theirs => None,
        (_, Outcome::Diverged(_)) => Some(Claim::Divergence),
        (Outcome::Trained(own), Outcome::Trained(theirs)) if own.segments_root == theirs.segments_root => {
            Some(Claim::Finish)
        }
        (_, Outcome::Trained(_)) => Some(Claim::Slot),
    })
}

/// What was seen of a game before; nothing if that cannot be read, for it can only be asked for again.
fn read_seen(file: &Path) -> Seen {
    fs::read(file).ok().and_then(|bytes| Seen::decode_all(&mut bytes.as_slice()).ok()).unwrap_or_default()
}

#[cfg(test)]
#[path = "dispute_tests.rs"]
mod tests;
