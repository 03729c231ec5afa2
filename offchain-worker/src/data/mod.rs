//! Data: text packed into one flat stream of tokens, and reading windows of it.
//!
//! A packed dataset is a folder of two files:
//!
//! - `stream.bin`: the bytes of every document, in order, each followed by one zero byte. Text never holds a zero byte, so the
//!   bounds of documents are certain. A byte is a token.
//! - `manifest.json`: title, language, licence, sizes, the BLAKE3 of the whole stream and of each shard, and the root over the
//!   shards. A shard is a range of the stream, of [`SHARD_BYTES`] bytes except the last, so that parts can be fetched and checked
//!   one by one without keeping them twice.
//!
//! The same input gives the same bytes in both files, whenever and wherever it is packed.

mod manifest;
mod pack;
mod stream;
mod text;

pub use manifest::{MANIFEST, Manifest, STREAM, Shard};
pub use pack::{PackOptions, PackSummary, pack};
pub use stream::{Batch, Stream};

use crate::files::FileError;
use sabha_protocol::Digest;
use std::path::PathBuf;

/// Bytes of a shard; the last one may be shorter.
pub const SHARD_BYTES: u64 = 1 << 20;

/// The token that ends a document.
pub const END_OF_DOCUMENT: u8 = 0;

/// What went wrong with data.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Not text.
    #[error("{} is not UTF-8 text: {what} at byte {offset}; leave this file out or convert it", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Where in the file, from 0.
        offset: u64,
        /// What is there.
        what: &'static str,
    },
    /// A file without content.
    #[error("{} is empty: leave it out", .0.display())]
    EmptyFile(PathBuf),
    /// A file of blanks.
    #[error("{} holds nothing but blanks: leave it out", .0.display())]
    BlankFile(PathBuf),
    /// No files at all.
    #[error("nothing to pack: {} holds no files (names that begin with a dot are skipped)", .0.display())]
    NothingToPack(PathBuf),
    /// Neither a file nor a folder.
    #[error("{} is neither a file nor a folder", .0.display())]
    NotAFile(PathBuf),
    /// The output lies within an input.
    #[error("{} lies within the input {}: it would pack itself; choose another folder", output.display(), input.display())]
    OutputInInput {
        /// Where the dataset should be written.
        output: PathBuf,
        /// What should be packed.
        input: PathBuf,
    },
    /// The output holds a dataset.
    #[error("{} holds a dataset already: choose another folder, or pass --replace", .0.display())]
    Exists(PathBuf),
    /// A field of the manifest is unusable.
    #[error("{field} is {value:?}: it must be {expected}")]
    BadField {
        /// The field.
        field: &'static str,
        /// What was given.
        value: String,
        /// What is accepted, in words.
        expected: &'static str,
    },
    /// The manifest cannot be read as one.
    #[error("{} is not a dataset's manifest: {reason}", path.display())]
    BadManifest {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The stream is not what its manifest or specification says.
    #[error("{} is not the stream it should be: {reason}; fetch or pack it again", path.display())]
    WrongStream {
        /// The file.
        path: PathBuf,
        /// What differs.
        reason: String,
    },
    /// A token that the model does not know.
    #[error("{} holds token {token} at {offset}, but model.vocabulary is {vocabulary}", path.display())]
    BadToken {
        /// The file.
        path: PathBuf,
        /// The token.
        token: u32,
        /// Its place in the stream, in tokens.
        offset: u64,
        /// Tokens that the model knows.
        vocabulary: u32,
    },
    /// The stream has no room for one window.
    #[error("the stream has no room for a window of model.context + 1 tokens")]
    NoWindow,
    /// Somebody asked for a stop.
    #[error("it was stopped")]
    Stopped,
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Shortens a digest for messages.
pub(crate) fn short(digest: &Digest) -> String {
    digest.to_string().chars().take(16).collect()
}
