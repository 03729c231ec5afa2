//! Which parts of a claim somebody looks at: nobody knows them before the claim is told, and everybody can tell them afterwards.

use sabha_protocol::Digest;
use std::collections::BTreeSet;

/// Bytes of a part, and what a proof is of: sixteen chunks of BLAKE3.
pub const PART_BYTES: u64 = 16 << 10;

/// What a sample depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed<'a> {
    /// The chain's randomness of a session that had not come when the claim was told. Which of those that came since is the curator's choice; its
    /// claimant knew none of them.
    pub word: &'a [u8; 32],
    /// The claim.
    pub claim: u32,
    /// The number of the panel.
    pub panel: u8,
    /// The curator's account: each looks elsewhere.
    pub curator: &'a [u8; 32],
}

/// Where up to `count` parts of `width` times [`PART_BYTES`] begin, in order, each different, of data of so many bytes. All of them, if
/// there are no more.
pub fn parts(seed: &Seed<'_>, bytes: u64, width: u64, count: u32) -> Vec<u64> {
    let part = PART_BYTES.saturating_mul(width.max(1));
    let all = bytes.div_ceil(part);
    let count = u64::from(count).min(all);
    let mut hasher = blake3::Hasher::new_derive_key("sabha 2026 data sample v1");
    hasher.update(seed.word);
    hasher.update(&seed.claim.to_le_bytes());
    hasher.update(&[seed.panel]);
    hasher.update(seed.curator);
    let mut numbers = hasher.finalize_xof();
    // Floyd's: each set of so many is as likely, and no number is drawn in vain.
    let mut chosen = BTreeSet::new();
    for last in all - count..all {
        let mut word = [0; 8];
        numbers.fill(&mut word);
        // Scaled, not reduced: the bias is at most last / 2^64.
        let scaled = (u128::from(u64::from_le_bytes(word)) * (u128::from(last) + 1)) >> 64;
        let number = u64::try_from(scaled).unwrap_or(last);
        if !chosen.insert(number) {
            chosen.insert(last);
        }
    }
    chosen.into_iter().map(|number| number * part).collect()
}

/// A range within one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Which shard.
    pub shard: usize,
    /// Where in it the range begins: a multiple of [`PART_BYTES`].
    pub start: u64,
    /// Bytes.
    pub bytes: u64,
}

/// The ranges of shards that the part at `at` covers, of data of so many bytes.
pub fn pieces(at: u64, width: u64, bytes: u64) -> Vec<Piece> {
    let end = at.saturating_add(PART_BYTES.saturating_mul(width.max(1))).min(bytes);
    let (mut at, mut pieces) = (at, Vec::new());
    while at < end {
        let start = at % crate::SHARD_BYTES;
        let length = (end - at).min(crate::SHARD_BYTES - start);
        let shard = usize::try_from(at / crate::SHARD_BYTES).unwrap_or(usize::MAX);
        pieces.push(Piece { shard, start, bytes: length });
        at += length;
    }
    pieces
}

/// A salt that is its owner's alone: from a secret, so that a restart finds it again, and what it is for.
pub fn salt(secret: &[u8], purpose: &str, of: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("sabha 2026 data salt v1");
    hasher.update(&(secret.len() as u64).to_le_bytes());
    hasher.update(secret);
    hasher.update(&(purpose.len() as u64).to_le_bytes());
    hasher.update(purpose.as_bytes());
    hasher.update(of);
    Digest(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed<'a>() -> Seed<'a> {
        Seed { word: &[1; 32], claim: 2, panel: 0, curator: &[3; 32] }
    }

    #[test]
    fn parts_are_different_in_order_and_within() {
        for (bytes, width, count) in
            [(1, 1, 64), (PART_BYTES * 100, 1, 64), (1 << 30, 3, 64), (PART_BYTES * 65, 1, 64)]
        {
            let found = parts(&seed(), bytes, width, count);
            let all = bytes.div_ceil(PART_BYTES * width);
            assert_eq!(found.len() as u64, u64::from(count).min(all));
            assert!(found.is_sorted_by(|a, b| a < b), "{found:?}");
            assert!(found.iter().all(|at| *at < bytes && at.is_multiple_of(PART_BYTES * width)));
        }
        assert!(parts(&seed(), 0, 1, 64).is_empty());
    }

    #[test]
    fn everything_that_a_sample_depends_on_changes_it() {
        let here = parts(&seed(), 1 << 30, 1, 64);
        for other in [
            Seed { word: &[2; 32], ..seed() },
            Seed { claim: 3, ..seed() },
            Seed { panel: 1, ..seed() },
            Seed { curator: &[4; 32], ..seed() },
        ] {
            assert_ne!(here, parts(&other, 1 << 30, 1, 64));
        }
        assert_eq!(here, parts(&seed(), 1 << 30, 1, 64));
    }

    #[test]
    fn every_part_is_as_likely() {
        let mut counts = [0u32; 10];
        for claim in 0..2_000 {
            for at in parts(&Seed { claim, ..seed() }, 10 * PART_BYTES, 1, 4) {
                counts[(at / PART_BYTES) as usize] += 1;
            }
        }
        // 800 each; the deviation is 22.
        assert!(counts.iter().all(|count| (690..910).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_part_across_shards_is_of_both() {
        let shard = crate::SHARD_BYTES;
        assert_eq!(pieces(0, 1, 10), [Piece { shard: 0, start: 0, bytes: 10 }]);
        assert_eq!(
            pieces(shard - PART_BYTES, 2, shard * 2),
            [
                Piece { shard: 0, start: shard - PART_BYTES, bytes: PART_BYTES },
                Piece { shard: 1, start: 0, bytes: PART_BYTES }
            ]
        );
    }

    #[test]
    fn salts_differ_by_secret_and_purpose() {
        let one = salt(b"secret", "claim", b"1");
        assert_ne!(one, salt(b"other", "claim", b"1"));
        assert_ne!(one, salt(b"secret", "vote", b"1"));
        assert_ne!(one, salt(b"secret", "claim", b"2"));
        assert_ne!(salt(b"a", "bc", b""), salt(b"ab", "c", b""));
    }
}
