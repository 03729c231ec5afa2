//! Auditing: executing segments of another worker's slot again.

use super::{EngineWorkshop, notes::Notes};
use crate::{
    daemon::{
        slots,
        task::{Found, Product},
        work::{Ended, Job},
    },
    data::Stream,
    engine::{EngineError, Session, State, StepOutcome, rounds},
    stop::Stop,
};
use sabha_protocol::{Digest, Divergence, Outcome, SlotIndex, audit::answer, spec::RunSpec};

/// Where a slot's steps go on.
struct Replay<'a> {
    spec: &'a RunSpec,
    stream: &'a Stream,
    round: u32,
    slot: SlotIndex,
    session: Box<dyn Session>,
    stop: &'a Stop,
}

/// How far a replay came.
enum Came {
    /// To the step that was asked for; the state's root.
    There(Digest),
    Diverged(Divergence),
    Stopped,
}

impl Replay<'_> {
    /// Goes on until `steps` of the slot are done.
    fn to(&mut self, steps: u32) -> anyhow::Result<Came> {
        let first = self.round.saturating_mul(self.spec.rounds.inner_steps);
        while self.session.steps_done() < steps {
            if self.stop.is_raised() {
                return Ok(Came::Stopped);
            }
            let step = self.session.steps_done();
            let batch = self.stream.training_batch(self.spec, self.round, self.slot, step)?;
            let rate = self.spec.schedule().rate(first.saturating_add(step));
            if let StepOutcome::Diverged(divergence) = self.session.step(&batch, rate)? {
                return Ok(Came::Diverged(divergence));
            }
        }
        Ok(Came::There(self.session.digest()?))
    }
}

/// Keeps what an audit found. Without it a dispute about it is played all the same: the slot is executed again.
fn keep(job: &Job, notes: &Notes) {
    if let Err(error) = notes.keep(&job.folder) {
        tracing::warn!(task = %job.duty.task, %error, "what the audit found is not kept for a dispute");
    }
}

/// Keeps the state that a segment starts from, likewise. The first one is made of the checkpoint.
fn keep_state(job: &Job, segment: u32, state: &dyn Fn() -> Result<State, EngineError>) {
    if segment == 0 || !slots::keeps_states(&job.spec) {
        return;
    }
    let kept = state()
        .map_err(anyhow::Error::from)
        .and_then(|state| slots::keep_state(&job.folder, segment, &state));
    if let Err(error) = kept {
        tracing::warn!(task = %job.duty.task, segment, error = format!("{error:#}"), "a state is not kept for a dispute");
    }
}

impl EngineWorkshop {
    /// Goes on from the slot's start until a segment's end, and notes what is on the way.
    fn replay_to(
        &self,
        job: &Job,
        replay: &mut Replay<'_>,
        segment: u32,
        notes: &mut Notes,
    ) -> anyhow::Result<Came> {
        let steps = job.spec.rounds.segment_steps;
        let begun = replay.session.steps_done().checked_div(steps).unwrap_or(0);
        for leaf in begun..=segment {
            match replay.to(leaf.saturating_mul(steps))? {
                Came::There(root) => {
                    notes.leaves.insert(leaf, Some(root));
                    keep_state(job, leaf, &|| replay.session.state());
                }
                came => {
                    notes.leaves.insert(leaf, None);
                    return Ok(came);
                }
            }
        }
        replay.to(segment.saturating_add(1).saturating_mul(steps))
    }

    /// Executes the segments from the states that the slot's worker serves; if it does not serve them, trains the slot from its start.
    ///
    /// A divergence that was claimed is looked for from the start: until it is found, or the slot ends without one.
    pub(super) fn audit(
        &self,
        job: &Job,
        slot: SlotIndex,
        claim: &Outcome,
        segments: &[u32],
        stop: &Stop,
    ) -> anyhow::Result<Ended> {
        let stream = self.stream(job)?;
        let spec = &job.spec;
        let replay =
            |session| Replay { spec, stream: &stream, round: job.duty.task.round.round, slot, session, stop };
        let end_of = |segment: u32| segment.saturating_add(1).saturating_mul(spec.rounds.segment_steps);
        let from_start = || -> anyhow::Result<_> {
            Ok(replay(self.engine.resume(spec, &rounds::begin(&self.base(job, stop)?))?))
        };
        let found = |answer, unserved| Ok(Ended::Done(Product::Found(Found { answer, unserved })));
        let mut roots = Vec::new();

        let Outcome::Trained(commitment) = claim else {
            let mut notes = Notes { from_start: true, segments: segments.into(), ..Notes::default() };
            let mut replay = from_start()?;
            for segment in 0..spec.segments() {
                match self.replay_to(job, &mut replay, segment, &mut notes)? {
                    Came::There(root) => {
                        notes.leaves.insert(segment.saturating_add(1), Some(root));
                        if segments.contains(&segment) {
                            roots.push(root);
                        }
                    }
                    Came::Diverged(divergence) => {
                        notes.leaves.insert(segment.saturating_add(1), None);
                        keep(job, &notes);
                        return found(answer::of_divergence(&divergence), false);
                    }
                    Came::Stopped => return Ok(Ended::Stopped),
                }
            }
            keep(job, &notes);
            return found(answer::of_roots(&roots), false);
        };

        let found = |answer, unserved| {
            self.served.release(&job.folder);
            found(answer, unserved)
        };
        // Everybody knows the state that the first segment starts from.
        let root = commitment.segments_root;
        let served = |segment: u32, by| self.served.fetch(spec, root, segment, &job.folder, by, stop);
        let wanted: Vec<u32> = segments.iter().copied().filter(|segment| *segment > 0).collect();
        let is_served = |(index, segment): (usize, &u32)| {
            served(*segment, job.time.by(wanted.len().saturating_sub(index))).is_some()
        };
        let unserved = !wanted.iter().enumerate().all(is_served);
        // A fetch that was stopped says nothing of the slot's worker.
        if stop.is_raised() {
            return Ok(Ended::Stopped);
        }
        if unserved && !job.time.is_short() {
            let reason =
                "the slot's worker does not serve the states that the segments start from yet".into();
            return Ok(Ended::Waits { reason });
        }
        let mut notes = Notes { from_start: unserved, segments: segments.into(), ..Notes::default() };
        let mut whole = if unserved { Some(from_start()?) } else { None };
        for segment in segments {
            let came = match &mut whole {
                Some(replay) => self.replay_to(job, replay, *segment, &mut notes)?,
                None => {
                    let start: State = match segment {
                        0 => rounds::begin(&self.base(job, stop)?),
                        _ => served(*segment, job.time.by(1)).ok_or_else(|| {
                            anyhow::anyhow!("the state of segment {segment} is served no more")
                        })?,
                    };
                    keep_state(job, *segment, &|| Ok(start.clone()));
                    notes.leaves.insert(*segment, Some(start.root()));
                    replay(self.engine.resume(spec, &start)?).to(end_of(*segment))?
                }
            };
            let leaf = segment.saturating_add(1);
            match came {
                Came::There(root) => {
                    notes.leaves.insert(leaf, Some(root));
                    roots.push(root);
                }
                Came::Diverged(divergence) => {
                    notes.leaves.entry(leaf).or_insert(None);
                    keep(job, &notes);
                    return found(answer::of_divergence(&divergence), unserved);
                }
                Came::Stopped => return Ok(Ended::Stopped),
            }
        }
        keep(job, &notes);
        found(answer::of_roots(&roots), unserved)
    }
}
