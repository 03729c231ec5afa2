//! What a local run has done so far, as it is on the disk.

use crate::engine::{Observer, StepReport};
use sabha_protocol::{
    Digest, Divergence, Outcome, RoundIndex, SlotIndex, round,
    spec::{RoundSpec, RunSpec},
};
use serde::{Deserialize, Serialize};

/// Losses that the record keeps at most: beyond, every second one goes.
const LOSSES: usize = 4_096;

/// What was done so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalRecord {
    /// Hash of the specification.
    pub spec: Digest,
    /// What each whole round came to.
    pub rounds: Vec<RoundRecord>,
    /// The slots of the next round that have ended, in order.
    pub open: Vec<SlotRecord>,
    /// Steps of the run, from 0, with their losses, the mean over the round's slots: at most some thousand, evenly spaced. Written
    /// when a slot ends or is stopped, so a crash in the middle of a slot may leave a gap.
    pub losses: Vec<(u64, f32)>,
    /// The distance between two recorded steps.
    pub loss_stride: u64,
    /// Steps of the slot in training whose losses are counted.
    pub counted: u32,
}

/// What a round came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundRecord {
    /// Its slots, in order.
    pub slots: Vec<SlotRecord>,
    /// The checkpoint that was made of their updates.
    pub checkpoint: round::Checkpoint,
    /// The held-out loss of that checkpoint, in nats per token, if it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heldout: Option<f32>,
}

/// What a slot came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotRecord {
    /// What a worker would have committed.
    pub outcome: Outcome,
    /// The address of its leaves, if they were published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaves: Option<Digest>,
}

impl RoundRecord {
    /// Mean training loss over the slots that did not diverge; NaN if all did.
    pub fn mean_loss(&self) -> f32 {
        let losses: Vec<f32> = self.slots.iter().filter_map(SlotRecord::mean_loss).collect();
        losses.iter().sum::<f32>() / losses.len() as f32
    }
}

impl SlotRecord {
    fn mean_loss(&self) -> Option<f32> {
        match &self.outcome {
            Outcome::Trained(commitment) => Some(commitment.mean_loss.get()),
            Outcome::Diverged(_) => None,
        }
    }
}

impl LocalRecord {
    /// Of a run that has not begun.
    pub(super) fn new(spec: &RunSpec) -> Self {
        Self { spec: spec.hash(), rounds: vec![], open: vec![], losses: vec![], loss_stride: 1, counted: 0 }
    }

    /// Whether the record can be one of a run.
    pub(super) fn fits(&self, spec: &RunSpec) -> bool {
        self.rounds.len() <= spec.rounds.count as usize
            && self.open.len() <= usize::from(spec.rounds.slots)
            && self.loss_stride > 0
    }

    /// The first of the open round's slots that diverged, if so many did that the chain would pause the run, or too few are left.
    pub(super) fn pauses(&self, rounds: &RoundSpec) -> Option<(SlotIndex, Divergence)> {
        let diverged = (0..).zip(&self.open).filter_map(|(slot, record)| match record.outcome {
            Outcome::Diverged(divergence) => Some((slot, divergence)),
            Outcome::Trained(_) => None,
        });
        let count = diverged.clone().count();
        let left = usize::from(rounds.slots).saturating_sub(count);
        let quorum = usize::from(rounds.quorum);
        diverged.min_by_key(|(slot, _)| *slot).filter(|_| count >= quorum || left < quorum)
    }

    /// A slot of the open round has ended.
    pub(super) fn close_slot(&mut self, slot: SlotRecord) {
        self.open.push(slot);
        self.counted = 0;
    }

    /// The open round is over.
    pub(super) fn close_round(&mut self, round: RoundRecord) {
        self.rounds.push(round);
        self.open.clear();
        self.counted = 0;
    }

    /// Takes in the loss of a step: `step` of the run, from 0, the last of `done` of the slot.
    fn note(&mut self, slot: SlotIndex, step: u64, done: u32, loss: f32) {
        if done <= self.counted {
            // A slot that begins again after a crash comes by the same losses once more.
            return;
        }
        self.counted = done;
        if slot > 0 {
            if let Ok(index) = self.losses.binary_search_by_key(&step, |(step, _)| *step)
                && let Some((_, mean)) = self.losses.get_mut(index)
            {
                *mean += (loss - *mean) / (f32::from(slot) + 1.0);
            }
            return;
        }
        if step.checked_rem(self.loss_stride) == Some(0) {
            self.losses.push((step, loss));
        }
        if self.losses.len() > LOSSES {
            self.loss_stride = self.loss_stride.saturating_mul(2);
            let stride = self.loss_stride;
            self.losses.retain(|(step, _)| step.checked_rem(stride) == Some(0));
        }
    }
}

/// Notes losses, and passes everything on.
pub(super) struct Recorder<'a> {
    pub(super) record: &'a mut LocalRecord,
    pub(super) spec: &'a RunSpec,
    pub(super) observer: &'a mut dyn Observer,
}

impl Observer for Recorder<'_> {
    fn begins(&mut self, round: RoundIndex, slot: SlotIndex, done: u32) {
        self.observer.begins(round, slot, done);
    }

    fn step(&mut self, report: &StepReport) {
        let first = u64::from(report.round) * u64::from(self.spec.rounds.inner_steps);
        let step = (first + u64::from(report.done)).saturating_sub(1);
        self.record.note(report.slot, step, report.done, report.loss);
        self.observer.step(report);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::tiny_spec;
    use sabha_protocol::Commitment;

    fn trained() -> SlotRecord {
        let commitment = Commitment {
            segments_root: Digest([1; 32]),
            update_digest: Digest([2; 32]),
            mean_loss: 1.0.into(),
        };
        SlotRecord { outcome: Outcome::Trained(commitment), leaves: None }
    }

    fn diverged(step: u32) -> SlotRecord {
        let outcome = Outcome::Diverged(Divergence { step, instruction: 0, element: 0 });
        SlotRecord { outcome, leaves: None }
    }

    #[test]
    fn losses_are_means_over_the_slots_and_counted_once() {
        let mut record = LocalRecord::new(&tiny_spec());
        for (slot, losses) in [(0, [1.0, 2.0]), (1, [3.0, 4.0]), (2, [5.0, 6.0])] {
            for (step, loss) in (0u32..).zip(losses) {
                record.note(slot, step.into(), step + 1, loss);
                // After a crash: the same step again.
                record.note(slot, step.into(), step + 1, loss);
            }
            record.close_slot(trained());
        }
        assert_eq!(record.losses, [(0, 3.0), (1, 4.0)]);
    }

    #[test]
    fn long_runs_keep_some_thousand_losses() {
        let mut record = LocalRecord::new(&tiny_spec());
        for step in 0..10_000 {
            record.counted = 0;
            record.note(0, step, 1, step as f32);
        }
        assert_eq!((record.losses.len(), record.loss_stride), (2_500, 4));
        record.counted = 0;
        record.note(1, 8_000, 1, 0.0);
        assert_eq!(record.losses[2_000], (8_000, 4_000.0));
    }

    #[test]
    fn a_run_pauses_when_a_quorum_diverged_or_cannot_be_reached() {
        let mut rounds = tiny_spec().rounds;
        (rounds.slots, rounds.quorum) = (4, 3);
        let mut record = LocalRecord::new(&tiny_spec());
        record.open = vec![trained(), diverged(5)];
        assert_eq!(record.pauses(&rounds), None, "three may still be trained");
        record.open.push(diverged(6));
        assert_eq!(record.pauses(&rounds).map(|(slot, at)| (slot, at.step)), Some((1, 5)));
        (rounds.slots, rounds.quorum) = (5, 2);
        assert!(record.pauses(&rounds).is_some(), "two is a quorum");
        rounds.quorum = 3;
        assert_eq!(record.pauses(&rounds), None);
    }
}
