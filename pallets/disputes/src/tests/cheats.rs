//! What a cheat tries in what a dispute is about or in a dispute itself: each by name, through the calls, against the real referee, to
//! the verdict and to where the money goes. Other cheats are tests of `pallet-sabha-training` and of `sabha-protocol`.

use frame_support::{assert_noop, assert_ok};
use pallet_sabha_training::{Error as TrainingError, Seats};
use sabha_protocol::{
    Commitment, Digest, Divergence, Outcome, RunId,
    dispute::{Claim, Move, Part, Side, shape::Node},
    round::{Claim as Vouched, Fault, Terms, VoidReason},
    update::HEADER,
};
use sabha_testing::{execute::Done, run::key};

use super::{
    stage::*,
    world::{Forked, Lie, Run, World, aggregate, honest, lie_at_end, otherwise, spec, train, world},
};
use crate::{Error, Games, Target, mock::*};

/// In a round that is built on it, slot 0 is convicted of a claim; whoever executed it honestly finds that claim.
fn found(liar: &mut Run, claim: Claim, vouched: Vouched) {
    run(|| {
        let id = window_of(&with_slot_0(liar.clone()));
        assert_eq!(honest(0).find(liar), Some(claim));
        convicts(id, claim, liar, &mut honest(0));
        assert_eq!(slot_of(id, ROUND, 0).checks.fault, Some(Fault::Convicted(vouched)));
        assert_eq!(round_of(id, ROUND).void, Some(VoidReason::Convicted));
    });
}

/// In a round that nothing was built on yet, slot 0 is convicted of a claim.
fn found_at_once(liar: &mut Run, claim: Claim) {
    run(|| {
        let id = opened();
        commit(id, 0, liar.outcome);
        convicts(id, claim, liar, &mut honest(0));
    });
}

/// Skip the work and commit noise: there is nothing that its maker could show.
#[test]
fn skipped_work_and_committed_noise_is_convicted_by_the_clock() {
    let noise = |byte| Digest([byte; 32]);
    let mut liar = honest(0);
    liar.outcome = Outcome::Trained(Commitment {
        segments_root: noise(66),
        update_digest: noise(67),
        mean_loss: 1.0.into(),
    });
    found_at_once(&mut liar, Claim::Slot);
}

/// Skip the work and commit noise: states that somebody has, but that no training made.
#[test]
fn noise_from_the_first_state_on_is_convicted() {
    found(&mut train(0, Some(lie_at_end(Part::Begin))), Claim::Begin, Vouched::Other);
}

#[test]
fn honest_roots_with_another_update_are_convicted() {
    found(&mut train(0, Some(lie_at_end(Part::Finish))), Claim::Finish, Vouched::Other);
}

#[test]
fn training_on_other_data_is_convicted() {
    // Windows follow from the seed; the parameters that are drawn from it are those of the true run.
    let mut other = otherwise(|spec| spec.seed = 8);
    other.base = Some(world().checkpoint());
    let mut liar = other.run(0, None);
    liar.head_update(world(), 0);
    found(&mut liar, Claim::Segment(0), Vouched::Segment(0));
}

#[test]
fn fewer_steps_are_convicted() {
    let mut liar = honest(0);
    // The last two are not done: the state stays what it was.
    let state = liar.states[6].clone();
    for step in [6, 7] {
        let outputs = liar.parts[&key(Part::Step(step))].outputs.clone();
        let idle = Done { leaves: state.clone(), outputs, ends: state.clone(), diverged: None };
        liar = world().go_on(&liar, step, idle);
    }
    found(&mut liar, Claim::Segment(3), Vouched::Segment(3));
}

#[test]
fn an_update_scaled_to_dominate_the_mean_is_convicted() {
    let mut liar = honest(0);
    // Each block's exponent is raised by four: sixteen times the update.
    let mut at = HEADER;
    for (buffer, words) in sabha_protocol::update::lens(&spec().model.shape()).enumerate() {
        let bytes = words as usize * 4;
        if buffer % 2 == 1 {
            for exponent in liar.update[at..at + bytes].as_chunks_mut::<4>().0 {
                *exponent = (i32::from_le_bytes(*exponent) + 4).to_le_bytes();
            }
        }
        at += bytes;
    }
    liar.commit_update();
    found(&mut liar, Claim::Finish, Vouched::Other);
}

#[test]
fn an_update_of_another_length_is_convicted() {
    let changes: [fn(&mut Vec<u8>); 2] =
        [|update| update.truncate(update.len() - 4), |update| update.extend([0; 1_024])];
    for change in changes {
        let mut liar = honest(0);
        change(&mut liar.update);
        liar.commit_update();
        found_at_once(&mut liar, Claim::Finish);
    }
}

/// A run of another shape under the name of the true one.
#[test]
fn malformed_shapes_are_convicted() {
    let mut other = otherwise(|spec| spec.model.heads = 4);
    other.base = Some(world().checkpoint());
    let mut liar = other.run(0, None);
    liar.head_update(world(), 0);
    found(&mut liar, Claim::Segment(0), Vouched::Segment(0));
}

#[test]
fn a_nan_bomb_is_convicted() {
    let careless = World { careless: true, ..otherwise(|_| ()) };
    let Lie { part, instruction, element, .. } = lie_at_end(Part::Step(3));
    let flip = honest(0).states[4][0][element as usize] ^ f32::NAN.to_bits();
    let mut liar = careless.run(0, Some(Lie { part, instruction, element, flip }));
    // A mean loss that is not finite is refused.
    liar.commit(1.0.into());
    assert!(liar.states[8].iter().flatten().any(|word| f32::from_bits(*word).is_nan()));
    found_at_once(&mut liar, Claim::Segment(1));
}

#[test]
fn a_false_divergence_is_convicted() {
    run(|| {
        let mut liar = honest(0);
        liar.outcome = Outcome::Diverged(Divergence { step: 2, instruction: 3, element: 0 });
        let runs = with_slot_0(liar.clone());
        let id = committed(&runs);
        attest(id);
        post(id, aggregate(&runs[1..], None).last_root());
        convicts(id, Claim::Divergence, &mut liar, &mut honest(0));
        assert_eq!(slot_of(id, ROUND, 0).checks.fault, Some(Fault::Convicted(Vouched::Divergence)));
        assert_eq!(round_of(id, ROUND).void, None, "its update was not part of the checkpoint");
    });
}

/// Replay a commitment from another slot.
#[test]
fn a_commitment_replayed_from_another_slot_is_convicted() {
    let mut liar = honest(1);
    liar.slot = 0;
    found_at_once(&mut liar, Claim::Segment(0));
}

/// Replay an update from another slot, under states of one's own.
#[test]
fn an_update_replayed_from_another_slot_is_convicted() {
    let mut liar = honest(0);
    liar.update = honest(1).update;
    liar.commit_update();
    found_at_once(&mut liar, Claim::Finish);
}

/// Replay an update from another slot, with a header as if it were one's own.
#[test]
fn an_update_replayed_with_another_header_is_convicted() {
    let mut liar = honest(0);
    liar.update = honest(1).update;
    liar.head_update(world(), 0);
    found_at_once(&mut liar, Claim::Finish);
}

/// Lazy audit: to reveal what the slot says, without executing anything.
#[test]
fn a_lazy_auditor_is_slashed_when_what_it_agreed_with_is_convicted() {
    run(|| {
        let mut other = otherwise(|spec| spec.seed = 8);
        other.base = Some(world().checkpoint());
        let mut liar = other.run(0, None);
        liar.head_update(world(), 0);
        let runs = with_slot_0(liar.clone());
        let id = window_of(&runs);
        audited(id, &runs, agreed(&runs));
        assert_eq!(Games::<Test>::iter().count(), 0, "nobody differs");
        let mut lazy: Vec<_> = Seats::<Test>::iter_prefix_values((id, ROUND))
            .filter(|seat| seat.slot == 0)
            .map(|seat| (seat.auditor, staked(seat.auditor)))
            .collect();
        lazy.dedup();
        assert!(!lazy.is_empty());
        let segment = round_of(id, ROUND).audited_segments(&Terms::new(id, &spec()), 0)[0];
        convicts(id, Claim::Segment(segment), &mut liar, &mut honest(0));
        settled(id);
        for (auditor, stake) in lazy {
            assert_eq!(staked(auditor), stake - spec().audit.auditor_stake);
        }
    });
}

/// Grief with false challenges: who has nothing to show loses by its clock.
#[test]
fn a_false_challenge_costs_its_bond_and_half_of_it_goes_to_the_defender() {
    run(|| {
        let runs = all_honest();
        let id = window_of(&runs);
        audited(id, &runs, truth);
        let books = Books::of(id, holder(id));
        let game = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        assert_eq!(play(game, &mut honest(0), &mut honest(0)), Came::Silent(Side::Challenger));
        until(61, || Disputes::time_out(signed(ALICE), game).is_ok());
        assert_eq!(loser_of(game), Side::Challenger);
        books.acquitted();
        // It proves nothing about the slot, and bars no other.
        assert_eq!(slot_of(id, ROUND, 0).checks.fault, None);
        let again = challenge(BOB, id, slot_0(id), Claim::Segment(1));
        assert_ok!(Disputes::turn(again).ok_or("it stands"));
        until(200, || Disputes::time_out(signed(ALICE), again).is_ok());
    });
}

/// Grief with false challenges: as many as there may be, on every claim. Each costs its bond, none the honest worker anything.
#[test]
fn many_false_challenges_cost_a_bond_each() {
    run(|| {
        let id = opened();
        commit(id, 0, honest(0).outcome);
        let (stake, mine, theirs) = (staked(holder(id)), free(BOB), free(payout(holder(id))));
        let claims = [Claim::Begin, Claim::Segment(0), Claim::Segment(3), Claim::Slot, Claim::Finish];
        assert_eq!(claims.len(), usize::from(MOST));
        let games = claims.map(|claim| challenge(BOB, id, slot_0(id), claim));
        for game in games {
            // An update and its loss can be asked for to the end; of the others nothing is left to say before.
            let came = play_with(game, &mut honest(0), &mut honest(0), || ());
            assert!(matches!(came, Came::Silent(Side::Challenger) | Came::Decided(Side::Challenger)));
        }
        pass(61);
        for game in games.into_iter().filter(|game| Games::<Test>::contains_key(game)) {
            assert_ok!(Disputes::time_out(signed(ALICE), game));
        }
        let most = u128::from(MOST);
        assert_eq!((free(BOB), burnt()), (mine - BOND * most, BOND / 2 * most));
        assert_eq!((staked(holder(id)), free(payout(holder(id)))), (stake, theirs + BOND / 2 * most));
        no_games();
    });
}

/// Stall every move to the last block.
#[test]
fn who_stalls_every_move_to_the_last_block_loses_by_its_one_clock() {
    run(|| {
        let id = opened();
        commit(id, 0, honest(0).outcome);
        let books = Books::of(id, holder(id));
        let game = challenge(BOB, id, slot_0(id), Claim::Begin);
        let mut seen = Default::default();
        pass(60);
        assert_noop!(Disputes::time_out(signed(ALICE), game), Error::<Test>::TimeLeft);
        assert!(defend(game, &mut honest(0), &mut seen), "in the last block it is in time");
        assert_eq!(playing(game).clocks.defender, 0);
        // Its next move has no time left, but for the block in which it is asked.
        let made = Box::new(Move::AskEnd(Node { height: 0, index: 0 }));
        let position = playing(game).position;
        assert_ok!(Disputes::press(signed(BOB), game, position, made));
        assert_noop!(Disputes::time_out(signed(ALICE), game), Error::<Test>::TimeLeft);
        block();
        assert!(!defend(game, &mut honest(0), &mut seen));
        assert_ok!(Disputes::time_out(signed(ALICE), game));
        assert_eq!(loser_of(game), Side::Defender);
        books.convicted();
        no_games();
    });
}

#[test]
fn a_challenge_after_the_window_is_refused() {
    run(|| {
        let mut liar = train(0, Some(lie_at_end(Part::Step(3))));
        let runs = with_slot_0(liar.clone());
        let id = window_of(&runs);
        audited(id, &runs, agreed(&runs));
        pass(deadline(id) - now());
        // One in time, about what is right, delays the round's end: not for others.
        let game = challenge(ALICE, id, slot_0(id), Claim::Finish);
        assert!(defend(game, &mut liar, &mut Default::default()));
        block();
        let attempt = |target, claim| Disputes::challenge(signed(BOB), id, ROUND, target, claim);
        for (target, claim) in [(slot_0(id), Claim::Segment(1)), (Target::Aggregation, Claim::Aggregate)] {
            assert_noop!(attempt(target, claim), TrainingError::<Test>::TooLate);
        }
        let target = slot_0(id);
        until(70, || Disputes::time_out(signed(BOB), game).is_ok());
        settled(id);
        assert_noop!(attempt(target, Claim::Segment(1)), Error::<Test>::NoSuchRun);
        assert_eq!((bonded(BOB), burnt()), (0, BOND / 2));
        // In time the same lie is convicted.
        let id = again();
        convicts(id, Claim::Segment(1), &mut liar, &mut honest(0));
    });
}

/// Another run, of which slot 0 is committed with a poisoned second segment.
fn again() -> RunId {
    let id = create(&spec());
    let assigned = || {
        pallet_sabha_training::Slots::<Test>::get((id, ROUND, 0)).is_some_and(|slot| slot.worker().is_some())
    };
    until(400, assigned);
    commit(id, 0, train(0, Some(lie_at_end(Part::Step(3)))).outcome);
    id
}

/// Challenge itself to settle cheaply: by a friend that convicts it.
#[test]
fn a_cheat_that_challenges_itself_loses_half_of_its_stake_at_least() {
    run(|| {
        let mut liar = train(0, Some(lie_at_end(Part::Step(3))));
        let id = window_of(&with_slot_0(liar.clone()));
        let cheat = holder(id);
        let wealth = || {
            let all = [cheat, hot(cheat), payout(cheat), BOB];
            all.iter().map(|who| staked(*who) + bonded(*who) + free(*who)).sum::<u128>()
        };
        let before = wealth();
        let own = Disputes::challenge(signed(cheat), id, ROUND, slot_0(id), Claim::Segment(1));
        assert_noop!(own, Error::<Test>::OwnClaim);
        convicts(id, Claim::Segment(1), &mut liar, &mut honest(0));
        assert!(before - wealth() >= spec().stake_per_slot / 2);
    });
}

/// Challenge itself to fill the places: by a friend that loses.
#[test]
fn a_worker_whose_friend_challenges_it_falsely_loses_half_of_the_bond_at_least() {
    run(|| {
        let id = opened();
        commit(id, 0, honest(0).outcome);
        let defender = holder(id);
        let wealth = || free(BOB) + bonded(BOB) + free(payout(defender)) + staked(defender);
        let (before, books) = (wealth(), Books::of(id, defender));
        let game = challenge(BOB, id, slot_0(id), Claim::Finish);
        assert!(defend(game, &mut honest(0), &mut Default::default()));
        until(70, || Disputes::time_out(signed(BOB), game).is_ok());
        books.acquitted();
        assert_eq!(before - wealth(), BOND / 2);
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
        let defender = holder(id);
        assert_ok!(Training::drain(signed(hot(defender))));
        let game = challenge(BOB, id, slot_0(id), Claim::Begin);
        pass(40);
        assert_noop!(Training::unbond(signed(defender)), TrainingError::<Test>::StakeInUse);
        assert!(defend(game, &mut honest(0), &mut Default::default()));
        while Games::<Test>::contains_key(game) {
            assert_noop!(Training::unbond(signed(defender)), TrainingError::<Test>::StakeInUse);
            block();
            let _ = Disputes::time_out(signed(ALICE), game);
        }
        settled(id);
    });
}

/// Exit with stake before the window ends: asked for while a lie stands, and convicted all the same.
#[test]
fn who_asks_for_its_stake_is_convicted_all_the_same() {
    run(|| {
        let mut liar = train(0, Some(lie_at_end(Part::Finish)));
        let id = window_of(&with_slot_0(liar.clone()));
        assert_ok!(Training::drain(signed(hot(holder(id)))));
        assert_noop!(Training::unbond(signed(holder(id))), TrainingError::<Test>::StakeInUse);
        convicts(id, Claim::Finish, &mut liar, &mut honest(0));
    });
}

fn false_aggregation(liar: &mut Run, runs: &[Run]) {
    run(|| {
        let id = committed(runs);
        attest(id);
        let cheat = post(id, liar.last_root());
        let books = Books::of(id, cheat);
        let mut right = aggregate(runs, None);
        assert_ne!(right.last_root(), liar.last_root());
        let loser = judged(id, Target::Aggregation, Claim::Aggregate, liar, &mut right);
        assert_eq!(loser, Side::Defender);
        books.convicted_aggregator();
        // The run returns to its last checkpoint.
        assert_eq!(round_of(id, ROUND).void, Some(VoidReason::FalseRoot));
        no_games();
        let again = Disputes::challenge(signed(BOB), id, ROUND, Target::Aggregation, Claim::Aggregate);
        assert_noop!(again, TrainingError::<Test>::WrongState);
    });
}

#[test]
fn a_false_aggregation_is_convicted() {
    let runs = all_honest();
    false_aggregation(&mut aggregate(&runs, Some(lie_at_end(Part::Aggregate))), &runs);
}

#[test]
fn an_aggregation_that_leaves_an_update_out_is_convicted() {
    let runs = all_honest();
    false_aggregation(&mut aggregate(&runs[..2], None), &runs);
}

/// Leave an update out, and another one in twice.
#[test]
fn an_aggregation_that_counts_an_update_twice_is_convicted() {
    let runs = all_honest();
    let twice = [runs[0].clone(), runs[1].clone(), runs[1].clone()];
    false_aggregation(&mut aggregate(&twice, None), &runs);
}

#[test]
fn one_poisoned_segment_of_many_is_convicted() {
    found(&mut train(0, Some(lie_at_end(Part::Step(3)))), Claim::Segment(1), Vouched::Segment(1));
}

/// Fork at each uncommitted level of the descent. (At levels that are bound it can only be silent.)
#[test]
fn who_forks_at_any_level_of_the_descent_is_convicted() {
    run(|| {
        let id = opened();
        let truth = honest(0);
        let mut games = 0;
        for instruction in [20, 101] {
            let lie = Lie { part: Part::Step(7), instruction, element: 5, flip: 1 << 14 };
            let liar = train(0, Some(lie));
            let Some(claim) = truth.find(&liar) else { continue };
            for mut fork in Forked::all(world(), &truth, &liar, 7) {
                apart(|| {
                    commit(id, 0, liar.outcome);
                    convicts(id, claim, &mut fork, &mut truth.clone());
                });
                games += 1;
            }
        }
        assert!(games > 40, "{games}");
    });
}
