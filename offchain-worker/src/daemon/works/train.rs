//! Training a slot.

use super::EngineWorkshop;
use crate::{
    daemon::{
        slots,
        task::{Product, Task},
        work::{Ended, Job},
    },
    engine::{
        EngineError, Observer, SlotEnd, SlotJob, State, StepReport, Trained,
        rounds::{self, Place, RoundCheckpoint, store},
        run_slot,
    },
    metrics::metrics,
    stop::Stop,
};
use anyhow::Context;
use sabha_protocol::{Commitment, Digest, Outcome};
use std::time::{Duration, Instant};

/// The least time between two log lines about progress.
const TELL_EVERY: Duration = Duration::from_secs(10);

impl EngineWorkshop {
    pub(super) fn train(&self, job: &Job, stop: &Stop) -> anyhow::Result<Ended> {
        let base = self.base(job, stop)?;
        let at = job.duty.task.round;
        if self.lie.is_some_and(|lie| lie.is_told_in(at))
            && let Some(lie) = self.lie_in(at.round, &job.folder)
        {
            return self.train_lying(job, base, lie);
        }
        Ok(match self.run(job, &base, stop)? {
            SlotEnd::Parked { step } => Ended::Parked { step },
            SlotEnd::Diverged(divergence) => Ended::Done(Product::Outcome(Outcome::Diverged(divergence))),
            SlotEnd::Trained(trained) => {
                Ended::Done(Product::Outcome(self.commitment(job, &base, *trained)?))
            }
        })
    }

    /// The leaves of a slot that was committed, made again because they are gone.
    pub(super) fn leaves_again(
        &self,
        job: &Job,
        segments_root: Digest,
        segments: &[u32],
        stop: &Stop,
    ) -> anyhow::Result<Ended> {
        tracing::warn!(task = %job.duty.task, "the leaves are gone: training the slot again for them");
        let base = self.base(job, stop)?;
        let trained = match self.run(job, &base, stop)? {
            SlotEnd::Parked { step } => return Ok(Ended::Parked { step }),
            SlotEnd::Trained(trained) => trained,
            SlotEnd::Diverged(at) => {
                anyhow::bail!("the slot diverges at step {}, an update was committed", at.step)
            }
        };
        anyhow::ensure!(
            trained.segments_root == segments_root,
            "the slot comes to the root {}, {segments_root} was committed",
            trained.segments_root
        );
        slots::keep_leaves(&job.folder, &trained.leaves)?;
        let openings = slots::openings(&trained.leaves, segments).context("there are no such segments")?;
        Ok(Ended::Done(Product::Leaves(openings)))
    }

    fn run(&self, job: &Job, base: &RoundCheckpoint, stop: &Stop) -> anyhow::Result<SlotEnd> {
        let (spec, Task { run, round, place: slot, .. }) = (&job.spec, job.duty.task);
        let stream = self.stream(job)?;
        // A state that was parked for another basis would give a wrong result.
        let work = serde_json::to_string(&(run, round, slot, job.duty.basis.spec, job.duty.basis.base))?;
        let park = slots::parked(&job.folder);
        let (round, save_every) = (round.round, self.save_every);
        let slot = SlotJob { spec, stream: &stream, round, slot, park: &park, work: &work, save_every };
        let mut log = Log {
            job,
            told: Instant::now(),
            keeps: slots::keeps_states(spec),
            tokens: u64::from(spec.rounds.batch).saturating_mul(spec.model.context.into()),
        };
        let start = || Ok(base.parameters().clone());
        run_slot(self.engine.as_ref(), &slot, start, &mut log, stop)
    }

    /// The leaves first, then the update: without its leaves a committed slot would fail.
    fn commitment(&self, job: &Job, base: &RoundCheckpoint, trained: Trained) -> anyhow::Result<Outcome> {
        let (spec, task) = (&job.spec, job.duty.task);
        slots::keep_leaves(&job.folder, &trained.leaves)?;
        let place = Place::of(spec, task.round.round, task.place);
        let finished = rounds::finish(spec, place, base.parameters(), &trained.checkpoint, trained.loss_sum)?;
        Ok(Outcome::Trained(Commitment {
            segments_root: trained.segments_root,
            update_digest: store::publish_update(&self.blobs, &finished.update)?,
            mean_loss: finished.mean_loss.into(),
        }))
    }
}

/// Tells of progress now and then, and keeps the states that auditors may ask for.
struct Log<'a> {
    job: &'a Job,
    told: Instant,
    keeps: bool,
    /// Of one step.
    tokens: u64,
}

impl Observer for Log<'_> {
    fn step(&mut self, report: &StepReport) {
        metrics().stepped(self.job.duty.task.run, self.tokens, report.loss);
        if self.told.elapsed() >= TELL_EVERY {
            let (task, of) = (self.job.duty.task, self.job.spec.rounds.inner_steps);
            tracing::info!(%task, step = report.done, of, loss = report.loss, "training");
            self.told = Instant::now();
        }
    }

    fn segment_ends(&mut self, done: u32, state: &dyn Fn() -> Result<State, EngineError>) {
        let rounds = &self.job.spec.rounds;
        // No segment starts from the last state.
        if !self.keeps || done >= rounds.inner_steps {
            return;
        }
        let segment = done.checked_div(rounds.segment_steps).unwrap_or(0);
        let kept = state()
            .map_err(anyhow::Error::from)
            .and_then(|state| slots::keep_state(&self.job.folder, segment, &state));
        if let Err(error) = kept {
            // Auditors train the slot from its start then. This worker pays for that only if two or more of them say so together,
            // and there are seldom two for one slot.
            tracing::warn!(task = %self.job.duty.task, segment, error = format!("{error:#}"), "a state for auditors is not kept");
        }
    }
}
