//! Benchmarks of this pallet's call and hook.

use frame_benchmarking::v2::*;
use frame_support::{
    traits::{EnsureOrigin, Hooks},
    weights::WeightMeter,
};

use crate::*;

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn set_durations() -> Result<(), BenchmarkError> {
        let origin = T::AdminOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)?;
        let durations = GenesisDurations::<T>::get();

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, durations);

        assert_eq!(CurrentDurations::<T>::get(), durations);
        Ok(())
    }

    #[benchmark]
    fn on_poll() {
        let before = ActiveBlocks::<T>::get();
        let mut meter = WeightMeter::new();

        #[block]
        {
            Pallet::<T>::on_poll(1u32.into(), &mut meter);
        }

        assert_eq!(ActiveBlocks::<T>::get(), before.saturating_add(1));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::ext(Durations::development()), crate::mock::Test);
}
