//! A run's stream and the data that it is made of, in memory: true, or false somewhere.

use std::{collections::BTreeMap, convert::Infallible};

use sabha_numerics::merkle_root;
use sabha_protocol::{
    Digest,
    datasets::SHARD_BYTES,
    dispute::stream::{StreamError, StreamEvidence, show},
    spec::DataSpec,
};

use crate::lie::Dice;

/// A stream, and what it is said to be made of.
#[derive(Clone, Debug)]
pub struct Streams {
    /// The sources' bytes.
    pub sources: Vec<Vec<u8>>,
    /// The stream's.
    pub stream: Vec<u8>,
    /// What the specification says of it.
    pub data: DataSpec,
    /// The data that was accepted, with its bytes.
    pub accepted: BTreeMap<Digest, u64>,
}

impl Streams {
    /// A true stream of sources of so many bytes, all of them accepted.
    pub fn random(dice: &mut Dice, lens: &[u64]) -> Self {
        // Few different bytes: neighbours are often the same.
        let bytes = |len: &u64, dice: &mut Dice| (0..*len).map(|_| dice.below(5) as u8).collect();
        let sources: Vec<Vec<u8>> = lens.iter().map(|len| bytes(len, dice)).collect();
        let stream = sources.concat();
        Self::of(sources, stream)
    }

    /// This stream, said to be made of these sources, all of them accepted.
    pub fn of(sources: Vec<Vec<u8>>, stream: Vec<u8>) -> Self {
        let root = |source: &Vec<u8>| {
            let shards: Vec<[u8; 32]> = shards(source).iter().map(|shard| shard.0).collect();
            Digest(merkle_root(&shards))
        };
        let roots: Vec<Digest> = sources.iter().map(root).collect();
        let lens = sources.iter().map(|source| source.len() as u64);
        let accepted = roots.iter().copied().zip(lens).collect();
        let data = DataSpec {
            stream: Digest::of(&stream),
            tokens: stream.len() as u64,
            token_bytes: 1,
            heldout_tokens: 20,
            sources: roots.try_into().expect("not too many"),
        };
        Self { sources, stream, data, accepted }
    }

    /// The same sources, and a stream of which the byte at `place` is another one.
    pub fn flipped(&self, place: usize) -> Self {
        let mut stream = self.stream.clone();
        stream[place] ^= 0x55;
        Self::of(self.sources.clone(), stream)
    }

    /// Where a source begins in a true stream.
    pub fn base(&self, source: usize) -> usize {
        self.sources[..source].iter().map(Vec::len).sum()
    }

    /// The source that a byte of a true stream is of.
    pub fn source_at(&self, place: usize) -> usize {
        (0..self.sources.len()).rev().find(|source| self.base(*source) <= place).expect("one begins at 0")
    }

    /// Evidence about the byte at `place`, whether it differs or not.
    pub fn evidence(&self, place: usize) -> StreamEvidence {
        let source = self.source_at(place);
        let (base, bytes) = (self.base(source), &self.sources[source]);
        let Ok(evidence) = show::wrong_byte(
            source as u16,
            &shards(bytes),
            bytes.len() as u64,
            (place - base) as u64,
            reader(bytes),
            (base as u64, self.stream.len() as u64),
            reader(&self.stream),
        );
        evidence
    }

    /// Evidence that the stream has as many bytes as it has.
    pub fn length(&self) -> StreamEvidence {
        let Ok(evidence) = show::length(self.stream.len() as u64, reader(&self.stream));
        evidence
    }

    /// What the chain makes of evidence.
    ///
    /// # Errors
    /// If it proves nothing.
    pub fn check(&self, evidence: &StreamEvidence) -> Result<(), StreamError> {
        evidence.check(&self.data, |root| self.accepted.get(root).copied())
    }
}

/// The digests of a source's shards.
pub fn shards(source: &[u8]) -> Vec<Digest> {
    source.chunks(SHARD_BYTES as usize).map(Digest::of).collect()
}

/// Reads bytes in memory.
pub fn reader(bytes: &[u8]) -> impl FnMut(u64, &mut [u8]) -> Result<(), Infallible> {
    move |place, buffer| {
        buffer.copy_from_slice(&bytes[place as usize..][..buffer.len()]);
        Ok(())
    }
}
