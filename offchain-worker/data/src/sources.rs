//! Whether a run's stream is what its sources' manifests say, and what shows it to the chain if it is not.
//!
//! Both are read once, piece by piece; if they part, the stream and one shard are read once more. The memory that it takes does not depend on
//! how long they are.

use crate::{DataError, Manifest, STREAM, manifest::stream_path, short};
use sabha_files::FileError;
use sabha_protocol::{
    Digest,
    dispute::stream::{StreamEvidence, show},
    spec::DataSpec,
};
use std::{
    fs::File,
    io::Read,
    ops::ControlFlow,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// A source of a run's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The root of its manifest.
    pub root: Digest,
    /// The bytes that the chain accepted it with; none if it did not.
    pub accepted: Option<u64>,
    /// The dataset's folder, if it is on this machine.
    pub folder: Option<PathBuf>,
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// Nothing differs.
    Agrees {
        /// The sources, by their places, that could not be compared: they are not on this machine, or where they begin is not known.
        left_out: Vec<u16>,
    },
    /// The stream is false.
    False {
        /// How, in words.
        reason: String,
        /// What shows it to the chain; none if that cannot see it, for a source that it has not accepted.
        evidence: Option<Box<StreamEvidence>>,
    },
}

/// The sources of a stream, in order, as they are in the folders of datasets; folders that hold none are passed over. What the chain has accepted is
/// for who asks it.
pub fn among(data: &DataSpec, folders: &[PathBuf]) -> Vec<Source> {
    let root = |folder: &PathBuf| Some((Manifest::read(folder).ok()?.root, folder.clone()));
    let folders: Vec<(Digest, PathBuf)> = folders.iter().filter_map(root).collect();
    let source = |root: &Digest| {
        let folder = folders.iter().find(|(of, _)| of == root).map(|(_, folder)| folder.clone());
        Source { root: *root, accepted: None, folder }
    };
    data.sources.iter().map(source).collect()
}

/// A source that is on this machine.
struct Opened {
    manifest: Manifest,
    path: PathBuf,
    file: File,
}

/// Compares the stream of a run, in a dataset's folder or a file of its own, with its sources, in order. `progress` is told the bytes read so
/// far and in all, and may stop the work.
///
/// # Errors
/// If the stream is another one, a source is damaged, or is not as long as the chain has it; if a file cannot be read; or
/// [`DataError::Stopped`].
pub fn compare(
    data: &DataSpec,
    stream: &Path,
    sources: &[Source],
    progress: impl FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Finding, DataError> {
    if let Some(sum) = sum(sources.iter().map(|source| source.accepted))
        && sum != u128::from(data.tokens)
    {
        let reason = format!("its sources have {sum} bytes, and the run says it has {}", data.tokens);
        return Ok(Finding::False { reason, evidence: Some(Box::new(StreamEvidence::Sum)) });
    }
    let mut reading = Reading::open(stream, progress)?;
    let (mut left_out, mut parts, mut base) = (Vec::new(), None, Some(0u64));
    for (place, source) in (0u16..).zip(sources) {
        let opened = source.open()?;
        let bytes = source.accepted.or(opened.as_ref().map(|opened| opened.manifest.bytes()));
        match (base, &opened) {
            (Some(base), Some(opened)) => {
                let found = reading.beside(opened)?;
                parts = parts.or(found.map(|at| (place, base, at)));
            }
            _ => left_out.push(place),
        }
        base = base.zip(bytes).and_then(|(base, bytes)| base.checked_add(bytes));
        if let Some(base) = base {
            reading.skip_to(base)?;
        }
    }
    reading.skip_to(u64::MAX)?;
    let Reading { file, path, size, hasher, .. } = reading;
    let found = Digest(*hasher.finalize().as_bytes());
    if found != data.stream {
        let reason = format!("it hashes to {}…, {}… is expected", short(&found), short(&data.stream));
        return Err(DataError::WrongStream { path, reason });
    }

    let in_stream = reader(&file, &path);
    if size != data.tokens {
        let reason = format!("it has {size} bytes, and the run says it has {}", data.tokens);
        let evidence = Some(Box::new(show::length(size, in_stream)?));
        return Ok(Finding::False { reason, evidence });
    }
    if let Some((place, base, at)) = parts
        && let Some(Opened { manifest, path, file }) =
            sources.get(usize::from(place)).map(Source::open).transpose()?.flatten()
    {
        let mut reason = format!("byte {} of it is not byte {at} of source {place}", base.saturating_add(at));
        let needed = sources.iter().take(usize::from(place).saturating_add(1));
        if let Some(missing) = needed.clone().position(|source| source.accepted.is_none()) {
            reason.push_str(&format!(
                ", but the chain cannot see it: source {missing} is no data that it has accepted"
            ));
            return Ok(Finding::False { reason, evidence: None });
        }
        let shards: Vec<Digest> = manifest.shards.iter().map(|shard| shard.blake3).collect();
        let (theirs, ends) = (reader(&file, &path), (base, data.tokens));
        let evidence = show::wrong_byte(place, &shards, manifest.bytes(), at, theirs, ends, in_stream)?;
        return Ok(Finding::False { reason, evidence: Some(Box::new(evidence)) });
    }
    match base {
        Some(sum) if sum != data.tokens => {
            let reason = format!(
                "its sources have {sum} bytes, and it has {}, but the chain cannot see it: it has not accepted all of them",
                data.tokens
            );
            Ok(Finding::False { reason, evidence: None })
        }
        _ => Ok(Finding::Agrees { left_out }),
    }
}

fn sum(bytes: impl Iterator<Item = Option<u64>>) -> Option<u128> {
    bytes.map(|bytes| bytes.map(u128::from)).sum()
}

/// Reads a file at any place.
fn reader<'a>(file: &'a File, path: &'a Path) -> impl FnMut(u64, &mut [u8]) -> Result<(), DataError> + 'a {
    move |place, buffer| {
        let read = file.read_exact_at(buffer, place).map_err(FileError::of("read", path));
        read.map_err(DataError::from)
    }
}

impl Source {
    fn open(&self) -> Result<Option<Opened>, DataError> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let manifest = Manifest::read(folder)?;
        let path = folder.join(STREAM);
        let wrong = |reason: String| DataError::WrongStream { path: path.clone(), reason };
        if manifest.root != self.root {
            let (found, said) = (short(&manifest.root), short(&self.root));
            return Err(wrong(format!("its manifest has the root {found}…, {said}… is expected")));
        }
        if let Some(accepted) = self.accepted.filter(|accepted| *accepted != manifest.bytes()) {
            let bytes = manifest.bytes();
            return Err(wrong(format!("it has {bytes} bytes, and the chain accepted it with {accepted}")));
        }
        manifest.check_size(folder)?;
        let file = File::open(&path).map_err(FileError::of("open", &path))?;
        Ok(Some(Opened { manifest, path, file }))
    }
}

/// A stream that is read from its beginning.
struct Reading<P> {
    file: File,
    path: PathBuf,
    size: u64,
    done: u64,
    hasher: blake3::Hasher,
    progress: P,
}

impl<P: FnMut(u64, u64) -> ControlFlow<()>> Reading<P> {
    fn open(stream: &Path, progress: P) -> Result<Self, DataError> {
        let path = stream_path(stream);
        let file = File::open(&path).map_err(FileError::of("open", &path))?;
        let size = file.metadata().map_err(FileError::of("read", &path))?.len();
        Ok(Self { file, path, size, done: 0, hasher: blake3::Hasher::new(), progress })
    }

    /// The next bytes, so many unless the stream ends before.
    fn next(&mut self, bytes: u64) -> Result<Vec<u8>, DataError> {
        let mut piece = Vec::new();
        (&self.file).take(bytes).read_to_end(&mut piece).map_err(FileError::of("read", &self.path))?;
        self.hasher.update(&piece);
        self.done = self.done.saturating_add(piece.len() as u64);
        if (self.progress)(self.done, self.size).is_break() { Err(DataError::Stopped) } else { Ok(piece) }
    }

    /// Reads up to a place, or to the end if that is before.
    fn skip_to(&mut self, place: u64) -> Result<(), DataError> {
        while self.done < place {
            let left = place.saturating_sub(self.done);
            if self.next(left.min(crate::SHARD_BYTES))?.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Reads beside a source, all of which is verified. Returns the first byte of the source that the stream has not.
    fn beside(&mut self, source: &Opened) -> Result<Option<u64>, DataError> {
        let (mut at, mut differs) = (0u64, None);
        for (index, shard) in source.manifest.shards.iter().enumerate() {
            let mut theirs = vec![0; usize::try_from(shard.bytes).unwrap_or(usize::MAX)];
            reader(&source.file, &source.path)(at, &mut theirs)?;
            if Digest::of(&theirs) != shard.blake3 {
                let (path, reason) = (source.path.clone(), format!("shard {index} is damaged"));
                return Err(DataError::WrongStream { path, reason });
            }
            let ours = self.next(shard.bytes)?;
            if differs.is_none() {
                let place = theirs.iter().zip(&ours).position(|(theirs, ours)| theirs != ours);
                differs = place.map(|place| at.saturating_add(place as u64));
            }
            at = at.saturating_add(shard.bytes);
        }
        Ok(differs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::dataset;
    use proptest::prelude::*;
    use sabha_protocol::dispute::stream::StreamError;

    /// Folders of sources, and a stream.
    struct World {
        folder: tempfile::TempDir,
        sources: Vec<Source>,
        data: DataSpec,
    }

    impl World {
        fn of(contents: &[Vec<u8>], stream: &[u8]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let source = |(place, bytes): (usize, &Vec<u8>)| {
                let folder = folder.path().join(place.to_string());
                let manifest = dataset(&folder, bytes);
                Source { root: manifest.root, accepted: Some(bytes.len() as u64), folder: Some(folder) }
            };
            let sources: Vec<Source> = contents.iter().enumerate().map(source).collect();
            let roots: Vec<Digest> = sources.iter().map(|source| source.root).collect();
            std::fs::write(folder.path().join("bytes"), stream).unwrap();
            let data = DataSpec {
                stream: Digest::of(stream),
                tokens: stream.len() as u64,
                token_bytes: 1,
                heldout_tokens: 1,
                sources: roots.try_into().unwrap(),
            };
            Self { folder, sources, data }
        }

        fn find(&self) -> Result<Finding, DataError> {
            let stream = self.folder.path().join("bytes");
            compare(&self.data, &stream, &self.sources, |_, _| ControlFlow::Continue(()))
        }

        fn judge(&self, evidence: &StreamEvidence) -> Result<(), StreamError> {
            evidence.check(&self.data, |root| {
                self.sources.iter().find(|source| source.root == *root).and_then(|source| source.accepted)
            })
        }

        /// It is found false, the chain sees that, and why.
        fn is_false(&self) -> String {
            match self.find().unwrap() {
                Finding::False { reason, evidence: Some(evidence) } => {
                    assert_eq!(self.judge(&evidence), Ok(()), "{reason}");
                    reason
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn bytes(len: usize, step: usize) -> Vec<u8> {
        (0..len).map(|at| (at * step % 251) as u8).collect()
    }

    fn agrees(left_out: &[u16]) -> Finding {
        Finding::Agrees { left_out: left_out.to_vec() }
    }

    const MIB: usize = 1 << 20;

    fn contents() -> Vec<Vec<u8>> {
        vec![bytes(MIB + 1_500, 3), bytes(700, 5), bytes(2 * MIB, 7)]
    }

    #[test]
    fn a_true_stream_agrees() {
        let all = contents();
        assert_eq!(World::of(&all, &all.concat()).find().unwrap(), agrees(&[]));
    }

    #[test]
    fn the_first_wrong_byte_is_shown_wherever_it_is() {
        let all = contents();
        let (second, third) = (MIB + 1_500, MIB + 2_200);
        let end = all.concat().len() - 1;
        for (place, source, at) in [
            (0, 0, 0),
            (MIB - 1, 0, MIB - 1),
            (MIB, 0, MIB),
            (second - 1, 0, second - 1),
            (second, 1, 0),
            (third - 1, 1, 699),
            (third, 2, 0),
            (end, 2, 2 * MIB - 1),
        ] {
            let mut stream = all.concat();
            stream[place] ^= 1;
            // Another one behind it.
            stream[end] ^= 2;
            let reason = World::of(&all, &stream).is_false();
            assert_eq!(reason, format!("byte {place} of it is not byte {at} of source {source}"));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn random_streams_are_judged_rightly(
            lens in prop::collection::vec(1usize..5_000, 1..5),
            flips in prop::collection::vec((any::<prop::sample::Index>(), 0u8..4), 0..3),
            cut in -3i64..4,
        ) {
            let all: Vec<Vec<u8>> = lens.iter().enumerate().map(|(at, len)| bytes(*len, at + 3)).collect();
            let truth = all.concat();
            let mut stream = truth.clone();
            for (place, bits) in flips {
                let place = place.index(stream.len());
                stream[place] ^= bits;
            }
            stream.resize((stream.len() as i64 + cut).max(1) as usize, 0);
            let mut world = World::of(&all, &stream);
            if stream == truth {
                prop_assert_eq!(world.find().unwrap(), agrees(&[]));
            } else {
                world.is_false();
            }
            // Of a run that says it is as long as it should be.
            world.data.tokens = truth.len() as u64;
            if stream != truth {
                world.is_false();
            }
        }
    }

    #[test]
    fn another_length_is_shown() {
        let all = contents();
        let mut world = World::of(&all, &all.concat()[1..]);
        assert!(world.is_false().contains("its sources have"));
        world.data.tokens += 1;
        let (is, says) = (world.data.tokens - 1, world.data.tokens);
        assert_eq!(world.is_false(), format!("it has {is} bytes, and the run says it has {says}"));
    }

    #[test]
    fn what_is_not_accepted_is_found_and_cannot_be_shown() {
        let all = contents();
        let mut stream = all.concat();
        stream[MIB + 1_600] ^= 1;
        let mut world = World::of(&all, &stream);
        world.sources[2].accepted = None;
        world.is_false();
        world.sources[0].accepted = None;
        let Finding::False { reason, evidence: None } = world.find().unwrap() else { panic!() };
        assert!(reason.contains("source 0 is no data that it has accepted"), "{reason}");
        // Too long, which nobody could see before all are accepted.
        stream[MIB + 1_600] ^= 1;
        stream.push(1);
        let mut world = World::of(&all, &stream);
        world.sources[1].accepted = None;
        let Finding::False { reason, evidence: None } = world.find().unwrap() else { panic!() };
        assert!(reason.contains("it has not accepted all"), "{reason}");
    }

    #[test]
    fn sources_that_are_not_here_are_left_out() {
        let all = contents();
        let mut stream = all.concat();
        stream[5] ^= 1;
        let mut world = World::of(&all, &stream);
        world.sources[0].folder = None;
        assert_eq!(world.find().unwrap(), agrees(&[0]), "where the next one begins is known");
        stream[MIB + 2_200] ^= 1;
        let mut world = World::of(&all, &stream);
        world.sources[0].folder = None;
        assert!(world.is_false().ends_with("byte 0 of source 2"));
        world.sources[0].accepted = None;
        assert_eq!(world.find().unwrap(), agrees(&[0, 1, 2]), "it is not");
    }

    #[test]
    fn sources_are_found_among_folders() {
        let all = contents();
        let world = World::of(&all, &all.concat());
        let mut folders: Vec<PathBuf> =
            world.sources.iter().filter_map(|source| source.folder.clone()).collect();
        folders.reverse();
        folders.push(world.folder.path().join("nothing"));
        let unknown = |source: &Source| Source { accepted: None, ..source.clone() };
        let mut expected: Vec<Source> = world.sources.iter().map(unknown).collect();
        assert_eq!(among(&world.data, &folders), expected);
        expected[2].folder = None;
        assert_eq!(among(&world.data, &folders[1..]), expected);
    }

    #[test]
    fn another_stream_and_damaged_sources_are_errors() {
        let all = contents();
        let world = World::of(&all, &all.concat());
        let refused = |world: &World, part: &str| {
            let error = world.find().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        let mut other = World::of(&all, &all.concat());
        other.data.stream = Digest([1; 32]);
        refused(&other, "is expected");
        let mut other = World::of(&all, &all.concat());
        other.sources.swap(0, 1);
        other.sources[0].folder = other.sources[1].folder.clone();
        refused(&other, "has the root");
        let mut other = World::of(&all, &all.concat());
        other.sources[2].accepted = Some(2 * MIB as u64 - 1);
        other.data.tokens -= 1;
        refused(&other, "the chain accepted it with");
        let mut damaged = all[1].clone();
        damaged[7] ^= 1;
        std::fs::write(world.folder.path().join("1").join(STREAM), damaged).unwrap();
        refused(&world, "shard 0 is damaged");
        let stopped = compare(&world.data, &world.folder.path().join("bytes"), &world.sources, |_, _| {
            ControlFlow::Break(())
        });
        assert!(matches!(stopped, Err(DataError::Stopped)));
    }
}
