//! Reading windows of a verified token stream.

use crate::{DataError, manifest::stream_path, short};
use sabha_files::FileError;
use sabha_protocol::{
    Digest, RoundIndex, SlotIndex,
    data::{SampleId, window_offset},
    spec::RunSpec,
};
use std::{
    fs::File,
    io::Read,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// A token stream on disk, whose bytes were verified when it was opened. The file must not be changed while it is in use.
#[derive(Debug)]
pub struct Stream {
    file: File,
    path: PathBuf,
    tokens: u64,
    token_bytes: u8,
}

/// The samples of one step: `samples` rows of `context` tokens, and for each token the one that follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Rows.
    pub samples: usize,
    /// Tokens of a row.
    pub context: usize,
    /// Tokens that the model reads, row by row.
    pub inputs: Vec<u32>,
    /// Tokens that the model shall predict, row by row.
    pub targets: Vec<u32>,
}

impl Stream {
    /// Opens the stream in a dataset's folder, or a stream file, and verifies its length and hash.
    ///
    /// # Errors
    /// If it cannot be read or is another stream.
    pub fn open(data: &Path, digest: Digest, tokens: u64, token_bytes: u8) -> Result<Self, DataError> {
        let path = stream_path(data);
        let mut file = File::open(&path).map_err(FileError::of("open", &path))?;
        let size = file.metadata().map_err(FileError::of("read", &path))?.len();
        if Some(size) != tokens.checked_mul(u64::from(token_bytes)) {
            let reason = format!("it has {size} bytes, {tokens} tokens of {token_bytes} bytes are expected");
            return Err(DataError::WrongStream { path, reason });
        }
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = file.read(&mut buffer).map_err(FileError::of("read", &path))?;
            if read == 0 {
                break;
            }
            hasher.update(buffer.get(..read).unwrap_or_default());
        }
        let found = Digest(*hasher.finalize().as_bytes());
        if found != digest {
            let reason = format!("it hashes to {}…, {}… is expected", short(&found), short(&digest));
            return Err(DataError::WrongStream { path, reason });
        }
        Ok(Self { file, path, tokens, token_bytes })
    }

    /// Opens the stream that a specification names.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn of_spec(data: &Path, spec: &RunSpec) -> Result<Self, DataError> {
        Self::open(data, spec.data.stream, spec.data.tokens, spec.data.token_bytes)
    }

    /// The stream's bytes, all of them.
    ///
    /// # Errors
    /// If the stream cannot be read.
    pub fn bytes(&self) -> Result<Vec<u8>, DataError> {
        let size = usize::try_from(self.tokens.saturating_mul(u64::from(self.token_bytes)));
        let mut bytes = vec![0; size.map_err(|_| DataError::NoWindow)?];
        self.file.read_exact_at(&mut bytes, 0).map_err(FileError::of("read", &self.path))?;
        Ok(bytes)
    }

    /// Whether the model knows every token: reads the whole stream. A run over another one is trained all the same, as the
    /// definitions have it ([`windows`](Self::windows)), but nobody can want it.
    ///
    /// # Errors
    /// If the stream cannot be read, or holds a token that the model does not know.
    pub fn check_tokens(&self, vocabulary: u32) -> Result<(), DataError> {
        // No token of this width can be unknown.
        if self.token_bytes < 4 && u64::from(vocabulary) >= 1 << (8 * u32::from(self.token_bytes)) {
            return Ok(());
        }
        const AT_ONCE: u64 = 1 << 16;
        for offset in (0..self.tokens).step_by(AT_ONCE as usize) {
            let count = AT_ONCE.min(self.tokens - offset) as usize;
            for (offset, token) in (offset..).zip(self.read(offset, count)?) {
                if token >= vocabulary {
                    return Err(DataError::BadToken { path: self.path.clone(), token, offset, vocabulary });
                }
            }
        }
        Ok(())
    }

    /// The batch of one step of a slot.
    ///
    /// # Errors
    /// If the stream cannot be read.
    pub fn training_batch(
        &self,
        spec: &RunSpec,
        round: RoundIndex,
        slot: SlotIndex,
        step: u32,
    ) -> Result<Batch, DataError> {
        let offsets: Option<Vec<u64>> = (0..spec.rounds.batch)
            .map(|sample| window_offset(spec, SampleId { round, slot, step, sample }))
            .collect();
        self.windows(spec, &offsets.ok_or(DataError::NoWindow)?)
    }

    /// Windows that begin at these tokens. A token that the model does not know reads as the last one that it knows: so it is
    /// defined (`sabha_numerics::op::Batch`), for a slot must have a result whatever the stream is.
    ///
    /// # Errors
    /// If a window reaches beyond the stream, or the stream cannot be read.
    pub fn windows(&self, spec: &RunSpec, offsets: &[u64]) -> Result<Batch, DataError> {
        let context = spec.model.context as usize;
        let mut batch = Batch { samples: offsets.len(), context, inputs: Vec::new(), targets: Vec::new() };
        for offset in offsets {
            let tokens = self.tokens_at(*offset, context + 1, spec.model.vocabulary)?;
            batch.inputs.extend(tokens.iter().take(context));
            batch.targets.extend(tokens.iter().skip(1));
        }
        Ok(batch)
    }

    /// Where up to `count` windows begin that are spread evenly over the held-out tail, without overlap where it is long enough.
    ///
    /// # Errors
    /// If the tail has no room for one window.
    pub fn heldout_offsets(spec: &RunSpec, count: u32) -> Result<Vec<u64>, DataError> {
        let start = spec.data.tokens.checked_sub(spec.data.heldout_tokens).ok_or(DataError::NoWindow)?;
        let window = u64::from(spec.model.context) + 1;
        let last = spec.data.heldout_tokens.checked_sub(window).ok_or(DataError::NoWindow)?;
        let count = u64::from(count.max(1)).min(spec.data.heldout_tokens / window).max(1);
        Ok((0..count).map(|index| start + last * index / (count - 1).max(1)).collect())
    }

    fn tokens_at(&self, offset: u64, count: usize, vocabulary: u32) -> Result<Vec<u32>, DataError> {
        let last = vocabulary.saturating_sub(1);
        Ok(self.read(offset, count)?.into_iter().map(|token| token.min(last)).collect())
    }

    /// The tokens as they stand in the stream.
    fn read(&self, offset: u64, count: usize) -> Result<Vec<u32>, DataError> {
        if offset.checked_add(count as u64).is_none_or(|end| end > self.tokens) {
            return Err(DataError::NoWindow);
        }
        let width = usize::from(self.token_bytes);
        let mut bytes = vec![0; count * width];
        let at = offset * u64::from(self.token_bytes);
        self.file.read_exact_at(&mut bytes, at).map_err(FileError::of("read", &self.path))?;
        let token =
            |bytes: &[u8]| bytes.iter().rev().fold(0u32, |value, byte| (value << 8) | u32::from(*byte));
        Ok(bytes.chunks_exact(width).map(token).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{text_stream, tiny_spec};

    #[test]
    fn targets_are_the_inputs_shifted_by_one() {
        let (_folder, spec, stream) = text_stream(tiny_spec());
        let batch = stream.windows(&spec, &[5, 0]).unwrap();
        let context = spec.model.context as usize;
        assert_eq!((batch.samples, batch.context), (2, context));
        assert_eq!(batch.inputs[1..context], batch.targets[..context - 1]);
        let again = stream.windows(&spec, &[6]).unwrap();
        assert_eq!(batch.targets[..context], again.inputs[..]);
    }

    #[test]
    fn heldout_windows_stay_in_the_tail_and_cover_it() {
        let (_folder, spec, stream) = text_stream(tiny_spec());
        let tail = spec.data.tokens - spec.data.heldout_tokens;
        for count in [1, 2, 7, u32::MAX] {
            let offsets = Stream::heldout_offsets(&spec, count).unwrap();
            assert!(offsets.len() <= count as usize && offsets.is_sorted());
            assert_eq!(offsets[0], tail);
            stream.windows(&spec, &offsets).unwrap();
            if count > 1 {
                let end = offsets.last().unwrap() + u64::from(spec.model.context) + 1;
                assert_eq!(end, spec.data.tokens);
            }
        }
    }

    #[test]
    fn another_stream_is_refused() {
        let (folder, spec, _stream) = text_stream(tiny_spec());
        let path = folder.path();
        let error = Stream::open(path, Digest([1; 32]), spec.data.tokens, 1).unwrap_err();
        assert!(matches!(error, DataError::WrongStream { .. }), "{error}");
        let error = Stream::open(path, spec.data.stream, spec.data.tokens + 1, 1).unwrap_err();
        assert!(matches!(error, DataError::WrongStream { .. }), "{error}");
        assert!(matches!(
            Stream::open(&path.join("nothing"), spec.data.stream, spec.data.tokens, 1),
            Err(DataError::File(_))
        ));
    }

    #[test]
    fn wide_tokens_are_little_endian_and_unknown_ones_read_as_the_last_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stream.bin");
        let tokens: Vec<u16> = (0..100).map(|i| i * 3).collect();
        let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
        std::fs::write(&path, &bytes).unwrap();
        let stream = Stream::open(folder.path(), Digest::of(&bytes), 100, 2).unwrap();
        assert_eq!(stream.tokens_at(90, 3, 300).unwrap(), [270, 273, 276]);
        assert_eq!(stream.tokens_at(95, 4, 290).unwrap(), [285, 288, 289, 289]);
        let error = stream.check_tokens(290).unwrap_err();
        assert!(matches!(error, DataError::BadToken { token: 291, offset: 97, .. }), "{error}");
        stream.check_tokens(298).unwrap();
        stream.check_tokens(1 << 16).unwrap();
        assert!(matches!(stream.tokens_at(98, 3, 300), Err(DataError::NoWindow)));
        assert!(matches!(stream.tokens_at(u64::MAX, 3, 300), Err(DataError::NoWindow)));
    }
}
