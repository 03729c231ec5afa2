//! Claims: seal, content, settlement.

use frame_support::{
    assert_noop, assert_ok,
    dispatch::{DispatchClass, GetDispatchInfo, Pays},
};
use sabha_protocol::{
    Digest, UNITS,
    datasets::{Content, SHARD_BYTES, Stage},
    pool::{PoolId, RewardPools},
};

use crate::{Accepted, AcceptedRoots, ClaimShards, Claims, Error, Event, HoldReason, ShardClaims, mock::*};

/// The scenario of the crate's documentation, for three curators.
#[test]
fn an_honest_claim_is_paid_and_has_shares() {
    run(|| {
        curators(3);
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 100);
        let fee = 3 * PAY;
        assert_eq!(held(HoldReason::ClaimBond, ASHA), 2 * UNITS);
        assert!(held(HoldReason::Storage, ASHA) > 0);
        assert_eq!(dataset_of(id).reserved, 50 * UNITS + fee);
        let panel = judge(claim, &[9_900, 10_000, 9_800]);
        settle(claim);

        // 99 of 100 units, and as much of the fee.
        let paid = 99 * UNITS / 2 + fee * 99 / 100;
        assert_eq!(owed(PoolId::Dataset(id), ASHA), paid);
        assert_eq!(RewardPool::shares(PoolId::Dataset(id), &ASHA), 99 * 80);
        for who in panel {
            assert_eq!(owed(PoolId::Curators, who), PAY);
            assert_eq!(RewardPool::shares(PoolId::Curators, &who), 1);
            assert_eq!((curator(who).reserved, curator(who).sound), (0, 1));
        }
        let dataset = dataset_of(id);
        assert_eq!((dataset.budget, dataset.reserved, dataset.claims), (1_000 * UNITS - paid, 0, 0));
        assert_eq!((dataset.units, dataset.paid), (99, paid));
        assert_eq!(held(HoldReason::ClaimBond, ASHA) + held(HoldReason::Storage, ASHA), 0);
        assert!(!ClaimShards::<Test>::contains_key(claim));
        // What a run that was trained on it names.
        let root = Content { units: 1, bytes: 1, shards: &shards(1, 100) }.root();
        let accepted = Accepted { dataset: id, claimant: ASHA, units: 99, bytes: 100 * SHARD_BYTES };
        assert_eq!(AcceptedRoots::<Test>::iter().collect::<Vec<_>>(), [(root, accepted)]);
        assert_eq!(ShardClaims::<Test>::iter().count(), 100);
        assert_ok!(RewardPool::claim(signed(ASHA), PoolId::Dataset(id)));
        check();
    });
}

#[test]
fn a_claim_is_accepted_in_part() {
    run(|| {
        curators(3);
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 100);
        judge(claim, &[5_000, 5_200, 4_900]);
        settle(claim);
        assert_eq!(dataset_of(id).units, 50);
        assert_eq!(owed(PoolId::Dataset(id), ASHA), 25 * UNITS + 3 * PAY / 2);
        // No bond is lost by it.
        assert!(!happened(|event| matches!(event, Event::Slashed { .. })));
    });
}

/// The part of one unit that is good is paid as the part of many.
#[test]
fn a_claim_of_one_unit_is_accepted_in_part() {
    run(|| {
        curators(3);
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 1);
        judge(claim, &[9_900; 3]);
        settle(claim);
        let paid = (UNITS / 2 + 3 * PAY) * 99 / 100;
        assert_eq!((owed(PoolId::Dataset(id), ASHA), dataset_of(id).paid), (paid, paid));
        assert_eq!(RewardPool::shares(PoolId::Dataset(id), &ASHA), 79);
        // A dataset that has data stays, with its pool.
        assert_ok!(Datasets::close_dataset(signed(OWNER), id));
        assert!(!dataset_of(id).open);
        assert_ok!(RewardPool::deposit(signed(DONOR), PoolId::Dataset(id), UNITS));
    });
}

#[test]
fn a_false_claim_loses_its_bond() {
    run(|| {
        curators(3);
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 100);
        let panel = judge(claim, &[0, 500, 0]);
        settle(claim);
        assert!(happened(|event| matches!(event, Event::ClaimRejected { claimant: ASHA, .. })));
        assert_eq!(held(HoldReason::ClaimBond, ASHA), 0);
        assert_eq!(owed(PoolId::Dataset(id), ASHA), 0);
        // Of 2 SBH: half is burnt, a fifth goes to three curators, the rest into the budget.
        assert_eq!(burnt(), UNITS);
        let each = 2 * UNITS / 5 / 3;
        for who in panel {
            assert_eq!(owed(PoolId::Curators, who), PAY + each);
        }
        assert_eq!(dataset_of(id).budget, 1_001 * UNITS - 3 * each);
        // Nothing remains: others may claim what the shards really are.
        assert_eq!(ShardClaims::<Test>::iter().count() + AcceptedRoots::<Test>::iter().count(), 0);
        claim_of(BINH, id, 1, 100);
    });
}

#[test]
fn commit_claim_fails() {
    run(|| {
        let id = dataset(3);
        let seal = Default::default();
        assert_noop!(Datasets::commit_claim(signed(ASHA), 9, seal), Error::<Test>::NoSuchDataset);
        assert!(Datasets::commit_claim(signed(99), id, seal).is_err());
        assert_ok!(Datasets::close_dataset(root(), id));
        assert_noop!(Datasets::commit_claim(signed(ASHA), id, seal), Error::<Test>::NoSuchDataset);
    });
}

#[test]
fn reveal_claim_fails() {
    run(|| {
        let id = dataset(3);
        let mine = shards(1, 2);
        let claim = commit(ASHA, id, &mine);
        assert_noop!(tell(ASHA, claim, &mine), Error::<Test>::TooEarly);
        pass(AVAILABILITY);
        assert_noop!(tell(BINH, claim, &mine), Error::<Test>::NotYours);
        assert_noop!(tell(ASHA, 9, &mine), Error::<Test>::NoSuchClaim);
        let told = |units, bytes, shards: &crate::Shards, salt| {
            Datasets::reveal_claim(
                signed(ASHA),
                claim,
                units,
                bytes,
                shards.clone(),
                Default::default(),
                salt,
            )
        };
        let bytes = 2 * SHARD_BYTES;
        assert_noop!(told(0, bytes, &mine, SALT), Error::<Test>::NothingClaimed);
        assert_noop!(told(3, bytes, &mine, SALT), Error::<Test>::TooManyUnits);
        assert_noop!(told(2, bytes + 1, &mine, SALT), Error::<Test>::WrongBytes);
        assert_noop!(told(2, bytes, &mine, [0; 32]), Error::<Test>::WrongSeal);
        assert_noop!(told(2, bytes, &shards(2, 2), SALT), Error::<Test>::WrongSeal);
        let blank = vec![text(" ")].try_into().expect("few");
        let told = Datasets::reveal_claim(signed(ASHA), claim, 2, bytes, mine.clone(), blank, SALT);
        assert_noop!(told, Error::<Test>::BadLocator);
        assert_ok!(tell(ASHA, claim, &mine));
        assert_noop!(tell(ASHA, claim, &mine), Error::<Test>::WrongStage);
    });
}

/// Nothing is promised, and no panel drawn, before the budget covers a claim. Then anybody has it go on.
#[test]
fn a_claim_that_the_budget_does_not_cover_waits_for_it() {
    run(|| {
        curators(3);
        let id = dataset(3);
        // Two promises of 500 and a half.
        claim_of(ASHA, id, 1, 1_000);
        let second = claim_of(BINH, id, 2, 1_000);
        let until = Now::get() + WINDOW;
        assert_eq!(events().last(), Some(&Event::ClaimUnfunded { claim: second, until }));
        let waiting = record(second);
        assert!(matches!(waiting.stage, Stage::Committed { until: last, .. } if last == until));
        assert_eq!((waiting.fee, waiting.purse, waiting.reserved), (3 * PAY, 3 * PAY, 0));
        assert_eq!(held(HoldReason::ClaimBond, BINH), 2 * UNITS);
        assert_eq!(dataset_of(id).reserved, record(0).reserved);
        // It is told: not once more.
        assert_noop!(tell(BINH, second, &shards(2, 1_000)), Error::<Test>::WrongStage);
        // To the last unit.
        assert_ok!(Datasets::donate(signed(DONOR), id, 3 * UNITS - 1));
        assert!(!Datasets::is_due(second));
        assert_noop!(Datasets::poke(signed(BINH), second), Error::<Test>::BudgetTooLow);
        assert_ok!(Datasets::donate(signed(DONOR), id, 1));
        assert!(Datasets::is_due(second));
        poke(second);
        assert_eq!(events().last(), Some(&Event::ClaimFunded { claim: second }));
        assert_eq!(dataset_of(id).reserved, 1_003 * UNITS);
        assert!(!Datasets::is_due(second));
        assert_noop!(Datasets::poke(signed(BINH), second), Error::<Test>::NothingDue);
        judge(second, &[10_000; 3]);
        settle(second);
        assert_eq!(owed(PoolId::Dataset(id), BINH), 500 * UNITS + 3 * PAY);
    });
}

/// Whoever's budget never comes has everything back, and so has anybody who wants the shards.
#[test]
fn a_claim_that_waits_in_vain_ends() {
    run(|| {
        let id = dataset_with(3, UNITS);
        let before = Balances::free_balance(ASHA);
        for withdrawn in [false, true] {
            let claim = claim_of(ASHA, id, 1, 9);
            assert_eq!(ShardClaims::<Test>::iter().count(), 9);
            if withdrawn {
                assert_noop!(Datasets::withdraw_claim(signed(BINH), claim), Error::<Test>::NotYours);
                assert_ok!(Datasets::withdraw_claim(signed(ASHA), claim));
            } else {
                pass(WINDOW);
                assert_noop!(Datasets::poke(signed(EVE), claim), Error::<Test>::BudgetTooLow);
                pass(1);
                poke(claim);
            }
            assert_eq!(events().last(), Some(&Event::ClaimWithdrawn { claim }));
            assert_eq!(ShardClaims::<Test>::iter().count() + ClaimShards::<Test>::iter().count(), 0);
            assert_eq!((Balances::free_balance(ASHA), dataset_of(id).claims), (before, 0));
        }
    });
}

/// Who is quick in full blocks must not be whoever pays most: design 6.
#[test]
fn calls_with_a_deadline_are_operational_and_free_if_they_are_of_use() {
    type Call = crate::Call<Test>;
    run(|| {
        let shards = shards(1, 1);
        let calls = [
            Call::reveal_claim {
                claim: 0,
                units: 1,
                bytes: 1,
                shards,
                locators: Default::default(),
                salt: SALT,
            },
            Call::poke { claim: 0 },
            Call::seal_vote { claim: 0, seal: Digest::default() },
            Call::reveal_vote { claim: 0, vote: opinion(0), salt: SALT },
            Call::appeal { claim: 0 },
        ];
        for call in calls {
            assert_eq!(call.get_dispatch_info().class, DispatchClass::Operational, "{call:?}");
        }
        assert_eq!(Call::withdraw_claim { claim: 0 }.get_dispatch_info().class, DispatchClass::Normal);
        // Telling, poking and voting are free in all other tests.
        curators(3);
        let claim = claim_of(ASHA, dataset(3), 1, 2);
        judge(claim, &[0; 3]);
        let appealed = Datasets::appeal(signed(EVE), claim).expect("it can be appealed");
        assert_eq!(appealed.pays_fee, Pays::No);
    });
}

#[test]
fn a_sealed_claim_can_be_given_up_and_ends_by_itself() {
    run(|| {
        let id = dataset(3);
        let first = commit(ASHA, id, &shards(1, 1));
        assert_noop!(Datasets::withdraw_claim(signed(BINH), first), Error::<Test>::NotYours);
        assert_ok!(Datasets::withdraw_claim(signed(ASHA), first));
        assert_eq!(held(HoldReason::ClaimBond, ASHA), 0);
        let second = commit(ASHA, id, &shards(1, 1));
        pass(AVAILABILITY + WINDOW);
        assert_noop!(Datasets::poke(signed(EVE), second), Error::<Test>::NothingDue);
        pass(1);
        assert_noop!(tell(ASHA, second, &shards(1, 1)), Error::<Test>::TooLate);
        poke(second);
        assert!(!Claims::<Test>::contains_key(second));
        assert_eq!((held(HoldReason::ClaimBond, ASHA), dataset_of(id).claims), (0, 0));
        let third = claim_of(ASHA, id, 1, 1);
        assert_noop!(Datasets::withdraw_claim(signed(ASHA), third), Error::<Test>::WrongStage);
    });
}

/// Nobody judges: nothing is paid and nothing lost, whoever pokes.
#[test]
fn a_claim_without_any_curator_lapses() {
    run(|| {
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 2);
        for _ in 0..3 {
            pass(2 * SESSION);
            poke(claim);
        }
        assert!(matches!(record(claim).stage, Stage::Judged { .. }));
        settle(claim);
        assert!(happened(|event| matches!(event, Event::ClaimLapsed { .. })));
        assert_eq!(owed(PoolId::Dataset(id), ASHA), 3 * PAY);
        assert_eq!(held(HoldReason::ClaimBond, ASHA) + held(HoldReason::Storage, ASHA), 0);
        assert_eq!((dataset_of(id).budget, burnt()), (1_000 * UNITS, 0));
        assert_eq!(ShardClaims::<Test>::iter().count(), 0);
    });
}

/// What no panel judged can have three more, if its claimant wants that, at no cost; votes are sealed for panels that were not there before.
#[test]
fn a_claim_that_nobody_judged_is_drawn_for_again() {
    run(|| {
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 2);
        for _ in 0..3 {
            draw(claim);
        }
        let before = record(claim);
        assert_noop!(Datasets::poke(signed(EVE), claim), Error::<Test>::NothingDue);
        assert_noop!(Datasets::withdraw_claim(signed(ASHA), claim), Error::<Test>::WrongStage);
        // An appeal is no way to keep it from that: it ends within the retention.
        assert_ok!(Datasets::appeal(signed(EVE), claim));
        assert_noop!(Datasets::poke(signed(ASHA), claim), Error::<Test>::NothingDue);
        pass(ARBITRATION + 1);
        poke(claim);
        curators(3);
        poke_as(ASHA, claim);
        assert_eq!(events().last(), Some(&Event::ClaimRedrawn { claim }));
        assert_eq!((record(claim).fee, record(claim).purse), (before.fee, before.purse));
        assert_eq!((record(claim).reserved, record(claim).panels), (before.reserved, 3));
        // It has three panels again.
        draw(claim);
        for round in 4..6 {
            pass(SEALS + 1);
            poke(claim);
            assert_eq!(record(claim).panels, round);
            for who in FIRST..FIRST + 3 {
                assert_ok!(Datasets::add_curator_stake(signed(who), SEAT));
                assert_ok!(Datasets::ready_curator(signed(who)));
            }
            draw(claim);
        }
        for who in panel(claim) {
            seal(claim, who, opinion(10_000));
        }
        poke(claim);
        for who in panel(claim) {
            reveal(claim, who, opinion(10_000));
        }
        poke(claim);
        settle(claim);
        assert_eq!(dataset_of(id).units, 2);
    });
}

/// Seals name their panel by a byte: a claim whose panels cannot be counted any more lapses.
#[test]
fn panels_are_not_counted_twice() {
    run(|| {
        let claim = claim_of(ASHA, dataset(3), 1, 2);
        for _ in 0..3 {
            draw(claim);
        }
        Claims::<Test>::mutate(claim, |claim| claim.as_mut().expect("it is there").panels = 253);
        assert_noop!(Datasets::poke(signed(ASHA), claim), Error::<Test>::NothingDue);
        Claims::<Test>::mutate(claim, |claim| claim.as_mut().expect("it is there").panels = 252);
        poke_as(ASHA, claim);
        for _ in 0..3 {
            draw(claim);
        }
        assert_eq!(record(claim).panels, 255);
        assert_noop!(Datasets::poke(signed(ASHA), claim), Error::<Test>::NothingDue);
        settle(claim);
    });
}

/// On a claim that is false, a vote for a part of it can be within the tolerance. It has not said so, and has no part of the bond.
#[test]
fn the_bond_of_a_false_claim_is_for_those_who_said_so() {
    run(|| {
        curators(3);
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 100);
        let panel = judge(claim, &[0, 999, 2_999]);
        settle(claim);
        assert!(happened(|event| matches!(event, Event::ClaimRejected { .. })));
        for who in &panel[..2] {
            assert_eq!(owed(PoolId::Curators, *who), PAY + UNITS / 5);
        }
        assert_eq!((owed(PoolId::Curators, panel[2]), curator(panel[2]).sound), (PAY, 1));
        // Nobody had: then it is the budget's.
        let claim = claim_of(ASHA, id, 2, 100);
        let panel = judge(claim, &[2_000; 3]);
        assert_ok!(Datasets::arbitrate(root(), claim, opinion(500), true));
        let (budget, before) = (dataset_of(id).budget, owed(PoolId::Curators, panel[0]));
        poke(claim);
        assert_eq!(owed(PoolId::Curators, panel[0]), before + PAY);
        assert_eq!(dataset_of(id).budget, budget + UNITS);
    });
}

#[test]
fn anybody_finds_out_what_is_due() {
    run(|| {
        curators(3);
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 2);
        assert!(!Datasets::is_due(claim));
        assert_noop!(Datasets::poke(signed(EVE), claim), Error::<Test>::NothingDue);
        pass(2 * SESSION);
        assert!(Datasets::is_due(claim));
        poke(claim);
        for who in panel(claim) {
            assert_eq!(Datasets::seats_of(who), [(claim, record(claim))]);
        }
        assert_noop!(Datasets::poke(signed(EVE), 9), Error::<Test>::NoSuchClaim);
    });
}
