//! What cheats try, one test each.

use frame_support::{
    assert_noop, assert_ok,
    traits::{LockableCurrency, WithdrawReasons},
};
use sabha_protocol::{
    UNITS,
    datasets::{Content, Modality, SHARD_BYTES, Unit, claim, vote},
    pool::{PoolId, RewardPools},
};

use crate::{AcceptedRoots, ClaimShards, Claims, Error, HoldReason, ShardClaims, mock::*};

/// A lazy curator seals what another one sealed. The seal is bound to whoever made it: it opens to nobody else.
#[test]
fn copying_another_curators_sealed_vote() {
    run(|| {
        curators(3);
        let claim = claim_of(ASHA, dataset(3), 1, 10);
        let panel = draw(claim);
        let honest = opinion(9_000);
        let copied = vote::seal(claim, 0, &honest, &SALT, &panel[0]);
        for who in &panel {
            assert_ok!(Datasets::seal_vote(signed(*who), claim, copied));
        }
        poke(claim);
        reveal(claim, panel[0], honest);
        // Now the copyist knows vote and salt, and still cannot open it as its own.
        let open = Datasets::reveal_vote(signed(panel[1]), claim, honest, SALT);
        assert_noop!(open, Error::<Test>::WrongSeal);
        pass(AVAILABILITY + 1);
        poke(claim);
        assert_eq!(curator(panel[1]).stake, STAKE - SEAT);
        assert_eq!(curator(panel[0]).stake, STAKE);
    });
}

#[test]
fn changing_a_vote() {
    run(|| {
        curators(3);
        let claim = claim_of(ASHA, dataset(3), 1, 10);
        let panel = draw(claim);
        let who = panel[0];
        seal(claim, who, opinion(9_000));
        let other = vote::seal(claim, 0, &opinion(0), &SALT, &who);
        assert_noop!(Datasets::seal_vote(signed(who), claim, other), Error::<Test>::AlreadySealed);
        seal(claim, panel[1], opinion(0));
        seal(claim, panel[2], opinion(0));
        poke(claim);
        reveal(claim, panel[1], opinion(0));
        // It sees where the median will be. Too late: neither another vote nor a second one.
        let change = |vote| Datasets::reveal_vote(signed(who), claim, vote, SALT);
        assert_noop!(change(opinion(0)), Error::<Test>::WrongSeal);
        assert_noop!(Datasets::seal_vote(signed(who), claim, other), Error::<Test>::WrongStage);
        assert_ok!(change(opinion(9_000)));
        assert_noop!(change(opinion(9_000)), Error::<Test>::NotSealed);
    });
}

/// Two of five are bribed to pass random bytes. The median does not move, and they lose more than they earned.
#[test]
fn a_bribed_minority() {
    run(|| {
        curators(5);
        let id = dataset(5);
        let claim = claim_of(ASHA, id, 1, 100);
        let panel = judge(claim, &[10_000, 0, 10_000, 200, 0]);
        settle(claim);
        assert_eq!((owed(PoolId::Dataset(id), ASHA), held(HoldReason::ClaimBond, ASHA)), (0, 0));
        for bribed in [panel[0], panel[2]] {
            assert_eq!((owed(PoolId::Curators, bribed), curator(bribed).stake), (0, STAKE - SEAT / 2));
        }
        for honest in [panel[1], panel[3], panel[4]] {
            assert!(owed(PoolId::Curators, honest) > PAY);
        }
    });
}

#[test]
fn claiming_the_same_shards_twice_or_under_another_name() {
    run(|| {
        curators(3);
        let (first, second) = (dataset(3), dataset(3));
        let claim = claim_of(ASHA, first, 1, 10);
        let again = |who, dataset, shards: &crate::Shards| {
            let id = commit(who, dataset, shards);
            pass(AVAILABILITY);
            assert_noop!(tell(who, id, shards), Error::<Test>::DuplicateShard);
        };
        let mine = shards(1, 10);
        // While it is open: in the same dataset, in another one, by another account.
        again(ASHA, first, &mine);
        again(ASHA, second, &mine);
        again(BINH, second, &mine);
        judge(claim, &[10_000; 3]);
        settle(claim);
        // After it was paid: in another order, one of its shards among others, one twice.
        let turned: Vec<_> = mine.iter().rev().copied().collect();
        let turned = turned.try_into().expect("not too many");
        again(BINH, second, &turned);
        let mut mixed = shards(2, 10);
        mixed[7] = mine[3];
        again(BINH, second, &mixed);
        let mut twice = shards(3, 10);
        twice[1] = twice[0];
        again(BINH, second, &twice);
    });
}

/// A copyist sees the shards in the pool of transactions, where they wait for the next block, and is quicker. It has no seal that is old
/// enough, and none that it could have made: it did not know the root.
#[test]
fn claiming_somebody_elses_pending_shards_first() {
    run(|| {
        let id = dataset(3);
        let hers = shards(1, 10);
        let honest = commit(ASHA, id, &hers);
        // It copies her seal, for want of anything better.
        let seal = record(honest).seal;
        let copied = crate::NextClaim::<Test>::get();
        assert_ok!(Datasets::commit_claim(signed(BINH), id, seal));
        pass(AVAILABILITY);
        // Her transaction waits. The copyist sends the same shards at once: with her seal, and with one of its own.
        assert_noop!(tell(BINH, copied, &hers), Error::<Test>::WrongSeal);
        let own = commit(BINH, id, &hers);
        assert_noop!(tell(BINH, own, &hers), Error::<Test>::TooEarly);
        assert_noop!(tell(BINH, honest, &hers), Error::<Test>::NotYours);
        pass(AVAILABILITY - 1);
        assert_noop!(tell(BINH, own, &hers), Error::<Test>::TooEarly);
        // She has had ten blocks.
        assert_ok!(tell(ASHA, honest, &hers));
        pass(1);
        assert_noop!(tell(BINH, own, &hers), Error::<Test>::DuplicateShard);
    });
}

/// The budget is emptied by another claim in the same block, so that hers is told in vain, for everybody to see. The copyist seals at once,
/// gives the budget what is missing, and is to be paid for her data, what it gave included. Her claim has the shards.
#[test]
fn emptying_the_budget_under_a_claim_to_copy_it() {
    run(|| {
        curators(3);
        let id = dataset_with(3, 10 * UNITS);
        let hers = shards(1, 10);
        let honest = commit(ASHA, id, &hers);
        let junk = commit(BINH, id, &shards(2, 15));
        pass(AVAILABILITY);
        assert_ok!(tell(BINH, junk, &shards(2, 15)));
        assert_ok!(tell(ASHA, honest, &hers));
        // Whatever it makes of them: all of them, in another order, one among others.
        let turned: Vec<_> = hers.iter().rev().copied().collect();
        let mut one = shards(3, 2);
        one[1] = hers[4];
        let copies = [hers.clone(), turned.try_into().expect("few"), one];
        let other = dataset(3);
        let copied: Vec<_> = copies.iter().map(|shards| commit(BINH, other, shards)).collect();
        pass(AVAILABILITY);
        for (claim, shards) in copied.iter().zip(&copies) {
            assert_noop!(tell(BINH, *claim, shards), Error::<Test>::DuplicateShard);
        }
        // What it gave is hers.
        assert_ok!(Datasets::donate(signed(BINH), id, 100 * UNITS));
        poke(honest);
        judge(honest, &[10_000; 3]);
        settle(honest);
        assert_eq!(owed(PoolId::Dataset(id), ASHA), 5 * UNITS + 3 * PAY);
    });
}

/// Her budget does not come in time, and the copyist's seal has become old enough meanwhile. So has another one of hers.
#[test]
fn waiting_for_a_claim_to_run_out_of_time() {
    run(|| {
        let id = dataset_with(3, UNITS);
        let hers = shards(1, 10);
        let first = claim_of(ASHA, id, 1, 10);
        pass(WINDOW - AVAILABILITY);
        let (second, copied) = (commit(ASHA, id, &hers), commit(BINH, id, &hers));
        pass(AVAILABILITY);
        assert_noop!(tell(BINH, copied, &hers), Error::<Test>::DuplicateShard);
        // In one batch.
        assert_ok!(Datasets::withdraw_claim(signed(ASHA), first));
        assert_ok!(tell(ASHA, second, &hers));
        pass(1);
        assert_noop!(tell(BINH, copied, &hers), Error::<Test>::DuplicateShard);
        // Whoever sleeps has lost them: they are kept for no longer than that.
        let renewed = commit(BINH, id, &hers);
        pass(WINDOW);
        poke(second);
        assert_ok!(tell(BINH, renewed, &hers));
    });
}

/// The panels of a claim were silent: it is about to lapse, and a copyist, who has the shards from the chain and seals that are renewed,
/// waits for that. Its claimant has all of the retention to have other panels drawn.
#[test]
fn waiting_for_a_claim_to_lapse() {
    run(|| {
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 10);
        for _ in 0..3 {
            draw(claim);
        }
        curators(3);
        pass(RETENTION - SESSION - AVAILABILITY);
        let copied = commit(BINH, id, &shards(1, 10));
        pass(AVAILABILITY);
        assert_noop!(Datasets::poke(signed(BINH), claim), Error::<Test>::NothingDue);
        poke_as(ASHA, claim);
        assert_noop!(tell(BINH, copied, &shards(1, 10)), Error::<Test>::DuplicateShard);
        judge(claim, &[10_000; 3]);
        settle(claim);
        assert_eq!(owed(PoolId::Dataset(id), ASHA), 5 * UNITS + 3 * PAY);
    });
}

/// Data that is gone after the panel has seen it: pay, shares and bond had to wait, and go. The panel, which judged rightly, is paid.
#[test]
fn withdrawing_the_data_after_acceptance() {
    run(|| {
        curators(3);
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 100);
        let panel = judge(claim, &[10_000; 3]);
        pass(RETENTION);
        assert_eq!(owed(PoolId::Dataset(id), ASHA), 0);
        assert_eq!(RewardPool::shares(PoolId::Dataset(id), &ASHA), 0);
        assert_ok!(Datasets::appeal(signed(EVE), claim));
        assert_ok!(Datasets::arbitrate(root(), claim, opinion(0), false));
        poke(claim);
        assert_eq!(owed(PoolId::Dataset(id), ASHA), 0);
        assert_eq!(RewardPool::shares(PoolId::Dataset(id), &ASHA), 0);
        assert_eq!(held(HoldReason::ClaimBond, ASHA), 0);
        assert_eq!(burnt(), UNITS);
        assert_eq!(owed(PoolId::Dataset(id), EVE), 2 * UNITS / 5);
        for who in panel {
            // Not of the bond: they had not said so.
            assert_eq!((owed(PoolId::Curators, who), curator(who).stake), (PAY, STAKE));
        }
        // Who has the data can claim it.
        assert!(AcceptedRoots::<Test>::iter().next().is_none());
        claim_of(BINH, id, 1, 100);
    });
}

/// A claimant appeals itself, for nobody to decide: neither can others appeal no more, nor may its data go any earlier.
#[test]
fn appealing_itself_to_be_settled_early() {
    run(|| {
        curators(3);
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 100);
        judge(claim, &[10_000; 3]);
        assert_ok!(Datasets::appeal(signed(ASHA), claim));
        pass(ARBITRATION + 1);
        poke(claim);
        assert_eq!(held(HoldReason::AppealBond, ASHA), 0);
        pass(RETENTION - ARBITRATION - 1);
        // The data has gone meanwhile.
        assert_noop!(Datasets::poke(signed(ASHA), claim), Error::<Test>::NothingDue);
        assert_ok!(Datasets::appeal(signed(EVE), claim));
        assert_ok!(Datasets::arbitrate(root(), claim, opinion(0), false));
        poke(claim);
        assert_eq!((owed(PoolId::Dataset(id), ASHA), held(HoldReason::ClaimBond, ASHA)), (0, 0));
    });
}

/// Whoever has a stake or a bond votes with all it has, so that everything is locked: it is slashed nevertheless.
#[test]
fn locking_what_is_on_hold() {
    run(|| {
        curators(3);
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 100);
        let panel = draw(claim);
        for who in panel.iter().chain(&[ASHA, EVE]) {
            Balances::set_lock(*b"pyconvot", who, u128::MAX, WithdrawReasons::all());
        }
        for who in &panel[1..] {
            seal(claim, *who, opinion(0));
        }
        pass(SEALS + 1);
        poke(claim);
        for who in &panel[1..] {
            reveal(claim, *who, opinion(0));
        }
        poke(claim);
        assert_ok!(Datasets::appeal(signed(EVE), claim));
        pass(ARBITRATION + 1);
        poke(claim);
        assert_eq!(held(HoldReason::AppealBond, EVE), 0);
        settle(claim);
        assert_eq!(held(HoldReason::ClaimBond, ASHA), 0);
        assert_eq!(held(HoldReason::CuratorStake, panel[0]), STAKE - SEAT);
        assert_eq!(burnt(), UNITS + APPEAL / 2 + SEAT / 2);
    });
}

/// A claimant is a curator, and so is its friend. It is not drawn for its own claim; the friend is outvoted, and pays.
#[test]
fn a_self_dealing_curator() {
    run(|| {
        assert_ok!(Datasets::register_curator(signed(ASHA), 5 * STAKE));
        curators(3);
        let id = dataset(3);
        for seed in 0..5 {
            Seed::set(seed.into());
            let claim = claim_of(ASHA, id, seed, 10);
            let panel = draw(claim);
            assert!(!panel.contains(&ASHA));
            let friend = panel[0];
            for who in &panel {
                seal(claim, *who, opinion(if *who == friend { 10_000 } else { 0 }));
            }
            poke(claim);
            for who in &panel {
                reveal(claim, *who, opinion(if *who == friend { 10_000 } else { 0 }));
            }
            poke(claim);
            let before = curator(friend).stake;
            settle(claim);
            assert_eq!(before - curator(friend).stake, SEAT / 2);
            assert_eq!(owed(PoolId::Dataset(id), ASHA), 0);
            // For the next one it is worth a ticket again.
            assert_ok!(Datasets::add_curator_stake(signed(friend), SEAT / 2));
            assert_ok!(Datasets::ready_curator(signed(friend)));
        }
    });
}

/// Each false claim costs its bond and its panel; a claim that is never told keeps its bond from its owner, and nothing from anybody
/// else. The budget has no less for it.
#[test]
fn claim_spam() {
    run(|| {
        curators(3);
        let id = dataset(3);
        let before = Balances::free_balance(ASHA);
        for seed in 0..10 {
            commit(ASHA, id, &shards(100 + seed, 1));
        }
        assert_eq!(held(HoldReason::ClaimBond, ASHA), 10 * UNITS);
        assert_eq!((dataset_of(id).reserved, dataset_of(id).claims), (0, 10));
        pass(AVAILABILITY + WINDOW + 1);
        for claim in 0..10 {
            poke(claim);
        }
        assert_eq!((Claims::<Test>::iter().count(), Balances::free_balance(ASHA)), (0, before));

        for seed in 0..3 {
            let claim = claim_of(ASHA, id, seed, 1);
            judge(claim, &[0; 3]);
            settle(claim);
        }
        assert_eq!(before - Balances::free_balance(ASHA), 3 * (2 * UNITS + 3 * PAY));
        assert!(dataset_of(id).budget >= 1_000 * UNITS);
        let left = Claims::<Test>::iter().count()
            + ClaimShards::<Test>::iter().count()
            + ShardClaims::<Test>::iter().count();
        assert_eq!(left, 0);
    });
}

#[test]
fn a_licence_outside_the_list() {
    run(|| {
        let register = |licence: &str| {
            Datasets::register_dataset(
                signed(OWNER),
                text("Books"),
                Modality::Text,
                text("es"),
                text(licence),
                Unit::Mebibyte,
                1,
                1,
                3,
            )
        };
        for licence in ["CC-BY-NC-4.0", "cc0-1.0", "LicenseRef-Mine"] {
            assert_noop!(register(licence), Error::<Test>::LicenceNotAllowed);
        }
        // One that is taken from the list ends claims that are not sealed yet.
        let id = dataset(3);
        let sealed = commit(ASHA, id, &shards(1, 1));
        assert_ok!(Datasets::set_licence(root(), text("CC0-1.0"), false));
        let late = Datasets::commit_claim(signed(BINH), id, Default::default());
        assert_noop!(late, Error::<Test>::LicenceNotAllowed);
        pass(AVAILABILITY);
        assert_ok!(tell(ASHA, sealed, &shards(1, 1)));
    });
}

/// Units, bytes and shards that cannot be true are refused; those that can, and are not, are the curators' to find.
#[test]
fn a_manifest_whose_counts_lie() {
    run(|| {
        curators(3);
        let id = dataset(3);
        let mine = shards(1, 4);
        let claim = commit(ASHA, id, &mine);
        pass(AVAILABILITY);
        let told = |units, bytes, shards: &crate::Shards| {
            Datasets::reveal_claim(
                signed(ASHA),
                claim,
                units,
                bytes,
                shards.clone(),
                Default::default(),
                SALT,
            )
        };
        let bytes = 4 * SHARD_BYTES;
        // More units than fit into the bytes, more bytes than into the shards, shards that the root does not have.
        assert_noop!(told(5, bytes, &mine), Error::<Test>::TooManyUnits);
        assert_noop!(told(5, 5 * SHARD_BYTES, &mine), Error::<Test>::WrongBytes);
        assert_noop!(told(4, 3 * SHARD_BYTES, &mine), Error::<Test>::WrongBytes);
        assert_noop!(told(5, 5 * SHARD_BYTES, &shards(1, 5)), Error::<Test>::WrongSeal);
        let fewer: crate::Shards = mine[..3].to_vec().try_into().expect("few");
        assert_noop!(told(3, 3 * SHARD_BYTES, &fewer), Error::<Test>::WrongSeal);
        // A claim under another root of the same shards is none: the chain makes the root itself.
        let root = Content { units: 1, bytes: 1, shards: &mine }.root();
        assert_eq!(claim::seal(id, &root, &SALT, &ASHA), record(claim).seal);
        assert_ok!(told(4, bytes, &mine));
        // Half of the four mebibytes is padding.
        judge(claim, &[5_000; 3]);
        settle(claim);
        assert_eq!(dataset_of(id).units, 2);
    });
}
