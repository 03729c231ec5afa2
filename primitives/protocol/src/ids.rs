//! Identifiers. All are plain numbers that count from 0.

use alloc::string::String;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// A run on the chain.
pub type RunId = u32;
/// A round of a run.
pub type RoundIndex = u32;
/// A slot within a round.
pub type SlotIndex = u16;
/// How often a slot was assigned anew: a commitment of an earlier assignment is not one of a later one.
pub type Generation = u16;
/// Active blocks since genesis: the clock of every deadline.
pub type ActiveBlock = u32;
/// A session of the chain, which is what randomness is counted in.
pub type Session = u32;
/// How often rounds of a run were voided before.
pub type Attempt = u16;

/// One attempt at a round of a run. A voided attempt is settled while the next one runs, so no two may share a key: voiding a round
/// counts for all that are opened later, for the voided one may have taken others with it.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct RoundKey {
    /// The round within the run.
    pub round: RoundIndex,
    /// How often rounds of the run had been voided before it was opened.
    pub attempt: Attempt,
}

/// One unit of work of a run: slot `slot` of round `round`.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct SlotId {
    /// The run.
    pub run: RunId,
    /// The round within the run.
    pub round: RoundIndex,
    /// The slot within the round.
    pub slot: SlotIndex,
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.run, self.round, self.slot)
    }
}

/// 32 bytes of BLAKE3. Shown and parsed as 64 hexadecimal digits.
#[derive(
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The BLAKE3 hash of `bytes`: a blob's address.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Not 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a digest: 64 hexadecimal digits are expected, as `b3sum` prints them")]
pub struct DigestError(pub String);

impl core::str::FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let mut bytes = [0u8; 32];
        let digits = text.strip_prefix("0x").unwrap_or(text);
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| DigestError(text.into()))?;
        Ok(Self(bytes))
    }
}

#[cfg(feature = "std")]
impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "std")]
impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn digest_prints_as_b3sum_does_and_parses_back() {
        let digest = Digest::of(b"");
        assert_eq!(digest.to_string(), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(alloc::format!("0x{digest}").parse(), Ok(digest));
        for bad in ["", "af13", "zz1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }
}
