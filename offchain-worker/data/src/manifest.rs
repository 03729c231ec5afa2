//! What a dataset's folder says about itself, and whether it is so.

use crate::{DataError, END_OF_DOCUMENT, SHARD_BYTES, count::TextCount, short, text};
use sabha_files::{self as files, FileError};
use sabha_numerics::merkle_root;
use sabha_protocol::Digest;
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::Read,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// Name of the manifest in a dataset's folder.
pub const MANIFEST: &str = "manifest.json";
/// Name of the token stream in a dataset's folder.
pub const STREAM: &str = "stream.bin";

/// A dataset's manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format: 1.
    pub version: u32,
    /// Title, for people.
    pub title: String,
    /// Language tag, such as `es` or `pt-BR`.
    pub language: String,
    /// Licence, as an SPDX expression where there is one, such as `CC0-1.0`.
    pub licence: String,
    /// Documents in the stream, or images.
    pub documents: u64,
    /// Bytes of text, without the bytes that end documents; of images, of their pixels.
    pub text_bytes: u64,
    /// Tokens in the stream.
    pub tokens: u64,
    /// Bytes of one token; 1: a byte is a token.
    pub token_bytes: u8,
    /// Tokens at the stream's end that are never trained on, unless a specification says otherwise.
    pub heldout_tokens: u64,
    /// BLAKE3 of the stream's bytes.
    pub stream: Digest,
    /// Merkle root over the shards' digests: the dataset's identity.
    pub root: Digest,
    /// More about text that is not tokenised. Older manifests lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Statistics>,
    /// What images are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Images>,
    /// What was tokenised, and by what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
    /// Ranges of the stream, in order, of [`SHARD_BYTES`] bytes each except the last.
    pub shards: Vec<Shard>,
}

/// A range of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Bytes.
    pub bytes: u64,
    /// BLAKE3 of those bytes.
    pub blake3: Digest,
}

/// What the text of a dataset comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// Characters.
    pub characters: u64,
    /// Line feeds.
    pub line_feeds: u64,
    /// Bytes that are not ASCII.
    pub non_ascii_bytes: u64,
    /// Bytes of the shortest document.
    pub shortest_document: u64,
    /// Bytes of the longest document.
    pub longest_document: u64,
}

/// Images of a dataset: records of one size, of a label (two bytes, little-endian) and the pixels, row by row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// Rows of pixels.
    pub height: u32,
    /// Pixels of a row.
    pub width: u32,
    /// Bytes of a pixel: 1 grey, 2 grey and opacity, 3 red, green and blue, 4 those and opacity.
    pub channels: u8,
    /// What the labels stand for, by their numbers.
    pub labels: Vec<String>,
    /// Images with each label.
    pub counts: Vec<u64>,
}

/// Bytes of an image's label.
pub const LABEL_BYTES: u64 = 2;

/// Most labels.
pub const LABELS: usize = 1 << 16;

/// Bytes of an image's pixels, at most.
pub const IMAGE_BYTES: u64 = 1 << 26;

impl Images {
    /// Bytes of an image's pixels.
    pub fn pixels(&self) -> u64 {
        u64::from(self.height).saturating_mul(self.width.into()).saturating_mul(self.channels.into())
    }

    /// Bytes of an image with its label.
    pub fn record_bytes(&self) -> u64 {
        self.pixels().saturating_add(LABEL_BYTES)
    }

    fn check(&self, manifest: &Manifest) -> Result<(), String> {
        if !(1..=IMAGE_BYTES).contains(&self.pixels()) || self.channels > 4 {
            return Err("images has a size that no image here has".into());
        }
        if self.labels.len() != self.counts.len() || !(1..=LABELS).contains(&self.labels.len()) {
            return Err("images has not a count for each label".into());
        }
        let count = self.counts.iter().try_fold(0u64, |sum, count| sum.checked_add(*count));
        let bytes = count.and_then(|count| count.checked_mul(self.record_bytes()));
        if count != Some(manifest.documents) || bytes != Some(manifest.tokens) {
            return Err("images, documents and tokens contradict each other".into());
        }
        Ok(())
    }
}

/// A dataset that was made of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// Root of the dataset whose text it is.
    pub source: Digest,
    /// BLAKE3 of the tokenizer's file.
    pub tokenizer: Digest,
    /// Tokens that the tokenizer knows.
    pub vocabulary: u32,
}

/// Bytes of a manifest, at most: that of some terabytes.
const MANIFEST_BYTES: u64 = 1 << 29;

impl Manifest {
    /// Reads the manifest of the dataset in `folder`. What it says is consistent; the stream is not looked at.
    ///
    /// # Errors
    /// If there is no manifest, or it contradicts itself.
    pub fn read(folder: &Path) -> Result<Self, DataError> {
        let path = folder.join(MANIFEST);
        let bad = |reason: String| DataError::BadManifest { path: path.clone(), reason };
        let size = std::fs::metadata(&path).map_err(FileError::of("read", &path))?.len();
        if size > MANIFEST_BYTES {
            return Err(bad(format!("it has {size} bytes, more than {MANIFEST_BYTES}")));
        }
        let bytes = files::read(&path)?;
        Self::from_bytes(&bytes).map_err(bad)
    }

    /// From the bytes of a manifest's file.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        manifest.check().map(|()| manifest)
    }

    /// The bytes of its file: one way to write each manifest.
    ///
    /// # Errors
    /// None that anybody has seen.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| error.to_string())?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Bytes of the stream.
    pub fn bytes(&self) -> u64 {
        self.tokens.saturating_mul(self.token_bytes.into())
    }

    /// Whether it is text that was not tokenised.
    pub fn is_text(&self) -> bool {
        self.images.is_none() && self.view.is_none()
    }

    /// The root over `shards`.
    pub fn root_of(shards: &[Shard]) -> Digest {
        let leaves: Vec<[u8; 32]> = shards.iter().map(|shard| shard.blake3.0).collect();
        Digest(merkle_root(&leaves))
    }

    /// Reads the whole stream and compares it with the manifest, shard by shard, and what it holds with the manifest's counts. `progress` is told the bytes read so far and in
    /// all, and may stop the work.
    ///
    /// # Errors
    /// The first shard or count that differs, a file that cannot be read, or [`DataError::Stopped`].
    pub fn verify(
        &self,
        folder: &Path,
        mut progress: impl FnMut(u64, u64) -> ControlFlow<()>,
    ) -> Result<(), DataError> {
        let path = folder.join(STREAM);
        let (mut file, size) = self.open(folder)?;
        let wrong = |reason: String| DataError::WrongStream { path: path.clone(), reason };
        let (mut whole, mut done) = (blake3::Hasher::new(), 0u64);
        let mut contents = self.contents();
        for (index, shard) in self.shards.iter().enumerate() {
            let mut bytes = vec![0; usize::try_from(shard.bytes).unwrap_or(usize::MAX)];
            file.read_exact(&mut bytes).map_err(FileError::of("read", &path))?;
            let digest = Digest::of(&bytes);
            if digest != shard.blake3 {
                return Err(wrong(format!(
                    "shard {index} (from byte {}) hashes to {}…, the manifest says {}…",
                    index as u64 * SHARD_BYTES,
                    short(&digest),
                    short(&shard.blake3)
                )));
            }
            whole.update(&bytes);
            contents.add(&bytes, done).map_err(wrong)?;
            done = done.saturating_add(shard.bytes);
            if progress(done, size).is_break() {
                return Err(DataError::Stopped);
            }
        }
        let digest = Digest(*whole.finalize().as_bytes());
        if digest != self.stream {
            let (found, said) = (short(&digest), short(&self.stream));
            return Err(wrong(format!("it hashes to {found}…, the manifest says {said}…")));
        }
        contents.end().map_err(wrong)
    }

    pub(crate) fn contents(&self) -> Contents<'_> {
        Contents::of(self)
    }

    /// Looks whether the stream is there and as long as the manifest says, without reading it.
    ///
    /// # Errors
    /// If it is not.
    pub fn check_size(&self, folder: &Path) -> Result<(), DataError> {
        self.open(folder).map(drop)
    }

    /// The stream and its size, which is as the manifest says.
    fn open(&self, folder: &Path) -> Result<(File, u64), DataError> {
        let path = folder.join(STREAM);
        let file = File::open(&path).map_err(FileError::of("open", &path))?;
        let size = file.metadata().map_err(FileError::of("read", &path))?.len();
        if size != self.bytes() {
            let reason = format!("it has {size} bytes, the manifest says {} tokens", self.tokens);
            return Err(DataError::WrongStream { path, reason });
        }
        Ok((file, size))
    }

    /// Whether the manifest agrees with itself; else what is wrong.
    fn check(&self) -> Result<(), String> {
        if self.version != 1 {
            return Err(format!("version is {}, this release knows version 1", self.version));
        }
        let widths: &[u8] = if self.view.is_some() { &[1, 2, 4] } else { &[1] };
        if !widths.contains(&self.token_bytes) {
            return Err(format!("token_bytes is {}: it can be one of {widths:?}", self.token_bytes));
        }
        let bytes = self.tokens.checked_mul(self.token_bytes.into()).ok_or("tokens is too large")?;
        let mut left = bytes;
        for (index, shard) in self.shards.iter().enumerate() {
            if shard.bytes == 0 || shard.bytes != left.min(SHARD_BYTES) {
                return Err(format!("shard {index} has {} bytes", shard.bytes));
            }
            left -= shard.bytes;
        }
        if left != 0 || self.shards.is_empty() {
            return Err(format!("the shards leave {left} of {bytes} bytes out"));
        }
        if Self::root_of(&self.shards) != self.root {
            return Err("root is not the root over the shards".into());
        }
        if self.heldout_tokens > self.tokens {
            return Err("heldout_tokens is more than tokens".into());
        }
        if self.view.is_some() && (self.images.is_some() || self.statistics.is_some()) {
            return Err("a view has neither images nor statistics".into());
        }
        if self.is_text() && self.text_bytes.checked_add(self.documents) != Some(self.tokens) {
            return Err("text_bytes and documents are not the stream's tokens".into());
        }
        self.images.as_ref().map_or(Ok(()), |images| images.check(self))
    }
}

/// What a stream holds, to be compared with what its manifest says.
pub(crate) struct Contents<'a> {
    manifest: &'a Manifest,
    count: TextCount,
    /// The beginning of a character whose rest is in the next shard.
    begun: Vec<u8>,
    /// Whether nothing but blanks came of the document so far.
    blank: bool,
    labels: Vec<u64>,
    /// The first byte of a label whose second one is in the next shard.
    low: u8,
}

impl<'a> Contents<'a> {
    fn of(manifest: &'a Manifest) -> Self {
        let labels = manifest.images.as_ref().map_or(0, |images| images.labels.len());
        let (count, begun) = (TextCount::default(), Vec::new());
        Self { manifest, count, begun, blank: true, labels: vec![0; labels], low: 0 }
    }

    /// A shard, from the byte `at` on.
    pub(crate) fn add(&mut self, bytes: &[u8], at: u64) -> Result<(), String> {
        if let Some(images) = &self.manifest.images {
            return self.add_images(bytes, at, images.record_bytes());
        }
        if !self.manifest.is_text() {
            return Ok(());
        }
        for (index, part) in bytes.split(|byte| *byte == END_OF_DOCUMENT).enumerate() {
            if index > 0 {
                self.end_document()?;
            }
            if self.begun.is_empty() {
                self.begun = self.piece(part)?.to_vec();
            } else {
                let joined = [std::mem::take(&mut self.begun).as_slice(), part].concat();
                self.begun = self.piece(&joined)?.to_vec();
            }
        }
        Ok(())
    }

    /// Counts the whole characters, and returns the rest.
    fn piece<'b>(&mut self, part: &'b [u8]) -> Result<&'b [u8], String> {
        let document = self.count.documents;
        let text = text::characters(part, false)
            .map_err(|(_, what)| format!("there is {what} in document {document}"))?;
        self.blank = self.blank && text::is_blank(text);
        self.count.add(text.as_bytes());
        Ok(part.get(text.len()..).unwrap_or_default())
    }

    fn end_document(&mut self) -> Result<(), String> {
        if !self.begun.is_empty() {
            return Err(format!("document {} ends within a character", self.count.documents));
        }
        if !std::mem::replace(&mut self.blank, true) {
            self.count.end();
            return Ok(());
        }
        Err(format!("document {} is empty, or holds nothing but blanks", self.count.documents))
    }

    fn add_images(&mut self, bytes: &[u8], at: u64, record: u64) -> Result<(), String> {
        // From the label that begins before this shard on, if one does.
        let mut place = match at.checked_rem(record) {
            Some(0) | None => 0,
            Some(1) => -1,
            Some(into) => i64::try_from(record - into).unwrap_or(i64::MAX),
        };
        let byte = |at: i64| usize::try_from(at).ok().and_then(|at| bytes.get(at).copied());
        while place < bytes.len() as i64 {
            let low = byte(place).unwrap_or(self.low);
            match byte(place + 1) {
                None => self.low = low,
                Some(high) => {
                    let label = u16::from_le_bytes([low, high]);
                    let count = self.labels.get_mut(usize::from(label));
                    *count.ok_or_else(|| format!("there is an image with the label {label}"))? += 1;
                }
            }
            place = place.saturating_add(i64::try_from(record).unwrap_or(i64::MAX));
        }
        Ok(())
    }

    pub(crate) fn end(&self) -> Result<(), String> {
        let manifest = self.manifest;
        let differs = |what: &str, found: &dyn std::fmt::Debug, said: &dyn std::fmt::Debug| {
            Err(format!("the manifest says {what} {said:?}, and it is {found:?}"))
        };
        if let Some(images) = &manifest.images {
            if images.counts != self.labels {
                return differs("images.counts", &self.labels, &images.counts);
            }
            return Ok(());
        }
        if !manifest.is_text() {
            return Ok(());
        }
        if !self.count.is_complete() || !self.begun.is_empty() {
            return Err("its last document has no end".into());
        }
        if self.count.documents != manifest.documents {
            return differs("documents", &self.count.documents, &manifest.documents);
        }
        if self.count.bytes != manifest.text_bytes {
            return differs("text_bytes", &self.count.bytes, &manifest.text_bytes);
        }
        match &manifest.statistics {
            Some(said) if *said != self.count.statistics() => {
                differs("statistics", &self.count.statistics(), said)
            }
            _ => Ok(()),
        }
    }
}

/// The stream of the dataset in `data`; `data` may also be a stream file itself.
pub fn stream_path(data: &Path) -> PathBuf {
    if data.is_dir() { data.join(STREAM) } else { data.to_path_buf() }
}
