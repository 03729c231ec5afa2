use frame_support::{assert_noop, assert_ok};
use pallet_sabha_training::Scheduler;
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
        assert!(!may(second) && may(first), "of two that are equally far the older one");
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
fn shares_end_with_their_runs() {
    run(|| {
        let (first, second) = (started(), started());
        assert_ok!(Allocation::set_share(root(), first, Perbill::from_percent(90)));
        assert_ok!(Allocation::stop(root(), first));
        pass(1);
        assert_ok!(Allocation::set_share(root(), second, Perbill::from_percent(90)));
    });
}
