//! Weights of the validators pallet: estimates until benchmarked on reference hardware.
//!
//! Execution times are guesses on the high side; storage accesses are counted from the code, for the worst case of
//! [`MAX_VALIDATORS`](crate::MAX_VALIDATORS) validators of whom the last one looked at is the fit one.

use core::marker::PhantomData;

use frame_support::{
    traits::Get,
    weights::{RuntimeDbWeight, Weight, constants::ParityDbWeight},
};

use crate::MAX_VALIDATORS;

/// Weights of this pallet's calls and of handling an offence.
pub trait WeightInfo {
    /// Weight of `admit`.
    fn admit() -> Weight;
    /// Weight of `remove`.
    fn remove() -> Weight;
    /// Weight of `readmit`.
    fn readmit() -> Weight;
    /// Weight of handling a report that names `n` offenders.
    fn on_offence(n: u32) -> Weight;
}

/// Weights on a chain, with that chain's database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn admit() -> Weight {
        admit(T::DbWeight::get())
    }

    fn remove() -> Weight {
        remove(T::DbWeight::get())
    }

    fn readmit() -> Weight {
        readmit(T::DbWeight::get())
    }

    fn on_offence(n: u32) -> Weight {
        on_offence(T::DbWeight::get(), n)
    }
}

/// For tests.
impl WeightInfo for () {
    fn admit() -> Weight {
        admit(ParityDbWeight::get())
    }

    fn remove() -> Weight {
        remove(ParityDbWeight::get())
    }

    fn readmit() -> Weight {
        readmit(ParityDbWeight::get())
    }

    fn on_offence(n: u32) -> Weight {
        on_offence(ParityDbWeight::get(), n)
    }
}

/// Storage: `Validators::Validators` (r:1 w:1; `max_size` 3,202), `Session::NextKeys` (r:1), `Session::CurrentIndex`
/// (r:1), `Validators::Dropped` (w:1), `Validators::ForgivenUpTo` (w:1).
fn admit(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(25_000_000, 10_000).saturating_add(db.reads_writes(3, 3))
}

/// Storage: `Validators::Validators` (r:1 w:1), `Validators::Dropped` (r:99 w:1), `Session::NextKeys` (r:99),
/// `Session::Validators` (r:1), `Session::QueuedKeys` (r:1), `Validators::ForgivenUpTo` (w:1).
fn remove(db: RuntimeDbWeight) -> Weight {
    let others = u64::from(MAX_VALIDATORS);
    Weight::from_parts(60_000_000, 30_000)
        .saturating_add(Weight::from_parts(3_000_000, 5_200).saturating_mul(others))
        .saturating_add(db.reads_writes(others.saturating_mul(2).saturating_add(3), 3))
}

/// Storage: `Validators::Validators` (r:1), `Validators::Dropped` (r:1 w:1), `Session::NextKeys` (r:1),
/// `Session::CurrentIndex` (r:1), `Validators::ForgivenUpTo` (w:1).
fn readmit(db: RuntimeDbWeight) -> Weight {
    Weight::from_parts(25_000_000, 12_000).saturating_add(db.reads_writes(4, 2))
}

/// Storage, once: `Session::CurrentIndex` (r:1), `Session::Validators` (r:1), `Session::DisabledValidators` (r:1 w:1),
/// `Session::QueuedKeys` (r:1), `Validators::Validators` (r:1), and for all offenders together the `Dropped` and
/// `NextKeys` of each validator (r:200). Per offender: `Validators::ForgivenUpTo` (r:1), `Validators::Dropped`
/// (r:1 w:1), and a pass over the validators in memory.
fn on_offence(db: RuntimeDbWeight, n: u32) -> Weight {
    let validators = u64::from(MAX_VALIDATORS).saturating_mul(2);
    Weight::from_parts(50_000_000, 550_000)
        .saturating_add(db.reads_writes(validators.saturating_add(5), 1))
        .saturating_add(Weight::from_parts(150_000_000, 5_200).saturating_mul(n.into()))
        .saturating_add(db.reads_writes(2, 1).saturating_mul(n.into()))
}
