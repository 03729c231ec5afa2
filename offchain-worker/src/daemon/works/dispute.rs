//! Playing in disputes, and training as a cheat would.

use super::EngineWorkshop;
use crate::{
    daemon::{
        slots,
        task::{Product, Task},
        work::{Ended, Job, Position, Said, Table},
    },
    engine::{
        ExactEngine,
        disputes::{Execution, ExecutionError, Lie, Subject, What},
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
        self, Claim, Facts, Part, Side,
        player::{Blob, Book, PlayError, Seen, answer, challenge},
        record::{Phase, Shown},
    },
    programs, segments_root,
    spec::F32Bits,
};
use std::{collections::BTreeMap, fs, path::Path, sync::PoisonError};

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

impl EngineWorkshop {
    /// Plays one side of a dispute.
    pub(super) fn dispute(
        &self,
        table: &Table,
        positions: &mut dyn FnMut() -> Option<Position>,
        say: &mut dyn FnMut(Digest, Said),
        stop: &Stop,
    ) -> anyhow::Result<()> {
        let spec = &table.spec;
        self.memory.admit_training(spec)?;
        let base = self.checkpoint(spec, table.base, &table.origins, stop)?;
        let engine = ExactEngine::cpu();
        let stream = match table.subject {
            dispute::Subject::Slot { .. } => Some(self.stream_of(spec)?),
            dispute::Subject::Aggregation { .. } => None,
        };
        let subject = self.subject(table)?;
        let mut execution = Execution::new(&engine, spec, stream.as_ref(), base, subject);
        let digests: Vec<Digest> = table.updates.iter().map(|(_, digest)| *digest).collect();
        let update = |place: u32| digests.get(usize::try_from(place).ok()?).copied();
        let facts = Facts {
            spec,
            round: table.round,
            base: table.base.map(|checkpoint| checkpoint.root),
            subject: table.subject,
            update: &update,
        };
        let mut seen = read_seen(&table.seen);
        while let Some(position) = positions() {
            if stop.is_raised() {
                return Ok(());
            }
            if let Some(Shown { before, answer }) = &position.shown
                && table.side == Side::Challenger
            {
                seen.look(&facts, before, answer);
                files::write_atomic(&table.seen, &seen.encode())?;
            }
            let said = match (&position.phase, table.side) {
                (Phase::Naming { .. }, _) => wrong(&facts, &mut execution)?.map_or(Said::Nothing, Said::Name),
                (Phase::Playing(game), Side::Defender) => {
                    answer(&facts, game, &mut execution).map(Said::Answer).context("the answer")?
                }
                (Phase::Playing(game), Side::Challenger) => {
                    match challenge(&facts, game, &mut execution, &seen) {
                        Ok(made) => Said::Press(made),
                        Err(PlayError::NothingWrong) => Said::Nothing,
                        Err(error) => return Err(error).context("the move"),
                    }
                }
            };
            say(position.name(), said);
        }
        Ok(())
    }

    /// The claim of a slot or an aggregation that is wrong, by executing it.
    ///
    /// # Errors
    /// As for [`Self::dispute`].
    pub(crate) fn find_wrong(&self, table: &Table, stop: &Stop) -> anyhow::Result<Option<Claim>> {
        let until = ActiveBlock::MAX;
        let mut asked = Some(Position { phase: Phase::Naming { until }, shown: None });
        let mut found = None;
        self.dispute(table, &mut || asked.take(), &mut |_, said| found = Some(said), stop)?;
        Ok(match found {
            Some(Said::Name(claim)) => Some(claim),
            _ => None,
        })
    }

    fn subject(&self, table: &Table) -> anyhow::Result<Subject> {
        let dispute::Subject::Slot { slot, outcome } = table.subject else {
            let mut updates = Vec::new();
            for (slot, digest) in &table.updates {
                let place = Place::of(&table.spec, table.round, *slot);
                let update = store::fetch_update(&self.blobs, &table.spec, place, *digest);
                updates.push(update.with_context(|| format!("the update of slot {slot}"))?);
            }
            return Ok(Subject::Aggregation(updates));
        };
        let place = Place::of(&table.spec, table.round, slot);
        let (Side::Defender, Outcome::Trained(commitment)) = (table.side, outcome) else {
            let lie = match table.side {
                Side::Defender => self.lie_in(table.round, &table.folder),
                Side::Challenger => None,
            };
            return Ok(Subject::Slot { place, roots: BTreeMap::new(), kept: Box::new(|_| None), lie });
        };
        // What was kept when the slot was trained.
        let rounds = &table.spec.rounds;
        let leaves = slots::read_leaves(&table.folder, &table.spec, commitment.segments_root);
        let roots = (0u32..)
            .zip(leaves.unwrap_or_default())
            .map(|(segment, leaf)| (segment.saturating_mul(rounds.segment_steps), leaf))
            .collect();
        let folder = table.folder.clone();
        let spec = table.spec.clone();
        let kept = move |segment| slots::kept_state(&folder, &spec, segment);
        Ok(Subject::Slot { place, roots, kept: Box::new(kept), lie: self.lie_in(table.round, &table.folder) })
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
        let mut execution = Execution::new(&engine, spec, Some(&stream), base, subject);
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
