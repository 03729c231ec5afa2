//! Historical: proofs of who held which key in a past session.

use crate::{Runtime, RuntimeEvent};

impl pallet_session::historical::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type FullIdentification = pallet_sabha_validators::Identification;
    type FullIdentificationOf = pallet_sabha_validators::IdentificationOf;
}
