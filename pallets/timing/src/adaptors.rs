//! `Get` adaptors: how other pallets' configurations read the durations.
//!
//! Each reads one small storage value, so that a change by governance takes effect at once; none is ever zero.

use core::marker::PhantomData;

use frame_support::traits::Get;
use frame_system::pallet_prelude::BlockNumberFor;

use crate::{ActiveBlocks, Config, Pallet};

/// The length of a slot, in milliseconds.
pub struct SlotDurationMs<T>(PhantomData<T>);

impl<T: Config> Get<u64> for SlotDurationMs<T> {
    fn get() -> u64 {
        Pallet::<T>::durations().slot_ms
    }
}

/// The least time between two blocks' timestamps, in milliseconds: half a slot, as BABE expects.
pub struct MinimumPeriod<T>(PhantomData<T>);

impl<T: Config> Get<u64> for MinimumPeriod<T> {
    fn get() -> u64 {
        Pallet::<T>::durations().slot_ms / 2
    }
}

/// The length of an epoch, in slots.
pub struct EpochDuration<T>(PhantomData<T>);

impl<T: Config> Get<u64> for EpochDuration<T> {
    fn get() -> u64 {
        Pallet::<T>::durations().epoch_slots.into()
    }
}

/// The unbonding time, in sessions, rounded up: how long offences can be reported and historical roots are kept.
pub struct UnbondingSessions<T>(PhantomData<T>);

impl<T: Config> Get<u32> for UnbondingSessions<T> {
    fn get() -> u32 {
        Pallet::<T>::durations().unbonding_sessions()
    }
}

/// The number of active blocks so far: the clock of every protocol deadline.
pub struct ActiveBlocksNow<T>(PhantomData<T>);

impl<T: Config> Get<u32> for ActiveBlocksNow<T> {
    fn get() -> u32 {
        ActiveBlocks::<T>::get()
    }
}

/// How long an appeal to a referendum may take, in blocks: a window for somebody to submit it, and all that the slowest one needs on a
/// track with the ComputeAllocator track's clocks.
pub struct AppealTime<T>(PhantomData<T>);

impl<T: Config> Get<BlockNumberFor<T>> for AppealTime<T> {
    fn get() -> BlockNumberFor<T> {
        Pallet::<T>::durations().appeal().into()
    }
}

macro_rules! in_blocks {
    ($($(#[$doc:meta])* $name:ident => $field:ident;)+) => {$(
        $(#[$doc])*
        pub struct $name<T>(PhantomData<T>);

        impl<T: Config> Get<BlockNumberFor<T>> for $name<T> {
            fn get() -> BlockNumberFor<T> {
                Pallet::<T>::durations().$field.into()
            }
        }
    )+};
}

in_blocks! {
    /// One period of conviction-vote locking, in blocks.
    VoteLocking => vote_locking;
    /// Within how many active blocks a result's data must be available.
    Availability => availability;
    /// Within how many active blocks auditors seal what they found.
    AuditSeals => audit_seals;
    /// For how many active blocks a result can be challenged.
    Window => window;
    /// How many active blocks each side of a dispute has, per game.
    ChessClock => chess_clock;
    /// Blocks between asking for a stake back and getting it. No shorter than an appeal.
    Unbonding => unbonding;
}
