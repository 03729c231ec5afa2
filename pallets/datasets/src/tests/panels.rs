//! Panels: who is drawn, seals, votes, quorums.

use frame_support::{assert_noop, assert_ok};
use sabha_protocol::{
    UNITS,
    datasets::{Stage, Vote},
    pool::{PoolId, RewardPools},
};

use crate::{CuratorStatus, Error, HoldReason, mock::*};

#[test]
fn a_panel_is_drawn_two_sessions_after_the_claim() {
    run(|| {
        curators(6);
        let claim = claim_of(ASHA, dataset(5), 1, 2);
        pass(SESSION);
        assert_noop!(Datasets::poke(signed(EVE), claim), Error::<Test>::NothingDue);
        pass(SESSION);
        poke(claim);
        let mut panel = panel(claim);
        assert_eq!(panel.len(), 5);
        panel.sort_unstable();
        panel.dedup();
        assert_eq!(panel.len(), 5, "nobody has two seats");
        assert!(panel.iter().all(|who| curator(*who).reserved == SEAT));
    });
}

/// Who joins when it knows of the claim is not drawn for it.
#[test]
fn who_comes_later_is_not_drawn() {
    run(|| {
        curators(3);
        let claim = claim_of(ASHA, dataset(3), 1, 2);
        for who in 14..=20 {
            assert_ok!(Datasets::register_curator(signed(who), STAKE));
        }
        let mut panel = draw(claim);
        panel.sort_unstable();
        assert_eq!(panel, [10, 11, 12]);
    });
}

#[test]
fn who_leaves_the_draw_is_drawn_still() {
    run(|| {
        curators(3);
        let claim = claim_of(ASHA, dataset(3), 1, 2);
        assert_ok!(Datasets::drain_curator(signed(10), 10));
        assert_eq!(draw(claim).len(), 3);
        assert_noop!(Datasets::withdraw_curator(signed(10)), Error::<Test>::StakeInUse);
    });
}

#[test]
fn a_lost_word_delays_the_draw() {
    run(|| {
        curators(3);
        let claim = claim_of(ASHA, dataset(3), 1, 2);
        let Stage::Drawing { frozen } = record(claim).stage else { panic!("it waits for its panel") };
        Lost::set(vec![frozen + 2]);
        pass(2 * SESSION);
        poke(claim);
        assert_eq!(record(claim).stage, Stage::Drawing { frozen: frozen + 2 });
        assert_eq!(record(claim).panels, 0);
        assert_eq!(draw(claim).len(), 3);
    });
}

#[test]
fn who_is_poked_too_late_is_drawn_from_a_later_set() {
    run(|| {
        curators(3);
        let claim = claim_of(ASHA, dataset(3), 1, 2);
        pass(6 * SESSION);
        poke(claim);
        assert!(matches!(record(claim).stage, Stage::Drawing { .. }));
        assert_eq!(draw(claim).len(), 3);
    });
}

#[test]
fn seals_and_votes_that_are_refused() {
    run(|| {
        curators(3);
        let claim = claim_of(ASHA, dataset(3), 1, 2);
        let seal_vote = |who| Datasets::seal_vote(signed(who), claim, Default::default());
        assert_noop!(seal_vote(10), Error::<Test>::WrongStage);
        draw(claim);
        assert_noop!(seal_vote(EVE), Error::<Test>::NoSeat);
        let vote = opinion(10_000);
        let reveal_vote = |who, vote, salt| Datasets::reveal_vote(signed(who), claim, vote, salt);
        assert_noop!(reveal_vote(10, vote, SALT), Error::<Test>::WrongStage);
        seal(claim, 10, vote);
        seal(claim, 11, vote);
        assert_noop!(Datasets::poke(signed(EVE), claim), Error::<Test>::NothingDue);
        pass(SEALS + 1);
        assert_noop!(seal_vote(12), Error::<Test>::TooLate);
        poke(claim);
        assert_noop!(reveal_vote(12, vote, SALT), Error::<Test>::NotSealed);
        assert_noop!(reveal_vote(10, opinion(9_999), SALT), Error::<Test>::WrongSeal);
        assert_noop!(reveal_vote(10, vote, [0; 32]), Error::<Test>::WrongSeal);
        assert_noop!(reveal_vote(10, opinion(10_001), SALT), Error::<Test>::BadVote);
        assert_noop!(reveal_vote(10, Vote { fraction: 1, quality: 101 }, SALT), Error::<Test>::BadVote);
        reveal(claim, 10, vote);
        assert_noop!(reveal_vote(10, vote, SALT), Error::<Test>::NotSealed);
        pass(AVAILABILITY + 1);
        assert_noop!(reveal_vote(11, vote, SALT), Error::<Test>::TooLate);
    });
}

/// The median of those who spoke decides. Who is silent loses the seat's stake, and is drawn no more.
#[test]
fn a_silent_curator_loses_stake_and_seat() {
    run(|| {
        curators(5);
        let id = dataset(5);
        let claim = claim_of(ASHA, id, 1, 100);
        let panel = draw(claim);
        let (silent, others) = panel.split_first().expect("five");
        for who in others {
            seal(claim, *who, opinion(9_000));
        }
        pass(SEALS + 1);
        poke(claim);
        for who in others {
            reveal(claim, *who, opinion(9_000));
        }
        // All who had sealed have spoken.
        poke(claim);
        settle(claim);
        let record = curator(*silent);
        assert_eq!((record.stake, record.reserved), (STAKE - SEAT, 0));
        assert_eq!((record.status, record.failed), (CuratorStatus::Absent, 1));
        assert_eq!(held(HoldReason::CuratorStake, *silent), STAKE - SEAT);
        assert_eq!((owed(PoolId::Curators, *silent), burnt()), (0, SEAT / 2));
        // The other half, and the pay that it did not get, are in the budget.
        let paid = 45 * UNITS + 5 * PAY * 9 / 10;
        assert_eq!(dataset_of(id).budget, 1_000 * UNITS - paid + SEAT / 2 + PAY);
        // It is not drawn again: with four left, a panel of five has four.
        let next = claim_of(ASHA, id, 2, 2);
        assert_eq!(draw(next).len(), 4);
        assert_noop!(Datasets::ready_curator(signed(*silent)), Error::<Test>::StakeTooLow);
    });
}

#[test]
fn a_vote_far_from_the_median_costs_half_a_seat_and_half_the_merit() {
    run(|| {
        curators(3);
        for who in FIRST..FIRST + 3 {
            assert_ok!(Datasets::add_curator_stake(signed(who), SEAT));
        }
        let id = dataset(3);
        for seed in 0..4 {
            let claim = claim_of(ASHA, id, seed, 2);
            judge(claim, &[10_000; 3]);
            settle(claim);
        }
        let claim = claim_of(ASHA, id, 9, 2);
        let panel = judge(claim, &[10_000, 7_900, 8_500]);
        settle(claim);
        // Median 8,500; the tolerance is 2,000.
        assert!(panel.iter().all(|who| curator(*who).failed == 0));
        let claim = claim_of(ASHA, id, 10, 2);
        let panel = judge(claim, &[10_000, 6_000, 9_500]);
        settle(claim);
        let noise = panel[1];
        assert_eq!((curator(noise).stake, curator(noise).failed), (STAKE + SEAT / 2, 1));
        assert_eq!(curator(noise).status, CuratorStatus::Ready);
        assert_eq!(RewardPool::shares(PoolId::Curators, &noise), 5 / 2);
        assert_eq!(RewardPool::shares(PoolId::Curators, &panel[0]), 6);
        assert_eq!(burnt(), SEAT / 4);
    });
}

/// Below the least stake it has no ticket of weight: it can be drawn no more, and would have its part of what is minted for good, with nothing
/// at risk. So it is treated as one that was silent.
#[test]
fn who_has_less_than_the_least_stake_left_is_out_of_the_draw_and_of_what_is_minted() {
    run(|| {
        curators(4);
        assert_ok!(Datasets::add_curator_stake(signed(FIRST), 2 * STAKE));
        let id = dataset(3);
        let mut poor = None;
        for seed in 0..8 {
            Seed::set(seed.into());
            let claim = claim_of(ASHA, id, seed, 2);
            let panel = draw(claim);
            let noise = *panel.iter().find(|who| **who != FIRST).expect("one of three");
            let merit = RewardPool::shares(PoolId::Curators, &noise);
            // It has something to lose: the first votes are sound.
            let far = merit > 0;
            let vote = |who| opinion(if far && who == noise { 0 } else { 10_000 });
            for who in &panel {
                seal(claim, *who, vote(*who));
            }
            poke(claim);
            for who in &panel {
                reveal(claim, *who, vote(*who));
            }
            poke(claim);
            settle(claim);
            if far {
                poor = Some(noise);
                break;
            }
        }
        let poor = poor.expect("somebody sat twice");
        assert_eq!((curator(poor).stake, curator(poor).tickets), (STAKE - SEAT / 2, 1));
        assert_eq!(curator(poor).status, CuratorStatus::Absent);
        assert!(happened(
            |event| matches!(event, crate::Event::CuratorAbsent { curator } if *curator == poor)
        ));
        assert_eq!(RewardPool::shares(PoolId::Curators, &poor), 0);
        assert!(owed(PoolId::Curators, poor) >= PAY, "what it had earned is its own");
        // Its ticket is in the way of draws: anybody may take it out.
        assert_noop!(Datasets::ready_curator(signed(poor)), Error::<Test>::StakeTooLow);
        assert_ok!(Datasets::drain_curator(signed(EVE), poor));
        assert_eq!(curator(poor).tickets, 0);
        // With its stake it has its place back, and no merit.
        assert_ok!(Datasets::add_curator_stake(signed(poor), SEAT / 2));
        assert_ok!(Datasets::ready_curator(signed(poor)));
        assert_eq!((curator(poor).tickets, RewardPool::shares(PoolId::Curators, &poor)), (1, 0));
    });
}

/// Whatever panels do: the next one is drawn, at most three, and then the claim lapses. Those who spoke in vain are paid.
#[test]
fn panels_without_a_quorum_are_replaced() {
    run(|| {
        curators(9);
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 2);
        for round in 0..3 {
            let panel = draw(claim);
            assert_eq!((panel.len(), record(claim).panels), (3, round));
            // One seals; in the last panel two, of whom one reveals.
            seal(claim, panel[0], opinion(10_000));
            if round == 2 {
                seal(claim, panel[1], opinion(10_000));
            }
            pass(SEALS + 1);
            poke(claim);
            if round == 2 {
                reveal(claim, panel[0], opinion(10_000));
                pass(AVAILABILITY + 1);
                poke(claim);
            }
            assert_eq!(owed(PoolId::Curators, panel[0]) % PAY, 0);
            assert_eq!(curator(panel[0]).stake, STAKE);
            assert_eq!(curator(panel[0]).reserved, 0);
            for who in &panel[1..] {
                assert_eq!((curator(*who).stake, curator(*who).reserved), (STAKE - SEAT, 0));
            }
        }
        assert!(matches!(record(claim).stage, Stage::Judged { .. }));
        settle(claim);
        assert_eq!(owed(PoolId::Dataset(id), ASHA), 3 * PAY);
        let sound: u32 = (FIRST..FIRST + 9).map(|who| curator(who).sound).sum();
        assert_eq!(sound, 3);
    });
}

#[test]
fn a_curator_sits_on_as_many_panels_as_its_stake_covers_and_newcomers_do_not_have_the_rest() {
    run(|| {
        curators(3);
        let id = dataset(3);
        // Nobody moves the earlier ones on: their seats stay reserved.
        let drawn = |seed| {
            let claim = claim_of(ASHA, id, seed, 1);
            pass(2 * SESSION);
            poke(claim);
            panel(claim)
        };
        for seed in 0..10 {
            assert_eq!(drawn(seed).len(), 3);
        }
        for who in FIRST..FIRST + 3 {
            assert_eq!((curator(who).reserved, curator(who).free_stake()), (STAKE, 0));
        }
        assert!(drawn(10).is_empty(), "their stake is all reserved");
        // With as many newcomers, half of all seats fall to those who are full.
        for who in FIRST + 3..FIRST + 6 {
            assert_ok!(Datasets::register_curator(signed(who), STAKE));
        }
        pass(SESSION);
        let panels: Vec<_> = (11..17).map(drawn).collect();
        let seats: usize = panels.iter().map(Vec::len).sum();
        assert!((1..=14).contains(&seats), "of 18 seats newcomers have {seats}");
        assert!(panels.iter().flatten().all(|who| *who >= FIRST + 3));
    });
}
