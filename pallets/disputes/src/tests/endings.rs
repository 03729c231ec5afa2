//! Nothing is left of a game, however it ends: no record, no bond, no reserved stake; and nothing of the run when that is over.

use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold};
use pallet_sabha_training::{
    Attesters, Error as TrainingError, Passes, Rounds, RunStatus, Runs, Seats, Slots, Specs, WorkerStatus,
    Workers,
};
use sabha_protocol::{
    Digest, RunId,
    audit::SeatState,
    dispute::{Claim, Part, Side},
};

use super::{
    stage::*,
    world::{aggregate, honest, lie_at_end, train},
};
use crate::{Error, Event, GameId, Games, Risk, Target, mock::*};

/// The run is stopped, and everybody leaves: no record and no hold is left.
fn nothing_is_left(id: RunId) {
    no_games();
    check();
    if Runs::<Test>::get(id).is_some_and(|run| run.status == RunStatus::Open) {
        assert_ok!(Training::stop_run(RuntimeOrigin::root(), id));
    }
    until(1_500, || Runs::<Test>::get(id).is_some_and(|run| run.status.is_over()));
    assert_eq!(Rounds::<Test>::iter().count(), 0);
    assert_eq!(Slots::<Test>::iter().count(), 0);
    assert_eq!(Seats::<Test>::iter().count(), 0);
    assert_eq!(Attesters::<Test>::iter().count(), 0);
    assert_eq!(Passes::<Test>::iter().count(), 0);
    assert!(!Specs::<Test>::contains_key(id));
    let over = Runs::<Test>::get(id).unwrap();
    assert_eq!((over.progress.escrow, over.kept), (0, 0));
    let owners: Vec<AccountId> = Workers::<Test>::iter_keys().collect();
    for owner in &owners {
        let worker = Workers::<Test>::get(owner).unwrap();
        assert_eq!((worker.reserved, worker.is_bound()), (0, false), "{owner}");
        if !matches!(worker.status, WorkerStatus::Unbonding { .. }) {
            assert_ok!(Training::unbond(signed(*owner)));
        }
    }
    // Its own jail, and the tickets that may still be drawn, are over as well.
    pass(400);
    for owner in owners {
        assert_ok!(Training::withdraw(signed(owner)));
    }
    for who in 1..=ACCOUNTS {
        assert_eq!(Balances::total_balance_on_hold(&who), 0, "{who}");
    }
    no_games();
}

/// The poisoned second segment of slot 0, in its window.
fn poisoned() -> (RunId, super::world::Run) {
    let liar = train(0, Some(lie_at_end(Part::Step(3))));
    (window_of(&with_slot_0(liar.clone())), liar)
}

#[test]
fn a_conviction_by_verdict() {
    run(|| {
        let (id, mut liar) = poisoned();
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        assert_eq!(play(game, &mut liar, &mut honest(0)), Came::Decided(Side::Defender));
        nothing_is_left(id);
    });
}

#[test]
fn an_acquittal_by_verdict() {
    run(|| {
        let id = window_of(&all_honest());
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        let mut mistaken = train(0, Some(lie_at_end(Part::Step(3))));
        assert_eq!(play(game, &mut honest(0), &mut mistaken), Came::Decided(Side::Challenger));
        nothing_is_left(id);
    });
}

#[test]
fn a_conviction_by_the_clock() {
    run(|| {
        let id = window_of(&all_honest());
        let game = challenge(BOB, id, slot_0(id), Claim::Slot);
        pass(61);
        assert_ok!(Disputes::time_out(signed(ALICE), game));
        assert_eq!(loser_of(game), Side::Defender);
        nothing_is_left(id);
    });
}

#[test]
fn an_acquittal_by_the_clock() {
    run(|| {
        let id = window_of(&all_honest());
        let game = challenge(BOB, id, slot_0(id), Claim::Slot);
        assert!(defend(game, &mut honest(0), &mut Default::default()));
        pass(61);
        assert_ok!(Disputes::time_out(signed(ALICE), game));
        assert_eq!(loser_of(game), Side::Challenger);
        nothing_is_left(id);
    });
}

#[test]
fn the_aggregation_convicted_and_acquitted() {
    for lies in [true, false] {
        run(|| {
            let runs = all_honest();
            let id = committed(&runs);
            attest(id);
            let (truth, lie) = (aggregate(&runs, None), aggregate(&runs, Some(lie_at_end(Part::Aggregate))));
            let (mut defender, mut challenger) = if lies { (lie, truth) } else { (truth, lie) };
            post(id, defender.last_root());
            let game = challenge(BOB, id, Target::Aggregation, Claim::Aggregate);
            let loser = if lies { Side::Defender } else { Side::Challenger };
            assert_eq!(play(game, &mut defender, &mut challenger), Came::Decided(loser));
            nothing_is_left(id);
        });
    }
}

/// A round whose auditors of slot 0 answer otherwise than its worker; the one who lies is the worker or the auditors.
fn disagreements(worker_lies: bool) -> (RunId, super::world::Run, Vec<(u16, GameId)>) {
    let slot_0_run = if worker_lies { train(0, Some(lie_at_end(Part::Begin))) } else { honest(0) };
    let runs = with_slot_0(slot_0_run.clone());
    let id = window_of(&runs);
    audited(id, &runs, |place, slot, segments| match (slot, worker_lies) {
        (0, false) => Digest([66; 32]),
        _ => truth(place, slot, segments),
    });
    let mut games: Vec<_> = Games::<Test>::iter()
        .map(|(game, dispute)| match dispute.risk {
            Risk::Seat(place) => (place, game),
            Risk::Bond(_) => panic!("nobody challenged"),
        })
        .collect();
    games.sort();
    assert!(!games.is_empty());
    (id, slot_0_run, games)
}

#[test]
fn a_conviction_in_an_auditors_game() {
    run(|| {
        let (id, mut liar, games) = disagreements(true);
        let (_, game) = games[0];
        assert_ok!(Disputes::name_claim(signed(game_of(game).challenger), game, Claim::Begin));
        assert_eq!(play(game, &mut liar, &mut honest(0)), Came::Decided(Side::Defender));
        for (_, other) in &games[1..] {
            assert_ok!(Disputes::close(signed(BOB), *other));
        }
        nothing_is_left(id);
    });
}

#[test]
fn an_acquittal_in_an_auditors_game() {
    run(|| {
        let (id, mut truth, games) = disagreements(false);
        for (_, game) in &games {
            assert_ok!(Disputes::name_claim(signed(game_of(*game).challenger), *game, Claim::Begin));
        }
        let mut mistaken = train(0, Some(lie_at_end(Part::Begin)));
        for (place, game) in games {
            assert_eq!(play(game, &mut truth, &mut mistaken), Came::Decided(Side::Challenger));
            assert_eq!(Seats::<Test>::get((id, ROUND, place)).unwrap().state, SeatState::Wrong);
        }
        nothing_is_left(id);
    });
}

#[test]
fn an_auditor_that_names_no_claim() {
    run(|| {
        let (id, _, games) = disagreements(false);
        pass(70);
        for (_, game) in games {
            assert_ok!(Disputes::time_out(signed(BOB), game));
            assert_eq!(loser_of(game), Side::Challenger);
        }
        nothing_is_left(id);
    });
}

#[test]
fn a_game_that_another_conviction_overtook() {
    run(|| {
        let (id, mut liar) = poisoned();
        let first = challenge(ALICE, id, slot_0(id), Claim::Segment(2));
        assert!(defend(first, &mut liar, &mut Default::default()), "something was shown");
        let second = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        assert_eq!(play(second, &mut liar, &mut honest(0)), Came::Decided(Side::Defender));
        assert_ok!(Disputes::close(signed(FIRST), first));
        nothing_is_left(id);
    });
}

#[test]
fn a_game_that_lapsed() {
    run(|| {
        let runs = all_honest();
        let id = window_of(&runs);
        audited(id, &runs, truth);
        let games = [
            challenge(BOB, id, slot_0(id), Claim::Begin),
            challenge(BOB, id, Target::Aggregation, Claim::Aggregate),
        ];
        pass(slot_of(id, ROUND, 0).checks.lapses + 1 - now());
        for game in games {
            assert!(Disputes::is_overtaken(game));
            assert_ok!(Disputes::close(signed(ALICE), game));
        }
        assert_eq!(burnt(), 0);
        nothing_is_left(id);
    });
}

#[test]
fn games_that_the_hook_ended() {
    run(|| {
        let (id, mut liar) = poisoned();
        // One whose challenger is silent, one whose defender is, one that is overtaken.
        let silent = challenge(BOB, id, slot_0(id), Claim::Begin);
        assert!(defend(silent, &mut liar, &mut Default::default()));
        pass(10);
        challenge(ALICE, id, slot_0(id), Claim::Segment(1));
        let other = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        pass(5);
        assert!(defend(other, &mut liar, &mut Default::default()));
        (0..80).for_each(|_| block_with(true));
        assert_eq!(loser_of(silent), Side::Challenger);
        assert!(events().contains(&Event::Closed { game: other }));
        nothing_is_left(id);
    });
}

/// A run that is stopped settles what is open: a game about it goes on, and ends as it would have.
#[test]
fn a_run_that_was_stopped_under_a_dispute() {
    for lies in [true, false] {
        run(|| {
            let (truth, lie) = (honest(0), train(0, Some(lie_at_end(Part::Step(3)))));
            let (mut defender, mut challenger) = if lies { (lie, truth) } else { (truth, lie) };
            let id = window_of(&with_slot_0(defender.clone()));
            let books = Books::of(id, holder(id));
            let game = challenge(BOB, id, slot_0(id), Claim::Segment(1));
            assert_ok!(Training::stop_run(RuntimeOrigin::root(), id));
            pass(20);
            assert_eq!(Runs::<Test>::get(id).unwrap().status, RunStatus::Stopping);
            let loser = if lies { Side::Defender } else { Side::Challenger };
            assert_eq!(play(game, &mut defender, &mut challenger), Came::Decided(loser));
            if lies {
                books.convicted()
            } else {
                books.acquitted()
            }
            nothing_is_left(id);
        });
    }
}

/// A run that is stopped in training: what was committed there is still to be judged.
#[test]
fn a_run_that_was_stopped_in_training_under_a_dispute() {
    run(|| {
        let id = opened();
        let mut liar = train(0, Some(lie_at_end(Part::Step(3))));
        commit(id, 0, liar.outcome);
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        assert_ok!(Training::stop_run(RuntimeOrigin::root(), id));
        assert!(round_of(id, ROUND).void.is_some());
        assert_eq!(play(game, &mut liar, &mut honest(0)), Came::Decided(Side::Defender));
        nothing_is_left(id);
    });
}

/// No call takes a challenge back: a bond is at risk until somebody has lost, or what it is about was decided otherwise.
#[test]
fn a_challenge_cannot_be_withdrawn() {
    run(|| {
        let (id, mut liar) = poisoned();
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        assert_noop!(Disputes::close(signed(BOB), game), Error::<Test>::NotOvertaken);
        assert_noop!(Disputes::time_out(signed(BOB), game), Error::<Test>::TimeLeft);
        assert_noop!(Training::withdraw(signed(holder(id))), TrainingError::<Test>::NotUnbonding);
        assert_eq!(bonded(BOB), BOND);
        assert_eq!(play(game, &mut liar, &mut honest(0)), Came::Decided(Side::Defender));
        nothing_is_left(id);
    });
}
