//! A set of a round's slots, as 256 bits: of one size however many slots there are.

use crate::{SlotIndex, spec::limits};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A set of slots of one round.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct SlotSet(pub [u8; 32]);

const _: () = assert!(limits::SLOTS == 256);

impl SlotSet {
    /// Adds a slot; one that no round can have is ignored.
    pub fn insert(&mut self, slot: SlotIndex) {
        if let Some(byte) = self.0.get_mut(usize::from(slot >> 3)) {
            *byte |= 1 << (slot & 7);
        }
    }

    /// Removes a slot.
    pub fn remove(&mut self, slot: SlotIndex) {
        if let Some(byte) = self.0.get_mut(usize::from(slot >> 3)) {
            *byte &= !(1 << (slot & 7));
        }
    }

    /// Whether a slot is in the set.
    pub fn contains(&self, slot: SlotIndex) -> bool {
        self.0.get(usize::from(slot >> 3)).is_some_and(|byte| byte & (1 << (slot & 7)) != 0)
    }

    /// How many slots are in the set.
    pub fn len(&self) -> u16 {
        self.0.iter().fold(0, |sum, byte| sum.saturating_add(byte.count_ones() as u16))
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 32]
    }

    /// The slots, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = SlotIndex> + '_ {
        (0..limits::SLOTS).filter(|slot| self.contains(*slot))
    }

    /// The slot with `index` smaller ones in the set.
    pub fn nth(&self, index: u16) -> Option<SlotIndex> {
        self.iter().nth(index.into())
    }

    /// The slots that are in both sets.
    pub fn and(&self, other: &Self) -> Self {
        let mut both = *self;
        for (byte, mask) in both.0.iter_mut().zip(other.0) {
            *byte &= mask;
        }
        both
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn behaves_as_a_set(slots in proptest::collection::vec(0u16..256, 0..60), gone in 0u16..256) {
            let mut set = SlotSet::default();
            let mut model = BTreeSet::new();
            for slot in slots {
                set.insert(slot);
                model.insert(slot);
            }
            set.remove(gone);
            model.remove(&gone);
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(usize::from(set.len()), model.len());
            prop_assert_eq!(set.is_empty(), model.is_empty());
            prop_assert_eq!(set.nth(3), model.iter().nth(3).copied());
        }
    }

    #[test]
    fn what_no_round_has_is_ignored() {
        let mut set = SlotSet::default();
        set.insert(256);
        set.insert(u16::MAX);
        assert!(set.is_empty() && !set.contains(u16::MAX));
    }
}
