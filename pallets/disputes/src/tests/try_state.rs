//! Every corruption is found.

use frame_support::traits::{fungible::MutateHold, tokens::Precision::Exact};
use pallet_sabha_training::{Rounds, SeatOf, Seats, Slots};
use sabha_protocol::{
    Digest,
    dispute::{Answer, Claim},
};

use super::stage::*;
use crate::{Games, HoldReason, LastShown, NextGame, Risk, Shown, Stage, Target, mock::*};

/// A challenge of a slot, and one of the aggregation.
fn scene() {
    let id = window_of(&all_honest());
    challenge(BOB, id, slot_0(id), Claim::Begin);
    challenge(BOB, id, Target::Aggregation, Claim::Aggregate);
    check();
}

fn change(game: u32, change: impl FnOnce(&mut crate::DisputeOf<Test>)) {
    Games::<Test>::mutate(game, |dispute| change(dispute.as_mut().unwrap()));
}

#[test]
fn every_corruption_is_found() {
    let corruptions: Vec<(fn(), &str)> = vec![
        (|| NextGame::<Test>::put(1), "from the future"),
        (|| change(0, |dispute| dispute.risk = Risk::Bond(1)), "not the sum of bonds"),
        (
            || {
                Balances::release(&HoldReason::Challenge.into(), &BOB, 1, Exact).unwrap();
            },
            "not the sum of bonds",
        ),
        (
            || {
                // Of an account that has no game.
                Balances::hold(&HoldReason::Challenge.into(), &ALICE, 1).unwrap();
            },
            "not the sum of bonds",
        ),
        (
            || {
                let (before, nodes) =
                    (playing(0), || Answer::Nodes { row: Default::default(), path: Default::default() });
                LastShown::<Test>::insert(77, Shown { before, answer: nodes() });
            },
            "of no game",
        ),
        (|| change(0, |dispute| dispute.stage = Stage::Naming { until: 1 }), "names no claim"),
        (|| change(1, |dispute| dispute.risk = Risk::Seat(0)), "audits no aggregation"),
        (|| change(0, |dispute| dispute.defender = 99), "made no claim"),
        (|| change(1, |dispute| dispute.defender = 99), "made no claim"),
        (
            || {
                Slots::<Test>::mutate((0, ROUND, 0), |slot| slot.as_mut().unwrap().checks.challenges = 2);
            },
            "a slot's challenges are not the games",
        ),
        (
            || {
                Slots::<Test>::mutate((0, ROUND, 1), |slot| slot.as_mut().unwrap().checks.open = 1);
            },
            "disagreements are not the games",
        ),
        (
            || {
                Rounds::<Test>::mutate(0, ROUND, |round| round.as_mut().unwrap().root_challenges = 2);
            },
            "challenges of an aggregation are not the games",
        ),
    ];
    all_found(scene, corruptions);
}

/// A disagreement of the auditor in seat 0.
fn disagreement() {
    let runs = all_honest();
    let id = window_of(&runs);
    audited(id, &runs, |place, slot, segments| match place {
        0 => Digest([66; 32]),
        _ => truth(place, slot, segments),
    });
    assert_eq!(Games::<Test>::get(0).unwrap().risk, Risk::Seat(0));
    check();
}

fn seat(change: impl FnOnce(&mut SeatOf<Test>)) {
    Seats::<Test>::mutate((0, ROUND, 0), |seat| change(seat.as_mut().unwrap()));
}

#[test]
fn every_corruption_of_a_disagreement_is_found() {
    all_found(
        disagreement,
        vec![
            (|| seat(|seat| seat.auditor = 99), "of another's seat"),
            (|| seat(|seat| seat.slot = (seat.slot + 1) % 3), "of another's seat"),
            (|| Seats::<Test>::remove((0, ROUND, 0)), "disagreements are not the games"),
            (|| Games::<Test>::remove(0), "disagreements are not the games"),
        ],
    );
}

fn all_found(scene: fn(), corruptions: Vec<(fn(), &str)>) {
    for (corrupt, expected) in corruptions {
        ext().execute_with(|| {
            scene();
            corrupt();
            let error = Disputes::do_try_state().expect_err(expected);
            let text = format!("{error:?}");
            assert!(text.contains(expected), "{text} instead of {expected}");
        });
    }
}
