//! ChildBounties: a bounty cut into pieces.

use crate::{Runtime, RuntimeEvent, UNITS};
use frame_support::traits::{ConstU32, ConstU128};

impl pallet_child_bounties::Config for Runtime {
    type MaxActiveChildBountyCount = ConstU32<100>;
    type ChildBountyValueMinimum = ConstU128<UNITS>;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_child_bounties::weights::SubstrateWeight<Runtime>;
}
