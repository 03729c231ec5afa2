//! Whether a run's stream is what its sources' manifests say. It takes no game: whoever has the stream and the data shows where they part,
//! and the chain looks at that alone.
//!
//! A run names its stream by its BLAKE3 digest, and the datasets that it is made of by the roots of their manifests. A stream of bytes is
//! those datasets, in order, one after another. So each byte of the stream is bound twice: by the stream's digest, and by the digest of
//! the shard that it is in.
//!
//! ```text
//!  manifest root ── path ── a shard's digest ── path ── a chunk of the shard ── the byte there
//!                                                                                   ≠
//!  data.stream ─────────────── path ─────────────────── a chunk of the stream ── the byte here
//! ```
//!
//! | evidence | says | where the sources must be accepted |
//! |---|---|---|
//! | [`StreamEvidence::Byte`] | a byte of the stream is not the one that its source has there | up to the one that is named |
//! | [`StreamEvidence::Sum`] | the sources have not as many bytes as `data.tokens` | all |
//! | [`StreamEvidence::Length`] | the stream has not as many bytes as `data.tokens` | none |
//!
//! If all sources are accepted, each false stream is one of the three. How long a source is comes from the chain, which accepted it with so
//! many bytes; that they are as many is what its curators judged. A tokenised stream follows from its sources by a tokenizer that the chain
//! does not have: curators judge it.

#[cfg(feature = "std")]
pub mod show;

use super::{
    proof::{Member, Slice},
    shape::CHUNK,
};
use crate::{Digest, datasets::SHARD_BYTES, spec::DataSpec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use sabha_numerics::Tree;
use scale_info::TypeInfo;

/// A byte of the stream that is not its source's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct WrongByte {
    /// Which source, by its place in `data.sources`.
    pub source: u16,
    /// Which of its shards.
    pub shard: u32,
    /// The shard's digest below the source's manifest root.
    pub member: Member,
    /// Where in the shard the byte is.
    pub at: u64,
    /// The shard's chunk with the byte.
    pub theirs: Slice,
    /// The stream's chunk with the byte.
    pub ours: Slice,
}

/// Why a stream is not what its specification says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub enum StreamEvidence {
    /// One of its bytes is not the one that its source has there.
    Byte(WrongByte),
    /// Its sources have not as many bytes as it has tokens.
    Sum,
    /// It has not as many bytes as the specification says.
    Length {
        /// How many it has.
        bytes: u64,
        /// Its last chunk.
        last: Slice,
    },
}

/// The shard or the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bytes {
    /// The source's shard.
    Shard,
    /// The run's stream.
    Stream,
}

impl core::fmt::Display for Bytes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Shard => "the shard",
            Self::Stream => "the stream",
        })
    }
}

/// Evidence proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// What a tokenised stream must be does not follow from its sources' bytes.
    #[error(
        "data.token_bytes is {0}: only a stream of bytes (1) can be refuted; a tokenised one is judged by curators"
    )]
    Tokenised(u8),
    /// The specification does not say what the stream is made of.
    #[error("data.sources is empty: the specification does not say what the stream is made of")]
    NoSources,
    /// There is no source at this place.
    #[error("there is no source {place}: data.sources has {sources}")]
    NoSuchSource {
        /// The place.
        place: u16,
        /// How many there are.
        sources: usize,
    },
    /// The chain does not know how long a source is.
    #[error(
        "source {place} ({root}) is not accepted data, so the chain does not know how long it is: claim it for a dataset, or \
         show a byte of a source before it"
    )]
    NotAccepted {
        /// Its place.
        place: u16,
        /// The root of its manifest.
        root: Digest,
    },
    /// There is no such shard or byte.
    #[error("{0} has no such byte")]
    NoSuchByte(Bytes),
    /// A digest and its path do not come to the source's root.
    #[error("digest and path of the shard do not come to the manifest root of the source")]
    OtherShard,
    /// A slice is not what it should be.
    #[error("the slice of {0} is not the one chunk with the byte, or does not come to the digest")]
    OtherBytes(Bytes),
    /// Both are the same.
    #[error("nothing differs: that is no contradiction")]
    Agrees,
}

impl StreamEvidence {
    /// The source of which a byte is another one, if it says so.
    pub fn source(&self) -> Option<u16> {
        match self {
            Self::Byte(wrong) => Some(wrong.source),
            Self::Sum | Self::Length { .. } => None,
        }
    }

    /// Whether it proves that the stream of `data` is not what its sources are. `bytes_of` tells how many bytes the accepted data with a
    /// manifest root has.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub fn check(
        &self,
        data: &DataSpec,
        bytes_of: impl Fn(&Digest) -> Option<u64>,
    ) -> Result<(), StreamError> {
        can_be_refuted(data)?;
        match self {
            Self::Byte(wrong) => wrong.check(data, bytes_of),
            Self::Sum => {
                let sum = sum_of(data, data.sources.len(), bytes_of)?;
                if sum == u128::from(data.tokens) { Err(StreamError::Agrees) } else { Ok(()) }
            }
            Self::Length { bytes, .. } if *bytes == data.tokens => Err(StreamError::Agrees),
            Self::Length { bytes, last } if last.ends(&data.stream, *bytes) => Ok(()),
            Self::Length { .. } => Err(StreamError::OtherBytes(Bytes::Stream)),
        }
    }
}

/// Whether a specification says what its stream is made of, byte by byte: else nothing can show that it is false.
///
/// # Errors
/// Why not.
pub fn can_be_refuted(data: &DataSpec) -> Result<(), StreamError> {
    if data.token_bytes != 1 {
        return Err(StreamError::Tokenised(data.token_bytes));
    }
    if data.sources.is_empty() { Err(StreamError::NoSources) } else { Ok(()) }
}

impl WrongByte {
    fn check(&self, data: &DataSpec, bytes_of: impl Fn(&Digest) -> Option<u64>) -> Result<(), StreamError> {
        let missing = StreamError::NoSuchSource { place: self.source, sources: data.sources.len() };
        let root = data.sources.get(usize::from(self.source)).ok_or(missing)?;
        let base = sum_of(data, self.source.into(), &bytes_of)?;
        let bytes = bytes_of(root).ok_or(StreamError::NotAccepted { place: self.source, root: *root })?;

        // Where the shard begins and ends in its source, and the byte in the stream.
        let no_byte = StreamError::NoSuchByte(Bytes::Shard);
        let start = u64::from(self.shard).checked_mul(SHARD_BYTES).ok_or(no_byte)?;
        let len = bytes.checked_sub(start).ok_or(no_byte)?.min(SHARD_BYTES);
        if self.at >= len {
            return Err(no_byte);
        }
        let place = base.saturating_add(start.into()).saturating_add(self.at.into());
        let place = u64::try_from(place).ok().filter(|place| *place < data.tokens);
        let place = place.ok_or(StreamError::NoSuchByte(Bytes::Stream))?;

        if !self.member.is_bare_in(Tree::STATE, root, bytes.div_ceil(SHARD_BYTES), self.shard.into()) {
            return Err(StreamError::OtherShard);
        }
        let theirs = byte(&self.theirs, &self.member.digest, len, self.at);
        let theirs = theirs.ok_or(StreamError::OtherBytes(Bytes::Shard))?;
        let ours = byte(&self.ours, &data.stream, data.tokens, place);
        let ours = ours.ok_or(StreamError::OtherBytes(Bytes::Stream))?;
        if theirs == ours { Err(StreamError::Agrees) } else { Ok(()) }
    }
}

/// Bytes of the first `count` sources.
fn sum_of(
    data: &DataSpec,
    count: usize,
    bytes_of: impl Fn(&Digest) -> Option<u64>,
) -> Result<u128, StreamError> {
    (0u16..).zip(data.sources.iter().take(count)).try_fold(0u128, |sum, (place, root)| {
        let bytes = bytes_of(root).ok_or(StreamError::NotAccepted { place, root: *root })?;
        Ok(sum.saturating_add(bytes.into()))
    })
}

/// The byte at `at` of content with this digest and so many bytes, if the slice is the chunk that holds it.
fn byte(slice: &Slice, digest: &Digest, bytes: u64, at: u64) -> Option<u8> {
    // One chunk is what the chain is prepared to hash.
    if u64::try_from(slice.bytes.len()).ok()? > CHUNK {
        return None;
    }
    let start = slice.opens(digest, bytes)?;
    slice.bytes.get(usize::try_from(at.checked_sub(start)?).ok()?).copied()
}
