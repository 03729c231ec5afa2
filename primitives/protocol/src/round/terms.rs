//! What the state machine needs of a specification.

use crate::{
    Attempt, Balance, Generation, RunId, RunSpec,
    defaults::ASSIGNMENT,
    spec::{AuditSpec, ClockSpec, RoundSpec, limits},
};

/// The terms of a run's rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The run.
    pub run: RunId,
    /// Shape of the rounds.
    pub rounds: RoundSpec,
    /// How much is checked.
    pub audit: AuditSpec,
    /// Deadlines.
    pub clocks: ClockSpec,
    /// What a slot pays, in units of 10^-12 SBH.
    pub price: Balance,
    /// What a slot, and the aggregation, reserve, in units of 10^-12 SBH.
    pub stake: Balance,
    /// What a round pays at most, in units of 10^-12 SBH.
    pub round_cost: Balance,
    /// Segments of a slot.
    pub segments: u32,
}

impl Terms {
    /// The terms of a specification.
    pub fn new(run: RunId, spec: &RunSpec) -> Self {
        Self {
            run,
            rounds: spec.rounds,
            audit: spec.audit,
            clocks: spec.clocks,
            price: spec.price_per_slot,
            stake: spec.stake_per_slot,
            round_cost: spec.round_cost(),
            segments: spec.segments(),
        }
    }

    /// How long training as a whole may last: every try of a slot with its whole clock, and with the time that it takes to find a
    /// worker for it.
    pub fn longest_training(&self) -> u32 {
        let once = self.clocks.training.saturating_add(ASSIGNMENT);
        once.saturating_mul(self.rounds.tries.into())
    }

    /// The first generation of an attempt's slots: no two attempts share one.
    pub fn first_generation(&self, attempt: Attempt) -> Generation {
        attempt.saturating_mul(limits::TRIES)
    }
}
