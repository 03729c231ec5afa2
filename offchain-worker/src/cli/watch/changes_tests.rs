use super::{super::testing::*, *};
use sabha_protocol::{
    SlotSet, UNITS,
    audit::{Audits, SeatState},
    round::{Checkpoint, Phase, VoidReason},
};

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
