//! Whole games, between honest players and liars, and what they cost whom.

use frame_support::{
    assert_noop, assert_ok,
    traits::{LockableCurrency, WithdrawReasons},
};
use pallet_sabha_training::Error as TrainingError;
use sabha_protocol::{
    Divergence, Outcome,
    dispute::{Claim, Move, Part, Side, shape::Node},
    money,
    round::{Claim as Vouched, Fault, VoidReason},
};

use super::{
    stage::*,
    world::{aggregate, honest, lie_at_end, spec, train},
};
use crate::{Error, Event, Games, Target, mock::*};

/// A lie about a claim of slot 0 is found, from any of its programs.
fn convicted(lie: Part, claim: Claim) {
    run(|| {
        let mut liar = train(0, Some(lie_at_end(lie)));
        let id = window_of(&with_slot_0(liar.clone()));
        let cheat = *slot_of(id, ROUND, 0).worker().unwrap();
        let (stake, before) = (staked(cheat), free(BOB));
        let game = challenge(BOB, id, slot_0(id), claim);
        assert_eq!(bonded(BOB), BOND);
        assert_eq!(play(game, &mut liar, &mut honest(0).clone()), Came::Decided(Side::Defender));
        let fault = slot_of(id, ROUND, 0).checks.fault;
        let vouched = match claim {
            Claim::Segment(segment) => Vouched::Segment(segment),
            Claim::Divergence => Vouched::Divergence,
            _ => Vouched::Other,
        };
        assert_eq!(fault, Some(Fault::Convicted(vouched)));
        assert_eq!(round_of(id, ROUND).void, Some(VoidReason::Convicted));
        assert_eq!(staked(cheat), stake - spec().stake_per_slot);
        let reward = money::split(spec().stake_per_slot).challenger;
        assert_eq!((bonded(BOB), free(BOB)), (0, before + reward), "moves were free");
        assert_eq!(Games::<Test>::iter().count(), 0, "nothing of the game is left");
    });
}

/// One poisoned segment of many.
#[test]
fn a_poisoned_step_is_found_in_its_segment() {
    convicted(Part::Step(3), Claim::Segment(1));
}

#[test]
fn a_wrong_first_state_is_found() {
    convicted(Part::Begin, Claim::Begin);
}

/// Commit honest roots and publish another update.
#[test]
fn a_wrong_update_is_found() {
    convicted(Part::Finish, Claim::Finish);
}

/// Aggregate falsely.
#[test]
fn a_wrong_aggregation_is_found_and_the_run_returns_to_its_last_checkpoint() {
    run(|| {
        let runs = all_honest();
        let id = committed(&runs);
        attest(id);
        let mut liar = aggregate(&runs, Some(lie_at_end(Part::Aggregate)));
        let cheat = post(id, liar.last_root());
        let stake = staked(cheat);
        let game = challenge(BOB, id, Target::Aggregation, Claim::Aggregate);
        let mut right = aggregate(&runs, None);
        assert_eq!(play(game, &mut liar, &mut right), Came::Decided(Side::Defender));
        assert_eq!(round_of(id, ROUND).void, Some(VoidReason::FalseRoot));
        assert_eq!(staked(cheat), stake - spec().stake_per_slot);
        assert_eq!(bonded(BOB), 0);
        let again = Disputes::challenge(signed(BOB), id, ROUND, Target::Aggregation, Claim::Aggregate);
        assert_noop!(again, TrainingError::<Test>::WrongState);
    });
}

/// False divergence.
#[test]
fn a_divergence_that_is_none_is_found() {
    run(|| {
        let mut liar = honest(0).clone();
        liar.outcome = Outcome::Diverged(Divergence { step: 2, instruction: 3, element: 0 });
        let id = window_of_two(&with_slot_0(liar.clone()));
        let game = challenge(BOB, id, slot_0(id), Claim::Divergence);
        assert_eq!(play(game, &mut liar, &mut honest(0).clone()), Came::Decided(Side::Defender));
        assert_eq!(slot_of(id, ROUND, 0).checks.fault, Some(Fault::Convicted(Vouched::Divergence)));
        assert_eq!(round_of(id, ROUND).void, None, "its update was not part of the checkpoint");
    });
}

/// A round in its window, of which slot 0 has no update.
fn window_of_two(runs: &[super::world::Run]) -> sabha_protocol::RunId {
    let id = committed(runs);
    attest(id);
    post(id, aggregate(&runs[1..], None).last_root());
    id
}

/// Grief with false challenges: who has nothing to show loses by its clock.
#[test]
fn a_false_challenge_costs_its_bond_and_half_of_it_goes_to_the_defender() {
    run(|| {
        let runs = all_honest();
        let id = window_of(&runs);
        audited(id, &runs, truth);
        let defender = *slot_of(id, ROUND, 0).worker().unwrap();
        let (stake, paid, mine) = (staked(defender), free(payout(defender)), free(BOB));
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        let came = play(game, &mut honest(0).clone(), &mut honest(0).clone());
        assert_eq!(came, Came::Silent(Side::Challenger));
        until(61, || Disputes::time_out(signed(ALICE), game).is_ok());
        assert_eq!(loser_of(game), Side::Challenger);
        assert_eq!((bonded(BOB), free(BOB)), (0, mine - BOND));
        assert_eq!(free(payout(defender)), paid + BOND / 2);
        assert_eq!(burnt(), BOND / 2);
        assert_eq!(staked(defender), stake);
        // It proves nothing about the slot, and bars no other.
        assert_eq!(slot_of(id, ROUND, 0).checks.fault, None);
        let again = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        assert_ok!(Disputes::turn(again).ok_or("it stands"));
        until(200, || Disputes::time_out(signed(ALICE), again).is_ok());
    });
}

/// Who has computed otherwise, and names an element, is told by the chain that it is wrong.
#[test]
fn a_challenger_that_is_wrong_about_an_element_loses_at_once() {
    run(|| {
        let id = window_of(&all_honest());
        let mine = free(BOB);
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        let mut mistaken = train(0, Some(lie_at_end(Part::Step(3))));
        assert_eq!(play(game, &mut honest(0).clone(), &mut mistaken), Came::Decided(Side::Challenger));
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
        let came = play(game, &mut honest(0).clone(), &mut honest(0).clone());
        assert_eq!(came, Came::Silent(Side::Challenger));
        until(61, || Disputes::time_out(signed(ALICE), game).is_ok());
        assert_eq!((free(payout(defender)), burnt()), (0, ED));
    });
}

/// Challenge itself to settle cheaply: by a friend that convicts it.
#[test]
fn a_cheat_that_challenges_itself_loses_half_of_its_stake_at_least() {
    run(|| {
        let mut liar = train(0, Some(lie_at_end(Part::Step(3))));
        let id = window_of(&with_slot_0(liar.clone()));
        let cheat = *slot_of(id, ROUND, 0).worker().unwrap();
        let wealth = || {
            let all = [cheat, hot(cheat), payout(cheat), BOB];
            all.iter().map(|who| staked(*who) + bonded(*who) + free(*who)).sum::<u128>()
        };
        let before = wealth();
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        assert_eq!(play(game, &mut liar, &mut honest(0).clone()), Came::Decided(Side::Defender));
        assert!(before - wealth() >= spec().stake_per_slot / 2);
    });
}

/// Challenge itself to fill the places: by a friend that loses.
#[test]
fn a_worker_whose_friend_challenges_it_falsely_loses_half_of_the_bond_at_least() {
    run(|| {
        let id = window_of(&all_honest());
        let defender = *slot_of(id, ROUND, 0).worker().unwrap();
        let wealth = || free(BOB) + bonded(BOB) + free(payout(defender)) + staked(defender);
        let before = wealth();
        let game = challenge(BOB, id, slot_0(id), Claim::Finish);
        assert!(defend(game, &mut honest(0).clone(), &mut Default::default()));
        until(70, || Disputes::time_out(signed(BOB), game).is_ok());
        assert_eq!(before - wealth(), BOND / 2);
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
        let mut seen = Default::default();
        assert!(defend(first, &mut liar, &mut seen));
        assert_noop!(Disputes::close(signed(BOB), first), Error::<Test>::NotOvertaken);
        assert_eq!(play(second, &mut liar, &mut honest(0).clone()), Came::Decided(Side::Defender));
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
            Event::BondReleased { game, challenger: ALICE, amount: BOND } if *game == first
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
        assert!(defend(game, &mut honest(0).clone(), &mut Default::default()));
        until(70, || Disputes::time_out(signed(ALICE), game).is_ok());
        assert_eq!((bonded(BOB), burnt()), (0, BOND / 2));
    });
}

/// Exit with stake before the window ends.
#[test]
fn no_stake_leaves_while_a_game_about_its_slot_is_open() {
    run(|| {
        let runs = all_honest();
        let id = window_of(&runs);
        audited(id, &runs, truth);
        pass(deadline(id) - now());
        let defender = *slot_of(id, ROUND, 0).worker().unwrap();
        assert_ok!(Training::drain(signed(hot(defender))));
        let game = challenge(BOB, id, slot_0(id), Claim::Begin);
        pass(40);
        assert_noop!(Training::unbond(signed(defender)), TrainingError::<Test>::StakeInUse);
        assert!(defend(game, &mut honest(0).clone(), &mut Default::default()));
        while Games::<Test>::contains_key(game) {
            assert_noop!(Training::unbond(signed(defender)), TrainingError::<Test>::StakeInUse);
            block();
            let _ = Disputes::time_out(signed(ALICE), game);
        }
        settled(id);
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
        assert_eq!(play(game, &mut liar, &mut honest(0).clone()), Came::Decided(Side::Defender));
        assert!(round_of(id, ROUND).void.is_some());
        let worker = *slot_of(id, ROUND, 1).worker().unwrap();
        let came = play(other, &mut honest(1).clone(), &mut honest(1).clone());
        assert_eq!(came, Came::Silent(Side::Challenger));
        until(61, || Disputes::time_out(signed(BOB), other).is_ok());
        let before = free(payout(worker));
        audited(id, &runs, truth);
        settled(id);
        assert!(free(payout(worker)) >= before + spec().price_per_slot);
    });
}
