//! What is claimed: shards, by their digests, and how much they hold.
//!
//! A claim is sealed before it is told ([`seal`]): the manifest's root becomes known only with a seal that is older than whatever a
//! copyist could send. The root is that over the shards' digests, as in the manifest of a packed dataset, so the chain makes it itself:
//! no list of shards but the manifest's own comes to it.

use super::{CLAIM_BOND, DatasetId, MAX_SHARDS, SHARD_BYTES};
use crate::{Balance, Digest};
use alloc::vec::Vec;
use codec::Encode;
use sabha_numerics::merkle_root;

/// Bytes for each of which a claim's bond grows.
const GIBIBYTE: u64 = 1 << 30;

/// What a claim says that it brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content<'a> {
    /// Units, as the dataset counts them.
    pub units: u64,
    /// Bytes of all shards.
    pub bytes: u64,
    /// BLAKE3 of each shard, in order.
    pub shards: &'a [Digest],
}

/// A claim contradicts itself, or is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Nothing is claimed.
    #[error("a claim must have at least one shard and one unit")]
    Empty,
    /// More than one claim may bring.
    #[error("a claim can have {MAX_SHARDS} shards at most: divide it")]
    TooManyShards,
    /// Bytes and shards do not go together.
    #[error(
        "so many bytes are not in so many shards of {SHARD_BYTES} bytes, the last one being shorter at most"
    )]
    WrongBytes,
    /// Bytes and units do not go together.
    #[error("so many bytes are too few for so many units")]
    TooManyUnits,
    /// A shard is listed twice.
    #[error("a shard is listed twice")]
    TwiceTheSame,
}

impl Content<'_> {
    /// Whether the counts can be true, where a unit has at least `unit_bytes` bytes.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, unit_bytes: u32) -> Result<(), ContentError> {
        let count = self.shards.len() as u64;
        if count == 0 || self.units == 0 || self.bytes == 0 {
            return Err(ContentError::Empty);
        }
        if count > MAX_SHARDS.into() {
            return Err(ContentError::TooManyShards);
        }
        if self.bytes.div_ceil(SHARD_BYTES) != count {
            return Err(ContentError::WrongBytes);
        }
        let least = u128::from(self.units).saturating_mul(unit_bytes.into());
        if least > self.bytes.into() {
            return Err(ContentError::TooManyUnits);
        }
        let mut sorted: Vec<&Digest> = self.shards.iter().collect();
        sorted.sort_unstable();
        let twice = sorted.iter().zip(sorted.iter().skip(1)).any(|(a, b)| a == b);
        if twice { Err(ContentError::TwiceTheSame) } else { Ok(()) }
    }

    /// The root over the shards: the manifest's.
    pub fn root(&self) -> Digest {
        let leaves: Vec<[u8; 32]> = self.shards.iter().map(|shard| shard.0).collect();
        Digest(merkle_root(&leaves))
    }
}

/// What a claim begins with: the manifest's root, hidden by a salt and bound to dataset and claimant.
pub fn seal<Account: Encode>(
    dataset: DatasetId,
    root: &Digest,
    salt: &[u8; 32],
    claimant: &Account,
) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("sabha 2026 data claim v1");
    hasher.update(&dataset.encode());
    hasher.update(&root.0);
    hasher.update(salt);
    hasher.update(&claimant.encode());
    Digest(*hasher.finalize().as_bytes())
}

/// The bond of a claim of so many bytes.
pub fn bond(bytes: u64) -> Balance {
    CLAIM_BOND.saturating_mul(u128::from(bytes.div_ceil(GIBIBYTE)).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UNITS;

    fn digests(count: u32) -> Vec<Digest> {
        (0..count).map(|index| Digest::of(&index.to_le_bytes())).collect()
    }

    #[test]
    fn counts_that_go_together_pass() {
        let shards = digests(2);
        for (units, bytes) in [(1, SHARD_BYTES + 1), (2, 2 * SHARD_BYTES), (1, 2 * SHARD_BYTES)] {
            assert_eq!(Content { units, bytes, shards: &shards }.check(1 << 20), Ok(()));
        }
        let most = digests(MAX_SHARDS);
        let bytes = u64::from(MAX_SHARDS) * SHARD_BYTES;
        assert_eq!(Content { units: bytes, bytes, shards: &most }.check(1), Ok(()));
    }

    #[test]
    fn counts_that_contradict_each_other_are_refused() {
        let shards = digests(2);
        let content = |units, bytes| Content { units, bytes, shards: &shards };
        assert_eq!(content(0, 2 * SHARD_BYTES).check(1), Err(ContentError::Empty));
        assert_eq!(content(1, SHARD_BYTES).check(1), Err(ContentError::WrongBytes));
        assert_eq!(content(1, 2 * SHARD_BYTES + 1).check(1), Err(ContentError::WrongBytes));
        assert_eq!(content(3, 2 * SHARD_BYTES).check(1 << 20), Err(ContentError::TooManyUnits));
        assert_eq!(content(u64::MAX, 2 * SHARD_BYTES).check(u32::MAX), Err(ContentError::TooManyUnits));
        assert_eq!(Content { units: 1, bytes: 1, shards: &[] }.check(1), Err(ContentError::Empty));
        let twice = [shards[0], shards[0]];
        let content = Content { units: 1, bytes: 2 * SHARD_BYTES, shards: &twice };
        assert_eq!(content.check(1), Err(ContentError::TwiceTheSame));
        let many = digests(MAX_SHARDS + 1);
        let bytes = u64::from(MAX_SHARDS + 1) * SHARD_BYTES;
        assert_eq!(Content { units: 1, bytes, shards: &many }.check(1), Err(ContentError::TooManyShards));
    }

    #[test]
    fn the_root_depends_on_every_shard_and_their_order() {
        let shards = digests(3);
        let root = |shards: &[Digest]| Content { units: 1, bytes: 1, shards }.root();
        let turned: Vec<_> = shards.iter().rev().copied().collect();
        assert_ne!(root(&shards), root(&turned));
        assert_ne!(root(&shards), root(&shards[..2]));
    }

    #[test]
    fn a_seal_is_one_claimants_of_one_dataset() {
        let (root, salt) = (Digest::of(b"root"), [7; 32]);
        let sealed = seal(1, &root, &salt, &1u64);
        for other in [
            seal(2, &root, &salt, &1u64),
            seal(1, &Digest::of(b"other"), &salt, &1u64),
            seal(1, &root, &[8; 32], &1u64),
            seal(1, &root, &salt, &2u64),
        ] {
            assert_ne!(sealed, other);
        }
    }

    #[test]
    fn a_bond_grows_by_one_for_each_gibibyte() {
        assert_eq!(bond(1), 2 * UNITS);
        assert_eq!(bond(1 << 30), 2 * UNITS);
        assert_eq!(bond((1 << 30) + 1), 3 * UNITS);
    }
}
