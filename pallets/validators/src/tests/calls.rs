//! Admission, removal and readmission by governance.

use frame_support::{BoundedVec, assert_noop, assert_ok};
use sp_runtime::DispatchError::BadOrigin;

use crate::{Dropped, Error, Event, ForgivenUpTo, MAX_VALIDATORS, Validators as List, mock::*};

fn root() -> RuntimeOrigin {
    RuntimeOrigin::root()
}

#[test]
fn admit_seats_from_the_second_session_change() {
    run(&[1, 2], || {
        set_keys(3);
        assert_ok!(Validators::admit(root(), 3));
        assert_eq!(events(), [Event::Admitted { who: 3 }]);
        next_session();
        assert_eq!(Session::validators(), [1, 2]);
        next_session();
        assert_eq!(Session::validators(), [1, 2, 3]);
    });
}

#[test]
fn admit_by_a_stranger_fails() {
    run(&[1], || {
        set_keys(3);
        assert_noop!(Validators::admit(RuntimeOrigin::signed(1), 3), BadOrigin);
    });
}

#[test]
fn admit_twice_fails() {
    run(&[1, 2], || {
        assert_noop!(Validators::admit(root(), 2), Error::<Test>::AlreadyAdmitted);
    });
}

#[test]
fn admit_without_session_keys_fails() {
    run(&[1], || {
        assert_noop!(Validators::admit(root(), 3), Error::<Test>::NoKeys);
    });
}

#[test]
fn admit_beyond_the_limit_fails() {
    run(&[1], || {
        let full: Vec<_> = (1..=u64::from(MAX_VALIDATORS)).collect();
        List::<Test>::put(BoundedVec::truncate_from(full));
        assert_ok!(<Session as pallet_session::SessionInterface>::set_keys(&500, keys(500)));
        assert_noop!(Validators::admit(root(), 500), Error::<Test>::TooManyValidators);
    });
}

#[test]
fn remove_unseats_at_the_second_session_change() {
    run(&[1, 2, 3], || {
        assert_ok!(Validators::remove(root(), 2));
        assert_eq!(events(), [Event::Removed { who: 2 }]);
        next_session();
        assert_eq!(Session::validators(), [1, 2, 3]);
        next_session();
        assert_eq!(Session::validators(), [1, 3]);
        assert!(Validators::has_keys(&2));
    });
}

#[test]
fn remove_by_a_stranger_fails() {
    run(&[1, 2], || {
        assert_noop!(Validators::remove(RuntimeOrigin::signed(2), 2), BadOrigin);
    });
}

#[test]
fn remove_of_a_stranger_fails() {
    run(&[1, 2], || {
        assert_noop!(Validators::remove(root(), 3), Error::<Test>::NotAdmitted);
    });
}

#[test]
fn remove_of_the_last_validator_fails() {
    run(&[1], || {
        assert_noop!(Validators::remove(root(), 1), Error::<Test>::LastValidator);
    });
}

#[test]
fn remove_of_the_last_fit_validator_fails() {
    run(&[1, 2, 3], || {
        report(&[2], 0, 10);
        assert_ok!(Session::purge_keys(RuntimeOrigin::signed(3)));
        assert_noop!(Validators::remove(root(), 1), Error::<Test>::LastValidator);
        // The unfit ones can go.
        assert_ok!(Validators::remove(root(), 2));
        assert_ok!(Validators::remove(root(), 3));
    });
}

#[test]
fn remove_of_a_dropped_validator_keeps_it_disabled_until_it_is_unseated() {
    run(&[1, 2, 3, 4], || {
        sessions(2);
        report(&[4], 2, 10);
        assert_ok!(Validators::remove(root(), 4));
        next_session();
        assert_eq!(Session::validators(), [1, 2, 3, 4]);
        assert_eq!(disabled(), [4]);
        assert!(Dropped::<Test>::contains_key(4));
        next_session();
        assert_eq!(Session::validators(), [1, 2, 3]);
        assert!(!Dropped::<Test>::contains_key(4));
    });
}

#[test]
fn remove_of_an_unseated_dropped_validator_leaves_nothing_behind() {
    run(&[1, 2, 3, 4], || {
        report(&[4], 0, 10);
        sessions(2);
        assert_ok!(Validators::remove(root(), 4));
        assert!(!Dropped::<Test>::contains_key(4));
        assert!(!ForgivenUpTo::<Test>::contains_key(4));
    });
}

#[test]
fn remove_of_a_readmitted_validator_leaves_nothing_behind() {
    run(&[1, 2], || {
        report(&[2], 0, 10);
        assert_ok!(Validators::readmit(root(), 2));
        assert!(ForgivenUpTo::<Test>::contains_key(2));
        assert_ok!(Validators::remove(root(), 2));
        assert!(!ForgivenUpTo::<Test>::contains_key(2));
    });
}

#[test]
fn admit_after_removal_starts_afresh() {
    run(&[1, 2, 3, 4], || {
        report(&[4], 0, 10);
        assert_ok!(Validators::remove(root(), 4));
        assert_ok!(Validators::admit(root(), 4));
        assert!(!Dropped::<Test>::contains_key(4));
        sessions(2);
        assert_eq!(Session::validators(), [1, 2, 3, 4]);
        assert!(disabled().is_empty());
    });
}

#[test]
fn readmit_seats_from_the_second_session_change() {
    run(&[1, 2, 3, 4], || {
        report(&[4], 0, 10);
        sessions(3);
        assert_eq!(Session::validators(), [1, 2, 3]);
        events();
        assert_ok!(Validators::readmit(root(), 4));
        assert_eq!(events(), [Event::Readmitted { who: 4 }]);
        sessions(2);
        assert_eq!(Session::validators(), [1, 2, 3, 4]);
        assert!(disabled().is_empty());
    });
}

#[test]
fn readmit_by_a_stranger_fails() {
    run(&[1, 2], || {
        report(&[2], 0, 10);
        assert_noop!(Validators::readmit(RuntimeOrigin::signed(2), 2), BadOrigin);
    });
}

#[test]
fn readmit_of_a_validator_in_good_standing_fails() {
    run(&[1, 2], || {
        assert_noop!(Validators::readmit(root(), 2), Error::<Test>::NotDropped);
    });
}

#[test]
fn readmit_of_a_removed_validator_fails() {
    run(&[1, 2, 3, 4], || {
        report(&[4], 0, 10);
        assert_ok!(Validators::remove(root(), 4));
        assert_noop!(Validators::readmit(root(), 4), Error::<Test>::NotDropped);
    });
}

#[test]
fn readmit_without_session_keys_fails() {
    run(&[1, 2], || {
        report(&[2], 0, 10);
        assert_ok!(Session::purge_keys(RuntimeOrigin::signed(2)));
        assert_noop!(Validators::readmit(root(), 2), Error::<Test>::NoKeys);
    });
}
