//! Offences: remembers who was reported for what.

use crate::{Runtime, RuntimeEvent, Validators};

impl pallet_offences::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type IdentificationTuple = pallet_session::historical::IdentificationTuple<Self>;
    type OnOffenceHandler = Validators;
}
