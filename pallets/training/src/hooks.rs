//! What the pallet does in every block, and what it asks of its constants.

use frame_support::pallet_macros::pallet_section;

/// The pallet's hooks.
#[pallet_section]
mod hooks {
    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_now: BlockNumberFor<T>) -> Weight {
            // Not in `on_poll`, which a block with a session's change may have no room for: no session is without its word.
            Self::note_session();
            T::WeightInfo::note_session()
        }

        fn on_poll(_now: BlockNumberFor<T>, weight: &mut WeightMeter) {
            let mut meter = WeightMeter::with_limit(weight.remaining().min(T::WorkWeight::get()));
            Self::work(&mut meter);
            weight.consume(meter.consumed());
        }

        fn integrity_test() {
            assert!(T::MaxRuns::get() > 0, "a run must be possible");
            assert!(T::MaxWindows::get() > 0, "a run's window may be the chain's");
            assert!(
                T::Availability::get() <= T::Window::get(),
                "the least training clock must not exceed the greatest"
            );
            assert!(T::MinStake::get() > 0, "a ticket must stand for something");
            assert!(
                jail_is_worth_no_new_account(
                    T::Jail::get().saturated_into(),
                    T::Unbonding::get().saturated_into()
                ),
                "registering again must not be quicker than a jail"
            );
            assert_defaults_are_sound(T::MinStake::get());
            let least = Self::least().saturating_add(T::WeightInfo::agenda());
            assert!(least.all_lte(T::WorkWeight::get()), "every step must be possible within the limit");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }
}
