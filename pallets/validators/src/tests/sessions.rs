//! Which validators are planned for a session, and what is kept of past sessions.

use frame_support::assert_ok;
use pallet_session::{
    SessionManager,
    historical::{HistoricalSessions, SessionManager as HistoricalSessionManager, StoredRange},
};

use crate::{Event, mock::*};

#[test]
fn genesis_seats_the_validators() {
    run(&[3, 1, 2], || {
        assert_eq!(Session::validators(), [3, 1, 2]);
        assert_eq!(Session::queued_keys(), [(3, keys(3)), (1, keys(1)), (2, keys(2))]);
    });
}

#[test]
#[should_panic(expected = "a validator appears twice")]
fn genesis_with_a_validator_twice_fails() {
    ext(&[1, 2, 1], &[1, 2]);
}

#[test]
#[should_panic(expected = "more than 100 validators")]
fn genesis_with_too_many_validators_fails() {
    ext(&(1..=101).collect::<Vec<_>>(), &[1]);
}

#[test]
fn genesis_skips_validators_without_keys() {
    ext(&[1, 2, 3], &[1, 3]).execute_with(|| {
        assert_eq!(Session::validators(), [1, 3]);
        sessions(2);
        assert_eq!(Session::validators(), [1, 3]);
    });
}

#[test]
fn genesis_without_validators_is_possible_for_metadata() {
    run(&[], || assert!(Session::validators().is_empty()));
}

#[test]
fn new_session_returns_the_set_each_session_also_when_unchanged() {
    run(&[1, 2], || {
        for session in 1..=5 {
            next_session();
            let plain = <Validators as SessionManager<AccountId>>::new_session(session + 2);
            assert_eq!(plain, Some(vec![1, 2]));
            let identified =
                <Validators as HistoricalSessionManager<AccountId, ()>>::new_session(session + 2);
            assert_eq!(identified, Some(vec![(1, ()), (2, ())]));
        }
        let queued = System::events()
            .iter()
            .filter(|record| matches!(record.event, RuntimeEvent::Session(pallet_session::Event::NewQueued)))
            .count();
        assert_eq!(queued, 5);
    });
}

#[test]
fn new_keys_of_an_unchanged_set_are_used() {
    run(&[1, 2], || {
        assert_ok!(<Session as pallet_session::SessionInterface>::set_keys(&2, keys(22)));
        sessions(2);
        assert_eq!(Session::queued_keys(), [(1, keys(1)), (2, keys(22))]);
    });
}

#[test]
fn validators_that_purged_their_keys_are_not_planned() {
    run(&[1, 2, 3], || {
        assert_ok!(Session::purge_keys(RuntimeOrigin::signed(2)));
        assert_eq!(Validators::fit_validators(), [1, 3]);
        sessions(2);
        assert_eq!(Session::validators(), [1, 3]);
        // Still admitted: keys are all it takes to be back.
        set_keys(2);
        sessions(2);
        assert_eq!(Session::validators(), [1, 2, 3]);
    });
}

#[test]
fn validators_that_all_purged_their_keys_get_them_back() {
    run(&[1, 2], || {
        events();
        assert_ok!(Session::purge_keys(RuntimeOrigin::signed(1)));
        assert_ok!(Session::purge_keys(RuntimeOrigin::signed(2)));
        next_session();
        assert_eq!(events(), [Event::KeysRestored { who: 1 }, Event::KeysRestored { who: 2 }]);
        sessions(3);
        assert_eq!(Session::queued_keys(), [(1, keys(1)), (2, keys(2))]);
    });
}

#[test]
fn the_last_standing_validator_gets_its_keys_back_before_a_dropped_one_is_seated() {
    run(&[1, 2], || {
        report(&[2], 0, 10);
        assert_ok!(Session::purge_keys(RuntimeOrigin::signed(1)));
        sessions(3);
        assert_eq!(Session::validators(), [1]);
    });
}

#[test]
fn a_dropped_validator_stays_seated_if_nobody_else_can_go_on() {
    run(&[1, 2], || {
        report(&[2], 0, 10);
        assert_ok!(Session::purge_keys(RuntimeOrigin::signed(1)));
        // Somebody else proves to hold the key that 1 purged, so that it cannot be given back.
        assert_ok!(<Session as pallet_session::SessionInterface>::set_keys(&9, keys(1)));
        sessions(2);
        assert_eq!(Session::validators(), [2]);
    });
}

#[test]
fn historical_roots_are_kept_for_reports_and_pruned_after() {
    run(&[1, 2], || {
        sessions(12);
        // Sessions 7 to 12 can be reported, and 13 is planned.
        assert_eq!(StoredRange::<Test>::get(), Some((7, 14)));
        let mut kept: Vec<_> = HistoricalSessions::<Test>::iter_keys().collect();
        kept.sort_unstable();
        assert_eq!(kept, (7..14).collect::<Vec<_>>());
    });
}

#[test]
fn historical_roots_are_pruned_in_portions() {
    run(&[1, 2], || {
        ReportSessions::set(100);
        sessions(80);
        ReportSessions::set(5);
        next_session();
        assert_eq!(StoredRange::<Test>::get(), Some((32, 83)));
        sessions(2);
        assert_eq!(StoredRange::<Test>::get(), Some((78, 85)));
    });
}
