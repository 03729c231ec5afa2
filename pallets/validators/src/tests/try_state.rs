//! Each invariant can be broken, and is then found.

use frame_support::BoundedVec;
use sp_runtime::{Perbill, TryRuntimeError};

use crate::{DropRecord, Dropped, ForgivenUpTo, Validators as List, mock::*};

/// Corrupt a chain with two validators in session 3, and expect what `do_try_state` says.
fn corrupted(corrupt: impl FnOnce(), expected: &'static str) {
    ext(&[1, 2], &[1, 2]).execute_with(|| {
        sessions(3);
        corrupt();
        assert_eq!(Validators::do_try_state(), Err(TryRuntimeError::Other(expected)));
    });
}

fn record(offence_session: u32, dropped_in: u32) -> DropRecord {
    DropRecord { offence_session, dropped_in, severity: Perbill::one() }
}

#[test]
fn a_validator_admitted_twice_is_found() {
    corrupted(|| List::<Test>::put(BoundedVec::truncate_from(vec![1, 2, 1])), "admitted twice");
}

#[test]
fn an_empty_list_is_found() {
    corrupted(List::<Test>::kill, "no validator is left");
}

#[test]
fn a_list_of_dropped_validators_only_is_found() {
    corrupted(|| (1..=2).for_each(|who| Dropped::<Test>::insert(who, record(3, 3))), "no validator is left");
}

#[test]
fn a_dropped_stranger_is_found() {
    corrupted(|| Dropped::<Test>::insert(9, record(3, 3)), "dropped, but neither admitted nor seated");
}

#[test]
fn a_drop_before_the_offence_is_found() {
    corrupted(|| Dropped::<Test>::insert(2, record(3, 2)), "dropped before the offence");
}

#[test]
fn a_drop_in_the_future_is_found() {
    corrupted(|| Dropped::<Test>::insert(2, record(3, 4)), "dropped in the future");
}

#[test]
fn a_drop_for_a_forgiven_offence_is_found() {
    corrupted(
        || {
            Dropped::<Test>::insert(2, record(2, 3));
            ForgivenUpTo::<Test>::insert(2, 2);
        },
        "dropped for a forgiven offence",
    );
}

#[test]
fn a_forgiven_stranger_is_found() {
    corrupted(|| ForgivenUpTo::<Test>::insert(9, 3), "forgiven, but not admitted");
}

#[test]
fn forgiveness_for_the_future_is_found() {
    corrupted(|| ForgivenUpTo::<Test>::insert(2, 4), "forgiven for the future");
}
