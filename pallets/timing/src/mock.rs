//! A runtime with this pallet alone.

use frame_support::{derive_impl, parameter_types};
use sp_runtime::BuildStorage;

use crate::{self as pallet_sabha_timing, Durations};

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Timing = pallet_sabha_timing;
}

parameter_types! {
    pub static Paused: bool = false;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
}

impl crate::Config for Test {
    type AdminOrigin = frame_system::EnsureRoot<u64>;
    type Paused = Paused;
    type WeightInfo = ();
}

/// A chain at genesis with these durations.
pub fn ext(durations: Durations) -> sp_io::TestExternalities {
    let storage = RuntimeGenesisConfig {
        timing: pallet_sabha_timing::GenesisConfig { durations, ..Default::default() },
        ..Default::default()
    }
    .build_storage()
    .expect("the genesis is valid");
    let mut ext = sp_io::TestExternalities::from(storage);
    ext.execute_with(|| System::set_block_number(1));
    ext
}

/// Run `test` on a development chain, and check the invariants after it.
pub fn run(test: impl FnOnce()) {
    ext(Durations::development()).execute_with(|| {
        test();
        Timing::do_try_state().expect("the invariants hold");
    });
}
