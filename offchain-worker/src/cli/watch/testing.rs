//! Runs, rounds and slots for the tests of this module.

use super::changes::Snapshot;
use crate::{
    chain::{Round, Run, RunStatus, Slot},
    keys::AccountId,
};
use sabha_protocol::{
    Commitment, Digest, Outcome, RoundKey, SlotIndex, SlotSet, UNITS,
    audit::Audits,
    round::{Checks, Phase, SlotState},
};
use std::collections::BTreeMap;

pub(super) fn account(byte: u8) -> AccountId {
    AccountId::from([byte; 32])
}

pub(super) const KEY: RoundKey = RoundKey { round: 1, attempt: 0 };

pub(super) fn round(phase: Phase<AccountId>) -> Round {
    Round {
        key: KEY,
        frozen: 3,
        base: None,
        phase,
        void: None,
        open: SlotSet::default(),
        committed: SlotSet::default(),
        diverged: SlotSet::default(),
        faulty: SlotSet::default(),
        accepted: SlotSet::default(),
        result: None,
        owes_aggregator: false,
        audits: Audits::NotYet,
        audit_word: None,
        unanswered: SlotSet::default(),
        seats: 0,
        sealed: 0,
        answered: 0,
        disagreements: 0,
        challenges: 0,
        root_challenges: 0,
        root_lapses: 0,
        extended: false,
        unsettled: 1,
    }
}

pub(super) fn slot(generation: u16, state: SlotState<AccountId>) -> (SlotIndex, Slot) {
    (0, Slot { generation, state, checks: Checks::default() })
}

pub(super) fn assigned(generation: u16, worker: u8) -> (SlotIndex, Slot) {
    slot(generation, SlotState::Assigned { worker: account(worker), until: 120 })
}

pub(super) fn committed(outcome: Outcome) -> (SlotIndex, Slot) {
    slot(0, SlotState::Committed { worker: account(1), outcome })
}

pub(super) fn trained() -> Outcome {
    Outcome::Trained(Commitment {
        segments_root: Digest([2; 32]),
        update_digest: Digest([3; 32]),
        mean_loss: 1.5.into(),
    })
}

pub(super) fn snapshot(live: Vec<(Round, Vec<(SlotIndex, Slot)>)>) -> Snapshot {
    let run = Run {
        id: 3,
        owner: account(9),
        spec_hash: Digest([1; 32]),
        status: RunStatus::Open,
        pause: None,
        rounds: 4,
        funded: 10 * UNITS,
        regained: 0,
        paid: 0,
        refunded: 0,
        escrow: 10 * UNITS,
        kept: 0,
        next: KEY,
        open: vec![KEY],
        finalised: 0,
        checkpoint: None,
    };
    Snapshot { run, live, seats: BTreeMap::new() }
}
