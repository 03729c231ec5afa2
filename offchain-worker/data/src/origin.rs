//! Whether a run's stream can be what its sources say, by manifests alone: nothing is read beside them, so that it is told at once.
//!
//! A stream of bytes is its sources, one after another. Where they begin at the bounds of shards, every shard is compared by its digest.

use crate::{Manifest, SHARD_BYTES, short};
use sabha_protocol::spec::DataSpec;

/// What contradicts that the stream of `data` is its sources, if something does. `stream` is its own manifest, and `sources` those of its sources,
/// in order, as far as they are at hand. Of tokens of more than a byte nothing is said: no source's bytes are in such a stream.
pub fn contradiction(
    data: &DataSpec,
    stream: Option<&Manifest>,
    sources: &[Option<Manifest>],
) -> Option<String> {
    if data.token_bytes != 1 || sources.is_empty() {
        return None;
    }
    if let Some(sizes) =
        sources.iter().map(|source| source.as_ref().map(Manifest::bytes)).collect::<Option<Vec<_>>>()
    {
        let sum = sizes.iter().fold(0u64, |sum, size| sum.saturating_add(*size));
        if sum != data.tokens {
            return Some(format!("its sources have {sum} bytes, and it has {}", data.tokens));
        }
    }
    if let [Some(only)] = sources
        && only.stream != data.stream
    {
        let (said, is) = (short(&only.stream), short(&data.stream));
        return Some(format!("its only source's stream hashes to {said}…, and it to {is}…"));
    }
    let stream = stream.filter(|stream| stream.stream == data.stream)?;
    let mut begins = 0u64;
    for (place, source) in sources.iter().enumerate() {
        // Where the next one begins is not known.
        let source = source.as_ref()?;
        if begins.is_multiple_of(SHARD_BYTES) {
            let first = usize::try_from(begins / SHARD_BYTES).unwrap_or(usize::MAX);
            for (of_source, theirs) in source.shards.iter().enumerate() {
                let of_stream = first.saturating_add(of_source);
                // The last one of a source may be shorter than that of the stream.
                let ours = stream.shards.get(of_stream).filter(|ours| ours.bytes == theirs.bytes);
                if ours.is_some_and(|ours| ours.blake3 != theirs.blake3) {
                    return Some(format!(
                        "shard {of_stream} of it is not shard {of_source} of source {place}"
                    ));
                }
            }
        }
        begins = begins.saturating_add(source.bytes());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shard;
    use sabha_protocol::Digest;

    const MIB: usize = 1 << 20;

    fn manifest(bytes: &[u8]) -> Manifest {
        let shard = |shard: &[u8]| Shard { bytes: shard.len() as u64, blake3: Digest::of(shard) };
        let shards: Vec<Shard> = bytes.chunks(MIB).map(shard).collect();
        Manifest {
            version: 1,
            title: "Test".into(),
            language: "es".into(),
            licence: "CC0-1.0".into(),
            documents: 1,
            text_bytes: bytes.len() as u64 - 1,
            tokens: bytes.len() as u64,
            token_bytes: 1,
            heldout_tokens: 0,
            stream: Digest::of(bytes),
            root: Manifest::root_of(&shards),
            statistics: None,
            images: None,
            view: None,
            shards,
        }
    }

    fn spec(stream: &[u8], sources: &[Option<Manifest>]) -> DataSpec {
        let roots: Vec<Digest> = sources
            .iter()
            .map(|source| source.as_ref().map_or(Digest([0; 32]), |source| source.root))
            .collect();
        DataSpec {
            stream: Digest::of(stream),
            tokens: stream.len() as u64,
            token_bytes: 1,
            heldout_tokens: 1,
            sources: roots.try_into().unwrap(),
        }
    }

    fn bytes(len: usize, step: usize) -> Vec<u8> {
        (0..len).map(|at| (at * step % 251) as u8).collect()
    }

    #[test]
    fn a_stream_that_is_its_sources_is_contradicted_by_nothing() {
        for (first, second) in [(2 * MIB, MIB + 7), (MIB + 7, 2 * MIB), (5, 9)] {
            let (one, two) = (bytes(first, 3), bytes(second, 5));
            let stream = [one.as_slice(), &two].concat();
            let sources = [Some(manifest(&one)), Some(manifest(&two))];
            assert_eq!(contradiction(&spec(&stream, &sources), Some(&manifest(&stream)), &sources), None);
            assert_eq!(contradiction(&spec(&stream, &sources), None, &sources), None);
        }
        let one = bytes(10, 3);
        let own = [Some(manifest(&one))];
        assert_eq!(contradiction(&spec(&one, &own), Some(&manifest(&one)), &own), None);
    }

    #[test]
    fn another_stream_under_a_known_root_is_found() {
        let (one, two, other) = (bytes(2 * MIB, 3), bytes(MIB + 7, 5), bytes(2 * MIB, 7));
        let says = |stream: &[u8], has_manifest: bool, sources: &[Option<Manifest>]| {
            let own = manifest(stream);
            contradiction(&spec(stream, sources), has_manifest.then_some(&own), sources).unwrap_or_default()
        };
        let (first, second) = (Some(manifest(&one)), Some(manifest(&two)));
        // Of one source, its own manifest tells.
        assert!(says(&other, false, std::slice::from_ref(&first)).contains("its only source's stream"));
        // A length.
        let longer = [one.as_slice(), &two, &[1]].concat();
        assert!(says(&longer, false, &[first.clone(), second.clone()]).contains("bytes, and it has"));
        // A byte, in a shard of either.
        for (at, found) in [
            (MIB + 5, "shard 1 of it is not shard 1 of source 0"),
            (2 * MIB, "shard 2 of it is not shard 0 of source 1"),
            (3 * MIB + 6, "shard 3 of it is not shard 1 of source 1"),
        ] {
            let mut stream = [one.as_slice(), &two].concat();
            stream[at] ^= 1;
            assert_eq!(says(&stream, true, &[first.clone(), second.clone()]), found);
            // Without its manifest, or without those before, nothing is known.
            assert_eq!(says(&stream, false, &[first.clone(), second.clone()]), "");
            assert_eq!(says(&stream, true, &[None, second.clone()]), "");
        }
        let mut stream = [one.as_slice(), &two].concat();
        stream[0] ^= 1;
        assert_eq!(says(&stream, true, &[first, None]), "shard 0 of it is not shard 0 of source 0");
    }
}
