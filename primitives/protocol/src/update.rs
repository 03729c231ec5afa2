//! How a slot's update lies in its blob.
//!
//! ```text
//! bytes   0..16   "sabha update v1" and a zero
//!        16..48   hash of the specification
//!        48..52   round              52..54   slot             54..64   zeros
//!        64..     for each parameter, in order: its codes, a byte each, filled up with zeros to whole words;
//!                 then its exponents, a word for each 256 codes
//! ```
//!
//! All numbers are little-endian, and every length follows from the model. That the place is part of the blob keeps an update from
//! being passed off as another slot's under the same address.

use crate::{Digest, RoundIndex, SlotIndex};
use sabha_numerics::{
    op::{BLOCK, Codes, Definition},
    program::Model,
};

/// What a blob begins with.
pub const MAGIC: [u8; 16] = *b"sabha update v1\0";

/// Bytes before the first parameter's codes.
pub const HEADER: usize = 64;

/// The first bytes of the update of one slot.
pub fn header(spec: &Digest, round: RoundIndex, slot: SlotIndex) -> [u8; HEADER] {
    let parts: [&[u8]; 4] = [&MAGIC, &spec.0, &round.to_le_bytes(), &slot.to_le_bytes()];
    let mut header = [0; HEADER];
    for (to, from) in header.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
    header
}

/// Words of each buffer: codes and exponents of each parameter, in order.
pub fn lens(model: &Model) -> impl Iterator<Item = u64> + '_ {
    model.parameters().flat_map(|parameter| {
        let size = parameter.elements();
        [Codes { size }.len(), size.div_ceil(BLOCK)]
    })
}

/// Bytes of a blob. Saturates.
pub fn bytes(model: &Model) -> u64 {
    lens(model).fold(0u64, u64::saturating_add).saturating_mul(4).saturating_add(HEADER as u64)
}

/// The byte at which buffer `index` begins. Saturates.
pub fn offset(model: &Model, index: usize) -> u64 {
    let before = lens(model).take(index).fold(0u64, u64::saturating_add);
    before.saturating_mul(4).saturating_add(HEADER as u64)
}
