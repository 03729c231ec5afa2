//! Tests of the durations' bounds, of their readers, and of the count of active blocks.

use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::{
    assert_noop, assert_ok,
    traits::{Get, Hooks},
    weights::{Weight, WeightMeter},
};
use sp_runtime::{BuildStorage, DispatchError::BadOrigin, TryRuntimeError};

use crate::{mock::*, *};

const PRESETS: [Durations; 3] = [Durations::development(), Durations::local_testnet(), Durations::live()];

/// Development durations with one change.
fn changed(change: impl FnOnce(&mut Durations)) -> Durations {
    let mut durations = Durations::development();
    change(&mut durations);
    durations
}

/// Poll one block with room for `weight`.
fn poll(weight: Weight) {
    let block = System::block_number() + 1;
    System::set_block_number(block);
    Timing::on_poll(block, &mut WeightMeter::with_limit(weight));
}

#[test]
fn presets_are_usable() {
    for preset in PRESETS {
        assert_eq!(preset.check(), Ok(()), "{preset:?}");
        assert_eq!(preset.check_against(&preset), Ok(()), "{preset:?}");
        ext(preset).execute_with(|| assert_eq!(Timing::do_try_state(), Ok(())));
    }
}

#[test]
fn live_durations_are_days_and_hours() {
    let live = Durations::live();
    let seconds = |blocks: u32| u64::from(blocks) * live.slot_ms / 1_000;
    assert_eq!(seconds(live.referendum.prepare), 60 * 60);
    assert_eq!(seconds(live.referendum.decide), 7 * 24 * 60 * 60);
    assert_eq!(seconds(live.referendum.confirm), 12 * 60 * 60);
    assert_eq!(seconds(live.referendum.enact), 60 * 60);
    assert_eq!(seconds(live.vote_locking), 7 * 24 * 60 * 60);
    assert_eq!(seconds(live.availability), 30 * 60);
    assert_eq!(seconds(live.audit_seals), 2 * 60 * 60);
    assert_eq!(seconds(live.window), 24 * 60 * 60);
    assert_eq!(seconds(live.chess_clock), 8 * 60 * 60);
    assert_eq!(seconds(live.unbonding), 14 * 24 * 60 * 60);
}

#[test]
fn readers_follow_the_durations() {
    ext(Durations::local_testnet()).execute_with(|| {
        assert_eq!(SlotDurationMs::<Test>::get(), 6_000);
        assert_eq!(MinimumPeriod::<Test>::get(), 3_000);
        assert_eq!(EpochDuration::<Test>::get(), 20);
        assert_eq!(VoteLocking::<Test>::get(), 50);
        assert_eq!(Availability::<Test>::get(), 10);
        assert_eq!(AuditSeals::<Test>::get(), 30);
        assert_eq!(Window::<Test>::get(), 100);
        assert_eq!(ChessClock::<Test>::get(), 100);
        assert_eq!(Unbonding::<Test>::get(), 300);
        assert_eq!(UnbondingSessions::<Test>::get(), 15);
    });
}

#[test]
fn unbonding_sessions_are_rounded_up() {
    assert_eq!(Durations::development().unbonding_sessions(), 8);
    assert_eq!(Durations::live().unbonding_sessions(), 2_016);
}

#[test]
fn readers_are_not_zero_on_empty_state() {
    sp_io::TestExternalities::default().execute_with(|| {
        assert_eq!(Timing::durations(), Durations::live());
        assert!(SlotDurationMs::<Test>::get() > 0);
        assert!(MinimumPeriod::<Test>::get() > 0);
        assert!(EpochDuration::<Test>::get() > 0);
        assert!(UnbondingSessions::<Test>::get() > 0);
        for blocks in [
            VoteLocking::<Test>::get(),
            Availability::<Test>::get(),
            AuditSeals::<Test>::get(),
            Window::<Test>::get(),
            ChessClock::<Test>::get(),
            Unbonding::<Test>::get(),
        ] {
            assert!(blocks > 0);
        }
        assert_eq!(Timing::do_try_state(), Ok(()));
    });
}

#[test]
fn durations_are_stored_within_their_declared_size() {
    let encoded = Durations::live().encode();
    assert_eq!(encoded.len(), Durations::max_encoded_len());
    assert_eq!(Durations::decode(&mut &encoded[..]), Ok(Durations::live()));
}

#[test]
fn genesis_with_unusable_durations_fails() {
    for durations in [
        changed(|d| d.slot_ms = 0),
        changed(|d| d.slot_ms = MIN_SLOT_MS - 1),
        changed(|d| d.slot_ms = MAX_SLOT_MS + 1),
        changed(|d| d.epoch_slots = 0),
        changed(|d| d.epoch_slots = MIN_EPOCH_SLOTS - 1),
        changed(|d| d.epoch_slots = MAX_EPOCH_SLOTS + 1),
        changed(|d| d.window = 0),
        changed(|d| d.unbonding = MAX_BLOCKS + 1),
        changed(|d| d.referendum.confirm = d.referendum.decide + 1),
    ] {
        let genesis = RuntimeGenesisConfig {
            timing: GenesisConfig { durations, ..Default::default() },
            ..Default::default()
        };
        assert!(std::panic::catch_unwind(|| genesis.build_storage()).is_err(), "{durations:?}");
    }
}

#[test]
fn check_refuses_contradictions() {
    for durations in [
        changed(|d| d.referendum.confirm = d.referendum.decide + 1),
        changed(|d| d.vote_locking = d.referendum.enact - 1),
        changed(|d| d.window = d.availability + d.audit_seals - 1),
        changed(|d| d.unbonding = d.window + d.chess_clock - 1),
        changed(|d| d.epoch_slots = d.unbonding + 1),
        changed(|d| d.referendum.decide = d.unbonding),
        Durations { unbonding: Durations::live().appeal() - 1, ..Durations::live() },
    ] {
        assert_eq!(durations.check(), Err(Refusal::Inconsistent), "{durations:?}");
    }
}

#[test]
fn check_refuses_each_duration_at_zero() {
    let zeroes: [fn(&mut Durations); 10] = [
        |d| d.referendum.prepare = 0,
        |d| d.referendum.decide = 0,
        |d| d.referendum.confirm = 0,
        |d| d.referendum.enact = 0,
        |d| d.vote_locking = 0,
        |d| d.availability = 0,
        |d| d.audit_seals = 0,
        |d| d.window = 0,
        |d| d.chess_clock = 0,
        |d| d.unbonding = 0,
    ];
    for zero in zeroes {
        assert_eq!(changed(zero).check(), Err(Refusal::OutOfBounds));
    }
}

#[test]
fn set_durations_takes_effect_at_once() {
    run(|| {
        let old = Durations::development();
        let new = changed(|d| {
            d.window = 80;
            d.unbonding = 600;
        });
        assert_ok!(Timing::set_durations(RuntimeOrigin::root(), new));
        assert_eq!(Window::<Test>::get(), 80);
        assert_eq!(UnbondingSessions::<Test>::get(), 30);
        System::assert_last_event(Event::DurationsSet { old, new }.into());
    });
}

#[test]
fn set_durations_by_a_stranger_fails() {
    run(|| {
        assert_noop!(Timing::set_durations(RuntimeOrigin::signed(1), Durations::development()), BadOrigin);
    });
}

#[test]
fn set_durations_with_another_slot_or_epoch_fails() {
    run(|| {
        for new in [changed(|d| d.slot_ms = 6_000), changed(|d| d.epoch_slots = 21)] {
            assert_noop!(Timing::set_durations(RuntimeOrigin::root(), new), Error::<Test>::SlotOrEpochFixed);
        }
    });
}

#[test]
fn set_durations_out_of_bounds_fails() {
    run(|| {
        for new in [
            changed(|d| d.referendum.decide = 81),
            changed(|d| d.window = 241),
            changed(|d| d.chess_clock = 14),
            changed(|d| d.availability = 2),
            changed(|d| d.referendum.enact = 0),
        ] {
            assert_noop!(Timing::set_durations(RuntimeOrigin::root(), new), Error::<Test>::OutOfBounds);
        }
        // Right at the bounds.
        let new = changed(|d| {
            d.referendum.decide = 80;
            d.chess_clock = 15;
            d.availability = 3;
            d.unbonding = 600;
        });
        assert_ok!(Timing::set_durations(RuntimeOrigin::root(), new));
    });
}

#[test]
fn set_durations_in_steps_does_not_leave_the_bounds() {
    run(|| {
        assert_ok!(Timing::set_durations(RuntimeOrigin::root(), changed(|d| d.vote_locking = 40)));
        let new = changed(|d| d.vote_locking = 41);
        assert_noop!(Timing::set_durations(RuntimeOrigin::root(), new), Error::<Test>::OutOfBounds);
    });
}

#[test]
fn set_durations_with_a_contradiction_fails() {
    run(|| {
        let new = changed(|d| d.referendum = ReferendumClocks { confirm: 16, decide: 15, ..d.referendum });
        assert_noop!(Timing::set_durations(RuntimeOrigin::root(), new), Error::<Test>::Inconsistent);
    });
}

/// Four times as long to decide, the live chain's appeals would take a month, and unbonding two weeks: both or neither.
#[test]
fn set_durations_keeps_appeals_within_the_unbonding_time() {
    ext(Durations::live()).execute_with(|| {
        let mut new = Durations::live();
        new.referendum.decide *= 4;
        assert_noop!(Timing::set_durations(RuntimeOrigin::root(), new), Error::<Test>::Inconsistent);
        new.unbonding = new.appeal();
        assert_ok!(Timing::set_durations(RuntimeOrigin::root(), new));
        assert_eq!(AppealTime::<Test>::get(), Unbonding::<Test>::get());
        assert_eq!(Timing::do_try_state(), Ok(()));
    });
}

#[test]
fn active_blocks_are_counted() {
    run(|| {
        assert_eq!(ActiveBlocksNow::<Test>::get(), 0);
        (0..3).for_each(|_| poll(Weight::MAX));
        assert_eq!(ActiveBlocksNow::<Test>::get(), 3);
    });
}

#[test]
fn active_blocks_stop_while_paused_and_go_on_after() {
    run(|| {
        poll(Weight::MAX);
        Paused::set(true);
        (0..5).for_each(|_| poll(Weight::MAX));
        assert_eq!(ActiveBlocksNow::<Test>::get(), 1);
        Paused::set(false);
        poll(Weight::MAX);
        assert_eq!(ActiveBlocksNow::<Test>::get(), 2);
    });
}

#[test]
fn active_blocks_leave_out_blocks_without_room() {
    run(|| {
        poll(Weight::zero());
        assert_eq!(ActiveBlocksNow::<Test>::get(), 0);
        poll(<() as WeightInfo>::on_poll());
        assert_eq!(ActiveBlocksNow::<Test>::get(), 1);
    });
}

/// Corrupt a development chain in block 1, and expect what `do_try_state` says.
fn corrupted(corrupt: impl FnOnce(), expected: &'static str) {
    ext(Durations::development()).execute_with(|| {
        corrupt();
        assert_eq!(Timing::do_try_state(), Err(TryRuntimeError::Other(expected)));
    });
}

#[test]
fn try_state_finds_unusable_genesis_durations() {
    corrupted(
        || GenesisDurations::<Test>::put(changed(|d| d.window = 0)),
        "the durations at genesis are unusable",
    );
}

#[test]
fn try_state_finds_durations_out_of_bounds() {
    for durations in [changed(|d| d.slot_ms = 6_000), changed(|d| d.vote_locking = 41)] {
        corrupted(|| CurrentDurations::<Test>::put(durations), "the durations in force are out of bounds");
    }
}

#[test]
fn try_state_finds_more_active_blocks_than_blocks() {
    corrupted(|| ActiveBlocks::<Test>::put(2), "more active blocks than blocks");
}
