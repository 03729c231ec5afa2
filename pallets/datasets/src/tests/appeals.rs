//! Appeals, either way.

use frame_support::{assert_noop, assert_ok};
use sabha_protocol::{UNITS, datasets::Stage, pool::PoolId};
use sp_runtime::DispatchError;

use crate::{AcceptedRoots, Error, Event, HoldReason, mock::*};

/// A panel was bribed: a false claim was accepted. The arbiter rejects it; who appealed is rewarded, the panel slashed.
#[test]
fn an_accepted_claim_is_rejected() {
    run(|| {
        curators(3);
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 100);
        let panel = judge(claim, &[10_000, 10_000, 0]);
        assert_ok!(Datasets::appeal(signed(EVE), claim));
        assert_eq!(held(HoldReason::AppealBond, EVE), APPEAL);
        assert_noop!(Datasets::appeal(signed(BINH), claim), Error::<Test>::WrongStage);
        assert_noop!(Datasets::arbitrate(signed(EVE), claim, opinion(0), true), DispatchError::BadOrigin);
        assert_noop!(Datasets::arbitrate(root(), claim, opinion(10_001), true), Error::<Test>::BadVote);
        assert_ok!(Datasets::arbitrate(root(), claim, opinion(0), true));
        assert_eq!(held(HoldReason::AppealBond, EVE), 0);
        // At once: it is final.
        assert_noop!(Datasets::appeal(signed(BINH), claim), Error::<Test>::RulingIsFinal);
        assert_noop!(Datasets::arbitrate(root(), claim, opinion(9_000), true), Error::<Test>::WrongStage);
        poke(claim);
        assert_eq!(owed(PoolId::Dataset(id), ASHA), 0);
        assert_eq!(owed(PoolId::Dataset(id), EVE), 2 * UNITS / 5);
        // The one who had said so is paid, with its part of the bond; the others are slashed.
        assert_eq!(owed(PoolId::Curators, panel[2]), PAY + 2 * UNITS / 5);
        for who in &panel[..2] {
            assert_eq!((owed(PoolId::Curators, *who), curator(*who).stake), (0, STAKE - SEAT / 2));
        }
        assert_eq!(AcceptedRoots::<Test>::iter().count(), 0);
    });
}

#[test]
fn a_rejected_claim_is_accepted() {
    run(|| {
        curators(3);
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 100);
        judge(claim, &[0, 0, 9_000]);
        assert_ok!(Datasets::appeal(signed(ASHA), claim));
        pass(ARBITRATION);
        assert_ok!(Datasets::arbitrate(root(), claim, opinion(9_500), true));
        poke(claim);
        assert_eq!(owed(PoolId::Dataset(id), ASHA), 95 * UNITS / 2 + 3 * PAY * 95 / 100);
        assert_eq!(held(HoldReason::ClaimBond, ASHA) + held(HoldReason::AppealBond, ASHA), 0);
        assert!(happened(|event| matches!(event, Event::AppealEnded { upheld: true, .. })));
    });
}

#[test]
fn an_appeal_that_changes_nothing_loses_its_bond() {
    run(|| {
        curators(3);
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 100);
        judge(claim, &[10_000; 3]);
        assert_ok!(Datasets::appeal(signed(EVE), claim));
        assert_ok!(Datasets::arbitrate(root(), claim, opinion(9_000), true));
        assert_eq!((held(HoldReason::AppealBond, EVE), burnt()), (0, APPEAL / 2));
        assert_eq!(dataset_of(id).budget, 1_000 * UNITS + APPEAL / 2);
        poke(claim);
        assert_eq!(dataset_of(id).units, 90);
    });
}

#[test]
fn an_appeal_that_nobody_decides_is_lost_and_the_ruling_stands() {
    run(|| {
        curators(3);
        let claim = claim_of(ASHA, dataset(3), 1, 100);
        judge(claim, &[10_000; 3]);
        // In the last block for it: so late, and no later, can a claim be settled.
        pass(RETENTION);
        assert_ok!(Datasets::appeal(signed(EVE), claim));
        pass(ARBITRATION);
        assert_noop!(Datasets::poke(signed(EVE), claim), Error::<Test>::NothingDue);
        pass(1);
        poke(claim);
        assert_eq!((held(HoldReason::AppealBond, EVE), burnt()), (0, APPEAL / 2));
        assert_noop!(Datasets::appeal(signed(EVE), claim), Error::<Test>::TooLate);
        poke(claim);
        assert!(happened(|event| matches!(event, Event::ClaimAccepted { units: 100, .. })));
    });
}

#[test]
fn the_arbiter_decides_without_an_appeal_too_and_only_then() {
    run(|| {
        curators(3);
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 100);
        assert_noop!(Datasets::arbitrate(root(), claim, opinion(1), true), Error::<Test>::WrongStage);
        assert_noop!(Datasets::appeal(signed(EVE), claim), Error::<Test>::WrongStage);
        judge(claim, &[10_000; 3]);
        assert_ok!(Datasets::arbitrate(root(), claim, opinion(8_500), true));
        assert!(matches!(record(claim).stage, Stage::Judged { last: true, .. }));
        poke(claim);
        assert_eq!(dataset_of(id).units, 85);
    });
}

#[test]
fn appeals_end_with_the_retention() {
    run(|| {
        curators(3);
        let claim = claim_of(ASHA, dataset(3), 1, 100);
        judge(claim, &[10_000; 3]);
        pass(RETENTION + 1);
        assert_noop!(Datasets::appeal(signed(EVE), claim), Error::<Test>::TooLate);
    });
}

/// What no panel judged, the arbiter can.
#[test]
fn a_claim_that_nobody_judged_is_accepted_on_appeal() {
    run(|| {
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 100);
        for _ in 0..3 {
            draw(claim);
        }
        assert_ok!(Datasets::appeal(signed(ASHA), claim));
        assert_ok!(Datasets::arbitrate(root(), claim, opinion(10_000), true));
        assert_eq!(held(HoldReason::AppealBond, ASHA), 0);
        poke(claim);
        assert_eq!(dataset_of(id).units, 100);
    });
}
