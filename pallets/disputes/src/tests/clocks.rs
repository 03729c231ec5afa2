//! Whose time is up, and when.

use frame_support::{assert_noop, assert_ok};
use pallet_sabha_training::Specs;
use sabha_protocol::{
    Digest,
    dispute::{Answer, Claim, Move, Side, shape::Node},
    round::VoidReason,
};

use super::{stage::*, world::honest};
use crate::{Error, Event, Games, mock::*};

#[test]
fn a_move_for_another_position_by_another_account_or_out_of_turn_is_refused() {
    run(|| {
        let id = window_of(&all_honest());
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        let defender = *slot_of(id, ROUND, 0).worker().unwrap();
        let position = playing(game).position;
        let answer = || Box::new(Answer::Trace { top: Default::default() });
        let ask = || Box::new(Move::AskPosted(Node { height: 0, index: 0 }));
        let answer_as = |who, position| Disputes::answer(signed(who), game, position, answer());
        assert_noop!(answer_as(BOB, position), Error::<Test>::NotYours);
        assert_noop!(answer_as(ALICE, position), Error::<Test>::NotYours);
        assert_noop!(answer_as(defender, Digest([1; 32])), Error::<Test>::OtherPosition);
        assert_noop!(answer_as(defender, position), Error::<Test>::WrongMove);
        let press_as = |who, position| Disputes::press(signed(who), game, position, ask());
        assert_noop!(press_as(defender, position), Error::<Test>::NotYours);
        assert_noop!(press_as(BOB, position), Error::<Test>::NotYourMove);
        assert_noop!(Disputes::name_claim(signed(BOB), game, Claim::Begin), Error::<Test>::AlreadyNamed);
        assert_noop!(Disputes::time_out(signed(BOB), 7), Error::<Test>::NoSuchGame);
        // The same move twice.
        let mut seen = Default::default();
        assert!(defend(game, &mut honest(0), &mut seen));
        assert_noop!(answer_as(defender, position), Error::<Test>::OtherPosition);
        assert_noop!(press_as(BOB, position), Error::<Test>::OtherPosition);
    });
}

#[test]
fn a_judgement_is_made_by_its_own_call() {
    run(|| {
        let id = window_of(&all_honest());
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        let judgement = sabha_protocol::dispute::Judgement {
            instruction: 0,
            element: 0,
            output: None,
            inputs: Default::default(),
        };
        let position = playing(game).position;
        let made = Box::new(Move::Judge(judgement.clone()));
        let press = Disputes::press(signed(BOB), game, position, made);
        assert_noop!(press, Error::<Test>::UseJudge);
        let judge = Disputes::judge(signed(BOB), game, position, Box::new(judgement));
        assert_noop!(judge, Error::<Test>::NotYourMove);
    });
}

/// Safe mode, or a paused call of the protocol.
#[test]
fn no_clock_runs_while_the_protocol_is_paused() {
    run(|| {
        let id = window_of(&all_honest());
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        Paused::set(true);
        pass(500);
        assert_noop!(Disputes::time_out(signed(ALICE), game), Error::<Test>::TimeLeft);
        Paused::set(false);
        pass(60);
        assert!(defend(game, &mut honest(0), &mut Default::default()));
    });
}

/// Both stall, in a run whose disputes lapse as early as may be: somebody has lost before anything lapses.
#[test]
fn a_game_ends_before_what_it_is_about_lapses() {
    run(|| {
        let runs = all_honest();
        let id = window_of(&runs);
        audited(id, &runs, truth);
        let exact = Specs::<Test>::get(id).unwrap();
        Specs::<Test>::mutate(id, |spec| spec.as_mut().unwrap().clocks.dispute = 120);
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        let lapses = slot_of(id, ROUND, 0).checks.lapses;
        assert_eq!((playing(game).clocks.defender, lapses), (55, now() + 120));
        pass(55);
        assert!(defend(game, &mut honest(0), &mut Default::default()));
        pass(55);
        assert_noop!(Disputes::time_out(signed(ALICE), game), Error::<Test>::TimeLeft);
        block();
        assert!(now() < lapses);
        assert_ok!(Disputes::time_out(signed(ALICE), game));
        assert_eq!(loser_of(game), Side::Challenger);
        Specs::<Test>::insert(id, exact);
    });
}

/// With nobody there but the hook.
#[test]
fn the_hook_ends_games_whose_time_is_up_and_closes_those_that_were_overtaken() {
    run(|| {
        let id = window_of(&all_honest());
        let games: Vec<_> = (0..3).map(|_| challenge(BOB, id, slot_0(id), Claim::Begin)).collect();
        pass(10);
        for game in &games[1..] {
            assert!(defend(*game, &mut honest(0), &mut Default::default()));
        }
        for _ in 0..59 {
            block_with(true);
            check();
        }
        // The silent defender of the first game is convicted, and the others are overtaken.
        assert_eq!(Games::<Test>::iter().count(), 0);
        assert_eq!(loser_of(games[0]), Side::Defender);
        let closed = events().iter().filter(|event| matches!(event, Event::Closed { .. })).count();
        assert_eq!((closed, bonded(BOB)), (2, 0));
    });
}

/// Without the hook's help, and with no call: what lapsed binds nobody, and a bond comes back.
#[test]
fn a_game_that_nobody_ended_in_time_is_closed_without_a_loser() {
    run(|| {
        let runs = all_honest();
        let id = window_of(&runs);
        audited(id, &runs, truth);
        let game = challenge(BOB, id, slot_0(id), Claim::Begin);
        let lapses = slot_of(id, ROUND, 0).checks.lapses;
        pass(lapses + 1 - now());
        let voided = pallet_sabha_training::Event::RoundVoided {
            run: id,
            round: ROUND,
            reason: VoidReason::Undecided,
        };
        System::assert_has_event(voided.into());
        settled(id);
        assert_noop!(Disputes::time_out(signed(ALICE), game), Error::<Test>::Overtaken);
        assert_ok!(Disputes::close(signed(ALICE), game));
        assert_eq!((bonded(BOB), burnt()), (0, 0));
    });
}
