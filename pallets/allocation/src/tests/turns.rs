use frame_support::{assert_noop, assert_ok};
use pallet_sabha_training::{Runs, Scheduler};
use sp_runtime::{DispatchError, Perbill};

use crate::{Error, Event, Turns, mock::*};

#[test]
fn set_share_needs_the_allocator_a_run_and_room() {
    run(|| {
        let (first, second) = (started(), started());
        let share = Perbill::from_percent(30);
        assert_noop!(Allocation::set_share(signed(ALICE), first, share), DispatchError::BadOrigin);
        let open = propose(least(5));
        assert_noop!(Allocation::set_share(root(), open, share), Error::<Test>::NotRunning);
        assert_ok!(Allocation::set_share(root(), first, share));
        assert!(happened(|event| *event == Event::ShareSet { run: first, share }));
        assert_noop!(
            Allocation::set_share(root(), second, Perbill::from_percent(61)),
            Error::<Test>::TooMuchShared
        );
        assert_eq!(Allocation::weight_of(first), Some(share));
        assert_eq!(Allocation::weight_of(second), Some(Perbill::from_percent(70)));
        assert_eq!(Allocation::weight_of(open), None);
        assert_ok!(Allocation::set_share(root(), first, Perbill::zero()));
        assert_eq!(Allocation::weight_of(first), Some(Perbill::from_percent(50)));
    });
}

#[test]
fn the_one_with_more_backing_is_first_and_the_other_follows() {
    run(|| {
        let (first, second) = (started(), started());
        assert_ok!(Allocation::pledge(signed(11), second, least(5)));
        // Room for one round.
        let may = |run| <Allocation as Scheduler>::may_open(run, 0, 3);
        assert!(may(first) && !may(second), "of two that are equally far the older one");
        <Allocation as Scheduler>::opened(first, 4);
        assert!(!may(first) && may(second));
        for _ in 0..2 {
            <Allocation as Scheduler>::opened(second, 5);
            assert_eq!(<Allocation as Scheduler>::trained(second), Some(first), "it waits");
        }
        assert!(may(first), "twice the backing, twice the rounds");
        assert_eq!(Allocation::next(), Some(first));
        // Who is not known competes with nobody.
        assert!(may(99));
    });
}

#[test]
fn who_is_paused_or_over_does_not_compete() {
    run(|| {
        let (first, second) = (started(), started());
        assert_noop!(Allocation::pause(signed(ALICE), first), DispatchError::BadOrigin);
        assert_noop!(Allocation::resume(root(), first), pallet_sabha_training::Error::<Test>::NotPaused);
        assert_ok!(Allocation::pause(root(), first));
        let active = |run| Turns::<Test>::get().get(run).map(|entry| entry.active);
        assert_eq!((active(first), active(second)), (Some(false), Some(true)));
        check();
        assert_ok!(Allocation::resume(root(), first));
        assert_eq!(active(first), Some(true));
        assert_ok!(Allocation::stop(root(), first));
        assert_eq!(active(first), Some(false));
        pass(1);
        assert_eq!(active(first), None);
        let open = propose(least(5));
        assert_noop!(Allocation::pause(root(), open), Error::<Test>::NotRunning);
    });
}

#[test]
fn a_run_in_which_nothing_happens_is_stopped_by_anybody_after_a_while() {
    run(|| {
        // There are no workers.
        let (id, other) = (started(), started());
        pass(IDLE);
        assert_noop!(Allocation::stop_idle(signed(BOB), id), Error::<Test>::NotIdle);
        let open = propose(least(5));
        assert_noop!(Allocation::stop_idle(signed(BOB), open), Error::<Test>::NotRunning);
        // The other one could have begun a round.
        <Allocation as Scheduler>::may_open(other, 0, 1);
        pass(1);
        assert_noop!(Allocation::stop_idle(signed(BOB), other), Error::<Test>::NotIdle);
        assert_noop!(Allocation::stop_idle(root(), id), DispatchError::BadOrigin);
        assert_ok!(Allocation::stop_idle(signed(BOB), id));
        pass(1);
        assert_noop!(Allocation::stop_idle(signed(BOB), id), Error::<Test>::NotRunning);
        let before = free(10);
        assert_ok!(Allocation::refund(signed(BOB), id, 10));
        assert_eq!(free(10), before + least(5));
        // A pause is something that happens, and is no reason to lock money for ever.
        assert_ok!(Allocation::pause(root(), other));
        pass(IDLE);
        assert_noop!(Allocation::stop_idle(signed(BOB), other), Error::<Test>::NotIdle);
        pass(1);
        assert_ok!(Allocation::stop_idle(signed(BOB), other));
    });
}

#[test]
fn a_run_whose_round_is_open_or_not_settled_is_not_idle() {
    run(|| {
        let id = started();
        pass(IDLE + 1);
        let progress = |change: &dyn Fn(&mut sabha_protocol::round::Progress)| {
            Runs::<Test>::mutate_extant(id, |run| change(&mut run.progress));
        };
        progress(&|progress| progress.open.try_push(Default::default()).expect("there is room"));
        assert_noop!(Allocation::stop_idle(signed(BOB), id), Error::<Test>::NotIdle);
        progress(&|progress| {
            progress.open.clear();
            progress.settling.try_push(Default::default()).expect("there is room");
        });
        assert_noop!(Allocation::stop_idle(signed(BOB), id), Error::<Test>::NotIdle);
        progress(&|progress| progress.settling.clear());
        assert_ok!(Allocation::stop_idle(signed(BOB), id));
    });
}

#[test]
fn who_is_paused_takes_no_part_of_what_the_crowd_shares() {
    run(|| {
        let (first, second, third) = (started(), started(), started());
        assert_ok!(Allocation::set_share(root(), first, Perbill::from_percent(30)));
        assert_eq!(Allocation::weight_of(second), Some(Perbill::from_percent(35)));
        assert_ok!(Allocation::pause(root(), third));
        assert_eq!(Allocation::weight_of(second), Some(Perbill::from_percent(70)));
        assert_eq!(Allocation::weight_of(first), Some(Perbill::from_percent(30)));
    });
}

#[test]
fn shares_end_with_their_runs() {
    run(|| {
        let (first, second) = (started(), started());
        assert_ok!(Allocation::set_share(root(), first, Perbill::from_percent(90)));
        assert_ok!(Allocation::stop(root(), first));
        pass(1);
        assert_ok!(Allocation::set_share(root(), second, Perbill::from_percent(90)));
    });
}
