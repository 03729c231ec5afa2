//! Whole games, between honest players and liars, and what they cost whom.

use frame_support::{
    assert_noop, assert_ok,
    traits::{LockableCurrency, WithdrawReasons},
};
use sabha_protocol::dispute::{Claim, Move, Part, Side, shape::Node};

use super::{
    stage::*,
    world::{honest, lie_at_end, spec, train},
};
use crate::{Error, Event, Games, Target, mock::*};

/// Who has computed otherwise, and names an element, is told by the chain that it is wrong.
#[test]
fn a_challenger_that_is_wrong_about_an_element_loses_at_once() {
    run(|| {
        let id = window_of(&all_honest());
        let mine = free(BOB);
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        let mut mistaken = train(0, Some(lie_at_end(Part::Step(3))));
        assert_eq!(play(game, &mut honest(0), &mut mistaken), Came::Decided(Side::Challenger));
        assert_eq!(free(BOB), mine - BOND);
        assert_eq!(burnt(), BOND / 2);
    });
}

/// A payout account that cannot take its half.
#[test]
fn what_the_defender_cannot_take_of_a_bond_is_burnt_too() {
    run(|| {
        let id = window_of(&all_honest());
        let defender = *slot_of(id, ROUND, 0).worker().unwrap();
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        // Whole accounts below the existential deposit are not made: so is half of a bond that is too small.
        Games::<Test>::mutate(game, |dispute| {
            dispute.as_mut().unwrap().risk = crate::Risk::Bond(ED);
        });
        use frame_support::traits::{fungible::MutateHold, tokens::Precision::Exact};
        assert_ok!(Balances::release(&crate::HoldReason::Challenge.into(), &BOB, BOND - ED, Exact));
        let came = play(game, &mut honest(0), &mut honest(0));
        assert_eq!(came, Came::Silent(Side::Challenger));
        until(61, || Disputes::time_out(signed(ALICE), game).is_ok());
        assert_eq!((free(payout(defender)), burnt()), (0, ED));
    });
}

/// Games on a slot run side by side.
#[test]
fn a_conviction_overtakes_the_other_games_and_their_bonds_are_released() {
    run(|| {
        let mut liar = train(0, Some(lie_at_end(Part::Step(3))));
        let id = window_of(&with_slot_0(liar.clone()));
        let first = challenge(ALICE, id, slot_0(id), Claim::Segment(2));
        let second = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        let other = challenge(
            BOB,
            id,
            Target::Slot { slot: 1, generation: slot_of(id, ROUND, 1).generation },
            Claim::Begin,
        );
        let bond = bonded(ALICE);
        let mut seen = Default::default();
        assert!(defend(first, &mut liar, &mut seen));
        assert_noop!(Disputes::close(signed(BOB), first), Error::<Test>::NotOvertaken);
        assert_eq!(play(second, &mut liar, &mut honest(0)), Came::Decided(Side::Defender));
        let position = playing(first).position;
        let made = Box::new(Move::AskPosted(Node { height: 0, index: 0 }));
        let press = Disputes::press(signed(ALICE), first, position, made);
        assert_noop!(press, Error::<Test>::Overtaken);
        assert_eq!(Disputes::turn(first), None);
        pass(70);
        // Its clock has run out meanwhile, but there was nothing to do.
        assert_noop!(Disputes::time_out(signed(BOB), first), Error::<Test>::Overtaken);
        assert!(Disputes::is_overtaken(first) && !Disputes::is_overtaken(other));
        let done = Disputes::close(signed(BOB), first).unwrap();
        assert_eq!(done.pays_fee, frame_support::dispatch::Pays::No);
        assert_eq!(bonded(ALICE), 0);
        assert!(events().iter().any(|event| matches!(
            event,
            Event::BondReleased { game, challenger: ALICE, amount } if *game == first && *amount == bond
        )));
        assert_noop!(Disputes::close(signed(BOB), first), Error::<Test>::NoSuchGame);
        assert_ok!(Disputes::time_out(signed(BOB), other));
        assert_eq!(bonded(BOB), 0);
    });
}

/// A vote, say, locks everything that the challenger has.
#[test]
fn a_lock_does_not_shield_a_bond() {
    run(|| {
        let id = window_of(&all_honest());
        let game = challenge(BOB, id, slot_0(id), Claim::Finish);
        Balances::set_lock(*b"vote    ", &BOB, ENDOWMENT, WithdrawReasons::all());
        assert!(defend(game, &mut honest(0), &mut Default::default()));
        until(70, || Disputes::time_out(signed(ALICE), game).is_ok());
        assert_eq!((bonded(BOB), burnt()), (0, BOND / 2));
    });
}

#[test]
fn a_voided_rounds_slots_are_still_judged_and_its_good_ones_paid() {
    run(|| {
        let mut liar = train(0, Some(lie_at_end(Part::Step(3))));
        let runs = with_slot_0(liar.clone());
        let id = window_of(&runs);
        let target = Target::Slot { slot: 1, generation: slot_of(id, ROUND, 1).generation };
        let other = challenge(ALICE, id, target, Claim::Segment(0));
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        assert_eq!(play(game, &mut liar, &mut honest(0)), Came::Decided(Side::Defender));
        assert!(round_of(id, ROUND).void.is_some());
        let worker = *slot_of(id, ROUND, 1).worker().unwrap();
        let came = play(other, &mut honest(1), &mut honest(1));
        assert_eq!(came, Came::Silent(Side::Challenger));
        until(61, || Disputes::time_out(signed(BOB), other).is_ok());
        let before = free(payout(worker));
        audited(id, &runs, truth);
        settled(id);
        assert!(free(payout(worker)) >= before + spec().price_per_slot);
    });
}
