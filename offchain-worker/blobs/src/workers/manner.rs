//! Serving badly, on purpose: to see what becomes of it, on a network of one's own.

use bytes::{Bytes, BytesMut};
use iroh_blobs::protocol::{ChunkRanges, ChunkRangesExt};
use std::str::FromStr;

/// How other workers are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// With what they ask for.
    #[default]
    Honest,
    /// With nothing, as if there were nothing here.
    Withholds,
    /// With the right sizes, and other bytes.
    Corrupts,
}

impl Manner {
    /// Whether anything is served.
    pub(super) fn serves(self) -> bool {
        self != Self::Withholds
    }

    /// A piece of an answer, as it is sent. A proof of the size is left alone, so that somebody comes for the bytes.
    pub(super) fn of(self, piece: Bytes, ranges: &ChunkRanges) -> Bytes {
        if self != Self::Corrupts || *ranges == ChunkRanges::last_chunk() {
            return piece;
        }
        let mut other = BytesMut::from(piece);
        if let Some(last) = other.last_mut() {
            *last ^= 1;
        }
        other.freeze()
    }
}

impl FromStr for Manner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "honest" => Ok(Self::Honest),
            "nothing" => Ok(Self::Withholds),
            "wrong" => Ok(Self::Corrupts),
            other => Err(format!("`{other}` is no manner: honest, nothing or wrong")),
        }
    }
}
