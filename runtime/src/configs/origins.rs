//! Origins: what a referendum may dispatch as.

use crate::Runtime;

impl pallet_sabha_origins::Config for Runtime {}
