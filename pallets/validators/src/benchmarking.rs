//! Benchmarks of this pallet's calls and of handling an offence, for the largest list of validators.

use alloc::{vec, vec::Vec};

use codec::Decode;
use frame_benchmarking::v2::*;
use frame_support::{BoundedVec, traits::EnsureOrigin};
use pallet_session::SessionInterface;
use sp_runtime::{Perbill, traits::Hash};
use sp_staking::offence::{OffenceDetails, OnOffenceHandler};

use crate::*;

/// A validator account with session keys.
fn with_keys<T: Config>(index: u32) -> T::AccountId {
    let who: T::AccountId = account("validator", index, 0);
    // Enough distinct bytes for a few keys of any kind.
    let seed: Vec<u8> =
        (0..32u32).flat_map(|part| T::Hashing::hash_of(&("keys", index, part)).as_ref().to_vec()).collect();
    if let Ok(keys) = T::Keys::decode(&mut &seed[..]) {
        let _ = <pallet_session::Pallet<T> as SessionInterface>::set_keys(&who, keys);
    }
    who
}

/// Admit and seat `count` validators, all dropped but the last one.
fn admit_mostly_dropped<T: Config>(count: u32) -> Vec<T::AccountId> {
    let validators: Vec<_> = (0..count).map(with_keys::<T>).collect();
    let last = validators.len().saturating_sub(1);
    for who in validators.iter().take(last) {
        let record = DropRecord { offence_session: 0, dropped_in: 0, severity: Perbill::one() };
        Dropped::<T>::insert(who, record);
    }
    Validators::<T>::put(BoundedVec::truncate_from(validators.clone()));
    pallet_session::Validators::<T>::put(&validators);
    validators
}

fn manager<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
    T::ManagerOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn admit() -> Result<(), BenchmarkError> {
        let origin = manager::<T>()?;
        admit_mostly_dropped::<T>(MAX_VALIDATORS - 1);
        let who = with_keys::<T>(MAX_VALIDATORS);

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, who.clone());

        assert!(Pallet::<T>::is_admitted(&who));
        Ok(())
    }

    #[benchmark]
    fn remove() -> Result<(), BenchmarkError> {
        let origin = manager::<T>()?;
        let who = admit_mostly_dropped::<T>(MAX_VALIDATORS).swap_remove(0);

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, who.clone());

        assert!(!Pallet::<T>::is_admitted(&who));
        Ok(())
    }

    #[benchmark]
    fn readmit() -> Result<(), BenchmarkError> {
        let origin = manager::<T>()?;
        let who = admit_mostly_dropped::<T>(MAX_VALIDATORS).swap_remove(0);

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, who.clone());

        assert!(!Dropped::<T>::contains_key(&who));
        Ok(())
    }

    #[benchmark]
    fn on_offence(n: Linear<1, 32>) {
        let validators = admit_mostly_dropped::<T>(MAX_VALIDATORS);
        // The ones before the last are not dropped yet: each looks past all others for a fit validator.
        let first = validators.len().saturating_sub(n as usize).saturating_sub(1);
        let offenders: Vec<_> = validators
            .into_iter()
            .skip(first)
            .take(n as usize)
            .map(|who| {
                Dropped::<T>::remove(&who);
                OffenceDetails { offender: (who, ()), reporters: vec![] }
            })
            .collect();
        let severities = vec![Perbill::one(); n as usize];

        #[block]
        {
            Pallet::<T>::on_offence(&offenders, &severities, 0);
        }

        assert!(offenders.iter().all(|details| Dropped::<T>::contains_key(&details.offender.0)));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::ext(&[1], &[1]), crate::mock::Test);
}
