//! What a report of an offence leads to.

use codec::Encode;
use frame_support::{assert_ok, traits::KeyOwnerProofSystem};
use sp_core::crypto::key_types::DUMMY;
use sp_runtime::{Perbill, testing::UintAuthorityId};
use sp_session::MembershipProof;

use crate::{DropRecord, Dropped, Event, mock::*};

fn percent(percent: u32) -> Perbill {
    Perbill::from_percent(percent)
}

/// A proof, made now, that `who` holds its session key in the current session.
fn prove(who: AccountId) -> MembershipProof {
    Historical::prove((DUMMY, UintAuthorityId(who).encode())).expect("the validator is seated")
}

fn is_accepted(who: AccountId, proof: MembershipProof) -> bool {
    Historical::check_proof((DUMMY, UintAuthorityId(who).encode()), proof) == Some((who, ()))
}

#[test]
fn offence_disables_at_once_and_drops_from_the_next_plan() {
    run(&[1, 2, 3, 4], || {
        sessions(7);
        events();
        report(&[4], 7, 10);
        assert_eq!(events(), [Event::Dropped { who: 4, session: 7, severity: percent(10) }]);
        assert_eq!(disabled(), [4]);
        assert_eq!(Validators::fit_validators(), [1, 2, 3]);
        let record = DropRecord { offence_session: 7, dropped_in: 7, severity: percent(10) };
        assert_eq!(Validators::dropped_validators(), [(4, record)]);

        // Planned before the offence: still seated, and disabled again.
        next_session();
        assert_eq!(Session::validators(), [1, 2, 3, 4]);
        assert_eq!(disabled(), [4]);

        for _ in 0..3 {
            next_session();
            assert_eq!(Session::validators(), [1, 2, 3]);
            assert!(disabled().is_empty());
        }
        assert!(Validators::is_admitted(&4));
    });
}

#[test]
fn offence_of_an_earlier_session_counts() {
    run(&[1, 2, 3, 4], || {
        sessions(7);
        report(&[1], 3, 10);
        assert_eq!(disabled(), [1]);
        assert_eq!(
            Dropped::<Test>::get(1).map(|record| (record.offence_session, record.dropped_in)),
            Some((3, 7))
        );
    });
}

#[test]
fn offence_reported_again_changes_nothing_but_the_severity() {
    run(&[1, 2, 3, 4], || {
        sessions(2);
        report(&[4], 2, 10);
        events();
        report(&[4], 1, 40);
        report(&[4], 2, 20);
        assert!(events().is_empty());
        assert_eq!(
            Dropped::<Test>::get(4),
            Some(DropRecord { offence_session: 2, dropped_in: 2, severity: percent(40) })
        );
    });
}

#[test]
fn offence_in_the_session_after_the_drop_is_recorded() {
    run(&[1, 2, 3, 4], || {
        report(&[4], 0, 10);
        next_session();
        report(&[4], 1, 10);
        assert_eq!(
            Dropped::<Test>::get(4).map(|record| (record.offence_session, record.dropped_in)),
            Some((1, 1))
        );
    });
}

#[test]
fn offence_of_the_last_validator_keeps_it() {
    run(&[1], || {
        sessions(2);
        events();
        report(&[1], 2, 100);
        assert_eq!(events(), [Event::KeptAsLast { who: 1, session: 2 }]);
        assert!(disabled().is_empty());
        sessions(2);
        assert_eq!(Session::validators(), [1]);
    });
}

#[test]
fn offence_of_everybody_keeps_the_last_named() {
    run(&[1, 2, 3, 4], || {
        report(&[1, 2, 3, 4], 0, 100);
        assert_eq!(events().pop(), Some(Event::KeptAsLast { who: 4, session: 0 }));
        sessions(2);
        assert_eq!(Session::validators(), [4]);
    });
}

#[test]
fn offence_keeps_the_only_one_with_keys() {
    run(&[1, 2, 3], || {
        assert_ok!(Session::purge_keys(RuntimeOrigin::signed(1)));
        assert_ok!(Session::purge_keys(RuntimeOrigin::signed(2)));
        report(&[3], 0, 100);
        assert_eq!(events(), [Event::KeptAsLast { who: 3, session: 0 }]);
        sessions(2);
        assert_eq!(Session::validators(), [3]);
    });
}

#[test]
fn offence_of_a_removed_but_seated_validator_disables_it() {
    run(&[1, 2, 3, 4], || {
        sessions(2);
        assert_ok!(Validators::remove(RuntimeOrigin::root(), 4));
        report(&[4], 2, 10);
        assert_eq!(disabled(), [4]);
        next_session();
        assert_eq!(disabled(), [4]);
        next_session();
        assert_eq!(Session::validators(), [1, 2, 3]);
        assert!(!Dropped::<Test>::contains_key(4));
    });
}

#[test]
fn offence_of_a_former_validator_leaves_no_trace() {
    run(&[1, 2, 3, 4], || {
        assert_ok!(Validators::remove(RuntimeOrigin::root(), 4));
        sessions(2);
        events();
        report(&[4], 1, 10);
        assert!(events().is_empty());
        assert!(!Dropped::<Test>::contains_key(4));
    });
}

#[test]
fn offence_before_readmission_is_forgiven_and_one_after_it_counts() {
    run(&[1, 2, 3, 4], || {
        sessions(3);
        report(&[4], 3, 10);
        sessions(2);
        assert_ok!(Validators::readmit(RuntimeOrigin::root(), 4));
        events();

        // Another offender of the same round is found later: all of the round are named again.
        report(&[3, 4], 3, 40);
        assert_eq!(events(), [Event::Dropped { who: 3, session: 3, severity: percent(40) }]);
        assert!(!Dropped::<Test>::contains_key(4));
        sessions(2);
        assert_eq!(Session::validators(), [1, 2, 4]);

        report(&[4], 7, 10);
        assert!(Dropped::<Test>::contains_key(4));
    });
}

#[test]
fn offence_before_admission_is_forgiven() {
    run(&[1, 2], || {
        sessions(2);
        set_keys(3);
        assert_ok!(Validators::admit(RuntimeOrigin::root(), 3));
        events();
        report(&[3], 2, 10);
        assert!(events().is_empty());
        next_session();
        report(&[3], 3, 10);
        assert_eq!(events().pop(), Some(Event::Dropped { who: 3, session: 3, severity: percent(10) }));
    });
}

#[test]
fn report_is_accepted_until_the_last_reportable_session() {
    run(&[1, 2, 3, 4], || {
        sessions(2);
        let proof = prove(4);
        sessions(ReportSessions::get());
        assert!(is_accepted(4, proof.clone()));
        report(&[4], 2, 10);
        assert_eq!(disabled(), [4]);
    });
}

#[test]
fn report_older_than_what_is_pruned_is_refused() {
    run(&[1, 2, 3, 4], || {
        sessions(2);
        let proof = prove(4);
        sessions(ReportSessions::get() + 1);
        assert!(!is_accepted(4, proof));
        events();
        report(&[4], 2, 10);
        assert_eq!(events(), [Event::ReportTooOld { who: 4, session: 2 }]);
        assert!(disabled().is_empty());
        assert_eq!(Validators::fit_validators(), [1, 2, 3, 4]);
    });
}

#[test]
fn report_whose_root_waits_to_be_pruned_is_ignored() {
    run(&[1, 2, 3, 4], || {
        ReportSessions::set(100);
        sessions(2);
        let proof = prove(4);
        sessions(80);
        // Governance shortens the time for reports: more roots fall due than are pruned at once.
        ReportSessions::set(5);
        assert!(is_accepted(4, proof));
        report(&[4], 2, 10);
        assert!(!Dropped::<Test>::contains_key(4));
    });
}

#[test]
fn disabling_reaches_one_of_two_or_three_and_a_third_of_more() {
    for (count, expected) in [(1, 0), (2, 1), (3, 1), (4, 1), (6, 1), (7, 2)] {
        let validators: Vec<_> = (1..=count).collect();
        run(&validators, || {
            // Ever less grave, so that none takes the place of an earlier one.
            for who in 1..=count {
                report(&[who], 0, 100 - who as u32);
            }
            let first: Vec<_> = (1..=expected).collect();
            assert_eq!(disabled(), first, "of {count}");
        });
    }
}

#[test]
fn disabling_prefers_the_gravest_offender() {
    run(&[1, 2, 3], || {
        report(&[1], 0, 10);
        report(&[2], 0, 20);
        assert_eq!(disabled(), [2]);
    });
}
