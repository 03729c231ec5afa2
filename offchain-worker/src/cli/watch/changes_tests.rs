use super::*;
use crate::chain::RunStatus;
use sabha_protocol::{
    Commitment, SlotSet, UNITS,
    audit::{Audits, SeatState},
    round::{Checkpoint, Checks, Phase, VoidReason},
};

fn account(byte: u8) -> AccountId {
    AccountId::from([byte; 32])
}

const KEY: RoundKey = RoundKey { round: 1, attempt: 0 };

fn round(phase: Phase<AccountId>) -> Round {
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

fn slot(generation: u16, state: SlotState<AccountId>) -> (SlotIndex, Slot) {
    (0, Slot { generation, state, checks: Checks::default() })
}

fn assigned(generation: u16, worker: u8) -> (SlotIndex, Slot) {
    slot(generation, SlotState::Assigned { worker: account(worker), until: 120 })
}

fn committed(outcome: Outcome) -> (SlotIndex, Slot) {
    slot(0, SlotState::Committed { worker: account(1), outcome })
}

fn trained() -> Outcome {
    Outcome::Trained(Commitment {
        segments_root: Digest([2; 32]),
        update_digest: Digest([3; 32]),
        mean_loss: 1.5.into(),
    })
}

fn snapshot(live: Vec<(Round, Vec<(SlotIndex, Slot)>)>) -> Snapshot {
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

const TRAINING: Phase<AccountId> = Phase::Training { until: 200 };

#[test]
fn the_first_look_tells_what_there_is_and_the_same_look_nothing() {
    let now = snapshot(vec![(round(TRAINING), vec![assigned(0, 1)])]);
    let found = changes(None, &now);
    assert!(matches!(found[0], Change::Status { status: "open", finalised: 0, rounds: 4 }));
    assert!(matches!(found[1], Change::Opened { key: KEY, base: None }));
    assert!(matches!(found[2], Change::Assigned { slot: 0, generation: 0, until: 120, .. }));
    assert!(matches!(found[3], Change::Phase { phase: "training", accepted: None, .. }));
    assert_eq!(found.len(), 4);
    assert!(changes(Some(&now), &now).is_empty());
}

#[test]
fn a_round_is_told_step_by_step() {
    let training = snapshot(vec![(round(TRAINING), vec![assigned(0, 1)])]);
    let done = snapshot(vec![(round(TRAINING), vec![committed(trained())])]);
    let found = changes(Some(&training), &done);
    assert!(matches!(found[..], [Change::Committed { loss: 1.5, .. }]), "{found:?}");

    let checkpoint = Checkpoint { root: Digest([5; 32]), blob: Digest([6; 32]) };
    let mut accepted = SlotSet::default();
    accepted.insert(0);
    let window = Round {
        accepted,
        result: Some((checkpoint, account(4))),
        audits: Audits::Sealing { until: 9 },
        seats: 2,
        sealed: 1,
        ..round(Phase::Window { until: 300 })
    };
    let built = snapshot(vec![(window, vec![committed(trained())])]);
    let found = changes(Some(&done), &built);
    assert!(
        matches!(
            found[..],
            [
                Change::Phase { phase: "window", accepted: Some(1), .. },
                Change::Built { root: Digest([5, ..]), checkpoint: Digest([6, ..]), .. },
                Change::Audits { audits: "sealing", seats: 2, sealed: 1, answered: 0, .. }
            ]
        ),
        "{found:?}"
    );

    let mut paid = snapshot(vec![]);
    (paid.run.paid, paid.run.finalised) = (UNITS, 1);
    let found = changes(Some(&built), &paid);
    assert!(
        matches!(
            found[..],
            [
                Change::Settled { key: KEY },
                Change::Paid { paid: UNITS, paid_in_all: UNITS },
                Change::Status { finalised: 1, .. }
            ]
        ),
        "{found:?}"
    );
}

#[test]
fn an_auditor_is_told_once_with_its_slot() {
    let before = snapshot(vec![(round(Phase::Window { until: 9 }), vec![committed(trained())])]);
    let seat = Seat { auditor: account(5), slot: 0, generation: 0, state: SeatState::Drawn };
    let now = Snapshot { seats: [((KEY, 1), seat)].into(), ..before.clone() };
    let found = changes(Some(&before), &now);
    assert_eq!(found, [Change::Auditor { key: KEY, seat: 1, slot: 0, auditor: account(5) }]);
    assert!(changes(Some(&now), &now).is_empty());
}

#[test]
fn a_missed_deadline_is_told_before_the_next_assignment() {
    let first = snapshot(vec![(round(TRAINING), vec![assigned(0, 1)])]);
    let second = snapshot(vec![(round(TRAINING), vec![assigned(1, 2)])]);
    let found = changes(Some(&first), &second);
    assert!(matches!(
        found[..],
        [Change::Lost { generation: 0, .. }, Change::Assigned { generation: 1, .. }]
    ));
    let vacant = snapshot(vec![(round(TRAINING), vec![slot(1, SlotState::Vacant)])]);
    assert!(matches!(changes(Some(&first), &vacant)[..], [Change::Lost { .. }]));
}

#[test]
fn faults_disagreements_and_voids_are_told_once() {
    let before = snapshot(vec![(round(Phase::Window { until: 9 }), vec![committed(trained())])]);
    let mut faulty = SlotSet::default();
    faulty.insert(0);
    let void = Some(VoidReason::Convicted);
    let bad = Round { faulty, disagreements: 1, void, ..round(Phase::Window { until: 9 }) };
    let now = snapshot(vec![(bad, vec![committed(trained())])]);
    let found = changes(Some(&before), &now);
    assert!(
        matches!(
            found[..],
            [
                Change::Disagreement { open: 1, .. },
                Change::Fault { slot: 0, .. },
                Change::Voided { reason: Void::Convicted, .. }
            ]
        ),
        "{found:?}"
    );
    assert!(changes(Some(&now), &now).is_empty());
}

#[test]
fn a_divergence_is_told_with_its_place() {
    let diverged = Outcome::Diverged(Divergence { step: 3, instruction: 345, element: 6 });
    let found = changes(None, &snapshot(vec![(round(TRAINING), vec![committed(diverged)])]));
    assert!(matches!(found[2], Change::Diverged { step: 3, instruction: 345, element: 6, .. }));
}

/// Scripts read these lines.
#[test]
fn every_change_is_an_object_with_its_round_beside_its_name() {
    let now = snapshot(vec![(round(TRAINING), vec![committed(trained())])]);
    for change in changes(None, &now) {
        let value = serde_json::to_value(&change).unwrap();
        assert!(value["event"].is_string(), "{value}");
        if value["event"] == "committed" {
            assert_eq!((&value["round"], &value["slot"]), (&1.into(), &0.into()), "{value}");
        }
    }
}
