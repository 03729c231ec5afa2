//! One `EnsureOrigin` per track.

use core::marker::PhantomData;

use frame_support::traits::{EnsureOrigin, OriginTrait, TypedGet};

use crate::Origin;

macro_rules! ensure_origin {
    ($($(#[$doc:meta])* $name:ident => $variant:ident;)+) => {$(
        $(#[$doc])*
        pub struct $name;

        impl<O> EnsureOrigin<O> for $name
        where
            O: OriginTrait + From<Origin>,
            for<'a> &'a O::PalletsOrigin: TryInto<&'a Origin>,
        {
            type Success = ();

            fn try_origin(origin: O) -> Result<Self::Success, O> {
                if is(&origin, Origin::$variant) { Ok(()) } else { Err(origin) }
            }

            #[cfg(feature = "runtime-benchmarks")]
            fn try_successful_origin() -> Result<O, ()> {
                Ok(O::from(Origin::$variant))
            }
        }
    )+};
}

ensure_origin! {
    /// Accepts [`Origin::WhitelistedCaller`] only.
    EnsureWhitelistedCaller => WhitelistedCaller;
    /// Accepts [`Origin::TreasurySpender`] only. For a spending limit see [`EnsureTreasurySpenderUpTo`].
    EnsureTreasurySpender => TreasurySpender;
    /// Accepts [`Origin::ComputeAllocator`] only.
    EnsureComputeAllocator => ComputeAllocator;
    /// Accepts [`Origin::DatasetArbiter`] only.
    EnsureDatasetArbiter => DatasetArbiter;
    /// Accepts [`Origin::ValidatorManager`] only.
    EnsureValidatorManager => ValidatorManager;
    /// Accepts [`Origin::ParameterAdmin`] only.
    EnsureParameterAdmin => ParameterAdmin;
    /// Accepts [`Origin::EmergencyCanceller`] only.
    EnsureEmergencyCanceller => EmergencyCanceller;
}

/// Accepts [`Origin::TreasurySpender`] only, and succeeds with `Limit`, the most that it may spend at once.
pub struct EnsureTreasurySpenderUpTo<Limit>(PhantomData<Limit>);

impl<O, Limit> EnsureOrigin<O> for EnsureTreasurySpenderUpTo<Limit>
where
    O: OriginTrait + From<Origin>,
    for<'a> &'a O::PalletsOrigin: TryInto<&'a Origin>,
    Limit: TypedGet,
{
    type Success = Limit::Type;

    fn try_origin(origin: O) -> Result<Self::Success, O> {
        if is(&origin, Origin::TreasurySpender) { Ok(Limit::get()) } else { Err(origin) }
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn try_successful_origin() -> Result<O, ()> {
        Ok(O::from(Origin::TreasurySpender))
    }
}

/// Whether `origin` is exactly the custom origin `wanted`.
fn is<O>(origin: &O, wanted: Origin) -> bool
where
    O: OriginTrait,
    for<'a> &'a O::PalletsOrigin: TryInto<&'a Origin>,
{
    let found: Result<&Origin, _> = origin.caller().try_into();
    matches!(found, Ok(found) if *found == wanted)
}
