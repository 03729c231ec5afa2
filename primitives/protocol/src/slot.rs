//! The life of a slot.
//!
//! ```text
//!            commit in time                window passed
//! Assigned ────────────────► Committed ─────────────────► Final: paid, removed
//!    │
//!    └── deadline passed ──► Expired: opened again for another worker, with the next generation
//! ```
//!
//! Time is the count of *active blocks*, passed in. The functions are total: an impossible step is an error, never a panic.

use crate::{Generation, Outcome};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

pub use crate::ids::ActiveBlock;

/// A slot that was assigned to a worker and is not final.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Slot<Account> {
    /// How often the slot was assigned before.
    pub generation: Generation,
    /// The worker that answers for the slot.
    pub worker: Account,
    /// How far it is.
    pub state: SlotState,
}

/// How far a slot is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum SlotState {
    /// The worker trains; its commitment counts up to and including block `deadline`.
    Assigned {
        /// Last active block in which a commitment is accepted.
        deadline: ActiveBlock,
    },
    /// The worker has committed.
    Committed {
        /// What it committed.
        outcome: Outcome,
        /// From this active block on the outcome is final.
        final_at: ActiveBlock,
    },
}

/// What time alone has made of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotEvent {
    /// Nothing is due.
    None,
    /// The deadline passed without a commitment.
    Expired,
    /// The window passed: the outcome is final.
    Final(Outcome),
}

/// Why a commitment is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// The slot is assigned to another worker.
    #[error("the slot is assigned to another worker")]
    NotYours,
    /// The slot was assigned anew since.
    #[error("the slot was assigned anew: this is a commitment of an earlier generation")]
    WrongGeneration,
    /// There is a commitment already; a worker never gets a second one.
    #[error("the slot has a commitment already")]
    AlreadyCommitted,
    /// The deadline has passed.
    #[error("the slot's deadline has passed")]
    TooLate,
    /// The loss is not finite, or the diverged step does not exist.
    #[error("the outcome is malformed: its loss must be finite, its diverged step one of the slot's")]
    Malformed,
}

impl<Account: PartialEq> Slot<Account> {
    /// A slot that `worker` has `clock` active blocks for, from `now` on.
    pub fn assign(worker: Account, generation: Generation, now: ActiveBlock, clock: u32) -> Self {
        Self { generation, worker, state: SlotState::Assigned { deadline: now.saturating_add(clock) } }
    }

    /// Takes `worker`'s outcome; it is final `window` active blocks later.
    ///
    /// # Errors
    /// [`SlotError`], in the order of its variants; the slot is unchanged then.
    pub fn commit(
        &mut self,
        worker: &Account,
        generation: Generation,
        outcome: Outcome,
        now: ActiveBlock,
        inner_steps: u32,
        window: u32,
    ) -> Result<(), SlotError> {
        if self.worker != *worker {
            return Err(SlotError::NotYours);
        }
        if self.generation != generation {
            return Err(SlotError::WrongGeneration);
        }
        let SlotState::Assigned { deadline } = self.state else { return Err(SlotError::AlreadyCommitted) };
        if now > deadline {
            return Err(SlotError::TooLate);
        }
        if !outcome.is_well_formed(inner_steps) {
            return Err(SlotError::Malformed);
        }
        self.state = SlotState::Committed { outcome, final_at: now.saturating_add(window) };
        Ok(())
    }

    /// What time alone has made of the slot by active block `now`.
    pub fn due(&self, now: ActiveBlock) -> SlotEvent {
        match self.state {
            SlotState::Assigned { deadline } if now > deadline => SlotEvent::Expired,
            SlotState::Committed { outcome, final_at } if now >= final_at => SlotEvent::Final(outcome),
            SlotState::Assigned { .. } | SlotState::Committed { .. } => SlotEvent::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Commitment, Digest, Divergence};
    use proptest::prelude::*;

    fn trained() -> Outcome {
        Outcome::Trained(Commitment {
            segments_root: Digest([1; 32]),
            update_digest: Digest([2; 32]),
            mean_loss: 3.0.into(),
        })
    }

    #[test]
    fn a_commitment_in_time_becomes_final_after_the_window() {
        let mut slot = Slot::assign(7u8, 0, 100, 20);
        assert_eq!(slot.due(120), SlotEvent::None);
        slot.commit(&7, 0, trained(), 120, 10, 60).unwrap();
        assert_eq!(slot.due(179), SlotEvent::None);
        assert_eq!(slot.due(180), SlotEvent::Final(trained()));
    }

    #[test]
    fn commit_is_refused_for_each_reason_and_changes_nothing() {
        let slot = Slot::assign(7u8, 3, 100, 20);
        let bad = Outcome::Diverged(Divergence { step: 10, instruction: 0, element: 0 });
        for (worker, generation, outcome, now, error) in [
            (8, 3, trained(), 100, SlotError::NotYours),
            (7, 2, trained(), 100, SlotError::WrongGeneration),
            (7, 3, trained(), 121, SlotError::TooLate),
            (7, 3, bad, 100, SlotError::Malformed),
        ] {
            let mut tried = slot.clone();
            assert_eq!(tried.commit(&worker, generation, outcome, now, 10, 60), Err(error));
            assert_eq!(tried, slot);
        }
        let mut tried = slot.clone();
        tried.commit(&7, 3, trained(), 100, 10, 60).unwrap();
        assert_eq!(tried.commit(&7, 3, trained(), 100, 10, 60), Err(SlotError::AlreadyCommitted));
    }

    #[test]
    fn an_assigned_slot_expires_after_its_deadline_only() {
        let slot = Slot::assign(7u8, 0, 100, 20);
        assert_eq!(slot.due(120), SlotEvent::None);
        assert_eq!(slot.due(121), SlotEvent::Expired);
    }

    proptest! {
        #[test]
        fn a_slot_is_never_both_expired_and_final(now: u32, clock: u32, window: u32, commit_at: u32, look_at: u32) {
            let mut slot = Slot::assign(7u8, 0, now, clock);
            let committed = slot.commit(&7, 0, trained(), commit_at, 10, window).is_ok();
            match slot.due(look_at) {
                SlotEvent::Expired => prop_assert!(!committed && look_at > now.saturating_add(clock)),
                SlotEvent::Final(_) => prop_assert!(committed && look_at >= commit_at.saturating_add(window)),
                SlotEvent::None => {}
            }
        }
    }
}
