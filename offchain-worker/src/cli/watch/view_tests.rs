use super::{super::testing::*, *};
use sabha_protocol::{
    Digest, UNITS,
    audit::Audits,
    dispute::record::{Phase as Progress, Risk},
    round::Phase,
};

fn scene() -> Scene {
    Scene { node: "ws://a:1".into(), block: 120, active: 118, ..Scene::default() }
}

const SIZE: Size = Size { rows: 40, columns: 49 };

fn seat(slot: u16, state: SeatState) -> Seat<AccountId> {
    Seat { auditor: account(2), slot, generation: 0, state }
}

fn a_run() -> Snapshot {
    let window = Round {
        audits: Audits::Sealing { until: 9 },
        seats: 2,
        sealed: 1,
        ..round(Phase::Window { until: 300 })
    };
    let next = RoundKey { round: 2, attempt: 1 };
    let training = Round { key: next, ..round(Phase::Training { until: 200 }) };
    let mut now = snapshot(vec![
        (window, vec![committed(trained())]),
        (training, vec![assigned(0, 1), (1, slot(0, SlotState::Lost).1)]),
    ]);
    now.seats.insert((KEY, 0), seat(0, SeatState::Sealed(Digest([1; 32]))));
    now.seats.insert((KEY, 1), seat(0, SeatState::Drawn));
    now.run.finalised = 1;
    now.run.paid = 5 * UNITS;
    now
}

fn a_dispute() -> Dispute {
    Dispute {
        run: 3,
        round: KEY,
        target: Target::Slot { slot: 0, generation: 0 },
        challenger: account(2),
        defender: account(1),
        risk: Risk::Seat(0),
        stage: Progress::Naming { until: 140 },
    }
}

#[test]
fn a_run_is_drawn() {
    let mut scene = scene();
    scene.disputes.push((4, a_dispute()));
    scene.losses = [(0, 4.0), (1, 2.0), (2, 1.5)].into();
    scene.note("#119  round 2 is open".into());
    let found = lines(&a_run(), &scene, SIZE);
    let (one, two) = (short(&account(1)), short(&account(2)));
    let expected = format!(
        "\
run 3  open  █████░░░░░░░░░░░░░░░ 1 of 4 rounds final  5 SBH paid
block 120, active block 118, from ws://a:1

round 2, attempt 1  training until 200
  slot 0  {one}  trains until 120
  slot 1  lost

round 1  window until 300  audits sealing: 1 of 2 sealed, 0 revealed
  slot 0  {one}  trained, loss 1.5000
  seat 0  {two}  audits slot 0, sealed
  seat 1  {two}  audits slot 0, executes

disputes
  game 4  slot 0 of round 1  {two} against {one}, the challenger's turn until 140

mean loss of the slots, rounds 0 to 2: 1.5000
"
    );
    let (head, curve) = found.split_at(expected.lines().count());
    assert_eq!(head, expected.lines().collect::<Vec<_>>());
    assert_eq!(&curve[..CURVE], chart(&[4.0, 2.0, 1.5], CURVE, SIZE.columns));
    assert_eq!(&curve[CURVE..], ["", "happened", "  #119  round 2 is open"]);
}

#[test]
fn a_small_terminal_shows_the_newest_and_never_more_than_it_has() {
    let mut scene = scene();
    for number in 0..500 {
        scene.note(format!("line {number}"));
    }
    assert_eq!(scene.happened.len(), REMEMBERED);
    for rows in 8..60 {
        let found = lines(&a_run(), &scene, Size { rows, columns: 40 });
        assert!(found.len() <= rows, "{rows}: {found:?}");
        assert_eq!(found.last().unwrap(), "  line 499", "{rows}");
    }
    let found = lines(&a_run(), &scene, Size { rows: 12, columns: 40 });
    assert!(found.iter().any(|line| line.starts_with("round 2")), "{found:?}");
    assert!(found.contains(&"… and 1 more rounds".to_string()), "{found:?}");
}

#[test]
fn the_loss_of_a_round_is_the_mean_of_its_slots() {
    let mut scene = scene();
    let diverged = Outcome::Diverged(sabha_protocol::Divergence { step: 1, instruction: 2, element: 3 });
    let now = snapshot(vec![(
        round(Phase::Final),
        vec![committed(trained()), committed(diverged), assigned(0, 1)],
    )]);
    scene.note_losses(&now);
    assert_eq!(scene.losses, [(1, 1.5)].into());
    // It is settled, and stays on the curve.
    scene.note_losses(&snapshot(vec![]));
    assert_eq!(scene.losses.len(), 1);
}
