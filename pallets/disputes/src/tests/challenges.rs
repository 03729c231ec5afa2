//! What can be challenged, by whom, and when.

use frame_support::{assert_noop, assert_ok, traits::fungible::Mutate};
use pallet_sabha_training::{Device, Specs};
use sabha_protocol::{NUMERICS_YARDSTICK, dispute::Claim};

use super::{stage::*, world::honest};
use crate::{Error, Event, Games, Target, mock::*};

#[test]
fn a_challenge_before_anything_is_claimed_fails() {
    run(|| {
        let id = opened();
        let attempt = |target, claim| Disputes::challenge(signed(BOB), id, ROUND, target, claim);
        assert_noop!(attempt(slot_0(id), Claim::Segment(0)), Error::<Test>::NothingClaimed);
        assert_noop!(attempt(Target::Aggregation, Claim::Aggregate), Error::<Test>::NothingClaimed);
        commit(id, 0, honest(0).outcome);
        // At once, long before the window.
        assert_ok!(attempt(slot_0(id), Claim::Segment(0)));
    });
}

#[test]
fn a_challenge_in_the_windows_last_block_delays_finality() {
    run(|| {
        let runs = all_honest();
        let id = window_of(&runs);
        audited(id, &runs, truth);
        pass(deadline(id) - now());
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(0));
        let late = challenge(BOB, id, Target::Aggregation, Claim::Aggregate);
        pass(21);
        assert_eq!(round_of(id, ROUND).challenges, 1);
        assert_eq!(round_of(id, ROUND).root_challenges, 1);
        // The defender of both is silent.
        until(200, || Disputes::time_out(signed(ALICE), game).is_ok());
        assert_ok!(Disputes::time_out(signed(ALICE), late));
        assert_eq!(bonded(BOB), 0);
        settled(id);
    });
}

#[test]
fn an_aggregation_is_challenged_in_its_window_only() {
    run(|| {
        let runs = all_honest();
        let id = committed(&runs);
        attest(id);
        let attempt = || Disputes::challenge(signed(BOB), id, ROUND, Target::Aggregation, Claim::Aggregate);
        assert_noop!(attempt(), Error::<Test>::NothingClaimed);
        post(id, sabha_protocol::Digest([9; 32]));
        assert_ok!(attempt());
    });
}

#[test]
fn claims_that_are_none_cannot_be_challenged() {
    run(|| {
        let id = committed(&all_honest());
        let attempt = |target, claim| Disputes::challenge(signed(BOB), id, ROUND, target, claim);
        for claim in [Claim::Segment(4), Claim::Divergence, Claim::Aggregate] {
            assert_noop!(attempt(slot_0(id), claim), Error::<Test>::NoSuchClaim);
        }
        let Target::Slot { slot, generation } = slot_0(id) else { panic!("a slot") };
        let other = Target::Slot { slot, generation: generation + 1 };
        assert_noop!(attempt(other, Claim::Begin), Error::<Test>::WrongGeneration);
        let other = Target::Slot { slot: 3, generation };
        assert_noop!(attempt(other, Claim::Begin), Error::<Test>::NoSuchSlot);
        let none = Disputes::challenge(signed(BOB), id + 1, ROUND, slot_0(id), Claim::Begin);
        assert_noop!(none, Error::<Test>::NoSuchRun);
        let exact = Specs::<Test>::get(id).unwrap();
        Specs::<Test>::mutate(id, |spec| spec.as_mut().unwrap().numerics_version = NUMERICS_YARDSTICK);
        assert_noop!(attempt(slot_0(id), Claim::Begin), Error::<Test>::NotExact);
        Specs::<Test>::insert(id, exact);
    });
}

#[test]
fn nobody_challenges_its_own_claim_or_without_the_bond() {
    run(|| {
        let id = committed(&all_honest());
        let defender = *slot_of(id, ROUND, 0).worker().unwrap();
        let attempt = |who| Disputes::challenge(signed(who), id, ROUND, slot_0(id), Claim::Begin);
        assert_noop!(attempt(defender), Error::<Test>::OwnClaim);
        Balances::set_balance(&900, BOND / 2);
        assert!(attempt(900).is_err());
        assert_eq!((Games::<Test>::iter().count(), bonded(900)), (0, 0));
        Balances::set_balance(&900, 0);
    });
}

/// As many games as there may be do not block those who come later for good.
#[test]
fn challenges_of_one_slot_are_bounded_and_those_of_others_unaffected() {
    run(|| {
        let id = committed(&all_honest());
        for _ in 0..MOST {
            challenge(BOB, id, slot_0(id), Claim::Begin);
        }
        assert_eq!(bonded(BOB), BOND * (1..=u128::from(MOST)).sum::<u128>());
        let attempt = |slot| {
            let target = Target::Slot { slot, generation: slot_of(id, ROUND, slot).generation };
            Disputes::challenge(signed(ALICE), id, ROUND, target, Claim::Begin)
        };
        assert_noop!(attempt(0), Error::<Test>::TooManyChallenges);
        assert_ok!(attempt(1));
    });
}

/// Challenges by the dozen, to keep others out or a defender busy: each open one makes the next dearer. And a game shows leaves, which
/// must not be worth more to an auditor who has not sealed yet than the bond that is lost.
#[test]
fn a_bond_grows_with_the_open_challenges_and_covers_what_leaves_are_worth_before_the_seals() {
    run(|| {
        let id = committed(&all_honest());
        let target = slot_0(id);
        let bond = |target| Disputes::bond(id, ROUND, target).unwrap();
        assert_eq!(bond(target), BOND);
        let first = challenge(BOB, id, target, Claim::Begin);
        assert_eq!(bond(target), 2 * BOND);
        challenge(ALICE, id, target, Claim::Begin);
        assert_eq!((bonded(BOB), bonded(ALICE), bond(target)), (BOND, 2 * BOND, 3 * BOND));
        assert!(defend(first, &mut honest(0), &mut Default::default()));
        until(70, || Disputes::time_out(signed(ALICE), first).is_ok());
        assert_eq!(bond(target), 2 * BOND);

        let spec = Specs::<Test>::get(id).unwrap();
        let dear = 7 * BOND;
        Specs::<Test>::mutate(id, |spec| {
            let audit = &mut spec.as_mut().unwrap().audit;
            audit.auditor_price = dear / u128::from(audit.auditors);
        });
        let worth = dear / u128::from(spec.audit.auditors) * u128::from(spec.audit.auditors);
        assert_eq!(bond(target), worth);
        let sealed = sabha_protocol::audit::Audits::Publishing { until: u32::MAX };
        pallet_sabha_training::Rounds::<Test>::mutate(id, ROUND, |round| {
            round.as_mut().unwrap().audits = sealed;
        });
        assert_eq!(bond(target), 2 * BOND, "what is sealed cannot be copied");
        Specs::<Test>::insert(id, spec);
        assert_eq!(Disputes::bond(id + 1, ROUND, target), None);
    });
}

/// Whoever is named as a hot key need not agree: that must not take its games from it.
#[test]
fn a_challenger_that_is_named_as_somebodys_hot_key_still_moves() {
    run(|| {
        let id = committed(&all_honest());
        let game = challenge(BOB, id, slot_0(id), Claim::Begin);
        assert_ok!(Training::register(
            signed(FIRST + 11),
            BOB,
            FIRST + 11,
            Device::Cpu,
            1,
            Default::default(),
            STAKE
        ));
        let mut seen = Default::default();
        assert!(defend(game, &mut honest(0), &mut seen));
        let mut lying =
            super::world::train(0, Some(super::world::lie_at_end(sabha_protocol::dispute::Part::Begin)));
        assert!(press(game, &mut lying, &seen));
        // And it is no way to move for others.
        assert_eq!(Disputes::games_of(BOB).len(), 1);
        assert_eq!(Disputes::games_of(FIRST + 11).len(), 0);
    });
}

#[test]
fn what_is_told_of_a_game_is_enough_to_find_it() {
    run(|| {
        let id = committed(&all_honest());
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(2));
        let defender = *slot_of(id, ROUND, 0).worker().unwrap();
        for who in [BOB, defender, hot(defender)] {
            assert_eq!(Disputes::games_of(who).iter().map(|(id, _)| *id).collect::<Vec<_>>(), [game]);
        }
        let (side, until) = Disputes::turn(game).unwrap();
        assert_eq!((side, until), (sabha_protocol::dispute::Side::Defender, now() + 60));
        assert!(matches!(
            events()[0],
            Event::Challenged { claim: Claim::Segment(2), challenger: BOB, bond: BOND, .. }
        ));
    });
}
