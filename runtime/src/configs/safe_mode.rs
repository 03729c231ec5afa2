//! SafeMode: stops everything but the protocol's deadlines, consensus and governance. Only by governance: a deposit
//! large enough to make stopping the chain costly would still be small for whoever gains by it.

use crate::{
    AccountId, Balances, Runtime, RuntimeEvent, RuntimeHoldReason,
    filters::SafeModeExempt,
    governance::{RootOrEmergencyCanceller, WithSafeModeSpan},
};
use frame_support::traits::{ConstU32, Get};
use frame_system::EnsureRoot;

/// No deposit opens safe mode.
pub struct Never<T>(core::marker::PhantomData<T>);

impl<T> Get<Option<T>> for Never<T> {
    fn get() -> Option<T> {
        None
    }
}

impl pallet_safe_mode::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type WhitelistedCalls = SafeModeExempt;
    type EnterDuration = ConstU32<0>;
    type ExtendDuration = ConstU32<0>;
    type EnterDepositAmount = Never<crate::Balance>;
    type ExtendDepositAmount = Never<crate::Balance>;
    type ForceEnterOrigin = WithSafeModeSpan;
    type ForceExtendOrigin = WithSafeModeSpan;
    type ForceExitOrigin = RootOrEmergencyCanceller;
    type ForceDepositOrigin = EnsureRoot<AccountId>;
    type Notify = ();
    type ReleaseDelay = Never<crate::BlockNumber>;
    type WeightInfo = pallet_safe_mode::weights::SubstrateWeight<Runtime>;
}
